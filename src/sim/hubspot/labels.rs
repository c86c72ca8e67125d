//! The association types between two objects, and labels that clients define.

use axum::http::Method;
use serde_json::{Value, json};

use super::kinds::KindRef;
use super::links::Type;
use super::{Call, Failure};
use crate::sim::wire::Reply;

/// Labels that a portal may define between two objects.
const MOST: usize = 50;

pub(crate) fn serve(mut call: Call<'_>, from: KindRef, to: KindRef, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => {
            let shown: Vec<Value> = call.portal().links.types_between(from, to).map(show).collect();
            Ok(Reply::json(200, &json!({ "results": shown })))
        }
        (Method::POST, []) => define(&mut call, from, to),
        (Method::PUT, []) => rename(&mut call, from, to),
        (Method::DELETE, [id]) => {
            let id = own(&call, from, to, id.parse().ok())?;
            call.world.hubspot.links.undefine(id);
            Ok(Reply::empty(204))
        }
        _ => Err(Failure::NoRoute),
    }
}

fn show(one: &Type) -> Value {
    json!({"category": one.category(), "typeId": one.id, "label": one.label})
}

fn define(call: &mut Call<'_>, from: KindRef, to: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    let (Some(label), Some(_)) = (text("label"), text("name")) else {
        let message = "Invalid input JSON on line 1, column 1: Some required fields were not set: [label, name]";
        return Err(Failure::invalid(message.to_owned()));
    };
    let links = &mut call.world.hubspot.links;
    if links.base(from, to).is_none() {
        return Err(super::associations::no_association(from, to));
    }
    if links.types_between(from, to).any(|t| t.label.as_deref() == Some(label)) {
        return Err(Failure::invalid(format!("An association label '{label}' already exists")));
    }
    if links.types_between(from, to).filter(|t| t.by_user).count() >= MOST {
        return Err(Failure::invalid(format!("At most {MOST} labels are allowed between two objects")));
    }
    let (there, back) = links.define((from, to), label, text("inverseLabel"));
    let mut ids = vec![there];
    if back != there {
        ids.push(back);
    }
    let made: Vec<Value> = ids.iter().filter_map(|id| links.get_type(*id)).map(show).collect();
    Ok(Reply::json(201, &json!({ "results": made })))
}

/// A label of the portal's own in this direction; HubSpot's are nobody's to change.
fn own(call: &Call<'_>, from: KindRef, to: KindRef, id: Option<u16>) -> Result<u16, Failure> {
    let mut types = call.portal().links.types_between(from, to);
    let found = id.and_then(|id| types.find(|one| one.id == id)).ok_or(Failure::NotFound)?;
    if !found.by_user {
        return Err(Failure::invalid(format!(
            "Association type {} is defined by HubSpot and cannot be changed",
            found.id
        )));
    }
    Ok(found.id)
}

/// A new label, and where it is given a new one of the other direction; the ids stay.
fn rename(call: &mut Call<'_>, from: KindRef, to: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    let id = body.get("associationTypeId").and_then(super::search::integer);
    let (Some(id), Some(label)) = (id, text("label")) else {
        let message =
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [associationTypeId, label]";
        return Err(Failure::invalid(message.to_owned()));
    };
    let id = own(call, from, to, u16::try_from(id).ok())?;
    let links = &mut call.world.hubspot.links;
    if links.types_between(from, to).any(|t| t.id != id && t.label.as_deref() == Some(label)) {
        return Err(Failure::invalid(format!("An association label '{label}' already exists")));
    }
    links.rename(id, label, text("inverseLabel"));
    Ok(Reply::empty(204))
}
