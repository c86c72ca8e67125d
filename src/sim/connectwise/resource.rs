//! Records over HTTP, the same for every kind: list, count, get, create, PATCH, PUT, delete, each after its permission.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::assign::Manner;
use super::entity::Entity;
use super::permits::{self, Level, Verb};
use super::record::Record;
use super::{Call, Failure, apart, listing, patch, rules, show, tenant};
use crate::sim::ledger;
use crate::sim::options::CONNECTWISE_API_MEMBER;
use crate::sim::wire::Reply;

/// A ticket's write that says so is told to no call-back.
const SKIP_CALLBACK: &str = "skipCallback";

/// Which records a path speaks of: a kind, and of a child kind the record that they are parts of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub entity: Entity,
    pub owner: Option<u32>,
}

impl Place {
    pub const fn all(entity: Entity) -> Self {
        Self { entity, owner: None }
    }

    pub const fn of(entity: Entity, owner: u32) -> Self {
        Self { entity, owner: Some(owner) }
    }
}

pub(crate) fn serve(call: &mut Call<'_>, place: Place, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit(permits::row_of(place.entity))?;
    if let (Some(owner), Some((_, kind))) = (place.owner, place.entity.owner()) {
        find(call, Place::all(kind), owner)?;
    }
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => listing::records(call, place.entity, place.owner, &listing::Question::of(call)),
        (Method::GET, ["count"]) => listing::count(call, place.entity, place.owner),
        (Method::POST, []) => create(call, place),
        (method, [id]) => {
            let id: u32 = id.parse().map_err(|_| Failure::NoRoute)?;
            match method {
                Method::GET => one(call, place, id),
                Method::PATCH => change(call, place, id, Whole::Patch),
                Method::PUT => change(call, place, id, Whole::Put),
                Method::DELETE => remove(call, place, id),
                _ => Err(Failure::NoVerb),
            }
        }
        (_, []) => Err(Failure::NoVerb),
        _ => Err(Failure::NoRoute),
    }
}

/// The record, if it is there, belongs where the path says, and the role shows it.
pub(crate) fn find<'a>(call: &'a Call<'_>, place: Place, id: u32) -> Result<&'a Record, Failure> {
    let Place { entity, owner } = place;
    let record = call.tenant().find(entity, id);
    let record =
        record.filter(|r| owner.is_none_or(|owner| tenant::owner_of(entity, r).map(|(_, id)| id) == Some(owner)));
    let record = record.filter(|r| entity != Entity::Company || !call.tenant().merged_away.contains(&r.id));
    let record = record.filter(|record| call.eyes().may_see(entity, record));
    record.ok_or_else(|| Failure::missing(entity, id))
}

fn one(call: &Call<'_>, place: Place, id: u32) -> Result<Reply, Failure> {
    let record = find(call, place, id)?;
    listing::unspoiled(call, place.entity, &[record])?;
    Ok(Reply::json(200, &listing::partial(call, call.eyes().show(place.entity, record))))
}

/// The record as it is now, as the answer to a write.
pub(crate) fn shown(call: &Call<'_>, status: u16, entity: Entity, id: u32) -> Result<Reply, Failure> {
    let record = call.tenant().find(entity, id).ok_or_else(|| Failure::missing(entity, id))?;
    Ok(Reply::json(status, &listing::partial(call, call.eyes().show(entity, record))))
}

/// The body of a POST or PUT.
pub(crate) fn object(entity: Entity, body: &Value) -> Result<&Map<String, Value>, Failure> {
    let model = entity.about().model;
    body.as_object().ok_or_else(|| {
        Failure::Conversion(format!("Error converting value to type '{model}'. Path '', line 1, position 1."))
    })
}

/// Makes a record from the body of a POST.
pub(crate) fn create(call: &mut Call<'_>, place: Place) -> Result<Reply, Failure> {
    let body = call.body()?;
    let id = make(call, place, object(place.entity, &body)?)?;
    shown(call, 201, place.entity, id)
}

/// Stores a new record and what comes with it; answers its id.
pub(crate) fn make(call: &mut Call<'_>, place: Place, body: &Map<String, Value>) -> Result<u32, Failure> {
    let (entity, model) = (place.entity, call.model);
    let (tenant, mut act) = call.act();
    let behaviour = &act.behaviour.connectwise;
    let mut record = tenant.blank(entity, act.now, CONNECTWISE_API_MEMBER);
    // First, because the owner's location decides which user-defined fields there are.
    own(place, &mut record);
    tenant.assign_all(Manner { behaviour, model }, entity, &mut record, body)?;
    own(place, &mut record);
    apart::at_create(tenant, behaviour, entity, &mut record, body)?;
    let id = tenant.create(&mut act, entity, record)?;
    if body.get(SKIP_CALLBACK) == Some(&Value::Bool(true)) {
        tenant.hushed.insert(act.ledger.last());
    }
    apart::after_create(tenant, &mut act, entity, id, body);
    Ok(id)
}

fn own(place: Place, record: &mut Record) {
    if let (Some(owner), Some((field, _))) = (place.owner, place.entity.owner()) {
        record.set(field, Some(super::fields::Stored::Ref(owner)));
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whole {
    Patch,
    Put,
}

fn change(call: &mut Call<'_>, place: Place, id: u32, how: Whole) -> Result<Reply, Failure> {
    let entity = place.entity;
    let before = find(call, place, id)?.clone();
    may_edit(call, entity, &before)?;
    let body = call.body()?;
    let model = call.model;
    let mut record = before.clone();
    let (tenant, mut act) = call.act();
    let manner = Manner { behaviour: &act.behaviour.connectwise, model };
    match how {
        Whole::Patch => patch::patch(tenant, manner, entity, &mut record, &body)?,
        Whole::Put => put(tenant, manner, entity, &mut record, object(entity, &body)?)?,
    }
    own(place, &mut record);
    // A PATCH whose paths all lead nowhere is a success that leaves no trace.
    let led_nowhere = how == Whole::Patch && !record.differs(&before) && patch::only_inner_paths(&body);
    if !led_nowhere {
        tenant.replace(&mut act, entity, record, ledger::Verb::Update)?;
        if skips_callback(&body) {
            tenant.hushed.insert(act.ledger.last());
        }
    }
    shown(call, 200, entity, id)
}

fn skips_callback(body: &Value) -> bool {
    let operations = body.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let path = |operation: &Value| {
        operation.get("path").and_then(Value::as_str).map(|path| path.trim_start_matches('/') == SKIP_CALLBACK)
    };
    let said = |operation: &Value| path(operation) == Some(true) && operation.get("value") == Some(&Value::Bool(true));
    body.get(SKIP_CALLBACK) == Some(&Value::Bool(true)) || operations.into_iter().any(said)
}

/// What is closed needs a row of its own, and a row that reaches no further than the member's own records ends there.
fn may_edit(call: &Call<'_>, entity: Entity, record: &Record) -> Result<(), Failure> {
    let verb = Verb::of(&call.request.method);
    if entity == Entity::Opportunity && rules::is_closed(call.tenant(), record) {
        call.permit_verb(permits::CLOSED_OPPORTUNITY, verb)?;
    }
    if entity == Entity::Ticket && rules::is_closed_ticket(call.tenant(), record) {
        call.permit_verb(permits::CLOSE_TICKETS, verb)?;
    }
    let level = call.switches().role.level(permits::row_of(entity), verb);
    if matches!(level, Level::Mine | Level::My) && !show::is_own(call.tenant(), entity, record) {
        return Err(Failure::Forbidden);
    }
    Ok(())
}

/// Replaces everything that a PUT can carry: what is not in the body is cleared.
fn put(
    tenant: &mut tenant::Tenant,
    manner: Manner<'_>,
    entity: Entity,
    record: &mut Record,
    body: &Map<String, Value>,
) -> Result<(), Failure> {
    let typed = matches!(entity, Entity::Company | Entity::Contact);
    let sent = |name: &str| typed && body.get(name).is_some_and(|v| !v.is_null());
    let as_shown = manner.behaviour.put_takes_what_get_shows && apart::has_types(record, body);
    if sent("typeIds") || sent("types") && !as_shown {
        return Err(apart::late_types(entity).into());
    }
    tenant.clear_unsent(entity, record, body)?;
    if entity == Entity::Contact {
        return put_contact(tenant, manner, record, body);
    }
    Ok(tenant.assign_all(manner, entity, record, body)?)
}

/// A PUT of a contact is faulty: communication items fail it for no reason, and user-defined fields are not cleared.
fn put_contact(
    tenant: &mut tenant::Tenant,
    manner: Manner<'_>,
    record: &mut Record,
    body: &Map<String, Value>,
) -> Result<(), Failure> {
    if let Some(items) =
        body.get("communicationItems").filter(|sent| sent.as_array().is_some_and(|all| !all.is_empty()))
    {
        if !manner.behaviour.put_takes_what_get_shows {
            let message = "The communicationItems/type/id field is required.";
            return Err(Failure::one(Entity::Contact, "MissingRequiredField", "communicationItems/type/id", message));
        }
        apart::replace_items(tenant, manner.behaviour, record, items)?;
    }
    let mut body = body.clone();
    if let Some(items) = body.get_mut("customFields").and_then(Value::as_array_mut) {
        items.retain(|item| item.get("value").is_some_and(|value| !value.is_null()));
    }
    Ok(tenant.assign_all(manner, Entity::Contact, record, &body)?)
}

fn remove(call: &mut Call<'_>, place: Place, id: u32) -> Result<Reply, Failure> {
    let record = find(call, place, id)?.clone();
    may_edit(call, place.entity, &record)?;
    let transfer = call.request.param("transferContactId").map(str::to_owned);
    if let (Entity::Contact, Some(to)) = (place.entity, transfer) {
        let to: u32 = to.parse().map_err(|_| Failure::NoRoute)?;
        find(call, place, to)?;
        let (tenant, mut act) = call.act();
        tenant.transfer(&mut act, Entity::Contact, id, to);
    }
    let (tenant, mut act) = call.act();
    tenant.delete(&mut act, place.entity, id)?;
    Ok(Reply::empty(204))
}

/// `/usages` and `/usages/list`.
pub(crate) fn usages(call: &Call<'_>, entity: Entity, id: u32, rest: &[&str]) -> Result<Reply, Failure> {
    call.permit_verb(permits::row_of(entity), Verb::Inquire)?;
    find(call, Place::all(entity), id)?;
    match rest {
        [] => Ok(Reply::json(200, &json!(listing::usages(call, entity, id, false)))),
        ["list"] => Ok(Reply::json(200, &json!(listing::usages(call, entity, id, true)))),
        _ => Err(Failure::NoRoute),
    }
}
