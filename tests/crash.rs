//! Operators that die at any moment, and two at once: what was published, version by version, on a real server.

#![cfg(feature = "operator")]

mod history;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chatelaine::{
    api::{AccessToken, Account, ApiKeyPair, ROLLBACK, ROTATE},
    core::ledger::Ledger,
};
use history::{Findings, Hands, block_on, consistent, eventually, ledger, truth::Record, value};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use support::{ControlPlane, Operator, operator::Launch};
use tokio::time::sleep;

const BINARY: &str = env!("CARGO_BIN_EXE_chatelaine");
const VALUES: usize = 20;
const REST: Duration = Duration::from_secs(60);

/// Another course of events each time; a failure says which.
fn chance() -> StdRng {
    let seed = RandomState::new().build_hasher().finish();
    eprintln!("seed {seed}");
    StdRng::seed_from_u64(seed)
}

fn between(rng: &mut StdRng, milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.random_range(milliseconds))
}

/// The Account, a token with overlaps, a key pair without, a token that is switched on and off, and one of another
/// Account, by which it is rotated and which is rolled back.
async fn household(control_plane: &ControlPlane) -> Hands {
    let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
    hands.create::<Account>("alice", json!({"email": "alice@example.com"})).await;
    let of_alice = json!({"accountRef": {"name": "alice"}});
    let overlapping = json!({"accountRef": {"name": "alice"}, "rotation": {"overlap": "1h"}});
    hands.create::<AccessToken>("token", overlapping).await;
    hands.create::<ApiKeyPair>("pair", of_alice.clone()).await;
    hands.create::<AccessToken>("switched", of_alice).await;
    hands.create::<Account>("bob", json!({"email": "bob@example.com"})).await;
    let of_bob = json!({"accountRef": {"name": "bob"}, "rotation": {"overlap": "1h"}});
    hands.create::<AccessToken>("rolled", of_bob).await;
    hands
}

/// Sets one value after the other on both, switches the third, and rotates and rolls back the fourth; each stands for a
/// short and random time only.
async fn twenty_values(hands: &Hands, rng: &mut StdRng, pause: std::ops::Range<u64>) {
    for n in 1..=VALUES {
        hands.rotate::<AccessToken>("token", &format!("value-{n}")).await;
        hands.rotate::<ApiKeyPair>("pair", &format!("value-{n}")).await;
        hands.merge::<AccessToken>("switched", json!({"spec": {"active": n % 2 == 0}})).await;
        let value = format!("value-{n}");
        match n % 2 {
            0 => hands.merge::<AccessToken>("rolled", Hands::annotation(ROLLBACK, &value)).await,
            _ => hands.merge::<Account>("bob", Hands::annotation(ROTATE, &value)).await,
        }
        sleep(between(rng, pause.clone())).await;
    }
}

async fn everything_was_issued(hands: &Hands) -> bool {
    for name in ["token", "pair", "rolled"] {
        if hands.secret(name).await.is_none() {
            return false;
        }
    }
    true
}

async fn comes_to_rest(hands: &Hands) {
    let last = format!("value-{VALUES}");
    let shown = async |name: &str, test: &dyn Fn(&Secret, &Ledger) -> bool| {
        hands.secret(name).await.is_some_and(|secret| test(&secret, &ledger(&secret)))
    };
    let rotated = |_: &Secret, ledger: &Ledger| ledger.handled.rotate.last() == Some(&last);
    let before = format!("value-{}", VALUES - 1);
    let rolled = |_: &Secret, ledger: &Ledger| {
        ledger.handled.rollback.last() == Some(&last) && ledger.account_handled.rotate.last() == Some(&before)
    };
    let active = |secret: &Secret, ledger: &Ledger| ledger.is_live() && value(secret, "token").is_some();
    eventually("everything was done", REST, async || {
        shown("token", &rotated).await
            && shown("pair", &rotated).await
            && shown("switched", &active).await
            && shown("rolled", &rolled).await
    })
    .await;
    eventually("everybody is told, and the copies are gone", REST, async || {
        let told = async |name: &str| {
            let token = hands.api::<AccessToken>().get(name).await.expect("it is there");
            let secret = hands.secret(name).await.expect("it is there");
            token.status.and_then(|status| status.common.secret_ref).map(|told| told.resource_version)
                == secret.resource_version()
        };
        let secrets = hands.api::<Secret>().list(&Default::default()).await.expect("a list");
        let copies = secrets.iter().any(|secret| secret.name_any().starts_with("chatelaine-held-"));
        told("token").await && told("switched").await && told("rolled").await && !copies
    })
    .await;
}

async fn nothing_was_minted_twice_and_nothing_was_lost(hands: &Hands, record: &Record) {
    let history = &record.secrets;
    for name in ["token", "pair", "switched", "rolled"] {
        history.catch_up(hands.client.clone(), &hands.namespace, name).await;
        assert!(!history.was_ever_deleted(name));
    }
    let token = consistent(&history.of("token"), "token", "previousToken");
    let pair = consistent(&history.of("pair"), "secretKey", "previousSecretKey");
    let acted = |found: &Findings| {
        assert_eq!(found.revision, 1 + found.handled.len() as i64, "{:?}", found.handled);
        assert!(found.handled.contains(&format!("value-{VALUES}")), "the last one is owed");
        assert_eq!(found.values.len() as i64, found.revision, "each revision was published");
    };
    acted(&token);
    acted(&pair);
    eprintln!("{} and {} of {VALUES} values were seen", token.handled.len(), pair.handled.len());
    let keys: Vec<_> =
        history.of("pair").iter().map(|secret| value(secret, "accessKey").map(<[u8]>::to_vec)).collect();
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "the access key stays");
    let switched = consistent(&history.of("switched"), "token", "previousToken");
    assert_eq!((switched.revision, switched.values.len()), (1, 1), "the same bytes came back each time");
    let rolled = consistent(&history.of("rolled"), "token", "previousToken");
    assert_eq!(rolled.values.len() as i64, rolled.revision, "each revision was published");
    eprintln!("{} revisions of what was rotated and rolled back", rolled.revision);
    let judged = record.status_was_never_ahead().await;
    assert!(judged > 3 * 3, "only {judged} versions were judged");
}

#[test]
fn an_operator_that_is_killed_again_and_again_mints_nothing_twice_and_loses_no_trigger() {
    block_on(async {
        let control_plane = support::own().await;
        let hands = household(&control_plane).await;
        let record = Record::begin(hands.client.clone(), &hands.namespace).await;
        let mut rng = chance();
        let mut deaths_rng = StdRng::seed_from_u64(rng.random());
        let over = AtomicBool::new(false);
        let triggers = async {
            // The baseline is that there is no value: the first is owed.
            eventually("the first issue", REST, async || everything_was_issued(&hands).await).await;
            twenty_values(&hands, &mut rng, 0..1_200).await;
            over.store(true, Ordering::Release);
        };
        let deaths = async {
            let mut deaths = 0;
            while !over.load(Ordering::Acquire) {
                let operator = Launch::of(BINARY).start(&control_plane).await.expect("it starts");
                sleep(between(&mut deaths_rng, 100..1_500)).await;
                operator.kill();
                deaths += 1;
            }
            eprintln!("{deaths} deaths");
        };
        tokio::join!(triggers, deaths);
        let _operator = Operator::start(&control_plane, BINARY, &[]).await.expect("the last one");
        comes_to_rest(&hands).await;
        nothing_was_minted_twice_and_nothing_was_lost(&hands, &record).await;
    });
}

#[test]
fn two_operators_at_once_mint_nothing_twice_and_lose_no_trigger() {
    block_on(async {
        let control_plane = support::own().await;
        let hands = household(&control_plane).await;
        let record = Record::begin(hands.client.clone(), &hands.namespace).await;
        let start = || Operator::start(&control_plane, BINARY, &[]);
        let (one, other) = tokio::join!(start(), start());
        let (_one, _other) = (one.expect("it starts"), other.expect("it starts"));
        eventually("the first issue", REST, async || everything_was_issued(&hands).await).await;
        twenty_values(&hands, &mut chance(), 0..300).await;
        comes_to_rest(&hands).await;
        nothing_was_minted_twice_and_nothing_was_lost(&hands, &record).await;
    });
}
