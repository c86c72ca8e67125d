//! One seed from beginning to end: the engine, its store, two servers and their users in virtual time.
//! Single-threaded; everything that happens is an entry of one queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use lockstep::engine::core::Engine;
use lockstep::engine::core::command::{Ask, Command, Event, Notice, Reply, Row, Ticket};
use lockstep::engine::core::request::{Answer, AnswerBody, RequestId};
use lockstep::engine::core::state::{RecordState, RunKind, Verdict};
use lockstep::mapping::Rules;
use lockstep::model::{BySystem, ObjectKind, RecordId, RecordRef, Schema, System, Timestamp};

use crate::clocks::Nap;
use crate::counters::Counters;
use crate::faults::Fault;
use crate::fields;
use crate::guarded::Guarded;
use crate::keeper::{self, Keeper};
use crate::random::mix;
use crate::scenario::{Scenario, When};
use crate::server::{EPOCH, Mutation, Server};
use crate::store::MemoryStore;
use crate::watch::Watch;

mod users;
mod wire;

use wire::Flight;

/// After a failure of the store the engine is started again so much later.
const STARTED_AGAIN: i64 = 30_000;
/// More steps than any healthy seed needs.
const MOST_STEPS: u32 = 60_000;
/// More steps at one moment than any healthy engine takes.
const MOST_STEPS_AT_ONCE: u32 = 3_000;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name, such as `i2_no_lost_update`.
    pub invariant: &'static str,
    pub text: String,
}

/// What a run of a scenario came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub violations: Vec<Violation>,
    pub counters: Counters,
    pub log: Vec<String>,
    pub hash: u64,
    /// The faults that struck, by request number.
    pub struck: Vec<(u32, Fault)>,
    /// Why the engine stopped, where its store failed.
    pub stops: Vec<String>,
}

/// How closely a run is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    Off,
    /// A hash over everything the engine said.
    Hash,
    /// Lines to read.
    Lines,
}

struct Queued {
    at: i64,
    order: u64,
    what: Happening,
}

enum Happening {
    Arrive(Box<Flight>),
    Deliver {
        life: u32,
        answer: Box<Answer>,
        request: u32,
    },
    User(usize),
    /// A person lets a held plan through.
    Approval(String),
    Restart,
    /// Somebody sets the clock of the engine's machine, and starts the engine anew.
    SetClock(i64),
    /// The engine's process stands still for a while.
    Nap(Nap),
    /// Somebody says that a record changed.
    Hint(RecordRef),
    /// Somebody edits what a write of unknown fate is about: field and number of the value.
    Meddle(RecordRef, usize, u32),
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

/// The whole world of one seed.
pub struct Simulation<'a> {
    pub scenario: &'a Scenario,
    schemas: &'a [BySystem<Schema>],
    pub now: i64,
    pub store: MemoryStore,
    /// Where the rows really are, if not in `store` alone.
    pub keeper: Option<Box<dyn Keeper>>,
    pub servers: BySystem<Server>,
    pub ledger: Vec<Mutation>,
    pub watch: Watch,
    pub guarded: Guarded,
    pub outcome: Outcome,
    pub engine: Option<Engine>,
    /// What every engine of the scenario starts with, once there was one.
    rules: Option<Rules>,
    life: u32,
    wake: Option<i64>,
    /// How far the wall clock of the engine's machine is from where it began, and the clock of the running engine.
    wall: i64,
    local: i64,
    /// The engine's process stands still until then.
    asleep: i64,
    queue: BinaryHeap<Reverse<Queued>>,
    order: u64,
    pub sent: u32,
    arrived: u32,
    /// Commands performed so far.
    pub commands: u32,
    /// Those of them that commit or send, until faults and users stop.
    pub points: Vec<u32>,
    next_crash: usize,
    in_flight: u32,
    /// Held plans are let through by the test alone.
    pub by_hand: bool,
    /// Of so many changes hints were sent, or none was to be sent.
    told: usize,
    steps: u32,
    steps_now: (i64, u32),
    troubled: bool,
    trace: Trace,
    tickets: u64,
    pub replies: BTreeMap<u64, Reply>,
    pub runs_ended: u32,
    by_arrival: BTreeMap<u32, Vec<usize>>,
    /// The faults that struck, by what they struck.
    pub struck: BTreeSet<(Fault, ObjectKind, System)>,
    /// The request that is being sent.
    pub last_request: RequestId,
}

impl<'a> Simulation<'a> {
    pub fn new(scenario: &'a Scenario, schemas: &'a [BySystem<Schema>], trace: Trace) -> Self {
        let entropy = mix(scenario.seed, 4);
        let mut simulation = Self {
            scenario,
            schemas,
            now: 0,
            store: MemoryStore::default(),
            keeper: None,
            servers: BySystem::from_fn(|system| Server::new(system, &scenario.server, &scenario.clocks, entropy)),
            ledger: Vec::new(),
            watch: Watch::default(),
            guarded: Guarded::default(),
            outcome: Outcome::default(),
            engine: None,
            rules: None,
            life: 0,
            wake: None,
            wall: 0,
            local: 0,
            asleep: i64::MIN,
            queue: BinaryHeap::new(),
            order: 0,
            sent: 0,
            arrived: 0,
            commands: 0,
            points: Vec::new(),
            next_crash: 0,
            in_flight: 0,
            by_hand: false,
            told: 0,
            steps: 0,
            steps_now: (0, 0),
            troubled: true,
            trace,
            tickets: 0,
            replies: BTreeMap::new(),
            runs_ended: 0,
            by_arrival: BTreeMap::new(),
            struck: BTreeSet::new(),
            last_request: RequestId(0),
        };
        simulation.populate();
        simulation
    }

    /// Records that are there long before the engine, and the users' plans.
    fn populate(&mut self) {
        self.now = -3_600_000;
        for (at, one) in self.scenario.setup.iter().enumerate() {
            self.now += 1000 + i64::try_from(at).unwrap_or(0);
            self.create(one);
        }
        self.now = 0;
        for (index, op) in self.scenario.ops.iter().enumerate() {
            match op.when {
                When::At(at) => self.enqueue(at, Happening::User(index)),
                When::Arrival(number) => self.by_arrival.entry(number).or_default().push(index),
            }
        }
        for step in self.scenario.clocks.steps.iter().filter(|step| step.whose.is_none()) {
            self.enqueue(step.at, Happening::SetClock(step.by));
        }
        for nap in &self.scenario.clocks.naps {
            self.enqueue(nap.at, Happening::Nap(*nap));
        }
        self.enqueue(0, Happening::Restart);
    }

    /// Everything, from the first step to the verdict.
    pub fn run(&mut self) {
        let clockwork = &self.scenario.clockwork;
        let poll = clockwork.poll.cast_signed() * 1000;
        let agitation = self.scenario.agitation();
        let drain = (clockwork.flight + clockwork.index_lag).cast_signed() * 1000;
        self.run_until(agitation);
        self.calm_down();
        self.run_until(agitation + drain);
        // back-off may still be waiting, and a sweep must have passed: up to 25 more cycles
        let calm = (clockwork.sweep.cast_signed() * 1000 + 2 * poll).min(25 * poll);
        self.run_until(agitation + drain + calm);
        if self.broken() {
            return;
        }
        crate::verdict::judge(self);
        let silent = (clockwork.sweep.cast_signed() * 1000 + poll).max(6 * poll);
        self.watch.late_writes.clear();
        self.runs_ended = 0;
        self.run_until(agitation + drain + calm + silent);
        crate::verdict::i6_quiescence(self);
        crate::verdict::i17_idempotent_push(self);
        crate::verdict::count(self);
        if let Some(keeper) = &mut self.keeper
            && let Err(text) = keeper.judge(&self.store)
        {
            self.violate("store_as_committed", text);
        }
    }

    /// Faults off: from here on everybody behaves, and an engine that is down comes back.
    pub fn calm_down(&mut self) {
        self.troubled = false;
        if let Some(keeper) = &mut self.keeper {
            keeper.heal();
        }
        self.by_arrival.clear();
        self.note(|| "---- faults and users stop here".into());
    }

    /// How much this seed did.
    pub fn count_work(&mut self) {
        self.outcome.counters.steps += u64::from(self.steps);
        self.outcome.counters.requests += u64::from(self.sent);
    }

    pub fn broken(&self) -> bool {
        !self.outcome.violations.is_empty()
    }

    pub fn violate(&mut self, invariant: &'static str, text: String) {
        self.note(|| format!("!!!! {invariant}: {text}"));
        if self.outcome.violations.len() < 20 {
            self.outcome.violations.push(Violation { invariant, text });
        }
    }

    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if self.trace == Trace::Lines {
            let line = line();
            self.outcome
                .log
                .push(format!("{:>9.3} {line}", Duration::from_millis(self.now.unsigned_abs()).as_secs_f64()));
        }
    }

    fn absorb(&mut self, said: &impl Debug) {
        if self.trace == Trace::Hash {
            let mut hasher = std::hash::DefaultHasher::new();
            (self.outcome.hash, self.now).hash(&mut hasher);
            format!("{said:?}").hash(&mut hasher);
            self.outcome.hash = hasher.finish();
        }
    }

    fn enqueue(&mut self, at: i64, what: Happening) {
        self.order += 1;
        self.queue.push(Reverse(Queued { at, order: self.order, what }));
    }

    /// How far the engine's clock is off.
    pub const fn clock_is_off(&self) -> i64 {
        self.local
    }

    /// The engine's clock.
    pub fn time(&self) -> Timestamp {
        Timestamp(EPOCH + self.now + self.local)
    }

    /// Lets the world go on until that moment.
    pub fn run_until(&mut self, end: i64) {
        loop {
            if self.outcome.violations.len() > 3 || self.is_runaway() {
                return;
            }
            let queued = self.queue.peek().map(|Reverse(next)| next.at);
            let wake = if self.engine.is_some() { self.wake.map(|at| at.max(self.asleep)) } else { None };
            let Some(next) = queued.into_iter().chain(wake).min().filter(|at| *at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            if wake.is_some_and(|at| at <= self.now && queued.is_none_or(|first| at < first)) {
                self.wake = None;
                self.step(vec![Event::Tick]);
            } else if let Some(Reverse(entry)) = self.queue.pop() {
                self.happen(entry.what);
            }
        }
        self.now = self.now.max(end);
    }

    fn is_runaway(&mut self) -> bool {
        let (at, steps) = self.steps_now;
        if self.steps < MOST_STEPS && (at != self.now || steps < MOST_STEPS_AT_ONCE) {
            return false;
        }
        if self.outcome.violations.iter().all(|known| known.invariant != "i21_termination") {
            let text = format!("{} steps, {steps} of them at this very moment", self.steps);
            self.violate("i21_termination", text);
        }
        true
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Arrive(flight) => self.arrive(*flight),
            Happening::Deliver { life, answer, request } => self.deliver(life, *answer, request),
            Happening::User(op) => {
                if self.troubled {
                    self.act(op);
                }
            }
            Happening::Approval(plan) => {
                if self.now < self.asleep {
                    self.enqueue(self.asleep, Happening::Approval(plan));
                } else if self.engine.is_some() {
                    self.guarded.person_approves(&plan);
                    self.ask(Ask::Approve { plan });
                }
            }
            Happening::Restart => self.restart(),
            Happening::SetClock(by) => self.set_clock(by),
            Happening::Nap(nap) => self.nap(nap),
            Happening::Hint(record) => self.hint(record),
            Happening::Meddle(record, field, value) => {
                if self.troubled {
                    self.meddle(record, field, value);
                }
            }
        }
        self.tell();
    }

    /// Sends hints of what changed since they were sent last.
    fn tell(&mut self) {
        while self.told < self.ledger.len() {
            for (late, record) in self.scenario.hints.of(self.scenario.seed, self.told, &self.ledger) {
                self.enqueue(self.now.max(0) + late, Happening::Hint(record));
            }
            self.told += 1;
        }
    }

    /// What nobody listens to is lost.
    fn hint(&mut self, record: RecordRef) {
        if self.engine.is_none() {
            return;
        }
        if self.now < self.asleep {
            return self.enqueue(self.asleep, Happening::Hint(record));
        }
        self.note(|| format!("hint at {record}"));
        self.outcome.counters.saw("a hint");
        self.step(vec![Event::Hinted(vec![record])]);
    }

    fn restart(&mut self) {
        if self.engine.is_some() {
            return;
        }
        let Scenario { fields, clockwork, guards, .. } = self.scenario;
        let rules = || fields::rules(*fields, clockwork, guards, self.schemas);
        let rules = self.rules.get_or_insert_with(rules).clone();
        self.local = self.wall;
        self.note(|| "engine starts".into());
        match keeper::start(self.keeper.as_mut(), &mut self.store, rules) {
            Ok(engine) => self.engine = Some(engine),
            Err(error) => return self.store_failed(error),
        }
        self.step(vec![Event::Tick]);
    }

    fn deliver(&mut self, life: u32, answer: Answer, number: u32) {
        if life != self.life || self.engine.is_none() {
            return;
        }
        if self.now < self.asleep {
            let answer = Box::new(answer);
            return self.enqueue(self.asleep, Happening::Deliver { life, answer, request: number });
        }
        self.in_flight -= 1;
        self.watch.answered(self.now, &answer);
        crate::guarded::answered(self, &answer);
        self.note(|| format!("  answer #{number} {}", brief(&answer.body)));
        let mut events = vec![Event::Answer(answer)];
        // answers of the same moment come together
        while let Some(Reverse(next)) = self.queue.peek()
            && next.at <= self.now
            && matches!(&next.what, Happening::Deliver { life, .. } if *life == self.life)
        {
            let Some(Reverse(Queued { what: Happening::Deliver { answer, request, .. }, .. })) = self.queue.pop()
            else {
                break;
            };
            self.in_flight -= 1;
            self.watch.answered(self.now, &answer);
            crate::guarded::answered(self, &answer);
            self.note(|| format!("  answer #{request} {}", brief(&answer.body)));
            events.push(Event::Answer(*answer));
        }
        self.step(events);
    }

    /// One step of the engine and all that it commands.
    fn step(&mut self, events: Vec<Event>) {
        let now = self.time();
        let Some(engine) = &mut self.engine else { return };
        self.steps += 1;
        self.steps_now = if self.steps_now.0 == self.now { (self.now, self.steps_now.1 + 1) } else { (self.now, 1) };
        let commands = match keeper::step(self.keeper.as_mut(), &self.store, engine, now, events) {
            Ok(commands) => commands,
            Err(error) => return self.store_failed(error),
        };
        self.absorb(&commands);
        for command in commands {
            if self.dies_here() {
                return;
            }
            if self.troubled && matches!(command, Command::Commit(_) | Command::Send(..)) {
                self.points.push(self.commands);
            }
            if let (Command::Commit(batch), Some(keeper)) = (&command, &mut self.keeper)
                && let Err(error) = keeper.commit(batch)
            {
                return self.store_failed(error);
            }
            self.perform(command);
        }
        if self.engine.is_some() && self.wake.is_none() && self.in_flight == 0 {
            self.violate("i21_termination", "the engine waits for nothing: no request, no wake-up".into());
        }
    }

    /// Whether the engine dies before this command.
    fn dies_here(&mut self) -> bool {
        self.commands += 1;
        let Some(crash) = self.scenario.crashes.get(self.next_crash).copied() else { return false };
        if self.commands < crash.at || !self.troubled {
            return false;
        }
        self.next_crash += 1;
        self.note(|| format!("engine dies before command {}", crash.at));
        self.outcome.counters.crashes += 1;
        self.end_engine();
        if crash.takes_the_store {
            self.store = MemoryStore::default();
            self.watch.shots.clear();
        }
        self.enqueue(self.now + crash.down, Happening::Restart);
        true
    }

    /// The engine is gone, with all that it had in mind; what it sent is on its way.
    fn end_engine(&mut self) {
        self.engine = None;
        self.life += 1;
        self.wake = None;
        self.in_flight = 0;
        self.asleep = i64::MIN;
        self.watch.died();
        self.guarded.died();
        if let Some(keeper) = &mut self.keeper {
            keeper.close();
        }
    }

    /// The store could not do what was asked: the engine stops, and somebody starts it again.
    fn store_failed(&mut self, error: String) {
        self.note(|| format!("the store failed: {error}"));
        if !self.keeper.as_ref().is_some_and(|keeper| keeper.is_expected(&error)) {
            self.violate("engine_failed", error.clone());
        }
        self.outcome.stops.push(error);
        self.end_engine();
        self.enqueue(self.now + STARTED_AGAIN, Happening::Restart);
    }

    fn set_clock(&mut self, by: i64) {
        self.note(|| format!("the clock of the engine's machine is set by {by} ms, and the engine started anew"));
        self.wall += by;
        self.outcome.counters.saw(format!("the engine's clock set {}", direction(by)));
        self.end_engine();
        self.enqueue(self.now, Happening::Restart);
    }

    fn nap(&mut self, nap: Nap) {
        if self.engine.is_none() || !self.troubled {
            return;
        }
        self.note(|| format!("the engine stands still: {nap:?}"));
        let length = nap.length.min(self.scenario.agitation() - self.now).max(0);
        self.asleep = self.now + length;
        self.outcome.counters.saw("the engine stood still");
        if !nap.is_counted {
            self.local -= length;
            self.wake = self.wake.map(|at| at + length);
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Commit(batch) => {
                if self.trace == Trace::Lines {
                    let rows: Vec<String> = batch.rows.iter().map(crate::words::row).collect();
                    self.note(|| format!("  commit {}", rows.join(" · ")));
                }
                let begins = |row: &Row| matches!(row, Row::Run(run) if run.kind == RunKind::Poll && run.verdict == Verdict::Running);
                let is_early = self.engine.as_ref().and_then(Engine::next_poll).is_some_and(|at| at > self.time());
                if is_early && self.scenario.hints.told > 0 && batch.rows.iter().any(begins) {
                    self.outcome.counters.saw("a hint that began a run");
                }
                for row in &batch.rows {
                    if let Row::Status(status) = row
                        && status.state == RecordState::Waiting
                        && !matches!(status.object, ObjectKind::Company)
                    {
                        self.outcome.counters.saw(format!("a {} that waits", status.object));
                    }
                }
                let cursors = crate::oracle::cursors_in(&batch);
                crate::guarded::at_commit(self, &batch);
                crate::holds::at_commit(self, &batch);
                crate::merging::at_commit(self, &batch);
                self.store.apply(batch);
                for cursor in cursors {
                    crate::oracle::i12_cursor_safety(self, &cursor);
                }
                if let Some(text) = self.store.refused.pop() {
                    self.violate("store_constraint", text);
                }
            }
            Command::Send(id, request) => self.send(id, request),
            Command::WakeAt(at) => self.wake = Some((at.0.saturating_sub(EPOCH + self.local)).max(self.now)),
            Command::Notify(notice) => self.hear(notice),
        }
    }

    fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::RunEnded(run) => {
                self.note(|| format!("run {} ended: {:?}", run.id, run.verdict));
                self.runs_ended += 1;
                crate::guarded::run_ended(self, &run);
                if let Verdict::Held { plan, .. } = &run.verdict {
                    self.outcome.counters.guard_held += 1;
                    // once all is calm, somebody looks at every held plan; before that, at some of them and late
                    let word = mix(self.scenario.seed, mix(run.id.0, 15));
                    let after = if self.troubled { (word % 240_000).cast_signed() } else { 5_000 };
                    if !self.by_hand && (!self.troubled || word.is_multiple_of(2)) {
                        self.enqueue(self.now + after, Happening::Approval(plan.clone()));
                    }
                }
            }
            Notice::Answered { ticket, reply } => {
                self.note(|| format!("ask {} answered: {}", ticket.0, crate::words::reply(&reply)));
                self.replies.insert(ticket.0, reply);
            }
        }
    }

    /// Sends a person's ask to the engine; the reply comes under the ticket.
    pub fn ask(&mut self, ask: Ask) -> u64 {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.note(|| format!("ask {}: {ask:?}", ticket.0));
        if self.engine.is_some() && self.asleep <= self.now {
            self.step(vec![Event::Person { ticket, ask }]);
        }
        ticket.0
    }

    /// Whether a record is there, and still of its object.
    pub fn is_live(&self, of: RecordRef) -> bool {
        let entry = self.servers[of.system].records.get(&of.id);
        entry.is_some_and(|entry| !entry.archived && entry.object == of.object)
    }

    /// Every record of a side that is alive.
    pub fn live(&self, system: System, id: RecordId) -> bool {
        self.servers[system].records.get(&id).is_some_and(|entry| !entry.archived)
    }
}

/// In a word.
pub fn direction(by: i64) -> &'static str {
    if by < 0 { "back" } else { "forward" }
}

fn brief(body: &AnswerBody) -> String {
    crate::words::answer(body)
}
