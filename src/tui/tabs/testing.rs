//! A desk of memory for the tests of the tabs that work on one.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use super::desk::Desk;
use super::mappings::source::{Book, ConfigSource, Count, Version};
use super::records::source::{Opened, RecordSource, Simulated, Totals, Wanted};
use crate::engine::core::plan::PairPlan;
use crate::engine::core::state::{Exchange, HistoryEntry, RecordState, Status};
use crate::mapping::Config;
use crate::model::{ConfigVersion, FieldName, ObjectKind, Record, RecordRef, Timestamp};
use crate::store::rows::StatusKey;
use crate::tui::widgets::Edge;
use crate::tui::world::{BoxFuture, SourceError};
use crate::view::filter_panel::PassCounts;
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
            row.object == wanted.object && found && wanted.state.is_none_or(|state| state == row.state)
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

/// A configuration in memory.
#[derive(Default)]
pub struct FakeConfig {
    pub book: Mutex<Book>,
    pub records: Vec<Record>,
    /// Every save, oldest first.
    pub saved: Mutex<Vec<Config>>,
    pub broken: bool,
}

impl ConfigSource for FakeConfig {
    fn book(&self, object: ObjectKind) -> Result<Book, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        let book = self.book.lock().unwrap().clone();
        let all = book.schemas.iter().chain(&book.elsewhere).cloned();
        let (mut own, elsewhere): (Vec<_>, Vec<_>) = all.partition(|pair| pair.hubspot.object == object);
        Ok(Book { schemas: own.pop(), elsewhere, ..book })
    }

    fn save(&self, config: &Config, _now: Timestamp) -> Result<ConfigVersion, SourceError> {
        if self.broken {
            return Err(SourceError("disk is full".into()));
        }
        self.saved.lock().unwrap().push(config.clone());
        self.book.lock().unwrap().draft = Some(Version { version: ConfigVersion(7), config: config.clone() });
        Ok(ConfigVersion(7))
    }

    fn deploy(&self) -> Result<ConfigVersion, SourceError> {
        let mut book = self.book.lock().unwrap();
        book.deployed = book.draft.take();
        Ok(book.deployed.as_ref().unwrap().version)
    }

    fn revert(&self) -> Result<(), SourceError> {
        self.book.lock().unwrap().draft = None;
        Ok(())
    }

    fn count(&self, count: &Count, wanted: &dyn Fn() -> bool) -> Result<Option<PassCounts>, SourceError> {
        if !wanted() {
            return Ok(None);
        }
        let passes = |record: &&Record| count.filter.as_ref().is_none_or(|filter| filter.passes(record));
        let pass = self.records.iter().filter(passes).count() as u64;
        Ok(Some(PassCounts { pass, fail: self.records.len() as u64 - pass }))
    }
}

/// A desk with nothing on it.
#[must_use]
pub fn desk() -> Desk {
    Desk { records: Arc::new(FakeRecords::default()), config: Arc::new(FakeConfig::default()), simulated: None }
}
