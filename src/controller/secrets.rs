//! The Secret of a credential as an object: built from a page of the ledger, read back, compared.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::ResourceExt;
use serde::Serialize;

use crate::{
    api::{self, CredentialSpec, DeletionPolicy, State},
    core::{
        ledger::{Ledger, Ours, Owner, Sealed},
        material::{Identity, Material, Parts, SecretBytes, digest},
        permission::Grant,
        scene::{Inside, Integrity},
    },
    credentials::{Credential, Naming, Place, Showing},
};

/// The label by which the operator finds its Secrets again.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "chatelaine");
const KIND: &str = "chatelaine.dev/kind";
const ACCOUNT: &str = "chatelaine.dev/account";
/// Changes when a newer operator writes a Secret differently from the same input.
const RENDERING: u32 = 1;

/// The values of one credential.
#[derive(Clone, Debug, Default)]
pub struct Values {
    pub current: Option<Material>,
    pub previous: Option<Material>,
}

pub fn secret_name<K: Credential>(object: &K) -> String {
    object.common().secret.name.clone().unwrap_or_else(|| object.name_any())
}

/// A digest of everything but the material that decides what the Secret looks like.
pub fn form<K: Credential>(object: &K, grant: Option<&Grant>) -> String {
    #[derive(Serialize)]
    struct Form<'a> {
        rendering: u32,
        labels: &'a BTreeMap<String, String>,
        annotations: &'a BTreeMap<String, String>,
        keys: &'a BTreeMap<String, String>,
        retain: bool,
        permissions: Option<&'a [String]>,
        options: String,
    }
    let CredentialSpec { secret, deletion_policy, .. } = object.common();
    let form = Form {
        rendering: RENDERING,
        labels: &secret.labels,
        annotations: &secret.annotations,
        keys: &secret.keys,
        retain: *deletion_policy == DeletionPolicy::Retain,
        permissions: grant.map(|grant| grant.effective.as_slice()),
        options: object.output_options(),
    };
    digest(&serde_json::to_vec(&form).unwrap_or_default())[7..23].to_owned()
}

/// The Secret that shows this ledger and these values, on top of the one that is there: what is not ours is kept.
/// The ledger's list of names that are ours is brought up to date.
pub fn compose<K: Credential>(
    object: &K,
    ledger: &mut Ledger,
    values: &Values,
    grant: Option<&Grant>,
    existing: Option<&Secret>,
) -> Secret {
    let parts = show(object, ledger, values, grant);
    let output = &object.common().secret;
    let was = ours_in(object, existing);
    let (data, keys) = data(object, parts, &was, existing);
    let mut labels = output.labels.clone();
    labels.extend(own_labels(&ledger.owner));
    let annotations = output.annotations.clone();
    ledger.ours = Ours {
        keys,
        labels: labels.keys().cloned().collect(),
        annotations: annotations.keys().cloned().collect(),
        form: form(object, grant),
    };
    let meta = existing.map(|secret| secret.metadata.clone()).unwrap_or_default();
    let mut annotations = overlay(meta.annotations, &was.annotations, annotations);
    annotations.insert(api::LEDGER.to_owned(), ledger.to_text());
    Secret {
        metadata: ObjectMeta {
            name: Some(secret_name(object)),
            namespace: object.namespace(),
            uid: meta.uid,
            resource_version: meta.resource_version,
            labels: Some(overlay(meta.labels, &was.labels, labels)),
            annotations: Some(annotations),
            owner_references: owners(object, meta.owner_references),
            finalizers: meta.finalizers,
            ..ObjectMeta::default()
        },
        data: Some(data),
        type_: existing
            .and_then(|secret| secret.type_.clone())
            .or_else(|| Some(object.secret_type().to_owned())),
        ..Secret::default()
    }
}

/// What is ours in the Secret that is there: its own ledger says it, which may be another than the one that is written
/// (an old copy of the Secret, or status as the only witness). Without one, whatever has the name of a secret of this
/// kind is ours: no old material may stay.
fn ours_in<K: Credential>(object: &K, existing: Option<&Secret>) -> Ours {
    let Some(secret) = existing else { return Ours::default() };
    let text = secret.metadata.annotations.as_ref().and_then(|all| all.get(api::LEDGER));
    match text.map(|text| Ledger::parse(text)) {
        Some(Ok(ledger)) => ledger.ours,
        Some(Err(_)) | None => {
            let mut keys = BTreeMap::new();
            for role in K::SECRET_ROLES {
                keys.extend(names(object, role).into_iter().map(|name| (name, role.to_string())));
            }
            Ours { keys, ..Ours::default() }
        }
    }
}

/// The data keys under which a role is shown.
fn names<K: Credential>(object: &K, role: &str) -> Vec<String> {
    match (object.common().secret.keys.get(role), K::NAMING) {
        (Some(other), Naming::Rename) => vec![other.clone()],
        (Some(other), Naming::Copy) => vec![role.to_owned(), other.clone()],
        (None, Naming::Rename | Naming::Copy) => vec![role.to_owned()],
    }
}

/// The data of the Secret by role.
pub(super) fn show<K: Credential>(
    object: &K,
    ledger: &Ledger,
    values: &Values,
    grant: Option<&Grant>,
) -> Parts {
    let retirement = ledger.previous.as_ref().map(|previous| previous.retirement_time);
    object.render(Showing {
        identity: &ledger.identity(),
        current: values.current.as_ref().ok_or(match ledger.state {
            State::Withheld => "withheld: the credential or its Account is inactive",
            State::Revoked => "revoked",
            State::Expired => "expired",
            State::Live => "damaged by somebody; new material follows",
        }),
        previous: values.previous.as_ref().zip(retirement),
        account: &ledger.owner.account,
        permissions: grant.map_or(&[], |grant| grant.effective.as_slice()),
        not_after: ledger.not_after,
    })
}

/// Our data keys under the names that the spec gives them, beside those that are not ours.
fn data<K: Credential>(
    object: &K,
    parts: Parts,
    was: &Ours,
    existing: Option<&Secret>,
) -> (BTreeMap<String, ByteString>, BTreeMap<String, String>) {
    let mut data = existing.and_then(|secret| secret.data.clone()).unwrap_or_default();
    data.retain(|key, _| !was.keys.contains_key(key));
    let mut keys = BTreeMap::new();
    for (role, value) in parts {
        for name in names(object, &role) {
            data.insert(name.clone(), ByteString(value.expose().to_vec()));
            keys.insert(name, role.clone());
        }
    }
    (data, keys)
}

pub(super) fn own_labels(owner: &Owner) -> [(String, String); 3] {
    [(MANAGED_BY.0, MANAGED_BY.1), (KIND, &owner.kind), (ACCOUNT, &owner.account)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// What others put there, less what was ours, plus what is ours now.
fn overlay(
    there: Option<BTreeMap<String, String>>,
    was: &[String],
    ours: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let was: BTreeSet<&String> = was.iter().collect();
    let mut all = there.unwrap_or_default();
    all.retain(|key, _| !was.contains(key));
    all.extend(ours);
    all
}

/// With `Delete` the object owns the Secret, so that the garbage collector takes it; with `Retain` it does not.
pub(super) fn owners<K: Credential>(
    object: &K,
    there: Option<Vec<OwnerReference>>,
) -> Option<Vec<OwnerReference>> {
    let mine = owner_reference(object);
    let mut owners: Vec<_> = there.unwrap_or_default();
    owners.retain(|owner| mine.as_ref().is_none_or(|mine| owner.uid != mine.uid));
    if object.common().deletion_policy == DeletionPolicy::Delete {
        owners.extend(mine);
    }
    Some(owners).filter(|owners| !owners.is_empty())
}

fn owner_reference<K: Credential>(object: &K) -> Option<OwnerReference> {
    Some(OwnerReference {
        api_version: K::api_version(&()).into_owned(),
        kind: K::kind(&()).into_owned(),
        name: object.name_any(),
        uid: object.uid()?,
        controller: Some(true),
        // Deleting the object must not wait for the Secret, and needs no right on finalizers.
        block_owner_deletion: None,
    })
}

/// Whether the Secret is what would be written now.
pub fn is_as_composed<K: Credential>(
    object: &K,
    ledger: &Ledger,
    values: &Values,
    grant: Option<&Grant>,
    secret: &Secret,
) -> bool {
    let wanted = compose(object, &mut ledger.clone(), values, grant, Some(secret));
    let there = &secret.metadata;
    let data_fits = wanted.data.unwrap_or_default() == secret.data.clone().unwrap_or_default();
    let owners_fit = wanted.metadata.owner_references.unwrap_or_default()
        == there.owner_references.clone().unwrap_or_default();
    data_fits
        && owners_fit
        && wanted.metadata.labels == there.labels
        && wanted.metadata.annotations == there.annotations
}

/// The data of a Secret by role, going by the names that the ledger says are ours; without a ledger by the spec's.
pub fn parts<K: Credential>(object: &K, secret: &Secret, ledger: Option<&Ledger>) -> Parts {
    let renamed: BTreeMap<&String, &String> =
        object.common().secret.keys.iter().map(|(role, name)| (name, role)).collect();
    let mut parts = Parts::new();
    for (name, value) in secret.data.iter().flatten() {
        let role = match ledger {
            Some(ledger) => ledger.ours.keys.get(name),
            None => Some(*renamed.get(name).unwrap_or(&name)),
        };
        let Some(role) = role else { continue };
        // Where a key is there under two names, its own name counts.
        if role == name || !parts.contains_key(role) {
            parts.insert(role.clone(), SecretBytes::from(value.0.clone()));
        }
    }
    parts
}

/// The values in these parts that are what the ledger says they are.
pub fn verified<K: Credential>(object: &K, parts: &Parts, ledger: &Ledger) -> (Values, Inside) {
    let read = |place, identity: Identity, wanted: Option<&String>, sealed: Option<&Sealed>| match sealed {
        None => {
            let material = object.read(parts, place, Some(&identity.id))?;
            wanted.is_some_and(|wanted| *wanted == object.digest(&material)).then_some(material)
        }
        // Encrypted: the text that was written gives the key that it gave then. Opening it would take long.
        Some(sealed) => {
            let text = object.locked(parts, place).filter(|text| digest(text.expose()) == sealed.digest)?;
            Some(Material { identity, secret: Some(text) })
        }
    };
    let current = read(Place::Current, ledger.identity(), ledger.digest.as_ref(), ledger.sealed.as_ref());
    let previous = ledger.previous.as_ref().and_then(|previous| {
        let identity = Identity { id: previous.id.clone(), public: previous.public.clone() };
        read(Place::Previous, identity, Some(&previous.digest), previous.sealed.as_ref())
    });
    let integrity = |sound: bool| if sound { Integrity::Intact } else { Integrity::Damaged };
    let inside = Inside::Read {
        current: integrity(current.is_some()),
        previous: integrity(previous.is_some() || ledger.previous.is_none()),
    };
    (Values { current, previous }, inside)
}
