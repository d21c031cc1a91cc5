//! One credential named `ci` of the Account `alice`, its keeper, and caches that show what a test lets them see.

use std::{collections::HashMap, sync::Arc};

use chatelaine::{
    api::{Account, LEDGER},
    controller::{
        Settings, account,
        clock::Clock,
        credential::Keeper,
        error::Failure,
        feed::stir_account,
        guarded::Guarded,
        house::House,
        keeps::Keeps,
        queue::{Again, Key, Lane},
        report::{Reporter, Waiting},
        secret_meta::SecretMeta,
    },
    core::reason::Reason,
    credentials::Credential,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;

use crate::server::Server;

pub struct Stage<K: Credential> {
    pub server: Server,
    pub keeper: Keeper<K>,
    told: Receiver<Waiting>,
}

impl<K: Credential> Stage<K> {
    /// The object is there and seen, and nobody has looked at it yet.
    pub fn new(spec: Value) -> Self {
        let clock = Clock::default();
        let server = Server::new(clock.clone());
        let (reporter, told) = Reporter::new();
        let house = House::new(server.client(), clock, reporter, Settings::default());
        let cache = house.caches.of::<K>();
        let keeper = Keeper { house: Arc::new(house), cache };
        let mut stage = Self { server, keeper, told };
        stage.account(json!({"email": "alice@example.com", "permissions": ["*:*"]}));
        stage.add("ci", spec);
        stage
    }

    /// The keeper of another kind in the same house.
    pub fn beside<L: Credential>(&self) -> Stage<L> {
        let house = self.keeper.house.clone();
        let cache = house.caches.of::<L>();
        // What is told comes to the first.
        let (_, told) = Reporter::new();
        Stage { server: self.server.clone(), keeper: Keeper { house, cache }, told }
    }

    /// A second operator beside the first, without a lease; its caches have seen nothing yet.
    pub fn another_operator(&self) -> Self {
        let (reporter, told) = Reporter::new();
        let clock = self.keeper.house.clock.clone();
        let house = House::new(self.server.client(), clock, reporter, Settings::default());
        let cache = house.caches.of::<K>();
        Self { server: self.server.clone(), keeper: Keeper { house: Arc::new(house), cache }, told }
    }

    pub fn account(&mut self, spec: Value) {
        self.server.put("accounts", object("Account", "alice", "uid-alice", spec));
        self.see_account();
    }

    /// The cache of Accounts catches up.
    pub fn see_account(&mut self) {
        let account = guarded(self.server.get("accounts", "alice").expect("it is there"));
        self.keeper.house.caches.accounts.put(account);
    }

    /// Somebody deletes the Account; the cache sees it.
    pub fn remove_account(&mut self) {
        let account: Guarded<Account> = guarded(self.server.get("accounts", "alice").expect("it is there"));
        self.server.remove("accounts", "alice");
        self.keeper.house.caches.accounts.remove(&account.meta);
    }

    /// Annotates the Account, as somebody would; the cache sees it.
    pub fn annotate_account(&mut self, annotation: &str, value: &str) {
        let mut account = self.server.get("accounts", "alice").expect("it is there");
        account["metadata"]["annotations"][annotation] = json!(value);
        self.server.put("accounts", account);
        self.see_account();
    }

    pub fn add(&mut self, name: &str, spec: Value) {
        self.add_as(name, &format!("uid-{name}"), spec);
    }

    pub fn add_as(&mut self, name: &str, uid: &str, mut spec: Value) {
        spec["accountRef"] = json!({"name": "alice"});
        self.server.put(&resource::<K>(), object(K::KIND, name, uid, spec));
        self.see_object(name);
    }

    /// Edits the object, as somebody would; the cache sees it.
    pub fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        self.edit_of("ci", edit);
    }

    pub fn edit_of(&mut self, name: &str, edit: impl FnOnce(&mut Value)) {
        let mut object = self.object(name);
        edit(&mut object);
        self.server.put(&resource::<K>(), object);
        self.see_object(name);
    }

    pub fn annotate(&mut self, annotation: &str, value: &str) {
        self.edit(|object| object["metadata"]["annotations"][annotation] = json!(value));
    }

    pub fn object(&self, name: &str) -> Value {
        self.server.get(&resource::<K>(), name).expect("the object is there")
    }

    pub fn secret(&self, name: &str) -> Value {
        self.server.get("secrets", name).expect("the Secret is there")
    }

    pub fn ledger(&self) -> Value {
        ledger(&self.secret("ci"))
    }

    /// The cache of objects catches up.
    pub fn see_object(&mut self, name: &str) {
        let object: Guarded<K> = guarded(self.object(name));
        let seen = self.keeper.cache.put(object);
        self.call(self.keeper.house.roll.see(K::KIND, &seen));
        stir_account(&self.keeper.house, &seen);
    }

    /// Somebody deletes the object; the cache sees it.
    pub fn delete_object(&mut self, name: &str) {
        let object: Guarded<K> = guarded(self.object(name));
        self.server.remove(&resource::<K>(), name);
        self.keeper.cache.remove(&object.meta);
        self.call(self.keeper.house.roll.forget(K::KIND, &object));
        stir_account(&self.keeper.house, &object);
    }

    fn call(&self, keys: Vec<Key>) {
        keys.into_iter().for_each(|key| self.keeper.house.queue.push(key, Lane::Ordinary));
    }

    /// One pass over the Account, as it is cached.
    pub async fn look_at_account(&self) -> Result<Again, Failure> {
        let (house, cache) = (self.keeper.house.clone(), self.keeper.cache.clone());
        let keeper: Arc<dyn Keeps> = Arc::new(Keeper { house, cache });
        let key = Key { kind: account::KIND, namespace: "ns".into(), name: "alice".into() };
        account::look_at(&self.keeper.house, &[keeper], &key).await
    }

    /// The next credential that the queue asks to look at. Its Account, which is asked for beside it, is passed over.
    pub async fn next(&self) -> Key {
        let queue = &self.keeper.house.queue;
        loop {
            let key = queue.next().await;
            queue.done(&key, Again::Never);
            if key.kind != account::KIND {
                return key;
            }
        }
    }

    /// The cache of Secrets catches up with one, there or gone.
    pub fn see_secret(&mut self, name: &str) {
        let meta = |value: Value| serde_json::from_value::<SecretMeta>(value).expect("metadata");
        let secrets = &self.keeper.house.caches.secrets;
        match self.server.get("secrets", name) {
            Some(mut secret) => {
                secret.as_object_mut().expect("an object").retain(|key, _| key == "metadata");
                secrets.put(meta(secret));
            }
            None => secrets.remove(&meta(json!({"metadata": {"name": name, "namespace": "ns"}})).meta),
        }
    }

    /// All caches show what is there.
    pub fn see(&mut self) {
        self.see_all_of("ci");
    }

    fn see_all_of(&mut self, name: &str) {
        self.see_object(name);
        for secret in [name, &format!("chatelaine-held-uid-{name}"), &format!("chatelaine-seal-uid-{name}")] {
            self.see_secret(secret);
        }
    }

    /// One pass.
    pub async fn look(&self) -> Result<Again, Failure> {
        self.look_at("ci").await
    }

    pub async fn look_at(&self, name: &str) -> Result<Again, Failure> {
        self.keeper.look_at(&Key { kind: K::KIND, namespace: "ns".into(), name: name.into() }).await
    }

    pub fn key(&self) -> Key {
        Key { kind: K::KIND, namespace: "ns".into(), name: "ci".into() }
    }

    /// Passes and catching up until nothing is asked any more; what was asked for meanwhile.
    pub async fn rest(&mut self) -> Vec<String> {
        self.rest_of("ci").await
    }

    pub async fn rest_of(&mut self, name: &str) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..20 {
            self.see_all_of(name);
            let outcome = self.look_at(name).await;
            let asked = self.server.asked();
            if asked.is_empty() && outcome.is_ok() {
                return all;
            }
            all.extend(asked);
        }
        panic!("it never comes to rest: {all:#?}");
    }

    /// The reasons of the events since the last time.
    pub fn told(&mut self) -> Vec<Reason> {
        std::iter::from_fn(|| self.told.try_recv().ok())
            .filter_map(|one| one.told())
            .map(|told| told.reason)
            .collect()
    }

    /// Nobody tells any more; what is still to be published.
    pub fn end(self) -> Receiver<Waiting> {
        self.told
    }

    pub fn status_path(&self) -> String {
        format!("PUT {}/ci/status", resource::<K>())
    }

    pub fn condition(&self, type_: &str) -> Value {
        self.condition_of("ci", type_)
    }

    pub fn condition_of(&self, name: &str, type_: &str) -> Value {
        let object = self.object(name);
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array).cloned();
        conditions.into_iter().flatten().find(|one| one["type"] == type_).unwrap_or_default()
    }

    /// In all versions of the Secret there was one value per revision, and revisions only rose, one by one.
    pub fn was_consistent(&self) {
        let (mut digests, mut last) = (HashMap::new(), 0);
        for secret in self.server.published("ci").iter().map(ledger).filter(|ledger| !ledger.is_null()) {
            let revision = secret["revision"].as_i64().expect("a revision");
            assert!(revision == last || revision == last + 1, "from revision {last} to {revision}");
            last = revision;
            if let Some(digest) = secret["digest"].as_str() {
                let first = digests.entry(revision).or_insert_with(|| digest.to_owned());
                assert_eq!(first, digest, "two values of revision {revision}");
            }
        }
    }
}

pub fn ledger(secret: &Value) -> Value {
    let text = secret["metadata"]["annotations"][LEDGER].as_str().unwrap_or("null");
    serde_json::from_str(text).expect("the ledger is JSON")
}

fn resource<K: Credential>() -> String {
    K::plural(&()).into_owned()
}

fn object(kind: &str, name: &str, uid: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "chatelaine.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "ns", "uid": uid, "generation": 1, "annotations": {}},
        "spec": spec,
    })
}

fn guarded<T>(value: Value) -> Guarded<T>
where
    Guarded<T>: serde::de::DeserializeOwned,
{
    serde_json::from_value(value).expect("a guard takes anything")
}
