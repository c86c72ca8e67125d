//! The types of companies and contacts: each pair of record and type is a row with an id of its own.

use axum::http::Method;
use serde_json::{Value, json};

use super::entity::Entity;
use super::fields::Target;
use super::permits;
use super::record::Record;
use super::resource::{self, Place};
use super::tables::Table;
use super::{Call, Failure, listing};
use crate::sim::wire::Reply;

/// The association rows of one record, or of all: `typeAssociations` or `{company|contact}TypeAssociations`.
pub(crate) fn serve(call: &mut Call<'_>, entity: Entity, owner: Option<u32>, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit(permits::GROUP_MAINTENANCE)?;
    if let Some(id) = owner {
        resource::find(call, Place::all(entity), id)?;
    }
    let what = if entity == Entity::Company { "Company Type Association" } else { "Contact Type Association" };
    match (call.request.method.clone(), rest) {
        (Method::GET, _) => listing::rows_of(call, rows(call, entity, owner), what, rest),
        (Method::POST, []) => add(call, entity, owner),
        (Method::DELETE, [id]) => {
            let id: u32 = id.parse().map_err(|_| Failure::NoRoute)?;
            if remove(call, entity, owner, id) {
                Ok(Reply::empty(204))
            } else {
                Err(Failure::NotFound { what, id: id.to_string() })
            }
        }
        (Method::POST | Method::DELETE, _) => Err(Failure::NoRoute),
        _ => Err(Failure::NoVerb),
    }
}

const fn table(entity: Entity) -> Table {
    if matches!(entity, Entity::Company) { Table::Type } else { Table::ContactType }
}

fn rows(call: &Call<'_>, entity: Entity, owner: Option<u32>) -> Vec<Value> {
    let shelf = call.tenant().shelf(entity);
    match owner {
        Some(id) => shelf.get(id).into_iter().flat_map(|record| row_of_each(call, entity, record)).collect(),
        None => shelf.after(0).flat_map(|record| row_of_each(call, entity, record)).collect(),
    }
}

fn row_of_each<'a>(call: &'a Call<'_>, entity: Entity, record: &'a Record) -> impl Iterator<Item = Value> + 'a {
    record.types.iter().map(move |pair| row(call, entity, record.id, *pair))
}

fn row(call: &Call<'_>, entity: Entity, owner: u32, (id, type_id): (u32, u32)) -> Value {
    let eyes = call.eyes();
    json!({
        "id": id, "type": eyes.reference(Target::Table(table(entity)), type_id),
        entity.about().resource: eyes.reference(Target::Record(entity), owner),
    })
}

fn add(call: &mut Call<'_>, entity: Entity, owner: Option<u32>) -> Result<Reply, Failure> {
    let (body, resource) = (call.body()?, entity.about().resource);
    let missing =
        |field: String| Failure::one(entity, "MissingRequiredField", &field, format!("The {field} field is required."));
    let sent = body.get(resource).unwrap_or(&Value::Null);
    let named = call.tenant().reference(entity, resource, Target::Record(entity), sent)?;
    let id = owner.or(named).ok_or_else(|| missing(format!("{resource}/id")))?;
    let sent = body.get("type").unwrap_or(&Value::Null);
    let type_id = call.tenant().reference(entity, "type", Target::Table(table(entity)), sent)?;
    let type_id = type_id.ok_or_else(|| missing("type/id".to_owned()))?;
    let mut record = resource::find(call, Place::all(entity), id)?.clone();
    if record.types.iter().any(|(_, t)| *t == type_id) {
        return Err(Failure::one(entity, "ObjectExists", "type", format!("The {resource} already has this type.")));
    }
    let (tenant, act) = call.act();
    let association = tenant.add_type(&mut record, type_id);
    tenant.insert(entity, record);
    if act.behaviour.connectwise.child_touches_parent {
        tenant.touch(&act, entity, id);
    }
    Ok(Reply::json(201, &row(call, entity, id, (association, type_id))))
}

fn remove(call: &mut Call<'_>, entity: Entity, owner: Option<u32>, id: u32) -> bool {
    let (tenant, act) = call.act();
    let has = |record: &&Record| record.types.iter().any(|(association, _)| *association == id);
    let found = match owner {
        Some(owner) => tenant.find(entity, owner).filter(has),
        None => tenant.shelf(entity).after(0).find(has),
    };
    let Some(mut record) = found.cloned() else { return false };
    record.types.retain(|(association, _)| *association != id);
    let owner = record.id;
    tenant.insert(entity, record);
    if act.behaviour.connectwise.child_touches_parent {
        tenant.touch(&act, entity, owner);
    }
    true
}
