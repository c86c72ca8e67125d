//! The definitions of properties: list, read, create, change, archive, in batches, and administrators' rules on them.

use axum::http::Method;
use serde_json::{Value, json};

use super::account::MOST_CUSTOM;
use super::kinds::KindRef;
use super::schema::{Access, Choice, Property, Rule, Schema};
use super::{Call, Failure, property_groups};
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
/// Properties in one batch.
const MOST_AT_ONCE: usize = 100;
/// Unique properties per object.
const MOST_UNIQUE: usize = 10;
/// Objects whose properties can be unique.
const UNIQUE_KINDS: [&str; 4] = ["contacts", "companies", "deals", "tickets"];

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let (name, rest) = rest.split_first().ok_or(Failure::NoRoute)?;
    let reads = call.request.method == Method::GET || rest == ["batch", "read"];
    let kind = call.schema_kind(name, !reads)?;
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => list(&call, kind),
        (Method::POST, []) => {
            let body = call.body()?;
            create(&mut call, kind, &body).map(|definition| Reply::json(201, &definition))
        }
        (_, ["groups", rest @ ..]) => property_groups::serve(&mut call, kind, rest),
        (Method::POST, ["batch", "read"]) => batch(&mut call, kind, 200, read_named),
        (Method::POST, ["batch", "create"]) => batch(&mut call, kind, 201, create),
        (Method::POST, ["batch", "archive"]) => archive_named(&mut call, kind),
        (Method::GET, [name]) => get(&call, kind, name),
        (Method::PATCH, [name]) => patch(&mut call, kind, name),
        (Method::DELETE, [name]) => archive(&mut call, kind, name).map(|()| Reply::empty(204)),
        _ => Err(Failure::NoRoute),
    }
}

fn definition(call: &Call<'_>, property: &Property) -> Value {
    property.definition(call.switches().doubtful_is_read_only, &call.portal().currencies)
}

/// No pages: all of them at once.
fn list(call: &Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let archived = call.flag("archived")?;
    let plain = call.request.param("dataSensitivity").is_none_or(|s| s.is_empty() || s == "non_sensitive");
    let properties = call.portal().of(kind).schema.properties.iter();
    let shown = properties.filter(|p| plain && p.archived_at.is_some() == archived).map(|p| definition(call, p));
    Ok(Reply::json(200, &json!({"results": shown.collect::<Vec<_>>()})))
}

fn get(call: &Call<'_>, kind: KindRef, name: &str) -> Result<Reply, Failure> {
    let schema = &call.portal().of(kind).schema;
    let archived = call.flag("archived")?;
    let found = schema.any_id(name).and_then(|id| schema.get(id)).filter(|p| p.archived_at.is_some() == archived);
    let found = found.ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    Ok(Reply::json(200, &definition(call, found)))
}

pub(crate) fn text(body: &Value, member: &str) -> Option<String> {
    body.get(member).and_then(Value::as_str).map(str::to_owned).filter(|t| !t.is_empty())
}

pub(crate) fn required(body: &Value, member: &str) -> Result<String, Failure> {
    text(body, member).ok_or_else(|| {
        Failure::invalid(format!(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [{member}]"
        ))
    })
}

/// The options of a body; none when it names none. Two options cannot share a value.
fn choices(body: &Value) -> Result<Option<Vec<Choice>>, Failure> {
    let Some(options) = body.get("options").and_then(Value::as_array) else { return Ok(None) };
    let mut choices: Vec<Choice> = Vec::with_capacity(options.len());
    for (index, option) in options.iter().enumerate() {
        let (value, label) = (required(option, "value")?, required(option, "label")?);
        if choices.iter().any(|c| c.value == value || c.label == label) {
            return Err(Failure::invalid(format!("Property option '{value}' is there twice, by value or by label")));
        }
        let hidden = option.get("hidden").and_then(Value::as_bool).unwrap_or(false);
        let place = i64::try_from(index).unwrap_or(-1);
        let order = option.get("displayOrder").and_then(Value::as_i64).unwrap_or(place);
        let description = text(option, "description").unwrap_or_default();
        choices.push(Choice { value, label, description, order, hidden });
    }
    Ok(Some(choices))
}

/// A new property; one that was archived under the name comes back as it was.
fn create(call: &mut Call<'_>, kind: KindRef, body: &Value) -> Result<Value, Failure> {
    let name = required(body, "name")?;
    let (value_type, field_type) = (required(body, "type")?, required(body, "fieldType")?);
    let (group, label) = (required(body, "groupName")?, required(body, "label")?);
    let unique = body.get("hasUniqueValue").and_then(Value::as_bool).unwrap_or(false);
    check_new(&name, &value_type, &field_type)?;
    let now = call.now;
    let schema = &mut call.world.hubspot.of_mut(kind).schema;
    if !schema.groups.iter().any(|g| g.name == group && !g.archived) {
        return Err(Failure::invalid(format!("Property group '{group}' does not exist")));
    }
    if let Some(old) = schema.any_id(&name).and_then(|id| schema.get_mut(id)) {
        if old.archived_at.take().is_none() {
            return Err(Failure::PropertyExists(name));
        }
        old.updated = now;
        let old = old.clone();
        return Ok(definition(call, &old));
    }
    check_room(schema, kind, unique)?;
    let mut property = Property::text(&name, &label, unique, now, kind);
    property.options = match (value_type.as_str(), choices(body)?) {
        ("enumeration", None) if field_type != "calculation_equation" => {
            return Err(Failure::invalid(format!("Property '{name}' of type enumeration needs options")));
        }
        ("bool", None) => vec![plain_choice("Yes", "true", 0), plain_choice("No", "false", 1)],
        (_, options) => options.unwrap_or_default(),
    };
    if field_type == "calculation_equation" {
        property.access = Access::Calculated;
    }
    (property.kind, property.field_type, property.group) = (value_type, field_type, group);
    property.description = text(body, "description").unwrap_or_default();
    property.display_order = body.get("displayOrder").and_then(Value::as_i64).unwrap_or(-1);
    property.hidden = body.get("hidden").and_then(Value::as_bool).unwrap_or(false);
    property.form_field = body.get("formField").and_then(Value::as_bool).unwrap_or(false);
    schema.add(property.clone());
    Ok(definition(call, &property))
}

fn plain_choice(label: &str, value: &str, order: i64) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), description: String::new(), order, hidden: false }
}

fn check_room(schema: &Schema, kind: KindRef, unique: bool) -> Result<(), Failure> {
    let own = schema.properties.iter().filter(|p| !p.standard && p.archived_at.is_none());
    if own.clone().count() >= MOST_CUSTOM {
        return Err(Failure::invalid(format!("Only {MOST_CUSTOM} custom properties are allowed per object type")));
    }
    if unique && !UNIQUE_KINDS.contains(&kind.plural()) {
        return Err(Failure::invalid(format!("{} cannot have unique properties", kind.plural())));
    }
    if unique && own.filter(|p| p.unique).count() >= MOST_UNIQUE {
        return Err(Failure::invalid(format!("Only {MOST_UNIQUE} unique properties are allowed per object type")));
    }
    Ok(())
}

fn check_new(name: &str, value_type: &str, field_type: &str) -> Result<(), Failure> {
    let fits = PAIRS.iter().any(|(k, fields)| *k == value_type && fields.contains(&field_type));
    if !fits {
        return Err(Failure::invalid(format!(
            "Property type '{value_type}' is not valid with field type '{field_type}'"
        )));
    }
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if is_plain && begins && name.len() <= 100 {
        Ok(())
    } else {
        Err(Failure::invalid(format!("Property name '{name}' must be lower-case letters, digits and underscores")))
    }
}

/// The list of options is replaced as a whole. Name and uniqueness cannot change.
fn patch(call: &mut Call<'_>, kind: KindRef, name: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let (options, now) = (choices(&body)?, call.now);
    let schema = &mut call.world.hubspot.of_mut(kind).schema;
    let id = schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    let groups: Vec<String> = schema.groups.iter().filter(|g| !g.archived).map(|g| g.name.clone()).collect();
    let property = schema.get_mut(id).ok_or(Failure::NotFound)?;
    let unique = body.get("hasUniqueValue").and_then(Value::as_bool);
    if unique.is_some_and(|unique| unique != property.unique) || text(&body, "name").is_some_and(|n| n != property.name)
    {
        return Err(Failure::invalid(format!("name and hasUniqueValue of property '{name}' cannot be changed")));
    }
    let redefines = ["label", "type", "fieldType", "groupName"].iter().any(|member| body.get(*member).is_some());
    if property.standard && redefines {
        return Err(Failure::invalid(format!("Property '{name}' is defined by HubSpot and cannot be redefined")));
    }
    if options.is_some() && (property.has_fixed_options() || property.is_external()) {
        return Err(Failure::invalid(format!("The options of property '{name}' cannot be changed")));
    }
    let (value_type, field_type) = (text(&body, "type"), text(&body, "fieldType"));
    let new_type = value_type.as_ref().unwrap_or(&property.kind).clone();
    let new_field = field_type.as_ref().unwrap_or(&property.field_type).clone();
    if value_type.is_some() || field_type.is_some() {
        check_new(name, &new_type, &new_field)?;
    }
    if let Some(group) = text(&body, "groupName") {
        if !groups.contains(&group) {
            return Err(Failure::invalid(format!("Property group '{group}' does not exist")));
        }
        property.group = group;
    }
    (property.kind, property.field_type) = (new_type, new_field);
    property.label = text(&body, "label").unwrap_or_else(|| property.label.clone());
    property.description = text(&body, "description").unwrap_or_else(|| property.description.clone());
    property.options = options.unwrap_or_else(|| property.options.clone());
    property.display_order = body.get("displayOrder").and_then(Value::as_i64).unwrap_or(property.display_order);
    property.hidden = body.get("hidden").and_then(Value::as_bool).unwrap_or(property.hidden);
    property.updated = now;
    let property = property.clone();
    Ok(Reply::json(200, &definition(call, &property)))
}

/// Whether a workflow or the filter of a list names the property.
fn is_used(call: &Call<'_>, kind: KindRef, name: &str) -> bool {
    let mentions = |filter: &Value| filter.to_string().contains(&format!("\"{name}\""));
    call.switches().workflows.iter().any(|w| w.object == kind.plural() && w.property == name)
        || call.portal().lists.iter().any(|list| list.kind == kind && mentions(&list.filter))
}

fn archive(call: &mut Call<'_>, kind: KindRef, name: &str) -> Result<(), Failure> {
    if is_used(call, kind, name) {
        return Err(Failure::PropertyInUse(name.to_owned()));
    }
    let now = call.now;
    let schema = &mut call.world.hubspot.of_mut(kind).schema;
    let id = schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    let property = schema.get_mut(id).ok_or(Failure::NotFound)?;
    if property.standard {
        return Err(Failure::invalid(format!("Property '{name}' is defined by HubSpot and cannot be archived")));
    }
    property.archived_at = Some(now);
    Ok(())
}

/// Every input for itself; there is no batch that changes.
fn batch(
    call: &mut Call<'_>,
    kind: KindRef,
    full: u16,
    one: impl Fn(&mut Call<'_>, KindRef, &Value) -> Result<Value, Failure>,
) -> Result<Reply, Failure> {
    let body = call.body()?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in super::batch::inputs(&body, MOST_AT_ONCE)? {
        match one(call, kind, input) {
            Ok(definition) => results.push(definition),
            Err(failure) => errors.push(batch_error(failure, &text(input, "name").unwrap_or_default())),
        }
    }
    Ok(super::batch::complete(call, full, results, errors))
}

fn read_named(call: &mut Call<'_>, kind: KindRef, input: &Value) -> Result<Value, Failure> {
    let name = text(input, "name").unwrap_or_default();
    let schema = &call.portal().of(kind).schema;
    let found = schema.id(&name).and_then(|id| schema.get(id));
    found.map(|property| definition(call, property)).ok_or(Failure::PropertyNotFound(name))
}

/// 204 whatever became of each.
fn archive_named(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    for name in super::batch::inputs(&body, MOST_AT_ONCE)?.iter().filter_map(|input| text(input, "name")) {
        let _kept = archive(call, kind, &name);
    }
    Ok(Reply::empty(204))
}

fn batch_error(failure: Failure, name: &str) -> Value {
    let (category, message) = match failure {
        Failure::PropertyNotFound(_) => ("OBJECT_NOT_FOUND", format!("Property with name '{name}' does not exist.")),
        Failure::PropertyExists(_) => ("OBJECT_ALREADY_EXISTS", format!("A property named '{name}' already exists.")),
        Failure::BadRequest { message, category } => (category, message),
        _ => ("INTERNAL_ERROR", "internal error".to_owned()),
    };
    json!({"status": "error", "category": category, "message": message, "context": {"name": [name]}})
}

/// Administrators' rules: all of an object, of one property, or (PUT) one rule set.
pub(crate) fn validations(call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let (name, rest) = rest.split_first().ok_or(Failure::NoRoute)?;
    let kind = call.schema_kind(name, call.request.method != Method::GET)?;
    let schema = &call.portal().of(kind).schema;
    let shown = |p: &Property| p.rules.iter().map(show_rule).collect::<Vec<_>>();
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => {
            let ruled = schema.properties.iter().filter(|p| !p.rules.is_empty());
            let all: Vec<Value> =
                ruled.map(|p| json!({"propertyName": p.name, "propertyValidationRules": shown(p)})).collect();
            Ok(Reply::json(200, &json!({ "results": all })))
        }
        (Method::GET, [name]) => {
            let found = schema.id(name).and_then(|id| schema.get(id));
            let property = found.ok_or_else(|| Failure::PropertyNotFound((*name).to_owned()))?;
            Ok(Reply::json(200, &json!({"results": shown(property)})))
        }
        (Method::PUT, [name, "rule-type", rule]) => {
            let body = call.body()?;
            let arguments = super::show::strings(body.get("ruleArguments"));
            let schema = &mut call.world.hubspot.of_mut(kind).schema;
            let found = schema.id(name).and_then(|id| schema.get_mut(id));
            let property = found.ok_or_else(|| Failure::PropertyNotFound((*name).to_owned()))?;
            property.rules.retain(|old| old.kind != *rule);
            property.rules.push(Rule { kind: (*rule).to_owned(), arguments });
            Ok(Reply::empty(204))
        }
        _ => Err(Failure::NoRoute),
    }
}

fn show_rule(rule: &Rule) -> Value {
    json!({"ruleType": rule.kind, "ruleArguments": rule.arguments, "shouldApplyNormalization": false})
}
