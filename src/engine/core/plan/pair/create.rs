//! A record without a partner: what would be made of it in the other system, and what keeps it from being made.

use super::super::fields::{Trouble, several_hint};
use super::super::{FieldNext, FieldPlan, PairDecision, PlannedWrite, TraceLine};
use super::Planner;
use crate::engine::core::state::{FieldWrite, IntentKind, IssueClass, Observation};
use crate::mapping::convert::{Misfit, Said, convert, decided};
use crate::mapping::keys::{IDENTIFIER, stamp_of};
use crate::mapping::needs::{Need, awaited, needs, remedy};
use crate::mapping::normalise::match_value;
use crate::mapping::{Absent, Lack, MatchRule, references};
use crate::model::{BySystem, FieldName, ObjectKind, System, Value, no_such_field};

impl Planner<'_> {
    pub(super) fn decide_create(&mut self, observed: &Observation, to: System) -> PairDecision {
        note!(self, "identity", format!("nothing in {to} is the same thing"));
        if !self.rules.mapping.direction.writes(to) || !self.rules.mapping.create.allows(to) {
            return PairDecision::Exclude { reason: format!("the mapping creates no records in {to}") };
        }
        if self.push_to.is_some_and(|wanted| wanted != to) {
            return PairDecision::Hold { reason: format!("there is nothing in {to} to push from") };
        }
        if let Some(trouble) = self.keyless(to).or_else(|| self.unseen_twin(observed, to)) {
            return self.hold_for(trouble);
        }
        let fields = self.create_fields(observed, to);
        if let Some(need) = lacking(self.rules.mapping.object, &fields, to) {
            return self.without(need, to);
        }
        if let Some(decision) = self.unready(to) {
            return decision;
        }
        self.hold_back(vec![PlannedWrite {
            object: self.rules.mapping.object,
            system: to,
            kind: IntentKind::Create,
            target: None,
            source: observed.of.id,
            fields,
            stamp: Some(stamp_of(observed.of.object, observed.of.id)),
        }])
    }

    /// Nothing is made that could not be recognised as made already.
    fn keyless(&self, to: System) -> Option<Trouble> {
        let Lack { system, what } = self.rules.lacks.key.as_ref()?;
        Some(Trouble {
            class: IssueClass::MissingField,
            message: format!("Nothing is created in {to} while no key can tell that it was: {what}"),
            hint: format!(
                "Connect {system} again: that puts the field right or says why not. It goes on by itself then."
            ),
        })
    }

    /// Nothing is made while a rule that might know its twin cannot be asked. One for which the record has no value would
    /// know none.
    fn unseen_twin(&self, observed: &Observation, to: System) -> Option<Trouble> {
        let from = to.other();
        let might_know = |rule: &MatchRule, lack: &Lack| {
            let field = rule.field(from);
            let is_unknown = lack.system == from || self.rules.lacks.fields[from].contains(field);
            is_unknown || match_value(rule.by, observed.record.value(field.as_str())).is_some()
        };
        let (rule, Lack { system, what }) = self.rules.unasked().find(|(rule, lack)| might_know(rule, lack))?;
        Some(Trouble {
            class: IssueClass::MissingField,
            message: format!(
                "Nothing is created in {to} while the match rule {} cannot tell whether it is there already: {what}",
                rule.in_words()
            ),
            hint: format!(
                "Put the field right in {system}, or match by another one and deploy; it goes on by itself then."
            ),
        })
    }

    /// Not made yet: a record that it points to has no partner, and it is not made without it.
    fn unready(&mut self, to: System) -> Option<PairDecision> {
        let names = awaited(self.rules.mapping.object, to);
        let about = |field: &&FieldPlan| names.contains(&field.names[to].as_str());
        let field = self
            .fields
            .iter()
            .filter(about)
            .find(|field| !matches!(field.next, FieldNext::Write { .. } | FieldNext::Same))?;
        let key = field.key.clone();
        match self.misfits.remove(&key) {
            Some(Misfit::NoPartner { reason, awaited: true }) => Some(PairDecision::Wait { reason }),
            Some(Misfit::NoPartner { reason, awaited: false }) => Some(PairDecision::Exclude { reason }),
            Some(Misfit::Several { count }) => {
                let rule = self.rules.field(&key)?;
                let object = self.rules.mapping.object;
                let message = format!("{to} takes a {object} with one {} at most, and it has {count}.", rule.name(to));
                let hint = several_hint(object, rule);
                Some(self.hold(IssueClass::AmbiguousReference, message, &hint))
            }
            _ => None,
        }
    }

    /// Not made yet: it lacks what the system insists on.
    fn without(&mut self, need: &Need, to: System) -> PairDecision {
        let about = |field: &&FieldPlan| need.any_of.contains(&field.names[to].as_str());
        let object = self.rules.mapping.object;
        if let Some(field) = self.fields.iter().filter(about).find(|field| field.next == FieldNext::Wait) {
            return PairDecision::Wait { reason: field.rule.clone() };
        }
        let stuck = self.fields.iter().filter(about).find(|field| field.next == FieldNext::Stuck);
        let Some(field) = stuck else {
            let message = format!("{to} takes no {object} without {}, and this record gives none.", need.what);
            return self.hold(IssueClass::MissingRequired, message, remedy(need));
        };
        let (why, key) = (field.rule.trim_end_matches('.').to_owned(), field.key.clone());
        match self.misfits.remove(&key) {
            Some(Misfit::NoPartner { reason, awaited: false }) => PairDecision::Exclude { reason },
            Some(Misfit::Several { .. }) => {
                let rule = self.rules.field(&key);
                let hint = rule.map(|rule| several_hint(object, rule)).unwrap_or_default();
                self.hold(
                    IssueClass::AmbiguousReference,
                    format!("{to} takes no {object} without {}: {why}.", need.what),
                    &hint,
                )
            }
            _ => {
                let message =
                    format!("{to} takes no {object} without {}, and this record's cannot cross: {why}.", need.what);
                let hint = "Change it in its own system, or the mapping of the field.";
                self.hold(IssueClass::MissingRequired, message, hint)
            }
        }
    }

    fn create_fields(&mut self, observed: &Observation, to: System) -> Vec<FieldWrite> {
        let from = to.other();
        let mut writes = Vec::new();
        for (at, rule) in self.rules.fields.iter().enumerate() {
            if !self.rules.may_write(rule, to) {
                continue;
            }
            if let Some(Absent { system, field }) = &rule.absent {
                self.fields[at].next = FieldNext::Stuck;
                self.fields[at].rule = no_such_field(*system, self.rules.mapping.object, field.as_str());
                continue;
            }
            let raw = observed.record.value(rule.name(from).as_str());
            let said = Said::of(raw, &observed.record);
            let (value, why) = match convert(rule, from, said, &Value::Empty, &self.facts.partners) {
                Ok(Value::Empty) => match rule.mapping.default.of(to) {
                    Some(text) => (Value::text(text), "the default for an empty value"),
                    None => continue,
                },
                Ok(value) => match decided(rule, from, said) {
                    Some(how) => {
                        note!(self, "field", format!("{}: {how}", rule.key));
                        (value, "new record, as the value map decides")
                    }
                    None => (value, "new record"),
                },
                Err(Misfit::Skipped { value }) if rule.mapping.default.of(to).is_some() => {
                    let fallback = rule.mapping.default.of(to).map_or(Value::Empty, Value::text);
                    note!(self, "field", format!("{}: \"{value}\" has no partner in {to}", rule.key));
                    (fallback, "the default for a value without a partner")
                }
                Err(misfit) => {
                    self.note_misfit(at, to, misfit);
                    continue;
                }
            };
            if let Some(message) = self.resting(rule, to, &value) {
                note!(self, "field", format!("{}: left out, {message}", rule.key));
                self.fields[at].next = FieldNext::Stuck;
                self.fields[at].rule = message;
                continue;
            }
            self.fields[at].next = FieldNext::Write { to, value: value.clone(), loser: None };
            why.clone_into(&mut self.fields[at].rule);
            writes.push(FieldWrite {
                key: Some(rule.key.clone()),
                field: rule.name(to).clone(),
                before: Value::Empty,
                after: value,
                source: raw.clone(),
                beside: rule.beside(BySystem::from_fn(|system| (system == from).then_some(&observed.record))),
                loser: None,
                why: why.to_owned(),
            });
        }
        if to == System::ConnectWise
            && let Some(identifier) = &self.facts.identifier
        {
            writes.push(FieldWrite {
                key: None,
                field: FieldName::new(IDENTIFIER),
                before: Value::Empty,
                after: Value::text(identifier.clone()),
                source: Value::Empty,
                beside: BySystem::default(),
                loser: None,
                why: "made from the name".to_owned(),
            });
        }
        writes
    }

    /// A field that a create leaves out because its value cannot cross.
    fn note_misfit(&mut self, at: usize, to: System, misfit: Misfit) {
        let rule = &self.rules.fields[at];
        let text = match &misfit {
            Misfit::Unmapped { value } | Misfit::Skipped { value } => format!("\"{value}\" has no partner in {to}"),
            Misfit::Unordered { values } => format!("of {values} none is in the order of the value map"),
            Misfit::TooLong { length, limit } => format!("{length} characters, {to} takes {limit}"),
            Misfit::NotA { what, value } => format!("\"{value}\" is not a {what}"),
            Misfit::NoPartner { reason, .. } => reason.clone(),
            Misfit::Transform { name, why, .. } => format!("its transform stops at \"{name}\": {why}"),
            Misfit::Several { count } if references::holds_all(rule.name(System::HubSpot).as_str()) => {
                format!("it is associated with {count} records, none of which belongs to its company")
            }
            Misfit::Several { count } => format!("it is associated with {count} records, none of them the primary one"),
        };
        self.trace.push(TraceLine { stage: "field", text: format!("{}: left out, {text}", rule.key) });
        self.fields[at].next = match misfit {
            Misfit::Skipped { .. } => FieldNext::Tolerate,
            Misfit::NoPartner { awaited: true, .. } => FieldNext::Wait,
            _ => FieldNext::Stuck,
        };
        self.misfits.insert(rule.key.clone(), misfit);
        self.fields[at].rule = text;
    }
}

/// What a create lacks that the system insists on.
fn lacking(object: ObjectKind, fields: &[FieldWrite], to: System) -> Option<&'static Need> {
    let has = |name: &&str| fields.iter().any(|write| write.field.as_str() == *name && !write.after.is_empty());
    needs(object, to).iter().find(|need| !need.any_of.iter().any(has))
}
