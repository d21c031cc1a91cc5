//! The text of a prefixed token: `<prefix>_`, 30 random base62 digits and their checksum, so that a scanner can tell
//! a real token from a random text without asking anybody.

use rand::Rng;
use zeroize::Zeroizing;

use super::alphabet::BASE62;

/// How many digits are random: more than 178 bits.
const RANDOM: usize = 30;
/// How many digits hold the checksum: 62^6 is above 2^32.
const CHECKSUM: usize = 6;

/// Draws a token.
pub fn draw(prefix: &str, rng: &mut impl Rng) -> Zeroizing<String> {
    let random = BASE62.draw(RANDOM, rng);
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 1 + RANDOM + CHECKSUM));
    for part in [prefix, "_", &random, &checksum(&random)] {
        text.push_str(part);
    }
    text
}

/// Whether `text` is a token of any prefix.
pub fn is_token(text: &str) -> bool {
    let Some((prefix, digits)) = text.rsplit_once('_') else { return false };
    !prefix.is_empty()
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && BASE62.spells(digits, RANDOM + CHECKSUM)
        && *checksum(&digits[..RANDOM]) == digits[RANDOM..]
}

/// CRC-32/IEEE of the digits as a number of base 62, padded on the left.
fn checksum(random: &str) -> Zeroizing<String> {
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut digits = [0; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.0.as_bytes()[(rest % 62) as usize];
        rest /= 62;
    }
    Zeroizing::new(digits.map(char::from).iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    #[test]
    fn the_checksum_is_the_one_of_the_conventions() {
        assert_eq!(*checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }

    #[test]
    fn a_token_is_told_from_what_only_looks_like_one() {
        assert!(is_token("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"));
        assert!(is_token("a_b_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"));
        for text in [
            "ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18",
            "ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkK0mLq17",
            "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\n",
            "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17",
            "g p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17",
            "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17",
            "ghp_",
            "",
        ] {
            assert!(!is_token(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_drawn_is_a_token() {
        for seed in 0..1_000u16 {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&seed.to_be_bytes());
            let token = draw("chtl", &mut StdRng::from_seed(bytes));
            assert_eq!(token.len(), 4 + 1 + 30 + 6);
            assert!(token.starts_with("chtl_") && is_token(&token), "seed {seed}");
        }
    }
}
