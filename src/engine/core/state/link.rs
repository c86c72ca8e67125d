//! Links: pairs known to be the same thing, with what both sides last agreed on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::mapping::FieldKey;
use crate::model::{BySystem, Fields, LinkId, ObjectKind, RecordId, RecordRef, System, Timestamp, Value};

/// A HubSpot record and a ConnectWise record known to be the same thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub id: LinkId,
    pub object: ObjectKind,
    pub hubspot: RecordId,
    pub connectwise: RecordId,
    pub state: LinkState,
    pub origin: LinkOrigin,
    pub created: Timestamp,
    /// Per field mapping what each side held at the last agreement. No entry: never agreed.
    pub baseline: BTreeMap<FieldKey, Agreed>,
    /// Per field mapping the engine's last writes, newest last, at most eight: what the oscillation breaker looks at.
    pub recent: BTreeMap<FieldKey, Vec<RecentWrite>>,
    /// The engine's own last change of each record.
    #[serde(default)]
    pub own: BySystem<Option<OwnChange>>,
}

/// A time of modification that the engine itself caused: it says nothing about whose value is the newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnChange {
    /// What the system showed after the write.
    pub modified: Timestamp,
    /// When somebody else had last changed the record.
    pub before: Timestamp,
}

impl Link {
    /// When somebody other than the engine last changed the record that shows this time of modification.
    #[must_use]
    pub fn changed_by_others(&self, system: System, modified: Timestamp) -> Timestamp {
        self.own[system].filter(|own| own.modified == modified).map_or(modified, |own| own.before)
    }

    #[must_use]
    pub const fn id_in(&self, system: System) -> RecordId {
        match system {
            System::HubSpot => self.hubspot,
            System::ConnectWise => self.connectwise,
        }
    }

    #[must_use]
    pub const fn record(&self, system: System) -> RecordRef {
        RecordRef::new(self.object, system, self.id_in(system))
    }
}

/// Whether a link takes part in the sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    Active,
    /// One of the two was deleted; nothing is written, nothing is created again.
    Tomb,
    /// A person took the pair apart; the two are never linked again by themselves.
    Unlinked,
}

/// How two records came to be known as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrigin {
    /// The engine created the record in that system.
    Created(System),
    /// One carried the key of the other.
    Stamp,
    /// A match rule found exactly one candidate; the rule in words, such as `domain = website`.
    Match(String),
    /// A person said so.
    Person,
}

/// What each side held, in its own representation, when both last agreed on a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    pub hubspot: Value,
    pub connectwise: Value,
    pub at: Timestamp,
    /// One half was sent to its system and never seen there: something else was, when it was looked at. Ours counts as
    /// delivered, so that what is there now crosses; whether its author knew of ours is not known. Of a field that goes one
    /// way nothing crosses back: there it is not known either whether ours ever arrived, and it is sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub supposed: bool,
    /// What the fields held that transforms of the mapping look at beside the two; empty values too, so that what was never
    /// noted is told from what was empty.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub beside: BySystem<Fields>,
}

/// Whether no transform looked at other fields.
pub(super) fn is_nothing(beside: &BySystem<Fields>) -> bool {
    beside.hubspot.is_empty() && beside.connectwise.is_empty()
}

impl Agreed {
    #[must_use]
    pub const fn of(&self, system: System) -> &Value {
        match system {
            System::HubSpot => &self.hubspot,
            System::ConnectWise => &self.connectwise,
        }
    }

    /// The agreement seen from one side: `here` as `side` holds it, `there` as the other does.
    #[must_use]
    pub fn seen_from(side: System, here: Value, there: Value, at: Timestamp) -> Self {
        let (hubspot, connectwise) = match side {
            System::HubSpot => (here, there),
            System::ConnectWise => (there, here),
        };
        Self { hubspot, connectwise, at, supposed: false, beside: BySystem::default() }
    }
}

/// One write of the engine to a linked field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentWrite {
    pub to: System,
    pub value: Value,
    pub at: Timestamp,
}

/// What a person decided about a conflict, valid for exactly the two values they saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub link: LinkId,
    pub field: FieldKey,
    pub winner: System,
    pub hubspot: Value,
    pub connectwise: Value,
    pub at: Timestamp,
}
