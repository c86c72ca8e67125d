//! Which records belong together: reading associations in batches, and adding them.
//!
//! Adding is idempotent: the association without a label is asked for first and stays where it is; the label Primary is
//! set in a second step and only where it is missing. HubSpot replaces the labels of a pair by those it is given, so that
//! the labels people gave are sent along.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::outcome::{self, item_rejection};
use super::paths::{self, Route};
use super::read::refuse_partial_trouble;
use super::told::{odd, results};
use super::{BATCH, HubCall, HubSpot, joins, local_rejection, record};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{AnswerBody, AssociateItem, Association, Failure, Rejection, RejectionKind};
use crate::model::{IntentId, ObjectKind, RecordId};

/// What one batch read takes.
const READ_BATCH: usize = 1000;
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
        self.types.iter().any(|one| is_primary(one, primary))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TieType {
    pub category: String,
    pub number: u64,
    pub label: Option<String>,
}

impl HubSpot {
    pub(super) async fn associations(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if ids.len() > READ_BATCH {
            return Err(local_rejection("HubSpot tells the associations of at most 1,000 records at once."));
        }
        let mut ties = self.ties(from, to, ids, session).await?;
        let primary = joins::primary(from, to);
        let found = ids.iter().map(|id| {
            let ties = ties.remove(id).unwrap_or_default();
            (*id, ties.into_iter().map(|tie| association(tie, primary)).collect())
        });
        Ok(AnswerBody::Associated { found: found.collect() })
    }

    /// Every association of these records, over all pages; a record without any is left out.
    pub(super) async fn ties(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        ids: &[RecordId],
        session: &mut Session,
    ) -> Result<BTreeMap<RecordId, Vec<Tie>>, Fault> {
        let mut ties: BTreeMap<RecordId, Vec<Tie>> = BTreeMap::new();
        let asked: BTreeSet<RecordId> = ids.iter().copied().collect();
        let mut open: BTreeMap<RecordId, Option<String>> = asked.iter().map(|id| (*id, None)).collect();
        let mut seen: BTreeSet<(RecordId, String)> = BTreeSet::new();
        for _ in 0..PAGES {
            if open.is_empty() {
                break;
            }
            let body = self.tie_page(from, to, &open, session).await?;
            open.clear();
            for result in results(&body)? {
                let (id, page, next) = tie_result(result)?;
                if !asked.contains(&id) {
                    return Err(odd("it tells of a record that was not asked for".to_owned()));
                }
                ties.entry(id).or_default().extend(page);
                let Some(next) = next else { continue };
                if !seen.insert((id, next.clone())) {
                    return Err(odd("the pages of a record's associations repeat".to_owned()));
                }
                open.insert(id, Some(next));
            }
        }
        if !open.is_empty() {
            return Err(odd("the pages of a record's associations do not end".to_owned()));
        }
        for list in ties.values_mut() {
            *list = merge(std::mem::take(list));
        }
        Ok(ties)
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
                return Ok(json!({ "results": [] }));
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

    pub(super) async fn associate(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        items: &[AssociateItem],
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        if items.len() > BATCH {
            return Err(local_rejection("HubSpot is given at most 100 associations at once."));
        }
        let mut ends: BTreeMap<IntentId, Result<(), Rejection>> = BTreeMap::new();
        let mut rest: Vec<&AssociateItem> = Vec::new();
        for item in items {
            match unfit(from, to, item) {
                Some(why) => drop(ends.insert(item.intent, Err(why))),
                None => rest.push(item),
            }
        }
        let joined = self.join(from, to, &rest, &pair, "associate/default", session).await?;
        let wanting: Vec<&AssociateItem> = rest
            .into_iter()
            .filter(|item| item.primary && joined.get(&item.intent).is_some_and(Result::is_ok))
            .collect();
        ends.extend(joined);
        // A pair whose label is still to come has not got what was asked for.
        for item in &wanting {
            ends.remove(&item.intent);
        }
        ends.extend(self.label(from, to, &wanting, session).await);
        Ok(AnswerBody::Joined { items: ends.into_iter().collect() })
    }

    /// The calls of an addition in order, as they are where nobody gave the pairs labels of their own.
    pub(super) fn associate_preview(&self, from: ObjectKind, to: ObjectKind, items: &[AssociateItem]) -> Vec<HubCall> {
        let fit: Vec<&AssociateItem> = items.iter().filter(|item| unfit(from, to, item).is_none()).collect();
        let labelled = fit.iter().copied().filter(|item| item.primary);
        let calls = [
            join_call(from, to, "associate/default", fit.iter().map(|item| pair(item)).collect()),
            join_call(
                from,
                to,
                "create",
                labelled.map(|item| labelled_pair(item, &[], joins::primary(from, to))).collect(),
            ),
        ];
        calls.into_iter().flatten().collect()
    }

    /// Makes companies primary. What cannot be told after the pairs exist is left out of the answer: it is asked again.
    async fn label(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        items: &[&AssociateItem],
        session: &mut Session,
    ) -> BTreeMap<IntentId, Result<(), Rejection>> {
        let Some(primary) = joins::primary(from, to).filter(|_| !items.is_empty()) else { return BTreeMap::new() };
        let ids: Vec<RecordId> = items.iter().map(|item| item.from).collect();
        let Ok(ties) = self.ties(from, to, &ids, session).await else { return BTreeMap::new() };
        let held = |item: &AssociateItem| {
            let tie = ties.get(&item.from).into_iter().flatten().find(|tie| tie.to == item.to);
            tie.map(|tie| tie.types.clone()).unwrap_or_default()
        };
        let (done, open): (Vec<_>, Vec<_>) =
            items.iter().copied().partition(|item| held(item).iter().any(|one| is_primary(one, Some(primary))));
        let mut ends: BTreeMap<IntentId, Result<(), Rejection>> =
            done.iter().map(|item| (item.intent, Ok(()))).collect();
        let input = |item: &AssociateItem| labelled_pair(item, &held(item), Some(primary));
        if let Ok(labelled) = self.join(from, to, &open, &input, "create", session).await {
            ends.extend(labelled);
        }
        ends
    }

    /// Sends pairs in one batch; one that is refused as a whole is halved until the culprits stand alone.
    async fn join(
        &self,
        from: ObjectKind,
        to: ObjectKind,
        items: &[&AssociateItem],
        input: &(dyn Fn(&AssociateItem) -> Json + Send + Sync),
        verb: &str,
        session: &mut Session,
    ) -> Result<BTreeMap<IntentId, Result<(), Rejection>>, Fault> {
        let mut ends = BTreeMap::new();
        let mut groups: Vec<Vec<&AssociateItem>> = vec![items.to_vec()];
        let mut first = true;
        while let Some(group) = groups.pop() {
            let Some(call) = join_call(from, to, verb, group.iter().map(|item| input(item)).collect()) else {
                continue;
            };
            match self.call(&call, session).await {
                Ok(body) => ends
                    .extend(group.iter().filter_map(|item| Some((item.intent, self.end(item, &body, group.len())?)))),
                Err(Fault { failure: Failure::Rejected(rejection), .. }) => match group.as_slice() {
                    [one] => drop(ends.insert(one.intent, Err(rejection))),
                    many => {
                        let (left, right) = many.split_at(many.len() / 2);
                        groups.extend([right.to_vec(), left.to_vec()]);
                    }
                },
                Err(fault) if first => return Err(fault),
                // Some are in, and of the others there is no word.
                Err(_) => {}
            }
            first = false;
        }
        Ok(ends)
    }

    /// What an answer says of one pair; nothing where it says nothing.
    fn end(&self, item: &AssociateItem, body: &Json, of: usize) -> Option<Result<(), Rejection>> {
        let list = |name: &str| body.get(name).and_then(Json::as_array).into_iter().flatten();
        if list("results").any(|result| is_pair(result, item)) {
            return Some(Ok(()));
        }
        let errors: Vec<&Json> = list("errors").collect();
        let named = errors.iter().find(|error| outcome::context_names(error, &[item.from, item.to])).copied();
        let error = named.or_else(|| errors.first().copied().filter(|_| of == 1))?;
        let mut rejection = item_rejection(error)?;
        rejection.message = self.transport.redactor.clean(&rejection.message);
        Some(Err(rejection))
    }
}

fn join_call(from: ObjectKind, to: ObjectKind, verb: &str, inputs: Vec<Json>) -> Option<HubCall> {
    let rest = format!("/{}/{}/batch/{verb}", paths::type_id(from), paths::type_id(to));
    (!inputs.is_empty()).then(|| HubCall::post(Route::Associations, rest, json!({ "inputs": inputs })))
}

fn pair(item: &AssociateItem) -> Json {
    json!({ "from": { "id": item.from.to_string() }, "to": { "id": item.to.to_string() } })
}

/// The pair with the label Primary, beside the labels that it has.
fn labelled_pair(item: &AssociateItem, held: &[TieType], primary: Option<u32>) -> Json {
    let kept = held.iter().filter(|one| one.label.is_some());
    let kept = kept.map(|one| json!({ "associationCategory": one.category, "associationTypeId": one.number }));
    let first = primary.map(|number| json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number }));
    let mut pair = pair(item);
    pair["types"] = kept.chain(first).collect();
    pair
}

/// What HubSpot has no association for is refused here.
fn unfit(from: ObjectKind, to: ObjectKind, item: &AssociateItem) -> Option<Rejection> {
    let message = if joins::plain(from, to).is_none() {
        format!("HubSpot has no association from a {from} to a {to}.")
    } else if item.primary && joins::primary(from, to).is_none() {
        format!("Only a company can be primary, and only for a contact, deal or ticket: not a {to} for a {from}.")
    } else {
        return None;
    };
    Some(Rejection { kind: RejectionKind::Other, message, field: None })
}

/// Whether a result is about this pair: in its own direction or, since both are told, in the other.
fn is_pair(result: &Json, item: &AssociateItem) -> bool {
    let end = |paths: [&str; 2]| paths.iter().find_map(|path| result.pointer(path)).and_then(record::id);
    let from = end(["/from/id", "/fromObjectId"]);
    let to = end(["/to/id", "/toObjectId"]);
    from == Some(item.from) && to == Some(item.to)
}

fn tie_result(result: &Json) -> Result<(RecordId, Vec<Tie>, Option<String>), Fault> {
    let id = result.pointer("/from/id").or_else(|| result.get("from")).and_then(record::id);
    let id = id.ok_or_else(|| odd("an association has no usable beginning".to_owned()))?;
    let list = result.get("to").and_then(Json::as_array);
    let list = list.ok_or_else(|| odd("a record has no list of associations".to_owned()))?;
    let ties: Option<Vec<Tie>> = list.iter().map(tie).collect();
    let ties = ties.ok_or_else(|| odd("an association has no usable end".to_owned()))?;
    let next = result.pointer("/paging/next/after").filter(|after| !after.is_null());
    let next = next.map(|after| after.as_str().map_or_else(|| after.to_string(), str::to_owned));
    Ok((id, ties, next.filter(|next| !next.is_empty())))
}

/// The id comes as number or as text.
fn tie(json: &Json) -> Option<Tie> {
    let to = json.get("toObjectId").or_else(|| json.get("id")).and_then(record::id)?;
    let types = json.get("associationTypes").and_then(Json::as_array).into_iter().flatten();
    let types = types.filter_map(|one| {
        let word = |name: &str| one.get(name).and_then(Json::as_str).filter(|word| !word.trim().is_empty());
        let number = one.get("typeId").or_else(|| one.get("associationTypeId")).and_then(record::number)?;
        let category = word("category").unwrap_or("HUBSPOT_DEFINED").to_owned();
        Some(TieType { category, number, label: word("label").map(clip_message) })
    });
    Some(Tie { to, types: types.collect() })
}

/// The same pair may come several times, once for each kind.
fn merge(list: Vec<Tie>) -> Vec<Tie> {
    let mut by_end: BTreeMap<RecordId, BTreeSet<TieType>> = BTreeMap::new();
    for tie in list {
        by_end.entry(tie.to).or_default().extend(tie.types);
    }
    by_end.into_iter().map(|(to, types)| Tie { to, types: types.into_iter().collect() }).collect()
}

fn is_primary(one: &TieType, primary: Option<u32>) -> bool {
    one.category == "HUBSPOT_DEFINED" && primary.is_some_and(|number| u64::from(number) == one.number)
}

fn association(tie: Tie, primary: Option<u32>) -> Association {
    let is_first = tie.types.iter().any(|one| is_primary(one, primary));
    let labels = tie.types.into_iter().filter(|one| !is_primary(one, primary)).filter_map(|one| one.label);
    Association { to: tie.to, primary: is_first, labels: labels.collect() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;

    #[test]
    fn the_other_end_is_a_number_or_text_and_comes_once() {
        let result = json!({"from": {"id": "33451"}, "to": [
            {"toObjectId": 5_790_939_450_u64, "associationTypes": [
                {"category": "HUBSPOT_DEFINED", "typeId": 1, "label": "Primary"},
                {"category": "HUBSPOT_DEFINED", "typeId": 279, "label": null}]},
            {"toObjectId": "7", "associationTypes": [{"category": "USER_DEFINED", "typeId": "1", "label": "Boss"}]},
            {"toObjectId": 7, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279}]},
        ], "paging": {"next": {"after": 500}}});
        let (id, ties, next) = tie_result(&result).unwrap();
        assert_eq!((id, next.as_deref()), (RecordId(33451), Some("500")));
        let primary = joins::primary(ObjectKind::Contact, ObjectKind::Company);
        let told: Vec<_> = merge(ties).into_iter().map(|tie| association(tie, primary)).collect();
        // A label of the customer's own may carry the same number in its own category.
        assert_eq!(told[0], Association { to: RecordId(7), primary: false, labels: vec!["Boss".to_owned()] });
        assert_eq!(told[1], Association { to: RecordId(5_790_939_450), primary: true, labels: Vec::new() });
        for bad in [
            json!({}),
            json!({"from": {"id": "x"}, "to": []}),
            json!({"from": {"id": 1}}),
            json!({"from": {"id": 1}, "to": [{}]}),
        ] {
            assert!(tie_result(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_hubspot_cannot_associate_is_refused_by_name() {
        let item = AssociateItem { intent: IntentId(1), from: RecordId(1), to: RecordId(2), primary: true };
        assert!(unfit(ObjectKind::Contact, ObjectKind::Company, &item).is_none());
        assert!(unfit(ObjectKind::Deal, ObjectKind::Contact, &item).unwrap().message.contains("primary"));
        assert!(unfit(ObjectKind::Product, ObjectKind::Deal, &item).unwrap().message.contains("no association"));
    }
}
