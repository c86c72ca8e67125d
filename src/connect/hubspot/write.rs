//! Writing to HubSpot in batches, each item with a trace id of its own, so that one bad item does not sink the rest.
//!
//! Answers come in any order: an item is recognised by its trace id, its record id or its stamp, never by its place.

use serde_json::{Value as Json, json};

use super::outcome::item_rejection;
use super::paths::{self, Route};
use super::record::{self, Reader, properties};
use super::{BATCH, HubCall, HubSpot, local_rejection};
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::{HttpPreview, exchange, stamped_record};
use crate::engine::core::request::{AnswerBody, Failure, ItemOutcome, Request, RequestBody};
use crate::engine::core::state::Exchange;
use crate::model::{FieldName, IntentId, ObjectKind, RecordId, RecordRef, System};

/// One record of a batch on its way.
struct Item<'a> {
    intent: IntentId,
    target: Option<RecordId>,
    stamp: Option<&'a str>,
    input: Json,
}

/// What the answer says of an item, and where it says it.
struct Verdict {
    outcome: ItemOutcome,
    json: Option<Json>,
}

impl HubSpot {
    /// Sends a create or an update; other requests are not writes and come back as failed.
    pub(super) async fn write(&self, request: &Request, session: &mut Session) -> (AnswerBody, Vec<Exchange>) {
        let (items, verb, fields) = match &request.body {
            RequestBody::Create { items, fields } => (self.creates(request.object, items), "create", fields),
            RequestBody::Update { items, fields } => (self.updates(request.object, items), "update", fields),
            _ => return (AnswerBody::Failed(Failure::NotSent("This request is not a write.".to_owned())), Vec::new()),
        };
        if items.len() > BATCH {
            let fault = local_rejection("HubSpot takes at most 100 records at once.");
            return (AnswerBody::Failed(fault.failure), Vec::new());
        }
        let call = match batch_call(request.object, verb, &items) {
            Ok(call) => call,
            Err(fault) => return (AnswerBody::Failed(fault.failure), Vec::new()),
        };
        let result = self.call(&call, session).await;
        session.written();
        let wire = session.last.clone();
        let reader = self.reader(request.object, fields);
        let (body, verdicts) = match result {
            Ok(answer) => {
                let mut verdicts: Vec<Verdict> =
                    items.iter().map(|item| self.verdict(&reader, item, &answer, items.len())).collect();
                if verb == "update" {
                    self.complete(&reader, &mut verdicts, session).await;
                }
                let written = items.iter().zip(&verdicts).map(|(item, one)| (item.intent, one.outcome.clone()));
                (AnswerBody::Written { items: written.collect() }, verdicts)
            }
            // A batch of one was refused: that is a word about the one.
            Err(Fault { failure: Failure::Rejected(rejection), .. }) if items.len() == 1 => {
                let intent = items[0].intent;
                (AnswerBody::Written { items: vec![(intent, ItemOutcome::Rejected(rejection))] }, Vec::new())
            }
            Err(fault) => (AnswerBody::Failed(fault.failure), Vec::new()),
        };
        let Some(wire) = wire else { return (body, Vec::new()) };
        let exchanges = items.iter().enumerate().filter_map(|(at, item)| {
            let verdict = verdicts.get(at);
            let record = subject(request.object, item, verdict)?;
            let response = verdict.and_then(|one| one.json.as_ref()).map(Json::to_string);
            Some(exchange(&self.transport, &wire, record, &item.input.to_string(), response.as_deref()))
        });
        (body, exchanges.collect())
    }

    fn creates<'a>(&self, object: ObjectKind, items: &'a [crate::engine::core::request::CreateItem]) -> Vec<Item<'a>> {
        let property = self.stamps.get(&object);
        let item = |one: &'a crate::engine::core::request::CreateItem| Item {
            intent: one.intent,
            target: None,
            stamp: Some(&one.stamp),
            input: json!({
                "objectWriteTraceId": one.intent.to_string(),
                "properties": properties(&one.values, property.map(|name| (name, one.stamp.as_str()))),
            }),
        };
        items.iter().map(item).collect()
    }

    fn updates<'a>(&self, object: ObjectKind, items: &'a [crate::engine::core::request::UpdateItem]) -> Vec<Item<'a>> {
        let property = self.stamps.get(&object);
        let item = |one: &'a crate::engine::core::request::UpdateItem| Item {
            intent: one.intent,
            target: Some(one.id),
            stamp: None,
            input: json!({
                "id": one.id.to_string(),
                "objectWriteTraceId": one.intent.to_string(),
                "properties": properties(&one.values, property.zip(one.stamp.as_deref())),
            }),
        };
        items.iter().map(item).collect()
    }

    fn verdict(&self, reader: &Reader<'_>, item: &Item<'_>, answer: &Json, of: usize) -> Verdict {
        let results = answer.get("results").and_then(Json::as_array).into_iter().flatten();
        let errors: Vec<&Json> = answer.get("errors").and_then(Json::as_array).into_iter().flatten().collect();
        if let Some(result) = results.into_iter().find(|result| is_about(result, item, reader.stamp)) {
            let outcome = match reader.record(result) {
                Ok(record) => ItemOutcome::Applied(Box::new(record)),
                Err(why) => ItemOutcome::Unknown(format!("HubSpot's answer about the record makes no sense: {why}.")),
            };
            return Verdict { outcome, json: Some(result.clone()) };
        }
        let named = errors.iter().find(|error| names(error, item)).copied();
        let only = errors.first().copied().filter(|_| of == 1);
        let Some(error) = named.or(only) else {
            let why = "HubSpot's answer says nothing about this record.".to_owned();
            return Verdict { outcome: ItemOutcome::Unknown(why), json: None };
        };
        let outcome = item_rejection(error).map_or_else(
            || ItemOutcome::Unknown("HubSpot failed on this record.".to_owned()),
            |mut rejection| {
                rejection.message = self.transport.redactor.clean(&rejection.message);
                ItemOutcome::Rejected(rejection)
            },
        );
        Verdict { outcome, json: Some(error.clone()) }
    }

    /// An update echoes what was sent, not the whole record: what it leaves out is read.
    async fn complete(&self, reader: &Reader<'_>, verdicts: &mut [Verdict], session: &mut Session) {
        let partial = |one: &Verdict| match &one.outcome {
            ItemOutcome::Applied(record) if !one.json.as_ref().is_some_and(|json| reader.is_complete(json)) => {
                Some(record.id)
            }
            _ => None,
        };
        let ids: Vec<RecordId> = verdicts.iter().filter_map(partial).collect();
        if ids.is_empty() {
            return;
        }
        let read = self.batch_read(reader, &ids, false, session).await;
        for verdict in verdicts {
            let Some(id) = partial(verdict) else { continue };
            let fresh = read.as_ref().ok().and_then(|records| records.iter().find(|record| record.id == id));
            verdict.outcome = match fresh {
                Some(record) => ItemOutcome::Applied(Box::new(record.clone())),
                None => ItemOutcome::Unknown("Written, but the record could not be read afterwards.".to_owned()),
            };
        }
    }

    pub(super) fn previews(&self, request: &Request) -> Vec<HttpPreview> {
        let (items, verb) = match &request.body {
            RequestBody::Create { items, .. } => (self.creates(request.object, items), "create"),
            RequestBody::Update { items, .. } => (self.updates(request.object, items), "update"),
            _ => return Vec::new(),
        };
        let Ok(call) = batch_call(request.object, verb, &items) else { return Vec::new() };
        let call = call.at(self.version.current(call.route));
        let body = call.body.as_ref().map(|body| format!("{body:#}")).unwrap_or_default();
        vec![HttpPreview { method: call.method.to_string(), path: call.path, body }]
    }
}

fn batch_call(object: ObjectKind, verb: &str, items: &[Item<'_>]) -> Result<HubCall, Fault> {
    let inputs: Vec<&Json> = items.iter().map(|item| &item.input).collect();
    let rest = format!("/{}/batch/{verb}", paths::object(object));
    Ok(HubCall::post(Route::Objects, rest, json!({ "inputs": inputs })))
}

/// Whether a result is this item's: by trace id where it has one, else by record id, else by the unique stamp.
fn is_about(result: &Json, item: &Item<'_>, stamp: Option<&FieldName>) -> bool {
    if let Some(trace) = result.get("objectWriteTraceId").and_then(Json::as_str) {
        return trace == item.intent.to_string();
    }
    if let Some(target) = item.target {
        return result.get("id").and_then(record::id) == Some(target);
    }
    let carried = stamp.and_then(|name| result.get("properties")?.get(name.as_str())?.as_str());
    carried.is_some() && carried == item.stamp
}

/// Whether an error names this item, by trace id or record id.
fn names(error: &Json, item: &Item<'_>) -> bool {
    let lists = |key: &str, wanted: &str| {
        let list = error.get("context").and_then(|context| context.get(key)).and_then(Json::as_array);
        list.into_iter().flatten().any(|one| one.as_str() == Some(wanted))
    };
    lists("objectWriteTraceId", &item.intent.to_string())
        || item.target.is_some_and(|id| lists("ids", &id.to_string()) || lists("id", &id.to_string()))
}

/// The record an exchange is kept for: the one written, or the source while there is no such thing.
fn subject(object: ObjectKind, item: &Item<'_>, verdict: Option<&Verdict>) -> Option<RecordRef> {
    let written = match verdict.map(|one| &one.outcome) {
        Some(ItemOutcome::Applied(record)) => Some(record.id),
        _ => item.target,
    };
    match written {
        Some(id) => Some(RecordRef::new(object, System::HubSpot, id)),
        None => stamped_record(object, System::ConnectWise, item.stamp?),
    }
}
