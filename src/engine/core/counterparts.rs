//! Records that rest because something like them is there already, or could not be told apart: they are looked at again as
//! soon as what they are like is known, or known to be something else.

use super::pull::dirty;
use super::state::{DirtyReason, Observation};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::ObjectRules;
use crate::mapping::keys::match_key;
use crate::model::RecordRef;

/// How many records of one key are woken: more are the same thing than anybody compares.
const MOST: usize = 10;

impl Engine {
    /// Wakes the records of the other system that have no partner and a match key in common with what a record shows now,
    /// and did not show before.
    pub(super) fn wake_counterparts(
        step: &mut Step<'_>,
        rules: &ObjectRules,
        before: Option<&Observation>,
        now: &Observation,
    ) -> ViewResult<()> {
        let RecordRef { object, system, .. } = now.of;
        let keys = (0..rules.mapping.matching.len()).filter_map(|rule| match_key(rules, rule, system, &now.record));
        for key in keys.filter(|key| before.is_none_or(|before| !before.is_live() || !before.keys.contains(key))) {
            for like in step.view.by_key(object, system.other(), &key, MOST)? {
                if step.view.link_of(like)?.is_none() {
                    step.row(dirty(like, DirtyReason::Changed, step.now));
                }
            }
        }
        Ok(())
    }
}
