//! The command line's door for time: when a person changed something.

use crate::model::Timestamp;

/// Now, by this machine's clock.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the edge stamps what a person does; rooms below are passed the time")]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
