//! When the line of a password that somebody brings stays, and when another comes: withheld, lost, restored, and with two
//! operators.

use chatelaine::{
    api::{AccessToken, LEDGER},
    controller::brought_passwords::forget,
};
use data_encoding::BASE64;
use http::Method;
use serde_json::{Value, json};

use crate::{
    brought_passwords::{
        COPY, GET_LOGIN, GET_SECRET, SECRET, a_minute_later, account, brought, edit, issued, keys, lets_in,
        login, page, pass, rest, says, stage_with, woken,
    },
    server::{Answer, Fault, Phase},
    stage::Stage,
};

#[tokio::test(start_paused = true)]
async fn what_is_withheld_comes_back_byte_for_byte_also_after_a_restart() {
    let mut stage = issued().await;
    let before = stage.secret(SECRET)["data"].clone();
    for restart in [false, true] {
        edit(&mut stage, |account| account["spec"]["active"] = json!(false));
        rest(&mut stage).await;
        assert_eq!(keys(&stage), ["username"]);
        if restart {
            forget(&stage.keeper.house, "uid-alice");
            let asked = rest(&mut stage).await;
            assert_eq!(asked, [GET_LOGIN, GET_SECRET, &format!("GET secrets/{COPY}")]);
        }
        edit(&mut stage, |account| account["spec"]["active"] = json!(true));
        rest(&mut stage).await;
        assert_eq!((&stage.secret(SECRET)["data"], &page(&stage)["revision"]), (&before, &json!(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_password_that_changed_while_it_was_withheld_gives_the_new_line_when_it_is_back() {
    let mut stage = issued().await;
    edit(&mut stage, |account| account["spec"]["active"] = json!(false));
    rest(&mut stage).await;
    login(&stage, b"battery staple");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!((keys(&stage), &page(&stage)["revision"]), (vec!["username".to_owned()], &json!(1)));
    edit(&mut stage, |account| account["spec"]["active"] = json!(true));
    rest(&mut stage).await;
    assert!(lets_in(&stage, "battery staple"));
    assert_eq!(page(&stage)["revision"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_or_damaged_line_comes_back_as_the_next_revision() {
    for damage in ["lost", "damaged"] {
        let mut stage = issued().await;
        let mut secret = stage.secret(SECRET);
        let mut page_ = page(&stage);
        page_["issueTime"] = json!("2020-01-01T00:00:00Z");
        secret["metadata"]["annotations"][LEDGER] = json!(page_.to_string());
        stage.server.put("secrets", secret.clone());
        rest(&mut stage).await;
        match damage {
            "lost" => stage.server.remove("secrets", SECRET),
            _ => {
                let mut damaged = stage.secret(SECRET);
                damaged["data"]["htpasswd"] = json!(BASE64.encode(b"alice:$2y$10$typed over it"));
                stage.server.put("secrets", damaged);
            }
        }
        rest(&mut stage).await;
        assert!(lets_in(&stage, "correct horse"), "{damage}");
        assert_eq!((&page(&stage)["revision"], keys(&stage).len()), (&json!(2), 2), "{damage}");
        let reason = if damage == "lost" { "SecretRecreated" } else { "SecretRepaired" };
        assert_eq!(says(&stage, "Ready"), format!("True {reason}"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_for_a_while_changes_nothing() {
    let mut stage = issued().await;
    let before = (stage.secret(SECRET), account(&stage));
    a_minute_later().await;
    for _ in 0..2 {
        let (phase, answer) = (Phase::Before, Answer::Status(500));
        stage.server.spoil(Fault { method: Method::GET, path: "secrets/login", phase, answer });
    }
    assert_eq!(rest(&mut stage).await, [GET_LOGIN, GET_LOGIN]);
    assert_eq!((stage.secret(SECRET), account(&stage)), before);
    login(&stage, b"battery staple");
    a_minute_later().await;
    rest(&mut stage).await;
    assert!(lets_in(&stage, "battery staple"), "it is looked at again");
}

/// One pass of each, and what is hashed for it.
async fn hash(stage: &mut Stage<AccessToken>) {
    pass(stage).await;
    woken(stage).await;
}

#[tokio::test(start_paused = true)]
async fn two_operators_with_two_lines_for_one_password_agree_on_the_first_that_is_there() {
    let mut one = stage_with(brought());
    let mut other = one.another_operator();
    login(&one, b"correct horse");
    for password in [b"correct horse", b"horse battery"] {
        login(&one, password);
        a_minute_later().await;
        // Each has hashed for itself before either has written.
        hash(&mut one).await;
        hash(&mut other).await;
        other.see_account();
        rest(&mut one).await;
        let first = one.secret(SECRET)["data"].clone();
        // The other one's caches do not show that Secret yet.
        other.see_account();
        let _ = other.look_at_account().await;
        for _ in 0..3 {
            rest(&mut other).await;
            rest(&mut one).await;
        }
        assert_eq!(one.secret(SECRET)["data"], first);
        assert!(lets_in(&one, str::from_utf8(password).unwrap()));
        assert_eq!(rest(&mut one).await, [""; 0]);
        assert_eq!(rest(&mut other).await, [""; 0]);
    }
    assert_eq!(page(&one)["revision"], 2, "one for each password");
    login(&one, b"staple horse");
    a_minute_later().await;
    rest(&mut other).await;
    assert!(lets_in(&one, "staple horse"), "the other one can go on alone");
}

#[tokio::test(start_paused = true)]
async fn what_a_backup_brought_back_keeps_its_line() {
    let mut stage = issued().await;
    let before = stage.secret(SECRET)["data"].clone();
    let mut secret = stage.secret(SECRET);
    secret["metadata"]["ownerReferences"] = Value::Null;
    stage.server.put("secrets", secret);
    // The Account is another one now, and knows of no past.
    edit(&mut stage, |account| {
        account["metadata"]["uid"] = json!("uid-again");
        account["status"] = Value::Null;
    });
    rest(&mut stage).await;
    assert_eq!((&stage.secret(SECRET)["data"], &page(&stage)["revision"]), (&before, &json!(1)));
    assert_eq!(page(&stage)["owner"]["uid"], "uid-again");
    assert_eq!(says(&stage, "Ready"), "True Restored");
}
