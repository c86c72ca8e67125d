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

const OWN: &str = "https://hook.example/cw?recordId=";

impl Tenant {
    /// What was asked of it since the last look, reading aside.
    fn changes(&self) -> Vec<String> {
        self.lines().into_iter().filter(|line| !line.starts_with("GET")).collect()
    }
}

#[tokio::test]
async fn what_is_missing_is_made_and_what_is_off_is_switched_on_once() {
    let other = entry(2, "contact", "https://hook.example/other?recordId=", false);
    let tenant = tenant(vec![entry(1, "company", OWN, true), other, entry(3, "contact", OWN, false)]).await;
    let wanted = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Task, ObjectKind::Call, ObjectKind::LineItem];
    let kept = tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert_eq!(kept.armed, ["activity", "company", "contact"], "line items have none, and are left to the polls");
    assert_eq!((kept.missing, kept.trouble), (Vec::new(), None));
    assert_eq!(
        tenant.changes(),
        [
            r#"POST /system/callbacks {"description":"Lockstep","inactiveFlag":false,"isSelfSuppressedFlag":true,"level":"owner","objectId":1,"payloadVersion":"3.0.0","type":"activity","url":"https://hook.example/cw?recordId="}"#,
            r#"PATCH /system/callbacks/1 [{"op":"replace","path":"inactiveFlag","value":false}]"#,
        ]
    );
    tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert!(tenant.lines().iter().all(|line| line.starts_with("GET")), "repeating changes nothing");

    assert_eq!(tenant.psa.drop_callbacks(URL).await, Ok(3));
    assert_eq!(tenant.psa.callbacks("https://hook.example/other").await.unwrap().len(), 1, "another's stays");
}

/// Ours is what leads to our address and says that it is Lockstep's; of no use is what nobody asks for, and a second one.
#[tokio::test]
async fn what_is_of_no_use_is_taken_away_and_what_others_made_is_left_as_it_is() {
    let foreign = |mut entry: Json| {
        entry["description"] = json!("Help desk portal");
        entry
    };
    let mut narrow = entry(6, "company", OWN, true);
    narrow["level"] = json!("territory");
    let entries = vec![
        entry(1, "company", OWN, true),
        entry(2, "company", OWN, false),
        entry(3, "ticket", OWN, false),
        foreign(entry(4, "contact", OWN, false)),
        foreign(entry(5, "opportunity", OWN, true)),
        narrow,
        entry(7, "company", "https://hook.example/cw2?recordId=", true),
        entry(8, "company", "https://hook.example/?to=https://hook.example/cw?recordId=", true),
    ];
    let tenant = tenant(entries).await;
    let wanted = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal];
    let kept = tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert_eq!(tenant.changes(), ["DELETE /system/callbacks/1", "DELETE /system/callbacks/3"]);
    assert_eq!((kept.armed, kept.missing), (vec!["company".into(), "contact".into()], vec!["opportunity".to_owned()]));
    let told = kept.trouble.unwrap();
    assert!(told.message.contains("opportunity that Lockstep did not make") && told.hint.contains("in ConnectWise"));
    assert_eq!(tenant.psa.drop_callbacks(URL).await, Ok(1));
    assert_eq!(tenant.changes(), ["DELETE /system/callbacks/2"]);
}

#[tokio::test]
async fn one_that_is_there_by_its_own_word_and_not_listed_is_told() {
    let tenant = Tenant::new(|asked| match asked.method.as_str() {
        "GET" => (200, json!([])),
        _ => (400, json!({"code": "InvalidObject", "errors": [{"code": "ObjectExists", "message": "A matching callback entry already exists", "field": "objectId"}]})),
    })
    .await;
    let kept = tenant.psa.keep_callbacks(URL, &[ObjectKind::Deal]).await.unwrap();
    assert_eq!((kept.armed.len(), kept.missing), (0, vec!["opportunity".to_owned()]));
    let told = kept.trouble.unwrap();
    assert!(told.message.contains("does not list it") && told.hint.contains("Manage Hosted API / Inquire"), "{told:?}");
}

/// Made, and the answer never came: it is looked for, not made again.
#[tokio::test]
async fn where_the_answer_to_a_create_got_lost_the_list_tells() {
    let made = Mutex::new(Vec::new());
    let tenant = Tenant::new(move |asked| {
        let mut made = made.lock().unwrap();
        if asked.method == "POST" {
            let mut entry = asked.body.clone();
            entry["id"] = json!(made.len() + 1);
            made.push(entry);
            return (504, json!({"code": "Timeout", "message": "gateway"}));
        }
        (200, made.clone().into())
    })
    .await;
    let wanted = [ObjectKind::Company, ObjectKind::Contact];
    let kept = tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert_eq!((kept.armed.len(), kept.missing.len(), kept.trouble), (2, 0, None));
    assert_eq!(tenant.changes().len(), 2);
    tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert_eq!(tenant.changes().len(), 0);
}

#[tokio::test]
async fn a_member_without_the_right_is_refused_once_and_told_which_right_it_is() {
    let tenant = Tenant::new(|asked| match asked.method.as_str() {
        "GET" => (200, json!([])),
        _ => (403, json!({"code": "Forbidden", "message": "Security"})),
    })
    .await;
    let wanted = [ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal];
    let kept = tenant.psa.keep_callbacks(URL, &wanted).await.unwrap();
    assert_eq!(kept.missing, ["company", "contact", "opportunity"]);
    assert!(kept.trouble.unwrap().hint.contains("Manage Hosted API / Add to All"));
    assert_eq!(tenant.changes().len(), 1, "what is refused for one type is refused for all");
}

/// ConnectWise says yes and does nothing: another one takes its place.
#[tokio::test]
async fn one_that_stays_off_is_made_anew() {
    let held = Mutex::new(vec![entry(1, "company", OWN, true)]);
    let tenant = Tenant::new(move |asked| {
        let mut held = held.lock().unwrap();
        match asked.method.as_str() {
            "GET" => return (200, held.clone().into()),
            "PATCH" => return (200, held[0].clone()),
            "DELETE" => {
                held.clear();
                return (204, json!("<nothing>"));
            }
            _ => held.push(entry(2, "company", OWN, false)),
        }
        (201, held[0].clone())
    })
    .await;
    let kept = tenant.psa.keep_callbacks(URL, &[ObjectKind::Company]).await.unwrap();
    assert_eq!((kept.armed, kept.trouble), (vec!["company".to_owned()], None));
    let verbs: Vec<String> = tenant.changes().iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(verbs, ["PATCH", "DELETE", "POST"]);
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

/// Whoever sends messages that he made up has the tenant asked for a few keys a minute, and keeps nobody's own away.
#[tokio::test]
async fn a_flood_of_forged_messages_has_few_keys_asked_for() {
    let tenant = Tenant::new(|asked| match asked.parameter("id") == "own" {
        true => (200, json!({"signing_key": "the-key"})),
        false => (404, json!({"code": "NotFound", "message": "no such key"})),
    })
    .await;
    let place = format!("{}/v2025_1/system/callbackkey/index.rails?companyName=brightwater", tenant.forged.url);
    let own = message(&format!("{place}&id=own"), "company", &json!(7));
    let genuine = signed(&own, "the-key");
    tenant.psa.hints(&genuine, &own).await.unwrap();
    for n in 0..500 {
        let body = message(&format!("{place}&id={n}"), "company", &json!(7));
        assert!(tenant.psa.hints(&signed(&body, "another"), &body).await.is_err());
        assert!(tenant.psa.hints(&signed(&own, "another"), &own).await.is_err());
        assert!(tenant.psa.hints(&genuine, &own).await.is_ok(), "the tenant is believed all the while");
    }
    let asked = tenant.forged.seen().len();
    assert!((2..=5).contains(&asked), "{asked} keys were asked for");
}
