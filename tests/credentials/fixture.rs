//! Dice that can be thrown the same way twice, and objects to throw them for.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::{LazyLock, Mutex},
};

use chatelaine::{
    api::{AccessToken, ApiKeyPair, SshKey},
    core::material::{Identity, Material, Parts},
    credentials::{Credential, Dice, MintError, Order, Showing},
};
use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

pub const ORDER: Order<'static> = Order { keep: None, token_prefix: None };

/// PKCS#8 by size and number.
type RsaKeys = HashMap<(u32, u64), Vec<u8>>;

/// Always throws what its number says.
pub struct Seeded(pub u64);

impl Dice for Seeded {
    fn seed(&mut self) -> Result<Zeroizing<[u8; 32]>, MintError> {
        let mut seed = [0x5a; 32];
        seed[..8].copy_from_slice(&self.0.to_be_bytes());
        Ok(Zeroizing::new(seed))
    }

    /// One of two keys of each size: making them takes long. They are new in each run, and nowhere else.
    fn rsa(&mut self, bits: u32) -> Result<Zeroizing<Vec<u8>>, MintError> {
        static MADE: LazyLock<Mutex<RsaKeys>> = LazyLock::new(Mutex::default);
        let mut made = MADE.lock().unwrap();
        let key = made.entry((bits, self.0 % 2)).or_insert_with(|| openssl_rsa(bits));
        Ok(Zeroizing::new(key.clone()))
    }
}

/// Asked for as PEM, because only that is PKCS#8 in every version.
fn openssl_rsa(bits: u32) -> Vec<u8> {
    let size = format!("rsa_keygen_bits:{bits}");
    let output = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-outform", "PEM", "-pkeyopt", &size])
        .stderr(Stdio::null())
        .output()
        .expect("have_tools() was asked before");
    let pem = String::from_utf8(output.stdout).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    BASE64.decode(base64.as_bytes()).unwrap()
}

/// Whether the programs that prove the keys are there; says loudly what is skipped when they are not.
pub fn have_tools() -> bool {
    let runs = |program: &str, argument: &str| {
        Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let found = runs("ssh-keygen", "-?") && runs("openssl", "version");
    if !found {
        eprintln!("SKIPPED, NOT PASSED: ssh-keygen or openssl is missing, so no key was checked by them");
    }
    found
}

pub fn key_pair(spec: Value) -> ApiKeyPair {
    ApiKeyPair::new("ci", serde_json::from_value(with_account(spec)).unwrap())
}

pub fn token(spec: Value) -> AccessToken {
    AccessToken::new("ci", serde_json::from_value(with_account(spec)).unwrap())
}

pub fn ssh_key(spec: Value) -> SshKey {
    let mut key = SshKey::new("ci", serde_json::from_value(with_account(spec)).unwrap());
    key.metadata.namespace = Some("team".into());
    key
}

pub fn upload(line: &str) -> SshKey {
    ssh_key(json!({"method": "Upload", "publicKey": line}))
}

fn with_account(mut spec: Value) -> Value {
    spec["accountRef"] = json!({"name": "alice"});
    spec
}

pub fn mint(credential: &impl Credential, seed: u64) -> Material {
    credential.mint(ORDER, &mut Seeded(seed)).unwrap()
}

pub fn secret_text(material: &Material) -> String {
    String::from_utf8(material.secret.as_ref().unwrap().expose().to_vec()).unwrap()
}

pub fn text(parts: &Parts, role: &str) -> String {
    String::from_utf8(parts[role].expose().to_vec()).unwrap()
}

pub fn roles(parts: &Parts) -> Vec<&str> {
    parts.keys().map(String::as_str).collect()
}

/// The end of the overlaps here.
pub fn retirement() -> Timestamp {
    "2027-01-02T03:04:05Z".parse().unwrap()
}

pub fn current(material: &Material) -> Showing<'_> {
    Showing {
        identity: &material.identity,
        current: Ok(material),
        previous: None,
        account: "alice",
        permissions: &[],
        not_after: None,
    }
}

pub fn overlap<'a>(material: &'a Material, previous: &'a Material) -> Showing<'a> {
    Showing { previous: Some((previous, retirement())), ..current(material) }
}

pub fn withdrawn<'a>(identity: &'a Identity, why: &'a str) -> Showing<'a> {
    Showing {
        identity,
        current: Err(why),
        previous: None,
        account: "alice",
        permissions: &[],
        not_after: None,
    }
}
