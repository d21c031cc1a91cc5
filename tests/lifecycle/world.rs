//! A small world for histories: one credential, its Secret, its copy and its status, where values are numbers.

use std::collections::BTreeMap;

use chatelaine::{
    api::{CredentialStatus, State},
    core::{
        ledger::{Copy, Ledger},
        lifecycle::{Act, Complaint, decide},
        material::Identity,
        page::{Current, Former, Page},
        parent::{End, Parent, Standing},
        policy::{DefaultFrom, MaxLifetime, Policy, Source, Wanted},
        project::project,
        scene::{Account, CopySight, Existence, Form, Inside, Integrity, Lock, Origin, Scene, Seal, Sight},
        trigger::Triggers,
    },
};
use jiff::Timestamp;

use crate::{
    causes::had_a_cause,
    ends::{Ends, is_put_off},
    stage::{at, blank, report},
};

pub type Value = u64;

/// A Secret as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub ledger: Ledger,
    pub current: Option<Value>,
    pub previous: Option<Value>,
    /// The passphrase that the values are encrypted with.
    locked: Option<u8>,
}

/// The copy as it is stored.
#[derive(Clone, Debug)]
struct Held {
    copy: Copy,
    /// Whether it says that it is this object's; a restored one does not.
    form: Form,
    current: Option<Value>,
    previous: Option<Value>,
}

pub struct World {
    /// Spec, Account, triggers and clock; what is seen of Secret and copy is put in for each look.
    pub scene: Scene,
    pub secret: Option<Stored>,
    held: Option<Held>,
    /// What was told last, and of what.
    status: Option<CredentialStatus>,
    identity: Identity,
    /// The passphrase that they should be encrypted with.
    pub passphrase: Option<u8>,
    pub sealed: bool,
    minted: Value,
    copies: u32,
    /// Which life of the Secret this is: it begins anew when the Secret is deleted.
    pub life: u32,
    /// What was published, by life and revision.
    pub published: BTreeMap<(u32, i64), Value>,
    /// Values that were destroyed and must never be seen again.
    pub destroyed: Vec<Value>,
    pub ends: Ends,
}

/// What was not there for long enough counts as gone.
pub fn forget_what_is_missing(parent: &mut Parent, now: Timestamp) {
    if matches!(parent.standing, Standing::MissingLately { until } if until <= now) {
        parent.standing = Standing::Ended(End::Missing);
    }
}

impl World {
    pub fn new() -> Self {
        Self {
            scene: blank(),
            secret: None,
            held: None,
            status: None,
            identity: Identity::default(),
            passphrase: None,
            sealed: false,
            minted: 0,
            copies: 0,
            life: 0,
            published: BTreeMap::new(),
            destroyed: Vec::new(),
            ends: Ends::default(),
        }
    }

    fn testimony(&self) -> Option<Ledger> {
        let scene = &self.scene;
        let status = self.status.as_ref()?;
        let identity = Some(self.identity.clone());
        Ledger::from_testimony(scene.owner.clone(), identity, None, status, &scene.account_triggers)
    }

    fn is_account_seen(&self) -> bool {
        matches!(self.scene.account, Account::Active | Account::Inactive)
    }

    /// What the Account says of lifetimes, while it can be asked.
    fn ask_account(&self, policy: &mut Policy) {
        (policy.default_lifetime, policy.default_from) = (None, DefaultFrom::Account);
        policy.max_lifetime = MaxLifetime::Unknown;
        if self.is_account_seen() {
            self.ends.tell(policy);
        }
    }

    /// What the operator sees when it looks live.
    pub fn look(&self, just_made: Option<&Copy>) -> Scene {
        let digest = |value: Option<Value>| value.map(|value| format!("digest-{value}"));
        let integrity = |value: Option<Value>, wanted: Option<&String>| match wanted {
            Some(wanted) if digest(value).as_ref() == Some(wanted) => Integrity::Intact,
            Some(_) | None => Integrity::Damaged,
        };
        let secret = match &self.secret {
            None => Sight::Absent,
            Some(stored) => {
                let live = stored.ledger.state == State::Live;
                let previous = stored.ledger.previous.as_ref().map(|previous| &previous.digest);
                let inside = Inside::Read {
                    current: if live {
                        integrity(stored.current, stored.ledger.digest.as_ref())
                    } else {
                        Integrity::Intact
                    },
                    previous: if live && previous.is_some() {
                        integrity(stored.previous, previous)
                    } else {
                        Integrity::Intact
                    },
                };
                crate::stage::ours(stored.ledger.clone(), inside)
            }
        };
        let mut scene = Scene { secret, testimony: self.testimony(), ..self.scene.clone() };
        self.ask_account(&mut scene.policy);
        let locked =
            self.secret.as_ref().filter(|stored| stored.ledger.is_live()).map(|stored| stored.locked);
        scene.lock =
            if locked.is_none_or(|locked| locked == self.passphrase) { Lock::Fits } else { Lock::Differs };
        scene.seal = if self.sealed || self.passphrase.is_none() { Seal::Ready } else { Seal::Missing };
        if matches!(scene.account, Account::MissingLately { until } if until <= scene.now) {
            scene.account = Account::Missing;
        }
        if let Some(parent) = &mut scene.policy.parent {
            forget_what_is_missing(parent, scene.now);
        }
        if !self.is_account_seen() {
            scene.account_triggers = Triggers::default();
        }
        let told = scene.ledger().or(scene.testimony.as_ref()).cloned();
        scene.copy = self.held.as_ref().map(|held| CopySight {
            copy: held.copy.clone(),
            form: held.form,
            origin: if just_made == Some(&held.copy) { Origin::JustMade } else { Origin::Found },
            inside: Inside::Read {
                current: integrity(held.current, told.as_ref().and_then(|ledger| ledger.digest.as_ref())),
                previous: integrity(
                    held.previous,
                    told.as_ref()
                        .and_then(|ledger| ledger.previous.as_ref())
                        .map(|previous| &previous.digest),
                ),
            },
        });
        scene
    }

    fn look_at(&self, stored: Option<&Stored>) -> Integrity {
        let sound = stored.is_some_and(|stored| {
            stored.current.map(|value| format!("digest-{value}")) == stored.ledger.digest
        });
        if sound { Integrity::Intact } else { Integrity::Damaged }
    }

    /// The ledger of a stored Secret, if it is not an old one that somebody put back.
    fn seen(&self, stored: &Stored) -> Option<Ledger> {
        let secret = crate::stage::ours(stored.ledger.clone(), crate::stage::INTACT);
        Scene { secret, testimony: self.testimony(), ..self.scene.clone() }.ledger().cloned()
    }

    /// One pass of the operator, that may crash after so many writes. Says what stood in the way at rest.
    pub fn pass(&mut self, crash_after: Option<usize>) -> Option<Complaint> {
        let mut just_made = None;
        for step in 0.. {
            assert!(step < 12, "the pass does not come to rest: {:?}", self.look(None));
            match decide(&self.look(just_made.as_ref())) {
                Act::Rest(complaint) => {
                    self.tell(complaint.as_ref());
                    return complaint;
                }
                _ if crash_after == Some(step) => return None,
                Act::Write(page) => self.write(*page),
                Act::Seal => self.sealed = true,
                Act::Hold => {
                    self.copies += 1;
                    let stored = self.secret.as_ref().expect("only what is there is held");
                    assert!(self.held.is_none(), "a create would be refused");
                    let copy = Copy { name: "copy".into(), uid: format!("copy-{}", self.copies) };
                    self.held = Some(Held {
                        copy: copy.clone(),
                        form: Form::Fits,
                        current: stored.current,
                        previous: stored.previous,
                    });
                    just_made = Some(copy);
                }
                Act::Trim => self.held.as_mut().expect("only what is there is trimmed").previous = None,
                Act::Reown => self.held.as_mut().expect("only what is there is re-owned").form = Form::Fits,
                Act::Discard(copy) => {
                    let named = self.secret.as_ref().and_then(|stored| stored.ledger.held.clone());
                    assert_ne!(named, Some(copy.clone()), "a copy that the ledger names is never deleted");
                    assert_eq!(self.held.take().map(|held| held.copy), Some(copy));
                }
            }
        }
        None
    }

    fn tell(&mut self, complaint: Option<&Complaint>) {
        let scene = self.look(None);
        self.status = Some(project(&scene, report(complaint, self.status.as_ref())));
        if let Some(ledger) = scene.ledger() {
            self.identity = ledger.identity();
        }
    }

    fn write(&mut self, page: Page) {
        let Page { mut ledger, current, previous, .. } = page;
        let before = self.look(None);
        let known = before.ledger().or(before.lost()).cloned();
        if matches!(current, Current::Mint { .. } | Current::WasPrevious) {
            had_a_cause(&before, &ledger);
        }
        if matches!(
            current,
            Current::Mint { .. } | Current::WasPrevious | Current::FromCopy | Current::Assign
        ) {
            assert_eq!(before.existence, Existence::Standing, "nothing comes into what is being deleted");
        }
        if let Some(known) = known.as_ref().filter(|known| is_put_off(known, &ledger)) {
            assert!(self.is_account_seen(), "without the Account no end is put off: {known:?} {ledger:?}");
            self.ends.may_move(known, &ledger);
        }
        let there = self.secret.take();
        if there.is_none() {
            self.life += 1;
        }
        let relocks = matches!(current, Current::Relock);
        let encrypts = relocks || matches!(current, Current::Mint { .. });
        let fresh = matches!(current, Current::Mint { .. } | Current::WasPrevious);
        let none = matches!(current, Current::Nothing | Current::Assign);
        let damaged = self.look_at(there.as_ref()) == Integrity::Damaged;
        let old = there.clone();
        let current = match current {
            Current::Mint { keep } => {
                self.minted += 1;
                ledger.digest = Some(format!("digest-{}", self.minted));
                let had = known.as_ref().map(|known| known.id.clone()).filter(|id| !id.is_empty());
                let stays = before.policy.source == Source::MintSecret || ledger.revision == 1;
                assert_eq!(keep, had.filter(|_| stays), "SecretOnly keeps the identity and KeyPair does not");
                ledger.id = keep.unwrap_or_else(|| format!("id-{}", self.minted));
                self.ends.known(&ledger);
                Some(self.minted)
            }
            Current::Stays | Current::Relock => there.as_ref().and_then(|stored| stored.current),
            Current::WasPrevious => there.as_ref().and_then(|stored| stored.previous),
            Current::FromCopy => self.held.as_ref().and_then(|held| held.current),
            Current::Assign => {
                ledger.id = "assigned".into();
                None
            }
            Current::Nothing => None,
            Current::Brought => unreachable!("nothing is uploaded here"),
        };
        let previous = match previous {
            Former::WasCurrent => there.as_ref().and_then(|stored| stored.current),
            Former::Stays => there.as_ref().and_then(|stored| stored.previous),
            Former::FromCopy => self.held.as_ref().and_then(|held| held.previous),
            Former::Nothing => None,
        };
        assert_eq!(none, current.is_none(), "what is to be in the Secret is there");
        let remade = there.as_ref().is_some_and(|stored| self.seen(stored).is_none());
        assert_eq!(
            ledger.is_live() && !(none && (damaged || remade)),
            current.is_some(),
            "a live ledger has a value, unless what was there is damaged or old"
        );
        assert_eq!(ledger.is_live() && ledger.previous.is_some(), previous.is_some(), "{ledger:?}");
        if let Some(value) = current {
            assert!(!self.destroyed.contains(&value), "{value} came back from the dead");
            if let Some(before) = self.published.insert((self.life, ledger.revision), value) {
                assert_eq!(before, value, "two values for revision {}", ledger.revision);
            }
            if let Some(Stored { ledger: before, current: Some(was), .. }) = &old
                && *was != value
                && fresh
            {
                let told = self.testimony().map_or(0, |testimony| testimony.revision).max(before.revision);
                assert_eq!(ledger.revision, told + 1, "the revision rises by exactly one");
            }
        }
        if ledger.is_dead()
            && let Some(stored) = &old
        {
            self.destroyed.extend(stored.current.iter().chain(&stored.previous));
            self.destroyed
                .extend(self.held.iter().flat_map(|held| held.current.iter().chain(&held.previous)));
        }
        assert!(
            !encrypts || self.passphrase.is_none() || self.sealed,
            "nothing is encrypted before the seal is there"
        );
        let locked = if encrypts { self.passphrase } else { old.as_ref().and_then(|stored| stored.locked) };
        if relocks {
            let before = old.as_ref().expect("what is there is encrypted anew");
            assert_eq!((before.current, before.previous), (current, previous), "the same keys");
            assert_eq!(before.ledger.revision, ledger.revision, "the same revision");
            assert_eq!(ledger.digest, before.ledger.digest);
        }
        if (remade || old.is_none()) && !fresh {
            self.ends.lost(&ledger);
        }
        self.secret = Some(Stored { ledger, current, previous, locked });
    }

    /// The object is gone, with all that is its own; another one of its name is created.
    pub fn recreate(&mut self) {
        self.destroyed.extend(self.published.values());
        (self.secret, self.held, self.status, self.sealed) = (None, None, None, false);
        self.identity = Identity::default();
        self.scene.existence = Existence::Standing;
        self.scene.owner.uid += "-again";
    }

    /// An old version of the Secret, with all that its ledger knows.
    pub fn put_back(&mut self, stored: Stored) {
        self.ends.known(&stored.ledger);
        self.secret = Some(stored);
    }

    pub fn delete_secret(&mut self) {
        self.secret = None;
    }

    pub fn delete_seal(&mut self) {
        self.sealed = false;
    }

    pub fn delete_copy(&mut self) {
        self.held = None;
    }

    /// A backup tool puts the copy back after it was lost: the same bytes under another uid.
    pub fn restore_copy(&mut self) {
        self.copies += 1;
        if let Some(held) = self.held.as_mut() {
            held.copy.uid = format!("copy-{}", self.copies);
            held.form = Form::Differs;
        }
    }

    pub fn damage(&mut self) {
        if let Some(stored) = self.secret.as_mut()
            && let Some(value) = stored.current.as_mut()
        {
            *value += 1_000_000;
        }
    }

    pub fn lose_status(&mut self) {
        // A lost status with a lost Secret is a new object; here the Secret still speaks.
        if self.secret.is_some() {
            self.status = None;
        }
    }

    pub fn is_inactive(&self) -> bool {
        self.scene.policy.wanted == Wanted::Inactive
            || matches!(self.look(None).account, Account::Inactive | Account::Missing)
    }

    pub fn tick(&mut self, seconds: i64) {
        self.scene.now = at(self.scene.now.as_second() + seconds);
    }
}
