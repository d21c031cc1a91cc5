//! Who wants to be looked at when a Secret moves that is not his own.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::queue::Key;

#[derive(Default)]
pub struct Waiters(Mutex<Inner>);

/// Namespace and name.
type Secret = (String, String);

#[derive(Default)]
struct Inner {
    by_secret: HashMap<Secret, HashSet<Key>>,
    /// Each waits for one Secret: the one that its spec names, which does not change.
    by_key: HashMap<Key, Secret>,
}

impl Waiters {
    pub fn add(&self, namespace: &str, secret: &str, key: &Key) {
        let secret = (namespace.to_owned(), secret.to_owned());
        let mut inner = self.lock();
        inner.leave(key);
        inner.by_key.insert(key.clone(), secret.clone());
        inner.by_secret.entry(secret).or_default().insert(key.clone());
    }

    /// Those who wait for that Secret; they ask again if they still have to wait.
    pub fn take(&self, namespace: &str, secret: &str) -> HashSet<Key> {
        let mut inner = self.lock();
        let all = inner.by_secret.remove(&(namespace.to_owned(), secret.to_owned())).unwrap_or_default();
        for key in &all {
            inner.by_key.remove(key);
        }
        all
    }

    /// The object is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().leave(key);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn leave(&mut self, key: &Key) {
        let Some(secret) = self.by_key.remove(key) else { return };
        if let Some(all) = self.by_secret.get_mut(&secret) {
            all.remove(key);
            if all.is_empty() {
                self.by_secret.remove(&secret);
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

    #[test]
    fn who_waits_for_a_secret_is_woken_once_and_who_is_gone_leaves_nothing_behind() {
        let waiters = Waiters::default();
        for name in ["a", "b", "b", "gone"] {
            waiters.add("ns", "shared", &key(name));
        }
        waiters.add("ns", "other", &key("also-gone"));
        waiters.forget(&key("gone"));
        waiters.forget(&key("also-gone"));
        assert_eq!(waiters.take("elsewhere", "shared"), HashSet::new());
        assert_eq!(waiters.take("ns", "shared"), HashSet::from([key("a"), key("b")]));
        assert_eq!(waiters.take("ns", "shared"), HashSet::new());
        let inner = waiters.lock();
        assert!(inner.by_secret.is_empty() && inner.by_key.is_empty());
    }
}
