//! What people and bad luck do: the handle through which the same process edits, breaks, watches and moves time.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use super::Side;
use super::clock::Clock;
use super::control_behaviour;
use super::delivery::{DeliveryEntry, Events, Webhook, is_local};
use super::faults::FaultRule;
use super::hubspot;
use super::ledger::Mutation;
use super::nearest::nearest;
use super::object::Object;
use super::options::{Behaviour, Credentials, Options};
use super::people::People;
use super::requests::RequestEntry;
use super::world::{Act, World};

/// User id of the person who edits in HubSpot when none is named.
const HUBSPOT_USER: &str = "51446676";
/// Member who edits in ConnectWise when none is named.
const CONNECTWISE_USER: &str = "mvance";

/// Why the simulators did not do what they were told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    #[error("{side} has no {} {id}", object.singular())]
    NotFound { side: &'static str, object: Object, id: u64 },
    #[error("{side} has no {object}")]
    NoObject { side: &'static str, object: Object },
    /// A path that names something which is not there.
    #[error("{0}")]
    Nothing(String),
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

    /// How far a system's clock is ahead of the world's, in milliseconds; negative: behind.
    #[must_use]
    pub fn skew(&self, side: Side) -> i64 {
        self.with(|world| world.skewed(side))
    }

    /// Sets how far a system's clock is ahead of the world's, in milliseconds.
    pub fn set_skew(&self, side: Side, ms: i64) {
        self.with(|world| world.set_skew(side, ms));
    }

    /// Records in id order, those after `after`, at most `limit`: a flat map of their fields with `id` and `deleted`.
    /// None of an object that the system does not have.
    #[must_use]
    pub fn records(&self, side: Side, object: Object, after: u64, limit: usize) -> Vec<Value> {
        self.with(|world| world.seen(side).flat_page(object, after, limit))
    }

    /// One record as `records` shows it; for HubSpot also by an id that was merged away.
    #[must_use]
    pub fn record(&self, side: Side, object: Object, id: u64) -> Option<Value> {
        self.with(|world| world.seen(side).flat(object, id))
    }

    /// Refuses an object that the system does not have, and says which it has.
    pub(crate) fn must_hold(&self, side: Side, object: Object) -> Result<(), ControlError> {
        self.with(|world| {
            let half = world.seen(side);
            if half.holds(object) {
                return Ok(());
            }
            let held: Vec<&str> = Object::ALL.into_iter().filter(|one| half.holds(*one)).map(Object::word).collect();
            let (system, held) = (side.title(), held.join(", "));
            Err(ControlError::Nothing(format!("{system} has no {object}; it has {held}")))
        })
    }

    /// Refuses somebody whom the system does not know. The methods of this handle themselves take anybody's name.
    pub(crate) fn must_know(&self, side: Side, user: Option<&str>) -> Result<(), ControlError> {
        let Some(user) = user else { return Ok(()) };
        let users = self.with(|world| world.seen(side).users());
        if users.iter().any(|known| known == user) {
            return Ok(());
        }
        let nearest = nearest(user, users.iter().map(String::as_str));
        let system = side.title();
        Err(ControlError::Refused(format!("{system} has no user {user:?}; the nearest is {nearest:?}")))
    }

    /// A person edits fields of a record. Null or an empty text clears. ConnectWise references are given as
    /// `{"id": n}` or by name; a custom field by its caption or as `customFields/31`.
    ///
    /// # Errors
    /// When the record does not exist, or the system refuses a value.
    pub fn edit(
        &self,
        side: Side,
        object: Object,
        id: u64,
        fields: &Map<String, Value>,
        user: Option<&str>,
    ) -> Result<(), ControlError> {
        self.act(side, user, |half, act| half.edit(act, object, id, fields))
    }

    /// A person creates a record; answers its id.
    ///
    /// # Errors
    /// When the system refuses a value.
    pub fn create(
        &self,
        side: Side,
        object: Object,
        fields: &Map<String, Value>,
        user: Option<&str>,
    ) -> Result<u64, ControlError> {
        self.act(side, user, |half, act| half.add(act, object, fields))
    }

    /// Deletes in the way the system does: HubSpot archives; ConnectWise moves companies to the recycle bin, and other
    /// records are gone.
    ///
    /// # Errors
    /// When the record does not exist, or the system refuses.
    pub fn delete(&self, side: Side, object: Object, id: u64) -> Result<(), ControlError> {
        self.act(side, None, |half, act| half.delete(act, object, id))
    }

    /// Brings a deleted record back.
    ///
    /// # Errors
    /// When no such record was deleted.
    pub fn restore(&self, side: Side, object: Object, id: u64) -> Result<(), ControlError> {
        self.act(side, None, |half, act| half.restore(act, object, id))
    }

    /// A person associates two HubSpot records; `primary` makes a company the primary one.
    ///
    /// # Errors
    /// When either record does not exist, or HubSpot knows no such association.
    pub fn associate(
        &self,
        side: Side,
        from: (Object, u64),
        to: (Object, u64),
        primary: bool,
        user: Option<&str>,
    ) -> Result<(), ControlError> {
        self.act(side, user, |half, act| half.associate(act, from, to, primary))
    }

    /// Merges `other` into `primary`; answers the survivor's id, which is new in HubSpot by default.
    ///
    /// # Errors
    /// When either record does not exist, both are the same, or the system does not merge this object.
    pub fn merge(
        &self,
        side: Side,
        object: Object,
        primary: u64,
        other: u64,
        user: Option<&str>,
    ) -> Result<u64, ControlError> {
        if primary == other {
            let (system, what) = (side.title(), object.singular());
            return Err(ControlError::Refused(format!("{system} does not merge {what} {primary} into itself")));
        }
        self.act(side, user, |half, act| half.merge(act, object, primary, other))
    }

    /// Sets from when HubSpot's search shows a record as it is now, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the record does not exist.
    pub fn show_in_search_from(&self, object: Object, id: u64, at_ms: i64) -> Result<(), ControlError> {
        self.with(|world| world.hubspot.show_in_search_from(object, id, at_ms))
    }

    /// Adds a text property to an object of HubSpot; false when the name is taken.
    ///
    /// # Errors
    /// When HubSpot has no such object.
    pub fn define_property(&self, object: Object, name: &str, label: &str, unique: bool) -> Result<bool, ControlError> {
        self.with(|world| {
            let now = world.now(Side::HubSpot);
            world.hubspot.define_property(object, (name, label), unique, now)
        })
    }

    /// A call of the control API under `/_sim/hubspot/`; none when there is no such call.
    pub(crate) fn upkeep_hubspot(
        &self,
        method: &str,
        rest: &[&str],
        body: &Value,
    ) -> Option<Result<Value, ControlError>> {
        self.with(|world| {
            let now = world.clock.now();
            let World { behaviour, ledger, hubspot, .. } = world;
            let actor = super::ledger::Actor::Human(HUBSPOT_USER.to_owned());
            hubspot.upkeep(&mut Act { now, actor, behaviour, ledger }, (method, rest), body)
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

    /// No fault strikes any more, and clocks that faults set wrong go right again.
    pub fn clear_faults(&self) {
        self.with(World::clear_faults);
    }

    /// All changes after the one with that sequence number; 0 for all.
    #[must_use]
    pub fn ledger(&self, since: u64) -> Vec<Mutation> {
        self.with(|world| world.ledger.after(since).collect())
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

    /// The last requests to both systems after the one with that sequence number; 0 for all that are kept.
    #[must_use]
    pub fn requests(&self, since: u64) -> Vec<RequestEntry> {
        self.with(|world| world.requests.since(since))
    }

    /// Where HubSpot's app listens from now on; none: nowhere. Later changes are told there, earlier ones are not.
    ///
    /// # Errors
    /// When the address is not plain HTTP on this machine, or HubSpot has no such event.
    pub fn set_webhook(&self, webhook: Option<Webhook>) -> Result<(), ControlError> {
        if let Some(Webhook { url, .. }) = &webhook
            && !is_local(url)
        {
            return Err(ControlError::Refused(format!("{url} is not plain HTTP on this machine")));
        }
        let known = hubspot::event_names();
        for event in webhook.iter().flat_map(|webhook| &webhook.events) {
            if !known.contains(event) {
                let nearest = nearest(event, known.iter().map(String::as_str));
                return Err(ControlError::Refused(format!(
                    "HubSpot has no event {event:?}; the nearest is {nearest:?}"
                )));
            }
        }
        self.with(|world| world.deliveries.webhook = webhook);
        Ok(())
    }

    /// A person presses "Test" beside a subscription: the listener is told of something that did not happen.
    ///
    /// # Errors
    /// Nobody listens, or there is no such event.
    pub fn test_webhook(&self, event: &str) -> Result<(), ControlError> {
        self.with(|world| {
            if world.deliveries.webhook.is_none() {
                return Err(ControlError::Refused("No app of HubSpot listens: set a webhook first".to_owned()));
            }
            let sample = world.hubspot.sample(event, world.now(Side::HubSpot));
            let sample = sample.ok_or_else(|| ControlError::Refused(format!("HubSpot has no event \"{event}\"")))?;
            world.deliveries.samples.push(sample);
            world.ledger.bell().notify_one();
            Ok(())
        })
    }

    #[must_use]
    pub fn webhook(&self) -> Option<Webhook> {
        self.with(|world| world.deliveries.webhook.clone())
    }

    /// The last attempts to deliver webhooks and callbacks after the one with that sequence number.
    #[must_use]
    pub fn deliveries(&self, since: u64) -> Vec<DeliveryEntry> {
        self.with(|world| world.deliveries.since(since))
    }

    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.with(|world| world.behaviour.clone())
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.with(|world| world.behaviour = behaviour);
    }

    /// Lays changes over the behaviour in force; answers the new one.
    pub(crate) fn change_behaviour(&self, changes: Value) -> Result<Behaviour, ControlError> {
        self.with(|world| {
            world.behaviour = control_behaviour::changed(world, changes).map_err(ControlError::Refused)?;
            Ok(world.behaviour.clone())
        })
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
        self.with(World::reset)
    }

    fn act<T>(
        &self,
        side: Side,
        user: Option<&str>,
        act: impl FnOnce(&mut dyn People, &mut Act<'_>) -> Result<T, ControlError>,
    ) -> Result<T, ControlError> {
        let default = match side {
            Side::HubSpot => HUBSPOT_USER,
            Side::ConnectWise => CONNECTWISE_USER,
        };
        self.with(|world| {
            let (half, mut doing) = world.half(side, user.unwrap_or(default));
            act(half, &mut doing)
        })
    }
}
