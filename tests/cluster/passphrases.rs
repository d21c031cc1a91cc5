//! Private keys with a passphrase: encrypted as `ssh-keygen` reads it, and the same key when the passphrase is another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::stage::{
    CI, Secret, SshKey, Stage, assert_conditions, condition, has, is_observed, is_ready, ledger, play, text,
    uid,
};

const ROTATE: &str = "chatelaine.dev/rotate";

fn with_passphrase(mut spec: Value) -> Value {
    spec["passphraseSecretRef"] = json!({"name": "vault", "key": "passphrase"});
    spec
}

async fn vault(stage: &Stage<'_>, passphrase: &str) {
    let data = json!({"stringData": {"passphrase": passphrase}});
    match stage.get(Secret, "vault").await.is_null() {
        true => stage.create(Secret, "vault", data).await,
        false => stage.patch(Secret, "vault", data).await,
    };
}

/// The public half that `ssh-keygen` finds with this passphrase; None if it is refused.
fn opened(private: &str, passphrase: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("locked-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let name = data_encoding::HEXLOWER.encode(&private.as_bytes()[private.len() - 60..private.len() - 40]);
    let file = folder.join(name);
    fs::write(&file, private).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file");
    let output = Command::new("ssh-keygen").args(["-y", "-P", passphrase, "-f"]).arg(&file).output();
    fs::remove_file(&file).expect("the file is ours");
    let output = output.expect("ssh-keygen runs");
    output.status.success().then(|| String::from_utf8(output.stdout).expect("text"))
}

fn no_tools() -> bool {
    let missing = Command::new("ssh-keygen").arg("-?").output().is_err();
    if missing {
        support::skip("what ssh-keygen says of encrypted keys: it is not installed");
    }
    missing
}

fn seal_of(object: &Value) -> String {
    format!("chatelaine-seal-{}", uid(object))
}

#[test]
fn a_private_key_is_encrypted_and_ssh_keygen_opens_it_with_the_passphrase_alone() {
    if no_tools() {
        return;
    }
    play(|stage| async move {
        vault(&stage, "correct horse\n").await;
        let rsa = with_passphrase(json!({"algorithm": "Rsa", "bits": 2048}));
        for (name, spec) in [("ed25519", with_passphrase(json!({}))), ("rsa", rsa)] {
            let object = stage.ready(SshKey, name, spec).await;
            assert_conditions(
                &object,
                &[
                    "Ready=True Issued",
                    "Active=True Issued",
                    "ExpiringSoon=False NeverExpires",
                    "Expired=False NeverExpires",
                ],
            );
            let secret = stage.secret(name).await;
            let private = has(&secret, "ssh-privatekey");
            assert_eq!(opened(&private, "correct horse"), Some(has(&secret, "ssh-publickey")), "{name}");
            assert_eq!(opened(&private, ""), None, "{name}");
            assert!(!secret.to_string().contains("correct horse"));
        }
    });
}

#[test]
fn without_its_passphrase_a_key_waits_and_is_made_soon_after_it_comes() {
    play(|stage| async move {
        stage.credential(SshKey, CI, with_passphrase(json!({}))).await;
        let waiting = stage.until_reason(SshKey, CI, "Ready", "PassphraseNotFound").await;
        assert_conditions(
            &waiting,
            &[
                "Ready=False PassphraseNotFound",
                "Active=False PassphraseNotFound",
                "Reconciling=True PassphraseNotFound",
            ],
        );
        let message = text(&condition(&waiting, "Ready")["message"]);
        assert!(message.contains("Secret vault") && message.contains("key passphrase"), "{message}");
        assert!(stage.get(Secret, CI).await.is_null(), "nothing is minted");
        vault(&stage, "").await;
        stage
            .until(SshKey, CI, "told that it is empty", |object| {
                text(&condition(object, "Ready")["message"]).contains("is empty")
            })
            .await;
        vault(&stage, "at last").await;
        stage.until(SshKey, CI, "issued", is_ready).await;
    });
}

#[test]
fn a_changed_passphrase_encrypts_the_same_keys_anew_within_about_a_minute() {
    if no_tools() {
        return;
    }
    play(|stage| async move {
        vault(&stage, "first").await;
        stage.ready(SshKey, CI, with_passphrase(json!({"rotation": {"overlap": "1h"}}))).await;
        stage.annotate(SshKey, CI, ROTATE, "now").await;
        stage.until_revision(SshKey, CI, 2).await;
        let before = stage.secret(CI).await;
        vault(&stage, "second").await;
        let differs = |secret: &Value| {
            ["ssh-privatekey", "previous-ssh-privatekey"]
                .iter()
                .all(|key| has(secret, key) != has(&before, key))
        };
        let after = stage.until(Secret, CI, "encrypted anew", differs).await;
        for prefix in ["", "previous-"] {
            let [private, public] = ["privatekey", "publickey"].map(|half| format!("{prefix}ssh-{half}"));
            assert_eq!(opened(&has(&after, &private), "second"), Some(has(&before, &public)));
            assert_eq!(opened(&has(&after, &private), "first"), None);
        }
        assert_eq!(has(&after, "authorized_keys"), has(&before, "authorized_keys"));
        let object = stage.until(SshKey, CI, "ready", is_ready).await;
        assert_eq!(object["status"]["revision"], 2, "it is no rotation");
        assert_eq!(object["status"]["history"].as_array().map(Vec::len), Some(2));
        stage.event(SshKey, CI, "Updated").await;
    });
}

#[test]
fn a_passphrase_that_is_added_or_removed_leaves_the_key_the_same() {
    if no_tools() {
        return;
    }
    play(|stage| async move {
        vault(&stage, "first").await;
        stage.ready(SshKey, CI, json!({})).await;
        let plain = stage.secret(CI).await;
        stage.patch(SshKey, CI, json!({"spec": with_passphrase(json!({}))})).await;
        let is_locked = |secret: &Value| has(secret, "ssh-privatekey") != has(&plain, "ssh-privatekey");
        let locked = stage.until(Secret, CI, "encrypted", is_locked).await;
        let public = has(&plain, "ssh-publickey");
        assert_eq!(opened(&has(&locked, "ssh-privatekey"), "first"), Some(public.clone()));
        stage.until(SshKey, CI, "ready", is_ready).await;
        stage.patch(SshKey, CI, json!({"spec": {"passphraseSecretRef": null}})).await;
        let open = stage.until(Secret, CI, "open", |secret| ledger(secret)["sealed"].is_null()).await;
        assert_eq!(opened(&has(&open, "ssh-privatekey"), ""), Some(public));
        let object = stage.until(SshKey, CI, "ready", is_ready).await;
        assert_eq!(object["status"]["revision"], 1);
    });
}

#[test]
fn a_live_key_stays_as_it_is_when_its_passphrase_goes_and_a_rotation_waits() {
    play(|stage| async move {
        vault(&stage, "first").await;
        stage.ready(SshKey, CI, with_passphrase(json!({}))).await;
        let before = stage.secret(CI).await;
        stage.delete(Secret, "vault").await;
        stage.annotate(SshKey, CI, ROTATE, "now").await;
        let told = stage.until_reason(SshKey, CI, "Reconciling", "PassphraseNotFound").await;
        assert_eq!(condition(&told, "Ready")["status"], "True", "what is valid is served");
        assert_eq!(stage.secret(CI).await["data"], before["data"]);
        vault(&stage, "second").await;
        stage.until_revision(SshKey, CI, 2).await;
    });
}

#[test]
fn the_seal_goes_with_the_key_and_a_restored_one_still_opens_it() {
    if no_tools() {
        return;
    }
    play(|stage| async move {
        vault(&stage, "first").await;
        let object = stage.ready(SshKey, CI, with_passphrase(json!({}))).await;
        let exported = [CI.to_owned(), seal_of(&object)];
        let mut secrets = Vec::new();
        for name in &exported {
            secrets.push(stage.secret(name).await);
        }
        stage.delete(SshKey, CI).await;
        for name in &exported {
            stage.until_gone(Secret, name).await;
        }
        for (name, secret) in exported.iter().zip(&secrets) {
            let meta = &secret["metadata"];
            let back = json!({
                "metadata": {"labels": meta["labels"], "annotations": meta["annotations"]},
                "type": secret["type"],
                "data": secret["data"],
            });
            stage.create(Secret, name, back).await;
        }
        stage.create(SshKey, CI, json!({"spec": object["spec"]})).await;
        let restored = stage.until_reason(SshKey, CI, "Ready", "Restored").await;
        let after = stage.secret(CI).await;
        assert_eq!(after["data"], secrets[0]["data"], "byte for byte");
        vault(&stage, "second").await;
        let differs = |secret: &Value| has(secret, "ssh-privatekey") != has(&after, "ssh-privatekey");
        let anew = stage.until(Secret, CI, "encrypted anew", differs).await;
        assert_eq!(opened(&has(&anew, "ssh-privatekey"), "second"), Some(has(&after, "ssh-publickey")));
        stage.until(SshKey, CI, "observed", is_observed).await;
        let owner = &stage.secret(&exported[1]).await["metadata"]["ownerReferences"][0]["uid"];
        assert_eq!(*owner, json!(uid(&restored)), "the seal goes with the new object");
        stage.delete(SshKey, CI).await;
        stage.until_gone(Secret, &exported[1]).await;
    });
}
