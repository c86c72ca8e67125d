//! Identifiers. A number never travels without its meaning.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ObjectKind, System};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id! {
    /// The number a system gave one of its records. Meaningful only together with system and object.
    RecordId(u64)
}
id! {
    /// A link between a HubSpot record and a ConnectWise record, in one workspace.
    LinkId(u64)
}
id! {
    /// One entry of the journal: one write to one record of one system.
    IntentId(u64)
}
id! {
    /// One execution of a plan.
    RunId(u64)
}
id! {
    /// A version of the configuration, counted from 1.
    ConfigVersion(u32)
}

/// A record, named so that nothing else can be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    pub object: ObjectKind,
    pub system: System,
    pub id: RecordId,
}

impl RecordRef {
    #[must_use]
    pub const fn new(object: ObjectKind, system: System, id: RecordId) -> Self {
        Self { object, system, id }
    }

    /// The other objects that this record could be: the kinds of activity share their ids in ConnectWise.
    pub fn siblings(self) -> impl Iterator<Item = Self> {
        let shares = self.system == System::ConnectWise && self.object.is_activity();
        let kinds =
            ObjectKind::ALL.into_iter().filter(move |kind| shares && kind.is_activity() && *kind != self.object);
        kinds.map(move |object| Self { object, ..self })
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.system, self.object, self.id)
    }
}
