//! What a person does in ConnectWise's own user interface.

use serde_json::{Map, Value, json};

use super::set_by_person;
use super::tenant::{Company, Tenant, WriteError};
use crate::sim::control::ControlError;
use crate::sim::ledger::Verb;
use crate::sim::object::Object;
use crate::sim::people::People;
use crate::sim::world::Act;

const SYSTEM: &str = "ConnectWise";

impl People for Tenant {
    fn flat(&self, object: Object, id: u64) -> Option<Value> {
        served(object).ok()?;
        self.companies.get(&id).map(|company| flat(self, company))
    }

    fn flat_page(&self, object: Object, after: u64, limit: usize) -> Vec<Value> {
        if served(object).is_err() {
            return Vec::new();
        }
        let range = self.companies.range(after.saturating_add(1)..).take(limit);
        range.map(|(_, company)| flat(self, company)).collect()
    }

    fn add(&mut self, act: &mut Act<'_>, object: Object, fields: &Map<String, Value>) -> Result<u64, ControlError> {
        served(object)?;
        let mut company = self.blank(act.now, act.actor.name());
        let mut fields = fields.clone();
        fields.entry("site").or_insert_with(|| json!({"name": "Main"}));
        fields.entry("status").or_insert_with(|| json!({"name": "Active"}));
        set_fields(self, &mut company, &fields)?;
        self.create(act, company).map_err(|e| told(object, 0, e))
    }

    fn edit(
        &mut self,
        act: &mut Act<'_>,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), ControlError> {
        served(object)?;
        let mut company = self.companies.get(&id).cloned().ok_or_else(|| missing(object, id))?;
        set_fields(self, &mut company, fields)?;
        self.replace(act, company, Verb::Update).map_err(|e| told(object, id, e))
    }

    fn delete(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        served(object)?;
        Self::delete(self, act, id).map_err(|e| told(object, id, e))
    }

    fn restore(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        served(object)?;
        Self::restore(self, act, id).map_err(|e| told(object, id, e))
    }

    fn merge(&mut self, act: &mut Act<'_>, object: Object, primary: u64, other: u64) -> Result<u64, ControlError> {
        served(object)?;
        Self::merge(self, act, other, primary, &[]).map(|()| primary).map_err(|e| told(object, primary, e))
    }
}

fn served(object: Object) -> Result<(), ControlError> {
    if object == Object::Company { Ok(()) } else { Err(ControlError::NoObject { side: SYSTEM, object }) }
}

const fn missing(object: Object, id: u64) -> ControlError {
    ControlError::NotFound { side: SYSTEM, object, id }
}

fn told(object: Object, id: u64, error: WriteError) -> ControlError {
    match error {
        WriteError::NotFound(_) => missing(object, id),
        WriteError::Invalid(problems) => {
            ControlError::Refused(problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join(" "))
        }
        WriteError::Conversion(text) => ControlError::Refused(text),
        WriteError::UnknownMember(name) => ControlError::Refused(format!("ConnectWise has no field {name}")),
    }
}

fn set_fields(tenant: &Tenant, company: &mut Company, fields: &Map<String, Value>) -> Result<(), ControlError> {
    fields.iter().try_for_each(|(name, value)| {
        set_by_person(tenant, company, name, value).map_err(|e| told(Object::Company, company.id, e))
    })
}

fn flat(tenant: &Tenant, company: &Company) -> Value {
    let mut json = tenant.show(company, "");
    if let Some(map) = json.as_object_mut() {
        map.insert("deleted".to_owned(), json!(company.is_deleted()));
    }
    json
}
