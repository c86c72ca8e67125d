//! The ConnectWise connector call by call: what it sends, how often, and what it makes of each answer.
//!
//! Most tests answer as the test says, so that the wire itself is asserted; `objects` speaks to the simulator.

mod callbacks;
mod damage;
mod deliveries;
mod faults;
mod forecasts;
mod lines;
mod objects;
mod paging;
mod reading;
mod rights;
mod schema;
mod switches;
mod tables;
mod unsaid;
mod writing;

use std::sync::Arc;

use lockstep::connect::connectwise::ActivityTypes;
use lockstep::model::{Record, RecordId};
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::*;

/// An answer to some calls; none for those that it leaves to others.
pub type Exception = fn(&Asked) -> Option<(u16, Json)>;

/// One call as a script sees it: below `apis/3.0`, unescaped.
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub body: Json,
}

impl Asked {
    fn of(seen: &Seen) -> Self {
        let below = seen.path.split_once("apis/3.0").map_or(seen.path.as_str(), |(_, below)| below);
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), unescaped(value)));
        Self {
            method: seen.method.clone(),
            path: path.to_owned(),
            query: query.split('&').filter_map(pair).collect(),
            body: seen.body.clone(),
        }
    }

    pub fn parameter(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// The id behind which the page is to begin.
    pub fn after(&self) -> u64 {
        let behind = self.parameter("conditions").split_once("id > ").map(|(_, behind)| behind);
        let digits = behind.map(|text| text.split(|c: char| !c.is_ascii_digit()).next().unwrap());
        digits.map_or(0, |digits| digits.parse().unwrap())
    }

    /// The ids that the condition names, but for the one behind which the page is to begin.
    pub fn named(&self) -> Vec<u64> {
        let condition = self.parameter("conditions").replace(&format!("id > {}", self.after()), "");
        condition.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
    }

    /// `GET /company/contacts`, with the body where there is one.
    pub fn line(&self) -> String {
        match &self.body {
            Json::Null => format!("{} {}", self.method, self.path),
            body => format!("{} {} {body}", self.method, self.path),
        }
    }
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] == b'%' {
            out.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 2;
        } else {
            out.push(bytes[at]);
        }
        at += 1;
    }
    String::from_utf8(out).unwrap()
}

/// A tenant that answers what the script says.
pub struct Tenant {
    pub forged: Forged,
    pub psa: ConnectWise,
}

impl Tenant {
    pub async fn new(script: impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static) -> Self {
        Self::raw(move |asked| {
            let (status, body) = script(asked);
            (status, if body == json!("<nothing>") { Vec::new() } else { body.to_string().into_bytes() })
        })
        .await
    }

    /// Every answer has this line among its headers.
    pub async fn with_header(
        header: &'static str,
        script: impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static,
    ) -> Self {
        Self::forged(header, move |asked| {
            let (status, body) = script(asked);
            (status, body.to_string().into_bytes())
        })
        .await
    }

    pub async fn raw(script: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::forged("", script).await
    }

    async fn forged(header: &'static str, script: impl Fn(&Asked) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Self {
        let forged = Forged::with_header(header, move |seen: &Seen| match seen.path.contains("companyinfo") {
            true => {
                (200, json!({"Codebase": "v2025_1/", "CompanyName": "X", "IsCloud": "True"}).to_string().into_bytes())
            }
            false => script(&Asked::of(seen)),
        })
        .await;
        let psa = every_object(&forged.url, &sim::Credentials::default());
        Self { forged, psa }
    }

    /// The calls since the last look, discovery left out.
    pub fn calls(&self) -> Vec<Asked> {
        self.forged.seen().iter().filter(|seen| !seen.path.contains("companyinfo")).map(Asked::of).collect()
    }

    pub fn lines(&self) -> Vec<String> {
        self.calls().iter().map(Asked::line).collect()
    }

    pub async fn ask(&self, object: ObjectKind, body: RequestBody) -> AnswerBody {
        ask_of(&self.psa, object, body).await
    }
}

/// A connector with a stamp for every object: a numbered field where there is one, else the user-defined field 90.
pub fn every_object(url: &str, c: &sim::Credentials) -> ConnectWise {
    let credentials = connectwise::Credentials {
        site: "na.myconnectwise.net".into(),
        company: c.connectwise_company.clone(),
        public_key: c.connectwise_public_key.clone().into(),
        private_key: c.connectwise_private_key.clone().into(),
        client_id: c.connectwise_client_id.clone(),
    };
    let stamp = |object| match object {
        ObjectKind::Company | ObjectKind::Contact => (object, FieldName::new("userDefinedField10")),
        _ => (object, FieldName::new("customFields/90")),
    };
    ConnectWise::new(&credentials, ObjectKind::ALL.map(stamp).into(), &options(url)).unwrap()
}

pub async fn ask_of(connector: &dyn Connector, object: ObjectKind, body: RequestBody) -> AnswerBody {
    let request = Request { system: System::ConnectWise, object, priority: Priority::Interactive, run: None, body };
    connector.perform(RequestId(1), &request).await.answer.body
}

pub fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| FieldName::new(name)).collect()
}

pub fn values(values: &[(&str, Value)]) -> Vec<(FieldName, Value)> {
    values.iter().map(|(name, value)| (FieldName::new(name), value.clone())).collect()
}

pub fn text(text: &str) -> Value {
    Value::text(text)
}

pub fn list(fields: &[&str], after: Option<u64>, limit: u32) -> RequestBody {
    RequestBody::List { fields: names(fields), after: after.map(RecordId), archived: false, limit }
}

pub fn read(fields: &[&str], ids: &[u64]) -> RequestBody {
    RequestBody::Read { fields: names(fields), ids: ids.iter().copied().map(RecordId).collect() }
}

/// An update of record 7 that asks for what it writes.
pub fn update(written: &[(&str, Value)]) -> RequestBody {
    let fields = written.iter().map(|(name, _)| FieldName::new(name)).collect();
    let item = UpdateItem { intent: IntentId(8), id: RecordId(7), values: values(written), stamp: None };
    RequestBody::Update { fields, items: vec![item] }
}

pub fn create(object: ObjectKind, written: &[(&str, Value)]) -> RequestBody {
    let fields = written.iter().map(|(name, _)| FieldName::new(name)).collect();
    let stamp = format!("{}:42", object.key());
    let item = CreateItem { intent: IntentId(8), values: values(written), stamp };
    RequestBody::Create { fields, items: vec![item] }
}

pub fn page(answer: AnswerBody) -> (Vec<Record>, Option<RecordId>, bool) {
    match answer {
        AnswerBody::Page { records, last, more, .. } => (records, last, more),
        other => panic!("no page: {other:?}"),
    }
}

pub fn ids(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.id.0).collect()
}

pub fn outcome(answer: AnswerBody) -> ItemOutcome {
    match answer {
        AnswerBody::Written { mut items } if items.len() == 1 => items.remove(0).1,
        other => panic!("nothing written: {other:?}"),
    }
}

pub fn applied(answer: AnswerBody) -> Record {
    match outcome(answer) {
        ItemOutcome::Applied(record) => *record,
        other => panic!("{other:?}"),
    }
}

pub fn rejected(answer: AnswerBody) -> lockstep::engine::core::request::Rejection {
    match outcome(answer) {
        ItemOutcome::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

/// A record as it is shown, with the arrays that every record has.
pub fn stamped(mut json: Json) -> Json {
    for array in ["customFields", "communicationItems"] {
        if json.get(array).is_none() {
            json[array] = json!([]);
        }
    }
    json["_info"] = json!({"lastUpdated": "2026-06-09T21:59:49Z", "updatedBy": "someone"});
    json
}

pub fn not_found() -> (u16, Json) {
    (404, json!({"code": "NotFound", "message": "Record not found"}))
}

pub fn invalid(message: &str, field: &str) -> (u16, Json) {
    let error = json!({"code": "InvalidField", "message": message, "field": field});
    (400, json!({"code": "InvalidObject", "message": "object is invalid", "errors": [error]}))
}
