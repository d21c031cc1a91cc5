//! Restarts: the pod templates of those who read the Secret get a new annotation, once per revision, and nobody else's.
//!
//! Nothing runs here: a rollout is a new generation of the workload.

use std::time::Duration;

use http::Method;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use support::{Operator, User};

use crate::stage::{
    AccessToken, ApiKeyPair, BINARY, CI, RUNTIME, Stage, condition, is_ready, play, text, version,
};

const ROTATE: &str = "chatelaine.dev/rotate";
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];
const WEB: (&str, &str) = ("Deployment", "web");
/// Longer than wishes are collected, and then some for a machine that does other things too.
const LONGER_THAN_THE_WINDOW: Duration = Duration::from_secs(15);

/// What `deploy/components/restart` says, one of its files.
async fn component(stage: &Stage<'_>, file: &str) {
    let path = support::checkout::root().join("deploy/components/restart").join(file);
    let manifest = std::fs::read_to_string(path).expect("a file of the component");
    let object: DynamicObject = serde_yaml::from_str(&manifest).expect("an object");
    support::install::apply(&stage.client, &object).await.expect("it is applied");
}

/// The right to restart workloads in this namespace only, as the component's own comment tells to give it.
async fn with_the_right(stage: &Stage<'_>) {
    component(stage, "role.yaml").await;
    let bound = stage.cluster.bind(&stage.namespace, &User::Operator, "chatelaine-restart").await;
    bound.expect("the role is bound");
}

fn path(stage: &Stage<'_>, (kind, name): (&str, &str)) -> String {
    format!("{}/{name}", support::collection("apps/v1", kind, &stage.namespace))
}

/// A workload of which nothing runs, whose pods would read these Secrets.
async fn workload(stage: &Stage<'_>, (kind, name): (&str, &str), secrets: &[&str]) {
    let from: Vec<Value> = secrets.iter().map(|name| json!({"secretRef": {"name": name}})).collect();
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}, "annotations": {"team": "blue"}},
            "spec": {"containers": [{"name": "main", "image": "none.invalid/none", "envFrom": from}]},
        },
    });
    if kind != "DaemonSet" {
        spec["replicas"] = json!(0);
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name);
    }
    let manifest = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let collection = support::collection("apps/v1", kind, &stage.namespace);
    stage.send(Method::POST, collection, "application/json", &manifest).await.expect("it is created");
}

async fn look_at(stage: &Stage<'_>, workload: (&str, &str)) -> Value {
    let answer = stage.send(Method::GET, path(stage, workload), "application/json", &Value::Null).await;
    answer.expect("it is there")
}

/// The annotations of the pod template and the number of changes of the spec.
async fn template(stage: &Stage<'_>, workload: (&str, &str)) -> (Value, i64) {
    let object = look_at(stage, workload).await;
    let annotations = object["spec"]["template"]["metadata"]["annotations"].clone();
    (annotations, object["metadata"]["generation"].as_i64().expect("a number"))
}

/// Waits until status says for each of its workloads that it is restarted for this revision.
async fn until_restarted(stage: &Stage<'_>, kind: crate::stage::Kind, name: &str, revision: i64) -> Value {
    stage
        .until(kind, name, &format!("restarted for revision {revision}"), |object| {
            let all = object["status"]["restarts"].as_array().cloned().unwrap_or_default();
            let wanted = object["spec"]["restart"].as_array().map_or(0, Vec::len);
            is_ready(object)
                && object["status"]["revision"] == revision
                && all.len() == wanted
                && all.iter().all(|told| told["revision"] == revision && told["message"].is_null())
        })
        .await
}

async fn until_told(stage: &Stage<'_>, name: &str, why: &str) -> Value {
    stage
        .until(AccessToken, name, why, |object| {
            is_ready(object)
                && object["status"]["restarts"][0]["message"].as_str().is_some_and(|text| text.contains(why))
        })
        .await
}

fn wants(workloads: &[(&str, &str)]) -> Value {
    let all: Vec<Value> = workloads.iter().map(|(kind, name)| json!({"kind": kind, "name": name})).collect();
    json!({"restart": all, "rotation": {"overlap": "1h"}})
}

#[test]
fn each_kind_of_workload_that_reads_the_secret_is_restarted_once_per_revision() {
    play(|stage| async move {
        with_the_right(&stage).await;
        let all = KINDS.map(|kind| (kind, "web"));
        for one in all {
            workload(&stage, one, &[CI]).await;
        }
        stage.ready(AccessToken, CI, wants(&all)).await;
        until_restarted(&stage, AccessToken, CI, 1).await;
        for one in all {
            assert_eq!(
                template(&stage, one).await,
                (json!({"team": "blue"}), 1),
                "the first restarts nothing"
            );
        }
        for revision in 2..4 {
            stage.annotate(AccessToken, CI, ROTATE, &format!("value-{revision}")).await;
            let object = until_restarted(&stage, AccessToken, CI, revision).await;
            assert_eq!(condition(&object, "Ready")["status"], "True");
            for one in all {
                let wanted = json!({"team": "blue", "restart.chatelaine.dev/ci": revision.to_string()});
                assert_eq!(template(&stage, one).await, (wanted, revision), "{one:?}");
            }
        }
        let note = stage.event(AccessToken, CI, "Restarted").await;
        assert!(note.contains("is restarted for revision"), "{note}");
    });
}

#[test]
fn a_workload_that_does_not_read_the_secret_is_not_touched_and_one_that_is_not_there_is_told() {
    play(|stage| async move {
        with_the_right(&stage).await;
        workload(&stage, WEB, &["other"]).await;
        for (name, target, why) in [
            ("unrelated", "web", "does not use the Secret unrelated"),
            ("missing", "nowhere", "There is no Deployment nowhere"),
        ] {
            stage.ready(AccessToken, name, wants(&[("Deployment", target)])).await;
            stage.annotate(AccessToken, name, ROTATE, "now").await;
            stage.until_revision(AccessToken, name, 2).await;
            let told = until_told(&stage, name, why).await;
            assert_eq!(told["status"]["restarts"][0]["revision"], Value::Null, "{told:#}");
            for absent in ["Stalled", "Reconciling"] {
                assert_eq!(condition(&told, absent), &Value::Null, "{absent}");
            }
            let note = stage.event(AccessToken, name, "NotRestarted").await;
            assert!(note.contains(why), "{note}");
        }
        assert_eq!(template(&stage, WEB).await, (json!({"team": "blue"}), 1));

        // It was made after the revision came about: its pods have read nothing older.
        stage.second_after(AccessToken, "missing").await;
        workload(&stage, ("Deployment", "nowhere"), &["missing"]).await;
        stage.patch(AccessToken, "missing", json!({"spec": {"comment": "look again"}})).await;
        until_restarted(&stage, AccessToken, "missing", 2).await;
        assert_eq!(template(&stage, ("Deployment", "nowhere")).await, (json!({"team": "blue"}), 1));
    });
}

#[test]
fn credentials_that_rotate_together_share_one_rollout() {
    play(|stage| async move {
        with_the_right(&stage).await;
        workload(&stage, WEB, &["token", "pair"]).await;
        stage.ready(AccessToken, "token", wants(&[WEB])).await;
        stage.ready(ApiKeyPair, "pair", wants(&[WEB])).await;
        until_restarted(&stage, AccessToken, "token", 1).await;
        until_restarted(&stage, ApiKeyPair, "pair", 1).await;
        stage.annotate(AccessToken, "token", ROTATE, "now").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        stage.annotate(ApiKeyPair, "pair", ROTATE, "now").await;
        until_restarted(&stage, AccessToken, "token", 2).await;
        until_restarted(&stage, ApiKeyPair, "pair", 2).await;
        let both = json!({
            "team": "blue",
            "restart.chatelaine.dev/token": "2",
            "restart.chatelaine.dev/pair": "2",
        });
        assert_eq!(template(&stage, WEB).await, (both, 2));
    });
}

#[test]
fn without_the_right_it_is_told_and_does_not_loop() {
    play(|stage| async move {
        workload(&stage, WEB, &[CI]).await;
        stage.ready(AccessToken, CI, wants(&[WEB])).await;
        let told = until_told(&stage, CI, "install deploy/components/restart").await;
        let message = text(&told["status"]["restarts"][0]["message"]);
        assert!(message.contains("may not restart the Deployment web"), "{message}");
        stage.event(AccessToken, CI, "NotRestarted").await;
        let before = stage.get(AccessToken, CI).await;
        tokio::time::sleep(LONGER_THAN_THE_WINDOW).await;
        assert_eq!(version(&stage.get(AccessToken, CI).await), version(&before), "told once");

        // It rotates all the same, and with the right the next look makes up for it.
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        stage.until_revision(AccessToken, CI, 2).await;
        with_the_right(&stage).await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "look again"}})).await;
        until_restarted(&stage, AccessToken, CI, 2).await;
        assert_eq!(template(&stage, WEB).await.1, 2);
    });
}

#[test]
fn an_operator_that_starts_again_restarts_nothing_and_makes_up_for_what_it_owes() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let stage = Stage::on(&control_plane).await;
        for file in ["role.yaml", "binding.yaml"] {
            component(&stage, file).await;
        }
        workload(&stage, WEB, &[CI, "owed"]).await;
        let start = || Operator::start(&control_plane, BINARY, &[]);
        let operator = start().await.expect("it starts");
        stage.ready(AccessToken, CI, wants(&[WEB])).await;
        stage.ready(AccessToken, "owed", wants(&[WEB])).await;
        until_restarted(&stage, AccessToken, "owed", 1).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        until_restarted(&stage, AccessToken, CI, 2).await;
        operator.kill();

        // Not its resourceVersion: the server's own controllers write the workload's status when they get to it.
        let before = template(&stage, WEB).await;
        let operator = start().await.expect("it starts");
        tokio::time::sleep(LONGER_THAN_THE_WINDOW).await;
        assert_eq!(template(&stage, WEB).await, before, "a start is no reason");

        // It dies between the rotation and the restart.
        stage.annotate(AccessToken, "owed", ROTATE, "now").await;
        stage.until_revision(AccessToken, "owed", 2).await;
        operator.kill();
        assert_eq!(template(&stage, WEB).await.1, 2, "the restart is still to come");
        let _operator = start().await.expect("it starts");
        until_restarted(&stage, AccessToken, "owed", 2).await;
        let both =
            json!({"team": "blue", "restart.chatelaine.dev/ci": "2", "restart.chatelaine.dev/owed": "2"});
        assert_eq!(template(&stage, WEB).await, (both, 3));
    });
}
