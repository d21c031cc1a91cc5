//! What is replaced by itself, on the wall clock: the requests of a renewal, and the slow keys.

use chatelaine::{
    api::{AccessToken, LEDGER, SshKey},
    controller::queue::Again,
    credentials::Credential,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{Stage, ledger};

async fn issued<K: Credential>(spec: Value) -> Stage<K> {
    let mut stage = Stage::new(spec);
    stage.rest().await;
    stage
}

/// As if the credential had been issued so long ago.
async fn aged<K: Credential>(stage: &mut Stage<K>, seconds: i64) {
    let mut secret = stage.secret("ci");
    let mut page = ledger(&secret);
    for field in ["issueTime", "notAfter"] {
        if let Some(time) = page[field].as_str() {
            let time: Timestamp = time.parse().expect("a time");
            page[field] = json!(time - SignedDuration::from_secs(seconds));
        }
    }
    secret["metadata"]["annotations"][LEDGER] = json!(page.to_string());
    stage.server.put("secrets", secret);
    stage.see();
}

#[tokio::test(start_paused = true)]
async fn a_rotation_by_schedule_is_one_read_one_replace_and_one_status_write_and_acts_once() {
    let mut stage = issued::<AccessToken>(json!({"rotation": {"every": "1h", "overlap": "10m"}})).await;
    aged(&mut stage, 10 * 3_600).await;
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "PUT secrets/ci", &status]);
    let page = stage.ledger();
    assert_eq!((&page["revision"], &page["history"][1]["reason"]), (&json!(2), &json!("Rotated")));
    assert_ne!(page["previous"], Value::Null);
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_renewal_leaves_the_old_one_until_its_own_end() {
    let mut stage = issued::<AccessToken>(json!({"lifetime": "1h", "renewBefore": "10m"})).await;
    let first = stage.secret("ci")["data"]["token"].clone();
    aged(&mut stage, 59 * 60).await;
    let end = stage.ledger()["notAfter"].clone();
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.secret("ci")["data"]["previousToken"], first);
    assert_eq!(stage.ledger()["previous"]["retirementTime"], end);
    assert_eq!(stage.condition("Ready")["reason"], "Renewed");
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_is_due_waits_in_the_ordinary_lane_and_what_must_end_does_not() {
    let stage = issued::<AccessToken>(json!({"rotation": {"every": "1h", "overlap": "10m"}})).await;
    let alarm = stage.look().await.expect("quiet");
    assert!(matches!(alarm, Again::In(_)), "{alarm:?}");
    let object = stage.object("ci");
    assert_eq!(object["status"]["next"]["action"], "Rotate");
    let stage = issued::<AccessToken>(json!({"lifetime": "1h", "renewBefore": "58m"})).await;
    let object = stage.object("ci");
    assert_eq!(object["status"]["next"]["action"], "Renew");
    let stage = issued::<AccessToken>(json!({"lifetime": "10s"})).await;
    let alarm = stage.look().await.expect("quiet");
    assert!(matches!(alarm, Again::In(..)), "{alarm:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cron_expression_that_is_set_later_is_noted_by_one_write_and_rotates_nothing() {
    let mut stage = issued::<AccessToken>(json!({})).await;
    aged(&mut stage, 400 * 86_400).await;
    stage.rest().await;
    let rotation = json!({"cron": "0 3 * * 1", "timeZone": "Europe/Warsaw", "overlap": "24h"});
    stage.edit(|object| object["spec"]["rotation"] = rotation.clone());
    let status = stage.status_path();
    assert_eq!(stage.rest().await, ["GET secrets/ci", "PUT secrets/ci", &status]);
    let page = stage.ledger();
    assert_eq!(
        (&page["revision"], &page["schedule"]["text"]),
        (&json!(1), &json!("0 3 * * 1 Europe/Warsaw"))
    );
    assert_eq!(stage.rest().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_time_zone_cron_is_meant_in_utc() {
    let mut stage = issued::<AccessToken>(json!({"rotation": {"cron": "0 3 * * 1", "overlap": "24h"}})).await;
    stage.rest().await;
    assert_eq!(stage.ledger()["schedule"]["text"], "0 3 * * 1 UTC");
    let object = stage.object("ci");
    let next: Timestamp = object["status"]["next"]["time"].as_str().unwrap().parse().unwrap();
    let next = next.to_zoned(jiff::tz::TimeZone::UTC);
    assert_eq!((next.weekday(), next.hour()), (jiff::civil::Weekday::Monday, 3), "{object:#}");
}

#[tokio::test(start_paused = true)]
async fn a_cron_expression_that_cannot_be_is_told_and_nothing_is_minted() {
    for (rotation, advice) in [
        (json!({"cron": "61 * * * *", "overlap": "0s"}), "range 0..=59"),
        (json!({"cron": "0 0 30 2 *", "overlap": "0s"}), "does not fire"),
        (json!({"cron": "0 3 * * *", "overlap": "24h"}), "shorter than the time between two firings"),
        (json!({"cron": "0 3 * * *", "timeZone": "Europe/Atlantis", "overlap": "0s"}), "IANA"),
    ] {
        let mut stage = Stage::<AccessToken>::new(json!({"rotation": rotation}));
        assert_eq!(stage.rest().await, [stage.status_path()], "{rotation}");
        let stalled = stage.condition("Stalled");
        assert_eq!(stalled["reason"], "InvalidSpec");
        // The advice is said once.
        let ready = stage.condition("Ready");
        assert!(ready["message"].as_str().expect("a text").contains(advice), "{ready}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_key_that_is_due_is_made_once() {
    let mut stage = Stage::<SshKey>::new(
        json!({"algorithm": "Rsa", "bits": 2048, "rotation": {"every": "1h", "overlap": "0s"}}),
    );
    let made = async |stage: &mut Stage<SshKey>| {
        stage.see();
        stage.look().await.expect("begun");
        // Looked at again while it is made: nothing more is begun.
        for _ in 0..3 {
            stage.look().await.expect("under way");
        }
        stage.next().await;
        stage.rest().await
    };
    made(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 1);
    aged(&mut stage, 2 * 3_600).await;
    stage.server.asked();
    let asked = made(&mut stage).await;
    assert_eq!(asked.iter().filter(|one| one.starts_with("PUT secrets")).count(), 1, "{asked:?}");
    assert_eq!(stage.ledger()["revision"], 2);
    let none = tokio::time::timeout(std::time::Duration::from_secs(60), stage.next());
    assert!(none.await.is_err(), "no second key was begun");
    stage.was_consistent();
}
