//! The state machine itself: what it remembers between steps, and how one step goes.
//!
//! A step first takes in what happened, then, if nothing waits to be committed, takes up new work. So every decision
//! is made on committed rows alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::apply::Unread;
use super::ask::Job;
use super::command::{Ask, Batch, Command, Durability, Event, Notice, Reply, Row, Ticket};
use super::guard::Tally;
use super::hints::Hints;
use super::phase::Phase;
use super::plan::PairPlan;
use super::pull::Feeds;
use super::recover::Open;
use super::request::{Priority, Request, RequestBody, RequestId};
use super::rights::{Denial, Need};
use super::side::Side;
use super::state::cursor::Pass;
use super::state::{Cover, CursorKey, DirtyReason, Link, Run, RunKind, Verdict};
use super::undo::UndoJob;
use super::view::{View, ViewError, ViewResult};
use crate::mapping::references::Partner;
use crate::mapping::{ObjectRules, Rules};
use crate::model::{
    BySystem, IntentId, LinkId, ObjectKind, Pause, Pauses, RecordId, RecordRef, RunId, System, Timestamp,
};

/// More stages, or pages of marks, than one step goes through without a row to commit: an engine that does would never
/// come back.
const MOST_TURNS: u32 = 100_000;

/// What an engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Looks at both systems again and again, `timing.poll` seconds apart.
    Watch,
    /// One run, until nothing is left to do now; then idle.
    Once,
    /// One run that reads and plans and writes nothing; then idle.
    Plan,
    /// No runs of its own: only what a person asks.
    Asks,
}

/// The engine of one workspace. Holds only what can be rebuilt: everything that matters is committed.
#[derive(Debug)]
pub struct Engine {
    pub(super) rules: Arc<Rules>,
    pub(super) mode: Mode,
    pub(super) sides: BySystem<Side>,
    pub(super) stage: Stage,
    pub(super) run: Option<ActiveRun>,
    pub(super) pending: BTreeMap<RequestId, Pending>,
    /// Writes whose fate is open, by their number.
    pub(super) open: BTreeMap<IntentId, Open>,
    /// Records that take part in a write or a read before one; nothing else touches them meanwhile.
    pub(super) busy: BTreeSet<RecordRef>,
    /// Per record the highest request whose answer it reflects: an answer to an older one is old news.
    pub(super) absorbed: BTreeMap<RecordRef, u64>,
    pub(super) jobs: VecDeque<Job>,
    pub(super) undos: VecDeque<UndoJob>,
    pub(super) hints: Hints,
    /// Nothing was taken up yet: what the last engine left unfinished is looked for.
    pub(super) fresh: bool,
    pub(super) work: BySystem<VecDeque<RecordRef>>,
    /// A person wants a run now.
    pub(super) wanted: bool,
    pub(super) next_poll: Option<Timestamp>,
    pub(super) held: Option<(String, String)>,
    pub(super) numbers: Numbers,
    /// A configuration that is used from the next run on.
    next_rules: Option<Rules>,
    winding_down: bool,
    /// Batches that were refused as a whole are tried again in halves.
    pub(super) batch_limit: BTreeMap<RecordRef, usize>,
    /// Rights that are missing, as far as this engine met it.
    pub(super) denials: BTreeMap<Need, Denial>,
    /// What people paused, as of this step.
    pub(super) pauses: Pauses,
}

/// The numbers given out last.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub request: u64,
    pub link: u64,
    pub intent: u64,
    pub run: u64,
}

/// The part of a run that is under way.
#[derive(Debug, Default)]
pub(super) enum Stage {
    #[default]
    Idle,
    Identify,
    Recover,
    Pull(BySystem<Feeds>),
    /// Goes through all records of the cache: after a change of configuration, or when an object cannot be read any more.
    Reconsider {
        left: Vec<(CursorKey, DirtyReason)>,
        after: Option<RecordId>,
    },
    Evaluate {
        object: usize,
        after: Option<RecordRef>,
        again: bool,
    },
    Apply {
        since: Timestamp,
    },
}

/// The run under way.
#[derive(Debug)]
pub(super) struct ActiveRun {
    pub row: Run,
    pub tally: Tally,
    /// No guard asks: the first run of a workspace, until it came to its end once.
    pub free: bool,
    pub touched: BTreeSet<LinkId>,
    /// What `Mode::Plan` found.
    pub plans: Vec<PairPlan>,
    /// The pairs that would be linked by then: only a plan that writes nothing has any.
    pub linked: BTreeMap<RecordRef, Partner>,
    /// The records that are to be made a partner, now or later.
    pub coming: BTreeMap<RecordRef, Partner>,
    /// The records that `Mode::Plan` is done with.
    pub planned: BTreeSet<RecordRef>,
    /// Something was written or linked since the last evaluation.
    pub progress: bool,
}

/// What an answer is awaited for.
#[derive(Debug)]
pub(super) enum Pending {
    Identify(System),
    Page {
        key: CursorKey,
        pass: Pass,
    },
    /// How long the list is that is being read.
    Count(CursorKey),
    /// Reads just before writes; the pairs go on when it is answered.
    Fresh {
        system: System,
        queue: System,
        object: ObjectKind,
        pairs: Vec<Unread>,
    },
    Write {
        system: System,
        intents: Vec<IntentId>,
        records: Vec<RecordRef>,
    },
    LookUp {
        system: System,
        intents: Vec<IntentId>,
    },
    Job {
        ticket: Ticket,
        system: System,
        object: ObjectKind,
    },
    /// Records that were hinted at, and since when they waited.
    Hints {
        system: System,
        object: ObjectKind,
        records: Vec<(RecordRef, Timestamp)>,
    },
    /// Records that an undo is about, by the units that wait for them.
    Undo {
        ticket: Ticket,
        system: System,
        object: ObjectKind,
        units: Vec<(usize, RecordRef)>,
    },
}

/// One step under way: what it looks at and what it gives out.
pub(super) struct Step<'a> {
    pub now: Timestamp,
    pub view: &'a dyn View,
    pub rows: Vec<Row>,
    pub durability: Durability,
    pub sends: Vec<(RequestId, Request)>,
    pub notices: Vec<Notice>,
    pub wake: Option<Timestamp>,
}

impl Step<'_> {
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The links that this step makes or changes.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.rows.iter().filter_map(|row| match row {
            Row::Link(link) => Some(link),
            _ => None,
        })
    }

    /// The link of a record as this step leaves it so far.
    pub fn link_of(&self, record: RecordRef) -> ViewResult<Option<Link>> {
        let changed = self.links().filter(|link| link.record(record.system) == record).last().cloned();
        if changed.is_some() { Ok(changed) } else { self.view.link_of(record) }
    }

    /// Whether this step marks a record to be looked at.
    pub fn wakes(&self, record: RecordRef) -> bool {
        self.rows.iter().any(|row| matches!(row, Row::Dirty(mark) if mark.record == record))
    }

    pub fn wake_at(&mut self, at: Timestamp) {
        self.wake = Some(self.wake.map_or(at, |earlier| earlier.min(at)));
    }

    pub fn reply(&mut self, ticket: Ticket, reply: Reply) {
        self.notices.push(Notice::Answered { ticket, reply });
    }

    const fn is_quiet(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Engine {
    /// An engine that goes on where the committed rows say the last one stopped.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub fn new(rules: Rules, mode: Mode, view: &dyn View) -> ViewResult<Self> {
        let high = view.high_water()?;
        let mut engine = Self {
            rules: Arc::new(rules),
            mode,
            sides: BySystem::default(),
            stage: Stage::Idle,
            run: None,
            pending: BTreeMap::new(),
            open: BTreeMap::new(),
            busy: BTreeSet::new(),
            absorbed: BTreeMap::new(),
            jobs: VecDeque::new(),
            undos: VecDeque::new(),
            hints: Hints::default(),
            fresh: true,
            work: BySystem::default(),
            wanted: mode != Mode::Asks,
            next_poll: None,
            held: None,
            numbers: Numbers { request: 0, link: high.link, intent: high.intent, run: high.run },
            next_rules: None,
            winding_down: false,
            batch_limit: BTreeMap::new(),
            denials: BTreeMap::new(),
            pauses: view.pauses()?,
        };
        for intent in view.open_intents()? {
            engine.adopt(intent);
        }
        Ok(engine)
    }

    /// Takes in what happened and says what to do.
    ///
    /// # Errors
    /// When the view cannot be read; the engine must not be stepped again then.
    pub fn step(&mut self, now: Timestamp, view: &dyn View, events: Vec<Event>) -> ViewResult<Vec<Command>> {
        let mut step = Step {
            now,
            view,
            rows: Vec::new(),
            durability: Durability::Process,
            sends: Vec::new(),
            notices: Vec::new(),
            wake: None,
        };
        self.look_for_pauses(view)?;
        for event in events {
            self.take_in(&mut step, event)?;
        }
        // what was just learned must be committed before anything is decided on it
        if step.is_quiet() && !self.winding_down {
            self.take_up(&mut step)?;
        }
        let again = !step.rows.is_empty();
        Ok(commands(step, again))
    }

    /// People pause and resume beside the engine, too. What waited for the end of a pause goes on at once.
    fn look_for_pauses(&mut self, view: &dyn View) -> ViewResult<()> {
        let pauses = view.pauses()?;
        if pauses != self.pauses {
            let lifted = self.pauses.iter().any(|pause| pauses.covers(pause.scope).is_none());
            self.wanted |= lifted && self.mode == Mode::Watch;
            self.pauses = pauses;
        }
        Ok(())
    }

    fn take_in(&mut self, step: &mut Step<'_>, event: Event) -> ViewResult<()> {
        match event {
            Event::Tick => Ok(()),
            Event::Person { ticket, ask } => self.take_ask(step, ticket, ask),
            Event::Hinted(records) => {
                self.take_hints(step, records);
                Ok(())
            }
            Event::Answer(answer) => {
                let Some(pending) = self.pending.remove(&answer.request) else { return Ok(()) };
                self.take_answer(step, pending, answer)
            }
        }
    }

    fn take_ask(&mut self, step: &mut Step<'_>, ticket: Ticket, ask: Ask) -> ViewResult<()> {
        match ask {
            Ask::SyncNow => {
                self.wanted = true;
                for system in System::BOTH {
                    self.sides[system].not_before = step.now;
                }
                step.reply(ticket, Reply::Accepted);
            }
            Ask::Pause { scope, by, note } => {
                let pause = Pause { scope, by, since: step.now, note };
                // from this moment on, not from the next step
                self.pauses.add(pause.clone());
                step.row(Row::Pause(pause));
                step.reply(ticket, Reply::Accepted);
            }
            Ask::Resume { scope } => {
                step.row(Row::ClearPauses(scope));
                step.reply(ticket, Reply::Accepted);
            }
            Ask::Approve { plan } => {
                step.row(Row::Approval { plan, used_by: None });
                self.wanted = true;
                step.reply(ticket, Reply::Accepted);
            }
            Ask::Push { record, to, dry_run } => self.ask_push(step, ticket, record, to, dry_run),
            Ask::Undo { what, dry_run } => {
                let last = RequestId(self.numbers.request);
                self.undos.push_back(UndoJob::new(ticket, what, dry_run, step.now, last));
            }
            Ask::Retry { record } => self.ask_retry(step, ticket, record)?,
            Ask::Decide { link, field, winner } => self.ask_decide(step, ticket, link, field, winner)?,
        }
        Ok(())
    }

    /// New work, decided on committed rows. Each part stops as soon as rows wait to be committed.
    fn take_up(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        self.end_cut_off_runs(step)?;
        self.look_up_open(step)?;
        self.advance_people(step)?;
        let mut turns = 0;
        while step.is_quiet() {
            turns += 1;
            if turns > MOST_TURNS {
                return Err(ViewError("the engine turns in circles; please report it".to_owned()));
            }
            let went_on = match &self.stage {
                Stage::Idle => self.leave_idle(step)?,
                Stage::Identify => self.advance_identify(step)?,
                Stage::Recover => self.advance_recover(step)?,
                Stage::Pull(_) => self.advance_pull(step)?,
                Stage::Reconsider { .. } => self.advance_reconsider(step)?,
                Stage::Evaluate { .. } => self.advance_evaluate(step)?,
                Stage::Apply { .. } => self.advance_apply(step)?,
            };
            if !went_on {
                break;
            }
        }
        // what a person asked may have waited for just the stage that ended
        self.advance_people(step)
    }

    /// What people asked for.
    fn advance_people(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        if step.is_quiet() {
            self.advance_jobs(step)?;
        }
        if step.is_quiet() {
            self.advance_undos(step)?;
        }
        Ok(())
    }

    /// Begins a run when one is due or wanted, or connects when a person's ask needs it.
    fn leave_idle(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let due = self.mode == Mode::Watch && self.next_poll.is_none_or(|at| at <= step.now);
        if self.wanted || due {
            self.wanted = false;
            self.begin_run(step, if self.mode == Mode::Plan { RunKind::Plan } else { RunKind::Poll })?;
            return Ok(true);
        }
        let asked = !self.jobs.is_empty() || !self.undos.is_empty();
        if asked && !self.is_identified() {
            self.stage = Stage::Identify;
            return Ok(true);
        }
        if self.follow_hints(step)? {
            self.begin_run(step, RunKind::Poll)?;
            return Ok(true);
        }
        if self.mode == Mode::Watch
            && let Some(at) = self.next_poll
        {
            step.wake_at(at);
        }
        Ok(false)
    }

    fn begin_run(&mut self, step: &mut Step<'_>, kind: RunKind) -> ViewResult<()> {
        if let Some(rules) = self.next_rules.take() {
            self.rules = Arc::new(rules);
        }
        let row = self.new_run(step.now, kind);
        step.row(Row::Run(row.clone()));
        let cover = step.view.cover()?.unwrap_or_default();
        let is_of_other_rules = cover.config != self.rules.version;
        if is_of_other_rules && !cover.marks.is_empty() && kind != RunKind::Plan {
            step.row(Row::Cover(None));
        }
        let cover = if is_of_other_rules { Cover::default() } else { cover };
        let mut live = 0;
        for object in self.object_kinds() {
            live += step.view.live_links(object)?;
        }
        self.run = Some(ActiveRun {
            row,
            tally: self.begin_hinted().covered_by(cover),
            free: live == 0 || !step.view.is_filled()?,
            touched: BTreeSet::new(),
            plans: Vec::new(),
            linked: BTreeMap::new(),
            coming: BTreeMap::new(),
            planned: BTreeSet::new(),
            progress: false,
        });
        if self.pending.is_empty() {
            self.absorbed.clear();
        }
        for open in self.open.values_mut() {
            open.next_look_up = step.now;
        }
        self.stage = Stage::Identify;
        Ok(())
    }

    pub(super) fn new_run(&mut self, now: Timestamp, kind: RunKind) -> Run {
        self.numbers.run += 1;
        Run {
            id: RunId(self.numbers.run),
            kind,
            started: now,
            ended: None,
            config: self.rules.version,
            counts: super::state::RunCounts::default(),
            verdict: Verdict::Running,
        }
    }

    fn advance_identify(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let now = step.now;
        let fresh = |side: &Side| side.identified.is_some_and(|at| now.since(at).as_secs() < 3600);
        let mut all = true;
        for system in System::BOTH {
            if fresh(&self.sides[system]) {
                continue;
            }
            all = false;
            let asked = self.pending.values().any(|p| matches!(p, Pending::Identify(s) if *s == system));
            if asked {
                continue;
            }
            if self.sides[system].not_before > step.now {
                step.wake_at(self.sides[system].not_before);
                continue;
            }
            let object = self.object_kinds().first().copied().unwrap_or(ObjectKind::Company);
            self.send(step, system, object, Priority::Recovery, RequestBody::Identify, Pending::Identify(system));
        }
        if all {
            self.stage = Stage::Recover;
        }
        Ok(all)
    }

    fn advance_recover(&mut self, step: &mut Step<'_>) -> ViewResult<bool> {
        let looking = self.pending.values().any(|p| matches!(p, Pending::LookUp { .. }));
        let due = self.open.values().any(|open| open.is_due(step.now));
        if looking || due {
            return Ok(false);
        }
        if self.run.is_none() {
            // connected for what a person asked: that goes on in a step of its own
            self.stage = Stage::Idle;
            step.wake_at(step.now);
            return Ok(true);
        }
        self.stage = self.begin_pull(step)?;
        Ok(true)
    }

    /// Ends the run under way.
    pub(super) fn end_run(&mut self, step: &mut Step<'_>, verdict: Verdict) -> ViewResult<()> {
        self.stage = Stage::Idle;
        self.work = BySystem::default();
        let Some(mut run) = self.run.take() else { return Ok(()) };
        self.count_states(step, &mut run)?;
        self.end_cover(step, verdict == Verdict::Done, run.tally.is_covered())?;
        run.row.ended = Some(step.now);
        run.row.verdict = verdict;
        if self.end_hinted(step.now, &mut run) {
            self.next_poll = Some(step.now + std::time::Duration::from_secs(self.rules.config.timing.poll.max(1)));
        }
        step.row(Row::Run(run.row.clone()));
        step.notices.push(Notice::RunEnded(Box::new(run.row.clone())));
        if self.mode == Mode::Plan {
            self.run = Some(run);
        }
        Ok(())
    }

    fn count_states(&self, step: &Step<'_>, run: &mut ActiveRun) -> ViewResult<()> {
        use super::state::RecordState as S;
        for object in self.object_kinds() {
            let counts = run.row.counts.of(object);
            (counts.unchanged, counts.excluded, counts.waiting, counts.held, counts.failed) = (0, 0, 0, 0, 0);
            for (state, n) in step.view.state_counts(object)? {
                match state {
                    S::InSync => counts.unchanged += n,
                    S::Excluded => counts.excluded += n,
                    S::Waiting | S::Pending => counts.waiting += n,
                    S::Held | S::Conflict => counts.held += n,
                    S::Failing => counts.failed += n,
                    S::Gone => {}
                }
            }
        }
        for link in &run.touched {
            let Some(link) = step.view.link(*link)? else { continue };
            let shown = step.view.status(link.record(System::HubSpot))?;
            let unchanged = &mut run.row.counts.of(link.object).unchanged;
            *unchanged = unchanged.saturating_sub(u64::from(shown.is_some_and(|status| status.state == S::InSync)));
        }
        Ok(())
    }

    pub(super) fn send(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        object: ObjectKind,
        priority: Priority,
        body: RequestBody,
        pending: Pending,
    ) {
        self.numbers.request += 1;
        let id = RequestId(self.numbers.request);
        if body.is_write() {
            self.sides[system].writes += 1;
        }
        self.pending.insert(id, pending);
        let run = self.run.as_ref().map(|run| run.row.id);
        step.sends.push((id, Request { system, object, priority, run, body }));
    }

    pub(super) fn object_kinds(&self) -> Vec<ObjectKind> {
        self.rules.objects().map(|(object, _)| object).collect()
    }

    pub(super) fn object_rules(&self, object: ObjectKind) -> Option<(Arc<Rules>, ObjectKind)> {
        self.rules.object(object).map(|_| (Arc::clone(&self.rules), object))
    }

    pub(super) fn is_identified(&self) -> bool {
        System::BOTH.into_iter().all(|system| self.sides[system].identified.is_some())
    }

    /// The run that new intents belong to.
    pub(super) fn run_id(&self) -> RunId {
        self.run.as_ref().map_or(RunId(self.numbers.run), |run| run.row.id)
    }

    /// Uses another configuration from the next run on.
    pub fn change_rules(&mut self, rules: Rules) {
        self.next_rules = Some(rules);
        self.wanted |= self.mode == Mode::Watch;
    }

    /// Takes up no new work: answers are still taken in, nothing is sent any more.
    pub fn wind_down(&mut self) {
        self.winding_down = true;
    }

    // ---- what can be seen from outside

    #[must_use]
    pub fn phase(&self) -> Phase {
        match &self.stage {
            Stage::Idle if self.held.is_some() => Phase::Held,
            Stage::Idle => Phase::Idle,
            Stage::Identify => Phase::Connecting,
            Stage::Recover => Phase::Recovering,
            Stage::Pull(_) => Phase::Reading,
            Stage::Reconsider { .. } | Stage::Evaluate { .. } => Phase::Planning,
            Stage::Apply { .. } => Phase::Writing,
        }
    }

    /// Nothing is under way and nothing is due: a `Once`, `Plan` or `Asks` engine may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Idle)
            && !self.wanted
            && self.jobs.is_empty()
            && self.undos.is_empty()
            && self.pending.is_empty()
    }

    /// The run under way with its counts so far; after a `Plan` run, that run.
    #[must_use]
    pub fn current_run(&self) -> Option<&Run> {
        self.run.as_ref().map(|run| &run.row)
    }

    /// What a `Plan` run found: every pair that would be written, linked or held back.
    #[must_use]
    pub fn plans(&self) -> &[PairPlan] {
        self.run.as_ref().map_or(&[], |run| &run.plans)
    }

    /// The plan that a guard holds back: why, and its hash.
    #[must_use]
    pub const fn held_plan(&self) -> Option<&(String, String)> {
        self.held.as_ref()
    }

    #[must_use]
    pub const fn next_poll(&self) -> Option<Timestamp> {
        self.next_poll
    }

    /// What people paused.
    #[must_use]
    pub const fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    #[must_use]
    pub const fn sides(&self) -> &BySystem<Side> {
        &self.sides
    }

    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Records waiting for their write in this run.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.work.hubspot.len() + self.work.connectwise.len()
    }
}

/// The rules of one object, from a handle that does not borrow the engine.
pub(super) fn rules_of(handle: &(Arc<Rules>, ObjectKind)) -> Option<&ObjectRules> {
    handle.0.object(handle.1)
}

fn commands(step: Step<'_>, again: bool) -> Vec<Command> {
    let mut commands = Vec::with_capacity(step.sends.len() + step.notices.len() + 2);
    if !step.rows.is_empty() {
        commands.push(Command::Commit(Batch { durability: step.durability, rows: step.rows }));
    }
    commands.extend(step.sends.into_iter().map(|(id, request)| Command::Send(id, request)));
    commands.extend(step.notices.into_iter().map(Command::Notify));
    let wake = if again { Some(step.now) } else { step.wake };
    commands.extend(wake.map(Command::WakeAt));
    commands
}
