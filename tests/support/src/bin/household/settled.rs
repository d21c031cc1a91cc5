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
            objects.iter().filter(|object| !is_settled(object, objects)).map(describe).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(60) {
            bail!("not ready after a minute:\n{}", waiting.join("\n"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn is_settled(object: &Value, all: &[Value]) -> bool {
    let is_true = |kind| condition(object, kind).is_some_and(|condition| condition["status"] == "True");
    let is_dead =
        object["status"]["state"].as_str().is_some_and(|state| ["Expired", "Revoked"].contains(&state));
    object["status"]["observedGeneration"] == object["metadata"]["generation"]
        && (is_true("Ready") || is_dead)
        && object["status"]["counts"]["total"].as_u64().unwrap_or_default() >= held_by(object, all)
}

/// How many of the examples are credentials of this one: an Account tells it when they have come to rest.
fn held_by(object: &Value, all: &[Value]) -> u64 {
    let is_held = |other: &&Value| other["spec"]["accountRef"]["name"] == object["metadata"]["name"];
    all.iter().filter(is_held).count() as u64
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
