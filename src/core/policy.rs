//! What is asked for, from loose input to checked types: the credential's spec and the Account's defaults as one answer.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    answer::Complaint,
    cron::Cron,
    ledger::{Ledger, Noted},
    parent::Parent,
    period::Period,
    permission::Grant,
    reason::Reason,
};
use crate::api::{AccountSpec, CredentialSpec, Rotation};

/// Between an issue and the renewal there is at least this.
const SHORTEST_LIFE: Period = Period::seconds(60);

/// How long a short-lived part of another credential is valid, unless its spec says otherwise.
const LIFE_OF_A_PART: Period = Period::days(1);

/// The spec of one credential under its Account, resolved.
#[derive(Clone, Debug)]
pub struct Policy {
    pub wanted: Wanted,
    pub expiry: Expiry,
    /// How long a rotation leaves the old material valid; None if neither spec nor Account says it.
    pub overlap: Option<Period>,
    /// How long before its end material is replaced by itself.
    pub renew_before: Option<Period>,
    /// When it is replaced by itself whatever its end.
    pub schedule: Option<Schedule>,
    /// The Account's default lifetime as it is now: read at an issue or rotation, and kept in the ledger.
    pub default_lifetime: Option<Period>,
    pub default_from: DefaultFrom,
    pub max_lifetime: MaxLifetime,
    pub warn_before: Option<Period>,
    /// The credential that this is a short-lived part of.
    pub parent: Option<Parent>,
    /// None for a kind without permissions.
    pub grant: Option<Grant>,
    pub source: Source,
    /// Why nothing can be minted; what is live is left alone.
    pub refusal: Option<Complaint>,
    /// Why nothing can be minted for a credential that never was issued.
    pub over_quota: Option<Complaint>,
}

/// Where the lifetime comes from of a credential that does not say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultFrom {
    /// The Account's `credentialDefaults.lifetime`.
    #[default]
    Account,
    /// Its `limits.maxLifetime`.
    Limit,
    /// A day, because it is a token of an ApiKeyPair.
    ApiKeyPair,
}

impl DefaultFrom {
    pub fn is_account(&self) -> bool {
        *self == Self::Account
    }
}

/// What `spec.active` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Active,
    Inactive,
}

/// The Account's `limits.maxLifetime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxLifetime {
    Unlimited,
    Of(Period),
    /// There is no Account that could say it.
    Unknown,
}

/// When the credential expires, as the spec says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    At(Timestamp),
    After(Period),
    Never,
    /// The Account's default, as it was at the last issue or rotation; else never.
    AccountDefault,
}

/// `spec.rotation.every` or `cron`.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// Counted from the last issue.
    Every(Period),
    Cron(Arc<Cron>),
}

/// Where material comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Minted; the identity stays.
    MintSecret,
    /// Minted; the identity is new as well.
    MintBoth,
    /// Brought by the user: the identity of what the spec has now; none if it cannot be used.
    Brought { id: Option<String> },
    /// Brought by the user, and not looked at yet: taken for what is there.
    Awaited,
    /// A line made from what the user brought. It is salted: another id alone says nothing, so this is anew beside the
    /// line alone with which it was compared, and of which it is unlike.
    Line { id: String, unlike: Option<String> },
}

impl Source {
    pub fn is_brought(&self) -> bool {
        matches!(self, Self::Brought { .. } | Self::Awaited | Self::Line { .. })
    }
}

impl MaxLifetime {
    pub fn of(account: Option<&AccountSpec>) -> Self {
        account.map_or(Self::Unknown, |account| max_lifetime(account).map_or(Self::Unlimited, Self::Of))
    }
}

impl Expiry {
    pub fn of(spec: &CredentialSpec) -> Result<Self, super::period::NotAPeriod> {
        Ok(match (&spec.expiration_time, spec.lifetime.as_deref()) {
            (Some(time), _) => Self::At(down(time.0)),
            (None, Some("never")) => Self::Never,
            (None, Some(text)) => Self::After(text.parse()?),
            (None, None) => Self::AccountDefault,
        })
    }
}

impl Policy {
    /// The not-after of material issued at `issue`, when the default was `default`: never later than the parent's.
    pub fn not_after(&self, issue: Timestamp, default: Option<Period>) -> Option<Timestamp> {
        let parents = self.parent.as_ref().and_then(Parent::not_after);
        self.own_not_after(issue, default).into_iter().chain(parents).min()
    }

    /// The same, whatever the parent's.
    pub fn own_not_after(&self, issue: Timestamp, default: Option<Period>) -> Option<Timestamp> {
        match self.expiry {
            Expiry::At(time) => Some(time),
            Expiry::After(lifetime) => Some(lifetime.after(issue)),
            Expiry::Never => None,
            Expiry::AccountDefault => default.map(|lifetime| lifetime.after(issue)),
        }
    }

    /// The not-after that does not depend on an issue.
    pub fn fixed_end(&self) -> Option<Timestamp> {
        match self.expiry {
            Expiry::At(time) => Some(time),
            Expiry::After(_) | Expiry::Never | Expiry::AccountDefault => None,
        }
    }

    /// The not-after that the spec asks for now, for the material of this ledger. What is of a parent that has changed
    /// since, or cannot be seen, can be no later than the recorded one.
    pub fn asked_not_after_of(&self, ledger: &Ledger) -> Option<Timestamp> {
        let asked = self.not_after(ledger.issue_time.unwrap_or(Timestamp::MIN), ledger.default_lifetime);
        match &self.parent {
            Some(parent) if !parent.is_unchanged(ledger.parent.as_ref()) => {
                asked.into_iter().chain(ledger.not_after).min()
            }
            Some(_) | None => asked,
        }
    }

    /// The not-after that the material of this ledger has now: the one that is asked for. What goes beyond the
    /// Account's limit can be no later than the recorded one, nor can anything while that limit is not known.
    pub fn not_after_of(&self, ledger: &Ledger) -> Option<Timestamp> {
        let asked = self.asked_not_after_of(ledger);
        let is_allowed = match (self.max_lifetime, ledger.issue_time) {
            (MaxLifetime::Unlimited, _) | (MaxLifetime::Of(_), None) => true,
            (MaxLifetime::Of(most), Some(issue)) => asked.is_some_and(|asked| asked <= most.after(issue)),
            (MaxLifetime::Unknown, _) => false,
        };
        if is_allowed { asked } else { asked.into_iter().chain(ledger.not_after).min() }
    }

    /// When material that was issued at `issue` is renewed; None if its life is too short for it, or does not end.
    pub fn renewal(&self, issue: Timestamp, not_after: Option<Timestamp>) -> Option<Timestamp> {
        // A fixed end is not moved by a renewal.
        if matches!(self.expiry, Expiry::At(_)) {
            return None;
        }
        let due = self.renewed_before(issue, not_after?)?.before(not_after?);
        (due >= SHORTEST_LIFE.after(issue)).then_some(due)
    }

    /// How long before its end material is renewed: a part of another credential at two thirds of its life, unless a new
    /// one would end with the parent at the same time.
    pub fn renewed_before(&self, issue: Timestamp, not_after: Timestamp) -> Option<Period> {
        match &self.parent {
            None => self.renew_before,
            Some(parent) => parent
                .not_after()
                .is_none_or(|end| not_after < end)
                .then(|| Period::between(issue, not_after).third()),
        }
    }

    /// Why what is issued now would never be renewed, though the spec asks for it. Admission cannot see it: the
    /// lifetime is the Account's.
    pub fn unrenewable(&self, now: Timestamp) -> Option<Complaint> {
        let before = self.renew_before?;
        let fits = self.renewal(now, self.not_after(now, self.default_lifetime)).is_some();
        let message = || {
            let lifetime = match (self.default_lifetime, self.default_from) {
                (Some(lifetime), DefaultFrom::Account) => {
                    format!("credentialDefaults.lifetime of the Account is {lifetime}")
                }
                (Some(lifetime), DefaultFrom::Limit) => {
                    format!("limits.maxLifetime of the Account is {lifetime}")
                }
                (Some(lifetime), DefaultFrom::ApiKeyPair) => {
                    format!("a token of an ApiKeyPair lives {lifetime}")
                }
                (None, _) => "the Account has no credentialDefaults.lifetime".to_owned(),
            };
            format!(
                "spec.renewBefore {before} needs a lifetime that is at least a minute longer, and {lifetime}: give \
                 spec.lifetime, or change renewBefore or the Account"
            )
        };
        (!fits).then(|| Complaint::person(Reason::InvalidSpec, message()))
    }

    /// What the ledger notes of the schedule: a new one begins now.
    pub fn noted(&self, ledger: &Ledger, now: Timestamp) -> Option<Noted> {
        match self.schedule.as_ref()? {
            // Counted from the issue, which the ledger has.
            Schedule::Every(_) => None,
            Schedule::Cron(cron) => {
                let known = ledger.schedule.as_ref().filter(|noted| noted.text == cron.text);
                Some(known.cloned().unwrap_or_else(|| Noted { text: cron.text.clone(), since: down(now) }))
            }
        }
    }

    /// When material that expires at `not_after` begins to be "soon": as the spec says, else seven days, at most a
    /// fifth of its life.
    pub fn warning_time(&self, issue: Option<Timestamp>, not_after: Timestamp) -> Timestamp {
        let fifth = issue.map_or(0, |issue| (not_after.as_second() - issue.as_second()).max(0) / 5);
        let default = Period::days(7).min(Period::seconds(fifth as u64));
        self.warn_before.unwrap_or(default).before(not_after)
    }
}

/// What the Account says of it, if anything.
pub fn max_lifetime(account: &AccountSpec) -> Option<Period> {
    account.limits.as_ref()?.max_lifetime.as_deref()?.parse().ok()
}

/// The lifetime of credentials that do not say it: the Account's default, else as long as its limit allows. `never` is
/// the same as no default.
pub fn default_lifetime(account: &AccountSpec) -> (Option<Period>, DefaultFrom) {
    let default: Option<Period> = account
        .credential_defaults
        .as_ref()
        .and_then(|defaults| defaults.lifetime.as_deref())
        .and_then(|text| text.parse().ok());
    match (default, max_lifetime(account)) {
        (Some(default), Some(most)) if most < default => (Some(most), DefaultFrom::Limit),
        (Some(default), Some(_) | None) => (Some(default), DefaultFrom::Account),
        (None, Some(most)) => (Some(most), DefaultFrom::Limit),
        (None, None) => (None, DefaultFrom::Account),
    }
}

/// The lifetime of a short-lived part of another credential whose spec does not say it: a day, or as long as the
/// Account's limit allows. The Account's default is for what lives longer.
pub fn default_lifetime_of_a_part(account: &AccountSpec) -> (Option<Period>, DefaultFrom) {
    match max_lifetime(account) {
        Some(most) if most < LIFE_OF_A_PART => (Some(most), DefaultFrom::Limit),
        Some(_) | None => (Some(LIFE_OF_A_PART), DefaultFrom::ApiKeyPair),
    }
}

/// The overlap that the spec or else the Account gives.
pub fn overlap(rotation: Option<&Rotation>, account: Option<&AccountSpec>) -> Option<Period> {
    let own = rotation.and_then(|rotation| rotation.overlap.as_deref());
    let default = || account?.credential_defaults.as_ref()?.overlap.as_deref();
    own.or_else(default)?.parse().ok()
}

/// Whole seconds: an end is rounded down, so that nothing is valid for longer than was said.
pub fn down(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second() - i64::from(time.subsec_nanosecond() < 0)).unwrap_or(time)
}

/// Whole seconds: "not before" is rounded up, so that an overlap is never shorter than was said.
pub fn up(time: Timestamp) -> Timestamp {
    if time.subsec_nanosecond() == 0 { time } else { Period::seconds(1).after(down(time)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_end_is_what_the_spec_says_in_whole_seconds_and_else_the_accounts() {
        let of = |end: serde_json::Value| {
            let mut spec = json!({"accountRef": {"name": "alice"}});
            spec.as_object_mut().unwrap().extend(end.as_object().unwrap().clone());
            Expiry::of(&serde_json::from_value(spec).unwrap()).unwrap()
        };
        let new_year = Expiry::At("2027-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(
            of(json!({"expirationTime": "2027-01-01T00:00:00.999Z"})),
            new_year,
            "never longer than was said"
        );
        assert_eq!(of(json!({"expirationTime": "2027-01-01T01:00:00+01:00"})), new_year);
        assert_eq!(of(json!({"lifetime": "90d"})), Expiry::After(Period::days(90)));
        assert_eq!(of(json!({"lifetime": "never"})), Expiry::Never);
        assert_eq!(of(json!({})), Expiry::AccountDefault);
    }

    #[test]
    fn not_after_is_rounded_down_and_not_before_up() {
        for (time, below, above) in [(1_500, 1, 2), (2_000, 2, 2), (-1_500, -2, -1), (-2_000, -2, -2)] {
            let time = Timestamp::from_millisecond(time).unwrap();
            assert_eq!((down(time).as_second(), up(time).as_second()), (below, above), "{time}");
            assert_eq!((down(time).subsec_nanosecond(), up(time).subsec_nanosecond()), (0, 0));
        }
    }

    #[test]
    fn the_overlap_is_the_rotations_own_else_the_accounts() {
        let rotation = |overlap| serde_json::from_value::<Rotation>(json!({"overlap": overlap})).unwrap();
        let account: AccountSpec = serde_json::from_value(json!({
            "email": "alice@example.com", "credentialDefaults": {"overlap": "1h"},
        }))
        .unwrap();
        let hour = Some(Period::seconds(3_600));
        assert_eq!(overlap(Some(&rotation(Some("0s"))), Some(&account)), Some(Period::seconds(0)));
        for without in [None, Some(rotation(None))] {
            assert_eq!(overlap(without.as_ref(), Some(&account)), hour);
            assert_eq!(overlap(without.as_ref(), None), None);
        }
    }
}
