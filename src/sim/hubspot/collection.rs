//! The stored records of one object: versions, what search knows of them, unique values. Knows nothing of HTTP.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::kinds::KindRef;
use super::schema::{PropertyId, Schema};
use super::values::Values;
use crate::sim::clock::iso_millis;

/// How many writes of one record are remembered for its history.
const HISTORY: usize = 100;
/// How many records may be noted as lagging before those that caught up are forgotten.
const LAGGING_KEPT: usize = 2_000;
/// Separates the addresses, domains and ids of a list value.
const SEPARATOR: char = ';';

/// The values of a record at one time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Version {
    pub values: Values,
    pub modified: i64,
}

impl Version {
    pub fn get(&self, id: PropertyId) -> Option<&str> {
        self.values.get(id)
    }
}

/// What one write changed; an empty value was cleared.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub at: i64,
    /// Which provenance of the portal.
    pub by: u16,
    pub values: Values,
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
    pub history: Vec<Written>,
}

impl Record {
    pub const fn new(id: u64, created: i64, current: Version) -> Self {
        Self { id, created, archived_at: None, current, shown_from: 0, older: Vec::new(), history: Vec::new() }
    }

    pub const fn is_living(&self) -> bool {
        self.archived_at.is_none()
    }

    /// What search knows of the record.
    pub fn indexed(&self, now: i64) -> Option<&Version> {
        if self.shown_from <= now {
            return Some(&self.current);
        }
        self.older.iter().rev().find(|(from, _)| *from <= now).map(|(_, version)| version)
    }

    pub fn remember(&mut self, written: Written) {
        self.history.push(written);
        if self.history.len() > HISTORY {
            self.history.drain(..self.history.len() - HISTORY);
        }
    }

    /// The same record under another id, as a merge leaves it: search knows it at once.
    pub fn renamed(&self, id: u64, now: i64) -> Self {
        Self { id, shown_from: now, older: Vec::new(), ..self.clone() }
    }
}

/// Property ids that the portal itself works with. Ones that an object does not have are `PropertyId::MAX`.
#[derive(Debug)]
pub(crate) struct Known {
    pub created: PropertyId,
    pub object_created: PropertyId,
    pub object_id: PropertyId,
    pub modified: PropertyId,
    pub object_modified: PropertyId,
    pub merged: PropertyId,
    pub source: PropertyId,
    pub updated_by: PropertyId,
    pub lifecycle: PropertyId,
    pub email: PropertyId,
    pub additional_emails: PropertyId,
}

impl Known {
    fn of(schema: &Schema, kind: KindRef) -> Self {
        let id = |name: &str| schema.any_id(name).unwrap_or(PropertyId::MAX);
        let of_contacts = |name: &str| if kind.legacy == "CONTACT" { id(name) } else { PropertyId::MAX };
        Self {
            created: id(kind.created),
            object_created: id("hs_createdate"),
            object_id: id("hs_object_id"),
            modified: id(kind.modified),
            object_modified: id("hs_lastmodifieddate"),
            merged: id("hs_merged_object_ids"),
            source: id("hs_object_source"),
            updated_by: id("hs_updated_by_user_id"),
            lifecycle: id("lifecyclestage"),
            email: of_contacts("email"),
            additional_emails: of_contacts("hs_additional_emails"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Collection {
    pub kind: KindRef,
    pub schema: Schema,
    pub known: Known,
    pub records: BTreeMap<u64, Record>,
    /// Living records by the time of their last change.
    pub by_modified: BTreeSet<(i64, u64)>,
    /// Records whose index may be behind, with the time from which it is not.
    pub lagging: BTreeMap<u64, i64>,
    unique: HashMap<(PropertyId, Box<str>), u64>,
}

impl Collection {
    pub fn new(kind: KindRef, now: i64) -> Self {
        let schema = Schema::standard(kind, now);
        let known = Known::of(&schema, kind);
        Self {
            kind,
            schema,
            known,
            records: BTreeMap::new(),
            by_modified: BTreeSet::new(),
            lagging: BTreeMap::new(),
            unique: HashMap::new(),
        }
    }

    pub fn living(&self, id: u64) -> Option<&Record> {
        self.records.get(&id).filter(|record| record.is_living())
    }

    /// Whether a value of the property belongs to one record alone, so that the record can be found by it.
    pub fn is_key(&self, id: PropertyId) -> bool {
        id == self.known.email || self.schema.get(id).is_some_and(|p| p.unique)
    }

    /// The id of the record that holds `value` in a property that is a key; of e-mails also by a secondary one.
    pub fn holder(&self, property: PropertyId, value: &str) -> Option<u64> {
        self.unique.get(&(property, folded(value))).copied()
    }

    pub fn value<'a>(&self, record: &'a Record, version: &'a Version, id: PropertyId) -> Option<Cow<'a, str>> {
        if id == self.known.object_id {
            Some(Cow::Owned(record.id.to_string()))
        } else if id == self.known.modified || id == self.known.object_modified {
            Some(Cow::Owned(iso_millis(version.modified)))
        } else if let Some(value) = version.get(id) {
            Some(Cow::Borrowed(value))
        } else if id == self.known.created || id == self.known.object_created {
            Some(Cow::Owned(iso_millis(record.created)))
        } else {
            None
        }
    }

    pub fn text<'a>(&self, record: &'a Record, name: &str) -> Option<&'a str> {
        self.schema.any_id(name).and_then(|id| record.current.get(id))
    }

    pub fn insert(&mut self, record: Record, now: i64) {
        if record.is_living() {
            self.by_modified.insert((record.current.modified, record.id));
        }
        if record.shown_from > now {
            self.lagging.insert(record.id, record.shown_from);
        }
        self.hold(&record);
        self.records.insert(record.id, record);
    }

    /// Takes a record away without a trace.
    pub fn remove(&mut self, id: u64) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.by_modified.remove(&(record.current.modified, id));
        self.lagging.remove(&id);
        self.free(&record);
        Some(record)
    }

    fn keys_of(&self, record: &Record) -> Vec<(PropertyId, Box<str>)> {
        let mut keys = Vec::new();
        for (id, value) in record.current.values.iter() {
            if id == self.known.additional_emails {
                let more = value.split(SEPARATOR).filter(|v| !v.is_empty());
                keys.extend(more.map(|address| (self.known.email, folded(address))));
            } else if self.is_key(id) {
                keys.push((id, folded(value)));
            }
        }
        keys
    }

    pub fn hold(&mut self, record: &Record) {
        for key in self.keys_of(record) {
            self.unique.insert(key, record.id);
        }
    }

    pub fn free(&mut self, record: &Record) {
        for key in self.keys_of(record) {
            if self.unique.get(&key) == Some(&record.id) {
                self.unique.remove(&key);
            }
        }
    }

    /// Moves the time of the last change, and keeps what search shows until `shown_from`.
    pub fn touch(&mut self, id: u64, now: i64, shown_from: i64) {
        let Some(record) = self.records.get_mut(&id) else { return };
        self.by_modified.remove(&(record.current.modified, id));
        if shown_from > now {
            if record.shown_from <= now {
                record.older.clear();
            } else {
                let shown = record.older.iter().rposition(|(from, _)| *from <= now).unwrap_or(0);
                drop(record.older.drain(..shown));
            }
            record.older.push((record.shown_from, record.current.clone()));
        } else {
            record.older.clear();
        }
        record.shown_from = shown_from;
        record.current.modified = now;
        if record.is_living() {
            self.by_modified.insert((now, id));
        }
        if self.lagging.len() > LAGGING_KEPT {
            self.lagging.retain(|_, until| *until > now);
        }
        if shown_from > now {
            self.lagging.insert(id, shown_from);
        } else {
            self.lagging.remove(&id);
        }
    }

    /// Puts values in their place and remembers who did it. Keys move with their values.
    pub fn assign(&mut self, id: u64, values: &[(PropertyId, String)], at: i64, by: u16) {
        let moves_keys = values.iter().any(|(p, _)| self.is_key(*p) || *p == self.known.additional_emails);
        let Some(mut record) = self.records.remove(&id) else { return };
        if moves_keys {
            self.free(&record);
        }
        record.current.values = record.current.values.with(values);
        let written = values.iter().map(|(id, value)| (*id, value.as_str())).collect();
        record.remember(Written { at, by, values: Values::packed(written) });
        if moves_keys {
            self.hold(&record);
        }
        self.records.insert(id, record);
    }

    /// Sets values that leave no history.
    pub fn set_quietly(&mut self, id: u64, values: &[(PropertyId, String)]) {
        if let Some(record) = self.records.get_mut(&id) {
            record.current.values = record.current.values.with(values);
        }
    }

    /// Sets from when search shows a record as it is now.
    pub fn show_from(&mut self, id: u64, at: i64) -> bool {
        let Some(record) = self.records.get_mut(&id) else { return false };
        record.shown_from = at;
        self.lagging.insert(id, at);
        true
    }
}

/// Unique values are told apart without their case.
fn folded(value: &str) -> Box<str> {
    value.trim().to_lowercase().into_boxed_str()
}
