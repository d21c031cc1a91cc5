//! A cache: the last that a watch saw of each object of one resource.
//!
//! `kube` has one too, whose keys take as much as all else that is kept of an object beside its text.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::watch;

use super::slim::Slim;

/// What a cache keeps of an object.
pub trait Kept: Clone + Send + Sync + 'static {
    fn meta(&self) -> &Slim;
    fn meta_mut(&mut self) -> &mut Slim;
    /// Whether it is the same as far as others refer to it; if not, the one that was there is gone for them.
    fn is_same(&self, other: &Self) -> bool {
        self.meta().uid == other.meta().uid
    }
}

pub struct Cache<T> {
    objects: RwLock<Objects<T>>,
    filled: watch::Sender<bool>,
}

/// Objects by namespace and name.
pub struct Objects<T>(HashMap<Arc<str>, HashMap<Arc<str>, Arc<T>>>);

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self { objects: RwLock::default(), filled: watch::Sender::default() }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Kept> Cache<T> {
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.0.get(namespace)?.get(name).cloned()
    }

    pub fn filter(&self, wanted: impl Fn(&T) -> bool) -> Vec<Arc<T>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        objects.all().filter(|object| wanted(object)).cloned().collect()
    }

    /// Resolves when all there is was listed for the first time, and told.
    pub async fn filled(&self) {
        let _ = self.filled.subscribe().wait_for(|filled| *filled).await;
    }

    /// Takes an object in, and gives it back as it is kept.
    pub fn put(&self, object: T) -> Arc<T> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner).put(object)
    }

    pub fn remove(&self, meta: &Slim) {
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(siblings) = objects.0.get_mut(&meta.namespace) {
            siblings.remove(&meta.name);
            if siblings.is_empty() {
                objects.0.remove(&meta.namespace);
            }
        }
    }

    /// These are all there are; gives back what there was before.
    pub fn fill(&self, listed: Objects<T>) -> Objects<T> {
        std::mem::replace(&mut *self.objects.write().unwrap_or_else(PoisonError::into_inner), listed)
    }

    /// All there is was listed, and whoever has to know it was told.
    pub fn now_filled(&self) {
        self.filled.send_replace(true);
    }
}

impl<T: Kept> Objects<T> {
    pub fn all(&self) -> impl Iterator<Item = &Arc<T>> {
        self.0.values().flat_map(HashMap::values)
    }

    /// A namespace, and the name of what is there already, is kept once, however many hold it.
    pub fn put(&mut self, mut object: T) -> Arc<T> {
        let meta = object.meta_mut();
        if let Some((known, _)) = self.0.get_key_value(&meta.namespace) {
            meta.namespace = known.clone();
        }
        let siblings = self.0.entry(meta.namespace.clone()).or_default();
        if let Some((known, _)) = siblings.get_key_value(&meta.name) {
            meta.name = known.clone();
        }
        let name = meta.name.clone();
        let object = Arc::new(object);
        siblings.insert(name, object.clone());
        object
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    impl Kept for Slim {
        fn meta(&self) -> &Slim {
            self
        }

        fn meta_mut(&mut self) -> &mut Slim {
            self
        }
    }

    fn object(namespace: &str, name: &str, version: &str) -> Slim {
        let metadata = json!({"namespace": namespace, "name": name, "resourceVersion": version});
        serde_json::from_value(metadata).unwrap()
    }

    #[test]
    fn the_last_that_was_seen_of_each_object_is_there_until_it_is_gone() {
        let cache = Cache::default();
        cache.put(object("a", "x", "1"));
        cache.put(object("b", "x", "2"));
        cache.put(object("a", "x", "3"));
        let version = |namespace| cache.get(namespace, "x").map(|object| object.resource_version.to_string());
        assert_eq!((version("a").as_deref(), version("b").as_deref()), (Some("3"), Some("2")));
        assert_eq!(cache.filter(|object| *object.namespace == *"b").len(), 1);
        cache.remove(&object("a", "x", "3"));
        assert_eq!((version("a"), cache.filter(|_| true).len()), (None, 1));
        assert_eq!(cache.objects.read().unwrap().0.len(), 1, "an empty namespace leaves nothing behind");
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_list_replaces_all_and_the_first_one_fills_the_cache() {
        let cache = Cache::default();
        cache.put(object("a", "old", "1"));
        let soon = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(soon, cache.filled()).await.is_err());
        let mut listed = Objects::default();
        listed.put(object("a", "new", "2"));
        cache.fill(listed);
        cache.now_filled();
        cache.filled().await;
        assert!(cache.get("a", "old").is_none() && cache.get("a", "new").is_some());
    }

    #[test]
    fn names_are_kept_once() {
        let cache = Cache::default();
        let first = cache.put(object("a", "x", "1"));
        let sibling = cache.put(object("a", "y", "1"));
        let again = cache.put(object("a", "x", "2"));
        assert!(Arc::ptr_eq(&first.namespace, &sibling.namespace));
        assert!(Arc::ptr_eq(&first.name, &again.name));
    }
}
