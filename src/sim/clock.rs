//! The time both simulators live in: the machine's own, shifted, or one that stands still until it is moved.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Side;

/// What time it is for both systems. All points are milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock plus a shift.
    Running { shift_ms: i64 },
    /// Stands still until it is set or advanced.
    Standing { at_ms: i64 },
}

impl Clock {
    /// Now, in milliseconds.
    #[must_use]
    pub fn now(self) -> i64 {
        match self {
            Self::Running { shift_ms } => machine_now().saturating_add(shift_ms),
            Self::Standing { at_ms } => at_ms,
        }
    }

    /// The same clock, later by `by`.
    #[must_use]
    pub fn advanced(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        match self {
            Self::Running { shift_ms } => Self::Running { shift_ms: shift_ms.saturating_add(by) },
            Self::Standing { at_ms } => Self::Standing { at_ms: at_ms.saturating_add(by) },
        }
    }
}

/// A year: more is no clock that runs wrong.
pub(crate) const MOST_SKEW_MS: i64 = 366 * 24 * 3_600_000;

/// How far each system's clock is ahead of the world's, in milliseconds: as it was set, and what faults added to that.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Skews {
    set: [i64; 2],
    jumped: [i64; 2],
}

impl Skews {
    pub const fn of(&self, side: Side) -> i64 {
        let ([hubspot, connectwise], [also_hubspot, also_connectwise]) = (self.set, self.jumped);
        match side {
            Side::HubSpot => hubspot.saturating_add(also_hubspot),
            Side::ConnectWise => connectwise.saturating_add(also_connectwise),
        }
    }

    pub const fn set(&mut self, side: Side, ms: i64) {
        *place(&mut self.set, side) = ms;
        *place(&mut self.jumped, side) = 0;
    }

    /// Never further than a clock can be set.
    pub fn jump(&mut self, side: Side, by_ms: i64) {
        let before = self.of(side);
        let by = before.saturating_add(by_ms).clamp(-MOST_SKEW_MS, MOST_SKEW_MS) - before;
        let jumped = place(&mut self.jumped, side);
        *jumped = jumped.saturating_add(by);
    }

    pub const fn forget_jumps(&mut self) {
        self.jumped = [0; 2];
    }
}

const fn place(of: &mut [i64; 2], side: Side) -> &mut i64 {
    let [hubspot, connectwise] = of;
    match side {
        Side::HubSpot => hubspot,
        Side::ConnectWise => connectwise,
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the simulators' door to the machine's clock")]
fn machine_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn instant(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// `2024-09-11T13:27:39.356Z`; HubSpot drops the milliseconds when they are zero.
#[must_use]
pub fn iso_millis(ms: i64) -> String {
    if ms.rem_euclid(1000) == 0 {
        return iso_seconds(ms.div_euclid(1000));
    }
    instant(ms).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// `2026-06-09T21:59:49Z`: what ConnectWise stores.
#[must_use]
pub fn iso_seconds(seconds: i64) -> String {
    instant(seconds.saturating_mul(1000)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, for the `Date` header.
#[must_use]
pub fn http_date(ms: i64) -> String {
    instant(ms).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Milliseconds of an instant such as `2024-09-11T13:27:39.356Z`, of a day `2024-09-11` (midnight, UTC), or none.
#[must_use]
pub fn parse_instant(text: &str) -> Option<i64> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|midnight| midnight.timestamp().as_millisecond())
}

/// The day in `zone` (an IANA name) that `ms` falls on, as a number that changes at midnight there.
#[must_use]
pub fn day_in_zone(ms: i64, zone: &str) -> (i16, i8, i8) {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let date = instant(ms).to_zoned(zone).date();
    (date.year(), date.month(), date.day())
}

/// The instant (milliseconds) of the next midnight in `zone` after `ms`, and the zone's offset now in seconds.
#[must_use]
pub fn midnight_and_offset(ms: i64, zone: &str) -> (i64, i32) {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let now = instant(ms).to_zoned(zone);
    let midnight = now.tomorrow().ok().and_then(|t| t.start_of_day().ok());
    (midnight.map_or(ms, |m| m.timestamp().as_millisecond()), now.offset().seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hubspot_drops_milliseconds_that_are_zero() {
        assert_eq!(iso_millis(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(iso_millis(1_700_000_000_007), "2023-11-14T22:13:20.007Z");
    }

    #[test]
    fn a_standing_clock_moves_only_when_told() {
        let clock = Clock::Standing { at_ms: 5 };
        assert_eq!(clock.now(), 5);
        assert_eq!(clock.advanced(Duration::from_secs(1)).now(), 1005);
    }

    #[test]
    fn dates_follow_the_format_of_the_header() {
        assert_eq!(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
