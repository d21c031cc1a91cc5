//! Lines for htpasswd files: a name and the bcrypt hash of a password, and which bytes can be one.

use super::{Dice, MintError, passphrase::without_line_break};
use crate::core::material::SecretBytes;

/// What bcrypt hashes at most; what is beyond would not count.
pub const LONGEST: usize = 72;
/// Of what people choose. Less is guessed from the hash.
const SHORTEST: usize = 8;
/// Two to the power of this is the number of rounds: tens of milliseconds.
const COST: u32 = 10;

/// Why some bytes are no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    Empty,
    TooShort,
    TooLong,
    NoText,
    /// Or has other control characters.
    OfManyLines,
}

/// The password in the value of a Secret, without a line break at its end.
pub fn password(value: &[u8]) -> Result<SecretBytes, Unusable> {
    let line = without_line_break(value);
    let text = str::from_utf8(line).map_err(|_| Unusable::NoText)?;
    match text {
        "" => Err(Unusable::Empty),
        text if text.contains(char::is_control) => Err(Unusable::OfManyLines),
        text if text.chars().count() < SHORTEST => Err(Unusable::TooShort),
        text if text.len() > LONGEST => Err(Unusable::TooLong),
        text => Ok(SecretBytes::from(text)),
    }
}

/// A new line, with a salt of its own. Slow on purpose.
pub fn line(username: &str, password: &[u8], dice: &mut dyn Dice) -> Result<String, MintError> {
    if password.len() > LONGEST {
        return Err(MintError("the password is longer than bcrypt hashes"));
    }
    let seed = dice.seed()?;
    let salt = *seed.first_chunk::<16>().ok_or(MintError("the seed is too short"))?;
    let hash = bcrypt::hash_with_salt(password, COST, salt)
        .map_err(|_| MintError("the password could not be hashed"))?;
    Ok(format!("{username}:{}", hash.format_for_version(bcrypt::Version::TwoY)))
}

/// Whether this line is one of ours and lets this password in. As slow: one with another number of rounds, which could
/// take days, is not looked at.
pub fn fits(line: &[u8], username: &str, password: &[u8]) -> bool {
    let hash = str::from_utf8(line).ok().and_then(|line| line.strip_prefix(username)?.strip_prefix(':'));
    hash.filter(|hash| hash.starts_with(&format!("$2y${COST}$")))
        .is_some_and(|hash| bcrypt::verify(password, hash).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &[u8]) -> Result<Vec<u8>, Unusable> {
        password(value).map(|password| password.expose().to_vec())
    }

    #[test]
    fn a_line_break_at_the_end_does_not_belong_to_the_password() {
        for value in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(of(value.as_bytes()), Ok(b"correct horse".to_vec()), "{value:?}");
        }
        assert_eq!(of(b" spaces at both ends "), Ok(b" spaces at both ends ".to_vec()));
        assert_eq!(of("zażółć g".as_bytes()), Ok("zażółć g".as_bytes().to_vec()));
    }

    #[test]
    fn only_a_line_of_our_own_making_is_tried() {
        let of_cost = |cost, version| {
            let hash = bcrypt::hash_with_salt("correct horse", cost, [7; 16]).unwrap();
            format!("alice:{}", hash.format_for_version(version))
        };
        let lets_in = |line: &str| fits(line.as_bytes(), "alice", b"correct horse");
        assert!(lets_in(&of_cost(COST, bcrypt::Version::TwoY)));
        let others = [of_cost(4, bcrypt::Version::TwoY), of_cost(COST, bcrypt::Version::TwoB)];
        for line in others.iter().map(String::as_str).chain(["alice:$2y$10$cut", "alice", "bob:x", ""]) {
            assert!(!lets_in(line), "{line}");
        }
        assert!(!fits(of_cost(COST, bcrypt::Version::TwoY).as_bytes(), "bob", b"correct horse"));
    }

    #[test]
    fn what_bcrypt_would_cut_and_what_is_no_line_of_text_is_no_password() {
        for value in ["", "\n", "\r\n"] {
            assert_eq!(of(value.as_bytes()), Err(Unusable::Empty), "{value:?}");
        }
        for value in
            ["two lines\nhere", "two lines\n\n", "with a \0 byte", "with a \t tab", "with\u{85}nel ok"]
        {
            assert_eq!(of(value.as_bytes()), Err(Unusable::OfManyLines), "{value:?}");
        }
        assert_eq!(of(b"no text \xff\xfe"), Err(Unusable::NoText));
        assert_eq!(of("1234567".as_bytes()), Err(Unusable::TooShort));
        assert_eq!(of("zażółćg".as_bytes()), Err(Unusable::TooShort), "seven characters, eleven bytes");
        assert_eq!(of(&[b'a'; 73]), Err(Unusable::TooLong));
        assert_eq!(of("ł".repeat(37).as_bytes()), Err(Unusable::TooLong), "bytes count, not characters");
        assert!(of(&[b'a'; 72]).is_ok() && of(&[b'a'; 8]).is_ok());
    }
}
