//! A few fields of many records, for whoever looks at all of them: the rest of each row is stepped over.

use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;

use rusqlite::types::Type;
use rusqlite::{Error, Result, Row, params};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::code::{Code, id_at, int};
use super::error::StoreResult;
use super::reader::{Reader, limit};
use crate::model::{FieldName, ObjectKind, RecordId, System, Value};

/// One record of the cache, with the values of the fields that were asked for, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    pub id: RecordId,
    pub archived: bool,
    pub values: Vec<Value>,
}

impl Reader {
    /// The records of one system that are not gone, lowest id first, after `after`.
    ///
    /// # Errors
    /// When the store cannot be read; so for both.
    pub fn cells_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        most: usize,
        fields: &[FieldName],
    ) -> StoreResult<Vec<Cells>> {
        let sql = "SELECT id, body FROM observation WHERE object = ?1 AND system = ?2 AND id > ?3 AND gone = 0
            ORDER BY id LIMIT ?4";
        let after = after.map_or(i64::MIN, |id| int(id.0));
        self.all(sql, params![object.code(), system.code(), after, limit(most)], |row| cells_at(row, fields))
    }

    /// The records of one system that have a partner.
    pub fn linked(&self, object: ObjectKind, system: System) -> StoreResult<HashSet<RecordId>> {
        let sql = match system {
            System::HubSpot => "SELECT hubspot FROM link WHERE object = ?1 AND state = 0",
            System::ConnectWise => "SELECT connectwise FROM link WHERE object = ?1 AND state = 0",
        };
        Ok(self.all(sql, [object.code()], |row| id_at(row, 0))?.into_iter().collect())
    }
}

/// The stored form of an observation, as far as it is looked at.
#[derive(Deserialize)]
pub(super) struct Slim<'a> {
    #[serde(borrow)]
    pub record: SlimRecord<'a>,
}

#[derive(Deserialize)]
pub(super) struct SlimRecord<'a> {
    archived: bool,
    /// Not read yet.
    #[serde(borrow)]
    pub fields: ByName<'a, &'a RawValue>,
}

/// What is stored by name, in the stored order.
pub(super) struct ByName<'a, T>(Vec<(Cow<'a, str>, T)>);

impl<T> ByName<'_, T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, found)| found)
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for ByName<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = ByName<'de, T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("values by field")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<ByName<'de, T>, M::Error> {
                let mut pairs = Vec::with_capacity(USUAL_FIELDS);
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, T>()? {
                    pairs.push((name, value));
                }
                Ok(ByName(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// Room for the fields of most records.
const USUAL_FIELDS: usize = 16;

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

fn cells_at(row: &Row<'_>, fields: &[FieldName]) -> Result<Cells> {
    let broken =
        |error: Box<dyn std::error::Error + Send + Sync>| Error::FromSqlConversionFailure(1, Type::Blob, error);
    let bytes = row.get_ref(1)?.as_blob().map_err(|error| broken(error.into()))?;
    let slim: Slim<'_> = serde_json::from_slice(bytes).map_err(|error| broken(error.into()))?;
    let value = |field: &FieldName| -> Result<Value> {
        let Some(raw) = slim.record.fields.get(field.as_str()) else { return Ok(Value::Empty) };
        serde_json::from_str(raw.get()).map_err(|error| broken(error.into()))
    };
    let values = fields.iter().map(value).collect::<Result<_>>()?;
    Ok(Cells { id: id_at(row, 0)?, archived: slim.record.archived, values })
}
