//! Delete: the Secret goes with its object, or stays with `Retain` until it is taken back.

use serde_json::json;
use support::Operator;
use support::servers::Server;

use crate::stage::{
    AccessToken, ApiKeyPair, BINARY, CI, RUNTIME, Secret, SshKey, Stage, copy_name, credential, has,
    is_ready, ledger, merge, play, secret_key, uid,
};

#[test]
fn the_secret_goes_with_its_object_and_so_does_the_copy() {
    play(|stage| async move {
        for kind in [ApiKeyPair, SshKey, AccessToken] {
            stage.ready(kind, "live", json!({})).await;
            let withheld = stage.ready(kind, "withheld", json!({})).await;
            stage.patch(kind, "withheld", json!({"spec": {"active": false}})).await;
            stage.until_reason(kind, "withheld", "Ready", "Inactive").await;
            for name in ["live", "withheld"] {
                stage.delete(kind, name).await;
            }
            for name in ["live", "withheld", &copy_name(&withheld)] {
                stage.until_gone(Secret, name).await;
            }
        }
    });
}

#[test]
fn a_retained_secret_stays_and_is_taken_back_with_the_same_bytes() {
    play(|stage| async move {
        let retain = json!({"deletionPolicy": "Retain"});
        let old = stage.ready(AccessToken, CI, retain.clone()).await;
        let before = stage.secret(CI).await;
        assert_eq!(before["metadata"]["ownerReferences"], json!(null));
        stage.delete(AccessToken, CI).await;
        stage.until_gone(AccessToken, CI).await;
        // Another Account's credential of this name is a stranger to it.
        stage.create(crate::stage::Account, "bob", json!({"spec": {"email": "bob@example.com"}})).await;
        stage.credential(AccessToken, CI, json!({"accountRef": {"name": "bob"}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "SecretConflict").await;
        stage.delete(AccessToken, CI).await;
        stage.until_gone(AccessToken, CI).await;
        assert_eq!(stage.secret(CI).await, before);

        let new = stage.ready(AccessToken, CI, retain).await;
        assert_ne!(uid(&old), uid(&new));
        let after = stage.secret(CI).await;
        assert_eq!((uid(&after), &after["data"]), (uid(&before), &before["data"]));
        assert_eq!(ledger(&after)["owner"]["uid"], json!(uid(&new)));
        assert_eq!(new["status"]["revision"], 1);
        assert_eq!(new["status"]["issueTime"], old["status"]["issueTime"]);
        assert_eq!(crate::stage::condition(&new, "Ready")["reason"], "Restored");
        stage.event(AccessToken, CI, "Restored").await;

        // With the policy changed the object owns it again, and takes it along.
        stage.patch(AccessToken, CI, json!({"spec": {"deletionPolicy": "Delete"}})).await;
        stage
            .until(Secret, CI, "owned", |secret| {
                secret["metadata"]["ownerReferences"][0]["uid"] == json!(uid(&new))
            })
            .await;
        stage.delete(AccessToken, CI).await;
        stage.until_gone(Secret, CI).await;
    });
}

#[test]
fn a_policy_that_changes_while_withheld_holds_for_the_copy_too() {
    play(|stage| async move {
        for name in ["kept", "taken"] {
            let (before, after) = if name == "kept" { ("Delete", "Retain") } else { ("Retain", "Delete") };
            let object = stage.ready(AccessToken, name, json!({"deletionPolicy": before})).await;
            let value = has(&stage.secret(name).await, "token");
            stage.patch(AccessToken, name, json!({"spec": {"active": false}})).await;
            stage.until_reason(AccessToken, name, "Ready", "Inactive").await;
            let copy = copy_name(&object);
            stage.patch(AccessToken, name, json!({"spec": {"deletionPolicy": after}})).await;
            let owned = if after == "Delete" { json!(uid(&object)) } else { json!(null) };
            for secret in [name, &copy] {
                let is_so =
                    |secret: &serde_json::Value| secret["metadata"]["ownerReferences"][0]["uid"] == owned;
                stage.until(Secret, secret, &format!("for {after}"), is_so).await;
            }
            stage.delete(AccessToken, name).await;
            stage.until_gone(AccessToken, name).await;
            if after == "Delete" {
                stage.until_gone(Secret, name).await;
                stage.until_gone(Secret, &copy).await;
                continue;
            }
            // The garbage collector has had its time, and the bytes are still there.
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            stage.ready(AccessToken, name, json!({"deletionPolicy": after})).await;
            assert_eq!(has(&stage.secret(name).await, "token"), value);
        }
    });
}

#[test]
fn deleted_and_created_again_at_once_is_a_new_value_each_time() {
    play(|stage| async move {
        let mut seen = Vec::new();
        stage.ready(AccessToken, CI, json!({})).await;
        for _ in 0..10 {
            seen.push(has(&stage.secret(CI).await, secret_key(AccessToken)));
            stage.delete(AccessToken, CI).await;
            let made = stage.create(AccessToken, CI, credential(json!({}))).await;
            let object = stage.until(AccessToken, CI, "ready", is_ready).await;
            assert_eq!((uid(&object), &object["status"]["revision"]), (uid(&made), &json!(1)));
            let secret = stage.secret(CI).await;
            assert_eq!(ledger(&secret)["owner"]["uid"], json!(uid(&made)));
            assert!(!seen.contains(&has(&secret, "token")), "an old value came back");
        }
    });
}

#[test]
fn what_the_garbage_collector_has_not_taken_yet_is_waited_for() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let stage = Stage::on(&control_plane).await;
        stage.ready(AccessToken, CI, json!({})).await;
        let old = stage.secret(CI).await;
        control_plane.stop(Server::ControllerManager);
        stage.delete(AccessToken, CI).await;
        stage.credential(AccessToken, CI, json!({})).await;
        stage.until_reason(AccessToken, CI, "Ready", "SecretTerminating").await;
        assert_eq!(stage.secret(CI).await, old, "it is not written, and not made one's own");
        control_plane.start_again(&[Server::ControllerManager]).await.expect("it starts again");
        stage.until(AccessToken, CI, "ready", is_ready).await;
        assert_ne!(has(&stage.secret(CI).await, "token"), has(&old, "token"));
        operator.stop().await.expect("it stops when asked");
    });
}

#[test]
fn foreground_deletion_ends_and_nothing_is_made_again_meanwhile() {
    play(|stage| async move {
        stage.ready(ApiKeyPair, CI, json!({})).await;
        stage.delete_by(ApiKeyPair, CI, "Foreground").await;
        stage.until_gone(ApiKeyPair, CI).await;
        stage.until_gone(Secret, CI).await;

        // Somebody else's finalizer keeps the next one, so that there is time to make a mistake.
        let mut guarded = credential(json!({}));
        merge(&mut guarded, json!({"metadata": {"finalizers": ["example.com/guard"]}}));
        stage.create(ApiKeyPair, CI, guarded).await;
        stage.until(ApiKeyPair, CI, "ready", is_ready).await;
        stage.issued_an_hour_ago(ApiKeyPair, CI).await;
        stage.delete_by(ApiKeyPair, CI, "Foreground").await;
        stage.until_gone(Secret, CI).await;
        stage.annotate(ApiKeyPair, CI, "chatelaine.dev/rotate", "too late").await;
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        assert!(stage.get(Secret, CI).await.is_null(), "an object that is being deleted gets nothing new");
        stage.patch(ApiKeyPair, CI, json!({"metadata": {"finalizers": null}})).await;
        stage.until_gone(ApiKeyPair, CI).await;
        assert!(stage.get(Secret, CI).await.is_null());
    });
}

#[test]
fn an_object_that_is_being_deleted_is_still_revoked() {
    play(|stage| async move {
        let manifest = json!({"metadata": {"finalizers": ["example.com/guard"]}});
        let mut all = credential(json!({}));
        merge(&mut all, manifest);
        stage.create(AccessToken, CI, all).await;
        stage.until(AccessToken, CI, "ready", is_ready).await;
        stage.delete(AccessToken, CI).await;
        stage.annotate(AccessToken, CI, "chatelaine.dev/revoke", "leak").await;
        stage
            .until(Secret, CI, "without material", |secret| crate::stage::value(secret, "token").is_none())
            .await;
        stage.patch(AccessToken, CI, json!({"metadata": {"finalizers": null}})).await;
        stage.until_gone(Secret, CI).await;
    });
}
