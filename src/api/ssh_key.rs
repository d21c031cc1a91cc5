//! `SshKey`: a key pair for SSH, generated here or uploaded.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    common::{CredentialSpec, Rotation},
    output::SecretFormat,
    output_rule, rule, schedule, shape,
    status::CredentialStatus,
};

/// The data keys by their own names.
const KEYS: &[&str] = &[
    "ssh-privatekey",
    "ssh-publickey",
    "authorized_keys",
    "previous-ssh-privatekey",
    "previous-ssh-publickey",
];

/// What a template can show.
pub const NAMES: &[&str] = &[
    "ssh-privatekey",
    "ssh-publickey",
    "authorized_keys",
    "previous-ssh-privatekey",
    "previous-ssh-publickey",
    "name",
    "namespace",
    "account",
    "expirationTime",
];

const FORMATS: &[SecretFormat] = &[SecretFormat::ServiceBinding];

/// What an SshKey should be.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "chatelaine.dev",
    version = "v1alpha1",
    kind = "SshKey",
    plural = "sshkeys",
    shortname = "sshk",
    category = "credentials",
    namespaced,
    status = "SshKeyStatus",
    derive = "PartialEq",
    cel,
    doc = "An SshKey is a key pair for SSH. The operator generates it into a Secret of type kubernetes.io/ssh-auth, or takes an uploaded public key, and keeps the authorized_keys line for the servers.",
    validation = rule::name_fits_a_label(),
    validation = rule::name_is_not_taken(),
    validation = rule::secret_name_is_kept(),
    validation = rule::passphrase_is_elsewhere(),
    selectable = ".spec.accountRef.name",
    selectable = ".status.id",
    selectable = ".status.fingerprint",
    printcolumn(name = "Id", type_ = "integer", json_path = ".status.id", priority = 1, description = "The number of the key."),
    printcolumn(name = "Fingerprint", type_ = "string", json_path = ".status.fingerprint", priority = 1, description = "The fingerprint of the public key."),
)]
#[x_kube(
    validation = schedule::rotation_within_lifetime(),
    validation = rule::kept("method"),
    validation = rule::kept_if_any("algorithm"),
    validation = rule::kept_if_any("bits"),
    validation = Rule::new("self.method != 'Upload' || has(self.publicKey)")
        .message("method Upload needs publicKey: paste the one line of the .pub file there")
        .reason(Reason::FieldValueRequired)
        .field_path(".method"),
    validation = Rule::new("self.method == 'Upload' || !has(self.publicKey)")
        .message("publicKey is only for method Upload: choose that method, or remove publicKey to have a key generated")
        .field_path(".publicKey"),
    validation = Rule::new("self.method == 'Generate' || !has(self.algorithm)")
        .message("algorithm is only for method Generate, an uploaded key brings its own: remove algorithm")
        .field_path(".algorithm"),
    validation = Rule::new("!has(self.bits) || (has(self.algorithm) && self.algorithm == 'Rsa')")
        .message("bits is only for algorithm Rsa: remove bits, or choose that algorithm")
        .field_path(".bits"),
    validation = Rule::new("self.method == 'Generate' || !has(self.passphraseSecretRef)")
        .message("passphraseSecretRef is only for method Generate, of an uploaded key the operator has no private half: remove it")
        .field_path(".passphraseSecretRef"),
    validation = Rule::new(
        "self.method != 'Upload' || !(has(self.renewBefore) \
         || (has(self.rotation) && (has(self.rotation.every) || has(self.rotation.cron))))")
        .message(
            "an uploaded key cannot be replaced by itself: remove every, cron and renewBefore, and rotate it by \
             changing publicKey")
        .field_path(".method"),
    validation = output_rule::renamed_keys_are(KEYS),
    validation = output_rule::new_keys_are_not(KEYS),
    validation = output_rule::formats_are("SshKey", FORMATS),
    validation = output_rule::templates_name(NAMES),
    validation = output_rule::template_keys_are_not(KEYS),
    validation = output_rule::type_is_given(),
    validation = Rule::new(
        "self.method != 'Upload' || !has(self.secret) || !has(self.secret.keys) \
         || !self.secret.keys.exists(k, k.endsWith('privatekey'))")
        .message("with method Upload there is no private key to copy: remove ssh-privatekey from secret.keys")
        .field_path(".secret.keys"),
)]
pub struct SshKeySpec {
    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialSpec,

    /// When the key is replaced by itself, and how long the old one stays valid beside the new one.
    ///
    /// An uploaded key is replaced only by another publicKey: there every, cron and renewBefore are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,

    /// Where the key comes from. Default: Generate. Cannot be changed later.
    ///
    /// Generate: the operator makes the pair; its Secret has the type kubernetes.io/ssh-auth. Upload: you
    /// give the public key in publicKey; its Secret has no private key.
    #[serde(default)]
    pub method: SshMethod,

    /// The public key to take over: the one line of a .pub file. Required with method Upload, and only then.
    ///
    /// A changed key is the rotation of an uploaded key. DSA keys, RSA keys below 2048 bits, private keys,
    /// lines with options in front and more than one line are not taken (Ready=False, reason InvalidKey).
    /// Example: ssh-ed25519 AAAAC3Nza... alice@laptop
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    #[x_kube(validation = Rule::new("size(self) > 0")
        .message("must not be empty: paste the one line of the .pub file, or choose method Generate"))]
    pub public_key: Option<String>,

    /// The algorithm of a generated key: Ed25519, EcdsaP256, EcdsaP384, EcdsaP521 or Rsa. Default: Ed25519.
    ///
    /// Only with method Generate. Cannot be changed, added or removed later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<SshAlgorithm>,

    /// The size of a generated RSA key: 2048, 3072 or 4096. Default: 3072.
    ///
    /// Only with algorithm Rsa. Cannot be changed, added or removed later. Larger keys take seconds to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shape::bits")]
    pub bits: Option<u32>,

    /// Where the passphrase is with which the private key in the Secret is encrypted: a key of a Secret of yours,
    /// in the same namespace. Default: none, the private key can be used by whoever can read the Secret.
    ///
    /// Only with method Generate. While that Secret or its key is missing or empty, no key is made (Ready=False,
    /// reason PassphraseNotFound); a key that is there already stays as it is. It is looked for once a minute, at
    /// first more often. A line break at its end does not belong to the passphrase. Another passphrase encrypts
    /// the same key anew, and none any more decrypts it: neither is a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_secret_ref: Option<PassphraseSecretRef>,

    /// Options in front of the key in authorized_keys: they bound what a login with this key can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<AuthorizedKeysOptions>,
}

/// Where the key comes from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SshMethod {
    #[default]
    Generate,
    Upload,
}

/// The algorithm of a generated key.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SshAlgorithm {
    #[default]
    Ed25519,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Rsa,
}

/// A passphrase in a Secret of yours.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct PassphraseSecretRef {
    /// The name of the Secret, in the same namespace as the SshKey; not the one that the key is written to.
    /// Example: ci-passphrase
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::secret_name(), validation = rule::secret_name_is_not_taken())]
    pub name: String,

    /// The key in the data of that Secret: the passphrase is its value, at most 1023 bytes on one line. Example:
    /// passphrase
    #[schemars(length(max = 253))]
    #[x_kube(validation = rule::secret_key())]
    pub key: String,
}

/// Options of the authorized_keys line.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizedKeysOptions {
    /// Whether a login may neither forward ports, agent or X11 nor have a terminal (the option restrict).
    /// Default: false.
    #[serde(default)]
    pub restrict: bool,

    /// From where a login may come (the option from): host names, addresses or networks, one pattern per
    /// item, with * and ? as wildcards; a ! in front excludes. At most 32. Default: from everywhere. Example:
    /// [10.0.0.0/8, "*.example.com", "!bad.example.com"]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::hosts")]
    pub from: Vec<String>,

    /// The one command that a login runs, whatever it asks for (the option command). At most 1024 characters
    /// on one line; quotes are allowed, a backslash at the end is not. Default: any. Example: /usr/bin/rsync
    /// --server -logDtpr . /srv/
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(
        validation = rule::no_control_characters(),
        validation = Rule::new(r"size(self) > 0 && !self.endsWith('\\')")
            .message("must not be empty and must not end in a backslash, which would escape the quote after it"),
    )]
    pub command: Option<String>,
}

/// What the operator last saw of the SshKey. Only the operator writes it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SshKeyStatus {
    /// The number of the key: a positive integer below 2^53 that stays for the life of the object. Select by
    /// it with kubectl get sshkeys --field-selector status.id=...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,

    /// The fingerprint of the public key, as ssh-keygen -lf prints it. Example:
    /// SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub fingerprint: Option<String>,

    /// The public key in OpenSSH's format, for servers and for people who want to add it somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub public_key: Option<String>,

    /// What all credentials share.
    #[serde(flatten)]
    pub common: CredentialStatus,
}
