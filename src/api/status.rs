//! What the three credentials share in `status`: a picture of what the operator last saw.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Restarted, rule, shape};

/// The fields of `status` that every credential has. Only the operator writes them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// The generation of the spec that this status speaks of; -1 until the operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready: the Secret is what the spec asks for. Active: it holds usable material, which is what a
    /// workload waits for. ExpiringSoon and Expired speak of the end of the material. Reconciling and Stalled
    /// are there only while they are True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,

    /// What the Secret holds: Live material; none for now, because it is Withheld; or none any more, because
    /// it is Expired or Revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,

    /// How often another value was published for this object: 1 after the first issue, one more with each rotation
    /// and each rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,

    /// When the current material was minted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_time: Option<Time>,

    /// When the current material stops to be valid; absent if it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,

    /// The previous material, while it is still valid beside the current one (an overlap).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,

    /// The values of the trigger annotations that have already acted and will not act again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_triggers: Option<HandledTriggers>,

    /// The values of the trigger annotations on the Account that have acted on this credential, or that stood there
    /// when it was first issued, and will not act on it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_account_triggers: Option<HandledTriggers>,

    /// The last value of the annotation reconcile.fluxcd.io/requestedAt that the operator has answered with a look
    /// at the Secret; one of more than 64 characters as sha256: and its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub last_handled_reconcile_at: Option<String>,

    /// Digests of the material that is valid now, for servers that check what is presented to them: first the
    /// current one, then, in an overlap, the previous one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::digests")]
    pub digests: Vec<CredentialDigest>,

    /// The Secret of this credential, as it was when the operator last verified it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,

    /// The Secret for service bindings, as servicebinding.io asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,

    /// Whether the material has passed its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_expired: Option<bool>,

    /// The end of the material in words: Never Expires, Expires in: N days, or Expired. Absent until it was
    /// issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub expiry: Option<String>,

    /// What the operator will do next by itself, and when; absent if nothing is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,

    /// What came of the spec together with the Account's defaults and grants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,

    /// What came of the workloads that spec.restart names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::restarted")]
    pub restarts: Vec<Restarted>,

    /// The last ten revisions and why they came about, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::history")]
    pub history: Vec<HistoryEntry>,
}

/// What a Secret holds of a credential's material.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Live,
    Withheld,
    Expired,
    Revoked,
}

/// The previous material in an overlap.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// What identifies the previous material: an access key, a fingerprint, or the token's id.
    #[schemars(length(max = 253))]
    pub id: String,

    /// The end that the previous material had of its own; absent if it would not have expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,

    /// When the overlap ends and the previous material leaves the Secret.
    pub retirement_time: Time,
}

/// The trigger values that have acted, newest last: at most eight of each; long ones as `sha256:` and their
/// digest. Several that are set at once act in the order revoke, retire, rollback, rotate.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HandledTriggers {
    /// Values of the annotation chatelaine.dev/rotate that have acted: each new one rotates, or issues anew what is
    /// expired or revoked. While the material is withheld it waits, and mints when it would come back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::trigger_values")]
    pub rotate: Vec<String>,

    /// Values of the annotation chatelaine.dev/revoke that have acted: each new one destroys current and previous
    /// material at once, in every state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::trigger_values")]
    pub revoke: Vec<String>,

    /// Values of the annotation chatelaine.dev/retire that have acted: each new one ends a running overlap at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::trigger_values")]
    pub retire: Vec<String>,

    /// Values of the annotation chatelaine.dev/rollback that have acted: each new one lets current and previous material
    /// change places, while the previous one is valid. Both keep their own ends, and the one that goes leaves when
    /// the overlap ends. While the material is withheld it waits. Not for an uploaded key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::trigger_values")]
    pub rollback: Vec<String>,
}

/// The digest of material that is valid now.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialDigest {
    /// The digest of the material. The material cannot be found from it.
    #[schemars(length(max = 128))]
    pub value: String,

    /// When the material with this digest stops to be valid; absent if it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
}

/// The Secret of a credential.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The name of the Secret, in the namespace of the credential.
    #[schemars(length(max = 253))]
    pub name: String,

    /// The uid of the Secret: another one means that the Secret was deleted and made again.
    #[schemars(length(max = 128))]
    pub uid: String,

    /// The resourceVersion of the Secret when it was last verified.
    #[schemars(length(max = 128))]
    pub resource_version: String,
}

/// The Secret for service bindings.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// The name of the Secret that a service binding projects.
    #[schemars(length(max = 253))]
    pub name: String,
}

/// What is due next.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Next {
    /// What the operator will do: Rotate by a schedule, Renew before the end, Expire, or Retire the previous material.
    #[schemars(length(max = 64))]
    pub action: String,

    /// When the operator will do it.
    pub time: Time,
}

/// What came of the spec together with the Account's defaults and grants.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    /// The lifetime that counts for the current material, such as 90d, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    pub lifetime: Option<String>,

    /// Where that lifetime comes from: Spec, Account for the Account's credentialDefaults, Limit for its
    /// limits.maxLifetime, ApiKeyPair for the 24h of a token of a pair and for one that ends with its pair, or Default
    /// if none of them says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub lifetime_from: Option<String>,

    /// What the credential may do: the permissions that it asks for, cut to what its Account grants, and to what its
    /// ApiKeyPair has, if it is a token of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::effective_permissions")]
    pub permissions: Option<Vec<String>>,
}

/// One revision and its cause.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The number of the revision.
    pub revision: i64,

    /// When this revision came about.
    pub time: Time,

    /// Why this revision came about, such as Issued or Rotated.
    #[schemars(length(max = 64))]
    pub reason: String,

    /// The value of the trigger annotation that asked for it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub trigger: Option<String>,
}
