//! The examples in a cluster: applied, but what somebody has edited so that they no longer can be is theirs.

use anyhow::{Result, bail};

use crate::cluster::Cluster;

/// Applies a folder; what the server refused, if the objects are there all the same.
pub async fn apply(cluster: &Cluster, folder: &str) -> Result<Option<String>> {
    let answer = cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", folder]).await;
    if answer.succeeded {
        return Ok(None);
    }
    let refused = answer.stderr.trim().to_owned();
    if !cluster.kubectl(&["get", "-k", folder]).await.succeeded {
        bail!("applying {folder}: {refused}");
    }
    Ok(Some(refused))
}
