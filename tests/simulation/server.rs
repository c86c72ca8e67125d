//! Two mean servers behind one vocabulary: a HubSpot with a lagging index and unique keys, a ConnectWise with
//! single writes, whole seconds and soft deletes. Written from the API facts, not from the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use lockstep::engine::core::request::{
    AnswerBody, CreateItem, Failure, ItemOutcome, Rejection, RejectionKind, Request, RequestBody, UpdateItem,
};
use lockstep::model::{FieldName, Fields, IntentId, ObjectKind, Record, RecordId, RecordRef, System, Timestamp, Value};
use rust_decimal::Decimal;

use crate::clocks::Clocks;
use crate::fields::{self, IDENTIFIER, SPECS, Shape, Spec};
use crate::random::mix;
use crate::scenario::Temper;
use crate::standing;

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
    pub modified: Timestamp,
    pub archived: bool,
    pub fields: Fields,
    pub stamp: Option<String>,
    /// Records that went up in it.
    pub(crate) merged: Vec<RecordId>,
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
    Updated,
    Deleted,
    Purged,
    Restored,
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
    fn stamp_time(&self, now: i64) -> Timestamp {
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

    /// Who answers to that number: HubSpot shows the survivor in the place of what was merged into it.
    fn answering(&self, object: ObjectKind, id: RecordId) -> Option<&Entry> {
        self.get(object, self.survivor(id))
    }

    /// What became of a record: itself, or what it went up in.
    pub fn survivor(&self, mut id: RecordId) -> RecordId {
        while let Some(next) = self.merged.get(&id).filter(|_| self.system == System::HubSpot) {
            id = *next;
        }
        id
    }

    fn changes(
        &self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        window: (Timestamp, Timestamp),
        after: Option<RecordId>,
        limit: u32,
    ) -> AnswerBody {
        let now = arrival.now;
        let rows = self.of_object(arrival.request.object).filter(|entry| after.is_none_or(|after| entry.id > after));
        let rows = rows.filter(|entry| {
            let at = match self.system {
                System::HubSpot if entry.archived => return false,
                System::HubSpot => entry.indexed(now),
                System::ConnectWise => Some(entry.modified),
            };
            at.is_some_and(|at| window.0 <= at && at <= window.1)
        });
        self.page(rows, fields, limit)
    }

    fn list(
        &self,
        object: ObjectKind,
        fields: &[FieldName],
        after: Option<RecordId>,
        archived: bool,
        limit: u32,
    ) -> AnswerBody {
        let rows = self.of_object(object).filter(|entry| after.is_none_or(|after| entry.id > after));
        // ConnectWise keeps its deleted companies in the same list
        let rows = rows.filter(|entry| self.system == System::ConnectWise || entry.archived == archived);
        self.page(rows, fields, limit)
    }

    /// HubSpot counts what its index has seen, and nothing else.
    fn count(&self, arrival: &Arrival<'_>, since: Option<Timestamp>) -> Option<u64> {
        let rows = self.of_object(arrival.request.object);
        let count = match (self.system, since) {
            (System::HubSpot, None) => return None,
            (System::HubSpot, Some(since)) => {
                rows.filter(|entry| !entry.archived && entry.indexed(arrival.now).is_some_and(|at| since <= at)).count()
            }
            (System::ConnectWise, since) => {
                rows.filter(|entry| since.is_none_or(|since| since <= entry.modified)).count()
            }
        };
        Some(count as u64)
    }

    fn page<'a>(&self, rows: impl Iterator<Item = &'a Entry>, fields: &[FieldName], limit: u32) -> AnswerBody {
        let limit = self.temper.page.min(limit as usize).max(1);
        let mut rows = rows.peekable();
        let mut records = Vec::with_capacity(limit);
        while records.len() < limit
            && let Some(entry) = rows.next()
        {
            records.push(entry.show(fields));
        }
        let last = records.last().map(|record: &Record| record.id);
        AnswerBody::Page {
            last,
            more: rows.peek().is_some(),
            records,
            unread: Vec::new(),
            others: Vec::new(),
            parents: Vec::new(),
        }
    }

    /// Products of HubSpot have no unique properties: their stamps are asked of the index, which trails and knows no
    /// archive.
    fn stamped(&self, arrival: &Arrival<'_>, fields: &[FieldName], stamp: &str) -> Vec<Record> {
        let object = arrival.request.object;
        let by_index = self.system == System::HubSpot && object == ObjectKind::Product;
        let known = |entry: &&Entry| !by_index || !entry.archived && entry.indexed(arrival.now).is_some();
        let carriers = self.of_object(object).filter(known).filter(|entry| entry.stamp.as_deref() == Some(stamp));
        carriers.map(|entry| entry.show(fields)).collect()
    }

    fn write<T: Item>(
        &mut self,
        arrival: &Arrival<'_>,
        items: &[T],
        mut one: impl FnMut(&mut Self, &T) -> (IntentId, ItemOutcome),
    ) -> AnswerBody {
        if self.temper.all_or_nothing
            && let Some(bad) =
                items.iter().find_map(|item| self.reason_to_refuse(arrival.request.object, item.values()))
        {
            return AnswerBody::Failed(Failure::Rejected(bad));
        }
        AnswerBody::Written { items: items.iter().take(arrival.stop_after).map(|item| one(self, item)).collect() }
    }

    /// What is wrong with the values themselves.
    fn reason_to_refuse(&self, object: ObjectKind, values: &[(FieldName, Value)]) -> Option<Rejection> {
        for (name, value) in values {
            if value.to_plain().contains(POISON) {
                return Some(invalid(name, NOT_ACCEPTABLE));
            }
            let known = name.as_str() == IDENTIFIER || fields::index_of(object, self.system, name.as_str()).is_some();
            if !known {
                return Some(invalid(name, "there is no such field"));
            }
        }
        None
    }

    fn create(
        &mut self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        item: &CreateItem,
        ledger: &mut Vec<Mutation>,
    ) -> ItemOutcome {
        let object = arrival.request.object;
        let reason = self.reason_to_refuse(object, &item.values).or_else(|| self.reason_not_to_create(object, item));
        if let Some(reason) = reason.or_else(|| self.reason_of_others(object, None, &item.values)) {
            return ItemOutcome::Rejected(reason);
        }
        let by = By::Engine { intent: item.intent, attempt: attempt_of(arrival, item.intent) };
        let values: Vec<(FieldName, Value)> = item.values.clone();
        let id = self.insert(arrival.now, by, object, &values, Some(item.stamp.clone()), ledger);
        ItemOutcome::Applied(Box::new(self.records[&id].show(fields)))
    }

    /// What other records say against these values: a company that is not there, an e-mail address that is taken.
    fn reason_of_others(
        &self,
        object: ObjectKind,
        own: Option<RecordId>,
        values: &[(FieldName, Value)],
    ) -> Option<Rejection> {
        for (name, value) in values.iter().filter(|(_, value)| !value.is_empty()) {
            let spec = fields::index_of(object, self.system, name.as_str()).map(|at| &SPECS[at]);
            if let Some(parent) = spec.and_then(Spec::parent) {
                let parent = value.to_plain().parse().ok().and_then(|id| self.get(parent, id));
                if parent.is_none_or(|parent| parent.archived) {
                    return Some(invalid(name, "there is no such record"));
                }
            }
            match spec.map(|spec| (spec.object, spec.shape)) {
                Some((ObjectKind::Contact, Shape::Key)) if self.system == System::HubSpot => {
                    if let Some(owner) = self.owner_of_address(value).filter(|owner| Some(*owner) != own) {
                        return Some(duplicate(owner, "email"));
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether HubSpot lets a user not have that value: another contact has that address.
    pub fn is_taken(&self, object: ObjectKind, name: &FieldName, value: &Value, own: Option<RecordId>) -> bool {
        let of_address = self.system == System::HubSpot && object == ObjectKind::Contact && name.as_str() == "email";
        of_address && !value.is_empty() && self.owner_of_address(value).is_some_and(|owner| Some(owner) != own)
    }

    /// The living HubSpot contact with that address: no two have the same.
    fn owner_of_address(&self, value: &Value) -> Option<RecordId> {
        let mut contacts = self.of_object(ObjectKind::Contact).filter(|entry| !entry.archived);
        contacts.find(|entry| entry.value("email").to_plain() == value.to_plain()).map(|entry| entry.id)
    }

    fn reason_not_to_create(&self, object: ObjectKind, item: &CreateItem) -> Option<Rejection> {
        let lacks =
            |wanted: &&&str| item.values.iter().all(|(name, value)| name.as_str() != **wanted || value.is_empty());
        if let Some(name) = required(object, self.system).iter().find(lacks) {
            return Some(invalid(&(*name).into(), "the field is required"));
        }
        match self.system {
            System::HubSpot => self.owner_of_key(object, &item.stamp).map(|id| duplicate(id, "connectwise_key")),
            System::ConnectWise if object != ObjectKind::Company => None,
            System::ConnectWise => {
                let Some((_, identifier)) = item.values.iter().find(|(name, _)| name.as_str() == IDENTIFIER) else {
                    return Some(invalid(&IDENTIFIER.into(), "the field is required"));
                };
                if identifier.to_plain().is_empty() || identifier.to_plain().chars().count() > 25 {
                    return Some(invalid(&IDENTIFIER.into(), "the length must be from 1 to 25"));
                }
                let taken = self.records.values().any(|entry| entry.fields.get(IDENTIFIER) == Some(identifier));
                taken.then(|| Rejection {
                    kind: RejectionKind::Duplicate { existing: None },
                    message: "the company identifier exists already".into(),
                    fields: vec![IDENTIFIER.into()],
                })
            }
        }
    }

    fn owner_of_key(&self, object: ObjectKind, stamp: &str) -> Option<RecordId> {
        if object == ObjectKind::Product {
            return None;
        }
        let owns = |entry: &&Entry| {
            entry.stamp.as_deref() == Some(stamp) && (self.temper.archived_keeps_key || !entry.archived)
        };
        self.records.values().find(owns).map(|entry| entry.id)
    }

    fn update(
        &mut self,
        arrival: &Arrival<'_>,
        fields: &[FieldName],
        item: &UpdateItem,
        ledger: &mut Vec<Mutation>,
    ) -> ItemOutcome {
        let object = arrival.request.object;
        let reason = self.reason_to_refuse(object, &item.values);
        if let Some(reason) = reason.or_else(|| self.reason_of_others(object, Some(item.id), &item.values)) {
            return ItemOutcome::Rejected(reason);
        }
        if let Some(stamp) = &item.stamp
            && let Some(owner) = self.owner_of_key(object, stamp)
            && owner != item.id
        {
            return ItemOutcome::Rejected(duplicate(owner, "connectwise_key"));
        }
        let Some(entry) = self.get(object, item.id).filter(|entry| !entry.archived) else {
            return ItemOutcome::Rejected(Rejection {
                kind: RejectionKind::NotFound,
                message: "the record does not exist".into(),
                fields: Vec::new(),
            });
        };
        if arrival.denies {
            return ItemOutcome::Rejected(Rejection {
                kind: RejectionKind::NotFound,
                message: "the record does not exist".into(),
                fields: Vec::new(),
            });
        }
        if arrival.pretend {
            return ItemOutcome::Applied(Box::new(entry.show(fields)));
        }
        let by = By::Engine { intent: item.intent, attempt: attempt_of(arrival, item.intent) };
        self.set(arrival.now, item.id, by, &item.values, item.stamp.clone(), ledger);
        ItemOutcome::Applied(Box::new(self.records[&item.id].show(fields)))
    }

    /// Makes a record, for a user or for the engine.
    pub fn insert(
        &mut self,
        now: i64,
        by: By,
        object: ObjectKind,
        values: &[(FieldName, Value)],
        stamp: Option<String>,
        ledger: &mut Vec<Mutation>,
    ) -> RecordId {
        self.next += 1;
        let id = RecordId(self.next);
        self.kinds.insert(id, object);
        let mut entry = Entry {
            object,
            id,
            modified: Timestamp::EPOCH,
            archived: false,
            fields: Fields::new(),
            stamp,
            merged: Vec::new(),
            version: 0,
            index: Vec::new(),
        };
        let mut changes = Vec::with_capacity(values.len());
        for (name, value) in values {
            let value = self.stored(object, by, name, value, &Value::Empty);
            changes.push((name.clone(), Value::Empty, value.clone()));
            if !value.is_empty() && !is_given_once(name) {
                entry.fields.insert(name.clone(), value);
            }
        }
        let is_company = object == ObjectKind::Company;
        if is_company && self.system == System::ConnectWise && !entry.fields.contains_key(IDENTIFIER) {
            entry.fields.insert(IDENTIFIER.into(), Value::Text(format!("user{}", id.0)));
        }
        self.records.insert(id, entry);
        self.touch(now, id);
        let system = self.system;
        ledger.push(Mutation { at: now, system, object, record: id, by, what: Change::Created, fields: changes });
        id
    }

    /// Changes some fields of a record that is there.
    pub fn set(
        &mut self,
        now: i64,
        id: RecordId,
        by: By,
        values: &[(FieldName, Value)],
        stamp: Option<String>,
        ledger: &mut Vec<Mutation>,
    ) {
        let Some(entry) = self.records.get(&id) else { return };
        let object = entry.object;
        let stored = |(name, value): &(FieldName, Value)| {
            self.stored(object, by, name, value, entry.fields.get(name).unwrap_or(&Value::Empty))
        };
        let stored: Vec<Value> = values.iter().map(stored).collect();
        let Some(entry) = self.records.get_mut(&id) else { return };
        let mut changes = Vec::with_capacity(values.len());
        for ((name, _), value) in values.iter().zip(stored) {
            let before = entry.fields.remove(name).unwrap_or_default();
            changes.push((name.clone(), before, value.clone()));
            if !value.is_empty() {
                entry.fields.insert(name.clone(), value);
            }
        }
        if stamp.is_some() {
            entry.stamp = stamp;
        }
        self.touch(now, id);
        let system = self.system;
        ledger.push(Mutation { at: now, system, object, record: id, by, what: Change::Updated, fields: changes });
    }

    /// Moves a record into the recycle bin, out of it, or out of the world.
    pub fn move_record(&mut self, now: i64, id: RecordId, what: Change, ledger: &mut Vec<Mutation>) {
        let Some(object) = self.records.get(&id).map(|entry| entry.object) else { return };
        // ConnectWise has a recycle bin for companies only
        let what = match (self.system, object, what) {
            (System::ConnectWise, ObjectKind::Company, _) | (System::HubSpot, ..) => what,
            (System::ConnectWise, _, Change::Deleted) => Change::Purged,
            _ => what,
        };
        if self.system == System::HubSpot && what != Change::Restored {
            self.let_children_go(now, object, id, ledger);
        }
        match what {
            Change::Purged => drop(self.records.remove(&id)),
            _ => {
                if let Some(entry) = self.records.get_mut(&id) {
                    entry.archived = what == Change::Deleted;
                }
                self.touch(now, id);
            }
        }
        let by = By::User { settled: false };
        ledger.push(Mutation { at: now, system: self.system, object, record: id, by, what, fields: Vec::new() });
    }

    /// A deleted record of HubSpot takes its associations with it.
    fn let_children_go(&mut self, now: i64, object: ObjectKind, parent: RecordId, ledger: &mut Vec<Mutation>) {
        for spec in SPECS.iter().filter(|spec| spec.parent() == Some(object)) {
            let name = FieldName::new(spec.name(self.system));
            let points = |entry: &&Entry| ids(entry.value(name.as_str())).contains(&parent);
            let children = self.of_object(spec.object).filter(points);
            let left = |entry: &Entry| {
                let left = ids(entry.value(name.as_str())).into_iter().filter(|id| *id != parent);
                (entry.id, everyone(left))
            };
            let children: Vec<(RecordId, Value)> = children.map(left).collect();
            for (id, left) in children {
                self.set(now, id, By::User { settled: false }, &[(name.clone(), left)], None, ledger);
            }
        }
    }

    /// The value as this system keeps it: HubSpot knows text only, ConnectWise tidies text.
    fn stored(&self, object: ObjectKind, by: By, name: &FieldName, value: &Value, before: &Value) -> Value {
        let shape = fields::index_of(object, self.system, name.as_str()).map_or(Shape::Text, |at| SPECS[at].shape);
        match (self.system, shape, value) {
            (_, _, Value::Empty) => Value::Empty,
            // what the engine writes is associated beside what is
            (System::HubSpot, Shape::Contacts, value) => {
                let kept = if matches!(by, By::Engine { .. }) { ids(before) } else { Vec::new() };
                everyone(kept.into_iter().chain(ids(value)))
            }
            (System::ConnectWise, Shape::Stage, value) => {
                Value::Choice(standing::kept(object, &value.to_plain(), &before.to_plain()))
            }
            (System::ConnectWise, Shape::Day, value) => value.clone(),
            (System::HubSpot, ..) => Value::text(value.to_plain()),
            (System::ConnectWise, Shape::Number, value) => {
                let number = value.to_plain().trim().parse::<Decimal>();
                number.map_or(Value::Empty, |n| Value::Number(if self.temper.whole_numbers { n.trunc() } else { n }))
            }
            (System::ConnectWise, Shape::Choice | Shape::Reference | Shape::Contacts, value) => {
                Value::Choice(value.to_plain())
            }
            (System::ConnectWise, _, value) => {
                Value::text(value.to_plain().split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }

    pub(crate) fn touch(&mut self, now: i64, id: RecordId) {
        let belated = self.belated(id);
        let (from, modified) = (self.stamp_time(now - belated), self.stamp_time(now));
        let lag = self.lag(id);
        let Some(entry) = self.records.get_mut(&id) else { return };
        // later than the change before it, as its own time has seconds for that
        entry.modified = from.max(modified.min(entry.modified + Duration::from_secs(1)));
        entry.version += 1;
        if self.system == System::HubSpot {
            let known = entry.indexed(now);
            entry.index.retain(|(visible, at)| *visible > now || Some(*at) == known);
            entry.index.push((now + lag, modified));
        }
    }

    /// How long ago the change that shows now began, in milliseconds.
    fn belated(&self, id: RecordId) -> i64 {
        if self.system == System::HubSpot || self.temper.belated == 0 {
            return 0;
        }
        let version = self.records.get(&id).map_or(0, |entry| entry.version);
        let word = mix(mix(self.entropy ^ 7, id.0), u64::from(version));
        (word % self.temper.belated.unsigned_abs()).cast_signed()
    }

    /// How long the index takes to see this version: 90 % within 5 s, 9 % within a minute, 1 % within ten.
    fn lag(&self, id: RecordId) -> i64 {
        if let Some(steady) = self.temper.steady_lag {
            return steady;
        }
        if !self.temper.lag {
            return 0;
        }
        let version = self.records.get(&id).map_or(0, |entry| entry.version);
        let word = mix(mix(self.entropy, id.0), u64::from(version));
        let below = |limit: u64| (mix(word, 1) % limit).cast_signed();
        match word % 100 {
            0 => below(600_000),
            1..10 => below(60_000),
            _ => below(5_000),
        }
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
        let chosen = fields.iter().filter_map(|name| self.fields.get_key_value(name));
        Record {
            id: self.id,
            modified: self.modified,
            archived: self.archived,
            fields: chosen.map(|(name, value)| (name.clone(), value.clone())).collect(),
            stamp: self.stamp.clone(),
            merged: self.merged.clone(),
            modified_by: None,
        }
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Empty)
    }
}

/// What creates and updates have in common.
trait Item {
    fn values(&self) -> &[(FieldName, Value)];
}

impl Item for CreateItem {
    fn values(&self) -> &[(FieldName, Value)] {
        &self.values
    }
}

impl Item for UpdateItem {
    fn values(&self) -> &[(FieldName, Value)] {
        &self.values
    }
}

/// What a system takes no new record without.
pub const fn required(object: ObjectKind, system: System) -> &'static [&'static str] {
    match (object, system) {
        (ObjectKind::Company, System::ConnectWise) => &["name"],
        (ObjectKind::Contact, System::ConnectWise) => &["firstName", "company"],
        (ObjectKind::Deal, System::HubSpot) => &["dealname", "dealstage"],
        (ObjectKind::Deal, System::ConnectWise) => {
            &["name", "primarySalesRep", "company", "contact", "expectedCloseDate"]
        }
        (ObjectKind::Ticket, System::HubSpot) => &["subject", "hs_pipeline_stage"],
        (ObjectKind::Ticket, System::ConnectWise) => &["summary", "company"],
        _ => &[],
    }
}

/// ConnectWise makes a note of it and shows it nowhere in the ticket.
pub fn is_given_once(name: &FieldName) -> bool {
    name.as_str() == "initialDescription"
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

fn attempt_of(arrival: &Arrival<'_>, intent: IntentId) -> u32 {
    arrival.attempts.iter().find(|(id, _)| *id == intent).map_or(0, |(_, attempt)| *attempt)
}

fn invalid(name: &FieldName, why: &str) -> Rejection {
    Rejection { kind: RejectionKind::Invalid, message: format!("{name}: {why}"), fields: vec![name.to_string()] }
}

fn duplicate(existing: RecordId, field: &str) -> Rejection {
    Rejection {
        kind: RejectionKind::Duplicate { existing: Some(existing) },
        message: format!("the unique value is taken by {existing}"),
        fields: vec![field.to_owned()],
    }
}
