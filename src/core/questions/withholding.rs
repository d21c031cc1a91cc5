//! Inactive: the material leaves the Secret, is kept in a copy, and comes back.

use super::minting::{brought_anew, is_brought, is_intact, mint};
use crate::api::State;
use crate::core::{
    answer::{Act, Answer, Complaint},
    ledger::Ledger,
    page,
    policy::Source,
    reason::Reason,
    scene::{Account, CopySight, Existence, Form, Inside, Integrity, Origin, Scene},
    trigger::Trigger,
};

pub(in crate::core) fn withheld(scene: &Scene) -> Answer {
    let Some(ledger) = scene.ledger() else { return Answer::No };
    if scene.existence == Existence::BeingDeleted {
        // What is dead leaves no copy either: with `Retain` nobody would ever take it away.
        return match &scene.copy {
            Some(found) if ledger.is_dead() || ledger.discarded.as_ref() == Some(&found.copy) => {
                clear_away(scene, ledger, found)
            }
            Some(_) | None => Answer::No,
        };
    }
    let inactive = scene.why_inactive();
    if let Some(found) = brought_back(scene, ledger) {
        return page::name_copy(scene, ledger, &found.copy).into();
    }
    match (ledger.state, inactive) {
        (State::Live, Some(reason)) if is_intact(scene) => match &scene.copy {
            None => Answer::Yes(Act::Hold),
            Some(CopySight { origin: Origin::JustMade, copy, .. }) => {
                page::withhold(ledger, Some(copy.clone()), reason).into()
            }
            Some(stray) => clear_away(scene, ledger, stray),
        },
        // Damaged material is not worth keeping: what comes back later is new.
        (State::Live, Some(reason)) => page::withhold(ledger, None, reason).into(),
        (State::Withheld, None) if ledger.revision > 0 && scene.account == Account::Active => {
            give_back(scene, ledger)
        }
        (State::Withheld, Some(_) | None) => match &scene.copy {
            Some(found) if ledger.held.as_ref() != Some(&found.copy) => clear_away(scene, ledger, found),
            Some(found) if found.form == Form::Differs && may_be_sound(found) => Answer::Yes(Act::Reown),
            Some(_) | None => Answer::No,
        },
        (State::Live | State::Expired | State::Revoked, _) => match &scene.copy {
            Some(stray) => clear_away(scene, ledger, stray),
            None => Answer::No,
        },
    }
}

fn give_back(scene: &Scene, ledger: &Ledger) -> Answer {
    // What is brought and cannot be used takes nothing away: the same bytes come back, and then that is said.
    let anew = brought_anew(scene, ledger) && scene.policy.source != Source::Brought { id: None };
    if scene.asked(Trigger::Rotate, ledger).is_some() && !is_brought(scene) || anew {
        return mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Rotated));
    }
    let named = scene.copy.as_ref().filter(|found| ledger.held.as_ref() == Some(&found.copy));
    match named.map(|found| found.inside) {
        Some(Inside::Read { current: Integrity::Intact, previous }) => {
            page::give_back(scene, ledger, previous).into()
        }
        // Deciding on an unread copy only asks for a closer look.
        Some(Inside::Unread) => page::give_back(scene, ledger, Integrity::Intact).into(),
        Some(Inside::Read { current: Integrity::Damaged, .. }) | None => {
            mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::SecretRecreated))
        }
    }
}

/// A copy under the name that the ledger knows, with the withheld bytes in it, but with another uid: the one that the
/// ledger names is gone, and a backup brought it back. So it is no writer's left-over, and must not be cleared away.
fn brought_back<'a>(scene: &'a Scene, ledger: &Ledger) -> Option<&'a CopySight> {
    let held = ledger.held.as_ref().filter(|_| ledger.state == State::Withheld)?;
    let found = scene.copy.as_ref().filter(|found| found.origin == Origin::Found && may_be_sound(found))?;
    (found.copy.name == held.name && found.copy.uid != held.uid).then_some(found)
}

/// What was not read yet is read before anything is written.
fn may_be_sound(found: &CopySight) -> bool {
    match found.inside {
        Inside::Unread => true,
        Inside::Read { current, .. } => current == Integrity::Intact,
    }
}

/// A copy that the ledger does not name is fenced off, then deleted; a stranger's is never touched.
fn clear_away(scene: &Scene, ledger: &Ledger, found: &CopySight) -> Answer {
    match found.origin {
        Origin::Strange => Answer::Blocked(Complaint::person(
            Reason::SecretConflict,
            format!(
                "The Secret {} is not the operator's but has the name of its copy: delete or rename it",
                found.copy.name
            ),
        )),
        Origin::JustMade | Origin::Found if ledger.discarded.as_ref() == Some(&found.copy) => {
            Answer::Yes(Act::Discard(found.copy.clone()))
        }
        Origin::JustMade | Origin::Found => page::fence(scene, ledger, &found.copy).into(),
    }
}
