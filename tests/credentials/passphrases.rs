//! Private keys that are encrypted with a passphrase: what OpenSSH says of them, and what is read back.

use std::{fs, path::Path, process::Command};

use chatelaine::{
    core::material::{Material, Parts, SecretBytes},
    credentials::{Credential, Place},
};
use data_encoding::BASE64;
use serde_json::json;

use crate::fixture::{Seeded, have_tools, key_pair, mint, overlap, secret_text, ssh_key, text};
use crate::openssh::{algorithms, folder, write};

const PASSPHRASE: &str = "correct horse 'battery' staple \\ \" $x é";

fn locked(material: &Material, passphrase: &str) -> Material {
    ssh_key(json!({})).lock(material, &passphrase.into(), &mut Seeded(9)).unwrap()
}

/// What `ssh-keygen -y` makes of the file with this passphrase; None if it is refused.
fn opened(file: &Path, passphrase: &str) -> Option<String> {
    let output = Command::new("ssh-keygen").args(["-y", "-P", passphrase, "-f"]).arg(file).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn ssh_keygen_opens_every_algorithm_with_the_passphrase_and_with_no_other() {
    if !have_tools() {
        return;
    }
    let folder = folder("passphrases");
    for (spec, _, _) in algorithms() {
        let object = ssh_key(spec.clone());
        let material = mint(&object, 4);
        let file = write(&folder, "id", &secret_text(&locked(&material, PASSPHRASE)));
        let public = format!("{}\n", material.identity.public.as_deref().unwrap());
        assert_eq!(opened(&file, PASSPHRASE), Some(public), "{spec}");
        assert_eq!(opened(&file, "correct horse"), None, "{spec}");
        assert_eq!(opened(&file, ""), None, "{spec}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_file_names_the_cipher_and_the_work_of_ssh_keygen_itself() {
    let material = locked(&mint(&ssh_key(json!({})), 4), PASSPHRASE);
    let file = secret_text(&material);
    let body: String = file.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = BASE64.decode(body.as_bytes()).unwrap();
    let head = &bytes[..64];
    assert!(head.starts_with(b"openssh-key-v1\0\0\0\0\x0aaes256-ctr\0\0\0\x06bcrypt"), "{head:?}");
    let rounds = &bytes[15 + 14 + 10 + 4 + 4 + 16..][..4];
    assert_eq!(rounds, 24u32.to_be_bytes());
    assert!(file.ends_with("-----END OPENSSH PRIVATE KEY-----\n"));
}

#[test]
fn what_was_encrypted_is_the_same_key_again_with_its_passphrase_alone() {
    if !have_tools() {
        return;
    }
    for (spec, _, _) in algorithms() {
        let object = ssh_key(spec);
        let plain = mint(&object, 5);
        let secret = locked(&plain, PASSPHRASE);
        assert_eq!(secret.identity, plain.identity);
        let unlocked = object.unlock(&secret, &PASSPHRASE.into()).unwrap();
        assert_eq!(unlocked.identity, plain.identity);
        assert!(object.read(&private(&unlocked), Place::Current, None) == Some(unlocked));
        assert_eq!(object.unlock(&secret, &"another".into()), None);
    }
}

fn private(material: &Material) -> Parts {
    Parts::from([("ssh-privatekey".to_owned(), material.secret.clone().unwrap())])
}

#[test]
fn the_same_key_is_encrypted_differently_each_time() {
    let object = ssh_key(json!({}));
    let plain = mint(&object, 6);
    let [one, other] = [1, 2].map(|seed| object.lock(&plain, &PASSPHRASE.into(), &mut Seeded(seed)).unwrap());
    assert!(one.secret != other.secret);
}

#[test]
fn in_an_overlap_both_private_keys_are_encrypted_and_both_public_ones_are_not() {
    let object = ssh_key(json!({}));
    let [plain, old] = [7, 8].map(|seed| mint(&object, seed));
    let [current, previous] = [&plain, &old].map(|material| locked(material, PASSPHRASE));
    let parts = object.render(overlap(&current, &previous));
    for (prefix, material) in [("", &plain), ("previous-", &old)] {
        let public = format!("{}\n", material.identity.public.as_deref().unwrap());
        assert_eq!(text(&parts, &format!("{prefix}ssh-publickey")), public);
        assert!(text(&parts, "authorized_keys").contains(public.trim()));
    }
    for (place, wanted) in [(Place::Current, &current), (Place::Previous, &previous)] {
        assert!(object.locked(&parts, place) == wanted.secret);
        assert_eq!(object.read(&parts, place, None), None, "nobody takes it for one without a passphrase");
    }
}

#[test]
fn what_has_no_private_half_is_not_encrypted() {
    let pair = key_pair(json!({}));
    let material = mint(&pair, 1);
    assert!(pair.passphrase_ref().is_none());
    assert!(pair.lock(&material, &PASSPHRASE.into(), &mut Seeded(1)).is_err());
    assert_eq!(pair.locked(&private(&material), Place::Current), None::<SecretBytes>);
}
