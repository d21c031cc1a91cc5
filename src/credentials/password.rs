//! The password of an Account, generated or brought: a credential like the others, whose object is the Account itself.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource, ResourceExt as _,
    core::{
        NamespaceResourceScope,
        object::{HasSpec, HasStatus},
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{
    Credential, Dice, Effort, MintError, Naming, Order, Place, Shared, Showing,
    alphabet::{LEGIBLE, roll},
    htpasswd::{LONGEST, fits, line},
    rendering::{Login, Outline},
};
use crate::api::{
    Account, AccountRef, AccountSpec, AccountStatus, Counts, CredentialSpec, CredentialStatus,
    DeletionPolicy, Limits, PasswordStatus, Rotation, SecretOutput, Tally,
};
use crate::core::{
    ledger::Ledger,
    lifecycle::Complaint,
    limit::Quota,
    material::{Identity, Material, Parts, SecretBytes, digest, digest_of_line},
    policy::Source,
    reason::Reason,
    trigger::{Asked, Triggers},
};

const USERNAME: &str = "username";
const PASSWORD: &str = "password";
const HTPASSWD: &str = "htpasswd";
/// What is told while it is.
pub const HASHING: &str = "The password is being hashed";

/// The length of a generated password: more than 130 bits.
const LENGTH: usize = 24;

/// An Account as the holder of its password.
#[derive(Clone, Debug)]
pub struct Password {
    account: Account,
    /// What a credential would say in its spec.
    common: CredentialSpec,
    /// The line of the password that the Account's spec points to, if it does; or why there is none.
    brought: Option<Result<Line, Complaint>>,
}

/// The line of a password that is brought.
#[derive(Clone, Debug)]
pub struct Line {
    pub material: Material,
    /// The id of the line that was there and does not let that password in.
    pub unlike: Option<String>,
}

/// What the name of its Secret ends in, after that of the Account.
pub const PASSWORD_SECRET: &str = "-password";

pub fn password_secret(account: &str) -> String {
    format!("{account}{PASSWORD_SECRET}")
}

impl From<Account> for Password {
    fn from(account: Account) -> Self {
        let name = account.name_any();
        let common = CredentialSpec {
            secret: SecretOutput { name: Some(password_secret(&name)), ..SecretOutput::default() },
            account_ref: AccountRef { name },
            active: true,
            comment: None,
            lifetime: None,
            expiration_time: None,
            warn_before: None,
            renew_before: None,
            deletion_policy: DeletionPolicy::Delete,
            restart: Vec::new(),
        };
        let points = account.spec.password.as_ref().is_some_and(|password| password.secret_ref.is_some());
        let brought = points.then(|| Err(Complaint::waiting(Reason::Minting, HASHING)));
        Self { account, common, brought }
    }
}

impl Password {
    /// With what is known now of the password that is brought.
    pub fn bringing(self, brought: Result<Line, Complaint>) -> Self {
        Self { brought: Some(brought), ..self }
    }

    /// The line of a password that is brought: the one that is there, if it still lets that password in. As slow as a
    /// hash.
    pub fn line_of(
        &self,
        password: &SecretBytes,
        there: Option<Material>,
        dice: &mut dyn Dice,
    ) -> Result<Material, MintError> {
        let lets_in = |there: &Material| {
            halves(there).1.is_some_and(|line| fits(line, &self.username(), password.expose()))
        };
        match there.filter(lets_in) {
            Some(there) => Ok(there),
            None => {
                let line = line(&self.username(), password.expose(), dice)?;
                Ok(material(b"", Some(line.as_bytes())))
            }
        }
    }

    fn username(&self) -> String {
        self.account.name_any()
    }

    fn told(&self) -> Option<&PasswordStatus> {
        self.account.status.as_ref()?.password.as_ref()
    }
}

/// What a password is in one piece: the password itself, a line break, and its line for htpasswd files, if there is one.
/// Of a password that was brought there is the line alone.
fn material(password: &[u8], line: Option<&[u8]>) -> Material {
    let id = line.map(id_of).unwrap_or_default();
    let mut text = Vec::with_capacity(password.len() + 1 + line.map_or(0, <[u8]>::len));
    text.extend_from_slice(password);
    if let Some(line) = line {
        text.push(b'\n');
        text.extend_from_slice(line);
    }
    Material { identity: Identity { id, public: None }, secret: Some(SecretBytes::from(text)) }
}

/// Which line it is, without saying it.
fn id_of(line: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(line)[..8])
}

/// The password and its line.
fn halves(material: &Material) -> (&[u8], Option<&[u8]>) {
    let text = material.secret.as_ref().map(SecretBytes::expose).unwrap_or_default();
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

impl Credential for Password {
    const KIND: &'static str = "Account";
    const SECRET_ROLES: &'static [&'static str] = &[PASSWORD, HTPASSWD];
    const NAMING: Naming = Naming::Rename;
    const NAMES: &'static [&'static str] = &[USERNAME, PASSWORD, HTPASSWD];

    fn rotation(&self) -> Option<&Rotation> {
        None
    }

    fn permissions(&self) -> Option<&[String]> {
        None
    }

    /// Only what the Account's own annotation asks; what stands there for its credentials is not for its password.
    fn asked(&self, _account: Triggers) -> Asked {
        let own = Triggers::to_rotate_password(self.account.metadata.annotations.as_ref());
        Asked { own, account: Triggers::default() }
    }

    /// Defaults and limits are for credentials: a password does not end by itself, and has no overlap.
    fn under(account: AccountSpec) -> AccountSpec {
        AccountSpec { credential_defaults: None, limits: None, ..account }
    }

    fn quotas(&self, _limits: &Limits) -> Vec<Quota> {
        Vec::new()
    }

    /// It is the Account's own, and not among its credentials.
    fn count(_counts: &mut Counts, _tally: Tally) {}

    fn told_identity(&self) -> Option<Identity> {
        Some(Identity { id: self.told()?.id.clone()?, public: None })
    }

    /// Beside what the Account's own pass has told.
    fn tell(&self, common: CredentialStatus, ledger: Option<&Ledger>) -> AccountStatus {
        let id = ledger.map(|ledger| ledger.id.clone()).filter(|id| !id.is_empty());
        let before = self.account.status.clone().unwrap_or_default();
        AccountStatus { password: Some(PasswordStatus { id, common }), ..before }
    }

    fn secret_type(&self) -> &'static str {
        "kubernetes.io/basic-auth"
    }

    fn effort(&self) -> Effort {
        Effort::Slow
    }

    fn keeps_identity(&self) -> bool {
        false
    }

    fn brought(&self) -> Option<Result<Material, Complaint>> {
        let brought = self.brought.as_ref()?;
        Some(brought.as_ref().map(|line| line.material.clone()).map_err(Complaint::clone))
    }

    fn source(&self) -> Source {
        match &self.brought {
            None => Source::MintBoth,
            Some(Ok(Line { material, unlike })) => {
                Source::Line { id: material.identity.id.clone(), unlike: unlike.clone() }
            }
            Some(Err(yet)) if yet.reason == Reason::Minting => Source::Awaited,
            Some(Err(_)) => Source::Brought { id: None },
        }
    }

    fn assign(&self, _dice: &mut dyn Dice) -> Result<Option<Identity>, MintError> {
        Ok(None)
    }

    fn mint(&self, _order: Order<'_>, dice: &mut dyn Dice) -> Result<Material, MintError> {
        let password = LEGIBLE.draw(LENGTH, &mut roll(dice)?);
        let line = line(&self.username(), password.as_bytes(), dice)?;
        Ok(material(password.as_bytes(), Some(line.as_bytes())))
    }

    /// Of the password alone: its line can be made again. Of one that was brought, of the line alone: what people
    /// choose can be guessed.
    fn digest(&self, material: &Material) -> String {
        match halves(material) {
            (b"", Some(line)) => digest_of_line(line),
            (password, _) => digest(password),
        }
    }

    fn is_whole(&self, material: &Material) -> bool {
        halves(material).1.is_some()
    }

    fn made_whole(&self, broken: &Material, dice: &mut dyn Dice) -> Result<Material, MintError> {
        let (password, _) = halves(broken);
        let line = line(&self.username(), password, dice)?;
        Ok(material(password, Some(line.as_bytes())))
    }

    fn render(&self, showing: Showing<'_>) -> Parts {
        // Not a secret, and what this type of Secret needs when the password goes.
        let mut parts = Parts::from([(USERNAME.to_owned(), self.username().into())]);
        if let Ok(current) = showing.current {
            let (password, line) = halves(current);
            if !password.is_empty() {
                parts.insert(PASSWORD.to_owned(), password.to_vec().into());
            }
            parts.extend(line.map(|line| (HTPASSWD.to_owned(), line.to_vec().into())));
        }
        parts
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            fields: &[USERNAME, PASSWORD, HTPASSWD],
            login: Some(Login { username: USERNAME, password: PASSWORD }),
            service: "password",
            attributes: None,
        }
    }

    /// The line is kept if it is the one that the ledger knows; of a Secret that somebody offers, if it fits.
    fn read(&self, data: &Parts, place: Place, id: Option<&str>) -> Option<Material> {
        match place {
            Place::Current => {}
            // A password has no overlap.
            Place::Previous => return None,
        }
        let line = data.get(HTPASSWD).map(SecretBytes::expose);
        let known = line.filter(|line| id.is_some_and(|id| id_of(line) == id));
        match data.get(PASSWORD).map(SecretBytes::expose) {
            Some(password) if password.is_empty() || password.contains(&b'\n') => None,
            Some(password) => Some(material(password, known)),
            None => Some(material(b"", Some(known?))),
        }
    }

    fn conforms(&self, material: &Material) -> Result<(), String> {
        if self.brought.is_some() {
            return Err("the password is the one that spec.password.secretRef points to".to_owned());
        }
        match halves(material).0.len() {
            LENGTH..=LONGEST => Ok(()),
            _ => Err(format!("the password is not {LENGTH} to {LONGEST} bytes long")),
        }
    }
}

impl Shared for Password {
    fn common(&self) -> &CredentialSpec {
        &self.common
    }

    fn common_mut(&mut self) -> &mut CredentialSpec {
        &mut self.common
    }

    fn common_status(&self) -> Option<&CredentialStatus> {
        Some(&self.told()?.common)
    }
}

impl Resource for Password {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind(dt: &()) -> Cow<'_, str> {
        Account::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        Account::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        Account::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        Account::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.account.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.account.metadata
    }
}

impl HasSpec for Password {
    type Spec = AccountSpec;

    fn spec(&self) -> &AccountSpec {
        &self.account.spec
    }

    fn spec_mut(&mut self) -> &mut AccountSpec {
        &mut self.account.spec
    }
}

impl HasStatus for Password {
    type Status = AccountStatus;

    fn status(&self) -> Option<&AccountStatus> {
        self.account.status.as_ref()
    }

    fn status_mut(&mut self) -> &mut Option<AccountStatus> {
        &mut self.account.status
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.account.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Account::deserialize(deserializer).map(Self::from)
    }
}
