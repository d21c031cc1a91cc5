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
    Deserialize,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
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
pub struct Listed<T> {
    pub objects: Objects<T>,
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
    let read = tokio::task::spawn_blocking(move || read(reader)).await;
    match read {
        Ok(Ok(listed)) if !listed.version.is_empty() => Ok(listed),
        Ok(_) | Err(_) => Err(Failure::Unclear(format!("an unreadable list of {}", resource::<T>()))),
    }
}

fn read<T: Watched>(text: impl std::io::Read) -> serde_json::Result<Listed<T>> {
    let mut listed = Listed { objects: Objects::default(), version: String::new() };
    let mut decoder = serde_json::Deserializer::from_reader(text);
    Whole(&mut listed).deserialize(&mut decoder)?;
    decoder.end()?;
    Ok(listed)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Field {
    Metadata,
    Items,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
}

struct Whole<'a, T>(&'a mut Listed<T>);

impl<'de, T: Watched> DeserializeSeed<'de> for Whole<'_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Watched> Visitor<'de> for Whole<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key()? {
            match field {
                Field::Metadata => self.0.version = map.next_value::<ListMeta>()?.resource_version,
                Field::Items => map.next_value_seed(Items(&mut self.0.objects, PhantomData))?,
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Items<'a, T>(&'a mut Objects<T>, PhantomData<T>);

impl<'de, T: Watched> DeserializeSeed<'de> for Items<'_, T> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Watched + DeserializeOwned> Visitor<'de> for Items<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects, or null where there are none")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(object) = items.next_element::<T>()? {
            self.0.put(object);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::{cache::Kept, secret_meta::SecretMeta};

    fn names(text: &str) -> Option<(Vec<String>, String)> {
        let listed = read::<SecretMeta>(text.as_bytes()).ok()?;
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
        assert!((0..whole.len()).all(|end| names(&whole[..end]).is_none()));
    }
}
