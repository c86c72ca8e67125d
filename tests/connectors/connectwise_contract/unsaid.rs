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
async fn an_array_that_every_record_of_a_page_lacks_is_a_failure_that_names_it() {
    for (array, field) in IN_ARRAYS {
        let tenant = Tenant::new(move |_| (200, json!([contact(1, Some(array)), contact(2, Some(array))]))).await;
        for body in [list(&[field], None, 50), read(&[field], &[1, 2]), read(&[field], &[1])] {
            let answer = tenant.ask(ObjectKind::Contact, body).await;
            let AnswerBody::Failed(Failure::Unknown(message)) = &answer else { panic!("{field}: {answer:?}") };
            assert!(message.contains(array), "{message}");
        }
        let alone = Tenant::new(move |_| (200, json!([contact(7, Some(array))]))).await;
        let (records, last, _) = page(alone.ask(ObjectKind::Contact, list(&[field], None, 50)).await);
        assert_eq!((records.len(), last), (0, Some(RecordId(7))), "one odd record does not hold up the rest");
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
        let AnswerBody::Failed(Failure::Unknown(message)) = &answer else { panic!("{answer:?}") };
        assert!(message.contains("customFields/31") && message.contains("mapping"), "{message}");
    }
}
