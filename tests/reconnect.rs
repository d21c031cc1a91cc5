//! An API server that is killed and comes back on the same data, and one that falls silent and goes on: nothing that was
//! asked for meanwhile is lost or done twice, and nobody needs to start the operator again.

#![cfg(feature = "operator")]

mod history;

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, Account, ROTATE},
    core::{ledger::Ledger, reason::Reason},
};
use futures::{StreamExt, stream};
use history::{Hands, History, block_on, consistent, eventually, ledger, value};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use support::{Operator, operator::get, servers::Server};
use tokio::{sync::Mutex, time::sleep};

const BINARY: &str = env!("CARGO_BIN_EXE_chatelaine");
const EACH: usize = 20;
/// The contract's time for whatever a lost watch held up.
const PROGRESS: Duration = Duration::from_secs(90);
/// For how long nobody answers: less than a client tries again, longer, and long enough for its pauses to grow.
const OUTAGES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(8), Duration::from_secs(25)];
/// For how long it is silent: about as long as the operator waits for an answer, and longer than it believes in a watch.
const SILENCES: [Duration; 2] = [Duration::from_secs(12), Duration::from_secs(75)];
/// How soon what ended meanwhile is gone: whoever has to take something away tries again within seconds.
const SOON: Duration = Duration::from_secs(15);
/// One after the other: each measures how long things take.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// Asks until there is an answer. What the server took before it died is taken.
async fn insist<T>(ask: impl AsyncFn() -> kube::Result<T>) {
    loop {
        match ask().await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.code == 409 => return,
            Err(kube::Error::Api(status))
                if status.code < 500 && status.code != 401 && status.code != 403 =>
            {
                panic!("refused: {status:?}");
            }
            // Also what a server says before it has read its roles.
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn create(hands: &Hands, name: &str) {
    let manifest = json!({
        "apiVersion": "chatelaine.dev/v1alpha1", "kind": "AccessToken", "metadata": {"name": name},
        "spec": {"accountRef": {"name": "alice"}, "rotation": {"overlap": "1h"}},
    });
    let object: AccessToken = serde_json::from_value(manifest).expect("a manifest");
    insist(async || hands.api().create(&PostParams::default(), &object).await).await;
}

async fn rotate(hands: &Hands, name: &str, value: &str) {
    let patch = Patch::Merge(Hands::annotation(ROTATE, value));
    insist(async || hands.api::<AccessToken>().patch(name, &PatchParams::default(), &patch).await).await;
}

/// Creates a credential and sets a trigger on an old one, again and again, with hardly a pause: before the server dies,
/// and at once when it is back.
async fn create_and_rotate(hands: &Hands, round: usize) {
    stream::iter(0..EACH)
        .for_each_concurrent(4, async |n| {
            create(hands, &format!("new-{round}-{n}")).await;
            rotate(hands, &format!("old-{n}"), &format!("round-{round}")).await;
            sleep(Duration::from_millis(200)).await;
        })
        .await;
}

/// Waits until each Secret whose name begins so is there and its ledger is as wanted.
async fn until_each(hands: &Hands, prefix: &str, what: &str, holds: impl Fn(&Ledger) -> bool) {
    eventually(what, PROGRESS, async || {
        let Ok(secrets) = hands.api::<Secret>().list(&Default::default()).await else { return false };
        let ours = secrets.iter().filter(|secret| secret.name_any().starts_with(prefix));
        ours.filter(|secret| holds(&ledger(secret))).count() == EACH
    })
    .await;
}

/// Whether it was issued once, and rotated once for each of these values.
fn was_rotated_by(ledger: &Ledger, values: &[String]) -> bool {
    let causes: Vec<_> = ledger.history.iter().map(|entry| (entry.reason, entry.trigger.as_ref())).collect();
    let rotated = values.iter().map(|value| (Reason::Rotated, Some(value)));
    let wanted: Vec<_> = [(Reason::Issued, None)].into_iter().chain(rotated).collect();
    assert!(ledger.revision <= wanted.len() as i64, "something was done twice: {causes:?}");
    ledger.revision == wanted.len() as i64 && causes == wanted
}

/// Waits until status says as much as the ledgers, after so many rotations of the old ones.
async fn everybody_is_told(hands: &Hands, rotations: usize) {
    eventually("everybody is told", PROGRESS, async || {
        let tokens = hands.api::<AccessToken>().list(&Default::default()).await.expect("a list");
        tokens.iter().all(|token| {
            let told = token.status.as_ref().and_then(|status| status.common.revision);
            told == Some(if token.name_any().starts_with("old-") { 1 + rotations as i64 } else { 1 })
        })
    })
    .await;
}

/// The new ones of this round are issued, and the old ones rotated once by each of these values.
async fn until_done(hands: &Hands, round: usize, values: &[String]) {
    let new = format!("new-{round}-");
    let issued = format!("all of {new} are issued");
    until_each(hands, &new, &issued, |ledger| was_rotated_by(ledger, &[])).await;
    let rotated = format!("all are rotated by {values:?}");
    until_each(hands, "old-", &rotated, |ledger| was_rotated_by(ledger, values)).await;
}

#[test]
fn an_api_server_that_dies_and_comes_back_loses_nothing_and_has_nothing_done_twice() {
    block_on(async {
        let _alone = ONE_AT_A_TIME.lock().await;
        let control_plane = support::own().await;
        let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
        hands.create::<Account>("alice", json!({"email": "alice@example.com"})).await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        for n in 0..EACH {
            create(&hands, &format!("old-{n}")).await;
        }
        until_each(&hands, "old-", "the old ones are issued", |ledger| was_rotated_by(ledger, &[])).await;

        let mut values = Vec::new();
        for (round, outage) in OUTAGES.into_iter().enumerate() {
            let dies = async {
                sleep(Duration::from_millis(300)).await;
                control_plane.stop_apiserver();
                sleep(outage).await;
                control_plane.start_apiserver().await.expect("it comes back");
            };
            tokio::join!(create_and_rotate(&hands, round), dies);
            values.push(format!("round-{round}"));
            until_done(&hands, round, &values).await;
        }
        everybody_is_told(&hands, values.len()).await;
        assert!(!operator.logs().contains("panick"));
        assert!(operator.stop().await.expect("it is still the one that was started").success());
    });
}

#[test]
fn an_api_server_that_falls_silent_and_goes_on_loses_nothing_and_has_nothing_done_twice() {
    block_on(async {
        let _alone = ONE_AT_A_TIME.lock().await;
        let control_plane = support::own().await;
        let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
        hands.create::<Account>("alice", json!({"email": "alice@example.com"})).await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let health = operator.wait_ready().await.expect("it is ready");
        let history = History::begin(hands.client.clone(), &hands.namespace).await;
        for n in 0..EACH {
            create(&hands, &format!("old-{n}")).await;
        }
        until_each(&hands, "old-", "the old ones are issued", |ledger| was_rotated_by(ledger, &[])).await;

        let mut values = Vec::new();
        for (round, silence) in SILENCES.into_iter().enumerate() {
            let short = format!("short-{round}");
            let ends_meanwhile = json!({"accountRef": {"name": "alice"}, "lifetime": "4s"});
            hands.create::<AccessToken>(&short, ends_meanwhile).await;
            let has_token =
                async || hands.secret(&short).await.is_some_and(|secret| value(&secret, "token").is_some());
            eventually("the short one is issued", PROGRESS, has_token).await;
            let falls_silent = async {
                sleep(Duration::from_millis(300)).await;
                let silent = control_plane.silence(Server::Apiserver);
                sleep(silence).await;
                assert!(control_plane.is_ready().await.is_err(), "nobody answers for the API server");
                let alive = get(health, "/livez").await.expect("the operator answers");
                assert!(alive.contains(" 200 "), "nobody has to start it again: {alive}");
                drop(silent);
                let began = std::time::Instant::now();
                eventually("what ended meanwhile is gone", SOON, async || !has_token().await).await;
                eprintln!("gone after {:?}", began.elapsed());
            };
            tokio::join!(create_and_rotate(&hands, round), falls_silent);
            values.push(format!("round-{round}"));
            until_done(&hands, round, &values).await;
        }
        everybody_is_told(&hands, values.len()).await;
        history.settle(hands.client.clone(), &hands.namespace).await;
        for n in 0..EACH {
            let found = consistent(&history.of(&format!("old-{n}")), "token", "previousToken");
            assert_eq!(found.values.len(), 1 + values.len(), "one value for each revision");
        }
        assert!(!operator.logs().contains("panick"));
        assert!(operator.stop().await.expect("it is still the one that was started").success());
    });
}
