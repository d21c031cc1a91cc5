//! A small world for histories: one credential, its Secret, its copy and its status, where values are numbers.

mod strangers;
mod writing;

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
        reason::Reason,
        scene::{
            Account, Clock, CopySight, Existence, Form, Inside, Integrity, Lock, Origin, Scene, Seal, Sight,
        },
        trigger::{Trigger, Triggers},
    },
};
use jiff::Timestamp;

use crate::{
    causes::had_a_cause,
    ends::{Ends, is_put_off},
    stage::{at, blank, ours, report},
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
    voice: Voice,
}

/// What a Secret says of whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Ours,
    /// Its ledger was stripped; the owner reference is ours.
    Mute,
    /// Its ledger is of an object of this name that is gone, and nobody owns it.
    Orphan,
}

/// Whether status says what was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    Done,
    Due,
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
    telling: Telling,
    /// The passphrase that they should be encrypted with.
    pub passphrase: Option<u8>,
    pub sealed: bool,
    minted: Value,
    /// What the user brings, instead of having it minted.
    brought: Option<Value>,
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
            telling: Telling::Due,
            passphrase: None,
            sealed: false,
            minted: 0,
            brought: None,
            copies: 0,
            life: 0,
            published: BTreeMap::new(),
            destroyed: Vec::new(),
            ends: Ends::default(),
        }
    }

    /// The user brings this, or something that cannot be used.
    pub fn bring(&mut self, value: Option<Value>) {
        const BROUGHT: Value = 1_000_000_000;
        self.brought = value.map(|value| BROUGHT + value);
        let policy = &mut self.scene.policy;
        policy.source = Source::Brought { id: self.brought.map(|value| format!("id-{value}")) };
        policy.refusal = match self.brought {
            Some(_) => None,
            None => Some(Complaint::person(Reason::InvalidKey, "two lines")),
        };
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
                let ledger = stored.ledger.clone();
                match stored.voice {
                    Voice::Ours => ours(ledger, inside),
                    Voice::Mute => Sight::Mute,
                    Voice::Orphan => Sight::Orphan { ledger, inside },
                }
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
            self.telling = Telling::Done;
        }
    }

    /// The value that is current, wherever it is, and its revision.
    pub fn holding(&self) -> Option<(Option<Value>, i64)> {
        let stored = self.secret.as_ref().filter(|_| self.scene.existence == Existence::Standing)?;
        let held = self.held.as_ref().and_then(|held| held.current);
        Some((stored.current.or(held), stored.ledger.revision))
    }

    /// What is being deleted takes nothing back: a Secret without its owner stays as `Retain` would leave it.
    pub fn is_unattended(&self) -> bool {
        let voice = self.secret.as_ref().map(|stored| stored.voice);
        self.scene.existence == Existence::BeingDeleted && voice == Some(Voice::Orphan)
    }

    pub fn is_inactive(&self) -> bool {
        self.scene.policy.wanted == Wanted::Inactive
            || matches!(self.look(None).account, Account::Inactive | Account::Missing)
    }

    pub fn tick(&mut self, seconds: i64) {
        self.scene.now = at(self.scene.now.as_second() + seconds);
    }
}
