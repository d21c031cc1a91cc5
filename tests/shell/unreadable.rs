//! An object that does not fit the schema: its status tells what its Secret's ledger says, and nothing that was not seen.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, REVOKE},
    controller::queue::Again,
};
use serde_json::{Value, json};

use crate::stage::Stage;

const PATCH: &str = "PATCH accesstokens/ci/status";

/// An issued token that fits no more.
async fn unreadable(spec: Value) -> Stage<AccessToken> {
    let mut stage = Stage::<AccessToken>::new(spec);
    stage.rest().await;
    spoil(&mut stage);
    stage
}

fn spoil(stage: &mut Stage<AccessToken>) {
    stage.edit(|object| {
        object["spec"]["comment"] = json!(["not", "a", "text"]);
        object["metadata"]["generation"] = json!(2);
    });
}

/// Passes until nothing is written any more; what was written.
async fn rest(stage: &mut Stage<AccessToken>) -> Vec<String> {
    let mut written = Vec::new();
    for _ in 0..5 {
        stage.see();
        stage.look().await.expect("a pass");
        let asked: Vec<_> = stage.server.asked().into_iter().filter(|one| !one.starts_with("GET")).collect();
        if asked.is_empty() {
            return written;
        }
        written.extend(asked);
    }
    panic!("it never comes to rest: {written:#?}");
}

fn status(stage: &Stage<AccessToken>) -> Value {
    stage.object("ci")["status"].clone()
}

/// Type, status and reason of each condition.
fn conditions(stage: &Stage<AccessToken>) -> Vec<String> {
    let all = status(stage)["conditions"].as_array().cloned().unwrap_or_default();
    let word = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|one| format!("{}={} {}", word(one, "type"), word(one, "status"), word(one, "reason")))
        .collect()
}

const READY: &str = "Ready=False Unreadable";
const STALLED: &str = "Stalled=True Unreadable";

#[tokio::test(start_paused = true)]
async fn what_is_live_goes_on_being_told_as_usable() {
    let mut stage = unreadable(json!({"rotation": {"overlap": "1h"}, "permissions": ["a:b"]})).await;
    let before = status(&stage);
    assert_eq!(rest(&mut stage).await, [PATCH], "it is told once");
    let after = status(&stage);
    for field in
        ["state", "revision", "issueTime", "digests", "isExpired", "expiry", "binding", "history", "id"]
    {
        assert!(!before[field].is_null(), "{field}");
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!((&after["secretRef"], &after["effective"]), (&before["secretRef"], &before["effective"]));
    assert_eq!(after["observedGeneration"], 2);
    let soon = "ExpiringSoon=False NeverExpires";
    let wanted = [READY, "Active=True Issued", soon, "Expired=False NeverExpires", STALLED];
    assert_eq!(conditions(&stage), wanted);
    let active = stage.condition("Active");
    let earlier =
        before["conditions"].as_array().unwrap().iter().find(|one| one["type"] == "Active").unwrap();
    assert_eq!(active["lastTransitionTime"], earlier["lastTransitionTime"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_expired_or_was_revoked_meanwhile_is_told_as_the_ledger_says_it() {
    let mut expired = unreadable(json!({"lifetime": "2s"})).await;
    rest(&mut expired).await;
    let told = status(&expired);
    assert_eq!((&told["isExpired"], &told["expiry"]), (&json!(false), &json!("Expires in: 1 days")));
    assert_eq!(told["next"], json!({"action": "Expire", "time": told["expirationTime"]}));
    // The wall clock does not follow tokio's.
    std::thread::sleep(Duration::from_millis(2_100));
    rest(&mut expired).await;
    let told = status(&expired);
    assert_eq!((&told["state"], &told["isExpired"]), (&json!("Expired"), &json!(true)));
    assert_eq!(told["expiry"], "Expired");
    let wanted =
        [READY, "Active=False Unreadable", "ExpiringSoon=False Expired", "Expired=True Expired", STALLED];
    assert_eq!(conditions(&expired), wanted);

    let mut revoked = unreadable(json!({"lifetime": "9d"})).await;
    rest(&mut revoked).await;
    revoked.annotate(REVOKE, "leak");
    rest(&mut revoked).await;
    let told_of_revoked = status(&revoked);
    assert_eq!(
        (&told_of_revoked["state"], &told_of_revoked["isExpired"]),
        (&json!("Revoked"), &json!(false))
    );
    assert_eq!(told_of_revoked["handledTriggers"]["revoke"], json!(["leak"]), "it has acted");
    assert_eq!(told_of_revoked["expiry"], Value::Null);
    for told in [told, told_of_revoked] {
        for field in ["binding", "digests", "next", "previous"] {
            assert_eq!(told[field], Value::Null, "{field}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_withheld_is_not_told_as_usable() {
    let mut stage = Stage::<AccessToken>::new(json!({"lifetime": "90d"}));
    stage.rest().await;
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    spoil(&mut stage);
    rest(&mut stage).await;
    let told = status(&stage);
    assert_eq!((&told["state"], &told["expiry"]), (&json!("Withheld"), &json!("Expires in: 90 days")));
    assert_eq!((&stage.condition("Active")["status"], &told["binding"]), (&json!("False"), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn without_its_secret_nothing_is_told_as_usable_and_what_was_testified_stays() {
    let mut stage = unreadable(json!({"lifetime": "90d"})).await;
    rest(&mut stage).await;
    let before = status(&stage);
    stage.server.remove("secrets", "ci");
    assert_eq!(rest(&mut stage).await, [PATCH]);
    let after = status(&stage);
    for field in
        ["state", "revision", "issueTime", "expirationTime", "digests", "handledTriggers", "secretRef"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!((&after["binding"], &after["next"]), (&Value::Null, &Value::Null));
    let wanted = [
        READY,
        "Active=False Unreadable",
        "ExpiringSoon=False NotYetDue",
        "Expired=False NotYetDue",
        STALLED,
    ];
    assert_eq!(conditions(&stage), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_lost_only_its_label_still_speaks() {
    let mut stage = unreadable(json!({"lifetime": "2s"})).await;
    rest(&mut stage).await;
    let secret = stage.secret("ci");
    stage.server.remove("secrets", "ci");
    stage.see_secret("ci");
    stage.server.put("secrets", secret);
    std::thread::sleep(Duration::from_millis(2_100));
    stage.look().await.expect("a pass");
    assert_eq!(stage.ledger()["state"], "Expired");
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_of_the_secret_does_not_undo_what_status_testifies() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    let old = stage.secret("ci");
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    // As Flux would, so that nothing else revokes it again.
    stage.edit(|object| object["metadata"]["annotations"] = json!({}));
    spoil(&mut stage);
    rest(&mut stage).await;
    stage.server.put("secrets", old);
    rest(&mut stage).await;
    assert_eq!(status(&stage)["state"], "Revoked");
    assert_eq!(
        (&stage.ledger()["state"], &stage.secret("ci")["data"]["token"]),
        (&json!("Revoked"), &Value::Null)
    );
    assert_eq!(stage.condition("Active")["status"], "False");
}

#[tokio::test(start_paused = true)]
async fn the_days_that_are_left_are_counted_on() {
    let mut stage = unreadable(json!({"lifetime": "3d"})).await;
    rest(&mut stage).await;
    assert_eq!(status(&stage)["expiry"], "Expires in: 3 days");
    let again = stage.look().await.expect("a pass");
    let day = Duration::from_secs(86_400);
    assert!(
        matches!(again, Again::In(pause) if pause <= day && pause > day - Duration::from_secs(60)),
        "{again:?}"
    );
}

/// The status endpoint does not look at the uid.
#[tokio::test(start_paused = true)]
async fn it_is_told_onto_the_version_that_was_seen_and_not_onto_one_that_was_mended_or_is_another() {
    let mended = |object: &mut Value| {
        object["spec"]["comment"] = json!("mended");
        object["metadata"]["generation"] = json!(3);
    };
    let another = |object: &mut Value| {
        object["metadata"]["uid"] = json!("another");
        object["status"] = Value::Null;
    };
    for change in [mended as fn(&mut Value), another] {
        let mut stage = unreadable(json!({})).await;
        let mut object = stage.object("ci");
        change(&mut object);
        stage.server.put("accesstokens", object);
        let there = stage.object("ci");
        assert_eq!(stage.look().await, Ok(Again::Never));
        assert!(stage.server.asked().contains(&PATCH.to_owned()), "it was tried");
        assert_eq!(stage.object("ci"), there);
        stage.see();
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_read_either_is_told_once() {
    let mut stage = unreadable(json!({})).await;
    stage.edit(|object| object["status"] = json!({"revision": "many", "history": 5, "restarts": "none"}));
    assert_eq!(rest(&mut stage).await, [PATCH]);
    assert_eq!((&status(&stage)["revision"], &status(&stage)["state"]), (&json!(1), &json!("Live")));
    let mut without = Stage::<AccessToken>::new(json!({"comment": ["not", "a", "text"]}));
    without.edit(|object| object["status"] = json!({"revision": "many", "history": 5}));
    assert_eq!(rest(&mut without).await, [PATCH]);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_read_says_so_once_and_what_it_said_of_its_credentials_stays() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.look_at_account().await.expect("told");
    let mut account = stage.server.get("accounts", "alice").expect("it is there");
    assert_eq!(account["status"]["conditions"][1]["type"], "Active");
    account["spec"]["active"] = json!("perhaps");
    stage.server.put("accounts", account.clone());
    stage.see_account();
    stage.server.asked();
    stage.look_at_account().await.expect("told");
    assert_eq!(stage.server.asked(), ["PATCH accounts/alice/status"]);
    let told = stage.server.get("accounts", "alice").expect("it is there")["status"].clone();
    let word = |n: usize, field: &str| told["conditions"][n][field].clone();
    assert_eq!((word(0, "status"), word(0, "reason")), (json!("False"), json!("Unreadable")));
    assert_eq!(told["conditions"][1], account["status"]["conditions"][1]);
    assert_eq!((word(2, "type"), word(2, "status")), (json!("Stalled"), json!("True")));
    for field in ["id", "displayName", "counts"] {
        assert_eq!(told[field], account["status"][field], "{field}");
    }
    stage.see_account();
    stage.look_at_account().await.expect("quiet");
    assert_eq!(stage.server.asked(), [""; 0]);
}
