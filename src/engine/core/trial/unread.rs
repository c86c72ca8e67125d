//! What a draft looks at and the cache does not hold. Of that nothing is known: it is not empty, it is not there.

use std::collections::BTreeSet;

use super::report::{Unread, UnreadWhat};
use super::verdict::Missing;
use crate::engine::core::state::{CursorKey, Feed};
use crate::engine::core::view::{View, ViewResult};
use crate::mapping::{ObjectRules, Rules};
use crate::model::{BySystem, FieldName, ObjectKind, Schema, System};

/// All of it, object by object.
///
/// # Errors
/// When the view cannot be read.
pub fn unread(view: &dyn View, deployed: Option<&Rules>, draft: &Rules) -> ViewResult<Vec<Unread>> {
    let mut found = Vec::new();
    for (object, wanted) in draft.objects() {
        let read = deployed.and_then(|deployed| deployed.object(object));
        for system in System::BOTH {
            let cursor = view.cursor(CursorKey { system, object, feed: Feed::Backfill })?;
            let mut add = |what| found.push(Unread { object, system, what });
            let Some(cursor) = cursor else {
                add(UnreadWhat::Everything);
                continue;
            };
            let is_complete = cursor.completed.is_some();
            if is_complete && cursor.shape == wanted.shape {
                continue;
            }
            if !is_complete || read.is_none_or(|read| read.shape != cursor.shape) {
                add(UnreadWhat::UnderWay);
            }
            let fields = lacking(wanted, read, system);
            if !fields.is_empty() {
                add(UnreadWhat::Fields(fields));
            }
        }
    }
    Ok(found)
}

/// The fields that only one of two configurations reads.
fn lacking(wanted: &ObjectRules, read: Option<&ObjectRules>, system: System) -> Vec<FieldName> {
    let known: BTreeSet<&FieldName> = read.iter().flat_map(|read| &read.watched[system]).collect();
    wanted.watched[system].iter().filter(|name| !known.contains(name)).cloned().collect()
}

/// The schemas without the fields that are not read: whatever counts on one of them then says so, instead of taking it for
/// empty.
#[must_use]
pub fn as_read(schemas: &[BySystem<Schema>], unread: &[Unread]) -> Vec<BySystem<Schema>> {
    let without = |system: System, schema: &Schema| {
        let missing = missing(unread, schema.object);
        let mut schema = schema.clone();
        schema.fields.retain(|field| !missing[system].contains(&field.name));
        schema
    };
    let both = |pair: &BySystem<Schema>| BySystem::from_fn(|system| without(system, &pair[system]));
    schemas.iter().map(both).collect()
}

/// Those of one object.
#[must_use]
pub fn missing(unread: &[Unread], object: ObjectKind) -> Missing {
    BySystem::from_fn(|system| {
        let here = unread.iter().filter(|unread| unread.object == object && unread.system == system);
        let fields = here.filter_map(|unread| match &unread.what {
            UnreadWhat::Fields(fields) => Some(fields),
            UnreadWhat::Everything | UnreadWhat::UnderWay => None,
        });
        fields.flatten().cloned().collect()
    })
}
