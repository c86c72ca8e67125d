//! What happened: every change to a record with who made it, and how often each endpoint was called.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

use super::Side;
use super::object::Object;
use super::packed::{Fields, Packed};

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

/// A change as it is kept. Its sequence number follows from its place.
#[derive(Debug)]
struct Entry {
    at_ms: i64,
    id: u64,
    fields: Packed,
    /// Place among the actors.
    actor: usize,
    side: Side,
    object: Object,
    verb: Verb,
}

/// The changes in the order in which they were committed.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: VecDeque<Entry>,
    /// Everybody who changed anything: a few apps and people.
    actors: Vec<Actor>,
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
        fields: Fields,
    ) {
        self.last += 1;
        if self.entries.len() >= KEPT {
            self.entries.pop_front();
        }
        let actor = self.actors.iter().position(|known| known == actor).unwrap_or_else(|| {
            self.actors.push(actor.clone());
            self.actors.len() - 1
        });
        self.bell.notify_one();
        self.entries.push_back(Entry { at_ms, id, fields: Packed::new(fields), actor, side, object, verb });
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
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = Mutation> {
        // Nothing is missing between the first that is kept and the last.
        let dropped = self.last - u64::try_from(self.entries.len()).unwrap_or(self.last);
        let first = usize::try_from(sequence.saturating_sub(dropped)).unwrap_or(usize::MAX);
        let kept = self.entries.iter().skip(first).zip(sequence.max(dropped) + 1..);
        kept.filter_map(|(entry, sequence)| {
            let Entry { at_ms, id, ref fields, actor, side, object, verb } = *entry;
            let actor = self.actors.get(actor)?.clone();
            Some(Mutation { sequence, at_ms, side, object, actor, verb, id, fields: fields.unpack() })
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keep_their_numbers_whatever_was_dropped_before() {
        let mut ledger = Ledger::default();
        let told = |ledger: &Ledger, after| {
            let told = ledger.after(after).map(|one| (one.sequence, one.id, one.actor.name().to_owned()));
            told.collect::<Vec<_>>()
        };
        let change = |ledger: &mut Ledger, id: u64, name: &str| {
            let actor = Actor::Human(name.to_owned());
            ledger.record(0, (Side::HubSpot, Object::Company, id), &actor, Verb::Update, Fields::new());
        };
        assert_eq!(told(&ledger, 0), []);
        change(&mut ledger, 11, "Ada");
        change(&mut ledger, 12, "Bo");
        change(&mut ledger, 13, "Ada");
        let line = |sequence, id, name: &str| (sequence, id, name.to_owned());
        assert_eq!(told(&ledger, 0), [line(1, 11, "Ada"), line(2, 12, "Bo"), line(3, 13, "Ada")]);
        assert_eq!(told(&ledger, 2), [line(3, 13, "Ada")]);
        assert_eq!((told(&ledger, 3), told(&ledger, 99)), (vec![], vec![]));
        ledger.clear();
        assert_eq!((told(&ledger, 0), ledger.last()), (vec![], 3));
        change(&mut ledger, 14, "Bo");
        change(&mut ledger, 15, "Cy");
        assert_eq!(told(&ledger, 0), [line(4, 14, "Bo"), line(5, 15, "Cy")]);
        assert_eq!(told(&ledger, 4), [line(5, 15, "Cy")]);
        assert_eq!(ledger.actors.len(), 3, "each once");
    }
}
