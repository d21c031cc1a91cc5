//! What all kinds share: the client, the clock, the caches and the memory of the shell.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tokio::time::Instant;

use super::{
    cache::Cache,
    clock::Clock,
    crons::Crons,
    error::Failure,
    guarded::{Guarded, Unreadable},
    own_writes::OwnWrites,
    pace::Pace,
    passphrases::Passphrases,
    queue::{Key, Queue},
    report::Reporter,
    roll::Roll,
    rollouts::Rollouts,
    secret_meta::SecretMeta,
    settings::Settings,
    slow_lane::SlowLane,
    watch::Sent,
};
use crate::{
    api::{Account, AccountSpec},
    core::{period::Period, scene, trigger::Triggers},
};

/// No request takes longer; what takes longer has an unclear outcome.
const PATIENCE: Duration = Duration::from_secs(10);
/// An Account that is gone withholds only after this time, so that a restore does not flap.
const GRACE: Duration = Duration::from_secs(60);
/// How often an Account that the cache does not have is looked for on the server.
const RECHECK: Duration = Duration::from_secs(5);

pub struct House {
    pub client: Client,
    pub clock: Clock,
    pub queue: Queue,
    pub own_writes: OwnWrites,
    pub passphrases: Passphrases,
    pub slow_lane: SlowLane,
    pub roll: Roll,
    pub pace: Pace,
    pub reporter: Reporter,
    pub rollouts: Rollouts,
    pub crons: Crons,
    pub caches: Caches,
    pub settings: Settings,
    absences: Mutex<HashMap<(String, String), Absence>>,
    waiters: Mutex<HashMap<(String, String), HashSet<Key>>>,
}

/// What the watches show, beside the credentials themselves.
#[derive(Default)]
pub struct Caches {
    pub secrets: Cache<SecretMeta>,
    pub accounts: Cache<Guarded<Account>>,
}

/// An Account that the cache does not have.
#[derive(Clone, Copy)]
struct Absence {
    since: Instant,
    checked: Instant,
}

/// An Account as it stands, with its spec where it could be read.
pub struct AccountSight {
    pub standing: scene::Account,
    pub spec: Option<AccountSpec>,
    pub triggers: Triggers,
}

impl AccountSight {
    fn of(account: &Guarded<Account>) -> Result<Self, Unreadable> {
        let spec = account.read_spec()?;
        let standing = if spec.active { scene::Account::Active } else { scene::Account::Inactive };
        let triggers = Triggers::of(account.meta.object_meta().annotations.as_ref());
        Ok(Self { standing, spec: Some(spec), triggers })
    }

    fn without_spec(standing: scene::Account) -> Self {
        Self { standing, spec: None, triggers: Triggers::default() }
    }
}

impl House {
    pub fn new(client: Client, clock: Clock, reporter: Reporter, settings: Settings) -> Self {
        Self {
            client,
            clock,
            queue: Queue::default(),
            own_writes: OwnWrites::default(),
            passphrases: Passphrases::default(),
            slow_lane: SlowLane::new(settings.slow_places),
            roll: Roll::default(),
            pace: Pace::default(),
            reporter,
            rollouts: Rollouts::default(),
            crons: Crons::default(),
            caches: Caches::default(),
            settings,
            absences: Mutex::default(),
            waiters: Mutex::default(),
        }
    }

    /// Sends one request, in bounded time.
    pub async fn ask<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
        match tokio::time::timeout(PATIENCE, request).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::Unclear("time-out".into())),
        }
    }

    pub fn secrets_in(&self, namespace: &str) -> Api<Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub fn glance(&self, namespace: &str, name: &str) -> Option<Arc<SecretMeta>> {
        self.caches.secrets.get(namespace, name)
    }

    /// Compares the clocks anew if the last comparison is too old to take something away by it.
    pub async fn compare_clocks(&self) -> Result<(), Failure> {
        if !self.clock.is_fresh() || self.clock.agreement() == scene::Clock::Skewed {
            // The client notes the `Date` of every answer.
            self.ask(self.client.apiserver_version()).await?;
        }
        Ok(())
    }

    /// The Account from the cache; one that the cache does not have is looked for on the server before it counts as gone.
    pub async fn account(&self, namespace: &str, name: &str) -> AccountSight {
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(guarded) = self.caches.accounts.get(namespace, name) {
            self.absences.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            return AccountSight::of(&guarded)
                .unwrap_or_else(|Unreadable| AccountSight::without_spec(scene::Account::Unknown));
        }
        let known = self.absences.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        let absence = match known.filter(|absence| absence.checked.elapsed() < RECHECK) {
            Some(absence) => absence,
            None => match self.look_for(namespace, name).await {
                Ok(Some(found)) => {
                    self.absences.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                    return found;
                }
                Ok(None) => {
                    let absence = Absence {
                        since: known.map_or_else(Instant::now, |known| known.since),
                        checked: Instant::now(),
                    };
                    self.absences.lock().unwrap_or_else(PoisonError::into_inner).insert(key, absence);
                    absence
                }
                Err(_) => return AccountSight::without_spec(scene::Account::Unknown),
            },
        };
        match GRACE.checked_sub(absence.since.elapsed()) {
            Some(rest) if !rest.is_zero() => {
                let until = Period::seconds(rest.as_secs() + 1).after(self.clock.now());
                AccountSight::without_spec(scene::Account::MissingLately { until })
            }
            Some(_) | None => AccountSight::without_spec(scene::Account::Missing),
        }
    }

    async fn look_for(&self, namespace: &str, name: &str) -> Result<Option<AccountSight>, Failure> {
        let accounts: Api<Sent<Guarded<Account>>> = Api::namespaced(self.client.clone(), namespace);
        let Some(found) = self.ask(accounts.get_opt(name)).await? else { return Ok(None) };
        let unreadable = |Unreadable| Failure::Unclear("unreadable Account".into());
        AccountSight::of(&found.object).map(Some).map_err(unreadable)
    }

    /// This object wants to be looked at when that Secret changes or goes, though it is not its own.
    pub fn wait_for(&self, namespace: &str, secret: &str, key: &Key) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.entry((namespace.to_owned(), secret.to_owned())).or_default().insert(key.clone());
    }

    /// Those who wait for that Secret; they ask again if they still have to wait.
    pub fn take_waiters(&self, namespace: &str, secret: &str) -> HashSet<Key> {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.remove(&(namespace.to_owned(), secret.to_owned())).unwrap_or_default()
    }
}
