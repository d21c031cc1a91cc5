//! What moves in the cluster, turned into objects to look at.

use std::sync::Arc;

use jiff::Timestamp;
use kube::{Api, runtime::reflector::store::Writer};

use super::{
    account,
    credential::Keeps,
    guarded::Guarded,
    house::House,
    queue::{Key, Lane},
    secret_meta::SecretMeta,
    secrets::MANAGED_BY,
    slim::Slim,
    watch::{Sent, Sighting, follow},
};
use crate::{api::Account, credentials::Credential};

pub async fn follow_credentials<K: Credential>(house: Arc<House>, writer: Writer<Guarded<K>>) {
    let api: Api<Sent<Guarded<K>>> = Api::all(house.client.clone());
    let key = |object: &Guarded<K>| object.meta.key(K::KIND);
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => house.queue.push(key(object), urgency(object, house.clock.now())),
        Sighting::Gone(object) => {
            house.own_writes.forget(&object.meta.uid);
            house.slow_lane.forget(&object.meta.uid);
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
    let api: Api<Sent<Guarded<Account>>> = Api::all(house.client.clone());
    let wake = |account: Option<(&str, &str)>| {
        for key in keepers.iter().flat_map(|keeper| keeper.keys(account)) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    let wake_theirs = |object: &Guarded<Account>| {
        wake(Some((&object.meta.namespace, &object.meta.name)));
    };
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(object.meta.key(account::KIND), Lane::Ordinary);
            wake_theirs(object);
        }
        Sighting::Gone(object) => wake_theirs(object),
        Sighting::Listed => wake(None),
    })
    .await;
}

pub async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>, writer: Writer<SecretMeta>) {
    let api: Api<Sent<SecretMeta>> = Api::all(house.client.clone());
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    let wake = |secret: &SecretMeta| {
        let Slim { namespace, name, .. } = &secret.meta;
        if let Some((kind, name)) = secret.belongs_to()
            && let Some(keeper) = keepers.iter().find(|keeper| *keeper.kind() == *kind)
        {
            let key = Key { kind: keeper.kind(), namespace: (&**namespace).into(), name: name.into() };
            house.queue.push(key, Lane::Ordinary);
        }
        for key in house.take_waiters(namespace, name) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    follow(api, Some(&ours), writer, |sighting| match sighting {
        Sighting::There(secret) | Sighting::Gone(secret) => wake(secret),
        Sighting::Listed => {
            for key in keepers.iter().flat_map(|keeper| keeper.keys(None)) {
                house.queue.push(key, Lane::Ordinary);
            }
        }
    })
    .await;
}
