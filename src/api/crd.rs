//! The CustomResourceDefinitions in the form in which they are published.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray,
    JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::Account;
use crate::every_kind;

/// Tells servicebinding.io's controllers that the kind names a Secret in `status.binding`.
const PROVISIONED_SERVICE: &str = "servicebinding.io/provisioned-service";

/// What `kubectl get` shows of every credential: name, type, where it stands, what it means. A time in the future is
/// never of type date, which would be shown as `<invalid>`.
const COLUMNS: [[&str; 4]; 7] = [
    ["Account", "string", ".spec.accountRef.name", "The Account that holds the credential."],
    ["Ready", "string", READY_STATUS, "Whether the Secret is what the spec asks for."],
    ["Reason", "string", READY_REASON, "Why the credential is ready or not."],
    ["Expiry", "string", ".status.expiry", "When the material stops to be valid."],
    ["Revision", "integer", ".status.revision", "How often another value was published."],
    ["Secret", "string", ".status.secretRef.name", "The Secret that holds the material."],
    ["Age", "date", ".metadata.creationTimestamp", "How long the object has existed."],
];

/// What `kubectl get -o wide` shows after that and after what the kind itself declares.
const WIDE_COLUMNS: [[&str; 4]; 2] = [
    ["Next", "string", ".status.next.action", "What the operator will do next by itself."],
    ["Next Time", "string", ".status.next.time", "When the operator will do that."],
];

const READY_STATUS: &str = r#".status.conditions[?(@.type=="Ready")].status"#;
const READY_REASON: &str = r#".status.conditions[?(@.type=="Ready")].reason"#;

/// The definitions of the four kinds.
pub fn crds() -> Vec<CustomResourceDefinition> {
    macro_rules! definitions {
        ($($kind:ty),+) => { [$(<$kind>::crd()),+] };
    }
    let account = published(Account::crd());
    let credentials = every_kind!(definitions);
    [account].into_iter().chain(credentials.map(published).map(of_a_credential)).collect()
}

/// One definition as the text of its file in `crds/`.
#[expect(clippy::expect_used, reason = "a definition is plain data")]
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    let yaml = serde_yaml::to_string(crd).expect("a definition is plain data");
    format!("# Generated from the types in src/api by `chatelaine crds`; do not edit.\n{yaml}")
}

#[expect(clippy::expect_used, reason = "a derived definition has a schema")]
fn published(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        let root = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut());
        let root = root.expect("a derived definition has a schema");
        visit(root, &mut |schema| {
            refuse_null(schema);
            flow(schema);
        });
        unseen_by_default(root);
    }
    crd
}

fn visit(schema: &mut JSONSchemaProps, change: &mut impl FnMut(&mut JSONSchemaProps)) {
    change(schema);
    for property in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        visit(property, change);
    }
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &mut schema.items {
        visit(items, change);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        visit(values, change);
    }
}

/// An optional field is absent or has a value. A null that is allowed would be stored and handed back, a
/// third answer that every reader had to expect; one that is not allowed is taken as absent by the API
/// server.
fn refuse_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    if let Some(values) = &mut schema.enum_ {
        values.retain(|value| !value.0.is_null());
    }
}

/// `kubectl explain` wraps each line for itself: a paragraph is one line, whatever the width of the source.
fn flow(schema: &mut JSONSchemaProps) {
    if let Some(description) = &mut schema.description {
        let paragraphs = description.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
        *description = paragraphs.collect::<Vec<_>>().join("\n\n");
    }
}

/// Without this default, tools that know only conditions call an object finished that nobody has looked at
/// yet.
#[expect(clippy::expect_used, reason = "every kind has a status")]
fn unseen_by_default(root: &mut JSONSchemaProps) {
    let status = root.properties.as_mut().and_then(|properties| properties.get_mut("status"));
    status.expect("every kind has a status").default = Some(JSON(json!({"observedGeneration": -1})));
}

fn of_a_credential(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    crd.metadata.labels.get_or_insert_default().insert(PROVISIONED_SERVICE.into(), "true".into());
    for version in &mut crd.spec.versions {
        let own = version.additional_printer_columns.take().unwrap_or_default();
        let shared = COLUMNS.map(|words| column(words, None));
        let wide = WIDE_COLUMNS.map(|words| column(words, Some(1)));
        version.additional_printer_columns = Some(shared.into_iter().chain(own).chain(wide).collect());
    }
    crd
}

fn column(
    [name, type_, json_path, description]: [&str; 4],
    priority: Option<i32>,
) -> CustomResourceColumnDefinition {
    CustomResourceColumnDefinition {
        name: name.into(),
        type_: type_.into(),
        json_path: json_path.into(),
        description: Some(description.into()),
        priority,
        ..CustomResourceColumnDefinition::default()
    }
}
