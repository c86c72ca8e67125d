//! Batches that write: create (all or nothing unless traced), update, upsert.

use serde_json::{Value, json};

use super::batch::{complete, id_text, item_error, missing_error};
use super::kinds::KindRef;
use super::objects::{inline, key_property, look_up, store, whole};
use super::portal::{Checked, WriteError};
use super::rules::property_values;
use super::schema::{Access, PropertyId};
use super::ties::Ties;
use super::{Call, Failure};
use crate::sim::wire::Reply;

const TRACE: &str = "objectWriteTraceId";

fn trace(input: &Value) -> Option<&str> {
    input.get(TRACE).and_then(Value::as_str)
}

fn with_trace(mut json: Value, input: &Value) -> Value {
    if let (Some(trace), Some(map)) = (trace(input), json.as_object_mut()) {
        map.insert(TRACE.to_owned(), json!(trace));
    }
    json
}

/// Whether this item fails by bad luck.
fn unlucky(call: &mut Call<'_>) -> Result<(), Failure> {
    let share = call.switches().batch_item_failures;
    if share > 0.0 && call.world.hubspot.random.happens(share) {
        return Err(Failure::invalid("internal error".to_owned()));
    }
    Ok(())
}

/// All or nothing, unless every input has an `objectWriteTraceId` of its own: then each stands alone.
pub(crate) fn create(call: &mut Call<'_>, kind: KindRef, inputs: &[Value]) -> Result<Reply, Failure> {
    let mut traces: Vec<&str> = inputs.iter().filter_map(trace).collect();
    traces.sort_unstable();
    traces.dedup();
    let separately = traces.len() == inputs.len();
    if !separately {
        check_together(call, kind, inputs)?;
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        let made = if separately { unlucky(call) } else { Ok(()) }.and_then(|()| create_one(call, kind, input));
        match made {
            Ok(json) => results.push(with_trace(json, input)),
            Err(failure) if separately => errors.push(item_error(failure, TRACE, trace(input).unwrap_or_default())),
            Err(failure) => return Err(failure),
        }
    }
    Ok(complete(call, 201, results, errors))
}

fn checked(call: &Call<'_>, kind: KindRef, input: &Value) -> Result<(Checked, Ties), Failure> {
    let values = property_values(input.get("properties"))?;
    let values = call.portal().check_new(call.manner(), kind, &values)?;
    Ok((values, inline(call, kind, input)?))
}

/// Refuses the whole batch for its first bad input, before anything is written.
fn check_together(call: &mut Call<'_>, kind: KindRef, inputs: &[Value]) -> Result<(), Failure> {
    let mut taken: Vec<(PropertyId, String)> = Vec::new();
    for input in inputs {
        let (values, _) = checked(call, kind, input)?;
        let (portal, act) = call.act();
        let first = portal.next_id();
        portal.check_unique(&act, kind, first, &values)?;
        for (id, value) in values {
            if !portal.of(kind).is_key(id) || value.is_empty() {
                continue;
            }
            let key = (id, value.to_lowercase());
            if taken.contains(&key) {
                let property = portal.of(kind).schema.name(id).to_owned();
                let (tried, holder) = (first + 3, first);
                return Err(WriteError::Taken { kind, property, value, tried, holder }.into());
            }
            taken.push(key);
        }
    }
    Ok(())
}

fn create_one(call: &mut Call<'_>, kind: KindRef, input: &Value) -> Result<Value, Failure> {
    let (values, ties) = checked(call, kind, input)?;
    let id = store(call, kind, &values, &ties)?;
    whole(call, kind, id)
}

/// What one input of an update came to.
enum Updated {
    Done(Value),
    /// Merged away: HubSpot drops it without a word.
    Dropped,
    Missing(String),
    Refused(Value),
}

/// Two inputs for one record are refused together.
fn no_duplicates(inputs: &[Value]) -> Result<(), Failure> {
    let mut keys: Vec<String> = inputs.iter().map(|input| id_text(input).to_lowercase()).collect();
    keys.sort_unstable();
    if keys.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(Failure::invalid("Duplicate IDs found in batch input".to_owned()));
    }
    Ok(())
}

pub(crate) fn update(call: &mut Call<'_>, kind: KindRef, inputs: &[Value]) -> Result<Reply, Failure> {
    no_duplicates(inputs)?;
    let (mut results, mut errors, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        match update_one(call, kind, input)? {
            Updated::Done(json) => results.push(with_trace(json, input)),
            Updated::Dropped => {}
            Updated::Missing(key) => missing.push(key),
            Updated::Refused(error) => errors.push(error),
        }
    }
    errors.extend(missing_error(kind, &missing));
    Ok(complete(call, 200, results, errors))
}

fn update_one(call: &mut Call<'_>, kind: KindRef, input: &Value) -> Result<Updated, Failure> {
    let key = id_text(input);
    let values = property_values(input.get("properties"))?;
    let id_property = input.get("idProperty").and_then(Value::as_str);
    let id = match look_up(call, kind, &key, id_property, false) {
        Ok(record) => record.id,
        Err(Failure::NotFound | Failure::NotNumeric(_)) => return Ok(Updated::Missing(key)),
        Err(other) => return Err(other),
    };
    if id_property.is_none() && id.to_string() != key {
        return Ok(Updated::Dropped);
    }
    let written = unlucky(call).and_then(|()| write(call, kind, id, &values));
    Ok(match written {
        Ok(()) => Updated::Done(whole(call, kind, id)?),
        Err(Failure::Write(WriteError::NotFound)) => Updated::Missing(key),
        Err(failure) => Updated::Refused(match trace(input) {
            Some(trace) => item_error(failure, TRACE, trace),
            None => item_error(failure, "ids", &key),
        }),
    })
}

fn write(call: &mut Call<'_>, kind: KindRef, id: u64, values: &[(String, String)]) -> Result<(), Failure> {
    let values = call.portal().check_change(call.manner(), kind, id, values)?;
    let (portal, mut act) = call.act();
    Ok(portal.update(&mut act, kind, id, &values)?)
}

/// Creates or changes by a unique value, each input with its own `idProperty`. All or nothing for bad input.
pub(crate) fn upsert(call: &mut Call<'_>, kind: KindRef, inputs: &[Value]) -> Result<Reply, Failure> {
    no_duplicates(inputs)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        match upsert_one(call, kind, input) {
            Ok(json) => results.push(with_trace(json, input)),
            Err(failure) => match trace(input) {
                Some(trace) => errors.push(item_error(failure, TRACE, trace)),
                None => return Err(failure),
            },
        }
    }
    Ok(complete(call, 200, results, errors))
}

fn upsert_one(call: &mut Call<'_>, kind: KindRef, input: &Value) -> Result<Value, Failure> {
    if input.get("associations").is_some() {
        let message = "Invalid input JSON on line 1, column 1: Unrecognized field \"associations\"".to_owned();
        return Err(Failure::invalid(message));
    }
    let key = id_text(input);
    let name = input.get("idProperty").and_then(Value::as_str).filter(|name| *name != "hs_object_id");
    let Some(name) = name else {
        return Err(Failure::invalid("idProperty must name a property with unique values".to_owned()));
    };
    let property = key_property(call, kind, name)?;
    unlucky(call)?;
    let mut values = property_values(input.get("properties"))?;
    let found = match look_up(call, kind, &key, Some(name), false) {
        Ok(record) => Some(record.id),
        Err(Failure::NotFound) => None,
        Err(other) => return Err(other),
    };
    let id = match found {
        Some(id) => {
            if property == call.portal().of(kind).known.email && call.switches().email_upsert_clears {
                values.extend(left_out(call, kind, id, &values));
            }
            write(call, kind, id, &values)?;
            id
        }
        None => {
            if !values.iter().any(|(n, _)| n == name) {
                values.push((name.to_owned(), key));
            }
            let checked = call.portal().check_new(call.manner(), kind, &values)?;
            store(call, kind, &checked, &[])?
        }
    };
    let mut json = whole(call, kind, id)?;
    if let Some(map) = json.as_object_mut() {
        map.insert("new".to_owned(), json!(found.is_none()));
    }
    Ok(json)
}

/// What a client once set, and an upsert by e-mail does not name: it is cleared.
fn left_out(call: &Call<'_>, kind: KindRef, id: u64, given: &[(String, String)]) -> Vec<(String, String)> {
    let collection = call.portal().of(kind);
    let Some(record) = collection.records.get(&id) else { return Vec::new() };
    let by_client = |property: PropertyId| {
        let written = record.history.iter().rfind(|w| w.values.get(property).is_some());
        let source = written.and_then(|w| call.portal().provenance(w.by)).map(|p| p.source);
        source == Some("INTEGRATION")
    };
    let values =
        record.current.values.iter().filter_map(|(property, _)| collection.schema.get(property).map(|p| (property, p)));
    values
        .filter(|(_, p)| p.access == Access::Write && p.name != "email" && p.name != "lifecyclestage")
        .filter(|(_, p)| !given.iter().any(|(name, _)| *name == p.name))
        .filter(|(property, _)| by_client(*property))
        .map(|(_, p)| (p.name.clone(), String::new()))
        .collect()
}
