//! The fields of each object with the options of today.

use lockstep::model::drift::{Unread, compare, keep_unread};
use lockstep::model::{FieldKind, StageOutcome};

use super::*;

fn tables(asked: &Asked) -> (u16, Json) {
    let body = match asked.path.as_str() {
        "/system/info" => json!({"version": "v2026.4.1"}),
        "/system/myCompany/crm" => json!({"field1Caption": "Tier", "field2Caption": "Tier", "field3Caption": ""}),
        "/service/boards" => json!([{"id": 1, "name": "Help"}, {"id": 2, "name": "Projects", "inactiveFlag": true}]),
        "/service/boards/1/statuses" => {
            json!([{"id": 10, "name": "New", "closedStatus": false}, {"id": 11, "name": "Done", "closedStatus": true}])
        }
        "/service/boards/2/statuses" => json!([{"id": 20, "name": "New", "closedStatus": false, "inactive": true}]),
        "/sales/opportunities/statuses" => {
            json!([{"id": 1, "name": "Won", "wonFlag": true, "lostFlag": false, "closedFlag": true}])
        }
        "/sales/opportunities/types" => json!([{"id": 1, "description": "Renewal"}]),
        "/sales/probabilities" => json!([{"id": 1, "probability": 50}]),
        "/company/communicationTypes" => {
            json!([{"id": 1, "description": "Email", "emailFlag": true}, {"id": 2, "description": "Direct", "phoneFlag": true}])
        }
        "/system/members" => {
            json!([{"id": 5, "firstName": "Jane", "lastName": "Doe", "officeEmail": "Jane@X.example", "inactiveFlag": true}])
        }
        "/system/locations" => json!([{"id": 3, "name": "Ulm"}]),
        "/procurement/subcategories" => json!([{"id": 7, "name": "Laptops", "category": {"id": 2}}]),
        "/sales/stages" => return (403, json!({"code": "Security", "message": "No."})),
        "/system/userDefinedFields" => json!([
            {"id": 90, "caption": "Name", "podDescription": "Opportunity Overview", "fieldTypeIdentifier": "Text"},
            {"id": 91, "caption": "Tier", "podDescription": "Contact Overview", "fieldTypeIdentifier": "Number", "readOnlyFlag": true},
        ]),
        _ => json!([]),
    };
    (200, body)
}

#[tokio::test]
async fn options_come_from_their_tables_with_parent_outcome_and_address() {
    let tenant = Tenant::new(tables).await;
    let ticket = tenant.psa.schema(ObjectKind::Ticket).await.unwrap();
    let told: Vec<_> = ticket
        .schema
        .field("status")
        .unwrap()
        .options
        .iter()
        .map(|one| (one.key.as_str(), one.label.as_str(), one.parent.as_deref(), one.outcome, one.inactive))
        .collect();
    assert_eq!(
        told,
        [
            ("10", "New", Some("1"), Some(StageOutcome::Open), false),
            ("11", "Done", Some("1"), Some(StageOutcome::Closed), false),
            ("20", "New", Some("2"), Some(StageOutcome::Open), true),
        ]
    );
    assert_eq!(ticket.schema.field("severity").unwrap().options.len(), 3);
    assert_eq!(ticket.schema.field("company").unwrap().kind, FieldKind::Reference(ObjectKind::Company));
    assert_eq!(ticket.warnings, Vec::new());

    let deal = tenant.psa.schema(ObjectKind::Deal).await.unwrap();
    let field = |name: &str| deal.schema.field(name).unwrap();
    assert_eq!(field("status").options[0].outcome, Some(StageOutcome::Won));
    assert_eq!(
        (field("type").options[0].label.as_str(), field("probability").options[0].label.as_str()),
        ("Renewal", "50 %")
    );
    let rep = &field("primarySalesRep").options[0];
    assert_eq!((rep.label.as_str(), rep.email.as_deref(), rep.inactive), ("Jane Doe", Some("jane@x.example"), true));
    assert_eq!(field("locationId").option_label("3"), Some("Ulm"));
    assert_eq!(
        (field("name").label.as_str(), field("customFields/90").label.as_str()),
        ("Name (name)", "Name (customFields/90)")
    );
    assert!(field("contact").required && field("closedDate").read_only);
    assert_eq!(deal.warnings.len(), 1, "{:?}", deal.warnings);
    assert!(deal.warnings[0].what.contains("Stage") && field("stage").options.is_empty());

    let product = tenant.psa.schema(ObjectKind::Product).await.unwrap();
    assert_eq!(product.schema.field("subcategory").unwrap().options[0].parent.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_contact_has_a_field_for_each_communication_type() {
    let tenant = Tenant::new(tables).await;
    let live = tenant.psa.schema(ObjectKind::Contact).await.unwrap();
    let kind = |name: &str| live.schema.field(name).map(|field| field.kind);
    assert_eq!(kind("communications/1"), Some(FieldKind::Email));
    assert_eq!(kind("communications/1/extension"), None);
    assert_eq!(kind("communications/2"), Some(FieldKind::Phone));
    assert_eq!(kind("communications/2/extension"), Some(FieldKind::Text));
    assert!(live.schema.field("customFields/91").unwrap().read_only);
    assert_eq!(kind("customFields/90"), None, "that one is the opportunity's");
    let label = |name: &str| live.schema.field(name).unwrap().label.clone();
    assert_eq!(
        (label("userDefinedField1"), label("userDefinedField2")),
        ("Tier (userDefinedField1)".into(), "Tier (userDefinedField2)".into())
    );
    assert_eq!(label("userDefinedField3"), "User-defined field 3");
}

#[tokio::test]
async fn a_table_that_may_not_be_read_leaves_the_fields_that_it_told_of_before() {
    let before = Tenant::new(tables).await.psa.schema(ObjectKind::Contact).await.unwrap();
    assert_eq!(before.unread, []);
    let table = [
        ("/system/userDefinedFields", Unread::Fields("customFields/"), "customFields/91"),
        ("/company/communicationTypes", Unread::Fields("communications/"), "communications/2/extension"),
        ("/system/myCompany/crm", Unread::Labels("userDefinedField"), "userDefinedField1"),
    ];
    for (denied, unread, field) in table {
        let answer = move |asked: &Asked| match asked.path == denied {
            true => (403, json!({"code": "Security", "message": "No."})),
            false => tables(asked),
        };
        let mut live = Tenant::new(answer).await.psa.schema(ObjectKind::Contact).await.unwrap();
        assert_eq!((&live.unread[..], live.warnings.len()), (&[unread][..], 1), "{denied}");
        assert_ne!(live.schema.field(field), before.schema.field(field), "{denied}");
        keep_unread(&before.schema, &mut live.schema, &live.unread);
        assert_eq!(compare(&before.schema, &live.schema), [], "{denied}");
        assert_eq!(live.schema.field(field), before.schema.field(field), "{denied}");
    }
}

#[tokio::test]
async fn lengths_are_those_of_the_release_that_answers() {
    for (version, identifier, name) in
        [("v2021.2.1", 25, 50), ("v2025.1.1", 30, 50), ("v2026.4.1", 156, 156), ("soon", 25, 50)]
    {
        let forged = Forged::start(move |seen: &Seen| {
            let body = match seen.path.as_str() {
                path if path.contains("companyinfo") => json!({"Codebase": "v4_6_release/"}),
                path if path.contains("/system/info") => json!({"version": version}),
                _ => json!([]),
            };
            (200, body.to_string().into_bytes())
        })
        .await;
        let live = every_object(&forged.url, &sim::Credentials::default()).schema(ObjectKind::Company).await.unwrap();
        let length = |field: &str| live.schema.field(field).unwrap().max_length;
        assert_eq!((length("identifier"), length("name")), (Some(identifier), Some(name)), "{version}");
    }
}
