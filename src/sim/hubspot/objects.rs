//! Single companies and their list: get, create, change, archive, merge, and how a record is shown.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::portal::{PORTAL_ID, Portal, Record, Version};
use super::schema::PropertyId;
use super::{Call, Failure, batch, next_page, property_values, search};
use crate::sim::clock::iso_millis;
use crate::sim::wire::{Reply, Request};

const DEFAULTS: [&str; 5] = ["name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"];
const ALWAYS: [&str; 3] = ["createdate", "hs_lastmodifieddate", "hs_object_id"];
/// Entries of a property's history that are shown.
const HISTORY_SHOWN: usize = 20;

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => list(&call),
        (Method::POST, []) => create(&mut call),
        (Method::POST, ["search"]) => search::serve(&call),
        (Method::POST, ["merge"]) => merge(&mut call),
        (Method::POST, ["batch", what]) => batch::serve(&mut call, what),
        (Method::GET, [id]) => get(&call, id),
        (Method::PATCH, [id]) => patch(&mut call, id),
        (Method::DELETE, [id]) => archive(&mut call, id),
        _ => Err(Failure::NoRoute),
    }
}

/// Which properties of a record an answer shows.
pub(crate) struct Shown {
    ids: Vec<PropertyId>,
    history: Vec<PropertyId>,
}

impl Shown {
    /// The properties asked for; names that do not exist are ignored.
    pub fn asked(portal: &Portal, properties: &[String], history: &[String]) -> Self {
        let id = |name: &str| portal.schema.id(name);
        let mut ids: Vec<PropertyId> = if properties.is_empty() {
            DEFAULTS.iter().filter_map(|name| id(name)).collect()
        } else {
            ALWAYS.iter().copied().chain(properties.iter().map(String::as_str)).filter_map(id).collect()
        };
        ids.sort_unstable();
        ids.dedup();
        Self { ids, history: history.iter().filter_map(|name| id(name)).collect() }
    }

    pub fn of_request(portal: &Portal, request: &Request) -> Self {
        Self::asked(portal, &request.list_param("properties"), &request.list_param("propertiesWithHistory"))
    }

    /// As `asked`, from the members of a JSON body.
    pub fn of_body(portal: &Portal, body: &Value) -> Self {
        Self::asked(portal, &strings(body.get("properties")), &strings(body.get("propertiesWithHistory")))
    }
}

pub(crate) fn strings(from: Option<&Value>) -> Vec<String> {
    let list = from.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The record as JSON, with the properties asked for; ones without a value are null.
pub(crate) fn show(portal: &Portal, record: &Record, version: &Version, shown: &Shown) -> Value {
    let mut properties = Map::new();
    for &id in &shown.ids {
        let value = portal.value(record, version, id).map_or(Value::Null, |v| Value::String(v.into_owned()));
        properties.insert(portal.schema.name(id).to_owned(), value);
    }
    let mut json = envelope(record, version, properties);
    if !shown.history.is_empty()
        && let Some(map) = json.as_object_mut()
    {
        let all: Map<String, Value> =
            shown.history.iter().map(|id| (portal.schema.name(*id).to_owned(), history(portal, record, *id))).collect();
        map.insert("propertiesWithHistory".to_owned(), Value::Object(all));
    }
    json
}

/// As `show`, with every property that has a value: what creating and changing answer.
pub(crate) fn show_whole(portal: &Portal, record: &Record) -> Value {
    envelope(record, &record.current, all_values(portal, record))
}

/// Every property that has a value.
pub(crate) fn all_values(portal: &Portal, record: &Record) -> Map<String, Value> {
    let mut properties = Map::new();
    for id in 0..PropertyId::try_from(portal.schema.properties.len()).unwrap_or(PropertyId::MAX) {
        if let Some(value) = portal.value(record, &record.current, id) {
            properties.insert(portal.schema.name(id).to_owned(), Value::String(value.into_owned()));
        }
    }
    properties
}

fn envelope(record: &Record, version: &Version, properties: Map<String, Value>) -> Value {
    let mut json = json!({
        "id": record.id.to_string(),
        "properties": properties,
        "createdAt": iso_millis(record.created),
        "updatedAt": iso_millis(version.modified),
        "archived": record.archived_at.is_some(),
        "url": format!("https://app.hubspot.com/contacts/{PORTAL_ID}/record/0-2/{}", record.id),
    });
    if let (Some(at), Some(map)) = (record.archived_at, json.as_object_mut()) {
        map.insert("archivedAt".to_owned(), json!(iso_millis(at)));
    }
    json
}

fn history(portal: &Portal, record: &Record, id: PropertyId) -> Value {
    let mut entries: Vec<Value> = record
        .history
        .iter()
        .rev()
        .filter(|c| c.property == id)
        .take(HISTORY_SHOWN)
        .map(|c| {
            let mut entry = json!({
                "value": c.value, "timestamp": iso_millis(c.at), "sourceType": c.source, "sourceId": c.source_id,
            });
            if let (Some(user), Some(map)) = (&c.user, entry.as_object_mut()) {
                map.insert("updatedByUserId".to_owned(), json!(user.parse::<u64>().unwrap_or(0)));
            }
            entry
        })
        .collect();
    if entries.is_empty()
        && let Some(value) = portal.value(record, &record.current, id)
    {
        entries.push(json!({
            "value": value, "timestamp": iso_millis(record.created), "sourceType": "IMPORT", "sourceId": "",
        }));
    }
    Value::Array(entries)
}

/// A record by its id or, with `idProperty`, by a unique value. Merged ids lead to the survivor.
pub(crate) fn look_up<'a>(
    portal: &'a Portal,
    key: &str,
    id_property: Option<&str>,
    archived: bool,
) -> Result<&'a Record, Failure> {
    let record = match id_property {
        None | Some("hs_object_id") => match key.parse::<u64>() {
            Ok(id) => portal.find(id),
            Err(_) => return Err(Failure::NotNumeric(key.to_owned())),
        },
        Some(name) => {
            let id = unique_property(portal, name)?;
            if archived { archived_by_value(portal, id, key) } else { portal.find_unique(id, key) }
        }
    };
    record.filter(|r| r.archived_at.is_some() == archived).ok_or(Failure::NotFound)
}

fn unique_property(portal: &Portal, name: &str) -> Result<PropertyId, Failure> {
    let id = portal.schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    if portal.schema.get(id).is_some_and(|p| p.unique) {
        Ok(id)
    } else {
        Err(Failure::invalid(format!(
            "Property '{name}' does not have unique values and cannot be used as idProperty."
        )))
    }
}

fn archived_by_value<'a>(portal: &'a Portal, id: PropertyId, key: &str) -> Option<&'a Record> {
    let has = |r: &&Record| r.current.get(id).is_some_and(|v| v.eq_ignore_ascii_case(key));
    portal.records.values().filter(|r| r.archived_at.is_some()).find(has)
}

fn is_archived(request: &Request) -> bool {
    request.param("archived") == Some("true")
}

fn get(call: &Call<'_>, id: &str) -> Result<Reply, Failure> {
    let portal = &call.world.hubspot;
    let record = look_up(portal, id, call.request.param("idProperty"), is_archived(call.request))?;
    let shown = Shown::of_request(portal, call.request);
    Ok(Reply::json(200, &show(portal, record, &record.current, &shown)))
}

fn list(call: &Call<'_>) -> Result<Reply, Failure> {
    let request = call.request;
    let asked = request.param("limit").map(|t| t.parse().unwrap_or(-1));
    let limit = call.page_limit(asked, 10, 100)?;
    let after = match request.param("after") {
        None | Some("") => 0,
        Some(text) => text.parse::<u64>().map_err(|_| Failure::invalid(format!("Invalid after: {text}")))?,
    };
    let portal = &call.world.hubspot;
    let archived = is_archived(request);
    let shown = Shown::of_request(portal, request);
    let mut rows = portal.records.range(after..).filter(|(_, r)| r.archived_at.is_some() == archived);
    let results: Vec<Value> = rows.by_ref().take(limit).map(|(_, r)| show(portal, r, &r.current, &shown)).collect();
    let mut body = json!({ "results": results });
    if let (Some((next, _)), Some(map)) = (rows.next(), body.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&next.to_string(), request));
    }
    Ok(Reply::json(200, &body))
}

/// Companies need a name or a domain.
pub(crate) fn require_name(values: &[(String, String)]) -> Result<(), Failure> {
    let named = values.iter().any(|(n, v)| (n == "name" || n == "domain") && !v.trim().is_empty());
    if named {
        Ok(())
    } else {
        Err(Failure::invalid(
            "Error creating COMPANY. Some required properties were not set: name or domain.".to_owned(),
        ))
    }
}

fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let values = property_values(body.get("properties"))?;
    require_name(&values)?;
    let (portal, mut act) = call.act();
    let values = portal.check(&values)?;
    let id = portal.create(&mut act, &values)?;
    let reply = Reply::json(201, &show_whole(portal, record_of(portal, id)?));
    let location = format!("http://{}{}/{id}", call.request.host(), call.request.path);
    Ok(reply.with("location", location))
}

fn record_of(portal: &Portal, id: u64) -> Result<&Record, Failure> {
    portal.find(id).ok_or(Failure::NotFound)
}

fn patch(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let values = property_values(body.get("properties"))?;
    let id = look_up(&call.world.hubspot, id, call.request.param("idProperty"), false)?.id;
    let (portal, mut act) = call.act();
    let values = portal.check(&values)?;
    portal.update(&mut act, id, &values)?;
    Ok(Reply::json(200, &show_whole(portal, record_of(portal, id)?)))
}

fn archive(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let id: u64 = id.parse().map_err(|_| Failure::NotNumeric(id.to_owned()))?;
    let (portal, mut act) = call.act();
    let id = portal.resolve(id);
    portal.archive(&mut act, id);
    Ok(Reply::empty(204))
}

fn merge(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let ids: BTreeMap<&str, Option<u64>> = ["primaryObjectId", "objectIdToMerge"]
        .into_iter()
        .map(|name| (name, body.get(name).and_then(Value::as_str).and_then(|t| t.parse().ok())))
        .collect();
    let (Some(Some(primary)), Some(Some(other))) = (ids.get("primaryObjectId"), ids.get("objectIdToMerge")) else {
        return Err(Failure::invalid("primaryObjectId and objectIdToMerge are required".to_owned()));
    };
    let (primary, other) = (*primary, *other);
    let (portal, mut act) = call.act();
    let survivor = portal.merge(&mut act, primary, other)?;
    Ok(Reply::json(200, &show_whole(portal, record_of(portal, survivor)?)))
}
