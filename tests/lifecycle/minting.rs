//! Rows 6 and 7: what is minted.

use chatelaine::{
    api::State,
    core::{
        ledger::Ledger,
        lifecycle::{Act, Complaint, Remedy, decide},
        page::{Current, Former},
        period::Period,
        policy::{Expiry, MaxLifetime, Policy, Source, Wanted},
        reason::Reason,
        scene::{Account, Existence, Scene, Sight},
    },
};

use crate::stage::*;

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
fn what_is_refused_is_not_born_inactive_either() {
    type Refuse = fn(&mut Scene);
    let refusals: [(Refuse, Reason); 5] = [
        (
            |scene| scene.policy.refusal = Some(Complaint::person(Reason::InvalidKey, "two lines")),
            Reason::InvalidKey,
        ),
        (
            |scene| scene.policy.refusal = Some(Complaint::person(Reason::PermissionNotGranted, "a:b")),
            Reason::PermissionNotGranted,
        ),
        (
            |scene| scene.policy.over_quota = Some(Complaint::person(Reason::QuotaExceeded, "two of two")),
            Reason::QuotaExceeded,
        ),
        (|scene| scene.policy.expiry = Expiry::At(at(NOW)), Reason::Expired),
        (
            |scene| {
                scene.policy.expiry = Expiry::Never;
                scene.policy.max_lifetime = MaxLifetime::Of(Period::days(1));
            },
            Reason::LifetimeExceeded,
        ),
    ];
    for (refuse, reason) in refusals {
        for (account, wanted) in [
            (Account::Inactive, Wanted::Active),
            (Account::Inactive, Wanted::Inactive),
            (Account::Active, Wanted::Inactive),
        ] {
            let mut scene = Scene { account, ..blank() };
            scene.policy.wanted = wanted;
            assert_eq!(page(&scene).current, Current::Assign);
            refuse(&mut scene);
            assert_eq!(obstacle(&scene), Some(reason), "{account:?} {wanted:?}");
        }
    }
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
        assert_eq!(complaint.reason, Reason::AwaitingMaterial, "nothing was made again yet");
        let promise = format!("it gets new material at {}", at(NOW + 1));
        assert!(complaint.message.contains(&promise), "{}", complaint.message);
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
    scene.policy.overlap = Some(Period::seconds(600));
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
fn a_rotation_renews_a_lifetime_and_does_not_move_a_date() {
    let rotated = |expiry, not_after| {
        let mut scene =
            asking(with(Ledger { not_after: Some(at(not_after)), ..ledger() }), Some("again"), None);
        scene.policy.expiry = expiry;
        page(&scene).ledger.not_after
    };
    let date = NOW + 500;
    assert_eq!(rotated(Expiry::At(at(date)), date), Some(at(date)));
    assert_eq!(rotated(Expiry::After(Period::days(1)), NOW + 500), Some(at(NOW + 86_400)));
}

#[test]
fn the_ledger_lists_the_last_ten_revisions_and_lets_older_ones_go() {
    let mut ledger = ledger();
    for n in 0..12 {
        ledger = page(&asking(with(ledger), Some(&format!("r{n}")), None)).ledger;
    }
    let listed: Vec<i64> = ledger.history.iter().map(|entry| entry.revision).collect();
    assert_eq!(listed, Vec::from_iter(4..=13));
}

#[test]
fn a_second_rotation_in_an_overlap_lets_the_oldest_go_and_the_one_that_was_current_has_its_own_overlap() {
    // The overlap of the first rotation ends sooner or later than that of the second.
    for first in [NOW + 60, NOW + 5_000] {
        for (own, until) in [(None, NOW + 600), (Some(NOW + 300), NOW + 300), (Some(NOW + 900), NOW + 600)] {
            let ledger = Ledger { previous: Some(previous(first)), not_after: own.map(at), ..ledger() };
            let mut scene = asking(with(ledger), Some("r"), None);
            scene.policy.expiry = own.map_or(Expiry::Never, |end| Expiry::At(at(end)));
            scene.policy.overlap = Some(Period::seconds(600));
            let page = page(&scene);
            let previous = page.ledger.previous.unwrap();
            assert_eq!((page.previous, previous.digest.as_str()), (Former::WasCurrent, "digest-1"));
            assert_eq!((previous.not_after, previous.retirement_time), (own.map(at), at(until)), "{own:?}");
        }
    }
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
fn what_is_brought_and_not_looked_at_yet_changes_nothing_and_is_waited_for_where_nothing_is() {
    let being_hashed = |mut scene: Scene| {
        scene.policy.source = Source::Awaited;
        scene.policy.refusal = Some(Complaint::waiting(Reason::Minting, "The password is being hashed"));
        scene
    };
    assert_eq!(decide(&being_hashed(live())), Act::Rest(None));
    assert_eq!(obstacle(&being_hashed(blank())), Some(Reason::Minting));
    let lost = Scene { secret: Sight::Absent, ..live() };
    assert_eq!(obstacle(&being_hashed(lost)), Some(Reason::Minting));
    let noted = page(&being_hashed(asking(live(), Some("r"), None)));
    assert_eq!((noted.current, noted.ledger.revision), (Current::Stays, 1), "the trigger changes nothing");
}

#[test]
fn what_was_brought_and_is_not_any_more_is_minted() {
    let line = || Ledger { digest: Some("htpasswd-sha256:0".into()), ..ledger() };
    let minted = page(&Scene { secret: ours(line(), INTACT), ..live() });
    assert_eq!((minted.current, minted.ledger.revision), (Current::Mint { keep: None }, 2));
    assert_eq!(minted.ledger.previous, None, "the old one ends at once");
}

#[test]
fn another_line_is_anew_only_if_it_was_compared_with_the_one_that_is_there() {
    let brings = |id: &str, unlike: Option<&str>, digest: &str| {
        let mut scene = with(Ledger { digest: Some(digest.into()), ..ledger() });
        scene.policy.source = Source::Line { id: id.into(), unlike: unlike.map(str::to_owned) };
        scene
    };
    let line = "htpasswd-sha256:0";
    for (id, unlike) in [("id-1", None), ("id-2", None), ("id-2", Some("id-0")), ("id-1", Some("id-1"))] {
        assert_eq!(decide(&brings(id, unlike, line)), Act::Rest(None), "{id} unlike {unlike:?}");
    }
    let other = page(&brings("id-2", Some("id-1"), line));
    assert_eq!((other.current, other.ledger.revision, other.ledger.previous), (Current::Brought, 2, None));
    let generated = page(&brings("id-2", None, "sha256:0"));
    assert_eq!((generated.current, generated.ledger.revision), (Current::Brought, 2));
}

#[test]
fn a_bad_uploaded_key_is_said_and_the_live_one_stays() {
    let mut scene = uploaded(None, live());
    scene.policy.refusal = Some(Complaint::person(Reason::InvalidKey, "DSA"));
    assert_eq!(obstacle(&scene), Some(Reason::InvalidKey));
}

#[test]
fn on_an_object_that_is_being_deleted_nothing_is_noted() {
    let dead = || with(Ledger { state: State::Revoked, digest: None, ..ledger() });
    let mut uploaded = asking(dead(), Some("again"), None);
    uploaded.policy.source = Source::Brought { id: Some("id-1".into()) };
    let mut passed = asking(dead(), Some("again"), None);
    passed.policy.expiry = Expiry::At(at(NOW - 1));
    for scene in [uploaded, passed] {
        assert!(matches!(decide(&scene), Act::Write(_)));
        assert!(matches!(decide(&Scene { existence: Existence::BeingDeleted, ..scene }), Act::Rest(_)));
    }
}

#[test]
fn an_old_copy_that_had_only_expired_does_not_undo_a_revocation() {
    let ended = |state| Ledger { state, not_after: Some(at(NOW - 60)), digest: None, ..ledger() };
    // The date was moved meanwhile: what has only expired would be issued anew.
    let moved = || Policy { expiry: Expiry::At(at(NOW + 600)), ..policy() };
    let secret = ours(ended(State::Expired), INTACT);
    let scene = Scene { secret, policy: moved(), ..with(ended(State::Revoked)) };
    let page = page(&scene);
    assert_eq!(
        (page.ledger.state, page.ledger.revision, page.current),
        (State::Revoked, 1, Current::Nothing)
    );
    assert_eq!(decide(&Scene { secret: ours(page.ledger, INTACT), ..scene }), Act::Rest(None));
    // Status comes later than the Secret: that is no old copy.
    let secret = ours(ended(State::Revoked), INTACT);
    assert_eq!(decide(&Scene { secret, policy: moved(), ..with(ended(State::Expired)) }), Act::Rest(None));
}
