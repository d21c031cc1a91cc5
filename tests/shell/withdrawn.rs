//! A withdrawn Secret has nothing of what was made from the material: each format, template and type of each kind, under
//! the kind's own names and under others, withheld, expired and revoked, and that of an overlap too.

use std::collections::BTreeSet;

use chatelaine::{
    api::{AccessToken, ApiKeyPair, REVOKE, ROTATE, SecretFormat, SshKey},
    credentials::Credential,
};
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Map, Value, json};

use crate::stage::Stage;

const ATTRIBUTES: [(&str, &str); 2] =
    [("endpoint", "https://s3.example.com"), ("registry", "registry.example.com")];

/// Everything that the kind can be asked to show, and in it every name that it has.
fn everything<K: Credential>(formats: &[&str], names: &[(&str, &str)]) -> Value {
    let value = |name: &&str| (format!("of-{name}"), json!(format!("$({name}) $({name}|base64)")));
    let template: Map<String, Value> =
        K::NAMES.iter().map(value).chain([("text".to_owned(), json!("no secret"))]).collect();
    let keys: Map<String, Value> =
        names.iter().map(|(own, other)| ((*own).to_owned(), json!(other))).collect();
    json!({
        "secret": {"formats": formats, "template": template, "keys": keys},
        "rotation": {"overlap": "1h"},
    })
}

fn data(stage: &Stage<impl Credential>) -> Map<String, Value> {
    stage.secret("ci")["data"].as_object().unwrap().clone()
}

fn decoded(value: &Value) -> Vec<u8> {
    BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap()
}

/// The values of the material, current and previous.
fn secrets<K: Credential>(stage: &Stage<K>) -> Vec<Vec<u8>> {
    let ours = stage.ledger()["ours"]["keys"].as_object().unwrap().clone();
    let is_secret =
        |key: &String| ours.get(key).is_some_and(|role| K::SECRET_ROLES.contains(&role.as_str().unwrap()));
    data(stage).iter().filter(|(key, _)| is_secret(key)).map(|(_, value)| decoded(value)).collect()
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Only these keys are left, and none of them holds any of the secrets.
fn only<K: Credential>(stage: &Stage<K>, rest: &[&str], secrets: &[Vec<u8>], when: &str) {
    let left = data(stage);
    let keys: BTreeSet<&str> = left.keys().map(String::as_str).collect();
    assert_eq!(keys, rest.iter().copied().collect(), "{} {when}", K::KIND);
    for (key, value) in &left {
        let text = decoded(value);
        for secret in secrets {
            let forms = [secret.clone(), BASE64.encode(secret).into(), HEXLOWER.encode(secret).into()];
            assert!(!forms.iter().any(|form| holds(&text, form)), "{} {when}: {key}", K::KIND);
        }
    }
}

/// Goes through every way in which material is withdrawn; `dated` is left beside the rest when there is an end.
async fn nothing_is_left<K: Credential>(spec: Value, rest: &[&str], dated: &[&str]) {
    let with_end = [rest, dated].concat();
    let mut stage = Stage::<K>::new(spec);
    stage.rest().await;
    stage.annotate(ROTATE, "an overlap");
    stage.rest().await;
    let before = data(&stage);
    let first = secrets(&stage);
    assert!(first.len() >= 2 && before.len() > rest.len() + K::NAMES.len(), "{before:?}");
    stage.edit(|object| object["spec"]["active"] = json!(false));
    stage.rest().await;
    only(&stage, rest, &first, "withheld");
    stage.edit(|object| object["spec"]["active"] = json!(true));
    stage.rest().await;
    assert_eq!(data(&stage), before, "{} given back", K::KIND);

    stage.edit(|object| object["spec"]["expirationTime"] = json!("2020-01-01T00:00:00Z"));
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Expired");
    only(&stage, &with_end, &first, "expired");

    stage.edit(|object| {
        object["spec"].as_object_mut().unwrap().remove("expirationTime");
    });
    stage.annotate(ROTATE, "issued anew");
    stage.rest().await;
    stage.annotate(ROTATE, "an overlap again");
    stage.rest().await;
    let second = secrets(&stage);
    assert!(second.len() >= 2 && !second.contains(&first[0]));
    stage.annotate(REVOKE, "leak");
    stage.rest().await;
    assert_eq!(stage.ledger()["state"], "Revoked");
    only(&stage, rest, &[first, second].concat(), "revoked");
}

/// Each type that such a Secret can have, with the keys that the type keeps.
const TYPES: [(&str, &[&str]); 3] = [
    ("Opaque", &[]),
    ("kubernetes.io/basic-auth", &["username"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
];

fn of_type(mut spec: Value, type_: &str) -> Value {
    spec["secret"]["type"] = json!(type_);
    spec["attributes"] =
        ATTRIBUTES.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    spec
}

#[tokio::test(start_paused = true)]
async fn of_a_key_pair_its_access_key_is_left_and_what_the_type_demands() {
    let formats = SecretFormat::ALL.map(|format| format!("{format:?}"));
    let formats = formats.each_ref().map(String::as_str);
    let others = [
        ("accessKey", "ID"),
        ("secretKey", "SECRET"),
        ("previousAccessKey", "OLD_ID"),
        ("previousSecretKey", "OLD_SECRET"),
    ];
    for (type_, demanded) in TYPES {
        let own = of_type(everything::<ApiKeyPair>(&formats, &[]), type_);
        nothing_is_left::<ApiKeyPair>(own, &[&["accessKey"], demanded].concat(), &[]).await;
        let renamed = of_type(everything::<ApiKeyPair>(&formats, &others), type_);
        nothing_is_left::<ApiKeyPair>(renamed, &[&["ID"], demanded].concat(), &[]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_token_who_it_was_is_left_and_what_the_type_demands() {
    let formats = ["Json", "Csv", "Env", "ServiceBinding"];
    let others = [
        ("token", "TOKEN"),
        ("previousToken", "OLD_TOKEN"),
        ("account", "WHO"),
        ("permissions", "MAY"),
        ("expirationTime", "UNTIL"),
    ];
    for (type_, demanded) in TYPES {
        let own = of_type(everything::<AccessToken>(&formats, &[]), type_);
        let rest = [&["account", "permissions"], demanded].concat();
        nothing_is_left::<AccessToken>(own, &rest, &["expirationTime"]).await;
        let renamed = of_type(everything::<AccessToken>(&formats, &others), type_);
        nothing_is_left::<AccessToken>(renamed, &[&["WHO", "MAY"], demanded].concat(), &["UNTIL"]).await;
    }
}

/// Where a type demands a key, it is one line that says why; what is copied from it is the same line.
#[tokio::test(start_paused = true)]
async fn of_an_ssh_key_a_comment_is_left_and_an_empty_file() {
    let others = [
        ("ssh-privatekey", "id_ed25519"),
        ("ssh-publickey", "id_ed25519.pub"),
        ("previous-ssh-privatekey", "id_old"),
        ("previous-ssh-publickey", "id_old.pub"),
    ];
    let own = everything::<SshKey>(&["ServiceBinding"], &[]);
    nothing_is_left::<SshKey>(own, &["authorized_keys", "ssh-privatekey"], &[]).await;
    let copied = everything::<SshKey>(&["ServiceBinding"], &others);
    nothing_is_left::<SshKey>(copied, &["authorized_keys", "id_ed25519", "ssh-privatekey"], &[]).await;
}
