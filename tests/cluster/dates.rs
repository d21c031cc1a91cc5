//! Moved dates, the Account's default, and the warning before the end.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::stage::{
    AccessToken, Account, CI, condition, has, is_observed, ledger, now, play, text, time, value,
};

#[test]
fn an_edited_lifetime_moves_the_end_from_the_issue_and_not_the_value() {
    play(|stage| async move {
        let before = stage.ready(AccessToken, CI, json!({"lifetime": "90d"})).await;
        let first = stage.secret(CI).await;
        stage.patch(AccessToken, CI, json!({"spec": {"lifetime": "30d"}})).await;
        let object = stage.until(AccessToken, CI, "observed", is_observed).await;
        let status = &object["status"];
        assert_eq!(status["issueTime"], before["status"]["issueTime"]);
        let end = time(&status["issueTime"]) + SignedDuration::from_hours(30 * 24);
        assert_eq!(time(&status["expirationTime"]), end);
        assert_eq!((&status["revision"], &status["expiry"]), (&json!(1), &json!("Expires in: 30 days")));
        let second = stage.secret(CI).await;
        assert_eq!(has(&second, "token"), has(&first, "token"));
        assert_eq!(has(&second, "expirationTime"), end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        assert_eq!(time(&ledger(&second)["notAfter"]), end);

        stage
            .patch(
                AccessToken,
                CI,
                json!({"spec": {"lifetime": null, "expirationTime": "2100-01-01T00:00:00Z"}}),
            )
            .await;
        stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(has(&stage.secret(CI).await, "expirationTime"), "2100-01-01T00:00:00Z");
        stage.patch(AccessToken, CI, json!({"spec": {"lifetime": "never", "expirationTime": null}})).await;
        let never = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(
            (&never["status"]["expiry"], &never["status"]["revision"]),
            (&json!("Never Expires"), &json!(1))
        );
        let third = stage.secret(CI).await;
        assert_eq!((value(&third, "expirationTime"), has(&third, "token")), (None, has(&first, "token")));
    });
}

#[test]
fn a_date_that_is_moved_into_the_past_ends_the_material_at_once_and_moved_back_issues_anew() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        stage.patch(AccessToken, CI, json!({"spec": {"expirationTime": "2020-01-01T00:00:00Z"}})).await;
        let object = stage.until_reason(AccessToken, CI, "Ready", "Expired").await;
        let secret = stage.secret(CI).await;
        assert_eq!((value(&secret, "token"), &ledger(&secret)["revision"]), (None, &json!(1)));
        assert_eq!(object["status"]["expirationTime"], "2020-01-01T00:00:00Z", "the date that has passed");
        assert!(text(&condition(&object, "Ready")["message"]).contains("2020-01-01"));

        stage.patch(AccessToken, CI, json!({"spec": {"expirationTime": "2100-01-01T00:00:00Z"}})).await;
        let corrected = stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(corrected["status"]["expirationTime"], "2100-01-01T00:00:00Z");
        has(&stage.secret(CI).await, "token");
    });
}

#[test]
fn a_changed_default_of_the_account_touches_only_what_is_issued_afterwards() {
    play(|stage| async move {
        let default = |lifetime: &str| json!({"spec": {"credentialDefaults": {"lifetime": lifetime}}});
        stage.patch(Account, "alice", default("90d")).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        let before = stage.ready(AccessToken, "before", json!({})).await;
        stage.ready(AccessToken, "never", json!({"lifetime": "never"})).await;
        let effective = &before["status"]["effective"];
        assert_eq!((&effective["lifetime"], &effective["lifetimeFrom"]), (&json!("90d"), &json!("Account")));
        assert_eq!(before["status"]["expiry"], "Expires in: 90 days");

        stage.patch(Account, "alice", default("10d")).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        let after = stage.ready(AccessToken, "after", json!({})).await;
        assert_eq!(after["status"]["expiry"], "Expires in: 10 days");
        for (name, expiry) in [("before", "Expires in: 90 days"), ("never", "Never Expires")] {
            stage.patch(AccessToken, name, json!({"spec": {"comment": "touched"}})).await;
            let object = stage.until(AccessToken, name, "observed", is_observed).await;
            assert_eq!(object["status"]["expiry"], expiry);
        }
        stage.annotate(AccessToken, "before", "chatelaine.dev/rotate", "now").await;
        let rotated = stage.until_revision(AccessToken, "before", 2).await;
        assert_eq!(rotated["status"]["expiry"], "Expires in: 10 days");
        assert_eq!(rotated["status"]["effective"]["lifetime"], "10d");
    });
}

fn soon(object: &Value) -> &Value {
    condition(object, "ExpiringSoon")
}

#[test]
fn a_warning_comes_at_a_fifth_of_the_lifetime_or_when_the_spec_says() {
    play(|stage| async move {
        // A fifth of 40 seconds is 8: the explicit 37 come first.
        stage.ready(AccessToken, "fifth", json!({"lifetime": "40s"})).await;
        let early = stage.ready(AccessToken, "early", json!({"lifetime": "40s", "warnBefore": "37s"})).await;
        assert_eq!(soon(&early)["reason"], "NotYetDue");
        let warned = stage.until_reason(AccessToken, "early", "ExpiringSoon", "ExpiresWithin").await;
        let at = time(&warned["status"]["expirationTime"]) - SignedDuration::from_secs(37);
        assert_eq!(time(&soon(&warned)["lastTransitionTime"]), at, "at that second");
        assert_eq!(
            (&soon(&warned)["status"], &condition(&warned, "Ready")["status"]),
            (&json!("True"), &json!("True"))
        );
        assert!(text(&soon(&warned)["message"]).contains("rotate it"));
        assert_eq!(soon(&stage.get(AccessToken, "fifth").await)["status"], "False");

        let end = now() + SignedDuration::from_hours(6 * 24);
        stage.ready(AccessToken, "dated", json!({"lifetime": "365d"})).await;
        stage.patch(AccessToken, "dated", json!({"spec": {"warnBefore": "364d"}})).await;
        stage.until(AccessToken, "dated", "observed", is_observed).await;
        assert_eq!(soon(&stage.get(AccessToken, "dated").await)["status"], "False");
        stage.patch(AccessToken, "dated", json!({"spec": {"lifetime": null, "expirationTime": end}})).await;
        stage.until_reason(AccessToken, "dated", "ExpiringSoon", "ExpiresWithin").await;
        stage.patch(AccessToken, "dated", json!({"spec": {"warnBefore": "1d"}})).await;
        stage.until_reason(AccessToken, "dated", "ExpiringSoon", "NotYetDue").await;
    });
}

#[test]
fn by_default_the_last_fifth_is_soon() {
    play(|stage| async move {
        let object = stage.ready(AccessToken, CI, json!({"lifetime": "10s"})).await;
        assert_eq!(soon(&object)["status"], "False");
        let warned = stage.until_reason(AccessToken, CI, "ExpiringSoon", "ExpiresWithin").await;
        let at = time(&warned["status"]["expirationTime"]) - SignedDuration::from_secs(2);
        assert_eq!(time(&soon(&warned)["lastTransitionTime"]), at);
    });
}
