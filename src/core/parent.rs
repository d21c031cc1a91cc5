//! The credential that another one is a short-lived part of: how it stands, and what becomes of the part by it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{answer::Complaint, ledger::Ledger, policy::Wanted, reason::Reason};
use crate::api::State;

/// The parent, as the spec names it and as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its kind and name, as people are told.
    pub name: String,
    pub standing: Standing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its material can be used.
    Live(Life),
    /// Its material is kept, but cannot be used for now.
    Inactive(Life),
    /// No Secret shows material of it: there was none yet, or it was lost and is made again.
    NotIssued,
    Ended(End),
    /// Not there, but too short a time to act on: a restore must not flap. Looked at again at `until`.
    MissingLately {
        until: Timestamp,
    },
    /// There is one, of another Account.
    NotTheirs,
    /// It could not be read: that changes nothing.
    Unknown,
}

/// Why nothing of it can be valid any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Expired,
    Revoked,
    BeingDeleted,
    Missing,
}

/// What its ledger says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// Under which its history began: a restore gives the object another one.
    pub uid: String,
    pub revision: i64,
    /// The first revision after it had expired or had been revoked: nothing that is of an older one is valid.
    pub began: i64,
    pub not_after: Option<Timestamp>,
}

/// What the part's ledger notes of its parent at the issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bond {
    pub uid: String,
    pub revision: i64,
}

impl Standing {
    /// As the parent's own ledger says it, and its spec where the ledger does not say so yet.
    pub fn of(ledger: &Ledger, wanted: Wanted) -> Self {
        let life = || Life {
            uid: ledger.origin.clone().unwrap_or_else(|| ledger.owner.uid.clone()),
            revision: ledger.revision,
            began: ledger.rebirth.unwrap_or_default(),
            not_after: ledger.not_after,
        };
        match (ledger.state, wanted) {
            (State::Expired, _) => Self::Ended(End::Expired),
            (State::Revoked, _) => Self::Ended(End::Revoked),
            (State::Live | State::Withheld, _) if ledger.revision == 0 => Self::NotIssued,
            (State::Live, Wanted::Active) => Self::Live(life()),
            (State::Live, Wanted::Inactive) | (State::Withheld, _) => Self::Inactive(life()),
        }
    }
}

impl End {
    fn reason(self) -> Reason {
        match self {
            Self::Expired => Reason::ParentExpired,
            Self::Revoked => Reason::ParentRevoked,
            Self::BeingDeleted | Self::Missing => Reason::ParentNotFound,
        }
    }
}

impl Parent {
    /// What an issue notes now.
    pub fn bond(&self) -> Option<Bond> {
        let life = self.life()?;
        Some(Bond { uid: life.uid.clone(), revision: life.revision })
    }

    /// When the parent's material stops to be valid, as far as that is known.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.life()?.not_after
    }

    /// Whether the parent still has the material that it had when this was noted.
    pub fn is_unchanged(&self, bond: Option<&Bond>) -> bool {
        bond.is_some() && self.bond().as_ref() == bond
    }

    /// Whether what was issued under this bond is renewed.
    pub fn is_live_as(&self, bond: Option<&Bond>) -> bool {
        matches!(self.standing, Standing::Live(_)) && self.is_unchanged(bond)
    }

    /// Why what was issued of it is not renewed, as the rest of a sentence; None if it is.
    pub fn why_not_renewed(&self, bond: Option<&Bond>) -> Option<String> {
        let Self { name, standing } = self;
        match standing {
            Standing::Live(_) if self.is_live_as(bond) => None,
            Standing::Live(_) => Some(format!(
                "the {name} has other material since; a new one is issued when this one has expired"
            )),
            Standing::Inactive(_) => Some(format!("the {name} is inactive")),
            Standing::NotIssued => Some(format!("the {name} has no material for now")),
            Standing::Ended(_) | Standing::MissingLately { .. } | Standing::NotTheirs => {
                Some(format!("there is no {name}"))
            }
            Standing::Unknown => Some(format!("the {name} cannot be read for now")),
        }
    }

    /// Why nothing of it is valid, whenever it was issued: the reason and a sentence.
    pub fn ended(&self) -> Option<(Reason, String)> {
        let Self { name, standing } = self;
        let (reason, what) = match standing {
            Standing::Ended(end) => (
                end.reason(),
                match end {
                    End::Expired => format!("The {name} has expired"),
                    End::Revoked => format!("The {name} was revoked"),
                    End::BeingDeleted => format!("The {name} is being deleted"),
                    End::Missing => format!("The {name} is gone"),
                },
            ),
            // What there was before of this name is gone.
            Standing::NotTheirs => (Reason::ParentNotFound, format!("The {name} is another Account's")),
            Standing::Live(_)
            | Standing::Inactive(_)
            | Standing::NotIssued
            | Standing::MissingLately { .. }
            | Standing::Unknown => return None,
        };
        Some((reason, what))
    }

    /// Why what was issued under this bond is not valid any more: the reason and a sentence.
    pub fn end_of(&self, bond: Option<&Bond>) -> Option<(Reason, String)> {
        let name = &self.name;
        self.ended().or_else(|| match (self.life()?, bond) {
            (life, Some(bond)) if bond.uid == life.uid && bond.revision >= life.began => None,
            (life, Some(bond)) if bond.uid == life.uid => {
                let what = format!("The {name} was revoked or had expired, and was issued anew since");
                Some((Reason::ParentRevoked, what))
            }
            (_, Some(_)) => {
                Some((Reason::ParentNotFound, format!("The {name} is another one than when this was issued")))
            }
            // A status that testified for a lost Secret does not say it. Better none than one of nobody knows which.
            (_, None) => {
                Some((Reason::ParentNotFound, format!("It is not known of which {name} this was issued")))
            }
        })
    }

    /// Why nothing is issued of it now, and what to do.
    pub fn obstacle(&self, now: Timestamp) -> Option<Complaint> {
        let Self { name, standing } = self;
        let (reason, text) = match standing {
            Standing::Live(life) if life.not_after.is_some_and(|end| end <= now) => {
                (Reason::ParentExpired, format!("The {name} has expired: rotate it, or move its date"))
            }
            Standing::Live(_) => return None,
            Standing::Inactive(_) => (
                Reason::ParentInactive,
                format!("The {name} is inactive: nothing is issued before it is active"),
            ),
            Standing::NotIssued => (
                Reason::ParentNotIssued,
                format!(
                    "The {name} has no material: this is issued when it has; its own status says what it waits for"
                ),
            ),
            Standing::Ended(End::Expired) => {
                (Reason::ParentExpired, format!("The {name} has expired: rotate it, or move its date"))
            }
            Standing::Ended(End::Revoked) => (
                Reason::ParentRevoked,
                format!(
                    "The {name} was revoked: set a new value of chatelaine.dev/rotate there to issue both anew"
                ),
            ),
            Standing::Ended(End::BeingDeleted) => (
                Reason::ParentNotFound,
                format!("The {name} is being deleted: create it again, or delete this too"),
            ),
            Standing::Ended(End::Missing) | Standing::MissingLately { .. } => (
                Reason::ParentNotFound,
                format!(
                    "There is no {name} in this namespace: create it, or delete this and name another one"
                ),
            ),
            Standing::NotTheirs => {
                let text = format!(
                    "The {name} is another Account's: delete this and name one of the Account in spec.accountRef"
                );
                return Some(Complaint::person(Reason::InvalidSpec, text));
            }
            Standing::Unknown => {
                let text = format!("The {name} could not be read; tried again");
                return Some(Complaint::waiting(Reason::ApiUnavailable, text));
            }
        };
        Some(Complaint::waiting(reason, text))
    }

    fn life(&self) -> Option<&Life> {
        match &self.standing {
            Standing::Live(life) | Standing::Inactive(life) => Some(life),
            Standing::NotIssued
            | Standing::Ended(_)
            | Standing::MissingLately { .. }
            | Standing::NotTheirs
            | Standing::Unknown => None,
        }
    }
}
