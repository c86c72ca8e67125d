//! Records that are held because nobody can tell what they are the same as, and how that ends.

use std::collections::BTreeSet;

use lockstep::engine::core::Engine;
use lockstep::engine::core::command::{Batch, Row};
use lockstep::engine::core::plan::plan_record;
use lockstep::engine::core::state::IssueClass;
use lockstep::model::{RecordRef, Timestamp};

use crate::server::EPOCH;
use crate::simulation::Simulation;

/// What the worlds must meet.
pub const ENDED_BY_ANOTHER: &str = "a hold that a change of another record ended";

/// Nobody touched the held record for so long before the hold began.
const LONG: i64 = 1_200_000;

const fn is_of_identity(class: IssueClass) -> bool {
    matches!(class, IssueClass::AmbiguousMatch | IssueClass::SuspectedDuplicate)
}

/// The records that are held.
pub fn held(sim: &Simulation<'_>) -> BTreeSet<RecordRef> {
    sim.store.issues.values().filter(|issue| is_of_identity(issue.class)).map(|issue| issue.record).collect()
}

/// Counts holds that end though nobody touched what was held.
pub fn at_commit(sim: &mut Simulation<'_>, batch: &Batch) {
    let ended = batch.rows.iter().filter_map(|row| match row {
        Row::ClearIssue { record, class, .. } if is_of_identity(*class) => {
            sim.store.issues_at(*record).find(|issue| issue.class == *class)
        }
        _ => None,
    });
    let is_by_another = |(record, first): (RecordRef, Timestamp)| {
        let since = first.0 - EPOCH - LONG;
        !sim.ledger.iter().any(|raw| (raw.system, raw.record) == (record.system, record.id) && raw.at > since)
    };
    if ended.map(|issue| (issue.record, issue.first)).any(is_by_another) {
        sim.outcome.counters.saw(ENDED_BY_ANOTHER);
    }
}

/// Nothing is held for a cause that is gone: whoever looked at it for the first time now would hold it too.
pub fn i1_holds_end_with_their_cause(sim: &mut Simulation<'_>) {
    let Some(rules) = sim.engine.as_ref().map(Engine::rules) else { return };
    let now = Timestamp(EPOCH + sim.now);
    let mut outlived = Vec::new();
    for issue in sim.store.issues.values().filter(|issue| is_of_identity(issue.class)) {
        match plan_record(&sim.store, rules, issue.record, now) {
            Ok(Some(plan)) if plan.issues.iter().any(|new| new.class == issue.class) => {}
            Ok(plan) => {
                let decision = plan.map(|plan| plan.decision);
                outlived
                    .push(format!("{} is held ({}), and nothing holds it: {decision:?}", issue.record, issue.message));
            }
            Err(error) => outlived.push(error.to_string()),
        }
    }
    for text in outlived {
        sim.violate("i1_holds_end_with_their_cause", text);
    }
}
