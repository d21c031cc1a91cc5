//! What users write: the four kinds of `chatelaine.dev/v1alpha1`, and what the operator answers in their
//! status.
//!
//! This module is data and documentation. It has no logic, no client and no clock; its doc comments are the
//! user's manual, printed by `kubectl explain`, and its rules are enforced by the API server itself, in CEL.
//!
//! | file | holds |
//! |---|---|
//! | [`account`] | `Account`: who holds credentials, and what it may hand out |
//! | [`limits`] | how much an Account may hold, and for how long |
//! | [`holdings`] | what it does hold |
//! | [`api_key_pair`], [`ssh_key`], [`access_token`] | the three credentials |
//! | [`common`] | what the three share in `spec` |
//! | [`password`] | the password of an Account |
//! | [`output`] | what the Secret looks like |
//! | [`status`] | what the three share in `status` |
//! | `rule`, `output_rule` | the sentences of admission: one CEL rule each, with its message |
//! | `part_rule` | those about a short-lived token of a pair |
//! | [`restart`] | the workloads that are restarted for new material |
//! | `schedule` | those about what is replaced by itself |
//! | `shape` | bounded lists and maps, whose rules sit on their items |
//! | [`crd`] | the CustomResourceDefinitions in the form in which they are published |

pub mod access_token;
pub mod account;
pub mod api_key_pair;
pub mod common;
pub mod crd;
pub mod holdings;
pub mod limits;
pub mod output;
mod output_rule;
mod part_rule;
pub mod password;
pub mod restart;
mod rule;
mod schedule;
mod shape;
pub mod ssh_key;
pub mod status;

pub use access_token::{AccessToken, AccessTokenSpec, AccessTokenStatus, ApiKeyPairRef, TokenFormat};
pub use account::{Account, AccountSpec, AccountStatus, CredentialDefaults, Group, Notification, Role};
pub use api_key_pair::{
    ApiKeyPair, ApiKeyPairSpec, ApiKeyPairStatus, KeyPairFormat, KeyPairRotation, RotationMode,
};
pub use common::{AccountRef, CredentialSpec, DeletionPolicy, Rotation};
pub use crd::{crd_yaml, crds};
pub use holdings::{Counts, Held, LISTED, Tally};
pub use limits::Limits;
pub use output::{SecretFormat, SecretOutput, SecretType};
pub use password::{PasswordSecretRef, PasswordSpec, PasswordStatus};
pub use restart::{Restart, Restarted, WorkloadKind};
pub use ssh_key::{
    AuthorizedKeysOptions, PassphraseSecretRef, SshAlgorithm, SshKey, SshKeySpec, SshKeyStatus, SshMethod,
};
pub use status::{
    Binding, CredentialDigest, CredentialStatus, Effective, HandledTriggers, HistoryEntry, Next, Previous,
    SecretRef, State,
};

/// Hands the kinds of credentials to a macro: the one line to touch for a further kind.
#[macro_export]
macro_rules! every_kind {
    ($callback:ident) => {
        $callback! { $crate::api::ApiKeyPair, $crate::api::SshKey, $crate::api::AccessToken }
    };
}

/// The API group of the four kinds.
pub const GROUP: &str = "chatelaine.dev";
/// The version in which the four kinds are served and stored.
pub const VERSION: &str = "v1alpha1";
/// Trigger on a credential, or on an Account for all of its credentials: each new value rotates it once.
pub const ROTATE: &str = "chatelaine.dev/rotate";
/// Trigger on a credential, or on an Account for all of its credentials: each new value destroys its material once; the object stays, revoked.
pub const REVOKE: &str = "chatelaine.dev/revoke";
/// Trigger on a credential, or on an Account for all of its credentials: each new value ends a running overlap.
pub const RETIRE: &str = "chatelaine.dev/retire";
/// Trigger on a credential, or on an Account for all of its credentials: each new value lets current and previous material change places.
pub const ROLLBACK: &str = "chatelaine.dev/rollback";
/// Trigger on an Account: each new value replaces its password once.
pub const ROTATE_PASSWORD: &str = "chatelaine.dev/rotate-password";
/// On a credential: as long as it has a value and nothing is known of a past, its Secret is waited for and nothing is minted.
pub const AWAIT_RESTORE: &str = "chatelaine.dev/await-restore";
/// Asks for a plain look, and is echoed in status: Flux's convention.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// On a Secret: `<kind>/<name>` of the credential that may take it over.
pub const ADOPT: &str = "chatelaine.dev/adopt";
/// On a Secret: what the Secret itself says about the material in it.
pub const LEDGER: &str = "chatelaine.dev/ledger";
