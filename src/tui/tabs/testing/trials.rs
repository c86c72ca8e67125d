//! A test of a draft in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crate::engine::driver::trial::Progress;
use crate::model::RecordRef;
use crate::tui::tabs::draft::trials::{Compared, Outcome, TrialSource};
use crate::tui::world::SourceError;

/// What a test finds, in memory.
#[derive(Default)]
pub struct FakeTrials {
    /// None: there is nothing to test.
    pub finds: Option<Arc<Outcome>>,
    pub compared: Option<Compared>,
    /// Every test that was asked for, and whether it was to mark the draft.
    pub asked: Mutex<Vec<bool>>,
    pub latest: Mutex<Option<Arc<Outcome>>>,
}

impl TrialSource for FakeTrials {
    fn test(&self, marks: bool, _progress: &Progress) -> Result<Option<Arc<Outcome>>, SourceError> {
        self.asked.lock().unwrap().push(marks);
        let found = self.finds.clone().ok_or_else(|| SourceError("The workspace could not be read.".into()))?;
        *self.latest.lock().unwrap() = Some(Arc::clone(&found));
        Ok(Some(found))
    }

    fn latest(&self) -> Option<Arc<Outcome>> {
        self.latest.lock().unwrap().clone()
    }

    fn compare(&self, _record: RecordRef) -> Result<Option<Compared>, SourceError> {
        Ok(self.compared.clone())
    }
}
