//! Writing: each pair is planned once more on fresh reads, journaled, and only then sent.

use std::collections::BTreeSet;
use std::time::Duration;

use super::command::{Durability, Row};
use super::cover::Known;
use super::plan::{Facts, PairDecision, PlannedWrite, plan_pair};
use super::request::{CreateItem, Priority, RequestBody, UpdateItem};
use super::state::{Intent, IntentKind, IntentState, Verdict};
use super::step::{Engine, Pending, Stage, Step, rules_of};
use super::view::ViewResult;
use crate::model::{BySystem, IntentId, RecordRef, RunId, System, Timestamp};

/// A record is written to only if it was read so lately: what a person changed meanwhile would be overwritten unseen.
pub(super) const TARGET_FRESH: Duration = Duration::from_secs(10);

/// Values are taken from a record read so lately; a newer change crosses with the next look.
pub(super) const SOURCE_FRESH: Duration = Duration::from_secs(60);

/// Rows of one step at most, where many pairs of a queue turn out to be paused or held: a step should stay short.
const MOST_ROWS: usize = 1_000;

/// A long run looks for changes again after so long, before it goes on writing.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Items of one write request.
pub(super) const fn batch_size(system: System) -> usize {
    match system {
        System::HubSpot => 100,
        System::ConnectWise => 1,
    }
}

/// Write requests on their way at once.
pub(super) const fn most_in_flight(system: System) -> usize {
    match system {
        System::HubSpot => 2,
        System::ConnectWise => 8,
    }
}

/// Records read ahead at once: no more than can be written while they are fresh.
pub(super) const fn read_ahead(system: System) -> usize {
    match system {
        System::HubSpot => 100,
        System::ConnectWise => 40,
    }
}

/// A pair of which something must be read before it is decided on.
#[derive(Debug)]
pub(super) struct Unread {
    pub anchor: RecordRef,
    /// What must be read of it.
    pub stale: Vec<RecordRef>,
    pub members: Vec<RecordRef>,
}

impl Engine {
    pub(super) fn advance_apply(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let Stage::Apply { since } = self.stage else { return Ok(false) };
        let long = step.now.since(since) >= LOOK_AGAIN;
        if long {
            self.work.hubspot.clear();
            self.work.connectwise.clear();
        }
        // a pair that changed its mind on a fresh read moves to the other queue: the first one is filled once more
        for system in [System::HubSpot, System::ConnectWise, System::HubSpot] {
            self.fill(step, system)?;
        }
        if !step.rows.is_empty() {
            return Ok(true);
        }
        let on_their_way = self.pending.values().any(|p| matches!(p, Pending::Write { .. } | Pending::Fresh { .. }));
        let held_up = System::BOTH.into_iter().any(|system| {
            let waits = !self.work[system].is_empty() && !self.is_closed(system);
            if waits && self.sides[system].not_before > step.now {
                step.wake_at(self.sides[system].not_before);
            }
            waits
        });
        if on_their_way || held_up {
            return Ok(false);
        }
        self.leave_apply(step, long)
    }

    /// Writes to that system will not go on in this run.
    const fn is_closed(&self, system: System) -> bool {
        let side = match system {
            System::HubSpot => &self.sides.hubspot,
            System::ConnectWise => &self.sides.connectwise,
        };
        side.broken.is_some()
    }

    fn leave_apply(&mut self, step: &mut Step<'_>, long: bool) -> ViewResult<bool> {
        let progress = self.run.as_mut().is_some_and(|run| std::mem::take(&mut run.progress));
        if long {
            self.stage = self.begin_pull(step)?;
            return Ok(true);
        }
        if progress {
            self.work.hubspot.clear();
            self.work.connectwise.clear();
            self.stage = Self::begin_evaluate();
            return Ok(true);
        }
        self.end_run(step, Verdict::Done)?;
        Ok(false)
    }

    /// Takes pairs from the queue of one system as far as there is room for requests to it.
    fn fill(&mut self, step: &mut Step<'_>, system: System) -> ViewResult<()> {
        while !self.work[system].is_empty()
            && self.sides[system].writes < most_in_flight(system)
            && self.sides[system].takes_writes(step.now)
        {
            let before = self.work[system].len();
            let mut ready: Vec<PlannedWrite> = Vec::new();
            let mut unread: Vec<Unread> = Vec::new();
            self.take_pairs(step, system, &mut ready, &mut unread)?;
            self.read_first(step, system, unread);
            self.write(step, system, ready);
            if self.work[system].len() == before {
                break;
            }
        }
        Ok(())
    }

    fn take_pairs(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        ready: &mut Vec<PlannedWrite>,
        unread: &mut Vec<Unread>,
    ) -> ViewResult<()> {
        let mut room = batch_size(system);
        while ready.len() < room && unread.len() < read_ahead(system) && step.rows.len() < MOST_ROWS {
            let Some(anchor) = self.work[system].pop_front() else { break };
            let begun = ready.first().map(|write| write.object).or(unread.first().map(|pair| pair.anchor.object));
            if begun.is_some_and(|object| object != anchor.object) {
                self.work[system].push_front(anchor);
                break;
            }
            let Some(handle) = self.object_rules(anchor.object) else { continue };
            let Some(rules) = rules_of(&handle) else { continue };
            if self.unreadable(anchor.object).is_some() {
                self.progressed();
                continue;
            }
            let facts = Facts::gather(step.view, rules, anchor, &[])?;
            let ids = facts.ids();
            let members: Vec<RecordRef> = [ids.hubspot, ids.connectwise].into_iter().flatten().collect();
            if members.iter().any(|record| self.busy.contains(record)) {
                self.progressed();
                continue;
            }
            let (plan, is_held) = self.restrict(&facts, plan_pair(&facts, rules, step.now, None), step.now);
            let stale = stale(&facts, &plan.decision, &members, step.now);
            if !stale.is_empty() {
                self.busy.extend(members.iter().copied());
                unread.push(Unread { anchor, stale, members });
                continue;
            }
            if is_held {
                self.settle_held(step, &facts, &plan)?;
                continue;
            }
            match &plan.decision {
                PairDecision::Write(writes) => {
                    let Some(write) = writes.iter().find(|write| write.system == system) else {
                        let other = system.other();
                        self.work[other].push_back(anchor);
                        continue;
                    };
                    // Fresh reads changed what is to be written: it is counted like everything else before it is sent.
                    let is_counted = self.is_counted(step, anchor, write)?;
                    if !is_counted {
                        self.progressed();
                        continue;
                    }
                    let on_trial = self.is_on_trial(write);
                    if on_trial && (!ready.is_empty() || self.is_being_tried(write)) {
                        self.work[system].push_front(anchor);
                        break;
                    }
                    let most = if on_trial { 1 } else { self.batch_limit.get(&anchor).copied().unwrap_or(room) };
                    if most <= ready.len() {
                        self.work[system].push_front(anchor);
                        break;
                    }
                    room = room.min(most);
                    self.busy.extend(members.iter().copied());
                    ready.push(write.clone());
                }
                PairDecision::Link { .. } => self.progressed(),
                _ => self.settle(step, rules, &facts, &plan)?,
            }
        }
        Ok(())
    }

    /// Whether the guard knows of a write.
    fn is_counted(&self, step: &Step<'_>, anchor: RecordRef, write: &PlannedWrite) -> ViewResult<bool> {
        match &self.run {
            Some(run) if !run.free => run.tally.has(anchor, write, Known { view: step.view, rules: &self.rules }),
            _ => Ok(true),
        }
    }

    pub(super) fn progressed(&mut self) {
        if let Some(run) = &mut self.run {
            run.progress = true;
        }
    }

    /// Reads what is too old before it is decided on again: one side after the other, the far side of the queue first.
    fn read_first(&mut self, step: &mut Step<'_>, queue: System, unread: Vec<Unread>) {
        let mut groups: BySystem<Vec<Unread>> = BySystem::default();
        for pair in unread {
            let far = pair.stale.iter().any(|record| record.system != queue);
            groups[if far { queue.other() } else { queue }].push(pair);
        }
        for system in System::BOTH {
            let pairs = std::mem::take(&mut groups[system]);
            let Some(object) = pairs.first().map(|pair| pair.anchor.object) else { continue };
            let Some(rules) = self.rules.object(object) else { continue };
            let fields = rules.watched[system].clone();
            let stale = pairs.iter().flat_map(|pair| &pair.stale).filter(|record| record.system == system);
            let ids = stale.map(|record| record.id).collect();
            let pending = Pending::Fresh { system, queue, object, pairs };
            self.send(step, system, object, Priority::Write, RequestBody::Read { fields, ids }, pending);
        }
    }

    /// Journals the writes and sends them, creates and updates apart.
    fn write(&mut self, step: &mut Step<'_>, system: System, ready: Vec<PlannedWrite>) {
        let run = self.run_id();
        let (creates, updates): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|write| write.kind == IntentKind::Create);
        for writes in [creates, updates] {
            self.commit_and_send(step, system, run, Priority::Write, writes);
        }
    }

    /// Commits one intent per write, then sends them all in one request. Returns the intents' numbers.
    pub(super) fn commit_and_send(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        run: RunId,
        priority: Priority,
        writes: Vec<PlannedWrite>,
    ) -> Vec<IntentId> {
        let intents: Vec<Intent> = writes.into_iter().map(|write| self.new_intent(step.now, run, write)).collect();
        self.send_intents(step, system, priority, intents)
    }

    fn new_intent(&mut self, now: Timestamp, run: RunId, write: PlannedWrite) -> Intent {
        self.numbers.intent += 1;
        Intent {
            id: IntentId(self.numbers.intent),
            run,
            object: write.object,
            system: write.system,
            kind: write.kind,
            source: write.source,
            target: write.target,
            link: None,
            writes: write.fields,
            stamp: write.stamp,
            state: IntentState::Sent,
            attempt: 0,
            sent: now,
            touched: now,
            waits: false,
            seen_as: None,
            outcome: None,
            shown: std::collections::BTreeMap::new(),
        }
    }

    /// Commits the intents as sent, for the first time or once more, and sends them in one request.
    pub(super) fn send_intents(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        priority: Priority,
        mut intents: Vec<Intent>,
    ) -> Vec<IntentId> {
        let Some(first) = intents.first() else { return Vec::new() };
        let (object, kind) = (first.object, first.kind);
        let Some(rules) = self.rules.object(object) else { return Vec::new() };
        let fields = rules.watched[system].clone();
        let sent = self.sides[system].server_now(step.now);
        let mut records = BTreeSet::new();
        for intent in &mut intents {
            intent.attempt += 1;
            intent.state = IntentState::Sent;
            intent.sent = sent;
            intent.touched = step.now;
            intent.waits = false;
            records.insert(intent.source_record());
            records.extend(intent.target_record());
            step.row(Row::Intent(intent.clone()));
        }
        // the one commit that must not be lost: what was sent must be known
        step.durability = Durability::Power;
        let body = match kind {
            IntentKind::Create => RequestBody::Create { fields, items: intents.iter().map(create_item).collect() },
            IntentKind::Update => {
                RequestBody::Update { fields, items: intents.iter().filter_map(update_item).collect() }
            }
        };
        let ids: Vec<IntentId> = intents.iter().map(|intent| intent.id).collect();
        self.busy.extend(records.iter().copied());
        let pending = Pending::Write { system, intents: ids.clone(), records: records.into_iter().collect() };
        for intent in intents {
            self.keep_open(intent);
        }
        self.send(step, system, object, priority, body, pending);
        ids
    }

    pub(super) fn release(&mut self, records: &[RecordRef]) {
        for record in records {
            self.busy.remove(record);
        }
    }
}

/// The records of a pair that must be read before the decision can be trusted.
fn stale(facts: &Facts, decision: &PairDecision, members: &[RecordRef], now: Timestamp) -> Vec<RecordRef> {
    let writes = match decision {
        PairDecision::Write(writes) => writes.as_slice(),
        _ => &[],
    };
    let age_allowed = |record: &RecordRef| {
        let written = writes.iter().any(|write| write.system == record.system && write.target == Some(record.id));
        if written { TARGET_FRESH } else { SOURCE_FRESH }
    };
    members
        .iter()
        .filter(|record| match &facts.records[record.system] {
            None => true,
            Some(observed) if observed.is_in_doubt() => true,
            Some(observed) => !writes.is_empty() && observed.is_older_than(now - age_allowed(record), now),
        })
        .copied()
        .collect()
}

fn create_item(intent: &Intent) -> CreateItem {
    CreateItem {
        intent: intent.id,
        values: intent.writes.iter().map(|write| (write.field.clone(), write.after.clone())).collect(),
        stamp: intent.stamp.clone().unwrap_or_default(),
    }
}

fn update_item(intent: &Intent) -> Option<UpdateItem> {
    Some(UpdateItem {
        intent: intent.id,
        id: intent.target?,
        values: intent.writes.iter().map(|write| (write.field.clone(), write.after.clone())).collect(),
        stamp: intent.stamp.clone(),
    })
}
