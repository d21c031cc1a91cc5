//! How often an Account tells what it holds: not with each credential that changes, but once they have come to rest.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::queue::Key;

/// How long it must have been quiet before it is told; so there are never two tellings within this time.
pub const QUIET: Duration = Duration::from_secs(1);
/// How long a change waits at most, when it is never quiet.
const LONGEST: Duration = Duration::from_secs(10);

/// The Accounts whose credentials changed since they were told.
#[derive(Default)]
pub struct Pace(Mutex<HashMap<Key, Unrest>>);

struct Unrest {
    first: Instant,
    last: Instant,
}

impl Pace {
    /// A credential of this Account changed; whether it is the first since the last telling: then the Account has to
    /// be looked at.
    pub fn stir(&self, account: &Key) -> bool {
        let now = Instant::now();
        let mut all = self.lock();
        match all.get_mut(account) {
            Some(unrest) => {
                unrest.last = now;
                false
            }
            None => {
                all.insert(account.clone(), Unrest { first: now, last: now });
                true
            }
        }
    }

    /// How long it is not to be told yet; None if nothing changed, or if it is time.
    pub fn rest(&self, account: &Key) -> Option<Duration> {
        let all = self.lock();
        let Unrest { first, last } = all.get(account)?;
        let due = (*last + QUIET).min(*first + LONGEST);
        due.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero())
    }

    /// It is being told now; what changes from here on is for the next time.
    pub fn settle(&self, account: &Key) {
        self.lock().remove(account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Unrest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_told_a_second_after_the_last_change_and_in_a_storm_every_ten_seconds() {
        let (pace, alice) =
            (Pace::default(), Key { kind: "Account", namespace: "ns".into(), name: "alice".into() });
        assert_eq!(pace.rest(&alice), None);
        assert!(pace.stir(&alice));
        tokio::time::advance(QUIET / 2).await;
        assert!(!pace.stir(&alice), "somebody looks already");
        assert_eq!(pace.rest(&alice), Some(QUIET));
        for _ in 0..18 {
            assert!(pace.rest(&alice).is_some());
            tokio::time::advance(QUIET / 2).await;
            pace.stir(&alice);
        }
        assert_eq!(pace.rest(&alice), Some(QUIET / 2));
        tokio::time::advance(QUIET / 2).await;
        assert_eq!(pace.rest(&alice), None, "it has waited for long enough");
        pace.settle(&alice);
        assert!(pace.stir(&alice));
        tokio::time::advance(QUIET).await;
        assert_eq!(pace.rest(&alice), None);
    }
}
