//! The password of an Account within the Account's pass: kept as any credential while it is asked for, destroyed when it
//! is not.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::{
    beside::{copy_name, held_for, origin},
    brought_passwords::{Brought, bring, forget},
    credential::Keeper,
    error::Failure,
    house::House,
    queue::{Again, Key},
};
use crate::{
    api::{Account, PasswordSpec},
    core::{
        ledger::Owner,
        ownership::{Claim, claim},
        scene::Origin,
    },
    credentials::password::{Password, password_secret},
};

/// Sees to the password; says when the next look is wanted.
pub async fn see_to(house: &Arc<House>, key: &Key, account: &Account) -> Result<Again, Failure> {
    let keeper = Keeper::<Password> { house: house.clone(), cache: Arc::default() };
    let password = Password::from(account.clone());
    match &account.spec.password {
        Some(PasswordSpec { secret_ref: None }) => {
            forget(house, &account.uid().unwrap_or_default());
            keeper.see_to(key, password).await
        }
        Some(PasswordSpec { secret_ref: Some(reference) }) => {
            let Brought { line, look_again } = bring(house, key, account, reference).await?;
            let again = keeper.see_to(key, password.bringing(line)).await?;
            Ok(again.at_the_latest(Some(look_again)))
        }
        None => {
            destroy(house, account).await?;
            Ok(Again::Never)
        }
    }
}

/// Nobody asks for it any more: what is ours goes, the copy first: the Secret is what reminds of it.
async fn destroy(house: &House, account: &Account) -> Result<(), Failure> {
    let (namespace, name) = (account.namespace().unwrap_or_default(), account.name_any());
    let (secret, uid) = (password_secret(&name), account.uid().unwrap_or_default());
    let told = account.status.as_ref().is_some_and(|told| told.password.is_some());
    let copy = copy_name(&uid);
    let me = Owner { kind: "Account".to_owned(), name: name.clone(), uid: uid.clone(), account: name };
    let is_mine = |secret: &str| {
        let holder = house.glance(&namespace, secret).and_then(|secret| secret.belongs_to());
        holder.is_some_and(|(kind, name)| (kind, name) == (me.kind.clone(), me.name.clone()))
    };
    if !told && !is_mine(&secret) && !is_mine(&copy) {
        return Ok(());
    }
    let api = house.secrets_in(&namespace);
    if let Some(there) = house.ask(api.get_opt(&copy)).await?
        && origin(held_for(&there), &me) != Origin::Strange
    {
        delete(house, &there).await?;
    }
    if let Some(there) = house.ask(api.get_opt(&secret)).await?
        && matches!(claim(&there.metadata, &me), Claim::Ours(_) | Claim::Mute)
    {
        delete(house, &there).await?;
    }
    house.own_writes.forget(&uid);
    house.slow_lane.forget(&uid);
    forget(house, &uid);
    Ok(())
}

/// Another one of its name is not meant.
async fn delete(house: &House, secret: &Secret) -> Result<(), Failure> {
    let (namespace, uid) = (secret.namespace().unwrap_or_default(), secret.uid().unwrap_or_default());
    match house.delete(&namespace, &secret.name_any(), uid, None).await {
        Err(Failure::Outrun) => Ok(()),
        outcome => outcome,
    }
}
