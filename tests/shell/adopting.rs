//! A Secret that somebody offers is taken over as it is, and no new material is made over it.

use chatelaine::{api::SshKey, core::reason::Reason};
use data_encoding::BASE64;
use serde_json::json;
use ssh_key::{LineEnding, PrivateKey};

use crate::{output::value, stage::Stage};

#[tokio::test(start_paused = true)]
async fn an_ssh_key_with_a_comment_longer_than_a_ledger_can_say_is_adopted_with_its_bytes() {
    let mut maker = Stage::<SshKey>::new(json!({}));
    maker.rest().await;
    let made = value(&maker.secret("ci"), "ssh-privatekey").unwrap();
    let mut key = PrivateKey::from_openssh(made).unwrap();
    key.set_comment("c".repeat(9_000));
    let text = key.to_openssh(LineEnding::LF).unwrap();
    let mut stage = Stage::<SshKey>::new(json!({}));
    stage.server.put(
        "secrets",
        json!({
            "metadata": {"name": "ci", "namespace": "ns", "uid": "theirs", "annotations": {"chatelaine.dev/adopt": "SshKey/ci"}},
            "type": "kubernetes.io/ssh-auth",
            "data": {"ssh-privatekey": BASE64.encode(text.as_bytes())},
        }),
    );
    stage.rest().await;
    assert_eq!(stage.told(), [Reason::Adopted], "and nothing was made");
    assert_eq!(value(&stage.secret("ci"), "ssh-privatekey").as_deref(), Some(&**text));
    let bare = PrivateKey::new(key.key_data().clone(), "").unwrap().public_key().to_openssh().unwrap();
    assert_eq!(value(&stage.secret("ci"), "ssh-publickey"), Some(format!("{bare}\n")));
    assert_eq!((&stage.ledger()["revision"], &stage.ledger()["public"]), (&json!(1), &json!(bare)));
    assert_eq!((&stage.condition("Ready")["status"], stage.told()), (&json!("True"), vec![]));
}
