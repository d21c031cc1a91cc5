//! A control plane with Accounts and credentials that wait, and a way to know when the last of them is Ready.

use std::{collections::HashSet, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use chatelaine::api::{AccessToken, Account};
use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, Client,
    api::{ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams},
};
use serde::Deserialize;
use serde_json::json;
use support::ControlPlane;
use tokio::{sync::Mutex, sync::watch, task::AbortHandle, task::JoinSet};

use crate::{CONCURRENCY, requests::Count};

const NAMESPACE: &str = "default";
/// The longest that anything may take before it counts as not measurable.
const PATIENCE: Duration = Duration::from_secs(600);

pub struct Stage {
    pub plane: ControlPlane,
}

impl Stage {
    pub async fn build() -> Result<Self> {
        Ok(Self { plane: ControlPlane::start_installed().await? })
    }

    pub fn tokens(&self) -> Api<AccessToken> {
        Api::namespaced(self.plane.client(), NAMESPACE)
    }

    /// Makes so many AccessTokens of so many Accounts; no operator runs. Returns what the server made of them.
    pub async fn populate(&self, number: usize, accounts: usize) -> Result<Vec<AccessToken>> {
        let api: Api<Account> = Api::namespaced(self.plane.client(), NAMESPACE);
        for index in 0..accounts {
            let account = json!({
                "apiVersion": "chatelaine.dev/v1alpha1", "kind": "Account",
                "metadata": {"name": format!("account-{index:03}")},
                "spec": {"email": "fleet@example.com", "permissions": ["servers:*", "dns:read"]},
            });
            api.create(&PostParams::default(), &serde_json::from_value(account)?).await?;
        }
        let tokens = self.tokens();
        let made = crew((1..=number).collect(), move |index| {
            let tokens = tokens.clone();
            async move {
                let account = (index - 1) * accounts / number;
                let token = token(&token_name(index), &format!("account-{account:03}"))?;
                Ok(tokens.create(&PostParams::default(), &token).await?)
            }
        })
        .await?;
        self.wait_for_the_garbage_collector().await?;
        Ok(made)
    }

    /// Until it watches AccessTokens, it asks the server about the owner of each Secret, which nobody wants to measure.
    async fn wait_for_the_garbage_collector(&self) -> Result<()> {
        for _ in 0..240 {
            let count = Count::now(&self.plane.client()).await?;
            if count.open_watches("accesstokens") > 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        bail!("the garbage collector does not watch AccessTokens after two minutes")
    }

    /// Begins to count; the count is complete when nothing was Ready before.
    pub async fn count_ready(&self) -> Result<ReadyCount> {
        ReadyCount::begin(self.plane.client()).await
    }
}

pub fn token_name(index: usize) -> String {
    format!("token-{index:06}")
}

/// A token as people write them.
pub fn token(name: &str, account: &str) -> Result<AccessToken> {
    Ok(serde_json::from_value(json!({
        "apiVersion": "chatelaine.dev/v1alpha1", "kind": "AccessToken",
        "metadata": {"name": name},
        "spec": {
            "accountRef": {"name": account},
            "displayName": "One of a fleet",
            "permissions": ["servers:read", "dns:read"],
            "lifetime": "90d",
        },
    }))?)
}

/// Does the same for all of these, so many at a time as the operator does.
pub async fn crew<T, O, F>(items: Vec<T>, work: impl Fn(T) -> F + Clone + Send + 'static) -> Result<Vec<O>>
where
    T: Send + 'static,
    O: Send + 'static,
    F: Future<Output = Result<O>> + Send,
{
    let items = Arc::new(Mutex::new(items.into_iter()));
    let mut workers = JoinSet::new();
    for _ in 0..CONCURRENCY {
        let (items, work) = (items.clone(), work.clone());
        workers.spawn(async move {
            let mut made = Vec::new();
            loop {
                let Some(item) = items.lock().await.next() else { return anyhow::Ok(made) };
                made.push(work(item).await?);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(made) = workers.join_next().await {
        all.append(&mut made??);
    }
    Ok(all)
}

/// One watch that counts AccessTokens that became Ready. The floor is counted by the same one, so that both pay for it.
pub struct ReadyCount {
    count: watch::Receiver<usize>,
    watcher: AbortHandle,
}

/// As much of an object as there is to read.
#[derive(Clone, Debug, Deserialize)]
struct Slim {
    metadata: ObjectMeta,
    status: Option<SlimStatus>,
}

#[derive(Clone, Debug, Deserialize)]
struct SlimStatus {
    #[serde(default)]
    conditions: Vec<SlimCondition>,
}

#[derive(Clone, Debug, Deserialize)]
struct SlimCondition {
    r#type: String,
    status: String,
}

impl Slim {
    fn is_ready(&self) -> bool {
        let is_so = |condition: &SlimCondition| condition.r#type == "Ready" && condition.status == "True";
        self.status.iter().flat_map(|status| &status.conditions).any(is_so)
    }
}

impl ReadyCount {
    async fn begin(client: Client) -> Result<Self> {
        let tokens: Api<AccessToken> = Api::namespaced(client.clone(), NAMESPACE);
        let first = tokens.list_metadata(&ListParams::default().limit(1)).await?;
        let mut version = first.metadata.resource_version.context("a list without a version")?;
        let (counted, count) = watch::channel(0);
        let watcher = tokio::spawn(async move {
            let mut ready = HashSet::new();
            loop {
                let request = kube::api::Request::new(format!(
                    "/apis/chatelaine.dev/v1alpha1/namespaces/{NAMESPACE}/accesstokens"
                ));
                let request = request.watch(&WatchParams::default().timeout(290), &version)?;
                let mut events = client.request_events::<Slim>(request).await?.boxed();
                while let Some(event) = events.try_next().await? {
                    if let WatchEvent::Added(object) | WatchEvent::Modified(object) = event {
                        version = object.metadata.resource_version.clone().unwrap_or_default();
                        if object.is_ready() && ready.insert(object.metadata.name.unwrap_or_default()) {
                            counted.send_replace(ready.len());
                        }
                    }
                }
            }
            #[allow(unreachable_code, reason = "says what `?` returns above")]
            anyhow::Ok(())
        });
        Ok(Self { count, watcher: watcher.abort_handle() })
    }

    /// Returns when so many are Ready.
    pub async fn wait(&mut self, number: usize) -> Result<()> {
        let all = self.count.wait_for(|count| *count >= number);
        let outcome = tokio::time::timeout(PATIENCE, all).await.map(|all| all.map(drop));
        match outcome {
            Ok(all) => all.context("the watch broke"),
            Err(_) => bail!("only {} of {number} are Ready after {PATIENCE:?}", *self.count.borrow()),
        }
    }
}

impl Drop for ReadyCount {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}
