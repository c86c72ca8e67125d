//! The portal's three buckets: per ten seconds, searches per second, per day of the account's time zone.

use crate::sim::clock::day_in_zone;
use crate::sim::options::Behaviour;

/// Time zone of the simulated account; its midnight ends the day.
pub(crate) const ZONE: &str = "America/New_York";

#[derive(Debug, Default)]
pub(crate) struct Buckets {
    burst: Window,
    search: Window,
    day: (i16, i8, i8),
    pub today: u32,
}

#[derive(Debug, Default)]
struct Window {
    from: i64,
    used: u32,
}

impl Window {
    /// Takes one of `size` per `length` milliseconds; none left: false.
    const fn take(&mut self, now: i64, length: i64, size: u32) -> bool {
        if now - self.from >= length || now < self.from {
            self.from = now;
            self.used = 0;
        }
        self.used = self.used.saturating_add(1);
        self.used <= size
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exceeded {
    TenSecondly,
    Secondly,
    Daily,
}

impl Buckets {
    pub fn take(&mut self, now: i64, is_search: bool, behaviour: &Behaviour) -> Result<(), Exceeded> {
        let day = day_in_zone(now, ZONE);
        if day != self.day {
            self.day = day;
            self.today = 0;
        }
        self.today = self.today.saturating_add(1);
        if !behaviour.limits {
            return Ok(());
        }
        if self.today > behaviour.hubspot.daily {
            return Err(Exceeded::Daily);
        }
        if is_search {
            return if self.search.take(now, 1000, behaviour.hubspot.search_per_second) {
                Ok(())
            } else {
                Err(Exceeded::Secondly)
            };
        }
        if self.burst.take(now, 10_000, behaviour.hubspot.burst) { Ok(()) } else { Err(Exceeded::TenSecondly) }
    }

    pub fn headers(&self, behaviour: &Behaviour) -> [(&'static str, String); 7] {
        let left = behaviour.hubspot.burst.saturating_sub(self.burst.used);
        [
            ("x-hubspot-ratelimit-daily", behaviour.hubspot.daily.to_string()),
            ("x-hubspot-ratelimit-daily-remaining", behaviour.hubspot.daily.saturating_sub(self.today).to_string()),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000".to_owned()),
            ("x-hubspot-ratelimit-max", behaviour.hubspot.burst.to_string()),
            ("x-hubspot-ratelimit-remaining", left.to_string()),
            ("x-hubspot-ratelimit-secondly", (behaviour.hubspot.burst / 10).to_string()),
            ("x-hubspot-ratelimit-secondly-remaining", (left / 10).to_string()),
        ]
    }
}
