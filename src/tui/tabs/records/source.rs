//! Where the Records tab gets its rows from, and what it can do in simulated systems.

use std::sync::Arc;

use crate::engine::core::plan::PairPlan;
use crate::engine::core::state::{Exchange, HistoryEntry, Link, Observation, RecordState, Status};
use crate::model::{BySystem, FieldName, ObjectKind, RecordRef, Schema, Timestamp};
use crate::store::rows::StatusKey;
use crate::tui::tab::Picked;
use crate::tui::widgets::{Edge, Keyed};
use crate::tui::world::{BoxFuture, SourceError};
use crate::view::diff::RecordPanel;
use crate::view::push::HttpPreview;
use crate::view::relatives::Relatives;

/// Which records are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub object: ObjectKind,
    pub state: Option<RecordState>,
    /// Part of a name or an id; empty: all.
    pub search: String,
    /// Only these, in place of all of the object.
    pub these: Option<Arc<Picked>>,
}

impl Wanted {
    /// All records of an object.
    #[must_use]
    pub const fn all(object: ObjectKind) -> Self {
        Self { object, state: None, search: String::new(), these: None }
    }
}

/// How many records there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Per state, whatever is searched for.
    pub states: Vec<(RecordState, u64)>,
    /// Rows of the list as asked for.
    pub listed: u64,
    /// All records of each object that the deployed configuration maps, in its order.
    pub objects: Vec<(ObjectKind, u64)>,
}

impl Totals {
    #[must_use]
    pub fn all(&self) -> u64 {
        self.states.iter().map(|(_, count)| count).sum()
    }
}

/// One record with all that its screen shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub plan: PairPlan,
    pub link: Option<Link>,
    pub observations: BySystem<Option<Observation>>,
    pub schemas: Option<Arc<BySystem<Schema>>>,
    pub relatives: Relatives,
}

impl Opened {
    /// The panel of the record, as of `now`.
    #[must_use]
    pub fn panel(&self, now: Timestamp) -> RecordPanel<'_> {
        RecordPanel {
            plan: &self.plan,
            link: self.link.as_ref(),
            observations: BySystem::new(self.observations.hubspot.as_ref(), self.observations.connectwise.as_ref()),
            schemas: self.schemas.as_deref(),
            relatives: Some(&self.relatives),
            now,
        }
    }
}

/// Rows for the Records tab. Called off the UI thread, where nothing else is said; may block.
pub trait RecordSource: Send + Sync {
    /// Rows of the list at that edge, in the order of the list.
    ///
    /// # Errors
    /// When the workspace cannot be read; so for all methods.
    fn page(&self, wanted: &Wanted, edge: &Edge<StatusKey>, limit: usize) -> Result<Vec<Status>, SourceError>;
    fn totals(&self, wanted: &Wanted) -> Result<Totals, SourceError>;
    /// The plan for a record with what it rests on; none for a record that nobody knows.
    fn open(&self, record: RecordRef, now: Timestamp) -> Result<Option<Opened>, SourceError>;
    /// What was written to these records, newest first.
    fn history(&self, records: &[RecordRef], limit: usize) -> Result<Vec<HistoryEntry>, SourceError>;
    /// The last request about each of these records, and its answer.
    fn exchanges(&self, records: &[RecordRef]) -> Result<Vec<Exchange>, SourceError>;
    /// The requests that the writes of a plan would be. Called on the UI thread: must not block.
    fn requests(&self, plan: &PairPlan) -> Vec<HttpPreview>;
}

/// The simulated systems of a demo, as far as a person can edit them from the record screen.
pub trait Simulated: Send + Sync {
    /// Sets a field as somebody working in that system would; tells what happened, or why it could not.
    fn edit(&self, record: RecordRef, field: FieldName, value: String) -> BoxFuture<Result<String, String>>;
}

impl Keyed for Status {
    type Key = StatusKey;
    fn key(&self) -> StatusKey {
        StatusKey::of(self)
    }
}
