//! The one place that reads the clock, and that compares it with the API server's.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, header::DATE};
use jiff::Timestamp;
use tokio::time::{Duration, Instant};

use crate::core::scene;

/// How far the operator's clock and the API server's may be apart before nothing is done for reasons of time.
const TOLERANCE: i64 = 60;
/// A comparison older than this is made again where nothing else is asked of the server.
const FRESH: Duration = Duration::from_secs(60);

/// The wall clock of this machine beside the `Date` that the API server sent last.
#[derive(Clone, Default)]
pub struct Clock {
    heard: Arc<Mutex<Option<Heard>>>,
}

#[derive(Clone, Copy)]
struct Heard {
    date: Timestamp,
    at: Instant,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// How long it is until then; None if the time has come.
    pub fn until(&self, time: Timestamp) -> Option<Duration> {
        let pause = Duration::try_from(time.duration_since(self.now())).ok()?;
        Some(pause).filter(|pause| !pause.is_zero())
    }

    /// Notes the `Date` header of an answer that has just arrived.
    pub fn hear(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        if let Some(date) = date {
            let heard = Heard { date: date.timestamp(), at: Instant::now() };
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        }
    }

    /// Whether both clocks agree, going by the last `Date` and the time that has passed since on the monotonic
    /// clock, which no jump of the wall clock moves. A clock that nothing was heard against is believed.
    pub fn agreement(&self) -> scene::Clock {
        let Some(Heard { date, at }) = self.last() else { return scene::Clock::Agreed };
        let servers_now = date.as_second() + at.elapsed().as_secs() as i64;
        if (self.now().as_second() - servers_now).abs() > TOLERANCE {
            scene::Clock::Skewed
        } else {
            scene::Clock::Agreed
        }
    }

    /// Whether the last comparison is recent. What is taken away was read just before, and that answer is one.
    pub fn is_fresh(&self) -> bool {
        self.last().is_some_and(|heard| heard.at.elapsed() < FRESH)
    }

    fn last(&self) -> Option<Heard> {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn heard(offset: i64) -> Clock {
        let clock = Clock::default();
        let date = clock.now() + SignedDuration::from_secs(offset);
        let text = date.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        clock.hear(&HeaderMap::from_iter([(DATE, text.parse().unwrap())]));
        clock
    }

    #[tokio::test]
    async fn more_than_a_minute_apart_is_a_skew_in_both_directions() {
        for (offset, agreement) in [
            (0, scene::Clock::Agreed),
            (50, scene::Clock::Agreed),
            (-50, scene::Clock::Agreed),
            (90, scene::Clock::Skewed),
            (-90, scene::Clock::Skewed),
        ] {
            assert_eq!(heard(offset).agreement(), agreement, "{offset}");
        }
    }

    #[tokio::test]
    async fn an_answer_without_a_date_changes_nothing() {
        let clock = heard(90);
        clock.hear(&HeaderMap::new());
        assert_eq!(clock.agreement(), scene::Clock::Skewed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_comparison_grows_stale() {
        let clock = heard(0);
        assert!(clock.is_fresh());
        tokio::time::advance(FRESH).await;
        assert!(!clock.is_fresh());
        assert!(!Clock::default().is_fresh());
    }
}
