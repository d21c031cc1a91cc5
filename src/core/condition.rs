//! Conditions as kstatus, Argo CD and `kubectl wait` read them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{reason::Reason, short::short};

/// No message is longer, whatever people put into the names that it repeats: the schema would refuse the whole status.
const LONGEST: usize = 4_096;

/// A condition's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    /// What was written; what is neither says nothing.
    pub fn of(text: &str) -> Self {
        let written = |truth: &Self| truth.as_str() == text;
        [Self::True, Self::False].into_iter().find(written).unwrap_or(Self::Unknown)
    }
}

/// What is the matter, without the advice that follows the colon: Ready has it all, and the conditions beside it need not
/// say it again.
pub fn gist(message: &str) -> &str {
    message.split(": ").next().unwrap_or(message)
}

/// What stands in the way, as conditions say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// The condition that says who can change it.
    pub hint: &'static str,
    pub reason: Reason,
    /// In full, as Ready says it, or the hint where Ready does not.
    pub message: String,
}

impl Hindrance {
    pub fn of(conditions: &[Condition]) -> Option<Self> {
        let find = |kind: &str| conditions.iter().find(|one| one.type_ == kind);
        let (hint, short) =
            ["Stalled", "Reconciling"].into_iter().find_map(|kind| Some((kind, find(kind)?)))?;
        let told = find("Ready").filter(|ready| ready.reason == short.reason).unwrap_or(short);
        let reason = serde_json::from_value(told.reason.clone().into()).ok()?;
        Some(Self { hint, reason, message: told.message.clone() })
    }
}

/// The conditions of an object, written anew on top of those that were seen: a condition that is not set again goes.
pub struct Conditions<'a> {
    seen: &'a [Condition],
    now: Timestamp,
    generation: Option<i64>,
    list: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    pub fn new(seen: &'a [Condition], now: Timestamp, generation: Option<i64>) -> Self {
        Self { seen, now, generation, list: Vec::with_capacity(5) }
    }

    /// `lastTransitionTime` moves only when the status flips (API convention).
    pub fn set(
        &mut self,
        kind: &str,
        status: Truth,
        reason: Reason,
        message: impl Into<String>,
    ) -> &mut Self {
        let before = self.seen.iter().find(|seen| seen.type_ == kind && seen.status == status.as_str());
        let now = || Time(super::policy::down(self.now));
        let condition = Condition {
            type_: kind.to_owned(),
            status: status.as_str().to_owned(),
            observed_generation: self.generation,
            last_transition_time: before.map_or_else(now, |before| before.last_transition_time.clone()),
            reason: reason.to_string(),
            message: short(&message.into(), LONGEST).into_owned(),
        };
        self.list.push(condition);
        self
    }

    /// What was seen last, for a status that is to stay "as it was".
    pub fn seen(&self, kind: &str) -> Option<&'a Condition> {
        self.seen.iter().find(|seen| seen.type_ == kind)
    }

    /// Keeps a condition as it was seen: it says nothing of a spec that came since.
    pub fn keep(&mut self, condition: &Condition) -> &mut Self {
        self.list.push(condition.clone());
        self
    }

    pub fn finish(self) -> Vec<Condition> {
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_when_the_status_flips() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |seen: &[Condition], second, truth, reason| {
            let mut conditions = Conditions::new(seen, at(second), Some(1));
            conditions.set("Ready", truth, reason, "");
            conditions.finish()
        };
        let first = told(&[], 10, Truth::True, Reason::Issued);
        let same = told(&first, 20, Truth::True, Reason::Rotated);
        assert_eq!((same[0].last_transition_time.0, same[0].reason.as_str()), (at(10), "Rotated"));
        let flipped = told(&same, 30, Truth::False, Reason::Revoked);
        assert_eq!(flipped[0].last_transition_time.0, at(30));
    }
}
