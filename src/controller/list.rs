//! A list of all objects of one resource, taken in one by one as it arrives: ten thousand of them never stand in memory
//! as one text.
//!
//! It is asked for in one piece. The server then answers from what it has decoded already; pages, and the initial events of
//! a watch, cost it twice to eight times as much.

use std::{fmt, io::BufReader, marker::PhantomData};

use kube::{
    Client, Resource,
    api::{ListParams, Request},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};
use tokio_util::{compat::FuturesAsyncReadCompatExt, io::SyncIoBridge};

use super::{
    cache::Objects,
    error::Failure,
    watch::{Watched, resource},
};

/// As much of the text as is looked at together.
const CHUNK: usize = 64 * 1024;

/// All there is, and the version from which a watch goes on.
#[derive(Deserialize)]
#[serde(bound = "T: Watched")]
pub struct Listed<T> {
    #[serde(rename = "items")]
    pub objects: Objects<T>,
    #[serde(rename = "metadata", deserialize_with = "version")]
    pub version: String,
}

pub async fn list<T: Watched>(client: &Client, labels: Option<&str>) -> Result<Listed<T>, Failure> {
    let params = ListParams { label_selector: labels.map(str::to_owned), ..ListParams::default() };
    let request = Request::new(T::Resource::url_path(&(), None));
    let request = if T::METADATA_ONLY { request.list_metadata(&params) } else { request.list(&params) };
    let request = request.map_err(|_| Failure::Refused { code: 0, reason: "list".into() })?;
    let body = Box::pin(client.request_stream(request).await?);
    // The decoder waits for the text, which the runtime's own threads must not.
    let reader = BufReader::with_capacity(CHUNK, SyncIoBridge::new(body.compat()));
    let read = tokio::task::spawn_blocking(move || serde_json::from_reader(reader)).await;
    match read {
        Ok(Ok(listed)) => Ok(listed),
        Ok(Err(_)) | Err(_) => Err(Failure::Unclear(format!("an unreadable list of {}", resource::<T>()))),
    }
}

fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ListMeta {
        resource_version: String,
    }
    let version = ListMeta::deserialize(deserializer)?.resource_version;
    let empty = || D::Error::custom("a list without a version");
    Some(version).filter(|version| !version.is_empty()).ok_or_else(empty)
}

impl<'de, T: Watched> Deserialize<'de> for Objects<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneByOne(PhantomData))
    }
}

struct OneByOne<T>(PhantomData<T>);

impl<'de, T: Watched> Visitor<'de> for OneByOne<T> {
    type Value = Objects<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, or null where there are none")
    }

    fn visit_unit<E>(self) -> Result<Objects<T>, E> {
        Ok(Objects::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Objects<T>, A::Error> {
        let mut objects = Objects::default();
        while let Some(object) = items.next_element::<T>()? {
            objects.put(object);
        }
        Ok(objects)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::{cache::Kept, secret_meta::SecretMeta};

    fn names(text: &str) -> Option<(Vec<String>, String)> {
        let listed: Listed<SecretMeta> = serde_json::from_reader(text.as_bytes()).ok()?;
        let mut names: Vec<_> = listed.objects.all().map(|secret| secret.meta().name.to_string()).collect();
        names.sort();
        Some((names, listed.version))
    }

    #[test]
    fn a_list_is_read_whatever_the_order_of_its_fields_is() {
        let item = |name| json!({"metadata": {"namespace": "ns", "name": name, "resourceVersion": "1"}});
        let items = json!([item("a"), item("b")]);
        let meta = json!({"resourceVersion": "7", "continue": ""});
        for text in [
            format!(r#"{{"apiVersion":"v1","items":{items},"kind":"SecretList","metadata":{meta}}}"#),
            format!(r#"{{"kind":"SecretList","apiVersion":"v1","metadata":{meta},"items":{items}}}"#),
        ] {
            assert_eq!(names(&text), Some((vec!["a".to_owned(), "b".to_owned()], "7".to_owned())));
        }
        let empty = format!(r#"{{"metadata":{meta},"items":null}}"#);
        assert_eq!(names(&empty), Some((vec![], "7".to_owned())));
    }

    #[test]
    fn a_list_that_breaks_off_is_none() {
        let whole =
            json!({"items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "7"}}).to_string();
        assert!(names(&whole).is_some());
        // A list without its objects must not count as one of none: all there were would be gone.
        assert!(names(r#"{"metadata":{"resourceVersion":"7"}}"#).is_none());
        assert!(names(r#"{"items":[],"metadata":{"resourceVersion":""}}"#).is_none());
        assert!((0..whole.len()).all(|end| names(&whole[..end]).is_none()));
    }
}
