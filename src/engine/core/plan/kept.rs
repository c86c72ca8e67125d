//! What keeps a pair from what its plan says: a person's pause, a right that is missing, or a record that has to be read
//! first.

use super::gather::Facts;
use super::words::sentence;
use super::{PairDecision, PairPlan, PlannedWrite, TraceLine};
use crate::engine::core::state::{IssueClass, LinkState};
use crate::model::{Pauses, RecordRef};

/// Whether a right is still missing only the engine finds out; until then it is what keeps the pair.
pub(super) fn held_by_right(facts: &Facts, plan: PairPlan) -> PairPlan {
    let untouched = matches!(plan.decision, PairDecision::Exclude { .. } | PairDecision::Gone { .. });
    let Some(issue) = facts.issue(IssueClass::Permission).filter(|_| !untouched && facts.open.is_none()) else {
        return plan;
    };
    let PairPlan { mut issues, .. } = plan;
    issues.push(issue.clone());
    decided(PairDecision::Hold { reason: issue.message.clone() }, PairPlan { issues, ..plan })
}

/// The plan without the writes that a person paused, each told in the trace. What is left is still done.
#[must_use]
pub fn without_paused(plan: PairPlan, pauses: &Pauses) -> PairPlan {
    let stopping = |write: &PlannedWrite| pauses.stops(write.object, write.system);
    let (PairDecision::Write(writes), false) = (&plan.decision, pauses.is_empty()) else { return plan };
    let stopped: Vec<_> = writes.iter().filter_map(|write| Some((write.system, stopping(write)?))).collect();
    let Some((_, first)) = stopped.first() else { return plan };
    let reason = first.reason();
    let told = stopped.iter().map(|(to, pause)| {
        let text = format!("nothing is written to {to}: {}. `{}` lets it go on.", pause.reason(), pause.way_out());
        TraceLine { stage: "pause", text }
    });
    let told: Vec<_> = told.collect();
    let left: Vec<_> = writes.iter().filter(|write| stopping(write).is_none()).cloned().collect();
    let decision = if left.is_empty() { PairDecision::Paused { reason } } else { PairDecision::Write(left) };
    let mut plan = decided(decision, plan);
    if let Some(at) = plan.trace.iter().position(|line| line.stage == "next") {
        plan.trace.splice(at..at, told);
    }
    plan
}

/// Nothing is decided about a pair by what was read of it before: one of its records is in doubt.
#[must_use]
pub fn until_read(facts: &Facts, plan: PairPlan) -> PairPlan {
    let is_kept = facts.open.is_some()
        || facts.issue(IssueClass::Permission).is_some()
        || facts.link.as_ref().is_some_and(|link| link.state == LinkState::Unlinked);
    let Some(of) = facts.in_doubt().filter(|_| !is_kept) else { return plan };
    let unreadable = facts.issue(IssueClass::Unreadable).cloned();
    let reason = unreadable.as_ref().map_or_else(|| awaited(of), |issue| issue.message.clone());
    let PairPlan { mut issues, .. } = plan;
    issues.extend(unreadable);
    decided(PairDecision::Wait { reason }, PairPlan { issues, ..plan })
}

/// What a pair waits for while a record is in doubt.
#[must_use]
pub fn awaited(of: RecordRef) -> String {
    format!("{of} is read again before anything is decided")
}

/// The plan with another decision.
fn decided(decision: PairDecision, plan: PairPlan) -> PairPlan {
    let PairPlan { mut trace, .. } = plan;
    if let Some(next) = trace.iter_mut().find(|line| line.stage == "next") {
        *next = TraceLine { stage: "next", text: sentence(&decision, &plan.fields) };
    }
    PairPlan { decision, trace, ..plan }
}
