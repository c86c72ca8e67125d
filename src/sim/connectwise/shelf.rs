//! All records of one kind, with what finds them fast: by id, by last change, by owner, by key.

use std::collections::{BTreeMap, BTreeSet};

use super::entity::Entity;
use super::fields::FieldId;
use super::record::Record;

#[derive(Debug)]
pub(crate) struct Shelf {
    records: BTreeMap<u32, Record>,
    /// By the second of their last change.
    updated: BTreeSet<(i64, u32)>,
    /// By the record they belong to.
    owned: BTreeSet<(u32, u32)>,
    /// By their key in lower case, which is nobody's alone where case counts or the recycle bin lets go.
    keys: BTreeSet<(Box<str>, u32)>,
    owner: Option<FieldId>,
    key: Option<FieldId>,
    next: u32,
}

impl Shelf {
    pub fn new(entity: Entity) -> Self {
        Self {
            records: BTreeMap::new(),
            updated: BTreeSet::new(),
            owned: BTreeSet::new(),
            keys: BTreeSet::new(),
            owner: entity.owner().map(|(field, _)| field),
            key: entity.key(),
            next: entity.about().first_id,
        }
    }

    pub const fn next_id(&self) -> u32 {
        self.next
    }

    pub fn get(&self, id: u32) -> Option<&Record> {
        self.records.get(&id)
    }

    /// In id order, those after `after`.
    pub fn after(&self, after: u32) -> impl Iterator<Item = &Record> {
        self.records.range(after.saturating_add(1)..).map(|(_, record)| record)
    }

    /// Ids of the records that changed at or after that second.
    pub fn changed_since(&self, seconds: i64) -> impl Iterator<Item = u32> {
        self.updated.range((seconds, 0)..).map(|(_, id)| *id)
    }

    /// Ids of the records that belong to `owner`, in id order.
    pub fn of(&self, owner: u32) -> impl Iterator<Item = u32> {
        self.owned.range((owner, 0)..=(owner, u32::MAX)).map(|(_, id)| *id)
    }

    /// Ids of the records with that key, whatever its case, in id order.
    pub fn by_key(&self, key: &str) -> impl Iterator<Item = u32> {
        let key: Box<str> = key.to_lowercase().into();
        self.keys.range((key.clone(), 0)..=(key, u32::MAX)).map(|(_, id)| *id)
    }

    /// Stores a record, in place of the one with its id.
    pub fn put(&mut self, mut record: Record) {
        self.take(record.id);
        record.shrink();
        self.next = self.next.max(record.id.saturating_add(1));
        self.updated.insert((record.stamps.updated, record.id));
        if let Some(owner) = self.owner_of(&record) {
            self.owned.insert((owner, record.id));
        }
        if let Some(key) = self.key_of(&record) {
            self.keys.insert((key, record.id));
        }
        self.records.insert(record.id, record);
    }

    pub fn take(&mut self, id: u32) -> Option<Record> {
        let record = self.records.remove(&id)?;
        self.updated.remove(&(record.stamps.updated, id));
        if let Some(owner) = self.owner_of(&record) {
            self.owned.remove(&(owner, id));
        }
        if let Some(key) = self.key_of(&record) {
            self.keys.remove(&(key, id));
        }
        Some(record)
    }

    fn owner_of(&self, record: &Record) -> Option<u32> {
        self.owner.and_then(|field| record.reference(field))
    }

    fn key_of(&self, record: &Record) -> Option<Box<str>> {
        let key = self.key.map(|field| record.text(field).to_lowercase());
        key.filter(|key| !key.is_empty()).map(Into::into)
    }
}
