//! What goes into a batch, and whose word in its answer is whose.

use super::*;

#[test]
fn a_new_record_is_associated_by_the_right_numbers_and_its_company_is_the_primary_one() {
    use ObjectKind::{Company, Contact, Deal, LineItem, Note, Ticket};
    let numbers = |object, to| {
        let made = associated(object, &(to, Ok(RecordId(7)))).unwrap_or_default();
        assert_eq!(made["to"]["id"], "7", "{object} {to}");
        let types = made["types"].as_array().cloned().unwrap_or_default();
        types.iter().filter_map(|one| one["associationTypeId"].as_u64()).collect::<Vec<_>>()
    };
    for (object, to, expected) in [
        (Contact, Company, vec![1, 279]),
        (Deal, Company, vec![5, 341]),
        (Deal, Contact, vec![3]),
        (Ticket, Company, vec![26, 339]),
        (Ticket, Contact, vec![16]),
        (LineItem, Deal, vec![20]),
        (Note, Company, vec![190]),
        (Note, Contact, vec![202]),
        (Note, Ticket, vec![228]),
    ] {
        assert_eq!(numbers(object, to), expected, "{object} {to}");
    }
}

#[test]
fn an_answer_is_matched_by_trace_then_id_then_stamp_and_never_by_place() {
    let item = Item {
        intent: IntentId(7),
        target: Some(RecordId(5)),
        stamp: None,
        values: Vec::new(),
        joins: Vec::new(),
        input: json!({}),
    };
    assert!(is_about(&json!({"objectWriteTraceId": "7", "id": "9"}), &item, None));
    assert!(!is_about(&json!({"objectWriteTraceId": "8", "id": "5"}), &item, None));
    assert!(is_about(&json!({"id": 5}), &item, None));
    assert!(names(&json!({"context": {"objectWriteTraceId": ["7"]}}), &item));
    assert!(names(&json!({"context": {"ids": [5]}}), &item));
    assert!(!names(&json!({"context": {"ids": "5"}}), &item));
    let stamp = FieldName::new("key");
    let made = Item { target: None, stamp: Some("contact:3"), ..item };
    assert!(is_about(&json!({"id": "1", "properties": {"key": "contact:3"}}), &made, Some(&stamp)));
    assert!(!is_about(&json!({"id": "1", "properties": {"key": "contact:4"}}), &made, Some(&stamp)));
    assert!(!is_about(&json!({"id": "1"}), &made, Some(&stamp)));
}

#[test]
fn what_is_missing_for_certain_is_refused_by_name() {
    let refused = |object, verb, properties: Json| {
        let input = json!({ "properties": properties });
        let item =
            Item { intent: IntentId(1), target: None, stamp: None, values: Vec::new(), joins: Vec::new(), input };
        rules::refusal(object, verb, &item).and_then(|rejection| rejection.fields.into_iter().next())
    };
    use ObjectKind::{Company, Contact, Deal, Note, Product, Task, Ticket};
    let table = [
        (Company, json!({"city": "Ulm"}), Some("name")),
        (Company, json!({"domain": "a.example"}), None),
        (Company, json!({"name": "  "}), Some("name")),
        (Deal, json!({"dealname": "D"}), Some("dealstage")),
        (Deal, json!({"dealname": "D", "dealstage": "won"}), None),
        (Ticket, json!({"subject": "T", "hs_pipeline": "0"}), Some("hs_pipeline_stage")),
        (Ticket, json!({"subject": "T", "hs_pipeline_stage": "1"}), None),
        (Note, json!({}), Some("hs_timestamp")),
        (Task, json!({"hs_timestamp": null}), Some("hs_timestamp")),
        (Contact, json!({}), None),
        (Product, json!({}), None),
    ];
    for (object, properties, field) in table {
        assert_eq!(refused(object, Verb::Create, properties.clone()).as_deref(), field, "{object} {properties}");
        assert_eq!(refused(object, Verb::Update, properties), None, "an update leaves the rest as it is");
    }
}
