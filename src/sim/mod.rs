//! Stand-ins for both systems that speak their HTTP; written from the API facts alone, sharing no code with `connect`.
//!
//! [`Simulators::start`] serves a HubSpot and a ConnectWise PSA on two ports of the loopback. Both live in one world with
//! one clock. What a person at either system would do, and what goes wrong on the way, is asked for through
//! [`ControlHandle`] in the same process, or through the control API over HTTP.
//!
//! # The control API
//!
//! Under `/_sim/` on both ports, JSON in and out, no credentials. `{side}` is `hubspot` or `connectwise`;
//! `{object}` is `companies`, `contacts`, `deals`, `tickets`, `products`, `line_items`, `notes`, `tasks`, `calls`, `meetings` or
//! `activities` ([`Object`]).
//! An error answers 400 or 404 with `{"error": "…"}`.
//!
//! | call | body | answer |
//! |---|---|---|
//! | `GET /_sim/info` | | addresses are the caller's; credentials, app id, API member |
//! | `GET /_sim/records/{side}/{object}?after=&limit=` | | `[{id, deleted, …}]`, id order |
//! | `GET /_sim/records/{side}/{object}/{id}` | | the record |
//! | `POST /_sim/records/{side}/{object}` | `{"fields": {…}, "user": "…"?}` | `{"id": n}`: a person creates a record |
//! | `PATCH /_sim/records/{side}/{object}/{id}` | the same | the record: a person edits it |
//! | `DELETE /_sim/records/{side}/{object}/{id}` | | as the system does it: archived, recycle bin, or gone |
//! | `POST /_sim/records/{side}/{object}/{id}/restore` | | the record, back again |
//! | `POST /_sim/records/{side}/{object}/{id}/merge` | `{"other": id, "user"?}` | `{"id": survivor}`; `other` goes |
//! | `POST /_sim/records/hubspot/{object}/{id}/index` | `{"visible_at_ms": n}` | when search shows the record as it is now |
//! | `POST /_sim/hubspot/storm` | `{"object": "contacts"}` | `{"records": n}`: all get one new time of change, and no other |
//! | `PUT /_sim/hubspot/lists` | `{"object", "name", "processing"?, "members": [ids]}` | `{"id": n}`: exactly these are its members |
//! | `POST /_sim/hubspot/associations` | `{"from": {"object", "id"}, "to": {…}, "types"?: [ids], "remove"?}` | `{}`: a person ties two records |
//! | `GET /_sim/clock` | | `{"now_ms", "now", "standing", "skew_ms"}` |
//! | `PUT /_sim/clock` | `{"at": "2026-…Z"}` or `{"at_ms": n}` stands still; `{"run": true}` the machine's | the clock |
//! | `POST /_sim/clock/advance` | `{"ms": n}`, forward only | the clock |
//! | `PUT /_sim/clock/skew` | `{"side", "ms"}` | that system's clock is so far ahead of the world's |
//! | `GET`, `POST`, `DELETE /_sim/faults` | `POST`: a [`FaultRule`], e.g. `{"fault": {"status": {"code": 503}}, "count": 2}` | the rules |
//! | `GET /_sim/faults/kinds` | | every kind of fault: what it does, and an example |
//! | `GET /_sim/ledger?since=n` | | every change with who made it ([`Mutation`]) |
//! | `GET /_sim/requests?since=n` | | the last requests: time, method, path, status (0: no answer), ms |
//! | `GET`, `PUT`, `DELETE /_sim/webhooks/hubspot` | `{"url", "secret", "events"?}` | where HubSpot's app listens ([`Webhook`]) |
//! | `POST /_sim/webhooks/hubspot/test` | `{"event": "contact.propertyChange"}` | `{}`: as a person tests a subscription |
//! | `GET /_sim/deliveries?since=n` | | attempts to deliver webhooks and callbacks ([`DeliveryEntry`]) |
//! | `GET /_sim/calls` | | calls per endpoint and status; status 0: no answer |
//! | `DELETE /_sim/calls`, `DELETE /_sim/ledger` | | forgets them |
//! | `GET`, `PATCH /_sim/behaviour` | part of [`Behaviour`], merged deeply; a list also by `{"add": […], "remove": […]}` | the behaviour in force |
//! | `GET /_sim/behaviour/switches` | | every switch: what it does, its value and its default |
//! | `POST /_sim/properties` | `{"object"?, "name", "label"?, "unique"?}` | adds a HubSpot property of text |
//! | `POST /_sim/reset` | | data, faults, ledger, calls and clock as at the start |
//!
//! # Faults
//!
//! The body of `POST /_sim/faults` is a [`FaultRule`]: `fault`, and which requests it strikes: `side`, `method`, `path` (a part
//! of it), `skip` (so many pass first), `count` (at most so often; left out: for ever), `probability` (0 to 1). The first rule
//! that strikes decides. The kinds ([`Fault`]):
//!
//! | `fault` | what happens |
//! |---|---|
//! | `"drop_before"` | the connection breaks, nothing took effect |
//! | `"drop_after_commit"` | it took effect, the connection breaks |
//! | `{"late_landing": {"ms": 1500}}` | it takes effect that much later, whether or not the client still waits |
//! | `{"delay": {"ms": 1500}}` | it took effect, the answer comes late |
//! | `{"status": {"code": 503, "body"?, "retry_after"?}}` | this answer instead of the effect; 502 is a page of HTML |
//! | `{"status_after_commit": {"code": 500, "body"?}}` | it took effect, this is what the client hears |
//! | `{"limited": {"retry_after"?: {"seconds": 3}}}` | 429; also `{"milliseconds": n}`, `{"date_in_seconds": n}`, or no header |
//! | `"expired"` | the system's own 401; with `skip`, from the n-th request on |
//! | `{"html": {"commits"?: true}}` | a page of HTML with status 200 |
//! | `{"drip": {"bytes": 3, "every_ms": 50}}` | it took effect; a few bytes at a time, for ever |
//! | `"truncate"` | it took effect; the connection is reset in the middle of the body |
//! | `"half_body"` | it took effect; half of the body, with a length that says it is whole |
//! | `{"oversized": {"megabytes": 64}}` | it took effect; the answer and so many megabytes of blanks |
//! | `{"mangle": {"pointer": "/results/0/id", "value"?: 7}}` | replaces what the JSON pointer leads to, or removes it; `*`: every item |
//! | `{"header": {"name": "link", "value"?: "…"}}` | replaces a header of the answer, or removes it |
//! | `{"reorder": {"pointer": "/results"}}` | the items of an array in another order |
//! | `{"drop_item": {"pointer": "/results", "index"?: 0}}` | an array without one of its items |
//! | `{"skew": {"ms": 60000}}` | the system's clock jumps, and stays until the faults are deleted; with `count` 5, five minutes in five steps |
//!
//! A page that never ends is `{"mangle": {"pointer": "/paging", "value": {"next": {"after": "1"}}}}`, and `{"header": {"name":
//! "link", …}}` in ConnectWise.

mod alter;
mod clock;
mod connectwise;
mod control;
mod control_behaviour;
mod control_http;
mod delivery;
mod described;
mod faults;
mod generate;
mod hubspot;
mod ledger;
mod nearest;
mod object;
mod options;
mod packed;
mod people;
mod perform;
mod post;
mod random;
mod requests;
mod server;
mod story;
mod wire;
mod world;

use std::io;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use self::clock::Clock;
pub use self::connectwise::Behaviour as ConnectWiseBehaviour;
pub use self::connectwise::{
    ClosedDate, EmptyReference, Level, MergedCompany, NullReference, Permit, Role, SelfSuppression,
};
pub use self::control::{ControlError, ControlHandle};
pub use self::delivery::{Behaviour as DeliveryBehaviour, DeliveryEntry, Webhook};
pub use self::faults::{Fault, FaultRule, RetryAfter};
pub use self::hubspot::{Behaviour as HubSpotBehaviour, LimitWord, WebhookSignature};
pub use self::ledger::{Actor, Mutation, Verb};
pub use self::object::Object;
pub use self::options::{
    ACTIVITY_KEY_FIELD, Behaviour, CATCHALL_COMPANY, CONNECTWISE_API_MEMBER, CONNECTWISE_CLIENT_ID,
    CONNECTWISE_COMPANY, CONNECTWISE_PORT, CONNECTWISE_PRIVATE_KEY, CONNECTWISE_PUBLIC_KEY, Credentials,
    DEAL_KEY_FIELD, Data, HELP_DESK, HUBSPOT_APP_ID, HUBSPOT_PORT, HUBSPOT_TOKEN, OWN_COMPANY, Options, Size, Sizes,
    TICKET_KEY_FIELD,
};

pub use self::requests::RequestEntry;

/// One of the two simulated systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    HubSpot,
    ConnectWise,
}

impl Side {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HubSpot => "hubspot",
            Self::ConnectWise => "connectwise",
        }
    }

    /// As the makers write it, for messages.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::HubSpot => "HubSpot",
            Self::ConnectWise => "ConnectWise",
        }
    }
}

/// Starts both simulators.
#[derive(Debug)]
pub struct Simulators;

impl Simulators {
    /// Loads the data and listens on 127.0.0.1. Must run inside a tokio runtime, which then serves the requests.
    ///
    /// # Errors
    /// When a port is taken, or the built-in data does not fit its own rules.
    pub async fn start(options: Options) -> io::Result<Running> {
        let (hubspot_port, connectwise_port) = (options.hubspot_port, options.connectwise_port);
        let credentials = options.credentials.clone();
        let control = ControlHandle::new(options)?;
        let (stop, stopped) = watch::channel(false);
        let hubspot = server::serve(Side::HubSpot, hubspot_port, control.clone(), stopped.clone()).await?;
        let connectwise = server::serve(Side::ConnectWise, connectwise_port, control.clone(), stopped.clone()).await?;
        post::start(control.clone(), format!("http://{connectwise}"), stopped)?;
        Ok(Running {
            hubspot_url: format!("http://{hubspot}"),
            connectwise_url: format!("http://{connectwise}"),
            credentials,
            control,
            stop,
        })
    }
}

/// Both simulators, serving until this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Stands for `https://api.hubapi.com`; no slash at the end.
    pub hubspot_url: String,
    /// Stands for the ConnectWise site; no slash at the end.
    pub connectwise_url: String,
    pub credentials: Credentials,
    pub control: ControlHandle,
    stop: watch::Sender<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}
