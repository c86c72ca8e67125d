//! The owners of the portal: users to whom records belong. An owner's id is not the user's.

use std::io;

use axum::http::Method;
use serde_json::{Value, json};

use super::{Call, Failure, next_page};
use crate::sim::wire::Reply;

const OWNERS: &str = include_str!("../../../fixtures/hubspot-owners.json");
const PAGE: usize = 100;

#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub id: String,
    pub user_id: u64,
    pub email: String,
    pub first: String,
    pub last: String,
    pub archived: bool,
}

/// One of them has no member of that address in ConnectWise, one has left.
pub(crate) fn owners() -> io::Result<Vec<Owner>> {
    let rows: Value = serde_json::from_str(OWNERS)?;
    let owner = |row: &Value| {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Owner {
            id: text("id"),
            user_id: row.get("userId").and_then(Value::as_u64).unwrap_or(0),
            email: text("email"),
            first: text("firstName"),
            last: text("lastName"),
            archived: row.get("archived").and_then(Value::as_bool).unwrap_or(false),
        }
    };
    Ok(rows.as_array().into_iter().flatten().map(owner).collect())
}

pub(crate) fn serve(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    call.require(&["crm.objects.owners.read"])?;
    let archived = call.flag("archived")?;
    match (call.request.method.clone(), rest) {
        (Method::GET, []) => list(call, archived),
        (Method::GET, [id]) => {
            let by_user = call.request.param("idProperty") == Some("userId");
            // Who has left has no user any more.
            let matches = |o: &&Owner| if by_user { !archived && o.user_id.to_string() == *id } else { o.id == *id };
            let found = call.portal().owners.iter().filter(|o| o.archived == archived).find(matches);
            found.map(|owner| Reply::json(200, &show(owner))).ok_or(Failure::NotFound)
        }
        _ => Err(Failure::NoRoute),
    }
}

fn list(call: &Call<'_>, archived: bool) -> Result<Reply, Failure> {
    let request = call.request;
    let most = call.switches().owners_page_most;
    let limit = call.page_limit(call.asked_limit(), PAGE.min(most), most)?;
    let after: usize = match request.param("after") {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| Failure::invalid(format!("Invalid after: {text}")))?,
    };
    let email = request.param("email").filter(|e| !e.is_empty());
    let fits = |o: &&Owner| o.archived == archived && email.is_none_or(|e| o.email.eq_ignore_ascii_case(e));
    let mut rows = call.portal().owners.iter().filter(fits).skip(after);
    let results: Vec<Value> = rows.by_ref().take(limit).map(show).collect();
    let mut body = json!({ "results": results });
    if let (true, Some(map)) = (rows.next().is_some(), body.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&(after + limit).to_string(), request));
    }
    Ok(Reply::json(200, &body))
}

fn show(owner: &Owner) -> Value {
    let mut json = json!({
        "id": owner.id, "email": owner.email, "firstName": owner.first, "lastName": owner.last, "type": "PERSON",
        "userIdIncludingInactive": owner.user_id, "createdAt": "2021-02-01T09:00:00.123Z",
        "updatedAt": "2025-11-03T15:42:10.551Z", "archived": owner.archived,
    });
    let Some(map) = json.as_object_mut() else { return json };
    if !owner.archived {
        map.insert("userId".to_owned(), json!(owner.user_id));
        map.insert("teams".to_owned(), json!([{"id": "178588", "name": "Sales", "primary": true}]));
    }
    json
}
