//! Hints: records that a webhook or a call-back says are worth a look. They are read by their ids between two polls, and
//! where that shows news, the next look at both systems is not waited for. Nothing else follows from a hint: one that is
//! lost, late, repeated or out of order changes how soon something crosses, and never what.
//!
//! What was read is not decided on alone: a new record may have a twin in the other system that no feed has shown yet.

use std::collections::BTreeMap;
use std::time::Duration;

use super::command::Row;
use super::guard::Tally;
use super::request::{AnswerBody, Failure, Priority, RequestBody, RequestId};
use super::state::{CursorKey, Feed};
use super::step::{ActiveRun, Engine, Mode, Pending, Stage, Step};
use super::view::ViewResult;
use crate::model::{ObjectKind, Record, RecordRef, System, Timestamp};

/// More hints are not kept in mind: the next poll finds what they were about.
const MOST_WAITING: usize = 10_000;

/// Records of one read.
const BATCH: usize = 100;

/// A first hint waits so long for others: changes come in flocks, and their events one by one.
const GATHER: Duration = Duration::from_millis(300);

/// Two looks at both systems are at least so far apart, whatever hints ask for.
const APART: Duration = Duration::from_secs(10);

/// What is known of hints.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Since when each waits to be read.
    waiting: BTreeMap<RecordRef, Timestamp>,
    /// A read showed something that no evaluation has looked at yet.
    news: bool,
    /// The run under way began for that, before its time.
    is_early: bool,
    /// When the last run ended.
    rested: Option<Timestamp>,
    /// What the early runs since the last regular one counted: the limits are for the time between two polls.
    tally: Option<Tally>,
    /// They came to a limit: the next regular run decides, as it would without hints.
    is_spent: bool,
}

impl Engine {
    /// Takes note of records that are worth a look. Only who looks again and again has use for that.
    pub(super) fn take_hints(&mut self, step: &Step<'_>, records: Vec<RecordRef>) {
        if self.mode != Mode::Watch {
            return;
        }
        for record in records.into_iter().filter(|record| self.rules.object(record.object).is_some()) {
            if self.hints.waiting.len() < MOST_WAITING {
                self.hints.waiting.entry(record).or_insert(step.now);
            }
        }
    }

    /// Between two polls: reads what was hinted at. Says whether the next run is to begin at once.
    pub(super) fn follow_hints(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        // a plan that is held waits for a person, and a workspace that is not filled yet knows too little of twins
        if !self.is_identified() || self.held.is_some() || !self.knows_all(step)? {
            return Ok(false);
        }
        for system in System::BOTH {
            self.read_hints(step, system);
        }
        let reading = self.pending.values().any(|pending| matches!(pending, Pending::Hints { .. }));
        if !self.hints.news || self.hints.is_spent || reading {
            return Ok(false);
        }
        let apart = APART.min(Duration::from_secs(self.rules.config.timing.poll));
        // a rest that began in the future began before somebody set this machine's clock back
        let rested = self.hints.rested.filter(|at| *at <= step.now);
        match rested.map(|at| at + apart).filter(|at| *at > step.now) {
            Some(at) => {
                step.wake_at(at);
                Ok(false)
            }
            None => {
                self.hints.is_early = true;
                Ok(true)
            }
        }
    }

    fn knows_all(&self, step: &Step<'_>) -> ViewResult<bool> {
        if self.hints.waiting.is_empty() && !self.hints.news {
            return Ok(false);
        }
        for (object, rules) in self.rules.objects() {
            for system in System::BOTH {
                let cursor = step.view.cursor(CursorKey { system, object, feed: Feed::Backfill })?;
                if cursor.is_none_or(|cursor| cursor.completed.is_none() || cursor.shape != rules.shape) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// One read at a time for each system: what comes meanwhile is gathered for the next.
    fn read_hints(&mut self, step: &mut Step<'_>, system: System) {
        let reading = |pending: &Pending| matches!(pending, Pending::Hints { system: of, .. } if *of == system);
        if self.pending.values().any(reading) {
            return;
        }
        let waiting = self.hints.waiting.iter().filter(|(record, _)| record.system == system);
        let Some((first, since)) = waiting.min_by_key(|(_, since)| **since) else { return };
        let (object, since) = (first.object, *since);
        let of_kind = |(record, _): &(&RecordRef, &Timestamp)| (record.system, record.object) == (system, object);
        let records: Vec<(RecordRef, Timestamp)> =
            self.hints.waiting.iter().filter(of_kind).take(BATCH).map(|(record, since)| (*record, *since)).collect();
        // one that waits since the future waits since before somebody set this machine's clock back
        let is_gathered = since > step.now || step.now.since(since) >= GATHER || records.len() == BATCH;
        let at = self.sides[system].not_before.max(if is_gathered { step.now } else { since + GATHER });
        if at > step.now {
            step.wake_at(at);
            return;
        }
        for (record, _) in &records {
            self.hints.waiting.remove(record);
        }
        let Some(rules) = self.rules.object(object) else { return };
        let ids = records.iter().map(|(record, _)| record.id).collect();
        let body = RequestBody::Read { fields: rules.watched[system].clone(), ids };
        self.send(step, system, object, Priority::Pull, body, Pending::Hints { system, object, records });
    }

    /// A read of what was hinted at was answered.
    pub(super) fn take_hinted(
        &mut self,
        step: &mut Step<'_>,
        (system, object): (System, ObjectKind),
        records: Vec<(RecordRef, Timestamp)>,
        request: RequestId,
        body: AnswerBody,
    ) -> ViewResult<()> {
        let AnswerBody::Records { found } = body else { return Ok(()) };
        let before = step.rows.len();
        for (id, record) in found {
            self.take_hinted_record(step, RecordRef::new(object, system, id), record, request)?;
        }
        let news = step.rows.iter().skip(before).any(|row| matches!(row, Row::Dirty(_)));
        // a run that is still reading decides on it anyway
        self.hints.news |= news && matches!(self.stage, Stage::Idle | Stage::Evaluate { .. } | Stage::Apply { .. });
        for (record, _) in records {
            step.row(Row::Heard(record));
        }
        Ok(())
    }

    /// Like a record of a feed, so that nothing is left for the feed to tell; one that went, like any that is read by its id.
    fn take_hinted_record(
        &mut self,
        step: &mut Step<'_>,
        of: RecordRef,
        record: Option<Record>,
        request: RequestId,
    ) -> ViewResult<()> {
        let known = step.view.observation(of)?;
        match record {
            Some(record) if record.id == of.id => {
                // what was thrown away before Lockstep ever saw it is nobody's business, unless it is a copy of ours
                let never_was = known.is_none() && record.archived && record.stamp.is_none();
                if !never_was && self.absorb(step, of, record, request, false)? {
                    self.count(of.object, |counts| counts.pulled += 1);
                }
                Ok(())
            }
            Some(survivor) => {
                let is_followed = known.is_some_and(|known| known.gone && known.merged_into == Some(survivor.id));
                let to = RecordRef { id: survivor.id, ..of };
                if is_followed && step.view.link_of(of)?.is_none() {
                    return self.absorb(step, to, survivor, request, false).map(drop);
                }
                self.follow_merge(step, of, survivor, request)
            }
            None if known.is_some_and(|known| !known.gone) => self.mark_gone(step, of, request),
            None => Ok(()),
        }
    }

    /// A read of what was hinted at failed: it is read later where that helps, and by the next poll in any case.
    pub(super) fn hints_unread(&mut self, records: Vec<(RecordRef, Timestamp)>, failure: &Failure) {
        if matches!(failure, Failure::NotSent(_) | Failure::Unknown(_) | Failure::Throttled { .. }) {
            for (record, since) in records {
                self.hints.waiting.entry(record).or_insert(since);
            }
        }
    }

    /// What a run that begins now has counted before its first write.
    pub(super) fn begin_hinted(&mut self) -> Tally {
        self.hints.news = false;
        let before = self.hints.tally.take();
        if self.hints.is_early {
            return before.unwrap_or_default();
        }
        self.hints.is_spent = false;
        Tally::default()
    }

    /// A run came to a limit. Says whether it is one that began early: it leaves the rest to the next regular one.
    pub(super) const fn spend_hints(&mut self) -> bool {
        self.hints.is_spent |= self.hints.is_early;
        self.hints.is_early
    }

    /// A run ended. Says whether it was a regular one: the time of the next one counts from those alone.
    pub(super) fn end_hinted(&mut self, now: Timestamp, run: &mut ActiveRun) -> bool {
        self.hints.rested = Some(now);
        let is_early = std::mem::take(&mut self.hints.is_early);
        if is_early && !run.free {
            self.hints.tally = Some(std::mem::take(&mut run.tally));
        }
        !is_early
    }
}
