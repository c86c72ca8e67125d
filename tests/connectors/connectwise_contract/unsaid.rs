//! What an answer does not say is unknown: it is not told as empty, and nobody is told gone for it.

use super::*;

/// Contact `id` with both arrays; `without` is what its answer leaves out.
fn contact(id: u64, without: Option<&str>) -> Json {
    let mut row = stamped(json!({
        "id": id, "firstName": "A", "customFields": [{"id": 30, "value": "x"}, {"id": 31, "value": null}, {"id": 32}],
        "communicationItems": [{"id": 5, "type": {"id": 1}, "value": "a@b.c", "defaultFlag": true}],
    }));
    if let Some(member) = without {
        row.as_object_mut().unwrap().remove(member);
    }
    row
}

/// A field of each array.
const IN_ARRAYS: [(&str, &str); 3] = [
    ("customFields", "customFields/31"),
    ("communicationItems", "communications/1"),
    ("communicationItems", "communications/1/extension"),
];

#[tokio::test]
async fn a_record_without_the_array_of_a_watched_field_is_left_out_and_is_neither_empty_nor_gone() {
    for (array, field) in IN_ARRAYS {
        for damage in [None, Some(Json::Null), Some(json!({}))] {
            let row = move || {
                let mut row = contact(1, Some(array));
                if let Some(damage) = damage.clone() {
                    row[array] = damage;
                }
                row
            };
            let tenant = Tenant::new(move |_| (200, json!([row(), contact(2, None)]))).await;
            let (records, last, _) = page(tenant.ask(ObjectKind::Contact, list(&[field], None, 50)).await);
            assert_eq!((ids(&records), last), (vec![2], Some(RecordId(2))), "{field}");
            let AnswerBody::Records { found } = tenant.ask(ObjectKind::Contact, read(&[field], &[1, 2])).await else {
                panic!("no records")
            };
            assert_eq!(found.iter().map(|(id, one)| (id.0, one.is_some())).collect::<Vec<_>>(), [(2, true)], "{field}");
            let (records, ..) = page(tenant.ask(ObjectKind::Contact, list(&["firstName"], None, 50)).await);
            assert_eq!(ids(&records), [1, 2], "nobody watches {field}");
        }
    }
}

#[tokio::test]
async fn an_array_that_every_record_of_a_long_page_lacks_is_a_failure_that_names_it() {
    for (array, field) in IN_ARRAYS {
        let tenant = Tenant::new(move |_| (200, (1..=11).map(|id| contact(id, Some(array))).collect())).await;
        let answer = tenant.ask(ObjectKind::Contact, list(&[field], None, 50)).await;
        let AnswerBody::Failed(Failure::Unknown(message)) = &answer else { panic!("{field}: {answer:?}") };
        assert!(message.contains(array), "{message}");
        for ids in [&[1, 2][..], &[1]] {
            let answer = tenant.ask(ObjectKind::Contact, read(&[field], ids)).await;
            assert_eq!(told(answer), [], "{field}: neither found nor gone");
        }
        let alone = Tenant::new(move |_| (200, json!([contact(7, Some(array))]))).await;
        let answer = alone.ask(ObjectKind::Contact, list(&[field], None, 50)).await;
        let AnswerBody::Page { records, last, unread, .. } = answer else { panic!("{field}: {answer:?}") };
        assert_eq!((records.len(), last), (0, Some(RecordId(7))), "one odd record does not hold up the rest");
        assert_eq!(unread, [RecordId(7)], "{field}");
        let answer = alone.ask(ObjectKind::Contact, update(&[("firstName", text("A")), (field, text("q"))])).await;
        assert!(!matches!(answer, AnswerBody::Written { .. }), "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_to_a_write_that_lacks_the_array_is_no_word_about_the_field() {
    let tenant = Tenant::new(|_| (200, contact(7, Some("customFields")))).await;
    let item =
        UpdateItem { intent: IntentId(8), id: RecordId(7), values: values(&[("firstName", text("A"))]), stamp: None };
    let body = RequestBody::Update { fields: names(&["firstName", "customFields/31"]), items: vec![item] };
    let answer = outcome(tenant.ask(ObjectKind::Contact, body).await);
    let ItemOutcome::Unknown(words) = &answer else { panic!("{answer:?}") };
    assert!(words.contains("customFields"), "{words}");
}

#[tokio::test]
async fn a_row_with_a_stamp_that_cannot_be_read_is_not_left_out_of_the_search_for_it() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/system/userDefinedFields/90" => (200, json!({"id": 90, "caption": "Key"})),
        _ => (200, json!([{"id": 5, "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}}])),
    })
    .await;
    let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["deal:1".into()] };
    let answer = tenant.ask(ObjectKind::Deal, body).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{answer:?}");
}

/// Opportunities 1 and 2, of which only 2 lists the user-defined field 31; `definition` is what is said about it.
async fn unlisted(definition: (u16, Json)) -> Tenant {
    Tenant::new(move |asked| match asked.path.as_str() {
        "/system/userDefinedFields/31" => definition.clone(),
        _ => {
            let row = |id: u64, custom: Json| stamped(json!({"id": id, "name": "A", "customFields": custom}));
            (200, json!([row(1, json!([{"id": 30, "value": "x"}])), row(2, json!([{"id": 31, "value": "y"}]))]))
        }
    })
    .await
}

#[tokio::test]
async fn a_user_defined_field_of_other_locations_is_empty_and_its_definition_is_read_once() {
    let ask = |tenant: Tenant| async move {
        let (records, ..) = page(tenant.ask(ObjectKind::Deal, list(&["customFields/31"], None, 50)).await);
        (records, tenant)
    };
    for limits in ["locationIds", "businessUnitIds"] {
        let (records, tenant) = ask(unlisted((200, json!({"id": 31, "caption": "Tier", limits: [3]}))).await).await;
        assert_eq!(ids(&records), [1, 2], "{limits}");
        assert_eq!(
            (records[0].value("customFields/31"), records[1].value("customFields/31").to_plain().as_str()),
            (&Value::Empty, "y")
        );
        let (_, tenant) = ask(tenant).await;
        assert_eq!(
            tenant.lines(),
            ["GET /sales/opportunities", "GET /system/userDefinedFields/31", "GET /sales/opportunities"]
        );
    }
    // Of the screen of every location: the answer is damaged.
    let (records, _) = ask(unlisted((200, json!({"id": 31, "caption": "Tier", "locationIds": []}))).await).await;
    assert_eq!(ids(&records), [2]);
    // Nobody may look: nothing is known about it.
    let (records, _) = ask(unlisted((403, json!({"code": "Security", "message": "No."}))).await).await;
    assert_eq!(ids(&records), [2]);
}

#[tokio::test]
async fn a_user_defined_field_that_is_no_more_is_a_failure_that_names_it_and_the_next_step() {
    let tenant = unlisted(not_found()).await;
    for body in [list(&["customFields/31"], None, 50), read(&["customFields/31"], &[1, 2])] {
        let answer = tenant.ask(ObjectKind::Deal, body).await;
        let AnswerBody::Failed(Failure::Denied { message, hint }) = &answer else { panic!("{answer:?}") };
        assert!(message.contains("customFields/31") && hint.contains("doctor"), "{message} {hint}");
    }
}

#[tokio::test]
async fn a_write_that_took_effect_is_not_called_refused_for_a_user_defined_field_that_is_no_more() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/system/userDefinedFields/31" => not_found(),
        _ => (200, stamped(json!({"id": 7, "firstName": "A", "customFields": [{"id": 30, "value": "x"}]}))),
    })
    .await;
    let item =
        UpdateItem { intent: IntentId(8), id: RecordId(7), values: values(&[("firstName", text("A"))]), stamp: None };
    let body = RequestBody::Update { fields: names(&["firstName", "customFields/31"]), items: vec![item] };
    let answer = outcome(tenant.ask(ObjectKind::Contact, body).await);
    assert!(matches!(answer, ItemOutcome::Unknown(_)), "{answer:?}");
}

/// Contacts that the list leaves out; `alone` is what is said of each when it is asked for by its id.
async fn hidden(alone: impl Fn(u64) -> (u16, Vec<u8>) + Send + Sync + 'static) -> Tenant {
    Tenant::raw(move |asked| match asked.path.strip_prefix("/company/contacts/") {
        Some(id) => alone(id.parse().unwrap()),
        None => (200, json!([contact(1, None)]).to_string().into_bytes()),
    })
    .await
}

fn told(answer: AnswerBody) -> Vec<(u64, bool)> {
    let AnswerBody::Records { found } = answer else { panic!("{answer:?}") };
    found.into_iter().map(|(id, record)| (id.0, record.is_some())).collect()
}

#[tokio::test]
async fn a_record_that_a_list_leaves_out_is_gone_only_when_connectwise_says_so_of_it_alone() {
    let say = |(status, body): (u16, Json)| (status, body.to_string().into_bytes());
    let tenant = hidden(move |id| match id {
        2 => say(not_found()),
        3 => say((200, contact(3, None))),
        4 => say((403, json!({"code": "Security", "message": "No."}))),
        5 => (403, b"<html><body>Blocked</body></html>".to_vec()),
        6 => (404, b"<html><body>Not here</body></html>".to_vec()),
        7 => say((404, json!({"message": "no such file"}))),
        8 => say((200, contact(99, None))),
        9 => say((200, contact(9, Some("customFields")))),
        10 => say((400, json!({"code": "ApiFindCondition", "message": "That is not a recognized name."}))),
        _ => say((500, json!({"message": "A timeout has occured. Please try again."}))),
    })
    .await;
    let ask = |ids: &'static [u64]| tenant.ask(ObjectKind::Contact, read(&["customFields/31"], ids));
    let answer = ask(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).await;
    assert_eq!(told(answer), [(1, true), (2, false), (3, true)], "of the others nothing is known");
    let calls = tenant.calls();
    assert_eq!(calls.len(), 1 + 10, "the list, and each that it leaves out");
    assert_eq!(calls[1].parameter("fields"), calls[0].parameter("fields"), "with the same fields");
    let answer = ask(&[4]).await;
    assert_eq!(told(answer), [], "neither found nor gone");
}

#[tokio::test]
async fn an_empty_list_costs_ten_looks_and_ends_nobody_beyond_them() {
    let tenant = hidden(|_| (404, not_found().1.to_string().into_bytes())).await;
    let ids: Vec<u64> = (1..=100).collect();
    let answer = tenant.ask(ObjectKind::Contact, read(&["firstName"], &ids)).await;
    let expected: Vec<(u64, bool)> = (1..=11).map(|id| (id, id == 1)).collect();
    assert_eq!(told(answer), expected);
    assert_eq!(tenant.calls().len(), 1 + 10);
}

#[tokio::test]
async fn a_record_of_another_kind_is_not_asked_for_again() {
    let tenant = Tenant::new(|_| {
        (200, json!([stamped(json!({"id": 1, "recordType": "ProjectTicket"})), stamped(json!({"id": 2}))]))
    })
    .await;
    assert_eq!(told(tenant.ask(ObjectKind::Ticket, read(&["summary"], &[1, 2])).await), [(1, false), (2, true)]);
    assert_eq!(tenant.calls().len(), 1);
}

#[tokio::test]
async fn a_forecast_item_is_not_gone_because_a_list_leaves_out_its_opportunity() {
    let tenant = Tenant::new(|asked| match asked.path.as_str() {
        "/sales/opportunities" if asked.parameter("conditions").is_empty() => (200, json!([stamped(json!({"id": 7}))])),
        "/sales/opportunities" => (200, json!([])),
        "/sales/opportunities/7" => (403, json!({"code": "Security", "message": "No."})),
        _ => (200, json!({"id": 7, "forecastItems": [{"id": 70, "forecastDescription": "Server", "revenue": 1}]})),
    })
    .await;
    assert_eq!(told(tenant.ask(ObjectKind::LineItem, read(&["revenue"], &[70])).await), [(70, true)]);
    let answer = tenant.ask(ObjectKind::LineItem, read(&["revenue"], &[70])).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::Unknown(_))), "{answer:?}");
}
