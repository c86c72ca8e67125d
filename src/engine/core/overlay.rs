//! The workspace as another configuration would know it: the same rows, found by that configuration's match keys. The
//! stored keys are those of the version that is deployed.

use std::collections::BTreeMap;

use super::state::{
    Cover, Cursor, CursorKey, Decision, Dirty, Intent, Issue, Link, LinkState, Observation, RecordState, Run, Status,
};
use super::view::{HighWater, View, ViewResult};
use crate::mapping::keys::all_keys;
use crate::mapping::references::refers_to;
use crate::mapping::{FieldMapping, ObjectRules};
use crate::model::{IntentId, LinkId, ObjectKind, Pauses, RecordId, RecordRef, RunId, System, Timestamp};

/// Records that are looked up in one go.
const PAGE: usize = 500;

/// The match keys of a few objects, made anew.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<(ObjectKind, System), BTreeMap<String, Vec<RecordId>>>);

/// Whether two configurations of an object give its records the same keys.
#[must_use]
pub fn gives_same_keys(one: &ObjectRules, other: &ObjectRules) -> bool {
    let references = |rules: &ObjectRules| -> Vec<FieldMapping> {
        rules.mapping.fields.iter().filter(|field| refers_to(field.kind).is_some()).cloned().collect()
    };
    let names = |field: &FieldMapping| (field.hubspot.clone(), field.connectwise.clone(), field.kind);
    let same_references = references(one).iter().map(names).eq(references(other).iter().map(names));
    let same_markup = one.mapping.matching.iter().all(|rule| one.is_rich_text(rule) == other.is_rich_text(rule));
    let asked = |rules: &ObjectRules| rules.lacks.matching.iter().map(Option::is_some).collect::<Vec<_>>();
    one.mapping.matching == other.mapping.matching && asked(one) == asked(other) && same_references && same_markup
}

impl Keys {
    /// Gives all records of an object in one system the keys of `rules`. `goes_on` is asked between two pages; none
    /// where it no longer does.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn add(
        &mut self,
        view: &dyn View,
        rules: &ObjectRules,
        system: System,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> ViewResult<Option<()>> {
        let object = rules.mapping.object;
        let found = self.0.entry((object, system)).or_default();
        let mut after = None;
        loop {
            if !goes_on() {
                return Ok(None);
            }
            let page = view.records_after(object, system, after, PAGE)?;
            for record in &page {
                let Some(observed) = view.observation(*record)?.filter(Observation::is_live) else { continue };
                for key in all_keys(rules, system, &observed.record) {
                    found.entry(key).or_default().push(record.id);
                }
            }
            after = page.last().map(|record| record.id);
            if page.len() < PAGE {
                return Ok(Some(()));
            }
        }
    }

    /// None where the stored keys are the right ones.
    fn of(&self, object: ObjectKind, system: System, key: &str, limit: usize) -> Option<Vec<RecordRef>> {
        let ids = self.0.get(&(object, system))?.get(key).map_or(&[][..], Vec::as_slice);
        Some(ids.iter().take(limit).map(|id| RecordRef::new(object, system, *id)).collect())
    }
}

/// A view with other match keys.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    pub view: &'a dyn View,
    pub keys: &'a Keys,
}

impl View for Overlay<'_> {
    fn by_key(&self, object: ObjectKind, system: System, key: &str, limit: usize) -> ViewResult<Vec<RecordRef>> {
        self.keys.of(object, system, key, limit).map_or_else(|| self.view.by_key(object, system, key, limit), Ok)
    }

    fn observation(&self, record: RecordRef) -> ViewResult<Option<Observation>> {
        self.view.observation(record)
    }

    fn link_of(&self, record: RecordRef) -> ViewResult<Option<Link>> {
        self.view.link_of(record)
    }

    fn counterpart(&self, record: RecordRef) -> ViewResult<Option<(RecordRef, LinkState)>> {
        self.view.counterpart(record)
    }

    fn is_live(&self, record: RecordRef) -> ViewResult<Option<bool>> {
        self.view.is_live(record)
    }

    fn link(&self, id: LinkId) -> ViewResult<Option<Link>> {
        self.view.link(id)
    }

    fn by_stamp(&self, object: ObjectKind, system: System, stamp: &str) -> ViewResult<Vec<RecordRef>> {
        self.view.by_stamp(object, system, stamp)
    }

    fn dirty_page(
        &self,
        object: ObjectKind,
        now: Timestamp,
        after: Option<RecordRef>,
        limit: usize,
    ) -> ViewResult<Vec<Dirty>> {
        self.view.dirty_page(object, now, after, limit)
    }

    fn dirty(&self, record: RecordRef) -> ViewResult<Option<Dirty>> {
        self.view.dirty(record)
    }

    fn next_dirty(&self, now: Timestamp) -> ViewResult<Option<Timestamp>> {
        self.view.next_dirty(now)
    }

    fn write(&self, id: IntentId) -> ViewResult<Option<Intent>> {
        self.view.write(id)
    }

    fn writes_of_run(&self, run: RunId, after: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>> {
        self.view.writes_of_run(run, after, limit)
    }

    fn writes_to(&self, record: RecordRef, before: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>> {
        self.view.writes_to(record, before, limit)
    }

    fn run(&self, id: RunId) -> ViewResult<Option<Run>> {
        self.view.run(id)
    }

    fn latest_runs(&self, limit: usize) -> ViewResult<Vec<Run>> {
        self.view.latest_runs(limit)
    }

    fn open_intents(&self) -> ViewResult<Vec<Intent>> {
        self.view.open_intents()
    }

    fn creates_from(&self, source: RecordRef) -> ViewResult<Vec<Intent>> {
        self.view.creates_from(source)
    }

    fn issues_of(&self, record: RecordRef) -> ViewResult<Vec<Issue>> {
        self.view.issues_of(record)
    }

    fn decisions_of(&self, link: LinkId) -> ViewResult<Vec<Decision>> {
        self.view.decisions_of(link)
    }

    fn cursor(&self, key: CursorKey) -> ViewResult<Option<Cursor>> {
        self.view.cursor(key)
    }

    fn status(&self, anchor: RecordRef) -> ViewResult<Option<Status>> {
        self.view.status(anchor)
    }

    fn tenant(&self, system: System) -> ViewResult<Option<String>> {
        self.view.tenant(system)
    }

    fn pauses(&self) -> ViewResult<Pauses> {
        self.view.pauses()
    }

    fn is_approved(&self, plan: &str) -> ViewResult<bool> {
        self.view.is_approved(plan)
    }

    fn cover(&self) -> ViewResult<Option<Cover>> {
        self.view.cover()
    }

    fn records_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<Vec<RecordRef>> {
        self.view.records_after(object, system, after, limit)
    }

    fn anchors_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)> {
        self.view.anchors_after(object, system, after, limit)
    }

    fn live_records(&self, object: ObjectKind, system: System) -> ViewResult<u64> {
        self.view.live_records(object, system)
    }

    fn state_counts(&self, object: ObjectKind) -> ViewResult<BTreeMap<RecordState, u64>> {
        self.view.state_counts(object)
    }

    fn live_links(&self, object: ObjectKind) -> ViewResult<u64> {
        self.view.live_links(object)
    }

    fn is_filled(&self) -> ViewResult<bool> {
        self.view.is_filled()
    }

    fn high_water(&self) -> ViewResult<HighWater> {
        self.view.high_water()
    }
}
