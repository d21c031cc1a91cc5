//! The private half of an SSH key, in the format of OpenSSH.

use rand::{Rng, rngs::StdRng};
use ssh_key::{
    Cipher, Kdf, LineEnding, PrivateKey,
    private::{EcdsaKeypair, Ed25519Keypair, KeypairData},
};
use zeroize::Zeroizing;

use super::{Dice, MintError, alphabet::roll, rsa, ssh_scalar};
use crate::{api::SshAlgorithm, core::material::SecretBytes};

/// How the format begins. A parser of PEM skips what stands before; we do not.
const BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";

/// How often `bcrypt` is repeated: as `ssh-keygen` does it today.
const ROUNDS: u32 = 24;
const SALT: usize = 16;

/// Makes a new key.
pub fn generate(
    algorithm: SshAlgorithm,
    bits: u32,
    comment: &str,
    dice: &mut dyn Dice,
) -> Result<PrivateKey, MintError> {
    let pair = match algorithm {
        SshAlgorithm::Ed25519 => ed25519(&mut roll(dice)?).into(),
        SshAlgorithm::EcdsaP256 => p256(&mut roll(dice)?).into(),
        SshAlgorithm::EcdsaP384 => p384(&mut roll(dice)?).into(),
        SshAlgorithm::EcdsaP521 => p521(&mut roll(dice)?).into(),
        SshAlgorithm::Rsa => {
            let der = dice.rsa(bits)?;
            KeypairData::Rsa(rsa::from_pkcs8(&der).ok_or(MintError("the RSA key is not PKCS#8"))?)
        }
    };
    PrivateKey::new(pair, comment).map_err(|_| MintError("the SSH key cannot be written"))
}

/// The text of a key, with exactly one line break at its end.
pub fn write(key: &PrivateKey) -> Result<SecretBytes, MintError> {
    let text = key.to_openssh(LineEnding::LF).map_err(|_| MintError("the SSH key cannot be written"))?;
    Ok(ended(text.as_bytes()))
}

/// The key in a text, and the text itself; None if it is encrypted, damaged, or its halves do not belong together.
pub fn read(text: &[u8]) -> Option<(PrivateKey, SecretBytes)> {
    let text = text.trim_ascii();
    let key = text.starts_with(BEGIN).then(|| parse(text))??;
    let sound = match key.key_data() {
        // Compared with its public half while it was read.
        KeypairData::Ed25519(_) => true,
        KeypairData::Ecdsa(pair) => gives_its_point(pair),
        KeypairData::Rsa(pair) => rsa::fits_together(pair),
        // The enum is of another crate: DSA, keys in hardware, encrypted ones and whatever comes.
        _ => false,
    };
    sound.then(|| (key, ended(text)))
}

/// The key encrypted with a passphrase, as `ssh-keygen` does it. Slow on purpose.
pub fn lock(key: &PrivateKey, passphrase: &[u8], dice: &mut dyn Dice) -> Result<SecretBytes, MintError> {
    let mut rng = roll(dice)?;
    let mut salt = vec![0; SALT];
    rng.fill_bytes(&mut salt);
    let kdf = Kdf::Bcrypt { salt, rounds: ROUNDS };
    let locked = key
        .encrypt_with(Cipher::Aes256Ctr, kdf, rng.next_u32(), passphrase)
        .map_err(|_| MintError("the SSH key cannot be encrypted"))?;
    write(&locked)
}

/// The key in a text that [`lock`] wrote; None if it is not the passphrase. As slow.
pub fn unlock(text: &[u8], passphrase: &[u8]) -> Option<PrivateKey> {
    PrivateKey::from_openssh(text).ok()?.decrypt(passphrase).ok()
}

/// The text of a key that is encrypted, in the one form that it has; None if there is none.
pub fn locked(text: &[u8]) -> Option<SecretBytes> {
    text.trim_ascii().starts_with(BEGIN).then(|| ended(text))
}

fn parse(text: &[u8]) -> Option<PrivateKey> {
    let as_it_is = PrivateKey::from_openssh(text).ok();
    as_it_is.or_else(|| PrivateKey::from_bytes(&ssh_scalar::at_full_length(text)?).ok())
}

fn ended(text: &[u8]) -> SecretBytes {
    let text = text.trim_ascii();
    let mut bytes = Vec::with_capacity(text.len() + 1);
    bytes.extend_from_slice(text);
    bytes.push(b'\n');
    SecretBytes::from(bytes)
}

fn ed25519(rng: &mut StdRng) -> Ed25519Keypair {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *seed);
    Ed25519Keypair::from_seed(&seed)
}

fn p256(rng: &mut StdRng) -> EcdsaKeypair {
    let key = scalar::<32, _>(0xff, rng, |bytes| p256::SecretKey::from_slice(bytes).ok());
    EcdsaKeypair::NistP256 { public: key.public_key().into(), private: key.into() }
}

fn p384(rng: &mut StdRng) -> EcdsaKeypair {
    let key = scalar::<48, _>(0xff, rng, |bytes| p384::SecretKey::from_slice(bytes).ok());
    EcdsaKeypair::NistP384 { public: key.public_key().into(), private: key.into() }
}

/// The order has 521 bits: of the first byte only the lowest one counts.
fn p521(rng: &mut StdRng) -> EcdsaKeypair {
    let key = scalar::<66, _>(0x01, rng, |bytes| p521::SecretKey::from_slice(bytes).ok());
    EcdsaKeypair::NistP521 { public: key.public_key().into(), private: key.into() }
}

/// Draws until there is a number from 1 up to below the order of the curve: each of them equally likely.
fn scalar<const SIZE: usize, K>(first: u8, rng: &mut StdRng, key: impl Fn(&[u8]) -> Option<K>) -> K {
    loop {
        let mut bytes = Zeroizing::new([0; SIZE]);
        rng.fill_bytes(&mut *bytes);
        bytes[0] &= first;
        if let Some(key) = key(&*bytes) {
            return key;
        }
    }
}

fn gives_its_point(pair: &EcdsaKeypair) -> bool {
    let private = pair.private_key_bytes();
    let point = match pair {
        EcdsaKeypair::NistP256 { .. } => {
            p256::SecretKey::from_slice(private).map(|key| key.public_key().to_sec1_bytes()).ok()
        }
        EcdsaKeypair::NistP384 { .. } => {
            p384::SecretKey::from_slice(private).map(|key| key.public_key().to_sec1_bytes()).ok()
        }
        EcdsaKeypair::NistP521 { .. } => {
            p521::SecretKey::from_slice(private).map(|key| key.public_key().to_sec1_bytes()).ok()
        }
    };
    point.is_some_and(|point| *point == *pair.public_key_bytes())
}
