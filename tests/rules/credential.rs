//! What the three credentials share beside names, times and texts.

use serde_json::{Value, json};

use super::Answer::{Accepted, Refused};
use super::{AccessToken, Account, ApiKeyPair, CREDENTIALS, Kind, Row, accepted, change, refused};

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = CREDENTIALS.into_iter().flat_map(shared).collect();
    rows.extend([Account, ApiKeyPair, AccessToken].into_iter().flat_map(permissions));
    rows.extend([Account, ApiKeyPair, AccessToken].into_iter().flat_map(attributes));
    rows
}

fn shared(kind: Kind) -> Vec<Row> {
    let with = |sentence, spec: Value| accepted(kind, sentence, spec);
    let not = |sentence, spec: Value, message| refused(kind, sentence, spec, message);
    let account = "must be the name of an Account in this namespace";
    let mut rows = vec![
        with("a credential needs nothing but an account", json!({})),
        with("a credential may be created inactive", json!({"active": false})),
        with("a Secret may be retained", json!({"deletionPolicy": "Retain"})),
        not(
            "an unknown deletion policy is refused",
            json!({"deletionPolicy": "Keep"}),
            "supported values: \"Delete\", \"Retain\"",
        )
        .server_alone(),
        not("a credential has an account", json!({"accountRef": null}), "spec.accountRef: Required value")
            .server_alone(),
        not(
            "an account reference has a name",
            json!({"accountRef": {"name": null}}),
            "spec.accountRef.name: Required value",
        )
        .server_alone(),
        not("an account's name is not empty", json!({"accountRef": {"name": ""}}), account),
        not("an account's name is lower-case", json!({"accountRef": {"name": "Alice"}}), account),
        not(
            "an account of another namespace cannot be named",
            json!({"accountRef": {"name": "other/alice"}}),
            account,
        ),
        not(
            "an account reference has no namespace",
            json!({"accountRef": {"namespace": "other"}}),
            "unknown field \"spec.accountRef.namespace\"",
        )
        .server_alone(),
        change(
            kind,
            "an account is not changed",
            json!({}),
            json!({"accountRef": {"name": "bob"}}),
            Refused("accountRef cannot be changed: create another credential"),
        ),
        change(
            kind,
            "what is not immutable can be changed",
            json!({"active": true, "lifetime": "90d", "comment": "a"}),
            json!({"active": false, "lifetime": "30d", "comment": null, "warnBefore": "1d", "rotation": {"overlap": "1h"},
                   "deletionPolicy": "Retain", "secret": {"labels": {"a": "b"}, "annotations": {"c": "d"}}}),
            Accepted,
        ),
        not("an unknown field is refused", json!({"lifetimes": "90d"}), "unknown field \"spec.lifetimes\"")
            .server_alone(),
        not("a number is not a text", json!({"lifetime": 90}), "spec.lifetime: Invalid value").server_alone(),
    ];
    rows.extend(secret_keys(kind));
    rows.extend(restarts(kind));
    rows
}

fn restarts(kind: Kind) -> Vec<Row> {
    let with = |sentence, restart: Value| accepted(kind, sentence, json!({"restart": restart}));
    let not =
        |sentence, restart: Value, message| refused(kind, sentence, json!({"restart": restart}), message);
    let one = |kind: &str, name: &str| json!({"kind": kind, "name": name});
    let many = |n: usize| (0..n).map(|i| one("Deployment", &format!("web-{i}"))).collect::<Vec<_>>();
    let name = "must be the name of a workload in this namespace";
    vec![
        with("nothing needs to be restarted", json!([])),
        with(
            "a Deployment, a StatefulSet and a DaemonSet of one name are three workloads",
            json!([one("Deployment", "web"), one("StatefulSet", "web"), one("DaemonSet", "web")]),
        ),
        with(
            "a workload may have dots and a long name",
            json!([one("Deployment", &format!("{}a", "a.".repeat(126)))]),
        ),
        not(
            "a workload is named once",
            json!([one("Deployment", "web"), one("Deployment", "web")]),
            "Duplicate value",
        )
        .server_alone(),
        not(
            "a pod cannot be restarted",
            json!([one("Pod", "web")]),
            "spec.restart[0].kind: Unsupported value: \"Pod\"",
        )
        .server_alone(),
        not("a workload has a kind", json!([{"name": "web"}]), "spec.restart[0].kind: Required value")
            .server_alone(),
        not("a workload has a name", json!([{"kind": "DaemonSet"}]), "spec.restart[0].name: Required value")
            .server_alone(),
        not("a workload's name is not empty", json!([one("Deployment", "")]), name),
        not("a workload's name is lower-case", json!([one("Deployment", "Web")]), name),
        not("a workload of another namespace cannot be named", json!([one("Deployment", "other/web")]), name),
        not("a workload's name is on one line", json!([one("Deployment", "web\n")]), name),
        not(
            "a workload has no namespace",
            json!([{"kind": "Deployment", "name": "web", "namespace": "other"}]),
            "unknown field \"spec.restart[0].namespace\"",
        )
        .server_alone(),
        not(
            "a workload's name ends at 253 characters",
            json!([one("Deployment", &"a".repeat(254))]),
            "Too long",
        )
        .server_alone(),
        with("16 workloads are allowed", json!(many(16))),
        not("17 workloads are refused", json!(many(17)), "Too many").server_alone(),
        change(
            kind,
            "workloads can be changed",
            json!({"restart": many(2)}),
            json!({"restart": many(1)}),
            Accepted,
        ),
    ]
}

fn secret_keys(kind: Kind) -> Vec<Row> {
    let keys: &[&str] = match kind {
        Kind::ApiKeyPair => &["accessKey", "secretKey", "previousAccessKey", "previousSecretKey"],
        Kind::SshKey => &[
            "ssh-privatekey",
            "ssh-publickey",
            "authorized_keys",
            "previous-ssh-privatekey",
            "previous-ssh-publickey",
        ],
        Kind::AccessToken => &["token", "previousToken", "account", "permissions", "expirationTime"],
        Kind::Account => &[],
    };
    let with = |sentence, keys: Value| accepted(kind, sentence, json!({"secret": {"keys": keys}}));
    let not =
        |sentence, keys: Value, message| refused(kind, sentence, json!({"secret": {"keys": keys}}), message);
    let renamed: Value =
        keys.iter().enumerate().map(|(i, key)| (key.to_string(), json!(format!("NEW_{i}")))).collect();
    let [first, second, ..] = keys else { return Vec::new() };
    let taken = "a new name in secret.keys must not be one of the Secret's own keys";
    let valid = "must be a key of a Secret";
    vec![
        with("every key can have another name", renamed),
        with("a new name may have dots and dashes", json!({*first: ".dockerconfig-x.json_1"})),
        not("an unknown key is refused", json!({"password": "X"}), "secret.keys can name only these keys: "),
        not(
            "two keys have two names",
            json!({*first: "X", *second: "X"}),
            "two keys have the same new name: give each its own",
        ),
        not("a new name is not a key's own name", json!({*first: *second}), taken),
        not("a new name is not the key's own", json!({*first: *first}), taken),
        not("a new name is not type, which service bindings read", json!({*first: "type"}), taken),
        not("a new name is not empty", json!({*first: ""}), valid),
        not("a new name has no slash", json!({*first: "a/b"}), valid),
        not("a new name has no spaces", json!({*first: "a b"}), valid),
        not("a new name is not a dot", json!({*first: "."}), valid),
        not("a new name does not lead upwards", json!({*first: "..data"}), valid),
        not("a new name ends at 253 characters", json!({*first: "a".repeat(254)}), "Too long").server_alone(),
        change(
            kind,
            "new names can be changed",
            json!({"secret": {"keys": {*first: "A"}}}),
            json!({"secret": {"keys": {*first: "B"}}}),
            Accepted,
        ),
    ]
}

fn permissions(kind: Kind) -> Vec<Row> {
    let with = |sentence, permissions: Value| accepted(kind, sentence, json!({"permissions": permissions}));
    let not = |sentence, permission: &str| {
        refused(
            kind,
            sentence,
            json!({"permissions": ["servers:read", permission]}),
            "must be resource:action, resource:* or *:*",
        )
    };
    let many = |n: usize| (0..n).map(|i| format!("servers:a{i}")).collect::<Vec<_>>();
    let long = format!("{}:{}", "a".repeat(64), "b".repeat(63));
    vec![
        with("a permission is resource:action", json!(["servers:read", "ssh-keys:create", "s3:get-object"])),
        with("a permission may cover a resource", json!(["servers:*"])),
        with("a permission may cover everything", json!(["*:*"])),
        with("no permissions are legal", json!([])),
        not("a permission has an action", "servers"),
        not("a permission's action is not empty", "servers:"),
        not("a permission's resource is not empty", ":read"),
        not("a permission is lower-case", "Servers:read"),
        not("a permission has two parts", "servers:read:all"),
        not("an action of every resource is refused", "*:read"),
        not("a wildcard stands alone", "servers:re*"),
        not("a permission has no spaces", "servers: read"),
        not("a permission does not end with a dash", "servers:read-"),
        refused(
            kind,
            "the message names the permission",
            json!({"permissions": ["a:b", "c"]}),
            "spec.permissions[1]",
        )
        .server_alone(),
        refused(kind, "a permission is said once", json!({"permissions": ["a:b", "a:b"]}), "Duplicate value")
            .server_alone(),
        with("64 permissions are allowed", json!(many(64))),
        refused(kind, "65 permissions are refused", json!({"permissions": many(65)}), "Too many")
            .server_alone(),
        refused(kind, "a permission ends at 127 characters", json!({"permissions": [long]}), "Too long")
            .server_alone(),
        change(
            kind,
            "permissions can be changed",
            json!({"permissions": ["a:b"]}),
            json!({"permissions": ["c:d"]}),
            Accepted,
        ),
    ]
}

fn attributes(kind: Kind) -> Vec<Row> {
    let with = |sentence, attributes: Value| accepted(kind, sentence, json!({"attributes": attributes}));
    let not = |sentence, attributes: Value| {
        refused(
            kind,
            sentence,
            json!({"attributes": attributes}),
            "a key must be 1 to 63 letters, digits and -_./",
        )
    };
    let many = |n: usize| (0..n).map(|i| (format!("k{i}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    vec![
        with("attributes are free", json!({"rateLimit": "100", "scope/buckets": "[\"a\"]", "1": ""})),
        not("an attribute has a name", json!({"": "x"})),
        not("an attribute's name has no spaces", json!({"a b": "x"})),
        not("an attribute's name ends at 63 characters", json!({"a".repeat(64): "x"})),
        with("32 attributes are allowed", json!(many(32))),
        refused(kind, "33 attributes are refused", json!({"attributes": many(33)}), "must have at most 32")
            .server_alone(),
        refused(kind, "an attribute is a text", json!({"attributes": {"a": 1}}), "Invalid value")
            .server_alone(),
    ]
}
