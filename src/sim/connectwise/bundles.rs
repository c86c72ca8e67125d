//! `POST /system/bundles`: several reads in one call. Each is answered as it would be alone, in the order of its number.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value, json};

use super::assign::as_id;
use super::{Call, Failure, routes};
use crate::sim::wire::{Reply, Request, encode};

/// Requests in one bundle; the guide names no bound.
const MOST: usize = 100;

/// The path under `apis/3.0` of a resource type; with a parent, what comes before and after its id.
fn path(kind: &str, parent: Option<u32>) -> Option<String> {
    let with = |before: &str, after: &str| parent.map(|id| format!("{before}/{id}/{after}"));
    Some(match kind.to_ascii_lowercase().as_str() {
        "company" => "company/companies".to_owned(),
        "contact" => "company/contacts".to_owned(),
        "opportunity" => "sales/opportunities".to_owned(),
        "activity" => "sales/activities".to_owned(),
        "ticket" => "service/tickets".to_owned(),
        "catalogitem" => "procurement/catalog".to_owned(),
        "member" => "system/members".to_owned(),
        "companysite" => with("company/companies", "sites")?,
        "companynote" => with("company/companies", "notes")?,
        "contactcommunication" => with("company/contacts", "communications")?,
        "contactnote" => with("company/contacts", "notes")?,
        "opportunitynote" => with("sales/opportunities", "notes")?,
        "servicenote" => with("service/tickets", "notes")?,
        "forecast" => with("sales/opportunities", "forecast")?,
        _ => return None,
    })
}

pub(crate) fn serve(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let requests = body.get("requests").and_then(Value::as_array).cloned();
    let plain = |message: &str| Failure::Plain { code: "InvalidObject", message: message.to_owned() };
    let mut requests = requests.ok_or_else(|| plain("The requests field is required."))?;
    if requests.len() > MOST {
        return Err(plain("The bundle has too many requests."));
    }
    requests.sort_by_key(|request| request.get("sequenceNumber").and_then(Value::as_i64).unwrap_or(0));
    let results: Vec<Value> = requests.iter().map(|request| result(call, request)).collect();
    Ok(Reply::json(200, &json!({ "results": results })))
}

fn result(call: &mut Call<'_>, request: &Value) -> Value {
    let reply = single(call, request).unwrap_or_else(Failure::reply);
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    let success = reply.status < 400;
    let (entities, error) = match (success, answer) {
        (true, Value::Array(rows)) => (rows, Value::Null),
        (true, one) => (vec![one], Value::Null),
        (false, error) => (Vec::new(), error),
    };
    json!({
        "sequenceNumber": request.get("sequenceNumber"), "resourceType": request.get("resourceType"),
        "version": request.get("version"), "entities": entities, "count": entities.len(), "success": success,
        "statusCode": reply.status, "error": error,
    })
}

fn single(call: &mut Call<'_>, request: &Value) -> Result<Reply, Failure> {
    let kind = request.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let empty = Map::new();
    let asked = request.get("apiRequest").and_then(Value::as_object).unwrap_or(&empty);
    let id = |name: &str| asked.get(name).and_then(as_id);
    let mut path = path(kind, id("parentId")).ok_or(Failure::NoRoute)?;
    if let Some(id) = id("id").filter(|id| *id != 0) {
        path = format!("{path}/{id}");
    }
    let mut query = Vec::new();
    for part in ["filters", "page"] {
        let members = asked.get(part).and_then(Value::as_object).into_iter().flatten();
        query.extend(members.filter(|(_, value)| !value.is_null()).map(|(name, value)| parameter(name, value)));
    }
    query.extend(asked.get("fields").filter(|fields| fields.is_string()).map(|fields| parameter("fields", fields)));
    let uri = format!("/v4_6_release/apis/3.0/{path}?{}", query.join("&"));
    let uri: Uri = uri.parse().map_err(|_| Failure::UriTooLong)?;
    let mut headers = HeaderMap::new();
    if let Some(host) = call.request.headers.get("host") {
        headers.insert("host", host.clone());
    }
    let inner = Request::new(Method::GET, &uri, headers, Bytes::new());
    let parts = inner.parts();
    let rest = parts.get(3..).unwrap_or_default();
    let (now, base, model) = (call.now, call.base.clone(), call.model);
    routes::route(&mut Call { world: &mut *call.world, request: &inner, now, base, model }, rest)
}

fn parameter(name: &str, value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    format!("{}={}", encode(name), encode(&text))
}
