//! What a system's clock says beside ours. Knows samples and medians, nothing of HTTP.
//!
//! A `Date` header has whole seconds and crosses the network: each sample is a moment somewhere in an interval. The
//! median over the last ones ignores the odd slow answer and a proxy that makes up its own time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Timestamp;

/// Samples that count; older ones are forgotten.
const KEPT: usize = 31;
/// A `Date` is cut to the second: on average it is half a second old when it is written.
const HALF_SECOND: i64 = 500;

/// How far a system's clock is from ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerClock {
    /// Milliseconds that the system's clock is ahead of ours; negative where it is behind.
    pub offset_ms: i64,
    /// The true offset lies about this far around it: half the round trip, and the second that `Date` is cut to.
    pub uncertainty: Duration,
    /// Answers it rests on.
    pub samples: usize,
}

/// The estimate of one connection, kept from answer to answer.
#[derive(Debug, Default)]
pub(crate) struct ClockEstimate {
    samples: Mutex<VecDeque<Sample>>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    offset: i64,
    uncertainty: i64,
}

impl ClockEstimate {
    /// An answer said `date` to a call that began at `sent` and took `trip`, both by our clock.
    pub fn note(&self, date: Timestamp, sent: Timestamp, trip: Duration) {
        let half = i64::try_from(trip.as_millis() / 2).unwrap_or(i64::MAX);
        let ours = sent.0.saturating_add(half);
        let offset = date.0.saturating_add(HALF_SECOND).saturating_sub(ours);
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == KEPT {
            samples.pop_front();
        }
        samples.push_back(Sample { offset, uncertainty: half.saturating_add(HALF_SECOND) });
    }

    /// What is known so far; nothing before the first dated answer.
    pub fn now(&self) -> Option<ServerClock> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let offset_ms = median(samples.iter().map(|sample| sample.offset).collect())?;
        let uncertainty = median(samples.iter().map(|sample| sample.uncertainty).collect())?;
        let uncertainty = Duration::from_millis(u64::try_from(uncertainty).unwrap_or(0));
        Some(ServerClock { offset_ms, uncertainty, samples: samples.len() })
    }
}

/// The middle one; of two middle ones the lower.
fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a missing estimate is a failure")]
    use super::*;

    const SENT: Timestamp = Timestamp(1_800_000_000_000);

    fn after(samples: &[(i64, u64)]) -> ServerClock {
        let estimate = ClockEstimate::default();
        for (ahead, trip) in samples {
            let trip = Duration::from_millis(*trip);
            // The system writes its date half-way through the trip, and cuts it to the second.
            let theirs = Timestamp(SENT.0 + i64::try_from(trip.as_millis() / 2).unwrap() + ahead).floor_to_second();
            estimate.note(theirs, SENT, trip);
        }
        estimate.now().unwrap()
    }

    #[test]
    fn nothing_is_known_before_the_first_dated_answer() {
        assert_eq!(ClockEstimate::default().now(), None);
    }

    #[test]
    fn the_offset_lies_within_the_uncertainty() {
        for (ahead, trip) in [(0, 0), (0, 900), (400_000, 120), (-86_400_000, 60), (-750, 333), (999, 1)] {
            let clock = after(&[(ahead, trip)]);
            let off = (clock.offset_ms - ahead).unsigned_abs();
            assert!(u128::from(off) <= clock.uncertainty.as_millis(), "{ahead} {trip}: {clock:?}");
        }
    }

    #[test]
    fn a_few_wild_answers_do_not_move_it() {
        let clock = after(&[(2000, 80), (2000, 80), (-3_000_000, 80), (2000, 60_000), (2000, 80), (9_000_000, 80)]);
        assert!((1500..=2500).contains(&clock.offset_ms), "{clock:?}");
        assert_eq!((clock.uncertainty, clock.samples), (Duration::from_millis(540), 6));
    }

    #[test]
    fn it_follows_a_clock_that_was_set_right() {
        let mut samples = vec![(600_000, 100); 100];
        samples.extend([(0, 100); 16]);
        assert!(after(&samples).offset_ms.abs() <= 600);
        assert_eq!(after(&samples).samples, KEPT);
    }

    #[test]
    fn dates_at_the_ends_of_time_do_no_harm() {
        let estimate = ClockEstimate::default();
        estimate.note(Timestamp::MAX, Timestamp(i64::MIN), Duration::MAX);
        estimate.note(Timestamp(i64::MIN), Timestamp::MAX, Duration::MAX);
        assert_eq!(estimate.now().unwrap().samples, 2);
    }
}
