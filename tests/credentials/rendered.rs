//! Every ready-made rendering, read back by a real reader of its format.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use chatelaine::{
    api::{ApiKeyPair, SecretType},
    core::material::{Identity, Material},
    credentials::{Credential, Showing, rendering::renderings},
};
use configparser::ini::Ini;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::fixture::{current, key_pair, mint, overlap, secret_text, ssh_key, token, withdrawn};

const EVERYTHING: [&str; 9] = [
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

pub type Texts = BTreeMap<String, String>;

pub fn made<K: Credential>(object: &K, showing: Showing<'_>, type_: SecretType) -> Texts {
    let made = renderings(object, showing, &object.render(showing), type_, 1 << 20, |_| false);
    let asked = made.asked.into_iter().map(|(key, text)| (key, text.unwrap()));
    let all = made.required.into_iter().chain(asked);
    all.map(|(key, text)| (key, String::from_utf8(text.expose().to_vec()).unwrap())).collect()
}

fn shown<K: Credential>(object: &K, material: &Material) -> Texts {
    made(object, current(material), SecretType::Opaque)
}

fn everything(mut spec: Value) -> ApiKeyPair {
    spec["secret"]["formats"] = json!(EVERYTHING);
    spec["attributes"] = json!({"endpoint": "http://s3.example.com:9000", "region": "eu-1", "other": "x"});
    key_pair(spec)
}

pub fn json_of(texts: &Texts, key: &str) -> Value {
    serde_json::from_str(&texts[key]).unwrap_or_else(|error| panic!("{key}: {error}"))
}

pub fn csv_of(text: &str) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(|row| row.unwrap()).collect();
    assert_eq!(rows.len(), 1, "one credential");
    rows.into_iter().next().unwrap()
}

pub fn ini_of(text: &str) -> BTreeMap<String, String> {
    let mut ini = Ini::new_cs();
    let sections = ini.read(text.to_owned()).unwrap();
    assert_eq!(sections.keys().collect::<Vec<_>>(), ["default"]);
    sections["default"].iter().map(|(name, value)| (name.clone(), value.clone().unwrap())).collect()
}

pub fn dotenv_of(text: &str) -> BTreeMap<String, String> {
    dotenvy::from_read_iter(text.as_bytes()).map(|pair| pair.unwrap()).collect()
}

/// What a shell makes of the file: the value of each of these variables.
pub fn sh_of(text: &str, names: &[&str]) -> Vec<String> {
    let prints: String = names.iter().map(|name| format!("printf '%s\\0' \"${name}\"\n")).collect();
    let output = Command::new("sh").args(["-euc", &format!("{text}\n{prints}")]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let all = String::from_utf8(output.stdout).unwrap();
    all.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
}

#[test]
fn every_format_of_every_shape_of_key_pair_says_the_same_two_keys() {
    for shape in ["Standard", "Aws", "Uuid", "Upper"] {
        let object = everything(json!({"format": shape}));
        for seed in 0..20 {
            let material = mint(&object, seed);
            let (id, secret) = (material.identity.id.clone(), secret_text(&material));
            let texts = shown(&object, &material);
            let json = json_of(&texts, "credentials.json");
            assert_eq!((&json["accessKey"], &json["secretKey"]), (&json!(id), &json!(secret)));
            let process = json_of(&texts, "aws-credential-process.json");
            assert_eq!(process, json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": secret}));
            let mc = json_of(&texts, "mc-config.json");
            let alias = json!({"url": "http://s3.example.com:9000", "accessKey": id, "secretKey": secret,
                               "api": "S3v4", "path": "auto"});
            assert_eq!(mc, json!({"version": "10", "aliases": {"default": alias}}));
            let csv = csv_of(&texts["credentials.csv"]);
            assert_eq!((&csv["accessKey"], &csv["secretKey"]), (&id, &secret));
            let env = dotenv_of(&texts["credentials.env"]);
            assert_eq!((&env["accessKey"], &env["secretKey"]), (&id, &secret));
            let pairs = [
                ("aws-credentials", "aws_access_key_id", "aws_secret_access_key"),
                ("rclone.conf", "access_key_id", "secret_access_key"),
                ("s3cfg", "access_key", "secret_key"),
            ];
            for (key, of_id, of_secret) in pairs {
                let ini = ini_of(&texts[key]);
                assert_eq!((&ini[of_id], &ini[of_secret]), (&id, &secret), "{key}");
            }
        }
    }
}

#[test]
fn the_renderings_of_object_stores_say_where_the_store_is() {
    let object = everything(json!({"service": "s3"}));
    let texts = shown(&object, &mint(&object, 1));
    let rclone = ini_of(&texts["rclone.conf"]);
    assert_eq!((rclone["type"].as_str(), rclone["provider"].as_str()), ("s3", "Other"));
    assert_eq!(
        (rclone["endpoint"].as_str(), rclone["region"].as_str()),
        ("http://s3.example.com:9000", "eu-1")
    );
    let s3cmd = ini_of(&texts["s3cfg"]);
    assert_eq!(
        (s3cmd["host_base"].as_str(), s3cmd["host_bucket"].as_str()),
        ("s3.example.com:9000", "s3.example.com:9000")
    );
    assert_eq!((s3cmd["use_https"].as_str(), s3cmd["bucket_location"].as_str()), ("False", "eu-1"));
    assert_eq!((texts["type"].as_str(), texts["provider"].as_str()), ("s3", "chatelaine"));

    let of_aws = key_pair(json!({"secret": {"formats": ["Rclone", "S3cmd"]}}));
    let texts = shown(&of_aws, &mint(&of_aws, 1));
    let rclone = ini_of(&texts["rclone.conf"]);
    assert_eq!((rclone["provider"].as_str(), rclone.get("endpoint")), ("AWS", None));
    assert_eq!(ini_of(&texts["s3cfg"]).into_keys().collect::<Vec<_>>(), ["access_key", "secret_key"]);
}

#[test]
fn json_csv_and_env_say_whose_it_is_and_until_when() {
    let object = token(
        json!({"secret": {"formats": ["Json", "Csv", "Env", "ServiceBinding"], "keys": {"token": "API_TOKEN"}}}),
    );
    let (material, previous) = (mint(&object, 1), mint(&object, 2));
    let permissions = ["servers:read".to_owned(), "dns:*".to_owned()];
    let until = "2027-05-06T07:08:09Z";
    let showing = Showing {
        permissions: &permissions,
        not_after: Some(until.parse().unwrap()),
        ..overlap(&material, &previous)
    };
    let texts = made(&object, showing, SecretType::Opaque);
    let secret = secret_text(&material);
    let wanted =
        json!({"token": secret, "account": "alice", "permissions": permissions, "expirationTime": until});
    assert_eq!(json_of(&texts, "credentials.json"), wanted);
    let csv = csv_of(&texts["credentials.csv"]);
    let row = [
        ("token", secret.as_str()),
        ("account", "alice"),
        ("permissions", "servers:read dns:*"),
        ("expirationTime", until),
    ];
    assert_eq!(csv, row.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let names = ["API_TOKEN", "account", "permissions", "expirationTime"];
    let values = row.map(|(_, value)| value.to_owned());
    assert_eq!(sh_of(&texts["credentials.env"], &names), values);
    assert_eq!(dotenv_of(&texts["credentials.env"])["permissions"], values[2]);
    assert_eq!(texts["type"], "access-token");
    assert!(
        texts.values().all(|text| !text.contains(&secret_text(&previous))),
        "only the current one is shown"
    );

    let endless = json_of(&shown(&object, &material), "credentials.json");
    assert_eq!(endless, json!({"token": secret, "account": "alice", "permissions": []}));
    let key = ssh_key(json!({"secret": {"formats": ["ServiceBinding"]}}));
    assert_eq!(
        shown(&key, &mint(&key, 1)),
        [("provider", "chatelaine"), ("type", "ssh-key")].map(|(k, v)| (k.into(), v.into())).into()
    );
}

#[test]
fn a_type_has_the_keys_that_it_demands_with_material_and_without() {
    let basic = |object: &ApiKeyPair, showing| made(object, showing, SecretType::BasicAuth);
    let object = key_pair(json!({}));
    let material = mint(&object, 1);
    let (id, secret) = (material.identity.id.clone(), secret_text(&material));
    let both = [("username".to_owned(), id.clone()), ("password".to_owned(), secret.clone())];
    assert_eq!(basic(&object, current(&material)), both.clone().into());
    assert_eq!(basic(&object, withdrawn(&material.identity, "gone")), [both[0].clone()].into());
    assert_eq!(
        basic(&object, withdrawn(&Identity::default(), "gone")),
        [("username".to_owned(), String::new())].into(),
        "the API server demands one of the two"
    );

    let bearer = token(json!({"attributes": {"registry": "registry.example.com"}}));
    let material = mint(&bearer, 1);
    let secret = secret_text(&material);
    let texts = made(&bearer, current(&material), SecretType::DockerConfigJson);
    let auth = BASE64.encode(format!("alice:{secret}").as_bytes());
    assert_eq!(
        json_of(&texts, ".dockerconfigjson"),
        json!({"auths": {"registry.example.com": {"username": "alice", "password": secret, "auth": auth}}})
    );
    let gone = made(&bearer, withdrawn(&material.identity, "gone"), SecretType::DockerConfigJson);
    assert_eq!(json_of(&gone, ".dockerconfigjson"), json!({"auths": {}}));
}

/// Files of one test, gone with it.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("chatelaine-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What AWS's own library for Python makes of the files, the one that its command-line client is made of.
const BOTOCORE: &str = "
import json, sys
from botocore.session import Session
credentials = Session(profile=sys.argv[1]).get_credentials()
expiry = getattr(credentials, '_expiry_time', None)
frozen = credentials.get_frozen_credentials()
print(json.dumps([frozen.access_key, frozen.secret_key, frozen.token, expiry and expiry.isoformat()]))
";

#[test]
fn aws_reads_both_of_its_files() {
    let python = || Command::new("python3");
    let there = python().args(["-c", "import botocore"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return support::skip("python3 with botocore is missing, so AWS's own library read no rendering");
    }
    let object = everything(json!({"format": "Aws"}));
    let material = mint(&object, 1);
    let showing = Showing { not_after: Some("2099-05-06T07:08:09Z".parse().unwrap()), ..current(&material) };
    let texts = made(&object, showing, SecretType::Opaque);
    let files = Files::new("aws");
    let shared = files.write("credentials", &texts["aws-credentials"]);
    let process = files.write("process.json", &texts["aws-credential-process.json"]);
    let config =
        files.write("config", &format!("[profile ci]\ncredential_process = cat {}\n", process.display()));
    let load = |profile: &str| -> Value {
        let output = python()
            .args(["-c", BOTOCORE, profile])
            .env("AWS_SHARED_CREDENTIALS_FILE", &shared)
            .env("AWS_CONFIG_FILE", &config)
            .env_remove("AWS_ACCESS_KEY_ID")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (id, secret) = (material.identity.id.clone(), secret_text(&material));
    assert_eq!(load("default"), json!([id, secret, null, null]));
    assert_eq!(load("ci"), json!([id, secret, null, "2099-05-06T07:08:09+00:00"]));
}
