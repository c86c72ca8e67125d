//! What a call-back says, and whether the tenant said it. Hints only: they may be lost, repeated or forged, and what they
//! carry is thinner than the record. Whoever takes one reads the record again.

use std::sync::PoisonError;

use base64::Engine as _;
use reqwest::Url;
use ring::{digest, hmac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::ConnectWise;
use super::keys::{Held, Keys};
use super::objects::place;
use super::record::id;
use crate::connect::error::{ConnectError, ConnectErrorKind};
use crate::connect::http::{Call, Session};
use crate::connect::redact::clip_message;
use crate::engine::core::request::Priority;
use crate::model::{ObjectKind, RecordId, System};

/// No call-back is larger.
const BODY_BYTES: usize = 1024 * 1024;

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
    /// What a call-back says, once its signature is known to be the tenant's.
    ///
    /// # Errors
    /// A body that is none of ConnectWise's, of another tenant, or with a signature that does not fit; of kind `Limited`
    /// where that cannot be told now, because too many keys were asked for.
    pub async fn hints(&self, signature: &str, body: &[u8]) -> Result<Vec<Hint>, ConnectError> {
        let message = parse(body, &self.company)?;
        // What is no signature at all fits no key, and nobody is asked for one.
        let signature = tag(signature).ok_or_else(misfit)?;
        let place = self.key_place(message.get("Metadata").and_then(|data| data.get("key_url")))?;
        let known = self.keys().fresh(place.as_str(), Instant::now());
        let key = match known {
            Some(held) if fits(&held.key, &signature, body) => held,
            Some(held) if !held.may_be_replaced(Instant::now()) => return Err(misfit()),
            known => self.fetch_key(&place, known).await?,
        };
        if !fits(&key.key, &signature, body) {
            return Err(misfit());
        }
        self.transport.redactor.learn(key.key);
        self.keys().prove(place.as_str());
        Ok(self.hints_of(&message))
    }

    /// Where the key lies that a message names: among the tenant's own, on the tenant's own hosts, and nowhere else.
    fn key_place(&self, named: Option<&Json>) -> Result<Url, ConnectError> {
        let address = named.and_then(Json::as_str).ok_or_else(|| untrusted("it names no key"))?;
        let mut url = Url::parse(address).map_err(|_| untrusted("the address of its key cannot be read"))?;
        url.set_fragment(None);
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
        drop(companies);
        Ok(url)
    }

    /// The key that lies there, in place of `known`. One at a time, and only so many: whoever forges messages names keys as
    /// he likes.
    async fn fetch_key(&self, place: &Url, known: Option<Held>) -> Result<Held, ConnectError> {
        let _one = self.fetching.lock().await;
        {
            let (mut keys, now) = (self.keys(), Instant::now());
            // Somebody else may have asked while this one waited.
            if let Some(held) = keys.fresh(place.as_str(), now)
                && known.is_none_or(|known| known.fetched != held.fetched)
            {
                return Ok(held);
            }
            if !keys.may_fetch(place.as_str(), now) {
                let what = "Too many signing keys were asked for; this call-back is not judged now.";
                return Err(ConnectError::new(ConnectErrorKind::Limited, what, ""));
            }
        }
        let path = place.query().map_or_else(|| place.path().to_owned(), |query| format!("{}?{query}", place.path()));
        let mut session = Session::new(Priority::Settled).for_task(System::ConnectWise, "call-backs");
        let reply = self.transport.send_anonymous(place.as_str(), &Call::get(path).single(), &mut session).await?;
        let body = super::outcome::classify(&reply).map_err(|fault| self.failed(fault))?;
        let key = body.get("signing_key").and_then(Json::as_str).filter(|key| !key.is_empty());
        let key = SecretString::from(key.ok_or_else(|| untrusted("its key cannot be read"))?.to_owned());
        Ok(self.keys().put(place.as_str(), key, Instant::now()))
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
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
fn fits(key: &SecretString, signature: &[u8], body: &[u8]) -> bool {
    let hashed = digest::digest(&digest::SHA256, key.expose_secret().as_bytes());
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), body, signature).is_ok()
}

fn tag(signature: &str) -> Option<Vec<u8>> {
    let tag = base64::engine::general_purpose::STANDARD.decode(signature.trim()).ok()?;
    (tag.len() == digest::SHA256_OUTPUT_LEN).then_some(tag)
}

fn untrusted(why: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Unexpected, format!("A call-back was not taken: {why}."), "")
}

fn misfit() -> ConnectError {
    untrusted("its signature does not fit")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a message that cannot be read is a failing test")]
    use super::*;

    #[test]
    fn a_signature_is_of_the_body_and_the_hashed_key() {
        let key = SecretString::from("signing-key".to_owned());
        let hashed = digest::digest(&digest::SHA256, b"signing-key");
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), b"{\"ID\":7}");
        let good = base64::engine::general_purpose::STANDARD.encode(tag.as_ref());
        let decoded = super::tag(&good).unwrap();
        assert!(fits(&key, &decoded, b"{\"ID\":7}"));
        assert!(!fits(&key, &decoded, b"{\"ID\":8}"));
        assert!(!fits(&SecretString::from("other".to_owned()), &decoded, b"{\"ID\":7}"));
        for bad in ["", "!", "AAAA", &good[..good.len() - 4]] {
            assert_eq!(super::tag(bad), None, "{bad}");
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
