//! What stands in the JSON for a value, by what the field is.
//!
//! A value of another type than its field's is no value, and above all not an empty one: nothing is known then. What
//! ConnectWise is known to do is taken: numbers and ids as texts, a number in place of a text, an empty reference as `{}` or
//! with nothing but `_info`, `state` as a text on one endpoint and a reference on its neighbour.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::fields::{self, Shape};
use super::record::id;
use crate::connect::flag::flag;
use crate::model::{FieldKind, ObjectKind, Value};

/// What the member of a record may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    /// A text, or a reference that stands for its name.
    NamedText,
    Number,
    Flag,
    /// A date or a moment.
    Time,
    Reference,
    References,
    /// The bare number of a row.
    Row,
    /// The fields table does not know it.
    Anything,
}

impl Holds {
    pub fn of(object: ObjectKind, name: &str) -> Self {
        let Some(field) = fields::find(object, name) else { return Self::Anything };
        match (field.shape, field.kind) {
            (Shape::Reference, _) => Self::Reference,
            (Shape::References, _) => Self::References,
            (Shape::RowNumber, _) => Self::Row,
            (Shape::Plain, FieldKind::Number | FieldKind::Integer) => Self::Number,
            (Shape::Plain, FieldKind::Bool) => Self::Flag,
            (Shape::Plain, FieldKind::Date | FieldKind::DateTime) => Self::Time,
            (Shape::Plain, _) if name == "state" => Self::NamedText,
            (Shape::Plain, _) => Self::Text,
        }
    }

    /// The value that `json` stands for; none where it can be none of the field.
    pub fn value(self, json: &Json) -> Option<Value> {
        match (self, json) {
            (_, Json::Null) => Some(Value::Empty),
            (Self::NamedText, Json::Object(_)) => named(json),
            (Self::Text | Self::NamedText, Json::String(_) | Json::Number(_)) => scalar(json),
            (Self::Number, _) => number(json),
            (Self::Flag, _) => flag(json).map(Value::Bool),
            (Self::Time, Json::String(_)) => scalar(json),
            (Self::Reference, _) | (Self::Anything, Json::Object(_)) => reference(json),
            (Self::References, _) | (Self::Anything, Json::Array(_)) => references(json),
            (Self::Row, _) => id(json).and_then(|_| scalar(json)),
            (Self::Anything, _) => scalar(json),
            (Self::Text | Self::NamedText | Self::Time, _) => None,
        }
    }
}

/// A text, a number, true or false, or nothing: what a user-defined field may hold.
pub(super) fn scalar(json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Empty),
        Json::Bool(flag) => Some(Value::Bool(*flag)),
        Json::Number(number) => {
            let text = number.to_string();
            let parsed = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
            Some(parsed.map_or(Value::Text(text), Value::Number))
        }
        Json::String(string) => Some(text(string)),
        Json::Array(_) | Json::Object(_) => None,
    }
}

/// Text that other systems take: no NUL.
fn text(text: &str) -> Value {
    if text.contains('\0') { Value::text(text.replace('\0', "")) } else { Value::text(text) }
}

fn number(json: &Json) -> Option<Value> {
    match json {
        Json::Number(_) => scalar(json),
        Json::String(string) => match text(string) {
            Value::Text(text) => Decimal::from_str(text.trim()).ok().map(Value::Number),
            empty => Some(empty),
        },
        _ => None,
    }
}

/// The row that a reference names. Without an id it names none, which is fine where it tells nothing else either.
pub(super) fn reference(json: &Json) -> Option<Value> {
    let members = json.as_object()?;
    match members.get("id").filter(|id| !id.is_null()) {
        Some(row) => id(row).map(|id| Value::Choice(id.to_string())),
        None => members.iter().all(|(name, told)| name == "_info" || told.is_null()).then_some(Value::Empty),
    }
}

fn named(json: &Json) -> Option<Value> {
    let row = reference(json)?;
    let words = ["name", "identifier", "description"].into_iter().filter_map(|name| json.get(name));
    if row.is_empty() { Some(row) } else { words.filter_map(Json::as_str).map(text).next() }
}

fn references(json: &Json) -> Option<Value> {
    let rows = json.as_array()?.iter().map(|one| one.get("id").and_then(id));
    let mut keys = rows.map(|id| Some(id?.to_string())).collect::<Option<Vec<String>>>()?;
    keys.sort();
    keys.dedup();
    Some(if keys.is_empty() { Value::Empty } else { Value::Choices(keys) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(text: &str) -> Option<Value> {
        Some(Value::Text(text.to_owned()))
    }

    #[test]
    fn each_kind_of_field_takes_what_is_known_of_it_and_nothing_else() {
        let (empty, seven) = (Some(Value::Empty), Some(Value::Number(7.into())));
        let choice = Some(Value::Choice("7".into()));
        let (list, object) = (json!(["a"]), json!({"a": 1}));
        type Cases = Vec<(Json, Option<Value>)>;
        let table: [(Holds, Cases); 9] = [
            (
                Holds::Text,
                vec![
                    (json!("a"), text("a")),
                    (json!(""), empty.clone()),
                    (json!(7), seven.clone()),
                    (json!(true), None),
                    (json!({}), None),
                    (json!([]), None),
                    (json!({"id": 7, "name": "a"}), None),
                ],
            ),
            (
                Holds::NamedText,
                vec![
                    (json!("a"), text("a")),
                    (json!({"id": 7, "name": "a"}), text("a")),
                    (json!({}), empty.clone()),
                    (json!({"id": 7}), None),
                    (json!({"id": 7, "name": ["a"]}), None),
                    (json!({"name": "a"}), None),
                ],
            ),
            (
                Holds::Number,
                vec![
                    (json!(7), seven.clone()),
                    (json!("7.0"), seven.clone()),
                    (json!(""), empty.clone()),
                    (json!("a lot"), None),
                    (json!(true), None),
                    (json!({}), None),
                ],
            ),
            (
                Holds::Flag,
                vec![
                    (json!(true), Some(Value::Bool(true))),
                    (json!("False"), Some(Value::Bool(false))),
                    (json!(1), Some(Value::Bool(true))),
                    (json!("yes"), None),
                    (json!(""), None),
                    (json!({}), None),
                ],
            ),
            (
                Holds::Time,
                vec![
                    (json!("2026-01-01T00:00:00Z"), text("2026-01-01T00:00:00Z")),
                    (json!(1_767_225_600), None),
                    (json!(false), None),
                    (json!({}), None),
                ],
            ),
            (
                Holds::Reference,
                vec![
                    (json!({"id": 7, "name": "ACME"}), choice.clone()),
                    (json!({"id": "7"}), choice),
                    (json!({}), empty.clone()),
                    (json!({"_info": {"x_href": "y"}}), empty.clone()),
                    (json!({"id": null, "name": null}), empty.clone()),
                    (json!("ACME"), None),
                    (json!(7), None),
                    (json!({"id": "ACME"}), None),
                    (json!({"id": {}}), None),
                    (json!({"name": "ACME"}), None),
                    (json!([{"id": 7}]), None),
                ],
            ),
            (
                Holds::References,
                vec![
                    (json!([{"id": 9}, {"id": "2"}, {"id": 9}]), Some(Value::Choices(vec!["2".into(), "9".into()]))),
                    (json!([]), empty.clone()),
                    (json!([{"id": 9}, {}]), None),
                    (json!([{"id": 9}, null]), None),
                    (json!("none"), None),
                    (json!({}), None),
                ],
            ),
            (
                Holds::Row,
                vec![(json!(7), seven.clone()), (json!("7"), text("7")), (json!("a"), None), (json!({}), None)],
            ),
            (
                Holds::Anything,
                vec![
                    (json!("a"), text("a")),
                    (json!(7), seven),
                    (json!({}), empty.clone()),
                    (json!([]), empty.clone()),
                ],
            ),
        ];
        for (holds, cases) in table {
            for (json, expected) in cases {
                assert_eq!(holds.value(&json), expected, "{holds:?} {json}");
            }
            assert_eq!(holds.value(&Json::Null), empty, "{holds:?}");
            assert_eq!((holds.value(&list), holds.value(&object)), (None, None), "{holds:?}");
        }
    }

    #[test]
    fn the_table_tells_what_a_field_holds() {
        let table = [
            (ObjectKind::Company, "name", Holds::Text),
            (ObjectKind::Company, "phoneNumber", Holds::Text),
            (ObjectKind::Company, "state", Holds::NamedText),
            (ObjectKind::Company, "annualRevenue", Holds::Number),
            (ObjectKind::Company, "types", Holds::References),
            (ObjectKind::Company, "leadFlag", Holds::Flag),
            (ObjectKind::Company, "dateAcquired", Holds::Time),
            (ObjectKind::Contact, "company", Holds::Reference),
            (ObjectKind::Contact, "gender", Holds::Text),
            (ObjectKind::Deal, "locationId", Holds::Row),
            (ObjectKind::Deal, "primarySalesRep", Holds::Reference),
            (ObjectKind::Deal, "surprise", Holds::Anything),
        ];
        for (object, name, holds) in table {
            assert_eq!(Holds::of(object, name), holds, "{object} {name}");
        }
    }
}
