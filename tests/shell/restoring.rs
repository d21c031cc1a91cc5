//! Waiting for a restore: a live look each time, nothing written but the status, and the Secret that comes is taken back.

use std::time::Duration;

use chatelaine::{
    api::{AWAIT_RESTORE, AccessToken, LEDGER, REVOKE, ROTATE, SshKey},
    controller::queue::Again,
    core::reason::Reason,
};
use serde_json::{Value, json};

use crate::{
    output::value,
    stage::{Stage, ledger},
};

/// A Secret that was made for an object of the same name that is gone.
async fn left_over() -> Value {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    let mut secret = stage.secret("ci");
    let mut ledger = stage.ledger();
    ledger["owner"]["uid"] = json!("uid-before");
    secret["metadata"]["annotations"][LEDGER] = json!(ledger.to_string());
    secret["metadata"]["ownerReferences"] = json!(null);
    secret["metadata"]["uid"] = json!("uid-restored");
    secret
}

async fn waiting() -> Stage<AccessToken> {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.annotate(AWAIT_RESTORE, "yes");
    let again = stage.look().await;
    assert!(matches!(again, Ok(Again::In(rest)) if rest > Duration::from_secs(50)), "{again:?}");
    assert_eq!(stage.server.asked(), ["GET secrets/ci".to_owned(), stage.status_path()]);
    assert_eq!(stage.condition("Reconciling")["reason"], "AwaitingRestore");
    stage.see();
    stage
}

#[tokio::test(start_paused = true)]
async fn while_a_restore_is_awaited_each_look_is_one_read_and_nothing_is_written() {
    let stage = waiting().await;
    for _ in 0..3 {
        stage.look().await.expect("still waiting");
        assert_eq!(stage.server.asked(), ["GET secrets/ci"]);
    }
    assert!(stage.server.published("ci").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_restored_secret_that_no_watch_shows_is_found_all_the_same() {
    let mut stage = waiting().await;
    let secret = left_over().await;
    stage.server.put("secrets", secret.clone());
    let status = stage.status_path();
    stage.look().await.expect("taken back");
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"], secret["data"]);
    assert_eq!((&stage.ledger()["owner"]["uid"], &stage.ledger()["revision"]), (&json!("uid-ci"), &json!(1)));
    assert_eq!(stage.rest().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restored_key_keeps_its_first_number_when_its_secret_is_lost_afterwards() {
    let mut before = Stage::<SshKey>::new(json!({}));
    before.rest().await;
    let (mut secret, mut ledger) = (before.secret("ci"), before.ledger());
    ledger["owner"]["uid"] = json!("uid-before");
    ledger["number"] = json!(4711);
    // So long ago that it may be made again at once.
    ledger["issueTime"] = json!("2026-01-01T00:00:00Z");
    secret["metadata"]["annotations"][LEDGER] = json!(ledger.to_string());
    secret["metadata"]["ownerReferences"] = json!(null);
    let mut stage = Stage::<SshKey>::new(json!({}));
    stage.server.put("secrets", secret);
    stage.rest().await;
    let told = |stage: &Stage<SshKey>| {
        let status = &stage.object("ci")["status"];
        (status["id"].clone(), status["revision"].clone())
    };
    assert_eq!(told(&stage), (json!(4711), json!(1)));
    stage.server.remove("secrets", "ci");
    stage.rest().await;
    assert_eq!(told(&stage), (json!(4711), json!(2)), "no API that knows the key by it has to learn another");
}

const COPY: &str = "chatelaine-held-uid-ci";

/// What a tool has to make of an old Secret so that the server takes it.
type Whose = fn(&mut Value);

/// As it was, and as a tool leaves it that strips what it does not know.
const WHOSE: [(&str, Whose); 4] = [
    ("ours", |_| ()),
    ("ours, without an owner", |secret| secret["metadata"]["ownerReferences"] = json!(null)),
    ("ours, without a ledger", |secret| secret["metadata"]["annotations"] = json!({})),
    ("of an earlier object of this name, without an owner", |secret| {
        let mut ledger = ledger(secret);
        ledger["owner"]["uid"] = json!("uid-before");
        secret["metadata"]["annotations"][LEDGER] = json!(ledger.to_string());
        secret["metadata"]["ownerReferences"] = json!(null);
    }),
];

/// The old versions that there may be in a backup: alone, in an overlap, withheld with the copy that held the material.
async fn kept_and_then_revoked() -> (Stage<AccessToken>, Vec<(&'static str, Vec<Value>)>) {
    let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}}));
    stage.rest().await;
    let mut kept = vec![("alone", vec![stage.secret("ci")])];
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    kept.push(("in an overlap", vec![stage.secret("ci")]));
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    kept.push(("withheld", vec![stage.secret("ci"), stage.secret(COPY)]));
    stage.edit(|object| object["spec"]["active"] = json!(true));
    stage.rest().await;
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(stage.object("ci")["status"]["state"], "Revoked");
    stage.told();
    (stage, kept)
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_under_the_status_of_a_newer_revoke_stays_dead_and_its_bytes_go_whosever_it_looks() {
    for (whose, of) in WHOSE {
        for age in 0..3 {
            for goes in [false, true] {
                let (mut stage, mut kept) = kept_and_then_revoked().await;
                let (old, secrets) = kept.swap_remove(age);
                if goes {
                    // The value that acted is not there any more to act again.
                    stage.edit(|object| object["metadata"]["annotations"] = json!({}));
                    stage.rest().await;
                }
                for mut secret in secrets {
                    if secret["metadata"]["name"] == "ci" {
                        of(&mut secret);
                    }
                    stage.server.put("secrets", secret);
                }
                let put_back = stage.server.published("ci").len();
                stage.rest().await;
                let at = format!("{whose}, {old}, the trigger {}", if goes { "gone" } else { "there" });
                let status = &stage.object("ci")["status"];
                assert_eq!((&status["state"], &status["revision"]), (&json!("Revoked"), &json!(2)), "{at}");
                assert_eq!(
                    (&stage.ledger()["state"], &stage.ledger()["revision"]),
                    (&json!("Revoked"), &json!(2)),
                    "{at}"
                );
                assert_eq!(stage.ledger()["owner"]["uid"], "uid-ci", "{at}");
                assert!(stage.server.get("secrets", COPY).is_none(), "{at}");
                for secret in &stage.server.published("ci")[put_back..] {
                    let values = [&secret["data"]["token"], &secret["data"]["previousToken"]];
                    assert_eq!(values, [&Value::Null; 2], "{at}: the operator itself wrote it again");
                }
                assert!(stage.server.published("ci").len() > put_back, "{at}: it was taken out");
                assert!(!stage.told().contains(&Reason::Restored), "{at}");
                stage.annotate(ROTATE, "after the leak");
                stage.rest().await;
                assert_eq!(
                    (&stage.ledger()["state"], &stage.ledger()["revision"]),
                    (&json!("Live"), &json!(3)),
                    "{at}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_key_under_the_status_of_a_newer_revoke_leaves_a_comment_and_an_empty_file() {
    for (whose, of) in WHOSE {
        let mut stage = Stage::<SshKey>::new(json!({}));
        stage.rest().await;
        let mut old = stage.secret("ci");
        stage.annotate(REVOKE, "leak");
        stage.rest().await;
        let secrets = |stage: &Stage<SshKey>| {
            ["ssh-privatekey", "authorized_keys"].map(|key| value(&stage.secret("ci"), key))
        };
        of(&mut old);
        stage.server.put("secrets", old);
        stage.rest().await;
        assert_eq!(secrets(&stage), ["# revoked\n", ""].map(|text| Some(text.to_owned())), "{whose}");
        assert_eq!(stage.ledger()["state"], "Revoked", "{whose}");
    }
}
