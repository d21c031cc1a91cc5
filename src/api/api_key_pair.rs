//! `ApiKeyPair`: an access key that identifies and a secret key that proves.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{CredentialSpec, Rotation},
    output_rule, rule, schedule, shape,
    status::CredentialStatus,
};

/// The data keys by their own names.
const KEYS: &[&str] = &["accessKey", "secretKey", "previousAccessKey", "previousSecretKey"];

/// What a template can show.
pub const NAMES: &[&str] = &[
    "accessKey",
    "secretKey",
    "previousAccessKey",
    "previousSecretKey",
    "name",
    "namespace",
    "account",
    "permissions",
    "expirationTime",
];

/// What an ApiKeyPair should be.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "chatelaine.dev",
    version = "v1alpha1",
    kind = "ApiKeyPair",
    plural = "apikeypairs",
    shortname = "akp",
    category = "credentials",
    namespaced,
    status = "ApiKeyPairStatus",
    derive = "PartialEq",
    cel,
    doc = "An ApiKeyPair is an access key, which identifies and may be shown, and a secret key, which proves and is nowhere but in the Secret. The operator mints both into the Secret, rotates them when asked and takes them away when they expire.",
    validation = rule::name_fits_a_label(),
    validation = rule::name_is_not_taken(),
    validation = rule::secret_name_is_kept(),
    selectable = ".spec.accountRef.name",
    selectable = ".status.accessKey",
    printcolumn(name = "Access Key", type_ = "string", json_path = ".status.accessKey", priority = 1, description = "The identifier of the pair."),
)]
#[x_kube(
    validation = schedule::rotation_within_lifetime(),
    validation = rule::kept("service"),
    validation = rule::kept("format"),
    validation = rule::kept_if_any("accessKeyPrefix"),
    validation = Rule::new("!has(self.accessKeyPrefix) || self.format == 'Standard'")
        .message("accessKeyPrefix is only for format Standard: remove it, or choose that format")
        .field_path(".accessKeyPrefix"),
    validation = output_rule::renamed_keys_are(KEYS),
    validation = output_rule::new_keys_are_not(KEYS),
    validation = output_rule::templates_name(NAMES),
    validation = output_rule::template_keys_are_not(KEYS),
    validation = output_rule::type_is_kept(),
    validation = output_rule::docker_config_needs_a_registry(),
    validation = output_rule::endpoint_is_an_address(),
    validation = output_rule::region_is_a_word(),
    validation = output_rule::alias_needs_an_endpoint(),
)]
pub struct ApiKeyPairSpec {
    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialSpec,

    /// When material is replaced by itself, what is renewed then, and how long the old one stays valid beside the
    /// new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<KeyPairRotation>,

    /// The service that the pair is for, in lower-case letters, digits and inner dashes; at most 63
    /// characters. It is shown to the servers that check the pair. Default: api. Cannot be changed later.
    /// Example: s3
    #[serde(default = "api")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::slug("service"))]
    pub service: String,

    /// The shape of the two keys. Default: Standard. Cannot be changed later.
    ///
    /// Standard: an access key of 20 upper-case letters and digits, with accessKeyPrefix if there is one, and
    /// a secret key of 40 url-safe characters. Aws: an access key of AKIA and 16 characters of A-Z and 2-7,
    /// and a secret key of 40 url-safe characters. Uuid: a version 4 UUID as the access key. Upper: 16 and 32
    /// upper-case letters and digits.
    #[serde(default)]
    pub format: KeyPairFormat,

    /// What the access key begins with: 1 to 8 upper-case letters and digits. Only for format Standard, whose
    /// 20 characters it is part of. Cannot be changed, added or removed later. Example: ACME
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    #[x_kube(validation = rule::access_key_prefix())]
    pub access_key_prefix: Option<String>,

    /// What the holder of the pair may do: resource:action, resource:* or *:*. At most 64. Default: none.
    ///
    /// The Account must grant them. Editing them never changes the keys. Example: [objects:read, buckets:*]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::permissions")]
    pub permissions: Vec<String>,

    /// Roles of the Account, by name: the permissions of these are added to the ones above. At most 16.
    /// Default: none.
    ///
    /// A role that the Account does not have is not issued (Ready=False, reason RoleNotFound). Editing them, or the
    /// role in the Account, never changes the material. Example: [read-only]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::role_names")]
    pub roles: Vec<String>,

    /// Free properties of the pair, shown to the servers that check it; never mixed with those of the
    /// Account. At most 32, with values of at most 2048 characters on one line. Example: {rateLimit: "100",
    /// resourcePolicy: small}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::attributes")]
    pub attributes: BTreeMap<String, String>,
}

fn api() -> String {
    "api".to_owned()
}

/// The shape of the two keys.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyPairFormat {
    #[default]
    Standard,
    Aws,
    Uuid,
    Upper,
}

/// When material is replaced by itself, what is renewed then, and how the old one goes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyPairRotation {
    /// What all credentials share.
    #[serde(flatten)]
    pub common: Rotation,

    /// What a rotation renews. Default: SecretOnly.
    ///
    /// SecretOnly keeps the access key and mints a new secret key, so that in an overlap accessKey and
    /// previousAccessKey are the same. KeyPair mints both.
    #[serde(default)]
    pub mode: RotationMode,
}

/// What a rotation of a key pair renews.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotationMode {
    #[default]
    SecretOnly,
    KeyPair,
}

/// What the operator last saw of the ApiKeyPair. Only the operator writes it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyPairStatus {
    /// The access key: the identifier of the pair, which is no secret. Select by it with kubectl get
    /// apikeypairs --field-selector status.accessKey=...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub access_key: Option<String>,

    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialStatus,
}
