//! No secret byte leaves a Secret: every value that was ever in one is looked for everywhere else.

#![cfg(feature = "operator")]

#[path = "leaks/disguise.rs"]
mod disguise;
mod history;
#[path = "leaks/passwords.rs"]
mod passwords;

use std::{collections::BTreeMap, fs, process::Command, time::Duration};

use chatelaine::{
    api::{AccessToken, Account, ApiKeyPair, REVOKE, ROTATE, SecretType, SshKey},
    controller::{dice::SystemDice, secrets::Values},
    core::material::{Parts, digest},
    credentials::{Credential, Order, Showing, password::Password, rendering::renderings},
};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use disguise::found;
use history::{Hands, History, block_on, eventually};
use k8s_openapi::{
    ByteString,
    api::{core::v1::Secret, events::v1::Event},
};
use kube::{
    Api, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams},
    discovery::ApiResource,
};
use passwords::{BROUGHT, a_password, a_password_of_somebodys_own, lay_into};
use serde::Serialize;
use serde_json::{Value, json};
use support::operator::Launch;

const BINARY: &str = env!("CARGO_BIN_EXE_chatelaine");
const PATIENCE: Duration = Duration::from_secs(60);
/// First and second passphrase of a key.
const PASSPHRASES: [&[u8]; 2] = [b"open sesame, said Ali Baba", b"shut sesame, said Cassim"];
/// What is rendered in the lives here: each holds a secret in other words.
const RENDERINGS: [&str; 11] = [
    "credentials.json",
    "credentials.csv",
    "credentials.env",
    "aws-credentials",
    "aws-credential-process.json",
    "rclone.conf",
    "s3cfg",
    "mc-config.json",
    ".dockerconfigjson",
    "password",
    "rendered",
];
const STRANGERS: &[u8] = b"a stranger's password: Tr0ub4dor&3";
const DAMAGE: &[u8] = b"what somebody typed over it: hunter2hunter2";

/// The values that must not be seen, by the name of the Secret that they were in.
fn secret_values(versions: &[Secret]) -> BTreeMap<Vec<u8>, String> {
    let roles =
        [AccessToken::SECRET_ROLES, ApiKeyPair::SECRET_ROLES, SshKey::SECRET_ROLES, Password::SECRET_ROLES]
            .concat();
    // What private keys are encrypted with, and what lets the ledger say with what.
    values_of(versions, &[&roles[..], &RENDERINGS, &["phrase", "key"]].concat())
}

fn values_of(versions: &[Secret], keys: &[&str]) -> BTreeMap<Vec<u8>, String> {
    let mut values = BTreeMap::new();
    for secret in versions {
        for (key, ByteString(value)) in secret.data.iter().flatten() {
            // A withdrawn key of type ssh-auth is one comment line.
            if keys.contains(&key.as_str()) && !value.starts_with(b"#") {
                values.entry(value.clone()).or_insert_with(|| secret.name_any());
            }
        }
    }
    values
}

/// One credential of any kind.
struct One {
    api: Api<DynamicObject>,
    name: &'static str,
}

impl One {
    async fn new<K: Credential>(hands: &Hands, name: &'static str, mut spec: Value) -> Self {
        spec["accountRef"] = json!({"name": "alice"});
        hands.create::<K>(name, spec).await;
        let resource = ApiResource::erase::<K>(&());
        Self { api: Api::namespaced_with(hands.client.clone(), &hands.namespace, &resource), name }
    }

    async fn merge(&self, patch: Value) {
        self.api.patch(self.name, &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    }

    async fn is(&self, state: &str, revision: i64) {
        let what = format!("{} is {state} in revision {revision}", self.name);
        eventually(&what, PATIENCE, async || {
            let object = self.api.get(self.name).await.expect("it is there");
            object.data["status"]["state"] == state && object.data["status"]["revision"] == revision
        })
        .await;
    }

    async fn says(&self, reason: &str) {
        eventually(&format!("{} says {reason}", self.name), PATIENCE, async || {
            let object = self.api.get(self.name).await.expect("it is there");
            object.data["status"]["conditions"].to_string().contains(reason)
        })
        .await;
    }
}

async fn every_kind(hands: &Hands) -> Vec<One> {
    lay_into("vault", hands, PASSPHRASES[0]).await;
    // What is rendered holds secrets too, in other words: they are looked for like the values themselves.
    let with = |mut spec: Value| {
        spec["rotation"]["overlap"] = json!("1h");
        spec
    };
    let rendered = |formats: &[&str], secret: &str, mut spec: Value| {
        let template = format!("a $({secret}) $({secret}|base64) $({secret}|json) $({secret}|url)");
        spec["secret"]["formats"] = json!(formats);
        spec["secret"]["template"] = json!({"rendered": template});
        with(spec)
    };
    let of_pairs = [
        "Json",
        "Csv",
        "Env",
        "AwsCredentials",
        "AwsCredentialProcess",
        "Rclone",
        "S3cmd",
        "MinioClient",
        "ServiceBinding",
    ];
    let server = json!({"endpoint": "https://s3.example.com", "registry": "registry.example.com"});
    vec![
        One::new::<AccessToken>(hands, "prefixed", with(json!({"permissions": ["servers:read"]}))).await,
        One::new::<AccessToken>(
            hands,
            "plain",
            rendered(
                &["Json", "Csv", "Env"],
                "token",
                json!({"format": "Plain", "secret": {"type": "kubernetes.io/dockerconfigjson"}, "attributes": server}),
            ),
        )
        .await,
        One::new::<ApiKeyPair>(
            hands,
            "standard",
            with(json!({"secret": {"type": "kubernetes.io/basic-auth"}})),
        )
        .await,
        One::new::<ApiKeyPair>(
            hands,
            "aws",
            rendered(
                &of_pairs,
                "secretKey",
                json!({"format": "Aws", "rotation": {"mode": "KeyPair"}, "attributes": server}),
            ),
        )
        .await,
        One::new::<SshKey>(hands, "ed25519", rendered(&["ServiceBinding"], "ssh-privatekey", json!({}))).await,
        One::new::<SshKey>(hands, "p384", with(json!({"algorithm": "EcdsaP384"}))).await,
        One::new::<SshKey>(
            hands,
            "locked",
            with(json!({"passphraseSecretRef": {"name": "vault", "key": "phrase"}})),
        )
        .await,
        One::new::<SshKey>(hands, "rsa", with(json!({"algorithm": "Rsa", "bits": 2048}))).await,
    ]
}

/// Everything that happens to material.
async fn a_full_life(hands: &Hands) {
    let all = every_kind(hands).await;
    let each = async |patch: Value, state: &str, revision: i64| {
        for one in &all {
            one.merge(patch.clone()).await;
        }
        for one in &all {
            one.is(state, revision).await;
        }
    };
    each(json!({}), "Live", 1).await;
    lay_into("vault", hands, PASSPHRASES[1]).await;
    each(Hands::annotation(ROTATE, "once"), "Live", 2).await;
    each(json!({"spec": {"active": false}}), "Withheld", 2).await;
    each(json!({"spec": {"active": true}}), "Live", 2).await;
    each(Hands::annotation(REVOKE, "leak"), "Revoked", 2).await;
    each(Hands::annotation(ROTATE, "twice"), "Live", 3).await;
    a_password(hands).await;
    a_password_of_somebodys_own(hands).await;
    let short = One::new::<AccessToken>(hands, "short", json!({"lifetime": "2s"})).await;
    short.is("Expired", 1).await;
}

/// Other people's secrets, and material that was typed over.
async fn strangers_and_damage(hands: &Hands) {
    let secrets = hands.api::<Secret>();
    let stranger = |name: &str, adopt: &str, token: &[u8]| Secret {
        metadata: serde_json::from_value(
            json!({"name": name, "annotations": {"chatelaine.dev/adopt": adopt}}),
        )
        .expect("metadata"),
        data: Some(BTreeMap::from([("token".to_owned(), ByteString(token.to_vec()))])),
        ..Secret::default()
    };
    for secret in [
        stranger("taken", "", STRANGERS),
        stranger("unfit", "AccessToken/unfit", STRANGERS),
        stranger("offered", "AccessToken/offered", b"Zq8Lw2Xv5Tn1Rb7Yc4Km9Hd3Fs6Gj0Pa"),
    ] {
        secrets.create(&PostParams::default(), &secret).await.expect("created");
    }
    let conflict = One::new::<AccessToken>(hands, "conflict", json!({"secret": {"name": "taken"}})).await;
    let unfit = One::new::<AccessToken>(hands, "unfit", json!({"format": "Plain"})).await;
    let offered = One::new::<AccessToken>(hands, "offered", json!({"format": "Plain"})).await;
    conflict.says("SecretConflict").await;
    unfit.says("SecretConflict").await;
    offered.is("Live", 1).await;
    let damaged = One::new::<AccessToken>(hands, "damaged", json!({})).await;
    damaged.is("Live", 1).await;
    let damage = Patch::Merge(json!({"data": {"token": ByteString(DAMAGE.to_vec())}}));
    secrets.patch("damaged", &PatchParams::default(), &damage).await.expect("patched");
    damaged.says("AwaitingMaterial").await;
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----"; // What somebody uploads by mistake.
    let upload = One::new::<SshKey>(hands, "upload", json!({"method": "Upload", "publicKey": private})).await;
    upload.says("InvalidKey").await;
}

fn as_text<T: Serialize>(place: &str, objects: &[T]) -> (String, String) {
    (place.to_owned(), serde_json::to_string(objects).expect("objects are JSON"))
}

/// What everybody on the machine may see of a process.
fn arguments(process: u32) -> String {
    let ps = || Command::new("ps").args(["-ww", "-o", "args=", "-p", &process.to_string()]).output();
    let seen = fs::read(format!("/proc/{process}/cmdline")).or_else(|_| ps().map(|output| output.stdout));
    String::from_utf8_lossy(&seen.expect("the process runs")).replace('\0', " ")
}

async fn places(hands: &Hands, log: String, arguments: String) -> Vec<(String, String)> {
    let all = ListParams::default();
    let mut secrets = hands.api::<Secret>().list(&all).await.expect("a list").items;
    for secret in &mut secrets {
        secret.data = None;
    }
    vec![
        ("the operator's log".to_owned(), log),
        ("the operator's arguments".to_owned(), arguments),
        as_text("events", &Api::<Event>::all(hands.client.clone()).list(&all).await.expect("a list").items),
        as_text("Accounts", &hands.api::<Account>().list(&all).await.expect("a list").items),
        as_text("tokens", &hands.api::<AccessToken>().list(&all).await.expect("a list").items),
        as_text("pairs", &hands.api::<ApiKeyPair>().list(&all).await.expect("a list").items),
        as_text("SSH keys", &hands.api::<SshKey>().list(&all).await.expect("a list").items),
        as_text("metadata of Secrets", &secrets),
    ]
}

#[test]
fn no_value_that_was_ever_in_a_secret_is_anywhere_else() {
    block_on(async {
        let control_plane = support::own().await;
        let hands = Hands { client: control_plane.client(), namespace: control_plane.namespace().await };
        let account = json!({"email": "alice@example.com", "permissions": ["*:*"], "tokenPrefix": "acme"});
        hands.create::<Account>("alice", account).await;
        let history = History::begin(hands.client.clone(), &hands.namespace).await;
        let operator =
            Launch::of(BINARY).env("RUST_LOG", "trace").start(&control_plane).await.expect("it starts");
        operator.wait_ready().await.expect("ready");
        tokio::join!(a_full_life(&hands), strangers_and_damage(&hands));
        let arguments = arguments(operator.process_id());
        operator.stop().await.expect("it ends");

        let versions = history.all();
        let values = secret_values(&versions);
        for passphrase in PASSPHRASES {
            assert!(values.contains_key(passphrase), "a passphrase was not looked for");
        }
        for password in BROUGHT {
            assert!(values.contains_key(password), "a password that was brought was not looked for");
        }
        for line in [&b"alice:$2y$"[..], b"bob:$2y$"] {
            assert!(values.keys().any(|value| value.starts_with(line)), "no line was looked for");
        }
        // Eight credentials of three revisions, the short one, the adopted one, the damaged one, three by others, and
        // the seal.
        assert!(values.len() >= 8 * 3 + 6, "only {} values were seen", values.len());
        let places = places(&hands, operator.logs(), arguments).await;
        for (place, text) in &places {
            assert!(text.len() > 40, "{place} is empty: nothing was looked at");
        }
        assert!(places[0].1.contains("\"TRACE\""), "the log is not at the level of trace");
        for guess in BROUGHT.map(digest) {
            let digits = &guess["sha256:".len()..];
            let found = places.iter().find(|(_, text)| text.contains(digits));
            assert!(found.is_none(), "{}: guesses can be tried there", found.map_or("", |(place, _)| place));
        }
        let public = values_of(&versions, &["ssh-publickey", "previous-ssh-publickey"]);
        let public: Vec<_> = public.keys().map(|line| String::from_utf8_lossy(line)).collect();
        let found = found(&values, &public.join("\n"), &places);
        assert!(found.is_empty(), "{}", found.join("\n"));
        a_value_is_in_one_secret_only(&versions, &values);
    });
}

/// But for the copy that holds withheld material.
fn a_value_is_in_one_secret_only(versions: &[Secret], values: &BTreeMap<Vec<u8>, String>) {
    for secret in versions.iter().filter(|secret| !secret.name_any().starts_with("chatelaine-held-")) {
        for ByteString(data) in secret.data.iter().flatten().map(|(_, value)| value) {
            let of = values.get(data).filter(|name| !name.starts_with("chatelaine-held-"));
            let theirs = [STRANGERS, DAMAGE].contains(&data.as_slice());
            assert!(
                theirs || of.is_none_or(|name| *name == secret.name_any()),
                "{} shows another's",
                secret.name_any()
            );
        }
    }
}

#[test]
fn a_value_in_any_disguise_would_be_found() {
    let value = b"chatelaine_3rHk8Tz5+qLx0/n2Bm7Yc1Jd=\nand a second line".to_vec();
    let values = BTreeMap::from([(value.clone(), "ci".to_owned())]);
    let around = |padding: &str| [padding.as_bytes(), &value, b"..."].concat();
    for text in [
        String::from_utf8_lossy(&around("token=")).into_owned(),
        format!("{value:?}"),
        serde_json::to_string(&value).expect("JSON"),
        serde_json::to_string(&String::from_utf8_lossy(&value)).expect("JSON"),
        HEXLOWER.encode(&around("x")),
        HEXUPPER.encode(&around("x")),
        "?token=chatelaine_3rHk8Tz5%2BqLx0%2Fn2Bm7Yc1Jd%3D%0Aand%20a".to_owned(),
        "?token=chatelaine_3rHk8Tz5%2bqLx0%2fn2Bm7Yc1Jd%3d%0aand%20a".to_owned(),
        around("x").iter().map(|byte| format!("%{byte:02x}")).collect(),
        BASE64_NOPAD.encode(&around("")),
        BASE64_NOPAD.encode(&around("x")),
        BASE64_NOPAD.encode(&around("xy")),
        BASE64URL_NOPAD.encode(&around("x")),
    ] {
        assert!(!found(&values, "", &[("a text".into(), text.clone())]).is_empty(), "not found in {text}");
    }
    assert!(found(&values, "", &[("a text".into(), "chatelaine_ and a second".into())]).is_empty());
}

fn printed<K: Credential>(spec: Value) {
    let manifest =
        json!({"apiVersion": K::api_version(&()), "kind": K::KIND, "metadata": {"name": "ci"}, "spec": spec});
    let object: K = serde_json::from_value(manifest).expect("a manifest");
    let mint = || object.mint(Order { keep: None, token_prefix: None }, &mut SystemDice).expect("minted");
    let (material, previous) = (mint(), mint());
    let showing = Showing {
        identity: &material.identity,
        current: Ok(&material),
        previous: None,
        account: "alice",
        permissions: &[],
        not_after: None,
    };
    let parts: Parts = object.render(showing);
    let made = renderings(&object, showing, &parts, SecretType::DockerConfigJson, 1 << 20, |_| false);
    let secret = |material: &chatelaine::core::material::Material| {
        material.secret.as_ref().expect("it was minted").expose().to_vec()
    };
    let secrets = [secret(&material), secret(&previous)].map(|secret| (secret, "ci".to_owned()));
    let secrets = BTreeMap::from(secrets);
    let text = format!("{material:?} {material:#?} {parts:?} {parts:#?} {made:?} {made:#?}");
    let public = [&material, &previous].map(|one| one.identity.public.clone().unwrap_or_default()).concat();
    let values = Values { current: Some(material), previous: Some(previous) };
    let found = found(&secrets, &public, &[(K::KIND.to_owned(), format!("{text} {values:?} {values:#?}"))]);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_holds_material_prints_none_of_it() {
    let secret = json!({"formats": ["Json", "Csv", "Env"], "template": {"a": "$(account)"}});
    printed::<AccessToken>(json!({"accountRef": {"name": "alice"}, "secret": secret}));
    printed::<ApiKeyPair>(json!({"accountRef": {"name": "alice"}, "secret": secret}));
    printed::<SshKey>(json!({"accountRef": {"name": "alice"}}));
    printed::<Password>(json!({"email": "alice@example.com", "password": {}}));
    printed::<SshKey>(json!({"accountRef": {"name": "alice"}, "algorithm": "Rsa", "bits": 2048}));
}
