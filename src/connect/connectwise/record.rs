//! ConnectWise's JSON to records and back.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use super::fields;
use crate::engine::core::request::{Rejection, RejectionKind};
use crate::model::{FieldKind, FieldName, Fields, Record, RecordId, Timestamp, Value};

/// The id of the user-defined field that a name stands for.
pub(super) fn custom_id(name: &FieldName) -> Option<u64> {
    name.as_str().strip_prefix("customFields/")?.parse().ok()
}

/// # Errors
/// What is missing for a record, in a few words.
pub(super) fn record(json: &Json, wanted: &[FieldName], stamp: Option<&FieldName>) -> Result<Record, String> {
    let id = json.get("id").and_then(id).ok_or("a record has no usable id")?;
    let info = |name: &str| json.get("_info").and_then(|info| info.get(name)).and_then(Json::as_str);
    let modified = info("lastUpdated")
        .and_then(Timestamp::parse_rfc3339)
        .ok_or_else(|| format!("record {id} has no date of change"))?;
    let mut fields = Fields::new();
    for name in wanted {
        let value = field(json, name);
        if !value.is_empty() {
            fields.insert(name.clone(), value);
        }
    }
    Ok(Record {
        id,
        modified,
        archived: json.get("deletedFlag").and_then(Json::as_bool).unwrap_or(false),
        fields,
        stamp: stamp.map(|name| field(json, name)).filter(|value| !value.is_empty()).map(|value| value.to_plain()),
        merged: Vec::new(),
        modified_by: info("updatedBy").map(str::to_owned),
    })
}

fn field(json: &Json, name: &FieldName) -> Value {
    let Some(custom) = custom_id(name) else { return json.get(name.as_str()).map_or(Value::Empty, value) };
    let items = json.get("customFields").and_then(Json::as_array).into_iter().flatten();
    let item = items.into_iter().find(|item| item.get("id").and_then(id) == Some(RecordId(custom)));
    item.and_then(|item| item.get("value")).map_or(Value::Empty, value)
}

pub(super) fn id(json: &Json) -> Option<RecordId> {
    match json {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.as_u64().map(RecordId),
        _ => None,
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Empty,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => {
            let text = number.to_string();
            let parsed = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
            parsed.map_or(Value::Text(text), Value::Number)
        }
        Json::String(text) => Value::text(text.clone()),
        // An empty reference may come as `{}` or with nothing but `_info`.
        Json::Object(reference) => {
            reference.get("id").and_then(id).map_or(Value::Empty, |id| Value::Choice(id.to_string()))
        }
        Json::Array(list) => {
            let ids = list.iter().filter_map(|one| one.get("id").and_then(id));
            let mut keys: Vec<String> = ids.map(|id| id.to_string()).collect();
            keys.sort();
            keys.dedup();
            if keys.is_empty() { Value::Empty } else { Value::Choices(keys) }
        }
    }
}

/// A value as ConnectWise takes it. `Empty` gives null.
pub(super) fn json(name: &FieldName, value: &Value) -> Result<Json, Rejection> {
    let refers = matches!(fields::kind(name.as_str()), Some(FieldKind::Choice | FieldKind::Person));
    Ok(match value {
        Value::Empty => Json::Null,
        Value::Text(text) => json!(text),
        Value::Number(number) => number_json(*number),
        Value::Bool(flag) => json!(flag),
        Value::Date(date) => json!(format!("{date}T00:00:00Z")),
        Value::DateTime(time) => json!(time.floor_to_second().to_rfc3339()),
        Value::Choice(key) if custom_id(name).is_some() => json!(key),
        Value::Choice(key) => match key.parse::<u64>() {
            Ok(id) => json!({ "id": id }),
            Err(_) if refers => return Err(invalid(name, format!("`{key}` is not the id of a row in ConnectWise."))),
            Err(_) => json!(key),
        },
        Value::Choices(keys) => {
            let ids = keys.iter().map(|key| key.parse::<u64>().map(|id| json!({ "id": id })));
            let ids: Result<Vec<Json>, _> = ids.collect();
            Json::Array(ids.map_err(|_| invalid(name, "A key is not the id of a row in ConnectWise.".to_owned()))?)
        }
    })
}

fn number_json(number: Decimal) -> Json {
    let text = number.normalize().to_string();
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

pub(super) fn invalid(name: &FieldName, message: String) -> Rejection {
    Rejection { kind: RejectionKind::Invalid, message, field: Some(name.to_string()) }
}

/// The body of a create.
pub(super) fn create(values: &[(FieldName, Value)], stamp: Option<(&FieldName, &str)>) -> Result<Json, Rejection> {
    let mut body = Map::new();
    let mut custom = Vec::new();
    for (name, value) in values {
        match custom_id(name) {
            Some(id) => custom.push(json!({ "id": id, "value": json(name, value)? })),
            None => drop(body.insert(name.as_str().to_owned(), json(name, value)?)),
        }
    }
    if !custom.is_empty() {
        body.insert("customFields".to_owned(), Json::Array(custom));
    }
    if let Some((name, stamp)) = stamp {
        body.insert(name.as_str().to_owned(), json!(stamp));
    }
    // Without a site a create is refused: "Company Site name is required."
    body.entry("site").or_insert_with(|| json!({ "name": "Main" }));
    Ok(Json::Object(body))
}

/// The operations of an update. `custom` is the record's present array of user-defined fields, where one changes.
pub(super) fn patch(values: &[(FieldName, Value)], custom: Option<&[Json]>) -> Result<Json, Rejection> {
    let mut operations = Vec::new();
    for (name, value) in values.iter().filter(|(name, _)| custom_id(name).is_none()) {
        if name.as_str() == "types" {
            return Err(invalid(name, "ConnectWise takes company types only when the company is created.".to_owned()));
        }
        operations.push(operation(name, value)?);
    }
    if values.iter().any(|(name, _)| custom_id(name).is_some()) {
        let array = custom_array(values, custom.unwrap_or_default())?;
        operations.push(json!({ "op": "replace", "path": "customFields", "value": array }));
    }
    Ok(Json::Array(operations))
}

fn operation(name: &FieldName, value: &Value) -> Result<Json, Rejection> {
    let is_text = matches!(
        fields::kind(name.as_str()),
        Some(FieldKind::Text | FieldKind::LongText | FieldKind::Phone | FieldKind::Url)
    );
    Ok(match value {
        Value::Empty if is_text => json!({ "op": "replace", "path": name.as_str(), "value": "" }),
        Value::Empty => json!({ "op": "remove", "path": name.as_str() }),
        value => json!({ "op": "replace", "path": name.as_str(), "value": json(name, value)? }),
    })
}

/// The whole array, with the new values in it: ConnectWise documents a partial one as refused.
fn custom_array(values: &[(FieldName, Value)], present: &[Json]) -> Result<Vec<Json>, Rejection> {
    let mut array: Vec<(u64, Json)> = present
        .iter()
        .filter_map(|item| Some((item.get("id").and_then(id)?.0, item.get("value").cloned().unwrap_or(Json::Null))))
        .collect();
    for (name, value) in values {
        let Some(wanted) = custom_id(name) else { continue };
        let new = json(name, value)?;
        match array.iter_mut().find(|(id, _)| *id == wanted) {
            Some((_, held)) => *held = new,
            None => array.push((wanted, new)),
        }
    }
    Ok(array.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;

    #[test]
    fn shapes_become_values() {
        let fields: Vec<FieldName> =
            ["name", "status", "market", "annualRevenue", "leadFlag", "city", "types", "customFields/12"]
                .into_iter()
                .map(FieldName::from)
                .collect();
        let stamp = FieldName::new("userDefinedField10");
        let body = json!({"id": 7, "name": "Acme", "status": {"id": 3, "name": "Active"}, "market": {}, "city": null,
            "annualRevenue": 12.50, "leadFlag": false, "types": [{"id": 9}, {"id": "2"}], "deletedFlag": true,
            "customFields": [{"id": 12, "value": "x"}], "userDefinedField10": "company:4",
            "_info": {"lastUpdated": "2026-06-09T21:59:49Z", "updatedBy": "api"}});
        let record = record(&body, &fields, Some(&stamp)).unwrap();
        assert!(record.archived);
        assert_eq!(record.stamp.as_deref(), Some("company:4"));
        assert_eq!(record.value("status"), &Value::Choice("3".into()));
        assert_eq!(record.value("market"), &Value::Empty);
        assert_eq!(record.value("annualRevenue"), &Value::Number(Decimal::from_str("12.5").unwrap()));
        assert_eq!(record.value("leadFlag"), &Value::Bool(false));
        assert_eq!(record.value("types"), &Value::Choices(vec!["2".into(), "9".into()]));
        assert_eq!(record.value("customFields/12"), &Value::Text("x".into()));
    }

    #[test]
    fn a_patch_replaces_whole_references_and_clears_by_kind() {
        let values: Vec<(FieldName, Value)> = vec![
            ("status".into(), Value::Choice("3".into())),
            ("city".into(), Value::Empty),
            ("market".into(), Value::Empty),
            ("dateAcquired".into(), Value::Date(jiff::civil::date(2026, 1, 2))),
            ("annualRevenue".into(), Value::Number(Decimal::from(5))),
            ("customFields/2".into(), Value::Text("new".into())),
        ];
        let held = [json!({"id": 1, "value": "a"}), json!({"id": 2, "value": "b"})];
        assert_eq!(
            patch(&values, Some(&held)).unwrap(),
            json!([
                {"op": "replace", "path": "status", "value": {"id": 3}},
                {"op": "replace", "path": "city", "value": ""},
                {"op": "remove", "path": "market"},
                {"op": "replace", "path": "dateAcquired", "value": "2026-01-02T00:00:00Z"},
                {"op": "replace", "path": "annualRevenue", "value": 5},
                {"op": "replace", "path": "customFields", "value": [{"id": 1, "value": "a"}, {"id": 2, "value": "new"}]},
            ])
        );
        assert!(patch(&[("types".into(), Value::Choices(vec!["1".into()]))], None).is_err());
        assert!(patch(&[("status".into(), Value::Choice("Active".into()))], None).is_err());
    }

    #[test]
    fn a_create_carries_site_and_stamp() {
        let stamp = FieldName::new("userDefinedField10");
        let body = create(&[("name".into(), Value::Text("A".into()))], Some((&stamp, "company:1"))).unwrap();
        assert_eq!(body, json!({"name": "A", "site": {"name": "Main"}, "userDefinedField10": "company:1"}));
    }
}
