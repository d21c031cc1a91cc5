//! What cannot succeed holds up nobody else.

#![cfg(feature = "operator")]

mod history;

use std::time::Duration;

use chatelaine::api::{AccessToken, Account, SshKey};
use history::{Hands, block_on, eventually, value};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{ResourceExt, api::PostParams};
use serde_json::json;
use support::Operator;

const BAD: usize = 50;
const GOOD: usize = 20;
/// Generous: a good one takes milliseconds, and the bad ones come back each minute or never.
const PATIENCE: Duration = Duration::from_secs(30);

async fn reasons<K>(hands: &Hands, conditions: impl Fn(&K) -> Option<String>) -> Vec<Option<String>>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let all = hands.api::<K>().list(&Default::default()).await.expect("a list");
    all.iter().filter(|object| object.name_any().starts_with("bad-")).map(conditions).collect()
}

#[test]
fn fifty_conflicts_and_as_many_bad_uploads_do_not_hold_up_the_others() {
    block_on(async {
        let control_plane = support::shared().await;
        let operator =
            Operator::start(control_plane, env!("CARGO_BIN_EXE_chatelaine"), &["--concurrency", "4"]);
        let operator = operator.await.expect("it starts");
        let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
        hands.create::<Account>("alice", json!({"email": "alice@example.com"})).await;
        let stranger = Secret {
            metadata: serde_json::from_value(json!({"name": "taken"})).expect("metadata"),
            data: Some([("token".to_owned(), ByteString(b"mine".to_vec()))].into()),
            ..Secret::default()
        };
        hands.api::<Secret>().create(&PostParams::default(), &stranger).await.expect("created");
        for n in 0..BAD {
            let conflict = json!({"accountRef": {"name": "alice"}, "secret": {"name": "taken"}});
            hands.create::<AccessToken>(&format!("bad-{n}"), conflict).await;
            let upload = json!({"accountRef": {"name": "alice"}, "method": "Upload", "publicKey": "ssh-dss AAAAB3NzaC1kc3M="});
            hands.create::<SshKey>(&format!("bad-{n}"), upload).await;
        }
        for n in 0..GOOD {
            hands.create::<AccessToken>(&format!("good-{n}"), json!({"accountRef": {"name": "alice"}})).await;
        }
        eventually("the good ones have their Secrets", PATIENCE, async || {
            let secrets = hands.api::<Secret>().list(&Default::default()).await.expect("a list");
            secrets.iter().filter(|secret| secret.name_any().starts_with("good-")).count() == GOOD
        })
        .await;
        eventually("the bad ones know why they have none", PATIENCE, async || {
            let conflicts =
                reasons::<AccessToken>(&hands, |token| ready(&token.status.as_ref()?.common.conditions))
                    .await;
            let uploads =
                reasons::<SshKey>(&hands, |key| ready(&key.status.as_ref()?.common.conditions)).await;
            let all = |reasons: &[Option<String>], wanted: &str| {
                reasons.len() == BAD && reasons.iter().all(|reason| reason.as_deref() == Some(wanted))
            };
            all(&conflicts, "SecretConflict") && all(&uploads, "InvalidKey")
        })
        .await;
        hands.rotate::<AccessToken>("good-0", "once").await;
        eventually("a rotation goes through among them", PATIENCE, async || {
            hands
                .api::<AccessToken>()
                .get("good-0")
                .await
                .expect("it is there")
                .status
                .is_some_and(|status| status.common.revision == Some(2))
        })
        .await;
        let untouched = hands.secret("taken").await.expect("it is there");
        assert_eq!(value(&untouched, "token"), Some(&b"mine"[..]));
        assert!(untouched.annotations().is_empty() && untouched.labels().is_empty());
        let log = operator.logs();
        assert!(
            !log.contains("tried again") && !log.contains("panick"),
            "what only a person can mend is no error loop"
        );
    });
}

fn ready(conditions: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]) -> Option<String> {
    conditions.iter().find(|one| one.type_ == "Ready").map(|one| one.reason.clone())
}
