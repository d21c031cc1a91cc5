//! The pass over one Account: it has no material, only a picture of itself.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::{
    error::Failure,
    guarded::Unreadable,
    house::House,
    queue::{Again, Key},
    status,
};
use crate::{
    api::{Account, AccountSpec, AccountStatus},
    core::{
        condition::{Conditions, Truth},
        reason::Reason,
        role,
        trigger::requested_at,
    },
};

/// The kind, as keys name it.
pub const KIND: &str = "Account";

pub async fn look_at(house: &Arc<House>, key: &Key) -> Result<Again, Failure> {
    let Some(guarded) = house.caches.accounts.get(&key.namespace, &key.name) else {
        return Ok(Again::Never);
    };
    let account = &match guarded.read() {
        Ok(account) => account,
        Err(Unreadable) => return status::tell_unreadable::<Account>(house, &guarded.meta).await,
    };
    let told = picture(house, account);
    if account.status.as_ref() == Some(&told) {
        return Ok(Again::Never);
    }
    match status::replace(house, account, &told).await {
        // Outrun: its watch brings it back here.
        Ok(_) | Err(Failure::Gone | Failure::Outrun) => Ok(Again::Never),
        Err(failure) => Err(failure),
    }
}

fn picture(house: &House, account: &Account) -> AccountStatus {
    let ObjectMeta { generation, .. } = account.metadata;
    let told = account.status.as_ref();
    let seen = told.map_or(&[][..], |status| &status.conditions);
    let requested = requested_at(account.metadata.annotations.as_ref());
    let mut conditions = Conditions::new(seen, house.clock.now(), generation);
    match role::flaw(&account.spec.roles) {
        None => {
            conditions.set("Ready", Truth::True, Reason::Accepted, "Credentials may refer to this Account");
        }
        Some(flaw) => {
            let message = format!("spec.roles: {flaw}; mend it: credentials with these roles are not issued");
            conditions.set("Ready", Truth::False, Reason::InvalidSpec, message.as_str());
            conditions.set("Stalled", Truth::True, Reason::InvalidSpec, message);
        }
    }
    match account.spec.active {
        true => {
            conditions.set("Active", Truth::True, Reason::Accepted, "Its credentials hold their material")
        }
        false => conditions.set(
            "Active",
            Truth::False,
            Reason::Inactive,
            "spec.active is false: the material of its credentials is withheld",
        ),
    };
    AccountStatus {
        observed_generation: generation,
        last_handled_reconcile_at: requested
            .or_else(|| told.and_then(|told| told.last_handled_reconcile_at.clone())),
        id: account.uid(),
        display_name: Some(display_name(&account.spec)),
        conditions: conditions.finish(),
    }
}

/// First and last name, else the company, else the address.
fn display_name(spec: &AccountSpec) -> String {
    let names: Vec<&str> =
        [&spec.first_name, &spec.last_name].into_iter().flatten().map(String::as_str).collect();
    if !names.is_empty() {
        return names.join(" ");
    }
    spec.company_name.clone().unwrap_or_else(|| spec.email.clone())
}
