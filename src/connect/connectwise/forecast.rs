//! The forecast of an opportunity: its amount, and its items as line items.
//!
//! An opportunity has no amount. Lockstep owns one forecast item of each, told by its description, and its revenue is
//! the amount; every other item belongs to somebody else and is never written for an amount, and the owned one is no line
//! item. Forecast items have no list of their own, and nothing else brings them: they are read through their opportunities,
//! a call for each. `after` and `last` of their pages are therefore ids of opportunities, a page covers at most 50 of these,
//! and whether an edit of an item counts as a change of its opportunity is not documented: a full list finds what `Changes`
//! does not. What it costs: `Changes` a call, and one for each opportunity that changed, as long as the change is fresh
//! ([`super::seen_forecasts`]); `List` the same for all of them, once a day; `Read` a call, and one for each opportunity that one of the items lies in. Amounts cost as many by
//! themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::read::{FORECASTS, Query, Rows, odd};
use super::record::{self, Reader};
use super::seen_forecasts::SeenForecasts;
use super::{ConnectWise, outcome, refused, values};
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{AnswerBody, Failure, RejectionKind};
use crate::model::{FieldName, ObjectKind, Record, RecordId, Timestamp, Value};

/// What the description of the owned item says.
const OWNED: &str = "Lockstep";
/// Where items were seen is remembered up to this many.
const REMEMBERED: usize = 1_000_000;
/// Pages of opportunities that one request searches for items that were never seen, a call for each opportunity.
const SEARCH_PAGES: u32 = 4;

/// How far an item that was never seen has been looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Searched {
    /// The last opportunity that was looked into.
    after: Option<RecordId>,
    /// One on the way could not be read: the item may lie in it.
    skipped: bool,
}

/// Whether forecasts are read for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forecasts {
    /// All of them.
    Anew,
    /// But for those that were read since their opportunity changed last.
    WhereChanged,
}

/// A forecast as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    /// What a new item is added to.
    id: RecordId,
    items: Vec<Json>,
}

impl Forecast {
    /// The specification calls it an array of forecasts, servers answer one; both are taken.
    pub fn read(opportunity: RecordId, body: Json) -> Result<Self, Fault> {
        let mut id = None;
        let mut items = Vec::new();
        let forecasts = match body {
            Json::Array(forecasts) => forecasts,
            one @ Json::Object(_) => vec![one],
            _ => return Err(odd("there is no forecast")),
        };
        for forecast in forecasts {
            if forecast.get("forecastType").is_some() {
                items.push(forecast);
                continue;
            }
            id = id.or_else(|| forecast.get("id").and_then(record::id));
            match forecast.get("forecastItems") {
                Some(Json::Array(list)) => items.extend(list.iter().cloned()),
                // Nothing is left out of an answer without its items but what is null.
                None | Some(Json::Null) if id.is_some() => {}
                _ => return Err(odd("a forecast does not tell its items")),
            }
        }
        if !items.iter().all(tells_whose_it_is) {
            return Err(odd("a forecast item does not tell what it is"));
        }
        Ok(Self { id: id.filter(|id| id.0 > 0).unwrap_or(opportunity), items })
    }

    /// The item that Lockstep owns: the first one, should there be several.
    pub fn owned(&self) -> Option<(RecordId, &Json)> {
        let with_id = |item| Json::get(item, "id").and_then(record::id).map(|id| (id, item));
        self.items.iter().filter(|item| is_owned(item)).filter_map(with_id).min_by_key(|(id, _)| *id)
    }

    /// # Errors
    /// The revenue of the owned item is no number.
    pub fn amount(&self) -> Result<Value, String> {
        let amount = [FieldName::new("revenue")];
        let reader = Reader::new(ObjectKind::LineItem, &amount, None);
        let Some((id, item)) = self.owned() else { return Ok(Value::Empty) };
        reader.record_as_of(item, id, Timestamp::EPOCH).map(|record| record.value("revenue").clone())
    }

    /// The call that sets the amount; none where there is nothing to clear.
    pub fn set_amount(
        &self,
        opportunity: RecordId,
        status: Option<RecordId>,
        amount: &Value,
    ) -> Result<Option<Call>, crate::engine::core::request::Rejection> {
        let name = FieldName::new("amount");
        let revenue = values::json(ObjectKind::Deal, &name, amount)?;
        let path = format!("/sales/opportunities/{opportunity}/forecast");
        if let Some((item, _)) = self.owned() {
            let operation = match amount {
                Value::Empty => json!({ "op": "remove", "path": "revenue" }),
                _ => json!({ "op": "replace", "path": "revenue", "value": revenue }),
            };
            return Ok(Some(Call::send(reqwest::Method::PATCH, format!("{path}/{item}"), json!([operation]))));
        }
        if amount.is_empty() {
            return Ok(None);
        }
        let Some(status) = status else {
            let message = "The opportunity has no status, so its forecast can have no item for the amount.";
            return Err(values::invalid(&name, message.to_owned()));
        };
        let body = json!({
            "opportunity": { "id": opportunity.0 }, "status": { "id": status.0 }, "forecastType": "Product",
            "forecastDescription": OWNED, "quantity": 1, "revenue": revenue, "cost": 0, "includeFlag": true,
        });
        Ok(Some(Call::send(reqwest::Method::POST, format!("{path}/{}", self.id), body)))
    }
}

/// The items of one opportunity.
#[derive(Debug, Default)]
struct Lines {
    records: Vec<Record>,
    /// Those that show what can be no value.
    unread: Vec<RecordId>,
}

impl Lines {
    /// Puts those that are wanted where they belong.
    fn sort_out(
        self,
        wanted: &BTreeSet<RecordId>,
        found: &mut BTreeMap<RecordId, Record>,
        senseless: &mut BTreeSet<RecordId>,
    ) {
        found.extend(self.records.into_iter().filter(|line| wanted.contains(&line.id)).map(|line| (line.id, line)));
        senseless.extend(self.unread.into_iter().filter(|id| wanted.contains(id)));
    }
}

/// Whether an item is the owned one must be certain: a second one would be made beside it.
fn tells_whose_it_is(item: &Json) -> bool {
    let description = item.get("forecastDescription").unwrap_or(&Json::Null);
    let says = item.is_object() && (description.is_string() || description.is_null());
    says && (!is_owned(item) || item.get("id").and_then(record::id).is_some())
}

fn is_owned(item: &Json) -> bool {
    // Texts may end in NUL.
    let bare = |text: &str| text.trim_matches(|c: char| c == '\0' || c.is_whitespace()) == OWNED;
    item.get("forecastDescription").and_then(Json::as_str).is_some_and(bare)
}

impl ConnectWise {
    pub(super) async fn forecast(&self, opportunity: RecordId, session: &mut Session) -> Result<Forecast, Fault> {
        let call = Call::get(format!("/sales/opportunities/{opportunity}/forecast"));
        let reply = self.reply(&call, session).await?;
        if outcome::is_missing_route(&reply) {
            // Not a word about this opportunity: taken for one, an amount would be told as empty.
            return Err(odd("it knows no forecast of an opportunity"));
        }
        Forecast::read(opportunity, self.classified(&call, &reply)?)
    }

    /// The forecast of an opportunity that was last changed at `changed`, unless it has gone meanwhile.
    async fn forecast_if_there(
        &self,
        id: RecordId,
        changed: Timestamp,
        forecasts: Forecasts,
        session: &mut Session,
    ) -> Result<Option<Forecast>, Fault> {
        let begun = {
            let mut seen = self.seen_forecasts();
            let known = seen.of(id, changed, session.server_time).filter(|_| forecasts == Forecasts::WhereChanged);
            if known.is_some() {
                return Ok(known);
            }
            (seen.begin(), session.server_time)
        };
        match self.forecast(id, session).await {
            Ok(forecast) => {
                self.seen_forecasts().keep(id, changed, begun, &forecast);
                Ok(Some(forecast))
            }
            Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => {
                self.seen_forecasts().forget(id);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    pub(super) fn seen_forecasts(&self) -> std::sync::MutexGuard<'_, SeenForecasts> {
        self.seen_forecasts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Opportunities that went meanwhile are left out: their amounts are unknown, not empty. So are those whose amount is
    /// nonsense; these are answered, with the reason.
    pub(super) async fn add_amounts(
        &self,
        fields: &[FieldName],
        records: &mut Vec<Record>,
        forecasts: Forecasts,
        session: &mut Session,
    ) -> Result<BTreeMap<RecordId, String>, Fault> {
        let mut odd_ones = BTreeMap::new();
        let Some(name) = fields.iter().find(|name| name.as_str() == "amount") else { return Ok(odd_ones) };
        let mut there = Vec::with_capacity(records.len());
        for mut record in std::mem::take(records) {
            let read = self.forecast_if_there(record.id, record.modified, forecasts, session).await?;
            let Some(forecast) = read else { continue };
            let amount = match forecast.amount() {
                Ok(amount) => amount,
                Err(why) => {
                    odd_ones.insert(record.id, format!("the forecast of its amount: {why}"));
                    continue;
                }
            };
            if !amount.is_empty() {
                record.fields.insert(name.clone(), amount);
            }
            there.push(record);
        }
        *records = there;
        Ok(odd_ones)
    }

    /// The items of the next opportunities.
    pub(super) async fn line_page(
        &self,
        query: &Query<'_>,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let parents = Query { object: ObjectKind::Deal, fields: &[], ..query.clone() };
        let Rows { rows, last, more, .. } =
            self.rows_after(&parents, after, limit.clamp(1, FORECASTS), session).await?;
        let (mut records, mut unread, mut parents) = (Vec::new(), Vec::new(), Vec::new());
        for (id, row) in rows {
            let lines = self.lines_of(id, &row, query.fields, query.forecasts, session).await?;
            let Some(lines) = lines else { continue };
            records.extend(lines.records);
            unread.extend(lines.unread);
            parents.push(id);
        }
        records.sort_by_key(|record| record.id);
        records.dedup_by_key(|record| record.id);
        Ok(AnswerBody::Page { records, last, more, unread, others: Vec::new(), merged: Vec::new(), parents })
    }

    /// The items of one opportunity, as of their own last change where they tell it, else as of hers; none where it has
    /// gone meanwhile.
    async fn lines_of(
        &self,
        opportunity: RecordId,
        row: &Json,
        fields: &[FieldName],
        forecasts: Forecasts,
        session: &mut Session,
    ) -> Result<Option<Lines>, Fault> {
        let since = record::modified(row).ok_or_else(|| odd("an opportunity has no date of change"))?;
        let read = self.forecast_if_there(opportunity, since, forecasts, session).await?;
        let Some(forecast) = read else { return Ok(None) };
        let reader = Reader::new(ObjectKind::LineItem, fields, None);
        let mut lines = Lines::default();
        for item in forecast.items.iter().filter(|item| !is_owned(item)) {
            let id = item.get("id").and_then(record::id).ok_or_else(|| odd("a forecast item has no usable id"))?;
            let read = reader.record_as_of(item, id, record::modified(item).unwrap_or(since));
            let mut line = match read {
                Ok(line) => line,
                Err(why) => {
                    self.note_unreadable(ObjectKind::LineItem, id, &why);
                    lines.unread.push(id);
                    continue;
                }
            };
            if let Some(parent) = fields.iter().find(|name| name.as_str() == "opportunity") {
                // Below its opportunity an item need not repeat it.
                line.fields.entry(parent.clone()).or_insert_with(|| Value::Choice(opportunity.to_string()));
            }
            lines.records.push(line);
        }
        self.remember(opportunity, &lines);
        Ok(Some(lines))
    }

    fn remember(&self, opportunity: RecordId, lines: &Lines) {
        let mut seen = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for id in lines.records.iter().map(|line| line.id).chain(lines.unread.iter().copied()) {
            if seen.len() < REMEMBERED || seen.contains_key(&id) {
                seen.insert(id, opportunity);
            }
        }
    }

    /// Where an item was seen last: here, or, before this connection began, by the workspace.
    pub(super) fn opportunity_of(&self, line: RecordId) -> Option<RecordId> {
        let seen = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&line).copied();
        seen.or_else(|| self.places.get().and_then(|known| known(line)))
    }

    /// Items by id: where they were seen last; those that were never seen, through all opportunities. An item does not
    /// change its opportunity: what is not where it was seen is gone. Left out of the answer is what is not known yet.
    pub(super) async fn read_lines(
        &self,
        fields: &[FieldName],
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let wanted: BTreeSet<RecordId> = ids.iter().copied().collect();
        let placed: BTreeMap<RecordId, RecordId> =
            wanted.iter().filter_map(|id| self.opportunity_of(*id).map(|parent| (*id, parent))).collect();
        let mut found: BTreeMap<RecordId, Record> = BTreeMap::new();
        let parents: BTreeSet<RecordId> = placed.values().copied().collect();
        let (rows, unreadable) = self.parents(&parents.into_iter().collect::<Vec<_>>(), session).await?;
        let mut senseless = BTreeSet::new();
        for (id, row) in &rows {
            let lines = self.lines_of(*id, row, fields, Forecasts::Anew, session).await?;
            let Some(lines) = lines else { continue };
            lines.sort_out(&wanted, &mut found, &mut senseless);
        }
        let known = |id: &&RecordId| found.contains_key(id) || placed.contains_key(id);
        let missing = wanted.iter().filter(|id| !known(id)).copied().collect();
        let mut unknown = self.search(fields, missing, &mut found, &mut senseless, session).await?;
        unknown.extend(placed.iter().filter(|(_, parent)| unreadable.contains(parent)).map(|(id, _)| *id));
        if !unknown.is_empty() && unknown.len() == wanted.len() {
            return Err(Fault::unknown(
                "The forecast items are not found yet: ConnectWise lists them by opportunity only. The search goes on \
                 with the next request.",
            ));
        }
        unknown.extend(senseless);
        let known = ids.iter().filter(|id| !unknown.contains(id));
        Ok(AnswerBody::Records { found: known.map(|id| (*id, found.get(id).cloned())).collect() })
    }

    /// Looks for items through the next opportunities, from where the last search for them ended. Answers those of which
    /// nothing is known still: the search is not through, or an opportunity could not be read.
    async fn search(
        &self,
        fields: &[FieldName],
        mut wanted: BTreeSet<RecordId>,
        found: &mut BTreeMap<RecordId, Record>,
        senseless: &mut BTreeSet<RecordId>,
        session: &mut Session,
    ) -> Result<BTreeSet<RecordId>, Fault> {
        let query = Query::all(ObjectKind::Deal, &[]);
        for _ in 0..SEARCH_PAGES {
            if wanted.is_empty() {
                break;
            }
            let from = {
                let searched = self.searched.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                wanted.iter().map(|id| searched.get(id).copied().unwrap_or_default()).map(|one| one.after).min()
            };
            let page = self.rows_after(&query, from.flatten(), FORECASTS, session).await?;
            for (id, row) in &page.rows {
                let lines = self.lines_of(*id, row, fields, Forecasts::Anew, session).await?;
                let Some(lines) = lines else { continue };
                lines.sort_out(&wanted, found, senseless);
            }
            let seen = |id: &RecordId| found.contains_key(id) || senseless.contains(id);
            let mut searched = self.searched.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for id in &wanted {
                let one = searched.entry(*id).or_default();
                one.after = one.after.max(page.last);
                one.skipped |= !page.unread.is_empty();
            }
            searched.retain(|id, one| !seen(id) && (page.more || one.skipped || !wanted.contains(id)));
            wanted.retain(|id| searched.contains_key(id));
            if !page.more {
                break;
            }
        }
        Ok(wanted)
    }

    /// Opportunities as rows, what a forecast item is dated by, and those that ConnectWise cannot read.
    async fn parents(
        &self,
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<(Vec<(RecordId, Json)>, Vec<RecordId>), Fault> {
        if ids.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let read = self.surely_by_ids(ObjectKind::Deal, &[], ids, session).await?;
        let row = |record: Record| (record.id, json!({ "_info": { "lastUpdated": record.modified.to_rfc3339() } }));
        Ok((read.records.into_iter().map(row).collect(), read.unreadable.into_keys().collect()))
    }

    /// The place of an item that was seen before or is found now.
    pub(super) async fn line_path(&self, line: RecordId, session: &mut Session) -> Result<String, Fault> {
        if self.opportunity_of(line).is_none() {
            self.read_lines(&[], &[line], session).await?;
        }
        match self.opportunity_of(line) {
            Some(opportunity) => Ok(format!("/sales/opportunities/{opportunity}/forecast/{line}")),
            None => Err(refused("The forecast item is in no opportunity (any more).")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a forecast that cannot be read is a failing test")]
    use super::*;

    fn item(id: u64, description: &str, revenue: u32) -> Json {
        json!({"id": id, "forecastType": "Product", "forecastDescription": description, "revenue": revenue})
    }

    #[test]
    fn a_forecast_is_one_or_several_or_bare_items() {
        let items = json!([item(4, "Server", 10), item(9, " Lockstep \u{0}", 70), item(8, "Lockstep", 60)]);
        for body in
            [json!({"id": 3, "forecastItems": items}), json!([{"id": 3, "forecastItems": items}]), items.clone()]
        {
            let forecast = Forecast::read(RecordId(7), body.clone()).unwrap();
            assert_eq!(forecast.owned().map(|(id, _)| id), Some(RecordId(8)), "{body}");
            assert_eq!(forecast.amount(), Ok(Value::Number(60.into())), "{body}");
        }
        for body in [json!([]), json!({"id": 3}), json!({"id": 3, "forecastItems": null}), json!({"forecastItems": []})]
        {
            assert_eq!(Forecast::read(RecordId(7), body.clone()).unwrap().amount(), Ok(Value::Empty), "{body}");
        }
    }

    #[test]
    fn a_forecast_that_does_not_tell_its_items_has_no_amount_and_not_an_empty_one() {
        let with = |item: Json| json!({"id": 3, "forecastItems": [item]});
        for body in [
            Json::Null,
            json!({}),
            json!({"forecastItems": null}),
            json!([null, 7]),
            json!({"id": 3, "forecastItems": "none"}),
            json!({"id": 3, "forecastItems": {}}),
            with(json!(7)),
            with(json!({"id": 4, "forecastDescription": ["Lockstep"], "revenue": 5})),
            with(json!({"id": {}, "forecastDescription": "Lockstep", "revenue": 5})),
        ] {
            assert!(Forecast::read(RecordId(7), body.clone()).is_err(), "{body}");
        }
        for revenue in [json!([5]), json!({"amount": 5}), json!("a lot"), json!(true)] {
            let body = with(json!({"id": 4, "forecastDescription": "Lockstep", "revenue": revenue}));
            assert!(Forecast::read(RecordId(7), body.clone()).unwrap().amount().is_err(), "{body}");
        }
    }

    #[test]
    fn only_the_owned_item_is_ever_written() {
        let others = Forecast::read(RecordId(7), json!({"id": 3, "forecastItems": [item(4, "CPQ", 10)]})).unwrap();
        let amount = Value::Number(500.into());
        let made = others.set_amount(RecordId(7), Some(RecordId(1)), &amount).unwrap().unwrap();
        assert_eq!((made.method.as_str(), made.path.as_str()), ("POST", "/sales/opportunities/7/forecast/3"));
        assert_eq!(made.body.as_ref().unwrap()["forecastDescription"], OWNED);
        assert_eq!(others.set_amount(RecordId(7), None, &Value::Empty), Ok(None));
        assert!(others.set_amount(RecordId(7), None, &amount).is_err());

        let owned =
            Forecast::read(RecordId(7), json!({"forecastItems": [item(4, "CPQ", 10), item(5, OWNED, 1)]})).unwrap();
        let changed = owned.set_amount(RecordId(7), None, &amount).unwrap().unwrap();
        assert_eq!(changed.path, "/sales/opportunities/7/forecast/5");
        assert_eq!(changed.body, Some(json!([{"op": "replace", "path": "revenue", "value": 500}])));
        let cleared = owned.set_amount(RecordId(7), None, &Value::Empty).unwrap().unwrap();
        assert_eq!(cleared.body, Some(json!([{"op": "remove", "path": "revenue"}])));
    }
}
