//! The filters and the sort of a search, read from its body.

use serde_json::Value;

use super::Failure;
use super::kinds::{Kind, KindRef};
use super::portal::Portal;
use super::schema::PropertyId;
use crate::sim::clock::parse_instant;

const MOST_GROUPS: usize = 5;
const MOST_IN_GROUP: usize = 6;
const MOST_FILTERS: usize = 18;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
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

/// How values of a property are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Text,
    /// Text that is compared as it is written.
    Choice,
    Number,
    Time,
}

/// What a filter looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Property(PropertyId),
    /// `associations.contact`: the records of that kind that the record is associated with.
    Association(KindRef),
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub subject: Subject,
    pub nature: Nature,
    pub op: Op,
    /// Lower case for text; the second value is the upper end of a range.
    pub values: Vec<String>,
    pub numbers: Vec<f64>,
}

/// Any of the groups, all filters of one.
pub(crate) type Groups = Vec<Vec<Filter>>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Sort {
    pub property: PropertyId,
    pub is_number: bool,
    pub descending: bool,
}

/// A text property is compared with a date, an operator is unknown: HubSpot says no more than this.
fn bad() -> Failure {
    Failure::invalid("There was a problem with the request.".to_owned())
}

pub(crate) fn groups(portal: &Portal, kind: KindRef, body: &Value) -> Result<Groups, Failure> {
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
    groups.iter().map(|group| group.iter().map(|one| filter(portal, kind, one)).collect()).collect()
}

fn op(filter: &Value) -> Result<Op, Failure> {
    Ok(match filter.get("operator").and_then(Value::as_str).ok_or_else(bad)? {
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
    })
}

fn filter(portal: &Portal, kind: KindRef, filter: &Value) -> Result<Filter, Failure> {
    let name = filter.get("propertyName").and_then(Value::as_str).ok_or_else(bad)?;
    let op = op(filter)?;
    let values = values(filter, op);
    let missing = match op {
        Op::Has | Op::HasNot => false,
        Op::Between => values.len() != 2,
        _ => values.is_empty(),
    };
    if missing {
        return Err(bad());
    }
    if let Some(other) = name.strip_prefix("associations.") {
        let other = Kind::named(other).filter(|_| matches!(op, Op::Eq | Op::In)).ok_or_else(bad)?;
        return Ok(Filter {
            subject: Subject::Association(other),
            nature: Nature::Choice,
            op,
            values,
            numbers: Vec::new(),
        });
    }
    let schema = &portal.of(kind).schema;
    let property = schema.id(name).ok_or_else(bad)?;
    let nature = match schema.get(property).map_or("string", |p| p.kind.as_str()) {
        "number" => Nature::Number,
        "date" | "datetime" => Nature::Time,
        "enumeration" | "bool" => Nature::Choice,
        _ => Nature::Text,
    };
    let (values, numbers) = prepared(nature, op, values)?;
    Ok(Filter { subject: Subject::Property(property), nature, op, values, numbers })
}

fn values(filter: &Value, op: Op) -> Vec<String> {
    let member = |name: &str| filter.get(name).filter(|v| !v.is_null()).map(text);
    match op {
        Op::In | Op::NotIn => filter.get("values").and_then(Value::as_array).into_iter().flatten().map(text).collect(),
        Op::Between => [member("value"), member("highValue")].into_iter().flatten().collect(),
        Op::Has | Op::HasNot => Vec::new(),
        _ => member("value").into_iter().collect(),
    }
}

/// Values as they are compared, and as numbers where they are.
fn prepared(nature: Nature, op: Op, mut values: Vec<String>) -> Result<(Vec<String>, Vec<f64>), Failure> {
    let mut numbers = Vec::new();
    match nature {
        Nature::Number | Nature::Time => {
            for value in &values {
                numbers.push(number(nature, value).ok_or_else(bad)?);
            }
        }
        Nature::Text => {
            let ranges = matches!(op, Op::Lt | Op::Lte | Op::Gt | Op::Gte | Op::Between);
            let is_time = |v: &String| v.len() >= 10 && parse_instant(v).is_some();
            if ranges && values.iter().any(is_time) {
                return Err(bad());
            }
            // Lists are compared as they are sent: values that are not in lower case find nothing.
            if !matches!(op, Op::In | Op::NotIn) {
                values = values.iter().map(|v| v.to_lowercase()).collect();
            }
        }
        Nature::Choice => {}
    }
    Ok((values, numbers))
}

/// A number, or the milliseconds of a moment.
#[expect(clippy::cast_precision_loss, reason = "milliseconds stay far below 2^53")]
pub(crate) fn number(nature: Nature, text: &str) -> Option<f64> {
    match nature {
        Nature::Time => text.parse::<i64>().ok().or_else(|| parse_instant(text)).map(|ms| ms as f64),
        _ => text.trim().parse::<f64>().ok().filter(|n| n.is_finite()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One rule only: `{"propertyName", "direction"}`, or a name with `-` before it for descending.
pub(crate) fn sort(portal: &Portal, kind: KindRef, body: &Value) -> Result<Option<Sort>, Failure> {
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
    let schema = &portal.of(kind).schema;
    let property = schema.id(name).ok_or_else(bad)?;
    let is_number = schema.get(property).is_some_and(|p| p.kind == "number");
    Ok(Some(Sort { property, is_number, descending }))
}
