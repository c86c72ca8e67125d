//! What tests a draft for the console, and keeps what the last test found.

use std::sync::{Arc, Mutex, PoisonError};

use super::stored::failed;
use crate::engine::core::trial::Difference;
use crate::engine::core::trial::report::TrialReport;
use crate::engine::driver::Clock;
use crate::engine::driver::trial::{self, Extent, Progress, Tested, TrialError};
use crate::model::{RecordRef, Timestamp};
use crate::store::Workspace;
use crate::tui::world::SourceError;
use crate::view::trial::Versions;

/// A test that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub report: TrialReport,
    pub versions: Versions,
    /// The state of the draft that was tested.
    pub edit: u64,
    pub at: Timestamp,
}

/// What two versions would do to one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub versions: Versions,
    pub difference: Difference,
}

/// Tests the draft in the workspace. Called off the UI thread, but for [`TrialSource::latest`]; may block.
pub trait TrialSource: Send + Sync {
    /// None where it was cancelled. `marks`: the draft counts as tested from then on.
    ///
    /// # Errors
    /// When there is no draft, it does not fit the two systems, or the workspace cannot be read.
    fn test(&self, marks: bool, progress: &Progress) -> Result<Option<Arc<Outcome>>, SourceError>;
    /// What the last test of this console found, of whatever draft. Must not block.
    fn latest(&self) -> Option<Arc<Outcome>>;
    /// What the draft would do with one record, beside what is deployed; none where there is no draft.
    ///
    /// # Errors
    /// When the draft does not fit the two systems, or the workspace cannot be read.
    fn compare(&self, record: RecordRef) -> Result<Option<Compared>, SourceError>;
}

/// A [`TrialSource`] over one workspace.
pub struct StoredTrials {
    workspace: Workspace,
    author: String,
    latest: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    tested: Arc<Tested>,
    outcome: Arc<Outcome>,
}

impl StoredTrials {
    #[must_use]
    pub fn new(workspace: &Workspace, author: &str) -> Self {
        Self { workspace: workspace.clone(), author: author.to_owned(), latest: Mutex::new(None) }
    }

    fn kept(&self) -> Option<Kept> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl TrialSource for StoredTrials {
    fn test(&self, marks: bool, progress: &Progress) -> Result<Option<Arc<Outcome>>, SourceError> {
        let clock = Clock::start();
        let extent = Extent { only: None, marks: marks.then_some(self.author.as_str()) };
        let Some(tested) = trial::test(&self.workspace, extent, clock, progress).map_err(in_words)? else {
            return Ok(None);
        };
        let outcome = Arc::new(Outcome {
            report: tested.report.clone(),
            versions: Versions { draft: tested.version, deployed: tested.deployed },
            edit: tested.edit,
            at: clock.now(),
        });
        let kept = Kept { tested: Arc::new(tested), outcome: Arc::clone(&outcome) };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(Some(outcome))
    }

    fn latest(&self) -> Option<Arc<Outcome>> {
        self.kept().map(|kept| kept.outcome)
    }

    fn compare(&self, record: RecordRef) -> Result<Option<Compared>, SourceError> {
        let known = self.kept();
        let tested = known.as_ref().map(|kept| &*kept.tested);
        let found = match trial::compare(&self.workspace, record, Clock::start(), tested) {
            Err(TrialError::NoDraft) => return Ok(None),
            found => found.map_err(in_words)?,
        };
        let versions = Versions { draft: found.version, deployed: found.deployed };
        Ok(Some(Compared { versions, difference: found.difference }))
    }
}

fn in_words(error: TrialError) -> SourceError {
    match error {
        TrialError::NoDraft => SourceError("There is no draft: change something first.".to_owned()),
        TrialError::Setup(crate::engine::driver::setup::SetupError::Store(error)) => failed(error),
        error => SourceError(crate::view::format::sentence(&error.to_string())),
    }
}
