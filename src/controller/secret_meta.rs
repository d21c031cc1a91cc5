//! What the cache keeps of a Secret of ours: whose it is, and which version. Never what is in it.

use k8s_openapi::api::core::v1::Secret;
use serde::{Deserialize, Deserializer};

use super::{beside::HELD_FOR, cache::Kept, slim::Slim, watch::Watched};
use crate::{
    api::{self, State},
    core::ledger::Owner,
};

#[derive(Clone, Debug)]
pub struct SecretMeta {
    /// The owner references are there only if no ledger says whose the Secret is.
    pub meta: Slim,
}

impl SecretMeta {
    /// Kind and name of whom it belongs to. The ledger says it, whatever the owner references say; these are heard when
    /// the ledger is gone or broken, because that is what its owner must see to.
    pub fn belongs_to(&self) -> Option<(String, String)> {
        let held = || serde_json::from_str::<Owner>(&self.meta.annotation(HELD_FOR)?).ok();
        let reference = || self.meta.owners.iter().find(|owner| owner.controller == Some(true));
        owner_in_ledger(&self.meta)
            .or_else(held)
            .map(|owner| (owner.kind, owner.name))
            .or_else(|| reference().map(|owner| (owner.kind.clone(), owner.name.clone())))
    }

    /// Whether the ledger says that the material was destroyed.
    pub fn says_dead(&self) -> bool {
        #[derive(Deserialize)]
        struct Page {
            state: State,
        }
        let page =
            self.meta.annotation(api::LEDGER).and_then(|text| serde_json::from_str::<Page>(&text).ok());
        page.is_some_and(|page| matches!(page.state, State::Expired | State::Revoked))
    }
}

fn owner_in_ledger(meta: &Slim) -> Option<Owner> {
    #[derive(Deserialize)]
    struct Page {
        owner: Owner,
    }
    serde_json::from_str::<Page>(&meta.annotation(api::LEDGER)?).ok().map(|page| page.owner)
}

impl<'de> Deserialize<'de> for SecretMeta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Parts {
            metadata: Slim,
        }
        let mut meta = Parts::deserialize(deserializer)?.metadata;
        if owner_in_ledger(&meta).is_some() {
            meta.owners = Box::default();
        }
        Ok(Self { meta })
    }
}

impl Kept for SecretMeta {
    fn meta(&self) -> &Slim {
        &self.meta
    }

    fn meta_mut(&mut self) -> &mut Slim {
        &mut self.meta
    }

    /// The one whose it was has to see that it is another's.
    fn is_same(&self, other: &Self) -> bool {
        let same_words =
            self.meta.annotations == other.meta.annotations && self.meta.owners == other.meta.owners;
        self.meta.uid == other.meta.uid && (same_words || self.belongs_to() == other.belongs_to())
    }
}

impl Watched for SecretMeta {
    type Resource = Secret;
    const METADATA_ONLY: bool = true;
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn secret(annotations: Value) -> SecretMeta {
        let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "o", "controller": true});
        serde_json::from_value(json!({
            "kind": "PartialObjectMetadata",
            "metadata": {"name": "s", "annotations": annotations, "ownerReferences": [owner]},
        }))
        .unwrap()
    }

    #[test]
    fn a_secret_belongs_to_whom_its_annotations_name_and_else_to_its_controller() {
        let owner = json!({"kind": "SshKey", "name": "n", "uid": "u", "account": "a"});
        let ledger = json!({"owner": owner}).to_string();
        for (annotations, kind) in [
            (json!({api::LEDGER: ledger}), "SshKey"),
            (json!({HELD_FOR: owner.to_string()}), "SshKey"),
            (json!({api::LEDGER: "{}"}), "Pod"),
            (json!({}), "Pod"),
        ] {
            assert_eq!(secret(annotations).belongs_to().unwrap().0, kind);
        }
    }
}
