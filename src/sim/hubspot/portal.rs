//! The stored companies of the portal: versions, indexes, unique values, merges. Knows nothing of HTTP.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use serde_json::{Value, json};

use super::limits::Buckets;
use super::schema::{Access, Property, PropertyId, Refusal, Schema};
use crate::sim::Side;
use crate::sim::clock::iso_millis;
use crate::sim::ledger::{Actor, Verb};
use crate::sim::object::Object;
use crate::sim::options::HUBSPOT_APP_ID;
use crate::sim::world::{Act, Changes};

pub(crate) const PORTAL_ID: u64 = 44_956_899;
const OWNERS: &str = include_str!("../../../fixtures/hubspot-owners.json");
const FIRST_ID: u64 = 18_230_000_001;
/// How many changes of one record are remembered for its history.
const HISTORY: usize = 200;
/// How many records may be noted as lagging before those that caught up are forgotten.
const LAGGING_KEPT: usize = 2_000;
const STAGES: [&str; 7] =
    ["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist"];

/// The values of a record at one time, sorted by property.
#[derive(Debug, Clone, Default)]
pub(crate) struct Version {
    values: Vec<(PropertyId, Box<str>)>,
    pub modified: i64,
}

impl Version {
    pub fn get(&self, id: PropertyId) -> Option<&str> {
        let at = self.values.binary_search_by_key(&id, |(p, _)| *p).ok()?;
        self.values.get(at).map(|(_, v)| v.as_ref())
    }

    fn set(&mut self, id: PropertyId, value: &str) {
        match self.values.binary_search_by_key(&id, |(p, _)| *p) {
            Ok(at) if value.is_empty() => drop(self.values.remove(at)),
            Ok(at) => {
                if let Some(slot) = self.values.get_mut(at) {
                    slot.1 = value.into();
                }
            }
            Err(_) if value.is_empty() => {}
            Err(at) => self.values.insert(at, (id, value.into())),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub property: PropertyId,
    pub value: String,
    pub at: i64,
    pub source: &'static str,
    pub source_id: String,
    pub user: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub id: u64,
    pub created: i64,
    pub archived_at: Option<i64>,
    pub current: Version,
    /// From when search shows `current`.
    pub shown_from: i64,
    /// Earlier versions that search may still show, oldest first, each with the time from which it does.
    older: Vec<(i64, Version)>,
    pub history: Vec<Change>,
}

impl Record {
    /// What search knows of the record.
    pub fn indexed(&self, now: i64) -> Option<&Version> {
        if self.shown_from <= now {
            return Some(&self.current);
        }
        self.older.iter().rev().find(|(from, _)| *from <= now).map(|(_, version)| version)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub id: String,
    pub user_id: u64,
    pub email: String,
    pub first: String,
    pub last: String,
    pub archived: bool,
}

/// Why a write failed as a whole.
#[derive(Debug)]
pub(crate) enum WriteError {
    NotFound,
    Invalid(Vec<Refusal>),
    /// Another record holds the unique value.
    Taken {
        property: String,
        value: String,
        tried: u64,
        holder: u64,
    },
}

/// Property ids that the portal itself works with.
#[derive(Debug)]
pub(crate) struct Known {
    pub created: PropertyId,
    pub object_id: PropertyId,
    pub modified: PropertyId,
    object_created: PropertyId,
    merged: PropertyId,
    source: PropertyId,
    source_id: PropertyId,
    source_label: PropertyId,
    created_by: PropertyId,
    updated_by: PropertyId,
    stage: PropertyId,
}

#[derive(Debug)]
pub(crate) struct Portal {
    pub schema: Schema,
    pub known: Known,
    pub records: BTreeMap<u64, Record>,
    /// Living records by the time of their last change.
    pub by_modified: BTreeSet<(i64, u64)>,
    /// Records whose index may be behind, with the time from which it is not.
    pub lagging: BTreeMap<u64, i64>,
    unique: HashMap<(PropertyId, String), u64>,
    pub merged: HashMap<u64, u64>,
    pub owners: Vec<Owner>,
    pub buckets: Buckets,
    next_id: u64,
}

impl Portal {
    pub fn new(now: i64) -> io::Result<Self> {
        let schema = Schema::standard(now);
        let id = |name: &str| schema.any_id(name).unwrap_or(PropertyId::MAX);
        let known = Known {
            created: id("createdate"),
            object_id: id("hs_object_id"),
            modified: id("hs_lastmodifieddate"),
            object_created: id("hs_createdate"),
            merged: id("hs_merged_object_ids"),
            source: id("hs_object_source"),
            source_id: id("hs_object_source_id"),
            source_label: id("hs_object_source_label"),
            created_by: id("hs_created_by_user_id"),
            updated_by: id("hs_updated_by_user_id"),
            stage: id("lifecyclestage"),
        };
        Ok(Self {
            schema,
            known,
            records: BTreeMap::new(),
            by_modified: BTreeSet::new(),
            lagging: BTreeMap::new(),
            unique: HashMap::new(),
            merged: HashMap::new(),
            owners: owners()?,
            buckets: Buckets::default(),
            next_id: FIRST_ID,
        })
    }

    /// Follows merges to the record that an id stands for now.
    pub fn resolve(&self, mut id: u64) -> u64 {
        while let Some(&survivor) = self.merged.get(&id) {
            id = survivor;
        }
        id
    }

    /// The record with that id, or the survivor of its merge.
    pub fn find(&self, id: u64) -> Option<&Record> {
        self.records.get(&self.resolve(id))
    }

    /// The record that holds `value` in a unique property.
    pub fn find_unique(&self, property: PropertyId, value: &str) -> Option<&Record> {
        let id = self.unique.get(&(property, value.to_lowercase()))?;
        self.records.get(id)
    }

    pub fn value<'a>(&self, record: &'a Record, version: &'a Version, id: PropertyId) -> Option<Cow<'a, str>> {
        if id == self.known.object_id {
            Some(Cow::Owned(record.id.to_string()))
        } else if id == self.known.created || id == self.known.object_created {
            Some(Cow::Owned(iso_millis(record.created)))
        } else if id == self.known.modified {
            Some(Cow::Owned(iso_millis(version.modified)))
        } else {
            version.get(id).map(Cow::Borrowed)
        }
    }

    /// Names and values as a client sends them → what would be stored; all refusals at once.
    pub fn check(&self, values: &[(String, String)]) -> Result<Vec<(PropertyId, String)>, WriteError> {
        let (mut accepted, mut refusals) = (Vec::with_capacity(values.len()), Vec::new());
        for (name, value) in values {
            match self.check_one(name, value) {
                Ok(pair) => accepted.push(pair),
                Err(refusal) => refusals.push(refusal),
            }
        }
        if refusals.is_empty() { Ok(accepted) } else { Err(WriteError::Invalid(refusals)) }
    }

    fn check_one(&self, name: &str, value: &str) -> Result<(PropertyId, String), Refusal> {
        let refuse = |code, message| Refusal { name: name.to_owned(), code, message };
        let found = self.schema.id(name).and_then(|id| self.schema.get(id).map(|p| (id, p)));
        let Some((id, property)) = found else {
            return Err(refuse("PROPERTY_DOESNT_EXIST", format!("Property \"{name}\" does not exist")));
        };
        match property.access {
            Access::Read => {
                Err(refuse("READ_ONLY_VALUE", format!("\"{name}\" is a read only property; its value cannot be set.")))
            }
            Access::Calculated => {
                Err(refuse("READ_ONLY_VALUE", format!("\"{name}\" is a calculated property; its value cannot be set.")))
            }
            Access::Write | Access::Owner => {
                let exists = |owner: &str| self.owners.iter().any(|o| o.id == owner);
                property.accept(value, exists).map(|value| (id, value))
            }
        }
    }

    /// Refuses values of unique properties that another record holds.
    pub fn check_unique(&self, own: u64, values: &[(PropertyId, String)]) -> Result<(), WriteError> {
        for (id, value) in values {
            let is_unique = self.schema.get(*id).is_some_and(|p| p.unique);
            if !is_unique || value.is_empty() {
                continue;
            }
            if let Some(&holder) = self.unique.get(&(*id, value.to_lowercase()))
                && holder != own
            {
                let property = self.schema.name(*id).to_owned();
                return Err(WriteError::Taken { property, value: value.clone(), tried: own, holder });
            }
        }
        Ok(())
    }

    pub const fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Stores a new record; the values must have been checked.
    pub fn create(&mut self, act: &mut Act<'_>, values: &[(PropertyId, String)]) -> Result<u64, WriteError> {
        self.check_unique(self.next_id, values)?;
        let id = self.take_id();
        let (source, source_id, user) = provenance(&act.actor);
        let mut values = values.to_vec();
        values.push((self.known.source, source.to_owned()));
        values.push((self.known.source_id, source_id));
        values.push((self.known.source_label, source.to_owned()));
        if let Some(user) = user {
            values.push((self.known.created_by, user));
        }
        let record = Record {
            id,
            created: act.now,
            archived_at: None,
            current: Version { values: Vec::new(), modified: act.now },
            shown_from: act.now + act.behaviour.hubspot.create_lag_ms,
            older: Vec::new(),
            history: Vec::new(),
        };
        self.by_modified.insert((act.now, id));
        if record.shown_from > act.now {
            self.lagging.insert(id, record.shown_from);
        }
        self.records.insert(id, record);
        let changes = self.assign(act, id, &values);
        act.record(Side::HubSpot, Object::Company, Verb::Create, id, changes);
        Ok(id)
    }

    /// Puts a record into the store as if it had been there for long: no history, no lag, no ledger.
    pub fn seed(&mut self, created: i64, modified: i64, values: &[(&str, &str)]) -> u64 {
        let id = self.take_id();
        let mut current = Version { values: Vec::with_capacity(values.len()), modified };
        for (name, value) in values {
            if let Some(property) = self.schema.any_id(name) {
                current.set(property, value);
            }
        }
        current.set(self.known.source, "IMPORT");
        let record =
            Record { id, created, archived_at: None, current, shown_from: 0, older: Vec::new(), history: Vec::new() };
        self.by_modified.insert((modified, id));
        self.hold_unique(&record);
        self.records.insert(id, record);
        id
    }

    const fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 3;
        id
    }

    fn hold_unique(&mut self, record: &Record) {
        for (id, value) in &record.current.values {
            if self.schema.get(*id).is_some_and(|p| p.unique) {
                self.unique.insert((*id, value.to_lowercase()), record.id);
            }
        }
    }

    fn free_unique(&mut self, record: &Record) {
        for (id, value) in &record.current.values {
            let key = (*id, value.to_lowercase());
            if self.unique.get(&key) == Some(&record.id) {
                self.unique.remove(&key);
            }
        }
    }

    /// Changes a living record; the values must have been checked.
    pub fn update(&mut self, act: &mut Act<'_>, id: u64, values: &[(PropertyId, String)]) -> Result<(), WriteError> {
        let now = act.now;
        match self.records.get(&id) {
            Some(record) if record.archived_at.is_none() => {}
            _ => return Err(WriteError::NotFound),
        }
        self.check_unique(id, values)?;
        let lag = act.behaviour.hubspot.update_lag_ms;
        self.touch(id, now, lag);
        let changes = self.assign(act, id, values);
        act.record(Side::HubSpot, Object::Company, Verb::Update, id, changes);
        Ok(())
    }

    /// Moves the time of the last change, and keeps what search shows until it catches up.
    fn touch(&mut self, id: u64, now: i64, lag: i64) {
        let Some(record) = self.records.get_mut(&id) else { return };
        self.by_modified.remove(&(record.current.modified, id));
        if lag > 0 {
            let shown = record.older.iter().rposition(|(from, _)| *from <= now).unwrap_or(0);
            if record.shown_from <= now {
                record.older.clear()
            } else {
                drop(record.older.drain(..shown))
            }
            record.older.push((record.shown_from, record.current.clone()));
        } else {
            record.older.clear();
        }
        record.shown_from = now + lag;
        record.current.modified = now;
        self.by_modified.insert((now, id));
        if self.lagging.len() > LAGGING_KEPT {
            self.lagging.retain(|_, until| *until > now);
        }
        if lag > 0 {
            self.lagging.insert(id, now + lag);
        } else {
            self.lagging.remove(&id);
        }
    }

    fn assign(&mut self, act: &Act<'_>, id: u64, values: &[(PropertyId, String)]) -> Changes {
        let (source, source_id, user) = provenance(&act.actor);
        let mut changes = Changes::new();
        let Some(record) = self.records.get_mut(&id) else { return changes };
        for (property, value) in values {
            let definition = self.schema.get(*property);
            let before = record.current.get(*property).map(str::to_owned);
            let value = appended(definition, before.as_deref(), value);
            if *property == self.known.stage && goes_back(before.as_deref(), &value) {
                continue;
            }
            if before.as_deref().unwrap_or_default() == value {
                continue;
            }
            if definition.is_some_and(|p| p.unique) {
                if let Some(before) = &before {
                    self.unique.remove(&(*property, before.to_lowercase()));
                }
                if !value.is_empty() {
                    self.unique.insert((*property, value.to_lowercase()), id);
                }
            }
            record.current.set(*property, &value);
            let after = if value.is_empty() { Value::Null } else { json!(value) };
            changes.insert(self.schema.name(*property).to_owned(), (json!(before), after));
            let (source_id, user) = (source_id.clone(), user.clone());
            record.history.push(Change { property: *property, value, at: act.now, source, source_id, user });
        }
        if record.history.len() > HISTORY {
            record.history.drain(..record.history.len() - HISTORY);
        }
        record.current.set(self.known.updated_by, user.as_deref().unwrap_or_default());
        changes
    }

    /// Moves a record to the recycle bin; unknown and archived ones are left as they are.
    pub fn archive(&mut self, act: &mut Act<'_>, id: u64) -> bool {
        let Some(record) = self.records.get_mut(&id) else { return false };
        if record.archived_at.is_some() {
            return false;
        }
        record.archived_at = Some(act.now);
        self.by_modified.remove(&(record.current.modified, id));
        self.lagging.remove(&id);
        if !act.behaviour.hubspot.archived_holds_unique {
            let record = record.clone();
            self.free_unique(&record);
        }
        act.record(Side::HubSpot, Object::Company, Verb::Delete, id, Changes::new());
        true
    }

    /// Brings an archived record back with its id; false when there is none.
    pub fn restore(&mut self, act: &mut Act<'_>, id: u64) -> bool {
        let Some(record) = self.records.get_mut(&id) else { return false };
        if record.archived_at.take().is_none() {
            return false;
        }
        record.current.modified = act.now;
        self.by_modified.insert((act.now, id));
        let record = record.clone();
        self.hold_unique(&record);
        act.record(Side::HubSpot, Object::Company, Verb::Restore, id, Changes::new());
        true
    }

    /// Merges `other` into `primary`: the primary's values win, gaps are filled. Answers the survivor's id.
    pub fn merge(&mut self, act: &mut Act<'_>, primary: u64, other: u64) -> Result<u64, WriteError> {
        let (primary, other) = (self.resolve(primary), self.resolve(other));
        let living = |id: u64| self.records.get(&id).filter(|r| r.archived_at.is_none());
        let (Some(first), Some(second)) = (living(primary), living(other)) else { return Err(WriteError::NotFound) };
        if primary == other {
            return Err(WriteError::NotFound);
        }
        let (first, second) = (first.clone(), second.clone());
        self.forget(&second);
        let mut absorbed: Vec<String> =
            [&first, &second].iter().filter_map(|r| r.current.get(self.known.merged)).map(str::to_owned).collect();
        let survivor = if act.behaviour.hubspot.merge_keeps_id {
            self.merged.insert(second.id, first.id);
            first.id
        } else {
            self.forget(&first);
            let id = self.take_id();
            self.merged.insert(first.id, id);
            self.merged.insert(second.id, id);
            absorbed.push(first.id.to_string());
            let mut record = Record { id, ..first.clone() };
            record.shown_from = act.now;
            record.older.clear();
            self.hold_unique(&record);
            self.by_modified.insert((record.current.modified, id));
            self.records.insert(id, record);
            id
        };
        absorbed.push(second.id.to_string());
        self.touch(survivor, act.now, act.behaviour.hubspot.update_lag_ms);
        let mut gaps: Vec<(PropertyId, String)> = second
            .current
            .values
            .iter()
            .filter(|(property, _)| first.current.get(*property).is_none())
            .map(|(property, value)| (*property, value.to_string()))
            .collect();
        gaps.retain(|(property, _)| *property != self.known.merged);
        gaps.push((self.known.merged, absorbed.join(";")));
        let changes = self.assign(act, survivor, &gaps);
        act.record(Side::HubSpot, Object::Company, Verb::Merge, survivor, changes);
        Ok(survivor)
    }

    fn forget(&mut self, record: &Record) {
        self.by_modified.remove(&(record.current.modified, record.id));
        self.lagging.remove(&record.id);
        self.free_unique(record);
        self.records.remove(&record.id);
    }

    /// Sets from when search shows a record as it is now.
    pub fn show_from(&mut self, id: u64, at: i64) -> bool {
        let Some(record) = self.records.get_mut(&id) else { return false };
        record.shown_from = at;
        self.lagging.insert(id, at);
        true
    }

    pub fn define_text(&mut self, name: &str, label: &str, unique: bool, now: i64) -> bool {
        if self.schema.any_id(name).is_some() {
            return false;
        }
        self.schema.add(Property::text(name, label, unique, now));
        true
    }
}

/// A leading `;` adds to a multiple choice instead of replacing it.
fn appended(property: Option<&Property>, before: Option<&str>, value: &str) -> String {
    match value.strip_prefix(';') {
        Some(more) if property.is_some_and(Property::is_multiple) => {
            let mut all: Vec<&str> = before.unwrap_or_default().split(';').filter(|v| !v.is_empty()).collect();
            for part in more.split(';').filter(|v| !v.is_empty()) {
                if !all.contains(&part) {
                    all.push(part);
                }
            }
            all.join(";")
        }
        _ => value.to_owned(),
    }
}

/// Life-cycle stages move forward only; a step back is ignored without an error, unless it clears.
fn goes_back(before: Option<&str>, value: &str) -> bool {
    let rank = |stage: &str| STAGES.iter().position(|s| *s == stage);
    matches!((before.and_then(rank), rank(value)), (Some(old), Some(new)) if new < old)
}

fn provenance(actor: &Actor) -> (&'static str, String, Option<String>) {
    match actor {
        Actor::Api(_) => ("INTEGRATION", HUBSPOT_APP_ID.to_owned(), None),
        Actor::Human(user) => ("CRM_UI", format!("userId:{user}"), Some(user.clone())),
    }
}

/// The owners of the portal; one has no member of that address in ConnectWise, one has left.
fn owners() -> io::Result<Vec<Owner>> {
    let rows: Value = serde_json::from_str(OWNERS)?;
    let owner = |row: &Value| {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Owner {
            id: text("id"),
            user_id: row.get("userId").and_then(Value::as_u64).unwrap_or(0),
            email: text("email"),
            first: text("firstName"),
            last: text("lastName"),
            archived: row.get("archived").and_then(Value::as_bool).unwrap_or(false),
        }
    };
    Ok(rows.as_array().into_iter().flatten().map(owner).collect())
}
