//! ConnectWise PSA's REST API with an API member's keys.

mod fields;
mod outcome;
mod read;
mod record;
mod schema;
mod write;

use std::collections::BTreeMap;

use base64::Engine as _;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::sync::Mutex;

use super::address::{Base, connectwise_api_host, connectwise_site, path_segment};
use super::budget::{Budget, BudgetSnapshot, Pace};
use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::http::{Call, Options, Reply, Session, Transport};
use super::redact::Redactor;
use super::{
    Boxed, Check, Connector, Finding, HttpPreview, LiveSchema, Need, Performed, Prepared, ServerClock, Severity,
    performed,
};
use crate::engine::core::request::{AnswerBody, Failure, Rejection, RejectionKind, Request, RequestId};
use crate::model::{FieldName, ObjectKind, System};

/// About a thousand calls a minute are the limit; nothing in the answers tells.
const GENERAL: Pace = Pace { start: 8.0, ceiling: 16.0, burst: 4.0 };

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
            Some(base) => (Base::parse(base)?, Base::parse(base)?),
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
        Ok(Self { login, api, company, transport, code_base: Mutex::new(None), stamps })
    }

    /// Asks the site which code base serves the login company. Unauthenticated.
    async fn discover(&self, session: &mut Session) -> Result<(String, Json), Fault> {
        let call = Call::get(format!("/login/companyinfo/{}", path_segment(&self.company))).single();
        let reply = self.transport.send_anonymous(&self.login.join(&call.path), &call, session).await?;
        let known = match reply.status {
            404 => Json::Null,
            _ => outcome::classify(&reply).map_err(|fault| self.failed(fault))?,
        };
        if known.is_null() {
            let message = format!("{} does not know the login company {}.", self.login.host(), self.company);
            let hint = "Check the login company (the short name typed at login, case matters) and the site.";
            let failure = Failure::Denied { message, hint: hint.to_owned() };
            return Err(Fault::new(ConnectErrorKind::Credentials, failure, hint));
        }
        match known.get("Codebase").and_then(Json::as_str).filter(|base| is_code_base(base)) {
            Some(base) => Ok((format!("{}/", base.trim_matches('/')), known)),
            None => Err(Fault::new(
                ConnectErrorKind::WrongSystem,
                Failure::NotSent(format!("{} answers, but not like ConnectWise.", self.login.host())),
                "Check the site of the connection.",
            )),
        }
    }

    async fn code_base(&self, session: &mut Session, stale: Option<&str>) -> Result<String, Fault> {
        let mut held = self.code_base.lock().await;
        match held.as_deref() {
            Some(base) if stale != Some(base) => Ok(base.to_owned()),
            _ => {
                let (base, _) = self.discover(session).await?;
                *held = Some(base.clone());
                Ok(base)
            }
        }
    }

    /// Makes a call below `apis/3.0`. When the code base has moved, the call did nothing and is made once more.
    async fn reply(&self, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
        let base = self.code_base(session, None).await.map_err(Fault::before_write)?;
        let reply = self.at(&base, call, session).await?;
        if !outcome::is_missing_route(&reply) {
            return Ok(reply);
        }
        let moved = self.code_base(session, Some(&base)).await.map_err(Fault::before_write)?;
        if moved == base { Ok(reply) } else { self.at(&moved, call, session).await }
    }

    async fn at(&self, base: &str, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
        let call = Call { path: format!("/{base}apis/3.0{}", call.path), ..call.clone() };
        self.transport.send(&self.api.join(&call.path), &call, session).await
    }

    async fn call(&self, call: &Call, session: &mut Session) -> Result<Json, Fault> {
        let reply = self.reply(call, session).await?;
        outcome::classify(&reply).map_err(|fault| self.failed(fault))
    }

    /// The fault without secrets; a pause asked for is kept.
    fn failed(&self, fault: Fault) -> Fault {
        if let Failure::Throttled { retry_after, .. } = &fault.failure {
            self.transport.budget.throttled(super::budget::Lane::General, *retry_after);
        }
        super::hubspot::clean(&self.transport.redactor, fault)
    }
}

impl Connector for ConnectWise {
    fn system(&self) -> System {
        System::ConnectWise
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
            let body = body.unwrap_or_else(|fault| AnswerBody::Failed(fault.failure));
            performed(id, &session, body, Vec::new())
        })
    }

    fn schema(&self, object: ObjectKind) -> Boxed<'_, Result<LiveSchema, ConnectError>> {
        Box::pin(async move { self.live_schema(object).await.map_err(ConnectError::from) })
    }

    fn describe(&self, request: &Request) -> Vec<HttpPreview> {
        self.previews(request)
    }

    fn prepare(&self, object: ObjectKind, _create: bool) -> Boxed<'_, Result<Prepared, ConnectError>> {
        Box::pin(self.prepare_stamp(object))
    }

    fn check(&self) -> Boxed<'_, Result<Check, ConnectError>> {
        Box::pin(self.check_access())
    }

    fn examine<'a>(&'a self, _needs: &'a [Need]) -> Boxed<'a, Result<Vec<Finding>, ConnectError>> {
        Box::pin(async move {
            let warnings = self.check_access().await?.warnings.into_iter();
            let finding = |what| Finding { severity: Severity::Warning, object: None, what, remedy: String::new() };
            Ok(warnings.map(finding).collect())
        })
    }

    fn budget(&self) -> BudgetSnapshot {
        self.transport.budget.snapshot()
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

/// `v2025_1/` and nothing that would lead elsewhere.
fn is_code_base(text: &str) -> bool {
    let bare = text.trim_matches('/');
    !bare.is_empty() && bare.len() < 64 && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

fn bad_keys() -> ConnectError {
    ConnectError::new(
        ConnectErrorKind::Credentials,
        "The login company, a key or the clientId is empty or has characters that cannot be sent.",
        "Copy them again from the API member's API Keys tab and the developer portal.",
    )
}

fn path(object: ObjectKind) -> Result<&'static str, Fault> {
    match object {
        ObjectKind::Company => Ok("/company/companies"),
        other => Err(refused(&format!("{} of ConnectWise are not supported yet.", other.plural()))),
    }
}

/// Refused here, before any call.
fn refused(message: &str) -> Fault {
    let rejection = Rejection { kind: RejectionKind::Other, message: message.to_owned(), field: None };
    Fault::new(ConnectErrorKind::Setup, Failure::Rejected(rejection), "")
}
