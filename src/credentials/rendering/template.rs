//! Templates: text in which `$(name)` stands for a value, in Kubernetes' own syntax, with a filter if need be.
//!
//! `$(name)`, `$(name|base64)`, `$(name|json)` and `$(name|url)` are replaced; `$$(` writes `$(`. A run of dollars before
//! a bracket is halved as in Kubernetes' own expansion, so that `$$$(name)` is a dollar and a value. All other text, also
//! a dollar before anything else, stays as it is.

use std::fmt;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::core::material::SecretBytes;

/// A text and what stands between its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a>(Vec<Piece<'a>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Value { name: &'a str, filter: Filter },
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Plain,
    Base64,
    /// A JSON string with its quotes.
    Json,
    /// Percent-encoded but for the unreserved characters of RFC 3986.
    Url,
}

/// Why something that is asked for is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    Unclosed,
    UnknownName {
        name: String,
        known: String,
    },
    UnknownFilter(String),
    TooLarge,
    /// The Secret has a key of that name.
    Taken,
}

impl<'a> Template<'a> {
    /// Reads a text in which only these names may be shown.
    pub fn parse(text: &'a str, names: &[&str]) -> Result<Self, Flaw> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some(bracket) = rest.find("$(") {
            let begin = rest[..bracket].trim_end_matches('$').len();
            let dollars = bracket + 1 - begin;
            let kept = &rest[..begin + dollars / 2];
            rest = &rest[bracket + 1..];
            pieces.push(Piece::Text(kept));
            if dollars.is_multiple_of(2) {
                pieces.push(Piece::Text("("));
                rest = &rest[1..];
                continue;
            }
            let (inside, after) = rest[1..].split_once(')').ok_or(Flaw::Unclosed)?;
            pieces.push(value(inside, names)?);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
        Ok(Self(pieces))
    }

    /// The text with the values in their places, if it has room. It is measured first: of a few thousand bytes of text, and
    /// values as long, could be made what no memory holds.
    pub fn render<'v>(&self, room: usize, value_of: impl Fn(&str) -> &'v [u8]) -> Result<SecretBytes, Flaw> {
        let pieces = || {
            self.0.iter().map(|piece| match piece {
                Piece::Text(text) => Zeroizing::new(text.as_bytes().to_vec()),
                Piece::Value { name, filter } => filter.write(value_of(name)),
            })
        };
        let length = pieces()
            .try_fold(0, |length, piece| Some(length + piece.len()).filter(|length| *length <= room))
            .ok_or(Flaw::TooLarge)?;
        // The capacity is there from the start: a buffer that grows leaves its old self behind, unwiped.
        let mut all = Vec::with_capacity(length);
        pieces().for_each(|piece| all.extend_from_slice(&piece));
        Ok(SecretBytes::from(all))
    }
}

fn value<'a>(inside: &'a str, names: &[&str]) -> Result<Piece<'a>, Flaw> {
    let (name, filter) = match inside.split_once('|') {
        None => (inside, Filter::Plain),
        Some((name, "base64")) => (name, Filter::Base64),
        Some((name, "json")) => (name, Filter::Json),
        Some((name, "url")) => (name, Filter::Url),
        Some((_, other)) => return Err(Flaw::UnknownFilter(other.to_owned())),
    };
    if names.contains(&name) {
        Ok(Piece::Value { name, filter })
    } else {
        Err(Flaw::UnknownName { name: name.to_owned(), known: names.join(", ") })
    }
}

impl Filter {
    fn write(self, value: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Plain => value.to_vec(),
            Self::Base64 => BASE64.encode(value).into_bytes(),
            Self::Json => serde_json::to_vec(&String::from_utf8_lossy(value)).unwrap_or_default(),
            Self::Url => percent_encoded(value),
        })
    }
}

fn percent_encoded(value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(value.len() * 3);
    for byte in value {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(*byte),
            _ => {
                let digit = |value: u8| b"0123456789ABCDEF"[usize::from(value)];
                text.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    text
}

/// Says what to do; repeats only what the template itself says.
impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed => f.write_str("a $( has no ) after it; write $$( for a plain $("),
            Self::UnknownName { name, known } => write!(f, "there is no {name}, only {known}"),
            Self::UnknownFilter(filter) => {
                write!(f, "there is no filter {filter}, only base64, json and url")
            }
            Self::Taken => f.write_str(
                "the Secret has a key of this name that is not yours to fill: choose another name, or remove it from \
                 the Secret",
            ),
            Self::TooLarge => f.write_str("the Secret would be larger than 1 MiB: shorten it"),
        }
    }
}
