//! The password of an Account on a real API server: issued, replaced, withheld, repaired and destroyed.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, Secret, Stage, condition, has, is_observed, is_ready, keys, ledger, play, text,
};
use chatelaine::api::ROTATE_PASSWORD;

const SECRET: &str = "alice-password";

async fn asked(stage: &Stage<'_>) -> Value {
    stage.patch(Account, "alice", json!({"spec": {"password": {}}})).await;
    revision(stage, 1).await
}

async fn until(stage: &Stage<'_>, wanted: &str, holds: impl Fn(&Value) -> bool) -> Value {
    stage
        .until(Account, "alice", wanted, |account| {
            is_observed(account) && holds(&account["status"]["password"])
        })
        .await
}

/// The Secret of that revision, when all say that it is right.
async fn revision(stage: &Stage<'_>, revision: i64) -> Value {
    stage
        .until(Account, "alice", "ready", |account| {
            is_ready(account) && account["status"]["password"]["revision"] == revision
        })
        .await;
    let secret = stage.secret(SECRET).await;
    let (user, hash) =
        has(&secret, "htpasswd").split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a line");
    assert_eq!((user.as_str(), has(&secret, "username").as_str()), ("alice", "alice"));
    assert!(bcrypt::verify(has(&secret, "password"), &hash).expect("a hash"), "the line fits");
    secret
}

#[test]
fn a_password_is_a_secret_of_the_account_and_is_replaced_once_for_each_new_value() {
    play(|stage| async move {
        let first = asked(&stage).await;
        assert_eq!(first["type"], "kubernetes.io/basic-auth");
        assert_eq!(keys(&first), ["htpasswd", "password", "username"]);
        assert_eq!(first["metadata"]["ownerReferences"][0]["kind"], "Account");
        assert_eq!(ledger(&first)["owner"]["kind"], "Account");
        stage.annotate(Account, "alice", ROTATE_PASSWORD, "1").await;
        let second = revision(&stage, 2).await;
        assert_ne!(has(&first, "password"), has(&second, "password"));
        assert_eq!(keys(&second), ["htpasswd", "password", "username"], "the old one ends at once");
        stage.annotate(Account, "alice", ROTATE_PASSWORD, "2").await;
        let third = revision(&stage, 3).await;
        stage.annotate(Account, "alice", ROTATE_PASSWORD, "1").await;
        stage.patch(Account, "alice", json!({"spec": {"phone": "112"}})).await;
        until(&stage, "observed", |password| password["revision"] == 3).await;
        assert_eq!(stage.secret(SECRET).await["data"], third["data"], "one value acts once");
    });
}

#[test]
fn an_inactive_account_withholds_its_password_and_gives_back_the_same_bytes_and_line() {
    play(|stage| async move {
        let before = asked(&stage).await;
        stage.patch(Account, "alice", json!({"spec": {"active": false}})).await;
        until(&stage, "withheld", |password| password["state"] == "Withheld").await;
        assert_eq!(keys(&stage.secret(SECRET).await), ["username"]);
        stage.patch(Account, "alice", json!({"spec": {"active": true}})).await;
        until(&stage, "live", |password| password["state"] == "Live").await;
        assert_eq!(revision(&stage, 1).await["data"], before["data"]);
    });
}

#[test]
fn a_damaged_line_is_mended_and_a_lost_secret_gets_another_password() {
    play(|stage| async move {
        let before = asked(&stage).await;
        stage.patch(Secret, SECRET, json!({"data": {"htpasswd": "eA=="}})).await;
        stage.until(Secret, SECRET, "mended", |secret| secret["data"]["htpasswd"] != "eA==").await;
        let mended = revision(&stage, 1).await;
        assert_eq!(has(&mended, "password"), has(&before, "password"));
        let mut page = ledger(&mended);
        page["issueTime"] = json!("2026-01-01T00:00:00Z");
        stage.annotate(Secret, SECRET, chatelaine::api::LEDGER, &page.to_string()).await;
        until(&stage, "an old one", |password| password["issueTime"] == "2026-01-01T00:00:00Z").await;
        stage.delete(Secret, SECRET).await;
        let other = revision(&stage, 2).await;
        assert_ne!(has(&other, "password"), has(&before, "password"));
    });
}

#[test]
fn a_password_that_nobody_asks_for_is_destroyed_and_asking_again_gives_another() {
    play(|stage| async move {
        let before = asked(&stage).await;
        stage.patch(Account, "alice", json!({"spec": {"password": null}})).await;
        stage.until_gone(Secret, SECRET).await;
        stage.until(Account, "alice", "without", |account| account["status"].get("password").is_none()).await;
        let after = asked(&stage).await;
        assert_ne!(has(&after, "password"), has(&before, "password"));
        stage.delete(Account, "alice").await;
        stage.until_gone(Secret, SECRET).await;
    });
}

#[test]
fn a_credential_that_has_the_name_of_the_passwords_secret_keeps_it_and_the_account_says_so() {
    play(|stage| async move {
        let taken = stage.ready(AccessToken, SECRET, json!({})).await;
        stage.patch(Account, "alice", json!({"spec": {"password": {}}})).await;
        let account = stage.until_reason(Account, "alice", "Ready", "SecretConflict").await;
        let message = text(&condition(&account, "Ready")["message"]);
        assert!(message.contains("the AccessToken alice-password"), "{message}");
        assert_eq!(stage.secret(SECRET).await["metadata"]["uid"], taken["status"]["secretRef"]["uid"]);
        stage.delete(AccessToken, SECRET).await;
        revision(&stage, 1).await;
    });
}
