//! The one vocabulary of reasons that conditions, events, logs and histories share.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something is as it is. The name of a variant is what people see; its second paragraph says what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The first material was minted, or new material after an expiry or a revocation.
    ///
    /// Nothing.
    Issued,
    /// Live material was replaced by new material, because somebody asked for it or by `rotation.every` or
    /// `rotation.cron`.
    ///
    /// Nothing, or let whoever reads the value only once (an environment variable) start again before the overlap
    /// ends.
    Rotated,
    /// Live material was replaced by new material before its end, as `renewBefore` asks for.
    ///
    /// As after `Rotated`.
    Renewed,
    /// A `rollback` let current and previous material change places.
    ///
    /// Find out what was wrong with the newer material, and revoke or rotate.
    RolledBack,
    /// The overlap ended and the previous material was removed.
    ///
    /// Nothing.
    Retired,
    /// A `revoke` destroyed the material.
    ///
    /// Set a new value of `chatelaine.dev/rotate` to issue anew.
    Revoked,
    /// The not-after has passed and the material was destroyed.
    ///
    /// Set a new value of `chatelaine.dev/rotate`, or move the date into the future.
    Expired,
    /// The not-after is near.
    ///
    /// Rotate the credential, or extend it; `renewBefore` does so by itself.
    ExpiresWithin,
    /// The credential has a not-after that is not near yet.
    ///
    /// Nothing.
    NotYetDue,
    /// The credential has no not-after.
    ///
    /// Nothing; `lifetime` or the Account's `credentialDefaults.lifetime` give it an end.
    NeverExpires,
    /// `spec.active` is false: the material is kept, but not in the Secret.
    ///
    /// Set `spec.active: true` to have the same bytes back.
    Inactive,
    /// The Account is inactive: the material is kept, but not in the Secret.
    ///
    /// Set `spec.active: true` on the Account to have the same bytes back.
    AccountInactive,
    /// The credential is active again: the same material is back in the Secret.
    ///
    /// Nothing.
    Reactivated,
    /// There is no Account of that name in this namespace.
    ///
    /// Create the Account, or delete the credential: which Account it belongs to cannot be changed.
    AccountNotFound,
    /// The Secret belongs to somebody else, or somebody keeps it from being what the spec asks for.
    ///
    /// Do what the message says: create the credential with another `spec.secret.name`, put
    /// `chatelaine.dev/adopt: <kind>/<name>` on the Secret to have it taken over, or let whoever changes it leave it alone.
    SecretConflict,
    /// The object is being deleted, and its Secret holds nothing that can be used: nothing is made any more.
    ///
    /// Nothing; if it lasts, see which finalizer keeps the object.
    BeingDeleted,
    /// The Secret is being deleted; it is made again when it is gone.
    ///
    /// Nothing; if it lasts, see which finalizer keeps the Secret.
    SecretTerminating,
    /// The Secret was lost and was made again with new material.
    ///
    /// Find out who deletes the Secret: everybody who uses it has to take up the new value.
    SecretRecreated,
    /// The Secret was damaged by somebody and was mended.
    ///
    /// Find out who edits the Secret.
    SecretRepaired,
    /// The Secret was lost or damaged: it gets new material as soon as the last is a minute old.
    ///
    /// Nothing; it takes a minute at most.
    AwaitingMaterial,
    /// A Secret that a backup or `deletionPolicy: Retain` left was taken back with the same material.
    ///
    /// Nothing.
    Restored,
    /// A backup is to bring the Secret back, so says `chatelaine.dev/await-restore` or Velero's label: nothing is
    /// minted before that, however long it takes.
    ///
    /// Restore the Secret; or remove annotation or label to have new material issued.
    AwaitingRestore,
    /// A workload that `spec.restart` names was restarted, because the Secret has a new revision.
    ///
    /// Nothing.
    Restarted,
    /// A workload that `spec.restart` names could not be restarted; `status.restarts` says why, and it is tried again
    /// after five minutes at the latest.
    ///
    /// Do what `status.restarts` says: name another workload, let its pod template refer to the Secret, or install
    /// `deploy/components/restart`.
    NotRestarted,
    /// A Secret that somebody offered by annotation was taken over with the same material.
    ///
    /// Nothing.
    Adopted,
    /// The Account does not grant a permission that the credential asks for.
    ///
    /// Ask for less in `spec.permissions` or `spec.roles`, or grant it in the Account; the message lists what is
    /// granted.
    PermissionNotGranted,
    /// The Account has as many credentials of this sort as its limit allows.
    ///
    /// Delete a credential of that sort, or raise the limit; the oldest come first, and the next is issued by itself.
    QuotaExceeded,
    /// The credential asks for a longer lifetime than its Account's limit.
    ///
    /// Shorten `spec.lifetime` or move `spec.expirationTime` nearer, or raise `limits.maxLifetime` of the Account.
    LifetimeExceeded,
    /// The credential refers to a role that its Account does not have.
    ///
    /// Name a role that the Account has, or add it to `spec.roles` of the Account.
    RoleNotFound,
    /// The ApiKeyPair of which this is a token is not there, or is another one than it was.
    ///
    /// Create the pair, or delete the token: which pair it belongs to cannot be changed.
    ParentNotFound,
    /// The ApiKeyPair of which this is a token has no material yet, or lost it and gets new material.
    ///
    /// See what the pair says.
    ParentNotIssued,
    /// The ApiKeyPair of which this is a token is inactive: nothing is issued of it; a live token lives on to its end.
    ///
    /// Set `spec.active: true` on the pair.
    ParentInactive,
    /// The ApiKeyPair of which this is a token has expired, and the token with it.
    ///
    /// Rotate the pair, or move its date; the token is issued anew by itself.
    ParentExpired,
    /// The ApiKeyPair of which this is a token was revoked, and the token with it.
    ///
    /// Rotate the pair; the token is issued anew by itself.
    ParentRevoked,
    /// The Secret with the passphrase for the private key is not there, or lacks the key, or has nothing under it.
    ///
    /// Create that Secret, or correct `spec.passphraseSecretRef`; it is looked for once a minute.
    PassphraseNotFound,
    /// The passphrase cannot be used, or it is not the one with which the private key in the Secret is encrypted.
    ///
    /// Put a passphrase of one line there; or, if the old one is lost, set a new value of `chatelaine.dev/rotate` for
    /// another key.
    InvalidPassphrase,
    /// The Secret with the password that `spec.password.secretRef` points to is not there, or lacks the key, or has
    /// nothing under it.
    ///
    /// Create that Secret, or correct `spec.password.secretRef`; it is looked for once a minute.
    PasswordNotFound,
    /// The password that `spec.password.secretRef` points to cannot be used.
    ///
    /// Put text of one line there, of at least 8 characters and at most 72 bytes; it is looked at once a minute.
    InvalidPassword,
    /// The uploaded public key cannot be used.
    ///
    /// Put the one line of a `.pub` file into `spec.publicKey`; the message says what is wrong with this one.
    InvalidKey,
    /// The spec asks for something that cannot be done.
    ///
    /// Do what the message says.
    InvalidSpec,
    /// The stored object, or the ledger on its Secret, cannot be read by this version.
    ///
    /// Mend the object with `kubectl edit`, or upgrade the operator if a newer one wrote the ledger. The material of an
    /// object that cannot be read still expires and can be revoked; nothing else happens to it until then.
    Unreadable,
    /// The clocks of the operator and of the API server differ by more than a minute.
    ///
    /// Synchronise the clocks of the nodes (NTP).
    ClockSkew,
    /// New material could not be made; it is tried again.
    ///
    /// Nothing at first; if it lasts, read the operator's log.
    MintingFailed,
    /// The API server refused or did not answer; it is tried again.
    ///
    /// Nothing at first; if it lasts, see how the API server is.
    ApiUnavailable,
    /// The operator lacks a right, or a ResourceQuota or a policy forbids what it would write.
    ///
    /// See whether a ResourceQuota of the namespace is used up and whether a policy refuses the Secret; then compare the
    /// operator's roles with those in `deploy/`.
    Forbidden,
    /// Everything is as the spec asks.
    ///
    /// Nothing.
    Accepted,
    /// Material is being made, or encrypted: the first, or what replaces the one that is there.
    ///
    /// Wait; an RSA key takes seconds.
    Minting,
    /// The date was moved, or the output of the Secret was changed, without touching the material.
    ///
    /// Nothing.
    Updated,
}

impl Reason {
    /// Something was tried and failed, and is tried again.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::ApiUnavailable | Self::Forbidden | Self::MintingFailed)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
