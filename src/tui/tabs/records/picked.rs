//! Records that a number elsewhere counts, listed as they are: a handful beside all that the workspace knows.

use std::sync::Arc;

use super::source::Wanted;
use crate::engine::core::state::{RecordState, Status};
use crate::engine::core::view::{View, ViewResult};
use crate::model::{RecordRef, System, Timestamp};
use crate::store::rows::StatusKey;
use crate::tui::tab::Picked;
use crate::tui::widgets::Edge;

const NOT_DECIDED: &str = "not decided yet";

/// The rows of picked records, as of one revision of the workspace.
pub struct Listed {
    picked: Arc<Picked>,
    revision: u64,
    /// In the order of their keys.
    rows: Vec<Status>,
}

impl Listed {
    /// Looks every record up; a pair is listed once, however many of its records were picked.
    ///
    /// # Errors
    /// When the workspace cannot be read.
    pub fn look(view: &dyn View, picked: &Arc<Picked>, revision: u64) -> ViewResult<Self> {
        let mut rows = picked.records.iter().map(|record| row(view, *record)).collect::<ViewResult<Vec<_>>>()?;
        rows.sort_by_key(StatusKey::of);
        rows.dedup_by_key(|row| row.anchor());
        Ok(Self { picked: Arc::clone(picked), revision, rows })
    }

    /// Whether these are the rows of `picked` still.
    #[must_use]
    pub fn is_of(&self, picked: &Arc<Picked>, revision: u64) -> bool {
        Arc::ptr_eq(&self.picked, picked) && self.revision == revision
    }

    fn fitting<'a>(&'a self, wanted: &Wanted) -> impl DoubleEndedIterator<Item = &'a Status> + use<'a> {
        let (state, needle) = (wanted.state, wanted.search.trim().to_lowercase());
        self.rows.iter().filter(move |row| {
            let ids = [row.hubspot, row.connectwise].into_iter().flatten();
            let found = row.name.to_lowercase().contains(&needle) || ids.into_iter().any(|id| id.to_string() == needle);
            found && state.is_none_or(|state| state == row.state)
        })
    }

    #[must_use]
    pub fn page(&self, wanted: &Wanted, edge: &Edge<StatusKey>, limit: usize) -> Vec<Status> {
        let fits = |row: &&Status| match edge {
            Edge::Start | Edge::End => true,
            Edge::After(key) => StatusKey::of(row) > *key,
            Edge::From(key) => StatusKey::of(row) >= *key,
            Edge::Before(key) => StatusKey::of(row) < *key,
        };
        let rows = self.fitting(wanted).filter(fits);
        if !matches!(edge, Edge::End | Edge::Before(_)) {
            return rows.take(limit).cloned().collect();
        }
        let mut rows: Vec<Status> = rows.rev().take(limit).cloned().collect();
        rows.reverse();
        rows
    }

    /// How many rows are in each state, whatever is searched for; and how many fit.
    #[must_use]
    pub fn totals(&self, wanted: &Wanted) -> (Vec<(RecordState, u64)>, u64) {
        let count = |state| (state, self.rows.iter().filter(|row| row.state == state).count() as u64);
        (RecordState::ALL.into_iter().map(count).collect(), self.fitting(wanted).count() as u64)
    }
}

/// The row of a record, or of the pair it is part of.
fn row(view: &dyn View, record: RecordRef) -> ViewResult<Status> {
    let paired = match record.system {
        System::HubSpot => None,
        System::ConnectWise => view.link_of(record)?,
    };
    let anchor = paired.map_or(record, |link| RecordRef::new(record.object, System::HubSpot, link.hubspot));
    if let Some(status) = view.status(anchor)? {
        return Ok(status);
    }
    match if anchor == record { None } else { view.status(record)? } {
        Some(status) => Ok(status),
        None => Ok(undecided(record, view.observation(record)?.map_or(Timestamp::EPOCH, |seen| seen.seen))),
    }
}

/// A record that the engine has not looked at.
fn undecided(record: RecordRef, since: Timestamp) -> Status {
    let id = |system| (record.system == system).then_some(record.id);
    Status {
        object: record.object,
        hubspot: id(System::HubSpot),
        connectwise: id(System::ConnectWise),
        link: None,
        name: String::new(),
        state: RecordState::Pending,
        why: NOT_DECIDED.to_owned(),
        since,
    }
}
