//! Uploaded SSH keys: a changed key is the rotation, and what cannot be a key is refused for itself alone.

use serde_json::{Value, json};

use crate::stage::{
    CI, PROMPTLY, Secret, SshKey, assert_conditions, condition, has, is_observed, is_ready, keys, now, play,
    text, time,
};

const ROTATE: &str = "chatelaine.dev/rotate";

// Real public keys; their private halves were thrown away.
const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEnsRn6G964oHBik/nt4P5/3ZYmxjTKUHevx+cbZCJJD alice@laptop";
/// As `ssh-keygen -lf` prints it.
const FINGERPRINT: &str = "SHA256:1Y603HcV707Sh461QgtA1rjp/yuSnbYJQ6iRHfUIYbU";
const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGrmRqW1j+EiocXDyQzsqN9xkOrb\
    x3Sbi4ciEjrriPB/3K/wR2+rdTkh86lpHzj9X9iDNh3ZhEDhIKCjioAFv5Q= alice@laptop";
const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDIbSGD5npLsciAZEDIPyaAd4QM1UUMGskwEdWLp7cyRP6x/ZfngTNTy4dew40V\
    lqD4GJG34XrTlhdJ8rB6+CR5qHXroirlcNz0Pe+En9Tcr3ns+Db0FGyUXcimKRJy+XmQ1LaL53J8J/EwDTHhleyM8NxLUSTRUSD9\
    pSkpFrAowQ== alice@laptop";

fn upload(key: &str) -> Value {
    json!({"method": "Upload", "publicKey": key})
}

#[test]
fn an_uploaded_key_is_shown_with_its_fingerprint_and_has_no_private_half() {
    play(|stage| async move {
        let object = stage.ready(SshKey, CI, upload(ED25519)).await;
        let status = &object["status"];
        assert_eq!((&status["fingerprint"], &status["publicKey"]), (&json!(FINGERPRINT), &json!(ED25519)));
        assert_eq!(status["revision"], 1);
        let secret = stage.secret(CI).await;
        assert_eq!(secret["type"], "Opaque");
        assert_eq!(keys(&secret), ["authorized_keys", "ssh-publickey"]);
        assert_eq!(has(&secret, "authorized_keys"), format!("{ED25519}\n"));
    });
}

#[test]
fn a_changed_key_is_its_rotation_with_both_lines_until_the_overlap_ends() {
    play(|stage| async move {
        let mut spec = upload(ED25519);
        spec["rotation"] = json!({"overlap": "4s"});
        stage.ready(SshKey, CI, spec).await;
        stage.patch(SshKey, CI, json!({"spec": {"publicKey": P256}})).await;
        let both = stage.until_revision(SshKey, CI, 2).await;
        assert_eq!(both["status"]["previous"]["id"], FINGERPRINT);
        assert_eq!(condition(&both, "Ready")["reason"], "Rotated");
        let retirement = time(&both["status"]["previous"]["retirementTime"]);
        let file = has(&stage.secret(CI).await, "authorized_keys");
        let end = retirement.strftime("%Y%m%d%H%M%SZ");
        assert_eq!(file, format!("{P256}\nexpiry-time=\"{end}\" {ED25519}\n"));
        stage
            .until(Secret, CI, "one line", |secret| has(secret, "authorized_keys") == format!("{P256}\n"))
            .await;
        assert!(retirement <= now() && now() < retirement + PROMPTLY);
        let file = stage.secret(CI).await;
        assert_eq!(keys(&file), ["authorized_keys", "ssh-publickey"]);
    });
}

#[test]
fn a_changed_comment_is_the_same_key() {
    play(|stage| async move {
        stage.ready(SshKey, CI, upload(ED25519)).await;
        stage.patch(SshKey, CI, json!({"spec": {"publicKey": ED25519.replace("laptop", "desk")}})).await;
        let object = stage.until(SshKey, CI, "observed", is_observed).await;
        assert_eq!(object["status"]["revision"], 1);
        assert!(is_ready(&object));
    });
}

#[test]
fn a_rotate_of_an_uploaded_key_changes_nothing_and_says_so() {
    play(|stage| async move {
        stage.ready(SshKey, CI, upload(ED25519)).await;
        let before = stage.secret(CI).await;
        stage.annotate(SshKey, CI, ROTATE, "now").await;
        let object = stage
            .until(SshKey, CI, "handled", |object| {
                object["status"]["handledTriggers"]["rotate"] == json!(["now"])
            })
            .await;
        assert_eq!(
            (&object["status"]["revision"], &object["status"]["fingerprint"]),
            (&json!(1), &json!(FINGERPRINT))
        );
        assert!(is_ready(&object));
        assert_eq!(stage.secret(CI).await["data"], before["data"]);
        let note = stage.event(SshKey, CI, "Updated").await;
        assert!(note.contains("spec.publicKey"), "{note}");
    });
}

#[test]
fn a_lost_secret_of_an_upload_gets_the_same_key_and_after_a_revoke_only_another_key_issues() {
    play(|stage| async move {
        stage.ready(SshKey, CI, upload(ED25519)).await;
        stage.issued_an_hour_ago(SshKey, CI).await;
        stage.delete(Secret, CI).await;
        let again = stage.until_revision(SshKey, CI, 2).await;
        assert_eq!(again["status"]["fingerprint"], FINGERPRINT);

        stage.annotate(SshKey, CI, "chatelaine.dev/revoke", "stolen").await;
        stage.until_reason(SshKey, CI, "Ready", "Revoked").await;
        assert_eq!(has(&stage.secret(CI).await, "authorized_keys"), "");
        stage.annotate(SshKey, CI, ROTATE, "please").await;
        let still = stage
            .until(SshKey, CI, "handled", |object| {
                object["status"]["handledTriggers"]["rotate"] == json!(["please"])
            })
            .await;
        assert_eq!((&still["status"]["state"], &still["status"]["revision"]), (&json!("Revoked"), &json!(2)));
        stage.patch(SshKey, CI, json!({"spec": {"publicKey": P256}})).await;
        stage.until_revision(SshKey, CI, 3).await;
        assert_eq!(has(&stage.secret(CI).await, "authorized_keys"), format!("{P256}\n"));
    });
}

#[test]
fn a_bad_upload_is_refused_with_advice_and_holds_up_nobody() {
    play(|stage| async move {
        let two = format!("{ED25519}\n{P256}");
        let private =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n";
        let rows = [
            ("two-lines", two.as_str(), "more than one line"),
            ("dsa", "ssh-dss AAAAB3NzaC1kc3MAAACBAPuCgoQD alice", "DSA"),
            ("rsa-1024", RSA_1024, "2048"),
            ("private", private, "private key"),
            ("options", &format!("restrict {ED25519}"), "options"),
            ("garbled", "ssh-ed25519 AAAA alice", "damaged"),
        ];
        for (name, key, _) in &rows {
            stage.credential(SshKey, name, upload(key)).await;
        }
        stage.ready(SshKey, "good", upload(ED25519)).await;
        for (name, key, why) in &rows {
            let object = stage.until_reason(SshKey, name, "Ready", "InvalidKey").await;
            assert_conditions(
                &object,
                &["Ready=False InvalidKey", "Active=False InvalidKey", "Stalled=True InvalidKey"],
            );
            let message = text(&condition(&object, "Ready")["message"]);
            assert!(message.contains(why) && message.starts_with("spec.publicKey"), "{name}: {message}");
            assert!(!object["status"].to_string().contains(*key), "{name}: the input is not repeated");
            assert!(stage.get(Secret, name).await.is_null(), "{name}");
        }
        stage.patch(SshKey, "dsa", json!({"spec": {"publicKey": ED25519}})).await;
        stage.until_revision(SshKey, "dsa", 1).await;
    });
}

#[test]
fn a_bad_key_in_place_of_a_good_one_leaves_the_good_one() {
    play(|stage| async move {
        stage.ready(SshKey, CI, upload(ED25519)).await;
        let before = stage.secret(CI).await;
        stage.patch(SshKey, CI, json!({"spec": {"publicKey": RSA_1024}})).await;
        let object = stage.until_reason(SshKey, CI, "Stalled", "InvalidKey").await;
        assert_eq!(object["status"]["revision"], 1);
        assert_eq!(stage.secret(CI).await["data"], before["data"]);
    });
}
