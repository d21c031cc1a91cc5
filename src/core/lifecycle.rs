//! The decision: a list of questions, asked in order; the first that has an answer gives the one write of this pass.
//!
//! | # | question | when | then |
//! |---|---|---|---|
//! | 1 | out of reach? | the Secret is a stranger's | wait, say whose it is and what to do; look again each minute |
//! |   | | it is dying, or the garbage collector will take it | wait until it is gone |
//! |   | | its ledger is of a newer version | hands off |
//! | 2 | taken back? | a restore or `Retain` left it, and nobody owns it | make it ours, same bytes, same revision |
//! |   | | somebody offered it and it conforms | adopt it, same bytes |
//! | 3 | revoke pending? | a new value of `revoke`, in any state | destroy current and previous |
//! |   | | born with `revoke` and without `rotate` | born `Revoked` |
//! | 4 | not-after passed? | the recorded one, or the one that the spec now gives | destroy current and previous |
//! |   | | the Secret of a dead credential is lost | make it again without material |
//! | 5 | inactive? | live, but the credential or its Account is inactive, or the Account is gone | copy, then take out |
//! |   | | withheld, and active again | same bytes back; new ones if a rotate is pending or the copy is lost |
//! |   | | a copy that the ledger does not name | fence it off, then delete it |
//! | 6 | issue due? | nothing there yet | mint revision 1, or create it inactive |
//! |   | | lost or damaged | mint the next revision, at most once a minute |
//! |   | | expired, and the date was moved beyond | mint the next revision |
//! |   | | dead, and a new value of `rotate` or another uploaded key | mint the next revision |
//! | 7 | rotate due? | live, and a new value of `rotate`, or another uploaded key | mint; the old one overlaps |
//! | 8 | retire due? | the overlap is over | remove the previous one |
//! | 9 | drift? | the date, or what the Secret should look like, is another | rewrite, same material |
//! |   | | what it should look like is refused | rest, and say so |
//! | – | none | | rest until the next alarm |
//!
//! Whatever would mint is held up by an Account that is not there, by input that is refused and by a date that has
//! passed; the questions after it are asked all the same. An object that is being deleted is only ever revoked,
//! expired or retired.

use jiff::Timestamp;

use super::{
    ledger::{Copy, Ledger},
    page::{self, Page},
    period::Period,
    policy::{Source, Wanted},
    reason::Reason,
    scene::{Account, CopySight, Existence, Form, Inside, Integrity, Origin, Scene, Sight},
    trigger::Handled,
};
use crate::api::State;

/// A Secret of a live credential is made again at most once in this time.
pub const REMAKE_PAUSE: Period = Period::seconds(60);
/// A stranger's Secret is looked at again after this time: no watch shows it.
pub const CONFLICT_PAUSE: Period = Period::seconds(60);

/// What is to be done now: at most one write.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Nothing; what stands in the way, if anything does.
    Rest(Option<Complaint>),
    /// Create or replace the Secret.
    Write(Box<Page>),
    /// Create the copy from the material in the Secret.
    Hold,
    /// Remove the previous material from the copy.
    Trim,
    /// Delete this copy.
    Discard(Copy),
}

/// What stands in the way, and who can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub reason: Reason,
    pub message: String,
    pub remedy: Remedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Only somebody can: by a change that will be seen.
    Person,
    /// It passes by itself, or by a change elsewhere.
    Waiting { look_again: Option<Timestamp> },
}

/// The answer to one question.
enum Answer {
    No,
    Yes(Act),
    /// It should be, but cannot; the next questions are asked all the same.
    Blocked(Complaint),
}

const QUESTIONS: [fn(&Scene) -> Answer; 9] =
    [out_of_reach, taken_back, revoked, expired, withheld, issue_due, rotate_due, retire_due, drifted];

/// Asks the questions in order.
pub fn decide(scene: &Scene) -> Act {
    let mut complaint = None;
    for ask in QUESTIONS {
        match ask(scene) {
            Answer::No => {}
            Answer::Yes(act) => return act,
            Answer::Blocked(blocked) => complaint = complaint.or(Some(blocked)),
        }
    }
    Act::Rest(complaint)
}

impl From<Page> for Answer {
    fn from(page: Page) -> Self {
        Self::Yes(Act::Write(Box::new(page)))
    }
}

impl Complaint {
    pub fn person(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), remedy: Remedy::Person }
    }

    pub fn waiting(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), remedy: Remedy::Waiting { look_again: None } }
    }

    pub fn until(self, time: Timestamp) -> Self {
        Self { remedy: Remedy::Waiting { look_again: Some(time) }, ..self }
    }

    fn stop(self) -> Answer {
        Answer::Yes(Act::Rest(Some(self)))
    }
}

fn out_of_reach(scene: &Scene) -> Answer {
    let again = CONFLICT_PAUSE.after(scene.now);
    let conflict = |text: String| Complaint::waiting(Reason::SecretConflict, text).until(again).stop();
    match &scene.secret {
        Sight::Foreign { holder } => conflict(format!(
            "The Secret exists and belongs to {holder}: choose another spec.secret.name, or offer it with the annotation \
             chatelaine.dev/adopt: {}/{}",
            scene.owner.kind, scene.owner.name
        )),
        Sight::Offered { found: Err(why) } => conflict(format!("The offered Secret cannot be adopted: {why}")),
        Sight::Dying => {
            Complaint::waiting(Reason::SecretTerminating, "The Secret is being deleted; it is made again when it is gone")
                .until(again)
                .stop()
        }
        Sight::LeftBehind => Complaint::waiting(
            Reason::SecretTerminating,
            "The Secret belongs to a deleted object of the same name; it is made again when the garbage collector took it",
        )
        .until(again)
        .stop(),
        Sight::Newer(version) => Complaint::person(
            Reason::Unreadable,
            format!("The ledger on the Secret has version {version}, which this operator does not know: upgrade the operator"),
        )
        .stop(),
        Sight::Absent | Sight::Ours { .. } | Sight::Mute | Sight::Orphan { .. } | Sight::Offered { found: Ok(_) } => Answer::No,
    }
}

fn taken_back(scene: &Scene) -> Answer {
    if scene.existence == Existence::BeingDeleted {
        let untouched = matches!(scene.secret, Sight::Orphan { .. } | Sight::Offered { .. });
        return if untouched { Answer::Yes(Act::Rest(None)) } else { Answer::No };
    }
    match &scene.secret {
        Sight::Orphan { ledger } => page::restore(scene, ledger).into(),
        Sight::Offered { found: Ok(find) } => page::adopt(scene, past(scene), find).into(),
        Sight::Offered { found: Err(_) }
        | Sight::Absent
        | Sight::Ours { .. }
        | Sight::Mute
        | Sight::Newer(_)
        | Sight::Dying
        | Sight::LeftBehind
        | Sight::Foreign { .. } => Answer::No,
    }
}

fn revoked(scene: &Scene) -> Answer {
    if let Some(ledger) = scene.ledger().or(scene.lost()) {
        let pending = ledger.handled.new_revoke(&scene.triggers).is_some();
        let reachable = scene.ledger().is_some() || scene.existence == Existence::Standing;
        return if pending && reachable {
            page::destroy(scene, ledger, State::Revoked).into()
        } else {
            Answer::No
        };
    }
    let born_revoked = scene.triggers.revoke.is_some() && scene.triggers.rotate.is_none();
    if scene.is_blank() && born_revoked && scene.existence == Existence::Standing && account_is_there(scene) {
        return page::destroy(scene, &past(scene), State::Revoked).into();
    }
    Answer::No
}

fn expired(scene: &Scene) -> Answer {
    let passed = |ledger: &Ledger| {
        let now_given = scene.policy.not_after_of(ledger);
        let dates = [ledger.not_after, now_given];
        ledger.revision > 0 && !ledger.is_dead() && dates.iter().flatten().any(|date| scene.is_past(*date))
    };
    if let Some(ledger) = scene.ledger() {
        return if passed(ledger) { page::destroy(scene, ledger, State::Expired).into() } else { Answer::No };
    }
    match scene.lost() {
        Some(_) if scene.existence == Existence::BeingDeleted => Answer::No,
        Some(testimony) if testimony.is_dead() => {
            Answer::from(Page { news: None, ..page::kept(testimony.clone()) })
        }
        Some(testimony) if passed(testimony) => page::destroy(scene, testimony, State::Expired).into(),
        Some(_) | None => Answer::No,
    }
}

fn withheld(scene: &Scene) -> Answer {
    let Some(ledger) = scene.ledger() else { return Answer::No };
    if scene.existence == Existence::BeingDeleted {
        let fenced = scene.copy.as_ref().filter(|found| ledger.discarded.as_ref() == Some(&found.copy));
        return fenced.map_or(Answer::No, |found| Answer::Yes(Act::Discard(found.copy.clone())));
    }
    let inactive = why_inactive(scene);
    match (ledger.state, inactive) {
        (State::Live, Some(reason)) if is_intact(scene) => match &scene.copy {
            None => Answer::Yes(Act::Hold),
            Some(CopySight { origin: Origin::JustMade, copy, .. }) => {
                page::withhold(ledger, Some(copy.clone()), reason).into()
            }
            Some(stray) => clear_away(ledger, stray),
        },
        // Damaged material is not worth keeping: what comes back later is new.
        (State::Live, Some(reason)) => page::withhold(ledger, None, reason).into(),
        (State::Withheld, None) if ledger.revision > 0 && account_is_active(scene) => {
            give_back(scene, ledger)
        }
        (State::Withheld, Some(_) | None) => match &scene.copy {
            Some(found) if ledger.held.as_ref() != Some(&found.copy) => clear_away(ledger, found),
            Some(_) | None => Answer::No,
        },
        (State::Live | State::Expired | State::Revoked, _) => match &scene.copy {
            Some(stray) => clear_away(ledger, stray),
            None => Answer::No,
        },
    }
}

fn give_back(scene: &Scene, ledger: &Ledger) -> Answer {
    if ledger.handled.new_rotate(&scene.triggers).is_some() && !is_brought(scene)
        || brought_anew(scene, ledger)
    {
        return mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Rotated));
    }
    let named = scene.copy.as_ref().filter(|found| ledger.held.as_ref() == Some(&found.copy));
    match named.map(|found| found.inside) {
        Some(Inside::Read { current: Integrity::Intact, previous }) => {
            page::give_back(scene, ledger, previous).into()
        }
        // Deciding on an unread copy only asks for a closer look.
        Some(Inside::Unread) => page::give_back(scene, ledger, Integrity::Intact).into(),
        Some(Inside::Read { current: Integrity::Damaged, .. }) | None => {
            mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::SecretRecreated))
        }
    }
}

/// A copy that the ledger does not name is fenced off, then deleted; a stranger's is never touched.
fn clear_away(ledger: &Ledger, found: &CopySight) -> Answer {
    match found.origin {
        Origin::Strange => Answer::Blocked(Complaint::person(
            Reason::SecretConflict,
            format!(
                "The Secret {} is not the operator's but has the name of its copy: delete or rename it",
                found.copy.name
            ),
        )),
        Origin::JustMade | Origin::Found if ledger.discarded.as_ref() == Some(&found.copy) => {
            Answer::Yes(Act::Discard(found.copy.clone()))
        }
        Origin::JustMade | Origin::Found => page::fence(ledger, &found.copy).into(),
    }
}

fn issue_due(scene: &Scene) -> Answer {
    if scene.is_blank() {
        return first_issue(scene);
    }
    if let Some(testimony) = scene.lost() {
        return remake(scene, testimony);
    }
    let Some(ledger) = scene.ledger() else { return Answer::No };
    match ledger.state {
        State::Withheld if ledger.revision == 0 && why_inactive(scene).is_none() => {
            mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Issued))
        }
        State::Live if !is_intact(scene) => once_a_minute(scene, ledger, Reason::SecretRepaired),
        State::Expired | State::Revoked => reissue(scene, ledger),
        State::Live | State::Withheld => Answer::No,
    }
}

fn first_issue(scene: &Scene) -> Answer {
    match why_inactive(scene) {
        Some(Reason::Inactive | Reason::AccountInactive)
            if account_is_there(scene) && scene.existence == Existence::Standing =>
        {
            match may_mint(scene) {
                Ok(()) => page::born_inactive(scene, past(scene)).into(),
                Err(complaint) if complaint.reason == Reason::AccountInactive => {
                    page::born_inactive(scene, past(scene)).into()
                }
                Err(complaint) => Answer::Blocked(complaint),
            }
        }
        Some(_) | None => mint(scene, |scene| page::issue(scene, past(scene), Reason::Issued)),
    }
}

/// The Secret is gone, mute or an old copy of itself; status says what was in it.
fn remake(scene: &Scene, testimony: &Ledger) -> Answer {
    if scene.existence == Existence::BeingDeleted {
        return Answer::No;
    }
    let held = scene.copy.as_ref().filter(|copy| {
        copy.origin != Origin::Strange
            && !matches!(copy.inside, Inside::Read { current: Integrity::Damaged, .. })
    });
    match (testimony.state, why_inactive(scene)) {
        (State::Withheld, _) if testimony.revision == 0 => page::kept(testimony.clone()).into(),
        (State::Withheld, _) => {
            page::withhold(testimony, held.map(|held| held.copy.clone()), Reason::SecretRecreated).into()
        }
        (State::Live, Some(reason)) => page::withhold(testimony, None, reason).into(),
        (State::Live, None) => once_a_minute(scene, testimony, Reason::SecretRecreated),
        (State::Expired | State::Revoked, _) => Answer::No,
    }
}

fn once_a_minute(scene: &Scene, ledger: &Ledger, reason: Reason) -> Answer {
    let earliest = REMAKE_PAUSE.after(ledger.issue_time.unwrap_or(Timestamp::MIN));
    if scene.now < earliest && ledger.issue_time.is_some_and(|issue| issue <= scene.now) {
        let text = format!(
            "The Secret was lost or damaged; new material is made at most once a minute, next at {earliest}"
        );
        return Answer::Blocked(Complaint::waiting(reason, text).until(earliest));
    }
    mint(scene, |scene| page::issue(scene, ledger.clone(), reason))
}

/// What is dead is issued anew when the date was moved beyond the one that had passed, or when somebody asks.
fn reissue(scene: &Scene, ledger: &Ledger) -> Answer {
    let asked = ledger.handled.new_rotate(&scene.triggers).is_some();
    let given = scene.policy.not_after(scene.now, scene.policy.default_lifetime);
    let date_passed = given.is_some_and(|date| date <= scene.now);
    let moved = match (ledger.not_after, scene.policy.not_after_of(ledger)) {
        (Some(recorded), Some(now_given)) => recorded < now_given && scene.now < now_given,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let cause = (ledger.state == State::Expired && moved)
        || brought_anew(scene, ledger)
        || (asked && !is_brought(scene));
    if asked && is_brought(scene) && !cause {
        return page::note_rotate(
            scene,
            ledger,
            "An uploaded key is rotated by changing spec.publicKey; the trigger changes nothing",
        )
        .into();
    }
    if asked && date_passed {
        let text = "spec.expirationTime has passed: move it to issue anew; the trigger changes nothing";
        return page::note_rotate(scene, ledger, text).into();
    }
    if !cause || why_inactive(scene).is_some() {
        return Answer::No;
    }
    mint(scene, |scene| page::issue(scene, ledger.clone(), Reason::Issued))
}

fn rotate_due(scene: &Scene) -> Answer {
    let Some(ledger) = scene.ledger().filter(|ledger| ledger.is_live()) else { return Answer::No };
    let asked = ledger.handled.new_rotate(&scene.triggers).is_some();
    if brought_anew(scene, ledger) || (asked && !is_brought(scene)) {
        return mint(scene, |scene| page::rotate(scene, ledger));
    }
    if asked && scene.existence == Existence::Standing {
        return page::note_rotate(
            scene,
            ledger,
            "An uploaded key is rotated by changing spec.publicKey; the trigger changes nothing",
        )
        .into();
    }
    Answer::No
}

fn retire_due(scene: &Scene) -> Answer {
    let Some((ledger, previous)) =
        scene.ledger().and_then(|ledger| Some((ledger, ledger.previous.as_ref()?)))
    else {
        return Answer::No;
    };
    let inside = match (&scene.secret, ledger.state) {
        (Sight::Ours { inside, .. }, State::Live) => Some(*inside),
        _ => None,
    };
    let damaged = matches!(inside, Some(Inside::Read { previous: Integrity::Damaged, .. }));
    if !scene.is_past(previous.retirement_time) && !damaged {
        return Answer::No;
    }
    match &scene.copy {
        Some(CopySight {
            copy,
            inside: Inside::Read { previous: Integrity::Intact, .. } | Inside::Unread,
            ..
        }) if ledger.held.as_ref() == Some(copy) => Answer::Yes(Act::Trim),
        Some(_) | None => page::retire(ledger).into(),
    }
}

fn drifted(scene: &Scene) -> Answer {
    let (Some(ledger), Sight::Ours { form, .. }) = (scene.ledger(), &scene.secret) else { return Answer::No };
    if scene.existence == Existence::BeingDeleted {
        return Answer::No;
    }
    let page = page::update(scene, ledger);
    let moved = !ledger.is_dead() && page.ledger.not_after != ledger.not_after;
    match form {
        Form::Differs if ledger.is_dead() => page::kept(ledger.clone()).into(),
        // What the spec asks for beside the material and cannot have: the Secret is as it was, and says so.
        Form::Fits if !moved => match &scene.policy.refusal {
            Some(refusal) if refusal.reason == Reason::InvalidSpec && ledger.is_live() => {
                Answer::Blocked(refusal.clone())
            }
            Some(_) | None => Answer::No,
        },
        Form::Fits | Form::Differs => page.into(),
    }
}

/// Mints, unless something stands in the way.
fn mint(scene: &Scene, page: impl FnOnce(&Scene) -> Page) -> Answer {
    match may_mint(scene) {
        Ok(()) if scene.existence == Existence::BeingDeleted => Answer::No,
        Ok(()) => page(scene).into(),
        Err(complaint) => Answer::Blocked(complaint),
    }
}

fn may_mint(scene: &Scene) -> Result<(), Complaint> {
    let account = &scene.owner.account;
    match scene.account {
        Account::Missing | Account::MissingLately { .. } => {
            return Err(Complaint::waiting(
                Reason::AccountNotFound,
                format!(
                    "There is no Account {account} in this namespace: create it, or delete this and name another one"
                ),
            ));
        }
        Account::Unknown => {
            return Err(Complaint::waiting(
                Reason::ApiUnavailable,
                format!("The Account {account} could not be read; tried again"),
            ));
        }
        Account::Inactive => {
            return Err(Complaint::waiting(
                Reason::AccountInactive,
                format!("The Account {account} is inactive: nothing is issued"),
            ));
        }
        Account::Active => {}
    }
    if let Some(refusal) = &scene.policy.refusal {
        return Err(refusal.clone());
    }
    match scene.policy.not_after(scene.now, scene.policy.default_lifetime) {
        Some(date) if date <= scene.now => Err(Complaint::person(
            Reason::Expired,
            format!(
                "spec.expirationTime {date} has passed: nothing is issued; move it into the future or remove it"
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

/// The ledger to go on from when the Secret has none: what status testifies, else a blank one whose baseline is
/// that what is there has acted.
fn past(scene: &Scene) -> Ledger {
    let baseline = || Ledger {
        account_handled: Handled::baseline(&scene.account_triggers),
        ..Ledger::blank(scene.owner.clone(), scene.number, Handled::baseline(&scene.triggers))
    };
    scene.testimony.clone().unwrap_or_else(baseline)
}

fn why_inactive(scene: &Scene) -> Option<Reason> {
    match (scene.policy.wanted, scene.account) {
        (Wanted::Inactive, _) => Some(Reason::Inactive),
        (Wanted::Active, Account::Inactive) => Some(Reason::AccountInactive),
        (Wanted::Active, Account::Missing) => Some(Reason::AccountNotFound),
        (Wanted::Active, Account::Active | Account::MissingLately { .. } | Account::Unknown) => None,
    }
}

fn account_is_there(scene: &Scene) -> bool {
    matches!(scene.account, Account::Active | Account::Inactive)
}

fn account_is_active(scene: &Scene) -> bool {
    scene.account == Account::Active
}

fn is_intact(scene: &Scene) -> bool {
    !matches!(scene.secret, Sight::Ours { inside: Inside::Read { current: Integrity::Damaged, .. }, .. })
}

fn is_brought(scene: &Scene) -> bool {
    matches!(scene.policy.source, Source::Brought { .. })
}

/// Whether the user brought another key than the ledger knows.
fn brought_anew(scene: &Scene, ledger: &Ledger) -> bool {
    match &scene.policy.source {
        Source::Brought { id } => id.as_ref() != Some(&ledger.id),
        Source::MintSecret | Source::MintBoth => false,
    }
}
