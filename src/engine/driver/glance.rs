//! A look at fields that nobody reads yet: a few records, by the connections and within the budget of the running engine.
//! What it sees is never stored.

use crate::engine::core::request::{AnswerBody, Failure, Priority, Request, RequestBody};
use crate::model::{FieldName, ObjectKind, Record, RecordId, System};

/// Records that are looked at at once, in one call.
pub const MOST: usize = 100;

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    pub object: ObjectKind,
    pub system: System,
    pub fields: Vec<FieldName>,
    /// [`MOST`] at most; none: whichever the system lists first.
    pub ids: Vec<RecordId>,
}

impl Glance {
    /// The one request that it takes. Nothing but a read can be asked for so.
    #[must_use]
    pub(super) fn request(self) -> Request {
        let Self { object, system, fields, mut ids } = self;
        ids.truncate(MOST);
        let body = if ids.is_empty() {
            RequestBody::List { fields, after: None, archived: false, limit: u32::try_from(MOST).unwrap_or(u32::MAX) }
        } else {
            RequestBody::Read { fields, ids }
        };
        Request { system, object, priority: Priority::Interactive, run: None, body }
    }
}

/// The records that were seen.
///
/// # Errors
/// Why none were, as a sentence.
pub(super) fn records(system: System, body: AnswerBody) -> Result<Vec<Record>, String> {
    match body {
        AnswerBody::Page { mut records, .. } => {
            records.truncate(MOST);
            Ok(records)
        }
        AnswerBody::Records { found } => {
            Ok(found.into_iter().filter_map(|(_, record)| record).filter(|record| !record.archived).collect())
        }
        AnswerBody::Failed(failure) => Err(in_words(system, &failure)),
        _ => Err(format!("{system} gave another answer than the one that was asked for.")),
    }
}

fn in_words(system: System, failure: &Failure) -> String {
    let (why, hint) = match failure {
        Failure::Rejected(rejection) => (rejection.message.as_str(), ""),
        Failure::Denied { message, hint } | Failure::Forbidden { message, hint } => (message.as_str(), hint.as_str()),
        Failure::NotSent(message) | Failure::Unknown(message) | Failure::Throttled { message, .. } => {
            (message.as_str(), "")
        }
    };
    let told = format!("{system} could not be looked at: {}. {hint}", why.trim_end_matches('.'));
    told.trim_end().to_owned()
}
