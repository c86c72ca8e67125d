//! `/company/contacts/{id}/communications`: the communication items of a contact, one by one and by their own ids.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::apart;
use super::entity::Entity;
use super::permits;
use super::record::{Item, Record};
use super::resource::{self, Place};
use super::{Call, Failure, listing};
use crate::sim::ledger::Verb;
use crate::sim::wire::Reply;

const ENTITY: Entity = Entity::Contact;
const TITLE: &str = "Contact Communication";

pub(crate) fn serve(call: &mut Call<'_>, contact: u32, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit(permits::CONTACTS)?;
    let record = resource::find(call, Place::all(ENTITY), contact)?.clone();
    match (call.request.method.clone(), rest) {
        (Method::GET, _) => {
            let rows = record.items.iter().map(|item| shown(call, contact, item)).collect();
            listing::rows_of(call, rows, TITLE, rest)
        }
        (Method::POST, []) => {
            let body = call.body()?;
            let id = write(call, record, None, &body)?;
            answer(call, 201, contact, id)
        }
        (method, [id]) => {
            let id: u32 = id.parse().map_err(|_| Failure::NoRoute)?;
            let known = record.items.iter().find(|item| item.id == id).cloned();
            let known = known.ok_or_else(|| Failure::NotFound { what: TITLE, id: id.to_string() })?;
            match method {
                Method::PATCH => {
                    let change = merged(&call.body()?)?;
                    write(call, record, Some(known), &change)?;
                    answer(call, 200, contact, id)
                }
                Method::PUT => {
                    // A full replacement: what is not sent has no value.
                    let body = call.body()?;
                    let blank = Item { extension: None, default: false, ..known };
                    write(call, record, Some(blank), &body)?;
                    answer(call, 200, contact, id)
                }
                Method::DELETE => {
                    let mut record = record;
                    record.items.retain(|item| item.id != id);
                    store(call, record)?;
                    Ok(Reply::empty(204))
                }
                _ => Err(Failure::NoVerb),
            }
        }
        _ => Err(Failure::NoRoute),
    }
}

/// The operations of a PATCH as one object of changes.
fn merged(body: &Value) -> Result<Value, Failure> {
    let Some(operations) = body.as_array() else {
        return Err(Failure::Plain {
            code: "InvalidObject",
            message: "The request body must be an array of patch operations.".to_owned(),
        });
    };
    let mut changes = Map::new();
    for operation in operations {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let value =
            if text("op") == "remove" { json!("") } else { operation.get("value").cloned().unwrap_or_default() };
        let path = text("path").trim_start_matches('/');
        // As everywhere, a path into a reference is a success that changes nothing.
        if !path.contains('/') {
            changes.insert(path.to_owned(), value);
        }
    }
    Ok(Value::Object(changes))
}

fn write(call: &mut Call<'_>, mut record: Record, known: Option<Item>, sent: &Value) -> Result<u32, Failure> {
    let (tenant, act) = call.act();
    let item = apart::read_item(tenant, &act.behaviour.connectwise, known, sent)?;
    let id = item.id;
    match record.items.iter_mut().find(|known| known.id == id) {
        Some(slot) => *slot = item,
        None => record.items.push(item),
    }
    store(call, record)?;
    Ok(id)
}

/// Stores the contact with its changed items. Whether that moves the contact's own stamp is a switch.
fn store(call: &mut Call<'_>, record: Record) -> Result<(), Failure> {
    let (tenant, mut act) = call.act();
    let id = record.id;
    let stamps = tenant.find(ENTITY, id).map(|before| before.stamps.clone());
    tenant.replace(&mut act, ENTITY, record, Verb::Update)?;
    if !act.behaviour.connectwise.child_touches_parent
        && let Some((stamps, mut stored)) = stamps.zip(tenant.find(ENTITY, id).cloned())
    {
        stored.stamps = stamps;
        tenant.insert(ENTITY, stored);
    }
    Ok(())
}

fn shown(call: &Call<'_>, contact: u32, item: &Item) -> Value {
    let mut json = call.eyes().item(item);
    if let Some(map) = json.as_object_mut() {
        map.insert("contactId".to_owned(), json!(contact));
    }
    json
}

fn answer(call: &Call<'_>, status: u16, contact: u32, id: u32) -> Result<Reply, Failure> {
    let record = resource::find(call, Place::all(ENTITY), contact)?;
    let item = record.items.iter().find(|item| item.id == id);
    let item = item.ok_or_else(|| Failure::NotFound { what: TITLE, id: id.to_string() })?;
    Ok(Reply::json(status, &listing::partial(call, shown(call, contact, item))))
}
