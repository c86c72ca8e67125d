//! What a person does in ConnectWise's own user interface, and how the tenant is furnished before anybody looks.
//!
//! Fields go by the API's names. References are given as `{"id": n}` or by name, user-defined fields by caption or as
//! `customFields/31`, a contact's communication item as `communications/{type}` and `communications/{type}/extension`,
//! types of companies and contacts as a list of names. An opportunity's `amount` is the revenue of the one forecast item
//! that is described as `Lockstep`.

use serde_json::{Map, Value, json};

use super::assign::{Manner, as_id};
use super::behaviour::Behaviour;
use super::entity::Entity;
use super::fields::{FieldId, Kind, Stored};
use super::merge::Merge;
use super::record::{Item, Record};
use super::rules;
use super::show::Eyes;
use super::tables::Table;
use super::tenant::{Tenant, WriteError, is_deleted, mark_deleted};
use crate::sim::control::ControlError;
use crate::sim::ledger::{Actor, Ledger, Verb};
use crate::sim::object::Object;
use crate::sim::options;
use crate::sim::people::People;
use crate::sim::world::Act;

const SYSTEM: &str = "ConnectWise";
/// The description of the forecast item that carries an opportunity's amount.
const AMOUNT_ITEM: &str = "Lockstep";
/// Who entered what was there before anybody looked.
const OLD_HAND: &str = "mvance";
/// Who deleted what was deleted then.
const OLD_BROOM: &str = "tokafor";

impl People for Tenant {
    fn holds(&self, object: Object) -> bool {
        Entity::of(object).is_some()
    }

    fn users(&self) -> Vec<String> {
        let identifier = |row: &Value| row.get("identifier").and_then(Value::as_str).map(str::to_owned);
        self.tables.rows(Table::Member).filter_map(identifier).collect()
    }

    fn flat(&self, object: Object, id: u64) -> Option<Value> {
        let entity = Entity::of(object)?;
        let record = self.find(entity, u32::try_from(id).ok()?)?;
        Some(flat(self, entity, record))
    }

    fn flat_page(&self, object: Object, after: u64, limit: usize) -> Vec<Value> {
        let Some(entity) = Entity::of(object) else { return Vec::new() };
        let after = u32::try_from(after).unwrap_or(u32::MAX);
        self.shelf(entity).after(after).take(limit).map(|record| flat(self, entity, record)).collect()
    }

    fn add(&mut self, act: &mut Act<'_>, object: Object, fields: &Map<String, Value>) -> Result<u64, ControlError> {
        let entity = served(object)?;
        let mut record = self.blank(entity, act.now, act.actor.name());
        let behaviour = act.behaviour.connectwise.clone();
        self.set_fields(&behaviour, entity, &mut record, fields).map_err(|e| told(object, 0, e))?;
        let id = self.create(act, entity, record).map_err(|e| told(object, 0, e))?;
        self.complete(act, entity, id, fields);
        Ok(u64::from(id))
    }

    fn edit(
        &mut self,
        act: &mut Act<'_>,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
    ) -> Result<(), ControlError> {
        let (entity, row) = (served(object)?, known(object, id)?);
        let mut record = self.find(entity, row).cloned().ok_or_else(|| missing(object, id))?;
        let before = record.clone();
        let behaviour = act.behaviour.connectwise.clone();
        self.set_fields(&behaviour, entity, &mut record, fields).map_err(|e| told(object, id, e))?;
        let only_amount = fields.contains_key("amount") && !record.differs(&before);
        if !only_amount {
            self.replace(act, entity, record, Verb::Update).map_err(|e| told(object, id, e))?;
        }
        self.set_amount(act, entity, row, fields);
        Ok(())
    }

    fn delete(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        let (entity, row) = (served(object)?, known(object, id)?);
        Self::delete(self, act, entity, row).map_err(|e| told(object, id, e))
    }

    fn restore(&mut self, act: &mut Act<'_>, object: Object, id: u64) -> Result<(), ControlError> {
        let (entity, row) = (served(object)?, known(object, id)?);
        if entity != Entity::Company {
            return Err(missing(object, id));
        }
        Self::restore(self, act, row).map_err(|e| told(object, id, e))
    }

    fn associate(
        &mut self,
        _: &mut Act<'_>,
        (object, _): (Object, u64),
        _: (Object, u64),
        _: bool,
    ) -> Result<(), ControlError> {
        Err(ControlError::Refused(format!("{SYSTEM} has no associations: edit the {object}'s own fields")))
    }

    fn merge(&mut self, act: &mut Act<'_>, object: Object, primary: u64, other: u64) -> Result<u64, ControlError> {
        let (entity, to) = (served(object)?, known(object, primary)?);
        let from = known(object, other)?;
        let done = match entity {
            Entity::Company => Self::merge(self, act, (from, to), &Merge::tidy()),
            Entity::Contact => self.merge_contact(act, from, to),
            Entity::Ticket => self.merge_ticket(act, from, to),
            _ => return Err(ControlError::Refused(format!("{SYSTEM} does not merge {object}"))),
        };
        done.map(|()| primary).map_err(|e| told(object, primary, e))
    }
}

fn served(object: Object) -> Result<Entity, ControlError> {
    Entity::of(object).ok_or(ControlError::NoObject { side: SYSTEM, object })
}

fn known(object: Object, id: u64) -> Result<u32, ControlError> {
    u32::try_from(id).map_err(|_| missing(object, id))
}

const fn missing(object: Object, id: u64) -> ControlError {
    ControlError::NotFound { side: SYSTEM, object, id }
}

fn told(object: Object, id: u64, error: WriteError) -> ControlError {
    match error {
        WriteError::NotFound(..) => missing(object, id),
        WriteError::Invalid(_, problems) => {
            ControlError::Refused(problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join(" "))
        }
        WriteError::Conversion(text) => ControlError::Refused(text),
        WriteError::UnknownMember(_, name) => ControlError::Refused(format!("{SYSTEM} has no field {name}")),
        WriteError::InUse(entity, id) => ControlError::Refused(format!("{} {id} is in use", entity.title())),
    }
}

/// A list that a person edits item by item: taken as a whole it would change nothing, and nobody would see that.
fn piecemeal(entity: Entity, name: &str) -> WriteError {
    let message = match name {
        "customFields" => {
            "customFields is not taken as a list here: name each field, such as \"customFields/31\": \"Gold\"."
        }
        _ => {
            "communicationItems is not taken as a list here: name each type, such as \"communications/1\": \"ann@example.com\"."
        }
    };
    WriteError::one(entity, "InvalidField", name, message)
}

fn flat(tenant: &Tenant, entity: Entity, record: &Record) -> Value {
    let behaviour = Behaviour::default();
    let eyes = Eyes { tenant, behaviour: &behaviour, model: u32::MAX, base: "", api: false };
    let mut json = eyes.show(entity, record);
    let Some(map) = json.as_object_mut() else { return json };
    map.insert("deleted".to_owned(), json!(entity == Entity::Company && is_deleted(record)));
    for item in &record.items {
        let key = format!("communications/{}", item.type_id);
        if item.default || !map.contains_key(&key) {
            map.insert(key, json!(item.value));
        }
    }
    if let Some(item) = tenant.amount_item(entity, record.id) {
        let revenue = Entity::ForecastItem.field("revenue").and_then(|(id, _)| item.get(id)).map(Stored::plain);
        map.insert("amount".to_owned(), revenue.unwrap_or_default());
    }
    json
}

impl Tenant {
    /// Puts a record there as one that has been there for long: no rule of today is held against it, nothing is told to
    /// the ledger. `entered` and `updated` in milliseconds since 1970.
    ///
    /// # Errors
    /// When a field or a reference does not exist.
    pub fn seed(
        &mut self,
        object: Object,
        (entered, updated): (i64, i64),
        fields: &Map<String, Value>,
    ) -> Result<u64, ControlError> {
        let entity = served(object)?;
        let mut ledger = Ledger::default();
        // Numbers as somebody once typed them.
        let connectwise = Behaviour { phone_digits: false, ..Behaviour::default() };
        let behaviour = options::Behaviour { connectwise, ..options::Behaviour::default() };
        let actor = Actor::Human(OLD_HAND.to_owned());
        let mut act = Act { now: updated, actor, behaviour: &behaviour, ledger: &mut ledger };
        let mut record = self.blank(entity, updated, OLD_HAND);
        record.stamps.entered = entered.div_euclid(1000);
        self.set_fields(&behaviour.connectwise, entity, &mut record, fields).map_err(|e| told(object, 0, e))?;
        rules::derive(self, &act, entity, &mut record, None);
        if entity == Entity::Company && is_deleted(&record) {
            mark_deleted(&mut record, Some((updated, OLD_BROOM)));
        }
        let id = record.id;
        self.insert(entity, record);
        self.complete(&mut act, entity, id, fields);
        Ok(u64::from(id))
    }

    /// What a new record gets beside itself.
    fn complete(&mut self, act: &mut Act<'_>, entity: Entity, id: u32, fields: &Map<String, Value>) {
        if entity == Entity::Company {
            let name = fields.get("site").and_then(|site| site.get("name")).and_then(Value::as_str);
            rules::add_site(self, id, name.unwrap_or("Main"));
        }
        self.set_amount(act, entity, id, fields);
    }

    /// Sets fields by name as a person would.
    fn set_fields(
        &mut self,
        behaviour: &Behaviour,
        entity: Entity,
        record: &mut Record,
        fields: &Map<String, Value>,
    ) -> Result<(), WriteError> {
        for (name, value) in fields {
            match name.split_once('/') {
                Some(("communications", rest)) if entity == Entity::Contact => self.set_item(record, rest, value)?,
                None if name == "types" && !entity_lacks_types(entity) => self.set_types(entity, record, value),
                None if name == "amount" && entity == Entity::Opportunity => {}
                None if name == "customFields" || name == "communicationItems" => {
                    return Err(piecemeal(entity, name));
                }
                _ => self.set_by_person(behaviour, entity, record, (name, value))?,
            }
        }
        Ok(())
    }

    fn set_by_person(
        &self,
        behaviour: &Behaviour,
        entity: Entity,
        record: &mut Record,
        (name, value): (&str, &Value),
    ) -> Result<(), WriteError> {
        let manner = Manner::newest(behaviour);
        let manner = Manner { model: u32::MAX, ..manner };
        if let Some((id, field)) = entity.field(name) {
            return match (field.kind, value) {
                (Kind::Ref(_), Value::String(text)) if !text.is_empty() => {
                    self.assign(manner, entity, record, (name, &json!({ "name": text })))
                }
                (Kind::Ref(target), Value::Number(_)) => {
                    let found = self.reference(entity, name, target, &json!({ "id": value }))?;
                    record.set(id, found.map(Stored::Ref));
                    Ok(())
                }
                _ => self.assign(manner, entity, record, (name, value)),
            };
        }
        let key = name.strip_prefix("customFields/").unwrap_or(name);
        match self.tables.custom_id(entity, key) {
            Some(id) => self.set_custom(entity, record, id, value),
            None => Err(WriteError::UnknownMember(entity, name.to_owned())),
        }
    }

    /// `7` sets the value of the item of that type, `7/extension` its extension; null or an empty text takes it away.
    fn set_item(&mut self, contact: &mut Record, rest: &str, value: &Value) -> Result<(), WriteError> {
        let unknown = || WriteError::UnknownMember(Entity::Contact, format!("communications/{rest}"));
        let (type_id, member) = rest.split_once('/').map_or((rest, None), |(t, m)| (t, Some(m)));
        let type_id: u32 = type_id.parse().map_err(|_| unknown())?;
        self.tables.row(Table::CommunicationType, type_id).ok_or_else(unknown)?;
        let text = value.as_str().unwrap_or_default();
        let of_type = |item: &Item| item.type_id == type_id;
        let place = contact
            .items
            .iter()
            .position(|i| of_type(i) && i.default)
            .or_else(|| contact.items.iter().position(of_type));
        match (place, member) {
            (Some(place), None) if text.is_empty() => drop(contact.items.remove(place)),
            (Some(place), member) => {
                if let Some(item) = contact.items.get_mut(place) {
                    match member {
                        None => item.value = text.into(),
                        Some(_) => item.extension = (!text.is_empty()).then(|| text.into()),
                    }
                }
            }
            (None, None) if !text.is_empty() => {
                let id = self.new_item_id();
                contact.items.push(Item { id, type_id, value: text.into(), extension: None, default: false });
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// Types by name or id.
    fn set_types(&mut self, entity: Entity, record: &mut Record, names: &Value) {
        let table = if entity == Entity::Company { Table::Type } else { Table::ContactType };
        record.types.clear();
        for name in names.as_array().into_iter().flatten() {
            let by_name = name.as_str().and_then(|n| self.tables.named(table, n));
            let by_id = as_id(name.get("id").unwrap_or(name)).filter(|id| self.tables.row(table, *id).is_some());
            if let Some(id) = by_name.or(by_id) {
                self.add_type(record, id);
            }
        }
    }

    fn amount_item(&self, entity: Entity, id: u32) -> Option<&Record> {
        let description = Entity::ForecastItem.field("forecastDescription")?.0;
        let mut items = self.of(Entity::ForecastItem, id).filter(|_| entity == Entity::Opportunity);
        items.find(|item| item.text(description) == AMOUNT_ITEM)
    }

    fn set_amount(&mut self, act: &mut Act<'_>, entity: Entity, id: u32, fields: &Map<String, Value>) {
        let Some(amount) = fields.get("amount").filter(|_| entity == Entity::Opportunity) else { return };
        let amount = amount.as_f64().or_else(|| amount.as_str().and_then(|t| t.parse().ok())).unwrap_or(0.0);
        let kind = Entity::ForecastItem;
        let known = self.amount_item(entity, id).cloned();
        let new = known.is_none();
        let mut item = known.unwrap_or_else(|| self.blank(kind, act.now, act.actor.name()));
        let mut set = |name: &str, value: Stored| {
            if let Some((field, _)) = kind.field(name) {
                item.set(field, Some(value));
            }
        };
        set("revenue", Stored::Decimal(amount));
        if new {
            set("opportunity", Stored::Ref(id));
            set("status", Stored::Ref(1));
            set("forecastType", Stored::Text("Product".into()));
            set("forecastDescription", Stored::Text(AMOUNT_ITEM.into()));
            rules::derive(self, act, kind, &mut item, None);
            self.insert(kind, item);
        } else {
            rules::derive(self, act, kind, &mut item, None);
            self.put_changed(act, kind, item);
        }
    }

    /// Contacts merge in the user interface only: what led to the one leads to the other, and the one is gone.
    fn merge_contact(&mut self, act: &mut Act<'_>, from: u32, to: u32) -> Result<(), WriteError> {
        let entity = Entity::Contact;
        let source = self.find(entity, from).ok_or(WriteError::NotFound(entity, from))?.clone();
        let mut target = self.find(entity, to).ok_or(WriteError::NotFound(entity, to))?.clone();
        let empty: Vec<(FieldId, Stored)> = source
            .values()
            .filter(|(field, _)| target.get(*field).is_none())
            .map(|(field, value)| (field, value.clone()))
            .collect();
        empty.into_iter().for_each(|(field, value)| target.set(field, Some(value)));
        target.items.extend(source.items.iter().cloned().map(|item| Item { default: false, ..item }));
        self.replace(act, entity, target, Verb::Merge)?;
        self.transfer(act, entity, from, to);
        self.delete(act, entity, from)
    }

    /// A merged ticket stays, closed, and names the one that it went into.
    fn merge_ticket(&mut self, act: &mut Act<'_>, from: u32, to: u32) -> Result<(), WriteError> {
        let entity = Entity::Ticket;
        let target = self.find(entity, to).ok_or(WriteError::NotFound(entity, to))?;
        let mut source = self.find(entity, from).ok_or(WriteError::NotFound(entity, from))?.clone();
        let parent = entity.field("mergedParentTicket").map(|(id, _)| id);
        for ticket in [target, &source] {
            if let Some(other) = parent.and_then(|parent| ticket.reference(parent)) {
                let message = format!("Ticket {} was merged into ticket {other} already.", ticket.id);
                return Err(WriteError::one(entity, "InvalidField", "mergedParentTicket", &message));
            }
        }
        let board = entity.field("board").and_then(|(id, _)| source.reference(id));
        let closes = |row: &&Value| {
            row.get("board").and_then(super::tables::id_of) == board
                && row.get("closedStatus").and_then(Value::as_bool) == Some(true)
        };
        let status = self.tables.rows(Table::BoardStatus).find(closes).and_then(super::tables::id_of);
        for (name, value) in [("mergedParentTicket", Some(Stored::Ref(to))), ("status", status.map(Stored::Ref))] {
            if let (Some((field, _)), Some(value)) = (entity.field(name), value) {
                source.set(field, Some(value));
            }
        }
        self.replace(act, entity, source, Verb::Merge)?;
        self.merged_tickets.insert(to);
        Ok(())
    }
}

const fn entity_lacks_types(entity: Entity) -> bool {
    !matches!(entity, Entity::Company | Entity::Contact)
}
