//! Records by their ids.
//!
//! A list shows what the caller may see, and what a server on the way lets through: that a record is not in it is no word
//! about the record. One that a list leaves out is therefore asked for alone, and gone when ConnectWise says so.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::{Condition, IDS, fitting};
use super::forecast::Forecasts;
use super::objects::place;
use super::read::{Fetched, PAGE};
use super::{ConnectWise, outcome, record};
use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{AnswerBody, Failure, RejectionKind};
use crate::model::{FieldName, ObjectKind, Record, RecordId};

/// Records that one request asks for alone because a list leaves them out.
const ALONE: usize = 10;

/// What came of a read by ids.
pub(super) struct ByIds {
    pub records: Vec<Record>,
    /// Those of which nothing is known, with the reason.
    pub unreadable: BTreeMap<RecordId, String>,
    /// Those that were merged into another, and into which.
    merged: BTreeMap<RecordId, RecordId>,
    /// Those that the answers leave out.
    missing: Vec<RecordId>,
}

impl ByIds {
    /// The record that answers for an id: itself, or the one that it was merged into at last, if there is any. None where
    /// that is not known.
    fn answering(&self, mut id: RecordId, known: &BTreeSet<RecordId>) -> Option<Option<&Record>> {
        for _ in 0..=MOST_MERGES {
            match self.merged.get(&id) {
                Some(into) => id = *into,
                None if self.unreadable.contains_key(&id) || !known.contains(&id) => return None,
                None => return Some(self.records.iter().find(|record| record.id == id)),
            }
        }
        None
    }
}

/// How many merges after each other are followed.
const MOST_MERGES: usize = 20;

/// What is known of a record that was asked for alone.
enum Alone {
    Found(Box<Record>),
    Merged(RecordId),
    /// It is not there, or of another kind.
    NotThere,
    Unknown(String),
}

impl ConnectWise {
    /// Answers every id asked for, except for those of which nothing is known. One that was merged away is answered by the
    /// record that it went up in.
    pub(super) async fn read(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if object == ObjectKind::LineItem {
            return self.read_lines(fields, ids, session).await;
        }
        let mut read = self.surely_by_ids(object, fields, ids, session).await?;
        let mut known: BTreeSet<RecordId> = ids.iter().copied().collect();
        for _ in 0..MOST_MERGES {
            let into: BTreeSet<RecordId> = read.merged.values().copied().filter(|id| known.insert(*id)).collect();
            if into.is_empty() {
                break;
            }
            let into: Vec<RecordId> = into.into_iter().collect();
            let more = self.surely_by_ids(object, fields, &into, session).await?;
            read.records.extend(more.records);
            read.unreadable.extend(more.unreadable);
            read.merged.extend(more.merged);
        }
        let answer = |id: &RecordId| read.answering(*id, &known).map(|record| (*id, record.cloned()));
        Ok(AnswerBody::Records { found: ids.iter().filter_map(answer).collect() })
    }

    /// The records, without those that are gone for certain.
    pub(super) async fn surely_by_ids(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<ByIds, Fault> {
        let mut read = self.by_ids(object, fields, ids, session).await?;
        for (at, id) in std::mem::take(&mut read.missing).into_iter().enumerate() {
            let known = match at < ALONE {
                true => self.alone(object, fields, id, session).await?,
                false => Alone::Unknown("its list leaves it out, and it was not asked for alone yet".to_owned()),
            };
            match known {
                Alone::Found(record) => read.records.push(*record),
                Alone::Merged(into) => drop(read.merged.insert(id, into)),
                Alone::NotThere => {}
                Alone::Unknown(why) => drop(read.unreadable.insert(id, why)),
            }
        }
        Ok(read)
    }

    async fn alone(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        id: RecordId,
        session: &mut Session,
    ) -> Result<Alone, Fault> {
        let asked = self.asked(object, fields).replacen('&', "?", 1);
        let call = Call::get(format!("{}/{id}{asked}", place(object).path)).single();
        let reply = self.reply(&call, session).await?;
        if let Some(words) = outcome::poisoned(&reply) {
            self.note_unreadable(object, id, &words);
            return Ok(Alone::Unknown(words));
        }
        let row = match self.classified(&call, &reply) {
            Ok(row) if row.get("id").and_then(record::id) == Some(id) => row,
            Ok(_) => return Ok(Alone::Unknown("another record was answered than the one asked for".to_owned())),
            Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => {
                return Ok(Alone::NotThere);
            }
            Err(fault) if is_about_the_line(&fault) => return Err(fault),
            Err(fault) => return Ok(Alone::Unknown(crate::connect::ConnectError::from(fault).message)),
        };
        if self.belongs(object, &row) == Some(false) {
            return Ok(Alone::NotThere);
        }
        let mut rows = vec![(id, row)];
        if let Some(into) = self.take_merged(object, &mut rows).remove(&id) {
            return Ok(Alone::Merged(into));
        }
        let (mut records, odd_ones) = self.records(object, fields, rows, Forecasts::Anew, session).await?;
        let unsaid = || "what hangs on it is not there".to_owned();
        Ok(match records.pop() {
            Some(record) => Alone::Found(Box::new(record)),
            None => Alone::Unknown(odd_ones.into_values().next().unwrap_or_else(unsaid)),
        })
    }

    /// What the lists of these ids show.
    pub(super) async fn by_ids(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<ByIds, Fault> {
        let mut ids: Vec<u64> = ids.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let head = format!("{}?pageSize={PAGE}{}&conditions=", place(object).path, self.asked(object, fields));
        let (mut rows, mut unreadable) = (Vec::new(), BTreeMap::new());
        let mut most = IDS;
        let mut rest = ids.clone();
        while !rest.is_empty() {
            let take = fitting(&rest, head.len(), |ids| Condition::ids("id", ids).escaped().len()).min(most);
            let call = Call::get(format!("{head}{}", Condition::ids("id", &rest[..take]).escaped()));
            match self.list(&call, session).await? {
                Fetched::Poisoned(_) if take > 1 => {
                    most = take / 2;
                    continue;
                }
                Fetched::Poisoned(why) => {
                    self.note_unreadable(object, RecordId(rest[0]), &why);
                    unreadable.insert(RecordId(rest[0]), why);
                    rest.drain(..take);
                }
                Fetched::Rows(page) => {
                    let mut open: BTreeSet<u64> = rest.drain(..take).collect();
                    // Whatever else a server answers was not asked for.
                    let found: Vec<_> = page.rows.into_iter().filter(|(id, _)| open.remove(&id.0)).collect();
                    if page.next && !found.is_empty() {
                        // The server cut the page short of what it found.
                        rest.splice(..0, open);
                    }
                    rows.extend(found);
                }
            }
            most = (most * 2).min(IDS);
        }
        let others: BTreeSet<RecordId> =
            rows.iter().filter(|(_, row)| self.belongs(object, row) == Some(false)).map(|(id, _)| *id).collect();
        let merged = self.take_merged(object, &mut rows);
        let (records, odd_ones) = self.records(object, fields, rows, Forecasts::Anew, session).await?;
        unreadable.extend(odd_ones);
        let shown: BTreeSet<RecordId> =
            records.iter().map(|record| record.id).chain(others).chain(merged.keys().copied()).collect();
        let missing =
            ids.into_iter().map(RecordId).filter(|id| !shown.contains(id) && !unreadable.contains_key(id)).collect();
        Ok(ByIds { records, unreadable, merged, missing })
    }
}

/// Whether no other call would fare better.
fn is_about_the_line(fault: &Fault) -> bool {
    matches!(fault.failure, Failure::Throttled { .. } | Failure::NotSent(_))
        || fault.kind == ConnectErrorKind::Credentials
}
