//! Row 5, and what else is different for a short-lived part of another credential.

use chatelaine::{
    api::{AccountSpec, State},
    core::{
        due::{Due, next_due},
        ledger::Ledger,
        lifecycle::{Act, Complaint, Remedy, decide},
        page::{Current, Former},
        parent::{Bond, End, Life, Parent, Standing},
        period::Period,
        policy::{DefaultFrom, Expiry, Wanted, default_lifetime_of_a_part},
        reason::Reason,
        scene::{Existence, Scene, Sight},
        schedule::next_alarm,
    },
};
use serde_json::json;

use crate::stage::*;

const DAY: i64 = 86_400;

fn life() -> Life {
    Life { uid: "pair-1".into(), revision: 3, began: 0, not_after: None }
}

fn bond() -> Bond {
    Bond { uid: "pair-1".into(), revision: 3 }
}

fn of(standing: Standing, mut scene: Scene) -> Scene {
    scene.policy.parent = Some(Parent { name: "ApiKeyPair web".into(), standing });
    scene.policy.default_lifetime = Some(Period::days(1));
    scene.policy.default_from = DefaultFrom::ApiKeyPair;
    scene
}

/// Issued an hour ago, for a day, of revision 3 of the pair.
fn issued() -> Ledger {
    Ledger {
        parent: Some(bond()),
        default_lifetime: Some(Period::days(1)),
        default_from: DefaultFrom::ApiKeyPair,
        not_after: Some(at(NOW - 3_600 + DAY)),
        ..ledger()
    }
}

fn live_of(standing: Standing) -> Scene {
    of(standing, with(issued()))
}

/// All of what ends a part, with the reason that is told.
fn ends() -> Vec<(Standing, Reason)> {
    let another = Life { uid: "pair-2".into(), revision: 1, ..life() };
    let again = Life { revision: 4, began: 4, ..life() };
    vec![
        (Standing::Ended(End::Missing), Reason::ParentNotFound),
        (Standing::Ended(End::BeingDeleted), Reason::ParentNotFound),
        (Standing::Ended(End::Revoked), Reason::ParentRevoked),
        (Standing::Ended(End::Expired), Reason::ParentExpired),
        (Standing::NotTheirs, Reason::ParentNotFound),
        (Standing::Live(another.clone()), Reason::ParentNotFound),
        (Standing::Inactive(another), Reason::ParentNotFound),
        (Standing::Live(again), Reason::ParentRevoked),
    ]
}

/// All under which a live part lives on.
fn waits(until: i64) -> Vec<(Standing, Option<Reason>)> {
    vec![
        (Standing::Live(life()), None),
        (Standing::Live(Life { revision: 4, ..life() }), None),
        (Standing::Inactive(life()), Some(Reason::ParentInactive)),
        (Standing::NotIssued, Some(Reason::ParentNotIssued)),
        (Standing::MissingLately { until: at(until) }, Some(Reason::ParentNotFound)),
        (Standing::Unknown, Some(Reason::ApiUnavailable)),
    ]
}

#[test]
fn it_is_issued_for_a_day_and_notes_of_what_but_never_for_longer_than_its_parent_lives() {
    for (parents, wanted) in [(None, NOW + DAY), (Some(NOW + 2 * DAY), NOW + DAY), (Some(NOW + 60), NOW + 60)]
    {
        let live = Standing::Live(Life { not_after: parents.map(at), ..life() });
        let ledger = page(&of(live, blank())).ledger;
        assert_eq!(ledger.not_after, Some(at(wanted)));
        assert_eq!((ledger.parent, ledger.revision), (Some(bond()), 1));
    }
    for (expiry, wanted) in [
        (Expiry::After(Period::seconds(300)), NOW + 300),
        (Expiry::After(Period::days(9)), NOW + 600),
        (Expiry::At(at(NOW + 200)), NOW + 200),
        (Expiry::At(at(NOW + 9_000)), NOW + 600),
    ] {
        let live = Standing::Live(Life { not_after: Some(at(NOW + 600)), ..life() });
        let mut scene = of(live, blank());
        scene.policy.expiry = expiry;
        assert_eq!(page(&scene).ledger.not_after, Some(at(wanted)), "{expiry:?}");
    }
}

#[test]
fn the_accounts_default_lifetime_is_not_its_own_but_the_accounts_limit_counts() {
    let account = |spec| serde_json::from_value::<AccountSpec>(spec).unwrap();
    let long =
        json!({"email": "a@b", "credentialDefaults": {"lifetime": "90d"}, "limits": {"maxLifetime": "1y"}});
    assert_eq!(default_lifetime_of_a_part(&account(long)), (Some(Period::days(1)), DefaultFrom::ApiKeyPair));
    let short = json!({"email": "a@b", "limits": {"maxLifetime": "1h"}});
    assert_eq!(
        default_lifetime_of_a_part(&account(short)),
        (Some(Period::seconds(3_600)), DefaultFrom::Limit)
    );
}

#[test]
fn nothing_is_issued_of_a_parent_that_is_not_live_and_the_reason_says_so() {
    let past = Standing::Live(Life { not_after: Some(at(NOW)), ..life() });
    let stand_in_the_way = ends()
        .into_iter()
        .filter(|(standing, _)| matches!(standing, Standing::Ended(_)))
        .map(|(standing, reason)| (standing, Some(reason)))
        .chain(waits(NOW + 30).into_iter().filter(|(_, reason)| reason.is_some()))
        .chain([(past, Some(Reason::ParentExpired))]);
    for (standing, reason) in stand_in_the_way {
        for scene in [blank(), dead(State::Expired)] {
            let act = decide(&of(standing.clone(), scene));
            let Act::Rest(Some(complaint)) = act else { panic!("{standing:?}: {act:?}") };
            assert_eq!(Some(complaint.reason), reason, "{standing:?}");
            assert!(matches!(complaint.remedy, Remedy::Waiting { .. }), "{complaint:?}");
        }
    }
}

#[test]
fn of_another_accounts_parent_nothing_is_issued_until_somebody_names_another() {
    let Act::Rest(Some(complaint)) = decide(&of(Standing::NotTheirs, blank())) else { panic!() };
    assert_eq!((complaint.reason, &complaint.remedy), (Reason::InvalidSpec, &Remedy::Person));
    assert!(complaint.message.contains("ApiKeyPair web is another Account's"), "{}", complaint.message);
}

#[test]
fn when_the_parent_is_gone_current_and_previous_are_destroyed_in_every_state_and_it_is_said_why() {
    for (standing, reason) in ends() {
        let overlapping = with(Ledger { previous: Some(previous(NOW + 60)), ..issued() });
        let withheld = {
            let mut scene = withheld();
            let ledger = Ledger { parent: Some(bond()), ..scene.ledger().unwrap().clone() };
            (scene.secret, scene.testimony) = (ours(ledger.clone(), INTACT), Some(ledger));
            scene
        };
        let dying = Scene { existence: Existence::BeingDeleted, ..with(issued()) };
        for scene in [with(issued()), overlapping, withheld, dying] {
            let page = page(&of(standing.clone(), scene));
            assert_eq!(
                (page.ledger.state, page.current, page.previous),
                (State::Expired, Current::Nothing, Former::Nothing),
                "{standing:?}"
            );
            assert_eq!((page.ledger.digest, page.ledger.previous), (None, None));
            assert_eq!(page.ledger.not_after, Some(at(NOW)), "it ended now");
            assert_eq!(page.news.map(|news| news.reason), Some(reason), "{standing:?}");
        }
    }
}

#[test]
fn what_has_no_material_has_nothing_to_lose_with_its_parent() {
    for (standing, _) in ends() {
        for ledger in [
            Ledger { state: State::Revoked, digest: None, ..issued() },
            Ledger { state: State::Withheld, revision: 0, parent: None, not_after: None, ..issued() },
        ] {
            let mut scene = of(standing.clone(), with(ledger));
            scene.policy.wanted = Wanted::Inactive;
            assert!(matches!(decide(&scene), Act::Rest(_)), "{standing:?}");
        }
    }
}

#[test]
fn what_status_says_of_a_lost_part_does_not_stay_valid_without_its_parent() {
    let lost = |standing| of(standing, Scene { secret: Sight::Absent, ..with(issued()) });
    let page = page(&lost(Standing::Ended(End::Revoked)));
    assert_eq!((page.ledger.state, page.current), (State::Expired, Current::Nothing));
    let remade = crate::stage::page(&lost(Standing::Live(Life { revision: 9, ..life() })));
    assert_eq!((remade.ledger.revision, remade.ledger.parent.unwrap().revision), (2, 9));
}

#[test]
fn of_which_parent_it_is_that_no_ledger_says_is_not_believed() {
    let scene = of(Standing::Live(life()), with(Ledger { parent: None, ..issued() }));
    let page = page(&scene);
    assert_eq!((page.ledger.state, page.news.unwrap().reason), (State::Expired, Reason::ParentNotFound));
}

#[test]
fn when_the_parent_is_rotated_or_inactive_or_cannot_be_seen_it_lives_on_to_its_end_and_is_not_renewed() {
    for (standing, _) in waits(NOW + DAY) {
        let scene = live_of(standing.clone());
        assert_eq!(decide(&scene), Act::Rest(None), "{standing:?}");
        let end = at(NOW - 3_600 + DAY);
        let due = next_due(&scene, scene.ledger().unwrap()).unwrap();
        match standing {
            Standing::Live(ref pair) if *pair == life() => assert_eq!(due.0, Due::Renew),
            _ => assert_eq!(due, (Due::Expire, end), "{standing:?}"),
        }
        let late = Scene { now: at(NOW - 3_600 + DAY - 1), ..scene };
        let renewed = !matches!(decide(&late), Act::Rest(None));
        assert_eq!(renewed, standing == Standing::Live(life()), "{standing:?}");
        let mut over = Scene { now: end, ..late };
        if let Some(Parent { standing: Standing::MissingLately { until }, .. }) = &mut over.policy.parent {
            *until = at(NOW + 2 * DAY);
        }
        assert_eq!(page(&over).ledger.state, State::Expired, "{standing:?}");
    }
}

#[test]
fn at_two_thirds_of_its_life_it_is_renewed_and_the_old_one_stays_until_its_own_end() {
    let issue = NOW - 3_600;
    let scene = live_of(Standing::Live(life()));
    let (due, time) = next_due(&scene, scene.ledger().unwrap()).unwrap();
    let earliest = at(issue + 2 * DAY / 3);
    assert!(due == Due::Renew && (earliest..=Period::seconds(300).after(earliest)).contains(&time), "{time}");
    let page = page(&Scene { now: time, ..scene });
    assert_eq!((page.ledger.revision, page.ledger.reason()), (2, Reason::Renewed));
    assert_eq!(page.ledger.not_after, Some(Period::days(1).after(time)));
    assert_eq!(page.ledger.previous.unwrap().retirement_time, at(issue + DAY));
}

#[test]
fn what_ends_with_its_parent_is_not_renewed_because_the_next_would_end_then_too() {
    for (parents, due) in [(NOW + 7_200, Due::Expire), (NOW + 2 * DAY, Due::Renew)] {
        let live = Standing::Live(Life { not_after: Some(at(parents)), ..life() });
        let scene =
            of(live, with(Ledger { not_after: Some(at(parents.min(NOW - 3_600 + DAY))), ..issued() }));
        assert_eq!(next_due(&scene, scene.ledger().unwrap()).unwrap().0, due);
    }
}

#[test]
fn an_end_that_is_fixed_is_not_moved_by_a_renewal() {
    let mut scene = of(
        Standing::Live(life()),
        with(Ledger { not_after: Some(at(NOW + 100)), default_lifetime: None, ..issued() }),
    );
    scene.policy.expiry = Expiry::At(at(NOW + 100));
    assert_eq!(next_due(&scene, scene.ledger().unwrap()), Some((Due::Expire, at(NOW + 100))));
    let gone = page(&Scene { now: at(NOW + 100), ..scene.clone() }).ledger;
    assert_eq!(gone.state, State::Expired);
    let after = of(Standing::Live(life()), Scene { now: at(NOW + 101), ..with(gone) });
    let after = Scene { policy: scene.policy, ..after };
    assert_eq!(decide(&after), Act::Rest(None), "its time is over, whatever its parent's");
}

#[test]
fn when_the_parents_end_moves_nearer_so_does_its_own_and_when_it_is_there_it_ends() {
    let live = |end: i64| Standing::Live(Life { not_after: Some(at(end)), ..life() });
    assert_eq!(page(&live_of(live(NOW + 60))).ledger.not_after, Some(at(NOW + 60)));
    assert_eq!(page(&live_of(live(NOW))).ledger.state, State::Expired);
    // Of the same material, further away again.
    let cut = Ledger { not_after: Some(at(NOW + 60)), ..issued() };
    assert_eq!(page(&of(live(NOW + 600), with(cut))).ledger.not_after, Some(at(NOW + 600)));
}

#[test]
fn the_later_end_of_a_rotated_parent_is_not_its_own() {
    let cut = Ledger { not_after: Some(at(NOW + 60)), ..issued() };
    let rotated = |end: i64| Standing::Live(Life { revision: 4, not_after: Some(at(end)), ..life() });
    assert_eq!(decide(&of(rotated(NOW + 900), with(cut.clone()))), Act::Rest(None));
    assert_eq!(page(&of(rotated(NOW + 30), with(cut.clone()))).ledger.not_after, Some(at(NOW + 30)));
    for standing in [Standing::NotIssued, Standing::Unknown] {
        assert_eq!(
            decide(&of(standing, with(cut.clone()))),
            Act::Rest(None),
            "what is not seen moves nothing"
        );
    }
}

#[test]
fn when_it_has_expired_a_new_one_is_issued_at_once_of_the_parent_as_it_is_now() {
    let gone = Ledger { state: State::Expired, digest: None, not_after: Some(at(NOW)), ..issued() };
    for (uid, revision) in [("pair-1", 3), ("pair-1", 4), ("pair-2", 1)] {
        let live = Standing::Live(Life { uid: uid.into(), revision, ..life() });
        let ledger = page(&of(live, with(gone.clone()))).ledger;
        assert_eq!((ledger.state, ledger.revision), (State::Live, 2));
        assert_eq!(ledger.parent, Some(Bond { uid: uid.into(), revision }));
        assert_eq!(ledger.rebirth, Some(2), "what was of the one before is gone");
    }
    let mut inactive = of(Standing::Live(life()), with(gone));
    inactive.policy.wanted = Wanted::Inactive;
    assert_eq!(decide(&inactive), Act::Rest(None), "not while it is inactive itself");
    let revoked = Ledger { state: State::Revoked, digest: None, ..issued() };
    assert_eq!(
        decide(&of(Standing::Live(life()), with(revoked))),
        Act::Rest(None),
        "somebody wanted it gone"
    );
}

#[test]
fn a_life_of_seconds_makes_a_new_one_a_minute_and_not_more() {
    let gone = |issue: i64| Ledger {
        state: State::Expired,
        digest: None,
        issue_time: Some(at(issue)),
        not_after: Some(at(NOW)),
        ..issued()
    };
    let scene = of(Standing::Live(life()), with(gone(NOW - 10)));
    let Act::Rest(Some(complaint)) = decide(&scene) else { panic!() };
    assert_eq!(complaint.reason, Reason::AwaitingMaterial);
    assert_eq!(next_alarm(&scene, Some(&complaint)), Some(at(NOW + 50)));
    assert_eq!(page(&of(Standing::Live(life()), with(gone(NOW - 60)))).ledger.revision, 2);
    let other = Standing::Live(Life { revision: 4, began: 4, ..life() });
    assert_eq!(page(&of(other, with(gone(NOW - 10)))).ledger.revision, 2, "of another one, at once");
}

#[test]
fn somebody_who_asks_has_it_rotated_while_the_parent_is_live_and_it_notes_of_what_it_is_now() {
    let rotated = Standing::Live(Life { revision: 4, ..life() });
    let page = page(&asking(live_of(rotated), Some("r"), None));
    assert_eq!((page.ledger.revision, page.ledger.parent.unwrap().revision), (2, 4));
    let scene = asking(live_of(Standing::Inactive(life())), Some("r"), None);
    assert_eq!(obstacle(&scene), Some(Reason::ParentInactive), "held up until it is");
    assert_eq!(decide(&asking(scene, None, None)), Act::Rest(None));
}

#[test]
fn a_rollback_brings_back_of_what_the_previous_one_was() {
    let mut back = previous(NOW + 600);
    back.parent = Some(Bond { revision: 2, ..bond() });
    let mut scene = live_of(Standing::Live(life()));
    let ledger = Ledger { previous: Some(back), ..issued() };
    (scene.secret, scene.testimony) = (ours(ledger.clone(), INTACT), Some(ledger));
    scene.triggers.rollback = Some("b".into());
    let ledger = page(&scene).ledger;
    assert_eq!(ledger.parent.map(|bond| bond.revision), Some(2));
    assert_eq!(ledger.previous.and_then(|previous| previous.parent), Some(bond()));
}

#[test]
fn it_is_looked_at_again_when_a_missing_parent_counts_as_gone() {
    let scene = live_of(Standing::MissingLately { until: at(NOW + 30) });
    assert_eq!(next_alarm(&scene, None), Some(at(NOW + 30)));
    let nothing = of(Standing::MissingLately { until: at(NOW + 30) }, blank());
    let complaint = Complaint::waiting(Reason::ParentNotFound, "");
    assert_eq!(next_alarm(&nothing, Some(&complaint)), None, "there is nothing to take away");
}

#[test]
fn a_parent_is_what_its_ledger_says_and_its_spec_where_that_is_ahead() {
    let standing = |ledger: Ledger, wanted| Standing::of(&ledger, wanted);
    let told = Life { uid: "uid-1".into(), revision: 1, began: 0, not_after: None };
    assert_eq!(standing(ledger(), Wanted::Active), Standing::Live(told.clone()));
    assert_eq!(standing(ledger(), Wanted::Inactive), Standing::Inactive(told.clone()));
    let withheld = Ledger { state: State::Withheld, ..ledger() };
    assert_eq!(standing(withheld, Wanted::Active), Standing::Inactive(told.clone()));
    let unborn = Ledger { state: State::Withheld, revision: 0, ..ledger() };
    assert_eq!(standing(unborn, Wanted::Active), Standing::NotIssued);
    for (state, end) in [(State::Expired, End::Expired), (State::Revoked, End::Revoked)] {
        assert_eq!(standing(Ledger { state, ..ledger() }, Wanted::Active), Standing::Ended(end));
    }
    let restored = Ledger { origin: Some("first".into()), rebirth: Some(1), ..ledger() };
    let first = Life { uid: "first".into(), began: 1, ..told };
    assert_eq!(standing(restored, Wanted::Active), Standing::Live(first));
}

#[test]
fn what_a_restore_brings_under_another_uid_keeps_the_uid_under_which_it_began() {
    let orphan = |ledger: Ledger| Scene { secret: Sight::Orphan { ledger, inside: INTACT }, ..blank() };
    let old = |uid: &str| chatelaine::core::ledger::Owner { uid: uid.into(), ..owner() };
    let once = page(&orphan(Ledger { owner: old("uid-0"), ..ledger() })).ledger;
    assert_eq!((once.owner.uid.as_str(), once.origin.as_deref()), ("uid-1", Some("uid-0")));
    let twice =
        page(&orphan(Ledger { owner: old("uid-0b"), origin: Some("uid-0".into()), ..ledger() })).ledger;
    assert_eq!(twice.origin.as_deref(), Some("uid-0"));
}
