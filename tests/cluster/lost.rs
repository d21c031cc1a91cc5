//! Lost, damaged and rolled back: new material; what can be derived is rewritten with the old.

use data_encoding::BASE64;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, condition, digest_of, has,
    is_observed, ledger, now, play, secret_key, text, time, uid, value, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";

fn encoded(text: &str) -> Value {
    json!(BASE64.encode(text.as_bytes()))
}

#[test]
fn a_deleted_secret_is_made_again_with_new_material_and_the_next_revision() {
    play(|stage| async move {
        for kind in [AccessToken, SshKey, ApiKeyPair] {
            let name = format!("{kind:?}").to_lowercase();
            stage.ready(kind, &name, json!({})).await;
            stage.issued_an_hour_ago(kind, &name).await;
            let first = stage.secret(&name).await;
            stage.delete(Secret, &name).await;
            let object = stage.until_revision(kind, &name, 2).await;
            let second = stage.secret(&name).await;
            assert_ne!(uid(&first), uid(&second));
            assert_ne!(has(&first, secret_key(kind)), has(&second, secret_key(kind)), "{kind:?}");
            assert_eq!(object["status"]["state"], "Live");
            assert_eq!(condition(&object, "Ready")["reason"], "SecretRecreated");
            let note = stage.event(kind, &name, "SecretRecreated").await;
            assert!(note.contains("new material, revision 2"), "{note}");
            if kind == SshKey {
                assert_eq!(ledger(&first)["number"], ledger(&second)["number"], "the number stays");
            }
            if kind == ApiKeyPair {
                assert_eq!(has(&first, "accessKey"), has(&second, "accessKey"));
            }
        }
    });
}

/// Both wait for the rest of their minute at the same time.
#[test]
fn a_lost_secret_is_made_again_at_most_once_a_minute_and_a_missing_account_has_a_minute_of_grace() {
    play(|stage| async move {
        tokio::join!(at_most_once_a_minute(&stage), an_account_comes_back());
    });
}

async fn at_most_once_a_minute(stage: &Stage<'_>) {
    let object = stage.ready(AccessToken, CI, json!({})).await;
    let issue = time(&object["status"]["issueTime"]);
    stage.delete(Secret, CI).await;
    let waiting = stage.until_reason(AccessToken, CI, "Ready", "AwaitingMaterial").await;
    let message = text(&condition(&waiting, "Ready")["message"]);
    let promise = format!("it gets new material at {}", issue + SignedDuration::from_secs(60));
    assert!(message.contains(&promise), "{message}");
    assert_eq!(condition(&waiting, "Reconciling")["status"], "True");
    assert_eq!(stage.event(AccessToken, CI, "AwaitingMaterial").await, message);
    assert_eq!(waiting["status"]["revision"], 1, "the testimony is kept");
    let object = stage.until_revision(AccessToken, CI, 2).await;
    assert!(time(&object["status"]["issueTime"]) >= issue + SignedDuration::from_secs(60));
    assert_eq!(condition(&object, "Ready")["reason"], "SecretRecreated");
}

async fn an_account_comes_back() {
    let stage = Stage::on(support::shared().await).await;
    let object = stage.ready(AccessToken, CI, json!({})).await;
    stage.credential(ApiKeyPair, "later", json!({"accountRef": {"name": "nobody"}})).await;
    let live = stage.secret(CI).await;
    let deleted = now();
    stage.delete(Account, "alice").await;
    let nobody = stage.until_reason(ApiKeyPair, "later", "Ready", "AccountNotFound").await;
    assert_eq!(condition(&nobody, "Reconciling")["status"], "True");
    assert!(stage.get(Secret, "later").await.is_null(), "nothing is minted without an Account");

    let withheld = stage.until_reason(AccessToken, CI, "Ready", "AccountNotFound").await;
    assert!(now() >= deleted + SignedDuration::from_secs(59), "not before the grace is over");
    assert_eq!(condition(&withheld, "Ready")["status"], "False");
    assert_eq!(condition(&withheld, "Reconciling")["status"], "True");
    assert_eq!(value(&stage.secret(CI).await, "token"), None);
    assert!(stage.copy_of(&object).await.is_object());

    stage.account(json!({"permissions": crate::stage::GRANTED})).await;
    let back = stage.until(AccessToken, CI, "ready", crate::stage::is_ready).await;
    assert_eq!(back["status"]["revision"], 1);
    assert_eq!(stage.secret(CI).await["data"], live["data"], "byte for byte");
    stage.patch(ApiKeyPair, "later", json!({"spec": {"comment": "still nobody"}})).await;
    stage.until_reason(ApiKeyPair, "later", "Ready", "AccountNotFound").await;
}

#[test]
fn damaged_material_is_replaced_by_new_material() {
    play(|stage| async move {
        let other = "chtl_0123456789";
        for (kind, damage) in [(AccessToken, Some(other)), (ApiKeyPair, None), (SshKey, Some("no key\n"))] {
            let name = format!("{kind:?}").to_lowercase();
            stage.ready(kind, &name, json!({})).await;
            stage.issued_an_hour_ago(kind, &name).await;
            let damaged = damage.map_or(Value::Null, encoded);
            stage.patch(Secret, &name, json!({"data": {secret_key(kind): damaged}})).await;
            let object = stage.until_revision(kind, &name, 2).await;
            assert_eq!(condition(&object, "Ready")["reason"], "SecretRepaired", "{kind:?}");
            stage.event(kind, &name, "SecretRepaired").await;
            let mended = has(&stage.secret(&name).await, secret_key(kind));
            assert_ne!(Some(mended.as_str()), damage);
            if kind == AccessToken {
                assert_eq!(object["status"]["digests"][0]["value"], json!(digest_of(&mended)));
            }
        }
    });
}

/// Waits until the Secret's data are again as they were, and the object says so with revision 1.
async fn mended(stage: &Stage<'_>, kind: Kind, name: &str, before: &Value, edit: Value) {
    let began = now();
    let edited = stage.patch(Secret, name, edit.clone()).await;
    let mended = stage
        .until(Secret, name, "mended", |secret| {
            version(secret) != version(&edited)
                && secret["data"] == before["data"]
                && secret["metadata"]["labels"] == before["metadata"]["labels"]
        })
        .await;
    let object = stage
        .until(kind, name, "verified", |object| {
            object["status"]["secretRef"]["resourceVersion"] == json!(version(&mended))
        })
        .await;
    assert_eq!(object["status"]["revision"], 1, "{edit}");
    assert!(crate::stage::is_ready(&object), "{edit}");
    assert!(
        now() < began + SignedDuration::from_secs(20),
        "it is no loss, which would wait for its minute: {edit}"
    );
}

#[test]
fn what_is_derived_is_rewritten_under_the_same_revision() {
    play(|stage| async move {
        let spec = json!({"permissions": ["dns:read"], "lifetime": "1h"});
        stage.ready(AccessToken, "token", spec).await;
        stage.ready(ApiKeyPair, "pair", json!({})).await;
        stage.ready(SshKey, "ssh", json!({})).await;
        let edits = [
            (AccessToken, "token", json!({"data": {"permissions": encoded("*:*")}})),
            (AccessToken, "token", json!({"data": {"expirationTime": null, "account": encoded("bob")}})),
            (AccessToken, "token", json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}})),
            (AccessToken, "token", json!({"metadata": {"labels": {"chatelaine.dev/account": "bob"}}})),
            (ApiKeyPair, "pair", json!({"data": {"accessKey": encoded("ANOTHER")}})),
            (SshKey, "ssh", json!({"data": {"authorized_keys": encoded("ssh-ed25519 AAAA evil\n")}})),
            (SshKey, "ssh", json!({"data": {"ssh-publickey": null}})),
            (SshKey, "ssh", json!({"metadata": {"ownerReferences": null}})),
        ];
        for (kind, name, edit) in edits {
            let before = stage.secret(name).await;
            mended(&stage, kind, name, &before, edit).await;
        }
        let ssh = stage.secret("ssh").await;
        assert_eq!(ssh["metadata"]["ownerReferences"][0]["kind"], "SshKey");
    });
}

#[test]
fn what_others_put_into_the_secret_is_kept() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"secret": {"labels": {"team": "blue"}}})).await;
        let theirs = json!({
            "data": {"ca.crt": encoded("theirs")},
            "metadata": {"labels": {"backup": "yes"}, "annotations": {"example.com/note": "kept"}},
        });
        stage.patch(Secret, CI, theirs).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        stage.patch(AccessToken, CI, json!({"spec": {"secret": {"labels": {"team": "red"}}}})).await;
        let secret = stage
            .until(Secret, CI, "relabelled", |secret| secret["metadata"]["labels"]["team"] == "red")
            .await;
        assert_eq!(has(&secret, "ca.crt"), "theirs");
        assert_eq!(secret["metadata"]["labels"]["backup"], "yes");
        assert_eq!(secret["metadata"]["annotations"]["example.com/note"], "kept");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        assert_eq!(has(&stage.secret(CI).await, "ca.crt"), "theirs");
    });
}

/// Puts an old copy of the Secret back, as a tool that restores a single object would.
async fn put_back(stage: &Stage<'_>, old: &Value) {
    let there = stage.secret(CI).await;
    let mut back = there.clone();
    back["data"] = old["data"].clone();
    back["metadata"]["annotations"] = old["metadata"]["annotations"].clone();
    let path = stage.path(Secret, CI);
    stage.send(http::Method::PUT, path, "application/json", &back).await.expect("it is put back");
}

#[test]
fn a_secret_that_was_rolled_back_counts_as_lost() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let first = stage.issued_an_hour_ago(AccessToken, CI).await;
        assert_eq!(first["status"]["revision"], 1);
        let old = stage.secret(CI).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        stage.issued_an_hour_ago(AccessToken, CI).await;
        let second = stage.secret(CI).await;
        put_back(&stage, &old).await;
        let object = stage.until_revision(AccessToken, CI, 3).await;
        let third = has(&stage.secret(CI).await, "token");
        assert!(third != has(&old, "token") && third != has(&second, "token"));
        assert_eq!(
            object["status"]["history"].as_array().and_then(|all| all.last()).expect("one")["reason"],
            "SecretRecreated"
        );
        assert_eq!(object["status"]["handledTriggers"]["rotate"], json!(["now"]), "it does not act again");
    });
}

#[test]
fn an_old_secret_does_not_bring_back_what_was_revoked() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let old = stage.secret(CI).await;
        stage.annotate(AccessToken, CI, "chatelaine.dev/revoke", "leak").await;
        stage.until_reason(AccessToken, CI, "Ready", "Revoked").await;
        put_back(&stage, &old).await;
        stage.until(Secret, CI, "without material", |secret| value(secret, "token").is_none()).await;
        stage.delete(Secret, CI).await;
        let made = stage.until(Secret, CI, "made again without material", Value::is_object).await;
        assert_eq!((value(&made, "token"), &ledger(&made)["state"]), (None, &json!("Revoked")));
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "still"}})).await;
        let still = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!((&still["status"]["state"], &still["status"]["revision"]), (&json!("Revoked"), &json!(1)));
    });
}

#[test]
fn a_secret_whose_ledger_is_gone_counts_as_lost_with_all_that_was_in_it() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"rotation": {"overlap": "1h"}})).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        stage.issued_an_hour_ago(AccessToken, CI).await;
        let before = stage.secret(CI).await;
        has(&before, "previousToken");
        let stripped = json!({"metadata": {"annotations": {"chatelaine.dev/ledger": null}}});
        stage.patch(Secret, CI, stripped).await;
        stage.until_revision(AccessToken, CI, 3).await;
        let after = stage.secret(CI).await;
        assert_ne!(has(&after, "token"), has(&before, "token"));
        assert_eq!(value(&after, "previousToken"), None, "nobody keeps an eye on it any more");
    });
}

/// Neither ledger nor owner reference says whose it is: then it is nobody's, until somebody says otherwise.
#[test]
fn a_retained_secret_whose_ledger_is_gone_is_noticed_and_can_be_taken_over_again() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"deletionPolicy": "Retain", "secret": {"name": "kept"}})).await;
        let before = stage.secret("kept").await;
        assert_eq!(before["metadata"]["ownerReferences"], Value::Null);
        let stripped = json!({"metadata": {"annotations": {"chatelaine.dev/ledger": null}}});
        stage.patch(Secret, "kept", stripped).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "SecretConflict").await;
        assert_eq!(object["status"]["revision"], 1, "the testimony is kept");
        assert_eq!(stage.secret("kept").await["data"], before["data"], "and the Secret is left alone");

        stage.annotate(Secret, "kept", "chatelaine.dev/adopt", "AccessToken/ci").await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "Adopted").await;
        assert!(crate::stage::is_ready(&object));
        assert_eq!(has(&stage.secret("kept").await, "token"), has(&before, "token"));
    });
}
