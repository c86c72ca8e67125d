//! What a person can do in either system's own user interface: the same acts on both halves, for every object.

use serde_json::{Map, Value};

use super::control::ControlError;
use super::object::Object;
use super::world::Act;

/// A half of the world as its users see it. An object that the system does not have is [`ControlError::NoObject`].
pub(crate) trait People {
    /// Whether the system has such records at all.
    fn holds(&self, object: Object) -> bool;

    /// Who may act in the system, as acts name them.
    fn users(&self) -> Vec<String>;

    /// One record as a flat map of its fields with `id` (a number) and `deleted`; a merged id shows its survivor where
    /// the system follows merges.
    fn flat(&self, object: Object, id: u64) -> Option<Value>;

    /// Records in id order, those after `after`, at most `limit`, deleted ones too; each as [`People::flat`] shows it.
    fn flat_page(&self, object: Object, after: u64, limit: usize) -> Vec<Value>;

    /// Creates a record with these fields; answers its id.
    fn add(&mut self, act: &mut Act<'_>, object: Object, fields: &Map<String, Value>) -> Result<u64, ControlError>;

    /// Changes fields of a record. Null or an empty text clears.
    fn edit(
        &mut self,
        act: &mut Act<'_>,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), ControlError>;

    /// Deletes a record in the way the system does: recycle bin, flag, or for good.
    fn delete(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError>;

    /// Brings a deleted record back, where the system can.
    fn restore(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError>;

    /// Associates two records; `primary` makes a company the primary one. Only HubSpot has associations.
    fn associate(
        &mut self,
        act: &mut Act<'_>,
        from: (Object, u64),
        to: (Object, u64),
        primary: bool,
    ) -> Result<(), ControlError>;

    /// Merges `other` into `primary`; answers the survivor's id.
    fn merge(&mut self, act: &mut Act<'_>, object: Object, primary: u64, other: u64) -> Result<u64, ControlError>;
}
