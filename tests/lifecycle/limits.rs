//! What holds up a mint though all else is in order: a limit of the Account.

use chatelaine::{
    api::State,
    core::{
        ledger::Ledger,
        lifecycle::{Act, Complaint, Remedy, decide},
        period::Period,
        policy::{DefaultFrom, Expiry, MaxLifetime, Policy, default_lifetime},
        reason::Reason,
        scene::{Account, Find, Scene, Sight},
    },
};
use serde_json::json;

use crate::stage::*;

fn over_quota(mut scene: Scene) -> Scene {
    scene.policy.over_quota = Some(Complaint::person(Reason::QuotaExceeded, "two of two"));
    scene
}

fn limited(mut scene: Scene, expiry: Expiry) -> Scene {
    scene.policy.expiry = expiry;
    scene.policy.max_lifetime = MaxLifetime::Of(Period::days(1));
    scene
}

#[test]
fn a_quota_refuses_what_never_was_issued() {
    assert_eq!(obstacle(&over_quota(blank())), Some(Reason::QuotaExceeded));
    let inactive = with(Ledger { state: State::Withheld, revision: 0, id: "AK".into(), ..ledger() });
    assert_eq!(obstacle(&over_quota(inactive)), Some(Reason::QuotaExceeded));
    let born_revoked =
        asking(with(Ledger { state: State::Revoked, revision: 0, ..ledger() }), Some("r"), None);
    assert_eq!(obstacle(&over_quota(born_revoked)), Some(Reason::QuotaExceeded));
}

#[test]
fn a_quota_takes_nothing_from_what_was_issued_once() {
    assert_eq!(decide(&over_quota(live())), Act::Rest(None));
    for scene in [
        asking(live(), Some("r"), None),
        asking(dead(State::Revoked), Some("r"), None),
        Scene { secret: Sight::Absent, ..live() },
        Scene { secret: ours(ledger(), DAMAGED), ..live() },
        Scene { testimony: None, ..asking(live(), Some("r"), None) },
    ] {
        assert_eq!(page(&over_quota(scene)).ledger.revision, 2);
    }
}

#[test]
fn a_limit_refuses_to_adopt_what_it_would_refuse_to_issue() {
    let find = Find { identity: ledger().identity(), digest: "d".into() };
    let offered = Scene { secret: Sight::Offered { found: Ok(find) }, ..blank() };
    assert_eq!(page(&offered).ledger.revision, 1);
    assert_eq!(obstacle(&over_quota(offered.clone())), Some(Reason::QuotaExceeded));
    assert_eq!(obstacle(&limited(offered, Expiry::Never)), Some(Reason::LifetimeExceeded));
}

#[test]
fn a_lifetime_beyond_the_limit_is_refused_at_issue_and_rotation() {
    for expiry in [Expiry::Never, Expiry::After(Period::days(2))] {
        assert_eq!(obstacle(&limited(blank(), expiry)), Some(Reason::LifetimeExceeded), "{expiry:?}");
        let not_after = match expiry {
            Expiry::After(lifetime) => Some(lifetime.after(at(NOW - 3_600))),
            Expiry::Never | Expiry::At(_) | Expiry::AccountDefault => None,
        };
        let rotate = asking(with(Ledger { not_after, ..ledger() }), Some("r"), None);
        assert_eq!(obstacle(&limited(rotate, expiry)), Some(Reason::LifetimeExceeded), "{expiry:?}");
    }
    for expiry in [Expiry::After(Period::days(1)), Expiry::At(at(NOW + 86_400)), Expiry::AccountDefault] {
        assert_eq!(page(&limited(blank(), expiry)).ledger.revision, 1, "{expiry:?}");
    }
}

#[test]
fn a_date_that_is_too_far_away_is_waited_for() {
    let far = limited(blank(), Expiry::At(at(NOW + 86_401)));
    let Act::Rest(Some(complaint)) = decide(&far) else { panic!() };
    assert_eq!(complaint.reason, Reason::LifetimeExceeded);
    assert_eq!(complaint.remedy, Remedy::Waiting { look_again: Some(at(NOW + 1)) });
    assert_eq!(page(&Scene { now: at(NOW + 1), ..far }).ledger.revision, 1);
}

#[test]
fn what_is_live_keeps_its_end_under_a_lower_limit_and_cannot_move_it_beyond() {
    let hour = at(NOW + 3_600);
    for (recorded, asked, given) in [
        (None, Expiry::Never, None),
        (None, Expiry::After(Period::days(9)), Some(Period::days(9).after(at(NOW - 3_600)))),
        (Some(hour), Expiry::Never, Some(hour)),
        (Some(hour), Expiry::After(Period::days(9)), Some(hour)),
        (Some(hour), Expiry::At(at(NOW + 9 * 86_400)), Some(hour)),
        (Some(hour), Expiry::At(at(NOW + 7_200)), Some(at(NOW + 7_200))),
    ] {
        let scene = limited(with(Ledger { not_after: recorded, ..ledger() }), asked);
        let now_given = match decide(&scene) {
            Act::Rest(None) => recorded,
            Act::Write(page) => page.ledger.not_after,
            act => panic!("{act:?}"),
        };
        assert_eq!(now_given, given, "{recorded:?} {asked:?}");
    }
}

#[test]
fn an_account_that_is_not_seen_lets_no_end_be_moved_beyond_the_recorded_one() {
    let hour = at(NOW + 3_600);
    for account in [Account::Unknown, Account::MissingLately { until: at(NOW + 9) }] {
        for (recorded, asked, given) in [
            (Some(hour), Expiry::Never, Some(hour)),
            (Some(hour), Expiry::After(Period::days(9)), Some(hour)),
            (Some(hour), Expiry::At(at(NOW + 9 * 86_400)), Some(hour)),
            (Some(hour), Expiry::At(at(NOW + 600)), Some(at(NOW + 600))),
            (None, Expiry::Never, None),
        ] {
            let mut scene =
                Scene { account, ..limited(with(Ledger { not_after: recorded, ..ledger() }), asked) };
            scene.policy.max_lifetime = MaxLifetime::Unknown;
            let now_given = match decide(&scene) {
                Act::Rest(None) => recorded,
                Act::Write(page) => page.ledger.not_after,
                act => panic!("{act:?}"),
            };
            assert_eq!(now_given, given, "{account:?} {recorded:?} {asked:?}");
        }
    }
    let mut lifted = with(Ledger { not_after: Some(hour), ..ledger() });
    lifted.policy.expiry = Expiry::Never;
    assert_eq!(page(&lifted).ledger.not_after, None, "an Account without a limit is seen to have none");
}

#[test]
fn an_expired_one_whose_date_was_moved_beyond_the_limit_says_so() {
    let scene = limited(dead(State::Expired), Expiry::After(Period::days(9)));
    assert_eq!(obstacle(&scene), Some(Reason::LifetimeExceeded));
}

#[test]
fn without_a_default_the_limit_is_the_lifetime_and_the_ledger_says_where_it_came_from() {
    let account = |spec| serde_json::from_value(spec).unwrap();
    let of = |spec| default_lifetime(&account(spec));
    let limits = json!({"maxLifetime": "1d"});
    let (limit, from) = of(json!({"email": "a@b", "limits": limits}));
    assert_eq!((limit, from), (Some(Period::days(1)), DefaultFrom::Limit));
    let shorter = json!({"email": "a@b", "limits": limits, "credentialDefaults": {"lifetime": "1h"}});
    assert_eq!(of(shorter), (Some(Period::seconds(3_600)), DefaultFrom::Account));
    assert_eq!(of(json!({"email": "a@b"})), (None, DefaultFrom::Account));

    let policy = Policy { default_lifetime: limit, default_from: from, ..policy() };
    let ledger = page(&limited(Scene { policy, ..blank() }, Expiry::AccountDefault)).ledger;
    assert_eq!((ledger.not_after, ledger.default_from), (Some(at(NOW + 86_400)), DefaultFrom::Limit));
    assert_eq!(Ledger::parse(&ledger.to_text()).unwrap(), ledger);
    let old = ledger.to_text().replace(r#""defaultFrom":"Limit","#, "");
    assert_eq!(Ledger::parse(&old).unwrap().default_from, DefaultFrom::Account);
}
