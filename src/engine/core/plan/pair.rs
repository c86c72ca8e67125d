//! The plan for one pair: facts in, verdict out.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::fields::{Comparison, Trouble, compare};
use super::gather::{Facts, Merged};
use super::identity::Identity;
use super::kept::{awaited, held_by_right, until_read, without_paused};
use super::words::{after_merge, field_in_words, link_in_words, origin_in_words, sentence, write_in_words};
use super::{FieldNext, FieldPlan, PairDecision, PairPlan, PlannedWrite, Scope, TraceLine, scope};
use crate::engine::core::state::{Agreed, FieldWrite, IntentKind, Issue, IssueClass, Link, LinkState, Observation};
use crate::engine::core::view::{View, ViewResult};
use crate::filter::{Answer, Company, day_of};
use crate::mapping::convert::Misfit;
use crate::mapping::keys::{stamp_of, stamps_are_unique};
use crate::mapping::needs::{name_of, only_read};
use crate::mapping::normalise::normalise;
use crate::mapping::references::{NOTES, NOTES_OR_NAME};
use crate::mapping::{FieldKey, FieldRule, ObjectRules, Rules};
use crate::model::{BySystem, FieldName, RecordRef, System, Timestamp, Value};

/// Looks up the pair of `record` and says what would happen to it now. The one entry for everybody who only wants to know.
///
/// # Errors
/// When the view cannot be read.
pub fn plan_record(view: &dyn View, rules: &Rules, record: RecordRef, now: Timestamp) -> ViewResult<Option<PairPlan>> {
    let Some(object) = rules.object(record.object) else { return Ok(None) };
    let facts = Facts::gather(view, object, record, &view.open_intents()?)?;
    let plan = without_paused(explain_pair(&facts, object, now, None), &view.pauses()?);
    Ok(Some(until_read(&facts, held_by_right(&facts, plan))))
}

/// The plan for one pair, from its facts alone. `push_to`: a person wants that system to take the other's values.
#[must_use]
pub fn plan_pair(facts: &Facts, rules: &ObjectRules, now: Timestamp, push_to: Option<System>) -> PairPlan {
    planner(facts, rules, now, push_to, false).plan()
}

/// The plan for one pair as far as it depends on the workspace alone: what nobody may write, or has to read first, is kept.
#[must_use]
pub fn plan_known(facts: &Facts, rules: &ObjectRules, now: Timestamp) -> PairPlan {
    until_read(facts, held_by_right(facts, plan_pair(facts, rules, now, None)))
}

/// [`plan_pair`] with the trace of every decision.
#[must_use]
pub fn explain_pair(facts: &Facts, rules: &ObjectRules, now: Timestamp, push_to: Option<System>) -> PairPlan {
    planner(facts, rules, now, push_to, true).plan()
}

const fn planner<'a>(
    facts: &'a Facts,
    rules: &'a ObjectRules,
    now: Timestamp,
    push_to: Option<System>,
    explain: bool,
) -> Planner<'a> {
    Planner {
        facts,
        rules,
        now,
        push_to,
        explain,
        fields: Vec::new(),
        misfits: BTreeMap::new(),
        issues: Vec::new(),
        trace: Vec::new(),
    }
}

/// A number that stays the same as long as the same would be written to the same record.
#[must_use]
pub fn fingerprint(write: &PlannedWrite) -> u64 {
    let mut hasher = DefaultHasher::new();
    (write.system, write.kind, write.target, &write.stamp).hash(&mut hasher);
    for field in &write.fields {
        (&field.field, &field.after).hash(&mut hasher);
    }
    hasher.finish()
}

/// The same for one field alone.
#[must_use]
pub fn field_fingerprint(to: System, field: &FieldName, value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (to, field, value).hash(&mut hasher);
    hasher.finish()
}

/// Adds a line to the trace, where somebody asked for one: the text is not even made otherwise.
macro_rules! note {
    ($planner:ident, $stage:literal, $text:expr) => {
        if $planner.explain {
            let text: String = $text.into();
            $planner.trace.push(TraceLine { stage: $stage, text });
        }
    };
}

mod create;

/// Where a record that the other system alone makes lost its source, the next step is a person's: Lockstep deletes nothing.
fn gone_in_words(dead: &Observation, h: &Observation, c: &Observation) -> String {
    let deleted = format!("{} was deleted", dead.of);
    if only_read(dead.of.object, dead.of.system).is_none() || !h.is_live() || c.is_live() {
        return deleted;
    }
    format!("{deleted}; {} stays as it is: delete it in HubSpot if nobody wants it any more", h.of)
}

/// What ConnectWise holds. The name of an activity stands in for its notes until both sides have agreed on them: notes that
/// are emptied later are empty, and are no new text.
fn said_in_connectwise<'a>(rule: &FieldRule, c: &'a Observation, agreed: Option<&Agreed>) -> &'a Value {
    let raw = c.record.value(rule.mapping.connectwise.as_str());
    let stands_in = rule.mapping.connectwise.as_str() == NOTES_OR_NAME && c.record.value(NOTES).is_empty();
    if stands_in && agreed.is_some_and(|agreed| agreed.connectwise != *raw) { &Value::Empty } else { raw }
}

struct Planner<'a> {
    facts: &'a Facts,
    rules: &'a ObjectRules,
    now: Timestamp,
    push_to: Option<System>,
    explain: bool,
    fields: Vec<FieldPlan>,
    /// Why fields of a create cannot cross.
    misfits: BTreeMap<FieldKey, Misfit>,
    issues: Vec<Issue>,
    trace: Vec<TraceLine>,
}

impl Planner<'_> {
    fn plan(mut self) -> PairPlan {
        let scope = self.scopes();
        let decision = self.decide(&scope);
        note!(self, "next", sentence(&decision, &self.fields));
        let ids = self.facts.ids();
        PairPlan {
            object: self.rules.mapping.object,
            hubspot: ids.hubspot.map(|record| record.id),
            connectwise: ids.connectwise.map(|record| record.id),
            link: self.facts.link.as_ref().map(|link| link.id),
            name: self.name(),
            decision,
            fields: self.fields,
            scope,
            issues: self.issues,
            trace: self.trace,
        }
    }

    fn name(&self) -> String {
        let mut observed = self.facts.records.hubspot.iter().chain(&self.facts.records.connectwise);
        observed
            .find_map(|observed| name_of(observed.of.object, observed.of.system, &observed.record))
            .unwrap_or_else(|| self.facts.asked.to_string())
    }

    /// Per system to be written: does the record on the other side pass?
    fn scopes(&mut self) -> BySystem<Scope> {
        for system in System::BOTH {
            if let Some(observed) = &self.facts.records[system] {
                let flags = if observed.is_live() { "" } else { ", deleted" };
                let read = match observed.is_in_doubt() {
                    true => "to be read again".to_owned(),
                    false => format!("read {}", observed.seen),
                };
                note!(self, "read", format!("{} {read}, modified {}{flags}", observed.of, observed.record.modified));
            }
        }
        let scope = BySystem::from_fn(|to: System| {
            let Some(source) = &self.facts.records[to.other()] else { return scope::open() };
            let company = match &self.facts.companies[to.other()] {
                None => Company::None,
                Some((of, None)) => Company::Unread(*of),
                Some((_, Some(known))) => Company::Known(&known.record),
            };
            scope::judge(self.rules, source, company, self.facts.link.is_some(), self.now)
        });
        for to in System::BOTH {
            for clause in &scope[to].clauses {
                let verdict = match clause.answer {
                    Answer::Pass => "pass",
                    Answer::Fail => "fail",
                    Answer::Undecided => "cannot be decided",
                };
                let text = format!("towards {to}: {} — {verdict}, decided here ({})", clause.text, clause.value);
                note!(self, "filter", text);
            }
            if let Some(at) = scope[to].turns {
                note!(self, "filter", format!("towards {to}: looked at again by itself when {} begins", day_of(at)));
            }
            if !scope[to].clauses.is_empty() {
                let from = to.other();
                note!(self, "filter", format!("none of this is asked of {from}: what leaves a filter would be hidden"));
            }
        }
        scope
    }

    fn decide(&mut self, scope: &BySystem<Scope>) -> PairDecision {
        if let Some(open) = &self.facts.open {
            let reason = format!(
                "a write to {} ({}) is not confirmed yet",
                open.system,
                open.target.map_or_else(|| "a new record".to_owned(), |id| id.to_string())
            );
            self.show_fields();
            return PairDecision::Wait { reason };
        }
        match self.facts.link.clone() {
            Some(link) => self.decide_linked(&link, scope),
            None => self.decide_single(scope),
        }
    }

    fn decide_linked(&mut self, link: &Link, scope: &BySystem<Scope>) -> PairDecision {
        note!(self, "identity", link_in_words(link));
        if link.state == LinkState::Unlinked {
            self.show_fields();
            return PairDecision::Exclude { reason: "a person took this pair apart".to_owned() };
        }
        let (Some(h), Some(c)) = (&self.facts.records.hubspot, &self.facts.records.connectwise) else {
            return PairDecision::Wait { reason: "one side has not been read yet".to_owned() };
        };
        if let Some(dead) = [h, c].into_iter().find(|observed| !observed.is_live()) {
            self.show_fields();
            let facts = self.facts;
            if let Some(merged) = &facts.merged
                && let Some(left) = [h, c].into_iter().find(|observed| observed.is_live())
            {
                return self.hold_merged(merged, left.of);
            }
            return PairDecision::Gone { reason: gone_in_words(dead, h, c) };
        }
        let mut writes = self.compare_fields(link, h, c, scope);
        self.add_stamp(h, c, &mut writes);
        if !writes.is_empty() {
            return self.hold_back(writes);
        }
        let renewed = self.fields.iter().any(|field| field.next == FieldNext::Agree);
        if renewed || link.state == LinkState::Tomb { PairDecision::Agree } else { PairDecision::InStep }
    }

    fn compare_fields(
        &mut self,
        link: &Link,
        h: &Observation,
        c: &Observation,
        scope: &BySystem<Scope>,
    ) -> Vec<PlannedWrite> {
        let mut writes: BySystem<Vec<FieldWrite>> = BySystem::default();
        for rule in &self.rules.fields {
            let agreed = link.baseline.get(&rule.key);
            let raw =
                BySystem::new(h.record.value(rule.mapping.hubspot.as_str()), said_in_connectwise(rule, c, agreed));
            let (mut plan, trouble) = compare(&Comparison {
                object: self.rules.mapping.object,
                rule,
                partners: &self.facts.partners,
                raw,
                records: BySystem::new(&h.record, &c.record),
                agreed,
                modified: BySystem::new(
                    link.changed_by_others(System::HubSpot, h.record.modified),
                    link.changed_by_others(System::ConnectWise, c.record.modified),
                ),
                decision: self.facts.decisions.iter().find(|decision| decision.field == rule.key),
                recent: link.recent.get(&rule.key).map_or(&[], Vec::as_slice),
                object_direction: self.rules.mapping.direction,
                tie: self.rules.mapping.conflict_tie,
                in_scope: BySystem::from_fn(|to| scope[to].answer),
                push_to: self.push_to,
                now: self.now,
            });
            if let Some(trouble) = trouble {
                self.issue(Some(rule), &trouble);
            }
            if let FieldNext::Write { to, value, .. } = &plan.next
                && let Some(message) = self.resting(rule, *to, value)
            {
                plan.next = FieldNext::Stuck;
                plan.rule = message;
            }
            if let FieldNext::Write { to, value, loser } = &plan.next {
                writes[*to].push(FieldWrite {
                    key: Some(rule.key.clone()),
                    field: rule.name(*to).clone(),
                    before: raw[*to].clone(),
                    after: value.clone(),
                    source: raw[to.other()].clone(),
                    beside: rule.beside(BySystem::new(Some(&h.record), Some(&c.record))),
                    loser: loser.clone(),
                    why: plan.rule.clone(),
                });
            }
            note!(self, "field", field_in_words(&plan));
            self.fields.push(plan);
        }
        self.tell_undecided(scope);
        let pair = BySystem::new(h, c);
        System::BOTH
            .into_iter()
            .filter(|system| !writes[*system].is_empty())
            .map(|system| PlannedWrite {
                object: self.rules.mapping.object,
                system,
                kind: IntentKind::Update,
                target: Some(pair[system].of.id),
                source: pair[system.other()].of.id,
                fields: writes[system].clone(),
                stamp: None,
            })
            .collect()
    }

    /// What was said of a value that the system refused lately; it is not sent again before its time, unless a person
    /// asks.
    fn resting(&mut self, rule: &FieldRule, to: System, value: &Value) -> Option<String> {
        if self.push_to.is_some() {
            return None;
        }
        let tried = field_fingerprint(to, rule.name(to), value);
        let is_it = |issue: &&Issue| {
            issue.class == IssueClass::Rejected
                && issue.field.as_ref() == Some(&rule.key)
                && issue.fingerprint == tried
                && issue.rests(self.now)
        };
        let issue = self.facts.issues.iter().find(is_it)?;
        self.issues.push(Issue { link: self.facts.link.as_ref().map(|link| link.id), ..issue.clone() });
        Some(issue.message.clone())
    }

    /// One issue for all fields that filters without an answer hold.
    fn tell_undecided(&mut self, scope: &BySystem<Scope>) {
        let held = |to: &System| self.fields.iter().any(|field| field.next == FieldNext::Undecided { to: *to });
        let troubles = System::BOTH.into_iter().filter(held).filter_map(|to| scope::undecided(&scope[to], to));
        let both = troubles.reduce(|mut both, other| {
            both.message = format!("{} {}", both.message, other.message);
            both.hint = format!("{} {}", both.hint, other.hint);
            both
        });
        if let Some(trouble) = both {
            self.issue(None, &trouble);
        }
    }

    /// The HubSpot record must carry the key of its partner; where it doesn't, it is written with the rest. Where HubSpot
    /// has no property for it, it does without.
    fn add_stamp(&mut self, h: &Observation, c: &Observation, writes: &mut Vec<PlannedWrite>) {
        let stamp = stamp_of(c.of.object, c.of.id);
        let nowhere = self.rules.lacks.key.as_ref().is_some_and(|lack| lack.system == System::HubSpot);
        if nowhere || h.record.stamp.as_deref() == Some(&stamp) {
            return;
        }
        // of two that were made from one record the older one has it, whichever engine looks: nobody writes it back and forth
        if let Some(rival) = self.facts.rival.filter(|rival| rival.id < c.of.id) {
            note!(self, "identity", format!("{} carries the key of {rival}, which was made of it too", h.of));
            return;
        }
        note!(self, "identity", format!("{} does not carry the key {stamp} yet", h.of));
        if let Some(write) = writes.iter_mut().find(|write| write.system == System::HubSpot) {
            write.stamp = Some(stamp);
        } else {
            writes.push(PlannedWrite {
                object: self.rules.mapping.object,
                system: System::HubSpot,
                kind: IntentKind::Update,
                target: Some(h.of.id),
                source: c.of.id,
                fields: Vec::new(),
                stamp: Some(stamp),
            });
        }
    }

    fn decide_single(&mut self, scope: &BySystem<Scope>) -> PairDecision {
        let from = self.facts.asked.system;
        let to = from.other();
        self.show_fields();
        let Some(observed) = &self.facts.records[from] else {
            return PairDecision::Wait { reason: format!("{} has not been read yet", self.facts.asked) };
        };
        if !observed.is_live() {
            return PairDecision::Gone { reason: "deleted before it had a partner".to_owned() };
        }
        if let Some(loser) = self.facts.takes_over {
            return PairDecision::Wait { reason: format!("{loser} was merged into it: its link comes along first") };
        }
        if let Identity::Deleted { reason } = &self.facts.identity {
            note!(self, "identity", reason.clone());
            return PairDecision::Gone { reason: reason.clone() };
        }
        if scope[to].answer == Answer::Fail {
            return PairDecision::Exclude { reason: scope::reason(&scope[to], to) };
        }
        if scope[to].answer == Answer::Undecided
            && let Some((of, None)) = &self.facts.companies[from]
        {
            return PairDecision::Wait { reason: awaited(*of) };
        }
        if let Some(trouble) = scope::undecided(&scope[to], to) {
            return self.hold_for(trouble);
        }
        for (rule, lack) in self.rules.unasked() {
            note!(self, "identity", format!("{} is not asked: {}", rule.in_words(), lack.what));
        }
        match self.facts.identity.clone() {
            Identity::Partner { id, origin, .. } => {
                note!(self, "identity", format!("the same as {to} {id}, by {}", origin_in_words(&origin)));
                let (hubspot, connectwise) = match from {
                    System::HubSpot => (observed.of.id, id),
                    System::ConnectWise => (id, observed.of.id),
                };
                PairDecision::Link { hubspot, connectwise, origin }
            }
            Identity::Ambiguous { here, there, rule } => self.hold_ambiguous(&here, &there, &rule),
            Identity::Taken { partner, linked_with, rule } => {
                let message = format!(
                    "{to} {partner} is the same thing by {rule}, but is linked with {from} {linked_with} already."
                );
                // where HubSpot does not see to it that keys are unique, whoever copies a record there copies its key
                let hint = if from == System::HubSpot && !stamps_are_unique(observed.of.object) {
                    "Delete it in HubSpot, or, where somebody copied it on purpose, clear the key in the copy."
                } else {
                    "Merge the two in their own system, or change the key of one of them."
                };
                self.hold(IssueClass::SuspectedDuplicate, message, hint)
            }
            Identity::Deleted { reason } => PairDecision::Gone { reason },
            Identity::Copy { of } => PairDecision::Exclude {
                reason: format!("somebody copied {from} {of} in {from}, its key included: copies are left alone"),
            },
            Identity::Alone => self.decide_create(observed, to),
        }
    }

    /// Two records that each had a partner are one now: what becomes of the other partner is for a person to say.
    fn hold_merged(&mut self, merged: &Merged, left: RecordRef) -> PairDecision {
        let Merged { loser, survivor, linked_with } = merged;
        let message = format!(
            "{loser} was merged into {survivor}, which is linked with {linked_with}; {left} has no counterpart any more."
        );
        self.hold(IssueClass::Merged, message, &after_merge(left, *linked_with))
    }

    fn hold_ambiguous(
        &mut self,
        here: &[crate::model::RecordId],
        there: &[crate::model::RecordId],
        rule: &str,
    ) -> PairDecision {
        let from = self.facts.asked.system;
        let list = |ids: &[crate::model::RecordId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = match there.len() {
            0 => format!(
                "{from} {} are the same thing by {rule}; only one of them may be created in {}.",
                list(here),
                from.other()
            ),
            1 => format!("{from} {} are all the same thing as {} {} by {rule}.", list(here), from.other(), list(there)),
            n => format!("{n} records in {} are the same thing by {rule}: {}.", from.other(), list(there)),
        };
        let hint =
            "Merge the twins in their own system, or change the key of the wrong one; it goes on by itself then.";
        self.hold(IssueClass::AmbiguousMatch, message, hint)
    }

    fn hold(&mut self, class: IssueClass, message: String, hint: &str) -> PairDecision {
        self.hold_for(Trouble { class, message, hint: hint.to_owned() })
    }

    fn hold_for(&mut self, trouble: Trouble) -> PairDecision {
        note!(self, "identity", trouble.message.clone());
        self.issue(None, &trouble);
        PairDecision::Hold { reason: trouble.message }
    }

    /// Writes that failed before are not sent again before their time, unless a person asks.
    fn hold_back(&mut self, writes: Vec<PlannedWrite>) -> PairDecision {
        for write in &writes {
            note!(self, "plan", write_in_words(write));
        }
        if self.push_to.is_some() {
            return PairDecision::Write(writes);
        }
        let same_again = |issue: &&Issue| writes.iter().any(|write| fingerprint(write) == issue.fingerprint);
        let waiting = self.facts.issues.iter().find(|issue| {
            issue.rests(self.now)
                && match issue.class {
                    IssueClass::Transient => true,
                    IssueClass::Rejected | IssueClass::FalseSuccess => issue.field.is_none() && same_again(issue),
                    _ => false,
                }
        });
        match waiting {
            None => PairDecision::Write(writes),
            Some(issue) => PairDecision::Fail { reason: issue.message.clone(), next_try: issue.next_try },
        }
    }

    /// The fields as they are, for a pair that nothing is done to.
    fn show_fields(&mut self) {
        const EMPTY: &Value = &Value::Empty;
        for rule in &self.rules.fields {
            let value = |system: System| {
                let observed = self.facts.records[system].as_ref();
                observed.map_or(EMPTY, |observed| observed.record.value(rule.name(system).as_str()))
            };
            let agreed = self.facts.link.as_ref().and_then(|link| link.baseline.get(&rule.key));
            let values = BySystem::from_fn(|system| normalise(&rule.mapping, system, value(system)));
            let changed = BySystem::from_fn(|system| {
                agreed.is_some_and(|agreed| normalise(&rule.mapping, system, agreed.of(system)) != values[system])
            });
            self.fields.push(FieldPlan {
                key: rule.key.clone(),
                names: BySystem::from_fn(|system| rule.name(system).clone()),
                values,
                agreed: agreed.cloned(),
                changed,
                next: FieldNext::Same,
                rule: String::new(),
            });
        }
    }

    fn issue(&mut self, rule: Option<&FieldRule>, trouble: &Trouble) {
        let field = rule.map(|rule| rule.key.clone());
        let known = self.facts.issues.iter().find(|issue| issue.class == trouble.class && issue.field == field);
        self.issues.push(Issue {
            record: self.facts.anchor(),
            class: trouble.class,
            field,
            link: self.facts.link.as_ref().map(|link| link.id),
            message: trouble.message.clone(),
            hint: trouble.hint.clone(),
            fingerprint: 0,
            attempts: known.map_or(0, |issue| issue.attempts),
            next_try: Timestamp::MAX,
            first: known.map_or(self.now, |issue| issue.first),
            last: self.now,
        });
    }
}
