//! What the caches keep of an object that people write: what is asked often, beside the text of the rest.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use kube::{
    Resource,
    core::{NamespaceResourceScope, object::HasSpec},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::{cache::Kept, packed::Packed, slim::Slim, watch::Watched};
use crate::api::State;

/// An object as the caches keep it: the text of spec and status, packed, is a small part of the decoded object. One that
/// does not fit the schema is found out when it is read, and does not hold up all others.
#[derive(Clone)]
pub struct Guarded<K> {
    pub meta: Slim,
    /// `spec.accountRef.name`.
    pub account: Option<Box<str>>,
    /// When something has to leave the Secret, as status says it.
    pub end: Option<Timestamp>,
    /// `spec.service`.
    pub service: Option<Box<str>>,
    /// `spec.apiKeyPairRef.name`.
    pub parent: Option<Box<str>>,
    /// Whether `status.revision` is above zero.
    pub issued: bool,
    /// `status.state`.
    pub state: Option<State>,
    spec: Packed,
    status: Packed,
    kind: PhantomData<fn() -> K>,
}

/// What is asked of a spec without reading the object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecGlance {
    account_ref: NameGlance,
    service: Option<Box<str>>,
    api_key_pair_ref: Option<NameGlance>,
}

#[derive(Deserialize)]
struct NameGlance {
    name: Box<str>,
}

/// What is asked of a status without reading the object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusGlance {
    state: Option<State>,
    revision: Option<i64>,
    expiration_time: Option<Timestamp>,
    previous: Option<PreviousGlance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PreviousGlance {
    retirement_time: Timestamp,
}

impl StatusGlance {
    fn is_issued(&self) -> bool {
        self.revision > Some(0)
    }

    /// The end of the material or of its overlap, whichever comes first, while there is any.
    fn end(self) -> Option<Timestamp> {
        match self.state? {
            State::Live | State::Withheld => {
                let overlap = self.previous.map(|previous| previous.retirement_time);
                self.expiration_time.into_iter().chain(overlap).min()
            }
            State::Expired | State::Revoked => None,
        }
    }
}

/// The stored object does not fit the schema of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl<K: Resource + DeserializeOwned> Guarded<K> {
    pub fn read(&self) -> Result<K, Unreadable> {
        let (spec, status) = (self.spec.text(), self.status.text());
        let text = format!(r#"{{"metadata":{{}},"spec":{spec},"status":{status}}}"#);
        let mut object: K = serde_json::from_str(&text).map_err(|_| Unreadable)?;
        *object.meta_mut() = self.meta.object_meta();
        Ok(object)
    }

    /// Only the spec: the status of an Account can be long, and each of its credentials looks at the spec.
    pub fn read_spec(&self) -> Result<K::Spec, Unreadable>
    where
        K: HasSpec<Spec: DeserializeOwned>,
    {
        serde_json::from_str(&self.spec.text()).map_err(|_| Unreadable)
    }
}

impl<K> Guarded<K> {
    /// Status as it is stored, whether or not it fits the schema.
    pub fn told(&self) -> Value {
        serde_json::from_str(&self.status.text()).unwrap_or_default()
    }

    /// The Secret that status told of last, else the one that has the object's name: for one that cannot be read.
    pub fn told_secret(&self) -> String {
        let told = self.told();
        let name = told.pointer("/secretRef/name").and_then(Value::as_str);
        name.map_or_else(|| self.meta.name.to_string(), str::to_owned)
    }
}

impl<'de, K> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            metadata: Slim,
            spec: Option<Box<RawValue>>,
            status: Option<Box<RawValue>>,
        }
        let Parts { metadata: meta, spec, status } = Parts::deserialize(deserializer)?;
        let spec = spec.as_ref().map_or("null", |spec| spec.get());
        let status = status.as_ref().map_or("null", |status| status.get());
        let packed = (Packed::from(spec), Packed::from(status));
        let (account, service, parent) = match serde_json::from_str::<SpecGlance>(spec) {
            Ok(spec) => (Some(spec.account_ref.name), spec.service, spec.api_key_pair_ref.map(|of| of.name)),
            Err(_) => (None, None, None),
        };
        let status = serde_json::from_str::<StatusGlance>(status).ok();
        let issued = status.as_ref().is_some_and(StatusGlance::is_issued);
        let state = status.as_ref().and_then(|status| status.state);
        let end = status.and_then(StatusGlance::end);
        let (spec, status) = packed;
        Ok(Self { meta, account, end, service, parent, issued, state, spec, status, kind: PhantomData })
    }
}

impl<K: Clone + 'static> Kept for Guarded<K> {
    fn meta(&self) -> &Slim {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Slim {
        &mut self.meta
    }

    /// Neither changes in the life of an object, unless it could not be read for a while.
    fn is_same(&self, other: &Self) -> bool {
        (&self.meta.uid, &self.account, &self.parent) == (&other.meta.uid, &other.account, &other.parent)
    }
}

impl<K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + 'static> Watched for Guarded<K> {
    type Resource = K;
    const METADATA_ONLY: bool = false;
}

impl<K> fmt::Debug for Guarded<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("meta", &self.meta).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::AccessToken;

    fn stored(spec: Value) -> Guarded<AccessToken> {
        let text = json!({
            "apiVersion": "chatelaine.dev/v1alpha1",
            "kind": "AccessToken",
            "metadata": {
                "name": "ci", "namespace": "ns", "uid": "u",
                "annotations": {"chatelaine.dev/rotate": "1"},
            },
            "spec": spec,
            "status": {
                "id": "t", "revision": 1, "state": "Live", "expirationTime": "2026-01-01T00:00:00Z",
                "secretRef": {"name": "elsewhere", "uid": "s", "resourceVersion": "7"},
            },
        })
        .to_string();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_object_is_read_with_the_metadata_that_is_looked_at() {
        let guarded = stored(json!({"accountRef": {"name": "alice"}}));
        assert_eq!(guarded.account.as_deref(), Some("alice"));
        assert_eq!(guarded.end, "2026-01-01T00:00:00Z".parse().ok());
        assert!(guarded.issued && guarded.service.is_none());
        assert_eq!(guarded.state, Some(State::Live));
        assert_eq!(guarded.read_spec().unwrap(), guarded.read().unwrap().spec);
        let object = guarded.read().unwrap();
        assert_eq!(object.spec.common.account_ref.name, "alice");
        assert_eq!(object.status.unwrap().common.revision, Some(1));
        assert_eq!(object.metadata.uid.as_deref(), Some("u"));
        assert_eq!(object.metadata.annotations.unwrap()["chatelaine.dev/rotate"], "1");
    }

    #[test]
    fn what_ends_is_known_without_reading_the_object_and_only_while_there_is_material() {
        let end = |status: Value| {
            let status = serde_json::from_value::<StatusGlance>(status).unwrap();
            status.end().map(|end| end.to_string())
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        let overlap = |end: &str| json!({"id": "p", "retirementTime": end});
        for (status, wanted) in [
            (json!({"state": "Live", "expirationTime": late, "previous": overlap(early)}), Some(early)),
            (json!({"state": "Withheld", "expirationTime": early, "previous": overlap(late)}), Some(early)),
            (json!({"state": "Live", "previous": overlap(late)}), Some(late)),
            (json!({"state": "Live"}), None),
            (json!({"state": "Revoked", "expirationTime": early}), None),
            (json!({"expirationTime": early}), None),
        ] {
            assert_eq!(end(status).as_deref(), wanted);
        }
    }

    #[test]
    fn what_limits_ask_for_is_known_without_reading_the_object() {
        for (status, issued) in
            [(json!(null), false), (json!({"revision": 0}), false), (json!({"revision": 1}), true)]
        {
            let spec = json!({"accountRef": {"name": "alice"}, "service": "s3"});
            let text = json!({"metadata": {"name": "ci"}, "spec": spec, "status": status}).to_string();
            let guarded: Guarded<AccessToken> = serde_json::from_str(&text).unwrap();
            assert_eq!((guarded.service.as_deref(), guarded.issued), (Some("s3"), issued));
        }
    }

    #[test]
    fn one_that_does_not_fit_the_schema_is_still_known_by_its_metadata() {
        for spec in [json!({"accountRef": 1}), json!("no spec at all"), Value::Null] {
            let guarded = stored(spec);
            assert_eq!((&*guarded.meta.name, &*guarded.meta.uid), ("ci", "u"));
            assert_eq!(guarded.account, None);
            assert_eq!(guarded.read().unwrap_err(), Unreadable);
            assert_eq!(guarded.read_spec().unwrap_err(), Unreadable);
            assert_eq!(guarded.told_secret(), "elsewhere");
        }
    }

    #[test]
    fn one_without_a_status_is_read_too() {
        let text = r#"{"metadata": {"name": "ci"}, "spec": {"accountRef": {"name": "alice"}}}"#;
        let guarded: Guarded<AccessToken> = serde_json::from_str(text).unwrap();
        assert_eq!((guarded.end, guarded.read().unwrap().status), (None, None));
        assert_eq!(guarded.told_secret(), "ci");
    }
}
