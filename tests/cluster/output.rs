//! What the Secret looks like: other names for keys, labels and annotations.

use serde_json::{Value, json};

use crate::stage::{
    AccessToken, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, assert_conditions, condition, has, is_observed,
    is_ready, keys, play, text, value,
};

/// Edits the output and waits until the Secret is as wanted, with the same revision.
async fn rewritten(stage: &Stage<'_>, kind: Kind, secret: Value, holds: impl Fn(&Value) -> bool) -> Value {
    stage.patch(kind, CI, json!({"spec": {"secret": secret}})).await;
    let object = stage.until(kind, CI, "observed", is_observed).await;
    assert!(is_ready(&object));
    assert_eq!(object["status"]["revision"], 1);
    stage.until(Secret, CI, "rewritten", holds).await
}

#[test]
fn keys_are_renamed_and_changed_without_a_new_revision() {
    play(|stage| async move {
        let aws = json!({"accessKey": "AWS_ACCESS_KEY_ID", "secretKey": "AWS_SECRET_ACCESS_KEY"});
        stage.ready(ApiKeyPair, CI, json!({"secret": {"keys": aws}})).await;
        let first = stage.secret(CI).await;
        assert_eq!(keys(&first), ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]);
        let other = json!({"keys": {"accessKey": "ID", "secretKey": null}});
        let second = rewritten(&stage, ApiKeyPair, other, |secret| keys(secret) == ["ID", "secretKey"]).await;
        assert_eq!(has(&first, "AWS_SECRET_ACCESS_KEY"), has(&second, "secretKey"));
        assert_eq!(has(&first, "AWS_ACCESS_KEY_ID"), has(&second, "ID"));
        let third = rewritten(&stage, ApiKeyPair, json!({"keys": null}), |secret| {
            keys(secret) == ["accessKey", "secretKey"]
        })
        .await;
        assert_eq!(has(&first, "AWS_SECRET_ACCESS_KEY"), has(&third, "secretKey"));
        // A rename is understood by whoever reads the material back.
        stage
            .patch(
                ApiKeyPair,
                CI,
                json!({"spec": {"secret": {"keys": {"secretKey": "KEY"}}, "active": false}}),
            )
            .await;
        stage.until_reason(ApiKeyPair, CI, "Ready", "Inactive").await;
        assert_eq!(keys(&stage.secret(CI).await), ["accessKey"]);
        stage.patch(ApiKeyPair, CI, json!({"spec": {"active": true}})).await;
        let back = stage.until(Secret, CI, "given back", |secret| value(secret, "KEY").is_some()).await;
        assert_eq!(has(&first, "AWS_SECRET_ACCESS_KEY"), has(&back, "KEY"));
    });
}

#[test]
fn keys_of_an_ssh_key_are_copied_under_the_other_name() {
    play(|stage| async move {
        stage.ready(SshKey, CI, json!({"secret": {"keys": {"ssh-privatekey": "id_ed25519"}}})).await;
        let secret = stage.secret(CI).await;
        assert_eq!(keys(&secret), ["authorized_keys", "id_ed25519", "ssh-privatekey", "ssh-publickey"]);
        assert_eq!(has(&secret, "id_ed25519"), has(&secret, "ssh-privatekey"));
        stage.patch(SshKey, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(SshKey, CI, "Ready", "Inactive").await;
        let withheld = stage.secret(CI).await;
        let rest = has(&withheld, "ssh-privatekey");
        assert!(rest.starts_with("# withheld") && rest.lines().count() == 1, "{rest}");
        assert_eq!(keys(&withheld), ["authorized_keys", "id_ed25519", "ssh-privatekey"]);
        assert_eq!(has(&withheld, "id_ed25519"), rest, "a copy is a copy, of the comment too");
        stage.patch(SshKey, CI, json!({"spec": {"active": true}})).await;
        stage.until(Secret, CI, "given back", |back| back["data"] == secret["data"]).await;
    });
}

#[test]
fn labels_and_annotations_follow_the_spec_and_old_ones_go() {
    play(|stage| async move {
        let spec = json!({"secret": {
            "labels": {"team": "blue", "app.kubernetes.io/part-of": "shop"},
            "annotations": {"purpose": "builds"},
        }});
        stage.ready(AccessToken, CI, spec).await;
        let first = stage.secret(CI).await;
        let meta = &first["metadata"];
        assert_eq!(
            (&meta["labels"]["team"], &meta["annotations"]["purpose"]),
            (&json!("blue"), &json!("builds"))
        );
        assert_eq!(meta["labels"]["app.kubernetes.io/part-of"], "shop");
        let change = json!({"labels": {"team": null, "tier": "one"}, "annotations": null});
        let second =
            rewritten(&stage, AccessToken, change, |secret| secret["metadata"]["labels"]["tier"] == "one")
                .await;
        let meta = &second["metadata"];
        assert_eq!((&meta["labels"]["team"], &meta["annotations"]["purpose"]), (&Value::Null, &Value::Null));
        assert_eq!(meta["labels"]["app.kubernetes.io/managed-by"], "chatelaine");
        assert_eq!(second["data"], first["data"]);
    });
}

#[test]
fn a_prefix_that_is_not_allowed_is_refused_with_advice() {
    play(|stage| async move {
        let labels = json!({"secret": {"labels": {"argocd.argoproj.io/instance": "x"}}});
        stage.credential(AccessToken, CI, labels).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "InvalidSpec").await;
        assert_conditions(
            &object,
            &["Ready=False InvalidSpec", "Active=False InvalidSpec", "Stalled=True InvalidSpec"],
        );
        let message = text(&condition(&object, "Ready")["message"]);
        assert!(message.contains("argocd.argoproj.io/instance"), "{message}");
        assert!(message.contains("--secret-metadata-allow"), "{message}");
        assert!(stage.get(Secret, CI).await.is_null());
        stage.patch(AccessToken, CI, json!({"spec": {"secret": null}})).await;
        stage.until_revision(AccessToken, CI, 1).await;
    });
}

#[test]
fn a_prefix_that_is_refused_later_does_not_reach_a_live_secret() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let before = stage.secret(CI).await;
        stage.patch(AccessToken, CI, json!({"spec": {"secret": {"labels": {"example.com/x": "y"}}}})).await;
        stage.until(AccessToken, CI, "observed", is_observed).await;
        let after = stage.secret(CI).await;
        assert_eq!(
            after["metadata"]["labels"]["example.com/x"],
            Value::Null,
            "it is not allowed on a Secret"
        );
        assert_eq!(has(&after, "token"), has(&before, "token"), "what was issued is not taken away");
    });
}
