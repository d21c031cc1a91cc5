//! The ledger: what a Secret itself says about the material in it, in one annotation that changes in the same
//! write as the material. A stable format; a reader refuses a version that it does not know.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    material::{Identity, OF_LINE},
    parent::Bond,
    period::Period,
    policy::DefaultFrom,
    reason::Reason,
    trigger::Handled,
};
use crate::api::State;

/// The version that this build writes.
const VERSION: u32 = 1;
/// How many revisions the history keeps.
pub(super) const HISTORY: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    pub version: u32,
    pub owner: Owner,
    pub state: State,
    /// How many values were published so far; 0 before the first.
    pub revision: i64,
    /// Access key, fingerprint or token id of the current material; it stays when the material goes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The public half of the current material, for the kinds that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
    /// The integer id, for the kinds that have one: made from the first owner's uid, kept over a restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// The Account's default lifetime as it was at the last issue or rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_lifetime: Option<Period>,
    /// Where that came from.
    #[serde(default, skip_serializing_if = "DefaultFrom::is_account")]
    pub default_from: DefaultFrom,
    /// The credential that this is a short-lived part of, as it was at the issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Bond>,
    /// The uid under which this history began, if it was another: a restore or `Retain` brought it here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The revision that followed the last expiry or revocation; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebirth: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// When a rollback brought the current material back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_time: Option<Timestamp>,
    /// The cron expression that counts, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Noted>,
    /// The trigger values on the object that have acted.
    pub handled: Handled,
    /// The trigger values that stood on the Account when the credential was first issued, and those that acted since.
    #[serde(default)]
    pub account_handled: Handled,
    /// The digest of the current material; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// How the private key of the current material is encrypted; absent when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// Which names in the Secret are ours.
    #[serde(default)]
    pub ours: Ours,
    /// The copy that holds the withheld material. The only commit point of withholding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Copy>,
    /// A copy that no writer can name any more: it may be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<Copy>,
    /// The last ten revisions.
    #[serde(default)]
    pub history: Vec<Entry>,
}

/// Whose material this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub account: String,
}

impl Owner {
    /// The same kind, name and Account: this object, or one that had its name before.
    pub fn is_namesake(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.account == other.account
    }
}

/// The material that a rotation replaced, while its overlap lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<String>,
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// When it was minted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_time: Option<Timestamp>,
    /// The Account's default lifetime as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_lifetime: Option<Period>,
    /// Its own not-after, as it was when it was current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Timestamp>,
    /// The credential that it is a part of, as it was at its issue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Bond>,
    /// When it is taken away; never later than its own not-after.
    pub retirement_time: Timestamp,
}

/// How a private key is encrypted, so that it can be encrypted anew when the passphrase is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The digest of the encrypted text: what is still the same need not be opened to be believed.
    pub digest: String,
    /// The passphrase, which only the key in the seal can read.
    pub passphrase: String,
    /// The operator-owned Secret with that key.
    pub seal: String,
}

/// A cron expression and when it was seen first: what it would have done before that is not owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// With its time zone.
    pub text: String,
    pub since: Timestamp,
}

/// The names in the Secret that are ours; all others are kept as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ours {
    /// Data key to the role that it has.
    #[serde(default)]
    pub keys: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<String>,
    /// Data key to why it is not in the Secret though the spec asks for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// A digest of the non-secret input of what was written, so that a changed spec is seen without reading the Secret.
    #[serde(default)]
    pub form: String,
}

/// The operator-owned Secret that holds withheld material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    pub name: String,
    pub uid: String,
}

/// Why there is a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub revision: i64,
    pub time: Timestamp,
    pub reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// Why the ledger on a Secret cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Illegible {
    /// It was written by a newer version: hands off.
    Newer(u32),
    /// It is no ledger at all, or says more than one can say.
    Broken,
}

impl Ledger {
    /// The page before anything was published.
    pub fn blank(owner: Owner, number: Option<i64>, handled: Handled) -> Self {
        Self {
            version: VERSION,
            owner,
            state: State::Withheld,
            revision: 0,
            id: String::new(),
            public: None,
            number,
            issue_time: None,
            not_after: None,
            default_lifetime: None,
            default_from: DefaultFrom::default(),
            parent: None,
            origin: None,
            rebirth: None,
            previous: None,
            return_time: None,
            schedule: None,
            handled,
            account_handled: Handled::default(),
            digest: None,
            sealed: None,
            ours: Ours::default(),
            held: None,
            discarded: None,
            history: Vec::new(),
        }
    }

    pub fn parse(text: &str) -> Result<Self, Illegible> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(text).map_err(|_| Illegible::Broken)?;
        if version > VERSION {
            return Err(Illegible::Newer(version));
        }
        match serde_json::from_str::<Self>(text) {
            Ok(ledger) if version == VERSION && ledger.is_within_bounds() => Ok(ledger),
            Ok(_) | Err(_) => Err(Illegible::Broken),
        }
    }

    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn identity(&self) -> Identity {
        Identity { id: self.id.clone(), public: self.public.clone() }
    }

    /// Whether usable material is in the Secret.
    pub fn is_live(&self) -> bool {
        self.state == State::Live
    }

    /// Whether the material was destroyed for good.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, State::Expired | State::Revoked)
    }

    /// Whether the material is a line that was made from what somebody brought.
    pub fn is_of_line(&self) -> bool {
        self.digest.as_ref().is_some_and(|digest| digest.starts_with(OF_LINE))
    }

    /// Why the current value is there.
    pub fn reason(&self) -> Reason {
        self.history.last().map_or(Reason::Issued, |entry| entry.reason)
    }

    /// Notes in the history why there is this revision.
    pub fn note(&mut self, time: Timestamp, reason: Reason, trigger: Option<String>) {
        self.history.push(Entry { revision: self.revision, time, reason, trigger });
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
    }
}
