//! Batches of associations between two objects: read, create, associate by default, archive. Status codes differ
//! between the versions.

use axum::http::Method;
use serde_json::{Value, json};

use super::associations::{PAGE, default_rows, id_in, labelled, no_association, rows, types_in};
use super::batch::{complete, id_text, inputs, item_error};
use super::kinds::KindRef;
use super::route::Version;
use super::ties::End;
use super::{Call, Failure, labels};
use crate::sim::wire::Reply;

const MOST_READ: usize = 1_000;
const MOST_CREATED: usize = 2_000;
const MOST_ARCHIVED: usize = 100;

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    // Limits of pairs and reports of them are not served, and those words are no objects.
    if let ["definitions", "configurations", ..] | ["usage", ..] = rest {
        return Err(Failure::NoRoute);
    }
    let [from, to, rest @ ..] = rest else { return Err(Failure::NoRoute) };
    let writes =
        !matches!(rest, ["batch", "read"] | ["labels"]) || call.request.method != Method::GET && rest == ["labels"];
    let (from, to) = (call.kind(from, writes)?, call.kind(to, writes)?);
    if let ["labels", rest @ ..] = rest {
        return labels::serve(call, from, to, rest);
    }
    if call.request.method != Method::POST {
        return Err(Failure::NoRoute);
    }
    let body = call.body()?;
    match rest {
        ["batch", "read"] => read(&call, from, to, &body),
        ["batch", "create"] => create(&mut call, from, to, &body),
        ["batch", "associate", "default"] => associate(&mut call, from, to, &body),
        ["batch", "archive"] => archive(&mut call, from, to, &body),
        ["batch", "labels", "archive"] => archive_labels(&mut call, from, to, &body),
        _ => Err(Failure::NoRoute),
    }
}

fn read(call: &Call<'_>, from: KindRef, to: KindRef, body: &Value) -> Result<Reply, Failure> {
    let portal = call.portal();
    let limit = call.page_limit(None, PAGE, PAGE)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(body, MOST_READ)? {
        let text = id_text(input);
        let id = text.parse().map(|id| portal.resolve(id)).unwrap_or(0);
        let after = input.get("after").and_then(Value::as_str).and_then(|t| t.parse().ok()).unwrap_or(0);
        let is_there = portal.of(from).living(id).is_some();
        let (rows, next) = if is_there { rows(portal, id, to, after, limit) } else { (Vec::new(), None) };
        if rows.is_empty() && call.switches().no_associations_is_an_error {
            errors.push(none_found(from, to, &text));
            continue;
        }
        let mut row = json!({"from": {"id": text}, "to": rows});
        if let (Some(next), Some(map)) = (next, row.as_object_mut()) {
            map.insert("paging".to_owned(), json!({"next": {"after": next.to_string()}}));
        }
        results.push(row);
    }
    Ok(complete(call, 200, results, errors))
}

fn none_found(from: KindRef, to: KindRef, id: &str) -> Value {
    json!({
        "status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": format!("No {} is associated with {} {id}.", to.singular(), from.singular()),
        "context": {"fromObjectId": [id]},
    })
}

/// Both ends of an input, living.
fn ends(call: &Call<'_>, from: KindRef, to: KindRef, input: &Value) -> Result<(End, End), Failure> {
    let id = |member: &str| input.get(member).and_then(id_in).unwrap_or(0);
    let portal = call.portal();
    Ok((portal.check_end((from, id("from")))?, portal.check_end((to, id("to")))?))
}

fn from_text(input: &Value) -> String {
    input.get("from").and_then(id_in).map_or(String::new(), |id| id.to_string())
}

fn create(call: &mut Call<'_>, from: KindRef, to: KindRef, body: &Value) -> Result<Reply, Failure> {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(body, MOST_CREATED)? {
        match create_one(call, from, to, input) {
            Ok(json) => results.push(json),
            Err(failure) => errors.push(item_error(failure, "fromObjectId", &from_text(input))),
        }
    }
    let full = if call.version == Version::Y2026M09 { 200 } else { 201 };
    Ok(complete(call, full, results, errors))
}

fn create_one(call: &mut Call<'_>, from: KindRef, to: KindRef, input: &Value) -> Result<Value, Failure> {
    let types = types_in(input.get("types"))?;
    let types = call.portal().check_types(from, to, &types)?;
    let (from, to) = ends(call, from, to, input)?;
    let (portal, mut act) = call.act();
    portal.associate(&mut act, from, to, &types, true)?;
    Ok(labelled(call.portal(), from, to, &types))
}

fn associate(call: &mut Call<'_>, from: KindRef, to: KindRef, body: &Value) -> Result<Reply, Failure> {
    if call.portal().links.base(from, to).is_none() {
        return Err(no_association(from, to));
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(body, MOST_CREATED)? {
        let done = ends(call, from, to, input).and_then(|(from, to)| {
            let (portal, mut act) = call.act();
            portal.associate(&mut act, from, to, &[], false)?;
            Ok(default_rows(portal, from, to))
        });
        match done {
            Ok(rows) => results.extend(rows),
            Err(failure) => errors.push(item_error(failure, "fromObjectId", &from_text(input))),
        }
    }
    Ok(complete(call, 200, results, errors))
}

/// 204 in v4; dated versions answer with a body.
fn archived(call: &Call<'_>) -> Reply {
    match call.version {
        Version::V3 | Version::V4 => Reply::empty(204),
        Version::Y2026M03 | Version::Y2026M09 => complete(call, 200, Vec::new(), Vec::new()),
    }
}

/// `{"from": {"id"}, "to": [{"id"}, …]}`: whole pairs.
fn archive(call: &mut Call<'_>, from: KindRef, to: KindRef, body: &Value) -> Result<Reply, Failure> {
    let inputs = inputs(body, MOST_ARCHIVED)?;
    let (portal, mut act) = call.act();
    for input in inputs {
        let Some(id) = input.get("from").and_then(id_in) else { continue };
        let id = portal.resolve(id);
        for other in input.get("to").and_then(Value::as_array).into_iter().flatten().filter_map(id_in) {
            let other = portal.resolve(other);
            portal.dissociate(&mut act, (from, id), (to, other), None);
        }
    }
    Ok(archived(call))
}

/// Single types of pairs; the plain one takes all labels with it.
fn archive_labels(call: &mut Call<'_>, from: KindRef, to: KindRef, body: &Value) -> Result<Reply, Failure> {
    for input in inputs(body, MOST_ARCHIVED)? {
        let types = types_in(input.get("types"))?;
        let types = call.portal().check_types(from, to, &types)?;
        let id = |member: &str| input.get(member).and_then(id_in).unwrap_or(0);
        let (portal, mut act) = call.act();
        let (one, other) = (portal.resolve(id("from")), portal.resolve(id("to")));
        portal.dissociate(&mut act, (from, one), (to, other), Some(&types));
    }
    Ok(archived(call))
}
