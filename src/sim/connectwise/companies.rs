//! Companies over HTTP: get, create, change, delete, merge, and their type associations.

use axum::http::Method;
use serde_json::{Value, json};

use super::fields::{self, FieldId, IDENTIFIER, NAME, Stored, Table};
use super::tenant::Company;
use super::{Call, Failure, listing, patch};
use crate::sim::ledger::Verb;
use crate::sim::options::CONNECTWISE_API_MEMBER;
use crate::sim::wire::Reply;

/// Fields that a merge can take from either side, beside those of the same name.
const MERGED: [(&str, &str); 2] = [("phone", "phoneNumber"), ("fax", "faxNumber")];

pub(crate) fn serve(call: &mut Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let method = call.request.method.clone();
    match (method, rest) {
        (Method::GET, []) => listing::companies(call),
        (Method::GET, ["count"]) => listing::count(call),
        (Method::POST, []) => create(call),
        (method, [id, rest @ ..]) => {
            let id: u64 = id.parse().map_err(|_| Failure::NoRoute)?;
            match (method, rest) {
                (Method::GET, []) => Ok(Reply::json(200, &listing::partial(call, shown(call, id)?))),
                (Method::PATCH, []) => change(call, id, Whole::Patch),
                (Method::PUT, []) => change(call, id, Whole::Put),
                (Method::DELETE, []) => {
                    let (tenant, mut act) = call.act();
                    tenant.delete(&mut act, id)?;
                    Ok(Reply::empty(204))
                }
                (Method::POST, ["merge"]) => merge(call, id),
                (Method::GET, ["usages"]) => {
                    find(call, id)?;
                    Ok(Reply::json(200, &json!([])))
                }
                (_, ["typeAssociations", rest @ ..]) => associations(call, Some(id), rest),
                _ => Err(Failure::NoRoute),
            }
        }
        _ => Err(Failure::NoRoute),
    }
}

fn find<'a>(call: &'a Call<'_>, id: u64) -> Result<&'a Company, Failure> {
    call.tenant().companies.get(&id).ok_or_else(|| Failure::NotFound { what: "Company", id: id.to_string() })
}

fn shown(call: &Call<'_>, id: u64) -> Result<Value, Failure> {
    find(call, id).map(|company| call.tenant().show(company, &call.base))
}

fn object(body: &Value) -> Result<&serde_json::Map<String, Value>, Failure> {
    body.as_object().ok_or_else(|| {
        Failure::Conversion("Error converting value to type 'Company'. Path '', line 1, position 1.".to_owned())
    })
}

fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let body = object(&body)?;
    let (tenant, mut act) = call.act();
    let mut company = tenant.blank(act.now, CONNECTWISE_API_MEMBER);
    patch::create(tenant, &mut company, body)?;
    let id = tenant.create(&mut act, company)?;
    Ok(Reply::json(201, &listing::partial(call, shown(call, id)?)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Patch,
    Put,
}

fn change(call: &mut Call<'_>, id: u64, how: Whole) -> Result<Reply, Failure> {
    let body = call.body()?;
    let mut company = find(call, id)?.clone();
    let before = company.clone();
    let whole = call.world.behaviour.connectwise.custom_fields_whole;
    match how {
        Whole::Patch => patch::patch(call.tenant(), &mut company, &body, whole)?,
        Whole::Put => patch::put(call.tenant(), &mut company, object(&body)?)?,
    }
    // A PATCH whose paths all lead nowhere is a success that leaves no trace.
    let led_nowhere = how == Whole::Patch && same(&before, &company) && only_inner_paths(&body);
    if !led_nowhere {
        let (tenant, mut act) = call.act();
        tenant.replace(&mut act, company, Verb::Update)?;
    }
    Ok(Reply::json(200, &shown(call, id)?))
}

fn same(a: &Company, b: &Company) -> bool {
    a.values().eq(b.values()) && a.custom == b.custom
}

fn only_inner_paths(body: &Value) -> bool {
    let paths = body.as_array().map(Vec::as_slice).unwrap_or_default().iter();
    paths.filter_map(|o| o.get("path").and_then(Value::as_str)).all(|p| p.trim_start_matches('/').contains('/'))
}

fn merge(call: &mut Call<'_>, from: u64) -> Result<Reply, Failure> {
    let body = call.body()?;
    let to = body.get("toCompanyId").and_then(Value::as_u64);
    let to =
        to.ok_or_else(|| Failure::one("MissingRequiredField", "toCompanyId", "The toCompanyId field is required."))?;
    find(call, from)?;
    find(call, to)?;
    let chosen: Vec<FieldId> = object(&body)?
        .iter()
        .filter(|(_, side)| side.as_str() == Some("From"))
        .filter_map(|(name, _)| {
            let name = MERGED.iter().find(|(alias, _)| alias == name).map_or(name.as_str(), |(_, real)| real);
            fields::find(name).map(|(id, _)| id)
        })
        .collect();
    let (tenant, mut act) = call.act();
    tenant.merge(&mut act, from, to, &chosen)?;
    Ok(Reply::json(200, &json!({"success": true, "message": null})))
}

/// The types of one company, or of all: each pair is a record with an id of its own.
pub(crate) fn associations(call: &mut Call<'_>, company: Option<u64>, rest: &[&str]) -> Result<Reply, Failure> {
    if let Some(id) = company {
        find(call, id)?;
    }
    match (call.request.method.clone(), rest) {
        (Method::GET, _) => {
            let of = call.tenant().companies.values().filter(|c| company.is_none_or(|id| id == c.id));
            let rows = of.flat_map(|c| c.types.iter().map(|t| association(call, c, *t))).collect();
            listing::json_rows(call, rows, "Company Type Association", rest)
        }
        (Method::POST, []) => add_association(call, company),
        (Method::DELETE, [id]) => {
            let id: u32 = id.parse().map_err(|_| Failure::NoRoute)?;
            remove_association(call, company, id)
        }
        _ => Err(Failure::NoRoute),
    }
}

fn association(call: &Call<'_>, company: &Company, (id, type_id): (u32, u32)) -> Value {
    let tenant = call.tenant();
    json!({
        "id": id, "type": tenant.show_reference(Table::Type, type_id, &call.base),
        "company": {"id": company.id, "identifier": company.text(IDENTIFIER), "name": company.text(NAME)},
    })
}

fn add_association(call: &mut Call<'_>, company: Option<u64>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let named = body.get("company").and_then(|c| c.get("id")).and_then(Value::as_u64);
    let id = company
        .or(named)
        .ok_or_else(|| Failure::one("MissingRequiredField", "company/id", "The company/id field is required."))?;
    find(call, id)?;
    let sent = body.get("type").unwrap_or(&Value::Null);
    let Some(Stored::Ref(type_id)) = call.tenant().reference("type", Table::Type, sent)? else {
        return Err(Failure::one("MissingRequiredField", "type/id", "The type/id field is required."));
    };
    let mut copy = find(call, id)?.clone();
    if copy.types.iter().any(|(_, t)| *t == type_id) {
        return Err(Failure::one("ObjectExists", "type", "The company already has this type."));
    }
    let (tenant, act) = call.act();
    tenant.add_type(&mut copy, type_id);
    let added = copy.types.last().copied().unwrap_or_default();
    if let Some(stored) = tenant.companies.get_mut(&id) {
        stored.types = copy.types;
    }
    if act.behaviour.connectwise.child_touches_parent {
        tenant.touch(&act, id);
    }
    let json = association(call, find(call, id)?, added);
    Ok(Reply::json(201, &json))
}

fn remove_association(call: &mut Call<'_>, company: Option<u64>, id: u32) -> Result<Reply, Failure> {
    let (tenant, act) = call.act();
    let owner = tenant.companies.values_mut().find(|c| {
        company.is_none_or(|wanted| wanted == c.id) && c.types.iter().any(|(association, _)| *association == id)
    });
    let Some(owner) = owner else {
        return Err(Failure::NotFound { what: "Company Type Association", id: id.to_string() });
    };
    owner.types.retain(|(association, _)| *association != id);
    let owner = owner.id;
    if act.behaviour.connectwise.child_touches_parent {
        tenant.touch(&act, owner);
    }
    Ok(Reply::empty(204))
}
