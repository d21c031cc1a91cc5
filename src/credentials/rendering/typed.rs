//! The keys that a type of Secret demands, with material and without.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Text, sheet::Sheet};
use crate::{
    api::SecretType,
    core::material::{Parts, SecretBytes},
};

/// These keys are there as long as the Secret is: the API server refuses it without them.
pub fn required(type_: SecretType, sheet: &Sheet<'_>, state: Filled) -> Parts {
    let mut parts = Parts::new();
    match type_ {
        SecretType::Opaque => {}
        SecretType::BasicAuth => {
            parts.insert("username".to_owned(), sheet.username().into());
            // Of a password that somebody brought there is only a hash to show.
            if state == Filled::WithMaterial && !sheet.password().is_empty() {
                parts.insert("password".to_owned(), sheet.password().into());
            }
        }
        SecretType::DockerConfigJson => {
            let registry = sheet.attribute("registry").filter(|_| state == Filled::WithMaterial);
            parts.insert(".dockerconfigjson".to_owned(), docker_config(sheet, registry));
        }
    }
    parts
}

/// Whether there is anything to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    WithMaterial,
    Withdrawn,
}

fn docker_config(sheet: &Sheet<'_>, registry: Option<&str>) -> SecretBytes {
    #[derive(Serialize)]
    struct Config<'a> {
        auths: BTreeMap<&'a str, Auth<'a>>,
    }
    #[derive(Serialize)]
    struct Auth<'a> {
        username: &'a str,
        password: &'a str,
        auth: &'a str,
    }
    let (username, password) = (sheet.username(), sheet.password());
    let both = Zeroizing::new([username, ":", password].concat());
    let auth = Zeroizing::new(BASE64.encode(both.as_bytes()));
    let entry = |registry| (registry, Auth { username, password, auth: &auth });
    let text: Text = super::json_text(&Config { auths: registry.map(entry).into_iter().collect() });
    text.into()
}
