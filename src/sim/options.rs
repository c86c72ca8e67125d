//! How the simulators are set up: data, credentials, ports, and every behaviour that can be switched.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    /// Reference data (owners, members, statuses …) and no companies.
    Empty,
    /// About forty companies that tell a story; see `fixtures/story.toml`.
    #[default]
    Story,
    /// Made from the seed. `overlap` companies exist in both systems, as twins with the same name and domain.
    Generated { companies_hubspot: usize, companies_connectwise: usize, overlap: usize },
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
    /// HubSpot requests per ten seconds, search excluded.
    pub hubspot_burst: u32,
    /// HubSpot searches per second.
    pub hubspot_search_per_second: u32,
    /// HubSpot requests per day of the account's time zone.
    pub hubspot_daily: u32,
    /// ConnectWise requests per minute.
    pub connectwise_per_minute: u32,
    /// Milliseconds until search shows a new HubSpot record.
    pub create_lag_ms: i64,
    /// Milliseconds until search shows a change of a HubSpot record.
    pub update_lag_ms: i64,
    /// Upper bound for every page of both systems; none for the systems' own.
    pub page_cap: Option<usize>,
    /// HubSpot batch results come back in another order than they were sent.
    pub hubspot_shuffles_batches: bool,
    /// A HubSpot merge keeps the primary record's id ("Primary ID Preservation") instead of giving a new one.
    pub hubspot_merge_keeps_id: bool,
    /// An archived HubSpot record still holds its unique values.
    pub hubspot_archived_holds_unique: bool,
    /// Scopes of the HubSpot token; a call that needs another answers 403 MISSING_SCOPES.
    pub hubspot_scopes: Vec<String>,
    /// Code base in ConnectWise paths, with its slash, such as `v2025_1/`. Changing it is what an upgrade does.
    pub connectwise_code_base: String,
    /// Status for a missing clientId header: 401 or 400.
    pub connectwise_missing_client_id: u16,
    /// ConnectWise refuses a PATCH of custom fields that does not carry the whole array.
    pub connectwise_custom_fields_whole: bool,
    /// A change of type associations moves the company's `lastUpdated`.
    pub connectwise_child_touches_parent: bool,
    /// ConnectWise names that this API member may not do: `add`, `edit`, `delete`, `inquire` (403).
    pub connectwise_denied: Vec<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            limits: true,
            hubspot_burst: 190,
            hubspot_search_per_second: 5,
            hubspot_daily: 650_000,
            connectwise_per_minute: 1000,
            create_lag_ms: 10_000,
            update_lag_ms: 20_000,
            page_cap: None,
            hubspot_shuffles_batches: true,
            hubspot_merge_keeps_id: false,
            hubspot_archived_holds_unique: false,
            hubspot_scopes: [
                "oauth",
                "crm.objects.companies.read",
                "crm.objects.companies.write",
                "crm.schemas.companies.read",
                "crm.schemas.companies.write",
                "crm.objects.owners.read",
            ]
            .map(str::to_owned)
            .to_vec(),
            connectwise_code_base: "v2025_1/".to_owned(),
            connectwise_missing_client_id: 401,
            connectwise_custom_fields_whole: false,
            connectwise_child_touches_parent: false,
            connectwise_denied: Vec::new(),
        }
    }
}

impl Behaviour {
    /// Without limits and without index lag.
    #[must_use]
    pub fn quick() -> Self {
        Self { limits: false, create_lag_ms: 0, update_lag_ms: 0, ..Self::default() }
    }
}
