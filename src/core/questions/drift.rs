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
    let moved = !ledger.is_dead() && page.ledger.not_after != ledger.not_after;
    if let Some(answer) = relocked(scene, ledger, &page) {
        return answer;
    }
    match form {
        Form::Differs if ledger.is_dead() => page::kept(scene, ledger.clone()).into(),
        // What the spec asks for beside the material and cannot have: the Secret is as it was, and says so.
        Form::Fits if !moved => match &scene.policy.refusal {
            Some(refusal) if refusal.reason == Reason::InvalidSpec && ledger.is_live() => {
                Answer::Blocked(refusal.clone())
            }
            Some(_) | None if ledger.is_live() => stuck(scene),
            Some(_) | None => Answer::No,
        },
        Form::Fits | Form::Differs => page.into(),
    }
}
