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

use super::cache::{Cache, Kept, Objects};

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
    /// All was listed anew: what is gone since was not said one by one.
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
                        Event::InitApply(sent) => heed(Sighting::There(&listed.put(sent.object))),
                        Event::InitDone => {
                            cache.fill(std::mem::take(&mut listed));
                            heed(Sighting::Listed);
                        }
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
