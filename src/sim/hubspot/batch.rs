//! Batches of up to a hundred companies: read, create, update, archive, with partial results.

use serde_json::{Value, json};

use super::answers::refused;
use super::objects::{Shown, look_up, require_name, show, show_whole};
use super::portal::{PORTAL_ID, WriteError};
use super::schema::PropertyId;
use super::{Call, Failure, property_values};
use crate::sim::clock::iso_millis;
use crate::sim::wire::Reply;

const MOST: usize = 100;
const MISSING: &str = "Could not get some COMPANY objects, they may be deleted or not exist. Check that ids are valid.";

type Checked = Vec<(PropertyId, String)>;

pub(crate) fn serve(call: &mut Call<'_>, what: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let inputs = body.get("inputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if inputs.len() > MOST {
        let message =
            format!("The maximum number of inputs supported in a batch request is {MOST}; {} were sent", inputs.len());
        return Err(Failure::invalid(message));
    }
    match what {
        "read" => read(call, &body, inputs),
        "create" => create(call, inputs),
        "update" => update(call, inputs),
        "archive" => archive(call, inputs),
        _ => Err(Failure::NoRoute),
    }
}

fn id_text(input: &Value) -> String {
    match input.get("id") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn complete(call: &Call<'_>, full: u16, mut results: Vec<Value>, errors: Vec<Value>) -> Reply {
    if call.world.behaviour.hubspot.shuffles_batches {
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

fn missing_error(ids: &[String]) -> Vec<Value> {
    if ids.is_empty() {
        return Vec::new();
    }
    vec![json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": MISSING, "context": {"ids": ids}})]
}

fn read(call: &Call<'_>, body: &Value, inputs: &[Value]) -> Result<Reply, Failure> {
    let portal = &call.world.hubspot;
    let shown = Shown::of_body(portal, body);
    let archived = call.request.param("archived") == Some("true");
    let id_property = body.get("idProperty").and_then(Value::as_str);
    let (mut seen, mut results, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        let key = id_text(input);
        match look_up(portal, &key, id_property, archived) {
            Ok(record) if seen.contains(&record.id) => {}
            Ok(record) => {
                seen.push(record.id);
                results.push(show(portal, record, &record.current, &shown));
            }
            Err(Failure::NotFound | Failure::NotNumeric(_)) => missing.push(key),
            Err(other) => return Err(other),
        }
    }
    Ok(complete(call, 200, results, missing_error(&missing)))
}

/// All or nothing, unless every input has an `objectWriteTraceId` of its own: then each stands alone.
fn create(call: &mut Call<'_>, inputs: &[Value]) -> Result<Reply, Failure> {
    let mut traces: Vec<&str> =
        inputs.iter().filter_map(|i| i.get("objectWriteTraceId").and_then(Value::as_str)).collect();
    traces.sort_unstable();
    traces.dedup();
    let separately = traces.len() == inputs.len();
    if !separately {
        check_together(call, inputs)?;
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        let trace = input.get("objectWriteTraceId").and_then(Value::as_str);
        match create_one(call, input) {
            Ok(mut json) => {
                if let (Some(trace), Some(map)) = (trace, json.as_object_mut()) {
                    map.insert("objectWriteTraceId".to_owned(), json!(trace));
                }
                results.push(json);
            }
            Err(failure) if separately => {
                errors.push(item_error(failure, "objectWriteTraceId", trace.unwrap_or_default()))
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(complete(call, 201, results, errors))
}

fn checked(call: &Call<'_>, input: &Value) -> Result<Checked, Failure> {
    let values = property_values(input.get("properties"))?;
    require_name(&values)?;
    Ok(call.world.hubspot.check(&values)?)
}

/// Refuses the whole batch for its first bad input, before anything is written.
fn check_together(call: &Call<'_>, inputs: &[Value]) -> Result<(), Failure> {
    let portal = &call.world.hubspot;
    let mut taken: Vec<(PropertyId, String)> = Vec::new();
    for input in inputs {
        let values = checked(call, input)?;
        portal.check_unique(portal.next_id(), &values)?;
        for (id, value) in values {
            if portal.schema.get(id).is_none_or(|p| !p.unique) || value.is_empty() {
                continue;
            }
            let key = (id, value.to_lowercase());
            if taken.contains(&key) {
                let property = portal.schema.name(id).to_owned();
                let (tried, holder) = (portal.next_id() + 3, portal.next_id());
                return Err(WriteError::Taken { property, value, tried, holder }.into());
            }
            taken.push(key);
        }
    }
    Ok(())
}

fn create_one(call: &mut Call<'_>, input: &Value) -> Result<Value, Failure> {
    let values = checked(call, input)?;
    let (portal, mut act) = call.act();
    let id = portal.create(&mut act, &values)?;
    portal.find(id).map(|record| show_whole(portal, record)).ok_or(Failure::NotFound)
}

fn item_error(failure: Failure, key: &str, value: &str) -> Value {
    let (message, errors) = match failure {
        Failure::Write(error) => refused(&error),
        Failure::BadRequest { message, .. } => (message, None),
        other => (format!("{other:?}"), None),
    };
    let mut error = json!({
        "status": "error", "category": "VALIDATION_ERROR", "message": message, "context": {key: [value]},
        "portalId": PORTAL_ID,
    });
    if let (Some(errors), Some(map)) = (errors, error.as_object_mut()) {
        map.insert("errors".to_owned(), errors);
    }
    error
}

/// What one input of an update came to.
enum Updated {
    Done(Value),
    /// Merged away: HubSpot drops it without a word.
    Dropped,
    Missing(String),
    Refused(Value),
}

fn update(call: &mut Call<'_>, inputs: &[Value]) -> Result<Reply, Failure> {
    let mut keys: Vec<String> = inputs.iter().map(id_text).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Failure::invalid("Duplicate IDs found in batch input".to_owned()));
    }
    let (mut results, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        match update_one(call, input)? {
            Updated::Done(json) => results.push(json),
            Updated::Dropped => {}
            Updated::Missing(key) => missing.push(key),
            Updated::Refused(error) => errors.push(error),
        }
    }
    errors.extend(missing_error(&missing));
    Ok(complete(call, 200, results, errors))
}

fn update_one(call: &mut Call<'_>, input: &Value) -> Result<Updated, Failure> {
    let key = id_text(input);
    let values = property_values(input.get("properties"))?;
    let id_property = input.get("idProperty").and_then(Value::as_str);
    let id = match look_up(&call.world.hubspot, &key, id_property, false) {
        Ok(record) => record.id,
        Err(Failure::NotFound | Failure::NotNumeric(_)) => return Ok(Updated::Missing(key)),
        Err(other) => return Err(other),
    };
    if id_property.is_none() && id.to_string() != key {
        return Ok(Updated::Dropped);
    }
    let (portal, mut act) = call.act();
    let written = portal.check(&values).and_then(|values| portal.update(&mut act, id, &values));
    match written {
        Ok(()) => portal.find(id).map(|r| Updated::Done(show_whole(portal, r))).ok_or(Failure::NotFound),
        Err(WriteError::NotFound) => Ok(Updated::Missing(key)),
        Err(error) => {
            let (trace, ids) = (input.get("objectWriteTraceId").and_then(Value::as_str), "ids");
            let refused = match trace {
                Some(trace) => item_error(error.into(), "objectWriteTraceId", trace),
                None => item_error(error.into(), ids, &key),
            };
            Ok(Updated::Refused(refused))
        }
    }
}

fn archive(call: &mut Call<'_>, inputs: &[Value]) -> Result<Reply, Failure> {
    let (portal, mut act) = call.act();
    for input in inputs {
        if let Ok(id) = id_text(input).parse::<u64>() {
            let id = portal.resolve(id);
            portal.archive(&mut act, id);
        }
    }
    Ok(Reply::empty(204))
}
