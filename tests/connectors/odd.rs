//! Answers that no system should give, and previews that must be what is sent.

use lockstep::connect::HttpPreview;
use lockstep::model::RecordId;
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::*;

fn text(json: &Json) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn discovery() -> Json {
    json!({"Codebase": "v2025_1/", "CompanyName": "X"})
}

/// Both connectors on a system that answers everything but discovery with `status` and `body`.
async fn both(status: u16, body: Vec<u8>) -> (Forged, Vec<Box<dyn Connector>>) {
    let forged = Forged::start(move |request: &Seen| {
        if request.path.contains("companyinfo") { (200, text(&discovery())) } else { (status, body.clone()) }
    })
    .await;
    let connectors: Vec<Box<dyn Connector>> =
        vec![Box::new(hub(&forged.url, "pat-na1-any")), Box::new(psa_at(&forged.url))];
    (forged, connectors)
}

fn psa_at(url: &str) -> ConnectWise {
    psa_with(&sim::Credentials::default(), "brightwater", &options(url))
}

fn read() -> RequestBody {
    RequestBody::Read { fields: vec!["name".into(), "city".into()], ids: vec![RecordId(7)] }
}

fn create() -> RequestBody {
    let values = vec![("name".into(), Value::Text("A".into())), ("city".into(), Value::Text("Ulm".into()))];
    let items = vec![CreateItem { intent: IntentId(7), values, stamp: "company:42".into() }];
    RequestBody::Create { fields: vec!["name".into(), "city".into()], items }
}

fn update() -> RequestBody {
    let values = vec![("city".into(), Value::Text("Ulm".into())), ("name".into(), Value::Empty)];
    let items = vec![UpdateItem { intent: IntentId(8), id: RecordId(7), values, stamp: None }];
    RequestBody::Update { fields: vec!["name".into(), "city".into()], items }
}

#[tokio::test]
async fn nonsense_is_never_taken_for_success_or_refusal() {
    let deep = "[".repeat(100_000);
    let nonsense: Vec<Vec<u8>> = [
        "",
        "null",
        "{}",
        "[[]]",
        "\"x\"",
        "7",
        "{\"results\":{}}",
        "{\"results\":[null]}",
        "{\"results\":[{}]}",
        "{\"results\":[{\"id\":-1}]}",
        "{\"results\":[{\"id\":\"18446744073709551616\"}]}",
        "{\"results\":[{\"id\":\"7\"}]}",
        "[{\"id\":7}]",
        "[{\"id\":\"x\"}]",
        "{\"id\":7}",
        "{\"id\":7,\"_info\":{\"lastUpdated\":\"yesterday\"}}",
        "{\"id\":{},\"_info\":[]}",
        "<html></html>",
        &deep,
        "{\"results\":[{\"id\":\"8\",\"updatedAt\":\"2026-01-01T00:00:00Z\"}],\"errors\":7}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([vec![0xff, 0xfe, 0x00], vec![b'{', b'"', 0xc3, 0x28, b'"', b':', b'1', b'}']])
    .collect();
    for body in nonsense {
        let shown = String::from_utf8_lossy(&body).chars().take(80).collect::<String>();
        for status in [200, 207] {
            let (_forged, connectors) = both(status, body.clone()).await;
            for connector in connectors {
                let system = connector.system();
                for write in [create(), update()] {
                    let answer = ask(&*connector, write).await;
                    let unknown = match &answer {
                        AnswerBody::Failed(Failure::Unknown(_)) => true,
                        AnswerBody::Written { items } => matches!(items[0].1, ItemOutcome::Unknown(_)),
                        _ => false,
                    };
                    assert!(unknown, "{system} {status} {shown}: {answer:?}");
                }
                let answer = ask(&*connector, read()).await;
                let unknown = match &answer {
                    AnswerBody::Failed(failure) => matches!(failure, Failure::Unknown(_)),
                    // neither found nor gone
                    AnswerBody::Records { found } => found.is_empty(),
                    _ => false,
                };
                assert!(unknown, "{system} {status} {shown}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn harmless_types_and_unknown_fields_become_what_they_can_be() {
    let hubspot = json!({"results": [{"id": 7, "updatedAt": "2026-01-01T00:00:00Z", "surprise": {"a": [1]},
        "properties": {"name": 12, "city": true, "new_property": [1, 2], "lockstep_key": 5}, "archived": "False"}]});
    let connectwise = json!([{"id": "7", "name": 12, "city": "true", "deletedFlag": "False", "surprise": [{}],
        "_info": {"lastUpdated": "2026-01-01T00:00:00Z", "updatedBy": 5, "more": {}}}]);
    for (body, at) in [(hubspot, 0), (connectwise, 1)] {
        let (_forged, connectors) = both(200, text(&body)).await;
        let answer = ask(&*connectors[at], read()).await;
        let AnswerBody::Records { found } = &answer else { panic!("{answer:?}") };
        let record = found[0].1.as_ref().unwrap();
        assert_eq!((record.id, record.archived), (RecordId(7), false));
        assert_eq!(record.value("name").to_plain(), "12");
        assert_eq!(record.value("city").to_plain(), "true");
        assert_eq!(record.value("new_property"), &Value::Empty);
    }
}

/// The answers of both systems about one record of that name, deleted or not.
fn about_one(name: &Json, deleted: &Json) -> [Json; 2] {
    [
        json!({"results": [{"id": 7, "updatedAt": "2026-01-01T00:00:00Z", "archived": deleted,
            "properties": {"name": name, "city": "Ulm", "lockstep_key": null}}]}),
        json!([{"id": 7, "name": name, "city": "Ulm", "deletedFlag": deleted,
            "_info": {"lastUpdated": "2026-01-01T00:00:00Z"}}]),
    ]
}

/// What is read of a record: none where nothing is known of it.
async fn seen(at: usize, body: &Json) -> Option<lockstep::model::Record> {
    let (_forged, connectors) = both(200, text(body)).await;
    match ask(&*connectors[at], read()).await {
        AnswerBody::Records { found } => found.into_iter().next().map(|(_, record)| record.unwrap()),
        AnswerBody::Failed(Failure::Unknown(_)) => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_is_a_list_or_an_object_is_unknown_and_neither_a_text_nor_empty() {
    for name in [json!(["a"]), json!([]), json!({"a": 1}), json!({}), json!([[]]), json!({"id": 3, "name": "Acme"})] {
        for (at, body) in about_one(&name, &json!(false)).iter().enumerate() {
            assert_eq!(seen(at, body).await, None, "{body}");
        }
    }
    for (at, body) in about_one(&Json::Null, &json!(false)).iter().enumerate() {
        assert_eq!(seen(at, body).await.unwrap().value("name"), &Value::Empty, "{body}");
    }
}

#[tokio::test]
async fn a_record_is_deleted_or_not_in_whatever_form_that_is_said_and_never_by_a_guess() {
    let forms = [
        (json!(true), Some(true)),
        (json!("True"), Some(true)),
        (json!("true"), Some(true)),
        (json!(1), Some(true)),
        (json!("1"), Some(true)),
        (json!(false), Some(false)),
        (json!("False"), Some(false)),
        (json!(0), Some(false)),
        (json!(null), Some(false)),
        (json!("no"), None),
        (json!(""), None),
        (json!(2), None),
        (json!([]), None),
        (json!({}), None),
    ];
    for (form, deleted) in forms {
        for (at, body) in about_one(&json!("Acme"), &form).iter().enumerate() {
            assert_eq!(seen(at, body).await.map(|record| record.archived), deleted, "{body}");
        }
    }
}

#[tokio::test]
async fn an_answer_of_forty_megabytes_is_refused() {
    let mut body = b"{\"results\":[\"".to_vec();
    body.resize(40 * 1024 * 1024, b'x');
    body.extend_from_slice(b"\"]}");
    let (_forged, connectors) = both(200, body).await;
    for connector in connectors {
        let answer = ask(&*connector, read()).await;
        let AnswerBody::Failed(Failure::Unknown(message)) = answer else { panic!("{answer:?}") };
        assert!(message.contains("larger than 32 MB"), "{message}");
        assert!(message.len() < 1000);
    }
}

/// A system that takes every write and shows the record with the fields it was sent.
fn obliging(request: &Seen) -> (u16, Vec<u8>) {
    let info = json!({"lastUpdated": "2026-01-01T00:00:00Z"});
    let answer = match (request.method.as_str(), &request.path) {
        (_, path) if path.contains("companyinfo") => discovery(),
        ("POST", path) if path.contains("/batch/") => {
            let inputs = request.body["inputs"].as_array().unwrap();
            let result = |input: &Json| {
                json!({"id": "7", "objectWriteTraceId": input["objectWriteTraceId"], "updatedAt": "2026-01-01T00:00:00Z",
                    "properties": {"name": "A", "city": "Ulm"}})
            };
            json!({"results": inputs.iter().map(result).collect::<Vec<_>>()})
        }
        ("GET", path) if path.contains("customFields") => {
            json!({"id": 7, "customFields": [{"id": 31, "value": "old"}], "_info": info})
        }
        ("GET", _) => json!({"version": "v2025.1"}),
        _ => json!({"id": 7, "name": "A", "city": "Ulm", "_info": info}),
    };
    (200, text(&answer))
}

fn as_seen(previews: Vec<HttpPreview>) -> Vec<Seen> {
    let body = |text: &str| if text.is_empty() { Json::Null } else { serde_json::from_str(text).unwrap() };
    previews.into_iter().map(|one| Seen { method: one.method, path: one.path, body: body(&one.body) }).collect()
}

#[tokio::test]
async fn a_preview_is_exactly_what_is_sent() {
    let forged = Forged::start(obliging).await;
    let hub = hub(&forged.url, "pat-na1-any");
    let psa = psa_at(&forged.url);
    assert!(matches!(ask(&psa, RequestBody::Identify).await, AnswerBody::Identity { .. }));
    forged.seen();
    let mut custom = update();
    if let RequestBody::Update { items, .. } = &mut custom {
        items[0].values.push(("customFields/31".into(), Value::Text("new\u{1b}[0m".into())));
    }
    let mut stamped = update();
    if let RequestBody::Update { items, .. } = &mut stamped {
        items[0].stamp = Some("company:9".into());
    }
    let cases: [(&dyn Connector, RequestBody); 6] =
        [(&hub, create()), (&hub, update()), (&hub, stamped), (&psa, create()), (&psa, update()), (&psa, custom)];
    for (connector, body) in cases {
        let what = format!("{} {body:?}", connector.system());
        let request = Request {
            system: connector.system(),
            object: ObjectKind::Company,
            priority: Priority::Write,
            run: None,
            body,
        };
        let preview = as_seen(connector.describe(&request));
        assert_eq!(forged.seen(), [], "a preview sends nothing: {what}");
        let answer = connector.perform(RequestId(1), &request).await.answer.body;
        let AnswerBody::Written { items } = &answer else { panic!("{what}: {answer:?}") };
        assert!(matches!(items[0].1, ItemOutcome::Applied(_)), "{what}: {answer:?}");
        let sent = forged.seen();
        assert!(!preview.is_empty() && sent.len() >= preview.len(), "{what}: {sent:?}");
        assert_eq!(sent[..preview.len()], preview, "{what}");
        assert!(sent[preview.len()..].iter().all(|after| after.path.contains("/batch/read")), "{what}: {sent:?}");
    }
    assert!(
        hub.describe(&Request {
            system: System::HubSpot,
            object: ObjectKind::Company,
            priority: Priority::Pull,
            run: None,
            body: read()
        })
        .is_empty()
    );
}
