//! What a password costs that somebody brings, and what becomes of its line.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, LEDGER},
    controller::{brought_passwords::forget, queue::Again},
    core::reason::Reason,
};
use data_encoding::BASE64;
use http::Method;
use serde_json::{Value, json};

use crate::{
    server::{Answer, Fault, Phase},
    stage::{Stage, ledger},
};

const STATUS: &str = "PUT accounts/alice/status";
const SECRET: &str = "alice-password";
const GET_SECRET: &str = "GET secrets/alice-password";
const PUT_SECRET: &str = "PUT secrets/alice-password";
const GET_LOGIN: &str = "GET secrets/login";
const COPY: &str = "chatelaine-held-uid-alice";

fn brought() -> Value {
    json!({"secretRef": {"name": "login", "key": "password"}})
}

fn stage_with(password: Value) -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.delete_object("ci");
    stage.account(json!({"email": "alice@example.com", "password": password}));
    stage
}

fn login(stage: &Stage<AccessToken>, password: &[u8]) {
    let data = json!({"password": BASE64.encode(password)});
    let metadata = json!({"name": "login", "namespace": "ns", "uid": "uid-login"});
    stage.server.put("secrets", json!({"metadata": metadata, "data": data}));
}

async fn issued() -> Stage<AccessToken> {
    let mut stage = stage_with(brought());
    login(&stage, b"correct horse\n");
    rest(&mut stage).await;
    assert_eq!(page(&stage)["revision"], 1);
    stage
}

/// One pass, with caches that show what is there.
async fn pass(stage: &mut Stage<AccessToken>) -> Again {
    stage.see_account();
    stage.see_secret(SECRET);
    stage.see_secret(COPY);
    stage.look_at_account().await.expect("a pass")
}

/// Passes until nothing is asked any more and nothing is hashed; what was asked for.
async fn rest(stage: &mut Stage<AccessToken>) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..20 {
        pass(stage).await;
        let asked = stage.server.asked();
        let is_quiet = asked.iter().all(|one| one.starts_with("GET"));
        all.extend(asked);
        if !woken(stage).await && is_quiet {
            return all;
        }
    }
    panic!("it never comes to rest: {all:#?}");
}

/// Whether the Account is to be looked at again, once all is hashed: the clock stands still until then.
async fn woken(stage: &Stage<AccessToken>) -> bool {
    let queue = &stage.keeper.house.queue;
    let mut woken = false;
    while let Ok(key) = tokio::time::timeout(Duration::from_millis(1), queue.next()).await {
        queue.done(&key, Again::Never);
        woken = true;
    }
    woken
}

async fn a_minute_later() {
    tokio::time::advance(Duration::from_secs(61)).await;
}

fn account(stage: &Stage<AccessToken>) -> Value {
    stage.server.get("accounts", "alice").expect("it is there")
}

fn edit(stage: &mut Stage<AccessToken>, edit: impl FnOnce(&mut Value)) {
    let mut object = account(stage);
    edit(&mut object);
    stage.server.put("accounts", object);
}

/// `Type=Status Reason` of a condition of the password.
fn says(stage: &Stage<AccessToken>, kind: &str) -> String {
    let account = account(stage);
    let all = account["status"]["password"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["type"] == kind);
    let text = |one: &Value, field: &str| one[field].as_str().expect("text").to_owned();
    found.map_or_else(String::new, |one| format!("{} {}", text(one, "status"), text(one, "reason")))
}

fn page(stage: &Stage<AccessToken>) -> Value {
    ledger(&stage.secret(SECRET))
}

fn keys(stage: &Stage<AccessToken>) -> Vec<String> {
    stage.secret(SECRET)["data"].as_object().expect("data").keys().cloned().collect()
}

fn value(stage: &Stage<AccessToken>, key: &str) -> String {
    let value = stage.secret(SECRET)["data"][key].as_str().expect("it is there").to_owned();
    String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap()
}

fn lets_in(stage: &Stage<AccessToken>, password: &str) -> bool {
    let line = value(stage, "htpasswd");
    bcrypt::verify(password, line.strip_prefix("alice:").expect("her line")).expect("a hash")
}

fn writes(asked: &[String]) -> Vec<&str> {
    asked.iter().map(String::as_str).filter(|one| !one.starts_with("GET") && *one != STATUS).collect()
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_one_read_and_one_create_and_a_quiet_pass_asks_once_a_minute() {
    let mut stage = stage_with(brought());
    login(&stage, b"correct horse\n");
    let asked = rest(&mut stage).await;
    assert_eq!(asked, [GET_LOGIN, STATUS, "POST secrets", STATUS, STATUS]);
    assert_eq!(keys(&stage), ["htpasswd", "username"], "no copy of the password");
    assert_eq!(stage.secret(SECRET)["type"], "kubernetes.io/basic-auth");
    assert!(lets_in(&stage, "correct horse"));
    assert!(page(&stage)["digest"].as_str().unwrap().starts_with("htpasswd-sha256:"));
    assert_eq!(says(&stage, "Ready"), "True Issued");
    let again = pass(&mut stage).await;
    assert!(matches!(again, Again::In(pause, _) if pause <= Duration::from_secs(60)), "{again:?}");
    assert_eq!(stage.server.asked(), [""; 0]);
    a_minute_later().await;
    assert_eq!(rest(&mut stage).await, [GET_LOGIN], "its version, no more");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_written() {
    let mut stage = issued().await;
    let before = (stage.secret(SECRET), account(&stage));
    forget(&stage.keeper.house, "uid-alice");
    assert_eq!(rest(&mut stage).await, [GET_LOGIN, GET_SECRET]);
    assert_eq!((stage.secret(SECRET), account(&stage)), before);
}

#[tokio::test(start_paused = true)]
async fn another_password_is_the_next_revision_in_one_write_and_the_old_line_ends_at_once() {
    let mut stage = issued().await;
    stage.told();
    login(&stage, b"battery staple");
    assert_eq!(rest(&mut stage).await, [""; 0], "nobody says so");
    a_minute_later().await;
    let asked = rest(&mut stage).await;
    assert_eq!(asked[..2], [GET_LOGIN, GET_LOGIN], "its version, and then itself");
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    let page = page(&stage);
    assert_eq!((&page["revision"], &page["previous"]), (&json!(2), &Value::Null));
    assert_eq!(page["history"][1]["reason"], "Rotated");
    assert!(lets_in(&stage, "battery staple") && !lets_in(&stage, "correct horse"));
    assert_eq!(stage.told(), [Reason::Rotated]);
}

#[tokio::test(start_paused = true)]
async fn a_touched_secret_with_the_same_password_changes_nothing() {
    let mut stage = issued().await;
    let before = (stage.secret(SECRET), account(&stage));
    login(&stage, b"correct horse");
    a_minute_later().await;
    assert_eq!(rest(&mut stage).await, [GET_LOGIN, GET_LOGIN]);
    assert_eq!((stage.secret(SECRET), account(&stage)), before);
}

#[tokio::test(start_paused = true)]
async fn from_a_generated_password_to_one_that_is_brought_and_back_is_one_write_each() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    let generated = value(&stage, "password");
    // The same password again, in the user's own Secret: it leaves this one all the same.
    login(&stage, generated.as_bytes());
    edit(&mut stage, |account| account["spec"]["password"] = brought());
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    assert_eq!(keys(&stage), ["htpasswd", "username"]);
    assert_eq!((&page(&stage)["revision"], &page(&stage)["previous"]), (&json!(2), &Value::Null));
    assert!(lets_in(&stage, &generated));

    edit(&mut stage, |account| account["spec"]["password"] = json!({}));
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), [PUT_SECRET], "{asked:?}");
    assert_eq!(keys(&stage), ["htpasswd", "password", "username"]);
    assert_eq!(page(&stage)["revision"], 3);
    assert_ne!(value(&stage, "password"), generated);
    assert!(lets_in(&stage, &value(&stage, "password")));
    assert_eq!(rest(&mut stage).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn until_the_password_can_be_had_the_generated_one_stays_whole() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    let before = stage.secret(SECRET)["data"].clone();
    edit(&mut stage, |account| {
        account["spec"]["password"] = brought();
        account["metadata"]["annotations"]["chatelaine.dev/rotate-password"] = json!("1");
    });
    rest(&mut stage).await;
    assert_eq!(stage.secret(SECRET)["data"], before);
    assert_eq!(says(&stage, "Ready"), "True Issued", "what is valid is served");
    assert_eq!(says(&stage, "Reconciling"), "True PasswordNotFound");
}

#[tokio::test(start_paused = true)]
async fn without_the_password_nothing_is_made_and_it_is_looked_for_soon_and_then_each_minute() {
    let mut stage = stage_with(brought());
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let Again::In(pause, _) = pass(&mut stage).await else { panic!("it is looked for again") };
        pauses.push(pause.as_secs_f32().ceil() as u64);
        tokio::time::advance(pause).await;
    }
    assert!(pauses.iter().any(|pause| *pause <= 1) && pauses[11] >= 59, "{pauses:?}");
    assert!(stage.server.asked().iter().all(|one| one == GET_LOGIN || one == STATUS));
    assert_eq!(says(&stage, "Ready"), "False PasswordNotFound");
    assert_eq!(says(&stage, "Reconciling"), "True PasswordNotFound");
    login(&stage, b"at last it is here");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!(page(&stage)["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_password_is_refused_with_advice_and_a_live_line_stays() {
    let mut live = issued().await;
    let before = live.secret(SECRET);
    let mut blank = stage_with(brought());
    let long = [b'x'; 73];
    for (password, reason, advice) in [
        (&b""[..], "PasswordNotFound", "is empty: put the password there"),
        (b"\n", "PasswordNotFound", "is empty: put the password there"),
        (b"1234567", "InvalidPassword", "choose a longer one"),
        (&long, "InvalidPassword", "choose a shorter one"),
        (b"not text \xff\xfe", "InvalidPassword", "is not text"),
        (b"of two\nlines", "InvalidPassword", "line breaks"),
        (b"with a NUL \0", "InvalidPassword", "control characters"),
    ] {
        for stage in [&mut live, &mut blank] {
            login(stage, password);
            a_minute_later().await;
            let asked = rest(stage).await;
            assert_eq!(writes(&asked), [""; 0], "{advice}");
            let told = account(stage)["status"].to_string();
            assert!(told.contains(advice) && told.contains("key password of the Secret login"), "{told}");
            let text = String::from_utf8_lossy(password);
            assert!(text.trim().is_empty() || !told.contains(&*text), "{told}");
            let hint = if reason == "InvalidPassword" { "Stalled" } else { "Reconciling" };
            assert_eq!(says(stage, hint), format!("True {reason}"));
        }
        assert_eq!(live.secret(SECRET), before, "{advice}");
        assert!(blank.server.get("secrets", SECRET).is_none(), "{advice}");
    }
    login(&live, b"correct horse");
    a_minute_later().await;
    rest(&mut live).await;
    assert_eq!((live.secret(SECRET), says(&live, "Ready")), (before, "True Issued".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn the_trigger_changes_nothing_and_that_is_said() {
    let mut stage = issued().await;
    let before = stage.secret(SECRET)["data"].clone();
    stage.told();
    edit(&mut stage, |account| {
        account["metadata"]["annotations"]["chatelaine.dev/rotate-password"] = json!("1");
    });
    assert_eq!(writes(&rest(&mut stage).await), [PUT_SECRET], "it is recorded");
    assert_eq!(stage.secret(SECRET)["data"], before);
    assert_eq!((&page(&stage)["revision"], &page(&stage)["handled"]["rotate"]), (&json!(1), &json!(["1"])));
    assert_eq!(stage.told(), [Reason::Updated]);
    assert_eq!(rest(&mut stage).await, [""; 0]);
}

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

#[tokio::test(start_paused = true)]
async fn the_users_secret_is_never_written_and_goes_with_nothing() {
    let mut stage = issued().await;
    login(&stage, b"battery staple");
    let before = stage.secret("login");
    a_minute_later().await;
    rest(&mut stage).await;
    edit(&mut stage, |account| account["spec"]["password"] = Value::Null);
    let asked = rest(&mut stage).await;
    assert_eq!(writes(&asked), ["DELETE secrets/alice-password"], "{asked:?}");
    assert_eq!(stage.secret("login"), before);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_asked_for_reads_the_users_secret_at_once() {
    let mut stage = issued().await;
    login(&stage, b"battery staple");
    edit(&mut stage, |account| {
        account["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"] = json!("now");
    });
    rest(&mut stage).await;
    assert!(lets_in(&stage, "battery staple"));
}
