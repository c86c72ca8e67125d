//! After a change of configuration all records of the cache are decided on once more. No call is needed for that, and no
//! row either where everything stays as it is. What a pair and nobody else is concerned by is settled on the spot; what
//! means more than that is marked, and evaluated like any change.

use super::command::Row;
use super::evaluate::PAGE;
use super::plan::{Facts, PairDecision, PairPlan, plan_pair};
use super::pull::{dirty, is_unread};
use super::rest::Rest;
use super::state::{CursorKey, DirtyReason, Feed, LinkState, Status};
use super::step::{Engine, Stage, Step, rules_of};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::references::refers_to;
use crate::model::{ObjectKind, RecordRef, System};

/// How many records one step goes through where most of them are at rest.
const LONG_PAGE: usize = 5 * PAGE;

impl Engine {
    /// Whose records were last decided on with another configuration, or cannot be read any more since this run.
    pub(super) fn after_pull(&mut self, step: &Step<'_>) -> ViewResult<Stage> {
        let mut left = Vec::new();
        let unreadable = self.newly_unreadable();
        for object in self.object_kinds() {
            for system in System::BOTH {
                let key = CursorKey { system, object, feed: Feed::Backfill };
                if step.view.cursor(key)?.is_some_and(|cursor| cursor.config != self.rules.version) {
                    left.push((key, DirtyReason::Configuration));
                } else if unreadable.contains(&object) {
                    left.push((key, DirtyReason::Retry));
                }
            }
        }
        Ok(if left.is_empty() { Self::begin_evaluate() } else { Stage::Reconsider { left, after: None } })
    }

    /// One page. Ends the step: whoever waits for the engine comes between two pages.
    pub(super) fn advance_reconsider(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let Stage::Reconsider { left, after } = &self.stage else { return Ok(false) };
        let Some((key, reason)) = left.last().copied() else {
            self.stage = Self::begin_evaluate();
            return Ok(true);
        };
        let (anchors, last) = match self.pairs_at_rest(key.object, reason) {
            Some(rest) => step.view.restless_after(key.object, key.system, *after, LONG_PAGE, &rest)?,
            None => step.view.anchors_after(key.object, key.system, *after, PAGE)?,
        };
        for anchor in anchors {
            if reason == DirtyReason::Configuration {
                self.reconsider(step, anchor)?;
            } else if step.view.dirty(anchor)?.is_none_or(|mark| mark.reason == DirtyReason::Day) {
                // what is marked already is not written once more by every engine that may not read
                step.row(dirty(anchor, reason, step.now));
            }
        }
        if last.is_none()
            && reason == DirtyReason::Configuration
            && let Some(mut cursor) = step.view.cursor(key)?
        {
            cursor.config = self.rules.version;
            step.row(Row::Cursor(cursor));
        }
        if let Stage::Reconsider { left, after } = &mut self.stage {
            *after = last;
            if last.is_none() {
                left.pop();
            }
        }
        step.wake_at(step.now);
        Ok(false)
    }

    /// The pairs that need not be decided on; none where something is under way, or nobody knows what there is.
    fn pairs_at_rest(&self, object: ObjectKind, reason: DirtyReason) -> Option<Rest> {
        let is_calm = self.busy.is_empty() && self.unreadable(object).is_none();
        if reason != DirtyReason::Configuration || !is_calm {
            return None;
        }
        self.rules.object(object).and_then(Rest::of)
    }

    fn reconsider(&self, step: &mut Step<'_>, anchor: RecordRef) -> ViewResult<()> {
        let Some(handle) = self.object_rules(anchor.object) else { return Ok(()) };
        let Some(rules) = rules_of(&handle) else { return Ok(()) };
        let facts = Facts::gather(step.view, rules, anchor, &[])?;
        let plan = plan_pair(&facts, rules, step.now, None);
        let shown = is_shown_so(step, &plan)?;
        let turns = plan.turns();
        let is_noted = turns.is_none() || turns == step.view.dirty(anchor)?.map(|mark| mark.not_before);
        if !self.is_undisturbed(&facts) || !stands_for_itself(&facts, rules, &plan, shown) || !is_noted {
            step.row(dirty(anchor, DirtyReason::Configuration, step.now));
            return Ok(());
        }
        self.settle_link(step, rules, &facts, &plan);
        if !shown {
            self.show(step, &plan)?;
        }
        Ok(())
    }

    /// Whether nothing is under way with the pair, and nothing is known about it but its records.
    fn is_undisturbed(&self, facts: &Facts) -> bool {
        let is_free = |system| {
            let observed = facts.records[system].as_ref();
            !is_unread(observed) && observed.is_none_or(|observed| !self.busy.contains(&observed.of))
        };
        let known_otherwise = !facts.issues.is_empty() || !facts.decisions.is_empty();
        System::BOTH.into_iter().all(is_free) && !known_otherwise && self.unreadable(facts.asked.object).is_none()
    }
}

/// Whether the verdict means nothing to any other record, and no issue: it can be taken at once.
fn stands_for_itself(facts: &Facts, rules: &ObjectRules, plan: &PairPlan, shown: bool) -> bool {
    if !plan.issues.is_empty() {
        return false;
    }
    match (&plan.decision, &facts.link) {
        (PairDecision::InStep | PairDecision::Agree, Some(link)) => link.state == LinkState::Active,
        (PairDecision::Gone { .. }, Some(link)) => link.state == LinkState::Tomb,
        // its children know that it stays out; and one that stays out with its parent comes along when that is let in
        (PairDecision::Exclude { .. }, None) => shown && !refers(rules),
        _ => false,
    }
}

fn refers(rules: &ObjectRules) -> bool {
    rules.fields.iter().any(|rule| refers_to(rule.mapping.kind).is_some())
}

fn is_shown_so(step: &Step<'_>, plan: &PairPlan) -> ViewResult<bool> {
    let status = plan.status(step.now);
    let shown = step.view.status(status.anchor())?;
    Ok(shown.is_some_and(|shown| Status { since: shown.since, ..status } == shown))
}
