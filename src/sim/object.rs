//! The objects that the simulators can hold, and the words of the control API for them. Knows nothing of either system.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A kind of record. HubSpot holds all but [`Object::Activity`]; ConnectWise holds companies, contacts, deals (its
/// opportunities), tickets, products (its catalog items), line items (its forecast items) and activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Object {
    #[serde(rename = "companies")]
    Company,
    #[serde(rename = "contacts")]
    Contact,
    #[serde(rename = "deals")]
    Deal,
    #[serde(rename = "tickets")]
    Ticket,
    #[serde(rename = "products")]
    Product,
    #[serde(rename = "line_items")]
    LineItem,
    #[serde(rename = "notes")]
    Note,
    #[serde(rename = "tasks")]
    Task,
    #[serde(rename = "calls")]
    Call,
    #[serde(rename = "meetings")]
    Meeting,
    #[serde(rename = "activities")]
    Activity,
}

impl Object {
    pub const ALL: [Self; 11] = [
        Self::Company,
        Self::Contact,
        Self::Deal,
        Self::Ticket,
        Self::Product,
        Self::LineItem,
        Self::Note,
        Self::Task,
        Self::Call,
        Self::Meeting,
        Self::Activity,
    ];

    /// The word in paths and JSON of the control API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Company => "companies",
            Self::Contact => "contacts",
            Self::Deal => "deals",
            Self::Ticket => "tickets",
            Self::Product => "products",
            Self::LineItem => "line_items",
            Self::Note => "notes",
            Self::Task => "tasks",
            Self::Call => "calls",
            Self::Meeting => "meetings",
            Self::Activity => "activities",
        }
    }

    /// One of them, for messages.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
            Self::Ticket => "ticket",
            Self::Product => "product",
            Self::LineItem => "line item",
            Self::Note => "note",
            Self::Task => "task",
            Self::Call => "call",
            Self::Meeting => "meeting",
            Self::Activity => "activity",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.word() == word)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_paths_are_the_words_of_json() {
        for object in Object::ALL {
            assert_eq!(serde_json::to_value(object).ok(), Some(serde_json::Value::from(object.word())));
            assert_eq!(Object::from_word(object.word()), Some(object));
        }
        assert_eq!(Object::from_word("company"), None);
    }
}
