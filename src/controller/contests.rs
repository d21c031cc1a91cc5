//! Secrets that somebody changes as soon as they are written: what was tried in vain is tried again after a minute, not
//! with each of the events that trying makes.

use std::{
    collections::HashMap,
    mem::{Discriminant, discriminant},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::{Duration, Instant};

use crate::{
    api::State,
    core::{lifecycle::Act, page::Current, scene::Scene},
};

const PAUSE: Duration = Duration::from_secs(60);

/// What was tried in vain lately, by the uid of the object. It forgets by itself.
#[derive(Default)]
pub struct Contests(Mutex<HashMap<String, (Aim, Instant)>>);

/// What an act is for, whatever else it writes: a rotation is not held up by what came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Aim {
    act: Discriminant<Act>,
    page: Option<(State, i64)>,
}

impl Aim {
    fn of(act: &Act) -> Self {
        let page = match act {
            Act::Write(page) => Some((page.ledger.state, page.ledger.revision)),
            Act::Rest(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown | Act::Discard(_) => None,
        };
        Self { act: discriminant(act), page }
    }
}

/// Whether something has to leave the Secret, or the copy, that is still in it: that is not put off.
pub fn takes_away(act: &Act, scene: &Scene) -> bool {
    match act {
        Act::Write(page) => {
            let there = scene.ledger();
            let withdraws =
                !page.ledger.is_live() && there.is_none_or(|there| there.state != page.ledger.state);
            withdraws || page.ledger.previous.is_none() && there.is_some_and(|there| there.previous.is_some())
        }
        Act::Trim => true,
        Act::Rest(_) | Act::Seal | Act::Hold | Act::Reown | Act::Discard(_) => false,
    }
}

/// The revision that the act gives to a new value.
pub fn revision_minted(act: &Act) -> Option<i64> {
    match act {
        Act::Write(page) => matches!(page.current, Current::Mint { .. }).then_some(page.ledger.revision),
        Act::Rest(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown | Act::Discard(_) => None,
    }
}

impl Contests {
    /// The act was tried in vain; when it is tried again.
    pub fn note(&self, uid: &str, act: &Act) -> Duration {
        self.lock().insert(uid.to_owned(), (Aim::of(act), Instant::now() + PAUSE));
        PAUSE
    }

    /// How long the act is not tried, if it was in vain lately.
    pub fn pause(&self, uid: &str, act: &Act) -> Option<Duration> {
        let all = self.lock();
        let (aim, until) = all.get(uid)?;
        (*aim == Aim::of(act)).then(|| until.saturating_duration_since(Instant::now()))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Aim, Instant)>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        all.retain(|_, (_, until)| *until > now);
        all
    }
}
