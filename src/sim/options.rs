//! How the simulators are set up: data, credentials, ports, and every behaviour that can be switched.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::object::Object;
use super::{connectwise, delivery, hubspot};

/// Private-app token that the simulated HubSpot accepts.
pub const HUBSPOT_TOKEN: &str = "pat-na1-5e0f2a64-51a3-4c6e-9d0b-000000000001";
/// Login company id of the simulated ConnectWise tenant.
pub const CONNECTWISE_COMPANY: &str = "brightwater";
pub const CONNECTWISE_PUBLIC_KEY: &str = "bWpUYnQ3c2lt";
pub const CONNECTWISE_PRIVATE_KEY: &str = "c2ltLXByaXZhdGU3";
pub const CONNECTWISE_CLIENT_ID: &str = "3f6b1a1e-8f57-4b6a-8a55-000000000001";
/// Port of the simulated HubSpot that `lockstep sim` takes when none is given.
pub const HUBSPOT_PORT: u16 = 7421;
/// Port of the simulated ConnectWise that `lockstep sim` takes when none is given.
pub const CONNECTWISE_PORT: u16 = 7422;

/// App id that the simulated HubSpot names as the source of API writes.
pub const HUBSPOT_APP_ID: &str = "1047301";
/// Identifier of the API member that the simulated ConnectWise names in `updatedBy`.
pub const CONNECTWISE_API_MEMBER: &str = "Lockstep";
/// The id of the tenant's own company in the story.
pub const OWN_COMPANY: u64 = 19_301;
/// The user-defined field of the story's opportunities that is meant for the HubSpot deal.
pub const DEAL_KEY_FIELD: &str = "customFields/51";
/// The user-defined field of the story's tickets that is meant for the HubSpot ticket.
pub const TICKET_KEY_FIELD: &str = "customFields/61";
/// The user-defined field of the story's activities that is meant for the HubSpot record.
pub const ACTIVITY_KEY_FIELD: &str = "customFields/71";
/// The id of the service board in the story where people's tickets are.
pub const HELP_DESK: u64 = 1;
/// The id of the company in the story where mail of unknown senders lands.
pub const CATCHALL_COMPANY: u64 = 19_302;

/// What both systems accept as credentials. They protect nothing: the simulators listen on the loopback only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub hubspot_token: String,
    pub connectwise_company: String,
    pub connectwise_public_key: String,
    pub connectwise_private_key: String,
    pub connectwise_client_id: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            hubspot_token: HUBSPOT_TOKEN.to_owned(),
            connectwise_company: CONNECTWISE_COMPANY.to_owned(),
            connectwise_public_key: CONNECTWISE_PUBLIC_KEY.to_owned(),
            connectwise_private_key: CONNECTWISE_PRIVATE_KEY.to_owned(),
            connectwise_client_id: CONNECTWISE_CLIENT_ID.to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("connectwise_company", &self.connectwise_company)
            .field("connectwise_client_id", &self.connectwise_client_id)
            .finish_non_exhaustive()
    }
}

/// What the systems hold when they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Data {
    /// Reference data (owners, members, statuses …) and no records.
    Empty,
    /// About forty companies that tell a story, and what hangs on them; see `fixtures/story*.toml`.
    #[default]
    Story,
    /// Made from the seed.
    Generated(Sizes),
}

/// How many records of one object are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub hubspot: usize,
    pub connectwise: usize,
    /// How many of them are the same in both systems; at most the smaller of the two numbers.
    pub both: usize,
}

impl Size {
    /// As many in either system, half of them in both.
    #[must_use]
    pub const fn of(each: usize) -> Self {
        Self { hubspot: each, connectwise: each, both: each / 2 }
    }

    pub(crate) fn twins(self) -> usize {
        self.both.min(self.hubspot).min(self.connectwise)
    }

    /// Records that are in either system, twins counted once.
    pub(crate) fn all(self) -> usize {
        self.hubspot + self.connectwise - self.twins()
    }
}

/// How many records of each object are made. With more than companies, a catch-all company, the tenant's own, and deleted
/// records come on top or among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    pub companies: Size,
    pub contacts: Size,
    pub deals: Size,
    pub tickets: Size,
    pub products: Size,
    pub line_items: Size,
    /// Notes, tasks, calls and meetings of HubSpot in turn; activities of ConnectWise.
    pub activities: Size,
}

impl Sizes {
    /// Companies and nothing else.
    #[must_use]
    pub fn companies(hubspot: usize, connectwise: usize, both: usize) -> Self {
        Self { companies: Size { hubspot, connectwise, both }, ..Self::default() }
    }

    pub(crate) const fn of(&self, object: Object) -> Size {
        match object {
            Object::Company => self.companies,
            Object::Contact => self.contacts,
            Object::Deal => self.deals,
            Object::Ticket => self.tickets,
            Object::Product => self.products,
            Object::LineItem => self.line_items,
            Object::Note | Object::Task | Object::Call | Object::Meeting | Object::Activity => self.activities,
        }
    }

    /// Whether there is more than companies.
    pub(crate) fn is_rich(&self) -> bool {
        *self != Self { companies: self.companies, ..Self::default() }
    }
}

/// How both simulators are started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Decides generated data, correlation ids and the dice of probable faults.
    pub seed: u64,
    /// 0 takes a free port.
    pub hubspot_port: u16,
    /// 0 takes a free port.
    pub connectwise_port: u16,
    pub credentials: Credentials,
    pub data: Data,
    pub behaviour: Behaviour,
    /// Milliseconds since 1970 at which the clock stands still; none for the machine's clock.
    pub standing_at_ms: Option<i64>,
}

impl Options {
    /// For tests: no limits, no index lag.
    #[must_use]
    pub fn quick(data: Data) -> Self {
        Self { data, behaviour: Behaviour::quick(), ..Self::default() }
    }
}

/// What can be switched while the simulators run. The default is what the API facts say, limits and lag included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Whether any rate limit applies.
    pub limits: bool,
    /// Upper bound for every page of both systems; none for the systems' own.
    pub page_cap: Option<usize>,
    pub hubspot: hubspot::Behaviour,
    pub connectwise: connectwise::Behaviour,
    /// How webhooks and callbacks are delivered.
    pub delivery: delivery::Behaviour,
}

impl Default for Behaviour {
    fn default() -> Self {
        let (hubspot, connectwise) = (hubspot::Behaviour::default(), connectwise::Behaviour::default());
        Self { limits: true, page_cap: None, hubspot, connectwise, delivery: delivery::Behaviour::default() }
    }
}

impl Behaviour {
    /// Without limits and without index lag.
    #[must_use]
    pub fn quick() -> Self {
        let (hubspot, connectwise) = (hubspot::Behaviour::quick(), connectwise::Behaviour::quick());
        Self { limits: false, page_cap: None, hubspot, connectwise, delivery: delivery::Behaviour::quick() }
    }
}
