//! The order of the questions: where two neighbours have an answer, the earlier one is what happens. Of the first three it
//! is in `reach`, of the triggers in `order`.

use chatelaine::{
    api::State,
    core::{
        ledger::Ledger,
        lifecycle::{Act, decide},
        page::Current,
        parent::{Bond, End, Parent, Standing},
        policy::{Expiry, Wanted},
        reason::Reason,
        scene::{Form, Scene, Sight},
    },
};

use crate::stage::*;

/// What the first act of this scene tells.
fn first(scene: &Scene) -> Reason {
    page(scene).news.expect("it is told").reason
}

fn ended(mut scene: Scene) -> Scene {
    scene.policy.expiry = Expiry::At(at(NOW));
    scene
}

fn inactive(mut scene: Scene) -> Scene {
    scene.policy.wanted = Wanted::Inactive;
    scene
}

/// A part of a pair that is gone.
fn bereft(mut scene: Scene) -> Scene {
    let standing = Standing::Ended(End::Missing);
    scene.policy.parent = Some(Parent { name: "ApiKeyPair web".into(), standing });
    scene
}

/// A part, and some of an overlap is over.
fn overlapping() -> Ledger {
    let parent = Some(Bond { uid: "pair-1".into(), revision: 3 });
    Ledger { previous: Some(previous(NOW)), parent, ..ledger() }
}

#[test]
fn a_revoke_comes_before_an_end_that_has_passed() {
    let both = ended(asking(with(Ledger { not_after: Some(at(NOW)), ..ledger() }), None, Some("leak")));
    let revoked = page(&both);
    assert_eq!((revoked.ledger.state, first(&both)), (State::Revoked, Reason::Revoked));
    assert_eq!(
        decide(&ended(asking(with(revoked.ledger), None, Some("leak")))),
        Act::Rest(None),
        "in one write"
    );
}

#[test]
fn an_end_that_has_passed_comes_before_that_of_the_parent() {
    let both = bereft(ended(with(Ledger { not_after: Some(at(NOW)), ..overlapping() })));
    assert_eq!(first(&both), Reason::Expired);
    assert_eq!(first(&bereft(with(overlapping()))), Reason::ParentNotFound);
}

#[test]
fn what_ends_is_not_withheld_first() {
    for scene in [
        inactive(asking(live(), None, Some("leak"))),
        inactive(ended(live())),
        inactive(bereft(with(overlapping()))),
    ] {
        let ended = page(&scene);
        assert!(ended.ledger.is_dead() && ended.ledger.held.is_none(), "{ended:?}");
    }
}

#[test]
fn what_is_inactive_is_not_issued_anew_but_withheld() {
    let damaged = page(&inactive(Scene { secret: ours(ledger(), DAMAGED), ..live() }));
    assert_eq!((damaged.ledger.state, damaged.ledger.revision), (State::Withheld, 1));
    assert_eq!((damaged.current, damaged.ledger.held), (Current::Nothing, None));
}

#[test]
fn an_issue_comes_before_a_rollback_of_which_nothing_is_left() {
    let mut both = asking(dead(State::Revoked), Some("r"), None);
    both.triggers.rollback = Some("b".into());
    both.policy.expiry = Expiry::Never;
    assert_eq!(first(&both), Reason::Issued);
}

#[test]
fn a_rotation_in_the_last_moment_of_an_overlap_ends_it_in_the_same_write() {
    let both = asking(with(overlapping()), Some("r"), None);
    let rotated = page(&both);
    assert_eq!((rotated.ledger.revision, rotated.ledger.previous, first(&both)), (2, None, Reason::Rotated));
}

#[test]
fn the_end_of_an_overlap_comes_before_what_else_the_secret_should_look_like() {
    let secret = Sight::Ours { ledger: overlapping(), inside: INTACT, form: Form::Differs };
    let mut both = Scene { secret, ..live() };
    both.policy.expiry = Expiry::At(at(NOW + 9));
    assert_eq!(first(&both), Reason::Retired);
}
