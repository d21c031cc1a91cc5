//! What moves in the cluster, turned into objects to look at.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Resource, ResourceExt, runtime::reflector::store::Writer};
use serde::Deserialize;

use super::{
    account,
    guarded::{Guarded, SecretMeta},
    house::House,
    keeps::{Keeps, Of},
    queue::{Key, Lane},
    secrets::{HELD_FOR, MANAGED_BY},
    watch::{Sighting, follow},
};
use crate::{
    api::{self, Account},
    core::{ledger::Owner, trigger::Triggers},
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
            house.queue.forget(&key(object));
        }
        Sighting::Listed => {}
    })
    .await;
}

/// What had to go while nobody watched goes before all other work.
fn urgency<K>(object: &Guarded<K>, now: Timestamp) -> Lane {
    if object.end.is_some_and(|end| end <= now) { Lane::Deadline } else { Lane::Ordinary }
}

pub async fn follow_accounts(
    house: Arc<House>,
    keepers: Arc<[Arc<dyn Keeps>]>,
    writer: Writer<Guarded<Account>>,
) {
    let api: Api<Guarded<Account>> = Api::all(house.client.clone());
    let wake_theirs = |object: &Guarded<Account>| {
        if let (Some(namespace), Some(name)) = (&object.meta().namespace, &object.meta().name) {
            wake(&house, &keepers, Of::Account { namespace, name });
        }
    };
    let faces = Faces::default();
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            let key = key::<Account>(account::KIND, object);
            if faces.changed(&key, Some(Face::of(object))) {
                wake_theirs(object);
            }
            house.queue.push(key, Lane::Ordinary);
        }
        Sighting::Gone(object) => {
            faces.changed(&key::<Account>(account::KIND, object), None);
            wake_theirs(object);
        }
        Sighting::Listed => wake(&house, &keepers, Of::All),
    })
    .await;
}

/// What credentials look at in their Account. Its status is not among it: it follows from them, and would wake them all
/// each time that it is written.
#[derive(PartialEq, Eq)]
struct Face {
    uid: Option<String>,
    generation: Option<i64>,
    triggers: Triggers,
}

impl Face {
    fn of(account: &Guarded<Account>) -> Self {
        let ObjectMeta { uid, generation, annotations, .. } = account.meta();
        Self { uid: uid.clone(), generation: *generation, triggers: Triggers::of(annotations.as_ref()) }
    }
}

/// The Accounts as they were seen last.
#[derive(Default)]
struct Faces(Mutex<HashMap<Key, Face>>);

impl Faces {
    fn changed(&self, key: &Key, face: Option<Face>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(key) == face.as_ref() {
            return false;
        }
        match face {
            Some(face) => known.insert(key.clone(), face),
            None => known.remove(key),
        };
        true
    }
}

pub async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>, writer: Writer<SecretMeta>) {
    let api: Api<SecretMeta> = Api::all(house.client.clone());
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    follow(api, Some(&ours), writer, |sighting| match sighting {
        Sighting::There(meta) | Sighting::Gone(meta) => moved(&house, &keepers, meta),
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
fn moved(house: &House, keepers: &[Arc<dyn Keeps>], meta: &SecretMeta) {
    let (namespace, secret) = (meta.namespace().unwrap_or_default(), meta.name_any());
    match belongs_to(meta) {
        Some((kind, name)) => {
            let keeper = keepers.iter().find(|keeper| keeper.kind() == kind);
            let key = |kind| Key { kind, namespace: namespace.as_str().into(), name: name.as_str().into() };
            keeper.into_iter().for_each(|keeper| house.queue.push(key(keeper.kind()), Lane::Ordinary));
        }
        None => wake(house, keepers, Of::Secret { namespace: &namespace, name: &secret }),
    }
    for key in house.take_waiters(&namespace, &secret) {
        house.queue.push(key, Lane::Ordinary);
    }
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn account(generation: i64, annotations: Value, status: Value) -> Guarded<Account> {
        let meta = json!({
            "name": "alice", "namespace": "ns", "uid": "u", "generation": generation, "annotations": annotations,
        });
        let account = json!({"metadata": meta, "spec": {"email": "a@example.com"}, "status": status});
        serde_json::from_value(account).unwrap()
    }

    #[test]
    fn the_status_of_an_account_wakes_none_of_its_credentials_and_spec_and_triggers_wake_them_all() {
        let faces = Faces::default();
        let key = Key { kind: account::KIND, namespace: "ns".into(), name: "alice".into() };
        let moved = |generation: i64, annotations: Value, status: Value| {
            faces.changed(&key, Some(Face::of(&account(generation, annotations, status))))
        };
        assert!(moved(1, json!({}), json!({})), "a new one");
        assert!(!moved(1, json!({}), json!({"id": "u"})), "a status");
        assert!(!moved(1, json!({"somebody.else/note": "x"}), json!({"id": "u"})), "another annotation");
        assert!(moved(1, json!({api::ROTATE: "now"}), json!({"id": "u"})), "a trigger");
        assert!(moved(2, json!({api::ROTATE: "now"}), json!({"id": "u"})), "a spec");
        assert!(
            faces.changed(&key, None) && moved(2, json!({api::ROTATE: "now"}), json!({})),
            "gone and back"
        );
    }
}
