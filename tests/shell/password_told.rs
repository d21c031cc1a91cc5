//! What the conditions of an Account say of its password: as those of a credential would, of what it waits for too.

use std::time::Duration;

use chatelaine::{
    api::AccessToken,
    controller::{
        account,
        queue::{Key, Lane},
    },
};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    brought_passwords::{
        SECRET, a_minute_later, account as stored, brought, edit, login, pass, rest, stage_with,
    },
    server::{Answer, Fault, Phase},
    stage::Stage,
};

/// Type, status and reason of each condition of the Account, but for Active.
fn told(stage: &Stage<AccessToken>) -> Vec<String> {
    let word = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let all = stored(stage)["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.iter()
        .filter(|one| one["type"] != "Active")
        .map(|one| format!("{}={} {}", word(one, "type"), word(one, "status"), word(one, "reason")))
        .collect()
}

fn message(stage: &Stage<AccessToken>, kind: &str) -> String {
    let all = stored(stage)["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["type"] == kind).expect("it is told");
    found["message"].as_str().expect("text").to_owned()
}

async fn passes(stage: &mut Stage<AccessToken>, many: usize) {
    for _ in 0..many {
        pass(stage).await;
    }
    stage.server.asked();
}

const FINE: [&str; 1] = ["Ready=True Accepted"];

#[tokio::test(start_paused = true)]
async fn while_the_first_password_is_hashed_the_account_is_neither_ready_nor_not() {
    let mut stage = stage_with(json!({}));
    passes(&mut stage, 2).await;
    assert_eq!(told(&stage), ["Ready=Unknown Minting", "Reconciling=True Minting"]);
    rest(&mut stage).await;
    assert_eq!(told(&stage), FINE);
}

#[tokio::test(start_paused = true)]
async fn a_strangers_secret_on_its_name_is_waited_for() {
    let mut stage = stage_with(json!({}));
    stage.server.put("secrets", json!({"metadata": {"name": SECRET, "namespace": "ns", "uid": "s"}}));
    for _ in 0..20 {
        rest(&mut stage).await;
        if told(&stage)[0] != "Ready=Unknown Minting" {
            break;
        }
    }
    assert_eq!(told(&stage), ["Ready=False SecretConflict", "Reconciling=True SecretConflict"]);
    assert!(
        message(&stage, "Ready")
            .starts_with("The password: The Secret exists and belongs to somebody else: ")
    );
    assert_eq!(message(&stage, "Reconciling"), "The Secret exists and belongs to somebody else");
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_not_there_is_waited_for_and_one_that_cannot_be_used_is_for_a_person_to_mend() {
    let mut stage = stage_with(brought());
    passes(&mut stage, 3).await;
    assert_eq!(told(&stage), ["Ready=False PasswordNotFound", "Reconciling=True PasswordNotFound"]);
    login(&stage, b"short");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!(told(&stage), ["Ready=False InvalidPassword", "Stalled=True InvalidPassword"]);
    login(&stage, b"long enough by now");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!(told(&stage), FINE);
}

#[tokio::test(start_paused = true)]
async fn a_live_password_that_waits_for_another_leaves_the_account_ready_and_says_for_what() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    edit(&mut stage, |account| account["spec"]["password"] = brought());
    rest(&mut stage).await;
    assert_eq!(told(&stage), ["Ready=True Accepted", "Reconciling=True PasswordNotFound"]);
    assert!(message(&stage, "Reconciling").starts_with("The password: There is no Secret login"));
    login(&stage, b"here it comes at last");
    a_minute_later().await;
    rest(&mut stage).await;
    assert_eq!(told(&stage), FINE);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_a_full_quota_refuses_is_waited_for() {
    let mut stage = stage_with(json!({}));
    rest(&mut stage).await;
    edit(&mut stage, |account| account["spec"]["active"] = json!(false));
    for _ in 0..3 {
        // The copy cannot be made.
        let (method, path) = (Method::POST, "secrets");
        stage.server.spoil(Fault { method, path, phase: Phase::Before, answer: Answer::Status(403) });
        stage.see_account();
        stage.see_secret(SECRET);
        stage.look_at_account().await.expect_err("it is refused");
    }
    assert_eq!(told(&stage), ["Ready=True Accepted", "Reconciling=True Forbidden"]);
}

/// As with a slow key: each write comes back as an event, which asks for a look at once.
#[tokio::test(start_paused = true)]
async fn a_first_password_that_is_refused_is_hashed_again_more_and_more_slowly_and_that_is_told_once() {
    for password in [json!({}), brought()] {
        let mut stage = stage_with(password);
        login(&stage, b"correct horse");
        for _ in 0..100 {
            let (method, path) = (Method::POST, "secrets");
            stage.server.spoil(Fault { method, path, phase: Phase::Before, answer: Answer::Status(403) });
        }
        let house = stage.keeper.house.clone();
        let alice = Key { kind: account::KIND, namespace: "ns".into(), name: "alice".into() };
        let (until, mut tries, mut told_times) = (Instant::now() + Duration::from_secs(60), 0, 0);
        house.queue.push(alice, Lane::Ordinary);
        while let Ok(key) = timeout_at(until, house.queue.next()).await {
            match stage.look_at_account().await {
                Ok(again) => house.queue.done(&key, again),
                Err(_) => drop(house.queue.failed(&key, 0.0)),
            }
            let now = stage.server.asked();
            tries += now.iter().filter(|one| *one == "POST secrets").count();
            if now.iter().any(|one| one.ends_with("/status")) {
                told_times += 1;
                assert!(told_times < 10, "it never comes to rest");
                stage.see_account();
                house.queue.push(key, Lane::Ordinary);
            }
        }
        assert!((4..10).contains(&tries), "{tries}");
        assert_eq!(told(&stage), ["Ready=False Forbidden", "Reconciling=True Forbidden"]);
    }
}

#[tokio::test(start_paused = true)]
async fn before_anything_was_learnt_of_the_password_the_account_does_not_say_that_all_is_well() {
    let mut stage = stage_with(json!({}));
    stage.server.put("secrets", json!({"metadata": {"name": SECRET, "namespace": "ns", "uid": "s"}}));
    stage.see_account();
    stage.see_secret(SECRET);
    let (method, path) = (Method::GET, "secrets");
    stage.server.spoil(Fault { method, path, phase: Phase::Before, answer: Answer::Status(500) });
    let _ = stage.look_at_account().await;
    assert_eq!(told(&stage), ["Ready=Unknown Minting", "Reconciling=True Minting"]);
}

#[tokio::test(start_paused = true)]
async fn roles_that_are_wrong_are_said_before_a_password_that_waits() {
    let mut stage = stage_with(brought());
    edit(&mut stage, |account| {
        account["spec"]["roles"] = json!([
            {"name": "a", "include": ["b"]}, {"name": "b", "include": ["c"]}, {"name": "c", "include": ["a"]},
        ]);
    });
    passes(&mut stage, 3).await;
    assert_eq!(told(&stage), ["Ready=False InvalidSpec", "Stalled=True InvalidSpec"]);
}
