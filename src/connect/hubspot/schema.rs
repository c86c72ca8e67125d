//! The properties of a HubSpot object as fields.

use serde_json::Value as Json;

use super::paths::{self, Route};
use super::read::odd;
use super::{HubCall, HubSpot};
use crate::connect::LiveSchema;
use crate::connect::error::Fault;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, Priority};
use crate::model::{ChoiceOption, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System};

const OWNER: &str = "hubspot_owner_id";
/// Owners come in pages of 100; a portal with more than this many people has a reason to say so.
const OWNER_PAGES: u32 = 50;
/// What a text property holds.
const TEXT_CHARS: u32 = 65_536;

impl HubSpot {
    pub(super) async fn live_schema(&self, object: ObjectKind) -> Result<LiveSchema, Fault> {
        let mut session = Session::new(Priority::Interactive);
        let rest = format!("/{}", paths::object(object));
        let body = self.call(&HubCall::get(Route::Properties, rest), &mut session).await?;
        let list = body.get("results").and_then(Json::as_array).ok_or_else(|| odd("there are no properties".into()))?;
        let mut fields: Vec<FieldDef> = list.iter().filter_map(|json| property(object, json)).collect();
        let mut warnings = Vec::new();
        if let Some(owner) = fields.iter_mut().find(|field| field.name.as_str() == OWNER) {
            owner.kind = FieldKind::Person;
            match self.owners(&mut session).await {
                Ok(owners) => owner.options = owners,
                Err(fault) => warnings.push(format!("Owners cannot be read: {}", why(fault))),
            }
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Ok(LiveSchema { schema: Schema { system: System::HubSpot, object, fields }, warnings })
    }

    /// All owners; those of people who left are inactive, because records still carry them.
    async fn owners(&self, session: &mut Session) -> Result<Vec<ChoiceOption>, Fault> {
        let mut owners = Vec::new();
        for archived in [false, true] {
            let mut after: Option<String> = None;
            for _ in 0..OWNER_PAGES {
                let mut rest = format!("?limit=100&archived={archived}");
                if let Some(after) = &after {
                    rest.push_str(&format!("&after={}", crate::connect::address::query_value(after)));
                }
                let body = self.call(&HubCall::get(Route::Owners, rest), session).await?;
                let page = body.get("results").and_then(Json::as_array).into_iter().flatten();
                owners.extend(page.filter_map(|json| owner(json, archived)));
                after = body.pointer("/paging/next/after").and_then(Json::as_str).map(str::to_owned);
                if after.is_none() {
                    break;
                }
            }
        }
        owners.sort_by(|a, b| a.key.cmp(&b.key).then(a.inactive.cmp(&b.inactive)));
        owners.dedup_by(|a, b| a.key == b.key);
        Ok(owners)
    }
}

/// The words of a fault.
pub(super) fn why(fault: Fault) -> String {
    match fault.failure {
        Failure::Denied { message, .. } => message,
        _ => crate::connect::ConnectError::from(fault).message,
    }
}

fn owner(json: &Json, archived: bool) -> Option<ChoiceOption> {
    let key = super::record::id(json.get("id")?)?.to_string();
    let word = |name: &str| json.get(name).and_then(Json::as_str).map(str::trim).unwrap_or_default();
    let email = Some(word("email").to_lowercase()).filter(|email| !email.is_empty());
    let name = format!("{} {}", word("firstName"), word("lastName")).trim().to_owned();
    let label = if name.is_empty() { email.clone().unwrap_or_else(|| key.clone()) } else { name };
    Some(ChoiceOption { key, label, inactive: archived, email, ..ChoiceOption::default() })
}

fn property(object: ObjectKind, json: &Json) -> Option<FieldDef> {
    let word = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default();
    let flag = |path: &str| json.pointer(path).and_then(Json::as_bool).unwrap_or(false);
    let name = word("name");
    if name.is_empty() || flag("/archived") {
        return None;
    }
    let kind = kind(word("type"), word("fieldType"), word("referencedObjectType"));
    let options = json.get("options").and_then(Json::as_array).into_iter().flatten();
    Some(FieldDef {
        name: FieldName::new(name),
        label: Some(clip_message(word("label"))).filter(|label| !label.is_empty()).unwrap_or_else(|| name.to_owned()),
        kind,
        read_only: flag("/calculated") || flag("/modificationMetadata/readOnlyValue"),
        required: required(object).contains(&name),
        unique: flag("/hasUniqueValue") || (object == ObjectKind::Contact && name == "email"),
        max_length: matches!(kind, FieldKind::Text | FieldKind::LongText).then_some(TEXT_CHARS),
        custom: json.get("hubspotDefined").is_none_or(|own| own.as_bool() == Some(false)),
        options: options.filter_map(option).collect(),
    })
}

fn option(json: &Json) -> Option<ChoiceOption> {
    let key = json.get("value").and_then(Json::as_str)?.to_owned();
    let label = json.get("label").and_then(Json::as_str).filter(|label| !label.is_empty()).unwrap_or(&key).to_owned();
    let inactive = json.get("hidden").and_then(Json::as_bool).unwrap_or(false);
    Some(ChoiceOption { key, label, inactive, ..ChoiceOption::default() })
}

fn kind(of: &str, shown: &str, refers: &str) -> FieldKind {
    match (of, shown) {
        _ if refers == "OWNER" => FieldKind::Person,
        ("number", _) => FieldKind::Number,
        ("bool", _) | ("enumeration", "booleancheckbox") => FieldKind::Bool,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::DateTime,
        ("enumeration", "checkbox") => FieldKind::MultiChoice,
        ("enumeration", _) => FieldKind::Choice,
        ("phone_number", _) | (_, "phonenumber") => FieldKind::Phone,
        (_, "textarea" | "html") => FieldKind::LongText,
        _ => FieldKind::Text,
    }
}

/// What HubSpot's documentation says a create needs. A company needs a name or a domain; Lockstep asks for the name.
const fn required(object: ObjectKind) -> &'static [&'static str] {
    match object {
        ObjectKind::Company => &["name"],
        ObjectKind::Deal => &["dealname", "dealstage"],
        ObjectKind::Ticket => &["subject", "hs_pipeline", "hs_pipeline_stage"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a missing field is a failing test")]
    use super::*;
    use serde_json::json;

    #[test]
    fn types_and_widgets_make_kinds() {
        let table = [
            ("string", "text", FieldKind::Text),
            ("string", "textarea", FieldKind::LongText),
            ("string", "phonenumber", FieldKind::Phone),
            ("number", "number", FieldKind::Number),
            ("bool", "booleancheckbox", FieldKind::Bool),
            ("enumeration", "booleancheckbox", FieldKind::Bool),
            ("enumeration", "checkbox", FieldKind::MultiChoice),
            ("enumeration", "select", FieldKind::Choice),
            ("date", "date", FieldKind::Date),
            ("datetime", "date", FieldKind::DateTime),
            ("json", "", FieldKind::Text),
        ];
        for (of, shown, expected) in table {
            assert_eq!(kind(of, shown, ""), expected, "{of} {shown}");
        }
        assert_eq!(kind("enumeration", "select", "OWNER"), FieldKind::Person);
    }

    #[test]
    fn a_property_tells_what_may_be_written() {
        let field = property(
            ObjectKind::Company,
            &json!({"name": "tier", "label": "Tier", "type": "enumeration",
            "fieldType": "select", "hasUniqueValue": false, "hubspotDefined": false, "calculated": false,
            "options": [{"label": "A", "value": "a", "hidden": false}, {"label": "", "value": "b", "hidden": true}, {}],
            "modificationMetadata": {"readOnlyValue": true}}),
        )
        .unwrap();
        assert!(field.read_only && field.custom && !field.unique && !field.required);
        assert_eq!(field.options.len(), 2);
        assert_eq!((field.options[1].label.as_str(), field.options[1].inactive), ("b", true));
        assert!(property(ObjectKind::Company, &json!({"label": "nameless"})).is_none());
    }
}
