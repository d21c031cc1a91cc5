//! What moves in the cluster, turned into objects to look at.

use std::sync::Arc;

use jiff::Timestamp;
use kube::Api;

use super::{
    account,
    cache::Cache,
    guarded::Guarded,
    house::House,
    keeps::{Keeps, Of},
    queue::{Key, Lane},
    secret_meta::SecretMeta,
    secrets::MANAGED_BY,
    slim::Slim,
    watch::{Sent, Sighting, follow},
};
use crate::{api::Account, credentials::Credential};

pub async fn follow_credentials<K: Credential>(house: Arc<House>, cache: Arc<Cache<Guarded<K>>>) {
    let api: Api<Sent<Guarded<K>>> = Api::all(house.client.clone());
    let key = |object: &Guarded<K>| object.meta.key(K::KIND);
    follow(api, None, &cache, |sighting| match sighting {
        Sighting::There(object) => house.queue.push(key(object), urgency(object, house.clock.now())),
        Sighting::Gone(object) => {
            house.own_writes.forget(&object.meta.uid);
            house.slow_lane.forget(&object.meta.uid);
            house.passphrases.forget(&object.meta.uid);
            house.queue.forget(&key(object));
            house.rollouts.forget(&key(object));
        }
        Sighting::Listed => {}
    })
    .await;
}

/// What had to go while nobody watched goes before all other work.
fn urgency<K>(object: &Guarded<K>, now: Timestamp) -> Lane {
    if object.end.is_some_and(|end| end <= now) { Lane::Deadline } else { Lane::Ordinary }
}

pub async fn follow_accounts(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>) {
    let api: Api<Sent<Guarded<Account>>> = Api::all(house.client.clone());
    let wake_theirs = |object: &Guarded<Account>| {
        let Slim { namespace, name, .. } = &object.meta;
        wake(&house, &keepers, Of::Account { namespace, name });
    };
    follow(api, None, &house.caches.accounts, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(object.meta.key(account::KIND), Lane::Ordinary);
            wake_theirs(object);
        }
        Sighting::Gone(object) => wake_theirs(object),
        Sighting::Listed => wake(&house, &keepers, Of::All),
    })
    .await;
}

pub async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>) {
    let api: Api<Sent<SecretMeta>> = Api::all(house.client.clone());
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    follow(api, Some(&ours), &house.caches.secrets, |sighting| match sighting {
        Sighting::There(secret) | Sighting::Gone(secret) => moved(&house, &keepers, secret),
        Sighting::Listed => wake(&house, &keepers, Of::All),
    })
    .await;
}

fn wake(house: &House, keepers: &[Arc<dyn Keeps>], of: Of<'_>) {
    for key in keepers.iter().flat_map(|keeper| keeper.keys(of)) {
        house.queue.push(key, Lane::Ordinary);
    }
}

/// A Secret wakes whom it belongs to and who waits for it; one that says no owner any more, those who name it.
fn moved(house: &House, keepers: &[Arc<dyn Keeps>], secret: &SecretMeta) {
    let Slim { namespace, name: secret_name, .. } = &secret.meta;
    match secret.belongs_to() {
        Some((kind, name)) => {
            let keeper = keepers.iter().find(|keeper| keeper.kind() == kind);
            let key = |kind| Key { kind, namespace: namespace.clone(), name: name.as_str().into() };
            keeper.into_iter().for_each(|keeper| house.queue.push(key(keeper.kind()), Lane::Ordinary));
        }
        None => wake(house, keepers, Of::Secret { namespace, name: secret_name }),
    }
    for key in house.take_waiters(namespace, secret_name) {
        house.queue.push(key, Lane::Ordinary);
    }
}
