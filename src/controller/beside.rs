//! The operator's own Secrets beside that of a credential: the copy that holds what is withheld, and the seal.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use super::{
    secret_data::showing,
    secrets::{Values, own_labels, owners},
};
use crate::{
    core::{
        ledger::{Ledger, Owner, Sealed},
        material::SecretBytes,
        scene::{Form, Origin},
    },
    credentials::Credential,
};

/// On a copy and on a seal: whose they are.
pub const HELD_FOR: &str = "chatelaine.dev/held-for";
/// On a held copy: how the private keys in it are encrypted, so that it can be told when the Secret is lost.
const SEALED: &str = "chatelaine.dev/sealed";
/// The data key of the seal.
pub const SEALING_KEY: &str = "key";

pub fn copy_name(uid: &str) -> String {
    format!("chatelaine-held-{uid}")
}

pub fn seal_name(uid: &str) -> String {
    format!("chatelaine-seal-{uid}")
}

/// The copy that holds withheld material: the same roles, another name.
pub fn compose_copy<K: Credential>(
    object: &K,
    ledger: &Ledger,
    values: &Values,
    existing: Option<&Secret>,
) -> Secret {
    let parts = object.render(showing(ledger, &ledger.identity(), values, None));
    let data = parts.into_iter().map(|(role, value)| (role, ByteString(value.expose().to_vec())));
    let mut copy = beside(object, &ledger.owner, &copy_name(&ledger.owner.uid), existing);
    copy.data = Some(data.collect());
    if ledger.sealed.is_some() {
        let sealed = serde_json::to_string(&Notes::of(ledger)).unwrap_or_default();
        copy.metadata.annotations.get_or_insert_default().insert(SEALED.to_owned(), sealed);
    }
    copy
}

/// Whether a copy says that it is this object's, and is owned by it or not as the spec asks.
pub fn copy_form<K: Credential>(object: &K, me: &Owner, copy: &ObjectMeta) -> Form {
    let held_for = copy.annotations.as_ref().and_then(|all| all.get(HELD_FOR));
    let mine = held_for.and_then(|text| serde_json::from_str::<Owner>(text).ok()).is_some_and(|it| it == *me);
    match mine && owners(object, copy.owner_references.clone()) == copy.owner_references {
        true => Form::Fits,
        false => Form::Differs,
    }
}

/// The seal with this key.
pub fn compose_seal<K: Credential>(
    object: &K,
    owner: &Owner,
    key: &SecretBytes,
    existing: Option<&Secret>,
) -> Secret {
    let mut seal = beside(object, owner, &seal_name(&owner.uid), existing);
    seal.data = Some(BTreeMap::from([(SEALING_KEY.to_owned(), ByteString(key.expose().to_vec()))]));
    seal
}

/// A Secret of the operator's beside that of the credential, without data.
fn beside<K: Credential>(object: &K, owner: &Owner, name: &str, existing: Option<&Secret>) -> Secret {
    let meta = existing.map(|secret| secret.metadata.clone()).unwrap_or_default();
    let held_for = serde_json::to_string(owner).unwrap_or_default();
    Secret {
        metadata: ObjectMeta {
            name: Some(meta.name.unwrap_or_else(|| name.to_owned())),
            namespace: object.namespace(),
            uid: meta.uid,
            resource_version: meta.resource_version,
            labels: Some(own_labels(owner).into()),
            annotations: Some(BTreeMap::from([(HELD_FOR.to_owned(), held_for)])),
            owner_references: owners(object, meta.owner_references),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

/// Whether a Secret has the owner references that the deletion policy asks for.
pub fn is_as_owned<K: Credential>(object: &K, secret: &Secret) -> bool {
    let there = secret.metadata.owner_references.clone();
    owners(object, there.clone()) == there.filter(|there| !there.is_empty())
}

/// How current and previous private key are encrypted.
#[derive(Serialize, Deserialize)]
struct Notes {
    current: Option<Sealed>,
    previous: Option<Sealed>,
}

impl Notes {
    fn of(ledger: &Ledger) -> Self {
        let previous = ledger.previous.as_ref().and_then(|previous| previous.sealed.clone());
        Self { current: ledger.sealed.clone(), previous }
    }
}

/// What status testifies says nothing of how keys are encrypted; the copy does.
pub fn with_notes(mut testimony: Ledger, copy: &Secret) -> Ledger {
    let text = copy.metadata.annotations.as_ref().and_then(|all| all.get(SEALED));
    if let Some(notes) = text.and_then(|text| serde_json::from_str::<Notes>(text).ok()) {
        testimony.sealed = notes.current;
        if let Some(previous) = &mut testimony.previous {
            previous.sealed = notes.previous;
        }
    }
    testimony
}

/// Whose a Secret beside says that it is.
pub fn held_for(secret: &Secret) -> Option<&str> {
    secret.metadata.annotations.as_ref()?.get(HELD_FOR).map(String::as_str)
}

/// A Secret beside is ours if it says so, also when a restore gave the object another uid.
pub fn origin(held_for: Option<&str>, me: &Owner) -> Origin {
    let holder = held_for.and_then(|text| serde_json::from_str::<Owner>(text).ok());
    match holder {
        Some(holder) if holder.is_namesake(me) => Origin::Found,
        Some(_) | None => Origin::Strange,
    }
}
