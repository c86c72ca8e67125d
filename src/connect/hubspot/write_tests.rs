//! What goes into a batch, and whose word in its answer is whose.

use super::*;

#[test]
fn parents_come_with_the_right_numbers_and_the_first_company_is_the_primary_one() {
    let of = |object, list: &[(ObjectKind, u64)]| {
        let list: Vec<(ObjectKind, RecordId)> = list.iter().map(|(kind, id)| (*kind, RecordId(*id))).collect();
        let numbers = |one: &Json| {
            let types = one["types"].as_array().cloned().unwrap_or_default();
            let numbers: Vec<u64> = types.iter().filter_map(|one| one["associationTypeId"].as_u64()).collect();
            (one["to"]["id"].as_str().unwrap_or_default().to_owned(), numbers)
        };
        parents(object, &list).iter().map(numbers).collect::<Vec<_>>()
    };
    use ObjectKind::{Company, Contact, Deal, LineItem, Note, Product, Ticket};
    let text = |id: &str, numbers: &[u64]| (id.to_owned(), numbers.to_vec());
    assert_eq!(of(Contact, &[(Company, 1), (Company, 2)]), [text("1", &[1, 279]), text("2", &[279])]);
    assert_eq!(of(Deal, &[(Contact, 3), (Company, 1)]), [text("1", &[5, 341]), text("3", &[3])]);
    assert_eq!(
        of(Ticket, &[(Company, 1), (Contact, 3), (Deal, 4)]),
        [text("1", &[26, 339]), text("3", &[16]), text("4", &[28])]
    );
    assert_eq!(of(LineItem, &[(Deal, 4)]), [text("4", &[20])]);
    assert_eq!(
        of(Note, &[(Contact, 3), (Company, 1), (Ticket, 9)]),
        [text("1", &[190]), text("3", &[202]), text("9", &[228])]
    );
    assert_eq!(of(Product, &[(Deal, 4)]), []);
}

#[test]
fn an_answer_is_matched_by_trace_then_id_then_stamp_and_never_by_place() {
    let item = Item {
        intent: IntentId(7),
        target: Some(RecordId(5)),
        stamp: None,
        values: Vec::new(),
        joins: Vec::new(),
        stranger: None,
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
        let item = Item {
            intent: IntentId(1),
            target: None,
            stamp: None,
            values: Vec::new(),
            joins: Vec::new(),
            stranger: None,
            input,
        };
        rules::refusal(object, verb, &item).and_then(|rejection| rejection.field)
    };
    use ObjectKind::{Company, Contact, Deal, Note, Product, Task, Ticket};
    let table = [
        (Company, json!({"city": "Ulm"}), Some("name")),
        (Company, json!({"domain": "a.example"}), None),
        (Company, json!({"name": "  "}), Some("name")),
        (Deal, json!({"dealname": "D"}), Some("dealstage")),
        (Deal, json!({"dealname": "D", "dealstage": "won"}), None),
        (Ticket, json!({"subject": "T", "hs_pipeline_stage": "1"}), Some("hs_pipeline")),
        (Ticket, json!({"subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "1"}), None),
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
