//! Requests that fail, are outrun, or of which nobody knows whether they happened.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, ApiKeyPair, ROTATE, SshKey},
    controller::{
        error::Failure,
        queue::{Again, Lane},
    },
};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

const SILENCES: [Answer; 6] = [
    Answer::Silence,
    Answer::Garbled,
    Answer::Status(504),
    Answer::Status(500),
    Answer::Status(503),
    Answer::Status(429),
];

fn fault(method: Method, path: &'static str, phase: Phase, answer: Answer) -> Fault {
    Fault { method, path, phase, answer }
}

fn strangers_secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "ci", "namespace": "ns", "uid": "uid-stranger"},
        "data": {"token": "bWluZQ=="},
    })
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_looked_at_and_reported_and_never_created_again() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.server.put("secrets", strangers_secret());
    let again = stage.look().await.expect("told");
    let status = stage.status_path();
    assert_eq!(stage.server.asked(), ["POST secrets", "GET secrets/ci", &status]);
    assert_eq!(stage.condition("Ready")["reason"], "SecretConflict");
    assert!(matches!(again, Again::In(rest) if rest > Duration::from_secs(50)), "{again:?}");
    stage.see_object("ci");
    stage.look().await.expect("still so");
    assert!(!stage.server.asked().iter().any(|asked| asked.starts_with("PUT secrets")));
    assert_eq!(stage.secret("ci")["data"], strangers_secret()["data"]);
    assert!(stage.keeper.house.waiters.take("ns", "ci").len() == 1, "it is woken when the stranger goes");
}

#[tokio::test(start_paused = true)]
async fn an_issue_without_a_clear_answer_never_publishes_a_second_value() {
    for phase in [Phase::Before, Phase::Committed] {
        for answer in SILENCES {
            let mut stage = Stage::<AccessToken>::new(json!({}));
            stage.server.spoil(fault(Method::POST, "secrets", phase, answer));
            let outcome = stage.look().await;
            assert!(matches!(outcome, Err(Failure::Unclear(_))), "{phase:?} {answer:?}: {outcome:?}");
            let created = stage.server.asked().iter().filter(|asked| asked.starts_with("POST")).count();
            assert_eq!(created, 1, "{phase:?} {answer:?}: a create is not repeated blindly");
            stage.rest().await;
            assert_eq!(stage.server.published("ci").len(), 1, "{phase:?} {answer:?}");
            assert_eq!(
                (&stage.ledger()["revision"], &stage.condition("Ready")["status"]),
                (&json!(1), &json!("True"))
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_without_a_clear_answer_is_looked_at_live_and_acts_once() {
    for phase in [Phase::Before, Phase::Committed] {
        for answer in SILENCES {
            let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}}));
            stage.rest().await;
            stage.annotate(ROTATE, "once");
            stage.server.spoil(fault(Method::PUT, "secrets", phase, answer));
            assert!(stage.look().await.is_err(), "{phase:?} {answer:?}");
            stage.server.asked();
            stage.see_object("ci");
            stage.look().await.expect("looked at again");
            let next = stage.server.asked();
            assert_eq!(
                next.first().map(String::as_str),
                Some("GET secrets/ci"),
                "{phase:?} {answer:?}: {next:?}"
            );
            stage.rest().await;
            assert_eq!(stage.ledger()["revision"], 2, "{phase:?} {answer:?}");
            stage.was_consistent();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_write_without_a_clear_answer_changes_nothing_about_the_secret() {
    for phase in [Phase::Before, Phase::Committed] {
        for answer in SILENCES {
            let mut stage = Stage::<AccessToken>::new(json!({}));
            stage.server.spoil(fault(Method::PUT, "accesstokens", phase, answer));
            let outcome = stage.look().await;
            assert!(outcome.is_err(), "{phase:?} {answer:?}: {outcome:?}");
            stage.rest().await;
            assert_eq!(stage.server.published("ci").len(), 1, "{phase:?} {answer:?}");
            assert_eq!(stage.condition("Ready")["status"], "True");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_writes_between_read_and_write_is_not_overwritten() {
    let mut stage = Stage::<AccessToken>::new(json!({"rotation": {"overlap": "1h"}}));
    stage.rest().await;
    stage.annotate(ROTATE, "once");
    stage.server.spoil(fault(Method::PUT, "secrets", Phase::Before, Answer::Status(409)));
    stage.look().await.expect("looked at again in the same pass");
    let status = stage.status_path();
    let asked = stage.server.asked();
    assert_eq!(asked, ["GET secrets/ci", "PUT secrets/ci", "GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!(stage.ledger()["revision"], 2);
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn an_outrun_status_write_is_left_to_the_next_pass() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.server.spoil(fault(Method::PUT, "accesstokens", Phase::Before, Answer::Status(409)));
    assert!(matches!(stage.look().await, Ok(Again::In(..))));
    assert_eq!(stage.server.asked(), ["POST secrets".to_owned(), stage.status_path()], "no blind repetition");
    assert_eq!(stage.rest().await, ["GET secrets/ci".to_owned(), stage.status_path()]);
    assert_eq!(stage.server.published("ci").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_a_condition_and_leaves_the_others_alone() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.add("other", json!({}));
    stage.server.spoil(fault(Method::POST, "secrets", Phase::Before, Answer::Status(403)));
    assert_eq!(stage.look().await, Err(Failure::Forbidden));
    assert_eq!(stage.condition("Ready")["reason"], "Forbidden");
    stage.look_at("other").await.expect("issued");
    assert_eq!(stage.server.published("other").len(), 1);
    stage.rest().await;
    assert_eq!(stage.condition("Ready")["reason"], "Issued", "the right was granted");
}

#[tokio::test(start_paused = true)]
async fn what_a_server_says_never_reaches_a_condition_or_an_event() {
    for code in [400, 403, 422, 500] {
        let stage = Stage::<AccessToken>::new(json!({}));
        stage.server.spoil(fault(Method::POST, "secrets", Phase::Before, Answer::Status(code)));
        let failure = stage.look().await.expect_err("it failed");
        let told = format!("{} {failure} {failure:?}", stage.object("ci")["status"]);
        let mut events = stage.end();
        let event = events.try_recv().ok().and_then(|one| one.told()).expect("it is told");
        assert!(!format!("{told} {event:?}").contains("the server says so"), "{code}: {told} {event:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_read_changes_nothing() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.edit(|object| object["spec"]["accountRef"]["name"] = json!("bob"));
    stage.server.spoil(fault(Method::GET, "accounts", Phase::Before, Answer::Status(500)));
    stage.look().await.expect("told");
    assert_eq!(stage.condition("Ready")["reason"], "ApiUnavailable");
    assert!(stage.server.published("ci").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_fit_the_schema_changes_nothing() {
    let mut stage = Stage::<AccessToken>::new(json!({"permissions": ["servers:read"]}));
    stage.rest().await;
    let (secret, effective) = (stage.secret("ci"), stage.object("ci")["status"]["effective"].clone());
    let sound = stage.server.get("accounts", "alice").expect("it is there");
    let mut odd = sound.clone();
    odd["spec"]["active"] = json!("yes");
    stage.server.put("accounts", odd);
    stage.see_account();
    stage.annotate(ROTATE, "again");
    for _ in 0..2 {
        let asked = stage.rest().await;
        assert!(
            !asked.iter().any(|asked| asked.contains("secrets") && !asked.starts_with("GET ")),
            "{asked:?}"
        );
        assert_eq!(stage.secret("ci"), secret);
        assert_eq!(stage.object("ci")["status"]["effective"], effective);
        tokio::time::advance(Duration::from_secs(120)).await;
    }
    assert_eq!(stage.condition("Ready")["status"], "True", "what is served is still good");
    stage.server.put("accounts", sound);
    stage.see_account();
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 2, "what was asked for meanwhile is done");
}

/// The pass comes to rest, and says when the next is wanted; that time passes.
async fn until_the_next_look(stage: &Stage<AccessToken>) -> Duration {
    let Ok(Again::In(pause)) = stage.look().await else { panic!("nobody looks again") };
    tokio::time::advance(pause).await;
    pause
}

#[tokio::test(start_paused = true)]
async fn an_account_whose_read_failed_once_is_looked_for_again_and_counts_as_gone_a_minute_later() {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    stage.remove_account();
    stage.server.spoil(fault(Method::GET, "accounts", Phase::Before, Answer::Status(500)));
    assert!(until_the_next_look(&stage).await <= Duration::from_secs(60));
    assert_eq!(stage.ledger()["state"], "Live", "what could not be read changes nothing");
    stage.see();
    assert!(until_the_next_look(&stage).await <= Duration::from_secs(62));
    assert_eq!(stage.ledger()["state"], "Live", "a restore must not flap");
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Withheld");
    assert_eq!(stage.condition("Ready")["reason"], "AccountNotFound");
}

/// The objects are older than the rules of admission, which ask for nothing that cannot be made.
#[tokio::test(start_paused = true)]
async fn a_generation_that_fails_is_told_and_tried_again_and_the_live_one_stays() {
    let unmakable = json!("A".repeat(20));
    let mut stage =
        Stage::<ApiKeyPair>::new(json!({"accessKeyPrefix": unmakable, "rotation": {"mode": "KeyPair"}}));
    for _ in 0..3 {
        stage.see_object("ci");
        let outcome = stage.look().await;
        assert!(matches!(outcome, Err(Failure::Mint(_))), "{outcome:?}");
        let (ready, waits) = (stage.condition("Ready"), stage.condition("Reconciling"));
        assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("MintingFailed")));
        assert_eq!((&waits["status"], &waits["reason"]), (&json!("True"), &json!("MintingFailed")));
        assert!(
            ready["message"].as_str().unwrap().contains("leaves too few characters to chance"),
            "{ready}"
        );
        assert!(stage.server.get("secrets", "ci").is_none());
    }
    let set = |stage: &mut Stage<ApiKeyPair>, prefix: &Value| {
        stage.edit(|object| object["spec"]["accessKeyPrefix"] = prefix.clone());
    };
    set(&mut stage, &json!("A"));
    stage.rest().await;
    let live = stage.secret("ci")["data"].clone();
    assert_eq!(stage.ledger()["revision"], 1);

    set(&mut stage, &unmakable);
    stage.annotate(ROTATE, "1");
    let outcome = stage.look().await;
    assert!(matches!(outcome, Err(Failure::Mint(_))), "{outcome:?}");
    assert_eq!(stage.condition("Ready")["status"], "True", "what is valid is served");
    assert_eq!(stage.condition("Reconciling")["reason"], "MintingFailed");
    assert_eq!(stage.secret("ci")["data"], live);
    set(&mut stage, &json!("A"));
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 2, "the rotation was still wanted");
    assert_eq!(stage.condition("Reconciling"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_slow_generation_that_fails_is_told_and_tried_again_too() {
    let mut stage = Stage::<SshKey>::new(json!({"algorithm": "Rsa", "bits": 1024}));
    for _ in 0..2 {
        stage.see_object("ci");
        stage.look().await.expect("begun");
        stage.next().await;
        stage.see_object("ci");
        let outcome = stage.look().await;
        assert!(matches!(outcome, Err(Failure::Mint(_))), "{outcome:?}");
        assert_eq!(stage.condition("Reconciling")["reason"], "MintingFailed");
        assert_eq!(stage.condition("Ready")["status"], "Unknown", "as it was while the key was made");
        assert!(stage.server.get("secrets", "ci").is_none());
    }
    stage.edit(|object| object["spec"]["bits"] = json!(2048));
    stage.look().await.expect("begun");
    stage.next().await;
    stage.rest().await;
    assert_eq!(stage.ledger()["revision"], 1);
}

/// Each write comes back as an event, which asks for a look at once.
#[tokio::test(start_paused = true)]
async fn a_slow_key_that_is_refused_is_made_again_more_and_more_slowly_and_that_is_told_once() {
    let mut stage = Stage::<SshKey>::new(json!({"algorithm": "Rsa", "bits": 2048}));
    for _ in 0..100 {
        stage.server.spoil(fault(Method::POST, "secrets", Phase::Before, Answer::Status(403)));
    }
    let house = stage.keeper.house.clone();
    let (until, mut asked) = (Instant::now() + Duration::from_secs(60), Vec::new());
    house.queue.push(stage.key(), Lane::Ordinary);
    while let Ok(key) = timeout_at(until, house.queue.next()).await {
        match stage.look().await {
            Ok(again) => house.queue.done(&key, again),
            Err(_) => drop(house.queue.failed(&key, 0.0)),
        }
        let now = stage.server.asked();
        if now.contains(&stage.status_path()) {
            stage.see();
            house.queue.push(key, Lane::Ordinary);
        }
        asked.extend(now);
        assert!(asked.len() < 30, "it never comes to rest: {asked:#?}");
    }
    let tries = asked.iter().filter(|one| *one == "POST secrets").count();
    assert!((4..10).contains(&tries), "{asked:#?}");
    let told = asked.iter().filter(|one| **one == stage.status_path()).count();
    assert_eq!(told, 2, "that it is made, and that it is refused: {asked:#?}");
    assert_eq!(stage.condition("Reconciling")["reason"], "Forbidden");
}
