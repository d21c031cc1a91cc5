//! What is made from the material beside the keys of its kind: ready-made formats, templates, and what a type of Secret
//! demands.

mod object_store;
mod sheet;
mod table;
mod template;
mod typed;

use serde::Serialize;
use zeroize::Zeroizing;

use self::{sheet::Sheet, typed::required};
pub use self::{
    sheet::{Login, Outline},
    template::{Flaw, Template},
    typed::Filled,
};
use super::{Credential, Showing, rfc3339};
use crate::{
    api::{SecretFormat, SecretType},
    core::material::{Parts, SecretBytes},
};

/// The attributes that renderings show: where the server is that the credential is for.
pub const RENDERED_ATTRIBUTES: [&str; 3] = ["endpoint", "region", "registry"];

/// All that is made, by data key.
#[derive(Debug, Default)]
pub struct Renderings {
    /// What the type of the Secret demands.
    pub required: Parts,
    /// What the spec asks for beside it; there is none without current material.
    pub asked: Vec<(String, Result<SecretBytes, Flaw>)>,
}

/// Renders what the spec asks for. `parts` is what the kind itself renders from the same showing; `room` is how many bytes
/// the Secret has left for it, and `is_taken` says which data keys are somebody else's.
pub fn renderings<K: Credential>(
    object: &K,
    showing: Showing<'_>,
    parts: &Parts,
    type_: SecretType,
    room: usize,
    is_taken: impl Fn(&str) -> bool,
) -> Renderings {
    let output = &object.common().secret;
    let facts = [
        ("name", object.meta().name.clone().unwrap_or_default()),
        ("namespace", object.meta().namespace.clone().unwrap_or_default()),
        ("account", showing.account.to_owned()),
        ("permissions", showing.permissions.join(" ")),
        ("expirationTime", showing.not_after.map(rfc3339).unwrap_or_default()),
    ];
    let sheet = Sheet::new(parts, facts, object.outline(), &output.keys);
    let filled = if showing.current.is_ok() { Filled::WithMaterial } else { Filled::Withdrawn };
    let required = required(type_, &sheet, filled);
    if filled == Filled::Withdrawn {
        return Renderings { required, asked: Vec::new() };
    }
    let formats = output.formats.iter().flat_map(|format| of_format(*format, &sheet));
    let formats = formats.map(|(key, text)| (key, Draft::Written(text)));
    let templates = output.template.iter().map(|(key, text)| (key.clone(), Draft::Template(text)));
    let mut room = room.saturating_sub(required.values().map(|value| value.expose().len()).sum());
    let mut asked = Vec::new();
    for (key, draft) in formats.chain(templates) {
        let made = if is_taken(&key) || required.contains_key(&key) {
            Err(Flaw::Taken)
        } else {
            draft.make(room, K::NAMES, &sheet)
        };
        room -= made.as_ref().map_or(0, |text| text.expose().len());
        asked.push((key, made));
    }
    Renderings { required, asked }
}

/// Something that is asked for, before it is known whether there is room for it.
enum Draft<'a> {
    Written(SecretBytes),
    Template(&'a str),
}

impl Draft<'_> {
    fn make(self, room: usize, names: &[&str], sheet: &Sheet<'_>) -> Result<SecretBytes, Flaw> {
        match self {
            Self::Written(text) => {
                Some(text).filter(|text| text.expose().len() <= room).ok_or(Flaw::TooLarge)
            }
            Self::Template(text) => Template::parse(text, names)?.render(room, |name| sheet.bytes(name)),
        }
    }
}

fn of_format(format: SecretFormat, sheet: &Sheet<'_>) -> Vec<(String, SecretBytes)> {
    let texts = match format {
        SecretFormat::Json => vec![table::json(sheet)],
        SecretFormat::Csv => vec![table::csv(sheet)],
        SecretFormat::Env => vec![table::env(sheet)],
        SecretFormat::AwsCredentials => vec![object_store::aws_credentials(sheet)],
        SecretFormat::AwsCredentialProcess => vec![object_store::aws_credential_process(sheet)],
        SecretFormat::Rclone => vec![object_store::rclone(sheet)],
        SecretFormat::S3cmd => vec![object_store::s3cmd(sheet)],
        SecretFormat::MinioClient => vec![object_store::minio_client(sheet)],
        SecretFormat::ServiceBinding => vec![Text::of(sheet.outline.service), Text::of("chatelaine")],
    };
    let keys = format.data_keys().iter().map(|key| (*key).to_owned());
    keys.zip(texts.into_iter().map(SecretBytes::from)).collect()
}

/// A text that is being written, in a buffer that is wiped.
#[derive(Default)]
struct Text(Zeroizing<Vec<u8>>);

impl Text {
    fn of(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.append(part.as_bytes()));
    }

    fn append(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if self.0.capacity() < length {
            // A buffer that grows by itself leaves its old one behind, unwiped.
            let mut grown = Zeroizing::new(Vec::with_capacity(length * 2));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }

    fn push_escaped(&mut self, text: &str, special: char, escaped: &str) {
        for (n, part) in text.split(special).enumerate() {
            self.push(&[if n > 0 { escaped } else { "" }, part]);
        }
    }
}

impl std::io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl From<Text> for SecretBytes {
    fn from(mut text: Text) -> Self {
        Self::from(std::mem::take(&mut *text.0))
    }
}

/// One line of JSON.
fn json_text(value: &impl Serialize) -> Text {
    let mut text = Text::default();
    // Neither the texts nor the buffer can refuse.
    let _ = serde_json::to_writer(&mut text, value);
    text.push(&["\n"]);
    text
}
