//! A configuration in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::Mutex;

use crate::mapping::Config;
use crate::model::{ConfigVersion, ObjectKind, Record, Timestamp};
use crate::tui::tabs::draft::source::{Book, ConfigSource, Count, Version};
use crate::tui::world::SourceError;
use crate::view::filter_panel::PassCounts;

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
