//! Conflict: a Secret that the credential does not own is never touched, and nobody loops.

use std::time::Duration;

use serde_json::json;

use crate::stage::{
    AccessToken, ApiKeyPair, CI, Secret, assert_conditions, condition, has, ledger, play, text, uid, version,
};

#[test]
fn a_strangers_secret_is_not_touched_and_the_message_says_what_to_do() {
    play(|stage| async move {
        let theirs = json!({"metadata": {"labels": {"owner": "them"}}, "stringData": {"token": "theirs"}});
        let before = stage.create(Secret, CI, theirs).await;
        stage.credential(AccessToken, CI, json!({})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "SecretConflict").await;
        assert_conditions(
            &object,
            &["Ready=False SecretConflict", "Active=False SecretConflict", "Reconciling=True SecretConflict"],
        );
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(message.contains("spec.secret.name"), "{message}");
        assert!(message.contains("chatelaine.dev/adopt: AccessToken/ci"), "{message}");
        for kind in ["Active", "Reconciling"] {
            let beside = text(&condition(&object, kind)["message"]);
            assert_eq!(beside, "The Secret exists and belongs to somebody else", "the advice is in Ready");
        }
        assert_eq!(object["status"]["revision"], json!(null));
        stage.event(AccessToken, CI, "SecretConflict").await;

        // It waits; it does not loop.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(version(&stage.get(AccessToken, CI).await), version(&object));
        stage.delete(AccessToken, CI).await;
        stage.until_gone(AccessToken, CI).await;
        assert_eq!(stage.secret(CI).await, before, "nor when the credential goes");
    });
}

#[test]
fn of_two_credentials_that_name_one_secret_the_first_keeps_it_and_the_second_gets_it_afterwards() {
    play(|stage| async move {
        let shared = json!({"secret": {"name": "shared"}});
        let first = stage.credential(AccessToken, "first", shared.clone()).await;
        stage.until(AccessToken, "first", "ready", crate::stage::is_ready).await;
        let theirs = stage.secret("shared").await;
        let second = stage.credential(ApiKeyPair, "second", shared).await;
        let waiting = stage.until_reason(ApiKeyPair, "second", "Ready", "SecretConflict").await;
        let message = text(&condition(&waiting, "Ready")["message"]);
        assert!(message.contains("the AccessToken first"), "{message}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(version(&stage.get(ApiKeyPair, "second").await), version(&waiting));
        assert_eq!(stage.secret("shared").await, theirs);
        assert_eq!(ledger(&theirs)["owner"]["uid"], json!(uid(&first)));

        stage.delete(AccessToken, "first").await;
        stage.until(ApiKeyPair, "second", "ready", crate::stage::is_ready).await;
        let now_its_own = stage.secret("shared").await;
        assert_eq!(ledger(&now_its_own)["owner"]["uid"], json!(uid(&second)));
        assert_ne!(uid(&now_its_own), uid(&theirs));
        has(&now_its_own, "secretKey");
    });
}

#[test]
fn a_strangers_secret_on_the_name_of_the_copy_is_not_touched_and_the_material_stays() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({})).await;
        let token = has(&stage.secret(CI).await, "token");
        let name = crate::stage::copy_name(&object);
        let theirs = stage.create(Secret, &name, json!({"stringData": {"theirs": "x"}})).await;
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "SecretConflict").await;
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(message.contains(&name), "{message}");
        assert_eq!(has(&stage.secret(CI).await, "token"), token);
        assert_eq!(stage.get(Secret, &name).await, theirs);
        assert_eq!(condition(&object, "Stalled")["status"], "True");

        // Whoever follows the advice need do nothing more.
        stage.delete(Secret, &name).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        assert_eq!(has(&stage.get(Secret, &name).await, "token"), token);
    });
}
