//! The metadata of a cached object: what the operator looks at, with nothing beside it.
//!
//! Half of what the server sends is about who wrote which field, and an `ObjectMeta` takes a third of a kilobyte before
//! anything is in it, a map of one annotation half a kilobyte more: at ten thousand objects that is most of the memory.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::runtime::reflector::{Lookup, ObjectRef};
use serde::{Deserialize, Deserializer};

use super::queue::Key;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slim {
    pub name: Box<str>,
    pub namespace: Box<str>,
    pub uid: Box<str>,
    pub resource_version: Box<str>,
    pub generation: Option<i64>,
    pub deletion_timestamp: Option<Timestamp>,
    /// Of ours only.
    #[serde(deserialize_with = "ours")]
    annotations: Box<[(Box<str>, Box<str>)]>,
    /// Which of its owners controls it.
    #[serde(rename = "ownerReferences", deserialize_with = "controlling")]
    pub controller: Option<Box<Controller>>,
}

/// The owner that controls an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    pub kind: Box<str>,
    pub name: Box<str>,
}

impl Slim {
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
    }

    pub fn key(&self, kind: &'static str) -> Key {
        Key { kind, namespace: (&*self.namespace).into(), name: (&*self.name).into() }
    }

    /// The key under which the cache of such objects has this one.
    pub fn object_ref<K: Lookup<DynamicType = ()>>(&self) -> ObjectRef<K> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }

    /// The same in the form that objects have. It knows no owners: whoever asks for them reads the object.
    pub fn object_meta(&self) -> ObjectMeta {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let annotations: BTreeMap<String, String> =
            self.annotations.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        ObjectMeta {
            name: text(&self.name),
            namespace: text(&self.namespace),
            uid: text(&self.uid),
            resource_version: text(&self.resource_version),
            generation: self.generation,
            deletion_timestamp: self.deletion_timestamp.map(Time),
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            ..ObjectMeta::default()
        }
    }
}

/// `last-applied-configuration`, for one, is as long as the object.
fn ours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[(Box<str>, Box<str>)]>, D::Error> {
    let all = Option::<BTreeMap<Box<str>, Box<str>>>::deserialize(deserializer)?;
    Ok(all.into_iter().flatten().filter(|(key, _)| key.starts_with("chatelaine.dev/")).collect())
}

fn controlling<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<Controller>>, D::Error> {
    #[derive(Deserialize)]
    struct Reference {
        kind: Box<str>,
        name: Box<str>,
        #[serde(default)]
        controller: Option<bool>,
    }
    let all = Option::<Vec<Reference>>::deserialize(deserializer)?;
    let controller = all.into_iter().flatten().find(|owner| owner.controller == Some(true));
    Ok(controller.map(|Reference { kind, name, .. }| Box::new(Controller { kind, name })))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_the_metadata_stays_what_is_looked_at() {
        let owner = |name: &str, controller: bool| json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": "o", "controller": controller});
        let slim: Slim = serde_json::from_value(json!({
            "name": "ci", "namespace": "ns", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2025-01-01T00:00:00Z", "deletionTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"a": "b"},
            "annotations": {"chatelaine.dev/rotate": "1", "somebody.else/note": "x"},
            "ownerReferences": [owner("p", false), owner("q", true)],
            "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
        }))
        .unwrap();
        assert_eq!(slim.annotation("chatelaine.dev/rotate"), Some("1"));
        assert_eq!(slim.annotation("somebody.else/note"), None);
        assert_eq!(slim.controller.as_ref().map(|owner| &*owner.name), Some("q"));
        let wanted: ObjectMeta = serde_json::from_value(json!({
            "name": "ci", "namespace": "ns", "uid": "u", "resourceVersion": "7", "generation": 2,
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"chatelaine.dev/rotate": "1"},
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
