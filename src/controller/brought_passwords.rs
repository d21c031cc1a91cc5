//! The passwords that somebody brings: read from the user's Secret, and compared in the slow lane with the line that is
//! there, once for each version of that Secret.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use tokio::time::Instant;

use super::{
    beside::copy_name,
    credential::is_look_asked,
    dice::SystemDice,
    error::Failure,
    house::House,
    queue::{Key, Lane},
    secret_data::{parts, plain_parts},
    secrets::{Values, secret_name, verified},
    users_secret::{PAUSE, Pointer, look_again},
};
use crate::{
    api::{self, Account, PasswordSecretRef},
    core::{
        ledger::Ledger,
        lifecycle::Complaint,
        material::{Material, Parts, SecretBytes},
        reason::Reason,
    },
    credentials::{
        MintError,
        htpasswd::{self, Unusable},
        password::{HASHING, Line, Password},
    },
};

/// What is known of them, by the uid of the Account.
#[derive(Default)]
pub struct BroughtPasswords(Mutex<HashMap<String, Known>>);

#[derive(Clone)]
struct Known {
    reference: PasswordSecretRef,
    looked: Instant,
    found: Found,
}

#[derive(Clone)]
enum Found {
    /// It is being compared, or hashed if there is nothing that it fits.
    Read { password: SecretBytes, version: String, there: There },
    /// The line that lets in the password of this version.
    Line { line: Line, version: String },
    /// It cannot be had, or not be used.
    Refused { why: Complaint, since: Instant },
}

/// The line of a password that was brought, as it was published.
#[derive(Clone, Default)]
struct There {
    /// The one that the ledger names.
    id: Option<String>,
    /// None if it is not to be found.
    line: Option<Material>,
}

impl Known {
    /// How long it is not looked at again.
    fn rest(&self) -> Duration {
        let pause = match &self.found {
            Found::Refused { why, since } if why.reason == Reason::PasswordNotFound => {
                look_again(self.looked - *since)
            }
            Found::Read { .. } | Found::Line { .. } | Found::Refused { .. } => PAUSE,
        };
        pause.saturating_sub(self.looked.elapsed())
    }
}

impl Found {
    /// Whether another line is published than the one that is known, and was never compared: another operator's, or one
    /// that was put back.
    fn is_beside(&self, published: Option<&str>) -> bool {
        match self {
            Self::Line { line: Line { material, unlike }, .. } => {
                published.is_some_and(|id| material.identity.id != id && unlike.as_deref() != Some(id))
            }
            Self::Read { .. } | Self::Refused { .. } => false,
        }
    }
}

/// What is known of the password that is brought, and when to look again.
pub struct Brought {
    pub line: Result<Line, Complaint>,
    pub look_again: Duration,
}

impl BroughtPasswords {
    fn of(&self, uid: &str) -> Option<Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned()
    }

    fn note(&self, uid: &str, known: Known) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), known);
    }

    fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Nobody brings a password for this Account any more.
pub fn forget(house: &House, uid: &str) {
    house.brought_passwords.forget(uid);
    house.slow_lane.forget(&job(uid));
}

/// Beside what else is made for this Account.
fn job(uid: &str) -> String {
    format!("{uid} brought")
}

/// The line of the password that the reference points to. What takes long is done meanwhile; then the Account is looked at
/// again.
pub async fn bring(
    house: &Arc<House>,
    key: &Key,
    account: &Account,
    reference: &PasswordSecretRef,
) -> Result<Brought, Failure> {
    let uid = account.uid().unwrap_or_default();
    let password = Password::from(account.clone());
    let published = published(house, &password);
    let before = house.brought_passwords.of(&uid).filter(|known| known.reference == *reference);
    // What was not compared yet is looked at like something new.
    let before = before.filter(|known| !known.found.is_beside(published.as_deref()));
    let known = match before {
        Some(known) if !known.rest().is_zero() && !is_look_asked(&password) => known,
        before => look(house, account, reference, before).await?,
    };
    house.brought_passwords.note(&uid, known.clone());
    let look_again = known.rest();
    let line = match known.found.clone() {
        Found::Line { line, .. } => Ok(line),
        Found::Refused { why, .. } => Err(why),
        Found::Read { password: text, version, there } => {
            let id = there.id.clone();
            let order = format!("{} {version} beside {id:?}", reference.key);
            let make = move || {
                let line = password.line_of(&text, there.line, &mut SystemDice)?;
                Ok(Values { current: Some(line), previous: None })
            };
            let (again, key) = (house.clone(), key.clone());
            let done = move || again.queue.push(key, Lane::Ordinary);
            match house.slow_lane.take_or_start(&job(&uid), order, make, done) {
                None => Err(Complaint::waiting(Reason::Minting, HASHING)),
                Some(made) => {
                    let material = made?.current.ok_or(MintError("no line was made"))?;
                    let unlike = id.filter(|id| *id != material.identity.id);
                    let line = Line { material, unlike };
                    let found = Found::Line { line: line.clone(), version };
                    house.brought_passwords.note(&uid, Known { found, ..known });
                    Ok(line)
                }
            }
        }
    };
    Ok(Brought { line, look_again })
}

/// Reads the user's Secret, if it is another than it was.
async fn look(
    house: &House,
    account: &Account,
    reference: &PasswordSecretRef,
    before: Option<Known>,
) -> Result<Known, Failure> {
    let namespace = account.namespace().unwrap_or_default();
    let PasswordSecretRef { name, key } = reference;
    let pointer = Pointer { what: "password", secret: name, key, missing: Reason::PasswordNotFound };
    let now = |found: Found| Known { reference: reference.clone(), looked: Instant::now(), found };
    let before = before.map(|known| known.found);
    if let Some(line @ Found::Line { version, .. }) = &before
        && pointer.version(house, &namespace).await.as_ref() == Some(version)
    {
        return Ok(now(line.clone()));
    }
    let found = pointer.read(house, &namespace).await;
    let found = found.and_then(|found| Ok((usable(&pointer, &found.value)?, found.version)));
    let found = match (found, before) {
        (Ok((password, version)), before) => {
            let there = match before {
                Some(Found::Line { line: Line { material, .. }, .. }) => {
                    There { id: Some(material.identity.id.clone()), line: Some(material) }
                }
                Some(Found::Read { there, .. }) => there,
                Some(Found::Refused { .. }) | None => line_there(house, account).await?,
            };
            Found::Read { password, version, there }
        }
        // What cannot be read changes nothing.
        (Err(why), Some(line @ Found::Line { .. })) if why.reason == Reason::ApiUnavailable => line,
        (Err(why), Some(Found::Refused { since, .. })) => Found::Refused { why, since },
        (Err(why), Some(Found::Line { .. } | Found::Read { .. }) | None) => {
            Found::Refused { why, since: Instant::now() }
        }
    };
    Ok(now(found))
}

/// The password in the value, or why there is none.
fn usable(pointer: &Pointer<'_>, value: &SecretBytes) -> Result<SecretBytes, Complaint> {
    let Pointer { secret, key, .. } = pointer;
    let invalid = |what: &str| {
        let text = format!("The password under the key {key} of the Secret {secret} {what}");
        Complaint::person(Reason::InvalidPassword, text)
    };
    htpasswd::password(value.expose()).map_err(|why| match why {
        Unusable::Empty => pointer.empty(),
        Unusable::TooShort => invalid("has fewer than 8 characters: choose a longer one"),
        Unusable::TooLong => {
            invalid("is longer than 72 bytes, and bcrypt hashes no more: choose a shorter one")
        }
        Unusable::NoText => invalid("is not text (UTF-8): choose another"),
        Unusable::OfManyLines => {
            invalid("has line breaks or other control characters: choose one that can be typed")
        }
    })
}

/// The id of the line that is published or withheld, as the cache shows it.
fn published(house: &House, password: &Password) -> Option<String> {
    let secret = house.glance(&password.namespace().unwrap_or_default(), &secret_name(password))?;
    let ledger = Ledger::parse(&secret.meta.annotation(api::LEDGER)?).ok()?;
    ledger.is_of_line().then_some(ledger.id)
}

/// The line that is published or withheld, read from where it is.
async fn line_there(house: &House, account: &Account) -> Result<There, Failure> {
    let namespace = account.namespace().unwrap_or_default();
    let password = Password::from(account.clone());
    let name = secret_name(&password);
    let told = account.status.as_ref().is_some_and(|told| told.password.is_some());
    if !told && house.glance(&namespace, &name).is_none() {
        return Ok(There::default());
    }
    let api = house.secrets_in(&namespace);
    let Some(secret) = house.ask(api.get_opt(&name)).await? else { return Ok(There::default()) };
    let Some(ledger) = ledger_on(&secret).filter(Ledger::is_of_line) else { return Ok(There::default()) };
    let read = |parts: &Parts| verified(&password, parts, &ledger).0.current;
    let mut line = read(&parts(&password, &secret, Some(&ledger)));
    if line.is_none() {
        let copy =
            ledger.held.as_ref().map_or_else(|| copy_name(&ledger.owner.uid), |held| held.name.clone());
        line = house.ask(api.get_opt(&copy)).await?.and_then(|copy| read(&plain_parts(&copy)));
    }
    Ok(There { id: Some(ledger.id), line })
}

fn ledger_on(secret: &Secret) -> Option<Ledger> {
    Ledger::parse(secret.annotations().get(api::LEDGER)?).ok()
}
