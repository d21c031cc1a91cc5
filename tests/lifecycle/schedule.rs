//! Row 7 by the clock alone: `every`, `cron` and `renewBefore`.

use std::sync::Arc;

use chatelaine::{
    api::State,
    core::{
        answer::Complaint,
        cron::Cron,
        due::{Due, next_due},
        ledger::Ledger,
        lifecycle::{Act, decide},
        page::{Current, Former, Page},
        period::Period,
        policy::{Expiry, Schedule, Source, Wanted},
        reason::Reason,
        scene::{Account, Clock, Existence, Scene},
        schedule::next_alarm,
    },
};
use jiff::Timestamp;

use crate::stage::*;

const HOUR: u64 = 3_600;

fn every(seconds: u64, mut scene: Scene) -> Scene {
    scene.policy.schedule = Some(Schedule::Every(Period::seconds(seconds)));
    scene.policy.overlap = Some(Period::seconds(30));
    scene
}

fn cron(expression: &str, mut scene: Scene) -> Scene {
    scene.policy.schedule = Some(Schedule::Cron(Arc::new(Cron::parse(expression, "UTC").unwrap())));
    scene.policy.overlap = Some(Period::default());
    scene
}

/// A lifetime of a day, renewed an hour before its end.
fn renewed(mut scene: Scene) -> Scene {
    scene.policy.expiry = Expiry::After(Period::days(1));
    scene.policy.renew_before = Some(Period::seconds(HOUR));
    scene
}

/// Issued so long ago that it is renewed now, whatever its delay.
fn renewable() -> Scene {
    let issue = at(NOW - 23 * 3_600 - 300);
    let ledger =
        Ledger { issue_time: Some(issue), not_after: Some(Period::days(1).after(issue)), ..ledger() };
    renewed(with(ledger))
}

fn due(scene: &Scene) -> (Due, Timestamp) {
    next_due(scene, scene.ledger().unwrap()).unwrap()
}

/// The page that is written at the foretold time, of which there is none the second before.
fn at_its_time(mut scene: Scene) -> Page {
    let (_, time) = due(&scene);
    scene.now = Timestamp::from_second(time.as_second() - 1).unwrap();
    assert_eq!(decide(&scene), Act::Rest(None), "not before its time");
    assert_eq!(next_alarm(&scene, None), Some(time));
    page(&Scene { now: time, ..scene })
}

#[test]
fn every_rotates_when_the_period_is_over_and_the_old_one_overlaps() {
    let page = at_its_time(every(2 * HOUR, live()));
    assert_eq!((page.ledger.revision, page.ledger.reason()), (2, Reason::Rotated));
    assert_eq!(page.previous, Former::WasCurrent);
    assert_eq!(page.ledger.history.last().unwrap().trigger, None);
    let again = every(2 * HOUR, Scene { now: page.ledger.issue_time.unwrap(), ..with(page.ledger) });
    assert_eq!(decide(&again), Act::Rest(None), "one due date acts once");
}

#[test]
fn every_counts_from_the_last_issue_so_an_old_credential_is_rotated_at_once_and_once() {
    let mut scene = every(60, live());
    let page_ = page(&scene);
    assert_eq!(page_.ledger.revision, 2);
    scene.secret = ours(page_.ledger, INTACT);
    assert_eq!(decide(&scene), Act::Rest(None), "however many periods have passed");
}

#[test]
fn a_rotation_is_late_by_its_own_delay_of_at_most_a_tenth_and_five_minutes_and_never_past_half_of_what_is_left()
 {
    let base = |period: u64| at(NOW - 3_600 + period as i64);
    for (period, longest) in [(2 * HOUR, 300), (1_000, 100), (60, 6)] {
        let times = (0..50).map(|n| {
            let mut scene = every(period, live());
            scene.owner.uid = format!("uid-{n}");
            due(&scene).1.as_second() - base(period).as_second()
        });
        let times: Vec<_> = times.collect();
        assert!(times.iter().all(|late| (0..longest).contains(late)), "{times:?}");
        assert!(times.iter().max() > times.iter().min(), "they are spread");
    }
    for n in 0..50 {
        let end = base(2 * HOUR).as_second() + 10;
        let mut scene = every(2 * HOUR, with(Ledger { not_after: Some(at(end)), ..ledger() }));
        scene.policy.expiry = Expiry::At(at(end));
        scene.owner.uid = format!("uid-{n}");
        let (what, time) = due(&scene);
        assert_eq!(what, Due::Rotate);
        assert!(time.as_second() < end - 4, "the delay does not cross the end");
    }
}

#[test]
fn a_cron_schedule_that_is_set_on_an_old_credential_is_noted_and_rotates_nothing_before_its_next_firing() {
    // NOW is 1970-01-12T13:46:40Z, a Monday.
    let scene = cron("0 13 * * 1", live());
    let noted = page(&scene);
    assert_eq!((&noted.current, noted.ledger.revision), (&Current::Stays, 1));
    assert_eq!(noted.ledger.schedule.as_ref().unwrap().since, at(NOW), "13:00 today is past");
    let scene = cron("0 13 * * 1", with(noted.ledger));
    assert_eq!(decide(&scene), Act::Rest(None));
    let (what, time) = due(&scene);
    let firing: Timestamp = "1970-01-19T13:00:00Z".parse().unwrap();
    assert_eq!(what, Due::Rotate);
    assert!(firing <= time && time < Period::seconds(300).after(firing), "{time}");
    assert_eq!(at_its_time(scene).ledger.revision, 2);
}

#[test]
fn a_cron_expression_counts_anew_when_it_changes_and_goes_from_the_ledger_when_it_is_removed() {
    let noted = page(&cron("0 13 * * 1", live())).ledger;
    let later = |scene: Scene| Scene { now: at(NOW + 86_400), ..scene };
    let other = page(&later(cron("0 13 * * 2", with(noted.clone())))).ledger;
    assert_eq!(other.schedule.unwrap().since, at(NOW + 86_400));
    let mut without = later(with(noted));
    without.policy.schedule = None;
    assert_eq!(page(&without).ledger.schedule, None);
}

#[test]
fn the_first_issue_notes_the_cron_expression_in_the_same_write() {
    let scene = cron("0 0 * * *", blank());
    let issued = page(&scene).ledger;
    assert_eq!(issued.schedule.as_ref().unwrap().text, "0 0 * * * UTC");
    assert_eq!(decide(&cron("0 0 * * *", with(issued))), Act::Rest(None));
}

#[test]
fn firings_that_were_missed_are_made_up_for_once() {
    let noted = page(&cron("0 * * * *", live())).ledger;
    let late = Scene { now: at(NOW + 10 * 3_600), ..cron("0 * * * *", with(noted)) };
    let rotated = page(&late);
    assert_eq!(rotated.ledger.revision, 2);
    let again = Scene { secret: ours(rotated.ledger, INTACT), ..late };
    assert_eq!(decide(&again), Act::Rest(None));
    assert!(due(&again).1 > again.now);
}

#[test]
fn the_delay_of_a_cron_rotation_leaves_room_for_the_overlap() {
    for n in 0..50 {
        let mut scene = cron("* * * * *", with(page(&cron("* * * * *", live())).ledger));
        scene.owner.uid = format!("uid-{n}");
        scene.policy.overlap = Some(Period::seconds(58));
        let firing = at((NOW / 60 + 1) * 60);
        let late = due(&scene).1.as_second() - firing.as_second();
        assert!((0..2).contains(&late), "{late}");
    }
}

#[test]
fn renew_before_renews_and_the_old_one_stays_until_its_own_end() {
    let scene = renewable();
    let end = scene.ledger().unwrap().not_after;
    let page = page(&scene);
    assert_eq!((page.ledger.revision, page.ledger.reason()), (2, Reason::Renewed));
    assert_eq!(page.previous, Former::WasCurrent);
    let previous = page.ledger.previous.clone().unwrap();
    assert_eq!((Some(previous.retirement_time), previous.not_after), (end, end));
    assert_eq!(page.ledger.not_after, Some(at(NOW + 86_400)));
    assert_eq!(decide(&renewed(with(page.ledger))), Act::Rest(None), "one due date acts once");
}

#[test]
fn a_renewal_is_not_early_and_a_given_overlap_counts_for_it() {
    let issue = at(NOW);
    let fresh = Ledger { issue_time: Some(issue), not_after: Some(Period::days(1).after(issue)), ..ledger() };
    let mut scene = renewed(with(fresh));
    assert_eq!(due(&scene).0, Due::Renew);
    scene.policy.overlap = Some(Period::seconds(60));
    let page = at_its_time(scene);
    let issue = page.ledger.issue_time.unwrap();
    assert_eq!(page.ledger.previous.unwrap().retirement_time, Period::seconds(60).after(issue));
}

#[test]
fn without_a_given_overlap_a_rotation_that_somebody_asks_for_still_ends_the_old_one_at_once() {
    let page = page(&asking(renewable(), Some("leak"), None));
    assert_eq!((page.ledger.reason(), page.ledger.previous), (Reason::Rotated, None));
}

#[test]
fn a_renewal_without_a_lifetime_that_leaves_room_is_refused_and_what_is_live_says_so() {
    for default in [None, Some(Period::seconds(HOUR)), Some(Period::seconds(HOUR + 59))] {
        let unfit = |mut scene: Scene| {
            scene.policy.expiry = Expiry::AccountDefault;
            scene.policy.default_lifetime = default;
            scene.policy.renew_before = Some(Period::seconds(HOUR));
            scene
        };
        assert_eq!(obstacle(&unfit(blank())), Some(Reason::InvalidSpec));
        assert_eq!(obstacle(&unfit(live())), Some(Reason::InvalidSpec));
        let default =
            Ledger { default_lifetime: Some(Period::days(1)), ..renewable().ledger().unwrap().clone() };
        let once = page(&unfit(with(default)));
        assert_eq!(
            once.ledger.reason(),
            Reason::Renewed,
            "it does not expire because the Account was edited"
        );
        assert_eq!(obstacle(&unfit(with(once.ledger))), Some(Reason::InvalidSpec), "and it is no loop");
    }
    let mut fits = blank();
    fits.policy.default_lifetime = Some(Period::seconds(HOUR + 60));
    fits.policy.renew_before = Some(Period::seconds(HOUR));
    assert_eq!(page(&fits).ledger.revision, 1);
}

#[test]
fn while_the_account_is_not_seen_its_default_is_unknown_and_not_absent() {
    for account in [Account::Unknown, Account::MissingLately { until: at(NOW + 9) }] {
        let mut scene = Scene { account, ..live() };
        scene.policy.renew_before = Some(Period::seconds(HOUR));
        assert_eq!(decide(&scene), Act::Rest(None), "{account:?}");
    }
}

#[test]
fn an_account_that_could_not_be_read_is_looked_at_again() {
    let unknown = |scene: Scene| Scene { account: Account::Unknown, ..scene };
    for scene in [blank(), live(), withheld(), dead(State::Revoked)] {
        let scene = unknown(scene);
        let Act::Rest(complaint) = decide(&scene) else { panic!("{:?}", decide(&scene)) };
        let alarm = next_alarm(&scene, complaint.as_ref()).expect("it is tried again");
        assert!(at(NOW) < alarm && alarm <= at(NOW + 60), "{alarm}");
    }
    let going = Scene { existence: Existence::BeingDeleted, ..unknown(live()) };
    assert_eq!(next_alarm(&going, None), None, "nothing of what is being deleted depends on it");
}

#[test]
fn what_expired_before_it_could_be_renewed_stays_expired() {
    let mut scene = renewable();
    scene.now = scene.ledger().unwrap().not_after.unwrap();
    let dead = page(&scene);
    assert_eq!(dead.ledger.state, State::Expired);
    assert_eq!(decide(&Scene { now: scene.now, ..renewed(with(dead.ledger)) }), Act::Rest(None));
}

#[test]
fn what_is_dead_is_never_issued_by_a_schedule() {
    for state in [State::Expired, State::Revoked] {
        let mut scene = every(60, dead(state));
        scene.policy.expiry = Expiry::At(at(NOW - 60));
        assert_eq!(decide(&scene), Act::Rest(None));
        assert_eq!(next_due(&scene, scene.ledger().unwrap()), None);
    }
}

#[test]
fn what_is_withheld_comes_back_byte_for_byte_and_what_came_due_meanwhile_is_done_then() {
    let mut scene = every(60, withheld());
    assert_eq!(decide(&scene), Act::Rest(None));
    assert_eq!(next_due(&scene, scene.ledger().unwrap()), None);
    scene.policy.wanted = Wanted::Active;
    let back = page(&scene);
    assert_eq!((&back.current, back.ledger.revision), (&Current::FromCopy, 1));
    let rotated = page(&every(60, with(back.ledger)));
    assert_eq!((rotated.ledger.revision, rotated.previous), (2, Former::WasCurrent), "with its overlap");
}

#[test]
fn nothing_is_rotated_by_time_while_the_clocks_disagree_nor_when_it_is_being_deleted() {
    let skewed = Scene { clock: Clock::Skewed, ..every(60, live()) };
    assert_eq!(decide(&skewed), Act::Rest(None));
    assert_eq!(next_alarm(&skewed, None), Some(at(NOW + 10)), "the clocks are compared again");
    assert_eq!(page(&asking(skewed, Some("r"), None)).ledger.revision, 2, "a person may still act");
    assert_eq!(decide(&Scene { existence: Existence::BeingDeleted, ..every(60, live()) }), Act::Rest(None));
}

#[test]
fn what_a_schedule_may_not_mint_is_said_and_the_live_one_stays() {
    let mut refused = every(60, live());
    refused.policy.refusal = Some(Complaint::person(Reason::PermissionNotGranted, "dns:list"));
    assert_eq!(obstacle(&refused), Some(Reason::PermissionNotGranted));
    let until = at(NOW + 9);
    let missing = Scene { account: Account::MissingLately { until }, ..every(60, live()) };
    assert_eq!(obstacle(&missing), Some(Reason::AccountNotFound));
}

#[test]
fn an_uploaded_key_is_never_replaced_by_a_schedule() {
    let mut scene = every(60, live());
    scene.policy.source = Source::Brought { id: Some("id-1".into()) };
    assert_eq!(decide(&scene), Act::Rest(None));
}

#[test]
fn status_foretells_what_comes_first() {
    let mut scene = renewable();
    scene.now = at(NOW - 10_000);
    assert_eq!(due(&scene).0, Due::Renew);
    scene = every(60, scene);
    assert_eq!(due(&scene).0, Due::Rotate);
    let mut overlapping = live();
    overlapping.secret = ours(Ledger { previous: Some(previous(NOW + 5)), ..ledger() }, INTACT);
    assert_eq!(due(&every(2 * HOUR, overlapping)), (Due::Retire, at(NOW + 5)));
}
