//! What comes next by itself, and when: an end, or new material by a schedule.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    ledger::Ledger,
    period::Period,
    policy::{Policy, Schedule},
    scene::{Existence, Scene},
};

/// No rotation or renewal is later than its time by more than this.
const LONGEST_DELAY: Period = Period::seconds(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Expire,
    Retire,
    /// New material before the end of the current one.
    Renew,
    /// New material by `rotation.every` or `rotation.cron`.
    Rotate,
}

/// The next thing that will be done to the material, and when.
pub fn next_due(scene: &Scene, ledger: &Ledger) -> Option<(Due, Timestamp)> {
    if ledger.is_dead() || ledger.revision == 0 {
        return None;
    }
    let expire = ledger.not_after.map(|time| (Due::Expire, time));
    let retire = ledger.previous.as_ref().map(|previous| (Due::Retire, previous.retirement_time));
    [expire, retire, replacement_due(scene, ledger)].into_iter().flatten().min_by_key(|(_, time)| *time)
}

/// When something next has to leave the Secret: that goes before all other work.
pub fn next_end(ledger: &Ledger) -> Option<Timestamp> {
    if ledger.is_dead() {
        return None;
    }
    let retire = ledger.previous.as_ref().map(|previous| previous.retirement_time);
    ledger.not_after.into_iter().chain(retire).min()
}

/// The end of this material that has passed: the recorded one, or the one that the spec now gives. If both have, the
/// earlier one: what is issued anew is to end after it.
pub fn passed_end(scene: &Scene, ledger: &Ledger) -> Option<Timestamp> {
    let ends = [ledger.not_after, scene.policy.not_after_of(ledger)];
    ends.into_iter().flatten().filter(|end| scene.is_past(*end)).min()
}

/// When live material is to be replaced by itself. Nothing is while it is withheld: it is given back first, and what
/// came due meanwhile is done then.
pub fn replacement_due(scene: &Scene, ledger: &Ledger) -> Option<(Due, Timestamp)> {
    let policy = &scene.policy;
    if scene.existence == Existence::BeingDeleted {
        return None;
    }
    // Damaged material is made anew anyway.
    if !ledger.is_live() || scene.is_damaged() || policy.source.is_brought() {
        return None;
    }
    let issue = ledger.issue_time?;
    let unchanged = policy.parent.as_ref().is_none_or(|parent| parent.is_live_as(ledger.parent.as_ref()));
    let renewal = policy.renewal(issue, ledger.not_after).filter(|_| unchanged).map(|time| {
        let before = ledger.not_after.map(|end| Period::between(time, end)).unwrap_or_default();
        let time = time.max(halfway(ledger).unwrap_or(time));
        (Due::Renew, time, before.tenth().min(LONGEST_DELAY))
    });
    // What somebody rolled back is not replaced again by the date that had replaced it.
    let from = ledger.return_time.map_or(issue, |back| back.max(issue));
    let rotation = rotation(policy, ledger, from).map(|(time, longest)| (Due::Rotate, time, longest));
    let delayed = |(due, time, longest): (Due, Timestamp, Period)| {
        (due, delay(&scene.owner.uid, within_life(time, longest, ledger)).after(time))
    };
    renewal.into_iter().chain(rotation).map(delayed).min_by_key(|(_, time)| *time)
}

/// When half of the time has passed that was left to material that a rollback brought back.
fn halfway(ledger: &Ledger) -> Option<Timestamp> {
    let (back, end) = (ledger.return_time?, ledger.not_after?);
    Some(Period::between(back, end).half().after(back))
}

/// The time that the schedule gives, and how much later it may be done.
fn rotation(policy: &Policy, ledger: &Ledger, from: Timestamp) -> Option<(Timestamp, Period)> {
    match policy.schedule.as_ref()? {
        Schedule::Every(period) => Some((period.after(from), period.tenth().min(LONGEST_DELAY))),
        Schedule::Cron(cron) => {
            // One that the ledger does not note yet begins when it does.
            let noted = ledger.schedule.as_ref().filter(|noted| noted.text == cron.text)?;
            let firing = cron.after(from.max(noted.since))?;
            let between = Period::between(firing.at, firing.following);
            // The overlap that begins then must be over before the following firing.
            let room = between.less(policy.overlap.unwrap_or_default());
            Some((firing.at, between.tenth().min(LONGEST_DELAY).min(room)))
        }
    }
}

/// At most half of the time that is left to the material.
fn within_life(time: Timestamp, longest: Period, ledger: &Ledger) -> Period {
    ledger.not_after.map_or(longest, |end| longest.min(Period::between(time, end).half()))
}

/// Of all credentials with the same longest delay each has its own, always the same: what is due at the same second is
/// spread evenly.
fn delay(uid: &str, longest: Period) -> Period {
    let digest = Sha256::digest(uid.as_bytes());
    let share = digest.last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    Period::seconds(((u128::from(share) * u128::from(longest.as_secs())) >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_together_is_spread_evenly_over_the_longest_delay() {
        let mut tenths = [0u32; 10];
        for n in 0..10_000 {
            let delay = delay(&format!("uid-{n}"), Period::seconds(300)).as_secs();
            tenths[(delay / 30) as usize] += 1;
        }
        assert!(tenths.iter().all(|many| (850..1_150).contains(many)), "{tenths:?}");
        assert_eq!(delay("uid-1", Period::seconds(300)), delay("uid-1", Period::seconds(300)));
        assert_eq!(delay("uid-1", Period::default()), Period::default());
    }
}
