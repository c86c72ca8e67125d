//! The way to a running engine for everybody else: ask, watch, stop.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use super::clock::Clock;
use super::glance::{self, Glance};
use super::runtime::{DriverError, Finished};
use super::snapshot::{Role, Snapshot};
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::request::{AnswerBody, Request};
use crate::mapping::Rules;
use crate::model::{Record, RecordRef, Timestamp};

/// What goes to the engine's thread.
pub(super) enum Message {
    Ask(Ask, oneshot::Sender<Reply>),
    Rules(Box<Rules>),
    Hints(Vec<RecordRef>),
    /// A read beside the runs.
    Glance(Request, oneshot::Sender<AnswerBody>),
    Stop,
}

/// A running engine. Cheap to clone; the engine stops when [`EngineHandle::stop`] is called or the last clone is dropped.
#[derive(Clone)]
pub struct EngineHandle {
    messages: mpsc::Sender<Message>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    finished: watch::Receiver<Option<Finished>>,
    clock: Clock,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl EngineHandle {
    pub(super) fn new(
        messages: mpsc::Sender<Message>,
        snapshot: watch::Receiver<Arc<Snapshot>>,
        finished: watch::Receiver<Option<Finished>>,
        clock: Clock,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { messages, snapshot, finished, clock, thread: Arc::new(Mutex::new(Some(thread))) }
    }

    /// Asks the engine for something and waits for its word.
    pub async fn ask(&self, ask: Ask) -> Reply {
        let (reply, answer) = oneshot::channel();
        if self.messages.send(Message::Ask(ask, reply)).await.is_err() {
            return self.gone();
        }
        answer.await.unwrap_or_else(|_| self.gone())
    }

    /// Says that these records may have changed. An engine that has too much to do for that finds them by polling.
    pub fn hint(&self, records: Vec<RecordRef>) {
        if !records.is_empty() && self.messages.try_send(Message::Hints(records)).is_err() {
            tracing::debug!("the engine did not hear of some records; the next poll finds them");
        }
    }

    /// Looks at fields that nobody reads yet. Nothing of it is kept.
    ///
    /// # Errors
    /// Why nothing was seen, as a sentence.
    pub async fn glance(&self, glance: Glance) -> Result<Vec<Record>, String> {
        let (reply, answer) = oneshot::channel();
        let system = glance.system;
        if self.messages.send(Message::Glance(glance.request(), reply)).await.is_err() {
            return Err(self.why_gone());
        }
        let body = answer.await.map_err(|_| self.why_gone())?;
        glance::records(system, body)
    }

    /// Hands a newly deployed configuration to the engine; it is used from the next run on.
    ///
    /// # Errors
    /// When the engine is not running any more.
    pub async fn change_rules(&self, rules: Rules) -> Result<(), DriverError> {
        self.messages
            .send(Message::Rules(Box::new(rules)))
            .await
            .map_err(|_| DriverError::Stopped("it is not running any more".to_owned()))
    }

    /// The engine's state, always the newest.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the engine's next run has ended and nothing is under way.
    ///
    /// # Errors
    /// When the engine stopped before that.
    pub async fn finished(&mut self) -> Result<Finished, DriverError> {
        self.finished.changed().await.map_err(|_| DriverError::Stopped(self.why_gone()))?;
        let finished = self.finished.borrow_and_update().clone();
        finished.ok_or_else(|| DriverError::Stopped(self.why_gone()))
    }

    /// Stops the engine and waits for its thread: writes on their way are awaited, everything else is in the journal.
    pub async fn stop(&self) {
        // an engine that is gone already needs no stopping
        drop(self.messages.send(Message::Stop).await);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }

    fn gone(&self) -> Reply {
        Reply::Refused { reason: self.why_gone(), hint: "Start Lockstep again; nothing is lost.".to_owned() }
    }

    fn why_gone(&self) -> String {
        match &self.snapshot.borrow().role {
            Role::Stopped { reason, .. } => reason.clone(),
            _ => "The engine is not running.".to_owned(),
        }
    }
}
