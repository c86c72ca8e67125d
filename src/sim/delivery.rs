//! What a system tells the listeners of its webhooks or callbacks. Knows nothing of either system's payloads.
//!
//! After every change of a record its half is asked what to say to whom: HubSpot's answer comes from
//! `hubspot/webhooks.rs`, ConnectWise's from `connectwise/callbacks.rs`. Sending, batches, retries, disorder and losses are
//! the work of this room.
#![expect(dead_code, reason = "the halves write what is said before there is somebody who delivers it")]

use serde_json::Value;

use super::ledger::Mutation;

/// Where HubSpot's app listens. A private app sets this in the user interface only: there is no API for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Webhook {
    /// On the loopback; others are refused when it is set.
    pub url: String,
    /// The app's client secret, which signs.
    pub secret: String,
    /// Event types such as `contact.propertyChange`; none for all.
    pub events: Vec<String>,
}

/// One request of ConnectWise to a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// The id of the callback entry it is for.
    pub callback: u64,
    /// The entry's address with record id and action behind it.
    pub url: String,
    /// The signature and the content type.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What HubSpot says: `impl Events for Portal` in `hubspot/webhooks.rs`.
pub(crate) trait Events {
    /// The events of one change, each with every member but `attemptNumber`, which the delivery adds.
    fn events(&self, webhook: &Webhook, change: &Mutation) -> Vec<Value>;

    /// The headers of a request that carries `body` (a JSON array of events), signatures and their time included.
    fn sign(&self, webhook: &Webhook, body: &[u8], now_ms: i64) -> Vec<(&'static str, String)>;
}

/// What ConnectWise says: `impl Notices for Tenant` in `connectwise/callbacks.rs`.
pub(crate) trait Notices {
    /// One request per active callback entry that this change concerns. `site` is this simulator's address without a
    /// slash at its end, for `FromUrl` and `Metadata.key_url`.
    fn notices(&self, change: &Mutation, site: &str, now_ms: i64) -> Vec<Notice>;

    /// Sets `inactiveFlag` of a callback entry that failed on three days in a row.
    fn disable(&mut self, callback: u64);
}
