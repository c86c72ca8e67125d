//! The kinds of business object that have a counterpart in both systems.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind of record. Named as HubSpot names it where the two systems differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKind {
    Company,
    Contact,
    /// An opportunity in ConnectWise.
    Deal,
    /// A service ticket in ConnectWise.
    Ticket,
    /// A catalog item in ConnectWise.
    Product,
    /// A forecast item in ConnectWise.
    LineItem,
    /// An activity of ConnectWise, like the three that follow; its type tells which.
    Note,
    Task,
    Call,
    Meeting,
}

impl ObjectKind {
    /// In the order in which parents come before their children.
    pub const ALL: [Self; 10] = [
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
    ];

    /// Whether it is one of the kinds of activity.
    #[must_use]
    pub const fn is_activity(self) -> bool {
        matches!(self, Self::Note | Self::Task | Self::Call | Self::Meeting)
    }

    /// The word for commands, files and the database.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Contact => "contact",
            Self::Deal => "deal",
            Self::Ticket => "ticket",
            Self::Product => "product",
            Self::LineItem => "line_item",
            Self::Note => "note",
            Self::Task => "task",
            Self::Call => "call",
            Self::Meeting => "meeting",
        }
    }

    /// The plural for headings.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Company => "Companies",
            Self::Contact => "Contacts",
            Self::Deal => "Deals",
            Self::Ticket => "Tickets",
            Self::Product => "Products",
            Self::LineItem => "Line items",
            Self::Note => "Notes",
            Self::Task => "Tasks",
            Self::Call => "Calls",
            Self::Meeting => "Meetings",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The text names no object that Lockstep knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an object; it is one of company, contact, deal, ticket, product, line_item, note, task, call, meeting"
)]
pub struct UnknownObject(pub String);

impl FromStr for ObjectKind {
    type Err = UnknownObject;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.key() == text).ok_or_else(|| UnknownObject(text.to_owned()))
    }
}
