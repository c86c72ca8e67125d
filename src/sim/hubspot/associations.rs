//! The associations of one record: read in pages, set plain or with labels, take away. And how ids, types and pairs are
//! written in bodies.

use axum::http::Method;
use serde_json::{Value, json};

use super::kinds::KindRef;
use super::objects::unlocked;
use super::portal::Portal;
use super::ties::End;
use super::{Call, Failure, next_page};
use crate::sim::clock::iso_millis;
use crate::sim::wire::Reply;

/// Associated records on one page.
pub(crate) const PAGE: usize = 500;

pub(crate) fn serve(mut call: Call<'_>, from: &str, id: &str, rest: &[&str]) -> Result<Reply, Failure> {
    let writes = call.request.method != Method::GET;
    let from = call.kind(from, writes)?;
    let id: u64 = id.parse().map_err(|_| Failure::NotNumeric(id.to_owned()))?;
    match (call.request.method.clone(), rest) {
        (Method::GET, [to]) => {
            let to = call.kind(to, false)?;
            page(&call, (from, id), to)
        }
        (Method::PUT, ["default", to, other]) => {
            let to = other_end(&mut call, to, other)?;
            let from = call.portal().check_end((from, id))?;
            set_default(&mut call, from, to)
        }
        (Method::PUT, [to, other]) => {
            let to = other_end(&mut call, to, other)?;
            let from = call.portal().check_end((from, id))?;
            set_labels(&mut call, from, to)
        }
        (Method::DELETE, [to, other]) => {
            let to = call.kind(to, true)?;
            let other: u64 = other.parse().map_err(|_| Failure::NotNumeric((*other).to_owned()))?;
            let (portal, mut act) = call.act();
            let (from, other) = ((from, portal.resolve(id)), portal.resolve(other));
            portal.dissociate(&mut act, from, (to, other), None);
            Ok(Reply::empty(204))
        }
        _ => Err(Failure::NoRoute),
    }
}

fn other_end(call: &mut Call<'_>, to: &str, id: &str) -> Result<End, Failure> {
    let to = call.kind(to, true)?;
    unlocked(call, to)?;
    let id: u64 = id.parse().map_err(|_| Failure::NotNumeric(id.to_owned()))?;
    Ok(call.portal().check_end((to, id))?)
}

/// An id that is a text or a number.
pub(crate) fn id_in(of: &Value) -> Option<u64> {
    let id = of.get("id")?;
    id.as_u64().or_else(|| id.as_str().and_then(|text| text.parse().ok()))
}

/// `[{"associationCategory", "associationTypeId"}]`.
pub(crate) fn types_in(from: Option<&Value>) -> Result<Vec<(String, u64)>, Failure> {
    let Some(Value::Array(list)) = from else {
        return Err(Failure::invalid(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [types]".to_owned(),
        ));
    };
    let one = |spec: &Value| {
        let id = spec.get("associationTypeId").and_then(Value::as_u64)?;
        let category = spec.get("associationCategory").and_then(Value::as_str).unwrap_or_default();
        Some((category.to_owned(), id))
    };
    let missing = || {
        Failure::invalid(
            "Invalid input JSON on line 1, column 1: Some required fields were not set: [associationTypeId]".to_owned(),
        )
    };
    list.iter().map(|spec| one(spec).ok_or_else(missing)).collect()
}

/// The types of a pair as a read shows them: labelled ones and, always, the plain one.
pub(crate) fn types_of(portal: &Portal, from: u64, to: End) -> Vec<Value> {
    let types = portal.links.of_pair(from, to.0, to.1);
    let known = types.iter().filter_map(|id| portal.links.get_type(*id));
    known.map(|t| json!({"category": t.category(), "typeId": t.id, "label": t.label})).collect()
}

/// One page of the records that `from` is associated with, and the id at which the next begins.
pub(crate) fn rows(portal: &Portal, from: u64, to: KindRef, after: u64, limit: usize) -> (Vec<Value>, Option<u64>) {
    let mut others = portal.links.others(from, to, after);
    let page = others.by_ref().take(limit);
    let row = |other: u64| json!({"toObjectId": other, "associationTypes": types_of(portal, from, (to, other))});
    let rows = page.map(row).collect();
    (rows, others.next())
}

fn page(call: &Call<'_>, (kind, id): End, to: KindRef) -> Result<Reply, Failure> {
    let portal = call.portal();
    let id = portal.resolve(id);
    portal.of(kind).living(id).ok_or(Failure::NotFound)?;
    let limit = call.page_limit(call.asked_limit(), PAGE, PAGE)?;
    let after = match call.request.param("after") {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| Failure::invalid(format!("Invalid after: {text}")))?,
    };
    let (rows, next) = rows(portal, id, to, after, limit);
    let mut body = json!({ "results": rows });
    if let (Some(next), Some(map)) = (next, body.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&next.to_string(), call.request));
    }
    Ok(Reply::json(200, &body))
}

/// The plain association in both directions, as the default endpoints answer it.
pub(crate) fn default_rows(portal: &Portal, from: End, to: End) -> Vec<Value> {
    let direction = |from: End, to: End| {
        let base = portal.links.base(from.0, to.0)?;
        Some(json!({
            "from": {"id": from.1.to_string()}, "to": {"id": to.1.to_string()},
            "associationSpec": {"associationCategory": base.category(), "associationTypeId": base.id},
        }))
    };
    [direction(from, to), direction(to, from)].into_iter().flatten().collect()
}

fn set_default(call: &mut Call<'_>, from: End, to: End) -> Result<Reply, Failure> {
    let (portal, mut act) = call.act();
    if portal.links.base(from.0, to.0).is_none() {
        return Err(no_association(from.0, to.0));
    }
    portal.associate(&mut act, from, to, &[], false)?;
    let at = iso_millis(call.now);
    let results = default_rows(call.portal(), from, to);
    let body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    Ok(Reply::json(200, &body))
}

/// Objects that cannot be associated at all.
pub(crate) fn no_association(from: KindRef, to: KindRef) -> Failure {
    Failure::invalid(format!("No association type exists from {} to {}", from.type_id, to.type_id))
}

/// A pair with its labels, as the labelled endpoints answer it.
pub(crate) fn labelled(portal: &Portal, from: End, to: End, types: &[u16]) -> Value {
    let labels = types.iter().filter_map(|id| portal.links.get_type(*id)).filter_map(|t| t.label.clone());
    json!({
        "fromObjectTypeId": from.0.type_id, "fromObjectId": from.1, "toObjectTypeId": to.0.type_id, "toObjectId": to.1,
        "labels": labels.collect::<Vec<_>>(),
    })
}

fn set_labels(call: &mut Call<'_>, from: End, to: End) -> Result<Reply, Failure> {
    let body = call.body()?;
    let types = types_in(Some(&body))?;
    let types = call.portal().check_types(from.0, to.0, &types)?;
    if types.is_empty() {
        return Err(Failure::invalid("At least one association type is required".to_owned()));
    }
    let (portal, mut act) = call.act();
    portal.associate(&mut act, from, to, &types, true)?;
    Ok(Reply::json(201, &labelled(call.portal(), from, to, &types)))
}
