//! Writing to ConnectWise: one record, one call.

use serde_json::Value as Json;

use super::record::{self, custom_id};
use super::{ConnectWise, path, refused};
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::connect::{HttpPreview, exchange, stamped_record};
use crate::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Rejection, RejectionKind, Request, RequestBody, UpdateItem,
};
use crate::engine::core::state::Exchange;
use crate::model::{FieldName, IntentId, ObjectKind, RecordId, RecordRef, System};

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

impl ConnectWise {
    pub(super) async fn write(&self, request: &Request, session: &mut Session) -> (AnswerBody, Vec<Exchange>) {
        let (item, fields) = match one(request) {
            Ok(found) => found,
            Err(fault) => return (AnswerBody::Failed(fault.failure), Vec::new()),
        };
        let custom = match self.present_custom(request.object, &item, session).await {
            Ok(custom) => custom,
            Err(fault) => return (AnswerBody::Failed(fault.before_write().failure), Vec::new()),
        };
        let call = match self.write_call(request.object, &item, custom.as_deref()) {
            Ok(call) => call,
            Err(fault) => return (settle(&item, Err(fault)), Vec::new()),
        };
        let calls = session.calls;
        let result = self.call(&call, session).await;
        let wire = session.last.clone().filter(|_| session.calls > calls);
        let outcome = result.map(|body| self.applied(request.object, fields, &body));
        let subject = match (&outcome, &item) {
            (Ok(ItemOutcome::Applied(record)), _) => Some(reference(request.object, record.id)),
            (_, Write::Update(item)) => Some(reference(request.object, item.id)),
            (_, Write::Create(item)) => stamped_record(request.object, System::HubSpot, &item.stamp),
        };
        let sent = call.body.as_ref().map(Json::to_string).unwrap_or_default();
        let exchanges = wire.zip(subject).map(|(wire, record)| exchange(&self.transport, &wire, record, &sent, None));
        (settle(&item, outcome), exchanges.into_iter().collect())
    }

    fn applied(&self, object: ObjectKind, fields: &[FieldName], body: &Json) -> ItemOutcome {
        match record::record(body, fields, self.stamps.get(&object)) {
            Ok(record) => ItemOutcome::Applied(Box::new(record)),
            Err(why) => ItemOutcome::Unknown(format!("ConnectWise's answer makes no sense: {why}.")),
        }
    }

    /// User-defined fields are written as a whole array, so the present one is read first.
    async fn present_custom(
        &self,
        object: ObjectKind,
        item: &Write<'_>,
        session: &mut Session,
    ) -> Result<Option<Vec<Json>>, Fault> {
        let Write::Update(item) = item else { return Ok(None) };
        if !item.values.iter().any(|(name, _)| custom_id(name).is_some()) {
            return Ok(None);
        }
        let body = self.call(&Call::get(custom_path(object, item.id)?), session).await?;
        let array = body.get("customFields").and_then(Json::as_array);
        array.cloned().map(Some).ok_or_else(|| super::read::odd("the record has no user-defined fields"))
    }

    fn write_call(&self, object: ObjectKind, item: &Write<'_>, custom: Option<&[Json]>) -> Result<Call, Fault> {
        let path = path(object)?;
        let stamp = self.stamps.get(&object);
        let reject = |rejection| Fault { failure: Failure::Rejected(rejection), ..refused("") };
        match item {
            Write::Create(item) => {
                let body = record::create(&item.values, stamp.map(|name| (name, item.stamp.as_str())));
                Ok(Call::send(reqwest::Method::POST, path, body.map_err(reject)?))
            }
            Write::Update(item) => {
                let body = record::patch(&item.values, custom).map_err(reject)?;
                Ok(Call::send(reqwest::Method::PATCH, format!("{path}/{}", item.id), body))
            }
        }
    }

    /// The code base is filled in when the call is made. User-defined fields not in the change are left out, because
    /// they are read just before the write.
    pub(super) fn previews(&self, request: &Request) -> Vec<HttpPreview> {
        let Ok((item, _)) = one(request) else { return Vec::new() };
        let Ok(call) = self.write_call(request.object, &item, None) else { return Vec::new() };
        let base = self.code_base.try_lock().ok().and_then(|held| held.clone());
        let base = base.unwrap_or_else(|| "v4_6_release/".to_owned());
        let full = |path: &str| format!("/{base}apis/3.0{path}");
        let mut previews = Vec::new();
        if let Write::Update(item) = &item
            && item.values.iter().any(|(name, _)| custom_id(name).is_some())
            && let Ok(path) = custom_path(request.object, item.id)
        {
            previews.push(HttpPreview { method: "GET".to_owned(), path: full(&path), body: String::new() });
        }
        let body = call.body.as_ref().map(|body| format!("{body:#}")).unwrap_or_default();
        previews.push(HttpPreview { method: call.method.to_string(), path: full(&call.path), body });
        previews
    }
}

fn custom_path(object: ObjectKind, id: RecordId) -> Result<String, Fault> {
    Ok(format!("{}/{id}?fields=id,customFields", path(object)?))
}

const fn reference(object: ObjectKind, id: RecordId) -> RecordRef {
    RecordRef::new(object, System::ConnectWise, id)
}

fn one(request: &Request) -> Result<(Write<'_>, &[FieldName]), Fault> {
    match &request.body {
        RequestBody::Create { items, fields } if items.len() == 1 => Ok((Write::Create(&items[0]), fields)),
        RequestBody::Update { items, fields } if items.len() == 1 => Ok((Write::Update(&items[0]), fields)),
        _ => Err(refused("ConnectWise takes exactly one record with each write.")),
    }
}

/// A refusal of the only record is a word about that record; other failures are about the call.
fn settle(item: &Write<'_>, outcome: Result<ItemOutcome, Fault>) -> AnswerBody {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(Fault { failure: Failure::Rejected(mut rejection), .. }) => {
            let update = matches!(item, Write::Update(_));
            // A conflict is about something unique that is taken; of an update nobody looks for the other holder.
            if update && matches!(rejection.kind, RejectionKind::Duplicate { .. }) {
                rejection = Rejection { kind: RejectionKind::Other, ..rejection };
            }
            ItemOutcome::Rejected(rejection)
        }
        Err(fault) => return AnswerBody::Failed(fault.failure),
    };
    AnswerBody::Written { items: vec![(item.intent(), outcome)] }
}
