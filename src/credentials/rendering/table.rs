//! The plain formats: JSON, CSV and variables for a shell.

use serde::{Serialize, Serializer};

use super::{Text, sheet::Sheet};

/// What has several values in one text.
const LISTS: [&str; 1] = ["permissions"];

/// One object; permissions are a list, and what is empty otherwise is absent.
pub fn json(sheet: &Sheet<'_>) -> Text {
    super::json_text(&Object(sheet))
}

struct Object<'a>(&'a Sheet<'a>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Field<'a> {
            Text(&'a str),
            List(Vec<&'a str>),
        }
        let fields = self.0.fields().filter(|(name, text)| !text.is_empty() || LISTS.contains(name));
        serializer.collect_map(fields.map(|(name, text)| {
            let list = LISTS.contains(&name);
            (name, if list { Field::List(text.split_whitespace().collect()) } else { Field::Text(text) })
        }))
    }
}

/// A header and a line, all in quotes (RFC 4180, but with the line ends of Unix).
pub fn csv(sheet: &Sheet<'_>) -> Text {
    let mut text = Text::default();
    for (n, (name, _)) in sheet.fields().enumerate() {
        text.push(&[if n > 0 { "," } else { "" }, name]);
    }
    text.push(&["\n"]);
    for (n, (_, value)) in sheet.fields().enumerate() {
        text.push(&[if n > 0 { ",\"" } else { "\"" }]);
        text.push_escaped(value, '"', "\"\"");
        text.push(&["\""]);
    }
    text.push(&["\n"]);
    text
}

/// `NAME=value`, in single quotes where a shell would read anything into it. The names are those of the keys.
pub fn env(sheet: &Sheet<'_>) -> Text {
    let mut text = Text::default();
    for (name, value) in sheet.fields().filter(|(_, value)| !value.is_empty()) {
        text.push(&[sheet.called.get(name).map_or(name, String::as_str), "="]);
        if value.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c)) {
            text.push(&[value, "\n"]);
        } else {
            text.push(&["'"]);
            text.push_escaped(value, '\'', r"'\''");
            text.push(&["'\n"]);
        }
    }
    text
}
