//! How far each feed has been read.

use serde::{Deserialize, Serialize};

use crate::engine::core::request::Priority;
use crate::model::{ConfigVersion, ObjectKind, RecordId, System, Timestamp};

/// A way of reading a system for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Everything once, by id: the start of a workspace.
    Backfill,
    /// What changed lately, seconds behind; may miss what the search index has not seen yet.
    Hot,
    /// The same question asked again once the index has certainly caught up.
    Settled,
    /// HubSpot's recycle bin.
    Archived,
    /// Everything again, by id, to find what no change feed shows.
    Sweep,
}

impl Feed {
    /// How urgent its reading is.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Hot => Priority::Pull,
            Self::Settled | Self::Archived => Priority::Settled,
            Self::Backfill | Self::Sweep => Priority::Bulk,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CursorKey {
    pub system: System,
    pub object: ObjectKind,
    pub feed: Feed,
}

/// The place in one feed. Moved only together with the page it describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub key: CursorKey,
    /// The feed is complete up to here, in the system's time.
    pub from: Timestamp,
    /// A pass under way: read up to `until`, all ids up to `after` done. None between passes.
    pub pass: Option<Pass>,
    /// When the last pass was completed, in the engine's time.
    pub completed: Option<Timestamp>,
    /// A hash of the fields and match rules that were read: when it differs, everything is read once more.
    pub shape: u64,
    /// The configuration that all records read by this feed were last evaluated with.
    pub config: ConfigVersion,
}

impl Cursor {
    /// Of a feed that was never read.
    #[must_use]
    pub const fn unread(key: CursorKey) -> Self {
        Self { key, from: Timestamp::EPOCH, pass: None, completed: None, shape: 0, config: ConfigVersion(0) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Lower end of the window, overlap included.
    pub from: Timestamp,
    /// Upper end of the window.
    pub until: Timestamp,
    /// Keyset: the last id read.
    pub after: Option<RecordId>,
    /// When the pass began, in the engine's time.
    pub started: Timestamp,
}
