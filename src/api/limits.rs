//! `Account.spec.limits`: how much an Account may hold, and for how long.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::{rule, shape};

/// How much an Account may hold, and for how long.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// How many ApiKeyPairs the Account may have issued. Default: as many as it likes. Example: 5
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::count")]
    pub api_key_pairs: Option<u32>,

    /// How many SshKeys the Account may have issued. Default: as many as it likes. Example: 5
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::count")]
    pub ssh_keys: Option<u32>,

    /// How many AccessTokens the Account may have issued. Default: as many as it likes. Example: 20
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::count")]
    pub access_tokens: Option<u32>,

    /// The longest time for which material may be valid from its issue: a duration such as 90d. Default: any
    /// time, and never.
    ///
    /// A credential that asks for more, or for never, is neither issued nor rotated (reason LifetimeExceeded). One
    /// that says nothing, of an Account without credentialDefaults.lifetime, is valid for as long as this. What is
    /// valid already keeps its end, but its end cannot be moved beyond. Example: 1y
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_above_zero())]
    pub max_lifetime: Option<String>,

    /// How many ApiKeyPairs the Account may have issued for each service, beside apiKeyPairs, which counts them
    /// all. At most 32 services. Default: as many as it likes. Example: {s3: 1}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::counts_by_service")]
    pub per_service: BTreeMap<String, u32>,
}
