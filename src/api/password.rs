//! `Account.spec.password`, and what `status` says of it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{CredentialStatus, rule};

/// Asks for a password: a generated one, or one of yours. There is no field for the password itself: what stands in a
/// spec is read by everybody who may look at the Account.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSpec {
    /// Where a password of yours is: a key of a Secret of yours, in the same namespace. Default: none, a password is
    /// generated.
    ///
    /// The Secret stays yours: it is read, and never written or deleted. The Account's own Secret then has username and
    /// htpasswd, and no copy of the password. Another password gives another line and the next revision, and the old
    /// line ends at once; chatelaine.dev/rotate-password changes nothing. While your Secret or its key is missing or
    /// empty (reason PasswordNotFound), or the password cannot be used (reason InvalidPassword), nothing is issued, and
    /// a line that is there already stays as it is. It is looked for once a minute, at first more often. secretRef can
    /// be added and removed later: both are a new revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<PasswordSecretRef>,
}

/// A password in a Secret of yours.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSecretRef {
    /// The name of the Secret, of any type, in the same namespace as the Account; not the one that is named after the
    /// Account and -password, which is the operator's. Example: alice-login
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::secret_name(), validation = rule::secret_name_is_not_taken())]
    pub name: String,

    /// The key in the data of that Secret: the password is its value, text on one line of at least 8 characters and at
    /// most 72 bytes, which is what bcrypt hashes. A line break at its end does not belong to it. Default: password.
    #[serde(default = "password")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::secret_key())]
    pub key: String,
}

fn password() -> String {
    "password".to_owned()
}

/// What the operator last saw of the password.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PasswordStatus {
    /// The id of the password's line in htpasswd, which is no secret: another line has another id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,

    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialStatus,
}
