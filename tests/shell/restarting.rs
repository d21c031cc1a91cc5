//! Restarts: one read and one patch for each revision, for all who want something of the workload, and nothing else.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, REVOKE, ROTATE},
    controller::{
        restart::restart_next,
        rollouts::{Place, WINDOW, Wish},
    },
    core::reason::Reason,
};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

const GET: &str = "GET deployments/web";
const PATCH: &str = "PATCH deployments/web";
/// Longer than anything waits.
const LONG: Duration = Duration::from_secs(100_000);

fn wants_web() -> Value {
    json!({"restart": [{"kind": "Deployment", "name": "web"}]})
}

/// A Deployment that was there before, and uses these Secrets.
fn web(secrets: &[&str]) -> Value {
    let env: Vec<_> = secrets.iter().map(|name| json!({"secretRef": {"name": name}})).collect();
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ns", "uid": "uid-web", "generation": 1,
            "creationTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {"template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web", "envFrom": env}]},
        }},
    })
}

/// Issued, and nothing more wanted of the Deployment.
async fn settled() -> Stage<AccessToken> {
    let mut stage = Stage::<AccessToken>::new(wants_web());
    stage.server.put("deployments", web(&["ci"]));
    stage.rest().await;
    restart_next(&stage.keeper.house).await;
    assert_eq!(stage.server.asked(), [GET], "the first revision restarts nothing");
    assert_eq!(stage.rest().await, [stage.status_path()]);
    assert_eq!(restarts(&stage), json!([{"kind": "Deployment", "name": "web", "revision": 1}]));
    stage.told();
    stage
}

fn restarts(stage: &Stage<AccessToken>) -> Value {
    stage.object("ci")["status"]["restarts"].clone()
}

fn message(stage: &Stage<AccessToken>) -> String {
    restarts(stage)[0]["message"].as_str().unwrap_or_default().to_owned()
}

fn annotations(stage: &Stage<AccessToken>) -> Value {
    let web = stage.server.get("deployments", "web").expect("it is there");
    web["spec"]["template"]["metadata"]["annotations"].clone()
}

fn rollouts(stage: &Stage<AccessToken>) -> Value {
    stage.server.get("deployments", "web").expect("it is there")["metadata"]["generation"].clone()
}

async fn rotate(stage: &mut Stage<AccessToken>, value: &str) {
    stage.annotate(ROTATE, value);
    stage.rest().await;
}

/// The next workload to look at, without looking; None if there is none.
async fn due(stage: &Stage<AccessToken>) -> Option<(Place, Vec<Wish>)> {
    let next = timeout(LONG, stage.keeper.house.rollouts.next()).await.ok()?;
    Some((next.0, next.1.into_values().collect()))
}

/// The same objects under a process that has just started.
fn fresh(before: &Stage<AccessToken>) -> Stage<AccessToken> {
    let mut after = Stage::<AccessToken>::new(wants_web());
    after.server.put("secrets", before.secret("ci"));
    after.server.put("deployments", before.server.get("deployments", "web").expect("it is there"));
    let mut object = before.object("ci");
    object["status"]["secretRef"]["resourceVersion"] =
        after.secret("ci")["metadata"]["resourceVersion"].clone();
    after.server.put("accesstokens", object);
    after.see();
    after
}

#[tokio::test(start_paused = true)]
async fn a_rotation_restarts_a_workload_once_with_one_read_and_one_patch() {
    let mut stage = settled().await;
    for revision in 2..4 {
        rotate(&mut stage, &format!("value-{revision}")).await;
        stage.told();
        let began = Instant::now();
        restart_next(&stage.keeper.house).await;
        assert!(began.elapsed() >= WINDOW && began.elapsed() < WINDOW + Duration::from_millis(50));
        assert_eq!(stage.server.asked(), [GET, PATCH]);
        assert_eq!(annotations(&stage), json!({"restart.chatelaine.dev/ci": revision.to_string()}));
        assert_eq!(rollouts(&stage), json!(revision));
        assert_eq!(stage.told(), [Reason::Restarted]);
        assert_eq!(stage.rest().await, [stage.status_path()]);
        assert_eq!(restarts(&stage)[0]["revision"], json!(revision));
        assert_eq!(due(&stage).await, None, "nothing more is wanted");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_starts_anew_restarts_nothing_and_asks_nothing() {
    let mut before = settled().await;
    rotate(&mut before, "value").await;
    restart_next(&before.keeper.house).await;
    before.rest().await;
    let mut after = fresh(&before);
    assert_eq!(after.rest().await, [""; 0]);
    assert_eq!(due(&after).await, None);

    // Without its memory in status it looks once, and the annotation tells it.
    after.edit(|object| object["status"]["restarts"] = json!([]));
    after.rest().await;
    restart_next(&after.keeper.house).await;
    assert_eq!(after.server.asked(), [GET]);
    assert_eq!(rollouts(&after), json!(2));
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_died_between_rotation_and_restart_makes_up_for_it() {
    let mut before = settled().await;
    rotate(&mut before, "value").await;
    assert_eq!(rollouts(&before), json!(1));
    let mut after = fresh(&before);
    assert_eq!(after.rest().await, [""; 0]);
    restart_next(&after.keeper.house).await;
    assert_eq!(after.server.asked(), [GET, PATCH]);
    assert_eq!(annotations(&after), json!({"restart.chatelaine.dev/ci": "2"}));
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_begins_anew_restarts_what_was_restarted_for_a_later_revision() {
    let mut stage = settled().await;
    for value in ["one", "two"] {
        rotate(&mut stage, value).await;
        restart_next(&stage.keeper.house).await;
        stage.rest().await;
    }
    assert_eq!(annotations(&stage), json!({"restart.chatelaine.dev/ci": "3"}));
    stage.delete_object("ci");
    stage.server.remove("secrets", "ci");
    stage.see_secret("ci");
    let mut second = Stage::<AccessToken>::new(wants_web());
    second.server.put("deployments", stage.server.get("deployments", "web").expect("it is there"));
    second.rest().await;
    restart_next(&second.keeper.house).await;
    assert_eq!(second.server.asked(), [GET, "GET secrets/ci", PATCH], "the pods hold what is dead");
    assert_eq!(annotations(&second), json!({"restart.chatelaine.dev/ci": "1"}));
    second.rest().await;
    rotate(&mut second, "value").await;
    restart_next(&second.keeper.house).await;
    assert_eq!(second.server.asked(), [GET, PATCH]);
}

#[tokio::test(start_paused = true)]
async fn a_wish_that_the_secret_has_outrun_restarts_nothing() {
    let mut stage = settled().await;
    rotate(&mut stage, "one").await;
    let (place, wishes) = timeout(LONG, stage.keeper.house.rollouts.next()).await.expect("it is wanted");
    rotate(&mut stage, "two").await;
    restart_next(&stage.keeper.house).await;
    assert_eq!(stage.server.asked(), [GET, PATCH]);
    for (key, wish) in wishes {
        stage.keeper.house.rollouts.again(&key, place.clone(), wish, Duration::from_secs(1));
    }
    restart_next(&stage.keeper.house).await;
    assert_eq!(stage.server.asked(), [GET, "GET secrets/ci"]);
    assert_eq!(annotations(&stage), json!({"restart.chatelaine.dev/ci": "3"}));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_rotate_within_the_window_share_one_rollout() {
    let mut stage = settled().await;
    stage.server.put("deployments", web(&["ci", "other"]));
    stage.add("other", wants_web());
    stage.look_at("other").await.expect("issued");
    stage.see_object("other");
    stage.see_secret("other");
    restart_next(&stage.keeper.house).await;
    rotate(&mut stage, "value").await;
    tokio::time::advance(WINDOW - Duration::from_secs(1)).await;
    let mut other = stage.object("other");
    other["metadata"]["annotations"][ROTATE] = json!("value");
    stage.server.put("accesstokens", other);
    stage.see_object("other");
    stage.look_at("other").await.expect("rotated");
    stage.server.asked();
    restart_next(&stage.keeper.house).await;
    assert_eq!(stage.server.asked(), [GET, PATCH]);
    let both = json!({"restart.chatelaine.dev/ci": "2", "restart.chatelaine.dev/other": "2"});
    assert_eq!((annotations(&stage), rollouts(&stage)), (both, json!(2)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_restarted_is_told_once_leaves_the_credential_ready_and_is_tried_every_five_minutes() {
    let mut wrong_name = web(&["other"]);
    wrong_name["spec"]["template"]["spec"]["serviceAccountName"] = json!("ci");
    for (there, forbidden, why) in [
        (None, false, "There is no Deployment web"),
        (Some(wrong_name), false, "does not use the Secret ci"),
        (Some(web(&["ci"])), true, "install deploy/components/restart"),
    ] {
        let mut stage = settled().await;
        stage.server.remove("deployments", "web");
        if let Some(there) = there {
            stage.server.put("deployments", there);
        }
        rotate(&mut stage, "value").await;
        stage.told();
        for look in 0..4 {
            if forbidden {
                let fault = Phase::Before;
                let answer = Answer::Status(403);
                stage.server.spoil(Fault { method: Method::GET, path: "deployments", phase: fault, answer });
            }
            let began = Instant::now();
            restart_next(&stage.keeper.house).await;
            let pause = if look == 0 { WINDOW } else { Duration::from_secs(300) };
            assert!(began.elapsed() >= pause && began.elapsed() < pause + Duration::from_secs(1), "{look}");
            assert_eq!(stage.server.asked(), [GET]);
            let told = if look == 0 { vec![stage.status_path()] } else { Vec::new() };
            assert_eq!(stage.rest().await, told, "{why}");
            assert_eq!(stage.told(), if look == 0 { vec![Reason::NotRestarted] } else { Vec::new() });
            assert!(message(&stage).contains(why), "{}", message(&stage));
            assert_eq!(restarts(&stage)[0]["revision"], json!(1), "the last one that it was restarted for");
            assert_eq!(stage.condition("Ready")["status"], "True");
            assert_eq!(
                (stage.condition("Stalled"), stage.condition("Reconciling")),
                (json!(null), json!(null))
            );
        }
        // A quiet pass, also of a new process, writes nothing about it.
        assert_eq!(stage.rest().await, [""; 0]);
        stage.server.put("deployments", web(&["ci"]));
        restart_next(&stage.keeper.house).await;
        assert_eq!(stage.server.asked(), [GET, PATCH]);
        stage.rest().await;
        assert_eq!(restarts(&stage), json!([{"kind": "Deployment", "name": "web", "revision": 2}]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_the_spec_is_a_reason_to_look_at_once() {
    let mut stage = settled().await;
    stage.server.remove("deployments", "web");
    rotate(&mut stage, "value").await;
    restart_next(&stage.keeper.house).await;
    stage.rest().await;
    stage.server.put("deployments", web(&["ci"]));
    stage.edit(|object| object["metadata"]["generation"] = json!(2));
    stage.rest().await;
    let began = Instant::now();
    restart_next(&stage.keeper.house).await;
    assert!(began.elapsed() < WINDOW + Duration::from_secs(1));
    assert_eq!(rollouts(&stage), json!(2));
}

#[tokio::test(start_paused = true)]
async fn without_live_material_nothing_is_restarted() {
    let mut stage = settled().await;
    rotate(&mut stage, "value").await;
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(due(&stage).await, None, "revoked before the window was over");

    let mut stage = settled().await;
    rotate(&mut stage, "value").await;
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    assert_eq!(due(&stage).await, None, "withheld before the window was over");
    stage.edit(|object| object["spec"]["active"] = json!(true));
    stage.rest().await;
    restart_next(&stage.keeper.house).await;
    assert_eq!(rollouts(&stage), json!(2), "given back: the revision was never used before");
    stage.rest().await;
    for active in [false, true] {
        stage.edit(|object| object["spec"]["active"] = json!(active));
        stage.rest().await;
    }
    assert_eq!(due(&stage).await, None, "the same bytes came back");
}

#[tokio::test(start_paused = true)]
async fn who_names_no_workload_any_more_restarts_none() {
    let mut stage = settled().await;
    rotate(&mut stage, "value").await;
    stage.edit(|object| object["spec"]["restart"] = json!([]));
    stage.rest().await;
    assert_eq!(due(&stage).await, None);
    assert_eq!(restarts(&stage), json!(null));
}

#[tokio::test(start_paused = true)]
async fn a_workload_that_moved_on_is_read_again_and_an_unclear_patch_is_not_made_twice() {
    let mut stage = settled().await;
    rotate(&mut stage, "value").await;
    let spoil = |stage: &Stage<AccessToken>, phase, answer| {
        stage.server.spoil(Fault { method: Method::PATCH, path: "deployments", phase, answer });
    };
    spoil(&stage, Phase::Before, Answer::Status(409));
    restart_next(&stage.keeper.house).await;
    assert_eq!(stage.server.asked(), [GET, PATCH, GET, PATCH]);
    stage.rest().await;
    for (answer, revision) in [(Answer::Status(504), 3), (Answer::Silence, 4), (Answer::Garbled, 5)] {
        rotate(&mut stage, &format!("value-{revision}")).await;
        spoil(&stage, Phase::Committed, answer);
        restart_next(&stage.keeper.house).await;
        assert_eq!(stage.server.asked(), [GET, PATCH]);
        restart_next(&stage.keeper.house).await;
        assert_eq!(stage.server.asked(), [GET], "{answer:?}: the annotation tells that it was made");
        assert_eq!(rollouts(&stage), json!(revision), "{answer:?}");
        stage.rest().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_the_patch_is_a_message_without_what_it_said() {
    let mut stage = settled().await;
    rotate(&mut stage, "value").await;
    let (phase, answer) = (Phase::Before, Answer::Status(422));
    stage.server.spoil(Fault { method: Method::PATCH, path: "deployments", phase, answer });
    restart_next(&stage.keeper.house).await;
    stage.rest().await;
    let message = message(&stage);
    assert!(message.contains("422") && !message.contains("the server says so"), "{message}");
}
