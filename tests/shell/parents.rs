//! A token of a pair: what is asked of the server for it, and what is seen of its pair.

use std::{sync::Arc, time::Duration};

use chatelaine::{
    api::{AccessToken, ApiKeyPair, REVOKE, ROTATE},
    controller::queue::Again,
    credentials::Credential,
};
use serde_json::{Value, json};

use crate::stage::Stage;

fn token() -> Stage<AccessToken> {
    Stage::new(json!({"apiKeyPairRef": {"name": "web"}, "permissions": ["objects:*"]}))
}

/// The token, and beside it in the same house the keeper of its pair.
async fn both() -> (Stage<AccessToken>, Stage<ApiKeyPair>) {
    let token = token();
    let mut pair = token.beside::<ApiKeyPair>();
    pair.add("web", json!({"permissions": ["objects:read", "buckets:*"]}));
    pair.rest_of("web").await;
    (token, pair)
}

async fn issued() -> (Stage<AccessToken>, Stage<ApiKeyPair>) {
    let (mut token, pair) = both().await;
    token.rest().await;
    (token, pair)
}

fn reason(stage: &Stage<AccessToken>) -> Value {
    stage.condition("Ready")["reason"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_pair_costs_one_create_and_one_status_write_like_any_other() {
    let (mut token, _pair) = both().await;
    assert_eq!(token.rest().await, ["POST secrets".to_owned(), token.status_path()]);
    let ledger = token.ledger();
    assert_eq!(ledger["parent"], json!({"uid": "uid-web", "revision": 1}));
    assert_eq!(ledger["defaultFrom"], "ApiKeyPair");
    let effective = &token.object("ci")["status"]["effective"];
    assert_eq!(effective["permissions"], json!(["objects:read"]), "at most what the pair has");
    assert_eq!((&effective["lifetime"], &effective["lifetimeFrom"]), (&json!("1d"), &json!("ApiKeyPair")));
    assert_eq!(token.object("ci")["status"]["next"]["action"], "Renew");
}

#[tokio::test(start_paused = true)]
async fn the_pairs_status_is_not_asked() {
    let (mut token, mut pair) = both().await;
    pair.edit_of("web", |web| {
        web["status"] = json!({"state": "Revoked", "revision": 7, "effective": {"permissions": []}});
    });
    token.rest().await;
    assert_eq!((&token.ledger()["parent"]["revision"], reason(&token)), (&json!(1), json!("Issued")));
}

#[tokio::test(start_paused = true)]
async fn before_the_pair_is_there_or_has_material_nothing_is_written_but_the_status() {
    let mut token = token();
    assert_eq!(token.rest().await, ["GET apikeypairs/web".to_owned(), token.status_path()]);
    assert_eq!(reason(&token), "ParentNotFound");
    let mut pair = token.beside::<ApiKeyPair>();
    pair.add("web", json!({}));
    token.look().await.expect("told");
    assert_eq!(token.server.asked(), [token.status_path()]);
    assert_eq!(reason(&token), "ParentNotIssued");
    pair.rest_of("web").await;
    token.edit(|token| token["spec"]["permissions"] = json!([]));
    token.rest().await;
    assert_eq!(reason(&token), "Issued");
}

#[tokio::test(start_paused = true)]
async fn a_pair_of_another_account_is_refused_and_it_is_not_said_what_that_may_do() {
    let (mut token, mut pair) = both().await;
    pair.edit_of("web", |web| web["spec"]["accountRef"]["name"] = json!("bob"));
    assert_eq!(token.rest().await, [token.status_path()]);
    let stalled = token.condition("Stalled");
    assert_eq!((&stalled["status"], &stalled["reason"]), (&json!("True"), &json!("InvalidSpec")));
    let message = token.condition("Ready")["message"].to_string();
    assert!(message.contains("another Account's") && !message.contains("objects"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_the_pair_does_not_have_is_not_issued_and_the_message_names_the_pair() {
    let (mut token, _pair) = both().await;
    token.edit(|token| token["spec"]["permissions"] = json!(["objects:write"]));
    assert_eq!(token.rest().await, [token.status_path()]);
    assert_eq!(reason(&token), "PermissionNotGranted");
    let message = token.condition("Ready")["message"].to_string();
    assert!(message.contains("The ApiKeyPair web does not have objects:write; it has"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_what_the_pair_may_do_reaches_a_live_token_and_leaves_its_value() {
    let (mut token, mut pair) = issued().await;
    let value = token.secret("ci")["data"]["token"].clone();
    pair.edit_of("web", |web| web["spec"]["permissions"] = json!(["objects:read", "objects:write"]));
    assert!(token.rest().await.contains(&"PUT secrets/ci".to_owned()));
    let permissions = token.object("ci")["status"]["effective"]["permissions"].clone();
    assert_eq!(permissions, json!(["objects:read", "objects:write"]));
    assert_eq!((&token.secret("ci")["data"]["token"], &token.ledger()["revision"]), (&value, &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_pair_takes_its_tokens_along_by_one_read_and_one_replace_and_rotated_it_has_new_ones() {
    let (mut token, mut pair) = issued().await;
    pair.edit_of("web", |web| web["metadata"]["annotations"][REVOKE] = json!("leak"));
    pair.rest_of("web").await;
    let status = token.status_path();
    assert_eq!(token.rest().await, ["GET secrets/ci", "PUT secrets/ci", &status]);
    assert_eq!((reason(&token), &token.ledger()["state"]), (json!("ParentRevoked"), &json!("Expired")));
    assert_eq!(token.secret("ci")["data"]["token"], Value::Null);
    assert_eq!(token.condition("Reconciling")["status"], "True", "it waits");
    pair.edit_of("web", |web| web["metadata"]["annotations"][ROTATE] = json!("again"));
    pair.rest_of("web").await;
    token.rest().await;
    assert_eq!(token.ledger()["parent"], json!({"uid": "uid-web", "revision": 2}));
    assert_eq!((reason(&token), &token.ledger()["revision"]), (json!("Issued"), &json!(2)));
    token.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn revoked_and_rotated_before_anybody_looked_is_not_the_same_as_rotated() {
    for (revoke, state) in [(true, "ParentRevoked"), (false, "Issued")] {
        let (mut token, mut pair) = issued().await;
        let before = token.secret("ci")["data"]["token"].clone();
        if revoke {
            pair.edit_of("web", |web| web["metadata"]["annotations"][REVOKE] = json!("leak"));
        }
        pair.edit_of("web", |web| web["metadata"]["annotations"][ROTATE] = json!("new"));
        pair.rest_of("web").await;
        token.told();
        token.rest().await;
        let told: Vec<_> = token.told().iter().map(ToString::to_string).collect();
        assert_eq!(told.iter().any(|one| one == state), revoke, "{told:?}");
        assert_eq!(token.secret("ci")["data"]["token"] != before, revoke);
        let message = token.condition("Ready")["message"].to_string();
        assert_eq!(
            message.contains("not renewed: the ApiKeyPair web has other material since"),
            !revoke,
            "{message}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_pair_whose_going_was_seen_is_gone_at_once_and_one_that_was_never_seen_after_a_minute() {
    for seen in [true, false] {
        let (mut token, mut pair) = issued().await;
        token.keeper.house.kin.see(AccessToken::KIND, &*token.cached());
        pair.delete_object("web");
        if seen {
            let woken = token.keeper.house.kin.went("ns", "web");
            assert_eq!(woken.len(), 1, "who is of it is looked at");
        }
        let outcome = token.look().await;
        let asked = token.server.asked();
        if !seen {
            assert_eq!(asked[0], "GET apikeypairs/web");
            assert_eq!(token.ledger()["state"], "Live", "a restore may bring it");
            assert!(matches!(outcome, Ok(Again::In(rest)) if rest <= Duration::from_secs(61)), "{outcome:?}");
            tokio::time::advance(Duration::from_secs(61)).await;
            token.rest().await;
        }
        token.see();
        token.rest().await;
        assert_eq!(
            (reason(&token), &token.ledger()["state"]),
            (json!("ParentNotFound"), &json!("Expired")),
            "{seen}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn another_pair_of_that_name_is_another_pair() {
    let (mut token, mut pair) = issued().await;
    pair.delete_object("web");
    token.server.remove("secrets", "web");
    pair.see_secret("web");
    pair.add_as("web", "uid-other", json!({"permissions": ["*:*"]}));
    pair.rest_of("web").await;
    token.rest().await;
    assert_eq!(token.ledger()["parent"], json!({"uid": "uid-other", "revision": 1}));
    assert_eq!(token.ledger()["revision"], 2);
    let told: Vec<_> = token.told().iter().map(ToString::to_string).collect();
    assert!(told.contains(&"ParentNotFound".to_owned()), "{told:?}");
    token.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_cannot_be_read_changes_nothing_and_is_looked_for_again_soon() {
    let (mut token, mut pair) = issued().await;
    pair.delete_object("web");
    for _ in 0..2 {
        token.server.spoil(crate::server::Fault {
            method: http::Method::GET,
            path: "apikeypairs",
            phase: crate::server::Phase::Before,
            answer: crate::server::Answer::Status(500),
        });
    }
    token.see();
    let outcome = token.look().await;
    assert!(matches!(outcome, Ok(Again::In(rest)) if rest <= Duration::from_secs(5)), "{outcome:?}");
    assert_eq!(token.ledger()["state"], "Live");
}

impl Stage<AccessToken> {
    fn cached(&self) -> Arc<chatelaine::controller::guarded::Guarded<AccessToken>> {
        self.keeper.cache.get("ns", "ci").expect("it is in the cache")
    }
}
