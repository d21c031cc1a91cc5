//! What an issue consumes: whatever its cause, no rotate that was pending asks for another.

use chatelaine::{
    api::State,
    core::{
        ledger::Ledger,
        lifecycle::{Act, decide},
        policy::{Expiry, Policy},
        scene::{Scene, Sight},
    },
};

use crate::{
    stage::*,
    triggers::{here, rotate, there},
};

#[test]
fn one_issue_consumes_what_is_pending_on_the_object_and_on_its_account() {
    let scene = there(rotate("all"), here(rotate("one"), live()));
    let ledger = page(&scene).ledger;
    assert_eq!((ledger.revision, ledger.history.last().unwrap().trigger.as_deref()), (2, Some("one")));
    assert_eq!(decide(&Scene { secret: ours(ledger, INTACT), ..scene }), Act::Rest(None));
}

#[test]
fn an_issue_for_any_cause_consumes_a_pending_rotate() {
    let pending = |scene| there(rotate("all"), here(rotate("one"), scene));
    let born = Ledger { revision: 0, state: State::Withheld, issue_time: None, digest: None, ..ledger() };
    let dated = Policy { expiry: Expiry::At(at(NOW + 60)), ..policy() };
    let moved = Ledger { state: State::Expired, not_after: Some(at(NOW - 60)), digest: None, ..ledger() };
    let held = Ledger { state: State::Withheld, held: Some(copy()), digest: None, ..ledger() };
    let scenes = [
        ("lost", Scene { secret: Sight::Absent, ..live() }),
        ("its ledger is gone", Scene { secret: Sight::Mute, ..live() }),
        ("damaged", Scene { secret: ours(ledger(), DAMAGED), ..live() }),
        ("its date was moved", Scene { policy: dated, ..with(moved) }),
        ("activated for the first time", with(born)),
        ("its copy is lost", with(held)),
    ];
    for (cause, scene) in scenes {
        let scene = pending(scene);
        let ledger = page(&scene).ledger;
        assert_eq!(ledger.state, State::Live, "{cause}");
        assert_eq!(ledger.handled.rotate.last().map(String::as_str), Some("one"), "{cause}");
        assert_eq!(ledger.account_handled.rotate.last().map(String::as_str), Some("all"), "{cause}");
        let after = Scene { secret: ours(ledger.clone(), INTACT), testimony: Some(ledger), ..scene };
        assert_eq!(decide(&after), Act::Rest(None), "{cause}");
    }
}
