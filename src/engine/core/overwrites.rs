//! One value that a run would put over many others: what a workflow that went wrong, an import with a shifted column or a
//! hasty change of a value map looks like, long before it touches enough records for the other limits.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::plan::PlannedWrite;
use super::state::{FieldWrite, IntentKind};
use crate::mapping::Ceiling;
use crate::model::{FieldName, ObjectKind, System, Value};

/// So many different values are told apart in one run. A value that comes on very many records is among the first ones.
const MOST_VALUES: usize = 100_000;

/// How often a run would write which value over another one.
#[derive(Debug, Clone, Default)]
pub(super) struct Overwrites(BTreeMap<u64, Same>);

/// One value of one field in one system.
#[derive(Debug, Clone)]
struct Same {
    object: ObjectKind,
    system: System,
    field: FieldName,
    value: Value,
    count: u64,
}

impl Overwrites {
    /// Counts the fields of a write, and says what they were counted under.
    pub fn add(&mut self, write: &PlannedWrite) -> Vec<u64> {
        let over_another = |field: &&FieldWrite| !field.before.is_empty() && !field.after.is_empty();
        let fields = write.fields.iter().filter(|_| write.kind == IntentKind::Update).filter(over_another);
        let mut keys = Vec::new();
        for field in fields {
            let key = key(write, field);
            let has_room = self.0.len() < MOST_VALUES;
            if let Some(same) = self.0.get_mut(&key) {
                same.count += 1;
            } else if has_room {
                let (field, value) = (field.field.clone(), field.after.clone());
                self.0.insert(key, Same { object: write.object, system: write.system, field, value, count: 1 });
            } else {
                continue;
            }
            keys.push(key);
        }
        keys
    }

    /// These are not written any more.
    pub fn take_back(&mut self, keys: &[u64]) {
        for key in keys {
            if let Some(same) = self.0.get_mut(key) {
                same.count = same.count.saturating_sub(1);
            }
        }
    }

    /// The value that would come on more records than allowed, in words.
    pub fn exceed(&self, ceiling: Ceiling, object: ObjectKind, live_links: u64) -> Option<String> {
        let limit = ceiling.limit(live_links);
        let too_often = self.0.values().find(|same| same.object == object && same.count > limit)?;
        let Same { system, field, count, .. } = too_often;
        let (records, value) = (object.plural().to_lowercase(), too_often.value.to_string());
        Some(format!(
            "it would put one value, {}, over what {count} {records} have in {field} of {system}; the limit is {limit}",
            shortened(&value)
        ))
    }
}

/// Long texts are told by their beginning.
fn shortened(value: &str) -> String {
    const MOST: usize = 40;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("\"{}…\"", &value[..end]),
        None => format!("\"{value}\""),
    }
}

fn key(write: &PlannedWrite, field: &FieldWrite) -> u64 {
    let mut hasher = DefaultHasher::new();
    (write.object, write.system, &field.field, &field.after).hash(&mut hasher);
    hasher.finish()
}
