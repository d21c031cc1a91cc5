//! What all kinds share: the client, the clock, the caches and the memory of the shell.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client,
    api::{DeleteParams, Preconditions},
};

use super::{
    absences::{Absences, Whereabouts},
    brought_passwords::BroughtPasswords,
    cache::Cache,
    clock::Clock,
    contests::Contests,
    crons::Crons,
    error::Failure,
    guarded::{Guarded, Unreadable},
    kin::Kin,
    own_writes::OwnWrites,
    pace::Pace,
    passphrases::Passphrases,
    queue::Queue,
    report::Reporter,
    roll::Roll,
    rollouts::Rollouts,
    secret_meta::SecretMeta,
    settings::Settings,
    slow_lane::SlowLane,
    waiters::Waiters,
};
use crate::{
    api::{Account, AccountSpec},
    core::{scene, trigger::Triggers},
    credentials::Credential,
};

/// No request of a pass takes longer; what takes longer has an unclear outcome. Lists, watches and events have time limits of
/// their own.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct House {
    pub client: Client,
    pub clock: Clock,
    pub queue: Queue,
    pub own_writes: OwnWrites,
    pub contests: Contests,
    pub passphrases: Passphrases,
    pub brought_passwords: BroughtPasswords,
    pub slow_lane: SlowLane,
    pub roll: Roll,
    pub kin: Kin,
    pub pace: Pace,
    pub reporter: Reporter,
    pub rollouts: Rollouts,
    pub crons: Crons,
    pub caches: Caches,
    pub settings: Settings,
    pub absences: Absences,
    pub waiters: Waiters,
}

/// What the watches show.
#[derive(Default)]
pub struct Caches {
    pub secrets: Cache<SecretMeta>,
    pub accounts: Cache<Guarded<Account>>,
    /// By kind; each is a `Cache<Guarded<K>>`.
    credentials: Mutex<HashMap<&'static str, Arc<dyn Any + Send + Sync>>>,
}

impl Caches {
    /// The credentials of one kind: its keeper fills it, and those of whom it is the parent look into it.
    pub fn of<K: Credential>(&self) -> Arc<Cache<Guarded<K>>> {
        let mut all = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = all.entry(K::KIND).or_insert_with(|| Arc::new(Cache::<Guarded<K>>::default())).clone();
        // There is one type to a name.
        cache.downcast().unwrap_or_default()
    }
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
            contests: Contests::default(),
            passphrases: Passphrases::default(),
            brought_passwords: BroughtPasswords::default(),
            slow_lane: SlowLane::new(settings.slow_places),
            roll: Roll::default(),
            kin: Kin::default(),
            pace: Pace::default(),
            reporter,
            rollouts: Rollouts::default(),
            crons: Crons::default(),
            caches: Caches::default(),
            settings,
            absences: Absences::default(),
            waiters: Waiters::default(),
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

    /// Deletes this very Secret, and no other of its name. One that is gone already is what was asked for; `Outrun` says
    /// that what is there is another one, or not in the version that was meant.
    pub async fn delete(
        &self,
        namespace: &str,
        name: &str,
        uid: String,
        version: Option<String>,
    ) -> Result<(), Failure> {
        let preconditions = Preconditions { uid: Some(uid), resource_version: version };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match self.ask(self.secrets_in(namespace).delete(name, &params)).await {
            Ok(_) | Err(Failure::Gone) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    pub fn glance(&self, namespace: &str, name: &str) -> Option<Arc<SecretMeta>> {
        self.caches.secrets.get(namespace, name)
    }

    /// Compares the clocks anew if the last comparison is old, or they did not agree.
    pub async fn compare_clocks(&self) -> Result<(), Failure> {
        if !self.clock.is_fresh() || self.clock.agreement() == scene::Clock::Skewed {
            // The client notes the `Date` of every answer.
            self.ask(self.client.apiserver_version()).await?;
        }
        Ok(())
    }

    /// The Account from the cache; one that the cache does not have is looked for on the server before it counts as gone.
    pub async fn account(&self, namespace: &str, name: &str) -> AccountSight {
        match self.find(&self.caches.accounts, namespace, name).await {
            Whereabouts::There(account) => AccountSight::of(&account)
                .unwrap_or_else(|Unreadable| AccountSight::without_spec(scene::Account::Unknown)),
            Whereabouts::MissingLately { until } => {
                AccountSight::without_spec(scene::Account::MissingLately { until })
            }
            Whereabouts::Missing => AccountSight::without_spec(scene::Account::Missing),
            Whereabouts::Unknown => AccountSight::without_spec(scene::Account::Unknown),
        }
    }
}
