//! A short-lived token of a pair: never more than its pair, for never longer, and renewed by itself.

use chatelaine::api;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, Kind, Secret, Stage, condition, has, is_observed, is_ready, ledger,
    now, play, text, time, uid, value,
};

const PAIR: &str = "web";

fn of_web(mut spec: Value) -> Value {
    spec["apiKeyPairRef"] = json!({"name": PAIR});
    spec
}

fn effective(object: &Value) -> &Value {
    &object["status"]["effective"]["permissions"]
}

/// The pair and a token of it, both ready.
async fn both(stage: &Stage<'_>) -> (Value, Value) {
    let pair = stage.ready(ApiKeyPair, PAIR, json!({"permissions": ["servers:*"]})).await;
    let token = stage.ready(AccessToken, CI, of_web(json!({"permissions": ["servers:read"]}))).await;
    (pair, token)
}

async fn annotate_pair(stage: &Stage<'_>, annotation: &str, value: &str) {
    stage.annotate(ApiKeyPair, PAIR, annotation, value).await;
}

async fn until_next(stage: &Stage<'_>, action: &str) -> Value {
    let wanted = format!("{action} comes next");
    stage.until(AccessToken, CI, &wanted, |token| token["status"]["next"]["action"] == action).await
}

#[test]
fn a_token_may_do_at_most_what_its_pair_may_and_learns_of_a_change() {
    play(|stage| async move {
        stage.ready(ApiKeyPair, PAIR, json!({"permissions": ["servers:read"]})).await;
        let token = stage.ready(AccessToken, CI, of_web(json!({"permissions": ["servers:*"]}))).await;
        assert_eq!(effective(&token), &json!(["servers:read"]), "the Account grants more");
        let before = stage.secret(CI).await;
        assert_eq!(has(&before, "permissions"), "servers:read");

        stage.credential(AccessToken, "more", of_web(json!({"permissions": ["dns:*"]}))).await;
        let refused = stage.until_reason(AccessToken, "more", "Stalled", "PermissionNotGranted").await;
        let message = text(&condition(&refused, "Ready")["message"]);
        assert!(message.contains("The ApiKeyPair web does not have dns:*; it has servers:read"), "{message}");
        assert!(stage.get(Secret, "more").await.is_null());

        let more = json!({"spec": {"permissions": ["servers:read", "servers:write", "dns:*"]}});
        stage.patch(ApiKeyPair, PAIR, more).await;
        stage.until(AccessToken, "more", "issued", is_ready).await;
        stage
            .until(AccessToken, CI, "told", |token| {
                effective(token) == &json!(["servers:read", "servers:write"])
            })
            .await;
        let after = stage.secret(CI).await;
        assert_eq!(
            (has(&after, "token"), ledger(&after)["revision"].clone()),
            (has(&before, "token"), json!(1))
        );
        assert_eq!(has(&after, "permissions"), "servers:read servers:write");
    });
}

#[test]
fn a_token_is_valid_for_a_day_and_never_longer_than_its_pair() {
    play(|stage| async move {
        let defaults = json!({"spec": {"credentialDefaults": {"lifetime": "90d"}}});
        stage.patch(Account, "alice", defaults).await;
        let (_, token) = both(&stage).await;
        let status = &token["status"];
        let life = time(&status["expirationTime"]).duration_since(time(&status["issueTime"]));
        assert_eq!(life, SignedDuration::from_hours(24));
        let of = |effective: &Value| (effective["lifetime"].clone(), effective["lifetimeFrom"].clone());
        assert_eq!(of(&status["effective"]), (json!("1d"), json!("ApiKeyPair")));
        let value = has(&stage.secret(CI).await, "token");

        stage.patch(ApiKeyPair, PAIR, json!({"spec": {"lifetime": "2h"}})).await;
        let pair = stage.until_reason(ApiKeyPair, PAIR, "Expired", "NotYetDue").await;
        let ends = |token: &Value| token["status"]["expirationTime"] == pair["status"]["expirationTime"];
        let cut =
            stage.until(AccessToken, CI, "ending with its pair", |token| is_observed(token) && ends(token));
        let cut = cut.await;
        assert_eq!(cut["status"]["effective"]["lifetimeFrom"], "ApiKeyPair");
        assert_eq!(cut["status"]["next"]["action"], "Expire", "a new one would end then too");
        assert_eq!(has(&stage.secret(CI).await, "token"), value);
        let new = stage.ready(AccessToken, "new", of_web(json!({"lifetime": "7d"}))).await;
        assert!(ends(&new), "{new:#}");
    });
}

#[test]
fn a_token_is_renewed_by_itself_and_the_old_one_is_valid_until_its_own_end() {
    play(|stage| async move {
        stage.ready(ApiKeyPair, PAIR, json!({})).await;
        stage.ready(AccessToken, CI, of_web(json!({"lifetime": "65m"}))).await;
        let secret = stage.secret(CI).await;
        let old = has(&secret, "token");
        // As if it had been issued an hour ago.
        let mut page = ledger(&secret);
        let issue = Timestamp::from_second(now().as_second() - 3_600).expect("a time");
        let end = issue + SignedDuration::from_mins(65);
        (page["issueTime"], page["notAfter"]) = (json!(issue), json!(end));
        stage.annotate(Secret, CI, api::LEDGER, &page.to_string()).await;
        let token = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(condition(&token, "Ready")["reason"], "Renewed");
        assert_eq!(time(&token["status"]["previous"]["retirementTime"]), end);
        let secret = stage.secret(CI).await;
        assert_eq!(value(&secret, "previousToken"), Some(old));
        assert_eq!(ledger(&secret)["parent"], page["parent"]);
    });
}

/// What makes a pair end, and what makes it live again.
async fn end(stage: &Stage<'_>, reason: &str) {
    match reason {
        "ParentRevoked" => annotate_pair(stage, api::REVOKE, "leak").await,
        "ParentExpired" => {
            stage.patch(ApiKeyPair, PAIR, json!({"spec": {"lifetime": "1s"}})).await;
        }
        _ => stage.delete(ApiKeyPair, PAIR).await,
    }
}

async fn begin_again(stage: &Stage<'_>, reason: &str) {
    match reason {
        "ParentRevoked" => annotate_pair(stage, api::ROTATE, "again").await,
        "ParentExpired" => {
            stage.patch(ApiKeyPair, PAIR, json!({"spec": {"lifetime": "90d"}})).await;
        }
        _ => {
            stage.until_gone(Secret, PAIR).await;
            stage.credential(ApiKeyPair, PAIR, json!({"permissions": ["servers:*"]})).await;
        }
    }
}

async fn goes_and_comes_with_its_pair(stage: Stage<'_>, reason: &str) {
    let (_, before) = both(&stage).await;
    let old = has(&stage.secret(CI).await, "token");
    end(&stage, reason).await;
    let gone = stage.until_reason(AccessToken, CI, "Ready", reason).await;
    assert_eq!(gone["status"]["state"], "Expired", "{gone:#}");
    assert_eq!((gone["status"]["digests"].clone(), uid(&gone)), (Value::Null, uid(&before)));
    assert_eq!(condition(&gone, "Reconciling")["status"], "True", "a new one comes by itself");
    assert_eq!(condition(&gone, "Active")["status"], "False");
    let secret = stage.secret(CI).await;
    assert_eq!((value(&secret, "token"), value(&secret, "previousToken")), (None, None));
    stage.event(AccessToken, CI, reason).await;

    begin_again(&stage, reason).await;
    stage.until_revision(AccessToken, CI, 2).await;
    let again = stage.until(AccessToken, CI, "ready", is_ready).await;
    assert_eq!(condition(&again, "Ready")["reason"], "Issued");
    assert_ne!(has(&stage.secret(CI).await, "token"), old);
}

#[test]
fn when_its_pair_is_deleted_the_token_is_gone_and_comes_anew_with_another_pair() {
    play(|stage| goes_and_comes_with_its_pair(stage, "ParentNotFound"));
}

#[test]
fn when_its_pair_is_deleted_the_token_is_gone_at_once_though_the_pairs_secret_is_retained() {
    play(|stage| async move {
        stage.ready(ApiKeyPair, PAIR, json!({"deletionPolicy": "Retain"})).await;
        stage.ready(AccessToken, CI, of_web(json!({}))).await;
        stage.delete(ApiKeyPair, PAIR).await;
        let deleted = now();
        stage.until_reason(AccessToken, CI, "Ready", "ParentNotFound").await;
        assert!(now().duration_since(deleted) < SignedDuration::from_secs(30), "it waits for no minute");
        assert_eq!(value(&stage.secret(CI).await, "token"), None);
        // The pair comes back with the same keys: a new token of the same pair.
        stage.credential(ApiKeyPair, PAIR, json!({"deletionPolicy": "Retain"})).await;
        stage.until_revision(AccessToken, CI, 2).await;
    });
}

#[test]
fn when_its_pair_is_revoked_the_token_is_gone_and_comes_anew_with_it() {
    play(|stage| goes_and_comes_with_its_pair(stage, "ParentRevoked"));
}

#[test]
fn when_its_pair_has_expired_the_token_is_gone_and_comes_anew_with_it() {
    play(|stage| goes_and_comes_with_its_pair(stage, "ParentExpired"));
}

#[test]
fn when_its_pair_is_rotated_the_token_lives_on_to_its_end_and_a_new_one_follows() {
    play(|stage| async move {
        let (_, before) = both(&stage).await;
        assert_eq!(before["status"]["next"]["action"], "Renew");
        let value = has(&stage.secret(CI).await, "token");
        annotate_pair(&stage, api::ROTATE, "1").await;
        let token = until_next(&stage, "Expire").await;
        assert_eq!(token["status"]["next"]["time"], before["status"]["expirationTime"]);
        assert_eq!(condition(&token, "Ready")["status"], "True");
        let message = text(&condition(&token, "Ready")["message"]);
        assert!(
            message.contains("it is not renewed: the ApiKeyPair web has other material since"),
            "{message}"
        );
        assert_eq!(has(&stage.secret(CI).await, "token"), value);

        // Its end, sooner.
        let mut page = ledger(&stage.secret(CI).await);
        (page["issueTime"], page["notAfter"]) =
            (json!("2020-01-01T00:00:00Z"), json!("2020-01-02T00:00:00Z"));
        stage.annotate(Secret, CI, api::LEDGER, &page.to_string()).await;
        stage.until_revision(AccessToken, CI, 2).await;
        let new = stage.secret(CI).await;
        assert_eq!(ledger(&new)["parent"]["revision"], 2, "of the pair as it is now");
        until_next(&stage, "Renew").await;
        assert_ne!(has(&new, "token"), value);
    });
}

#[test]
fn while_its_pair_is_inactive_the_token_lives_on_is_not_renewed_and_none_is_issued() {
    play(|stage| async move {
        both(&stage).await;
        let value = has(&stage.secret(CI).await, "token");
        stage.patch(ApiKeyPair, PAIR, json!({"spec": {"active": false}})).await;
        let token = until_next(&stage, "Expire").await;
        assert_eq!(condition(&token, "Ready")["status"], "True");
        stage.credential(AccessToken, "new", of_web(json!({}))).await;
        let waits = stage.until_reason(AccessToken, "new", "Reconciling", "ParentInactive").await;
        assert_eq!(condition(&waits, "Ready")["status"], "False");
        assert!(stage.get(Secret, "new").await.is_null());

        // What somebody asks for waits too, and the one that is valid stays.
        stage.annotate(AccessToken, CI, api::ROTATE, "1").await;
        let held = stage.until_reason(AccessToken, CI, "Reconciling", "ParentInactive").await;
        assert_eq!((is_ready(&held), held["status"]["revision"].clone()), (true, json!(1)));
        assert_eq!(has(&stage.secret(CI).await, "token"), value);

        stage.patch(ApiKeyPair, PAIR, json!({"spec": {"active": true}})).await;
        stage.until(AccessToken, "new", "issued", is_ready).await;
        stage.until_revision(AccessToken, CI, 2).await;
        until_next(&stage, "Renew").await;
    });
}

#[test]
fn a_pair_of_another_account_is_refused() {
    play(|stage| async move {
        let bob = json!({"spec": {"email": "bob@example.com", "permissions": ["*:*"]}});
        stage.create(Account, "bob", bob).await;
        let theirs = json!({"spec": {"accountRef": {"name": "bob"}, "permissions": ["*:*"]}});
        stage.create(ApiKeyPair, PAIR, theirs).await;
        stage.until(ApiKeyPair, PAIR, "ready", is_ready).await;
        stage.credential(AccessToken, CI, of_web(json!({"permissions": ["servers:read"]}))).await;
        let refused = stage.until_reason(AccessToken, CI, "Stalled", "InvalidSpec").await;
        let message = text(&condition(&refused, "Ready")["message"]);
        assert!(message.contains("ApiKeyPair web is another Account's: delete this"), "{message}");
        assert!(stage.get(Secret, CI).await.is_null());
    });
}

#[test]
fn a_token_waits_for_its_pair_whichever_is_applied_first() {
    play(|stage| async move {
        stage.credential(AccessToken, CI, of_web(json!({}))).await;
        let waits = stage.until_reason(AccessToken, CI, "Reconciling", "ParentNotFound").await;
        assert_eq!(condition(&waits, "Ready")["status"], "False");
        assert!(stage.get(Secret, CI).await.is_null());
        stage.credential(ApiKeyPair, PAIR, json!({"permissions": ["backups:read"]})).await;
        stage.until_reason(AccessToken, CI, "Reconciling", "ParentNotIssued").await;
        stage.patch(ApiKeyPair, PAIR, json!({"spec": {"permissions": []}})).await;
        stage.until(AccessToken, CI, "issued", is_ready).await;
    });
}

/// What a backup tool writes back of a Secret.
fn exported(secret: &Value) -> Value {
    json!({
        "metadata": {"labels": secret["metadata"]["labels"], "annotations": secret["metadata"]["annotations"]},
        "type": secret["type"],
        "data": secret["data"],
    })
}

async fn exported_and_deleted(stage: &Stage<'_>, kind: Kind, name: &str) -> (Value, Value) {
    let (object, secret) = (stage.get(kind, name).await, stage.secret(name).await);
    stage.delete(kind, name).await;
    stage.until_gone(Secret, name).await;
    (object["spec"].clone(), exported(&secret))
}

#[test]
fn a_token_that_is_restored_with_its_pair_keeps_its_value_though_it_comes_first_and_all_have_other_uids() {
    play(|stage| async move {
        let (pair_before, _) = both(&stage).await;
        let before = stage.secret(CI).await;
        let (token, token_secret) = exported_and_deleted(&stage, AccessToken, CI).await;
        let (pair, pair_secret) = exported_and_deleted(&stage, ApiKeyPair, PAIR).await;

        stage.create(Secret, CI, token_secret).await;
        stage.create(AccessToken, CI, json!({"spec": token})).await;
        let alone = stage.until_reason(AccessToken, CI, "Ready", "Restored").await;
        assert_eq!(alone["status"]["next"]["action"], "Expire", "there is no pair");
        stage.create(Secret, PAIR, pair_secret).await;
        stage.create(ApiKeyPair, PAIR, json!({"spec": pair})).await;
        let pair = stage.until_reason(ApiKeyPair, PAIR, "Ready", "Restored").await;
        assert_ne!(uid(&pair), uid(&pair_before));
        let token = until_next(&stage, "Renew").await;
        assert_eq!(token["status"]["revision"], 1);
        let after = stage.secret(CI).await;
        assert_eq!(
            (&after["data"], &ledger(&after)["parent"]),
            (&before["data"], &ledger(&before)["parent"])
        );
        assert_eq!(ledger(&stage.secret(PAIR).await)["origin"], json!(uid(&pair_before)));
    });
}

#[test]
fn deleting_a_pair_deletes_no_token_and_a_token_of_its_own_is_none_of_its_business() {
    play(|stage| async move {
        both(&stage).await;
        let own = stage.ready(AccessToken, "own", json!({})).await;
        let secret = stage.secret("own").await;
        stage.delete(ApiKeyPair, PAIR).await;
        stage.until_reason(AccessToken, CI, "Ready", "ParentNotFound").await;
        assert_eq!(stage.get(AccessToken, "own").await["status"], own["status"]);
        assert_eq!(stage.secret("own").await, secret);
        // The token can go too.
        stage.delete(AccessToken, CI).await;
        stage.until_gone(Secret, CI).await;
    });
}
