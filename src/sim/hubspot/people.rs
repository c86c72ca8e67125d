//! What a person does in HubSpot's own user interface.

use serde_json::{Map, Value, json};

use super::portal::{Portal, Record, WriteError};
use super::{all_values, refused};
use crate::sim::control::ControlError;
use crate::sim::object::Object;
use crate::sim::people::People;
use crate::sim::world::Act;

const SYSTEM: &str = "HubSpot";

impl People for Portal {
    fn flat(&self, object: Object, id: u64) -> Option<Value> {
        served(object).ok()?;
        self.find(id).map(|record| flat(self, record))
    }

    fn flat_page(&self, object: Object, after: u64, limit: usize) -> Vec<Value> {
        if served(object).is_err() {
            return Vec::new();
        }
        let range = self.records.range(after.saturating_add(1)..).take(limit);
        range.map(|(_, record)| flat(self, record)).collect()
    }

    fn add(&mut self, act: &mut Act<'_>, object: Object, fields: &Map<String, Value>) -> Result<u64, ControlError> {
        served(object)?;
        let values = self.check(&as_text(fields)).map_err(|e| told(object, 0, &e))?;
        self.create(act, &values).map_err(|e| told(object, 0, &e))
    }

    fn edit(
        &mut self,
        act: &mut Act<'_>,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), ControlError> {
        served(object)?;
        let id = self.resolve(id);
        let values = self.check(&as_text(fields)).map_err(|e| told(object, id, &e))?;
        self.update(act, id, &values).map_err(|e| told(object, id, &e))
    }

    fn delete(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        served(object)?;
        self.archive(act, id).then_some(()).ok_or_else(|| missing(object, id))
    }

    fn restore(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        served(object)?;
        Self::restore(self, act, id).then_some(()).ok_or_else(|| missing(object, id))
    }

    fn merge(&mut self, act: &mut Act<'_>, object: Object, primary: u64, other: u64) -> Result<u64, ControlError> {
        served(object)?;
        Self::merge(self, act, primary, other).map_err(|e| told(object, primary, &e))
    }
}

impl Portal {
    /// Sets from when search shows a record as it is now, in milliseconds since 1970.
    pub fn show_in_search_from(&mut self, object: Object, id: u64, at_ms: i64) -> Result<(), ControlError> {
        served(object)?;
        self.show_from(id, at_ms).then_some(()).ok_or_else(|| missing(object, id))
    }

    /// Adds a property of text; false when the name is taken.
    pub fn define_property(
        &mut self,
        object: Object,
        (name, label): (&str, &str),
        unique: bool,
        now: i64,
    ) -> Result<bool, ControlError> {
        served(object)?;
        Ok(self.define_text(name, label, unique, now))
    }
}

fn served(object: Object) -> Result<(), ControlError> {
    if object == Object::Company { Ok(()) } else { Err(ControlError::NoObject { side: SYSTEM, object }) }
}

const fn missing(object: Object, id: u64) -> ControlError {
    ControlError::NotFound { side: SYSTEM, object, id }
}

fn told(object: Object, id: u64, error: &WriteError) -> ControlError {
    match error {
        WriteError::NotFound => missing(object, id),
        other => ControlError::Refused(refused(other).0),
    }
}

fn as_text(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn flat(portal: &Portal, record: &Record) -> Value {
    let mut all = all_values(portal, record);
    all.insert("id".to_owned(), json!(record.id));
    all.insert("deleted".to_owned(), json!(record.archived_at.is_some()));
    Value::Object(all)
}
