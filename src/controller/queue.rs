//! Which object is looked at next: deadlines first, then in the order of arrival; no object twice at the same time.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// An object to look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub kind: &'static str,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

/// How urgent a look is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    Ordinary,
    /// Material has to go now.
    Deadline,
}

/// When the object wants to be looked at again if nothing happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    Never,
    In(Duration, Lane),
    /// It could not be told yet: as was said before, in the lane that it came in, but not later than after this pause.
    NotYet(Duration),
}

impl Again {
    /// The same, but not later than after this pause.
    pub fn at_the_latest(self, pause: Option<Duration>) -> Self {
        match (self, pause) {
            (Self::Never, Some(pause)) => Self::In(pause, Lane::Ordinary),
            (Self::In(own, _) | Self::NotYet(own), Some(pause)) if pause < own => {
                Self::In(pause, Lane::Ordinary)
            }
            (again, _) => again,
        }
    }
}

/// Alarms run on the monotonic clock, so that none is early or late for long after a jump of the wall clock.
const SOONEST: Duration = Duration::from_millis(10);
const LATEST: Duration = Duration::from_secs(3_600);
/// What has to go now is tried again after this time at the latest.
const LATEST_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Default)]
struct Inner {
    deadline: VecDeque<Key>,
    ordinary: VecDeque<Key>,
    alarms: BTreeSet<(Instant, Key)>,
    slots: HashMap<Key, Slot>,
}

#[derive(Default)]
struct Slot {
    waiting: Option<Lane>,
    running: Option<Lane>,
    alarm: Option<(Instant, Lane)>,
    failures: u32,
}

impl Queue {
    /// Asks for a look at the object; asking again before it happens changes nothing but the urgency.
    pub fn push(&self, key: Key, lane: Lane) {
        self.lock().push(key, lane);
        self.wake.notify_one();
    }

    /// Waits for the next object. The caller says [`done`](Self::done) or [`failed`](Self::failed) afterwards.
    pub async fn next(&self) -> Key {
        loop {
            let woken = self.wake.notified();
            let (key, more, alarm) = {
                let mut inner = self.lock();
                inner.ring(Instant::now());
                let key = inner.pop();
                let more = !inner.deadline.is_empty() || !inner.ordinary.is_empty();
                (key, more, inner.alarms.first().map(|(time, _)| *time))
            };
            if let Some(key) = key {
                if more || alarm.is_some() {
                    self.wake.notify_one();
                }
                return key;
            }
            match alarm {
                Some(time) => tokio::select! { () = woken => {}, () = sleep_until(time) => {} },
                None => woken.await,
            }
        }
    }

    /// The object was looked at.
    pub fn done(&self, key: &Key, again: Again) {
        let mut inner = self.lock();
        if let Some(slot) = inner.slots.get_mut(key) {
            slot.failures = 0;
        }
        inner.finish(key, again);
        drop(inner);
        self.wake.notify_one();
    }

    /// The look failed: it is repeated in its lane after a pause that doubles with each failure, from half a second to a
    /// minute, or to five seconds where material has to go. `spread` in 0..=1 keeps objects that failed together from coming back together.
    pub fn failed(&self, key: &Key, spread: f64) -> Duration {
        let mut inner = self.lock();
        let (failures, lane) = inner.slots.get_mut(key).map_or((1, None), |slot| {
            slot.failures = slot.failures.saturating_add(1);
            (slot.failures, slot.running)
        });
        let pause = Duration::from_millis(500 << failures.saturating_sub(1).min(7));
        let pause = match lane {
            Some(Lane::Deadline) => pause.min(LATEST_DEADLINE),
            Some(Lane::Ordinary) | None => pause,
        };
        let pause = pause.mul_f64(1.0 - spread / 2.0);
        inner.finish(key, Again::NotYet(pause));
        drop(inner);
        self.wake.notify_one();
        pause
    }

    /// The object is gone.
    pub fn forget(&self, key: &Key) {
        let mut inner = self.lock();
        inner.set_alarm(key, None);
        if inner.slots.get(key).is_some_and(|slot| slot.running.is_none() && slot.waiting.is_none()) {
            inner.slots.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn push(&mut self, key: Key, lane: Lane) {
        let slot = self.slots.entry(key.clone()).or_default();
        if slot.waiting >= Some(lane) {
            return;
        }
        slot.waiting = Some(lane);
        if slot.running.is_none() {
            self.line(lane).push_back(key);
        }
    }

    fn line(&mut self, lane: Lane) -> &mut VecDeque<Key> {
        match lane {
            Lane::Deadline => &mut self.deadline,
            Lane::Ordinary => &mut self.ordinary,
        }
    }

    fn pop(&mut self) -> Option<Key> {
        while let Some(key) = self.deadline.pop_front().or_else(|| self.ordinary.pop_front()) {
            // A key that was pushed in both lanes stands in both lines; the second time nobody waits any more.
            let Some(slot) =
                self.slots.get_mut(&key).filter(|slot| slot.waiting.is_some() && slot.running.is_none())
            else {
                continue;
            };
            slot.running = slot.waiting.take();
            return Some(key);
        }
        None
    }

    fn finish(&mut self, key: &Key, again: Again) {
        let after = |pause: Duration| Instant::now() + pause.clamp(SOONEST, LATEST);
        let slot = self.slots.get(key);
        let alarm = match again {
            Again::Never => None,
            Again::In(pause, lane) => Some((after(pause), lane)),
            Again::NotYet(pause) => {
                let lane = slot.and_then(|slot| slot.running).unwrap_or(Lane::Ordinary);
                let before = slot.and_then(|slot| slot.alarm);
                before.into_iter().chain([(after(pause), lane)]).min_by_key(|(time, _)| *time)
            }
        };
        self.set_alarm(key, alarm);
        let Some(slot) = self.slots.get_mut(key) else { return };
        slot.running = None;
        match slot.waiting {
            Some(lane) => self.line(lane).push_back(key.clone()),
            None if slot.alarm.is_none() && slot.failures == 0 => {
                self.slots.remove(key);
            }
            None => {}
        }
    }

    fn set_alarm(&mut self, key: &Key, alarm: Option<(Instant, Lane)>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let old = std::mem::replace(&mut slot.alarm, alarm);
        if let Some((time, _)) = old {
            self.alarms.remove(&(time, key.clone()));
        }
        if let Some((time, _)) = alarm {
            self.alarms.insert((time, key.clone()));
        }
    }

    /// Moves everything whose alarm has come into its line.
    fn ring(&mut self, now: Instant) {
        while self.alarms.first().is_some_and(|(time, _)| *time <= now) {
            let Some((_, key)) = self.alarms.pop_first() else { return };
            let alarm = self.slots.get_mut(&key).and_then(|slot| slot.alarm.take());
            if let Some((_, lane)) = alarm {
                self.push(key, lane);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key { kind: "AccessToken", namespace: "ns".into(), name: name.into() }
    }

    async fn idle(queue: &Queue) -> bool {
        tokio::time::timeout(Duration::from_millis(1), queue.next()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_go_before_everything_else() {
        let queue = Queue::default();
        queue.push(key("a"), Lane::Ordinary);
        queue.push(key("b"), Lane::Ordinary);
        queue.push(key("late"), Lane::Deadline);
        queue.push(key("b"), Lane::Deadline);
        let order = [queue.next().await, queue.next().await, queue.next().await];
        assert_eq!(order, [key("late"), key("b"), key("a")]);
        assert!(idle(&queue).await, "b stood in both lines but is looked at once");
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_is_never_looked_at_twice_at_the_same_time() {
        let queue = Queue::default();
        queue.push(key("a"), Lane::Ordinary);
        assert_eq!(queue.next().await, key("a"));
        queue.push(key("a"), Lane::Ordinary);
        queue.push(key("a"), Lane::Ordinary);
        assert!(idle(&queue).await);
        queue.done(&key("a"), Again::Never);
        assert_eq!(queue.next().await, key("a"));
        queue.done(&key("a"), Again::Never);
        assert!(idle(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_rings_at_its_time_and_a_later_look_replaces_it() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::In(Duration::from_secs(5), Lane::Deadline));
        assert_eq!(queue.next().await, key("a"));
        assert_eq!(start.elapsed().as_secs(), 5);
        queue.done(&key("a"), Again::In(Duration::from_secs(5), Lane::Deadline));
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::Never);
        assert!(tokio::time::timeout(Duration::from_secs(100), queue.next()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_object_comes_back_more_and_more_slowly_and_holds_up_no_other() {
        let queue = Queue::default();
        queue.push(key("bad"), Lane::Ordinary);
        let mut pauses = Vec::new();
        for _ in 0..9 {
            queue.next().await;
            pauses.push(queue.failed(&key("bad"), 0.0).as_millis());
        }
        assert_eq!(pauses, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000]);
        queue.push(key("good"), Lane::Ordinary);
        assert_eq!(queue.next().await, key("good"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_go_keeps_its_lane_and_comes_back_within_five_seconds_when_it_fails() {
        let queue = Queue::default();
        queue.push(key("late"), Lane::Deadline);
        for pause in [500, 1_000, 2_000, 4_000, 5_000, 5_000] {
            queue.push(key("a"), Lane::Ordinary);
            assert_eq!(queue.next().await, key("late"), "before all other work");
            assert_eq!(queue.failed(&key("late"), 0.0).as_millis(), pause);
            assert_eq!(queue.next().await, key("a"));
            queue.done(&key("a"), Again::Never);
            tokio::time::advance(Duration::from_millis(pause as u64)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_was_set_is_not_lost_by_a_look_that_could_not_tell() {
        for fails in [false, true] {
            let queue = Queue::default();
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            let start = Instant::now();
            queue.done(&key("a"), Again::In(Duration::from_millis(300), Lane::Deadline));
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            match fails {
                true => drop(queue.failed(&key("a"), 0.0)),
                false => queue.done(&key("a"), Again::NotYet(Duration::from_secs(5))),
            }
            queue.next().await;
            assert_eq!(start.elapsed().as_millis(), 300);
            queue.done(&key("a"), Again::NotYet(Duration::from_secs(5)));
            queue.push(key("b"), Lane::Ordinary);
            queue.next().await;
            tokio::time::advance(Duration::from_secs(5)).await;
            queue.push(key("c"), Lane::Ordinary);
            assert_eq!(queue.next().await, key("a"), "it is still what has to go");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_alarm_is_in_the_past_and_none_sleeps_for_longer_than_an_hour() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::In(Duration::ZERO, Lane::Ordinary));
        queue.next().await;
        assert_eq!(start.elapsed(), SOONEST);
        queue.done(&key("a"), Again::In(Duration::from_secs(1_000_000), Lane::Ordinary));
        queue.next().await;
        assert_eq!(start.elapsed(), SOONEST + LATEST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_leaves_nothing_behind() {
        let queue = Queue::default();
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::In(Duration::from_secs(5), Lane::Ordinary));
        queue.forget(&key("a"));
        let inner = queue.lock();
        assert!(inner.slots.is_empty() && inner.alarms.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn every_waiting_worker_is_woken_for_its_share() {
        let queue = Arc::new(Queue::default());
        let workers: Vec<_> = (0..3)
            .map(|_| {
                tokio::spawn({
                    let queue = queue.clone();
                    async move { queue.next().await }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        for name in ["a", "b", "c"] {
            queue.push(key(name), Lane::Ordinary);
        }
        for worker in workers {
            tokio::time::timeout(Duration::from_secs(1), worker).await.expect("woken").unwrap();
        }
    }
}
