//! When the day of a portal ends: its allowance of calls is given anew at midnight in the portal's own time zone.

use jiff::tz::{Offset, TimeZone};
use serde_json::Value as Json;

use crate::model::Timestamp;

/// The beginning of the portal's next day, by its account details; none where they tell neither zone nor offset.
pub(super) fn next_day(details: &Json, now: Timestamp) -> Option<Timestamp> {
    let now = jiff::Timestamp::from_millisecond(now.0).ok()?.to_zoned(zone(details)?);
    let midnight = now.tomorrow().ok()?.start_of_day().ok()?;
    Some(Timestamp(midnight.timestamp().as_millisecond()))
}

/// By its name, which knows when the clocks change; where this machine does not know the name, by the offset of today.
fn zone(details: &Json) -> Option<TimeZone> {
    let named = details.get("timeZone").and_then(Json::as_str).and_then(|name| TimeZone::get(name).ok());
    named.or_else(|| {
        let millis = details.get("utcOffsetMilliseconds").and_then(Json::as_i64)?;
        let offset = Offset::from_seconds(i32::try_from(millis / 1000).ok()?).ok()?;
        Some(TimeZone::fixed(offset))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a moment that cannot be read is a failing test")]
    use serde_json::json;

    use super::*;

    fn after(details: &Json, now: &str) -> Option<String> {
        next_day(details, Timestamp::parse_rfc3339(now).unwrap()).map(Timestamp::to_rfc3339)
    }

    #[test]
    fn a_day_ends_at_midnight_where_the_portal_is_also_when_the_clocks_change() {
        for (zone, now, midnight) in [
            ("UTC", "2026-11-20T23:59:59.999Z", "2026-11-21T00:00:00Z"),
            ("UTC", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"),
            // A day of 23 hours, and one of 25.
            ("America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
            ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            // Half of an hour, and three quarters.
            ("Asia/Kolkata", "2026-11-20T18:29:59Z", "2026-11-20T18:30:00Z"),
            ("Asia/Kathmandu", "2026-11-20T18:15:00Z", "2026-11-21T18:15:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T13:30:00Z", "2026-04-05T13:30:00Z"),
            // The clocks go forward at midnight: the day begins at one o'clock.
            ("Africa/Cairo", "2026-04-23T12:00:00Z", "2026-04-23T22:00:00Z"),
            ("America/Havana", "2026-03-07T12:00:00Z", "2026-03-08T05:00:00Z"),
            // They go back at midnight, and the last hour of the day comes twice.
            ("Africa/Cairo", "2026-10-29T20:30:00Z", "2026-10-29T22:00:00Z"),
            ("America/Sao_Paulo", "2019-02-17T01:30:00Z", "2019-02-17T03:00:00Z"),
            // The furthest ends of the world, and a day that never was.
            ("Pacific/Kiritimati", "2026-11-20T09:59:00Z", "2026-11-20T10:00:00Z"),
            ("Pacific/Pago_Pago", "2026-11-20T10:59:00Z", "2026-11-20T11:00:00Z"),
            ("Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z"),
        ] {
            // The name alone, and beside an offset that must not count.
            for details in [json!({"timeZone": zone}), json!({"timeZone": zone, "utcOffsetMilliseconds": 1})] {
                assert_eq!(after(&details, now).as_deref(), Some(midnight), "{zone} {now}");
            }
        }
    }

    #[test]
    fn where_the_zone_is_unknown_the_offset_counts_and_without_both_nothing_is_known() {
        let now = "2026-11-20T12:00:00Z";
        let by_offset = json!({"timeZone": "Middle/Earth", "utcOffsetMilliseconds": -18_000_000});
        assert_eq!(after(&by_offset, now).as_deref(), Some("2026-11-21T05:00:00Z"));
        let odd = [
            json!({}),
            json!({"timeZone": "../../etc/passwd"}),
            json!({"timeZone": 7, "utcOffsetMilliseconds": "x"}),
            json!({"utcOffsetMilliseconds": i64::MAX}),
            json!({"utcOffsetMilliseconds": 999_999_999}),
            json!(null),
        ];
        for details in odd {
            assert_eq!(after(&details, now), None, "{details}");
        }
        assert_eq!(next_day(&json!({"timeZone": "UTC"}), Timestamp::MAX), None);
    }
}
