//! Rows 1 and 2: whose Secret it is.

use chatelaine::{
    api::State,
    core::{
        ledger::{Copy, Ledger, Owner},
        lifecycle::{Act, Remedy, decide},
        material::Identity,
        ownership::Offer,
        page::Current,
        policy::Wanted,
        reason::Reason,
        restore::Announced,
        scene::{Account, CopySight, Existence, Find, Scene, Sight},
        trigger::{Handled, Triggers},
    },
};

use crate::stage::*;

#[test]
fn a_strangers_secret_is_never_touched_and_looked_at_again_after_a_minute() {
    let scenes = || [blank(), live(), asking(live(), Some("r"), Some("v"))];
    for (scene, offer) in scenes()
        .map(|scene| (scene, Offer::Possible))
        .into_iter()
        .chain(scenes().map(|scene| (scene, Offer::Vain)))
    {
        let scene = Scene { secret: Sight::Foreign { holder: "somebody else".into(), offer }, ..scene };
        let Act::Rest(Some(complaint)) = decide(&scene) else { panic!("{:?}", decide(&scene)) };
        assert_eq!(complaint.reason, Reason::SecretConflict);
        assert!(
            complaint.message.contains("somebody else") && complaint.message.contains("spec.secret.name")
        );
        let advised = complaint.message.contains("chatelaine.dev/adopt");
        assert_eq!(advised, offer == Offer::Possible, "an offer that would not count is not advised");
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
    let page = page(&Scene { secret: Sight::Orphan { ledger: old.clone(), inside: INTACT }, ..blank() });
    assert_eq!((page.current, page.ledger.revision), (Current::Stays, 4));
    assert_eq!((page.ledger.owner, page.ledger.digest), (owner(), old.digest));
}

#[test]
fn what_was_withheld_before_a_restore_stays_withheld_and_the_copy_that_came_with_it_is_named() {
    let old = Ledger {
        owner: Owner { uid: "uid-0".into(), ..owner() },
        state: State::Withheld,
        held: Some(copy()),
        ..ledger()
    };
    let found = Copy { uid: "copy-2".into(), ..copy() };
    let mut scene = Scene { secret: Sight::Orphan { ledger: old, inside: INTACT }, ..blank() };
    scene.copy = Some(CopySight { copy: found.clone(), ..copy_sight(INTACT) });
    let back = page(&scene);
    assert_eq!((back.current, back.ledger.state), (Current::Nothing, State::Withheld));
    let named = page(&Scene { secret: ours(back.ledger, INTACT), ..scene });
    assert_eq!(
        (named.current, named.ledger.state, named.ledger.held),
        (Current::Nothing, State::Withheld, Some(found))
    );
}

#[test]
fn what_was_dead_before_a_restore_stays_dead() {
    for state in [State::Expired, State::Revoked] {
        let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, state, digest: None, ..ledger() };
        let page = page(&Scene { secret: Sight::Orphan { ledger: old, inside: INTACT }, ..blank() });
        assert_eq!((page.current, page.ledger.state), (Current::Nothing, state));
        assert_eq!(decide(&with(page.ledger)), Act::Rest(None));
    }
}

#[test]
fn an_old_copy_of_before_a_restore_counts_as_lost_and_brings_nothing_back() {
    let before = |revision, inside| {
        let ledger = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, revision, ..ledger() };
        Sight::Orphan { ledger, inside }
    };
    for state in [State::Expired, State::Revoked] {
        for revision in [1, 2] {
            let testimony = Ledger { revision, ..dead(state).testimony.unwrap() };
            let page = page(&Scene { secret: before(1, INTACT), ..with(testimony) });
            assert_eq!((page.ledger.state, page.ledger.revision), (state, revision));
            assert_eq!((page.current, page.ledger.owner), (Current::Nothing, owner()));
        }
    }
    let newer = Ledger { revision: 3, ..ledger() };
    let scene = Scene { secret: before(1, INTACT), ..with(newer.clone()) };
    assert_eq!(page(&scene).ledger.revision, 4, "new material");
    assert_eq!(decide(&Scene { existence: Existence::BeingDeleted, ..scene }), Act::Rest(None));
    let same = page(&Scene { secret: before(3, INTACT), ..with(newer) });
    assert_eq!((same.current, same.ledger.revision), (Current::Stays, 3), "what status knows is taken back");
}

#[test]
fn a_restored_secret_whose_material_is_not_what_its_ledger_says_is_taken_back_and_then_repaired() {
    let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, revision: 4, ..ledger() };
    let back = page(&Scene { secret: Sight::Orphan { ledger: old, inside: DAMAGED }, ..blank() });
    assert_eq!((back.current, back.ledger.revision), (Current::Nothing, 4), "nobody should use these bytes");
    let mended = page(&Scene { secret: ours(back.ledger, DAMAGED), ..blank() });
    assert_eq!((mended.ledger.revision, mended.news.unwrap().reason), (5, Reason::SecretRepaired));
}

#[test]
fn an_old_backup_of_the_secret_revives_nothing_and_takes_no_revision_back() {
    let orphan = |revision| {
        let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, revision, ..ledger() };
        Sight::Orphan { ledger: old, inside: INTACT }
    };
    for state in [State::Expired, State::Revoked] {
        for revision in [0, 1, 2] {
            let page = page(&Scene { secret: orphan(revision), ..dead(state) });
            assert_eq!((page.current, page.ledger.state), (Current::Nothing, state), "{revision}");
            assert_eq!((page.ledger.revision, page.ledger.owner), (1, owner()));
        }
    }
    let newer = with(Ledger { revision: 3, ..ledger() });
    let page = page(&Scene { secret: orphan(2), ..newer.clone() });
    assert_eq!((page.ledger.revision, page.news.unwrap().reason), (4, Reason::SecretRecreated));
    let known = Scene { testimony: None, ..newer };
    assert_eq!(
        crate::stage::page(&Scene { secret: orphan(2), ..known }).ledger.revision,
        2,
        "it is all there is"
    );
}

#[test]
fn while_a_restore_is_announced_an_object_without_a_past_waits_for_its_secret() {
    for announced in [Announced::ByAnnotation, Announced::ByVelero] {
        let waiting = Scene { restore: Some(announced), ..blank() };
        let Act::Rest(Some(complaint)) = decide(&waiting) else { panic!("{:?}", decide(&waiting)) };
        assert_eq!(complaint.reason, Reason::AwaitingRestore);
        assert!(complaint.message.contains("remove the"), "how it ends: {}", complaint.message);
        assert_eq!(complaint.remedy, Remedy::Waiting { look_again: Some(at(NOW + 60)) });
        let mut inactive = waiting.clone();
        inactive.policy.wanted = Wanted::Inactive;
        let others = [
            inactive,
            asking(waiting.clone(), None, Some("v")),
            Scene { account: Account::Missing, ..waiting.clone() },
        ];
        for scene in others {
            assert_eq!(obstacle(&scene), Some(Reason::AwaitingRestore), "no Secret gets in its way");
        }
        let old = Ledger { owner: Owner { uid: "uid-0".into(), ..owner() }, ..ledger() };
        let back = page(&Scene { secret: Sight::Orphan { ledger: old, inside: INTACT }, ..waiting.clone() });
        assert_eq!((back.current, back.ledger.revision), (Current::Stays, 1));
        let going = Scene { existence: Existence::BeingDeleted, ..waiting };
        assert_eq!(decide(&going), Act::Rest(None));
    }
}

#[test]
fn an_announced_restore_does_not_hold_up_an_object_that_has_a_past() {
    let restore = Some(Announced::ByVelero);
    assert_eq!(decide(&Scene { restore, ..live() }), Act::Rest(None));
    assert_eq!(page(&Scene { restore, secret: Sight::Absent, ..live() }).ledger.revision, 2);
    assert_eq!(page(&asking(Scene { restore, ..live() }, Some("r"), None)).ledger.revision, 2);
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

fn offered(scene: Scene) -> Scene {
    let find = Find { identity: Identity { id: "theirs".into(), public: None }, digest: "d".into() };
    Scene { secret: Sight::Offered { found: Ok(find) }, ..scene }
}

#[test]
fn a_revoke_that_stands_alone_on_a_new_object_acts_on_what_is_offered_to_it() {
    let adopted = page(&offered(asking(blank(), None, Some("v")))).ledger;
    let revoked = page(&asking(with(adopted), None, Some("v")));
    assert_eq!((revoked.ledger.state, revoked.current), (State::Revoked, Current::Nothing));
    assert_eq!(decide(&asking(with(revoked.ledger), None, Some("v"))), Act::Rest(None), "it acts once");
    let beside = page(&offered(asking(blank(), Some("r"), Some("v")))).ledger;
    assert_eq!(
        decide(&asking(with(beside), Some("r"), Some("v"))),
        Act::Rest(None),
        "with rotate it has acted"
    );
}

#[test]
fn an_offer_does_not_revive_what_is_dead() {
    for state in [State::Expired, State::Revoked] {
        for scene in [dead(state), asking(dead(state), Some("r"), None)] {
            assert_eq!(obstacle(&offered(scene)), Some(Reason::SecretConflict), "{state:?}");
        }
    }
    assert_eq!(page(&offered(live())).ledger.revision, 2, "what is live and lost takes it");
}

#[test]
fn a_value_that_is_newer_than_a_ledger_that_is_taken_back_acts() {
    let handled = Handled { rotate: vec!["r".into()], revoke: vec!["old".into()], ..Handled::default() };
    let kept = |state| Ledger {
        owner: Owner { uid: "uid-0".into(), ..owner() },
        revision: 4,
        handled: handled.clone(),
        account_handled: handled.clone(),
        state,
        ..ledger()
    };
    let taken_back = |state, own: Triggers, account: Triggers| {
        let secret = Sight::Orphan { ledger: kept(state), inside: INTACT };
        let scene = Scene { secret, triggers: own, account_triggers: account, ..blank() };
        let back = page(&scene).ledger;
        assert_eq!((back.revision, back.state), (4, state), "first it is taken back as it is");
        Scene { secret: ours(back, INTACT), ..scene }
    };
    let value = |rotate: &str, revoke: &str| Triggers {
        rotate: Some(rotate.into()),
        revoke: Some(revoke.into()),
        ..Triggers::default()
    };
    let old = value("r", "old");
    assert_eq!(
        decide(&taken_back(State::Live, old.clone(), old.clone())),
        Act::Rest(None),
        "these have acted"
    );
    for news in [value("r", "leaked"), value("r2", "old")] {
        for (own, account) in [(news.clone(), old.clone()), (old.clone(), news.clone())] {
            let ledger = page(&taken_back(State::Live, own, account)).ledger;
            let wanted = if news.revoke == old.revoke { (State::Live, 5) } else { (State::Revoked, 4) };
            assert_eq!((ledger.state, ledger.revision), wanted);
        }
    }
    let revoked = page(&taken_back(State::Expired, value("r", "leaked"), old)).ledger;
    assert_eq!(revoked.state, State::Revoked);
}
