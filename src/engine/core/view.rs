//! What the engine can look up: the committed rows, by key. Implemented by the store and by the simulation.

use std::collections::BTreeMap;

use super::rest::{Rest, restless};
use super::state::{
    Cover, Cursor, CursorKey, Decision, Dirty, Intent, Issue, Link, LinkState, Observation, RecordState, Run, Status,
};
use crate::model::{IntentId, LinkId, ObjectKind, Pauses, RecordId, RecordRef, RunId, System, Timestamp};

/// A look-up that failed: the disk, or a row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the workspace could not be read: {0}")]
pub struct ViewError(pub String);

pub type ViewResult<T> = Result<T, ViewError>;

/// The highest numbers in use, from which the engine counts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HighWater {
    pub link: u64,
    pub intent: u64,
    pub run: u64,
}

/// The committed state. Cheap point look-ups; lists are bounded.
pub trait View {
    /// # Errors
    /// When the store cannot be read; so for all methods.
    fn observation(&self, record: RecordRef) -> ViewResult<Option<Observation>>;
    /// The link of a record in any state, dead ones included.
    fn link_of(&self, record: RecordRef) -> ViewResult<Option<Link>>;
    fn link(&self, id: LinkId) -> ViewResult<Option<Link>>;
    /// Where the link of a record leads, and how it stands: all that its children ask of it.
    fn counterpart(&self, record: RecordRef) -> ViewResult<Option<(RecordRef, LinkState)>> {
        Ok(self.link_of(record)?.map(|link| (link.record(record.system.other()), link.state)))
    }
    /// Whether a record that was observed [is there](Observation::is_live).
    fn is_live(&self, record: RecordRef) -> ViewResult<Option<bool>> {
        Ok(self.observation(record)?.map(|observed| observed.is_live()))
    }
    /// Records of `system` that carry a match key, live ones only, lowest id first, at most `limit`.
    fn by_key(&self, object: ObjectKind, system: System, key: &str, limit: usize) -> ViewResult<Vec<RecordRef>>;
    /// Records of `system` that carry this stamp, archived ones included, lowest id first, at most 10.
    fn by_stamp(&self, object: ObjectKind, system: System, stamp: &str) -> ViewResult<Vec<RecordRef>>;
    /// Marks that are due, ordered by record, after `after`.
    fn dirty_page(
        &self,
        object: ObjectKind,
        now: Timestamp,
        after: Option<RecordRef>,
        limit: usize,
    ) -> ViewResult<Vec<Dirty>>;
    fn dirty(&self, record: RecordRef) -> ViewResult<Option<Dirty>>;
    /// The earliest `not_before` after `now`, over all marks.
    fn next_dirty(&self, now: Timestamp) -> ViewResult<Option<Timestamp>>;
    /// One write, of any state.
    fn write(&self, id: IntentId) -> ViewResult<Option<Intent>>;
    /// The writes of a run, oldest first, after `after`, at most `limit`.
    fn writes_of_run(&self, run: RunId, after: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>>;
    /// The writes to a record, newest first, before `before`, at most `limit`.
    fn writes_to(&self, record: RecordRef, before: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>>;
    fn run(&self, id: RunId) -> ViewResult<Option<Run>>;
    /// The latest runs, newest first.
    fn latest_runs(&self, limit: usize) -> ViewResult<Vec<Run>>;
    fn open_intents(&self) -> ViewResult<Vec<Intent>>;
    /// All creates from this source, of any state, oldest first.
    fn creates_from(&self, source: RecordRef) -> ViewResult<Vec<Intent>>;
    fn issues_of(&self, record: RecordRef) -> ViewResult<Vec<Issue>>;
    fn decisions_of(&self, link: LinkId) -> ViewResult<Vec<Decision>>;
    fn cursor(&self, key: CursorKey) -> ViewResult<Option<Cursor>>;
    fn status(&self, anchor: RecordRef) -> ViewResult<Option<Status>>;
    fn tenant(&self, system: System) -> ViewResult<Option<String>>;
    /// What people paused.
    fn pauses(&self) -> ViewResult<Pauses>;
    /// Whether a plan was approved and not used yet.
    fn is_approved(&self, plan: &str) -> ViewResult<bool>;
    /// What approved plans cover that are being carried out.
    fn cover(&self) -> ViewResult<Option<Cover>>;
    /// All observed records of one system, lowest id first, after `after`.
    fn records_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<Vec<RecordRef>>;
    /// Of the next `limit` records as [`View::records_after`] tells them those that name their pair: all of HubSpot, and of
    /// ConnectWise those whose partner is not in the cache. With the last id looked at; none at the end.
    fn anchors_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)>;
    /// The same without those whose pair is [at rest](Rest).
    fn restless_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
        rest: &Rest,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)> {
        let (anchors, last) = self.anchors_after(object, system, after, limit)?;
        Ok((restless(self, anchors, rest)?, last))
    }
    /// How many records of one system are in the cache, live ones only.
    fn live_records(&self, object: ObjectKind, system: System) -> ViewResult<u64>;
    /// How many pairs and single records are in each state.
    fn state_counts(&self, object: ObjectKind) -> ViewResult<BTreeMap<RecordState, u64>>;
    fn live_links(&self, object: ObjectKind) -> ViewResult<u64>;
    /// Whether a run that writes ever came to its end. Until then a workspace is being filled, however often that breaks off.
    fn is_filled(&self) -> ViewResult<bool>;
    fn high_water(&self) -> ViewResult<HighWater>;
}
