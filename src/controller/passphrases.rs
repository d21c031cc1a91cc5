//! The passphrase of a private key: read from the user's Secret, which no watch shows, and no more often than it matters.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use tokio::time::Instant;

use super::{
    beside::seal_name,
    error::Failure,
    hand::{Hand, Passphrase, judge},
    house::House,
    observe::{Depth, Seen},
    users_secret::{PAUSE, Pointer, look_again, version_of},
};
use crate::{
    api::PassphraseSecretRef,
    core::{
        ledger::{Ledger, Sealed},
        lifecycle::{Complaint, Remedy},
        material::SecretBytes,
        period::Period,
        reason::Reason,
    },
    credentials::{
        Credential,
        passphrase::{Unusable, passphrase},
    },
};

/// What is known of passphrases, by the uid of the credential.
#[derive(Default)]
pub struct Passphrases(Mutex<HashMap<String, Known>>);

struct Known {
    reference: Option<PassphraseSecretRef>,
    /// The version of the Secret, or since when it is missing.
    found: Result<String, Instant>,
    looked: Instant,
    /// The notes of the ledger that were seen to fit, and the version of the seal that they were read with.
    fits: (Vec<Sealed>, String),
    stuck: HashSet<String>,
}

impl Passphrases {
    fn with<T>(&self, uid: &str, act: impl FnOnce(Option<&mut Known>) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(uid))
    }

    pub fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    /// This attempt to open a key was in vain.
    pub fn does_not_open(&self, uid: &str, attempt: String) {
        self.with(uid, |known| known.map(|known| known.stuck.insert(attempt)));
    }

    /// The passphrase fits what the ledger notes: as long as neither changes, it need not be read.
    pub fn fits(&self, ledger: &Ledger, seal: &ObjectMeta) {
        let fits = (notes(ledger), version_of(seal));
        self.with(&ledger.owner.uid, |known| known.map(|known| known.fits = fits));
    }

    /// Notes what was found, or that nothing was: how long already.
    fn looked(
        &self,
        uid: &str,
        reference: Option<&PassphraseSecretRef>,
        found: Option<String>,
    ) -> (HashSet<String>, Duration) {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = all.remove(uid).filter(|known| known.reference.as_ref() == reference);
        let since = before.as_ref().and_then(|known| known.found.as_ref().err()).copied().unwrap_or(now);
        let same = before.filter(|known| found.is_some() && known.found.as_ref().ok() == found.as_ref());
        let (fits, stuck) = same.map(|known| (known.fits, known.stuck)).unwrap_or_default();
        let known = Known {
            reference: reference.cloned(),
            found: found.ok_or(since),
            looked: now,
            fits,
            stuck: stuck.clone(),
        };
        all.insert(uid.to_owned(), known);
        (stuck, now - since)
    }
}

/// What the ledger notes of encrypted keys.
fn notes(ledger: &Ledger) -> Vec<Sealed> {
    let previous = ledger.previous.as_ref().and_then(|previous| previous.sealed.as_ref());
    ledger.sealed.iter().chain(previous).cloned().collect()
}

/// Sees to the passphrase of what was seen, if its kind has one.
pub async fn see_passphrase<K: Credential>(house: &House, seen: &mut Seen<K>) -> Result<(), Failure> {
    let sealed = seen.scene.ledger().is_some_and(|ledger| !notes(ledger).is_empty());
    seen.hand = match seen.object.passphrase_ref().cloned() {
        None if sealed => {
            let (stuck, _) = house.passphrases.looked(&seen.scene.owner.uid, None, Some(String::new()));
            Hand { stuck, ..Hand::default() }
        }
        None => Hand::default(),
        Some(_) if !matters(seen) => Hand { passphrase: Passphrase::Unread, ..Hand::default() },
        Some(reference) => read(house, seen, &reference).await,
    };
    let needed = match seen.hand.passphrase {
        Passphrase::Here { .. } => true,
        Passphrase::None => sealed,
        Passphrase::Unread | Passphrase::Refused(_) => false,
    };
    if needed {
        seen.hand.seal = find_seal(house, seen).await?;
    }
    judge(seen);
    Ok(())
}

/// Whether something could be encrypted on the word of what was seen. A glance at what holds no key never is enough.
fn matters<K: Credential>(seen: &Seen<K>) -> bool {
    seen.depth == Depth::Live || seen.scene.is_blank() || seen.scene.ledger().is_some_and(Ledger::is_live)
}

async fn read<K: Credential>(house: &House, seen: &Seen<K>, reference: &PassphraseSecretRef) -> Hand {
    if let Some(pause) = as_before(house, seen, reference).await {
        return Hand { passphrase: Passphrase::Unread, look_again: Some(pause), ..Hand::default() };
    }
    let pointer = pointer(reference);
    let found = pointer.read(house, &seen.object.namespace().unwrap_or_default()).await;
    let found = found.and_then(|found| Ok((usable(&pointer, &found.value)?, found.version)));
    let version = found.as_ref().ok().map(|(_, version)| version.clone());
    let (stuck, missing) = house.passphrases.looked(&seen.scene.owner.uid, Some(reference), version);
    let passphrase = match found {
        Ok((text, version)) => Passphrase::Here { text, version },
        Err(why) if why.remedy == Remedy::Person => Passphrase::Refused(why),
        Err(why) => {
            let pause = Period::seconds(look_again(missing).as_secs());
            Passphrase::Refused(why.until(pause.after(seen.scene.now)))
        }
    };
    Hand { passphrase, seal: None, look_again: Some(PAUSE), stuck }
}

/// When to look again, if a glance is enough: neither the ledger nor the seal nor, by its version, the user's Secret is
/// another than when they were last seen to fit.
async fn as_before<K: Credential>(
    house: &House,
    seen: &Seen<K>,
    reference: &PassphraseSecretRef,
) -> Option<Duration> {
    let ledger =
        seen.scene.ledger().filter(|ledger| ledger.sealed.is_some() && seen.depth == Depth::Glance)?;
    let namespace = seen.object.namespace().unwrap_or_default();
    let seal = house.glance(&namespace, &ledger.sealed.as_ref()?.seal)?;
    let fits = (notes(ledger), format!("{}/{}", seal.meta.uid, seal.meta.resource_version));
    let uid = &seen.scene.owner.uid;
    let (version, age) = house.passphrases.with(uid, |known| {
        let known =
            known.filter(|known| known.reference.as_ref() == Some(reference) && known.fits == fits)?;
        Some((known.found.clone().ok()?, known.looked.elapsed()))
    })?;
    if age < PAUSE {
        return Some(PAUSE - age);
    }
    if pointer(reference).version(house, &namespace).await? != version {
        return None;
    }
    house.passphrases.looked(uid, Some(reference), Some(version));
    Some(PAUSE)
}

fn pointer(PassphraseSecretRef { name, key }: &PassphraseSecretRef) -> Pointer<'_> {
    Pointer { what: "passphrase", secret: name, key, missing: Reason::PassphraseNotFound }
}

/// The passphrase in the value, or why there is none.
fn usable(pointer: &Pointer<'_>, value: &SecretBytes) -> Result<SecretBytes, Complaint> {
    let Pointer { secret, key, .. } = pointer;
    let invalid = |text: String| Complaint::person(Reason::InvalidPassphrase, text);
    passphrase(value.expose()).map_err(|why| match why {
        Unusable::Empty => pointer.empty(),
        Unusable::TooLong => invalid(format!(
            "The passphrase under the key {key} of the Secret {secret} is longer than 1023 bytes: choose a shorter one"
        )),
        Unusable::OfManyLines => invalid(format!(
            "The passphrase under the key {key} of the Secret {secret} is more than one line: nobody could type it, choose another"
        )),
    })
}

/// The seal that the ledger names, else the one that there would be. Before the first issue the cache is asked first.
async fn find_seal<K: Credential>(house: &House, seen: &Seen<K>) -> Result<Option<Secret>, Failure> {
    let namespace = seen.object.namespace().unwrap_or_default();
    let own = seal_name(&seen.scene.owner.uid);
    if seen.scene.is_blank() && seen.depth == Depth::Glance && house.glance(&namespace, &own).is_none() {
        return Ok(None);
    }
    let api = house.secrets_in(&namespace);
    let named = seen.scene.ledger().map(notes).unwrap_or_default().into_iter().next().map(|note| note.seal);
    if let Some(named) = named.filter(|named| *named != own)
        && let Some(found) = house.ask(api.get_opt(&named)).await?
    {
        return Ok(Some(found));
    }
    house.ask(api.get_opt(&own)).await
}
