//! How a record is shown: the properties asked for, their history, its associations.

use serde_json::{Map, Value, json};

use super::Call;
use super::collection::{Collection, Record, Version};
use super::kinds::KindRef;
use super::portal::{PORTAL_ID, Portal};
use super::schema::PropertyId;
use crate::sim::clock::iso_millis;
use crate::sim::wire::Request;

/// Associated records of one kind that a read of one record shows; a list shows fewer.
pub(crate) const TIES_OF_ONE: usize = 500;
pub(crate) const TIES_IN_LIST: usize = 100;

/// What of a record an answer shows.
#[derive(Debug)]
pub(crate) struct Shown {
    ids: Vec<PropertyId>,
    history: Vec<PropertyId>,
    history_most: usize,
    cleared_is_empty: bool,
    /// Kinds whose associations are shown, and how many of each.
    ties: Vec<KindRef>,
    pub ties_most: usize,
}

impl Shown {
    /// The properties asked for; names that do not exist are ignored. Creation, last change and id come unasked.
    pub fn asked(call: &Call<'_>, kind: KindRef, properties: &[String], history: &[String]) -> Self {
        let schema = &call.portal().of(kind).schema;
        let id = |name: &str| schema.id(name);
        let mut ids: Vec<PropertyId> = if properties.is_empty() {
            kind.defaults.iter().filter_map(|name| id(name)).collect()
        } else {
            let always = [kind.created, kind.modified, "hs_object_id"];
            always.into_iter().chain(properties.iter().map(String::as_str)).filter_map(id).collect()
        };
        ids.sort_by(|a, b| schema.name(*a).cmp(schema.name(*b)));
        ids.dedup();
        let history = history.iter().filter_map(|name| id(name)).collect();
        let (history_most, cleared_is_empty) = (call.switches().history_shown, call.switches().cleared_reads_as_empty);
        Self { ids, history, history_most, cleared_is_empty, ties: Vec::new(), ties_most: TIES_OF_ONE }
    }

    pub fn of_request(call: &Call<'_>, kind: KindRef, request: &Request) -> Result<Self, super::Failure> {
        let (properties, history) = (request.list_param("properties"), request.list_param("propertiesWithHistory"));
        let mut shown = Self::asked(call, kind, &properties, &history);
        for name in request.list_param("associations") {
            shown.ties.push(call.kind(&name, false)?);
        }
        Ok(shown)
    }

    /// As `asked`, from the members of a JSON body.
    pub fn of_body(call: &Call<'_>, kind: KindRef, body: &Value) -> Self {
        Self::asked(call, kind, &strings(body.get("properties")), &strings(body.get("propertiesWithHistory")))
    }

    pub const fn has_history(&self) -> bool {
        !self.history.is_empty()
    }
}

pub(crate) fn strings(from: Option<&Value>) -> Vec<String> {
    let list = from.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The record as JSON, with the properties asked for; ones without a value are null.
pub(crate) fn show(portal: &Portal, kind: KindRef, record: &Record, version: &Version, shown: &Shown) -> Value {
    let collection = portal.of(kind);
    let mut properties = Map::new();
    for &id in &shown.ids {
        let value = collection.value(record, version, id).map_or_else(
            || if shown.cleared_is_empty && was_set(record, id) { json!("") } else { Value::Null },
            |v| Value::String(v.into_owned()),
        );
        properties.insert(collection.schema.name(id).to_owned(), value);
    }
    let mut json = envelope(kind, record, version, properties);
    let Some(map) = json.as_object_mut() else { return json };
    if !shown.history.is_empty() {
        let one = |id: &PropertyId| {
            (collection.schema.name(*id).to_owned(), history(portal, collection, record, *id, shown.history_most))
        };
        map.insert("propertiesWithHistory".to_owned(), Value::Object(shown.history.iter().map(one).collect()));
    }
    let ties: Map<String, Value> = shown.ties.iter().filter_map(|to| ties(portal, kind, record, to, shown)).collect();
    if !ties.is_empty() {
        map.insert("associations".to_owned(), Value::Object(ties));
    }
    json
}

fn was_set(record: &Record, id: PropertyId) -> bool {
    record.history.iter().any(|written| written.values.get(id).is_some())
}

/// As `show`, with every property that has a value: what creating and changing answer.
pub(crate) fn show_whole(portal: &Portal, kind: KindRef, record: &Record) -> Value {
    envelope(kind, record, &record.current, all_values(portal, kind, record))
}

/// Every property that has a value.
pub(crate) fn all_values(portal: &Portal, kind: KindRef, record: &Record) -> Map<String, Value> {
    let collection = portal.of(kind);
    let mut properties = Map::new();
    for id in collection.schema.alphabetical() {
        if let Some(value) = collection.value(record, &record.current, id) {
            properties.insert(collection.schema.name(id).to_owned(), Value::String(value.into_owned()));
        }
    }
    properties
}

fn envelope(kind: KindRef, record: &Record, version: &Version, properties: Map<String, Value>) -> Value {
    let mut json = json!({
        "id": record.id.to_string(),
        "properties": properties,
        "createdAt": iso_millis(record.created),
        "updatedAt": iso_millis(version.modified),
        "archived": record.archived_at.is_some(),
        "url": format!("https://app.hubspot.com/contacts/{PORTAL_ID}/record/{}/{}", kind.type_id, record.id),
    });
    if let (Some(at), Some(map)) = (record.archived_at, json.as_object_mut()) {
        map.insert("archivedAt".to_owned(), json!(iso_millis(at)));
    }
    json
}

/// Newest first; a value that nobody is known to have written came with an import.
fn history(portal: &Portal, collection: &Collection, record: &Record, id: PropertyId, most: usize) -> Value {
    let written = record.history.iter().rev().filter_map(|w| w.values.get(id).map(|value| (w, value)));
    let mut entries: Vec<Value> = written
        .take(most)
        .map(|(w, value)| {
            let by = portal.provenance(w.by);
            let mut entry = json!({
                "value": value, "timestamp": iso_millis(w.at), "sourceType": by.map(|p| p.source),
                "sourceId": by.map(|p| p.source_id.as_str()),
            });
            if let (Some(user), Some(map)) = (by.and_then(|p| p.user.as_ref()), entry.as_object_mut()) {
                map.insert("updatedByUserId".to_owned(), json!(user.parse::<u64>().unwrap_or(0)));
            }
            entry
        })
        .collect();
    if entries.is_empty()
        && let Some(value) = collection.value(record, &record.current, id)
    {
        entries.push(json!({
            "value": value, "timestamp": iso_millis(record.created), "sourceType": "IMPORT", "sourceId": "",
        }));
    }
    Value::Array(entries)
}

/// The associated records of one kind. A pair is told once per type: a label and, again, without any.
fn ties(portal: &Portal, kind: KindRef, record: &Record, to: &KindRef, shown: &Shown) -> Option<(String, Value)> {
    let mut others = portal.links.others(record.id, to, 0);
    let page: Vec<u64> = others.by_ref().take(shown.ties_most).collect();
    if page.is_empty() {
        return None;
    }
    let mut results = Vec::new();
    for other in page {
        for type_id in portal.links.of_pair(record.id, to, other) {
            results.push(json!({"id": other.to_string(), "type": type_name(portal, kind, to, type_id)}));
        }
    }
    let mut block = json!({ "results": results });
    if let (Some(next), Some(map)) = (others.next(), block.as_object_mut()) {
        map.insert("paging".to_owned(), json!({"next": {"after": next.to_string()}}));
    }
    Some((to.plural().replace('_', " "), block))
}

/// `contact_to_company`, `contact_to_company_unlabeled`, or the label in small letters.
fn type_name(portal: &Portal, from: KindRef, to: KindRef, type_id: u16) -> String {
    let plain = format!("{}_to_{}", from.singular(), to.singular());
    let Some(known) = portal.links.get_type(type_id) else { return plain };
    let has_primary = portal.links.primary(from, to).is_some();
    match &known.label {
        Some(_) if known.is_primary() => plain,
        Some(label) => label.to_lowercase().replace(' ', "_"),
        None if has_primary => format!("{plain}_unlabeled"),
        None => plain,
    }
}
