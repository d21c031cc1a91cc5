//! What an Account holds: counted by the roll, and the first of it listed from the caches.

use std::sync::Arc;

use super::{house::House, keeps::Keeps, queue::Key, roll::Survey};
use crate::api::{Counts, Held, LISTED};

/// What the status of an Account says of its credentials.
pub struct Holdings {
    pub counts: Counts,
    pub credentials: Vec<Held>,
}

/// None while a cache does not show what the roll knows: one of them is about to follow the other.
pub fn holdings(house: &House, keepers: &[Arc<dyn Keeps>], account: &Key) -> Option<Holdings> {
    let Survey { tallies, first } = house.roll.survey(&account.namespace, &account.name, LISTED);
    let mut counts = Counts { total: tallies.values().map(|tally| tally.total).sum(), ..Counts::default() };
    let keeper = |kind: &str| keepers.iter().find(|keeper| keeper.kind() == kind);
    for (kind, tally) in tallies {
        keeper(kind)?.count(&mut counts, tally);
    }
    let held = |(kind, name): (&str, Arc<str>)| keeper(kind)?.held(&account.namespace, &name);
    let credentials = first.into_iter().map(held).collect::<Option<_>>()?;
    Some(Holdings { counts, credentials })
}
