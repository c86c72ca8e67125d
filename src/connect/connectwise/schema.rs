//! The fields of a ConnectWise company with the options of today, and what Lockstep needs of a tenant.

use serde_json::Value as Json;

use super::fields::{BuiltIn, COMPANY, MEMBERS};
use super::{ConnectWise, path, record, refused};
use crate::connect::address::query_value;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::connect::{Check, LiveSchema, Prepared};
use crate::engine::core::request::Priority;
use crate::model::{ChoiceOption, FieldDef, FieldKind, FieldName, ObjectKind, RecordId, Schema, System};

impl ConnectWise {
    pub(super) async fn live_schema(&self, object: ObjectKind) -> Result<LiveSchema, Fault> {
        path(object)?;
        let mut session = Session::new(Priority::Interactive);
        // The one call that must work: without it there is no tenant.
        self.call(&Call::get("/system/info"), &mut session).await?;
        let mut warnings = Vec::new();
        let mut fields = Vec::new();
        for built_in in COMPANY {
            let mut field = definition(built_in);
            if let Some(list) = built_in.options {
                match self.rows(list, &mut session).await {
                    Ok(rows) => field.options = rows.iter().filter_map(|row| option(row, list == MEMBERS)).collect(),
                    Err(fault) => {
                        warnings.push(format!("The options of {} cannot be read: {}", field.label, why(fault)))
                    }
                }
            }
            fields.push(field);
        }
        match self.rows("/system/userDefinedFields", &mut session).await {
            Ok(rows) => fields.extend(rows.iter().filter_map(user_defined)),
            Err(fault) => warnings.push(format!("User-defined fields cannot be read: {}", why(fault))),
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Ok(LiveSchema { schema: Schema { system: System::ConnectWise, object, fields }, warnings })
    }

    async fn rows(&self, list: &str, session: &mut Session) -> Result<Vec<Json>, Fault> {
        let mut rows: Vec<Json> = Vec::new();
        let mut after: Option<RecordId> = None;
        loop {
            let from = after.map(|after| format!("&pageId={after}")).unwrap_or_default();
            let mut call = Call::get(format!("{list}?pageSize=1000{from}"));
            call.forward_only = true;
            let body = self.call(&call, session).await?;
            let page = body.as_array().ok_or_else(|| super::read::odd("there is no list"))?;
            let last = page.iter().filter_map(|row| row.get("id").and_then(record::id)).max();
            rows.extend(page.iter().cloned());
            if page.len() < 1000 || last <= after {
                return Ok(rows);
            }
            after = last;
        }
    }

    pub(super) async fn check_access(&self) -> Result<Check, ConnectError> {
        let mut session = Session::new(Priority::Interactive);
        let (_, company) = self.discover(&mut session).await?;
        let info = self.call(&Call::get("/system/info"), &mut session).await?;
        self.call(&Call::get("/company/companies?pageSize=1&fields=id"), &mut session).await?;
        let mut warnings = Vec::new();
        for (what, list) in [
            ("Company statuses", "/company/companies/statuses"),
            ("Company types", "/company/companies/types"),
            ("Members", MEMBERS),
            ("User-defined fields", "/system/userDefinedFields"),
        ] {
            if let Err(fault) = self.call(&Call::get(format!("{list}?pageSize=1")), &mut session).await {
                warnings.push(format!("{what} cannot be read: {}", why(fault)));
            }
        }
        let name = company.get("CompanyName").and_then(Json::as_str).unwrap_or(&self.company);
        let version = info.get("version").and_then(Json::as_str).unwrap_or("version unknown");
        Ok(Check { tenant: self.company.clone(), label: clip_message(&format!("{name} ({version})")), warnings })
    }

    pub(super) async fn prepare_stamp(&self, object: ObjectKind) -> Result<Prepared, ConnectError> {
        let Some(stamp) = self.stamps.get(&object).cloned() else {
            return Err(refused("No ConnectWise field is named for the stamp.").into());
        };
        let number = stamp.as_str().strip_prefix("userDefinedField").and_then(|number| number.parse::<u8>().ok());
        if !number.is_some_and(|number| (1..=10).contains(&number)) {
            return Err(ConnectError::new(
                ConnectErrorKind::Setup,
                format!("The ConnectWise field {stamp} cannot carry the stamp."),
                "Name one of userDefinedField1 to userDefinedField10 that nobody uses.",
            ));
        }
        let mut session = Session::new(Priority::Interactive);
        let condition = query_value(&format!("{stamp} != null"));
        let path = format!("{}?pageSize=100&fields=id,{stamp}&conditions={condition}", path(object)?);
        let rows = self.call(&Call::get(path), &mut session).await?;
        let own = |row: &&Json| {
            let text = row.get(stamp.as_str()).and_then(Json::as_str).unwrap_or_default();
            !text.trim().is_empty() && crate::connect::stamped_record(object, System::HubSpot, text).is_none()
        };
        let mut warnings = Vec::new();
        let foreign = rows.as_array().into_iter().flatten().filter(own).count();
        if foreign > 0 {
            warnings.push(format!("{stamp} holds other values on {foreign} companies; choose a field nobody uses."));
        }
        Ok(Prepared { stamp, created: Vec::new(), warnings })
    }
}

fn why(fault: Fault) -> String {
    ConnectError::from(fault).message
}

fn definition(field: &BuiltIn) -> FieldDef {
    FieldDef {
        name: FieldName::new(field.name),
        label: field.label.to_owned(),
        kind: field.kind,
        read_only: field.read_only,
        required: field.required,
        unique: matches!(field.name, "id" | "identifier"),
        max_length: field.max_length,
        custom: false,
        options: Vec::new(),
    }
}

fn option(row: &Json, member: bool) -> Option<ChoiceOption> {
    let word = |name: &str| row.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty());
    let key = row.get("id").and_then(record::id)?.to_string();
    let full = format!("{} {}", word("firstName").unwrap_or_default(), word("lastName").unwrap_or_default());
    let person = Some(full.trim()).filter(|name| member && !name.is_empty());
    let label = person.or_else(|| word("name")).or_else(|| word("description")).or_else(|| word("identifier"));
    let email = ["officeEmail", "defaultEmail", "primaryEmail"].into_iter().find_map(word).map(str::to_lowercase);
    Some(ChoiceOption {
        label: label.unwrap_or(&key).to_owned(),
        inactive: row.get("inactiveFlag").and_then(Json::as_bool).unwrap_or(false),
        email: email.filter(|_| member),
        key,
        ..ChoiceOption::default()
    })
}

/// A definition, where it belongs to the company screens.
fn user_defined(row: &Json) -> Option<FieldDef> {
    let word = |name: &str| row.get(name).and_then(Json::as_str).unwrap_or_default();
    if !word("podDescription").to_lowercase().contains("company") {
        return None;
    }
    let id = row.get("id").and_then(record::id)?;
    let flag = |name: &str| row.get(name).and_then(Json::as_bool).unwrap_or(false);
    let options = row.get("options").and_then(Json::as_array).into_iter().flatten();
    let options: Vec<ChoiceOption> = options
        .filter_map(|one| {
            let text = one.get("optionValue").and_then(Json::as_str)?.to_owned();
            let inactive = one.get("inactiveFlag").and_then(Json::as_bool).unwrap_or(false);
            // Records hold the text of the option, not its id.
            Some(ChoiceOption { key: text.clone(), label: text, inactive, ..ChoiceOption::default() })
        })
        .collect();
    let kind = match word("fieldTypeIdentifier") {
        "Number" | "Currency" | "Percent" => FieldKind::Number,
        "Checkbox" => FieldKind::Bool,
        "Date" => FieldKind::Date,
        "TextArea" => FieldKind::LongText,
        "Hyperlink" => FieldKind::Url,
        "PhoneNumber" => FieldKind::Phone,
        _ if !options.is_empty() => FieldKind::Choice,
        _ => FieldKind::Text,
    };
    Some(FieldDef {
        name: FieldName::from(format!("customFields/{id}")),
        label: clip_message(word("caption")),
        kind,
        read_only: flag("readOnlyFlag"),
        required: flag("requiredFlag"),
        unique: false,
        max_length: None,
        custom: true,
        options,
    })
}
