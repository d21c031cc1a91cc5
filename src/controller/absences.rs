//! What others refer to and no cache has: it is looked for on the server, and counts as gone only after a while, so that
//! a restore does not flap.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{
    Resource,
    api::{GetParams, Request},
    core::NamespaceResourceScope,
};
use tokio::time::Instant;

use super::{cache::Cache, error::Failure, guarded::Guarded, house::House};
use crate::core::period::Period;

/// What is gone counts as gone after this time.
const GRACE: Duration = Duration::from_secs(60);
/// How often it is looked for on the server meanwhile, by however many who refer to it.
const RECHECK: Duration = Duration::from_secs(5);

/// By kind, namespace and name.
#[derive(Default)]
pub struct Absences(Mutex<HashMap<(String, String, String), Absence>>);

/// Something that the cache does not have.
#[derive(Clone, Copy)]
struct Absence {
    /// When the server first said that there is none; it need not have said so yet.
    since: Option<Instant>,
    checked: Instant,
    answer: Answer,
}

/// What came of the last look.
#[derive(Clone, Copy)]
enum Answer {
    Gone,
    /// It could not be asked.
    None,
}

/// Where something is that is referred to.
pub enum Whereabouts<K> {
    There(Arc<Guarded<K>>),
    /// Not there, but too short a time to act on. Looked at again at `until`.
    MissingLately {
        until: Timestamp,
    },
    Missing,
    /// It could not be read.
    Unknown,
}

impl House {
    /// From the cache; what the cache does not have is looked for on the server before it counts as gone.
    pub async fn find<K>(&self, cache: &Cache<Guarded<K>>, namespace: &str, name: &str) -> Whereabouts<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + 'static,
    {
        let key = (K::kind(&()).into_owned(), namespace.to_owned(), name.to_owned());
        if let Some(guarded) = cache.get(namespace, name) {
            self.absences.lock().remove(&key);
            return Whereabouts::There(guarded);
        }
        let known = self.absences.lock().get(&key).copied();
        let absence = match known.filter(|absence| absence.checked.elapsed() < RECHECK) {
            Some(absence) => absence,
            None => {
                let answer = match self.look_for(namespace, name).await {
                    Ok(Some(found)) => {
                        self.absences.lock().remove(&key);
                        return Whereabouts::There(found);
                    }
                    Ok(None) => Answer::Gone,
                    Err(_) => Answer::None,
                };
                let checked = Instant::now();
                let since = known.and_then(|known| known.since);
                let since = match answer {
                    Answer::Gone => since.or(Some(checked)),
                    Answer::None => since,
                };
                let absence = Absence { since, checked, answer };
                self.absences.lock().insert(key, absence);
                absence
            }
        };
        let Absence { since: Some(since), answer: Answer::Gone, .. } = absence else {
            return Whereabouts::Unknown;
        };
        match GRACE.checked_sub(since.elapsed()) {
            Some(rest) if !rest.is_zero() => {
                let until = Period::seconds(rest.as_secs() + 1).after(self.clock.now());
                Whereabouts::MissingLately { until }
            }
            Some(_) | None => Whereabouts::Missing,
        }
    }

    async fn look_for<K>(&self, namespace: &str, name: &str) -> Result<Option<Arc<Guarded<K>>>, Failure>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + 'static,
    {
        let request = Request::new(K::url_path(&(), Some(namespace))).get(name, &GetParams::default());
        let request = request.map_err(|_| Failure::Refused { code: 0, reason: "name".into() })?;
        match self.ask(self.client.request::<Guarded<K>>(request)).await {
            Ok(found) => Ok(Some(Arc::new(found))),
            Err(Failure::Gone) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

impl Absences {
    /// Nobody refers to it any more.
    pub fn forget(&self, kind: &str, namespace: &str, name: &str) {
        self.lock().remove(&(kind.to_owned(), namespace.to_owned(), name.to_owned()));
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String, String), Absence>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicU16, Ordering},
    };

    use http::{Request, Response};
    use kube::{Client, client::Body};
    use serde_json::json;

    use super::*;
    use crate::{
        api::{AccessToken, ApiKeyPair},
        controller::{clock::Clock, feed::forget, report::Reporter, settings::Settings},
        core::scene,
        credentials::Credential,
    };

    /// A house whose server answers with this code; how often it was asked.
    fn house(code: &Arc<AtomicU16>) -> (House, Arc<AtomicU16>) {
        let (code, asked) = (code.clone(), Arc::new(AtomicU16::new(0)));
        let count = asked.clone();
        let nothing = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            let code = code.load(Ordering::Relaxed);
            let status =
                json!({"status": "Failure", "code": code, "reason": "", "message": "", "metadata": {}});
            let answer = Response::builder().status(code).body(Body::from(status.to_string().into_bytes()));
            async { Ok::<_, Infallible>(answer.unwrap()) }
        });
        let client = Client::new(nothing, "ns");
        (House::new(client, Clock::default(), Reporter::new().0, Settings::default()), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_asked_is_not_asked_by_each_who_refers_to_it_and_counts_as_nothing() {
        let code = Arc::new(AtomicU16::new(500));
        let (house, asked) = house(&code);
        let look = async || house.account("ns", "bob").await.standing;
        for _ in 0..100 {
            assert_eq!(look().await, scene::Account::Unknown);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        code.store(404, Ordering::Relaxed);
        tokio::time::advance(RECHECK).await;
        assert!(matches!(look().await, scene::Account::MissingLately { .. }));
        code.store(500, Ordering::Relaxed);
        tokio::time::advance(GRACE).await;
        assert_eq!(look().await, scene::Account::Unknown, "it may be back");
        code.store(404, Ordering::Relaxed);
        tokio::time::advance(RECHECK).await;
        assert_eq!(look().await, scene::Account::Missing);
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_missing_is_remembered_while_anybody_refers_to_it() {
        let (house, _) = house(&Arc::new(AtomicU16::new(404)));
        let token = |name: &str| -> Guarded<AccessToken> {
            let spec = json!({"accountRef": {"name": "bob"}, "apiKeyPairRef": {"name": "pair"}});
            let metadata = json!({"name": name, "namespace": "ns", "uid": name});
            serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
        };
        let all = ["a", "b"].map(token);
        for one in &all {
            house.roll.see(AccessToken::KIND, one);
            house.kin.see(AccessToken::KIND, one);
        }
        house.account("ns", "bob").await;
        let cache = Cache::<Guarded<ApiKeyPair>>::default();
        house.find(&cache, "ns", "pair").await;
        for one in &all {
            assert!(!house.absences.is_empty(), "another one still refers to it");
            house.roll.forget(AccessToken::KIND, one);
            house.kin.forget(AccessToken::KIND, one);
            forget(&house, &one.meta.key(AccessToken::KIND), one);
        }
        assert!(house.absences.is_empty());
    }
}
