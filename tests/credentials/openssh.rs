//! What the programs of OpenSSH say of our keys. Skipped loudly where they are missing.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use chatelaine::{
    api::SshKey,
    core::material::{Material, Parts},
    credentials::{Credential, Dice, MintError, Place},
};
use crypto_bigint::{Encoding as _, U4096};
use serde_json::{Value, json};
use ssh_key::{
    Mpint,
    private::{PrivateKey, RsaKeypair},
};
use zeroize::Zeroizing;

use crate::fixture::{ORDER, Seeded, have_tools, mint, overlap, secret_text, ssh_key, text, upload};
use crate::keys::{ED25519, P256, P384, P521, RSA_2048};
use crate::reading::reads;

/// A folder of its own for each test.
pub fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

pub fn ssh_keygen(flags: &str, file: &Path) -> String {
    let output = Command::new("ssh-keygen").arg(flags).arg(file).output().unwrap();
    assert!(output.status.success(), "ssh-keygen {flags}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Every algorithm with its size, and what ssh-keygen calls it.
pub fn algorithms() -> [(Value, &'static str, &'static str); 7] {
    let rsa = |bits: u32| json!({"algorithm": "Rsa", "bits": bits});
    [
        (json!({}), "256", "(ED25519)"),
        (json!({"algorithm": "EcdsaP256"}), "256", "(ECDSA)"),
        (json!({"algorithm": "EcdsaP384"}), "384", "(ECDSA)"),
        (json!({"algorithm": "EcdsaP521"}), "521", "(ECDSA)"),
        (rsa(2048), "2048", "(RSA)"),
        (json!({"algorithm": "Rsa"}), "3072", "(RSA)"),
        (rsa(4096), "4096", "(RSA)"),
    ]
}

#[test]
fn ssh_keygen_agrees_on_fingerprint_and_public_half_of_every_algorithm() {
    if !have_tools() {
        return;
    }
    let folder = folder("algorithms");
    for (spec, bits, name) in algorithms() {
        let object = ssh_key(spec.clone());
        let (material, previous) = (mint(&object, 2), mint(&object, 3));
        let parts = object.render(overlap(&material, &previous));
        for (value, prefix) in [(&material, ""), (&previous, "previous-")] {
            let private = write(&folder, "id", &text(&parts, &format!("{prefix}ssh-privatekey")));
            assert_eq!(
                ssh_keygen("-yf", &private),
                text(&parts, &format!("{prefix}ssh-publickey")),
                "{spec}"
            );
            let expected = format!("{bits} {} ci@team {name}\n", value.identity.id);
            let public = write(&folder, "id.pub", &text(&parts, &format!("{prefix}ssh-publickey")));
            assert_eq!(ssh_keygen("-lf", &public), expected, "{spec}");
        }
        assert_eq!(object.conforms(&material), Ok(()));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn ssh_keygen_finds_both_keys_in_authorized_keys() {
    if !have_tools() {
        return;
    }
    let folder = folder("authorized");
    let options =
        json!({"restrict": true, "from": ["10.0.0.0/8", "*.example.com"], "command": "echo \"a b\" \\n"});
    for options in [json!(null), options] {
        let object = ssh_key(json!({"options": options}));
        let (material, previous) = (mint(&object, 1), mint(&object, 2));
        let parts = object.render(overlap(&material, &previous));
        let listed = ssh_keygen("-lf", &write(&folder, "authorized_keys", &text(&parts, "authorized_keys")));
        let fingerprints: Vec<&str> = listed.lines().map(|line| line.split(' ').nth(1).unwrap()).collect();
        assert_eq!(fingerprints, [material.identity.id.as_str(), previous.identity.id.as_str()]);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn ssh_keygen_agrees_on_the_fingerprint_of_an_upload() {
    if !have_tools() {
        return;
    }
    let folder = folder("uploads");
    for line in [ED25519, P256, P384, P521, RSA_2048] {
        let identity = upload(line).brought().unwrap().unwrap().identity;
        let listed = ssh_keygen("-lf", &write(&folder, "id.pub", line));
        assert_eq!(listed.split(' ').nth(1), Some(identity.id.as_str()));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_key_that_ssh_keygen_made_is_adopted_byte_for_byte() {
    if !have_tools() {
        return;
    }
    let folder = folder("adopted");
    for (kind, bits, spec) in [
        ("ed25519", "256", json!({})),
        ("ecdsa", "256", json!({"algorithm": "EcdsaP256"})),
        ("ecdsa", "384", json!({"algorithm": "EcdsaP384"})),
        ("ecdsa", "521", json!({"algorithm": "EcdsaP521"})),
        ("rsa", "2048", json!({"algorithm": "Rsa", "bits": 2048})),
    ] {
        let file = folder.join(format!("{kind}{bits}"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", "alice@laptop", "-f"])
            .arg(&file)
            .status();
        assert!(made.unwrap().success());
        let bytes = fs::read_to_string(&file).unwrap();
        let object = ssh_key(spec);
        let material = read(&object, &bytes).unwrap();
        assert_eq!(object.conforms(&material), Ok(()));
        assert!(secret_text(&material) == bytes, "the text changed");
        let public = fs::read_to_string(file.with_extension("pub")).unwrap();
        assert_eq!(material.identity.public.as_deref(), Some(public.trim()));
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_ecdsa_key_whose_number_ssh_keygen_wrote_short_is_read() {
    if !have_tools() {
        return;
    }
    let folder = folder("short");
    for algorithm in ["EcdsaP256", "EcdsaP384", "EcdsaP521"] {
        let object = ssh_key(json!({"algorithm": algorithm}));
        let is_short = |seed: &u64| {
            let key = PrivateKey::from_openssh(secret_text(&mint(&object, *seed))).unwrap();
            key.key_data().ecdsa().unwrap().private_key_bytes()[..2] < [0, 0x80][..]
        };
        let material = mint(&object, (0..10_000).find(is_short).unwrap());
        let file = write(&folder, algorithm, &secret_text(&material));
        // A changed passphrase, of nothing to nothing, lets ssh-keygen write the file anew.
        let anew = Command::new("ssh-keygen")
            .args(["-q", "-p", "-P", "", "-N", "", "-f"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(anew.status.success());
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            PrivateKey::from_openssh(&text).is_err(),
            "the crate has learned it: {algorithm} needs no help any more"
        );
        let read = read(&object, &text).unwrap();
        assert_eq!(read.identity, material.identity, "{algorithm}");
        assert!(secret_text(&read) == text, "the text changed");
    }
    fs::remove_dir_all(folder).unwrap();
}

fn read(object: &SshKey, text: &str) -> Option<Material> {
    let parts = Parts::from([("ssh-privatekey".to_owned(), text.into())]);
    object.read(&parts, Place::Current, None)
}

#[test]
fn an_encrypted_key_is_no_material() {
    if !have_tools() {
        return;
    }
    let folder = folder("encrypted");
    let file = folder.join("id");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "secret", "-f"]).arg(&file).status();
    assert!(made.unwrap().success());
    assert_eq!(read(&ssh_key(json!({})), &fs::read_to_string(&file).unwrap()), None);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_rsa_key_of_mixed_numbers_is_no_material() {
    if !have_tools() {
        return;
    }
    let object = ssh_key(json!({"algorithm": "Rsa", "bits": 2048}));
    let [one, other] = [2, 3].map(|seed| {
        let key = PrivateKey::from_openssh(secret_text(&mint(&object, seed))).unwrap();
        key.key_data().rsa().unwrap().clone()
    });
    let mixed = |mix: fn(&mut RsaKeypair, &RsaKeypair)| {
        let mut pair = one.clone();
        mix(&mut pair, &other);
        reads(&PrivateKey::from(pair))
    };
    assert!(mixed(|_, _| ()));
    assert!(!mixed(|pair, other| pair.public.n = other.public.n.clone()));
    assert!(!mixed(|pair, other| pair.private.d = other.private.d.clone()));
    // Right for one of the primes only.
    assert!(!mixed(|pair, _| pair.private.d = beside(&pair.private.d, &pair.private.p)));
    assert!(!mixed(|pair, _| pair.private.d = beside(&pair.private.d, &pair.private.q)));
    assert!(!mixed(|pair, other| pair.private.p = other.private.p.clone()));
    assert!(!mixed(|pair, other| pair.private.q = other.private.q.clone()));
    assert!(!mixed(|pair, other| pair.private.iqmp = other.private.iqmp.clone()));
    assert!(!mixed(|pair, _| pair.public.e = Mpint::from_positive_bytes(&[3]).unwrap()));
}

#[cfg(feature = "operator")]
#[test]
fn the_rsa_keys_of_the_shell_fit_together() {
    let object = ssh_key(json!({"algorithm": "Rsa", "bits": 2048}));
    let material = object.mint(ORDER, &mut chatelaine::controller::dice::SystemDice).unwrap();
    assert!(read(&object, &secret_text(&material)) == Some(material));
}

/// The exponent plus the prime less one.
fn beside(exponent: &Mpint, prime: &Mpint) -> Mpint {
    let number = |mpint: &Mpint| {
        let bytes = mpint.as_positive_bytes().unwrap();
        U4096::from_be_slice(&[vec![0; 512 - bytes.len()], bytes.to_vec()].concat())
    };
    let sum = number(exponent).wrapping_add(&number(prime)).wrapping_sub(&U4096::ONE);
    Mpint::from_positive_bytes(&sum.to_be_bytes()).unwrap()
}

#[test]
fn rsa_bits_are_those_of_the_spec_and_broken_der_mints_nothing() {
    if !have_tools() {
        return;
    }
    let material = mint(&ssh_key(json!({"algorithm": "Rsa", "bits": 2048})), 2);
    let asked = |bits: u32| ssh_key(json!({"algorithm": "Rsa", "bits": bits})).conforms(&material);
    assert_eq!(asked(2048), Ok(()));
    assert!(asked(3072).is_err());
    assert!(ssh_key(json!({})).conforms(&material).is_err());

    struct Broken;
    impl Dice for Broken {
        fn seed(&mut self) -> Result<Zeroizing<[u8; 32]>, MintError> {
            Seeded(1).seed()
        }
        fn rsa(&mut self, _: u32) -> Result<Zeroizing<Vec<u8>>, MintError> {
            Ok(Zeroizing::new(vec![0x30, 0x03, 0x02, 0x01, 0x00]))
        }
    }
    assert!(ssh_key(json!({"algorithm": "Rsa"})).mint(ORDER, &mut Broken).is_err());
}
