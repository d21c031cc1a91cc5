//! Observing: one credential, its Account and its Secret as plain data, from the caches or read live.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::{
    asked::{policy_of, without_foreign_prefixes},
    beside::{HELD_FOR, copy_form, copy_name, held_for, origin, with_notes},
    error::Failure,
    hand::{Hand, judge},
    house::{AccountSight, House},
    parents::parent_of,
    passphrases::see_passphrase,
    places::over_quota,
    secret_data::{parts, plain_parts, type_asked},
    secrets::{self, Values, form, secret_name, verified},
};
use crate::{
    api::{AccountSpec, SecretRef, State},
    core::{
        ledger::{Copy, Ledger, Owner},
        ownership::{Claim, Offer, claim},
        restore::announced,
        scene::{CopySight, Existence, Find, Form, Inside, Integrity, Lock, Scene, Seal, Sight},
        short::short,
        trigger::Asked,
    },
    credentials::{Credential, Place},
};

/// How much is told of the type of a stranger's Secret.
const LONGEST_TYPE: usize = 100;
const WHOLE: Inside = Inside::Read { current: Integrity::Intact, previous: Integrity::Intact };

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// At the caches, unless they cannot tell whether the Secret is as it was when it was last verified.
    Glance,
    /// At the server.
    Live,
}

/// What was seen, with the objects that writes build on.
pub struct Seen<K> {
    pub object: Arc<K>,
    pub account: Option<AccountSpec>,
    pub scene: Scene,
    pub depth: Depth,
    pub witness: Option<SecretRef>,
    pub secret: Option<Secret>,
    pub values: Values,
    pub copy: Option<Secret>,
    pub copied: Values,
    pub hand: Hand,
}

pub async fn observe<K: Credential>(house: &House, object: Arc<K>, depth: Depth) -> Result<Seen<K>, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let account_name = object.common().account_ref.name.clone();
    let AccountSight { standing, spec: account, triggers } = house.account(&namespace, &account_name).await;
    let account = account.map(K::under);
    let Asked { own: triggers, account: account_triggers } = object.asked(triggers);
    let uid = object.uid().unwrap_or_default();
    let owner =
        Owner { kind: K::kind(&()).into_owned(), name: object.name_any(), uid, account: account_name };
    let number = K::number(&owner.uid);
    let testimony = object.common_status().and_then(|status| {
        let number = object.told_number().or(number);
        Ledger::from_testimony(owner.clone(), object.told_identity(), number, status, &account_triggers)
    });
    let parent = parent_of(house, &*object).await;
    let mut policy = policy_of(house, &*object, account.as_ref(), parent);
    if let Some(account) = &account {
        policy.over_quota = over_quota(house, &*object, account)?;
    }
    let object = without_foreign_prefixes(house, object);
    let scene = Scene {
        now: house.clock.now(),
        clock: house.clock.agreement(),
        number,
        existence: if object.meta().deletion_timestamp.is_some() {
            Existence::BeingDeleted
        } else {
            Existence::Standing
        },
        restore: announced(object.meta()),
        triggers,
        account_triggers,
        policy,
        account: standing,
        secret: Sight::Absent,
        testimony,
        copy: None,
        lock: Lock::Fits,
        seal: Seal::Ready,
        owner,
    };
    let mut seen = Seen {
        object,
        account,
        scene,
        depth,
        witness: None,
        secret: None,
        values: Values::default(),
        copy: None,
        copied: Values::default(),
        hand: Hand::default(),
    };
    if depth == Depth::Live || !glance(house, &mut seen) {
        look(house, &mut seen).await?;
    } else {
        see_passphrase(house, &mut seen).await?;
    }
    Ok(seen)
}

/// Goes by the caches; false if they cannot tell enough.
fn glance<K: Credential>(house: &House, seen: &mut Seen<K>) -> bool {
    let namespace = seen.object.namespace().unwrap_or_default();
    let Some(meta) = house.glance(&namespace, &secret_name(&*seen.object)) else {
        see_copy(house, seen);
        // A Secret that was there may have lost only the label by which the cache knows it.
        return seen.scene.testimony.is_none();
    };
    let meta = &meta.meta;
    let told = seen.object.common_status().and_then(|status| status.secret_ref.as_ref());
    let Some(told) =
        told.filter(|told| *told.uid == *meta.uid && *told.resource_version == *meta.resource_version)
    else {
        return false;
    };
    let Claim::Ours(ledger) = claim(&meta.object_meta(), &seen.scene.owner) else { return false };
    let fits = ledger.ours.form == form(&*seen.object, seen.scene.policy.grant.as_ref());
    seen.witness = Some(told.clone());
    seen.scene.secret =
        Sight::Ours { ledger, inside: Inside::Unread, form: if fits { Form::Fits } else { Form::Differs } };
    see_copy(house, seen);
    true
}

/// The copy as the cache shows it.
fn see_copy<K: Credential>(house: &House, seen: &mut Seen<K>) {
    let namespace = seen.object.namespace().unwrap_or_default();
    if let Some(copy) = house.glance(&namespace, &expected_copy(&seen.scene)) {
        seen.scene.copy = Some(CopySight {
            copy: Copy { name: copy.meta.name.to_string(), uid: copy.meta.uid.to_string() },
            origin: origin(copy.meta.annotation(HELD_FOR).as_deref(), &seen.scene.owner),
            inside: Inside::Unread,
            form: copy_form(&*seen.object, &seen.scene.owner, &copy.meta.object_meta()),
        });
    }
}

/// Reads the Secret, and the copy where there may be one.
pub async fn look<K: Credential>(house: &House, seen: &mut Seen<K>) -> Result<(), Failure> {
    let namespace = seen.object.namespace().unwrap_or_default();
    let api = house.secrets_in(&namespace);
    seen.depth = Depth::Live;
    seen.secret = house.ask(api.get_opt(&secret_name(&*seen.object))).await?;
    see_secret(seen);
    let name = expected_copy(&seen.scene);
    let may_be_held = seen.scene.told().is_some_and(|ledger| ledger.state == State::Withheld);
    if may_be_held || house.glance(&namespace, &name).is_some() {
        seen.copy = house.ask(api.get_opt(&name)).await?;
        open_copy(seen);
    } else {
        seen.copy = None;
        seen.scene.copy = None;
    }
    see_passphrase(house, seen).await?;
    seen.scene.now = house.clock.now();
    seen.scene.clock = house.clock.agreement();
    Ok(())
}

/// Turns the Secret that was read into what is seen of it.
pub fn see_secret<K: Credential>(seen: &mut Seen<K>) {
    seen.values = Values::default();
    seen.witness = None;
    let Some(secret) = seen.secret.as_ref() else {
        seen.scene.secret = Sight::Absent;
        return;
    };
    let object = &*seen.object;
    seen.scene.secret = match claim(&secret.metadata, &seen.scene.owner) {
        Claim::Ours(ledger) => {
            let (values, inside) = judged(object, secret, &ledger);
            let is_whole = values.current.as_ref().is_none_or(|current| object.is_whole(current));
            let as_composed = || {
                let grant = seen.scene.policy.grant.as_ref();
                secrets::is_as_composed(object, &ledger, &values, grant, secret)
            };
            let fits = inside != WHOLE || (is_whole && as_composed());
            seen.values = values;
            // What is damaged was not verified: the next pass must not take it for what it was.
            seen.witness = (inside == WHOLE && is_whole).then(|| SecretRef {
                name: secret.name_any(),
                uid: secret.uid().unwrap_or_default(),
                resource_version: secret.resource_version().unwrap_or_default(),
            });
            Sight::Ours { ledger, inside, form: if fits { Form::Fits } else { Form::Differs } }
        }
        Claim::Mute => Sight::Mute,
        Claim::Newer(version) => Sight::Newer(version),
        Claim::Dying => Sight::Dying,
        Claim::LeftBehind => Sight::LeftBehind,
        // What can never be what the spec asks for is not taken back.
        Claim::Orphan(_) if type_of(secret) != type_asked(object) => Sight::Foreign {
            holder: format!("an earlier credential of this name, with the type {}", type_told(secret)),
            offer: Offer::Vain,
        },
        Claim::Orphan(ledger) => {
            let inside;
            (seen.values, inside) = judged(object, secret, &ledger);
            Sight::Orphan { ledger, inside }
        }
        Claim::Offered => Sight::Offered { found: offered(object, secret, &mut seen.values) },
        Claim::Foreign { holder, .. } if type_of(secret) != type_asked(object) => {
            Sight::Foreign { holder, offer: Offer::Vain }
        }
        Claim::Foreign { holder, offer } => Sight::Foreign { holder, offer },
    };
    judge(seen);
}

/// The material that the ledger says is in the Secret; nothing is amiss with one that should hold none.
fn judged<K: Credential>(object: &K, secret: &Secret, ledger: &Ledger) -> (Values, Inside) {
    match ledger.is_live() {
        true => verified(object, &parts(object, secret, Some(ledger)), ledger),
        false => (Values::default(), WHOLE),
    }
}

fn type_of(secret: &Secret) -> &str {
    secret.type_.as_deref().unwrap_or("Opaque")
}

/// The same in a sentence. It can be any text.
fn type_told(secret: &Secret) -> String {
    short(type_of(secret), LONGEST_TYPE).escape_debug().to_string()
}

/// What is in a Secret that somebody offers, if it is what the spec asks for.
fn offered<K: Credential>(object: &K, secret: &Secret, values: &mut Values) -> Result<Find, String> {
    let type_ = type_of(secret);
    if type_ != type_asked(object) {
        return Err(format!("its type is {}, not {}", type_told(secret), type_asked(object)));
    }
    let Some(material) = object.read(&parts(object, secret, None), Place::Current, None) else {
        return Err("it does not hold the data keys of this kind, or what they hold is damaged or encrypted"
            .to_owned());
    };
    object.conforms(&material)?;
    let find = Find { identity: material.identity.clone(), digest: object.digest(&material) };
    values.current = Some(material);
    Ok(find)
}

/// Turns the copy that was read into what is seen of it.
pub fn open_copy<K: Credential>(seen: &mut Seen<K>) {
    seen.copied = Values::default();
    seen.scene.copy = None;
    let Some(secret) = seen.copy.as_ref() else { return };
    seen.scene.testimony = seen.scene.testimony.take().map(|testimony| with_notes(testimony, secret));
    let ledger = seen.scene.told();
    let nothing = Inside::Read { current: Integrity::Damaged, previous: Integrity::Damaged };
    let held = plain_parts(secret);
    let (values, inside) =
        ledger.map_or((Values::default(), nothing), |ledger| verified(&*seen.object, &held, ledger));
    // `verified` finds nothing wrong with a previous value that nobody has; here it matters whether there is one.
    let previous = if values.previous.is_some() { Integrity::Intact } else { Integrity::Damaged };
    let inside = match inside {
        Inside::Read { current, .. } => Inside::Read { current, previous },
        Inside::Unread => nothing,
    };
    seen.scene.copy = Some(CopySight {
        copy: Copy { name: secret.name_any(), uid: secret.uid().unwrap_or_default() },
        origin: origin(held_for(secret), &seen.scene.owner),
        inside,
        form: copy_form(&*seen.object, &seen.scene.owner, &secret.metadata),
    });
    seen.copied = values;
}

/// The copy that the ledger names, else the one that there would be.
fn expected_copy(scene: &Scene) -> String {
    let named = scene.written().and_then(|ledger| ledger.held.as_ref().or(ledger.discarded.as_ref()));
    named.map_or_else(|| copy_name(&scene.owner.uid), |copy| copy.name.clone())
}
