//! Where the Filters tab gets its numbers from, and the records behind them.

use std::any::Any;

use crate::filter::count::{Question, Tally, Which};
use crate::model::{ObjectKind, Record, RecordRef, System};
use crate::tui::tab::Picked;
use crate::tui::world::SourceError;

/// A count, before it begins or under way.
#[derive(Debug)]
pub struct Job {
    pub object: ObjectKind,
    /// The system whose records are looked at.
    pub from: System,
    pub question: Question,
    /// Whether records that changed meanwhile are to be read again first. Who types does not wait for that.
    pub fresh: bool,
    /// How far it is; none before it begins. Only the source that made it knows what is in it.
    pub at: Option<Box<dyn Any + Send>>,
}

impl Job {
    /// One that has not begun.
    #[must_use]
    pub const fn new(object: ObjectKind, from: System, question: Question, fresh: bool) -> Self {
        Self { object, from, question, fresh, at: None }
    }
}

/// How far a count is.
#[derive(Debug)]
pub struct Counted {
    pub tally: Tally,
    /// About how many records there are.
    pub of: u64,
    /// What is left to do; none at the end.
    pub rest: Option<Job>,
    /// Of the state of the workspace that was read.
    pub revision: u64,
}

/// A record as the cache has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub of: RecordRef,
    /// What people call it.
    pub name: String,
    pub record: Record,
    pub linked: bool,
}

/// Cached records for the Filters tab. Called off the UI thread; may block.
pub trait FilterSource: Send + Sync {
    /// Counts a while; none when `wanted` no longer is.
    ///
    /// # Errors
    /// When the workspace cannot be read; so for all methods.
    fn count(&self, job: Job, wanted: &dyn Fn() -> bool) -> Result<Option<Counted>, SourceError>;
    /// The records that a number counts, under that title.
    fn which(&self, job: Job, which: Which, title: String) -> Result<Picked, SourceError>;
    /// The record, or its partner where that is the one in `from`; none for one that is not in the cache.
    fn record(&self, record: RecordRef, from: System) -> Result<Option<Seen>, SourceError>;
}
