//! Where each object stands: in a line, being looked at, or waiting for its alarms.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::queue::{Again, Key, Lane};

/// Alarms run on the monotonic clock, so that none is early or late for long after a jump of the wall clock.
pub const SOONEST: Duration = Duration::from_millis(10);
pub const LATEST: Duration = Duration::from_secs(3_600);
/// An end that is further away is told again by the look that comes within the hour.
const FORESEEN: Duration = LATEST.saturating_mul(2);

#[derive(Default)]
pub struct Slots {
    deadline: VecDeque<Key>,
    ordinary: VecDeque<Key>,
    alarms: BTreeSet<(Instant, Lane, Key)>,
    all: HashMap<Key, Slot>,
}

#[derive(Default)]
struct Slot {
    waiting: Option<Lane>,
    running: Option<Lane>,
    /// When the next look is wanted.
    alarm: Option<Instant>,
    /// When material has to go, whatever is wanted before that.
    end: Option<Instant>,
    failures: u32,
}

impl Slot {
    fn alarm_in(&mut self, lane: Lane) -> &mut Option<Instant> {
        match lane {
            Lane::Ordinary => &mut self.alarm,
            Lane::Deadline => &mut self.end,
        }
    }
}

impl Slots {
    pub fn push(&mut self, key: Key, lane: Lane) {
        let slot = self.all.entry(key.clone()).or_default();
        if slot.waiting >= Some(lane) {
            return;
        }
        slot.waiting = Some(lane);
        if slot.running.is_none() {
            self.line(lane).push_back(key);
        }
    }

    /// The next in line, which is being looked at from now on.
    pub fn pop(&mut self) -> Option<Key> {
        while let Some(key) = self.deadline.pop_front().or_else(|| self.ordinary.pop_front()) {
            // A key that was pushed in both lanes stands in both lines; the second time nobody waits any more.
            let Some(slot) =
                self.all.get_mut(&key).filter(|slot| slot.waiting.is_some() && slot.running.is_none())
            else {
                continue;
            };
            slot.running = slot.waiting.take();
            return Some(key);
        }
        None
    }

    pub fn are_in_line(&self) -> bool {
        !self.deadline.is_empty() || !self.ordinary.is_empty()
    }

    pub fn next_alarm(&self) -> Option<Instant> {
        self.alarms.first().map(|(time, ..)| *time)
    }

    /// Moves everything whose alarm has come into its line.
    pub fn ring(&mut self, now: Instant) {
        while self.alarms.first().is_some_and(|(time, ..)| *time <= now) {
            let Some((_, lane, key)) = self.alarms.pop_first() else { return };
            if let Some(slot) = self.all.get_mut(&key) {
                *slot.alarm_in(lane) = None;
                self.push(key, lane);
            }
        }
    }

    pub fn ends(&mut self, key: &Key, pause: Option<Duration>) {
        let end = pause.filter(|pause| *pause <= FORESEEN).map(|pause| Instant::now() + pause.max(SOONEST));
        if end.is_some() {
            self.all.entry(key.clone()).or_default();
        }
        self.set(key, Lane::Deadline, end);
        self.tidy(key);
    }

    /// The look failed; how often in a row by now, and the lane that it came in.
    pub fn failed(&mut self, key: &Key) -> (u32, Option<Lane>) {
        self.all.get_mut(key).map_or((1, None), |slot| {
            slot.failures = slot.failures.saturating_add(1);
            (slot.failures, slot.running)
        })
    }

    pub fn failures(&self, key: &Key) -> u32 {
        self.all.get(key).map_or(0, |slot| slot.failures)
    }

    pub fn succeeded(&mut self, key: &Key) {
        if let Some(slot) = self.all.get_mut(key) {
            slot.failures = 0;
        }
    }

    /// The look is over.
    pub fn finish(&mut self, key: &Key, again: Again) {
        let after = |pause: Duration| Instant::now() + pause.clamp(SOONEST, LATEST);
        let running = self.all.get_mut(key).and_then(|slot| slot.running.take());
        match again {
            Again::Never => self.set(key, Lane::Ordinary, None),
            Again::In(pause) => self.set(key, Lane::Ordinary, Some(after(pause))),
            Again::NotYet(pause) => {
                let lane = running.unwrap_or(Lane::Ordinary);
                let before = self.all.get_mut(key).and_then(|slot| *slot.alarm_in(lane));
                self.set(key, lane, before.into_iter().chain([after(pause)]).min());
            }
        }
        if let Some(lane) = self.all.get(key).and_then(|slot| slot.waiting) {
            self.line(lane).push_back(key.clone());
        }
        self.tidy(key);
    }

    pub fn forget(&mut self, key: &Key) {
        self.set(key, Lane::Ordinary, None);
        self.set(key, Lane::Deadline, None);
        self.succeeded(key);
        self.tidy(key);
    }

    fn line(&mut self, lane: Lane) -> &mut VecDeque<Key> {
        match lane {
            Lane::Deadline => &mut self.deadline,
            Lane::Ordinary => &mut self.ordinary,
        }
    }

    fn set(&mut self, key: &Key, lane: Lane, time: Option<Instant>) {
        let Some(slot) = self.all.get_mut(key) else { return };
        if let Some(before) = std::mem::replace(slot.alarm_in(lane), time) {
            self.alarms.remove(&(before, lane, key.clone()));
        }
        if let Some(time) = time {
            self.alarms.insert((time, lane, key.clone()));
        }
    }

    /// Nothing is remembered of what neither happens nor is wanted.
    fn tidy(&mut self, key: &Key) {
        let is_idle = |slot: &Slot| {
            slot.waiting.or(slot.running).is_none() && slot.alarm.or(slot.end).is_none() && slot.failures == 0
        };
        if self.all.get(key).is_some_and(is_idle) {
            self.all.remove(key);
        }
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.alarms.is_empty()
    }
}
