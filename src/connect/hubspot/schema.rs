//! The properties of a HubSpot object as fields.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::doctor::{add, lacking, named};
use super::paths::{self, Route};
use super::told::{next_page, odd, results};
use super::{HubCall, HubSpot, record, references, stage};
use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::flag::flag;
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::connect::rights::{OWNERS, Way, scope};
use crate::connect::{Finding, LiveSchema, Severity};
use crate::engine::core::request::{Failure, Priority};
use crate::mapping::needs::is_required;
use crate::model::drift::Unread;
use crate::model::{ChoiceOption, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System};

/// Owners come in pages of 100; a portal with more than this many people has a reason to say so.
const OWNER_PAGES: u32 = 50;
/// What a text property holds.
const TEXT_CHARS: u32 = 65_536;
/// An object has some hundred properties of HubSpot's own and at most a thousand of the customer's.
const MOST_FIELDS: usize = 10_000;

impl HubSpot {
    pub(super) async fn live_schema(&self, object: ObjectKind, priority: Priority) -> Result<LiveSchema, Fault> {
        let mut session = Session::new(priority).for_task(crate::model::System::HubSpot, "fields");
        session.turn_to(Some(object));
        let rest = format!("/{}", paths::object(object));
        let body = self.call(&HubCall::get(Route::Properties, rest), &mut session).await?;
        let mut fields: Vec<FieldDef> = results(&body)?.iter().filter_map(|json| property(object, json)).collect();
        fields.extend(associated(object));
        let mut warnings = Vec::new();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        if fields.len() > MOST_FIELDS {
            let what = format!("HubSpot tells of {} properties; only {MOST_FIELDS} are used.", fields.len());
            warnings.push(Finding {
                severity: Severity::Warning,
                object: Some(object),
                what,
                remedy: String::new(),
                root: None,
            });
            fields.truncate(MOST_FIELDS);
        }
        let mut unread = Vec::new();
        if let Err(fault) = self.fill_owners(&mut fields, &mut session).await {
            let people = fields.iter().filter(|field| field.kind == FieldKind::Person);
            unread.extend(people.map(|field| Unread::Options(field.name.clone())));
            warnings.push(gap(None, "Owners", "Reading owners is", OWNERS, fault));
        }
        if let Some((pipeline, stage)) = stage::properties(object)
            && let Err(fault) = self.fill_pipelines(object, &mut fields, &mut session).await
        {
            unread.extend([pipeline, stage].map(|name| Unread::Options(name.into())));
            let reading = format!("Reading the pipelines of {} is", object.plural().to_lowercase());
            warnings.push(gap(Some(object), "Pipelines and stages", &reading, scope(object, Way::ReadFields), fault));
        }
        if self.fill_lengths(object, &mut fields, &mut session).await.is_err() {
            unread.push(Unread::Lengths);
        }
        Ok(LiveSchema { schema: Schema { system: System::HubSpot, object, fields }, unread, warnings })
    }

    async fn fill_owners(&self, fields: &mut [FieldDef], session: &mut Session) -> Result<(), Fault> {
        if !fields.iter().any(|field| field.kind == FieldKind::Person) {
            return Ok(());
        }
        let owners = self.owners(session).await?;
        for field in fields.iter_mut().filter(|field| field.kind == FieldKind::Person) {
            field.options.clone_from(&owners);
        }
        Ok(())
    }

    /// Pipelines and stages are options that the property itself does not list.
    async fn fill_pipelines(
        &self,
        object: ObjectKind,
        fields: &mut [FieldDef],
        session: &mut Session,
    ) -> Result<(), Fault> {
        let Some((pipeline, stage)) = stage::properties(object) else { return Ok(()) };
        let all = self.pipelines(object, session).await?;
        for field in fields {
            if field.name.as_str() == pipeline {
                field.options.clone_from(&all.pipelines);
            } else if field.name.as_str() == stage {
                field.options.clone_from(&all.stages);
            }
        }
        Ok(())
    }

    /// The customer's own limits of length. Not every account has rules, and not every token may see them.
    async fn fill_lengths(
        &self,
        object: ObjectKind,
        fields: &mut [FieldDef],
        session: &mut Session,
    ) -> Result<(), Fault> {
        let rest = format!("/{}", paths::type_id(object));
        let body = self.call(&HubCall::get(Route::Validations, rest), session).await?;
        let lengths = lengths(&body);
        for field in fields {
            if let (Some(length), Some(most)) = (lengths.get(field.name.as_str()), field.max_length) {
                field.max_length = Some(most.min(*length));
            }
        }
        Ok(())
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
                owners.extend(results(&body)?.iter().filter_map(|json| owner(json, archived)));
                let next = next_page(&body)?;
                if next.is_some() && next == after {
                    return Err(odd("the pages of owners repeat".to_owned()));
                }
                after = next;
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

/// Per property the greatest length that its rules allow.
fn lengths(body: &Json) -> BTreeMap<String, u32> {
    let mut lengths = BTreeMap::new();
    for one in body.get("results").and_then(Json::as_array).into_iter().flatten() {
        let Some(name) = one.get("propertyName").and_then(Json::as_str) else { continue };
        for rule in one.get("propertyValidationRules").and_then(Json::as_array).into_iter().flatten() {
            let most = rule.pointer("/ruleArguments/0").and_then(record::number).and_then(|n| u32::try_from(n).ok());
            if rule.get("ruleType").and_then(Json::as_str) == Some("MAX_LENGTH")
                && let Some(most) = most
            {
                lengths.insert(name.to_owned(), most);
            }
        }
    }
    lengths
}

/// What could not be read, and what it comes of. `reading` is the beginning of the sentence by which the doctor tells it.
pub(super) fn gap(object: Option<ObjectKind>, what: &str, reading: &str, scope: &str, fault: Fault) -> Finding {
    let scope = (fault.kind == ConnectErrorKind::Permission).then(|| named(&fault, scope));
    let remedy = scope.as_ref().map_or_else(|| fault.hint.clone(), |scope| add(scope));
    let root = scope.map(|scope| lacking(&scope, reading));
    let what = format!("{what} cannot be read: {}", why(fault));
    Finding { severity: Severity::Warning, object, what, remedy, root }
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
    let flag = |path: &str| json.pointer(path).and_then(flag).unwrap_or(false);
    let name = word("name");
    if name.is_empty() || flag("/archived") {
        return None;
    }
    let refers = if name == "hubspot_owner_id" { "OWNER" } else { word("referencedObjectType") };
    let joined = references::of(object, name);
    let mirrors = joined.is_some();
    let reference = joined.map(|one| one.to).or_else(|| reference(object, name));
    let is_address = object == ObjectKind::Contact && name == "email";
    let kind = match reference {
        Some(object) => FieldKind::Reference(object),
        None if is_address => FieldKind::Email,
        None => kind(word("type"), word("fieldType"), refers),
    };
    let options = json.get("options").and_then(Json::as_array).into_iter().flatten();
    Some(FieldDef {
        name: FieldName::new(name),
        label: Some(clip_message(word("label"))).filter(|label| !label.is_empty()).unwrap_or_else(|| name.to_owned()),
        kind,
        // What mirrors the primary company is written as an association. HubSpot keeps the parent company in step with
        // associations of its own, which are not written.
        read_only: !mirrors
            && (reference == Some(ObjectKind::Company)
                || flag("/calculated")
                || flag("/modificationMetadata/readOnlyValue")),
        required: is_required(object, System::HubSpot, name),
        unique: flag("/hasUniqueValue") || is_address,
        max_length: matches!(kind, FieldKind::Text | FieldKind::LongText | FieldKind::RichText | FieldKind::Email)
            .then_some(TEXT_CHARS),
        custom: json.get("hubspotDefined").is_none_or(|own| own.as_bool() == Some(false)),
        options: options.filter_map(option).collect(),
    })
}

/// The associations that no property mirrors.
fn associated(object: ObjectKind) -> impl Iterator<Item = FieldDef> {
    references::joined(object).iter().filter(|one| !one.mirrored).map(|one| FieldDef {
        name: FieldName::new(one.name),
        label: one.to.plural().to_owned(),
        kind: FieldKind::Reference(one.to),
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    })
}

fn option(json: &Json) -> Option<ChoiceOption> {
    let key = json.get("value").and_then(Json::as_str)?.to_owned();
    let label = json.get("label").and_then(Json::as_str).filter(|label| !label.is_empty()).unwrap_or(&key).to_owned();
    let inactive = json.get("hidden").and_then(flag).unwrap_or(false);
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
        (_, "html") => FieldKind::RichText,
        (_, "textarea") => FieldKind::LongText,
        _ => FieldKind::Text,
    }
}

/// The object that a property holds the id of.
const fn reference(object: ObjectKind, name: &str) -> Option<ObjectKind> {
    match (object, name.as_bytes()) {
        (ObjectKind::Company, b"hs_parent_company_id") => Some(ObjectKind::Company),
        (ObjectKind::LineItem, b"hs_product_id") => Some(ObjectKind::Product),
        _ => None,
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
            ("string", "html", FieldKind::RichText),
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

    #[test]
    fn what_mirrors_an_association_refers_to_a_record_and_is_written_where_it_is_the_primary_company() {
        let of = |object, name: &str| {
            property(object, &json!({"name": name, "type": "number", "fieldType": "number"})).unwrap()
        };
        let company = of(ObjectKind::Contact, "associatedcompanyid");
        assert_eq!((company.kind, company.read_only), (FieldKind::Reference(ObjectKind::Company), false));
        let parent = of(ObjectKind::Company, "hs_parent_company_id");
        assert_eq!((parent.kind, parent.read_only), (FieldKind::Reference(ObjectKind::Company), true));
        let product = of(ObjectKind::LineItem, "hs_product_id");
        assert_eq!((product.kind, product.read_only), (FieldKind::Reference(ObjectKind::Product), false));
        assert_eq!(of(ObjectKind::Deal, "associatedcompanyid").kind, FieldKind::Number);
        assert_eq!(
            property(ObjectKind::Note, &json!({"name": "hubspot_owner_id", "type": "enumeration"})).unwrap().kind,
            FieldKind::Person
        );
    }

    #[test]
    fn rules_of_length_are_read_and_nothing_else_of_them() {
        let body = json!({"results": [
            {"propertyName": "zip", "propertyValidationRules": [{"ruleType": "ALPHANUMERIC", "ruleArguments": ["NUMERIC_ONLY"]},
                {"ruleType": "MAX_LENGTH", "ruleArguments": ["5"]}]},
            {"propertyName": "odd", "propertyValidationRules": [{"ruleType": "MAX_LENGTH", "ruleArguments": []}, 7]},
            {"propertyValidationRules": []}, null]});
        assert_eq!(lengths(&body), BTreeMap::from([("zip".to_owned(), 5)]));
        assert!(lengths(&json!([])).is_empty());
    }
}
