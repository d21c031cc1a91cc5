//! What an Account holds: told when its credentials rest, at most once a second, and only if it is news.

use std::{sync::Arc, time::Duration};

use chatelaine::{
    api::{AccessToken, REQUESTED_AT},
    controller::{
        account,
        credential::Keeper,
        keeps::Keeps,
        queue::{Key, Lane},
    },
    core::reason::Reason,
};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::stage::Stage;

const WRITE: &str = "PUT accounts/alice/status";

fn alice() -> Key {
    Key { kind: account::KIND, namespace: "ns".into(), name: "alice".into() }
}

/// Looks at the Account whenever the queue asks for it, for so long; when its status was written.
async fn work(stage: &mut Stage<AccessToken>, time: Duration) -> Vec<Instant> {
    let (house, cache) = (stage.keeper.house.clone(), stage.keeper.cache.clone());
    let keeper: Arc<dyn Keeps> = Arc::new(Keeper { house: house.clone(), cache });
    let (until, mut written) = (Instant::now() + time, Vec::new());
    while let Ok(key) = timeout_at(until, house.queue.next()).await {
        let is_account = key == alice();
        let again = match is_account {
            true => account::look_at(&house, std::slice::from_ref(&keeper), &key).await.expect("a pass"),
            false => chatelaine::controller::queue::Again::Never,
        };
        house.queue.done(&key, again);
        let asked = stage.server.asked();
        if !asked.is_empty() {
            assert_eq!(asked, [WRITE]);
            written.push(Instant::now());
            // As its own watch would: the new status is seen, and looked at.
            stage.see_account();
            house.queue.push(alice(), Lane::Ordinary);
        }
    }
    written
}

/// The token as its own pass would leave it.
fn leave(stage: &mut Stage<AccessToken>, name: &str, status: Value) {
    let mut object = stage.object(name);
    object["status"] = status;
    stage.server.put("accesstokens", object);
    stage.see_object(name);
}

fn status(stage: &Stage<AccessToken>) -> Value {
    stage.server.get("accounts", "alice").expect("it is there")["status"].clone()
}

/// A hundred and five tokens of a told Account.
async fn stage() -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.delete_object("ci");
    for n in 0..105 {
        stage.add(&format!("t{n:03}"), json!({}));
    }
    work(&mut stage, Duration::from_secs(60)).await;
    assert_eq!(status(&stage)["counts"]["accessTokens"], json!({"total": 105, "pending": 105}));
    stage
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_changes_is_one_status_write_a_second_at_most_and_its_end_is_told() {
    let mut stage = stage().await;
    let mut written = Vec::new();
    for round in 0..10 {
        for n in 0..105 {
            let state = if round % 2 == 0 { "Live" } else { "Withheld" };
            leave(
                &mut stage,
                &format!("t{n:03}"),
                json!({"state": state, "revision": 1, "id": n.to_string()}),
            );
            written.extend(work(&mut stage, Duration::from_millis(20)).await);
        }
        // Sometimes it is quiet for just long enough.
        written.extend(work(&mut stage, Duration::from_millis(900 + 50 * round)).await);
    }
    leave(&mut stage, "t007", json!({"state": "Revoked", "revision": 1, "id": "7"}));
    stage.delete_object("t104");
    let began = Instant::now();
    written.extend(work(&mut stage, Duration::from_secs(60)).await);
    assert!(written.len() > 5, "the end is not all that is told: {}", written.len());
    for pair in written.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_secs(1), "{written:?}");
    }
    assert_eq!(written.last().expect("told").duration_since(began), Duration::from_secs(1));
    let told = status(&stage);
    assert_eq!(
        told["counts"],
        json!({"total": 104, "accessTokens": {"total": 104, "withheld": 103, "revoked": 1}})
    );
    let listed = told["credentials"].as_array().expect("a list");
    assert_eq!(listed.len(), 100, "counts say how many there are");
    assert_eq!(listed[7], json!({"kind": "AccessToken", "name": "t007", "id": "7", "state": "Revoked"}));
}

#[tokio::test(start_paused = true)]
async fn what_is_written_into_the_account_is_answered_at_once_also_in_a_storm() {
    let mut stage = stage().await;
    leave(&mut stage, "t000", json!({"state": "Live", "revision": 1}));
    work(&mut stage, Duration::from_millis(10)).await;
    let mut account = stage.server.get("accounts", "alice").expect("it is there");
    account["metadata"]["generation"] = json!(2);
    account["spec"]["active"] = json!(false);
    stage.server.put("accounts", account);
    stage.see_account();
    stage.keeper.house.queue.push(alice(), Lane::Ordinary);
    assert_eq!(work(&mut stage, Duration::from_millis(10)).await.len(), 1);
    assert_eq!(status(&stage)["observedGeneration"], 2);
    assert_eq!(status(&stage)["counts"]["accessTokens"]["live"], 1);
    assert_eq!(work(&mut stage, Duration::from_secs(60)).await, [], "all is told");
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_look_at_an_account_is_echoed_at_once_and_once() {
    let mut stage = stage().await;
    stage.annotate_account(REQUESTED_AT, "2026-07-01T10:00:00Z");
    stage.keeper.house.queue.push(alice(), Lane::Ordinary);
    assert_eq!(work(&mut stage, Duration::from_millis(10)).await.len(), 1);
    assert_eq!(status(&stage)["lastHandledReconcileAt"], "2026-07-01T10:00:00Z");
    assert_eq!(work(&mut stage, Duration::from_secs(60)).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_told_with_its_uid_and_how_to_call_its_holder() {
    let stage = stage().await;
    assert_eq!(status(&stage)["id"], "uid-alice");
    assert_eq!(status(&stage)["displayName"], "alice@example.com");
}

#[tokio::test(start_paused = true)]
async fn roles_that_are_wrong_are_a_condition_and_an_event_with_the_same_word_once() {
    let mut stage = stage().await;
    stage.told();
    let circle = json!([
        {"name": "a", "include": ["b"]}, {"name": "b", "include": ["c"]}, {"name": "c", "include": ["a"]},
    ]);
    stage.account(json!({"email": "alice@example.com", "roles": circle}));
    stage.keeper.house.queue.push(alice(), Lane::Ordinary);
    work(&mut stage, Duration::from_secs(20)).await;
    let ready = status(&stage)["conditions"][0].clone();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("InvalidSpec")));
    assert_eq!(stage.told(), [Reason::InvalidSpec]);
    leave(&mut stage, "t000", json!({"state": "Live", "revision": 1}));
    work(&mut stage, Duration::from_secs(20)).await;
    assert_eq!(stage.told(), [], "it is no news any more");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_account_does_not_tell_and_a_restart_write_nothing() {
    let mut before = stage().await;
    leave(&mut before, "t000", json!({"lastHandledReconcileAt": "now"}));
    assert_eq!(work(&mut before, Duration::from_secs(60)).await, []);
    let mut after = Stage::<AccessToken>::new(json!({}));
    after.delete_object("ci");
    after.server.put("accounts", before.server.get("accounts", "alice").expect("it is there"));
    after.see_account();
    for n in 0..105 {
        let name = format!("t{n:03}");
        after.server.put("accesstokens", before.object(&name));
        after.see_object(&name);
    }
    after.keeper.house.queue.push(alice(), Lane::Ordinary);
    assert_eq!(work(&mut after, Duration::from_secs(60)).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_a_cache_does_not_show_yet_is_waited_for() {
    let mut stage = stage().await;
    let before = status(&stage);
    let hidden = stage.keeper.cache.get("ns", "t000").expect("it is there");
    leave(&mut stage, "t001", json!({"state": "Live", "revision": 1}));
    stage.keeper.cache.remove(&hidden.meta);
    assert_eq!(work(&mut stage, Duration::from_secs(10)).await, []);
    assert_eq!(status(&stage), before);
    stage.see_object("t000");
    work(&mut stage, Duration::from_secs(10)).await;
    assert_eq!(status(&stage)["counts"]["accessTokens"]["live"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_read_is_counted_and_listed_by_its_name() {
    let mut stage = stage().await;
    let mut object = stage.object("t000");
    object["spec"]["lifetime"] = json!(["not", "a", "text"]);
    object["status"] = json!({"state": "Live", "revision": 1});
    stage.server.put("accesstokens", object);
    stage.see_object("t000");
    work(&mut stage, Duration::from_secs(10)).await;
    let told = status(&stage);
    assert_eq!(told["counts"]["total"], 105);
    assert_eq!(told["credentials"][0], json!({"kind": "AccessToken", "name": "t000", "state": "Live"}));
}
