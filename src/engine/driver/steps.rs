//! Work that asks a system many things in a row: what is asked just now, for whoever waits, and an end where the system
//! is too slow to be waited for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::setup::SetupError;
use crate::connect::{ConnectError, ConnectErrorKind, Connector};

/// One system may take so long in all. A healthy one takes a few seconds, a busy one half a minute.
const LIMIT: Duration = Duration::from_secs(90);

/// Pauses that a system asks for are waited out, as long as they are not longer than this in all.
const PATIENCE: Duration = Duration::from_secs(300);

/// Nothing is asked again sooner.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);

/// What goes on. Shared by the one who works and the one who shows it.
pub struct Steps {
    now: Mutex<Option<Step>>,
    limit: Duration,
    said: Mutex<Option<String>>,
}

struct Step {
    what: String,
    connector: Arc<dyn Connector>,
}

impl Default for Steps {
    fn default() -> Self {
        Self::limited(LIMIT)
    }
}

impl Steps {
    /// Each system may take `limit` in all.
    #[must_use]
    pub const fn limited(limit: Duration) -> Self {
        Self { now: Mutex::new(None), limit, said: Mutex::new(None) }
    }

    /// What is done from now on, as a noun: `the company fields`.
    pub fn begin(&self, connector: &Arc<dyn Connector>, what: impl Into<String>) {
        let step = Step { what: what.into(), connector: Arc::clone(connector) };
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some(step);
    }

    /// One line for people: of whom, what, and the call that is on its way.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.as_ref().map(|Step { what, connector }| {
            let call = connector.asking().map_or_else(String::new, |call| format!(" · {call}"));
            format!("{}: {what}{call}", connector.system())
        })
    }

    /// All the work that one system is asked for.
    ///
    /// # Errors
    /// Those of the work, and that the system was too slow.
    pub async fn within<T>(
        &self,
        connector: &Arc<dyn Connector>,
        work: impl Future<Output = Result<T, SetupError>>,
    ) -> Result<T, SetupError> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(done) => done,
            Err(_) => Err(self.too_slow(connector).into()),
        }
    }

    /// Work that waits whenever the system asks for a pause, and is begun again then; for so long that a person still waits.
    ///
    /// # Errors
    /// Those of the work, that the system was too slow, or that it asks for more than there is patience for.
    pub async fn patiently<T>(
        &self,
        connector: &Arc<dyn Connector>,
        mut work: impl AsyncFnMut() -> Result<T, ConnectError>,
    ) -> Result<T, SetupError> {
        let mut patience = PATIENCE;
        loop {
            let done = self.within(connector, async { Ok(work().await) }).await?;
            let Err(mut error) = done else { return Ok(done?) };
            if error.kind != ConnectErrorKind::Limited {
                return Err(error.into());
            }
            let pause = connector.budget().blocked.unwrap_or(SHORTEST_PAUSE).max(SHORTEST_PAUSE);
            if pause > patience {
                if error.hint.is_empty() {
                    error.hint = format!("Run it again in {} s.", pause.as_secs());
                }
                return Err(error.into());
            }
            patience -= pause;
            let told = format!("{} asks for a pause: waiting {} s.", connector.system(), pause.as_secs().max(1));
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
            tokio::time::sleep(pause).await;
        }
    }

    /// What a person should know though nobody watches the line; each once.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn too_slow(&self, connector: &Arc<dyn Connector>) -> ConnectError {
        let (system, seconds) = (connector.system(), self.limit.as_secs());
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let at = now.as_ref().map_or_else(String::new, |step| format!("; it was at {}", step.what));
        ConnectError::new(
            ConnectErrorKind::Unreachable,
            format!("{system} answers too slowly: not done within {seconds} seconds{at}."),
            "Try again later. Where it stays so, look at the network and at any proxy on the way.",
        )
    }
}
