//! The fields of an object with the options of today: the built-in ones, the tenant's own, and a contact's communication
//! types.

use serde_json::Value as Json;

use super::communications::Medium;
use super::fields::{BOARDS, BuiltIn, Options};
use super::objects::place;
use super::options::{Known, option};
use super::roles::{self, Column};
use super::version::{Version, max_length};
use super::{ConnectWise, record, user_defined};
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::connect::{Finding, LiveSchema, Severity};
use crate::engine::core::request::Priority;
use crate::mapping::needs::is_required;
use crate::mapping::stages::Standing;
use crate::model::drift::Unread;
use crate::model::{FieldDef, FieldKind, FieldName, ObjectKind, Schema, System};

/// What the fields of a table of the tenant's own begin with.
const USER_DEFINED: &str = "customFields/";
const COMMUNICATIONS: &str = "communications/";
const NUMBERED: &str = "userDefinedField";
/// Where communication types, user-defined fields and the captions of the numbered ones are kept.
pub(super) const COMMUNICATION_TYPES: &str = "/company/communicationTypes";
pub(super) const CUSTOM_FIELDS: &str = "/system/userDefinedFields";
pub(super) const NUMBERED_LIST: &str = "/system/myCompany/crm";

impl ConnectWise {
    pub(super) async fn live_schema(&self, object: ObjectKind, priority: Priority) -> Result<LiveSchema, Fault> {
        let mut session = Session::new(priority).for_task(crate::model::System::ConnectWise, "fields");
        session.turn_to(Some(object));
        // The one call that must work: without it there is no tenant.
        let info = self.call(&Call::get("/system/info"), &mut session).await?;
        let told = info.get("version").and_then(Json::as_str).and_then(Version::parse);
        let version = self.known_version().or(told);
        let (mut unread, mut warnings) = (Vec::new(), Vec::new());
        let mut known = Known::new();
        let mut fields = Vec::new();
        for built_in in place(object).fields {
            let mut field = definition(object, built_in, version);
            match self.options(built_in.options, &mut known, &mut session).await {
                Ok(options) => field.options = options,
                Err(fault) => {
                    unread.push(Unread::Options(field.name.clone()));
                    warnings
                        .extend(source(built_in.options).map(|list| gap(object, list, field.label.as_str(), fault)));
                }
            }
            fields.push(field);
        }
        if let Some(standing) = Standing::of(object) {
            fields.push(joint(standing, &fields));
            let lacks =
                |one: &Unread| matches!(one, Unread::Options(name) if standing.members().contains(&name.as_str()));
            if unread.iter().any(lacks) {
                unread.push(Unread::Options(standing.field().into()));
            }
        }
        if place(object).numbered
            && let Err(fault) = self.caption_numbered(&mut fields, &mut session).await
        {
            unread.push(Unread::Labels(NUMBERED));
            warnings.push(gap(object, NUMBERED_LIST, "", fault));
        }
        if object == ObjectKind::Contact {
            match self.rows(COMMUNICATION_TYPES, &mut session).await {
                Ok(rows) => fields.extend(rows.iter().filter_map(communication).flatten()),
                Err(fault) => {
                    unread.push(Unread::Fields(COMMUNICATIONS));
                    warnings.push(gap(object, COMMUNICATION_TYPES, "", fault));
                }
            }
        }
        if !place(object).screens.is_empty() {
            match self.rows(CUSTOM_FIELDS, &mut session).await {
                Ok(rows) => fields.extend(rows.iter().filter_map(|row| user_defined::definition(object, row))),
                Err(fault) => {
                    unread.push(Unread::Fields(USER_DEFINED));
                    warnings.push(gap(object, CUSTOM_FIELDS, "", fault));
                }
            }
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        tell_apart(&mut fields);
        Ok(LiveSchema { schema: Schema { system: System::ConnectWise, object, fields }, unread, warnings })
    }

    /// The captions that the tenant gave to `userDefinedField1` to `userDefinedField10`.
    async fn caption_numbered(&self, fields: &mut [FieldDef], session: &mut Session) -> Result<(), Fault> {
        let crm = self.call(&Call::get(NUMBERED_LIST), session).await?;
        for field in fields {
            let Some(number) = field.name.as_str().strip_prefix(NUMBERED) else { continue };
            let caption = crm.get(format!("field{number}Caption")).and_then(Json::as_str).map(clip_message);
            if let Some(caption) = caption.filter(|caption| !caption.is_empty()) {
                field.label = caption;
            }
        }
        Ok(())
    }
}

/// The two members that tell where a record stands, as one field.
fn joint(standing: Standing, fields: &[FieldDef]) -> FieldDef {
    let options = |name: &str| {
        fields.iter().find(|field| field.name.as_str() == name).map_or(&[][..], |field| field.options.as_slice())
    };
    let [place, status] = standing.members();
    FieldDef {
        name: FieldName::new(standing.field()),
        label: standing.label().to_owned(),
        kind: FieldKind::Choice,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: standing.options(options(place), options(status)),
    }
}

/// The list that a field's options come from.
pub(super) const fn source(options: Options) -> Option<&'static str> {
    match options {
        Options::Table(list) => Some(list),
        Options::PerBoard(_) => Some(BOARDS),
        Options::None | Options::Words(_) => None,
    }
}

/// What is not known without a list, as the subject of a sentence. `label` is the field that it gives options to.
pub(super) fn content(list: &str, label: &str) -> String {
    match list {
        COMMUNICATION_TYPES => "communication types".to_owned(),
        CUSTOM_FIELDS => "user-defined fields".to_owned(),
        NUMBERED_LIST => "captions of user-defined fields 1 to 10".to_owned(),
        _ => format!("options of {label}"),
    }
}

/// What could not be read, and what it comes of.
pub(super) fn gap(object: ObjectKind, list: &str, label: &str, fault: Fault) -> Finding {
    let row = roles::row(list).filter(|_| fault.kind == ConnectErrorKind::Permission);
    let hurts = content(list, label);
    let remedy = match fault.hint.as_str() {
        "" => format!(
            "See whether this release of ConnectWise has the list {list}. Until it can be read, leave fields that need it \
             unmapped."
        ),
        hint => hint.to_owned(),
    };
    let what = format!("The {hurts} cannot be read: {}", ConnectError::from(fault).message);
    let root = row.map(|row| row.root(Column::Inquire, hurts));
    Finding { severity: Severity::Warning, object: Some(object), what, remedy, root }
}

fn definition(object: ObjectKind, field: &BuiltIn, version: Option<Version>) -> FieldDef {
    FieldDef {
        name: FieldName::new(field.name),
        label: field.label.to_owned(),
        kind: field.kind,
        read_only: field.read_only,
        required: field.required || is_required(object, System::ConnectWise, field.name),
        unique: field.name == "id" || (object == ObjectKind::Company && field.name == "identifier"),
        max_length: max_length(object, field.name, version, field.max_length),
        custom: false,
        options: Vec::new(),
    }
}

/// The fields of a communication type: its value and, for a number, the extension.
fn communication(row: &Json) -> Option<Vec<FieldDef>> {
    let id = row.get("id").and_then(record::id)?;
    let label = option(row)?.label;
    let make = |name: String, label: String, kind, length| FieldDef {
        name: FieldName::from(name),
        label,
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: Some(length),
        custom: false,
        options: Vec::new(),
    };
    let medium = Medium::of_type(row)?;
    let kind = if medium == Medium::Email { FieldKind::Email } else { FieldKind::Phone };
    let mut fields = vec![make(format!("communications/{id}"), label.clone(), kind, 250)];
    if medium != Medium::Email {
        fields.push(make(format!("communications/{id}/extension"), format!("{label} extension"), FieldKind::Text, 15));
    }
    Some(fields)
}

/// Fields labelled alike are told apart by their names.
fn tell_apart(fields: &mut [FieldDef]) {
    let labels: Vec<String> = fields.iter().map(|field| field.label.to_lowercase()).collect();
    for (at, field) in fields.iter_mut().enumerate() {
        let alike = labels.iter().filter(|label| **label == labels[at]).count();
        if alike > 1 {
            field.label = format!("{} ({})", field.label, field.name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a row that is no field is a failing test")]
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fields_without_which_connectwise_makes_no_record_are_told_as_required() {
        let table: [(ObjectKind, &[&str]); 7] = [
            (ObjectKind::Company, &["identifier", "name"]),
            (ObjectKind::Contact, &["firstName"]),
            (ObjectKind::Deal, &["company", "contact", "name", "primarySalesRep"]),
            (ObjectKind::Ticket, &["company", "summary"]),
            (ObjectKind::Task, &["assignTo", "name"]),
            (ObjectKind::Product, &["customerDescription", "description", "identifier", "subcategory", "type"]),
            (ObjectKind::LineItem, &["forecastType", "opportunity", "status"]),
        ];
        for (object, expected) in table {
            let fields = place(object).fields.iter().map(|field| definition(object, field, None));
            let mut required: Vec<String> =
                fields.filter(|field| field.required).map(|field| field.name.to_string()).collect();
            required.sort();
            assert_eq!(required, expected, "{object}");
        }
    }

    #[test]
    fn a_communication_type_is_a_field_of_its_kind() {
        let fields = communication(&json!({"id": 2, "description": "Direct", "phoneFlag": true})).unwrap();
        let told: Vec<_> = fields.iter().map(|field| (field.name.as_str(), field.label.as_str(), field.kind)).collect();
        assert_eq!(
            told,
            [
                ("communications/2", "Direct", FieldKind::Phone),
                ("communications/2/extension", "Direct extension", FieldKind::Text)
            ]
        );
        let mail = communication(&json!({"id": 1, "description": "Email", "emailFlag": true})).unwrap();
        assert_eq!((mail.len(), mail[0].kind, mail[0].max_length), (1, FieldKind::Email, Some(250)));
        assert!(communication(&json!({"id": 1, "description": "Telex"})).is_none());
    }

    #[test]
    fn labels_that_repeat_are_told_apart_by_name() {
        let mut fields = communication(&json!({"id": 2, "description": "Direct", "phoneFlag": true})).unwrap();
        fields.extend(communication(&json!({"id": 3, "description": "direct", "faxFlag": true})).unwrap());
        tell_apart(&mut fields);
        assert_eq!(fields[0].label, "Direct (communications/2)");
        assert_eq!(fields[2].label, "direct (communications/3)");
    }
}
