//! What the engine would do with one pair, and why: the one answer that the engine itself, the record screen,
//! `lockstep plan`, `lockstep explain` and a push all share.

pub mod fields;
pub mod gather;
pub mod identity;
pub mod kept;
#[cfg(test)]
mod lacks_tests;
pub mod pair;
pub mod scope;
pub mod words;

pub use gather::Facts;
pub use kept::{awaited, until_read, without_paused};
pub use pair::{explain_pair, field_fingerprint, fingerprint, plan_known, plan_pair, plan_record};

use crate::engine::core::state::{Agreed, FieldWrite, IntentKind, Issue, LinkOrigin, RecordState, Status};
use crate::filter::Answer;
use crate::mapping::FieldKey;
use crate::model::{BySystem, FieldName, LinkId, ObjectKind, RecordId, RecordRef, System, Timestamp, Value};

/// What would happen to one pair now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairPlan {
    pub object: ObjectKind,
    pub hubspot: Option<RecordId>,
    pub connectwise: Option<RecordId>,
    pub link: Option<LinkId>,
    /// What people call the record.
    pub name: String,
    pub decision: PairDecision,
    /// Every mapped field, in the order of the mapping.
    pub fields: Vec<FieldPlan>,
    /// Per system: may it be written to, as far as filters are concerned?
    pub scope: BySystem<Scope>,
    /// What needs a person, or time.
    pub issues: Vec<Issue>,
    /// Every stage's decision with the values behind it, in order; what `explain` prints.
    pub trace: Vec<TraceLine>,
}

/// One line of a decision trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// `read`, `filter`, `identity`, `field`, `guard`, `next` …
    pub stage: &'static str,
    pub text: String,
}

/// The verdict on a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairDecision {
    /// Nothing to do.
    InStep,
    /// Both sides agree on more than the baseline knows; only local rows change.
    Agree,
    /// The two are one and the same; linked locally, then compared.
    Link { hubspot: RecordId, connectwise: RecordId, origin: LinkOrigin },
    /// Remote writes, at most one per system.
    Write(Vec<PlannedWrite>),
    /// Nothing may be done to the record as a whole until a person acts, or a change comes.
    Hold { reason: String },
    /// A write like the planned one failed; it is not repeated before its time.
    Fail { reason: String, next_try: Timestamp },
    /// A filter keeps it out; which one.
    Exclude { reason: String },
    /// Waits by itself: for a parent, for certainty about an earlier write, for the time of the next try.
    Wait { reason: String },
    /// All that would be written is paused by a person; it crosses afterwards.
    Paused { reason: String },
    /// One of the two was deleted.
    Gone { reason: String },
}

/// One remote write, before it becomes an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedWrite {
    pub object: ObjectKind,
    pub system: System,
    pub kind: IntentKind,
    /// None for a create.
    pub target: Option<RecordId>,
    /// The record on the other side.
    pub source: RecordId,
    pub fields: Vec<FieldWrite>,
    /// The key of the source, where the target does not carry it yet.
    pub stamp: Option<String>,
}

/// One field of a pair: what is where, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPlan {
    pub key: FieldKey,
    pub names: BySystem<FieldName>,
    /// Normalised, as each side holds it.
    pub values: BySystem<Value>,
    pub agreed: Option<Agreed>,
    /// Which side differs from what was agreed.
    pub changed: BySystem<bool>,
    pub next: FieldNext,
    /// The rule that decided, as a short sentence.
    pub rule: String,
}

/// What happens to a field next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldNext {
    /// Nothing: both sides hold what was agreed, or the same.
    Same,
    /// Nothing remote: both sides came to the same value, the agreement is renewed.
    Agree,
    /// Written to that system.
    Write { to: System, value: Value, loser: Option<Value> },
    /// Different, and meant to stay so: a one-way field changed on its far side, an empty value that does not erase.
    Tolerate,
    /// A person chooses.
    Decide,
    /// Cannot cross as it is: the reason is in the issue.
    Stuck,
    /// Points to a record that has no partner yet; crosses when it has.
    Wait,
    /// Would be written, but a filter freezes that side.
    Frozen,
    /// Would be written, but a filter towards that side cannot be decided.
    Undecided { to: System },
}

/// Whether a record is in the scope of a direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    pub answer: Answer,
    /// Every clause, standard filters first.
    pub clauses: Vec<ScopeClause>,
    /// When a filter that depends on the day may say something else of the same record; none where it never does.
    pub turns: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeClause {
    /// Whether it is one of the filters that always apply.
    pub standard: bool,
    pub text: String,
    pub answer: Answer,
    /// The value it looked at; why it has no answer.
    pub value: String,
}

/// What a push did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushReport {
    pub record: RecordRef,
    pub plan: PairPlan,
    /// Whether anything was sent.
    pub sent: bool,
    /// What the systems answered, per write; empty for a preview or when nothing differed.
    pub outcomes: Vec<(System, Result<(), String>)>,
}

impl PairPlan {
    /// The state that people see.
    #[must_use]
    pub fn state(&self) -> RecordState {
        match &self.decision {
            PairDecision::Hold { .. } => RecordState::Held,
            PairDecision::Fail { .. } => RecordState::Failing,
            PairDecision::Exclude { .. } => RecordState::Excluded,
            PairDecision::Wait { .. } => RecordState::Waiting,
            PairDecision::Gone { .. } => RecordState::Gone,
            PairDecision::Link { .. } | PairDecision::Write(_) | PairDecision::Paused { .. } => RecordState::Pending,
            PairDecision::InStep | PairDecision::Agree => self.settled_state(),
        }
    }

    /// The state of a pair about which nothing more can be done now.
    fn settled_state(&self) -> RecordState {
        let nexts = || self.fields.iter().map(|field| &field.next);
        if nexts().any(|next| *next == FieldNext::Decide) {
            RecordState::Conflict
        } else if nexts().any(|next| matches!(next, FieldNext::Stuck | FieldNext::Undecided { .. })) {
            RecordState::Held
        } else if nexts().any(|next| *next == FieldNext::Wait) {
            RecordState::Waiting
        } else if nexts().any(|next| *next == FieldNext::Frozen) {
            RecordState::Excluded
        } else {
            RecordState::InSync
        }
    }

    /// When a filter may say something else, without anything having changed.
    #[must_use]
    pub fn turns(&self) -> Option<Timestamp> {
        System::BOTH.into_iter().filter_map(|to| self.scope[to].turns).min()
    }

    /// A few words for the list: which field, which reason.
    #[must_use]
    pub fn why(&self) -> String {
        words::why(self)
    }

    /// The row that people see.
    #[must_use]
    pub fn status(&self, since: Timestamp) -> Status {
        Status {
            object: self.object,
            hubspot: self.hubspot,
            connectwise: self.connectwise,
            link: self.link,
            name: self.name.clone(),
            state: self.state(),
            why: self.why(),
            since,
        }
    }

    /// The planned remote writes; empty when there are none.
    #[must_use]
    pub fn writes(&self) -> &[PlannedWrite] {
        match &self.decision {
            PairDecision::Write(writes) => writes,
            _ => &[],
        }
    }

    /// What this plan has to write that `now` has not, made for the same pair before the records were there that it waits
    /// for: it is written later.
    #[must_use]
    pub fn later_than(&self, now: &Self) -> Vec<PlannedWrite> {
        let rest = |write: &PlannedWrite| {
            let Some(first) = now.writes().iter().find(|first| first.system == write.system) else {
                return Some(write.clone());
            };
            let is_new = |field: &&FieldWrite| !first.fields.iter().any(|sent| sent.field == field.field);
            let fields: Vec<FieldWrite> = write.fields.iter().filter(is_new).cloned().collect();
            let kind = IntentKind::Update;
            (!fields.is_empty()).then(|| PlannedWrite { kind, fields, stamp: None, ..write.clone() })
        };
        self.writes().iter().filter_map(rest).collect()
    }
}
