//! HubSpot's search: what its index knows and when, associations as filters, rows that are not as asked.

use std::time::Duration;

use lockstep::sim::{HubSpotBehaviour, Object};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, hubspot, ids};

const START: i64 = 1_780_000_000_000;

impl Bench {
    async fn find(&self, object: &str, body: Value) -> Value {
        let (status, found) = self.hs(Method::POST, &format!("/crm/objects/2026-09/{object}/search"), body).await;
        assert_eq!(status, 200, "{found}");
        found
    }
}

fn filter(name: &str, op: &str, value: Value) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": name, "operator": op, "value": value}]}]})
}

#[tokio::test]
async fn contacts_are_polled_by_lastmodifieddate() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let mut made = Vec::new();
    for n in 0..3 {
        let body = json!({"properties": {"email": format!("c{n}@tin.example.com")}});
        made.push(bench.hs(Method::POST, "/crm/v3/objects/contacts", body).await.1["id"].as_str().unwrap().to_owned());
        bench.running.control.advance(Duration::from_secs(1));
    }
    for name in ["lastmodifieddate", "hs_lastmodifieddate"] {
        let found = bench.find("contacts", filter(name, "GTE", json!((START + 1_000).to_string()))).await;
        assert_eq!(ids(&found["results"]), made[1..], "{name}");
    }
    let page = json!({
        "filterGroups": [{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "GTE", "value": START.to_string()},
            {"propertyName": "hs_object_id", "operator": "GT", "value": made[0]},
        ]}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], "limit": 1,
    });
    let found = bench.find("contacts", page).await;
    assert_eq!((ids(&found["results"]), &found["total"]), (made[1..2].to_vec(), &json!(2)));
}

#[tokio::test]
async fn records_are_found_by_what_they_are_associated_with() {
    let bench = Bench::empty().await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let deal = json!({"properties": {"dealname": "D", "dealstage": "qualifiedtobuy"}, "associations": [
        {"to": {"id": company}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 341}]},
    ]});
    let deal = bench.hs(Method::POST, "/crm/v3/objects/deals", deal).await.1["id"].as_str().unwrap().to_owned();
    let found = bench.find("deals", filter("associations.company", "EQ", json!(company))).await;
    assert_eq!(ids(&found["results"]), [deal]);
    let none = bench.find("deals", filter("associations.company", "EQ", json!("1"))).await;
    assert_eq!(none["total"], 0);
    let bad = filter("associations.nonsense", "EQ", json!("1"));
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals/search", bad).await.0, 400);
}

#[tokio::test]
async fn a_search_may_show_rows_newer_than_what_it_found_them_by() {
    let switches = HubSpotBehaviour { search_shows_newer: true, update_lag_ms: 20_000, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let id = bench.new_hubspot(json!({"name": "Old"})).await;
    bench.hs(Method::PATCH, &format!("/crm/v3/objects/companies/{id}"), json!({"properties": {"name": "New"}})).await;
    let found = bench.find("companies", filter("name", "EQ", json!("old"))).await;
    assert_eq!(found["results"][0]["properties"]["name"], "New");
}

#[tokio::test]
async fn a_search_may_come_out_of_order() {
    let switches = HubSpotBehaviour { search_is_out_of_order: true, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let mut made = Vec::new();
    for n in 0..4 {
        made.push(bench.new_hubspot(json!({"name": format!("C{n}")})).await);
    }
    let found = bench.find("companies", json!({"sorts": ["hs_object_id"]})).await;
    assert_eq!(ids(&found["results"]), [&made[1], &made[0], &made[3], &made[2]].map(String::clone));
}

#[tokio::test]
async fn lags_may_be_spread_over_seconds_and_minutes() {
    let switches = HubSpotBehaviour { lag_is_spread: true, shuffles_batches: false, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    for _ in 0..5 {
        let inputs: Vec<Value> = (0..100).map(|n| json!({"properties": {"name": format!("P{n}")}})).collect();
        assert_eq!(
            bench.hs(Method::POST, "/crm/v3/objects/products/batch/create", json!({ "inputs": inputs })).await.0,
            201
        );
    }
    let known = async || bench.find("products", json!({})).await["total"].as_u64().unwrap();
    bench.running.control.advance(Duration::from_secs(5));
    let soon = known().await;
    assert!((400..500).contains(&soon), "{soon} of 500 after five seconds");
    bench.running.control.advance(Duration::from_secs(600));
    assert_eq!(known().await, 500);
}

#[tokio::test]
async fn the_index_knows_a_record_when_the_control_says_so() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let body = json!({"properties": {"email": "a@tin.example.com"}});
    let id: u64 =
        bench.hs(Method::POST, "/crm/v3/objects/contacts", body).await.1["id"].as_str().unwrap().parse().unwrap();
    bench.running.control.show_in_search_from(Object::Contact, id, START + 90_000).unwrap();
    assert_eq!(bench.find("contacts", json!({})).await["total"], 0);
    assert_eq!(bench.hs_get("/crm/v3/objects/contacts/a@tin.example.com?idProperty=email").await.0, 200);
    bench.running.control.advance(Duration::from_secs(90));
    assert_eq!(bench.find("contacts", json!({})).await["total"], 1);
}

#[tokio::test]
async fn several_choices_are_found_one_by_one() {
    let bench = Bench::empty().await;
    let ticket = json!({"properties": {"subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "1", "hs_ticket_category": "BILLING_ISSUE;PRODUCT_ISSUE"}});
    let id = bench.hs(Method::POST, "/crm/v3/objects/tickets", ticket).await.1["id"].as_str().unwrap().to_owned();
    let by = |values: Value| json!({"filterGroups": [{"filters": [{"propertyName": "hs_ticket_category", "operator": "IN", "values": values}]}]});
    assert_eq!(bench.find("tickets", by(json!(["BILLING_ISSUE"]))).await["total"], 1);
    assert_eq!(bench.find("tickets", by(json!(["billing_issue"]))).await["total"], 0, "choices are told by case");
    let more = json!({"properties": {"hs_ticket_category": ";GENERAL_INQUIRY"}});
    let (_, body) = bench.hs(Method::PATCH, &format!("/crm/v3/objects/tickets/{id}"), more).await;
    assert_eq!(body["properties"]["hs_ticket_category"], "BILLING_ISSUE;PRODUCT_ISSUE;GENERAL_INQUIRY");
}

#[tokio::test]
async fn a_phone_is_found_by_its_digits_without_the_country() {
    let bench = Bench::empty().await;
    let body = json!({"properties": {"email": "a@tin.example.com", "phone": "+1 (555) 010-0199"}});
    let id = bench.hs(Method::POST, "/crm/v3/objects/contacts", body).await.1["id"].as_str().unwrap().to_owned();
    let name = "hs_searchable_calculated_phone_number";
    let found = bench.find("contacts", filter(name, "EQ", json!("5550100199"))).await;
    assert_eq!(ids(&found["results"]), [id]);
    assert_eq!(bench.find("contacts", filter(name, "EQ", json!("+15550100199"))).await["total"], 0);
}
