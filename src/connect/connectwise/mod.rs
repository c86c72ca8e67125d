//! ConnectWise PSA's REST API with an API member's keys.
//!
//! What each request costs: `Changes` and `List` one call a page, and one more for each opportunity whose amount or
//! forecast items are asked for, but for those that `Changes` shows once more; `Read` one for 150 ids, and one for each of
//! up to ten that the list leaves out; `FindStamped` one for all stamps in `userDefinedField…`, one for each in a
//! user-defined field; `Create` and `Update` one, and more where a field lives in a record of its own (communication items,
//! types after the create, the amount) or in the array of user-defined fields, which is read first.
//!
//! Left to the customer's role: `Closed Opportunity` and `Close Service Tickets` cannot be probed without writing.
//! Not used: bundles, because a page of 1,000 rows leaves nothing to bundle and their writes are undocumented; `/search`,
//! because only tickets have it; `PUT`, because it empties what it does not carry and fails on contacts.

mod activities;
mod address;
mod callbacks;
mod communications;
mod conditions;
mod doctor;
mod fields;
mod forecast;
mod ids;
mod keys;
mod objects;
mod options;
mod outcome;
mod read;
mod record;
mod roles;
mod schema;
mod seen_forecasts;
mod shapes;
mod signing;
mod stamp;
mod tenant;
mod types;
mod user_defined;
mod values;
mod version;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use base64::Engine as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

pub use activities::ActivityTypes;
pub use callbacks::{Callback, Kept};
pub use signing::{Hint, HintAction};

use super::address::{Base, connectwise_api_host, connectwise_root, connectwise_site};
use super::budget::{Budget, BudgetSnapshot, Pace};
use super::clean::Clean as _;
use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::http::{Options, Session, Transport};
use super::redact::{Redactor, clip_message};
use super::{
    Boxed, Check, Connector, Examination, HttpPreview, LiveSchema, Need, Performed, Places, Prepared, ServerClock,
    located, performed,
};
use crate::engine::core::request::{AnswerBody, Failure, Priority, Rejection, RejectionKind, Request, RequestId};
use crate::model::{FieldName, ObjectKind, RecordId, System};
use communications::Media;
use version::Version;

/// About a thousand calls a minute are the limit; nothing in the answers tells.
const GENERAL: Pace = Pace { start: 8.0, ceiling: 16.0, burst: 4.0 };
/// Records that ConnectWise cannot read are remembered up to this many.
const UNREADABLE: usize = 1000;

/// What it takes to speak to a tenant.
pub struct Credentials {
    /// The host people log in at, such as `na.myconnectwise.net`.
    pub site: String,
    /// The short name typed at login.
    pub company: String,
    pub public_key: SecretString,
    pub private_key: SecretString,
    /// Names the integration; not a secret.
    pub client_id: String,
}

/// One ConnectWise tenant.
pub struct ConnectWise {
    login: Base,
    api: Base,
    company: String,
    transport: Transport,
    /// Such as `v2025_1/`; changes with upgrades.
    code_base: Mutex<Option<String>>,
    /// Per object: the field that carries the stamp.
    stamps: BTreeMap<ObjectKind, FieldName>,
    activities: ActivityTypes,
    /// The tenant's communication types.
    media: Mutex<Option<Media>>,
    /// The release that answered last.
    version: std::sync::Mutex<Option<Version>>,
    /// In which opportunity each forecast item was seen last.
    lines: std::sync::Mutex<BTreeMap<RecordId, RecordId>>,
    /// Where the workspace saw those that this connection has not seen yet.
    places: std::sync::OnceLock<Places>,
    /// Forecasts as they were read last, of opportunities that changed a moment ago.
    seen_forecasts: std::sync::Mutex<seen_forecasts::SeenForecasts>,
    /// How far each forecast item of unknown place has been looked for.
    searched: std::sync::Mutex<BTreeMap<RecordId, forecast::Searched>>,
    /// Records that ConnectWise itself could not read, with its words.
    unreadable: std::sync::Mutex<BTreeMap<(ObjectKind, RecordId), String>>,
    /// User-defined fields that records of some locations or departments alone have.
    limited: std::sync::Mutex<BTreeSet<u64>>,
    /// Keys that sign call-backs.
    keys: std::sync::Mutex<keys::Keys>,
    /// Held while one is asked for.
    fetching: Mutex<()>,
}

impl ConnectWise {
    /// # Errors
    /// An address that cannot be used, keys that cannot be ones.
    pub fn new(
        credentials: &Credentials,
        stamps: BTreeMap<ObjectKind, FieldName>,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let site = connectwise_site(&credentials.site);
        let (login, api) = match &options.base {
            Some(base) => {
                let root = Base::parse(connectwise_root(base))?;
                (root.clone(), root)
            }
            None => {
                // Refused as written: a site that says `http://` is not quietly spoken to over TLS.
                Base::parse(&credentials.site)?;
                (Base::parse(&site)?, Base::parse(&connectwise_api_host(&site))?)
            }
        };
        let company = credentials.company.trim().to_owned();
        let public = credentials.public_key.expose_secret().trim();
        let private = credentials.private_key.expose_secret().trim();
        if company.is_empty() || public.is_empty() || private.is_empty() || credentials.client_id.trim().is_empty() {
            return Err(bad_keys());
        }
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{company}+{public}:{private}"));
        let mut authorization = HeaderValue::from_str(&format!("Basic {basic}")).map_err(|_| bad_keys())?;
        authorization.set_sensitive(true);
        let client_id = HeaderValue::from_str(credentials.client_id.trim()).map_err(|_| bad_keys())?;
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, authorization), (HeaderName::from_static("clientid"), client_id)]);
        let redactor = Redactor::new(vec![basic.into(), private.to_owned().into(), public.to_owned().into()]);
        let transport = Transport::new(headers, redactor, Budget::new(GENERAL, GENERAL, options.unlimited), options)?;
        Ok(Self {
            login,
            api,
            company,
            transport,
            code_base: Mutex::default(),
            stamps,
            activities: ActivityTypes::default(),
            media: Mutex::default(),
            version: std::sync::Mutex::default(),
            lines: std::sync::Mutex::default(),
            seen_forecasts: std::sync::Mutex::default(),
            places: std::sync::OnceLock::new(),
            searched: std::sync::Mutex::default(),
            unreadable: std::sync::Mutex::default(),
            limited: std::sync::Mutex::default(),
            keys: std::sync::Mutex::default(),
            fetching: Mutex::default(),
        })
    }

    /// Which activity types are notes, tasks, calls and meetings. Without this, every activity is a task.
    #[must_use]
    pub fn with_activity_types(self, activities: ActivityTypes) -> Self {
        Self { activities, ..self }
    }

    /// Who answers: the login company and the host people log in at. Companies of two hosts may have one name.
    fn tenant(&self) -> String {
        format!("{}@{}", self.company.to_lowercase(), self.login.host())
    }

    /// Keeps a record that was left out of an answer in mind, for the doctor and the log.
    fn note_unreadable(&self, object: ObjectKind, id: RecordId, why: &str) {
        tracing::warn!(%object, %id, "ConnectWise cannot read this record; it is left out");
        let mut known = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < UNREADABLE {
            known.insert((object, id), clip_message(&self.transport.redactor.clean(why)));
        }
    }
}

impl Connector for ConnectWise {
    fn system(&self) -> System {
        System::ConnectWise
    }

    fn calls_back(&self) -> Option<&Self> {
        Some(self)
    }

    fn perform<'a>(&'a self, id: RequestId, request: &'a Request) -> Boxed<'a, Performed> {
        Box::pin(async move {
            if request.body.is_write() {
                let mut session = Session::for_write(request.priority).about(request);
                let (body, exchanges) = self.write(request, &mut session).await;
                return performed(id, &session, body, exchanges);
            }
            let mut session = Session::new(request.priority).about(request);
            let body = self.answer(request, &mut session).await;
            let located = |failure| located(failure, request, &session, &self.transport.redactor);
            let body = body.unwrap_or_else(|fault| AnswerBody::Failed(located(fault.failure)));
            performed(id, &session, body, Vec::new())
        })
    }

    fn learn_places(&self, places: Places) {
        // The first one knows as much as any other: all read the same workspace.
        drop(self.places.set(places));
    }

    fn schema_at(&self, object: ObjectKind, priority: Priority) -> Boxed<'_, Result<LiveSchema, ConnectError>> {
        Box::pin(async move {
            self.live_schema(object, priority).await.map_err(ConnectError::from).clean(&self.transport.redactor)
        })
    }

    fn describe(&self, request: &Request) -> Vec<HttpPreview> {
        self.previews(request)
    }

    fn prepare(&self, object: ObjectKind, _create: bool) -> Boxed<'_, Result<Prepared, ConnectError>> {
        Box::pin(async move { self.prepare_stamp(object).await.clean(&self.transport.redactor) })
    }

    fn check(&self) -> Boxed<'_, Result<Check, ConnectError>> {
        Box::pin(async move { self.check_access().await.clean(&self.transport.redactor) })
    }

    fn examine<'a>(&'a self, needs: &'a [Need]) -> Boxed<'a, Result<Examination, ConnectError>> {
        Box::pin(async move { self.examine_needs(needs).await.clean(&self.transport.redactor) })
    }

    fn budget(&self) -> BudgetSnapshot {
        self.transport.budget.snapshot()
    }

    fn asking(&self) -> Option<String> {
        self.transport.asking()
    }

    fn clock(&self) -> Option<ServerClock> {
        self.transport.server_clock.now()
    }
}

impl std::fmt::Debug for ConnectWise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectWise").field("host", &self.api.host()).finish_non_exhaustive()
    }
}

fn bad_keys() -> ConnectError {
    ConnectError::new(
        ConnectErrorKind::Credentials,
        "The login company, a key or the clientId is empty or has characters that cannot be sent.",
        "Copy them again from the API member's API Keys tab and the developer portal.",
    )
}

/// Refused here, before any call.
fn refused(message: &str) -> Fault {
    let rejection = Rejection { kind: RejectionKind::Other, message: message.to_owned(), fields: Vec::new() };
    Fault::new(ConnectErrorKind::Setup, Failure::Rejected(rejection), "")
}
