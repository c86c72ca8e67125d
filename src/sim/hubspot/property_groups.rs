//! The groups that properties belong to.

use axum::http::Method;
use serde_json::{Value, json};

use super::kinds::KindRef;
use super::properties::{required, text};
use super::schema::Group;
use super::{Call, Failure};
use crate::sim::wire::Reply;

pub(crate) fn serve(call: &mut Call<'_>, kind: KindRef, rest: &[&str]) -> Result<Reply, Failure> {
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => {
            let archived = call.flag("archived")?;
            let groups = call.portal().of(kind).schema.groups.iter().filter(|g| g.archived == archived);
            let shown: Vec<Value> = groups.map(show).collect();
            Ok(Reply::json(200, &json!({ "results": shown })))
        }
        (Method::POST, []) => create(call, kind),
        (Method::GET, [name]) => {
            let found = call.portal().of(kind).schema.groups.iter().find(|g| g.name == *name && !g.archived);
            found.map(|g| Reply::json(200, &show(g))).ok_or(Failure::NotFound)
        }
        (Method::PATCH, [name]) => change(call, kind, name),
        (Method::DELETE, [name]) => {
            let schema = &mut call.world.hubspot.of_mut(kind).schema;
            if schema.properties.iter().any(|p| p.group == *name && p.archived_at.is_none()) {
                return Err(Failure::invalid(format!("Property group '{name}' still has properties")));
            }
            schema.groups.iter_mut().find(|g| g.name == *name).ok_or(Failure::NotFound)?.archived = true;
            Ok(Reply::empty(204))
        }
        _ => Err(Failure::NoRoute),
    }
}

fn show(group: &Group) -> Value {
    json!({"name": group.name, "label": group.label, "displayOrder": group.order, "archived": group.archived})
}

fn order(body: &Value) -> Option<i64> {
    body.get("displayOrder").and_then(Value::as_i64)
}

fn create(call: &mut Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let (name, label) = (required(&body, "name")?, required(&body, "label")?);
    let groups = &mut call.world.hubspot.of_mut(kind).schema.groups;
    if let Some(old) = groups.iter_mut().find(|g| g.name == name) {
        if !old.archived {
            return Err(Failure::PropertyExists(name));
        }
        old.archived = false;
        return Ok(Reply::json(201, &show(old)));
    }
    let group = Group { name, label, order: order(&body).unwrap_or(-1), archived: false };
    let shown = show(&group);
    groups.push(group);
    Ok(Reply::json(201, &shown))
}

fn change(call: &mut Call<'_>, kind: KindRef, name: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let groups = &mut call.world.hubspot.of_mut(kind).schema.groups;
    let group = groups.iter_mut().find(|g| g.name == name && !g.archived).ok_or(Failure::NotFound)?;
    if let Some(label) = text(&body, "label") {
        group.label = label;
    }
    group.order = order(&body).unwrap_or(group.order);
    Ok(Reply::json(200, &show(group)))
}
