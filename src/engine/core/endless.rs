//! Lists without an end: a system that always names one more page is not followed for ever.
//!
//! The connectors see to it that ids ascend, so that a page never comes twice; that they stop ascending is for this file
//! to see, for both systems alike. What a list brings in one run is held against what the system itself counts, after ten
//! pages and at every doubling: an honest list costs a handful of counts, and one that is made up is found out before it
//! fills the disk. Where nothing can be counted, a ceiling is left. A list that is given up begins anew with the next run:
//! pages that were made up must not be where it goes on, and their records are looked for in the list of all of them.

use super::command::Row;
use super::request::RequestBody;
use super::state::cursor::{Cursor, CursorKey, Feed, Pass};
use super::step::{Engine, Pending, Stage, Step};
use super::view::ViewResult;
use crate::model::Timestamp;

/// Records of one list that a single run reads.
const MOST_RECORDS: u64 = 50_000_000;

/// A page counts as this many records at least: pages without any have no end either.
const LEAST: u64 = 100;

/// Pages before the first count.
const FIRST_COUNT: u64 = 10;

/// So many more than twice its count may a list bring: records come and go while it is read.
const MARGIN: u64 = 1000;

/// What one list has brought in this run.
#[derive(Debug)]
pub(super) struct Length {
    pages: u64,
    records: u64,
    /// The same, with [`LEAST`].
    weight: u64,
    /// The number of pages at which it is counted next.
    count_at: u64,
}

impl Default for Length {
    fn default() -> Self {
        Self { pages: 0, records: 0, weight: 0, count_at: FIRST_COUNT }
    }
}

impl Engine {
    /// Asks the system how long the list is, when it is time to. A count that is not answered is not asked for again.
    pub(super) fn asks_length(&mut self, step: &mut Step<'_>, key: CursorKey, pass: Pass) -> bool {
        let since = match key.feed {
            // without an upper end: what is changed once more while the list is read has not left it
            Feed::Hot | Feed::Settled => Some(pass.from),
            Feed::Backfill | Feed::Sweep => None,
            Feed::Archived => return false,
        };
        let Stage::Pull(feeds) = &mut self.stage else { return false };
        let feeds = &mut feeds[key.system];
        if feeds.length.pages < feeds.length.count_at {
            return false;
        }
        feeds.length.count_at *= 2;
        feeds.reading = true;
        let body = RequestBody::Count { since };
        self.send(step, key.system, key.object, key.feed.priority(), body, Pending::Count(key));
        true
    }

    /// Takes in how many records the system counts, if it can.
    pub(super) fn take_count(&mut self, step: &mut Step<'_>, key: CursorKey, counted: Option<u64>) -> ViewResult<()> {
        self.page_failed(key);
        let Stage::Pull(feeds) = &self.stage else { return Ok(()) };
        let brought = feeds[key.system].length.records;
        match counted {
            Some(counted) if brought > counted.saturating_mul(2).saturating_add(MARGIN) => {
                self.give_up_list(step, key, &format!("it brought {brought} records and counts {counted}"))
            }
            _ => Ok(()),
        }
    }

    /// Adds a page that has another one behind it. Returns whether the list was given up for it.
    pub(super) fn is_endless(&mut self, step: &mut Step<'_>, key: CursorKey, records: u64) -> ViewResult<bool> {
        let Stage::Pull(feeds) = &mut self.stage else { return Ok(false) };
        let length = &mut feeds[key.system].length;
        length.pages += 1;
        length.records += records;
        length.weight += records.max(LEAST);
        if length.weight <= MOST_RECORDS {
            return Ok(false);
        }
        let why = format!("it brought {} records on {} pages in one run", length.records, length.pages);
        self.give_up_list(step, key, &why)?;
        Ok(true)
    }

    /// What was made up is in the cache by now: the list of all records, which comes next, does not show it.
    fn sweep_next(&self, step: &mut Step<'_>, key: CursorKey) -> ViewResult<()> {
        let key = CursorKey { feed: Feed::Sweep, ..key };
        let cursor = step.view.cursor(key)?.unwrap_or(Cursor::unread(key));
        step.row(Row::Cursor(Cursor { pass: None, completed: Some(Timestamp::EPOCH), ..cursor }));
        Ok(())
    }

    fn give_up_list(&mut self, step: &mut Step<'_>, key: CursorKey, why: &str) -> ViewResult<()> {
        if let Some(mut cursor) = step.view.cursor(key)? {
            cursor.pass = None;
            step.row(Row::Cursor(cursor));
        }
        self.sweep_next(step, key)?;
        let (system, object) = (key.system, key.object.plural().to_lowercase());
        let reason = format!(
            "{system}'s list of {object} has no end: {why}. The next run reads it from its beginning. If that ends alike, \
             compare it with the {object} that {system} itself shows, and ask {system}'s support, or whoever runs a \
             proxy before it"
        );
        self.sides[system].last_error = Some((step.now, reason.clone()));
        self.stop(step, reason)
    }
}
