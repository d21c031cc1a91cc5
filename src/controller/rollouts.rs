//! Workloads that wait to be restarted, collected: what is wanted of one workload within a short time is one rollout.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::ObjectReference;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::queue::Key;
use crate::{
    api::Restart,
    core::restart::{Held, Outcome},
};

/// How long a workload waits for more wishes after the first: credentials that rotate within it share one rollout.
pub const WINDOW: Duration = Duration::from_secs(10);

/// A workload in its namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub namespace: Arc<str>,
    pub target: Restart,
}

/// What one credential wants of a workload: that its pods use this revision.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub held: Held,
    /// The credential, as events name it.
    pub about: ObjectReference,
    /// An edit of the spec is a reason to look again.
    pub generation: Option<i64>,
}

#[derive(Default)]
pub struct Rollouts {
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: HashMap<Place, Waiting>,
    due: BTreeSet<(Instant, Place)>,
    /// Where each credential's wishes wait.
    places: HashMap<Key, BTreeSet<Place>>,
    /// What is known of each credential's workloads.
    outcomes: HashMap<Key, HashMap<Restart, Outcome>>,
    /// The credentials that want anything: what comes of a look for one that is gone by then is nothing.
    wanting: HashSet<Key>,
}

struct Waiting {
    due: Instant,
    wishes: HashMap<Key, Wish>,
}

impl Rollouts {
    /// All that this credential wants now. What it wanted before and does not want any more is forgotten; what it
    /// wants still goes on waiting as it did.
    pub fn want(&self, key: &Key, wishes: Vec<(Place, Wish)>) {
        let mut inner = self.lock();
        for place in inner.places.get(key).cloned().unwrap_or_default() {
            if !wishes.iter().any(|(wanted, _)| *wanted == place) {
                inner.withdraw(key, &place);
            }
        }
        if wishes.is_empty() {
            return;
        }
        inner.wanting.insert(key.clone());
        for (place, wish) in wishes {
            inner.add(key, place, wish, Instant::now() + WINDOW);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Waits for the next workload that is due; all that is wanted of it.
    pub async fn next(&self) -> (Place, HashMap<Key, Wish>) {
        loop {
            let woken = self.wake.notified();
            let (taken, alarm) = {
                let mut inner = self.lock();
                let taken = inner.take_due(Instant::now());
                (taken, inner.due.first().map(|(time, _)| *time))
            };
            if let Some(taken) = taken {
                // There are several who wait here, and more may be due.
                self.wake.notify_one();
                return taken;
            }
            match alarm {
                Some(time) => tokio::select! { () = woken => {}, () = sleep_until(time) => {} },
                None => woken.await,
            }
        }
    }

    /// Looks at the workload again after this time, unless the credential wants something else of it by now.
    pub fn again(&self, key: &Key, place: Place, wish: Wish, pause: Duration) {
        let mut inner = self.lock();
        let is_newer = inner.waiting.get(&place).is_some_and(|waiting| waiting.wishes.contains_key(key));
        if !is_newer && inner.wanting.contains(key) {
            inner.add(key, place, wish, Instant::now() + pause);
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Notes what came of a workload; whether that is news.
    pub fn note(&self, key: &Key, target: &Restart, outcome: Outcome) -> News {
        let mut inner = self.lock();
        if !inner.wanting.contains(key) {
            return News::None;
        }
        let before = inner.outcomes.entry(key.clone()).or_default().insert(target.clone(), outcome.clone());
        if before.as_ref() == Some(&outcome) { News::None } else { News::Some }
    }

    /// What is known of this credential's workloads, from this process's own looks.
    pub fn known(&self, key: &Key) -> HashMap<Restart, Outcome> {
        self.lock().outcomes.get(key).cloned().unwrap_or_default()
    }

    /// The credential is gone.
    pub fn forget(&self, key: &Key) {
        self.want(key, Vec::new());
        let mut inner = self.lock();
        inner.outcomes.remove(key);
        inner.wanting.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    None,
    Some,
}

impl Inner {
    fn add(&mut self, key: &Key, place: Place, wish: Wish, due: Instant) {
        let waiting = self.waiting.entry(place.clone());
        let waiting = waiting.or_insert_with(|| Waiting { due, wishes: HashMap::new() });
        if waiting.wishes.get(key) == Some(&wish) {
            return;
        }
        waiting.wishes.insert(key.clone(), wish);
        let due = due.min(waiting.due);
        let before = std::mem::replace(&mut waiting.due, due);
        self.due.remove(&(before, place.clone()));
        self.due.insert((due, place.clone()));
        self.places.entry(key.clone()).or_default().insert(place);
    }

    fn withdraw(&mut self, key: &Key, place: &Place) {
        let Some(waiting) = self.waiting.get_mut(place) else { return };
        waiting.wishes.remove(key);
        if waiting.wishes.is_empty() {
            self.due.remove(&(waiting.due, place.clone()));
            self.waiting.remove(place);
        }
        self.leave(key, place);
    }

    fn take_due(&mut self, now: Instant) -> Option<(Place, HashMap<Key, Wish>)> {
        self.due.first().filter(|(time, _)| *time <= now)?;
        let (_, place) = self.due.pop_first()?;
        let wishes = self.waiting.remove(&place)?.wishes;
        for key in wishes.keys() {
            self.leave(key, &place);
        }
        Some((place, wishes))
    }

    fn leave(&mut self, key: &Key, place: &Place) {
        if let Some(places) = self.places.get_mut(key) {
            places.remove(place);
            if places.is_empty() {
                self.places.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::WorkloadKind;

    fn key(name: &str) -> Key {
        Key { kind: "AccessToken", namespace: "ns".into(), name: name.into() }
    }

    fn place(name: &str) -> Place {
        let target = Restart { kind: WorkloadKind::Deployment, name: name.into() };
        Place { namespace: "ns".into(), target }
    }

    fn wish(revision: i64) -> Wish {
        let held = Held { secret: "s".into(), revision, since: None };
        Wish { held, about: ObjectReference::default(), generation: Some(1) }
    }

    async fn after(rollouts: &Rollouts) -> (Duration, Place, Vec<(Key, i64)>) {
        let began = Instant::now();
        let (place, wishes) = rollouts.next().await;
        let mut wishes: Vec<_> = wishes.into_iter().map(|(key, wish)| (key, wish.held.revision)).collect();
        wishes.sort();
        (began.elapsed(), place, wishes)
    }

    /// Its workload is being looked at.
    async fn under_way(wanted: Wish) -> Rollouts {
        let rollouts = Rollouts::default();
        rollouts.want(&key("a"), vec![(place("web"), wanted)]);
        rollouts.next().await;
        rollouts
    }

    async fn nothing(rollouts: &Rollouts) {
        let long = Duration::from_secs(100_000);
        assert!(tokio::time::timeout(long, rollouts.next()).await.is_err());
    }

    fn about(elapsed: Duration, wanted: Duration) -> bool {
        elapsed >= wanted && elapsed < wanted + Duration::from_millis(10)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_wanted_of_a_workload_within_the_window_is_one_look() {
        let rollouts = Rollouts::default();
        rollouts.want(&key("a"), vec![(place("web"), wish(2))]);
        tokio::time::advance(Duration::from_secs(4)).await;
        rollouts.want(&key("b"), vec![(place("web"), wish(5)), (place("api"), wish(5))]);
        tokio::time::advance(Duration::from_secs(1)).await;
        rollouts.want(&key("a"), vec![(place("web"), wish(3))]);
        let (elapsed, first, wishes) = after(&rollouts).await;
        assert!(about(elapsed, Duration::from_secs(5)), "ten seconds after the first: {elapsed:?}");
        assert_eq!((first, wishes), (place("web"), vec![(key("a"), 3), (key("b"), 5)]));
        let (elapsed, second, _) = after(&rollouts).await;
        assert!(about(elapsed, Duration::from_secs(4)) && second == place("api"), "{elapsed:?}");
        nothing(&rollouts).await;
    }

    #[tokio::test(start_paused = true)]
    async fn wanting_the_same_again_does_not_move_the_look() {
        let rollouts = under_way(wish(2)).await;
        rollouts.again(&key("a"), place("web"), wish(2), Duration::from_secs(300));
        for _ in 0..10 {
            tokio::time::advance(Duration::from_secs(20)).await;
            rollouts.want(&key("a"), vec![(place("web"), wish(2))]);
        }
        let (elapsed, ..) = after(&rollouts).await;
        assert!(about(elapsed, Duration::from_secs(100)), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn another_wish_or_an_edit_does_not_wait_for_the_next_try() {
        for other in [wish(3), Wish { generation: Some(2), ..wish(2) }] {
            let rollouts = under_way(wish(2)).await;
            rollouts.again(&key("a"), place("web"), wish(2), Duration::from_secs(300));
            rollouts.want(&key("a"), vec![(place("web"), other)]);
            let (elapsed, ..) = after(&rollouts).await;
            assert!(about(elapsed, WINDOW), "{elapsed:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_again_does_not_replace_what_is_wanted_by_now() {
        let rollouts = Rollouts::default();
        rollouts.want(&key("a"), vec![(place("web"), wish(3))]);
        rollouts.again(&key("a"), place("web"), wish(2), Duration::from_secs(1));
        let (_, _, wishes) = after(&rollouts).await;
        assert_eq!(wishes, [(key("a"), 3)]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_nothing_any_more_causes_nothing_and_leaves_nothing_behind() {
        let rollouts = Rollouts::default();
        rollouts.want(&key("a"), vec![(place("web"), wish(2)), (place("api"), wish(2))]);
        rollouts.want(&key("b"), vec![(place("web"), wish(2))]);
        rollouts.note(&key("a"), &place("web").target, Outcome::Settled { revision: 1 });
        rollouts.forget(&key("a"));
        let (_, first, wishes) = after(&rollouts).await;
        assert_eq!((first, wishes), (place("web"), vec![(key("b"), 2)]));
        nothing(&rollouts).await;
        let inner = rollouts.lock();
        assert!(inner.waiting.is_empty() && inner.due.is_empty() && inner.places.is_empty());
        assert!(inner.outcomes.is_empty() && inner.wanting.contains(&key("b")) && inner.wanting.len() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_a_look_for_one_that_went_meanwhile_is_nothing() {
        let rollouts = under_way(wish(2)).await;
        rollouts.forget(&key("a"));
        rollouts.again(&key("a"), place("web"), wish(2), Duration::from_secs(1));
        let settled = Outcome::Settled { revision: 2 };
        assert_eq!(rollouts.note(&key("a"), &place("web").target, settled), News::None);
        nothing(&rollouts).await;
        assert!(rollouts.known(&key("a")).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_new_is_news() {
        let rollouts = under_way(wish(2)).await;
        let hindered = |text: &str| Outcome::Hindered { message: text.into() };
        let target = place("web").target;
        assert_eq!(rollouts.note(&key("a"), &target, hindered("gone")), News::Some);
        assert_eq!(rollouts.note(&key("a"), &target, hindered("gone")), News::None);
        assert_eq!(rollouts.note(&key("a"), &target, Outcome::Settled { revision: 2 }), News::Some);
        assert_eq!(rollouts.known(&key("a"))[&target], Outcome::Settled { revision: 2 });
    }
}
