//! Row 5: what is inactive.

use chatelaine::{
    api::State,
    core::{
        ledger::{Copy, Ledger},
        lifecycle::{Act, Complaint, decide},
        page::{Current, Former},
        policy::{Source, Wanted},
        reason::Reason,
        scene::{Account, CopySight, Existence, Form, Inside, Origin, Scene, Sight},
    },
};

use crate::stage::*;

#[test]
fn withholding_copies_first_and_then_takes_out() {
    let mut scene = live();
    scene.policy.wanted = Wanted::Inactive;
    assert_eq!(decide(&scene), Act::Hold);
    scene.copy = Some(CopySight { origin: Origin::JustMade, ..copy_sight(INTACT) });
    let page = page(&scene);
    assert_eq!(
        (page.ledger.state, page.current, page.ledger.held),
        (State::Withheld, Current::Nothing, Some(copy()))
    );
    assert_eq!((page.ledger.revision, page.ledger.digest.as_deref()), (1, Some("digest-1")));
}

#[test]
fn an_inactive_or_missing_account_withholds_and_one_that_cannot_be_read_changes_nothing() {
    for (account, act) in [
        (Account::Inactive, Act::Hold),
        (Account::Missing, Act::Hold),
        (Account::MissingLately { until: at(NOW + 9) }, Act::Rest(None)),
        (Account::Unknown, Act::Rest(None)),
    ] {
        assert_eq!(decide(&Scene { account, ..live() }), act, "{account:?}");
    }
}

#[test]
fn a_copy_that_the_ledger_does_not_name_is_fenced_off_and_then_deleted() {
    let mut scene = live();
    scene.copy = Some(copy_sight(INTACT));
    let fence = page(&scene);
    assert_eq!((fence.current, fence.ledger.revision), (Current::Stays, 1));
    scene.secret = ours(fence.ledger, INTACT);
    assert_eq!(decide(&scene), Act::Discard(copy()));
}

#[test]
fn a_copy_found_by_chance_is_never_used_to_withhold() {
    let mut scene = live();
    scene.policy.wanted = Wanted::Inactive;
    scene.copy = Some(copy_sight(INTACT));
    assert_eq!(page(&scene).ledger.discarded, Some(copy()));
}

#[test]
fn a_strangers_secret_on_the_name_of_the_copy_is_never_touched() {
    let mut scene = live();
    scene.policy.wanted = Wanted::Inactive;
    scene.copy = Some(CopySight { origin: Origin::Strange, ..copy_sight(INTACT) });
    assert_eq!(obstacle(&scene), Some(Reason::SecretConflict));
}

#[test]
fn active_again_gives_back_the_same_bytes_and_then_the_copy_may_go() {
    let mut scene = withheld();
    scene.policy.wanted = Wanted::Active;
    let page = page(&scene);
    assert_eq!((page.current, page.ledger.state, page.ledger.revision), (Current::FromCopy, State::Live, 1));
    scene.secret = ours(page.ledger, INTACT);
    assert_eq!(decide(&scene), Act::Discard(copy()));
}

#[test]
fn the_previous_one_comes_back_too_if_it_is_sound_and_its_overlap_is_not_over() {
    let back = |retirement, inside| {
        let mut scene = withheld();
        let ledger = Ledger { previous: Some(previous(retirement)), ..scene.ledger().unwrap().clone() };
        scene.secret = ours(ledger, INTACT);
        scene.policy.wanted = Wanted::Active;
        scene.copy = Some(copy_sight(inside));
        let page = page(&scene);
        assert_eq!((page.current, page.ledger.state), (Current::FromCopy, State::Live));
        (page.previous, page.ledger.previous)
    };
    assert_eq!(back(NOW + 9, INTACT), (Former::FromCopy, Some(previous(NOW + 9))));
    assert_eq!(back(NOW + 9, PREVIOUS_DAMAGED), (Former::Nothing, None));
    assert_eq!(back(NOW, INTACT), (Former::Nothing, None));
}

#[test]
fn a_rotate_while_withheld_waits_and_then_mints_anew() {
    let mut scene = asking(withheld(), Some("r"), None);
    assert_eq!(decide(&scene), Act::Rest(None));
    scene.policy.wanted = Wanted::Active;
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.previous, page.ledger.held), (2, Former::Nothing, None));
    assert!(matches!(page.current, Current::Mint { .. }));
    assert_eq!(page.ledger.discarded, Some(copy()));
}

/// The withheld copy as a backup brings it back.
fn brought_back(inside: Inside) -> CopySight {
    let copy = Copy { uid: "copy-2".into(), ..copy() };
    CopySight { copy, form: Form::Differs, ..copy_sight(inside) }
}

#[test]
fn a_copy_that_a_backup_brought_back_is_named_and_made_ours() {
    for wanted in [Wanted::Inactive, Wanted::Active] {
        let found = brought_back(INTACT);
        let mut scene = Scene { copy: Some(found.clone()), ..withheld() };
        scene.policy.wanted = wanted;
        let page = page(&scene);
        assert_eq!((page.ledger.state, page.ledger.held.as_ref()), (State::Withheld, Some(&found.copy)));
        assert_eq!((page.current, page.ledger.discarded), (Current::Nothing, None));
    }
    let found = brought_back(INTACT);
    let named = Ledger { state: State::Withheld, held: Some(found.copy.clone()), ..ledger() };
    let mut scene = Scene { secret: ours(named, INTACT), copy: Some(found), ..withheld() };
    assert_eq!(decide(&scene), Act::Reown);
    scene.copy.as_mut().unwrap().form = Form::Fits;
    assert_eq!(decide(&scene), Act::Rest(None));
}

#[test]
fn a_copy_with_other_bytes_or_of_somebody_else_is_not_what_a_backup_brought_back() {
    let scene = |found| Scene { copy: Some(found), ..withheld() };
    let damaged = brought_back(DAMAGED);
    assert_eq!(page(&scene(damaged.clone())).ledger.discarded, Some(damaged.copy));
    let strange = CopySight { origin: Origin::Strange, ..brought_back(INTACT) };
    assert_eq!(obstacle(&scene(strange)), Some(Reason::SecretConflict));
}

#[test]
fn a_lost_copy_means_nothing_until_active_and_then_an_issue() {
    let mut scene = Scene { copy: None, ..withheld() };
    assert_eq!(decide(&scene), Act::Rest(None));
    scene.policy.wanted = Wanted::Active;
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.news.unwrap().reason), (2, Reason::SecretRecreated));
}

#[test]
fn a_damaged_copy_is_never_given_back() {
    let mut scene = withheld();
    scene.policy.wanted = Wanted::Active;
    scene.copy = Some(copy_sight(DAMAGED));
    assert!(matches!(page(&scene).current, Current::Mint { .. }));
}

#[test]
fn a_revoked_or_expired_withheld_credential_lets_its_copy_go() {
    let page = page(&asking(withheld(), None, Some("v")));
    assert_eq!((page.ledger.held.clone(), page.ledger.discarded.clone()), (None, Some(copy())));
    let scene = Scene { secret: ours(page.ledger, INTACT), ..asking(withheld(), None, Some("v")) };
    assert_eq!(decide(&scene), Act::Discard(copy()));
}

#[test]
fn what_is_dead_leaves_no_copy_either_when_it_is_being_deleted() {
    let dying = |scene| Scene { existence: Existence::BeingDeleted, ..scene };
    let ended = Ledger { not_after: Some(at(NOW - 1)), ..withheld().ledger().unwrap().clone() };
    let expired = Scene { secret: ours(ended, INTACT), ..withheld() };
    for (scene, state) in [(asking(withheld(), None, Some("v")), State::Revoked), (expired, State::Expired)] {
        let scene = dying(scene);
        let page = page(&scene);
        assert_eq!((page.ledger.state, page.ledger.discarded.clone()), (state, Some(copy())));
        assert_eq!(decide(&Scene { secret: ours(page.ledger, INTACT), ..scene }), Act::Discard(copy()));
    }
    // Nor one that the ledger does not name: it was made, and then something else came first.
    let dead = Ledger { state: State::Revoked, digest: None, ..ledger() };
    let scene = dying(Scene { copy: Some(copy_sight(INTACT)), ..with(dead) });
    let fence = page(&scene);
    assert_eq!(fence.ledger.discarded, Some(copy()));
    assert_eq!(decide(&Scene { secret: ours(fence.ledger, INTACT), ..scene }), Act::Discard(copy()));
    let live = dying(Scene { copy: Some(copy_sight(INTACT)), ..live() });
    assert_eq!(decide(&live), Act::Rest(None), "what is live is left as it is");
}

#[test]
fn a_lost_secret_of_a_withheld_credential_is_made_again_as_withheld_with_its_copy() {
    let page = page(&Scene { secret: Sight::Absent, ..withheld() });
    assert_eq!(
        (page.ledger.state, page.ledger.held, page.ledger.revision),
        (State::Withheld, Some(copy()), 1)
    );
}

#[test]
fn only_of_what_is_kept_it_is_said_that_it_is_kept() {
    let told = |scene: &Scene| page(scene).news.unwrap().text;
    let mut sound = live();
    sound.policy.wanted = Wanted::Inactive;
    sound.copy = Some(CopySight { origin: Origin::JustMade, ..copy_sight(INTACT) });
    assert!(told(&sound).ends_with("is kept"));
    let damaged = Scene { secret: ours(ledger(), DAMAGED), copy: None, ..sound.clone() };
    let lost = Scene { secret: Sight::Absent, copy: None, ..sound };
    for scene in [damaged, lost] {
        assert!(
            !told(&scene).contains("kept") || told(&scene).contains("none could be kept"),
            "{}",
            told(&scene)
        );
    }
}

#[test]
fn what_is_brought_and_cannot_be_used_does_not_keep_the_withheld_bytes_from_coming_back() {
    let back = |id: Option<&str>| {
        let mut scene = withheld();
        scene.policy.wanted = Wanted::Active;
        scene.policy.source = Source::Brought { id: id.map(str::to_owned) };
        scene
    };
    let mut refused = back(None);
    refused.policy.refusal = Some(Complaint::person(Reason::InvalidKey, "DSA"));
    let came_back = page(&refused);
    assert_eq!((came_back.current, came_back.ledger.revision), (Current::FromCopy, 1));
    refused.secret = ours(came_back.ledger, INTACT);
    refused.copy = None;
    assert_eq!(obstacle(&refused), Some(Reason::InvalidKey), "and then it is said");
    assert_eq!(page(&back(Some("id-2"))).current, Current::Brought, "another one comes instead");
}
