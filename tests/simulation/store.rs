//! The rows of a workspace in memory, exactly as the engine's contract describes each of them.
//! A commit is atomic, so a crash loses nothing of it: the store simply goes on living without an engine.

use std::collections::{BTreeMap, BTreeSet};

use lockstep::engine::core::command::{Batch, Row};
use lockstep::engine::core::state::{
    Cover, Cursor, CursorKey, Decision, Dirty, DirtyReason, HistoryEntry, Intent, Issue, IssueClass, Link, LinkState,
    Observation, RecordState, Run, RunKind, Status, Verdict,
};
use lockstep::engine::core::view::{HighWater, View, ViewResult};
use lockstep::mapping::FieldKey;
use lockstep::mapping::references::referring_key;
use lockstep::model::{BySystem, IntentId, LinkId, ObjectKind, Pauses, RecordId, RecordRef, RunId, System, Timestamp};

/// All rows, by their keys.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pub observations: BTreeMap<RecordRef, Observation>,
    pub links: BTreeMap<LinkId, Link>,
    pub link_by_record: BTreeMap<RecordRef, LinkId>,
    pub intents: BTreeMap<IntentId, Intent>,
    pub open: BTreeSet<IntentId>,
    pub history: Vec<HistoryEntry>,
    pub issues: BTreeMap<(RecordRef, IssueClass, Option<FieldKey>), Issue>,
    pub dirty: BTreeMap<RecordRef, Dirty>,
    pub cursors: BTreeMap<CursorKey, Cursor>,
    pub runs: u64,
    /// A run that writes came to its end.
    pub filled: bool,
    pub runs_by_id: BTreeMap<RunId, Run>,
    pub last_run: Option<Run>,
    pub statuses: BTreeMap<RecordRef, Status>,
    pub decisions: BTreeMap<(LinkId, FieldKey), Decision>,
    pub tenants: BySystem<Option<String>>,
    pub approvals: BTreeMap<String, bool>,
    pub cover: Option<Cover>,
    pub pauses: Pauses,
    /// Every pair that was ever linked: what the oracles may trace a value through.
    pub pairs_ever: BTreeSet<(ObjectKind, RecordId, RecordId)>,
    /// Rows that break a constraint the real store has; each is a violation.
    pub refused: Vec<String>,
}

impl MemoryStore {
    /// Applies a batch as one transaction.
    pub fn apply(&mut self, batch: Batch) {
        for row in batch.rows {
            self.apply_row(row);
        }
    }

    fn apply_row(&mut self, row: Row) {
        match row {
            Row::Observation(row) => drop(self.observations.insert(row.of, row)),
            Row::Link(row) => self.put_link(row),
            Row::Intent(row) => self.put_intent(row),
            Row::History(row) => self.history.push(row),
            Row::Issue(row) => drop(self.issues.insert((row.record, row.class, row.field.clone()), row)),
            Row::ClearIssue { record, class, field } => drop(self.issues.remove(&(record, class, field))),
            Row::Dirty(row) => self.put_dirty(row),
            Row::DirtyChildren { object, parent, since } => self.put_dirty_children(object, parent, since),
            Row::ClearDirty(record) => drop(self.dirty.remove(&record)),
            Row::Cursor(row) => drop(self.cursors.insert(row.key, row)),
            Row::Run(row) => self.put_run(row),
            Row::Status(row) => self.put_status(row),
            Row::ClearStatus(anchor) => drop(self.statuses.remove(&anchor)),
            Row::Decision(row) => drop(self.decisions.insert((row.link, row.field.clone()), row)),
            Row::ClearDecision { link, field } => drop(self.decisions.remove(&(link, field))),
            Row::Tenant { system, tenant } => self.tenants[system] = Some(tenant),
            Row::Exchange(_) => self.refused.push("the core committed an exchange, which only the driver makes".into()),
            Row::Pause(row) => self.pauses.add(row),
            Row::ClearPauses(scope) => drop(self.pauses.lift(scope)),
            Row::Heard(_) => {}
            Row::Cover(cover) => self.cover = cover,
            Row::Approval { plan, used_by } => drop(self.approvals.insert(plan, used_by.is_none())),
        }
    }

    /// Record ids are unique over all links, dead ones included.
    fn put_link(&mut self, row: Link) {
        if let Some(old) = self.links.get(&row.id) {
            for system in System::BOTH {
                self.link_by_record.remove(&old.record(system));
            }
        }
        for system in System::BOTH {
            if let Some(other) = self.link_by_record.insert(row.record(system), row.id) {
                self.refused.push(format!("link {} takes {} away from link {other}", row.id, row.record(system)));
            }
        }
        self.pairs_ever.insert((row.object, row.hubspot, row.connectwise));
        self.links.insert(row.id, row);
    }

    fn put_intent(&mut self, row: Intent) {
        if row.state.is_open() {
            self.open.insert(row.id);
        } else {
            self.open.remove(&row.id);
        }
        self.intents.insert(row.id, row);
    }

    fn put_dirty(&mut self, row: Dirty) {
        let known = self.dirty.get(&row.record).cloned();
        let row = row.over(known.as_ref());
        self.dirty.insert(row.record, row);
    }

    fn put_dirty_children(&mut self, object: ObjectKind, parent: RecordRef, since: Timestamp) {
        let key = referring_key(parent.object, parent.id);
        let children =
            self.observations.values().filter(|seen| seen.of.object == object && seen.of.system == parent.system);
        let children = children.filter(|seen| seen.is_live() && seen.keys.contains(&key));
        let marks: Vec<RecordRef> = children.map(|seen| seen.of).collect();
        for record in marks {
            self.put_dirty(Dirty { record, reason: DirtyReason::Parent, since, not_before: since });
        }
    }

    fn put_run(&mut self, row: Run) {
        self.runs = self.runs.max(row.id.0);
        self.filled |= row.kind == RunKind::Poll && row.verdict == Verdict::Done;
        self.runs_by_id.insert(row.id, row.clone());
        self.last_run = Some(row);
    }

    fn put_status(&mut self, mut row: Status) {
        let anchor = row.anchor();
        if let Some(old) = self.statuses.get(&anchor)
            && old.state == row.state
            && old.why == row.why
        {
            row.since = old.since;
        }
        self.statuses.insert(anchor, row);
    }

    /// Issues of a record, of any class and field.
    pub fn issues_at(&self, record: RecordRef) -> impl Iterator<Item = &Issue> {
        let low = (record, IssueClass::Conflict, None);
        self.issues.range(low..).take_while(move |((of, ..), _)| *of == record).map(|(_, issue)| issue)
    }

    /// The link of a record, without a copy.
    pub fn link_at(&self, record: RecordRef) -> Option<&Link> {
        self.link_by_record.get(&record).and_then(|id| self.links.get(id))
    }

    /// The journal's open entries, without a copy.
    pub fn open_at(&self) -> impl Iterator<Item = &Intent> {
        self.open.iter().filter_map(|id| self.intents.get(id))
    }
}

impl View for MemoryStore {
    fn observation(&self, record: RecordRef) -> ViewResult<Option<Observation>> {
        Ok(self.observations.get(&record).cloned())
    }

    fn link_of(&self, record: RecordRef) -> ViewResult<Option<Link>> {
        Ok(self.link_at(record).cloned())
    }

    fn link(&self, id: LinkId) -> ViewResult<Option<Link>> {
        Ok(self.links.get(&id).cloned())
    }

    fn by_key(&self, object: ObjectKind, system: System, key: &str, limit: usize) -> ViewResult<Vec<RecordRef>> {
        let live = self.observations.values().filter(|seen| seen.of.object == object && seen.of.system == system);
        let found = live.filter(|seen| seen.is_live() && seen.keys.iter().any(|has| has == key));
        Ok(found.take(limit).map(|seen| seen.of).collect())
    }

    fn by_stamp(&self, object: ObjectKind, system: System, stamp: &str) -> ViewResult<Vec<RecordRef>> {
        let all = self.observations.values().filter(|seen| seen.of.object == object && seen.of.system == system);
        let carriers = all.filter(|seen| !seen.gone && seen.record.stamp.as_deref() == Some(stamp));
        Ok(carriers.take(10).map(|seen| seen.of).collect())
    }

    fn dirty_page(
        &self,
        object: ObjectKind,
        now: Timestamp,
        after: Option<RecordRef>,
        limit: usize,
    ) -> ViewResult<Vec<Dirty>> {
        let due = self.dirty.values().filter(|mark| mark.record.object == object && mark.is_due(now));
        Ok(due.filter(|mark| after.is_none_or(|after| mark.record > after)).take(limit).cloned().collect())
    }

    fn dirty(&self, record: RecordRef) -> ViewResult<Option<Dirty>> {
        Ok(self.dirty.get(&record).cloned())
    }

    fn next_dirty(&self, now: Timestamp) -> ViewResult<Option<Timestamp>> {
        Ok(self.dirty.values().map(|mark| mark.not_before).filter(|at| *at > now).min())
    }

    fn write(&self, id: IntentId) -> ViewResult<Option<Intent>> {
        Ok(self.intents.get(&id).cloned())
    }

    fn writes_of_run(&self, run: RunId, after: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>> {
        let all = self.intents.values().filter(|intent| intent.run == run);
        Ok(all.filter(|intent| after.is_none_or(|after| intent.id > after)).take(limit).cloned().collect())
    }

    fn writes_to(&self, record: RecordRef, before: Option<IntentId>, limit: usize) -> ViewResult<Vec<Intent>> {
        let all = self.intents.values().rev().filter(|intent| intent.target_record() == Some(record));
        Ok(all.filter(|intent| before.is_none_or(|before| intent.id < before)).take(limit).cloned().collect())
    }

    fn run(&self, id: RunId) -> ViewResult<Option<Run>> {
        Ok(self.runs_by_id.get(&id).cloned())
    }

    fn latest_runs(&self, limit: usize) -> ViewResult<Vec<Run>> {
        Ok(self.runs_by_id.values().rev().take(limit).cloned().collect())
    }

    fn open_intents(&self) -> ViewResult<Vec<Intent>> {
        Ok(self.open_at().cloned().collect())
    }

    fn creates_from(&self, source: RecordRef) -> ViewResult<Vec<Intent>> {
        use lockstep::engine::core::state::IntentKind;
        let creates = self.intents.values().filter(|intent| intent.kind == IntentKind::Create);
        Ok(creates.filter(|intent| intent.source_record() == source).cloned().collect())
    }

    fn issues_of(&self, record: RecordRef) -> ViewResult<Vec<Issue>> {
        Ok(self.issues_at(record).cloned().collect())
    }

    fn decisions_of(&self, link: LinkId) -> ViewResult<Vec<Decision>> {
        Ok(self.decisions.values().filter(|decision| decision.link == link).cloned().collect())
    }

    fn cursor(&self, key: CursorKey) -> ViewResult<Option<Cursor>> {
        Ok(self.cursors.get(&key).cloned())
    }

    fn status(&self, anchor: RecordRef) -> ViewResult<Option<Status>> {
        Ok(self.statuses.get(&anchor).cloned())
    }

    fn tenant(&self, system: System) -> ViewResult<Option<String>> {
        Ok(self.tenants[system].clone())
    }

    fn pauses(&self) -> ViewResult<Pauses> {
        Ok(self.pauses.clone())
    }

    fn is_approved(&self, plan: &str) -> ViewResult<bool> {
        Ok(self.approvals.get(plan).copied().unwrap_or(false))
    }

    fn cover(&self) -> ViewResult<Option<Cover>> {
        Ok(self.cover.clone())
    }

    fn records_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<Vec<RecordRef>> {
        let all = self.observations.keys().filter(|of| of.object == object && of.system == system);
        Ok(all.filter(|of| after.is_none_or(|after| of.id > after)).take(limit).copied().collect())
    }

    fn anchors_after(
        &self,
        object: ObjectKind,
        system: System,
        after: Option<RecordId>,
        limit: usize,
    ) -> ViewResult<(Vec<RecordRef>, Option<RecordId>)> {
        let mut page = self.records_after(object, system, after, limit)?;
        let last = page.last().map(|record| record.id).filter(|_| page.len() == limit);
        page.retain(|record| {
            let partner = self.link_at(*record).map(|link| link.record(System::HubSpot));
            system == System::HubSpot || partner.is_none_or(|partner| !self.observations.contains_key(&partner))
        });
        Ok((page, last))
    }

    fn live_records(&self, object: ObjectKind, system: System) -> ViewResult<u64> {
        let of = |seen: &&Observation| seen.of.object == object && seen.of.system == system && seen.is_live();
        Ok(u64::try_from(self.observations.values().filter(of).count()).unwrap_or(u64::MAX))
    }

    fn state_counts(&self, object: ObjectKind) -> ViewResult<BTreeMap<RecordState, u64>> {
        let mut counts = BTreeMap::new();
        for status in self.statuses.values().filter(|status| status.object == object) {
            *counts.entry(status.state).or_default() += 1;
        }
        Ok(counts)
    }

    fn live_links(&self, object: ObjectKind) -> ViewResult<u64> {
        let live = self.links.values().filter(|link| link.object == object && link.state == LinkState::Active);
        Ok(u64::try_from(live.count()).unwrap_or(u64::MAX))
    }

    fn is_filled(&self) -> ViewResult<bool> {
        Ok(self.filled)
    }

    fn high_water(&self) -> ViewResult<HighWater> {
        Ok(HighWater {
            link: self.links.keys().next_back().map_or(0, |id| id.0),
            intent: self.intents.keys().next_back().map_or(0, |id| id.0),
            run: self.runs,
        })
    }
}
