//! Answers that no system should give, for every object and request: each ends in a word of the engine's vocabulary,
//! within the time-out, and nothing is believed that was not said.

use std::time::Duration;

use super::*;

/// One of each kind of read.
fn reads() -> Vec<RequestBody> {
    vec![
        list(&["name"], None, 50),
        read(&["name"], &[7, 8]),
        RequestBody::Changes {
            fields: names(&["name"]),
            from: Timestamp::EPOCH,
            until: Timestamp::MAX,
            after: None,
            limit: 50,
        },
        RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["deal:1".into()] },
    ]
}

fn nonsense() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "",
        "null",
        "{}",
        "7",
        "\"x\"",
        "[[]]",
        "[null]",
        "[{}]",
        "[{\"id\":-1}]",
        "[{\"id\":{}}]",
        "{\"id\":7}",
        "[{\"id\":\"18446744073709551616\"}]",
        "<html><body>Sign in</body></html>",
        "Cannot route",
        "{\"id\":",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.push(vec![0xff, 0xfe, 0]);
    bodies.push("[".repeat(50_000).into_bytes());
    bodies
}

#[tokio::test]
async fn nonsense_is_a_failure_of_every_request_for_every_object() {
    for body in nonsense() {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        let tenant = Tenant::raw(move |_| (200, body.clone())).await;
        for object in ObjectKind::ALL {
            for request in reads() {
                let answer = tenant.ask(object, request.clone()).await;
                let fails = matches!(answer, AnswerBody::Failed(Failure::Unknown(_) | Failure::Rejected(_)));
                assert!(fails, "{object} {request:?} on {shown}: {answer:?}");
            }
            for request in [update(&[("notes", text("x"))]), create(object, &[("name", text("x"))])] {
                let answer = tenant.ask(object, request.clone()).await;
                let open = match &answer {
                    AnswerBody::Failed(_) => true,
                    AnswerBody::Written { items } => !matches!(items[0].1, ItemOutcome::Applied(_)),
                    _ => false,
                };
                assert!(open, "{object} {request:?} on {shown}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_item_without_an_id_is_left_out_and_the_rest_of_the_list_is_read() {
    let row = |id: Json| json!({"id": id, "name": "A", "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}});
    for odd in [json!(null), json!({}), json!("x")] {
        let items = json!([row(json!(7)), row(odd.clone()), null, row(json!(9))]);
        let tenant = Tenant::new(move |_| (200, items.clone())).await;
        let (records, ..) = page(tenant.ask(ObjectKind::Company, list(&["name"], None, 50)).await);
        assert_eq!(records.iter().map(|record| record.id.0).collect::<Vec<_>>(), [7, 9], "{odd}");
        let stamped = RequestBody::FindStamped { fields: names(&["name"]), stamps: vec!["company:1".into()] };
        let answer = tenant.ask(ObjectKind::Company, stamped).await;
        let AnswerBody::Failed(Failure::Unknown(why)) = &answer else { panic!("{odd}: {answer:?}") };
        assert!(why.contains("no usable id") && why.contains("reading companies: GET"), "{why}");
    }
}

#[tokio::test]
async fn odd_shapes_that_are_known_become_what_they_can_be() {
    let row = json!({"id": "7", "firstName": 12, "lastName": null, "company": {}, "managerContact": {"_info": {}}, "site": {"id": 99_999, "name": "gone"},
        "title": "a\u{0}b", "birthDay": "0001-01-01T00:00:00Z", "anniversary": "9999-99-99", "inactiveFlag": "True", "surprise": [{}],
        "types": [], "state": {"id": 3, "name": "Texas"}, "communicationItems": [{"id": 3, "type": {}}], "customFields": [null, 7, {"id": 4}, {"id": "5", "value": "x"}, {"id": 6, "value": null}],
        "_info": {"lastUpdated": "2026-06-09T21:59:49Z", "updatedBy": 5}});
    let tenant = Tenant::new(move |_| (200, json!([row]))).await;
    let table = [
        ("firstName", "12"),
        ("lastName", ""),
        ("company", ""),
        ("managerContact", ""),
        ("site", "99999"),
        ("title", "ab"),
        ("birthDay", "0001-01-01T00:00:00Z"),
        ("anniversary", "9999-99-99"),
        ("inactiveFlag", "true"),
        ("types", ""),
        ("state", "Texas"),
        ("communications/1", ""),
        ("customFields/4", ""),
        ("customFields/5", "x"),
        ("customFields/6", ""),
        ("school", ""),
    ];
    let fields: Vec<&str> = table.iter().map(|(field, _)| *field).collect();
    let (records, ..) = page(tenant.ask(ObjectKind::Contact, list(&fields, None, 50)).await);
    let record = &records[0];
    assert_eq!((record.id, record.modified_by.as_deref()), (RecordId(7), None));
    for (field, expected) in table {
        assert_eq!(record.value(field).to_plain(), expected, "{field}");
    }
}

/// What contact 7 may show for a field, where it can be no value of it.
fn nonsense_of_fields() -> Vec<(&'static str, &'static str, Json)> {
    let item = |item: Json| json!([{"id": 4, "type": {"id": 1}, "value": "a@b.c", "defaultFlag": true}, item]);
    let custom = |value: Json| json!([{"id": 5, "value": value}]);
    vec![
        ("firstName", "firstName", json!(["a"])),
        ("firstName", "firstName", json!({"a": 1})),
        ("firstName", "firstName", json!({})),
        ("company", "company", json!("ACME")),
        ("company", "company", json!(12)),
        ("company", "company", json!({"id": "ACME"})),
        ("company", "company", json!({"name": "ACME"})),
        ("company", "company", json!([{"id": 12}])),
        ("inactiveFlag", "inactiveFlag", json!("yes")),
        ("birthDay", "birthDay", json!(12)),
        ("types", "types", json!("none")),
        ("types", "types", json!([{"id": 3}, {}])),
        ("communications/1", "communicationItems", item(json!("nonsense"))),
        ("communications/1", "communicationItems", item(json!({"id": 5, "type": "Email", "value": "x@y.z"}))),
        ("communications/1", "communicationItems", json!([{"id": 5, "type": {"id": 1}, "value": ["a"]}])),
        (
            "communications/1",
            "communicationItems",
            item(json!({"id": 5, "type": {"id": 1}, "value": "x@y.z", "defaultFlag": "first"})),
        ),
        ("communications/1/extension", "communicationItems", json!([{"id": 5, "type": {"id": 1}, "extension": {}}])),
        ("customFields/5", "customFields", custom(json!({"a": 1}))),
        ("customFields/5", "customFields", custom(json!(["a"]))),
    ]
}

#[tokio::test]
async fn what_cannot_be_a_value_leaves_its_record_unknown_in_every_answer() {
    for (field, member, shown) in nonsense_of_fields() {
        let what = format!("{field} {shown}");
        let row = move |id: u64| {
            let mut row = stamped(json!({"id": id, "firstName": "A", "customFields": [{"id": 5, "value": "x"}]}));
            if id == 7 {
                row[member] = shown.clone();
            }
            row
        };
        let tenant = Tenant::new(move |asked| match asked.method.as_str() {
            "GET" if asked.path == "/company/contacts" => (200, json!([row(7), row(8)])),
            _ => (200, row(7)),
        })
        .await;
        let answer = tenant.ask(ObjectKind::Contact, list(&[field], None, 50)).await;
        let AnswerBody::Page { records, last, unread, .. } = answer else { panic!("{what}: {answer:?}") };
        assert_eq!((ids(&records), last, unread), (vec![8], Some(RecordId(8)), vec![RecordId(7)]), "{what}");
        let AnswerBody::Records { found } = tenant.ask(ObjectKind::Contact, read(&[field], &[7, 8])).await else {
            panic!("{what}: no records")
        };
        assert_eq!(found.iter().map(|(id, one)| (id.0, one.is_some())).collect::<Vec<_>>(), [(8, true)], "{what}");
        let answer = tenant.ask(ObjectKind::Contact, read(&[field], &[7])).await;
        assert!(matches!(&answer, AnswerBody::Records { found } if found.is_empty()), "{what}: {answer:?}");

        let item =
            UpdateItem { intent: IntentId(8), id: RecordId(7), values: values(&[("title", text("A"))]), stamp: None };
        let body = RequestBody::Update { fields: names(&[field]), items: vec![item] };
        let answer = outcome(tenant.ask(ObjectKind::Contact, body).await);
        assert!(matches!(&answer, ItemOutcome::Unknown(words) if words.contains(field)), "{what}: {answer:?}");
        let item =
            CreateItem { intent: IntentId(8), values: values(&[("title", text("A"))]), stamp: "contact:42".to_owned() };
        let body = RequestBody::Create { fields: names(&[field]), items: vec![item] };
        let answer = outcome(tenant.ask(ObjectKind::Contact, body).await);
        assert!(matches!(&answer, ItemOutcome::Unknown(words) if words.contains(field)), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn no_change_is_built_on_an_array_that_makes_no_sense() {
    let table = [
        ("customFields/5", json!([{"id": 5, "value": "x"}, {"id": 6, "value": {"a": 1}}])),
        ("customFields/5", json!([{"id": 5, "value": "x"}, "nonsense"])),
        ("customFields/5", json!([{"id": 5, "value": ["x"]}])),
        ("communications/1", json!([{"id": 5, "type": "Email", "value": "x@y.z"}])),
        ("communications/1", json!(["nonsense"])),
    ];
    for (field, shown) in table {
        let what = format!("{field} {shown}");
        let member = if field.starts_with("custom") { "customFields" } else { "communicationItems" };
        let tenant = Tenant::new(move |asked| match asked.path.as_str() {
            "/company/communicationTypes" => (200, json!([{"id": 1, "emailFlag": true}])),
            _ => {
                let mut row = stamped(json!({"id": 7}));
                row[member] = shown.clone();
                (200, row)
            }
        })
        .await;
        let answer = tenant.ask(ObjectKind::Contact, update(&[(field, text("q"))])).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::NotSent(_) | Failure::Unknown(_))), "{what}: {answer:?}");
        assert!(tenant.lines().iter().all(|line| line.starts_with("GET")), "{what}: {:?}", tenant.lines());
    }
}

#[tokio::test]
async fn a_date_of_change_out_of_range_is_no_date() {
    for date in ["yesterday", "99999-01-01T00:00:00Z", "2026-13-01T00:00:00Z", ""] {
        let tenant = Tenant::new(move |_| (200, json!([{"id": 7, "_info": {"lastUpdated": date}}, {"id": 8}]))).await;
        let answer = tenant.ask(ObjectKind::Contact, list(&[], None, 50)).await;
        let AnswerBody::Page { records, unread, .. } = answer else { panic!("{date}: {answer:?}") };
        assert_eq!((records.len(), unread), (0, vec![RecordId(7), RecordId(8)]), "{date}");
    }
}

#[tokio::test]
async fn ten_megabytes_are_read_and_forty_are_not() {
    for (megabytes, fits) in [(10, true), (40, false)] {
        let tenant = Tenant::raw(move |_| {
            let row = stamped(json!({"id": 7, "title": "x".repeat(megabytes * 1024 * 1024)}));
            (200, json!([row]).to_string().into_bytes())
        })
        .await;
        let answer = tenant.ask(ObjectKind::Contact, list(&["title"], None, 50)).await;
        match fits {
            true => assert_eq!(ids(&page(answer).0), [7]),
            false => assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn a_table_without_an_end_is_no_loop() {
    let rows = |from: u64| (from + 1..=from + 1000).map(|id| json!({"id": id, "name": "A"})).collect::<Json>();
    let repeating = Tenant::new(move |asked| match asked.path.as_str() {
        "/system/info" => (200, json!({"version": "v2025.1"})),
        _ => (200, rows(0)),
    })
    .await;
    let live = repeating.psa.schema(ObjectKind::Product).await.unwrap();
    assert!(live.warnings.iter().any(|warning| warning.what.contains("repeats itself")), "{:?}", live.warnings);
    assert!(repeating.calls().len() < 40);

    let endless = Tenant::new(move |asked| match asked.path.as_str() {
        "/system/info" => (200, json!({"version": "v2025.1"})),
        "/procurement/types" => (200, rows(asked.parameter("pageId").parse().unwrap_or(0))),
        _ => (200, json!([])),
    })
    .await;
    let live = endless.psa.schema(ObjectKind::Product).await.unwrap();
    assert_eq!(live.warnings.len(), 1, "{:?}", live.warnings);
    assert!(live.warnings[0].what.contains("/procurement/types has no end"), "{:?}", live.warnings);
    assert!(endless.calls().len() < 200);
}

#[tokio::test]
async fn a_page_of_a_proxy_is_no_word_about_keys_rights_or_records() {
    for status in [401, 403, 404] {
        let tenant =
            Tenant::raw(move |_| (status, b"<!DOCTYPE html><html>Sign in to the network</html>".to_vec())).await;
        for body in [list(&[], None, 50), read(&[], &[7]), update(&[("title", text("x"))])] {
            let answer = tenant.ask(ObjectKind::Contact, body).await;
            let AnswerBody::Failed(Failure::Unknown(words)) = &answer else { panic!("{status}: {answer:?}") };
            assert!(words.contains("web page in place of ConnectWise"), "{words}");
        }
    }
}

#[tokio::test]
async fn a_deleted_contact_is_not_there_and_a_change_of_it_finds_nobody() {
    let tenant =
        Tenant::new(|asked| if asked.path == "/company/contacts" { (200, json!([])) } else { not_found() }).await;
    let AnswerBody::Records { found } = tenant.ask(ObjectKind::Contact, read(&[], &[7])).await else {
        panic!("no records")
    };
    assert_eq!(found, [(RecordId(7), None)]);
    let refusal = rejected(tenant.ask(ObjectKind::Contact, update(&[("title", text("x"))])).await);
    assert_eq!(refusal.kind, lockstep::engine::core::request::RejectionKind::NotFound);
}

/// The whole of a hundred calls ends within the time-out of one, because the connection is refused or answered at once.
#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    let patience = Options { timeout: Duration::from_millis(300), ..options(&url) };
    let psa = psa_with(&sim::Credentials::default(), "brightwater", &patience);
    let began = tokio::time::Instant::now();
    for request in reads() {
        let answer = ask_of(&psa, ObjectKind::Company, request).await;
        assert!(
            matches!(answer, AnswerBody::Failed(Failure::Unknown(_) | Failure::NotSent(_) | Failure::Rejected(_))),
            "{answer:?}"
        );
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    silent.abort();
}
