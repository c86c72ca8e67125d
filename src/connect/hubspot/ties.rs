//! Reading associations in batches, over all their pages.
//!
//! A row that cannot be read must not keep the others from being read, and must not make anybody's associations look like
//! none: what it concerns is unknown.
//!
//! A record without associations is told by a row with an empty list, or by an error of its own
//! (`NO_ASSOCIATIONS_FOUND`); that every portal says so is not documented. So an answer that says nothing at all of a
//! record that was asked for is asked for once more, of that record alone, and then stands for "none" only as long as
//! nothing speaks against it: where the record's own property names a company, it is unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::paths::{self, Route};
use super::read::refuse_partial_trouble;
use super::told::{odd, results};
use super::{HubCall, HubSpot, record};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, RejectionKind};
use crate::model::{ObjectKind, RecordId};

/// What one batch read takes.
pub(super) const READ_BATCH: usize = 1000;
const SILENT: &str = "an answer says nothing of a record whose own property names a company";
/// Pages of one record's associations; 500 come at once, and an object has a ceiling far below the product.
const PAGES: u32 = 1000;

/// One pair as HubSpot tells it: the other record, and the kinds of association with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tie {
    pub to: RecordId,
    pub types: Vec<TieType>,
}

impl Tie {
    /// Whether the pair has the label Primary, which is of that number.
    pub fn has(&self, primary: Option<u32>) -> bool {
        self.types.iter().any(|one| one.is(primary))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TieType {
    pub category: String,
    pub number: u64,
    pub label: Option<String>,
}

impl TieType {
    /// Whether it is the label Primary, which is of that number: the customer's own may have the same one.
    pub fn is(&self, primary: Option<u32>) -> bool {
        self.category == "HUBSPOT_DEFINED" && primary.is_some_and(|number| u64::from(number) == self.number)
    }
}

/// What is known of the associations of the records that were asked for.
#[derive(Debug, Default)]
pub(super) struct Ties {
    known: BTreeMap<RecordId, Vec<Tie>>,
    unknown: BTreeSet<RecordId>,
    /// Asked for twice, and never told of.
    silent: BTreeSet<RecordId>,
    /// What is wrong with the last row that cannot be read.
    why: Option<&'static str>,
}

impl Ties {
    /// All associations of a record, each other record once; nothing where they are not known.
    pub fn of(&self, id: RecordId) -> Option<&[Tie]> {
        (!self.unknown.contains(&id)).then(|| self.known.get(&id).map_or(&[][..], Vec::as_slice))
    }

    /// Takes in a page and tells which records go on, and where. `asked` are those whose page it is.
    ///
    /// # Errors
    /// None of several rows can be read.
    fn take(
        &mut self,
        rows: &[Json],
        asked: &BTreeMap<RecordId, Option<String>>,
    ) -> Result<Vec<(RecordId, String)>, Fault> {
        let mut told = BTreeSet::new();
        let mut onward = Vec::new();
        let (mut odd_ones, mut nameless) = (0, false);
        for json in rows {
            let id = beginning(json).filter(|id| asked.contains_key(id));
            nameless |= id.is_none();
            let row =
                row(json).and_then(|row| id.map(|id| (id, row)).ok_or("a row is about no record that was asked for"));
            match row {
                Ok((id, row)) => {
                    told.insert(id);
                    self.known.entry(id).or_default().extend(row.ties);
                    onward.extend(row.next.map(|next| (id, next)));
                }
                Err(why) => {
                    odd_ones += 1;
                    self.why = Some(why);
                    self.unknown.extend(id);
                }
            }
        }
        if let Some(why) = self.why.filter(|_| odd_ones == rows.len() && rows.len() > 1) {
            return Err(odd(why.to_owned()));
        }
        // It may be about any of those of whom nothing else is said.
        if nameless {
            self.unknown.extend(asked.keys().filter(|id| !told.contains(id)));
        }
        Ok(onward)
    }

    /// Those of whom an answer says nothing, be it that they have no associations.
    fn note_silent(&mut self, body: &Json, asked: &BTreeMap<RecordId, Option<String>>) {
        let errors = || body.get("errors").and_then(Json::as_array).into_iter().flatten();
        let named: BTreeSet<RecordId> = errors().flat_map(named_in).collect();
        let nameless = errors().filter(|error| named_in(error).is_empty()).count();
        let is_told = |id: &RecordId| self.known.contains_key(id) || self.unknown.contains(id) || named.contains(id);
        self.silent = asked.keys().copied().filter(|id| !is_told(id)).collect();
        // an error without a name is about one of them
        if nameless >= self.silent.len() {
            self.silent.clear();
        }
    }

    /// Takes it that nothing is known of a record of which nothing was said, though something speaks for an association.
    pub fn doubt_silence(&mut self, id: RecordId) {
        if self.silent.contains(&id) {
            self.doubt(id, SILENT);
        }
    }

    fn doubt(&mut self, id: RecordId, why: &'static str) {
        self.unknown.insert(id);
        self.why = Some(why);
    }
}

impl HubSpot {
    /// Every association of these records, over all pages.
    pub(super) async fn ties(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<Ties, Fault> {
        let mut ties = Ties::default();
        self.follow(from, to, ids, &mut ties, session).await?;
        if !ties.silent.is_empty() {
            let again: Vec<RecordId> = ties.silent.iter().copied().collect();
            self.follow(from, to, &again, &mut ties, session).await?;
        }
        if let Some(why) = ties.why {
            let records = ties.unknown.len();
            tracing::warn!(object = %from, records, why, "HubSpot shows associations that cannot be read; they are unknown");
        }
        for list in ties.known.values_mut() {
            *list = merge(std::mem::take(list));
        }
        Ok(ties)
    }

    /// All pages of the associations of these records.
    async fn follow(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        ids: &[RecordId],
        ties: &mut Ties,
        session: &mut Session,
    ) -> Result<(), Fault> {
        let mut open: BTreeMap<RecordId, Option<String>> = ids.iter().map(|id| (*id, None)).collect();
        let mut seen: BTreeSet<(RecordId, String)> = BTreeSet::new();
        for page in 0..PAGES {
            if open.is_empty() {
                break;
            }
            let body = self.tie_page(from, to, &open, session).await?;
            let onward = ties.take(results(&body)?, &open)?;
            if page == 0 {
                ties.note_silent(&body, &open);
            }
            open.clear();
            for (id, next) in onward {
                if ties.unknown.contains(&id) {
                    continue;
                }
                if seen.insert((id, next.clone())) {
                    open.insert(id, Some(next));
                } else {
                    ties.doubt(id, "the pages of a record's associations repeat");
                }
            }
        }
        for id in open.into_keys() {
            ties.doubt(id, "the pages of a record's associations do not end");
        }
        Ok(())
    }

    async fn tie_page(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        open: &BTreeMap<RecordId, Option<String>>,
        session: &mut Session,
    ) -> Result<Json, Fault> {
        if open.is_empty() {
            return Ok(json!({ "results": [] }));
        }
        let input = |(id, after): (&RecordId, &Option<String>)| match after {
            Some(after) => json!({ "id": id.to_string(), "after": after }),
            None => json!({ "id": id.to_string() }),
        };
        let inputs: Vec<Json> = open.iter().map(input).collect();
        let rest = format!("/{}/{}/batch/read", paths::type_id(from), paths::type_id(to));
        let call = HubCall::post(Route::Associations, rest, json!({ "inputs": inputs }));
        let mut body = match self.call(&call, session).await {
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if rejection.kind == RejectionKind::NotFound => {
                // that is HubSpot's word for all of them
                return Ok(json!({ "results": open.keys().map(|id| no_ties(*id)).collect::<Vec<_>>() }));
            }
            other => other?,
        };
        refuse_partial_trouble(&body)?;
        // Where no record has any, there may be nothing but errors that say so.
        let says_so = body.get("errors").and_then(Json::as_array).is_some_and(|errors| !errors.is_empty());
        if let Some(map) = body.as_object_mut().filter(|_| says_so) {
            map.entry("results").or_insert_with(|| json!([]));
        }
        Ok(body)
    }
}

fn no_ties(id: RecordId) -> Json {
    json!({ "from": { "id": id.to_string() }, "to": [] })
}

/// The records that an error names.
fn named_in(error: &Json) -> Vec<RecordId> {
    let context = error.get("context").and_then(Json::as_object).into_iter().flat_map(|context| context.values());
    context.filter_map(Json::as_array).flatten().filter_map(record::id).collect()
}

/// What one row says of its record.
struct Row {
    ties: Vec<Tie>,
    /// Where it goes on.
    next: Option<String>,
}

fn beginning(json: &Json) -> Option<RecordId> {
    json.pointer("/from/id").or_else(|| json.get("from")).and_then(record::id)
}

fn row(json: &Json) -> Result<Row, &'static str> {
    let list = json.get("to").and_then(Json::as_array).ok_or("a record has no list of associations")?;
    let ties = list.iter().map(tie).collect::<Result<_, _>>()?;
    let next = match json.pointer("/paging/next/after") {
        None | Some(Json::Null) => None,
        Some(Json::String(place)) => Some(place.clone()).filter(|place| !place.is_empty()),
        Some(Json::Number(place)) => Some(place.to_string()),
        Some(_) => return Err("a record's associations go on in a place that is none"),
    };
    Ok(Row { ties, next })
}

/// The id comes as number or as text.
fn tie(json: &Json) -> Result<Tie, &'static str> {
    let to = json.get("toObjectId").or_else(|| json.get("id")).and_then(record::id);
    let to = to.ok_or("an association has no usable end")?;
    let types = json.get("associationTypes").and_then(Json::as_array);
    let types = types.and_then(|list| list.iter().map(kind).collect::<Option<_>>());
    Ok(Tie { to, types: types.ok_or("an association is of no usable kind")? })
}

fn kind(json: &Json) -> Option<TieType> {
    let word = |name: &str| json.get(name).and_then(Json::as_str).filter(|word| !word.trim().is_empty());
    let number = json.get("typeId").or_else(|| json.get("associationTypeId")).and_then(record::number)?;
    let category = word("category").unwrap_or("HUBSPOT_DEFINED").to_owned();
    Some(TieType { category, number, label: word("label").map(clip_message) })
}

/// The same pair may come several times, once for each kind.
fn merge(list: Vec<Tie>) -> Vec<Tie> {
    let mut by_end: BTreeMap<RecordId, BTreeSet<TieType>> = BTreeMap::new();
    for tie in list {
        by_end.entry(tie.to).or_default().extend(tie.types);
    }
    by_end.into_iter().map(|(to, types)| Tie { to, types: types.into_iter().collect() }).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;

    fn take(asked: &[u64], rows: &[Json]) -> Result<(Ties, Vec<(RecordId, String)>), Fault> {
        let mut ties = Ties::default();
        let asked = asked.iter().map(|id| (RecordId(*id), None)).collect();
        let onward = ties.take(rows, &asked)?;
        Ok((ties, onward))
    }

    fn sound(from: u64, to: u64) -> Json {
        json!({"from": {"id": from.to_string()}, "to": [{"toObjectId": to, "associationTypes": [{"typeId": 279}]}]})
    }

    #[test]
    fn the_other_end_is_a_number_or_text_and_comes_once() {
        let result = json!({"from": {"id": "33451"}, "to": [
            {"toObjectId": 5_790_939_450_u64, "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
                {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]},
            {"toObjectId": "7", "associationTypes": [{"category": "USER_DEFINED", "typeId": "1", "label": "Boss"}]},
            {"toObjectId": 7, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]},
        ], "paging": {"next": {"after": 500}}});
        let (ties, onward) = take(&[33451], &[result]).unwrap();
        assert_eq!(onward, [(RecordId(33451), "500".to_owned())]);
        let told = merge(ties.of(RecordId(33451)).unwrap().to_vec());
        let short: Vec<_> = told.iter().map(|tie| (tie.to.0, tie.has(Some(1)), tie.types.len())).collect();
        // A label of the customer's own may carry the same number in its own category.
        assert_eq!(short, [(7, false, 2), (5_790_939_450, true, 2)]);
    }

    #[test]
    fn a_row_that_cannot_be_read_makes_its_own_record_unknown_and_no_other() {
        for bad in [
            json!({"from": {"id": "2"}}),
            json!({"from": {"id": 2}, "to": {}}),
            json!({"from": {"id": 2}, "to": [{}]}),
            json!({"from": {"id": 2}, "to": [{"toObjectId": "x", "associationTypes": []}]}),
            json!({"from": {"id": 2}, "to": [{"toObjectId": 9}]}),
            json!({"from": {"id": 2}, "to": [{"toObjectId": 9, "associationTypes": [{"typeId": "primary"}]}]}),
            json!({"from": {"id": 2}, "to": [], "paging": {"next": {"after": {}}}}),
        ] {
            let (ties, onward) = take(&[1, 2, 3], &[sound(1, 9), bad.clone()]).unwrap();
            assert_eq!((ties.of(RecordId(1)).map(<[Tie]>::len), ties.of(RecordId(2))), (Some(1), None), "{bad}");
            assert_eq!((ties.of(RecordId(3)), onward), (Some(&[][..]), vec![]), "{bad}");
        }
    }

    #[test]
    fn only_a_row_or_an_error_says_that_a_record_has_no_associations() {
        let asked = || BTreeMap::from([1, 2, 3].map(|id| (RecordId(id), None)));
        let silent = |body: Json| {
            let mut ties = Ties::default();
            ties.take(results(&body).unwrap(), &asked()).unwrap();
            ties.note_silent(&body, &asked());
            ties.silent.iter().map(|id| id.0).collect::<Vec<_>>()
        };
        let none = json!({"from": {"id": "2"}, "to": []});
        let error =
            |context: Json| json!({"subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND", "context": context});
        assert_eq!(silent(json!({"results": []})), [1, 2, 3]);
        assert_eq!(silent(json!({"results": [sound(1, 9), none]})), [3]);
        let named = error(json!({"fromObjectId": ["2", "3"]}));
        assert_eq!(silent(json!({"results": [sound(1, 9)], "errors": [named]})), [0; 0]);
        let nameless = error(json!({}));
        assert_eq!(silent(json!({"results": [sound(1, 9)], "errors": [nameless]})), [2, 3]);
        assert_eq!(silent(json!({"results": [sound(1, 9)], "errors": [nameless, nameless]})), [0; 0]);
    }

    #[test]
    fn a_silence_that_something_speaks_against_is_no_none() {
        let mut ties = Ties { silent: [RecordId(1), RecordId(2)].into(), ..Ties::default() };
        ties.doubt_silence(RecordId(1));
        ties.doubt_silence(RecordId(3));
        assert_eq!([1, 2, 3].map(|id| ties.of(RecordId(id)).is_some()), [false, true, true]);
    }

    #[test]
    fn a_row_about_nobody_makes_all_unknown_of_whom_nothing_else_is_said() {
        for bad in [json!(7), json!({}), json!({"from": {"id": "x"}, "to": []}), sound(4, 9)] {
            let (ties, _) = take(&[1, 2, 3], &[sound(1, 9), bad.clone(), sound(3, 8)]).unwrap();
            let known = [1, 2, 3].map(|id| ties.of(RecordId(id)).map(<[Tie]>::len));
            assert_eq!(known, [Some(1), None, Some(1)], "{bad}");
            assert!(take(&[1, 2], &[bad.clone(), bad.clone()]).is_err(), "{bad}");
            let (ties, _) = take(&[1, 2], std::slice::from_ref(&bad)).unwrap();
            assert_eq!([1, 2].map(|id| ties.of(RecordId(id))), [None, None], "{bad}");
        }
    }
}
