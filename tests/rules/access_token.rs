//! What only an AccessToken has.

use serde_json::{Value, json};

use super::Answer::{Accepted, Refused};
use super::{AccessToken, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    let with = |sentence, spec: Value| accepted(AccessToken, sentence, spec);
    let not = |sentence, spec: Value, message| refused(AccessToken, sentence, spec, message);
    let kept = Refused("format cannot be changed");
    vec![
        with("a token may be Prefixed", json!({"format": "Prefixed"})),
        with("a token may be Plain", json!({"format": "Plain"})),
        not(
            "a token that is a JWT does not work yet",
            json!({"format": "Jwt"}),
            "supported values: \"Prefixed\", \"Plain\"",
        )
        .server_alone(),
        not(
            "a token of a pair does not work yet",
            json!({"apiKeyPairRef": {"name": "x"}}),
            "unknown field \"spec.apiKeyPairRef\"",
        )
        .server_alone(),
        change(AccessToken, "a token's format is not changed", json!({}), json!({"format": "Plain"}), kept),
        change(
            AccessToken,
            "a token's format is not put back to its default",
            json!({"format": "Plain"}),
            json!({"format": null}),
            kept,
        ),
        change(
            AccessToken,
            "a token's name can be changed",
            json!({"displayName": "a"}),
            json!({"displayName": "b"}),
            Accepted,
        ),
    ]
}
