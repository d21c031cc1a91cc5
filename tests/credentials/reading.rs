//! What is read back from the data of a Secret, and what may be adopted.

use chatelaine::{
    core::material::{Identity, Material, Parts, SecretBytes},
    credentials::{Credential, Place},
};
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{
    current, key_pair, mint, overlap, secret_text, ssh_key, text, token, upload, withdrawn,
};
use crate::keys::{ED25519, P256};

fn check_round(object: &impl Credential, seed: u64) {
    let (material, previous) = (mint(object, seed), mint(object, seed ^ 1));
    let parts = object.render(overlap(&material, &previous));
    for (place, written) in [(Place::Current, &material), (Place::Previous, &previous)] {
        for id in [None, Some(written.identity.id.as_str())] {
            let read = object.read(&parts, place, id);
            assert!(read.as_ref() == Some(written), "{place:?} of seed {seed}: {read:?}");
            assert_eq!(read.map(|read| object.digest(&read)), Some(object.digest(written)));
        }
        assert_eq!(object.conforms(written), Ok(()));
    }
    let alone = object.render(current(&material));
    assert_eq!(object.read(&alone, Place::Previous, None), None);
    let gone = object.render(withdrawn(&material.identity, "it is revoked"));
    assert_eq!(object.read(&gone, Place::Current, Some(&material.identity.id)), None);
    assert_eq!(object.read(&Parts::new(), Place::Current, Some(&material.identity.id)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_rendered_reads_back(seed: u64) {
        for format in ["Standard", "Aws", "Uuid", "Upper"] {
            check_round(&key_pair(json!({"format": format})), seed);
        }
        for format in ["Prefixed", "Plain"] {
            check_round(&token(json!({"format": format})), seed);
        }
        for algorithm in ["Ed25519", "EcdsaP256", "EcdsaP384", "EcdsaP521"] {
            check_round(&ssh_key(json!({"algorithm": algorithm, "options": {"command": "a \"b\""}})), seed);
        }
    }

    #[test]
    fn a_private_key_with_a_changed_character_is_no_material_or_another_one(seed: u64, place: prop::sample::Index) {
        for algorithm in ["Ed25519", "EcdsaP256", "EcdsaP384", "EcdsaP521"] {
            let object = ssh_key(json!({"algorithm": algorithm}));
            let material = mint(&object, seed);
            let mut bytes = secret_text(&material).into_bytes();
            let place = place.index(bytes.len() - 1);
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let parts = Parts::from([("ssh-privatekey".to_owned(), SecretBytes::from(bytes))]);
            // Where the comment or the two equal check numbers are, the pair is still whole.
            if let Some(read) = object.read(&parts, Place::Current, None) {
                prop_assert_eq!(object.digest(&read), object.digest(&material));
            }
        }
    }
}

#[test]
fn an_upload_reads_back() {
    let object = upload(ED25519);
    let material = object.brought().unwrap().unwrap();
    let parts = object.render(overlap(&material, &material));
    assert_eq!(object.read(&parts, Place::Current, None), Some(material.clone()));
    assert_eq!(object.read(&parts, Place::Previous, None), Some(material.clone()));
    let gone = object.render(withdrawn(&material.identity, "it is revoked"));
    assert_eq!(object.read(&gone, Place::Current, None), None);
}

#[test]
fn what_is_beside_a_private_key_is_not_heard() {
    let object = ssh_key(json!({}));
    let material = mint(&object, 1);
    let mut parts = object.render(current(&material));
    parts.insert("ssh-publickey".into(), P256.into());
    parts.insert("authorized_keys".into(), P256.into());
    assert_eq!(object.read(&parts, Place::Current, None), Some(material));
}

#[test]
fn the_id_of_the_ledger_goes_before_that_of_the_data() {
    let object = key_pair(json!({}));
    let mut parts = object.render(current(&mint(&object, 1)));
    parts.insert("accessKey".into(), "CHANGED".into());
    let read = |id| object.read(&parts, Place::Current, id).map(|material| material.identity.id);
    assert_eq!(read(Some("LEDGER")).as_deref(), Some("LEDGER"));
    assert_eq!(read(None).as_deref(), Some("CHANGED"));
}

#[test]
fn a_private_key_whose_halves_differ_is_no_material() {
    use ssh_key::private::{EcdsaKeypair, PrivateKey};
    for algorithm in ["EcdsaP256", "EcdsaP384", "EcdsaP521"] {
        let object = ssh_key(json!({"algorithm": algorithm}));
        let [one, other] =
            [1, 2].map(|seed| PrivateKey::from_openssh(secret_text(&mint(&object, seed))).unwrap());
        let pairs = (one.key_data().ecdsa().unwrap().clone(), other.key_data().ecdsa().unwrap().clone());
        let mixed = match pairs {
            (EcdsaKeypair::NistP256 { public, .. }, EcdsaKeypair::NistP256 { private, .. }) => {
                EcdsaKeypair::NistP256 { public, private }
            }
            (EcdsaKeypair::NistP384 { public, .. }, EcdsaKeypair::NistP384 { private, .. }) => {
                EcdsaKeypair::NistP384 { public, private }
            }
            (EcdsaKeypair::NistP521 { public, .. }, EcdsaKeypair::NistP521 { private, .. }) => {
                EcdsaKeypair::NistP521 { public, private }
            }
            _ => unreachable!("both are of one curve"),
        };
        assert!(reads(&one) && !reads(&PrivateKey::from(mixed)), "{algorithm}");
    }
}

/// Whether an SshKey takes this for material.
pub fn reads(key: &ssh_key::PrivateKey) -> bool {
    let text = key.to_openssh(ssh_key::LineEnding::LF).unwrap();
    let parts = Parts::from([("ssh-privatekey".to_owned(), text.as_str().into())]);
    ssh_key(json!({})).read(&parts, Place::Current, None).is_some()
}

#[test]
fn a_comment_that_would_break_out_of_its_line_is_dropped() {
    let object = ssh_key(json!({}));
    let mut key = ssh_key::PrivateKey::from_openssh(secret_text(&mint(&object, 1))).unwrap();
    key.set_comment(format!("a\n{ED25519}"));
    let text = key.to_openssh(ssh_key::LineEnding::LF).unwrap();
    let parts = Parts::from([("ssh-privatekey".to_owned(), text.as_str().into())]);
    let material = object.read(&parts, Place::Current, None).unwrap();
    assert_eq!(material.identity.public.as_ref().unwrap().split(' ').count(), 2);
    assert_eq!(self::text(&object.render(current(&material)), "authorized_keys").lines().count(), 1);
}

#[test]
fn a_private_key_with_other_line_ends_is_adopted_and_tidied_at_its_end() {
    let object = ssh_key(json!({}));
    let material = mint(&object, 1);
    let parts =
        Parts::from([("ssh-privatekey".to_owned(), format!("{}\n\n", secret_text(&material)).into())]);
    assert_eq!(object.read(&parts, Place::Current, None), Some(material));
}

#[test]
fn the_digest_of_a_key_does_not_hear_its_comment() {
    let digest = |line: &str| {
        let object = upload(line);
        object.digest(&object.brought().unwrap().unwrap())
    };
    let bare = ED25519.rsplit_once(' ').unwrap().0;
    assert_eq!(digest(ED25519), digest(bare));
    assert_ne!(digest(ED25519), digest(P256));
    let blob = data_encoding::BASE64.decode(bare.split_once(' ').unwrap().1.as_bytes()).unwrap();
    assert_eq!(digest(bare), chatelaine::core::material::digest(&blob));
}

fn offered(id: &str, secret: &str) -> Material {
    Material { identity: Identity { id: id.into(), public: None }, secret: Some(secret.into()) }
}

#[test]
fn a_pair_of_another_format_is_not_adopted() {
    let formats = ["Standard", "Aws", "Uuid", "Upper"];
    for asked in formats {
        for brought in formats {
            // A standard pair is 20 upper-case characters, and so is one of AWS.
            let fits = asked == brought || (asked, brought) == ("Standard", "Aws");
            let material = mint(&key_pair(json!({"format": brought})), 1);
            assert_eq!(
                key_pair(json!({"format": asked})).conforms(&material).is_ok(),
                fits,
                "{asked} {brought}"
            );
        }
    }
    let secret = "x".repeat(40);
    let prefixed = key_pair(json!({"accessKeyPrefix": "ACME"}));
    assert_eq!(prefixed.conforms(&offered("ACME0123456789ABCDEF", &secret)), Ok(()));
    for (id, secret) in [
        ("EMCA0123456789ABCDEF", secret.as_str()),
        ("ACME0123456789ABCDE", &secret),
        ("ACME0123456789ABCDEF", &secret[1..]),
        ("ACME0123456789ABCDEF", &format!("{}\n", &secret[1..])),
        ("ACME0123456789ABCDEF", &format!("{}+", &secret[1..])),
    ] {
        let message = prefixed.conforms(&offered(id, secret)).unwrap_err();
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn a_token_of_another_format_is_not_adopted() {
    let (prefixed, plain) = (token(json!({})), token(json!({"format": "Plain"})));
    let real = "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";
    assert_eq!(prefixed.conforms(&offered("", real)), Ok(()), "any prefix");
    assert!(prefixed.conforms(&offered("", &real.replace("17", "18"))).is_err());
    assert!(prefixed.conforms(&mint(&plain, 1)).is_err());
    assert!(plain.conforms(&mint(&prefixed, 1)).is_err());
}

#[test]
fn a_key_of_another_algorithm_is_not_adopted() {
    let algorithms = ["Ed25519", "EcdsaP256", "EcdsaP384", "EcdsaP521"];
    for asked in algorithms {
        for brought in algorithms {
            let material = mint(&ssh_key(json!({"algorithm": brought})), 1);
            let fits = ssh_key(json!({"algorithm": asked})).conforms(&material).is_ok();
            assert_eq!(fits, asked == brought, "{asked} {brought}");
        }
    }
    let brought = |line: &str| upload(line).brought().unwrap().unwrap();
    assert_eq!(upload(ED25519).conforms(&brought(ED25519)), Ok(()));
    assert!(upload(ED25519).conforms(&brought(P256)).is_err());
}
