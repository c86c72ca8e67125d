//! Records to look at. A mark is removed only by an evaluation that found nothing left to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{RecordRef, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirty {
    pub record: RecordRef,
    pub reason: DirtyReason,
    /// When the mark was first set, in the engine's time: the lag is the age of the oldest that waits for no day.
    pub since: Timestamp,
    /// Not before this moment; the past when it may be looked at now.
    pub not_before: Timestamp,
}

/// No mark rests longer, except until a day that somebody named: the slowest retry comes after a day.
pub const LONGEST_REST: Duration = Duration::from_secs(25 * 3600);

impl Dirty {
    /// Whether it may be looked at now. A mark that was set in the future, or rests longer than any does, is from before
    /// somebody set this machine's clock back.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let rests_too_long = self.not_before.since(now) > LONGEST_REST && self.reason != DirtyReason::Day;
        self.not_before <= now || self.since > now || rests_too_long
    }

    /// The mark as it stands where there is one already: it keeps its age, unless that one only waited for a day.
    #[must_use]
    pub fn over(self, known: Option<&Self>) -> Self {
        let since = known.filter(|known| known.reason != DirtyReason::Day).map_or(self.since, |known| known.since);
        Self { since: self.since.min(since), ..self }
    }

    /// The mark as it rests until then.
    #[must_use]
    pub fn put_off(self, until: Timestamp, now: Timestamp) -> Self {
        Self { reason: DirtyReason::Retry, since: self.since.min(now), not_before: until, ..self }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirtyReason {
    /// A feed showed a changed record.
    Changed,
    /// A write was answered; both sides are looked at once more.
    Written,
    /// A try that failed is due again.
    Retry,
    /// Mapping or filter changed.
    Configuration,
    /// A record it points to found its partner, or lost it.
    Parent,
    /// A person asked.
    Person,
    /// A filter that depends on the day turns.
    Day,
}
