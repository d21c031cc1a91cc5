//! The passphrase of a private key: read from the user's Secret, which no watch shows, and compared with the one that the
//! ledger notes.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::ResourceExt;
use tokio::time::Instant;

use super::{
    beside::{SEALING_KEY, held_for, is_as_owned, origin, seal_name},
    dice::SystemDice,
    error::Failure,
    house::House,
    observe::{Depth, Seen},
    users_secret::{PAUSE, Pointer, look_again, version_of},
};
use crate::{
    api::PassphraseSecretRef,
    core::{
        ledger::{Ledger, Sealed},
        lifecycle::{Complaint, Remedy},
        material::{Material, SecretBytes, digest},
        period::Period,
        reason::Reason,
        scene::{Lock, Origin, Seal},
    },
    credentials::{
        Credential, MintError,
        passphrase::{Unusable, is_sealing_key, passphrase, seal, unseal},
    },
};

/// What a pass has in hand to encrypt with.
#[derive(Clone, Default)]
pub struct Hand {
    pub passphrase: Passphrase,
    /// The Secret that is the seal, as it was read.
    pub seal: Option<Secret>,
    /// When to look for the passphrase again: no watch shows its Secret.
    pub look_again: Option<Duration>,
    /// What was tried in vain to open keys.
    stuck: HashSet<String>,
}

/// What the spec asks to encrypt with.
#[derive(Clone, Default)]
pub enum Passphrase {
    #[default]
    None,
    Here {
        text: SecretBytes,
        /// Of the Secret that it is in.
        version: String,
    },
    /// It was not read: what it is does not matter now, or it is as it was when it was last compared.
    Unread,
    /// It cannot be had.
    Refused(Complaint),
}

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

/// Says in the scene how the keys are encrypted, against how they should be.
pub fn judge<K: Credential>(seen: &mut Seen<K>) {
    let Hand { passphrase, seal, stuck, .. } = &seen.hand;
    let is_stuck = |sealed: Option<&Sealed>| {
        !stuck.is_empty() && sealed.is_some_and(|sealed| stuck.contains(&seen.hand.attempt(sealed)))
    };
    let fits = |sealed: Option<&Sealed>| seen.hand.fits(sealed);
    let ledger = seen.scene.ledger().filter(|ledger| ledger.is_live());
    let judged = ledger.map_or(Lock::Fits, |ledger| {
        let (current, previous) = (ledger.sealed.as_ref(), ledger.previous.as_ref());
        let previous = previous.map(|previous| previous.sealed.as_ref());
        let differs = |sealed: Option<&Sealed>| !fits(sealed) && !is_stuck(sealed);
        match () {
            () if differs(current) || previous.is_some_and(differs) => Lock::Differs,
            () if !fits(current) => Lock::Stuck,
            () => Lock::Fits,
        }
    });
    seen.scene.lock = match passphrase {
        Passphrase::Refused(why) => Lock::NoPassphrase(why.clone()),
        Passphrase::None | Passphrase::Unread | Passphrase::Here { .. } => judged,
    };
    seen.scene.seal = match (passphrase, seal) {
        (Passphrase::None | Passphrase::Unread | Passphrase::Refused(_), _) => Seal::Ready,
        (Passphrase::Here { .. }, None) => Seal::Missing,
        (Passphrase::Here { .. }, Some(seal)) => match origin(held_for(seal), &seen.scene.owner) {
            Origin::Strange => Seal::Strange,
            Origin::Found | Origin::JustMade if seen.hand.key().is_none() => Seal::Missing,
            Origin::Found | Origin::JustMade if is_as_owned(&*seen.object, seal) => Seal::Ready,
            Origin::Found | Origin::JustMade => Seal::Missing,
        },
    };
}

impl Hand {
    /// The key in the seal.
    pub fn key(&self) -> Option<SecretBytes> {
        let value = self.seal.as_ref()?.data.as_ref()?.get(SEALING_KEY)?;
        is_sealing_key(&value.0).then(|| SecretBytes::from(value.0.clone()))
    }

    /// What to encrypt with, if it was read.
    pub fn text(&self) -> Option<SecretBytes> {
        match &self.passphrase {
            Passphrase::Here { text, .. } => Some(text.clone()),
            Passphrase::None | Passphrase::Unread | Passphrase::Refused(_) => None,
        }
    }

    /// Which passphrase it is, without saying it.
    pub fn version(&self) -> &str {
        match &self.passphrase {
            Passphrase::Here { version, .. } => version,
            Passphrase::None | Passphrase::Unread | Passphrase::Refused(_) => "none",
        }
    }

    /// Whether a key of which the ledger notes this is encrypted as the spec asks.
    pub fn fits(&self, sealed: Option<&Sealed>) -> bool {
        match (&self.passphrase, sealed) {
            (Passphrase::None, sealed) => sealed.is_none(),
            (Passphrase::Here { text, .. }, Some(sealed)) => self.unseal(sealed).as_ref() == Some(text),
            (Passphrase::Here { .. }, None) => false,
            (Passphrase::Unread | Passphrase::Refused(_), _) => true,
        }
    }

    /// The passphrase that the ledger notes, if the seal still has the key to it.
    pub fn unseal(&self, sealed: &Sealed) -> Option<SecretBytes> {
        unseal(&self.key()?, &sealed.passphrase)
    }

    /// Which attempt to open a key would be made: the same one need not be made twice.
    pub fn attempt(&self, sealed: &Sealed) -> String {
        let with = if self.unseal(sealed).is_some() { "what is noted" } else { self.version() };
        format!("{} {with}", sealed.digest)
    }

    /// What the ledger is to note of this material; None if it is not encrypted.
    pub fn note(&self, material: &Material) -> Result<Option<Sealed>, MintError> {
        let Passphrase::Here { text, .. } = &self.passphrase else { return Ok(None) };
        let (Some(key), Some(seal_there)) = (self.key(), &self.seal) else {
            return Err(MintError("the seal is not where it should be"));
        };
        Ok(Some(Sealed {
            digest: digest(material.secret.as_ref().map(SecretBytes::expose).unwrap_or_default()),
            passphrase: seal(&key, text, &mut SystemDice)?,
            seal: seal_there.name_any(),
        }))
    }
}
