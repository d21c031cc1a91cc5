//! What asks for new material, and what stands in its way.

use jiff::Timestamp;

use super::locking::sealed_first;
use crate::api::State;
use crate::core::{
    answer::{Answer, Complaint},
    due::{Due, replacement_due},
    ledger::Ledger,
    limit,
    page::{self, Cause, Page},
    period::Period,
    policy::Source,
    reason::Reason,
    scene::{Account, Existence, Inside, Integrity, Lock, Origin, Scene},
    trigger::{Handled, Trigger},
};

/// A Secret of a live credential is made again at most once in this time.
const REMAKE_PAUSE: Period = Period::seconds(60);
const BROUGHT: &str = "What is brought is replaced by bringing another: change spec.publicKey, or the password that \
                       spec.password.secretRef points to; the trigger changes nothing";

pub(in crate::core) fn issue_due(scene: &Scene) -> Answer {
    if scene.is_blank() {
        return first_issue(scene);
    }
    if let Some(testimony) = scene.lost() {
        return remake(scene, testimony);
    }
    let Some(ledger) = scene.ledger() else { return Answer::No };
    match ledger.state {
        State::Withheld if ledger.revision == 0 && !is_made_inactive(scene) => {
            mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Issued))
        }
        State::Live if !is_intact(scene) => repair(scene, ledger),
        State::Expired | State::Revoked => reissue(scene, ledger),
        State::Live | State::Withheld => Answer::No,
    }
}

fn first_issue(scene: &Scene) -> Answer {
    match scene.why_inactive() {
        Some(Reason::Inactive | Reason::AccountInactive)
            if account_is_there(scene) && scene.existence == Existence::Standing =>
        {
            match may_be_issued(scene) {
                Ok(()) => page::born_inactive(scene, past(scene)).into(),
                Err(complaint) => Answer::Blocked(complaint),
            }
        }
        Some(_) | None => mint(scene, |scene| page::issue(scene, past(scene), Reason::Issued)),
    }
}

/// The Secret is gone, mute or an old copy of itself; status says what was in it.
fn remake(scene: &Scene, testimony: &Ledger) -> Answer {
    if scene.existence == Existence::BeingDeleted {
        // It is not made again; but bytes that nobody answers for do not stay either.
        let withdrawn = || Page { news: None, ..page::withdraw(testimony) }.into();
        return if scene.is_discredited() { withdrawn() } else { Answer::No };
    }
    let held = scene.copy.as_ref().filter(|copy| {
        copy.origin != Origin::Strange
            && !matches!(copy.inside, Inside::Read { current: Integrity::Damaged, .. })
    });
    match (testimony.state, scene.why_inactive()) {
        (State::Withheld, _) if testimony.revision == 0 => page::kept(scene, testimony.clone()).into(),
        (State::Withheld, _) => {
            page::withhold(testimony, held.map(|held| held.copy.clone()), Reason::SecretRecreated).into()
        }
        (State::Live, Some(reason)) => page::withhold(testimony, None, reason).into(),
        (State::Live, None) => match once_a_minute(scene, testimony, Reason::SecretRecreated) {
            // Old bytes that somebody put back do not stay until then.
            Answer::Blocked(_) if scene.is_discredited() => page::withdraw(testimony).into(),
            answer => answer,
        },
        (State::Expired | State::Revoked, _) => Answer::No,
    }
}

/// Damaged material is replaced; what else asks for new material does not wait for the minute to pass.
fn repair(scene: &Scene, ledger: &Ledger) -> Answer {
    let asked = scene.asked(Trigger::Rotate, ledger).is_some() && !is_brought(scene);
    if asked || brought_anew(scene, ledger) {
        return mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Rotated));
    }
    once_a_minute(scene, ledger, Reason::SecretRepaired)
}

fn once_a_minute(scene: &Scene, ledger: &Ledger, reason: Reason) -> Answer {
    if scene.existence == Existence::BeingDeleted {
        return Answer::No;
    }
    if let Err(complaint) = may_mint(scene) {
        return Answer::Blocked(complaint);
    }
    let earliest = REMAKE_PAUSE.after(ledger.issue_time.unwrap_or(Timestamp::MIN));
    if scene.now < earliest && ledger.issue_time.is_some_and(|issue| issue <= scene.now) {
        let text = format!(
            "The Secret is lost or damaged: it gets new material at {earliest}, as that is made at most once a minute"
        );
        return Answer::Blocked(Complaint::waiting(Reason::AwaitingMaterial, text).until(earliest));
    }
    mint(scene, |scene| page::issue(scene, ledger.clone(), reason))
}

/// What is dead is issued anew when the date was moved beyond the one that had passed, or when somebody asks.
fn reissue(scene: &Scene, ledger: &Ledger) -> Answer {
    let asked = scene.asked(Trigger::Rotate, ledger).is_some();
    let given = scene.policy.own_not_after(scene.now, scene.policy.default_lifetime);
    let date_passed = given.is_some_and(|date| date <= scene.now);
    let moved = match (ledger.not_after, scene.policy.asked_not_after_of(ledger)) {
        (Some(recorded), Some(now_given)) => recorded < now_given && scene.now < now_given,
        (Some(_), None) => true,
        (None, _) => false,
    };
    // A part lives for a short time and goes on by itself, as long as its parent does.
    let goes_on = ledger.state == State::Expired && scene.policy.parent.is_some() && !date_passed;
    let standing = scene.existence == Existence::Standing;
    if asked && is_brought(scene) && standing {
        return page::note(scene, ledger, Trigger::Rotate, BROUGHT).into();
    }
    let cause = (ledger.state == State::Expired && moved)
        || goes_on
        || brought_anew(scene, ledger)
        || asked && !is_brought(scene);
    if asked && date_passed && standing {
        let text = "spec.expirationTime has passed: move it to issue anew; the trigger changes nothing";
        return page::note(scene, ledger, Trigger::Rotate, text).into();
    }
    if !cause || is_made_inactive(scene) {
        return Answer::No;
    }
    match too_soon(scene, ledger) {
        Some(complaint) if !asked => Answer::Blocked(complaint),
        Some(_) | None => mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Issued)),
    }
}

/// A part that ended by its own short life goes on once a minute; one whose parent has changed, at once.
fn too_soon(scene: &Scene, ledger: &Ledger) -> Option<Complaint> {
    let parent = scene.policy.parent.as_ref()?;
    let earliest = REMAKE_PAUSE.after(ledger.issue_time?);
    let waits =
        parent.is_unchanged(ledger.parent.as_ref()) && scene.now < earliest && may_mint(scene).is_ok();
    let text = "It expired within a minute of its issue, and is issued anew at most once a minute: lengthen its \
                life, or that of its parent, or the limit of the Account";
    // What would end before that is not issued at all; at that end something else stands in the way.
    let ends = [scene.policy.fixed_end(), parent.not_after()];
    let again = ends.into_iter().flatten().fold(earliest, Timestamp::min);
    waits.then(|| Complaint::waiting(Reason::AwaitingMaterial, text).until(again))
}

pub(in crate::core) fn rotate_due(scene: &Scene) -> Answer {
    let Some(ledger) = scene.ledger().filter(|ledger| ledger.is_live()) else { return Answer::No };
    let asked = scene.asked(Trigger::Rotate, ledger).is_some();
    if brought_anew(scene, ledger) || (asked && !is_brought(scene)) {
        return mint(scene, |scene| page::rotate(scene, ledger, Cause::Asked));
    }
    if asked && scene.existence == Existence::Standing {
        return page::note(scene, ledger, Trigger::Rotate, BROUGHT).into();
    }
    match replacement_due(scene, ledger) {
        Some((due, time)) if scene.is_past(time) => {
            let cause = if due == Due::Renew { Cause::Renewal } else { Cause::Schedule };
            mint(scene, |scene| page::rotate(scene, ledger, cause))
        }
        Some(_) | None => Answer::No,
    }
}

/// Mints, unless something stands in the way. What is being deleted waits for nothing.
pub(super) fn mint(scene: &Scene, page: impl FnOnce(&Scene) -> Page) -> Answer {
    match may_mint(scene) {
        _ if scene.existence == Existence::BeingDeleted => Answer::No,
        Ok(()) => sealed_first(scene).unwrap_or_else(|| page(scene).into()),
        Err(complaint) => Answer::Blocked(complaint),
    }
}

/// What stands in the way of whatever would be minted now.
pub(in crate::core) fn may_mint(scene: &Scene) -> Result<(), Complaint> {
    let account = &scene.owner.account;
    match scene.account {
        Account::Missing | Account::MissingLately { .. } => {
            return Err(Complaint::waiting(
                Reason::AccountNotFound,
                format!(
                    "There is no Account {account} in this namespace: create it, or delete this and name another one"
                ),
            ));
        }
        Account::Unknown => {
            return Err(Complaint::waiting(
                Reason::ApiUnavailable,
                format!("The Account {account} could not be read; tried again"),
            ));
        }
        Account::Inactive => {
            return Err(Complaint::waiting(
                Reason::AccountInactive,
                format!("The Account {account} is inactive: nothing is issued"),
            ));
        }
        Account::Active => {}
    }
    if let Some(complaint) = scene.policy.parent.as_ref().and_then(|parent| parent.obstacle(scene.now)) {
        return Err(complaint);
    }
    may_be_issued(scene)
}

/// What is refused whatever the Account does: then not even a Secret without material is made.
fn may_be_issued(scene: &Scene) -> Result<(), Complaint> {
    let account = &scene.owner.account;
    let over_quota = scene.policy.over_quota.as_ref().filter(|_| !scene.was_ever_issued());
    if let Some(refusal) = scene.policy.refusal.as_ref().or(over_quota) {
        return Err(refusal.clone());
    }
    if let Lock::NoPassphrase(why) = &scene.lock {
        return Err(why.clone());
    }
    // What is live is renewed once more, rather than left to expire because the Account's default has changed.
    if let Some(complaint) = scene.policy.unrenewable(scene.now)
        && !scene.ledger().is_some_and(Ledger::is_live)
    {
        return Err(complaint);
    }
    match scene.policy.own_not_after(scene.now, scene.policy.default_lifetime) {
        Some(date) if date <= scene.now => Err(Complaint::person(
            Reason::Expired,
            format!(
                "spec.expirationTime {date} has passed: nothing is issued; move it into the future or remove it"
            ),
        )),
        Some(_) | None => limit::beyond(&scene.policy, account, scene.now).map_or(Ok(()), Err),
    }
}

/// The ledger to go on from when the Secret has none: what status testifies, else a blank one whose baseline is
/// that what is there has acted.
pub(super) fn past(scene: &Scene) -> Ledger {
    let baseline = || Ledger {
        account_handled: Handled::baseline(&scene.account_triggers),
        ..Ledger::blank(scene.owner.clone(), scene.number, Handled::baseline(&scene.triggers))
    };
    scene.testimony.clone().unwrap_or_else(baseline)
}

/// Inactive because somebody wants it so; what waits for an Account that is missing says that it waits.
fn is_made_inactive(scene: &Scene) -> bool {
    scene.why_inactive().is_some_and(|reason| reason != Reason::AccountNotFound)
}

pub(super) fn account_is_there(scene: &Scene) -> bool {
    matches!(scene.account, Account::Active | Account::Inactive)
}

pub(super) fn is_intact(scene: &Scene) -> bool {
    !scene.is_damaged()
}

pub(super) fn is_brought(scene: &Scene) -> bool {
    scene.policy.source.is_brought()
}

/// Whether the user brought something else than the ledger knows, or does not bring any more what could be either.
pub(in crate::core) fn brought_anew(scene: &Scene, ledger: &Ledger) -> bool {
    match &scene.policy.source {
        Source::Brought { id } => id.as_ref() != Some(&ledger.id),
        Source::Awaited => false,
        Source::Line { id, unlike } => {
            ledger.id != *id && (!ledger.is_of_line() || unlike.as_ref() == Some(&ledger.id))
        }
        Source::MintSecret | Source::MintBoth => ledger.is_of_line(),
    }
}
