//! Retire, roll back, the triggers of an Account, and the request for a look.

use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, Account, ApiKeyPair, BINARY, CI, Kind, RUNTIME, Secret, SshKey, Stage, assert_conditions,
    has, is_observed, is_ready, keys, ledger, now, play, secret_key, time, value, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const REVOKE: &str = "chatelaine.dev/revoke";
const RETIRE: &str = "chatelaine.dev/retire";
const ROLLBACK: &str = "chatelaine.dev/rollback";
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// A credential in an overlap of an hour.
async fn overlapping(stage: &Stage<'_>, kind: Kind, name: &str, spec: Value) -> Value {
    let mut all = json!({"rotation": {"overlap": "1h"}});
    crate::stage::merge(&mut all, spec);
    stage.ready(kind, name, all).await;
    stage.annotate(kind, name, ROTATE, "new").await;
    stage.until_revision(kind, name, 2).await
}

#[test]
fn a_rollback_brings_the_previous_one_back_and_each_keeps_its_own_end() {
    play(|stage| async move {
        let spec = json!({"lifetime": "30d", "rotation": {"mode": "KeyPair"}});
        let rotated = overlapping(&stage, ApiKeyPair, CI, spec).await;
        let before = stage.secret(CI).await;
        stage.annotate(ApiKeyPair, CI, ROLLBACK, "it does not work").await;
        let back = stage.until_revision(ApiKeyPair, CI, 3).await;
        let after = stage.secret(CI).await;
        for (one, other) in [("accessKey", "previousAccessKey"), ("secretKey", "previousSecretKey")] {
            assert_eq!((has(&after, one), has(&after, other)), (has(&before, other), has(&before, one)));
        }
        let (was, is) = (&rotated["status"], &back["status"]);
        assert_eq!(is["accessKey"], was["previous"]["id"]);
        assert_eq!(is["expirationTime"], was["previous"]["expirationTime"]);
        assert_eq!(is["previous"]["expirationTime"], was["expirationTime"]);
        assert_eq!(is["previous"]["retirementTime"], was["previous"]["retirementTime"]);
        assert_eq!(is["digests"][0]["value"], was["digests"][1]["value"]);
        assert_eq!(is["handledTriggers"]["rollback"], json!(["it does not work"]));
        let entry = &is["history"][2];
        assert_eq!((&entry["reason"], &entry["trigger"]), (&json!("RolledBack"), &json!("it does not work")));
        assert_conditions(
            &back,
            &[
                "Ready=True RolledBack",
                "Active=True RolledBack",
                "ExpiringSoon=False NotYetDue",
                "Expired=False NotYetDue",
            ],
        );
        stage.event(ApiKeyPair, CI, "RolledBack").await;

        stage.annotate(ApiKeyPair, CI, ROLLBACK, "it does after all").await;
        stage.until_revision(ApiKeyPair, CI, 4).await;
        assert_eq!(has(&stage.secret(CI).await, "secretKey"), has(&before, "secretKey"));
    });
}

#[test]
fn a_rollback_of_an_ssh_key_swaps_its_lines_too() {
    play(|stage| async move {
        overlapping(&stage, SshKey, CI, json!({})).await;
        let before = stage.secret(CI).await;
        stage.annotate(SshKey, CI, ROLLBACK, "back").await;
        let object = stage.until_revision(SshKey, CI, 3).await;
        let after = stage.secret(CI).await;
        assert_eq!(has(&after, "ssh-privatekey"), has(&before, "previous-ssh-privatekey"));
        assert_eq!(has(&after, "ssh-publickey"), has(&before, "previous-ssh-publickey"));
        assert!(has(&after, "authorized_keys").starts_with(&has(&after, "ssh-publickey")));
        let end = time(&object["status"]["previous"]["retirementTime"]).strftime("%Y%m%d%H%M%SZ");
        let old = format!("expiry-time=\"{end}\" {}", has(&before, "ssh-publickey"));
        assert!(has(&after, "authorized_keys").ends_with(&old));
    });
}

#[test]
fn retire_ends_the_overlap_and_after_it_there_is_nothing_to_roll_back_to() {
    play(|stage| async move {
        overlapping(&stage, AccessToken, CI, json!({})).await;
        let token = has(&stage.secret(CI).await, "token");
        stage.annotate(AccessToken, CI, RETIRE, "everybody has the new one").await;
        let retired =
            stage.until(AccessToken, CI, "retired", |object| object["status"]["previous"].is_null()).await;
        let secret = stage.secret(CI).await;
        assert_eq!((has(&secret, "token"), value(&secret, "previousToken")), (token.clone(), None));
        assert_eq!(retired["status"]["digests"].as_array().map(Vec::len), Some(1));
        stage.event(AccessToken, CI, "Retired").await;

        stage.annotate(AccessToken, CI, ROLLBACK, "too late").await;
        let handled = stage.until(AccessToken, CI, "handled", |object| {
            object["status"]["handledTriggers"]["rollback"] == json!(["too late"])
        });
        assert_eq!(handled.await["status"]["revision"], 2);
        assert!(stage.event(AccessToken, CI, "Updated").await.contains("nothing was rolled back"));
        assert_eq!(has(&stage.secret(CI).await, "token"), token);
    });
}

#[test]
fn a_rollback_of_what_is_withheld_waits_until_it_is_back() {
    play(|stage| async move {
        overlapping(&stage, AccessToken, CI, json!({})).await;
        let before = stage.secret(CI).await;
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        stage.annotate(AccessToken, CI, ROLLBACK, "back").await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "looked at"}})).await;
        let waits = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(
            (&waits["status"]["revision"], &waits["status"]["state"]),
            (&json!(2), &json!("Withheld"))
        );
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        stage.until_revision(AccessToken, CI, 3).await;
        let after = stage.secret(CI).await;
        assert_eq!(has(&after, "token"), has(&before, "previousToken"));
        assert_eq!(has(&after, "previousToken"), has(&before, "token"));
    });
}

const FIVE: [(Kind, &str); 5] = [
    (ApiKeyPair, "one"),
    (ApiKeyPair, "two"),
    (SshKey, "three"),
    (AccessToken, "four"),
    (AccessToken, "five"),
];

#[test]
fn a_trigger_on_the_account_acts_on_all_of_its_credentials_once() {
    play(|stage| async move {
        let mut first = Vec::new();
        for (kind, name) in FIVE {
            stage.ready(kind, name, json!({})).await;
            first.push(has(&stage.secret(name).await, secret_key(kind)));
        }
        stage.annotate(Account, "alice", ROTATE, "everything").await;
        for ((kind, name), first) in FIVE.into_iter().zip(&first) {
            let object = stage.until_revision(kind, name, 2).await;
            assert_ne!(has(&stage.secret(name).await, secret_key(kind)), *first, "{name}");
            assert_eq!(object["status"]["handledAccountTriggers"]["rotate"], json!(["everything"]), "{name}");
            assert_eq!(object["status"]["history"][1]["trigger"], "everything", "{name}");
        }
        // What is created later was issued with the value in sight; what its Account says of others changes nothing.
        stage.ready(AccessToken, "late", json!({})).await;
        stage.patch(Account, "alice", json!({"spec": {"phone": "+48 123 456 789"}})).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        stage.patch(AccessToken, "late", json!({"spec": {"comment": "looked at"}})).await;
        let late = stage.until(AccessToken, "late", "observed", is_observed).await;
        assert_eq!(late["status"]["revision"], 1);
        for (kind, name) in FIVE {
            assert_eq!(stage.get(kind, name).await["status"]["revision"], 2, "{name}");
        }

        stage.annotate(Account, "alice", REVOKE, "leak").await;
        for (kind, name) in FIVE.into_iter().chain([(AccessToken, "late")]) {
            stage.until_reason(kind, name, "Ready", "Revoked").await;
            assert!(!keys(&stage.secret(name).await).contains(&"token".to_owned()), "{name}");
        }
        stage.annotate(Account, "alice", ROTATE, "after the leak").await;
        for (kind, name) in FIVE {
            stage.until_revision(kind, name, 3).await;
        }
    });
}

#[test]
fn a_value_that_is_set_on_the_account_while_the_operator_is_stopped_acts_once_also_where_the_secret_is_lost()
{
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let stage = Stage::on(&control_plane).await;
        for name in ["kept", "lost"] {
            stage.ready(AccessToken, name, json!({})).await;
            stage.issued_an_hour_ago(AccessToken, name).await;
        }
        stage.annotate(Account, "alice", ROTATE, "one").await;
        for name in ["kept", "lost"] {
            stage.until_revision(AccessToken, name, 2).await;
            stage.issued_an_hour_ago(AccessToken, name).await;
        }
        operator.stop().await.expect("it stops when asked");
        stage.delete(Secret, "lost").await;
        stage.annotate(Account, "alice", ROTATE, "two").await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts again");
        for name in ["kept", "lost"] {
            let object = stage.until_revision(AccessToken, name, 3).await;
            assert_eq!(object["status"]["handledAccountTriggers"]["rotate"], json!(["one", "two"]), "{name}");
        }
        // Whatever is looked at afterwards, neither value acts again.
        stage.annotate(AccessToken, "lost", REQUESTED_AT, &now().to_string()).await;
        stage
            .until(AccessToken, "lost", "looked at", |object| {
                object["status"]["lastHandledReconcileAt"].is_string()
            })
            .await;
        assert_eq!(ledger(&stage.secret("lost").await)["revision"], 3);
        operator.stop().await.expect("it stops when asked");
    });
}

#[test]
fn a_request_for_a_look_is_echoed_and_nothing_else_happens() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let before = stage.secret(CI).await;
        for asked in ["2026-07-01T10:00:00.123456789+02:00", "again"] {
            for (kind, name) in [(AccessToken, CI), (Account, "alice")] {
                stage.annotate(kind, name, REQUESTED_AT, asked).await;
                let object = stage
                    .until(kind, name, "echoed", |object| object["status"]["lastHandledReconcileAt"] == asked)
                    .await;
                assert!(is_ready(&object), "{object:#}");
            }
        }
        assert_eq!(version(&stage.secret(CI).await), version(&before), "it is a look and no more");
    });
}
