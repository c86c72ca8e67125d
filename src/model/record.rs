//! A record as one system described it at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FieldName, RecordId, Timestamp, Value};

/// Field values by name. Empty values are not stored: absence is emptiness.
pub type Fields = BTreeMap<FieldName, Value>;

/// One record of one system, reduced to the fields that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: RecordId,
    /// When the system says the record last changed; whole seconds in ConnectWise.
    pub modified: Timestamp,
    /// In HubSpot's recycle bin, or deleted in ConnectWise.
    pub archived: bool,
    pub fields: Fields,
    /// The key of the counterpart that Lockstep wrote into the record, where it carries one.
    pub stamp: Option<String>,
    /// Ids of records that were merged into this one.
    pub merged: Vec<RecordId>,
    /// Who changed the record last, where the system tells.
    pub modified_by: Option<String>,
    /// The system says that its last change was its making, and that it was made by whoever changed it last. One that tells
    /// whole seconds does not tell what the same hand changed within the second.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untouched: bool,
}

impl Record {
    /// A living record of which nothing else is told.
    #[must_use]
    pub const fn new(id: RecordId, modified: Timestamp, fields: Fields) -> Self {
        Self {
            id,
            modified,
            archived: false,
            fields,
            stamp: None,
            merged: Vec::new(),
            modified_by: None,
            untouched: false,
        }
    }

    /// The value of `field`; `Empty` where the record has none.
    #[must_use]
    pub fn value(&self, field: &str) -> &Value {
        const EMPTY: &Value = &Value::Empty;
        self.fields.get(field).unwrap_or(EMPTY)
    }
}
