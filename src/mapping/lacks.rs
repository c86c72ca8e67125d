//! What the fields that the systems have now keep a configuration from doing. A field is removed or given another type at any
//! time, whatever configuration names it: what is not there is not empty, and what cannot be asked has not answered.

use std::collections::BTreeSet;

use super::compat;
use super::config::{MatchBy, MatchRule, ObjectMapping};
use super::keys::stamps_are_unique;
use super::{needs, references};
use crate::filter::Filter;
use crate::model::{BySystem, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System};
use crate::script;

/// What one object mapping cannot count on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lacks {
    /// The fields it names that are not there.
    pub fields: BySystem<BTreeSet<FieldName>>,
    /// For each match rule, why it cannot be asked; none where it can.
    pub matching: Vec<Option<Lack>>,
    /// Why created records cannot carry the key of their counterpart.
    pub key: Option<Lack>,
}

/// A field that does not do what the configuration wants of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lack {
    pub system: System,
    /// A sentence.
    pub what: String,
}

impl Lacks {
    #[must_use]
    pub fn of(mapping: &ObjectMapping, filters: &BySystem<Option<Filter>>, schema: &BySystem<Schema>) -> Self {
        let fields = BySystem::from_fn(|system| {
            named(mapping, filters, system).into_iter().filter(|name| schema[system].lacks(name.as_str())).collect()
        });
        let matching = mapping.matching.iter().map(|rule| unaskable(rule, schema)).collect();
        let key = System::BOTH.into_iter().find_map(|system| {
            let name = mapping.stamp(system)?.as_str();
            unserved(&schema[system], name, |def| no_key_field(&schema[system], def))
        });
        Self { fields, matching, key }
    }

    /// Why a match rule cannot be asked.
    #[must_use]
    pub fn of_rule(&self, rule: usize) -> Option<&Lack> {
        self.matching.get(rule)?.as_ref()
    }
}

/// Every field of a system that a mapping, transform, match rule or filter looks at, by which people call a record, or by which
/// Lockstep finds it.
pub(super) fn named(
    mapping: &ObjectMapping,
    filters: &BySystem<Option<Filter>>,
    system: System,
) -> BTreeSet<FieldName> {
    let mut names: BTreeSet<FieldName> = mapping.fields.iter().map(|field| field.field(system).clone()).collect();
    names.extend(mapping.fields.iter().flat_map(|field| field.transform.reads(system)));
    names.extend(mapping.matching.iter().map(|rule| rule.field(system).clone()));
    // a filter towards one system looks at records of the other
    names.extend(filters[system.other()].iter().flat_map(Filter::fields));
    let script = mapping.filters.script.toward(system.other()).unwrap_or_default();
    names.extend(script::fields(script).map(FieldName::from));
    names.extend(needs::name_fields(mapping.object, system).map(FieldName::new));
    if system == System::ConnectWise && mapping.object == ObjectKind::Company {
        names.insert(FieldName::new(super::keys::IDENTIFIER));
    }
    names.extend(needs::retired(mapping.object, system).map(FieldName::new));
    if mapping.matching.iter().any(|rule| rule.by == MatchBy::CompanyText) {
        names.extend(references::day_field(mapping.object, system).map(FieldName::new));
    }
    names
}

fn unaskable(rule: &MatchRule, schema: &BySystem<Schema>) -> Option<Lack> {
    System::BOTH.into_iter().find_map(|system| {
        unserved(&schema[system], rule.field(system).as_str(), |def| no_match_field(system, rule.by, def))
    })
}

fn unserved(schema: &Schema, name: &str, unfit: impl Fn(&FieldDef) -> Option<String>) -> Option<Lack> {
    let what = match schema.field(name) {
        Some(def) => unfit(def)?,
        None if schema.lacks(name) => schema.lack(name),
        None => return None,
    };
    Some(Lack { system: schema.system, what })
}

/// Why records cannot be matched by a field as it is.
#[must_use]
pub fn no_match_field(system: System, by: MatchBy, def: &FieldDef) -> Option<String> {
    let amount = matches!(def.kind, FieldKind::Number | FieldKind::Integer);
    let suits = compat::is_text(def.kind) || (amount && by != MatchBy::Host);
    let (name, word) = (&def.name, def.kind.word());
    (!suits).then(|| format!("`{name}` of {system} is a {word} field: records can't be matched by it."))
}

/// Why a field as it is cannot carry the key of the counterpart.
fn no_key_field(schema: &Schema, def: &FieldDef) -> Option<String> {
    no_writable_text(schema, def).or_else(|| not_unique(schema, def))
}

pub(super) fn no_writable_text(schema: &Schema, def: &FieldDef) -> Option<String> {
    let carries = compat::is_text(def.kind) && !def.read_only;
    let (system, name) = (schema.system, &def.name);
    (!carries).then(|| format!("`{name}` of {system} can't carry a key: it must be a text that can be written."))
}

pub(super) fn not_unique(schema: &Schema, def: &FieldDef) -> Option<String> {
    let repeats = schema.system == System::HubSpot && stamps_are_unique(schema.object) && !def.unique;
    repeats.then(|| format!("`{}` of {} does not have unique values.", def.name, schema.system))
}
