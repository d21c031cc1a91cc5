//! The next page of the ledger of a Secret that becomes this object's: taken back, or adopted.

use super::{
    ledger::Ledger,
    page::{Current, Former, Page, kept},
    parent::Parent,
    policy::down,
    reason::Reason,
    scene::{Find, Scene},
};
use crate::api::State;

/// A Secret that a restore or `Retain` left becomes this object's, as it is.
pub fn restore(scene: &Scene, from: &Ledger) -> Page {
    let origin = from.origin.clone().unwrap_or_else(|| from.owner.uid.clone());
    let mut ledger = Ledger { owner: scene.owner.clone(), origin: Some(origin), ..from.clone() };
    ledger.note(down(scene.now), Reason::Restored, None);
    kept(scene, ledger).telling(
        Reason::Restored,
        format!("The Secret was taken back with the material of revision {}", from.revision),
    )
}

/// A stranger's Secret that somebody offered becomes this object's, with the material that is in it.
pub fn adopt(scene: &Scene, blank: Ledger, found: &Find) -> Page {
    let issue = down(scene.now);
    let mut ledger = Ledger {
        state: State::Live,
        revision: blank.next_revision(),
        id: found.identity.id.clone(),
        public: found.identity.public.clone(),
        digest: Some(found.digest.clone()),
        issue_time: Some(issue),
        default_lifetime: scene.policy.default_lifetime,
        default_from: scene.policy.default_from,
        not_after: scene.policy.not_after(issue, scene.policy.default_lifetime),
        parent: scene.policy.parent.as_ref().and_then(Parent::bond),
        schedule: scene.policy.noted(&blank, scene.now),
        previous: None,
        ..blank
    };
    ledger.note(issue, Reason::Adopted, None);
    Page::new(ledger, Current::Stays, Former::Nothing)
        .telling(Reason::Adopted, "The offered Secret was taken over with the material that is in it")
}
