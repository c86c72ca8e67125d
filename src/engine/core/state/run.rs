//! Runs and the history of field values.

use serde::{Deserialize, Serialize};

use super::{FieldWrite, IntentKind};
use crate::model::{BySystem, ConfigVersion, FieldName, IntentId, LinkId, RecordRef, RunId, System, Timestamp, Value};

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub kind: RunKind,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub config: ConfigVersion,
    pub counts: RunCounts,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// A regular look at both systems.
    Poll,
    /// A person pushed one record.
    Push,
    /// Reads and plans, writes nothing.
    Plan,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Running,
    Done,
    /// Ended early, with the reason; what is left is done by the next run.
    Stopped(String),
    /// A guard held it: which one, and the hash of the plan that waits for approval.
    Held {
        reason: String,
        plan: String,
    },
}

/// What a run did, or a plan would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunCounts {
    pub sides: BySystem<SideCounts>,
    /// Records that a feed showed with changed values.
    pub pulled: u64,
    pub linked: u64,
    pub unchanged: u64,
    pub excluded: u64,
    pub waiting: u64,
    pub held: u64,
    pub failed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideCounts {
    pub created: u64,
    /// Records of which mapped fields were written.
    pub updated: u64,
    /// Records that only received the key of their partner.
    pub stamped: u64,
    /// Fields emptied.
    pub cleared: u64,
    /// API calls made for this system, reads included.
    pub calls: u64,
}

impl SideCounts {
    /// Counts one write. A write of nothing but the partner's key is not an update.
    pub fn add(&mut self, kind: IntentKind, fields: &[FieldWrite]) {
        match kind {
            IntentKind::Create => self.created += 1,
            IntentKind::Update if fields.is_empty() => self.stamped += 1,
            IntentKind::Update => self.updated += 1,
        }
        self.cleared += fields.iter().filter(|field| field.after.is_empty()).count() as u64;
    }
}

/// One field value that was written, or discarded by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    pub run: RunId,
    pub intent: IntentId,
    pub link: Option<LinkId>,
    /// The record written to.
    pub record: RecordRef,
    pub system: System,
    pub field: FieldName,
    pub before: Value,
    pub after: Value,
    pub loser: Option<Value>,
    pub why: String,
    pub at: Timestamp,
}
