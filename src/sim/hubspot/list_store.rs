//! Lists ("segments") of records and their members. Knows nothing of HTTP.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kinds::KindRef;

/// Who decides about members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processing {
    /// Clients and people.
    Manual,
    /// A filter, again and again.
    Dynamic,
    /// A filter once, then clients and people.
    Snapshot,
}

impl Processing {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::Dynamic => "DYNAMIC",
            Self::Snapshot => "SNAPSHOT",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Manual, Self::Dynamic, Self::Snapshot].into_iter().find(|one| one.name() == name)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct List {
    pub id: u64,
    pub name: String,
    pub kind: KindRef,
    pub processing: Processing,
    /// Record → when it joined.
    pub members: BTreeMap<u64, i64>,
    pub filter: Value,
    pub created: i64,
    pub updated: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Lists {
    all: BTreeMap<u64, List>,
    /// Deleted ones, which can be brought back.
    removed: BTreeMap<u64, List>,
    last: u64,
}

impl Lists {
    /// Adds a list; none when the name is taken.
    pub fn define(
        &mut self,
        name: &str,
        kind: KindRef,
        processing: Processing,
        filter: Value,
        now: i64,
    ) -> Option<u64> {
        if self.by_name(kind, name).is_some() {
            return None;
        }
        self.last += 1;
        let (id, name) = (self.last, name.to_owned());
        let list = List { id, name, kind, processing, members: BTreeMap::new(), filter, created: now, updated: now };
        self.all.insert(id, list);
        Some(id)
    }

    pub fn get(&self, id: u64) -> Option<&List> {
        self.all.get(&id)
    }

    pub fn get_mut(&mut self, id: u64) -> Option<&mut List> {
        self.all.get_mut(&id)
    }

    pub fn by_name(&self, kind: KindRef, name: &str) -> Option<&List> {
        self.all.values().find(|list| list.kind == kind && list.name.eq_ignore_ascii_case(name))
    }

    pub fn iter(&self) -> impl Iterator<Item = &List> {
        self.all.values()
    }

    pub fn remove(&mut self, id: u64) {
        if let Some(list) = self.all.remove(&id) {
            self.removed.insert(id, list);
        }
    }

    pub fn is_removed(&self, id: u64) -> bool {
        self.removed.contains_key(&id)
    }

    /// Brings a deleted list back; its name, where another list has it by now.
    pub fn restore(&mut self, id: u64) -> Result<(), String> {
        let Some(list) = self.removed.get(&id) else { return Ok(()) };
        if self.by_name(list.kind, &list.name).is_some() {
            return Err(list.name.clone());
        }
        if let Some(list) = self.removed.remove(&id) {
            self.all.insert(id, list);
        }
        Ok(())
    }

    /// Gives a list another name; false when another list has it.
    pub fn rename(&mut self, id: u64, name: &str, now: i64) -> bool {
        let Some(kind) = self.get(id).map(|list| list.kind) else { return false };
        if self.by_name(kind, name).is_some_and(|holder| holder.id != id) {
            return false;
        }
        if let Some(list) = self.get_mut(id) {
            name.clone_into(&mut list.name);
            list.updated = now;
        }
        true
    }

    /// The lists that a record is in.
    pub fn of_record(&self, kind: KindRef, record: u64) -> impl Iterator<Item = (&List, i64)> {
        let member = move |list: &List| list.members.get(&record).copied();
        self.all.values().filter(move |list| list.kind == kind).filter_map(move |list| Some((list, member(list)?)))
    }

    /// Takes a record out of all lists.
    pub fn forget(&mut self, kind: KindRef, record: u64) {
        for list in self.all.values_mut().chain(self.removed.values_mut()).filter(|list| list.kind == kind) {
            list.members.remove(&record);
        }
    }
}
