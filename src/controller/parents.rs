//! The parent of a credential as it stands: from the caches, or looked for where they do not have it.

use std::time::Duration;

use kube::ResourceExt;

use super::{
    absences::Whereabouts, guarded::Unreadable, house::House, kin::PARENT, queue::Key, secrets::secret_name,
};
use crate::{
    api::{AccountSpec, ApiKeyPair},
    core::{
        ledger::Owner,
        ownership::{Claim, claim},
        parent::{End, Parent, Standing},
        permission::{Grant, Request, entitle},
        policy::Wanted,
    },
    credentials::Credential,
};

/// A parent that could not be read is looked for again after this time.
const RETRY: Duration = Duration::from_secs(5);

/// The parent, and its spec where it could be read.
pub struct ParentSight {
    pub parent: Parent,
    pair: Option<ApiKeyPair>,
}

impl ParentSight {
    /// What the parent may do. While nobody knows what its roles mean, what the part `had` stays.
    pub fn has(&self, account: &AccountSpec, had: &[String]) -> Option<Grant> {
        let spec = &self.pair.as_ref()?.spec;
        Some(entitle(Request { permissions: &spec.permissions, roles: &spec.roles }, account, had))
    }
}

pub async fn parent_of<K: Credential>(house: &House, object: &K) -> Option<ParentSight> {
    let name = &object.parent_ref()?.name;
    let namespace = object.namespace().unwrap_or_default();
    let cache = house.caches.of::<ApiKeyPair>();
    let me = Key { kind: K::KIND, namespace: namespace.as_str().into(), name: object.name_any().into() };
    let (standing, pair) = match cache.get(&namespace, name) {
        None if house.kin.is_bereaved(&me, name) => (Standing::Ended(End::Missing), None),
        Some(_) | None => match house.find(&cache, &namespace, name).await {
            Whereabouts::There(pair) => match pair.read() {
                Ok(pair) => (standing(house, &pair, &object.common().account_ref.name), Some(pair)),
                Err(Unreadable) => (Standing::Unknown, None),
            },
            Whereabouts::MissingLately { until } => (Standing::MissingLately { until }, None),
            Whereabouts::Missing => (Standing::Ended(End::Missing), None),
            Whereabouts::Unknown => (Standing::Unknown, None),
        },
    };
    // What another Account's may do is nobody's business here.
    let pair = pair.filter(|_| standing != Standing::NotTheirs);
    Some(ParentSight { parent: Parent { name: format!("{PARENT} {name}"), standing }, pair })
}

/// When to look again, because no event will say it.
pub fn look_again(parent: Option<&Parent>) -> Option<Duration> {
    parent.filter(|parent| parent.standing == Standing::Unknown).map(|_| RETRY)
}

/// What its spec and the ledger on its Secret say; status is never asked.
fn standing(house: &House, pair: &ApiKeyPair, account: &str) -> Standing {
    if pair.metadata.deletion_timestamp.is_some() {
        return Standing::Ended(End::BeingDeleted);
    }
    if pair.spec.common.account_ref.name != account {
        return Standing::NotTheirs;
    }
    let owner = Owner {
        kind: PARENT.to_owned(),
        name: pair.name_any(),
        uid: pair.uid().unwrap_or_default(),
        account: account.to_owned(),
    };
    let Some(secret) = house.glance(&pair.namespace().unwrap_or_default(), &secret_name(pair)) else {
        return Standing::NotIssued;
    };
    let wanted = if pair.spec.common.active { Wanted::Active } else { Wanted::Inactive };
    match claim(&secret.meta.object_meta(), &owner) {
        Claim::Ours(ledger) => Standing::of(&ledger, wanted),
        // The pair's own pass sees to it.
        Claim::Mute
        | Claim::Newer(_)
        | Claim::Dying
        | Claim::LeftBehind
        | Claim::Orphan(_)
        | Claim::Offered
        | Claim::Foreign { .. } => Standing::NotIssued,
    }
}
