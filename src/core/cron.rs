//! When a cron expression fires, by the wall clock of a time zone.
//!
//! The expression is matched against the wall clock alone, and only then is the time zone asked which instant that is. So
//! a time that the change to summer time skips fires at the instant at which the clock moves on, a time that comes twice
//! fires the first time, and nothing fires twice at one instant.

use std::sync::LazyLock;

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::{
    Timestamp,
    civil::{DateTime, date},
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

use super::period::Period;

/// The time zones that are inside this binary; those of the machine are not asked.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
/// So many firings are looked at to find the two that are nearest to each other.
const SAMPLE: usize = 64;

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    /// Expression and time zone, as the ledger notes them.
    pub text: String,
    /// The time between the two nearest firings, by the wall clock.
    pub shortest: Period,
    table: Crontab,
    zone: TimeZone,
}

/// One firing and the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Firing {
    pub at: Timestamp,
    pub following: Timestamp,
}

impl Cron {
    /// Understands an expression, or says what is wrong with it.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, String> {
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let table = cronexpr::parse_crontab_with(expression, options).map_err(|error| {
            format!("spec.rotation.cron {expression:?} cannot be understood: {}", last_line(&error))
        })?;
        let zone = ZONES.get(zone).map_err(|_| {
            format!(
                "spec.rotation.timeZone {zone:?} is not in the IANA database: write a name such as Europe/Warsaw"
            )
        })?;
        // A Monday at the beginning of a leap year, so that all four years of the calendar's cycle are looked at.
        let mut wall = date(2023, 12, 31).at(23, 59, 59, 0);
        let mut shortest = None;
        for n in 0..SAMPLE {
            let Some(next) = next_wall(&table, wall) else { break };
            if n > 0 {
                let between = next.duration_since(wall).as_secs().unsigned_abs();
                shortest = Some(shortest.map_or(between, |shortest: u64| shortest.min(between)));
            }
            wall = next;
        }
        let shortest = shortest.map(Period::seconds).ok_or_else(|| {
            format!("spec.rotation.cron {expression:?} does not fire twice in four years: correct the day or the month")
        })?;
        Ok(Self {
            text: format!("{expression} {}", zone.iana_name().unwrap_or("UTC")),
            shortest,
            table,
            zone,
        })
    }

    /// The first firing after an instant; None if there is none within four years.
    pub fn after(&self, instant: Timestamp) -> Option<Firing> {
        let at = self.next(instant)?;
        Some(Firing { at, following: self.next(at)? })
    }

    fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut wall = self.zone.to_datetime(instant);
        loop {
            wall = next_wall(&self.table, wall)?;
            // Where the clock was set back, the wall shows times whose instant has passed.
            if let Some(at) = self.instant(wall).filter(|at| *at > instant) {
                return Some(at);
            }
        }
    }

    fn instant(&self, wall: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
            AmbiguousOffset::Gap { .. } => {
                let beyond = Period::seconds(1).after(ambiguous.later().ok()?);
                self.zone.preceding(beyond).next().map(|change| change.timestamp())
            }
        }
    }
}

/// The library is asked in UTC, where each time of the wall clock exists once.
fn next_wall(table: &Crontab, wall: DateTime) -> Option<DateTime> {
    let as_if = TimeZone::UTC.to_timestamp(wall).ok()?;
    table.find_next(as_if).ok().map(|next| next.datetime())
}

/// The library says what is wrong below the expression and a mark at the place.
fn last_line(error: &cronexpr::Error) -> String {
    let said = error.to_string();
    said.lines().last().unwrap_or_default().trim_start_matches([' ', '^']).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cron(expression: &str, zone: &str) -> Cron {
        Cron::parse(expression, zone).unwrap()
    }

    fn firings(cron: &Cron, after: &str, n: usize) -> Vec<String> {
        let mut instant: Timestamp = after.parse().unwrap();
        let mut all = Vec::new();
        for _ in 0..n {
            instant = cron.after(instant).unwrap().at;
            all.push(instant.to_string());
        }
        all
    }

    #[test]
    fn it_fires_by_the_wall_clock_in_summer_and_in_winter() {
        let monday = cron("0 3 * * 1", "Europe/Warsaw");
        let around = firings(&monday, "2026-03-20T00:00:00Z", 2);
        assert_eq!(around, ["2026-03-23T02:00:00Z", "2026-03-30T01:00:00Z"]);
        assert_eq!(monday.text, "0 3 * * 1 Europe/Warsaw");
    }

    #[test]
    fn a_time_that_is_skipped_fires_once_when_the_clock_has_moved_on() {
        // On 29 March 2026 the clocks in Warsaw go from 02:00 to 03:00, which is 01:00 UTC.
        for expression in ["30 2 * * *", "0 2 * * *", "59 2 * * *"] {
            let spring = firings(&cron(expression, "Europe/Warsaw"), "2026-03-28T12:00:00Z", 2);
            assert_eq!(spring[0], "2026-03-29T01:00:00Z", "{expression}");
            assert!(spring[1].starts_with("2026-03-30T00:"), "{expression} {spring:?}");
        }
        let both = firings(&cron("0,30 2-3 * * *", "Europe/Warsaw"), "2026-03-28T12:00:00Z", 3);
        assert_eq!(both, ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"]);
    }

    #[test]
    fn a_time_that_comes_twice_fires_the_first_time() {
        // On 25 October 2026 the clocks in Warsaw go from 03:00 back to 02:00: 02:30 is at 00:30 and 01:30 UTC.
        let autumn = firings(&cron("30 2 * * *", "Europe/Warsaw"), "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        let between = firings(&cron("30 2 * * *", "Europe/Warsaw"), "2026-10-25T00:45:00Z", 1);
        assert_eq!(between, ["2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn summer_time_is_known_beyond_the_years_that_the_database_lists() {
        let far = firings(&cron("30 2 * * *", "America/New_York"), "2047-03-09T12:00:00Z", 1);
        assert_eq!(far, ["2047-03-10T07:00:00Z"]);
    }

    #[test]
    fn the_day_that_samoa_left_out_fires_at_its_end() {
        let noon = firings(&cron("0 12 30 12 *", "Pacific/Apia"), "2011-12-01T00:00:00Z", 1);
        assert_eq!(noon, ["2011-12-30T10:00:00Z"]);
    }

    #[test]
    fn the_shortest_time_between_two_firings_is_found() {
        for (expression, shortest) in [
            ("0 3 * * 1", 7 * 86_400),
            ("* * * * *", 60),
            ("*/15 * * * *", 900),
            ("0 0 1,31 * *", 86_400),
            ("0,59 0,5,6 * * *", 60),
            ("0 0 29 2 *", 1_461 * 86_400),
        ] {
            assert_eq!(cron(expression, "UTC").shortest, Period::seconds(shortest), "{expression}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (expression, zone, advice) in [
            ("61 * * * *", "UTC", "value must be in range 0..=59"),
            ("0 5-3 * * *", "UTC", "ascending order"),
            ("0 0 * FOO *", "UTC", "cannot be understood"),
            ("0 0 30 2 *", "UTC", "does not fire twice in four years"),
            ("0 0 31 4,6,9,11 *", "UTC", "does not fire"),
            ("0 0 * * *", "Europe/Atlantis", "is not in the IANA database"),
        ] {
            let said = Cron::parse(expression, zone).unwrap_err();
            assert!(said.contains(advice) && !said.contains('\n'), "{said}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_firing_is_after_the_instant_and_none_is_left_out(
            second in 1_700_000_000i64..2_600_000_000,
            further in 1i64..200_000,
            zone in prop_oneof![Just("Europe/Warsaw"), Just("America/St_Johns"), Just("Australia/Lord_Howe"), Just("UTC")],
            expression in prop_oneof![Just("* * * * *"), Just("*/20 1-3 * * *"), Just("30 2 * * *"), Just("0 0 1 * 1")],
        ) {
            let (cron, start) = (cron(expression, zone), Timestamp::from_second(second).unwrap());
            let first = cron.after(start).unwrap();
            prop_assert!(start < first.at && first.at < first.following);
            // Asked again anywhere before the firing, the answer is the same.
            let later = Timestamp::from_second(second + further).unwrap();
            if later < first.at {
                prop_assert_eq!(cron.after(later).unwrap(), first);
            } else {
                prop_assert!(cron.after(later).unwrap().at >= first.following || later < first.following);
            }
        }
    }
}
