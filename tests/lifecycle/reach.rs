//! Rows 1 and 2: whose Secret it is.

use chatelaine::{
    api::State,
    core::{
        ledger::{Ledger, Owner},
        lifecycle::{Act, Remedy, decide},
        material::Identity,
        page::Current,
        reason::Reason,
        scene::{Find, Scene, Sight},
    },
};

use crate::stage::*;

#[test]
fn a_strangers_secret_is_never_touched_and_looked_at_again_after_a_minute() {
    for scene in [blank(), live(), asking(live(), Some("r"), Some("v"))] {
        let scene = Scene { secret: Sight::Foreign { holder: "somebody else".into() }, ..scene };
        let Act::Rest(Some(complaint)) = decide(&scene) else { panic!("{:?}", decide(&scene)) };
        assert_eq!(complaint.reason, Reason::SecretConflict);
        assert!(
            complaint.message.contains("somebody else") && complaint.message.contains("spec.secret.name")
        );
        assert_eq!(complaint.remedy, Remedy::Waiting { look_again: Some(at(NOW + 60)) });
    }
}

#[test]
fn a_dying_or_left_behind_secret_is_waited_for() {
    for secret in [Sight::Dying, Sight::LeftBehind] {
        assert_eq!(obstacle(&Scene { secret, ..blank() }), Some(Reason::SecretTerminating));
    }
}

#[test]
fn a_ledger_of_a_newer_version_is_left_alone() {
    assert_eq!(
        obstacle(&Scene { secret: Sight::Newer(2), ..asking(live(), None, Some("v")) }),
        Some(Reason::Unreadable)
    );
}

#[test]
fn a_restored_secret_is_taken_back_with_the_same_bytes_and_revision() {
    let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, revision: 4, ..ledger() };
    let page = page(&Scene { secret: Sight::Orphan { ledger: old.clone() }, ..blank() });
    assert_eq!((page.current, page.ledger.revision), (Current::Stays, 4));
    assert_eq!((page.ledger.owner, page.ledger.digest), (owner(), old.digest));
}

#[test]
fn what_was_dead_before_a_restore_stays_dead() {
    for state in [State::Expired, State::Revoked] {
        let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, state, digest: None, ..ledger() };
        let page = page(&Scene { secret: Sight::Orphan { ledger: old }, ..blank() });
        assert_eq!((page.current, page.ledger.state), (Current::Nothing, state));
        assert_eq!(decide(&with(page.ledger)), Act::Rest(None));
    }
}

#[test]
fn an_offered_secret_that_conforms_is_adopted_with_what_is_in_it() {
    let find = Find { identity: Identity { id: "theirs".into(), public: None }, digest: "d".into() };
    let page = page(&Scene { secret: Sight::Offered { found: Ok(find) }, ..blank() });
    assert_eq!((page.current, page.ledger.revision, page.ledger.id.as_str()), (Current::Stays, 1, "theirs"));
    assert_eq!(page.news.unwrap().reason, Reason::Adopted);
}

#[test]
fn an_offered_secret_that_does_not_conform_stays_as_it_is() {
    let scene = Scene { secret: Sight::Offered { found: Err("its type is Opaque".into()) }, ..blank() };
    assert_eq!(obstacle(&scene), Some(Reason::SecretConflict));
}
