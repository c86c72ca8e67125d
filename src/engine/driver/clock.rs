//! The door through which time comes in: the wall clock once, then a clock that only goes forward.

use std::time::Duration;

use crate::model::Timestamp;

/// The engine's clock. Cheap to copy; all copies agree. A step of the wall clock does not move it, and a machine that
/// sleeps does not stop it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Moment,
    wall: Timestamp,
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the engine's door to the clock")]
    pub fn start() -> Self {
        let wall = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Self { began: Moment::now(), wall: Timestamp(wall) }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall + self.began.elapsed()
    }
}

/// A moment of a clock that goes on while the machine sleeps. The one of the standard library does so on Windows; on Linux
/// and macOS a laptop whose lid was shut overnight would be eight hours behind.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
#[derive(Debug, Clone, Copy)]
struct Moment(Duration);

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
impl Moment {
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    /// macOS counts sleep in it, and not in the one that the standard library takes.
    #[cfg(target_vendor = "apple")]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

    fn now() -> Self {
        // both numbers are never negative: the clock counts from the start of the machine
        let since_start = rustix::time::clock_gettime(Self::CLOCK);
        let seconds = u64::try_from(since_start.tv_sec).unwrap_or(0);
        Self(Duration::new(seconds, u32::try_from(since_start.tv_nsec).unwrap_or(0)))
    }

    fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
#[derive(Debug, Clone, Copy)]
struct Moment(std::time::Instant);

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
impl Moment {
    #[expect(clippy::disallowed_methods, reason = "this is the engine's door to the clock")]
    fn now() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// What the kernel says itself, in seconds with two places: the time since it was started, with all its sleep.
    #[test]
    fn the_clock_is_the_one_that_counts_sleep() {
        let before = Moment::now().0;
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let uptime: f64 = uptime.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(-1.0);
        let after = Moment::now().0 + Duration::from_millis(20);
        assert!(before.as_secs_f64() - 0.02 <= uptime && uptime <= after.as_secs_f64(), "{before:?} {uptime}");
    }
}
