//! What is rendered beside the material: written when the spec asks for it, never over what is somebody else's, never
//! more than a Secret holds, and gone with the material.

use chatelaine::{
    api::{AccessToken, ApiKeyPair, LEDGER, REVOKE, ROTATE, SshKey},
    controller::queue::Again,
};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::stage::Stage;

pub async fn issued(spec: Value) -> Stage<AccessToken> {
    let mut stage = Stage::new(spec);
    stage.rest().await;
    stage
}

pub fn value(secret: &Value, key: &str) -> Option<String> {
    let value = secret["data"][key].as_str()?;
    Some(String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap())
}

pub fn keys(stage: &Stage<AccessToken>) -> Vec<String> {
    stage.secret("ci")["data"].as_object().unwrap().keys().cloned().collect()
}

/// Somebody writes a key into the Secret; null takes it away.
pub fn put_key(stage: &mut Stage<AccessToken>, key: &str, text: Option<&str>) {
    let mut secret = stage.secret("ci");
    let data = secret["data"].as_object_mut().unwrap();
    match text {
        Some(text) => data.insert(key.to_owned(), json!(BASE64.encode(text.as_bytes()))),
        None => data.remove(key),
    };
    stage.server.put("secrets", secret);
}

pub fn message(stage: &Stage<AccessToken>) -> String {
    let ready = stage.condition("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("InvalidSpec")), "{ready}");
    assert_eq!(stage.condition("Active")["status"], "True", "the material can be used");
    ready["message"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn another_output_is_one_read_one_replace_and_one_status_write_and_no_new_revision() {
    let mut stage = issued(json!({})).await;
    let token = value(&stage.secret("ci"), "token").unwrap();
    let status = stage.status_path();
    let rewritten = ["GET secrets/ci", "PUT secrets/ci", &status];
    let plain = ["account", "permissions", "token"];
    assert_eq!(keys(&stage), plain);

    stage.edit(|object| {
        object["spec"]["secret"] = json!({"formats": ["Json"], "template": {"a": "[$(token)]"}})
    });
    assert_eq!(stage.rest().await, rewritten);
    assert_eq!(keys(&stage), ["a", "account", "credentials.json", "permissions", "token"]);
    assert_eq!(value(&stage.secret("ci"), "a"), Some(format!("[{token}]")));

    stage.edit(|object| object["spec"]["secret"]["template"]["a"] = json!("<$(token|base64)>"));
    assert_eq!(stage.rest().await, rewritten);
    assert_eq!(value(&stage.secret("ci"), "a"), Some(format!("<{}>", BASE64.encode(token.as_bytes()))));

    stage.edit(|object| object["spec"]["secret"] = json!({"formats": ["Env"]}));
    assert_eq!(stage.rest().await, rewritten);
    assert_eq!(keys(&stage), ["account", "credentials.env", "permissions", "token"]);

    stage.edit(|object| object["spec"]["secret"] = json!({}));
    assert_eq!(stage.rest().await, rewritten);
    assert_eq!(keys(&stage), plain);
    assert_eq!(value(&stage.secret("ci"), "token"), Some(token));
    assert_eq!(stage.ledger()["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_rendering_shows_is_written_again_when_it_changes() {
    let spec = json!({
        "secret": {"type": "kubernetes.io/dockerconfigjson", "template": {"end": "$(expirationTime)", "may": "$(permissions)"}},
        "attributes": {"registry": "one.example.com", "colour": "blue"},
        "expirationTime": "2098-01-01T00:00:00Z",
    });
    let mut stage = issued(spec).await;
    let shown = |stage: &Stage<AccessToken>, key: &str| value(&stage.secret("ci"), key).unwrap();
    assert_eq!(stage.secret("ci")["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(shown(&stage, "end"), "2098-01-01T00:00:00Z");
    stage.edit(|object| object["spec"]["expirationTime"] = json!("2099-01-01T00:00:00Z"));
    stage.rest().await;
    assert_eq!(shown(&stage, "end"), "2099-01-01T00:00:00Z");
    stage.edit(|object| object["spec"]["permissions"] = json!(["servers:read"]));
    stage.rest().await;
    assert_eq!(shown(&stage, "may"), "servers:read");
    stage.edit(|object| object["spec"]["attributes"]["registry"] = json!("two.example.com"));
    stage.rest().await;
    assert!(shown(&stage, ".dockerconfigjson").contains("two.example.com"));
    stage.edit(|object| object["spec"]["attributes"]["colour"] = json!("red"));
    assert_eq!(stage.rest().await, [""; 0], "no rendering shows it");
}

#[tokio::test(start_paused = true)]
async fn where_the_store_is_is_written_again_when_it_moves() {
    let mut stage = Stage::<ApiKeyPair>::new(json!({
        "secret": {"formats": ["Rclone", "S3cmd", "MinioClient"]},
        "attributes": {"endpoint": "https://one.example.com", "region": "eu-1"},
    }));
    stage.rest().await;
    for (attribute, text, shown) in [
        ("endpoint", "https://two.example.com", &["rclone.conf", "s3cfg", "mc-config.json"][..]),
        ("region", "eu-2", &["rclone.conf", "s3cfg"]),
    ] {
        stage.edit(|object| object["spec"]["attributes"][attribute] = json!(text));
        stage.rest().await;
        for key in shown {
            let text = text.trim_start_matches("https://");
            assert!(value(&stage.secret("ci"), key).unwrap().contains(text), "{key}: {text}");
        }
    }
    assert_eq!(stage.ledger()["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_shows_the_new_material_everywhere_and_the_old_one_where_it_is_named() {
    let secret = json!({"formats": ["Json", "Csv", "Env"], "template": {"a": "$(token) $(previousToken)"}});
    let mut stage = issued(json!({"secret": secret, "rotation": {"overlap": "1h"}})).await;
    let old = value(&stage.secret("ci"), "token").unwrap();
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    let secret = stage.secret("ci");
    let new = value(&secret, "token").unwrap();
    for format in ["credentials.json", "credentials.csv", "credentials.env"] {
        let text = value(&secret, format).unwrap();
        assert!(text.contains(&new) && !text.contains(&old), "{format}");
    }
    assert_eq!(value(&secret, "a"), Some(format!("{new} {old}")));
}

#[tokio::test(start_paused = true)]
async fn what_is_rendered_leaves_with_the_material_and_comes_back_with_it() {
    let secret = json!({"formats": ["Json", "ServiceBinding"], "template": {"a": "no secret"},
                        "type": "kubernetes.io/basic-auth"});
    let mut stage = issued(json!({"secret": secret})).await;
    let all = [
        "a",
        "account",
        "credentials.json",
        "password",
        "permissions",
        "provider",
        "token",
        "type",
        "username",
    ];
    let before = stage.secret("ci")["data"].clone();
    assert_eq!(keys(&stage), all);
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    assert_eq!(keys(&stage), ["account", "permissions", "username"]);
    let copy = stage.secret("chatelaine-held-uid-ci");
    let held: Vec<_> = copy["data"].as_object().unwrap().keys().collect();
    assert_eq!(held, ["account", "permissions", "token"], "the copy keeps the material alone");
    stage.edit(|object| object["spec"]["active"] = json!(true));
    stage.rest().await;
    assert_eq!(stage.secret("ci")["data"], before);
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(keys(&stage), ["account", "permissions", "username"]);
    assert_eq!(stage.condition("Ready")["reason"], "Revoked");
}

#[tokio::test(start_paused = true)]
async fn a_rendering_never_overwrites_what_is_somebody_elses() {
    let mut stage = issued(json!({})).await;
    put_key(&mut stage, "a", Some("theirs"));
    put_key(&mut stage, "credentials.json", Some("theirs too"));
    stage.rest().await;
    stage.edit(|object| {
        object["spec"]["secret"] =
            json!({"formats": ["Json", "Csv"], "template": {"a": "$(token)", "b": "$(account)"}});
    });
    stage.rest().await;
    let secret = stage.secret("ci");
    assert_eq!(value(&secret, "a").as_deref(), Some("theirs"));
    assert_eq!(value(&secret, "credentials.json").as_deref(), Some("theirs too"));
    assert_eq!(value(&secret, "b").as_deref(), Some("alice"));
    assert!(keys(&stage).contains(&"credentials.csv".to_owned()), "the rest is there");
    let said = message(&stage);
    assert!(said.starts_with("Left out of the Secret: a (the Secret has a key of this name"), "{said}");
    assert!(said.contains("; credentials.json (") && said.contains("remove it from the Secret"), "{said}");
    for _ in 0..3 {
        assert_eq!(stage.look().await, Ok(Again::Never));
    }
    assert_eq!(stage.server.asked(), [""; 0], "a condition, not a loop");

    put_key(&mut stage, "a", None);
    stage.rest().await;
    assert_eq!(value(&stage.secret("ci"), "a"), value(&stage.secret("ci"), "token"));
    assert!(message(&stage).starts_with("Left out of the Secret: credentials.json ("));
    stage.edit(|object| object["spec"]["secret"]["formats"] = json!(["Csv"]));
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True");
    assert_eq!(value(&stage.secret("ci"), "credentials.json").as_deref(), Some("theirs too"));
}

#[tokio::test(start_paused = true)]
async fn what_would_make_the_secret_too_large_is_left_out_and_the_lifecycle_goes_on() {
    let mut stage = issued(json!({"secret": {"formats": ["Json"]}})).await;
    put_key(&mut stage, "theirs", Some(&"x".repeat((1 << 20) - 400)));
    stage.rest().await;
    stage.edit(|object| object["spec"]["secret"]["template"] = json!({"a": "y".repeat(300), "b": "z"}));
    stage.rest().await;
    assert!(keys(&stage).contains(&"b".to_owned()) && !keys(&stage).contains(&"a".to_owned()));
    assert!(message(&stage).contains("a (the Secret would be larger than 1 MiB: shorten it)"));
    assert_eq!(stage.rest().await, [""; 0], "a condition, not a loop");
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 2, "it rotates all the same");
    put_key(&mut stage, "theirs", None);
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True");
    assert!(keys(&stage).contains(&"a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn templates_that_ask_for_many_times_what_a_secret_holds_are_left_out_and_the_rest_is_there() {
    let long = |name: &str| format!("{}:{}", name.repeat(10), "read".repeat(10));
    let permissions: Vec<_> = (0..64).map(|n| long(&format!("r{n}"))).collect();
    let [half, twice] = [130, 585].map(|times| "$(permissions)".repeat(times));
    let template = json!({"a": half, "b": half, "c": "$(token)", "d": twice});
    let stage = issued(json!({"permissions": permissions, "secret": {"template": template}})).await;
    assert_eq!(keys(&stage), ["a", "account", "c", "permissions", "token"]);
    let said = message(&stage);
    for key in ["b", "d"] {
        assert!(
            said.contains(&format!("{key} (the Secret would be larger than 1 MiB: shorten it)")),
            "{said}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_full_of_others_is_told_and_not_tried_again() {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    let size: usize = ["token", "account", "permissions"]
        .iter()
        .filter_map(|key| value(&stage.secret("ci"), key))
        .map(|text| text.len())
        .sum();
    put_key(&mut stage, "theirs", Some(&"x".repeat((1 << 20) - size)));
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True");
    stage.annotate(ROTATE, "again");
    stage.look().await.expect("told");
    assert!(stage.server.asked().iter().all(|asked| !asked.starts_with("PUT secrets")));
    assert_eq!(stage.ledger()["revision"], 1);
    assert!(message(&stage).contains("remove from it what others put there"));
    put_key(&mut stage, "theirs", None);
    stage.rest().await;
    assert_eq!(
        (&stage.ledger()["revision"], &stage.condition("Ready")["status"]),
        (&json!(2), &json!("True"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_rendering_that_somebody_changed_or_removed_is_written_again() {
    let mut stage = issued(json!({"secret": {"formats": ["Env"], "template": {"a": "$(token)"}}})).await;
    let before = stage.secret("ci")["data"].clone();
    put_key(&mut stage, "credentials.env", Some("typed over"));
    stage.rest().await;
    put_key(&mut stage, "a", None);
    stage.rest().await;
    assert_eq!(stage.secret("ci")["data"], before);
    assert_eq!(stage.ledger()["revision"], 1);
}

/// What is there under two names is read under its own.
#[tokio::test(start_paused = true)]
async fn a_copy_of_a_private_key_that_somebody_changed_or_removed_is_written_again_and_is_no_damage() {
    let mut stage = Stage::<SshKey>::new(json!({"secret": {"keys": {"ssh-privatekey": "id_ed25519"}}}));
    stage.rest().await;
    let before = stage.secret("ci")["data"].clone();
    for theirs in [json!("dHlwZWQgb3Zlcg=="), Value::Null] {
        let mut secret = stage.secret("ci");
        secret["data"]["id_ed25519"] = theirs;
        secret["data"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        stage.server.put("secrets", secret);
        stage.rest().await;
        assert_eq!(stage.secret("ci")["data"], before);
        assert_eq!(stage.ledger()["revision"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn renderings_of_old_material_go_also_when_the_ledger_was_stripped() {
    let mut stage = issued(json!({"secret": {"formats": ["Json"], "template": {"a": "$(token)"}}})).await;
    let old = value(&stage.secret("ci"), "token").unwrap();
    let mut stripped = stage.secret("ci");
    stripped["metadata"]["annotations"].as_object_mut().unwrap().remove(LEDGER);
    stage.server.put("secrets", stripped);
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked");
    assert_eq!(keys(&stage), ["account", "permissions"]);
    assert!(!stage.secret("ci").to_string().contains(&BASE64.encode(old.as_bytes())));
}

/// An upgrade rewrites no Secret that asks for nothing new.
#[tokio::test(start_paused = true)]
async fn without_renderings_the_form_of_a_secret_is_what_it_always_was() {
    assert_eq!(issued(json!({})).await.ledger()["ours"]["form"], "d6b9806c657b7e9f");
}

/// Those of an Account are shown to verifiers as the Account's.
#[tokio::test(start_paused = true)]
async fn attributes_of_the_account_are_never_those_of_its_credentials() {
    let formats = json!({"secret": {"formats": ["Rclone", "S3cmd"]}, "attributes": {"region": "eu-1"}});
    let mut stage = Stage::<ApiKeyPair>::new(formats);
    stage.rest().await;
    let before = stage.secret("ci");
    let attributes = json!({"endpoint": "https://account.example.com", "region": "of-the-account"});
    stage.account(json!({"email": "alice@example.com", "permissions": ["*:*"], "attributes": attributes}));
    stage.add("later", json!({"secret": {"formats": ["Rclone", "S3cmd"]}}));
    stage.rest().await;
    assert_eq!(stage.secret("ci"), before);
    stage.rest_of("later").await;
    for key in ["rclone.conf", "s3cfg"] {
        let text = value(&stage.secret("later"), key).unwrap();
        assert!(!text.contains("account.example.com") && !text.contains("of-the-account"), "{text}");
        let text = value(&before, key).unwrap();
        assert!(text.contains("eu-1"), "{text}");
    }
}
