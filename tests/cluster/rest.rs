//! Rest: when nothing changes nothing is written, whatever state a credential is in.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, Kind, Secret, SshKey, Stage, is_ready, play, text, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const REVOKE: &str = "chatelaine.dev/revoke";
/// While many credentials change, their Account tells of it every ten seconds.
const LAST_WORDS: Duration = Duration::from_secs(15);
/// Longer than the minute after which a conflict, a missing passphrase and the like are looked at again.
const REST: Duration = Duration::from_secs(65);

/// The versions of all that there is in the namespace, events too.
async fn versions(stage: &Stage<'_>) -> BTreeMap<String, String> {
    let events = format!("/apis/events.k8s.io/v1/namespaces/{}/events", stage.namespace);
    let kinds = [Account, ApiKeyPair, SshKey, AccessToken, Secret].map(|kind| stage.path(kind, ""));
    let mut all = BTreeMap::new();
    for path in kinds.into_iter().chain([events]) {
        let list = stage.send(Method::GET, path.clone(), "application/json", &Value::Null).await;
        for object in list.expect("a list")["items"].as_array().expect("a list") {
            all.insert(format!("{path}/{}", text(&object["metadata"]["name"])), version(object));
        }
    }
    all
}

/// One in each state, each with the reason that Ready gives.
async fn one_of_each(stage: &Stage<'_>) {
    stage.create(Secret, "taken", json!({"stringData": {"token": "theirs"}})).await;
    let all: [(Kind, &str, Value, &str); 13] = [
        (AccessToken, "live", json!({"lifetime": "90d", "permissions": ["dns:list"]}), "Issued"),
        (SshKey, "ssh", json!({}), "Issued"),
        (ApiKeyPair, "overlapping", json!({"lifetime": "90d", "rotation": {"overlap": "1h"}}), "Rotated"),
        (ApiKeyPair, "withheld", json!({}), "Inactive"),
        (SshKey, "unborn", json!({"active": false}), "Inactive"),
        (AccessToken, "expired", json!({"lifetime": "1s"}), "Expired"),
        (AccessToken, "past", json!({"expirationTime": "2020-01-01T00:00:00Z"}), "Expired"),
        (AccessToken, "revoked", json!({}), "Revoked"),
        (AccessToken, "refused", json!({"permissions": ["billing:list"]}), "PermissionNotGranted"),
        (SshKey, "invalid", json!({"method": "Upload", "publicKey": "no key"}), "InvalidKey"),
        (AccessToken, "conflict", json!({"secret": {"name": "taken"}}), "SecretConflict"),
        (AccessToken, "orphan", json!({"accountRef": {"name": "nobody"}}), "AccountNotFound"),
        (AccessToken, "of-a-pair", json!({"apiKeyPairRef": {"name": "nobody"}}), "ParentNotFound"),
    ];
    for (kind, name, spec, _) in &all {
        stage.credential(*kind, name, spec.clone()).await;
    }
    for (kind, name) in [(ApiKeyPair, "overlapping"), (ApiKeyPair, "withheld"), (AccessToken, "revoked")] {
        stage.until(kind, name, "ready", is_ready).await;
    }
    stage.annotate(ApiKeyPair, "overlapping", ROTATE, "now").await;
    stage.patch(ApiKeyPair, "withheld", json!({"spec": {"active": false}})).await;
    stage.annotate(AccessToken, "revoked", REVOKE, "leak").await;
    for (kind, name, _, reason) in &all {
        stage.until_reason(*kind, name, "Ready", reason).await;
    }
}

#[test]
fn when_everything_has_come_to_rest_nothing_is_written_any_more() {
    play(|stage| async move {
        one_of_each(&stage).await;
        tokio::time::sleep(LAST_WORDS).await;
        let before = versions(&stage).await;
        tokio::time::sleep(REST).await;
        let after = versions(&stage).await;
        let moved: Vec<_> =
            after.iter().filter(|(path, version)| before.get(*path) != Some(version)).collect();
        assert!(moved.is_empty(), "nobody changed anything, but there were written: {moved:#?}");
        assert_eq!(after.len(), before.len());
        assert_eq!(before.keys().filter(|path| path.contains("accesstokens")).count(), 8);
    });
}
