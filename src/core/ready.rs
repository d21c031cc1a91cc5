//! The conditions: whether the Secret is as it should be, whether it can be used, and how near its end is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    answer::Answer,
    condition::{Conditions, Truth, gist},
    due::next_due,
    ledger::Ledger,
    lifecycle::{Complaint, Remedy},
    limit,
    policy::{Wanted, down},
    project::Report,
    questions::drift::drifted,
    reason::Reason,
    scene::{Account, Clock, Existence, Scene},
};
use crate::api::State;

const AWAITED: &str = "The Secret is about to be made";
const DELETED: &str = "This is being deleted: nothing is made any more";

/// The conditions of what was seen, going on from those that status had.
pub(super) fn conditions(scene: &Scene, report: &Report<'_>, seen: &[Condition]) -> Vec<Condition> {
    let mut conditions = Conditions::new(seen, scene.now, report.generation);
    let ready = readiness(scene, report);
    let full = match (conditions.seen("Ready"), ready.stays) {
        (Some(before), Stays::AsItWas) => {
            conditions.keep(before);
            &before.message
        }
        (_, Stays::AsItWas | Stays::New) => {
            conditions.set("Ready", ready.truth, ready.reason, ready.message.clone());
            &ready.message
        }
    };
    // What Ready says in full, what stands beside it says in short.
    let hint = |message: &str| if message == full { gist(message).to_owned() } else { message.to_owned() };
    active(scene, &ready, &mut conditions);
    if let Some(ledger) = scene.ledger().or(scene.testimony.as_ref()).filter(|ledger| ledger.revision > 0) {
        end_of_life(scene, ledger, &mut conditions);
    } else if ready.reason == Reason::Expired {
        conditions.set("Expired", Truth::True, Reason::Expired, gist(&ready.message));
    }
    match ready.outlook {
        Outlook::Settled => {}
        Outlook::Reconciling(reason, message) => {
            conditions.set("Reconciling", Truth::True, reason, hint(&message));
        }
        Outlook::Stalled(reason, message) => {
            conditions.set("Stalled", Truth::True, reason, hint(&message));
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
    /// Nothing can be learnt of it, or nothing could be done yet to make it fit a spec that was edited.
    AsItWas,
    New,
}

/// What stands in the way, beside what Ready says.
enum Outlook {
    Settled,
    Reconciling(Reason, String),
    Stalled(Reason, String),
}

impl Readiness {
    fn new(truth: Truth, reason: Reason, message: String) -> Self {
        Self { truth, stays: Stays::New, reason, message, outlook: Outlook::Settled }
    }

    /// It is waited for what Ready says.
    fn reconciling(self) -> Self {
        let outlook = Outlook::Reconciling(self.reason, self.message.clone());
        Self { outlook, ..self }
    }

    /// Only a person can change what Ready says.
    fn stalled(self) -> Self {
        let outlook = Outlook::Stalled(self.reason, self.message.clone());
        Self { outlook, ..self }
    }
}

fn readiness(scene: &Scene, report: &Report<'_>) -> Readiness {
    let settled = scene.ledger().map(|ledger| of_state(scene, ledger, report.secret_name));
    let skew = || scene.ledger().and_then(|ledger| skewed(scene, ledger));
    let Some(Complaint { reason, message, remedy }) = report.complaint.cloned().or_else(skew) else {
        let holds = !scene.ledger().is_some_and(Ledger::is_live) || scene.is_usable();
        return match settled {
            Some(settled) if holds => settled,
            Some(_) | None if scene.existence == Existence::BeingDeleted => {
                Readiness::new(Truth::False, Reason::BeingDeleted, DELETED.to_owned())
            }
            Some(_) | None => {
                Readiness::new(Truth::Unknown, Reason::Minting, AWAITED.to_owned()).reconciling()
            }
        };
    };
    if remedy == Remedy::Person {
        return Readiness::new(Truth::False, reason, message).stalled();
    }
    match settled {
        // What is valid is served, whatever is waited for.
        Some(valid) if scene.is_usable() => {
            let fits = !matches!(drifted(scene), Answer::Yes(_));
            let stays = if fits && !reason.is_failure() { Stays::New } else { Stays::AsItWas };
            Readiness { stays, outlook: Outlook::Reconciling(reason, message), ..valid }
        }
        Some(told) if reason == Reason::ClockSkew => {
            Readiness { stays: Stays::AsItWas, outlook: Outlook::Reconciling(reason, message), ..told }
        }
        _ if reason == Reason::ApiUnavailable || reason == Reason::MintingFailed => {
            Readiness { stays: Stays::AsItWas, ..Readiness::new(Truth::False, reason, message).reconciling() }
        }
        _ if reason == Reason::Minting => Readiness::new(Truth::Unknown, reason, message).reconciling(),
        _ => Readiness::new(Truth::False, reason, message).reconciling(),
    }
}

/// Something is due, and the clocks do not let it be done.
fn skewed(scene: &Scene, ledger: &Ledger) -> Option<Complaint> {
    let is_due = || next_due(scene, ledger).is_some_and(|(_, time)| time <= scene.now);
    let message = "The clocks of the operator and of the API server differ by more than a minute: nothing is done for reasons of time";
    (scene.clock == Clock::Skewed && is_due()).then(|| Complaint::waiting(Reason::ClockSkew, message))
}

fn of_state(scene: &Scene, ledger: &Ledger, secret: &str) -> Readiness {
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
            Readiness::new(Truth::True, ledger.reason(), message)
        }
        State::Withheld if scene.policy.wanted == Wanted::Inactive => {
            let message =
                "spec.active is false: the Secret holds no material; it comes back when that is true";
            Readiness::new(Truth::True, Reason::Inactive, message.to_owned())
        }
        State::Withheld => match scene.account {
            Account::Missing | Account::MissingLately { .. } => {
                let message = format!(
                    "There is no Account {account}: the material is withheld and comes back when one is created"
                );
                Readiness::new(Truth::False, Reason::AccountNotFound, message).reconciling()
            }
            Account::Inactive => {
                let message = format!(
                    "The Account {account} is inactive: the Secret holds no material; it comes back when that is active"
                );
                Readiness::new(Truth::True, Reason::AccountInactive, message)
            }
            Account::Active | Account::Unknown => {
                let message = format!(
                    "The Account {account} was inactive or missing when it was last seen: the material is withheld and \
                     comes back when that is seen to be active"
                );
                Readiness::new(Truth::True, Reason::AccountInactive, message)
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
            Readiness::new(Truth::False, Reason::Expired, message.to_owned()).reconciling()
        }
        State::Expired => {
            let end = ledger.not_after.map_or_else(String::new, |end| format!(" at {end}"));
            let message = format!(
                "The material expired{end}: set a new value of chatelaine.dev/rotate, or move the date, to issue anew"
            );
            Readiness::new(Truth::False, Reason::Expired, message).stalled()
        }
        State::Revoked => {
            let message = "The material was revoked: set a new value of chatelaine.dev/rotate to issue anew";
            Readiness::new(Truth::False, Reason::Revoked, message.to_owned()).stalled()
        }
    }
}

/// Whether the Secret holds usable material: what a workload waits for.
fn active(scene: &Scene, ready: &Readiness, conditions: &mut Conditions<'_>) {
    match scene.ledger() {
        Some(ledger) if scene.is_usable() => {
            let message = format!("Revision {} can be used", ledger.revision);
            conditions.set("Active", Truth::True, ledger.reason(), message)
        }
        Some(_) | None => match conditions.seen("Active") {
            Some(before) if ready.stays == Stays::AsItWas && before.status == Truth::False.as_str() => {
                conditions.keep(before)
            }
            Some(_) | None => conditions.set("Active", Truth::False, ready.reason, gist(&ready.message)),
        },
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
