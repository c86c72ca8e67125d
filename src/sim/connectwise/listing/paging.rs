//! Pages of a list: how large, which one, the `Link` header that leads on, and the members that are shown.

use serde_json::{Value, json};

use super::super::{Call, Failure};
use super::find_condition;
use crate::sim::wire::{Reply, encode};

const DEFAULT_PAGE: usize = 25;
const MOST_PER_PAGE: usize = 1000;

pub(super) fn is_forward_only(call: &Call<'_>) -> bool {
    call.request.header("pagination-type").is_some_and(|v| v.eq_ignore_ascii_case("forward-only"))
}

pub(super) fn number(call: &Call<'_>, parameter: &str) -> Result<Option<u64>, Failure> {
    let text = call.request.param(parameter).filter(|t| !t.is_empty());
    let bad = |t| find_condition(format!("{parameter} must be a whole number, but was {t}."));
    text.map(|t: &str| t.parse().map_err(|_| bad(t))).transpose()
}

pub(super) fn page_size(call: &Call<'_>) -> Result<usize, Failure> {
    let asked = number(call, "pageSize")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(DEFAULT_PAGE);
    if asked == 0 || asked > MOST_PER_PAGE {
        return Err(find_condition(format!("pageSize must be between 1 and {MOST_PER_PAGE}.")));
    }
    Ok(call.world.behaviour.page_cap.map_or(asked, |cap| asked.min(cap.max(1))))
}

/// One page among others, by its number.
pub(super) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    pub fn asked(call: &Call<'_>, size: usize) -> Result<Self, Failure> {
        let number = number(call, "page")?.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
        Ok(Self { number, size })
    }

    pub const fn skip(&self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    /// Adds the `Link` header, unless everything fits one page.
    pub fn link(&self, call: &Call<'_>, total: usize, reply: Reply) -> Reply {
        let last = total.div_ceil(self.size).max(1);
        if last == 1 {
            return reply;
        }
        let mut links = Vec::new();
        let mut add = |page: usize, rel| links.push(link(call, "page", page as u64, rel));
        if self.number < last {
            add(self.number + 1, "next");
            add(last, "last");
        }
        if self.number > 1 {
            add(1, "first");
            add(self.number - 1, "prev");
        }
        reply.with("link", links.join(", "))
    }
}

/// `<url>; rel="next"`: this request with one parameter changed.
pub(super) fn link(call: &Call<'_>, parameter: &str, value: u64, rel: &str) -> String {
    let request = call.request;
    let kept = request.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(parameter));
    let mut query: Vec<String> = kept.map(|(name, v)| format!("{}={}", encode(name), encode(v))).collect();
    query.push(format!("{parameter}={value}"));
    format!("<http://{}{}?{}>; rel=\"{rel}\"", request.host(), request.path, query.join("&"))
}

/// The row with only what `fields` asks for, such as `id,status/id,_info/lastUpdated`.
pub(crate) fn partial(call: &Call<'_>, whole: Value) -> Value {
    let asked = call.request.list_param("fields");
    if asked.is_empty() {
        return whole;
    }
    let mut result = json!({});
    for path in &asked {
        copy(&whole, &mut result, path);
    }
    result
}

/// Copies what is under a path; in a list, of every item.
fn copy(from: &Value, into: &mut Value, path: &str) {
    let (head, rest) = path.split_once('/').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let (Some(from), Some(into)) = (from.as_object(), into.as_object_mut()) else { return };
    let Some((name, value)) = from.iter().find(|(name, _)| name.eq_ignore_ascii_case(head)) else { return };
    match (rest, value) {
        (None, _) => drop(into.insert(name.clone(), value.clone())),
        (Some(rest), Value::Object(_)) => copy(value, into.entry(name.clone()).or_insert_with(|| json!({})), rest),
        (Some(rest), Value::Array(items)) => {
            let slot = into.entry(name.clone()).or_insert_with(|| Value::Array(vec![json!({}); items.len()]));
            let slots = slot.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
            items.iter().zip(slots).for_each(|(item, slot)| copy(item, slot, rest));
        }
        (Some(_), _) => {}
    }
}
