//! What has to go goes first: a hundred tokens that ended while the operator was stopped, before a mass of new ones.
//!
//! Told by the order of writes, not by a clock: resource versions of Secrets are in the order in which the server
//! took them.

#![cfg(feature = "operator")]

use chatelaine::api::{AccessToken, Account};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};
use support::Operator;

const ENDING: usize = 100;
const NEW: usize = 400;
// The names are such that the order of a list is the wrong one.
/// So many new ones may be under way when the first that has to go is seen.
const UNDER_WAY: usize = 32;

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

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_while_the_operator_was_stopped_goes_before_all_other_work() {
    let cluster = support::own().await;
    let namespace = cluster.namespace().await;
    let client = cluster.client();
    let accounts: Api<Account> = Api::namespaced(client.clone(), &namespace);
    let account = json!({
        "apiVersion": "chatelaine.dev/v1alpha1", "kind": "Account", "metadata": {"name": "alice"},
        "spec": {"email": "alice@example.com"},
    });
    accounts.create(&PostParams::default(), &serde_json::from_value(account).unwrap()).await.unwrap();
    let tokens: Api<AccessToken> = Api::namespaced(client.clone(), &namespace);

    let operator = Operator::start(&cluster, env!("CARGO_BIN_EXE_chatelaine"), &[]).await.unwrap();
    #[allow(clippy::disallowed_methods, reason = "the test sets a date")]
    let end = Timestamp::now() + SignedDuration::from_secs(20);
    create(&tokens, (0..ENDING).map(|n| format!("z-ending-{n}")), json!({"expirationTime": end})).await;
    until(&tokens, "z-ending-", "Issued", ENDING).await;
    operator.stop().await.unwrap();
    create(&tokens, (0..NEW).map(|n| format!("a-new-{n}")), json!({})).await;
    #[allow(clippy::disallowed_methods, reason = "the test waits for its date")]
    while Timestamp::now() <= end {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }

    let _operator = Operator::start(&cluster, env!("CARGO_BIN_EXE_chatelaine"), &[]).await.unwrap();
    until(&tokens, "z-ending-", "Expired", ENDING).await;
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
        written.iter().filter(|(name, _)| name.starts_with("z-ending-")).map(|(_, version)| *version).max();
    let before = written
        .iter()
        .filter(|(name, version)| name.starts_with("a-new-") && Some(*version) < last_to_go)
        .count();
    assert!(before <= UNDER_WAY, "{before} new tokens were issued before the last that had ended was gone");
}
