//! What a server shows: changes, lists, counts and look-ups.

use lockstep::engine::core::request::AnswerBody;
use lockstep::mapping::references::OPPORTUNITY_OF_LINE;
use lockstep::model::{FieldName, ObjectKind, Record, RecordId, System, Timestamp};

use super::{Arrival, Entry, Server, has_unique_keys, ids};

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
        let object = arrival.request.object;
        let rows = self.listed(object).filter(|entry| after.is_none_or(|after| entry.id > after));
        let rows = rows.filter(|entry| {
            let at = match self.system {
                System::HubSpot if entry.archived => return false,
                System::HubSpot => entry.indexed(now),
                System::ConnectWise => Some(entry.modified),
            };
            at.is_some_and(|at| window.0 <= at && at <= window.1)
        });
        self.page(object, rows, fields, limit)
    }

    pub(super) fn list(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        after: Option<RecordId>,
        archived: bool,
        limit: u32,
    ) -> AnswerBody {
        let rows = self.listed(object).filter(|entry| after.is_none_or(|after| entry.id > after));
        // ConnectWise keeps its deleted companies in the same list
        let rows = rows.filter(|entry| self.system == System::ConnectWise || entry.archived == archived);
        self.page(object, rows, fields, limit)
    }

    /// What a list of records goes through: ConnectWise lists activities of all kinds, and forecast items by opportunity.
    fn listed(&self, object: ObjectKind) -> impl Iterator<Item = &Entry> {
        let is_listed = move |entry: &&Entry| match (self.system, object) {
            (System::ConnectWise, ObjectKind::LineItem) => entry.object == ObjectKind::Deal,
            (System::ConnectWise, object) if object.is_activity() => entry.object.is_activity(),
            _ => entry.object == object,
        };
        self.records.values().filter(is_listed)
    }

    /// HubSpot counts what its index has seen, and nothing else.
    pub(super) fn count(&self, arrival: &Arrival<'_>, since: Option<Timestamp>) -> Option<u64> {
        let object = arrival.request.object;
        let rows = self.listed(object);
        let count = match (self.system, since) {
            (System::HubSpot, None) => return None,
            (System::ConnectWise, _) if object == ObjectKind::LineItem => return None,
            (System::HubSpot, Some(since)) => {
                rows.filter(|entry| !entry.archived && entry.indexed(arrival.now).is_some_and(|at| since <= at)).count()
            }
            (System::ConnectWise, since) => {
                rows.filter(|entry| since.is_none_or(|since| since <= entry.modified)).count()
            }
        };
        Some(count as u64)
    }

    fn page<'a>(
        &self,
        object: ObjectKind,
        rows: impl Iterator<Item = &'a Entry>,
        fields: &[FieldName],
        limit: u32,
    ) -> AnswerBody {
        let limit = self.temper.page.min(limit as usize).max(1);
        let mut rows = rows.peekable();
        let (mut records, mut others, mut parents) = (Vec::with_capacity(limit), Vec::new(), Vec::new());
        let mut merged = Vec::new();
        let mut last = None;
        for _ in 0..limit {
            let Some(entry) = rows.next() else { break };
            last = Some(entry.id);
            if let Some(into) = entry.into {
                merged.push((entry.id, into));
            } else if entry.object == object {
                records.push(entry.show(fields));
            } else if entry.object.is_activity() {
                others.push(entry.id);
            } else {
                parents.push(entry.id);
                records.extend(self.lines_of(entry.id).map(|line| line.show(fields)));
            }
        }
        records.sort_by_key(|record| record.id);
        AnswerBody::Page { last, more: rows.peek().is_some(), records, unread: Vec::new(), others, merged, parents }
    }

    /// The line items of a deal.
    pub(crate) fn lines_of(&self, deal: RecordId) -> impl Iterator<Item = &Entry> {
        self.of_object(ObjectKind::LineItem).filter(move |line| ids(line.value(OPPORTUNITY_OF_LINE)).contains(&deal))
    }

    /// HubSpot has unique properties for some objects: of others their stamps are asked of the index, which trails and
    /// knows no archive. ConnectWise looks at activities of all kinds.
    pub(super) fn stamped(&self, arrival: &Arrival<'_>, fields: &[FieldName], stamp: &str) -> Vec<Record> {
        let object = arrival.request.object;
        let by_index = self.system == System::HubSpot && !has_unique_keys(object);
        let known = |entry: &&Entry| !by_index || !entry.archived && entry.indexed(arrival.now).is_some();
        let of_kind = |entry: &&Entry| match self.system {
            System::ConnectWise if object.is_activity() => entry.object.is_activity(),
            _ => entry.object == object,
        };
        let carriers = self.records.values().filter(of_kind).filter(known);
        carriers.filter(|entry| entry.stamp.as_deref() == Some(stamp)).map(|entry| entry.show(fields)).collect()
    }
}
