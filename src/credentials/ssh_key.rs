//! SSH keys: generated here with their private half, or uploaded as a public key.

use kube::ResourceExt as _;
use sha2::{Digest as _, Sha256};
use ssh_key::{
    EcdsaCurve, PrivateKey, PublicKey,
    public::{EcdsaPublicKey, KeyData},
};

use super::{
    Credential, Dice, Effort, MintError, Naming, OPAQUE, Order, Place, Showing, authorized_keys, put_secret,
    rendering::Outline, rsa, ssh_private, ssh_public,
};
use crate::api::{
    Counts, CredentialStatus, Limits, PassphraseSecretRef, Rotation, SshAlgorithm, SshKey, SshKeySpec,
    SshKeyStatus, SshMethod, Tally,
};
use crate::core::{
    ledger::Ledger,
    lifecycle::Complaint,
    limit::{Quota, Sort},
    material::{Identity, Material, Parts, SecretBytes},
    reason::Reason,
};

const PRIVATE_KEY: &str = "ssh-privatekey";
const PUBLIC_KEY: &str = "ssh-publickey";
const AUTHORIZED_KEYS: &str = "authorized_keys";
const PREVIOUS_PRIVATE_KEY: &str = "previous-ssh-privatekey";
const PREVIOUS_PUBLIC_KEY: &str = "previous-ssh-publickey";

/// The size of an RSA key where the spec does not say.
const RSA_BITS: u32 = 3072;

/// How much of a comment an adopted key can keep in its public line.
const LONGEST_COMMENT: usize = 1024;

impl Credential for SshKey {
    const KIND: &'static str = "SshKey";
    const SECRET_ROLES: &'static [&'static str] = &[PRIVATE_KEY, PREVIOUS_PRIVATE_KEY];
    /// The type of the Secret demands the key `ssh-privatekey`.
    const NAMING: Naming = Naming::Copy;
    const NAMES: &'static [&'static str] = crate::api::ssh_key::NAMES;

    fn rotation(&self) -> Option<&Rotation> {
        self.spec.rotation.as_ref()
    }

    fn permissions(&self) -> Option<&[String]> {
        None
    }

    fn quotas(&self, limits: &Limits) -> Vec<Quota> {
        Quota::new("sshKeys", Sort::Kind(Self::KIND), limits.ssh_keys).into_iter().collect()
    }

    fn count(counts: &mut Counts, tally: Tally) {
        counts.ssh_keys = Some(tally);
    }

    fn told_id(&self) -> Option<String> {
        Some(self.status.as_ref()?.id?.to_string())
    }

    fn told_fingerprint(&self) -> Option<String> {
        self.status.as_ref()?.fingerprint.clone()
    }

    fn told_identity(&self) -> Option<Identity> {
        let status = self.status.as_ref()?;
        Some(Identity { id: status.fingerprint.clone()?, public: status.public_key.clone() })
    }

    fn tell(&self, common: CredentialStatus, ledger: Option<&Ledger>) -> SshKeyStatus {
        SshKeyStatus {
            id: ledger.and_then(|ledger| ledger.number),
            fingerprint: ledger.map(|ledger| ledger.id.clone()).filter(|id| !id.is_empty()),
            public_key: ledger.and_then(|ledger| ledger.public.clone()),
            common,
        }
    }

    fn secret_type(&self) -> &'static str {
        match self.spec.method {
            SshMethod::Generate => "kubernetes.io/ssh-auth",
            SshMethod::Upload => OPAQUE,
        }
    }

    fn effort(&self) -> Effort {
        match (self.spec.method, algorithm(&self.spec)) {
            (SshMethod::Generate, SshAlgorithm::Rsa) => Effort::Slow,
            (
                SshMethod::Generate,
                SshAlgorithm::Ed25519
                | SshAlgorithm::EcdsaP256
                | SshAlgorithm::EcdsaP384
                | SshAlgorithm::EcdsaP521,
            )
            | (SshMethod::Upload, _) => Effort::Quick,
        }
    }

    /// The fingerprint is made from the key.
    fn keeps_identity(&self) -> bool {
        false
    }

    /// 53 bits of a digest: what JSON numbers hold exactly. Never 0, which many APIs take for "none".
    fn number(uid: &str) -> Option<i64> {
        let digest = Sha256::digest(uid.as_bytes());
        let first = digest.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes) >> 11)?;
        i64::try_from(first.max(1)).ok()
    }

    fn told_number(&self) -> Option<i64> {
        self.status.as_ref()?.id
    }

    fn brought(&self) -> Option<Result<Material, Complaint>> {
        match self.spec.method {
            SshMethod::Generate => None,
            SshMethod::Upload => {
                let line = self.spec.public_key.as_deref().unwrap_or_default();
                Some(
                    ssh_public::parse(line)
                        .map(|key| uploaded(&key))
                        .map_err(|advice| Complaint::person(Reason::InvalidKey, advice)),
                )
            }
        }
    }

    fn assign(&self, _dice: &mut dyn Dice) -> Result<Option<Identity>, MintError> {
        Ok(None)
    }

    fn mint(&self, _order: Order<'_>, dice: &mut dyn Dice) -> Result<Material, MintError> {
        let comment = format!("{}@{}", self.name_any(), self.namespace().unwrap_or_default());
        let bits = self.spec.bits.unwrap_or(RSA_BITS);
        match self.spec.method {
            SshMethod::Generate => {
                let key = ssh_private::generate(algorithm(&self.spec), bits, &comment, dice)?;
                let secret = ssh_private::write(&key)?;
                Ok(Material { identity: public_half(&key), secret: Some(secret) })
            }
            SshMethod::Upload => Err(MintError("an uploaded key is not minted")),
        }
    }

    fn digest(&self, material: &Material) -> String {
        ssh_public::digest(material.identity.public.as_deref().unwrap_or_default())
    }

    fn render(&self, showing: Showing<'_>) -> Parts {
        let current = match showing.current {
            Ok(current) => current,
            Err(why) => return withdrawn(self.spec.method, why),
        };
        let mut parts = halves(PRIVATE_KEY, PUBLIC_KEY, current);
        if let Some((previous, _)) = showing.previous {
            parts.extend(halves(PREVIOUS_PRIVATE_KEY, PREVIOUS_PUBLIC_KEY, previous));
        }
        let previous = showing.previous.map(|(previous, retirement)| (line(previous), retirement));
        let file = authorized_keys::render(self.spec.options.as_ref(), line(current), previous);
        parts.insert(AUTHORIZED_KEYS.into(), file.into());
        parts
    }

    /// Nobody wants a key of many lines in a table: templates show it where it is wanted.
    fn outline(&self) -> Outline<'_> {
        Outline { fields: &[], login: None, service: "ssh-key", attributes: None }
    }

    /// The public half is derived: whatever the Secret says of it beside the private one is not heard.
    fn read(&self, data: &Parts, place: Place, _id: Option<&str>) -> Option<Material> {
        let (private, public) = roles(place);
        match self.spec.method {
            SshMethod::Generate => {
                let (key, secret) = ssh_private::read(data.get(private)?.expose())?;
                Some(Material { identity: public_half(&key), secret: Some(secret) })
            }
            SshMethod::Upload => {
                let text = str::from_utf8(data.get(public)?.expose()).ok()?;
                ssh_public::parse(text).ok().map(|key| uploaded(&key))
            }
        }
    }

    fn conforms(&self, material: &Material) -> Result<(), String> {
        match (self.spec.method, self.brought()) {
            (SshMethod::Upload, Some(Ok(asked))) if asked.identity.id == material.identity.id => Ok(()),
            (SshMethod::Upload, _) => Err("the public key is not the one of spec.publicKey".to_owned()),
            (SshMethod::Generate, _) => {
                let key =
                    ssh_public::parse(line(material)).map_err(|_| "the key is of no algorithm of ours")?;
                let asked = (algorithm(&self.spec), self.spec.bits.unwrap_or(RSA_BITS));
                if is_of(key.key_data(), asked) { Ok(()) } else { Err(does_not_fit(asked)) }
            }
        }
    }

    fn passphrase_ref(&self) -> Option<&PassphraseSecretRef> {
        self.spec.passphrase_secret_ref.as_ref()
    }

    fn lock(
        &self,
        material: &Material,
        passphrase: &SecretBytes,
        dice: &mut dyn Dice,
    ) -> Result<Material, MintError> {
        let plain = material.secret.as_ref().and_then(|secret| ssh_private::read(secret.expose()));
        let (key, _) = plain.ok_or(MintError("there is no private key to encrypt"))?;
        let secret = ssh_private::lock(&key, passphrase.expose(), dice)?;
        Ok(Material { identity: material.identity.clone(), secret: Some(secret) })
    }

    fn unlock(&self, material: &Material, passphrase: &SecretBytes) -> Option<Material> {
        let key = ssh_private::unlock(material.secret.as_ref()?.expose(), passphrase.expose())?;
        let secret = ssh_private::write(&key).ok()?;
        let same = public_half(&key).id == material.identity.id;
        same.then(|| Material { identity: material.identity.clone(), secret: Some(secret) })
    }

    fn locked(&self, data: &Parts, place: Place) -> Option<SecretBytes> {
        ssh_private::locked(data.get(roles(place).0)?.expose())
    }

    /// The lines of `authorized_keys` change with the options.
    fn output_options(&self) -> String {
        self.spec.options.as_ref().and_then(|options| serde_json::to_string(options).ok()).unwrap_or_default()
    }
}

/// Where the halves of a key stand.
fn roles(place: Place) -> (&'static str, &'static str) {
    match place {
        Place::Current => (PRIVATE_KEY, PUBLIC_KEY),
        Place::Previous => (PREVIOUS_PRIVATE_KEY, PREVIOUS_PUBLIC_KEY),
    }
}

fn algorithm(spec: &SshKeySpec) -> SshAlgorithm {
    spec.algorithm.unwrap_or_default()
}

fn uploaded(key: &PublicKey) -> Material {
    Material { identity: ssh_public::identity(key), secret: None }
}

/// An adopted key brings a comment of its own, which must not break out of its line, nor out of the ledger.
fn public_half(key: &PrivateKey) -> Identity {
    let mut public = key.public_key().clone();
    let comment = public.comment();
    if comment.len() > LONGEST_COMMENT || comment.contains(char::is_control) {
        public.set_comment("");
    }
    ssh_public::identity(&public)
}

fn line(material: &Material) -> &str {
    material.identity.public.as_deref().unwrap_or_default()
}

fn halves(private: &str, public: &str, material: &Material) -> Parts {
    let mut parts = Parts::from([(public.to_owned(), format!("{}\n", line(material)).into())]);
    put_secret(&mut parts, private, material);
    parts
}

/// A public key in the Secret is a permission to log in: it goes with the private one.
fn withdrawn(method: SshMethod, why: &str) -> Parts {
    let mut parts = Parts::from([(AUTHORIZED_KEYS.to_owned(), "".into())]);
    match method {
        // The type demands this key, and that it is not empty.
        SshMethod::Generate => {
            let why = why.replace(char::is_control, " ");
            parts.insert(PRIVATE_KEY.into(), format!("# {why}\n").into());
        }
        SshMethod::Upload => (),
    }
    parts
}

fn is_of(key: &KeyData, (algorithm, bits): (SshAlgorithm, u32)) -> bool {
    match algorithm {
        SshAlgorithm::Ed25519 => key.is_ed25519(),
        SshAlgorithm::EcdsaP256 => key.ecdsa().map(EcdsaPublicKey::curve) == Some(EcdsaCurve::NistP256),
        SshAlgorithm::EcdsaP384 => key.ecdsa().map(EcdsaPublicKey::curve) == Some(EcdsaCurve::NistP384),
        SshAlgorithm::EcdsaP521 => key.ecdsa().map(EcdsaPublicKey::curve) == Some(EcdsaCurve::NistP521),
        SshAlgorithm::Rsa => key.rsa().and_then(|key| rsa::bits(&key.n)) == usize::try_from(bits).ok(),
    }
}

fn does_not_fit((algorithm, bits): (SshAlgorithm, u32)) -> String {
    match algorithm {
        SshAlgorithm::Rsa => format!("the key is not an RSA key of {bits} bits, as the spec asks for"),
        SshAlgorithm::Ed25519
        | SshAlgorithm::EcdsaP256
        | SshAlgorithm::EcdsaP384
        | SshAlgorithm::EcdsaP521 => {
            format!("the key is not of the algorithm {algorithm:?}, as the spec asks for")
        }
    }
}
