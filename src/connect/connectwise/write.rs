//! Writing to ConnectWise: one record, as many calls as its fields take.
//!
//! The record itself goes first, because it is what ConnectWise most likely refuses: then nothing has happened. What
//! lives beside it (communication items, types, the amount) follows, each call from what is there, so that repeating all
//! of it does no harm. A refusal on the way leaves the rest to be tried, and the record is answered as it then is; any
//! other failure after a call that took effect is `Unknown`, with the words for how far it got.

use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::address::Address;
use super::communications;
use super::forecast::Forecasts;
use super::objects::place;
use super::record::{self, Reader};
use super::values::{self, Values};
use super::{ConnectWise, refused};
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session, Wire};
use crate::connect::{exchange, stamped_record};
use crate::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Rejection, RejectionKind, Request, RequestBody, UpdateItem,
};
use crate::engine::core::state::Exchange;
use crate::model::{FieldName, IntentId, ObjectKind, Record, RecordId, RecordRef, System};

mod preview;
mod verdict;

use verdict::{applied, explain_stored, is_done, judged, reject, settle, wants_custom_fields};

/// One record on its way.
enum Write<'a> {
    Create(&'a CreateItem),
    Update(&'a UpdateItem),
}

impl Write<'_> {
    const fn intent(&self) -> IntentId {
        match self {
            Self::Create(item) => item.intent,
            Self::Update(item) => item.intent,
        }
    }
}

/// A call for what lives beside the record.
#[derive(Debug)]
pub(super) struct Beside {
    pub call: Call,
    /// The fields that it writes: it is refused for these, whatever it calls them.
    pub fields: Vec<String>,
}

/// How far a write has come.
#[derive(Default)]
struct Course {
    /// Calls that took effect.
    landed: u32,
    /// The first refusal.
    refusal: Option<Rejection>,
    /// The record, once it is known.
    record: Option<RecordId>,
    /// The call that people are shown, and its body: the first refused one, else the last.
    wire: Option<(Wire, String)>,
}

impl Course {
    fn refused(&self) -> Fault {
        let unsaid = || Rejection {
            kind: RejectionKind::Other,
            message: "Refused without a word.".to_owned(),
            fields: Vec::new(),
        };
        reject(self.refusal.clone().unwrap_or_else(unsaid))
    }
}

/// What an update has to know of the record before it can change it.
#[derive(Default)]
struct Present {
    /// The record with the members that are changed.
    body: Option<Json>,
    /// The same as a record.
    before: Option<Record>,
}

impl ConnectWise {
    pub(super) async fn write(&self, request: &Request, session: &mut Session) -> (AnswerBody, Vec<Exchange>) {
        let (item, fields) = match one(request) {
            Ok(found) => found,
            Err(fault) => return (AnswerBody::Failed(fault.failure), Vec::new()),
        };
        let object = request.object;
        let mut course = Course::default();
        self.overtake_forecasts(object, &item, &course);
        let result = match &item {
            Write::Create(item) => self.create(object, item, fields, &mut course, session).await,
            Write::Update(item) => self.update(object, item, fields, &mut course, session).await,
        };
        self.overtake_forecasts(object, &item, &course);
        let subject = match &item {
            Write::Update(item) => Some(reference(object, item.id)),
            Write::Create(item) => course
                .record
                .map(|id| reference(object, id))
                .or_else(|| stamped_record(object, System::HubSpot, &item.stamp)),
        };
        let wire = course.wire.take().zip(subject);
        let exchanges = wire.map(|((wire, sent), record)| exchange(&self.transport, &wire, record, &sent, None));
        (settle(&item, &course, result), exchanges.into_iter().collect())
    }

    /// Forecasts that were read by now are not believed for long: a write begins, or has ended.
    fn overtake_forecasts(&self, object: ObjectKind, item: &Write<'_>, course: &Course) {
        let opportunity = match (object, item) {
            (ObjectKind::Deal, Write::Update(item)) => Some(item.id),
            (ObjectKind::Deal, Write::Create(_)) => course.record,
            (ObjectKind::LineItem, Write::Update(item)) => self.opportunity_of(item.id),
            _ => None,
        };
        if let Some(opportunity) = opportunity {
            self.seen_forecasts().written(opportunity);
        }
    }

    async fn create(
        &self,
        object: ObjectKind,
        item: &CreateItem,
        fields: &[FieldName],
        course: &mut Course,
        session: &mut Session,
    ) -> Result<ItemOutcome, Fault> {
        let media = match object {
            ObjectKind::Contact if communications::concerned(&item.values) => {
                self.media(&item.values, session).await.map_err(Fault::before_write)?
            }
            _ => communications::Media::new(),
        };
        let call = self.create_call(object, item, &media)?;
        let Some(body) = self.step(&call, course, session).await? else {
            if let Some(refusal) = course.refusal.as_mut().filter(|_| object == ObjectKind::Contact) {
                communications::name_items(refusal, &item.values);
            }
            return Err(course.refused());
        };
        let reader = self.reader(object, fields, std::iter::once(&body), session).await?;
        let record = match reader.record(&body) {
            Ok(record) => record,
            Err(why) => return Ok(ItemOutcome::Unknown(format!("ConnectWise's answer makes no sense: {why}."))),
        };
        course.record = Some(record.id);
        if self.complete(object, &record, &body, &item.values, course, session).await? {
            return self.read_back(object, record.id, &item.values, fields, session).await.map(applied);
        }
        Ok(applied(record))
    }

    fn create_call(&self, object: ObjectKind, item: &CreateItem, media: &communications::Media) -> Result<Call, Fault> {
        if object == ObjectKind::LineItem {
            return Err(refused("Forecast items carry no stamp to be found again by, so Lockstep makes none."));
        }
        let mut extra = Map::new();
        if object == ObjectKind::Contact && communications::concerned(&item.values) {
            let items = communications::inline(&item.values, media).map_err(reject)?;
            extra.insert("communicationItems".to_owned(), Json::Array(items));
        }
        if object.is_activity() && item.values.iter().all(|(name, _)| name.as_str() != "type") {
            match self.activities.default_of(object) {
                Some(kind) => drop(extra.insert("type".to_owned(), json!({ "id": kind.0 }))),
                None if self.activities.is(object, None) => {}
                None => {
                    let many = object.plural().to_lowercase();
                    return Err(refused(&format!("No ConnectWise activity type is named for {many}.")));
                }
            }
        }
        if let Some(status) = self.activities.status_of(object)
            && item.values.iter().all(|(name, _)| name.as_str() != "status")
        {
            extra.insert("status".to_owned(), json!({ "id": status.0 }));
        }
        let stamp = self.stamps.get(&object).map(|name| (name, item.stamp.as_str()));
        let body = values::create(object, &item.values, stamp, extra).map_err(reject)?;
        Ok(Call::send(Method::POST, place(object).path, body))
    }

    /// What a create could not carry. Answers whether anything followed it.
    async fn complete(
        &self,
        object: ObjectKind,
        record: &Record,
        body: &Json,
        wanted: &Values,
        course: &mut Course,
        session: &mut Session,
    ) -> Result<bool, Fault> {
        let mut calls = Vec::new();
        for (name, value) in wanted {
            match Address::of(object, name.as_str()) {
                Address::Member("types") if values::has_type_calls(object) => {
                    let reader = Reader::new(object, std::slice::from_ref(name), None);
                    let held = reader.record_as_of(body, record.id, record.modified);
                    if !held.is_ok_and(|held| values::same(object, name, value, held.value("types"))) {
                        let held = self.associations(object, record.id, session).await?;
                        calls.extend(for_field(name, held.calls(object, record.id, name, value).map_err(reject)?));
                    }
                }
                Address::Amount => {
                    let forecast = self.forecast(record.id, session).await?;
                    let status = record::referred(body, "status");
                    calls.extend(for_field(name, forecast.set_amount(record.id, status, value).map_err(reject)?));
                }
                _ => {}
            }
        }
        for call in &calls {
            self.step_beside(call, course, session).await?;
        }
        Ok(!calls.is_empty())
    }

    async fn update(
        &self,
        object: ObjectKind,
        item: &UpdateItem,
        fields: &[FieldName],
        course: &mut Course,
        session: &mut Session,
    ) -> Result<ItemOutcome, Fault> {
        let path = match object {
            ObjectKind::LineItem => self.line_path(item.id, session).await.map_err(Fault::before_write)?,
            _ => format!("{}/{}", place(object).path, item.id),
        };
        let present = self.present(object, item, session).await.map_err(Fault::before_write)?;
        let beside = self.beside(object, item, &present, session).await.map_err(Fault::before_write)?;
        let array: Option<Vec<Json>> =
            present.body.as_ref().map(|body| record::items(body, "customFields").cloned().collect());
        let operations = values::patch(object, &item.values, array.as_deref()).map_err(reject)?;
        let mut answer = None;
        if !operations.is_empty() {
            answer = Some(self.change(object, &path, &item.values, operations, course, session).await?);
        }
        for call in &beside {
            self.step_beside(call, course, session).await?;
        }
        if course.landed == 0 && course.refusal.is_some() {
            return Err(course.refused());
        }
        let record = match answer.filter(|_| beside.is_empty()) {
            Some(body) => {
                let reader = self.reader(object, fields, std::iter::once(&body), session).await?;
                match reader.record(&body) {
                    Ok(record) => self.whole(object, record, fields, session).await?,
                    Err(why) => {
                        return Ok(ItemOutcome::Unknown(format!("ConnectWise's answer makes no sense: {why}.")));
                    }
                }
            }
            None => self.read_back(object, item.id, &item.values, fields, session).await?,
        };
        Ok(judged(object, &item.values, present.before.as_ref(), record, session.server_time))
    }

    /// Reads what the update depends on. Nothing for a change of plain members.
    async fn present(&self, object: ObjectKind, item: &UpdateItem, session: &mut Session) -> Result<Present, Fault> {
        let mut present = Present::default();
        let Some(path) = self.present_path(object, item) else { return Ok(present) };
        let body = self.call(&Call::get(path), session).await?;
        if body.get("id").and_then(record::id) != Some(item.id) {
            return Err(super::read::odd("it is another record than the one asked for"));
        }
        let names: Vec<FieldName> = item.values.iter().map(|(name, _)| name.clone()).collect();
        let reader = Reader::new(object, &names, None);
        if let Some(array) = reader.unshown(&body) {
            return Err(super::read::odd(&format!("record {} comes without its {array}", item.id)));
        }
        if let Some(why) = reader.nonsense(&body, item.id) {
            return Err(super::read::odd(&why));
        }
        if !record::shows_custom_fields(&body) {
            return Err(super::read::odd(&unsendable(item.id)));
        }
        present.before = reader.record(&body).ok();
        present.body = Some(body);
        Ok(present)
    }

    /// The read before an update: with every member that it changes, and what else the change depends on.
    fn present_path(&self, object: ObjectKind, item: &UpdateItem) -> Option<String> {
        let names = item.values.iter().map(|(name, _)| name);
        let plain = |name: &FieldName| {
            let address = Address::of(object, name.as_str());
            matches!(address, Address::Member(_) | Address::Progress(_) | Address::Either { .. })
        };
        let needs = names.clone().any(|name| !plain(name));
        if !needs {
            return None;
        }
        let mut names: Vec<FieldName> = names.cloned().collect();
        if object == ObjectKind::Deal {
            names.push("status".into());
        }
        let asked = self.asked(object, &names);
        Some(format!("{}/{}{}", place(object).path, item.id, asked.replacen('&', "?", 1)))
    }

    /// The calls for what lives beside the record.
    async fn beside(
        &self,
        object: ObjectKind,
        item: &UpdateItem,
        present: &Present,
        session: &mut Session,
    ) -> Result<Vec<Beside>, Fault> {
        let mut calls = Vec::new();
        let body = present.body.as_ref().unwrap_or(&Json::Null);
        if object == ObjectKind::Contact && communications::concerned(&item.values) {
            let media = self.media(&item.values, session).await?;
            calls.extend(communications::calls(item.id, body, &item.values, &media).map_err(reject)?);
        }
        for (name, value) in &item.values {
            match Address::of(object, name.as_str()) {
                Address::Member("types") if values::has_type_calls(object) => {
                    let held = self.associations(object, item.id, session).await?;
                    calls.extend(for_field(name, held.calls(object, item.id, name, value).map_err(reject)?));
                }
                Address::Amount => {
                    let forecast = self.forecast(item.id, session).await?;
                    let status = record::referred(body, "status");
                    calls.extend(for_field(name, forecast.set_amount(item.id, status, value).map_err(reject)?));
                }
                _ => {}
            }
        }
        Ok(calls)
    }

    /// The change of the record itself. ConnectWise was seen refusing one that does not carry the user-defined fields:
    /// then they are read and sent along as they are, once.
    async fn change(
        &self,
        object: ObjectKind,
        path: &str,
        wanted: &Values,
        mut operations: Vec<Json>,
        course: &mut Course,
        session: &mut Session,
    ) -> Result<Json, Fault> {
        let send = |operations: &[Json]| Call::send(Method::PATCH, path, json!(operations));
        if let Some(body) = self.step(&send(&operations), course, session).await? {
            return Ok(body);
        }
        let carries = operations.iter().any(|operation| operation.get("path") == Some(&json!("customFields")));
        if !carries && course.refusal.as_ref().is_some_and(wants_custom_fields) && !place(object).screens.is_empty() {
            let present = self
                .call(&Call::get(format!("{path}?fields=id,customFields")), session)
                .await
                .map_err(Fault::before_write)?;
            // Without the array there is nothing to send along: an empty one would say that all are empty.
            let Some(array) = present.get("customFields").and_then(Json::as_array) else {
                return Err(course.refused());
            };
            if !record::shows_custom_fields(&present) {
                return Err(course.refused());
            }
            operations.push(values::custom_operation(object, &[], array).map_err(reject)?);
            course.refusal = None;
            if let Some(body) = self.step(&send(&operations), course, session).await? {
                return Ok(body);
            }
        }
        if let Some(refusal) = &mut course.refusal {
            explain_stored(refusal, wanted);
        }
        Err(course.refused())
    }

    /// One call of the write. None where ConnectWise refused it.
    async fn step(&self, call: &Call, course: &mut Course, session: &mut Session) -> Result<Option<Json>, Fault> {
        let calls = session.calls;
        let result = self.call(call, session).await;
        if course.refusal.is_none()
            && let Some(wire) = session.last.clone().filter(|_| session.calls > calls)
        {
            course.wire = Some((wire, call.body.as_ref().map(Json::to_string).unwrap_or_default()));
        }
        match result {
            Ok(body) => {
                course.landed += 1;
                Ok(Some(body))
            }
            Err(Fault { failure: Failure::Rejected(refusal), .. }) if is_done(call, &refusal) => Ok(Some(Json::Null)),
            Err(Fault { failure: Failure::Rejected(refusal), .. }) => {
                course.refusal.get_or_insert(refusal);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// One call beside the record. What it is refused for has names of its own there, such as `value`: the fields of this
    /// write are those that it was to change.
    async fn step_beside(&self, beside: &Beside, course: &mut Course, session: &mut Session) -> Result<(), Fault> {
        let was_refused = course.refusal.is_some();
        self.step(&beside.call, course, session).await?;
        if let Some(refusal) = course.refusal.as_mut().filter(|_| !was_refused) {
            refusal.fields.clone_from(&beside.fields);
        }
        Ok(())
    }

    /// The record with what its own answer does not carry.
    async fn whole(
        &self,
        object: ObjectKind,
        record: Record,
        fields: &[FieldName],
        session: &mut Session,
    ) -> Result<Record, Fault> {
        let mut records = vec![record];
        if super::address::has_amount(object, fields) {
            session.written();
            let odd_ones = self.add_amounts(fields, &mut records, Forecasts::Anew, session).await?;
            if let Some(why) = odd_ones.into_values().next() {
                return Err(super::read::odd(&why));
            }
        }
        records.pop().ok_or_else(|| Fault::unknown("The record is not there any more after it was written."))
    }

    /// The record as it is after calls that did not answer with it.
    async fn read_back(
        &self,
        object: ObjectKind,
        id: RecordId,
        wanted: &Values,
        fields: &[FieldName],
        session: &mut Session,
    ) -> Result<Record, Fault> {
        session.written();
        let mut fields = fields.to_vec();
        fields.extend(wanted.iter().map(|(name, _)| name.clone()));
        fields.sort();
        fields.dedup();
        let found = match object {
            ObjectKind::LineItem => match self.read_lines(&fields, &[id], session).await? {
                AnswerBody::Records { mut found } => found.pop().and_then(|(_, record)| record),
                _ => None,
            },
            _ => {
                let mut read = self.by_ids(object, &fields, &[id], session).await?;
                if let Some(why) = read.unreadable.remove(&id) {
                    return Err(Fault::unknown(format!("The record was written, and then could not be read: {why}.")));
                }
                read.records.pop()
            }
        };
        found.ok_or_else(|| Fault::unknown("The record was written, and then not found."))
    }
}

/// Calls that are all for one field.
fn for_field(name: &FieldName, calls: impl IntoIterator<Item = Call>) -> impl Iterator<Item = Beside> {
    let fields = vec![name.to_string()];
    calls.into_iter().map(move |call| Beside { call, fields: fields.clone() })
}

fn unsendable(id: RecordId) -> String {
    format!("record {id} shows user-defined fields that cannot be sent back as they are")
}

const fn reference(object: ObjectKind, id: RecordId) -> RecordRef {
    RecordRef::new(object, System::ConnectWise, id)
}

fn one(request: &Request) -> Result<(Write<'_>, &[FieldName]), Fault> {
    match &request.body {
        RequestBody::Create { items, fields } if items.len() == 1 => Ok((Write::Create(&items[0]), fields)),
        RequestBody::Update { items, fields } if items.len() == 1 => Ok((Write::Update(&items[0]), fields)),
        RequestBody::Associate { .. } => {
            Err(refused("In ConnectWise a reference is a field: there is nothing to associate."))
        }
        _ => Err(refused("ConnectWise takes exactly one record with each write.")),
    }
}
