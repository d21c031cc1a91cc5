//! What people ask of an overlap: to end it, or to let the two change places.

use super::{ending::retire, minting::is_brought};
use crate::api::State;
use crate::core::{
    answer::Answer,
    page,
    scene::{Existence, Scene},
    trigger::Trigger,
};

pub(in crate::core) fn overlap_asked(scene: &Scene) -> Answer {
    let Some(ledger) = scene.ledger() else { return Answer::No };
    let standing = scene.existence == Existence::Standing;
    let note = |trigger, text| page::note(scene, ledger, trigger, text).into();
    if scene.asked(Trigger::Retire, ledger).is_some() {
        match &ledger.previous {
            Some(_) => return retire(scene, ledger),
            None if standing => return note(Trigger::Retire, "There is no overlap: nothing was retired"),
            None => {}
        }
    }
    if scene.asked(Trigger::Rollback, ledger).is_none() || !standing {
        return Answer::No;
    }
    match ledger.state {
        // Like a rotation it waits until the material is back; damaged material is made anew first.
        State::Withheld => Answer::No,
        State::Live if scene.is_damaged() => Answer::No,
        State::Live if is_brought(scene) => note(
            Trigger::Rollback,
            "An uploaded key is not rolled back: put the former one into spec.publicKey",
        ),
        State::Live | State::Expired | State::Revoked => page::roll_back(scene, ledger).map_or_else(
            || {
                note(
                    Trigger::Rollback,
                    "There is no previous material that is still valid: nothing was rolled back",
                )
            },
            Answer::from,
        ),
    }
}
