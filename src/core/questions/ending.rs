//! What ends: revoked, past its not-after, or at the end of an overlap.

use super::minting::{account_is_there, past};
use crate::api::State;
use crate::core::{
    answer::{Act, Answer},
    due::passed_end,
    ledger::Ledger,
    page::{self, Page},
    scene::{CopySight, Existence, Inside, Integrity, Scene},
    trigger::Trigger,
};

pub(in crate::core) fn revoked(scene: &Scene) -> Answer {
    if let Some(ledger) = scene.ledger().or(scene.lost()) {
        let pending = scene.asked(Trigger::Revoke, ledger).is_some();
        let reachable =
            scene.ledger().is_some() || scene.is_discredited() || scene.existence == Existence::Standing;
        return if pending && reachable {
            page::destroy(scene, ledger, State::Revoked).into()
        } else {
            Answer::No
        };
    }
    if scene.is_blank()
        && is_born_revoked(scene)
        && scene.existence == Existence::Standing
        && account_is_there(scene)
    {
        return page::destroy(scene, &past(scene), State::Revoked).into();
    }
    Answer::No
}

/// A new object with a `revoke` and no `rotate` beside it.
pub(super) fn is_born_revoked(scene: &Scene) -> bool {
    scene.triggers.revoke.is_some() && scene.triggers.rotate.is_none()
}

pub(in crate::core) fn expired(scene: &Scene) -> Answer {
    let passed =
        |ledger: &Ledger| ledger.revision > 0 && !ledger.is_dead() && passed_end(scene, ledger).is_some();
    if let Some(ledger) = scene.ledger() {
        return if passed(ledger) { page::destroy(scene, ledger, State::Expired).into() } else { Answer::No };
    }
    match scene.lost() {
        Some(_) if scene.existence == Existence::BeingDeleted && !scene.is_discredited() => Answer::No,
        Some(testimony) if testimony.is_dead() => {
            Answer::from(Page { news: None, ..page::kept(scene, testimony.clone()) })
        }
        Some(testimony) if passed(testimony) => page::destroy(scene, testimony, State::Expired).into(),
        Some(_) | None => Answer::No,
    }
}

pub(in crate::core) fn retire_due(scene: &Scene) -> Answer {
    let Some((ledger, previous)) =
        scene.ledger().and_then(|ledger| Some((ledger, ledger.previous.as_ref()?)))
    else {
        return Answer::No;
    };
    let damaged = ledger.is_live() && scene.integrity().1 == Integrity::Damaged;
    if !scene.is_past(previous.retirement_time) && !damaged {
        return Answer::No;
    }
    retire(scene, ledger)
}

/// From the copy first, if there is one.
pub(super) fn retire(scene: &Scene, ledger: &Ledger) -> Answer {
    match &scene.copy {
        Some(CopySight {
            copy,
            inside: Inside::Read { previous: Integrity::Intact, .. } | Inside::Unread,
            ..
        }) if ledger.held.as_ref() == Some(copy) => Answer::Yes(Act::Trim),
        Some(_) | None => page::retire(scene, ledger).into(),
    }
}
