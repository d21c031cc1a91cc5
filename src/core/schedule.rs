//! When to look again, and what status says of the time that is left.

use jiff::Timestamp;

use super::{
    due::replacement_due,
    ledger::Ledger,
    lifecycle::{Complaint, Remedy},
    limit,
    parent::Standing,
    period::Period,
    policy::Wanted,
    questions::{
        minting::{brought_anew, may_mint},
        reach::CONFLICT_PAUSE,
    },
    scene::{Account, Clock, Existence, Origin, Scene},
    trigger::Trigger,
};
use crate::api::State;

const DAY: i64 = 86_400;
/// While the clocks disagree nothing is due; this is how often they are compared.
const SKEW_PAUSE: Period = Period::seconds(10);
/// How often an Account is looked for that could not be read.
const ACCOUNT_PAUSE: Period = Period::seconds(30);

/// The next moment at which something is due or status reads differently; always in the future.
pub fn next_alarm(scene: &Scene, complaint: Option<&Complaint>) -> Option<Timestamp> {
    let ledger = scene.ledger();
    let mut moments = Vec::with_capacity(8);
    let alive = |ledger: &&Ledger| !ledger.is_dead() && ledger.revision > 0;
    if let Some(ledger) = ledger.filter(alive) {
        moments.extend(ledger.previous.as_ref().map(|previous| previous.retirement_time));
        // What stands in its way now and was told will stand in its way then.
        if complaint.is_none() || may_mint(scene).err().as_ref() != complaint {
            moments.extend(replacement_due(scene, ledger).map(|(_, time)| time));
        }
        moments.extend(ledger.not_after.map(|end| next_day_count(scene.now, end)));
    }
    if let Some(ledger) = ledger.or(scene.lost()).filter(alive) {
        // Of an object that is being deleted a lost Secret is not made again, not even without material.
        if scene.ledger().is_some() || scene.existence == Existence::Standing {
            let ends = [ledger.not_after, scene.policy.not_after_of(ledger)];
            moments.extend(ends.iter().flatten());
        }
    }
    // What is testified is warned of, whatever sits in its place.
    if let Some(ledger) = ledger.or(scene.testimony.as_ref()).filter(alive) {
        moments.extend(ledger.not_after.map(|end| scene.policy.warning_time(ledger.issue_time, end)));
    }
    // On what is being deleted nothing is noted then.
    if let Some(dead) = ledger.filter(|ledger| ledger.is_dead() && scene.existence == Existence::Standing) {
        moments.extend(issue_lapses(scene, dead, complaint).into_iter().flatten());
    }
    moments.extend(complaint.and_then(look_again));
    moments.extend(parent_ends(scene, complaint));
    // What is live says that it would not be rotated, as long as that is so.
    let would_wait = || limit::beyond(&scene.policy, &scene.owner.account, scene.now);
    let is_refused = complaint.is_some_and(|complaint| complaint.remedy == Remedy::Person);
    let says_so = !is_refused && scene.is_usable();
    moments.extend(says_so.then(would_wait).flatten().as_ref().and_then(look_again));
    // No watch shows a stranger on the name of the copy, nor that he goes.
    let is_strange = scene.copy.as_ref().is_some_and(|copy| copy.origin == Origin::Strange);
    if is_strange && scene.existence == Existence::Standing {
        moments.push(CONFLICT_PAUSE.after(scene.now));
    }
    // Then the material is withheld, if there is any in the Secret.
    let would_be_withheld = scene.existence == Existence::Standing
        && scene.policy.wanted == Wanted::Active
        && ledger.or(scene.lost()).is_some_and(Ledger::is_live);
    if let (Account::MissingLately { until }, true) = (scene.account, would_be_withheld) {
        moments.push(until);
    }
    // Then what is a part of it is destroyed, if there is any.
    let has_material = ledger.is_some_and(|ledger| alive(&ledger))
        || scene.existence == Existence::Standing && scene.lost().is_some_and(|ledger| alive(&ledger));
    if let (Some(Standing::MissingLately { until }), true) =
        (scene.policy.parent.as_ref().map(|parent| &parent.standing), has_material)
    {
        moments.push(*until);
    }
    // It may be gone, or have come to say something else, and no watch tells of a read that failed.
    if scene.account == Account::Unknown && scene.existence == Existence::Standing {
        moments.push(ACCOUNT_PAUSE.after(scene.now));
    }
    if scene.clock == Clock::Skewed && moments.iter().any(|moment| *moment <= scene.now) {
        moments.push(SKEW_PAUSE.after(scene.now));
    }
    moments.into_iter().filter(|moment| *moment > scene.now).min()
}

fn look_again(complaint: &Complaint) -> Option<Timestamp> {
    match complaint.remedy {
        Remedy::Waiting { look_again } => look_again,
        Remedy::Person => None,
    }
}

/// Then that is what stands in the way, before what was told.
fn parent_ends(scene: &Scene, complaint: Option<&Complaint>) -> Option<Timestamp> {
    let parent = scene.policy.parent.as_ref().filter(|parent| parent.obstacle(scene.now).is_none())?;
    let is_refused = complaint.is_some() && may_mint(scene).err().as_ref() == complaint;
    let asks = scene.account == Account::Active && scene.why_inactive().is_none();
    parent.not_after().filter(|_| is_refused && asks)
}

/// When what is dead is not to be issued anew any more, though it was asked for and is waited for.
fn issue_lapses(scene: &Scene, dead: &Ledger, complaint: Option<&Complaint>) -> [Option<Timestamp>; 2] {
    let asked = scene.asked(Trigger::Rotate, dead).is_some();
    let waits =
        dead.state == State::Expired && complaint.is_some() && may_mint(scene).err().as_ref() == complaint;
    // A part goes on by itself, and another key is asked for whatever the dates are: none that is counted from an issue
    // matters to them.
    let is_another = brought_anew(scene, dead);
    let by_its_date = waits && !asked && scene.policy.parent.is_none() && !is_another;
    let is_told_then =
        |end: &Timestamp| may_mint(&Scene { now: *end, ..scene.clone() }).err().as_ref() == complaint;
    [
        scene.policy.fixed_end().filter(|end| asked || waits && !(is_another && is_told_then(end))),
        scene.policy.asked_not_after_of(dead).filter(|_| by_its_date),
    ]
}

/// The line that status shows: `Never Expires`, `Expires in: N days` rounded up, or `Expired`.
pub fn expiry_line(now: Timestamp, not_after: Option<Timestamp>) -> String {
    match not_after {
        None => "Never Expires".to_owned(),
        Some(end) if end <= now => "Expired".to_owned(),
        Some(end) => format!("Expires in: {} days", days_left(now, end)),
    }
}

fn days_left(now: Timestamp, end: Timestamp) -> i64 {
    let nanoseconds = end.as_nanosecond() - now.as_nanosecond();
    let day = i128::from(DAY) * 1_000_000_000;
    ((nanoseconds + day - 1) / day) as i64
}

/// When the number of days changes next.
fn next_day_count(now: Timestamp, end: Timestamp) -> Timestamp {
    Period::seconds(((days_left(now, end) - 1).max(0) * DAY) as u64).before(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn the_line_is_to_the_letter() {
        assert_eq!(expiry_line(at(0), None), "Never Expires");
        assert_eq!(expiry_line(at(0), Some(at(1))), "Expires in: 1 days");
        assert_eq!(expiry_line(at(0), Some(at(DAY))), "Expires in: 1 days");
        assert_eq!(expiry_line(at(0), Some(at(DAY + 1))), "Expires in: 2 days");
        assert_eq!(expiry_line(at(0), Some(at(0))), "Expired");
    }

    proptest! {
        #[test]
        fn the_day_count_changes_at_the_moment_that_was_foretold_and_not_before(left in 1i64..400 * DAY) {
            let end = at(left);
            let change = next_day_count(at(0), end);
            prop_assert!(change > at(0) || left <= DAY && change == end);
            let just_before = Timestamp::from_nanosecond(change.as_nanosecond() - 1).unwrap();
            prop_assert_eq!(expiry_line(at(0), Some(end)), expiry_line(just_before, Some(end)));
            prop_assert_ne!(expiry_line(at(0), Some(end)), expiry_line(change, Some(end)));
        }
    }
}
