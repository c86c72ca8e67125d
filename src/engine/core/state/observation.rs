//! The cache: what a system last told about one of its records.

use serde::{Deserialize, Serialize};

use crate::model::{Record, RecordId, RecordRef, Timestamp};

/// A record as last observed, raw: a changed mapping needs no new read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub of: RecordRef,
    pub record: Record,
    /// When it was read, in the engine's time.
    pub seen: Timestamp,
    /// Normalised match keys, each as `rule:value`, by which the other side finds it.
    pub keys: Vec<String>,
    /// The record could no longer be read: deleted for good, or merged away.
    pub gone: bool,
    /// The record that answered in its place: it was merged into that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RecordId>,
}

impl Observation {
    /// Whether the record can take part in a sync at all.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.gone && !self.record.archived
    }

    /// Whether the record has to be read again before anything is decided about it.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.seen == Timestamp::EPOCH
    }

    /// Whether what is known of it is older than `at`. What was read in the future was read before somebody set this
    /// machine's clock back: nobody knows how long before.
    #[must_use]
    pub fn is_older_than(&self, at: Timestamp, now: Timestamp) -> bool {
        self.seen < at || self.seen > now
    }
}
