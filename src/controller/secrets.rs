//! The Secret of a credential as an object: built from a page of the ledger, read back, compared.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::ResourceExt;
use serde::Serialize;

use super::secret_data::{Data, data, obstacle, ours_in, showing, type_asked};
use crate::{
    api::{self, CredentialSpec, DeletionPolicy, SecretFormat},
    core::{
        ledger::{Ledger, Ours, Owner, Sealed},
        lifecycle::Complaint,
        material::{Identity, Material, Parts, digest},
        permission::Grant,
        scene::{Inside, Integrity},
    },
    credentials::{Credential, Place, rendering::RENDERED_ATTRIBUTES},
};

/// The label by which the operator finds its Secrets again.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "chatelaine");
const KIND: &str = "chatelaine.dev/kind";
const ACCOUNT: &str = "chatelaine.dev/account";
/// Where `kubectl apply` keeps what was applied, all data of a Secret too: old material would stay there.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
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
        // Absent where nothing is asked for, so that the forms of such Secrets are what they always were.
        #[serde(skip_serializing_if = "Option::is_none")]
        rendered: Option<Rendered<'a>>,
    }
    #[derive(Serialize)]
    struct Rendered<'a> {
        formats: BTreeSet<SecretFormat>,
        template: &'a BTreeMap<String, String>,
        attributes: Vec<(&'a String, &'a String)>,
    }
    let CredentialSpec { secret, deletion_policy, .. } = object.common();
    let asks_for_more = !(secret.formats.is_empty() && secret.template.is_empty() && secret.type_.is_none());
    let attributes = object.outline().attributes.into_iter().flatten();
    let form = Form {
        rendering: RENDERING,
        labels: &secret.labels,
        annotations: &secret.annotations,
        keys: &secret.keys,
        retain: *deletion_policy == DeletionPolicy::Retain,
        permissions: grant.map(|grant| grant.effective.as_slice()),
        options: object.output_options(),
        rendered: asks_for_more.then(|| Rendered {
            formats: secret.formats.iter().copied().collect(),
            template: &secret.template,
            attributes: attributes.filter(|(name, _)| RENDERED_ATTRIBUTES.contains(&name.as_str())).collect(),
        }),
    };
    digest(&serde_json::to_vec(&form).unwrap_or_default())[7..23].to_owned()
}

/// A Secret as it would be written.
pub struct Composed {
    pub secret: Secret,
    /// Why that must not be tried.
    pub obstacle: Option<Complaint>,
}

/// The Secret that shows this ledger and these values, on top of the one that is there: what is not ours is kept.
/// The ledger's list of names that are ours is brought up to date.
pub fn compose<K: Credential>(
    object: &K,
    ledger: &mut Ledger,
    values: &Values,
    grant: Option<&Grant>,
    existing: Option<&Secret>,
) -> Composed {
    let output = &object.common().secret;
    let was = ours_in(object, existing);
    let Data { data, keys, left_out, homeless } =
        data(object, showing(ledger, &ledger.identity(), values, grant), &was, existing);
    let mut labels = output.labels.clone();
    labels.extend(own_labels(&ledger.owner));
    let annotations = output.annotations.clone();
    ledger.ours = Ours {
        keys,
        labels: labels.keys().cloned().collect(),
        annotations: annotations.keys().cloned().collect(),
        left_out,
        form: form(object, grant),
    };
    let meta = existing.map(|secret| secret.metadata.clone()).unwrap_or_default();
    let mut annotations = overlay(meta.annotations, &was.annotations, annotations);
    annotations.remove(LAST_APPLIED);
    annotations.insert(api::LEDGER.to_owned(), ledger.to_text());
    let secret = Secret {
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
            .or_else(|| Some(type_asked(object).to_owned())),
        immutable: existing.and_then(|secret| secret.immutable),
        ..Secret::default()
    };
    let obstacle = obstacle(&secret, existing, homeless.as_deref());
    Composed { secret, obstacle }
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
    let wanted = compose(object, &mut ledger.clone(), values, grant, Some(secret)).secret;
    let there = &secret.metadata;
    let data_fits = wanted.data.unwrap_or_default() == secret.data.clone().unwrap_or_default();
    let owners_fit = wanted.metadata.owner_references.unwrap_or_default()
        == there.owner_references.clone().unwrap_or_default();
    data_fits
        && owners_fit
        && wanted.metadata.labels == there.labels
        && wanted.metadata.annotations == there.annotations
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
