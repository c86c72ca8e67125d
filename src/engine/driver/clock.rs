//! The door through which time comes in: the wall clock once, then a clock that only goes forward.

use std::time::Instant;

use crate::model::Timestamp;

/// The engine's clock. Cheap to copy; all copies agree. A step of the wall clock does not move it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    wall: Timestamp,
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the engine's door to the clock")]
    pub fn start() -> Self {
        let wall = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Self { began: Instant::now(), wall: Timestamp(wall) }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall + self.began.elapsed()
    }
}
