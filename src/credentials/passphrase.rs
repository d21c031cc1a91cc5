//! Passphrases: which bytes can be one, and how the ledger says which one a private key is encrypted with.

use data_encoding::BASE64;
use ssh_key::Cipher;

use super::{Dice, MintError};
use crate::core::material::SecretBytes;

/// `ssh-keygen` and `ssh` read no longer line.
const LONGEST: usize = 1023;
/// What is sealed is filled up to a multiple of this, so that its length says little.
const BLOCK: usize = 64;
const KEY: usize = 32;
const NONCE: usize = 12;
const TAG: usize = 16;
const UNSEALED: MintError = MintError("the passphrase cannot be noted in the ledger");

/// Why some bytes are no passphrase: nothing was given, or it could never be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    Empty,
    TooLong,
    OfManyLines,
}

/// The passphrase in the value of a Secret, without a line break at its end.
pub fn passphrase(value: &[u8]) -> Result<SecretBytes, Unusable> {
    match without_line_break(value) {
        [] => Err(Unusable::Empty),
        line if line.len() > LONGEST => Err(Unusable::TooLong),
        line if line.iter().any(|byte| matches!(byte, b'\0' | b'\n' | b'\r')) => Err(Unusable::OfManyLines),
        line => Ok(SecretBytes::from(line.to_vec())),
    }
}

/// What stands before the line break at the end, if there is one: editors and `kubectl create --from-file` leave it there.
pub(super) fn without_line_break(value: &[u8]) -> &[u8] {
    let line = value.strip_suffix(b"\n").unwrap_or(value);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A new key to seal with.
pub fn sealing_key(dice: &mut dyn Dice) -> Result<SecretBytes, MintError> {
    Ok(SecretBytes::from(dice.seed()?.to_vec()))
}

/// Whether these bytes can be a key to seal with.
pub fn is_sealing_key(bytes: &[u8]) -> bool {
    bytes.len() == KEY
}

/// The passphrase in words that say nothing to whoever does not have the key. A plain digest would not do: beside the
/// encrypted key it would let guesses be tried a million times faster than `bcrypt` allows.
pub fn seal(key: &SecretBytes, passphrase: &SecretBytes, dice: &mut dyn Dice) -> Result<String, MintError> {
    let seed = dice.seed()?;
    let nonce = &seed[..NONCE];
    // No passphrase has a zero byte.
    let mut text = passphrase.expose().to_vec();
    text.resize(text.len().next_multiple_of(BLOCK), 0);
    let tag = Cipher::Aes256Gcm.encrypt(key.expose(), nonce, &mut text).map_err(|_| UNSEALED)?;
    Ok(BASE64.encode(&[nonce, &text, &tag.ok_or(UNSEALED)?].concat()))
}

/// The passphrase that was sealed; None if it was not, or with another key.
pub fn unseal(key: &SecretBytes, sealed: &str) -> Option<SecretBytes> {
    let bytes = BASE64.decode(sealed.as_bytes()).ok()?;
    let (nonce, rest) = bytes.split_at_checked(NONCE)?;
    let (text, tag) = rest.split_last_chunk::<TAG>()?;
    let mut text = text.to_vec();
    Cipher::Aes256Gcm.decrypt(key.expose(), nonce, &mut text, Some(*tag)).ok()?;
    let length = text.iter().rposition(|byte| *byte != 0)? + 1;
    let passphrase = SecretBytes::from(text[..length].to_vec());
    drop(SecretBytes::from(text));
    Some(passphrase)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    struct Counting(u8);

    impl Dice for Counting {
        fn seed(&mut self) -> Result<Zeroizing<[u8; 32]>, MintError> {
            self.0 += 1;
            Ok(Zeroizing::new([self.0; 32]))
        }

        fn rsa(&mut self, _: u32) -> Result<Zeroizing<Vec<u8>>, MintError> {
            Err(MintError("there is no RSA key here"))
        }
    }

    fn of(value: &[u8]) -> Result<Vec<u8>, Unusable> {
        passphrase(value).map(|passphrase| passphrase.expose().to_vec())
    }

    #[test]
    fn a_line_break_at_the_end_does_not_belong_to_the_passphrase() {
        for value in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(of(value.as_bytes()), Ok(b"correct horse".to_vec()), "{value:?}");
        }
        assert_eq!(of(b" spaces and \t tabs do "), Ok(b" spaces and \t tabs do ".to_vec()));
        assert_eq!(of(b"not UTF-8 \xff"), Ok(b"not UTF-8 \xff".to_vec()));
    }

    #[test]
    fn what_could_never_be_typed_is_no_passphrase() {
        for value in ["", "\n", "\r\n"] {
            assert_eq!(of(value.as_bytes()), Err(Unusable::Empty), "{value:?}");
        }
        for value in ["two\nlines", "two lines\n\n", "a\0b", "a\rb"] {
            assert_eq!(of(value.as_bytes()), Err(Unusable::OfManyLines), "{value:?}");
        }
        assert_eq!(of(&[b'a'; 1024]), Err(Unusable::TooLong));
        assert!(of(&[b'a'; 1023]).is_ok());
    }

    #[test]
    fn what_is_sealed_is_read_with_its_key_alone() {
        let dice = &mut Counting(0);
        let (key, other) = (sealing_key(dice).unwrap(), sealing_key(dice).unwrap());
        assert!(is_sealing_key(key.expose()) && !is_sealing_key(b"short"));
        for length in [1, 63, 64, 65, 1023] {
            let passphrase = SecretBytes::from(vec![b'x'; length]);
            let sealed = seal(&key, &passphrase, dice).unwrap();
            assert_eq!(unseal(&key, &sealed), Some(passphrase));
            assert_eq!(unseal(&other, &sealed), None);
            assert_ne!(sealed, seal(&key, &SecretBytes::from(vec![b'x'; length]), dice).unwrap());
        }
        assert_eq!(unseal(&key, ""), None);
        assert_eq!(unseal(&key, "not base 64"), None);
    }

    #[test]
    fn the_length_of_a_sealed_passphrase_says_little() {
        let dice = &mut Counting(0);
        let key = sealing_key(dice).unwrap();
        let mut length = |text: &str| seal(&key, &SecretBytes::from(text), dice).unwrap().len();
        assert_eq!(length("a"), length(&"a".repeat(64)));
    }
}
