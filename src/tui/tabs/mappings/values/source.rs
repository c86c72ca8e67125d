//! Where the values that records hold come from.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::mapping::coverage::Held;
use crate::mapping::{FieldKey, FieldMapping, ObjectMapping};
use crate::model::{BySystem, FieldName, Schema, System};
use crate::tui::tab::Picked;
use crate::tui::world::SourceError;

/// Whose values, and what of them is in the cache.
#[derive(Debug, Clone)]
pub struct Question {
    pub mapping: ObjectMapping,
    pub schemas: BySystem<Schema>,
    /// The fields that records were read with.
    pub cached: BySystem<Vec<FieldName>>,
    /// The day that filters go by.
    pub today: Date,
}

/// Which records: those that hold `key` in a field.
#[derive(Debug, Clone)]
pub struct Holders {
    pub field: FieldMapping,
    pub system: System,
    pub key: String,
    /// What they have in common, as a noun.
    pub title: String,
}

/// The cached records of a workspace. Called off the UI thread; may block.
pub trait ValueSource: Send + Sync {
    /// What the records hold; none when `wanted` no longer is while they are read.
    ///
    /// # Errors
    /// When the workspace cannot be read; so for all.
    fn held(&self, question: &Question, wanted: &dyn Fn() -> bool) -> Result<Option<Held>, SourceError>;
    /// By field mapping, how many records would be held back for want of a partner; none when `wanted` no longer is.
    fn held_back(
        &self,
        question: &Question,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BTreeMap<FieldKey, u64>>, SourceError>;
    /// The records behind one of the numbers.
    fn holders(&self, question: &Question, holders: &Holders) -> Result<Picked, SourceError>;
}
