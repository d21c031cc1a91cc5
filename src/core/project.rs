//! Status as a picture of what was last seen.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    condition::{Conditions, Truth, gist},
    due::next_due,
    ledger::Ledger,
    lifecycle::{Complaint, Remedy},
    limit,
    period::Period,
    policy::{DefaultFrom, Expiry, Wanted, down},
    reason::Reason,
    scene::{Account, Clock, Scene},
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

fn conditions(scene: &Scene, report: &Report<'_>, seen: &[Condition]) -> Vec<Condition> {
    let mut conditions = Conditions::new(seen, scene.now, report.generation);
    let ready = readiness(scene, report);
    let hint = match (conditions.seen("Ready"), ready.stays) {
        (Some(before), Stays::AsItWas) => {
            conditions.keep(before);
            ready.message.clone()
        }
        (_, Stays::AsItWas | Stays::New) => {
            conditions.set("Ready", ready.truth, ready.reason, ready.message.clone());
            gist(&ready.message).to_owned()
        }
    };
    active(scene, &ready, &mut conditions);
    if let Some(ledger) = scene.ledger().or(scene.testimony.as_ref()).filter(|ledger| ledger.revision > 0) {
        end_of_life(scene, ledger, &mut conditions);
    } else if ready.reason == Reason::Expired {
        conditions.set("Expired", Truth::True, Reason::Expired, gist(&ready.message));
    }
    match ready.outlook {
        Outlook::Settled => {}
        Outlook::Reconciling => {
            conditions.set("Reconciling", Truth::True, ready.reason, hint);
        }
        Outlook::Stalled => {
            conditions.set("Stalled", Truth::True, ready.reason, hint);
        }
    }
    conditions.finish()
}

struct Readiness {
    truth: Truth,
    stays: Stays,
    reason: Reason,
    message: String,
    outlook: Outlook,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stays {
    /// A live credential stays ready while something beside it is tried again.
    AsItWas,
    New,
}

enum Outlook {
    Settled,
    Reconciling,
    Stalled,
}

fn readiness(scene: &Scene, report: &Report<'_>) -> Readiness {
    let new = |truth, reason, message: String, outlook| Readiness {
        truth,
        stays: Stays::New,
        reason,
        message,
        outlook,
    };
    let live = scene.ledger().is_some_and(Ledger::is_live) && !scene.is_damaged();
    if let Some(Complaint { reason, message, remedy }) = report.complaint {
        return match remedy {
            Remedy::Person => new(Truth::False, *reason, message.clone(), Outlook::Stalled),
            Remedy::Waiting { .. }
                if live || *reason == Reason::ApiUnavailable || *reason == Reason::MintingFailed =>
            {
                Readiness {
                    truth: if live { Truth::True } else { Truth::False },
                    stays: Stays::AsItWas,
                    reason: *reason,
                    message: message.clone(),
                    outlook: Outlook::Reconciling,
                }
            }
            Remedy::Waiting { .. } if *reason == Reason::Minting => {
                new(Truth::Unknown, *reason, message.clone(), Outlook::Reconciling)
            }
            Remedy::Waiting { .. } => new(Truth::False, *reason, message.clone(), Outlook::Reconciling),
        };
    }
    let Some(ledger) = scene.ledger() else {
        return new(
            Truth::Unknown,
            Reason::Minting,
            "The Secret is about to be made".to_owned(),
            Outlook::Reconciling,
        );
    };
    if scene.clock == Clock::Skewed && next_due(scene, ledger).is_some_and(|(_, time)| time <= scene.now) {
        let message = "The clocks of the operator and of the API server differ by more than a minute: nothing is done for reasons of time";
        return Readiness {
            truth: Truth::True,
            stays: Stays::AsItWas,
            reason: Reason::ClockSkew,
            message: message.to_owned(),
            outlook: Outlook::Reconciling,
        };
    }
    of_state(scene, ledger, report.secret_name, new)
}

fn of_state(
    scene: &Scene,
    ledger: &Ledger,
    secret: &str,
    new: impl Fn(Truth, Reason, String, Outlook) -> Readiness,
) -> Readiness {
    let account = &scene.owner.account;
    match ledger.state {
        State::Live => {
            let mut message = format!("The Secret {secret} holds revision {}", ledger.revision);
            if let Some(previous) = &ledger.previous {
                message += &format!("; the previous one is valid until {}", previous.retirement_time);
            }
            if let Some((_, lacking)) = scene.policy.grant.as_ref().and_then(|grant| grant.lacking(account)) {
                message += &format!("; {lacking}");
            }
            let parent = scene.policy.parent.as_ref();
            if let Some(why) = parent.and_then(|parent| parent.why_not_renewed(ledger.parent.as_ref())) {
                message += &format!("; it is not renewed: {why}");
            }
            if let Some(beyond) = limit::beyond(&scene.policy, account, scene.now) {
                message += &format!("; it would not be rotated: {}", beyond.message);
            }
            new(Truth::True, ledger.reason(), message, Outlook::Settled)
        }
        State::Withheld if scene.policy.wanted == Wanted::Inactive => {
            let message =
                "spec.active is false: the Secret holds no material; it comes back when that is true";
            new(Truth::True, Reason::Inactive, message.to_owned(), Outlook::Settled)
        }
        State::Withheld => match scene.account {
            Account::Missing | Account::MissingLately { .. } => {
                let message = format!(
                    "There is no Account {account}: the material is withheld and comes back when one is created"
                );
                new(Truth::False, Reason::AccountNotFound, message, Outlook::Reconciling)
            }
            Account::Inactive => {
                let message = format!(
                    "The Account {account} is inactive: the Secret holds no material; it comes back when that is active"
                );
                new(Truth::True, Reason::AccountInactive, message, Outlook::Settled)
            }
            Account::Active | Account::Unknown => {
                let message = format!(
                    "The Account {account} was inactive or missing when it was last seen: the material is withheld and \
                     comes back when that is seen to be active"
                );
                new(Truth::True, Reason::AccountInactive, message, Outlook::Settled)
            }
        },
        // What it waits for is its own activation: the parent would have been a complaint.
        State::Expired
            if scene.policy.parent.is_some()
                && (scene.why_inactive().is_some()
                    || matches!(scene.account, Account::MissingLately { .. })) =>
        {
            let message =
                "The material has expired: new material is issued when this is active and its Account is";
            new(Truth::False, Reason::Expired, message.to_owned(), Outlook::Reconciling)
        }
        State::Expired => {
            let end = ledger.not_after.map_or_else(String::new, |end| format!(" at {end}"));
            let message = format!(
                "The material expired{end}: set a new value of chatelaine.dev/rotate, or move the date, to issue anew"
            );
            new(Truth::False, Reason::Expired, message, Outlook::Stalled)
        }
        State::Revoked => {
            let message = "The material was revoked: set a new value of chatelaine.dev/rotate to issue anew";
            new(Truth::False, Reason::Revoked, message.to_owned(), Outlook::Stalled)
        }
    }
}

/// Whether the Secret holds usable material: what a workload waits for.
fn active(scene: &Scene, ready: &Readiness, conditions: &mut Conditions<'_>) {
    match scene.ledger() {
        Some(ledger) if ledger.is_live() && !scene.is_damaged() => {
            let message = format!("Revision {} can be used", ledger.revision);
            conditions.set("Active", Truth::True, ledger.reason(), message)
        }
        Some(_) | None => conditions.set("Active", Truth::False, ready.reason, gist(&ready.message)),
    };
}

fn end_of_life(scene: &Scene, ledger: &Ledger, conditions: &mut Conditions<'_>) {
    let (soon, expired, reason, message) = match ledger.not_after {
        _ if ledger.state == State::Revoked => (
            Truth::False,
            Truth::False,
            Reason::Revoked,
            "The material was revoked before its end".to_owned(),
        ),
        Some(end) if ledger.state == State::Expired => {
            (Truth::False, Truth::True, Reason::Expired, format!("The material expired at {end}"))
        }
        None if ledger.state == State::Expired => {
            (Truth::False, Truth::True, Reason::Expired, "The material expired".to_owned())
        }
        None => (Truth::False, Truth::False, Reason::NeverExpires, "The material does not expire".to_owned()),
        Some(end) if scene.policy.warning_time(ledger.issue_time, end) <= scene.now => {
            let message = format!("The material expires at {}: rotate it, or move the date", down(end));
            (Truth::True, Truth::False, Reason::ExpiresWithin, message)
        }
        Some(end) => {
            (Truth::False, Truth::False, Reason::NotYetDue, format!("The material expires at {end}"))
        }
    };
    conditions.set("ExpiringSoon", soon, reason, message.clone());
    conditions.set("Expired", expired, reason, message);
}
