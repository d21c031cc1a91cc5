//! What is written without touching the material.

use super::{
    locking::{relocked, stuck},
    minting::account_is_there,
};
use crate::core::{
    answer::{Answer, Complaint},
    ledger::Ledger,
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
            // Without the Account its default is not known.
            let unrenewable = || scene.policy.unrenewable(scene.now).filter(|_| account_is_there(scene));
            match invalid.or_else(unrenewable).or_else(|| stuck(scene)) {
                Some(complaint) if ledger.is_live() => Answer::Blocked(complaint),
                Some(_) | None => incomplete(ledger),
            }
        }
        Form::Fits | Form::Differs => page.into(),
    }
}

/// Only what is live shows anything; what was left out when it was written is told until it can be there.
fn incomplete(ledger: &Ledger) -> Answer {
    if !ledger.is_live() || ledger.ours.left_out.is_empty() {
        return Answer::No;
    }
    let all: Vec<_> = ledger.ours.left_out.iter().map(|(key, why)| format!("{key} ({why})")).collect();
    Answer::Blocked(Complaint::person(
        Reason::InvalidSpec,
        format!("Left out of the Secret: {}; the material is not affected", all.join("; ")),
    ))
}
