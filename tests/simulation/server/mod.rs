//! Two mean servers behind one vocabulary: a HubSpot with a lagging index and unique keys, a ConnectWise with
//! single writes, whole seconds and soft deletes. Written from the API facts, not from the engine.

mod keeping;
mod reads;
mod writes;

use std::collections::BTreeMap;

use lockstep::engine::core::request::{AnswerBody, Failure, Rejection, RejectionKind, Request, RequestBody};
use lockstep::model::{FieldName, Fields, IntentId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};

use crate::clocks::Clocks;
use crate::fields::{kept_as, stands_in};
use crate::scenario::Temper;

pub use writes::{is_given_once, required};

/// Text that no system accepts from an API.
pub const POISON: &str = "poison";

/// What is said of it.
pub const NOT_ACCEPTABLE: &str = "the value is not acceptable";

/// The virtual clock's zero, in milliseconds since 1970.
pub const EPOCH: i64 = 1_767_225_600_000;

/// One system with all its records.
#[derive(Debug)]
pub struct Server {
    pub system: System,
    pub records: BTreeMap<RecordId, Entry>,
    /// What every record that ever was is.
    pub(crate) kinds: BTreeMap<RecordId, ObjectKind>,
    /// Where records went that were merged into another.
    pub merged: BTreeMap<RecordId, RecordId>,
    pub(crate) next: u64,
    pub(crate) temper: Temper,
    clocks: Clocks,
    entropy: u64,
}

/// A record as its system keeps it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub object: ObjectKind,
    pub id: RecordId,
    /// The time of its making, as its system writes it.
    made: Timestamp,
    pub modified: Timestamp,
    pub archived: bool,
    pub fields: Fields,
    pub stamp: Option<String>,
    /// Records that went up in it.
    pub(crate) merged: Vec<RecordId>,
    /// A ticket of ConnectWise that was merged: the one that it went up in. It is nobody's business any more, and stays.
    pub(crate) into: Option<RecordId>,
    version: u32,
    /// What the search index knows: the newest `modified` whose time has come.
    index: Vec<(i64, Timestamp)>,
}

/// One change of one record, by anybody.
#[derive(Debug, Clone)]
pub struct Mutation {
    pub at: i64,
    pub system: System,
    pub object: ObjectKind,
    pub record: RecordId,
    pub by: By,
    pub what: Change,
    pub fields: Vec<(FieldName, Value, Value)>,
}

/// Who made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A user; `settled` when both sides agreed on the value that was replaced.
    User { settled: bool },
    /// The engine, by this attempt of that intent.
    Engine { intent: IntentId, attempt: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Created,
    /// What the system itself put into a new record.
    Given,
    Updated,
    Deleted,
    Purged,
    Restored,
    /// An activity of ConnectWise is one of another kind now.
    Retyped,
    /// Of what was merged away: the values that were lost with it. Of the survivor: those that it got.
    Merged,
}

/// A request as it arrives: when, which attempt of each intent it is, and how far the server is to be believed.
pub struct Arrival<'a> {
    pub now: i64,
    pub request: &'a Request,
    pub attempts: &'a [(IntentId, u32)],
    /// Say yes, do nothing.
    pub pretend: bool,
    /// Refuse changes as if the records were not there.
    pub denies: bool,
    /// Stop after so many items, as if the process died.
    pub stop_after: usize,
}

impl Server {
    pub fn new(system: System, temper: &Temper, clocks: &Clocks, entropy: u64) -> Self {
        let next = match system {
            System::HubSpot => 1000,
            System::ConnectWise => 10,
        };
        Self {
            system,
            records: BTreeMap::new(),
            kinds: BTreeMap::new(),
            merged: BTreeMap::new(),
            next,
            temper: temper.clone(),
            clocks: clocks.clone(),
            entropy,
        }
    }

    /// The record of that number, gone or not.
    pub fn named(&self, id: RecordId) -> RecordRef {
        RecordRef::new(self.kinds.get(&id).copied().unwrap_or(ObjectKind::Company), self.system, id)
    }

    fn of_object(&self, object: ObjectKind) -> impl Iterator<Item = &Entry> {
        self.records.values().filter(move |entry| entry.object == object)
    }

    /// The server's own clock.
    pub fn clock(&self, now: i64) -> Timestamp {
        Timestamp(EPOCH + now + self.temper.skew[self.system] + self.clocks.set_by(self.system, now))
    }

    /// The time as it writes it into records.
    pub fn time_of(&self, now: i64) -> Timestamp {
        match self.system {
            System::HubSpot => self.clock(now),
            System::ConnectWise => self.clock(now).floor_to_second(),
        }
    }

    /// Does what the request asks and answers.
    pub fn handle(&mut self, arrival: &Arrival<'_>, ledger: &mut Vec<Mutation>) -> AnswerBody {
        let object = arrival.request.object;
        match &arrival.request.body {
            RequestBody::Identify => AnswerBody::Identity {
                tenant: format!("tenant of {}", self.system.key()),
                label: self.system.name().to_owned(),
            },
            RequestBody::Changes { fields, from, until, after, limit } => {
                self.changes(arrival, fields, (*from, *until), *after, *limit)
            }
            RequestBody::List { fields, after, archived, limit } => {
                self.list(object, fields, *after, *archived, *limit)
            }
            RequestBody::Count { since } => AnswerBody::Counted { records: self.count(arrival, *since) },
            RequestBody::Read { fields, ids } => AnswerBody::Records {
                found: ids
                    .iter()
                    .map(|id| (*id, self.answering(object, *id).map(|entry| entry.show(fields))))
                    .collect(),
            },
            RequestBody::FindStamped { fields, stamps } => AnswerBody::Stamped {
                found: stamps.iter().map(|stamp| (stamp.clone(), self.stamped(arrival, fields, stamp))).collect(),
            },
            RequestBody::Create { fields, items } => {
                self.write(arrival, items, |server, item| (item.intent, server.create(arrival, fields, item, ledger)))
            }
            RequestBody::Update { fields, items } => {
                self.write(arrival, items, |server, item| (item.intent, server.update(arrival, fields, item, ledger)))
            }
            RequestBody::Associations { .. }
            | RequestBody::Associate { .. }
            | RequestBody::History { .. }
            | RequestBody::Members { .. } => AnswerBody::Failed(Failure::Rejected(Rejection {
                kind: RejectionKind::Other,
                message: "the model has no such endpoint".to_owned(),
                fields: Vec::new(),
            })),
        }
    }

    fn get(&self, object: ObjectKind, id: RecordId) -> Option<&Entry> {
        self.records.get(&id).filter(|entry| entry.object == object)
    }

    /// Who answers to that number: the survivor in the place of what was merged into it, in ConnectWise of tickets alone.
    fn answering(&self, object: ObjectKind, id: RecordId) -> Option<&Entry> {
        self.get(object, self.survivor(id))
    }

    /// What became of a record: itself, or what it went up in.
    pub fn survivor(&self, mut id: RecordId) -> RecordId {
        while let Some(next) = self.merged.get(&id).filter(|_| self.tells_survivors(id)) {
            id = *next;
        }
        id
    }

    /// Whether that is said of a record that was merged: of companies ConnectWise says that they are deleted.
    pub fn tells_survivors(&self, id: RecordId) -> bool {
        self.system == System::HubSpot || self.named(id).object == ObjectKind::Ticket
    }
}

impl Entry {
    /// A new record is one that the index has not seen yet.
    pub(crate) fn forget_index(&mut self) {
        self.index.clear();
    }

    /// The newest change that the index has seen.
    fn indexed(&self, now: i64) -> Option<Timestamp> {
        self.index.iter().filter(|(visible, _)| *visible <= now).map(|(_, modified)| *modified).max()
    }

    /// The record, reduced to some fields.
    fn show(&self, fields: &[FieldName]) -> Record {
        let chosen = fields.iter().map(|name| (name, self.value(name.as_str())));
        let chosen = chosen.filter(|(_, value)| !value.is_empty());
        Record {
            id: self.id,
            modified: self.modified,
            archived: self.archived && self.into.is_none(),
            fields: chosen.map(|(name, value)| (name.clone(), value.clone())).collect(),
            stamp: self.stamp.clone(),
            merged: self.merged.clone(),
            modified_by: None,
            // whoever made it and whoever changed it are one to this system
            untouched: self.modified == self.made,
        }
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> &Value {
        let held = |name: &str| self.fields.get(name);
        held(kept_as(name)).or_else(|| held(stands_in(name)?)).unwrap_or(&Value::Empty)
    }
}

/// Whether HubSpot sees to it that no two records of an object carry the same key.
pub const fn has_unique_keys(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Company | ObjectKind::Contact | ObjectKind::Deal | ObjectKind::Ticket)
}

/// The records that a value points to.
pub fn ids(value: &Value) -> Vec<RecordId> {
    value.to_plain().split(';').filter_map(|id| id.parse().ok()).collect()
}

/// Several records as HubSpot's associations tell them.
pub fn everyone(ids: impl Iterator<Item = RecordId>) -> Value {
    let mut ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    ids.sort();
    ids.dedup();
    match ids.len() {
        0 => Value::Empty,
        1 => Value::Text(ids.remove(0)),
        _ => Value::Choices(ids),
    }
}
