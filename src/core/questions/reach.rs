//! Whose Secret is it, and may it be taken back?

use super::{
    ending::is_born_revoked,
    minting::{mint, past},
};
use crate::core::{
    answer::{Act, Answer, Complaint},
    ledger::Ledger,
    ownership::Offer,
    period::Period,
    reason::Reason,
    scene::{Existence, Scene, Sight},
    taking,
};

/// A stranger's Secret is looked at again after this time: no watch shows it.
pub(in crate::core) const CONFLICT_PAUSE: Period = Period::seconds(60);

/// A restored Secret may lack the label by which the watch would show it.
const RESTORE_PAUSE: Period = Period::seconds(60);

pub(in crate::core) fn out_of_reach(scene: &Scene) -> Answer {
    let again = CONFLICT_PAUSE.after(scene.now);
    let conflict = |text: String| Complaint::waiting(Reason::SecretConflict, text).until(again).stop();
    match &scene.secret {
        Sight::Foreign { holder, offer: Offer::Vain } => conflict(format!(
            "The Secret exists and belongs to {holder}: delete this and create it with another spec.secret.name"
        )),
        Sight::Foreign { holder, offer: Offer::Possible } => conflict(format!(
            "The Secret exists and belongs to {holder}: delete this and create it with another spec.secret.name, or \
             put the annotation chatelaine.dev/adopt: {}/{} on the Secret to have it taken over",
            scene.owner.kind, scene.owner.name
        )),
        Sight::Offered { found: Err(why) } => conflict(format!("The offered Secret cannot be adopted: {why}")),
        // An offer is no new value of a trigger.
        Sight::Offered { found: Ok(_) } if scene.testimony.as_ref().is_some_and(Ledger::is_dead) => conflict(
            "The offered Secret cannot be adopted, because the material of this credential was destroyed: delete the \
             Secret, or rename it, and set a new value of chatelaine.dev/rotate to issue anew"
                .to_owned(),
        ),
        Sight::Dying => {
            Complaint::waiting(Reason::SecretTerminating, "The Secret is being deleted; it is made again when it is gone")
                .until(again)
                .stop()
        }
        Sight::LeftBehind => Complaint::waiting(
            Reason::SecretTerminating,
            "The Secret belongs to a deleted object of the same name; it is made again when the garbage collector took it",
        )
        .until(again)
        .stop(),
        Sight::Newer(version) => Complaint::person(
            Reason::Unreadable,
            format!("The ledger on the Secret has version {version}, which this operator does not know: upgrade the operator"),
        )
        .stop(),
        Sight::Absent | Sight::Ours { .. } | Sight::Mute | Sight::Orphan { .. } | Sight::Offered { found: Ok(_) } => Answer::No,
    }
}

pub(in crate::core) fn taken_back(scene: &Scene) -> Answer {
    if scene.existence == Existence::BeingDeleted {
        let untouched = matches!(scene.secret, Sight::Orphan { .. } | Sight::Offered { .. });
        return if untouched { Answer::Yes(Act::Rest(None)) } else { Answer::No };
    }
    match &scene.secret {
        // Of an old one nothing comes back: what status says is made again.
        Sight::Orphan { .. } if scene.is_rolled_back() => Answer::No,
        Sight::Orphan { ledger, .. } => taking::restore(scene, ledger).into(),
        Sight::Offered { found: Ok(find) } => {
            mint(scene, |scene| taking::adopt(scene, before_adoption(scene), find))
        }
        Sight::Absent | Sight::Mute => match scene.restore_awaited() {
            Some(announced) => announced.complaint().until(RESTORE_PAUSE.after(scene.now)).stop(),
            None => Answer::No,
        },
        Sight::Offered { found: Err(_) }
        | Sight::Ours { .. }
        | Sight::Newer(_)
        | Sight::Dying
        | Sight::LeftBehind
        | Sight::Foreign { .. } => Answer::No,
    }
}

/// The ledger to go on from when a Secret is adopted: a `revoke` that stands alone on a new object has not acted yet, but
/// acts on what is adopted.
fn before_adoption(scene: &Scene) -> Ledger {
    let mut past = past(scene);
    if scene.testimony.is_none() && is_born_revoked(scene) {
        past.handled.revoke.clear();
    }
    past
}
