//! What moves in the cluster, turned into objects to look at.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{
    account, brought_passwords,
    cache::Cache,
    guarded::Guarded,
    house::House,
    keeps::{Keeps, Of},
    kin::PARENT,
    queue::{Key, Lane},
    secret_meta::SecretMeta,
    secrets::MANAGED_BY,
    slim::Slim,
    watch::{Sighting, follow},
};
use crate::{
    api::{Account, REVOKE, State},
    credentials::{Credential, password::PASSWORD_SECRET},
};

pub async fn follow_credentials<K: Credential>(house: Arc<House>, cache: Arc<Cache<Guarded<K>>>) {
    let key = |object: &Guarded<K>| object.meta.key(K::KIND);
    let call = |keys: Vec<Key>| keys.into_iter().for_each(|key| house.queue.push(key, Lane::Ordinary));
    // What cannot be read for a while is not gone, but its Account and its parent are not known.
    let stays = |meta: &Slim| {
        cache.get(&meta.namespace, &meta.name).is_some_and(|object| object.meta.uid == meta.uid)
    };
    follow(&house.client, None, &cache, |sighting| match sighting {
        Sighting::There(object) => {
            call(house.roll.see(K::KIND, object));
            house.kin.see(K::KIND, object);
            if K::KIND == PARENT {
                // What goes with it goes before all other work.
                let going = object.meta.deletion_timestamp.is_some();
                let lane = || if going { Lane::Deadline } else { Lane::Ordinary };
                let children = house.kin.came(&object.meta.namespace, &object.meta.name);
                children.into_iter().for_each(|key| house.queue.push(key, lane()));
            }
            stir_account(&house, object);
            let key = key(object);
            house.queue.ends(&key, object.end.and_then(|end| house.clock.until(end)));
            house.queue.push(key, urgency(object, house.clock.now()));
        }
        Sighting::Gone(object) => {
            call(house.roll.forget(K::KIND, object));
            house.kin.forget(K::KIND, object);
            stir_account(&house, object);
            if stays(&object.meta) {
                return;
            }
            if K::KIND == PARENT {
                let children = house.kin.went(&object.meta.namespace, &object.meta.name);
                children.into_iter().for_each(|key| house.queue.push(key, Lane::Deadline));
            }
            forget(&house, &key(object), object);
        }
    })
    .await;
}

/// What is remembered of an object that is gone, and of what nobody else refers to.
pub(super) fn forget<K>(house: &House, key: &Key, object: &Guarded<K>) {
    house.own_writes.forget(&object.meta.uid);
    house.slow_lane.forget(&object.meta.uid);
    house.passphrases.forget(&object.meta.uid);
    house.queue.forget(key);
    house.rollouts.forget(key);
    house.waiters.forget(key);
    let namespace = &object.meta.namespace;
    if let Some(account) = object.account.as_deref().filter(|account| !house.roll.has(namespace, account)) {
        house.absences.forget(account::KIND, namespace, account);
    }
    if let Some(parent) =
        object.parent.as_deref().filter(|parent| house.kin.moved(namespace, parent).is_empty())
    {
        house.absences.forget(PARENT, namespace, parent);
    }
}

/// The Account of a credential that is another than before, or gone, has something to tell.
pub fn stir_account<K>(house: &House, object: &Guarded<K>) {
    let Some(account) = &object.account else { return };
    let namespace = object.meta.namespace.clone();
    let key = Key { kind: account::KIND, namespace, name: account.as_ref().into() };
    if house.pace.stir(&key) {
        house.queue.push(key, Lane::Ordinary);
    }
}

/// What had to go while nobody watched, and what is revoked, goes before all other work. A value that has acted long ago
/// costs nothing but its place in line.
fn urgency<K>(object: &Guarded<K>, now: Timestamp) -> Lane {
    let has_material = matches!(object.state, Some(State::Live | State::Withheld));
    let is_over = object.end.is_some_and(|end| end <= now);
    if is_over || has_material && is_revoked(&object.meta) { Lane::Deadline } else { Lane::Ordinary }
}

fn is_revoked(meta: &Slim) -> bool {
    meta.annotation(REVOKE).is_some_and(|value| !value.is_empty())
}

pub async fn follow_accounts(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>) {
    let wake_theirs = |object: &Guarded<Account>| {
        let Slim { namespace, name, .. } = &object.meta;
        let lane = if is_revoked(&object.meta) { Lane::Deadline } else { Lane::Ordinary };
        wake(&house, &keepers, Of::Account { namespace, name }, lane);
    };
    // What the credentials go by, as it was seen last: a new status of the Account wakes none of them.
    let seen = Mutex::new(HashMap::new());
    let is_news = |object: &Guarded<Account>| {
        let mark = mark(&object.meta);
        let before =
            seen.lock().unwrap_or_else(PoisonError::into_inner).insert(object.meta.key(account::KIND), mark);
        before != Some(mark)
    };
    follow(&house.client, None, &house.caches.accounts, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(object.meta.key(account::KIND), Lane::Ordinary);
            if is_news(object) {
                wake_theirs(object);
            }
        }
        Sighting::Gone(object) => {
            let key = object.meta.key(account::KIND);
            seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            forget(&house, &key, object);
            brought_passwords::forget(&house, &object.meta.uid);
            wake_theirs(object);
        }
    })
    .await;
}

/// A number that is another when another Account, another spec or other triggers stand there.
fn mark(meta: &Slim) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&meta.uid, meta.generation, &meta.annotations).hash(&mut hasher);
    hasher.finish()
}

pub async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>) {
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    follow(&house.client, Some(&ours), &house.caches.secrets, |sighting| match sighting {
        Sighting::There(secret) | Sighting::Gone(secret) => moved(&house, &keepers, secret),
    })
    .await;
}

fn wake(house: &House, keepers: &[Arc<dyn Keeps>], of: Of<'_>, lane: Lane) {
    for key in keepers.iter().flat_map(|keeper| keeper.keys(of)) {
        house.queue.push(key, lane);
    }
}

/// A Secret wakes whom it belongs to, who is a part of that and who waits for it; one that says no owner any more, those
/// who name it.
fn moved(house: &House, keepers: &[Arc<dyn Keeps>], secret: &SecretMeta) {
    let Slim { namespace, name: secret_name, .. } = &secret.meta;
    match secret.belongs_to() {
        Some((kind, name)) => {
            if kind == PARENT {
                let lane = || if secret.says_dead() { Lane::Deadline } else { Lane::Ordinary };
                let children = house.kin.moved(namespace, &name);
                children.into_iter().for_each(|key| house.queue.push(key, lane()));
            }
            let keeper = keepers.iter().find(|keeper| keeper.kind() == kind);
            let key = |kind| Key { kind, namespace: namespace.clone(), name: name.as_str().into() };
            let kind =
                keeper.map(|keeper| keeper.kind()).or((kind == account::KIND).then_some(account::KIND));
            kind.into_iter().for_each(|kind| house.queue.push(key(kind), Lane::Ordinary));
        }
        None => {
            wake(house, keepers, Of::Secret { namespace, name: secret_name }, Lane::Ordinary);
            if let Some(account) = secret_name.strip_suffix(PASSWORD_SECRET) {
                let key = Key { kind: account::KIND, namespace: namespace.clone(), name: account.into() };
                house.queue.push(key, Lane::Ordinary);
            }
        }
    }
    for key in house.waiters.take(namespace, secret_name) {
        house.queue.push(key, Lane::Ordinary);
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use kube::{Client, client::Body};
    use serde_json::json;

    use super::*;
    use crate::{
        api::AccessToken,
        controller::{clock::Clock, queue::Again, report::Reporter, settings::Settings},
    };

    fn house() -> House {
        let silent = tower::service_fn(|_: http::Request<Body>| {
            std::future::pending::<Result<http::Response<Body>, Infallible>>()
        });
        let (reporter, _) = Reporter::new();
        House::new(Client::new(silent, "default"), Clock::default(), reporter, Settings::default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_pairs_secret_wakes_its_tokens_and_before_all_others_if_the_pair_is_dead() {
        let house = house();
        let spec = json!({"accountRef": {"name": "alice"}, "apiKeyPairRef": {"name": "web"}});
        let token = json!({"metadata": {"name": "ci", "namespace": "ns"}, "spec": spec});
        house.kin.see(AccessToken::KIND, &serde_json::from_value::<Guarded<AccessToken>>(token).unwrap());
        for (state, first) in [("Live", "other"), ("Revoked", "ci"), ("Expired", "ci")] {
            let other = Key { kind: AccessToken::KIND, namespace: "ns".into(), name: "other".into() };
            house.queue.push(other, Lane::Ordinary);
            let owner = json!({"kind": PARENT, "name": "web", "uid": "u", "account": "alice"});
            let ledger = json!({"owner": owner, "state": state}).to_string();
            let annotations = json!({"chatelaine.dev/ledger": ledger});
            let secret = json!({"metadata": {"name": "web", "namespace": "ns", "annotations": annotations}});
            moved(&house, &[], &serde_json::from_value(secret).unwrap());
            let mut woken = Vec::new();
            while let Ok(key) = tokio::time::timeout(Duration::from_secs(1), house.queue.next()).await {
                house.queue.done(&key, Again::Never);
                woken.push(key.name.to_string());
            }
            assert_eq!((woken.len(), woken[0].as_str()), (2, first), "{state}: {woken:?}");
        }
    }

    /// Lists these tokens, and then has nothing more to say.
    fn listing(tokens: Vec<serde_json::Value>) -> Arc<House> {
        let list = json!({"metadata": {"resourceVersion": "7"}, "items": tokens}).to_string();
        let server = tower::service_fn(move |request: http::Request<Body>| {
            let list = list.clone();
            async move {
                if request.uri().query().unwrap_or_default().contains("watch=true") {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(http::Response::new(Body::from(list.into_bytes())))
            }
        });
        let client = Client::new(server, "default");
        Arc::new(House::new(client, Clock::default(), Reporter::new().0, Settings::default()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_revoked_goes_first_and_what_ends_soon_at_its_time_though_no_look_said_so() {
        let soon = Clock::default().now() + jiff::SignedDuration::from_secs(3);
        let token = |name: &str, state: &str, end: Option<Timestamp>| {
            let metadata = json!({
                "name": name, "namespace": "ns", "uid": name, "resourceVersion": "1",
                "annotations": {"chatelaine.dev/revoke": if name.ends_with("revoked") { "now" } else { "" }},
            });
            let status = json!({"state": state, "revision": 1, "expirationTime": end});
            json!({"metadata": metadata, "spec": {"accountRef": {"name": "alice"}}, "status": status})
        };
        let house = listing(vec![
            token("a", "Live", None),
            token("dead-and-revoked", "Revoked", None),
            token("revoked", "Live", None),
            token("soon", "Live", Some(soon)),
        ]);
        let cache = house.caches.of::<AccessToken>();
        let following = tokio::spawn(follow_credentials::<AccessToken>(house.clone(), cache.clone()));
        cache.filled().await;
        let mut order = Vec::new();
        let look = async || {
            let key = house.queue.next().await;
            house.queue.done(&key, Again::Never);
            key
        };
        for _ in 0..5 {
            order.push(look().await);
        }
        order.retain(|key| key.kind == AccessToken::KIND);
        assert_eq!((order.len(), &*order[0].name), (4, "revoked"), "{order:?}");
        let before = tokio::time::Instant::now();
        house.queue.push(order[0].clone(), Lane::Ordinary);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(&*look().await.name, "soon", "before other work");
        assert!(before.elapsed() <= Duration::from_secs(4));
        following.abort();
    }

    #[test]
    fn of_an_account_only_another_one_another_spec_and_another_trigger_are_news_to_its_credentials() {
        let seen = |uid: &str, version: &str, generation: i64, rotate: &str| {
            let metadata = json!({
                "name": "alice", "namespace": "ns", "uid": uid, "resourceVersion": version,
                "generation": generation, "annotations": {"chatelaine.dev/rotate": rotate},
            });
            mark(&serde_json::from_value(metadata).unwrap())
        };
        let before = seen("u", "1", 1, "a");
        assert_eq!(seen("u", "2", 1, "a"), before, "a new status");
        for news in [seen("v", "2", 1, "a"), seen("u", "2", 2, "a"), seen("u", "2", 1, "b")] {
            assert_ne!(news, before);
        }
    }
}
