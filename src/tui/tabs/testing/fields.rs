//! Records in memory, for how much of their fields is filled.

use crate::model::{BySystem, FieldName, ObjectKind, Record, RecordId, System};
use crate::tui::tabs::mappings::picker::source::{FieldSource, Fills};
use crate::tui::tabs::mappings::picker::stored::count;
use crate::tui::world::SourceError;

/// Records of both systems.
#[derive(Default)]
pub struct FakeFields {
    pub records: BySystem<Vec<Record>>,
    pub broken: bool,
}

impl FieldSource for FakeFields {
    fn fills(
        &self,
        _object: ObjectKind,
        watched: &BySystem<Vec<FieldName>>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<BySystem<Fills>>, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        let mut all = BySystem::<Fills>::default();
        for system in System::BOTH {
            count(&mut all[system], &watched[system], self.records[system].iter(), false);
        }
        Ok(wanted().then_some(all))
    }

    fn some(&self, _object: ObjectKind, system: System, most: usize) -> Result<Vec<RecordId>, SourceError> {
        Ok(self.records[system].iter().map(|record| record.id).take(most).collect())
    }
}
