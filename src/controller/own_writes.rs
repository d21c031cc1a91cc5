//! Remembering one's own writes: a cache that has not seen them yet must not be decided on.
//!
//! Without this, nearly half of all issues are repeated: the Secret's event arrives before the status write is seen.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use tokio::time::{Duration, Instant};

/// How long to wait for the cache; then read live (after a restore of etcd the cache never gets there).
const PATIENCE: Duration = Duration::from_secs(5);

/// What the last writes returned, per uid of the object; an entry lives until the caches have seen it.
#[derive(Default)]
pub struct OwnWrites(Mutex<HashMap<String, Written>>);

#[derive(Clone, Debug)]
struct Written {
    object: Option<String>,
    secret: Option<String>,
    at: Instant,
}

/// Whether the caches show one's own last writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Current,
    /// Not yet; look again after this at the latest.
    Behind(Duration),
    /// Waited for long enough: read live.
    Lost,
}

impl OwnWrites {
    pub fn wrote_object(&self, uid: &str, version: Option<&str>) {
        self.note(uid, |written| written.object = version.map(str::to_owned));
    }

    pub fn wrote_secret(&self, uid: &str, version: Option<&str>) {
        self.note(uid, |written| written.secret = version.map(str::to_owned));
    }

    fn note(&self, uid: &str, set: impl FnOnce(&mut Written)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written =
            all.entry(uid.to_owned()).or_insert(Written { object: None, secret: None, at: Instant::now() });
        written.at = Instant::now();
        set(written);
    }

    /// Compares what the caches hold with what was written.
    pub fn view(&self, uid: &str, object: Option<&str>, secret: Option<&str>) -> View {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(written) = all.get(uid) else { return View::Current };
        if reached(object, written.object.as_deref()) && reached(secret, written.secret.as_deref()) {
            all.remove(uid);
            return View::Current;
        }
        match PATIENCE.checked_sub(written.at.elapsed()) {
            Some(rest) if !rest.is_zero() => View::Behind(rest),
            Some(_) | None => View::Lost,
        }
    }

    /// Whether this version of the object is the one that was written last, or later.
    pub fn shows(&self, uid: &str, object: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(uid).is_none_or(|written| reached(Some(object), written.object.as_deref()))
    }

    pub fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Resource versions of one resource are ordered integers (KEP-5504); where they are not, only the same one will do.
fn reached(seen: Option<&str>, written: Option<&str>) -> bool {
    let Some(written) = written else { return true };
    let Some(seen) = seen else { return false };
    match (seen.parse::<u64>(), written.parse::<u64>()) {
        (Ok(seen), Ok(written)) => seen >= written,
        _ => seen == written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cache_that_has_not_seen_ones_own_write_is_waited_for_and_then_passed_over() {
        let writes = OwnWrites::default();
        writes.wrote_secret("u", Some("9"));
        writes.wrote_object("u", Some("10"));
        assert_eq!(writes.view("u", Some("5"), Some("9")), View::Behind(PATIENCE));
        assert_eq!(writes.view("u", Some("10"), None), View::Behind(PATIENCE));
        tokio::time::advance(PATIENCE).await;
        assert_eq!(writes.view("u", Some("5"), Some("9")), View::Lost);
        assert_eq!(writes.view("u", Some("10"), Some("11")), View::Current);
        assert_eq!(writes.view("u", None, None), View::Current, "once seen, it is forgotten");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(reached(Some("100"), Some("99")));
        assert!(!reached(Some("99"), Some("100")));
        assert!(reached(Some("x"), Some("x")) && !reached(Some("y"), Some("x")));
    }
}
