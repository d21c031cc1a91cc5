//! What status says of the ledger, field by field.

use chatelaine::{
    api::{CredentialStatus, SecretRef, State},
    core::{
        due::Due,
        ledger::{Ledger, Previous},
        period::Period,
        permission::Grant,
        policy::{DefaultFrom, Expiry, Schedule, Wanted},
        project::{Report, project},
        reason::Reason,
        scene::{Existence, Scene, Sight},
    },
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::stage::*;

const DAY: i64 = 86_400;

fn witness() -> SecretRef {
    SecretRef { name: "ci".into(), uid: "uid-secret".into(), resource_version: "7".into() }
}

fn told(scene: &Scene) -> CredentialStatus {
    project(scene, Report { witness: Some(&witness()), ..report(None, None) })
}

/// A live credential that ends then.
fn ending(end: i64) -> Scene {
    with(Ledger { not_after: Some(at(end)), ..ledger() })
}

fn unissued() -> Scene {
    let mut scene = blank();
    scene.policy.wanted = Wanted::Inactive;
    let ledger = page(&scene).ledger;
    Scene { secret: ours(ledger, INTACT), ..scene }
}

#[test]
fn the_end_is_told_in_exactly_three_ways_and_not_before_there_is_anything_that_could_end() {
    for (scene, line) in [
        (live(), Some("Never Expires")),
        (withheld(), Some("Never Expires")),
        (ending(NOW + 1), Some("Expires in: 1 days")),
        (ending(NOW + DAY), Some("Expires in: 1 days")),
        (ending(NOW + DAY + 1), Some("Expires in: 2 days")),
        (ending(NOW + 90 * DAY), Some("Expires in: 90 days")),
        (dead(State::Expired), Some("Expired")),
        (dead(State::Revoked), None),
        (unissued(), None),
        (blank(), None),
    ] {
        assert_eq!(told(&scene).expiry.as_deref(), line, "{scene:?}");
    }
    for (scene, expired) in [
        (live(), Some(false)),
        (withheld(), Some(false)),
        (dead(State::Expired), Some(true)),
        (dead(State::Revoked), Some(false)),
        (blank(), None),
    ] {
        assert_eq!(told(&scene).is_expired, expired, "{scene:?}");
    }
}

#[test]
fn a_service_can_be_bound_to_what_is_live_and_was_verified_and_to_nothing_else() {
    let bound = |scene: &Scene| told(scene).binding.map(|binding| binding.name);
    assert_eq!(bound(&live()).as_deref(), Some("ci"));
    for scene in [withheld(), unissued(), dead(State::Expired), dead(State::Revoked), blank()] {
        assert_eq!(bound(&scene), None, "{scene:?}");
    }
    assert_eq!(project(&live(), report(None, None)).binding, None, "nothing was verified");
}

#[test]
fn the_secret_is_named_as_it_was_verified_and_not_at_all_while_it_cannot_speak() {
    assert_eq!(told(&live()).secret_ref, Some(witness()));
    let before = told(&live());
    for sight in [Sight::Absent, Sight::Mute, Sight::Dying] {
        let scene = Scene { secret: sight, ..live() };
        let status = project(&scene, report(None, Some(&before)));
        assert_eq!((status.secret_ref, status.binding, status.next), (None, None, None));
        // What it testified stays.
        assert_eq!((status.state, status.digests), (before.state, before.digests.clone()));
    }
}

#[test]
fn what_comes_next_by_itself_is_told_with_its_time_and_nothing_is_told_that_does_not_come() {
    let next = |scene: &Scene| told(scene).next.map(|next| (next.action, next.time.0));
    let said = |due: Due, time: Timestamp| Some((format!("{due:?}"), time));
    assert_eq!(next(&live()), None);
    assert_eq!(next(&ending(NOW + 90)), said(Due::Expire, at(NOW + 90)));
    let overlapping = with(Ledger { previous: Some(previous(NOW + 60)), revision: 2, ..ledger() });
    assert_eq!(next(&overlapping), said(Due::Retire, at(NOW + 60)));
    let mut renewed = ending(NOW + 10 * DAY);
    renewed.policy.expiry = Expiry::AccountDefault;
    renewed.policy.renew_before = Some(Period::days(1));
    let (action, time) = next(&renewed).expect("it is renewed");
    assert_eq!(action, "Renew");
    assert!(time >= at(NOW + 9 * DAY) && time <= at(NOW + 9 * DAY + 300), "{time}");
    let mut rotated = live();
    rotated.policy.schedule = Some(Schedule::Every(Period::days(1)));
    let (action, time) = next(&rotated).expect("it is rotated");
    assert_eq!(action, "Rotate");
    assert!(time >= at(NOW - 3_600 + DAY) && time <= at(NOW - 3_600 + DAY + 300), "{time}");
    for scene in [dead(State::Expired), dead(State::Revoked), unissued(), blank()] {
        assert_eq!(next(&scene), None, "{scene:?}");
    }
}

#[test]
fn in_an_overlap_the_previous_one_is_told_with_both_its_ends_and_both_digests_current_first() {
    let former = Previous { not_after: Some(at(NOW + 600)), ..previous(NOW + 60) };
    let scene = with(Ledger { previous: Some(former), not_after: Some(at(NOW + DAY)), ..ledger() });
    let status = told(&scene);
    let previous = status.previous.expect("there is one");
    assert_eq!((&*previous.id, previous.retirement_time), ("id-0", Time(at(NOW + 60))));
    assert_eq!(previous.expiration_time, Some(Time(at(NOW + 600))));
    let digests: Vec<_> = status.digests.into_iter().map(|one| (one.value, one.not_after)).collect();
    let until = |end: i64| Some(Time(at(end)));
    assert_eq!(digests, [("digest-1".into(), until(NOW + DAY)), ("digest-0".into(), until(NOW + 60))]);
    assert_eq!(told(&live()).previous, None);
    for state in [State::Expired, State::Revoked] {
        assert_eq!(told(&dead(state)).digests, [], "{state:?}: nothing is valid");
    }
}

/// A changed default touches only what is issued afterwards, and so it is told.
#[test]
fn the_lifetime_that_counts_is_told_with_where_it_comes_from() {
    let effective = |scene: &Scene| {
        let told = told(scene).effective.expect("it is always told");
        (told.lifetime, told.lifetime_from)
    };
    let said = |lifetime: &str, from: &str| (Some(lifetime.to_owned()), Some(from.to_owned()));
    let asking = |expiry| {
        let mut scene = live();
        scene.policy.expiry = expiry;
        scene
    };
    assert_eq!(effective(&asking(Expiry::AccountDefault)), said("never", "Default"));
    assert_eq!(effective(&asking(Expiry::Never)), said("never", "Spec"));
    assert_eq!(effective(&asking(Expiry::After(Period::days(90)))), said("90d", "Spec"));
    assert_eq!(effective(&asking(Expiry::At(at(NOW + DAY)))), (None, None));
    for (from, word) in [
        (DefaultFrom::Account, "Account"),
        (DefaultFrom::Limit, "Limit"),
        (DefaultFrom::ApiKeyPair, "ApiKeyPair"),
    ] {
        let issued = Ledger { default_lifetime: Some(Period::days(7)), default_from: from, ..ledger() };
        let mut scene = with(issued);
        scene.policy.default_lifetime = Some(Period::days(1));
        assert_eq!(effective(&scene), said("7d", word), "as it was at the issue");
        let mut scene = blank();
        (scene.policy.default_lifetime, scene.policy.default_from) = (Some(Period::days(1)), from);
        assert_eq!(effective(&scene), said("1d", word), "as it will be");
    }
}

#[test]
fn the_permissions_that_count_are_told_and_none_of_a_kind_that_has_none() {
    let permissions = |scene: &Scene| told(scene).effective.and_then(|effective| effective.permissions);
    let mut scene = live();
    scene.policy.grant = Some(Grant { effective: vec!["servers:read".into()], ..Grant::default() });
    assert_eq!(permissions(&scene), Some(vec!["servers:read".to_owned()]));
    scene.policy.grant = Some(Grant::default());
    assert_eq!(permissions(&scene), Some(vec![]), "it can only say who it is");
    scene.policy.grant = None;
    assert_eq!(permissions(&scene), None);
}

#[test]
fn the_history_is_told_as_the_ledger_has_it_and_never_longer_than_ten() {
    let mut ledger = ledger();
    for n in 2..30 {
        ledger.revision = n;
        ledger.note(at(NOW - 100 + n), Reason::Rotated, Some(format!("value {n}")));
    }
    let history = told(&with(ledger)).history;
    assert_eq!(history.iter().map(|entry| entry.revision).collect::<Vec<_>>(), Vec::from_iter(20..30));
    let last = history.last().expect("there are ten");
    assert_eq!((last.time.0, &*last.reason), (at(NOW - 71), "Rotated"));
    assert_eq!(last.trigger.as_deref(), Some("value 29"));
}

/// From an issue to its end, second by second where it matters.
#[test]
fn that_the_end_is_near_turns_true_before_that_it_has_come() {
    let mut scene = ending(NOW + 10 * DAY);
    scene.policy.expiry = Expiry::At(at(NOW + 10 * DAY));
    scene.policy.warn_before = Some(Period::days(7));
    for (now, soon, reason) in [
        (NOW + 3 * DAY - 1, "False", "NotYetDue"),
        (NOW + 3 * DAY, "True", "ExpiresWithin"),
        (NOW + 10 * DAY - 1, "True", "ExpiresWithin"),
    ] {
        let status = told(&Scene { now: at(now), ..scene.clone() });
        let find = |kind: &str| status.conditions.iter().find(|one| one.type_ == kind).expect("it is told");
        assert_eq!((&*find("ExpiringSoon").status, &*find("ExpiringSoon").reason), (soon, reason), "{now}");
        assert_eq!((&*find("Expired").status, &*find("Expired").reason), ("False", reason), "{now}");
    }
    let over = told(&dead(State::Expired));
    let all: Vec<_> = over.conditions.iter().map(|one| (&*one.type_, &*one.status)).collect();
    assert!(all.contains(&("ExpiringSoon", "False")) && all.contains(&("Expired", "True")), "{all:?}");
}

#[test]
fn every_status_has_ready_and_active_and_each_condition_says_of_which_generation_it_speaks() {
    let scenes = [
        blank(),
        unissued(),
        live(),
        withheld(),
        dead(State::Expired),
        dead(State::Revoked),
        Scene { secret: Sight::Dying, ..blank() },
    ];
    for scene in scenes {
        let status = project(&scene, Report { generation: Some(5), ..report(None, None) });
        let kinds: Vec<_> = status.conditions.iter().map(|one| &*one.type_).collect();
        assert!(kinds.starts_with(&["Ready", "Active"]), "{kinds:?}");
        assert!(status.conditions.iter().all(|one| one.observed_generation == Some(5)), "{status:?}");
        let hints = status.conditions.iter().filter(|one| matches!(&*one.type_, "Reconciling" | "Stalled"));
        assert!(hints.into_iter().all(|one| one.status == "True"), "only while they are true");
    }
}

/// kstatus calls it terminating; who reads Ready is not told that a Secret is served, or is to come.
#[test]
fn what_is_lost_while_it_is_being_deleted_is_not_ready_and_says_why() {
    let damaged = Scene { secret: ours(ledger(), DAMAGED), ..live() };
    let lost = Scene { secret: Sight::Absent, ..live() };
    for (scene, wanted) in [
        (damaged, ("False", "BeingDeleted")),
        (lost, ("False", "BeingDeleted")),
        (blank(), ("False", "BeingDeleted")),
        (live(), ("True", "Issued")),
    ] {
        let status = told(&Scene { existence: Existence::BeingDeleted, ..scene });
        let said = |kind: &str| {
            let found = status.conditions.iter().find(|condition| condition.type_ == kind);
            found.map(|condition| (&*condition.status, &*condition.reason))
        };
        assert_eq!((said("Ready"), said("Active")), (Some(wanted), Some(wanted)));
        assert_eq!((said("Reconciling"), said("Stalled")), (None, None));
    }
}
