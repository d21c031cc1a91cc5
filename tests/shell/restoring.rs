//! Waiting for a restore: a live look each time, nothing written but the status, and the Secret that comes is taken back.

use std::time::Duration;

use chatelaine::{
    api::{AWAIT_RESTORE, AccessToken, LEDGER, SshKey},
    controller::queue::Again,
};
use serde_json::{Value, json};

use crate::stage::Stage;

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
