//! Limits of an Account: which of them a credential falls under, and what is said when one is reached.

use jiff::Timestamp;

use super::{
    answer::Complaint,
    policy::{Expiry, MaxLifetime, Policy},
    reason::Reason,
};

/// A limit on how many credentials an Account may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its name below `spec.limits`.
    pub field: String,
    pub most: usize,
    pub sort: Sort,
}

/// Which credentials are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sort {
    Kind(&'static str),
    Service(String),
}

impl Quota {
    pub fn new(field: &str, sort: Sort, most: Option<u32>) -> Option<Self> {
        Some(Self { field: field.to_owned(), most: most? as usize, sort })
    }

    /// What a credential is told that came too late; `there` is how many there are of its sort.
    pub fn exceeded(&self, account: &str, there: usize) -> Complaint {
        let Self { field, most, .. } = self;
        Complaint::person(
            Reason::QuotaExceeded,
            format!(
                "The Account {account} may have {most} (spec.limits.{field}), and there are {there}: delete one, or \
                 raise the limit; the oldest come first, and the next is issued by itself"
            ),
        )
    }
}

/// Why material cannot be issued now with the lifetime that the spec asks for.
pub fn beyond(policy: &Policy, account: &str, now: Timestamp) -> Option<Complaint> {
    let MaxLifetime::Of(most) = policy.max_lifetime else { return None };
    let limit = format!("the limit of the Account {account} (spec.limits.maxLifetime)");
    let person = |asked: String| {
        let text =
            format!("{asked} is longer than {most}, {limit}: shorten it, or raise the limit in the Account");
        Some(Complaint::person(Reason::LifetimeExceeded, text))
    };
    match policy.expiry {
        Expiry::Never => person("spec.lifetime never".to_owned()),
        Expiry::After(lifetime) if lifetime > most => person(format!("spec.lifetime {lifetime}")),
        Expiry::At(time) if time > most.after(now) => {
            let near_enough = most.before(time);
            let text = format!(
                "spec.expirationTime {time} is farther away than {most}, {limit}: move it nearer, or raise the limit in \
                 the Account; else it is issued at {near_enough}"
            );
            Some(Complaint::waiting(Reason::LifetimeExceeded, text).until(near_enough))
        }
        Expiry::After(_) | Expiry::At(_) | Expiry::AccountDefault => None,
    }
}
