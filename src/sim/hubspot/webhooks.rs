//! What HubSpot tells an app that listens: the events of one change, and the signatures of a request.
//!
//! An app subscribes to the events of an object, `contact.creation`, or as project apps do to those of all, `object.creation`:
//! these name the object by its type, and they alone tell of notes, tasks, calls and meetings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde_json::{Map, Value, json};

use super::behaviour::WebhookSignature;
use super::kinds::{ALL, Kind, KindRef};
use super::links::Type;
use super::portal::{PORTAL_ID, Portal, Provenance};
use crate::sim::delivery::{Events, Webhook};
use crate::sim::ledger::{Mutation, Verb};
use crate::sim::options::HUBSPOT_APP_ID;

/// Characters of an address that are signed as themselves, though they are sent encoded.
const DECODED: [(&str, &str); 12] = [
    ("%3A", ":"),
    ("%2F", "/"),
    ("%3F", "?"),
    ("%40", "@"),
    ("%21", "!"),
    ("%24", "$"),
    ("%27", "'"),
    ("%28", "("),
    ("%29", ")"),
    ("%2A", "*"),
    ("%2C", ","),
    ("%3B", ";"),
];

/// What happens to a record, as subscriptions call it.
const EVENTS: [&str; 7] =
    ["creation", "deletion", "merge", "restore", "propertyChange", "associationChange", "privacyDeletion"];
/// The record that samples are about.
const SAMPLE_ID: u64 = 123;

/// Everything that an app can subscribe to, of one object or of all.
pub(crate) fn event_names() -> Vec<String> {
    let told = ALL.iter().filter(|kind| !kind.is_engagement()).map(|kind| kind.singular());
    told.chain(["object"]).flat_map(|object| EVENTS.map(|what| format!("{object}.{what}"))).collect()
}

impl Events for Portal {
    fn events(&self, webhook: &Webhook, change: &Mutation) -> Vec<Value> {
        let Some(kind) = Kind::of(change.object) else { return Vec::new() };
        let told = match change.verb {
            Verb::Create => {
                let mut told = vec![Told::flagged(kind, "creation", change.id, "CREATED")];
                // A new record tells its first values, too, beside its creation.
                told.extend(properties(kind, change));
                told
            }
            Verb::Update => properties(kind, change),
            Verb::Delete if self.find(kind, change.id).is_none() => {
                vec![Told::new(kind, "privacyDeletion", change.id)]
            }
            Verb::Delete => vec![Told::flagged(kind, "deletion", change.id, "DELETED")],
            Verb::Restore => vec![Told::flagged(kind, "restore", change.id, "RESTORED")],
            Verb::Merge => merged(kind, change),
            Verb::Associate => self.associated(kind, change),
        };
        let wanted = |name: &String| webhook.events.contains(name);
        let mut shown = Vec::new();
        for (index, event) in told.iter().enumerate() {
            let (own, generic) = (event.name(), event.generic_name());
            if (webhook.events.is_empty() || wanted(&own)) && !event.kind.is_engagement() {
                shown.push(event.show(&own, change, index));
            }
            if wanted(&generic) {
                shown.push(event.show_generic(&generic, change, index));
            }
        }
        shown
    }

    /// Made up by the user interface: no such record need be there.
    fn sample(&self, event: &str, at_ms: i64) -> Option<Value> {
        let (object, what) = event.split_once('.')?;
        let kind = Kind::named(object)?;
        let what = EVENTS.into_iter().find(|known| *known == what)?;
        let told = match what {
            "propertyChange" => Told::new(kind, what, SAMPLE_ID)
                .with("propertyName", json!(kind.searched.first()))
                .with("propertyValue", json!("sample-value")),
            _ => Told::flagged(kind, what, SAMPLE_ID, "NEW"),
        };
        Some(told.dressed(event, &Provenance::system("CRM"), (0, at_ms), 0))
    }
}

/// The headers of a request that carries `body` (a JSON array of events): signatures, and their time where it is signed.
pub(crate) fn sign(
    signature: WebhookSignature,
    webhook: &Webhook,
    body: &[u8],
    now_ms: i64,
) -> Vec<(&'static str, String)> {
    let (version, covered) = match signature {
        WebhookSignature::V2 => ("v2", format!("{}POST{}", webhook.secret, webhook.url)),
        WebhookSignature::V1 | WebhookSignature::V3 => ("v1", webhook.secret.clone()),
    };
    let hash = digest(&SHA256, &[covered.as_bytes(), body].concat());
    let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut headers = vec![("x-hubspot-signature", hex), ("x-hubspot-signature-version", version.to_owned())];
    if signature == WebhookSignature::V3 {
        headers.push(("x-hubspot-signature-v3", signature_v3(webhook, body, now_ms)));
        headers.push(("x-hubspot-request-timestamp", now_ms.to_string()));
    }
    headers
}

/// Over method, address, raw body and time.
fn signature_v3(webhook: &Webhook, body: &[u8], now_ms: i64) -> String {
    let (address, query) = webhook.url.split_once('?').map_or((webhook.url.as_str(), None), |(a, q)| (a, Some(q)));
    let decoded = |text: &str| {
        DECODED.iter().fold(text.to_owned(), |text, (code, letter)| {
            text.replace(code, letter).replace(&code.to_lowercase(), letter)
        })
    };
    let address = query.map_or_else(|| decoded(address), |query| format!("{}?{}", decoded(address), decoded(query)));
    let mut signed = format!("POST{address}").into_bytes();
    signed.extend_from_slice(body);
    signed.extend_from_slice(now_ms.to_string().as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, webhook.secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, &signed))
}

/// One event before it is dressed up with what all have.
struct Told {
    kind: KindRef,
    what: &'static str,
    id: u64,
    own: Map<String, Value>,
}

impl Told {
    fn new(kind: KindRef, what: &'static str, id: u64) -> Self {
        Self { kind, what, id, own: Map::new() }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.kind.singular(), self.what)
    }

    fn generic_name(&self) -> String {
        format!("object.{}", self.what)
    }

    fn flagged(kind: KindRef, what: &'static str, id: u64, flag: &str) -> Self {
        Self::new(kind, what, id).with("changeFlag", json!(flag))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.own.insert(name.to_owned(), value);
        self
    }

    fn show(&self, name: &str, change: &Mutation, index: usize) -> Value {
        self.dressed(name, &Provenance::of(&change.actor), (change.sequence, change.at_ms), index)
    }

    fn show_generic(&self, name: &str, change: &Mutation, index: usize) -> Value {
        let mut event = self.show(name, change, index);
        if let Some(map) = event.as_object_mut() {
            map.insert("objectTypeId".to_owned(), json!(self.kind.type_id));
            map.insert("isSensitive".to_owned(), json!(false));
        }
        event
    }

    /// With what all events have.
    fn dressed(&self, name: &str, who: &Provenance, (sequence, at_ms): (u64, i64), index: usize) -> Value {
        let number = |text: &str| text.bytes().fold(7_u64, |n, b| n.wrapping_mul(31).wrapping_add(u64::from(b)));
        let index = u64::try_from(index).unwrap_or(0);
        let mut event = json!({
            // Ids of events are not unique, and say nothing of their order.
            "eventId": (sequence.wrapping_mul(2_654_435_761) + index * 97) % 4_294_967_291,
            "subscriptionId": 7_000_000 + number(name) % 900_000, "portalId": PORTAL_ID,
            "appId": HUBSPOT_APP_ID.parse::<u64>().unwrap_or(0), "occurredAt": at_ms,
            "subscriptionType": name, "objectId": self.id,
            "changeSource": who.source, "sourceId": who.source_id,
        });
        if let Some(map) = event.as_object_mut() {
            map.extend(self.own.clone());
        }
        event
    }
}

/// One event per property. What was cleared is told as an empty text.
fn properties(kind: KindRef, change: &Mutation) -> Vec<Told> {
    let one = |(name, (_, after)): (&String, &(Value, Value))| {
        let value = after.as_str().unwrap_or_default();
        Told::new(kind, "propertyChange", change.id)
            .with("propertyName", json!(name))
            .with("propertyValue", json!(value))
    };
    change.fields.iter().map(one).collect()
}

/// The last two absorbed ids are those of this merge; with a kept id the primary is the survivor itself.
fn merged(kind: KindRef, change: &Mutation) -> Vec<Told> {
    let ids = |value: &Value| -> Vec<u64> {
        value.as_str().unwrap_or_default().split(';').filter_map(|id| id.parse().ok()).collect()
    };
    let (before, after) = change.fields.get("hs_merged_object_ids").map(|(b, a)| (ids(b), ids(a))).unwrap_or_default();
    let new: Vec<u64> = after.into_iter().filter(|id| !before.contains(id)).collect();
    let primary = if new.len() > 1 { new.first().copied().unwrap_or(change.id) } else { change.id };
    vec![
        Told::new(kind, "merge", primary)
            .with("primaryObjectId", json!(primary))
            .with("mergedObjectIds", json!(new))
            .with("newObjectId", json!(change.id))
            .with("numberOfPropertiesMoved", json!(change.fields.len())),
    ]
}

impl Portal {
    /// Every type that came or went, told from both sides.
    fn associated(&self, kind: KindRef, change: &Mutation) -> Vec<Told> {
        let mut told = Vec::new();
        for (key, (before, after)) in &change.fields {
            let Some((other, id)) = key.split_once('/') else { continue };
            let (Some(other), Ok(id)) = (Kind::named(other), id.parse::<u64>()) else { continue };
            let types = |value: &Value| -> Vec<u64> {
                value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
            };
            let (before, after) = (types(before), types(after));
            let gone = before.iter().filter(|id| !after.contains(id)).map(|id| (*id, true));
            let new = after.iter().filter(|id| !before.contains(id)).map(|id| (*id, false));
            for (type_id, removed) in gone.chain(new) {
                let found = u16::try_from(type_id).ok().and_then(|id| self.links.get_type(id));
                let Some(there) = found else { continue };
                told.push(one_way((kind, change.id), (other, id), there, removed));
                if let Some(back) = self.links.get_type(there.inverse) {
                    told.push(one_way((other, id), (kind, change.id), back, removed));
                }
            }
        }
        told
    }
}

fn one_way(from: super::ties::End, to: super::ties::End, of: &Type, removed: bool) -> Told {
    let name = format!("{}_TO_{}", from.0.legacy, to.0.legacy);
    Told::new(from.0, "associationChange", from.1)
        .with("associationType", json!(name))
        .with("associationTypeId", json!(of.id))
        .with("associationCategory", json!(of.category()))
        .with("fromObjectId", json!(from.1))
        .with("toObjectId", json!(to.1))
        .with("associationRemoved", json!(removed))
        .with("isPrimaryAssociation", json!(of.is_primary()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_covers_the_decoded_address_the_raw_body_and_the_time() {
        let webhook = |url: &str| Webhook { url: url.to_owned(), secret: "s3cret".to_owned(), events: Vec::new() };
        let plain = signature_v3(&webhook("http://127.0.0.1/a:b?c=d@e"), b"[]", 1_700_000_000_000);
        let encoded = signature_v3(&webhook("http://127.0.0.1/a%3Ab?c=d%40e"), b"[]", 1_700_000_000_000);
        assert_eq!(plain, encoded);
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"s3cret");
        let expected = hmac::sign(&key, b"POSThttp://127.0.0.1/a:b?c=d@e[]1700000000000");
        assert_eq!(plain, STANDARD.encode(expected));
        for other in [
            signature_v3(&webhook("http://127.0.0.1/a:b?c=d@e"), b"[ ]", 1_700_000_000_000),
            signature_v3(&webhook("http://127.0.0.1/a:b?c=d@e"), b"[]", 1_700_000_000_001),
        ] {
            assert_ne!(plain, other);
        }
    }
}
