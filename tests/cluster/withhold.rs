//! Withhold and give back: what is inactive keeps its material, but not in the Secret.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, assert_conditions, condition,
    copy_name, digest_of, has, is_observed, keys, ledger, play, secret_key, uid, value,
};

const ROTATE: &str = "chatelaine.dev/rotate";

/// Withheld and given back by two edits of an object: same bytes, same revision, and a copy in between.
async fn there_and_back(stage: &Stage<'_>, kind: Kind, whose: (Kind, &str), reason: &str) {
    let name = format!("{}-{}", format!("{kind:?}").to_lowercase(), reason.to_lowercase());
    let object = stage.ready(kind, &name, json!({})).await;
    let live = stage.secret(&name).await;
    stage.patch(whose.0, whose.1, json!({"spec": {"active": false}})).await;
    stage.until_reason(kind, &name, "Ready", reason).await;
    let object_withheld = stage.get(kind, &name).await;
    let (active, ready) = (format!("Active=False {reason}"), format!("Ready=True {reason}"));
    assert_conditions(
        &object_withheld,
        &[&ready, &active, "ExpiringSoon=False NeverExpires", "Expired=False NeverExpires"],
    );
    let withheld = stage.secret(&name).await;
    assert_ne!(value(&withheld, secret_key(kind)), value(&live, secret_key(kind)));
    let copy = stage.copy_of(&object).await;
    assert_eq!(has(&copy, secret_key(kind)), has(&live, secret_key(kind)));
    let page = ledger(&withheld);
    assert_eq!(page["held"], json!({"name": copy_name(&object), "uid": uid(&copy)}));
    assert_eq!(copy["metadata"]["ownerReferences"][0]["uid"], json!(uid(&object)));
    stage.patch(whose.0, whose.1, json!({"spec": {"active": true}})).await;
    let back = stage.until_reason(kind, &name, "Ready", "Issued").await;
    assert_eq!(back["status"]["revision"], 1);
    assert_eq!(stage.secret(&name).await["data"], live["data"], "byte for byte");
    stage.until_gone(Secret, &copy_name(&object)).await;
    stage.event(kind, &name, "Reactivated").await;
}

#[test]
fn an_inactive_credential_is_withheld_and_comes_back_byte_for_byte() {
    play(|stage| async move {
        for kind in [ApiKeyPair, SshKey, AccessToken] {
            let name = format!("{kind:?}-inactive").to_lowercase();
            there_and_back(&stage, kind, (kind, &name), "Inactive").await;
        }
    });
}

#[test]
fn an_inactive_account_withholds_its_credentials_and_gives_them_back() {
    play(|stage| async move {
        for kind in [ApiKeyPair, SshKey, AccessToken] {
            there_and_back(&stage, kind, (Account, "alice"), "AccountInactive").await;
        }
    });
}

#[test]
fn a_credential_that_is_created_inactive_has_an_access_key_and_no_secret_key() {
    play(|stage| async move {
        stage.credential(ApiKeyPair, CI, json!({"active": false})).await;
        let object = stage.until_reason(ApiKeyPair, CI, "Ready", "Inactive").await;
        assert_conditions(&object, &["Ready=True Inactive", "Active=False Inactive"]);
        let status = &object["status"];
        assert_eq!((&status["revision"], &status["expiry"]), (&json!(0), &Value::Null));
        let secret = stage.secret(CI).await;
        assert_eq!(keys(&secret), ["accessKey"]);
        assert_eq!(status["accessKey"], json!(has(&secret, "accessKey")));
        stage.patch(ApiKeyPair, CI, json!({"spec": {"active": true}})).await;
        let active = stage.until_revision(ApiKeyPair, CI, 1).await;
        assert_eq!(active["status"]["accessKey"], status["accessKey"], "the one that was assigned");
        assert_eq!(active["status"]["history"][0]["reason"], "Issued");
        has(&stage.secret(CI).await, "secretKey");
    });
}

#[test]
fn a_rotate_waits_while_withheld_and_then_mints_anew() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "looked at"}})).await;
        let waiting = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(waiting["status"]["revision"], 1);
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        let object_active = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(object_active["status"]["history"][1]["trigger"], "now");
        assert_ne!(has(&stage.secret(CI).await, "token"), first);
        stage.until_gone(Secret, &copy_name(&object)).await;
    });
}

#[test]
fn dates_run_on_while_withheld() {
    play(|stage| async move {
        let spec = json!({"rotation": {"overlap": "3s"}});
        let object = stage.ready(AccessToken, CI, spec).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        let second = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        let retired = stage
            .until(AccessToken, CI, "the previous one retired", |object| {
                object["status"]["previous"].is_null()
            })
            .await;
        assert_eq!(retired["status"]["digests"], json!([{"value": digest_of(&second)}]));
        let copy = stage.copy_of(&object).await;
        assert_eq!((value(&copy, "token"), value(&copy, "previousToken")), (Some(second.clone()), None));
        assert_ne!(first, second);

        stage.patch(AccessToken, CI, json!({"spec": {"lifetime": "1s"}})).await;
        stage.until(AccessToken, CI, "expired", |object| object["status"]["state"] == "Expired").await;
        stage.until_gone(Secret, &copy_name(&object)).await;
    });
}

#[test]
fn a_copy_that_was_lost_means_nothing_until_the_credential_is_active() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        stage.delete(Secret, &copy_name(&object)).await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "look again"}})).await;
        let told = stage.until(AccessToken, CI, "looked at", is_observed).await;
        assert_eq!(
            (&told["status"]["revision"], condition(&told, "Ready")["reason"].as_str()),
            (&json!(1), Some("Inactive"))
        );
        assert!(stage.get(Secret, &copy_name(&object)).await.is_null());
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        let anew = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(anew["status"]["history"][1]["reason"], "SecretRecreated");
        assert_ne!(has(&stage.secret(CI).await, "token"), first);
    });
}

#[test]
fn a_lost_secret_of_a_withheld_credential_comes_back_withheld_and_then_with_the_same_bytes() {
    play(|stage| async move {
        let default = json!({"spec": {"credentialDefaults": {"lifetime": "1h"}}});
        stage.patch(Account, "alice", default).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        let end = stage.ready(AccessToken, CI, json!({})).await["status"]["expirationTime"].clone();
        assert!(end.is_string());
        let first = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        let lost = uid(&stage.secret(CI).await);
        stage.delete(Secret, CI).await;
        let made =
            stage.until(Secret, CI, "made again", |secret| secret.is_object() && uid(secret) != lost).await;
        assert_eq!((value(&made, "token"), &ledger(&made)["state"]), (None, &json!("Withheld")));
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        stage.until(Secret, CI, "given back", |secret| value(secret, "token").as_ref() == Some(&first)).await;
        let back = stage.until(AccessToken, CI, "live", |object| object["status"]["state"] == "Live").await;
        assert_eq!(back["status"]["revision"], 1);
        assert_eq!(back["status"]["expirationTime"], end, "which only the Account's default had given it");
        assert_eq!(has(&stage.secret(CI).await, "expirationTime"), end.as_str().unwrap());
    });
}
