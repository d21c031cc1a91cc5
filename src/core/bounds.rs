//! How much a ledger may say: what goes beyond was not written by us, and could not be told in status.

use jiff::Timestamp;

use super::{
    ledger::{Copy, Entry, HISTORY, Ledger, Owner},
    parent::Bond,
    trigger::{Handled, LONGEST_KEPT, REMEMBERED},
};

/// Not every reader of JSON can tell whole numbers beyond this one from each other.
const LAST_NUMBER: i64 = 1 << 53;
/// 0000-01-01: before that RFC 3339 has no way to write a time.
const FIRST_SECOND: i64 = -62_167_219_200;
const KIND: usize = 63;
const NAME: usize = 253;
const UID: usize = 128;
const PUBLIC: usize = 8192;
const DIGEST: usize = 128;
/// All that was left out is told in one message, of at most 32 KiB.
const LEFT_OUT: usize = 24;
const WHY: usize = 1024;

/// The nearest revision that a ledger can have.
pub fn revision(number: i64) -> i64 {
    number.clamp(0, LAST_NUMBER)
}

impl Ledger {
    /// The revision of what is published next. The last one stays what it is: only an edited ledger gets there.
    pub fn next_revision(&self) -> i64 {
        revision(self.revision.saturating_add(1))
    }

    /// Whether every field is one that we would have written.
    pub(super) fn is_within_bounds(&self) -> bool {
        let previous = self.previous.as_ref();
        let ids = [Some(&self.id), previous.map(|previous| &previous.id)];
        let publics = [self.public.as_ref(), previous.and_then(|previous| previous.public.as_ref())];
        let bonds = [self.parent.as_ref(), previous.and_then(|previous| previous.parent.as_ref())];
        let digests = [self.digest.as_ref(), previous.map(|previous| &previous.digest)];
        let times = [
            self.issue_time,
            self.not_after,
            self.return_time,
            self.schedule.as_ref().map(|noted| noted.since),
            previous.and_then(|previous| previous.issue_time),
            previous.and_then(|previous| previous.not_after),
            previous.map(|previous| previous.retirement_time),
        ];
        let left_out = &self.ours.left_out;
        is_revision(self.revision)
            && self.number.is_none_or(|number| 0 < number && number < LAST_NUMBER)
            && is_owner(&self.owner)
            && bonds.into_iter().flatten().all(is_bond)
            && self.origin.as_ref().is_none_or(|uid| fits(uid, UID))
            && self.rebirth.is_none_or(is_revision)
            && ids.into_iter().flatten().all(|id| fits(id, NAME))
            && publics.into_iter().flatten().all(|public| fits(public, PUBLIC))
            && digests.into_iter().flatten().all(|digest| fits(digest, DIGEST))
            && times.into_iter().flatten().all(is_time)
            && is_handled(&self.handled)
            && is_handled(&self.account_handled)
            && self.history.len() <= HISTORY
            && self.history.iter().all(is_entry)
            && [&self.held, &self.discarded].into_iter().flatten().all(is_copy)
            && left_out.len() <= LEFT_OUT
            && left_out.iter().all(|(key, why)| fits(key, NAME) && fits(why, WHY))
    }
}

fn fits(text: &str, most: usize) -> bool {
    text.chars().count() <= most
}

fn is_revision(number: i64) -> bool {
    revision(number) == number
}

fn is_time(time: Timestamp) -> bool {
    time.as_second() >= FIRST_SECOND
}

fn is_owner(Owner { kind, name, uid, account }: &Owner) -> bool {
    fits(kind, KIND) && fits(name, NAME) && fits(uid, UID) && fits(account, NAME)
}

fn is_bond(Bond { uid, revision }: &Bond) -> bool {
    fits(uid, UID) && is_revision(*revision)
}

fn is_copy(Copy { name, uid }: &Copy) -> bool {
    fits(name, NAME) && fits(uid, UID)
}

fn is_handled(Handled { rotate, revoke, retire, rollback }: &Handled) -> bool {
    [rotate, revoke, retire, rollback]
        .into_iter()
        .all(|values| values.len() <= REMEMBERED && values.iter().all(|value| fits(value, LONGEST_KEPT)))
}

fn is_entry(Entry { revision, time, trigger, .. }: &Entry) -> bool {
    is_revision(*revision) && is_time(*time) && trigger.as_ref().is_none_or(|value| fits(value, LONGEST_KEPT))
}
