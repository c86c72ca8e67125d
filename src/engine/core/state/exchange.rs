//! The last request about a record and its answer, redacted, as support staff want to see them.

use serde::{Deserialize, Serialize};

use crate::model::{RecordRef, Timestamp};

/// One HTTP exchange. Texts are free of secrets and bounded to a few kilobytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The record written to; the source of a create that has no target yet.
    pub record: RecordRef,
    pub at: Timestamp,
    pub method: String,
    /// Path and query, without host.
    pub path: String,
    pub request: String,
    /// None when no answer came.
    pub status: Option<u16>,
    /// The answer's body, or what went wrong on the way.
    pub response: String,
    pub took_ms: u64,
}
