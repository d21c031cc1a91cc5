//! What renderings may show: this credential's own material and what is no secret, by name.

use std::collections::BTreeMap;

use crate::core::material::{Parts, SecretBytes};

/// The values of one credential at one moment, and how its kind is rendered.
#[derive(Debug)]
pub struct Sheet<'a> {
    values: Parts,
    pub outline: Outline<'a>,
    /// `spec.secret.keys`: how the keys are called.
    pub called: &'a BTreeMap<String, String>,
}

/// What ready-made renderings need to know of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// What Json, Csv and Env show, in order.
    pub fields: &'static [&'static str],
    /// Under which two names one logs in somewhere; None for a kind that nobody logs in with by name.
    pub login: Option<Login>,
    /// The `type` of a service binding.
    pub service: &'a str,
    pub attributes: Option<&'a BTreeMap<String, String>>,
}

/// The names of the two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    pub username: &'static str,
    pub password: &'static str,
}

impl<'a> Sheet<'a> {
    /// `parts` go before `facts` of the same name.
    pub fn new(
        parts: &Parts,
        facts: impl IntoIterator<Item = (&'static str, String)>,
        outline: Outline<'a>,
        called: &'a BTreeMap<String, String>,
    ) -> Self {
        let mut values: Parts =
            facts.into_iter().map(|(name, fact)| (name.to_owned(), SecretBytes::from(fact))).collect();
        values.extend(parts.iter().map(|(name, value)| (name.clone(), value.clone())));
        Self { values, outline, called }
    }

    /// The value, or nothing.
    pub fn bytes(&self, name: &str) -> &[u8] {
        self.values.get(name).map(SecretBytes::expose).unwrap_or_default()
    }

    /// The same as text, which all material is.
    pub fn text(&self, name: &str) -> &str {
        str::from_utf8(self.bytes(name)).unwrap_or_default()
    }

    /// Name and value of what Json, Csv and Env show; an absent value is empty.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.outline.fields.iter().map(|name| (*name, self.text(name)))
    }

    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.outline.attributes?.get(name).map(String::as_str)
    }

    pub fn username(&self) -> &str {
        self.outline.login.map_or("", |login| self.text(login.username))
    }

    pub fn password(&self) -> &str {
        self.outline.login.map_or("", |login| self.text(login.password))
    }
}
