//! What the engine knows: the rows that survive a crash, as plain data.
//!
//! The store keeps them, the planner reads them, the console shows them. Nothing here knows how.

pub mod cover;
pub mod cursor;
pub mod dirty;
pub mod exchange;
pub mod intent;
pub mod issue;
pub mod link;
pub mod observation;
pub mod run;
pub mod status;

pub use cover::Cover;
pub use cursor::{Cursor, CursorKey, Feed};
pub use dirty::{Dirty, DirtyReason};
pub use exchange::Exchange;
pub use intent::{FieldWrite, Intent, IntentKind, IntentState};
pub use issue::{Issue, IssueClass, UNREADABLE_FOR_GOOD};
pub use link::{Agreed, Decision, Link, LinkOrigin, LinkState, OwnChange, RecentWrite};
pub use observation::Observation;
pub use run::{Counts, HistoryEntry, Run, RunCounts, RunKind, SideCounts, Verdict};
pub use status::{RecordState, Status};
