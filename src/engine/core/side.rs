//! What the engine remembers of one connection while it runs: its clock, its health, its pace.

use std::time::Duration;

use crate::model::Timestamp;

/// Failures in a row after which a run ends early.
const PATIENCE: u32 = 5;

/// A single run that is put off for so long in all ends instead of waiting.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// One connection.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// The last server times seen, minus the engine's, in milliseconds; the median is the skew.
    skews: Vec<i64>,
    /// Nothing is sent before this moment.
    pub not_before: Timestamp,
    /// Failures since the last success.
    pub failures: u32,
    /// Since when it asks for pauses and nothing else.
    put_off_since: Option<Timestamp>,
    /// Why nothing can be done there: what, and what helps.
    pub broken: Option<(String, String)>,
    /// The last thing that went wrong.
    pub last_error: Option<(Timestamp, String)>,
    /// When it last told who it is.
    pub identified: Option<Timestamp>,
    pub tenant: Option<String>,
    /// When the last complete reading of its changes began.
    pub pulled: Option<Timestamp>,
    /// Write requests on their way.
    pub writes: usize,
    /// HTTP calls since the engine started.
    pub calls: u64,
}

impl Side {
    /// The server's clock now, as far as it is known.
    #[must_use]
    pub fn server_now(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.skew()))
    }

    fn skew(&self) -> i64 {
        let mut sorted = self.skews.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// Learns from the time an answer carried.
    pub fn heard(&mut self, now: Timestamp, server_time: Timestamp) {
        if self.skews.len() == 5 {
            self.skews.remove(0);
        }
        self.skews.push(server_time.0.saturating_sub(now.0));
    }

    pub const fn succeeded(&mut self) {
        self.failures = 0;
        self.put_off_since = None;
    }

    /// Notes a failure that may pass. Returns whether patience is at its end.
    pub fn failed(&mut self, now: Timestamp, message: &str) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.last_error = Some((now, message.to_owned()));
        self.not_before = self.not_before.max(now + back_off(self.failures, Duration::from_millis(500), LONGEST_PAUSE));
        self.failures >= PATIENCE
    }

    /// Takes in a pause that the system asks for. Returns whether it is more than somebody who waits for a single run has
    /// patience for.
    pub fn throttled(&mut self, now: Timestamp, retry_after: Duration, message: &str) -> bool {
        let since = *self.put_off_since.get_or_insert(now);
        self.last_error = Some((now, message.to_owned()));
        self.not_before = self.not_before.max(now + retry_after);
        self.not_before.since(since) > LONGEST_WAIT
    }

    /// Whether the pause under way is one that the system asked for.
    #[must_use]
    pub const fn is_put_off(&self) -> bool {
        self.put_off_since.is_some()
    }

    pub fn denied(&mut self, now: Timestamp, message: String, hint: String) {
        self.last_error = Some((now, message.clone()));
        self.broken = Some((message, hint));
        self.identified = None;
    }

    /// Whether writes may be sent now.
    #[must_use]
    pub fn takes_writes(&self, now: Timestamp) -> bool {
        self.broken.is_none() && self.not_before <= now
    }
}

/// Doubles with every attempt, from `first` to `longest`. Without jitter: one engine per tenant, and runs must repeat exactly.
#[must_use]
pub fn back_off(attempt: u32, first: Duration, longest: Duration) -> Duration {
    first.saturating_mul(1 << attempt.saturating_sub(1).min(20)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_skew_is_the_median_of_what_was_heard_lately() {
        let mut side = Side::default();
        for offset in [1000, 1100, 90_000, 900, 1050] {
            side.heard(Timestamp(0), Timestamp(offset));
        }
        assert_eq!(side.server_now(Timestamp(10_000)), Timestamp(11_050));
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pause = |n| back_off(n, Duration::from_secs(5), Duration::from_secs(900)).as_secs();
        assert_eq!([1, 2, 3, 9, 99].map(pause), [5, 10, 20, 900, 900]);
    }
}
