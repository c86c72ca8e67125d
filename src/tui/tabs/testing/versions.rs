//! Versions in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Mutex;

use crate::mapping::Change;
use crate::model::Timestamp;
use crate::store::{Base, Saved};
use crate::tui::tabs::draft::source::NotSaved;
use crate::tui::tabs::draft::versions::{Comparison, VersionSource};
use crate::tui::world::SourceError;
use crate::view::versions::VersionRow;

/// Versions in memory, newest first.
#[derive(Default)]
pub struct FakeVersions {
    pub rows: Vec<VersionRow>,
    pub changes: Vec<Change>,
    pub rolled_back: Mutex<Vec<(u64, Base)>>,
    pub broken: bool,
}

impl VersionSource for FakeVersions {
    fn list(&self) -> Result<Vec<VersionRow>, SourceError> {
        if self.broken { Err(SourceError("disk I/O error".into())) } else { Ok(self.rows.clone()) }
    }

    fn compare(&self, row: &VersionRow) -> Result<Comparison, SourceError> {
        Ok(Comparison { title: format!("{} against another", row.name()), changes: Some(self.changes.clone()) })
    }

    fn roll_back(&self, row: &VersionRow, base: Base, _now: Timestamp) -> Result<Saved, NotSaved> {
        self.rolled_back.lock().unwrap().push((row.edit, base));
        Ok(Saved { version: row.version, edit: row.edit + 1 })
    }
}
