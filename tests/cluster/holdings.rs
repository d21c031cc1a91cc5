//! What an Account holds, as its own status says it.

use std::time::Duration;

use chatelaine::api::{REVOKE, ROTATE};
use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, Account, ApiKeyPair, BINARY, RUNTIME, SshKey, Stage, is_observed, is_ready, play, text,
    version,
};

/// Waits until the Account tells these numbers.
async fn until_counts(stage: &Stage<'_>, counts: Value) -> Value {
    let wanted = format!("counts {counts}");
    stage.until(Account, "alice", &wanted, |account| account["status"]["counts"] == counts).await
}

#[test]
fn an_account_says_how_many_credentials_it_has_in_which_state_and_which() {
    play(|stage| async move {
        until_counts(&stage, json!({"total": 0})).await;
        let limits = json!({"perService": {"s3": 1}});
        stage.patch(Account, "alice", json!({"spec": {"limits": limits}})).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        let pair = stage.ready(ApiKeyPair, "pair", json!({"service": "s3", "lifetime": "90d"})).await;
        stage.credential(ApiKeyPair, "second", json!({"service": "s3"})).await;
        stage.ready(ApiKeyPair, "idle", json!({"active": false})).await;
        let key = stage.ready(SshKey, "key", json!({})).await;
        stage.ready(AccessToken, "gone", json!({})).await;
        stage.annotate(AccessToken, "gone", REVOKE, "1").await;
        let gone = stage.until_reason(AccessToken, "gone", "Ready", "Revoked").await;
        let account = until_counts(
            &stage,
            json!({
                "total": 5,
                "apiKeyPairs": {"total": 3, "live": 1, "withheld": 1, "pending": 1},
                "sshKeys": {"total": 1, "live": 1},
                "accessTokens": {"total": 1, "revoked": 1},
            }),
        )
        .await;
        let idle = stage.get(ApiKeyPair, "idle").await;
        assert_eq!(
            account["status"]["credentials"],
            json!([
                {"kind": "AccessToken", "name": "gone", "id": gone["status"]["id"], "state": "Revoked"},
                {"kind": "ApiKeyPair", "name": "idle", "id": idle["status"]["accessKey"], "state": "Withheld"},
                {
                    "kind": "ApiKeyPair",
                    "name": "pair",
                    "id": pair["status"]["accessKey"],
                    "state": "Live",
                    "expirationTime": pair["status"]["expirationTime"],
                },
                {"kind": "ApiKeyPair", "name": "second"},
                {
                    "kind": "SshKey",
                    "name": "key",
                    "id": key["status"]["id"].to_string(),
                    "fingerprint": key["status"]["fingerprint"],
                    "state": "Live",
                },
            ])
        );
    });
}

#[test]
fn an_account_tells_of_another_key_of_one_that_went_and_of_all_that_it_withholds() {
    play(|stage| async move {
        let before = stage.ready(SshKey, "key", json!({})).await;
        stage.ready(AccessToken, "token", json!({})).await;
        until_counts(
            &stage,
            json!({"total": 2, "sshKeys": {"total": 1, "live": 1}, "accessTokens": {"total": 1, "live": 1}}),
        )
        .await;
        stage.annotate(SshKey, "key", ROTATE, "1").await;
        let key = stage.until_revision(SshKey, "key", 2).await;
        let fingerprint = |account: &Value| account["status"]["credentials"][1]["fingerprint"].clone();
        assert_ne!(before["status"]["fingerprint"], key["status"]["fingerprint"]);
        stage
            .until(Account, "alice", "another fingerprint", |account| {
                fingerprint(account) == key["status"]["fingerprint"]
            })
            .await;
        stage.delete(AccessToken, "token").await;
        stage.patch(Account, "alice", json!({"spec": {"active": false}})).await;
        let account = until_counts(&stage, json!({"total": 1, "sshKeys": {"total": 1, "withheld": 1}})).await;
        let names: Vec<_> = account["status"]["credentials"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|held| text(&held["name"]))
            .collect();
        assert_eq!(names, ["key"]);
        assert_eq!(account["status"]["observedGeneration"], account["metadata"]["generation"]);
        assert!(is_ready(&account));
    });
}

#[test]
fn a_restart_over_an_account_that_has_told_all_writes_nothing() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let stage = Stage::on(&control_plane).await;
        for n in 0..20 {
            stage.credential(AccessToken, &format!("token-{n}"), json!({})).await;
            stage.credential(ApiKeyPair, &format!("pair-{n}"), json!({})).await;
        }
        let twenty = json!({"total": 20, "live": 20});
        let before =
            until_counts(&stage, json!({"total": 40, "apiKeyPairs": twenty, "accessTokens": twenty})).await;
        operator.stop().await.expect("it stops when asked");
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts again");
        operator.wait_ready().await.expect("ready");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(version(&stage.get(Account, "alice").await), version(&before));
        operator.stop().await.expect("it stops when asked");
    });
}
