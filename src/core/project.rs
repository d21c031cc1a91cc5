//! Status as a picture of what was last seen.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    due::next_due,
    ledger::Ledger,
    lifecycle::Complaint,
    period::Period,
    policy::{DefaultFrom, Expiry},
    ready::conditions,
    scene::Scene,
    schedule::expiry_line,
};
use crate::api::{
    Binding, CredentialDigest, CredentialStatus, Effective, HistoryEntry, Next, Previous, Restarted,
    SecretRef, State,
};

/// What a status is made from, beside the scene.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub complaint: Option<&'a Complaint>,
    /// The status that the object was seen with.
    pub seen: Option<&'a CredentialStatus>,
    pub generation: Option<i64>,
    /// The value that asks for a look, as it was seen.
    pub requested_at: Option<&'a str>,
    pub secret_name: &'a str,
    /// The Secret as it was verified.
    pub witness: Option<&'a SecretRef>,
    /// What came of the workloads that are to be restarted.
    pub restarts: &'a [Restarted],
}

/// The common part of the status. While the Secret cannot speak, the testimony is repeated unchanged.
pub fn project(scene: &Scene, report: Report<'_>) -> CredentialStatus {
    let seen = report.seen.cloned().unwrap_or_default();
    let told = match scene.ledger() {
        Some(ledger) => of_ledger(scene, ledger, report.witness),
        None => CredentialStatus { secret_ref: None, binding: None, next: None, ..seen.clone() },
    };
    CredentialStatus {
        observed_generation: report.generation,
        last_handled_reconcile_at: report
            .requested_at
            .map(str::to_owned)
            .or(seen.last_handled_reconcile_at.clone()),
        conditions: conditions(scene, &report, &seen.conditions),
        effective: Some(effective(scene)),
        restarts: report.restarts.to_vec(),
        ..told
    }
}

fn of_ledger(scene: &Scene, ledger: &Ledger, witness: Option<&SecretRef>) -> CredentialStatus {
    let issued = ledger.revision > 0;
    let shown = match ledger.state {
        State::Live | State::Withheld => issued.then(|| expiry_line(scene.now, ledger.not_after)),
        State::Expired => Some("Expired".to_owned()),
        // Nothing is there that could expire.
        State::Revoked => None,
    };
    CredentialStatus {
        state: Some(ledger.state),
        revision: Some(ledger.revision),
        issue_time: ledger.issue_time.map(Time),
        expiration_time: ledger.not_after.map(Time),
        previous: ledger.previous.as_ref().map(|previous| Previous {
            id: previous.id.clone(),
            expiration_time: previous.not_after.map(Time),
            retirement_time: Time(previous.retirement_time),
        }),
        handled_triggers: Some(ledger.handled.tell()),
        handled_account_triggers: Some(ledger.account_handled.tell()),
        digests: digests(ledger),
        secret_ref: witness.cloned(),
        binding: witness.filter(|_| ledger.is_live()).map(|witness| Binding { name: witness.name.clone() }),
        is_expired: Some(ledger.state == State::Expired),
        expiry: shown,
        next: next_due(scene, ledger)
            .map(|(due, time)| Next { action: format!("{due:?}"), time: Time(time) }),
        history: ledger
            .history
            .iter()
            .map(|entry| HistoryEntry {
                revision: entry.revision,
                time: Time(entry.time),
                reason: entry.reason.to_string(),
                trigger: entry.trigger.clone(),
            })
            .collect(),
        ..CredentialStatus::default()
    }
}

/// What is valid now, current first. A withheld one keeps its digest: the verifying side reads `state` beside it.
fn digests(ledger: &Ledger) -> Vec<CredentialDigest> {
    let digest = |value: &String, end: Option<Timestamp>| CredentialDigest {
        value: value.clone(),
        not_after: end.map(Time),
    };
    let current = ledger.digest.iter().map(|value| digest(value, ledger.not_after));
    let previous =
        ledger.previous.iter().map(|previous| digest(&previous.digest, Some(previous.retirement_time)));
    current.chain(previous).collect()
}

fn effective(scene: &Scene) -> Effective {
    let told = scene.ledger().or(scene.testimony.as_ref()).filter(|ledger| ledger.revision > 0);
    let policy = &scene.policy;
    let (default, default_from) = told.map_or((policy.default_lifetime, policy.default_from), |ledger| {
        (ledger.default_lifetime, ledger.default_from)
    });
    let default_from = match default_from {
        DefaultFrom::Account => "Account",
        DefaultFrom::Limit => "Limit",
        DefaultFrom::ApiKeyPair => "ApiKeyPair",
    };
    let (lifetime, from) = match (scene.policy.expiry, default) {
        (Expiry::At(_), _) => (None, None),
        (Expiry::After(lifetime), _) => (Some(lifetime.to_string()), Some("Spec")),
        (Expiry::Never, _) => (Some("never".to_owned()), Some("Spec")),
        (Expiry::AccountDefault, Some(lifetime)) => (Some(lifetime.to_string()), Some(default_from)),
        (Expiry::AccountDefault, None) => (Some("never".to_owned()), Some("Default")),
    };
    let (lifetime, from) = match told.and_then(|ledger| cut_short(scene, ledger)) {
        Some(lifetime) => (Some(lifetime.to_string()), Some("ApiKeyPair")),
        None => (lifetime, from),
    };
    Effective {
        lifetime,
        lifetime_from: from.map(str::to_owned),
        permissions: scene.policy.grant.as_ref().map(|grant| grant.effective.clone()),
    }
}

/// The life of material that ends with its parent, before its own time is over.
fn cut_short(scene: &Scene, ledger: &Ledger) -> Option<Period> {
    let (issue, end) = (ledger.issue_time?, ledger.not_after?);
    let own = scene.policy.own_not_after(issue, ledger.default_lifetime);
    let is_cut = ledger.parent.is_some() && own.is_none_or(|own| end < own);
    is_cut.then(|| Period::between(issue, end))
}
