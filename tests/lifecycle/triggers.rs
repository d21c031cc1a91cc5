//! Row 8, and what all triggers have in common: the Account's, and what has acted.

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        ledger::{Ledger, Previous},
        lifecycle::{Act, decide},
        page::{Current, Former},
        period::Period,
        policy::{Expiry, Schedule, Source, Wanted},
        project::{Report, project},
        reason::Reason,
        scene::{Account, Clock, Existence, Scene, Sight},
        trigger::{Handled, Triggers},
    },
};

use crate::stage::*;

pub fn retire(value: &str) -> Triggers {
    Triggers { retire: Some(value.into()), ..Triggers::default() }
}

pub fn rollback(value: &str) -> Triggers {
    Triggers { rollback: Some(value.into()), ..Triggers::default() }
}

pub fn rotate(value: &str) -> Triggers {
    Triggers { rotate: Some(value.into()), ..Triggers::default() }
}

pub fn revoke(value: &str) -> Triggers {
    Triggers { revoke: Some(value.into()), ..Triggers::default() }
}

/// Asked on the object.
pub fn here(triggers: Triggers, scene: Scene) -> Scene {
    Scene { triggers, ..scene }
}

/// Asked on the Account.
pub fn there(account_triggers: Triggers, scene: Scene) -> Scene {
    Scene { account_triggers, ..scene }
}

/// In an overlap: the current one was issued at NOW - 60, the previous an hour ago.
fn overlap() -> Ledger {
    let previous =
        Previous { issue_time: Some(at(NOW - 3_600)), not_after: Some(at(NOW + 500)), ..previous(NOW + 300) };
    Ledger {
        revision: 2,
        id: "id-2".into(),
        digest: Some("digest-2".into()),
        issue_time: Some(at(NOW - 60)),
        not_after: Some(at(NOW + 4_040)),
        previous: Some(previous),
        ..ledger()
    }
}

/// A lifetime by which both ends of the overlap are as the ledger says.
pub fn overlapping() -> Scene {
    let mut scene = with(overlap());
    scene.policy.expiry = Expiry::After(Period::seconds(4_100));
    scene
}

#[test]
fn retire_ends_the_overlap_now_and_a_value_acts_once() {
    for scene in [here(retire("now"), overlapping()), there(retire("now"), overlapping())] {
        let page_ = page(&scene);
        assert_eq!((&page_.current, page_.previous), (&Current::Stays, Former::Nothing));
        assert_eq!(page_.ledger.revision, 2);
        assert_eq!(page_.news.unwrap().reason, Reason::Retired);
        let later = Ledger { previous: Some(previous(NOW + 300)), ..page_.ledger };
        let again = Scene { secret: ours(later.clone(), INTACT), testimony: Some(later), ..scene };
        assert_eq!(decide(&again), Act::Rest(None), "the next overlap is not ended by it");
    }
}

#[test]
fn retire_ends_the_overlap_in_the_copy_too_and_of_an_object_that_is_being_deleted() {
    let mut scene = here(retire("now"), withheld());
    let ledger = Ledger { previous: Some(previous(NOW + 300)), ..scene.ledger().unwrap().clone() };
    scene.secret = ours(ledger, INTACT);
    scene.copy = Some(copy_sight(INTACT));
    assert_eq!(decide(&scene), Act::Trim);
    let dying = Scene { existence: Existence::BeingDeleted, ..here(retire("now"), overlapping()) };
    assert_eq!(page(&dying).ledger.previous, None);
}

#[test]
fn without_an_overlap_retire_and_rollback_are_handled_and_say_so() {
    for scene in [live(), withheld(), dead(State::Expired), dead(State::Revoked)] {
        let state = scene.ledger().unwrap().state;
        let mut scene = scene;
        if state == State::Expired {
            scene.policy.expiry = Expiry::At(at(NOW - 60));
        }
        let retired = page(&here(retire("now"), scene.clone()));
        assert_eq!((retired.ledger.state, retired.ledger.revision), (state, 1));
        assert_eq!(retired.ledger.handled.retire, ["now"]);
        assert!(retired.news.unwrap().text.contains("nothing was retired"));
        let asked = here(rollback("now"), scene);
        if state == State::Withheld {
            assert_eq!(decide(&asked), Act::Rest(None), "it waits for the material");
            continue;
        }
        let rolled = page(&asked);
        assert_eq!((rolled.ledger.state, rolled.ledger.revision), (state, 1));
        assert_eq!(rolled.ledger.handled.rollback, ["now"]);
        assert!(rolled.news.unwrap().text.contains("nothing was rolled back"));
    }
    for triggers in [retire("now"), rollback("now")] {
        let dying = Scene { existence: Existence::BeingDeleted, ..here(triggers, live()) };
        assert_eq!(decide(&dying), Act::Rest(None));
    }
}

#[test]
fn rollback_lets_the_two_change_places_with_their_own_dates_and_the_one_that_goes_takes_the_deadline() {
    for scene in [here(rollback("bad"), overlapping()), there(rollback("bad"), overlapping())] {
        let page = page(&scene);
        assert_eq!((&page.current, page.previous), (&Current::WasPrevious, Former::WasCurrent));
        let Ledger { revision, id, digest, not_after, previous, issue_time, .. } = page.ledger.clone();
        assert_eq!((revision, id.as_str(), digest.as_deref()), (3, "id-0", Some("digest-0")));
        assert_eq!((issue_time, not_after), (Some(at(NOW - 3_600)), Some(at(NOW + 500))));
        let gone = previous.unwrap();
        assert_eq!((gone.id.as_str(), gone.digest.as_str()), ("id-2", "digest-2"));
        assert_eq!((gone.not_after, gone.retirement_time), (Some(at(NOW + 4_040)), at(NOW + 300)));
        let entry = page.ledger.history.last().unwrap();
        assert_eq!((entry.reason, entry.trigger.as_deref()), (Reason::RolledBack, Some("bad")));
        let mut again = Scene { secret: ours(page.ledger, INTACT), ..scene };
        assert_eq!(decide(&again), Act::Rest(None), "one value acts once");
        again.triggers = rollback("after all");
        let back = crate::stage::page(&again).ledger;
        assert_eq!((back.revision, back.id.as_str(), back.not_after), (4, "id-2", Some(at(NOW + 4_040))));
    }
}

#[test]
fn the_one_that_goes_does_not_outlive_its_own_end() {
    let mut scene = here(rollback("bad"), overlapping());
    scene.secret = ours(Ledger { not_after: Some(at(NOW + 100)), ..overlap() }, INTACT);
    assert_eq!(page(&scene).ledger.previous.unwrap().retirement_time, at(NOW + 100));
}

#[test]
fn what_is_no_longer_valid_or_damaged_does_not_come_back() {
    let noted = |scene: Scene| {
        let page = page(&scene);
        assert_eq!((page.ledger.id.as_str(), page.ledger.revision), ("id-2", 2));
        assert_eq!(page.ledger.handled.rollback, ["bad"]);
        page
    };
    let asked = || here(rollback("bad"), overlapping());
    noted(Scene { now: at(NOW + 300), ..asked() });
    let damaged = noted(Scene { secret: ours(overlap(), PREVIOUS_DAMAGED), ..asked() });
    assert_eq!((damaged.previous, damaged.ledger.previous), (Former::Nothing, None), "nor does it stay");
    // The spec was edited in the overlap: under it the previous one would be expired already.
    let mut shortened = asked();
    shortened.policy.expiry = Expiry::After(Period::seconds(3_600));
    noted(shortened);
    let skewed = Scene { clock: Clock::Skewed, ..asked() };
    assert_eq!(page(&skewed).ledger.revision, 3, "a person may act while the clocks disagree");
}

#[test]
fn damaged_material_is_made_anew_before_it_is_rolled_back() {
    let scene = Scene { secret: ours(overlap(), DAMAGED), ..here(rollback("bad"), overlapping()) };
    assert_eq!(page(&scene).news.unwrap().reason, Reason::SecretRepaired);
    assert_eq!(obstacle(&Scene { now: at(NOW - 30), ..scene }), Some(Reason::AwaitingMaterial));
}

#[test]
fn an_uploaded_key_is_not_rolled_back() {
    let mut scene = here(rollback("bad"), overlapping());
    scene.policy.source = Source::Brought { id: Some("id-2".into()) };
    let page = page(&scene);
    assert_eq!((page.ledger.revision, &page.ledger.handled.rollback[..]), (2, &["bad".to_owned()][..]));
    assert!(page.news.unwrap().text.contains("spec.publicKey"));
}

#[test]
fn a_rollback_while_withheld_waits_until_the_material_is_back() {
    let mut scene = here(rollback("bad"), withheld());
    scene.secret = ours(Ledger { state: State::Withheld, held: Some(copy()), ..overlap() }, INTACT);
    scene.policy.expiry = Expiry::After(Period::seconds(4_100));
    scene.copy = Some(copy_sight(INTACT));
    assert_eq!(decide(&scene), Act::Rest(None));
    scene.policy.wanted = Wanted::Active;
    let back = page(&scene);
    assert_eq!((&back.current, back.previous), (&Current::FromCopy, Former::FromCopy));
    let rolled = page(&Scene { secret: ours(back.ledger, INTACT), copy: None, ..scene });
    assert_eq!((rolled.ledger.revision, rolled.ledger.id.as_str()), (3, "id-0"));
}

#[test]
fn what_was_rolled_back_is_not_replaced_again_by_the_date_that_had_replaced_it() {
    let rolled = page(&here(rollback("bad"), overlapping())).ledger;
    let mut scene = here(rollback("bad"), with(rolled));
    scene.policy.expiry = Expiry::After(Period::seconds(4_100));
    scene.policy.schedule = Some(Schedule::Every(Period::seconds(1_000)));
    scene.policy.overlap = Some(Period::default());
    assert_eq!(decide(&scene), Act::Rest(None), "it counts from the rollback");
    scene.policy.schedule = None;
    scene.policy.renew_before = Some(Period::seconds(3_000));
    assert_eq!(decide(&scene), Act::Rest(None));
    let halfway = Scene { now: at(NOW + 249), ..scene.clone() };
    assert_eq!(decide(&halfway), Act::Rest(None));
    let late = Scene { now: at(NOW + 376), ..scene };
    let renewed = page(&late).ledger;
    assert_eq!(renewed.reason(), Reason::Renewed, "but it does not expire unnoticed");
    assert_eq!(renewed.return_time, None, "what is new came back from nowhere");
}

#[test]
fn a_trigger_on_the_account_acts_in_every_state_as_on_the_object() {
    let rotated = page(&there(rotate("all"), live()));
    assert_eq!(
        (rotated.ledger.revision, rotated.ledger.history.last().unwrap().trigger.as_deref()),
        (2, Some("all"))
    );
    assert_eq!(
        (&rotated.ledger.handled.rotate[..], &rotated.ledger.account_handled.rotate[..]),
        (&[][..], &["all".to_owned()][..])
    );
    let again = Scene { secret: ours(rotated.ledger, INTACT), ..there(rotate("all"), live()) };
    assert_eq!(decide(&again), Act::Rest(None), "one value acts once");
    for state in [State::Expired, State::Revoked] {
        let mut scene = there(rotate("all"), dead(state));
        scene.policy.expiry = Expiry::Never;
        assert_eq!(page(&scene).ledger.revision, 2, "{state:?} is issued anew");
    }
    for scene in [live(), withheld(), dead(State::Expired)] {
        assert_eq!(page(&there(revoke("leak"), scene)).ledger.state, State::Revoked);
    }
    let mut back = there(rotate("all"), withheld());
    assert_eq!(decide(&back), Act::Rest(None));
    back.policy.wanted = Wanted::Active;
    assert!(matches!(page(&back).current, Current::Mint { .. }), "new bytes, not the old ones");
    let mut upload = there(rotate("all"), live());
    upload.policy.source = Source::Brought { id: Some("id-1".into()) };
    assert_eq!(page(&upload).ledger.revision, 1, "recorded, and nothing changed");
}

#[test]
fn what_stands_on_the_account_at_the_first_issue_is_the_baseline() {
    let all = Triggers {
        revoke: Some("v".into()),
        retire: Some("t".into()),
        rollback: Some("b".into()),
        rotate: Some("r".into()),
    };
    let scene = there(all.clone(), blank());
    let issued = page(&scene).ledger;
    assert_eq!(
        (issued.state, issued.revision),
        (State::Live, 1),
        "a revoke on the Account does not make it be born so"
    );
    assert_eq!(issued.account_handled, Handled::baseline(&all));
    assert_eq!(decide(&there(all, with(issued))), Act::Rest(None));
}

#[test]
fn a_value_that_is_set_on_the_account_before_a_later_first_issue_is_not_meant_for_it() {
    let mut scene = blank();
    scene.policy.wanted = Wanted::Inactive;
    let born = page(&scene).ledger;
    for triggers in [rotate("all"), revoke("leak"), retire("x"), rollback("y")] {
        let mut scene = there(triggers.clone(), with(born.clone()));
        scene.policy.wanted = Wanted::Inactive;
        assert_eq!(decide(&scene), Act::Rest(None), "there is nothing yet");
        scene.policy.wanted = Wanted::Active;
        let issued = page(&scene).ledger;
        assert_eq!((issued.state, issued.revision), (State::Live, 1));
        assert_eq!(decide(&there(triggers, with(issued))), Act::Rest(None));
    }
}

#[test]
fn a_value_that_is_set_on_the_account_after_the_first_issue_was_decided_is_not_lost() {
    let issued = page(&blank()).ledger;
    let seen_later = there(rotate("all"), with(issued));
    assert_eq!(page(&seen_later).ledger.revision, 2);
}

#[test]
fn what_status_tells_of_the_accounts_triggers_is_heard_when_the_secret_is_lost() {
    let rotated = page(&there(rotate("all"), live())).ledger;
    let scene = there(rotate("all"), with(rotated));
    let report = Report {
        complaint: None,
        seen: None,
        generation: Some(1),
        requested_at: None,
        secret_name: "ci",
        restarts: &[],
        witness: None,
    };
    let status = project(&scene, report);
    let testimony = |status: &CredentialStatus| {
        Ledger::from_testimony(owner(), None, None, status, &scene.account_triggers)
    };
    let lost = |testimony| Scene { secret: Sight::Absent, testimony, now: at(NOW + 60), ..scene.clone() };
    let remade = page(&lost(testimony(&status)));
    assert_eq!((remade.ledger.revision, remade.news.unwrap().reason), (3, Reason::SecretRecreated));
    assert_eq!(remade.ledger.account_handled.rotate, ["all"], "it does not act again");
    // A status of an older version does not tell: what stands on the Account has acted.
    let silent = CredentialStatus { handled_account_triggers: None, ..status };
    let account_triggers = Triggers { revoke: Some("old".into()), ..rotate("all") };
    let heard = Ledger::from_testimony(owner(), None, None, &silent, &account_triggers);
    assert_eq!(page(&Scene { account_triggers, ..lost(heard) }).ledger.state, State::Live);
    let remade = page(&lost(testimony(&silent)));
    assert_eq!(decide(&there(rotate("all"), with(remade.ledger))), Act::Rest(None));
}

#[test]
fn without_the_account_its_triggers_do_not_act_and_a_new_one_of_that_name_acts_only_with_a_new_value() {
    let handled = page(&there(rotate("all"), live())).ledger;
    for account in [Account::Unknown, Account::MissingLately { until: at(NOW + 9) }] {
        assert_eq!(decide(&Scene { account, ..with(handled.clone()) }), Act::Rest(None));
    }
    assert_eq!(
        decide(&there(rotate("all"), with(handled.clone()))),
        Act::Rest(None),
        "the same manifest again"
    );
    assert_eq!(page(&there(rotate("other"), with(handled))).ledger.revision, 3);
}
