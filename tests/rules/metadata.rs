//! Names of objects and of Secrets, and the Secret's labels, annotations and keys.

use serde_json::{Value, json};

use super::Answer::{self, Accepted, Refused};
use super::{CREDENTIALS, Kind, Row, accepted, change, creation, refused};

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        named(Kind::Account, "an account's name may have 63 characters", &"a".repeat(63), Accepted),
        named(
            Kind::Account,
            "an account's name ends at 63 characters",
            &"a".repeat(64),
            Refused("metadata.name has more than 63 characters"),
        ),
        named(Kind::Account, "an account may be called as it likes", "chatelaine-admin", Accepted),
    ];
    for kind in CREDENTIALS {
        rows.extend(names(kind));
        rows.extend(secret_names(kind));
        rows.extend(labels_and_annotations(kind));
    }
    rows
}

fn named(kind: Kind, sentence: &'static str, name: &str, answer: Answer) -> Row {
    creation(kind, sentence, json!({"metadata": {"name": name}}), answer)
}

fn names(kind: Kind) -> Vec<Row> {
    let taken = Refused("metadata.name begins with chatelaine-, sh.helm.release. or bootstrap-token-");
    vec![
        named(kind, "a name may have 63 characters", &"a".repeat(63), Accepted),
        named(
            kind,
            "a name ends at 63 characters",
            &"a".repeat(64),
            Refused("metadata.name has more than 63"),
        ),
        named(kind, "a name is not the operator's", "chatelaine-held-1", taken),
        named(kind, "a name is not a Helm release's", "sh.helm.release.v1.x", taken),
        named(kind, "a name is not a bootstrap token's", "bootstrap-token-abcdef", taken),
        named(kind, "a name may hold these words further on", "my-chatelaine-key", Accepted),
    ]
}

fn secret_names(kind: Kind) -> Vec<Row> {
    let with = |sentence, name: &str| accepted(kind, sentence, json!({"secret": {"name": name}}));
    let not =
        |sentence, name: &str, message| refused(kind, sentence, json!({"secret": {"name": name}}), message);
    let taken = "spec.secret.name";
    let kept = Refused("spec.secret.name cannot be changed");
    let changed =
        |sentence, before: Value, after: Value, answer| change(kind, sentence, before, after, answer);
    vec![
        with("a Secret's name may have dots and dashes", "alice.ci-1"),
        not("a Secret's name is lower-case", "Alice", "must be a valid Secret name"),
        not("a Secret's name is not empty", "", "must be a valid Secret name"),
        not("a Secret's name has no slash", "a/b", "must be a valid Secret name"),
        not("a Secret's name ends with a letter or digit", "a-", "must be a valid Secret name"),
        not("a Secret's name has no empty part", "a..b", "must be a valid Secret name"),
        not("a Secret's name ends at 253 characters", &"a".repeat(254), "spec.secret.name: Too long")
            .server_alone(),
        not("a Secret's name is not the operator's", "chatelaine-held-1", "belong to others"),
        not("a Secret's name is not a Helm release's", "sh.helm.release.v1.x", "belong to others"),
        not("a Secret's name is not a bootstrap token's", "bootstrap-token-abcdef", "belong to others"),
        not("the message names the field of the Secret's name", "chatelaine-x", taken).server_alone(),
        changed(
            "a Secret's name is not changed",
            json!({"secret": {"name": "a"}}),
            json!({"secret": {"name": "b"}}),
            kept,
        ),
        changed(
            "a Secret's name is not added",
            json!({"secret": {"labels": {"a": "b"}}}),
            json!({"secret": {"name": "b"}}),
            kept,
        ),
        changed(
            "a Secret's name is not removed",
            json!({"secret": {"name": "a", "labels": {"a": "b"}}}),
            json!({"secret": {"name": null}}),
            kept,
        ),
        changed(
            "a Secret's name is not added with its parent",
            json!({}),
            json!({"secret": {"name": "b"}}),
            kept,
        ),
        changed(
            "a Secret's name is not removed with its parent",
            json!({"secret": {"name": "a"}}),
            json!({"secret": null}),
            kept,
        ),
        changed(
            "the default of a Secret's name may be written down",
            json!({}),
            json!({"secret": {"name": "example"}}),
            Accepted,
        ),
        changed(
            "a written default may be removed",
            json!({"secret": {"name": "example"}}),
            json!({"secret": null}),
            Accepted,
        ),
        changed(
            "what is beside a Secret's name may be changed",
            json!({"secret": {"name": "a"}}),
            json!({"secret": {"labels": {"a": "b"}}}),
            Accepted,
        ),
    ]
}

fn labels_and_annotations(kind: Kind) -> Vec<Row> {
    let with = |sentence, secret: Value| accepted(kind, sentence, json!({"secret": secret}));
    let not = |sentence, secret: Value, message| refused(kind, sentence, json!({"secret": secret}), message);
    let reserved = "keys of chatelaine.dev, kubernetes.io and k8s.io are not yours to set";
    let key = "a key must be a name of at most 63 characters";
    let value = "must be a label value";
    let many = |n: usize| (0..n).map(|i| (format!("k{i}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    vec![
        with(
            "the four keys of app.kubernetes.io are allowed",
            json!({"labels": {
                "app.kubernetes.io/name": "web", "app.kubernetes.io/component": "db",
                "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/version": "1.2.3",
            }}),
        ),
        with(
            "a key without a prefix is allowed",
            json!({"labels": {"Team_1.x": "blue"}, "annotations": {"note": "a b, c"}}),
        ),
        with("another prefix is the operator's to judge", json!({"labels": {"example.com/team": "blue"}})),
        with(
            "a prefix may merely resemble a reserved one",
            json!({"labels": {"mykubernetes.io/a": "b", "k8s.io.example.com/a": "b"}}),
        ),
        not(
            "other keys of app.kubernetes.io are refused",
            json!({"labels": {"app.kubernetes.io/instance": "x"}}),
            reserved,
        ),
        not(
            "keys of chatelaine.dev are refused",
            json!({"annotations": {"chatelaine.dev/ledger": "{}"}}),
            reserved,
        ),
        not(
            "keys below chatelaine.dev are refused",
            json!({"labels": {"x.chatelaine.dev/a": "b"}}),
            reserved,
        ),
        not("keys of kubernetes.io are refused", json!({"labels": {"kubernetes.io/a": "b"}}), reserved),
        not(
            "keys below kubernetes.io are refused",
            json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x"}}),
            reserved,
        ),
        not("keys below k8s.io are refused", json!({"annotations": {"x.k8s.io/a": "b"}}), reserved),
        not("a key has no spaces", json!({"labels": {"a b": "c"}}), key),
        not("a key is not empty", json!({"annotations": {"": "c"}}), key),
        not("a key's name ends at 63 characters", json!({"labels": {"a".repeat(64): "c"}}), key),
        not("a key has one slash at most", json!({"labels": {"a/b/c": "c"}}), key),
        not("a label's value has no spaces", json!({"labels": {"a": "b c"}}), value),
        not("a label's value ends with a letter or digit", json!({"labels": {"a": "b-"}}), value),
        with("a label's value may be empty", json!({"labels": {"a": ""}})),
        not("a label's value ends at 63 characters", json!({"labels": {"a": "b".repeat(64)}}), "Too long")
            .server_alone(),
        not(
            "an annotation is one line",
            json!({"annotations": {"a": "b\nc"}}),
            "must not contain control characters",
        ),
        with("sixteen labels are allowed", json!({"labels": many(16)})),
        not("seventeen labels are refused", json!({"labels": many(17)}), "must have at most 16")
            .server_alone(),
        not("seventeen annotations are refused", json!({"annotations": many(17)}), "must have at most 16")
            .server_alone(),
    ]
}
