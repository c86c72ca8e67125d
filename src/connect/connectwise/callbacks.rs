//! Call-backs: ConnectWise says over HTTP that something changed. Hints only: they may be lost, repeated or forged, a
//! call-back that failed on three days is switched off, and what they carry is thinner than the record. Whoever takes one
//! reads the record again.

use base64::Engine as _;
use reqwest::{Method, Url};
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::ConnectWise;
use super::conditions::Condition;
use super::objects::place;
use super::record::id;
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::engine::core::request::{Failure, Priority, RejectionKind};
use crate::model::{ObjectKind, RecordId};

/// What tells Lockstep's call-backs to people.
const DESCRIPTION: &str = "Lockstep";
/// Every record of the tenant.
const LEVEL: &str = "owner";
/// The server appends the id of the record and the action to the address.
const TAIL: &str = "recordId=";
/// No call-back is larger.
const BODY_BYTES: usize = 1024 * 1024;
const KEYS: usize = 16;

/// A call-back that leads to Lockstep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub id: RecordId,
    /// In ConnectWise's own word: `company`, `ticket`.
    pub kind: String,
    pub url: String,
    /// Switched off, by a person or after failures on three days.
    pub inactive: bool,
}

/// What is said to have happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HintAction {
    Added,
    Updated,
    /// Of a company: put into the recycle bin, where it can still be read.
    Deleted,
}

/// A record that should be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub object: ObjectKind,
    pub id: RecordId,
    pub action: HintAction,
    /// The member who made the change; the API member's own name for echoes.
    pub by: Option<String>,
    /// The same in every repetition of one message.
    pub message: Option<String>,
}

impl ConnectWise {
    /// The call-backs that lead to `url`, switched off or not.
    ///
    /// # Errors
    /// When `url` is no address, or they cannot be listed.
    pub async fn callbacks(&self, url: &str) -> Result<Vec<Callback>, ConnectError> {
        let mut session = Session::new(Priority::Settled).for_task(crate::model::System::ConnectWise, "call-backs");
        self.own_callbacks(&target(url)?, &mut session).await.map_err(ConnectError::from)
    }

    /// Makes sure that every one of these objects calls back to `url`: adds what is missing, switches on what is off.
    /// Repeating it changes nothing.
    ///
    /// # Errors
    /// When `url` is no address, an object has no call-backs, or ConnectWise refuses.
    pub async fn ensure_callbacks(&self, url: &str, objects: &[ObjectKind]) -> Result<Vec<Callback>, ConnectError> {
        let target = target(url)?;
        let mut session = Session::new(Priority::Settled).for_task(crate::model::System::ConnectWise, "call-backs");
        let present = self.own_callbacks(&target, &mut session).await?;
        let mut kinds = Vec::new();
        for object in objects {
            let kind = place(*object).callback.ok_or_else(|| {
                let what = format!("ConnectWise has no call-backs for {}.", object.plural().to_lowercase());
                ConnectError::new(ConnectErrorKind::Setup, what, "They are found by polling.")
            })?;
            kinds.push(kind);
        }
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let held: Vec<&Callback> =
                present.iter().filter(|callback| callback.kind.eq_ignore_ascii_case(kind)).collect();
            if held.is_empty() {
                self.add_callback(&target, kind, &mut session).await?;
            } else if held.iter().all(|callback| callback.inactive) {
                let path = format!("/system/callbacks/{}", held[0].id);
                let body = json!([{ "op": "replace", "path": "inactiveFlag", "value": false }]);
                self.call(&Call::send(Method::PATCH, path, body), &mut session).await?;
            }
        }
        self.own_callbacks(&target, &mut session).await.map_err(ConnectError::from)
    }

    /// Removes the call-backs that lead to `url`, and no others. Answers how many there were.
    ///
    /// # Errors
    /// When `url` is no address, or ConnectWise refuses.
    pub async fn drop_callbacks(&self, url: &str) -> Result<usize, ConnectError> {
        let mut session = Session::new(Priority::Settled).for_task(crate::model::System::ConnectWise, "call-backs");
        let own = self.own_callbacks(&target(url)?, &mut session).await?;
        for callback in &own {
            let path = format!("/system/callbacks/{}", callback.id);
            let call = Call { method: Method::DELETE, ..Call::get(path) };
            match self.call(&call, &mut session).await {
                Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => {}
                other => drop(other?),
            }
        }
        Ok(own.len())
    }

    /// What a call-back says, once its signature is known to be the tenant's.
    ///
    /// # Errors
    /// A body that is none of ConnectWise's, of another tenant, or with a signature that does not fit.
    pub async fn hints(&self, signature: &str, body: &[u8]) -> Result<Vec<Hint>, ConnectError> {
        let message = parse(body, &self.company)?;
        let key = self.signing_key(message.get("Metadata").and_then(|data| data.get("key_url"))).await?;
        if !fits(&key, signature, body) {
            return Err(untrusted("its signature does not fit"));
        }
        Ok(self.hints_of(&message))
    }

    async fn own_callbacks(&self, target: &Target, session: &mut Session) -> Result<Vec<Callback>, Fault> {
        let condition = Condition::contains("url", &target.host);
        let condition = condition.map(|one| format!("?conditions={}", one.escaped())).unwrap_or_default();
        let rows = self.rows(&format!("/system/callbacks{condition}"), session).await?;
        Ok(rows.iter().filter_map(read).filter(|callback| callback.url.starts_with(&target.prefix)).collect())
    }

    async fn add_callback(&self, target: &Target, kind: &str, session: &mut Session) -> Result<(), Fault> {
        let body = json!({
            "url": target.full(), "objectId": 1, "type": kind, "level": LEVEL, "description": DESCRIPTION,
            "payloadVersion": "3.0.0", "inactiveFlag": false, "isSelfSuppressedFlag": true,
        });
        match self.call(&Call::send(Method::POST, "/system/callbacks", body), session).await {
            // Somebody was faster, or an earlier answer was lost.
            Err(Fault { failure: Failure::Rejected(why), .. })
                if matches!(why.kind, RejectionKind::Duplicate { .. }) =>
            {
                Ok(())
            }
            other => other.map(drop),
        }
    }

    /// The key that signs the tenant's call-backs. The message names its address: followed only to the tenant's own hosts.
    async fn signing_key(&self, named: Option<&Json>) -> Result<SecretString, ConnectError> {
        let address = named.and_then(Json::as_str).ok_or_else(|| untrusted("it names no key"))?;
        let url = Url::parse(address).map_err(|_| untrusted("the address of its key cannot be read"))?;
        let own = [&self.login, &self.api].into_iter().filter_map(|base| Url::parse(&base.join("/")).ok());
        if !own.into_iter().any(|base| base.origin() == url.origin()) || !url.username().is_empty() {
            return Err(untrusted("its key lies on another host than the tenant's"));
        }
        // Many tenants share a host: a key of theirs would sign whatever they like.
        let mut companies = url.query_pairs().filter(|(name, _)| name.eq_ignore_ascii_case("companyName"));
        let ours = companies.next().is_some_and(|(_, company)| company.eq_ignore_ascii_case(&self.company));
        let place = url.path().to_ascii_lowercase().ends_with("/system/callbackkey/index.rails");
        if !ours || companies.next().is_some() || !place || url.password().is_some() {
            return Err(untrusted("its key is not this tenant's"));
        }
        let mut keys = self.keys.lock().await;
        if let Some(key) = keys.get(url.as_str()) {
            return Ok(key.clone());
        }
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut session = Session::new(Priority::Settled).for_task(crate::model::System::ConnectWise, "call-backs");
        let reply = self.transport.send_anonymous(url.as_str(), &Call::get(path), &mut session).await?;
        let body = super::outcome::classify(&reply).map_err(|fault| self.failed(fault))?;
        let key = body.get("signing_key").and_then(Json::as_str).filter(|key| !key.is_empty());
        let key = SecretString::from(key.ok_or_else(|| untrusted("its key cannot be read"))?.to_owned());
        self.transport.redactor.learn(key.clone());
        if keys.len() >= KEYS {
            keys.clear();
        }
        keys.insert(url.into(), key.clone());
        Ok(key)
    }

    fn hints_of(&self, message: &Json) -> Vec<Hint> {
        let word = |name: &str| message.get(name).and_then(Json::as_str).map(clip_message);
        let action = match word("Action").as_deref() {
            Some("added") => HintAction::Added,
            Some("deleted") => HintAction::Deleted,
            // Whatever it is called, the record is worth a look.
            _ => HintAction::Updated,
        };
        let Some(id) = message.get("ID").and_then(id) else { return Vec::new() };
        let kind = word("Type").unwrap_or_default();
        let activities = self.activities.kinds();
        let meant = |object: &&ObjectKind| {
            let is_kind = place(**object).callback.is_some_and(|callback| callback.eq_ignore_ascii_case(&kind));
            is_kind && (!object.is_activity() || activities.contains(object))
        };
        let hint = |object: &ObjectKind| Hint {
            object: *object,
            id,
            action,
            by: word("MemberId"),
            message: word("MessageId"),
        };
        ObjectKind::ALL.iter().filter(meant).map(hint).collect()
    }
}

/// Where call-backs are to lead.
struct Target {
    host: String,
    /// Up to where the server appends.
    prefix: String,
}

impl Target {
    fn full(&self) -> String {
        format!("{}{TAIL}", self.prefix)
    }
}

fn target(url: &str) -> Result<Target, ConnectError> {
    let parsed =
        Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.fragment().is_none());
    let host = parsed.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
    let (Some(parsed), Some(host)) = (parsed, host) else {
        return Err(ConnectError::new(
            ConnectErrorKind::Address,
            "The address for call-backs cannot be read.",
            "Write it as https://host/path.",
        ));
    };
    let text = String::from(parsed.clone());
    let prefix = match (text.strip_suffix(TAIL), parsed.query()) {
        (Some(prefix), Some(_)) => prefix.to_owned(),
        (_, None) => format!("{text}?"),
        (_, Some("")) => text,
        (_, Some(_)) => format!("{text}&"),
    };
    Ok(Target { host, prefix })
}

fn read(row: &Json) -> Option<Callback> {
    let word = |name: &str| row.get(name).and_then(Json::as_str).map(str::to_owned);
    Some(Callback {
        id: row.get("id").and_then(id)?,
        kind: word("type")?,
        url: word("url")?,
        inactive: row.get("inactiveFlag").and_then(crate::connect::flag::flag).unwrap_or(false),
    })
}

fn parse(body: &[u8], company: &str) -> Result<Json, ConnectError> {
    if body.len() > BODY_BYTES {
        return Err(untrusted("it is larger than 1 MB"));
    }
    let message: Json = serde_json::from_slice(body).map_err(|_| untrusted("it is not JSON"))?;
    match message.get("CompanyId").and_then(Json::as_str) {
        Some(of) if of.eq_ignore_ascii_case(company) => Ok(message),
        Some(_) => Err(untrusted("it is of another tenant")),
        None => Err(untrusted("it does not say of which tenant it is")),
    }
}

/// `x-content-signature`: base64 of HMAC-SHA256 over the raw body, keyed by SHA-256 of the signing key. Compared in
/// constant time.
fn fits(key: &SecretString, signature: &str, body: &[u8]) -> bool {
    let Ok(signature) = base64::engine::general_purpose::STANDARD.decode(signature.trim()) else { return false };
    let hashed = digest::digest(&digest::SHA256, key.expose_secret().as_bytes());
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), body, &signature).is_ok()
}

fn untrusted(why: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Unexpected, format!("A call-back was not taken: {why}."), "")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "an address that cannot be read is a failing test")]
    use super::*;

    #[test]
    fn the_address_ends_where_the_server_appends_the_id() {
        let table = [
            ("https://hook.example/cw", "https://hook.example/cw?recordId="),
            ("https://hook.example", "https://hook.example/?recordId="),
            ("https://hook.example/cw?", "https://hook.example/cw?recordId="),
            ("https://hook.example/cw?a=1", "https://hook.example/cw?a=1&recordId="),
            ("https://hook.example/cw?recordId=", "https://hook.example/cw?recordId="),
            ("https://hook.example/cw?a=1&recordId=", "https://hook.example/cw?a=1&recordId="),
        ];
        for (url, expected) in table {
            assert_eq!(target(url).unwrap().full(), expected, "{url}");
        }
        for bad in ["", "hook.example", "ftp://x/", "https://x/#y"] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_signature_is_of_the_body_and_the_hashed_key() {
        let key = SecretString::from("signing-key".to_owned());
        let hashed = digest::digest(&digest::SHA256, b"signing-key");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), b"{\"ID\":7}");
        let good = base64::engine::general_purpose::STANDARD.encode(tag.as_ref());
        assert!(fits(&key, &good, b"{\"ID\":7}"));
        assert!(!fits(&key, &good, b"{\"ID\":8}"));
        assert!(!fits(&SecretString::from("other".to_owned()), &good, b"{\"ID\":7}"));
        for bad in ["", "!", "AAAA", &good[..good.len() - 4]] {
            assert!(!fits(&key, bad, b"{\"ID\":7}"), "{bad}");
        }
    }

    #[test]
    fn only_messages_of_the_tenant_are_looked_at() {
        assert!(parse(br#"{"CompanyId":"BrightWater","ID":7}"#, "brightwater").is_ok());
        for bad in [&b"{\"CompanyId\":\"other\"}"[..], b"{}", b"[]", b"", b"\xff", b"{\"CompanyId\":7}"] {
            assert!(parse(bad, "brightwater").is_err());
        }
        assert!(parse(&vec![b' '; BODY_BYTES + 1], "brightwater").is_err());
    }
}
