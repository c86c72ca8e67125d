//! Writes: which calls, in which order, and what is told when one of them fails or is ignored.

use std::sync::Mutex;

use lockstep::engine::core::request::RejectionKind;

use super::*;

/// A record 7 that takes every PATCH of its members, and shows what else it is told to.
fn obliging(record: Json) -> impl Fn(&Asked) -> (u16, Json) + Send + Sync + 'static {
    let held = Arc::new(Mutex::new(stamped(record)));
    move |asked| {
        let mut held = held.lock().unwrap();
        match (asked.method.as_str(), asked.path.matches('/').count()) {
            ("PATCH", 3) => {
                for operation in asked.body.as_array().unwrap() {
                    held[operation["path"].as_str().unwrap()] = operation["value"].clone();
                }
                (200, held.clone())
            }
            ("GET", 2) => (200, json!([held.clone()])),
            ("GET", _) => (200, held.clone()),
            _ => (500, json!("not scripted")),
        }
    }
}

#[tokio::test]
async fn a_change_of_plain_members_is_one_call() {
    let tenant = Tenant::new(obliging(json!({"id": 7, "city": "Ulm"}))).await;
    let after = applied(
        tenant
            .ask(ObjectKind::Contact, update(&[("city", text("Bonn")), ("company", Value::Choice("3".into()))]))
            .await,
    );
    assert_eq!(after.value("city"), &text("Bonn"));
    assert_eq!(
        tenant.lines(),
        [
            r#"PATCH /company/contacts/7 [{"op":"replace","path":"city","value":"Bonn"},{"op":"replace","path":"company","value":{"id":3}}]"#
        ]
    );
}

#[tokio::test]
async fn user_defined_fields_go_out_as_the_whole_array() {
    let held = json!([{"id": 1, "value": "a"}, {"id": 2, "value": null}, {"id": 3, "value": 5}]);
    let tenant = Tenant::new(obliging(json!({"id": 7, "customFields": held}))).await;
    let after = applied(tenant.ask(ObjectKind::Deal, update(&[("customFields/2", text("new"))])).await);
    assert_eq!(after.value("customFields/2"), &text("new"));
    let lines = tenant.lines();
    assert_eq!(lines[0], "GET /sales/opportunities/7");
    assert_eq!(
        lines[1],
        r#"PATCH /sales/opportunities/7 [{"op":"replace","path":"customFields","value":[{"id":1,"value":"a"},{"id":2,"value":"new"},{"id":3,"value":5}]}]"#
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn a_change_that_is_accepted_and_ignored_is_a_refusal() {
    // A 200 with the record as it was.
    let before = json!({"id": 7, "city": "Ulm", "customFields": [{"id": 2, "value": "old"}]});
    let tenant = Tenant::new(move |_| (200, stamped(before.clone()))).await;
    let refusal = rejected(tenant.ask(ObjectKind::Contact, update(&[("customFields/2", text("new"))])).await);
    assert_eq!((refusal.kind, refusal.fields), (RejectionKind::Other, vec!["customFields/2".to_owned()]));
    assert!(refusal.message.contains("accepted the change of customFields/2 and ignored it"), "{}", refusal.message);
    // Where one field of several was taken, the record as it is goes to the engine, which judges field by field.
    let changed = json!({"id": 7, "city": "Bonn", "customFields": [{"id": 2, "value": "old"}]});
    let tenant = Tenant::new(move |_| (200, stamped(changed.clone()))).await;
    let after = applied(
        tenant.ask(ObjectKind::Contact, update(&[("customFields/2", text("new")), ("city", text("Bonn"))])).await,
    );
    assert_eq!((after.value("customFields/2"), after.value("city")), (&text("old"), &text("Bonn")));
}

#[tokio::test]
async fn a_refusal_for_want_of_user_defined_fields_is_answered_with_them_once() {
    for stubborn in [false, true] {
        let tenant = Tenant::new(move |asked| {
            let carries = asked.body.to_string().contains("customFields");
            match asked.method.as_str() {
                "GET" => (200, stamped(json!({"id": 7, "customFields": [{"id": 2, "value": "b"}]}))),
                _ if carries && !stubborn => {
                    (200, stamped(json!({"id": 7, "name": "New", "customFields": [{"id": 2, "value": "b"}]})))
                }
                _ => invalid("The customFields field is required.", "customFields"),
            }
        })
        .await;
        let answer = tenant.ask(ObjectKind::Deal, update(&[("name", text("New"))])).await;
        let methods: Vec<_> = tenant.calls().iter().map(|call| call.method.clone()).collect();
        assert_eq!(methods, ["PATCH", "GET", "PATCH"]);
        match stubborn {
            false => assert_eq!(applied(answer).value("name"), &text("New")),
            true => assert_eq!(rejected(answer).kind, RejectionKind::Invalid),
        }
    }
}

#[tokio::test]
async fn a_refusal_for_something_else_that_is_stored_names_it() {
    let tenant =
        Tenant::new(|_| invalid("The field yearEstablished must be between 1900 and 9999.", "yearEstablished")).await;
    let refusal = rejected(tenant.ask(ObjectKind::Company, update(&[("city", text("Bonn"))])).await);
    assert_eq!(refusal.fields, ["yearEstablished"]);
    assert!(refusal.message.contains("which this change does not touch"), "{}", refusal.message);
    let refusal =
        rejected(tenant.ask(ObjectKind::Company, update(&[("yearEstablished", Value::Number(1.into()))])).await);
    assert!(!refusal.message.contains("does not touch"), "{}", refusal.message);
    for words in [
        "Error converting value \"x\" to type 'y'. Path '', line 1, position 1.",
        "String was not recognized as a valid DateTime.",
    ] {
        let tenant = Tenant::new(move |_| (500, json!({"message": words}))).await;
        assert_eq!(
            rejected(tenant.ask(ObjectKind::Company, update(&[("city", text("x"))])).await).kind,
            RejectionKind::Invalid
        );
    }
}

/// Contact 7 with a direct line and an address; `then` answers what is written.
async fn contact(then: Exception) -> Tenant {
    let contact = || {
        stamped(json!({"id": 7, "city": "Ulm", "communicationItems": [
            {"id": 11, "type": {"id": 2}, "value": "111", "defaultFlag": true},
            {"id": 12, "type": {"id": 1}, "value": "a@b.c", "defaultFlag": true}]}))
    };
    Tenant::new(move |asked| {
        then(asked).unwrap_or_else(|| match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/company/communicationTypes") => {
                (200, json!([{"id": 1, "emailFlag": true}, {"id": 2, "phoneFlag": true}, {"id": 3, "faxFlag": true}]))
            }
            ("GET", "/company/contacts") => (200, json!([contact()])),
            ("GET", _) => (200, contact()),
            ("DELETE", _) => (204, json!("<nothing>")),
            _ => (200, stamped(json!({"id": 7}))),
        })
    })
    .await
}

fn numbers() -> [(&'static str, Value); 4] {
    [
        ("city", text("Ulm")),
        ("communications/1", Value::Empty),
        ("communications/2", text("222")),
        ("communications/3", text("333")),
    ]
}

#[tokio::test]
async fn communication_items_follow_the_contact_one_by_one() {
    let tenant = contact(|_| None).await;
    applied(tenant.ask(ObjectKind::Contact, update(&numbers())).await);
    assert_eq!(
        tenant.lines(),
        [
            "GET /company/contacts/7",
            "GET /company/communicationTypes",
            r#"PATCH /company/contacts/7 [{"op":"replace","path":"city","value":"Ulm"}]"#,
            "DELETE /company/contacts/7/communications/12",
            r#"PATCH /company/contacts/7/communications/11 [{"op":"replace","path":"value","value":"222"}]"#,
            r#"POST /company/contacts/7/communications {"communicationType":"Fax","defaultFlag":true,"type":{"id":3},"value":"333"}"#,
            "GET /company/contacts",
        ]
    );
}

#[tokio::test]
async fn a_refusal_on_the_way_leaves_the_rest_to_be_tried_and_the_record_as_it_is() {
    let tenant = contact(|asked| asked.path.ends_with("/11").then(|| invalid("Too long.", "value"))).await;
    let after = applied(tenant.ask(ObjectKind::Contact, update(&numbers())).await);
    assert_eq!(after.value("communications/2"), &text("111"), "the answer is what ConnectWise holds");
    assert!(tenant.lines().iter().any(|line| line.starts_with("POST /company/contacts/7/communications")));
    // Where nothing at all took effect it is a refusal.
    let refusal = rejected(tenant.ask(ObjectKind::Contact, update(&[("communications/2", text("222"))])).await);
    assert_eq!(refusal.message, "Too long.");
}

#[tokio::test]
async fn a_failure_on_the_way_is_unknown_and_says_how_far_it_came() {
    let failures: [Exception; 4] = [
        |asked| asked.path.ends_with("/11").then(|| (503, json!("busy"))),
        |asked| {
            asked
                .path
                .ends_with("/11")
                .then(|| (429, json!({"error": "ConnectWiseAPI", "message": "Too many requests."})))
        },
        |asked| asked.path.ends_with("/11").then(|| (403, json!({"code": "Security", "message": "No."}))),
        |asked| (asked.path == "/company/contacts").then(|| (500, json!("down"))),
    ];
    for failure in failures {
        let tenant = contact(failure).await;
        let ItemOutcome::Unknown(words) = outcome(tenant.ask(ObjectKind::Contact, update(&numbers())).await) else {
            panic!("known")
        };
        assert!(words.contains("Part of the write took effect"), "{words}");
    }
    // Before anything took effect the failure is what it is.
    let tenant = contact(|asked| {
        (asked.method == "PATCH").then(|| (429, json!({"error": "x", "message": "Too many requests."})))
    })
    .await;
    let answer = tenant.ask(ObjectKind::Contact, update(&numbers())).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::Throttled { .. })), "{answer:?}");
    let tenant =
        contact(|asked| (asked.path == "/company/contacts/7" && asked.method == "GET").then(|| (502, json!("x"))))
            .await;
    let answer = tenant.ask(ObjectKind::Contact, update(&numbers())).await;
    assert!(matches!(answer, AnswerBody::Failed(Failure::NotSent(_))), "only a read was sent: {answer:?}");
    assert_eq!(tenant.lines(), ["GET /company/contacts/7"]);
}

#[tokio::test]
async fn a_new_contact_carries_its_items_inline() {
    let tenant = contact(|asked| {
        (asked.method == "POST").then(|| {
            let mut made = asked.body.clone();
            made["id"] = json!(7);
            (201, stamped(made))
        })
    })
    .await;
    let wanted = [
        ("firstName", text("A")),
        ("communications/2", text("222")),
        ("communications/2/extension", text("9")),
        ("types", Value::Choices(vec!["4".into()])),
    ];
    let answer = tenant.ask(ObjectKind::Contact, create(ObjectKind::Contact, &wanted[..3])).await;
    let after = applied(answer);
    assert_eq!(
        (after.value("communications/2"), after.value("communications/2/extension")),
        (&text("222"), &text("9"))
    );
    let lines = tenant.lines();
    assert_eq!(lines[0], "GET /company/communicationTypes");
    assert_eq!(
        lines[1],
        r#"POST /company/contacts {"communicationItems":[{"communicationType":"Phone","defaultFlag":true,"extension":"9","type":{"id":2},"value":"222"}],"firstName":"A","userDefinedField10":"contact:42"}"#
    );
    assert_eq!(lines.len(), 2);
}

#[tokio::test]
async fn types_are_added_and_removed_by_calls_once_the_record_exists() {
    let tenant = Tenant::new(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/company/companies/7/typeAssociations") => {
            (200, json!([{"id": 50, "type": {"id": 1}}, {"id": 51, "type": {"id": 2}}]))
        }
        ("GET", _) => (200, json!([stamped(json!({"id": 7, "types": [{"id": 2}, {"id": 3}]}))])),
        ("POST", _) => (400, json!({"errors": [{"code": "ObjectExists", "message": "exists"}]})),
        _ => (204, json!("<nothing>")),
    })
    .await;
    let wanted = Value::Choices(vec!["2".into(), "3".into()]);
    let after = applied(tenant.ask(ObjectKind::Company, update(&[("types", wanted.clone())])).await);
    assert_eq!(after.value("types"), &wanted, "an addition that is there already is none that was refused");
    assert_eq!(
        tenant.lines(),
        [
            "GET /company/companies/7/typeAssociations",
            r#"POST /company/companies/7/typeAssociations {"company":{"id":7},"type":{"id":3}}"#,
            "DELETE /company/companies/7/typeAssociations/50",
            "GET /company/companies",
        ]
    );
}

/// Opportunity 7 whose forecast has the items given.
async fn opportunity(items: Json) -> Tenant {
    Tenant::new(move |asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/sales/opportunities/7/forecast") => (200, json!({"id": 7, "forecastItems": items})),
        ("GET", "/sales/opportunities") => (200, json!([stamped(json!({"id": 7, "status": {"id": 1}}))])),
        ("POST", "/sales/opportunities") => (201, stamped(json!({"id": 7, "name": "D", "status": {"id": 1}}))),
        ("POST" | "PATCH", path) if path.contains("/forecast/") => (201, json!({"id": 71})),
        _ => (200, stamped(json!({"id": 7, "status": {"id": 1}}))),
    })
    .await
}

#[tokio::test]
async fn an_amount_is_the_revenue_of_the_one_item_that_lockstep_owns() {
    let item =
        |id: u64, what: &str| json!({"id": id, "forecastType": "Product", "forecastDescription": what, "revenue": 1});
    let written =
        |tenant: &Tenant| tenant.lines().into_iter().filter(|line| !line.starts_with("GET")).collect::<Vec<_>>();
    let amount = [("amount", Value::Number(500.into()))];

    let tenant = opportunity(json!([item(70, "CPQ"), item(71, "Lockstep")])).await;
    tenant.ask(ObjectKind::Deal, update(&amount)).await;
    assert_eq!(
        written(&tenant),
        [r#"PATCH /sales/opportunities/7/forecast/71 [{"op":"replace","path":"revenue","value":500}]"#]
    );

    let tenant = opportunity(json!([item(70, "CPQ")])).await;
    tenant.ask(ObjectKind::Deal, update(&amount)).await;
    let made = written(&tenant);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(
        made[0].starts_with("POST /sales/opportunities/7/forecast/7 ")
            && made[0].contains(r#""forecastDescription":"Lockstep""#),
        "{made:?}"
    );

    let tenant = opportunity(json!([])).await;
    let wanted = [("name", text("D")), ("amount", Value::Number(500.into()))];
    tenant.ask(ObjectKind::Deal, create(ObjectKind::Deal, &wanted)).await;
    let made = written(&tenant);
    assert_eq!(made[0], r#"POST /sales/opportunities {"customFields":[{"id":90,"value":"deal:42"}],"name":"D"}"#);
    assert!(made[1].starts_with("POST /sales/opportunities/7/forecast/7 "), "{made:?}");
}

#[tokio::test]
async fn an_activity_is_made_with_the_type_of_its_kind() {
    let tenant = Tenant::new(|_| (201, stamped(json!({"id": 9, "name": "N"})))).await;
    applied(tenant.ask(ObjectKind::Task, create(ObjectKind::Task, &[("name", text("N"))])).await);
    assert!(!tenant.lines()[0].contains("\"type\""));
    let refusal = rejected(tenant.ask(ObjectKind::Call, create(ObjectKind::Call, &[("name", text("N"))])).await);
    assert!(refusal.message.contains("No ConnectWise activity type is named for calls"), "{}", refusal.message);
    let types = BTreeMap::from([(ObjectKind::Call, vec![RecordId(3), RecordId(9)])]);
    let psa =
        every_object(&tenant.forged.url, &sim::Credentials::default()).with_activity_types(ActivityTypes::new(types));
    tenant.calls();
    applied(ask_of(&psa, ObjectKind::Call, create(ObjectKind::Call, &[("name", text("N"))])).await);
    assert!(tenant.lines()[0].contains(r#""type":{"id":3}"#));
}

#[tokio::test]
async fn a_line_item_is_changed_where_it_is_and_never_made() {
    let line = json!([{"id": 70, "forecastType": "Product", "forecastDescription": "Server", "revenue": 9, "_info": {"lastUpdated": "2026-06-09T21:59:49Z"}}]);
    let tenant = opportunity(line).await;
    let item = UpdateItem {
        intent: IntentId(8),
        id: RecordId(70),
        values: values(&[("revenue", Value::Number(9.into()))]),
        stamp: None,
    };
    tenant.ask(ObjectKind::LineItem, RequestBody::Update { fields: names(&["revenue"]), items: vec![item] }).await;
    let lines = tenant.lines();
    assert!(
        lines.contains(
            &r#"PATCH /sales/opportunities/7/forecast/70 [{"op":"replace","path":"revenue","value":9}]"#.to_owned()
        ),
        "{lines:?}"
    );
    let refusal = rejected(
        tenant.ask(ObjectKind::LineItem, create(ObjectKind::LineItem, &[("revenue", Value::Number(1.into()))])).await,
    );
    assert!(refusal.message.contains("makes none"), "{}", refusal.message);
    assert_eq!(tenant.lines(), Vec::<String>::new());
}
