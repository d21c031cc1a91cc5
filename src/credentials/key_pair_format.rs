//! What the two halves of an API key pair look like in each format.

use rand::Rng;
use zeroize::Zeroizing;

use super::{
    MintError,
    alphabet::{Alphabet, BASE32, UPPER, URL_SAFE},
};
use crate::api::KeyPairFormat;

/// The length of a standard access key, its prefix included.
const STANDARD: usize = 20;
/// How much of a standard access key is random at the least, so that two credentials never share one.
const LEAST_RANDOM: usize = 8;
/// How an access key of AWS begins, and how much follows.
const AWS: (&str, usize) = ("AKIA", 16);
/// The length of a secret key over the url-safe alphabet.
const SECRET: usize = 40;
/// The lengths of the two halves in the upper-case format.
const UPPER_CASE: (usize, usize) = (16, 32);

/// Draws the public half.
pub fn access_key(format: KeyPairFormat, prefix: &str, rng: &mut impl Rng) -> Result<String, MintError> {
    let drawn = |start: &str, alphabet: Alphabet, length: usize, rng: &mut _| {
        format!("{start}{}", *alphabet.draw(length, rng))
    };
    match format {
        KeyPairFormat::Standard => {
            let length = STANDARD.checked_sub(prefix.len()).filter(|length| *length >= LEAST_RANDOM);
            let length =
                length.ok_or(MintError("spec.accessKeyPrefix leaves too few characters to chance"))?;
            Ok(drawn(prefix, UPPER, length, rng))
        }
        KeyPairFormat::Aws => Ok(drawn(AWS.0, BASE32, AWS.1, rng)),
        KeyPairFormat::Uuid => Ok(uuid(rng)),
        KeyPairFormat::Upper => Ok(drawn("", UPPER, UPPER_CASE.0, rng)),
    }
}

/// Draws the secret half.
pub fn secret_key(format: KeyPairFormat, rng: &mut impl Rng) -> Zeroizing<String> {
    let (alphabet, length) = secret_shape(format);
    alphabet.draw(length, rng)
}

/// Whether both halves look like the format.
pub fn fits(format: KeyPairFormat, prefix: &str, access_key: &str, secret_key: &[u8]) -> Result<(), String> {
    let (fits, shape) = match format {
        KeyPairFormat::Standard => (
            follows(access_key, prefix, UPPER, STANDARD.saturating_sub(prefix.len())),
            format!("{STANDARD} upper-case letters and digits beginning with {prefix:?}"),
        ),
        KeyPairFormat::Aws => (
            follows(access_key, AWS.0, BASE32, AWS.1),
            format!("{} and {} characters of A-Z and 2-7", AWS.0, AWS.1),
        ),
        KeyPairFormat::Uuid => (is_uuid(access_key), "a UUID of version 4 in lower case".to_owned()),
        KeyPairFormat::Upper => (
            UPPER.spells(access_key, UPPER_CASE.0),
            format!("{} upper-case letters and digits", UPPER_CASE.0),
        ),
    };
    if !fits {
        return Err(format!("the access key is not {shape}, as the format {format:?} asks for"));
    }
    let (alphabet, length) = secret_shape(format);
    if !str::from_utf8(secret_key).is_ok_and(|text| alphabet.spells(text, length)) {
        return Err(format!(
            "the secret key is not {length} characters of the alphabet that the format {format:?} asks for"
        ));
    }
    Ok(())
}

fn secret_shape(format: KeyPairFormat) -> (Alphabet, usize) {
    match format {
        KeyPairFormat::Standard | KeyPairFormat::Aws | KeyPairFormat::Uuid => (URL_SAFE, SECRET),
        KeyPairFormat::Upper => (UPPER, UPPER_CASE.1),
    }
}

fn follows(text: &str, start: &str, alphabet: Alphabet, length: usize) -> bool {
    text.strip_prefix(start).is_some_and(|rest| alphabet.spells(rest, length))
}

/// A UUID of version 4 (random) and variant 1 (RFC 9562).
fn uuid(rng: &mut impl Rng) -> String {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) | 0x4 << 76;
    let number = number & !(0x3 << 62) | 0x2 << 62;
    let digits = format!("{number:032x}");
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hexadecimal = |group: &str| group.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| hexadecimal(group))
        && groups[2].starts_with('4')
        && groups[3].starts_with(['8', '9', 'a', 'b'])
}
