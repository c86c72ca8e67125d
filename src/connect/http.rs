//! One HTTP call: its turn, its bytes, its answer. Tells "nothing was sent" from "sent, and no word".
//! Knows neither system: what an answer means is decided by the connectors.

use std::error::Error as _;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::budget::{Budget, Lane, Late};
use super::error::{ConnectError, ConnectErrorKind, Fault};
use super::redact::{Redactor, clip_message};
use crate::engine::core::request::{Failure, Priority};
use crate::model::Timestamp;

/// The local clock, for the times shown beside an exchange.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// No answer grows beyond this: 200 records with every field are far below.
const BODY_BYTES: usize = 32 * 1024 * 1024;
/// Shorter than the time after which servers drop quiet connections, so that a write rarely meets a dead one.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// A write whose turn has not come by then is given back unsent. With the time-out of its call it stays far below the
/// time that the engine gives a write to take effect (`timing.flight`).
const LATEST_WRITE: Duration = Duration::from_secs(30);

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

/// One call as it goes out, apart from credentials.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub method: Method,
    /// Path and query, escaped.
    pub path: String,
    pub body: Option<Json>,
    pub lane: Lane,
    /// ConnectWise's keyset paging is asked for by a header.
    pub forward_only: bool,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, lane: Lane::General, forward_only: false }
    }

    pub fn send(method: Method, path: impl Into<String>, body: Json) -> Self {
        Self { method, path: path.into(), body: Some(body), lane: Lane::General, forward_only: false }
    }
}

/// One answer, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The body, or why it could not be read to its end.
    pub body: Result<Vec<u8>, String>,
}

impl Reply {
    pub fn json(&self) -> Result<Json, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        serde_json::from_slice(body).map_err(|error| format!("the answer is not JSON ({error})"))
    }

    /// The body as text for people; empty when it could not be read.
    pub fn text(&self) -> String {
        self.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
    }
}

/// What the calls of one request have in common, and what they add up to.
#[derive(Debug)]
pub(crate) struct Session {
    pub priority: Priority,
    /// No call is made after this moment: the turn is given back instead.
    pub latest: Option<Instant>,
    pub calls: u32,
    pub server_time: Option<Timestamp>,
    /// The last call and its end, for people.
    pub last: Option<Wire>,
}

impl Session {
    pub const fn new(priority: Priority) -> Self {
        Self { priority, latest: None, calls: 0, server_time: None, last: None }
    }

    /// For a write: whoever journaled it counts from that moment how long it can still take effect.
    pub fn for_write(priority: Priority) -> Self {
        Self { latest: Some(Instant::now() + LATEST_WRITE), ..Self::new(priority) }
    }

    /// The write is out: what follows only reads, and may take its time.
    pub const fn written(&mut self) {
        self.latest = None;
    }
}

/// A call and its end as people see it. Texts are not redacted yet.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    pub status: Option<u16>,
    pub response: String,
    pub took: Duration,
}

/// How a call shows who makes it.
#[derive(Clone, Copy)]
enum Manner<'a> {
    Signed,
    Anonymous,
    /// No credentials but those in the form that is its body.
    Form(&'a SecretString),
}

/// The way to one system: client, credentials, pace.
pub(crate) struct Transport {
    client: reqwest::Client,
    /// Sent with every call; the secret ones are marked sensitive.
    headers: RwLock<HeaderMap>,
    pub budget: Budget,
    pub redactor: Redactor,
    pub clock: Clock,
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
            client: client(options.timeout)?,
            headers: RwLock::new(headers),
            budget,
            redactor,
            clock: Arc::clone(&options.clock),
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
        let at = (self.clock)();
        let began = Instant::now();
        session.calls += 1;
        let result = self.exchange(url, call, manner, session).await;
        let (status, response) = match &result {
            Ok(reply) => (Some(reply.status), reply.text()),
            Err(fault) => (None, ConnectError::from(fault.clone()).message),
        };
        tracing::debug!(method = %call.method, path = %call.path.split('?').next().unwrap_or(""), status, "call");
        session.last = Some(Wire {
            at,
            method: call.method.to_string(),
            path: call.path.clone(),
            status,
            response,
            took: began.elapsed(),
        });
        result
    }

    async fn exchange(
        &self,
        url: &str,
        call: &Call,
        manner: Manner<'_>,
        session: &mut Session,
    ) -> Result<Reply, Fault> {
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
        let headers = response.headers();
        let server_time = headers.get(DATE).and_then(|date| http_date(date.to_str().ok()?));
        let retry_after = self.retry_after(headers, server_time);
        self.note_limits(headers);
        session.server_time = server_time.or(session.server_time);
        let status = response.status().as_u16();
        let body = read_body(&mut response).await;
        if status != 429 && status < 500 {
            self.budget.answered(call.lane);
        }
        Ok(Reply { status, retry_after, body })
    }

    fn retry_after(&self, headers: &HeaderMap, server_time: Option<Timestamp>) -> Option<Duration> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
        let now = server_time.unwrap_or_else(|| (self.clock)());
        retry_after(text, now, self.retry_after_may_be_millis)
    }

    /// HubSpot tells its limits with most answers.
    fn note_limits(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        if let (Some(max), Some(window)) =
            (number("x-hubspot-ratelimit-max"), number("x-hubspot-ratelimit-interval-milliseconds"))
        {
            self.budget.window(max, Duration::from_millis(window));
        }
        if let (Some(day), Some(left)) =
            (number("x-hubspot-ratelimit-daily"), number("x-hubspot-ratelimit-daily-remaining"))
        {
            self.budget.daily(day.saturating_sub(left), day);
        }
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        let host = error.url().and_then(|url| url.host_str()).unwrap_or("the system").to_owned();
        let cause = self.redactor.clean(&clip_message(&root_cause(error)));
        if error.is_builder() {
            let message = format!("The request to {host} could not be made: {cause}.");
            return Fault::new(ConnectErrorKind::Address, Failure::NotSent(message), "Check the address.");
        }
        if !error.is_connect() {
            let what =
                if error.is_timeout() { "did not answer in time".to_owned() } else { format!("broke off ({cause})") };
            return Fault::unknown(format!("{host} was sent the request and {what}."));
        }
        if is_tls(error) {
            let message = format!("No trusted connection to {host}: {cause}.");
            let hint =
                "Check the address, the host's certificate, and that this machine has CA certificates installed.";
            return Fault::new(ConnectErrorKind::Tls, Failure::NotSent(message), hint);
        }
        let cause = if error.is_timeout() { "no answer within 10 seconds".to_owned() } else { cause };
        let message = format!("{host} cannot be reached: {cause}.");
        let hint = "Check the address and this machine's network, proxy and firewall.";
        Fault::new(ConnectErrorKind::Unreachable, Failure::NotSent(message), hint)
    }
}

fn too_late(late: &Late) -> Fault {
    let message = "Its turn did not come within 30 seconds, so it was not sent.".to_owned();
    let failure = Failure::Throttled { retry_after: late.again, message };
    Fault::new(ConnectErrorKind::Limited, failure, "")
}

fn client(timeout: Duration) -> Result<reqwest::Client, ConnectError> {
    // A second installation is refused and changes nothing: whoever was first chose the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .gzip(true)
        .build()
        .map_err(|error| {
            ConnectError::new(
                ConnectErrorKind::Tls,
                format!("Secure connections cannot be set up: {}.", root_cause(&error)),
                "Install the system's CA certificates (package ca-certificates).",
            )
        })
}

async fn read_body(response: &mut reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > BODY_BYTES => {
                return Err("the answer is larger than 32 MB".to_owned());
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(format!("the answer broke off ({})", root_cause(&error))),
        }
    }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    // The outermost text names the URL, and with it the query: never show that one.
    if error.source().is_none() { "no details".to_owned() } else { cause.to_string() }
}

fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || wrapped.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
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
mod tests {
    use super::*;

    #[test]
    fn retry_after_comes_in_three_spellings() {
        let now = Timestamp::from_secs(784_887_151); // Tue, 15 Nov 1994 08:12:31 GMT
        let table = [
            ("30", true, Some(30_000)),
            ("600", true, Some(600_000)),
            ("1500", true, Some(1_500)),
            ("1500", false, Some(1_500_000)),
            ("Tue, 15 Nov 1994 08:13:01 GMT", false, Some(30_000)),
            ("Tue, 15 Nov 1994 08:00:00 GMT", false, Some(0)),
            ("99999999999", false, Some(86_400_000)),
            ("soon", true, None),
            ("-4", true, None),
        ];
        for (text, millis, expected) in table {
            assert_eq!(retry_after(text, now, millis).map(|wait| wait.as_millis()), expected, "{text}");
        }
    }
}
