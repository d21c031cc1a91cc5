//! What moves in the cluster, turned into objects to look at.

use std::sync::Arc;

use jiff::Timestamp;
use kube::{Api, Resource, ResourceExt, runtime::reflector::store::Writer};
use serde::Deserialize;

use super::{
    account,
    beside::HELD_FOR,
    credential::Keeps,
    guarded::{Guarded, SecretMeta},
    house::House,
    queue::{Key, Lane},
    secrets::MANAGED_BY,
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
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => house.queue.push(key(object), urgency(object, house.clock.now())),
        Sighting::Gone(object) => {
            let uid = object.uid().unwrap_or_default();
            house.own_writes.forget(&uid);
            house.slow_lane.forget(&uid);
            house.passphrases.forget(&uid);
            house.queue.forget(&key(object));
        }
        Sighting::Listed => {}
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
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(key::<Account>(account::KIND, object), Lane::Ordinary);
            wake_theirs(object);
        }
        Sighting::Gone(object) => wake_theirs(object),
        Sighting::Listed => wake(None),
    })
    .await;
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
