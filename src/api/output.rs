//! What the Secret of a credential looks like: its name, its metadata, its keys and what is rendered beside them.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{output_rule, rule, shape};

/// Where the material goes, and under which names.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = output_rule::template_keys_are_not_new_names(),
    validation = output_rule::made_keys_are_free(),
    validation = output_rule::variables_have_names(),
)]
pub struct SecretOutput {
    /// The name of the Secret. Default: the name of the credential. Cannot be changed later.
    ///
    /// Names that begin with chatelaine-, sh.helm.release. or bootstrap-token- belong to others and are
    /// refused. Example: alice-ci
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::secret_name(), validation = rule::secret_name_is_not_taken())]
    pub name: Option<String>,

    /// The type of the Secret. Default: Opaque; kubernetes.io/ssh-auth for a generated SshKey, which takes no
    /// other. Cannot be changed later.
    ///
    /// kubernetes.io/basic-auth adds the keys username and password: of an ApiKeyPair the access key and the
    /// secret key, of an AccessToken the name of the Account and the token. kubernetes.io/dockerconfigjson
    /// adds the key .dockerconfigjson with the same two for the registry that attributes.registry names, so
    /// that pods can have the Secret in imagePullSecrets. Both show the current material only. Without
    /// material, username stays, password goes, and .dockerconfigjson names no registry.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<SecretType>,

    /// Labels for the Secret; labels that others put there are kept. At most 16.
    ///
    /// Allowed are keys without a prefix, app.kubernetes.io/name, component, part-of and version, and the
    /// prefixes that the operator's flag --secret-metadata-allow lists. The labels of the credential itself
    /// are not copied. Example: {team: blue}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::labels")]
    pub labels: BTreeMap<String, String>,

    /// Annotations for the Secret; annotations that others put there are kept. At most 16, each of at most
    /// 2048 characters on one line.
    ///
    /// The same keys are allowed as for labels. Example: {purpose: nightly builds}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::annotations")]
    pub annotations: BTreeMap<String, String>,

    /// Other names for the keys of the Secret: on the left the key as it is called by default, on the right
    /// its new name.
    ///
    /// An ApiKeyPair has accessKey, secretKey, previousAccessKey and previousSecretKey. An AccessToken has
    /// token, previousToken, account, permissions and expirationTime. An SshKey has ssh-privatekey,
    /// ssh-publickey, authorized_keys, previous-ssh-privatekey and previous-ssh-publickey; because the type
    /// of its Secret demands ssh-privatekey, an SshKey's keys are copied under the new name, not renamed.
    ///
    /// A new name has letters, digits and -_. only. Example: {accessKey: AWS_ACCESS_KEY_ID, secretKey:
    /// AWS_SECRET_ACCESS_KEY}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::secret_keys")]
    pub keys: BTreeMap<String, String>,

    /// Ready-made renderings, each under a key of its own beside the others. They show the current material,
    /// not the previous one of an overlap, and leave the Secret together with it. Changing them never changes
    /// the material.
    ///
    /// Json, in credentials.json: one object with accessKey and secretKey, or token, and account, permissions
    /// and, if it ends, expirationTime. Csv, in credentials.csv: the same as a header and one line. Env, in
    /// credentials.env: the same as variables for a shell or for env files, called as in keys.
    ///
    /// AwsCredentials, in aws-credentials: the AWS shared credentials file with the profile default.
    /// AwsCredentialProcess, in aws-credential-process.json: what a credential_process prints, so that
    /// credential_process = cat <file> follows a rotation. Rclone, in rclone.conf: the remote default.
    /// S3cmd, in s3cfg: the file of s3cmd. MinioClient, in mc-config.json: the config.json of mc with the alias
    /// default. Those three take the server from attributes.endpoint, such as https://s3.example.com, and the
    /// region from attributes.region; MinioClient needs the endpoint, the others mean AWS without it.
    ///
    /// ServiceBinding, in type and provider: what servicebinding.io asks for. The type is service for an
    /// ApiKeyPair, access-token and ssh-key for the others; the provider is chatelaine. For other words, write
    /// the two keys as templates instead.
    ///
    /// An ApiKeyPair has all of them, an AccessToken Json, Csv, Env and ServiceBinding, an SshKey
    /// ServiceBinding alone. Example: [Json, Env]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::formats")]
    pub formats: Vec<SecretFormat>,

    /// Further keys of the Secret, with text of your own: on the left the key, on the right its text, in which
    /// $(name) stands for a value. At most 8, each of at most 8192 characters.
    ///
    /// The names are the keys of this kind as they are called by default, and name, namespace, account,
    /// permissions (not of an SshKey) and expirationTime. A value that is not there, such as previousToken
    /// outside of an overlap, is empty. $(name|base64), $(name|json) and $(name|url) write the value in base
    /// 64, as a JSON string with its quotes, and percent-encoded. $$( writes a plain $(; all other text, also
    /// ${x} and {{x}}, stays as it is.
    ///
    /// These keys too leave the Secret together with the material, and changing them never changes it. A key
    /// that somebody else has put into the Secret is not overwritten, and what would make the Secret larger
    /// than 1 MiB is left out (Ready=False, reason InvalidSpec). Example: {config.toml: 'key =
    /// "$(accessKey)"'}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::template")]
    pub template: BTreeMap<String, String>,
}

/// A ready-made rendering.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretFormat {
    Json,
    Csv,
    Env,
    AwsCredentials,
    AwsCredentialProcess,
    Rclone,
    S3cmd,
    MinioClient,
    ServiceBinding,
}

/// A type of Secret of which Kubernetes, or who uses it, demands certain keys.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretType {
    #[default]
    Opaque,
    #[serde(rename = "kubernetes.io/basic-auth")]
    BasicAuth,
    #[serde(rename = "kubernetes.io/dockerconfigjson")]
    DockerConfigJson,
}

impl SecretFormat {
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Csv,
        Self::Env,
        Self::AwsCredentials,
        Self::AwsCredentialProcess,
        Self::Rclone,
        Self::S3cmd,
        Self::MinioClient,
        Self::ServiceBinding,
    ];

    /// The keys of the Secret that the format makes.
    pub fn data_keys(self) -> &'static [&'static str] {
        match self {
            Self::Json => &["credentials.json"],
            Self::Csv => &["credentials.csv"],
            Self::Env => &["credentials.env"],
            Self::AwsCredentials => &["aws-credentials"],
            Self::AwsCredentialProcess => &["aws-credential-process.json"],
            Self::Rclone => &["rclone.conf"],
            Self::S3cmd => &["s3cfg"],
            Self::MinioClient => &["mc-config.json"],
            Self::ServiceBinding => &["type", "provider"],
        }
    }
}

impl SecretType {
    pub const ALL: [Self; 3] = [Self::Opaque, Self::BasicAuth, Self::DockerConfigJson];

    pub fn name(self) -> &'static str {
        match self {
            Self::Opaque => "Opaque",
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::DockerConfigJson => "kubernetes.io/dockerconfigjson",
        }
    }

    /// The keys of the Secret that the type adds.
    pub fn data_keys(self) -> &'static [&'static str] {
        match self {
            Self::Opaque => &[],
            Self::BasicAuth => &["username", "password"],
            Self::DockerConfigJson => &[".dockerconfigjson"],
        }
    }
}

impl SecretOutput {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
