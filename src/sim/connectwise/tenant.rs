//! The stored records of the tenant and every change to them: made, replaced, binned, merged. Knows nothing of HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::{Value, json};

use super::behaviour::SelfSuppression;
use super::entity::Entity;
use super::fields::{FieldId, Kind, Misfit, Problem, Stored, Target};
use super::record::Record;
use super::rules;
use super::shelf::Shelf;
use super::tables::Tables;
use crate::sim::Side;
use crate::sim::ledger::Verb;
use crate::sim::object::Object;
use crate::sim::options::CONNECTWISE_COMPANY;
use crate::sim::world::{Act, Changes};

/// Why a write failed.
#[derive(Debug)]
pub(crate) enum WriteError {
    NotFound(Entity, u32),
    Invalid(Entity, Vec<Problem>),
    Conversion(String),
    UnknownMember(Entity, String),
    /// The record is in use: 409.
    InUse(Entity, u32),
}

impl WriteError {
    pub fn one(entity: Entity, code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(entity, vec![Problem::new(code, field, message)])
    }

    pub fn misfit(entity: Entity, misfit: Misfit) -> Self {
        match misfit {
            Misfit::Problem(problem) => Self::Invalid(entity, vec![problem]),
            Misfit::Conversion(text) => Self::Conversion(text),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Tenant {
    pub tables: Tables,
    shelves: [Shelf; Entity::COUNT],
    next_association: u32,
    next_item: u32,
    /// Companies that a merge left without a trace.
    pub merged_away: BTreeSet<u32>,
    /// Tickets into which others were merged.
    pub merged_tickets: BTreeSet<u32>,
    /// Changes, by their number in the ledger, that no call-back tells of.
    pub hushed: BTreeSet<u64>,
    /// Per call-back entry: the last change before it was made.
    pub callbacks_since: BTreeMap<u32, u64>,
    pub login_company: String,
    pub self_suppression: SelfSuppression,
    /// Start of the minute that is counted, and its requests.
    pub minute: (i64, u32),
}

impl Tenant {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            tables: Tables::standard()?,
            shelves: Entity::ALL.map(Shelf::new),
            next_association: 501,
            next_item: 3_001,
            merged_away: BTreeSet::new(),
            merged_tickets: BTreeSet::new(),
            hushed: BTreeSet::new(),
            callbacks_since: BTreeMap::new(),
            login_company: CONNECTWISE_COMPANY.to_owned(),
            self_suppression: SelfSuppression::Nothing,
            minute: (0, 0),
        })
    }

    pub fn shelf(&self, entity: Entity) -> &Shelf {
        // As many shelves as entities, in their order.
        &self.shelves[entity as usize]
    }

    pub fn shelf_mut(&mut self, entity: Entity) -> &mut Shelf {
        &mut self.shelves[entity as usize]
    }

    pub fn find(&self, entity: Entity, id: u32) -> Option<&Record> {
        self.shelf(entity).get(id)
    }

    /// The records of that kind which belong to `owner`, in id order.
    pub fn of(&self, entity: Entity, owner: u32) -> impl Iterator<Item = &Record> {
        let shelf = self.shelf(entity);
        shelf.of(owner).filter_map(|id| shelf.get(id))
    }

    /// An empty record, not yet stored. `now` in milliseconds since 1970.
    pub fn blank(&self, entity: Entity, now: i64, who: &str) -> Record {
        Record::blank(self.shelf(entity).next_id(), now, who)
    }

    pub fn add_type(&mut self, record: &mut Record, type_id: u32) -> u32 {
        if let Some((association, _)) = record.types.iter().find(|(_, t)| *t == type_id) {
            return *association;
        }
        let association = self.next_association;
        record.types.push((association, type_id));
        self.next_association += 1;
        association
    }

    pub const fn new_item_id(&mut self) -> u32 {
        self.next_item += 1;
        self.next_item - 1
    }

    /// Stores a record made with `blank`, without any check.
    pub fn insert(&mut self, entity: Entity, record: Record) {
        self.shelf_mut(entity).put(record);
    }

    /// Stores a new record after checking it.
    pub fn create(&mut self, act: &mut Act<'_>, entity: Entity, mut record: Record) -> Result<u32, WriteError> {
        rules::derive(self, act, entity, &mut record, None);
        rules::check(self, &act.behaviour.connectwise, entity, &record, None)?;
        stamp(act, &mut record, true);
        let (id, changes) = (record.id, self.differences(entity, None, &record));
        self.insert(entity, record);
        self.note(act, entity, id, Verb::Create, changes);
        rules::follow(self, act, entity, id, None);
        Ok(id)
    }

    /// Replaces a stored record by a changed copy of it, after checking the whole of it.
    pub fn replace(
        &mut self,
        act: &mut Act<'_>,
        entity: Entity,
        mut record: Record,
        verb: Verb,
    ) -> Result<(), WriteError> {
        let id = record.id;
        let old = self.find(entity, id).cloned().ok_or(WriteError::NotFound(entity, id))?;
        rules::derive(self, act, entity, &mut record, Some(&old));
        rules::check(self, &act.behaviour.connectwise, entity, &record, Some(&old))?;
        stamp(act, &mut record, false);
        let changes = self.differences(entity, Some(&old), &record);
        self.insert(entity, record);
        self.note(act, entity, id, verb, changes);
        rules::follow(self, act, entity, id, Some(&old));
        Ok(())
    }

    /// Deletes as the system does: companies go to the recycle bin, all else for good.
    pub fn delete(&mut self, act: &mut Act<'_>, entity: Entity, id: u32) -> Result<(), WriteError> {
        self.find(entity, id).ok_or(WriteError::NotFound(entity, id))?;
        rules::may_go(self, act, entity, id)?;
        if entity == Entity::Company {
            return self.bin(act, id, true);
        }
        rules::before_gone(self, entity, id);
        if let Some(old) = self.shelf_mut(entity).take(id) {
            self.note_gone(act, entity, &old);
        }
        Ok(())
    }

    /// Brings a company back from the recycle bin.
    pub fn restore(&mut self, act: &mut Act<'_>, id: u32) -> Result<(), WriteError> {
        self.bin(act, id, false)
    }

    pub fn bin(&mut self, act: &mut Act<'_>, id: u32, deleted: bool) -> Result<(), WriteError> {
        let entity = Entity::Company;
        let old = self.find(entity, id).cloned().ok_or(WriteError::NotFound(entity, id))?;
        if is_deleted(&old) == deleted {
            return Ok(());
        }
        let mut company = old.clone();
        mark_deleted(&mut company, deleted.then(|| (act.now, act.actor.name())));
        stamp(act, &mut company, false);
        let verb = if deleted { Verb::Delete } else { Verb::Restore };
        self.insert(entity, company);
        let changes = Changes::from([("deletedFlag".to_owned(), (json!(!deleted), json!(deleted)))]);
        self.note(act, entity, id, verb, changes);
        Ok(())
    }

    /// Says that a part of the record changed.
    pub fn touch(&mut self, act: &Act<'_>, entity: Entity, id: u32) {
        if let Some(mut record) = self.find(entity, id).cloned() {
            stamp(act, &mut record, false);
            self.insert(entity, record);
        }
    }

    /// Tells the ledger; a child without a word of its own is told as a change of its owner.
    pub fn note(&mut self, act: &mut Act<'_>, entity: Entity, id: u32, verb: Verb, changes: Changes) {
        let Some(record) = self.find(entity, id) else { return };
        match (entity.about().object, owner_of(entity, record)) {
            (Some(object), _) => act.record(Side::ConnectWise, object, verb, u64::from(id), changes),
            (None, Some((owner, owner_id))) => note_child(act, entity, id, (owner, owner_id), changes),
            (None, None) => {}
        }
        if let Some((owner, owner_id)) = owner_of(entity, record)
            && is_child(entity)
            && act.behaviour.connectwise.child_touches_parent
        {
            self.touch(act, owner, owner_id);
        }
    }

    /// Stores a change that no rule of the record's own stands against.
    pub fn put_changed(&mut self, act: &mut Act<'_>, entity: Entity, mut record: Record) {
        stamp(act, &mut record, false);
        let (id, changes) = (record.id, self.differences(entity, self.find(entity, record.id), &record));
        self.insert(entity, record);
        self.note(act, entity, id, Verb::Update, changes);
    }

    pub fn note_gone(&mut self, act: &mut Act<'_>, entity: Entity, old: &Record) {
        let gone = Record::blank(old.id, act.now, act.actor.name());
        let changes = self.differences(entity, Some(old), &gone);
        let owner = owner_of(entity, old);
        match (entity.about().object, owner) {
            (Some(object), _) => act.record(Side::ConnectWise, object, Verb::Delete, u64::from(old.id), changes),
            (None, Some(owner)) => note_child(act, entity, old.id, owner, changes),
            (None, None) => {}
        }
        if let Some((owner, owner_id)) = owner.filter(|_| is_child(entity))
            && act.behaviour.connectwise.child_touches_parent
        {
            self.touch(act, owner, owner_id);
        }
    }

    /// Whether a reference leads somewhere.
    pub fn exists(&self, target: Target, id: u32) -> bool {
        match target {
            Target::Table(table) => self.tables.row(table, id).is_some(),
            Target::Record(entity) => self.find(entity, id).is_some(),
        }
    }

    /// How references and messages name a record.
    pub fn name_of(&self, entity: Entity, record: &Record) -> String {
        let text = |name: &str| entity.field(name).map(|(id, _)| record.text(id)).unwrap_or_default();
        match entity {
            Entity::Contact => format!("{} {}", text("firstName"), text("lastName")).trim().to_owned(),
            Entity::Ticket => text("summary").to_owned(),
            Entity::Catalog => text("identifier").to_owned(),
            Entity::ForecastItem => text("forecastDescription").to_owned(),
            _ => text("name").to_owned(),
        }
    }

    /// Per field that differs: before and after.
    pub fn differences(&self, entity: Entity, old: Option<&Record>, new: &Record) -> Changes {
        let mut changes = Changes::new();
        let before = |id: FieldId| old.and_then(|c| c.get(id)).map_or(Value::Null, Stored::plain);
        for (index, field) in entity.fields().iter().enumerate() {
            let Ok(id) = FieldId::try_from(index) else { continue };
            let (was, is) = (before(id), new.get(id).map_or(Value::Null, Stored::plain));
            if was != is {
                changes.insert(field.name.to_owned(), (was, is));
            }
        }
        let empty = BTreeMap::new();
        let old_custom = old.map_or(&empty, |c| &c.custom);
        let ids: BTreeSet<u32> = old_custom.keys().chain(new.custom.keys()).copied().collect();
        for id in ids {
            let value = |from: &BTreeMap<u32, Value>| from.get(&id).cloned().unwrap_or(Value::Null);
            let (was, is) = (value(old_custom), value(&new.custom));
            if was != is {
                changes.insert(format!("customFields/{id}"), (was, is));
            }
        }
        let items = |record: Option<&Record>| -> BTreeMap<u32, Value> {
            let all = record.map(|r| r.items.as_slice()).unwrap_or_default().iter();
            all.map(|i| (i.id, json!({"type": i.type_id, "value": i.value, "default": i.default}))).collect()
        };
        let (was, is) = (items(old), items(Some(new)));
        for id in was.keys().chain(is.keys()).copied().collect::<BTreeSet<u32>>() {
            let value = |from: &BTreeMap<u32, Value>| from.get(&id).cloned().unwrap_or(Value::Null);
            if value(&was) != value(&is) {
                changes.insert(format!("communications/{id}"), (value(&was), value(&is)));
            }
        }
        changes
    }
}

fn note_child(act: &mut Act<'_>, entity: Entity, id: u32, (owner, owner_id): (Entity, u32), changes: Changes) {
    let Some(object) = owner.about().object else { return };
    let path = entity.about().path;
    let changes = changes.into_iter().map(|(name, change)| (format!("{path}/{id}/{name}"), change)).collect();
    act.record(Side::ConnectWise, object, Verb::Update, u64::from(owner_id), changes);
}

/// Whether the kind is a part of its owner rather than a record beside it.
pub(crate) const fn is_child(entity: Entity) -> bool {
    matches!(entity.about().object, None | Some(Object::LineItem))
}

pub(crate) fn owner_of(entity: Entity, record: &Record) -> Option<(Entity, u32)> {
    let (field, owner) = entity.owner()?;
    Some((owner, record.reference(field)?))
}

/// Puts the moment and the author on a record. With skew, a change becomes visible up to a second after its stamp.
fn stamp(act: &Act<'_>, record: &mut Record, new: bool) {
    let skew = i64::from(act.behaviour.connectwise.commit_skew && record.id.is_multiple_of(2));
    record.stamps.updated = act.now.div_euclid(1000) - skew;
    record.stamps.updated_by = act.actor.name().into();
    if new {
        record.stamps.entered = record.stamps.updated;
        record.stamps.entered_by = act.actor.name().into();
    }
}

pub(crate) fn is_deleted(company: &Record) -> bool {
    Entity::Company.field("deletedFlag").is_some_and(|(id, _)| company.flag(id))
}

/// Marks a company as deleted at that moment (milliseconds) by that person, or as not deleted.
pub(crate) fn mark_deleted(company: &mut Record, by: Option<(i64, &str)>) {
    let mut set = |name: &str, value: Option<Stored>| {
        if let Some((id, _)) = Entity::Company.field(name) {
            company.set(id, value);
        }
    };
    set("deletedFlag", Some(Stored::Flag(by.is_some())));
    set("dateDeleted", by.map(|(at, _)| Stored::Time(at.div_euclid(1000))));
    set("deletedBy", by.map(|(_, who)| Stored::Text(who.into())));
}

/// The references of a record: which field, and what it leads to.
pub(crate) fn references(entity: Entity, record: &Record) -> impl Iterator<Item = (FieldId, Target, u32)> {
    record.values().filter_map(move |(id, value)| match (entity.field_by_id(id)?.kind, value) {
        (Kind::Ref(target) | Kind::Id(target), Stored::Ref(row)) => Some((id, target, *row)),
        _ => None,
    })
}
