//! The secret bytes of a credential, in types that never print them and are wiped when dropped.

use std::{collections::BTreeMap, fmt};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that must not be seen: `Debug` gives their number, drop wipes them.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&str> for SecretBytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self(text.into_bytes())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// What a Secret holds, by role: the canonical name of a data key (`accessKey`), whatever `spec.secret.keys` calls it.
pub type Parts = BTreeMap<String, SecretBytes>;

/// What may be known of some material: which one it is, never what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Access key, SSH fingerprint or token id.
    pub id: String,
    /// The public half as one line, for the kinds that have one.
    pub public: Option<String>,
}

/// One value of a credential: its identity and, unless only the public half was uploaded, its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    pub identity: Identity,
    pub secret: Option<SecretBytes>,
}

/// `sha256:` and 64 hexadecimal digits: how the ledger names material without saying it.
///
/// Plain SHA-256 is enough because all material has at least 128 bits of entropy.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
}

/// The same of a line that was made from what somebody brought, under another name: a ledger says with it that the
/// material was brought, also when it is only testified. What people choose can be guessed, so its own SHA-256 is
/// nowhere.
pub fn digest_of_line(line: &[u8]) -> String {
    format!("{OF_LINE}{}", HEXLOWER.encode(&Sha256::digest(line)))
}

/// What the digest of such a line begins with.
pub const OF_LINE: &str = "htpasswd-sha256:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_material_has_no_secret_byte() {
        let material = Material {
            identity: Identity { id: "AKIA".into(), public: None },
            secret: Some(SecretBytes::from("correct horse")),
        };
        let printed = format!("{material:?} {material:#?}");
        assert!(!printed.contains("horse") && !printed.contains("104"), "{printed}");
        assert!(printed.contains("13 bytes"));
    }

    #[test]
    fn a_digest_is_the_sha256_of_the_bytes() {
        assert_eq!(digest(b"abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
