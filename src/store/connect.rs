//! Opening a connection to a workspace file: key first, then everything else.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{StoreError, StoreResult};
use super::key::Key;
use super::migrations;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    /// Refuses every change. The file itself is opened for writing: a reader of a WAL file must be able to make the
    /// shared-memory file when it comes first.
    Read,
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const STATEMENTS: usize = 128;
/// Pages of the log after which it is carried over into the file: 16 MB. Pages written often are carried over less often.
const CHECKPOINT: i64 = 4_000;

/// Whether SQLCipher is ready in this process.
static READY: Mutex<bool> = Mutex::new(false);

/// Lets the first opening of the process be alone. SQLite calls itself ready before it readies SQLCipher: whoever opened a
/// file in between would find no cipher, and have its key refused as if it were empty.
pub(super) fn ready_cipher() -> StoreResult<()> {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    if !*ready {
        drop(Connection::open_in_memory()?);
        *ready = true;
    }
    Ok(())
}

/// A database in memory, without a key.
#[cfg(test)]
pub(super) fn in_memory() -> StoreResult<Connection> {
    ready_cipher()?;
    Ok(Connection::open_in_memory()?)
}

/// Opens an existing file. The first read tells a wrong key; the format is checked by `expect_current`.
/// The bytes of a page: no file of ours has fewer.
pub(super) const LEAST: u64 = 4096;

pub(super) fn open(file: &Path, key: &Key, access: Access) -> StoreResult<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    ready_cipher()?;
    let connection = Connection::open_with_flags(file, flags)?;
    // SQLCipher reports failures on standard error, which would tear the screen.
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    connection.pragma_update(None, "key", key.pragma().as_str())?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
        .map_err(|error| StoreError::at_open(error, file))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it a cached statement is prepared again whenever a bound value changes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match access {
        Access::Write => {
            connection.pragma_update(None, "cache_size", -32_000)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
        }
        Access::Read => {
            connection.pragma_update(None, "cache_size", -8_000)?;
            connection.pragma_update(None, "query_only", true)?;
        }
    }
    Ok(connection)
}

/// Refuses files that are not workspaces, or not of this program's format.
pub(super) fn expect_current(connection: &Connection, file: &Path) -> StoreResult<()> {
    expect_ours(connection, file)?;
    let found = migrations::current(connection)?;
    match found.cmp(&migrations::latest()) {
        std::cmp::Ordering::Greater => Err(StoreError::Newer { found, known: migrations::latest() }),
        std::cmp::Ordering::Less => Err(StoreError::Other(format!("the file has the old format {found}"))),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// An empty file is a valid database to SQLite, with any key: only our mark makes it a workspace.
pub(super) fn expect_ours(connection: &Connection, file: &Path) -> StoreResult<()> {
    let mark: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if mark == migrations::APPLICATION_ID { Ok(()) } else { Err(StoreError::WrongKey { file: file.to_owned() }) }
}
