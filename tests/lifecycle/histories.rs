//! No sequence of edits, ticks, crashes and losses breaks rules 1, 2, 4, 5 and 6.

use std::sync::Arc;

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        cron::Cron,
        lifecycle::{Act, Complaint, decide},
        period::Period,
        policy::{Expiry, Schedule, Wanted},
        project::{Report, project},
        scene::{Account, Scene},
        schedule::next_alarm,
    },
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::{
    stage::at,
    world::{World, forget_what_is_missing},
};

/// What may happen between two looks.
#[derive(Clone, Debug)]
pub enum Event {
    Tick(i64),
    Rotate(u8),
    Revoke(u8),
    Retire(u8),
    Rollback(u8),
    /// On the Account.
    RotateAll(u8),
    RevokeAll(u8),
    RetireAll(u8),
    RollbackAll(u8),
    Activate(bool),
    Account(u8),
    Lifetime(u16),
    EndAt(i16),
    NeverEnd,
    Overlap(u16),
    Every(u16),
    Cron(u8),
    NoSchedule,
    RenewBefore(u16),
    DeleteSecret,
    DeleteCopy,
    RestoreCopy,
    Damage,
    Passphrase(Option<u8>),
    DeleteSeal,
    LoseStatus,
    Crash(usize),
    /// An old version of the Secret is put back.
    PutBack,
}

pub fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (1i64..400).prop_map(Event::Tick),
        3 => (0u8..6).prop_map(Event::Rotate),
        1 => (0u8..4).prop_map(Event::Revoke),
        1 => (0u8..4).prop_map(Event::Retire),
        2 => (0u8..6).prop_map(Event::Rollback),
        2 => (0u8..6).prop_map(Event::RotateAll),
        1 => (0u8..4).prop_map(Event::RevokeAll),
        1 => (0u8..4).prop_map(Event::RetireAll),
        1 => (0u8..6).prop_map(Event::RollbackAll),
        3 => any::<bool>().prop_map(Event::Activate),
        2 => (0u8..5).prop_map(Event::Account),
        1 => (1u16..900).prop_map(Event::Lifetime),
        1 => (-300i16..900).prop_map(Event::EndAt),
        1 => Just(Event::NeverEnd),
        2 => (0u16..600).prop_map(Event::Overlap),
        1 => (60u16..900).prop_map(Event::Every),
        1 => (0u8..3).prop_map(Event::Cron),
        1 => Just(Event::NoSchedule),
        1 => (1u16..300).prop_map(Event::RenewBefore),
        1 => Just(Event::DeleteSecret),
        1 => Just(Event::DeleteCopy),
        1 => Just(Event::RestoreCopy),
        1 => Just(Event::Damage),
        2 => proptest::option::of(0u8..3).prop_map(Event::Passphrase),
        1 => Just(Event::DeleteSeal),
        1 => Just(Event::LoseStatus),
        3 => (0usize..3).prop_map(Event::Crash),
        1 => Just(Event::PutBack),
    ]
}

pub fn happen(world: &mut World, event: &Event, old: &mut Option<crate::world::Stored>) -> Option<usize> {
    let scene = &mut world.scene;
    match event {
        Event::Tick(seconds) => world.tick(*seconds),
        Event::Rotate(value) => scene.triggers.rotate = Some(format!("r{value}")),
        Event::Revoke(value) => scene.triggers.revoke = Some(format!("v{value}")),
        Event::Retire(value) => scene.triggers.retire = Some(format!("t{value}")),
        Event::Rollback(value) => scene.triggers.rollback = Some(format!("b{value}")),
        Event::RotateAll(value) => scene.account_triggers.rotate = Some(format!("r{value}")),
        Event::RevokeAll(value) => scene.account_triggers.revoke = Some(format!("v{value}")),
        Event::RetireAll(value) => scene.account_triggers.retire = Some(format!("t{value}")),
        Event::RollbackAll(value) => scene.account_triggers.rollback = Some(format!("b{value}")),
        Event::Activate(true) => scene.policy.wanted = Wanted::Active,
        Event::Activate(false) => scene.policy.wanted = Wanted::Inactive,
        Event::Account(state) => {
            let until = Period::seconds(30).after(scene.now);
            scene.account = [
                Account::Active,
                Account::Active,
                Account::Inactive,
                Account::Missing,
                Account::MissingLately { until },
            ][usize::from(*state)];
        }
        Event::Lifetime(seconds) => scene.policy.expiry = Expiry::After(Period::seconds((*seconds).into())),
        Event::EndAt(offset) => {
            scene.policy.expiry = Expiry::At(at(scene.now.as_second() + i64::from(*offset)))
        }
        Event::NeverEnd => scene.policy.expiry = Expiry::Never,
        Event::Overlap(seconds) => scene.policy.overlap = Some(Period::seconds((*seconds).into())),
        Event::Every(seconds) => {
            scene.policy.schedule = Some(Schedule::Every(Period::seconds((*seconds).into())));
        }
        Event::Cron(which) => {
            let expression = ["* * * * *", "*/5 * * * *", "0,7 * * * *"][usize::from(*which)];
            scene.policy.schedule = Some(Schedule::Cron(Arc::new(Cron::parse(expression, "UTC").unwrap())));
        }
        Event::NoSchedule => (scene.policy.schedule, scene.policy.renew_before) = (None, None),
        Event::RenewBefore(seconds) => {
            scene.policy.renew_before = Some(Period::seconds((*seconds).into()));
        }
        Event::DeleteSecret => world.delete_secret(),
        Event::DeleteCopy => world.delete_copy(),
        Event::RestoreCopy => world.restore_copy(),
        Event::Damage => world.damage(),
        Event::Passphrase(passphrase) => world.passphrase = *passphrase,
        Event::DeleteSeal => world.delete_seal(),
        Event::LoseStatus => world.lose_status(),
        Event::Crash(after) => return Some(*after),
        Event::PutBack => match (old.take(), &world.secret) {
            (Some(stored), Some(_)) => world.secret = Some(stored),
            (_, current) => *old = current.clone(),
        },
    }
    None
}

/// What holds whenever the operator has come to rest.
pub fn holds_at_rest(world: &World, complaint: Option<&Complaint>) {
    let scene = world.look(None);
    assert!(matches!(decide(&scene), Act::Rest(_)), "deciding twice changes nothing");
    if let Some(stored) = &world.secret {
        let live = stored.ledger.state == State::Live;
        if live {
            let end = stored.ledger.not_after;
            assert!(end.is_none_or(|end| end > scene.now), "nothing is live after its end");
            assert!(!world.is_inactive(), "nothing inactive is in the Secret");
        }
        let overlap = stored.ledger.previous.as_ref();
        assert!(
            overlap.is_none_or(|previous| previous.retirement_time > scene.now),
            "no overlap is longer than was said"
        );
    }
    if let Some(alarm) = next_alarm(&scene, complaint) {
        assert!(alarm > scene.now, "an alarm lies in the future");
        assert!(
            something_changes_at(&scene, alarm),
            "at the alarm there is something to do: {alarm} {scene:?}"
        );
    }
}

/// Whether a decision or the status is another one at `time` than just before it.
fn something_changes_at(scene: &Scene, time: Timestamp) -> bool {
    let just_before = Timestamp::from_nanosecond(time.as_nanosecond() - 1).unwrap();
    let then = |now: Timestamp| {
        let mut scene = Scene { now, ..scene.clone() };
        if matches!(scene.account, Account::MissingLately { until } if until <= now) {
            scene.account = Account::Missing;
        }
        if let Some(parent) = &mut scene.policy.parent {
            forget_what_is_missing(parent, now);
        }
        let act = decide(&scene);
        let status = match &act {
            Act::Rest(complaint) => picture(&scene, complaint.as_ref()),
            _ => CredentialStatus::default(),
        };
        (act, status)
    };
    then(just_before) != then(time)
}

fn picture(scene: &Scene, complaint: Option<&Complaint>) -> CredentialStatus {
    let report = Report {
        complaint,
        seen: None,
        generation: Some(1),
        secret_name: "ci",
        witness: None,
        restarts: &[],
        requested_at: None,
    };
    let mut status = project(scene, report);
    for condition in &mut status.conditions {
        condition.last_transition_time.0 = Timestamp::UNIX_EPOCH;
    }
    status
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_the_rules(events in proptest::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        let mut old = None;
        for event in &events {
            let crash = happen(&mut world, event, &mut old);
            if crash.is_some() {
                world.pass(crash);
            }
            let complaint = world.pass(None);
            holds_at_rest(&world, complaint.as_ref());
        }
    }
}

#[test]
fn a_withheld_copy_that_a_backup_brought_back_is_given_back_wherever_a_pass_was_interrupted() {
    for crash in 0..4 {
        let mut world = World::new();
        world.pass(None);
        world.scene.policy.wanted = Wanted::Inactive;
        world.pass(None);
        world.restore_copy();
        world.pass(Some(crash));
        world.scene.policy.wanted = Wanted::Active;
        world.pass(Some(crash));
        world.pass(None);
        assert_eq!(world.secret.as_ref().unwrap().current, Some(1), "the same value came back, {crash}");
        assert_eq!(world.secret.as_ref().unwrap().ledger.revision, 1);
        assert!(world.look(None).copy.is_none(), "nothing is left over");
    }
}

#[test]
fn a_pass_that_was_interrupted_anywhere_ends_like_one_that_was_not() {
    for crash in 0..4 {
        let mut world = World::new();
        world.pass(None);
        world.scene.policy.wanted = Wanted::Inactive;
        world.pass(Some(crash));
        world.pass(None);
        assert_eq!(world.secret.as_ref().unwrap().ledger.state, State::Withheld, "{crash}");
        world.scene.policy.wanted = Wanted::Active;
        world.pass(Some(crash));
        world.pass(None);
        assert_eq!(world.secret.as_ref().unwrap().current, Some(1), "the same value came back, {crash}");
    }
}
