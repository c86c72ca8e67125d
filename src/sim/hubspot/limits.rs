//! The portal's buckets: per ten seconds, associations apart, searches per second, per day of the account's time zone;
//! and the lock on an object that is written to too fast.

use super::behaviour::Behaviour as Switches;
use super::kinds::KindRef;
use super::tokens::Bearer;
use crate::sim::clock::day_in_zone;
use crate::sim::options::Behaviour;

/// Time zone of the simulated account; its midnight ends the day.
pub(crate) const ZONE: &str = "America/New_York";
/// How long a lock lasts, in milliseconds.
const LOCK: i64 = 2_000;

/// What a request is counted as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Burst,
    Associations,
    Search,
}

#[derive(Debug, Default)]
pub(crate) struct Buckets {
    burst: Window,
    associations: Window,
    search: Window,
    day: (i16, i8, i8),
    pub today: u32,
    writes: [Window; 10],
    locked_until: [i64; 10],
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

const fn burst_of(switches: &Switches, bearer: &Bearer) -> u32 {
    if bearer.is_oauth() { switches.oauth_burst } else { switches.burst }
}

impl Buckets {
    pub fn take(&mut self, now: i64, lane: Lane, behaviour: &Behaviour, bearer: &Bearer) -> Result<(), Exceeded> {
        let day = day_in_zone(now, ZONE);
        if day != self.day {
            self.day = day;
            self.today = 0;
        }
        self.today = self.today.saturating_add(1);
        if !behaviour.limits {
            return Ok(());
        }
        let switches = &behaviour.hubspot;
        // An installed app has no daily limit.
        if self.today > switches.daily && !bearer.is_oauth() {
            return Err(Exceeded::Daily);
        }
        let (free, exceeded) = match lane {
            Lane::Search => (self.search.take(now, 1_000, switches.search_per_second), Exceeded::Secondly),
            Lane::Associations => {
                (self.associations.take(now, 10_000, switches.associations_burst), Exceeded::TenSecondly)
            }
            Lane::Burst => (self.burst.take(now, 10_000, burst_of(switches, bearer)), Exceeded::TenSecondly),
        };
        if free { Ok(()) } else { Err(exceeded) }
    }

    /// Notes a write to an object; false while it is locked.
    pub fn may_write(&mut self, now: i64, kind: KindRef, most_per_second: Option<u32>) -> bool {
        let Some(most) = most_per_second else { return true };
        let place = usize::from(kind.place);
        let (Some(until), Some(window)) = (self.locked_until.get_mut(place), self.writes.get_mut(place)) else {
            return true;
        };
        if now < *until {
            return false;
        }
        if window.take(now, 1_000, most) {
            return true;
        }
        *until = now + LOCK;
        false
    }

    pub fn headers(&self, switches: &Switches, bearer: Bearer) -> Vec<(&'static str, String)> {
        let most = burst_of(switches, &bearer);
        let left = most.saturating_sub(self.burst.used);
        let mut headers = vec![
            ("x-hubspot-ratelimit-interval-milliseconds", "10000".to_owned()),
            ("x-hubspot-ratelimit-max", most.to_string()),
            ("x-hubspot-ratelimit-remaining", left.to_string()),
            ("x-hubspot-ratelimit-secondly", (most / 10).to_string()),
            ("x-hubspot-ratelimit-secondly-remaining", (left / 10).to_string()),
        ];
        if !bearer.is_oauth() {
            let left = switches.daily.saturating_sub(self.today);
            headers.push(("x-hubspot-ratelimit-daily", switches.daily.to_string()));
            headers.push(("x-hubspot-ratelimit-daily-remaining", left.to_string()));
        }
        headers
    }
}
