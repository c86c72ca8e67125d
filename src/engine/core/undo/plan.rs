//! What an undo does to one record: pure, from the journal and from both records as they are now.

use super::chain::{Chain, Unit, Written};
use super::{UndoEnd, UndoField};
use crate::engine::core::plan::{Facts, FieldNext, FieldPlan, PlannedWrite, plan_pair};
use crate::engine::core::state::{FieldWrite, IntentKind, Link, Observation};
use crate::mapping::convert::holds;
use crate::mapping::needs::{given_once, name_of};
use crate::mapping::normalise::normalise;
use crate::mapping::references::{holds_all, refers_to};
use crate::mapping::{Absent, FieldRule, ObjectRules};
use crate::model::{BySystem, RecordRef, RunId, System, Timestamp, Value, no_such_field};

/// The verdict on one record that was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPlan {
    pub fields: Vec<UndoField>,
    /// What puts back all that can be put back; none where there is nothing.
    pub write: Option<PlannedWrite>,
}

/// Decides field by field. `facts` are those of the pair that the written record is one of, read afresh.
#[must_use]
pub fn plan_unit(facts: &Facts, rules: &ObjectRules, unit: &Unit, of: RunId, now: Timestamp) -> UnitPlan {
    let planner = Planner { facts, rules, unit, of, fields: plan_pair(facts, rules, now, None).fields };
    planner.plan()
}

/// The verdict on a record of which nothing can be decided: every field the same.
#[must_use]
pub fn undecided(unit: &Unit, name: &str, end: &UndoEnd) -> Vec<UndoField> {
    unit.chains.iter().map(|chain| told(unit.target, name, chain, &Value::Empty, end.clone())).collect()
}

struct Planner<'a> {
    facts: &'a Facts,
    rules: &'a ObjectRules,
    unit: &'a Unit,
    of: RunId,
    /// What the ordinary rules make of the pair now.
    fields: Vec<FieldPlan>,
}

impl Planner<'_> {
    fn plan(self) -> UnitPlan {
        let target = self.unit.target;
        let name = self.name();
        let in_the_way = |end| UnitPlan { fields: undecided(self.unit, &name, &end), write: None };
        let Some(link) = self.facts.link.as_ref().filter(|link| link.record(target.system) == target) else {
            return in_the_way(kept(
                format!("{target} is not part of a pair any more: it was merged into another record."),
                format!("Look at the record that it became part of in {}.", target.system),
            ));
        };
        if let Some(open) = &self.facts.open {
            let why =
                format!("an earlier write to {} is not confirmed yet; undo it again in a few minutes", open.system);
            return in_the_way(UndoEnd::NotDone(why));
        }
        let records = &self.facts.records;
        let (Some(observed), Some(source)) = (&records[target.system], &records[target.system.other()]) else {
            let unread = System::BOTH.into_iter().find(|system| records[*system].is_none());
            let unread = link.record(unread.unwrap_or(target.system));
            return in_the_way(UndoEnd::NotDone(format!("{unread} could not be read")));
        };
        if !observed.is_live() {
            return in_the_way(kept(
                format!("{target} was deleted."),
                format!("Restore it in {} first, then undo again.", target.system),
            ));
        }
        let decided: Vec<_> = self.unit.chains.iter().map(|chain| self.decide(chain, observed)).collect();
        let writes: Vec<FieldWrite> = decided
            .iter()
            .zip(&self.unit.chains)
            .filter_map(|(one, chain)| self.write(one, chain, observed, source))
            .collect();
        let fields = decided.into_iter().zip(&self.unit.chains).map(|((end, back), chain)| UndoField {
            before: back,
            ..told(target, &name, chain, observed.record.value(chain.field.as_str()), end)
        });
        UnitPlan { fields: fields.collect(), write: self.planned(link, writes) }
    }

    fn name(&self) -> String {
        let mut observed = self.facts.records.hubspot.iter().chain(&self.facts.records.connectwise);
        let named = observed.find_map(|one| name_of(one.of.object, one.of.system, &one.record));
        named.unwrap_or_else(|| self.unit.target.to_string())
    }

    /// What becomes of a field, and what it would hold again.
    fn decide(&self, chain: &Chain, observed: &Observation) -> (UndoEnd, Value) {
        let system = self.unit.target.system;
        let oldest = chain.origin().clone();
        let rule = match self.rule_of(chain) {
            Ok(rule) => rule,
            Err(end) => return (end, oldest),
        };
        let now = observed.record.value(chain.field.as_str());
        let (back, all) = walk_back(rule, system, chain, now);
        if back == *now {
            let changed = || UndoEnd::Changed { by: self.changed_by(observed) };
            return (if all { UndoEnd::AsBefore } else { changed() }, if all { back } else { oldest });
        }
        if let Some(by) = self.newer_source(rule) {
            return (UndoEnd::Changed { by }, back);
        }
        if let Some(end) = self.cannot_hold(rule, &back) {
            return (end, back);
        }
        (UndoEnd::Restore, back)
    }

    /// The mapping of a field; without one nothing is known of what the field holds now.
    fn rule_of(&self, chain: &Chain) -> Result<&FieldRule, UndoEnd> {
        let (target, field) = (self.unit.target, &chain.field);
        let Some(rule) = chain.key.as_ref().and_then(|key| self.rules.field(key)) else {
            return Err(kept(
                format!("{field} is not mapped any more, so what it holds now is not known."),
                format!("Set it in {} by hand, or map it again, deploy, and undo once more.", target.system),
            ));
        };
        if let Some(why) = given_once(target.object, target.system, field.as_str()) {
            return Err(kept(
                format!("{field}: {why}."),
                format!("Look at the {} in {}.", target.object, target.system),
            ));
        }
        match &rule.absent {
            Some(Absent { system, field }) => Err(kept(
                no_such_field(*system, target.object, field.as_str()),
                format!("Make it again in {system}, then undo once more."),
            )),
            None => Ok(rule),
        }
    }

    /// The source holds a newer value that has not crossed: it would be written over what was put back, or be forgotten.
    fn newer_source(&self, rule: &FieldRule) -> Option<String> {
        let to = self.unit.target.system;
        let from = to.other();
        let plan = self.fields.iter().find(|plan| plan.key == rule.key)?;
        let crosses = match &plan.next {
            FieldNext::Write { to: over, .. } => *over == to,
            FieldNext::Decide
            | FieldNext::Stuck
            | FieldNext::Wait
            | FieldNext::Frozen
            | FieldNext::Undecided { .. } => true,
            FieldNext::Same | FieldNext::Agree | FieldNext::Tolerate => false,
        };
        (crosses && plan.changed[from]).then(|| format!("in {from}, and that has not crossed to {to} yet"))
    }

    /// Why a field cannot be brought to hold that again.
    fn cannot_hold(&self, rule: &FieldRule, back: &Value) -> Option<UndoEnd> {
        let target = self.unit.target;
        let parent = refers_to(rule.mapping.kind).filter(|_| target.system == System::HubSpot)?;
        let name = rule.name(System::HubSpot);
        if !holds_all(name.as_str()) && !back.is_empty() {
            return None;
        }
        Some(kept(
            format!("Lockstep takes no {} away from its {parent}.", target.object),
            format!("Remove the association from {} {} in HubSpot by hand.", target.object, target.id),
        ))
    }

    /// Who changed the record last, as far as its system tells.
    fn changed_by(&self, observed: &Observation) -> String {
        let system = observed.of.system;
        let own = self.facts.link.as_ref().and_then(|link| link.own[system]);
        let by_others = own.is_none_or(|own| own.modified != observed.record.modified);
        match observed.record.modified_by.as_ref().filter(|_| by_others) {
            Some(who) => format!("in {system}, where {who} changed the record last"),
            None => format!("in {system}"),
        }
    }

    fn write(
        &self,
        (end, back): &(UndoEnd, Value),
        chain: &Chain,
        observed: &Observation,
        source: &Observation,
    ) -> Option<FieldWrite> {
        let rule = chain.key.as_ref().and_then(|key| self.rules.field(key)).filter(|_| *end == UndoEnd::Restore)?;
        Some(FieldWrite {
            key: Some(rule.key.clone()),
            field: chain.field.clone(),
            before: observed.record.value(chain.field.as_str()).clone(),
            after: back.clone(),
            // from here on both sides agree to differ
            source: source.record.value(rule.name(source.of.system).as_str()).clone(),
            beside: rule.beside(BySystem::from_fn(|system| {
                Some(if system == source.of.system { &source.record } else { &observed.record })
            })),
            loser: None,
            why: format!("undo of run {}", self.of),
        })
    }

    fn planned(&self, link: &Link, fields: Vec<FieldWrite>) -> Option<PlannedWrite> {
        let target = self.unit.target;
        (!fields.is_empty()).then(|| PlannedWrite {
            object: target.object,
            system: target.system,
            kind: IntentKind::Update,
            target: Some(target.id),
            source: link.id_in(target.system.other()),
            fields,
            stamp: None,
        })
    }
}

/// What a field holds once its writes are taken back, newest first, as far as each of them still stands; and whether all
/// of them do.
fn walk_back(rule: &FieldRule, system: System, chain: &Chain, now: &Value) -> (Value, bool) {
    let is = |value: &Value| normalise(&rule.mapping, system, value);
    if is(now) == is(chain.origin()) {
        // all of them were taken back before
        return (now.clone(), true);
    }
    let mut back = now.clone();
    for written in chain.writes() {
        if is_as_written(rule, system, written, &back) {
            back = written.before.clone();
        } else if is(&back) != is(&written.before) {
            return (back, false);
        }
    }
    (back, true)
}

/// Whether a field still holds what was written: what was sent, or what its system showed of that right after.
fn is_as_written(rule: &FieldRule, system: System, written: &Written, now: &Value) -> bool {
    let is = |value: &Value| normalise(&rule.mapping, system, value);
    let now = is(now);
    match &written.shown {
        Some(shown) => now == is(shown),
        None => holds(rule, system, &now, &is(&written.after)),
    }
}

const fn kept(reason: String, hint: String) -> UndoEnd {
    UndoEnd::Kept { reason, hint }
}

fn told(record: RecordRef, name: &str, chain: &Chain, now: &Value, end: UndoEnd) -> UndoField {
    UndoField {
        record,
        name: name.to_owned(),
        write: chain.newest.write,
        field: chain.field.clone(),
        written: chain.newest.after.clone(),
        now: now.clone(),
        before: chain.origin().clone(),
        end,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(super) mod tests;
