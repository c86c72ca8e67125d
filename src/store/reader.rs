//! A connection that only reads. One per task or thread; opening another is cheap.

use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::error::StoreResult;
use super::lease;
use super::workspace::Workspace;

/// Reads what is committed. Every query sees all commits that were acknowledged before it began.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
    workspace: Workspace,
}

impl Reader {
    pub(super) const fn new(db: Connection, workspace: Workspace) -> Self {
        Self { db, workspace }
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
