//! The pass over one Account: it has no material, only a picture of itself and of what it holds.

use std::{sync::Arc, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};

use super::{
    error::Failure,
    guarded::Unreadable,
    holdings::{Holdings, holdings},
    house::House,
    keeps::Keeps,
    pace::QUIET,
    password,
    queue::{Again, Key},
    status, unread_status,
};
use crate::{
    api::{Account, AccountSpec, AccountStatus, CredentialStatus},
    core::{
        condition::{Conditions, Hindrance, Truth, gist},
        reason::Reason,
        role,
        trigger::requested_at,
    },
};

/// The kind, as keys name it.
pub const KIND: &str = "Account";

const ACCEPTED: &str = "Credentials may refer to this Account";

pub async fn look_at(house: &Arc<House>, keepers: &[Arc<dyn Keeps>], key: &Key) -> Result<Again, Failure> {
    let Some(guarded) = house.caches.accounts.get(&key.namespace, &key.name) else {
        house.pace.settle(key);
        return Ok(Again::Never);
    };
    let account = &match guarded.read() {
        Ok(account) => account,
        Err(Unreadable) => {
            house.pace.settle(key);
            unread_status::tell_account(house, &guarded).await?;
            return Ok(Again::Never);
        }
    };
    // What fails with the password is tried again, and holds up no word of the Account.
    let after_password = password::see_to(house, key, account).await;
    // The status that was just written for the password comes back as an event.
    if !house.own_writes.shows(&guarded.meta.uid, &guarded.meta.resource_version) {
        return after_password;
    }
    let after_picture = tell(house, keepers, key, account).await?;
    Ok(after_password?.at_the_latest(after_picture))
}

/// Tells what is new; how soon it wants to do so again.
async fn tell(
    house: &House,
    keepers: &[Arc<dyn Keeps>],
    key: &Key,
    account: &Account,
) -> Result<Option<Duration>, Failure> {
    // What somebody wrote into the Account is answered at once, what its credentials do is told when they rest.
    if is_answered(account)
        && let Some(rest) = house.pace.rest(key)
    {
        return Ok(Some(rest));
    }
    house.pace.settle(key);
    let holdings = holdings(house, keepers, key);
    let again = if holdings.is_some() { None } else { Some(QUIET) };
    let told = picture(house, account, holdings);
    if account.status.as_ref() == Some(&told) {
        return Ok(again);
    }
    match status::replace(house, account, &told).await {
        Ok(version) => {
            if account.spec.password.is_some() {
                house.own_writes.wrote_object(&account.uid().unwrap_or_default(), version.as_deref());
            }
            if let Some(Hindrance { reason, message, hint: _ }) = news(account, &told) {
                house.reporter.tell(account.object_ref(&()), reason, message);
            }
            Ok(again)
        }
        // Outrun: its watch brings it back here.
        Err(Failure::Gone | Failure::Outrun) => Ok(again),
        Err(failure) => Err(failure),
    }
}

/// What is wrong with the Account itself, if it is new. What stands in the way of its password, that tells.
fn news(account: &Account, told: &AccountStatus) -> Option<Hindrance> {
    role::flaw(&account.spec.roles)?;
    let before = account.status.as_ref().and_then(|before| Hindrance::of(&before.conditions));
    Hindrance::of(&told.conditions).filter(|now| before.as_ref() != Some(now))
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
    let password = told.and_then(|told| told.password.as_ref()).filter(|_| account.spec.password.is_some());
    let hindrance = match (&account.spec.password, password) {
        (Some(_), None) => Some(unseen()),
        (_, password) => password.and_then(|password| hindrance(&password.common)),
    };
    match (role::flaw(&account.spec.roles), hindrance) {
        (None, None) => {
            conditions.set("Ready", Truth::True, Reason::Accepted, ACCEPTED);
        }
        (None, Some((Truth::True, Hindrance { hint, reason, message }))) => {
            conditions.set("Ready", Truth::True, Reason::Accepted, ACCEPTED);
            conditions.set(hint, Truth::True, reason, format!("The password: {message}"));
        }
        (None, Some((ready, Hindrance { hint, reason, message }))) => {
            conditions.set("Ready", ready, reason, format!("The password: {message}"));
            conditions.set(hint, Truth::True, reason, gist(&message));
        }
        (Some(flaw), _) => {
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
        password: password.cloned(),
    }
}

/// What stands in the way of the password, and what its own Ready says.
fn hindrance(password: &CredentialStatus) -> Option<(Truth, Hindrance)> {
    let ready = password.conditions.iter().find(|one| one.type_ == "Ready");
    let ready = ready.map_or(Truth::Unknown, |ready| Truth::of(&ready.status));
    Some((ready, Hindrance::of(&password.conditions)?))
}

/// Nothing has been told of it yet.
fn unseen() -> (Truth, Hindrance) {
    let message = "it was not looked at yet".to_owned();
    (Truth::Unknown, Hindrance { hint: "Reconciling", reason: Reason::Minting, message })
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
