//! Workspace files: made, found, opened, checked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connect::{self, Access};
use super::error::{LeaseError, StoreError, StoreResult};
use super::inbox::Inbox;
use super::key::{self, Key};
use super::lease::Lease;
use super::migrations;
use super::reader::Reader;
use super::settings::Settings;
use super::writer::Writer;
use crate::model::Timestamp;

const EXTENSION: &str = "db";
const LONGEST_NAME: usize = 63;

/// One customer's file with its key: what readers, the writer and the lease are opened from.
#[derive(Debug, Clone)]
pub struct Workspace {
    name: String,
    file: PathBuf,
    key: Key,
}

impl Workspace {
    /// Makes a new, empty workspace `<dir>/<name>.db`, and `dir` where it is missing; both for their owner alone.
    ///
    /// # Errors
    /// When the name is not allowed or taken, or the file cannot be made.
    pub fn create(dir: &Path, name: &str, key: &Key) -> StoreResult<Self> {
        let workspace = Self::named(dir, name, key)?;
        create_dir(dir)?;
        match key::create_private(&workspace.file) {
            Ok(file) => drop(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::Exists(name.to_owned()));
            }
            Err(error) => return Err(StoreError::io("making", &workspace.file, &error)),
        }
        workspace.initialise().inspect_err(|_| {
            // What was begun is of no use to anybody; the first error is the one to report.
            drop(fs::remove_file(&workspace.file));
        })?;
        Ok(workspace)
    }

    /// Opens a workspace and brings its tables up to date.
    ///
    /// # Errors
    /// When there is none, the key is wrong, the file is damaged or was written by a newer program.
    pub fn open(dir: &Path, name: &str, key: &Key) -> StoreResult<Self> {
        let workspace = Self::named(dir, name, key)?;
        match fs::metadata(&workspace.file) {
            // SQLite would take an empty file for a new database, and any key for its key.
            Ok(metadata) if metadata.is_file() && metadata.len() >= connect::LEAST => {}
            Ok(metadata) if !metadata.is_file() => {
                return Err(StoreError::NoWorkspace { file: workspace.file, why: "it is no file" });
            }
            Ok(metadata) if metadata.len() > 0 => {
                return Err(StoreError::NoWorkspace { file: workspace.file, why: "it is shorter than any workspace" });
            }
            Ok(_) => return Err(StoreError::NoWorkspace { file: workspace.file, why: "it is empty" }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Missing(name.to_owned()));
            }
            Err(error) => return Err(StoreError::io("opening", &workspace.file, &error)),
        }
        let mut connection = connect::open(&workspace.file, key, Access::Write)?;
        connect::expect_ours(&connection, &workspace.file)?;
        migrations::apply(&mut connection)?;
        Ok(workspace)
    }

    /// The names of all workspaces in `dir`, sorted; none when there is no such folder.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn list(dir: &Path) -> StoreResult<Vec<String>> {
        let failed = |error: &io::Error| StoreError::io("listing", dir, error);
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(name_of(&entry.map_err(|error| failed(&error))?.path()));
        }
        names.sort_unstable();
        Ok(names)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A connection that only reads. Several may be open; none blocks the writer.
    ///
    /// # Errors
    /// As for [`Workspace::open`].
    pub fn reader(&self) -> StoreResult<Reader> {
        self.connect(Access::Read).map(|connection| Reader::new(connection, self.clone()))
    }

    /// A thread that commits rows. One per process is enough.
    ///
    /// # Errors
    /// As for [`Workspace::open`], and when no thread can be started.
    pub fn writer(&self) -> StoreResult<Writer> {
        Writer::start(self.connect(Access::Write)?, None)
    }

    /// The thread that commits the engine's rows, for as long as nobody took the workspace over from that lease.
    ///
    /// # Errors
    /// As for [`Workspace::writer`].
    pub fn engine_writer(&self, lease: &Lease) -> StoreResult<Writer> {
        Writer::start(self.connect(Access::Write)?, Some(lease.holder().to_owned()))
    }

    /// Configuration versions, connections and schemas.
    ///
    /// # Errors
    /// As for [`Workspace::open`].
    pub fn settings(&self) -> StoreResult<Settings> {
        self.connect(Access::Write).map(Settings::new)
    }

    /// What webhooks and call-backs told.
    ///
    /// # Errors
    /// As for [`Workspace::open`].
    pub fn inbox(&self) -> StoreResult<Inbox> {
        Inbox::new(self.connect(Access::Write)?)
    }

    /// Makes this process the engine of the workspace until the lease is dropped, or the process dies.
    ///
    /// # Errors
    /// `Held` when another one is.
    pub fn lease(&self, now: Timestamp) -> Result<Lease, LeaseError> {
        Lease::acquire(&self.file, self.connect(Access::Write)?, now)
    }

    /// Reads the whole file and checks seals and structure: minutes for gigabytes.
    ///
    /// # Errors
    /// `Damaged` with the first thing that is wrong.
    pub fn check(&self) -> StoreResult<()> {
        let connection = self.connect(Access::Read)?;
        for pragma in ["PRAGMA cipher_integrity_check", "PRAGMA integrity_check(1)"] {
            let mut statement = connection.prepare(pragma)?;
            let mut rows = statement.query([])?;
            if let Some(row) = rows.next()? {
                let detail: String = row.get(0)?;
                if detail != "ok" {
                    return Err(StoreError::Damaged { detail });
                }
            }
        }
        Ok(())
    }

    fn named(dir: &Path, name: &str, key: &Key) -> StoreResult<Self> {
        if !is_name(name) {
            return Err(StoreError::Name(name.to_owned()));
        }
        let file = dir.join(name).with_extension(EXTENSION);
        Ok(Self { name: name.to_owned(), file, key: key.clone() })
    }

    fn initialise(&self) -> StoreResult<()> {
        let mut connection = connect::open(&self.file, &self.key, Access::Write)?;
        connection.pragma_update(None, "application_id", migrations::APPLICATION_ID)?;
        migrations::apply(&mut connection)
    }

    fn connect(&self, access: Access) -> StoreResult<Connection> {
        let connection = connect::open(&self.file, &self.key, access)?;
        connect::expect_current(&connection, &self.file)?;
        Ok(connection)
    }
}

/// `[A-Za-z0-9][A-Za-z0-9_-]{0,62}`: safe as a file name, a word of a command, and a metric's label.
fn is_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    name.len() <= LONGEST_NAME && starts_well && name.bytes().all(allowed)
}

fn name_of(path: &Path) -> Option<String> {
    let name = path.file_stem()?.to_str()?;
    let ours = path.extension()? == EXTENSION && is_name(name) && path.is_file();
    ours.then(|| name.to_owned())
}

fn create_dir(dir: &Path) -> StoreResult<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| StoreError::io("making the folder", dir, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_plain_words() {
        for name in ["a", "0", "acme-2026", "A", "a_b", &"a".repeat(63)] {
            assert!(is_name(name), "{name} was refused");
        }
        for name in ["", "-a", "_a", "a b", "a.b", "../a", "a/b", "ä", &"a".repeat(64)] {
            assert!(!is_name(name), "{name} was accepted");
        }
    }
}
