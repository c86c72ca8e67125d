//! What users do in the two systems, and what people ask of the engine.

use lockstep::engine::core::command::Ask;
use lockstep::model::{FieldName, ObjectKind, RecordRef, System, Value};

use super::Simulation;
use crate::fields::{self, SPECS, Shape};
use crate::scenario::{Newborn, Op, What};
use crate::server::{By, Change, Entry, POISON, everyone, has_unique_keys, ids, required};

impl Simulation<'_> {
    pub(super) fn create(&mut self, one: &Newborn) {
        let mut values: Vec<(FieldName, Value)> = Vec::new();
        for at in fields::places(one.object, !0) {
            let spec = &SPECS[at];
            let number = one.value * 32 + at as u32;
            let value = match (spec.shape, one.key) {
                (Shape::Name, _) => spec.value(one.side, number),
                (Shape::Title, key) => spec.value(one.side, key.unwrap_or(one.value)),
                (Shape::Stage, _) => spec.value(one.side, one.value),
                (Shape::Contacts, _) => {
                    let Some(contacts) = self.contacts_of(one) else { continue };
                    contacts
                }
                (Shape::Once, _) if one.side == System::ConnectWise => continue,
                (Shape::Called, _) if one.side == System::HubSpot => continue,
                // the same key on the same day
                (Shape::Moment, Some(key)) => spec.value(one.side, number / 3 * 3 + key % 3),
                (Shape::Called | Shape::Moment, _) => spec.value(one.side, number),
                (Shape::Words, Some(key)) if one.object == ObjectKind::Note && one.value.is_multiple_of(2) => {
                    spec.value(one.side, key)
                }
                (Shape::Words, _) if one.object == ObjectKind::Note => spec.value(one.side, number),
                (Shape::Choice, _) if one.object.is_activity() && !one.value.is_multiple_of(9) => {
                    spec.value(one.side, one.value)
                }
                (Shape::Deals | Shape::Tickets, _) if !one.value.is_multiple_of(2) => continue,
                (Shape::Product, _) if !one.value.is_multiple_of(3) => continue,
                (Shape::Deal | Shape::Deals | Shape::Tickets | Shape::Product, _) => {
                    let parent = spec.parent().and_then(|of| self.pick(one.side, of, one.value / 2, false));
                    let Some(parent) = parent else { continue };
                    spec.value(one.side, parent.id.0 as u32)
                }
                // what ConnectWise insists on is seldom left out in HubSpot
                (Shape::Choice | Shape::Day, _)
                    if one.object == ObjectKind::Deal
                        && (one.side == System::ConnectWise || !one.value.is_multiple_of(8)) =>
                {
                    spec.value(one.side, if spec.shape == Shape::Choice { one.value } else { number })
                }
                (Shape::Key, Some(key)) => spec.value(one.side, key),
                (Shape::Key, None) => continue,
                (Shape::Reference, _) => {
                    let parent = one.parent.and_then(|pick| self.pick(one.side, ObjectKind::Company, pick, false));
                    let Some(parent) = parent else { continue };
                    spec.value(one.side, parent.id.0 as u32)
                }
                _ if one.fields & (1 << at) == 0 => continue,
                (Shape::Choice, _) => spec.value(one.side, one.value),
                _ => spec.value(one.side, number),
            };
            values.push((spec.name(one.side).into(), value));
        }
        let lacks = |name: &&str| values.iter().all(|(given, _)| given.as_str() != *name);
        if (matches!(one.object, ObjectKind::Deal | ObjectKind::Ticket) || !has_unique_keys(one.object))
            && required(one.object, one.side).iter().any(lacks)
        {
            return;
        }
        let server = &mut self.servers[one.side];
        if values.iter().any(|(name, value)| server.is_taken(one.object, name, value, None)) {
            return;
        }
        let by = By::User { settled: false };
        let id = server.insert(self.now, by, one.object, &values, None, &mut self.ledger);
        self.note(|| format!("user creates {} {} {id}: {}", one.side, one.object, crate::words::values(&values)));
    }

    /// The contacts of a new deal or ticket: one of its company where there is one; some in HubSpot have two.
    fn contacts_of(&self, one: &Newborn) -> Option<Value> {
        let company = one.parent.and_then(|pick| self.pick(one.side, ObjectKind::Company, pick, false))?.id.to_string();
        let spec = fields::place_of(ObjectKind::Contact, Shape::Reference).map(|at| SPECS[at].name(one.side))?;
        let live = |entry: &Entry| entry.object == ObjectKind::Contact && !entry.archived;
        let of_company =
            self.pick_among(one.side, one.value, |entry| live(entry) && entry.value(spec).to_plain() == company);
        let any = self.pick_among(one.side, one.value, live);
        let is_first_left_out = one.value.is_multiple_of(7);
        let second = any.filter(|_| one.side == System::HubSpot && one.value.is_multiple_of(3));
        let chosen = of_company.filter(|_| !is_first_left_out).or(any).into_iter().chain(second);
        Some(everyone(chosen.map(|contact| contact.id)))
            .filter(|value| !value.is_empty())
            .map(|value| if one.side == System::ConnectWise { Value::Choice(value.to_plain()) } else { value })
    }

    pub(super) fn act(&mut self, index: usize) {
        let Op { what, .. } = &self.scenario.ops[index];
        match what.clone() {
            What::Create(one) => self.create(&one),
            What::Edit { side, pick, field, value } => {
                // each value names its field, so that one number may be used for both sides of a pair
                let number = if SPECS[field].shape == Shape::Choice { value } else { value * 32 + field as u32 };
                let number = match SPECS[field].parent() {
                    Some(parent) => match self.pick(side, parent, value, false) {
                        Some(parent) => parent.id.0 as u32,
                        None => return,
                    },
                    None => number,
                };
                let mut new = SPECS[field].value(side, number);
                if (SPECS[field].shape, side) == (Shape::Once, System::ConnectWise)
                    || SPECS[field].shape == Shape::Called
                {
                    return;
                }
                if SPECS[field].holds_several(side)
                    && SPECS[field].shape != Shape::Deal
                    && let Some(of) = SPECS[field].parent()
                    && let Some(second) = self.pick(side, of, value / 3, false)
                    && value.is_multiple_of(2)
                {
                    new = everyone(ids(&new).into_iter().chain([second.id]));
                }
                self.edit(side, pick, field, &new);
            }
            What::Clear { side, pick, field } => {
                if SPECS[field].may_be_emptied(side) {
                    self.edit(side, pick, field, &Value::Empty);
                }
            }
            What::Poison { side, pick, field, value } => {
                let name = fields::place_of(SPECS[field].object, Shape::Name).unwrap_or(0);
                let field =
                    if matches!(SPECS[field].shape, Shape::Text | Shape::Name | Shape::Words) { field } else { name };
                self.edit(side, pick, field, &Value::Text(format!("{POISON} {value}")));
            }
            What::Delete { side, pick } => self.move_one(side, pick, Change::Deleted),
            What::Purge { side, pick } => self.move_one(side, pick, Change::Purged),
            What::Restore { side, pick } => self.move_one(side, pick, Change::Restored),
            What::Retype { pick, to } => self.retype(pick, to),
            What::Merge { side, pick, other } => self.merge(side, pick, other),
            What::MergeTickets { pick, other, into_newest } => self.merge_tickets(pick, other, into_newest),
            What::Decide { pick, winner } => self.decide(pick, winner),
            What::Retry { side, pick } => {
                if let Some(record) = self.pick_any(side, pick, false) {
                    self.ask(Ask::Retry { record });
                }
            }
            What::Push { side, pick } => {
                if let Some(record) = self.pick_any(side, pick, false) {
                    let to = if pick.is_multiple_of(2) { side } else { side.other() };
                    self.watch.pushed.push((self.now, record, to));
                    self.ask(Ask::Push { record, to, dry_run: false });
                }
            }
        }
    }

    /// The record of a side that a number names.
    fn pick(&self, side: System, object: ObjectKind, pick: u32, archived: bool) -> Option<RecordRef> {
        self.pick_among(side, pick, |entry| entry.archived == archived && entry.object == object)
    }

    fn pick_any(&self, side: System, pick: u32, archived: bool) -> Option<RecordRef> {
        self.pick_among(side, pick, |entry| entry.archived == archived)
    }

    fn pick_among(&self, side: System, pick: u32, fits: impl Fn(&Entry) -> bool) -> Option<RecordRef> {
        let matching = || self.servers[side].records.values().filter(|entry| fits(entry));
        let at = pick as usize % matching().count().max(1);
        matching().nth(at).map(|entry| RecordRef::new(entry.object, side, entry.id))
    }

    fn edit(&mut self, side: System, pick: u32, field: usize, value: &Value) {
        let Some(record) = self.pick(side, SPECS[field].object, pick, false) else { return };
        let name = FieldName::new(SPECS[field].name(side));
        if self.servers[side].is_taken(record.object, &name, value, Some(record.id)) {
            return;
        }
        let settled = self.is_settled(record, field);
        self.note(|| format!("user sets {record} {name} = {value:?}"));
        let by = By::User { settled };
        self.servers[side].set(self.now, record.id, by, &[(name, value.clone())], None, &mut self.ledger);
    }

    /// Somebody edits a field that is written one way, while nobody knows what became of a write to it.
    pub(super) fn meddle(&mut self, record: RecordRef, field: usize, value: u32) {
        if !self.is_live(record) {
            return;
        }
        let name = FieldName::new(SPECS[field].name(record.system));
        let value = SPECS[field].value(record.system, value * 32 + field as u32 % 32);
        self.note(|| format!("user sets {record} {name} = {value:?}, amid an unknown write"));
        self.outcome.counters.saw("an edit amid a one-way write of unknown fate");
        let by = By::User { settled: false };
        self.servers[record.system].set(self.now, record.id, by, &[(name, value)], None, &mut self.ledger);
    }

    /// Whether the engine knows that both sides hold what this side holds, and has nothing under way for the pair.
    fn is_settled(&self, record: RecordRef, field: usize) -> bool {
        let Some(link) = self.store.link_at(record) else { return false };
        let Some(agreed) = link.baseline.get(&SPECS[field].key()) else { return false };
        let held = self.servers[record.system]
            .records
            .get(&record.id)
            .map(|entry| entry.value(SPECS[field].name(record.system)));
        let spec = &SPECS[field];
        let same = held
            .is_some_and(|held| spec.canon(record.system, held) == spec.canon(record.system, agreed.of(record.system)));
        let quiet = self.store.open_at().all(|intent| intent.link != Some(link.id));
        same && quiet
    }

    fn move_one(&mut self, side: System, pick: u32, what: Change) {
        let is_restored = what == Change::Restored;
        let fits = |entry: &Entry| entry.archived == is_restored && entry.into.is_none();
        let Some(record) = self.pick_among(side, pick, fits) else { return };
        self.note(|| format!("user makes {record} {what:?}"));
        self.outcome.counters.moves += 1;
        self.servers[side].move_record(self.now, record.id, what, &mut self.ledger);
    }

    fn retype(&mut self, pick: u32, to: ObjectKind) {
        let fits = |entry: &Entry| !entry.archived && entry.object.is_activity() && entry.object != to;
        let Some(record) = self.pick_among(System::ConnectWise, pick, fits) else { return };
        self.note(|| format!("user makes {record} a {to}"));
        self.outcome.counters.saw("an activity that became another kind");
        self.servers.connectwise.retype(self.now, record.id, to, &mut self.ledger);
    }

    fn merge(&mut self, side: System, pick: u32, other: u32) {
        let fits = |entry: &Entry| !entry.archived && crate::merging::can_be_merged(side, entry.object);
        let Some(first) = self.pick_among(side, pick, fits) else { return };
        let second =
            self.pick_among(side, other, |entry| fits(entry) && entry.object == first.object && entry.id != first.id);
        let Some(second) = second else { return };
        self.merge_into(first, second);
    }

    fn merge_into(&mut self, first: RecordRef, second: RecordRef) {
        self.note(|| format!("user merges {second} into {first}"));
        let links = [first, second].map(|record| crate::merging::link_before(self, record));
        self.servers[first.system].merge(self.now, first.id, second.id, &mut self.ledger);
        crate::merging::note_heir(self, first, links);
    }

    fn merge_tickets(&mut self, pick: u32, other: u32, into_newest: bool) {
        let side = System::ConnectWise;
        let is_ticket = |entry: &Entry| !entry.archived && entry.object == ObjectKind::Ticket;
        let newest = self.servers[side].records.values().rfind(|entry| is_ticket(entry)).map(|entry| entry.id);
        let newest = newest.filter(|_| into_newest).map(|id| RecordRef::new(ObjectKind::Ticket, side, id));
        let Some(first) = newest.or_else(|| self.pick_among(side, pick, is_ticket)) else { return };
        let Some(second) = self.pick_among(side, other, |entry| is_ticket(entry) && entry.id != first.id) else {
            return;
        };
        self.merge_into(first, second);
    }

    fn decide(&mut self, pick: u32, winner: System) {
        let links: Vec<_> = self.store.links.keys().copied().collect();
        if links.is_empty() {
            return;
        }
        let link = links[pick as usize % links.len()];
        self.ask(Ask::Decide { link, field: None, winner });
    }
}
