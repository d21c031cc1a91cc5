//! A value in a Secret of the user's: read by the name that a spec gives, because no watch shows it, once a minute.

use std::time::Duration;

use k8s_openapi::{api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use super::house::House;
use crate::core::{lifecycle::Complaint, material::SecretBytes, reason::Reason};

/// How often it is looked for.
pub const PAUSE: Duration = Duration::from_secs(60);
/// How soon at first, when it is not there: often it is applied together with what points to it.
const SOON: Duration = Duration::from_secs(1);

/// Where a value is, and how messages call it.
pub struct Pointer<'a> {
    pub what: &'static str,
    pub secret: &'a str,
    pub key: &'a str,
    /// The reason when there is nothing.
    pub missing: Reason,
}

/// What was found there.
pub struct Found {
    pub value: SecretBytes,
    /// Of the Secret.
    pub version: String,
}

impl Pointer<'_> {
    /// What is there, or why there is nothing. A Secret that cannot be read says nothing.
    pub async fn read(&self, house: &House, namespace: &str) -> Result<Found, Complaint> {
        match house.ask(house.secrets_in(namespace).get_opt(self.secret)).await {
            Ok(secret) => self.found(secret.as_ref()),
            Err(_) => {
                let Self { what, secret, .. } = self;
                let text = format!("The Secret {secret} with the {what} could not be read; tried again");
                Err(Complaint::waiting(Reason::ApiUnavailable, text))
            }
        }
    }

    fn found(&self, there: Option<&Secret>) -> Result<Found, Complaint> {
        let Self { what, secret, key, .. } = self;
        let Some(there) = there else {
            return Err(self.nothing(format!(
                "There is no Secret {secret} in this namespace: create it with the {what} under the key {key}"
            )));
        };
        match there.data.as_ref().and_then(|data| data.get(*key)) {
            Some(value) => {
                Ok(Found { value: SecretBytes::from(value.0.clone()), version: version_of(&there.metadata) })
            }
            None => Err(self.nothing(format!("The Secret {secret} has no key {key}: put the {what} there"))),
        }
    }

    pub fn empty(&self) -> Complaint {
        let Self { what, secret, key, .. } = self;
        self.nothing(format!("The key {key} of the Secret {secret} is empty: put the {what} there"))
    }

    fn nothing(&self, text: String) -> Complaint {
        Complaint::waiting(self.missing, text)
    }

    /// What is there now, without the values; None if nothing could be read.
    pub async fn version(&self, house: &House, namespace: &str) -> Option<String> {
        let there = house.ask(house.secrets_in(namespace).get_metadata_opt(self.secret)).await.ok()??;
        Some(version_of(&there.metadata))
    }
}

/// When to look again for what has been missing for so long.
pub fn look_again(missing: Duration) -> Duration {
    missing.clamp(SOON, PAUSE)
}

pub fn version_of(meta: &ObjectMeta) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", text(&meta.uid), text(&meta.resource_version))
}
