//! Whose a Secret is: the owner reference says who takes it away, the ledger who may write it, and what others put into it
//! stays theirs.

use chatelaine::{
    api::{AccessToken, LEDGER, REVOKE, ROTATE, SshKey},
    credentials::Credential,
};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{
    output::{issued, value},
    stage::Stage,
};

const COPY: &str = "chatelaine-held-uid-ci";

fn edit_spec(stage: &mut Stage<AccessToken>, field: &str, to: Value) {
    stage.edit(|object| object["spec"][field] = to);
}

/// Who owns the Secret, by kind, name and uid.
fn owners(stage: &Stage<AccessToken>, secret: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = stage.secret(secret)["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    all.iter()
        .map(|one| format!("{} {} {}", text(&one["kind"]), text(&one["name"]), text(&one["uid"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn data_labels_and_annotations_that_are_not_ours_are_kept_through_every_write() {
    let metadata = json!({"labels": {"team": "blue"}, "annotations": {"purpose": "builds"}});
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}, "secret": metadata})).await;
    let mut secret = stage.secret("ci");
    secret["data"]["ca.crt"] = json!(BASE64.encode(b"theirs"));
    secret["metadata"]["labels"]["backup"] = json!("yes");
    secret["metadata"]["annotations"]["example.com/note"] = json!("kept");
    stage.server.put("secrets", secret);
    type Edit = fn(&mut Stage<AccessToken>);
    let steps: [(&str, Edit); 7] = [
        ("looked at", |_| ()),
        ("rotated", |stage| stage.annotate(ROTATE, "1")),
        ("without labels and annotations of its own", |stage| edit_spec(stage, "secret", json!({}))),
        ("rendered", |stage| edit_spec(stage, "secret", json!({"formats": ["Json"]}))),
        ("withheld", |stage| edit_spec(stage, "active", json!(false))),
        ("given back", |stage| edit_spec(stage, "active", json!(true))),
        ("revoked", |stage| stage.annotate(REVOKE, "leak")),
    ];
    for (step, edit) in steps {
        let before = stage.secret("ci");
        edit(&mut stage);
        stage.rest().await;
        let secret = stage.secret("ci");
        assert!(step == "looked at" || secret != before, "nothing was written: {step}");
        let meta = &secret["metadata"];
        assert_eq!(value(&secret, "ca.crt").as_deref(), Some("theirs"), "{step}");
        assert_eq!(meta["labels"]["backup"], "yes", "{step}");
        assert_eq!(meta["annotations"]["example.com/note"], "kept", "{step}");
    }
    let meta = &stage.secret("ci")["metadata"];
    assert_eq!(
        (&meta["labels"]["team"], &meta["annotations"]["purpose"]),
        (&Value::Null, &Value::Null),
        "ours go"
    );
}

#[tokio::test(start_paused = true)]
async fn what_goes_with_its_object_is_owned_by_it_and_what_is_retained_by_nobody_the_copy_too() {
    let ours = ["AccessToken ci uid-ci"];
    for (policy, owned) in [("Delete", &ours[..]), ("Retain", &[])] {
        let mut stage = issued(json!({"deletionPolicy": policy})).await;
        assert_eq!(owners(&stage, "ci"), owned, "{policy}");
        stage.annotate(ROTATE, "1");
        stage.rest().await;
        assert_eq!(owners(&stage, "ci"), owned, "{policy}, rotated");
        edit_spec(&mut stage, "active", json!(false));
        stage.rest().await;
        for secret in ["ci", COPY] {
            assert_eq!(owners(&stage, secret), owned, "{policy}, withheld: {secret}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_deletion_policy_reaches_the_secret_and_the_copy_and_leaves_the_material() {
    for active in [true, false] {
        let mut stage = issued(json!({})).await;
        let token = stage.secret("ci")["data"]["token"].clone();
        edit_spec(&mut stage, "active", json!(active));
        stage.rest().await;
        let held = if active { "ci" } else { COPY };
        for (policy, owned) in [("Retain", 0), ("Delete", 1)] {
            edit_spec(&mut stage, "deletionPolicy", json!(policy));
            stage.rest().await;
            assert_eq!(owners(&stage, "ci").len(), owned, "{policy}");
            assert_eq!(owners(&stage, held).len(), owned, "{policy} of {held}");
            assert_eq!(stage.secret(held)["data"]["token"], token, "{policy}");
        }
        assert_eq!(stage.ledger()["revision"], 1);
    }
}

/// An object that was deleted and created again, when the garbage collector has not yet taken the Secret of the first.
async fn created_again<K: Credential>() -> Stage<K> {
    let mut stage = Stage::<K>::new(json!({}));
    stage.rest().await;
    stage.delete_object("ci");
    stage.add_as("ci", "uid-again", json!({}));
    stage.see();
    stage
}

async fn waits_for_the_collector<K: Credential>() {
    let mut stage = created_again::<K>().await;
    let before = stage.secret("ci");
    for _ in 0..3 {
        stage.look().await.expect("it waits");
        let asked = stage.server.asked();
        let status = stage.status_path();
        assert!(asked.iter().all(|asked| asked.starts_with("GET ") || *asked == status), "{asked:?}");
        stage.see();
    }
    assert_eq!(stage.secret("ci"), before, "nothing is written, in whatever way");
    let ready = stage.condition("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("SecretTerminating")));
    assert_eq!(stage.condition("Reconciling")["status"], "True");
    assert_eq!(stage.object("ci")["status"]["revision"], Value::Null, "nothing was issued");

    stage.server.remove("secrets", "ci");
    stage.rest().await;
    let after = stage.secret("ci");
    assert_ne!(after["data"], before["data"], "another object, another value");
    assert_eq!(after["metadata"]["ownerReferences"][0]["uid"], "uid-again");
}

#[tokio::test(start_paused = true)]
async fn a_predecessors_secret_is_the_garbage_collectors_and_is_waited_for() {
    waits_for_the_collector::<AccessToken>().await;
    waits_for_the_collector::<SshKey>().await;
}

#[tokio::test(start_paused = true)]
async fn of_the_predecessors_only_a_namesake_of_the_same_account_without_an_owner_is_taken_back() {
    for (field, other) in [("account", "bob"), ("kind", "ApiKeyPair"), ("name", "another")] {
        let mut stage = created_again::<AccessToken>().await;
        let mut secret = stage.secret("ci");
        let mut ledger = stage.ledger();
        ledger["owner"][field] = json!(other);
        secret["metadata"]["annotations"][LEDGER] = json!(ledger.to_string());
        secret["metadata"]["ownerReferences"] = Value::Null;
        stage.server.put("secrets", secret);
        stage.see();
        let before = stage.secret("ci");
        stage.look().await.expect("told");
        assert_eq!(stage.condition("Ready")["reason"], "SecretConflict", "{field}");
        assert_eq!(stage.secret("ci"), before, "{field}");
    }
    let mut stage = created_again::<AccessToken>().await;
    let mut secret = stage.secret("ci");
    secret["metadata"]["ownerReferences"] = Value::Null;
    stage.server.put("secrets", secret.clone());
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["reason"], "Restored");
    assert_eq!((&stage.secret("ci")["data"], &stage.ledger()["revision"]), (&secret["data"], &json!(1)));
    assert_eq!(stage.ledger()["owner"]["uid"], "uid-again");
}
