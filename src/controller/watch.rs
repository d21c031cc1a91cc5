//! Watches that keep a cache and say what moved; one that makes no progress is begun anew.

use std::{borrow::Cow, fmt};

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{
    cache::{Cache, Kept, Objects},
    slim::Slim,
};

/// After so many errors in a row the watch is begun anew with a list: a 410 as an HTTP status never ends otherwise.
const ERRORS: u32 = 4;
/// Seconds after which the server ends a watch: a silently dead connection is noticed at the latest then.
const WATCH_SECONDS: u32 = 60;

/// How many Secrets are listed at a time.
const PAGE: u32 = 250;

/// What a watch saw.
pub enum Sighting<'a, K> {
    There(&'a K),
    Gone(&'a K),
    /// All was listed anew, and what came of it was said one by one.
    Listed,
}

/// What a cache keeps of an object, and of which resource.
pub trait Watched: Kept + DeserializeOwned {
    type Resource: Resource<DynamicType = (), Scope = NamespaceResourceScope>;
    /// Whether the server is asked for the metadata only.
    const METADATA_ONLY: bool;
}

/// The same as the client hands it over: that asks every object for an `ObjectMeta`, of which it looks at the version.
#[derive(Clone)]
pub struct Sent<T> {
    pub object: T,
    version: ObjectMeta,
}

impl<'de, T: Watched> Deserialize<'de> for Sent<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = T::deserialize(deserializer)?;
        let resource_version = Some(object.meta().resource_version.to_string());
        Ok(Self { object, version: ObjectMeta { resource_version, ..ObjectMeta::default() } })
    }
}

impl<T> fmt::Debug for Sent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

impl<T: Watched> Resource for Sent<T> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn metadata_api() -> bool {
        T::METADATA_ONLY
    }

    fn kind(dt: &()) -> Cow<'_, str> {
        T::Resource::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        T::Resource::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        T::Resource::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        T::Resource::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.version
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.version
    }
}

/// Follows one resource for ever.
pub async fn follow<T: Watched>(
    api: Api<Sent<T>>,
    labels: Option<&str>,
    cache: &Cache<T>,
    heed: impl Fn(Sighting<'_, T>),
) {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    // What is cheaper for the server: it decodes every page of custom resources anew, and every Secret of a stream twice.
    let config = match T::METADATA_ONLY {
        true => config.page_size(PAGE),
        false => config.streaming_lists(),
    };
    let config = labels.map_or(config.clone(), |labels| config.labels(labels));
    loop {
        let stream = watcher(api.clone(), config.clone()).default_backoff();
        let mut stream = std::pin::pin!(stream);
        let mut errors = 0;
        let mut listed = Objects::default();
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    errors = 0;
                    match event {
                        Event::Apply(sent) => heed(Sighting::There(&cache.put(sent.object))),
                        Event::Delete(sent) => {
                            cache.remove(sent.object.meta());
                            heed(Sighting::Gone(&sent.object));
                        }
                        Event::Init => listed = Objects::default(),
                        Event::InitApply(sent) => {
                            listed.put(sent.object);
                        }
                        Event::InitDone => replace(cache, std::mem::take(&mut listed), &heed),
                    }
                }
                Err(error) => {
                    errors += 1;
                    tracing::warn!(kind = %T::Resource::kind(&()), cause = cause(&error), "watch interrupted");
                    if errors >= ERRORS {
                        break;
                    }
                }
            }
        }
    }
}

/// All was listed anew. Nothing of it is told before the cache has it: whoever is woken looks there, and nobody wakes him
/// a second time.
fn replace<T: Watched>(cache: &Cache<T>, listed: Objects<T>, heed: impl Fn(Sighting<'_, T>)) {
    let before = cache.fill(listed);
    for object in before.all() {
        let Slim { namespace, name, uid, .. } = object.meta();
        if cache.get(namespace, name).is_none_or(|found| found.meta().uid != *uid) {
            heed(Sighting::Gone(object));
        }
    }
    drop(before);
    cache.filter(|_| true).iter().for_each(|object| heed(Sighting::There(object)));
    heed(Sighting::Listed);
    // Work begins after this, and needs what was heeded.
    cache.now_filled();
}

/// What a watch stumbled over, without what the server said: that could hold anything.
fn cause(error: &watcher::Error) -> String {
    let (what, inner) = match error {
        watcher::Error::InitialListFailed(inner) => ("the list failed", Some(inner)),
        watcher::Error::WatchStartFailed(inner) => ("the watch could not be begun", Some(inner)),
        watcher::Error::WatchFailed(inner) => ("the connection broke", Some(inner)),
        watcher::Error::WatchError(status) => return format!("the server ended the watch ({})", status.code),
        _ => ("there is no resource version", None),
    };
    match inner {
        Some(kube::Error::Api(status)) if status.code == 403 => {
            format!("{what} (403: the operator lacks a right, compare its roles with those in deploy/)")
        }
        Some(kube::Error::Api(status)) => format!("{what} ({})", status.code),
        Some(_) | None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Mutex};

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
    struct Server(Mutex<Vec<List>>);

    impl Server {
        /// None is silence.
        fn answer(&self, request: &Request<Body>) -> Option<String> {
            let query = request.uri().query().unwrap_or_default();
            let mut lists = self.0.lock().unwrap();
            let is_streamed = query.contains("sendInitialEvents=true");
            if query.contains("watch") && !is_streamed {
                return (!lists.is_empty()).then(|| format!("{}\n", too_old()));
            }
            let object = |(name, uid): &(&str, &str)| json!({"metadata": {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": "7"}});
            let items: Vec<_> = lists.remove(0).iter().map(object).collect();
            if !is_streamed {
                return Some(json!({"metadata": {"resourceVersion": "7"}, "items": items}).to_string());
            }
            let end = json!({"resourceVersion": "7", "annotations": {"k8s.io/initial-events-end": "true"}});
            let end =
                json!({"type": "BOOKMARK", "object": {"apiVersion": "v1", "kind": "X", "metadata": end}});
            let lines = items.iter().map(|item| json!({"type": "ADDED", "object": item}));
            let lines = lines.chain([end]).chain((!lists.is_empty()).then(too_old));
            Some(lines.map(|line| format!("{line}\n")).collect())
        }
    }

    fn too_old() -> Value {
        let status =
            json!({"status": "Failure", "code": 410, "reason": "Expired", "message": "", "metadata": {}});
        json!({"type": "ERROR", "object": status})
    }

    /// What was heeded of these lists, each with whether the cache showed it so at that moment.
    async fn heeded<T: Watched + std::fmt::Debug>(lists: Vec<List>) -> Vec<(String, bool)> {
        let (server, cache) = (std::sync::Arc::new(Server(Mutex::new(lists))), Cache::<T>::default());
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
        let api = Api::all(Client::new(service, "ns"));
        let following = follow(api, None, &cache, |sighting| {
            let (what, is_shown) = match sighting {
                Sighting::There(object) => known(object),
                Sighting::Gone(object) => {
                    let (what, is_shown) = known(object);
                    (format!("{what} gone"), !is_shown)
                }
                Sighting::Listed => ("listed".to_owned(), true),
            };
            let mut heeded = heeded.lock().unwrap();
            let is_first = !heeded.iter().any(|(before, _)| before == "listed");
            assert!(
                !is_first || filled.lock().unwrap().as_mut().now_or_never().is_none(),
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
        let mut second = heeded.split_off(4);
        second.sort();
        let names: Vec<_> = second.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(names, ["a 1", "b 1 gone", "b 2", "c 1 gone", "d 1", "listed"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_changed_or_went_while_a_watch_was_broken_is_told_when_the_cache_shows_it() {
        is_told_by_then(heeded::<SecretMeta>(LISTS.to_vec()).await);
        is_told_by_then(heeded::<Guarded<AccessToken>>(LISTS.to_vec()).await);
    }
}
