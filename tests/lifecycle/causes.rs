//! Rule 1: each new revision has a cause that was there before it and was not consumed.

use chatelaine::{
    api::State,
    core::{
        due::replacement_due, ledger::Ledger, period::Period, policy::Source, reason::Reason, scene::Scene,
        trigger::Trigger,
    },
};

/// Fails unless what was seen is a cause for this page of the ledger.
pub fn had_a_cause(before: &Scene, page: &Ledger) {
    let entry = page.history.last().expect("a revision has an entry");
    let told = before.ledger().or(before.lost());
    let is_brought = before.policy.source.is_brought();
    let brings_another =
        |told: &Ledger| matches!(&before.policy.source, Source::Brought { id: Some(id) } if *id != told.id);
    let asked = |told: &Ledger| !is_brought && before.asked(Trigger::Rotate, told).is_some();
    let cause = match (entry.reason, &entry.trigger) {
        (Reason::Rotated, _) if is_brought => told.is_some_and(brings_another),
        (Reason::RolledBack, _) if is_brought => false,
        (Reason::Rotated, Some(value)) => {
            told.is_some_and(|told| before.asked(Trigger::Rotate, told) == Some(value))
        }
        (Reason::RolledBack, Some(value)) => {
            told.is_some_and(|told| told.is_live() && before.asked(Trigger::Rollback, told) == Some(value))
        }
        (Reason::Rotated | Reason::Renewed, None) => {
            told.and_then(|told| replacement_due(before, told)).is_some_and(|(_, due)| before.is_past(due))
        }
        (Reason::Issued, _) => told.is_none_or(|told| match told.state {
            State::Live | State::Withheld => told.revision == 0,
            State::Revoked => asked(told) || brings_another(told),
            State::Expired => {
                let moved =
                    before.policy.asked_not_after_of(told).is_none_or(|end| Some(end) > told.not_after);
                moved || before.policy.parent.is_some() || asked(told) || brings_another(told)
            }
        }),
        (Reason::SecretRecreated, _) => told.is_some_and(|told| match told.state {
            State::Live => before.ledger().is_none() && a_minute_has_passed(before, told),
            State::Withheld => before.copy.as_ref().is_none_or(|copy| copy.inside != crate::stage::INTACT),
            State::Expired | State::Revoked => false,
        }),
        (Reason::SecretRepaired, _) => {
            before.is_damaged() && told.is_some_and(|told| a_minute_has_passed(before, told))
        }
        (reason, _) => panic!("{reason} is no cause"),
    };
    assert!(cause, "{entry:?} has no cause in {before:?}");
}

/// What is lost or damaged is made again at most once a minute.
fn a_minute_has_passed(before: &Scene, told: &Ledger) -> bool {
    told.issue_time.is_none_or(|issue| Period::seconds(60).after(issue) <= before.now)
}
