//! The operator over a fleet that waits, and once more over the same fleet when it is done.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chatelaine::api::LEDGER;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::ListParams};
use serde::Deserialize;
use support::operator::Launch;

use crate::{
    OPERATOR, process,
    process::{Usage, cpu_of},
    requests::Count,
    stage::Stage,
};

/// What is left of the work when the last credential is Ready: the caches see the last writes, and the Accounts tell what
/// they hold now, which waits for ten seconds at most.
const SETTLE: Duration = Duration::from_secs(15);

pub struct Issued {
    pub number: usize,
    pub ready: Duration,
    pub took: Duration,
    /// CPU of the servers.
    pub servers: Duration,
    /// When the last credential was Ready, and some seconds later.
    pub usage: Usage,
    pub later: Usage,
    pub requests: Count,
    pub repeated: i64,
}

pub struct Restarted {
    pub ready: Duration,
    /// Until the first pass over all was over.
    pub rest: Duration,
    pub usage: Usage,
    pub requests: Count,
}

pub async fn measure(stage: &Stage, number: usize) -> Result<Issued> {
    let admin = stage.plane.client();
    let mut all_ready = stage.count_ready().await?;
    let launch = Launch::of(OPERATOR);
    let before = Count::now(&admin).await?;
    let servers = stage.plane.process_ids();
    let servers_before = cpu_of(&servers)?;
    let began = Instant::now();
    let operator = launch.start(&stage.plane).await?;
    operator.wait_ready().await?;
    let ready = began.elapsed();
    all_ready.wait(number).await?;
    let took = began.elapsed();
    let servers = cpu_of(&servers)? - servers_before;
    let usage = Usage::of(operator.process_id())?;
    tokio::time::sleep(SETTLE).await;
    let later = Usage::of(operator.process_id())?;
    let requests = Count::now(&admin).await? - &before;
    operator.stop().await?;
    let repeated = requests.secret_posts() - number as i64 + rewritten(stage, number).await?;
    Ok(Issued { number, ready, took, servers, usage, later, requests, repeated })
}

/// Secrets whose ledger says anything but that they were issued once.
async fn rewritten(stage: &Stage, number: usize) -> Result<i64> {
    #[derive(Deserialize)]
    struct Page {
        revision: i64,
    }
    let secrets: Api<Secret> = Api::default_namespaced(stage.plane.client());
    let list = secrets.list_metadata(&ListParams::default()).await?;
    let mut issued_once = 0;
    for text in list.items.iter().filter_map(|secret| secret.annotations().get(LEDGER)) {
        let page: Page = serde_json::from_str(text).context("a ledger that cannot be read")?;
        issued_once += i64::from(page.revision == 1);
    }
    Ok(number as i64 - issued_once)
}

pub async fn measure_restart(stage: &Stage) -> Result<Restarted> {
    let admin = stage.plane.client();
    let launch = Launch::of(OPERATOR);
    let before = Count::now(&admin).await?;
    let began = Instant::now();
    let operator = launch.start(&stage.plane).await?;
    operator.wait_ready().await?;
    let ready = began.elapsed();
    let rest = process::rest(operator.process_id()).await?.duration_since(began);
    let requests = Count::now(&admin).await? - &before;
    let usage = Usage::of(operator.process_id())?;
    operator.stop().await?;
    Ok(Restarted { ready, rest, usage, requests })
}
