//! Watches that keep a cache and say what moved; one that makes no progress is begun anew.

use std::{borrow::Cow, pin::pin, time::Duration};

use futures::{Stream, StreamExt};
use kube::{
    Client, Resource,
    api::{Request, WatchEvent, WatchParams},
    core::NamespaceResourceScope,
    runtime::{utils::Backoff, watcher::DefaultBackoff},
};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{
    cache::{Cache, Kept, Objects},
    error::Failure,
    list::{Listed, list},
    slim::Slim,
};

/// After so many errors in a row the watch is begun anew with a list: a 410 as an HTTP status never ends otherwise.
const ERRORS: u32 = 4;
/// Seconds after which the server ends a watch: a silently dead connection is noticed at the latest then.
const WATCH_SECONDS: u32 = 60;

/// A watch that says nothing for so long, not even that it ends, is dead.
pub(super) const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 5);

/// Watches are not opened more often: one that the server ends at once must not be asked for without end.
const BREATH: Duration = Duration::from_secs(1);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a watch saw.
pub enum Sighting<'a, K> {
    There(&'a K),
    Gone(&'a K),
}

/// What a cache keeps of an object, and of which resource.
pub trait Watched: Kept + DeserializeOwned {
    type Resource: Resource<DynamicType = (), Scope = NamespaceResourceScope>;
    /// Whether the server is asked for the metadata only.
    const METADATA_ONLY: bool;
}

/// Follows one resource for ever: lists it, then watches from there for as long as the server can go on.
pub async fn follow<T: Watched>(
    client: &Client,
    labels: Option<&str>,
    cache: &Cache<T>,
    heed: impl Fn(Sighting<'_, T>),
) {
    let mut pauses = DefaultBackoff::default();
    loop {
        match list(client, labels).await {
            Ok(Listed { objects, version }) => {
                pauses.reset();
                replace(cache, objects, &heed);
                watch(client, labels, version, cache, &heed).await;
            }
            Err(failure) => interrupted::<T>("the list failed", &failure),
        }
        tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }
}

/// Watches until only a new list helps: the server has forgotten the version, or there is no progress.
async fn watch<T: Watched>(
    client: &Client,
    labels: Option<&str>,
    mut version: String,
    cache: &Cache<T>,
    heed: &impl Fn(Sighting<'_, T>),
) {
    let mut pauses = DefaultBackoff::default();
    let mut errors = 0;
    while errors < ERRORS {
        let began = Instant::now();
        let broken = match open::<T>(client, labels, &version).await {
            Ok(events) => {
                let mut events = pin!(events);
                loop {
                    // The server ends a watch in time; if it does not, the connection is dead.
                    let next = tokio::time::timeout(SILENCE, events.next()).await;
                    match next.unwrap_or_default() {
                        Some(Ok(event)) => match take_in(event, cache, heed) {
                            Ok(seen) => version = seen,
                            Err(failure) => break Some(failure),
                        },
                        Some(Err(error)) => break Some(error.into()),
                        None => break None,
                    }
                    errors = 0;
                    pauses.reset();
                }
            }
            Err(failure) => Some(failure),
        };
        let Some(failure) = broken else {
            tokio::time::sleep(BREATH.saturating_sub(began.elapsed())).await;
            continue;
        };
        interrupted::<T>("the watch broke", &failure);
        if is_forgotten(&failure) {
            return;
        }
        errors += 1;
        tokio::time::sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }
}

async fn open<T: Watched>(
    client: &Client,
    labels: Option<&str>,
    version: &str,
) -> Result<impl Stream<Item = kube::Result<WatchEvent<T>>> + use<T>, Failure> {
    let params = WatchParams {
        label_selector: labels.map(str::to_owned),
        timeout: Some(WATCH_SECONDS),
        ..WatchParams::default()
    };
    let request = Request::new(T::Resource::url_path(&(), None));
    let request = match T::METADATA_ONLY {
        true => request.watch_metadata(&params, version),
        false => request.watch(&params, version),
    };
    let request = request.map_err(|_| Failure::Refused { code: 0, reason: "watch".into() })?;
    let opened = tokio::time::timeout(SILENCE, client.request_events(request)).await;
    let events = opened.map_err(|_| Failure::Unclear("time-out".into()))??;
    Ok(events)
}

/// The version of what was taken in.
fn take_in<T: Watched>(
    event: WatchEvent<T>,
    cache: &Cache<T>,
    heed: &impl Fn(Sighting<'_, T>),
) -> Result<String, Failure> {
    match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            let Slim { namespace, name, .. } = object.meta();
            let before = cache.get(namespace, name).filter(|before| !before.is_same(&object));
            let object = cache.put(object);
            if let Some(before) = before {
                heed(Sighting::Gone(&before));
            }
            heed(Sighting::There(&object));
            Ok(object.meta().resource_version.to_string())
        }
        WatchEvent::Deleted(object) => {
            cache.remove(object.meta());
            heed(Sighting::Gone(&object));
            Ok(object.meta().resource_version.to_string())
        }
        WatchEvent::Bookmark(mark) => Ok(mark.metadata.resource_version),
        WatchEvent::Error(status) => Err(kube::Error::Api(status).into()),
    }
}

/// 410, as an event or as an HTTP status.
fn is_forgotten(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code: 410, .. })
}

/// All was listed anew. Nothing of it is told before the cache has it: whoever is woken looks there, and nobody wakes him
/// a second time.
fn replace<T: Watched>(cache: &Cache<T>, listed: Objects<T>, heed: impl Fn(Sighting<'_, T>)) {
    let before = cache.fill(listed);
    for object in before.all() {
        let Slim { namespace, name, .. } = object.meta();
        if cache.get(namespace, name).is_none_or(|found| !found.is_same(object)) {
            heed(Sighting::Gone(object));
        }
    }
    drop(before);
    cache.filter(|_| true).iter().for_each(|object| heed(Sighting::There(object)));
    // Work begins after this, and needs what was heeded.
    cache.now_filled();
}

/// What it stumbled over, without what the server said: that could hold anything.
fn interrupted<T: Watched>(what: &str, failure: &Failure) {
    let hint = match failure {
        Failure::Forbidden => ": compare its roles with those in deploy/",
        Failure::Gone => ": is its CustomResourceDefinition installed?",
        Failure::Outrun
        | Failure::Terminating
        | Failure::Refused { .. }
        | Failure::Unclear(_)
        | Failure::Mint(_) => "",
    };
    tracing::warn!(kind = %resource::<T>(), "{what}: {failure}{hint}");
}

pub(super) fn resource<T: Watched>() -> Cow<'static, str> {
    T::Resource::kind(&())
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };

    use futures::FutureExt;
    use http::{Request, Response};
    use kube::{Client, client::Body};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::AccessToken,
        controller::{guarded::Guarded, secret_meta::SecretMeta},
    };

    /// Objects by name and uid.
    type List = &'static [(&'static str, &'static str)];

    /// Lists these one after the other; each watch is ended with "too old", and the last has nothing to say.
    struct Server {
        lists: Mutex<Vec<List>>,
        /// In which form each answer was asked for.
        forms: Mutex<Vec<String>>,
    }

    impl Server {
        /// None is silence.
        fn answer(&self, request: &Request<Body>) -> Option<String> {
            let form = request.headers().get("accept").map(|form| form.to_str().unwrap().to_owned());
            self.forms.lock().unwrap().push(form.unwrap_or_default());
            let mut lists = self.lists.lock().unwrap();
            if request.uri().query().unwrap_or_default().contains("watch=true") {
                return (!lists.is_empty()).then(|| format!("{}\n", too_old()));
            }
            let object = |(name, uid): &(&str, &str)| json!({"metadata": {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": "7"}});
            let items: Vec<_> = lists.remove(0).iter().map(object).collect();
            Some(json!({"metadata": {"resourceVersion": "7"}, "items": items}).to_string())
        }
    }

    fn too_old() -> Value {
        let status =
            json!({"status": "Failure", "code": 410, "reason": "Expired", "message": "", "metadata": {}});
        json!({"type": "ERROR", "object": status})
    }

    /// What was heeded of these lists, each with whether the cache showed it so at that moment.
    async fn heeded<T: Watched + std::fmt::Debug>(lists: Vec<List>) -> Vec<(String, bool)> {
        heeded_of::<T>(&Arc::new(Server { lists: Mutex::new(lists), forms: Mutex::default() })).await
    }

    async fn heeded_of<T: Watched + std::fmt::Debug>(server: &Arc<Server>) -> Vec<(String, bool)> {
        let (server, cache) = (server.clone(), Cache::<T>::default());
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = server.answer(&request);
            async move {
                match answer {
                    Some(answer) => Ok::<_, Infallible>(Response::new(Body::from(answer.into_bytes()))),
                    None => std::future::pending().await,
                }
            }
        });
        let (heeded, filled) = (Mutex::new(Vec::new()), Mutex::new(cache.filled().boxed()));
        let known = |object: &T| {
            let Slim { namespace, name, uid, .. } = object.meta();
            (
                format!("{name} {uid}"),
                cache.get(namespace, name).is_some_and(|found| found.meta().uid == *uid),
            )
        };
        let client = Client::new(service, "ns");
        let following = follow(&client, None, &cache, |sighting| {
            let (what, is_shown) = match sighting {
                Sighting::There(object) => known(object),
                Sighting::Gone(object) => {
                    let (what, is_shown) = known(object);
                    (format!("{what} gone"), !is_shown)
                }
            };
            let mut heeded = heeded.lock().unwrap();
            assert!(
                heeded.len() >= LISTS[0].len() || filled.lock().unwrap().as_mut().now_or_never().is_none(),
                "work would begin before all is heeded"
            );
            heeded.push((what, is_shown));
        });
        let _ = tokio::time::timeout(std::time::Duration::from_secs(10), following).await;
        heeded.into_inner().unwrap()
    }

    const LISTS: [List; 2] = [&[("a", "1"), ("b", "1"), ("c", "1")], &[("a", "1"), ("b", "2"), ("d", "1")]];

    fn is_told_by_then(mut heeded: Vec<(String, bool)>) {
        assert!(heeded.iter().all(|(_, is_shown)| *is_shown), "the cache does not show it yet: {heeded:?}");
        let mut second = heeded.split_off(LISTS[0].len());
        second.sort();
        let names: Vec<_> = second.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(names, ["a 1", "b 1 gone", "b 2", "c 1 gone", "d 1"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_changed_or_went_while_a_watch_was_broken_is_told_when_the_cache_shows_it() {
        is_told_by_then(heeded::<SecretMeta>(LISTS.to_vec()).await);
        is_told_by_then(heeded::<Guarded<AccessToken>>(LISTS.to_vec()).await);
    }

    /// What no answer carries is in no memory, whatever becomes of it there.
    #[tokio::test(start_paused = true)]
    async fn of_secrets_neither_list_nor_watch_is_shown_more_than_the_metadata() {
        let server = Arc::new(Server { lists: Mutex::new(LISTS.to_vec()), forms: Mutex::default() });
        heeded_of::<SecretMeta>(&server).await;
        let forms = server.forms.lock().unwrap();
        assert!(forms.len() >= 4, "two lists and two watches: {forms:?}");
        assert!(forms.iter().all(|form| form.contains("as=PartialObjectMetadata")), "{forms:?}");
    }

    #[test]
    fn whose_a_secret_was_hears_that_it_is_anothers() {
        let cache = Cache::<SecretMeta>::default();
        let heeded = Mutex::new(Vec::new());
        let secret = |version: &str, owner: &str| -> SecretMeta {
            let owner = json!({"kind": "AccessToken", "name": owner, "uid": "u", "account": "alice"});
            let annotations = json!({"chatelaine.dev/ledger": json!({"owner": owner}).to_string()});
            let metadata = json!({
                "namespace": "ns", "name": "s", "uid": "u", "resourceVersion": version,
                "annotations": annotations,
            });
            serde_json::from_value(json!({"metadata": metadata})).unwrap()
        };
        let told = |sighting: Sighting<'_, SecretMeta>| {
            let (what, object) = match sighting {
                Sighting::There(object) => ("there", object),
                Sighting::Gone(object) => ("gone", object),
            };
            heeded.lock().unwrap().push(format!("{} {what}", object.belongs_to().unwrap().1));
        };
        for (version, owner) in [("1", "a"), ("2", "a"), ("3", "b")] {
            take_in(WatchEvent::Modified(secret(version, owner)), &cache, &told).unwrap();
        }
        assert_eq!(*heeded.lock().unwrap(), ["a there", "a there", "a gone", "b there"]);
    }
}
