//! Many at once: what is refused, what comes and goes, and what is deleted half-way holds up nobody and shares nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chatelaine::api;
use futures::{StreamExt, stream};
use http::Method;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::history::{History, Versions, ledger as read, value as bytes};
use crate::hostile::survive;
use crate::stage::{
    AccessToken, Account, ApiKeyPair, BINARY, CI, Kind, Secret, SshKey, Stage, is_ready, keys, ledger,
    secret_key, uid,
};

#[test]
fn of_a_hundred_credentials_of_which_half_are_refused_the_other_half_is_not_held_up() {
    const EACH: usize = 10;
    survive(|stage| async move {
        let refused: [(&str, Kind, Value, &str); 5] = [
            (
                "upload",
                SshKey,
                json!({"method": "Upload", "publicKey": "ssh-dss AAAAB3NzaC1kc3M="}),
                "InvalidKey",
            ),
            ("permission", AccessToken, json!({"permissions": ["billing:list"]}), "PermissionNotGranted"),
            ("role", ApiKeyPair, json!({"roles": ["nobody-has-it"]}), "RoleNotFound"),
            ("account", AccessToken, json!({"accountRef": {"name": "nobody"}}), "AccountNotFound"),
            ("cron", ApiKeyPair, json!({"rotation": {"cron": "0 0 30 2 *", "overlap": "1h"}}), "InvalidSpec"),
        ];
        let began = Instant::now();
        for n in 0..EACH {
            for (name, kind, spec, _) in &refused {
                stage.credential(*kind, &format!("{name}-{n}"), spec.clone()).await;
                stage.credential(AccessToken, &format!("good-{name}-{n}"), json!({})).await;
            }
        }
        for n in 0..EACH {
            for (name, kind, _, reason) in &refused {
                let (bad, good) = (format!("{name}-{n}"), format!("good-{name}-{n}"));
                stage.until(AccessToken, &good, "ready", is_ready).await;
                stage.until_reason(*kind, &bad, "Ready", reason).await;
                assert_eq!(stage.get(Secret, &bad).await, Value::Null, "nothing is written for {bad}");
            }
        }
        assert!(began.elapsed() < Duration::from_secs(60), "after {:?}", began.elapsed());
    });
}

#[test]
fn two_credentials_that_want_one_secret_and_come_and_go_in_turns_never_share_it_nor_a_value() {
    const TURNS: u64 = 30;
    const BOTH: [(Kind, &str); 2] = [(AccessToken, "one"), (ApiKeyPair, "other")];
    survive(|stage| async move {
        let history = History::begin(stage.client.clone(), &stage.namespace).await;
        let spec = json!({"secret": {"name": "shared"}});
        stage.credential(BOTH[0].0, BOTH[0].1, spec.clone()).await;
        for turn in 0..TURNS {
            let (leaves, comes) = (BOTH[turn as usize % 2], BOTH[(turn as usize + 1) % 2]);
            stage.credential(comes.0, comes.1, spec.clone()).await;
            // Before the operator has seen it, while it writes, or when it is done.
            tokio::time::sleep(Duration::from_millis(turn * 37 % 400)).await;
            stage.delete(leaves.0, leaves.1).await;
            stage.until_gone(leaves.0, leaves.1).await;
        }
        let (kind, name) = BOTH[TURNS as usize % 2];
        let last = stage.until(kind, name, "ready", is_ready).await;
        let secret = stage.secret("shared").await;
        assert_eq!(ledger(&secret)["owner"]["uid"], json!(uid(&last)));
        assert_eq!(secret["metadata"]["ownerReferences"][0]["uid"], json!(uid(&last)));
        let (foreign, _) = BOTH[(TURNS as usize + 1) % 2];
        assert!(!keys(&secret).contains(&secret_key(foreign).to_owned()), "{secret:#}");

        history.settle(stage.client.clone(), &stage.namespace).await;
        let mut owners: BTreeMap<Vec<u8>, BTreeSet<String>> = BTreeMap::new();
        let mut of_a_secret: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for version in history.of("shared") {
            let owner = read(&version).owner;
            of_a_secret.entry(version.uid().expect("a uid")).or_default().insert(owner.uid.clone());
            for key in ["token", "secretKey"] {
                if let Some(value) = bytes(&version, key) {
                    owners.entry(value.to_vec()).or_default().insert(owner.uid.clone());
                }
            }
        }
        eprintln!("{} values in {} Secrets", owners.len(), of_a_secret.len());
        // Who tries to write it nevertheless is refused by the server, again and again.
        let log = support::shared_operator(BINARY).await.logs();
        let again = |line: &&str| line.contains(&stage.namespace) && line.contains("tried again");
        assert_eq!(log.lines().find(again), None, "a conflict is no error loop");
        assert!(owners.values().all(|owners| owners.len() == 1), "a value had two owners");
        assert!(of_a_secret.values().all(|owners| owners.len() == 1), "a Secret changed hands");
    });
}

#[test]
fn a_namespace_that_is_deleted_while_its_rsa_keys_are_made_is_gone_in_half_a_minute() {
    const KEYS: usize = 100;
    const SOON: Duration = Duration::from_secs(30);
    survive(|stage| async move {
        let rsa = json!({"algorithm": "Rsa", "bits": 4096});
        let doomed = Stage::on(stage.cluster).await;
        for n in 0..KEYS {
            doomed.credential(SshKey, &format!("key-{n}"), rsa.clone()).await;
        }
        doomed.until(SshKey, "key-0", "ready", is_ready).await;
        let path = format!("/api/v1/namespaces/{}", doomed.namespace);
        let delete = stage.send(Method::DELETE, path.clone(), "application/json", &Value::Null);
        delete.await.expect("it is deleted");
        let began = Instant::now();
        loop {
            let answer = stage.send(Method::GET, path.clone(), "application/json", &Value::Null).await;
            if answer.is_err_and(|error| matches!(error, kube::Error::Api(status) if status.code == 404)) {
                break;
            }
            assert!(began.elapsed() < SOON, "it is still there after {:?}", began.elapsed());
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // Whoever waits for a key behind those that nobody wants any more has it soon.
        let began = Instant::now();
        stage.ready(SshKey, CI, rsa).await;
        assert!(began.elapsed() < SOON, "a key took {:?}", began.elapsed());
    });
}

#[test]
fn four_hundred_tokens_of_one_account_are_counted_to_the_last_and_told_once_a_second_at_most() {
    const MANY: usize = 400;
    const AT_ONCE: usize = 16;
    survive(|stage| async move {
        let versions = Versions::<api::Account>::begin(stage.client.clone(), &stage.namespace).await;
        let began = Instant::now();
        stream::iter(0..MANY)
            .for_each_concurrent(AT_ONCE, async |n| {
                stage.credential(AccessToken, &format!("token-{n:03}"), json!({})).await;
            })
            .await;
        let counts = |state: &str| json!({"total": MANY, "accessTokens": {"total": MANY, state: MANY}});
        let until_counted = async |state: &str| {
            let wanted = counts(state);
            let right = |account: &Value| account["status"]["counts"] == wanted;
            stage.until(Account, "alice", &wanted.to_string(), right).await
        };
        let account = until_counted("live").await;
        let listed = account["status"]["credentials"].as_array().expect("a list");
        let names: Vec<_> = listed.iter().map(|held| held["name"].clone()).collect();
        let first: Vec<_> = (0..100).map(|n| json!(format!("token-{n:03}"))).collect();
        assert_eq!(names, first, "the list ends somewhere");

        stage.annotate(Account, "alice", "chatelaine.dev/rotate", "all").await;
        let last = async |revision: i64| {
            for n in 0..MANY {
                stage.until_revision(AccessToken, &format!("token-{n:03}"), revision).await;
            }
        };
        last(2).await;
        let before = stage.secret("token-399").await;
        for (active, state) in [(false, "withheld"), (true, "live")] {
            stage.patch(Account, "alice", json!({"spec": {"active": active}})).await;
            until_counted(state).await;
        }
        assert_eq!(stage.secret("token-399").await["data"], before["data"], "byte for byte");
        last(2).await;

        versions.catch_up(stage.client.clone(), &stage.namespace, "alice").await;
        let versions = versions.of("alice");
        eprintln!("the Account was written {} times in {:?}", versions.len(), began.elapsed());
        let told = |account: &api::Account| {
            let fields = account.metadata.managed_fields.iter().flatten();
            let of_status = fields.filter(|one| one.subresource.as_deref() == Some("status"));
            of_status.filter_map(|one| one.time.as_ref()).map(|time| time.0).max()
        };
        // What somebody wrote into the Account is answered at once.
        let generation = |account: &api::Account| account.status.as_ref()?.observed_generation;
        let of_itself = |pair: &&[api::Account]| {
            pair[0].status != pair[1].status && generation(&pair[0]) == generation(&pair[1])
        };
        let told_within_a_second = |pair: &&[api::Account]| told(&pair[0]) == told(&pair[1]);
        let too_soon = versions.windows(2).filter(of_itself).filter(told_within_a_second).count();
        // A write that took a second to be answered may be followed by the next at once.
        assert!(too_soon <= 1, "{too_soon} times twice in a second");
    });
}
