//! Where the rules are played: a namespace with an Account, the operator at work, and eyes for what it does.

use std::fmt::Debug;
use std::ops::Deref;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use chatelaine::{api, core::material::digest};
use data_encoding::BASE64;
use http::{Method, Request};
use jiff::Timestamp;
use kube::Client;
use serde_json::{Value, json};
use support::Cluster;
use tokio::runtime::Runtime;

use crate::history::truth::Record;

/// One runtime for all tests: a client belongs to the runtime that made it.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
/// How long anything may take on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);
/// The contract's second for what is due, and one for a machine that builds something at the same time.
pub const PROMPTLY: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);
/// What the Account may hand out.
pub const GRANTED: [&str; 3] = ["servers:read", "servers:write", "dns:*"];
/// A name that every test may use: its namespace is its own.
pub const CI: &str = "ci";

pub const BINARY: &str = env!("CARGO_BIN_EXE_chatelaine");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Account,
    ApiKeyPair,
    SshKey,
    AccessToken,
    Secret,
}

pub use Kind::{AccessToken, Account, ApiKeyPair, Secret, SshKey};

impl Kind {
    pub fn api_version(self) -> &'static str {
        match self {
            Secret => "v1",
            Account | ApiKeyPair | SshKey | AccessToken => "chatelaine.dev/v1alpha1",
        }
    }
}

/// A namespace on a control plane, with an Account `alice` in it.
pub struct Stage<'a> {
    pub cluster: &'a Cluster,
    pub client: Client,
    pub namespace: String,
}

/// Plays on the shared control plane, where the shared operator is at work; whatever the scene, status is never ahead of
/// the Secret in it.
pub fn play<F: Future<Output = ()>>(scene: impl FnOnce(Stage<'static>) -> F) {
    RUNTIME.block_on(async {
        let control_plane = support::shared().await;
        support::shared_operator(BINARY).await;
        let stage = Stage::on(control_plane.deref()).await;
        let record = Record::begin(stage.client.clone(), &stage.namespace).await;
        scene(stage).await;
        record.status_was_never_ahead().await;
    });
}

impl<'a> Stage<'a> {
    pub async fn on(cluster: &'a Cluster) -> Self {
        let stage = Self { cluster, client: cluster.client(), namespace: cluster.namespace().await };
        stage.account(json!({"permissions": GRANTED})).await;
        stage
    }

    pub async fn account(&self, spec: Value) -> Value {
        let mut all = json!({"email": "alice@example.com", "firstName": "Alice"});
        merge(&mut all, spec);
        self.create(Account, "alice", json!({"spec": all})).await
    }

    /// A credential of alice.
    pub async fn credential(&self, kind: Kind, name: &str, spec: Value) -> Value {
        self.create(kind, name, credential(spec)).await
    }

    /// The same, once it is ready.
    pub async fn ready(&self, kind: Kind, name: &str, spec: Value) -> Value {
        self.credential(kind, name, spec).await;
        self.until(kind, name, "ready", is_ready).await
    }

    pub async fn create(&self, kind: Kind, name: &str, manifest: Value) -> Value {
        let mut all = json!({
            "apiVersion": kind.api_version(),
            "kind": format!("{kind:?}"),
            "metadata": {"name": name, "namespace": self.namespace},
        });
        merge(&mut all, manifest);
        let path = format!("{}?fieldValidation=Strict", self.path(kind, ""));
        self.send(Method::POST, path, "application/json", &all).await.expect("it is created")
    }

    /// RFC 7396: null removes a field.
    pub async fn patch(&self, kind: Kind, name: &str, patch: Value) -> Value {
        let path = format!("{}?fieldValidation=Strict", self.path(kind, name));
        self.send(Method::PATCH, path, "application/merge-patch+json", &patch).await.expect("it is patched")
    }

    pub async fn annotate(&self, kind: Kind, name: &str, annotation: &str, value: &str) -> Value {
        self.patch(kind, name, json!({"metadata": {"annotations": {annotation: value}}})).await
    }

    pub async fn delete(&self, kind: Kind, name: &str) {
        self.delete_by(kind, name, "Background").await;
    }

    pub async fn delete_by(&self, kind: Kind, name: &str, propagation: &str) {
        let options = json!({"propagationPolicy": propagation});
        let path = self.path(kind, name);
        self.send(Method::DELETE, path, "application/json", &options).await.expect("it is deleted");
    }

    /// The object, or null.
    pub async fn get(&self, kind: Kind, name: &str) -> Value {
        match self.send(Method::GET, self.path(kind, name), "application/json", &Value::Null).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Value::Null,
            answer => answer.expect("it can be read"),
        }
    }

    pub fn path(&self, kind: Kind, name: &str) -> String {
        let path = support::collection(kind.api_version(), &format!("{kind:?}"), &self.namespace);
        if name.is_empty() { path } else { format!("{path}/{name}") }
    }

    pub async fn send(
        &self,
        method: Method,
        path: String,
        content: &str,
        body: &Value,
    ) -> kube::Result<Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).expect("JSON") };
        let request = Request::builder().method(method).uri(path).header("content-type", content).body(body);
        self.client.request(request.expect("a request")).await
    }

    /// Waits until the object is as wanted (null when it is not there), and shows it if it never is.
    pub async fn until(&self, kind: Kind, name: &str, wanted: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let object = self.get(kind, name).await;
            if holds(&object) {
                return object;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{kind:?} {name} was to be: {wanted}; but it is\n{object:#}\nand the Secrets are\n{:#}",
                self.get(Secret, name).await,
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until what is created now is younger, in the whole seconds that the server counts in.
    pub async fn second_after(&self, kind: Kind, name: &str) {
        let created = time(&self.get(kind, name).await["metadata"]["creationTimestamp"]);
        while now().as_second() <= created.as_second() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the reason of a condition.
    pub async fn until_reason(&self, kind: Kind, name: &str, condition: &str, reason: &str) -> Value {
        let wanted = format!("{condition} with reason {reason}");
        self.until(kind, name, &wanted, |object| {
            is_observed(object) && self::condition(object, condition)["reason"] == reason
        })
        .await
    }

    pub async fn until_revision(&self, kind: Kind, name: &str, revision: i64) -> Value {
        let wanted = format!("revision {revision}");
        self.until(kind, name, &wanted, |object| {
            is_observed(object) && object["status"]["revision"] == revision
        })
        .await
    }

    pub async fn secret(&self, name: &str) -> Value {
        let secret = self.get(Secret, name).await;
        assert!(secret.is_object(), "there is no Secret {name}");
        secret
    }

    pub async fn until_gone(&self, kind: Kind, name: &str) {
        self.until(kind, name, "gone", Value::is_null).await;
    }

    /// The note of an event with this reason about the object.
    pub async fn event(&self, kind: Kind, name: &str, reason: &str) -> String {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        let began = Instant::now();
        loop {
            let all = self.send(Method::GET, path.clone(), "application/json", &Value::Null).await;
            let all = all.expect("events can be listed");
            let ours = all["items"].as_array().expect("a list").iter().find(|event| {
                event["regarding"]["kind"] == format!("{kind:?}")
                    && event["regarding"]["name"] == name
                    && event["reason"] == reason
            });
            if let Some(event) = ours {
                return text(&event["note"]).to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "no event {reason} about {kind:?} {name} in\n{all:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The held copy of a credential that is withheld; null when there is none.
    pub async fn copy_of(&self, object: &Value) -> Value {
        self.get(Secret, &copy_name(object)).await
    }

    /// The credential as if it had been issued an hour ago: what it says of its past is in the ledger. A lost
    /// Secret is made again at once then, and need not wait for the minute to pass.
    pub async fn issued_an_hour_ago(&self, kind: Kind, name: &str) -> Value {
        let object = self.get(kind, name).await;
        let mut ledger = ledger(&self.secret(name).await);
        let hour_ago = now() - jiff::SignedDuration::from_hours(1);
        ledger["issueTime"] = json!(Timestamp::from_second(hour_ago.as_second()).expect("a time"));
        self.annotate(Secret, name, api::LEDGER, &ledger.to_string()).await;
        let version = text(&object["status"]["secretRef"]["resourceVersion"]).to_owned();
        self.until(kind, name, "looked at again", |object| {
            object["status"]["issueTime"] == ledger["issueTime"]
                && object["status"]["secretRef"]["resourceVersion"] != version.as_str()
        })
        .await
    }
}

/// A manifest of a credential of alice.
pub fn credential(spec: Value) -> Value {
    let mut all = json!({"accountRef": {"name": "alice"}});
    merge(&mut all, spec);
    json!({"spec": all})
}

pub fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}

/// The one place where the tests read the clock: what is due is compared with it.
#[allow(clippy::disallowed_methods, reason = "the wall clock is what the tests compare with")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub fn time(value: &Value) -> Timestamp {
    text(value).parse().expect("a time")
}

pub fn uid(object: &Value) -> String {
    text(&object["metadata"]["uid"]).to_owned()
}

pub fn version(object: &Value) -> String {
    text(&object["metadata"]["resourceVersion"]).to_owned()
}

pub fn copy_name(object: &Value) -> String {
    format!("chatelaine-held-{}", uid(object))
}

/// A condition of the object; null when it has none of that type.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    static NONE: Value = Value::Null;
    let all = object["status"]["conditions"].as_array();
    all.and_then(|all| all.iter().find(|condition| condition["type"] == kind)).unwrap_or(&NONE)
}

pub fn is_observed(object: &Value) -> bool {
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

pub fn is_ready(object: &Value) -> bool {
    is_observed(object) && condition(object, "Ready")["status"] == "True"
}

/// Fails unless the conditions are exactly these, each `Type=Status Reason`.
#[track_caller]
pub fn assert_conditions(object: &Value, wanted: &[&str]) {
    let all = object["status"]["conditions"].as_array().expect("conditions");
    let said: Vec<String> = all
        .iter()
        .map(|condition| {
            assert_eq!(condition["observedGeneration"], object["metadata"]["generation"], "{condition}");
            let [kind, status, reason] = ["type", "status", "reason"].map(|field| text(&condition[field]));
            format!("{kind}={status} {reason}")
        })
        .collect();
    assert_eq!(said, wanted, "{object:#}");
}

/// The value of a data key as text.
pub fn value(secret: &Value, key: &str) -> Option<String> {
    let value = secret["data"][key].as_str()?;
    Some(String::from_utf8(BASE64.decode(value.as_bytes()).expect("base64")).expect("UTF-8"))
}

#[track_caller]
pub fn has(secret: &Value, key: &str) -> String {
    value(secret, key).unwrap_or_else(|| panic!("no {key} in {secret:#}"))
}

/// The names of the data keys.
pub fn keys(secret: &Value) -> Vec<String> {
    secret["data"].as_object().map(|data| data.keys().cloned().collect()).unwrap_or_default()
}

pub fn ledger(secret: &Value) -> Value {
    let text = secret["metadata"]["annotations"][api::LEDGER].as_str().expect("a ledger");
    serde_json::from_str(text).expect("the ledger is JSON")
}

/// The data key that holds the secret of a kind.
pub fn secret_key(kind: Kind) -> &'static str {
    match kind {
        ApiKeyPair => "secretKey",
        SshKey => "ssh-privatekey",
        AccessToken => "token",
        Account | Secret => panic!("{kind:?} is no credential"),
    }
}

/// What status says of this text.
pub fn digest_of(text: &str) -> String {
    digest(text.as_bytes())
}

/// Fails unless the lists are equal; says which test's.
#[track_caller]
pub fn same<T: PartialEq + Debug>(one: T, other: T, of: &str) {
    assert_eq!(one, other, "{of}");
}
