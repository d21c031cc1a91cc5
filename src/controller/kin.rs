//! Who is a short-lived part of whom, as the watches show it: those are looked at when their parent moves.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{guarded::Guarded, queue::Key};
use crate::{api::ApiKeyPair, credentials::Credential};

/// The kind that can be a parent.
pub const PARENT: &str = ApiKeyPair::KIND;

#[derive(Default)]
pub struct Kin(Mutex<Families>);

/// By namespace and name of the parent, which need not exist.
type Families = HashMap<(Box<str>, Box<str>), HashMap<Key, Lot>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lot {
    Cared,
    /// The watch saw the parent go while this one was there: no restore brings this one a parent that it had before.
    Bereaved,
}

impl Kin {
    /// A credential as the watch shows it.
    pub fn see<K>(&self, kind: &'static str, object: &Guarded<K>) {
        let Some(parent) = parent_of(object) else { return };
        self.lock().entry(parent).or_default().entry(object.meta.key(kind)).or_insert(Lot::Cared);
    }

    /// The watch says that it is gone.
    pub fn forget<K>(&self, kind: &'static str, object: &Guarded<K>) {
        let Some(parent) = parent_of(object) else { return };
        let mut all = self.lock();
        if let Some(children) = all.get_mut(&parent) {
            children.remove(&object.meta.key(kind));
            if children.is_empty() {
                all.remove(&parent);
            }
        }
    }

    /// The parent moved: who is to be looked at.
    pub fn moved(&self, namespace: &str, parent: &str) -> Vec<Key> {
        let named = (namespace.into(), parent.into());
        self.lock().get(&named).into_iter().flat_map(HashMap::keys).cloned().collect()
    }

    /// There is a parent of this name: who is to be looked at.
    pub fn came(&self, namespace: &str, parent: &str) -> Vec<Key> {
        self.mark(namespace, parent, Lot::Cared)
    }

    /// The watch saw the parent go: who is to be looked at.
    pub fn went(&self, namespace: &str, parent: &str) -> Vec<Key> {
        self.mark(namespace, parent, Lot::Bereaved)
    }

    pub fn is_bereaved(&self, child: &Key, parent: &str) -> bool {
        let all = self.lock();
        let children = all.get(&(child.namespace.as_ref().into(), parent.into()));
        children.and_then(|children| children.get(child)) == Some(&Lot::Bereaved)
    }

    fn mark(&self, namespace: &str, parent: &str, lot: Lot) -> Vec<Key> {
        let mut all = self.lock();
        let Some(children) = all.get_mut(&(namespace.into(), parent.into())) else { return Vec::new() };
        children.values_mut().for_each(|child| *child = lot);
        children.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Families> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parent_of<K>(object: &Guarded<K>) -> Option<(Box<str>, Box<str>)> {
    Some((object.meta.namespace.as_ref().into(), object.parent.clone()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::AccessToken;

    fn token(name: &str, parent: Option<&str>) -> Guarded<AccessToken> {
        let spec = json!({"accountRef": {"name": "alice"}, "apiKeyPairRef": parent.map(|name| json!({"name": name}))});
        let metadata = json!({"name": name, "namespace": "ns", "uid": name});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    const KIND: &str = AccessToken::KIND;

    #[test]
    fn only_those_of_a_parent_are_looked_at_when_it_moves() {
        let kin = Kin::default();
        for (name, parent) in [("a", Some("web")), ("b", Some("other")), ("c", None)] {
            kin.see(KIND, &token(name, parent));
        }
        let key = token("a", None).meta.key(KIND);
        for woken in [kin.moved("ns", "web"), kin.came("ns", "web"), kin.went("ns", "web")] {
            assert_eq!(woken, std::slice::from_ref(&key));
        }
        let all = [("a", Some("web")), ("b", Some("other")), ("c", None)];
        all.iter().for_each(|(name, parent)| kin.forget(KIND, &token(name, *parent)));
        assert!(kin.lock().is_empty(), "nothing is left behind");
    }

    #[test]
    fn bereaved_is_who_was_there_when_the_parent_went_until_one_comes() {
        let kin = Kin::default();
        kin.see(KIND, &token("a", Some("web")));
        kin.went("ns", "web");
        kin.see(KIND, &token("a", Some("web")));
        kin.see(KIND, &token("restored", Some("web")));
        let is = |name: &str| kin.is_bereaved(&token(name, None).meta.key(KIND), "web");
        assert!(is("a") && !is("restored"));
        kin.forget(KIND, &token("a", Some("web")));
        kin.see(KIND, &token("a", Some("web")));
        assert!(!is("a"), "another one of that name");
        kin.went("ns", "web");
        kin.came("ns", "web");
        assert!(!is("a"));
    }
}
