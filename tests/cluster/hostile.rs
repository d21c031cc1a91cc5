//! Careless and hostile input: nothing crashes the operator, nothing holds up others, and no material is lost.

use k8s_openapi::api::core::v1::Secret as RealSecret;
use serde_json::{Map, Value, json};

use crate::history::{History, value as bytes};
use crate::stage::{
    AccessToken, Account, ApiKeyPair, BINARY, CI, Kind, Secret, SshKey, Stage, condition, digest_of, has,
    is_observed, is_ready, merge, now, play, secret_key, value,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const REVOKE: &str = "chatelaine.dev/revoke";
const RETIRE: &str = "chatelaine.dev/retire";
const ROLLBACK: &str = "chatelaine.dev/rollback";
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// What an API server takes of annotations, all of an object together.
const ANNOTATIONS: usize = 256 * 1024;
/// One character, four bytes.
const KEY: &str = "🗝";

/// Plays; the operator that was there before is there afterwards, answers, and has caught no panic.
pub fn survive<F: Future<Output = ()>>(scene: impl FnOnce(Stage<'static>) -> F) {
    play(|stage| async move {
        scene(stage).await;
        // It is never started again: a process that had ended would be found out here.
        let operator = support::shared_operator(BINARY).await;
        operator.wait_ready().await.expect("it is there and answers");
        assert!(!operator.logs().contains("panick"), "something panicked");
    });
}

fn long(characters: usize) -> String {
    KEY.repeat(characters)
}

fn many(entries: usize, key: impl Fn(usize) -> String, value: &str) -> Value {
    Value::Object((0..entries).map(|n| (key(n), json!(value))).collect::<Map<_, _>>())
}

/// A key of this length; each has its own.
fn key_of(length: usize, n: usize) -> String {
    format!("{n:0>length$}")
}

fn longest_account() -> Value {
    let email = format!("{}@{}", long(64), "ł".repeat(254 - 65));
    let phone = format!("+{}", "4".repeat(39));
    let groups: Vec<Value> =
        (0..64).map(|n| json!({"id": format!("{n:02}{}", long(126)), "name": long(200)})).collect();
    let permission = |n: usize| format!("{}:{}", key_of(63, n), "a".repeat(63));
    json!({
        "email": email, "firstName": long(100), "lastName": long(100), "companyName": long(200), "phone": phone,
        "notification": {"email": email, "phone": phone},
        "groups": groups,
        "permissions": (0..64).map(permission).collect::<Vec<_>>(),
        "attributes": many(32, |n| key_of(63, n), &long(2048)),
        "tokenPrefix": "a".repeat(16),
        "roles": [{
            "name": "r".repeat(63), "description": long(255), "permissions": [permission(0)],
            "attributes": many(32, |n| key_of(63, n), &long(2048)),
        }],
    })
}

/// What each kind takes of text, as long as it may be, of one language or another.
fn longest(kind: Kind, name: &str) -> Value {
    let secret_name = format!("{name}.{}", "s".repeat(253 - name.len() - 1));
    let nowhere = |n: usize| json!({"kind": "Deployment", "name": key_of(253, n)});
    let mut spec = json!({
        "accountRef": {"name": "long"},
        "comment": long(255),
        "secret": {
            "name": secret_name,
            "labels": many(16, |n| key_of(63, n), &"v".repeat(63)),
            "annotations": many(16, |n| key_of(63, n), &long(2000)),
            "template": many(8, |n| key_of(253, n), &long(8192)),
        },
        "restart": (0..16).map(nowhere).collect::<Vec<_>>(),
    });
    let of_its_kind = match kind {
        ApiKeyPair => json!({
            "service": "s".repeat(63),
            "attributes": many(32, |n| key_of(63, n), &long(2048)),
            "secret": {"keys": {"secretKey": "k".repeat(253)}},
        }),
        SshKey => json!({
            "options": {
                "restrict": true,
                "from": (0..32).map(|n| key_of(253, n)).collect::<Vec<_>>(),
                "command": long(1024),
            },
            "secret": {"keys": {"ssh-publickey": "k".repeat(253)}},
        }),
        AccessToken => json!({
            "displayName": long(100),
            "attributes": many(32, |n| key_of(63, n), &long(2048)),
            "roles": ["r".repeat(63)],
            "secret": {"keys": {"token": "k".repeat(253)}},
        }),
        Account | Secret => panic!("{kind:?} is no credential"),
    };
    merge(&mut spec, of_its_kind);
    spec
}

#[test]
fn the_longest_text_and_emoji_in_every_field_are_taken_and_what_they_guard_comes_back_byte_for_byte() {
    survive(|stage| async move {
        stage.create(Account, "long", json!({"spec": longest_account()})).await;
        let account = stage.until(Account, "long", "ready", is_ready).await;
        assert_eq!(account["status"]["displayName"], json!(format!("{} {}", long(100), long(100))));
        for kind in [ApiKeyPair, SshKey, AccessToken] {
            let name = key_of(63, kind as usize);
            let spec = longest(kind, &name);
            let secret_name = spec["secret"]["name"].as_str().expect("a name").to_owned();
            stage.ready(kind, &name, spec).await;
            let live = stage.secret(&secret_name).await;
            stage.patch(kind, &name, json!({"spec": {"active": false}})).await;
            stage.until_reason(kind, &name, "Ready", "Inactive").await;
            assert_ne!(stage.secret(&secret_name).await["data"], live["data"]);
            stage.patch(kind, &name, json!({"spec": {"active": true}})).await;
            stage.until_reason(kind, &name, "Ready", "Issued").await;
            assert_eq!(stage.secret(&secret_name).await["data"], live["data"], "{kind:?}");
        }
    });
}

#[test]
fn empty_text_and_empty_lists_wherever_they_may_be_mean_nothing_at_all() {
    survive(|stage| async move {
        let none = json!({
            "firstName": "", "lastName": "", "companyName": "", "groups": [{"id": "g", "name": ""}],
            "permissions": [], "attributes": {"a": ""}, "limits": {}, "credentialDefaults": {},
            "notification": {}, "roles": [{"name": "r", "description": "", "permissions": [], "include": []}],
        });
        stage
            .create(Account, "empty", json!({"spec": merged(json!({"email": "e@example.com"}), none)}))
            .await;
        stage.until(Account, "empty", "ready", is_ready).await;
        let shared = json!({
            "accountRef": {"name": "empty"}, "comment": "", "restart": [],
            "secret": {
                "labels": {"team": ""}, "annotations": {"why": ""}, "keys": {}, "formats": [],
                "template": {"nothing": ""},
            },
            "rotation": {},
        });
        for (kind, own) in [
            (ApiKeyPair, json!({"permissions": [], "roles": [], "attributes": {"a": ""}})),
            (SshKey, json!({"options": {"from": []}})),
            (AccessToken, json!({"displayName": "", "permissions": [], "roles": ["r"], "attributes": {}})),
        ] {
            let name = format!("{kind:?}").to_lowercase();
            stage.ready(kind, &name, merged(shared.clone(), own)).await;
            let secret = stage.secret(&name).await;
            assert_eq!(secret["metadata"]["labels"]["team"], "", "{kind:?}");
            assert_eq!(has(&secret, "nothing"), "", "{kind:?}");
            assert!(!has(&secret, secret_key(kind)).is_empty(), "{kind:?}");
        }
    });
}

fn merged(mut one: Value, other: Value) -> Value {
    merge(&mut one, other);
    one
}

/// As much as fits into an annotation of an object that has no others.
fn huge(annotation: &str, last: char) -> String {
    let mut value = "x".repeat(ANNOTATIONS - annotation.len() - 1);
    value.push(last);
    value
}

#[test]
fn a_trigger_of_256_kib_acts_once_is_told_by_its_digest_and_is_remembered_when_the_secret_is_lost() {
    survive(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let [one, other] = ['1', '2'].map(|last| huge(ROTATE, last));
        // They differ in their last character; the first again is no new one.
        for (value, revision) in [(&one, 2), (&other, 3), (&one, 3)] {
            stage.annotate(AccessToken, CI, ROTATE, value).await;
            stage.until_revision(AccessToken, CI, revision).await;
        }
        stage.annotate(Account, "alice", ROTATE, &one).await;
        let object = stage.until_revision(AccessToken, CI, 4).await;
        let digests = json!([digest_of(&one), digest_of(&other)]);
        assert_eq!(object["status"]["handledTriggers"]["rotate"], digests);
        assert_eq!(object["status"]["handledAccountTriggers"]["rotate"], json!([digest_of(&one)]));

        stage.issued_an_hour_ago(AccessToken, CI).await;
        stage.delete(Secret, CI).await;
        let object = stage.until_revision(AccessToken, CI, 5).await;
        assert_eq!(object["status"]["handledTriggers"]["rotate"], digests);
        stage.patch(AccessToken, CI, json!({"metadata": {"annotations": {ROTATE: null}}})).await;
        let asked = huge(REQUESTED_AT, 'x');
        stage.annotate(AccessToken, CI, REQUESTED_AT, &asked).await;
        let object = stage
            .until(AccessToken, CI, "looked at", |object| {
                object["status"]["lastHandledReconcileAt"] == digest_of(&asked)
            })
            .await;
        assert_eq!(object["status"]["revision"], 5);
    });
}

#[test]
fn all_four_triggers_on_a_credential_and_its_account_at_once_end_the_old_and_leave_one_new() {
    survive(|stage| async move {
        let all = |value: &str| {
            let all = [REVOKE, RETIRE, ROLLBACK, ROTATE].map(|name| (name.to_owned(), json!(value)));
            json!({"metadata": {"annotations": all.into_iter().collect::<Map<_, _>>()}})
        };
        let history = History::begin(stage.client.clone(), &stage.namespace).await;
        stage.ready(AccessToken, CI, json!({"rotation": {"overlap": "1h"}})).await;
        stage.annotate(AccessToken, CI, ROTATE, "before").await;
        stage.until_revision(AccessToken, CI, 2).await;
        let before = stage.secret(CI).await;
        let old = [has(&before, "token"), has(&before, "previousToken")];

        tokio::join!(
            stage.patch(AccessToken, CI, all("all")),
            stage.patch(Account, "alice", all("everybody's")),
        );
        let everything = |object: &Value, field: &str, value: &str| {
            [("revoke", value), ("retire", value), ("rollback", value), ("rotate", value)].iter().all(
                |(kind, value)| {
                    object["status"][field][kind].as_array().is_some_and(|all| all.contains(&json!(value)))
                },
            )
        };
        let object = stage
            .until(AccessToken, CI, "issued anew by all of them", |object| {
                everything(object, "handledTriggers", "all")
                    && everything(object, "handledAccountTriggers", "everybody's")
                    && is_ready(object)
            })
            .await;
        let revision = object["status"]["revision"].as_i64().expect("a revision");
        assert!((3..=4).contains(&revision), "once for both, or once for each: {revision}");
        let after = stage.secret(CI).await;
        assert!(!old.contains(&has(&after, "token")));
        assert_eq!(value(&after, "previousToken"), None, "what was revoked is no previous one");

        // Once more the same: none is new.
        stage.patch(AccessToken, CI, all("all")).await;
        stage.annotate(AccessToken, CI, REQUESTED_AT, "now").await;
        stage
            .until(AccessToken, CI, "looked at", |object| object["status"]["lastHandledReconcileAt"] == "now")
            .await;
        assert_eq!(stage.secret(CI).await, after);
        history.settle(stage.client.clone(), &stage.namespace).await;
        let versions = history.of(CI);
        let revoked = versions.iter().position(|secret| bytes(secret, "token").is_none());
        let after_it = versions.iter().skip(revoked.unwrap_or(versions.len()));
        let came_back = after_it
            .filter_map(|secret| bytes(secret, "token"))
            .any(|token| old.iter().any(|old| old.as_bytes() == token));
        assert!(!came_back, "an old one came back");
    });
}

#[test]
fn an_end_one_second_ahead_and_an_overlap_of_a_century_leave_nothing_behind() {
    survive(|stage| async move {
        let is_expired = |object: &Value| is_observed(object) && object["status"]["state"] == "Expired";
        let ahead = jiff::Timestamp::from_second(now().as_second() + 2).expect("a time");
        stage.credential(AccessToken, "date", json!({"expirationTime": ahead})).await;
        let century = json!({"lifetime": "1s", "rotation": {"overlap": "876000h"}});
        stage.credential(AccessToken, "second", century).await;
        stage.until(AccessToken, "second", "expired", is_expired).await;
        stage.annotate(AccessToken, "second", ROTATE, "anew").await;
        stage.until(AccessToken, "second", "handled", |object| object["status"]["revision"] == 2).await;
        let object = stage.until(AccessToken, "second", "expired", is_expired).await;
        assert_eq!(object["status"]["previous"], Value::Null);
        let secret = stage.secret("second").await;
        assert_eq!((value(&secret, "token"), value(&secret, "previousToken")), (None, None));

        let late = stage.until(AccessToken, "date", "ended", |object| {
            is_observed(object) && condition(object, "Ready")["reason"] == "Expired"
        });
        late.await;
        let there: Option<RealSecret> =
            serde_json::from_value(stage.get(Secret, "date").await).expect("or null");
        assert!(there.is_none_or(|secret| bytes(&secret, "token").is_none()));
    });
}

#[test]
fn a_secret_that_others_filled_to_its_last_byte_is_told_and_what_has_to_go_goes() {
    const ROOM: usize = 1 << 20;
    survive(|stage| async move {
        let overlap = json!({"rotation": {"overlap": "1h"}});
        stage.ready(AccessToken, "rotated", overlap.clone()).await;
        stage.ready(AccessToken, "revoked", overlap).await;
        for name in ["rotated", "revoked"] {
            let secret: RealSecret = serde_json::from_value(stage.secret(name).await).expect("a Secret");
            let own: usize = secret.data.iter().flatten().map(|(_, value)| value.0.len()).sum();
            let theirs = data_encoding::BASE64.encode("x".repeat(ROOM - own).as_bytes());
            stage.patch(Secret, name, json!({"data": {"theirs": theirs}})).await;
            stage.annotate(AccessToken, name, ROTATE, "now").await;
            let object = stage.until_reason(AccessToken, name, "Ready", "InvalidSpec").await;
            let ready = condition(&object, "Ready");
            let message = "The Secret would be larger than 1 MiB: remove from it what others put there";
            assert_eq!((&ready["status"], &ready["message"]), (&json!("False"), &json!(message)));
            assert_eq!(object["status"]["revision"], 1);
            let there = stage.secret(name).await;
            assert_eq!(there["data"]["token"], json!(secret.data.expect("data")["token"]), "it is kept");
        }
        // The rotation waits still: it issues anew in the place of what was revoked, and needs no room for the old one.
        let old = has(&stage.secret("revoked").await, "token");
        stage.annotate(AccessToken, "revoked", REVOKE, "leak").await;
        stage.until_revision(AccessToken, "revoked", 2).await;
        let revoked = stage.secret("revoked").await;
        assert!(has(&revoked, "token") != old && value(&revoked, "previousToken").is_none());
        assert!(has(&revoked, "theirs").len() > ROOM / 2, "theirs is kept");
        stage.annotate(AccessToken, "revoked", REVOKE, "again").await;
        stage.until_reason(AccessToken, "revoked", "Ready", "Revoked").await;
        assert_eq!(value(&stage.secret("revoked").await, "token"), None);
        stage.patch(Secret, "rotated", json!({"data": {"theirs": null}})).await;
        let object = stage.until_revision(AccessToken, "rotated", 2).await;
        assert!(is_ready(&object));
        has(&stage.secret("rotated").await, "previousToken");
    });
}
