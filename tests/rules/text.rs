//! Free text is one line and bounded, wherever it stands.

use serde_json::{Value, json};

use super::{AccessToken, Account, ApiKeyPair, Kind, Row, SshKey, accepted, refused};

pub fn rows() -> Vec<Row> {
    [
        field(Account, 100, |text| json!({"firstName": text})),
        field(Account, 100, |text| json!({"lastName": text})),
        field(Account, 200, |text| json!({"companyName": text})),
        field(Account, 200, |text| json!({"groups": [{"id": "1", "name": text}]})),
        field(Account, 2048, |text| json!({"attributes": {"a": text}})),
        field(Account, 255, |text| json!({"roles": [{"name": "a", "description": text}]})),
        field(Account, 2048, |text| json!({"roles": [{"name": "a", "attributes": {"a": text}}]})),
        field(ApiKeyPair, 255, |text| json!({"comment": text})),
        field(ApiKeyPair, 2048, |text| json!({"attributes": {"a": text}})),
        field(ApiKeyPair, 2048, |text| json!({"secret": {"annotations": {"a": text}}})),
        field(SshKey, 255, |text| json!({"comment": text})),
        field(SshKey, 1024, |text| json!({"options": {"command": text}})),
        field(AccessToken, 255, |text| json!({"comment": text})),
        field(AccessToken, 100, |text| json!({"displayName": text})),
        field(AccessToken, 2048, |text| json!({"attributes": {"a": text}})),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn field(kind: Kind, max: usize, spec: fn(String) -> Value) -> Vec<Row> {
    let not = |sentence, text: &str| {
        refused(
            kind,
            sentence,
            spec(text.to_owned()),
            "must not contain control characters such as tabs or line breaks",
        )
    };
    vec![
        accepted(
            kind,
            "text may have every letter and sign",
            spec("Zażółć \"gęślą\" 'jaźń' $(x) {{ y }} 🔑".into()),
        ),
        accepted(kind, "text may be as long as its bound", spec("ł".repeat(max))),
        refused(kind, "text ends at its bound", spec("a".repeat(max + 1)), "Too long").server_alone(),
        not("text has no line break", "a\nb"),
        not("text has no tab", "a\tb"),
        not("text has no NUL", "a\0b"),
        not("text has no escape sequence", "\u{1b}[31mred"),
        not("text has no control character of Latin-1", "a\u{85}b"),
    ]
}
