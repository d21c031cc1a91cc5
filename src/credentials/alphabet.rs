//! Random text over an alphabet, every character equally likely.

use rand::{
    Rng, SeedableRng,
    distr::{Distribution, Uniform},
    rngs::StdRng,
};
use zeroize::Zeroizing;

use super::{Dice, MintError};

/// The characters of a text, each once.
#[derive(Clone, Copy, Debug)]
pub struct Alphabet(pub &'static str);

/// Upper-case letters and digits.
pub const UPPER: Alphabet = Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
/// RFC 4648 base 32, as in the access keys of AWS.
pub const BASE32: Alphabet = Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
/// RFC 4648 base 64 for URLs and file names.
pub const URL_SAFE: Alphabet = Alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
/// Letters and digits, in the order in which they are digits of a number.
pub const BASE62: Alphabet = Alphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/// Letters and digits that nobody takes for each other, for what people type.
pub const LEGIBLE: Alphabet = Alphabet("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789");

/// The generator of one piece of material: one seed, so that the material is a function of it.
pub fn roll(dice: &mut dyn Dice) -> Result<StdRng, MintError> {
    Ok(StdRng::from_seed(*dice.seed()?))
}

impl Alphabet {
    /// Draws a text of `length` characters.
    #[expect(clippy::expect_used, reason = "no alphabet is empty: they are all above")]
    pub fn draw(self, length: usize, rng: &mut impl Rng) -> Zeroizing<String> {
        // `Uniform` rejects what would favour some characters; a remainder, or `random_range`, would not quite.
        let places = Uniform::new(0, self.0.len()).expect("no alphabet is empty");
        // The capacity is there from the start: a string that grows leaves its old buffer behind, unwiped.
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.extend((0..length).map(|_| char::from(self.0.as_bytes()[places.sample(rng)])));
        text
    }

    /// Whether `text` is `length` characters of this alphabet.
    pub fn spells(self, text: &str, length: usize) -> bool {
        text.len() == length && text.chars().all(|c| self.0.contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Alphabet; 5] = [UPPER, BASE32, URL_SAFE, BASE62, LEGIBLE];

    #[test]
    fn every_character_is_equally_likely() {
        const DRAWN: usize = 1_000_000;
        for alphabet in ALL {
            let text = alphabet.draw(DRAWN, &mut StdRng::from_seed([7; 32]));
            let size = alphabet.0.len() as f64;
            let expected = DRAWN as f64 / size;
            let mut counts = [0u32; 128];
            text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
            let off = |byte: u8| (f64::from(counts[usize::from(byte)]) - expected).powi(2) / expected;
            let chi_square: f64 = alphabet.0.bytes().map(off).sum();
            // Mean and deviation of the distribution with (size - 1) degrees of freedom: five deviations is one
            // in millions, while taking a byte modulo 62 is off by thousands.
            let freedom = size - 1.0;
            let limit = freedom + 5.0 * (2.0 * freedom).sqrt();
            assert!(chi_square < limit, "{alphabet:?}: {chi_square} is above {limit}");
        }
    }

    #[test]
    fn an_alphabet_has_each_character_once() {
        for alphabet in ALL {
            let mut characters: Vec<char> = alphabet.0.chars().collect();
            characters.sort();
            characters.dedup();
            assert_eq!(characters.len(), alphabet.0.len(), "{alphabet:?}");
            assert!(alphabet.0.is_ascii());
        }
    }

    #[test]
    fn a_text_is_spelled_by_its_own_characters_in_its_own_length() {
        assert!(BASE32.spells("AZ27", 4));
        for (text, length) in [("AZ27", 3), ("AZ27", 5), ("AZ21", 4), ("az27", 4), ("AZ2\n", 4), ("AZ2é", 5)]
        {
            assert!(!BASE32.spells(text, length), "{text:?} {length}");
        }
    }
}
