//! A connection that only reads. One per task or thread; opening another is cheap.

use std::cell::RefCell;

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::error::StoreResult;
use super::lease;
use super::workspace::Workspace;

/// Reads what is committed. Every query sees all commits that were acknowledged before it began.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
    workspace: Workspace,
    /// Readers that take a share of long lists, once there was one.
    helpers: RefCell<Vec<Self>>,
}

/// Of a list that is shared among cores so many records at least are each one's.
const SHARE: usize = 100;
/// More cores than that wait for the disk.
const MOST_HELPERS: usize = 3;

impl Reader {
    pub(super) const fn new(db: Connection, workspace: Workspace) -> Self {
        Self { db, workspace, helpers: RefCell::new(Vec::new()) }
    }

    /// Another reader of the same workspace.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub fn try_clone(&self) -> StoreResult<Self> {
        self.workspace.reader()
    }

    #[must_use]
    pub const fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// The number of the newest commit: rows may have changed when it grew.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn revision(&self) -> StoreResult<u64> {
        self.exactly("SELECT value FROM meta WHERE key = 'revision'", [], |row| super::code::u64_at(row, 0))
    }

    /// Who the lease names; only an attempt to take it tells whether they still live.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn holder(&self) -> StoreResult<Option<String>> {
        lease::holder(&self.db)
    }

    /// Lets `read` look things up, all in one state of the file, and cheaper than one by one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn at_once<T>(&self, read: impl FnOnce(&Self) -> T) -> StoreResult<T> {
        let state = self.db.unchecked_transaction()?;
        let answer = read(self);
        state.finish()?;
        Ok(answer)
    }

    /// Lets `look` go through a list, every core through its share; what it finds in the order of the list. A share that
    /// another state of the file would be seen for is looked at here.
    pub(super) fn shared<I: Sync, T: Send>(
        &self,
        list: &[I],
        look: impl Fn(&Self, &[I]) -> StoreResult<Vec<T>> + Sync,
    ) -> StoreResult<Vec<T>> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_HELPERS + 1);
        let mut shares = list.chunks(list.len().div_ceil(cores).max(SHARE));
        let Some(mine) = shares.next() else { return Ok(Vec::new()) };
        let others: Vec<&[I]> = shares.collect();
        if others.is_empty() {
            return look(self, mine);
        }
        let mut helpers = self.helpers.take();
        while helpers.len() < others.len() {
            helpers.push(self.try_clone()?);
        }
        let (revision, look) = (self.revision()?, &look);
        let (mut found, begun) = std::thread::scope(|scope| {
            let shares = others.iter().copied().zip(&mut helpers);
            let begun: Vec<_> = shares
                .map(|(share, helper)| scope.spawn(move || helper.at_revision(revision, |helper| look(helper, share))))
                .collect();
            let found = look(self, mine);
            // one that panicked said so; what it was to look at is looked at here
            (found, begun.into_iter().map(|helper| helper.join().ok().flatten()).collect::<Vec<_>>())
        });
        self.helpers.replace(helpers);
        for (share, theirs) in others.into_iter().zip(begun) {
            let theirs = theirs.unwrap_or_else(|| look(self, share));
            found = found.and_then(|mut found| {
                found.extend(theirs?);
                Ok(found)
            });
        }
        found
    }

    /// None where the file is in another state, or cannot be read.
    fn at_revision<T>(&self, revision: u64, read: impl FnOnce(&Self) -> StoreResult<T>) -> Option<StoreResult<T>> {
        let is_it = |helper: &Self| helper.revision().is_ok_and(|now| now == revision);
        self.at_once(|helper| is_it(helper).then(|| read(helper))).ok().flatten()
    }

    pub(super) const fn db(&self) -> &Connection {
        &self.db
    }

    /// The one row of a query that always has one.
    pub(super) fn exactly<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        Ok(self.db.prepare_cached(sql)?.query_row(params, read)?)
    }

    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> StoreResult<Option<T>> {
        Ok(self.db.prepare_cached(sql)?.query_row(params, read).optional()?)
    }

    /// Whether `test` holds for a row; reads no further than to the first one.
    pub(super) fn any(&self, sql: &str, mut test: impl FnMut(&Row<'_>) -> rusqlite::Result<bool>) -> StoreResult<bool> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if test(row)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> StoreResult<Vec<T>> {
        Ok(self.db.prepare_cached(sql)?.query_map(params, read)?.collect::<rusqlite::Result<_>>()?)
    }
}

/// A page's size as SQLite takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
