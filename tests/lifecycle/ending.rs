//! Rows 3, 4 and 8: what ends.

use chatelaine::{
    api::State,
    core::{
        ledger::{Copy, Ledger},
        lifecycle::{Act, decide},
        page::{Current, Former},
        period::Period,
        policy::{Expiry, Policy, Schedule, Wanted},
        scene::{Clock, CopySight, Existence, Form, Inside, Integrity, Scene, Sight},
        trigger::{Handled, Triggers},
    },
};

use crate::stage::*;

#[test]
fn a_new_value_of_revoke_destroys_current_and_previous_in_every_state() {
    let overlapping = with(Ledger { previous: Some(previous(NOW + 60)), ..ledger() });
    for scene in [live(), overlapping, withheld(), dead(State::Expired), dead(State::Revoked)] {
        let page = page(&asking(scene, None, Some("leak")));
        assert_eq!(
            (page.ledger.state, page.current, page.previous),
            (State::Revoked, Current::Nothing, Former::Nothing)
        );
        assert_eq!((page.ledger.digest.clone(), page.ledger.previous.clone()), (None, None));
        assert_eq!(page.ledger.handled.revoke, ["leak"]);
        assert!(decide(&asking(with(page.ledger), None, Some("leak"))) == Act::Rest(None), "it acts once");
    }
}

#[test]
fn revoke_comes_before_rotate_and_both_act() {
    let both = asking(live(), Some("r"), Some("v"));
    let first = page(&both);
    assert_eq!((first.ledger.state, first.ledger.revision), (State::Revoked, 1));
    let second = page(&asking(with(first.ledger), Some("r"), Some("v")));
    assert_eq!((second.ledger.state, second.ledger.revision), (State::Live, 2));
}

#[test]
fn a_credential_born_with_revoke_is_born_revoked_and_with_rotate_beside_it_is_not() {
    let born = page(&asking(blank(), None, Some("v")));
    assert_eq!(
        (born.ledger.state, born.ledger.revision, born.current),
        (State::Revoked, 0, Current::Nothing)
    );
    let issued = page(&asking(blank(), Some("r"), Some("v")));
    assert_eq!((issued.ledger.state, issued.ledger.revision), (State::Live, 1));
}

#[test]
fn values_that_are_there_at_birth_have_acted() {
    let all = ["r", "v", "t", "b"].map(|value| Some(value.to_owned()));
    let [rotate, revoke, retire, rollback] = all;
    let born = Scene { triggers: Triggers { rotate, revoke, retire, rollback }, ..blank() };
    let issued = page(&born).ledger;
    let handled = ["r", "v", "t", "b"].map(|value| vec![value.to_owned()]);
    let [rotate, revoke, retire, rollback] = handled;
    assert_eq!(issued.handled, Handled { rotate, revoke, retire, rollback });
    let overlapping = Ledger { previous: Some(previous(NOW + 60)), ..issued };
    assert_eq!(decide(&Scene { triggers: born.triggers, ..with(overlapping) }), Act::Rest(None));
    let none = page(&blank()).ledger;
    assert_eq!(none.handled, Handled::default(), "what is absent is recorded as absent");
    assert_eq!(page(&asking(with(none), Some("r"), None)).ledger.revision, 2, "so what comes later acts");
}

#[test]
fn at_its_not_after_the_material_goes_and_not_before() {
    let ends = |end: i64| {
        let mut scene = with(Ledger { not_after: Some(at(end)), ..ledger() });
        scene.policy.expiry = Expiry::At(at(end));
        scene
    };
    assert_eq!(decide(&ends(NOW + 1)), Act::Rest(None));
    let page = page(&ends(NOW));
    assert_eq!(
        (page.ledger.state, page.current, page.ledger.digest),
        (State::Expired, Current::Nothing, None)
    );
    assert_eq!((page.ledger.id.as_str(), page.ledger.revision), ("id-1", 1), "it stays listed");
}

#[test]
fn when_the_current_one_ends_the_previous_one_goes_with_it_whatever_was_left_of_its_overlap() {
    for inactive in [false, true] {
        let overlapping = if inactive { withheld() } else { live() };
        let previous = Some(previous(NOW + 500));
        let ledger = Ledger { previous, not_after: Some(at(NOW)), ..overlapping.ledger().unwrap().clone() };
        let mut scene = Scene { secret: ours(ledger, INTACT), ..overlapping };
        scene.policy.expiry = Expiry::At(at(NOW));
        let expired = page(&scene);
        assert_eq!((expired.ledger.state, expired.ledger.previous), (State::Expired, None));
        assert_eq!((expired.current, expired.previous), (Current::Nothing, Former::Nothing));
    }
}

#[test]
fn the_recorded_not_after_counts_even_if_the_spec_was_moved_after_it_had_passed() {
    let mut scene = with(Ledger { not_after: Some(at(NOW - 5)), ..ledger() });
    scene.policy.expiry = Expiry::At(at(NOW + 500));
    let dead = page(&scene).ledger;
    assert_eq!(dead.state, State::Expired);
    let again = page(&Scene { policy: scene.policy.clone(), ..with(dead) });
    assert_eq!(
        (again.ledger.state, again.ledger.revision),
        (State::Live, 2),
        "a date moved beyond issues anew"
    );
}

#[test]
fn a_date_moved_into_the_past_expires_at_once() {
    let mut scene = with(Ledger { not_after: Some(at(NOW + 500)), ..ledger() });
    scene.policy.expiry = Expiry::At(at(NOW - 1));
    assert_eq!(page(&scene).ledger.state, State::Expired);
}

#[test]
fn a_clock_that_goes_back_behind_an_end_revives_nothing() {
    for expiry in [Expiry::At(at(NOW - 60)), Expiry::After(Period::seconds(3_540))] {
        let mut scene = Scene { now: at(NOW - 600), ..dead(State::Expired) };
        scene.policy.expiry = expiry;
        assert_eq!(decide(&scene), Act::Rest(None), "{expiry:?}");
    }
}

#[test]
fn a_date_that_was_moved_into_the_past_by_mistake_can_be_moved_back() {
    for recorded in [None, Some(at(NOW + 500))] {
        let mut scene = with(Ledger { not_after: recorded, ..ledger() });
        scene.policy.expiry = Expiry::At(at(NOW - 1));
        let dead = page(&scene).ledger;
        assert_eq!(dead.not_after, Some(at(NOW - 1)), "the date that has passed, not one to come");
        for expiry in [Expiry::At(at(NOW + 100)), Expiry::After(Period::days(1)), Expiry::Never] {
            let mut corrected = with(dead.clone());
            corrected.policy.expiry = expiry;
            let again = page(&corrected).ledger;
            assert_eq!((again.state, again.revision), (State::Live, 2), "{recorded:?} {expiry:?}");
        }
    }
    let mut both = with(Ledger { not_after: Some(at(NOW - 5)), ..ledger() });
    both.policy.expiry = Expiry::At(at(NOW - 9));
    assert_eq!(page(&both).ledger.not_after, Some(at(NOW - 9)), "the earliest of those that have passed");
}

#[test]
fn a_rotation_renews_a_lifetime_and_does_not_move_a_date() {
    let rotated = |expiry, issued_with| {
        let mut scene =
            asking(with(Ledger { not_after: Some(at(issued_with)), ..ledger() }), Some("r"), None);
        scene.policy.expiry = expiry;
        page(&scene).ledger
    };
    let dated = rotated(Expiry::At(at(NOW + 900)), NOW + 900);
    assert_eq!((dated.revision, dated.not_after), (2, Some(at(NOW + 900))));
    let lasting = rotated(Expiry::After(Period::seconds(7_200)), NOW + 3_600);
    assert_eq!((lasting.revision, lasting.not_after), (2, Some(at(NOW + 7_200))));
    let mut scheduled = with(Ledger { not_after: Some(at(NOW + 900)), ..ledger() });
    scheduled.policy.expiry = Expiry::At(at(NOW + 900));
    scheduled.policy.schedule = Some(Schedule::Every(Period::seconds(1_800)));
    assert_eq!(page(&scheduled).ledger.not_after, Some(at(NOW + 900)), "nor does one by a schedule");
}

#[test]
fn while_the_clocks_disagree_nothing_is_done_for_reasons_of_time() {
    let mut scene =
        with(Ledger { not_after: Some(at(NOW - 5)), previous: Some(previous(NOW - 9)), ..ledger() });
    scene.policy.expiry = Expiry::At(at(NOW - 5));
    scene.clock = Clock::Skewed;
    assert_eq!(decide(&scene), Act::Rest(None));
    assert_eq!(page(&asking(scene, None, Some("v"))).ledger.state, State::Revoked, "a person may still act");
}

#[test]
fn the_lost_secret_of_a_dead_credential_comes_back_without_material() {
    for state in [State::Expired, State::Revoked] {
        let page = page(&Scene { secret: Sight::Absent, ..dead(state) });
        assert_eq!((page.ledger.state, page.current, page.ledger.revision), (state, Current::Nothing, 1));
    }
}

#[test]
fn what_expired_while_its_secret_was_lost_is_not_made_again() {
    let mut scene =
        Scene { secret: Sight::Absent, ..with(Ledger { not_after: Some(at(NOW - 1)), ..ledger() }) };
    scene.policy.expiry = Expiry::At(at(NOW - 1));
    assert_eq!(page(&scene).ledger.state, State::Expired);
}

#[test]
fn in_an_overlap_the_old_one_stays_until_its_end_or_its_own_not_after() {
    for (own, retirement) in [(None, NOW + 600), (Some(NOW + 60), NOW + 60)] {
        let mut scene = asking(with(Ledger { not_after: own.map(at), ..ledger() }), Some("r"), None);
        scene.policy.expiry = own.map_or(Expiry::Never, |end| Expiry::At(at(end)));
        scene.policy.overlap = Some(Period::seconds(600));
        let page = page(&scene);
        let previous = page.ledger.previous.unwrap();
        assert_eq!((page.previous, previous.digest.as_str()), (Former::WasCurrent, "digest-1"));
        assert_eq!(previous.retirement_time, at(retirement));
    }
}

#[test]
fn when_the_overlap_is_over_the_previous_one_goes_and_not_before() {
    let scene = |retirement| with(Ledger { previous: Some(previous(retirement)), ..ledger() });
    assert_eq!(decide(&scene(NOW + 1)), Act::Rest(None));
    let page = page(&scene(NOW));
    assert_eq!((page.current, page.previous, page.ledger.previous), (Current::Stays, Former::Nothing, None));
}

#[test]
fn previous_material_that_is_damaged_goes_before_its_time_and_the_current_one_stays() {
    let overlapping = Ledger { previous: Some(previous(NOW + 60)), ..ledger() };
    let page = page(&Scene { secret: ours(overlapping.clone(), PREVIOUS_DAMAGED), ..with(overlapping) });
    assert_eq!((page.current, page.previous, page.ledger.previous), (Current::Stays, Former::Nothing, None));
    assert_eq!((page.ledger.revision, page.ledger.digest), (1, ledger().digest));
}

#[test]
fn an_overlap_runs_on_in_the_copy() {
    let mut scene = withheld();
    let ledger = Ledger { previous: Some(previous(NOW)), ..scene.ledger().unwrap().clone() };
    scene.secret = ours(ledger, INTACT);
    scene.copy = Some(copy_sight(INTACT));
    assert_eq!(decide(&scene), Act::Trim);
    scene.copy = Some(copy_sight(Inside::Read { current: Integrity::Intact, previous: Integrity::Damaged }));
    let page = page(&scene);
    assert_eq!((page.ledger.previous, page.ledger.held), (None, Some(copy())));
}

#[test]
fn an_object_that_is_being_deleted_is_only_revoked_expired_or_retired() {
    let dying = |scene: Scene| Scene { existence: Existence::BeingDeleted, ..scene };
    let inactive = || {
        let mut scene = live();
        scene.policy.wanted = Wanted::Inactive;
        scene
    };
    let active_again = || {
        let mut scene = withheld();
        scene.policy.wanted = Wanted::Active;
        scene
    };
    let orphan = Sight::Orphan { ledger: ledger(), inside: INTACT };
    let another = Copy { uid: "copy-2".into(), ..copy() };
    for scene in [
        blank(),
        asking(live(), Some("r"), None),
        Scene { secret: Sight::Absent, ..live() },
        Scene { secret: Sight::Absent, ..dead(State::Revoked) },
        Scene { secret: orphan, ..blank() },
        Scene { secret: ours(ledger(), DAMAGED), ..live() },
        Scene { secret: ours(Ledger { issue_time: Some(at(NOW)), ..ledger() }, DAMAGED), ..live() },
        Scene { secret: Sight::Ours { ledger: ledger(), inside: INTACT, form: Form::Differs }, ..live() },
        inactive(),
        active_again(),
        Scene { copy: Some(CopySight { form: Form::Differs, ..copy_sight(INTACT) }), ..withheld() },
        Scene { copy: Some(CopySight { copy: another, ..copy_sight(INTACT) }), ..withheld() },
    ] {
        assert_eq!(decide(&dying(scene.clone())), Act::Rest(None), "{scene:?}");
    }
    assert_eq!(page(&dying(asking(live(), None, Some("v")))).ledger.state, State::Revoked);
    let retiring = with(Ledger { previous: Some(previous(NOW)), ..ledger() });
    assert_eq!(page(&dying(retiring)).ledger.previous, None);
    let mut expiring = with(Ledger { not_after: Some(at(NOW)), ..ledger() });
    expiring.policy.expiry = Expiry::At(at(NOW));
    assert_eq!(page(&dying(expiring)).ledger.state, State::Expired);
}

#[test]
fn bytes_that_no_ledger_answers_for_do_not_stay_though_the_object_is_being_deleted() {
    for secret in [ours(ledger(), INTACT), Sight::Mute] {
        let dying = |testimony| Scene {
            existence: Existence::BeingDeleted,
            secret: secret.clone(),
            ..with(testimony)
        };
        for state in [State::Expired, State::Revoked] {
            let again = page(&dying(Ledger { state, digest: None, ..ledger() }));
            assert_eq!((again.current, again.ledger.state), (Current::Nothing, state));
        }
        let newer = Ledger { revision: 3, ..ledger() };
        let withdrawn = page(&dying(newer.clone()));
        assert_eq!((withdrawn.current, withdrawn.ledger.revision), (Current::Nothing, 3));
        let revoked = page(&asking(dying(newer.clone()), None, Some("v")));
        assert_eq!((revoked.ledger.state, revoked.ledger.revision), (State::Revoked, 3));
        let expired = page(&dying(Ledger { not_after: Some(at(NOW)), ..newer }));
        assert_eq!((expired.ledger.state, expired.current), (State::Expired, Current::Nothing));
    }
}

#[test]
fn an_end_is_soon_seven_days_before_it_at_most_a_fifth_of_the_life_or_as_the_spec_says() {
    let days = |days: i64| at(days * 86_400);
    for (life, own, wanted) in
        [(365, None, 358), (35, None, 28), (30, None, 24), (5, None, 4), (30, Some(14), 16)]
    {
        let policy = Policy { warn_before: own.map(Period::days), ..policy() };
        assert_eq!(policy.warning_time(Some(days(0)), days(life)), days(wanted), "of {life} days");
    }
    assert_eq!(policy().warning_time(None, days(30)), days(30), "nobody knows how long it lived");
}
