//! Every row of the table in `core::lifecycle`.

use chatelaine::{
    api::State,
    core::{
        ledger::{Ledger, Owner},
        lifecycle::{Act, Complaint, Remedy, decide},
        material::Identity,
        page::{Current, Former},
        period::Period,
        policy::{Expiry, Source, Wanted},
        reason::Reason,
        scene::{Account, Clock, CopySight, Existence, Find, Form, Inside, Integrity, Origin, Scene, Sight},
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
    let issued = page(&asking(blank(), Some("r"), Some("v")));
    assert_eq!(
        (&issued.ledger.handled.rotate[..], &issued.ledger.handled.revoke[..]),
        (&["r".to_owned()][..], &["v".to_owned()][..])
    );
    assert_eq!(decide(&asking(with(issued.ledger), Some("r"), Some("v"))), Act::Rest(None));
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
fn a_rotate_while_withheld_waits_and_then_mints_anew() {
    let mut scene = asking(withheld(), Some("r"), None);
    assert_eq!(decide(&scene), Act::Rest(None));
    scene.policy.wanted = Wanted::Active;
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.previous, page.ledger.held), (2, Former::Nothing, None));
    assert!(matches!(page.current, Current::Mint { .. }));
    assert_eq!(page.ledger.discarded, Some(copy()));
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
fn a_lost_secret_of_a_withheld_credential_is_made_again_as_withheld_with_its_copy() {
    let page = page(&Scene { secret: Sight::Absent, ..withheld() });
    assert_eq!(
        (page.ledger.state, page.ledger.held, page.ledger.revision),
        (State::Withheld, Some(copy()), 1)
    );
}

#[test]
fn the_first_issue_mints_revision_one_and_keeps_the_accounts_default() {
    let mut scene = blank();
    scene.policy.default_lifetime = Some(Period::days(2));
    let page = page(&scene);
    assert_eq!((page.ledger.revision, &page.current), (1, &Current::Mint { keep: None }));
    assert_eq!(page.ledger.not_after, Some(at(NOW + 2 * 86_400)));
    scene.policy.default_lifetime = Some(Period::days(9));
    scene.secret = ours(page.ledger, INTACT);
    assert_eq!(decide(&scene), Act::Rest(None), "a changed default touches only what is issued afterwards");
}

#[test]
fn created_inactive_it_gets_an_identity_and_no_material_and_its_first_activation_is_the_issue() {
    let mut scene = blank();
    scene.policy.wanted = Wanted::Inactive;
    let born = page(&scene);
    assert_eq!(
        (born.ledger.state, born.ledger.revision, born.current),
        (State::Withheld, 0, Current::Assign)
    );
    let mut assigned = with(Ledger { id: "AK".into(), ..born.ledger });
    let issued = page(&assigned);
    assert_eq!((issued.ledger.revision, &issued.current), (1, &Current::Mint { keep: Some("AK".into()) }));
    assigned.policy.wanted = Wanted::Inactive;
    assert_eq!(decide(&assigned), Act::Rest(None));
}

#[test]
fn nothing_is_minted_without_an_account_for_refused_input_or_after_its_date() {
    for account in [Account::Missing, Account::MissingLately { until: at(NOW + 1) }] {
        assert_eq!(obstacle(&Scene { account, ..blank() }), Some(Reason::AccountNotFound));
    }
    assert_eq!(obstacle(&Scene { account: Account::Unknown, ..blank() }), Some(Reason::ApiUnavailable));
    let mut refused = blank();
    refused.policy.refusal = Some(Complaint::person(Reason::InvalidKey, "two lines"));
    assert_eq!(obstacle(&refused), Some(Reason::InvalidKey));
    let mut late = blank();
    late.policy.expiry = Expiry::At(at(NOW));
    assert_eq!(obstacle(&late), Some(Reason::Expired));
}

#[test]
fn a_missing_account_makes_no_secret_even_for_an_inactive_or_revoked_credential() {
    let mut scene = Scene { account: Account::Missing, ..asking(blank(), None, Some("v")) };
    assert_eq!(obstacle(&scene), Some(Reason::AccountNotFound));
    scene.policy.wanted = Wanted::Inactive;
    assert_eq!(obstacle(&scene), Some(Reason::AccountNotFound));
}

#[test]
fn a_lost_secret_is_made_again_with_the_next_revision() {
    for secret in [Sight::Absent, Sight::Mute] {
        let page = page(&Scene { secret, ..live() });
        assert_eq!((page.ledger.revision, page.ledger.state), (2, State::Live));
        assert_eq!(page.news.unwrap().reason, Reason::SecretRecreated);
    }
}

#[test]
fn a_damaged_secret_gets_new_material_with_the_next_revision() {
    let page = page(&Scene { secret: ours(ledger(), DAMAGED), ..live() });
    assert_eq!((page.ledger.revision, page.news.unwrap().reason), (2, Reason::SecretRepaired));
}

#[test]
fn a_lost_or_damaged_secret_is_made_again_at_most_once_a_minute() {
    let young = Ledger { issue_time: Some(at(NOW - 59)), ..ledger() };
    let lost = Scene { secret: Sight::Absent, ..with(young.clone()) };
    let damaged = Scene { secret: ours(young, DAMAGED), ..lost.clone() };
    for scene in [lost, damaged] {
        let Act::Rest(Some(complaint)) = decide(&scene) else { panic!() };
        assert_eq!(complaint.remedy, Remedy::Waiting { look_again: Some(at(NOW + 1)) });
        assert_eq!(page(&Scene { now: at(NOW + 1), ..scene }).ledger.revision, 2);
    }
}

#[test]
fn an_old_copy_of_the_secret_counts_as_lost() {
    let scene = Scene { secret: ours(ledger(), INTACT), ..with(Ledger { revision: 3, ..ledger() }) };
    assert_eq!(page(&scene).ledger.revision, 4);
}

#[test]
fn old_bytes_that_somebody_put_back_do_not_stay_until_the_minute_is_over() {
    let young = Ledger { revision: 3, issue_time: Some(at(NOW - 1)), ..ledger() };
    let page = page(&Scene { secret: ours(ledger(), INTACT), ..with(young) });
    assert_eq!((page.ledger.revision, page.current), (3, Current::Nothing));
}

#[test]
fn a_rotate_of_damaged_material_does_not_wait_and_keeps_nothing_of_it() {
    let young = Ledger { issue_time: Some(at(NOW - 1)), ..ledger() };
    let mut scene = asking(Scene { secret: ours(young.clone(), DAMAGED), ..with(young) }, Some("r"), None);
    scene.policy.overlap = Period::seconds(600);
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.previous, page.ledger.previous), (2, Former::Nothing, None));
}

#[test]
fn an_old_copy_of_the_secret_brings_nothing_back_to_life() {
    for state in [State::Expired, State::Revoked] {
        for revision in [1, 2] {
            let testimony = Ledger { revision, ..dead(state).testimony.unwrap() };
            let page = page(&Scene { secret: ours(ledger(), INTACT), ..with(testimony) });
            assert_eq!((page.ledger.state, page.current), (state, Current::Nothing));
        }
    }
}

#[test]
fn an_expired_credential_is_issued_anew_by_a_date_beyond_the_one_that_passed_or_by_a_rotate() {
    let mut scene = dead(State::Expired);
    scene.policy.expiry = Expiry::At(at(NOW - 60));
    assert_eq!(decide(&scene), Act::Rest(None));
    scene.policy.expiry = Expiry::At(at(NOW + 60));
    assert_eq!(page(&scene).ledger.revision, 2);
    scene.policy.expiry = Expiry::Never;
    assert_eq!(page(&scene).ledger.revision, 2);
    let mut scene = asking(dead(State::Expired), Some("r"), None);
    scene.policy.expiry = Expiry::After(Period::seconds(3_540));
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.ledger.not_after), (2, Some(at(NOW + 3_540))));
}

#[test]
fn while_the_date_is_past_a_rotate_is_handled_and_mints_nothing() {
    let mut scene = asking(dead(State::Expired), Some("r"), None);
    scene.policy.expiry = Expiry::At(at(NOW - 60));
    let page = page(&scene);
    assert_eq!(
        (page.ledger.state, page.ledger.revision, &page.ledger.handled.rotate[..]),
        (State::Expired, 1, &["r".to_owned()][..])
    );
    assert!(page.news.unwrap().text.contains("move it"));
}

#[test]
fn a_revoked_credential_is_issued_anew_only_by_a_new_rotate() {
    let mut scene = dead(State::Revoked);
    scene.policy.expiry = Expiry::At(at(NOW + 600));
    assert_eq!(decide(&scene), Act::Rest(None), "a moved date does not undo a revocation");
    assert_eq!(page(&asking(scene, Some("r"), None)).ledger.revision, 2);
}

#[test]
fn a_rotation_raises_the_revision_by_one_and_by_default_ends_the_old_one_at_once() {
    let page = page(&asking(live(), Some("r"), None));
    assert_eq!(
        (page.ledger.revision, page.previous, page.ledger.previous.clone()),
        (2, Former::Nothing, None)
    );
    assert_eq!(decide(&asking(with(page.ledger), Some("r"), None)), Act::Rest(None), "one value acts once");
}

#[test]
fn in_an_overlap_the_old_one_stays_until_its_end_or_its_own_not_after() {
    for (own, retirement) in [(None, NOW + 600), (Some(NOW + 60), NOW + 60)] {
        let mut scene = asking(with(Ledger { not_after: own.map(at), ..ledger() }), Some("r"), None);
        scene.policy.expiry = own.map_or(Expiry::Never, |end| Expiry::At(at(end)));
        scene.policy.overlap = Period::seconds(600);
        let page = page(&scene);
        let previous = page.ledger.previous.unwrap();
        assert_eq!((page.previous, previous.digest.as_str()), (Former::WasCurrent, "digest-1"));
        assert_eq!(previous.retirement_time, at(retirement));
    }
}

#[test]
fn a_second_rotation_in_an_overlap_lets_the_oldest_go() {
    let mut scene = asking(with(Ledger { previous: Some(previous(NOW + 60)), ..ledger() }), Some("r"), None);
    scene.policy.overlap = Period::seconds(600);
    assert_eq!(page(&scene).ledger.previous.unwrap().digest, "digest-1");
}

#[test]
fn secret_only_keeps_the_identity_and_key_pair_does_not() {
    let mut scene = asking(live(), Some("r"), None);
    assert_eq!(page(&scene).current, Current::Mint { keep: None });
    scene.policy.source = Source::MintSecret;
    assert_eq!(page(&scene).current, Current::Mint { keep: Some("id-1".into()) });
}

#[test]
fn a_refused_rotation_stays_pending_and_the_live_one_stays() {
    let mut scene = asking(live(), Some("r"), None);
    scene.policy.refusal = Some(Complaint::person(Reason::PermissionNotGranted, "dns:list"));
    assert_eq!(obstacle(&scene), Some(Reason::PermissionNotGranted));
    scene.secret = ours(Ledger { previous: Some(previous(NOW)), ..ledger() }, INTACT);
    assert_eq!(page(&scene).news.unwrap().reason, Reason::Retired, "what is due goes all the same");
}

#[test]
fn an_output_that_is_refused_is_told_and_the_live_one_stays() {
    let mut scene = live();
    scene.policy.refusal = Some(Complaint::person(Reason::InvalidSpec, "a foreign prefix"));
    assert_eq!(obstacle(&scene), Some(Reason::InvalidSpec));
    scene.policy.refusal = Some(Complaint::person(Reason::PermissionNotGranted, "cut is told otherwise"));
    assert_eq!(obstacle(&scene), None);
}

fn uploaded(id: Option<&str>, scene: Scene) -> Scene {
    let mut scene = scene;
    scene.policy.source = Source::Brought { id: id.map(str::to_owned) };
    scene
}

#[test]
fn another_uploaded_key_is_its_rotation_and_the_trigger_changes_nothing() {
    let page_ = page(&uploaded(Some("id-2"), live()));
    assert_eq!((page_.current, page_.ledger.revision), (Current::Brought, 2));
    let noted = page(&uploaded(Some("id-1"), asking(live(), Some("r"), None)));
    assert_eq!((noted.ledger.revision, &noted.ledger.handled.rotate[..]), (1, &["r".to_owned()][..]));
    assert!(noted.news.unwrap().text.contains("spec.publicKey"));
}

#[test]
fn a_revoked_upload_is_issued_only_with_another_key_and_a_lost_one_with_the_same() {
    let revoked = uploaded(Some("id-1"), asking(dead(State::Revoked), Some("r"), None));
    assert_eq!(page(&revoked).ledger.revision, 1, "the trigger is recorded and changes nothing");
    let mut other = uploaded(Some("id-2"), dead(State::Revoked));
    other.policy.expiry = Expiry::Never;
    assert_eq!(page(&other).ledger.revision, 2);
    let lost = page(&uploaded(Some("id-1"), Scene { secret: Sight::Absent, ..live() }));
    assert_eq!((lost.current, lost.ledger.revision), (Current::Brought, 2));
}

#[test]
fn a_bad_uploaded_key_is_said_and_the_live_one_stays() {
    let mut scene = uploaded(None, live());
    scene.policy.refusal = Some(Complaint::person(Reason::InvalidKey, "DSA"));
    assert_eq!(obstacle(&scene), Some(Reason::InvalidKey));
}

#[test]
fn when_the_overlap_is_over_the_previous_one_goes_and_not_before() {
    let scene = |retirement| with(Ledger { previous: Some(previous(retirement)), ..ledger() });
    assert_eq!(decide(&scene(NOW + 1)), Act::Rest(None));
    let page = page(&scene(NOW));
    assert_eq!((page.current, page.previous, page.ledger.previous), (Current::Stays, Former::Nothing, None));
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
    let orphan = Sight::Orphan { ledger: ledger() };
    for scene in [
        blank(),
        asking(live(), Some("r"), None),
        Scene { secret: Sight::Absent, ..live() },
        Scene { secret: Sight::Absent, ..dead(State::Revoked) },
        Scene { secret: orphan, ..blank() },
        Scene { secret: ours(ledger(), DAMAGED), ..live() },
        Scene { secret: Sight::Ours { ledger: ledger(), inside: INTACT, form: Form::Differs }, ..live() },
        inactive(),
        active_again(),
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
