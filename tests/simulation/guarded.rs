//! What an onlooker knows of guards: what each run has sent, what a person was shown and let through, and lists that
//! came back empty.

use std::collections::{BTreeMap, BTreeSet};

use lockstep::engine::core::command::{Batch, Row};
use lockstep::engine::core::request::{Answer, AnswerBody, Request, RequestBody, RequestId};
use lockstep::engine::core::state::{
    Feed, Intent, IntentKind, IssueClass, LinkState, Observation, RecordState, Run, RunKind, Verdict,
};
use lockstep::mapping::references::referring_key;
use lockstep::model::{FieldName, ObjectKind, RecordRef, RunId, System};

use crate::fields::{SPECS, index_of};
use crate::server::{By, Change, Mutation};
use crate::simulation::Simulation;

/// Creates, updates, fields emptied, references that point elsewhere.
type Changes = [u64; 4];

/// The run under way, as it can be told from its rows.
#[derive(Debug, Default)]
struct Seen {
    run: RunId,
    /// Nothing has ever been brought to its end: no guard asks.
    free: bool,
    /// By the record that names the pair and the system written to, and by what was written.
    sent: BTreeMap<(RecordRef, System, String), (ObjectKind, Changes)>,
    /// A list showed nothing where more than enough was known.
    vanished: Option<(System, ObjectKind)>,
}

#[derive(Debug, Default)]
pub struct Guarded {
    seen: Seen,
    /// The lists that were asked for from their beginning.
    lists: BTreeMap<RequestId, (System, ObjectKind)>,
    /// By the plan's name: what it was to write when it was held.
    held: BTreeMap<String, BTreeSet<RecordRef>>,
    approved: BTreeSet<String>,
    /// Records of which a person has seen what would happen, and since when that is let through: until a run comes to its
    /// end and leaves nothing open, and nothing that was lost and is tried again.
    let_through: BTreeMap<RecordRef, i64>,
    /// Lists that showed nothing though there was something, and how many readings of all records that still concerns.
    lied: BTreeMap<(System, ObjectKind), u32>,
}

impl Guarded {
    pub fn sent(&mut self, id: RequestId, request: &Request) {
        if matches!(request.body, RequestBody::List { archived: false, after: None, .. }) {
            self.lists.insert(id, (request.system, request.object));
        }
    }

    pub fn person_approves(&mut self, plan: &str) {
        self.approved.insert(plan.to_owned());
    }

    pub fn list_lies(&mut self, system: System, object: ObjectKind) {
        self.lied.insert((system, object), 2);
    }

    /// Whether a list said that nothing was there, and all has not been read once more since.
    pub fn is_lied_to(&self, system: System, object: ObjectKind) -> bool {
        self.lied.get(&(system, object)).is_some_and(|readings| *readings > 0)
    }

    pub fn died(&mut self) {
        self.lists.clear();
        self.seen = Seen::default();
    }
}

/// Notes the beginning of a run, and what was let through in it.
pub fn at_commit(sim: &mut Simulation<'_>, batch: &Batch) {
    for row in &batch.rows {
        match row {
            Row::Run(run)
                if run.kind == RunKind::Poll && run.verdict == Verdict::Running && run.id != sim.guarded.seen.run =>
            {
                let live = sim.store.links.values().any(|link| link.state == LinkState::Active);
                let free = !live || !sim.store.filled;
                sim.guarded.seen = Seen { run: run.id, free, ..Seen::default() };
            }
            Row::Cursor(cursor) if matches!(cursor.key.feed, Feed::Backfill | Feed::Sweep) && cursor.pass.is_none() => {
                if let Some(readings) = sim.guarded.lied.get_mut(&(cursor.key.system, cursor.key.object)) {
                    *readings = readings.saturating_sub(1);
                }
            }
            Row::Approval { plan, used_by: Some(run) } => {
                let Some(shown) = sim.guarded.held.get(plan).filter(|_| sim.guarded.approved.contains(plan)).cloned()
                else {
                    let text = format!("run {run} uses an approval of {plan}, which nobody gave");
                    sim.violate("i14_guard", text);
                    continue;
                };
                sim.outcome.counters.saw("guard: a plan was let through");
                sim.guarded.seen.sent.clear();
                let now = sim.now;
                sim.guarded.let_through.extend(shown.into_iter().map(|record| (record, now)));
                sim.guarded.seen.vanished = None;
            }
            _ => {}
        }
    }
}

/// A list that shows nothing.
pub fn answered(sim: &mut Simulation<'_>, answer: &Answer) {
    let Some((system, object)) = sim.guarded.lists.remove(&answer.request) else { return };
    let AnswerBody::Page { records, more: false, unread, merged, .. } = &answer.body else { return };
    let known = sim.store.observations.values();
    let known = known.filter(|seen| (seen.of.system, seen.of.object) == (system, object) && seen.is_live()).count();
    if records.is_empty() && unread.is_empty() && merged.is_empty() && known as u64 > sim.scenario.guards.vanished {
        sim.guarded.seen.vanished = Some((system, object));
    }
}

/// What the run came to must fit what was seen of it.
pub fn run_ended(sim: &mut Simulation<'_>, run: &Run) {
    if let Verdict::Held { plan, reason } = &run.verdict {
        let word =
            ["create", "update", "empty", "move"].into_iter().find(|word| reason.contains(&format!("would {word}")));
        sim.outcome.counters.saw(format!("guard: {}", word.unwrap_or("an empty list")));
        let shown = with_children(sim, pairs(sim, &[RecordState::Pending]));
        sim.guarded.held.insert(plan.clone(), shown);
    }
    let is_carried_out = sim.store.open.is_empty() && !is_any_tried_again(sim);
    if run.verdict == Verdict::Done && run.kind == RunKind::Poll && is_carried_out {
        sim.guarded.let_through.clear();
    }
    if run.verdict == Verdict::Done
        && run.id == sim.guarded.seen.run
        && let Some((system, object)) = sim.guarded.seen.vanished
    {
        let text = format!("run {} was done though {system} showed no {object} at all, and nobody was asked", run.id);
        sim.violate("i14_guard", text);
    }
}

/// Whether a write that was lost waits for its next try.
fn is_any_tried_again(sim: &Simulation<'_>) -> bool {
    let lost = sim.store.issues.values().filter(|issue| issue.class == IssueClass::Transient);
    lost.into_iter().any(|issue| sim.store.dirty.contains_key(&issue.record))
}

/// The records of the pairs that are in one of these states.
fn pairs(sim: &Simulation<'_>, states: &[RecordState]) -> BTreeSet<RecordRef> {
    let statuses = sim.store.statuses.values().filter(|status| states.contains(&status.state));
    let records = statuses.flat_map(|status| {
        let of = |system, id: Option<_>| id.map(|id| RecordRef::new(status.object, system, id));
        [of(System::HubSpot, status.hubspot), of(System::ConnectWise, status.connectwise)].into_iter().flatten()
    });
    records.collect()
}

/// With those that point to them: what waits for a record that is to be made is shown with it.
fn with_children(sim: &Simulation<'_>, mut shown: BTreeSet<RecordRef>) -> BTreeSet<RecordRef> {
    for _ in 0..4 {
        let keys: BTreeSet<(System, String)> =
            shown.iter().map(|record| (record.system, referring_key(record.object, record.id))).collect();
        let points = |seen: &&Observation| seen.keys.iter().any(|key| keys.contains(&(seen.of.system, key.clone())));
        let children = sim.store.observations.values().filter(points).flat_map(|seen| {
            let link = sim.store.link_at(seen.of);
            link.map_or(vec![seen.of], |link| System::BOTH.map(|system| link.record(system)).to_vec())
        });
        let children: Vec<RecordRef> = children.collect();
        shown.extend(children);
    }
    shown
}

/// Whether a write carries something that a user put there since a person let through what was to happen to the record.
fn carries_news(sim: &Simulation<'_>, row: &Intent, since: i64) -> bool {
    let source = row.source_record();
    row.writes.iter().any(|write| {
        // several stages of one side stand for one of the other: what is written may be what was shown all the same
        let spec = index_of(row.object, row.system, write.field.as_str()).map(|at| &SPECS[at]);
        let Some(spec) = spec.filter(|spec| spec.is_traceable()) else { return false };
        let name = spec.name(source.system);
        let put_there = |from: i64, until: i64| {
            sim.ledger.iter().any(|change| {
                (change.system, change.object, change.record) == (source.system, source.object, source.id)
                    && from < change.at
                    && change.at <= until
                    && change.what != Change::Given
                    && !cannot_be_told(sim, change)
                    && change.fields.iter().any(|(field, _, after)| field.as_str() == name && *after == write.source)
            })
        };
        put_there(since, i64::MAX) && !put_there(i64::MIN, since)
    })
}

/// Whether somebody changed a record within the second in which the engine made it, before anybody saw it, and put nothing
/// in the place of what the engine had sent: nothing tells that from what its system itself puts into a new record.
fn cannot_be_told(sim: &Simulation<'_>, change: &Mutation) -> bool {
    let server = &sim.servers[change.system];
    let making = sim
        .ledger
        .iter()
        .find(|making| (making.system, making.record, making.what) == (change.system, change.record, Change::Created));
    let Some(Mutation { at, by: By::Engine { intent, .. }, fields, .. }) = making else { return false };
    let is_within = change.at > *at && server.time_of(change.at) == server.time_of(*at);
    let is_answered = sim.store.intents.get(intent).is_some_and(|made| made.outcome.as_deref() == Some("confirmed"));
    let sent = |name: &FieldName| fields.iter().any(|(sent, ..)| sent == name);
    is_within && !is_answered && !change.fields.iter().any(|(name, ..)| sent(name))
}

/// No run sends more than its limits without having asked; what a person let through is what they were shown.
pub fn i14_guard(sim: &mut Simulation<'_>, row: &Intent) {
    if row.run != sim.guarded.seen.run || sim.guarded.seen.free || row.attempt > 1 {
        return;
    }
    let records = [Some(row.source_record()), row.target_record()];
    let since = records.into_iter().flatten().find_map(|record| sim.guarded.let_through.get(&record).copied());
    if let Some(since) = since {
        if !carries_news(sim, row, since) {
            return;
        }
        sim.outcome.counters.saw("guard: news of a record that was let through");
    }
    let anchor =
        sim.store.link_at(row.source_record()).map_or(row.source_record(), |link| link.record(System::HubSpot));
    let changes = changes(row);
    let written = row.writes.iter().map(|write| format!("{}={} ", write.field, write.after)).collect();
    sim.guarded.seen.sent.insert((anchor, row.system, written), (row.object, changes));
    let mut total: Changes = [0; 4];
    for (_, sent) in sim.guarded.seen.sent.values().filter(|(object, _)| *object == row.object) {
        total.iter_mut().zip(sent).for_each(|(total, sent)| *total += sent);
    }
    let guards = &sim.scenario.guards;
    let limits = [guards.creates, guards.updates, guards.clears, guards.references];
    // the small limits have no share of the links; the usual ones are never met
    if total.iter().zip(limits).any(|(total, limit)| *total > limit.count) {
        let text = format!(
            "i{} makes {total:?} changes of {} in run {}; the limits are {limits:?}",
            row.id, row.object, row.run
        );
        sim.violate("i14_guard", text);
    }
}

fn changes(row: &Intent) -> Changes {
    let spec_of = |name: &str| index_of(row.object, row.system, name).map(|at| &SPECS[at]);
    let moved = row.writes.iter().filter(|write| {
        let taken_away = spec_of(write.field.as_str())
            .is_some_and(|spec| spec.parent().is_some() && !spec.holds_several(row.system));
        taken_away && !write.before.is_empty() && !write.after.is_empty()
    });
    let is_update = row.kind == IntentKind::Update;
    [
        u64::from(!is_update),
        u64::from(is_update && !row.writes.is_empty()),
        row.writes.iter().filter(|write| write.after.is_empty()).count() as u64,
        moved.count() as u64,
    ]
}
