//! `AccessToken`: one secret text that says who presents it and what that may do.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{CredentialSpec, Rotation},
    output::SecretFormat,
    output_rule, part_rule, rule, schedule, shape,
    status::CredentialStatus,
};

/// The data keys by their own names.
const KEYS: &[&str] = &["token", "previousToken", "account", "permissions", "expirationTime"];

/// What a template can show.
pub const NAMES: &[&str] =
    &["token", "previousToken", "account", "permissions", "expirationTime", "name", "namespace"];

const FORMATS: &[SecretFormat] =
    &[SecretFormat::Json, SecretFormat::Csv, SecretFormat::Env, SecretFormat::ServiceBinding];

/// What an AccessToken should be.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "chatelaine.dev",
    version = "v1alpha1",
    kind = "AccessToken",
    plural = "accesstokens",
    shortname = "atk",
    category = "credentials",
    namespaced,
    status = "AccessTokenStatus",
    derive = "PartialEq",
    cel,
    doc = "An AccessToken is one secret text with permissions. The operator mints it into the Secret, beside the non-secret keys account, permissions and expirationTime, rotates it when asked and takes it away when it expires.",
    validation = rule::name_fits_a_label(),
    validation = rule::name_is_not_taken(),
    validation = rule::secret_name_is_kept(),
    selectable = ".spec.accountRef.name",
    selectable = ".status.id",
    printcolumn(name = "Id", type_ = "string", json_path = ".status.id", priority = 1, description = "The id of the token."),
)]
#[x_kube(
    validation = schedule::rotation_within_lifetime(),
    validation = rule::kept("format"),
    validation = rule::kept_if_any("apiKeyPairRef"),
    validation = part_rule::renews_itself(),
    validation = part_rule::has_no_schedule(),
    validation = part_rule::lifetime_ends(),
    validation = part_rule::lifetime_is_long_enough(),
    validation = part_rule::warning_within_its_day(),
    validation = part_rule::is_not_retained(),
    validation = output_rule::renamed_keys_are(KEYS),
    validation = output_rule::new_keys_are_not(KEYS),
    validation = output_rule::formats_are("AccessToken", FORMATS),
    validation = output_rule::templates_name(NAMES),
    validation = output_rule::template_keys_are_not(KEYS),
    validation = output_rule::type_is_kept(),
    validation = output_rule::docker_config_needs_a_registry(),
)]
pub struct AccessTokenSpec {
    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialSpec,

    /// When the token is replaced by itself, and how long the old one stays valid beside the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,

    /// The ApiKeyPair of which this is a short-lived token. It must be in the same namespace and of the same Account.
    /// Default: none; the token stands for itself. Cannot be changed, added or removed later.
    ///
    /// Such a token may do what permissions and roles here ask for, as far as the pair may do it too: one that asks for
    /// none can only say who it is. It is valid for 24h unless lifetime or expirationTime is given
    /// (credentialDefaults.lifetime of the Account does not count, limits.maxLifetime does), and never longer than the
    /// pair.
    ///
    /// At two thirds of its life it is replaced by itself, up to a thirtieth of its life later, at most 5m; the old one
    /// stays valid until its own end, unless an overlap is given. It is not renewed when expirationTime is given, nor
    /// when it ends with the pair. When the pair is inactive, or has other material than it had when the token was
    /// issued (a rotation, a rollback), the token lives on to its end and is not renewed; a new one is issued when it
    /// has expired and the pair is active, or when somebody sets chatelaine.dev/rotate. status.next has what comes.
    ///
    /// When the pair is deleted, revoked or expired, current and previous token are destroyed at once (state Expired;
    /// reason ParentNotFound, ParentRevoked or ParentExpired). This object stays, and has a new token by itself when
    /// the pair is issued anew, or another of its name is there. While there is no such pair, or it has no material
    /// yet or is inactive, nothing is issued (reason ParentNotFound, ParentNotIssued or ParentInactive).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_pair_ref: Option<ApiKeyPairRef>,

    /// What people call the token. At most 100 characters on one line. Example: Production Deploy Key
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = rule::no_control_characters())]
    pub display_name: Option<String>,

    /// What the bearer of the token may do: resource:action, resource:* or *:*. At most 64. Default: none,
    /// which makes a token that can only say who it is.
    ///
    /// The Account must grant them, and so must the pair of apiKeyPairRef have them: a permission that is not granted at
    /// all is not issued (Ready=False, reason PermissionNotGranted). Editing them never changes the token. Example: [servers:read, dns:*]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::permissions")]
    pub permissions: Vec<String>,

    /// Roles of the Account, by name: the permissions of these are added to the ones above. At most 16.
    /// Default: none.
    ///
    /// A role that the Account does not have is not issued (Ready=False, reason RoleNotFound). Editing them, or the
    /// role in the Account, never changes the material. Example: [deployer]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::role_names")]
    pub roles: Vec<String>,

    /// Free properties of the token, shown to the servers that check it; never mixed with those of the
    /// Account. At most 32, with values of at most 2048 characters on one line. Example: {pipeline: nightly}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::attributes")]
    pub attributes: BTreeMap<String, String>,

    /// The shape of the token. Default: Prefixed. Cannot be changed later.
    ///
    /// Prefixed: the tokenPrefix of the Account, an underscore, 30 letters and digits, and a checksum of 6,
    /// by which a scanner can tell a real token from a random text. Plain: 32 letters and digits.
    #[serde(default)]
    pub format: TokenFormat,
}

/// The name of an ApiKeyPair in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyPairRef {
    /// The name of the ApiKeyPair, in the same namespace as the token. Example: alice-ci
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::name_of("an ApiKeyPair"))]
    pub name: String,
}

/// The shape of the token.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenFormat {
    #[default]
    Prefixed,
    Plain,
}

/// What the operator last saw of the AccessToken. Only the operator writes it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessTokenStatus {
    /// The id of the token, which is no secret. Select by it with kubectl get accesstokens --field-selector
    /// status.id=...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,

    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialStatus,
}
