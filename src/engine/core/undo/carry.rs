//! An undo on its way: each record is decided once more on fresh reads, journaled, sent, and told as the journal has it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::UndoEnd;
use super::job::{At, MOST_TRIES, State, UndoJob};
use super::look::{Taken, members};
use crate::engine::core::apply::{SOURCE_FRESH, TARGET_FRESH, batch_size, most_in_flight};
use crate::engine::core::command::Row;
use crate::engine::core::plan::PlannedWrite;
use crate::engine::core::rights::Way;
use crate::engine::core::state::{Intent, IntentState, Run, RunKind};
use crate::engine::core::step::{Engine, Step};
use crate::engine::core::view::ViewResult;
use crate::model::{RecordRef, RunId, System, Timestamp};

/// How soon it is looked again whether the regular run is done with a record.
const SOON: Duration = Duration::from_millis(50);

impl Engine {
    /// Puts back what is ready. True when all of it has come to its end.
    pub(super) fn carry(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        self.take_back_answers(step, undo)?;
        for system in System::BOTH {
            self.stop_at_pauses(undo, system);
            self.fill_undo(step, undo, system)?;
        }
        if undo.units.iter().any(|doing| doing.at != At::Done) {
            self.wake_for(step, undo);
            return Ok(false);
        }
        undo.state = State::Over;
        Ok(true)
    }

    /// Somebody paused what is being taken back: what is back stays so, the rest is told.
    fn stop_at_pauses(&self, undo: &mut UndoJob, system: System) {
        if self.pauses.is_empty() {
            return;
        }
        let objects: BTreeSet<_> = undo.queue[system].iter().map(|at| undo.units[*at].unit.target.object).collect();
        for object in objects {
            let Some(pause) = self.paused(object, system) else { continue };
            let is_stopped = |target: RecordRef| (target.object, target.system) == (object, system);
            undo.give_up(&pause.sentence(), |doing| doing.at == At::Open && is_stopped(doing.unit.target));
        }
        let UndoJob { units, queue, .. } = undo;
        queue[system].retain(|at| units[*at].at == At::Open);
    }

    /// Makes up batches as far as there is room for requests to a system.
    fn fill_undo(&mut self, step: &mut Step<'_>, undo: &mut UndoJob, system: System) -> ViewResult<()> {
        let now = step.now;
        let Some(run) = undo.run_id() else { return Ok(()) };
        while !undo.queue[system].is_empty()
            && self.sides[system].writes < most_in_flight(system)
            && self.sides[system].takes_writes(now)
        {
            let mut batch = Batch { room: batch_size(system), ready: Vec::new() };
            let fresh = |is_target: bool, seen: Timestamp| {
                now.since(seen) <= if is_target { TARGET_FRESH } else { SOURCE_FRESH }
            };
            self.take_turns(step, undo, system, fresh, |engine, step, undo, at| batch.take(engine, step, undo, at))?;
            if batch.ready.is_empty() {
                break;
            }
            let (units, writes): (Vec<usize>, Vec<PlannedWrite>) = batch.ready.into_iter().unzip();
            let sent = self.commit_and_send(step, system, run, undo.priority(), writes);
            for (at, id) in units.into_iter().zip(sent) {
                undo.units[at].at = At::Sent(id);
            }
        }
        Ok(())
    }

    /// What became of the writes that were sent, as the journal has it.
    fn take_back_answers(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<()> {
        let mut counted = false;
        for at in 0..undo.units.len() {
            let At::Sent(id) = undo.units[at].at else { continue };
            if self.open.get(&id).is_some_and(|open| open.on_its_way) {
                continue;
            }
            let Some(write) = step.view.write(id)?.filter(|write| write.state != IntentState::Sent) else { continue };
            if write.state == IntentState::NotApplied
                && let Some(why) = self.denied((write.system, write.object, Way::Update)).map(str::to_owned)
            {
                undo.units[at].at = At::Open;
                undo.give_up(&why, |doing| {
                    let target = doing.unit.target;
                    doing.at == At::Open && (target.system, target.object) == (write.system, write.object)
                });
                let UndoJob { units, queue, .. } = undo;
                queue[write.system].retain(|at| units[*at].at == At::Open);
                continue;
            }
            if write.state == IntentState::NotApplied && undo.units[at].tries + 1 < MOST_TRIES {
                undo.units[at].tries += 1;
                undo.units[at].at = At::Open;
                undo.queue[write.system].push_front(at);
                continue;
            }
            counted |= count(undo, at, &write);
        }
        if let Some(run) = undo.run.as_ref().filter(|_| counted) {
            step.row(Row::Run(run.clone()));
        }
        Ok(())
    }

    /// Whether a write belongs to an undo: it is counted there, and nobody tries it again.
    pub(in crate::engine::core) fn is_of_undo(&self, step: &Step<'_>, run: RunId) -> ViewResult<bool> {
        // asked for each answer to a write: nearly all are of the run under way
        if self.run.as_ref().is_some_and(|active| active.row.id == run) {
            return Ok(false);
        }
        let under_way = self.undos.iter().any(|undo| undo.run_id() == Some(run));
        let is_undo = |run: Run| matches!(run.kind, RunKind::Undo { .. });
        Ok(under_way || step.view.run(run)?.is_some_and(is_undo))
    }
}

/// The items of one request.
struct Batch {
    room: usize,
    ready: Vec<(usize, PlannedWrite)>,
}

impl Batch {
    fn take(&mut self, engine: &mut Engine, step: &mut Step<'_>, undo: &mut UndoJob, at: usize) -> ViewResult<Taken> {
        let target = undo.units[at].unit.target;
        let members = members(step, target)?;
        if members.iter().any(|record| engine.busy.contains(record)) {
            // the regular run is reading or writing it this moment, or a write of unknown fate is looked up
            return engine.wait_for_busy(step, undo, at, &members);
        }
        let begun = self.ready.first().map(|(_, write)| write.object);
        let most = members.iter().filter_map(|record| engine.batch_limit.get(record)).min().copied();
        let most = most.unwrap_or(self.room);
        if self.ready.len() >= self.room.min(most) || begun.is_some_and(|object| object != target.object) {
            return Ok(Taken::Full);
        }
        let Some(write) = engine.decide_unit(step, undo, at)? else {
            undo.units[at].at = At::Done;
            return Ok(Taken::Done);
        };
        self.room = self.room.min(most);
        engine.busy.extend(members);
        self.ready.push((at, write));
        Ok(Taken::Done)
    }
}

impl Engine {
    fn wait_for_busy(
        &self,
        step: &mut Step<'_>,
        undo: &mut UndoJob,
        at: usize,
        members: &[RecordRef],
    ) -> ViewResult<Taken> {
        let unresolved = self.open.values().filter(|open| !open.on_its_way);
        let mut records = unresolved.flat_map(|open| [Some(open.intent.source_record()), open.intent.target_record()]);
        if records.any(|record| record.is_some_and(|record| members.contains(&record))) {
            // that takes minutes: what it is decided on says so
            let write = self.decide_unit(step, undo, at)?;
            if write.is_none() {
                undo.units[at].at = At::Done;
                return Ok(Taken::Done);
            }
        }
        step.wake_at(step.now + SOON);
        Ok(Taken::Back)
    }
}

/// Tells the fields of a unit as its write ended. Whether it took effect.
fn count(undo: &mut UndoJob, at: usize, write: &Intent) -> bool {
    let doing = &mut undo.units[at];
    let why = write.outcome.clone().unwrap_or_else(|| "without a word".to_owned());
    match write.state {
        IntentState::Applied => {
            for field in doing.fields.iter_mut().filter(|field| field.end == UndoEnd::Restore) {
                let took = write.writes.iter().any(|one| one.field == field.field);
                let nothing = || UndoEnd::Refused(format!("{} accepted it and did nothing", write.system));
                field.end = if took { UndoEnd::Restored } else { nothing() };
            }
        }
        IntentState::Unknown | IntentState::Sent => doing.end_with(&UndoEnd::Unconfirmed(why)),
        IntentState::NotApplied => doing.end_with(&UndoEnd::NotDone(why)),
        IntentState::Rejected | IntentState::Abandoned => doing.end_with(&UndoEnd::Refused(why)),
    }
    doing.at = At::Done;
    let Some(run) = &mut undo.run else { return false };
    let counts = run.counts.of(write.object);
    match write.state {
        IntentState::Applied => counts.sides[write.system].add(write.kind, &write.writes),
        _ => counts.failed += 1,
    }
    true
}
