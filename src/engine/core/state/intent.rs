//! The journal: every remote write, committed before its first byte leaves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mapping::FieldKey;
use crate::model::{
    BySystem, FieldName, Fields, IntentId, LinkId, ObjectKind, RecordId, RecordRef, RunId, System, Timestamp, Value,
};

/// One write to one record of one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub id: IntentId,
    pub run: RunId,
    pub object: ObjectKind,
    /// The system written to.
    pub system: System,
    pub kind: IntentKind,
    /// The record of the other system that the values come from.
    pub source: RecordId,
    /// The record written to; unknown until a create is answered.
    pub target: Option<RecordId>,
    pub link: Option<LinkId>,
    pub writes: Vec<FieldWrite>,
    /// The key of the source that the write puts into the target.
    pub stamp: Option<String>,
    pub state: IntentState,
    /// Counts the sends, from 1.
    pub attempt: u32,
    /// When the last send was handed over, in the target system's time; once it [waits](Self::waits), when the wait began.
    pub sent: Timestamp,
    /// When it was last touched, in the engine's time.
    pub touched: Timestamp,
    /// Nobody knows what became of it, and since it was sent its system told the time: from then on, and not before, it
    /// counts how long it can still take effect.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waits: bool,
    /// A record that bears the key of this create and was seen while its fate was open: it took effect, whatever becomes of
    /// that record before a look-up finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_as: Option<RecordId>,
    /// What came of it, in one sentence.
    pub outcome: Option<String>,
    /// What the system made of a value, where it showed something else than what was sent: by that an undo knows whether
    /// the field was changed since.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: BTreeMap<FieldName, Value>,
}

impl Intent {
    #[must_use]
    pub const fn source_record(&self) -> RecordRef {
        RecordRef::new(self.object, self.system.other(), self.source)
    }

    #[must_use]
    pub fn target_record(&self) -> Option<RecordRef> {
        self.target.map(|id| RecordRef::new(self.object, self.system, id))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentKind {
    Create,
    Update,
}

/// Where a write stands. `Sent` and `Unknown` are open: the records involved stay untouched until they are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentState {
    /// Committed, and perhaps on the wire.
    Sent,
    /// The answer does not tell whether it took effect.
    Unknown,
    /// The system confirmed it, at once or when looked up.
    Applied,
    /// The system refused it; nothing was written.
    Rejected,
    /// It is known not to have taken effect.
    NotApplied,
    /// Given up because the reason for it is gone.
    Abandoned,
}

impl IntentState {
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Sent | Self::Unknown)
    }
}

/// One field of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldWrite {
    /// The field mapping behind it; none for what Lockstep itself needs, such as the company identifier.
    pub key: Option<FieldKey>,
    pub field: FieldName,
    /// What the target held when the write was planned.
    pub before: Value,
    pub after: Value,
    /// What the source held, as the source holds it.
    pub source: Value,
    /// What the fields held that transforms of the mapping look at beside the two, on both sides.
    #[serde(default, skip_serializing_if = "super::link::is_nothing")]
    pub beside: BySystem<Fields>,
    /// A value of the target that a policy discarded, kept so that nobody loses it silently.
    pub loser: Option<Value>,
    /// The rule that decided, in a few words.
    pub why: String,
}
