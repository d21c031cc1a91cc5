//! API key pairs: a public access key and a secret key.

use super::{
    Credential, Dice, Effort, MintError, Naming, OPAQUE, Order, Place, Showing,
    alphabet::roll,
    digest_of_secret,
    key_pair_format::{access_key, fits, secret_key},
    put_secret,
    rendering::{Login, Outline},
};
use crate::api::{
    ApiKeyPair, ApiKeyPairSpec, ApiKeyPairStatus, Counts, CredentialStatus, Limits, Rotation, RotationMode,
    Tally, api_key_pair,
};
use crate::core::{
    ledger::Ledger,
    limit::{Quota, Sort},
    material::{Identity, Material, Parts, SecretBytes},
};

const ACCESS_KEY: &str = "accessKey";
const SECRET_KEY: &str = "secretKey";
const PREVIOUS_ACCESS_KEY: &str = "previousAccessKey";
const PREVIOUS_SECRET_KEY: &str = "previousSecretKey";

impl Credential for ApiKeyPair {
    const KIND: &'static str = "ApiKeyPair";
    const SECRET_ROLES: &'static [&'static str] = &[SECRET_KEY, PREVIOUS_SECRET_KEY];
    const NAMING: Naming = Naming::Rename;
    const NAMES: &'static [&'static str] = api_key_pair::NAMES;

    fn rotation(&self) -> Option<&Rotation> {
        Some(&self.spec.rotation.as_ref()?.common)
    }

    fn permissions(&self) -> Option<&[String]> {
        Some(&self.spec.permissions)
    }

    fn roles(&self) -> &[String] {
        &self.spec.roles
    }

    fn quotas(&self, limits: &Limits) -> Vec<Quota> {
        let service = &self.spec.service;
        let of_service = limits.per_service.get(service).copied();
        [
            Quota::new("apiKeyPairs", Sort::Kind(Self::KIND), limits.api_key_pairs),
            Quota::new(&format!("perService.{service}"), Sort::Service(service.clone()), of_service),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn count(counts: &mut Counts, tally: Tally) {
        counts.api_key_pairs = Some(tally);
    }

    fn told_identity(&self) -> Option<Identity> {
        Some(Identity { id: self.status.as_ref()?.access_key.clone()?, public: None })
    }

    fn tell(&self, common: CredentialStatus, ledger: Option<&Ledger>) -> ApiKeyPairStatus {
        let access_key = ledger.map(|ledger| ledger.id.clone()).filter(|id| !id.is_empty());
        ApiKeyPairStatus { access_key, common }
    }

    fn secret_type(&self) -> &'static str {
        OPAQUE
    }

    fn effort(&self) -> Effort {
        Effort::Quick
    }

    fn keeps_identity(&self) -> bool {
        match self.spec.rotation.as_ref().map(|rotation| rotation.mode).unwrap_or_default() {
            RotationMode::SecretOnly => true,
            RotationMode::KeyPair => false,
        }
    }

    fn assign(&self, dice: &mut dyn Dice) -> Result<Option<Identity>, MintError> {
        let id = access_key(self.spec.format, prefix(&self.spec), &mut roll(dice)?)?;
        Ok(Some(Identity { id, public: None }))
    }

    fn mint(&self, order: Order<'_>, dice: &mut dyn Dice) -> Result<Material, MintError> {
        let mut rng = roll(dice)?;
        let id = match order.keep {
            Some(kept) => kept.to_owned(),
            None => access_key(self.spec.format, prefix(&self.spec), &mut rng)?,
        };
        let secret = secret_key(self.spec.format, &mut rng);
        Ok(Material {
            identity: Identity { id, public: None },
            secret: Some(SecretBytes::from(secret.as_str())),
        })
    }

    fn digest(&self, material: &Material) -> String {
        digest_of_secret(material)
    }

    fn render(&self, showing: Showing<'_>) -> Parts {
        let mut parts = Parts::new();
        if !showing.identity.id.is_empty() {
            parts.insert(ACCESS_KEY.into(), showing.identity.id.as_str().into());
        }
        let Ok(current) = showing.current else { return parts };
        put_secret(&mut parts, SECRET_KEY, current);
        // The previous access key is there also when it is the current one: who reads the pair from one place
        // need not know the rotation's mode.
        if let Some((previous, _)) = showing.previous {
            parts.insert(PREVIOUS_ACCESS_KEY.into(), previous.identity.id.as_str().into());
            put_secret(&mut parts, PREVIOUS_SECRET_KEY, previous);
        }
        parts
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            fields: &[ACCESS_KEY, SECRET_KEY, "account", "permissions", "expirationTime"],
            login: Some(Login { username: ACCESS_KEY, password: SECRET_KEY }),
            service: &self.spec.service,
            attributes: Some(&self.spec.attributes),
        }
    }

    fn read(&self, data: &Parts, place: Place, id: Option<&str>) -> Option<Material> {
        let (access_key, secret_key) = match place {
            Place::Current => (ACCESS_KEY, SECRET_KEY),
            Place::Previous => (PREVIOUS_ACCESS_KEY, PREVIOUS_SECRET_KEY),
        };
        let id = match id {
            Some(known) => known,
            None => str::from_utf8(data.get(access_key)?.expose()).ok()?,
        };
        let secret = data.get(secret_key)?;
        if id.is_empty() || secret.expose().is_empty() {
            return None;
        }
        Some(Material {
            identity: Identity { id: id.to_owned(), public: None },
            secret: Some(secret.clone()),
        })
    }

    fn conforms(&self, material: &Material) -> Result<(), String> {
        let secret = material.secret.as_ref().map(SecretBytes::expose).unwrap_or_default();
        fits(self.spec.format, prefix(&self.spec), &material.identity.id, secret)
    }
}

/// `spec.accessKeyPrefix`; only the standard format has one.
fn prefix(spec: &ApiKeyPairSpec) -> &str {
    spec.access_key_prefix.as_deref().unwrap_or_default()
}
