//! What is asked for: the spec of a credential under its Account, and under its parent if it has one.

use std::sync::Arc;

use super::{house::House, parents::ParentSight};
use crate::{
    api::AccountSpec,
    core::{
        lifecycle::Complaint,
        permission::{Grant, Request, entitle, entitle_part},
        policy::{self, Expiry, MaxLifetime, Policy, Wanted},
        reason::Reason,
    },
    credentials::Credential,
};

/// The spec under its Account; without an Account that could be read, what was granted stays granted.
pub fn policy_of<K: Credential>(
    house: &House,
    object: &K,
    account: Option<&AccountSpec>,
    parent: Option<ParentSight>,
) -> Policy {
    let spec = object.common();
    let expiry = Expiry::of(spec);
    let had = || {
        object.common_status().and_then(|status| status.effective.clone()?.permissions).unwrap_or_default()
    };
    let granted = object.permissions().map(|permissions| match account {
        Some(account) => {
            let request = Request { permissions, roles: object.roles() };
            match parent.as_ref().and_then(|sight| Some((&*sight.parent.name, sight.has(account, &had())?))) {
                Some(parent) => entitle_part(request, account, &had(), parent),
                None => entitle(request, account, &had()),
            }
        }
        None => Grant { effective: had(), ..Grant::default() },
    });
    let brought = object.brought();
    let schedule = house.crons.schedule(object.rotation());
    let default = match parent {
        Some(_) => policy::default_lifetime_of_a_part,
        None => policy::default_lifetime,
    };
    let (default_lifetime, default_from) = account.map(default).unwrap_or_default();
    let refusal = foreign_prefix(house, object)
        .or_else(|| schedule.as_ref().err().cloned())
        .or_else(|| {
            expiry
                .as_ref()
                .err()
                .map(|error| Complaint::person(Reason::InvalidSpec, format!("spec.lifetime {error}")))
        })
        .or_else(|| match &brought {
            Some(Err(refusal)) => Some(refusal.clone()),
            Some(Ok(_)) | None => None,
        })
        .or_else(|| granted.as_ref()?.refusal(&spec.account_ref.name, account?));
    Policy {
        wanted: if spec.active { Wanted::Active } else { Wanted::Inactive },
        expiry: expiry.unwrap_or(Expiry::AccountDefault),
        overlap: policy::overlap(object.rotation(), account),
        renew_before: spec.renew_before.as_deref().and_then(|text| text.parse().ok()),
        schedule: schedule.unwrap_or_default(),
        default_lifetime,
        default_from,
        max_lifetime: MaxLifetime::of(account),
        warn_before: spec.warn_before.as_deref().and_then(|text| text.parse().ok()),
        parent: parent.map(|sight| sight.parent),
        grant: granted,
        source: object.source(),
        refusal,
        over_quota: None,
    }
}

/// Whether the contract or `--secret-metadata-allow` lets a label or annotation of this key onto a Secret.
fn is_allowed(house: &House, key: &str) -> bool {
    const COMMON: [&str; 4] = [
        "app.kubernetes.io/name",
        "app.kubernetes.io/component",
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/version",
    ];
    let Some((prefix, _)) = key.split_once('/') else { return true };
    let listed = |allow: &String| allow == key || allow.trim_end_matches('/') == prefix;
    COMMON.contains(&key) || house.settings.secret_metadata_allow.iter().any(listed)
}

fn foreign_prefix<K: Credential>(house: &House, object: &K) -> Option<Complaint> {
    let output = &object.common().secret;
    let key = output.labels.keys().chain(output.annotations.keys()).find(|key| !is_allowed(house, key))?;
    Some(Complaint::person(
        Reason::InvalidSpec,
        format!(
            "spec.secret has the key {key}, whose prefix is not allowed: remove it, or start the operator with --secret-metadata-allow"
        ),
    ))
}

/// What is live is written for other causes too (a date, an overlap that ends): it must not carry what was refused.
pub fn without_foreign_prefixes<K: Credential>(house: &House, object: Arc<K>) -> Arc<K> {
    if foreign_prefix(house, &*object).is_none() {
        return object;
    }
    let mut object = Arc::unwrap_or_clone(object);
    let output = &mut object.common_mut().secret;
    output.labels.retain(|key, _| is_allowed(house, key));
    output.annotations.retain(|key, _| is_allowed(house, key));
    Arc::new(object)
}
