//! Which object is looked at next: deadlines first, then in the order of arrival; no object twice at the same time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::slots::{LATEST, Slots};

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
    In(Duration),
    /// It could not be told yet: as was said before, but not later than after this pause, in the lane that it came in. What
    /// failed before has not succeeded by that.
    NotYet(Duration),
}

impl Again {
    /// The same, but not later than after this pause.
    pub fn at_the_latest(self, pause: Option<Duration>) -> Self {
        match (self, pause) {
            (Self::Never, Some(pause)) => Self::In(pause),
            (Self::In(own), Some(pause)) if pause < own => Self::In(pause),
            (Self::NotYet(own), Some(pause)) if pause < own => Self::NotYet(pause),
            (Self::Never | Self::In(_) | Self::NotYet(_), _) => self,
        }
    }

    /// The same of a look that is not over: what it began goes on elsewhere.
    pub fn not_yet(self) -> Self {
        match self {
            Self::Never => Self::NotYet(LATEST),
            Self::In(pause) | Self::NotYet(pause) => Self::NotYet(pause),
        }
    }
}

/// What has to go now is tried again after this time at the latest.
const LATEST_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub struct Queue {
    slots: Mutex<Slots>,
    wake: Notify,
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
                let mut slots = self.lock();
                slots.ring(Instant::now());
                (slots.pop(), slots.are_in_line(), slots.next_alarm())
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

    /// Material of the object has to go after this pause: it is looked at then before all other work, also if a look that
    /// comes before says nothing of it, or fails.
    pub fn ends(&self, key: &Key, pause: Option<Duration>) {
        self.lock().ends(key, pause);
        self.wake.notify_one();
    }

    /// The object was looked at.
    pub fn done(&self, key: &Key, again: Again) {
        let mut slots = self.lock();
        match again {
            Again::Never | Again::In(_) => slots.succeeded(key),
            Again::NotYet(_) => {}
        }
        slots.finish(key, again);
        drop(slots);
        self.wake.notify_one();
    }

    /// The look failed: it is repeated in its lane after a pause that doubles with each failure, from half a second to a
    /// minute, or to five seconds where material has to go. `spread` in 0..=1 keeps objects that failed together from coming back together.
    pub fn failed(&self, key: &Key, spread: f64) -> Duration {
        let mut slots = self.lock();
        let (failures, lane) = slots.failed(key);
        let pause = Duration::from_millis(500 << failures.saturating_sub(1).min(7));
        let pause = match lane {
            Some(Lane::Deadline) => pause.min(LATEST_DEADLINE),
            Some(Lane::Ordinary) | None => pause,
        };
        let pause = pause.mul_f64(1.0 - spread / 2.0);
        slots.finish(key, Again::NotYet(pause));
        drop(slots);
        self.wake.notify_one();
        pause
    }

    /// Whether the last look failed, and none has succeeded since.
    pub fn is_failing(&self, key: &Key) -> bool {
        self.lock().failures(key) > 0
    }

    /// The object is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().forget(key);
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::slots::SOONEST;

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
        queue.done(&key("a"), Again::In(Duration::from_secs(5)));
        assert_eq!(queue.next().await, key("a"));
        assert_eq!(start.elapsed().as_secs(), 5);
        queue.done(&key("a"), Again::In(Duration::from_secs(5)));
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
    async fn an_end_rings_at_its_time_before_all_other_work_whatever_was_wanted_before_it() {
        let looks = [
            Some(Again::Never),
            Some(Again::In(Duration::from_millis(200))),
            Some(Again::NotYet(Duration::from_millis(100))),
            None,
        ];
        for look in looks {
            let queue = Queue::default();
            let start = Instant::now();
            // It is known before the first look.
            queue.ends(&key("a"), Some(Duration::from_millis(300)));
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            match look {
                Some(again) => queue.done(&key("a"), again),
                None => drop(queue.failed(&key("a"), 0.0)),
            }
            tokio::time::advance(Duration::from_millis(250)).await;
            // What was wanted before it now stands behind other work.
            queue.push(key("b"), Lane::Ordinary);
            queue.push(key("c"), Lane::Ordinary);
            tokio::time::advance(Duration::from_millis(50)).await;
            assert_eq!((queue.next().await, start.elapsed().as_millis()), (key("a"), 300), "{look:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_was_moved_or_is_none_any_more_does_not_ring() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.ends(&key("a"), Some(Duration::from_secs(1)));
        queue.ends(&key("a"), Some(Duration::from_secs(5)));
        assert_eq!((queue.next().await, start.elapsed().as_secs()), (key("a"), 5));
        queue.ends(&key("a"), Some(Duration::from_secs(1)));
        queue.ends(&key("a"), None);
        queue.done(&key("a"), Again::Never);
        assert!(tokio::time::timeout(Duration::from_secs(100), queue.next()).await.is_err());
        queue.ends(&key("a"), Some(Duration::from_secs(1_000_000)));
        assert!(queue.lock().is_empty(), "it is told again before it comes");
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_was_set_is_not_lost_by_a_look_that_could_not_tell() {
        for fails in [false, true] {
            let queue = Queue::default();
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            let start = Instant::now();
            queue.done(&key("a"), Again::In(Duration::from_millis(300)));
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            match fails {
                true => drop(queue.failed(&key("a"), 0.0)),
                false => queue.done(&key("a"), Again::NotYet(Duration::from_secs(5))),
            }
            queue.next().await;
            assert_eq!(start.elapsed().as_millis(), 300);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_is_not_over_is_no_success_after_failures_also_if_the_next_is_wanted_sooner() {
        let soon = Some(Duration::from_secs(1));
        for (look, pause) in [
            (Again::Never.not_yet().at_the_latest(soon), 1_000),
            (Again::In(Duration::from_secs(9)).not_yet(), 1_000),
            (Again::Never.at_the_latest(soon), 500),
        ] {
            let queue = Queue::default();
            queue.push(key("a"), Lane::Ordinary);
            queue.next().await;
            queue.failed(&key("a"), 0.0);
            queue.next().await;
            queue.done(&key("a"), look);
            assert_eq!(queue.is_failing(&key("a")), pause > 500, "{look:?}");
            queue.next().await;
            assert_eq!(queue.failed(&key("a"), 0.0).as_millis(), pause, "{look:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_go_and_could_not_be_told_yet_is_still_what_has_to_go() {
        let queue = Queue::default();
        queue.push(key("a"), Lane::Deadline);
        queue.next().await;
        queue.done(&key("a"), Again::NotYet(Duration::from_secs(5)));
        queue.push(key("b"), Lane::Ordinary);
        queue.next().await;
        tokio::time::advance(Duration::from_secs(5)).await;
        queue.push(key("c"), Lane::Ordinary);
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn no_alarm_is_in_the_past_and_none_sleeps_for_longer_than_an_hour() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::In(Duration::ZERO));
        queue.next().await;
        assert_eq!(start.elapsed(), SOONEST);
        queue.done(&key("a"), Again::In(Duration::from_secs(1_000_000)));
        queue.next().await;
        assert_eq!(start.elapsed(), SOONEST + LATEST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_leaves_nothing_behind() {
        let queue = Queue::default();
        queue.push(key("a"), Lane::Ordinary);
        queue.next().await;
        queue.done(&key("a"), Again::In(Duration::from_secs(5)));
        queue.ends(&key("a"), Some(Duration::from_secs(5)));
        queue.forget(&key("a"));
        assert!(queue.lock().is_empty());
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
