//! What an approval covers: the writes of the plan that a person saw, and what follows from them.
//!
//! A write is covered if all that it writes was in the plan for the same record, or follows from what was:
//! * it leaves out some of what the plan had, because the system refused that, or somebody did it meanwhile;
//! * it writes a reference of which the plan said that its record was to be made first, and that record was made, by the
//!   same plan;
//! * it takes back to the source what the other system put into a new record that the plan made, while nobody else has
//!   touched that record: into an empty field, or over just the value that the record was made from.
//!
//! Everything else is counted as if nobody had approved anything: other values, other records, and what people change
//! meanwhile.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::plan::PlannedWrite;
use super::state::{Agreed, FieldWrite, IntentKind, Link, LinkOrigin, LinkState};
use super::view::{View, ViewResult};
use crate::mapping::Rules;
use crate::mapping::references::{self, refers_to};
use crate::model::{ObjectKind, RecordId, RecordRef, System, Timestamp};

/// What a write is held against: the committed rows, and the rules of this run.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub view: &'a dyn View,
    pub rules: &'a Rules,
}

/// The record that a write takes its values from.
pub(super) const fn source_of(write: &PlannedWrite) -> RecordRef {
    RecordRef::new(write.object, write.system.other(), write.source)
}

/// All that stands for a planned write.
pub(super) fn marks(write: &PlannedWrite, rules: &Rules) -> Vec<u64> {
    let source = source_of(write);
    let whole = match write.kind {
        IntentKind::Create => created(source),
        IntentKind::Update => updated(source, write.target),
    };
    std::iter::once(whole).chain(write.fields.iter().map(|field| mark(write, field, rules))).collect()
}

/// What stands for one of its values.
pub(super) fn mark(write: &PlannedWrite, field: &FieldWrite, rules: &Rules) -> u64 {
    let source = source_of(write);
    if is_coming(field, write, rules) { referred(source, field) } else { written(source, field) }
}

/// Whether a write is part of what the marks stand for, or follows from it.
///
/// # Errors
/// When the view cannot be read.
pub(super) fn covers(marks: &BTreeSet<u64>, write: &PlannedWrite, known: Known<'_>) -> ViewResult<bool> {
    if marks.is_empty() || write.fields.is_empty() && write.kind == IntentKind::Update {
        return Ok(false);
    }
    let source = source_of(write);
    let link = known.view.link_of(source)?.filter(|link| link.state == LinkState::Active);
    let is_planned = match write.kind {
        IntentKind::Create => marks.contains(&created(source)),
        IntentKind::Update => {
            let is_copy = |link: &Link| is_made(link, write.system) && Some(link.id_in(write.system)) == write.target;
            marks.contains(&updated(source, write.target))
                || link.as_ref().is_some_and(is_copy) && marks.contains(&created(source))
        }
    };
    let came_back = match &link {
        Some(link) if write.kind == IntentKind::Update => is_untouched_copy(marks, link, source, known)?,
        _ => false,
    };
    for field in &write.fields {
        let in_plan = is_planned && (field.key.is_none() || has_value(marks, write, field, known)?);
        let follows = came_back && link.as_ref().is_some_and(|link| takes_back(link, write.system, field));
        if !in_plan && !follows {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether the plan had that value, or the reference that it stands for.
fn has_value(marks: &BTreeSet<u64>, write: &PlannedWrite, field: &FieldWrite, known: Known<'_>) -> ViewResult<bool> {
    let source = source_of(write);
    if is_coming(field, write, known.rules) {
        return Ok(marks.contains(&referred(source, field)));
    }
    if marks.contains(&written(source, field)) {
        return Ok(true);
    }
    if !marks.contains(&referred(source, field)) {
        return Ok(false);
    }
    let Some(parent) = made_for(write, field, known)? else { return Ok(false) };
    Ok(marks.contains(&created(parent)))
}

/// The record that a reference of the source points to, if the one that is written for it was made of it.
pub(super) fn made_for(write: &PlannedWrite, field: &FieldWrite, known: Known<'_>) -> ViewResult<Option<RecordRef>> {
    let Some(object) = reference(field, write, known.rules) else { return Ok(None) };
    let [id] = references::ids(&field.after)[..] else { return Ok(None) };
    let Some(link) = known.view.link_of(RecordRef::new(object, write.system, id))? else { return Ok(None) };
    let parent = link.record(write.system.other());
    let points_to_it = references::ids(&field.source).contains(&parent.id);
    Ok((points_to_it && is_made(&link, write.system)).then_some(parent))
}

/// Whether a reference is written to a record that is still to be made.
fn is_coming(field: &FieldWrite, write: &PlannedWrite, rules: &Rules) -> bool {
    let names_none = !field.after.is_empty() && references::ids(&field.after).is_empty();
    names_none && reference(field, write, rules).is_some()
}

/// The object that a field points to.
pub(super) fn reference(field: &FieldWrite, write: &PlannedWrite, rules: &Rules) -> Option<ObjectKind> {
    let rule = rules.object(write.object)?.field(field.key.as_ref()?)?;
    refers_to(rule.mapping.kind)
}

/// Whether Lockstep made the record of that system out of the other one.
fn is_made(link: &Link, system: System) -> bool {
    matches!(link.origin, LinkOrigin::Stamp) || link.origin == LinkOrigin::Created(system)
}

/// Whether a record was made by the plan, and nobody but Lockstep has changed it since.
fn is_untouched_copy(marks: &BTreeSet<u64>, link: &Link, copy: RecordRef, known: Known<'_>) -> ViewResult<bool> {
    if !is_made(link, copy.system) || !marks.contains(&created(link.record(copy.system.other()))) {
        return Ok(false);
    }
    let Some(seen) = known.view.observation(copy)? else { return Ok(false) };
    Ok(link.changed_by_others(copy.system, seen.record.modified) == Timestamp::EPOCH)
}

/// Whether nothing is lost where what a new record shows goes back to `to`.
fn takes_back(link: &Link, to: System, field: &FieldWrite) -> bool {
    let agreed = field.key.as_ref().and_then(|key| link.baseline.get(key)).map(|agreed: &Agreed| agreed.of(to));
    !field.after.is_empty() && (field.before.is_empty() || agreed == Some(&field.before))
}

fn created(source: RecordRef) -> u64 {
    number(&("create", source))
}

fn updated(source: RecordRef, target: Option<RecordId>) -> u64 {
    number(&("update", source, target))
}

fn written(source: RecordRef, field: &FieldWrite) -> u64 {
    number(&("value", source, &field.field, &field.after, field.before.is_empty()))
}

fn referred(source: RecordRef, field: &FieldWrite) -> u64 {
    number(&("reference", source, &field.field, &field.source, field.before.is_empty()))
}

fn number(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
