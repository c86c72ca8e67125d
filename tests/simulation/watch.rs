//! What an onlooker at the wire knows about the engine's writes: which of them may still be on their way.

use std::collections::{BTreeMap, BTreeSet};

use lockstep::engine::core::request::{Answer, AnswerBody, Failure, ItemOutcome, RequestId};
use lockstep::model::{IntentId, RecordId, RecordRef, System, Value};

/// What a write is about: the record it changes, or the record it makes a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Target(System, RecordId),
    CopyOf(System, RecordRef),
}

/// One send of one item.
#[derive(Debug, Clone)]
pub struct Shot {
    pub intent: IntentId,
    pub attempt: u32,
    pub at: i64,
    /// How far the engine's clock was off then.
    pub off: i64,
    /// It took effect, or the engine was told what became of it.
    pub settled: bool,
}

/// A value that a user wrote and that an engine's write replaced unseen.
#[derive(Debug, Clone)]
pub struct Blind {
    pub system: System,
    pub record: RecordId,
    pub field: usize,
    pub value: Value,
}

#[derive(Debug, Default)]
pub struct Watch {
    pub shots: BTreeMap<Subject, Vec<Shot>>,
    requests: BTreeMap<RequestId, Vec<(Subject, IntentId)>>,
    pub blind: Vec<Blind>,
    /// Copies made, by the system they are in and the record they were made from.
    pub copies: BTreeMap<(System, RecordRef), Vec<RecordId>>,
    /// Landings of updates, by record and field.
    pub writes: BTreeMap<(System, RecordId, usize), u32>,
    /// Pushes asked for by users.
    pub pushed: Vec<(i64, RecordRef, System)>,
    /// Survivors of merges of two linked HubSpot records, each with the ConnectWise record that is its partner from then on.
    pub heirs: Vec<(RecordId, RecordId)>,
    /// Records that a system refuses, as of the verdict.
    pub refused: BTreeSet<RecordRef>,
    /// Records that wait for a change of others that they could not be told from, as of the verdict.
    pub held: BTreeSet<RecordRef>,
    /// Writes of the silent phase.
    pub late_writes: Vec<IntentId>,
}

impl Watch {
    /// A write leaves.
    pub fn sent(&mut self, request: RequestId, subject: Subject, shot: Shot) {
        self.requests.entry(request).or_default().push((subject, shot.intent));
        self.shots.entry(subject).or_default().push(shot);
    }

    /// The engine hears of a request.
    pub fn answered(&mut self, _now: i64, answer: &Answer) {
        let Some(items) = self.requests.remove(&answer.request) else { return };
        for (subject, intent) in items {
            if tells(&answer.body, intent)
                && let Some(shots) = self.shots.get_mut(&subject)
            {
                for shot in shots.iter_mut().rev().filter(|shot| shot.intent == intent).take(1) {
                    shot.settled = true;
                }
            }
        }
    }

    /// A write took effect: it cannot do so once more.
    pub fn land(&mut self, intent: IntentId, attempt: u32) {
        let all = self.shots.values_mut().flatten();
        for shot in all.filter(|shot| shot.intent == intent && shot.attempt == attempt) {
            shot.settled = true;
        }
    }

    /// The engine died: the answers under way will reach nobody.
    pub fn died(&mut self) {
        self.requests.clear();
    }
}

/// Whether an answer says what became of that item.
fn tells(body: &AnswerBody, intent: IntentId) -> bool {
    match body {
        AnswerBody::Failed(failure) => !matches!(failure, Failure::Unknown(_)),
        AnswerBody::Written { items } => {
            items.iter().any(|(id, outcome)| *id == intent && !matches!(outcome, ItemOutcome::Unknown(_)))
        }
        _ => true,
    }
}
