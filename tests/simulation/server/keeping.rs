//! What a server keeps, whoever changes it.

use std::time::Duration;

use lockstep::model::{FieldName, Fields, ObjectKind, RecordId, System, Timestamp, Value};
use rust_decimal::Decimal;

use super::{By, Change, Entry, Mutation, Server, everyone, ids, is_given_once};
use crate::fields::{self, IDENTIFIER, SPECS, Shape, kept_as};
use crate::random::mix;
use crate::standing;

impl Server {
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
            made: Timestamp::EPOCH,
            modified: Timestamp::EPOCH,
            archived: false,
            fields: Fields::new(),
            stamp,
            merged: Vec::new(),
            into: None,
            version: 0,
            index: Vec::new(),
        };
        let mut changes = Vec::with_capacity(values.len());
        for (name, value) in values {
            let value = self.stored(object, by, name, value, &Value::Empty);
            changes.push((name.clone(), Value::Empty, value.clone()));
            if !value.is_empty() && !is_given_once(name) {
                entry.fields.insert(kept_as(name.as_str()).into(), value);
            }
        }
        if object.is_activity() && self.system == System::ConnectWise {
            let entered = Value::DateTime(self.time_of(now));
            changes.push(("dateEntered".into(), Value::Empty, entered.clone()));
            entry.fields.insert("dateEntered".into(), entered);
        }
        let is_company = object == ObjectKind::Company;
        if is_company && self.system == System::ConnectWise && !entry.fields.contains_key(IDENTIFIER) {
            entry.fields.insert(IDENTIFIER.into(), Value::Text(format!("user{}", id.0)));
        }
        let given = self.own_text(by, &entry);
        if let Some((name, value)) = &given {
            entry.fields.insert(name.clone(), value.clone());
        }
        self.records.insert(id, entry);
        self.touch(now, id);
        if let Some(entry) = self.records.get_mut(&id) {
            entry.made = entry.modified;
        }
        let system = self.system;
        ledger.push(Mutation { at: now, system, object, record: id, by, what: Change::Created, fields: changes });
        if let Some((name, value)) = given {
            let (by, fields) = (By::User { settled: false }, vec![(name, Value::Empty, value)]);
            ledger.push(Mutation { at: now, system, object, record: id, by, what: Change::Given, fields });
        }
        id
    }

    /// What this system itself puts into a company that the engine makes of another: a text like no other, in a field that
    /// it owns.
    fn own_text(&self, by: By, made: &Entry) -> Option<(FieldName, Value)> {
        const UNLIKE_USERS: u32 = 9_000_000;
        let is_ours = matches!(by, By::Engine { .. }) && made.object == ObjectKind::Company && self.temper.fills;
        let owned =
            |spec: &&fields::Spec| spec.object == made.object && spec.shape == Shape::Text && !spec.writes(self.system);
        let place = SPECS.iter().position(|spec| owned(&spec)).filter(|_| is_ours)?;
        let of: u32 = made.stamp.as_deref()?.rsplit(':').next()?.parse().ok()?;
        let value = SPECS[place].value(self.system, (UNLIKE_USERS + of) * 32 + place as u32);
        Some((SPECS[place].name(self.system).into(), value))
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
        if let Some(object) = self.records.get(&id).map(|entry| entry.object) {
            self.set_as(now, (object, id), by, values, stamp, ledger);
        }
    }

    /// The same with the field names of that object: of an activity that is of another kind by now.
    pub(super) fn set_as(
        &mut self,
        now: i64,
        (object, id): (ObjectKind, RecordId),
        by: By,
        values: &[(FieldName, Value)],
        stamp: Option<String>,
        ledger: &mut Vec<Mutation>,
    ) {
        let Some(entry) = self.records.get(&id) else { return };
        let stored =
            |(name, value): &(FieldName, Value)| self.stored(object, by, name, value, entry.value(name.as_str()));
        let stored: Vec<Value> = values.iter().map(stored).collect();
        let Some(entry) = self.records.get_mut(&id) else { return };
        let mut changes = Vec::with_capacity(values.len());
        for ((name, _), value) in values.iter().zip(stored) {
            let before = entry.value(name.as_str()).clone();
            changes.push((name.clone(), before, value.clone()));
            let kept = FieldName::new(kept_as(name.as_str()));
            entry.fields.remove(&kept);
            if !value.is_empty() {
                entry.fields.insert(kept, value);
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
        if self.system == System::ConnectWise && object == ObjectKind::Deal && what == Change::Purged {
            let lines: Vec<RecordId> = self.lines_of(id).map(|line| line.id).collect();
            for line in lines {
                self.move_record(now, line, what, ledger);
            }
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
        let spec = fields::index_of(object, self.system, name.as_str()).map(|at| &SPECS[at]);
        let shape = spec.map_or(Shape::Text, |spec| spec.shape);
        let holds_several = spec.is_some_and(|spec| spec.holds_several(System::HubSpot));
        match (self.system, shape, value) {
            (_, _, Value::Empty) => Value::Empty,
            // what the engine writes is associated beside what is
            (System::HubSpot, _, value) if holds_several => {
                let kept = if matches!(by, By::Engine { .. }) { ids(before) } else { Vec::new() };
                everyone(kept.into_iter().chain(ids(value)))
            }
            (System::ConnectWise, Shape::Stage, value) => {
                Value::Choice(standing::kept(object, &value.to_plain(), &before.to_plain()))
            }
            (System::ConnectWise, Shape::Day | Shape::Moment, value) => value.clone(),
            (System::HubSpot, ..) => Value::text(value.to_plain()),
            (System::ConnectWise, Shape::Number, value) => {
                let number = value.to_plain().trim().parse::<Decimal>();
                number.map_or(Value::Empty, |n| Value::Number(if self.temper.whole_numbers { n.trunc() } else { n }))
            }
            (System::ConnectWise, Shape::Choice, value) => Value::Choice(value.to_plain()),
            (System::ConnectWise, _, value) if spec.is_some_and(|spec| spec.parent().is_some()) => {
                Value::Choice(value.to_plain())
            }
            (System::ConnectWise, _, value) => {
                Value::text(value.to_plain().split_whitespace().collect::<Vec<_>>().join(" "))
            }
        }
    }

    /// A user of ConnectWise gives an activity the type of another kind.
    pub fn retype(&mut self, now: i64, id: RecordId, to: ObjectKind, ledger: &mut Vec<Mutation>) {
        let Some(entry) = self.records.get_mut(&id) else { return };
        entry.object = to;
        self.kinds.insert(id, to);
        self.touch(now, id);
        let (system, by) = (self.system, By::User { settled: false });
        ledger.push(Mutation {
            at: now,
            system,
            object: to,
            record: id,
            by,
            what: Change::Retyped,
            fields: Vec::new(),
        });
    }

    pub(crate) fn touch(&mut self, now: i64, id: RecordId) {
        let belated = self.belated(id);
        let (from, modified) = (self.time_of(now - belated), self.time_of(now));
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
