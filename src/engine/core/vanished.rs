//! A list of all records that shows none, where many were known a moment ago: an interface user that lost a permission, or
//! another tenant behind the same address, rather than somebody who deleted everything. The run stops and asks.
//!
//! Read one by one the records would be no better off: what hides a list hides them too, and every link would rest.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::command::Row;
use super::state::Verdict;
use super::state::cursor::{CursorKey, Feed, Pass};
use super::step::{Engine, Step};
use super::view::ViewResult;

impl Engine {
    /// Takes in a list that ended without a record. Returns whether the run waits for a person because of it.
    pub(super) fn holds_vanished(&mut self, step: &mut Step<'_>, key: CursorKey, pass: Pass) -> ViewResult<bool> {
        if !matches!(key.feed, Feed::Backfill | Feed::Sweep) || pass.after.is_some() {
            return Ok(false);
        }
        let known = step.view.live_records(key.object, key.system)?;
        if known <= self.rules.config.guards.vanished {
            return Ok(false);
        }
        let plan = name(key, known);
        if step.view.is_approved(&plan)? {
            step.row(Row::Approval { plan, used_by: self.run.as_ref().map(|run| run.row.id) });
            return Ok(false);
        }
        let (system, records) = (key.system, key.object.plural().to_lowercase());
        let reason = format!("{system} shows no {records} at all; {known} were known");
        self.sides[system].last_error = Some((step.now, reason.clone()));
        self.held = Some((reason.clone(), plan.clone()));
        self.end_run(step, Verdict::Held { reason, plan })?;
        Ok(true)
    }
}

/// Names what a person lets through: that these records, so many of them, are gone.
fn name(key: CursorKey, known: u64) -> String {
    let mut hasher = DefaultHasher::new();
    (key.system, key.object, known).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
