//! The fields a tenant has added: their definitions, and whose they are.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde_json::Value as Json;

use super::objects::place;
use super::record::{self, Reader};
use super::{ConnectWise, schema};
use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, RejectionKind};
use crate::model::{ChoiceOption, FieldDef, FieldKind, FieldName, ObjectKind};

/// The object whose screen a description names, by the word of [`place`]: that of the first object named in it.
pub(super) fn owner(pod: &str) -> Option<&'static str> {
    let pod = pod.to_lowercase();
    let named = |object: &ObjectKind| {
        let first = place(*object).screens.iter().filter_map(|screen| pod.find(screen)).min()?;
        Some((first, place(*object).word))
    };
    ObjectKind::ALL.iter().filter_map(named).min_by_key(|(at, _)| *at).map(|(_, word)| word)
}

/// A definition, where it belongs to the object's screens and can hold anything.
pub(super) fn definition(object: ObjectKind, row: &Json) -> Option<FieldDef> {
    let word = |name: &str| row.get(name).and_then(Json::as_str).unwrap_or_default();
    if place(object).screens.is_empty() || owner(word("podDescription")) != Some(place(object).word) {
        return None;
    }
    let id = row.get("id").and_then(record::id)?;
    let flag = |name: &str| row.get(name).and_then(crate::connect::flag::flag).unwrap_or(false);
    let options: Vec<ChoiceOption> = record::items(row, "options").filter_map(option).collect();
    let kind = match word("fieldTypeIdentifier") {
        // A button holds nothing, and a password is nobody else's business.
        "Button" | "Password" => return None,
        "Number" | "Currency" | "Percent" => FieldKind::Number,
        "Checkbox" => FieldKind::Bool,
        "Date" => FieldKind::Date,
        _ if !options.is_empty() => FieldKind::Choice,
        "TextArea" => FieldKind::LongText,
        "Hyperlink" => FieldKind::Url,
        "PhoneNumber" => FieldKind::Phone,
        _ => FieldKind::Text,
    };
    let caption = clip_message(word("caption"));
    Some(FieldDef {
        name: FieldName::from(format!("customFields/{id}")),
        label: if caption.is_empty() { format!("User-defined field {id}") } else { caption },
        kind,
        read_only: flag("readOnlyFlag"),
        required: flag("requiredFlag"),
        unique: false,
        max_length: None,
        custom: true,
        options: if kind.has_options() { options } else { Vec::new() },
    })
}

/// Records hold the text of the option, not its id.
fn option(row: &Json) -> Option<ChoiceOption> {
    let text = row.get("optionValue").and_then(Json::as_str)?.to_owned();
    let inactive = row.get("inactiveFlag").and_then(crate::connect::flag::flag).unwrap_or(false);
    Some(ChoiceOption { key: text.clone(), label: text, inactive, ..ChoiceOption::default() })
}

/// What keeps a user-defined field from the screens of some records: its locations, its departments.
pub(super) fn limits(definition: &Json) -> impl Iterator<Item = &'static str> {
    let limited = |name: &&str| record::items(definition, name).count() > 0;
    [("locationIds", "locations"), ("businessUnitIds", "departments")]
        .into_iter()
        .filter(move |(name, _)| limited(name))
        .map(|(_, word)| word)
}

impl ConnectWise {
    /// A reader for these rows. Where one does not list a wanted user-defined field, its definition tells whether such
    /// records have it at all; what is known of it is kept.
    pub(super) async fn reader<'a>(
        &'a self,
        object: ObjectKind,
        fields: &'a [FieldName],
        rows: impl Iterator<Item = &Json>,
        session: &mut Session,
    ) -> Result<Reader<'a>, Fault> {
        let limited = || self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = self.stamps.get(&object).filter(|_| !place(object).screens.is_empty());
        let reader = Reader::new(object, fields, stamp).with_limited(limited().clone());
        let unlisted: BTreeSet<u64> = rows.flat_map(|row| reader.unlisted(row)).collect();
        for id in &unlisted {
            match self.call(&Call::get(format!("{}/{id}", schema::CUSTOM_FIELDS)), session).await {
                Ok(definition) if limits(&definition).next().is_some() => drop(limited().insert(*id)),
                Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => {
                    return Err(removed(object, *id));
                }
                Err(fault) if matches!(fault.failure, Failure::Throttled { .. } | Failure::NotSent(_)) => {
                    return Err(fault);
                }
                // Of the screens of all records, or nobody may look: the rows that lack it are odd.
                Ok(_) | Err(_) => {}
            }
        }
        let limited = limited().clone();
        Ok(reader.with_limited(limited))
    }
}

/// No try helps, but another configuration or other fields: what an engine knows of them is old.
fn removed(object: ObjectKind, id: u64) -> Fault {
    let message = format!("ConnectWise does not have the {object} field customFields/{id} any more.");
    let hint = "Run `lockstep doctor`; then map another field, or add this one again in ConnectWise.";
    Fault::new(ConnectErrorKind::Setup, Failure::Denied { message, hint: hint.to_owned() }, hint)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a definition that is none is a failing test")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_belongs_to_the_object_that_its_screen_names_first() {
        let table = [
            ("Company Overview", Some("company")),
            ("Contact Overview", Some("contact")),
            ("Contact - Company Details", Some("contact")),
            ("Opportunity Overview", Some("opportunity")),
            ("Service Ticket", Some("service ticket")),
            ("Ticket Overview", Some("service ticket")),
            ("Activity Overview", Some("activity")),
            ("Product Setup", Some("catalog item")),
            ("Project Overview", None),
            ("", None),
        ];
        for (pod, expected) in table {
            assert_eq!(owner(pod), expected, "{pod}");
        }
    }

    #[test]
    fn definitions_become_fields_of_their_kind() {
        let make = |kind: &str, options: Json| {
            let row = json!({"id": 12, "podDescription": "Company Overview", "caption": "Tier", "fieldTypeIdentifier": kind,
                "requiredFlag": true, "options": options});
            definition(ObjectKind::Company, &row)
        };
        let options =
            json!([{"id": 1, "optionValue": "Gold"}, {"id": 2, "optionValue": "Old", "inactiveFlag": true}, {}]);
        let table = [
            ("Text", json!([]), Some(FieldKind::Text)),
            ("Text", options.clone(), Some(FieldKind::Choice)),
            ("Number", options.clone(), Some(FieldKind::Number)),
            ("Checkbox", json!(null), Some(FieldKind::Bool)),
            ("Date", json!(null), Some(FieldKind::Date)),
            ("TextArea", json!(null), Some(FieldKind::LongText)),
            ("Button", json!(null), None),
            ("Password", json!(null), None),
        ];
        for (kind, options, expected) in table {
            assert_eq!(make(kind, options).map(|field| field.kind), expected, "{kind}");
        }
        let choice = make("Text", options).unwrap();
        assert_eq!((choice.name.as_str(), choice.required, choice.options.len()), ("customFields/12", true, 2));
        assert!(choice.options[1].inactive && choice.options[0].key == "Gold");
    }
}
