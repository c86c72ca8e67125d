//! What can go wrong with a workspace file, told apart by what a person can do about it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::engine::core::view::ViewError;

/// Why the store could not do what was asked. Never carries a stored value or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Encrypted bytes look alike: a wrong key and a damaged beginning cannot be told apart.
    #[error("the key does not open {}: it is not the right one, or the beginning of the file is damaged", file.display())]
    WrongKey { file: PathBuf },
    #[error("{} is no workspace, or is damaged: {why}", file.display())]
    NoWorkspace { file: PathBuf, why: &'static str },
    #[error("the workspace file is damaged: {detail}")]
    Damaged { detail: String },
    #[error("another process is writing to the workspace and did not finish in time")]
    Busy,
    #[error("the disk is full; nothing of this change was kept")]
    Full,
    #[error("{what} failed: {detail}")]
    Io { what: String, detail: String },
    #[error("the workspace was written by a newer Lockstep (format {found}, this program knows {known})")]
    Newer { found: i64, known: i64 },
    #[error("`{0}` cannot name a workspace")]
    Name(String),
    #[error("there is already a workspace `{0}`")]
    Exists(String),
    #[error("there is no workspace `{0}`")]
    Missing(String),
    #[error("the key file {} cannot be used: {why}", file.display())]
    KeyFile { file: PathBuf, why: String },
    /// A rule of the workspace that always holds would break, such as one link for a record at most.
    #[error("the change contradicts what the workspace already holds: {0}")]
    Contradiction(String),
    /// The lease is another engine's by now.
    #[error("another engine took the workspace over{}", by.as_ref().map_or_else(String::new, |by| format!(": {by}")))]
    TakenOver { by: Option<String> },
    #[error("the workspace was closed while the change was waiting")]
    Closed,
    #[error("there is no draft of the configuration")]
    NoDraft,
    #[error("the workspace could not do this: {0}")]
    Other(String),
}

pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// What to do next.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::WrongKey { .. } => {
                "Use the key file or passphrase the workspace was made with. If that is the one you used, stop the engine, \
                 copy the file aside, and restore the newest backup."
            }
            Self::Damaged { .. } | Self::NoWorkspace { .. } => {
                "Stop the engine, copy the file aside, and restore the newest backup."
            }
            Self::Busy => "Try again; if it stays so, look for another Lockstep on this workspace.",
            Self::Full => "Free some space on the disk that holds the workspace, then try again.",
            Self::Io { .. } => "Check that the folder exists, is on a local disk, and belongs to you.",
            Self::Newer { .. } => "Update Lockstep, or open the workspace with the version that wrote it.",
            Self::Name(_) => "Use up to 63 letters, digits, hyphens and underscores, beginning with a letter or digit.",
            Self::Exists(_) => "Open it, or choose another name.",
            Self::Missing(_) => "List the workspaces, or make this one with `lockstep init`.",
            Self::KeyFile { .. } => {
                "A key file holds 64 hexadecimal characters and belongs to you alone: `chmod 600` it, or restore it."
            }
            Self::Contradiction(_) => "Look at the links of the records involved.",
            Self::TakenOver { .. } => {
                "Nothing more is written from here. See that one engine alone works on the workspace, and leave its \
                 .lock file where it is."
            }
            Self::Closed => "Open the workspace again.",
            Self::NoDraft => "Change the configuration first: that makes a draft.",
            Self::Other(_) => "Check the workspace with `lockstep doctor`.",
        }
    }

    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull {
            return Self::Full;
        }
        Self::Io { what: format!("{what} {}", path.display()), detail: error.to_string() }
    }

    /// The meaning of an error of the first read: a file that cannot be decrypted looks like no database at all, and so does
    /// one that the disk does not give back.
    pub(crate) fn at_open(error: rusqlite::Error, file: &Path) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                match File::open(file).and_then(|open| open.take(1).read_to_end(&mut Vec::new())) {
                    Ok(_) => Self::WrongKey { file: file.to_owned() },
                    Err(error) => Self::io("reading", file, &error),
                }
            }
            _ => error.into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                let detail = message.clone().unwrap_or_else(|| failure.to_string());
                from_code(failure.code, failure.extended_code, detail)
            }
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => {
                Self::Damaged { detail: "a stored row does not have its expected form".to_owned() }
            }
            other => Self::Other(other.to_string()),
        }
    }
}

fn from_code(code: ErrorCode, extended: i32, detail: String) -> StoreError {
    match code {
        ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::Damaged { detail },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::ConstraintViolation => StoreError::Contradiction(detail),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed => {
            StoreError::Io { what: "reading or writing the workspace file".to_owned(), detail }
        }
        _ => StoreError::Other(format!("{detail} (SQLite {extended})")),
    }
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
            other => Self::Other(other.to_string()),
        }
    }
}

impl From<StoreError> for ViewError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// Why this process cannot be the engine of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    #[error("the engine of this workspace runs already: {holder}")]
    Held { holder: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LeaseError {
    /// What to do next.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Held { .. } => "This console only looks. To take over, end the other engine first.",
            Self::Store(error) => error.hint(),
        }
    }
}
