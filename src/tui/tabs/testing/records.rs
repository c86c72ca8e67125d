//! Records in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Mutex;

use crate::engine::core::plan::PairPlan;
use crate::engine::core::state::{Exchange, HistoryEntry, RecordState, Status};
use crate::model::{ObjectKind, RecordRef, Timestamp};
use crate::store::rows::StatusKey;
use crate::tui::tabs::records::source::{Opened, RecordSource, Totals, Wanted};
use crate::tui::widgets::Edge;
use crate::tui::world::SourceError;
use crate::view::push::HttpPreview;

/// Records in memory.
#[derive(Default)]
pub struct FakeRecords {
    pub rows: Mutex<Vec<Status>>,
    pub opened: Mutex<Option<Opened>>,
    /// Every record that was opened, the last one last.
    pub asked: Mutex<Vec<RecordRef>>,
    pub history: Vec<HistoryEntry>,
    pub exchanges: Vec<Exchange>,
    pub requests: Vec<HttpPreview>,
    pub broken: bool,
}

impl FakeRecords {
    fn fitting(&self, wanted: &Wanted) -> Result<Vec<Status>, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        let needle = wanted.search.to_lowercase();
        let fits = |row: &&Status| {
            let ids = [row.hubspot, row.connectwise].into_iter().flatten().map(|id| id.to_string());
            let found = row.name.to_lowercase().contains(&needle) || ids.into_iter().any(|id| id.contains(&needle));
            let picked = wanted.these.as_ref().is_none_or(|these| these.records.contains(&row.anchor()));
            row.object == wanted.object && picked && found && wanted.state.is_none_or(|state| state == row.state)
        };
        let mut rows: Vec<_> = self.rows.lock().unwrap().iter().filter(fits).cloned().collect();
        rows.sort_by_key(StatusKey::of);
        Ok(rows)
    }
}

impl RecordSource for FakeRecords {
    fn page(&self, wanted: &Wanted, edge: &Edge<StatusKey>, limit: usize) -> Result<Vec<Status>, SourceError> {
        let mut rows = self.fitting(wanted)?;
        match edge {
            Edge::Start | Edge::End => {}
            Edge::After(key) => rows.retain(|row| StatusKey::of(row) > *key),
            Edge::From(key) => rows.retain(|row| StatusKey::of(row) >= *key),
            Edge::Before(key) => rows.retain(|row| StatusKey::of(row) < *key),
        }
        if matches!(edge, Edge::End | Edge::Before(_)) {
            rows.drain(..rows.len().saturating_sub(limit));
        }
        rows.truncate(limit);
        Ok(rows)
    }

    fn totals(&self, wanted: &Wanted) -> Result<Totals, SourceError> {
        let listed = self.fitting(wanted)?.len() as u64;
        let rows = self.rows.lock().unwrap();
        let here = || rows.iter().filter(|row| row.object == wanted.object);
        let count = |state| (state, here().filter(|row| row.state == state).count() as u64);
        let of = |object| rows.iter().filter(|row| row.object == object).count() as u64;
        let objects = ObjectKind::ALL.map(|object| (object, of(object))).into_iter().filter(|(_, n)| *n > 0);
        Ok(Totals { states: RecordState::ALL.map(count).into(), listed, objects: objects.collect() })
    }

    fn open(&self, record: RecordRef, _now: Timestamp) -> Result<Option<Opened>, SourceError> {
        self.asked.lock().unwrap().push(record);
        if self.broken { Err(SourceError("disk I/O error".into())) } else { Ok(self.opened.lock().unwrap().clone()) }
    }

    fn history(&self, _records: &[RecordRef], limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(self.history.iter().take(limit).cloned().collect())
    }

    fn exchanges(&self, records: &[RecordRef]) -> Result<Vec<Exchange>, SourceError> {
        Ok(self.exchanges.iter().filter(|exchange| records.contains(&exchange.record)).cloned().collect())
    }

    fn requests(&self, plan: &PairPlan) -> Vec<HttpPreview> {
        if plan.writes().is_empty() { Vec::new() } else { self.requests.clone() }
    }
}
