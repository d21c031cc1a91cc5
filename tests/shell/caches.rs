//! Caches lag behind: one's own writes are waited for, and what the caches cannot show is read.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, ROTATE},
    controller::queue::Again,
};
use serde_json::json;

use crate::stage::Stage;

async fn issued() -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.rest().await;
    stage
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_has_not_seen_ones_own_write_is_waited_for_and_then_passed_over() {
    let stage = Stage::<AccessToken>::new(json!({}));
    stage.look().await.expect("issued");
    stage.server.asked();
    let before = stage.secret("ci");
    let wait = stage.look().await;
    assert!(matches!(wait, Ok(Again::NotYet(rest)) if rest <= Duration::from_secs(5)), "{wait:?}");
    assert_eq!(stage.server.asked(), [""; 0]);
    tokio::time::advance(Duration::from_secs(5)).await;
    stage.look().await.expect("read live");
    assert_eq!(stage.server.asked(), ["GET accesstokens/ci", "GET secrets/ci"]);
    assert_eq!(stage.secret("ci"), before);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_seen_before_the_status_is_no_reason_to_issue_again() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.look().await.expect("issued");
    stage.server.asked();
    stage.see_secret("ci");
    assert!(matches!(stage.look().await, Ok(Again::NotYet(_))));
    stage.see_object("ci");
    assert_eq!(stage.look().await, Ok(Again::Never));
    assert_eq!(stage.server.asked(), [""; 0]);
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_status_that_is_seen_before_the_secret_is_no_reason_to_call_the_secret_lost() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.look().await.expect("issued");
    stage.server.asked();
    stage.see_object("ci");
    assert!(matches!(stage.look().await, Ok(Again::NotYet(_))));
    assert_eq!(stage.server.asked(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_does_not_show_the_secret_is_no_proof_that_it_is_lost() {
    // Issued a moment ago: made again at the earliest in a minute. Issued long ago: made again at once.
    for issue_time in [None, Some("2020-01-01T00:00:00Z")] {
        let mut stage = issued().await;
        let secret = stage.secret("ci");
        // A new process, whose cache of Secrets is from the time before.
        stage.keeper.house.own_writes.forget("uid-ci");
        stage.server.remove("secrets", "ci");
        stage.see_secret("ci");
        stage.server.put("secrets", secret.clone());
        if let Some(time) = issue_time {
            stage.edit(|object| object["status"]["issueTime"] = json!(time));
        }
        stage.look().await.expect("looked");
        let asked = stage.server.asked();
        assert_eq!(asked.first().map(String::as_str), Some("GET secrets/ci"), "{asked:?}");
        assert_eq!(stage.secret("ci")["data"], secret["data"]);
        assert_eq!(stage.condition("Ready")["status"], "True", "nothing was lost");
        stage.was_consistent();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_the_cached_secret_does_not_show_yet_is_not_made_twice() {
    let mut stage = issued().await;
    stage.annotate(ROTATE, "once");
    stage.look().await.expect("rotated");
    stage.server.asked();
    // A new process: its cache of Secrets and of objects is from before.
    stage.keeper.house.own_writes.forget("uid-ci");
    stage.look().await.expect("looked");
    assert_eq!(stage.server.asked()[0], "GET secrets/ci");
    assert_eq!(stage.ledger()["revision"], 2);
    stage.rest().await;
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_lost_secret_is_made_again_once_after_a_live_look_and_by_a_create() {
    let mut stage = issued().await;
    stage.edit(|object| object["status"]["issueTime"] = json!("2020-01-01T00:00:00Z"));
    let old = stage.secret("ci")["data"]["token"].clone();
    stage.server.remove("secrets", "ci");
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "POST secrets", &status]);
    assert_eq!(stage.ledger()["revision"], 2);
    assert_ne!(stage.secret("ci")["data"]["token"], old);
}

#[tokio::test(start_paused = true)]
async fn a_late_status_write_does_not_land_on_another_object_of_that_name() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.look().await.expect("issued");
    stage.see();
    // Another object of that name, which the cache does not show yet.
    let mut other = stage.object("ci");
    other["metadata"]["uid"] = json!("uid-other");
    other["status"] = json!(null);
    stage.server.put("accesstokens", other.clone());
    let mut touched = stage.secret("ci");
    touched["metadata"]["annotations"]["somebody"] = json!("was here");
    stage.server.put("secrets", touched);
    stage.see_secret("ci");
    stage.look().await.expect("outrun is no error");
    assert_eq!(stage.object("ci")["status"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_damaged_secret_is_not_ready_until_it_is_mended() {
    let mut stage = issued().await;
    let mut damaged = stage.secret("ci");
    damaged["data"]["token"] = json!("ZGFtYWdlZA==");
    stage.server.put("secrets", damaged);
    stage.see();
    let again = stage.look().await;
    // It was issued less than a minute ago: that is how long it takes.
    assert!(matches!(again, Ok(Again::In(rest)) if rest > Duration::from_secs(50)), "{again:?}");
    assert_eq!(stage.server.asked(), ["GET secrets/ci".to_owned(), stage.status_path()]);
    let ready = stage.condition("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("AwaitingMaterial")));
    assert_eq!(stage.condition("Active")["status"], "False");
    for _ in 0..3 {
        stage.see();
        let again = stage.look().await;
        assert!(matches!(again, Ok(Again::In(..))), "the alarm stays: {again:?}");
        assert_eq!(stage.server.asked(), ["GET secrets/ci"]);
    }
    stage.edit(|object| object["metadata"]["annotations"][ROTATE] = json!("now"));
    stage.rest().await;
    assert_eq!(
        (&stage.ledger()["revision"], &stage.condition("Ready")["status"]),
        (&json!(2), &json!("True"))
    );
}
