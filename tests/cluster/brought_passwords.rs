//! A password that somebody brings, on a real API server: its line, another one, from generated and back, and what is
//! refused.

use std::time::Duration;

use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    Account, BINARY, RUNTIME, Secret, Stage, condition, has, is_observed, is_ready, keys, ledger, play, text,
    version,
};
use chatelaine::api::ROTATE_PASSWORD;

const SECRET: &str = "alice-password";
/// Longer than all that an operator looks at when it starts takes.
const AFTER_A_START: Duration = Duration::from_secs(12);

fn brought() -> Value {
    json!({"secretRef": {"name": "login"}})
}

async fn login(stage: &Stage<'_>, password: &str) -> Value {
    let data = json!({"stringData": {"password": password}, "type": "example.com/login"});
    match stage.get(Secret, "login").await.is_null() {
        true => stage.create(Secret, "login", data).await,
        false => stage.patch(Secret, "login", json!({"stringData": {"password": password}})).await,
    }
}

async fn ask(stage: &Stage<'_>, account: &str, password: Value) {
    // A merge patch: what is not to be there any more has to be null.
    let whole = match password.get("secretRef") {
        None => json!({"secretRef": null}),
        Some(_) => password,
    };
    stage.patch(Account, account, json!({"spec": {"password": whole}})).await;
}

/// Somebody does not want to wait for the minute to pass.
async fn look(stage: &Stage<'_>, account: &str, value: &str) {
    stage.annotate(Account, account, "reconcile.fluxcd.io/requestedAt", value).await;
}

/// The Secret of that revision, when all say that it is right.
async fn revision(stage: &Stage<'_>, account: &str, revision: i64) -> Value {
    stage
        .until(Account, account, &format!("revision {revision}"), |account| {
            is_ready(account) && account["status"]["password"]["revision"] == revision
        })
        .await;
    stage.secret(&format!("{account}-password")).await
}

#[track_caller]
fn lets_in(secret: &Value, account: &str, password: &str) -> bool {
    let line = has(secret, "htpasswd");
    let hash = line.strip_prefix(&format!("{account}:")).expect("a line of that user");
    bcrypt::verify(password, hash).expect("a hash")
}

/// The password says so, and its hint with it.
async fn until_told(stage: &Stage<'_>, hint: &str, reason: &str, advice: &str) -> Value {
    let told = |account: &Value| {
        let password = json!({"status": account["status"]["password"]});
        let hint = condition(&password, hint);
        is_observed(account) && hint["reason"] == reason && text(&hint["message"]).contains(advice)
    };
    stage.until(Account, "alice", &format!("{hint} {reason}: {advice}"), told).await
}

#[test]
fn a_password_that_is_brought_is_a_line_and_no_copy_and_another_one_is_the_next_revision() {
    play(|stage| async move {
        let before = login(&stage, "correct horse\n").await;
        ask(&stage, "alice", brought()).await;
        let first = revision(&stage, "alice", 1).await;
        assert_eq!(first["type"], "kubernetes.io/basic-auth");
        assert_eq!(keys(&first), ["htpasswd", "username"]);
        assert!(lets_in(&first, "alice", "correct horse"));
        assert!(text(&ledger(&first)["digest"]).starts_with("htpasswd-sha256:"));

        stage.annotate(Account, "alice", ROTATE_PASSWORD, "1").await;
        let noted = stage.event(Account, "alice", "Updated").await;
        assert!(noted.contains("the trigger changes nothing"), "{noted}");
        assert_eq!(revision(&stage, "alice", 1).await["data"], first["data"]);
        let login_now = stage.secret("login").await;
        assert_eq!(login_now, before, "it is read and nothing else");

        // Within a minute, without anybody's asking.
        login(&stage, "battery staple").await;
        let second = revision(&stage, "alice", 2).await;
        assert_eq!(keys(&second), ["htpasswd", "username"], "the old one ends at once");
        assert!(lets_in(&second, "alice", "battery staple") && !lets_in(&second, "alice", "correct horse"));
        let account = stage.get(Account, "alice").await;
        assert_eq!(account["status"]["password"]["history"][1]["reason"], "Rotated");
        stage.patch(Account, "alice", json!({"spec": {"password": null}})).await;
        stage.until_gone(Secret, SECRET).await;
        stage.secret("login").await;
    });
}

#[test]
fn from_generated_to_brought_the_password_leaves_the_secret_and_back_there_is_another() {
    play(|stage| async move {
        ask(&stage, "alice", json!({})).await;
        let generated = revision(&stage, "alice", 1).await;
        login(&stage, "correct horse").await;
        ask(&stage, "alice", brought()).await;
        let line = revision(&stage, "alice", 2).await;
        assert_eq!(keys(&line), ["htpasswd", "username"]);
        assert_eq!(line["metadata"]["uid"], generated["metadata"]["uid"], "in one write of the same Secret");
        assert!(lets_in(&line, "alice", "correct horse"));
        ask(&stage, "alice", json!({})).await;
        let again = revision(&stage, "alice", 3).await;
        assert_eq!(keys(&again), ["htpasswd", "password", "username"]);
        assert_ne!(has(&again, "password"), has(&generated, "password"));
        assert!(lets_in(&again, "alice", &has(&again, "password")));
    });
}

#[test]
fn a_password_that_is_not_there_yet_is_waited_for() {
    play(|stage| async move {
        ask(&stage, "alice", brought()).await;
        let told = until_told(&stage, "Reconciling", "PasswordNotFound", "There is no Secret login").await;
        assert_eq!(condition(&told, "Ready")["reason"], "PasswordNotFound");
        assert!(stage.get(Secret, SECRET).await.is_null(), "nothing is made");
        stage.create(Secret, "login", json!({"stringData": {"pass": "correct horse"}})).await;
        until_told(&stage, "Reconciling", "PasswordNotFound", "has no key password").await;
        login(&stage, "at last it is here").await;
        assert!(lets_in(&revision(&stage, "alice", 1).await, "alice", "at last it is here"));
    });
}

#[test]
fn what_is_no_password_is_refused_and_the_live_line_stays() {
    play(|stage| async move {
        login(&stage, "correct horse").await;
        ask(&stage, "alice", brought()).await;
        let before = revision(&stage, "alice", 1).await;
        let refused = [
            ("short", "fewer than 8 characters"),
            (&*"x".repeat(73), "longer than 72 bytes"),
            ("of two\nlines", "line breaks"),
            ("with a \u{7} bell", "control characters"),
        ];
        for (at, (password, advice)) in refused.into_iter().enumerate() {
            login(&stage, password).await;
            look(&stage, "alice", &at.to_string()).await;
            let told = until_told(&stage, "Stalled", "InvalidPassword", advice).await;
            assert!(!told.to_string().contains(password), "it is not repeated");
            let ready = stage.until_reason(Account, "alice", "Ready", "InvalidPassword").await;
            assert!(text(&condition(&ready, "Ready")["message"]).starts_with("The password: "));
        }
        stage.patch(Secret, "login", json!({"data": {"password": "//79/Pv6+fj3"}})).await;
        look(&stage, "alice", "no text").await;
        until_told(&stage, "Stalled", "InvalidPassword", "is not text").await;
        stage.delete(Secret, "login").await;
        look(&stage, "alice", "gone").await;
        until_told(&stage, "Reconciling", "PasswordNotFound", "There is no Secret login").await;
        assert_eq!(version(&stage.secret(SECRET).await), version(&before));

        // Deactivated and active again, it is the same line, although the password is gone.
        stage.patch(Account, "alice", json!({"spec": {"active": false}})).await;
        stage.until(Secret, SECRET, "withheld", |secret| keys(secret) == ["username"]).await;
        stage.patch(Account, "alice", json!({"spec": {"active": true}})).await;
        stage.until(Secret, SECRET, "given back", |secret| secret["data"] == before["data"]).await;
    });
}

#[test]
fn an_account_with_the_longest_name_has_a_password_of_either_sort() {
    play(|stage| async move {
        let name = "a".repeat(63);
        let spec = json!({"email": "a@example.com", "password": {}});
        stage.create(Account, &name, json!({"spec": spec})).await;
        let secret = revision(&stage, &name, 1).await;
        assert!(lets_in(&secret, &name, &has(&secret, "password")));
        let longest = "x".repeat(72);
        login(&stage, &longest).await;
        ask(&stage, &name, brought()).await;
        assert!(lets_in(&revision(&stage, &name, 2).await, &name, &longest));
    });
}

#[test]
fn an_operator_that_starts_again_writes_nothing_to_passwords_of_either_sort() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let stage = Stage::on(&control_plane).await;
        let start = || Operator::start(&control_plane, BINARY, &[]);
        let operator = start().await.expect("it starts");
        login(&stage, "correct horse\n").await;
        let spec = |password: Value| json!({"spec": {"email": "a@example.com", "password": password}});
        for (name, password) in [("generated", json!({})), ("brought", brought()), ("held", brought())] {
            stage.create(Account, name, spec(password)).await;
            revision(&stage, name, 1).await;
        }
        stage.patch(Account, "held", json!({"spec": {"active": false}})).await;
        stage.until(Secret, "held-password", "withheld", |secret| keys(secret) == ["username"]).await;
        // It comes to rest.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let versions = async || {
            let mut all = Vec::new();
            for name in ["generated", "brought", "held"] {
                all.push(version(&stage.get(Account, name).await));
                all.push(version(&stage.secret(&format!("{name}-password")).await));
            }
            let held = stage.get(Account, "held").await;
            all.push(version(&stage.copy_of(&held).await));
            all.push(version(&stage.secret("login").await));
            all
        };
        let before = versions().await;
        let line = stage.secret("brought-password").await["data"].clone();
        operator.kill();
        for _ in 0..2 {
            let again = start().await.expect("it starts");
            tokio::time::sleep(AFTER_A_START).await;
            assert_eq!(versions().await, before, "a start is no reason to write");
            again.kill();
        }

        // It has not forgotten how to compare.
        let _operator = start().await.expect("it starts");
        stage.patch(Account, "held", json!({"spec": {"active": true}})).await;
        assert!(lets_in(&revision(&stage, "held", 1).await, "held", "correct horse"));
        assert_eq!(stage.secret("brought-password").await["data"], line);
        login(&stage, "battery staple").await;
        look(&stage, "brought", "now").await;
        assert!(lets_in(&revision(&stage, "brought", 2).await, "brought", "battery staple"));
    });
}
