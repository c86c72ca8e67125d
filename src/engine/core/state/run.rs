//! Runs and the history of field values.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::{FieldWrite, IntentKind};
use crate::model::{
    BySystem, ConfigVersion, FieldName, IntentId, LinkId, ObjectKind, RecordRef, RunId, System, Timestamp, Value,
};

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
    /// A person took back what another run wrote.
    Undo { of: RunId },
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

/// What a run did, or a plan would do, object by object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RunCounts {
    /// What is about no object: the calls. All of a run from before objects were told apart.
    #[serde(flatten)]
    pub rest: Counts,
    #[serde(default)]
    pub objects: BTreeMap<ObjectKind, Counts>,
}

impl RunCounts {
    /// All objects together.
    #[must_use]
    pub fn total(&self) -> Counts {
        self.objects.values().fold(self.rest, |mut total, counts| {
            total += *counts;
            total
        })
    }

    /// The numbers of one object, to be changed.
    pub fn of(&mut self, object: ObjectKind) -> &mut Counts {
        self.objects.entry(object).or_default()
    }
}

/// The numbers of one object, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
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

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        let Self { sides, pulled, linked, unchanged, excluded, waiting, held, failed } = other;
        self.sides.hubspot += sides.hubspot;
        self.sides.connectwise += sides.connectwise;
        self.pulled += pulled;
        self.linked += linked;
        self.unchanged += unchanged;
        self.excluded += excluded;
        self.waiting += waiting;
        self.held += held;
        self.failed += failed;
    }
}

impl AddAssign for SideCounts {
    fn add_assign(&mut self, other: Self) {
        let Self { created, updated, stamped, cleared, calls } = other;
        self.created += created;
        self.updated += updated;
        self.stamped += stamped;
        self.cleared += cleared;
        self.calls += calls;
    }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;

    #[test]
    fn a_run_from_before_objects_were_told_apart_keeps_its_numbers() {
        let side = r#"{"created":3,"updated":14,"stamped":1,"cleared":2,"calls":9}"#;
        let old = format!(
            r#"{{"sides":{{"hubspot":{side},"connectwise":{side}}},"pulled":5,"linked":6,"unchanged":7,"excluded":8,"waiting":9,"held":10,"failed":11}}"#
        );
        let counts: RunCounts = serde_json::from_str(&old).unwrap();
        let side = SideCounts { created: 3, updated: 14, stamped: 1, cleared: 2, calls: 9 };
        let expected = Counts {
            sides: BySystem::new(side, side),
            pulled: 5,
            linked: 6,
            unchanged: 7,
            excluded: 8,
            waiting: 9,
            held: 10,
            failed: 11,
        };
        assert_eq!((counts.total(), counts.objects.len()), (expected, 0));
    }

    #[test]
    fn objects_add_up_and_survive_being_stored() {
        let mut counts = RunCounts::default();
        counts.rest.sides.hubspot.calls = 40;
        counts.of(ObjectKind::Contact).sides.hubspot.add(IntentKind::Create, &[]);
        counts.of(ObjectKind::Contact).held += 3;
        counts.of(ObjectKind::Company).sides.hubspot.add(IntentKind::Create, &[]);
        let total = counts.total();
        assert_eq!((total.sides.hubspot.created, total.sides.hubspot.calls, total.held), (2, 40, 3));
        let stored = serde_json::to_vec(&counts).unwrap();
        assert_eq!(serde_json::from_slice::<RunCounts>(&stored).unwrap(), counts);
    }
}
