//! Limits of an Account: what is new is refused, what was issued stays, and the next in line needs nobody.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, assert_conditions, condition, has,
    is_observed, is_ready, play, text, time,
};

async fn limit(stage: &Stage<'_>, limits: Value) {
    stage.patch(Account, "alice", json!({"spec": {"limits": limits}})).await;
    stage.until(Account, "alice", "observed", is_observed).await;
}

async fn refused(stage: &Stage<'_>, kind: Kind, name: &str, reason: &str) -> String {
    let object = stage.until_reason(kind, name, "Stalled", reason).await;
    assert!(stage.get(Secret, name).await.is_null(), "{name} has a Secret");
    text(&condition(&object, "Ready")["message"]).to_owned()
}

#[test]
fn a_quota_refuses_what_is_new_and_the_next_is_issued_when_one_is_deleted_or_the_limit_is_raised() {
    play(|stage| async move {
        limit(&stage, json!({"accessTokens": 1, "sshKeys": 0})).await;
        stage.ready(AccessToken, "one", json!({})).await;
        stage.credential(AccessToken, "two", json!({})).await;
        let message = refused(&stage, AccessToken, "two", "QuotaExceeded").await;
        assert!(
            message.contains("alice may have 1 (spec.limits.accessTokens), and there are 2: delete one"),
            "{message}"
        );
        stage.credential(SshKey, "key", json!({})).await;
        refused(&stage, SshKey, "key", "QuotaExceeded").await;
        stage.ready(ApiKeyPair, "pair", json!({})).await;

        stage.delete(AccessToken, "one").await;
        stage.until_revision(AccessToken, "two", 1).await;
        stage.credential(AccessToken, "three", json!({})).await;
        refused(&stage, AccessToken, "three", "QuotaExceeded").await;
        limit(&stage, json!({"accessTokens": 2})).await;
        let object = stage.until_revision(AccessToken, "three", 1).await;
        assert_conditions(
            &object,
            &[
                "Ready=True Issued",
                "Active=True Issued",
                "ExpiringSoon=False NeverExpires",
                "Expired=False NeverExpires",
            ],
        );
        let note = stage.event(AccessToken, "three", "QuotaExceeded").await;
        assert!(note.contains("raise the limit"), "{note}");
    });
}

#[test]
fn of_many_that_are_created_at_once_as_many_are_issued_as_the_limit_allows() {
    play(|stage| async move {
        limit(&stage, json!({"accessTokens": 3})).await;
        let names: Vec<String> = (0..12).map(|n| format!("t{n}")).collect();
        join_all(names.iter().map(|name| stage.credential(AccessToken, name, json!({})))).await;
        let mut issued = Vec::new();
        for name in &names {
            let object = stage.until(AccessToken, name, "looked at", is_observed).await;
            if is_ready(&object) {
                issued.push(name);
            } else {
                assert_eq!(condition(&object, "Stalled")["reason"], "QuotaExceeded", "{object:#}");
            }
        }
        assert_eq!(issued.len(), 3, "{issued:?}");
        for gone in issued {
            stage.delete(AccessToken, gone).await;
        }
        let began = std::time::Instant::now();
        loop {
            let mut ready = 0;
            for name in &names {
                ready += usize::from(is_ready(&stage.get(AccessToken, name).await));
            }
            assert!(ready <= 3, "{ready} are issued");
            if ready == 3 {
                break;
            }
            assert!(began.elapsed().as_secs() < 60, "nobody takes the free places: {ready}");
        }
    });
}

#[test]
fn a_lowered_quota_takes_nothing_away() {
    play(|stage| async move {
        stage.ready(AccessToken, "one", json!({})).await;
        stage.ready(AccessToken, "two", json!({})).await;
        let before = stage.secret("two").await;
        limit(&stage, json!({"accessTokens": 1})).await;
        stage.credential(AccessToken, "three", json!({})).await;
        refused(&stage, AccessToken, "three", "QuotaExceeded").await;
        assert_eq!(has(&stage.secret("two").await, "token"), has(&before, "token"));
        stage.annotate(AccessToken, "two", "chatelaine.dev/rotate", "now").await;
        stage.until_revision(AccessToken, "two", 2).await;
        stage.annotate(AccessToken, "two", "chatelaine.dev/revoke", "now").await;
        stage.until_reason(AccessToken, "two", "Ready", "Revoked").await;
        stage.annotate(AccessToken, "two", "chatelaine.dev/rotate", "again").await;
        stage.until_revision(AccessToken, "two", 3).await;
    });
}

#[test]
fn one_pair_of_a_service_is_all_that_an_account_may_have() {
    play(|stage| async move {
        limit(&stage, json!({"perService": {"s3": 1}, "apiKeyPairs": 3})).await;
        stage.ready(ApiKeyPair, "s3", json!({"service": "s3", "format": "Uuid"})).await;
        stage.credential(ApiKeyPair, "s3-too", json!({"service": "s3"})).await;
        let message = refused(&stage, ApiKeyPair, "s3-too", "QuotaExceeded").await;
        assert!(message.contains("may have 1 (spec.limits.perService.s3), and there are 2"), "{message}");
        stage.ready(ApiKeyPair, "api", json!({})).await;
        // Of two that were created in one second the uid says which comes first.
        stage.second_after(ApiKeyPair, "s3-too").await;
        stage.credential(ApiKeyPair, "api-too", json!({})).await;
        let message = refused(&stage, ApiKeyPair, "api-too", "QuotaExceeded").await;
        assert!(message.contains("spec.limits.apiKeyPairs"), "the refused one counts: {message}");
        stage.delete(ApiKeyPair, "s3").await;
        stage.until_revision(ApiKeyPair, "s3-too", 1).await;
        stage.until_revision(ApiKeyPair, "api-too", 1).await;
    });
}

#[test]
fn a_longest_lifetime_refuses_what_asks_for_more_and_is_the_lifetime_of_what_asks_for_nothing() {
    play(|stage| async move {
        limit(&stage, json!({"maxLifetime": "90d"})).await;
        stage.credential(AccessToken, "long", json!({"lifetime": "1y"})).await;
        let message = refused(&stage, AccessToken, "long", "LifetimeExceeded").await;
        assert!(message.contains("365d is longer than 90d"), "{message}");
        stage.credential(AccessToken, "never", json!({"lifetime": "never"})).await;
        refused(&stage, AccessToken, "never", "LifetimeExceeded").await;
        stage.credential(AccessToken, "far", json!({"expirationTime": "2900-01-01T00:00:00Z"})).await;
        let far = stage.until_reason(AccessToken, "far", "Ready", "LifetimeExceeded").await;
        assert_eq!(condition(&far, "Reconciling")["status"], "True", "its time comes");
        assert!(stage.get(Secret, "far").await.is_null());

        let object = stage.ready(AccessToken, CI, json!({})).await;
        let effective = &object["status"]["effective"];
        assert_eq!((&effective["lifetime"], &effective["lifetimeFrom"]), (&json!("90d"), &json!("Limit")));
        let issued = time(&object["status"]["issueTime"]);
        let life = time(&object["status"]["expirationTime"]).duration_since(issued);
        assert_eq!(life.as_hours(), 90 * 24);

        stage.patch(AccessToken, "long", json!({"spec": {"lifetime": "30d"}})).await;
        stage.until_revision(AccessToken, "long", 1).await;
    });
}

#[test]
fn what_is_live_keeps_its_end_under_a_lower_limit_and_is_not_rotated_beyond_it() {
    play(|stage| async move {
        let before = stage.ready(AccessToken, CI, json!({"lifetime": "60d"})).await;
        limit(&stage, json!({"maxLifetime": "30d"})).await;
        let object = stage
            .until(AccessToken, CI, "told", |object| {
                text(&condition(object, "Ready")["message"]).contains("it would not be rotated")
            })
            .await;
        assert_eq!(condition(&object, "Ready")["status"], "True");
        assert_eq!(object["status"]["expirationTime"], before["status"]["expirationTime"]);

        stage.patch(AccessToken, CI, json!({"spec": {"lifetime": "1y"}})).await;
        let object = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(object["status"]["expirationTime"], before["status"]["expirationTime"], "not beyond");

        stage.annotate(AccessToken, CI, "chatelaine.dev/rotate", "now").await;
        let object = stage.until_reason(AccessToken, CI, "Stalled", "LifetimeExceeded").await;
        assert_eq!((&object["status"]["revision"], &object["status"]["state"]), (&json!(1), &json!("Live")));

        stage.patch(AccessToken, CI, json!({"spec": {"lifetime": "20d"}})).await;
        let object = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(object["status"]["effective"]["lifetimeFrom"], "Spec");
    });
}
