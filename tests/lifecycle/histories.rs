//! No sequence of edits, ticks, crashes and losses breaks rules 1, 2, 4, 5 and 6.

use std::sync::Arc;

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        cron::Cron,
        lifecycle::{Act, Complaint, Remedy, decide},
        period::Period,
        policy::{Expiry, Schedule, Source, Wanted},
        project::project,
        scene::{Account, Clock, CopySight, Existence, Origin, Scene},
        schedule::next_alarm,
    },
};
use jiff::Timestamp;
use proptest::{prelude::*, test_runner::RngSeed};

use crate::{
    stage::{at, report},
    world::{Stored, Value, World, forget_what_is_missing},
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
    Days(u8),
    EndAt(i16),
    NeverEnd,
    /// Nothing is said in the spec: the Account's default counts.
    DefaultEnd,
    Default(Option<u16>),
    Limit(Option<u16>),
    /// `SecretOnly` or `KeyPair`.
    Mode(u8),
    /// The user brings another key, or one that cannot be used.
    Brings(Option<Value>),
    Delete,
    /// After a deletion: the object goes, and another one of its name comes.
    Recreate,
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
    /// Whether the operator's clock and the API server's disagree.
    Skew(bool),
    /// Somebody takes the ledger off the Secret.
    Strip,
    /// An old version of the Secret is put back.
    PutBack,
    /// All is put back from a backup of what is there: without uid, owner references and status.
    Restored,
}

/// Something happens, and the operator looks; perhaps it is stopped after so many writes, and more happens.
pub type Step = (Event, Option<usize>);

pub fn step(event: impl Strategy<Value = Event>) -> impl Strategy<Value = Step> {
    (event, proptest::option::weighted(0.15, 0usize..3))
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
        3 => (0u8..7).prop_map(Event::Account),
        1 => (1u16..900).prop_map(Event::Lifetime),
        1 => (1u8..9).prop_map(Event::Days),
        1 => (-300i16..900).prop_map(Event::EndAt),
        1 => Just(Event::NeverEnd),
        2 => Just(Event::DefaultEnd),
        2 => proptest::option::of(1u16..900).prop_map(Event::Default),
        1 => proptest::option::of(1u16..900).prop_map(Event::Limit),
        1 => (0u8..2).prop_map(Event::Mode),
        1 => Just(Event::Delete),
        4 => Just(Event::Recreate),
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
        2 => any::<bool>().prop_map(Event::Skew),
        1 => Just(Event::Strip),
        2 => Just(Event::PutBack),
        2 => Just(Event::Restored),
    ]
}

pub fn happen(world: &mut World, event: &Event, old: &mut Option<Stored>) {
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
                Account::Unknown,
                Account::Unknown,
            ][usize::from(*state)];
        }
        Event::Lifetime(seconds) => scene.policy.expiry = Expiry::After(Period::seconds((*seconds).into())),
        Event::Days(days) => scene.policy.expiry = Expiry::After(Period::days((*days).into())),
        Event::EndAt(offset) => {
            scene.policy.expiry = Expiry::At(at(scene.now.as_second() + i64::from(*offset)))
        }
        Event::NeverEnd => scene.policy.expiry = Expiry::Never,
        Event::DefaultEnd => scene.policy.expiry = Expiry::AccountDefault,
        Event::Default(seconds) => {
            world.ends.default = seconds.map(|seconds| Period::seconds(seconds.into()))
        }
        Event::Limit(seconds) => world.ends.most = seconds.map(|seconds| Period::seconds(seconds.into())),
        Event::Mode(mode) => {
            scene.policy.source = [Source::MintSecret, Source::MintBoth][usize::from(*mode)].clone();
        }
        Event::Brings(value) => world.bring(*value),
        Event::Delete => scene.existence = Existence::BeingDeleted,
        Event::Recreate if scene.existence == Existence::Standing => {}
        Event::Recreate => {
            *old = None;
            world.recreate();
        }
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
        Event::Skew(true) => scene.clock = Clock::Skewed,
        Event::Skew(false) => scene.clock = Clock::Agreed,
        Event::Strip => world.strip(),
        Event::PutBack => match (old.take(), &world.secret) {
            (Some(stored), Some(_)) => world.put_back(stored),
            (_, current) => *old = current.clone(),
        },
        Event::Restored => {
            if world.restore() {
                old.iter_mut().for_each(Stored::outlives_its_owner);
            }
        }
    }
}

/// What holds whenever the operator has come to rest.
pub fn holds_at_rest(world: &World, complaint: Option<&Complaint>) {
    let scene = world.look(None);
    assert!(matches!(decide(&scene), Act::Rest(_)), "deciding twice changes nothing");
    let agreed = scene.clock == Clock::Agreed;
    if let Some(stored) = world.secret.as_ref().filter(|_| !world.is_unattended()) {
        let live = stored.ledger.state == State::Live;
        if live {
            let end = stored.ledger.not_after;
            assert!(!agreed || end.is_none_or(|end| end > scene.now), "nothing is live after its end");
            let going = scene.existence == Existence::BeingDeleted;
            assert!(going || !world.is_inactive(), "nothing inactive is in the Secret");
        }
        let is_left_over = |copy: &CopySight| copy.origin != Origin::Strange;
        assert!(
            !stored.ledger.is_dead()
                || scene.ledger().is_none()
                || !scene.copy.as_ref().is_some_and(is_left_over),
            "what is dead has no copy either: {scene:?}"
        );
        let overlap = stored.ledger.previous.as_ref();
        assert!(
            !agreed || overlap.is_none_or(|previous| previous.retirement_time > scene.now),
            "no overlap is longer than was said"
        );
    }
    ends_hold(world, &scene, complaint);
    let alarm = next_alarm(&scene, complaint);
    if let Some(alarm) = alarm {
        assert!(alarm > scene.now, "an alarm lies in the future");
        assert!(
            // It, or the clocks, may say something else then.
            !agreed || scene.account == Account::Unknown || something_changes_at(&scene, alarm),
            "at the alarm there is something to do: {alarm} {scene:?}"
        );
    }
    let standing = scene.existence == Existence::Standing;
    assert!(
        !standing || scene.account != Account::Unknown || alarm.is_some(),
        "an Account is looked for again"
    );
    // While the clocks disagree they are compared again every few seconds, and what is told may come as late.
    if agreed {
        nothing_changes_before(&scene, alarm);
    }
}

/// What is said of an end, and what an Account that is not seen may not do to it.
fn ends_hold(world: &World, scene: &Scene, complaint: Option<&Complaint>) {
    let is_seen = matches!(scene.account, Account::Active | Account::Inactive);
    let is_mended = |complaint: &Complaint| complaint.remedy == Remedy::Person;
    assert!(is_seen || !complaint.is_some_and(is_mended), "nobody can mend what is not known: {complaint:?}");
    let Some(ledger) = scene.ledger().filter(|ledger| ledger.revision > 0) else { return };
    let standing = scene.existence == Existence::Standing;
    if ledger.state == State::Expired {
        assert!(ledger.not_after.is_some_and(|end| end <= scene.now), "what expired says when: {ledger:?}");
        let waits = complaint.is_some()
            || scene.account != Account::Active
            || scene.policy.wanted == Wanted::Inactive;
        let to_come = match scene.policy.expiry {
            Expiry::At(end) => end > scene.now,
            Expiry::Never => true,
            Expiry::After(_) | Expiry::AccountDefault => false,
        };
        assert!(waits || !standing || !to_come, "a date that is moved on issues anew: {ledger:?}");
    }
    if scene.policy.expiry == Expiry::AccountDefault && !ledger.is_dead() && standing {
        let kept =
            world.ends.latest(ledger).is_none_or(|latest| ledger.not_after.is_some_and(|end| end <= latest));
        assert!(kept, "the default that was read at the issue counts: {ledger:?}");
    }
}

/// Until the alarm decision and status stay what they are: nobody looks before.
fn nothing_changes_before(scene: &Scene, alarm: Option<Timestamp>) {
    const YEAR: u64 = 400 * 86_400;
    let rest = alarm.map_or(Period::seconds(YEAR), |alarm| Period::between(scene.now, alarm));
    let now = at_the_time(scene, scene.now);
    let just_before = alarm.map(|alarm| Timestamp::from_nanosecond(alarm.as_nanosecond() - 1).unwrap());
    let between =
        [rest.tenth(), rest.half(), rest.less(Period::seconds(1))].map(|rest| rest.after(scene.now));
    for time in between.into_iter().filter(|time| alarm.is_none_or(|alarm| *time < alarm)).chain(just_before)
    {
        assert_eq!(at_the_time(scene, time), now, "nothing is due at {time} before {alarm:?}: {scene:?}");
    }
}

/// Whether a decision or the status is another one at `time` than just before it.
fn something_changes_at(scene: &Scene, time: Timestamp) -> bool {
    let just_before = Timestamp::from_nanosecond(time.as_nanosecond() - 1).unwrap();
    at_the_time(scene, just_before) != at_the_time(scene, time)
}

/// What is decided and told if nothing but the time changes.
fn at_the_time(scene: &Scene, now: Timestamp) -> (Act, CredentialStatus) {
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
}

fn picture(scene: &Scene, complaint: Option<&Complaint>) -> CredentialStatus {
    let mut status = project(scene, report(complaint, None));
    for condition in &mut status.conditions {
        condition.last_transition_time.0 = Timestamp::UNIX_EPOCH;
    }
    status
}

/// The same histories everywhere, so that a change is judged by what it changes; CONTRIBUTING.md says how to ask for others.
pub fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2_026),
        ..ProptestConfig::default()
    }
}

/// Whatever happened, after the last of it the operator comes to rest.
pub fn run(mut world: World, steps: &[Step]) {
    let (mut old, mut rested) = (None, None);
    for (event, stop) in steps.iter().cloned().chain([(Event::Tick(1), None)]) {
        // Another uid has another delay, so what is replaced by a schedule may be due at once.
        let policy = &world.scene.policy;
        let stays = rested == Some(None) && policy.schedule.is_none() && policy.renew_before.is_none();
        let before = world.holding().filter(|_| stays && matches!(event, Event::Restored));
        happen(&mut world, &event, &mut old);
        let complaint = world.pass(stop);
        rested = stop.is_none().then_some(complaint);
        if let Some(complaint) = &rested {
            holds_at_rest(&world, complaint.as_ref());
            assert!(before.is_none() || world.holding() == before, "a restore changes no value");
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_history_breaks_the_rules(steps in proptest::collection::vec(step(event()), 1..60)) {
        run(World::new(), &steps);
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
