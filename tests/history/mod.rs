//! Every version of every Secret of a namespace, by a watch that begins before the first, and what must hold in each.
//! The objects beside them too, where it is about what is told.

#![allow(dead_code, reason = "each test binary that uses this uses its part")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chatelaine::{
    api::{LEDGER, ROTATE},
    core::{
        ledger::{Entry, Ledger},
        material::digest,
        reason::Reason,
    },
};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub mod truth;

pub type History = Versions<Secret>;

/// Every version of every object of a kind.
pub struct Versions<K> {
    seen: Arc<Mutex<Vec<Seen<K>>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
enum Seen<K> {
    There(Box<K>),
    Gone(String),
}

impl<K> Drop for Versions<K> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<K> Versions<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    /// From now on; the server sends each version that etcd gets.
    pub async fn begin(client: Client, namespace: &str) -> Self {
        let api: Api<K> = Api::namespaced(client, namespace);
        let list = api.list(&ListParams::default()).await.expect("a list of nothing");
        let mut version = list.metadata.resource_version.expect("a list has a version");
        let seen: Arc<Mutex<Vec<Seen<K>>>> = Arc::default();
        let notes = seen.clone();
        let task = tokio::spawn(async move {
            loop {
                // A server ends a watch that is read too slowly; from where it was, none is missed.
                let stream = api.watch(&WatchParams::default().timeout(290), &version).await;
                let mut stream = stream.expect("a watch begins").boxed();
                while let Some(event) = stream.try_next().await.expect("the watch goes on") {
                    let (at, note) = match event {
                        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                            (object.resource_version(), Seen::There(Box::new(object)))
                        }
                        WatchEvent::Deleted(object) => {
                            (object.resource_version(), Seen::Gone(object.name_any()))
                        }
                        WatchEvent::Bookmark(_) => continue,
                        WatchEvent::Error(error) => panic!("the history has a hole: {error:?}"),
                    };
                    version = at.expect("an object has a version");
                    notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
                }
            }
        });
        Self { seen, task }
    }

    /// All versions of the object of this name, oldest first.
    pub fn of(&self, name: &str) -> Vec<K> {
        self.all().into_iter().filter(|object| object.name_any() == name).collect()
    }

    pub fn all(&self) -> Vec<K> {
        assert!(!self.task.is_finished(), "the watch ended, so versions may be missing");
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let there = |seen| match seen {
            Seen::There(object) => Some(*object),
            Seen::Gone(_) => None,
        };
        seen.into_iter().filter_map(there).collect()
    }

    pub fn was_ever_deleted(&self, name: &str) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().any(|seen| matches!(seen, Seen::Gone(gone) if gone == name))
    }

    /// Waits until the watch has shown what the server has now.
    pub async fn catch_up(&self, client: Client, namespace: &str, name: &str) {
        let api: Api<K> = Api::namespaced(client, namespace);
        let now = api.get(name).await.expect("it is there");
        eventually("the watch catches up", Duration::from_secs(10), async || {
            self.of(name).last().and_then(K::resource_version) == now.resource_version()
        })
        .await;
    }
}

impl History {
    /// Waits until the watch has shown all that there was when it was asked: a further Secret comes after that.
    pub async fn settle(&self, client: Client, namespace: &str) {
        let mark = Secret {
            metadata: ObjectMeta { generate_name: Some("mark-".to_owned()), ..ObjectMeta::default() },
            ..Secret::default()
        };
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let mark = secrets.create(&PostParams::default(), &mark).await.expect("a mark is made").name_any();
        eventually("the watch catches up", Duration::from_secs(30), async || !self.of(&mark).is_empty())
            .await;
    }
}

pub fn ledger(secret: &Secret) -> Ledger {
    let text = secret.annotations().get(LEDGER).expect("our Secret has a ledger");
    Ledger::parse(text).expect("a ledger can be read")
}

pub fn value<'a>(secret: &'a Secret, key: &str) -> Option<&'a [u8]> {
    Some(&secret.data.as_ref()?.get(key)?.0)
}

/// What all versions of one Secret say together.
#[derive(Debug, Default)]
pub struct Findings {
    pub revision: i64,
    /// All values of `rotate` that ever were in the ledger.
    pub handled: BTreeSet<String>,
    pub values: BTreeMap<i64, Vec<u8>>,
}

/// One value per revision, and one revision per value but for what a rollback brings back; a revision rises by one, with
/// a cause that was not there before; the ledger's digest fits in each version.
pub fn consistent(versions: &[Secret], key: &str, previous_key: &str) -> Findings {
    let mut found = Findings::default();
    for secret in versions {
        let ledger = ledger(secret);
        let was = found.revision;
        assert!(
            ledger.revision == was || ledger.revision == was + 1,
            "from revision {was} to {}",
            ledger.revision
        );
        let rotations = [&ledger.handled.rotate, &ledger.account_handled.rotate].into_iter().flatten();
        let new: Vec<_> = rotations.filter(|value| !found.handled.contains(*value)).cloned().collect();
        match ledger.history.last().filter(|_| ledger.revision > was && was > 0) {
            None => assert!(new.is_empty() || was == 0, "{new:?} acted without a revision"),
            Some(entry) => had_a_cause(entry, &new, &ledger),
        }
        found.handled.extend(new);
        found.revision = ledger.revision;
        if let Some(value) = value(secret, key) {
            assert_eq!(
                ledger.digest.as_deref(),
                Some(digest(value).as_str()),
                "the ledger says what is there"
            );
            let came_back = ledger.reason() == Reason::RolledBack;
            let known =
                found.values.iter().any(|(revision, known)| *revision < ledger.revision && known == value);
            assert_eq!(
                known, came_back,
                "only a rollback publishes a value again: revision {}",
                ledger.revision
            );
            let first = found.values.entry(ledger.revision).or_insert_with(|| value.to_vec());
            assert!(first == value, "two values were published as revision {}", ledger.revision);
        }
        if let Some(previous) = &ledger.previous {
            let before = found.values.get(&(ledger.revision - 1)).map(Vec::as_slice);
            assert!(
                value(secret, previous_key) == before,
                "the previous value is that of the revision before"
            );
            assert_eq!(before.map(digest), Some(previous.digest.clone()));
        }
    }
    found
}

/// What a revision says of its cause is true: a trigger's value is new, and only what needs none has none.
fn had_a_cause(entry: &Entry, new: &[String], ledger: &Ledger) {
    match (entry.reason, &entry.trigger) {
        (Reason::Rotated, Some(value)) => assert!(new.contains(value), "{entry:?} acted before"),
        (Reason::RolledBack, Some(value)) => {
            let all = [&ledger.handled.rollback, &ledger.account_handled.rollback];
            assert!(all.into_iter().any(|list| list.last() == Some(value)), "{entry:?} is not recorded");
            assert!(new.is_empty(), "one cause, one revision: {new:?}");
        }
        // A due date, or a loss.
        (Reason::Rotated | Reason::Renewed | Reason::SecretRecreated | Reason::SecretRepaired, None) => {
            assert!(new.is_empty(), "one cause, one revision: {new:?}");
        }
        (reason, trigger) => panic!("{reason} by {trigger:?} is no cause"),
    }
}

/// Looks again until it holds.
pub async fn eventually(what: &str, patience: Duration, holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < patience, "after {patience:?} still not: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Applies objects of our kinds in a namespace.
pub struct Hands {
    pub client: Client,
    pub namespace: String,
}

impl Hands {
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn create<K>(&self, name: &str, spec: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + serde::Serialize,
    {
        let manifest = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        });
        let object: K = serde_json::from_value(manifest).expect("a manifest");
        self.api().create(&PostParams::default(), &object).await.expect("admitted")
    }

    pub async fn merge<K>(&self, name: &str, patch: Value)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    {
        let api: Api<K> = self.api();
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    }

    pub fn annotation(annotation: &str, value: &str) -> Value {
        json!({"metadata": {"annotations": {annotation: value}}})
    }

    pub async fn rotate<K>(&self, name: &str, value: &str)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
    {
        self.merge::<K>(name, Self::annotation(ROTATE, value)).await;
    }

    pub async fn secret(&self, name: &str) -> Option<Secret> {
        self.api::<Secret>().get_opt(name).await.expect("an answer")
    }
}

/// Runs one after the other what must not share a control plane at the same time.
pub fn block_on<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}
