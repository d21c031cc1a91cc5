//! What moves in the cluster, turned into objects to look at.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource, ResourceExt,
    runtime::reflector::{ObjectRef, store::Writer},
};
use serde::Deserialize;

use super::{
    account,
    credential::Keeps,
    guarded::{Guarded, SecretMeta},
    house::House,
    queue::{Key, Lane},
    roll::Entry,
    secrets::{HELD_FOR, MANAGED_BY},
    watch::{Sighting, follow},
};
use crate::{
    api::{self, Account},
    core::ledger::Owner,
    credentials::Credential,
};

pub async fn follow_credentials<K: Credential>(house: Arc<House>, writer: Writer<Guarded<K>>) {
    let api: Api<Guarded<K>> = Api::all(house.client.clone());
    let key = |object: &Guarded<K>| key::<K>(K::KIND, object);
    let call = |keys: Vec<Key>| keys.into_iter().for_each(|key| house.queue.push(key, Lane::Ordinary));
    let cache = writer.as_reader();
    let is_there = |entry: Entry<'_>| {
        let found = cache.get(&ObjectRef::new(entry.name).within(entry.namespace));
        found.is_some_and(|object| object.account.as_deref() == Some(entry.account))
    };
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            call(house.roll.see(K::KIND, object));
            house.queue.push(key(object), urgency(object, house.clock.now()));
        }
        Sighting::Gone(object) => {
            call(house.roll.forget(K::KIND, object));
            let uid = object.uid().unwrap_or_default();
            house.own_writes.forget(&uid);
            house.slow_lane.forget(&uid);
            house.queue.forget(&key(object));
        }
        Sighting::Listed => call(house.roll.recall(K::KIND, is_there)),
    })
    .await;
}

/// What had to go while nobody watched goes before all other work.
fn urgency<K>(object: &Guarded<K>, now: Timestamp) -> Lane {
    if object.due.is_some_and(|due| due <= now) { Lane::Deadline } else { Lane::Ordinary }
}

pub async fn follow_accounts(
    house: Arc<House>,
    keepers: Arc<[Arc<dyn Keeps>]>,
    writer: Writer<Guarded<Account>>,
) {
    let api: Api<Guarded<Account>> = Api::all(house.client.clone());
    let wake = |account: Option<(&str, &str)>| {
        for key in keepers.iter().flat_map(|keeper| keeper.keys(account)) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    let wake_theirs = |object: &Guarded<Account>| {
        if let (Some(namespace), Some(name)) = (&object.meta().namespace, &object.meta().name) {
            wake(Some((namespace, name)));
        }
    };
    // What the credentials go by, as it was seen last: a new status of the Account wakes none of them.
    let seen = Mutex::new(HashMap::new());
    let is_news = |object: &Guarded<Account>| {
        let (name, mark) = mark(&object.metadata);
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name, mark) != Some(mark)
    };
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(key::<Account>(account::KIND, object), Lane::Ordinary);
            if is_news(object) {
                wake_theirs(object);
            }
        }
        Sighting::Gone(object) => {
            seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&mark(&object.metadata).0);
            wake_theirs(object);
        }
        Sighting::Listed => wake(None),
    })
    .await;
}

/// Namespace and name, and a number that is another when another Account, another spec or other triggers stand there.
fn mark(meta: &ObjectMeta) -> ((Option<String>, Option<String>), u64) {
    let mut hasher = DefaultHasher::new();
    (&meta.uid, meta.generation, &meta.annotations).hash(&mut hasher);
    ((meta.namespace.clone(), meta.name.clone()), hasher.finish())
}

pub async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>, writer: Writer<SecretMeta>) {
    let api: Api<SecretMeta> = Api::all(house.client.clone());
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    let wake = |meta: &SecretMeta| {
        let namespace = meta.namespace().unwrap_or_default();
        if let Some((kind, name)) = belongs_to(meta)
            && let Some(keeper) = keepers.iter().find(|keeper| keeper.kind() == kind)
        {
            let key =
                Key { kind: keeper.kind(), namespace: namespace.as_str().into(), name: name.as_str().into() };
            house.queue.push(key, Lane::Ordinary);
        }
        for key in house.take_waiters(&namespace, &meta.name_any()) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    follow(api, Some(&ours), writer, |sighting| match sighting {
        Sighting::There(meta) | Sighting::Gone(meta) => wake(meta),
        Sighting::Listed => {
            for key in keepers.iter().flat_map(|keeper| keeper.keys(None)) {
                house.queue.push(key, Lane::Ordinary);
            }
        }
    })
    .await;
}

/// Kind and name of whom a Secret of ours belongs to. The ledger says it, whatever the owner references say; these are
/// heard when the ledger is gone or broken, because that is what its owner must see to.
fn belongs_to(meta: &SecretMeta) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Page {
        owner: Owner,
    }
    let text = |key: &str| meta.metadata.annotations.as_ref()?.get(key);
    let ledger = || serde_json::from_str::<Page>(text(api::LEDGER)?).ok().map(|page| page.owner);
    let held = || serde_json::from_str::<Owner>(text(HELD_FOR)?).ok();
    let reference =
        || meta.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    ledger()
        .or_else(held)
        .map(|owner| (owner.kind, owner.name))
        .or_else(|| reference().map(|owner| (owner.kind.clone(), owner.name.clone())))
}

fn key<K: Resource>(kind: &'static str, object: &Guarded<K>) -> Key
where
    Guarded<K>: ResourceExt,
{
    Key { kind, namespace: object.namespace().unwrap_or_default().into(), name: object.name_any().into() }
}
