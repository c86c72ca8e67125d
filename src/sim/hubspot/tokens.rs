//! Credentials: the static token of the account's app, and what OAuth hands out. Knows who may speak, not to what.

use std::collections::HashMap;

use super::Failure;
use crate::sim::options::Credentials;
use crate::sim::wire::Request;

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) enum Bearer {
    /// The private app's token or the service key.
    Static,
    /// An installed app, with the scopes it was granted.
    OAuth(Vec<String>),
}

impl Bearer {
    pub const fn is_oauth(&self) -> bool {
        matches!(self, Self::OAuth(_))
    }

    /// The scopes that a grant narrows the token to; none for all of the app's.
    pub fn scopes(&self) -> Option<&[String]> {
        match self {
            Self::Static => None,
            Self::OAuth(scopes) => Some(scopes),
        }
    }
}

/// What was granted at the authorize page.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub scopes: Vec<String>,
    pub redirect: String,
    /// S256 challenge, where PKCE was used.
    pub challenge: Option<String>,
    pub issued: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub scopes: Vec<String>,
    pub expires: i64,
    /// The refresh token it came with.
    pub refresh: String,
}

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    codes: HashMap<String, Grant>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Vec<String>>,
}

impl Tokens {
    /// Who the request's token stands for. One that means nothing reads as one that expired when time began.
    pub fn bearer(&self, request: &Request, credentials: &Credentials, now: i64) -> Result<Bearer, Failure> {
        let given = request.header("authorization").and_then(|v| v.strip_prefix("Bearer ")).map(str::trim);
        let Some(given) = given.filter(|token| !token.is_empty()) else { return Err(Failure::NoCredentials) };
        if given == credentials.hubspot_token {
            return Ok(Bearer::Static);
        }
        match self.access.get(given) {
            Some(access) if access.expires > now => Ok(Bearer::OAuth(access.scopes.clone())),
            Some(access) => Err(Failure::Expired { at: access.expires, now }),
            None => Err(Failure::Expired { at: 0, now }),
        }
    }

    pub fn grant(&mut self, code: String, grant: Grant) {
        self.codes.insert(code, grant);
    }

    /// A code works once.
    pub fn take_code(&mut self, code: &str) -> Option<Grant> {
        self.codes.remove(code)
    }

    pub fn issue(&mut self, token: String, access: Access) {
        self.refresh.insert(access.refresh.clone(), access.scopes.clone());
        self.access.insert(token, access);
    }

    pub fn access(&self, token: &str) -> Option<&Access> {
        self.access.get(token)
    }

    /// The scopes of a living refresh token.
    pub fn refreshable(&self, token: &str) -> Option<&Vec<String>> {
        self.refresh.get(token)
    }

    /// Access tokens that were issued with it live on.
    pub fn revoke_refresh(&mut self, token: &str) -> bool {
        self.refresh.remove(token).is_some()
    }

    pub fn revoke_access(&mut self, token: &str) -> bool {
        self.access.remove(token).is_some()
    }
}
