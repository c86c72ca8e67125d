//! What people and bad luck do: the handle through which the same process edits, breaks, watches and moves time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Side;
use super::clock::Clock;
use super::connectwise::{self, WriteError as ConnectWiseError};
use super::faults::FaultRule;
use super::hubspot::{self, Portal};
use super::ledger::{Actor, Mutation};
use super::options::{Behaviour, Credentials, Options};
use super::world::{Act, World};

/// User id of the person who edits in HubSpot when none is named.
const HUBSPOT_USER: &str = "51446676";
/// Member who edits in ConnectWise when none is named.
const CONNECTWISE_USER: &str = "mvance";

/// Why the simulators did not do what they were told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("{side} has no company {id}")]
    NotFound { side: &'static str, id: u64 },
    #[error("{0}")]
    Refused(String),
}

/// Controls a pair of simulators. Cheap to clone; all clones act on the same world.
#[derive(Debug, Clone)]
pub struct ControlHandle(Arc<Mutex<World>>);

impl ControlHandle {
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(World::new(options)?))))
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Now, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.with(|world| world.clock.now())
    }

    #[must_use]
    pub fn clock(&self) -> Clock {
        self.with(|world| world.clock)
    }

    /// Lets time run, or stand still at a moment.
    pub fn set_clock(&self, clock: Clock) {
        self.with(|world| world.clock = clock);
    }

    pub fn advance(&self, by: Duration) {
        self.with(|world| world.clock = world.clock.advanced(by));
    }

    /// Companies in id order, those after `after`, at most `limit`: a flat map of their fields with `id` and `deleted`.
    #[must_use]
    pub fn records(&self, side: Side, after: u64, limit: usize) -> Vec<Value> {
        self.with(|world| match side {
            Side::HubSpot => {
                let range = world.hubspot.records.range(after.saturating_add(1)..).take(limit);
                range.map(|(_, record)| flat_hubspot(&world.hubspot, record)).collect()
            }
            Side::ConnectWise => {
                let range = world.connectwise.companies.range(after.saturating_add(1)..).take(limit);
                range.map(|(_, company)| flat_connectwise(world, company)).collect()
            }
        })
    }

    /// One company as `records` shows it; for HubSpot also by an id that was merged away.
    #[must_use]
    pub fn record(&self, side: Side, id: u64) -> Option<Value> {
        self.with(|world| match side {
            Side::HubSpot => world.hubspot.find(id).map(|record| flat_hubspot(&world.hubspot, record)),
            Side::ConnectWise => world.connectwise.companies.get(&id).map(|c| flat_connectwise(world, c)),
        })
    }

    /// A person edits fields of a company. Null or an empty text clears. ConnectWise references are given as
    /// `{"id": n}` or by name; a custom field by its caption or as `customFields/31`.
    ///
    /// # Errors
    /// When the company does not exist, or the system refuses a value.
    pub fn edit(
        &self,
        side: Side,
        id: u64,
        fields: &Map<String, Value>,
        user: Option<&str>,
    ) -> Result<(), ControlError> {
        self.act(side, user, |world, act| match side {
            Side::HubSpot => {
                let id = world.hubspot.resolve(id);
                let values = world.hubspot.check(&as_text(fields)).map_err(|e| hubspot_error(id, &e))?;
                world.hubspot.update(act, id, &values).map_err(|e| hubspot_error(id, &e))
            }
            Side::ConnectWise => {
                let mut company = world.connectwise.companies.get(&id).cloned().ok_or_else(|| missing(side, id))?;
                set_fields(world.connectwise, &mut company, fields)?;
                let done = world.connectwise.replace(act, company, super::Verb::Update);
                done.map_err(|e| connectwise_error(id, e))
            }
        })
    }

    /// A person creates a company; answers its id.
    ///
    /// # Errors
    /// When the system refuses a value.
    pub fn create(&self, side: Side, fields: &Map<String, Value>, user: Option<&str>) -> Result<u64, ControlError> {
        self.act(side, user, |world, act| match side {
            Side::HubSpot => {
                let values = world.hubspot.check(&as_text(fields)).map_err(|e| hubspot_error(0, &e))?;
                world.hubspot.create(act, &values).map_err(|e| hubspot_error(0, &e))
            }
            Side::ConnectWise => {
                let mut company = world.connectwise.blank(act.now, act.actor.name());
                let mut fields = fields.clone();
                fields.entry("site").or_insert_with(|| json!({"name": "Main"}));
                fields.entry("status").or_insert_with(|| json!({"name": "Active"}));
                set_fields(world.connectwise, &mut company, &fields)?;
                world.connectwise.create(act, company).map_err(|e| connectwise_error(0, e))
            }
        })
    }

    /// Archives in HubSpot; moves to the recycle bin in ConnectWise.
    ///
    /// # Errors
    /// When the company does not exist.
    pub fn delete(&self, side: Side, id: u64) -> Result<(), ControlError> {
        self.act(side, None, |world, act| match side {
            Side::HubSpot => world.hubspot.archive(act, id).then_some(()).ok_or_else(|| missing(side, id)),
            Side::ConnectWise => world.connectwise.delete(act, id).map_err(|e| connectwise_error(id, e)),
        })
    }

    /// Brings a deleted company back.
    ///
    /// # Errors
    /// When no such company was deleted.
    pub fn restore(&self, side: Side, id: u64) -> Result<(), ControlError> {
        self.act(side, None, |world, act| match side {
            Side::HubSpot => world.hubspot.restore(act, id).then_some(()).ok_or_else(|| missing(side, id)),
            Side::ConnectWise => world.connectwise.restore(act, id).map_err(|e| connectwise_error(id, e)),
        })
    }

    /// Merges `other` into `primary`; answers the survivor's id, which is new in HubSpot by default.
    ///
    /// # Errors
    /// When either company does not exist.
    pub fn merge(&self, side: Side, primary: u64, other: u64, user: Option<&str>) -> Result<u64, ControlError> {
        self.act(side, user, |world, act| match side {
            Side::HubSpot => world.hubspot.merge(act, primary, other).map_err(|e| hubspot_error(primary, &e)),
            Side::ConnectWise => {
                let merged = world.connectwise.merge(act, other, primary, &[]);
                merged.map(|()| primary).map_err(|e| connectwise_error(primary, e))
            }
        })
    }

    /// Sets from when HubSpot's search shows a company as it is now, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the company does not exist.
    pub fn show_in_search_from(&self, id: u64, at_ms: i64) -> Result<(), ControlError> {
        self.with(|world| world.hubspot.show_from(id, at_ms)).then_some(()).ok_or_else(|| missing(Side::HubSpot, id))
    }

    /// Adds a text property to HubSpot's companies; false when the name is taken.
    pub fn define_property(&self, name: &str, label: &str, unique: bool) -> bool {
        self.with(|world| {
            let now = world.clock.now();
            world.hubspot.define_text(name, label, unique, now)
        })
    }

    pub fn inject(&self, rule: FaultRule) {
        self.with(|world| world.faults.add(rule));
    }

    #[must_use]
    pub fn faults(&self) -> Vec<FaultRule> {
        self.with(|world| world.faults.rules().to_vec())
    }

    /// How many requests met a fault so far.
    #[must_use]
    pub fn faults_struck(&self) -> u64 {
        self.with(|world| world.faults.struck())
    }

    pub fn clear_faults(&self) {
        self.with(|world| world.faults.clear());
    }

    /// All changes after the one with that sequence number; 0 for all.
    #[must_use]
    pub fn ledger(&self, since: u64) -> Vec<Mutation> {
        self.with(|world| world.ledger.since(since))
    }

    pub fn clear_ledger(&self) {
        self.with(|world| world.ledger.clear());
    }

    /// Calls per endpoint, such as `hubspot GET /crm/v3/owners`, and status; status 0: no answer.
    #[must_use]
    pub fn calls(&self) -> std::collections::BTreeMap<String, std::collections::BTreeMap<u16, u64>> {
        self.with(|world| world.calls.all().clone())
    }

    pub fn clear_calls(&self) {
        self.with(|world| world.calls.clear());
    }

    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.with(|world| world.behaviour.clone())
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.with(|world| world.behaviour = behaviour);
    }

    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.with(|world| world.options.credentials.clone())
    }

    /// Data, faults, ledger, calls, behaviour and clock as at the start.
    ///
    /// # Errors
    /// When the built-in data does not fit its own rules.
    pub fn reset(&self) -> io::Result<()> {
        self.with(|world| {
            *world = World::new(world.options.clone())?;
            Ok(())
        })
    }

    fn act<T>(&self, side: Side, user: Option<&str>, act: impl FnOnce(Halves<'_>, &mut Act<'_>) -> T) -> T {
        let default = match side {
            Side::HubSpot => HUBSPOT_USER,
            Side::ConnectWise => CONNECTWISE_USER,
        };
        self.with(|world| {
            let World { clock, behaviour, ledger, hubspot, connectwise, .. } = world;
            let actor = Actor::Human(user.unwrap_or(default).to_owned());
            let mut doing = Act { now: clock.now(), actor, behaviour, ledger };
            act(Halves { hubspot, connectwise }, &mut doing)
        })
    }
}

/// Both systems, apart from clock and ledger.
struct Halves<'a> {
    hubspot: &'a mut Portal,
    connectwise: &'a mut connectwise::Tenant,
}

fn missing(side: Side, id: u64) -> ControlError {
    let side = match side {
        Side::HubSpot => "HubSpot",
        Side::ConnectWise => "ConnectWise",
    };
    ControlError::NotFound { side, id }
}

fn hubspot_error(id: u64, error: &hubspot::WriteError) -> ControlError {
    match error {
        hubspot::WriteError::NotFound => missing(Side::HubSpot, id),
        other => ControlError::Refused(hubspot::refused(other).0),
    }
}

fn connectwise_error(id: u64, error: ConnectWiseError) -> ControlError {
    match error {
        ConnectWiseError::NotFound(_) => missing(Side::ConnectWise, id),
        ConnectWiseError::Invalid(problems) => {
            ControlError::Refused(problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join(" "))
        }
        ConnectWiseError::Conversion(text) => ControlError::Refused(text),
        ConnectWiseError::UnknownMember(name) => ControlError::Refused(format!("ConnectWise has no field {name}")),
    }
}

fn as_text(fields: &Map<String, Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn set_fields(
    tenant: &connectwise::Tenant,
    company: &mut connectwise::Company,
    fields: &Map<String, Value>,
) -> Result<(), ControlError> {
    fields.iter().try_for_each(|(name, value)| {
        connectwise::set_by_person(tenant, company, name, value).map_err(|e| connectwise_error(0, e))
    })
}

fn flat_hubspot(portal: &Portal, record: &hubspot::Record) -> Value {
    let mut all = hubspot::all_values(portal, record);
    all.insert("id".to_owned(), json!(record.id));
    all.insert("deleted".to_owned(), json!(record.archived_at.is_some()));
    Value::Object(all)
}

fn flat_connectwise(world: &World, company: &connectwise::Company) -> Value {
    let mut json = world.connectwise.show(company, "");
    if let Some(map) = json.as_object_mut() {
        map.insert("deleted".to_owned(), json!(company.is_deleted()));
    }
    json
}
