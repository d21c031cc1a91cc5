//! What is replaced by itself: by a period, by cron and before the end.

use std::collections::BTreeSet;

use chatelaine::api::LEDGER;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::Operator;

use crate::stage::{
    AccessToken, Account, ApiKeyPair, BINARY, CI, Kind, PROMPTLY, RUNTIME, Secret, Stage, condition, has,
    is_observed, is_ready, ledger, now, play, text, time, value,
};

/// As if the credential had been issued so long ago; what its schedule does then is up to the operator.
async fn aged(stage: &Stage<'_>, name: &str, seconds: i64) {
    let mut page = ledger(&stage.secret(name).await);
    let past = |time_: &Value| json!(time(time_) - SignedDuration::from_secs(seconds));
    page["issueTime"] = past(&page["issueTime"]);
    if page["schedule"].is_object() {
        page["schedule"]["since"] = past(&page["schedule"]["since"]);
    }
    stage.annotate(Secret, name, LEDGER, &page.to_string()).await;
}

/// Waits for the rotation that status foretells; it happens then and never before.
async fn happens_as_foretold(stage: &Stage<'_>, kind: Kind, name: &str, spec: Value, action: &str) -> Value {
    let object = stage.ready(kind, name, spec).await;
    let next = &object["status"]["next"];
    assert_eq!(next["action"], action, "{name}");
    let secrets = stage.follow(Secret, name, &stage.secret(name).await).await;
    let revision = |secret: &Value| ledger(secret)["revision"].clone();
    let versions = secrets.until("the second revision", |secret| revision(secret) == 2).await;
    let seen = versions.last().expect("a version").seen;
    let due = time(&next["time"]);
    assert!(due <= seen && seen < due + PROMPTLY, "{name}: at {seen}, foretold for {due}");
    let object = stage.until_revision(kind, name, 2).await;
    assert_eq!(object["status"]["history"][1]["trigger"], Value::Null);
    object
}

/// A consumer that looks at the Secret only now and then, and always authenticates with what it read last, beside a
/// server that takes what the Secret holds at the time.
async fn consume(stage: &Stage<'_>, name: &str, until: Timestamp) -> usize {
    let mut seen = BTreeSet::new();
    while now() < until {
        let token = has(&stage.secret(name).await, "token");
        for _ in 0..40 {
            let secret = stage.secret(name).await;
            let valid = [value(&secret, "token"), value(&secret, "previousToken")];
            assert!(valid.contains(&Some(token.clone())), "what was read does not hold any more: {secret:#}");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        seen.insert(token);
    }
    seen.len()
}

#[test]
fn a_period_a_cron_expression_and_a_renewal_act_when_status_foretells_it_and_no_consumer_ever_fails() {
    play(|stage| async move {
        let minute = json!({"rotation": {"every": "1m", "overlap": "30s"}});
        let cron = json!({"rotation": {"cron": "* * * * *", "timeZone": "Asia/Kathmandu", "overlap": "50s"}});
        let renewal = json!({"lifetime": "2m", "renewBefore": "1m"});
        let renewals = async {
            let object = happens_as_foretold(&stage, AccessToken, "renewed", renewal, "Renew").await;
            let status = &object["status"];
            assert_eq!(condition(&object, "Ready")["reason"], "Renewed");
            assert_eq!(status["previous"]["retirementTime"], status["previous"]["expirationTime"]);
            stage.event(AccessToken, "renewed", "Renewed").await;
        };
        let consumer = async {
            stage.until(AccessToken, "renewed", "ready", is_ready).await;
            let until = now() + SignedDuration::from_secs(85);
            assert_eq!(consume(&stage, "renewed", until).await, 2, "the consumer saw the renewal");
        };
        let rotations = async {
            let object = happens_as_foretold(&stage, ApiKeyPair, "every", minute, "Rotate").await;
            assert_eq!(condition(&object, "Ready")["reason"], "Rotated");
            assert_eq!(object["status"]["next"]["action"], "Retire");
        };
        tokio::join!(
            renewals,
            consumer,
            rotations,
            happens_as_foretold(&stage, AccessToken, "cron", cron, "Rotate"),
        );
    });
}

#[test]
fn a_renewal_uses_the_overlap_of_the_account_and_without_any_the_old_one_is_valid_until_its_own_end() {
    play(|stage| async move {
        let renewal = json!({"lifetime": "3h", "renewBefore": "2h"});
        let renewed = async |name: &str, spec: &Value| {
            stage.ready(AccessToken, name, spec.clone()).await;
            let first = has(&stage.secret(name).await, "token");
            aged(&stage, name, 100 * 60).await;
            let status = stage.until_revision(AccessToken, name, 2).await["status"].clone();
            assert_eq!(status["history"][1]["reason"], "Renewed", "{name}");
            (first, stage.secret(name).await, status)
        };
        let (first, secret, status) = renewed("without", &renewal).await;
        assert_eq!(has(&secret, "previousToken"), first);
        let previous = &status["previous"];
        assert_eq!(previous["retirementTime"], previous["expirationTime"], "its own end");
        assert!(time(&previous["retirementTime"]) > now() + SignedDuration::from_mins(70));

        stage.patch(Account, "alice", json!({"spec": {"credentialDefaults": {"overlap": "30m"}}})).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        let (first, secret, status) = renewed("accounts", &renewal).await;
        assert_eq!(has(&secret, "previousToken"), first);
        let previous = &status["previous"];
        let overlap = time(&previous["retirementTime"]).duration_since(time(&status["issueTime"]));
        assert!((1_800..=1_801).contains(&overlap.as_secs()), "{previous}");
        assert!(time(&previous["retirementTime"]) < time(&previous["expirationTime"]));

        let mut at_once = renewal;
        at_once["rotation"] = json!({"overlap": "0s"});
        let (_, secret, status) = renewed("none", &at_once).await;
        assert_eq!((value(&secret, "previousToken"), &status["previous"]), (None, &Value::Null));
    });
}

#[test]
fn due_dates_that_passed_while_the_operator_was_stopped_act_once() {
    RUNTIME.block_on(async {
        let control_plane = support::own().await;
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts");
        let stage = Stage::on(&control_plane).await;
        let names = ["every", "cron", "renewed"];
        for (name, spec) in names.into_iter().zip([
            json!({"rotation": {"every": "1h", "overlap": "10m"}}),
            json!({"rotation": {"cron": "*/10 * * * *", "overlap": "5m"}}),
            json!({"lifetime": "2d", "renewBefore": "1d"}),
        ]) {
            stage.ready(AccessToken, name, spec).await;
        }
        operator.stop().await.expect("it stops when asked");
        let mut before = Vec::new();
        for name in names {
            aged(&stage, name, 40 * 3_600).await;
            before.push(stage.secret(name).await);
        }
        let mut followers = Vec::new();
        for (name, secret) in names.into_iter().zip(&before) {
            followers.push(stage.follow(Secret, name, secret).await);
        }
        let operator = Operator::start(&control_plane, BINARY, &[]).await.expect("it starts again");
        for ((name, secret), follower) in names.into_iter().zip(&before).zip(&followers) {
            let object = stage.until_revision(AccessToken, name, 2).await;
            assert!(time(&object["status"]["next"]["time"]) > now(), "{name}");
            let overlapping = stage.secret(name).await;
            assert_eq!(has(&overlapping, "previousToken"), has(secret, "token"), "{name}");
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let versions = follower.until("seen", |secret| ledger(secret)["revision"] == 2).await;
            let revisions: BTreeSet<_> =
                versions.iter().map(|version| ledger(&version.object)["revision"].to_string()).collect();
            assert_eq!(revisions.len(), 2, "{name}");
            assert_eq!(stage.secret(name).await, overlapping, "{name}: it acted once");
        }
        operator.stop().await.expect("it stops when asked");
    });
}

#[test]
fn cron_set_on_an_old_credential_waits_for_its_firing_and_every_does_not() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        stage.issued_an_hour_ago(AccessToken, CI).await;
        let first = has(&stage.secret(CI).await, "token");
        let cron = json!({"cron": "0 3 1 1 *", "timeZone": "Europe/Warsaw", "overlap": "24h"});
        stage.patch(AccessToken, CI, json!({"spec": {"rotation": cron}})).await;
        let object = stage
            .until(AccessToken, CI, "scheduled", |object| {
                is_observed(object) && object["status"]["next"]["action"] == "Rotate"
            })
            .await;
        let next = text(&object["status"]["next"]["time"]);
        let (day, delay) = next.split_at("2027-01-01T02:0".len());
        assert!(
            day.ends_with("-01-01T02:0") && delay < "5",
            "at three in Warsaw, and at most 5m later: {next}"
        );
        assert_eq!(
            (has(&stage.secret(CI).await, "token"), object["status"]["revision"].as_i64()),
            (first, Some(1))
        );

        let every = json!({"cron": null, "timeZone": null, "every": "30m", "overlap": "10m"});
        stage.patch(AccessToken, CI, json!({"spec": {"rotation": every}})).await;
        let object = stage.until_revision(AccessToken, CI, 2).await;
        assert!(time(&object["status"]["previous"]["retirementTime"]) > now());
        assert_eq!(
            ledger(&stage.secret(CI).await)["schedule"],
            Value::Null,
            "what does not count is not noted"
        );
    });
}

#[test]
fn a_cron_expression_that_admission_cannot_judge_is_a_condition_and_a_good_one_mends_it() {
    play(|stage| async move {
        let bad = json!({"rotation": {"cron": "0 0 30 2 *", "overlap": "0s"}});
        stage.credential(AccessToken, CI, bad).await;
        let object = stage.until_reason(AccessToken, CI, "Stalled", "InvalidSpec").await;
        assert!(text(&condition(&object, "Ready")["message"]).contains("does not fire"));
        assert!(stage.get(Secret, CI).await.is_null());
        let good = json!({"spec": {"rotation": {"cron": "0 0 28 2 *"}}});
        stage.patch(AccessToken, CI, good).await;
        stage.until(AccessToken, CI, "ready", is_ready).await;

        // In what is live already it is said, and the material stays.
        let first = stage.secret(CI).await;
        stage.patch(AccessToken, CI, json!({"spec": {"rotation": {"cron": "0 25 * * *"}}})).await;
        let object = stage.until_reason(AccessToken, CI, "Stalled", "InvalidSpec").await;
        assert_eq!(condition(&object, "Active")["status"], "True");
        assert_eq!(has(&stage.secret(CI).await, "token"), has(&first, "token"));
    });
}

#[test]
fn a_renewal_that_the_accounts_lifetime_does_not_allow_is_a_condition() {
    play(|stage| async move {
        stage.credential(AccessToken, CI, json!({"renewBefore": "10d"})).await;
        let object = stage.until_reason(AccessToken, CI, "Stalled", "InvalidSpec").await;
        assert!(text(&condition(&object, "Ready")["message"]).contains("has no credentialDefaults.lifetime"));
        let defaults = json!({"spec": {"credentialDefaults": {"lifetime": "30d"}}});
        stage.patch(Account, "alice", defaults).await;
        let object = stage.until(AccessToken, CI, "ready", is_ready).await;
        assert_eq!(object["status"]["next"]["action"], "Renew");
    });
}

#[test]
fn what_came_due_while_it_was_withheld_is_done_when_it_is_back() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"rotation": {"every": "1h", "overlap": "30m"}})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.patch(AccessToken, CI, json!({"spec": {"active": false}})).await;
        stage.until_reason(AccessToken, CI, "Ready", "Inactive").await;
        aged(&stage, CI, 2 * 3_600).await;
        let withheld = stage.until(AccessToken, CI, "looked at again", |object| {
            is_observed(object)
                && time(&object["status"]["issueTime"]) < now() - SignedDuration::from_hours(1)
        });
        let withheld = withheld.await;
        assert_eq!((&withheld["status"]["next"], &withheld["status"]["revision"]), (&Value::Null, &json!(1)));
        stage.patch(AccessToken, CI, json!({"spec": {"active": true}})).await;
        stage.until_revision(AccessToken, CI, 2).await;
        assert_eq!(has(&stage.secret(CI).await, "previousToken"), first, "the same bytes, for the overlap");
    });
}
