//! A Secret that is somebody else's, in each way that one can be: it is never written and never deleted, whatever is asked.

use chatelaine::{
    api::{ADOPT, AccessToken, LEDGER, RETIRE, REVOKE, ROLLBACK, ROTATE},
    controller::secrets::MANAGED_BY,
};
use serde_json::{Value, json};

use crate::stage::{Stage, ledger};

type Edit = fn(&mut Stage<AccessToken>);

fn owned_by(kind: &str, name: &str, controller: Value) -> Value {
    json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": "uid-theirs", "controller": controller}])
}

/// Each with the holder that is told.
async fn strangers() -> Vec<(&'static str, Value)> {
    let secret = |extra: Value| {
        let mut meta = json!({"name": "ci", "namespace": "ns", "uid": "uid-stranger"});
        meta.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta, "data": {"token": "bWluZQ=="}})
    };
    let mut ours = Stage::<AccessToken>::new(json!({}));
    ours.rest().await;
    let of = |field: &str, value: &str, owners: Value| {
        let mut page = ours.ledger();
        page["owner"]["uid"] = json!("uid-other");
        page["owner"][field] = json!(value);
        secret(json!({"annotations": {LEDGER: page.to_string()}, "ownerReferences": owners}))
    };
    let annotated = |key: &str, value: &str| secret(json!({"annotations": {key: value}}));
    let mut immutable = secret(json!({}));
    immutable["immutable"] = json!(true);
    vec![
        ("somebody else", secret(json!({}))),
        ("somebody else", immutable),
        ("somebody else", secret(json!({"labels": {MANAGED_BY.0: MANAGED_BY.1}}))),
        ("somebody else", secret(json!({"ownerReferences": owned_by("ConfigMap", "web", json!(null))}))),
        (
            "the Certificate web",
            secret(json!({"ownerReferences": owned_by("Certificate", "web", json!(true))})),
        ),
        (
            "the AccessToken ci",
            secret(json!({"ownerReferences": owned_by("AccessToken", "ci", json!(true))})),
        ),
        ("somebody else", annotated(LEDGER, "{}")),
        ("somebody else", annotated(ADOPT, "AccessToken/other")),
        ("the AccessToken other", of("name", "other", json!(null))),
        ("the ApiKeyPair ci", of("kind", "ApiKeyPair", json!(null))),
        ("the AccessToken ci", of("account", "bob", json!(null))),
        ("the Certificate web", of("uid", "uid-before", owned_by("Certificate", "web", json!(true)))),
    ]
}

const SITUATIONS: [(&str, Edit); 8] = [
    ("nothing is asked", |_| ()),
    ("rotate", |stage| stage.annotate(ROTATE, "r")),
    ("revoke", |stage| stage.annotate(REVOKE, "v")),
    ("retire and rollback", |stage| {
        stage.annotate(RETIRE, "t");
        stage.annotate(ROLLBACK, "b");
    }),
    ("inactive", |stage| stage.edit(|object| object["spec"]["active"] = json!(false))),
    ("its date has passed", |stage| {
        stage.edit(|object| object["spec"]["expirationTime"] = json!("2026-01-01T00:00:00Z"));
    }),
    ("its Account is gone", |stage| stage.remove_account()),
    ("being deleted", |stage| {
        stage.edit(|object| object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"));
    }),
];

#[tokio::test(start_paused = true)]
async fn a_strangers_secret_of_any_sort_is_never_written_nor_deleted_and_it_is_said_whose_it_is() {
    for (holder, theirs) in strangers().await {
        for (situation, edit) in SITUATIONS {
            // A credential that is new, and one whose Secret is not there any more.
            for was_issued in [false, true] {
                let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}}));
                if was_issued {
                    stage.rest().await;
                }
                stage.server.put("secrets", theirs.clone());
                let before = stage.secret("ci");
                edit(&mut stage);
                stage.server.asked();
                let at = format!("{holder}, {situation}, issued before: {was_issued}");
                for _ in 0..3 {
                    stage.look().await.unwrap_or_else(|failure| panic!("{at}: {failure}"));
                    stage.see();
                }
                let status = stage.status_path();
                let asked = stage.server.asked();
                // A create is refused by the server while anybody's is there.
                let harmless =
                    |one: &String| one.starts_with("GET ") || *one == status || one == "POST secrets";
                assert!(asked.iter().all(harmless), "{at}: {asked:?}");
                assert_eq!(stage.secret("ci"), before, "{at}");
                let message = stage.condition("Ready")["message"].to_string();
                let waits = stage.condition("Ready")["reason"] == "SecretConflict";
                assert!(
                    waits && message.contains(holder) && message.contains("spec.secret.name"),
                    "{at}: {message}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_name_one_secret_the_first_create_decides_and_the_other_is_looked_at_when_it_goes() {
    let shared = json!({"secret": {"name": "shared"}});
    let mut stage = Stage::<AccessToken>::new(shared.clone());
    stage.add("other", shared);
    stage.look_at("other").await.expect("issued");
    stage.server.asked();
    // No cache shows a Secret of that name yet.
    stage.look().await.expect("told");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["POST secrets", "GET secrets/shared", &status]);
    assert_eq!(ledger(&stage.secret("shared"))["owner"]["name"], "other");
    let ready = stage.condition("Ready");
    assert_eq!(ready["reason"], "SecretConflict");
    assert!(ready["message"].to_string().contains("the AccessToken other"), "{ready}");
    for _ in 0..3 {
        stage.see();
        stage.see_secret("shared");
        stage.look().await.expect("still waiting");
        assert_eq!(stage.server.asked(), ["GET secrets/shared"], "it does not loop");
    }
    assert_eq!(stage.server.published("shared").len(), 1);
    stage.delete_object("other");
    stage.server.remove("secrets", "shared");
    stage.see_secret("shared");
    let waiting = stage.keeper.house.waiters.take("ns", "shared");
    assert!(waiting.iter().any(|key| &*key.name == "ci"), "{waiting:?}");
    stage.look().await.expect("issued");
    assert_eq!(ledger(&stage.secret("shared"))["owner"]["name"], "ci");
    assert_eq!(stage.condition("Ready")["status"], "True");
}

#[tokio::test(start_paused = true)]
async fn of_two_operators_that_issue_the_same_one_the_first_create_decides_and_there_is_one_value() {
    let mut one = Stage::<AccessToken>::new(json!({}));
    let mut other = one.another_operator();
    other.see_account();
    other.see_object("ci");
    one.look().await.expect("issued");
    one.server.asked();
    let _ = other.look().await;
    assert_eq!(one.server.asked()[..2], ["POST secrets", "GET secrets/ci"]);
    one.rest().await;
    other.rest().await;
    assert_eq!(one.server.published("ci").len(), 1, "what the other had minted is dropped");
    assert_eq!(one.condition("Ready")["status"], "True");
}
