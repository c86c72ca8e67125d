//! The whole portal: the records of every object, their associations, and the tables they are held against. Writes go
//! through here: values, what follows from them, history, index, ledger. Knows nothing of HTTP.

use std::collections::HashMap;
use std::io;

use serde_json::{Value, json};

use super::accept::Refusal;
use super::collection::{Collection, Record, Version};
use super::jobs::Jobs;
use super::kinds::{ALL, KindRef};
use super::limits::Buckets;
use super::links::Links;
use super::list_store::Lists;
use super::owners::{Owner, owners};
use super::pipeline_store::Pipelines;
use super::schema::{Property, PropertyId};
use super::tokens::Tokens;
use super::values::Values;
use super::{derive, lag};
use crate::sim::Side;
use crate::sim::ledger::{Actor, Verb};
use crate::sim::random::Random;
use crate::sim::world::{Act, Changes};

pub(crate) const PORTAL_ID: u64 = 44_956_899;
/// The account's own currency.
pub(crate) const HOME_CURRENCY: &str = "USD";
const FIRST_ID: u64 = 18_230_000_001;
/// In the order in which a record may move through them.
const STAGES: [&str; 7] =
    ["subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist"];
/// Who does what nobody asked for: roll-ups, workflows, enrichment.
pub(crate) const SYSTEM: &str = "HubSpot";

/// Values that passed the checks, ready to be stored.
pub(crate) type Checked = Vec<(PropertyId, String)>;

/// Where a value comes from, as the property history tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provenance {
    pub source: &'static str,
    pub source_id: String,
    pub user: Option<String>,
}

impl Provenance {
    pub fn system(source: &'static str) -> Self {
        Self { source, source_id: String::new(), user: None }
    }

    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::Api(app) => Self { source: "INTEGRATION", source_id: app.clone(), user: None },
            Actor::Human(user) if user == SYSTEM => Self::system("AUTOMATION_PLATFORM"),
            Actor::Human(user) => {
                Self { source: "CRM_UI", source_id: format!("userId:{user}"), user: Some(user.clone()) }
            }
        }
    }
}

/// Why a write failed as a whole.
#[derive(Debug)]
pub(crate) enum WriteError {
    NotFound,
    Invalid(Vec<Refusal>),
    /// A contact with that e-mail address is there: the answer names its id.
    Exists(u64),
    /// Another record holds the unique value.
    Taken {
        kind: KindRef,
        property: String,
        value: String,
        tried: u64,
        holder: u64,
    },
    /// Properties that a new record needs.
    Required {
        kind: KindRef,
        names: Vec<String>,
    },
    /// An association that cannot be made, with HubSpot's code for it.
    Association {
        message: String,
        code: &'static str,
        context: Value,
    },
    Refused(String),
}

#[derive(Debug)]
pub(crate) struct Portal {
    collections: [Collection; 10],
    pub links: Links,
    /// Ids that a merge took away, and the survivor of each.
    pub merged: HashMap<u64, u64>,
    pub owners: Vec<Owner>,
    pub pipelines: Pipelines,
    /// Currencies of the account; the first is its own.
    pub currencies: Vec<String>,
    pub lists: Lists,
    pub tokens: Tokens,
    pub buckets: Buckets,
    pub jobs: Jobs,
    /// Decides lags and failures that come by chance.
    pub random: Random,
    provenances: Vec<Provenance>,
    /// E-mail addresses of people who asked to be forgotten: they cannot come back.
    pub forgotten: Vec<String>,
    next_id: u64,
}

impl Portal {
    pub fn new(now: i64) -> io::Result<Self> {
        let mut portal = Self {
            collections: ALL.each_ref().map(|kind| Collection::new(kind, now)),
            links: Links::standard(),
            merged: HashMap::new(),
            owners: owners()?,
            pipelines: Pipelines::standard(),
            currencies: vec![HOME_CURRENCY.to_owned(), "EUR".to_owned()],
            lists: Lists::default(),
            tokens: Tokens::default(),
            buckets: Buckets::default(),
            jobs: Jobs::default(),
            random: Random::new(0x4853),
            provenances: Vec::new(),
            forgotten: Vec::new(),
            next_id: FIRST_ID,
        };
        for kind in ALL.iter().filter(|kind| kind.pipeline.is_some()) {
            for stage in portal.pipelines.stage_ids(kind) {
                derive::define_stage_times(portal.of_mut(kind), &stage, 0);
            }
        }
        Ok(portal)
    }

    pub fn of(&self, kind: KindRef) -> &Collection {
        &self.collections[usize::from(kind.place)]
    }

    pub fn of_mut(&mut self, kind: KindRef) -> &mut Collection {
        &mut self.collections[usize::from(kind.place)]
    }

    /// Follows merges to the record that an id stands for now.
    pub fn resolve(&self, mut id: u64) -> u64 {
        while let Some(&survivor) = self.merged.get(&id) {
            id = survivor;
        }
        id
    }

    /// The record with that id, or the survivor of its merge; archived ones too.
    pub fn find(&self, kind: KindRef, id: u64) -> Option<&Record> {
        self.of(kind).records.get(&self.resolve(id))
    }

    /// The record that holds `value` in a property that is a key.
    pub fn find_unique(&self, kind: KindRef, property: PropertyId, value: &str) -> Option<&Record> {
        let collection = self.of(kind);
        collection.records.get(&collection.holder(property, value)?)
    }

    pub fn provenance(&self, by: u16) -> Option<&Provenance> {
        self.provenances.get(usize::from(by))
    }

    /// The short number of a provenance.
    pub fn by(&mut self, provenance: &Provenance) -> u16 {
        let at = self.provenances.iter().position(|known| known == provenance).unwrap_or_else(|| {
            self.provenances.push(provenance.clone());
            self.provenances.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    pub const fn next_id(&self) -> u64 {
        self.next_id
    }

    pub const fn take_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 3;
        id
    }

    /// Refuses values of unique properties that another record holds.
    pub fn check_unique(&self, act: &Act<'_>, kind: KindRef, own: u64, values: &Checked) -> Result<(), WriteError> {
        let collection = self.of(kind);
        for (id, value) in values.iter().filter(|(id, value)| !value.is_empty() && collection.is_key(*id)) {
            let Some(holder) = collection.holder(*id, value).filter(|holder| *holder != own) else { continue };
            let age = collection.records.get(&holder).map_or(i64::MAX, |record| act.now - record.created);
            if *id == collection.known.email && age >= act.behaviour.hubspot.race_window_ms {
                return Err(WriteError::Exists(holder));
            }
            let property = collection.schema.name(*id).to_owned();
            return Err(WriteError::Taken { kind, property, value: value.clone(), tried: own, holder });
        }
        Ok(())
    }

    /// Stores a new record; the values must have been checked.
    pub fn create(&mut self, act: &mut Act<'_>, kind: KindRef, values: &Checked) -> Result<u64, WriteError> {
        let who = Provenance::of(&act.actor);
        self.create_as(act, kind, values, &who)
    }

    pub fn create_as(
        &mut self,
        act: &mut Act<'_>,
        kind: KindRef,
        values: &Checked,
        who: &Provenance,
    ) -> Result<u64, WriteError> {
        self.check_unique(act, kind, self.next_id, values)?;
        let id = self.take_id();
        let by = self.by(who);
        let mut record = Record::new(id, act.now, Version { values: Values::default(), modified: act.now });
        record.shown_from = act.now + lag::of_create(&mut self.random, &act.behaviour.hubspot);
        self.of_mut(kind).insert(record, act.now);
        let mut all = values.clone();
        all.extend(derive::birth(self.of(kind), id, values, who, &act.behaviour.hubspot));
        all.extend(derive::on_change(self, kind, id, &all, act.now));
        let mut changes = self.assign(kind, id, &all, act.now, by);
        changes.extend(self.follow(act, kind, id));
        act.record(Side::HubSpot, kind.object, Verb::Create, id, changes);
        self.plan_after(act, kind, id, who, true);
        Ok(id)
    }

    /// Puts a record into the store as if it had been there for long: no history, no lag, no ledger.
    pub fn seed_kind(&mut self, kind: KindRef, created: i64, modified: i64, values: &[(&str, &str)]) -> u64 {
        let id = self.take_id();
        let collection = self.of(kind);
        let mut pairs: Vec<(PropertyId, &str)> = vec![(collection.known.source, "IMPORT")];
        pairs.extend(values.iter().filter_map(|(name, value)| collection.schema.any_id(name).map(|p| (p, *value))));
        pairs.retain(|(property, value)| *property != PropertyId::MAX && !value.is_empty());
        let record = Record::new(id, created, Version { values: Values::packed(pairs), modified });
        self.of_mut(kind).insert(record, i64::MAX);
        let derived = derive::values(self, kind, id, modified);
        self.of_mut(kind).set_quietly(id, &derived);
        id
    }

    /// Changes a living record; the values must have been checked.
    pub fn update(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64, values: &Checked) -> Result<(), WriteError> {
        let who = Provenance::of(&act.actor);
        self.update_as(act, kind, id, values, &who)
    }

    pub fn update_as(
        &mut self,
        act: &mut Act<'_>,
        kind: KindRef,
        id: u64,
        values: &Checked,
        who: &Provenance,
    ) -> Result<(), WriteError> {
        if self.of(kind).living(id).is_none() {
            return Err(WriteError::NotFound);
        }
        self.check_unique(act, kind, id, values)?;
        self.touch(act, kind, id);
        let by = self.by(who);
        let mut all = values.clone();
        let updated_by = self.of(kind).known.updated_by;
        all.extend(derive::on_change(self, kind, id, values, act.now));
        let mut changes = self.assign(kind, id, &all, act.now, by);
        self.of_mut(kind).set_quietly(id, &[(updated_by, who.user.clone().unwrap_or_default())]);
        changes.extend(self.follow(act, kind, id));
        act.record(Side::HubSpot, kind.object, Verb::Update, id, changes);
        self.plan_after(act, kind, id, who, false);
        Ok(())
    }

    /// Moves the time of the last change; search learns of it later.
    pub fn touch(&mut self, act: &Act<'_>, kind: KindRef, id: u64) {
        let lag = lag::of_update(&mut self.random, &act.behaviour.hubspot);
        self.of_mut(kind).touch(id, act.now, act.now + lag);
    }

    /// Calculated values that follow from the others, set under their own source.
    fn follow(&mut self, act: &Act<'_>, kind: KindRef, id: u64) -> Changes {
        let derived = derive::values(self, kind, id, act.now);
        let by = self.by(&Provenance::system("CALCULATED"));
        self.assign(kind, id, &derived, act.now, by)
    }

    /// Sets roll-ups of a record. Moves its last change when any differs from before.
    pub fn roll_up(&mut self, act: &mut Act<'_>, kind: KindRef, id: u64, values: &Checked) {
        let collection = self.of(kind);
        let Some(record) = collection.living(id) else { return };
        let differs = |(p, v): &&(PropertyId, String)| record.current.get(*p).unwrap_or_default() != v;
        let new: Checked = values.iter().filter(differs).cloned().collect();
        if new.is_empty() {
            return;
        }
        self.touch(act, kind, id);
        let by = self.by(&Provenance::system("CALCULATED"));
        let changes = self.assign(kind, id, &new, act.now, by);
        let actor = Actor::Human(SYSTEM.to_owned());
        act.ledger.record(act.now, (Side::HubSpot, kind.object, id), &actor, Verb::Update, changes);
    }

    /// Stores what differs from before; answers before and after.
    pub fn assign(&mut self, kind: KindRef, id: u64, values: &Checked, at: i64, by: u16) -> Changes {
        let mut changes = Changes::new();
        let collection = self.of_mut(kind);
        let Some(record) = collection.records.get(&id) else { return changes };
        let mut new = Checked::new();
        for (property, value) in values.iter().filter(|(property, _)| *property != PropertyId::MAX) {
            let pending = new.iter().rev().find(|(p, _): &&(PropertyId, String)| p == property).map(|(_, v)| v.clone());
            let before = record.current.get(*property).map(str::to_owned);
            let basis = pending.or_else(|| before.clone());
            let value = appended(collection.schema.get(*property), basis.as_deref(), value);
            let goes_back = *property == collection.known.lifecycle && goes_back(basis.as_deref(), &value);
            if goes_back || basis.as_deref().unwrap_or_default() == value {
                continue;
            }
            let after = if value.is_empty() { Value::Null } else { json!(value) };
            changes.insert(collection.schema.name(*property).to_owned(), (json!(before), after));
            new.push((*property, value));
        }
        if !new.is_empty() {
            collection.assign(id, &new, at, by);
        }
        changes
    }

    pub fn define_text(&mut self, kind: KindRef, name: &str, label: &str, unique: bool, now: i64) -> bool {
        let schema = &mut self.of_mut(kind).schema;
        if schema.any_id(name).is_some() {
            return false;
        }
        schema.add(Property::text(name, label, unique, now, kind));
        true
    }
}

/// A leading `;` adds to a multiple choice instead of replacing it.
fn appended(property: Option<&Property>, before: Option<&str>, value: &str) -> String {
    match value.strip_prefix(';') {
        Some(more) if property.is_some_and(Property::is_multiple) => {
            let mut all: Vec<&str> = before.unwrap_or_default().split(';').filter(|v| !v.is_empty()).collect();
            for part in more.split(';').filter(|v| !v.is_empty()) {
                if !all.contains(&part) {
                    all.push(part);
                }
            }
            all.join(";")
        }
        _ => value.to_owned(),
    }
}

/// Life-cycle stages move forward only; a step back is ignored without an error, unless it clears.
fn goes_back(before: Option<&str>, value: &str) -> bool {
    let rank = |stage: &str| STAGES.iter().position(|s| *s == stage);
    matches!((before.and_then(rank), rank(value)), (Some(old), Some(new)) if new < old)
}
