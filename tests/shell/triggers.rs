//! Triggers: the requests of a rollback, of one on an Account over many credentials, and of a plain look.

use chatelaine::{
    api::{AccessToken, ApiKeyPair, REQUESTED_AT, RETIRE, REVOKE, ROLLBACK, ROTATE},
    credentials::Credential,
};
use serde_json::{Value, json};

use crate::{
    interrupted::{Ask, Beginning::Overlap, beginning, in_the_middle, outcome, requests},
    server::Phase,
    stage::{Stage, ledger},
};

async fn overlapping<K: Credential>(spec: Value) -> Stage<K> {
    let mut stage = Stage::new(spec);
    stage.rest().await;
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    stage.see();
    stage
}

#[tokio::test(start_paused = true)]
async fn a_rollback_is_one_read_one_replace_and_one_status_write_and_mints_nothing() {
    let spec = json!({"rotation": {"mode": "KeyPair", "overlap": "1h"}});
    let mut stage = overlapping::<ApiKeyPair>(spec).await;
    let before = stage.secret("ci")["data"].clone();
    stage.annotate(ROLLBACK, "it does not work");
    stage.look().await.expect("rolled back");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "PUT secrets/ci", &status]);
    let after = stage.secret("ci")["data"].clone();
    for (one, other) in [("accessKey", "previousAccessKey"), ("secretKey", "previousSecretKey")] {
        assert_eq!((&after[one], &after[other]), (&before[other], &before[one]));
    }
    assert_eq!(stage.condition("Ready")["reason"], "RolledBack");
    assert_eq!(stage.object("ci")["status"]["revision"], 3);
    assert_eq!(stage.rest().await, [""; 0]);
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn retire_is_one_read_one_replace_and_one_status_write() {
    let mut stage = overlapping::<AccessToken>(json!({"rotation": {"overlap": "1h"}})).await;
    stage.annotate(RETIRE, "everybody has the new one");
    stage.look().await.expect("retired");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"]["previousToken"], Value::Null);
    assert_eq!(stage.rest().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rotate_on_the_account_costs_each_of_its_credentials_what_one_of_its_own_costs() {
    const NAMES: [&str; 4] = ["one", "two", "three", "ci"];
    let mut stage = Stage::<AccessToken>::new(json!({}));
    for name in NAMES {
        if name != "ci" {
            stage.add(name, json!({}));
        }
        stage.look_at(name).await.expect("issued");
        stage.see_object(name);
        stage.see_secret(name);
    }
    stage.server.asked();
    stage.annotate_account(ROTATE, "everything");
    for name in NAMES {
        stage.look_at(name).await.expect("rotated");
        let secret = format!("secrets/{name}");
        let status = format!("PUT accesstokens/{name}/status");
        assert_eq!(stage.server.asked(), [format!("GET {secret}"), format!("PUT {secret}"), status]);
        let page = ledger(&stage.secret(name));
        assert_eq!(
            (&page["revision"], &page["accountHandled"]["rotate"]),
            (&json!(2), &json!(["everything"]))
        );
        stage.see_object(name);
        stage.see_secret(name);
        stage.look_at(name).await.expect("quiet");
        assert_eq!(stage.server.asked(), [""; 0], "it acts once");
        let told = &stage.object(name)["status"]["handledAccountTriggers"]["rotate"];
        assert_eq!(*told, json!(["everything"]));
    }
    // One that is created afterwards was issued with it in sight.
    stage.add("late", json!({}));
    stage.look_at("late").await.expect("issued");
    stage.see_object("late");
    stage.see_secret("late");
    stage.server.asked();
    stage.look_at("late").await.expect("quiet");
    assert_eq!(stage.server.asked(), [""; 0]);
    assert_eq!(ledger(&stage.secret("late"))["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_secret_does_not_make_the_accounts_trigger_act_again() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    stage.annotate_account(ROTATE, "everything");
    stage.rest().await;
    stage.server.remove("secrets", "ci");
    // Issued long ago, so that it is made again at once.
    stage.edit(|object| object["status"]["issueTime"] = json!("2026-01-01T00:00:00Z"));
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "POST secrets", &status]);
    let page = stage.ledger();
    assert_eq!((&page["revision"], &page["accountHandled"]["rotate"]), (&json!(3), &json!(["everything"])));
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_look_reads_the_secret_once_and_is_echoed() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    stage.annotate(REQUESTED_AT, "2026-07-01T10:00:00Z");
    assert_eq!(stage.rest().await, ["GET secrets/ci".to_owned(), stage.status_path()]);
    assert_eq!(stage.object("ci")["status"]["lastHandledReconcileAt"], "2026-07-01T10:00:00Z");
    assert_eq!(stage.ledger()["revision"], 1, "it is a look and no more");
    stage.edit(|object| object["metadata"]["annotations"] = json!({}));
    assert_eq!(stage.rest().await, [""; 0], "what was echoed stays");
}

/// GitOps would put it back and act again.
#[tokio::test(start_paused = true)]
async fn a_trigger_stays_on_the_object_as_it_was_set_and_its_going_does_nothing() {
    let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}}));
    stage.rest().await;
    for (revision, trigger) in [(2, ROTATE), (3, ROLLBACK), (3, RETIRE), (3, REVOKE), (4, ROTATE)] {
        stage.annotate(trigger, &format!("{trigger} {revision}"));
        let set = stage.object("ci")["metadata"]["annotations"].clone();
        let asked = stage.rest().await;
        let status = stage.status_path();
        let writes = asked.iter().filter(|asked| !asked.starts_with("GET"));
        let of_the_object = writes.filter(|asked| asked.contains("accesstokens"));
        assert!(of_the_object.clone().all(|asked| *asked == status), "{asked:?}");
        assert_eq!(of_the_object.count(), 1, "{trigger}: {asked:?}");
        assert_eq!(stage.object("ci")["metadata"]["annotations"], set);
        assert_eq!(stage.ledger()["revision"], revision, "{trigger}");
    }
    let before = stage.secret("ci");
    stage.edit(|object| object["metadata"]["annotations"] = json!({}));
    assert_eq!(stage.rest().await, [""; 0], "what is taken away acts on nothing");
    assert_eq!(stage.secret("ci"), before);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_overwritten_before_anybody_saw_it_is_not_owed() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    for value in ["unseen", "seen"] {
        stage.annotate(ROTATE, value);
    }
    stage.rest().await;
    assert_eq!(
        (&stage.ledger()["revision"], &stage.ledger()["handled"]["rotate"]),
        (&json!(2), &json!(["seen"]))
    );
    stage.annotate(ROTATE, "unseen");
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 3, "it is new, whatever was written once");
    stage.annotate(ROTATE, "seen");
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_that_is_set_while_another_one_acts_acts_after_it_and_is_not_lost() {
    let ask: Ask = |stage| stage.annotate(ROTATE, "first");
    for (trigger, end) in [
        (ROTATE, "Live 4: new new in the Secret, no copy"),
        (ROLLBACK, "Live 4: current new in the Secret, no copy"),
        (RETIRE, "Live 3: new in the Secret, no copy"),
        (REVOKE, "Revoked 3: nothing in the Secret, no copy"),
    ] {
        for request in requests(Overlap, ask).await {
            for phase in [Phase::Before, Phase::Committed] {
                let (mut stage, was) = beginning(Overlap).await;
                ask(&mut stage);
                let mut hands = stage.another_operator();
                in_the_middle(&stage, request.clone(), phase, async || hands.annotate(trigger, "second"))
                    .await;
                stage.rest().await;
                assert_eq!(outcome(&stage, &was), end, "{trigger} at {request:?}, {phase:?}");
                stage.was_consistent();
            }
        }
    }
}
