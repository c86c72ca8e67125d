//! Owners, account details and daily usage.

use serde_json::{Value, json};

use super::limits::ZONE;
use super::portal::{Owner, PORTAL_ID};
use super::{Call, Failure, next_page, require};
use crate::sim::clock::{iso_millis, midnight_and_offset};
use crate::sim::wire::Reply;

pub(crate) fn owners(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    if call.request.method != axum::http::Method::GET {
        return Err(Failure::NoRoute);
    }
    require(call.world, vec!["crm.objects.owners.read".to_owned()])?;
    let archived = call.request.param("archived") == Some("true");
    match rest {
        [] => list(call, archived),
        [id] => {
            let by_user = call.request.param("idProperty") == Some("userId");
            let matches = |o: &&Owner| if by_user { o.user_id.to_string() == *id } else { o.id == *id };
            let found = call.world.hubspot.owners.iter().filter(|o| o.archived == archived).find(matches);
            found.map(|owner| Reply::json(200, &show(owner))).ok_or(Failure::NotFound)
        }
        _ => Err(Failure::NoRoute),
    }
}

fn list(call: &Call<'_>, archived: bool) -> Result<Reply, Failure> {
    let request = call.request;
    let limit = call.page_limit(request.param("limit").map(|t| t.parse().unwrap_or(-1)), 100, 500)?;
    let after: usize = request.param("after").and_then(|t| t.parse().ok()).unwrap_or(0);
    let email = request.param("email");
    let mut rows = call
        .world
        .hubspot
        .owners
        .iter()
        .filter(|o| o.archived == archived && email.is_none_or(|e| o.email.eq_ignore_ascii_case(e)))
        .skip(after);
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
    if let (false, Some(map)) = (owner.archived, json.as_object_mut()) {
        map.insert("userId".to_owned(), json!(owner.user_id));
    }
    json
}

pub(crate) fn details(call: &Call<'_>, rest: &[&str]) -> Result<Reply, Failure> {
    if call.request.method != axum::http::Method::GET {
        return Err(Failure::NoRoute);
    }
    let (midnight, offset) = midnight_and_offset(call.now, ZONE);
    let body = match rest {
        ["details"] => json!({
            "portalId": PORTAL_ID, "accountType": "STANDARD", "timeZone": "US/Eastern", "companyCurrency": "USD",
            "additionalCurrencies": [], "utcOffset": offset_text(offset), "utcOffsetMilliseconds": i64::from(offset) * 1000,
            "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
        }),
        ["api-usage", "daily", "private-apps"] => json!({"results": [{
            "name": "private-apps-api-calls-daily", "usageLimit": call.world.behaviour.hubspot.daily,
            "currentUsage": call.world.hubspot.buckets.today, "collectedAt": iso_millis(call.now),
            "fetchStatus": "SUCCESS", "resetsAt": iso_millis(midnight),
        }]}),
        _ => return Err(Failure::NoRoute),
    };
    Ok(Reply::json(200, &body))
}

fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
