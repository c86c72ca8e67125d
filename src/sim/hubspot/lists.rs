//! Lists ("segments") over HTTP: find, read, members by record and by time, a record's lists, adding and removing.

use axum::http::Method;
use serde_json::{Value, json};

use super::kinds::{Kind, KindRef};
use super::list_store::{List, Processing};
use super::search::integer;
use super::{Call, Failure, next_page};
use crate::sim::clock::iso_millis;
use crate::sim::wire::Reply;

/// Lists on one page of a search; members on one page.
const PAGE: usize = 500;
const MEMBERS: usize = 250;
/// Records that are added or removed with one call.
const MOST_AT_ONCE: usize = 100_000;

pub(crate) fn serve(mut call: Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    let reads =
        call.request.method == Method::GET || matches!(rest, ["search"] | ["records", "memberships", "batch", "read"]);
    call.require(if reads { &["crm.lists.read"] } else { &["crm.lists.write"] })?;
    match (call.request.method.clone(), rest) {
        (Method::POST, ["search"]) => search(&call),
        (Method::POST, []) => create(&mut call),
        (Method::GET, []) => by_ids(&call),
        (Method::GET, ["object-type-id", kind, "name", name]) => {
            let kind = Kind::named(kind).ok_or(Failure::NotFound)?;
            let list = call.portal().lists.by_name(kind, name).ok_or_else(|| missing(name))?;
            Ok(Reply::json(200, &json!({"list": shown(&call, list)?})))
        }
        (Method::GET, ["records", kind, id, "memberships"]) => of_record(&call, kind, id),
        (Method::POST, ["records", "memberships", "batch", "read"]) => of_records(&call),
        // Not served, and no ids of lists.
        (_, ["folders" | "idmapping", ..]) => Err(Failure::NoRoute),
        (Method::GET, [id]) => Ok(Reply::json(200, &json!({"list": shown(&call, list(&call, id)?)?}))),
        (Method::DELETE, [id]) => {
            let id = list(&call, id)?.id;
            call.world.hubspot.lists.remove(id);
            Ok(Reply::empty(204))
        }
        (Method::PUT, [id, "restore"]) => restore(&mut call, id),
        (Method::PUT, [id, "update-list-name"]) => rename(&mut call, id),
        (Method::DELETE, [id, "memberships"]) => {
            let kept = kept_by_people(&call, id)?.id;
            let now = call.now;
            let list = call.world.hubspot.lists.get_mut(kept).ok_or(Failure::NotFound)?;
            list.members.clear();
            list.updated = now;
            Ok(Reply::empty(204))
        }
        (Method::PUT, [id, "memberships", "add-from", source]) => add_from(&mut call, id, source),
        (Method::GET, [id, "memberships"]) => members(&call, id, false),
        (Method::GET, [id, "memberships", "join-order"]) => members(&call, id, true),
        (Method::PUT, [id, "memberships", what]) => change(&mut call, id, what),
        _ => Err(Failure::NoRoute),
    }
}

fn missing(what: &str) -> Failure {
    // Lists say with a category what other objects say without.
    Failure::Absent { message: format!("List does not exist: {what}"), sub: "ListError.LIST_NOT_FOUND" }
}

fn list<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a List, Failure> {
    id.parse().ok().and_then(|id| call.portal().lists.get(id)).ok_or_else(|| missing(id))
}

fn outline(list: &List) -> Value {
    json!({
        "listId": list.id.to_string(), "listVersion": 1, "name": list.name, "objectTypeId": list.kind.type_id,
        "processingType": list.processing.name(), "processingStatus": "COMPLETE", "size": list.members.len(),
        "createdAt": iso_millis(list.created), "updatedAt": iso_millis(list.updated),
        "filtersUpdatedAt": iso_millis(list.created),
    })
}

fn shown(call: &Call<'_>, list: &List) -> Result<Value, Failure> {
    let mut json = outline(list);
    if let (true, false, Some(map)) = (call.flag("includeFilters")?, list.filter.is_null(), json.as_object_mut()) {
        map.insert("filterBranch".to_owned(), list.filter.clone());
    }
    Ok(json)
}

fn by_ids(call: &Call<'_>) -> Result<Reply, Failure> {
    let ids: Vec<u64> = call.request.list_param("listIds").iter().filter_map(|id| id.parse().ok()).collect();
    let found = call.portal().lists.iter().filter(|l| ids.contains(&l.id)).map(|l| shown(call, l));
    let found = found.collect::<Result<Vec<Value>, Failure>>()?;
    Ok(Reply::json(200, &json!({ "lists": found })))
}

fn search(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let words = text("query").map(str::to_lowercase);
    let kind = match text("objectTypeId") {
        Some(name) => Some(Kind::named(name).ok_or_else(|| Failure::invalid(format!("Unknown object type: {name}")))?),
        None => None,
    };
    let types = super::show::strings(body.get("processingTypes"));
    let number = |name: &str, default: i64| body.get(name).map_or(Some(default), integer);
    let count = call.page_limit(number("count", 20), 20, PAGE)?;
    let offset = number("offset", 0).and_then(|n| usize::try_from(n).ok());
    let offset = offset.ok_or_else(|| Failure::invalid("offset must not be negative".to_owned()))?;
    let fits = |list: &&List| {
        words.as_ref().is_none_or(|w| list.name.to_lowercase().contains(w.as_str()))
            && kind.is_none_or(|k| list.kind == k)
            && (types.is_empty() || types.iter().any(|t| t == list.processing.name()))
    };
    let found: Vec<&List> = call.portal().lists.iter().filter(fits).collect();
    let page: Vec<Value> = found.iter().skip(offset).take(count).map(|list| outline(list)).collect();
    let next = offset + page.len();
    let body = json!({"lists": page, "hasMore": next < found.len(), "offset": next, "total": found.len()});
    Ok(Reply::json(200, &body))
}

fn create(call: &mut Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.trim().is_empty());
    let kind = text("objectTypeId").and_then(Kind::named);
    let processing = text("processingType").and_then(Processing::named);
    let (Some(name), Some(kind), Some(processing)) = (text("name"), kind, processing) else {
        let message = "Invalid input JSON on line 1, column 1: Some required fields were not set: [name, objectTypeId, processingType]";
        return Err(Failure::invalid(message.to_owned()));
    };
    let filter = body.get("filterBranch").cloned().unwrap_or(Value::Null);
    let now = call.now;
    let id = call.world.hubspot.lists.define(name, kind, processing, filter, now);
    let id = id.ok_or_else(|| taken(name))?;
    let list = call.portal().lists.get(id).ok_or(Failure::NotFound)?;
    Ok(Reply::json(200, &json!({"list": shown(call, list)?})))
}

/// Sorted by record, or by the time of joining, oldest first.
fn members(call: &Call<'_>, id: &str, by_time: bool) -> Result<Reply, Failure> {
    let list = list(call, id)?;
    let limit = call.page_limit(call.asked_limit(), 100, MEMBERS)?;
    let mut rows: Vec<(u64, i64)> = list.members.iter().map(|(record, at)| (*record, *at)).collect();
    if by_time {
        rows.sort_by_key(|(record, at)| (*at, *record));
    }
    let key = |(record, at): &(u64, i64)| if by_time { format!("{at}:{record}") } else { record.to_string() };
    let start = match call.request.param("after") {
        None | Some("") => 0,
        Some(after) => {
            let place = place(after, by_time).ok_or_else(|| Failure::invalid(format!("Invalid after: {after}")))?;
            rows.partition_point(|(record, at)| (if by_time { *at } else { 0 }, *record) < place)
        }
    };
    let page = rows.iter().skip(start).take(limit);
    let results: Vec<Value> = page
        .map(|(record, at)| json!({"recordId": record.to_string(), "membershipTimestamp": iso_millis(*at)}))
        .collect();
    let mut body = json!({"total": rows.len(), "results": results});
    if let (Some(next), Some(map)) = (rows.get(start + results.len()), body.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&key(next), call.request));
    }
    Ok(Reply::json(200, &body))
}

fn place(after: &str, by_time: bool) -> Option<(i64, u64)> {
    if !by_time {
        return Some((0, after.parse().ok()?));
    }
    let (at, record) = after.split_once(':')?;
    Some((at.parse().ok()?, record.parse().ok()?))
}

fn lists_of(call: &Call<'_>, kind: KindRef, record: u64) -> Vec<Value> {
    let lists = call.portal().lists.of_record(kind, record);
    lists
        .map(|(list, at)| {
            json!({
                "listId": list.id.to_string(), "listVersion": 1, "isPublicList": true,
                "firstAddedTimestamp": iso_millis(at), "lastAddedTimestamp": iso_millis(at),
            })
        })
        .collect()
}

fn of_record(call: &Call<'_>, kind: &str, id: &str) -> Result<Reply, Failure> {
    let kind = Kind::named(kind).ok_or(Failure::NotFound)?;
    let id = id.parse().map_err(|_| Failure::NotNumeric(id.to_owned()))?;
    let results = lists_of(call, kind, call.portal().resolve(id));
    Ok(Reply::json(200, &json!({"total": results.len(), "results": results})))
}

fn of_records(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    let mut results = Vec::new();
    for input in super::batch::inputs(&body, 100)? {
        let text = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
        let Some(kind) = Kind::named(text("objectTypeId")) else { continue };
        let id = text("recordId").parse().unwrap_or(0);
        let lists = lists_of(call, kind, call.portal().resolve(id));
        results.push(json!({
            "recordId": text("recordId"), "objectTypeId": kind.type_id, "recordListMemberships": lists,
        }));
    }
    Ok(super::batch::complete(call, 200, results, Vec::new()))
}

fn ids(from: Option<&Value>) -> Result<Vec<u64>, Failure> {
    let Some(Value::Array(list)) = from else {
        return Err(Failure::invalid("Invalid input JSON on line 1, column 1: an array of ids is expected".to_owned()));
    };
    if list.len() > MOST_AT_ONCE {
        return Err(Failure::invalid(format!("At most {MOST_AT_ONCE} records at once")));
    }
    Ok(list.iter().filter_map(integer).filter_map(|id| u64::try_from(id).ok()).collect())
}

/// A list whose members are people's to change; about those of the others a filter decides alone.
fn kept_by_people<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a List, Failure> {
    let list = list(call, id)?;
    if list.processing == Processing::Dynamic {
        return Err(Failure::invalid(format!("List {id} is DYNAMIC: its members cannot be changed")));
    }
    Ok(list)
}

fn rename(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let (id, now) = (list(call, id)?.id, call.now);
    let name = call.request.param("listName").filter(|name| !name.trim().is_empty()).map(str::to_owned);
    let name = name.ok_or_else(|| Failure::invalid("listName must not be blank".to_owned()))?;
    if !call.world.hubspot.lists.rename(id, &name, now) {
        return Err(taken(&name));
    }
    let list = call.portal().lists.get(id).ok_or(Failure::NotFound)?;
    Ok(Reply::json(200, &json!({"updatedList": shown(call, list)?})))
}

/// Its name may have been given to another list since.
fn restore(call: &mut Call<'_>, id: &str) -> Result<Reply, Failure> {
    let lists = &mut call.world.hubspot.lists;
    let known = id.parse().ok().filter(|id| lists.get(*id).is_some() || lists.is_removed(*id));
    let known = known.ok_or_else(|| missing(id))?;
    lists.restore(known).map_err(|name| taken(&name))?;
    Ok(Reply::empty(204))
}

fn taken(name: &str) -> Failure {
    Failure::invalid(format!("A list named '{name}' already exists"))
}

/// The members of another list of the same object join.
fn add_from(call: &mut Call<'_>, id: &str, source: &str) -> Result<Reply, Failure> {
    let (kept, from) = (kept_by_people(call, id)?, list(call, source)?);
    if kept.kind != from.kind {
        let (kept, from) = (kept.kind.plural(), from.kind.plural());
        return Err(Failure::invalid(format!("List {id} holds {kept} and list {source} holds {from}")));
    }
    if from.members.len() > MOST_AT_ONCE {
        return Err(Failure::invalid(format!("At most {MOST_AT_ONCE} records at once")));
    }
    let (kept, joining, now) = (kept.id, from.members.keys().copied().collect::<Vec<u64>>(), call.now);
    let list = call.world.hubspot.lists.get_mut(kept).ok_or(Failure::NotFound)?;
    for record in joining {
        list.members.entry(record).or_insert(now);
    }
    list.updated = now;
    Ok(Reply::empty(204))
}

fn change(call: &mut Call<'_>, id: &str, what: &str) -> Result<Reply, Failure> {
    let body = call.body()?;
    let (add, remove) = match what {
        "add" => (ids(Some(&body))?, Vec::new()),
        "remove" => (Vec::new(), ids(Some(&body))?),
        "add-and-remove" => (ids(body.get("recordIdsToAdd"))?, ids(body.get("recordIdsToRemove"))?),
        _ => return Err(Failure::NoRoute),
    };
    let list = kept_by_people(call, id)?;
    let (id, kind, now) = (list.id, list.kind, call.now);
    let portal = &mut call.world.hubspot;
    let (known, unknown): (Vec<u64>, Vec<u64>) =
        add.into_iter().partition(|record| portal.of(kind).living(*record).is_some());
    let list = portal.lists.get_mut(id).ok_or(Failure::NotFound)?;
    let new: Vec<u64> = known.into_iter().filter(|record| list.members.insert(*record, now).is_none()).collect();
    let gone: Vec<u64> = remove.into_iter().filter(|record| list.members.remove(record).is_some()).collect();
    list.updated = now;
    let text = |ids: Vec<u64>| ids.into_iter().map(|id| id.to_string()).collect::<Vec<_>>();
    let body = json!({
        "recordsIdsAdded": text(new), "recordIdsRemoved": text(gone), "recordIdsMissing": text(unknown),
    });
    Ok(Reply::json(200, &body))
}
