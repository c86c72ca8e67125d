//! Search: filters, sort, pages up to the ten-thousandth row, over what the index knows at this moment.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::objects::{Shown, show};
use super::portal::{Portal, Record, Version};
use super::schema::PropertyId;
use super::{Call, Failure, next_page};
use crate::sim::clock::parse_instant;
use crate::sim::wire::Reply;

const MOST_GROUPS: usize = 5;
const MOST_IN_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;
const WINDOW: usize = 10_000;
/// Longest request body, in characters.
const BODY_LIMIT: usize = 3_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Eq,
    Neq,
    Lt,
    Lte,
    Gt,
    Gte,
    Between,
    In,
    NotIn,
    Has,
    HasNot,
    Token,
    NotToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Text that is compared as it is written.
    Choice,
    Number,
    Time,
}

#[derive(Debug)]
struct Filter {
    property: PropertyId,
    kind: Kind,
    op: Op,
    /// Lower case for text; the second value is the upper end of a range.
    values: Vec<String>,
    numbers: Vec<f64>,
}

type Groups = Vec<Vec<Filter>>;

pub(crate) fn serve(call: &Call<'_>) -> Result<Reply, Failure> {
    let body = call.body()?;
    if String::from_utf8_lossy(&call.request.body).chars().count() > BODY_LIMIT {
        return Err(Failure::invalid(format!("The request body must not be longer than {BODY_LIMIT} characters")));
    }
    let portal = &call.world.hubspot;
    let groups = parse_groups(portal, &body)?;
    let sort = parse_sort(portal, &body)?;
    let query = body.get("query").and_then(Value::as_str).map(str::to_lowercase);
    let limit = call.page_limit(body.get("limit").map(|v| integer(v).unwrap_or(-1)), 10, 200)?;
    let after = offset(&body)?;
    if after + limit > WINDOW {
        return Err(Failure::invalid(format!(
            "Paging past {WINDOW} results is not supported: after={after}, limit={limit}"
        )));
    }
    let page = find(portal, call.now, &groups, query.as_deref(), sort, after..after + limit);
    let shown = Shown::of_body(portal, &body);
    let results: Vec<Value> = page.rows.iter().map(|(record, version)| show(portal, record, version, &shown)).collect();
    let mut json = json!({"total": page.total, "results": results});
    let next = after + results.len();
    if let (true, Some(map)) = (next < page.total && !results.is_empty(), json.as_object_mut()) {
        map.insert("paging".to_owned(), next_page(&next.to_string(), call.request));
    }
    Ok(Reply::json(200, &json))
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str().and_then(|t| t.parse().ok()))
}

fn offset(body: &Value) -> Result<usize, Failure> {
    match body.get("after") {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) if text.is_empty() => Ok(0),
        Some(value) => integer(value)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| Failure::invalid(format!("Invalid after: {value}"))),
    }
}

fn parse_groups(portal: &Portal, body: &Value) -> Result<Groups, Failure> {
    let list = |v: &Value, name: &str| v.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut groups: Vec<Vec<Value>> = list(body, "filterGroups").iter().map(|g| list(g, "filters")).collect();
    let lone = list(body, "filters");
    if !lone.is_empty() {
        groups.push(lone);
    }
    let all: usize = groups.iter().map(Vec::len).sum();
    if groups.len() > MOST_GROUPS || all > MOST_FILTERS || groups.iter().any(|g| g.len() > MOST_IN_GROUP) {
        return Err(Failure::invalid(format!(
            "Too many filters: at most {MOST_GROUPS} groups, {MOST_IN_GROUP} filters in each, {MOST_FILTERS} in all"
        )));
    }
    groups.iter().map(|group| group.iter().map(|filter| parse_filter(portal, filter)).collect()).collect()
}

fn parse_filter(portal: &Portal, filter: &Value) -> Result<Filter, Failure> {
    let bad = || Failure::invalid("There was a problem with the request.".to_owned());
    let name = filter.get("propertyName").and_then(Value::as_str).ok_or_else(bad)?;
    let property = portal.schema.id(name).ok_or_else(bad)?;
    let op = match filter.get("operator").and_then(Value::as_str).ok_or_else(bad)? {
        "EQ" => Op::Eq,
        "NEQ" => Op::Neq,
        "LT" => Op::Lt,
        "LTE" => Op::Lte,
        "GT" => Op::Gt,
        "GTE" => Op::Gte,
        "BETWEEN" => Op::Between,
        "IN" => Op::In,
        "NOT_IN" => Op::NotIn,
        "HAS_PROPERTY" => Op::Has,
        "NOT_HAS_PROPERTY" => Op::HasNot,
        "CONTAINS_TOKEN" => Op::Token,
        "NOT_CONTAINS_TOKEN" => Op::NotToken,
        _ => return Err(bad()),
    };
    let kind = match portal.schema.get(property).map_or("string", |p| p.kind.as_str()) {
        "number" => Kind::Number,
        "date" | "datetime" => Kind::Time,
        "enumeration" | "bool" => Kind::Choice,
        _ => Kind::Text,
    };
    let mut values = Vec::new();
    match op {
        Op::In | Op::NotIn => {
            values.extend(filter.get("values").and_then(Value::as_array).into_iter().flatten().map(text))
        }
        Op::Between => values.extend([filter.get("value"), filter.get("highValue")].into_iter().flatten().map(text)),
        Op::Has | Op::HasNot => {}
        _ => values.extend(filter.get("value").map(text)),
    }
    if values.is_empty() && !matches!(op, Op::Has | Op::HasNot) || op == Op::Between && values.len() != 2 {
        return Err(bad());
    }
    let is_range = matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::Between);
    // Comparing a text property with a date is refused.
    if is_range && kind == Kind::Text && values.iter().any(|v| parse_instant(v).is_some()) {
        return Err(bad());
    }
    let mut numbers = Vec::new();
    if matches!(kind, Kind::Number | Kind::Time) {
        for value in &values {
            numbers.push(number(kind, value).ok_or_else(bad)?);
        }
    }
    // Everything ignores case, except choices, and lists of text, whose values must be lower case to be found.
    if kind == Kind::Text && !matches!(op, Op::In | Op::NotIn) {
        values.iter_mut().for_each(|v| *v = v.to_lowercase());
    }
    Ok(Filter { property, kind, op, values, numbers })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[expect(clippy::cast_precision_loss, reason = "ids and milliseconds stay far below 2^53")]
fn number(kind: Kind, value: &str) -> Option<f64> {
    match kind {
        Kind::Time => value.parse::<i64>().ok().or_else(|| parse_instant(value)).map(|ms| ms as f64),
        _ => value.trim().parse().ok(),
    }
}

#[derive(Debug, Clone, Copy)]
struct Sort {
    property: PropertyId,
    is_number: bool,
    descending: bool,
}

fn parse_sort(portal: &Portal, body: &Value) -> Result<Option<Sort>, Failure> {
    let sorts = body.get("sorts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(sort) = sorts.first() else { return Ok(None) };
    if sorts.len() > 1 {
        return Err(Failure::invalid("Only one sort is allowed".to_owned()));
    }
    let (name, descending) = match sort {
        Value::String(text) => text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true)),
        other => (
            other.get("propertyName").and_then(Value::as_str).unwrap_or_default(),
            other.get("direction").and_then(Value::as_str) == Some("DESCENDING"),
        ),
    };
    let property =
        portal.schema.id(name).ok_or_else(|| Failure::invalid("There was a problem with the request.".to_owned()))?;
    let kind = portal.schema.get(property).map_or("", |p| p.kind.as_str());
    Ok(Some(Sort { property, is_number: kind == "number", descending }))
}

struct Page<'a> {
    total: usize,
    rows: Vec<(&'a Record, &'a Version)>,
}

type Row<'a> = (&'a Record, &'a Version);

fn find<'a>(
    portal: &'a Portal,
    now: i64,
    groups: &Groups,
    query: Option<&str>,
    sort: Option<Sort>,
    window: std::ops::Range<usize>,
) -> Page<'a> {
    let mut rows: Vec<Row<'a>> = candidates(portal, now, groups)
        .filter(|record| record.archived_at.is_none())
        .filter_map(|record| record.indexed(now).map(|version| (record, version)))
        .filter(|row| groups.is_empty() || groups.iter().any(|g| g.iter().all(|f| holds(portal, *row, f))))
        .filter(|row| query.is_none_or(|q| mentions(portal, *row, q)))
        .collect();
    match sort {
        Some(sort) if sort.property != portal.known.object_id => sort_rows(portal, &mut rows, sort),
        Some(sort) => rows.sort_unstable_by(|a, b| directed(a.0.id.cmp(&b.0.id), sort.descending)),
        None => rows.sort_unstable_by_key(|(record, _)| (record.created, record.id)),
    }
    let total = rows.len();
    let rows = rows.into_iter().skip(window.start).take(window.len()).collect();
    Page { total, rows }
}

fn directed(order: Ordering, descending: bool) -> Ordering {
    if descending { order.reverse() } else { order }
}

fn sort_rows(portal: &Portal, rows: &mut [Row<'_>], sort: Sort) {
    if sort.property == portal.known.modified {
        rows.sort_by(|a, b| directed(a.1.modified.cmp(&b.1.modified), sort.descending).then(a.0.id.cmp(&b.0.id)));
        return;
    }
    let key = |row: &Row<'_>| portal.value(row.0, row.1, sort.property).map(|v| v.to_lowercase());
    let numeric =
        |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NEG_INFINITY);
    rows.sort_by(|a, b| {
        let (ka, kb) = (key(a), key(b));
        let order = if sort.is_number { numeric(&ka).total_cmp(&numeric(&kb)) } else { ka.cmp(&kb) };
        directed(order, sort.descending).then(a.0.id.cmp(&b.0.id))
    });
}

/// The records that can match at all: a range of ids or of change times where every group gives one.
fn candidates<'a>(portal: &'a Portal, now: i64, groups: &Groups) -> Box<dyn Iterator<Item = &'a Record> + 'a> {
    let (mut least_id, mut least_modified) = (u64::MAX, i64::MAX);
    for group in groups {
        least_id = least_id.min(lower_id(portal, group));
        least_modified = least_modified.min(lower_bound(group, portal.known.modified).unwrap_or(i64::MIN));
    }
    if groups.is_empty() {
        (least_id, least_modified) = (0, i64::MIN);
    }
    if least_modified > i64::MIN {
        // An older version may still be indexed: records that lag are looked at, whatever their last change.
        let recent = portal.by_modified.range((least_modified, 0)..).map(|(_, id)| *id);
        let lagging = portal.lagging.iter().filter(move |(_, until)| **until > now).map(|(id, _)| *id);
        let mut ids: Vec<u64> = recent.chain(lagging).filter(|id| *id >= least_id).collect();
        ids.sort_unstable();
        ids.dedup();
        return Box::new(ids.into_iter().filter_map(|id| portal.records.get(&id)));
    }
    Box::new(portal.records.range(least_id..).map(|(_, record)| record))
}

fn lower_id(portal: &Portal, group: &[Filter]) -> u64 {
    lower_bound(group, portal.known.object_id).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
}

/// The least value that all filters of a group leave for a numeric property.
#[expect(clippy::cast_possible_truncation, reason = "a bound that saturates still bounds")]
fn lower_bound(group: &[Filter], property: PropertyId) -> Option<i64> {
    let bounds =
        group.iter().filter(|f| f.property == property && matches!(f.op, Op::Gt | Op::Gte | Op::Eq | Op::Between));
    bounds.filter_map(|f| f.numbers.first()).map(|n| *n as i64).max()
}

#[expect(clippy::cast_precision_loss, reason = "ids and milliseconds stay far below 2^53")]
fn numeric_value(portal: &Portal, (record, version): Row<'_>, filter: &Filter) -> Option<f64> {
    if filter.property == portal.known.object_id {
        return Some(record.id as f64);
    }
    if filter.property == portal.known.modified {
        return Some(version.modified as f64);
    }
    if filter.property == portal.known.created {
        return Some(record.created as f64);
    }
    version.get(filter.property).and_then(|v| number(filter.kind, v))
}

fn holds(portal: &Portal, row: Row<'_>, filter: &Filter) -> bool {
    if matches!(filter.kind, Kind::Number | Kind::Time) {
        return compare_numbers(numeric_value(portal, row, filter), filter);
    }
    let value: Option<Cow<'_, str>> = portal.value(row.0, row.1, filter.property);
    let Some(value) = value.filter(|v| !v.is_empty()) else {
        // Nothing is not different from anything: NEQ finds records with a value only.
        return matches!(filter.op, Op::HasNot | Op::NotIn | Op::NotToken);
    };
    let value = if filter.kind == Kind::Text { Cow::Owned(value.to_lowercase()) } else { value };
    let first = filter.values.first().map_or("", String::as_str);
    match filter.op {
        Op::Eq => value == first,
        Op::Neq => value != first,
        Op::Lt => *value < *first,
        Op::Lte => *value <= *first,
        Op::Gt => *value > *first,
        Op::Gte => *value >= *first,
        Op::Between => *value >= *first && filter.values.last().is_some_and(|high| *value <= **high),
        Op::In => filter.values.iter().any(|v| *v == value),
        Op::NotIn => filter.values.iter().all(|v| *v != value),
        Op::Has => true,
        Op::HasNot => false,
        Op::Token => has_token(&value, first),
        Op::NotToken => !has_token(&value, first),
    }
}

fn compare_numbers(value: Option<f64>, filter: &Filter) -> bool {
    let Some(value) = value else {
        return matches!(filter.op, Op::HasNot | Op::NotIn | Op::NotToken);
    };
    let first = filter.numbers.first().copied().unwrap_or(f64::NAN);
    let same = |n: &f64| n.total_cmp(&value) == Ordering::Equal;
    match filter.op {
        Op::Eq | Op::Token => same(&first),
        Op::Neq | Op::NotToken => !same(&first),
        Op::Lt => value < first,
        Op::Lte => value <= first,
        Op::Gt => value > first,
        Op::Gte => value >= first,
        Op::Between => value >= first && filter.numbers.last().is_some_and(|high| value <= *high),
        Op::In => filter.numbers.iter().any(same),
        Op::NotIn => !filter.numbers.iter().any(same),
        Op::Has => true,
        Op::HasNot => false,
    }
}

/// Whether all words of `pattern` are words of `value`; `*` stands for any letters.
fn has_token(value: &str, pattern: &str) -> bool {
    let tokens: Vec<&str> = words(value).collect();
    let matches = |word: &str| tokens.iter().any(|token| glob(token, word));
    pattern
        .split_whitespace()
        .all(|part| if part.contains('*') { matches(part) || glob(value, part) } else { words(part).all(matches) })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}

fn glob(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return text == pattern };
    let Some(text) = text.strip_prefix(head) else { return false };
    if rest.is_empty() {
        return true;
    }
    text.char_indices().map(|(i, _)| i).chain([text.len()]).any(|i| text.get(i..).is_some_and(|t| glob(t, rest)))
}

fn mentions(portal: &Portal, (_, version): Row<'_>, query: &str) -> bool {
    let searched = ["name", "domain", "phone", "website"].map(|n| portal.schema.any_id(n));
    let all: Vec<String> = searched.iter().flatten().filter_map(|id| version.get(*id)).map(str::to_lowercase).collect();
    query.split_whitespace().all(|word| all.iter().any(|value| value.contains(word)))
}
