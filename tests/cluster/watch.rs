//! All versions that an object went through, each with the moment at which it was seen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use kube::api::WatchEvent;
use kube::core::Request;
use kube::core::params::WatchParams;
use serde_json::Value;

use crate::stage::{Kind, Stage, now, version};

/// One version of an object; null when it was deleted.
#[derive(Clone, Debug)]
pub struct Version {
    pub seen: Timestamp,
    pub object: Value,
}

/// Follows one object from the moment at which it was made.
pub struct Follower {
    versions: Arc<Mutex<Vec<Version>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Stage<'_> {
    /// Begins with the version that was read before.
    pub async fn follow(&self, kind: Kind, name: &str, from: &Value) -> Follower {
        let versions = Arc::new(Mutex::new(vec![Version { seen: now(), object: from.clone() }]));
        let params = WatchParams::default().fields(&format!("metadata.name={name}"));
        let request = Request::new(self.path(kind, "")).watch(&params, &version(from)).expect("a request");
        let client = self.client.clone();
        let list = versions.clone();
        let events = client.request_events::<Value>(request).await.expect("it can be watched");
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let object = match event {
                    Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => object,
                    Ok(WatchEvent::Deleted(_)) => Value::Null,
                    Ok(WatchEvent::Bookmark(_)) => continue,
                    Ok(WatchEvent::Error(_)) | Err(_) => return,
                };
                list.lock().expect("nobody panics here").push(Version { seen: now(), object });
            }
        });
        Follower { versions, task }
    }
}

impl Follower {
    /// All versions up to the first that is as wanted.
    pub async fn until(&self, wanted: &str, holds: impl Fn(&Value) -> bool) -> Vec<Version> {
        for _ in 0..1800 {
            let versions = self.versions.lock().expect("nobody panics here").clone();
            if let Some(last) = versions.iter().position(|version| holds(&version.object)) {
                return versions[..=last].to_vec();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("never seen: {wanted}; but\n{:#?}", self.versions.lock().expect("nobody panics here"));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
