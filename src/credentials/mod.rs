//! What differs between the kinds: how material is minted, read back and shown. Synchronous and seedable.

mod access_token;
mod alphabet;
mod api_key_pair;
mod authorized_keys;
pub mod htpasswd;
mod key_pair_format;
pub mod passphrase;
pub mod password;
pub mod rendering;
mod rsa;
mod shared;
mod ssh_key;
mod ssh_private;
mod ssh_public;
mod ssh_scalar;
mod token_text;

use std::fmt::Debug;

use jiff::Timestamp;
use kube::core::{NamespaceResourceScope, object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

pub use shared::Shared;

use self::rendering::Outline;
use crate::api::{
    AccountSpec, ApiKeyPairRef, Counts, CredentialStatus, Limits, PassphraseSecretRef, Rotation, Tally,
};
use crate::core::{
    ledger::Ledger,
    lifecycle::Complaint,
    limit::Quota,
    material::{self, Identity, Material, Parts, SecretBytes},
    policy::Source,
    trigger::{Asked, Triggers},
};

/// The type of a Secret of which Kubernetes demands nothing.
const OPAQUE: &str = "Opaque";

/// Where randomness comes from. Material is a function of one seed (and, for RSA, of one key pair), so a test can
/// mint the same twice.
pub trait Dice {
    fn seed(&mut self) -> Result<Zeroizing<[u8; 32]>, MintError>;
    /// A new RSA key as PKCS#8 DER. Takes seconds.
    fn rsa(&mut self, bits: u32) -> Result<Zeroizing<Vec<u8>>, MintError>;
}

/// Material could not be made. Never says anything about the material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("new material could not be made: {0}")]
pub struct MintError(pub &'static str);

/// How long it takes to mint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Microseconds: done where it is asked for.
    Quick,
    /// Milliseconds to seconds: off the runtime's threads, in a lane of its own.
    Slow,
}

/// Where material of one credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Current,
    Previous,
}

/// How `spec.secret.keys` is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The key has the other name instead of its own.
    Rename,
    /// The key is there under both names (a type such as `kubernetes.io/ssh-auth` needs its own).
    Copy,
}

/// What is to be minted.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The identity that stays (`SecretOnly`, or an access key assigned while inactive).
    pub keep: Option<&'a str>,
    /// `Account.spec.tokenPrefix`.
    pub token_prefix: Option<&'a str>,
}

/// What a Secret is to show.
#[derive(Clone, Copy, Debug)]
pub struct Showing<'a> {
    /// The identity that stays listed also when there is no material.
    pub identity: &'a Identity,
    /// None: withdrawn, and why in one line.
    pub current: Result<&'a Material, &'a str>,
    /// In an overlap: the previous material and its retirement time.
    pub previous: Option<(&'a Material, Timestamp)>,
    pub account: &'a str,
    pub permissions: &'a [String],
    pub not_after: Option<Timestamp>,
}

/// A kind of credential. Adding one means implementing this and naming it in [`every_kind!`](crate::every_kind).
pub trait Credential:
    kube::Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + HasStatus<Status: Clone + Debug + PartialEq + Serialize + Send + Sync>
    + Shared
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The name of the kind.
    const KIND: &'static str;
    /// The data keys of this kind that hold secrets; a withdrawn Secret has none of them (but see `render`).
    const SECRET_ROLES: &'static [&'static str];
    const NAMING: Naming;
    /// The names that `spec.secret.template` can show.
    const NAMES: &'static [&'static str];

    /// `spec.rotation`, as far as all kinds have it.
    fn rotation(&self) -> Option<&Rotation>;
    /// The permissions asked for; None for a kind that has none.
    fn permissions(&self) -> Option<&[String]>;
    /// The roles of the Account that are asked for.
    fn roles(&self) -> &[String] {
        &[]
    }
    /// The limits of the Account that count this credential.
    fn quotas(&self, limits: &Limits) -> Vec<Quota>;
    /// Says in the numbers of an Account how many of this kind it has.
    fn count(counts: &mut Counts, tally: Tally);
    /// The id that the status tells, as people select by it.
    fn told_id(&self) -> Option<String> {
        self.told_identity().map(|identity| identity.id)
    }
    /// The fingerprint that the status tells, for a kind that has one.
    fn told_fingerprint(&self) -> Option<String> {
        None
    }
    /// The identity that the status tells, heard when the Secret cannot speak.
    fn told_identity(&self) -> Option<Identity>;
    /// The status of this kind: the common part and what only this kind tells.
    fn tell(&self, common: CredentialStatus, ledger: Option<&Ledger>) -> Self::Status;
    /// The triggers that act on it, given those on its Account.
    fn asked(&self, account: Triggers) -> Asked {
        Asked { own: Triggers::of(self.meta().annotations.as_ref()), account }
    }
    /// What of its Account counts for this kind.
    fn under(account: AccountSpec) -> AccountSpec {
        account
    }

    /// The type of the Secret; it never changes.
    fn secret_type(&self) -> &'static str;
    fn effort(&self) -> Effort;
    /// Whether a rotation keeps the identity and changes only the secret.
    fn keeps_identity(&self) -> bool;
    /// A small number for APIs that name credentials by integers, made from the uid.
    fn number(_uid: &str) -> Option<i64> {
        None
    }
    /// That number as status tells it, heard when the Secret cannot speak: of the first owner, so not always of this uid.
    fn told_number(&self) -> Option<i64> {
        None
    }
    /// What is brought instead of minted (an uploaded public key); `Err` when it cannot be used, or not yet.
    fn brought(&self) -> Option<Result<Material, Complaint>> {
        None
    }
    /// Where material comes from.
    fn source(&self) -> Source {
        match self.brought() {
            Some(brought) => Source::Brought { id: brought.ok().map(|material| material.identity.id) },
            None if self.keeps_identity() => Source::MintSecret,
            None => Source::MintBoth,
        }
    }

    /// An identity without material, for a credential that is created inactive; None where the identity comes
    /// from the material.
    fn assign(&self, dice: &mut dyn Dice) -> Result<Option<Identity>, MintError>;
    fn mint(&self, order: Order<'_>, dice: &mut dyn Dice) -> Result<Material, MintError>;
    /// What the ledger says of material instead of the material.
    fn digest(&self, material: &Material) -> String;
    /// All data keys of the Secret, by role.
    fn render(&self, showing: Showing<'_>) -> Parts;
    /// What ready-made renderings need to know of this kind.
    fn outline(&self) -> Outline<'_>;
    /// The material in the data of a Secret that `render` wrote, or that somebody offers for adoption; None if it
    /// is missing or is no material of this kind. `id` is what the ledger says; None: read it from the data.
    fn read(&self, data: &Parts, place: Place, id: Option<&str>) -> Option<Material>;
    /// Whether material that somebody offers is what the spec asks for; a message that says what does not fit.
    fn conforms(&self, material: &Material) -> Result<(), String>;
    /// Whether all is there that takes long to make from the material.
    fn is_whole(&self, _material: &Material) -> bool {
        true
    }
    /// The same material with all that is made from it. Slow, so never on the runtime's threads.
    fn made_whole(&self, material: &Material, _dice: &mut dyn Dice) -> Result<Material, MintError> {
        Ok(material.clone())
    }
    /// Where the passphrase is with which the private half is to be encrypted.
    fn passphrase_ref(&self) -> Option<&PassphraseSecretRef> {
        None
    }
    /// The pair of which this is a short-lived part.
    fn parent_ref(&self) -> Option<&ApiKeyPairRef> {
        None
    }
    /// The same material, encrypted. Slow on purpose, so never on the runtime's threads.
    fn lock(
        &self,
        _material: &Material,
        _passphrase: &SecretBytes,
        _dice: &mut dyn Dice,
    ) -> Result<Material, MintError> {
        Err(MintError("this kind has nothing to encrypt"))
    }
    /// The material as it was before [`lock`](Self::lock); None if it is another passphrase. As slow.
    fn unlock(&self, _material: &Material, _passphrase: &SecretBytes) -> Option<Material> {
        None
    }
    /// The encrypted bytes in the data, without a look into them.
    fn locked(&self, _data: &Parts, _place: Place) -> Option<SecretBytes> {
        None
    }
    /// Text that changes when `render` would give something else for the same material: the kind's own options.
    fn output_options(&self) -> String {
        String::new()
    }
}

/// The digest of material whose secret alone says which one it is.
fn digest_of_secret(material: &Material) -> String {
    material::digest(material.secret.as_ref().map(SecretBytes::expose).unwrap_or_default())
}

/// Whole seconds, rounded down: nobody is told that it is valid longer than it is.
fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn put_secret(parts: &mut Parts, role: &str, material: &Material) {
    parts.extend(material.secret.iter().map(|secret| (role.to_owned(), secret.clone())));
}
