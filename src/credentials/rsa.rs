//! RSA keys: from PKCS#8, as the shell generates them, to the numbers that SSH writes; and whether numbers fit together.
//!
//! Only comparisons of numbers, no cryptography: the crate that brings that is not trusted with private keys.

use crypto_bigint::{U4096, Zero as _};
use ssh_key::{
    Mpint,
    private::{RsaKeypair, RsaPrivateKey},
    public::RsaPublicKey,
};
use zeroize::Zeroizing;

/// A secret number of up to 4096 bits, the largest RSA keys of ours.
type Number = Zeroizing<U4096>;

/// Reads a private key in PKCS#8 DER.
pub fn from_pkcs8(der: &[u8]) -> Option<RsaKeypair> {
    let info = pkcs8::PrivateKeyInfo::try_from(der).ok()?;
    if info.algorithm.oid != pkcs1::ALGORITHM_OID {
        return None;
    }
    let key = pkcs1::RsaPrivateKey::try_from(info.private_key).ok()?;
    let number = |uint: pkcs1::UintRef<'_>| Mpint::from_positive_bytes(uint.as_bytes()).ok();
    Some(RsaKeypair {
        public: RsaPublicKey { n: number(key.modulus)?, e: number(key.public_exponent)? },
        private: RsaPrivateKey {
            d: number(key.private_exponent)?,
            iqmp: number(key.coefficient)?,
            p: number(key.prime1)?,
            q: number(key.prime2)?,
        },
    })
}

/// How many bits a number has; None if it is negative.
pub fn bits(number: &Mpint) -> Option<usize> {
    let bytes = number.as_positive_bytes()?;
    Some(bytes.len() * 8 - bytes.first().map_or(0, |first| first.leading_zeros() as usize))
}

/// Whether modulus and exponent could be those of a real key: both odd, the exponent from 3 up to what OpenSSL takes.
pub fn is_plausible(key: &RsaPublicKey) -> bool {
    let is_odd = |number: &Mpint| number.as_bytes().last().is_some_and(|last| last % 2 == 1);
    is_odd(&key.n) && exponent(key).is_some_and(|e| e % 2 == 1 && e >= 3)
}

/// Whether the private numbers belong to the public ones: n = pq, de = 1 modulo p - 1 and q - 1, and the coefficient.
pub fn fits_together(key: &RsaKeypair) -> bool {
    check(key).unwrap_or(false)
}

fn check(key: &RsaKeypair) -> Option<bool> {
    let RsaKeypair { public, private } = key;
    let [d, iqmp, p, q] = [&private.d, &private.iqmp, &private.p, &private.q].map(number);
    let (d, iqmp, p, q) = (d?, iqmp?, p?, q?);
    let e = U4096::from_u64(exponent(public)?);
    let inverse = |prime: &Number| {
        let order = Zeroizing::new(prime.wrapping_sub(&U4096::ONE));
        let exponent = remainder(&d, &order)?;
        remainder(&*product(&exponent, &e)?, &order)
    };
    Some(
        is_plausible(public)
            && *product(&p, &q)? == *number(&public.n)?
            && *inverse(&p)? == U4096::ONE
            && *inverse(&q)? == U4096::ONE
            && *remainder(&*product(&q, &iqmp)?, &p)? == U4096::ONE,
    )
}

fn exponent(key: &RsaPublicKey) -> Option<u64> {
    let bytes = key.e.as_positive_bytes()?;
    let mut padded = [0; 8];
    padded[8usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(u64::from_be_bytes(padded))
}

fn number(mpint: &Mpint) -> Option<Number> {
    let bytes = mpint.as_positive_bytes()?;
    let mut padded = Zeroizing::new([0; U4096::BYTES]);
    padded[U4096::BYTES.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    Some(Zeroizing::new(U4096::from_be_slice(&*padded)))
}

/// None where it does not fit into 4096 bits.
fn product(a: &U4096, b: &U4096) -> Option<Number> {
    let (low, high) = a.mul_wide(b);
    let (low, high) = (Zeroizing::new(low), Zeroizing::new(high));
    bool::from(high.is_zero()).then_some(low)
}

/// None if the modulus is zero.
fn remainder(a: &U4096, modulus: &U4096) -> Option<Number> {
    let (rest, defined) = a.const_rem(modulus);
    let rest = Zeroizing::new(rest);
    bool::from(defined).then_some(rest)
}
