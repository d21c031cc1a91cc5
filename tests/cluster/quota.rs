//! A namespace that may not have another Secret: what is new waits and says so, what is there goes on, and nobody else waits.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::hostile::survive;
use crate::stage::{
    AccessToken, BINARY, CI, Secret, Stage, assert_conditions, condition, has, is_observed, is_ready, text,
    value, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const REVOKE: &str = "chatelaine.dev/revoke";
/// For how long it is counted how often what is refused is tried again.
const WATCHED: Duration = Duration::from_secs(6);
/// Pauses that double from half a second, the shortest that chance makes of them.
const TRIES: usize = 7;

/// So many Secrets in the namespace and no more, once the server goes by it.
async fn allow(stage: &Stage<'_>, number: usize) {
    let hard = json!({"secrets": number.to_string()});
    let path = format!("/api/v1/namespaces/{}/resourcequotas", stage.namespace);
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "secrets"}, "spec": {"hard": hard},
    });
    let there = stage.send(Method::GET, format!("{path}/secrets"), "application/json", &Value::Null).await;
    let (method, to, content) = match there {
        Ok(_) => (Method::PATCH, format!("{path}/secrets"), "application/merge-patch+json"),
        Err(_) => (Method::POST, path.clone(), "application/json"),
    };
    stage.send(method, to, content, &quota).await.expect("there is a quota");
    for _ in 0..600 {
        let quota =
            stage.send(Method::GET, format!("{path}/secrets"), "application/json", &Value::Null).await;
        if quota.expect("it can be read")["status"]["hard"] == hard {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody counts by the quota");
}

/// How often the operator says that it tries this one again.
async fn tries(stage: &Stage<'_>, name: &str) -> usize {
    let name = format!("\"name\":\"{name}\"");
    let log = support::shared_operator(BINARY).await.logs();
    let about = |line: &&str| line.contains(&stage.namespace) && line.contains(&name);
    log.lines().filter(about).filter(|line| line.contains("tried again")).count()
}

const ADVICE: &str = "see whether a ResourceQuota or a policy forbids it";

#[test]
fn a_full_namespace_refuses_what_is_new_lets_what_is_there_rotate_and_holds_up_nobody_elsewhere() {
    survive(|stage| async move {
        let overlap = json!({"rotation": {"overlap": "1h"}});
        stage.ready(AccessToken, "live", overlap).await;
        stage.ready(AccessToken, "leaked", json!({})).await;
        allow(&stage, 0).await;
        let before = stage.secret("live").await;
        stage.credential(AccessToken, CI, json!({})).await;
        let told = stage.until_reason(AccessToken, CI, "Ready", "Forbidden").await;
        assert_conditions(
            &told,
            &["Ready=False Forbidden", "Active=False Forbidden", "Reconciling=True Forbidden"],
        );
        let message = text(&condition(&told, "Ready")["message"]);
        assert!(message.contains(ADVICE), "{message}");
        assert!(stage.get(Secret, CI).await.is_null());
        let note = stage.event(AccessToken, CI, "Forbidden").await;
        assert!(note.contains(ADVICE), "{note}");

        let elsewhere = Stage::on(stage.cluster).await;
        elsewhere.ready(AccessToken, CI, json!({})).await;
        stage.annotate(AccessToken, "live", ROTATE, "now").await;
        let rotated = stage.until_revision(AccessToken, "live", 2).await;
        assert!(is_ready(&rotated), "a rotation makes no further Secret");
        let after = stage.secret("live").await;
        assert_eq!(has(&after, "previousToken"), has(&before, "token"));
        stage.annotate(AccessToken, "leaked", REVOKE, "leak").await;
        stage.until_reason(AccessToken, "leaked", "Ready", "Revoked").await;
        assert_eq!(value(&stage.secret("leaked").await, "token"), None);

        // What there is no room to hold a copy of cannot be withheld yet, and that is told.
        stage.patch(AccessToken, "live", json!({"spec": {"active": false}})).await;
        let waits = stage.until_reason(AccessToken, "live", "Reconciling", "Forbidden").await;
        assert_eq!(
            condition(&waits, "Active")["status"],
            "True",
            "whoever looks sees that it is not withheld"
        );
        assert_eq!(stage.secret("live").await["data"], after["data"]);

        let tried = tries(&stage, CI).await;
        tokio::time::sleep(WATCHED).await;
        let again = tries(&stage, CI).await - tried;
        assert!(again <= TRIES, "an error loop: {again} times in {WATCHED:?}");
        assert_eq!(version(&stage.get(AccessToken, CI).await), version(&told), "it is told once");

        allow(&stage, 10).await;
        stage.until(AccessToken, CI, "ready", is_ready).await;
        stage.until_reason(AccessToken, "live", "Ready", "Inactive").await;
        assert_eq!(value(&stage.secret("live").await, "token"), None);
        stage.patch(AccessToken, "live", json!({"spec": {"active": true}})).await;
        stage
            .until(AccessToken, "live", "observed and active", |object| {
                is_observed(object) && condition(object, "Active")["status"] == "True"
            })
            .await;
        assert_eq!(stage.secret("live").await["data"], after["data"], "byte for byte");
    });
}
