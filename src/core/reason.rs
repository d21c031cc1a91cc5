//! The one vocabulary of reasons that conditions, events, logs and histories share.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something is as it is. The name of a variant is what people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The first material was minted, or new material after an expiry or a revocation.
    Issued,
    /// Live material was replaced by new material, because somebody asked for it or by `rotation.every` or `rotation.cron`.
    Rotated,
    /// Live material was replaced by new material before its end, as `renewBefore` asks for.
    Renewed,
    /// A `rollback` let current and previous material change places.
    RolledBack,
    /// The overlap ended and the previous material was removed.
    Retired,
    /// A `revoke` destroyed the material; a new value of `chatelaine.dev/rotate` issues anew.
    Revoked,
    /// The not-after has passed and the material was destroyed; rotate it or move the date to issue anew.
    Expired,
    /// The not-after is near: rotate the credential or extend it.
    ExpiresWithin,
    /// The credential has a not-after that is not near yet.
    NotYetDue,
    /// The credential has no not-after.
    NeverExpires,
    /// `spec.active` is false: the material is kept, but not in the Secret.
    Inactive,
    /// The Account is inactive: the material is kept, but not in the Secret.
    AccountInactive,
    /// The credential is active again: the same material is back in the Secret.
    Reactivated,
    /// There is no Account of that name in this namespace.
    AccountNotFound,
    /// The Secret belongs to somebody else; create the credential with another `spec.secret.name`, or offer the Secret
    /// for adoption.
    SecretConflict,
    /// The Secret is being deleted; it is made again when it is gone.
    SecretTerminating,
    /// The Secret was lost and was made again with new material.
    SecretRecreated,
    /// The Secret was damaged by somebody and was mended.
    SecretRepaired,
    /// The Secret was lost or damaged: it gets new material as soon as the last is a minute old.
    AwaitingMaterial,
    /// A Secret that a backup or `deletionPolicy: Retain` left was taken back with the same material.
    Restored,
    /// A backup is to bring the Secret back, so says `chatelaine.dev/await-restore` or Velero's label: nothing is minted
    /// before that, however long it takes; remove annotation or label to have new material issued.
    AwaitingRestore,
    /// A workload that `spec.restart` names was restarted, because the Secret has a new revision.
    Restarted,
    /// A workload that `spec.restart` names could not be restarted; `status.restarts` says why, and it is tried again
    /// every five minutes.
    NotRestarted,
    /// A Secret that somebody offered by annotation was taken over with the same material.
    Adopted,
    /// The Account does not grant a permission that the credential asks for.
    PermissionNotGranted,
    /// The Account has as many credentials of this sort as its limit allows; delete one, or raise the limit.
    QuotaExceeded,
    /// The credential asks for a longer lifetime than its Account's limit; shorten it, or raise the limit.
    LifetimeExceeded,
    /// The credential refers to a role that its Account does not have.
    RoleNotFound,
    /// The ApiKeyPair of which this is a token is not there, or is another one than it was.
    ParentNotFound,
    /// The ApiKeyPair of which this is a token has no material yet, or lost it and gets new material.
    ParentNotIssued,
    /// The ApiKeyPair of which this is a token is inactive: nothing is issued of it; a live token lives on to its end.
    ParentInactive,
    /// The ApiKeyPair of which this is a token has expired, and the token with it; when the pair is issued anew, so is
    /// the token.
    ParentExpired,
    /// The ApiKeyPair of which this is a token was revoked, and the token with it; when the pair is issued anew, so is
    /// the token.
    ParentRevoked,
    /// The Secret with the passphrase for the private key is not there, or lacks the key, or has nothing under it.
    PassphraseNotFound,
    /// The passphrase cannot be used, or it is not the one with which the private key in the Secret is encrypted.
    InvalidPassphrase,
    /// The uploaded public key cannot be used.
    InvalidKey,
    /// The spec asks for something that cannot be done.
    InvalidSpec,
    /// The stored object, or the ledger on its Secret, cannot be read by this version.
    Unreadable,
    /// The clocks of the operator and of the API server differ by more than a minute.
    ClockSkew,
    /// New material could not be made; it is tried again.
    MintingFailed,
    /// The API server refused or did not answer; it is tried again.
    ApiUnavailable,
    /// The operator lacks a right; somebody must grant it.
    Forbidden,
    /// Everything is as the spec asks.
    Accepted,
    /// The first material is being made.
    Minting,
    /// The date was moved, or the output of the Secret was changed, without touching the material.
    Updated,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
