//! Rotation by trigger, and the overlap in which the old material stays valid beside the new one.

use serde_json::json;

use crate::stage::{
    AccessToken, Account, ApiKeyPair, CI, PROMPTLY, Secret, SshKey, assert_conditions, digest_of, has,
    is_observed, is_ready, keys, play, text, time, value,
};

const ROTATE: &str = "chatelaine.dev/rotate";

#[test]
fn a_value_of_rotate_acts_once_and_each_new_one_again() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.annotate(AccessToken, CI, ROTATE, "monday").await;
        let rotated = stage.until_revision(AccessToken, CI, 2).await;
        let second = stage.secret(CI).await;
        assert_ne!(has(&second, "token"), first);
        assert_conditions(
            &rotated,
            &[
                "Ready=True Rotated",
                "Active=True Rotated",
                "ExpiringSoon=False NeverExpires",
                "Expired=False NeverExpires",
            ],
        );
        let entry = &rotated["status"]["history"][1];
        assert_eq!((&entry["reason"], &entry["trigger"]), (&json!("Rotated"), &json!("monday")));
        assert_eq!(rotated["status"]["handledTriggers"]["rotate"], json!(["monday"]));
        let note = stage.event(AccessToken, CI, "Rotated").await;
        assert!(note.contains("revision 2") && note.contains("no longer valid"), "{note}");

        // Removed and set again, with a change that the operator answers: nothing of it rotates.
        stage.patch(AccessToken, CI, json!({"metadata": {"annotations": {ROTATE: null}}})).await;
        stage.annotate(AccessToken, CI, ROTATE, "monday").await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "touched"}})).await;
        let same = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(same["status"]["revision"], 2);
        assert_eq!(stage.secret(CI).await, second);

        stage.annotate(AccessToken, CI, ROTATE, "tuesday").await;
        stage.until_revision(AccessToken, CI, 3).await;
        stage.annotate(AccessToken, CI, ROTATE, "monday").await;
        stage.patch(AccessToken, CI, json!({"spec": {"comment": "self-heal"}})).await;
        let healed = stage.until(AccessToken, CI, "observed", is_observed).await;
        assert_eq!(healed["status"]["revision"], 3, "Git saying A, a button B, self-heal A rotates twice");
    });
}

#[test]
fn a_rotation_keeps_the_access_key_unless_the_mode_is_key_pair() {
    play(|stage| async move {
        for (mode, keeps) in [("SecretOnly", true), ("KeyPair", false)] {
            let name = mode.to_lowercase();
            stage.ready(ApiKeyPair, &name, json!({"rotation": {"mode": mode}})).await;
            let before = stage.secret(&name).await;
            stage.annotate(ApiKeyPair, &name, ROTATE, "now").await;
            let object = stage.until_revision(ApiKeyPair, &name, 2).await;
            let after = stage.secret(&name).await;
            assert_ne!(has(&before, "secretKey"), has(&after, "secretKey"));
            assert_eq!(has(&before, "accessKey") == has(&after, "accessKey"), keeps, "{mode}");
            assert_eq!(object["status"]["accessKey"], json!(has(&after, "accessKey")));
            assert_eq!(keys(&after), ["accessKey", "secretKey"], "by default the old one ends at once");
            assert_eq!(object["status"]["digests"], json!([{"value": digest_of(&has(&after, "secretKey"))}]));
        }
    });
}

#[test]
fn in_an_overlap_both_are_there_until_the_deadline_and_ready_stays_true() {
    play(|stage| async move {
        let object =
            stage.ready(ApiKeyPair, CI, json!({"rotation": {"mode": "KeyPair", "overlap": "4s"}})).await;
        let first = stage.secret(CI).await;
        let objects = stage.follow(ApiKeyPair, CI, &object).await;
        let secrets = stage.follow(Secret, CI, &first).await;
        stage.annotate(ApiKeyPair, CI, ROTATE, "now").await;

        let both = stage.until_revision(ApiKeyPair, CI, 2).await;
        let status = &both["status"];
        let retirement = time(&status["previous"]["retirementTime"]);
        assert_eq!(status["previous"]["id"], object["status"]["accessKey"]);
        assert_eq!(status["next"], json!({"action": "Retire", "time": status["previous"]["retirementTime"]}));
        assert_eq!(status["digests"][1]["value"], object["status"]["digests"][0]["value"]);
        assert_eq!(time(&status["digests"][1]["notAfter"]), retirement);

        let one = |secret: &serde_json::Value| {
            value(secret, "secretKey") != value(&first, "secretKey")
                && value(secret, "previousSecretKey").is_none()
        };
        let versions = secrets.until("the previous key gone", one).await;
        let [.., there, gone] = versions.as_slice() else { panic!("no overlap: {versions:#?}") };
        assert_eq!(has(&there.object, "previousSecretKey"), has(&first, "secretKey"));
        assert_eq!(has(&there.object, "previousAccessKey"), has(&first, "accessKey"));
        assert_eq!(has(&there.object, "secretKey"), has(&gone.object, "secretKey"));
        assert!(retirement <= gone.seen && gone.seen < retirement + PROMPTLY, "{retirement} {}", gone.seen);
        assert!(
            retirement >= time(&status["issueTime"]) + jiff::SignedDuration::from_secs(4),
            "never shorter than was said"
        );

        let passed = objects.until("retired", |object| {
            object["status"]["revision"] == 2 && object["status"]["previous"].is_null()
        });
        for version in passed.await {
            assert_eq!(crate::stage::condition(&version.object, "Ready")["status"], "True", "{version:#?}");
        }
        stage.event(ApiKeyPair, CI, "Retired").await;
    });
}

#[test]
fn the_accounts_overlap_counts_where_the_spec_has_none_and_a_second_rotation_ends_the_oldest() {
    play(|stage| async move {
        stage.patch(Account, "alice", json!({"spec": {"credentialDefaults": {"overlap": "1h"}}})).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        stage.ready(AccessToken, CI, json!({})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.annotate(AccessToken, CI, ROTATE, "one").await;
        stage.until_revision(AccessToken, CI, 2).await;
        let second = stage.secret(CI).await;
        assert_eq!(has(&second, "previousToken"), first);
        stage.annotate(AccessToken, CI, ROTATE, "two").await;
        let object = stage.until_revision(AccessToken, CI, 3).await;
        let third = stage.secret(CI).await;
        assert_eq!(has(&third, "previousToken"), has(&second, "token"));
        assert_eq!(object["status"]["digests"].as_array().map(Vec::len), Some(2), "at most two are live");
    });
}

#[test]
fn an_overlap_is_fixed_when_the_rotation_happens() {
    play(|stage| async move {
        stage.ready(AccessToken, CI, json!({"rotation": {"overlap": "1h"}})).await;
        stage.annotate(AccessToken, CI, ROTATE, "now").await;
        let rotated = stage.until_revision(AccessToken, CI, 2).await;
        stage.patch(AccessToken, CI, json!({"spec": {"rotation": {"overlap": "0s"}}})).await;
        let later = stage.until(AccessToken, CI, "ready", is_ready).await;
        assert_eq!(later["status"]["previous"], rotated["status"]["previous"]);
    });
}

#[test]
fn in_the_overlap_of_an_ssh_key_the_old_line_says_when_it_ends() {
    play(|stage| async move {
        stage.ready(SshKey, CI, json!({"rotation": {"overlap": "1h"}, "options": {"restrict": true}})).await;
        let first = stage.secret(CI).await;
        stage.annotate(SshKey, CI, ROTATE, "now").await;
        let object = stage.until_revision(SshKey, CI, 2).await;
        let second = stage.secret(CI).await;
        assert_eq!(has(&second, "previous-ssh-privatekey"), has(&first, "ssh-privatekey"));
        assert_eq!(has(&second, "previous-ssh-publickey"), has(&first, "ssh-publickey"));
        let end = time(&object["status"]["previous"]["retirementTime"]).strftime("%Y%m%d%H%M%SZ");
        assert_eq!(
            has(&second, "authorized_keys"),
            format!(
                "restrict {}restrict,expiry-time=\"{end}\" {}",
                has(&second, "ssh-publickey"),
                has(&first, "ssh-publickey")
            )
        );
        assert_ne!(text(&object["status"]["fingerprint"]), text(&object["status"]["previous"]["id"]));
    });
}

#[test]
fn no_overlap_in_the_spec_beats_the_overlap_of_the_account() {
    play(|stage| async move {
        stage.patch(Account, "alice", json!({"spec": {"credentialDefaults": {"overlap": "1h"}}})).await;
        stage.until(Account, "alice", "observed", is_observed).await;
        stage.ready(AccessToken, CI, json!({"rotation": {"overlap": "0s"}})).await;
        let first = has(&stage.secret(CI).await, "token");
        stage.annotate(AccessToken, CI, ROTATE, "leak").await;
        let object = stage.until_revision(AccessToken, CI, 2).await;
        let secret = stage.secret(CI).await;
        assert!(has(&secret, "token") != first && value(&secret, "previousToken").is_none(), "{secret:#}");
        let status = &object["status"];
        assert_eq!((&status["previous"], &status["next"]), (&json!(null), &json!(null)));
        assert_eq!(status["digests"].as_array().map(Vec::len), Some(1), "only one is live");
    });
}
