//! What the three credentials share in `spec`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{output::SecretOutput, rule};

/// The fields that every credential has.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::one_end(),
    validation = rule::warning_needs_an_end(),
    validation = rule::warning_within_lifetime(),
    validation = rule::kept("accountRef")
)]
pub struct CredentialSpec {
    /// The Account that holds this credential. It must be in the same namespace. Cannot be changed later.
    ///
    /// While the Account does not exist nothing is minted, and the credential says so (Ready=False, reason
    /// AccountNotFound).
    pub account_ref: AccountRef,

    /// Whether the credential may be used. Default: true.
    ///
    /// false takes the material out of the Secret but keeps it: true brings the same bytes back. A credential
    /// that is created inactive gets its identifier, and its material with the first activation. To destroy
    /// the material instead, set the annotation chatelaine.dev/revoke to a new value.
    #[serde(default = "active")]
    pub active: bool,

    /// A note for people, such as "CI runner of team blue". At most 255 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[x_kube(validation = rule::no_control_characters())]
    pub comment: Option<String>,

    /// How long the material is valid, counted from its issue or its last rotation; or never.
    ///
    /// Written as a duration such as 90d, 12h, 1h30m or 1y; the units are y (365 days), w (7 days), d (24
    /// hours), h, m and s, in this order, each at most once. Changing it moves the end of the current
    /// material, counted from the time when that was issued.
    ///
    /// Default: credentialDefaults.lifetime of the Account, as it was at the last issue or rotation; if the
    /// Account has none, the material does not expire. never opts out of the Account's default. When the time
    /// is over, the material leaves the Secret and does not come back; a rotation issues anew.
    ///
    /// At most one of lifetime and expirationTime may be given. Example: 90d
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_or_never())]
    pub lifetime: Option<String>,

    /// The instant at which the material stops to be valid, in RFC 3339.
    ///
    /// A rotation does not move it: in contrast to lifetime it is the end of the credential, not of one
    /// value. Once it has passed, move it into the future to have new material issued.
    ///
    /// At most one of lifetime and expirationTime may be given. Example: 2027-01-01T00:00:00Z
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = rule::TIME))]
    #[x_kube(validation = rule::plausible_time())]
    pub expiration_time: Option<Time>,

    /// How long before the end of the material the condition ExpiringSoon becomes True.
    ///
    /// A duration above zero, written like lifetime, and shorter than it. Default: 7d, but at most a fifth of
    /// the lifetime. Not with lifetime never. Example: 14d
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_above_zero())]
    pub warn_before: Option<String>,

    /// The Secret into which the material is written: its name, its labels and annotations, and the names of
    /// its keys.
    ///
    /// The Secret is in the namespace of the credential. A Secret that exists already and is not this
    /// credential's is never touched (Ready=False, reason SecretConflict).
    #[serde(default, skip_serializing_if = "SecretOutput::is_default")]
    pub secret: SecretOutput,

    /// What becomes of the Secret when this object is deleted. Default: Delete.
    ///
    /// Delete removes the Secret with the object. Retain leaves it, with valid material and unattended: it no
    /// longer expires, until a credential of the same kind, name and Account is created again and takes it
    /// back.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

pub(super) fn active() -> bool {
    true
}

/// The name of an Account in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AccountRef {
    /// The name of the Account, in the same namespace as the credential. Example: alice
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::object_name())]
    pub name: String,
}

/// What becomes of the Secret when its credential is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// How the old material goes when new material is minted.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// How long the old material stays valid beside the new one after a rotation.
    ///
    /// A duration such as 24h, written like lifetime; 0s ends the old material at once. Default:
    /// credentialDefaults.overlap of the Account, else 0s. An overlap is fixed when the rotation happens:
    /// changing this field later does not move the end of one that is running. The old material never
    /// outlives its own end.
    ///
    /// Pods see a changed Secret within about a minute when they mount it as a volume, and only after a
    /// restart when they use it in environment variables or through a subPath: choose the overlap long enough
    /// for that. Example: 24h
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration())]
    pub overlap: Option<String>,
}
