//! Days that depend on the day on which somebody asks: `today`, `today - 30 days`, `this month`. A day is a day in UTC, and a
//! week begins on Monday.
//!
//! Knows no clock: the day is handed in.

use std::fmt;

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};

use crate::model::Timestamp;

/// The farthest `today` can be moved, in its unit.
pub const MOST_STEPS: i32 = 10_000;
/// Nobody waits longer for a verdict to turn.
const HORIZON_DAYS: i32 = 36_525;

/// Days that move along with today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relative {
    /// `today`, and so many units earlier or later. Where a month has no such day, its last one.
    Day { steps: i32, unit: Unit },
    /// All days of one: -1 is the last one, 0 this one, 1 the next one.
    Period { steps: i32, unit: Unit },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// `day` or `days`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let one = word.strip_suffix('s').unwrap_or(&word);
        Self::ALL.into_iter().find(|unit| unit.word() == one)
    }

    fn span(self, steps: i32) -> Span {
        match self {
            Self::Day => steps.days(),
            Self::Week => steps.weeks(),
            Self::Month => steps.months(),
            Self::Quarter => (steps * 3).months(),
            Self::Year => steps.years(),
        }
    }

    /// The first day of the one that `day` lies in.
    fn first(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i32::from(day.weekday().to_monday_zero_offset()).days()),
            Self::Month => day.first_of_month(),
            Self::Quarter => date(day.year(), (day.month() - 1) / 3 * 3 + 1, 1),
            Self::Year => day.first_of_year(),
        }
    }
}

impl Relative {
    pub const TODAY: Self = Self::Day { steps: 0, unit: Unit::Day };

    /// The first and the last day that are meant.
    #[must_use]
    pub fn days(self, today: Date) -> (Date, Date) {
        match self {
            Self::Day { steps, unit } => {
                let day = today.saturating_add(unit.span(steps));
                (day, day)
            }
            Self::Period { steps, unit } => {
                let first = unit.first(today).saturating_add(unit.span(steps));
                (first, first.saturating_add(unit.span(1)).saturating_sub(1.day()))
            }
        }
    }

    /// The days after `today` on which something turns for the value `held`: when its day comes to be among those that are
    /// meant, and when it is behind them. At most two.
    pub fn turns(self, held: Date, today: Date) -> impl Iterator<Item = Date> {
        let reaches = move |day| self.days(day).1 >= held;
        let passes = move |day| self.days(day).0 > held;
        [first_day(today, reaches), first_day(today, passes)].into_iter().flatten()
    }
}

/// The first day after `today` on which something holds that holds for ever then; none where it holds already, or does not
/// within a lifetime.
fn first_day(today: Date, holds: impl Fn(Date) -> bool) -> Option<Date> {
    let on = |ahead: i32| today.saturating_add(ahead.days());
    if holds(today) || !holds(on(HORIZON_DAYS)) {
        return None;
    }
    let (mut before, mut after) = (0, HORIZON_DAYS);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if holds(on(middle)) {
            after = middle;
        } else {
            before = middle;
        }
    }
    Some(on(after))
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Day { steps: 0, .. } => f.write_str("today"),
            Self::Day { steps, unit } => {
                let (sign, many) = (if steps < 0 { '-' } else { '+' }, steps.unsigned_abs());
                let plural = if many == 1 { "" } else { "s" };
                write!(f, "today {sign} {many} {}{plural}", unit.word())
            }
            Self::Period { steps, unit } => {
                let which = match steps {
                    ..0 => "last",
                    0 => "this",
                    1.. => "next",
                };
                write!(f, "{which} {}", unit.word())
            }
        }
    }
}

/// The day in UTC.
#[must_use]
pub fn day_of(now: Timestamp) -> Date {
    let instant = jiff::Timestamp::from_millisecond(now.0);
    instant.map_or(if now.0 < 0 { Date::MIN } else { Date::MAX }, |instant| {
        instant.to_zoned(jiff::tz::TimeZone::UTC).date()
    })
}

/// When a day begins.
#[must_use]
pub fn start_of(day: Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(Timestamp::MAX, |start| Timestamp(start.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn days_move_along_with_today() {
        let day = |steps, unit| Relative::Day { steps, unit };
        let period = |steps, unit| Relative::Period { steps, unit };
        let cases = [
            (Relative::TODAY, "2026-11-28", "2026-11-28", "2026-11-28"),
            (day(-30, Unit::Day), "2026-11-28", "2026-10-29", "2026-10-29"),
            (day(-1, Unit::Month), "2026-03-31", "2026-02-28", "2026-02-28"),
            (day(1, Unit::Quarter), "2026-11-30", "2027-02-28", "2027-02-28"),
            (period(0, Unit::Week), "2026-11-29", "2026-11-23", "2026-11-29"),
            (period(0, Unit::Week), "2026-11-30", "2026-11-30", "2026-12-06"),
            (period(-1, Unit::Month), "2026-03-31", "2026-02-01", "2026-02-28"),
            (period(0, Unit::Quarter), "2026-11-28", "2026-10-01", "2026-12-31"),
            (period(1, Unit::Year), "2026-11-28", "2027-01-01", "2027-12-31"),
            (day(10_000, Unit::Year), "2026-11-28", "9999-12-31", "9999-12-31"),
        ];
        for (relative, today, first, last) in cases {
            let (found_first, found_last) = relative.days(today.parse().unwrap());
            assert_eq!((found_first.to_string(), found_last.to_string()), (first.into(), last.into()), "{relative}");
        }
    }

    #[test]
    fn a_day_is_one_in_utc() {
        let at = |text: &str| Timestamp::parse_rfc3339(text).unwrap();
        for text in ["2026-11-28T00:00:00Z", "2026-11-28T23:59:59.999Z", "2026-11-29T00:30:00+01:00"] {
            assert_eq!(day_of(at(text)).to_string(), "2026-11-28", "{text}");
        }
        assert_eq!(start_of("2026-11-28".parse().unwrap()), at("2026-11-28T00:00:00Z"));
        assert_eq!(day_of(Timestamp::MAX), Date::MAX);
    }

    #[test]
    fn the_next_turn_is_the_first_day_on_which_it_is_otherwise() {
        let relatives = Unit::ALL.into_iter().flat_map(|unit| {
            let days = [-400, -31, -1, 0, 1, 45].map(|steps| Relative::Day { steps, unit });
            days.into_iter().chain([-1, 0, 1].map(|steps| Relative::Period { steps, unit }))
        });
        let today: Date = "2026-01-31".parse().unwrap();
        for relative in relatives {
            for ahead in (-900_i32..900).step_by(37) {
                let held = today.saturating_add(ahead.days());
                let stands = |day| {
                    let (first, last) = relative.days(day);
                    (last >= held, first > held)
                };
                let next = relative.turns(held, today).min();
                let by_hand =
                    (1_i32..1_500).map(|n| today.saturating_add(n.days())).find(|day| stands(*day) != stands(today));
                let next = next.filter(|day| *day < today.saturating_add(1_500_i32.days()));
                assert_eq!(next, by_hand, "{relative} for {held}");
            }
        }
    }
}
