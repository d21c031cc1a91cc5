//! The ends of a world's values: what the Account says of them, and how far they may be put off.

use std::collections::BTreeMap;

use chatelaine::core::{
    ledger::Ledger,
    period::Period,
    policy::{DefaultFrom, MaxLifetime, Policy},
};
use jiff::Timestamp;

use crate::world::Value;

/// How long a part lives by default, in these histories.
const DAY_OF_A_PART: Period = Period::seconds(600);

#[derive(Default)]
pub struct Ends {
    /// `credentialDefaults.lifetime` and `limits.maxLifetime` of the Account.
    pub default: Option<Period>,
    pub most: Option<Period>,
    /// The end that the default gave each value, or that status knew when the ledger was lost.
    latest: BTreeMap<Value, Timestamp>,
}

impl Ends {
    /// What an Account that is seen says of lifetimes.
    pub fn tell(&self, policy: &mut Policy) {
        policy.max_lifetime = self.most.map_or(MaxLifetime::Unlimited, MaxLifetime::Of);
        let (default, from) = match policy.parent {
            Some(_) => (Some(DAY_OF_A_PART), DefaultFrom::ApiKeyPair),
            None => (self.default, DefaultFrom::Account),
        };
        (policy.default_lifetime, policy.default_from) = match (default, self.most) {
            (Some(default), Some(most)) if most < default => (Some(most), DefaultFrom::Limit),
            (Some(default), _) => (Some(default), from),
            (None, most) => (most, DefaultFrom::Limit),
        };
    }

    /// A ledger that knows the default that was read is in the Secret.
    pub fn known(&mut self, ledger: &Ledger) {
        let (Some(digest), Some(issue)) = (&ledger.digest, ledger.issue_time) else { return };
        self.put(value_of(digest), ledger.default_lifetime.map(|default| default.after(issue)));
    }

    /// It is made again from status, which does not know the default, but the ends that came of it.
    pub fn lost(&mut self, ledger: &Ledger) {
        let current = ledger.digest.as_ref().map(|digest| (digest, ledger.not_after));
        let previous = ledger.previous.as_ref().map(|previous| (&previous.digest, previous.not_after));
        // One that is over at once says nothing of a default.
        let begun = |end: &Timestamp| ledger.issue_time.is_none_or(|issue| issue < *end);
        for (digest, end) in current.into_iter().chain(previous) {
            self.put(value_of(digest), end.filter(begun));
        }
    }

    fn put(&mut self, value: Value, end: Option<Timestamp>) {
        match end {
            Some(end) => self.latest.insert(value, end),
            None => self.latest.remove(&value),
        };
    }

    /// The latest end of what is in the ledger, if the spec leaves it to the Account.
    pub fn latest(&self, ledger: &Ledger) -> Option<Timestamp> {
        self.latest.get(&value_of(ledger.digest.as_ref()?)).copied()
    }

    /// Of what is kept, the end goes no further than the limit of the Account.
    pub fn may_move(&self, known: &Ledger, page: &Ledger) {
        let latest = self.most.zip(page.issue_time).map(|(most, issue)| most.after(issue));
        assert!(
            latest.is_none_or(|latest| page.not_after.is_some_and(|end| end <= latest)),
            "no end is put off beyond the limit: {known:?} {page:?}"
        );
    }
}

/// Whether the page puts off the end of what it keeps.
pub fn is_put_off(known: &Ledger, page: &Ledger) -> bool {
    let kept = known.revision == page.revision && known.revision > 0;
    kept && known.not_after.is_some_and(|end| page.not_after.is_none_or(|now_given| now_given > end))
}

fn value_of(digest: &str) -> Value {
    digest.trim_start_matches("digest-").parse().expect("a digest of this world")
}
