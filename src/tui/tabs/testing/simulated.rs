//! Simulated systems that note what is edited in them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Mutex;

use crate::model::{FieldName, RecordRef};
use crate::tui::tabs::records::source::Simulated;
use crate::tui::world::BoxFuture;

/// What was edited in the simulated systems.
#[derive(Default)]
pub struct FakeSimulated {
    pub edits: Mutex<Vec<(RecordRef, FieldName, String)>>,
}

impl Simulated for FakeSimulated {
    fn edit(&self, record: RecordRef, field: FieldName, value: String) -> BoxFuture<Result<String, String>> {
        let said = format!("{} {field} is now {value}.", record.system);
        self.edits.lock().unwrap().push((record, field, value));
        Box::pin(async move { Ok(said) })
    }
}
