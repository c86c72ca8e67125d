//! One seed from beginning to end: the engine, its store, two servers and their users in virtual time.
//! Single-threaded; everything that happens is an entry of one queue.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use lockstep::engine::core::Engine;
use lockstep::engine::core::command::{Ask, Command, Event, Notice, Reply, Ticket};
use lockstep::engine::core::request::{Answer, AnswerBody, Failure, ItemOutcome, Request, RequestBody, RequestId};
use lockstep::engine::core::state::Verdict;
use lockstep::model::{
    BySystem, FieldName, IntentId, ObjectKind, RecordId, RecordRef, Schema, System, Timestamp, Value,
};

use crate::counters::Counters;
use crate::faults::{Fault, Kind};
use crate::fields::{self, SPECS, Shape};
use crate::guarded::Guarded;
use crate::keeper::{self, Keeper};
use crate::random::mix;
use crate::scenario::{Newborn, Op, Scenario, What, When};
use crate::server::{Arrival, By, Change, EPOCH, Entry, Mutation, POISON, Server, everyone, ids, required};
use crate::store::MemoryStore;
use crate::watch::Watch;

/// After so long without an answer the client gives up.
const TIMEOUT: i64 = 60_000;
/// How long a request lives at most, in the servers' world: the engine's bound less what its clocks may err.
const LANDING: i64 = 158_000;
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
}

/// A request on its way.
struct Flight {
    life: u32,
    id: RequestId,
    number: u32,
    request: Request,
    attempts: Vec<(IntentId, u32)>,
    fault: Option<Fault>,
    entropy: u64,
    /// The answer has been given already: only the effect is left.
    answered: bool,
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
    life: u32,
    wake: Option<i64>,
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
    steps: u32,
    steps_now: (i64, u32),
    troubled: bool,
    trace: Trace,
    tickets: u64,
    pub replies: BTreeMap<u64, Reply>,
    pub runs_ended: u32,
    by_arrival: BTreeMap<u32, Vec<usize>>,
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
            servers: BySystem::from_fn(|system| Server::new(system, &scenario.server, entropy)),
            ledger: Vec::new(),
            watch: Watch::default(),
            guarded: Guarded::default(),
            outcome: Outcome::default(),
            engine: None,
            life: 0,
            wake: None,
            queue: BinaryHeap::new(),
            order: 0,
            sent: 0,
            arrived: 0,
            commands: 0,
            points: Vec::new(),
            next_crash: 0,
            in_flight: 0,
            steps: 0,
            steps_now: (0, 0),
            troubled: true,
            trace,
            tickets: 0,
            replies: BTreeMap::new(),
            runs_ended: 0,
            by_arrival: BTreeMap::new(),
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

    /// The engine's clock.
    fn time(&self) -> Timestamp {
        Timestamp(EPOCH + self.now)
    }

    /// Lets the world go on until that moment.
    pub fn run_until(&mut self, end: i64) {
        loop {
            if self.outcome.violations.len() > 3 || self.is_runaway() {
                return;
            }
            let queued = self.queue.peek().map(|Reverse(next)| next.at);
            let wake = if self.engine.is_some() { self.wake } else { None };
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
                if self.engine.is_some() {
                    self.guarded.person_approves(&plan);
                    self.ask(Ask::Approve { plan });
                }
            }
            Happening::Restart => self.restart(),
        }
    }

    fn restart(&mut self) {
        if self.engine.is_some() {
            return;
        }
        let Scenario { fields, clockwork, guards, .. } = self.scenario;
        let rules = fields::rules(*fields, clockwork, guards, self.schemas);
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

    fn perform(&mut self, command: Command) {
        match command {
            Command::Commit(batch) => {
                if self.trace == Trace::Lines {
                    let rows: Vec<String> = batch.rows.iter().map(crate::words::row).collect();
                    self.note(|| format!("  commit {}", rows.join(" · ")));
                }
                let cursors = crate::oracle::cursors_in(&batch);
                crate::guarded::at_commit(self, &batch);
                self.store.apply(batch);
                for cursor in cursors {
                    crate::oracle::i12_cursor_safety(self, &cursor);
                }
                if let Some(text) = self.store.refused.pop() {
                    self.violate("store_constraint", text);
                }
            }
            Command::Send(id, request) => self.send(id, request),
            Command::WakeAt(at) => self.wake = Some((at.0.saturating_sub(EPOCH)).max(self.now)),
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
                    if !self.troubled || word.is_multiple_of(2) {
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

    fn send(&mut self, id: RequestId, request: Request) {
        self.sent += 1;
        self.last_request = id;
        let number = self.sent;
        let is_write = request.body.is_write();
        let (fault, entropy) = if self.troubled {
            self.scenario.faults.of(number, Kind::of(&request.body))
        } else {
            (None, mix(self.scenario.seed, number.into()))
        };
        let fault = fault.filter(|fault| *fault != Fault::FalseSuccess || is_false_success_possible(&request));
        let fault = fault.filter(|fault| *fault != Fault::Forbidden || request.body != RequestBody::Identify);
        if let Some(fault) = fault {
            self.outcome.struck.push((number, fault));
        }
        self.note(|| format!("send #{number} {}{}", crate::words::request(&request), crate::words::fault(fault)));
        crate::oracle::asks_for_its_own(self, &request);
        self.guarded.sent(id, &request);
        let attempts = self.attempts(&request);
        if is_write {
            crate::oracle::before_send(self, &request, &attempts);
        }
        self.in_flight += 1;
        self.launch(Flight { life: self.life, id, number, request, attempts, fault, entropy, answered: false });
    }

    /// Which attempt of which intent the items are, as the journal says.
    fn attempts(&self, request: &Request) -> Vec<(IntentId, u32)> {
        let attempt = |id: IntentId| (id, self.store.intents.get(&id).map_or(0, |intent| intent.attempt));
        match &request.body {
            RequestBody::Create { items, .. } => items.iter().map(|item| attempt(item.intent)).collect(),
            RequestBody::Update { items, .. } => items.iter().map(|item| attempt(item.intent)).collect(),
            _ => Vec::new(),
        }
    }

    /// Decides when a request arrives, and what is answered if it never does.
    fn launch(&mut self, mut flight: Flight) {
        let slowness = self.scenario.server.slowness;
        let way = 1 + (mix(flight.entropy, 1) % slowness.unsigned_abs()).cast_signed();
        let failure = match flight.fault {
            Some(Fault::NotSent) => (way, Failure::NotSent("no connection".into())),
            Some(Fault::Throttled) => {
                let retry_after = Duration::from_secs(1 + mix(flight.entropy, 2) % 20);
                (way, Failure::Throttled { retry_after, message: "too many requests".into() })
            }
            Some(Fault::Denied) => {
                (way, Failure::Denied { message: "not authorized".into(), hint: "look at the key".into() })
            }
            Some(Fault::Forbidden) => {
                (way, Failure::Forbidden { message: "not for this".into(), hint: "look at the role".into() })
            }
            Some(Fault::ErrorBefore) => (way, Failure::Unknown("500 server error".into())),
            Some(Fault::Dropped) => (TIMEOUT, Failure::Unknown("timed out".into())),
            Some(Fault::Late) => {
                let gives_up = [way, 5_000, TIMEOUT][(mix(flight.entropy, 3) % 3) as usize];
                let lands = gives_up + (mix(flight.entropy, 4) % (LANDING - gives_up).unsigned_abs()).cast_signed();
                self.answer(&flight, gives_up, AnswerBody::Failed(Failure::Unknown("connection reset".into())));
                flight.answered = true;
                return self.enqueue(self.now + lands, Happening::Arrive(Box::new(flight)));
            }
            Some(Fault::Slow) => {
                let way = (way * 20).min(20_000);
                return self.enqueue(self.now + way, Happening::Arrive(Box::new(flight)));
            }
            _ => return self.enqueue(self.now + way, Happening::Arrive(Box::new(flight))),
        };
        self.answer(&flight, failure.0, AnswerBody::Failed(failure.1));
    }

    fn answer(&mut self, flight: &Flight, after: i64, body: AnswerBody) {
        let tells_time = !matches!(body, AnswerBody::Failed(Failure::NotSent(_) | Failure::Unknown(_)));
        let server_time = tells_time.then(|| self.servers[flight.request.system].clock(self.now).floor_to_second());
        let answer = Box::new(Answer { request: flight.id, server_time, calls: 1, body });
        self.enqueue(self.now + after, Happening::Deliver { life: flight.life, answer, request: flight.number });
    }

    /// A request reaches its server.
    fn arrive(&mut self, flight: Flight) {
        self.arrived += 1;
        if self.troubled
            && let Some(ops) = self.by_arrival.remove(&self.arrived)
        {
            for op in ops {
                self.act(op);
            }
        }
        let items = flight.attempts.len();
        let arrival = Arrival {
            now: self.now,
            request: &flight.request,
            attempts: &flight.attempts,
            pretend: flight.fault == Some(Fault::FalseSuccess),
            denies: flight.fault == Some(Fault::Missing),
            stop_after: match flight.fault {
                Some(Fault::ErrorAfter) if items > 1 => 1 + (mix(flight.entropy, 5) % items as u64) as usize,
                // what is missing in the answer was done, or was not
                Some(Fault::ItemsMissing) => (mix(flight.entropy, 5) % (items as u64 + 1)) as usize,
                _ => usize::MAX,
            },
        };
        let known = self.ledger.len();
        let mut body = self.servers[flight.request.system].handle(&arrival, &mut self.ledger);
        self.landed(known);
        if flight.answered {
            self.outcome.counters.late_landings += u32::from(self.ledger.len() > known);
            return;
        }
        let back = 1 + (mix(flight.entropy, 6) % self.scenario.server.slowness.unsigned_abs()).cast_signed();
        let back = match flight.fault {
            Some(Fault::AnswerLost) => {
                body = AnswerBody::Failed(Failure::Unknown("connection reset".into()));
                if mix(flight.entropy, 8).is_multiple_of(2) { back } else { TIMEOUT }
            }
            Some(Fault::ErrorAfter) => {
                body = AnswerBody::Failed(Failure::Unknown("500 server error".into()));
                back
            }
            Some(fault) => {
                if fault == Fault::Emptied {
                    self.guarded.list_lies(flight.request.system, flight.request.object);
                }
                spoil(&mut body, fault, flight.entropy);
                back
            }
            None => back,
        };
        self.answer(&flight, back, body);
    }

    /// Looks at what the engine's writes just did.
    fn landed(&mut self, from: usize) {
        for at in from..self.ledger.len() {
            crate::oracle::at_landing(self, at);
        }
    }

    /// Sends a person's ask to the engine; the reply comes under the ticket.
    pub fn ask(&mut self, ask: Ask) -> u64 {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.note(|| format!("ask {}: {ask:?}", ticket.0));
        if self.engine.is_some() {
            self.step(vec![Event::Person { ticket, ask }]);
        }
        ticket.0
    }

    fn create(&mut self, one: &Newborn) {
        let mut values: Vec<(FieldName, Value)> = Vec::new();
        for at in fields::places(one.object, !0) {
            let spec = &SPECS[at];
            let number = one.value * 32 + at as u32;
            let value = match (spec.shape, one.key) {
                (Shape::Name, _) => spec.value(one.side, number),
                (Shape::Title, key) => spec.value(one.side, key.unwrap_or(one.value)),
                (Shape::Stage, _) => spec.value(one.side, one.value),
                (Shape::Contacts, _) => {
                    let Some(contacts) = self.contacts_of(one) else { continue };
                    contacts
                }
                (Shape::Once, _) if one.side == System::ConnectWise => continue,
                // what ConnectWise insists on is seldom left out in HubSpot
                (Shape::Choice | Shape::Day, _)
                    if one.object == ObjectKind::Deal
                        && (one.side == System::ConnectWise || !one.value.is_multiple_of(8)) =>
                {
                    spec.value(one.side, if spec.shape == Shape::Choice { one.value } else { number })
                }
                (Shape::Key, Some(key)) => spec.value(one.side, key),
                (Shape::Key, None) => continue,
                (Shape::Reference, _) => {
                    let parent = one.parent.and_then(|pick| self.pick(one.side, ObjectKind::Company, pick, false));
                    let Some(parent) = parent else { continue };
                    spec.value(one.side, parent.id.0 as u32)
                }
                _ if one.fields & (1 << at) == 0 => continue,
                (Shape::Choice, _) => spec.value(one.side, one.value),
                _ => spec.value(one.side, number),
            };
            values.push((spec.name(one.side).into(), value));
        }
        let lacks = |name: &&str| values.iter().all(|(given, _)| given.as_str() != *name);
        if matches!(one.object, ObjectKind::Deal | ObjectKind::Ticket)
            && required(one.object, one.side).iter().any(lacks)
        {
            return;
        }
        let server = &mut self.servers[one.side];
        if values.iter().any(|(name, value)| server.is_taken(one.object, name, value, None)) {
            return;
        }
        let by = By::User { settled: false };
        let id = server.insert(self.now, by, one.object, &values, None, &mut self.ledger);
        self.note(|| format!("user creates {} {} {id}: {}", one.side, one.object, crate::words::values(&values)));
    }

    /// The contacts of a new deal or ticket: one of its company where there is one; some in HubSpot have two.
    fn contacts_of(&self, one: &Newborn) -> Option<Value> {
        let company = one.parent.and_then(|pick| self.pick(one.side, ObjectKind::Company, pick, false))?.id.to_string();
        let spec = fields::place_of(ObjectKind::Contact, Shape::Reference).map(|at| SPECS[at].name(one.side))?;
        let live = |entry: &Entry| entry.object == ObjectKind::Contact && !entry.archived;
        let of_company =
            self.pick_among(one.side, one.value, |entry| live(entry) && entry.value(spec).to_plain() == company);
        let any = self.pick_among(one.side, one.value, live);
        let is_first_left_out = one.value.is_multiple_of(7);
        let second = any.filter(|_| one.side == System::HubSpot && one.value.is_multiple_of(3));
        let chosen = of_company.filter(|_| !is_first_left_out).or(any).into_iter().chain(second);
        Some(everyone(chosen.map(|contact| contact.id)))
            .filter(|value| !value.is_empty())
            .map(|value| if one.side == System::ConnectWise { Value::Choice(value.to_plain()) } else { value })
    }

    fn act(&mut self, index: usize) {
        let Op { what, .. } = &self.scenario.ops[index];
        match what.clone() {
            What::Create(one) => self.create(&one),
            What::Edit { side, pick, field, value } => {
                // each value names its field, so that one number may be used for both sides of a pair
                let number = if SPECS[field].shape == Shape::Choice { value } else { value * 32 + field as u32 };
                let number = match SPECS[field].parent() {
                    Some(parent) => match self.pick(side, parent, value, false) {
                        Some(parent) => parent.id.0 as u32,
                        None => return,
                    },
                    None => number,
                };
                let mut new = SPECS[field].value(side, number);
                if (SPECS[field].shape, side) == (Shape::Once, System::ConnectWise) {
                    return;
                }
                if (SPECS[field].shape, side) == (Shape::Contacts, System::HubSpot)
                    && let Some(second) = self.pick(side, ObjectKind::Contact, value / 3, false)
                    && value.is_multiple_of(2)
                {
                    new = everyone(ids(&new).into_iter().chain([second.id]));
                }
                self.edit(side, pick, field, &new);
            }
            What::Clear { side, pick, field } => {
                if SPECS[field].may_be_emptied(side) {
                    self.edit(side, pick, field, &Value::Empty);
                }
            }
            What::Poison { side, pick, field, value } => {
                let name = fields::place_of(SPECS[field].object, Shape::Name).unwrap_or(0);
                let field = if matches!(SPECS[field].shape, Shape::Text | Shape::Name) { field } else { name };
                self.edit(side, pick, field, &Value::Text(format!("{POISON} {value}")));
            }
            What::Delete { side, pick } => self.move_one(side, pick, Change::Deleted),
            What::Purge { side, pick } => self.move_one(side, pick, Change::Purged),
            What::Restore { side, pick } => self.move_one(side, pick, Change::Restored),
            What::Merge { side, pick, other } => self.merge(side, pick, other),
            What::Decide { pick, winner } => self.decide(pick, winner),
            What::Retry { side, pick } => {
                if let Some(record) = self.pick_any(side, pick, false) {
                    self.ask(Ask::Retry { record });
                }
            }
            What::Push { side, pick } => {
                if let Some(record) = self.pick_any(side, pick, false) {
                    let to = if pick.is_multiple_of(2) { side } else { side.other() };
                    self.watch.pushed.push((self.now, record, to));
                    self.ask(Ask::Push { record, to, dry_run: false });
                }
            }
        }
    }

    /// The record of a side that a number names.
    fn pick(&self, side: System, object: ObjectKind, pick: u32, archived: bool) -> Option<RecordRef> {
        self.pick_among(side, pick, |entry| entry.archived == archived && entry.object == object)
    }

    fn pick_any(&self, side: System, pick: u32, archived: bool) -> Option<RecordRef> {
        self.pick_among(side, pick, |entry| entry.archived == archived)
    }

    fn pick_among(&self, side: System, pick: u32, fits: impl Fn(&Entry) -> bool) -> Option<RecordRef> {
        let matching = || self.servers[side].records.values().filter(|entry| fits(entry));
        let at = pick as usize % matching().count().max(1);
        matching().nth(at).map(|entry| RecordRef::new(entry.object, side, entry.id))
    }

    fn edit(&mut self, side: System, pick: u32, field: usize, value: &Value) {
        let Some(record) = self.pick(side, SPECS[field].object, pick, false) else { return };
        let name = FieldName::new(SPECS[field].name(side));
        if self.servers[side].is_taken(record.object, &name, value, Some(record.id)) {
            return;
        }
        let settled = self.is_settled(record, field);
        self.note(|| format!("user sets {record} {name} = {value:?}"));
        let by = By::User { settled };
        self.servers[side].set(self.now, record.id, by, &[(name, value.clone())], None, &mut self.ledger);
    }

    /// Whether the engine knows that both sides hold what this side holds, and has nothing under way for the pair.
    fn is_settled(&self, record: RecordRef, field: usize) -> bool {
        let Some(link) = self.store.link_at(record) else { return false };
        let Some(agreed) = link.baseline.get(&SPECS[field].key()) else { return false };
        let held = self.servers[record.system]
            .records
            .get(&record.id)
            .map(|entry| entry.value(SPECS[field].name(record.system)));
        let spec = &SPECS[field];
        let same = held
            .is_some_and(|held| spec.canon(record.system, held) == spec.canon(record.system, agreed.of(record.system)));
        let quiet = self.store.open_at().all(|intent| intent.link != Some(link.id));
        same && quiet
    }

    fn move_one(&mut self, side: System, pick: u32, what: Change) {
        let Some(record) = self.pick_any(side, pick, what == Change::Restored) else { return };
        self.note(|| format!("user makes {record} {what:?}"));
        self.outcome.counters.moves += 1;
        self.servers[side].move_record(self.now, record.id, what, &mut self.ledger);
    }

    fn merge(&mut self, side: System, pick: u32, other: u32) {
        let fits = |entry: &Entry| !entry.archived && crate::merging::can_be_merged(side, entry.object);
        let Some(first) = self.pick_among(side, pick, fits) else { return };
        let second =
            self.pick_among(side, other, |entry| fits(entry) && entry.object == first.object && entry.id != first.id);
        let Some(second) = second else { return };
        self.note(|| format!("user merges {second} into {first}"));
        self.servers[side].merge(self.now, first.id, second.id, &mut self.ledger);
    }

    fn decide(&mut self, pick: u32, winner: System) {
        let links: Vec<_> = self.store.links.keys().copied().collect();
        if links.is_empty() {
            return;
        }
        let link = links[pick as usize % links.len()];
        self.ask(Ask::Decide { link, field: None, winner });
    }

    /// Every record of a side that is alive.
    pub fn live(&self, system: System, id: RecordId) -> bool {
        self.servers[system].records.get(&id).is_some_and(|entry| !entry.archived)
    }
}

/// What a fault does to an answer on its way back.
fn spoil(body: &mut AnswerBody, fault: Fault, entropy: u64) {
    if fault == Fault::Untold {
        let mut at = 0;
        let mut is_told = || {
            at += 1;
            mix(entropy, at).is_multiple_of(3)
        };
        match &mut *body {
            AnswerBody::Records { found } => found.retain(|_| is_told()),
            AnswerBody::Stamped { found } => found.retain(|_| is_told()),
            AnswerBody::Page { records, unread, .. } => {
                let (told, untold): (Vec<_>, Vec<_>) = std::mem::take(records).into_iter().partition(|_| is_told());
                *records = told;
                unread.extend(untold.into_iter().map(|record| record.id));
            }
            _ => {}
        }
    }
    if fault == Fault::Emptied
        && let AnswerBody::Page { records, last, more, unread, .. } = &mut *body
    {
        records.clear();
        unread.clear();
        (*last, *more) = (None, false);
    }
    let AnswerBody::Written { items } = body else { return };
    match fault {
        Fault::ItemsMissing => {
            let mut at = 0;
            items.retain(|_| {
                at += 1;
                mix(entropy, at).is_multiple_of(3)
            });
        }
        Fault::ItemsUnknown => {
            for (at, (_, outcome)) in items.iter_mut().enumerate() {
                if mix(entropy, at as u64).is_multiple_of(2) {
                    *outcome = ItemOutcome::Unknown("no word about this item".into());
                }
            }
        }
        Fault::Reordered => items.reverse(),
        _ => {}
    }
}

/// ConnectWise documents it for changes; HubSpot does not do it.
fn is_false_success_possible(request: &Request) -> bool {
    request.system == System::ConnectWise && matches!(request.body, RequestBody::Update { .. })
}

fn brief(body: &AnswerBody) -> String {
    crate::words::answer(body)
}
