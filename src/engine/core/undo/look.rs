//! Whose turn it is in an undo, and what has to be read before it: nothing is decided on what is not fresh.

use std::collections::{BTreeSet, VecDeque};

use super::UndoEnd;
use super::job::{MOST_TRIES, UndoJob};
use crate::engine::core::apply::read_ahead;
use crate::engine::core::command::Ticket;
use crate::engine::core::request::{AnswerBody, RequestBody};
use crate::engine::core::rights::Way;
use crate::engine::core::step::{Engine, Pending, Step};
use crate::engine::core::view::ViewResult;
use crate::model::{BySystem, RecordRef, System, Timestamp};

/// Reads on their way to one system at once.
const READS: usize = 2;

/// What is to be done with a unit whose turn it was.
pub(super) enum Taken {
    Done,
    /// Later.
    Back,
    /// Later, and so with all behind it.
    Full,
}

impl Engine {
    /// Goes through the units that wait for a system. One of which something is not as fresh as `fresh` asks is read first;
    /// `then` says what to do with the others.
    pub(super) fn take_turns<'a>(
        &mut self,
        step: &mut Step<'a>,
        undo: &mut UndoJob,
        system: System,
        fresh: impl Fn(bool, Timestamp) -> bool,
        mut then: impl FnMut(&mut Self, &mut Step<'a>, &mut UndoJob, usize) -> ViewResult<Taken>,
    ) -> ViewResult<()> {
        let mut stale: BySystem<Vec<(usize, RecordRef)>> = BySystem::default();
        let mut back = VecDeque::new();
        while let Some(at) = undo.queue[system].pop_front() {
            let target = undo.units[at].unit.target;
            match self.first_old(step, undo, target, &fresh)? {
                Some(record) => {
                    if let Some(why) = self.denied((record.system, record.object, Way::Read)) {
                        undo.units[at].end_with(&UndoEnd::NotDone(why.to_owned()));
                    } else if self.may_read(step, undo, record, &stale[record.system], read_ahead(system)) {
                        stale[record.system].push((at, record));
                    } else {
                        // what is behind waits until these are read
                        back.push_back(at);
                        break;
                    }
                }
                None => match then(self, step, undo, at)? {
                    Taken::Done => {}
                    Taken::Back => back.push_back(at),
                    Taken::Full => {
                        back.push_back(at);
                        break;
                    }
                },
            }
        }
        for at in back.into_iter().rev() {
            undo.queue[system].push_front(at);
        }
        for read in System::BOTH {
            let group = std::mem::take(&mut stale[read]);
            self.read_units(step, undo, read, group);
        }
        Ok(())
    }

    /// The first record of a unit that was not read lately enough, or by a request from before the undo, of which the answer
    /// came after: a person may have changed it in between.
    fn first_old(
        &self,
        step: &Step<'_>,
        undo: &UndoJob,
        target: RecordRef,
        fresh: impl Fn(bool, Timestamp) -> bool,
    ) -> ViewResult<Option<RecordRef>> {
        for record in members(step, target)? {
            // what was read in the future was read before this machine's clock was set back
            let seen = step.view.observation(record)?.map(|known| known.seen).filter(|seen| *seen <= step.now);
            let asked_since = self.absorbed.get(&record).is_none_or(|request| *request > undo.last_before.0);
            if !asked_since || !seen.is_some_and(|seen| fresh(record == target, seen)) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Whether a record may go into the read that is being made up.
    fn may_read(
        &self,
        step: &Step<'_>,
        undo: &UndoJob,
        record: RecordRef,
        group: &[(usize, RecordRef)],
        most: usize,
    ) -> bool {
        group.first().is_none_or(|(_, first)| first.object == record.object)
            && group.len() < most
            && self.sides[record.system].not_before <= step.now
            && self.reads(undo, record.system) < READS
    }

    fn read_units(&mut self, step: &mut Step<'_>, undo: &mut UndoJob, system: System, units: Vec<(usize, RecordRef)>) {
        let Some(object) = units.first().map(|(_, record)| record.object) else { return };
        let Some(rules) = self.rules.object(object) else {
            let why = format!("{} are not mapped any more", object.plural());
            units.iter().for_each(|(at, _)| undo.units[*at].end_with(&UndoEnd::NotDone(why.clone())));
            return;
        };
        let ids: BTreeSet<_> = units.iter().map(|(_, record)| record.id).collect();
        let body = RequestBody::Read { fields: rules.watched[system].clone(), ids: ids.into_iter().collect() };
        let pending = Pending::Undo { ticket: undo.ticket, system, object, units };
        self.send(step, system, object, undo.priority(), body, pending);
    }

    /// The undo's reads on their way to a system.
    fn reads(&self, undo: &UndoJob, to: System) -> usize {
        let of_it = |pending: &&Pending| matches!(pending, Pending::Undo { ticket, system, .. } if *ticket == undo.ticket && *system == to);
        self.pending.values().filter(of_it).count()
    }

    pub(super) fn is_reading(&self, undo: &UndoJob) -> bool {
        System::BOTH.into_iter().any(|system| self.reads(undo, system) > 0)
    }

    /// A read of some units was answered, with word of these records.
    pub(in crate::engine::core) fn undo_read(
        &mut self,
        step: &Step<'_>,
        ticket: Ticket,
        units: &[(usize, RecordRef)],
        body: &AnswerBody,
    ) -> ViewResult<()> {
        let mut told = BTreeSet::new();
        if let AnswerBody::Records { found } = body {
            for (at, record) in units {
                let word = found.iter().find(|(id, _)| *id == record.id);
                let of_nobody = matches!(word, Some((_, None))) && step.view.observation(*record)?.is_none();
                if word.is_some() && !of_nobody {
                    told.insert(*at);
                }
            }
        }
        self.undo_read_ended(ticket, units, &told);
        Ok(())
    }

    /// They are looked at again; one of which nothing can be learned is given up at some time.
    pub(in crate::engine::core) fn undo_read_ended(
        &mut self,
        ticket: Ticket,
        units: &[(usize, RecordRef)],
        told: &BTreeSet<usize>,
    ) {
        for undo in self.undos.iter_mut().filter(|undo| undo.ticket == ticket) {
            for (at, record) in units.iter().rev() {
                let doing = &mut undo.units[*at];
                doing.tries = if told.contains(at) { 0 } else { doing.tries + 1 };
                if doing.tries >= MOST_TRIES {
                    doing.end_with(&UndoEnd::NotDone(format!("{record} could not be read")));
                } else {
                    undo.queue[doing.unit.target.system].push_front(*at);
                }
            }
        }
    }
}

/// The record that was written to, and its partner.
pub(super) fn members(step: &Step<'_>, target: RecordRef) -> ViewResult<Vec<RecordRef>> {
    let link = step.view.link_of(target)?;
    Ok(link.map_or_else(|| vec![target], |link| vec![target, link.record(target.system.other())]))
}
