//! What is known of the values of fields, whoever reads them.

use std::collections::BTreeMap;

use crate::model::{BySystem, FieldName, ObjectKind, RecordId, System};
use crate::tui::world::SourceError;
use crate::view::picker::Fill;

/// What stands in which field.
pub type Fills = BTreeMap<FieldName, Fill>;

/// The cached records of a workspace. Called off the UI thread; may block.
pub trait FieldSource: Send + Sync {
    /// How much of each field that records are read with is filled; none when `wanted` no longer is meanwhile.
    ///
    /// # Errors
    /// When the workspace cannot be read; so for all.
    fn fills(
        &self,
        object: ObjectKind,
        watched: &BySystem<Vec<FieldName>>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BySystem<Fills>>, SourceError>;
    /// A few records to look at, those of pairs before others.
    fn some(&self, object: ObjectKind, system: System, most: usize) -> Result<Vec<RecordId>, SourceError>;
}
