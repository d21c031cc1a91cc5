//! An object that does not fit the schema: nobody knows what it asks for, but what its Secret's own ledger says still
//! comes to its end.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    credential::{Keeper, STEPS},
    error::Failure,
    guarded::Guarded,
    observe::{Depth, Seen, look, observe},
    queue::{Again, Key},
    unread_status,
};
use crate::{
    api::{DeletionPolicy, LEDGER, State},
    core::{
        ledger::{Ledger, Owner},
        lifecycle::{Act, decide},
        scene::Scene,
        schedule::next_alarm,
    },
    credentials::Credential,
};

/// What is over and cannot be taken yet is looked at again after this time.
const SOON: Duration = Duration::from_secs(5);

impl<K: Credential> Keeper<K> {
    /// One pass over it: what is revoked or has expired goes, then status says what is amiss.
    pub(super) async fn see_to_unread(&self, key: &Key, guarded: &Guarded<K>) -> Result<Again, Failure> {
        let secret = guarded.told_secret();
        let Some(seen) = self.end_unread(key, guarded, &secret).await? else {
            unread_status::tell_alone(&self.house, guarded).await?;
            return Ok(Again::Never);
        };
        unread_status::tell(&self.house, guarded, &secret, &seen).await?;
        let alarm = next_alarm(&seen.scene, Some(&unread_status::complaint()));
        let again =
            alarm.map_or(Again::Never, |alarm| Again::In(self.house.clock.until(alarm).unwrap_or_default()));
        let alive = seen.scene.ledger().filter(|ledger| ledger.revision > 0 && !ledger.is_dead());
        let Some(end) = alive.and_then(|ledger| ledger.not_after) else { return Ok(again) };
        let pause = self.house.clock.until(end);
        self.house.queue.ends(key, pause);
        // It is past and could not be taken: the clocks disagree.
        Ok(if pause.is_some() { again } else { again.at_the_latest(Some(SOON)) })
    }

    /// What is seen afterwards; None if there is no Secret of this object's.
    async fn end_unread(
        &self,
        key: &Key,
        guarded: &Guarded<K>,
        secret: &str,
    ) -> Result<Option<Seen<K>>, Failure> {
        let meta = &guarded.meta;
        // One that is told of may have lost only the label by which the cache knows it.
        if self.house.glance(&key.namespace, secret).is_none() && guarded.state.is_none() {
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
        let Some(object) = stand_in(guarded, &ledger, secret, policy, self.house.clock.now()) else {
            return Ok(None);
        };
        let mut seen = observe(&self.house, Arc::new(object), Depth::Live).await?;
        let mut steps = 0;
        loop {
            seen.scene.clock = self.house.clock.agreement();
            let act = decide(&seen.scene);
            if !is_end(&act, &seen.scene) || self.contested(&seen, &act, steps).is_some() {
                return Ok(Some(seen));
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
                let told = scene.ledger().or(scene.lost());
                told.is_some_and(|told| {
                    told.is_dead() || told.not_after.is_some_and(|end| scene.is_past(end))
                })
            }
            State::Live | State::Withheld => false,
        },
        Act::Discard(_) => scene.ledger().is_some_and(Ledger::is_dead),
        Act::Rest(_) | Act::Seal | Act::Hold | Act::Trim | Act::Reown => false,
    }
}

/// An object in its place that asks for no more than the ledger says, and for which, as it is said to be on its way out,
/// nothing is ever minted or given back. What status testifies of it is heard, if that can be read.
fn stand_in<K: Credential>(
    guarded: &Guarded<K>,
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
    let read = |status: Value| {
        serde_json::from_value::<K>(json!({"metadata": {}, "spec": spec, "status": status})).ok()
    };
    let mut object = read(guarded.told()).or_else(|| read(Value::Null))?;
    *object.meta_mut() = guarded.meta.object_meta();
    object.meta_mut().deletion_timestamp.get_or_insert(Time(now));
    Some(object)
}
