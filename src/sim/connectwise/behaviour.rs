//! What can be switched in the simulated ConnectWise. The default is what the API facts say, limits included.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Requests per minute.
    pub per_minute: u32,
    /// Code base in paths, with its slash, such as `v2025_1/`. Changing it is what an upgrade does.
    pub code_base: String,
    /// Status for a missing clientId header: 401 or 400.
    pub missing_client_id: u16,
    /// A PATCH of custom fields that does not carry the whole array is refused.
    pub custom_fields_whole: bool,
    /// A change of type associations moves the company's `lastUpdated`.
    pub child_touches_parent: bool,
    /// What this API member may not do: `add`, `edit`, `delete`, `inquire` (403).
    pub denied: Vec<String>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            per_minute: 1000,
            code_base: "v2025_1/".to_owned(),
            missing_client_id: 401,
            custom_fields_whole: false,
            child_touches_parent: false,
            denied: Vec::new(),
        }
    }
}

impl Behaviour {
    /// Without what slows tests down; limits are switched for both systems at once.
    #[must_use]
    pub fn quick() -> Self {
        Self::default()
    }
}
