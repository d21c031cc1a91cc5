//! The picture in the guide shows every way from one state to another, and no other.

use std::collections::BTreeSet;

use chatelaine::{
    api::State,
    core::{
        lifecycle::{Act, decide},
        policy::Wanted,
        scene::{Account, CopySight, Origin, Scene, Sight},
    },
};

use crate::stage::*;

const PICTURE: &str = include_str!("../../docs/pictures/lifecycle.svg");

/// Everything that can happen to a credential.
const STIMULI: [fn(Scene) -> Scene; 9] = [
    |scene| scene,
    |scene| asking(scene, Some("new"), None),
    |scene| asking(scene, None, Some("new")),
    |mut scene| {
        scene.policy.wanted = Wanted::Inactive;
        scene
    },
    |mut scene| {
        scene.policy.wanted = Wanted::Active;
        scene
    },
    |mut scene| {
        scene.now = at(NOW + 100_000);
        scene
    },
    |scene| Scene { secret: Sight::Absent, copy: None, ..scene },
    |scene| Scene { account: Account::Missing, ..scene },
    |scene| match scene.testimony.clone() {
        Some(ledger) => Scene { secret: ours(ledger, DAMAGED), ..scene },
        None => scene,
    },
];

/// Each state with what may follow: an end in an hour, where there is material that can end.
fn beginnings() -> [(Option<State>, Scene); 5] {
    let ending = |mut scene: Scene| {
        let Some(ledger) = scene.testimony.as_mut() else { return scene };
        ledger.not_after = Some(at(NOW + 3_600));
        let ledger = ledger.clone();
        Scene { secret: ours(ledger, INTACT), ..scene }
    };
    [
        (None, blank()),
        (Some(State::Live), ending(live())),
        (Some(State::Withheld), ending(withheld())),
        (Some(State::Expired), dead(State::Expired)),
        (Some(State::Revoked), dead(State::Revoked)),
    ]
}

/// The state that is written, if anything new is published or another state begins.
fn written(from: Option<State>, scene: &Scene) -> Option<State> {
    let before = scene.testimony.as_ref().map_or(0, |ledger| ledger.revision);
    let act = match decide(scene) {
        Act::Hold => {
            let held = CopySight { origin: Origin::JustMade, ..copy_sight(INTACT) };
            decide(&Scene { copy: Some(held), ..scene.clone() })
        }
        act => act,
    };
    let Act::Write(page) = act else { return None };
    let is_news = Some(page.ledger.state) != from || page.ledger.revision > before;
    is_news.then_some(page.ledger.state)
}

#[test]
fn every_way_from_state_to_state_is_in_the_picture_and_no_other() {
    let name = |state: Option<State>| state.map_or("None".to_owned(), |state| format!("{state:?}"));
    let mut possible = BTreeSet::new();
    for (from, scene) in beginnings() {
        for stimulus in STIMULI {
            let to = written(from, &stimulus(scene.clone()));
            possible.extend(to.map(|to| format!("{} {}", name(from), name(Some(to)))));
        }
    }
    let shown: BTreeSet<String> = PICTURE
        .split("data-arc=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect();
    assert_eq!(shown, possible);
}
