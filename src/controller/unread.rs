//! An object that does not fit the schema: nobody knows what it asks for, but what its Secret's own ledger says still
//! comes to its end.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::json;

use super::{
    credential::{Keeper, STEPS},
    error::Failure,
    observe::{Depth, look, observe},
    queue::{Again, Key},
    slim::Slim,
    status,
};
use crate::{
    api::{DeletionPolicy, LEDGER, State},
    core::{
        ledger::{Ledger, Owner},
        lifecycle::{Act, decide},
        scene::Scene,
    },
    credentials::Credential,
};

/// What is over and cannot be taken yet is looked at again after this time.
const SOON: Duration = Duration::from_secs(5);

impl<K: Credential> Keeper<K> {
    /// One pass over it: what is revoked or has expired goes, then status says what is amiss.
    pub(super) async fn see_to_unread(&self, key: &Key, meta: &Slim, secret: &str) -> Result<Again, Failure> {
        let ledger = self.end_unread(key, meta, secret).await?;
        let told = status::tell_unreadable::<K>(&self.house, meta, ledger.as_ref()).await?;
        let ends = ledger.filter(|ledger| ledger.revision > 0 && !ledger.is_dead());
        let Some(end) = ends.and_then(|ledger| ledger.not_after) else { return Ok(told) };
        let pause = self.house.clock.until(end);
        self.house.queue.ends(key, pause);
        // It is past and could not be taken: the clocks disagree.
        Ok(if pause.is_some() { told } else { Again::In(SOON) })
    }

    /// The ledger as it is afterwards; None if there is none of this object's.
    async fn end_unread(&self, key: &Key, meta: &Slim, secret: &str) -> Result<Option<Ledger>, Failure> {
        if self.house.glance(&key.namespace, secret).is_none() {
            return Ok(None);
        }
        let Some(there) = self.house.ask(self.house.secrets_in(&key.namespace).get_opt(secret)).await? else {
            return Ok(None);
        };
        let ledger = there.annotations().get(LEDGER).and_then(|text| Ledger::parse(text).ok());
        let is_mine = |Owner { kind, name, uid, account: _ }: &Owner| {
            (&**kind, &**name, &**uid) == (K::KIND, &*meta.name, &*meta.uid)
        };
        let Some(ledger) = ledger.filter(|ledger| is_mine(&ledger.owner)) else { return Ok(None) };
        let owned = there.owner_references().iter().any(|owner| *owner.uid == *meta.uid);
        let policy = if owned { DeletionPolicy::Delete } else { DeletionPolicy::Retain };
        let Some(object) = stand_in::<K>(meta, &ledger, secret, policy, self.house.clock.now()) else {
            return Ok(Some(ledger));
        };
        let mut seen = observe(&self.house, Arc::new(object), Depth::Live).await?;
        let mut steps = 0;
        loop {
            seen.scene.clock = self.house.clock.agreement();
            let act = decide(&seen.scene);
            if !is_end(&act, &seen.scene) || self.contested(&seen, &act, steps).is_some() {
                return Ok(seen.scene.ledger().cloned());
            }
            if steps >= STEPS {
                return Err(Failure::Outrun);
            }
            steps += 1;
            match self.carry_out(key, &mut seen, act).await {
                Ok(_) => {}
                Err(Failure::Outrun) => look(&self.house, &mut seen).await?,
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// Whether it takes away what is revoked, or past the date that the ledger gives, or what is left of that.
fn is_end(act: &Act, scene: &Scene) -> bool {
    match act {
        Act::Write(page) => match page.ledger.state {
            State::Revoked => true,
            State::Expired => {
                let end = scene.ledger().and_then(|ledger| ledger.not_after);
                end.is_some_and(|end| scene.is_past(end))
            }
            State::Live | State::Withheld => false,
        },
        Act::Discard(_) => scene.ledger().is_some_and(Ledger::is_dead),
        Act::Rest(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown => false,
    }
}

/// An object in its place that asks for no more than the ledger says, and for which, as it is said to be on its way out,
/// nothing is ever minted or given back.
fn stand_in<K: Credential>(
    meta: &Slim,
    ledger: &Ledger,
    secret: &str,
    policy: DeletionPolicy,
    now: Timestamp,
) -> Option<K> {
    let spec = json!({
        "accountRef": {"name": ledger.owner.account},
        "expirationTime": ledger.not_after,
        "secret": {"name": secret},
        "deletionPolicy": policy,
    });
    let mut object: K = serde_json::from_value(json!({"metadata": {}, "spec": spec})).ok()?;
    *object.meta_mut() = meta.object_meta();
    object.meta_mut().deletion_timestamp.get_or_insert(Time(now));
    Some(object)
}
