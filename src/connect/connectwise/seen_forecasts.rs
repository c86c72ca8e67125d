//! Forecasts as they were read last, of opportunities that a change feed shows again although nothing happened to them.
//!
//! A change feed looks back behind its cursor, so that it shows an opportunity three times or so after one change. Its
//! forecast is not read each time: where it was read when the last change of the opportunity had settled, and the
//! opportunity has the same date of change still, no edit that counts as a change of the opportunity can have touched it
//! since.
//!
//! Whether an edit of an item counts as one is not documented, and may differ from tenant to tenant. Where it does not, a
//! change feed shows it by luck alone, soon after another change. So as not to lose even that: a forecast that has changed
//! though its opportunity has not tells that this is such a tenant, and then each one is read whenever it is shown, for a
//! day. What tells are all the reads that are always made: full lists, reads by ids (as follow a call-back), and the settled
//! pass, which looks at each change once more.
//!
//! What is answered from here was never overtaken by what this connection read or wrote in the meantime: a later read
//! takes the place of an earlier one, and a write of an opportunity forgets all that was read before it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::forecast::Forecast;
use crate::model::{RecordId, Timestamp};

/// A read that began so long after an opportunity changed, by the system's clock, shows all of that change: dates of
/// change are cut to seconds, and the machines of a tenant, or the parts of one change, need not agree to the second.
const SETTLING: Duration = Duration::from_secs(30);
/// Change feeds that follow each other closely do not look further back than this; what changed longer ago is shown by
/// the settled pass and by lists, and read for each of them.
const SHOWN_AGAIN: Duration = Duration::from_secs(600);
/// Until the settled pass has come by, to be compared with what that reads.
const REMEMBERED: Duration = Duration::from_secs(45 * 60);
/// So long after an item was seen to change without a word nothing is taken for unchanged.
const WATCHFUL: Duration = Duration::from_secs(24 * 3600);
/// More are not kept: items are long, and a feed that shows so many is busy with other things.
const MOST: usize = 1_000;

/// A read of a forecast under way: when it began, among all reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Begun(u64);

/// A forecast, and of which state of its opportunity it is.
#[derive(Debug)]
struct Seen {
    changed: Timestamp,
    begun: Begun,
    forecast: Forecast,
}

#[derive(Debug, Default)]
pub(super) struct SeenForecasts {
    seen: BTreeMap<RecordId, Seen>,
    /// Reads and writes so far.
    count: u64,
    /// What began by then is not kept: something was written since, or read that is not kept itself.
    overtaken: u64,
    /// Until then, by the system's clock.
    watchful: Option<Timestamp>,
}

impl SeenForecasts {
    pub fn begin(&mut self) -> Begun {
        self.count += 1;
        Begun(self.count)
    }

    /// A write of the opportunity begins, or has ended in whatever way.
    pub fn written(&mut self, opportunity: RecordId) {
        self.seen.remove(&opportunity);
        self.count += 1;
        // what was being read meanwhile may show either side of it
        self.overtaken = self.count;
    }

    /// The forecast of an opportunity that was last changed at `changed`; none where it must be read. `at`: about now, by
    /// the system's clock.
    pub fn of(&self, opportunity: RecordId, changed: Timestamp, at: Option<Timestamp>) -> Option<Forecast> {
        let seen = self.seen.get(&opportunity)?;
        let at = at.filter(|at| self.watchful.is_none_or(|until| *at >= until))?;
        (seen.changed == changed && at < changed + SHOWN_AGAIN).then(|| seen.forecast.clone())
    }

    /// Keeps a forecast as just read. `at`: a moment before the read, by the system's clock.
    pub fn keep(
        &mut self,
        opportunity: RecordId,
        changed: Timestamp,
        (begun, at): (Begun, Option<Timestamp>),
        forecast: &Forecast,
    ) {
        if begun.0 <= self.overtaken || self.seen.get(&opportunity).is_some_and(|known| known.begun > begun) {
            return;
        }
        let known = self.seen.remove(&opportunity);
        let Some(at) = at else {
            self.overtaken = begun.0;
            return;
        };
        if known.is_some_and(|known| known.changed == changed && known.forecast != *forecast) {
            tracing::debug!(id = %opportunity, "forecast items change without a change of their opportunity");
            self.watchful = Some(at + WATCHFUL);
        }
        self.seen.retain(|_, seen| at < seen.changed + REMEMBERED);
        if at >= changed + SETTLING && at < changed + REMEMBERED && self.seen.len() < MOST {
            self.seen.insert(opportunity, Seen { changed, begun, forecast: forecast.clone() });
        } else {
            self.overtaken = begun.0;
        }
    }

    /// It is not there any more.
    pub fn forget(&mut self, opportunity: RecordId) {
        self.seen.remove(&opportunity);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a forecast that cannot be read is a failing test")]
    use serde_json::json;

    use super::*;
    use crate::model::Value;

    const SEVEN: RecordId = RecordId(7);

    fn forecast(revenue: u32) -> Forecast {
        let item = json!({"id": 1, "forecastType": "Product", "forecastDescription": "Lockstep", "revenue": revenue});
        Forecast::read(SEVEN, json!({"id": 3, "forecastItems": [item]})).unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn amount(seen: &SeenForecasts, changed: u64) -> Option<Value> {
        seen.of(SEVEN, at(changed), Some(at(90))).map(|forecast| forecast.amount().unwrap())
    }

    /// One that changed at 0 and was read at `read`.
    fn read_at(read: Option<u64>) -> SeenForecasts {
        let mut seen = SeenForecasts::default();
        let begun = seen.begin();
        seen.keep(SEVEN, at(0), (begun, read.map(at)), &forecast(10));
        seen
    }

    #[test]
    fn a_forecast_is_kept_when_the_change_had_settled_and_for_that_change_alone() {
        let ten = Some(Value::Number(10.into()));
        assert_eq!(amount(&read_at(Some(30)), 0), ten);
        assert_eq!(amount(&read_at(Some(30)), 1), None, "it changed since");
        assert_eq!(amount(&read_at(Some(29)), 0), None, "what changes in the same breath could be missed");
        assert_eq!(amount(&read_at(None), 0), None, "nobody knows when that was");
    }

    #[test]
    fn what_was_being_read_when_something_was_written_is_not_kept() {
        let mut seen = read_at(Some(60));
        let before = seen.begin();
        seen.written(SEVEN);
        assert_eq!(amount(&seen, 0), None);
        let during = seen.begin();
        seen.keep(SEVEN, at(0), (before, Some(at(60))), &forecast(10));
        assert_eq!(amount(&seen, 0), None, "its read began before the write");
        seen.keep(SEVEN, at(0), (during, Some(at(60))), &forecast(20));
        seen.written(SEVEN);
        assert_eq!(amount(&seen, 0), None, "the write ended after it");
        let after = seen.begin();
        seen.keep(SEVEN, at(0), (after, Some(at(60))), &forecast(30));
        assert_eq!(amount(&seen, 0), Some(Value::Number(30.into())));
    }

    #[test]
    fn a_read_that_began_earlier_does_not_replace_a_later_one() {
        let mut seen = SeenForecasts::default();
        let (first, second) = (seen.begin(), seen.begin());
        seen.keep(SEVEN, at(0), (second, Some(at(60))), &forecast(20));
        seen.keep(SEVEN, at(0), (first, Some(at(60))), &forecast(10));
        assert_eq!(amount(&seen, 0), Some(Value::Number(20.into())));
    }

    #[test]
    fn a_read_that_is_not_kept_overtakes_the_earlier_ones_all_the_same() {
        let mut seen = SeenForecasts::default();
        let (first, second) = (seen.begin(), seen.begin());
        seen.keep(SEVEN, at(0), (second, None), &forecast(20));
        seen.keep(SEVEN, at(0), (first, Some(at(60))), &forecast(10));
        assert_eq!(amount(&seen, 0), None);
    }

    #[test]
    fn what_changed_long_ago_is_not_kept_and_no_more_than_a_feed_shows_again() {
        let kept = read_at(Some(599));
        assert!(kept.of(SEVEN, at(0), Some(at(599))).is_some());
        assert!(kept.of(SEVEN, at(0), Some(at(600))).is_none() && kept.of(SEVEN, at(0), None).is_none());
        assert_eq!(read_at(Some(45 * 60)).seen.len(), 0);
        let mut seen = read_at(Some(60));
        let begun = seen.begin();
        seen.keep(RecordId(8), at(2690), (begun, Some(at(2720))), &forecast(10));
        assert_eq!(seen.seen.len(), 1, "it is dropped when others are kept");
        for id in 0..2 * MOST as u64 {
            let begun = seen.begin();
            seen.keep(RecordId(100 + id), at(2690), (begun, Some(at(2720))), &forecast(10));
        }
        assert_eq!(seen.seen.len(), MOST);
    }

    #[test]
    fn an_item_that_changes_without_a_word_has_everything_read_for_a_day() {
        const DAY: u64 = 86_400;
        let mut seen = read_at(Some(60));
        let mut read = |changed, now, revenue| {
            let begun = seen.begin();
            seen.keep(SEVEN, at(changed), (begun, Some(at(now))), &forecast(revenue));
            seen.of(SEVEN, at(changed), Some(at(now))).is_some()
        };
        assert!(read(0, 120, 10), "the same once more");
        assert!(read(200, 260, 20), "changed with its opportunity");
        assert!(!read(200, 1500, 30), "the settled pass found what nothing told");
        assert!(!read(2000, 2060, 30) && !read(1500 + DAY - 90, 1500 + DAY - 1, 30));
        assert!(read(1500 + DAY - 60, 1500 + DAY, 30));
    }
}
