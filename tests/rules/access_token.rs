//! What only an AccessToken has.

use serde_json::{Value, json};

use super::Answer::{Accepted, Refused};
use super::{AccessToken, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    formats().into_iter().chain(of_a_pair()).chain(pairs_are_kept()).collect()
}

/// A token of a pair, with this beside it.
fn of_web(mut spec: Value) -> Value {
    spec["apiKeyPairRef"] = json!({"name": "web"});
    spec
}

fn of_a_pair() -> Vec<Row> {
    let with = |sentence, spec: Value| accepted(AccessToken, sentence, of_web(spec));
    let not = |sentence, spec: Value, message| refused(AccessToken, sentence, of_web(spec), message);
    let named = |sentence, name: Value, message| {
        refused(AccessToken, sentence, json!({"apiKeyPairRef": name}), message)
    };
    let overlap = |rotation: Value| json!({"rotation": rotation});
    vec![
        with("a token may be one of a pair", json!({})),
        with("a token of a pair may have a lifetime", json!({"lifetime": "2m", "warnBefore": "1m"})),
        with("a token of a pair may have an end", json!({"expirationTime": "2027-01-01T00:00:00Z"})),
        with("a token of a pair may have an overlap", overlap(json!({"overlap": "1h"}))),
        with("a token of a pair may be inactive", json!({"active": false})),
        named("a pair is named as objects are", json!({"name": "No Name"}), "the name of an ApiKeyPair"),
        named("a pair's name is not empty", json!({"name": ""}), "the name of an ApiKeyPair"),
        named(
            "a pair's name ends at 63 characters",
            json!({"name": "a".repeat(64)}),
            "spec.apiKeyPairRef.name",
        )
        .server_alone(),
        named("a pair has a name", json!({}), "spec.apiKeyPairRef.name: Required").server_alone(),
        not(
            "a token of a pair renews itself",
            json!({"renewBefore": "1h", "lifetime": "12h"}),
            "renewed by itself at two thirds of its life: remove renewBefore",
        ),
        not(
            "a token of a pair has no period of its own",
            overlap(json!({"every": "6h", "overlap": "1h"})),
            "remove every and cron",
        ),
        not(
            "a token of a pair has no cron of its own",
            overlap(json!({"cron": "0 3 * * *", "overlap": "1h"})),
            "remove every and cron",
        ),
        not("a token of a pair ends", json!({"lifetime": "never"}), "a token of a pair is short-lived"),
        not("a token of a pair lives for two minutes at least", json!({"lifetime": "119s"}), "at least 2m"),
        not(
            "a token of a pair that lives for a day cannot warn for longer",
            json!({"warnBefore": "1d"}),
            "warnBefore must be shorter than the 24h",
        ),
        with("a token of a pair can warn for a part of its day", json!({"warnBefore": "23h"})),
        with("one that lives longer can warn for longer", json!({"warnBefore": "1d", "lifetime": "7d"})),
        not(
            "nobody attends to a token of a pair that is retained",
            json!({"deletionPolicy": "Retain"}),
            "cannot outlive its object",
        ),
    ]
}

fn pairs_are_kept() -> Vec<Row> {
    let kept = |sentence, before: Value, after: Value| {
        let refusal = Refused("apiKeyPairRef cannot be changed, added or removed later");
        change(AccessToken, sentence, before, after, refusal)
    };
    vec![
        kept("a token's pair is not changed", of_web(json!({})), json!({"apiKeyPairRef": {"name": "other"}})),
        kept("a token's pair is not added", json!({}), of_web(json!({}))),
        kept("a token's pair is not removed", of_web(json!({})), json!({"apiKeyPairRef": null})),
        change(
            AccessToken,
            "the lifetime of a token of a pair can be changed",
            of_web(json!({})),
            json!({"lifetime": "1h"}),
            Accepted,
        ),
    ]
}

fn formats() -> Vec<Row> {
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
