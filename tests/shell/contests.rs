//! Somebody changes the Secret as soon as it is written: that is said, and it is no loop.

use std::{collections::BTreeSet, time::Duration};

use chatelaine::{
    api::{AccessToken, LEDGER, REVOKE, ROTATE},
    controller::queue::Again,
};
use serde_json::{Value, json};

use crate::{output::issued, stage::Stage};

/// A webhook with another idea of a label, which leaves a trace of each time.
fn meddle(secret: &mut Value, version: u64) {
    secret["metadata"]["labels"]["team"] = json!("theirs");
    secret["metadata"]["annotations"]["webhook"] = json!(version.to_string());
}

async fn contested() -> Stage<AccessToken> {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    stage.server.admit(Some(meddle));
    stage.edit(|object| object["spec"]["secret"] = json!({"labels": {"team": "ours"}}));
    stage.look().await.expect("told");
    stage
}

fn writes(stage: &Stage<AccessToken>) -> usize {
    stage.server.asked().iter().filter(|asked| asked.contains("secrets") && !asked.starts_with("GET")).count()
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_as_soon_as_it_is_written_is_told_and_tried_again_after_a_minute() {
    let mut stage = contested().await;
    assert_eq!(writes(&stage), 12);
    for type_ in ["Ready", "Stalled"] {
        let told = stage.condition(type_);
        assert_eq!(told["reason"], "SecretConflict", "{told}");
        assert!(told["message"].as_str().unwrap().starts_with("Somebody changes the Secret"), "{told}");
    }
    assert_eq!(stage.condition("Active")["status"], "True", "the material can be used");
    for _ in 0..3 {
        // Each of the writes was an event.
        stage.see();
        let again = stage.look().await;
        assert!(matches!(again, Ok(Again::In(pause)) if pause <= Duration::from_secs(60)), "{again:?}");
        assert_eq!(writes(&stage), 0, "no loop");
    }
    let binding = &stage.object("ci")["status"]["binding"];
    assert_eq!(binding["name"], "ci", "nor is it taken from those who use it");
    stage.server.admit(None);
    tokio::time::advance(Duration::from_secs(60)).await;
    stage.look().await.expect("written");
    assert_eq!(writes(&stage), 1);
    assert_eq!(stage.condition("Ready")["status"], "True");
    assert_eq!(stage.condition("Stalled"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_vain_holds_up_no_rotation_no_retirement_and_no_end() {
    let mut stage = contested().await;
    stage.see();
    stage.annotate(ROTATE, "again");
    stage.look().await.expect("told");
    assert_eq!(stage.ledger()["revision"], 2);
    stage.see();
    stage.annotate("chatelaine.dev/retire", "now");
    stage.look().await.expect("told");
    assert_eq!(stage.ledger()["previous"], Value::Null);
    stage.see();
    stage.annotate(REVOKE, "leak");
    stage.look().await.expect("told");
    assert_eq!(stage.ledger()["state"], "Revoked");
    stage.was_consistent();
}

fn strip(secret: &mut Value, _: u64) {
    secret["metadata"]["annotations"].as_object_mut().expect("a ledger is there").remove(LEDGER);
}

/// How many were ever published.
fn values(stage: &Stage<AccessToken>) -> usize {
    let all = stage.server.published("ci").into_iter().map(|secret| secret["data"]["token"].clone());
    all.filter(|value| !value.is_null()).map(|value| value.to_string()).collect::<BTreeSet<_>>().len()
}

#[tokio::test(start_paused = true)]
async fn what_loses_its_ledger_as_soon_as_it_is_written_gets_no_second_value_in_one_pass() {
    let mut stage = issued(json!({})).await;
    // Issued long ago: what is lost is made again at once.
    let (mut secret, mut ledger) = (stage.secret("ci"), stage.ledger());
    ledger["issueTime"] = json!("2020-01-01T00:00:00Z");
    secret["metadata"]["annotations"][LEDGER] = json!(ledger.to_string());
    stage.server.put("secrets", secret);
    stage.see();
    stage.rest().await;
    stage.server.admit(Some(strip));
    stage.annotate(ROTATE, "again");
    stage.look().await.expect("told");
    assert_eq!(values(&stage), 2);
    assert_eq!(stage.condition("Ready")["reason"], "SecretConflict");
    stage.see();
    stage.look().await.expect("still so");
    assert_eq!(values(&stage), 2, "nor in the next");
    stage.server.admit(None);
    tokio::time::advance(Duration::from_secs(60)).await;
    stage.rest().await;
    assert_eq!((&stage.ledger()["revision"], &stage.ledger()["state"]), (&json!(2), &json!("Live")));
}
