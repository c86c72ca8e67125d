//! One stored record of any kind, kept small: a hundred thousand of them must fit a laptop.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{FieldId, Stored};

/// When and by whom a record was made and last changed. Times in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stamps {
    pub updated: i64,
    pub updated_by: Box<str>,
    pub entered: i64,
    pub entered_by: Box<str>,
}

/// One e-mail address, telephone or fax number of a contact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub id: u32,
    /// Row of the communication types.
    pub type_id: u32,
    pub value: Box<str>,
    pub extension: Option<Box<str>>,
    pub default: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub id: u32,
    values: Vec<(FieldId, Stored)>,
    /// Association id and type id, of companies and contacts.
    pub types: Vec<(u32, u32)>,
    /// How to reach a contact.
    pub items: Vec<Item>,
    /// Values of user-defined fields by the field's id.
    pub custom: BTreeMap<u32, Value>,
    pub stamps: Stamps,
}

impl Record {
    /// Nothing but its stamps; `now` in milliseconds since 1970.
    pub fn blank(id: u32, now: i64, who: &str) -> Self {
        let seconds = now.div_euclid(1000);
        let stamps = Stamps { updated: seconds, updated_by: who.into(), entered: seconds, entered_by: who.into() };
        Self { id, values: Vec::new(), types: Vec::new(), items: Vec::new(), custom: BTreeMap::new(), stamps }
    }

    pub fn get(&self, id: FieldId) -> Option<&Stored> {
        let at = self.values.binary_search_by_key(&id, |(f, _)| *f).ok()?;
        self.values.get(at).map(|(_, v)| v)
    }

    pub fn set(&mut self, id: FieldId, value: Option<Stored>) {
        match (self.values.binary_search_by_key(&id, |(f, _)| *f), value) {
            (Ok(at), None) => drop(self.values.remove(at)),
            (Ok(at), Some(value)) => {
                if let Some(slot) = self.values.get_mut(at) {
                    slot.1 = value;
                }
            }
            (Err(_), None) => {}
            (Err(at), Some(value)) => self.values.insert(at, (id, value)),
        }
    }

    /// Gives back what the lists hold in reserve: most records are written once and kept for long.
    pub fn shrink(&mut self) {
        self.values.shrink_to_fit();
        self.types.shrink_to_fit();
        self.items.shrink_to_fit();
    }

    pub fn text(&self, id: FieldId) -> &str {
        match self.get(id) {
            Some(Stored::Text(text)) => text,
            _ => "",
        }
    }

    pub fn reference(&self, id: FieldId) -> Option<u32> {
        match self.get(id) {
            Some(Stored::Ref(row)) => Some(*row),
            _ => None,
        }
    }

    pub fn flag(&self, id: FieldId) -> bool {
        self.get(id) == Some(&Stored::Flag(true))
    }

    pub fn number(&self, id: FieldId) -> f64 {
        match self.get(id) {
            Some(Stored::Decimal(n)) => *n,
            _ => 0.0,
        }
    }

    pub fn values(&self) -> impl Iterator<Item = (FieldId, &Stored)> {
        self.values.iter().map(|(id, value)| (*id, value))
    }

    /// Whether anything but the stamps differs.
    pub fn differs(&self, other: &Self) -> bool {
        self.values != other.values
            || self.custom != other.custom
            || self.types != other.types
            || self.items != other.items
    }
}
