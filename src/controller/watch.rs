//! Watches that keep a cache and say what moved; one that makes no progress is begun anew.

use std::{fmt::Debug, hash::Hash};

use futures::StreamExt;
use kube::{
    Api, Resource,
    runtime::{WatchStreamExt, reflector::store::Writer, watcher},
};
use serde::de::DeserializeOwned;

/// After so many errors in a row the watch is begun anew with a list: a 410 as an HTTP status never ends otherwise.
const ERRORS: u32 = 4;
/// Seconds after which the server ends a watch: a silently dead connection is noticed at the latest then.
const WATCH_SECONDS: u32 = 60;

/// What a watch saw.
pub enum Sighting<'a, K> {
    There(&'a K),
    Gone(&'a K),
    /// All was listed anew: what is gone since was not said one by one.
    Listed,
}

/// Follows one resource for ever.
pub async fn follow<K>(
    api: Api<K>,
    labels: Option<&str>,
    mut writer: Writer<K>,
    heed: impl Fn(Sighting<'_, K>),
) where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    let config = watcher::Config::default().timeout(WATCH_SECONDS).streaming_lists();
    let config = labels.map_or(config.clone(), |labels| config.labels(labels));
    loop {
        let stream = watcher(api.clone(), config.clone()).default_backoff();
        let mut stream = std::pin::pin!(stream);
        let mut errors = 0;
        while let Some(event) = stream.next().await {
            match event {
                Ok(event) => {
                    errors = 0;
                    writer.apply_watcher_event(&event);
                    match &event {
                        watcher::Event::Apply(object) | watcher::Event::InitApply(object) => {
                            heed(Sighting::There(object))
                        }
                        watcher::Event::Delete(object) => heed(Sighting::Gone(object)),
                        watcher::Event::InitDone => heed(Sighting::Listed),
                        watcher::Event::Init => {}
                    }
                }
                Err(error) => {
                    errors += 1;
                    tracing::warn!(kind = %K::kind(&K::DynamicType::default()), cause = cause(&error), "watch interrupted");
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
