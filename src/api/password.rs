//! `Account.spec.password`, and what `status` says of it.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::CredentialStatus;

/// Asks for a password. There is no field for the password itself: what stands in a spec is read by everybody who may
/// look at the Account.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct PasswordSpec {}

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
