//! Restore and adopt: a Secret that nobody owns, or that somebody offers, is taken over with the bytes in it.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, condition, credential, has, is_observed,
    is_ready, ledger, play, secret_key, text, uid, value, version,
};

/// What a backup tool does: the Secret and the object are exported, both go, and both come back with other uids,
/// the Secret without owner references and before its object.
async fn backed_up_and_restored(stage: &Stage<'_>, kind: Kind, name: &str) -> (Value, Value) {
    let object = stage.get(kind, name).await;
    let secret = stage.secret(name).await;
    stage.delete(kind, name).await;
    stage.until_gone(Secret, name).await;
    let back = json!({
        "metadata": {"labels": secret["metadata"]["labels"], "annotations": secret["metadata"]["annotations"]},
        "type": secret["type"],
        "data": secret["data"],
    });
    stage.create(Secret, name, back).await;
    let annotations = object["metadata"]["annotations"].clone();
    stage.create(kind, name, json!({"metadata": {"annotations": annotations}, "spec": object["spec"]})).await;
    (object, secret)
}

#[test]
fn a_restored_secret_is_taken_back_with_the_same_bytes_and_revision() {
    play(|stage| async move {
        for kind in [AccessToken, SshKey, ApiKeyPair] {
            let name = format!("{kind:?}").to_lowercase();
            stage.ready(kind, &name, json!({"lifetime": "90d"})).await;
            stage.annotate(kind, &name, "chatelaine.dev/rotate", "from Git").await;
            stage.until_revision(kind, &name, 2).await;
            let (old, secret) = backed_up_and_restored(&stage, kind, &name).await;
            let new = stage.until_reason(kind, &name, "Ready", "Restored").await;
            assert!(is_ready(&new));
            assert_ne!(uid(&old), uid(&new));
            let after = stage.secret(&name).await;
            assert_eq!(after["data"], secret["data"], "{kind:?}");
            assert_eq!(after["metadata"]["ownerReferences"][0]["uid"], json!(uid(&new)));
            assert_eq!(ledger(&after)["owner"]["uid"], json!(uid(&new)));
            let (told, before) = (&new["status"], &old["status"]);
            for field in
                ["revision", "issueTime", "expirationTime", "id", "accessKey", "fingerprint", "digests"]
            {
                assert_eq!(told[field], before[field], "{kind:?} {field}");
            }
            assert_eq!(told["handledTriggers"]["rotate"], json!(["from Git"]), "it does not act again");
        }
    });
}

#[test]
fn what_expired_or_was_revoked_stays_dead_after_a_restore() {
    play(|stage| async move {
        stage.ready(AccessToken, "expired", json!({"lifetime": "1s"})).await;
        stage.ready(AccessToken, "revoked", json!({})).await;
        stage.annotate(AccessToken, "revoked", "chatelaine.dev/revoke", "leak").await;
        for (name, reason) in [("expired", "Expired"), ("revoked", "Revoked")] {
            stage.until_reason(AccessToken, name, "Ready", reason).await;
            backed_up_and_restored(&stage, AccessToken, name).await;
            let object = stage.until_reason(AccessToken, name, "Ready", reason).await;
            assert_eq!(
                (&object["status"]["state"], &object["status"]["revision"]),
                (&json!(reason), &json!(1))
            );
            let secret = stage.secret(name).await;
            assert_eq!(value(&secret, "token"), None);
            assert_eq!(ledger(&secret)["owner"]["uid"], json!(uid(&object)));
        }
    });
}

#[test]
fn material_that_expired_while_it_lay_in_a_backup_does_not_come_back() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"lifetime": "90d"})).await;
        stage.issued_an_hour_ago(AccessToken, CI).await;
        let secret = stage.secret(CI).await;
        let mut page = ledger(&secret);
        page["notAfter"] = json!("2020-01-01T00:00:00Z");
        page["issueTime"] = json!("2019-01-01T00:00:00Z");
        stage.delete(AccessToken, CI).await;
        stage.until_gone(Secret, CI).await;
        let back = json!({
            "metadata": {
                "labels": secret["metadata"]["labels"],
                "annotations": {"chatelaine.dev/ledger": page.to_string()},
            },
            "data": secret["data"],
        });
        stage.create(Secret, CI, back).await;
        stage.credential(AccessToken, CI, json!({"lifetime": "90d"})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "Expired").await;
        assert_eq!(object["status"]["state"], "Expired");
        assert_eq!(value(&stage.secret(CI).await, "token"), None);
    });
}

#[test]
fn an_old_secret_of_before_a_restore_does_not_bring_back_what_was_revoked_since() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let (_, old) = backed_up_and_restored(&stage, AccessToken, CI).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "Restored").await;
        stage.annotate(AccessToken, CI, "chatelaine.dev/revoke", "leak").await;
        stage.until_reason(AccessToken, CI, "Ready", "Revoked").await;

        // The tool puts that Secret back once more, over the one that is there.
        let mut back = stage.secret(CI).await;
        back["data"] = old["data"].clone();
        back["metadata"]["annotations"] = old["metadata"]["annotations"].clone();
        back["metadata"]["ownerReferences"] = Value::Null;
        let path = stage.path(Secret, CI);
        let put =
            stage.send(http::Method::PUT, path, "application/json", &back).await.expect("it is put back");
        let secrets = stage.follow(Secret, CI, &put).await;
        let ours = |secret: &Value| ledger(secret)["owner"]["uid"] == json!(uid(&object));
        let versions = secrets.until("ours again", ours).await;
        let first = &versions.iter().find(|version| ours(&version.object)).expect("one").object;
        assert_eq!((value(first, "token"), &ledger(first)["state"]), (None, &json!("Revoked")));
        stage.annotate(AccessToken, CI, "chatelaine.dev/rotate", "after the leak").await;
        stage.until_revision(AccessToken, CI, 2).await;
        assert_ne!(has(&stage.secret(CI).await, "token"), has(&old, "token"));
    });
}

/// Where `kubectl apply` notes what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Secret of somebody else, applied and offered to a credential of this kind.
async fn offered(stage: &Stage<'_>, kind: Kind, name: &str, data: Value, type_: &str) -> Value {
    let manifest = json!({
        "metadata": {"annotations": {
            "chatelaine.dev/adopt": format!("{kind:?}/{name}"),
            LAST_APPLIED: json!({"stringData": data}).to_string(),
        }},
        "type": type_,
        "stringData": data,
    });
    stage.create(Secret, name, manifest).await
}

#[test]
fn an_offered_secret_that_conforms_is_adopted_with_the_material_in_it() {
    play(|stage| async move {
        let pair =
            json!({"accessKey": "AKIAABCDEFGHIJKLMNOP", "secretKey": "a".repeat(40), "theirs": "kept"});
        let before = offered(&stage, ApiKeyPair, CI, pair, "Opaque").await;
        let object = stage.ready(ApiKeyPair, CI, json!({"format": "Aws", "lifetime": "1h"})).await;
        assert_eq!(condition(&object, "Ready")["reason"], "Adopted");
        assert_eq!(object["status"]["accessKey"], "AKIAABCDEFGHIJKLMNOP");
        assert_eq!(object["status"]["revision"], 1);
        assert_eq!(object["status"]["digests"][0]["value"], json!(crate::stage::digest_of(&"a".repeat(40))));
        let after = stage.secret(CI).await;
        assert_eq!((uid(&after), &after["data"]), (uid(&before), &before["data"]));
        assert_eq!(after["metadata"]["ownerReferences"][0]["uid"], json!(uid(&object)));
        stage.event(ApiKeyPair, CI, "Adopted").await;
        stage.annotate(ApiKeyPair, CI, "chatelaine.dev/rotate", "now").await;
        stage.until_revision(ApiKeyPair, CI, 2).await;
        let rotated = stage.secret(CI).await;
        assert_ne!(has(&rotated, "secretKey"), "a".repeat(40));
        assert_eq!(has(&rotated, "theirs"), "kept");
        assert!(!rotated["metadata"].to_string().contains(&"a".repeat(40)), "nor in what was applied");

        // A key that somebody made elsewhere.
        let key = stage.ready(SshKey, "made-elsewhere", json!({})).await;
        let private = has(&stage.secret("made-elsewhere").await, secret_key(SshKey));
        offered(&stage, SshKey, "ssh", json!({"ssh-privatekey": private}), "kubernetes.io/ssh-auth").await;
        let adopted = stage.ready(SshKey, "ssh", json!({})).await;
        assert_eq!(adopted["status"]["fingerprint"], key["status"]["fingerprint"]);
        let secret = stage.secret("ssh").await;
        assert_eq!(has(&secret, "ssh-privatekey"), private);
        assert_eq!(crate::stage::keys(&secret), ["authorized_keys", "ssh-privatekey", "ssh-publickey"]);
    });
}

#[test]
fn what_was_adopted_is_restored_and_not_adopted_again() {
    play(|stage| async move {
        for (name, source) in [(CI, "source"), ("expired", "other-source")] {
            let token = has(&stage.ready_secret(source).await, "token");
            offered(&stage, AccessToken, name, json!({"token": token}), "Opaque").await;
        }
        stage.ready(AccessToken, CI, json!({"lifetime": "90d"})).await;
        stage.annotate(AccessToken, CI, "chatelaine.dev/rotate", "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        let (old, secret) = backed_up_and_restored(&stage, AccessToken, CI).await;
        let new = stage.until_reason(AccessToken, CI, "Ready", "Restored").await;
        assert_eq!(stage.secret(CI).await["data"], secret["data"]);
        for field in ["revision", "issueTime", "expirationTime", "handledTriggers"] {
            assert_eq!(new["status"][field], old["status"][field], "{field}");
        }

        stage.credential(AccessToken, "expired", json!({"lifetime": "1s"})).await;
        stage.until_reason(AccessToken, "expired", "Ready", "Expired").await;
        backed_up_and_restored(&stage, AccessToken, "expired").await;
        let object = stage.until_reason(AccessToken, "expired", "Ready", "Expired").await;
        assert_eq!(object["status"]["revision"], 1);
        assert_eq!(value(&stage.secret("expired").await, "token"), None);
    });
}

#[test]
fn an_offered_secret_that_does_not_conform_stays_as_it_is_and_the_message_says_why() {
    play(|stage| async move {
        let rows = [
            ("format", ApiKeyPair, json!({"accessKey": "short", "secretKey": "short"}), "Opaque", "access"),
            ("empty", AccessToken, json!({"other": "x"}), "Opaque", "data keys"),
            (
                "checksum",
                AccessToken,
                json!({"token": format!("chtl_{}", "a".repeat(36))}),
                "Opaque",
                "checksum",
            ),
            ("type", AccessToken, json!({"token": "x"}), "example.com/other", "type"),
            ("key", SshKey, json!({"ssh-privatekey": "no key"}), "kubernetes.io/ssh-auth", "data keys"),
        ];
        for (name, kind, data, type_, why) in rows {
            let before = offered(&stage, kind, name, data, type_).await;
            stage.credential(kind, name, json!({})).await;
            let object = stage.until_reason(kind, name, "Ready", "SecretConflict").await;
            let message = text(&condition(&object, "Ready")["message"]);
            assert!(message.contains("cannot be adopted") && message.contains(why), "{name}: {message}");
            assert_eq!(stage.secret(name).await, before, "{name}");
        }
    });
}

#[test]
fn an_offer_to_another_or_of_a_secret_that_another_controller_owns_is_none() {
    play(|stage| async move {
        let token = has(&stage.ready_secret("source").await, "token");
        let data = json!({"data": {"token": BASE64.encode(token.as_bytes())}});
        let adopt = |to: &str| json!({"metadata": {"annotations": {"chatelaine.dev/adopt": to}}});
        let mut other = data.clone();
        crate::stage::merge(&mut other, adopt("AccessToken/somebody"));
        let mut owned = data;
        crate::stage::merge(&mut owned, adopt("AccessToken/owned"));
        let owner = stage.create(AccessToken, "owner", credential(json!({}))).await;
        let reference = json!([{
            "apiVersion": "chatelaine.dev/v1alpha1", "kind": "AccessToken", "name": "owner", "uid": uid(&owner),
            "controller": true,
        }]);
        crate::stage::merge(&mut owned, json!({"metadata": {"ownerReferences": reference}}));
        for (name, manifest) in [("other", other), ("owned", owned)] {
            let before = stage.create(Secret, name, manifest).await;
            stage.credential(AccessToken, name, json!({})).await;
            stage.until_reason(AccessToken, name, "Ready", "SecretConflict").await;
            assert_eq!(version(&stage.secret(name).await), version(&before), "{name}");
        }
    });
}

#[test]
fn a_restore_while_withheld_keeps_the_material() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({"deletionPolicy": "Retain"})).await;
        let token = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        stage.delete(AccessToken, CI).await;
        stage.until_gone(AccessToken, CI).await;
        assert!(stage.copy_of(&object).await.is_object(), "the copy is retained too");
        stage.credential(AccessToken, CI, json!({"deletionPolicy": "Retain", "active": false})).await;
        let inactive = stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        assert_eq!(inactive["status"]["revision"], 1);
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        stage.until(Secret, CI, "given back", |secret| value(secret, "token").as_ref() == Some(&token)).await;
        let back = stage
            .until(AccessToken, CI, "live", |object| {
                is_observed(object) && object["status"]["state"] == "Live"
            })
            .await;
        assert_eq!(back["status"]["revision"], 1);
        stage.until_gone(Secret, &crate::stage::copy_name(&object)).await;
    });
}

impl Stage<'_> {
    /// The Secret of a new AccessToken.
    async fn ready_secret(&self, name: &str) -> Value {
        self.ready(AccessToken, name, json!({})).await;
        self.secret(name).await
    }
}
