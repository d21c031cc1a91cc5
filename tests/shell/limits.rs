//! Limits: who is looked at, who gets a place, and that nobody slips in.

use std::time::Duration;

use chatelaine::api::AccessToken;
use serde_json::json;

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

fn stage(limits: serde_json::Value) -> Stage<AccessToken> {
    let mut stage = Stage::new(json!({}));
    stage.account(json!({"email": "alice@example.com", "limits": limits}));
    stage
}

/// Who is looked at next.
async fn next(stage: &Stage<AccessToken>) -> Option<String> {
    let key = tokio::time::timeout(Duration::from_secs(3_600), stage.next()).await.ok()?;
    Some(key.name.to_string())
}

fn reason(stage: &Stage<AccessToken>, name: &str) -> serde_json::Value {
    stage.condition_of(name, "Ready")["reason"].clone()
}

#[tokio::test(start_paused = true)]
async fn of_two_of_one_second_the_one_that_was_seen_first_has_the_place_whatever_the_caches_lag() {
    let mut stage = stage(json!({"accessTokens": 1}));
    stage.look().await.expect("issued");
    // By its uid it comes first, and nothing that was written for the other is seen yet.
    stage.add("aa", json!({}));
    stage.look_at("aa").await.expect("told");
    assert_eq!((reason(&stage, "ci"), reason(&stage, "aa")), (json!("Issued"), json!("QuotaExceeded")));
    assert!(stage.server.get("secrets", "aa").is_none());
}

fn failing(phase: Phase) -> Fault {
    Fault { method: http::Method::POST, path: "secrets", phase, answer: Answer::Status(500) }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_not_given_away_while_nobody_knows_whether_it_was_used() {
    let mut stage = stage(json!({"accessTokens": 1}));
    stage.server.spoil(failing(Phase::Committed));
    stage.look().await.expect_err("no clear answer");
    stage.add("aa", json!({}));
    stage.look_at("aa").await.expect("told");
    assert_eq!(reason(&stage, "aa"), "QuotaExceeded");
    assert!(stage.server.get("secrets", "aa").is_none());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_secret_holds_a_place_though_no_status_says_so() {
    let before = stage(json!({"accessTokens": 1}));
    before.server.spoil(Fault {
        method: http::Method::PUT,
        path: "accesstokens/ci/status",
        phase: Phase::Before,
        answer: Answer::Status(500),
    });
    before.look().await.expect_err("the status is not written");
    let mut after = stage(json!({"accessTokens": 1}));
    after.server.put("secrets", before.secret("ci"));
    after.see();
    after.add("aa", json!({}));
    after.look_at("aa").await.expect("told");
    assert_eq!(reason(&after, "aa"), "QuotaExceeded");
    after.look().await.expect("told");
    assert_eq!(reason(&after, "ci"), "Issued");
}

#[tokio::test(start_paused = true)]
async fn the_next_in_line_and_nobody_else_is_looked_at_when_a_place_becomes_free() {
    let mut stage = stage(json!({"accessTokens": 1}));
    stage.look().await.expect("issued");
    stage.see();
    for name in ["x", "y", "z"] {
        stage.add(name, json!({}));
        stage.look_at(name).await.expect("refused");
    }
    stage.server.asked();
    stage.delete_object("ci");
    assert_eq!(next(&stage).await.as_deref(), Some("x"));
    assert_eq!(next(&stage).await, None, "nobody else is called");
    stage.see_object("x");
    stage.look_at("x").await.expect("issued");
    assert_eq!(stage.server.asked(), ["POST secrets", "PUT accesstokens/x/status"]);
}

#[tokio::test(start_paused = true)]
async fn a_lowered_limit_leaves_the_places_that_were_promised_and_not_used_to_the_oldest() {
    let mut stage = stage(json!({"accessTokens": 2}));
    stage.add("zz", json!({}));
    for name in ["ci", "zz"] {
        stage.server.spoil(failing(Phase::Before));
        stage.look_at(name).await.expect_err("no clear answer");
        stage.see_object(name);
    }
    stage.account(json!({"email": "alice@example.com", "limits": {"accessTokens": 1}}));
    for name in ["ci", "zz"] {
        stage.look_at(name).await.expect("told");
        assert_eq!(reason(&stage, name), "QuotaExceeded", "as long as the other one has a place");
        stage.see_object(name);
    }
    assert_eq!(next(&stage).await.as_deref(), Some("ci"));
    stage.look().await.expect("issued");
    assert_eq!(reason(&stage, "ci"), "Issued");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_costs_one_status_write_and_then_nothing() {
    let mut stage = stage(json!({"accessTokens": 0}));
    assert_eq!(stage.rest().await, [stage.status_path()]);
    let message = stage.condition("Stalled")["message"].clone();
    assert!(
        message
            .as_str()
            .expect("a message")
            .contains("may have 0 (spec.limits.accessTokens), and there are 1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_lifetime_is_not_lifted_by_an_account_that_is_away_for_a_moment() {
    let limited =
        json!({"email": "alice@example.com", "permissions": ["*:*"], "limits": {"maxLifetime": "30d"}});
    let mut stage = Stage::<AccessToken>::new(json!({"lifetime": "20d"}));
    stage.account(limited.clone());
    stage.rest().await;
    let end = stage.ledger()["notAfter"].clone();
    stage.edit(|object| object["spec"]["lifetime"] = json!("never"));
    stage.rest().await;
    assert_eq!(stage.ledger()["notAfter"], end, "the Account allows no more");
    stage.remove_account();
    stage.server.spoil(Fault {
        method: http::Method::GET,
        path: "accounts",
        phase: Phase::Before,
        answer: Answer::Status(500),
    });
    stage.look().await.expect("told");
    stage.see();
    assert_eq!(stage.ledger()["notAfter"], end, "it could not be read");
    stage.look().await.expect("told");
    assert_eq!(stage.ledger()["notAfter"], end, "it is missing, but not for long");
    stage.account(limited);
    stage.rest().await;
    assert_eq!(stage.ledger()["notAfter"], end, "it is back");
}
