//! Details of HubSpot's API that no other test is about: what reads pass over, forms of values, operators, sizes of batches.

use lockstep::sim::HubSpotBehaviour;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, COMPANIES, hubspot, ids};

const NEW: &str = "/crm/objects/2026-09";

fn id(body: &Value) -> String {
    body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_record_comes_with_its_address_and_a_long_id() {
    let bench = Bench::empty().await;
    let request = bench.hubspot(Method::POST, COMPANIES).json(&json!({"properties": {"name": "A"}}));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let made: Value = response.json().await.unwrap();
    assert!(location.ends_with(&format!("{COMPANIES}/{}", id(&made))), "{location}");
    assert!(made["url"].as_str().unwrap().ends_with(&format!("/record/0-2/{}", id(&made))), "{made}");
    assert!((10..=12).contains(&id(&made).len()), "{made}");
}

#[tokio::test]
async fn a_read_passes_over_names_that_nobody_has_and_shows_null_for_what_is_empty() {
    let bench = Bench::empty().await;
    let made = bench.new_hubspot(json!({"name": "A"})).await;
    let (status, read) = bench.hs_get(&format!("{COMPANIES}/{made}?properties=name,city,nonsense")).await;
    let shown: Vec<&str> = read["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!((status, shown), (200, vec!["city", "createdate", "hs_lastmodifieddate", "hs_object_id", "name"]));
    assert_eq!(read["properties"]["city"], Value::Null);
}

#[tokio::test]
async fn a_record_is_changed_by_its_email_or_its_key() {
    let bench = Bench::empty().await;
    let body = json!({"properties": {"email": "a@tin.example.com"}});
    let (_, made) = bench.hs(Method::POST, &format!("{NEW}/contacts"), body).await;
    let path = format!("{NEW}/contacts/A@tin.example.com?idProperty=email");
    let (status, changed) = bench.hs(Method::PATCH, &path, json!({"properties": {"city": "Ulm"}})).await;
    assert_eq!((status, &changed["id"], &changed["properties"]["city"]), (200, &made["id"], &json!("Ulm")));
    let (status, told) = bench
        .hs(Method::PATCH, &format!("{NEW}/contacts/none@tin.example.com?idProperty=email"), json!({"properties": {}}))
        .await;
    assert_eq!((status, &told["message"], told.get("category")), (404, &json!("resource not found"), None));
}

#[tokio::test]
async fn each_type_takes_its_own_form_of_value_and_no_other() {
    let bench = Bench::empty().await;
    let table = [
        ("companies", "annualrevenue", "780.00", Some("780.00")),
        ("companies", "annualrevenue", "1,780", None),
        ("companies", "annualrevenue", "1.780.000", None),
        ("companies", "is_public", "true", Some("true")),
        ("companies", "is_public", "yes", None),
        ("companies", "phone", " (555) 010-0199 ", Some(" (555) 010-0199 ")),
        ("deals", "closedate", "2026-05-28T20:26:40.000Z", Some("2026-05-28T20:26:40Z")),
        ("deals", "closedate", "1780000000123", Some("2026-05-28T20:26:40.123Z")),
        ("deals", "closedate", "1/1/1", None),
        ("deals", "deal_currency_code", "eur", None),
    ];
    for (object, name, given, kept) in table {
        let mut values = json!({"name": "A"});
        if object == "deals" {
            values = json!({"dealname": "A", "dealstage": "qualifiedtobuy"});
        }
        values[name] = json!(given);
        let (status, told) = bench.hs(Method::POST, &format!("{NEW}/{object}"), json!({ "properties": values })).await;
        assert_eq!(status, if kept.is_some() { 201 } else { 400 }, "{name} {given}: {told}");
        if let Some(kept) = kept {
            assert_eq!(told["properties"][name], kept, "{name} {given}");
        }
    }
    for (letters, expected) in [(65_536, 201), (65_537, 400)] {
        let values = json!({"name": "A", "description": "ä".repeat(letters)});
        assert_eq!(bench.hs(Method::POST, COMPANIES, json!({ "properties": values })).await.0, expected, "{letters}");
    }
    let id = bench.new_hubspot(json!({"name": "A", "city": "Ulm"})).await;
    for cleared in [json!(""), Value::Null] {
        bench.hs(Method::PATCH, &format!("{COMPANIES}/{id}"), json!({"properties": {"city": "Ulm"}})).await;
        let path = format!("{COMPANIES}/{id}");
        assert_eq!(bench.hs(Method::PATCH, &path, json!({"properties": {"city": cleared}})).await.0, 200);
        assert_eq!(bench.hs_get(&format!("{path}?properties=city")).await.1["properties"]["city"], Value::Null);
    }
}

#[tokio::test]
async fn every_operator_of_a_search_finds_what_it_says() {
    let bench = Bench::empty().await;
    for (name, employees) in [("Red Fox", "10"), ("Blue Fox", "20"), ("Grey Owl", "30"), ("Odd", "")] {
        bench.new_hubspot(json!({"name": name, "numberofemployees": employees})).await;
    }
    let number = |op: &str, value: &str| json!({"propertyName": "numberofemployees", "operator": op, "value": value});
    let between = json!({"propertyName": "numberofemployees", "operator": "BETWEEN", "value": "10", "highValue": "20"});
    let table = [
        (number("LT", "20"), vec!["Red Fox"]),
        (number("LTE", "20"), vec!["Red Fox", "Blue Fox"]),
        (number("GT", "20"), vec!["Grey Owl"]),
        (number("GTE", "20"), vec!["Blue Fox", "Grey Owl"]),
        (between, vec!["Red Fox", "Blue Fox"]),
        (number("HAS_PROPERTY", ""), vec!["Red Fox", "Blue Fox", "Grey Owl"]),
        (
            json!({"propertyName": "name", "operator": "NOT_IN", "values": ["red fox", "odd"]}),
            vec!["Blue Fox", "Grey Owl"],
        ),
        (json!({"propertyName": "name", "operator": "NOT_CONTAINS_TOKEN", "value": "fox"}), vec!["Grey Owl", "Odd"]),
    ];
    for (filter, expected) in table {
        let lone = json!({"filters": [filter]});
        let (status, found) = bench.search(lone.clone()).await;
        let names = found["results"].as_array().unwrap().iter().map(|row| row["properties"]["name"].as_str().unwrap());
        assert_eq!((status, names.collect::<Vec<_>>()), (200, expected), "{lone}");
    }
}

#[tokio::test]
async fn batches_have_their_sizes_and_no_record_twice() {
    let bench = Bench::empty().await;
    let many = |n: usize, one: Value| json!({"inputs": vec![one; n]});
    let ties = "/crm/v4/associations/contacts/companies/batch";
    let pair = json!({"from": {"id": "1"}, "to": {"id": "2"}, "types": []});
    let from = json!({"from": {"id": "1"}, "to": [{"id": "2"}]});
    let table = [
        (format!("{COMPANIES}/batch/create"), many(101, json!({"properties": {"name": "A"}}))),
        (format!("{COMPANIES}/batch/update"), many(101, json!({"id": "1", "properties": {}}))),
        (format!("{COMPANIES}/batch/upsert"), many(101, json!({"id": "1", "properties": {}}))),
        (format!("{COMPANIES}/batch/archive"), many(101, json!({"id": "1"}))),
        (format!("{ties}/create"), many(2_001, pair)),
        (format!("{ties}/archive"), many(101, from)),
    ];
    for (path, body) in table {
        let (status, told) = bench.hs(Method::POST, &path, body).await;
        assert_eq!((status, &told["category"]), (400, &json!("VALIDATION_ERROR")), "{path}: {told}");
        assert!(told["message"].as_str().unwrap().contains("maximum number of inputs"), "{path}: {told}");
    }
    let id = bench.new_hubspot(json!({"name": "A"})).await;
    let twice = many(2, json!({"id": id, "properties": {"city": "Ulm"}}));
    assert_eq!(bench.hs(Method::POST, &format!("{COMPANIES}/batch/update"), twice).await.0, 400);
    let archive = json!({"inputs": [{"id": id}, {"id": "99"}]});
    for _ in 0..2 {
        assert_eq!(bench.hs(Method::POST, &format!("{COMPANIES}/batch/archive"), archive.clone()).await.0, 204);
    }
    assert_eq!(ids(&bench.hs_get(&format!("{COMPANIES}?archived=true")).await.1["results"]), [id]);
}

#[tokio::test]
async fn the_account_tells_its_zone_its_currencies_and_its_home() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), 1_780_000_000_000).await;
    let (_, details) = bench.hs_get("/account-info/2026-09/details").await;
    let table = [
        ("accountType", json!("STANDARD")),
        ("timeZone", json!("US/Eastern")),
        ("utcOffset", json!("-04:00")),
        ("utcOffsetMilliseconds", json!(-14_400_000)),
        ("companyCurrency", json!("USD")),
        ("additionalCurrencies", json!(["EUR"])),
        ("uiDomain", json!("app.hubspot.com")),
        ("dataHostingLocation", json!("na1")),
    ];
    for (name, expected) in table {
        assert_eq!(details[name], expected, "{name}");
    }
}

#[tokio::test]
async fn industries_are_the_known_ones_and_told_by_their_names() {
    let bench = Bench::empty().await;
    let (_, industry) = bench.hs_get("/crm/v3/properties/companies/industry").await;
    assert_eq!(industry["options"].as_array().unwrap().len(), 148);
    let industry = |value: &str| json!({"properties": {"name": "A", "industry": value}});
    assert_eq!(bench.hs(Method::POST, COMPANIES, industry("COMPUTER_SOFTWARE")).await.0, 201);
    let (status, told) = bench.hs(Method::POST, COMPANIES, industry("Computer Software")).await;
    assert_eq!((status, &told["errors"][0]["code"]), (400, &json!("INVALID_OPTION")), "a label is no value");
}

#[tokio::test]
async fn the_lists_of_several_records_are_read_at_once() {
    let bench = Bench::empty().await;
    let id: u64 = bench.new_hubspot(json!({"name": "A"})).await.parse().unwrap();
    let url = format!("{}/_sim/hubspot/lists", bench.running.hubspot_url);
    let list = json!({"object": "companies", "name": "L", "processing": "MANUAL", "members": [id]});
    let (_, list) = super::answer(bench.client.put(url).json(&list)).await;
    let input = |id: &str| json!({"objectTypeId": "0-2", "recordId": id});
    let body = json!({"inputs": [input(&id.to_string()), input("99")]});
    let (status, told) = bench.hs(Method::POST, "/crm/v3/lists/records/memberships/batch/read", body).await;
    let mut rows: Vec<(String, usize)> = told["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["recordId"].to_string(), row["recordListMemberships"].as_array().unwrap().len()))
        .collect();
    rows.sort();
    assert_eq!((status, rows), (200, vec![(format!("\"{id}\""), 1), ("\"99\"".to_owned(), 0)]), "{list}: {told}");
}
