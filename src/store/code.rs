//! How values become columns and bodies, and back. The one place that knows the stored forms.

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::core::state::{DirtyReason, Feed, IntentKind, IntentState, IssueClass, LinkState, RecordState};
use crate::model::{ObjectKind, RecordId, RecordRef, System, Timestamp};

/// A closed set of words, stored as a small number that never changes its meaning.
pub(super) trait Code: Sized {
    fn code(&self) -> i64;
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Code for $type {
            fn code(&self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }
            fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes!(System { HubSpot = 0, ConnectWise = 1 });
codes!(ObjectKind {
    Company = 0,
    Contact = 1,
    Deal = 2,
    Ticket = 3,
    Product = 4,
    LineItem = 5,
    Note = 6,
    Task = 7,
    Call = 8,
    Meeting = 9
});
codes!(LinkState { Active = 0, Tomb = 1, Unlinked = 2 });
codes!(IntentKind { Create = 0, Update = 1 });
codes!(IntentState { Sent = 0, Unknown = 1, Applied = 2, Rejected = 3, NotApplied = 4, Abandoned = 5 });
codes!(Feed { Backfill = 0, Hot = 1, Settled = 2, Archived = 3, Sweep = 4 });
codes!(DirtyReason { Changed = 0, Written = 1, Retry = 2, Configuration = 3, Person = 4, Parent = 5, Day = 6 });
codes!(RecordState {
    Conflict = 0,
    Held = 1,
    Failing = 2,
    Pending = 3,
    Waiting = 4,
    InSync = 5,
    Excluded = 6,
    Gone = 7
});
codes!(IssueClass {
    Conflict = 0,
    AmbiguousMatch = 1,
    SuspectedDuplicate = 2,
    UnmappedValue = 3,
    UnfitValue = 4,
    MissingRequired = 5,
    Rejected = 6,
    FalseSuccess = 7,
    Oscillation = 8,
    Merged = 9,
    Transient = 10,
    IdentifierTaken = 11,
    AmbiguousReference = 12,
    MissingField = 13,
    Permission = 14,
    Unreadable = 15,
    Transform = 16
});

/// An id as SQLite's signed integer. Ids above 2^63 keep their identity and only sort first.
pub(super) const fn int(id: u64) -> i64 {
    id.cast_signed()
}

pub(super) fn record_int(id: Option<RecordId>) -> Option<i64> {
    id.map(|id| int(id.0))
}

/// The column as a word of its closed set.
pub(super) fn code_at<T: Code>(row: &Row<'_>, at: usize) -> Result<T> {
    let code = row.get(at)?;
    T::from_code(code).ok_or(Error::IntegralValueOutOfRange(at, code))
}

pub(super) fn u64_at(row: &Row<'_>, at: usize) -> Result<u64> {
    row.get::<_, i64>(at).map(i64::cast_unsigned)
}

pub(super) fn id_at(row: &Row<'_>, at: usize) -> Result<RecordId> {
    u64_at(row, at).map(RecordId)
}

pub(super) fn time_at(row: &Row<'_>, at: usize) -> Result<Timestamp> {
    row.get(at).map(Timestamp)
}

/// Object, system and id from three neighbouring columns.
pub(super) fn ref_at(row: &Row<'_>, at: usize) -> Result<RecordRef> {
    Ok(RecordRef::new(code_at(row, at)?, code_at(row, at + 1)?, id_at(row, at + 2)?))
}

/// The stored form of a whole row.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// The column as what [`encode`] made it from.
pub(super) fn body_at<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> Result<T> {
    let broken =
        |error: Box<dyn std::error::Error + Send + Sync>| Error::FromSqlConversionFailure(at, Type::Blob, error);
    let bytes = row.get_ref(at)?.as_blob().map_err(|error| broken(error.into()))?;
    serde_json::from_slice(bytes).map_err(|error| broken(error.into()))
}

/// Text as it is sorted and searched: without regard to case in any script.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_word_survives_its_number() {
        for object in ObjectKind::ALL {
            assert_eq!(ObjectKind::from_code(object.code()).unwrap(), object);
        }
        for state in RecordState::ALL {
            assert_eq!(RecordState::from_code(state.code()).unwrap(), state);
        }
        for code in 0..17 {
            assert_eq!(IssueClass::from_code(code).unwrap().code(), code);
        }
        assert_eq!(IssueClass::from_code(17), None);
    }

    #[test]
    fn the_largest_id_survives() {
        assert_eq!(int(u64::MAX).cast_unsigned(), u64::MAX);
    }
}
