//! What the caches keep of an object, decoded with nothing beside it: half of what the server sends is about who
//! wrote which field, and to build that up only to drop it would be most of the work of a start.

use std::{borrow::Cow, collections::BTreeMap, fmt, marker::PhantomData};

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time},
};
use kube::{Resource, core::NamespaceResourceScope};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{api::REQUESTED_AT, core::restore::VELERO};

/// An object as the caches keep it: what is asked often beside the text of the rest, which is half the size of the
/// decoded object. One that does not fit the schema is found out when it is read, and does not hold up all others.
pub struct Guarded<K> {
    pub metadata: ObjectMeta,
    /// `spec.accountRef.name`.
    pub account: Option<Box<str>>,
    /// When something has to leave the Secret, as status says it.
    pub end: Option<Timestamp>,
    text: Box<str>,
    kind: PhantomData<fn() -> K>,
}

/// The stored object does not fit the schema of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl<K: Resource + DeserializeOwned> Guarded<K> {
    pub fn read(&self) -> Result<K, Unreadable> {
        let mut object: K = serde_json::from_str(&self.text).map_err(|_| Unreadable)?;
        *object.meta_mut() = self.metadata.clone();
        Ok(object)
    }
}

// By hand, because a derive would ask the same of K.
impl<K> Clone for Guarded<K> {
    fn clone(&self) -> Self {
        let Self { metadata, account, end, text, kind } = self;
        Self {
            metadata: metadata.clone(),
            account: account.clone(),
            end: *end,
            text: text.clone(),
            kind: *kind,
        }
    }
}

impl<K> fmt::Debug for Guarded<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// A Secret without what is in it.
#[derive(Clone, Debug)]
pub struct SecretMeta {
    pub metadata: ObjectMeta,
}

/// The metadata that the operator looks at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Slim {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    deletion_timestamp: Option<Time>,
    #[serde(default, deserialize_with = "veleros")]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default, deserialize_with = "ours")]
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

/// `last-applied-configuration`, for one, is as long as the object.
fn ours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let mut annotations = Option::<BTreeMap<String, String>>::deserialize(deserializer)?;
    if let Some(annotations) = annotations.as_mut() {
        annotations.retain(|key, _| key.starts_with("chatelaine.dev/") || key == REQUESTED_AT);
    }
    Ok(annotations.filter(|annotations| !annotations.is_empty()))
}

/// Of the labels, only the one that says that a backup tool put the object there.
fn veleros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    let mut labels = Option::<BTreeMap<String, String>>::deserialize(deserializer)?;
    if let Some(labels) = labels.as_mut() {
        labels.retain(|key, _| key == VELERO);
    }
    Ok(labels.filter(|labels| !labels.is_empty()))
}

impl From<Slim> for ObjectMeta {
    fn from(slim: Slim) -> Self {
        let Slim { name, namespace, uid, resource_version, generation, .. } = slim;
        let Slim { deletion_timestamp, labels, annotations, owner_references, .. } = slim;
        Self {
            name,
            namespace,
            uid,
            resource_version,
            generation,
            deletion_timestamp,
            labels,
            annotations,
            owner_references,
            ..Self::default()
        }
    }
}

impl<'de, K> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            metadata: Slim,
            #[serde(default)]
            spec: Value,
            status: Option<Value>,
        }
        let Parts { metadata, spec, status } = Parts::deserialize(deserializer)?;
        let account = spec.pointer("/accountRef/name").and_then(Value::as_str).map(Into::into);
        let end = status.as_ref().and_then(end);
        let mut rest = serde_json::Map::from_iter([
            ("metadata".to_owned(), Value::Object(serde_json::Map::new())),
            ("spec".to_owned(), spec),
        ]);
        rest.extend(status.map(|status| ("status".to_owned(), status)));
        let text = Value::Object(rest).to_string().into_boxed_str();
        Ok(Self { metadata: metadata.into(), account, end, text, kind: PhantomData })
    }
}

/// The end of the material or of its overlap, whichever comes first, while there is any.
fn end(status: &Value) -> Option<Timestamp> {
    if !matches!(status["state"].as_str()?, "Live" | "Withheld") {
        return None;
    }
    let ends = [&status["expirationTime"], &status["previous"]["retirementTime"]];
    ends.into_iter().filter_map(|time| time.as_str()?.parse().ok()).min()
}

impl<'de> Deserialize<'de> for SecretMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            metadata: Slim,
        }
        Ok(Self { metadata: Parts::deserialize(deserializer)?.metadata.into() })
    }
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &K::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &K::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &K::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &K::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl Resource for SecretMeta {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    /// What makes the server leave out the data.
    fn metadata_api() -> bool {
        true
    }

    fn kind(dt: &()) -> Cow<'_, str> {
        Secret::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        <Secret as Resource>::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        <Secret as Resource>::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        Secret::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{AccessToken, LEDGER};

    fn stored(spec: Value) -> Value {
        json!({
            "apiVersion": "chatelaine.dev/v1alpha1",
            "kind": "AccessToken",
            "metadata": {
                "name": "ci", "namespace": "ns", "uid": "u", "resourceVersion": "7", "generation": 2,
                "deletionTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"a": "b", "velero.io/restore-name": "r1"},
                "annotations": {"chatelaine.dev/rotate": "1", "somebody.else/note": "x"},
                "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
            },
            "spec": spec,
            "status": {"id": "t", "revision": 1},
        })
    }

    #[test]
    fn an_object_is_read_with_the_metadata_that_is_looked_at() {
        let guarded: Guarded<AccessToken> =
            serde_json::from_str(&stored(json!({"accountRef": {"name": "alice"}})).to_string()).unwrap();
        let object = guarded.read().unwrap();
        assert_eq!(object.spec.common.account_ref.name, "alice");
        assert_eq!(object.status.unwrap().common.revision, Some(1));
        let meta = object.metadata;
        assert_eq!((meta.name.as_deref(), meta.namespace.as_deref()), (Some("ci"), Some("ns")));
        assert_eq!((meta.uid.as_deref(), meta.resource_version.as_deref()), (Some("u"), Some("7")));
        assert_eq!(meta.generation, Some(2));
        assert!(meta.deletion_timestamp.is_some());
        assert!(meta.managed_fields.is_none());
        assert_eq!(meta.labels.unwrap().keys().collect::<Vec<_>>(), [VELERO]);
        let annotations = meta.annotations.unwrap();
        assert_eq!(annotations.keys().collect::<Vec<_>>(), ["chatelaine.dev/rotate"]);
    }

    #[test]
    fn one_that_does_not_fit_the_schema_is_still_known_by_its_metadata() {
        let guarded: Guarded<AccessToken> =
            serde_json::from_str(&stored(json!({"accountRef": 1})).to_string()).unwrap();
        assert_eq!(guarded.meta().name.as_deref(), Some("ci"));
        assert_eq!(guarded.metadata.uid.as_deref(), Some("u"));
        assert_eq!(guarded.read().unwrap_err(), Unreadable);
    }

    #[test]
    fn a_secret_is_its_metadata() {
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "o", "controller": true});
        let secret: SecretMeta = serde_json::from_value(json!({
            "kind": "PartialObjectMetadata",
            "metadata": {"name": "s", "annotations": {LEDGER: "{}"}, "ownerReferences": [owner]},
        }))
        .unwrap();
        assert_eq!(secret.metadata.annotations.unwrap()[LEDGER], "{}");
        assert_eq!(secret.metadata.owner_references.unwrap()[0].uid, "o");
    }
}
