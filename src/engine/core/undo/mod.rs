//! Undo: what the journal says that Lockstep wrote is put back where nobody changed it since.
//!
//! Taken back are the updates of one write, of a record's last run, or of a whole run, field by field. A field that holds
//! what was written gets back what the write replaced; one that holds anything else is left alone and told. What cannot be
//! put back is told with what a person can do: Lockstep deletes nothing, so a record that it made stays, and so does a
//! link, because the two would never find each other again.
//!
//! What is put back is a write like any other: planned on fresh reads, guarded, journaled, verified, looked up when its
//! fate is not known. Afterwards both sides have agreed to differ: the next cycle leaves the field alone, and a new edit
//! on either side brings it to life. Directions and filters do not stand in the way: they say what crosses, and this takes
//! back what crossed. An undo is a run of its own, so taking back an undo does once more what was undone.
//!
//! [`chain`] reads the journal, [`plan`] decides, both from what they are given alone; `job`, `look` and `carry` do it.

mod carry;
pub mod chain;
mod job;
mod look;
pub mod plan;

pub use chain::{Chain, Unit};
pub(super) use job::UndoJob;

use crate::model::{FieldName, IntentId, RecordRef, RunId, Value};

/// What a person wants to have taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// One write, by its number in the journal.
    Write(IntentId),
    /// What the last run that wrote to this record or its partner wrote there.
    Record(RecordRef),
    /// All that one run wrote.
    Run(RunId),
}

/// What an undo did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoReport {
    /// The run whose writes are taken back; none where the record was never written to.
    pub of: Option<RunId>,
    /// The undo's own run; none for a preview, and where nothing was to be written.
    pub run: Option<RunId>,
    /// Every field that was written, those of one record together.
    pub fields: Vec<UndoField>,
    /// What no undo takes back, beside fields: records that were made, pairs that were linked.
    pub kept: Vec<Kept>,
    /// A guard holds it: why, and the hash of the plan that a person may approve.
    pub held: Option<(String, String)>,
    /// It ended early: why.
    pub stopped: Option<String>,
}

/// One field of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoField {
    pub record: RecordRef,
    /// What people call the record.
    pub name: String,
    /// The newest of the writes that are taken back.
    pub write: IntentId,
    pub field: FieldName,
    /// What was written.
    pub written: Value,
    /// What the field holds now.
    pub now: Value,
    /// What it would hold again.
    pub before: Value,
    pub end: UndoEnd,
}

/// What becomes of a field, or became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoEnd {
    /// It holds what was written, and would be given back what it held before.
    Restore,
    /// It was given back what it held before.
    Restored,
    /// It holds what it held before already.
    AsBefore,
    /// Somebody changed it, or its source, since.
    Changed { by: String },
    /// Lockstep has no way to put it back.
    Kept { reason: String, hint: String },
    /// The system refused to take it back, or took it and did nothing.
    Refused(String),
    /// Sent, and no word whether it took effect; it is looked up by itself.
    Unconfirmed(String),
    /// The undo did not come so far.
    NotDone(String),
}

/// Something that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The record that was made, or the HubSpot record that was linked.
    pub record: RecordRef,
    /// Its partner.
    pub partner: RecordRef,
    pub reason: String,
    /// What a person can do.
    pub hint: String,
}

impl UndoReport {
    pub(super) const fn empty(of: Option<RunId>) -> Self {
        Self { of, run: None, fields: Vec::new(), kept: Vec::new(), held: None, stopped: None }
    }

    /// Whether something of it stays as it is and a person may want to act.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        !self.kept.is_empty() || self.fields.iter().any(|field| field.end.needs_person())
    }
}

impl UndoEnd {
    /// Whether the field was not put back, though that was asked for.
    #[must_use]
    pub const fn needs_person(&self) -> bool {
        match self {
            Self::Restore | Self::Restored | Self::AsBefore => false,
            Self::Changed { .. } | Self::Kept { .. } | Self::Refused(_) | Self::Unconfirmed(_) | Self::NotDone(_) => {
                true
            }
        }
    }
}
