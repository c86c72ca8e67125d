//! The state of every pair, or single record, as people see it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{LinkId, ObjectKind, RecordId, RecordRef, System, Timestamp};

/// One row of the Records tab: a linked pair, or a record that has no partner.
///
/// Its key is the anchor: the HubSpot record where there is one, the ConnectWise record otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub object: ObjectKind,
    pub hubspot: Option<RecordId>,
    pub connectwise: Option<RecordId>,
    pub link: Option<LinkId>,
    pub name: String,
    pub state: RecordState,
    /// A few words: which field, which candidate, which clause.
    pub why: String,
    /// Since when it has been in this state, in the engine's time.
    pub since: Timestamp,
}

impl Status {
    /// The record that names this row.
    ///
    /// # Panics
    /// Never: a status is made from at least one record.
    #[must_use]
    pub fn anchor(&self) -> RecordRef {
        match (self.hubspot, self.connectwise) {
            (Some(id), _) => RecordRef::new(self.object, System::HubSpot, id),
            (None, Some(id)) => RecordRef::new(self.object, System::ConnectWise, id),
            (None, None) => RecordRef::new(self.object, System::HubSpot, RecordId(0)),
        }
    }
}

/// Where a record stands. Every state has a reason, every reason a next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    /// Both sides changed and a person must choose.
    Conflict,
    /// Needs a person for another reason.
    Held,
    /// A write failed; tried again by itself or after a change.
    Failing,
    /// A change is on its way.
    Pending,
    /// Waits for its parent, for certainty about an earlier write, or for an answer that makes sense.
    Waiting,
    /// Both sides agree.
    InSync,
    /// A filter keeps it out.
    Excluded,
    /// Deleted on one side.
    Gone,
}

impl RecordState {
    /// Most urgent first.
    pub const ALL: [Self; 8] = [
        Self::Conflict,
        Self::Held,
        Self::Failing,
        Self::Pending,
        Self::Waiting,
        Self::InSync,
        Self::Excluded,
        Self::Gone,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::InSync => "in sync",
            Self::Excluded => "excluded",
            Self::Gone => "gone",
        }
    }
}

impl fmt::Display for RecordState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
