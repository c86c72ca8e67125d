//! Search: the request, its limits, and the page that goes back. It shows what the index knows at this moment.

use serde_json::{Value, json};

use super::kinds::KindRef;
use super::search_filters;
use super::search_query::{self, Query};
use super::show::{Shown, show};
use super::{Call, Failure, next_page};
use crate::sim::wire::Reply;

const WINDOW: usize = 10_000;
const PAGE: usize = 200;
/// Longest `query`, in characters.
const QUERY_LIMIT: usize = 3_000;

pub(crate) fn serve(call: &Call<'_>, kind: KindRef) -> Result<Reply, Failure> {
    let body = call.body()?;
    let length = String::from_utf8_lossy(&call.request.body).chars().count();
    if let Some(most) = call.switches().search_body_limit.filter(|most| length > *most) {
        return Err(Failure::invalid(format!("The request body must not be longer than {most} characters")));
    }
    let portal = call.portal();
    let groups = search_filters::groups(portal, kind, &body)?;
    let sort = search_filters::sort(portal, kind, &body)?;
    let words = body.get("query").and_then(Value::as_str).map(str::to_lowercase);
    if words.as_ref().is_some_and(|words| words.chars().count() > QUERY_LIMIT) {
        return Err(Failure::invalid(format!("The query must not be longer than {QUERY_LIMIT} characters")));
    }
    let limit = call.page_limit(body.get("limit").map(|v| integer(v).unwrap_or(-1)), 10, PAGE)?;
    let after = offset(&body)?;
    if after + limit > WINDOW {
        return Err(Failure::invalid(format!(
            "Paging past {WINDOW} results is not supported: after={after}, limit={limit}"
        )));
    }
    let query = Query { kind, groups: &groups, words: words.as_deref(), sort };
    let mut page = search_query::find(portal, call.now, &query, after..after + limit);
    if call.switches().search_is_out_of_order {
        page.rows.chunks_exact_mut(2).for_each(|pair| pair.reverse());
    }
    let shown = Shown::of_body(call, kind, &body);
    let newer = call.switches().search_shows_newer;
    let row = |(record, version): &search_query::Row<'_>| {
        show(portal, kind, record, if newer { &record.current } else { version }, &shown)
    };
    let results: Vec<Value> = page.rows.iter().map(row).collect();
    let mut json = json!({"total": page.total, "results": results});
    let next = after + results.len();
    if let (true, Some(map)) = (next < page.total && !results.is_empty(), json.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&next.to_string(), call.request));
    }
    Ok(Reply::json(200, &json))
}

/// An integer, or a text that is one.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(|t| t.parse().ok()))
}

/// `after` of a search is how many rows to pass over, not an id.
fn offset(body: &Value) -> Result<usize, Failure> {
    match body.get("after") {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) if text.is_empty() => Ok(0),
        Some(value) => integer(value)
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n <= WINDOW)
            .ok_or_else(|| Failure::invalid(format!("Invalid after: {value}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_may_be_a_number_or_a_text() {
        for good in [json!({"after": 20}), json!({"after": "20"})] {
            assert!(matches!(offset(&good), Ok(20)));
        }
        for bad in [json!({"after": "x"}), json!({"after": -1}), json!({"after": "99999999999999999999"})] {
            assert!(offset(&bad).is_err(), "{bad}");
        }
    }
}
