//! Which sales activities are notes, tasks, calls and meetings: their activity types tell, as the options of the
//! connector say. Where no types are named at all, every activity is a task.

use std::collections::BTreeMap;

use crate::model::{ObjectKind, RecordId};

/// Activity type ids per kind of activity, of which the first is given to new records; and the status of new records to which
/// no field gives one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityTypes {
    types: BTreeMap<ObjectKind, Vec<RecordId>>,
    statuses: BTreeMap<ObjectKind, RecordId>,
}

impl ActivityTypes {
    /// Kinds that are no activities are dropped, and kinds without types.
    #[must_use]
    pub fn new(types: BTreeMap<ObjectKind, Vec<RecordId>>) -> Self {
        let types = types.into_iter().filter(|(kind, ids)| kind.is_activity() && !ids.is_empty()).collect();
        Self { types, statuses: BTreeMap::new() }
    }

    /// With the statuses that new records are given where no field gives one.
    #[must_use]
    pub fn with_statuses(self, statuses: BTreeMap<ObjectKind, RecordId>) -> Self {
        Self { statuses, ..self }
    }

    /// The status of a new record of that kind to which no field gives one; none where the tenant's default counts.
    pub(super) fn status_of(&self, kind: ObjectKind) -> Option<RecordId> {
        self.statuses.get(&kind).copied()
    }

    /// Whether an activity of that type is of that kind.
    pub(super) fn is(&self, kind: ObjectKind, of_type: Option<RecordId>) -> bool {
        if self.types.is_empty() {
            return kind == ObjectKind::Task;
        }
        of_type.is_some_and(|id| self.types.get(&kind).is_some_and(|ids| ids.contains(&id)))
    }

    /// The type of a new record of that kind.
    pub(super) fn default_of(&self, kind: ObjectKind) -> Option<RecordId> {
        self.types.get(&kind).and_then(|ids| ids.first()).copied()
    }

    /// The kinds that an activity may be.
    pub(super) fn kinds(&self) -> Vec<ObjectKind> {
        if self.types.is_empty() { vec![ObjectKind::Task] } else { self.types.keys().copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_types_every_activity_is_a_task() {
        let none = ActivityTypes::default();
        assert!(none.is(ObjectKind::Task, None) && none.is(ObjectKind::Task, Some(RecordId(3))));
        assert!(!none.is(ObjectKind::Call, Some(RecordId(3))));
        assert_eq!(none.kinds(), [ObjectKind::Task]);
    }

    #[test]
    fn types_tell_kinds_apart_and_others_are_nothing() {
        let types = BTreeMap::from([
            (ObjectKind::Call, vec![RecordId(2), RecordId(3)]),
            (ObjectKind::Meeting, vec![RecordId(4)]),
            (ObjectKind::Note, vec![]),
            (ObjectKind::Company, vec![RecordId(1)]),
        ]);
        let types = ActivityTypes::new(types);
        assert!(types.is(ObjectKind::Call, Some(RecordId(3))) && !types.is(ObjectKind::Meeting, Some(RecordId(3))));
        assert!(!types.is(ObjectKind::Task, Some(RecordId(9))) && !types.is(ObjectKind::Call, None));
        assert_eq!(types.default_of(ObjectKind::Call), Some(RecordId(2)));
        assert_eq!(types.kinds(), [ObjectKind::Call, ObjectKind::Meeting]);
    }
}
