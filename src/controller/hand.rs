//! What a pass has in hand to encrypt a private key with, and how what is in the Secret compares with it.

use std::{collections::HashSet, time::Duration};

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::{
    beside::{SEALING_KEY, held_for, is_as_owned, origin},
    dice::SystemDice,
    observe::Seen,
};
use crate::{
    core::{
        ledger::Sealed,
        lifecycle::Complaint,
        material::{Material, SecretBytes, digest},
        scene::{Lock, Origin, Seal},
    },
    credentials::{
        Credential, MintError,
        passphrase::{is_sealing_key, seal, unseal},
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
    pub stuck: HashSet<String>,
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
