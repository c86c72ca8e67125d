//! What one plan means for the numbers of a test.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::report::{FieldMeasure, FieldWhat, Measure};
use crate::engine::core::plan::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite, fingerprint};
use crate::engine::core::state::{IntentKind, IssueClass};
use crate::mapping::FieldKey;
use crate::model::{BySystem, FieldName};

/// The fields of an object that the cache does not hold.
pub type Missing = BySystem<BTreeSet<FieldName>>;

/// By what is counted: a number that stays the same as long as exactly the same would happen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    pub numbers: BTreeMap<Measure, u64>,
    pub fields: BTreeMap<FieldMeasure, u64>,
}

/// Where a record ends, once what can be written is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Held,
    Excluded,
    Unknown,
    Other,
}

impl Verdict {
    /// `is_linked`: the plan is of a pair that is recognised as one first.
    #[must_use]
    pub fn of(plan: &PairPlan, is_linked: bool, missing: &Missing) -> Self {
        let mut verdict = Self::default();
        if is_linked {
            verdict.numbers.insert(Measure::Link, 0);
        }
        for write in plan.writes() {
            verdict.add_write(write);
        }
        let standing = match standing(plan, missing) {
            Standing::Held => {
                verdict.add_held(plan, missing);
                Some(Measure::Hold)
            }
            Standing::Excluded => Some(Measure::Exclude),
            Standing::Unknown => Some(Measure::Unknown),
            Standing::Other => None,
        };
        verdict.numbers.extend(standing.map(|measure| (measure, 0)));
        verdict
    }

    fn add_write(&mut self, write: &PlannedWrite) {
        let to = write.system;
        match write.kind {
            IntentKind::Create => drop(self.numbers.insert(Measure::Create(to), fingerprint(write))),
            // a write of nothing but the partner's key is no change of the customer's data
            IntentKind::Update if write.fields.is_empty() => {}
            IntentKind::Update => drop(self.numbers.insert(Measure::Update(to), fingerprint(write))),
        }
        for field in write.fields.iter().filter(|_| write.kind == IntentKind::Update) {
            let mut hasher = DefaultHasher::new();
            field.after.hash(&mut hasher);
            let value = hasher.finish();
            let blanks = field.after.is_empty() && !field.before.is_empty();
            if blanks {
                self.numbers.insert(Measure::Blank(to), 0);
            }
            let Some(key) = &field.key else { continue };
            for what in [Some(FieldWhat::Write(to)), blanks.then_some(FieldWhat::Blank(to))].into_iter().flatten() {
                self.fields.insert(FieldMeasure { field: key.clone(), what }, value);
            }
        }
    }

    /// The fields for which a person has to act.
    fn add_held(&mut self, plan: &PairPlan, missing: &Missing) {
        let holds = |field: &&FieldPlan| match field.next {
            FieldNext::Decide | FieldNext::Undecided { .. } => true,
            FieldNext::Stuck => is_read(field, missing),
            _ => false,
        };
        let held = plan.fields.iter().filter(holds).map(|field| &field.key);
        let named = plan.issues.iter().filter_map(|issue| issue.field.as_ref());
        // a field that was never read holds nobody yet
        let unread = |key: &FieldKey| plan.fields.iter().any(|field| field.key == *key && !is_read(field, missing));
        for field in held.chain(named).filter(|key| !unread(key)) {
            self.fields.insert(FieldMeasure { field: field.clone(), what: FieldWhat::Hold }, 0);
        }
    }
}

fn standing(plan: &PairPlan, missing: &Missing) -> Standing {
    let lacks_any = !missing.hubspot.is_empty() || !missing.connectwise.is_empty();
    let has = |is_so: &dyn Fn(&FieldPlan) -> bool| plan.fields.iter().any(is_so);
    match &plan.decision {
        PairDecision::Hold { .. } if lacks_any && hinges_on_a_field(plan) => Standing::Unknown,
        PairDecision::Hold { .. } => Standing::Held,
        PairDecision::Exclude { .. } => Standing::Excluded,
        PairDecision::Fail { .. }
        | PairDecision::Wait { .. }
        | PairDecision::Gone { .. }
        | PairDecision::Paused { .. } => Standing::Other,
        // what cannot cross into a new record is left out of it, and nobody has to act
        PairDecision::Write(writes) if writes.iter().any(|write| write.kind == IntentKind::Create) => Standing::Other,
        PairDecision::InStep | PairDecision::Agree | PairDecision::Link { .. } | PairDecision::Write(_) => {
            let undecided = has(&|field| matches!(field.next, FieldNext::Undecided { .. }));
            if has(&|field| {
                field.next == FieldNext::Decide || (field.next == FieldNext::Stuck && is_read(field, missing))
            }) {
                Standing::Held
            } else if undecided {
                if lacks_any { Standing::Unknown } else { Standing::Held }
            } else if has(&|field| field.next == FieldNext::Wait) {
                Standing::Other
            } else if has(&|field| field.next == FieldNext::Frozen) {
                Standing::Excluded
            } else {
                Standing::Other
            }
        }
    }
}

/// Whether the cache holds both sides of it.
fn is_read(field: &FieldPlan, missing: &Missing) -> bool {
    !missing.hubspot.contains(&field.names.hubspot) && !missing.connectwise.contains(&field.names.connectwise)
}

/// Whether what holds a record is a field that is not there.
fn hinges_on_a_field(plan: &PairPlan) -> bool {
    plan.issues.iter().any(|issue| issue.class == IssueClass::MissingField)
}
