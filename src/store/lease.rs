//! One engine per workspace: a lock that the operating system releases, and a row that says who holds it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::{LeaseError, StoreError, StoreResult};
use crate::model::Timestamp;

/// The right to be the engine of a workspace. Ends when dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    // Closed first: the row goes before the lock.
    connection: Connection,
    _lock: File,
    holder: String,
}

impl Lease {
    pub(super) fn acquire(file: &Path, connection: Connection, now: Timestamp) -> Result<Self, LeaseError> {
        let path = lock_path(file);
        let lock = open_lock(&path).map_err(|error| StoreError::io("opening", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&connection)?.unwrap_or_else(|| "another process".to_owned());
                return Err(LeaseError::Held { holder });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("locking", &path, &error).into()),
        }
        let holder = describe_self(now);
        connection
            .execute("INSERT OR REPLACE INTO lease VALUES(1, ?1, ?2)", params![holder, now.0])
            .map_err(StoreError::from)?;
        Ok(Self { connection, _lock: lock, holder })
    }

    /// Host, process and start of this engine, as others read it.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Whoever locks next replaces it: nothing is lost when it stays. One of somebody else stays in any case.
        drop(self.connection.execute("DELETE FROM lease WHERE holder = ?1", [&self.holder]));
    }
}

/// Who the row names; it may have died without removing its row.
pub(super) fn holder(connection: &Connection) -> StoreResult<Option<String>> {
    Ok(connection.query_row("SELECT holder FROM lease", [], |row| row.get(0)).optional()?)
}

fn lock_path(file: &Path) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn describe_self(now: Timestamp) -> String {
    format!("process {} on {} since {now}", std::process::id(), host())
}

fn host() -> String {
    let named = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let named = named.or_else(|| std::env::var("HOSTNAME").ok()).or_else(|| std::env::var("COMPUTERNAME").ok());
    named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).unwrap_or_else(|| "this host".to_owned())
}
