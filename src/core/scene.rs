//! What was seen: everything that a decision may depend on, as plain data.

use jiff::Timestamp;

use super::{
    ledger::{Copy, Ledger, Owner},
    lifecycle::Complaint,
    material::Identity,
    ownership::Offer,
    policy::{Policy, Wanted},
    reason::Reason,
    restore::Announced,
    trigger::{Trigger, Triggers},
};
use crate::api::State;

/// One credential, its Account and its Secret at one moment.
#[derive(Clone, Debug)]
pub struct Scene {
    pub now: Timestamp,
    pub clock: Clock,
    pub owner: Owner,
    pub number: Option<i64>,
    pub existence: Existence,
    /// Whether a backup is still to bring the Secret.
    pub restore: Option<Announced>,
    pub triggers: Triggers,
    pub account_triggers: Triggers,
    pub policy: Policy,
    pub account: Account,
    pub secret: Sight,
    /// What status last said; heard when the Secret cannot speak.
    pub testimony: Option<Ledger>,
    pub copy: Option<CopySight>,
    pub lock: Lock,
    pub seal: Seal,
}

/// Whether the operator's clock and the API server's agree to within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    Agreed,
    /// Nothing is done for reasons of time.
    Skewed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    Standing,
    BeingDeleted,
}

/// The Account that the credential refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    Active,
    Inactive,
    /// Not there, but too short a time to act on: a restore must not flap. Looked at again at `until`.
    MissingLately {
        until: Timestamp,
    },
    Missing,
    /// It could not be read: that changes nothing.
    Unknown,
}

/// The Secret under the name that the spec gives.
#[derive(Clone, Debug)]
pub enum Sight {
    Absent,
    /// The ledger names this very object.
    Ours {
        ledger: Ledger,
        inside: Inside,
        form: Form,
    },
    /// Ours by owner reference, but the ledger is gone or broken.
    Mute,
    /// The ledger was written by a newer version.
    Newer(u32),
    Dying,
    /// It belongs to an object of this name that is gone; the garbage collector will take it.
    LeftBehind,
    /// The ledger names this kind, name and Account, but another uid, and nobody owns it: a restore, or `Retain`.
    Orphan {
        ledger: Ledger,
        inside: Inside,
    },
    /// A stranger's Secret that somebody offered; what is in it, or why it does not conform.
    Offered {
        found: Result<Find, String>,
    },
    /// A stranger's; whose, in words, and whether he could offer it.
    Foreign {
        holder: String,
        offer: Offer,
    },
}

/// Material that was found in an offered Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    pub identity: Identity,
    pub digest: String,
}

/// Whether the material in a Secret is what its ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// Only the metadata was looked at, and it is as it was when all was last verified.
    Unread,
    Read {
        current: Integrity,
        previous: Integrity,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    Intact,
    /// Absent, or not what the ledger's digest says.
    Damaged,
}

/// Whether everything beside the material is as the spec asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Fits,
    Differs,
}

/// The operator-owned Secret that may hold withheld material.
#[derive(Clone, Debug)]
pub struct CopySight {
    pub copy: Copy,
    pub origin: Origin,
    pub inside: Inside,
    /// Whether it says whose it is, as the spec asks.
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Made in this very look, from the material that is in the Secret.
    JustMade,
    Found,
    /// Somebody else's Secret sits on the name.
    Strange,
}

/// How the private key in the Secret is encrypted, against how it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lock {
    /// As the spec asks; so is what has no private key.
    Fits,
    /// The passphrase cannot be had: nothing is minted, and what is there stays as it is.
    NoPassphrase(Complaint),
    /// With another passphrase, or not although it should be, or although it should not.
    Differs,
    /// With a passphrase that is not known any more.
    Stuck,
}

/// The operator-owned Secret whose key lets the ledger say which passphrase was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// There, or not needed.
    Ready,
    /// Not there, or not as it should be.
    Missing,
    /// Somebody else's Secret sits on the name.
    Strange,
}

impl Scene {
    /// The ledger on the Secret if it can speak for this object.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ours().map(|(ledger, _)| ledger).filter(|_| !self.is_rolled_back())
    }

    /// The best word on the material: the ledger, also of what is yet to be taken back, else the testimony.
    pub fn told(&self) -> Option<&Ledger> {
        self.written().filter(|_| !self.is_rolled_back()).or(self.testimony.as_ref())
    }

    /// The ledger that stands on the Secret, be it an old copy of itself or yet to be taken back.
    pub fn written(&self) -> Option<&Ledger> {
        self.ours().or_else(|| self.orphan()).map(|(ledger, _)| ledger)
    }

    /// What is testified while the Secret cannot speak.
    pub fn lost(&self) -> Option<&Ledger> {
        let silent = matches!(self.secret, Sight::Absent) || self.is_discredited();
        self.testimony.as_ref().filter(|_| silent)
    }

    /// The Secret is there, but counts as lost: its ledger is gone, or it is an old copy of itself.
    pub fn is_discredited(&self) -> bool {
        matches!(self.secret, Sight::Mute) || self.is_rolled_back()
    }

    /// The value of a trigger that has not acted on this credential yet: the object's own, else its Account's. What
    /// stands on the Account before the first issue is not meant for it.
    pub fn asked(&self, trigger: Trigger, ledger: &Ledger) -> Option<&String> {
        let accounts = || ledger.account_handled.pending(trigger, &self.account_triggers);
        ledger.handled.pending(trigger, &self.triggers).or_else(|| accounts().filter(|_| ledger.revision > 0))
    }

    /// The material was read, and it is not what the ledger says.
    pub fn is_damaged(&self) -> bool {
        self.integrity().0 == Integrity::Damaged
    }

    /// The Secret holds material that can be used.
    pub fn is_usable(&self) -> bool {
        self.ledger().is_some_and(Ledger::is_live) && !self.is_damaged()
    }

    /// Neither Secret nor testimony: nothing was ever published.
    pub fn is_blank(&self) -> bool {
        self.testimony.is_none() && matches!(self.secret, Sight::Absent | Sight::Mute)
    }

    /// Nothing is known of a past, but a backup may still bring it.
    pub fn restore_awaited(&self) -> Option<Announced> {
        self.restore.filter(|_| self.is_blank() && self.existence == Existence::Standing)
    }

    /// Whether any material was ever published.
    pub fn was_ever_issued(&self) -> bool {
        let known = self.ours().map(|(ledger, _)| ledger).into_iter().chain(&self.testimony);
        known.into_iter().any(|ledger| ledger.revision > 0)
    }

    /// Somebody put an old version of the Secret back, be it one of before the object was restored.
    pub fn is_rolled_back(&self) -> bool {
        let (Some(ledger), Some(testimony)) = (self.written(), &self.testimony) else { return false };
        // Expired material is revoked under the same revision, and never the other way round.
        let is_earlier = match (ledger.state, testimony.state) {
            (State::Live | State::Withheld, State::Expired | State::Revoked)
            | (State::Expired, State::Revoked) => true,
            (State::Live | State::Withheld, State::Live | State::Withheld)
            | (State::Expired, State::Live | State::Withheld | State::Expired)
            | (State::Revoked, State::Live | State::Withheld | State::Expired | State::Revoked) => false,
        };
        // What this object wrote may be ahead of its status; what another one left is not.
        let may_be_ahead = self.ours().is_some() && ledger.revision > testimony.revision;
        ledger.revision < testimony.revision || is_earlier && !may_be_ahead
    }

    /// Whether current and previous material in the Secret are what the ledger says; what was not read is believed.
    pub fn integrity(&self) -> (Integrity, Integrity) {
        match self.ours().or_else(|| self.orphan()).map(|(_, inside)| inside) {
            Some(Inside::Read { current, previous }) => (current, previous),
            Some(Inside::Unread) | None => (Integrity::Intact, Integrity::Intact),
        }
    }

    /// The Secret, if its ledger names this very object, whether or not that is an old copy of itself.
    fn ours(&self) -> Option<(&Ledger, Inside)> {
        match &self.secret {
            Sight::Ours { ledger, inside, .. } => Some((ledger, *inside)),
            Sight::Absent
            | Sight::Mute
            | Sight::Newer(_)
            | Sight::Dying
            | Sight::LeftBehind
            | Sight::Orphan { .. }
            | Sight::Offered { .. }
            | Sight::Foreign { .. } => None,
        }
    }

    /// A Secret that is yet to be taken back.
    fn orphan(&self) -> Option<(&Ledger, Inside)> {
        match &self.secret {
            Sight::Orphan { ledger, inside } => Some((ledger, *inside)),
            Sight::Absent
            | Sight::Ours { .. }
            | Sight::Mute
            | Sight::Newer(_)
            | Sight::Dying
            | Sight::LeftBehind
            | Sight::Offered { .. }
            | Sight::Foreign { .. } => None,
        }
    }

    /// Why the material is to be withheld, if it is.
    pub fn why_inactive(&self) -> Option<Reason> {
        match (self.policy.wanted, self.account) {
            (Wanted::Inactive, _) => Some(Reason::Inactive),
            (Wanted::Active, Account::Inactive) => Some(Reason::AccountInactive),
            (Wanted::Active, Account::Missing) => Some(Reason::AccountNotFound),
            (Wanted::Active, Account::Active | Account::MissingLately { .. } | Account::Unknown) => None,
        }
    }

    /// Whether the moment has come. Never while the clocks disagree.
    pub fn is_past(&self, time: Timestamp) -> bool {
        self.clock == Clock::Agreed && time <= self.now
    }
}
