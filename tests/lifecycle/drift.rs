//! Row 9: what is written without touching the material.

use chatelaine::api::State;
use chatelaine::core::{
    lifecycle::{Act, Complaint, Remedy, decide},
    page::Current,
    period::Period,
    policy::Expiry,
    reason::Reason,
    scene::{Form, Scene, Sight},
};

use crate::stage::*;

#[test]
fn an_output_that_is_refused_is_told_and_the_live_one_stays() {
    let mut scene = live();
    scene.policy.refusal = Some(Complaint::person(Reason::InvalidSpec, "a foreign prefix"));
    assert_eq!(obstacle(&scene), Some(Reason::InvalidSpec));
    scene.policy.refusal = Some(Complaint::person(Reason::PermissionNotGranted, "cut is told otherwise"));
    assert_eq!(obstacle(&scene), None);
}

#[test]
fn a_rendering_that_was_left_out_is_told_while_the_material_is_live() {
    let left_out = |state| {
        let mut scene = match state {
            State::Live => live(),
            State::Withheld => withheld(),
            State::Expired | State::Revoked => dead(state),
        };
        let Sight::Ours { ledger, .. } = &mut scene.secret else { panic!("ours") };
        ledger.ours.left_out = [("a".to_owned(), "it is too large".to_owned())].into();
        decide(&scene)
    };
    let Act::Rest(Some(complaint)) = left_out(State::Live) else { panic!("it is told") };
    assert_eq!((complaint.reason, complaint.remedy), (Reason::InvalidSpec, Remedy::Person));
    assert!(complaint.message.contains("a (it is too large)"), "{}", complaint.message);
    for gone in [State::Withheld, State::Revoked] {
        assert_eq!(left_out(gone), Act::Rest(None), "nothing is shown then");
    }
}

#[test]
fn a_moved_date_and_another_output_are_written_without_a_new_revision() {
    let mut scene = live();
    scene.policy.expiry = Expiry::After(Period::days(9));
    let moved = page(&scene);
    assert_eq!((moved.current, moved.ledger.revision), (Current::Stays, 1));
    assert_eq!(moved.ledger.not_after, Some(at(NOW - 3_600 + 9 * 86_400)), "counted from the issue");
    let drifted =
        Scene { secret: Sight::Ours { ledger: ledger(), inside: INTACT, form: Form::Differs }, ..live() };
    assert_eq!((page(&drifted).current, page(&drifted).ledger.revision), (Current::Stays, 1));
}
