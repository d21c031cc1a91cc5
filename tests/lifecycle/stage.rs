//! A stage for scenes: a live credential of an active Account, and the edits that make each row.

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        ledger::{Copy, Ledger, Owner, Previous},
        lifecycle::{Act, Complaint, decide},
        page::Page,
        permission::Grant,
        policy::{DefaultFrom, Expiry, MaxLifetime, Policy, Source, Wanted},
        project::Report,
        reason::Reason,
        scene::{
            Account, Clock, CopySight, Existence, Form, Inside, Integrity, Lock, Origin, Scene, Seal, Sight,
        },
        trigger::{Handled, Triggers},
    },
};
use jiff::Timestamp;

pub const INTACT: Inside = Inside::Read { current: Integrity::Intact, previous: Integrity::Intact };
pub const PREVIOUS_DAMAGED: Inside =
    Inside::Read { current: Integrity::Intact, previous: Integrity::Damaged };
pub const DAMAGED: Inside = Inside::Read { current: Integrity::Damaged, previous: Integrity::Intact };

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The moment of every scene, unless it says otherwise.
pub const NOW: i64 = 1_000_000;

pub fn owner() -> Owner {
    Owner { kind: "AccessToken".into(), name: "ci".into(), uid: "uid-1".into(), account: "alice".into() }
}

pub fn policy() -> Policy {
    Policy {
        wanted: Wanted::Active,
        expiry: Expiry::AccountDefault,
        overlap: None,
        renew_before: None,
        schedule: None,
        default_lifetime: None,
        default_from: DefaultFrom::Account,
        max_lifetime: MaxLifetime::Unlimited,
        warn_before: None,
        parent: None,
        grant: Some(Grant::default()),
        source: Source::MintBoth,
        refusal: None,
        over_quota: None,
    }
}

/// Nothing was ever published.
pub fn blank() -> Scene {
    Scene {
        now: at(NOW),
        clock: Clock::Agreed,
        owner: owner(),
        number: None,
        existence: Existence::Standing,
        restore: None,
        triggers: Triggers::default(),
        account_triggers: Triggers::default(),
        policy: policy(),
        account: Account::Active,
        secret: Sight::Absent,
        testimony: None,
        copy: None,
        lock: Lock::Fits,
        seal: Seal::Ready,
    }
}

/// A ledger of revision 1, issued an hour ago.
pub fn ledger() -> Ledger {
    let mut ledger = Ledger {
        state: State::Live,
        revision: 1,
        id: "id-1".into(),
        digest: Some("digest-1".into()),
        issue_time: Some(at(NOW - 3_600)),
        ..Ledger::blank(owner(), None, Handled::default())
    };
    ledger.note(at(NOW - 3_600), Reason::Issued, None);
    ledger
}

pub fn previous(retirement: i64) -> Previous {
    Previous {
        id: "id-0".into(),
        public: None,
        digest: "digest-0".into(),
        sealed: None,
        issue_time: None,
        default_lifetime: None,
        not_after: None,
        parent: None,
        retirement_time: at(retirement),
    }
}

pub fn copy() -> Copy {
    Copy { name: "chatelaine-held-uid-1".into(), uid: "copy-1".into() }
}

pub fn copy_sight(inside: Inside) -> CopySight {
    CopySight { copy: copy(), origin: Origin::Found, inside, form: Form::Fits }
}

pub fn ours(ledger: Ledger, inside: Inside) -> Sight {
    Sight::Ours { ledger, inside, form: Form::Fits }
}

/// A Secret of ours with this ledger, everything in order; status testifies the same.
pub fn with(ledger: Ledger) -> Scene {
    Scene { secret: ours(ledger.clone(), INTACT), testimony: Some(ledger), ..blank() }
}

pub fn live() -> Scene {
    with(ledger())
}

pub fn withheld() -> Scene {
    let ledger = Ledger { state: State::Withheld, held: Some(copy()), ..ledger() };
    let mut scene = with(ledger);
    scene.policy.wanted = Wanted::Inactive;
    scene.copy = Some(copy_sight(Inside::Read { current: Integrity::Intact, previous: Integrity::Damaged }));
    scene
}

pub fn dead(state: State) -> Scene {
    with(Ledger { state, digest: None, not_after: Some(at(NOW - 60)), ..ledger() })
}

pub fn asking(mut scene: Scene, rotate: Option<&str>, revoke: Option<&str>) -> Scene {
    scene.triggers = Triggers {
        rotate: rotate.map(str::to_owned),
        revoke: revoke.map(str::to_owned),
        ..Triggers::default()
    };
    scene
}

/// What a status is made from, if nothing else matters.
pub fn report<'a>(complaint: Option<&'a Complaint>, seen: Option<&'a CredentialStatus>) -> Report<'a> {
    Report {
        complaint,
        seen,
        generation: Some(1),
        requested_at: None,
        secret_name: "ci",
        witness: None,
        restarts: &[],
    }
}

/// The page that the decision writes.
pub fn page(scene: &Scene) -> Page {
    match decide(scene) {
        Act::Write(page) => *page,
        act => panic!("expected a write, got {act:?}"),
    }
}

/// Why the decision rests, if it rests and something stands in the way.
pub fn obstacle(scene: &Scene) -> Option<Reason> {
    match decide(scene) {
        Act::Rest(complaint) => complaint.map(|complaint| complaint.reason),
        act => panic!("expected rest, got {act:?}"),
    }
}
