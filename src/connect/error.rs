//! What keeps a connection from being used, for people: what happened, and what to do next.
//! Knows nothing of a single request's fate; that is [`crate::engine::core::request::Failure`].

use crate::engine::core::request::Failure;

/// A connection cannot do what was asked of it. Free of secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    pub kind: ConnectErrorKind,
    pub message: String,
    /// The next step, as a sentence. May be empty.
    pub hint: String,
}

/// What sort of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectErrorKind {
    /// The token, the keys, the login company or the clientId are wrong.
    Credentials,
    /// Known, but not allowed: a scope or a row of the security role is missing.
    Permission,
    /// No connection to the host.
    Unreachable,
    /// Something answered that is not the system it should be.
    WrongSystem,
    /// The host's certificate or the TLS handshake.
    Tls,
    /// This machine has no CA certificates: no system can prove who it is.
    NoCertificates,
    /// `http://` to another machine: refused before anything was sent.
    PlainHttp,
    /// The address cannot be read.
    Address,
    /// The rate limit.
    Limited,
    /// An answer that makes no sense, or none at all.
    Unexpected,
    /// The system is fine, but something that Lockstep needs in it is missing or different.
    Setup,
}

impl ConnectError {
    #[must_use]
    pub fn new(kind: ConnectErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: hint.into() }
    }
}

/// How one call failed: what the engine needs to know of it, and what a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub failure: Failure,
    pub kind: ConnectErrorKind,
    pub hint: String,
}

impl Fault {
    pub fn new(kind: ConnectErrorKind, failure: Failure, hint: impl Into<String>) -> Self {
        Self { failure, kind, hint: hint.into() }
    }

    /// Sent, and no answer that tells.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(ConnectErrorKind::Unexpected, Failure::Unknown(message.into()), "Try again in a minute.")
    }

    /// The same fault met while preparing a write: nothing of the write itself was sent.
    pub fn before_write(self) -> Self {
        match self.failure {
            Failure::Unknown(message) => Self { failure: Failure::NotSent(message), ..self },
            failure => Self { failure, ..self },
        }
    }
}

impl From<Fault> for ConnectError {
    fn from(fault: Fault) -> Self {
        let Fault { failure, kind, hint } = fault;
        let (message, hint) = match failure {
            Failure::NotSent(message) | Failure::Unknown(message) => (message, hint),
            Failure::Throttled { message, .. } if !hint.is_empty() => (message, hint),
            Failure::Throttled { message, retry_after } => {
                (message, format!("Try again in {} seconds.", retry_after.as_secs().max(1)))
            }
            Failure::Denied { message, hint } | Failure::Forbidden { message, hint } => (message, hint),
            Failure::Rejected(rejection) => (rejection.message, hint),
        };
        Self { kind, message, hint }
    }
}
