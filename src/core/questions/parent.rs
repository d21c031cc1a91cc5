//! The parent is gone: what was a short-lived part of it goes too.

use crate::core::{
    answer::Answer,
    ledger::Ledger,
    page,
    scene::{Existence, Scene},
};

pub(in crate::core) fn parent_ended(scene: &Scene) -> Answer {
    let Some(parent) = &scene.policy.parent else { return Answer::No };
    let has_material = |ledger: &&Ledger| ledger.revision > 0 && !ledger.is_dead();
    let (ledger, end) = match scene.ledger() {
        Some(ledger) => (ledger, parent.end_of(ledger.parent.as_ref())),
        // Status does not testify of which parent it was: what is lost gets new material, if there is one.
        None => match scene.lost().filter(|_| scene.existence == Existence::Standing) {
            Some(testimony) => (testimony, parent.ended()),
            None => return Answer::No,
        },
    };
    match end.filter(|_| has_material(&ledger)) {
        Some((reason, what)) => page::bereave(scene, ledger, reason, &what).into(),
        None => Answer::No,
    }
}
