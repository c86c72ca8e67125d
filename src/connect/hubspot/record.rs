//! HubSpot's JSON to records and back. Property values are text or nothing, whatever the property's type.

use serde_json::{Map, Value as Json};

use super::{paths, references};
use crate::connect::flag::is_set;
use crate::connect::undated;
use crate::mapping::references::holds_all;
use crate::model::{FieldName, Fields, ObjectKind, Record, RecordId, Timestamp, Value};

/// How to read records of one object.
pub(super) struct Reader<'a> {
    pub object: ObjectKind,
    pub fields: &'a [FieldName],
    /// The property that carries the stamp.
    pub stamp: Option<&'a FieldName>,
}

const MERGED: &str = "hs_merged_object_ids";
const CHANGED_BY: &str = "hs_updated_by_user_id";

impl Reader<'_> {
    /// The names of the properties to ask for.
    pub fn properties(&self) -> Vec<&str> {
        let names = self.fields.iter().map(FieldName::as_str);
        let mut names: Vec<&str> = names.filter(|name| !holds_all(name)).collect();
        names.extend(self.stamp.map(FieldName::as_str));
        names.extend([paths::modified(self.object), MERGED, CHANGED_BY]);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The record as far as it is told. What is left out is not empty but unknown: see [`Self::untold`].
    ///
    /// # Errors
    /// What is missing for a record, in a few words.
    pub fn record(&self, json: &Json) -> Result<Record, String> {
        let id = json.get("id").and_then(id).ok_or("a record has no usable id")?;
        let properties = told(json).ok_or_else(|| format!("record {id} has no properties"))?;
        let modified = self.modified(json, properties).ok_or_else(|| {
            undated(id, properties.get(paths::modified(self.object)).or_else(|| json.get("updatedAt")))
        })?;
        let odd = |name: &str| format!("record {id} shows something as its \"{name}\" that cannot be a value");
        let mut fields = Fields::new();
        for name in self.fields {
            let Some(told) = property(properties, name) else { continue };
            let value = value(told).ok_or_else(|| odd(name.as_str()))?;
            if !value.is_empty() {
                fields.insert(name.clone(), value);
            }
        }
        let own =
            |name: &str| properties.get(name).map_or(Ok(Value::Empty), |told| value(told).ok_or_else(|| odd(name)));
        let stamp = self.stamp.map_or(Ok(Value::Empty), |name| own(name.as_str()))?;
        // what an app writes names no user
        let modified_by = properties.get(CHANGED_BY).and_then(plain);
        Ok(Record {
            id,
            modified,
            archived: is_set(json.get("archived"))
                .ok_or_else(|| format!("record {id} does not tell whether it is archived"))?,
            fields,
            stamp: Some(stamp.to_plain()).filter(|stamp| !stamp.is_empty()),
            merged: merged(&own(MERGED)?.to_plain()),
            untouched: modified_by.is_none() && json.get("createdAt").and_then(time) == Some(modified),
            modified_by,
        })
    }

    /// The stamp that the record carries, as far as it is told.
    pub fn stamp(&self, json: &Json) -> Option<String> {
        told(json)?.get(self.stamp?.as_str()).and_then(plain)
    }

    /// The fields of which the answer does not even tell that they are empty. What is read from the associations is none
    /// of them.
    pub fn untold<'s>(&'s self, json: &'s Json) -> impl Iterator<Item = &'s FieldName> {
        let properties = told(json);
        let fields = self.fields.iter().filter(|name| references::of(self.object, name.as_str()).is_none());
        fields.filter(move |name| properties.is_none_or(|properties| property(properties, name).is_none()))
    }

    /// Whether the answer tells which stamp the record carries, or that it carries none.
    pub fn tells_stamp(&self, json: &Json) -> bool {
        let Some(name) = self.stamp else { return true };
        let stamp = told(json).and_then(|properties| properties.get(name.as_str()));
        stamp.is_some_and(|stamp| stamp.is_string() || stamp.is_null())
    }

    /// Whether the answer tells about every field, be it that it is empty.
    pub fn is_complete(&self, json: &Json) -> bool {
        self.untold(json).next().is_none()
    }

    fn modified(&self, json: &Json, properties: &Map<String, Json>) -> Option<Timestamp> {
        let own = properties.get(paths::modified(self.object)).or_else(|| properties.get("hs_lastmodifieddate"));
        own.and_then(time).or_else(|| json.get("updatedAt").and_then(time))
    }
}

/// The properties of a record; every record has some.
fn told(json: &Json) -> Option<&Map<String, Json>> {
    json.get("properties").and_then(Json::as_object).filter(|properties| !properties.is_empty())
}

/// A property by its name, whose case HubSpot does not mind.
fn property<'a>(properties: &'a Map<String, Json>, name: &FieldName) -> Option<&'a Json> {
    let alike = || properties.iter().find(|(told, _)| told.eq_ignore_ascii_case(name.as_str()));
    properties.get(name.as_str()).or_else(|| alike().map(|(_, value)| value))
}

/// An id as text or number.
pub(super) fn id(json: &Json) -> Option<RecordId> {
    match json {
        Json::String(text) => text.trim().parse().ok(),
        Json::Number(number) => number.as_u64().map(RecordId),
        _ => None,
    }
}

/// A whole number that is not negative, as number or text.
pub(super) fn number(json: &Json) -> Option<u64> {
    id(json).map(|RecordId(number)| number)
}

/// ISO text, or milliseconds since the epoch.
pub(super) fn time(json: &Json) -> Option<Timestamp> {
    let text = plain(json)?;
    Timestamp::parse_rfc3339(&text).or_else(|| text.parse().ok().map(Timestamp))
}

/// What a property holds; none where nothing can be made of it. HubSpot tells texts; a server on the way may make numbers
/// and flags of them.
pub(super) fn value(json: &Json) -> Option<Value> {
    match json {
        Json::Null => Some(Value::Empty),
        Json::String(text) => Some(Value::text(text.clone())),
        Json::Number(_) | Json::Bool(_) => Some(Value::Text(json.to_string())),
        Json::Array(_) | Json::Object(_) => None,
    }
}

/// A text that is not blank, or what is as good as one.
pub(super) fn plain(json: &Json) -> Option<String> {
    value(json).filter(|value| !value.is_empty()).map(|value| value.to_plain())
}

fn merged(list: &str) -> Vec<RecordId> {
    list.split(';').filter_map(|id| id.trim().parse().ok()).collect()
}

/// A deal's close date is shown as a day and kept as a moment, in the time zone of whoever looks at it: noon in UTC is that
/// day nearly everywhere, midnight is the day before in all of America.
const DAY_AS_MOMENT: &str = "closedate";

fn written(name: &FieldName, value: &Value) -> String {
    match value {
        Value::Date(day) if name.as_str() == DAY_AS_MOMENT => format!("{day}T12:00:00Z"),
        other => other.to_plain(),
    }
}

/// Values as the `properties` of a write. Empty clears.
pub(super) fn properties(values: &[(FieldName, Value)], stamp: Option<(&FieldName, &str)>) -> Json {
    let mut map = Map::new();
    for (name, value) in values {
        map.insert(name.as_str().to_owned(), Json::String(written(name, value)));
    }
    if let Some((name, stamp)) = stamp {
        map.insert(name.as_str().to_owned(), Json::String(stamp.to_owned()));
    }
    Json::Object(map)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing parse is a failing test")]
    use super::*;
    use serde_json::json;

    fn reader<'a>(fields: &'a [FieldName], stamp: &'a FieldName) -> Reader<'a> {
        Reader { object: ObjectKind::Company, fields, stamp: Some(stamp) }
    }

    #[test]
    fn values_are_text_or_nothing_and_only_the_asked_ones() {
        let fields: Vec<FieldName> = vec!["name".into(), "city".into(), "phone".into(), "numberofemployees".into()];
        let stamp = FieldName::new("lockstep_key");
        let record = reader(&fields, &stamp)
            .record(&json!({"id": "512", "properties": {"name": "Acme", "city": " ", "phone": null, "extra": "x",
                "numberofemployees": 12, "hs_lastmodifieddate": "2024-09-11T13:27:39.356Z", "lockstep_key": "company:7",
                "hs_merged_object_ids": "3;4;x"}, "updatedAt": "2020-01-01T00:00:00Z", "archived": true}))
            .unwrap();
        assert_eq!(record.id, RecordId(512));
        assert_eq!(record.modified.to_rfc3339(), "2024-09-11T13:27:39.356Z");
        assert!(record.archived);
        assert_eq!(record.fields.len(), 2);
        assert_eq!(record.value("name"), &Value::Text("Acme".into()));
        assert_eq!(record.value("numberofemployees"), &Value::Text("12".into()));
        assert_eq!(record.stamp.as_deref(), Some("company:7"));
        assert_eq!(record.merged, vec![RecordId(3), RecordId(4)]);
    }

    #[test]
    fn a_record_is_untouched_where_its_last_change_is_its_making_and_names_no_user() {
        let (then, later) = ("2026-06-09T21:59:49.356Z", "2026-06-09T21:59:49.357Z");
        let shown = |created: Json, modified: &str, user: Json| {
            json!({"id": 7, "createdAt": created, "updatedAt": modified, "archived": false,
                "properties": {"hs_lastmodifieddate": modified, "hs_updated_by_user_id": user}})
        };
        let table = [
            (shown(json!(then), then, json!(null)), true),
            (shown(json!(then), later, json!(null)), false),
            (shown(json!(then), then, json!("51446676")), false),
            (shown(json!(null), then, json!(null)), false),
            (shown(json!(5), then, json!(null)), false),
        ];
        for (body, untouched) in table {
            let reader = Reader { object: ObjectKind::Company, fields: &[], stamp: None };
            assert_eq!(reader.record(&body).unwrap().untouched, untouched, "{body}");
        }
    }

    #[test]
    fn odd_shapes_are_named_and_never_panic() {
        let fields: Vec<FieldName> = vec!["name".into()];
        let stamp = FieldName::new("k");
        for odd in [
            json!(null),
            json!([]),
            json!({}),
            json!({"id": -4}),
            json!({"id": "x"}),
            json!({"id": "1"}),
            json!({"id": "1", "properties": [1]}),
            json!({"id": "1", "updatedAt": {}}),
            json!({"id": "1", "properties": {"name": "A"}, "updatedAt": {}}),
            json!({"id": 1, "updatedAt": "2024-01-01T00:00:00Z"}),
            json!({"id": 1, "updatedAt": "2024-01-01T00:00:00Z", "properties": null}),
        ] {
            assert!(reader(&fields, &stamp).record(&odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn null_is_empty_and_absent_is_untold() {
        let fields: Vec<FieldName> = vec!["name".into(), "City".into(), "phone".into(), "zip".into()];
        let stamp = FieldName::new("k");
        let reader = reader(&fields, &stamp);
        let json = json!({"id": 1, "updatedAt": "2024-01-01T00:00:00Z",
            "properties": {"name": null, "city": "Ulm", "phone": ""}});
        assert_eq!(reader.untold(&json).map(FieldName::as_str).collect::<Vec<_>>(), ["zip"]);
        assert_eq!(reader.record(&json).unwrap().value("City"), &Value::Text("Ulm".into()));
        assert!(!reader.is_complete(&json) && !reader.is_complete(&json!({"id": 1})));
        // The company of a contact is read from its associations.
        let mirror: Vec<FieldName> = vec!["associatedcompanyid".into()];
        let contact = Reader { object: ObjectKind::Contact, fields: &mirror, stamp: None };
        assert!(contact.is_complete(&json) && !Reader { object: ObjectKind::Company, ..contact }.is_complete(&json));
    }
}
