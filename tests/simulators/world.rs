//! What both systems share: faults, the ledger, the control API, the built-in data.

use lockstep::sim::{Actor, Clock, Data, Object, Options, Side, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, COMPANIES, answer, fields};

#[tokio::test]
async fn the_ledger_knows_who_changed_what() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let id = bench.new_connectwise("A").await;
    control
        .edit(
            Side::ConnectWise,
            Object::Company,
            id,
            &fields(json!({"city": "Salem", "status": "Credit Hold", "Support Tier": "Gold"})),
            Some("jlind"),
        )
        .unwrap();
    assert_eq!(bench.cw_get(&format!("/company/companies/{id}"), &[]).await.1["_info"]["updatedBy"], "jlind");
    let ledger = control.ledger(0);
    assert_eq!((ledger[0].verb, &ledger[0].actor), (Verb::Create, &Actor::Api("Lockstep".to_owned())));
    assert_eq!((ledger[1].verb, &ledger[1].actor), (Verb::Update, &Actor::Human("jlind".to_owned())));
    assert_eq!(ledger[1].fields["city"], (Value::Null, json!("Salem")));
    assert_eq!(ledger[1].fields["customFields/32"], (Value::Null, json!("Gold")));
    assert_eq!(control.ledger(ledger[0].sequence).len(), 1);
    let unknown = control.edit(Side::ConnectWise, Object::Company, id, &fields(json!({"nonsense": 1})), None);
    assert!(unknown.is_err());
}

#[tokio::test]
async fn the_control_api_does_over_http_what_the_handle_does() {
    let bench = Bench::empty().await;
    let base = format!("{}/_sim", bench.running.connectwise_url);
    let call = async |method: Method, path: &str, body: Value| {
        answer(bench.client.request(method, format!("{base}{path}")).json(&body)).await
    };
    let (_, made) =
        call(Method::POST, "/records/hubspot/companies", json!({"fields": {"name": "A"}, "user": "7"})).await;
    let one = format!("/records/hubspot/companies/{}", made["id"]);
    let (_, edited) = call(Method::PATCH, &one, json!({"fields": {"name": "B"}})).await;
    assert_eq!(edited["name"], "B");
    assert_eq!(call(Method::DELETE, &one, json!({})).await.1["deleted"], true);
    assert_eq!(call(Method::POST, &format!("{one}/restore"), json!({})).await.1["deleted"], false);
    let (_, clock) = call(Method::PUT, "/clock", json!({"at": "2030-01-01T00:00:00Z"})).await;
    assert_eq!(
        (&clock["standing"], bench.running.control.clock()),
        (&json!(true), Clock::Standing { at_ms: 1_893_456_000_000 })
    );
    assert_eq!(call(Method::POST, "/clock/advance", json!({"ms": 1500})).await.1["now"], "2030-01-01T00:00:01.500Z");
    let (status, rules) =
        call(Method::POST, "/faults", json!({"fault": {"status": {"code": 503}}, "side": "hubspot", "count": 1})).await;
    assert_eq!((status, rules.as_array().unwrap().len()), (200, 1));
    assert_eq!(bench.hs_get(COMPANIES).await.0, 503);
    let (_, calls) = call(Method::GET, "/calls", json!({})).await;
    assert_eq!(calls["hubspot GET /crm/objects/2026-09/companies"]["503"], 1);
    assert_eq!(call(Method::GET, "/ledger", json!({})).await.1.as_array().unwrap().len(), 4);
    assert_eq!(call(Method::PATCH, "/behaviour", json!({"page_cap": 3})).await.1["page_cap"], 3);
    assert_eq!(call(Method::PATCH, "/behaviour", json!({"nope": 3})).await.0, 400);
    call(Method::POST, "/reset", json!({})).await;
    assert_eq!(call(Method::GET, "/records/hubspot/companies", json!({})).await.1, json!([]));
}

#[tokio::test]
async fn the_story_is_told() {
    let bench = Bench::story().await;
    let control = &bench.running.control;
    let (hubspot, connectwise) = (
        control.records(Side::HubSpot, Object::Company, 0, 1000),
        control.records(Side::ConnectWise, Object::Company, 0, 1000),
    );
    assert!((30..=45).contains(&hubspot.len()), "{}", hubspot.len());
    assert!((30..=45).contains(&connectwise.len()), "{}", connectwise.len());
    let has = |rows: &[Value], field: &str, value: &str| rows.iter().any(|r| r[field] == json!(value));
    assert!(has(&connectwise, "identifier", "Catchall") && has(&connectwise, "identifier", "YourCompany"));
    assert!(hubspot.iter().any(|r| r["name"].as_str().is_some_and(|n| n.contains('\u{1b}'))));
    assert!(hubspot.iter().any(|r| r.get("name").is_none()));
}

#[tokio::test]
async fn generated_companies_are_the_same_for_the_same_seed() {
    let data = Data::Generated { companies_hubspot: 300, companies_connectwise: 200, overlap: 100 };
    let options = Options { seed: 7, standing_at_ms: Some(1_780_000_000_000), ..Options::quick(data) };
    let (a, b) = (Bench::with(options.clone()).await, Bench::with(options).await);
    for (side, expected) in [(Side::HubSpot, 300), (Side::ConnectWise, 200)] {
        let rows = a.running.control.records(side, Object::Company, 0, 1000);
        assert_eq!((rows.len(), &rows), (expected, &b.running.control.records(side, Object::Company, 0, 1000)));
        assert!(rows.iter().all(|r| r["name"].is_string()));
    }
}
