//! The pass over one credential: observe, decide, write once, look again, report. The same for all kinds.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, api::PostParams};

use super::{
    beside::{compose_copy, compose_seal},
    cache::Cache,
    certainty::{Word, needs_look, needs_the_object},
    contests::{revision_minted, takes_away},
    dice::SystemDice,
    error::Failure,
    feed::forget,
    guarded::{Guarded, Unreadable},
    hand::judge,
    house::House,
    observe::{Depth, Seen, look, observe, open_copy, see_secret},
    own_writes::View,
    parents, places,
    queue::{Again, Key},
    restart,
    secrets::{Values, compose, secret_name},
    status,
};
use crate::{
    api::State,
    core::{
        condition::Hindrance,
        due::next_end,
        ledger::{Copy, Ledger},
        lifecycle::{Act, Complaint, decide},
        page::Page,
        reason::Reason,
        scene::{CopySight, Existence, Form, Inside, Integrity, Lock, Origin, Sight},
        schedule::next_alarm,
        trigger::requested_at,
    },
    credentials::{Credential, passphrase::sealing_key},
};

/// More steps than any history needs: two writes to withhold, three to give back, one to spare after each surprise.
pub(super) const STEPS: usize = 12;

/// What is said after that.
const CONTESTED: &str = "Somebody changes the Secret, or the operator's copy beside it, as soon as it is written: find out \
     who, a webhook perhaps or another operator, and let them leave it as it is; tried again each minute";

/// Keeps all credentials of one kind.
pub struct Keeper<K: Credential> {
    pub house: Arc<House>,
    pub cache: Arc<Cache<Guarded<K>>>,
}

/// What came of an act.
pub(super) enum Outcome {
    Done,
    /// The key is being made; the object is looked at again when it is there.
    Making,
    /// The Secret cannot be written as it is.
    Hindered(Complaint),
}

/// A new value of `reconcile.fluxcd.io/requestedAt`: the caches are not enough to answer it.
pub(super) fn is_look_asked<K: Credential>(object: &K) -> bool {
    let told = object.common_status().and_then(|status| status.last_handled_reconcile_at.clone());
    requested_at(object.meta().annotations.as_ref()).is_some_and(|value| Some(value) != told)
}

fn namespace<K: Credential>(seen: &Seen<K>) -> String {
    seen.object.namespace().unwrap_or_default()
}

impl<K: Credential> Keeper<K> {
    /// One pass; says when the next is wanted.
    pub async fn look_at(&self, key: &Key) -> Result<Again, Failure> {
        let Some(guarded) = self.cache.get(&key.namespace, &key.name) else {
            return Ok(Again::Never);
        };
        let outcome = match guarded.read() {
            Ok(object) => self.see_to(key, object).await,
            Err(Unreadable) => self.see_to_unread(key, &guarded).await,
        };
        let now = self.cache.get(&key.namespace, &key.name);
        if now.is_none_or(|now| now.meta.uid != guarded.meta.uid) {
            // It went meanwhile, and what this pass noted of it nobody would forget.
            forget(&self.house, key, &guarded);
        }
        outcome
    }

    /// One pass over an object as a cache shows it.
    pub async fn see_to(&self, key: &Key, object: K) -> Result<Again, Failure> {
        let uid = object.uid().unwrap_or_default();
        let glance = self.house.glance(&key.namespace, &secret_name(&object));
        let version = glance.as_ref().map(|secret| &*secret.meta.resource_version);
        let depth = if is_look_asked(&object) { Depth::Live } else { Depth::Glance };
        let seen = match self.house.own_writes.view(&uid, object.meta().resource_version.as_deref(), version)
        {
            View::Behind(rest) => return Ok(Again::NotYet(rest)),
            View::Current => observe(&self.house, Arc::new(object), depth).await?,
            View::Lost => match self.read_live(key).await? {
                Some(object) => observe(&self.house, Arc::new(object), Depth::Live).await?,
                None => return Ok(Again::Never),
            },
        };
        self.keep(key, seen).await
    }

    async fn read_live(&self, key: &Key) -> Result<Option<K>, Failure> {
        let api: Api<K> = Api::namespaced(self.house.client.clone(), &key.namespace);
        let object = self.house.ask(api.get_opt(&key.name)).await?;
        if let Some(uid) = object.as_ref().and_then(|object| object.uid()) {
            self.house.own_writes.forget(&uid);
        }
        Ok(object)
    }

    /// Decides and writes until there is nothing left to do, then reports.
    async fn keep(&self, key: &Key, mut seen: Seen<K>) -> Result<Again, Failure> {
        let (mut steps, mut minted, mut word) = (0, None, Word::OfTheCache);
        loop {
            // Each answer has a `Date`: what the last one said of the clocks counts for the next write.
            seen.scene.clock = self.house.clock.agreement();
            let act = decide(&seen.scene);
            if word == Word::OfTheCache && needs_the_object(&seen.scene, &act) {
                let Some(object) = self.read_live(key).await? else { return Ok(Again::Never) };
                seen = observe(&self.house, Arc::new(object), Depth::Live).await?;
                word = Word::OfTheServer;
                continue;
            }
            if seen.depth == Depth::Glance && needs_look(&seen.scene, &act) {
                look(&self.house, &mut seen).await?;
                continue;
            }
            if let Act::Rest(complaint) = act {
                places::give_back(&self.house, &seen);
                return self.report(key, &seen, complaint.as_ref()).await;
            }
            let mints = revision_minted(&act);
            if mints.is_some() && mints == minted {
                // What was published under this revision did not stay, and another value would not either.
                steps = STEPS;
            }
            let pause = self.contested(&seen, &act, steps);
            if pause.is_some() || steps >= STEPS {
                let contested = Complaint::person(Reason::SecretConflict, CONTESTED);
                // It is not as it should be: the next pass must not take it for verified.
                let told = seen.object.common_status().and_then(|status| status.secret_ref.clone());
                seen.witness = told.filter(|told| Some(&told.uid) == seen.witness.as_ref().map(|it| &it.uid));
                let again = self.report(key, &seen, Some(&contested)).await?;
                return if pause.is_some() { Ok(again.at_the_latest(pause)) } else { Err(Failure::Outrun) };
            }
            steps += 1;
            match self.carry_out(key, &mut seen, act).await {
                Ok(Outcome::Done) => minted = mints.or(minted),
                Ok(Outcome::Making) => {
                    return Ok(self.report(key, &seen, Some(&self.making(key, &seen))).await?.not_yet());
                }
                Ok(Outcome::Hindered(why)) => return self.report(key, &seen, Some(&why)).await,
                Err(Failure::Outrun) => look(&self.house, &mut seen).await?,
                Err(failure) => {
                    // Best effort: what matters is that it is tried again.
                    let _ = self.report(key, &seen, Some(&failure.complaint())).await;
                    return Err(failure);
                }
            }
        }
    }

    /// What is told while a key is made: that it is, or, if it is tried again, what came of it last.
    fn making(&self, key: &Key, seen: &Seen<K>) -> Complaint {
        let told = seen.object.common_status().and_then(|status| Hindrance::of(&status.conditions));
        match told.filter(|told| told.reason.is_failure() && self.house.queue.is_failing(key)) {
            Some(Hindrance { reason, message, hint: _ }) => Complaint::waiting(reason, message),
            None => Complaint::waiting(Reason::Minting, "The key is being made"),
        }
    }

    /// How long the act is not tried, as it was in vain.
    pub(super) fn contested(&self, seen: &Seen<K>, act: &Act, steps: usize) -> Option<Duration> {
        if takes_away(act, &seen.scene) {
            return None;
        }
        let (contests, uid) = (&self.house.contests, &seen.scene.owner.uid);
        contests.pause(uid, act).or_else(|| (steps >= STEPS).then(|| contests.note(uid, act)))
    }

    pub(super) async fn carry_out(
        &self,
        key: &Key,
        seen: &mut Seen<K>,
        act: Act,
    ) -> Result<Outcome, Failure> {
        match act {
            Act::Rest(_) => Ok(Outcome::Done),
            Act::Write(page) => self.write(key, seen, *page).await,
            Act::Seal => self.seal(seen).await,
            Act::Hold => self.hold(seen).await,
            Act::Trim => {
                let rest = Values { previous: None, ..seen.copied.clone() };
                self.rewrite_copy(seen, &rest).await
            }
            Act::Reown => {
                let all = seen.copied.clone();
                self.rewrite_copy(seen, &all).await
            }
            Act::Discard(copy) => self.discard(seen, copy).await,
        }
    }

    /// Makes what the page asks for and commits it: a create if there is no Secret, else a replace of the very one
    /// that was decided on.
    async fn write(&self, key: &Key, seen: &mut Seen<K>, page: Page) -> Result<Outcome, Failure> {
        let Page { mut ledger, current, previous, news } = page;
        let values = match self.values(key, seen, &mut ledger, current, previous)? {
            Some(values) => values,
            None => return Ok(Outcome::Making),
        };
        let grant = seen.scene.policy.grant.as_ref();
        let mut composed = compose(&*seen.object, &mut ledger, &values, grant, seen.secret.as_ref());
        if let Some(obstacle) = composed.obstacle.take() {
            if !ledger.is_dead() {
                return Ok(Outcome::Hindered(obstacle));
            }
            // What has to go goes, with all that others put beside it.
            self.remove(seen).await?;
            if seen.scene.existence == Existence::BeingDeleted {
                return Ok(Outcome::Done);
            }
            composed = compose(&*seen.object, &mut ledger, &values, seen.scene.policy.grant.as_ref(), None);
            if let Some(obstacle) = composed.obstacle.take() {
                return Ok(Outcome::Hindered(obstacle));
            }
        }
        let secret = composed.secret;
        let api = self.house.secrets_in(&key.namespace);
        let params = PostParams::default();
        let written = match &seen.secret {
            None => self.house.ask(api.create(&params, &secret)).await?,
            Some(there) => self.house.ask(api.replace(&there.name_any(), &params, &secret)).await?,
        };
        self.house.own_writes.wrote_secret(&ledger.owner.uid, written.metadata.resource_version.as_deref());
        seen.secret = Some(written);
        seen.depth = Depth::Live;
        see_secret(seen);
        if let Some(news) = news {
            self.house.reporter.tell(seen.object.object_ref(&()), news.reason, news.text);
        }
        Ok(Outcome::Done)
    }

    /// Deletes the Secret that was decided on.
    async fn remove(&self, seen: &mut Seen<K>) -> Result<(), Failure> {
        if let Some(there) = &seen.secret {
            let (uid, version) = (there.uid().unwrap_or_default(), there.resource_version());
            self.house.delete(&namespace(seen), &there.name_any(), uid, version).await?;
        }
        seen.secret = None;
        see_secret(seen);
        Ok(())
    }

    /// The seal comes first, so that there is always a way back to the key that is encrypted. What one seal has noted
    /// must not be lost: if there is one that can be read, its key stays.
    async fn seal(&self, seen: &mut Seen<K>) -> Result<Outcome, Failure> {
        let key = match seen.hand.key() {
            Some(key) => key,
            None => sealing_key(&mut SystemDice)?,
        };
        let seal = compose_seal(&*seen.object, &seen.scene.owner, &key, seen.hand.seal.as_ref());
        let (api, params) = (self.api(seen), PostParams::default());
        let written = match &seen.hand.seal {
            None => self.house.ask(api.create(&params, &seal)).await?,
            Some(there) => self.house.ask(api.replace(&there.name_any(), &params, &seal)).await?,
        };
        seen.hand.seal = Some(written);
        judge(seen);
        Ok(Outcome::Done)
    }

    /// The copy comes first, so that new bytes exist before old ones go.
    async fn hold(&self, seen: &mut Seen<K>) -> Result<Outcome, Failure> {
        let Some(ledger) = seen.scene.ledger() else { return Ok(Outcome::Done) };
        let copy = compose_copy(&*seen.object, ledger, &seen.values, None);
        let made = self.house.ask(self.api(seen).create(&PostParams::default(), &copy)).await;
        if made == Err(Failure::Outrun) {
            // A copy is there that no cache showed: it is looked at, fenced off and deleted.
            seen.copy = self.house.ask(self.api(seen).get_opt(&copy.name_any())).await?;
            open_copy(seen);
            return Ok(Outcome::Done);
        }
        let made = made?;
        seen.scene.copy = Some(CopySight {
            copy: Copy { name: made.name_any(), uid: made.uid().unwrap_or_default() },
            origin: Origin::JustMade,
            inside: Inside::Read { current: Integrity::Intact, previous: Integrity::Intact },
            form: Form::Fits,
        });
        seen.copy = Some(made);
        Ok(Outcome::Done)
    }

    /// The copy holds these values, and says whose it is.
    async fn rewrite_copy(&self, seen: &mut Seen<K>, values: &Values) -> Result<Outcome, Failure> {
        let (Some(ledger), Some(copy)) = (seen.scene.ledger(), &seen.copy) else { return Ok(Outcome::Done) };
        let live = Ledger { state: State::Live, ..ledger.clone() };
        let wanted = compose_copy(&*seen.object, &live, values, Some(copy));
        let written =
            self.house.ask(self.api(seen).replace(&copy.name_any(), &PostParams::default(), &wanted)).await?;
        seen.copy = Some(written);
        open_copy(seen);
        Ok(Outcome::Done)
    }

    async fn discard(&self, seen: &mut Seen<K>, copy: Copy) -> Result<Outcome, Failure> {
        match self.house.delete(&namespace(seen), &copy.name, copy.uid, None).await {
            // Another one under that name is not the one that was meant.
            Ok(()) | Err(Failure::Outrun) => {
                seen.scene.copy = None;
                seen.copy = None;
                Ok(Outcome::Done)
            }
            Err(failure) => Err(failure),
        }
    }

    fn api(&self, seen: &Seen<K>) -> Api<Secret> {
        self.house.secrets_in(&namespace(seen))
    }

    /// Writes the status if it says something new, and sets the next alarm.
    async fn report(
        &self,
        key: &Key,
        seen: &Seen<K>,
        complaint: Option<&Complaint>,
    ) -> Result<Again, Failure> {
        let waits_for_secret = !matches!(seen.scene.secret, Sight::Absent | Sight::Ours { .. } | Sight::Mute);
        if waits_for_secret {
            self.house.waiters.add(&key.namespace, &secret_name(&*seen.object), key);
        }
        let live = seen.scene.ledger().filter(|ledger| ledger.is_live());
        if let (Lock::Fits, Some(seal), Some(ledger)) = (&seen.scene.lock, &seen.hand.seal, live) {
            self.house.passphrases.fits(ledger, &seal.metadata);
        }
        let end = seen.scene.ledger().and_then(next_end);
        self.house.queue.ends(key, end.and_then(|end| self.house.clock.until(end)));
        let restarts = restart::told(&self.house, key, seen);
        let written = status::tell(&self.house, seen, complaint, &restarts).await;
        if written != Err(Failure::Gone) {
            restart::hand_on(&self.house, key, seen, &restarts);
        }
        match written {
            Ok(()) => {}
            Err(Failure::Gone) => return Ok(Again::Never),
            // The object moved on: its watch brings it back here.
            Err(Failure::Outrun) => return Ok(Again::In(Duration::from_secs(1))),
            Err(failure) => return Err(failure),
        }
        let again = match next_alarm(&seen.scene, complaint) {
            None => Again::Never,
            Some(alarm) => Again::In(self.house.clock.until(alarm).unwrap_or_default()),
        };
        let parent = seen.scene.policy.parent.as_ref();
        Ok(again.at_the_latest(seen.hand.look_again).at_the_latest(parents::look_again(parent)))
    }
}
