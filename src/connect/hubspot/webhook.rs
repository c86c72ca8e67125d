//! Webhooks of HubSpot: whether a delivery is genuine, and which records it hints at.
//!
//! A hint makes a record be read sooner; its values are never believed, because deliveries come late, twice, out of order
//! or not at all. Service keys have no webhooks; private apps configure theirs in HubSpot and sign with their client
//! secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value as Json;

use super::{paths, record};
use crate::model::{ObjectKind, RecordId, Timestamp};

/// A signature is worth something for five minutes, in either direction of a clock that is off.
const WINDOW_MS: u64 = 300_000;
/// HubSpot sends at most 100 events at once. More are taken as the sign of something else.
const MOST_EVENTS: usize = 1000;

/// A delivery as it came over the wire.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    pub method: &'a str,
    /// The full address as HubSpot called it, `https://host/path?query`: behind a proxy it has to be put together again.
    pub uri: &'a str,
    /// `X-HubSpot-Signature-v3`.
    pub signature_v3: Option<&'a str>,
    /// `X-HubSpot-Request-Timestamp`.
    pub timestamp: Option<&'a str>,
    /// `X-HubSpot-Signature`.
    pub signature: Option<&'a str>,
    /// `X-HubSpot-Signature-Version`.
    pub version: Option<&'a str>,
    /// Exactly the bytes that came.
    pub body: &'a [u8],
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the delivery carries no signature")]
    Unsigned,
    #[error("the signature is older than five minutes, or from the future")]
    Old,
    #[error("the signature does not fit")]
    Forged,
    #[error("the delivery is not a list of events")]
    NotEvents,
}

/// What a delivery says has happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HintKind {
    Created,
    Changed,
    Deleted,
    Restored,
    /// It took in others, or was taken in.
    Merged,
    /// What it is associated with changed.
    Associated,
}

/// A record that is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hint {
    pub object: ObjectKind,
    pub id: RecordId,
    pub kind: HintKind,
}

/// Whether HubSpot signed the delivery. `secret` is the app's client secret, `now` the time here.
///
/// The newest signature that is there counts: a delivery whose v3 signature does not fit is not given a second chance by
/// an older kind, which covers neither time nor address.
///
/// # Errors
/// Why it is not believed.
pub fn verify(secret: &SecretString, delivery: &Delivery<'_>, now: Timestamp) -> Result<(), Refused> {
    if let Some(signature) = delivery.signature_v3 {
        return verify_v3(secret, delivery, signature, now);
    }
    let signature = delivery.signature.ok_or(Refused::Unsigned)?;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(secret.expose_secret().as_bytes());
    match delivery.version {
        Some("v2") => {
            context.update(delivery.method.as_bytes());
            context.update(delivery.uri.as_bytes());
        }
        Some("v1") | None => {}
        Some(_) => return Err(Refused::Unsigned),
    }
    context.update(delivery.body);
    let expected = hex(context.finish().as_ref());
    if same(expected.as_bytes(), signature.trim().to_ascii_lowercase().as_bytes()) {
        Ok(())
    } else {
        Err(Refused::Forged)
    }
}

fn verify_v3(secret: &SecretString, delivery: &Delivery<'_>, signature: &str, now: Timestamp) -> Result<(), Refused> {
    let stamp = delivery.timestamp.map(str::trim).ok_or(Refused::Unsigned)?;
    let sent: i64 = stamp.parse().map_err(|_| Refused::Old)?;
    if now.0.abs_diff(sent) > WINDOW_MS {
        return Err(Refused::Old);
    }
    let signature = STANDARD.decode(signature.trim()).map_err(|_| Refused::Forged)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut signed = delivery.method.as_bytes().to_vec();
    signed.extend_from_slice(decoded(delivery.uri).as_bytes());
    signed.extend_from_slice(delivery.body);
    signed.extend_from_slice(stamp.as_bytes());
    hmac::verify(&key, &signed, &signature).map_err(|_| Refused::Forged)
}

/// The address with exactly those escapes undone that HubSpot undoes before it signs.
fn decoded(uri: &str) -> String {
    const UNDONE: [(&str, char); 12] = [
        ("3A", ':'),
        ("2F", '/'),
        ("3F", '?'),
        ("40", '@'),
        ("21", '!'),
        ("24", '$'),
        ("27", '\''),
        ("28", '('),
        ("29", ')'),
        ("2A", '*'),
        ("2C", ','),
        ("3B", ';'),
    ];
    let mut out = String::with_capacity(uri.len());
    let mut rest = uri;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let code = after.get(..2).unwrap_or_default();
        match UNDONE.iter().find(|(escape, _)| escape.eq_ignore_ascii_case(code)) {
            Some((_, plain)) => {
                out.push(*plain);
                rest = &after[2..];
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Equal, in a time that does not tell where they differ.
fn same(one: &[u8], other: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"lockstep compares");
    hmac::verify(&key, other, hmac::sign(&key, one).as_ref()).is_ok()
}

/// One event of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The same in every repetition of it, and for no other event: HubSpot's own ids are not unique.
    pub digest: [u8; 32],
    /// Of which portal.
    pub portal: Option<u64>,
    /// What it hints at; nothing where it means nothing here.
    pub hints: Vec<Hint>,
}

/// The events of a delivery.
///
/// # Errors
/// The body is not a list of events.
pub fn events(body: &[u8]) -> Result<Vec<Event>, Refused> {
    Ok(listed(body)?.iter().map(told).collect())
}

fn listed(body: &[u8]) -> Result<Vec<Json>, Refused> {
    match serde_json::from_slice(body) {
        Ok(Json::Array(events)) if events.len() <= MOST_EVENTS => Ok(events),
        _ => Err(Refused::NotEvents),
    }
}

fn told(json: &Json) -> Event {
    let mut same = json.clone();
    if let Some(members) = same.as_object_mut() {
        members.remove("attemptNumber");
    }
    let mut digest = [0; 32];
    let hash = ring::digest::digest(&ring::digest::SHA256, same.to_string().as_bytes());
    digest.copy_from_slice(hash.as_ref());
    Event { digest, portal: json.get("portalId").and_then(record::id).map(|id| id.0), hints: event(json) }
}

/// The records that a delivery hints at, sorted, each once for each kind. Events that mean nothing here are left out.
///
/// # Errors
/// The body is not a list of events.
pub fn hints(body: &[u8]) -> Result<Vec<Hint>, Refused> {
    let mut hints: Vec<Hint> = listed(body)?.iter().flat_map(event).collect();
    hints.sort_unstable();
    hints.dedup();
    Ok(hints)
}

fn event(json: &Json) -> Vec<Hint> {
    let Some((named, what)) = json.get("subscriptionType").and_then(Json::as_str).and_then(|text| text.split_once('.'))
    else {
        return Vec::new();
    };
    let type_id = json.get("objectTypeId").and_then(Json::as_str).unwrap_or_default();
    let Some(object) = ObjectKind::ALL.into_iter().find(|kind| match named {
        "object" => paths::type_id(*kind) == type_id,
        named => kind.key() == named,
    }) else {
        return Vec::new();
    };
    let kind = match what {
        "creation" => HintKind::Created,
        "propertyChange" => HintKind::Changed,
        "deletion" | "privacyDeletion" => HintKind::Deleted,
        "restore" => HintKind::Restored,
        "merge" => HintKind::Merged,
        "associationChange" => HintKind::Associated,
        _ => return Vec::new(),
    };
    let one = |name: &str| json.get(name).and_then(record::id);
    let many = json.get("mergedObjectIds").and_then(Json::as_array).into_iter().flatten().take(MOST_EVENTS);
    let ids: Vec<RecordId> = match kind {
        HintKind::Merged => {
            let named = ["objectId", "primaryObjectId", "newObjectId"].into_iter().filter_map(one);
            named.chain(many.filter_map(record::id)).collect()
        }
        // The other end belongs to an object that only the kind of association names; it has its own event.
        HintKind::Associated => one("fromObjectId").or_else(|| one("objectId")).into_iter().collect(),
        _ => one("objectId").into_iter().collect(),
    };
    ids.into_iter().filter(|id| id.0 > 0).map(|id| Hint { object, id, kind }).collect()
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
