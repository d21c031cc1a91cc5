//! The lives of passwords: one that is generated, and one that somebody brings.

use chatelaine::api::{Account, ROTATE_PASSWORD};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::{
    PATIENCE,
    history::{Hands, eventually},
};

/// First and second password that somebody brings, and one that is refused.
pub const BROUGHT: [&[u8]; 3] =
    [b"swordfish, said Groucho", b"sturgeon, said Harpo", b"said Chico on one line\nand Zeppo on another"];

/// A Secret of somebody's.
pub async fn lay_into(name: &str, hands: &Hands, phrase: &[u8]) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
        "data": {"phrase": ByteString(phrase.to_vec())}});
    let apply = PatchParams::apply("somebody").force();
    hands.api::<Secret>().patch(name, &apply, &Patch::Apply(secret)).await.expect("applied");
}

pub async fn a_password(hands: &Hands) {
    let is = async |revision: i64| {
        eventually("the password is there", PATIENCE, async || {
            let account = hands.api::<Account>().get("alice").await.expect("it is there");
            let told = account.status.and_then(|status| status.password);
            told.is_some_and(|password| password.common.revision == Some(revision))
        })
        .await;
    };
    hands.merge::<Account>("alice", json!({"spec": {"password": {}}})).await;
    is(1).await;
    hands.merge::<Account>("alice", Hands::annotation(ROTATE_PASSWORD, "once")).await;
    is(2).await;
}

pub async fn a_password_of_somebodys_own(hands: &Hands) {
    let says = async |wanted: &str| {
        eventually(&format!("bob's password says {wanted}"), PATIENCE, async || {
            let bob = hands.api::<Account>().get("bob").await.expect("it is there");
            bob.status.is_some_and(|status| serde_json::to_string(&status.password).unwrap().contains(wanted))
        })
        .await;
    };
    let look = async |value: &str| {
        hands.merge::<Account>("bob", Hands::annotation("reconcile.fluxcd.io/requestedAt", value)).await;
    };
    lay_into("login", hands, BROUGHT[0]).await;
    let password = json!({"secretRef": {"name": "login", "key": "phrase"}});
    hands.create::<Account>("bob", json!({"email": "bob@example.com", "password": password})).await;
    says("\"revision\":1").await;
    for (phrase, wanted) in [(BROUGHT[1], "\"revision\":2"), (BROUGHT[2], "InvalidPassword")] {
        lay_into("login", hands, phrase).await;
        look(wanted).await;
        says(wanted).await;
    }
}
