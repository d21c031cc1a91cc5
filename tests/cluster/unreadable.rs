//! A stored object that does not fit the schema says so, and nobody waits for it.

use http::Method;
use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, ApiKeyPair, BINARY, Kind, RUNTIME, Stage, condition, credential, has, play, text, uid,
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
        let mut again = strict;
        again["metadata"] =
            stage.send(Method::GET, CRD.into(), "application/json", &Value::Null).await.expect("it is there")
                ["metadata"]
                .clone();
        redefine(&stage, &again, &bad, false).await;

        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
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
