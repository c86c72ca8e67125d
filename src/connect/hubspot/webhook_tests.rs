//! Genuine and forged deliveries, and what events mean.

use super::*;
use serde_json::json;

const NOW: Timestamp = Timestamp(1_787_843_156_000);
const URI: &str = "https://hooks.example.com/hubspot?a=%3A%40x%2fy%20z";

fn secret() -> SecretString {
    "9b3f-client-secret".into()
}

fn delivery(body: &[u8]) -> Delivery<'_> {
    Delivery { method: "POST", uri: URI, signature_v3: None, timestamp: None, signature: None, version: None, body }
}

/// Signed as HubSpot's guide describes it, with the decoded address written out by hand.
fn signed(body: &[u8], stamp: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"9b3f-client-secret");
    let mut text = b"POSThttps://hooks.example.com/hubspot?a=:@x/y%20z".to_vec();
    text.extend_from_slice(body);
    text.extend_from_slice(stamp.as_bytes());
    STANDARD.encode(hmac::sign(&key, &text))
}

#[test]
fn a_signature_covers_method_address_body_and_time() {
    let body = b"[{\"eventId\": 1,  \"x\":\"\xc3\xa9\"}]";
    let stamp = NOW.0.to_string();
    let signature = signed(body, &stamp);
    let good = Delivery { signature_v3: Some(&signature), timestamp: Some(&stamp), ..delivery(body) };
    assert_eq!(verify(&secret(), &good, NOW), Ok(()));
    for late in [Timestamp(NOW.0 + 300_000), Timestamp(NOW.0 - 300_000)] {
        assert_eq!(verify(&secret(), &good, late), Ok(()), "still fresh");
    }
    for late in [Timestamp(NOW.0 + 300_001), Timestamp(NOW.0 - 300_001), Timestamp(i64::MIN), Timestamp::MAX] {
        assert_eq!(verify(&secret(), &good, late), Err(Refused::Old));
    }
    let other = (NOW.0 + 1).to_string();
    let forged = [
        Delivery { method: "PUT", ..good },
        Delivery { uri: "https://hooks.example.com/hubspot?a=:@x/y z", ..good },
        Delivery { body: b"[{\"eventId\":1}]", ..good },
        Delivery { timestamp: Some(&other), ..good },
        Delivery { signature_v3: Some("AAAA"), ..good },
        Delivery { signature_v3: Some("not base64!"), ..good },
        Delivery { signature_v3: Some(""), ..good },
    ];
    for delivery in forged {
        assert_eq!(verify(&secret(), &delivery, NOW), Err(Refused::Forged), "{delivery:?}");
    }
    assert_eq!(verify(&SecretString::from("other"), &good, NOW), Err(Refused::Forged));
    assert_eq!(verify(&secret(), &Delivery { timestamp: None, ..good }, NOW), Err(Refused::Unsigned));
    assert_eq!(verify(&secret(), &Delivery { timestamp: Some("soon"), ..good }, NOW), Err(Refused::Old));
    assert_eq!(verify(&secret(), &delivery(body), NOW), Err(Refused::Unsigned));
}

#[test]
fn the_older_signatures_hold_and_do_not_stand_in_for_a_newer_one() {
    let body = b"[]";
    let sha = |text: &[u8]| hex(ring::digest::digest(&ring::digest::SHA256, text).as_ref());
    let v1 = sha(b"9b3f-client-secret[]");
    let v2 = sha(format!("9b3f-client-secretPOST{URI}[]").as_bytes());
    let first = Delivery { signature: Some(&v1), version: Some("v1"), ..delivery(body) };
    let second = Delivery { signature: Some(&v2), version: Some("v2"), ..delivery(body) };
    assert_eq!(verify(&secret(), &first, NOW), Ok(()));
    assert_eq!(verify(&secret(), &second, NOW), Ok(()));
    assert_eq!(verify(&secret(), &Delivery { version: Some("v2"), ..first }, NOW), Err(Refused::Forged));
    assert_eq!(verify(&secret(), &Delivery { version: Some("v9"), ..first }, NOW), Err(Refused::Unsigned));
    assert_eq!(verify(&secret(), &Delivery { body: b"[1]", ..second }, NOW), Err(Refused::Forged));
    let stamp = NOW.0.to_string();
    let both = Delivery { signature_v3: Some("AAAA"), timestamp: Some(&stamp), ..first };
    assert_eq!(verify(&secret(), &both, NOW), Err(Refused::Forged));
}

#[test]
fn only_the_listed_escapes_are_undone() {
    assert_eq!(decoded("a%3a%2F%3F%40%21%24%27%28%29%2A%2C%3B?b=%20%25%3%zz%é"), "a:/?@!$'()*,;?b=%20%25%3%zz%é");
    assert_eq!(decoded("%"), "%");
}

#[test]
fn events_are_hints_and_unknown_ones_are_ignored() {
    use HintKind::{Associated, Changed, Created, Deleted, Merged};
    let events = json!([
        {"eventId": 4_101_286_121_u64, "subscriptionType": "contact.propertyChange", "objectId": 541_935_488_729_u64, "propertyName": "email", "propertyValue": "x@y.com"},
        {"subscriptionType": "contact.propertyChange", "objectId": "541935488729", "propertyName": "phone"},
        {"subscriptionType": "company.creation", "objectId": 5},
        {"subscriptionType": "line_item.deletion", "objectId": 6},
        {"subscriptionType": "contact.privacyDeletion", "objectId": 7},
        {"subscriptionType": "object.creation", "objectTypeId": "0-48", "objectId": 8},
        {"subscriptionType": "company.merge", "objectId": 9, "primaryObjectId": 9, "mergedObjectIds": [10, "11", {}], "newObjectId": 12},
        {"subscriptionType": "deal.associationChange", "fromObjectId": 13, "toObjectId": 14},
        {"subscriptionType": "object.creation", "objectTypeId": "2-9", "objectId": 1}, {"subscriptionType": "conversation.creation", "objectId": 1},
        {"subscriptionType": "contact.wave", "objectId": 1}, {"subscriptionType": "contact", "objectId": 1}, {"subscriptionType": 7},
        {"subscriptionType": "contact.creation", "objectId": -1}, {"subscriptionType": "contact.creation"}, null, [], "x",
    ]);
    let hint = |object, id, kind| Hint { object, id: RecordId(id), kind };
    assert_eq!(
        hints(events.to_string().as_bytes()),
        Ok(vec![
            hint(ObjectKind::Company, 5, Created),
            hint(ObjectKind::Company, 9, Merged),
            hint(ObjectKind::Company, 10, Merged),
            hint(ObjectKind::Company, 11, Merged),
            hint(ObjectKind::Company, 12, Merged),
            hint(ObjectKind::Contact, 7, Deleted),
            hint(ObjectKind::Contact, 541_935_488_729, Changed),
            hint(ObjectKind::Deal, 13, Associated),
            hint(ObjectKind::LineItem, 6, Deleted),
            hint(ObjectKind::Call, 8, Created),
        ])
    );
    for odd in ["", "{}", "[", "null", "\u{0}"] {
        assert_eq!(hints(odd.as_bytes()), Err(Refused::NotEvents), "{odd:?}");
    }
    let many = format!("[{}1]", "1,".repeat(MOST_EVENTS));
    assert_eq!(hints(many.as_bytes()), Err(Refused::NotEvents));
}
