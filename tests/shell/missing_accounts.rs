//! An Account that is not there: looked for on the server, waited for a minute, and welcomed back.

use std::time::Duration;

use chatelaine::{
    api::{AccessToken, ROTATE},
    core::reason::Reason,
};
use serde_json::{Value, json};

use crate::stage::Stage;

async fn issued() -> Stage<AccessToken> {
    let mut stage = Stage::<AccessToken>::new(json!({}));
    stage.rest().await;
    stage.told();
    stage
}

fn words(stage: &Stage<AccessToken>, kind: &str) -> (Value, Value) {
    let told = stage.condition(kind);
    (told["status"].clone(), told["reason"].clone())
}

#[tokio::test(start_paused = true)]
async fn an_account_that_only_the_cache_does_not_show_counts_as_it_stands() {
    let mut stage = issued().await;
    let alice = stage.keeper.house.caches.accounts.get("ns", "alice").expect("it is there");
    stage.keeper.house.caches.accounts.remove(&alice.meta);
    for revision in 2..4 {
        stage.annotate(ROTATE, &revision.to_string());
        for _ in 0..3 {
            stage.see();
            stage.look().await.expect("a pass");
        }
        let asked = stage.server.asked();
        assert!(asked.contains(&"GET accounts/alice".to_owned()), "{asked:?}");
        assert_eq!(stage.ledger()["revision"], revision, "nothing is waited for");
        tokio::time::advance(Duration::from_secs(120)).await;
    }
    assert_eq!(words(&stage, "Ready"), (json!("True"), json!("Rotated")));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_account_withholds_after_a_minute_deletes_nothing_and_gives_back_when_one_returns() {
    let mut stage = issued().await;
    let (object, secret) = (stage.object("ci"), stage.secret("ci"));
    stage.remove_account();
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        stage.rest().await;
        assert_eq!(stage.secret("ci"), secret, "after {:?}: a restore must not flap", began.elapsed());
        assert_eq!(words(&stage, "Ready"), (json!("True"), json!("Issued")));
        tokio::time::advance(Duration::from_secs(6)).await;
    }
    stage.rest().await;
    assert_eq!(
        (&stage.ledger()["state"], &stage.secret("ci")["data"]["token"]),
        (&json!("Withheld"), &Value::Null)
    );
    for (kind, status) in [("Ready", "False"), ("Active", "False"), ("Reconciling", "True")] {
        assert_eq!(words(&stage, kind), (json!(status), json!("AccountNotFound")), "{kind}");
    }
    assert_eq!(stage.object("ci")["spec"], object["spec"], "the credential stays");
    assert_eq!(stage.secret("ci")["metadata"]["uid"], secret["metadata"]["uid"]);
    assert_eq!(stage.told(), [Reason::AccountNotFound]);

    // Another one of that name, with another uid.
    stage.account(json!({"email": "alice@example.org", "permissions": ["*:*"]}));
    let mut alice = stage.server.get("accounts", "alice").expect("it is there");
    alice["metadata"]["uid"] = json!("uid-alice-again");
    stage.server.put("accounts", alice);
    stage.see_account();
    stage.rest().await;
    assert_eq!((&stage.secret("ci")["data"], &stage.ledger()["revision"]), (&secret["data"], &json!(1)));
    assert_eq!(words(&stage, "Ready"), (json!("True"), json!("Issued")));
    assert_eq!(stage.told(), [Reason::Reactivated]);
}

/// One that comes back within its minute was never missed, and the next absence has a minute of its own.
#[tokio::test(start_paused = true)]
async fn an_account_that_comes_and_goes_is_missed_from_its_last_going_on() {
    let mut stage = issued().await;
    for _ in 0..4 {
        stage.remove_account();
        stage.rest().await;
        tokio::time::advance(Duration::from_secs(45)).await;
        stage.rest().await;
        assert_eq!(stage.ledger()["state"], "Live");
        stage.account(json!({"email": "alice@example.com", "permissions": ["*:*"]}));
        stage.rest().await;
    }
    assert_eq!(stage.told(), []);
}
