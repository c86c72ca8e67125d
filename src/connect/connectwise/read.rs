//! Reading ConnectWise: changes and lists by key, records by id.
//!
//! Every page is the first one of what lies behind the last id read, so that nothing edited meanwhile is skipped. Whether
//! more follows is told by its `Link`: a server may give fewer rows than it was asked for. What a condition could hide is
//! filtered here: activities by type, tickets by record type. One stored value that ConnectWise cannot read makes it
//! answer 500 to the whole page: the page is then cut until the record is found, left out, and told about.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::address::{Address, has_amount};
use super::conditions::Condition;
use super::forecast::Forecasts;
use super::objects::place;
use super::outcome;
use super::record;
use super::shapes;
use super::{ConnectWise, refused};
use crate::connect::MOST_UNREAD;
use crate::connect::address::query_value;
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{AnswerBody, Failure, Request, RequestBody};
use crate::model::{FieldName, ObjectKind, Record, RecordId, Timestamp};

pub(super) const PAGE: u32 = 1000;
/// Opportunities whose forecasts are read for one page, a call each.
pub(super) const FORECASTS: u32 = 50;
/// Calls spent on one page that ConnectWise cannot answer as a whole; what was read by then is answered.
const SEARCH_CALLS: u32 = 120;

/// A list to be read.
#[derive(Clone)]
pub(super) struct Query<'a> {
    pub object: ObjectKind,
    pub fields: &'a [FieldName],
    pub condition: Option<Condition>,
    /// Where they are part of the answer.
    pub forecasts: Forecasts,
}

impl<'a> Query<'a> {
    pub const fn all(object: ObjectKind, fields: &'a [FieldName]) -> Self {
        Self { object, fields, condition: None, forecasts: Forecasts::Anew }
    }

    /// The first `size` records behind `after`, by id. Not asked for as pages that go forward only: these name a next one
    /// even where nothing follows, and each answer would cost a second call. `asked`: the `fields` parameter.
    fn page(&self, asked: &str, after: Option<RecordId>, size: u32) -> Call {
        let behind = after.map(Condition::behind);
        let condition = match (behind, &self.condition) {
            (Some(behind), Some(condition)) => Some(behind.and(condition)),
            (behind, condition) => behind.or_else(|| condition.clone()),
        };
        let conditions = condition.map(|one| format!("&conditions={}", one.escaped())).unwrap_or_default();
        Call::get(format!("{}?pageSize={size}&orderBy=id%20asc{asked}{conditions}", place(self.object).path))
    }
}

/// Rows of a list, ascending by id.
pub(super) struct Rows {
    pub rows: Vec<(RecordId, Json)>,
    /// The highest id covered, unreadable ones included.
    pub last: Option<RecordId>,
    pub more: bool,
    /// Those that ConnectWise itself cannot read; they are left out.
    pub unread: Vec<RecordId>,
}

/// One answer to a list call.
pub(super) enum Fetched {
    Rows(Listed),
    /// ConnectWise cannot read something on the page; its words.
    Poisoned(String),
}

/// One page, ascending by id.
pub(super) struct Listed {
    pub rows: Vec<(RecordId, Json)>,
    /// Items without a usable id; they are left out.
    pub nameless: usize,
    /// It names a next page.
    pub next: bool,
}

impl Listed {
    /// Whether nothing follows where `size` rows were asked for. A server may give fewer than that while more follow, so
    /// that a short page ends a list only where it names no next one. A full page never does: a proxy may have dropped
    /// the header.
    fn is_end(&self, size: u32) -> bool {
        let items = self.rows.len() + self.nameless;
        self.rows.is_empty() || (!self.next && items < size as usize)
    }
}

impl ConnectWise {
    pub(super) async fn answer(&self, request: &Request, session: &mut Session) -> Result<AnswerBody, Fault> {
        let object = request.object;
        match &request.body {
            RequestBody::Identify => self.identify(session).await,
            RequestBody::Changes { fields, from, until, after, limit } => {
                let condition = Some(Condition::changed(*from, *until));
                let query = Query { condition, forecasts: Forecasts::WhereChanged, ..Query::all(object, fields) };
                self.page(&query, *after, *limit, session).await
            }
            RequestBody::List { fields, after, archived, limit } => {
                if *archived && !place(object).recycles {
                    return Ok(AnswerBody::Page {
                        records: Vec::new(),
                        last: None,
                        more: false,
                        unread: Vec::new(),
                        others: Vec::new(),
                        merged: Vec::new(),
                        parents: Vec::new(),
                    });
                }
                let condition = archived.then(|| Condition::is_true("deletedFlag"));
                self.page(&Query { condition, ..Query::all(object, fields) }, *after, *limit, session).await
            }
            RequestBody::Count { since } => self.length(object, *since, session).await,
            RequestBody::Read { fields, ids } => self.read(object, fields, ids, session).await,
            RequestBody::FindStamped { fields, stamps } => self.find_stamped(object, fields, stamps, session).await,
            RequestBody::Associations { .. }
            | RequestBody::Associate { .. }
            | RequestBody::History { .. }
            | RequestBody::Members { .. } => {
                Err(refused("ConnectWise has no associations, no history of fields and no lists."))
            }
            RequestBody::Create { .. } | RequestBody::Update { .. } => Err(refused("A write was taken for a read.")),
        }
    }

    async fn identify(&self, session: &mut Session) -> Result<AnswerBody, Fault> {
        let version = self.running_version(session).await?;
        let label = crate::connect::redact::clip_message(&format!("{} ({version})", self.company));
        Ok(AnswerBody::Identity { tenant: self.tenant(), label })
    }

    /// What serves the tenant, in its own words. The cheapest call that takes credentials.
    pub(super) async fn running_version(&self, session: &mut Session) -> Result<String, Fault> {
        let info = self.call(&Call::get("/system/info"), session).await?;
        let info = info.as_object().ok_or_else(|| odd("there is nothing about the system"))?;
        Ok(info.get("version").and_then(Json::as_str).unwrap_or("version unknown").to_owned())
    }

    async fn page(
        &self,
        query: &Query<'_>,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if query.object == ObjectKind::LineItem {
            return self.line_page(query, after, limit, session).await;
        }
        let most = if has_amount(query.object, query.fields) { FORECASTS } else { PAGE };
        let Rows { mut rows, last, more, mut unread } =
            self.rows_after(query, after, limit.clamp(1, most), session).await?;
        let is_another = |(_, row): &&(RecordId, Json)| self.belongs(query.object, row) == Some(false);
        let others = rows.iter().filter(is_another).map(|(id, _)| *id).collect();
        let merged = self.take_merged(query.object, &mut rows).into_iter().collect();
        let (records, odd_ones) = self.records(query.object, query.fields, rows, query.forecasts, session).await?;
        if let (Some(why), true) = (odd_ones.values().next(), records.is_empty() && odd_ones.len() > MOST_UNREAD) {
            return Err(odd(&format!("{why}, and so with all {} records of the answer", odd_ones.len())));
        }
        unread.extend(odd_ones.into_keys());
        Ok(AnswerBody::Page { records, last, more, unread, others, merged, parents: Vec::new() })
    }

    /// The next rows of a list behind `after`, bad ones left out.
    pub(super) async fn rows_after(
        &self,
        query: &Query<'_>,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<Rows, Fault> {
        let (mut found, mut last, mut size) =
            (Rows { rows: Vec::new(), last: None, more: false, unread: Vec::new() }, after, limit);
        let before = session.calls;
        loop {
            let asked = size.min(limit.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(limit))).max(1);
            match self.fetch(query, last, asked, session).await? {
                Fetched::Rows(page) => {
                    let ended = page.is_end(asked);
                    last = page.rows.last().map(|(id, _)| *id).or(last);
                    found.rows.extend(page.rows);
                    if ended || found.rows.len() >= limit as usize {
                        found.more = !ended;
                        break;
                    }
                    size = (size * 2).min(limit);
                }
                Fetched::Poisoned(_) if asked > 1 => size = asked / 2,
                Fetched::Poisoned(why) => {
                    let Some(bad) = self.locate(query, last, session).await? else { break };
                    self.note_unreadable(query.object, bad, &why);
                    found.unread.push(bad);
                    last = Some(bad);
                    size = limit.min(2);
                }
            }
            if session.calls - before > SEARCH_CALLS || (session.is_late && last != after) {
                if last == after {
                    return Err(odd("it cannot read the page, and the bad record is not found"));
                }
                found.more = true;
                break;
            }
        }
        found.last = last.filter(|last| after != Some(*last));
        Ok(found)
    }

    async fn fetch(
        &self,
        query: &Query<'_>,
        after: Option<RecordId>,
        size: u32,
        session: &mut Session,
    ) -> Result<Fetched, Fault> {
        let call = query.page(&self.asked(query.object, query.fields), after, size);
        let fetched = self.list(&call, session).await?;
        if let Fetched::Rows(page) = &fetched {
            in_order(&page.rows, after)?;
        }
        Ok(fetched)
    }

    /// A list answer, its rows by id; `Poisoned` where ConnectWise says that it cannot read a stored value.
    pub(super) async fn list(&self, call: &Call, session: &mut Session) -> Result<Fetched, Fault> {
        let reply = self.reply(call, session).await?;
        if let Some(words) = outcome::poisoned(&reply) {
            return Ok(Fetched::Poisoned(words));
        }
        let Json::Array(list) = self.classified(call, &reply)? else { return Err(odd("there is no list of records")) };
        let (rows, nameless) = with_ids(list)?;
        if nameless > 0 {
            tracing::warn!(records = nameless, "ConnectWise shows records without an id; they are left out");
        }
        Ok(Fetched::Rows(Listed { rows, nameless, next: reply.next }))
    }

    /// The id of the first record behind `after`, which cannot be read: by asking for ids alone, and where even that
    /// fails by counting.
    async fn locate(
        &self,
        query: &Query<'_>,
        after: Option<RecordId>,
        session: &mut Session,
    ) -> Result<Option<RecordId>, Fault> {
        let call = query.page("&fields=id", after, 1);
        if let Fetched::Rows(page) = self.list(&call, session).await? {
            if page.nameless > 0 {
                return Err(odd(NO_ID));
            }
            in_order(&page.rows, after)?;
            return Ok(page.rows.first().map(|(id, _)| *id));
        }
        let low = after.map_or(0, |after| after.0);
        let (mut floor, mut step) = (low, 1_u64);
        let mut ceiling = loop {
            let to = low.saturating_add(step);
            if self.count(query, low, to, session).await? > 0 {
                break to;
            }
            if to > u64::from(u32::MAX) {
                return Ok(None);
            }
            (floor, step) = (to, step * 4);
        };
        while ceiling - floor > 1 {
            let middle = floor + (ceiling - floor) / 2;
            if self.count(query, low, middle, session).await? > 0 { ceiling = middle } else { floor = middle }
        }
        Ok(Some(RecordId(ceiling)))
    }

    async fn count(&self, query: &Query<'_>, above: u64, up_to: u64, session: &mut Session) -> Result<u64, Fault> {
        let range = Condition::id_range(above, up_to);
        let condition = query.condition.as_ref().map_or_else(|| range.clone(), |other| range.clone().and(other));
        self.count_where(query.object, Some(condition), session).await
    }

    async fn count_where(
        &self,
        object: ObjectKind,
        condition: Option<Condition>,
        session: &mut Session,
    ) -> Result<u64, Fault> {
        let conditions = condition.map(|one| format!("?conditions={}", one.escaped())).unwrap_or_default();
        let body = self.call(&Call::get(format!("{}/count{conditions}", place(object).path)), session).await?;
        body.get("count").and_then(Json::as_u64).ok_or_else(|| odd("there is no count"))
    }

    /// How many records a list has, those of other kinds included. Forecast items are listed by opportunity: nothing
    /// counts them.
    async fn length(
        &self,
        object: ObjectKind,
        since: Option<Timestamp>,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if object == ObjectKind::LineItem {
            return Ok(AnswerBody::Counted { records: None });
        }
        let condition = since.map(|since| Condition::changed(since, Timestamp::MAX));
        Ok(AnswerBody::Counted { records: Some(self.count_where(object, condition, session).await?) })
    }

    /// All records for which a condition holds that finds few: by stamp. Of whatever kind they are: one whose type was
    /// changed since it was made is still the one that was made, and where it stayed unseen there would soon be two.
    pub(super) async fn matching(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        parameter: &str,
        condition: &Condition,
        session: &mut Session,
    ) -> Result<Vec<Record>, Fault> {
        let asked = self.asked(object, fields);
        let list = format!("{}?{parameter}={}{asked}", place(object).path, condition.escaped());
        let rows = self.rows(&list, session).await.map_err(|fault| match fault.failure {
            Failure::Rejected(why) if outcome::is_poison(&why.message) => {
                Fault::unknown(format!("ConnectWise cannot read what it found: {}", why.message))
            }
            _ => fault,
        })?;
        // Left out, a record that carries the stamp would be made a second time.
        let (rows, nameless) = with_ids(rows)?;
        if nameless > 0 {
            return Err(odd(NO_ID));
        }
        let (records, odd_ones) = self.records_of_any_kind(object, fields, &rows, Forecasts::Anew, session).await?;
        odd_ones.into_values().next().map_or(Ok(records), |why| Err(odd(&why)))
    }

    /// The rows that are of the object's kind, as records, and those that cannot be believed, with the reason.
    pub(super) async fn records(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        mut rows: Vec<(RecordId, Json)>,
        forecasts: Forecasts,
        session: &mut Session,
    ) -> Result<(Vec<Record>, BTreeMap<RecordId, String>), Fault> {
        let mut untold = BTreeMap::new();
        rows.retain(|(id, row)| {
            let belongs = self.belongs(object, row);
            if belongs.is_none() {
                untold.insert(*id, format!("record {id} does not tell of what kind it is"));
            } else if record::merged_into(object, row).is_err() {
                untold.insert(*id, format!("record {id} does not tell whether it was merged"));
            }
            belongs == Some(true) && !untold.contains_key(id)
        });
        let (records, mut odd_ones) = self.records_of_any_kind(object, fields, &rows, forecasts, session).await?;
        for (id, why) in &untold {
            self.note_unreadable(object, *id, why);
        }
        odd_ones.extend(untold);
        Ok((records, odd_ones))
    }

    /// Takes out those of the object's kind that were merged into another, and tells into which.
    pub(super) fn take_merged(
        &self,
        object: ObjectKind,
        rows: &mut Vec<(RecordId, Json)>,
    ) -> BTreeMap<RecordId, RecordId> {
        let mut merged = BTreeMap::new();
        rows.retain(|(id, row)| {
            let into = record::merged_into(object, row).ok().flatten();
            let into = into.filter(|_| self.belongs(object, row) == Some(true));
            merged.extend(into.map(|into| (*id, into)));
            into.is_none()
        });
        merged
    }

    /// Rows to records. What has no date of change, or does not show what is wanted of it, is left out and told about.
    async fn records_of_any_kind(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        rows: &[(RecordId, Json)],
        forecasts: Forecasts,
        session: &mut Session,
    ) -> Result<(Vec<Record>, BTreeMap<RecordId, String>), Fault> {
        let reader = self.reader(object, fields, rows.iter().map(|(_, row)| row), session).await?;
        let mut records = Vec::with_capacity(rows.len());
        let mut odd_ones = BTreeMap::new();
        for (id, row) in rows {
            match reader.record(row) {
                Ok(record) => records.push(record),
                Err(why) => drop(odd_ones.insert(*id, why)),
            }
        }
        for (id, why) in &odd_ones {
            self.note_unreadable(object, *id, why);
        }
        if has_amount(object, fields) {
            let amountless = self.add_amounts(fields, &mut records, forecasts, session).await?;
            for (id, why) in &amountless {
                self.note_unreadable(object, *id, why);
            }
            odd_ones.extend(amountless);
        }
        Ok((records, odd_ones))
    }

    /// Whether a row of the list is of the kind that was asked for; none where it does not tell.
    pub(super) fn belongs(&self, object: ObjectKind, row: &Json) -> Option<bool> {
        match object {
            ObjectKind::Ticket => match row.get("recordType") {
                None | Some(Json::Null) => Some(true),
                Some(kind) => kind.as_str().map(|kind| kind == "ServiceTicket"),
            },
            kind if kind.is_activity() => {
                let told = shapes::reference(row.get("type").unwrap_or(&Json::Null));
                // Where no types are named, none matters.
                let is_clear = told.is_some() || self.activities.is(kind, None);
                is_clear.then(|| self.activities.is(kind, record::referred(row, "type")))
            }
            _ => Some(true),
        }
    }

    /// The `fields` parameter, with `&`; left out where it would fill the address by itself.
    pub(super) fn asked(&self, object: ObjectKind, fields: &[FieldName]) -> String {
        let members = |name: &FieldName| -> Vec<String> {
            Address::of(object, name.as_str()).asked().map(str::to_owned).collect()
        };
        let mut names: Vec<String> = fields.iter().chain(self.stamps.get(&object)).flat_map(members).collect();
        names.extend(
            ["id", "_info/dateEntered", "_info/enteredBy", "_info/lastUpdated", "_info/updatedBy"].map(str::to_owned),
        );
        let needed: &[&str] = match object {
            _ if place(object).recycles => &["deletedFlag"],
            ObjectKind::Ticket => &["recordType", "mergedParentTicket"],
            kind if kind.is_activity() => &["type"],
            _ => &[],
        };
        names.extend(needed.iter().map(|name| (*name).to_owned()));
        names.sort();
        names.dedup();
        let list = query_value(&names.join(","));
        if list.len() > 1000 { String::new() } else { format!("&fields={list}") }
    }
}

const NO_ID: &str = "a record has no usable id";

/// Rows by their ids, ascending, and how many have none: one that cannot be told must not keep the others from being read.
///
/// # Errors
/// None of the rows has one.
fn with_ids(list: Vec<Json>) -> Result<(Vec<(RecordId, Json)>, usize), Fault> {
    let all = list.len();
    let with_id = |row: Json| row.get("id").and_then(record::id).map(|id| (id, row));
    let mut rows: Vec<(RecordId, Json)> = list.into_iter().filter_map(with_id).collect();
    if rows.is_empty() && all > 0 {
        return Err(odd(NO_ID));
    }
    rows.sort_by_key(|(id, _)| *id);
    let nameless = all - rows.len();
    Ok((rows, nameless))
}

/// A page that repeats an id or goes back would be read for ever.
fn in_order(rows: &[(RecordId, Json)], after: Option<RecordId>) -> Result<(), Fault> {
    let goes_back = rows.first().is_some_and(|(first, _)| after.is_some_and(|after| *first <= after));
    let repeats = rows.windows(2).any(|two| two[0].0 == two[1].0);
    if goes_back || repeats { Err(odd("a page repeats records or goes back")) } else { Ok(()) }
}

pub(super) fn odd(what: &str) -> Fault {
    Fault::unknown(format!("ConnectWise's answer makes no sense: {what}."))
}
