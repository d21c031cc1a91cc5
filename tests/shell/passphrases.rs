//! A private key with a passphrase: what it costs, and that there is always a way back to the key.

use std::time::Duration;

use chatelaine::{
    api::{ROTATE, SshKey},
    controller::queue::Again,
};
use data_encoding::BASE64;
use http::Method;
use serde_json::{Value, json};
use ssh_key::PrivateKey;

use crate::{
    server::{Answer, Fault, Phase},
    stage::Stage,
};

const SEAL: &str = "chatelaine-seal-uid-ci";
const GET_SEAL: &str = "GET secrets/chatelaine-seal-uid-ci";
const GET_VAULT: &str = "GET secrets/vault";

fn reference() -> Value {
    json!({"passphraseSecretRef": {"name": "vault", "key": "passphrase"}})
}

fn vault(stage: &Stage<SshKey>, passphrase: &str) {
    let data = json!({"passphrase": BASE64.encode(passphrase.as_bytes())});
    let metadata = json!({"name": "vault", "namespace": "ns", "uid": "uid-vault"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data});
    stage.server.put("secrets", secret);
}

/// Passes until nothing is being made any more and nothing is written; what was asked for meanwhile.
async fn settle(stage: &mut Stage<SshKey>) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..20 {
        stage.see();
        stage.look().await.expect("a pass");
        let asked = stage.server.asked();
        if stage.condition("Reconciling")["reason"] == "Minting" {
            stage.next().await;
        } else if asked.iter().all(|asked| asked.starts_with("GET")) {
            all.extend(asked);
            return all;
        }
        all.extend(asked);
    }
    panic!("it never comes to rest: {all:#?}");
}

async fn issued(extra: Value) -> Stage<SshKey> {
    let mut spec = reference();
    spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let mut stage = Stage::new(spec);
    vault(&stage, "first");
    settle(&mut stage).await;
    stage
}

async fn a_minute_later() {
    tokio::time::advance(Duration::from_secs(61)).await;
}

fn text(stage: &Stage<SshKey>, key: &str) -> String {
    let value = stage.secret("ci")["data"][key].as_str().expect("a value").to_owned();
    String::from_utf8(BASE64.decode(value.as_bytes()).unwrap()).unwrap()
}

/// The public half of the private key under this data key, if the passphrase opens it.
fn opened(stage: &Stage<SshKey>, key: &str, passphrase: &str) -> Option<String> {
    let private = PrivateKey::from_openssh(text(stage, key)).unwrap();
    assert!(private.is_encrypted());
    let public = private.decrypt(passphrase).ok()?.public_key().to_openssh().unwrap();
    Some(format!("{public}\n"))
}

#[tokio::test(start_paused = true)]
async fn the_seal_is_written_before_the_first_key_and_a_quiet_pass_asks_once_a_minute() {
    let mut stage = Stage::<SshKey>::new(reference());
    vault(&stage, "first\n");
    let status = stage.status_path();
    let asked = settle(&mut stage).await;
    let first = [GET_VAULT, "POST secrets", &status];
    let second = [GET_VAULT, GET_SEAL, "POST secrets", &status];
    assert_eq!(asked, [&first[..], &second[..]].concat());
    let public = text(&stage, "ssh-publickey");
    assert_eq!(opened(&stage, "ssh-privatekey", "first"), Some(public));
    assert!(matches!(stage.look().await, Ok(Again::In(pause)) if pause <= Duration::from_secs(60)));
    assert_eq!(stage.server.asked(), [""; 0]);
    a_minute_later().await;
    stage.look().await.expect("quiet");
    assert_eq!(stage.server.asked(), [GET_VAULT], "its version, no more");
    let ledger = stage.ledger().to_string();
    assert!(!ledger.contains("first") && !ledger.contains(&BASE64.encode(b"first")));
    assert_eq!(stage.secret(SEAL)["metadata"]["ownerReferences"][0]["uid"], "uid-ci");
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_written() {
    let mut stage = issued(json!({})).await;
    stage.keeper.house.passphrases.forget("uid-ci");
    assert_eq!(settle(&mut stage).await, [GET_VAULT, GET_SEAL]);
}

#[tokio::test(start_paused = true)]
async fn without_the_passphrase_nothing_is_made_and_it_is_looked_for_soon_and_then_each_minute() {
    let mut stage = Stage::<SshKey>::new(reference());
    let mut pauses = Vec::new();
    for _ in 0..10 {
        stage.see();
        let Ok(Again::In(pause)) = stage.look().await else { panic!("it is looked for again") };
        pauses.push(pause.as_secs_f32().ceil() as u64);
        tokio::time::advance(pause).await;
    }
    assert!(pauses[0] <= 1 && pauses[9] >= 59, "{pauses:?}");
    assert!(stage.server.asked().iter().all(|asked| asked == GET_VAULT || asked.ends_with("ci/status")));
    let ready = stage.condition("Ready");
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("False"), &json!("PassphraseNotFound")));
    assert!(ready["message"].as_str().unwrap().contains("no Secret vault"), "{ready}");
    assert_eq!(stage.condition("Reconciling")["status"], "True");
    for (passphrase, reason) in
        [("", "PassphraseNotFound"), ("\n", "PassphraseNotFound"), ("two\nlines", "InvalidPassphrase")]
    {
        vault(&stage, passphrase);
        settle_refused(&mut stage).await;
        assert_eq!(stage.condition("Ready")["reason"], reason, "{passphrase:?}");
    }
    vault(&stage, "at last");
    settle(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 1);
}

async fn settle_refused(stage: &mut Stage<SshKey>) {
    stage.see();
    stage.look().await.expect("told");
    assert!(stage.server.get("secrets", "ci").is_none(), "nothing is made");
    stage.see();
}

#[tokio::test(start_paused = true)]
async fn another_passphrase_encrypts_the_same_key_anew_in_one_write() {
    let mut stage = issued(json!({})).await;
    let (before, public) = (stage.ledger(), text(&stage, "ssh-publickey"));
    vault(&stage, "second");
    stage.server.asked();
    assert_eq!(settle(&mut stage).await, [""; 0], "nobody says so");
    a_minute_later().await;
    let asked = settle(&mut stage).await;
    let writes: Vec<_> = asked.iter().filter(|asked| !asked.starts_with("GET")).collect();
    let status = stage.status_path();
    assert_eq!(writes, [&status, "PUT secrets/ci", &status], "{asked:?}");
    assert_eq!(opened(&stage, "ssh-privatekey", "second"), Some(public));
    assert_eq!(opened(&stage, "ssh-privatekey", "first"), None);
    let after = stage.ledger();
    assert_eq!((&after["revision"], &after["digest"]), (&before["revision"], &before["digest"]));
    assert_eq!(after["history"], before["history"]);
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_touched_secret_with_the_same_passphrase_changes_nothing() {
    let mut stage = issued(json!({})).await;
    let before = stage.secret("ci");
    vault(&stage, "first\n");
    a_minute_later().await;
    assert_eq!(settle(&mut stage).await, [GET_VAULT, GET_VAULT, GET_SEAL]);
    assert_eq!(stage.secret("ci"), before);
}

#[tokio::test(start_paused = true)]
async fn in_an_overlap_both_keys_get_the_new_passphrase() {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    stage.annotate(ROTATE, "again");
    settle(&mut stage).await;
    vault(&stage, "second");
    a_minute_later().await;
    settle(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 2);
    for prefix in ["", "previous-"] {
        let private = format!("{prefix}ssh-privatekey");
        let public = text(&stage, &format!("{prefix}ssh-publickey"));
        assert_eq!(opened(&stage, &private, "second"), Some(public), "{prefix}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_with_another_passphrase_leaves_no_key_with_the_old_one() {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    let old = text(&stage, "ssh-publickey");
    vault(&stage, "second");
    stage.annotate(ROTATE, "again");
    settle(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 2);
    assert_eq!(opened(&stage, "previous-ssh-privatekey", "second"), Some(old));
    assert_eq!(opened(&stage, "ssh-privatekey", "second"), Some(text(&stage, "ssh-publickey")));
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_passphrase_that_comes_and_goes_leaves_the_key_the_same() {
    let mut stage = Stage::<SshKey>::new(json!({}));
    vault(&stage, "first");
    settle(&mut stage).await;
    let public = text(&stage, "ssh-publickey");
    stage.edit(|object| object["spec"]["passphraseSecretRef"] = reference()["passphraseSecretRef"].clone());
    settle(&mut stage).await;
    assert_eq!(opened(&stage, "ssh-privatekey", "first"), Some(public.clone()));
    stage.edit(|object| drop(object["spec"].as_object_mut().unwrap().remove("passphraseSecretRef")));
    settle(&mut stage).await;
    let plain = PrivateKey::from_openssh(text(&stage, "ssh-privatekey")).unwrap();
    assert!(!plain.is_encrypted());
    assert_eq!(format!("{}\n", plain.public_key().to_openssh().unwrap()), public);
    assert_eq!((&stage.ledger()["revision"], &stage.ledger()["sealed"]), (&json!(1), &Value::Null));
    stage.was_consistent();
}

#[tokio::test(start_paused = true)]
async fn a_live_key_stays_as_it_is_when_its_passphrase_goes() {
    let mut stage = issued(json!({})).await;
    let before = stage.secret("ci");
    stage.server.remove("secrets", "vault");
    a_minute_later().await;
    settle(&mut stage).await;
    assert_eq!(stage.secret("ci"), before);
    assert_eq!(stage.condition("Ready")["status"], "True");
    stage.annotate(ROTATE, "again");
    stage.see();
    stage.look().await.expect("told");
    assert_eq!(stage.condition("Reconciling")["reason"], "PassphraseNotFound");
    assert_eq!(stage.condition("Ready")["status"], "True", "what is valid is served");
    assert_eq!(stage.secret("ci"), before);
    vault(&stage, "first");
    settle(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 2, "the rotation was pending");
}

#[tokio::test(start_paused = true)]
async fn a_lost_seal_is_made_again_and_the_same_key_noted_anew() {
    let mut stage = issued(json!({})).await;
    let public = text(&stage, "ssh-publickey");
    stage.server.remove("secrets", SEAL);
    settle(&mut stage).await;
    assert!(stage.server.get("secrets", SEAL).is_some());
    vault(&stage, "second");
    a_minute_later().await;
    settle(&mut stage).await;
    assert_eq!(opened(&stage, "ssh-privatekey", "second"), Some(public));
    assert_eq!(stage.ledger()["revision"], 1);
}

#[tokio::test(start_paused = true)]
async fn with_seal_and_passphrase_lost_it_is_said_and_a_rotation_helps() {
    let mut stage = issued(json!({"rotation": {"overlap": "1h"}})).await;
    let before = text(&stage, "ssh-privatekey");
    stage.server.remove("secrets", SEAL);
    vault(&stage, "second");
    a_minute_later().await;
    settle(&mut stage).await;
    assert_eq!(stage.condition("Stalled")["reason"], "InvalidPassphrase");
    assert_eq!(text(&stage, "ssh-privatekey"), before);
    a_minute_later().await;
    assert_eq!(settle(&mut stage).await.iter().filter(|asked| !asked.starts_with("GET")).count(), 0);
    stage.annotate(ROTATE, "again");
    settle(&mut stage).await;
    assert_eq!(stage.condition("Ready")["reason"], "Rotated");
    assert_eq!(opened(&stage, "ssh-privatekey", "second"), Some(text(&stage, "ssh-publickey")));
    assert_eq!(text(&stage, "previous-ssh-privatekey"), before, "it runs out as it is");
}

#[tokio::test(start_paused = true)]
async fn what_is_withheld_comes_back_byte_for_byte_also_when_its_secret_was_lost() {
    let mut stage = issued(json!({})).await;
    let before = stage.secret("ci")["data"].clone();
    for lose in [false, true] {
        stage.edit(|object| object["spec"]["active"] = json!(false));
        settle(&mut stage).await;
        assert_eq!(stage.ledger()["state"], "Withheld");
        if lose {
            stage.server.remove("secrets", "ci");
            settle(&mut stage).await;
        }
        stage.edit(|object| object["spec"]["active"] = json!(true));
        settle(&mut stage).await;
        assert_eq!(stage.secret("ci")["data"], before, "lost: {lose}");
        assert_eq!(stage.ledger()["revision"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_passphrase_that_changed_while_the_key_was_withheld_is_used_when_it_is_back() {
    for method in [Method::PUT, Method::DELETE] {
        let mut stage = issued(json!({})).await;
        stage.edit(|object| object["spec"]["active"] = json!(false));
        settle(&mut stage).await;
        vault(&stage, "second");
        a_minute_later().await;
        settle(&mut stage).await;
        stage.edit(|object| object["spec"]["active"] = json!(true));
        let fault = Fault { method, path: "secrets/", phase: Phase::Committed, answer: Answer::Status(500) };
        stage.server.spoil(fault);
        stage.look().await.expect_err("interrupted");
        settle(&mut stage).await;
        assert_eq!(opened(&stage, "ssh-privatekey", "second"), Some(text(&stage, "ssh-publickey")));
        assert_eq!(stage.ledger()["revision"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_encrypted_key_is_made_anew() {
    let mut stage = issued(json!({})).await;
    let mut damaged = stage.secret("ci");
    let other = issued(json!({})).await;
    damaged["data"]["ssh-privatekey"] = other.secret("ci")["data"]["ssh-privatekey"].clone();
    let hour_ago = "2020-01-01T00:00:00Z";
    let ledger = stage.ledger().to_string().replace(stage.ledger()["issueTime"].as_str().unwrap(), hour_ago);
    damaged["metadata"]["annotations"]["chatelaine.dev/ledger"] = json!(ledger);
    stage.server.put("secrets", damaged);
    settle(&mut stage).await;
    assert_eq!(stage.ledger()["revision"], 2);
    assert_eq!(stage.condition("Ready")["reason"], "SecretRepaired");
}

#[tokio::test(start_paused = true)]
async fn whatever_write_is_lost_the_next_passes_come_to_the_same_end() {
    for (phase, answer) in [
        (Phase::Before, Answer::Status(500)),
        (Phase::Committed, Answer::Status(504)),
        (Phase::Committed, Answer::Garbled),
    ] {
        let faults = [(Method::POST, "secrets"), (Method::PUT, "secrets/ci")];
        for (method, path) in faults {
            let mut stage = issued(json!({})).await;
            let public = text(&stage, "ssh-publickey");
            // Both at once: the seal is made again, and the key encrypted anew.
            stage.server.remove("secrets", SEAL);
            stage.server.spoil(Fault { method: method.clone(), path, phase, answer });
            for _ in 0..6 {
                stage.see();
                let _ = stage.look().await;
                tokio::time::sleep(Duration::from_secs(6)).await;
            }
            stage.server.asked();
            while let Ok(key) =
                tokio::time::timeout(Duration::from_millis(1), stage.keeper.house.queue.next()).await
            {
                stage.keeper.house.queue.done(&key, Again::Never);
            }
            settle(&mut stage).await;
            assert_eq!(
                opened(&stage, "ssh-privatekey", "first"),
                Some(public),
                "{method} {phase:?} {answer:?}"
            );
            assert_eq!(stage.ledger()["revision"], 1);
            stage.was_consistent();
        }
    }
}
