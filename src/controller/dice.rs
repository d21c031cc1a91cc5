//! The one place that draws randomness: the system's, once per revision.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

use crate::credentials::{Dice, MintError};

/// The operating system's generator.
pub struct SystemDice;

impl Dice for SystemDice {
    fn seed(&mut self) -> Result<Zeroizing<[u8; 32]>, MintError> {
        let mut seed = Zeroizing::new([0; 32]);
        SysRng.try_fill_bytes(seed.as_mut()).map_err(|_| MintError("the system gives no randomness"))?;
        Ok(seed)
    }

    fn rsa(&mut self, bits: u32) -> Result<Zeroizing<Vec<u8>>, MintError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            _ => return Err(MintError("an RSA key has 2048, 3072 or 4096 bits")),
        };
        let failed = |_| MintError("the RSA key could not be generated");
        let der: Pkcs8V1Der<'static> = KeyPair::generate(size).map_err(failed)?.as_der().map_err(failed)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }
}

/// A number in 0..1 that spreads retries; nothing depends on it but time.
pub fn spread() -> f64 {
    let mut byte = [0u8];
    let _ = SysRng.try_fill_bytes(&mut byte);
    f64::from(byte[0]) / 256.0
}
