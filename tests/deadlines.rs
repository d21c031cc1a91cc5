//! What has to go goes in time, and first: a hundred tokens that end at the same second, while the operator is running
//! and while it was stopped before a mass of new ones, and one that is revoked.
//!
//! What goes first is told by the order of writes, not by a clock: resource versions of Secrets are in the order in
//! which the server took them. What goes in time is told by the server's clock, which notes each write.

#![cfg(feature = "operator")]

mod history;

use std::collections::BTreeMap;

use chatelaine::api::{AccessToken, Account, REVOKE};
use futures::{StreamExt, TryStreamExt, stream};
use history::{History, value};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use support::Operator;
use tokio::sync::Mutex;

const ENDING: usize = 100;
const NEW: usize = 400;
/// So many new ones may be under way when the first that has to go is seen.
const UNDER_WAY: usize = 32;
/// The contract's second, and one for a machine that builds something at the same time.
const PROMPTLY: i64 = 2;
/// One after the other: neither is to be slowed down by the load of the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn token(name: &str, spec: Value) -> AccessToken {
    let mut all = json!({"accountRef": {"name": "alice"}});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "chatelaine.dev/v1alpha1", "kind": "AccessToken", "metadata": {"name": name}, "spec": all,
    }))
    .unwrap()
}

async fn create(tokens: &Api<AccessToken>, names: impl Iterator<Item = String>, spec: Value) {
    stream::iter(names)
        .map(|name| {
            let object = token(&name, spec.clone());
            async move { tokens.create(&PostParams::default(), &object).await }
        })
        .buffer_unordered(32)
        .try_collect::<Vec<_>>()
        .await
        .expect("the tokens are created");
}

/// Waits until as many tokens of this name have that reason.
async fn until(tokens: &Api<AccessToken>, prefix: &str, reason: &str, wanted: usize) {
    for _ in 0..600 {
        let all = tokens.list(&Default::default()).await.unwrap();
        let is_there = |token: &&AccessToken| {
            let conditions = token.status.iter().flat_map(|status| &status.common.conditions);
            token.name_any().starts_with(prefix)
                && conditions
                    .into_iter()
                    .any(|condition| condition.type_ == "Ready" && condition.reason == reason)
        };
        if all.iter().filter(is_there).count() == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("{wanted} tokens {prefix}… were to be {reason}");
}

async fn alice(client: &Client, namespace: &str) {
    let accounts: Api<Account> = Api::namespaced(client.clone(), namespace);
    let account = json!({
        "apiVersion": "chatelaine.dev/v1alpha1", "kind": "Account", "metadata": {"name": "alice"},
        "spec": {"email": "alice@example.com"},
    });
    accounts.create(&PostParams::default(), &serde_json::from_value(account).unwrap()).await.unwrap();
}

/// A whole second, so many from now.
fn second_in(seconds: i64) -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "the test sets a date")]
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second() + seconds).unwrap()
}

/// The second in which the server took the last write of the operator.
fn written(secret: &Secret) -> i64 {
    let times = secret.managed_fields().iter().filter_map(|entry| entry.time.as_ref());
    times.map(|time| time.0.as_second()).max().expect("the server notes when")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_end_at_the_same_second_all_go_in_the_second_after_it_and_none_before() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let cluster = support::own().await;
    let namespace = cluster.namespace().await;
    let client = cluster.client();
    alice(&client, &namespace).await;
    let history = History::begin(client.clone(), &namespace).await;
    let tokens: Api<AccessToken> = Api::namespaced(client.clone(), &namespace);

    let _operator = Operator::start(&cluster, env!("CARGO_BIN_EXE_chatelaine"), &[]).await.unwrap();
    let end = second_in(25);
    create(&tokens, (0..ENDING).map(|n| format!("ending-{n}")), json!({"expirationTime": end})).await;
    until(&tokens, "ending-", "Issued", ENDING).await;
    assert!(second_in(5) < end, "they were all live in good time");
    until(&tokens, "ending-", "Expired", ENDING).await;

    history.settle(client, &namespace).await;
    let mut went = BTreeMap::new();
    for secret in history.all().iter().filter(|secret| secret.name_any().starts_with("ending-")) {
        if value(secret, "token").is_none() {
            went.entry(secret.name_any()).or_insert_with(|| written(secret) - end.as_second());
        } else {
            assert!(!went.contains_key(&secret.name_any()), "{} came back", secret.name_any());
        }
    }
    assert_eq!(went.len(), ENDING);
    let seconds: Vec<_> = went.values().copied().collect();
    assert!(seconds.iter().all(|late| (0..PROMPTLY).contains(late)), "seconds after the end: {seconds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_or_was_revoked_while_the_operator_was_stopped_goes_before_all_other_work() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let cluster = support::own().await;
    let namespace = cluster.namespace().await;
    let client = cluster.client();
    alice(&client, &namespace).await;
    let tokens: Api<AccessToken> = Api::namespaced(client.clone(), &namespace);

    let operator = Operator::start(&cluster, env!("CARGO_BIN_EXE_chatelaine"), &[]).await.unwrap();
    let end = second_in(20);
    // The names are such that the order of a list is the wrong one.
    create(&tokens, (0..ENDING).map(|n| format!("z-ending-{n}")), json!({"expirationTime": end})).await;
    create(&tokens, ["z-leaked".to_owned()].into_iter(), json!({})).await;
    until(&tokens, "z-ending-", "Issued", ENDING).await;
    until(&tokens, "z-leaked", "Issued", 1).await;
    operator.stop().await.unwrap();
    let revoke = Patch::Merge(json!({"metadata": {"annotations": {REVOKE: "leaked"}}}));
    tokens.patch("z-leaked", &PatchParams::default(), &revoke).await.unwrap();
    create(&tokens, (0..NEW).map(|n| format!("a-new-{n}")), json!({})).await;
    #[allow(clippy::disallowed_methods, reason = "the test waits for its date")]
    while Timestamp::now() <= end {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }

    let _operator = Operator::start(&cluster, env!("CARGO_BIN_EXE_chatelaine"), &[]).await.unwrap();
    until(&tokens, "z-ending-", "Expired", ENDING).await;
    until(&tokens, "z-leaked", "Revoked", 1).await;
    until(&tokens, "a-new-", "Issued", NEW).await;

    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let written: Vec<(String, u64)> = secrets
        .list(&Default::default())
        .await
        .unwrap()
        .iter()
        .map(|secret| (secret.name_any(), secret.resource_version().unwrap().parse().unwrap()))
        .collect();
    let last_to_go =
        written.iter().filter(|(name, _)| name.starts_with("z-")).map(|(_, version)| *version).max();
    let before = written
        .iter()
        .filter(|(name, version)| name.starts_with("a-new-") && Some(*version) < last_to_go)
        .count();
    assert!(before <= UNDER_WAY, "{before} new tokens were issued before the last that had to go was gone");
}
