//! The rules of admission on a real API server: what it takes, what it refuses, and with which words.

#![cfg(feature = "operator")]

mod rules;

use std::sync::LazyLock;

use chatelaine::api::{AccessToken, ApiKeyPair, ApiKeyPairStatus, SshKey, SshKeyStatus};
use futures::future::join_all;
use http::{Method, Request};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use rules::{Answer, CREDENTIALS, Kind, Row};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::ControlPlane;
use tokio::runtime::Runtime;

/// One runtime for all tests: a client belongs to the runtime that made it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn on_a_server<F: Future<Output = ()>>(test: impl FnOnce(&'static ControlPlane, Client, String) -> F) {
    RUNTIME.block_on(async {
        let control_plane = support::shared().await;
        let namespace = control_plane.namespace().await;
        test(control_plane, control_plane.client(), namespace).await;
    });
}

#[derive(Clone, Copy)]
enum Mode {
    DryRun,
    ForReal,
}

/// Sends the manifest as kubectl would: with strict field validation.
async fn send(
    client: &Client,
    method: Method,
    path: &str,
    manifest: &Value,
    mode: Mode,
) -> kube::Result<Value> {
    let dry_run = match mode {
        Mode::DryRun => "&dryRun=All",
        Mode::ForReal => "",
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("{path}?fieldValidation=Strict{dry_run}"))
        .header("content-type", "application/json")
        .body(serde_json::to_vec(manifest).expect("a value is JSON"));
    client.request(request.expect("a request")).await
}

fn collection(kind: Kind, namespace: &str) -> String {
    support::collection(rules::API_VERSION, &format!("{kind:?}"), namespace)
}

async fn ask(client: &Client, namespace: &str, row: &Row) -> kube::Result<Value> {
    let path = collection(row.kind, namespace);
    let placed = |manifest: &Value| {
        let mut manifest = manifest.clone();
        manifest["metadata"]["namespace"] = json!(namespace);
        manifest
    };
    let Some(before) = &row.before else {
        return send(client, Method::POST, &path, &placed(&row.manifest), Mode::DryRun).await;
    };
    let stored = send(client, Method::POST, &path, &placed(before), Mode::ForReal).await;
    let stored = stored.unwrap_or_else(|error| panic!("{}: before the change: {error}", row.sentence));
    let object = format!("{path}/{}", stored["metadata"]["name"].as_str().expect("a name"));
    let mut changed = placed(&row.manifest);
    changed["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
    let answer = send(client, Method::PUT, &object, &changed, Mode::DryRun).await;
    send(client, Method::DELETE, &object, &json!({}), Mode::ForReal).await.expect("the row's object goes");
    answer
}

/// Rows of one kind run one after the other, because those that change an object have one name.
async fn wrong_rows(client: &Client, namespace: &str, kind: Kind) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rules::all().into_iter().filter(|row| row.kind == kind) {
        let said = match ask(client, namespace, &row).await {
            Ok(_) => None,
            Err(kube::Error::Api(status)) => Some(status.message.clone()),
            Err(error) => panic!("{}: {error}", row.sentence),
        };
        let right = match (row.answer, &said) {
            (Answer::Accepted, said) => said.is_none(),
            (Answer::Refused(message), Some(said)) => said.contains(message),
            (Answer::Refused(_), None) => false,
        };
        if !right {
            wrong.push(format!("{kind:?}: {}: {:?}, but: {said:?}", row.sentence, row.answer));
        }
    }
    wrong
}

#[test]
fn every_rule_answers_its_rows_on_the_server() {
    on_a_server(|_, client, namespace| async move {
        let kinds = [Kind::Account].into_iter().chain(CREDENTIALS);
        let wrong = join_all(kinds.map(|kind| wrong_rows(&client, &namespace, kind))).await.concat();
        assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
    });
}

#[test]
fn the_definitions_are_served_and_structural() {
    on_a_server(|_, client, _| async move {
        let definitions: Api<CustomResourceDefinition> = Api::all(client);
        for crd in chatelaine::api::crds() {
            let served = definitions.get(&crd.name_any()).await.expect("the definition is there");
            let conditions = served.status.and_then(|status| status.conditions).unwrap_or_default();
            let true_ones: Vec<_> =
                conditions.iter().filter(|c| c.status == "True").map(|c| c.type_.as_str()).collect();
            assert_eq!(true_ones, ["NamesAccepted", "Established"], "{}", crd.name_any());
        }
    });
}

#[test]
fn an_object_that_nobody_looked_at_says_so() {
    on_a_server(|_, client, namespace| async move {
        for kind in [Kind::Account].into_iter().chain(CREDENTIALS) {
            let mut manifest = kind.manifest();
            manifest["metadata"]["namespace"] = json!(namespace);
            manifest["status"] = json!({"observedGeneration": 1});
            let path = collection(kind, &namespace);
            let made =
                send(&client, Method::POST, &path, &manifest, Mode::ForReal).await.expect("it is created");
            assert_eq!(made["status"], json!({"observedGeneration": -1}), "{kind:?}");
        }
    });
}

#[test]
fn null_is_the_same_as_absent() {
    on_a_server(|_, client, namespace| async move {
        for kind in CREDENTIALS {
            let path = collection(kind, &namespace);
            let mut manifest = kind.manifest();
            manifest["metadata"] = json!({"name": "plain"});
            let plain =
                send(&client, Method::POST, &path, &manifest, Mode::ForReal).await.expect("it is created");
            manifest["metadata"] = json!({"name": "nulls"});
            for field in
                ["active", "comment", "lifetime", "expirationTime", "warnBefore", "rotation", "secret"]
            {
                manifest["spec"][field] = Value::Null;
            }
            let nulls =
                send(&client, Method::POST, &path, &manifest, Mode::ForReal).await.expect("it is created");
            assert_eq!(nulls["spec"], plain["spec"], "{kind:?}");
        }
    });
}

#[test]
fn unknown_fields_are_dropped_and_warned_of_when_a_client_does_not_ask_for_strictness() {
    on_a_server(|_, client, namespace| async move {
        let mut manifest = Kind::AccessToken.manifest();
        manifest["metadata"]["namespace"] = json!(namespace);
        manifest["spec"]["renewAfter"] = json!("10d");
        let request = Request::post(collection(Kind::AccessToken, &namespace))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&manifest).expect("JSON").into())
            .expect("a request");
        let answer = client.send(request).await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let warning = answer.headers()["warning"].to_str().expect("text");
        assert!(warning.contains("unknown field \\\"spec.renewAfter\\\""), "{warning}");
        let tokens: Api<AccessToken> = Api::namespaced(client, &namespace);
        let stored = serde_json::to_value(tokens.get("example").await.expect("it is there")).expect("JSON");
        assert!(stored["spec"].get("renewAfter").is_none());
    });
}

async fn create<K>(api: &Api<K>, kind: Kind, name: &str, account: &str)
where
    K: DeserializeOwned + serde::Serialize + Clone + std::fmt::Debug,
{
    let mut manifest = kind.manifest();
    manifest["metadata"] = json!({"name": name});
    manifest["spec"]["accountRef"]["name"] = json!(account);
    let object: K = serde_json::from_value(manifest).expect("the manifest fits the type");
    api.create(&PostParams::default(), &object).await.expect("it is created");
}

async fn selected<K>(api: &Api<K>, selector: &str) -> Vec<String>
where
    K: kube::Resource + DeserializeOwned + Clone + std::fmt::Debug,
{
    let found = api.list(&ListParams::default().fields(selector)).await;
    found.unwrap_or_else(|error| panic!("{selector}: {error}")).iter().map(ResourceExt::name_any).collect()
}

#[test]
fn credentials_are_found_by_account_and_by_identifier() {
    on_a_server(|_, client, namespace| async move {
        let pairs: Api<ApiKeyPair> = Api::namespaced(client.clone(), &namespace);
        let keys: Api<SshKey> = Api::namespaced(client.clone(), &namespace);
        let tokens: Api<AccessToken> = Api::namespaced(client, &namespace);
        for (name, account) in [("one", "alice"), ("two", "bob")] {
            create(&pairs, Kind::ApiKeyPair, name, account).await;
            create(&keys, Kind::SshKey, name, account).await;
            create(&tokens, Kind::AccessToken, name, account).await;
        }
        let write = PatchParams::default();
        let status = json!({"status": {"accessKey": "AKIA2"}});
        pairs.patch_status("two", &write, &Patch::Merge(&status)).await.expect("a status");
        let status = json!({"status": {"id": 77, "fingerprint": "SHA256:abc"}});
        keys.patch_status("two", &write, &Patch::Merge(&status)).await.expect("a status");
        let status = json!({"status": {"id": "t-2"}});
        tokens.patch_status("two", &write, &Patch::Merge(&status)).await.expect("a status");

        assert_eq!(selected(&pairs, "spec.accountRef.name=alice").await, ["one"]);
        assert_eq!(selected(&keys, "spec.accountRef.name=alice").await, ["one"]);
        assert_eq!(selected(&tokens, "spec.accountRef.name=alice").await, ["one"]);
        assert_eq!(selected(&pairs, "status.accessKey=AKIA2").await, ["two"]);
        assert_eq!(selected(&keys, "status.id=77").await, ["two"]);
        assert_eq!(selected(&keys, "status.fingerprint=SHA256:abc").await, ["two"]);
        assert_eq!(selected(&tokens, "status.id=t-2").await, ["two"]);
    });
}

/// The operator must never be refused its own report.
#[test]
fn the_fullest_status_is_accepted_and_comes_back_as_it_was_written() {
    on_a_server(|_, client, namespace| async move {
        let time = "2026-01-02T03:04:05Z";
        let eight: Vec<_> = (0..8).map(|n| format!("sha256:{n:064}")).collect();
        let types = ["Ready", "Active", "ExpiringSoon", "Expired", "Reconciling", "Stalled"];
        let conditions = types.map(|condition| {
            json!({
                "type": condition, "status": "Unknown", "reason": "SecretConflict", "message": "x".repeat(32768),
                "observedGeneration": 1, "lastTransitionTime": time,
            })
        });
        let common = json!({
            "observedGeneration": 9_007_199_254_740_991_i64,
            "conditions": conditions,
            "state": "Withheld", "revision": 7, "issueTime": time, "expirationTime": time,
            "previous": {"id": "i".repeat(253), "expirationTime": time, "retirementTime": time},
            "handledTriggers": {"rotate": eight, "revoke": eight, "retire": eight, "rollback": eight},
            "digests": [
                {"value": format!("sha256:{:064}", 1), "notAfter": time}, {"value": format!("sha256:{:064}", 1)},
            ],
            "secretRef": {"name": "s".repeat(253), "uid": "u".repeat(36), "resourceVersion": "9"},
            "binding": {"name": "s".repeat(253)},
            "isExpired": false, "expiry": "Expires in: 36500 days", "next": {"action": "Retire", "time": time},
            "effective": {
                "lifetime": "99y9999w99999d999999h9999999m99999999s", "lifetimeFrom": "Account",
                "permissions": (0..2_176).map(|n| format!("servers:a{n}")).collect::<Vec<_>>(),
            },
            "history": (0..10).map(|n| json!({
                "revision": n, "time": time, "reason": "Rotated", "trigger": format!("sha256:{n:064}"),
            })).collect::<Vec<_>>(),
        });
        let common: chatelaine::api::CredentialStatus =
            serde_json::from_value(common).expect("it fits the type");

        let keys: Api<SshKey> = Api::namespaced(client.clone(), &namespace);
        create(&keys, Kind::SshKey, "full", "alice").await;
        let status = SshKeyStatus {
            id: Some(9_007_199_254_740_991),
            fingerprint: Some(format!("SHA256:{}", "x".repeat(43))),
            public_key: Some("x".repeat(8192)),
            common: common.clone(),
        };
        let patch = Patch::Merge(json!({"status": status}));
        let written =
            keys.patch_status("full", &PatchParams::default(), &patch).await.expect("it is accepted");
        assert_eq!(written.status, Some(status));

        let pairs: Api<ApiKeyPair> = Api::namespaced(client, &namespace);
        create(&pairs, Kind::ApiKeyPair, "full", "alice").await;
        let status =
            ApiKeyPairStatus { access_key: Some("00000000-0000-4000-8000-000000000000".into()), common };
        let patch = Patch::Merge(json!({"status": status}));
        let written =
            pairs.patch_status("full", &PatchParams::default(), &patch).await.expect("it is accepted");
        assert_eq!(written.status, Some(status));
    });
}

#[test]
fn kubectl_lists_every_kind_as_credentials() {
    on_a_server(|control_plane, client, namespace| async move {
        for kind in [Kind::Account].into_iter().chain(CREDENTIALS) {
            let mut manifest = kind.manifest();
            manifest["metadata"]["namespace"] = json!(namespace);
            let path = collection(kind, &namespace);
            send(&client, Method::POST, &path, &manifest, Mode::ForReal).await.expect("it is created");
        }
        let table = control_plane.kubectl(&["get", "credentials", "-n", &namespace]).await.ok();
        for line in [
            "account.chatelaine.dev/example",
            "apikeypair.chatelaine.dev/example",
            "sshkey.chatelaine.dev/example",
            "accesstoken.chatelaine.dev/example",
        ] {
            assert!(table.contains(line), "{line} is not in\n{table}");
        }
        let headings = ["NAME", "ACCOUNT", "READY", "REASON", "EXPIRY", "REVISION", "SECRET", "AGE"];
        let found = table.lines().filter(|line| line.split_whitespace().eq(headings)).count();
        assert_eq!(found, 3, "{table}");
        for short in ["acct", "akp", "sshk", "atk"] {
            let name = control_plane.kubectl(&["get", short, "-n", &namespace, "-o", "name"]).await.ok();
            assert!(name.ends_with("/example\n"), "{short}: {name}");
        }
        let selector =
            ["get", "akp", "-n", &namespace, "--field-selector", "spec.accountRef.name=alice", "-o", "name"];
        assert_eq!(control_plane.kubectl(&selector).await.ok(), "apikeypair.chatelaine.dev/example\n");
    });
}

#[test]
fn kubectl_explains_each_field_in_whole_sentences() {
    on_a_server(|control_plane, _, _| async move {
        let text = control_plane.kubectl(&["explain", "accesstoken.spec.lifetime"]).await.ok();
        let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "FIELD: lifetime <string>",
            "How long the material is valid, counted from its issue or its last rotation; or never.",
            "the units are y (365 days), w (7 days), d (24 hours), h, m and s",
            "Default: credentialDefaults.lifetime of the Account",
            "Example: 90d",
        ] {
            assert!(flowing.contains(part), "{part:?} is not in\n{text}");
        }
        let short: Vec<_> = text.lines().filter(|line| (1..20).contains(&line.trim().len())).collect();
        assert!(
            short.iter().all(|line| line.trim().ends_with([':', '.'])),
            "ragged lines {short:?} in\n{text}"
        );
        for path in
            ["account.spec.groups", "apikeypair.spec.secret.keys", "sshkey.spec.options", "sshkey.status.id"]
        {
            control_plane.kubectl(&["explain", path]).await.ok();
        }
    });
}
