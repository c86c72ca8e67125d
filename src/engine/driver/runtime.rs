//! The loop: events in, commands out, performed in order. One thread, one engine, one workspace.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinSet};

use super::clock::Clock;
use super::follow::Follow;
use super::handle::{EngineHandle, Message};
use super::reread::Reread;
use super::setup::SetupError;
use super::snapshot::{Role, Snapshot};
use super::watch::Watcher;
use crate::connect::{Connector, Performed};
use crate::engine::core::command::{Batch, Command, Event, Notice, Reply, Row, Ticket};
use crate::engine::core::plan::PairPlan;
use crate::engine::core::request::{Answer, AnswerBody, Request, RequestId};
use crate::engine::core::state::{Exchange, Run};
use crate::engine::core::view::View;
use crate::engine::core::{Engine, Mode};
use crate::mapping::Rules;
use crate::model::{BySystem, Timestamp};
use crate::store::{Lease, LeaseError, Reader, StoreError, Workspace, Writer};

/// Why an engine could not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the engine's thread could not be started: {0}")]
    Thread(std::io::Error),
    #[error("the engine stopped: {0}")]
    Stopped(String),
}

impl DriverError {
    /// What happened, and what to do where the store knows.
    fn in_words(&self) -> String {
        match self {
            Self::Store(error) => format!("{error}. {}", error.hint()),
            other => other.to_string(),
        }
    }
}

/// What an engine is made of.
pub struct Parts {
    pub rules: Rules,
    pub connectors: BySystem<Arc<dyn Connector>>,
    pub mode: Mode,
    pub clock: Clock,
    /// So often an engine that watches reads the schemas again.
    pub reread: Duration,
    /// Seconds between two polls, in place of what each configuration says.
    pub poll: Option<u64>,
}

/// What a `Once` or `Plan` engine leaves behind.
#[derive(Debug, Clone)]
pub struct Finished {
    pub run: Run,
    pub plans: Vec<PairPlan>,
}

/// Events taken in at once: a step should stay short.
const MOST_EVENTS: usize = 256;

/// The number of every request that is none of the engine's own: its answer goes to whoever asked.
const GLANCE: RequestId = RequestId(u64::MAX);

/// How long the loop waits for writes on their way when it is asked to stop. What is left open then is in the journal.
const GRACE: Duration = Duration::from_secs(10);

/// Starts the engine of a workspace on a thread of its own.
///
/// # Errors
/// Another engine holds the workspace, or its file cannot be used.
pub fn start(workspace: &Workspace, parts: Parts) -> Result<EngineHandle, DriverError> {
    let lease = workspace.lease(parts.clock.now())?;
    let (writer, reader) = (workspace.engine_writer(&lease)?, workspace.reader()?);
    let (messages, inbox) = mpsc::channel(256);
    let (publish, snapshot) = watch::channel(Arc::new(Snapshot { role: Role::Holder, ..Snapshot::default() }));
    let (finish, finished) = watch::channel(None);
    let clock = parts.clock;
    let watcher = Watcher::new(workspace.reader()?, parts.connectors.clone(), publish);
    let watches = parts.mode == Mode::Watch;
    let reread =
        Reread::new(workspace.clone(), parts.connectors.clone(), &parts.rules.config, parts.reread, clock.now())
            .map_err(|error| DriverError::Stopped(error.to_string()))?;
    let follow = Follow::new(workspace, parts.rules.version)?;
    let rules = polling(parts.rules, parts.poll);
    let engine = Engine::new(rules, parts.mode, &reader).map_err(|error| DriverError::Stopped(error.to_string()))?;
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    watcher.stopped(&format!("no runtime for the engine: {error}"));
                    return;
                }
            };
            let mut driver = Driver {
                engine,
                reader,
                writer,
                watcher,
                connectors: parts.connectors,
                reread: watches.then_some(reread),
                follow: watches.then_some(follow),
                poll: parts.poll,
                clock,
                _lease: lease,
                tasks: JoinSet::new(),
                asked: Vec::new(),
                next_ticket: 0,
                exchanges: Vec::new(),
                withheld: Vec::new(),
                finish,
                revision: 0,
                last_run: None,
            };
            if let Err(error) = runtime.block_on(driver.run(inbox)) {
                tracing::error!(%error, "the engine stopped");
                let why = error.in_words();
                driver.watcher.stopped(&why);
                driver.refuse_all(&why);
            }
        })
        .map_err(DriverError::Thread)?;
    Ok(EngineHandle::new(messages, snapshot, finished, clock, thread))
}

struct Driver {
    engine: Engine,
    reader: Reader,
    writer: Writer,
    watcher: Watcher,
    connectors: BySystem<Arc<dyn Connector>>,
    /// Only where the engine watches.
    reread: Option<Reread>,
    /// The same.
    follow: Option<Follow>,
    poll: Option<u64>,
    clock: Clock,
    _lease: Lease,
    tasks: JoinSet<Performed>,
    /// Who waits for the answer to which ask.
    asked: Vec<(Ticket, oneshot::Sender<Reply>)>,
    next_ticket: u64,
    /// Redacted last requests, committed with the next rows.
    exchanges: Vec<Exchange>,
    /// The answers of writes that a pause kept from being sent.
    withheld: Vec<Event>,
    finish: watch::Sender<Option<Finished>>,
    revision: u64,
    last_run: Option<Run>,
}

impl Driver {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Message>) -> Result<(), DriverError> {
        let mut events = vec![Event::Tick];
        loop {
            let mut wake = self.step(std::mem::take(&mut events)).await?;
            if !self.withheld.is_empty() {
                events.append(&mut self.withheld);
                wake = Some(self.clock.now());
            }
            self.finish_if_done();
            if let Some(reread) = &mut self.reread {
                reread.begin_if_due(self.clock);
            }
            if !self.gather(&mut inbox, &mut events, wake).await {
                break;
            }
        }
        self.settle_down().await
    }

    /// One step and everything it commands. Returns when the engine wants to be stepped again.
    async fn step(&mut self, events: Vec<Event>) -> Result<Option<Timestamp>, DriverError> {
        let now = self.clock.now();
        let engine = &mut self.engine;
        let commands = self
            .reader
            .at_once(|view| engine.step(now, view, events))?
            .map_err(|error| DriverError::Stopped(error.to_string()))?;
        let mut wake = None;
        for command in commands {
            match command {
                Command::Commit(batch) => self.commit(batch).await?,
                Command::Send(id, request) => self.send(id, request)?,
                Command::WakeAt(at) => wake = Some(at),
                Command::Notify(notice) => self.notify(notice),
            }
        }
        if !self.exchanges.is_empty() {
            self.commit(Batch::default()).await?;
        }
        self.watcher.look(&self.engine, self.revision, now);
        Ok(wake)
    }

    async fn commit(&mut self, mut batch: Batch) -> Result<(), DriverError> {
        batch.rows.extend(self.exchanges.drain(..).map(Row::Exchange));
        self.revision = self.writer.commit(batch).await?.revision;
        Ok(())
    }

    /// Hands a request to its system. The last moment for a pause: one that somebody committed beside the engine, before
    /// the journal had this write, stops it.
    fn send(&mut self, id: RequestId, request: Request) -> Result<(), DriverError> {
        if request.body.is_write() {
            let pauses = self.reader.pauses().map_err(|error| DriverError::Stopped(error.to_string()))?;
            if let Some(pause) = pauses.stops(request.object, request.system) {
                let body = AnswerBody::Withheld(pause.reason());
                self.withheld.push(Event::Answer(Answer { request: id, server_time: None, calls: 0, body }));
                return Ok(());
            }
        }
        let connector = Arc::clone(&self.connectors[request.system]);
        self.tasks.spawn(async move { connector.perform(id, &request).await });
        Ok(())
    }

    fn notify(&mut self, notice: Notice) {
        match notice {
            Notice::RunEnded(run) => {
                tracing::info!(run = run.id.0, verdict = ?run.verdict, "run ended");
                self.last_run = Some(*run);
            }
            Notice::Answered { ticket, reply } => {
                if let Some(at) = self.asked.iter().position(|(known, _)| *known == ticket) {
                    let (_, waiting) = self.asked.swap_remove(at);
                    // whoever asked may be gone; what was done is in the journal
                    drop(waiting.send(reply));
                }
            }
        }
    }

    fn finish_if_done(&mut self) {
        if self.engine.is_idle()
            && self.tasks.is_empty()
            && let Some(run) = self.last_run.take()
        {
            let plans = self.engine.plans().to_vec();
            self.finish.send_replace(Some(Finished { run, plans }));
        }
    }

    /// Waits until something happened, and takes all of it. False when the engine is to stop.
    async fn gather(
        &mut self,
        inbox: &mut mpsc::Receiver<Message>,
        events: &mut Vec<Event>,
        wake: Option<Timestamp>,
    ) -> bool {
        while events.is_empty() {
            if !self.wait(inbox, events, wake).await {
                return false;
            }
        }
        while events.len() < MOST_EVENTS {
            if let Ok(message) = inbox.try_recv() {
                if !self.take(message, events) {
                    return false;
                }
            } else if let Some(done) = self.tasks.try_join_next() {
                self.take_done(done, events);
            } else {
                break;
            }
        }
        true
    }

    /// Waits for one thing, which need not be an event. False when the engine is to stop.
    async fn wait(
        &mut self,
        inbox: &mut mpsc::Receiver<Message>,
        events: &mut Vec<Event>,
        wake: Option<Timestamp>,
    ) -> bool {
        let now = self.clock.now();
        let look_around = self.follow.as_ref().map(Follow::due);
        let look = self.reread.as_ref().and_then(Reread::due);
        let pause = wake.into_iter().chain(look).chain(self.watcher.due()).min().map(|at| at.since(now));
        let reading = async {
            match &mut self.reread {
                Some(reread) => reread.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = inbox.recv() => match message {
                Some(message) => { if !self.take(message, events) { return false; } }
                None => return false,
            },
            () = until(look_around) => self.look_around(events),
            Some(done) = self.tasks.join_next() => self.take_done(done, events),
            read = reading => self.take_schemas(read, events),
            () = sleep(pause) => events.push(Event::Tick),
        }
        true
    }

    /// What other processes did to the workspace.
    fn look_around(&mut self, events: &mut Vec<Event>) {
        let Some(follow) = &mut self.follow else { return };
        follow.looked();
        match follow.newer() {
            Ok(Some(rules)) => {
                tracing::info!(version = rules.version.0, "another configuration was deployed");
                self.use_rules(rules, events);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the engine goes on with the configuration it has"),
        }
        let Some(follow) = &self.follow else { return };
        self.watcher.unused = follow.refused().cloned();
        match follow.revision() {
            Ok(revision) => self.revision = self.revision.max(revision),
            Err(error) => tracing::warn!(%error, "the workspace could not be looked at"),
        }
        self.watcher.look(&self.engine, self.revision, self.clock.now());
    }

    /// Runs go by these rules from the next one on.
    fn use_rules(&mut self, rules: Rules, events: &mut Vec<Event>) {
        if let Some(reread) = &mut self.reread {
            reread.follow(&rules.config);
        }
        if let Some(follow) = &mut self.follow {
            follow.takes(rules.version);
        }
        self.engine.change_rules(polling(rules, self.poll));
        events.push(Event::Tick);
    }

    fn take(&mut self, message: Message, events: &mut Vec<Event>) -> bool {
        match message {
            Message::Ask(ask, reply) => {
                self.next_ticket += 1;
                let ticket = Ticket(self.next_ticket);
                self.asked.push((ticket, reply));
                events.push(Event::Person { ticket, ask });
                true
            }
            Message::Rules(rules) => {
                self.use_rules(*rules, events);
                true
            }
            Message::Hints(records) => {
                events.push(Event::Hinted(records));
                true
            }
            Message::Glance(request, reply) => {
                let connector = Arc::clone(&self.connectors[request.system]);
                tokio::spawn(async move {
                    let performed = connector.perform(GLANCE, &request).await;
                    // whoever asked may be gone
                    drop(reply.send(performed.answer.body));
                });
                true
            }
            Message::Stop => false,
        }
    }

    /// Goes on with what the schemas are now, where they changed and the configuration still fits them.
    fn take_schemas(&mut self, read: Result<Result<Option<Rules>, SetupError>, JoinError>, events: &mut Vec<Event>) {
        self.watcher.schemas_read = Some(self.clock.now());
        match read {
            Ok(Ok(Some(rules))) => self.use_rules(rules, events),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the engine goes on with the schemas it knew"),
            Err(error) => tracing::error!(%error, "a reading of the schemas ended without a word"),
        }
    }

    fn take_done(&mut self, done: Result<Performed, tokio::task::JoinError>, events: &mut Vec<Event>) {
        match done {
            Ok(performed) => {
                self.exchanges.extend(performed.exchanges);
                if let Some(reread) = &mut self.reread {
                    reread.learn(&performed.answer.body);
                }
                events.push(Event::Answer(performed.answer));
            }
            // A connector does not panic; if one did, the journal's look-up finds out what its write became.
            Err(error) => tracing::error!(%error, "a request ended without an answer"),
        }
    }

    /// Lets the writes on their way be answered, and takes the answers in.
    async fn settle_down(&mut self) -> Result<(), DriverError> {
        let deadline = tokio::time::Instant::now() + GRACE;
        while !self.tasks.is_empty() {
            let Ok(Some(done)) = tokio::time::timeout_at(deadline, self.tasks.join_next()).await else { break };
            let mut events = Vec::new();
            self.take_done(done, &mut events);
            self.engine.wind_down();
            self.step(events).await?;
        }
        self.refuse_all("The engine was stopped.");
        Ok(())
    }

    fn refuse_all(&mut self, reason: &str) {
        for (_, waiting) in self.asked.drain(..) {
            let hint = "Start it again and ask once more.".to_owned();
            drop(waiting.send(Reply::Refused { reason: reason.to_owned(), hint }));
        }
    }
}

/// The rules, with another time between two polls where one was asked for.
fn polling(mut rules: Rules, poll: Option<u64>) -> Rules {
    if let Some(seconds) = poll {
        rules.config.timing.poll = seconds;
    }
    rules
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
