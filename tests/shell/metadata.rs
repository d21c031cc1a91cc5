//! Labels and annotations of the Secret: what the operator's flag lets through, beside what always may.

use std::sync::Arc;

use chatelaine::api::AccessToken;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Under an operator that was started with these.
async fn issued(allow: &[&str], secret: Value) -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({"secret": secret}));
    let house = Arc::get_mut(&mut stage.keeper.house).expect("nothing runs yet");
    house.settings.secret_metadata_allow = allow.iter().map(|text| text.to_string()).collect();
    stage.look().await.expect("looked at");
    stage
}

#[tokio::test(start_paused = true)]
async fn the_flag_lets_a_prefix_and_a_whole_key_through_and_nothing_beside_them() {
    for (allow, key) in [
        ("team.example.com", "team.example.com/colour"),
        ("team.example.com/", "team.example.com/colour"),
        ("team.example.com/colour", "team.example.com/colour"),
    ] {
        let stage =
            issued(&[allow], json!({"labels": {key: "blue"}, "annotations": {key: "as the sea"}})).await;
        let metadata = &stage.secret("ci")["metadata"];
        assert_eq!(
            (&metadata["labels"][key], &metadata["annotations"][key]),
            (&json!("blue"), &json!("as the sea"))
        );
    }
    for (allow, key) in [
        ("team.example.com", "example.com/colour"),
        ("team.example.com", "team.example.com.org/colour"),
        ("team.example.com/colour", "team.example.com/size"),
        ("example.com", "team.example.com/colour"),
    ] {
        let stage = issued(&[allow], json!({"labels": {key: "blue"}})).await;
        let ready = stage.condition("Ready");
        assert_eq!(ready["reason"], "InvalidSpec", "{allow} {key}");
        let message = ready["message"].as_str().expect("it is told");
        assert!(message.contains(key) && message.contains("--secret-metadata-allow"), "{message}");
        assert!(stage.server.get("secrets", "ci").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_flag_keys_without_a_prefix_and_the_four_of_kubernetes_are_let_through() {
    let keys = ["name", "component", "part-of", "version"].map(|name| format!("app.kubernetes.io/{name}"));
    for key in keys.iter().map(String::as_str).chain(["team"]) {
        let stage = issued(&[], json!({"labels": {key: "a"}, "annotations": {key: "b"}})).await;
        let metadata = &stage.secret("ci")["metadata"];
        assert_eq!(
            (&metadata["labels"][key], &metadata["annotations"][key]),
            (&json!("a"), &json!("b")),
            "{key}"
        );
    }
}

/// Also when it is written for another cause.
#[tokio::test(start_paused = true)]
async fn a_foreign_prefix_is_refused_of_annotations_too_and_reaches_no_live_secret() {
    let foreign = json!({"team.example.com/colour": "blue"});
    let stage = issued(&[], json!({"annotations": foreign})).await;
    assert_eq!(stage.condition("Ready")["reason"], "InvalidSpec");
    assert!(stage.server.get("secrets", "ci").is_none());

    let mut stage = issued(&[], json!({})).await;
    stage.edit(|object| {
        object["spec"]["secret"] = json!({"labels": foreign, "annotations": foreign});
        object["spec"]["expirationTime"] = json!("2099-01-01T00:00:00Z");
    });
    stage.rest().await;
    let secret = stage.secret("ci");
    assert!(secret["data"]["expirationTime"].is_string(), "it was written since");
    for part in ["labels", "annotations"] {
        assert_eq!(secret["metadata"][part]["team.example.com/colour"], Value::Null, "{part}");
    }
}

/// A tool that prunes what carries its label would delete the Secret.
#[tokio::test(start_paused = true)]
async fn what_is_on_the_object_is_never_copied_onto_its_secrets() {
    let mut stage =
        issued(&["team.example.com", "argocd.argoproj.io"], json!({"labels": {"tier": "one"}})).await;
    // Among them the two of which the caches know.
    let theirs = json!({
        "app.kubernetes.io/instance": "shop", "argocd.argoproj.io/instance": "shop", "plain": "c",
        "velero.io/restore-name": "nightly", "chatelaine.dev/retire": "1",
    });
    stage.edit(|object| {
        object["metadata"]["labels"] = theirs.clone();
        object["metadata"]["annotations"] = theirs.clone();
        object["spec"]["secret"]["labels"]["tier"] = json!("two");
        object["spec"]["active"] = json!(false);
    });
    stage.rest().await;
    assert_eq!(stage.secret("ci")["metadata"]["labels"]["tier"], "two", "it was written since");
    for name in ["ci", "chatelaine-held-uid-ci"] {
        let metadata = &stage.secret(name)["metadata"];
        for key in theirs.as_object().unwrap().keys() {
            assert_eq!(
                (&metadata["labels"][key], &metadata["annotations"][key]),
                (&Value::Null, &Value::Null),
                "{name} {key}"
            );
        }
    }
}
