//! HubSpot's CRM API, with a service key, the token of a private app, or by OAuth.
//!
//! What a look-up by stamp can know differs by object:
//!
//! | object | asked of | a record just made | archived ones |
//! |---|---|---|---|
//! | companies, contacts, deals, tickets | the primary store, by a unique property | found | found |
//! | products, line items | the search index | found when the index has it: seconds to minutes later | not found |
//! | notes, tasks, calls, meetings | the search index | found when the index has it: seconds to minutes later | not found |

mod associations;
mod bisect;
mod day;
mod doctor;
mod history;
mod joins;
mod keeper;
mod lists;
mod loopback;
pub mod oauth;
mod outcome;
mod paths;
mod property;
mod read;
mod record;
mod references;
mod rules;
mod schema;
mod setup;
mod stage;
mod stamped;
mod ties;
mod told;
pub mod webhook;
mod write;

use std::collections::BTreeMap;

use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;

use super::address::Base;
use super::budget::{Budget, BudgetSnapshot, Lane, Pace};
use super::clean::Clean as _;
use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::http::{Call, Options, Reply, Session, Transport};
use super::redact::Redactor;
use super::rights::{self, Way};
use super::{
    Boxed, Check, Connector, Examination, FieldPlan, HttpPreview, LiveSchema, MadeField, Need, Performed, Prepared,
    ServerClock, located, performed,
};
use crate::engine::core::request::{
    AnswerBody, Failure, Priority, Rejection, RejectionKind, Request, RequestBody, RequestId,
};
use crate::mapping::new_field::NewField;
use crate::model::{FieldName, ObjectKind, System};
use keeper::Keeper;
pub use lists::ListInfo;
use oauth::OAuth;
use paths::{Route, Version};

const API: &str = "https://api.hubapi.com";
/// 190 calls in ten seconds are the limit of most accounts; smaller ones say so in their answers.
const GENERAL: Pace = Pace { start: 18.0, ceiling: 18.0, burst: 10.0 };
/// Five searches a second are the limit of the whole account. One less, for those that the way there pushes together.
const SEARCH: Pace = Pace { start: 3.0, ceiling: 3.0, burst: 1.0 };
// a burst and what comes after it may fall into one window of the limit
const _: () = assert!(GENERAL.burst + 10.0 * GENERAL.ceiling <= 190.0 && SEARCH.burst + SEARCH.ceiling < 5.0);
/// What one batch takes.
const BATCH: usize = 100;

/// What it takes to speak to a portal.
#[derive(Debug)]
pub enum Credentials {
    /// A service key or the token of a private app. It does not end by itself.
    Token(SecretString),
    /// An app that the portal let in. Its tokens are renewed here.
    OAuth(Box<OAuth>),
}

/// One HubSpot portal.
pub struct HubSpot {
    base: Base,
    transport: Transport,
    version: Version,
    /// Renews the token, where it does not live for ever.
    keeper: Option<Keeper>,
    /// What the connection began with.
    token: SecretString,
    /// Per object: the property with unique values that carries the stamp.
    stamps: BTreeMap<ObjectKind, FieldName>,
    /// Where the reading of lists goes on.
    places: lists::Places,
    pipelines: stage::Known,
}

/// A call before the API version is chosen.
#[derive(Debug, Clone)]
struct HubCall {
    route: Route,
    /// What follows the versioned beginning.
    rest: String,
    method: reqwest::Method,
    body: Option<Json>,
    lane: Lane,
}

impl HubCall {
    const fn get(route: Route, rest: String) -> Self {
        Self { route, rest, method: reqwest::Method::GET, body: None, lane: Lane::General }
    }

    const fn post(route: Route, rest: String, body: Json) -> Self {
        Self { route, rest, method: reqwest::Method::POST, body: Some(body), lane: Lane::General }
    }

    fn at(&self, version: usize) -> Call {
        let path = format!("{}{}", paths::prefix(self.route, version), self.rest);
        Call { method: self.method.clone(), body: self.body.clone(), lane: self.lane, ..Call::get(path) }
    }
}

impl HubSpot {
    /// # Errors
    /// An address that cannot be used, a token that cannot be one.
    pub fn new(
        credentials: Credentials,
        stamps: BTreeMap<ObjectKind, FieldName>,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let base = Base::parse(options.base.as_deref().unwrap_or(API))?;
        let (secrets, token) = match &credentials {
            Credentials::Token(token) => (vec![token.clone()], token.clone()),
            Credentials::OAuth(access) => {
                let OAuth { app, tokens, .. } = access.as_ref();
                let secrets = vec![app.client_secret.clone(), tokens.refresh.clone(), tokens.access.clone()];
                (secrets, tokens.access.clone())
            }
        };
        let bearer = keeper::bearer(&token).ok_or_else(bad_token)?;
        let headers = HeaderMap::from_iter([(AUTHORIZATION, bearer)]);
        let secrets = secrets.iter().map(|secret| secret.expose_secret().trim().into()).collect();
        let budget = Budget::new(GENERAL, SEARCH, options.unlimited);
        let mut transport = Transport::new(headers, Redactor::new(secrets), budget, options)?;
        transport.retry_after_may_be_millis = true;
        let keeper = match credentials {
            Credentials::Token(_) => None,
            Credentials::OAuth(access) => Some(Keeper::new(*access, options)?),
        };
        let (places, pipelines) = Default::default();
        Ok(Self { base, transport, version: Version::default(), keeper, token, stamps, places, pipelines })
    }

    /// Makes a call in the newest version of the API that the account routes. A call to a route that is not there did
    /// nothing, so that even a write may be sent again to another one.
    async fn reply(&self, call: &HubCall, session: &mut Session) -> Result<Reply, Fault> {
        for version in self.version.candidates(call.route) {
            let reply = self.signed(&call.at(version), session).await?;
            if !outcome::is_missing_route(&reply) {
                self.version.remember(call.route, version);
                return Ok(reply);
            }
        }
        // Never a word about a record: taken for one, a proxy's 404 would make a hundred living records vanish.
        let message = "The host knows HubSpot's API in none of its versions.".to_owned();
        let hint = "Check the address of the connection, and any proxy before it; HubSpot's is https://api.hubapi.com.";
        Err(Fault::new(ConnectErrorKind::WrongSystem, Failure::NotSent(message), hint))
    }

    /// Makes a call with a token that lives. One that ends on the way was refused for it, so that even a write may be sent
    /// again: once, with a new token.
    async fn signed(&self, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
        let url = self.base.join(&call.path);
        let Some(keeper) = &self.keeper else { return self.transport.send(&url, call, session).await };
        let used = keeper.fresh(&self.transport, session).await?;
        let reply = self.transport.send(&url, call, session).await?;
        if !outcome::is_expired(&reply) {
            return Ok(reply);
        }
        keeper.expired(used, &self.transport, session).await?;
        self.transport.send(&url, call, session).await
    }

    /// The body of a successful answer. Texts of the fault are free of secrets.
    async fn call(&self, call: &HubCall, session: &mut Session) -> Result<Json, Fault> {
        let reply = self.reply(call, session).await?;
        self.judge(call, &reply)
    }

    fn judge(&self, call: &HubCall, reply: &Reply) -> Result<Json, Fault> {
        outcome::classify(reply).map_err(|fault| {
            if let Failure::Throttled { retry_after, .. } = &fault.failure {
                self.transport.budget.throttled(call.lane, *retry_after);
            }
            let fault = if self.keeper.is_some() { oauth::reconnect(fault) } else { fault };
            clean(&self.transport.redactor, fault)
        })
    }

    async fn answer(&self, request: &Request, session: &mut Session) -> Result<AnswerBody, Fault> {
        let object = request.object;
        match &request.body {
            RequestBody::Identify => self.identify(session).await,
            RequestBody::Changes { fields, from, until, after, limit } => {
                self.changes(object, fields, read::Window { from: *from, until: *until }, *after, *limit, session).await
            }
            RequestBody::List { fields, after, archived, limit } => {
                self.list(object, fields, *after, *archived, *limit, session).await
            }
            RequestBody::Count { since } => self.count(object, *since, session).await,
            RequestBody::Read { fields, ids } => self.read(object, fields, ids, session).await,
            RequestBody::FindStamped { fields, stamps } => self.find_stamped(object, fields, stamps, session).await,
            RequestBody::Associations { to, ids } => self.associations(object, *to, ids, session).await,
            RequestBody::History { fields, ids } => self.history(object, fields, ids, session).await,
            RequestBody::Members { list, after, limit } => self.members(list, *after, *limit, session).await,
            RequestBody::Create { .. } | RequestBody::Update { .. } | RequestBody::Associate { .. } => {
                Err(Fault::unknown("A write was taken for a read.")) // perform() sends them to `write`.
            }
        }
    }
}

impl Connector for HubSpot {
    fn system(&self) -> System {
        System::HubSpot
    }

    fn perform<'a>(&'a self, id: RequestId, request: &'a Request) -> Boxed<'a, Performed> {
        Box::pin(async move {
            if request.body.is_write() {
                let mut session = Session::for_write(request.priority).about(request);
                let (body, exchanges) = self.write(request, &mut session).await;
                return performed(id, &session, with_scope(request, body), exchanges);
            }
            let mut session = Session::new(request.priority).about(request);
            let body = match (self.answer(request, &mut session).await, fields_of(&request.body)) {
                (Ok(body), Some(fields)) => self.with_associated(request.object, fields, body, &mut session).await,
                (body, _) => body,
            };
            let located = |failure| located(failure, request, &session, &self.transport.redactor);
            let body = body.unwrap_or_else(|fault| AnswerBody::Failed(located(fault.failure)));
            performed(id, &session, with_scope(request, body), Vec::new())
        })
    }

    fn schema_at(&self, object: ObjectKind, priority: Priority) -> Boxed<'_, Result<LiveSchema, ConnectError>> {
        Box::pin(async move {
            self.live_schema(object, priority).await.map_err(ConnectError::from).clean(&self.transport.redactor)
        })
    }

    fn describe(&self, request: &Request) -> Vec<HttpPreview> {
        self.previews(request)
    }

    fn prepare(&self, object: ObjectKind, create: bool) -> Boxed<'_, Result<Prepared, ConnectError>> {
        Box::pin(async move { self.prepare_stamp(object, create).await.clean(&self.transport.redactor) })
    }

    fn plan_field<'a>(&'a self, field: &'a NewField) -> Boxed<'a, Result<FieldPlan, ConnectError>> {
        Box::pin(async move { self.plan_property(field).await.clean(&self.transport.redactor) })
    }

    fn make_field<'a>(&'a self, field: &'a NewField) -> Boxed<'a, Result<MadeField, ConnectError>> {
        Box::pin(async move { self.make_property(field).await.clean(&self.transport.redactor) })
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

impl std::fmt::Debug for HubSpot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSpot").field("host", &self.base.host()).finish_non_exhaustive()
    }
}

fn bad_token() -> ConnectError {
    ConnectError::new(
        ConnectErrorKind::Credentials,
        "The HubSpot token is empty or has characters that no token has.",
        "Copy the service key or private-app token again; it looks like pat-na1-….",
    )
}

/// The fields that the records of an answer are to show.
fn fields_of(body: &RequestBody) -> Option<&[FieldName]> {
    match body {
        RequestBody::Changes { fields, .. }
        | RequestBody::List { fields, .. }
        | RequestBody::Read { fields, .. }
        | RequestBody::FindStamped { fields, .. } => Some(fields),
        _ => None,
    }
}

/// Names the scope that a request takes, where HubSpot refused it for lack of one and did not say which.
fn with_scope(request: &Request, body: AnswerBody) -> AnswerBody {
    match body {
        AnswerBody::Failed(Failure::Forbidden { message, hint })
            if hint == outcome::SCOPES && request.body != RequestBody::Identify =>
        {
            let way = if request.body.is_write() { Way::WriteRecords } else { Way::ReadRecords };
            let scope = rights::scope(request.object, way);
            let hint = format!("Look whether the service key or private app in HubSpot has the scope {scope}.");
            AnswerBody::Failed(Failure::Forbidden { message, hint })
        }
        other => other,
    }
}

/// Refused here, before any call.
fn local_rejection(message: &str) -> Fault {
    let rejection = Rejection { kind: RejectionKind::Other, message: message.to_owned(), fields: Vec::new() };
    Fault::new(ConnectErrorKind::Unexpected, Failure::Rejected(rejection), "")
}

/// The fault without secrets: systems sometimes quote what they were sent.
pub(super) fn clean(redactor: &Redactor, fault: Fault) -> Fault {
    let failure = match fault.failure {
        Failure::NotSent(message) => Failure::NotSent(redactor.clean(&message)),
        Failure::Throttled { retry_after, message } => {
            Failure::Throttled { retry_after, message: redactor.clean(&message) }
        }
        Failure::Denied { message, hint } => Failure::Denied { message: redactor.clean(&message), hint },
        Failure::Forbidden { message, hint } => Failure::Forbidden { message: redactor.clean(&message), hint },
        Failure::Rejected(rejection) => {
            Failure::Rejected(Rejection { message: redactor.clean(&rejection.message), ..rejection })
        }
        Failure::Unknown(message) => Failure::Unknown(redactor.clean(&message)),
    };
    Fault { failure, ..fault }
}
