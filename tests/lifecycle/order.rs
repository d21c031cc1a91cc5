//! Several triggers at once: as if they had been set in the order revoke, retire, rollback, rotate.

use chatelaine::{
    api::State,
    core::{
        lifecycle::{Act, decide},
        period::Period,
        policy::Wanted,
        reason::Reason::{self, Issued, Retired, Revoked, RolledBack, Rotated, Updated},
        scene::Scene,
        trigger::{
            Trigger::{self, Retire, Revoke, Rollback, Rotate},
            Triggers,
        },
    },
};

use crate::{
    stage::*,
    triggers::{here, overlapping, retire, revoke, rollback, rotate, there},
};

/// Decides and writes until there is nothing left to do: what was done, and the scene then.
fn played(mut scene: Scene) -> (Vec<(Reason, i64)>, Scene) {
    let mut steps = Vec::new();
    while let Act::Write(page) = decide(&scene) {
        steps.push((page.news.clone().unwrap().reason, page.ledger.revision));
        scene.testimony = Some(page.ledger.clone());
        scene.secret = ours(page.ledger, INTACT);
        assert!(steps.len() < 9, "{steps:?}");
    }
    assert_eq!(decide(&scene), Act::Rest(None));
    (steps, scene)
}

fn set(trigger: Trigger) -> Triggers {
    match trigger {
        Revoke => revoke("v"),
        Retire => retire("t"),
        Rollback => rollback("b"),
        Rotate => rotate("r"),
    }
}

fn both(one: Trigger, other: Trigger) -> Triggers {
    let (one, other) = (set(one), set(other));
    Triggers {
        revoke: one.revoke.or(other.revoke),
        retire: one.retire.or(other.retire),
        rollback: one.rollback.or(other.rollback),
        rotate: one.rotate.or(other.rotate),
    }
}

/// In an overlap: two triggers, what they do one after the other, and what is current and previous then.
type Pair = (Trigger, Trigger, [(Reason, i64); 2], State, [Option<&'static str>; 2]);
const PAIRS: [Pair; 6] = [
    (Revoke, Retire, [(Revoked, 2), (Updated, 2)], State::Revoked, [None, None]),
    (Revoke, Rollback, [(Revoked, 2), (Updated, 2)], State::Revoked, [None, None]),
    (Revoke, Rotate, [(Revoked, 2), (Issued, 3)], State::Live, [Some("new"), None]),
    (Retire, Rollback, [(Retired, 2), (Updated, 2)], State::Live, [Some("digest-2"), None]),
    (Retire, Rotate, [(Retired, 2), (Rotated, 3)], State::Live, [Some("new"), Some("digest-2")]),
    (Rollback, Rotate, [(RolledBack, 3), (Rotated, 4)], State::Live, [Some("new"), Some("digest-0")]),
];

#[test]
fn of_each_two_triggers_at_once_both_act_in_their_order_wherever_they_stand() {
    for (first, second, steps, state, material) in PAIRS {
        let places = [
            here(both(first, second), overlapping()),
            there(both(first, second), overlapping()),
            here(set(first), there(set(second), overlapping())),
            here(set(second), there(set(first), overlapping())),
        ];
        for mut scene in places {
            scene.policy.overlap = Some(Period::seconds(100));
            let (done, scene) = played(scene);
            assert_eq!(done, steps, "{first:?} {second:?}");
            let ledger = scene.ledger().unwrap();
            assert_eq!(ledger.state, state, "{first:?} {second:?}");
            // What was minted has its digest from whoever mints; here it keeps the one of before.
            let minted = [Issued, Rotated].contains(&done[1].0);
            let current = ledger.digest.as_deref().filter(|_| ledger.is_live());
            let current = if minted { Some("new") } else { current };
            let previous = ledger.previous.as_ref().map(|previous| previous.digest.as_str());
            assert_eq!([current, previous], material, "{first:?} {second:?}");
            let handled = [&ledger.handled, &ledger.account_handled];
            let all = handled.iter().flat_map(|all| [&all.revoke, &all.retire, &all.rollback, &all.rotate]);
            assert_eq!(all.flatten().count(), 2, "both are recorded: {ledger:?}");
        }
    }
}

#[test]
fn a_revoke_and_a_rotate_while_withheld_end_the_old_at_once_and_issue_the_new_when_active() {
    for scene in [here(both(Revoke, Rotate), withheld()), there(both(Revoke, Rotate), withheld())] {
        let mut scene = Scene { copy: None, ..scene };
        let steps;
        (steps, scene) = played(scene);
        assert_eq!(steps, [(Revoked, 1)], "the rotate waits");
        scene.policy.wanted = Wanted::Active;
        let (steps, scene) = played(scene);
        assert_eq!(steps, [(Issued, 2)]);
        assert!(scene.ledger().unwrap().is_live());
    }
}

#[test]
fn several_at_once_act_in_the_order_revoke_retire_rollback_rotate() {
    let all = Triggers {
        revoke: Some("v".into()),
        retire: Some("t".into()),
        rollback: Some("b".into()),
        rotate: Some("r".into()),
    };
    for scene in [here(all.clone(), overlapping()), there(all.clone(), overlapping())] {
        let (steps, scene) = played(scene);
        assert_eq!(steps[0], (Reason::Revoked, 2));
        assert_eq!(steps[1], (Reason::Issued, 3), "a rotate revives what the revoke took");
        let ledger = scene.ledger().unwrap();
        assert_eq!((ledger.state, ledger.revision, &ledger.previous), (State::Live, 3, &None));
    }
    let three = Triggers { revoke: None, ..all };
    let mut scene = here(three, overlapping());
    scene.policy.overlap = Some(Period::seconds(100));
    let (steps, scene) = played(scene);
    let reasons: Vec<_> = steps.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(
        reasons,
        [Reason::Retired, Reason::Updated, Reason::Rotated],
        "there was nothing left to roll back to"
    );
    assert_eq!(scene.ledger().unwrap().previous.as_ref().unwrap().id, "id-2");
}
