//! The CustomResourceDefinitions in the form in which they are published.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;
use serde_json::json;

use super::{AccessToken, Account, ApiKeyPair, SshKey};

/// Tells servicebinding.io's controllers that the kind names a Secret in `status.binding`.
const PROVISIONED_SERVICE: &str = "servicebinding.io/provisioned-service";

/// The definitions of the four kinds.
pub fn crds() -> Vec<CustomResourceDefinition> {
    let account = published(Account::crd());
    let credentials = [ApiKeyPair::crd(), SshKey::crd(), AccessToken::crd()];
    [account].into_iter().chain(credentials.map(published).map(bindable)).collect()
}

/// One definition as the text of its file in `crds/`.
pub fn crd_yaml(crd: &CustomResourceDefinition) -> String {
    let yaml = serde_yaml::to_string(crd).expect("a definition is plain data");
    format!("# Generated from the types in src/api by `chatelaine crds`; do not edit.\n{yaml}")
}

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

/// An optional field is absent or has a value. If null were a third answer, each rule would have to ask for it: CEL's
/// `has()` says yes to null. The API server drops a null that is not allowed.
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

/// Without this default, tools that know only conditions call an object finished that nobody has looked at yet.
fn unseen_by_default(root: &mut JSONSchemaProps) {
    let status = root.properties.as_mut().and_then(|properties| properties.get_mut("status"));
    status.expect("every kind has a status").default = Some(JSON(json!({"observedGeneration": -1})));
}

fn bindable(mut crd: CustomResourceDefinition) -> CustomResourceDefinition {
    crd.metadata.labels.get_or_insert_default().insert(PROVISIONED_SERVICE.into(), "true".into());
    crd
}
