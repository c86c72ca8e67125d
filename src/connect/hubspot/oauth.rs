//! Signing in to HubSpot by OAuth: the page a person opens, the code that comes back, the tokens for it.
//! Knows the token endpoint and nothing of records; who renews tokens, and when, is in `keeper.rs`.
//!
//! Written here rather than on the `oauth2` crate: HubSpot's errors are not RFC 6749's (`status: BAD_REFRESH_TOKEN`), the
//! crate needs an adapter over our client all the same, and what is left of it (a query, a form, a hash) is shorter than
//! the adapter. Secrets travel in the form, never in an address: that is what the old `/oauth/v1` did.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderMap;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;

use super::paths::{self, Route, Version};
use super::{GENERAL, SEARCH, outcome, record};
use crate::connect::address::Base;
use crate::connect::budget::Budget;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Options, Reply, Session, Transport};
use crate::connect::redact::{Redactor, clip_message};
use crate::engine::core::request::{Failure, Priority};
use crate::model::Timestamp;

pub use super::keeper::{OAuth, Renewal, Renewed};
pub use super::loopback::Loopback;

/// Where people say yes. An account in the EU is led on to its own host from here.
const PAGE: &str = "https://app.hubspot.com";
/// A token is text of a few hundred characters; more is not one.
const TOKEN_BYTES: usize = 16 * 1024;
const RECONNECT: &str = "Connect HubSpot again: `lockstep connect hubspot --oauth --client-id …`.";

/// The app that a portal lets in, as HubSpot's developer pages know it.
#[derive(Debug, Clone)]
pub struct App {
    pub client_id: String,
    pub client_secret: SecretString,
}

/// What an app holds of one portal. To be kept as secret as a password.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: SecretString,
    pub refresh: SecretString,
    /// When `access` ends, by the clock of [`Options`]; [`Timestamp::MAX`] where HubSpot did not say.
    pub expires: Timestamp,
    /// What was granted, sorted.
    pub scopes: Vec<String>,
    pub portal: Option<u64>,
}

/// One attempt to be let in: made before the page is opened, and needed again for the code that comes back.
#[derive(Debug)]
pub struct Authorization {
    /// The page to open. Holds no secret.
    pub url: String,
    redirect: String,
    state: SecretString,
    verifier: SecretString,
}

impl Authorization {
    /// `redirect` must be one of the app's redirect addresses, letter by letter: HubSpot compares them. HubSpot takes
    /// plain http for the host `localhost` only, hence [`Loopback::redirect`].
    ///
    /// # Errors
    /// An address in `options` that cannot be read; a machine without a source of random numbers.
    pub fn begin(
        app: &App,
        redirect: &str,
        scopes: &[&str],
        optional: &[&str],
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let page = Base::parse(options.base.as_deref().unwrap_or(PAGE))?;
        let (state, verifier) = (random()?, random()?);
        let challenge = challenge(verifier.expose_secret());
        let (scopes, optional) = (scopes.join(" "), optional.join(" "));
        let mut query = vec![
            ("client_id", app.client_id.as_str()),
            ("redirect_uri", redirect),
            ("scope", &scopes),
            ("state", state.expose_secret()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if !optional.is_empty() {
            query.push(("optional_scope", &optional));
        }
        let url = page.join(&format!("/oauth/authorize?{}", form(&query)));
        Ok(Self { url, redirect: redirect.to_owned(), state, verifier })
    }

    /// The code in what a person pasted: the code alone, or the whole address that HubSpot led them to.
    ///
    /// # Errors
    /// Nothing usable, an address of another attempt, or one that says that access was not granted.
    pub fn pasted(&self, text: &str) -> Result<SecretString, ConnectError> {
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        match text.split_once('?') {
            Some((_, query)) => self.answered(query),
            // An address without a query has no code in it.
            None if !text.is_empty()
                && !text.contains('/')
                && text.len() <= TOKEN_BYTES
                && text.chars().all(|c| c.is_ascii_graphic()) =>
            {
                Ok(SecretString::from(text))
            }
            None => Err(sign_in(
                "That is neither a code nor an address with one.",
                "Copy the whole address from the browser's address line, from http to its end.",
            )),
        }
    }

    /// The code in the query that HubSpot sent the browser back with.
    pub(super) fn answered(&self, query: &str) -> Result<SecretString, ConnectError> {
        let query = query.split('#').next().unwrap_or_default();
        let pairs = parse_query(query);
        let get = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if !self.is_mine(query) {
            return Err(sign_in(
                "This answer belongs to another attempt to sign in, so it was not used.",
                "Open the page that Lockstep showed last, and only that one.",
            ));
        }
        if let Some(error) = get("error") {
            let words = clip_message(get("error_description").unwrap_or(error));
            return Err(sign_in(
                &format!("HubSpot did not grant access: {words}."),
                "Sign in with a user who may install apps, and accept.",
            ));
        }
        get("code")
            .filter(|code| !code.is_empty() && code.len() <= TOKEN_BYTES)
            .map(SecretString::from)
            .ok_or_else(|| sign_in("HubSpot's answer has no code in it.", "Open the page again and accept."))
    }

    /// Whether a query carries the state of this attempt.
    pub(super) fn is_mine(&self, query: &str) -> bool {
        let pairs = parse_query(query);
        pairs.iter().any(|(name, value)| name == "state" && same(value, self.state.expose_secret()))
    }

    /// Exchanges the code for tokens. A code works once and for a few minutes.
    ///
    /// # Errors
    /// A code that HubSpot does not take, or no word from it.
    pub async fn finish(&self, app: &App, code: &SecretString, options: &Options) -> Result<Tokens, ConnectError> {
        let endpoint = Endpoint::new(app, options)?;
        endpoint.transport.redactor.learn(code.clone());
        endpoint.transport.redactor.learn(self.verifier.clone());
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", &self.redirect),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, "sign-in");
        Ok(endpoint.grant(app, &fields, None, &mut session).await?)
    }
}

/// HubSpot's token endpoint.
pub(super) struct Endpoint {
    base: Base,
    pub transport: Transport,
    version: Version,
}

impl Endpoint {
    pub fn new(app: &App, options: &Options) -> Result<Self, ConnectError> {
        let base = Base::parse(options.base.as_deref().unwrap_or(super::API))?;
        let redactor = Redactor::new(vec![app.client_secret.clone()]);
        let budget = Budget::new(GENERAL, SEARCH, options.unlimited);
        let transport = Transport::new(HeaderMap::new(), redactor, budget, options)?;
        Ok(Self { base, transport, version: Version::default() })
    }

    /// Asks for tokens. `held` are those to be replaced: what the answer leaves out stays as it was.
    pub async fn grant(
        &self,
        app: &App,
        fields: &[(&str, &str)],
        held: Option<&Tokens>,
        session: &mut Session,
    ) -> Result<Tokens, Fault> {
        let reply = self.post(app, "/token", fields, session).await?;
        if !(200..300).contains(&reply.status) {
            let fault = refused(&reply);
            return Err(super::clean(&self.transport.redactor, fault));
        }
        let now = (self.transport.clock)();
        let body = reply.json().map_err(|why| Fault::unknown(format!("HubSpot answered a sign-in, but {why}.")))?;
        let tokens = tokens(&body, now, held)?;
        self.transport.redactor.learn(tokens.access.clone());
        self.transport.redactor.learn(tokens.refresh.clone());
        Ok(tokens)
    }

    /// What HubSpot says of an access token: the scopes it has now.
    pub async fn introspect(
        &self,
        app: &App,
        token: &SecretString,
        session: &mut Session,
    ) -> Result<Option<Vec<String>>, Fault> {
        let fields = [("token", token.expose_secret()), ("token_type_hint", "access_token")];
        let reply = self.post(app, "/token/introspect", &fields, session).await?;
        let body = outcome::classify(&reply).map_err(|fault| super::clean(&self.transport.redactor, fault))?;
        Ok(scopes(&body))
    }

    async fn post(
        &self,
        app: &App,
        rest: &str,
        fields: &[(&str, &str)],
        session: &mut Session,
    ) -> Result<Reply, Fault> {
        let mut all = vec![("client_id", app.client_id.as_str()), ("client_secret", app.client_secret.expose_secret())];
        all.extend_from_slice(fields);
        let body = SecretString::from(form(&all));
        let mut missing = None;
        for version in self.version.candidates(Route::OAuth) {
            let mut call = Call::get(format!("{}{rest}", paths::prefix(Route::OAuth, version)));
            call.method = reqwest::Method::POST;
            let reply = self.transport.send_form(&self.base.join(&call.path), &call, &body, session).await?;
            if !outcome::is_missing_route(&reply) {
                self.version.remember(Route::OAuth, version);
                return Ok(reply);
            }
            missing = Some(reply);
        }
        missing.ok_or_else(|| Fault::unknown("No version of HubSpot's sign-in was tried."))
    }
}

/// A refused token that came by OAuth is not to be entered again: the sign-in is.
pub(super) fn reconnect(fault: Fault) -> Fault {
    match fault {
        Fault { kind: ConnectErrorKind::Credentials, failure: Failure::Denied { message, .. }, .. } => {
            let failure = Failure::Denied { message, hint: RECONNECT.to_owned() };
            Fault::new(ConnectErrorKind::Credentials, failure, RECONNECT)
        }
        other => other,
    }
}

/// What HubSpot does not take, and the next step, by the words with which it ends a grant: its own, and RFC 6749's, which
/// come beside them. Any other word may be trouble that passes.
fn over(status: u16, word: &str) -> Option<(&'static str, &'static str)> {
    Some(match word {
        "BAD_CLIENT_SECRET" | "BAD_CLIENT_ID" | "invalid_client" | "unauthorized_client" => {
            ("does not know this app", "Check the client id and secret on the app's Auth page.")
        }
        "BAD_REDIRECT_URI" | "MISMATCH_REDIRECT_URI_AUTH_CODE" => {
            ("does not know this redirect address", "Add the redirect address to the app, letter by letter.")
        }
        "BAD_AUTH_CODE" | "EXPIRED_AUTH_CODE" => (
            "does not take this code",
            "The code was wrong, used, or too old: open the page again and be quicker than a minute.",
        ),
        "BAD_REFRESH_TOKEN" | "invalid_grant" => ("no longer accepts this sign-in", RECONNECT),
        // What every endpoint says of credentials; here they are the app's.
        "INVALID_AUTHENTICATION" if status == 401 => ("no longer accepts this sign-in", RECONNECT),
        _ => return None,
    })
}

/// What a refusal of the token endpoint means. [`Failure::Denied`] is final, so that it takes a word that says so: a proxy
/// refuses in JSON, too, and HubSpot has words that nobody has listed.
fn refused(reply: &Reply) -> Fault {
    let body = reply.json().unwrap_or(Json::Null);
    let word = |name: &str| body.get(name).and_then(Json::as_str).filter(|text| !text.is_empty()).map(clip_message);
    let end = ["status", "error", "category"].into_iter().filter_map(word).find_map(|word| {
        let (what, hint) = over(reply.status, &word)?;
        Some((word, what, hint))
    });
    if let (400 | 401 | 403, Some((code, what, hint))) = (reply.status, end) {
        let said = word("message").or_else(|| word("error_description")).unwrap_or_else(|| code.clone());
        let message = format!("HubSpot {what} ({code}): {}.", said.trim_end_matches('.'));
        let failure = Failure::Denied { message: clip_message(&message), hint: hint.to_owned() };
        return Fault::new(ConnectErrorKind::Credentials, failure, hint);
    }
    match outcome::classify(reply) {
        // Whatever it is, it is not a word about the grant.
        Ok(_) => Fault::unknown(format!("HubSpot's sign-in answered {}.", reply.status)),
        Err(Fault {
            failure: Failure::Denied { message, .. } | Failure::Forbidden { message, .. } | Failure::Unknown(message),
            ..
        }) => Fault::unknown(format!("HubSpot's sign-in is in trouble: {message}")),
        Err(Fault { failure: Failure::Rejected(rejection), .. }) => {
            Fault::unknown(format!("HubSpot's sign-in is in trouble: {}", rejection.message))
        }
        Err(fault) => fault,
    }
}

fn tokens(body: &Json, now: Timestamp, held: Option<&Tokens>) -> Result<Tokens, Fault> {
    let token = |name: &str| {
        let text = body.get(name)?.as_str()?.trim();
        let usable = !text.is_empty() && text.len() <= TOKEN_BYTES && text.chars().all(|c| c.is_ascii_graphic());
        usable.then(|| SecretString::from(text))
    };
    let missing = |what: &str| Fault::unknown(format!("HubSpot answered a sign-in without a usable {what} token."));
    let access = token("access_token").ok_or_else(|| missing("access"))?;
    // A refresh token that is not sent again stays valid; one that is sent replaces the old one.
    let refresh = token("refresh_token").or_else(|| held.map(|held| held.refresh.clone()));
    let refresh = refresh.ok_or_else(|| missing("refresh"))?;
    let lifetime = body.get("expires_in").and_then(record::number);
    let expires = lifetime.map_or(Timestamp::MAX, |seconds| now + std::time::Duration::from_secs(seconds));
    let scopes = scopes(body).or_else(|| held.map(|held| held.scopes.clone())).unwrap_or_default();
    let portal = body.get("hub_id").and_then(record::number).or_else(|| held.and_then(|held| held.portal));
    Ok(Tokens { access, refresh, expires, scopes, portal })
}

/// The scopes an answer names: a list, or one text with spaces.
pub(super) fn scopes(body: &Json) -> Option<Vec<String>> {
    let mut scopes: Vec<String> = match (body.get("scopes"), body.get("scope")) {
        (Some(Json::Array(list)), _) => list.iter().filter_map(Json::as_str).map(clip_message).collect(),
        (Some(Json::String(text)), _) | (_, Some(Json::String(text))) => {
            text.split_whitespace().map(clip_message).collect()
        }
        _ => return None,
    };
    scopes.sort_unstable();
    scopes.dedup();
    Some(scopes)
}

fn sign_in(message: &str, hint: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Credentials, message, hint)
}

/// What is shown first of a verifier that is shown last (RFC 7636, S256).
fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

/// 256 bits that nobody can guess, as text.
fn random() -> Result<SecretString, ConnectError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        ConnectError::new(
            ConnectErrorKind::Unexpected,
            "This machine gives no random numbers, without which a sign-in cannot be safe.",
            "Look at the operating system's random device.",
        )
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}

/// Equal, without telling by the time it takes how much of it is.
fn same(one: &str, other: &str) -> bool {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"lockstep compares");
    let tag = ring::hmac::sign(&key, one.as_bytes());
    ring::hmac::verify(&key, other.as_bytes(), tag.as_ref()).is_ok()
}

/// Names and values as `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(name);
        out.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Names and values of a query, unescaped. What is not text is left out.
fn parse_query(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((unescape(name)?, unescape(value)?))
    });
    pairs.collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                out.push(u8::from_str_radix(digits, 16).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
