//! Triggers: annotations that act once for each new value. Values are compared, handled ones recorded, none removed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::material::digest;
use crate::api::{self, HandledTriggers};

/// How many handled values are remembered: Git saying A, a button saying B and self-heal restoring A is two rotations.
pub(super) const REMEMBERED: usize = 8;
/// Values of more characters are compared and kept as their SHA-256.
const LONGEST: usize = 64;
/// What is kept is never longer than that SHA-256.
pub(super) const LONGEST_KEPT: usize = 71;

/// The four triggers, in the order in which several at once act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Revoke,
    Retire,
    Rollback,
    Rotate,
}

impl Trigger {
    pub const ALL: [Self; 4] = [Self::Revoke, Self::Retire, Self::Rollback, Self::Rotate];
}

/// The values of the trigger annotations as they stand on an object; empty ones are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    pub rotate: Option<String>,
    pub revoke: Option<String>,
    pub retire: Option<String>,
    pub rollback: Option<String>,
}

/// What stands there and may act: on the object itself, and on its Account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub own: Triggers,
    pub account: Triggers,
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
        let value = |name: &str| bounded(annotations?.get(name)?);
        Self {
            rotate: value(api::ROTATE),
            revoke: value(api::REVOKE),
            retire: value(api::RETIRE),
            rollback: value(api::ROLLBACK),
        }
    }

    /// What asks for another password on an Account: nothing else acts on that.
    pub fn to_rotate_password(annotations: Option<&BTreeMap<String, String>>) -> Self {
        let rotate = annotations.and_then(|all| bounded(all.get(api::ROTATE_PASSWORD)?));
        Self { rotate, ..Self::default() }
    }

    fn get(&self, trigger: Trigger) -> Option<&String> {
        match trigger {
            Trigger::Revoke => self.revoke.as_ref(),
            Trigger::Retire => self.retire.as_ref(),
            Trigger::Rollback => self.rollback.as_ref(),
            Trigger::Rotate => self.rotate.as_ref(),
        }
    }
}

/// The value that asks for a plain look.
pub fn requested_at(annotations: Option<&BTreeMap<String, String>>) -> Option<String> {
    bounded(annotations?.get(api::REQUESTED_AT)?)
}

/// A value as it is compared and kept; None if it is empty.
fn bounded(value: &str) -> Option<String> {
    match value.chars().count() {
        0 => None,
        1..=LONGEST => Some(value.to_owned()),
        _ => Some(digest(value.as_bytes())),
    }
}

impl Handled {
    /// What is there when a credential is born has acted.
    pub fn baseline(triggers: &Triggers) -> Self {
        let mut handled = Self::default();
        Trigger::ALL.into_iter().for_each(|trigger| handled.record(trigger, triggers));
        handled
    }

    pub fn told(status: HandledTriggers) -> Self {
        let HandledTriggers { rotate, revoke, retire, rollback } = status;
        Self { rotate, revoke, retire, rollback }
    }

    pub fn tell(&self) -> HandledTriggers {
        let Self { rotate, revoke, retire, rollback } = self.clone();
        HandledTriggers { rotate, revoke, retire, rollback }
    }

    /// The value of a trigger that has not acted yet.
    pub fn pending<'a>(&self, trigger: Trigger, triggers: &'a Triggers) -> Option<&'a String> {
        let list = match trigger {
            Trigger::Revoke => &self.revoke,
            Trigger::Retire => &self.retire,
            Trigger::Rollback => &self.rollback,
            Trigger::Rotate => &self.rotate,
        };
        triggers.get(trigger).filter(|value| !list.contains(value))
    }

    /// The value that is there has acted.
    pub fn record(&mut self, trigger: Trigger, triggers: &Triggers) {
        let Some(value) = self.pending(trigger, triggers) else { return };
        let list = match trigger {
            Trigger::Revoke => &mut self.revoke,
            Trigger::Retire => &mut self.retire,
            Trigger::Rollback => &mut self.rollback,
            Trigger::Rotate => &mut self.rotate,
        };
        list.push(value.clone());
        let surplus = list.len().saturating_sub(REMEMBERED);
        list.drain(..surplus);
    }
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
            rotations += i32::from(handled.pending(Trigger::Rotate, &on(value)).is_some());
            handled.record(Trigger::Rotate, &on(value));
        }
        assert_eq!(rotations, 2);
    }

    #[test]
    fn each_trigger_remembers_its_own_last_eight_values_and_the_ninth_back_is_new_again() {
        let set = |trigger, value: usize| {
            let name = match trigger {
                Trigger::Revoke => api::REVOKE,
                Trigger::Retire => api::RETIRE,
                Trigger::Rollback => api::ROLLBACK,
                Trigger::Rotate => api::ROTATE,
            };
            Triggers::of(Some(&BTreeMap::from([(name.to_owned(), value.to_string())])))
        };
        for trigger in Trigger::ALL {
            let mut handled = Handled::default();
            for value in 0..9 {
                assert!(handled.pending(trigger, &set(trigger, value)).is_some(), "{trigger:?} {value}");
                handled.record(trigger, &set(trigger, value));
            }
            for value in 0..9 {
                let is_new = handled.pending(trigger, &set(trigger, value)).is_some();
                assert_eq!(is_new, value == 0, "{trigger:?} {value}");
            }
            for other in Trigger::ALL.into_iter().filter(|other| *other != trigger) {
                assert!(handled.pending(other, &set(other, 5)).is_some(), "{trigger:?} is not {other:?}");
            }
            // To see one of the eight again does not make it younger.
            handled.record(trigger, &set(trigger, 1));
            handled.record(trigger, &set(trigger, 9));
            assert!(handled.pending(trigger, &set(trigger, 1)).is_some(), "{trigger:?}");
        }
    }

    #[test]
    fn an_empty_value_is_no_trigger_and_a_long_one_is_kept_as_its_digest() {
        assert_eq!(on("").rotate, None);
        for letter in ["x", "ż"] {
            assert_eq!(on(&letter.repeat(64)).rotate, Some(letter.repeat(64)));
        }
        let kept = on(&"x".repeat(65)).rotate;
        assert_eq!(kept, Some(digest("x".repeat(65).as_bytes())));
        assert_eq!(kept.map(|kept| kept.len()), Some(LONGEST_KEPT.max(LONGEST)));
    }
}
