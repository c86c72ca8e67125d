//! What the store's lists are asked with and made of, where the engine's own rows don't fit.

use secrecy::SecretString;

use super::code::fold;
use crate::engine::core::state::{HistoryEntry, Intent, IssueClass, RecordState};
use crate::model::{ConfigVersion, ObjectKind, RecordRef, SchemaChange, System, Timestamp};

/// Where a page lies as seen from its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    #[default]
    Forward,
    Backward,
}

/// Which rows of the Records tab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusQuery {
    pub object: ObjectKind,
    pub state: Option<RecordState>,
    /// Part of a name, an id or a match key, in any case; white space around it does not count.
    pub search: Option<String>,
}

impl StatusQuery {
    /// All rows of an object.
    #[must_use]
    pub const fn all(object: ObjectKind) -> Self {
        Self { object, state: None, search: None }
    }

    pub(super) fn needle(&self) -> Option<String> {
        self.search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(fold)
    }
}

/// The place of a row in the order of names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusKey {
    pub(super) name: String,
    pub(super) anchor: RecordRef,
}

/// One field value written or discarded, with its place in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// Grows with time; the key of pages.
    pub id: u64,
    pub entry: HistoryEntry,
}

/// A history row with the write it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRow {
    pub id: u64,
    pub entry: HistoryEntry,
    /// None when a policy discarded a value without a write.
    pub intent: Option<Intent>,
}

/// The place of an issue: oldest first seen last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueKey {
    pub(super) first: Timestamp,
    pub(super) record: RecordRef,
    pub(super) class: IssueClass,
    pub(super) field: String,
}

/// Which issues.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssueQuery {
    pub class: Option<IssueClass>,
    /// As in [`IssueGroup`].
    pub template: Option<String>,
}

/// Issues of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueGroup {
    pub class: IssueClass,
    /// The message, with quoted values and numbers left out.
    pub template: String,
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Records of one system that are still to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DirtyTotal {
    pub count: u64,
    /// When the oldest mark was set: the lag.
    pub oldest: Option<Timestamp>,
}

/// Where a version of the configuration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigState {
    Draft,
    Tested,
    Deployed,
    Retired,
}

impl ConfigState {
    /// A word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Tested => "tested",
            Self::Deployed => "deployed",
            Self::Retired => "retired",
        }
    }
}

/// A version of the configuration without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigInfo {
    pub version: ConfigVersion,
    pub state: ConfigState,
    pub note: String,
    pub author: String,
    /// When it was saved last.
    pub created: Timestamp,
    /// Grows with every save of any draft: names this state of it and no other.
    pub edit: u64,
    /// None where it never was, or an older Lockstep did it.
    pub deployed: Option<Deployment>,
    /// Who tested it as it is, and when; none also where an older Lockstep did it.
    pub tested: Option<Tested>,
}

/// Who had a draft tested last, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    pub at: Timestamp,
    pub by: String,
}

/// Who let a version drive the engine, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub at: Timestamp,
    pub by: String,
}

/// A state of a draft that something else took the place of, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditInfo {
    pub edit: u64,
    /// The version that the draft was.
    pub version: ConfigVersion,
    pub note: String,
    pub author: String,
    pub created: Timestamp,
    pub ended: EditEnd,
    pub ended_by: String,
}

impl EditInfo {
    /// Whether there is work in it that whoever ended it may not have meant to end.
    #[must_use]
    pub fn is_worth_a_look(&self) -> bool {
        match self.ended {
            EditEnd::Changed => self.author != self.ended_by,
            EditEnd::Replaced | EditEnd::Discarded | EditEnd::SetAside => true,
            EditEnd::Imported => false,
        }
    }
}

/// How a state of a draft came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EditEnd {
    /// By somebody who went on from it.
    Changed,
    /// By another text as a whole.
    Replaced,
    Discarded,
    /// It never was the draft: somebody else's change came first and contradicts it.
    SetAside,
    /// A file as it was imported.
    Imported,
}

impl EditEnd {
    /// A word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Replaced => "replaced",
            Self::Discarded => "thrown away",
            Self::SetAside => "set aside",
            Self::Imported => "imported",
        }
    }
}

/// A version of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRow {
    pub info: ConfigInfo,
    /// TOML, as written.
    pub body: String,
}

/// How a system is reached. Both texts are JSON that the connector understands.
#[derive(Debug, Clone)]
pub struct ConnectionRow {
    pub system: System,
    pub settings: String,
    pub secret: SecretString,
}

/// What one reading of an object's fields found changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftRow {
    pub system: System,
    pub object: ObjectKind,
    pub at: Timestamp,
    pub changes: Vec<SchemaChange>,
}
