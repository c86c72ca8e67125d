//! The definitions of company properties and their groups.

use axum::http::Method;
use serde_json::{Value, json};

use super::schema::{Access, Choice, Property};
use super::{Call, Failure};
use crate::sim::wire::Reply;

/// Property types and the field types that go with them.
const PAIRS: [(&str, &[&str]); 7] = [
    ("string", &["text", "textarea", "file", "html", "phonenumber", "calculation_equation"]),
    ("phone_number", &["phonenumber"]),
    ("number", &["number", "calculation_equation"]),
    ("date", &["date"]),
    ("datetime", &["date"]),
    ("enumeration", &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"]),
    ("bool", &["booleancheckbox", "calculation_equation"]),
];
/// Unique properties per object.
const MOST_UNIQUE: usize = 10;

pub(crate) fn serve(call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => Ok(list(&call)),
        (Method::POST, []) => create(call),
        (Method::GET, ["groups"]) => {
            let groups: Vec<Value> = call.world.hubspot.schema.groups.iter().map(group).collect();
            Ok(Reply::json(200, &json!({ "results": groups })))
        }
        (Method::POST, ["groups"]) => create_group(call),
        (Method::GET, ["groups", name]) => {
            let found = call.world.hubspot.schema.groups.iter().find(|(n, _)| n == name);
            found.map(|g| Reply::json(200, &group(g))).ok_or(Failure::NotFound)
        }
        (Method::GET, [name]) => get(&call, name),
        (Method::PATCH, [name]) => patch(call, name),
        (Method::DELETE, [name]) => archive(call, name),
        _ => Err(Failure::NoRoute),
    }
}

fn list(call: &Call<'_>) -> Reply {
    let archived = call.request.param("archived") == Some("true");
    let properties = &call.world.hubspot.schema.properties;
    let shown: Vec<Value> = properties.iter().filter(|p| p.archived == archived).map(Property::definition).collect();
    Reply::json(200, &json!({ "results": shown }))
}

fn get(call: &Call<'_>, name: &str) -> Result<Reply, Failure> {
    let schema = &call.world.hubspot.schema;
    let property = schema.id(name).and_then(|id| schema.get(id));
    property.map(|p| Reply::json(200, &p.definition())).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))
}

fn group((name, label): &(String, String)) -> Value {
    json!({"name": name, "label": label, "displayOrder": -1, "archived": false})
}

fn text(body: &Value, member: &str) -> Option<String> {
    body.get(member).and_then(Value::as_str).map(str::to_owned).filter(|t| !t.is_empty())
}

fn required(body: &Value, member: &str) -> Result<String, Failure> {
    text(body, member).ok_or_else(|| {
        Failure::invalid(format!(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [{member}]"
        ))
    })
}

fn create_group(call: Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let new = (required(&body, "name")?, required(&body, "label")?);
    let groups = &mut call.world.hubspot.schema.groups;
    if groups.iter().any(|(name, _)| *name == new.0) {
        return Err(Failure::PropertyExists(new.0));
    }
    groups.push(new.clone());
    Ok(Reply::json(201, &group(&new)))
}

fn choices(body: &Value) -> Option<Vec<Choice>> {
    let options = body.get("options")?.as_array()?;
    let choice = |o: &Value| {
        let value = text(o, "value")?;
        let hidden = o.get("hidden").and_then(Value::as_bool).unwrap_or(false);
        Some(Choice { label: text(o, "label").unwrap_or_else(|| value.clone()), value, hidden })
    };
    Some(options.iter().filter_map(choice).collect())
}

fn create(call: Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let name = required(&body, "name")?;
    let (kind, field_type) = (required(&body, "type")?, required(&body, "fieldType")?);
    let group = required(&body, "groupName")?;
    let label = required(&body, "label")?;
    let unique = body.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false);
    let schema = &mut call.world.hubspot.schema;
    check_new(&name, &kind, &field_type)?;
    if !schema.groups.iter().any(|(n, _)| *n == group) {
        return Err(Failure::invalid(format!("Property group '{group}' does not exist")));
    }
    if let Some(old) = schema.any_id(&name).and_then(|id| schema.get_mut(id)) {
        if !old.archived {
            return Err(Failure::PropertyExists(name));
        }
        old.archived = false;
        return Ok(Reply::json(201, &old.definition()));
    }
    if unique && schema.properties.iter().filter(|p| p.unique).count() >= MOST_UNIQUE {
        return Err(Failure::invalid(format!("Only {MOST_UNIQUE} unique properties are allowed per object type")));
    }
    let mut property = Property::text(&name, &label, unique, call.now);
    property.kind = kind;
    property.field_type = field_type;
    property.group = group;
    property.description = text(&body, "description").unwrap_or_default();
    property.options = choices(&body).unwrap_or_default();
    property.access = Access::Write;
    let definition = property.definition();
    schema.add(property);
    Ok(Reply::json(201, &definition))
}

fn check_new(name: &str, kind: &str, field_type: &str) -> Result<(), Failure> {
    let fits = PAIRS.iter().any(|(k, fields)| *k == kind && fields.contains(&field_type));
    if !fits {
        return Err(Failure::invalid(format!("Property type '{kind}' is not valid with field type '{field_type}'")));
    }
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_plain && name.len() <= 100 {
        Ok(())
    } else {
        Err(Failure::invalid(format!("Property name '{name}' must be lower-case letters, digits and underscores")))
    }
}

fn patch(call: Call<'_>, name: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let schema = &mut call.world.hubspot.schema;
    let id = schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    let property = schema.get_mut(id).ok_or(Failure::NotFound)?;
    if let Some(label) = text(&body, "label") {
        property.label = label;
    }
    if let Some(description) = text(&body, "description") {
        property.description = description;
    }
    if let Some(options) = choices(&body) {
        property.options = options;
    }
    Ok(Reply::json(200, &property.definition()))
}

fn archive(call: Call<'_>, name: &str) -> Result<Reply, Failure> {
    let schema = &mut call.world.hubspot.schema;
    let id = schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    let property = schema.get_mut(id).ok_or(Failure::NotFound)?;
    if property.standard {
        return Err(Failure::invalid(format!("Property '{name}' is defined by HubSpot and cannot be archived")));
    }
    property.archived = true;
    Ok(Reply::empty(204))
}
