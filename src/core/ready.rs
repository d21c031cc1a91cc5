//! The conditions: whether the Secret is as it should be, whether it can be used, and how near its end is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    condition::{Conditions, Truth, gist},
    due::next_due,
    ledger::Ledger,
    lifecycle::{Complaint, Remedy},
    limit,
    policy::{Wanted, down},
    project::Report,
    reason::Reason,
    scene::{Account, Clock, Scene},
};
use crate::api::State;

/// The conditions of what was seen, going on from those that status had.
pub(super) fn conditions(scene: &Scene, report: &Report<'_>, seen: &[Condition]) -> Vec<Condition> {
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
