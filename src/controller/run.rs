//! Running: watches, workers and the clock, until somebody says stop.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::reflector::{self, store::Writer},
};
use serde::Deserialize;
use tokio::{sync::watch, task::JoinSet};

use super::{
    account,
    clock::Clock,
    credential::{Keeper, Keeps},
    dice::spread,
    error::Failure,
    guarded::{Guarded, SecretMeta},
    house::House,
    queue::{Again, Key, Lane},
    report::{Reporter, publish},
    secrets::{HELD_FOR, MANAGED_BY},
    watch::{Sighting, follow},
};
use crate::{
    api::{self, AccessToken, Account, ApiKeyPair, SshKey},
    core::{ledger::Owner, scene},
    credentials::Credential,
    every_kind,
};

/// How often the clocks are compared when nothing else is asked of the server.
const COMPARE: Duration = Duration::from_secs(30);

/// What the operator is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many objects are worked on at the same time.
    pub concurrency: usize,
    /// Prefixes, or whole keys, that labels and annotations of Secrets may have beside the common ones.
    pub secret_metadata_allow: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { concurrency: 32, secret_metadata_allow: Vec::new() }
    }
}

/// Whether the operator can do its work, for the readiness probe.
#[derive(Clone)]
pub struct Readiness {
    filled: Arc<watch::Sender<bool>>,
    clock: Clock,
}

impl Readiness {
    pub fn new(clock: Clock) -> Self {
        Self { filled: Arc::default(), clock }
    }

    /// Resolves when the caches are filled and work begins.
    pub async fn filled(&self) {
        let _ = self.filled.subscribe().wait_for(|filled| *filled).await;
    }

    /// Why not, in a line.
    pub fn check(&self) -> Result<(), &'static str> {
        if !*self.filled.borrow() {
            return Err("the caches are not filled yet");
        }
        match self.clock.agreement() {
            scene::Clock::Agreed => Ok(()),
            scene::Clock::Skewed => {
                Err("the clocks of the operator and of the API server differ by more than a minute")
            }
        }
    }
}

/// Keeps all credentials until `stop` resolves; what is under way is finished then.
pub async fn run(
    client: Client,
    clock: Clock,
    settings: Settings,
    readiness: Readiness,
    stop: impl Future<Output = ()>,
) {
    let (reporter, told) = Reporter::new();
    let (secrets, secrets_writer) = reflector::store();
    let (accounts, accounts_writer) = reflector::store();
    let house = Arc::new(House::new(
        client.clone(),
        clock,
        reporter,
        secrets,
        accounts,
        settings.secret_metadata_allow,
        std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2),
    ));
    let mut watches = JoinSet::new();
    let mut keepers: Vec<Arc<dyn Keeps>> = Vec::new();
    macro_rules! keep {
        ($($kind:ident),+) => {$(
            let (store, writer) = reflector::store();
            keepers.push(Arc::new(Keeper::<$kind> { house: house.clone(), store }));
            watches.spawn(follow_credentials::<$kind>(house.clone(), writer));
        )+};
    }
    every_kind!(keep);
    let keepers: Arc<[Arc<dyn Keeps>]> = keepers.into();
    watches.spawn(follow_accounts(house.clone(), keepers.clone(), accounts_writer));
    watches.spawn(follow_secrets(house.clone(), keepers.clone(), secrets_writer));
    watches.spawn(compare_clocks(house.clone()));
    let publisher = tokio::spawn(publish(client, house.clock.clone(), told));

    let mut stop = std::pin::pin!(stop);
    let filled = async {
        let _ = house.secrets.wait_until_ready().await;
        let _ = house.accounts.wait_until_ready().await;
        for keeper in keepers.iter() {
            keeper.filled().await;
        }
        let _ = house.compare_clocks().await;
    };
    tokio::select! {
        () = filled => {
            readiness.filled.send_replace(true);
            work(&house, &keepers, settings.concurrency, stop).await;
        }
        () = &mut stop => {}
    }
    watches.shutdown().await;
    publisher.abort();
}

/// Workers, until told to stop; each finishes what it is at.
async fn work(
    house: &Arc<House>,
    keepers: &Arc<[Arc<dyn Keeps>]>,
    workers: usize,
    stop: impl Future<Output = ()>,
) {
    let stopping = Arc::new(tokio::sync::Notify::new());
    let stopped = Arc::new(AtomicBool::new(false));
    let mut crew: FuturesUnordered<_> = (0..workers.max(1))
        .map(|_| tokio::spawn(worker(house.clone(), keepers.clone(), stopping.clone(), stopped.clone())))
        .collect();
    stop.await;
    tracing::info!("stopping: what is under way is finished first");
    stopped.store(true, Ordering::Release);
    stopping.notify_waiters();
    while crew.next().await.is_some() {}
}

async fn worker(
    house: Arc<House>,
    keepers: Arc<[Arc<dyn Keeps>]>,
    stopping: Arc<tokio::sync::Notify>,
    stopped: Arc<AtomicBool>,
) {
    while !stopped.load(Ordering::Acquire) {
        let key = tokio::select! {
            key = house.queue.next() => key,
            () = stopping.notified() => return,
        };
        // One object that makes the code panic must not end the work on all others.
        let pass = AssertUnwindSafe(look_at(&house, &keepers, &key)).catch_unwind().await;
        match pass {
            Ok(Ok(again)) => house.queue.done(&key, again),
            Ok(Err(Failure::Terminating | Failure::Gone)) => house.queue.done(&key, Again::Never),
            Ok(Err(failure)) => {
                let pause = house.queue.failed(&key, spread());
                tracing::warn!(kind = key.kind, namespace = %key.namespace, name = %key.name, %failure, ?pause, "tried again");
            }
            Err(_) => {
                let pause = house.queue.failed(&key, spread());
                tracing::error!(kind = key.kind, namespace = %key.namespace, name = %key.name, ?pause, "a pass panicked");
            }
        }
    }
}

async fn look_at(house: &Arc<House>, keepers: &Arc<[Arc<dyn Keeps>]>, key: &Key) -> Result<Again, Failure> {
    match keepers.iter().find(|keeper| keeper.kind() == key.kind) {
        Some(keeper) => keeper.look_at(key).await,
        None => account::look_at(house, key).await,
    }
}

async fn follow_credentials<K: Credential>(house: Arc<House>, writer: Writer<Guarded<K>>) {
    let api: Api<Guarded<K>> = Api::all(house.client.clone());
    let key = |object: &Guarded<K>| key::<K>(K::KIND, object);
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => house.queue.push(key(object), urgency(object, house.clock.now())),
        Sighting::Gone(object) => {
            let uid = object.uid().unwrap_or_default();
            house.own_writes.forget(&uid);
            house.slow_lane.forget(&uid);
            house.queue.forget(&key(object));
        }
        Sighting::Listed => {}
    })
    .await;
}

/// What had to go while nobody watched goes before all other work.
fn urgency<K: Credential>(object: &Guarded<K>, now: Timestamp) -> Lane {
    let told = object.0.as_ref().ok().and_then(Credential::common_status);
    let ends = told.and_then(|status| status.next.as_ref()).is_some_and(|next| next.time.0 <= now);
    if ends { Lane::Deadline } else { Lane::Ordinary }
}

async fn follow_accounts(
    house: Arc<House>,
    keepers: Arc<[Arc<dyn Keeps>]>,
    writer: Writer<Guarded<Account>>,
) {
    let api: Api<Guarded<Account>> = Api::all(house.client.clone());
    let wake = |account: Option<(&str, &str)>| {
        for key in keepers.iter().flat_map(|keeper| keeper.keys(account)) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    let wake_theirs = |object: &Guarded<Account>| {
        if let (Some(namespace), Some(name)) = (&object.meta().namespace, &object.meta().name) {
            wake(Some((namespace, name)));
        }
    };
    follow(api, None, writer, |sighting| match sighting {
        Sighting::There(object) => {
            house.queue.push(key::<Account>(account::KIND, object), Lane::Ordinary);
            wake_theirs(object);
        }
        Sighting::Gone(object) => wake_theirs(object),
        Sighting::Listed => wake(None),
    })
    .await;
}

async fn follow_secrets(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>, writer: Writer<SecretMeta>) {
    let api: Api<SecretMeta> = Api::all(house.client.clone());
    let ours = format!("{}={}", MANAGED_BY.0, MANAGED_BY.1);
    let wake = |meta: &SecretMeta| {
        let namespace = meta.namespace().unwrap_or_default();
        if let Some(owner) = owner(meta)
            && let Some(keeper) = keepers.iter().find(|keeper| keeper.kind() == owner.kind)
        {
            let key = Key {
                kind: keeper.kind(),
                namespace: namespace.as_str().into(),
                name: owner.name.as_str().into(),
            };
            house.queue.push(key, Lane::Ordinary);
        }
        for key in house.take_waiters(&namespace, &meta.name_any()) {
            house.queue.push(key, Lane::Ordinary);
        }
    };
    follow(api, Some(&ours), writer, |sighting| match sighting {
        Sighting::There(meta) | Sighting::Gone(meta) => wake(meta),
        Sighting::Listed => {
            for key in keepers.iter().flat_map(|keeper| keeper.keys(None)) {
                house.queue.push(key, Lane::Ordinary);
            }
        }
    })
    .await;
}

/// Whom a Secret of ours belongs to, whatever its owner references say.
fn owner(meta: &SecretMeta) -> Option<Owner> {
    #[derive(Deserialize)]
    struct Page {
        owner: Owner,
    }
    let annotations = meta.metadata.annotations.as_ref()?;
    let ledger = annotations.get(api::LEDGER).and_then(|text| serde_json::from_str::<Page>(text).ok());
    let held = || annotations.get(HELD_FOR).and_then(|text| serde_json::from_str(text).ok());
    ledger.map(|page| page.owner).or_else(held)
}

async fn compare_clocks(house: Arc<House>) {
    loop {
        tokio::time::sleep(COMPARE).await;
        let _ = house.ask(house.client.apiserver_version()).await;
    }
}

fn key<K: Resource>(kind: &'static str, object: &Guarded<K>) -> Key
where
    Guarded<K>: ResourceExt,
{
    Key { kind, namespace: object.namespace().unwrap_or_default().into(), name: object.name_any().into() }
}
