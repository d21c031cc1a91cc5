//! The public half of an SSH key: one line, read so strictly that it can stand in an `authorized_keys` file.

use data_encoding::BASE64;
use ssh_key::{
    HashAlg, PublicKey,
    public::{EcdsaPublicKey, KeyData, RsaPublicKey},
};

use super::rsa;
use crate::core::material::{self, Identity};

/// The algorithms that a line may begin with.
const ACCEPTED: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
const DSA: &str = "ssh-dss";
const CERTIFICATE: &str = "-cert-v01@openssh.com";

/// The sizes of RSA keys that servers accept: below it is weak, above it OpenSSH refuses.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=16_384;

/// What is wrong with a line, and what to do. Never says anything of the line: it may be a private key.
pub type Advice = &'static str;

const EMPTY: Advice = "spec.publicKey is empty: paste the one line of the .pub file there";
const PRIVATE: Advice = "spec.publicKey is a private key: everybody who could read this object may have it now, so make \
     a new pair and paste the one line of its .pub file instead";
const NOT_ONE_LINE_FORMAT: Advice = "spec.publicKey is not in the one-line format of OpenSSH: paste what `ssh-keygen -i` \
     makes of it, a line that begins with ssh-ed25519, ecdsa-sha2-nistp256 or ssh-rsa";
const SECOND_LINE: Advice = "spec.publicKey has more than one line: one SshKey is one key, so paste a single line and make \
     another SshKey for each further key";
const CONTROL: Advice = "spec.publicKey has a control character: paste the one line of the .pub file with spaces between its parts";
const OPTIONS: Advice = "spec.publicKey has options in front of the key: begin with the algorithm, and put what should \
     bound the key into spec.options";
const CERTIFIED: Advice = "spec.publicKey is a certificate: paste the public key that was certified, from the .pub file \
     without -cert in its name";
const DSA_IS_WEAK: Advice = "spec.publicKey is a DSA key, which servers no longer accept: make a new pair with `ssh-keygen -t ed25519`";
const UNKNOWN: Advice = "spec.publicKey does not begin with an algorithm that is accepted: use ssh-ed25519, \
     ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521, ssh-rsa, sk-ssh-ed25519@openssh.com or \
     sk-ecdsa-sha2-nistp256@openssh.com";
const GARBLED: Advice = "spec.publicKey is damaged: what follows the algorithm is not that key, so copy the whole line of \
     the .pub file again";
const ANOTHER_ALGORITHM: Advice = "spec.publicKey names one algorithm and holds a key of another: copy the whole line of \
     the .pub file again";
const RSA_IS_SHORT: Advice = "spec.publicKey is an RSA key below 2048 bits, which is too weak: make a new pair with \
     `ssh-keygen -t ed25519` or `ssh-keygen -t rsa -b 3072`";
const RSA_IS_LONG: Advice = "spec.publicKey is an RSA key above 16384 bits, which servers do not accept: make a new pair \
     with `ssh-keygen -t ed25519` or `ssh-keygen -t rsa -b 3072`";
const RSA_IS_ABSURD: Advice = "spec.publicKey is an RSA key whose exponent or modulus cannot be right: make a new pair \
     with `ssh-keygen -t ed25519` or `ssh-keygen -t rsa -b 3072`";
const NO_POINT: Advice = "spec.publicKey is no usable point of its curve, so that nobody, or anybody, could log in with \
     it: make a new pair with `ssh-keygen -t ed25519`";

/// Reads a line of a `.pub` file.
pub fn parse(text: &str) -> Result<PublicKey, Advice> {
    let line = only_line(text)?;
    let (algorithm, rest) = line.split_once(' ').unwrap_or((line, ""));
    known(algorithm, rest)?;
    let (base64, comment) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    // Not `PublicKey::from_openssh`: its idea of a line is wider than that of sshd.
    let blob = BASE64.decode(base64.as_bytes()).map_err(|_| GARBLED)?;
    if name_in(&blob).ok_or(GARBLED)? != algorithm.as_bytes() {
        return Err(ANOTHER_ALGORITHM);
    }
    let mut key = PublicKey::from_bytes(&blob).map_err(|_| GARBLED)?;
    strong(key.key_data())?;
    key.set_comment(comment.trim());
    Ok(key)
}

/// The fingerprint, as `ssh-keygen -lf` prints it, and the line.
pub fn identity(key: &PublicKey) -> Identity {
    Identity { id: key.fingerprint(HashAlg::Sha256).to_string(), public: key.to_openssh().ok() }
}

/// The digest of the key in a line: of its wire format, so that a changed comment is the same key.
pub fn digest(line: &str) -> String {
    let base64 = line.split(' ').nth(1).unwrap_or_default();
    material::digest(&BASE64.decode(base64.as_bytes()).unwrap_or_default())
}

fn only_line(text: &str) -> Result<&str, Advice> {
    let line = text.trim();
    if line.is_empty() {
        return Err(EMPTY);
    }
    // Before everything else, so that nobody is told to mend the line breaks of a private key.
    if line.contains("BEGIN ") && line.contains("PRIVATE KEY") || line.contains("PuTTY-User-Key-File") {
        return Err(PRIVATE);
    }
    if line.starts_with("-----BEGIN") || line.starts_with("---- BEGIN") {
        return Err(NOT_ONE_LINE_FORMAT);
    }
    if line.contains(['\n', '\r']) {
        return Err(SECOND_LINE);
    }
    if line.contains(char::is_control) {
        return Err(CONTROL);
    }
    Ok(line)
}

fn known(algorithm: &str, rest: &str) -> Result<(), Advice> {
    let is_name = |word: &str| ACCEPTED.contains(&word) || word == DSA || word.ends_with(CERTIFICATE);
    if ACCEPTED.contains(&algorithm) {
        Ok(())
    } else if algorithm.ends_with(CERTIFICATE) {
        Err(CERTIFIED)
    } else if algorithm == DSA {
        Err(DSA_IS_WEAK)
    } else if rest.split(' ').any(is_name) {
        Err(OPTIONS)
    } else {
        Err(UNKNOWN)
    }
}

/// The name of the algorithm inside of the wire format.
fn name_in(blob: &[u8]) -> Option<&[u8]> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn strong(key: &KeyData) -> Result<(), Advice> {
    match key {
        KeyData::Ed25519(key) => on_curve_25519(&key.0),
        KeyData::SkEd25519(key) => on_curve_25519(&key.public_key().0),
        KeyData::Ecdsa(key) => on_nist_curve(key),
        KeyData::SkEcdsaSha2NistP256(key) => on_nist_curve(&EcdsaPublicKey::NistP256(*key.ec_point())),
        KeyData::Rsa(key) => strong_rsa(key),
        // The enum is of another crate and may grow; `known` has refused everything else.
        _ => Err(UNKNOWN),
    }
}

fn on_curve_25519(point: &[u8; 32]) -> Result<(), Advice> {
    // Of a point of small order everybody knows the signatures.
    match ed25519_dalek::VerifyingKey::from_bytes(point) {
        Ok(key) if !key.is_weak() => Ok(()),
        Ok(_) | Err(_) => Err(NO_POINT),
    }
}

fn on_nist_curve(key: &EcdsaPublicKey) -> Result<(), Advice> {
    let point = key.as_sec1_bytes();
    let valid = match key {
        EcdsaPublicKey::NistP256(_) => p256::PublicKey::from_sec1_bytes(point).is_ok(),
        EcdsaPublicKey::NistP384(_) => p384::PublicKey::from_sec1_bytes(point).is_ok(),
        EcdsaPublicKey::NistP521(_) => p521::PublicKey::from_sec1_bytes(point).is_ok(),
    };
    // OpenSSH knows only the uncompressed form, which begins with 4.
    if valid && point.first() == Some(&4) { Ok(()) } else { Err(NO_POINT) }
}

fn strong_rsa(key: &RsaPublicKey) -> Result<(), Advice> {
    let bits = rsa::bits(&key.n).ok_or(RSA_IS_ABSURD)?;
    if bits < *RSA_BITS.start() {
        return Err(RSA_IS_SHORT);
    }
    if bits > *RSA_BITS.end() {
        return Err(RSA_IS_LONG);
    }
    if rsa::is_plausible(key) { Ok(()) } else { Err(RSA_IS_ABSURD) }
}
