//! Waits until the operator has said its word about every example.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;
use support::Cluster;

/// Ready, or dead: `alice-trial` ends two minutes after it was issued, and whoever took the README's tour has revoked
/// another one. Both stay so.
pub async fn wait(cluster: &Cluster, folder: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let list: Value =
            serde_json::from_str(&cluster.kubectl(&["get", "-k", folder, "-o", "json"]).await.checked()?)?;
        let objects = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let waiting: Vec<String> =
            objects.iter().filter(|object| !is_settled(object)).map(describe).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(60) {
            bail!("not ready after a minute:\n{}", waiting.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn is_settled(object: &Value) -> bool {
    let is_true = |kind| condition(object, kind).is_some_and(|condition| condition["status"] == "True");
    let is_dead =
        object["status"]["state"].as_str().is_some_and(|state| ["Expired", "Revoked"].contains(&state));
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
        && (is_true("Ready") || is_dead)
}

fn describe(object: &Value) -> String {
    let ready = condition(object, "Ready");
    let said = |field: &str| ready.and_then(|ready| ready[field].as_str()).unwrap_or("nothing yet");
    format!(
        "  {} {}: {}: {}",
        object["kind"].as_str().unwrap_or_default(),
        object["metadata"]["name"].as_str().unwrap_or_default(),
        said("reason"),
        said("message")
    )
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}
