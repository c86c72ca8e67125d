//! Spoils answers that were right: other values, missing members, another order, other headers.

use serde_json::Value;

use super::clock::http_date;
use super::faults::{Fault, RetryAfter};
use super::random::Random;
use super::wire::Reply;

/// Every header name that any answer carries; a fault may set or remove one of these.
const HEADERS: [&str; 4] = ["link", "retry-after", "date", "location"];

/// Does to a finished reply what the fault says; faults of other kinds leave it as it is.
pub(crate) fn alter(reply: &mut Reply, fault: &Fault, random: &mut Random) {
    match fault {
        Fault::HalfBody => reply.body.truncate(reply.body.len() / 2),
        Fault::Header { name, value } => set_header(reply, name, value.as_deref()),
        Fault::Mangle { pointer, value } => in_json(reply, |body| mangle(body, pointer, value.as_ref())),
        Fault::Reorder { pointer } => {
            in_json(reply, |body| arrays(body, pointer, &mut |items| reorder(items, random)));
        }
        Fault::DropItem { pointer, index } => in_json(reply, |body| {
            arrays(body, pointer, &mut |items| {
                let last = items.len().saturating_sub(1);
                if !items.is_empty() {
                    items.remove(index.map_or(last, |index| index.min(last)));
                }
            });
        }),
        _ => {}
    }
}

/// The reply with this `Retry-After` and no other.
pub(crate) fn wait(reply: Reply, after: Option<RetryAfter>, now_ms: i64) -> Reply {
    match after {
        None => without_wait(reply),
        Some(RetryAfter::Seconds(n) | RetryAfter::Milliseconds(n)) => wait_seconds(reply, n),
        Some(RetryAfter::DateInSeconds(n)) => {
            without_wait(reply).with("retry-after", http_date(now_ms.saturating_add(i64::from(n) * 1000)))
        }
    }
}

pub(crate) fn wait_seconds(reply: Reply, seconds: u32) -> Reply {
    without_wait(reply).with("retry-after", seconds.to_string())
}

fn without_wait(mut reply: Reply) -> Reply {
    reply.headers.retain(|(name, _)| *name != "retry-after");
    reply
}

fn set_header(reply: &mut Reply, name: &str, value: Option<&str>) {
    let known = HEADERS.iter().chain(reply.headers.iter().map(|(name, _)| name));
    let known = known.copied().find(|known| known.eq_ignore_ascii_case(name));
    reply.headers.retain(|(header, _)| !header.eq_ignore_ascii_case(name));
    if let (Some(name), Some(value)) = (known, value) {
        reply.headers.push((name, value.to_owned()));
    }
}

/// A body that is not JSON stays as it is.
fn in_json(reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice(&reply.body) {
        change(&mut body);
        reply.body = serde_json::to_vec(&body).unwrap_or_default();
    }
}

fn mangle(body: &mut Value, pointer: &str, value: Option<&Value>) {
    let Some((above, last)) = pointer.rsplit_once('/') else {
        *body = value.cloned().unwrap_or(Value::Null);
        return;
    };
    let last = unescaped(last);
    reach(body, above, &mut |parent| match (parent, last.as_str()) {
        (Value::Array(items), "*") => match value {
            Some(value) => items.fill(value.clone()),
            None => items.clear(),
        },
        (Value::Array(items), index) => {
            let Some(index) = index.parse().ok().filter(|index| *index < items.len()) else { return };
            match (value, items.get_mut(index)) {
                (Some(value), Some(item)) => *item = value.clone(),
                _ => drop(items.remove(index)),
            }
        }
        (Value::Object(map), name) => match value {
            Some(value) => drop(map.insert(name.to_owned(), value.clone())),
            None => drop(map.remove(name)),
        },
        _ => {}
    });
}

fn arrays(body: &mut Value, pointer: &str, change: &mut dyn FnMut(&mut Vec<Value>)) {
    reach(body, pointer, &mut |found| {
        if let Value::Array(items) = found {
            change(items);
        }
    });
}

/// Calls `change` with everything that the pointer leads to.
fn reach(value: &mut Value, pointer: &str, change: &mut dyn FnMut(&mut Value)) {
    let Some(rest) = pointer.strip_prefix('/') else {
        if pointer.is_empty() {
            change(value);
        }
        return;
    };
    let at = rest.find('/').unwrap_or(rest.len());
    let (part, rest) = rest.split_at(at);
    match (value, unescaped(part).as_str()) {
        (Value::Array(items), "*") => items.iter_mut().for_each(|item| reach(item, rest, change)),
        (Value::Array(items), index) => {
            if let Some(item) = index.parse().ok().and_then(|index: usize| items.get_mut(index)) {
                reach(item, rest, change);
            }
        }
        (Value::Object(map), name) => {
            if let Some(member) = map.get_mut(name) {
                reach(member, rest, change);
            }
        }
        _ => {}
    }
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// Another order than before, wherever there is another.
fn reorder(items: &mut [Value], random: &mut Random) {
    let before = items.to_vec();
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at + 1));
    }
    if items == before.as_slice() && !items.is_empty() {
        items.rotate_left(1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_reaches_members_items_and_all_items() {
        let body = json!({"results": [{"id": "1", "a/b": 1}, {"id": "2"}], "paging": {"next": {"after": "2"}}});
        let table = [
            ("/results/0/id", Some(json!(1)), "/results/0/id", Some(json!(1))),
            ("/results/*/id", None, "/results/1", Some(json!({}))),
            ("/results/0/a~1b", Some(json!(null)), "/results/0/a~1b", Some(json!(null))),
            ("/paging/next/after", Some(json!("1")), "/paging/next/after", Some(json!("1"))),
            ("/paging", None, "/paging", None),
            ("/results/1", None, "/results/1", None),
            ("/results/*", None, "/results", Some(json!([]))),
            ("/nothing/here", Some(json!(1)), "/nothing", None),
            ("/results/7", Some(json!(1)), "/results/7", None),
            ("", Some(json!([])), "", Some(json!([]))),
        ];
        for (pointer, value, looked_at, expected) in table {
            let mut body = body.clone();
            mangle(&mut body, pointer, value.as_ref());
            assert_eq!(body.pointer(looked_at), expected.as_ref(), "{pointer}");
        }
    }

    #[test]
    fn another_order_differs_from_the_one_before() {
        for length in 2..6 {
            for seed in 0..20 {
                let before: Vec<Value> = (0..length).map(Value::from).collect();
                let mut after = before.clone();
                reorder(&mut after, &mut Random::new(seed));
                assert_ne!(after, before);
                after.sort_by_key(Value::as_u64);
                assert_eq!(after, before);
            }
        }
    }
}
