//! Which records belong together: telling it, and adding to it.
//!
//! Adding is idempotent: the association without a label is asked for first and stays where it is; the label Primary is
//! set in a second step and only where it is missing. HubSpot replaces the labels of a pair by those it is given, so that
//! the labels people gave are sent along.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::outcome::{self, item_rejection};
use super::paths::{self, Route};
use super::ties::{READ_BATCH, Tie, TieType};
use super::{BATCH, HubCall, HubSpot, joins, local_rejection, record};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::engine::core::request::{AnswerBody, AssociateItem, Association, Failure, Rejection, RejectionKind};
use crate::model::{IntentId, ObjectKind, RecordId};

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
        let ties = self.ties(from, to, ids, session).await?;
        let primary = joins::primary(from, to);
        let told = |list: &[Tie]| list.iter().map(|tie| association(tie, primary)).collect();
        let found = ids.iter().filter_map(|id| Some((*id, told(ties.of(*id)?))));
        Ok(AnswerBody::Associated { found: found.collect() })
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
            let tie = ties.of(item.from).unwrap_or_default().iter().find(|tie| tie.to == item.to);
            tie.map(|tie| tie.types.clone()).unwrap_or_default()
        };
        // Labels that cannot be read would be taken from the pair by the new one.
        let known = items.iter().copied().filter(|item| ties.of(item.from).is_some());
        let (done, open): (Vec<_>, Vec<_>) = known.partition(|item| held(item).iter().any(|one| one.is(Some(primary))));
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
    Some(Rejection { kind: RejectionKind::Other, message, fields: Vec::new() })
}

/// Whether a result is about this pair: in its own direction or, since both are told, in the other.
fn is_pair(result: &Json, item: &AssociateItem) -> bool {
    let end = |paths: [&str; 2]| paths.iter().find_map(|path| result.pointer(path)).and_then(record::id);
    let from = end(["/from/id", "/fromObjectId"]);
    let to = end(["/to/id", "/toObjectId"]);
    from == Some(item.from) && to == Some(item.to)
}

fn association(tie: &Tie, primary: Option<u32>) -> Association {
    let labels = tie.types.iter().filter(|one| !one.is(primary)).filter_map(|one| one.label.clone());
    Association { to: tie.to, primary: tie.has(primary), labels: labels.collect() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;

    #[test]
    fn what_hubspot_cannot_associate_is_refused_by_name() {
        let item = AssociateItem { intent: IntentId(1), from: RecordId(1), to: RecordId(2), primary: true };
        assert!(unfit(ObjectKind::Contact, ObjectKind::Company, &item).is_none());
        assert!(unfit(ObjectKind::Deal, ObjectKind::Contact, &item).unwrap().message.contains("primary"));
        assert!(unfit(ObjectKind::Product, ObjectKind::Deal, &item).unwrap().message.contains("no association"));
    }
}
