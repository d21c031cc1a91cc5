//! What is written without touching the material.

use super::locking::{relocked, stuck};
use crate::core::{
    answer::Answer,
    page,
    reason::Reason,
    scene::{Existence, Form, Scene, Sight},
};

pub(in crate::core) fn drifted(scene: &Scene) -> Answer {
    let (Some(ledger), Sight::Ours { form, .. }) = (scene.ledger(), &scene.secret) else { return Answer::No };
    if scene.existence == Existence::BeingDeleted {
        return Answer::No;
    }
    let page = page::update(scene, ledger);
    let dated = |ledger: &crate::core::ledger::Ledger| (ledger.not_after, ledger.schedule.clone());
    let moved = !ledger.is_dead() && dated(&page.ledger) != dated(ledger);
    if let Some(answer) = relocked(scene, ledger, &page) {
        return answer;
    }
    match form {
        Form::Differs if ledger.is_dead() => page::kept(scene, ledger.clone()).into(),
        // What the spec asks for beside the material and cannot have: the Secret is as it was, and says so.
        Form::Fits if !moved => {
            let invalid =
                scene.policy.refusal.clone().filter(|refusal| refusal.reason == Reason::InvalidSpec);
            match invalid.or_else(|| scene.policy.unrenewable(scene.now)) {
                Some(complaint) if ledger.is_live() => Answer::Blocked(complaint),
                None if ledger.is_live() => stuck(scene),
                Some(_) | None => Answer::No,
            }
        }
        Form::Fits | Form::Differs => page.into(),
    }
}
