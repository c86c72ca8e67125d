//! Records by their ids.

use std::collections::BTreeMap;

use super::ConnectWise;
use super::conditions::{Condition, IDS, fitting};
use super::objects::place;
use super::read::{Fetched, PAGE};
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::AnswerBody;
use crate::model::{FieldName, ObjectKind, Record, RecordId};

/// What came of a read by ids.
pub(super) struct ByIds {
    pub records: Vec<Record>,
    /// Those of which nothing is known, with the reason.
    pub unreadable: BTreeMap<RecordId, String>,
}

impl ConnectWise {
    /// Answers every id asked for, except for those that cannot be read: of them nothing is known.
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
        let ByIds { records, unreadable } = self.by_ids(object, fields, ids, session).await?;
        if let Some((first, why)) = unreadable.first_key_value()
            && ids.iter().all(|id| unreadable.contains_key(id))
        {
            return Err(Fault::unknown(format!("ConnectWise cannot read {} {first}: {why}.", place(object).word)));
        }
        let find = |id: &RecordId| records.iter().find(|record| record.id == *id).cloned();
        let known = ids.iter().filter(|id| !unreadable.contains_key(id));
        Ok(AnswerBody::Records { found: known.map(|id| (*id, find(id))).collect() })
    }

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
        let mut rest = ids.as_slice();
        while !rest.is_empty() {
            let take = fitting(rest, head.len(), |ids| Condition::ids("id", ids).escaped().len()).min(most);
            let call = Call::get(format!("{head}{}", Condition::ids("id", &rest[..take]).escaped()));
            match self.list(&call, session).await? {
                Fetched::Poisoned(_) if take > 1 => {
                    most = take / 2;
                    continue;
                }
                Fetched::Poisoned(why) => {
                    self.note_unreadable(object, RecordId(rest[0]), &why);
                    unreadable.insert(RecordId(rest[0]), why);
                }
                Fetched::Rows(found) => {
                    // Whatever else a server answers was not asked for.
                    rows.extend(found.into_iter().filter(|(id, _)| rest[..take].binary_search(&id.0).is_ok()));
                }
            }
            most = (most * 2).min(IDS);
            rest = &rest[take..];
        }
        let (records, odd_ones) = self.records(object, fields, rows, session).await?;
        unreadable.extend(odd_ones);
        Ok(ByIds { records, unreadable })
    }
}
