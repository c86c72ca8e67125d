//! Batches of up to a hundred records: their shape, reading and archiving. Writing is in `batch_write`.

use serde_json::{Value, json};

use super::answers::refused;
use super::kinds::KindRef;
use super::objects::look_up;
use super::portal::PORTAL_ID;
use super::show::{Shown, show};
use super::{Call, Failure, batch_write};
use crate::sim::clock::iso_millis;
use crate::sim::wire::Reply;

const MOST: usize = 100;

type Handler = fn(&mut Call<'_>, KindRef, &[Value]) -> Result<Reply, Failure>;

pub(crate) fn serve(call: &mut Call<'_>, kind: KindRef, what: &str) -> Result<Reply, Failure> {
    let handler: Handler = match what {
        "read" => return read(call, kind),
        "create" => batch_write::create,
        "update" => batch_write::update,
        "upsert" => batch_write::upsert,
        "archive" => archive,
        _ => return Err(Failure::NoRoute),
    };
    let body = call.body()?;
    handler(call, kind, inputs(&body, MOST)?)
}

/// The inputs of a batch, at most so many.
pub(crate) fn inputs(body: &Value, most: usize) -> Result<&[Value], Failure> {
    let Some(inputs) = body.get("inputs").and_then(Value::as_array) else {
        return Err(Failure::invalid("Invalid input JSON: a list of inputs is required".to_owned()));
    };
    if inputs.len() <= most {
        return Ok(inputs);
    }
    let sent = inputs.len();
    let message = format!("The maximum number of inputs supported in a batch request is {most}; {sent} were sent");
    Err(Failure::invalid(message))
}

pub(crate) fn id_text(input: &Value) -> String {
    match input.get("id") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The answer of a batch: with errors it is a 207. Results come in any order.
pub(crate) fn complete(call: &Call<'_>, full: u16, mut results: Vec<Value>, errors: Vec<Value>) -> Reply {
    if call.switches().shuffles_batches {
        results.reverse();
    }
    let at = iso_millis(call.now);
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    let status = if errors.is_empty() { full } else { 207 };
    if let (false, Some(map)) = (errors.is_empty(), body.as_object_mut()) {
        map.insert("numErrors".to_owned(), json!(errors.len()));
        map.insert("errors".to_owned(), Value::Array(errors));
    }
    Reply::json(status, &body)
}

/// One error for all ids that are missing.
pub(crate) fn missing_error(kind: KindRef, ids: &[String]) -> Vec<Value> {
    if ids.is_empty() {
        return Vec::new();
    }
    let message = format!(
        "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
        kind.legacy
    );
    vec![json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": ids}})]
}

/// What one input of a batch failed for.
pub(crate) fn item_error(failure: Failure, key: &str, value: &str) -> Value {
    let (message, errors, category) = match failure {
        Failure::Write(super::WriteError::Exists(id)) => {
            (format!("Contact already exists. Existing ID: {id}"), None, "CONFLICT")
        }
        Failure::Write(error) => {
            let (message, errors) = refused(&error);
            (message, errors, "VALIDATION_ERROR")
        }
        Failure::BadRequest { message, .. } => (message, None, "VALIDATION_ERROR"),
        Failure::NotFound => ("resource not found".to_owned(), None, "OBJECT_NOT_FOUND"),
        Failure::MissingScopes(_) => ("The scope for an association is missing".to_owned(), None, "MISSING_SCOPES"),
        _ => ("internal error".to_owned(), None, "INTERNAL_ERROR"),
    };
    let mut error = json!({
        "status": "error", "category": category, "message": message, "context": {key: [value]}, "portalId": PORTAL_ID,
    });
    if let (Some(errors), Some(map)) = (errors, error.as_object_mut()) {
        map.insert("errors".to_owned(), errors);
    }
    error
}

fn read(call: &Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let shown = Shown::of_body(call, kind, &body);
    let archived = call.flag("archived")?;
    let id_property = body.get("idProperty").and_then(Value::as_str);
    let (mut seen, mut results, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs(&body, MOST)? {
        let key = id_text(input);
        match look_up(call, kind, &key, id_property, archived) {
            Ok(record) if seen.contains(&record.id) => {}
            Ok(record) => {
                seen.push(record.id);
                results.push(show(call.portal(), kind, record, &record.current, &shown));
            }
            Err(Failure::NotFound | Failure::NotNumeric(_)) => missing.push(key),
            Err(other) => return Err(other),
        }
    }
    Ok(complete(call, 200, results, missing_error(kind, &missing)))
}

/// 204 whatever state the records are in.
fn archive(call: &mut Call<'_>, kind: KindRef, inputs: &[Value]) -> Result<Reply, Failure> {
    let (portal, mut act) = call.act();
    for input in inputs {
        if let Ok(id) = id_text(input).parse::<u64>() {
            let id = portal.resolve(id);
            portal.archive(&mut act, kind, id);
        }
    }
    Ok(Reply::empty(204))
}
