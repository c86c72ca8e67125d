//! What can be switched in the simulated HubSpot. The default is what the API facts say, limits and lag included.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Requests per ten seconds, search excluded.
    pub burst: u32,
    /// Searches per second.
    pub search_per_second: u32,
    /// Requests per day of the account's time zone.
    pub daily: u32,
    /// Milliseconds until search shows a new record.
    pub create_lag_ms: i64,
    /// Milliseconds until search shows a change of a record.
    pub update_lag_ms: i64,
    /// Batch results come back in another order than they were sent.
    pub shuffles_batches: bool,
    /// A merge keeps the primary record's id ("Primary ID Preservation") instead of giving a new one.
    pub merge_keeps_id: bool,
    /// An archived record still holds its unique values.
    pub archived_holds_unique: bool,
    /// Scopes of the token; a call that needs another answers 403 MISSING_SCOPES.
    pub scopes: Vec<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            burst: 190,
            search_per_second: 5,
            daily: 650_000,
            create_lag_ms: 10_000,
            update_lag_ms: 20_000,
            shuffles_batches: true,
            merge_keeps_id: false,
            archived_holds_unique: false,
            scopes: [
                "oauth",
                "crm.objects.companies.read",
                "crm.objects.companies.write",
                "crm.schemas.companies.read",
                "crm.schemas.companies.write",
                "crm.objects.owners.read",
            ]
            .map(str::to_owned)
            .to_vec(),
        }
    }
}

impl Behaviour {
    /// Without index lag.
    #[must_use]
    pub fn quick() -> Self {
        Self { create_lag_ms: 0, update_lag_ms: 0, ..Self::default() }
    }
}
