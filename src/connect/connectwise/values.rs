//! Values to the JSON that ConnectWise takes, and whether an answer holds what was sent.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use super::address::Address;
use super::fields::{self, Shape};
use super::record::{self, id};
use crate::engine::core::request::{Rejection, RejectionKind};
use crate::mapping::normalise::normalise_as;
use crate::mapping::stages::{Progress, Standing};
use crate::model::{FieldKind, FieldName, ObjectKind, Record, Timestamp, Value};

/// Whether a write of a ticket sends the mails that its board has for the contact and the technicians. Lockstep's never
/// do: nobody is told twice of what happened in the other system.
const NOTIFIES: &str = "processNotifications";

/// What is to be written, by field.
pub(super) type Values = [(FieldName, Value)];

/// A value as ConnectWise takes it. `Empty` gives null.
pub(super) fn json(object: ObjectKind, name: &FieldName, value: &Value) -> Result<Json, Rejection> {
    let known = fields::find(object, name.as_str());
    match known.map_or(Shape::Plain, |field| field.shape) {
        _ if value.is_empty() => Ok(Json::Null),
        Shape::Reference => row(name, value).map(|id| json!({ "id": id })),
        Shape::RowNumber => row(name, value).map(|id| json!(id)),
        Shape::References => rows(name, value).map(|ids| ids.into_iter().map(|id| json!({ "id": id })).collect()),
        Shape::Plain => plain(name, known.map(|field| field.kind), value),
    }
}

/// The id of a row.
fn row(name: &FieldName, value: &Value) -> Result<u64, Rejection> {
    let key = value.to_plain();
    key.trim().parse().map_err(|_| invalid(name, format!("`{key}` is not the id of a row in ConnectWise.")))
}

/// The ids of several rows.
pub(super) fn rows(name: &FieldName, value: &Value) -> Result<Vec<u64>, Rejection> {
    let keys: Vec<String> = match value {
        Value::Empty => Vec::new(),
        Value::Choices(keys) => keys.clone(),
        other => other.to_plain().split(';').map(str::to_owned).collect(),
    };
    let id = |key: &String| {
        key.trim().parse().map_err(|_| invalid(name, format!("`{key}` is not the id of a row in ConnectWise.")))
    };
    keys.iter().map(id).collect()
}

fn plain(name: &FieldName, kind: Option<FieldKind>, value: &Value) -> Result<Json, Rejection> {
    Ok(match (kind, value) {
        (Some(FieldKind::Date), Value::DateTime(time)) => midnight(name, day(name, *time)?)?,
        (_, Value::Empty) => Json::Null,
        (_, Value::Text(text) | Value::Choice(text)) => json!(text.replace('\0', "")),
        (_, Value::Number(number)) => number_json(*number),
        (_, Value::Bool(flag)) => json!(flag),
        (_, Value::Date(date)) => midnight(name, *date)?,
        (_, Value::DateTime(time)) => {
            day(name, *time)?;
            json!(time.floor_to_second().to_rfc3339())
        }
        (_, Value::Choices(keys)) => json!(keys),
    })
}

/// Dates are carried as midnight UTC and never shifted.
fn midnight(name: &FieldName, date: Date) -> Result<Json, Rejection> {
    // What a ConnectWise date column can hold.
    if (1753..=9999).contains(&date.year()) {
        Ok(json!(format!("{date}T00:00:00Z")))
    } else {
        Err(invalid(name, format!("ConnectWise holds dates from 1753 to 9999, not {date}.")))
    }
}

fn day(name: &FieldName, time: Timestamp) -> Result<Date, Rejection> {
    let date = jiff::Timestamp::from_millisecond(time.0).ok().map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
    date.filter(|date| (1753..=9999).contains(&date.year()))
        .ok_or_else(|| invalid(name, format!("ConnectWise holds times from 1753 to 9999, not {time}.")))
}

pub(super) fn number_json(number: Decimal) -> Json {
    let text = number.normalize().to_string();
    serde_json::from_str(&text).unwrap_or(Json::String(text))
}

pub(super) fn invalid(name: &FieldName, message: String) -> Rejection {
    Rejection { kind: RejectionKind::Invalid, message, fields: vec![name.to_string()] }
}

/// The body of a create, without what takes calls of its own. `extra` are members that the caller adds.
pub(super) fn create(
    object: ObjectKind,
    values: &Values,
    stamp: Option<(&FieldName, &str)>,
    extra: Map<String, Json>,
) -> Result<Json, Rejection> {
    let mut body = extra;
    let mut custom = Vec::new();
    for (name, value) in values {
        match Address::of(object, name.as_str()) {
            Address::Custom(id) => custom.push(json!({ "id": id, "value": json(object, name, value)? })),
            // Types of a contact are sent as bare ids under another name.
            Address::Member("types") if object == ObjectKind::Contact => {
                drop(body.insert("typeIds".to_owned(), json!(rows(name, value)?)));
            }
            Address::Member(member) | Address::Either { first: member, .. } => {
                drop(body.insert(member.to_owned(), json(object, name, value)?));
            }
            Address::Progress(standing) => {
                for (member, id) in progress(standing, name, value)? {
                    body.insert(member.to_owned(), json!({ "id": id }));
                }
            }
            Address::Communication(_) | Address::Extension(_) | Address::Amount | Address::PerUnit(_) => {}
        }
    }
    if let Some((name, stamp)) = stamp {
        match Address::of(object, name.as_str()) {
            Address::Custom(id) => {
                custom.retain(|item: &Json| item.get("id").and_then(record::id) != Some(crate::model::RecordId(id)));
                custom.push(json!({ "id": id, "value": stamp }));
            }
            _ => drop(body.insert(name.to_string(), json!(stamp))),
        }
    }
    if !custom.is_empty() {
        body.insert("customFields".to_owned(), Json::Array(custom));
    }
    if object == ObjectKind::Company {
        // Without a site a create is refused: "Company Site name is required."
        body.entry("site").or_insert_with(|| json!({ "name": "Main" }));
    }
    if object == ObjectKind::Ticket {
        body.insert(NOTIFIES.to_owned(), json!(false));
    }
    Ok(Json::Object(body))
}

/// The operations of an update on the record itself; empty where everything takes calls of its own.
/// `present` is the record's array of user-defined fields, where one changes.
pub(super) fn patch(object: ObjectKind, values: &Values, present: Option<&[Json]>) -> Result<Vec<Json>, Rejection> {
    let mut operations = Vec::new();
    for (name, value) in values {
        match Address::of(object, name.as_str()) {
            Address::Member("types") if has_type_calls(object) => {}
            Address::Member(member) | Address::Either { first: member, .. } => {
                operations.push(operation(object, (name, member), value)?);
            }
            Address::Progress(standing) => {
                let replace = |(member, id)| json!({ "op": "replace", "path": member, "value": { "id": id } });
                operations.extend(progress(standing, name, value)?.into_iter().map(replace));
            }
            Address::Custom(_)
            | Address::Communication(_)
            | Address::Extension(_)
            | Address::Amount
            | Address::PerUnit(_) => {}
        }
    }
    if values.iter().any(|(name, _)| matches!(Address::of(object, name.as_str()), Address::Custom(_))) {
        operations.push(custom_operation(object, values, present.unwrap_or_default())?);
    }
    if object == ObjectKind::Ticket && !operations.is_empty() {
        operations.push(json!({ "op": "replace", "path": NOTIFIES, "value": false }));
    }
    Ok(operations)
}

/// The members that a value names, with their ids; what it does not name stays as it is.
fn progress(standing: Standing, name: &FieldName, value: &Value) -> Result<Vec<(&'static str, u64)>, Rejection> {
    let told = value.to_plain();
    let Progress { place, status } = Progress::of(&told);
    let parts = standing.members().into_iter().zip([place, status]).filter(|(_, id)| !id.is_empty());
    let ids = parts.map(|(member, id)| Ok((member, row(name, &Value::Text(id.to_owned()))?)));
    let ids = ids.collect::<Result<Vec<_>, Rejection>>()?;
    if ids.is_empty() {
        let [place, status] = standing.members();
        return Err(invalid(
            name,
            format!(
                "It is never without {place} and status in ConnectWise, and this names neither a {place} nor a {status}."
            ),
        ));
    }
    Ok(ids)
}

/// Types of companies and contacts are changed by calls of their own once the record exists.
pub(super) const fn has_type_calls(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Company | ObjectKind::Contact)
}

fn operation(object: ObjectKind, (name, member): (&FieldName, &str), value: &Value) -> Result<Json, Rejection> {
    let kind = fields::find(object, name.as_str()).map(|field| field.kind);
    let is_text = matches!(kind, Some(FieldKind::Text | FieldKind::LongText | FieldKind::Phone | FieldKind::Url));
    Ok(match value {
        Value::Empty if is_text => json!({ "op": "replace", "path": member, "value": "" }),
        Value::Empty => json!({ "op": "remove", "path": member }),
        value => json!({ "op": "replace", "path": member, "value": json(object, name, value)? }),
    })
}

/// Replaces the whole array, with the new values in it: a partial one is documented as refused, and was seen leaving the
/// others alone. The whole one is right either way.
pub(super) fn custom_operation(object: ObjectKind, values: &Values, present: &[Json]) -> Result<Json, Rejection> {
    let mut array: Vec<(u64, Json)> = present
        .iter()
        .filter_map(|item| Some((item.get("id").and_then(id)?.0, item.get("value").cloned().unwrap_or(Json::Null))))
        .collect();
    for (name, value) in values {
        let Address::Custom(wanted) = Address::of(object, name.as_str()) else { continue };
        let new = json(object, name, value)?;
        match array.iter_mut().find(|(id, _)| *id == wanted) {
            Some((_, held)) => *held = new,
            None => array.push((wanted, new)),
        }
    }
    let array: Vec<Json> = array.into_iter().map(|(id, value)| json!({ "id": id, "value": value })).collect();
    Ok(json!({ "op": "replace", "path": "customFields", "value": array }))
}

/// The fields of `values` that `record` holds otherwise.
pub(super) fn missed<'v>(object: ObjectKind, values: &'v Values, record: &Record) -> Vec<&'v FieldName> {
    let differs = |(name, value): &&(FieldName, Value)| !same(object, name, value, record.value(name.as_str()));
    values.iter().filter(differs).map(|(name, _)| name).collect()
}

/// Whether `other` holds what `one` says: two values of a field that are one to ConnectWise.
pub(super) fn same(object: ObjectKind, name: &FieldName, one: &Value, other: &Value) -> bool {
    if matches!(Address::of(object, name.as_str()), Address::Progress(_)) {
        return Progress::of(&one.to_plain()).is_met_by(Progress::of(&other.to_plain()));
    }
    let kind = record::kind(object, name.as_str());
    let (one, other) = (normalise_as(kind, one), normalise_as(kind, other));
    // A user-defined date is answered as midnight or as a bare date, a number as a number or a text.
    one == other || (matches!(kind, FieldKind::Text) && bare(&one) == bare(&other))
}

fn bare(value: &Value) -> String {
    let text = value.to_plain();
    text.strip_suffix("T00:00:00Z").unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a value that is refused is a failing test")]
    use super::*;
    use crate::mapping::stages::BOARD_AND_STATUS;

    fn values(values: &[(&str, Value)]) -> Vec<(FieldName, Value)> {
        values.iter().map(|(name, value)| (FieldName::new(name), value.clone())).collect()
    }

    #[test]
    fn a_patch_replaces_whole_references_and_clears_by_kind() {
        let values = values(&[
            ("status", Value::Choice("3".into())),
            ("city", Value::Empty),
            ("market", Value::Empty),
            ("dateAcquired", Value::Date(jiff::civil::date(2026, 1, 2))),
            ("annualRevenue", Value::Number(Decimal::from(5))),
            ("customFields/2", Value::Text("new".into())),
            ("types", Value::Choices(vec!["1".into()])),
        ]);
        let held = [json!({"id": 1, "value": "a"}), json!({"id": 2, "value": "b"})];
        assert_eq!(
            Json::Array(patch(ObjectKind::Company, &values, Some(&held)).unwrap()),
            json!([
                {"op": "replace", "path": "status", "value": {"id": 3}},
                {"op": "replace", "path": "city", "value": ""},
                {"op": "remove", "path": "market"},
                {"op": "replace", "path": "dateAcquired", "value": "2026-01-02T00:00:00Z"},
                {"op": "replace", "path": "annualRevenue", "value": 5},
                {"op": "replace", "path": "customFields", "value": [{"id": 1, "value": "a"}, {"id": 2, "value": "new"}]},
            ])
        );
    }

    #[test]
    fn a_ticket_moves_with_its_board_and_tells_nobody() {
        let moved = values(&[(BOARD_AND_STATUS, Value::Choice("21/31".into()))]);
        assert_eq!(
            Json::Array(patch(ObjectKind::Ticket, &moved, None).unwrap()),
            json!([
                {"op": "replace", "path": "board", "value": {"id": 21}},
                {"op": "replace", "path": "status", "value": {"id": 31}},
                {"op": "replace", "path": "processNotifications", "value": false},
            ])
        );
        assert_eq!(patch(ObjectKind::Ticket, &[], None), Ok(Vec::new()));
        let nowhere = values(&[(BOARD_AND_STATUS, Value::Choice("/".into()))]);
        assert!(patch(ObjectKind::Ticket, &nowhere, None).unwrap_err().message.contains("board"));
    }

    #[test]
    fn records_rows_and_numbers_of_rows_go_out_in_their_shapes() {
        let table = [
            (ObjectKind::Contact, "company", Value::Choice("12".into()), json!({"id": 12})),
            (ObjectKind::Deal, "locationId", Value::Choice("11".into()), json!(11)),
            (ObjectKind::Deal, "primarySalesRep", Value::Choice("150".into()), json!({"id": 150})),
            (ObjectKind::Ticket, "severity", Value::Choice("High".into()), json!("High")),
            (ObjectKind::Company, "types", Value::Choices(vec!["1".into(), "2".into()]), json!([{"id": 1}, {"id": 2}])),
            (ObjectKind::Task, "closeFlag", Value::Bool(true), json!(true)),
            (ObjectKind::Company, "customFields/3", Value::Choice("Gold".into()), json!("Gold")),
        ];
        for (object, name, value, expected) in table {
            assert_eq!(json(object, &FieldName::new(name), &value).unwrap(), expected, "{object} {name}");
        }
        for (object, name) in
            [(ObjectKind::Company, "status"), (ObjectKind::Deal, "locationId"), (ObjectKind::Contact, "company")]
        {
            let refused = json(object, &FieldName::new(name), &Value::Choice("Active".into())).unwrap_err();
            assert_eq!(refused.fields, [name]);
        }
    }

    #[test]
    fn times_are_whole_seconds_with_z_and_dates_are_never_shifted() {
        let time = Timestamp(1_767_312_000_123);
        let table = [
            (ObjectKind::Task, "dateStart", Value::DateTime(time), Some("2026-01-02T00:00:00Z")),
            (
                ObjectKind::Deal,
                "expectedCloseDate",
                Value::Date(jiff::civil::date(2026, 3, 29)),
                Some("2026-03-29T00:00:00Z"),
            ),
            (
                ObjectKind::Deal,
                "expectedCloseDate",
                Value::DateTime(Timestamp(time.0 + 80_000_000)),
                Some("2026-01-02T00:00:00Z"),
            ),
            (ObjectKind::Task, "dateStart", Value::DateTime(Timestamp(i64::MAX)), None),
            (ObjectKind::Task, "dateStart", Value::DateTime(Timestamp(i64::MIN)), None),
            (ObjectKind::Deal, "expectedCloseDate", Value::Date(jiff::civil::date(-44, 3, 15)), None),
        ];
        for (object, name, value, expected) in table {
            let found = json(object, &FieldName::new(name), &value).ok();
            assert_eq!(found, expected.map(|text| json!(text)), "{name} {value:?}");
        }
    }

    #[test]
    fn a_create_carries_site_stamp_and_types() {
        let stamp = FieldName::new("userDefinedField10");
        let name = values(&[("name", Value::Text("A\u{0}".into()))]);
        let body = create(ObjectKind::Company, &name, Some((&stamp, "company:1")), Map::new()).unwrap();
        assert_eq!(body, json!({"name": "A", "site": {"name": "Main"}, "userDefinedField10": "company:1"}));

        let custom = FieldName::new("customFields/9");
        let deal = values(&[
            ("name", Value::Text("D".into())),
            ("customFields/9", Value::Text("x".into())),
            ("amount", Value::Number(Decimal::ONE)),
        ]);
        let body = create(ObjectKind::Deal, &deal, Some((&custom, "deal:1")), Map::new()).unwrap();
        assert_eq!(body, json!({"name": "D", "customFields": [{"id": 9, "value": "deal:1"}]}));

        let ticket = values(&[
            ("summary", Value::Text("No mail".into())),
            (BOARD_AND_STATUS, Value::Choice("1/16".into())),
            ("initialDescription", Value::Text("Since today".into())),
        ]);
        let body = create(ObjectKind::Ticket, &ticket, Some((&custom, "ticket:1")), Map::new()).unwrap();
        assert_eq!(
            body,
            json!({"summary": "No mail", "board": {"id": 1}, "status": {"id": 16}, "initialDescription": "Since today",
                "customFields": [{"id": 9, "value": "ticket:1"}], "processNotifications": false})
        );

        let typed = values(&[("types", Value::Choices(vec!["4".into()]))]);
        let body = create(ObjectKind::Contact, &typed, None, Map::new()).unwrap();
        assert_eq!(body, json!({"typeIds": [4]}));
    }

    #[test]
    fn an_answer_is_compared_by_meaning() {
        let table = [
            ("phoneNumber", Value::Text("+1 (555) 010".into()), Value::Text("+1555010".into()), true),
            ("annualRevenue", Value::Number(Decimal::new(500, 2)), Value::Number(Decimal::from(5)), true),
            (
                "dateAcquired",
                Value::Date(jiff::civil::date(2026, 1, 2)),
                Value::Text("2026-01-02T00:00:00Z".into()),
                true,
            ),
            (
                "customFields/4",
                Value::Date(jiff::civil::date(2026, 1, 2)),
                Value::Text("2026-01-02T00:00:00Z".into()),
                true,
            ),
            ("customFields/4", Value::Bool(true), Value::Text("True".into()), true),
            ("customFields/4", Value::Text("a".into()), Value::Text("b".into()), false),
            ("city", Value::Empty, Value::Text("Ulm".into()), false),
            ("status", Value::Choice("3".into()), Value::Choice("4".into()), false),
        ];
        for (name, sent, seen, expected) in table {
            assert_eq!(
                same(ObjectKind::Company, &FieldName::new(name), &sent, &seen),
                expected,
                "{name} {sent:?} {seen:?}"
            );
        }
    }
}
