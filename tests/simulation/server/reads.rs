//! What a server shows: changes, lists, counts and look-ups.

use lockstep::engine::core::request::AnswerBody;
use lockstep::model::{FieldName, ObjectKind, Record, RecordId, System, Timestamp};

use super::{Arrival, Entry, Server};

impl Server {
    pub(super) fn changes(
        &self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        window: (Timestamp, Timestamp),
        after: Option<RecordId>,
        limit: u32,
    ) -> AnswerBody {
        let now = arrival.now;
        let rows = self.of_object(arrival.request.object).filter(|entry| after.is_none_or(|after| entry.id > after));
        let rows = rows.filter(|entry| {
            let at = match self.system {
                System::HubSpot if entry.archived => return false,
                System::HubSpot => entry.indexed(now),
                System::ConnectWise => Some(entry.modified),
            };
            at.is_some_and(|at| window.0 <= at && at <= window.1)
        });
        self.page(rows, fields, limit)
    }

    pub(super) fn list(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        after: Option<RecordId>,
        archived: bool,
        limit: u32,
    ) -> AnswerBody {
        let rows = self.of_object(object).filter(|entry| after.is_none_or(|after| entry.id > after));
        // ConnectWise keeps its deleted companies in the same list
        let rows = rows.filter(|entry| self.system == System::ConnectWise || entry.archived == archived);
        self.page(rows, fields, limit)
    }

    /// HubSpot counts what its index has seen, and nothing else.
    pub(super) fn count(&self, arrival: &Arrival<'_>, since: Option<Timestamp>) -> Option<u64> {
        let rows = self.of_object(arrival.request.object);
        let count = match (self.system, since) {
            (System::HubSpot, None) => return None,
            (System::HubSpot, Some(since)) => {
                rows.filter(|entry| !entry.archived && entry.indexed(arrival.now).is_some_and(|at| since <= at)).count()
            }
            (System::ConnectWise, since) => {
                rows.filter(|entry| since.is_none_or(|since| since <= entry.modified)).count()
            }
        };
        Some(count as u64)
    }

    fn page<'a>(&self, rows: impl Iterator<Item = &'a Entry>, fields: &[FieldName], limit: u32) -> AnswerBody {
        let limit = self.temper.page.min(limit as usize).max(1);
        let mut rows = rows.peekable();
        let mut records = Vec::with_capacity(limit);
        while records.len() < limit
            && let Some(entry) = rows.next()
        {
            records.push(entry.show(fields));
        }
        let last = records.last().map(|record: &Record| record.id);
        AnswerBody::Page {
            last,
            more: rows.peek().is_some(),
            records,
            unread: Vec::new(),
            others: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Products of HubSpot have no unique properties: their stamps are asked of the index, which trails and knows no
    /// archive.
    pub(super) fn stamped(&self, arrival: &Arrival<'_>, fields: &[FieldName], stamp: &str) -> Vec<Record> {
        let object = arrival.request.object;
        let by_index = self.system == System::HubSpot && object == ObjectKind::Product;
        let known = |entry: &&Entry| !by_index || !entry.archived && entry.indexed(arrival.now).is_some();
        let carriers = self.of_object(object).filter(known).filter(|entry| entry.stamp.as_deref() == Some(stamp));
        carriers.map(|entry| entry.show(fields)).collect()
    }
}
