//! The next page of the ledger: one function for each transition, each a single write of the Secret.

use jiff::Timestamp;

use super::{
    due::passed_end,
    ledger::{Copy, Ledger, Previous},
    parent::Parent,
    policy::{Policy, Source, down, up},
    reason::Reason,
    scene::{Integrity, Scene},
    trigger::Trigger,
};
use crate::api::State;

/// A write of the Secret: the ledger as it will be, and where the material comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Complete but for the identity and digest of material that is yet to be made.
    pub ledger: Ledger,
    pub current: Current,
    pub previous: Former,
    /// What to tell people; None for a write that they need not hear of.
    pub news: Option<News>,
}

/// Where the current material of the Secret to be written comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Current {
    /// Minted now; `keep` is the identity that stays.
    Mint {
        keep: Option<String>,
    },
    /// What the user brought.
    Brought,
    /// What is in the Secret.
    Stays,
    /// The same keys as in the Secret, encrypted as the spec asks now; the previous one too.
    Relock,
    FromCopy,
    /// The previous one of the Secret.
    WasPrevious,
    /// None, but an identity is assigned where the kind can do so without material.
    Assign,
    Nothing,
}

/// Where the previous material comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Former {
    /// What was current.
    WasCurrent,
    Stays,
    FromCopy,
    Nothing,
}

/// Something that happened, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub reason: Reason,
    pub text: String,
}

impl Page {
    pub(super) fn new(ledger: Ledger, current: Current, previous: Former) -> Self {
        Self { ledger, current, previous, news: None }
    }

    pub(super) fn telling(self, reason: Reason, text: impl Into<String>) -> Self {
        Self { news: Some(News { reason, text: text.into() }), ..self }
    }
}

/// New material with the next revision; what was there before is gone, or goes.
pub fn issue(scene: &Scene, from: Ledger, reason: Reason) -> Page {
    let (ledger, current) = renewed(scene, from, reason);
    let what = if reason == Reason::SecretRecreated {
        "The Secret was lost: it was made again with new material"
    } else if reason == Reason::SecretRepaired {
        "The material in the Secret was damaged: new material"
    } else {
        "New material"
    };
    let text = format!("{what}, revision {}", ledger.revision);
    let ledger = Ledger { previous: None, ..ledger };
    Page::new(ledger, current, Former::Nothing).telling(reason, text)
}

/// Why live material is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Asked,
    Schedule,
    Renewal,
}

/// New material with the next revision; the old one stays valid for the overlap.
pub fn rotate(scene: &Scene, from: &Ledger, cause: Cause) -> Page {
    let previous = overlapping(scene, from, cause);
    let reason = match cause {
        Cause::Asked | Cause::Schedule => Reason::Rotated,
        Cause::Renewal => Reason::Renewed,
    };
    let (ledger, current) = renewed(scene, from.clone(), reason);
    let (former, tail) = match &previous {
        Some(previous) => {
            (Former::WasCurrent, format!("the previous one is valid until {}", previous.retirement_time))
        }
        None => (Former::Nothing, "the previous one is no longer valid".to_owned()),
    };
    let text = format!("New material, revision {}; {tail}", ledger.revision);
    Page::new(Ledger { previous, ..ledger }, current, former).telling(reason, text)
}

/// What an issue and a rotation have in common: an issue for any cause consumes a pending rotate.
fn renewed(scene: &Scene, mut ledger: Ledger, reason: Reason) -> (Ledger, Current) {
    let trigger = consume(scene, &mut ledger, Trigger::Rotate);
    if ledger.revision == 0 {
        // What stands on the Account at the first issue is the baseline.
        Trigger::ALL
            .into_iter()
            .for_each(|trigger| ledger.account_handled.record(trigger, &scene.account_triggers));
    }
    let issue = down(scene.now);
    let Policy { source, default_lifetime, default_from, .. } = &scene.policy;
    let assigned = ledger.revision == 0 && !ledger.id.is_empty();
    let current = match source {
        Source::MintBoth if !assigned => Current::Mint { keep: None },
        Source::MintSecret | Source::MintBoth => {
            Current::Mint { keep: Some(ledger.id.clone()).filter(|id| !id.is_empty()) }
        }
        Source::Brought { .. } | Source::Awaited | Source::Line { .. } => Current::Brought,
    };
    if ledger.is_dead() {
        ledger.rebirth = Some(ledger.next_revision());
    }
    ledger.state = State::Live;
    ledger.revision = ledger.next_revision();
    ledger.parent = scene.policy.parent.as_ref().and_then(Parent::bond);
    ledger.issue_time = Some(issue);
    (ledger.default_lifetime, ledger.default_from) = (*default_lifetime, *default_from);
    ledger.not_after = scene.policy.not_after(issue, *default_lifetime);
    ledger.sealed = None;
    ledger.return_time = None;
    ledger.schedule = scene.policy.noted(&ledger, scene.now);
    discard_held(&mut ledger);
    ledger.note(issue, reason, trigger);
    (ledger, current)
}

/// The current material as the previous one of a rotation now: until its own not-after or the end of the overlap.
fn overlapping(scene: &Scene, from: &Ledger, cause: Cause) -> Option<Previous> {
    let end = match (scene.policy.overlap, cause) {
        (Some(overlap), _) if overlap.is_zero() => return None,
        (Some(overlap), _) => overlap.after(up(scene.now)),
        // The usual reason to rotate by hand is a leak.
        (None, Cause::Asked | Cause::Schedule) => return None,
        (None, Cause::Renewal) => from.not_after?,
    };
    leaving(from, end)
}

/// The current material as a previous one that goes at this time, or at its own end if that is sooner.
fn leaving(from: &Ledger, end: Timestamp) -> Option<Previous> {
    Some(Previous {
        id: from.id.clone(),
        public: from.public.clone(),
        digest: from.digest.clone()?,
        sealed: from.sealed.clone(),
        issue_time: from.issue_time,
        default_lifetime: from.default_lifetime,
        not_after: from.not_after,
        parent: from.parent.clone(),
        retirement_time: from.not_after.map_or(end, |own| own.min(end)),
    })
}

/// Current and previous material change places: the one that comes back keeps its own dates, the one that goes takes
/// the deadline. None if nothing comes back that would still be valid.
pub fn roll_back(scene: &Scene, from: &Ledger) -> Option<Page> {
    let back = from.previous.clone().filter(|back| !scene.is_past(back.retirement_time))?;
    let (Integrity::Intact, Integrity::Intact) = scene.integrity() else { return None };
    let deadline = back.retirement_time;
    let gone = leaving(from, deadline)?;
    let mut ledger = Ledger {
        revision: from.next_revision(),
        id: back.id,
        public: back.public,
        digest: Some(back.digest),
        sealed: back.sealed,
        // A ledger of an older version does not say when the previous one was minted.
        issue_time: back.issue_time.or(from.issue_time),
        default_lifetime: back.default_lifetime,
        not_after: back.not_after,
        parent: back.parent,
        return_time: Some(down(scene.now)),
        previous: Some(gone),
        ..from.clone()
    };
    // The spec may have been edited since: what it would end at once is not brought back.
    if scene.policy.not_after_of(&ledger).is_some_and(|end| end <= scene.now) {
        return None;
    }
    let trigger = consume(scene, &mut ledger, Trigger::Rollback);
    ledger.note(down(scene.now), Reason::RolledBack, trigger);
    let text = format!(
        "The previous material is current again, revision {}; the one that it replaces is valid until {deadline}",
        ledger.revision
    );
    Some(Page::new(ledger, Current::WasPrevious, Former::WasCurrent).telling(Reason::RolledBack, text))
}

/// The first page of a credential that is not active yet: an identity, no material.
pub fn born_inactive(scene: &Scene, blank: Ledger) -> Page {
    let schedule = scene.policy.noted(&blank, scene.now);
    let ledger = Ledger { not_after: scene.policy.fixed_end(), schedule, ..blank };
    Page::new(ledger, Current::Assign, Former::Nothing)
        .telling(Reason::Inactive, "Created inactive: no material is made before it is active")
}

/// The material is destroyed, current and previous. The identity stays listed.
pub fn destroy(scene: &Scene, from: &Ledger, state: State) -> Page {
    let not_after = match state {
        State::Expired => passed_end(scene, from).or(from.not_after),
        State::Revoked | State::Live | State::Withheld => from.not_after,
    };
    let mut ledger = Ledger { state, not_after, previous: None, digest: None, sealed: None, ..from.clone() };
    discard_held(&mut ledger);
    let (reason, text) = match state {
        State::Revoked => (
            Reason::Revoked,
            "The material was destroyed; set a new value of chatelaine.dev/rotate to issue anew",
        ),
        State::Expired | State::Live | State::Withheld => (
            Reason::Expired,
            "The material expired and was destroyed; rotate it or move its date to issue anew",
        ),
    };
    if state == State::Revoked {
        consume(scene, &mut ledger, Trigger::Revoke);
    }
    Page::new(ledger, Current::Nothing, Former::Nothing).telling(reason, text)
}

/// The material is destroyed, because what it was a part of is not valid any more.
pub fn bereave(scene: &Scene, from: &Ledger, reason: Reason, what: &str) -> Page {
    let now = down(scene.now);
    let from = Ledger { not_after: Some(from.not_after.map_or(now, |own| own.min(now))), ..from.clone() };
    let text = format!("{what}: the material was destroyed with it");
    destroy(scene, &from, State::Expired).telling(reason, text)
}

/// The material leaves the Secret; the copy holds it.
pub fn withhold(from: &Ledger, held: Option<Copy>, reason: Reason) -> Page {
    let text = match held {
        Some(_) => "The material was taken out of the Secret and is kept",
        None => {
            "The Secret holds no material while this is inactive, and none could be kept: new material follows"
        }
    };
    let ledger = Ledger { state: State::Withheld, held, discarded: None, ..from.clone() };
    Page::new(ledger, Current::Nothing, Former::Nothing).telling(reason, text)
}

/// Bytes that are not what status testifies leave the Secret; new material follows.
pub fn withdraw(testimony: &Ledger) -> Page {
    let ledger = Ledger { previous: None, ..testimony.clone() };
    Page::new(ledger, Current::Nothing, Former::Nothing).telling(
        Reason::SecretRepaired,
        "An old or foreign content of the Secret was removed; new material follows",
    )
}

/// The same bytes come back under the same revision.
pub fn give_back(scene: &Scene, from: &Ledger, previous: Integrity) -> Page {
    let mut ledger = Ledger { state: State::Live, ..from.clone() };
    ledger.previous = ledger
        .previous
        .filter(|_| previous == Integrity::Intact)
        .filter(|previous| !scene.is_past(previous.retirement_time));
    let former = if ledger.previous.is_some() { Former::FromCopy } else { Former::Nothing };
    discard_held(&mut ledger);
    Page::new(ledger, Current::FromCopy, former)
        .telling(Reason::Reactivated, "Active again: the same material is back in the Secret")
}

/// No other writer can name this copy any more: its delete is safe after this.
pub fn fence(scene: &Scene, from: &Ledger, copy: &Copy) -> Page {
    kept(scene, Ledger { discarded: Some(copy.clone()), ..from.clone() })
}

/// The copy that holds the material came back from a backup, under another uid.
pub fn name_copy(scene: &Scene, from: &Ledger, copy: &Copy) -> Page {
    kept(scene, Ledger { held: Some(copy.clone()), ..from.clone() })
}

/// The overlap is over, or somebody ends it.
pub fn retire(scene: &Scene, from: &Ledger) -> Page {
    let mut ledger = Ledger { previous: None, ..from.clone() };
    consume(scene, &mut ledger, Trigger::Retire);
    kept(scene, ledger).telling(Reason::Retired, "The previous material was removed")
}

/// A trigger that changes nothing: recorded, and said.
pub fn note(scene: &Scene, from: &Ledger, trigger: Trigger, text: &str) -> Page {
    let mut ledger = from.clone();
    consume(scene, &mut ledger, trigger);
    kept(scene, ledger).telling(Reason::Updated, text)
}

/// Records the values of a trigger on the object and on its Account as handled; the one that acts, if one is new.
fn consume(scene: &Scene, ledger: &mut Ledger, trigger: Trigger) -> Option<String> {
    let value = scene.asked(trigger, ledger).cloned();
    ledger.handled.record(trigger, &scene.triggers);
    if ledger.revision > 0 {
        ledger.account_handled.record(trigger, &scene.account_triggers);
    }
    value
}

/// Same material, same revision: a moved date, another rendering.
pub fn update(scene: &Scene, from: &Ledger) -> Page {
    let not_after =
        if from.revision > 0 { scene.policy.not_after_of(from) } else { scene.policy.fixed_end() };
    let schedule = scene.policy.noted(from, scene.now);
    kept(scene, Ledger { not_after, schedule, ..from.clone() })
}

/// The same keys under the same revision, encrypted as the spec asks now.
pub fn relock(page: Page) -> Page {
    Page { current: Current::Relock, ..page }
        .telling(Reason::Updated, "The private key is encrypted as the spec asks now; it is the same key")
}

/// A page on which the material stays where it is. Damaged bytes do not stay: nobody should use them.
pub fn kept(scene: &Scene, mut ledger: Ledger) -> Page {
    let (current, previous) = scene.integrity();
    if ledger.is_live() && previous == Integrity::Damaged {
        ledger.previous = None;
    }
    let former = if ledger.previous.is_some() { Former::Stays } else { Former::Nothing };
    match (ledger.state, current) {
        (State::Live, Integrity::Intact) => Page::new(ledger, Current::Stays, former),
        (State::Live, Integrity::Damaged) => Page::new(ledger, Current::Nothing, former),
        (State::Withheld | State::Expired | State::Revoked, _) => {
            Page::new(ledger, Current::Nothing, Former::Nothing)
        }
    }
}

/// The ledger stops naming the copy and says in the same write that it may be deleted.
fn discard_held(ledger: &mut Ledger) {
    if let Some(held) = ledger.held.take() {
        ledger.discarded = Some(held);
    }
}
