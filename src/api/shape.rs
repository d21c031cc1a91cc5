//! Bounded lists and maps: their rules sit on the items, so that the API server's message names the very
//! item.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::{Rule, validate};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{output::SecretFormat, rule};

/// What a key of a Secret is made of.
const DATA_KEY: &str = "^[-._a-zA-Z0-9]+$";

#[expect(clippy::expect_used, reason = "a rule is plain JSON")]
fn with(mut schema: Schema, rules: impl IntoIterator<Item = Rule>) -> Schema {
    for rule in rules {
        validate(&mut schema, rule).expect("a rule is plain JSON");
    }
    schema
}

/// A set: the API server refuses a value that occurs twice.
fn set(items: Schema, max: u32) -> Schema {
    json_schema!({"type": "array", "items": items, "maxItems": max, "x-kubernetes-list-type": "set"})
}

/// A list in which order has a meaning.
fn list(items: Schema, max: u32) -> Schema {
    json_schema!({"type": "array", "items": items, "maxItems": max, "x-kubernetes-list-type": "atomic"})
}

fn map(values: Schema, max: u32) -> Schema {
    json_schema!({"type": "object", "additionalProperties": values, "maxProperties": max})
}

fn text(max: u32) -> Schema {
    json_schema!({"type": "string", "maxLength": max})
}

pub fn permissions(_: &mut SchemaGenerator) -> Schema {
    set(with(text(127), [rule::permission()]), 64)
}

/// What a server should do with a credential's own properties is its business: keys and values are only
/// bounded.
pub fn attributes(_: &mut SchemaGenerator) -> Schema {
    with(
        map(with(text(2048), [rule::no_control_characters()]), 32),
        [Rule::new("self.all(k, k.matches('^[A-Za-z0-9][-A-Za-z0-9_./]{0,62}$'))")
            .message("a key must be 1 to 63 letters, digits and -_./ and begin with a letter or digit")],
    )
}

pub fn labels(_: &mut SchemaGenerator) -> Schema {
    let value = Rule::new("self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$')").message(
        "must be a label value: at most 63 letters, digits and -_. , beginning and ending with a letter or digit",
    );
    with(map(with(text(63), [value]), 16), metadata_keys())
}

pub fn annotations(_: &mut SchemaGenerator) -> Schema {
    with(map(with(text(2048), [rule::no_control_characters()]), 16), metadata_keys())
}

/// Which other prefixes are allowed is a flag of the operator, so it is judged when the Secret is written.
/// What belongs to Kubernetes or to this operator is refused here, whatever the flag says.
fn metadata_keys() -> [Rule; 2] {
    [
        Rule::new(
            "self.all(k, k.matches('^([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",
        )
        .message("a key must be a name of at most 63 characters, optionally after a DNS prefix and a slash"),
        Rule::new(
            "self.all(k, k in ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'app.kubernetes.io/part-of', \
             'app.kubernetes.io/version'] || !k.matches('^([-a-z0-9.]*[.])?(chatelaine[.]dev|kubernetes[.]io|k8s[.]io)/'))",
        )
        .message(
            "keys of chatelaine.dev, kubernetes.io and k8s.io are not yours to set, other than \
             app.kubernetes.io/name, component, part-of and version: use a key without a prefix",
        ),
    ]
}

pub fn secret_keys(_: &mut SchemaGenerator) -> Schema {
    with(
        map(with(text(253), [rule::secret_key()]), 8),
        [Rule::new("self.all(a, self.all(b, a == b || self[a] != self[b]))")
            .message("two keys have the same new name: give each its own")],
    )
}

pub fn formats(generator: &mut SchemaGenerator) -> Schema {
    set(SecretFormat::json_schema(generator), SecretFormat::ALL.len() as u32)
}

pub fn template(_: &mut SchemaGenerator) -> Schema {
    let value = Rule::new(r"!self.matches(r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]')")
        .message("must not contain control characters other than tabs and line breaks");
    let key = Rule::new(format!(
        "self.all(k, size(k) <= 253 && k.matches('{DATA_KEY}') && k != '.' && !k.startsWith('..'))"
    ))
    .message(
        "a key must be one of a Secret: letters, digits and -_. , at most 253 characters, not . and not ..",
    );
    with(map(with(text(8192), [value]), 8), [key])
}

pub fn groups(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": super::account::Group::json_schema(generator),
        "maxItems": 64,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
    })
}

pub fn count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 0, "maximum": 1_000_000})
}

pub fn counts_by_service(generator: &mut SchemaGenerator) -> Schema {
    with(
        map(count(generator), 32),
        [Rule::new("self.all(k, k.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$'))").message(
            "a service must be at most 63 lower-case letters, digits and inner dashes, such as s3 or object-store",
        )],
    )
}

pub fn roles(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": super::account::Role::json_schema(generator),
        "maxItems": 32,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    })
}

pub fn role_names(_: &mut SchemaGenerator) -> Schema {
    set(with(text(63), [rule::slug("the name of a role")]), 16)
}

/// A workload is named once.
pub fn restarts(generator: &mut SchemaGenerator) -> Schema {
    workloads(super::Restart::json_schema(generator))
}

fn workloads(items: Schema) -> Schema {
    json_schema!({
        "type": "array",
        "items": items,
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["kind", "name"],
    })
}

pub fn hosts(_: &mut SchemaGenerator) -> Schema {
    let host = Rule::new(r"self.matches(r'^!?[-A-Za-z0-9_.:/*?%]+$')").message(
        "must be a host name, an address or a network such as 10.0.0.0/8, with * and ? as wildcards and an optional \
         ! in front: one pattern per item, without quotes, commas or spaces",
    );
    with(
        set(with(text(253), [host]), 32),
        [Rule::new("size(self) == 0 || self.exists(p, !p.startsWith('!'))")
            .message("patterns that begin with ! only exclude: add one that admits somebody, such as *")],
    )
}

pub fn bits(_: &mut SchemaGenerator) -> Schema {
    with(
        json_schema!({"type": "integer", "format": "int32"}),
        [Rule::new("self in [2048, 3072, 4096]").message("must be 2048, 3072 or 4096")],
    )
}

// status: written by the operator alone; bounds only

/// `metav1.Condition` with the bounds of its Go markers, which the generated Rust type does not carry.
pub fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut condition = Condition::json_schema(generator);
    for (field, key, bound) in [
        ("message", "maxLength", json!(32768)),
        ("reason", "maxLength", json!(1024)),
        ("reason", "minLength", json!(1)),
        ("reason", "pattern", json!("^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")),
        ("status", "enum", json!(["True", "False", "Unknown"])),
        ("type", "maxLength", json!(316)),
        ("observedGeneration", "minimum", json!(0)),
    ] {
        property(&mut condition, field)[key] = bound;
    }
    json_schema!({
        "type": "array",
        "items": condition,
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    })
}

#[expect(clippy::expect_used, reason = "the field is one of metav1.Condition")]
fn property<'a>(schema: &'a mut Schema, field: &str) -> &'a mut Value {
    schema.pointer_mut(&format!("/properties/{field}")).expect("metav1.Condition has the field")
}

/// A longer value of a trigger is kept as its digest: `sha256:` and 64 digits.
pub fn trigger_values(_: &mut SchemaGenerator) -> Schema {
    list(text(71), 8)
}

pub fn digests(generator: &mut SchemaGenerator) -> Schema {
    list(super::status::CredentialDigest::json_schema(generator), 2)
}

/// How many of something there are.
pub fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int32", "minimum": 0})
}

pub fn held(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": super::Held::json_schema(generator),
        "maxItems": super::LISTED,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["kind", "name"],
    })
}

pub fn restarted(generator: &mut SchemaGenerator) -> Schema {
    workloads(super::Restarted::json_schema(generator))
}

pub fn history(generator: &mut SchemaGenerator) -> Schema {
    list(super::status::HistoryEntry::json_schema(generator), 10)
}

/// A requested wildcard may be cut to as many single permissions as the Account grants, and its roles, each as long as
/// the list of a credential's own, may all be asked for.
pub fn effective_permissions(_: &mut SchemaGenerator) -> Schema {
    list(text(127), 64 + 64 + 32 * 64)
}
