//! Making the values of a page: minted, and encrypted where the spec asks; what takes long in the slow lane.

use super::{
    credential::Keeper,
    dice::SystemDice,
    observe::Seen,
    queue::{Key, Lane},
    secrets::Values,
};
use crate::{
    core::{
        ledger::{Ledger, Sealed},
        material::{Material, SecretBytes},
        page::{Current, Former},
    },
    credentials::{Credential, Effort, MintError, Order},
};

/// How a private key stands before it is encrypted anew.
enum Was {
    /// As the spec asks.
    Right,
    Open,
    /// Encrypted, and this may open it.
    Locked(Option<SecretBytes>),
}

impl<K: Credential> Keeper<K> {
    /// The values of a page; None while the key is being made.
    pub(super) fn values(
        &self,
        key: &Key,
        seen: &Seen<K>,
        ledger: &mut Ledger,
        current: Current,
        previous: Former,
    ) -> Result<Option<Values>, MintError> {
        let previous = match previous {
            Former::WasCurrent => seen.values.current.clone(),
            Former::Stays => seen.values.previous.clone(),
            Former::FromCopy => seen.copied.previous.clone(),
            Former::Nothing => None,
        };
        let there = match current {
            Current::Relock => return self.relock(key, seen, ledger),
            Current::Assign => {
                if let Some(identity) = seen.object.assign(&mut SystemDice)? {
                    (ledger.id, ledger.public) = (identity.id, identity.public);
                }
                return Ok(Some(Values { current: None, previous }));
            }
            Current::Nothing => return Ok(Some(Values { current: None, previous })),
            Current::Mint { keep } => match self.mint(key, seen, keep) {
                Some(made) => Some(noted(seen, made?, ledger)?),
                None => return Ok(None),
            },
            Current::Brought => {
                let brought = seen.object.brought().and_then(Result::ok);
                brought.map(|brought| noted(seen, brought, ledger)).transpose()?
            }
            Current::Stays => seen.values.current.clone(),
            Current::FromCopy => seen.copied.current.clone(),
            Current::WasPrevious => seen.values.previous.clone(),
        };
        let there = there.ok_or(MintError("the material is not where it should be"))?;
        let current = if seen.object.is_whole(&there) {
            there
        } else {
            let Some(whole) = self.make_whole(key, seen, there) else { return Ok(None) };
            let whole = whole?;
            ledger.id = whole.identity.id.clone();
            whole
        };
        Ok(Some(Values { current: Some(current), previous }))
    }

    /// New material: at once, or in the slow lane. None while it is being made.
    fn mint(&self, key: &Key, seen: &Seen<K>, keep: Option<String>) -> Option<Result<Material, MintError>> {
        let object = seen.object.clone();
        let token_prefix = seen.account.as_ref().and_then(|account| account.token_prefix.clone());
        let (passphrase, order) = (seen.hand.text(), format!("mint {}", seen.hand.version()));
        let effort = if passphrase.is_some() { Effort::Slow } else { object.effort() };
        let make = move || {
            let order = Order { keep: keep.as_deref(), token_prefix: token_prefix.as_deref() };
            let plain = object.mint(order, &mut SystemDice)?;
            match passphrase {
                Some(passphrase) => object.lock(&plain, &passphrase, &mut SystemDice),
                None => Ok(plain),
            }
        };
        match effort {
            Effort::Quick => Some(make()),
            Effort::Slow => {
                let make = move || Ok(Values { current: Some(make()?), previous: None });
                let made = self.in_slow_lane(key, seen, order, make)?;
                Some(made.and_then(|made| made.current.ok_or(MintError("no key was made"))))
            }
        }
    }

    /// The same keys, encrypted as the spec asks now, and noted so. None while that is being done, and when none of them
    /// could be opened.
    fn relock(&self, key: &Key, seen: &Seen<K>, ledger: &mut Ledger) -> Result<Option<Values>, MintError> {
        let was = |sealed: Option<&Sealed>| match sealed {
            sealed if seen.hand.fits(sealed) => Was::Right,
            None => Was::Open,
            // If nobody can say what it was encrypted with, it may have been with what it is to be encrypted with.
            Some(sealed) => Was::Locked(seen.hand.unseal(sealed).or(seen.hand.text())),
        };
        let current = seen.values.current.clone().zip(Some(was(ledger.sealed.as_ref())));
        let previous_note = ledger.previous.as_ref().and_then(|previous| previous.sealed.clone());
        let previous = seen.values.previous.clone().zip(Some(was(previous_note.as_ref())));
        let (object, passphrase) = (seen.object.clone(), seen.hand.text());
        let digests: Vec<_> =
            ledger.sealed.iter().chain(&previous_note).map(|note| note.digest.as_str()).collect();
        let order = format!("relock {} {}", seen.hand.version(), digests.join(" "));
        let make = move || {
            let anew = |(material, was)| relocked(&*object, material, was, passphrase.as_ref());
            let [current, previous] = [current, previous].map(|one| one.map(anew).transpose());
            Ok(Values { current: current?.flatten(), previous: previous?.flatten() })
        };
        let Some(made) = self.in_slow_lane(key, seen, order, make) else { return Ok(None) };
        let Values { current, previous } = made?;
        let opened = current.is_some() || previous.is_some();
        let uid = &seen.scene.owner.uid;
        let keep = |made: Option<Material>, there: &Option<Material>, note: &mut Option<Sealed>| match made {
            Some(made) if Some(&made) != there.as_ref() => {
                *note = seen.hand.note(&made)?;
                Ok(Some(made))
            }
            Some(_) => Ok(there.clone()),
            None => {
                note.iter()
                    .for_each(|note| self.house.passphrases.does_not_open(uid, seen.hand.attempt(note)));
                Ok(there.clone())
            }
        };
        let current = keep(current, &seen.values.current, &mut ledger.sealed)?;
        let previous = match &mut ledger.previous {
            Some(ledgers) => keep(previous, &seen.values.previous, &mut ledgers.sealed)?,
            None => None,
        };
        if !opened {
            self.house.queue.push(key.clone(), Lane::Ordinary);
            return Ok(None);
        }
        Ok(Some(Values { current, previous }))
    }

    /// The same material with all that is made from it. None while that is being done.
    fn make_whole(&self, key: &Key, seen: &Seen<K>, broken: Material) -> Option<Result<Material, MintError>> {
        let (object, order) = (seen.object.clone(), format!("whole {}", seen.object.digest(&broken)));
        let make = move || {
            let whole = object.made_whole(&broken, &mut SystemDice)?;
            Ok(Values { current: Some(whole), previous: None })
        };
        let made = self.in_slow_lane(key, seen, order, make)?;
        Some(made.and_then(|made| made.current.ok_or(MintError("nothing was made"))))
    }

    fn in_slow_lane(
        &self,
        key: &Key,
        seen: &Seen<K>,
        order: String,
        make: impl FnOnce() -> Result<Values, MintError> + Send + 'static,
    ) -> Option<Result<Values, MintError>> {
        let (house, key) = (self.house.clone(), key.clone());
        let done = move || house.queue.push(key, Lane::Ordinary);
        self.house.slow_lane.take_or_start(&seen.scene.owner.uid, order, make, done)
    }
}

/// New material, and what the ledger says of it.
fn noted<K: Credential>(
    seen: &Seen<K>,
    material: Material,
    ledger: &mut Ledger,
) -> Result<Material, MintError> {
    ledger.sealed = seen.hand.note(&material)?;
    ledger.digest = Some(seen.object.digest(&material));
    ledger.id = material.identity.id.clone();
    ledger.public = material.identity.public.clone();
    Ok(material)
}

/// The same key, encrypted with this passphrase or with none; None if it could not be opened.
fn relocked<K: Credential>(
    object: &K,
    material: Material,
    was: Was,
    passphrase: Option<&SecretBytes>,
) -> Result<Option<Material>, MintError> {
    let plain = match was {
        Was::Right => return Ok(Some(material)),
        Was::Open => Some(material),
        Was::Locked(with) => with.and_then(|with| object.unlock(&material, &with)),
    };
    match (plain, passphrase) {
        (Some(plain), Some(passphrase)) => object.lock(&plain, passphrase, &mut SystemDice).map(Some),
        (plain, None) => Ok(plain),
        (None, Some(_)) => Ok(None),
    }
}
