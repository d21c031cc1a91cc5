//! A stored object that does not fit the schema says so, and nobody waits for it.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, ApiKeyPair, BINARY, Kind, RUNTIME, Stage, condition, credential, has, ledger, now, play,
    text, uid, value, version,
};

const CRD: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/apikeypairs.chatelaine.dev";

/// Replaces the CRD and waits until objects are checked against the new one.
async fn redefine(stage: &Stage<'_>, crd: &Value, takes: &Value, taken: bool) {
    stage.send(Method::PUT, CRD.into(), "application/json", crd).await.expect("the CRD is replaced");
    let path = format!("{}?dryRun=All", stage.path(ApiKeyPair, ""));
    for _ in 0..600 {
        let answer = stage.send(Method::POST, path.clone(), "application/json", takes).await;
        if answer.is_ok() == taken {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the server does not act on the changed CRD");
}

/// Live credentials of which nobody knows any more what they ask for: they come to the end that their ledgers say, and to
/// that which a trigger asks for, and are left alone otherwise.
async fn what_is_live_still_ends(stage: &Stage<'_>) {
    let named = json!({
        "secret": {"name": "elsewhere", "keys": {"secretKey": "SECRET"}}, "rotation": {"overlap": "6s"},
    });
    for (name, spec) in [("revoked", json!({})), ("left-alone", named)] {
        stage.ready(ApiKeyPair, name, spec).await;
    }
    stage.annotate(ApiKeyPair, "left-alone", "chatelaine.dev/rotate", "now").await;
    stage.until_revision(ApiKeyPair, "left-alone", 2).await;
    let end = Timestamp::from_second(now().as_second() + 12).expect("a time");
    stage.ready(ApiKeyPair, "ending", json!({"expirationTime": end.to_string()})).await;
    let left_alone = stage.secret("elsewhere").await;
    has(&left_alone, "previousSecretKey");
    for name in ["revoked", "left-alone", "ending"] {
        stage.patch(ApiKeyPair, name, json!({"spec": {"deletionPolicy": "Forget"}})).await;
        let object = stage.until_reason(ApiKeyPair, name, "Ready", "Unreadable").await;
        let told = text(&condition(&object, "Ready")["message"]);
        assert!(told.ends_with("until then its material can only expire or be revoked"), "{told}");
    }
    has(&stage.secret("revoked").await, "secretKey");
    stage.annotate(ApiKeyPair, "revoked", "chatelaine.dev/revoke", "leaked").await;
    let gone = |state: &'static str| {
        move |object: &Value| object["status"]["state"] == state && object["status"]["digests"].is_null()
    };
    stage.until(ApiKeyPair, "revoked", "revoked", gone("Revoked")).await;
    if now() < end - std::time::Duration::from_secs(1) {
        has(&stage.secret("ending").await, "secretKey");
    }
    stage.until(ApiKeyPair, "ending", "expired", gone("Expired")).await;
    assert!(now() >= end, "never early");
    for (name, state) in [("revoked", "Revoked"), ("ending", "Expired")] {
        let secret = stage.secret(name).await;
        assert_eq!(value(&secret, "secretKey"), None);
        assert_eq!(ledger(&secret)["state"], state);
    }
    stage.annotate(ApiKeyPair, "left-alone", "chatelaine.dev/rotate", "again").await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    // Its overlap is over too, but to take only the old one out is to know how the new one is to be shown.
    assert_eq!(version(&stage.secret("elsewhere").await), version(&left_alone));

    // Mended, they stay dead, and the other one is as it was.
    for (name, state) in [("revoked", "Revoked"), ("ending", "Expired")] {
        stage.patch(ApiKeyPair, name, json!({"spec": {"deletionPolicy": "Delete"}})).await;
        stage.until_reason(ApiKeyPair, name, "Ready", state).await;
        assert_eq!(value(&stage.secret(name).await, "secretKey"), None);
    }
    stage.patch(ApiKeyPair, "left-alone", json!({"spec": {"deletionPolicy": "Delete"}})).await;
    stage.until_revision(ApiKeyPair, "left-alone", 3).await;
    let mended = stage.secret("elsewhere").await;
    assert_ne!(
        has(&mended, "SECRET"),
        has(&left_alone, "SECRET"),
        "what it was asked meanwhile was not lost"
    );
    assert_eq!(has(&mended, "previousSecretKey"), has(&left_alone, "SECRET"));
}

#[test]
fn an_object_that_no_longer_fits_the_schema_says_so_and_the_others_go_on() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let stage = Stage::on(&control_plane).await;
        let strict =
            stage.send(Method::GET, CRD.into(), "application/json", &Value::Null).await.expect("it is there");
        let mut loose = strict.clone();
        let schema = &mut loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let spec = &mut schema["properties"]["spec"]["properties"];
        for (field, value) in [("deletionPolicy", "Forget"), ("format", "Odd")] {
            spec[field]["enum"].as_array_mut().expect("the values are listed").push(json!(value));
        }
        let manifest = |name: &str, spec: Value| {
            let mut manifest = credential(spec);
            let head = json!({
                "apiVersion": "chatelaine.dev/v1alpha1", "kind": "ApiKeyPair",
                "metadata": {"name": name, "namespace": stage.namespace},
            });
            crate::stage::merge(&mut manifest, head);
            manifest
        };
        let bad = manifest("bad", json!({"deletionPolicy": "Forget"}));
        let for_good = manifest("for-good", json!({"format": "Odd"}));
        redefine(&stage, &loose, &bad, true).await;
        for object in [&bad, &for_good] {
            let path = stage.path(ApiKeyPair, "");
            stage.send(Method::POST, path, "application/json", object).await.expect("it is stored");
        }
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        what_is_live_still_ends(&stage).await;
        let mut again = strict;
        again["metadata"] =
            stage.send(Method::GET, CRD.into(), "application/json", &Value::Null).await.expect("it is there")
                ["metadata"]
                .clone();
        redefine(&stage, &again, &bad, false).await;

        stage.ready(ApiKeyPair, "good", json!({})).await;
        stage.ready(AccessToken, "token", json!({})).await;
        let object = stage.until_reason(ApiKeyPair, "bad", "Ready", "Unreadable").await;
        assert_eq!(condition(&object, "Stalled")["status"], "True");
        let advice = text(&condition(&object, "Ready")["message"]);
        assert!(advice.contains("mend it with kubectl edit"), "{advice}");
        assert!(
            advice.contains("if what is wrong cannot be changed, delete it and create it again"),
            "{advice}"
        );
        assert!(advice.starts_with(text(&condition(&object, "Stalled")["message"])), "the rest is in Ready");
        assert!(stage.get(Kind::Secret, "bad").await.is_null());

        // Mended as kubectl edit would, by a merge patch, it is like any other.
        stage.patch(ApiKeyPair, "bad", json!({"spec": {"deletionPolicy": "Delete"}})).await;
        stage.until_revision(ApiKeyPair, "bad", 1).await;

        // What cannot be changed cannot be mended either: the other half of the advice.
        stage.until_reason(ApiKeyPair, "for-good", "Ready", "Unreadable").await;
        let path = stage.path(ApiKeyPair, "for-good");
        let patch = json!({"spec": {"format": "Standard"}});
        let answer = stage.send(Method::PATCH, path, "application/merge-patch+json", &patch).await;
        assert!(answer.expect_err("it is immutable").to_string().contains("format cannot be changed"));
        stage.delete(ApiKeyPair, "for-good").await;
        stage.until_gone(ApiKeyPair, "for-good").await;
        stage.ready(ApiKeyPair, "for-good", json!({})).await;
        operator.stop().await.expect("it stops when asked");
    });
}

#[test]
fn a_ledger_of_a_newer_operator_is_left_alone() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, "ci", json!({})).await;
        let secret = stage.secret("ci").await;
        let mut page = crate::stage::ledger(&secret);
        page["version"] = json!(99);
        stage.annotate(Kind::Secret, "ci", "chatelaine.dev/ledger", &page.to_string()).await;
        let object_left = stage.until_reason(AccessToken, "ci", "Ready", "Unreadable").await;
        assert!(text(&condition(&object_left, "Ready")["message"]).contains("upgrade the operator"));
        let left = stage.secret("ci").await;
        assert_eq!(has(&left, "token"), has(&secret, "token"));
        assert_eq!((uid(&object), uid(&left)), (uid(&object_left), uid(&secret)));
        assert_eq!(crate::stage::ledger(&left)["version"], 99);
    });
}
