//! One HTTP call: its turn, its bytes, its answer. Tells "nothing was sent" from "sent, and no word".
//! Knows neither system: what an answer means is decided by the connectors.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::budget::{Budget, Lane, Late};
use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::link;
use super::reach;
use super::redact::Redactor;
use super::server_clock::ClockEstimate;
pub(crate) use super::session::{Session, Wire};
use super::trace::Ended;
use crate::engine::core::request::Failure;
use crate::model::Timestamp;

/// The local clock, for the times shown beside an exchange.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A body that sends nothing for so long has ended. The whole call has `Options::timeout`, so that one byte now and then
/// does not keep it alive for ever.
const IDLE_BODY: Duration = Duration::from_secs(20);
/// As much of an answer as can matter to people; what they see of it is cut further, after the secrets are out of it.
const EXCERPT_BYTES: usize = 64 * 1024;
/// Shorter than the time after which servers drop quiet connections, so that a write rarely meets a dead one.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// How a connector reaches its system.
#[derive(Clone)]
pub struct Options {
    /// Another address than the system's own: a sandbox or a simulator.
    pub base: Option<String>,
    /// No pacing at all, for simulators and benches. A 429 is still obeyed.
    pub unlimited: bool,
    /// From the first byte sent to the last one received.
    pub timeout: Duration,
    pub clock: Clock,
}

impl Options {
    /// The real system, paced, with the default time-out of 60 seconds.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { base: None, unlimited: false, timeout: Duration::from_secs(60), clock }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("base", &self.base)
            .field("unlimited", &self.unlimited)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How much a call may answer, after decompression: what is beyond it is an accident or an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Many records with every field, or the options of every field.
    Page,
    /// One record, one account, one refusal.
    Single,
}

impl Size {
    const fn megabytes(self) -> usize {
        match self {
            Self::Page => 32,
            Self::Single => 2,
        }
    }
}

/// One call as it goes out, apart from credentials.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub method: Method,
    /// Path and query, escaped.
    pub path: String,
    pub body: Option<Json>,
    pub lane: Lane,
    pub size: Size,
    /// ConnectWise's keyset paging is asked for by a header.
    pub forward_only: bool,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { method: Method::GET, path, body: None, lane: Lane::General, size: Size::Page, forward_only: false }
    }

    pub fn send(method: Method, path: impl Into<String>, body: Json) -> Self {
        Self { method, body: Some(body), ..Self::get(path) }
    }

    /// The same, for an answer that is about one thing.
    pub fn single(self) -> Self {
        Self { size: Size::Single, ..self }
    }
}

/// One answer, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The answer is a page, and its header says that another follows.
    pub next: bool,
    /// The body, or why it could not be read to its end.
    pub body: Result<Vec<u8>, String>,
}

impl Reply {
    pub fn json(&self) -> Result<Json, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON ({error})"))
    }

    /// The beginning of the body as text for people; empty when it could not be read.
    pub fn text(&self) -> String {
        let beginning = |body: &Vec<u8>| String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]).into_owned();
        self.body.as_ref().map(beginning).unwrap_or_default()
    }
}

/// How a call shows who makes it.
#[derive(Clone, Copy)]
enum Manner<'a> {
    Signed,
    Anonymous,
    /// No credentials but those in the form that is its body.
    Form(&'a SecretString),
}

/// A call on its way, until it is answered or given up.
struct Asking<'a>(&'a Transport);

impl<'a> Asking<'a> {
    fn of(transport: &'a Transport, call: String) -> Self {
        *transport.asking.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
        Self(transport)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The way to one system: client, credentials, pace.
pub(crate) struct Transport {
    client: reqwest::Client,
    /// Sent with every call; the secret ones are marked sensitive.
    headers: RwLock<HeaderMap>,
    pub budget: Budget,
    pub redactor: Redactor,
    pub server_clock: ClockEstimate,
    pub clock: Clock,
    /// Of one call, from its first byte to the last one of its answer.
    timeout: Duration,
    /// The call that went out last, until its answer is there.
    asking: Mutex<Option<String>>,
    /// Whether the system has been seen giving `Retry-After` in milliseconds.
    pub retry_after_may_be_millis: bool,
}

impl Transport {
    pub fn new(
        headers: HeaderMap,
        redactor: Redactor,
        budget: Budget,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        Ok(Self {
            client: client(options)?,
            headers: RwLock::new(headers),
            budget,
            redactor,
            server_clock: ClockEstimate::default(),
            clock: Arc::clone(&options.clock),
            timeout: options.timeout,
            asking: Mutex::default(),
            retry_after_may_be_millis: false,
        })
    }

    /// Makes one call at its turn. `url` is the full address of `call.path`.
    pub async fn send(&self, url: &str, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
        self.deliver(url, call, session, Manner::Signed).await
    }

    /// Sends another header value from now on: a token that was renewed.
    pub fn sign(&self, name: HeaderName, value: HeaderValue) {
        self.headers.write().unwrap_or_else(PoisonError::into_inner).insert(name, value);
    }

    /// The same without credentials.
    pub async fn send_anonymous(&self, url: &str, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
        self.deliver(url, call, session, Manner::Anonymous).await
    }

    /// The same with an encoded form, which may hold secrets, as the body.
    pub async fn send_form(
        &self,
        url: &str,
        call: &Call,
        form: &SecretString,
        session: &mut Session,
    ) -> Result<Reply, Fault> {
        self.deliver(url, call, session, Manner::Form(form)).await
    }

    async fn deliver(&self, url: &str, call: &Call, session: &mut Session, manner: Manner<'_>) -> Result<Reply, Fault> {
        self.budget.turn(call.lane, session.priority, session.latest).await.map_err(|late| too_late(&late))?;
        session.go_on(self.timeout, host(url))?;
        let at = (self.clock)();
        let began = Instant::now();
        session.calls += 1;
        let path = call.path.split('?').next().unwrap_or_default();
        let _asking = Asking::of(self, format!("{} {path}", call.method));
        let about_records = !matches!(manner, Manner::Form(_));
        let result = self.exchange(url, call, manner, at, session).await.map(|reply| self.without_secrets(reply));
        session.waited(began.elapsed(), matches!(&result, Ok(Reply { body: Ok(_), .. })), self.timeout);
        let (status, response) = match &result {
            Ok(reply) => (Some(reply.status), reply.text()),
            Err(fault) => (None, ConnectError::from(fault.clone()).message),
        };
        let (method, path, took) = (call.method.to_string(), call.path.clone(), began.elapsed());
        let wire = Wire { at, method, path, status, response, took };
        self.log(url, &wire, session);
        // What is said about a sign-in is about no record, and nobody's to read.
        if about_records {
            session.last = Some(wire);
        }
        result
    }

    /// The call whose answer is waited for, without its query.
    pub fn asking(&self) -> Option<String> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A refusal that quotes a secret loses it here, before anybody cuts its text: half a secret would not be found.
    fn without_secrets(&self, mut reply: Reply) -> Reply {
        if !(200..300).contains(&reply.status)
            && let Ok(body) = &mut reply.body
        {
            let text = String::from_utf8_lossy(body);
            let clean = self.redactor.clean(&text);
            if clean != text {
                *body = clean.into_bytes();
            }
        }
        reply
    }

    fn log(&self, url: &str, wire: &Wire, session: &Session) {
        let endpoint = wire.path.split(['?', '#']).next().unwrap_or_default();
        let fault = wire.status.is_none().then(|| self.redactor.clean(&wire.response));
        Ended {
            host: host(url),
            subject: session.subject(),
            method: &wire.method,
            endpoint: &self.redactor.clean(endpoint),
            status: wire.status,
            took: wire.took,
            attempt: session.calls,
            fault: fault.as_deref(),
        }
        .log();
    }

    async fn exchange(
        &self,
        url: &str,
        call: &Call,
        manner: Manner<'_>,
        at: Timestamp,
        session: &mut Session,
    ) -> Result<Reply, Fault> {
        let began = Instant::now();
        let mut request = self.client.request(call.method.clone(), url).header(ACCEPT, "application/json");
        request = match manner {
            Manner::Signed => request.headers(self.headers.read().unwrap_or_else(PoisonError::into_inner).clone()),
            Manner::Anonymous => request,
            Manner::Form(form) => {
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.expose_secret().to_owned())
            }
        };
        if call.forward_only {
            request = request.header("pagination-type", "forward-only");
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| self.fault(&error))?;
        let trip = began.elapsed();
        let headers = response.headers();
        let server_time = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        let retry_after = self.retry_after(response.status().as_u16(), headers, server_time);
        let next = link::names_next(headers);
        self.note_limits(headers);
        if let Some(date) = server_time {
            session.server_time = server_time;
            self.server_clock.note(date, at, trip);
        }
        let version = headers.get("api-current-version").and_then(|version| version.to_str().ok());
        session.api_version = version.map(str::to_owned).or_else(|| session.api_version.take());
        let status = response.status().as_u16();
        let body = read_body(&mut response, call.size).await;
        if status != 429 && status < 500 {
            self.budget.answered(call.lane);
        }
        Ok(Reply { status, retry_after, next, body })
    }

    fn retry_after(&self, status: u16, headers: &HeaderMap, server_time: Option<Timestamp>) -> Option<Duration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
        let now = server_time.unwrap_or_else(|| (self.clock)());
        // A move to another data centre (477) is documented in seconds, and takes up to a day of them.
        retry_after(text, now, self.retry_after_may_be_millis && status != 477)
    }

    /// HubSpot tells its limits with most answers.
    fn note_limits(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        if let (Some(max), Some(window)) =
            (number("x-hubspot-ratelimit-max"), number("x-hubspot-ratelimit-interval-milliseconds"))
        {
            self.budget.window(max, Duration::from_millis(window));
        }
        if let Some(left) = number("x-hubspot-ratelimit-remaining") {
            self.budget.only(left);
        }
        if let (Some(day), Some(left)) =
            (number("x-hubspot-ratelimit-daily"), number("x-hubspot-ratelimit-daily-remaining"))
        {
            self.budget.daily(day.saturating_sub(left), day);
        }
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        super::hubspot::clean(&self.redactor, reach::fault(error))
    }
}

fn too_late(late: &Late) -> Fault {
    let message = if late.spent {
        "The day's allowance of calls is nearly used up, so it was not sent; the rest is kept for people's own requests."
    } else {
        "Its turn did not come within 30 seconds, so it was not sent."
    };
    let failure = Failure::Throttled { retry_after: late.again, message: message.to_owned() };
    Fault::new(ConnectErrorKind::Limited, failure, "")
}

/// Host and port of an address, for people.
fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default()
}

fn client(options: &Options) -> Result<reqwest::Client, ConnectError> {
    // A second installation is refused and changes nothing: whoever was first chose the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder();
    if options.base.as_deref().is_some_and(|base| base.trim_start().starts_with("http://")) {
        // A simulator on this machine: it is spoken to without TLS, and works without CA certificates, too.
        builder = builder.tls_certs_only([]);
    }
    builder
        .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(options.timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .gzip(true)
        .build()
        .map_err(|error| reach::no_client(&error))
}

/// Decompression happens below: what is counted here is what a small answer unfolds to.
async fn read_body(response: &mut reqwest::Response, size: Size) -> Result<Vec<u8>, String> {
    let most = size.megabytes() * 1024 * 1024;
    let mut body = Vec::new();
    loop {
        match tokio::time::timeout(IDLE_BODY, response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.len() + chunk.len() > most => {
                return Err(format!("the answer is larger than {} MB", size.megabytes()));
            }
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => return Ok(body),
            Ok(Err(error)) if error.is_timeout() => return Err("the answer did not end in time".to_owned()),
            Ok(Err(error)) => return Err(format!("the answer broke off ({})", reach::root_cause(&error))),
            Err(_) => return Err(format!("the answer stood still for {} seconds", IDLE_BODY.as_secs())),
        }
    }
}

/// An HTTP date such as `Tue, 15 Nov 1994 08:12:31 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text.trim()).ok().map(|time| Timestamp(time.as_millisecond()))
}

/// Seconds or an HTTP date; some HubSpot answers were seen with milliseconds, recognisable by their size.
fn retry_after(text: &str, now: Timestamp, may_be_millis: bool) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    let wait = match text.trim().parse::<u64>() {
        Ok(millis) if may_be_millis && millis > 600 => Duration::from_millis(millis),
        Ok(seconds) => Duration::from_secs(seconds.min(LONGEST.as_secs())),
        Err(_) => http_date(text)?.since(now),
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
