//! What a page of records tells, and what it does not.
//!
//! One record that cannot be read must not keep the others from being read: it is left out and told about. Where that is
//! every one of many records, a page is not believed. A property that none of several records shows is one that the
//! portal does not have any more, or hides from the token: an answer without it says nothing of its values, least of all
//! that they are empty. One record alone is no evidence of that: the portal is asked for the property.

use serde_json::Value as Json;

use super::record::{self, Reader};
use crate::connect::MOST_UNREAD;
use crate::connect::error::{ConnectErrorKind, Fault};
use crate::engine::core::request::Failure;
use crate::model::{FieldName, ObjectKind, Record, RecordId};

/// The records of a page.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub records: Vec<Record>,
    /// Those that cannot be read.
    pub left_out: Vec<LeftOut>,
    /// What is wrong with the last of them.
    why: Option<String>,
    /// Records of which it is not told which stamp they carry, or that they carry none.
    pub unstamped: Vec<RecordId>,
    /// What the only record that can be read does not tell: the portal may not have it any more.
    pub doubtful: Option<FieldName>,
}

impl Told {
    /// # Errors
    /// A property is told of none of several records.
    pub fn of(reader: &Reader<'_>, rows: &[Json]) -> Result<Self, Fault> {
        let read: Vec<(&Json, Result<Record, String>)> = rows.iter().map(|row| (row, reader.record(row))).collect();
        let shown: Vec<&Json> = read.iter().filter(|(_, read)| read.is_ok()).map(|(row, _)| *row).collect();
        let mut told = Self::default();
        if let Some((first, rest)) = shown.split_first() {
            let nowhere = |name: &&FieldName| rest.iter().all(|row| reader.untold(row).any(|other| other == *name));
            match reader.untold(first).find(nowhere) {
                Some(name) if rest.is_empty() => told.doubtful = Some(name.clone()),
                Some(name) => return Err(hidden(reader.object, name)),
                None => {}
            }
        }
        for (row, read) in read {
            let whole = read.and_then(|record| match reader.untold(row).next() {
                Some(name) => Err(format!("record {} says nothing of \"{name}\"", record.id)),
                None => Ok(record),
            });
            match whole {
                Ok(record) => {
                    if !reader.tells_stamp(row) {
                        told.unstamped.push(record.id);
                    }
                    told.records.push(record);
                }
                Err(why) => {
                    tracing::warn!(object = %reader.object, why, "HubSpot shows a record that cannot be read; it is left out");
                    told.left_out.push(LeftOut { id: row.get("id").and_then(record::id), stamp: reader.stamp(row) });
                    told.why = Some(why);
                }
            }
        }
        Ok(told)
    }

    /// A page as far as it is believed.
    ///
    /// # Errors
    /// None of many records can be read, or none of several has even an id.
    pub fn believed(self) -> Result<Self, Fault> {
        let (left_out, named) = (self.left_out.len(), self.unread().len());
        match self.why {
            Some(why) if self.records.is_empty() && (left_out > MOST_UNREAD || (left_out > 1 && named == 0)) => {
                Err(odd(why))
            }
            _ => Ok(self),
        }
    }

    /// Takes in what else is on the same page.
    pub fn add(&mut self, other: Self) {
        self.records.extend(other.records);
        self.left_out.extend(other.left_out);
        self.why = other.why.or(self.why.take());
    }

    /// The ids of those that cannot be read.
    pub fn unread(&self) -> Vec<RecordId> {
        self.left_out.iter().filter_map(|one| one.id).collect()
    }
}

/// A record that cannot be read, and what it tells all the same.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub id: Option<RecordId>,
    pub stamp: Option<String>,
}

/// The ids of a page, ascending.
///
/// # Errors
/// None of several records has a usable id.
pub(super) fn ids(body: &Json) -> Result<Vec<RecordId>, Fault> {
    let rows = results(body)?;
    let mut ids: Vec<RecordId> = rows.iter().filter_map(|row| row.get("id").and_then(record::id)).collect();
    if ids.len() < rows.len() {
        tracing::warn!(records = rows.len() - ids.len(), "HubSpot shows records without an id; they are left out");
    }
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() && rows.len() > 1 { Err(odd("a record has no usable id".to_owned())) } else { Ok(ids) }
}

pub(super) fn results(body: &Json) -> Result<&Vec<Json>, Fault> {
    body.get("results").and_then(Json::as_array).ok_or_else(|| odd("there is no list of results".to_owned()))
}

/// The word to go on with behind a page; none behind the last one.
///
/// # Errors
/// It cannot be one: taken for the end, what follows would be missed.
pub(super) fn next_page(body: &Json) -> Result<Option<String>, Fault> {
    match body.pointer("/paging/next/after").filter(|next| !next.is_null()) {
        Some(next) => record::plain(next).map(Some).ok_or_else(|| odd("it does not tell where it goes on".to_owned())),
        None => Ok(None),
    }
}

pub(super) fn odd(what: String) -> Fault {
    Fault::unknown(format!("HubSpot's answer makes no sense: {what}."))
}

/// Names that do not exist are left out of an answer without a word.
pub(super) fn hidden(object: ObjectKind, name: &FieldName) -> Fault {
    let message = format!(
        "HubSpot tells nothing of the {object} property \"{name}\": it was deleted there, or the token may not see it."
    );
    let hint = "Run `lockstep doctor`; then map another property, or create this one again in HubSpot.";
    Fault::new(ConnectErrorKind::Setup, Failure::Denied { message, hint: hint.to_owned() }, hint)
}
