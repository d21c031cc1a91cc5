//! The metadata of a cached object: what the operator looks at, with nothing beside it.
//!
//! Half of what the server sends is about who wrote which field, and an `ObjectMeta` takes a third of a kilobyte before
//! anything is in it, a map of one annotation half a kilobyte more: at ten thousand objects that is most of the memory.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::{Deserialize, Deserializer};

use super::{packed::Packed, queue::Key};
use crate::{api::REQUESTED_AT, core::restore::VELERO};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slim {
    #[serde(deserialize_with = "shared")]
    pub name: Arc<str>,
    #[serde(deserialize_with = "shared")]
    pub namespace: Arc<str>,
    pub uid: Box<str>,
    pub resource_version: Box<str>,
    pub generation: Option<i64>,
    pub creation_timestamp: Option<Timestamp>,
    pub deletion_timestamp: Option<Timestamp>,
    /// Only the one that says that a backup tool put the object there.
    #[serde(deserialize_with = "veleros")]
    labels: Pairs,
    /// Only ours: `last-applied-configuration`, for one, is as long as the object.
    #[serde(deserialize_with = "ours")]
    pub(super) annotations: Pairs,
    #[serde(rename = "ownerReferences", deserialize_with = "list")]
    pub owners: Box<[OwnerReference]>,
}

type Pairs = Box<[(Box<str>, Packed)]>;

impl Slim {
    pub fn annotation(&self, key: &str) -> Option<String> {
        self.annotations.iter().find(|(name, _)| **name == *key).map(|(_, value)| value.text())
    }

    pub fn key(&self, kind: &'static str) -> Key {
        Key { kind, namespace: self.namespace.clone(), name: self.name.clone() }
    }

    /// The same in the form that objects have.
    pub fn object_meta(&self) -> ObjectMeta {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let pair = |(key, value): &(Box<str>, Packed)| (key.to_string(), value.text());
        let map = |pairs: &Pairs| Some(pairs.iter().map(pair).collect()).filter(|_| !pairs.is_empty());
        ObjectMeta {
            name: text(&self.name),
            namespace: text(&self.namespace),
            uid: text(&self.uid),
            resource_version: text(&self.resource_version),
            generation: self.generation,
            creation_timestamp: self.creation_timestamp.map(Time),
            deletion_timestamp: self.deletion_timestamp.map(Time),
            labels: map(&self.labels),
            annotations: map(&self.annotations),
            owner_references: Some(self.owners.to_vec()).filter(|owners| !owners.is_empty()),
            ..ObjectMeta::default()
        }
    }
}

fn shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    Box::<str>::deserialize(deserializer).map(Arc::from)
}

fn ours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
    pairs(deserializer, |key| key.starts_with("chatelaine.dev/") || key == REQUESTED_AT)
}

fn veleros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
    pairs(deserializer, |key| key == VELERO)
}

fn pairs<'de, D: Deserializer<'de>>(deserializer: D, wanted: fn(&str) -> bool) -> Result<Pairs, D::Error> {
    let all = Option::<BTreeMap<Box<str>, Box<str>>>::deserialize(deserializer)?;
    let pairs = all.into_iter().flatten().filter(|(key, _)| wanted(key));
    Ok(pairs.map(|(key, value)| (key, Packed::from(&*value))).collect())
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[OwnerReference]>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_the_metadata_stays_what_is_looked_at() {
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "o", "controller": true});
        let slim: Slim = serde_json::from_value(json!({
            "name": "ci", "namespace": "ns", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2025-01-01T00:00:00Z", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"a": "b", "velero.io/restore-name": "r1"},
            "annotations": {"chatelaine.dev/rotate": "1", "somebody.else/note": "x"},
            "ownerReferences": [owner],
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
        }))
        .unwrap();
        assert_eq!(slim.annotation("chatelaine.dev/rotate").as_deref(), Some("1"));
        assert_eq!(slim.annotation("somebody.else/note"), None);
        let wanted: ObjectMeta = serde_json::from_value(json!({
            "name": "ci", "namespace": "ns", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2025-01-01T00:00:00Z", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"velero.io/restore-name": "r1"},
            "annotations": {"chatelaine.dev/rotate": "1"},
            "ownerReferences": [owner],
        }))
        .unwrap();
        assert_eq!(slim.object_meta(), wanted);
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let slim: Slim =
            serde_json::from_value(json!({"annotations": null, "ownerReferences": null})).unwrap();
        assert_eq!(slim, Slim::default());
        assert_eq!(slim.object_meta(), ObjectMeta::default());
    }
}
