//! What the tenant does to a record by itself: defaults and derived values, checks of the whole record, consequences.
//!
//! A write goes through `derive`, `check`, the store, `follow`; a delete through `may_go` and `before_gone`.

mod activities;
mod companies;
mod contacts;
mod opportunities;
mod tickets;

pub(crate) use self::companies::{add_site, primary_site};
pub(crate) use self::contacts::{Way, default_item, way_of};
pub(crate) use self::opportunities::{is_closed, probability};
pub(crate) use self::tickets::is_closed as is_closed_ticket;

use super::behaviour::Behaviour;
use super::callbacks;
use super::entity::Entity;
use super::fields::{self, Field, FieldId, Kind, Problem, Stored};
use super::record::Record;
use super::tables::Table;
use super::tenant::{Tenant, WriteError, is_deleted, references};
use crate::sim::ledger::Actor;
use crate::sim::world::Act;

/// Values that the server fills in or works out, before it checks.
pub(crate) fn derive(tenant: &Tenant, act: &Act<'_>, entity: Entity, record: &mut Record, old: Option<&Record>) {
    match entity {
        Entity::Company => companies::derive(tenant, act, record, old),
        Entity::Contact => contacts::derive(tenant, record, old),
        Entity::Opportunity => opportunities::derive(tenant, act, record, old),
        Entity::ForecastItem => opportunities::derive_item(record, old),
        Entity::Ticket => tickets::derive(tenant, act, record, old),
        Entity::TicketNote => tickets::derive_note(act, record, old),
        Entity::Activity => activities::derive(tenant, act, record, old),
        Entity::Site => companies::derive_site(tenant, record, old),
        Entity::Callback => callbacks::derive(tenant, record, old),
        Entity::CompanyNote | Entity::ContactNote | Entity::OpportunityNote if old.is_none() => {
            default(entity, record, "enteredBy", || Some(Stored::Text(act.actor.name().into())));
            default(entity, record, "type", || tenant.tables.flagged(Table::NoteType, "defaultFlag").map(Stored::Ref));
        }
        _ => {}
    }
}

/// The rules that bind the whole record at every write, whichever field was meant.
pub(crate) fn check(
    tenant: &Tenant,
    behaviour: &Behaviour,
    entity: Entity,
    record: &Record,
    old: Option<&Record>,
) -> Result<(), WriteError> {
    let mut problems = Vec::new();
    missing(behaviour, entity, record, &mut problems);
    misfits(behaviour, entity, record, &mut problems);
    taken(tenant, behaviour, entity, record, &mut problems);
    match entity {
        Entity::Company => companies::check((tenant, behaviour), record, old, &mut problems),
        Entity::Contact => contacts::check(tenant, record, &mut problems),
        Entity::Ticket => tickets::check(tenant, record, &mut problems),
        Entity::Callback => callbacks::check(tenant, record, &mut problems),
        _ => {}
    }
    if old.is_none() {
        for (id, row) in tenant.tables.defined(entity) {
            let required = behaviour.required_custom_fields.contains(&id);
            if required && !record.custom.contains_key(&id) {
                let caption = row.get("caption").and_then(serde_json::Value::as_str).unwrap_or_default();
                problems.push(Problem::missing(caption));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(WriteError::Invalid(entity, problems)) }
}

fn missing(behaviour: &Behaviour, entity: Entity, record: &Record, problems: &mut Vec<Problem>) {
    let resource = entity.about().resource;
    for (index, field) in entity.fields().iter().enumerate() {
        let Ok(id) = FieldId::try_from(index) else { continue };
        let mandatory =
            field.required || behaviour.mandatory.iter().any(|m| m.split_once('/') == Some((resource, field.name)));
        if mandatory && is_blank(record.get(id)) {
            problems.push(Problem::missing(&field.asked_as()));
        }
    }
}

fn is_blank(value: Option<&Stored>) -> bool {
    match value {
        None => true,
        Some(Stored::Text(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

fn misfits(behaviour: &Behaviour, entity: Entity, record: &Record, problems: &mut Vec<Problem>) {
    let bounded = entity != Entity::Contact || behaviour.contact_lengths;
    for (id, value) in record.values() {
        let Some(field) = entity.field_by_id(id) else { continue };
        let text = matches!(field.kind, Kind::Text(_) | Kind::Prose(_));
        if (bounded || !text)
            && let Some(problem) = fields::complaint(field, value, behaviour.release_number())
        {
            problems.push(problem);
        }
    }
}

fn taken(tenant: &Tenant, behaviour: &Behaviour, entity: Entity, record: &Record, problems: &mut Vec<Problem>) {
    let Some(field) = entity.key() else { return };
    let name = entity.field_by_id(field).map_or("", |f: &Field| f.name);
    let shelf = tenant.shelf(entity);
    let key = record.text(field);
    let same = |holder: &Record| behaviour.identifiers_fold_case || holder.text(field) == key;
    let lets_go =
        |holder: &Record| entity == Entity::Company && is_deleted(holder) && !behaviour.binned_identifier_taken;
    let mut holders = shelf.by_key(key).filter(|holder| *holder != record.id).filter_map(|id| shelf.get(id));
    if holders.any(|holder| same(holder) && !lets_go(holder)) {
        let what = entity.title().to_lowercase();
        problems.push(Problem::new("ObjectExists", name, format!("A {what} with this {name} already exists.")));
    }
}

/// What a stored change brings with it elsewhere.
pub(crate) fn follow(tenant: &mut Tenant, act: &mut Act<'_>, entity: Entity, id: u32, old: Option<&Record>) {
    match entity {
        Entity::Company => companies::follow(tenant, id, old),
        Entity::Site => companies::follow_site(tenant, act, id),
        Entity::Callback if old.is_none() => {
            tenant.callbacks_since.insert(id, act.ledger.last());
        }
        _ => {}
    }
}

/// Whether a record may be deleted at all. People are warned and do it anyway.
pub(crate) fn may_go(tenant: &Tenant, act: &Act<'_>, entity: Entity, id: u32) -> Result<(), WriteError> {
    let by_program = matches!(act.actor, Actor::Api(_));
    if by_program && act.behaviour.connectwise.delete_refuses_used && !uses(tenant, entity, id).is_empty() {
        return Err(WriteError::InUse(entity, id));
    }
    if entity == Entity::Site && companies::is_primary(tenant, id) && by_program {
        return Err(WriteError::InUse(entity, id));
    }
    Ok(())
}

/// The records that lead to this one, parts of it left out: kind and ids.
pub(crate) fn uses(tenant: &Tenant, entity: Entity, id: u32) -> Vec<(Entity, Vec<u32>)> {
    let target = fields::Target::Record(entity);
    let leads = |kind: Entity, record: &Record| references(kind, record).any(|(_, to, row)| to == target && row == id);
    let mut found = Vec::new();
    for kind in Entity::ALL.into_iter().filter(|kind| !super::tenant::is_child(*kind)) {
        let shelf = tenant.shelf(kind);
        let users: Vec<u32> = shelf
            .after(0)
            .filter(|record| leads(kind, record) && !(kind == Entity::Company && is_deleted(record)))
            .map(|record| record.id)
            .collect();
        if !users.is_empty() {
            found.push((kind, users));
        }
    }
    found
}

/// The parts of a record go with it.
pub(crate) fn before_gone(tenant: &mut Tenant, entity: Entity, id: u32) {
    for kind in Entity::ALL.into_iter().filter(|kind| super::tenant::is_child(*kind)) {
        if kind.owner().is_some_and(|(_, owner)| owner == entity) {
            let parts: Vec<u32> = tenant.shelf(kind).of(id).collect();
            for part in parts {
                tenant.shelf_mut(kind).take(part);
            }
        }
    }
}

/// Fills a field that has no value.
fn default(entity: Entity, record: &mut Record, name: &str, value: impl FnOnce() -> Option<Stored>) {
    if let Some((id, _)) = entity.field(name)
        && record.get(id).is_none()
    {
        record.set(id, value());
    }
}

fn set(entity: Entity, record: &mut Record, name: &str, value: Option<Stored>) {
    if let Some((id, _)) = entity.field(name) {
        record.set(id, value);
    }
}

fn reference(entity: Entity, record: &Record, name: &str) -> Option<u32> {
    entity.field(name).and_then(|(id, _)| record.reference(id))
}

fn text<'a>(entity: Entity, record: &'a Record, name: &str) -> &'a str {
    entity.field(name).map(|(id, _)| record.text(id)).unwrap_or_default()
}

fn number(entity: Entity, record: &Record, name: &str) -> f64 {
    entity.field(name).map_or(0.0, |(id, _)| record.number(id))
}
