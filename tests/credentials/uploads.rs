//! Which uploaded public keys are taken, and which are refused with what advice.

use chatelaine::{core::reason::Reason, credentials::Credential};
use data_encoding::BASE64;
use serde_json::json;

use crate::fixture::{mint, secret_text, ssh_key, upload};
use crate::keys::{CERTIFICATE, DSA, ED25519, P256, P384, P521, RSA_1024, RSA_2048};

/// The line that is taken, or the advice.
fn taken(line: &str) -> Result<String, String> {
    let answer = upload(line).brought().expect("an upload brings something");
    answer.map(|material| material.identity.public.unwrap()).map_err(|refusal| {
        assert_eq!(refusal.reason, Reason::InvalidKey);
        refusal.message
    })
}

#[track_caller]
fn refused(line: &str, because: &str) {
    let message = taken(line).expect_err(because);
    assert!(message.contains(because), "{because:?} is not in {message:?}");
    assert!(message.starts_with("spec.publicKey ") && message.contains(": "), "no advice: {message}");
    for word in line.split_whitespace().filter(|word| word.len() > 40) {
        assert!(!message.contains(word), "echoed: {message}");
    }
}

/// A field of the wire format.
fn field(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn line(algorithm: &str, fields: &[&[u8]]) -> String {
    let mut blob = field(algorithm.as_bytes());
    blob.extend(fields.iter().flat_map(|bytes| field(bytes)));
    format!("{algorithm} {} comment", BASE64.encode(&blob))
}

/// The wire format of a line.
fn blob(line: &str) -> Vec<u8> {
    BASE64.decode(line.split(' ').nth(1).unwrap().as_bytes()).unwrap()
}

/// A number of that many bits, as it is written in a key.
fn modulus(bits: usize, last: u8) -> Vec<u8> {
    let mut bytes = vec![0x5a; bits / 8];
    bytes[0] = 0x80;
    bytes[bits / 8 - 1] = last;
    [vec![0], bytes].concat()
}

fn rsa(exponent: &[u8], modulus: &[u8]) -> String {
    line("ssh-rsa", &[exponent, modulus])
}

const F4: &[u8] = &[1, 0, 1];

#[test]
fn keys_of_every_accepted_algorithm_are_taken_as_they_are() {
    for key in [ED25519, P256, P384, P521, RSA_2048] {
        assert_eq!(taken(key).as_deref(), Ok(key));
    }
    for key in [rsa(F4, &modulus(4096, 1)), rsa(&[3], &modulus(2048, 1)), rsa(F4, &modulus(16_384, 1))] {
        assert_eq!(taken(&key), Ok(key));
    }
}

#[test]
fn keys_in_hardware_are_taken() {
    let point = &blob(ED25519)[19..];
    let sk = line("sk-ssh-ed25519@openssh.com", &[point, b"ssh:"]);
    assert_eq!(taken(&sk), Ok(sk));
    let point = &blob(P256)[39..];
    let sk = line("sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", point, b"ssh:"]);
    assert_eq!(taken(&sk), Ok(sk));
}

#[test]
fn space_around_a_line_and_a_comment_are_fine() {
    for around in [format!("{ED25519}\n"), format!("  {ED25519} \r\n\n"), ED25519.replacen(' ', "  ", 2)] {
        assert_eq!(taken(&around).as_deref(), Ok(ED25519));
    }
    let bare = ED25519.rsplit_once(' ').unwrap().0;
    assert_eq!(taken(bare).as_deref(), Ok(bare));
    let words = format!("{bare} Alice's key, #2 \"old\"");
    assert_eq!(taken(&words), Ok(words));
}

#[test]
fn a_second_line_is_refused() {
    for between in ["\n", "\r\n", "\r", "\n\n", "\n# note\n"] {
        refused(&format!("{ED25519}{between}{P256}"), "more than one line");
    }
    refused(&format!("{ED25519}\nx"), "more than one line");
    refused(&format!("# my key\n{ED25519}"), "more than one line");
}

#[test]
fn options_in_front_are_refused() {
    for options in [
        "restrict",
        "command=\"echo hi\"",
        "from=\"*\",no-pty",
        "cert-authority",
        "environment=\"A=ssh-rsa b\"",
    ] {
        for key in [ED25519, RSA_1024, DSA, CERTIFICATE] {
            refused(&format!("{options} {key}"), "options in front");
        }
    }
}

#[test]
fn a_private_key_is_refused_and_called_disclosed() {
    let minted = secret_text(&mint(&ssh_key(json!({})), 1));
    refused(&minted, "private key");
    refused(&minted.replace('\n', " "), "private key");
    refused(&format!("{ED25519}\n{minted}"), "private key");
    for sort in ["", "RSA ", "EC ", "DSA ", "ENCRYPTED "] {
        let frame = |side: &str| format!("-----{side} {sort}PRIVATE KEY-----");
        refused(&format!("{}\n{}\n{}\n", frame("BEGIN"), "MIIE".repeat(20), frame("END")), "private key");
    }
    refused("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56wAAAgIAAAAm\n", "private key");
    refused("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "private key");
}

#[test]
fn a_public_key_in_another_format_is_refused_with_the_way_out() {
    for frame in
        ["-----BEGIN PUBLIC KEY-----", "-----BEGIN CERTIFICATE-----", "---- BEGIN SSH2 PUBLIC KEY ----"]
    {
        refused(&format!("{frame}\nMCowBQYDK2VwAyEA\n"), "ssh-keygen -i");
    }
}

#[test]
fn weak_and_unknown_algorithms_are_refused() {
    refused(DSA, "DSA");
    refused(RSA_1024, "below 2048 bits");
    refused(&rsa(F4, &modulus(2040, 1)), "below 2048 bits");
    refused(&rsa(F4, &modulus(16_392, 1)), "above 16384 bits");
    refused(CERTIFICATE, "certificate");
    refused(&line("ssh-ed448", &[&[7; 57]]), "does not begin with an algorithm");
    refused(&ED25519.replace("ssh-ed25519 ", "SSH-ED25519 "), "does not begin with an algorithm");
    refused(&format!("\u{feff}{ED25519}"), "does not begin with an algorithm");
    refused("hunter2", "does not begin with an algorithm");
    refused(&BASE64.encode(&blob(ED25519)), "does not begin with an algorithm");
}

#[test]
fn an_rsa_key_of_absurd_numbers_is_refused() {
    let good = modulus(2048, 1);
    for exponent in [&[][..], &[1], &[2], &[4], &[1, 0, 0], &[0x80], &[1; 9]] {
        refused(&rsa(exponent, &good), "exponent or modulus");
    }
    refused(&rsa(F4, &modulus(2048, 2)), "exponent or modulus");
    refused(&rsa(F4, &good[1..]), "exponent or modulus");
}

#[test]
fn a_point_off_its_curve_or_of_small_order_is_refused() {
    let off = |key: &str, algorithm: &str, curve: &str| {
        let mut point = blob(key)[39..].to_vec();
        *point.last_mut().unwrap() ^= 1;
        line(algorithm, &[curve.as_bytes(), &point])
    };
    refused(&off(P256, "ecdsa-sha2-nistp256", "nistp256"), "no usable point");
    refused(&off(P384, "ecdsa-sha2-nistp384", "nistp384"), "no usable point");
    refused(&off(P521, "ecdsa-sha2-nistp521", "nistp521"), "no usable point");
    let compressed = [&[2 + (blob(P256).last().unwrap() & 1)], &blob(P256)[40..72]].concat();
    refused(&line("ecdsa-sha2-nistp256", &[b"nistp256", &compressed]), "no usable point");
    let sk = |name: &str, fields: &[&[u8]]| refused(&line(name, fields), "no usable point");
    sk("sk-ecdsa-sha2-nistp256@openssh.com", &[b"nistp256", &compressed, b"ssh:"]);
    for weak in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        sk("ssh-ed25519", &[&weak]);
        sk("sk-ssh-ed25519@openssh.com", &[&weak, b"ssh:"]);
    }
}

#[test]
fn a_damaged_line_is_refused() {
    let (name, rest) = ED25519.split_once(' ').unwrap();
    let base64 = rest.split(' ').next().unwrap();
    refused(name, "damaged");
    refused(&format!("{name} {}", &base64[..40]), "damaged");
    refused(&format!("{name} {}", &base64[..41]), "damaged");
    refused(&format!("{name} {}!", &base64[..67]), "damaged");
    let trailing = [blob(ED25519), vec![0]].concat();
    refused(&format!("{name} {}", BASE64.encode(&trailing)), "damaged");
    let two = [blob(ED25519), blob(ED25519)].concat();
    refused(&format!("{name} {}", BASE64.encode(&two)), "damaged");
    refused(&rsa(F4, &[vec![0], modulus(2048, 1)].concat()), "damaged");
    refused(&format!("{name} {}", BASE64.encode(&[0xff; 51])), "damaged");
}

#[test]
fn a_name_that_disagrees_with_the_key_is_refused() {
    refused(&ED25519.replace("ssh-ed25519 ", "ssh-rsa "), "another");
    refused(&P256.replace("nistp256 ", "nistp384 "), "another");
    refused(&ED25519.replace("ssh-ed25519 ", "sk-ssh-ed25519@openssh.com "), "another");
    refused(&DSA.replace("ssh-dss ", "ssh-rsa "), "another");
    refused(&CERTIFICATE.replace("ssh-ed25519-cert-v01@openssh.com ", "ssh-ed25519 "), "another");
    // The curve stands a second time within the key.
    let point = &blob(P256)[39..];
    refused(&line("ecdsa-sha2-nistp384", &[b"nistp256", point]), "damaged");
}

#[test]
fn control_characters_are_refused() {
    for control in ['\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{b}'] {
        refused(&format!("{ED25519}{control}x"), "control character");
        refused(&ED25519.replacen(' ', &control.to_string(), 1), "control character");
    }
}

#[test]
fn nothing_at_all_is_refused() {
    for nothing in ["", " ", "\n"] {
        refused(nothing, "empty");
    }
}

#[test]
fn only_an_upload_brings_its_key() {
    assert!(ssh_key(json!({})).brought().is_none());
}
