//! Bodies of writes: a whole company (POST, PUT) and the operations of a PATCH.

use serde_json::{Map, Value};

use super::Failure;
use super::fields::{self, Kind, Problem, STATUS, Stored, Table};
use super::tenant::{Company, Tenant, WriteError};

/// Members that a body may carry without being written.
const IGNORED: [&str; 4] = ["id", "_info", "types", "typeIds"];

/// Fills a blank company from the body of a POST. Status, type and country have defaults; a site is required.
pub(crate) fn create(tenant: &mut Tenant, company: &mut Company, body: &Map<String, Value>) -> Result<(), Failure> {
    assign_all(tenant, company, body)?;
    let site = body.get("site").and_then(|s| s.get("name")).and_then(Value::as_str).unwrap_or_default();
    if site.trim().is_empty() {
        return Err(Failure::one("MissingRequiredField", "site", "Company Site name is required."));
    }
    if company.get(STATUS).is_none() {
        company.set(STATUS, tenant.tables.flagged(Table::Status, "defaultFlag").map(Stored::Ref));
    }
    for id in type_ids(tenant, body)? {
        tenant.add_type(company, id);
    }
    if company.types.is_empty()
        && let Some(default) = tenant.tables.flagged(Table::Type, "defaultFlag")
    {
        tenant.add_type(company, default);
    }
    Ok(())
}

fn type_ids(tenant: &Tenant, body: &Map<String, Value>) -> Result<Vec<u32>, Failure> {
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut ids = Vec::new();
    for id in list("typeIds") {
        ids.push(serde_json::json!({ "id": id }));
    }
    ids.extend(list("types"));
    let mut found = Vec::new();
    for sent in ids {
        if let Some(Stored::Ref(id)) = tenant.reference("types", Table::Type, &sent)? {
            found.push(id);
        }
    }
    Ok(found)
}

/// Replaces everything that a PUT can carry: what is not in the body is cleared.
pub(crate) fn put(tenant: &Tenant, company: &mut Company, body: &Map<String, Value>) -> Result<(), Failure> {
    if ["types", "typeIds"].iter().any(|name| body.get(*name).is_some_and(|v| !v.is_null())) {
        return Err(Failure::one("InvalidField", "typeIds", "typeIds can only be used when creating a new company."));
    }
    let written: Vec<_> = company.values().map(|(id, _)| id).collect();
    for id in written {
        let Some(field) = fields::get(id) else { continue };
        if !field.read_only && !body.contains_key(field.name) {
            company.set(id, (field.kind == Kind::Flag).then_some(Stored::Flag(false)));
        }
    }
    assign_all(tenant, company, body)
}

fn assign_all(tenant: &Tenant, company: &mut Company, body: &Map<String, Value>) -> Result<(), Failure> {
    for (name, value) in body {
        match name.as_str() {
            "customFields" => custom_fields(tenant, company, value, false)?,
            name if IGNORED.contains(&name) => {}
            name => tenant.assign(company, name, value)?,
        }
    }
    Ok(())
}

/// Carries out the operations of a PATCH on a copy of the company.
pub(crate) fn patch(tenant: &Tenant, company: &mut Company, body: &Value, whole: bool) -> Result<(), Failure> {
    let Some(operations) = body.as_array() else {
        return Err(Failure::Plain {
            code: "InvalidObject",
            message: "The request body must be an array of patch operations.".to_owned(),
        });
    };
    for operation in operations {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let (op, path) = (text("op"), text("path").trim_start_matches('/'));
        let value = operation.get("value").unwrap_or(&Value::Null);
        apply(tenant, company, op, path, value, whole)?;
    }
    Ok(())
}

fn apply(
    tenant: &Tenant,
    company: &mut Company,
    op: &str,
    path: &str,
    value: &Value,
    whole: bool,
) -> Result<(), Failure> {
    let value = match op {
        "add" | "replace" => value,
        "remove" => &Value::Null,
        other => {
            return Err(Failure::Plain {
                code: "InvalidObject",
                message: format!("'{other}' is not a supported patch operation."),
            });
        }
    };
    match path.split_once('/') {
        None if path == "customFields" => custom_fields(tenant, company, value, whole),
        None if path == "types" || path == "typeIds" => {
            Err(Failure::one("InvalidField", "typeIds", "typeIds can only be used when creating a new company."))
        }
        None if path == "id" || path == "_info" => Ok(()),
        None => Ok(tenant.assign(company, path, value)?),
        // A path into a reference is accepted and changes nothing.
        Some((head, _)) => match fields::find(head) {
            Some((_, field)) if matches!(field.kind, Kind::Ref(_) | Kind::Opaque) => Ok(()),
            _ if head == "_info" || head == "types" => Ok(()),
            _ if head == "customFields" => one_custom_field(tenant, company, path, value),
            _ => Err(Failure::UnknownMember(path.to_owned())),
        },
    }
}

/// Sets the custom fields that the array names; the others keep their values.
fn custom_fields(tenant: &Tenant, company: &mut Company, sent: &Value, whole: bool) -> Result<(), Failure> {
    let items = sent.as_array().map(Vec::as_slice).unwrap_or_default();
    if whole && items.len() < tenant.tables.custom.len() {
        return Err(Failure::one("InvalidField", "customFields", "The entire array of custom fields must be passed."));
    }
    for item in items {
        let id = item.get("id").and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
        set_custom(tenant, company, id, item.get("value").unwrap_or(&Value::Null))?;
    }
    Ok(())
}

fn one_custom_field(tenant: &Tenant, company: &mut Company, path: &str, value: &Value) -> Result<(), Failure> {
    let index: Option<usize> = path.split('/').nth(1).and_then(|t| t.parse().ok());
    let id = index.and_then(|i| tenant.tables.custom.keys().nth(i)).copied().unwrap_or(0);
    Ok(set_custom(tenant, company, id, value)?)
}

/// Sets one field by name as a person would: references also by bare name, custom fields also by caption.
pub(crate) fn set_by_person(
    tenant: &Tenant,
    company: &mut Company,
    name: &str,
    value: &Value,
) -> Result<(), WriteError> {
    if let Some((_, field)) = fields::find(name) {
        return match (field.kind, value) {
            (Kind::Ref(_), Value::String(text)) if !text.is_empty() => {
                tenant.assign(company, name, &serde_json::json!({ "name": text }))
            }
            _ => tenant.assign(company, name, value),
        };
    }
    let key = name.strip_prefix("customFields/").unwrap_or(name);
    match tenant.tables.custom_id(key) {
        Some(id) => set_custom(tenant, company, id, value),
        None => Err(WriteError::UnknownMember(name.to_owned())),
    }
}

fn set_custom(tenant: &Tenant, company: &mut Company, id: u32, value: &Value) -> Result<(), WriteError> {
    let refuse = |code, field, message| Err(WriteError::Invalid(vec![Problem::new(code, field, message)]));
    if !tenant.tables.custom.contains_key(&id) {
        return refuse("NotFound", "customFields/id", format!("User Defined Field {id} not found"));
    }
    if let Some(message) = tenant.tables.custom_misfit(id, value) {
        return refuse("InvalidField", "customFields", message);
    }
    if value.is_null() {
        company.custom.remove(&id);
    } else {
        company.custom.insert(id, value.clone());
    }
    Ok(())
}

/// Gives a company that is being set up its types, by name or id.
pub(crate) fn set_types(tenant: &mut Tenant, company: &mut Company, names: &Value) {
    for name in names.as_array().into_iter().flatten() {
        let id = name.as_str().and_then(|n| tenant.tables.named(Table::Type, n));
        if let Some(id) = id {
            tenant.add_type(company, id);
        }
    }
}

/// Puts a company that is being set up into the recycle bin.
pub(crate) fn mark_deleted(company: &mut Company, at_ms: i64, who: &str) {
    company.set(fields::DELETED, Some(Stored::Flag(true)));
    company.set(fields::DATE_DELETED, Some(Stored::Time(at_ms.div_euclid(1000))));
    company.set(fields::DELETED_BY, Some(Stored::Text(who.into())));
}
