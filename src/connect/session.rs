//! One request of the engine as a row of calls: how urgent it is, what it has cost so far, and when it is given up.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{ConnectErrorKind, Fault};
use super::trace::Subject;
use crate::engine::core::request::{Failure, Priority, Request};
use crate::model::{ObjectKind, System, Timestamp};

/// What the calls of one request may spend on answers, in time-outs of a call. Of that, one and a half may be in vain: one
/// call that is never answered is bad luck and leaves time for the others; where the next one is not either, none follows.
const MOST_TIMEOUTS: u32 = 10;

/// A write whose turn has not come by then is given back unsent. With the time-out of its call it stays far below the
/// time that the engine gives a write to take effect (`timing.flight`).
const LATEST_WRITE: Duration = Duration::from_secs(30);
/// How long the look at a record that was just written may wait for its turn.
const LATEST_LOOK: Duration = Duration::from_secs(60);

/// What the calls of one request have in common, and what they add up to.
#[derive(Debug)]
pub(crate) struct Session {
    pub priority: Priority,
    /// No call is made after this moment: the turn is given back instead.
    pub latest: Option<Instant>,
    pub calls: u32,
    /// More than half of the request's time is spent: what can be handed over should be.
    pub is_late: bool,
    /// Time spent on answers, and the part of it after which there was none.
    waited: Duration,
    in_vain: Duration,
    pub server_time: Option<Timestamp>,
    /// What its lines in the log lead back to.
    subject: Option<Subject>,
    /// The release that answered last, where it says so: ConnectWise does.
    pub api_version: Option<String>,
    /// The last call and its end, for people.
    pub last: Option<Wire>,
}

impl Session {
    pub const fn new(priority: Priority) -> Self {
        Self {
            priority,
            latest: None,
            calls: 0,
            is_late: false,
            waited: Duration::ZERO,
            in_vain: Duration::ZERO,
            server_time: None,
            api_version: None,
            subject: None,
            last: None,
        }
    }

    /// The calls of one request of the engine.
    pub fn about(self, request: &Request) -> Self {
        Self { subject: Some(Subject::of(request)), ..self }
    }

    /// Calls that nothing of the engine asked for.
    pub fn for_task(self, system: System, task: &'static str) -> Self {
        Self { subject: Some(Subject::task(system, task)), ..self }
    }

    /// What the calls from now on are about.
    pub fn turn_to(&mut self, object: Option<ObjectKind>) {
        if let Some(subject) = &mut self.subject {
            subject.object = object;
        }
    }

    /// For a write: whoever journaled it counts from that moment how long it can still take effect.
    pub fn for_write(priority: Priority) -> Self {
        Self { latest: Some(Instant::now() + LATEST_WRITE), ..Self::new(priority) }
    }

    pub(super) const fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// Takes down what a call took, and whether there was an answer. `timeout`: of one call.
    pub(super) fn waited(&mut self, took: Duration, answered: bool, timeout: Duration) {
        self.waited += took;
        if !answered {
            self.in_vain += took;
        }
        self.is_late = self.waited > timeout * MOST_TIMEOUTS / 2;
    }

    /// # Errors
    /// The request has taken so long that its next call is not sent.
    pub(super) fn go_on(&self, timeout: Duration, host: &str) -> Result<(), Fault> {
        if self.waited < timeout * MOST_TIMEOUTS && self.in_vain < timeout * 3 / 2 {
            return Ok(());
        }
        let (waited, calls) = (self.waited.as_secs(), self.calls);
        let message =
            format!("{host} took {waited} seconds over {calls} calls of one request, so the next one was not sent.");
        let hint = "Try again in a minute; if it stays as slow, look at the system's status page and at the network.";
        Err(Fault::new(ConnectErrorKind::Unexpected, Failure::NotSent(message), hint))
    }

    /// The write is out: what follows only reads, and may take longer. Not as long as a pause can be: whoever waits for the
    /// end of the write had better look at the record later.
    pub fn written(&mut self) {
        self.latest = Some(Instant::now() + LATEST_LOOK);
    }
}

/// A call and its end as people see it. Texts are not redacted yet.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: Option<u16>,
    pub response: String,
    pub took: Duration,
}
