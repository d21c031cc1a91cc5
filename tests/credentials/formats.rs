//! What is minted has the shape of its format, and is a function of the seed.

use std::collections::HashSet;

use chatelaine::{
    api::{AccessToken, ApiKeyPair, SshKey},
    core::material::Identity,
    credentials::{Credential, MintError, Order},
};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixture::{ORDER, Seeded, key_pair, mint, secret_text, ssh_key, token};

const SEEDS: u64 = 1_000;
const ALGORITHMS: [&str; 4] = ["Ed25519", "EcdsaP256", "EcdsaP384", "EcdsaP521"];

/// Whether `text` is `length` characters, each of which passes.
fn is(text: &str, length: usize, passes: impl Fn(char) -> bool) -> bool {
    text.chars().count() == length && text.chars().all(passes)
}

fn is_upper(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

fn is_url_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Whether each text is `length` characters, each of which passes, and every character that passes is drawn at all.
fn are_drawn_of(texts: &[String], length: usize, passes: impl Fn(char) -> bool) -> bool {
    let all = texts.concat();
    let is_drawn = |c: &char| all.contains(*c);
    texts.iter().all(|text| is(text, length, &passes))
        && (0..128u8).map(char::from).filter(|c| passes(*c)).all(|c| is_drawn(&c))
}

/// The access keys and secret keys of many seeds.
fn pairs(spec: Value) -> (Vec<String>, Vec<String>) {
    let object = key_pair(spec);
    let pair = |seed| {
        let material = mint(&object, seed);
        (material.identity.id.clone(), secret_text(&material))
    };
    (0..SEEDS).map(pair).unzip()
}

/// What follows the prefix that each of them has.
fn after(prefix: &str, texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| text.strip_prefix(prefix).unwrap().to_owned()).collect()
}

#[test]
fn a_standard_pair_is_20_upper_case_and_40_url_safe_characters() {
    let (access_keys, secret_keys) = pairs(json!({}));
    assert!(are_drawn_of(&access_keys, 20, is_upper), "{access_keys:?}");
    assert!(are_drawn_of(&secret_keys, 40, is_url_safe));
}

#[test]
fn the_prefix_counts_within_the_20_characters() {
    let (access_keys, _) = pairs(json!({"accessKeyPrefix": "ACMEPROD"}));
    assert!(are_drawn_of(&after("ACMEPROD", &access_keys), 12, is_upper), "{access_keys:?}");
}

#[test]
fn a_prefix_that_leaves_too_little_to_chance_mints_nothing() {
    let long = key_pair(json!({"accessKeyPrefix": "ACMEPRODUCTION"}));
    let refused = Err(MintError("spec.accessKeyPrefix leaves too few characters to chance"));
    assert_eq!(long.mint(ORDER, &mut Seeded(0)), refused);
}

#[test]
fn an_aws_pair_is_akia_with_16_of_base_32_and_40_url_safe_characters() {
    let (access_keys, secret_keys) = pairs(json!({"format": "Aws"}));
    let is_base_32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    assert!(are_drawn_of(&after("AKIA", &access_keys), 16, is_base_32), "{access_keys:?}");
    assert!(are_drawn_of(&secret_keys, 40, is_url_safe));
}

#[test]
fn a_uuid_pair_has_a_lower_case_uuid_of_version_4_and_variant_1() {
    let mut variants = HashSet::new();
    let (access_keys, secret_keys) = pairs(json!({"format": "Uuid"}));
    for access_key in &access_keys {
        let groups: Vec<&str> = access_key.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{access_key}");
        assert!(is(&groups.concat(), 32, |c| "0123456789abcdef".contains(c)), "{access_key}");
        assert!(groups[2].starts_with('4'), "{access_key}");
        variants.insert(groups[3].chars().next().unwrap());
    }
    assert!(are_drawn_of(&secret_keys, 40, is_url_safe));
    assert_eq!(variants, HashSet::from(['8', '9', 'a', 'b']));
}

#[test]
fn an_upper_pair_is_16_and_32_upper_case_characters() {
    let (access_keys, secret_keys) = pairs(json!({"format": "Upper"}));
    assert!(
        are_drawn_of(&access_keys, 16, is_upper) && are_drawn_of(&secret_keys, 32, is_upper),
        "{access_keys:?}"
    );
}

#[test]
fn a_prefixed_token_is_its_prefix_30_base_62_digits_and_their_checksum() {
    let (object, mut random) = (token(json!({})), Vec::new());
    for seed in 0..SEEDS {
        for (order, prefix) in [(ORDER, "chtl_"), (Order { token_prefix: Some("acme"), ..ORDER }, "acme_")] {
            let text = secret_text(&object.mint(order, &mut Seeded(seed)).unwrap());
            let digits = text.strip_prefix(prefix).unwrap();
            random.push(digits[..30].to_owned());
            assert!(is(digits, 36, |c| c.is_ascii_alphanumeric()));
            assert_eq!(number(&digits[30..]), u64::from(crc32(&digits.as_bytes()[..30])), "seed {seed}");
        }
    }
    assert!(are_drawn_of(&random, 30, |c| c.is_ascii_alphanumeric()));
}

/// Digits of base 62, by another road than the product's.
fn number(digits: &str) -> u64 {
    let digit = |c: char| match c {
        '0'..='9' => c as u64 - '0' as u64,
        'A'..='Z' => c as u64 - 'A' as u64 + 10,
        _ => c as u64 - 'a' as u64 + 36,
    };
    digits.chars().fold(0, |number, c| number * 62 + digit(c))
}

/// CRC-32/IEEE bit by bit, from its definition.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[test]
fn a_plain_token_is_32_alphanumerics() {
    let object = token(json!({"format": "Plain"}));
    let tokens: Vec<_> = (0..SEEDS).map(|seed| secret_text(&mint(&object, seed))).collect();
    assert!(are_drawn_of(&tokens, 32, |c| c.is_ascii_alphanumeric()));
}

#[test]
fn the_id_of_a_token_is_16_hexadecimal_digits_of_its_sha_256() {
    let material = mint(&token(json!({})), 3);
    let digest = HEXLOWER.encode(&Sha256::digest(secret_text(&material).as_bytes()));
    assert_eq!(material.identity.id, digest[..16]);
}

#[test]
fn the_same_seed_gives_the_same_material_and_another_seed_another() {
    fn check(object: &impl Credential) {
        let mut seen = HashSet::new();
        for seed in 0..50 {
            let material = mint(object, seed);
            assert!(material == mint(object, seed), "seed {seed} gave two");
            assert!(seen.insert(material.identity.id.clone()), "an identity twice");
            assert!(seen.insert(secret_text(&material)), "a secret twice");
        }
    }
    for format in ["Standard", "Aws", "Uuid", "Upper"] {
        check(&key_pair(json!({"format": format})));
    }
    for format in ["Prefixed", "Plain"] {
        check(&token(json!({"format": format})));
    }
    for algorithm in ALGORITHMS {
        check(&ssh_key(json!({"algorithm": algorithm})));
    }
}

#[test]
fn a_kept_access_key_stays_and_its_secret_is_new() {
    let object = key_pair(json!({}));
    let first = mint(&object, 1);
    let second = object.mint(Order { keep: Some(&first.identity.id), ..ORDER }, &mut Seeded(2)).unwrap();
    assert_eq!(first.identity, second.identity);
    assert_ne!(secret_text(&first), secret_text(&second));
}

#[test]
fn only_a_key_pair_in_mode_secret_only_keeps_its_identity() {
    assert!(key_pair(json!({})).keeps_identity());
    assert!(key_pair(json!({"rotation": {"overlap": "1h"}})).keeps_identity());
    assert!(!key_pair(json!({"rotation": {"mode": "KeyPair"}})).keeps_identity());
    assert!(!token(json!({})).keeps_identity());
    assert!(!ssh_key(json!({})).keeps_identity());
}

#[test]
fn only_a_key_pair_has_an_identity_before_its_material() {
    let assigned = key_pair(json!({"format": "Aws"})).assign(&mut Seeded(1)).unwrap();
    assert!(matches!(assigned, Some(Identity { id, public: None }) if id.starts_with("AKIA")));
    assert_eq!(token(json!({})).assign(&mut Seeded(1)), Ok(None));
    assert_eq!(ssh_key(json!({})).assign(&mut Seeded(1)), Ok(None));
}

#[test]
fn the_number_of_an_ssh_key_is_positive_and_below_2_to_the_53_and_only_it_has_one() {
    let numbers: HashSet<i64> = (0..SEEDS).map(|uid| SshKey::number(&uid.to_string()).unwrap()).collect();
    assert_eq!(numbers.len(), SEEDS as usize);
    assert!(numbers.iter().all(|number| (1..1 << 53).contains(number)));
    assert!(numbers.iter().any(|number| *number > 1 << 52), "the whole range is used");
    assert_eq!(SshKey::number("a-uid"), SshKey::number("a-uid"));
    assert_eq!((ApiKeyPair::number("a-uid"), AccessToken::number("a-uid")), (None, None));
}

#[test]
fn the_whole_range_of_private_numbers_is_drawn() {
    for (algorithm, highest) in [("EcdsaP256", 0x80), ("EcdsaP384", 0x80), ("EcdsaP521", 0x01)] {
        let object = ssh_key(json!({"algorithm": algorithm}));
        let first = |seed| {
            let key = ssh_key::PrivateKey::from_openssh(secret_text(&mint(&object, seed))).unwrap();
            key.key_data().ecdsa().unwrap().private_key_bytes()[0]
        };
        let firsts: Vec<u8> = (0..64).map(first).collect();
        assert!(
            firsts.iter().any(|byte| *byte >= highest) && firsts.iter().any(|byte| *byte < highest),
            "{algorithm}"
        );
    }
}
