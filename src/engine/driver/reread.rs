//! The schemas while an engine runs: options, fields and people come and go, and nobody starts the engine again for them.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use super::clock::Clock;
use super::setup::{SetupError, keep_schema, rules, schemas};
use crate::connect::Connector;
use crate::engine::core::request::{AnswerBody, Failure, ItemOutcome, Priority, RejectionKind};
use crate::mapping::{Config, Rules};
use crate::model::{BySystem, ObjectKind, Schema, System, Timestamp};
use crate::store::Workspace;

/// Refused values ask for a reading at most so often.
const HASTE: Duration = Duration::from_secs(600);

/// When the schemas are read again, and the reading under way.
pub(super) struct Reread {
    workspace: Workspace,
    connectors: BySystem<Arc<dyn Connector>>,
    objects: Vec<ObjectKind>,
    /// What the rules in use were made of. The doctor keeps what it reads as well, and nobody tells the engine.
    known: Vec<BySystem<Schema>>,
    every: Duration,
    /// When the last reading began; the start read what was old.
    last: Timestamp,
    due: Timestamp,
    reading: JoinSet<Result<Read, SetupError>>,
}

/// What a reading came to.
pub(super) struct Read {
    /// Made of what was read, where that is not what the rules in use were made of.
    pub rules: Option<Rules>,
    schemas: Vec<BySystem<Schema>>,
}

impl Reread {
    /// # Errors
    /// When the workspace cannot be read.
    pub fn new(
        workspace: Workspace,
        connectors: BySystem<Arc<dyn Connector>>,
        config: &Config,
        every: Duration,
        now: Timestamp,
    ) -> Result<Self, SetupError> {
        let (objects, known) = (objects(config), schemas(&workspace.settings()?)?);
        Ok(Self { workspace, connectors, objects, known, every, last: now, due: now + every, reading: JoinSet::new() })
    }

    /// Another configuration may sync other objects.
    pub fn follow(&mut self, config: &Config) {
        self.objects = objects(config);
    }

    /// When to look again whether a reading is due; none while one is under way.
    pub fn due(&self) -> Option<Timestamp> {
        self.reading.is_empty().then_some(self.due)
    }

    /// An answer that refuses a value may know of an option or a field that is not known here; one that refuses to tell of
    /// records may do so for a field that is not there any more.
    pub fn learn(&mut self, answer: &AnswerBody) {
        let invalid =
            |outcome: &ItemOutcome| matches!(outcome, ItemOutcome::Rejected(why) if why.kind == RejectionKind::Invalid);
        let hint = match answer {
            AnswerBody::Written { items } => items.iter().any(|(_, outcome)| invalid(outcome)),
            AnswerBody::Failed(Failure::Rejected(why)) => why.kind == RejectionKind::Invalid,
            AnswerBody::Failed(Failure::Denied { .. } | Failure::Forbidden { .. }) => true,
            _ => false,
        };
        if hint {
            self.due = self.due.min(self.last + HASTE.min(self.every));
        }
    }

    /// Begins a reading where one is due.
    pub fn begin_if_due(&mut self, clock: Clock) {
        let now = clock.now();
        if !self.reading.is_empty() || now < self.due {
            return;
        }
        (self.last, self.due) = (now, now + self.every);
        let (connectors, objects) = (self.connectors.clone(), self.objects.clone());
        self.reading.spawn(read(self.workspace.clone(), connectors, objects, self.known.clone(), clock));
    }

    /// The end of the reading under way; waits for ever where there is none.
    pub async fn ended(&mut self) -> Result<Result<Option<Rules>, SetupError>, JoinError> {
        let Some(ended) = self.reading.join_next().await else { return std::future::pending().await };
        ended.map(|read| {
            let Read { rules, schemas } = read?;
            self.known = schemas;
            Ok(rules)
        })
    }
}

fn objects(config: &Config) -> Vec<ObjectKind> {
    config.objects.iter().map(|object| object.object).collect()
}

/// Reads all schemas behind everything else.
async fn read(
    workspace: Workspace,
    connectors: BySystem<Arc<dyn Connector>>,
    objects: Vec<ObjectKind>,
    known: Vec<BySystem<Schema>>,
    clock: Clock,
) -> Result<Read, SetupError> {
    let mut settings = workspace.settings()?;
    for system in System::BOTH {
        for object in &objects {
            match connectors[system].schema_at(*object, Priority::Bulk).await {
                Ok(live) => drop(keep_schema(&mut settings, *object, live, clock)?),
                // What is known of it stays; the poll tells of the connection.
                Err(error) => {
                    tracing::warn!(%error, %system, object = object.key(), "a schema could not be read again")
                }
            }
        }
    }
    let schemas = schemas(&settings)?;
    let rules = if schemas == known { None } else { Some(rules(&settings)?) };
    Ok(Read { rules, schemas })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::engine::core::request::Rejection;
    use crate::store::Key;

    #[tokio::test]
    async fn a_refused_value_hastens_the_next_reading_and_not_more_often_than_every_ten_minutes() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path(), "acme", &Key::throw_away().unwrap()).unwrap();
        let begun = Timestamp::from_secs(1_000_000);
        let config = crate::mapping::defaults::config();
        let token = secrecy::SecretString::from("token".to_owned());
        let hubspot =
            super::super::setup::Connection::HubSpot(super::super::setup::HubSpotConnection::default(), token);
        let connector = hubspot.connector(&config, Clock::start(), Arc::new(|_: &_| ())).unwrap();
        let connectors = BySystem::new(Arc::clone(&connector), connector);
        let mut reread = Reread::new(workspace, connectors, &config, Duration::from_secs(3600), begun).unwrap();
        assert_eq!(reread.due(), Some(begun + Duration::from_secs(3600)));
        let refusal = |kind| Rejection { kind, message: String::new(), fields: Vec::new() };
        reread.learn(&AnswerBody::Failed(Failure::Rejected(refusal(RejectionKind::NotFound))));
        reread.learn(&AnswerBody::Failed(Failure::NotSent(String::new())));
        assert_eq!(reread.due(), Some(begun + Duration::from_secs(3600)), "nothing was said of a value");
        reread.learn(&AnswerBody::Failed(Failure::Rejected(refusal(RejectionKind::Invalid))));
        assert_eq!(reread.due(), Some(begun + HASTE));
        reread.due = begun + Duration::from_secs(3600);
        reread.learn(&AnswerBody::Failed(Failure::Denied { message: String::new(), hint: String::new() }));
        assert_eq!(reread.due(), Some(begun + HASTE), "a field may be gone");
    }
}
