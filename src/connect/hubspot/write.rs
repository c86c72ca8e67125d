//! Creates and updates in batches, each item with a trace id of its own, so that one bad item does not sink the rest.
//!
//! Answers come in any order: an item is recognised by its trace id, its record id or its stamp, never by its place. What
//! an answer leaves out is looked up where that tells more (updates), and is unknown otherwise (creates).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::outcome::item_rejection;
use super::paths;
use super::read::ID;
use super::record::{self, Reader, properties};
use super::references::{self, Join};
use super::{BATCH, HubSpot, joins, local_rejection, rules};
use crate::connect::error::Fault;
use crate::connect::http::{Session, Wire};
use crate::connect::{HttpPreview, exchange, stamped_record};
use crate::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Rejection, RejectionKind, Request, RequestBody, UpdateItem,
};
use crate::engine::core::state::Exchange;
use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordId, RecordRef, System, Value};

/// One record of a batch on its way.
pub(super) struct Item<'a> {
    pub intent: IntentId,
    pub target: Option<RecordId>,
    pub stamp: Option<&'a str>,
    /// What is written as properties.
    pub values: Vec<(FieldName, Value)>,
    /// What a record that is there is to be associated with.
    pub joins: Vec<Join>,
    pub input: Json,
}

impl Item<'_> {
    /// Nothing is written to it as a property.
    fn is_bare(&self) -> bool {
        let properties = self.input.get("properties").and_then(Json::as_object);
        properties.is_none_or(serde_json::Map::is_empty)
    }

    pub fn carries(&self, property: &str) -> bool {
        self.input.get("properties").is_some_and(|properties| properties.get(property).is_some())
    }
}

/// What is known of an item, and where it was said.
#[derive(Clone)]
pub(super) struct Verdict {
    pub outcome: ItemOutcome,
    pub json: Option<Json>,
    /// The call that said so; none where nothing was sent.
    pub wire: Option<Arc<Wire>>,
    /// The system took the batch and said nothing of this one.
    pub silent: bool,
}

impl Verdict {
    pub fn new(outcome: ItemOutcome) -> Self {
        Self { outcome, json: None, wire: None, silent: false }
    }

    pub fn rejected(rejection: Rejection) -> Self {
        Self::new(ItemOutcome::Rejected(rejection))
    }

    pub fn unknown(why: impl Into<String>) -> Self {
        Self::new(ItemOutcome::Unknown(why.into()))
    }
}

/// What is done to the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
}

impl Verb {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

impl HubSpot {
    /// Sends a write; other requests are not writes and come back as failed.
    pub(super) async fn write(&self, request: &Request, session: &mut Session) -> (AnswerBody, Vec<Exchange>) {
        let object = request.object;
        let result = match &request.body {
            RequestBody::Create { items, fields } => {
                self.write_records(request, Verb::Create, items.len(), fields, session).await
            }
            RequestBody::Update { items, fields } => {
                self.write_records(request, Verb::Update, items.len(), fields, session).await
            }
            RequestBody::Associate { to, items } => {
                self.associate(object, *to, items, session).await.map(|body| (body, Vec::new()))
            }
            _ => Err(local_rejection("This request is not a write.")),
        };
        result.unwrap_or_else(|fault| (AnswerBody::Failed(fault.failure), Vec::new()))
    }

    async fn write_records(
        &self,
        request: &Request,
        verb: Verb,
        count: usize,
        fields: &[FieldName],
        session: &mut Session,
    ) -> Result<(AnswerBody, Vec<Exchange>), Fault> {
        if count > BATCH {
            return Err(local_rejection("HubSpot takes at most 100 records at once."));
        }
        let object = request.object;
        self.learn_pipelines(request, session).await.map_err(Fault::before_write)?;
        // What people are shown of this write is the write.
        session.last = None;
        let items = self.items(request);
        let reader = self.reader(object, fields);
        let mut verdicts: Vec<Option<Verdict>> =
            items.iter().map(|item| rules::refusal(object, verb, item).map(Verdict::rejected)).collect();
        let joined = self.join_first(object, &items, &mut verdicts, session).await?;
        let open: Vec<usize> = (0..items.len()).filter(|at| verdicts[*at].is_none()).collect();
        if let Err(fault) = self.send_batch(&reader, verb, &items, open, &mut verdicts, session).await {
            // People see what was tried, and why there is no answer.
            let wire = session.last.clone().map(Arc::new);
            let tried = Verdict { wire, ..Verdict::unknown("") };
            let exchanges = items.iter().filter_map(|item| self.kept(object, item, &tried)).collect();
            let body = if joined { half_done(&items, verdicts, fault) } else { AnswerBody::Failed(fault.failure) };
            return Ok((body, exchanges));
        }
        if verb == Verb::Update {
            self.move_back(&reader, &items, &mut verdicts, session).await;
        }
        session.written();
        let mut verdicts: Vec<Verdict> =
            verdicts.into_iter().map(|one| one.unwrap_or_else(|| Verdict::unknown("It was not sent."))).collect();
        if verb == Verb::Update {
            self.look_up_silent(&reader, &items, &mut verdicts, session).await;
            self.complete(&reader, &mut verdicts, session).await;
        }
        let exchanges = items.iter().zip(&verdicts).filter_map(|(item, verdict)| self.kept(object, item, verdict));
        let exchanges = exchanges.collect();
        let written = items.iter().zip(verdicts).map(|(item, verdict)| (item.intent, verdict.outcome)).collect();
        Ok((self.written_with_associated(object, fields, written, session).await, exchanges))
    }

    /// The associations of records that are there, before their properties. An item that has nothing else to write is
    /// looked up afterwards like one of which an answer says nothing. Tells whether any association may have been made.
    async fn join_first(
        &self,
        object: ObjectKind,
        items: &[Item<'_>],
        verdicts: &mut [Option<Verdict>],
        session: &mut Session,
    ) -> Result<bool, Fault> {
        for (item, verdict) in items.iter().zip(&mut *verdicts).filter(|(_, verdict)| verdict.is_none()) {
            let wrong = item.joins.iter().find_map(|(_, id)| id.as_ref().err());
            *verdict = wrong.cloned().map(Verdict::rejected);
        }
        let mut joined = false;
        for references::Joined { name, to, .. } in references::joined(object) {
            let to = *to;
            let mut joins = Vec::new();
            for (item, _) in items.iter().zip(&*verdicts).filter(|(_, verdict)| verdict.is_none()) {
                let wanted = item.joins.iter().filter(|(kind, _)| *kind == to).filter_map(|(_, id)| id.as_ref().ok());
                joins.extend(
                    item.target.into_iter().flat_map(|target| wanted.clone().map(move |id| (item.intent, target, *id))),
                );
            }
            let ends = match self.join_to(object, to, &joins, session).await {
                Ok(ends) => ends.into_iter().collect::<BTreeMap<_, _>>(),
                // Of those there is no word, and something was done already: "nothing was done" would be wrong.
                Err(_) if joined => BTreeMap::new(),
                Err(fault) => return Err(fault),
            };
            joined |= joins.iter().any(|(intent, ..)| !matches!(ends.get(intent), Some(Err(_))));
            for (item, verdict) in items.iter().zip(&mut *verdicts) {
                if joins.iter().any(|(intent, ..)| *intent == item.intent) {
                    *verdict = match ends.get(&item.intent) {
                        Some(Ok(())) => None,
                        Some(Err(rejection)) => Some(Verdict::rejected(of_join(name, rejection.clone()))),
                        None => Some(Verdict::unknown("HubSpot's answer says nothing about the association.")),
                    };
                }
            }
        }
        for (item, verdict) in items.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_none()) {
            if item.target.is_some() && !item.joins.is_empty() && item.is_bare() {
                *verdict = Some(Verdict { silent: true, ..Verdict::unknown("It was joined.") });
            }
        }
        Ok(joined)
    }

    /// What was written, with what the records are associated with now. Where that cannot be read, nothing is certain.
    async fn written_with_associated(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        written: Vec<(IntentId, ItemOutcome)>,
        session: &mut Session,
    ) -> AnswerBody {
        let body = AnswerBody::Written { items: written.clone() };
        self.with_associated(object, fields, body, session).await.unwrap_or_else(|_| {
            let unread = |outcome| match outcome {
                ItemOutcome::Applied(_) => ItemOutcome::Unknown(references::UNREAD.to_owned()),
                other => other,
            };
            AnswerBody::Written { items: written.into_iter().map(|(id, outcome)| (id, unread(outcome))).collect() }
        })
    }

    fn kept(&self, object: ObjectKind, item: &Item<'_>, verdict: &Verdict) -> Option<Exchange> {
        let record = subject(object, item, &verdict.outcome)?;
        let response = verdict.json.as_ref().map(Json::to_string);
        Some(exchange(&self.transport, verdict.wire.as_ref()?, record, &item.input.to_string(), response.as_deref()))
    }

    /// The items of a write as they go out.
    fn items<'a>(&self, request: &'a Request) -> Vec<Item<'a>> {
        match &request.body {
            RequestBody::Create { items, .. } => items.iter().map(|one| self.create(request.object, one)).collect(),
            RequestBody::Update { items, .. } => items.iter().map(|one| self.update(request.object, one)).collect(),
            _ => Vec::new(),
        }
    }

    fn create<'a>(&self, object: ObjectKind, one: &'a CreateItem) -> Item<'a> {
        let stamp = self.stamps.get(&object).map(|name| (name, one.stamp.as_str()));
        let references::Parts { properties: values, joins } = references::split(object, &one.values);
        let mut input = json!({
            "objectWriteTraceId": one.intent.to_string(),
            "properties": self.with_pipeline(object, properties(&values, stamp)),
        });
        let associations: Vec<Json> = joins.iter().filter_map(|join| associated(object, join)).collect();
        if !associations.is_empty() {
            input["associations"] = Json::Array(associations);
        }
        Item { intent: one.intent, target: None, stamp: Some(&one.stamp), values, joins, input }
    }

    fn update<'a>(&self, object: ObjectKind, one: &'a UpdateItem) -> Item<'a> {
        let stamp = self.stamps.get(&object).zip(one.stamp.as_deref());
        let references::Parts { properties: values, joins } = references::split(object, &one.values);
        let input = json!({
            "id": one.id.to_string(),
            "objectWriteTraceId": one.intent.to_string(),
            "properties": self.with_pipeline(object, properties(&values, stamp)),
        });
        Item { intent: one.intent, target: Some(one.id), stamp: None, values, joins, input }
    }

    /// What an answer that took the batch says of one item. `of` is the size of the batch.
    pub(super) fn verdict(&self, reader: &Reader<'_>, item: &Item<'_>, answer: &Json, of: usize) -> Verdict {
        let results = answer.get("results").and_then(Json::as_array).into_iter().flatten();
        let errors: Vec<&Json> = answer.get("errors").and_then(Json::as_array).into_iter().flatten().collect();
        if let Some(result) = results.into_iter().find(|result| is_about(result, item, reader.stamp)) {
            let mut verdict = match reader.record(result).and_then(|record| consistent(result, record)) {
                Ok(record) => Verdict::new(ItemOutcome::Applied(Box::new(record))),
                // As good as no word: a record that is there is looked up.
                Err(why) => {
                    let odd = Verdict::unknown(format!("HubSpot's answer about the record makes no sense: {why}."));
                    Verdict { silent: true, ..odd }
                }
            };
            verdict.json = Some(result.clone());
            return verdict;
        }
        let named = errors.iter().find(|error| names(error, item)).copied();
        let only = errors.first().copied().filter(|_| of == 1);
        let Some(error) = named.or(only) else {
            let silent = Verdict::unknown("HubSpot's answer says nothing about this record.");
            return Verdict { silent: true, ..silent };
        };
        let mut verdict = match item_rejection(error) {
            None => Verdict::unknown("HubSpot failed on this record."),
            Some(mut rejection) => {
                rejection.message = self.transport.redactor.clean(&rejection.message);
                Verdict::rejected(rejection)
            }
        };
        verdict.json = Some(error.clone());
        verdict
    }

    /// An update of a record that was merged away may be dropped without a word: each one is looked up, and told as what
    /// it is.
    async fn look_up_silent(
        &self,
        reader: &Reader<'_>,
        items: &[Item<'_>],
        verdicts: &mut [Verdict],
        session: &mut Session,
    ) {
        let silent: Vec<RecordId> =
            items.iter().zip(&*verdicts).filter(|(_, one)| one.silent).filter_map(|(item, _)| item.target).collect();
        if silent.is_empty() {
            return;
        }
        // On failure each one stays unknown: that is what it is.
        let Ok(AnswerBody::Records { found }) = self.read(reader.object, reader.fields, &silent, session).await else {
            return;
        };
        for (item, verdict) in items.iter().zip(verdicts).filter(|(_, verdict)| verdict.silent) {
            let Some((id, record)) = found.iter().find(|(id, _)| Some(*id) == item.target) else { continue };
            let gone = |message: String| {
                ItemOutcome::Rejected(Rejection { kind: RejectionKind::NotFound, message, fields: Vec::new() })
            };
            match record {
                None => verdict.outcome = gone(format!("HubSpot has no record {id}.")),
                Some(record) if record.id != *id => {
                    verdict.outcome =
                        gone(format!("Record {id} was merged into record {}; nothing was written.", record.id));
                }
                Some(record) if record.archived => {
                    verdict.outcome = gone(format!("Record {id} is in the recycle bin; nothing was written."));
                }
                Some(record) if shows_all(record, &item.values) => {
                    verdict.outcome = ItemOutcome::Applied(Box::new(record.clone()));
                }
                Some(_) => {}
            }
        }
    }

    /// An update echoes what was sent, not the whole record: what it leaves out is read.
    async fn complete(&self, reader: &Reader<'_>, verdicts: &mut [Verdict], session: &mut Session) {
        let partial = |one: &Verdict| match &one.outcome {
            ItemOutcome::Applied(record) if one.json.as_ref().is_some_and(|json| !reader.is_complete(json)) => {
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
            let fresh = read.as_ref().ok().and_then(|told| told.records.iter().find(|record| record.id == id));
            verdict.outcome = match fresh {
                Some(record) => ItemOutcome::Applied(Box::new(record.clone())),
                None => ItemOutcome::Unknown("Written, but the record could not be read afterwards.".to_owned()),
            };
        }
    }

    pub(super) fn previews(&self, request: &Request) -> Vec<HttpPreview> {
        let calls = match &request.body {
            RequestBody::Create { .. } => self.record_preview(request, Verb::Create),
            RequestBody::Update { .. } => self.record_preview(request, Verb::Update),
            RequestBody::Associate { to, items } => self.associate_preview(request.object, *to, items),
            _ => Vec::new(),
        };
        let preview = |call: super::HubCall| {
            let call = call.at(self.version.current(call.route));
            let body = call.body.as_ref().map(|body| format!("{body:#}")).unwrap_or_default();
            HttpPreview { method: call.method.to_string(), path: call.path, body }
        };
        calls.into_iter().map(preview).collect()
    }

    fn record_preview(&self, request: &Request, verb: Verb) -> Vec<super::HubCall> {
        let items = self.items(request);
        let sent: Vec<&Item<'_>> =
            items.iter().filter(|item| rules::refusal(request.object, verb, item).is_none()).collect();
        if sent.is_empty() { Vec::new() } else { vec![batch_call(request.object, verb, &sent)] }
    }
}

pub(super) fn batch_call(object: ObjectKind, verb: Verb, items: &[&Item<'_>]) -> super::HubCall {
    let inputs: Vec<&Json> = items.iter().map(|item| &item.input).collect();
    let rest = format!("/{}/batch/{}", paths::object(object), verb.word());
    super::HubCall::post(paths::Route::Objects, rest, json!({ "inputs": inputs }))
}

/// An association that a new record is made with: the primary one, where there is such a thing.
fn associated(object: ObjectKind, (to, id): &Join) -> Option<Json> {
    let id = id.as_ref().ok()?;
    let numbers = [joins::primary(object, *to), joins::plain(object, *to)].into_iter().flatten();
    let types = numbers.map(|number| json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number }));
    Some(json!({ "to": { "id": id.to_string() }, "types": types.collect::<Vec<_>>() }))
}

/// A refused association is a refused field: everything else of the record can be written without it. What HubSpot does
/// not find then is as well the record at the other end, so that it is no word about this one.
fn of_join(name: &str, rejection: Rejection) -> Rejection {
    let kind = match rejection.kind {
        RejectionKind::NotFound => RejectionKind::Invalid,
        other => other,
    };
    Rejection { kind, fields: vec![name.to_owned()], ..rejection }
}

/// The end of a write whose associations were made before the records could not be sent: "nothing was done" would be wrong.
fn half_done(items: &[Item<'_>], verdicts: Vec<Option<Verdict>>, fault: Fault) -> AnswerBody {
    if matches!(fault.failure, Failure::Unknown(_)) {
        return AnswerBody::Failed(fault.failure);
    }
    let why = crate::connect::ConnectError::from(fault).message;
    let unsent = || ItemOutcome::Unknown(format!("Its associations may have been made; the rest was not sent: {why}"));
    let outcome = |verdict: Option<Verdict>| verdict.map_or_else(unsent, |verdict| verdict.outcome);
    let items = items.iter().zip(verdicts).map(|(item, verdict)| (item.intent, outcome(verdict))).collect();
    AnswerBody::Written { items }
}

/// Whether a record holds every value that was to be written.
fn shows_all(record: &Record, values: &[(FieldName, Value)]) -> bool {
    values.iter().all(|(name, value)| record.value(name.as_str()).to_plain() == value.to_plain())
}

/// The record, unless what it shows as its own id is another one: then nobody knows which it is.
fn consistent(result: &Json, record: Record) -> Result<Record, String> {
    let told = result.get("properties").and_then(|properties| properties.get(ID)).filter(|told| !told.is_null());
    match told {
        Some(told) if record::id(told) != Some(record.id) => {
            Err(format!("it names record {}, and shows another id of it", record.id))
        }
        _ => Ok(record),
    }
}

/// Whether a result is this item's: by trace id where it has one, else by record id, else by the stamp.
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
        list.into_iter().flatten().filter_map(record::plain).any(|one| one == wanted)
    };
    lists("objectWriteTraceId", &item.intent.to_string())
        || item.target.is_some_and(|id| lists("ids", &id.to_string()) || lists("id", &id.to_string()))
}

/// The record an exchange is kept for: the one written, or the source while there is no such thing.
fn subject(object: ObjectKind, item: &Item<'_>, outcome: &ItemOutcome) -> Option<RecordRef> {
    let written = match outcome {
        ItemOutcome::Applied(record) => Some(record.id),
        _ => item.target,
    };
    match written {
        Some(id) => Some(RecordRef::new(object, System::HubSpot, id)),
        None => stamped_record(object, System::ConnectWise, item.stamp?),
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
