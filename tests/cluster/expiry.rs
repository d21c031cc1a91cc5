//! Expiry: at not-after the material leaves the Secret, never before and never to come back by itself.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, ApiKeyPair, BINARY, CI, Kind, PROMPTLY, RUNTIME, Secret, SshKey, Stage, assert_conditions,
    has, is_observed, keys, ledger, now, play, secret_key, text, time, value, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";

fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + seconds).expect("a time")
}

fn is_expired(object: &Value) -> bool {
    is_observed(object) && object["status"]["state"] == "Expired"
}

/// Follows the Secret of one credential over its end.
async fn expires_in_time(stage: &Stage<'_>, kind: Kind) {
    let name = format!("{kind:?}").to_lowercase();
    let object = stage.ready(kind, &name, json!({"lifetime": "4s"})).await;
    let first = stage.secret(&name).await;
    let material = has(&first, secret_key(kind));
    let secrets = stage.follow(Secret, &name, &first).await;
    let not_after = time(&object["status"]["expirationTime"]);
    let versions = secrets
        .until("the material gone", |secret| value(secret, secret_key(kind)).as_ref() != Some(&material))
        .await;
    let gone = versions.last().expect("a version");
    assert!(not_after <= gone.seen, "{kind:?} expired early: {} before {not_after}", gone.seen);
    assert!(gone.seen < not_after + PROMPTLY, "{kind:?} expired late: {} after {not_after}", gone.seen);

    let expired = stage.until(kind, &name, "expired", is_expired).await;
    assert_conditions(
        &expired,
        &[
            "Ready=False Expired",
            "Active=False Expired",
            "ExpiringSoon=False Expired",
            "Expired=True Expired",
            "Stalled=True Expired",
        ],
    );
    let status = &expired["status"];
    assert_eq!((&status["expiry"], &status["isExpired"]), (&json!("Expired"), &json!(true)), "{kind:?}");
    assert_eq!(status["revision"], 1);
    assert_eq!(status["digests"], Value::Null, "{kind:?}: nothing is valid any more");
    assert_eq!(status["next"], Value::Null);
    for id in ["id", "accessKey", "fingerprint"] {
        assert_eq!(status[id], object["status"][id], "{kind:?}: it stays listed");
    }
    let page = ledger(&gone.object);
    assert_eq!((&page["state"], &page["digest"]), (&json!("Expired"), &Value::Null));
    stage.event(kind, &name, "Expired").await;
    let left: &[&str] = match kind {
        ApiKeyPair => &["accessKey"],
        SshKey => &["authorized_keys", "ssh-privatekey"],
        _ => &["account", "expirationTime", "permissions"],
    };
    assert_eq!(keys(&gone.object), left);
    if kind == SshKey {
        assert_eq!(has(&gone.object, "ssh-privatekey"), "# expired\n");
        assert_eq!(has(&gone.object, "authorized_keys"), "");
    }
}

#[test]
fn material_leaves_at_its_not_after_and_never_before() {
    play(|stage| async move {
        tokio::join!(
            expires_in_time(&stage, ApiKeyPair),
            expires_in_time(&stage, SshKey),
            expires_in_time(&stage, AccessToken),
            the_previous_goes_with_the_current(&stage),
        );
    });
}

async fn the_previous_goes_with_the_current(stage: &Stage<'_>) {
    let end = in_seconds(5);
    let spec = json!({"expirationTime": end, "rotation": {"overlap": "1h"}});
    stage.ready(ApiKeyPair, "both", spec).await;
    stage.annotate(ApiKeyPair, "both", ROTATE, "now").await;
    let object = stage.until_revision(ApiKeyPair, "both", 2).await;
    let status = &object["status"];
    assert_eq!(time(&status["expirationTime"]), end, "a rotation does not move an expirationTime");
    assert_eq!(time(&status["previous"]["retirementTime"]), end, "the previous does not outlive its own end");
    stage.until(ApiKeyPair, "both", "expired", is_expired).await;
    assert_eq!(keys(&stage.secret("both").await), ["accessKey"]);
}

#[test]
fn what_expired_while_the_operator_was_stopped_goes_when_it_starts() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let stage = Stage::on(&control_plane).await;
        let object = stage.ready(ApiKeyPair, CI, json!({"lifetime": "4s"})).await;
        let overlap = json!({"rotation": {"overlap": "3s"}});
        stage.ready(AccessToken, "overlap", overlap).await;
        stage.annotate(AccessToken, "overlap", ROTATE, "now").await;
        let rotated = stage.until_revision(AccessToken, "overlap", 2).await;
        operator.stop().await.expect("it stops when asked");

        let ends = [&object["status"]["expirationTime"], &rotated["status"]["previous"]["retirementTime"]];
        let last = ends.map(time).into_iter().max().expect("two");
        let rest = last.duration_since(now()).max(SignedDuration::ZERO) + SignedDuration::from_millis(500);
        tokio::time::sleep(rest.unsigned_abs()).await;
        has(&stage.secret(CI).await, "secretKey");
        has(&stage.secret("overlap").await, "previousToken");

        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts again");
        let ready = now();
        stage.until(Secret, CI, "without material", |secret| value(secret, "secretKey").is_none()).await;
        stage
            .until(Secret, "overlap", "without the previous", |secret| {
                value(secret, "previousToken").is_none()
            })
            .await;
        assert!(now() < ready + PROMPTLY, "at once, not in {:?}", now().duration_since(ready));
        stage.until(ApiKeyPair, CI, "expired", is_expired).await;
        operator.stop().await.expect("it stops when asked");
    });
}

#[test]
fn what_expired_is_issued_anew_by_a_rotate_or_by_a_later_date() {
    play(|stage| async move {
        let lifetime = json!({"lifetime": "2s"});
        stage.ready(ApiKeyPair, "rotated", lifetime.clone()).await;
        stage.ready(ApiKeyPair, "moved", lifetime).await;
        let first = stage.secret("moved").await;
        for name in ["rotated", "moved"] {
            stage.until(ApiKeyPair, name, "expired", is_expired).await;
        }
        // A lifetime that ended before now is no reason to issue.
        stage.patch(ApiKeyPair, "moved", json!({"spec": {"lifetime": "1s"}})).await;
        let still = stage.until(ApiKeyPair, "moved", "observed", is_observed).await;
        assert_eq!((&still["status"]["state"], &still["status"]["revision"]), (&json!("Expired"), &json!(1)));

        stage.patch(ApiKeyPair, "moved", json!({"spec": {"lifetime": "1h"}})).await;
        stage.patch(ApiKeyPair, "rotated", json!({"spec": {"lifetime": "1s"}})).await;
        stage.annotate(ApiKeyPair, "rotated", ROTATE, "now").await;
        let moved = stage.until_reason(ApiKeyPair, "moved", "Ready", "Issued").await;
        assert_eq!(moved["status"]["revision"], 2);
        let second = stage.secret("moved").await;
        assert_eq!(has(&first, "accessKey"), has(&second, "accessKey"));
        assert_ne!(has(&first, "secretKey"), has(&second, "secretKey"));
        assert_eq!(moved["status"]["isExpired"], false);

        let rotated = stage.until_revision(ApiKeyPair, "rotated", 2).await;
        assert_eq!(rotated["status"]["history"][1]["trigger"], "now");
    });
}

#[test]
fn a_credential_that_is_created_expired_gets_no_secret() {
    play(|stage| async move {
        let past = json!({"expirationTime": "2020-01-01T00:00:00Z"});
        stage.credential(AccessToken, CI, past).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "Expired").await;
        assert_conditions(
            &object,
            &["Ready=False Expired", "Active=False Expired", "Expired=True Expired", "Stalled=True Expired"],
        );
        let message = text(&crate::stage::condition(&object, "Ready")["message"]).to_owned();
        assert!(message.contains("move it into the future"), "{message}");
        assert_eq!(object["status"]["revision"], Value::Null);
        assert!(stage.get(Secret, CI).await.is_null());

        stage.patch(AccessToken, CI, json!({"spec": {"expirationTime": "2100-01-01T00:00:00Z"}})).await;
        stage.until_revision(AccessToken, CI, 1).await;
        has(&stage.secret(CI).await, "token");
    });
}

#[test]
fn a_rotate_while_the_date_is_past_is_handled_and_mints_nothing() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"expirationTime": in_seconds(3)})).await;
        stage.until(AccessToken, CI, "expired", is_expired).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        let handled = stage
            .until(AccessToken, CI, "handled", |object| {
                object["status"]["handledTriggers"]["rotate"] == json!(["now"])
            })
            .await;
        assert_eq!(
            (&handled["status"]["state"], &handled["status"]["revision"]),
            (&json!("Expired"), &json!(1))
        );
        let note = stage.event(AccessToken, CI, "Updated").await;
        assert!(note.contains("move it"), "{note}");
        let before = version(&handled);
        stage.patch(AccessToken, CI, json!({"spec": {"expirationTime": "2100-01-01T00:00:00Z"}})).await;
        let object = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(object["status"]["history"][1]["trigger"], Value::Null, "the value was used up");
        assert_ne!(version(&object), before);
    });
}
