//! Revoke: in every state the material is destroyed at once, and the object stays until a rotate.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, ApiKeyPair, CI, Secret, SshKey, assert_conditions, copy_name, credential, has, is_observed,
    keys, ledger, merge, play, value,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const REVOKE: &str = "chatelaine.dev/revoke";

fn is_revoked(object: &Value) -> bool {
    is_observed(object) && object["status"]["state"] == "Revoked"
}

#[test]
fn a_live_credential_is_revoked_with_its_previous_and_issued_anew_by_a_rotate() {
    play(|stage| async move {
        let object = stage.ready(ApiKeyPair, CI, json!({"rotation": {"overlap": "1h"}})).await;
        stage.annotate(ApiKeyPair, CI, ROTATE, "now").await;
        stage.until_revision(ApiKeyPair, CI, 2).await;
        let second = stage.secret(CI).await;
        has(&second, "previousSecretKey");

        stage.annotate(ApiKeyPair, CI, REVOKE, "leak").await;
        let revoked = stage.until(ApiKeyPair, CI, "revoked", is_revoked).await;
        assert_conditions(
            &revoked,
            &[
                "Ready=False Revoked",
                "Active=False Revoked",
                "ExpiringSoon=False Revoked",
                "Expired=False Revoked",
                "Stalled=True Revoked",
            ],
        );
        let status = &revoked["status"];
        assert_eq!(
            (&status["digests"], &status["previous"], &status["expiry"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert_eq!(status["accessKey"], object["status"]["accessKey"]);
        assert_eq!(status["handledTriggers"]["revoke"], json!(["leak"]));
        assert_eq!(keys(&stage.secret(CI).await), ["accessKey"]);
        stage.event(ApiKeyPair, CI, "Revoked").await;

        stage.annotate(ApiKeyPair, CI, ROTATE, "anew").await;
        let anew = stage.until_revision(ApiKeyPair, CI, 3).await;
        assert_eq!(anew["status"]["history"][2]["reason"], "Issued");
        let third = stage.secret(CI).await;
        assert_ne!(has(&third, "secretKey"), has(&second, "secretKey"));
        assert_eq!(value(&third, "previousSecretKey"), None, "what was revoked is no previous one");
    });
}

#[test]
fn a_revoke_and_a_rotate_together_end_the_old_and_issue_the_new() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"rotation": {"overlap": "1h"}})).await;
        let both = json!({"metadata": {"annotations": {ROTATE: "x", REVOKE: "x"}}});
        stage.patch(AccessToken, CI, both).await;
        let object = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(object["status"]["state"], "Live");
        assert_eq!(value(&stage.secret(CI).await, "previousToken"), None);
    });
}

#[test]
fn a_withheld_credential_is_revoked_at_once_and_nothing_comes_back() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({})).await;
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        assert!(stage.copy_of(&object).await.is_object());
        stage.annotate(AccessToken, CI, REVOKE, "leak").await;
        stage.until(AccessToken, CI, "revoked", is_revoked).await;
        stage.until_gone(Secret, &copy_name(&object)).await;
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        let active = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(
            (&active["status"]["state"], &active["status"]["revision"]),
            (&json!("Revoked"), &json!(1))
        );
        assert_eq!(value(&stage.secret(CI).await, "token"), None);
        stage.annotate(AccessToken, CI, ROTATE, "anew").await;
        stage.until_revision(AccessToken, CI, 2).await;
    });
}

#[test]
fn an_expired_credential_is_revoked_so_that_a_later_date_brings_nothing() {
    play(|stage| async move {
        stage.ready(SshKey, CI, json!({"lifetime": "2s"})).await;
        stage.until(SshKey, CI, "expired", |object| object["status"]["state"] == "Expired").await;
        stage.annotate(SshKey, CI, REVOKE, "leak").await;
        stage.until(SshKey, CI, "revoked", is_revoked).await;
        stage.patch(SshKey, CI, json!({"spec": {"lifetime": "1h"}})).await;
        let later = stage.until(SshKey, CI, "observed", is_observed).await;
        assert_eq!((&later["status"]["state"], &later["status"]["revision"]), (&json!("Revoked"), &json!(1)));
        assert_eq!(has(&stage.secret(CI).await, "ssh-privatekey"), "# revoked\n");
    });
}

#[test]
fn a_credential_that_is_created_with_a_revoke_is_born_revoked_unless_a_rotate_stands_beside_it() {
    play(|stage| async move {
        let mut manifest = credential(json!({}));
        merge(&mut manifest, json!({"metadata": {"annotations": {REVOKE: "from Git"}}}));
        stage.create(AccessToken, "dead", manifest.clone()).await;
        merge(&mut manifest, json!({"metadata": {"annotations": {ROTATE: "from Git"}}}));
        stage.create(AccessToken, "live", manifest).await;

        let dead = stage.until(AccessToken, "dead", "revoked", is_revoked).await;
        assert_eq!(dead["status"]["revision"], 0);
        let secret = stage.secret("dead").await;
        assert_eq!((value(&secret, "token"), &ledger(&secret)["state"]), (None, &json!("Revoked")));
        stage.annotate(AccessToken, "dead", ROTATE, "anew").await;
        stage.until_revision(AccessToken, "dead", 1).await;
        has(&stage.secret("dead").await, "token");

        let live = stage.until_revision(AccessToken, "live", 1).await;
        assert_eq!(live["status"]["state"], "Live");
        assert_eq!(
            live["status"]["handledTriggers"],
            json!({"rotate": ["from Git"], "revoke": ["from Git"]})
        );
    });
}

#[test]
fn a_revocation_is_held_up_by_nothing_that_somebody_did_to_the_secret() {
    play(|stage| async move {
        let immutable = json!({"immutable": true});
        let full = json!({"metadata": {"annotations": {"theirs": "x".repeat(260_000)}}});
        for (name, theirs) in [("immutable", immutable), ("full", full)] {
            stage.ready(AccessToken, name, json!({})).await;
            has(&stage.secret(name).await, "token");
            stage.patch(Secret, name, theirs).await;
            stage.annotate(AccessToken, name, REVOKE, "leak").await;
            stage.until(AccessToken, name, "revoked", is_revoked).await;
            let after = stage.secret(name).await;
            assert_eq!(
                (value(&after, "token"), &ledger(&after)["state"]),
                (None, &json!("Revoked")),
                "{name}"
            );
        }
        stage.annotate(AccessToken, "immutable", ROTATE, "anew").await;
        stage.until_revision(AccessToken, "immutable", 2).await;
        has(&stage.secret("immutable").await, "token");
    });
}
