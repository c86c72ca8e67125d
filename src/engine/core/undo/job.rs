//! An undo from the ask to its plan: the journal is read, then every record concerned, then it is decided and guarded.

use std::collections::{BTreeSet, VecDeque};

use super::chain::{Collector, Found, Unit};
use super::look::{Taken, members};
use super::plan::{plan_unit, undecided};
use super::{Kept, Undo, UndoEnd, UndoField, UndoReport};
use crate::engine::core::ask::refusal;
use crate::engine::core::command::{Reply, Row, Ticket};
use crate::engine::core::guard::Tally;
use crate::engine::core::plan::{Facts, PlannedWrite};
use crate::engine::core::request::{Priority, RequestId};
use crate::engine::core::state::{Intent, IntentState, LinkOrigin, Run, RunKind, Verdict};
use crate::engine::core::step::{Engine, Stage, Step, rules_of};
use crate::engine::core::view::ViewResult;
use crate::model::{BySystem, IntentId, Pause, RecordRef, RunId, System, Timestamp};

/// Writes of the journal read at once.
const PAGE: usize = 500;

/// Records decided on at once: a step should stay short.
const DECIDED: usize = 200;

/// Tries of one record, be it to read or to write it; a batch of a hundred that is refused takes eight to find the bad one.
pub(super) const MOST_TRIES: u32 = 12;

/// One undo under way.
#[derive(Debug)]
pub(in crate::engine::core) struct UndoJob {
    pub(super) ticket: Ticket,
    what: Undo,
    dry_run: bool,
    pub(super) state: State,
    /// When it began: whatever it is decided on was read since.
    began: Timestamp,
    /// The last request before it began. What that and earlier ones read may be older than the wish to undo.
    pub(super) last_before: RequestId,
    pub(super) units: Vec<Doing>,
    /// Units that wait for their turn, by the system they are written in.
    pub(super) queue: BySystem<VecDeque<usize>>,
    pub(super) report: UndoReport,
    pub(super) run: Option<Run>,
    tally: Tally,
}

#[derive(Debug)]
pub(super) enum State {
    Begin,
    /// The journal is being read, a page at a time.
    Load {
        of: RunId,
        after: Option<IntentId>,
        collector: Collector,
    },
    /// Every record is read.
    Look,
    /// The units before this one are decided.
    Decide(usize),
    /// It is being put back.
    Carry,
    /// Nothing is left but to tell.
    Over,
    Refused {
        reason: String,
        hint: String,
    },
}

/// One record that was written to, and how far its undo has come.
#[derive(Debug)]
pub(super) struct Doing {
    pub unit: Unit,
    pub at: At,
    pub fields: Vec<UndoField>,
    pub tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// It waits, or is being read.
    Open,
    Sent(IntentId),
    Done,
}

impl UndoJob {
    pub fn new(ticket: Ticket, what: Undo, dry_run: bool, now: Timestamp, last_before: RequestId) -> Self {
        Self {
            ticket,
            what,
            dry_run,
            state: State::Begin,
            began: now,
            last_before,
            units: Vec::new(),
            queue: BySystem::default(),
            report: UndoReport::empty(None),
            run: None,
            tally: Tally::default(),
        }
    }

    /// The number of the undo's own run, once it writes.
    pub fn run_id(&self) -> Option<RunId> {
        self.run.as_ref().map(|run| run.id)
    }

    fn refuse(&mut self, reason: impl Into<String>, hint: &str) {
        self.state = State::Refused { reason: reason.into(), hint: hint.to_owned() };
    }

    /// What a person waits for goes first; a whole run takes its turn with the regular writes.
    pub(super) const fn priority(&self) -> Priority {
        match self.what {
            Undo::Write(_) | Undo::Record(_) => Priority::Interactive,
            Undo::Run(_) => Priority::Write,
        }
    }

    /// Every unit that still waits is not done, for that reason.
    pub(super) fn give_up(&mut self, why: &str, which: impl Fn(&Doing) -> bool) {
        for doing in self.units.iter_mut().filter(|doing| doing.at != At::Done && which(doing)) {
            let (end, at) = match doing.at {
                At::Sent(_) => (UndoEnd::Unconfirmed(why.to_owned()), At::Done),
                At::Open | At::Done => (UndoEnd::NotDone(why.to_owned()), At::Done),
            };
            doing.at = at;
            doing.end_with(&end);
        }
    }
}

impl Doing {
    /// The fields that were to be put back end like this.
    pub fn end_with(&mut self, end: &UndoEnd) {
        if self.fields.is_empty() {
            self.fields = undecided(&self.unit, &self.unit.target.to_string(), end);
        }
        self.fields.iter_mut().filter(|field| field.end == UndoEnd::Restore).for_each(|field| field.end = end.clone());
        self.at = At::Done;
    }
}

impl Engine {
    /// Takes every undo as far as it goes now.
    pub(in crate::engine::core) fn advance_undos(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        if self.undos.is_empty() {
            return Ok(());
        }
        let broken = System::BOTH.into_iter().find_map(|system| self.sides[system].broken.clone());
        if let Some((message, _)) = broken {
            self.refuse_undos(step, &message);
            return Ok(());
        }
        if !self.is_identified() || matches!(self.stage, Stage::Identify | Stage::Recover) {
            return Ok(());
        }
        let mut later = VecDeque::new();
        while let Some(mut undo) = self.undos.pop_front() {
            // one after the other: the second may take back what the first puts back
            if later.is_empty() && step.rows.is_empty() && self.advance_undo(step, &mut undo)? {
                self.end_undo(step, undo);
            } else {
                later.push_back(undo);
            }
        }
        self.undos = later;
        Ok(())
    }

    /// As far as one goes without new rows or answers. True when it is over.
    fn advance_undo(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        loop {
            let goes_on = match undo.state {
                State::Begin => self.find(step, undo)?,
                State::Load { .. } => self.load(step, undo)?,
                State::Look => self.look(step, undo)?,
                State::Decide(_) => self.decide_undo(step, undo)?,
                State::Carry => self.carry(step, undo)?,
                State::Over | State::Refused { .. } => return Ok(true),
            };
            if !goes_on {
                return Ok(false);
            }
        }
    }

    fn find(&self, step: &Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        match undo.what {
            Undo::Write(id) => match step.view.write(id)? {
                Some(write) => self.begin_with(step, undo, write.run, &[write])?,
                None => undo.refuse(format!("This workspace has no write {id}."), LISTS),
            },
            Undo::Record(record) => {
                let writes = writes_of_last_run(step, record)?;
                match writes.first().map(|write| write.run) {
                    Some(of) => self.begin_with(step, undo, of, &writes)?,
                    None => undo.state = State::Over,
                }
            }
            Undo::Run(id) => {
                if self.run.as_ref().is_some_and(|run| run.row.id == id) {
                    undo.refuse(format!("Run {id} is not over yet."), "Wait until it is, then undo it.");
                } else if step.view.run(id)?.is_none() {
                    undo.refuse(format!("This workspace has no run {id}."), LISTS);
                } else {
                    undo.state = State::Load { of: id, after: None, collector: Collector::default() };
                }
            }
        }
        Ok(true)
    }

    fn begin_with(&self, step: &Step<'_>, undo: &mut UndoJob, of: RunId, writes: &[Intent]) -> ViewResult<()> {
        let mut collector = Collector::default();
        writes.iter().for_each(|write| collector.add(write));
        self.begin_look(step, undo, of, collector)
    }

    fn load(&self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        let State::Load { of, after, collector } = &mut undo.state else { return Ok(true) };
        let page = step.view.writes_of_run(*of, *after, PAGE)?;
        page.iter().for_each(|write| collector.add(write));
        *after = page.last().map(|write| write.id);
        if page.len() == PAGE {
            step.wake_at(step.now);
            return Ok(false);
        }
        let (of, collector) = (*of, std::mem::take(collector));
        self.begin_look(step, undo, of, collector)?;
        Ok(true)
    }

    fn begin_look(&self, step: &Step<'_>, undo: &mut UndoJob, of: RunId, collector: Collector) -> ViewResult<()> {
        let Found { units, made, open, touched } = collector.finish();
        undo.report.of = Some(of);
        undo.report.kept = made;
        if !matches!(undo.what, Undo::Write(_)) {
            undo.report.kept.extend(linked_by(step, of, &touched)?);
        }
        let doing = |unit| Doing { unit, at: At::Open, fields: Vec::new(), tries: 0 };
        undo.units = units.into_iter().map(doing).collect();
        for (at, doing) in undo.units.iter().enumerate() {
            undo.queue[doing.unit.target.system].push_back(at);
        }
        for unit in open {
            let why = "whether it took effect is not known yet: it is looked up by itself; undo it again then";
            let fields = undecided(&unit, &unit.target.to_string(), &UndoEnd::NotDone(why.to_owned()));
            undo.units.push(Doing { unit, at: At::Done, fields, tries: 0 });
        }
        undo.state = State::Look;
        Ok(())
    }

    /// Reads both records of every unit.
    fn look(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        let began = undo.began;
        for system in System::BOTH {
            self.take_turns(step, undo, system, |_, seen| seen >= began, |_, _, _, _| Ok(Taken::Done))?;
        }
        if self.is_reading(undo) || !undo.queue.hubspot.is_empty() || !undo.queue.connectwise.is_empty() {
            self.wake_for(step, undo);
            return Ok(false);
        }
        undo.state = State::Decide(0);
        Ok(true)
    }

    /// Decides some of the units; at the end the guard is asked.
    fn decide_undo(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<bool> {
        let State::Decide(from) = undo.state else { return Ok(true) };
        let to = (from + DECIDED).min(undo.units.len());
        for at in from..to {
            if undo.units[at].at == At::Done {
                continue;
            }
            let write = self.decide_unit(step, undo, at)?;
            match write {
                Some(write) => {
                    undo.tally.add_write(undo.units[at].unit.target, &write, &self.rules);
                    undo.queue[write.system].push_back(at);
                }
                None => undo.units[at].at = At::Done,
            }
        }
        undo.state = State::Decide(to);
        if to < undo.units.len() {
            step.wake_at(step.now);
            return Ok(false);
        }
        self.guard_undo(step, undo)?;
        Ok(true)
    }

    /// What becomes of one unit, decided on what the cache holds now.
    pub(super) fn decide_unit(
        &self,
        step: &Step<'_>,
        undo: &mut UndoJob,
        at: usize,
    ) -> ViewResult<Option<PlannedWrite>> {
        let Some(of) = undo.report.of else { return Ok(None) };
        let began = undo.began;
        let doing = &mut undo.units[at];
        let target = doing.unit.target;
        let Some(handle) = self.object_rules(target.object) else {
            let reason = format!("{} are not mapped any more.", target.object.plural());
            let hint = format!("Set it in {} by hand, or map them again, deploy, and undo once more.", target.system);
            doing.fields = undecided(&doing.unit, &target.to_string(), &UndoEnd::Kept { reason, hint });
            return Ok(None);
        };
        let Some(rules) = rules_of(&handle) else { return Ok(None) };
        let open: Vec<Intent> = self.open.values().map(|open| open.intent.clone()).collect();
        let mut facts = Facts::gather(step.view, rules, target, &open)?;
        for system in System::BOTH {
            facts.records[system].take_if(|known| known.is_older_than(began, step.now));
        }
        let mut plan = plan_unit(&facts, rules, &doing.unit, of, step.now);
        for field in &mut plan.fields {
            if matches!(field.end, UndoEnd::Changed { .. })
                && let Some(run) = rewritten_by(step, field)?
            {
                field.end = UndoEnd::Changed { by: format!("by run {run}") };
            }
        }
        doing.fields = plan.fields;
        Ok(plan.write)
    }

    /// Nothing is written before the whole of it has passed the guard.
    fn guard_undo(&mut self, step: &mut Step<'_>, undo: &mut UndoJob) -> ViewResult<()> {
        undo.state = State::Over;
        if undo.queue.hubspot.is_empty() && undo.queue.connectwise.is_empty() {
            return Ok(());
        }
        let Some(of) = undo.report.of else { return Ok(()) };
        let hash = undo.tally.hash();
        let exceeded = undo.tally.exceeds(&self.rules.config.guards, step.view)?;
        let approved = exceeded.is_some() && step.view.is_approved(&hash)?;
        if let Some(reason) = exceeded.filter(|_| !approved) {
            undo.report.held = Some((reason.clone(), hash.clone()));
            if !undo.dry_run {
                let mut run = self.new_run(step.now, RunKind::Undo { of });
                run.ended = Some(step.now);
                run.verdict = Verdict::Held { reason, plan: hash };
                step.row(Row::Run(run));
            }
            return Ok(());
        }
        if undo.dry_run {
            return Ok(());
        }
        if let Some(Reply::Refused { reason, hint }) = self.pause_of(undo).map(refusal) {
            undo.state = State::Refused { reason, hint };
            return Ok(());
        }
        let run = self.new_run(step.now, RunKind::Undo { of });
        if approved {
            step.row(Row::Approval { plan: hash, used_by: Some(run.id) });
        }
        step.row(Row::Run(run.clone()));
        undo.report.run = Some(run.id);
        undo.run = Some(run);
        undo.state = State::Carry;
        Ok(())
    }

    /// The pause of something that is to be put back: then nothing of the undo is.
    fn pause_of(&self, undo: &UndoJob) -> Option<&Pause> {
        let waiting = System::BOTH.into_iter().flat_map(|system| undo.queue[system].iter());
        let targets = waiting.map(|at| undo.units[*at].unit.target);
        targets.into_iter().find_map(|target| self.paused(target.object, target.system))
    }

    /// When what waits for a pause may go on.
    pub(super) fn wake_for(&self, step: &mut Step<'_>, undo: &UndoJob) {
        let waits = System::BOTH.into_iter().any(|system| !undo.queue[system].is_empty());
        let until = self.sides.hubspot.not_before.max(self.sides.connectwise.not_before);
        if waits && until > step.now {
            step.wake_at(until);
        }
    }

    /// A connection failed for good: what was done stays done, and nobody waits for the rest.
    pub(in crate::engine::core) fn refuse_undos(&mut self, step: &mut Step<'_>, message: &str) {
        for mut undo in std::mem::take(&mut self.undos) {
            if undo.run.is_none() {
                undo.refuse(message, UNUSABLE);
            } else {
                undo.report.stopped = Some(message.to_owned());
                undo.give_up(message, |_| true);
            }
            self.end_undo(step, undo);
        }
        step.wake_at(step.now);
    }

    fn end_undo(&self, step: &mut Step<'_>, undo: UndoJob) {
        if let State::Refused { reason, hint } = undo.state {
            step.reply(undo.ticket, Reply::Refused { reason, hint });
            return;
        }
        let mut report = undo.report;
        report.fields = undo.units.into_iter().flat_map(|doing| doing.fields).collect();
        if let Some(mut run) = undo.run {
            let rest = report.fields.iter().find_map(|field| match &field.end {
                UndoEnd::NotDone(why) => Some(why.clone()),
                _ => None,
            });
            report.stopped = report.stopped.or(rest);
            run.ended = Some(step.now);
            run.verdict = report.stopped.clone().map_or(Verdict::Done, Verdict::Stopped);
            step.row(Row::Run(run));
        }
        step.reply(undo.ticket, Reply::Undone(Box::new(report)));
    }
}

const LISTS: &str = "`lockstep runs` lists the runs, and `lockstep runs N` the writes of one.";
const UNUSABLE: &str = "Nothing was written. Try again later; `lockstep doctor` tells what is wrong with a connection.";

/// The pairs that a run linked by a match rule, among those that it wrote to.
fn linked_by(step: &Step<'_>, of: RunId, touched: &BTreeSet<RecordRef>) -> ViewResult<Vec<Kept>> {
    let Some(run) = step.view.run(of)? else { return Ok(Vec::new()) };
    let mut kept = Vec::new();
    let mut told = BTreeSet::new();
    for record in touched {
        let Some(link) = step.view.link_of(*record)? else { continue };
        let then = run.started <= link.created && run.ended.is_none_or(|ended| link.created <= ended);
        let LinkOrigin::Match(rule) = &link.origin else { continue };
        if then && told.insert(link.id) {
            let (here, there) = (link.record(System::HubSpot), link.record(System::ConnectWise));
            kept.push(Kept {
                record: here,
                partner: there,
                reason: format!("{here} and {there} were linked, by {rule}, and stay linked."),
                hint:
                    "Where they are not the same, put the id of one of them on the exclusion list of the mapping and \
                       deploy: nothing crosses between them then."
                        .to_owned(),
            });
        }
    }
    Ok(kept)
}

/// Every write of the last run that wrote to a record or its partner, oldest first.
fn writes_of_last_run(step: &Step<'_>, record: RecordRef) -> ViewResult<Vec<Intent>> {
    let mut writes = Vec::new();
    for member in members(step, record)? {
        let mut before = None;
        loop {
            let page = step.view.writes_to(member, before, PAGE)?;
            before = page.last().map(|write| write.id);
            let all = page.len() < PAGE;
            writes.extend(page.into_iter().filter(|write| write.state == IntentState::Applied && !is_bare(write)));
            if all {
                break;
            }
        }
    }
    let last = writes.iter().map(|write| write.run).max();
    writes.retain(|write| Some(write.run) == last);
    writes.sort_by_key(|write| write.id);
    Ok(writes)
}

/// Nothing but the key of a partner was written.
fn is_bare(write: &Intent) -> bool {
    write.writes.is_empty()
}

/// The run that wrote to a field after the write that is taken back.
fn rewritten_by(step: &Step<'_>, field: &UndoField) -> ViewResult<Option<RunId>> {
    let newer = step.view.writes_to(field.record, None, PAGE)?.into_iter().take_while(|write| write.id > field.write);
    let mut newer = newer.filter(|write| write.state == IntentState::Applied);
    Ok(newer.find(|write| write.writes.iter().any(|one| one.field == field.field)).map(|write| write.run))
}
