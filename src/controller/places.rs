//! Places under the limits of an Account: asked for before a first issue, given back when nothing is to come of it. While a
//! create that failed is tried again, its place is kept: the next in line must not overtake it.

use std::collections::HashSet;

use kube::ResourceExt;
use serde::Deserialize;

use super::{
    error::Failure,
    house::House,
    observe::Seen,
    queue::Lane,
    roll::{Entry, Full},
};
use crate::{
    api::{AccountSpec, LEDGER},
    core::{ledger::Owner, lifecycle::Complaint},
    credentials::Credential,
};

/// Why a credential that never was issued is not issued now: its Account has as many as it may.
pub fn over_quota<K: Credential>(
    house: &House,
    object: &K,
    account: &AccountSpec,
) -> Result<Option<Complaint>, Failure> {
    let Some(limits) = &account.limits else { return Ok(None) };
    let was_issued = object.common_status().is_some_and(|status| status.revision.unwrap_or_default() > 0);
    let quotas = object.quotas(limits);
    if quotas.is_empty() || was_issued || object.meta().deletion_timestamp.is_some() {
        return Ok(None);
    }
    let namespace = object.namespace().unwrap_or_default();
    let name = object.name_any();
    let entry = entry(object, &namespace, &name);
    match house.roll.take_place(entry, quotas, || published(house, entry)) {
        Some(Ok(())) => Ok(None),
        Some(Err(Full { quota, there })) => Ok(Some(quota.exceeded(entry.account, there))),
        // The watch has not told the roll yet, or told it that the object is gone.
        None => Err(Failure::Outrun),
    }
}

/// After a pass: a place that was taken for nothing is somebody else's.
pub fn give_back<K: Credential>(house: &House, seen: &Seen<K>) {
    if seen.scene.was_ever_issued() {
        return;
    }
    let (namespace, name) = (seen.object.namespace().unwrap_or_default(), seen.object.name_any());
    let called = house.roll.give_back(entry(&*seen.object, &namespace, &name));
    called.into_iter().for_each(|key| house.queue.push(key, Lane::Ordinary));
}

fn entry<'a, K: Credential>(object: &'a K, namespace: &'a str, name: &'a str) -> Entry<'a> {
    Entry { namespace, account: &object.common().account_ref.name, kind: K::KIND, name }
}

/// The uids of the credentials of an Account that have material in a Secret, whatever their status says.
fn published(house: &House, entry: Entry<'_>) -> HashSet<String> {
    #[derive(Deserialize)]
    struct Page {
        owner: Owner,
        revision: i64,
    }
    let theirs = house.caches.secrets.filter(|secret| {
        *secret.meta.namespace == *entry.namespace && secret.account.as_deref() == Some(entry.account)
    });
    theirs
        .iter()
        .filter_map(|secret| serde_json::from_str::<Page>(&secret.meta.annotation(LEDGER)?).ok())
        .filter(|page| page.revision > 0)
        .map(|page| page.owner.uid)
        .collect()
}
