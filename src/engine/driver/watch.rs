//! Makes the snapshots: what the engine and the connections show of themselves, at most a few times a second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::snapshot::{Budget, Health, HeldPlan, Role, Side, Snapshot, Wait};
use crate::connect::Connector;
use crate::engine::core::{self, Engine};
use crate::model::{BySystem, ConfigVersion, System, Timestamp};
use crate::store::Reader;

/// While work goes on, pictures are taken this far apart.
const APART: Duration = Duration::from_millis(100);

pub(super) struct Watcher {
    reader: Reader,
    connectors: BySystem<Arc<dyn Connector>>,
    publish: watch::Sender<Arc<Snapshot>>,
    last: Timestamp,
    /// Something may have changed since the last picture, which was too young for another.
    owed: bool,
    /// When the engine read the schemas again.
    pub schemas_read: Option<Timestamp>,
    /// What is deployed and can't be used.
    pub unused: Option<(ConfigVersion, String)>,
}

impl Watcher {
    pub fn new(
        reader: Reader,
        connectors: BySystem<Arc<dyn Connector>>,
        publish: watch::Sender<Arc<Snapshot>>,
    ) -> Self {
        Self { reader, connectors, publish, last: Timestamp::EPOCH, owed: false, schemas_read: None, unused: None }
    }

    /// Publishes a snapshot if something in it changed and the last one is old enough, or the engine came to rest.
    pub fn look(&mut self, engine: &Engine, revision: u64, now: Timestamp) {
        self.owed = !engine.is_idle() && now.since(self.last) < APART;
        if self.owed {
            return;
        }
        self.last = now;
        let snapshot = self.picture(engine, revision, now);
        self.publish.send_if_modified(|current| {
            let changed = **current != snapshot;
            if changed {
                *current = Arc::new(snapshot);
            }
            changed
        });
    }

    /// When to look again, though nothing may happen by then: a pause can begin within moments of the last picture.
    pub fn due(&self) -> Option<Timestamp> {
        self.owed.then(|| self.last + APART)
    }

    /// The last word of an engine that cannot go on.
    pub fn stopped(&self, reason: &str) {
        self.publish.send_modify(|current| {
            let role = Role::Stopped {
                reason: reason.to_owned(),
                hint: "Start Lockstep again; what was under way is in the journal.".to_owned(),
            };
            *current = Arc::new(Snapshot { role, ..Snapshot::clone(current) });
        });
    }

    fn picture(&self, engine: &Engine, revision: u64, now: Timestamp) -> Snapshot {
        // a picture without its totals is better than none: the next one has them
        let marks = self.reader.dirty_totals().unwrap_or_default();
        let held = engine.held_plan().map(|(reason, hash)| HeldPlan { reason: reason.clone(), hash: hash.clone() });
        Snapshot {
            revision,
            role: Role::Holder,
            config: Some(engine.rules().version),
            unused: self.unused.clone(),
            phase: engine.phase(),
            run: engine.current_run().cloned(),
            next_poll: engine.next_poll(),
            sides: BySystem::from_fn(|system| Side {
                missing_rights: engine.missing_rights(system),
                ..self.side(system, &engine.sides()[system], now)
            }),
            schemas_read: self.schemas_read,
            queue: marks.values().map(|of| of.hubspot.count + of.connectwise.count).sum(),
            oldest_change: BySystem::from_fn(|system| marks.values().filter_map(|of| of[system].oldest).min()),
            oldest_by_object: marks.iter().map(|(object, of)| (*object, of.map(|_, total| total.oldest))).collect(),
            pauses: engine.pauses().clone(),
            held,
        }
    }

    fn side(&self, system: System, side: &core::Side, now: Timestamp) -> Side {
        let budget = self.connectors[system].budget();
        let health = match &side.broken {
            Some((message, hint)) => Health::Broken { message: message.clone(), hint: hint.clone() },
            None if side.identified.is_some() => Health::Ok,
            None => Health::Unknown,
        };
        Side {
            health,
            tenant: side.tenant.clone(),
            budget: Budget { rate_milli: budget.rate_milli, daily: budget.daily, waiting: budget.waiting },
            last_error: side.last_error.clone(),
            missing_rights: Vec::new(),
            calls: side.calls,
            latency: None,
            wait: (side.not_before > now).then(|| Wait { until: side.not_before, asked: side.is_put_off() }),
        }
    }
}
