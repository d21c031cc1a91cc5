//! OpenSSH writes the private number of an ECDSA key as short as it is; `ssh-key` 0.6 reads it only at full length, so
//! that it would refuse every fourth P-521 key that `ssh-keygen` makes. This gives such a file its zeros back.

use data_encoding::BASE64;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
/// What the private section is filled up to a multiple of, with 1, 2, 3 and so on.
const BLOCK: usize = 8;

/// The wire format of an unencrypted ECDSA key, its number at full length; None for everything else.
pub fn at_full_length(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = body(pem)?;
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let [cipher, kdf, kdf_options] = [field(&mut rest)?, field(&mut rest)?, field(&mut rest)?];
    let number_of_keys = rest.split_off(..4)?;
    let [public, private] = [field(&mut rest)?, field(&mut rest)?];
    if cipher != b"none" || !rest.is_empty() {
        return None;
    }
    let private = section(private)?;
    // Enough from the start: a buffer that grows leaves the old one behind, unwiped.
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() + private.len()));
    out.extend_from_slice(MAGIC);
    [cipher, kdf, kdf_options].iter().for_each(|bytes| put(&mut out, bytes));
    out.extend_from_slice(number_of_keys);
    [public, &private].iter().for_each(|bytes| put(&mut out, bytes));
    Some(out)
}

/// What is between the first and the last line.
fn body(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = str::from_utf8(pem).ok()?;
    let mut base64 = Zeroizing::new(String::with_capacity(text.len()));
    base64.extend(text.lines().filter(|line| !line.starts_with('-')));
    BASE64.decode(base64.as_bytes()).ok().map(Zeroizing::new)
}

fn section(private: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = private;
    let checks = rest.split_off(..8)?;
    let [name, curve, point] = [field(&mut rest)?, field(&mut rest)?, field(&mut rest)?];
    let [scalar, comment] = [field(&mut rest)?, field(&mut rest)?];
    let size: usize = match curve {
        b"nistp256" => 32,
        b"nistp384" => 48,
        b"nistp521" => 66,
        _ => return None,
    };
    let mut full = Zeroizing::new([0; 66]);
    full[size.checked_sub(scalar.len())?..size].copy_from_slice(scalar);
    let mut out = Zeroizing::new(Vec::with_capacity(private.len() + full.len() + BLOCK));
    out.extend_from_slice(checks);
    [name, curve, point, &full[..size], comment].iter().for_each(|bytes| put(&mut out, bytes));
    let padding = (1..).take(out.len().next_multiple_of(BLOCK) - out.len());
    out.extend(padding);
    Some(out)
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_be_bytes(*rest.split_off(..4)?.first_chunk()?);
    rest.split_off(..usize::try_from(length).ok()?)
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // What was read from a field of this length fits into one.
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}
