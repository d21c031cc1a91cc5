//! What others put into the Secret: it is kept, it is never a copy of old material, and it holds up nothing that has to go.

use std::collections::BTreeMap;

use chatelaine::{
    api::{AccessToken, REVOKE, ROTATE, SshKey},
    controller::queue::Again,
};
use data_encoding::BASE64;
use http::Method;
use serde_json::json;

use crate::{
    output::{issued, keys, message, put_key, value},
    server::{Answer, Fault, Phase},
    stage::Stage,
};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Told once, and not tried again before something changes.
async fn seen(stage: &mut Stage<AccessToken>) {
    stage.see();
    stage.look().await.expect("told");
    stage.see();
    stage.server.asked();
    assert_eq!(stage.look().await, Ok(Again::Never));
    assert!(stage.server.asked().iter().all(|asked| asked.starts_with("GET ")), "a condition, not a loop");
}

#[tokio::test(start_paused = true)]
async fn material_never_overwrites_what_is_somebody_elses_and_keeps_its_name_until_that_is_gone() {
    let mut stage = issued(json!({})).await;
    let token = value(&stage.secret("ci"), "token").unwrap();
    put_key(&mut stage, "ca.crt", Some("theirs"));
    stage.edit(|object| object["spec"]["secret"] = json!({"keys": {"token": "ca.crt"}}));
    stage.rest().await;
    let secret = stage.secret("ci");
    assert_eq!(value(&secret, "ca.crt").as_deref(), Some("theirs"));
    assert_eq!(value(&secret, "token"), Some(token));
    assert!(message(&stage).starts_with("Left out of the Secret: ca.crt (the Secret has a key of this name"));
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 2, "it rotates all the same");
    assert_eq!(value(&stage.secret("ci"), "ca.crt").as_deref(), Some("theirs"));
    put_key(&mut stage, "ca.crt", None);
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True");
    assert_eq!(keys(&stage), ["account", "ca.crt", "permissions"]);
    // And back: somebody took the first name meanwhile.
    put_key(&mut stage, "token", Some("theirs"));
    stage.edit(|object| object["spec"]["secret"] = json!({}));
    stage.rest().await;
    assert_eq!(keys(&stage), ["account", "ca.crt", "permissions", "token"]);
    assert_eq!(value(&stage.secret("ci"), "token").as_deref(), Some("theirs"));
    assert!(message(&stage).starts_with("Left out of the Secret: token ("));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(keys(&stage), ["account", "permissions", "token"]);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_key_never_overwrites_what_is_somebody_elses() {
    let mut stage = Stage::<SshKey>::new(json!({}));
    stage.rest().await;
    let mut secret = stage.secret("ci");
    secret["data"]["id_ed25519"] = json!(BASE64.encode(b"theirs"));
    stage.server.put("secrets", secret);
    stage.edit(|object| object["spec"]["secret"] = json!({"keys": {"ssh-privatekey": "id_ed25519"}}));
    stage.rest().await;
    assert_eq!(value(&stage.secret("ci"), "id_ed25519").as_deref(), Some("theirs"));
    let ready = stage.condition("Ready");
    assert!(
        ready["message"].as_str().unwrap().starts_with("Left out of the Secret: id_ed25519 ("),
        "{ready}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rotation_waits_while_the_name_of_the_previous_material_is_somebody_elses() {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    put_key(&mut stage, "previousToken", Some("theirs"));
    stage.annotate(ROTATE, "again");
    seen(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 1);
    assert_eq!(value(&stage.secret("ci"), "previousToken").as_deref(), Some("theirs"));
    assert!(
        message(&stage).starts_with("The Secret has a key previousToken that is somebody else's: remove it")
    );
    put_key(&mut stage, "previousToken", None);
    stage.rest().await;
    assert_eq!((&stage.ledger()["revision"], keys(&stage).len()), (&json!(2), 4));
}

#[tokio::test(start_paused = true)]
async fn material_that_somebody_puts_back_while_there_is_none_leaves_again_and_holds_up_nothing() {
    let formats = json!({"secret": {"formats": ["Json"], "keys": {"token": "TOKEN"}}});
    let mut stage = issued(formats).await;
    let lived = stage.secret("ci");
    let put_back = |stage: &mut Stage<AccessToken>| {
        for key in ["TOKEN", "credentials.json"] {
            let mut secret = stage.secret("ci");
            assert_eq!(secret["data"][key], json!(null), "{key} is gone");
            secret["data"][key] = lived["data"][key].clone();
            assert!(lived["data"][key].is_string());
            stage.server.put("secrets", secret);
        }
    };
    let is_gone = |stage: &Stage<AccessToken>| {
        ["TOKEN", "credentials.json"].iter().all(|key| stage.secret("ci")["data"][key].is_null())
    };
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    put_back(&mut stage);
    stage.rest().await;
    assert!(is_gone(&stage), "withheld");
    stage.edit(|object| object["spec"]["active"] = json!(true));
    stage.rest().await;
    assert_eq!(stage.secret("ci")["data"], lived["data"]);
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    put_back(&mut stage);
    put_key(&mut stage, "theirs", Some("kept"));
    stage.rest().await;
    assert!(is_gone(&stage), "revoked");
    assert_eq!(value(&stage.secret("ci"), "theirs").as_deref(), Some("kept"));
    put_back(&mut stage);
    stage.annotate(ROTATE, "again");
    stage.rest().await;
    assert_eq!(
        (&stage.condition("Ready")["status"], &stage.ledger()["revision"]),
        (&json!("True"), &json!(2))
    );
    assert_ne!(stage.secret("ci")["data"]["TOKEN"], lived["data"]["TOKEN"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_applied_is_not_kept_beside_the_material() {
    let mut stage = issued(json!({})).await;
    let mut applied = stage.secret("ci");
    let token = applied["data"]["token"].as_str().unwrap().to_owned();
    applied["metadata"]["annotations"][LAST_APPLIED] = json!(format!(r#"{{"data":{{"token":"{token}"}}}}"#));
    applied["metadata"]["annotations"]["theirs"] = json!("kept");
    stage.server.put("secrets", applied);
    stage.rest().await;
    let annotations = &stage.secret("ci")["metadata"]["annotations"];
    assert_eq!((&annotations[LAST_APPLIED], &annotations["theirs"]), (&json!(null), &json!("kept")));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert!(!stage.secret("ci").to_string().contains(&token));
}

#[tokio::test(start_paused = true)]
async fn an_immutable_secret_is_told_and_what_has_to_go_goes_with_it() {
    let mut stage = issued(json!({})).await;
    let mut fixed = stage.secret("ci");
    let token = value(&fixed, "token").unwrap();
    fixed["immutable"] = json!(true);
    stage.server.put("secrets", fixed);
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True", "nothing has to change");
    stage.edit(|object| object["spec"]["secret"] = json!({"template": {"a": "$(token)"}}));
    seen(&mut stage).await;
    let ready = stage.condition("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("SecretConflict")));
    assert!(ready["message"].as_str().unwrap().starts_with("The Secret is immutable: delete it"), "{ready}");
    assert_eq!(value(&stage.secret("ci"), "token"), Some(token));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!((&stage.ledger()["state"], &stage.ledger()["revision"]), (&json!("Revoked"), &json!(1)));
    assert_eq!(keys(&stage), ["account", "permissions"]);
    assert_eq!(stage.secret("ci")["immutable"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_gone_already_when_it_is_to_go_holds_up_no_revocation() {
    let mut stage = issued(json!({})).await;
    let mut fixed = stage.secret("ci");
    fixed["immutable"] = json!(true);
    stage.server.put("secrets", fixed);
    stage.rest().await;
    stage.annotate(REVOKE, "leak");
    let (method, answer) = (Method::DELETE, Answer::Status(404));
    stage.server.spoil(Fault { method, path: "secrets/ci", phase: Phase::Committed, answer });
    assert_eq!(stage.look().await, Ok(Again::Never));
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["GET secrets/ci", "DELETE secrets/ci", "POST secrets", &status]);
    assert_eq!(stage.ledger()["state"], "Revoked");
    assert_eq!(stage.condition("Active")["reason"], "Revoked");
}

#[tokio::test(start_paused = true)]
async fn annotations_that_leave_no_room_for_the_ledger_are_told_and_hold_up_no_revocation() {
    let mut stage = issued(json!({})).await;
    let mut full = stage.secret("ci");
    let own: usize = full["metadata"]["annotations"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| key.len() + value.as_str().unwrap().len())
        .sum();
    full["metadata"]["annotations"]["theirs"] = json!("x".repeat((256 << 10) - own - "theirs".len()));
    stage.server.put("secrets", full);
    stage.edit(|object| object["spec"]["secret"] = json!({"template": {"a": "$(token)"}}));
    seen(&mut stage).await;
    assert!(message(&stage).starts_with("The annotations of the Secret would be larger than 256 KiB"));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked");
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_could_not_be_read_back_is_not_written_and_holds_up_no_revocation() {
    let mut stage = issued(json!({})).await;
    let token = value(&stage.secret("ci"), "token").unwrap();
    // More keys are left out than a ledger can say.
    let names: Vec<_> = (0..25).map(|n| format!("key-{n}")).collect();
    for name in &names {
        put_key(&mut stage, name, Some("theirs"));
    }
    let template: BTreeMap<_, _> = names.iter().map(|name| (name, "$(token)")).collect();
    stage.edit(|object| object["spec"]["secret"] = json!({"template": template}));
    seen(&mut stage).await;
    assert!(message(&stage).starts_with("The ledger of the Secret would say more than can be read back"));
    assert_eq!((value(&stage.secret("ci"), "token"), &stage.ledger()["revision"]), (Some(token), &json!(1)));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked");
}

#[tokio::test(start_paused = true)]
async fn what_may_be_forbidden_by_more_than_roles_is_told_so() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    let forbidden =
        Fault { method: Method::POST, path: "secrets", phase: Phase::Before, answer: Answer::Status(403) };
    stage.server.spoil(forbidden);
    stage.look().await.expect_err("tried again");
    let ready = stage.condition("Ready");
    assert!(ready["message"].as_str().unwrap().contains("a ResourceQuota or a policy"), "{ready}");
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["status"], "True");
}
