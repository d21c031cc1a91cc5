//! The data of a Secret: our keys beside those of others, what is rendered from them, and what does not fit.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::ResourceExt;

use super::secrets::Values;
use crate::{
    api::{self, SecretFormat, SecretType, State},
    core::{
        ledger::{Ledger, Ours},
        lifecycle::Complaint,
        material::{Identity, Parts, SecretBytes},
        permission::Grant,
        reason::Reason,
    },
    credentials::{
        Credential, Naming, Showing,
        rendering::{Flaw, Renderings, renderings},
    },
};

/// What the API server takes: all values of a Secret together.
const LARGEST: usize = 1 << 20;
/// And all annotations of an object, keys and values.
const MOST_ANNOTATIONS: usize = 256 << 10;
/// The roles of keys that hold no material of their own, in the ledger's list of keys.
const RENDERING: &str = "rendering";
const TYPE: &str = "type";

/// The data of a Secret, and what the ledger says about it.
#[derive(Debug, Default)]
pub struct Data {
    pub data: BTreeMap<String, ByteString>,
    /// Data key to role, of what is ours.
    pub keys: BTreeMap<String, String>,
    /// Data key to why it is not there.
    pub left_out: BTreeMap<String, String>,
    /// The role of material that nobody would find, because all its names are somebody else's.
    pub homeless: Option<String>,
}

/// The type that the Secret is created with.
pub fn type_asked<K: Credential>(object: &K) -> &'static str {
    object.common().secret.type_.map_or(object.secret_type(), SecretType::name)
}

/// Our data keys under the names that the spec gives them, beside those that are not ours. The Secret's own type says
/// what it needs: it cannot change.
pub fn data<K: Credential>(object: &K, showing: Showing<'_>, was: &Ours, existing: Option<&Secret>) -> Data {
    let type_ = existing.and_then(|secret| secret.type_.as_deref()).unwrap_or(type_asked(object));
    let type_ = SecretType::ALL.into_iter().find(|known| known.name() == type_).unwrap_or_default();
    let parts = object.render(showing);
    let existing_ledger = existing.and_then(ledger_on);
    let mut all =
        Data { data: existing.and_then(|secret| secret.data.clone()).unwrap_or_default(), ..Data::default() };
    // Without a ledger whatever has the name of a role is ours.
    let is_ours =
        |key: &String| was.keys.contains_key(key) || existing_ledger.is_none() && parts.contains_key(key);
    all.data.retain(|key, _| !is_ours(key));
    for (role, value) in &parts {
        let (free, taken): (Vec<_>, Vec<_>) =
            names(object, role).into_iter().partition(|name| !all.data.contains_key(name));
        for name in taken {
            all.left_out.insert(name, Flaw::Taken.to_string());
        }
        // What cannot have its name keeps the one that it had.
        let former = || was.keys.iter().filter(|(_, of)| *of == role).map(|(name, _)| name).chain([role]);
        let at_least = || former().find(|name| !all.data.contains_key(*name)).cloned();
        let shown = if free.is_empty() { Vec::from_iter(at_least()) } else { free };
        if shown.is_empty() && K::SECRET_ROLES.contains(&role.as_str()) {
            all.homeless = Some(role.clone());
        }
        shown.into_iter().for_each(|name| all.put(name, value, role));
    }
    let room = LARGEST.saturating_sub(size(&all.data));
    let is_taken = |key: &str| all.data.contains_key(key);
    let Renderings { required, asked } = renderings(object, showing, &parts, type_, room, is_taken);
    // A kind whose own keys are what the type demands has put them there.
    for (key, value) in required.iter().filter(|(key, _)| !parts.contains_key(*key)) {
        all.put(key.clone(), value, TYPE);
    }
    for (key, rendering) in asked {
        match rendering {
            Ok(text) => all.put(key, &text, RENDERING),
            Err(flaw) => {
                all.left_out.insert(key, flaw.to_string());
            }
        }
    }
    if showing.current.is_err() {
        // The names stay ours while nothing is there: who puts old material back under them puts it nowhere.
        let free = secret_names(object).into_iter().filter(|(name, _)| !all.data.contains_key(name));
        all.keys.extend(free.collect::<Vec<_>>());
    }
    all
}

impl Data {
    fn put(&mut self, key: String, value: &SecretBytes, role: &str) {
        self.data.insert(key.clone(), ByteString(value.expose().to_vec()));
        self.keys.insert(key, role.to_owned());
    }
}

fn size(data: &BTreeMap<String, ByteString>) -> usize {
    data.values().map(|value| value.0.len()).sum()
}

fn ledger_on(secret: &Secret) -> Option<Ledger> {
    Ledger::parse(secret.metadata.annotations.as_ref()?.get(api::LEDGER)?).ok()
}

/// Why the Secret must not be written, and what to do about it: the API server would refuse it, or we could not read it
/// back, and would take what is in it for nobody's.
pub fn obstacle(secret: &Secret, existing: Option<&Secret>, homeless: Option<&str>) -> Option<Complaint> {
    let text = |(key, value): (&String, &String)| key.len() + value.len();
    let annotations: usize = secret.metadata.annotations.iter().flatten().map(text).sum();
    let is_immutable =
        existing.is_some_and(|there| there.immutable == Some(true) && there.data != secret.data);
    let invalid = |message: String| Some(Complaint::person(Reason::InvalidSpec, message));
    if is_immutable {
        let message = "The Secret is immutable: delete it; it is made again with new material";
        return Some(Complaint::person(Reason::SecretConflict, message));
    }
    if let Some(role) = homeless {
        return invalid(format!(
            "The Secret has a key {role} that is somebody else's: remove it from the Secret, or give {role} another \
             name in spec.secret.keys"
        ));
    }
    if secret.data.as_ref().is_some_and(|data| size(data) > LARGEST) {
        return invalid(
            "The Secret would be larger than 1 MiB: remove from it what others put there".to_owned(),
        );
    }
    if annotations > MOST_ANNOTATIONS {
        return invalid(
            "The annotations of the Secret would be larger than 256 KiB: remove those that others put there"
                .to_owned(),
        );
    }
    if ledger_on(secret).is_none() {
        return invalid(
            "The ledger of the Secret would say more than can be read back: ask for fewer keys in spec.secret, or \
             remove from the Secret the keys of others that have the same names"
                .to_owned(),
        );
    }
    None
}

/// The data keys that are ours in a Secret that is there: its own ledger says it, which may be another than the one that
/// is written (an old copy of the Secret, or status as the only witness). Without one, whatever has the name of a secret
/// of this kind is ours, and in a Secret of our own also what has the name of a rendering: no old material may stay.
pub fn ours_in<K: Credential>(object: &K, existing: Option<&Secret>) -> Ours {
    let Some(secret) = existing else { return Ours::default() };
    match ledger_on(secret) {
        Some(ledger) => ledger.ours,
        None => {
            let mut keys = secret_names(object);
            let is_mine = |uid: &String| Some(uid) == object.uid().as_ref();
            if !secret.owner_references().iter().any(|owner| is_mine(&owner.uid)) {
                keys.retain(|_, role| role != RENDERING);
            }
            Ours { keys, ..Ours::default() }
        }
    }
}

/// The names under which the spec has material shown, and what is rendered from it.
fn secret_names<K: Credential>(object: &K) -> BTreeMap<String, String> {
    let output = &object.common().secret;
    let formats = output.formats.iter().flat_map(|format| SecretFormat::data_keys(*format));
    let made = formats.map(|key| (*key).to_owned()).chain(output.template.keys().cloned());
    let made = made.map(|key| (key, RENDERING.to_owned()));
    let own = K::SECRET_ROLES
        .iter()
        .flat_map(|role| names(object, role).into_iter().map(|name| (name, (*role).to_owned())));
    own.chain(made).collect()
}

/// The data keys under which a role is shown.
fn names<K: Credential>(object: &K, role: &str) -> Vec<String> {
    match (object.common().secret.keys.get(role), K::NAMING) {
        (Some(other), Naming::Rename) => vec![other.clone()],
        (Some(other), Naming::Copy) => vec![role.to_owned(), other.clone()],
        (None, Naming::Rename | Naming::Copy) => vec![role.to_owned()],
    }
}

/// What the Secret of this ledger is to show.
pub fn showing<'a>(
    ledger: &'a Ledger,
    identity: &'a Identity,
    values: &'a Values,
    grant: Option<&'a Grant>,
) -> Showing<'a> {
    let retirement = ledger.previous.as_ref().map(|previous| previous.retirement_time);
    Showing {
        identity,
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
    }
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

/// The data of a copy: there the names are the roles.
pub fn plain_parts(copy: &Secret) -> Parts {
    copy.data
        .iter()
        .flatten()
        .map(|(role, value)| (role.clone(), SecretBytes::from(value.0.clone())))
        .collect()
}
