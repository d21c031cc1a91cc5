//! Durations as people write them (`90d`, `1h30m`): days of 24 hours, weeks of 7 days, years of 365 days.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The units, largest first, in seconds.
const UNITS: [(char, u64); 6] =
    [('y', 365 * 86_400), ('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A length of time in whole seconds, at most a thousand years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(u64);

/// What is wrong with a text that should be a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write numbers with the units y w d h m s, such as 90d or 1h30m")]
pub struct NotAPeriod(String);

impl Period {
    const LONGEST: u64 = 1_000 * 365 * 86_400;

    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    pub const fn days(days: u64) -> Self {
        Self(days * 86_400)
    }

    pub fn as_secs(self) -> u64 {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// From one instant to a later one, at most the longest that there is; nothing if it is not later.
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self((end.duration_since(start).as_secs().max(0) as u64).min(Self::LONGEST))
    }

    pub fn tenth(self) -> Self {
        Self(self.0 / 10)
    }

    pub fn half(self) -> Self {
        Self(self.0 / 2)
    }

    pub fn third(self) -> Self {
        Self(self.0 / 3)
    }

    /// What is left when the other is taken away.
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The instant this long after `start`; the end of time where the calendar has no such instant.
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.checked_add(SignedDuration::from_secs(self.0 as i64)).unwrap_or(Timestamp::MAX)
    }

    /// The instant this long before `end`.
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.checked_sub(SignedDuration::from_secs(self.0 as i64)).unwrap_or(Timestamp::MIN)
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let wrong = || NotAPeriod(text.chars().take(40).collect());
        let (mut total, mut digits) = (0u64, String::new());
        for c in text.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            let (_, seconds) = UNITS.iter().find(|(unit, _)| *unit == c).ok_or_else(wrong)?;
            let number: u64 = digits.parse().map_err(|_| wrong())?;
            total =
                number.checked_mul(*seconds).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
            digits.clear();
        }
        if !digits.is_empty() || text.is_empty() || total > Self::LONGEST {
            return Err(wrong());
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Period {
    /// Days and smaller units only, so that nobody has to know how long a year is here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, seconds) in UNITS.iter().filter(|(unit, _)| !matches!(unit, 'y' | 'w')) {
            if rest >= *seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_those_of_the_contract() {
        for (text, seconds) in [
            ("90d", 90 * 86_400),
            ("12h", 43_200),
            ("1h30m", 5_400),
            ("1y", 365 * 86_400),
            ("2w", 14 * 86_400),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Period(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in ["", "90", "d", "1 d", "-1d", "P30D", "1d2", "99999999999999999999s", "1001y", "９d"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(seconds in 0..Period::LONGEST) {
            prop_assert_eq!(Period(seconds).to_string().parse(), Ok(Period(seconds)));
        }
    }
}
