//! Backup and restore of a whole namespace, in both orders: no value changes, and nothing dead comes back to life.

use http::Method;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, Secret, SshKey, Stage, assert_conditions, condition,
    copy_name, has, is_observed, keys, ledger, merge, now, play, text, time, uid, value,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const CREDENTIALS: [Kind; 3] = [ApiKeyPair, SshKey, AccessToken];
const UPLOADED: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnsRn6G964oHBik/nt4P5/3ZYmxjTKUHevx+cbZCJJD alice@laptop";
const RETAINED: [&str; 2] = ["retained", "retained-withheld"];

/// In which order the tool puts things back, and by what it says that it is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    SecretsBefore,
    /// Objects first; whoever applies them announces the restore.
    Announced,
    /// Objects first; Velero puts its labels on whatever it restores.
    ByVelero,
}

/// One object as a backup tool keeps it: without uid, versions, owner references and status.
#[derive(Clone, Debug)]
struct Kept {
    kind: Kind,
    name: String,
    manifest: Value,
}

/// What was there before: the objects with their status, and what was kept of them.
struct Backup {
    objects: Vec<(Kind, Value)>,
    kept: Vec<Kept>,
}

impl Backup {
    async fn of(stage: &Stage<'_>) -> Self {
        let mut backup = Self { objects: Vec::new(), kept: Vec::new() };
        for kind in [Account, ApiKeyPair, SshKey, AccessToken, Secret] {
            for object in stage.all(kind).await {
                let metadata = &object["metadata"];
                let mut manifest = object.clone();
                let fields = manifest.as_object_mut().expect("an object");
                fields.retain(|field, _| matches!(field.as_str(), "spec" | "data" | "type"));
                manifest["metadata"] =
                    json!({"labels": metadata["labels"], "annotations": metadata["annotations"]});
                let name = text(&metadata["name"]).to_owned();
                backup.kept.push(Kept { kind, name, manifest });
                backup.objects.push((kind, object));
            }
        }
        backup
    }

    /// As it was before.
    fn before(&self, kind: Kind, name: &str) -> &Value {
        let found = self.objects.iter().find(|(of, it)| *of == kind && it["metadata"]["name"] == name);
        &found.unwrap_or_else(|| panic!("no {kind:?} {name} was kept")).1
    }

    fn credentials(&self) -> impl Iterator<Item = (Kind, &Value)> {
        self.objects.iter().filter(|(kind, _)| CREDENTIALS.contains(kind)).map(|(kind, it)| (*kind, it))
    }

    /// Secrets, without copies; copies alone; all else.
    fn part(&self, wanted: impl Fn(&Kept) -> bool) -> Vec<Kept> {
        self.kept.iter().filter(|kept| wanted(kept)).cloned().collect()
    }
}

impl Kept {
    fn is_copy(&self) -> bool {
        self.name.starts_with("chatelaine-held-")
    }
}

impl Stage<'_> {
    async fn all(&self, kind: Kind) -> Vec<Value> {
        let list = self.send(Method::GET, self.path(kind, ""), "application/json", &Value::Null).await;
        list.expect("a list")["items"].as_array().expect("items").clone()
    }

    /// The namespace goes with all that is in it, and another one has its name.
    async fn wipe(&self) {
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        let ask = |method: Method, path: String, body: Value| async move {
            self.send(method, path, "application/json", &body).await
        };
        ask(Method::DELETE, path.clone(), json!({})).await.expect("it is deleted");
        while ask(Method::GET, path.clone(), Value::Null).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        let again = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        ask(Method::POST, "/api/v1/namespaces".into(), again).await.expect("it is there again");
    }

    async fn put_back(&self, all: Vec<Kept>, order: Order) {
        for Kept { kind, name, mut manifest } in all {
            match order {
                Order::SecretsBefore => {}
                Order::Announced if kind != Secret => {
                    let announced = json!({"annotations": {"chatelaine.dev/await-restore": "from monday"}});
                    merge(&mut manifest, json!({"metadata": announced}));
                }
                Order::Announced => {}
                Order::ByVelero => {
                    let labels = json!({"velero.io/restore-name": "r1", "velero.io/backup-name": "b1"});
                    merge(&mut manifest, json!({"metadata": {"labels": labels}}));
                }
            }
            self.create(kind, &name, manifest).await;
        }
    }

    async fn restore(&self, backup: &Backup, order: Order) {
        let secrets = backup.part(|kept| kept.kind == Secret && !kept.is_copy());
        let copies = backup.part(Kept::is_copy);
        let objects = backup.part(|kept| kept.kind != Secret);
        if order == Order::SecretsBefore {
            self.put_back(secrets, order).await;
            self.put_back(copies, order).await;
            return self.put_back(objects, order).await;
        }
        self.put_back(objects, order).await;
        for (kind, object) in backup.credentials() {
            let name = text(&object["metadata"]["name"]);
            let waiting = self.until_reason(kind, name, "Ready", "AwaitingRestore").await;
            let said = ["Ready=False", "Active=False", "Reconciling=True"];
            let said = said.map(|condition| format!("{condition} AwaitingRestore"));
            assert_conditions(&waiting, &said.each_ref().map(String::as_str));
        }
        self.put_back(secrets, order).await;
        // The worst case: the copies come when their Secrets were taken back long ago.
        for (kind, object) in backup.credentials() {
            let name = text(&object["metadata"]["name"]);
            self.until(kind, name, "taken back", |new| new["status"]["state"] == object["status"]["state"])
                .await;
        }
        self.put_back(copies, order).await;
    }
}

/// Credentials of all kinds in all states.
async fn household(stage: &Stage<'_>) {
    let overlap = json!({"rotation": {"overlap": "1h"}, "lifetime": "90d"});
    stage.create(Account, "bob", json!({"spec": {"email": "bob@example.com"}})).await;
    for (kind, name, spec) in [
        (ApiKeyPair, "pair", overlap.clone()),
        (SshKey, "key", overlap.clone()),
        (AccessToken, "token", overlap.clone()),
        (AccessToken, "retained", json!({"deletionPolicy": "Retain"})),
        (AccessToken, "short", json!({"rotation": {"overlap": "45s"}})),
        (SshKey, "uploaded", json!({"method": "Upload", "publicKey": UPLOADED})),
        (AccessToken, "expired", json!({"lifetime": "2s"})),
        (ApiKeyPair, "revoked", json!({})),
        (AccessToken, "withheld", overlap.clone()),
        (SshKey, "retained-withheld", json!({"deletionPolicy": "Retain"})),
        (ApiKeyPair, "bobs", json!({"accountRef": {"name": "bob"}})),
    ] {
        stage.ready(kind, name, spec).await;
    }
    stage.credential(ApiKeyPair, "unborn", json!({"active": false})).await;
    for (kind, name) in
        [(ApiKeyPair, "pair"), (SshKey, "key"), (AccessToken, "token"), (AccessToken, "withheld")]
    {
        stage.annotate(kind, name, ROTATE, "from Git").await;
        stage.until_revision(kind, name, 2).await;
    }
    stage.annotate(ApiKeyPair, "revoked", "chatelaine.dev/revoke", "leak").await;
    for (kind, name) in [(AccessToken, "withheld"), (SshKey, "retained-withheld")] {
        stage.patch(kind, name, json!({"spec": {"active": false}})).await;
    }
    stage.patch(Account, "bob", json!({"spec": {"active": false}})).await;
    for (kind, name, reason) in [
        (AccessToken, "expired", "Expired"),
        (ApiKeyPair, "revoked", "Revoked"),
        (AccessToken, "withheld", "Inactive"),
        (SshKey, "retained-withheld", "Inactive"),
        (ApiKeyPair, "unborn", "Inactive"),
        (ApiKeyPair, "bobs", "AccountInactive"),
    ] {
        stage.until_reason(kind, name, "Ready", reason).await;
    }
    stage.annotate(AccessToken, "short", ROTATE, "from Git").await;
    stage.until_revision(AccessToken, "short", 2).await;
}

async fn everything_is_as_it_was(stage: &Stage<'_>, backup: &Backup) {
    for (kind, before) in backup.credentials() {
        let name = text(&before["metadata"]["name"]);
        let after = stage
            .until(kind, name, "taken back and seen", |object| {
                is_observed(object) && object["status"]["secretRef"].is_object()
            })
            .await;
        assert_ne!(uid(&after), uid(before), "{name}");
        let (then, now) = (&before["status"], &after["status"]);
        for field in [
            "state",
            "revision",
            "issueTime",
            "expirationTime",
            "id",
            "accessKey",
            "fingerprint",
            "publicKey",
            "handledTriggers",
            "isExpired",
        ] {
            assert_eq!(now[field], then[field], "{kind:?} {name} {field}");
        }
        let last = now["history"].as_array().and_then(|all| all.last()).expect("a history");
        assert_eq!((&last["reason"], &last["revision"]), (&json!("Restored"), &then["revision"]), "{name}");
        let secret = stage.secret(name).await;
        assert_eq!(ledger(&secret)["owner"]["uid"], json!(uid(&after)), "{name}");
        let owner = &secret["metadata"]["ownerReferences"][0]["uid"];
        let wanted = if RETAINED.contains(&name) { Value::Null } else { json!(uid(&after)) };
        assert_eq!(*owner, wanted, "{name}");
        if name != "short" {
            assert_eq!(now["previous"], then["previous"], "{name}");
            assert_eq!(now["digests"], then["digests"], "{name}");
            assert_eq!(secret["data"], backup.before(Secret, name)["data"], "{name}");
        }
        if kind != SshKey {
            let dead = matches!(name, "expired" | "revoked");
            let secrets = keys(&secret).iter().filter(|key| *key == "token" || *key == "secretKey").count();
            assert!(!dead || secrets == 0, "{name} came back to life");
        }
    }
}

/// The copies were made for objects that are gone; now they are these objects', and hold the same bytes.
async fn withheld_ones_are_given_back(stage: &Stage<'_>, backup: &Backup) {
    for (kind, name) in [(AccessToken, "withheld"), (SshKey, "retained-withheld"), (ApiKeyPair, "bobs")] {
        let copy = copy_name(backup.before(kind, name));
        let new = stage.get(kind, name).await;
        let wanted = if RETAINED.contains(&name) { Value::Null } else { json!(uid(&new)) };
        let mine = stage
            .until(Secret, &copy, "this object's", |copy| {
                copy["metadata"]["annotations"]["chatelaine.dev/held-for"]
                    .as_str()
                    .is_some_and(|text| text.contains(&uid(&new)))
            })
            .await;
        assert_eq!(mine["metadata"]["ownerReferences"][0]["uid"], wanted, "{name}");
        assert_eq!(mine["data"], backup.before(Secret, &copy)["data"], "{name}");
    }
    for (kind, name) in [(AccessToken, "withheld"), (SshKey, "retained-withheld"), (Account, "bob")] {
        stage.patch(kind, name, json!({"spec": {"active": true}})).await;
    }
    for (kind, name) in [(AccessToken, "withheld"), (SshKey, "retained-withheld"), (ApiKeyPair, "bobs")] {
        let old = backup.before(kind, name);
        let live = stage.until(kind, name, "live", |object| object["status"]["state"] == "Live").await;
        assert_eq!(live["status"]["revision"], old["status"]["revision"], "{name}");
        assert_eq!(live["status"]["digests"], old["status"]["digests"], "{name}");
        let (secret, held) = (stage.secret(name).await, backup.before(Secret, &copy_name(old)));
        for key in keys(held) {
            assert_eq!(secret["data"][&key], held["data"][&key], "{name} {key}: byte for byte");
        }
        stage.until_gone(Secret, &copy_name(old)).await;
    }
}

async fn the_overlap_ends_at_its_time(stage: &Stage<'_>, backup: &Backup) {
    let old = backup.before(AccessToken, "short");
    let end = time(&old["status"]["previous"]["retirementTime"]);
    let retired =
        stage.until(AccessToken, "short", "retired", |object| object["status"]["previous"].is_null()).await;
    assert!(now() >= end, "not before its time");
    assert_eq!(retired["status"]["revision"], 2);
    let secret = stage.secret("short").await;
    assert_eq!(value(&secret, "previousToken"), None);
    assert_eq!(has(&secret, "token"), has(backup.before(Secret, "short"), "token"));
}

fn a_namespace_comes_back(order: Order) {
    play(|stage| async move {
        household(&stage).await;
        let backup = Backup::of(&stage).await;
        stage.wipe().await;
        stage.restore(&backup, order).await;
        everything_is_as_it_was(&stage, &backup).await;
        withheld_ones_are_given_back(&stage, &backup).await;
        the_overlap_ends_at_its_time(&stage, &backup).await;
        let account = stage.get(Account, "bob").await;
        assert_eq!(account["spec"]["email"], "bob@example.com");
        if order == Order::ByVelero {
            let labels = &stage.secret("token").await["metadata"]["labels"];
            assert_eq!(labels["velero.io/restore-name"], "r1", "what is not ours is kept");
        }
    });
}

#[test]
fn a_namespace_comes_back_as_it_was_when_its_secrets_are_restored_first() {
    a_namespace_comes_back(Order::SecretsBefore);
}

#[test]
fn a_namespace_comes_back_as_it_was_when_its_objects_are_restored_first_and_the_restore_is_announced() {
    a_namespace_comes_back(Order::Announced);
}

#[test]
fn a_namespace_comes_back_as_it_was_when_velero_restores_its_objects_first() {
    a_namespace_comes_back(Order::ByVelero);
}

#[test]
fn the_wait_for_a_restore_ends_when_nobody_announces_one_any_more() {
    play(|stage| async move {
        let announced = [
            ("annotated", json!({"annotations": {"chatelaine.dev/await-restore": "yes"}})),
            ("labelled", json!({"labels": {"velero.io/restore-name": "r1"}})),
        ];
        let silenced = [
            json!({"annotations": {"chatelaine.dev/await-restore": null}}),
            json!({"labels": {"velero.io/restore-name": null}}),
        ];
        for ((name, metadata), silence) in announced.into_iter().zip(silenced) {
            let mut manifest = crate::stage::credential(json!({}));
            merge(&mut manifest, json!({"metadata": metadata}));
            stage.create(AccessToken, name, manifest).await;
            let waiting = stage.until_reason(AccessToken, name, "Ready", "AwaitingRestore").await;
            let message = text(&condition(&waiting, "Ready")["message"]);
            assert!(message.contains("for as long as it takes") && message.contains("remove"), "{message}");
            stage.event(AccessToken, name, "AwaitingRestore").await;
            // What the wait is told does not count as a past.
            stage.patch(AccessToken, name, json!({"spec": {"comment": "looked at"}})).await;
            stage.until_reason(AccessToken, name, "Ready", "AwaitingRestore").await;
            assert!(stage.get(Secret, name).await.is_null());
            stage.patch(AccessToken, name, json!({"metadata": silence})).await;
            let issued = stage.until_reason(AccessToken, name, "Ready", "Issued").await;
            assert_eq!(issued["status"]["revision"], 1);
        }
    });
}

#[test]
fn a_restored_secret_without_material_is_taken_back_and_repaired() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        stage.issued_an_hour_ago(AccessToken, CI).await;
        let mut backup = Backup::of(&stage).await;
        for kept in backup.kept.iter_mut().filter(|kept| kept.kind == Secret) {
            kept.manifest["data"]["token"] = Value::Null;
        }
        stage.wipe().await;
        stage.restore(&backup, Order::SecretsBefore).await;
        let repaired = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(condition(&repaired, "Ready")["reason"], "SecretRepaired");
        has(&stage.secret(CI).await, "token");
    });
}
