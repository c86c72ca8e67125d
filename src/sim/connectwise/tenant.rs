//! The stored companies of the tenant and the tables they refer to. Knows nothing of HTTP.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use serde_json::{Map, Value, json};

use super::fields::{
    self, DATE_DELETED, DELETED, DELETED_BY, FieldId, IDENTIFIER, Kind, Misfit, NAME, Problem, STATUS, Stored, Table,
};
use super::tables::Tables;
use crate::sim::Side;
use crate::sim::clock::iso_seconds;
use crate::sim::ledger::Verb;
use crate::sim::object::Object;
use crate::sim::world::{Act, Changes};

const FIRST_ID: u64 = 19_301;

#[derive(Debug, Clone)]
pub(crate) struct Company {
    pub id: u64,
    values: Vec<(FieldId, Stored)>,
    /// Association id and type id.
    pub types: Vec<(u32, u32)>,
    /// Values of custom fields by the field's id.
    pub custom: BTreeMap<u32, Value>,
    /// Seconds since 1970.
    pub updated: i64,
    pub updated_by: Box<str>,
    pub entered: i64,
    pub entered_by: Box<str>,
}

impl Company {
    /// Nothing but its flags, all of them false.
    pub fn blank(id: u64, now: i64, who: &str) -> Self {
        let seconds = now.div_euclid(1000);
        let mut company = Self {
            id,
            values: Vec::new(),
            types: Vec::new(),
            custom: BTreeMap::new(),
            updated: seconds,
            updated_by: who.into(),
            entered: seconds,
            entered_by: who.into(),
        };
        for flag in ["deletedFlag", "leadFlag", "unsubscribeFlag", "isVendorFlag"] {
            if let Some((field, _)) = fields::find(flag) {
                company.set(field, Some(Stored::Flag(false)));
            }
        }
        company
    }

    pub fn get(&self, id: FieldId) -> Option<&Stored> {
        let at = self.values.binary_search_by_key(&id, |(f, _)| *f).ok()?;
        self.values.get(at).map(|(_, v)| v)
    }

    pub fn set(&mut self, id: FieldId, value: Option<Stored>) {
        match (self.values.binary_search_by_key(&id, |(f, _)| *f), value) {
            (Ok(at), None) => drop(self.values.remove(at)),
            (Ok(at), Some(value)) => {
                if let Some(slot) = self.values.get_mut(at) {
                    slot.1 = value;
                }
            }
            (Err(_), None) => {}
            (Err(at), Some(value)) => self.values.insert(at, (id, value)),
        }
    }

    pub fn text(&self, id: FieldId) -> &str {
        match self.get(id) {
            Some(Stored::Text(text)) => text,
            _ => "",
        }
    }

    pub fn is_deleted(&self) -> bool {
        self.get(DELETED) == Some(&Stored::Flag(true))
    }

    pub fn values(&self) -> impl Iterator<Item = (FieldId, &Stored)> {
        self.values.iter().map(|(id, value)| (*id, value))
    }
}

/// Why a write failed.
#[derive(Debug)]
pub(crate) enum WriteError {
    NotFound(u64),
    Invalid(Vec<Problem>),
    Conversion(String),
    UnknownMember(String),
}

impl From<Misfit> for WriteError {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Problem(problem) => Self::Invalid(vec![problem]),
            Misfit::Conversion(text) => Self::Conversion(text),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Tenant {
    pub tables: Tables,
    pub companies: BTreeMap<u64, Company>,
    /// By the second of their last change.
    pub by_updated: BTreeSet<(i64, u64)>,
    by_identifier: HashMap<String, u64>,
    next_id: u64,
    next_association: u32,
    /// Start of the minute that is counted, and its requests.
    pub minute: (i64, u32),
}

impl Tenant {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            tables: Tables::standard()?,
            companies: BTreeMap::new(),
            by_updated: BTreeSet::new(),
            by_identifier: HashMap::new(),
            next_id: FIRST_ID,
            next_association: 501,
            minute: (0, 0),
        })
    }

    /// The id of the company with that identifier, whatever its case, deleted or not.
    pub fn by_identifier(&self, identifier: &str) -> Option<u64> {
        self.by_identifier.get(&identifier.to_lowercase()).copied()
    }

    /// An empty company, not yet stored.
    pub fn blank(&self, now: i64, who: &str) -> Company {
        Company::blank(self.next_id, now, who)
    }

    pub fn add_type(&mut self, company: &mut Company, type_id: u32) {
        if company.types.iter().all(|(_, t)| *t != type_id) {
            company.types.push((self.next_association, type_id));
            self.next_association += 1;
        }
    }

    /// Stores a company made with `blank`, without any check.
    pub fn insert(&mut self, company: Company) {
        self.next_id = self.next_id.max(company.id + 1);
        self.by_updated.insert((company.updated, company.id));
        self.by_identifier.insert(company.text(IDENTIFIER).to_lowercase(), company.id);
        self.companies.insert(company.id, company);
    }

    /// Stores a new company after checking it.
    pub fn create(&mut self, act: &mut Act<'_>, company: Company) -> Result<u64, WriteError> {
        self.validate(&company)?;
        let id = company.id;
        let changes = differences(None, &company);
        self.insert(company);
        act.record(Side::ConnectWise, Object::Company, Verb::Create, id, changes);
        Ok(id)
    }

    /// Replaces a stored company by a changed copy of it, after checking the whole of it.
    pub fn replace(&mut self, act: &mut Act<'_>, mut company: Company, verb: Verb) -> Result<(), WriteError> {
        self.validate(&company)?;
        let Some(old) = self.companies.get(&company.id) else { return Err(WriteError::NotFound(company.id)) };
        let changes = differences(Some(old), &company);
        self.by_updated.remove(&(old.updated, old.id));
        let (before, after) = (old.text(IDENTIFIER).to_lowercase(), company.text(IDENTIFIER).to_lowercase());
        if before != after {
            self.by_identifier.remove(&before);
            self.by_identifier.insert(after, company.id);
        }
        company.updated = act.now.div_euclid(1000);
        company.updated_by = act.actor.name().into();
        self.by_updated.insert((company.updated, company.id));
        let id = company.id;
        self.companies.insert(id, company);
        act.record(Side::ConnectWise, Object::Company, verb, id, changes);
        Ok(())
    }

    /// The rules that bind the whole record at every write, whichever field was meant.
    fn validate(&self, company: &Company) -> Result<(), WriteError> {
        let mut problems = Vec::new();
        for (id, name) in [(IDENTIFIER, "identifier"), (NAME, "name")] {
            if company.text(id).trim().is_empty() {
                problems.push(Problem::new("MissingRequiredField", name, format!("The {name} field is required.")));
            }
        }
        for (id, value) in company.values() {
            problems.extend(fields::get(id).and_then(|field| fields::complaint(field, value)));
        }
        let holder = self.by_identifier(company.text(IDENTIFIER));
        if holder.is_some_and(|holder| holder != company.id) {
            problems.push(Problem::new("ObjectExists", "identifier", "A company with this identifier already exists."));
        }
        if let Some(Stored::Ref(status)) = company.get(STATUS)
            && self.tables.flag(Table::Status, *status, "disallowSavingFlag")
        {
            let name = self.tables.name(Table::Status, *status);
            problems.push(Problem::new(
                "InvalidField",
                "status",
                format!("Companies with status {name} cannot be saved."),
            ));
        }
        if problems.is_empty() { Ok(()) } else { Err(WriteError::Invalid(problems)) }
    }

    /// Finds the row that a reference as sent means: `{id}`, `{identifier}` or `{name}`; null and `{}` mean none.
    pub fn reference(&self, field: &str, table: Table, sent: &Value) -> Result<Option<Stored>, WriteError> {
        let Some(map) = sent.as_object() else {
            if sent.is_null() || sent.as_str().is_some_and(str::is_empty) {
                return Ok(None);
            }
            return Err(WriteError::Conversion(format!(
                "Error converting value {sent} to type 'ConnectWise.{}'. Path '{field}', line 1, position 1.",
                table.title().replace(' ', "")
            )));
        };
        let id = map.get("id").filter(|v| !v.is_null());
        let (member, key) = match (id, map.get("identifier").or_else(|| map.get("name"))) {
            (Some(id), _) => ("id", id),
            (None, Some(name)) => ("name", name),
            (None, None) => return Ok(None),
        };
        let text = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        let found = if member == "id" { text.parse().ok() } else { self.row_named(table, &text) };
        let exists = |id: &u32| match table {
            Table::Company => self.companies.contains_key(&u64::from(*id)),
            _ => self.tables.row(table, *id).is_some(),
        };
        found.filter(exists).map(|id| Some(Stored::Ref(id))).ok_or_else(|| {
            let message = format!("{} {text} not found", table.title());
            WriteError::Invalid(vec![Problem::new("NotFound", &format!("{field}/{member}"), message)])
        })
    }

    fn row_named(&self, table: Table, name: &str) -> Option<u32> {
        match table {
            Table::Company => self.by_identifier(name).and_then(|id| u32::try_from(id).ok()),
            _ => self.tables.named(table, name),
        }
    }

    /// Sets one field from JSON, references included.
    pub fn assign(&self, company: &mut Company, name: &str, sent: &Value) -> Result<(), WriteError> {
        let Some((id, field)) = fields::find(name) else { return Err(WriteError::UnknownMember(name.to_owned())) };
        let value = match field.kind {
            Kind::Ref(table) => self.reference(name, table, sent)?,
            _ => fields::scalar(field, sent)?,
        };
        let value = match (field.kind, value) {
            (Kind::Flag, None) => Some(Stored::Flag(false)),
            (_, value) => value,
        };
        if !field.read_only {
            company.set(id, value);
        }
        Ok(())
    }

    /// Moves a company to the recycle bin: it stays readable and listed, marked as deleted.
    pub fn delete(&mut self, act: &mut Act<'_>, id: u64) -> Result<(), WriteError> {
        self.bin(act, id, true)
    }

    pub fn restore(&mut self, act: &mut Act<'_>, id: u64) -> Result<(), WriteError> {
        self.bin(act, id, false)
    }

    fn bin(&mut self, act: &mut Act<'_>, id: u64, deleted: bool) -> Result<(), WriteError> {
        let company = self.companies.get_mut(&id).ok_or(WriteError::NotFound(id))?;
        if company.is_deleted() == deleted {
            return Ok(());
        }
        let seconds = act.now.div_euclid(1000);
        self.by_updated.remove(&(company.updated, id));
        company.set(DELETED, Some(Stored::Flag(deleted)));
        company.set(DATE_DELETED, deleted.then_some(Stored::Time(seconds)));
        company.set(DELETED_BY, deleted.then(|| Stored::Text(act.actor.name().into())));
        company.updated = seconds;
        company.updated_by = act.actor.name().into();
        self.by_updated.insert((seconds, id));
        let verb = if deleted { Verb::Delete } else { Verb::Restore };
        let changes = Changes::from([("deletedFlag".to_owned(), (json!(!deleted), json!(deleted)))]);
        act.record(Side::ConnectWise, Object::Company, verb, id, changes);
        Ok(())
    }

    /// Merges `from` into `to`: `chosen` fields come from the source; the source goes to the recycle bin.
    pub fn merge(&mut self, act: &mut Act<'_>, from: u64, to: u64, chosen: &[FieldId]) -> Result<(), WriteError> {
        let source = self.companies.get(&from).ok_or(WriteError::NotFound(from))?.clone();
        let mut target = self.companies.get(&to).ok_or(WriteError::NotFound(to))?.clone();
        for field in chosen.iter().filter(|f| **f != IDENTIFIER) {
            target.set(*field, source.get(*field).cloned());
        }
        self.replace(act, target, Verb::Merge)?;
        self.delete(act, from)
    }

    /// Says that a part of the company changed.
    pub fn touch(&mut self, act: &Act<'_>, id: u64) {
        if let Some(company) = self.companies.get_mut(&id) {
            self.by_updated.remove(&(company.updated, id));
            company.updated = act.now.div_euclid(1000);
            company.updated_by = act.actor.name().into();
            self.by_updated.insert((company.updated, id));
        }
    }

    /// The company as the API shows it; `base` is the address up to `apis/3.0/`. Fields without a value are left out.
    pub fn show(&self, company: &Company, base: &str) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(company.id));
        for (id, value) in company.values() {
            if let Some(field) = fields::get(id) {
                map.insert(field.name.to_owned(), self.show_value(field.kind, value, base));
            }
        }
        let types = company.types.iter().map(|(_, id)| self.show_reference(Table::Type, *id, base)).collect();
        map.insert("types".to_owned(), Value::Array(types));
        map.insert("customFields".to_owned(), self.tables.custom_values(&company.custom));
        let (id, updated_by, entered_by) = (company.id, &company.updated_by, &company.entered_by);
        map.insert(
            "_info".to_owned(),
            json!({
                "lastUpdated": iso_seconds(company.updated), "updatedBy": updated_by,
                "dateEntered": iso_seconds(company.entered), "enteredBy": entered_by,
                "contacts_href": format!("{base}/company/contacts?conditions=company/id={id}"),
                "sites_href": format!("{base}/company/companies/{id}/sites"),
            }),
        );
        Value::Object(map)
    }

    fn show_value(&self, kind: Kind, value: &Stored, base: &str) -> Value {
        match (kind, value) {
            (Kind::Ref(table), Stored::Ref(id)) => self.show_reference(table, *id, base),
            _ => value.plain(),
        }
    }

    pub fn show_reference(&self, table: Table, id: u32, base: &str) -> Value {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(id));
        if table == Table::Company {
            if let Some(company) = self.companies.get(&u64::from(id)) {
                map.insert("identifier".to_owned(), json!(company.text(IDENTIFIER)));
                map.insert("name".to_owned(), json!(company.text(NAME)));
            }
        } else {
            if let Some(identifier) = self.tables.row(table, id).and_then(|r| r.get("identifier")) {
                map.insert("identifier".to_owned(), identifier.clone());
            }
            map.insert("name".to_owned(), json!(self.tables.name(table, id)));
        }
        let href = format!("{base}/{}/{id}", table.path());
        map.insert("_info".to_owned(), json!({ table.href(): href }));
        Value::Object(map)
    }
}

fn differences(old: Option<&Company>, new: &Company) -> Changes {
    let mut changes = Changes::new();
    let before = |id: FieldId| old.and_then(|c| c.get(id)).map_or(Value::Null, Stored::plain);
    for index in 0..fields::FIELDS.len() {
        let Ok(id) = FieldId::try_from(index) else { continue };
        let (was, is) = (before(id), new.get(id).map_or(Value::Null, Stored::plain));
        if let (true, Some(field)) = (was != is, fields::get(id)) {
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
    changes
}
