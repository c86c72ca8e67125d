//! Where the tenant lives: its code base, found at the site, and found anew when an upgrade moves it.

use serde_json::Value as Json;

use super::version::Version;
use super::{ConnectWise, outcome, roles};
use crate::connect::address::path_segment;
use crate::connect::budget::Lane;
use crate::connect::error::{ConnectErrorKind, Fault};
use crate::connect::http::{Call, Reply, Session};
use crate::engine::core::request::Failure;

/// What the site says about the login company, without anybody signing in.
pub(super) struct Tenant {
    /// Ends with `/`.
    pub code_base: String,
    pub name: Option<String>,
    /// Whether ConnectWise hosts it; none where it does not say.
    pub is_cloud: Option<bool>,
    pub version: Option<Version>,
}

impl Tenant {
    /// None for what no ConnectWise answers. `SiteUrl` is not followed: the configured site is the one that is trusted.
    fn read(body: &Json) -> Option<Self> {
        let word = |name: &str| body.get(name).and_then(Json::as_str);
        let code_base = word("Codebase").filter(|base| is_code_base(base))?;
        Some(Self {
            code_base: format!("{}/", code_base.trim_matches('/')),
            name: word("CompanyName").map(str::to_owned),
            is_cloud: body.get("IsCloud").and_then(flag),
            version: word("VersionCode").and_then(Version::parse),
        })
    }
}

/// A flag that is a boolean on some servers and a word on others.
fn flag(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(flag) => Some(*flag),
        Json::String(word) if word.eq_ignore_ascii_case("true") => Some(true),
        Json::String(word) if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// `v2025_1/` and nothing that would lead elsewhere.
fn is_code_base(text: &str) -> bool {
    let bare = text.trim_matches('/');
    let plain = bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    plain && !bare.is_empty() && bare.len() < 64 && !bare.contains("..") && bare != "."
}

/// A refusal before anything is asked of a record is one of the whole connection.
fn of_connection(fault: Fault) -> Fault {
    match fault.failure {
        Failure::Forbidden { message, hint } => Fault { failure: Failure::Denied { message, hint }, ..fault },
        failure => Fault { failure, ..fault },
    }
}

impl ConnectWise {
    /// Asks the site which code base serves the login company. Unauthenticated.
    pub(super) async fn discover(&self, session: &mut Session) -> Result<Tenant, Fault> {
        let call = Call::get(format!("/login/companyinfo/{}", path_segment(&self.company))).single();
        let reply = self.transport.send_anonymous(&self.login.join(&call.path), &call, session).await?;
        let known = match reply.status {
            404 => Json::Null,
            _ => outcome::classify(&reply).map_err(|fault| self.failed(of_connection(fault)))?,
        };
        if known.is_null() {
            let message = format!("{} does not know the login company {}.", self.login.host(), self.company);
            let hint = "Check the login company (the short name typed at login, case matters) and the site.";
            let failure = Failure::Denied { message, hint: hint.to_owned() };
            return Err(Fault::new(ConnectErrorKind::Credentials, failure, hint));
        }
        let tenant = Tenant::read(&known).ok_or_else(|| {
            Fault::new(
                ConnectErrorKind::WrongSystem,
                Failure::NotSent(format!("{} answers, but not like ConnectWise.", self.login.host())),
                "Check the site of the connection.",
            )
        })?;
        self.learn_version(tenant.version);
        Ok(tenant)
    }

    async fn code_base(&self, session: &mut Session, stale: Option<&str>) -> Result<String, Fault> {
        let mut held = self.code_base.lock().await;
        match held.as_deref() {
            Some(base) if stale != Some(base) => Ok(base.to_owned()),
            _ => {
                let tenant = self.discover(session).await?;
                *held = Some(tenant.code_base.clone());
                Ok(tenant.code_base)
            }
        }
    }

    /// Makes a call below `apis/3.0`. When the code base has moved, the call did nothing and is made once more.
    pub(super) async fn reply(&self, call: &Call, session: &mut Session) -> Result<Reply, Fault> {
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
        let reply = self.transport.send(&self.api.join(&call.path), &call, session).await?;
        // No pin is sent, so that the newest model answers; what it is decides how long some texts may be.
        self.learn_version(session.api_version.as_deref().and_then(Version::parse));
        Ok(reply)
    }

    pub(super) async fn call(&self, call: &Call, session: &mut Session) -> Result<Json, Fault> {
        let reply = self.reply(call, session).await?;
        self.classified(call, &reply)
    }

    pub(super) fn classified(&self, call: &Call, reply: &Reply) -> Result<Json, Fault> {
        if call.method == reqwest::Method::POST && outcome::may_have_landed(reply) {
            let why = format!("ConnectWise could not read back what it wrote: {}", outcome::words(reply));
            return Err(self.failed(Fault::unknown(why)));
        }
        outcome::classify(reply).map_err(|fault| self.failed(roles::explain(fault, call)))
    }

    /// The fault without secrets; a pause asked for is kept.
    pub(super) fn failed(&self, fault: Fault) -> Fault {
        if let Failure::Throttled { retry_after, .. } = &fault.failure {
            self.transport.budget.throttled(Lane::General, *retry_after);
        }
        crate::connect::hubspot::clean(&self.transport.redactor, fault)
    }

    fn learn_version(&self, seen: Option<Version>) {
        if seen.is_some() {
            *self.version.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = seen;
        }
    }

    /// The release that answered last.
    pub(super) fn known_version(&self) -> Option<Version> {
        *self.version.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a tenant that cannot be read is a failing test")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_base_that_would_lead_elsewhere_is_refused() {
        for good in ["v2025_1/", "v4_6_release/", "v4_6_release", "/v2026.4/"] {
            assert!(is_code_base(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "..",
            "../x/",
            "a/b",
            "evil.example/x",
            "v1?x=",
            "v1#",
            "v1%2f",
            "@evil.example/",
            "v 1",
            ".",
            "\\x",
        ] {
            assert!(!is_code_base(bad), "{bad}");
        }
        assert!(!is_code_base(&"v".repeat(64)));
    }

    #[test]
    fn a_tenant_in_the_cloud_says_so_in_two_ways() {
        for (spelled, expected) in [
            (json!("True"), Some(true)),
            (json!(true), Some(true)),
            (json!("False"), Some(false)),
            (json!(false), Some(false)),
            (json!(1), None),
            (Json::Null, None),
        ] {
            let body = json!({"Codebase": "v2017_3/", "VersionCode": "v2017.3", "VersionNumber": "v4.6.38842", "IsCloud": spelled,
                "SiteUrl": "evil.example"});
            let tenant = Tenant::read(&body).unwrap();
            assert_eq!((tenant.is_cloud, tenant.code_base.as_str()), (expected, "v2017_3/"), "{spelled}");
            assert_eq!(tenant.version, Version::parse("2017.3"));
        }
        assert!(Tenant::read(&json!({"Codebase": 7})).is_none() && Tenant::read(&json!([])).is_none());
    }
}
