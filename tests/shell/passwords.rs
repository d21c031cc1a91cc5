//! What the password of an Account costs: these requests, and no others.

use chatelaine::{api::AccessToken, controller::queue::Again};
use serde_json::{Value, json};

use crate::stage::{Stage, ledger};

const STATUS: &str = "PUT accounts/alice/status";
const SECRET: &str = "alice-password";

fn stage() -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.delete_object("ci");
    stage.account(json!({"email": "alice@example.com", "password": {}}));
    stage
}

fn see(stage: &mut Stage<AccessToken>) {
    stage.see_account();
    stage.see_secret(SECRET);
    stage.see_secret("chatelaine-held-uid-alice");
}

/// Passes until nothing is asked any more; what was asked for.
async fn rest(stage: &mut Stage<AccessToken>) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..20 {
        see(stage);
        let outcome = stage.look_at_account().await.expect("a pass");
        let asked = stage.server.asked();
        let making = condition(stage, "Reconciling")["reason"] == "Minting";
        if asked.is_empty() && !making {
            assert!(!matches!(outcome, Again::In(pause) if pause.as_secs() < 1), "{outcome:?}");
            return all;
        }
        all.extend(asked);
        if making {
            // The hash is made elsewhere, in real time.
            std::thread::sleep(std::time::Duration::from_millis(50));
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
    }
    panic!("it never comes to rest: {all:#?}");
}

fn account(stage: &Stage<AccessToken>) -> Value {
    stage.server.get("accounts", "alice").expect("it is there")
}

fn condition(stage: &Stage<AccessToken>, kind: &str) -> Value {
    let account = account(stage);
    let all = account["status"]["password"]["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|one| one["type"] == kind).unwrap_or_default()
}

fn edit(stage: &mut Stage<AccessToken>, edit: impl FnOnce(&mut Value)) {
    let mut object = account(stage);
    edit(&mut object);
    stage.server.put("accounts", object);
}

fn secrets(asked: &[String]) -> Vec<&str> {
    asked.iter().map(String::as_str).filter(|one| one.contains("secrets")).collect()
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_one_create_and_a_rotation_one_read_and_one_replace_and_then_nothing() {
    let mut stage = stage();
    let asked = rest(&mut stage).await;
    assert_eq!(secrets(&asked), ["POST secrets"], "{asked:?}");
    // That the hash is being made, that it is there, and the Account's own picture of that.
    assert!(
        asked.len() - 1 <= 4 && asked.iter().all(|one| one == STATUS || one == "POST secrets"),
        "{asked:?}"
    );
    assert_eq!(ledger(&stage.secret(SECRET))["revision"], 1);
    assert_eq!(account(&stage)["status"]["password"]["revision"], 1);
    assert_eq!(stage.secret(SECRET)["type"], "kubernetes.io/basic-auth");
    assert_eq!(rest(&mut stage).await, [""; 0], "a quiet pass asks for nothing");

    edit(&mut stage, |account| {
        account["metadata"]["annotations"]["chatelaine.dev/rotate-password"] = json!("1")
    });
    let asked = rest(&mut stage).await;
    let written: Vec<_> = secrets(&asked).into_iter().filter(|one| !one.starts_with("GET")).collect();
    assert_eq!(written, ["PUT secrets/alice-password"], "{asked:?}");
    let page = ledger(&stage.secret(SECRET));
    assert_eq!((&page["revision"], &page["previous"]), (&json!(2), &Value::Null), "the old one ends at once");
    assert_eq!(rest(&mut stage).await, [""; 0], "one value, one rotation");
}

#[tokio::test(start_paused = true)]
async fn the_triggers_for_credentials_and_their_defaults_and_limits_are_not_for_the_password() {
    let mut stage = stage();
    rest(&mut stage).await;
    let before = stage.secret(SECRET);
    for trigger in ["rotate", "revoke", "retire", "rollback"] {
        edit(&mut stage, |account| {
            account["metadata"]["annotations"][format!("chatelaine.dev/{trigger}")] = json!("now");
        });
    }
    edit(&mut stage, |account| {
        account["spec"]["credentialDefaults"] = json!({"lifetime": "1d", "overlap": "1h"});
        account["spec"]["limits"] = json!({"maxLifetime": "1h", "accessTokens": 0});
    });
    rest(&mut stage).await;
    assert_eq!(stage.secret(SECRET), before);
    assert_eq!(account(&stage)["status"]["password"]["expiry"], "Never Expires");
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_damaged_is_made_again_for_the_same_password_and_revision() {
    let mut stage = stage();
    rest(&mut stage).await;
    let before = stage.secret(SECRET);
    for damage in [json!("dHlwZWQgb3Zlcg=="), Value::Null] {
        let mut damaged = stage.secret(SECRET);
        match damage.is_null() {
            true => drop(damaged["data"].as_object_mut().expect("data").remove("htpasswd")),
            false => damaged["data"]["htpasswd"] = damage,
        }
        stage.server.put("secrets", damaged);
        let asked = rest(&mut stage).await;
        assert!(asked.iter().any(|one| one == "PUT secrets/alice-password"), "{asked:?}");
        let after = stage.secret(SECRET);
        assert_eq!(after["data"]["password"], before["data"]["password"]);
        assert_ne!(after["data"]["htpasswd"], before["data"]["htpasswd"]);
        assert_eq!(ledger(&after)["revision"], 1);
        assert_eq!(account(&stage)["status"]["password"]["id"], ledger(&after)["id"]);
        assert_eq!(rest(&mut stage).await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_any_more_is_destroyed_and_a_strangers_secret_is_not() {
    let mut stage = stage();
    rest(&mut stage).await;
    edit(&mut stage, |account| account["spec"]["password"] = Value::Null);
    let asked = rest(&mut stage).await;
    assert_eq!(
        asked,
        [
            "GET secrets/chatelaine-held-uid-alice",
            "GET secrets/alice-password",
            "DELETE secrets/alice-password",
            STATUS
        ]
    );
    assert_eq!(account(&stage)["status"].get("password"), None);
    assert_eq!(rest(&mut stage).await, [""; 0]);

    stage.server.put("secrets", json!({"metadata": {"name": SECRET, "namespace": "ns", "uid": "s"}}));
    edit(&mut stage, |account| account["spec"]["password"] = json!({}));
    for _ in 0..3 {
        see(&mut stage);
        stage.look_at_account().await.expect("a pass");
    }
    assert!(stage.server.asked().iter().all(|one| one == STATUS || one == "GET secrets/alice-password"));
    assert_eq!(condition(&stage, "Ready")["reason"], "SecretConflict");
    let ready = account(&stage)["status"]["conditions"][0].clone();
    assert_eq!((&ready["type"], &ready["reason"]), (&json!("Ready"), &json!("SecretConflict")));
    edit(&mut stage, |account| account["spec"]["password"] = Value::Null);
    rest(&mut stage).await;
    assert_eq!(stage.secret(SECRET)["metadata"]["uid"], "s");
}
