//! The rules of admission as rows: an edit of a good manifest, and what should be said about it.
//!
//! `crd.rs` asks the rows of the types' own `validate_cel`; `admission.rs` asks them of a real API server.

#![allow(dead_code, reason = "each of the two test binaries uses its part")]

mod access_token;
mod account;
mod api_key_pair;
mod credential;
mod limits;
mod metadata;
mod output;
mod roles;
mod schedule;
mod ssh_key;
mod text;
mod time;

use serde_json::{Value, json};

pub const API_VERSION: &str = "chatelaine.dev/v1alpha1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Account,
    ApiKeyPair,
    SshKey,
    AccessToken,
}

pub use Kind::{AccessToken, Account, ApiKeyPair, SshKey};

pub const CREDENTIALS: [Kind; 3] = [ApiKeyPair, SshKey, AccessToken];

impl Kind {
    /// The smallest manifest of the kind.
    pub fn manifest(self) -> Value {
        let spec = match self {
            Account => json!({"email": "alice@example.com"}),
            ApiKeyPair | SshKey | AccessToken => json!({"accountRef": {"name": "alice"}}),
        };
        json!({
            "apiVersion": API_VERSION,
            "kind": format!("{self:?}"),
            "metadata": {"name": "example", "namespace": "default"},
            "spec": spec,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted,
    /// The message has this part.
    Refused(&'static str),
}

/// Who can judge a row: bounds, enums and list types are the schema's, not CEL's, and a value that the Rust
/// types cannot hold can only be shown to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    CelAndServer,
    ServerAlone,
}

pub struct Row {
    pub kind: Kind,
    pub sentence: &'static str,
    /// For a change: the manifest that was accepted before.
    pub before: Option<Value>,
    pub manifest: Value,
    pub answer: Answer,
    pub judge: Judge,
}

impl Row {
    pub fn server_alone(mut self) -> Self {
        self.judge = Judge::ServerAlone;
        self
    }
}

/// `edit` is merged into the smallest manifest of the kind.
fn creation(kind: Kind, sentence: &'static str, edit: Value, answer: Answer) -> Row {
    let mut manifest = kind.manifest();
    merge(&mut manifest, edit);
    Row { kind, sentence, before: None, manifest, answer, judge: Judge::CelAndServer }
}

fn accepted(kind: Kind, sentence: &'static str, spec: Value) -> Row {
    creation(kind, sentence, json!({"spec": spec}), Answer::Accepted)
}

fn refused(kind: Kind, sentence: &'static str, spec: Value, message: &'static str) -> Row {
    creation(kind, sentence, json!({"spec": spec}), Answer::Refused(message))
}

/// `before` is merged into the smallest manifest, then `after` into the result; null removes a field.
fn change(kind: Kind, sentence: &'static str, before: Value, after: Value, answer: Answer) -> Row {
    let mut old = kind.manifest();
    merge(&mut old, json!({"spec": before}));
    let mut new = old.clone();
    merge(&mut new, json!({"spec": after}));
    Row { kind, sentence, before: Some(old), manifest: new, answer, judge: Judge::CelAndServer }
}

/// RFC 7396.
pub fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        let fields = target.as_object_mut().expect("made one above");
        if value.is_null() {
            fields.remove(&key);
        } else {
            merge(fields.entry(key).or_insert(Value::Null), value);
        }
    }
}

pub fn all() -> Vec<Row> {
    [
        account::rows(),
        metadata::rows(),
        time::rows(),
        schedule::rows(),
        text::rows(),
        credential::rows(),
        output::rows(),
        api_key_pair::rows(),
        ssh_key::rows(),
        access_token::rows(),
        limits::rows(),
        roles::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
