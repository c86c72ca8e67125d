//! ConnectWise's JSON to records. Never trusts shapes: ids come as strings, references as `{}` or with `_info` alone,
//! texts with NUL, members not at all.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::address::Address;
use super::fields::{self, Shape};
use super::shapes::{self, Holds};
use crate::connect::flag::is_set;
use crate::connect::undated;
use crate::mapping::stages::Progress;
use crate::model::{FieldKind, FieldName, Fields, ObjectKind, Record, RecordId, Timestamp, Value};

/// Reads the wanted fields of records of one object; made once for a page.
pub(super) struct Reader<'a> {
    wanted: Vec<(&'a FieldName, Reads<'a>)>,
    stamp: Option<Reads<'a>>,
    /// User-defined fields that records of some locations or departments alone list.
    limited: BTreeSet<u64>,
}

#[derive(Clone, Copy)]
struct Reads<'a> {
    at: Address<'a>,
    holds: Holds,
}

impl<'a> Reads<'a> {
    fn new(object: ObjectKind, name: &'a FieldName) -> Self {
        Self { at: Address::of(object, name.as_str()), holds: Holds::of(object, name.as_str()) }
    }

    /// None where what stands there cannot be a value of the field: then nothing is known of it.
    fn value(&self, json: &Json) -> Option<Value> {
        match self.at {
            Address::Member(name) => json.get(name).map_or(Some(Value::Empty), |member| self.holds.value(member)),
            Address::Either { first, other } => {
                let at = |path: &str| json.pointer(&format!("/{path}"));
                let value = |path| at(path).map_or(Some(Value::Empty), |told| self.holds.value(told));
                value(first).and_then(|told| if told.is_empty() { value(other) } else { Some(told) })
            }
            Address::Custom(id) => match custom_item(json, id) {
                Some(item) => item.get("value").map_or(Some(Value::Empty), shapes::scalar),
                // It may be the one that does not tell which it is.
                None => items(json, "customFields")
                    .all(|item| item.get("id").and_then(self::id).is_some())
                    .then_some(Value::Empty),
            },
            Address::Communication(kind) => of_item(json, kind, "value"),
            Address::Extension(kind) => of_item(json, kind, "extension"),
            Address::Progress(standing) => {
                let [place, status] =
                    standing.members().map(|name| json.get(name).map_or(Some(Value::Empty), shapes::reference));
                let (place, status) = (place?.to_plain(), status?.to_plain());
                if place.is_empty() && status.is_empty() {
                    return Some(Value::Empty);
                }
                Some(Value::Choice(Progress { place: &place, status: &status }.key()))
            }
            // Read from the forecast, not from the record.
            Address::Amount => Some(Value::Empty),
            Address::PerUnit(whole) => per_unit(json, whole),
        }
    }

    /// The array that the value lives in, where the record does not show it: then nothing is known of the value.
    fn unshown(&self, json: &Json) -> Option<&'static str> {
        let array = self.at.array()?;
        (!json.get(array).is_some_and(Json::is_array)).then_some(array)
    }
}

impl<'a> Reader<'a> {
    pub fn new(object: ObjectKind, wanted: &'a [FieldName], stamp: Option<&'a FieldName>) -> Self {
        let reads = |name: &'a FieldName| (name, Reads::new(object, name));
        Self {
            wanted: wanted.iter().map(reads).collect(),
            stamp: stamp.map(|name| Reads::new(object, name)),
            limited: BTreeSet::new(),
        }
    }

    /// The same, with these user-defined fields known to be on the screens of some records alone.
    pub fn with_limited(self, limited: BTreeSet<u64>) -> Self {
        Self { limited, ..self }
    }

    /// An array that something wanted lives in, where the record does not show it.
    pub fn unshown(&self, json: &Json) -> Option<&'static str> {
        let reads = self.wanted.iter().map(|(_, reads)| reads).chain(&self.stamp);
        reads.into_iter().find_map(|reads| reads.unshown(json))
    }

    /// What a record shows for a wanted field and cannot be its value, in a few words.
    pub fn nonsense(&self, json: &Json, id: RecordId) -> Option<String> {
        let odd = self.wanted.iter().find(|(_, reads)| reads.value(json).is_none());
        odd.map(|(name, _)| no_value(id, name.as_str()))
    }

    /// The wanted user-defined fields that a record does not list though it shows others: an empty one is listed.
    pub fn unlisted(&self, json: &Json) -> impl Iterator<Item = u64> {
        let unlisted = move |(_, reads): &(&FieldName, Reads<'_>)| match reads.at {
            Address::Custom(id) if reads.unshown(json).is_none() && custom_item(json, id).is_none() => Some(id),
            _ => None,
        };
        self.wanted.iter().filter_map(unlisted).filter(|id| !self.limited.contains(id))
    }

    /// # Errors
    /// What is missing for a record, or for one of the wanted values, in a few words.
    pub fn record(&self, json: &Json) -> Result<Record, String> {
        let id = json.get("id").and_then(id).ok_or("a record has no usable id")?;
        let modified = modified(json).ok_or_else(|| undated(id, json.pointer("/_info/lastUpdated")))?;
        if let Some(array) = self.unshown(json) {
            return Err(format!("record {id} comes without its {array}, so that nothing is known of what they hold"));
        }
        if let Some(field) = self.unlisted(json).next() {
            return Err(format!("record {id} does not list its user-defined field customFields/{field}"));
        }
        Ok(Record { untouched: is_untouched(json), ..self.record_as_of(json, id, modified)? })
    }

    /// For what has no date of change of its own.
    ///
    /// # Errors
    /// What the record shows for a wanted field and cannot be its value, in a few words.
    pub fn record_as_of(&self, json: &Json, id: RecordId, modified: Timestamp) -> Result<Record, String> {
        let mut fields = Fields::new();
        for (name, reads) in &self.wanted {
            let value = reads.value(json).ok_or_else(|| no_value(id, name.as_str()))?;
            if !value.is_empty() {
                fields.insert((*name).clone(), value);
            }
        }
        let stamp =
            self.stamp.map_or(Some(Value::Empty), |stamp| stamp.value(json)).ok_or_else(|| no_value(id, "stamp"))?;
        Ok(Record {
            id,
            modified,
            archived: is_set(json.get("deletedFlag"))
                .ok_or_else(|| format!("record {id} does not tell whether it is deleted"))?,
            fields,
            stamp: Some(stamp).filter(|stamp| !stamp.is_empty()).map(|stamp| stamp.to_plain()),
            merged: Vec::new(),
            modified_by: info(json, "updatedBy").map(str::to_owned),
            untouched: false,
        })
    }
}

fn no_value(id: RecordId, name: &str) -> String {
    format!("record {id} shows something as its {name} that cannot be a value of that field")
}

fn info<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    json.get("_info")?.get(name)?.as_str()
}

/// When ConnectWise says the record last changed.
pub(super) fn modified(json: &Json) -> Option<Timestamp> {
    info(json, "lastUpdated").and_then(Timestamp::parse_rfc3339)
}

/// Whether a record was last changed when it was entered, and by the same member.
fn is_untouched(json: &Json) -> bool {
    let at = |name| info(json, name).and_then(Timestamp::parse_rfc3339);
    let by = |name| info(json, name).filter(|member| !member.is_empty());
    at("dateEntered").is_some_and(|entered| at("lastUpdated") == Some(entered))
        && by("enteredBy").is_some_and(|member| by("updatedBy") == Some(member))
}

/// The ConnectWise id in a number or a text.
pub(super) fn id(json: &Json) -> Option<RecordId> {
    match json {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.as_u64().map(RecordId),
        _ => None,
    }
}

/// The id of the row that a member refers to.
pub(super) fn referred(json: &Json, member: &str) -> Option<RecordId> {
    json.get(member)?.get("id").and_then(id)
}

/// The ticket that a ticket was merged into, which it names for good: it stays in every list, closed. One that belongs to a
/// bundle has a parent of another kind, and is a ticket like any other.
///
/// # Errors
/// The record does not tell whether it was merged.
pub(super) fn merged_into(object: ObjectKind, json: &Json) -> Result<Option<RecordId>, Nonsense> {
    let Some(parent) = json.get("mergedParentTicket").filter(|_| object == ObjectKind::Ticket) else { return Ok(None) };
    Holds::Reference.value(parent).ok_or(Nonsense)?;
    let own = json.get("id").and_then(id);
    Ok(parent.get("id").and_then(id).filter(|parent| parent.0 > 0 && Some(*parent) != own))
}

/// The members of an array, none where it is something else.
pub(super) fn items<'a>(json: &'a Json, member: &str) -> impl Iterator<Item = &'a Json> {
    json.get(member).and_then(Json::as_array).into_iter().flatten()
}

fn custom_item(json: &Json, wanted: u64) -> Option<&Json> {
    items(json, "customFields").find(|item| item.get("id").and_then(id) == Some(RecordId(wanted)))
}

/// What one unit of a forecast item comes to: it tells the whole. One without a quantity is one unit.
fn per_unit(item: &Json, whole: &str) -> Option<Value> {
    let number = |name| item.get(name).map_or(Some(Value::Empty), |told| Holds::Number.value(told));
    Some(match (number(whole)?, number("quantity")?) {
        (Value::Number(_), Value::Number(quantity)) if quantity.is_zero() => Value::Empty,
        (Value::Number(whole), Value::Number(quantity)) => {
            Value::Number(whole.checked_div(quantity)?.round_dp(UNIT_PLACES).normalize())
        }
        (whole, _) => whole,
    })
}

/// Digits behind the point of what a unit comes to: enough for the whole to come out right for a million of them.
const UNIT_PLACES: u32 = 6;

fn of_item(contact: &Json, kind: u64, member: &str) -> Option<Value> {
    let item = communication_item(contact, kind).ok()?;
    item.and_then(|item| item.get(member)).map_or(Some(Value::Empty), |told| Holds::Text.value(told))
}

/// An answer shows what cannot be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonsense;

/// The contact's communication item of that type: the default one, else the first.
///
/// # Errors
/// The items do not tell which it is.
pub(super) fn communication_item(contact: &Json, kind: u64) -> Result<Option<&Json>, Nonsense> {
    let wanted = Value::Choice(kind.to_string());
    let mut found = None;
    for item in items(contact, "communicationItems") {
        let of = item.as_object().ok_or(Nonsense)?.get("type").unwrap_or(&Json::Null);
        if shapes::reference(of).ok_or(Nonsense)? != wanted {
            continue;
        }
        let is_default = is_set(item.get("defaultFlag")).ok_or(Nonsense)?;
        found = found.filter(|(_, chosen)| *chosen || !is_default).or(Some((item, is_default)));
    }
    Ok(found.map(|(item, _)| item))
}

/// Whether every user-defined field of a record can be sent back as it is shown.
pub(super) fn shows_custom_fields(record: &Json) -> bool {
    let whole = |item: &Json| {
        item.get("id").and_then(id).is_some() && item.get("value").is_none_or(|value| shapes::scalar(value).is_some())
    };
    items(record, "customFields").all(whole)
}

/// The kind under which two values of a field are compared.
pub(super) fn kind(object: ObjectKind, name: &str) -> FieldKind {
    match fields::find(object, name) {
        Some(field) if field.shape == Shape::RowNumber => FieldKind::Choice,
        Some(field) => field.kind,
        None => match Address::of(object, name) {
            Address::Amount | Address::PerUnit(_) => FieldKind::Number,
            Address::Progress(_) => FieldKind::Choice,
            // Its own kind is the customer's; values of the same JSON type compare as texts.
            _ => FieldKind::Text,
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use std::str::FromStr;

    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;

    fn names(names: &[&str]) -> Vec<FieldName> {
        names.iter().map(|name| FieldName::new(name)).collect()
    }

    #[test]
    fn shapes_become_values() {
        let fields =
            names(&["name", "status", "market", "annualRevenue", "leadFlag", "city", "types", "customFields/12"]);
        let stamp = FieldName::new("userDefinedField10");
        let body = json!({"id": 7, "name": "Ac\u{0}me", "status": {"id": 3, "name": "Active"}, "market": {}, "city": null,
            "annualRevenue": 12.50, "leadFlag": false, "types": [{"id": 9}, {"id": "2"}], "deletedFlag": true,
            "customFields": [{"id": 12, "value": "x"}], "userDefinedField10": "company:4",
            "_info": {"lastUpdated": "2026-06-09T21:59:49Z", "updatedBy": "api"}});
        let record = Reader::new(ObjectKind::Company, &fields, Some(&stamp)).record(&body).unwrap();
        assert!(record.archived);
        assert_eq!(record.stamp.as_deref(), Some("company:4"));
        assert_eq!(record.modified_by.as_deref(), Some("api"));
        assert_eq!(record.value("name"), &Value::Text("Acme".into()));
        assert_eq!(record.value("status"), &Value::Choice("3".into()));
        assert_eq!(record.value("market"), &Value::Empty);
        assert_eq!(record.value("annualRevenue"), &Value::Number(Decimal::from_str("12.5").unwrap()));
        assert_eq!(record.value("leadFlag"), &Value::Bool(false));
        assert_eq!(record.value("types"), &Value::Choices(vec!["2".into(), "9".into()]));
        assert_eq!(record.value("customFields/12"), &Value::Text("x".into()));
    }

    #[test]
    fn a_record_is_untouched_where_its_last_change_is_its_making_by_the_same_member() {
        let info = |entered: &str, by: &str, updated: &str, updated_by: &str| json!({"id": 7, "_info": {"dateEntered": entered, "enteredBy": by, "lastUpdated": updated, "updatedBy": updated_by}});
        let (then, later) = ("2026-06-09T21:59:49Z", "2026-06-09T21:59:50Z");
        let table = [
            (info(then, "api", then, "api"), true),
            (info(then, "api", later, "api"), false),
            (info(then, "api", then, "jlind"), false),
            (info(then, "", then, ""), false),
            (json!({"id": 7, "_info": {"lastUpdated": then, "updatedBy": "api"}}), false),
            (json!({"id": 7, "_info": {"dateEntered": then, "lastUpdated": then}}), false),
            (
                json!({"id": 7, "_info": {"dateEntered": 5, "enteredBy": "api", "lastUpdated": then, "updatedBy": "api"}}),
                false,
            ),
        ];
        for (body, untouched) in table {
            let record = Reader::new(ObjectKind::Company, &[], None).record(&body).unwrap();
            assert_eq!(record.untouched, untouched, "{body}");
        }
    }

    #[test]
    fn a_stamp_may_be_a_user_defined_field() {
        let stamp = FieldName::new("customFields/5");
        let body = json!({"id": "9", "customFields": [{"id": 4, "value": "no"}, {"id": "5", "value": "deal:1"}],
            "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}});
        let record = Reader::new(ObjectKind::Deal, &[], Some(&stamp)).record(&body).unwrap();
        assert_eq!((record.id, record.stamp.as_deref()), (RecordId(9), Some("deal:1")));
    }

    #[test]
    fn the_default_item_of_a_type_speaks_for_it_else_the_first() {
        let fields = names(&["communications/1", "communications/2", "communications/2/extension", "communications/9"]);
        let items = json!([
            {"id": 10, "type": {"id": 2}, "value": "first", "defaultFlag": false},
            {"id": 11, "type": {"id": "2"}, "value": "default", "extension": "12", "defaultFlag": true},
            {"id": 12, "type": {"id": 1}, "value": "a@b.c", "defaultFlag": false},
            {"id": 13, "type": {"id": 1}, "value": "x@y.z"},
            {"id": 14, "type": {}},
        ]);
        let body = json!({"id": 7, "communicationItems": items, "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}});
        let record = Reader::new(ObjectKind::Contact, &fields, None).record(&body).unwrap();
        assert_eq!(record.value("communications/1"), &Value::Text("a@b.c".into()));
        assert_eq!(record.value("communications/2"), &Value::Text("default".into()));
        assert_eq!(record.value("communications/2/extension"), &Value::Text("12".into()));
        assert_eq!(record.value("communications/9"), &Value::Empty);
    }

    #[test]
    fn a_unit_of_a_forecast_item_comes_to_its_part_of_the_whole() {
        let fields = names(&["revenue/quantity", "cost/quantity"]);
        let reader = Reader::new(ObjectKind::LineItem, &fields, None);
        let read = |item: Json| reader.record_as_of(&item, RecordId(1), Timestamp::EPOCH);
        let number = |text: &str| Value::Number(Decimal::from_str(text).unwrap());
        let of = |item: Json| {
            let record = read(item).unwrap();
            [record.value("revenue/quantity").clone(), record.value("cost/quantity").clone()]
        };
        assert_eq!(of(json!({"revenue": 3120, "cost": 1056.0, "quantity": 48})), [number("65"), number("22")]);
        assert_eq!(of(json!({"revenue": 100, "quantity": "3"})), [number("33.333333"), Value::Empty]);
        assert_eq!(of(json!({"revenue": 7, "cost": null})), [number("7"), Value::Empty]);
        assert_eq!(of(json!({"revenue": 7, "quantity": 0})), [Value::Empty, Value::Empty]);
        for odd in [json!({"revenue": "a lot", "quantity": 1}), json!({"revenue": 7, "quantity": {"id": 1}})] {
            assert!(read(odd.clone()).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_text_that_comes_as_a_reference_is_its_name() {
        let fields = names(&["state", "country"]);
        let body = json!({"id": 7, "state": {"id": 5, "name": "Texas"}, "country": {"id": 1, "name": "USA"},
            "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}});
        let record = Reader::new(ObjectKind::Company, &fields, None).record(&body).unwrap();
        assert_eq!(record.value("state"), &Value::Text("Texas".into()));
        assert_eq!(record.value("country"), &Value::Choice("1".into()));
    }

    proptest::proptest! {
        #[test]
        fn no_json_breaks_a_reader(text in "[\\[\\]{}:,\"a-z0-9 ]{0,60}") {
            let fields = names(&["name", "types", "customFields/1", "communications/1", "state"]);
            if let Ok(json) = serde_json::from_str::<Json>(&text) {
                for body in [json.clone(), json!({"id": 7, "_info": {"lastUpdated": "2026-01-01T00:00:00Z"}, "name": json,
                    "types": json, "customFields": json, "communicationItems": json, "state": json})] {
                    let reader = Reader::new(ObjectKind::Contact, &fields, None);
                    let says_all = reader.unshown(&body).is_none() && reader.unlisted(&body).next().is_none();
                    let is_record = body.get("id").is_some() && body.get("_info").is_some();
                    proptest::prop_assert!(reader.record(&body).is_ok() || !says_all || !is_record);
                }
            }
        }
    }
}
