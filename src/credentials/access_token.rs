//! Access tokens: one secret text that says who its bearer is.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::{
    Credential, Dice, Effort, MintError, Naming, OPAQUE, Order, Place, Showing,
    alphabet::{BASE62, roll},
    digest_of_secret, put_secret,
    rendering::{Login, Outline},
    rfc3339, token_text,
};
use crate::api::{
    AccessToken, AccessTokenStatus, ApiKeyPairRef, Counts, CredentialStatus, Limits, Rotation, Tally,
    TokenFormat, access_token,
};
use crate::core::{
    ledger::Ledger,
    limit::{Quota, Sort},
    material::{Identity, Material, Parts, SecretBytes},
};

const TOKEN: &str = "token";
const PREVIOUS_TOKEN: &str = "previousToken";
const ACCOUNT: &str = "account";
const PERMISSIONS: &str = "permissions";
const EXPIRATION_TIME: &str = "expirationTime";

/// What a token begins with when the Account does not say.
const PREFIX: &str = "chtl";
/// The length of a plain token: more than 190 bits.
const PLAIN: usize = 32;

impl Credential for AccessToken {
    const KIND: &'static str = "AccessToken";
    const SECRET_ROLES: &'static [&'static str] = &[TOKEN, PREVIOUS_TOKEN];
    const NAMING: Naming = Naming::Rename;
    const NAMES: &'static [&'static str] = access_token::NAMES;

    fn rotation(&self) -> Option<&Rotation> {
        self.spec.rotation.as_ref()
    }

    fn permissions(&self) -> Option<&[String]> {
        Some(&self.spec.permissions)
    }

    fn roles(&self) -> &[String] {
        &self.spec.roles
    }

    fn parent_ref(&self) -> Option<&ApiKeyPairRef> {
        self.spec.api_key_pair_ref.as_ref()
    }

    fn quotas(&self, limits: &Limits) -> Vec<Quota> {
        Quota::new("accessTokens", Sort::Kind(Self::KIND), limits.access_tokens).into_iter().collect()
    }

    fn count(counts: &mut Counts, tally: Tally) {
        counts.access_tokens = Some(tally);
    }

    fn told_identity(&self) -> Option<Identity> {
        Some(Identity { id: self.status.as_ref()?.id.clone()?, public: None })
    }

    fn tell(&self, common: CredentialStatus, ledger: Option<&Ledger>) -> AccessTokenStatus {
        let id = ledger.map(|ledger| ledger.id.clone()).filter(|id| !id.is_empty());
        AccessTokenStatus { id, common }
    }

    fn secret_type(&self) -> &'static str {
        OPAQUE
    }

    fn effort(&self) -> Effort {
        Effort::Quick
    }

    /// The id is made from the value.
    fn keeps_identity(&self) -> bool {
        false
    }

    fn assign(&self, _dice: &mut dyn Dice) -> Result<Option<Identity>, MintError> {
        Ok(None)
    }

    fn mint(&self, order: Order<'_>, dice: &mut dyn Dice) -> Result<Material, MintError> {
        let mut rng = roll(dice)?;
        let token = match self.spec.format {
            TokenFormat::Prefixed => token_text::draw(order.token_prefix.unwrap_or(PREFIX), &mut rng),
            TokenFormat::Plain => BASE62.draw(PLAIN, &mut rng),
        };
        Ok(material(SecretBytes::from(token.as_str())))
    }

    fn digest(&self, material: &Material) -> String {
        digest_of_secret(material)
    }

    fn render(&self, showing: Showing<'_>) -> Parts {
        // Who the bearer is and what it may do: no secrets, so they stay when the token goes.
        let mut parts = Parts::from([
            (ACCOUNT.to_owned(), showing.account.into()),
            // As an OAuth scope (RFC 6749, section 3.3).
            (PERMISSIONS.to_owned(), showing.permissions.join(" ").into()),
        ]);
        parts.extend(showing.not_after.map(|time| (EXPIRATION_TIME.to_owned(), rfc3339(time).into())));
        let Ok(current) = showing.current else { return parts };
        put_secret(&mut parts, TOKEN, current);
        if let Some((previous, _)) = showing.previous {
            put_secret(&mut parts, PREVIOUS_TOKEN, previous);
        }
        parts
    }

    fn outline(&self) -> Outline<'_> {
        Outline {
            fields: &[TOKEN, ACCOUNT, PERMISSIONS, EXPIRATION_TIME],
            login: Some(Login { username: ACCOUNT, password: TOKEN }),
            service: "access-token",
            attributes: Some(&self.spec.attributes),
        }
    }

    fn read(&self, data: &Parts, place: Place, _id: Option<&str>) -> Option<Material> {
        let token = data.get(match place {
            Place::Current => TOKEN,
            Place::Previous => PREVIOUS_TOKEN,
        })?;
        (!token.expose().is_empty()).then(|| material(token.clone()))
    }

    fn conforms(&self, material: &Material) -> Result<(), String> {
        let secret = material.secret.as_ref().map(SecretBytes::expose).unwrap_or_default();
        let text = str::from_utf8(secret).unwrap_or_default();
        // Any prefix will do: a changed `tokenPrefix` does not change the tokens that are there.
        match self.spec.format {
            TokenFormat::Prefixed if token_text::is_token(text) => Ok(()),
            TokenFormat::Prefixed => Err(
                "the token is not a prefix, an underscore, 30 letters and digits and their checksum, as the \
                     format Prefixed asks for"
                    .to_owned(),
            ),
            TokenFormat::Plain if BASE62.spells(text, PLAIN) => Ok(()),
            TokenFormat::Plain => {
                Err(format!("the token is not {PLAIN} letters and digits, as the format Plain asks for"))
            }
        }
    }
}

/// A token and its public id: the first half of a half of its digest, which says nothing about it.
fn material(token: SecretBytes) -> Material {
    let id = HEXLOWER.encode(&Sha256::digest(token.expose())[..8]);
    Material { identity: Identity { id, public: None }, secret: Some(token) }
}
