//! Roles: in the Account, and in the credentials that refer to them.

use serde_json::{Value, json};

use super::{AccessToken, Account, ApiKeyPair, Row, SshKey, accepted, refused};

pub fn rows() -> Vec<Row> {
    let with = |sentence, roles: Value| accepted(Account, sentence, json!({"roles": roles}));
    let not = |sentence, roles: Value, message| refused(Account, sentence, json!({"roles": roles}), message);
    let many = |count| -> Value { (0..count).map(|n| json!({"name": format!("r{n}")})).collect() };
    let mut rows = vec![
        with(
            "roles include each other in levels",
            json!([
                {"name": "full", "description": "may do all", "permissions": ["*:*"], "include": ["apikey", "basic"]},
                {"name": "apikey", "permissions": ["keys:list"], "include": ["basic"]},
                {"name": "basic", "attributes": {"buckets": "logs-*"}},
            ]),
        ),
        not("a role has a name", json!([{"permissions": []}]), "spec.roles[0].name: Required value")
            .server_alone(),
        not("a role's name is a slug", json!([{"name": "Full"}]), "name must be lower-case letters"),
        not("a role's name is not empty", json!([{"name": ""}]), "name must be lower-case letters"),
        not("a role's name ends at 63 characters", json!([{"name": "a".repeat(64)}]), "Too long")
            .server_alone(),
        not("a role is there once", json!([{"name": "a"}, {"name": "a"}]), "Duplicate value").server_alone(),
        not(
            "a role's description is one line",
            json!([{"name": "a", "description": "x\ny"}]),
            "write it on one line",
        ),
        not(
            "a role's permissions are permissions",
            json!([{"name": "a", "permissions": ["all"]}]),
            "must be resource:action",
        )
        .server_alone(),
        not(
            "a role includes what can be the name of a role",
            json!([{"name": "a", "include": ["a b"]}]),
            "the name of a role must be lower-case letters",
        )
        .server_alone(),
        not(
            "a property of a role has a name",
            json!([{"name": "a", "attributes": {" ": "x"}}]),
            "a key must be 1 to 63 letters, digits and -_./",
        ),
        not(
            "a property of a role is on one line",
            json!([{"name": "a", "attributes": {"buckets": "x\ny"}}]),
            "write it on one line",
        ),
        not(
            "a role includes roles that are there",
            json!([{"name": "a", "include": ["b"]}]),
            "a role includes one that is not in the list",
        ),
        not(
            "a role does not include itself",
            json!([{"name": "a", "include": ["a"]}]),
            "a role includes itself, or two include each other",
        ),
        not(
            "two roles do not include each other",
            json!([{"name": "a", "include": ["b"]}, {"name": "b", "include": ["a"]}]),
            "a role includes itself, or two include each other",
        ),
        not(
            "a role is included once",
            json!([{"name": "a"}, {"name": "b", "include": ["a", "a"]}]),
            "Duplicate value",
        )
        .server_alone(),
        with("there may be 32 roles", many(32)),
        not("there are at most 32 roles", many(33), "must have at most 32 items").server_alone(),
    ];
    for kind in [ApiKeyPair, AccessToken] {
        rows.extend([
            accepted(kind, "a credential may have roles", json!({"roles": ["basic", "full"]})),
            refused(
                kind,
                "a role is named as in the Account",
                json!({"roles": ["a b"]}),
                "the name of a role must be",
            )
            .server_alone(),
            refused(kind, "a credential has a role once", json!({"roles": ["a", "a"]}), "Duplicate value")
                .server_alone(),
            refused(
                kind,
                "a credential has at most 16 roles",
                json!({"roles": (0..17).map(|n| format!("r{n}")).collect::<Vec<_>>()}),
                "must have at most 16 items",
            )
            .server_alone(),
        ]);
    }
    rows.push(
        refused(SshKey, "an SSH key has no roles", json!({"roles": ["a"]}), "unknown field \"spec.roles\"")
            .server_alone(),
    );
    rows
}
