//! The operations of a PATCH, carried out on a copy of the record, one after the other.

use serde_json::{Value, json};

use super::Failure;
use super::apart;
use super::assign::Manner;
use super::behaviour::NullReference;
use super::entity::Entity;
use super::fields::{Kind, Problem};
use super::record::Record;
use super::tenant::Tenant;

/// One operation, as it was sent.
struct Operation<'a> {
    op: &'a str,
    path: &'a str,
    value: &'a Value,
}

/// Carries out all operations. A path that leads into a reference is accepted and changes nothing.
pub(crate) fn patch(
    tenant: &mut Tenant,
    manner: Manner<'_>,
    entity: Entity,
    record: &mut Record,
    body: &Value,
) -> Result<(), Failure> {
    let Some(operations) = body.as_array() else {
        return Err(Failure::Plain {
            code: "InvalidObject",
            message: "The request body must be an array of patch operations.".to_owned(),
        });
    };
    let operations: Vec<Operation<'_>> = operations.iter().map(read).collect();
    let custom = |operation: &Operation<'_>| operation.path.split('/').next() == Some("customFields");
    if manner.behaviour.custom_fields_always
        && tenant.tables.defined(entity).next().is_some()
        && !operations.iter().any(custom)
    {
        return Err(Failure::one(entity, "InvalidField", "customFields", "The custom fields must be passed."));
    }
    for operation in operations {
        apply(tenant, manner, entity, record, &operation)?;
    }
    Ok(())
}

fn read(operation: &Value) -> Operation<'_> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
    Operation {
        op: text("op"),
        path: text("path").trim_start_matches('/'),
        value: operation.get("value").unwrap_or(&Value::Null),
    }
}

/// Whether all that the body asks for lies inside of references.
pub(crate) fn only_inner_paths(body: &Value) -> bool {
    let paths = body.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    paths.filter_map(|o| o.get("path").and_then(Value::as_str)).all(|p| p.trim_start_matches('/').contains('/'))
}

fn apply(
    tenant: &mut Tenant,
    manner: Manner<'_>,
    entity: Entity,
    record: &mut Record,
    operation: &Operation<'_>,
) -> Result<(), Failure> {
    let removes = match operation.op {
        "add" | "replace" => false,
        "remove" => true,
        other => {
            return Err(Failure::Plain {
                code: "InvalidObject",
                message: format!("'{other}' is not a supported patch operation."),
            });
        }
    };
    let value = if removes { &Value::Null } else { operation.value };
    let (head, rest) = operation.path.split_once('/').map_or((operation.path, None), |(h, r)| (h, Some(r)));
    match (head, rest) {
        ("id" | "_info", _) => Ok(()),
        ("types" | "typeIds", None) if matches!(entity, Entity::Company | Entity::Contact) => {
            Err(apart::late_types(entity).into())
        }
        ("types", Some(_)) => Ok(()),
        ("customFields", None) => {
            let whole = manner.behaviour.custom_fields_whole;
            Ok(tenant.assign_custom(whole, entity, record, value)?)
        }
        ("customFields", Some(rest)) => one_custom_field(tenant, entity, record, rest, value),
        ("communicationItems", rest) if entity == Entity::Contact => {
            items(tenant, manner, record, operation.op, rest, value)
        }
        (name, None) => plain(tenant, manner, entity, record, (name, value, removes)),
        (name, Some(_)) => inner(entity, name, operation.path),
    }
}

fn plain(
    tenant: &Tenant,
    manner: Manner<'_>,
    entity: Entity,
    record: &mut Record,
    (name, value, removes): (&str, &Value, bool),
) -> Result<(), Failure> {
    let is_reference = entity.field(name).is_some_and(|(_, field)| matches!(field.kind, Kind::Ref(_)));
    let empties = !removes && (value.is_null() || value == &json!({}));
    if is_reference && empties {
        match manner.behaviour.null_reference {
            NullReference::Clears => {}
            NullReference::Ignored => return Ok(()),
            NullReference::Refused => {
                return Err(Failure::one(
                    entity,
                    "InvalidField",
                    name,
                    format!("{name} cannot be replaced with null."),
                ));
            }
        }
    }
    Ok(tenant.assign(manner, entity, record, (name, value))?)
}

/// A path into a reference: a success that changes nothing.
fn inner(entity: Entity, head: &str, path: &str) -> Result<(), Failure> {
    match entity.field(head) {
        Some((_, field)) if matches!(field.kind, Kind::Ref(_) | Kind::Opaque | Kind::Apart) => Ok(()),
        _ => Err(Failure::UnknownMember { model: entity.about().model, name: path.to_owned() }),
    }
}

/// `customFields/2` or `customFields/2/value`: by place in the array that an answer shows.
fn one_custom_field(
    tenant: &Tenant,
    entity: Entity,
    record: &mut Record,
    rest: &str,
    value: &Value,
) -> Result<(), Failure> {
    let (place, member) = rest.split_once('/').map_or((rest, None), |(p, m)| (p, Some(m)));
    let mut shown = tenant.tables.defined(entity).filter(|(id, _)| tenant.custom_at_home(entity, record, *id));
    let id = place.parse().ok().and_then(|place| shown.nth(place)).map(|(id, _)| id);
    let id = id.ok_or_else(|| out_of_range(entity, "customFields"))?;
    let value = match member {
        Some("value") => value,
        Some(_) => return Ok(()),
        None => value.get("value").unwrap_or(&Value::Null),
    };
    Ok(tenant.set_custom(entity, record, id, value)?)
}

fn out_of_range(entity: Entity, field: &str) -> Failure {
    let message = "Index was out of range. Must be non-negative and less than the size of the collection.";
    Failure::Invalid(entity, vec![Problem::new("InvalidField", field, message)])
}

/// Communication items by their place. An item that is added anywhere but at the end still goes there, and loses its
/// default flag.
fn items(
    tenant: &mut Tenant,
    manner: Manner<'_>,
    contact: &mut Record,
    op: &str,
    rest: Option<&str>,
    value: &Value,
) -> Result<(), Failure> {
    let behaviour = manner.behaviour;
    let Some(rest) = rest else {
        if op == "add" && value.is_object() {
            let item = apart::read_item(tenant, behaviour, None, value)?;
            contact.items.push(item);
            return Ok(());
        }
        return Ok(apart::replace_items(tenant, behaviour, contact, value)?);
    };
    let (place, member) = rest.split_once('/').map_or((rest, None), |(p, m)| (p, Some(m)));
    let count = contact.items.len();
    let place = if place == "-" { Some(count) } else { place.parse::<usize>().ok() };
    let place = place.ok_or_else(|| out_of_range(Entity::Contact, "communicationItems"))?;
    match (op, member) {
        ("add", None) if place <= count => {
            let mut item = apart::read_item(tenant, behaviour, None, value)?;
            item.default &= place == count;
            contact.items.push(item);
            return Ok(());
        }
        ("remove", None) if place < count => {
            contact.items.remove(place);
            return Ok(());
        }
        _ => {}
    }
    let known = contact.items.get(place).cloned().ok_or_else(|| out_of_range(Entity::Contact, "communicationItems"))?;
    let change = match member {
        None => value.clone(),
        Some(member) => json!({ member: value }),
    };
    let changed = apart::read_item(tenant, behaviour, Some(known), &change)?;
    if let Some(slot) = contact.items.get_mut(place) {
        *slot = changed;
    }
    Ok(())
}
