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
