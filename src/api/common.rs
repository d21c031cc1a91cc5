//! What the three credentials share in `spec`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Restart, output::SecretOutput, rule, schedule, shape};

/// The fields that every credential has.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::one_end(),
    validation = rule::warning_needs_an_end(),
    validation = rule::warning_within_lifetime(),
    validation = schedule::renewal_needs_a_lifetime(),
    validation = schedule::renewal_within_lifetime(),
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
    /// A token of a pair (apiKeyPairRef) lives for 24h by default, and never longer than the pair.
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

    /// How long before the end of the material it is replaced by itself. Default: it is not; it expires.
    ///
    /// A duration above zero, written like lifetime, and at least a minute shorter than it. It needs a lifetime,
    /// given here or by credentialDefaults.lifetime of the Account; not with expirationTime, which a renewal does not
    /// move. Unless an overlap is given here or in the Account, the old material stays valid until its own end. What
    /// a rollback brings back is renewed when half of the time that was left to it has passed.
    ///
    /// A renewal is up to a tenth of this time later, at most 5m: each credential has a delay of its own, so that
    /// those that are due together are not renewed together; status.next has the exact time. What became due while
    /// the operator was stopped is done once when it starts, unless the material has expired by then: what is dead
    /// is issued anew only when somebody asks. While the credential is withheld it is not renewed; it is when the
    /// material is back. Not for a token of a pair (apiKeyPairRef), which is renewed by itself. Example: 10d
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_above_zero())]
    pub renew_before: Option<String>,

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
    /// back. Not Retain for a token of a pair (apiKeyPairRef).
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// Workloads that are restarted when the Secret has a new revision, for programs that read it only when they
    /// start: through environment variables, a subPath, or a file that they do not read again. At most 16, in the
    /// same namespace. Default: none.
    ///
    /// Once for each revision the pod template gets the annotation restart.chatelaine.dev/<Secret>: <revision>, and
    /// the workload rolls out as its own strategy says (a paused Deployment when it goes on, OnDelete when somebody
    /// deletes the pods). What several credentials want of a workload within ten seconds is one rollout. Neither the
    /// first revision, nor what is withheld, given back or retired, restarts anything, nor is a workload restarted
    /// that was made after the revision came about.
    ///
    /// Only a workload whose pod template names this very Secret is touched: in a volume (projected, and for CSI and
    /// other drivers too), in env or envFrom of any container, or in imagePullSecrets. The operator must have been
    /// installed with that right: deploy/components/restart. What came of it is in status.restarts, and Ready stays
    /// True; what could not be done is tried again after five minutes at the latest. Argo CD and Flux leave the
    /// annotation as it is, but a sync with Replace=true removes it. Choose rotation.overlap longer than a rollout
    /// takes. Example: [{kind: Deployment, name: web}]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shape::restarts")]
    pub restart: Vec<Restart>,
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
    #[x_kube(validation = rule::name_of("an Account"))]
    pub name: String,
}

/// What becomes of the Secret when its credential is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    #[default]
    Delete,
    Retain,
}

/// When material is replaced by itself, and how the old one goes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = schedule::one_schedule(),
    validation = schedule::time_zone_needs_cron(),
    validation = schedule::schedule_needs_overlap(),
    validation = schedule::overlap_within_every()
)]
pub struct Rotation {
    /// Rotate by itself, this long after the last issue or rotation.
    ///
    /// A duration of at least 1m, written like lifetime, and shorter than lifetime. It needs overlap, which must be
    /// shorter; not with cron. Because it counts from the last issue, a period that is over already when it is set
    /// rotates at once.
    ///
    /// What became due while the operator was stopped is done once when it starts. A rotation is up to a tenth of
    /// the period later than that, at most 5m and never past the end of the material: each credential has a delay of
    /// its own, so that those that are due together do not rotate together; status.next has the exact time. While
    /// the credential is withheld it is not rotated; it is when the material is back, once. Expired and revoked
    /// material is never replaced by a schedule. Neither every nor cron is for a token of a pair (apiKeyPairRef).
    /// Example: 30d
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration_above_zero(), validation = schedule::at_least_a_minute())]
    pub every: Option<String>,

    /// Rotate by itself when this cron expression fires: minute, hour, day of the month, month and day of the week.
    ///
    /// Each field is *, a number, or a range such as 1-5, with an optional step such as */2 or 0-20/5, or a list of
    /// these with commas; months and days have names too (JAN, MON), and 0 and 7 are Sunday. If both days are given,
    /// either is enough. Names such as @daily are not known: write 0 0 * * *. It needs overlap, which must be shorter
    /// than the time between two firings; not with every.
    ///
    /// The wall clock of timeZone counts: a time that the change to summer time skips fires when the clock has moved
    /// on, a time that comes twice fires the first time. The first firing is the one after the expression was set or
    /// changed, or after the issue if that is later: setting it rotates nothing at once. For firings that were
    /// missed, for the delay and for withheld and dead material the same holds as for every, where the period is the
    /// time until the following firing. Example: 0 3 * * 1
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = schedule::cron())]
    pub cron: Option<String>,

    /// The time zone in which cron is meant, by its name in the IANA database. Only with cron. Default: UTC. Example:
    /// Europe/Warsaw
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = schedule::time_zone())]
    pub time_zone: Option<String>,

    /// How long the old material stays valid beside the new one after a rotation.
    ///
    /// A duration such as 24h, written like lifetime; 0s ends the old material at once. Required with every and cron.
    /// Default: credentialDefaults.overlap of the Account; else a rotation that somebody asks for ends the old
    /// material at once, and one by renewBefore leaves it until its own end. An overlap is fixed when the rotation
    /// happens: changing this field later does not move the end of one that is running. The old material never
    /// outlives its own end. In an overlap the Secret has the old material beside the new, under the keys that begin
    /// with previous; a second rotation in an overlap ends the oldest at once.
    ///
    /// Pods see a changed Secret within about a minute when they mount it as a volume, and only after a
    /// restart when they use it in environment variables or through a subPath: choose the overlap long enough
    /// for that. Example: 24h
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = rule::DURATION_LENGTH))]
    #[x_kube(validation = rule::duration())]
    pub overlap: Option<String>,
}
