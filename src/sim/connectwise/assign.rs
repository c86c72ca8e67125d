//! Values as they are sent, read into a record: whole bodies, single fields, references, user-defined fields.

use serde_json::{Map, Value, json};

use super::behaviour::Behaviour;
use super::entity::Entity;
use super::fields::{self, FieldId, Kind, Problem, Release, Rewriting, Stored, Target};
use super::record::Record;
use super::tenant::{Tenant, WriteError};

/// What a write goes by: the switches, and the release whose model the client pinned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner<'a> {
    pub behaviour: &'a Behaviour,
    pub model: Release,
}

impl<'a> Manner<'a> {
    /// As the newest model.
    pub fn newest(behaviour: &'a Behaviour) -> Self {
        Self { behaviour, model: behaviour.release_number() }
    }

    const fn rewriting(self) -> Rewriting {
        Rewriting { trims: self.behaviour.trims, empty_text_clears: self.behaviour.empty_text_clears }
    }
}

impl Tenant {
    /// Finds what a reference as sent means: `{id}`, `{identifier}` or `{name}`; null and `{}` mean none.
    pub fn reference(
        &self,
        entity: Entity,
        field: &str,
        target: Target,
        sent: &Value,
    ) -> Result<Option<u32>, WriteError> {
        let Some(map) = sent.as_object() else {
            if sent.is_null() || sent.as_str().is_some_and(str::is_empty) {
                return Ok(None);
            }
            return Err(WriteError::Conversion(format!(
                "Error converting value {sent} to type 'ConnectWise.{}'. Path '{field}', line 1, position 1.",
                title(target).replace(' ', "")
            )));
        };
        let id = map.get("id").filter(|v| !v.is_null());
        let (member, key) = match (id, map.get("identifier").or_else(|| map.get("name"))) {
            (Some(id), _) => ("id", id),
            (None, Some(name)) => ("name", name),
            (None, None) => return Ok(None),
        };
        let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let found = if member == "id" { text.parse().ok() } else { self.row_named(target, &text) };
        found.filter(|id| self.exists(target, *id)).map(Some).ok_or_else(|| {
            let message = format!("{} {text} not found", title(target));
            WriteError::one(entity, "NotFound", &format!("{field}/{member}"), message)
        })
    }

    fn row_named(&self, target: Target, name: &str) -> Option<u32> {
        match target {
            Target::Table(table) => self.tables.named(table, name),
            Target::Record(entity) => {
                let shelf = self.shelf(entity);
                let same = |record: &&Record| self.name_of(entity, record).eq_ignore_ascii_case(name);
                shelf.by_key(name).next().or_else(|| shelf.after(0).find(same).map(|record| record.id))
            }
        }
    }

    /// Sets one field from JSON. Read-only ones are accepted and left as they are.
    pub fn assign(
        &self,
        manner: Manner<'_>,
        entity: Entity,
        record: &mut Record,
        (name, sent): (&str, &Value),
    ) -> Result<(), WriteError> {
        let unknown = || WriteError::UnknownMember(entity, name.to_owned());
        let (id, field) = entity.field(name).ok_or_else(unknown)?;
        if field.since > manner.model {
            return Err(unknown());
        }
        let value = match field.kind {
            Kind::Ref(target) => self.reference(entity, name, target, sent)?.map(Stored::Ref),
            Kind::Id(target) => self.bare_reference(entity, name, target, sent)?.map(Stored::Ref),
            Kind::Apart => return Ok(()),
            _ => fields::scalar(field, sent, manner.rewriting()).map_err(|m| WriteError::misfit(entity, m))?,
        };
        if !field.read_only {
            record.set(id, rewritten(manner.behaviour, field.name, value));
        }
        Ok(())
    }

    fn bare_reference(
        &self,
        entity: Entity,
        field: &str,
        target: Target,
        sent: &Value,
    ) -> Result<Option<u32>, WriteError> {
        if sent.is_object() {
            return Err(WriteError::Conversion(format!(
                "Error converting value {sent} to type 'System.Int32'. Path '{field}', line 1, position 1."
            )));
        }
        let wrapped = if sent.is_null() || sent == &json!("") { Value::Null } else { json!({ "id": sent }) };
        let found = self.reference(entity, field, target, &wrapped);
        found.map_err(|error| match error {
            WriteError::Invalid(entity, mut problems) => {
                problems.iter_mut().for_each(|p| field.clone_into(&mut p.field));
                WriteError::Invalid(entity, problems)
            }
            other => other,
        })
    }

    /// Sets user-defined fields; those that the array does not name keep their values.
    pub fn assign_custom(
        &self,
        whole: bool,
        entity: Entity,
        record: &mut Record,
        sent: &Value,
    ) -> Result<(), WriteError> {
        let refused = |message: &str| WriteError::one(entity, "InvalidField", "customFields", message);
        let items = match sent {
            Value::Array(items) => items.as_slice(),
            Value::Null => &[],
            _ => return Err(refused("The custom fields must be an array.")),
        };
        let sent = |id: u32| items.iter().any(|item| item.get("id").and_then(as_id) == Some(id));
        let mut shown = self.tables.defined(entity).filter(|(id, _)| self.custom_at_home(entity, record, *id));
        if whole && !shown.all(|(id, _)| sent(id)) {
            return Err(refused("The entire array of custom fields must be passed."));
        }
        for item in items {
            let id = item.get("id").and_then(as_id).unwrap_or(0);
            self.set_custom(entity, record, id, item.get("value").unwrap_or(&Value::Null))?;
        }
        Ok(())
    }

    pub fn set_custom(&self, entity: Entity, record: &mut Record, id: u32, value: &Value) -> Result<(), WriteError> {
        let refuse = |code, field, message: String| Err(WriteError::one(entity, code, field, message));
        if !self.tables.defined(entity).any(|(known, _)| known == id) {
            return refuse("NotFound", "customFields/id", format!("User Defined Field {id} not found"));
        }
        if !self.custom_at_home(entity, record, id) && !value.is_null() {
            let message = format!("User Defined Field {id} is not available for this location.");
            return refuse("InvalidField", "customFields/id", message);
        }
        if let Some(message) = self.tables.custom_misfit(id, value) {
            return refuse("InvalidField", "customFields", message);
        }
        if value.is_null() || value.as_str().is_some_and(str::is_empty) {
            record.custom.remove(&id);
        } else {
            record.custom.insert(id, value.clone());
        }
        Ok(())
    }

    /// Whether a user-defined field belongs to the location of the record; most belong to all.
    pub fn custom_at_home(&self, entity: Entity, record: &Record, id: u32) -> bool {
        let places = self.tables.custom.get(&id).and_then(|row| row.get("locationIds")).and_then(Value::as_array);
        let Some(places) = places.filter(|list| !list.is_empty()) else { return true };
        let here = entity.field("locationId").and_then(|(field, _)| record.reference(field));
        here.is_some_and(|here| places.iter().any(|place| place.as_u64() == Some(u64::from(here))))
    }

    /// Every member of a body that is a plain value; the others belong to the rules of the kind.
    pub fn assign_all(
        &self,
        manner: Manner<'_>,
        entity: Entity,
        record: &mut Record,
        body: &Map<String, Value>,
    ) -> Result<(), WriteError> {
        for (name, value) in body {
            if !matches!(name.as_str(), "id" | "_info" | "customFields") {
                self.assign(manner, entity, record, (name, value))?;
            }
        }
        // After the location, which decides which of them there are.
        match body.get("customFields") {
            Some(sent) => self.assign_custom(false, entity, record, sent),
            None => Ok(()),
        }
    }

    /// Empties everything that a PUT can carry and this one does not.
    pub fn clear_unsent(
        &self,
        entity: Entity,
        record: &mut Record,
        body: &Map<String, Value>,
    ) -> Result<(), WriteError> {
        let missing = |f: &&fields::Field| f.on_update && body.get(f.name).is_none_or(Value::is_null);
        let problems: Vec<Problem> = entity.fields().iter().filter(missing).map(|f| Problem::missing(f.name)).collect();
        if !problems.is_empty() {
            return Err(WriteError::Invalid(entity, problems));
        }
        let owner = entity.owner().filter(|_| super::tenant::is_child(entity)).map(|(field, _)| field);
        let written: Vec<FieldId> = record.values().map(|(id, _)| id).collect();
        for id in written {
            let Some(field) = entity.field_by_id(id) else { continue };
            if !field.read_only && !body.contains_key(field.name) && Some(id) != owner {
                record.set(id, None);
            }
        }
        Ok(())
    }
}

/// The server's own spelling of some values.
fn rewritten(behaviour: &Behaviour, field: &str, value: Option<Stored>) -> Option<Stored> {
    match value {
        Some(Stored::Text(text)) if behaviour.phone_digits && matches!(field, "phoneNumber" | "faxNumber") => {
            Some(Stored::Text(digits(&text).into()))
        }
        other => other,
    }
}

/// The digits of a telephone number, when it is one at all.
pub(crate) fn digits(text: &str) -> String {
    let kept: String = text.chars().filter(char::is_ascii_digit).collect();
    if kept.is_empty() { text.to_owned() } else { kept }
}

pub(crate) fn as_id(value: &Value) -> Option<u32> {
    match value {
        Value::Number(n) => n.as_u64().and_then(|n| u32::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(crate) fn title(target: Target) -> &'static str {
    match target {
        Target::Table(table) => table.title(),
        Target::Record(entity) => entity.title(),
    }
}
