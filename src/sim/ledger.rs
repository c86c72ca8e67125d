//! What happened: every change to a record with who made it, and how often each endpoint was called.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::Side;
use super::object::Object;

/// How many changes are kept; older ones are dropped from the front.
const KEPT: usize = 500_000;

/// Who changed a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A client of the API; the name is the app (HubSpot) or the API member (ConnectWise).
    Api(String),
    /// A person in the system's own user interface.
    Human(String),
}

impl Actor {
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Api(name) | Self::Human(name) => name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Create,
    Update,
    Delete,
    Restore,
    Merge,
    /// The associations of two records changed: `fields` has one entry, its key the other record as `contacts/123`, its
    /// values the association types before and after; null is none.
    Associate,
}

/// One change of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mutation {
    /// Counts from 1 over both systems.
    pub sequence: u64,
    /// Milliseconds since 1970, on the simulators' clock.
    pub at_ms: i64,
    pub side: Side,
    pub object: Object,
    pub actor: Actor,
    pub verb: Verb,
    pub id: u64,
    /// Per field that changed: the value before and the value after; null is none.
    pub fields: BTreeMap<String, (Value, Value)>,
}

/// The changes in the order in which they were committed.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: VecDeque<Mutation>,
    last: u64,
    bell: Arc<Notify>,
}

impl Ledger {
    pub fn record(
        &mut self,
        at_ms: i64,
        (side, object, id): (Side, Object, u64),
        actor: &Actor,
        verb: Verb,
        fields: BTreeMap<String, (Value, Value)>,
    ) {
        self.last += 1;
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        let (sequence, actor) = (self.last, actor.clone());
        self.bell.notify_one();
        self.entries.push_back(Mutation { sequence, at_ms, side, object, actor, verb, id, fields });
    }

    /// A ledger that rings the same bell as another one.
    pub fn ringing(bell: Arc<Notify>) -> Self {
        Self { bell, ..Self::default() }
    }

    /// Rings after every change; for one listener.
    pub fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }

    /// The kept changes after the one with that sequence number.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = &Mutation> {
        let first = self.entries.partition_point(|m| m.sequence <= sequence);
        self.entries.iter().skip(first)
    }

    /// As `after`, to keep.
    pub fn since(&self, sequence: u64) -> Vec<Mutation> {
        self.after(sequence).cloned().collect()
    }

    /// The sequence number of the last change; 0 for none.
    pub const fn last(&self) -> u64 {
        self.last
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Calls per endpoint and status, such as `hubspot POST /crm/objects/2026-09/companies/{id}` → 200 → 12.
#[derive(Debug, Default)]
pub(crate) struct Calls(BTreeMap<String, BTreeMap<u16, u64>>);

impl Calls {
    /// `status` 0 stands for a call that got no answer.
    pub fn count(&mut self, side: Side, method: &str, segments: &[String], status: u16) {
        let mut key = format!("{} {method} ", side.name());
        for segment in segments {
            let is_id = segment.bytes().all(|b| b.is_ascii_digit());
            key.push('/');
            key.push_str(if is_id { "{id}" } else { segment });
        }
        *self.0.entry(key).or_default().entry(status).or_default() += 1;
    }

    pub const fn all(&self) -> &BTreeMap<String, BTreeMap<u16, u64>> {
        &self.0
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}
