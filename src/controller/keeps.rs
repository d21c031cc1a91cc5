//! What the house asks of the keepers, whatever kind they keep.

use futures::{FutureExt, future::BoxFuture};

use super::{
    credential::Keeper,
    error::Failure,
    guarded::Guarded,
    queue::{Again, Key},
    secrets::secret_name,
};
use crate::{
    api::{Counts, Held, Tally},
    credentials::Credential,
};

/// Which credentials.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    Account {
        namespace: &'a str,
        name: &'a str,
    },
    /// Those whose spec names this Secret.
    Secret {
        namespace: &'a str,
        name: &'a str,
    },
}

pub trait Keeps: Send + Sync {
    fn kind(&self) -> &'static str;
    /// Resolves when the cache was filled for the first time.
    fn filled(&self) -> BoxFuture<'_, ()>;
    fn look_at<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Again, Failure>>;
    fn keys(&self, of: Of<'_>) -> Vec<Key>;
    /// Says in the numbers of an Account how many of this kind it has.
    fn count(&self, counts: &mut Counts, tally: Tally);
    /// How an Account lists this credential; None if the cache does not have it.
    fn held(&self, namespace: &str, name: &str) -> Option<Held>;
}

impl<K: Credential> Keeps for Keeper<K> {
    fn kind(&self) -> &'static str {
        K::KIND
    }

    fn filled(&self) -> BoxFuture<'_, ()> {
        self.cache.filled().boxed()
    }

    fn look_at<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Again, Failure>> {
        self.look_at(key).boxed()
    }

    fn keys(&self, of: Of<'_>) -> Vec<Key> {
        let is_in = |object: &Guarded<K>, namespace: &str| *object.meta.namespace == *namespace;
        let is_meant = |object: &Guarded<K>| match of {
            Of::Account { namespace, name } => {
                is_in(object, namespace) && object.account.as_deref() == Some(name)
            }
            Of::Secret { namespace, name } => {
                is_in(object, namespace) && object.read().is_ok_and(|object| secret_name(&object) == name)
            }
        };
        self.cache.filter(is_meant).iter().map(|object| object.meta.key(K::KIND)).collect()
    }

    fn count(&self, counts: &mut Counts, tally: Tally) {
        K::count(counts, tally);
    }

    fn held(&self, namespace: &str, name: &str) -> Option<Held> {
        let guarded = self.cache.get(namespace, name)?;
        // Of one that cannot be read, what it is called and how it stands is known all the same.
        let object = guarded.read().ok();
        let told = object.as_ref();
        Some(Held {
            kind: K::KIND.to_owned(),
            name: name.to_owned(),
            id: told.and_then(K::told_id),
            fingerprint: told.and_then(K::told_fingerprint),
            state: guarded.state,
            expiration_time: told.and_then(|object| object.common_status()?.expiration_time.clone()),
        })
    }
}
