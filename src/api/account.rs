//! `Account`: who holds credentials, and what it may hand out to them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{
    common::active,
    holdings::{Counts, Held},
    limits::Limits,
    password::{PasswordSpec, PasswordStatus},
    rule, shape,
};

/// What an Account says about its holder and grants to its credentials.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::included_roles_exist(),
    validation = rule::no_two_roles_are_mutual(),
    validation = rule::default_lifetime_within_limit(),
)]
#[kube(
    group = "chatelaine.dev",
    version = "v1alpha1",
    kind = "Account",
    plural = "accounts",
    shortname = "acct",
    category = "credentials",
    namespaced,
    status = "AccountStatus",
    derive = "PartialEq",
    cel,
    doc = "An Account is a person, a team or a service that holds credentials: ApiKeyPairs, SshKeys and AccessTokens of the same namespace refer to it by name. It sets the defaults of its credentials and bounds their permissions; deactivating it withholds them all. The annotations chatelaine.dev/rotate, revoke, retire and rollback on it act on all of its credentials, once for each new value; chatelaine.dev/rotate-password replaces its password.",
    validation = rule::name_fits_a_label(),
    validation = rule::password_is_elsewhere(),
    printcolumn(name = "Display Name", type_ = "string", json_path = ".status.displayName", description = "Who holds the credentials."),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#, description = "Whether the operator has taken notice of the Account."),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, description = "Why the Account is ready or not."),
    printcolumn(name = "Credentials", type_ = "integer", json_path = ".status.counts.total", description = "How many credentials refer to the Account."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp", description = "How long the Account has existed."),
    printcolumn(name = "Email", type_ = "string", json_path = ".spec.email", priority = 1, description = "The e-mail address of the holder."),
    printcolumn(name = "Lifetime", type_ = "string", json_path = ".spec.credentialDefaults.lifetime", priority = 1, description = "How long credentials live by default."),
    printcolumn(name = "Id", type_ = "string", json_path = ".status.id", priority = 1, description = "The id of the Account."),
)]
pub struct AccountSpec {
    /// The first name of the holder. At most 100 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = rule::no_control_characters())]
    pub first_name: Option<String>,

    /// The last name of the holder. At most 100 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    #[x_kube(validation = rule::no_control_characters())]
    pub last_name: Option<String>,

    /// The company, team or project that the holder belongs to or is. At most 200 characters on one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    #[x_kube(validation = rule::no_control_characters())]
    pub company_name: Option<String>,

    /// The e-mail address of the holder: one bare address of at most 254 characters. Example:
    /// alice@example.com
    #[schemars(length(max = 254))]
    #[x_kube(validation = rule::email())]
    pub email: String,

    /// The phone number of the holder. Example: +48 123 456 789
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    #[x_kube(validation = rule::phone())]
    pub phone: Option<String>,

    /// Where notices about the Account and its credentials should go, if not to email and phone. The operator
    /// itself sends none: it is shown to the systems that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification: Option<Notification>,

    /// The groups that the holder is in, each once. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::groups")]
    pub groups: Vec<Group>,

    /// Whether the credentials of this Account may be used. Default: true.
    ///
    /// false withholds them all: the material leaves their Secrets, and true brings the same bytes back.
    #[serde(default = "active")]
    pub active: bool,

    /// What counts for credentials of this Account that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_defaults: Option<CredentialDefaults>,

    /// How many credentials the Account may have, and for how long they may be valid.
    ///
    /// A limit refuses what is new (reason QuotaExceeded or LifetimeExceeded) and takes nothing away: what was issued
    /// stays, also when a limit is lowered. Every credential that is not being deleted counts; the places that are
    /// left go to the oldest. When one is deleted, or the limit is raised, the next is issued by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,

    /// Asks for a password of the Account: {} for a generated one, secretRef for one of yours. Default: none.
    ///
    /// A password is generated into the Secret that has the name of the Account and -password, of the type
    /// kubernetes.io/basic-auth: username (the name of the Account), password, and htpasswd, a line with its bcrypt
    /// hash for servers that read htpasswd files. The annotation chatelaine.dev/rotate-password replaces it, once for
    /// each new value; the old one ends at once. It does not expire: credentialDefaults and limits are for
    /// credentials, and so are the other triggers on the Account. An inactive Account withholds it. Removing the field
    /// destroys it, and the Secret with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordSpec>,

    /// The permissions that this Account may hand out to its credentials: resource:action, resource:* or *:*.
    /// At most 64.
    ///
    /// Absent or empty hands out none; *:* hands out all. A credential that asks for something else is not
    /// issued (reason PermissionNotGranted); what is taken away here is taken from live credentials at once,
    /// without changing their material. Example: [servers:read, dns:*]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::permissions")]
    pub permissions: Vec<String>,

    /// Named sets of permissions that credentials refer to in their own roles. At most 32, each name once.
    ///
    /// A role is changed in one place for all who have it, without changing their material. What permissions
    /// above do not grant is cut from every role, so that a role never hands out more than the Account may; a
    /// role of which nothing is left is not issued (reason PermissionNotGranted). Roles that include each other in
    /// a circle are refused; where the circle is longer than two, with Ready=False, reason InvalidSpec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::roles")]
    pub roles: Vec<Role>,

    /// Free properties of the Account, shown to the servers that check its credentials. At most 32, with
    /// values of at most 2048 characters on one line. Example: {plan: gold, rateLimit: "100"}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::attributes")]
    pub attributes: BTreeMap<String, String>,

    /// What AccessTokens of this Account in the format Prefixed begin with, before an underscore: 1 to 16
    /// lower-case letters and digits, beginning with a letter.
    ///
    /// A change counts for tokens that are issued afterwards. Default: chtl. Example: acme, for tokens such
    /// as acme_4fR…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = rule::token_prefix())]
    pub token_prefix: Option<String>,
}

/// Where notices should go.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The e-mail address for notices: one bare address of at most 254 characters. Example: ops@example.com
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    #[x_kube(validation = rule::email())]
    pub email: Option<String>,

    /// The phone number for notices. Example: +48 123 456 789
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    #[x_kube(validation = rule::phone())]
    pub phone: Option<String>,
}

/// A group that the holder is in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The id of the group, unique in the list. At most 128 characters without spaces; ids that begin with
    /// system: are Kubernetes' own and are refused. Example: developers
    #[schemars(length(max = 128))]
    #[x_kube(
        validation = Rule::new(r"self.matches(r'^[^\p{Z}\p{Cc}]+$')")
            .message("must be an id of 1 to 128 characters without spaces or line breaks"),
        validation = Rule::new("!self.startsWith('system:')")
            .message("ids that begin with system: are Kubernetes' own: choose another id"),
    )]
    pub id: String,

    /// The name of the group, for people. At most 200 characters on one line. Example: Developers
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    #[x_kube(validation = rule::no_control_characters())]
    pub name: Option<String>,
}

/// A named set of permissions.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// The name of the role, unique in the list: at most 63 lower-case letters, digits and inner dashes.
    /// Example: full
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule::slug("name"))]
    pub name: String,

    /// What the role is for, for people. At most 255 characters on one line. Example: may create and delete API
    /// keys
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[x_kube(validation = rule::no_control_characters())]
    pub description: Option<String>,

    /// What a credential with this role may do: resource:action, resource:* or *:*. At most 64. Default: none.
    /// Example: [pastes:*, keys:list]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::permissions")]
    pub permissions: Vec<String>,

    /// Other roles of this Account whose permissions this one has too, with what they include in turn. At most
    /// 16. Default: none. Example: [basic]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::role_names")]
    pub include: Vec<String>,

    /// Free properties of the role, such as the buckets that it is about, shown to the servers that check
    /// credentials; they are not included by other roles. At most 32, with values of at most 2048 characters on
    /// one line. Example: {buckets: "logs-*"}
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shape::attributes")]
    pub attributes: BTreeMap<String, String>,
}

/// What counts for credentials that do not say it themselves.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CredentialDefaults {
    /// How long the material of a credential is valid that gives neither lifetime nor expirationTime: a
    /// duration such as 90d or 1y, or never. Default: never.
    ///
    /// It is read at each issue and rotation: a change does not touch what was issued before. Example: 90d
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_or_never())]
    pub lifetime: Option<String>,

    /// How long old material stays valid beside the new one after a rotation, for credentials without
    /// rotation.overlap: a duration such as 24h. Default: 0s, which ends it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration())]
    pub overlap: Option<String>,
}

/// What the operator last saw of the Account. Only the operator writes it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatus {
    /// The generation of the spec that this status speaks of; -1 until the operator has looked at the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The last value of the annotation reconcile.fluxcd.io/requestedAt that the operator has seen; one of more than
    /// 64 characters as sha256: and its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub last_handled_reconcile_at: Option<String>,

    /// The id of the Account: its uid, which no other Account ever has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub id: Option<String>,

    /// How to call the holder: first and last name, else the company, else the e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub display_name: Option<String>,

    /// Ready: the operator has taken notice of the Account as it is, and its password is as spec.password asks.
    /// Active: its credentials may be used. Reconciling and Stalled are there only while they are True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::conditions")]
    pub conditions: Vec<Condition>,

    /// How many credentials the Account has, by kind and by state. Told a second after the last of them changed; while
    /// many change, every ten seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Counts>,

    /// The credentials of the Account, by kind and name: the first 100 of them; counts say how many there are.
    ///
    /// List all of Alice's with kubectl get apikeypairs,sshkeys,accesstokens --field-selector
    /// spec.accountRef.name=alice
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::held")]
    pub credentials: Vec<Held>,

    /// The password that spec.password asks for; absent without one. While it is not as it should be, the conditions
    /// of the Account say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<PasswordStatus>,
}
