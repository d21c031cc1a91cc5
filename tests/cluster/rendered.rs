//! What is rendered beside the material: each format, a template and a type on the real server, changed and withdrawn.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, condition, has, is_observed, is_ready, keys,
    ledger, play, same, text, value,
};

/// The key of each format, and a text that shows that it is made for its reader.
const FORMATS: [(&str, &str, &str); 8] = [
    ("Json", "credentials.json", "\"secretKey\":"),
    ("Csv", "credentials.csv", "accessKey,secretKey,"),
    ("Env", "credentials.env", "secretKey="),
    ("AwsCredentials", "aws-credentials", "aws_secret_access_key = "),
    ("AwsCredentialProcess", "aws-credential-process.json", "\"Version\":1,"),
    ("Rclone", "rclone.conf", "type = s3\n"),
    ("S3cmd", "s3cfg", "host_base = s3.example.com\n"),
    ("MinioClient", "mc-config.json", "\"url\":\"https://s3.example.com\""),
];

async fn until_keys(stage: &Stage<'_>, wanted: &[&str]) -> Value {
    stage.until(Secret, CI, &format!("{wanted:?}"), |secret| keys(secret) == wanted).await
}

#[test]
fn each_format_shows_the_material_and_goes_when_it_is_not_asked_for() {
    play(|stage| async move {
        let server = json!({"endpoint": "https://s3.example.com"});
        stage.ready(ApiKeyPair, CI, json!({"service": "s3", "attributes": server})).await;
        let before = has(&stage.secret(CI).await, "secretKey");
        for (format, key, sign) in FORMATS {
            stage.patch(ApiKeyPair, CI, json!({"spec": {"secret": {"formats": [format]}}})).await;
            let mut all = ["accessKey", "secretKey", key];
            all.sort_unstable();
            let secret = until_keys(&stage, &all).await;
            let text = has(&secret, key);
            assert!(text.contains(sign) && text.contains(&before), "{format}: {text}");
        }
        stage.patch(ApiKeyPair, CI, json!({"spec": {"secret": {"formats": ["ServiceBinding"]}}})).await;
        let secret = until_keys(&stage, &["accessKey", "provider", "secretKey", "type"]).await;
        same(
            (has(&secret, "type"), has(&secret, "provider")),
            ("s3".into(), "chatelaine".into()),
            "a binding",
        );
        stage.patch(ApiKeyPair, CI, json!({"spec": {"secret": null}})).await;
        let secret = until_keys(&stage, &["accessKey", "secretKey"]).await;
        assert_eq!(has(&secret, "secretKey"), before);
        let object = stage.until(ApiKeyPair, CI, "observed", is_observed).await;
        assert!(is_ready(&object));
        assert_eq!(object["status"]["revision"], 1);
        assert_eq!(object["status"]["binding"]["name"], CI);
    });
}

#[test]
fn a_template_follows_its_text_the_material_and_the_date() {
    play(|stage| async move {
        let template = json!({"config.toml": "key = \"$(token)\"\n# $$(token) ${HOME} {{ x }}\nold = \"$(previousToken)\"\n"});
        let spec = json!({"secret": {"template": template}, "rotation": {"overlap": "1h"}});
        stage.ready(AccessToken, CI, spec).await;
        let first = stage.secret(CI).await;
        let token = has(&first, "token");
        let text = |new: &str, old: &str| {
            format!("key = \"{new}\"\n# $(token) ${{HOME}} {{{{ x }}}}\nold = \"{old}\"\n")
        };
        assert_eq!(has(&first, "config.toml"), text(&token, ""));
        stage.annotate(AccessToken, CI, "chatelaine.dev/rotate", "1").await;
        stage.until_revision(AccessToken, CI, 2).await;
        let second = stage.secret(CI).await;
        assert_eq!(has(&second, "config.toml"), text(&has(&second, "token"), &token));
        let other =
            json!({"spec": {"secret": {"template": {"config.toml": null, "end": "$(expirationTime)"}}}});
        stage.patch(AccessToken, CI, other).await;
        let third = stage.until(Secret, CI, "rewritten", |secret| value(secret, "end").is_some()).await;
        assert_eq!((value(&third, "config.toml"), has(&third, "end")), (None, String::new()));
        stage.patch(AccessToken, CI, json!({"spec": {"expirationTime": "2099-01-01T00:00:00Z"}})).await;
        stage.until(Secret, CI, "dated", |secret| has(secret, "end") == "2099-01-01T00:00:00Z").await;
        assert_eq!(ledger(&stage.secret(CI).await)["revision"], 2);
    });
}

/// The keys that stay when the material is withheld, revoked and gone.
async fn withdrawn(stage: &Stage<'_>, kind: Kind, rest: &[&str]) {
    let before = stage.secret(CI).await;
    let object = stage.patch(kind, CI, json!({"spec": {"active": false}})).await;
    stage.until_reason(kind, CI, "Ready", "Inactive").await;
    until_keys(stage, rest).await;
    let copy = stage.copy_of(&object).await;
    let made = |key: &String| {
        ["rendered", "credentials.json", "password", ".dockerconfigjson"].contains(&key.as_str())
    };
    assert!(!keys(&copy).iter().any(made), "the copy keeps the material alone: {:?}", keys(&copy));
    stage.patch(kind, CI, json!({"spec": {"active": true}})).await;
    let back = stage.until(Secret, CI, "given back", |secret| secret["data"] == before["data"]).await;
    assert_eq!(ledger(&back)["revision"], 1);
    stage.annotate(kind, CI, "chatelaine.dev/revoke", "leak").await;
    stage.until_reason(kind, CI, "Ready", "Revoked").await;
    until_keys(stage, rest).await;
}

#[test]
fn what_is_rendered_leaves_with_the_material_in_every_type() {
    play(|stage| async move {
        let secret = json!({"formats": ["Json"], "template": {"rendered": "nothing secret"}, "type": "kubernetes.io/basic-auth"});
        stage.ready(ApiKeyPair, CI, json!({"secret": secret})).await;
        let shown = stage.secret(CI).await;
        assert_eq!(shown["type"], "kubernetes.io/basic-auth");
        same(has(&shown, "username"), has(&shown, "accessKey"), "the name");
        same(has(&shown, "password"), has(&shown, "secretKey"), "the password");
        withdrawn(&stage, ApiKeyPair, &["accessKey", "username"]).await;
    });
    play(|stage| async move {
        let spec = json!({
            "secret": {"formats": ["Json"], "template": {"rendered": "$(token)"}, "type": "kubernetes.io/dockerconfigjson"},
            "attributes": {"registry": "registry.example.com"},
        });
        stage.ready(AccessToken, CI, spec).await;
        let shown = stage.secret(CI).await;
        assert_eq!(shown["type"], "kubernetes.io/dockerconfigjson");
        let config: Value = serde_json::from_str(&has(&shown, ".dockerconfigjson")).expect("JSON");
        let auth = &config["auths"]["registry.example.com"];
        same(
            (text(&auth["username"]), text(&auth["password"])),
            ("alice", has(&shown, "token").as_str()),
            "the login",
        );
        withdrawn(&stage, AccessToken, &[".dockerconfigjson", "account", "permissions"]).await;
        assert_eq!(has(&stage.secret(CI).await, ".dockerconfigjson").trim(), r#"{"auths":{}}"#);
    });
    play(|stage| async move {
        let secret =
            json!({"formats": ["ServiceBinding"], "template": {"rendered": "$(ssh-privatekey|json)"}});
        stage.ready(SshKey, CI, json!({"secret": secret})).await;
        let shown = stage.secret(CI).await;
        let text: String = serde_json::from_str(&has(&shown, "rendered")).expect("JSON");
        same(text, has(&shown, "ssh-privatekey"), "the key");
        withdrawn(&stage, SshKey, &["authorized_keys", "ssh-privatekey"]).await;
    });
}

#[test]
fn a_credential_that_is_born_revoked_has_a_secret_of_its_type_too() {
    play(|stage| async move {
        for (kind, type_) in [(ApiKeyPair, "basic-auth"), (AccessToken, "dockerconfigjson")] {
            let name = format!("born-{}", type_);
            let spec = json!({
                "accountRef": {"name": "alice"},
                "secret": {"type": format!("kubernetes.io/{type_}")},
                "attributes": {"registry": "registry.example.com"},
            });
            let manifest = json!({"metadata": {"annotations": {"chatelaine.dev/revoke": "1"}}, "spec": spec});
            stage.create(kind, &name, manifest).await;
            stage.until_reason(kind, &name, "Ready", "Revoked").await;
        }
    });
}

#[test]
fn a_key_of_somebody_else_and_a_full_secret_are_told_and_stay_as_they_are() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let theirs = data_encoding::BASE64.encode("x".repeat((1 << 20) - 1_000).as_bytes());
        stage.patch(Secret, CI, json!({"data": {"mine.conf": "bWluZQ==", "large": theirs}})).await;
        let template = json!({"mine.conf": "$(token)", "more": "y".repeat(2_000), "fits": "z"});
        stage.patch(AccessToken, CI, json!({"spec": {"secret": {"template": template}}})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "InvalidSpec").await;
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(message.contains("mine.conf (the Secret has a key of this name"), "{message}");
        assert!(message.contains("more (the Secret would be larger than 1 MiB"), "{message}");
        assert_eq!(condition(&object, "Active")["status"], "True");
        let secret = stage.secret(CI).await;
        assert_eq!((has(&secret, "mine.conf").as_str(), value(&secret, "more")), ("mine", None));
        assert_eq!(has(&secret, "fits"), "z");
        stage.patch(Secret, CI, json!({"data": {"mine.conf": null, "large": null}})).await;
        stage.until(AccessToken, CI, "ready", is_ready).await;
        let secret = stage.secret(CI).await;
        assert_eq!(has(&secret, "mine.conf"), has(&secret, "token"));
        assert_eq!(has(&secret, "more").len(), 2_000);
    });
}

#[test]
fn a_retained_secret_of_another_type_is_not_taken_back() {
    play(|stage| async move {
        let spec = |type_: &str| json!({"deletionPolicy": "Retain", "secret": {"type": type_}});
        stage.ready(ApiKeyPair, CI, spec("kubernetes.io/basic-auth")).await;
        let before = stage.secret(CI).await;
        stage.delete(ApiKeyPair, CI).await;
        stage.until_gone(ApiKeyPair, CI).await;
        stage.credential(ApiKeyPair, CI, spec("Opaque")).await;
        let object = stage.until_reason(ApiKeyPair, CI, "Ready", "SecretConflict").await;
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(
            message.contains("an earlier credential of this name, with the type kubernetes.io/basic-auth"),
            "{message}"
        );
        assert_eq!(stage.secret(CI).await["data"], before["data"]);
    });
}
