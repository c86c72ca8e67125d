//! What a person does in HubSpot's own user interface.

use serde_json::{Map, Value, json};

use super::collection::Record;
use super::kinds::{Kind, KindRef};
use super::portal::{Portal, WriteError};
use super::refused;
use super::rules::Manner;
use super::show::all_values;
use super::ties::End;
use crate::sim::control::ControlError;
use crate::sim::object::Object;
use crate::sim::people::People;
use crate::sim::world::Act;

const SYSTEM: &str = "HubSpot";

impl People for Portal {
    fn holds(&self, object: Object) -> bool {
        Kind::of(object).is_some()
    }

    fn users(&self) -> Vec<String> {
        self.owners.iter().map(|owner| owner.user_id.to_string()).collect()
    }

    fn flat(&self, object: Object, id: u64) -> Option<Value> {
        let kind = Kind::of(object)?;
        self.find(kind, id).map(|record| flat(self, kind, record))
    }

    fn flat_page(&self, object: Object, after: u64, limit: usize) -> Vec<Value> {
        let Some(kind) = Kind::of(object) else { return Vec::new() };
        let range = self.of(kind).records.range(after.saturating_add(1)..).take(limit);
        range.map(|(_, record)| flat(self, kind, record)).collect()
    }

    fn add(&mut self, act: &mut Act<'_>, object: Object, fields: &Map<String, Value>) -> Result<u64, ControlError> {
        let kind = served(object)?;
        let manner = Manner::of_people(&act.behaviour.hubspot);
        let values = self.check_new(manner, kind, &as_text(fields)).map_err(|e| told(object, 0, &e))?;
        self.create(act, kind, &values).map_err(|e| told(object, 0, &e))
    }

    fn edit(
        &mut self,
        act: &mut Act<'_>,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), ControlError> {
        let kind = served(object)?;
        let id = self.resolve(id);
        let manner = Manner::of_people(&act.behaviour.hubspot);
        let values = self.check_change(manner, kind, id, &as_text(fields)).map_err(|e| told(object, id, &e))?;
        self.update(act, kind, id, &values).map_err(|e| told(object, id, &e))
    }

    fn delete(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        let kind = served(object)?;
        self.archive(act, kind, id).then_some(()).ok_or_else(|| missing(object, id))
    }

    fn restore(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        let kind = served(object)?;
        Self::restore(self, act, kind, id).then_some(()).ok_or_else(|| missing(object, id))
    }

    fn associate(
        &mut self,
        act: &mut Act<'_>,
        from: (Object, u64),
        to: (Object, u64),
        primary: bool,
    ) -> Result<(), ControlError> {
        let end = |(object, id): (Object, u64)| {
            self.check_end((served(object)?, self.resolve(id))).map_err(|error| told(object, id, &error))
        };
        let (from_end, to_end) = (end(from)?, end(to)?);
        two_records(from_end, to_end)?;
        let unknown = || ControlError::Refused(format!("{SYSTEM} has no such association from {} to {}", from.0, to.0));
        self.links.base(from_end.0, to_end.0).ok_or_else(unknown)?;
        let types: Vec<u16> = match primary {
            true => vec![self.links.primary(from_end.0, to_end.0).ok_or_else(unknown)?.id],
            false => Vec::new(),
        };
        Self::associate(self, act, from_end, to_end, &types, false).map_err(|error| told(from.0, from.1, &error))
    }

    fn merge(&mut self, act: &mut Act<'_>, object: Object, primary: u64, other: u64) -> Result<u64, ControlError> {
        let kind = served(object)?;
        if !kind.merges {
            return Err(ControlError::Refused(format!("{SYSTEM} does not merge {object}")));
        }
        Self::merge(self, act, kind, primary, other).map_err(|e| told(object, primary, &e))
    }
}

impl Portal {
    /// Sets from when search shows a record as it is now, in milliseconds since 1970.
    pub fn show_in_search_from(&mut self, object: Object, id: u64, at_ms: i64) -> Result<(), ControlError> {
        let kind = served(object)?;
        self.of_mut(kind).show_from(id, at_ms).then_some(()).ok_or_else(|| missing(object, id))
    }

    /// Adds a property of text; false when the name is taken.
    pub fn define_property(
        &mut self,
        object: Object,
        (name, label): (&str, &str),
        unique: bool,
        now: i64,
    ) -> Result<bool, ControlError> {
        Ok(self.define_text(served(object)?, name, label, unique, now))
    }

    /// Puts a record into the portal as if it had been there for long: no history, no lag, no ledger. None when HubSpot
    /// has no such object.
    pub fn seed(&mut self, object: Object, created: i64, modified: i64, values: &[(&str, &str)]) -> Option<u64> {
        Kind::of(object).map(|kind| self.seed_kind(kind, created, modified, values))
    }

    /// Associates two seeded records as if that had been so for long. The first company of a record is its primary one.
    ///
    /// # Errors
    /// When HubSpot lacks one of the two, or knows no association between such objects.
    pub fn seed_association(&mut self, from: (Object, u64), to: (Object, u64)) -> Result<(), ControlError> {
        let end = |(object, id): (Object, u64)| {
            let kind = served(object)?;
            self.of(kind).living(id).map(|_| (kind, id)).ok_or_else(|| missing(object, id))
        };
        let (from_end, to_end) = (end(from)?, end(to)?);
        if self.links.base(from_end.0, to_end.0).is_none() {
            return Err(ControlError::Refused(format!("{} are not associated with {}", from.0, to.0)));
        }
        self.associate_quietly(from_end, to_end);
        Ok(())
    }

    /// Whether an object has a property of that name.
    pub fn has_property(&self, object: Object, name: &str) -> bool {
        Kind::of(object).is_some_and(|kind| self.of(kind).schema.any_id(name).is_some())
    }
}

fn served(object: Object) -> Result<KindRef, ControlError> {
    Kind::of(object).ok_or(ControlError::NoObject { side: SYSTEM, object })
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

/// No record is associated with itself.
pub(crate) fn two_records(from: End, to: End) -> Result<(), ControlError> {
    if from.1 == to.1 {
        let (what, id) = (from.0.singular(), from.1);
        return Err(ControlError::Refused(format!("{SYSTEM} does not associate {what} {id} with itself")));
    }
    Ok(())
}

fn as_text(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn flat(portal: &Portal, kind: KindRef, record: &Record) -> Value {
    let mut all = all_values(portal, kind, record);
    all.insert("id".to_owned(), json!(record.id));
    all.insert("deleted".to_owned(), json!(record.archived_at.is_some()));
    Value::Object(all)
}
