//! Members of a body that are not plain values: types, communication items, a first site, what a ticket starts with.

use serde_json::{Map, Value, json};

use super::assign::{as_id, digits};
use super::behaviour::Behaviour;
use super::entity::Entity;
use super::fields::{Problem, Stored, Target};
use super::record::{Item, Record};
use super::rules;
use super::tables::Table;
use super::tenant::{Tenant, WriteError};
use crate::sim::world::Act;

/// Reads them from the body of a POST into the new record.
pub(crate) fn at_create(
    tenant: &mut Tenant,
    behaviour: &Behaviour,
    entity: Entity,
    record: &mut Record,
    body: &Map<String, Value>,
) -> Result<(), WriteError> {
    match entity {
        Entity::Company => {
            if site_name(body).is_none() {
                return Err(WriteError::one(entity, "MissingRequiredField", "site", "Company Site name is required."));
            }
            types(tenant, entity, record, body, Table::Type)?;
            if record.types.is_empty()
                && let Some(default) = tenant.tables.flagged(Table::Type, "defaultFlag")
            {
                tenant.add_type(record, default);
            }
        }
        Entity::Contact => {
            types(tenant, entity, record, body, Table::ContactType)?;
            if let Some(sent) = body.get("communicationItems") {
                replace_items(tenant, behaviour, record, sent)?;
            }
        }
        Entity::Ticket => lookup_contact(tenant, record, body),
        _ => {}
    }
    Ok(())
}

/// Does what a POST asks for beside the record itself.
pub(crate) fn after_create(tenant: &mut Tenant, act: &mut Act<'_>, entity: Entity, id: u32, body: &Map<String, Value>) {
    match entity {
        Entity::Company => rules::add_site(tenant, id, site_name(body).unwrap_or("Main")),
        Entity::Ticket => first_notes(tenant, act, id, body),
        _ => {}
    }
}

fn site_name(body: &Map<String, Value>) -> Option<&str> {
    body.get("site").and_then(|s| s.get("name")).and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty())
}

/// `typeIds` of numbers, `types` of references.
fn types(
    tenant: &mut Tenant,
    entity: Entity,
    record: &mut Record,
    body: &Map<String, Value>,
    table: Table,
) -> Result<(), WriteError> {
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let ids = list("typeIds").into_iter().map(|id| json!({ "id": id })).chain(list("types"));
    for sent in ids {
        if let Some(id) = tenant.reference(entity, "types", Target::Table(table), &sent)? {
            tenant.add_type(record, id);
        }
    }
    Ok(())
}

/// Whether the `types` of a body are those that the record has, in whatever order.
pub(crate) fn has_types(record: &Record, body: &Map<String, Value>) -> bool {
    let sent = body.get("types").and_then(Value::as_array).into_iter().flatten();
    let mut sent: Vec<Option<u32>> = sent.map(|one| one.get("id").and_then(as_id)).collect();
    let mut own: Vec<Option<u32>> = record.types.iter().map(|(_, id)| Some(*id)).collect();
    sent.sort_unstable();
    own.sort_unstable();
    sent == own
}

/// Types are given at birth only.
pub(crate) fn late_types(entity: Entity) -> WriteError {
    let what = entity.title().to_lowercase();
    let message = format!("typeIds can only be used when creating a new {what}.");
    WriteError::one(entity, "InvalidField", "typeIds", message)
}

/// Replaces all communication items; those that name an id of the contact keep it.
pub(crate) fn replace_items(
    tenant: &mut Tenant,
    behaviour: &Behaviour,
    contact: &mut Record,
    sent: &Value,
) -> Result<(), WriteError> {
    let list = match sent {
        Value::Array(list) => list.as_slice(),
        Value::Null => &[],
        other => return Err(not_items(other)),
    };
    let mut items = Vec::new();
    for one in list {
        let known =
            one.get("id").and_then(as_id).and_then(|id| contact.items.iter().find(|item| item.id == id)).cloned();
        items.push(read_item(tenant, behaviour, known, one)?);
    }
    contact.items = items;
    Ok(())
}

fn not_items(sent: &Value) -> WriteError {
    WriteError::Conversion(format!(
        "Error converting value {sent} to type 'ContactCommunicationItem'. Path 'communicationItems', line 1, position 1."
    ))
}

/// One item as sent, over the one that it changes. A type decides the way; a way without a type takes its default type.
pub(crate) fn read_item(
    tenant: &mut Tenant,
    behaviour: &Behaviour,
    known: Option<Item>,
    sent: &Value,
) -> Result<Item, WriteError> {
    let entity = Entity::Contact;
    let map = sent.as_object().ok_or_else(|| not_items(sent))?;
    let named =
        map.get("type").map(|sent| tenant.reference(entity, "type", Target::Table(Table::CommunicationType), sent));
    let of_way = |way: &str| {
        let flag = format!("{}Flag", way.to_lowercase());
        let rows = tenant.tables.rows(Table::CommunicationType);
        let mut fits = rows.filter(|row| row.get(&flag).and_then(Value::as_bool) == Some(true));
        fits.next().and_then(super::tables::id_of)
    };
    let way = map.get("communicationType").and_then(Value::as_str).and_then(of_way);
    let type_id = named.transpose()?.flatten().or(known.as_ref().map(|k| k.type_id)).or(way);
    let text = |name: &str| match map.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(n)) => Some(n.to_string()),
        _ => None,
    };
    let mut problems = Vec::new();
    let value = text("value").or_else(|| known.as_ref().map(|k| k.value.to_string())).unwrap_or_default();
    let value = spelled(tenant, behaviour, type_id, &value);
    if value.is_empty() {
        problems.push(Problem::missing("value"));
    }
    if type_id.is_none() {
        problems.push(Problem::missing("type/id"));
    }
    let Some(type_id) = type_id.filter(|_| problems.is_empty()) else {
        return Err(WriteError::Invalid(entity, problems));
    };
    let extension = match map.get("extension") {
        Some(_) => text("extension").filter(|t| !t.is_empty()).map(Into::into),
        None => known.as_ref().and_then(|k| k.extension.clone()),
    };
    let was_default = known.as_ref().is_some_and(|k| k.default);
    let default = map.get("defaultFlag").and_then(Value::as_bool).unwrap_or(was_default);
    let id = known.map_or_else(|| tenant.new_item_id(), |k| k.id);
    Ok(Item { id, type_id, value: value.into(), extension, default })
}

/// The server's own spelling of a value.
fn spelled(tenant: &Tenant, behaviour: &Behaviour, type_id: Option<u32>, value: &str) -> String {
    let kept = if behaviour.trims { value.trim_matches(' ') } else { value };
    let mail = type_id.is_some_and(|id| rules::way_of(&tenant.tables, id) == rules::Way::Email);
    if behaviour.phone_digits && !mail { digits(kept) } else { kept.to_owned() }
}

/// `contactEmailLookup` finds the contact, of the ticket's company first.
fn lookup_contact(tenant: &Tenant, ticket: &mut Record, body: &Map<String, Value>) {
    let (Some((contact, _)), Some((company, _))) = (Entity::Ticket.field("contact"), Entity::Ticket.field("company"))
    else {
        return;
    };
    let Some(wanted) = body.get("contactEmailLookup").and_then(Value::as_str).filter(|text| !text.is_empty()) else {
        return;
    };
    if ticket.get(contact).is_some() {
        return;
    }
    let shelf = tenant.shelf(Entity::Contact);
    let has = |record: &&Record| record.items.iter().any(|item| item.value.eq_ignore_ascii_case(wanted));
    let at_home = ticket.reference(company).and_then(|company| tenant.of(Entity::Contact, company).find(has));
    let found = at_home.or_else(|| shelf.after(0).find(has)).map(|record| Stored::Ref(record.id));
    ticket.set(contact, found);
}

/// The texts that a ticket starts with become notes; they are not shown on the ticket.
fn first_notes(tenant: &mut Tenant, act: &mut Act<'_>, ticket: u32, body: &Map<String, Value>) {
    let entity = Entity::TicketNote;
    let kinds = [
        ("initialDescription", "detailDescriptionFlag"),
        ("initialInternalAnalysis", "internalAnalysisFlag"),
        ("initialResolution", "resolutionFlag"),
    ];
    for (member, flag) in kinds {
        let Some(text) = body.get(member).and_then(Value::as_str).filter(|text| !text.is_empty()) else { continue };
        let mut note = tenant.blank(entity, act.now, act.actor.name());
        let values =
            [("ticketId", Stored::Ref(ticket)), ("text", Stored::Text(text.into())), (flag, Stored::Flag(true))];
        for (name, value) in values {
            if let Some((field, _)) = entity.field(name) {
                note.set(field, Some(value));
            }
        }
        rules::derive(tenant, act, entity, &mut note, None);
        tenant.insert(entity, note);
    }
}
