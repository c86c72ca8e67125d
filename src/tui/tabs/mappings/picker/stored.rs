//! What the cached records of a workspace hold, field by field.

use std::sync::{Mutex, PoisonError};

use super::source::{FieldSource, Fills};
use crate::engine::core::state::Observation;
use crate::model::{BySystem, FieldName, ObjectKind, Record, RecordId, RecordRef, System};
use crate::store::{Reader, StoreError, Workspace};
use crate::tui::tabs::draft::stored::failed;
use crate::tui::world::SourceError;
use crate::view::picker::Fill;

/// Records looked at between two looks at whether the answer is still wanted.
const PAGE: usize = 500;

/// A [`FieldSource`] over one workspace.
pub struct StoredFields {
    reader: Mutex<Reader>,
}

impl StoredFields {
    /// # Errors
    /// When the workspace cannot be opened.
    pub fn new(workspace: &Workspace) -> Result<Self, StoreError> {
        Ok(Self { reader: Mutex::new(workspace.reader()?) })
    }

    fn page(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
    ) -> Result<Vec<Observation>, SourceError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.observations_after(object, system, after, most).map_err(failed)
    }
}

impl FieldSource for StoredFields {
    fn fills(
        &self,
        object: ObjectKind,
        watched: &BySystem<Vec<FieldName>>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BySystem<Fills>>, SourceError> {
        let mut all = BySystem::<Fills>::default();
        for system in System::BOTH {
            let mut after = None;
            loop {
                if !wanted() {
                    return Ok(None);
                }
                let page = self.page(object, system, after, PAGE)?;
                let live = page.iter().filter(|one| one.is_live());
                count(&mut all[system], &watched[system], live.map(|one| &one.record), false);
                after = page.last().map(|one| one.of.id);
                if page.len() < PAGE {
                    break;
                }
            }
        }
        Ok(Some(all))
    }

    fn some(&self, object: ObjectKind, system: System, most: usize) -> Result<Vec<RecordId>, SourceError> {
        let page = self.page(object, system, None, PAGE)?;
        let live: Vec<RecordId> = page.iter().filter(|one| one.is_live()).map(|one| one.of.id).collect();
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ranked = Vec::new();
        for id in live {
            let linked = crate::engine::core::view::View::link_of(&*reader, RecordRef::new(object, system, id))
                .map_err(|error| SourceError(error.to_string()))?;
            ranked.push((linked.is_none(), id));
        }
        ranked.sort_unstable();
        Ok(ranked.into_iter().take(most).map(|(_, id)| id).collect())
    }
}

/// Counts what the records hold in those fields.
pub fn count<'a>(fills: &mut Fills, fields: &[FieldName], records: impl Iterator<Item = &'a Record>, is_glance: bool) {
    for record in records {
        for field in fields {
            let fill = fills.entry(field.clone()).or_insert_with(|| Fill { is_glance, ..Fill::default() });
            let value = record.value(field.as_str());
            fill.of += 1;
            if !value.is_empty() {
                fill.filled += 1;
                fill.sample.get_or_insert_with(|| value.clone());
            }
        }
    }
}
