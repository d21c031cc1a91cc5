//! Watches that keep a cache and say what moved; one that makes no progress is begun anew.

use std::{borrow::Cow, fmt};

use futures::StreamExt;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Resource,
    core::NamespaceResourceScope,
    runtime::{
        WatchStreamExt,
        reflector::{Lookup, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

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

/// What a cache keeps of an object.
pub trait Kept: Lookup<DynamicType = ()> + Clone + DeserializeOwned + Send + Sync + 'static {
    /// Whether the server is asked for the metadata only.
    const METADATA_ONLY: bool;
}

/// The same as the client hands it over: it asks every object for an `ObjectMeta`, of which it looks at the version.
#[derive(Clone)]
pub struct Sent<K> {
    pub object: K,
    version: ObjectMeta,
}

impl<'de, K: Kept> Deserialize<'de> for Sent<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = K::deserialize(deserializer)?;
        let resource_version = object.resource_version().map(Cow::into_owned);
        Ok(Self { object, version: ObjectMeta { resource_version, ..ObjectMeta::default() } })
    }
}

impl<K> fmt::Debug for Sent<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").finish_non_exhaustive()
    }
}

impl<K: Kept> Resource for Sent<K> {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn metadata_api() -> bool {
        K::METADATA_ONLY
    }

    fn kind(dt: &()) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.version
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.version
    }
}

/// Follows one resource for ever.
pub async fn follow<K: Kept>(
    api: Api<Sent<K>>,
    labels: Option<&str>,
    mut writer: Writer<K>,
    heed: impl Fn(Sighting<'_, K>),
) {
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    // What is cheaper for the server: it decodes every page of custom resources anew, and every Secret of a stream twice.
    let config = match K::METADATA_ONLY {
        true => config.page_size(PAGE),
        false => config.streaming_lists(),
    };
    let config = labels.map_or(config.clone(), |labels| config.labels(labels));
    loop {
        let stream = watcher(api.clone(), config.clone()).default_backoff();
        let mut stream = std::pin::pin!(stream);
        let mut errors = 0;
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    errors = 0;
                    let event = kept(event);
                    writer.apply_watcher_event(&event);
                    match &event {
                        Event::Apply(object) | Event::InitApply(object) => heed(Sighting::There(object)),
                        Event::Delete(object) => heed(Sighting::Gone(object)),
                        Event::InitDone => heed(Sighting::Listed),
                        Event::Init => {}
                    }
                }
                Err(error) => {
                    errors += 1;
                    tracing::warn!(kind = %K::kind(&()), cause = cause(&error), "watch interrupted");
                    if errors >= ERRORS {
                        break;
                    }
                }
            }
        }
    }
}

fn kept<K>(event: Event<Sent<K>>) -> Event<K> {
    match event {
        Event::Apply(sent) => Event::Apply(sent.object),
        Event::Delete(sent) => Event::Delete(sent.object),
        Event::Init => Event::Init,
        Event::InitApply(sent) => Event::InitApply(sent.object),
        Event::InitDone => Event::InitDone,
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
