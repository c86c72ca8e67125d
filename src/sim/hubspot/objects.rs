//! Single records and their list: get, create with associations, change, archive, merge, erase.

use axum::http::Method;
use serde_json::{Value, json};

use super::collection::Record;
use super::kinds::KindRef;
use super::portal::{Checked, Portal, WriteError};
use super::rules::property_values;
use super::schema::PropertyId;
use super::show::{Shown, TIES_IN_LIST, show, show_whole};
use super::ties::{End, Ties};
use super::{Call, Failure, associations, batch, next_page, search};
use crate::sim::object::Object;
use crate::sim::wire::Reply;

/// Records of one page of a list, and of one that shows histories.
const PAGE: usize = 100;
const PAGE_WITH_HISTORY: usize = 50;

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let (name, rest) = rest.split_first().ok_or(Failure::NoRoute)?;
    if let [id, "associations", rest @ ..] = rest {
        return associations::serve(call, name, id, rest);
    }
    let reads = call.request.method == Method::GET || matches!(rest, ["search"] | ["batch", "read"]);
    let kind = call.kind(name, !reads)?;
    if !reads {
        unlocked(&mut call, kind)?;
    }
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => list(&call, kind),
        (Method::POST, []) => create(&mut call, kind),
        (Method::POST, ["search"]) => search::serve(&call, kind),
        (Method::POST, ["merge"]) if kind.merges => merge(&mut call, kind),
        (Method::POST, ["gdpr-delete"]) if kind.object == Object::Contact => erase(&mut call, kind),
        (Method::POST, ["batch", what]) => batch::serve(&mut call, kind, what),
        (Method::GET, [id]) => get(&call, kind, id),
        (Method::PATCH, [id]) => patch(&mut call, kind, id),
        (Method::DELETE, [id]) => archive(&mut call, kind, id),
        _ => Err(Failure::NoRoute),
    }
}

/// Too many writes to one object lock it for a while.
pub(crate) fn unlocked(call: &mut Call<'_>, kind: KindRef) -> Result<(), Failure> {
    let most = call.switches().writes_per_second_before_lock;
    let now = call.now;
    if call.world.hubspot.buckets.may_write(now, kind, most) { Ok(()) } else { Err(Failure::Locked) }
}

/// A record by its id or, with `idProperty`, by a unique value. Merged ids lead to the survivor.
pub(crate) fn look_up<'a>(
    call: &'a Call<'_>,
    kind: KindRef,
    key: &str,
    id_property: Option<&str>,
    archived: bool,
) -> Result<&'a Record, Failure> {
    let portal = call.portal();
    let record = match id_property {
        None | Some("" | "hs_object_id") => match key.parse::<u64>() {
            Ok(id) => portal.find(kind, id),
            Err(_) => return Err(Failure::NotNumeric(key.to_owned())),
        },
        Some(name) => {
            let id = key_property(call, kind, name)?;
            if portal.of(kind).is_key(id) && !archived {
                portal.find_unique(kind, id, key)
            } else {
                by_value(portal, kind, id, key, archived)
            }
        }
    };
    record.filter(|r| r.archived_at.is_some() == archived).ok_or(Failure::NotFound)
}

/// A property by whose values records can be found.
pub(crate) fn key_property(call: &Call<'_>, kind: KindRef, name: &str) -> Result<PropertyId, Failure> {
    let collection = call.portal().of(kind);
    let id = collection.schema.id(name).ok_or_else(|| Failure::PropertyNotFound(name.to_owned()))?;
    let by_domain = call.switches().domain_is_id_property && kind.object == Object::Company && name == "domain";
    if collection.is_key(id) || by_domain {
        return Ok(id);
    }
    let message = format!("Property '{name}' does not have unique values and cannot be used as idProperty.");
    Err(Failure::invalid(message))
}

fn by_value<'a>(portal: &'a Portal, kind: KindRef, id: PropertyId, key: &str, archived: bool) -> Option<&'a Record> {
    let has = |r: &&Record| r.current.get(id).is_some_and(|v| v.eq_ignore_ascii_case(key));
    portal.of(kind).records.values().filter(|r| r.archived_at.is_some() == archived).find(has)
}

fn get(call: &Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let record = look_up(call, kind, id, call.request.param("idProperty"), call.flag("archived")?)?;
    let shown = Shown::of_request(call, kind, call.request)?;
    Ok(Reply::json(200, &show(call.portal(), kind, record, &record.current, &shown)))
}

/// In the order of ids; `after` is an id that need not exist.
fn list(call: &Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let request = call.request;
    let mut shown = Shown::of_request(call, kind, request)?;
    shown.ties_most = TIES_IN_LIST;
    let most = if shown.has_history() { PAGE_WITH_HISTORY } else { PAGE };
    let limit = call.page_limit(call.asked_limit(), 10, most)?;
    let after = match request.param("after") {
        None | Some("") => 0,
        Some(text) => text.parse::<u64>().map_err(|_| Failure::invalid(format!("Invalid after: {text}")))?,
    };
    let (portal, archived) = (call.portal(), call.flag("archived")?);
    let mut rows = portal.of(kind).records.range(after..).filter(|(_, r)| r.archived_at.is_some() == archived);
    let page = rows.by_ref().take(limit);
    let results: Vec<Value> = page.map(|(_, r)| show(portal, kind, r, &r.current, &shown)).collect();
    let mut body = json!({ "results": results });
    if let (Some((next, _)), Some(map)) = (rows.next(), body.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&next.to_string(), request));
    }
    Ok(Reply::json(200, &body))
}

/// The associations that a new record is to have: the other record, and types of the direction from the new one.
pub(crate) fn inline(call: &Call<'_>, kind: KindRef, body: &Value) -> Result<Ties, Failure> {
    let wanted = body.get("associations").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::with_capacity(wanted.len());
    for one in wanted {
        let id = one.get("to").and_then(associations::id_in).unwrap_or(0);
        let types = associations::types_in(one.get("types"))?;
        let first = types.first().and_then(|(_, id)| u16::try_from(*id).ok());
        let to = first.and_then(|id| call.portal().links.get_type(id)).and_then(|t| super::kinds::Kind::at(t.to));
        let Some(to) = to else {
            let message = "One or more associations are invalid".to_owned();
            let context = json!({"type": types.iter().map(|(_, id)| id.to_string()).collect::<Vec<_>>()});
            return Err(WriteError::Association { message, code: "INVALID_ASSOCIATION_TYPE", context }.into());
        };
        let types = call.portal().check_types(kind, to, &types)?;
        call.require(to.write)?;
        found.push((call.portal().check_end((to, id))?, types));
    }
    Ok(found)
}

/// Stores a record with its associations; everything must have been checked.
pub(crate) fn store(
    call: &mut Call<'_>,
    kind: KindRef,
    values: &Checked,
    ties: &[(End, Vec<u16>)],
) -> Result<u64, Failure> {
    let (portal, mut act) = call.act();
    let id = portal.create(&mut act, kind, values)?;
    for (to, types) in ties {
        portal.associate(&mut act, (kind, id), *to, types, false)?;
    }
    Ok(id)
}

pub(crate) fn whole(call: &Call<'_>, kind: KindRef, id: u64) -> Result<Value, Failure> {
    let record = call.portal().find(kind, id).ok_or(Failure::NotFound)?;
    Ok(show_whole(call.portal(), kind, record))
}

fn create(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let values = property_values(body.get("properties"))?;
    let values = call.portal().check_new(call.manner(), kind, &values)?;
    let ties = inline(call, kind, &body)?;
    let id = store(call, kind, &values, &ties)?;
    let reply = Reply::json(201, &whole(call, kind, id)?);
    let location = format!("http://{}{}/{id}", call.request.host(), call.request.path);
    Ok(reply.with("location", location))
}

fn patch(call: &mut Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let values = property_values(body.get("properties"))?;
    if body.get("associations").is_some_and(|a| a.as_array().is_none_or(|a| !a.is_empty())) {
        let message = "Invalid input JSON on line 1, column 1: Unrecognized field \"associations\"".to_owned();
        return Err(Failure::invalid(message));
    }
    let id = look_up(call, kind, id, call.request.param("idProperty"), false)?.id;
    let values = call.portal().check_change(call.manner(), kind, id, &values)?;
    let (portal, mut act) = call.act();
    portal.update(&mut act, kind, id, &values)?;
    Ok(Reply::json(200, &whole(call, kind, id)?))
}

/// Unknown and archived ids are as good as done.
fn archive(call: &mut Call<'_>, kind: KindRef, id: &str) -> Result<Reply, Failure> {
    let id: u64 = id.parse().map_err(|_| Failure::NotNumeric(id.to_owned()))?;
    let (portal, mut act) = call.act();
    let id = portal.resolve(id);
    portal.archive(&mut act, kind, id);
    Ok(Reply::empty(204))
}

fn merge(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let id = |name: &str| body.get(name).and_then(Value::as_str).and_then(|t| t.parse::<u64>().ok());
    let (Some(primary), Some(other)) = (id("primaryObjectId"), id("objectIdToMerge")) else {
        return Err(Failure::invalid("primaryObjectId and objectIdToMerge are required".to_owned()));
    };
    let (portal, mut act) = call.act();
    let survivor = portal.merge(&mut act, kind, primary, other)?;
    Ok(Reply::json(200, &whole(call, kind, survivor)?))
}

/// Erases a contact for good; its addresses cannot come back.
fn erase(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let key = match body.get("objectId") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return Err(Failure::invalid("objectId is required".to_owned())),
    };
    let id_property = body.get("idProperty").and_then(Value::as_str);
    let found = look_up(call, kind, &key, id_property, false).map(|record| record.id);
    let (portal, mut act) = call.act();
    match found {
        Ok(id) => {
            portal.erase(&mut act, kind, id);
        }
        // Who is not there is kept from ever coming.
        Err(Failure::NotFound) if id_property == Some("email") => portal.forgotten.push(key.trim().to_lowercase()),
        Err(Failure::NotFound) => {}
        Err(other) => return Err(other),
    }
    Ok(Reply::empty(204))
}
