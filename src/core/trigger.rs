//! Triggers: annotations that act once for each new value. Values are compared, handled ones recorded, none removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::material::digest;
use crate::api::{self, HandledTriggers};

/// How many handled values are remembered: Git saying A, a button saying B and self-heal restoring A is two rotations.
const REMEMBERED: usize = 8;
/// Longer values are compared and kept as their SHA-256.
const LONGEST: usize = 64;

/// The values of the trigger annotations as they stand on an object; empty ones are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    pub rotate: Option<String>,
    pub revoke: Option<String>,
    pub retire: Option<String>,
    pub rollback: Option<String>,
}

/// The last handled values of each trigger, oldest first. What is absent is recorded as absent (an empty list).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    #[serde(default)]
    pub rotate: Vec<String>,
    #[serde(default)]
    pub revoke: Vec<String>,
    #[serde(default)]
    pub retire: Vec<String>,
    #[serde(default)]
    pub rollback: Vec<String>,
}

impl Triggers {
    pub fn of(annotations: Option<&BTreeMap<String, String>>) -> Self {
        let value = |name: &str| {
            let value = annotations?.get(name)?;
            match value.len() {
                0 => None,
                1..=LONGEST => Some(value.clone()),
                _ => Some(digest(value.as_bytes())),
            }
        };
        Self {
            rotate: value(api::ROTATE),
            revoke: value(api::REVOKE),
            retire: value(api::RETIRE),
            rollback: value(api::ROLLBACK),
        }
    }
}

impl Handled {
    /// What is there when a credential is born has acted.
    pub fn baseline(triggers: &Triggers) -> Self {
        let list = |value: &Option<String>| value.iter().cloned().collect();
        Self {
            rotate: list(&triggers.rotate),
            revoke: list(&triggers.revoke),
            retire: list(&triggers.retire),
            rollback: list(&triggers.rollback),
        }
    }

    pub fn told(status: Option<&HandledTriggers>) -> Self {
        status.cloned().map_or_else(Self::default, |HandledTriggers { rotate, revoke, retire, rollback }| {
            Self { rotate, revoke, retire, rollback }
        })
    }

    pub fn tell(&self) -> HandledTriggers {
        let Self { rotate, revoke, retire, rollback } = self.clone();
        HandledTriggers { rotate, revoke, retire, rollback }
    }

    /// The value of `rotate` that has not acted yet.
    pub fn new_rotate<'a>(&self, triggers: &'a Triggers) -> Option<&'a String> {
        triggers.rotate.as_ref().filter(|value| !self.rotate.contains(value))
    }

    /// The value of `revoke` that has not acted yet.
    pub fn new_revoke<'a>(&self, triggers: &'a Triggers) -> Option<&'a String> {
        triggers.revoke.as_ref().filter(|value| !self.revoke.contains(value))
    }

    pub fn record_rotate(&mut self, value: &str) {
        record(&mut self.rotate, value);
    }

    pub fn record_revoke(&mut self, value: &str) {
        record(&mut self.revoke, value);
    }
}

fn record(list: &mut Vec<String>, value: &str) {
    list.push(value.to_owned());
    let surplus = list.len().saturating_sub(REMEMBERED);
    list.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(value: &str) -> Triggers {
        Triggers::of(Some(&BTreeMap::from([(api::ROTATE.to_owned(), value.to_owned())])))
    }

    #[test]
    fn git_a_button_b_and_self_heal_a_are_two_rotations() {
        let mut handled = Handled::baseline(&Triggers::default());
        let mut rotations = 0;
        for value in ["A", "B", "A"] {
            if let Some(new) = handled.new_rotate(&on(value)).cloned() {
                handled.record_rotate(&new);
                rotations += 1;
            }
        }
        assert_eq!(rotations, 2);
    }

    #[test]
    fn only_the_last_eight_values_are_remembered() {
        let mut handled = Handled::default();
        for n in 0..9 {
            handled.record_rotate(&n.to_string());
        }
        assert!(handled.new_rotate(&on("0")).is_some(), "the ninth pushed it out");
        assert!(handled.new_rotate(&on("1")).is_none());
        assert_eq!(handled.rotate.len(), 8);
    }

    #[test]
    fn an_empty_value_is_no_trigger_and_a_long_one_is_kept_as_its_digest() {
        assert_eq!(on("").rotate, None);
        assert_eq!(on(&"x".repeat(64)).rotate, Some("x".repeat(64)));
        assert_eq!(on(&"x".repeat(65)).rotate, Some(digest("x".repeat(65).as_bytes())));
    }
}
