//! The ways in which a secret value could be written down.

use std::collections::BTreeMap;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};

/// Shorter texts are found anywhere.
const SHORTEST: usize = 12;

/// Where any of the values is to be seen, without saying the value. A private key in a file has its public half in it,
/// and that is no secret.
pub fn found(values: &BTreeMap<Vec<u8>, String>, public: &str, places: &[(String, String)]) -> Vec<String> {
    let mut all = Vec::new();
    for (value, name) in values {
        for disguise in disguises(value).into_iter().filter(|text| !public.contains(text)) {
            for (place, text) in places {
                if text.contains(&disguise) {
                    all.push(format!("a value of {name}, {} characters long, in {place}", disguise.len()));
                }
            }
        }
    }
    all
}

/// A secret value in the ways in which it could be written down.
fn disguises(value: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(value);
    // A text of many lines is told by any of them.
    let mut all: Vec<String> = text.lines().map(str::trim).map(str::to_owned).collect();
    all.retain(|line| !line.starts_with("-----"));
    let lines = all.clone();
    let in_an_address = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    all.extend(lines.iter().flat_map(|line| percent(line.as_bytes(), in_an_address)));
    all.extend(percent(&value[..value.len().min(48)], |_| false));
    all.push(text.into_owned());
    let decimals: Vec<String> = value.iter().take(12).map(u8::to_string).collect();
    all.push(decimals.join(", "));
    all.push(decimals.join(","));
    for bytes in value.chunks(48) {
        all.extend([HEXLOWER.encode(bytes), HEXUPPER.encode(bytes)]);
        // Base 64 looks different by where in a longer text the value begins; whole groups of three are the same.
        for skipped in 0..3 {
            let inner = bytes.get(skipped..).unwrap_or_default();
            let whole = &inner[..inner.len() / 3 * 3];
            all.extend([BASE64_NOPAD.encode(whole), BASE64URL_NOPAD.encode(whole)]);
        }
    }
    all.retain(|text| text.len() >= SHORTEST);
    all
}

/// As in an address: what is not plain there, as two hexadecimal digits, great or small.
fn percent(bytes: &[u8], is_plain: impl Fn(u8) -> bool) -> [String; 2] {
    let written = |escape: fn(u8) -> String| {
        bytes
            .iter()
            .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { escape(*byte) })
            .collect()
    };
    [written(|byte| format!("%{byte:02X}")), written(|byte| format!("%{byte:02x}"))]
}
