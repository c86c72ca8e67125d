//! Reading HubSpot: the change index, the list of all records, records by id.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::day;
use super::paths::{self, Route};
use super::record::{self, Reader};
use super::told::{self, Told, hidden, odd, results};
use super::{BATCH, HubCall, HubSpot};
use crate::connect::address::query_value;
use crate::connect::budget::Lane;
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::{AnswerBody, Failure, RejectionKind};
use crate::model::{FieldName, ObjectKind, Record, RecordId, Timestamp};

pub(super) const SEARCH_PAGE: u32 = 200;
const LIST_PAGE: u32 = 100;
/// As many characters of property names go into an address; beyond that HubSpot or a proxy answers 414.
const QUERY_CHARS: usize = 6000;
pub(super) const ID: &str = "hs_object_id";

/// Changes from the first to the second moment, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What an id leads to that no batch knows.
enum Survivor {
    Record(Box<Record>),
    Gone,
    /// Something is there that cannot be read.
    Odd,
}

impl HubSpot {
    pub(super) async fn identify(&self, session: &mut Session) -> Result<AnswerBody, Fault> {
        let details = self.details(session).await?;
        let tenant = record::id(details.get("portalId").unwrap_or(&Json::Null))
            .ok_or_else(|| Fault::unknown("HubSpot's account details have no portal id."))?
            .to_string();
        let kind = details.get("accountType").and_then(Json::as_str).unwrap_or("account");
        let label = match details.get("uiDomain").and_then(Json::as_str) {
            Some(domain) => format!("portal {tenant} ({kind}, {domain})"),
            None => format!("portal {tenant} ({kind})"),
        };
        Ok(AnswerBody::Identity { tenant, label: crate::connect::redact::clip_message(&label) })
    }

    pub(super) async fn details(&self, session: &mut Session) -> Result<Json, Fault> {
        let details = self.call(&HubCall::get(Route::Account, "/details".to_owned()), session).await?;
        let now = session.server_time.unwrap_or_else(|| (self.transport.clock)());
        if let Some(next) = day::next_day(&details, now) {
            self.transport.budget.day_ends(next.since(now));
        }
        Ok(details)
    }

    /// Ids come from the search index, values from the primary store: the index lags.
    pub(super) async fn changes(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        window: Window,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let limit = limit.clamp(1, SEARCH_PAGE);
        let call = search_call(object, search_body(paths::modified(object), window, after, limit));
        let body = self.call(&call, session).await?;
        let rows = results(&body)?.len();
        let ids = told::ids(&body)?;
        let full = rows >= usize::try_from(limit).unwrap_or(usize::MAX);
        let more = full || body.get("total").and_then(Json::as_u64).is_some_and(|total| total > rows as u64);
        let Some(last) = ids.iter().max().copied() else {
            return match rows {
                1.. if more => Err(odd("it goes on behind a record without an id".to_owned())),
                _ => Ok(AnswerBody::Page {
                    records: Vec::new(),
                    last: None,
                    more: false,
                    unread: Vec::new(),
                    others: Vec::new(),
                    merged: Vec::new(),
                    parents: Vec::new(),
                }),
            };
        };
        if ids.iter().any(|id| after.is_some_and(|after| *id <= after)) {
            return Err(Fault::unknown("HubSpot's search answered with records that were not asked for."));
        }
        let reader = self.reader(object, fields);
        let mut told = Told::default();
        for chunk in ids.chunks(BATCH) {
            told.add(self.batch_read(&reader, chunk, false, session).await?);
        }
        let told = told.believed()?;
        let unread = told.unread();
        let mut records = told.records;
        records.sort_by_key(|record| record.id);
        Ok(AnswerBody::Page {
            records,
            last: Some(last),
            more,
            unread,
            others: Vec::new(),
            merged: Vec::new(),
            parents: Vec::new(),
        })
    }

    /// The change index tells how many records it has; the list of all records does not.
    pub(super) async fn count(
        &self,
        object: ObjectKind,
        since: Option<Timestamp>,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let Some(from) = since else { return Ok(AnswerBody::Counted { records: None }) };
        let window = Window { from, until: Timestamp::MAX };
        let call = search_call(object, search_body(paths::modified(object), window, None, 1));
        let body = self.call(&call, session).await?;
        Ok(AnswerBody::Counted { records: body.get("total").and_then(record::number) })
    }

    pub(super) async fn list(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        after: Option<RecordId>,
        archived: bool,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let reader = self.reader(object, fields);
        // The cursor names the record to begin with; whether that one is included is left open: ask for one more.
        let limit = limit.clamp(1, LIST_PAGE).max(if after.is_some() { 2 } else { 1 });
        let names = query_value(&reader.properties().join(","));
        let short = names.len() <= QUERY_CHARS;
        let names = if short { names.as_str() } else { ID };
        let mut rest = format!("/{}?limit={limit}&archived={archived}&properties={names}", paths::object(object));
        if let Some(after) = after {
            rest.push_str(&format!("&after={after}"));
        }
        let body = self.call(&HubCall::get(Route::Objects, rest), session).await?;
        let page = if short {
            self.told(&reader, results(&body)?, session).await?
        } else {
            let ids: Vec<RecordId> =
                told::ids(&body)?.into_iter().filter(|id| after.is_none_or(|after| *id > after)).collect();
            self.batch_read(&reader, &ids, archived, session).await?
        };
        let page = page.believed()?;
        let mut unread = page.unread();
        unread.retain(|id| after.is_none_or(|after| *id > after));
        let mut records = page.records;
        let told = results(&body)?.iter().filter_map(|one| one.get("id").and_then(record::id)).max();
        records.retain(|record| after.is_none_or(|after| record.id > after));
        records.sort_by_key(|record| record.id);
        records.dedup_by_key(|record| record.id);
        for record in &mut records {
            record.archived |= archived;
        }
        // What vanished between two calls has been covered all the same.
        let last = told.filter(|told| after.is_none_or(|after| *told > after));
        let more = body.pointer("/paging/next/after").is_some_and(|next| !next.is_null());
        if more && last.is_none() {
            return Err(odd("the pages of the list repeat".to_owned()));
        }
        Ok(AnswerBody::Page {
            records,
            last,
            more,
            unread,
            others: Vec::new(),
            merged: Vec::new(),
            parents: Vec::new(),
        })
    }

    pub(super) async fn read(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let reader = self.reader(object, fields);
        let mut found: BTreeMap<RecordId, Record> = BTreeMap::new();
        let mut left_out = BTreeSet::new();
        for archived in [false, true] {
            let open = |id: &RecordId| !found.contains_key(id) && !left_out.contains(&Some(*id));
            let missing: Vec<RecordId> = ids.iter().copied().filter(open).collect();
            for chunk in missing.chunks(BATCH) {
                let told = self.batch_read(&reader, chunk, archived, session).await?;
                left_out.extend(told.left_out.iter().map(|one| one.id));
                found.extend(told.records.into_iter().filter(|one| chunk.contains(&one.id)).map(|one| (one.id, one)));
            }
        }
        let mut answers = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(record) = found.get(id) {
                answers.push((*id, Some(record.clone())));
            } else if !left_out.contains(&Some(*id)) {
                match self.survivor(&reader, *id, session).await? {
                    Survivor::Record(record) => answers.push((*id, Some(*record))),
                    // It may be the one that came without an id.
                    Survivor::Gone if left_out.contains(&None) => {}
                    Survivor::Gone => answers.push((*id, None)),
                    Survivor::Odd => {}
                }
            }
        }
        Ok(AnswerBody::Records { found: answers })
    }

    /// A record that was merged into another answers, alone, with that other one.
    async fn survivor(&self, reader: &Reader<'_>, id: RecordId, session: &mut Session) -> Result<Survivor, Fault> {
        let names = query_value(&reader.properties().join(","));
        let short = names.len() <= QUERY_CHARS;
        let names = if short { names.as_str() } else { ID };
        let rest = format!("/{}/{id}?properties={names}", paths::object(reader.object));
        let body = match self.call(&HubCall::get(Route::Objects, rest), session).await {
            Ok(body) => body,
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                return Ok(Survivor::Gone);
            }
            Err(fault) => return Err(fault),
        };
        let Told { records, left_out, .. } = if short {
            self.told(reader, std::slice::from_ref(&body), session).await?
        } else {
            let Some(id) = body.get("id").and_then(record::id) else { return Ok(Survivor::Odd) };
            let mut told = self.batch_read(reader, &[id], false, session).await?;
            told.records.retain(|one| one.id == id);
            told
        };
        Ok(match records.into_iter().next() {
            Some(record) => Survivor::Record(Box::new(record)),
            None if left_out.is_empty() => Survivor::Gone,
            None => Survivor::Odd,
        })
    }

    pub(super) async fn batch_read(
        &self,
        reader: &Reader<'_>,
        ids: &[RecordId],
        archived: bool,
        session: &mut Session,
    ) -> Result<Told, Fault> {
        let inputs: Vec<Json> = ids.iter().map(|id| json!({ "id": id.to_string() })).collect();
        let body = json!({ "properties": reader.properties(), "inputs": inputs });
        self.batch_call(reader, &body, archived, session).await
    }

    pub(super) async fn batch_call(
        &self,
        reader: &Reader<'_>,
        body: &Json,
        archived: bool,
        session: &mut Session,
    ) -> Result<Told, Fault> {
        let rest = format!("/{}/batch/read?archived={archived}", paths::object(reader.object));
        let answer = match self.call(&HubCall::post(Route::Objects, rest, body.clone()), session).await {
            // Nothing of what was asked for is there; or not even the property by which it was asked for.
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                if let Some(name) = body.get("idProperty").and_then(Json::as_str).map(FieldName::new)
                    && self.property(reader.object, &name, session).await?.is_none()
                {
                    return Err(hidden(reader.object, &name));
                }
                return Ok(Told::default());
            }
            other => other?,
        };
        refuse_partial_trouble(&answer)?;
        let mut told = self.told(reader, results(&answer)?, session).await?;
        for record in &mut told.records {
            record.archived |= archived;
        }
        Ok(told)
    }

    /// What a page tells. Where a property is missing from the only record of a page, the portal is asked whether it has it.
    async fn told(&self, reader: &Reader<'_>, rows: &[Json], session: &mut Session) -> Result<Told, Fault> {
        let told = Told::of(reader, rows)?;
        match &told.doubtful {
            Some(name) if self.property(reader.object, name, session).await?.is_none() => {
                Err(hidden(reader.object, name))
            }
            _ => Ok(told),
        }
    }

    pub(super) fn reader<'a>(&'a self, object: ObjectKind, fields: &'a [FieldName]) -> Reader<'a> {
        Reader { object, fields, stamp: self.stamps.get(&object) }
    }
}

pub(super) fn search_call(object: ObjectKind, body: Json) -> HubCall {
    let call = HubCall::post(Route::Objects, format!("/{}/search", paths::object(object)), body);
    HubCall { lane: Lane::Search, ..call }
}

/// A keyset page: never by offset, which skips what moves and ends at 10,000.
fn search_body(modified: &str, window: Window, after: Option<RecordId>, limit: u32) -> Json {
    let mut filters = vec![json!({ "propertyName": modified, "operator": "GTE", "value": window.from.0.to_string() })];
    if window.until < Timestamp::MAX {
        filters.push(json!({ "propertyName": modified, "operator": "LTE", "value": window.until.0.to_string() }));
    }
    if let Some(after) = after {
        filters.push(json!({ "propertyName": "hs_object_id", "operator": "GT", "value": after.to_string() }));
    }
    json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
        "properties": ["hs_object_id"],
        "limit": limit,
    })
}

/// A batch read answers 207 when records are not there, which is fine, or when it failed for some, which is not.
pub(super) fn refuse_partial_trouble(body: &Json) -> Result<(), Fault> {
    let errors = body.get("errors").and_then(Json::as_array).into_iter().flatten();
    for error in errors {
        let category = error.get("category").and_then(Json::as_str).unwrap_or_default();
        let message = error.get("message").and_then(Json::as_str).unwrap_or("no message");
        if category != "OBJECT_NOT_FOUND" && !message.contains("not exist") && !message.contains("not found") {
            return Err(odd(format!("it says: {}", crate::connect::redact::clip_message(message))));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_paged_by_id_inside_a_closed_window() {
        let window = Window { from: Timestamp(1000), until: Timestamp(2000) };
        let body = search_body("hs_lastmodifieddate", window, Some(RecordId(9)), 200);
        assert_eq!(
            body["filterGroups"][0]["filters"],
            json!([{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1000"},
                {"propertyName": "hs_lastmodifieddate", "operator": "LTE", "value": "2000"},
                {"propertyName": "hs_object_id", "operator": "GT", "value": "9"}])
        );
        assert_eq!(body["sorts"], json!([{"propertyName": "hs_object_id", "direction": "ASCENDING"}]));
        assert!(body.get("after").is_none());
        assert!(body.to_string().len() < 3000);
    }

    #[test]
    fn a_batch_read_forgives_missing_records_and_nothing_else() {
        let missing = json!({"results": [], "errors": [{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["9"]},
            "message": "Could not get some COMPANY objects, they may be deleted or not exist. Check that ids are valid."}]});
        assert!(refuse_partial_trouble(&missing).is_ok());
        let broken = json!({"results": [], "errors": [{"category": "INTERNAL_ERROR", "message": "boom"}]});
        assert!(refuse_partial_trouble(&broken).is_err());
    }
}
