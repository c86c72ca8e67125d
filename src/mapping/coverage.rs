//! How many of the values that records hold have a partner in the value map, and how many records wait for want of one.
//!
//! What records hold is counted once, whatever the map says; what the map makes of it is asked anew with every change.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::normalise::normalise;
use super::{
    AutoPairs, Direction, Exclusions, FieldKey, FieldMapping, FieldRule, Filters, ObjectMapping, Unmapped, ValueMap,
};
use crate::filter::standard::{self, Standard};
use crate::filter::{self, Answer, Filter, Subject};
use crate::model::{BySystem, ChoiceOption, FieldKind, FieldName, Record, Schema, System, Value};

/// The values of one field in one system, as comparisons see them, each with the number of records that hold it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Used {
    pub records: u64,
    /// Without the empty ones. Several options of one record are one value here.
    pub values: BTreeMap<Value, u64>,
}

/// One field of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filled {
    /// Records that hold something in it.
    pub records: u64,
    /// What the first of them holds.
    pub sample: Option<Value>,
}

/// What the cached records of an object hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// Live records looked at.
    pub records: BySystem<u64>,
    /// Every field that is in the cache.
    pub filled: BySystem<BTreeMap<FieldName, Filled>>,
    /// By field mapping with a value map, of the records that its filter lets through; none for a field that is not in the
    /// cache.
    pub used: BTreeMap<FieldKey, BySystem<Option<Used>>>,
}

/// Counts what records hold, one record after the other.
pub struct Tally {
    mapping: ObjectMapping,
    /// What always applies to records of a system.
    standard: BySystem<Vec<Standard>>,
    filters: BySystem<Option<Filter>>,
    held: Held,
}

/// What of a mapping decides what is counted: as long as it stays, the numbers do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    direction: Direction,
    filters: Filters,
    exclude: Exclusions,
    fields: Vec<(FieldKey, FieldKind)>,
    mapped: Vec<FieldKey>,
}

impl Counted {
    #[must_use]
    pub fn of(mapping: &ObjectMapping) -> Self {
        let mapped = mapping.fields.iter().filter(|field| field.values.is_some());
        Self {
            direction: mapping.direction,
            filters: mapping.filters.clone(),
            exclude: mapping.exclude.clone(),
            // what a record belongs to is a standard filter
            fields: mapping.fields.iter().map(|field| (field.key(), field.kind)).collect(),
            mapped: mapped.map(FieldMapping::key).collect(),
        }
    }
}

impl Tally {
    /// `cached` names the fields that records were read with. What depends on the day is as on `today`.
    #[must_use]
    pub fn new(
        mapping: &ObjectMapping,
        schema: &BySystem<Schema>,
        cached: &BySystem<Vec<FieldName>>,
        today: Date,
    ) -> Self {
        let filters = BySystem::from_fn(|to| {
            // one that cannot be read lets nothing be deployed, and is told elsewhere
            let expr = filter::parse(mapping.filters.toward(to)).ok()?;
            Some(filter::bind_as_far_as_it_fits(&expr, &schema[to.other()]).on(today))
        });
        let mapped = mapping.fields.iter().filter(|field| field.values.is_some());
        let used = mapped.map(|field| {
            let known = |system| cached[system].contains(field.field(system)).then(Used::default);
            (field.key(), BySystem::from_fn(known))
        });
        let held = Held {
            used: used.collect(),
            filled: BySystem::from_fn(|system| {
                cached[system].iter().map(|name| (name.clone(), Filled::default())).collect()
            }),
            records: BySystem::default(),
        };
        let standard = BySystem::from_fn(|system| {
            let gone = mapping
                .fields
                .iter()
                .map(|field| field.field(system))
                .filter(|name| schema[system].lacks(name.as_str()));
            let all = standard::all(mapping, system, &gone.cloned().collect());
            // a record that has its partner waits for one of a value whatever becomes of its keys
            all.into_iter().filter(|one| !one.unless_linked).collect()
        });
        Self { mapping: mapping.clone(), standard, filters, held }
    }

    /// Takes in a live record of `system`.
    pub fn count(&mut self, system: System, record: &Record) {
        self.held.records[system] += 1;
        for (name, value) in &record.fields {
            if let Some(filled) = self.held.filled[system].get_mut(name).filter(|_| !value.is_empty()) {
                filled.records += 1;
                filled.sample.get_or_insert_with(|| value.clone());
            }
        }
        if self.held.used.is_empty() || !self.takes_part(system, record) {
            return;
        }
        for field in self.mapping.fields.iter().filter(|field| field.values.is_some()) {
            let Some(used) = self.held.used.get_mut(&field.key()).and_then(|sides| sides[system].as_mut()) else {
                continue;
            };
            used.records += 1;
            let value = normalise(field, system, record.value(field.field(system).as_str()));
            if !value.is_empty() {
                *used.values.entry(value).or_default() += 1;
            }
        }
    }

    /// Whether the filter lets the record through, where values of its side cross at all.
    fn takes_part(&self, system: System, record: &Record) -> bool {
        let to = system.other();
        if !self.mapping.direction.writes(to) {
            return true;
        }
        self.standard[system].iter().all(|one| one.judge(record).1 == Answer::Pass)
            && self.filters[to].as_ref().is_none_or(|filter| filter.answer(&Subject::undated(record)) != Answer::Fail)
    }

    /// Whether the record is one of those that hold `key` in a field: what [`ValueUse::records`] counts.
    #[must_use]
    pub fn holds(&self, field: &FieldMapping, system: System, key: &str, record: &Record) -> bool {
        let value = normalise(field, system, record.value(field.field(system).as_str()));
        keys(&value).contains(&key) && self.takes_part(system, record)
    }

    #[must_use]
    pub fn into_held(self) -> Held {
        self.held
    }
}

/// Why two values stand for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Listed,
    Label,
    Email,
}

impl Why {
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Label => "by label",
            Self::Email => "by e-mail",
        }
    }
}

/// The value of the other system that one leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    pub key: String,
    pub label: String,
    pub why: Why,
}

/// What the schema says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    /// Can be read, should not be written.
    Inactive,
    /// Not one of the options, or not any more.
    Unknown,
    /// The field has no options: any text is a value.
    Free,
}

/// One value that records hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueUse {
    pub key: String,
    pub label: String,
    pub standing: Standing,
    pub records: u64,
    pub partner: Option<Partner>,
}

/// The values of one system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    /// Whether they cross at all, by the direction of field and object together.
    pub crosses: bool,
    pub records: u64,
    /// Records that hold something.
    pub filled: u64,
    /// Records that hold a value without a partner.
    pub without: u64,
    /// Largest gap first, then by the number of records.
    pub values: Vec<ValueUse>,
}

impl Side {
    #[must_use]
    pub fn mapped(&self) -> usize {
        self.values.iter().filter(|value| value.partner.is_some()).count()
    }

    /// Whether a record waits, or is left alone, for want of a partner.
    #[must_use]
    pub const fn has_gap(&self) -> bool {
        self.crosses && self.without > 0
    }
}

/// How far the value map of one field reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// None for a side whose values are not in the cache.
    pub sides: BySystem<Option<Side>>,
    /// By the system written to: what becomes of a value without a partner.
    pub unmapped: BySystem<Unmapped>,
    /// What people call the default in each system, where it stands for such a value.
    pub fallback: BySystem<Option<String>>,
    /// The pairs and single records that would wait for a partner of their value, once they were planned.
    pub held_back: Option<u64>,
}

impl Coverage {
    /// None for a field without a value map.
    #[must_use]
    pub fn of(
        field: &FieldMapping,
        object: Direction,
        schema: &BySystem<Schema>,
        used: &BySystem<Option<Used>>,
    ) -> Option<Self> {
        field.values.as_ref()?;
        let partners = Partners::new(field, schema);
        let unmapped = BySystem::from_fn(|to| partners.rule.unmapped(to));
        let fallback = BySystem::from_fn(|to| Some(partners.called(to, partners.rule.fallback(to)?)));
        let sides = BySystem::from_fn(|system| {
            let used = used[system].as_ref()?;
            let to = system.other();
            Some(partners.side(system, object.writes(to) && field.direction.writes(to), used))
        });
        Some(Self { sides, unmapped, fallback, held_back: None })
    }

    /// Whether records may wait for a partner of a value.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        self.crossing().any(|(system, side)| self.unmapped[system.other()] == Unmapped::Hold && side.has_gap())
    }

    /// The sides whose values cross, HubSpot first.
    pub fn crossing(&self) -> impl Iterator<Item = (System, &Side)> {
        System::BOTH
            .into_iter()
            .filter_map(|system| Some((system, self.sides[system].as_ref()?)).filter(|of| of.1.crosses))
    }

    /// The side that most records wait on; where none does, the one with most values.
    #[must_use]
    pub fn worst(&self) -> Option<&Side> {
        let mut sides: Vec<&Side> = self.crossing().map(|(_, side)| side).collect();
        // of two that are alike the last one counts: HubSpot's
        sides.reverse();
        sides.into_iter().filter(|side| !side.values.is_empty()).max_by_key(|side| (side.without, side.values.len()))
    }
}

/// Finds partners and says why they are.
pub struct Partners<'a> {
    field: &'a FieldMapping,
    rule: FieldRule,
    /// The same with nothing but the listed pairs.
    listed: FieldRule,
    options: BySystem<BTreeMap<&'a str, &'a ChoiceOption>>,
}

impl<'a> Partners<'a> {
    #[must_use]
    pub fn new(field: &'a FieldMapping, schema: &'a BySystem<Schema>) -> Self {
        let bare = field.values.as_ref().map(|values| ValueMap { auto: None, ..values.clone() });
        let listed = FieldRule::new(&FieldMapping { values: bare, ..field.clone() }, schema);
        let options = BySystem::from_fn(|system| {
            let options = schema[system].field(field.field(system).as_str()).map_or(&[][..], |def| &def.options);
            options.iter().map(|option| (option.key.as_str(), option)).collect()
        });
        Self { field, rule: FieldRule::new(field, schema), listed, options }
    }

    /// What `key`, which `from` holds, leads to.
    #[must_use]
    pub fn of(&self, from: System, key: &str) -> Option<Partner> {
        let partner = self.rule.counterpart(from, key)?;
        let auto = self.field.values.as_ref().and_then(|values| values.auto);
        let why = match auto {
            _ if self.listed.counterpart(from, key).as_ref() == Some(&partner) => Why::Listed,
            Some(AutoPairs::Email) => Why::Email,
            _ => Why::Label,
        };
        Some(Partner { label: self.called(from.other(), &partner), key: partner, why })
    }

    /// What people call a value.
    #[must_use]
    pub fn called(&self, system: System, key: &str) -> String {
        self.rule.called(system, key)
    }

    #[must_use]
    pub fn standing(&self, system: System, key: &str) -> Standing {
        match self.options[system].get(key) {
            _ if self.options[system].is_empty() => Standing::Free,
            None => Standing::Unknown,
            Some(option) if option.inactive => Standing::Inactive,
            Some(_) => Standing::Active,
        }
    }

    fn side(&self, system: System, crosses: bool, used: &Used) -> Side {
        let mut by_key: BTreeMap<&str, (u64, Option<Partner>)> = BTreeMap::new();
        for (value, records) in &used.values {
            for key in keys(value) {
                by_key.entry(key).or_insert_with(|| (0, self.of(system, key))).0 += records;
            }
        }
        let is_one_of = self.field.values.as_ref().is_some_and(|values| !values.priority.is_empty());
        let lacks = |value: &&Value| {
            (is_one_of && matches!(value, Value::Choices(_)))
                || keys(value).iter().any(|key| by_key.get(key).is_some_and(|of| of.1.is_none()))
        };
        let without = used.values.iter().filter(|(value, _)| lacks(value)).map(|(_, records)| records).sum();
        let mut values: Vec<_> = by_key
            .into_iter()
            .map(|(key, (records, partner))| ValueUse {
                key: key.to_owned(),
                label: self.called(system, key),
                standing: self.standing(system, key),
                records,
                partner,
            })
            .collect();
        // the order of keys is what is left where two are alike
        values.sort_by_key(|value| (value.partner.is_some(), std::cmp::Reverse(value.records)));
        Side { crosses, records: used.records, filled: used.values.values().sum(), without, values }
    }
}

/// The options that a value names.
#[must_use]
pub fn keys(value: &Value) -> Vec<&str> {
    match value {
        Value::Choices(keys) => keys.iter().map(String::as_str).collect(),
        Value::Choice(key) | Value::Text(key) => vec![key.as_str()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
