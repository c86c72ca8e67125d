//! Keeps an access token fresh: one renewal at a time, before the token ends, by what HubSpot says of its life.
//! A grant that is over is asked for once and then never again: the connection waits for a person.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::oauth::{App, Endpoint, Tokens};
use crate::connect::error::{ConnectError, Fault};
use crate::connect::http::{Options, Session, Transport};
use crate::engine::core::request::Failure;
use crate::model::Timestamp;

/// A token is renewed this long before its end, so that no call begins with one that ends on the way.
const SKEW: Duration = Duration::from_secs(120);
/// No second renewal within this time, whatever HubSpot says of a token's life; and the wait after one that failed.
const PAUSE: Duration = Duration::from_secs(5);
/// Longer than any token lives; beyond it a clock or an answer is wrong.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Access by OAuth, and what is to be done with renewed tokens.
#[derive(Clone)]
pub struct OAuth {
    pub app: App,
    pub tokens: Tokens,
    pub renewed: Renewed,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("app", &self.app).field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

/// Told of every renewal before the new token is used: whoever holds the tokens stores them. Must not block for long.
pub type Renewed = Arc<dyn Fn(&Renewal) + Send + Sync>;

/// New tokens.
#[derive(Debug, Clone)]
pub struct Renewal {
    pub tokens: Tokens,
    /// What the connection may no longer do: told once, when it is first seen.
    pub lost_scopes: Vec<String>,
}

/// Which token a call was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Generation(u64);

/// The tokens of one connection.
pub(super) struct Keeper {
    pub app: App,
    pub endpoint: Endpoint,
    renewed: Renewed,
    state: Mutex<State>,
}

struct State {
    tokens: Tokens,
    generation: u64,
    /// When to renew, and when the token is of no use any more.
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
    not_before: Instant,
    /// The grant is over.
    over: Option<Fault>,
}

impl Keeper {
    pub fn new(access: OAuth, options: &Options) -> Result<Self, ConnectError> {
        let OAuth { app, tokens, renewed } = access;
        let endpoint = Endpoint::new(&app, options)?;
        // Sent there in forms, so that a refusal may quote them.
        endpoint.transport.redactor.learn(tokens.access.clone());
        endpoint.transport.redactor.learn(tokens.refresh.clone());
        let now = Instant::now();
        let (renew_at, ends_at) = ends(&tokens, (options.clock)(), now);
        let state = Mutex::new(State { tokens, generation: 0, renew_at, ends_at, not_before: now, over: None });
        Ok(Self { app, endpoint, renewed, state })
    }

    /// Makes sure that `transport` signs with a token that lives.
    ///
    /// # Errors
    /// The grant is over ([`Failure::Denied`]), or there is no usable token and no new one to be had for now. Nothing of
    /// the call itself was sent.
    pub async fn fresh(&self, transport: &Transport, session: &mut Session) -> Result<Generation, Fault> {
        let mut state = self.state.lock().await;
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        let now = Instant::now();
        if state.renew_at.is_some_and(|at| at <= now) && state.not_before <= now {
            match self.renew(&mut state, transport, session).await {
                Ok(()) => {}
                // The token at hand may still do.
                Err(_) if state.over.is_none() && state.ends_at.is_none_or(|end| end > Instant::now()) => {}
                Err(fault) => return Err(fault.before_write()),
            }
        }
        Ok(Generation(state.generation))
    }

    /// A call with the token of `used` was told that it has expired: renews it, unless somebody did meanwhile.
    pub async fn expired(&self, used: Generation, transport: &Transport, session: &mut Session) -> Result<(), Fault> {
        let mut state = self.state.lock().await;
        if let Some(over) = &state.over {
            return Err(over.clone());
        }
        if state.generation != used.0 {
            return Ok(());
        }
        if state.not_before > Instant::now() {
            let message = "HubSpot says that the token has expired; a new one was asked for a moment ago.".to_owned();
            return Err(Fault::unknown(message).before_write());
        }
        self.renew(&mut state, transport, session).await.map_err(Fault::before_write)
    }

    /// The access token in use.
    pub async fn access(&self) -> SecretString {
        self.state.lock().await.tokens.access.clone()
    }

    async fn renew(&self, state: &mut State, transport: &Transport, session: &mut Session) -> Result<(), Fault> {
        state.not_before = Instant::now() + PAUSE;
        let refresh = state.tokens.refresh.clone();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        let tokens = match self.endpoint.grant(&self.app, &fields, Some(&state.tokens), session).await {
            Ok(tokens) => tokens,
            Err(fault) => {
                if matches!(fault.failure, Failure::Denied { .. }) {
                    state.over = Some(fault.clone());
                }
                // Counted from the end: a call that hung must not be followed by one for each that waited.
                state.not_before = Instant::now() + PAUSE;
                return Err(fault);
            }
        };
        let bearer = bearer(&tokens.access)
            .ok_or_else(|| Fault::unknown("HubSpot answered a sign-in with a token that cannot be one."))?;
        transport.redactor.learn(tokens.access.clone());
        transport.redactor.learn(tokens.refresh.clone());
        let lost: Vec<String> = {
            let gone = state.tokens.scopes.iter().filter(|scope| !tokens.scopes.contains(scope));
            gone.cloned().collect()
        };
        if !lost.is_empty() {
            tracing::warn!(scopes = lost.join(" "), "HubSpot narrowed what this connection may do");
        }
        // Stored before it is used: a refresh token that was replaced may be the only one that still works.
        (self.renewed)(&Renewal { tokens: tokens.clone(), lost_scopes: lost });
        transport.sign(AUTHORIZATION, bearer);
        let now = Instant::now();
        (state.renew_at, state.ends_at) = ends(&tokens, (transport.clock)(), now);
        state.not_before = now + PAUSE;
        state.generation += 1;
        state.tokens = tokens;
        Ok(())
    }
}

/// When to renew and when the end comes; nothing where HubSpot did not say.
fn ends(tokens: &Tokens, now: Timestamp, here: Instant) -> (Option<Instant>, Option<Instant>) {
    if tokens.expires == Timestamp::MAX {
        return (None, None);
    }
    let left = tokens.expires.since(now).min(LONGEST);
    let skew = SKEW.min(left / 5);
    (Some(here + (left - skew)), Some(here + left))
}

pub(super) fn bearer(token: &SecretString) -> Option<HeaderValue> {
    let token = token.expose_secret().trim();
    if token.is_empty() {
        return None;
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
