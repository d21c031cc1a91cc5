//! Running: watches, workers and the clock, until somebody says stop.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use kube::Client;
use tokio::{sync::watch, task::JoinSet};

use super::{
    account,
    clock::Clock,
    credential::Keeper,
    dice::spread,
    error::Failure,
    feed::{follow_accounts, follow_credentials, follow_secrets},
    house::House,
    keeps::Keeps,
    queue::{Again, Key},
    report::{Reporter, publish},
    restart::restart_workloads,
    settings::Settings,
};
use crate::{core::scene, every_kind};

/// How often it is asked whether the clocks have to be compared: nothing else may be asked of the server for long, and
/// while they disagree what is due waits for this.
const COMPARE: Duration = Duration::from_secs(5);

/// How many workloads are looked at side by side to be restarted.
const RESTARTERS: usize = 4;

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

/// A watch ended, which none does: what the caches show from then on is not to be relied on.
#[derive(Debug, thiserror::Error)]
#[error("a watch ended: the operator has to be started anew")]
pub struct Unwatched;

/// Keeps all credentials until `stop` resolves; what is under way is finished then.
pub async fn run(
    client: Client,
    clock: Clock,
    settings: Settings,
    readiness: Readiness,
    stop: impl Future<Output = ()>,
) -> Result<(), Unwatched> {
    let (reporter, told) = Reporter::new();
    let house = Arc::new(House::new(client.clone(), clock, reporter, settings));
    let mut watches = JoinSet::new();
    let mut keepers: Vec<Arc<dyn Keeps>> = Vec::new();
    macro_rules! keep {
        ($($kind:ty),+) => {$(
            let cache = house.caches.of::<$kind>();
            watches.spawn(follow_credentials::<$kind>(house.clone(), cache.clone()));
            keepers.push(Arc::new(Keeper::<$kind> { house: house.clone(), cache }));
        )+};
    }
    every_kind!(keep);
    let keepers: Arc<[Arc<dyn Keeps>]> = keepers.into();
    watches.spawn(follow_accounts(house.clone(), keepers.clone()));
    watches.spawn(follow_secrets(house.clone(), keepers.clone()));
    watches.spawn(compare_clocks(house.clone()));
    for _ in 0..RESTARTERS {
        watches.spawn(restart_workloads(house.clone()));
    }
    let publisher = tokio::spawn(publish(client, house.clock.clone(), told));

    let stop = async {
        tokio::select! {
            () = stop => Ok(()),
            _ = watches.join_next() => Err(Unwatched),
        }
    };
    let mut stop = std::pin::pin!(stop);
    let filled = async {
        house.caches.secrets.filled().await;
        house.caches.accounts.filled().await;
        for keeper in keepers.iter() {
            keeper.filled().await;
        }
        let _ = house.compare_clocks().await;
    };
    let outcome = tokio::select! {
        () = filled => {
            readiness.filled.send_replace(true);
            work(&house, &keepers, stop.as_mut()).await
        }
        outcome = &mut stop => outcome,
    };
    publisher.abort();
    outcome
}

/// Workers, until told to stop; each finishes what it is at.
async fn work<T>(house: &Arc<House>, keepers: &Arc<[Arc<dyn Keeps>]>, stop: impl Future<Output = T>) -> T {
    let (stopping, stopped) = watch::channel(false);
    let mut crew: FuturesUnordered<_> = (0..house.settings.concurrency.max(1))
        .map(|_| tokio::spawn(worker(house.clone(), keepers.clone(), stopped.clone())))
        .collect();
    let outcome = stop.await;
    tracing::info!("stopping: what is under way is finished first");
    stopping.send_replace(true);
    while crew.next().await.is_some() {}
    outcome
}

async fn worker(house: Arc<House>, keepers: Arc<[Arc<dyn Keeps>]>, mut stopped: watch::Receiver<bool>) {
    loop {
        let key = tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => return,
            key = house.queue.next() => key,
        };
        // One object that makes the code panic must not end the work on all others.
        let pass = AssertUnwindSafe(look_at(&house, &keepers, &key)).catch_unwind().await;
        tracing::trace!(kind = key.kind, namespace = %key.namespace, name = %key.name, ?pass, "looked at");
        match pass {
            Ok(Ok(again)) => house.queue.done(&key, again),
            Ok(Err(Failure::Terminating | Failure::Gone)) => house.queue.done(&key, Again::Never),
            Ok(Err(failure)) => {
                let pause = house.queue.failed(&key, spread());
                let reason = failure.complaint().reason;
                tracing::warn!(kind = key.kind, namespace = %key.namespace, name = %key.name, %reason, %failure, ?pause, "tried again");
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
        None => account::look_at(house, keepers, key).await,
    }
}

async fn compare_clocks(house: Arc<House>) {
    loop {
        tokio::time::sleep(COMPARE).await;
        let _ = house.compare_clocks().await;
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io::Write, sync::Mutex};

    use futures::future::BoxFuture;
    use kube::client::Body;

    use super::*;
    use crate::{
        api::{Counts, Held, Tally},
        controller::{keeps::Of, queue::Lane},
    };

    /// Panics over one object, may not do another, and notes the others.
    struct Fragile(Mutex<Vec<String>>);

    impl Keeps for Fragile {
        fn kind(&self) -> &'static str {
            "AccessToken"
        }

        fn filled(&self) -> BoxFuture<'_, ()> {
            async {}.boxed()
        }

        fn look_at<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Again, Failure>> {
            async {
                assert!(&*key.name != "bad", "this one breaks the code");
                if &*key.name == "forbidden" {
                    return Err(Failure::Forbidden);
                }
                self.0.lock().unwrap().push(key.name.to_string());
                Ok(Again::Never)
            }
            .boxed()
        }

        fn keys(&self, _of: Of<'_>) -> Vec<Key> {
            Vec::new()
        }

        fn count(&self, _counts: &mut Counts, _tally: Tally) {}

        fn held(&self, _namespace: &str, _name: &str) -> Option<Held> {
            None
        }
    }

    fn house() -> Arc<House> {
        let silent = tower::service_fn(|_: http::Request<Body>| {
            std::future::pending::<Result<http::Response<Body>, Infallible>>()
        });
        let (reporter, _) = Reporter::new();
        let client = Client::new(silent, "default");
        let alone = Settings { concurrency: 1, ..Settings::default() };
        Arc::new(House::new(client, Clock::default(), reporter, alone))
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_is_logged_with_the_word_that_its_condition_has() {
        let (house, log) = (house(), Log::default());
        // With one subscriber alone, what another thread says first would be silent for this one too.
        let _other = tracing::Dispatch::new(tracing_subscriber::registry());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let _listening = tracing::subscriber::set_default(subscriber);
        let keepers: Arc<[Arc<dyn Keeps>]> =
            Arc::new([Arc::new(Fragile(Mutex::default())) as Arc<dyn Keeps>]);
        let key = Key { kind: "AccessToken", namespace: "ns".into(), name: "forbidden".into() };
        house.queue.push(key, Lane::Ordinary);
        work(&house, &keepers, tokio::time::sleep(Duration::from_millis(100))).await;
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
        let reason = Failure::Forbidden.complaint().reason.to_string();
        assert_eq!((&line["level"], &line["fields"]["reason"]), (&"WARN".into(), &reason.into()), "{line}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_makes_the_code_panic_ends_no_worker_and_comes_back_more_and_more_slowly() {
        let (house, fragile) = (house(), Arc::new(Fragile(Mutex::default())));
        let keepers: Arc<[Arc<dyn Keeps>]> = Arc::new([fragile.clone() as Arc<dyn Keeps>]);
        let key = |name: &str| Key { kind: "AccessToken", namespace: "ns".into(), name: name.into() };
        house.queue.push(key("bad"), Lane::Ordinary);
        house.queue.push(key("good"), Lane::Ordinary);
        let soon = tokio::time::sleep(Duration::from_secs(60));
        work(&house, &keepers, async {
            soon.await;
            house.queue.push(key("later"), Lane::Ordinary);
            tokio::time::sleep(Duration::from_secs(1)).await;
        })
        .await;
        assert_eq!(*fragile.0.lock().unwrap(), ["good", "later"]);
        let pause = house.queue.failed(&key("bad"), 0.0);
        assert!(pause >= Duration::from_secs(16), "it came back every {pause:?}");
    }
}
