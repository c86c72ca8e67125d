//! Call-backs: made once, armed again, believed only with the tenant's own signature.

use std::sync::Mutex;

use base64::Engine as _;
use lockstep::connect::connectwise::{Hint, HintAction};
use ring::{digest, hmac};

use super::*;

const URL: &str = "https://hook.example/cw";

fn entry(id: u64, kind: &str, url: &str, inactive: bool) -> Json {
    json!({"id": id, "type": kind, "level": "owner", "objectId": 1, "url": url, "inactiveFlag": inactive, "description": "Lockstep"})
}

/// A tenant that keeps call-backs.
async fn tenant(entries: Vec<Json>) -> Tenant {
    let held = Mutex::new(entries);
    Tenant::new(move |asked| {
        let mut held = held.lock().unwrap();
        let id = asked.path.rsplit('/').next().and_then(|id| id.parse::<u64>().ok());
        match (asked.method.as_str(), id) {
            ("GET", _) => (200, held.clone().into()),
            ("POST", _) => {
                let mut made = asked.body.clone();
                made["id"] = json!(held.len() + 100);
                held.push(made.clone());
                (201, made)
            }
            ("PATCH", Some(id)) => {
                let entry = held.iter_mut().find(|entry| entry["id"] == id).unwrap();
                entry["inactiveFlag"] = json!(false);
                (200, entry.clone())
            }
            _ => {
                held.retain(|entry| Some(entry["id"].as_u64().unwrap()) != id);
                (204, json!("<nothing>"))
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_missing_is_made_and_what_is_off_is_switched_on_once() {
    let own = "https://hook.example/cw?recordId=";
    let tenant = tenant(vec![
        entry(1, "company", own, true),
        entry(2, "contact", "https://hook.example/other?recordId=", false),
        entry(3, "contact", own, false),
    ])
    .await;
    let wanted = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Task, ObjectKind::Call];
    let armed = tenant.psa.ensure_callbacks(URL, &wanted).await.unwrap();
    let told: Vec<_> = armed.iter().map(|one| (one.kind.as_str(), one.inactive)).collect();
    assert_eq!(told, [("company", false), ("contact", false), ("activity", false)]);
    let lines: Vec<_> = tenant.lines().into_iter().filter(|line| !line.starts_with("GET")).collect();
    assert_eq!(
        lines,
        [
            r#"POST /system/callbacks {"description":"Lockstep","inactiveFlag":false,"isSelfSuppressedFlag":true,"level":"owner","objectId":1,"payloadVersion":"3.0.0","type":"activity","url":"https://hook.example/cw?recordId="}"#,
            r#"PATCH /system/callbacks/1 [{"op":"replace","path":"inactiveFlag","value":false}]"#,
        ]
    );
    tenant.psa.ensure_callbacks(URL, &wanted).await.unwrap();
    assert!(tenant.lines().iter().all(|line| line.starts_with("GET")), "repeating changes nothing");

    assert_eq!(tenant.psa.drop_callbacks(URL).await, Ok(3));
    assert_eq!(tenant.psa.callbacks("https://hook.example/other").await.unwrap().len(), 1, "another's stays");
    assert!(tenant.psa.ensure_callbacks(URL, &[ObjectKind::LineItem]).await.is_err());
}

#[tokio::test]
async fn a_call_back_that_is_there_already_is_fine() {
    let tenant = Tenant::new(|asked| match asked.method.as_str() {
        "GET" => (200, json!([])),
        _ => (400, json!({"code": "InvalidObject", "errors": [{"code": "ObjectExists", "message": "A matching callback entry already exists", "field": "objectId"}]})),
    })
    .await;
    assert_eq!(tenant.psa.ensure_callbacks(URL, &[ObjectKind::Deal]).await, Ok(Vec::new()));
}

fn message(key_url: &str, kind: &str, id: &Json) -> Vec<u8> {
    json!({"Action": "updated", "CompanyId": "Brightwater", "Entity": "{\"id\": 999, \"name\": \"forged\"}", "ID": id, "MemberId": "jdoe",
        "MessageId": "m-1", "Metadata": {"key_url": key_url}, "Type": kind})
    .to_string()
    .into_bytes()
}

fn signed(body: &[u8], key: &str) -> String {
    let hashed = digest::digest(&digest::SHA256, key.as_bytes());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), body);
    base64::engine::general_purpose::STANDARD.encode(tag.as_ref())
}

#[tokio::test]
async fn a_signed_message_is_a_hint_and_its_key_is_fetched_once() {
    let tenant = Tenant::new(|asked| {
        assert!(asked.path.contains("/system/callbackkey/"), "{}", asked.path);
        (200, json!({"signing_key": "the-key"}))
    })
    .await;
    let key_url = format!("{}/v2025_1/system/callbackkey/index.rails?companyName=brightwater&id=1", tenant.forged.url);
    for (kind, id, objects) in [
        ("company", json!(7), vec![ObjectKind::Company]),
        ("Contact", json!("7"), vec![ObjectKind::Contact]),
        ("activity", json!(7), vec![ObjectKind::Task]),
        ("agreement", json!(7), vec![]),
        ("company", json!({}), vec![]),
    ] {
        let body = message(&key_url, kind, &id);
        let hints = tenant.psa.hints(&signed(&body, "the-key"), &body).await.unwrap();
        let hint = |object| Hint {
            object,
            id: RecordId(7),
            action: HintAction::Updated,
            by: Some("jdoe".into()),
            message: Some("m-1".into()),
        };
        assert_eq!(
            hints,
            objects.into_iter().map(hint).collect::<Vec<_>>(),
            "{kind}: the entity inside is not looked at"
        );
    }
    assert_eq!(tenant.forged.seen().len(), 1);
    let body = message(&key_url, "company", &json!(7));
    for forged in [signed(&body, "another"), String::new(), "AAAA".into()] {
        assert!(tenant.psa.hints(&forged, &body).await.is_err(), "{forged}");
    }
    let mut changed = body.clone();
    changed.push(b' ');
    assert!(tenant.psa.hints(&signed(&body, "the-key"), &changed).await.is_err());
}

#[tokio::test]
async fn a_key_is_fetched_from_nobody_but_the_tenant() {
    let tenant = Tenant::new(|_| (200, json!({"signing_key": "the-key"}))).await;
    let elsewhere = Forged::start(|_| (200, json!({"signing_key": "the-key"}).to_string().into_bytes())).await;
    let port = tenant.forged.url.rsplit(':').next().unwrap();
    let own = format!("{}/v2025_1/system/callbackkey/index.rails", tenant.forged.url);
    for address in [
        format!("{}/key", elsewhere.url),
        format!("{own}?companyName=other&id=1"),
        format!("{own}?companyName=other&companyName=brightwater"),
        format!("{own}?companyName=brightwater&companyName=other"),
        format!("{own}?id=1"),
        format!("{}/key?companyName=brightwater", tenant.forged.url),
        format!("http://localhost:{port}/key"),
        format!("http://user@127.0.0.1:{port}/key"),
        format!("https://127.0.0.1:{port}/key"),
        "https://na.myconnectwise.net/key".to_owned(),
        "file:///etc/passwd".to_owned(),
        "nonsense".to_owned(),
    ] {
        let body = message(&address, "company", &json!(7));
        let refused = tenant.psa.hints(&signed(&body, "the-key"), &body).await.unwrap_err();
        assert!(refused.message.contains("was not taken"), "{address}: {refused}");
    }
    assert!(tenant.forged.seen().is_empty() && elsewhere.seen().is_empty());
}
