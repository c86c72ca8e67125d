//! Records to look at. A mark is removed only by an evaluation that found nothing left to do.

use serde::{Deserialize, Serialize};

use crate::model::{RecordRef, Timestamp};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirty {
    pub record: RecordRef,
    pub reason: DirtyReason,
    /// When the mark was first set, in the engine's time: the lag is the age of the oldest.
    pub since: Timestamp,
    /// Not before this moment; the past when it may be looked at now.
    pub not_before: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirtyReason {
    /// A feed showed a changed record.
    Changed,
    /// A write was answered; both sides are looked at once more.
    Written,
    /// A try that failed is due again.
    Retry,
    /// Mapping or filter changed.
    Configuration,
    /// A record it points to found its partner, or lost it.
    Parent,
    /// A person asked.
    Person,
}
