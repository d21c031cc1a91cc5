//! What an Account holds, as its status says it: numbers, and a list that ends somewhere.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{State, shape};

/// How many credentials an Account lists in its status at most.
pub const LISTED: usize = 100;

/// How many credentials an Account has; a kind of which it has none is absent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// How many credentials there are of all kinds. One that is being deleted does not count.
    #[schemars(schema_with = "shape::number")]
    pub total: u32,

    /// How many ApiKeyPairs there are; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_pairs: Option<Tally>,

    /// How many SshKeys there are; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_keys: Option<Tally>,

    /// How many AccessTokens there are; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_tokens: Option<Tally>,
}

/// How many credentials of one kind there are, by their state; a state that none is in is absent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many there are of this kind, whatever their state.
    #[schemars(schema_with = "shape::number")]
    pub total: u32,

    /// How many hold material that can be used.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "shape::number")]
    pub live: u32,

    /// How many hold none for now, because they or the Account are inactive; also what was created so.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "shape::number")]
    pub withheld: u32,

    /// How many hold none any more, because their end has come.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "shape::number")]
    pub expired: u32,

    /// How many hold none any more, because they were revoked.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "shape::number")]
    pub revoked: u32,

    /// How many have no Secret yet: they are about to be issued, or their own status says what stands in the way.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schemars(schema_with = "shape::number")]
    pub pending: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One credential of an Account.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// The kind of the credential, such as ApiKeyPair.
    #[schemars(length(max = 63))]
    pub kind: String,

    /// The name of the credential, in the namespace of the Account.
    #[schemars(length(max = 63))]
    pub name: String,

    /// The id of the credential, which is no secret: the access key of an ApiKeyPair, the number of an SshKey, the id
    /// of an AccessToken. Absent until it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,

    /// The fingerprint of an SshKey, as ssh-keygen -lf prints it; absent for other kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint: Option<String>,

    /// What its Secret holds: Live, Withheld, Expired or Revoked; absent as long as it has none. One that was created
    /// inactive is Withheld before it was ever issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,

    /// When its material stops to be valid; absent if it does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,
}
