//! The pass over one Account: it has no material, only a picture of itself and of what it holds.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use super::{
    error::Failure,
    guarded::Unreadable,
    holdings::{Holdings, holdings},
    house::House,
    keeps::Keeps,
    pace::QUIET,
    queue::{Again, Key, Lane},
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

pub async fn look_at(house: &Arc<House>, keepers: &[Arc<dyn Keeps>], key: &Key) -> Result<Again, Failure> {
    let Some(guarded) = house.caches.accounts.get(&key.namespace, &key.name) else {
        house.pace.settle(key);
        return Ok(Again::Never);
    };
    let account = &match guarded.read() {
        Ok(account) => account,
        Err(Unreadable) => {
            house.pace.settle(key);
            return status::tell_unreadable::<Account>(house, &guarded.meta).await;
        }
    };
    // What somebody wrote into the Account is answered at once, what its credentials do is told when they rest.
    if is_answered(account)
        && let Some(rest) = house.pace.rest(key)
    {
        return Ok(Again::In(rest, Lane::Ordinary));
    }
    house.pace.settle(key);
    let holdings = holdings(house, keepers, key);
    let again = match holdings {
        Some(_) => Again::Never,
        None => Again::In(QUIET, Lane::Ordinary),
    };
    let told = picture(house, account, holdings);
    if account.status.as_ref() == Some(&told) {
        return Ok(again);
    }
    match status::replace(house, account, &told).await {
        // Outrun: its watch brings it back here.
        Ok(_) | Err(Failure::Gone | Failure::Outrun) => Ok(again),
        Err(failure) => Err(failure),
    }
}

/// Whether status speaks of the Account as it stands.
fn is_answered(account: &Account) -> bool {
    let requested = requested_at(account.metadata.annotations.as_ref());
    account.status.as_ref().is_some_and(|told| {
        told.observed_generation == account.metadata.generation
            && (requested.is_none() || told.last_handled_reconcile_at == requested)
    })
}

fn picture(house: &House, account: &Account, holdings: Option<Holdings>) -> AccountStatus {
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
    let (counts, credentials) = match holdings {
        Some(Holdings { counts, credentials }) => (Some(counts), credentials),
        None => told.map(|told| (told.counts.clone(), told.credentials.clone())).unwrap_or_default(),
    };
    AccountStatus {
        observed_generation: generation,
        last_handled_reconcile_at: requested
            .or_else(|| told.and_then(|told| told.last_handled_reconcile_at.clone())),
        id: account.uid(),
        display_name: Some(display_name(&account.spec)),
        conditions: conditions.finish(),
        counts,
        credentials,
    }
}

/// First and last name, else the company, else the address.
fn display_name(spec: &AccountSpec) -> String {
    let names: Vec<&str> =
        [&spec.first_name, &spec.last_name].into_iter().filter_map(|name| written(name)).collect();
    if !names.is_empty() {
        return names.join(" ");
    }
    written(&spec.company_name).unwrap_or(&spec.email).to_owned()
}

/// An empty name says as much as none.
fn written(name: &Option<String>) -> Option<&str> {
    name.as_deref().filter(|name| !name.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_called_by_its_names_else_its_company_else_its_address() {
        for (spec, wanted) in [
            (json!({"firstName": "Ada", "lastName": "King", "companyName": "Engines"}), "Ada King"),
            (json!({"firstName": "", "lastName": "King"}), "King"),
            (json!({"firstName": "", "lastName": "", "companyName": "Engines"}), "Engines"),
            (json!({"firstName": "", "companyName": " "}), "ada@example.com"),
            (json!({}), "ada@example.com"),
        ] {
            let mut spec = spec;
            spec["email"] = json!("ada@example.com");
            let spec: AccountSpec = serde_json::from_value(spec).unwrap();
            assert_eq!(display_name(&spec), wanted);
        }
    }
}
