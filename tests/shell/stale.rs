//! Caches that show what was before: of what another operator has done meanwhile nothing is done again, nor undone.

use chatelaine::api::{AccessToken, SshKey};
use serde_json::json;

use crate::{
    interrupted::{WORKS, beginning, outcome},
    stage::Stage,
};

const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG8e9kAlxrSX8PL/HsjuyQK50K+LL/bvho9nSKfwJ4x5 me",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHfJHtrkzwpzrEo6aNqVJtXjZFaadgT7BUSSi9CGJXPU me",
];

type See = fn(&mut Stage<AccessToken>);

/// In which order the caches catch up.
const ORDERS: [(&str, [See; 3]); 3] = [
    ("the object first", [see_object, see_secrets, Stage::see_account]),
    ("the Secrets first", [see_secrets, see_object, Stage::see_account]),
    ("the Account first", [Stage::see_account, see_secrets, see_object]),
];

fn see_object(stage: &mut Stage<AccessToken>) {
    stage.see_object("ci");
}

fn see_secrets(stage: &mut Stage<AccessToken>) {
    ["ci", "chatelaine-held-uid-ci"].into_iter().for_each(|name| stage.see_secret(name));
}

#[tokio::test(start_paused = true)]
async fn caches_that_lag_behind_what_another_operator_has_done_neither_repeat_nor_undo_it() {
    for (name, from, ask, end) in WORKS {
        for (order, steps) in ORDERS {
            let (mut stale, was) = beginning(from).await;
            let mut other = stale.another_operator();
            other.see_account();
            other.see();
            let spec = other.object("ci")["spec"].clone();
            ask(&mut other);
            if other.object("ci")["spec"] != spec {
                // Of another wish nobody knows before it is seen.
                continue;
            }
            other.rest().await;
            let done = stale.server.published("ci").len();
            let _ = stale.look().await;
            for see in steps {
                see(&mut stale);
                let _ = stale.look().await;
            }
            stale.rest().await;
            assert_eq!(outcome(&stale, &was), end, "{name}, {order}");
            assert_eq!(stale.server.published("ci").len(), done, "{name}, {order}: nothing was left to do");
            stale.was_consistent();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_that_was_moved_back_meanwhile_brings_nothing_dead_to_life() {
    let mut stale = Stage::<AccessToken>::new(json!({"expirationTime": "2100-01-01T00:00:00Z"}));
    stale.rest().await;
    let mut other = stale.another_operator();
    other.see_account();
    other.see();
    other.edit(|object| object["spec"]["expirationTime"] = json!("2000-01-01T00:00:00Z"));
    other.rest().await;
    assert_eq!(other.ledger()["state"], "Expired");
    stale.see_secret("ci");
    let _ = stale.look().await;
    stale.rest().await;
    assert_eq!((&stale.ledger()["state"], &stale.ledger()["revision"]), (&json!("Expired"), &json!(1)));
    stale.edit(|object| object["spec"]["expirationTime"] = json!("2100-01-01T00:00:00Z"));
    stale.rest().await;
    assert_eq!((&stale.ledger()["state"], &stale.ledger()["revision"]), (&json!("Live"), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn an_uploaded_key_that_was_replaced_meanwhile_does_not_come_back() {
    let upload = |key: &str| json!({"method": "Upload", "publicKey": key});
    let mut stale = Stage::<SshKey>::new(upload(KEYS[0]));
    stale.rest().await;
    let mut other = stale.another_operator();
    other.see_account();
    other.see();
    other.edit(|object| object["spec"]["publicKey"] = json!(KEYS[1]));
    other.rest().await;
    let replaced = other.secret("ci");
    stale.see_secret("ci");
    let _ = stale.look().await;
    stale.rest().await;
    assert_eq!(stale.secret("ci"), replaced);
    assert_eq!(stale.ledger()["revision"], 2);
}
