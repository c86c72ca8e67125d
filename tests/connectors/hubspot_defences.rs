//! HubSpot answering what it should not: every request ends in a classified outcome, in bounded calls and bounded time.

use std::time::Duration;

use lockstep::engine::core::request::AssociateItem;
use lockstep::model::RecordId;
use serde_json::{Value as Json, json};

use super::forged::{Forged, Seen};
use super::hubspot_records::{change, create, hub_at, names, tell};
use super::*;

/// One of each kind of request.
fn requests() -> Vec<(ObjectKind, RequestBody)> {
    let fields = || names(&["email", "city"]);
    let ids = || vec![RecordId(7), RecordId(8)];
    let associate = AssociateItem { intent: IntentId(1), from: RecordId(7), to: RecordId(8), primary: true };
    vec![
        (ObjectKind::Contact, RequestBody::Identify),
        (
            ObjectKind::Contact,
            RequestBody::Changes {
                fields: fields(),
                from: Timestamp::EPOCH,
                until: Timestamp::MAX,
                after: None,
                limit: 200,
            },
        ),
        (
            ObjectKind::Contact,
            RequestBody::List { fields: fields(), after: Some(RecordId(3)), archived: false, limit: 100 },
        ),
        (ObjectKind::Contact, RequestBody::Read { fields: fields(), ids: ids() }),
        (ObjectKind::Contact, RequestBody::FindStamped { fields: fields(), stamps: vec!["contact:1".into()] }),
        (ObjectKind::Note, RequestBody::FindStamped { fields: fields(), stamps: vec!["note:1".into()] }),
        (
            ObjectKind::Contact,
            RequestBody::Create {
                fields: fields(),
                items: vec![create(ObjectKind::Contact, 1, &[("email", "a@x.example.com")])],
            },
        ),
        (
            ObjectKind::Contact,
            RequestBody::Update {
                fields: fields(),
                items: vec![change(1, RecordId(7), &[("city", "Ulm"), ("lifecyclestage", "lead")])],
            },
        ),
        (
            ObjectKind::Ticket,
            RequestBody::Update {
                fields: fields(),
                items: vec![change(1, RecordId(7), &[("hs_pipeline_stage", "4")])],
            },
        ),
        (ObjectKind::Contact, RequestBody::Associations { to: ObjectKind::Company, ids: ids() }),
        (ObjectKind::Contact, RequestBody::Associate { to: ObjectKind::Company, items: vec![associate] }),
        (ObjectKind::Contact, RequestBody::History { fields: fields(), ids: ids() }),
        (ObjectKind::Contact, RequestBody::Members { list: "../7?x=1&".into(), after: Some(RecordId(3)), limit: 250 }),
    ]
}

/// Asks everything of a system that answers the same to all, and says how each request ended. None may take long.
async fn ends(status: u16, body: Vec<u8>, most_calls: usize) -> Vec<(RequestBody, AnswerBody)> {
    let forged = Forged::start(move |_: &Seen| (status, body.clone())).await;
    let mut told = Vec::new();
    for (object, body) in requests() {
        let hub = hub_at(&forged.url, "pat-na1-any");
        let answer = tokio::time::timeout(Duration::from_secs(30), tell(&hub, object, body.clone())).await;
        let answer = answer.unwrap_or_else(|_| panic!("{body:?} does not end"));
        let calls = forged.seen().len();
        assert!(calls <= most_calls, "{body:?}: {calls} calls");
        told.push((body, answer));
    }
    told
}

/// Whether an end claims that a write took effect.
fn claims_success(answer: &AnswerBody) -> bool {
    match answer {
        AnswerBody::Written { items } => items.iter().any(|(_, outcome)| matches!(outcome, ItemOutcome::Applied(_))),
        AnswerBody::Joined { items } => items.iter().any(|(_, end)| end.is_ok()),
        _ => false,
    }
}

#[tokio::test]
async fn answers_of_the_wrong_shape_are_never_success_and_never_refusal() {
    let huge = format!(
        "{{\"results\":[{{\"id\":\"7\",\"properties\":{{{}\"z\":1}}}}]}}",
        (0..50_000).map(|n| format!("\"p{n}\":\"\",")).collect::<String>()
    );
    let bodies: Vec<String> = vec![
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        "{\"results\":7}".into(),
        "{\"results\":[{\"id\":[]}]}".into(),
        "{\"results\":[{\"id\":1e400}]}".into(),
        "{\"results\":[{\"id\":\"7\",\"updatedAt\":\"9999999-01-01T00:00:00Z\"}]}".into(),
        "{\"results\":[{\"id\":\"7\",\"properties\":{\"lastmodifieddate\":\"99999999999999999999999\"}}]}".into(),
        "{\"results\":[{\"from\":{\"id\":\"7\"},\"to\":{}}]}".into(),
        "{\"results\":[{\"from\":{\"id\":\"99\"},\"to\":[]}],\"lists\":{}}".into(),
        "<html><body>Sign in</body></html>".into(),
        huge,
    ];
    for body in bodies {
        for status in [200, 207] {
            for (request, answer) in ends(status, body.clone().into_bytes(), 12).await {
                let shown = body.chars().take(60).collect::<String>();
                assert!(!claims_success(&answer), "{shown}: {request:?}: {answer:?}");
                if let AnswerBody::Written { items } = &answer {
                    assert!(items.iter().all(|(_, one)| matches!(one, ItemOutcome::Unknown(_))), "{shown}: {items:?}");
                }
                let sure = matches!(answer, AnswerBody::Failed(Failure::Rejected(_)));
                // Where the pipelines are not to be had, the write itself is not sent.
                let unsent = matches!(answer, AnswerBody::Failed(Failure::NotSent(_))) && !request.is_write();
                assert!(!sure && !unsent, "{shown}: {request:?}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_read_or_refused_but_never_believed_by_its_size() {
    let blanks = " ".repeat(10 * 1024 * 1024);
    for (_, answer) in ends(200, blanks.into_bytes(), 12).await {
        assert!(!claims_success(&answer), "{answer:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_with_403_is_denied_and_one_with_502_is_unknown() {
    let page = b"<html><title>Attention Required! | Cloudflare</title></html>".to_vec();
    for (request, answer) in ends(403, page.clone(), 2).await {
        assert!(matches!(answer, AnswerBody::Failed(Failure::Denied { .. })), "{request:?}: {answer:?}");
    }
    for (request, answer) in ends(502, page, 2).await {
        let right = match request.is_write() {
            // The pipelines could not be read: the write itself was never sent.
            true => matches!(answer, AnswerBody::Failed(Failure::Unknown(_) | Failure::NotSent(_))),
            false => matches!(answer, AnswerBody::Failed(Failure::Unknown(_))),
        };
        assert!(right, "{request:?}: {answer:?}");
    }
}

#[tokio::test]
async fn the_pauses_hubspot_asks_for_are_told_and_nothing_is_repeated() {
    let table = [
        (423, "{}", 2),
        (477, "{}", 60),
        (429, r#"{"policyName":"SECONDLY"}"#, 1),
        (429, r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#, 10),
        (429, r#"{"policyName":"DAILY"}"#, 900),
    ];
    for (status, body, seconds) in table {
        for (request, answer) in ends(status, body.as_bytes().to_vec(), 1).await {
            let AnswerBody::Failed(Failure::Throttled { retry_after, .. }) = answer else {
                panic!("{status} {request:?}: {answer:?}")
            };
            assert_eq!(retry_after.as_secs(), seconds, "{status} {request:?}");
        }
    }
}

/// Pages that never end: always the same ones, or always new ones that lead nowhere.
#[tokio::test]
async fn pages_without_end_end() {
    let same = json!({"results": [{"id": "5", "updatedAt": "2026-01-01T00:00:00Z", "recordId": "5"}], "total": 99_999_999,
        "paging": {"next": {"after": "5", "link": "x"}}});
    let forged = Forged::start(move |_: &Seen| (200, same.to_string().into_bytes())).await;
    let hub = hub_at(&forged.url, "pat-na1-any");
    let list = |after| RequestBody::List { fields: names(&["city"]), after, archived: false, limit: 100 };
    let changes = |after| RequestBody::Changes {
        fields: names(&["city"]),
        from: Timestamp::EPOCH,
        until: Timestamp::MAX,
        after,
        limit: 200,
    };
    for page in [list(None), changes(None)] {
        let AnswerBody::Page { last, more, .. } = tell(&hub, ObjectKind::Contact, page).await else {
            panic!("no page")
        };
        assert_eq!((last, more), (Some(RecordId(5)), true));
    }
    for page in [list(Some(RecordId(5))), changes(Some(RecordId(5)))] {
        let answer = tell(&hub, ObjectKind::Contact, page.clone()).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{page:?}: {answer:?}");
    }
    let owners = json!({"results": [{"name": "hubspot_owner_id", "type": "enumeration", "id": "1"}], "paging": {"next": {"after": "1"}}});
    let forged = Forged::start(move |_: &Seen| (200, owners.to_string().into_bytes())).await;
    let live = hub_at(&forged.url, "pat-na1-any").schema(ObjectKind::Contact).await.unwrap();
    assert!(live.warnings.iter().any(|warning| warning.what.contains("repeat")), "{:?}", live.warnings);
    assert!(forged.seen().len() < 10);
}

/// More mapped fields than fit into an address: their values are read by a batch instead.
#[tokio::test]
async fn hundreds_of_fields_do_not_make_an_address_too_long() {
    let forged = Forged::start(|request: &Seen| {
        let mut properties: serde_json::Map<String, Json> =
            (0..1000).map(|n| (format!("field_{n}"), Json::Null)).collect();
        properties.insert("field_0".to_owned(), json!("x"));
        let record = |id: &str| json!({"id": id, "updatedAt": "2026-01-01T00:00:00Z", "properties": properties});
        let body = if request.path.contains("batch/read") {
            let inputs = request.body["inputs"].as_array().unwrap();
            json!({"results": inputs.iter().map(|one| record(one["id"].as_str().unwrap())).collect::<Vec<Json>>()})
        } else {
            json!({"results": [record("5"), record("6")]})
        };
        (200, body.to_string().into_bytes())
    })
    .await;
    let hub = hub_at(&forged.url, "pat-na1-any");
    let fields: Vec<FieldName> = (0..1000).map(|n| FieldName::from(format!("field_{n}").as_str())).collect();
    let body = RequestBody::List { fields, after: None, archived: false, limit: 100 };
    let AnswerBody::Page { records, .. } = tell(&hub, ObjectKind::Contact, body).await else { panic!("no page") };
    assert_eq!(records.iter().map(|one| one.value("field_0").to_plain()).collect::<Vec<_>>(), ["x", "x"]);
    let seen = forged.seen();
    assert!(seen.len() == 2 && seen.iter().all(|call| call.path.len() < 200), "{seen:?}");
}

#[tokio::test]
async fn a_portal_with_endless_properties_and_options_is_cut_and_said_so() {
    let options: Vec<Json> = (0..2000).map(|n| json!({"value": format!("o{n}"), "label": "\u{1b}[2J"})).collect();
    let mut list: Vec<Json> =
        (0..12_000).map(|n| json!({"name": format!("p{n:05}"), "label": "x".repeat(2000), "type": "string"})).collect();
    list.push(json!({"name": "a_choice", "type": "enumeration", "fieldType": "select", "options": options}));
    list.extend([json!(7), json!({}), json!({"name": {}}), json!({"name": "", "type": []})]);
    let body = json!({"results": list}).to_string().into_bytes();
    let forged =
        Forged::start(
            move |request: &Seen| {
                if request.path.contains("properties") { (200, body.clone()) } else { (404, b"{}".to_vec()) }
            },
        )
        .await;
    let live = hub_at(&forged.url, "pat-na1-any").schema(ObjectKind::Contact).await.unwrap();
    assert_eq!(live.schema.fields.len(), 10_000);
    assert!(live.warnings[0].what.contains("12001"), "{:?}", live.warnings);
    assert!(live.schema.fields.iter().all(|field| field.label.chars().count() <= 401));
}

/// Not by a look every ten minutes: the account details tell the zone, and each answer the time.
#[tokio::test]
async fn work_that_waits_for_the_next_day_goes_on_at_the_portals_midnight() {
    const LAST_SECOND: &str = "date: Fri, 20 Nov 2026 18:29:59 GMT\r\nx-hubspot-ratelimit-daily: 1000\r\n\
                               x-hubspot-ratelimit-daily-remaining: 1";
    let forged = Forged::with_header(LAST_SECOND, |_: &Seen| {
        (200, json!({"portalId": 7, "timeZone": "Asia/Kolkata", "results": []}).to_string().into_bytes())
    })
    .await;
    let token = hubspot::Credentials::Token("pat-na1-any".to_owned().into());
    let limited = lockstep::connect::Options { unlimited: false, ..options(&forged.url) };
    let hub = HubSpot::new(token, BTreeMap::new(), &limited).unwrap();
    let list = || RequestBody::List { fields: names(&["city"]), after: None, archived: false, limit: 100 };
    for body in [RequestBody::Identify, list(), list()] {
        let answer =
            tokio::time::timeout(Duration::from_secs(10), tell(&hub, ObjectKind::Contact, body)).await.unwrap();
        assert!(!matches!(answer, AnswerBody::Failed(_)), "{answer:?}");
    }
    assert_eq!(hub.budget().held_from, Some(Priority::Pull), "it is still said to be the old day: one look is enough");
    let more = tokio::time::timeout(Duration::from_secs(2), tell(&hub, ObjectKind::Contact, list())).await;
    assert!(more.is_err(), "{more:?}");
}
