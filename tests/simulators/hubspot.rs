//! HubSpot's companies and what companies need.

use std::time::Duration;

use lockstep::sim::{Behaviour, HubSpotBehaviour, Object, Side};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Bench, COMPANIES, answer, fields, hubspot, ids};

#[tokio::test]
async fn both_path_families_show_the_same_company() {
    let bench = Bench::empty().await;
    let id = bench.new_hubspot(json!({"name": "Tin Sail", "domain": "tinsail.example.com"})).await;
    let mut seen = Vec::new();
    for family in ["/crm/objects/2026-09/companies", "/crm/objects/2026-03/0-2", "/crm/v3/objects/company"] {
        let (status, body) = bench.hs_get(&format!("{family}/{id}?properties=name,phone,nonsense")).await;
        assert_eq!(status, 200);
        assert_eq!(body["properties"]["name"], "Tin Sail");
        assert_eq!(body["properties"]["phone"], Value::Null);
        assert!(body["properties"].get("nonsense").is_none());
        assert_eq!(body["properties"]["hs_object_id"], json!(id));
        seen.push(body);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn hubspot_says_what_is_wrong_with_credentials_ids_and_scopes() {
    let bench = Bench::empty().await;
    let url = format!("{}{COMPANIES}", bench.running.hubspot_url);
    let (status, body) = answer(bench.client.get(&url)).await;
    assert_eq!((status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    let (status, body) = answer(bench.client.get(&url).bearer_auth("pat-na1-wrong")).await;
    assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
    let (status, body) = bench.hs_get(&format!("{COMPANIES}/123456")).await;
    assert_eq!((status, &body["message"]), (404, &json!("resource not found")));
    assert!(body.get("category").is_none());
    let (status, body) = bench.hs_get(&format!("{COMPANIES}/abc")).await;
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
    let (status, body) = bench.hs_get("/crm/objects/2026-09/quotes").await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.quotes"]));
}

#[tokio::test]
async fn hubspot_lists_every_bad_value_and_writes_none() {
    let bench = Bench::empty().await;
    let bad = json!({"name": "X", "nope": "1", "industry": "Cheese", "createdate": "1", "numberofemployees": "many"});
    let (status, body) = bench.hs(Method::POST, COMPANIES, json!({ "properties": bad })).await;
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    let mut codes: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["INVALID_INTEGER", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
    assert!(body["message"].as_str().unwrap().starts_with("Property values were not valid: [{"));
    assert_eq!(bench.hs_get(COMPANIES).await.1["results"], json!([]));
}

#[tokio::test]
async fn a_unique_value_is_held_by_one_company_and_finds_it() {
    let bench = Bench::empty().await;
    let property = json!({"name": "cw_id", "label": "Key", "type": "string", "fieldType": "text",
        "groupName": "companyinformation", "hasUniqueValue": true});
    let (status, _) = bench.hs(Method::POST, "/crm/properties/2026-09/companies", property.clone()).await;
    assert_eq!(status, 201);
    let (status, body) = bench.hs(Method::POST, "/crm/v3/properties/companies", property).await;
    assert_eq!((status, &body["subCategory"]), (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS")));
    let holder = bench.new_hubspot(json!({"name": "A", "cw_id": "77"})).await;
    let (status, body) = bench.hs(Method::POST, COMPANIES, json!({"properties": {"name": "B", "cw_id": "77"}})).await;
    assert_eq!(status, 400);
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with("Cannot set PropertyValueCoordinates{portalId="), "{message}");
    assert!(message.ends_with(&format!(". {holder} already has that value.")), "{message}");
    let (status, body) = bench.hs_get(&format!("{COMPANIES}/77?idProperty=cw_id")).await;
    assert_eq!((status, &body["id"]), (200, &json!(holder)));
    let (_, read) = bench
        .hs(Method::POST, &format!("{COMPANIES}/batch/read"), json!({"idProperty": "cw_id", "inputs": [{"id": "77"}]}))
        .await;
    assert_eq!(ids(&read["results"]), std::slice::from_ref(&holder));
    bench.hs(Method::PATCH, &format!("{COMPANIES}/{holder}"), json!({"properties": {"cw_id": ""}})).await;
    bench.new_hubspot(json!({"name": "B", "cw_id": "77"})).await;
}

#[tokio::test]
async fn the_list_pages_by_id_and_shows_archived_ones_apart() {
    let bench = Bench::empty().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(bench.new_hubspot(json!({"name": format!("C{n}")})).await);
    }
    let (_, first) = bench.hs_get(&format!("{COMPANIES}?limit=2")).await;
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    assert_eq!((after, ids(&first["results"])), (made[2].as_str(), made[..2].to_vec()));
    let (_, rest) = bench.hs_get(&format!("{COMPANIES}?limit=100&after={after}")).await;
    assert_eq!(ids(&rest["results"]), made[2..]);
    assert!(rest.get("paging").is_none());
    assert_eq!(bench.hs_get(&format!("{COMPANIES}?limit=101")).await.0, 400);
    let gone = format!("{COMPANIES}/{}", made[1]);
    assert_eq!(bench.hs(Method::DELETE, &gone, json!({})).await.0, 204);
    assert_eq!(bench.hs(Method::DELETE, &gone, json!({})).await.0, 204);
    assert_eq!(bench.hs_get(&gone).await.0, 404);
    let (status, body) = bench.hs_get(&format!("{gone}?archived=true")).await;
    assert_eq!((status, body["archivedAt"].is_string()), (200, true));
    assert_eq!(ids(&bench.hs_get(&format!("{COMPANIES}?archived=true")).await.1["results"]), made[1..2]);
}

#[tokio::test]
async fn a_batch_read_with_missing_ids_is_a_207_that_names_them() {
    let bench = Bench::empty().await;
    let id = bench.new_hubspot(json!({"name": "A"})).await;
    let inputs = json!({"properties": ["name"], "inputs": [{"id": id}, {"id": "999"}]});
    let (status, body) = bench.hs(Method::POST, &format!("{COMPANIES}/batch/read"), inputs).await;
    assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["999"]));
    assert_eq!(body["results"][0]["properties"]["name"], "A");
    let many: Vec<Value> = (0..101).map(|n| json!({"id": n.to_string()})).collect();
    assert_eq!(bench.hs(Method::POST, &format!("{COMPANIES}/batch/read"), json!({ "inputs": many })).await.0, 400);
}

#[tokio::test]
async fn a_batch_create_is_all_or_nothing_unless_every_input_is_traced() {
    let bench = Bench::empty().await;
    assert!(bench.running.control.define_property(Object::Company, "key", "Key", true).unwrap());
    let path = format!("{COMPANIES}/batch/create");
    let row = |key: &str| json!({"properties": {"name": key, "key": key}});
    let (status, _) = bench.hs(Method::POST, &path, json!({"inputs": [row("a"), row("b"), row("a")]})).await;
    assert_eq!(status, 400);
    assert_eq!(bench.hs_get(COMPANIES).await.1["results"], json!([]));
    let traced = |key: &str, trace: &str| json!({"properties": {"name": key, "key": key}, "objectWriteTraceId": trace});
    let inputs = json!({"inputs": [traced("a", "t1"), traced("b", "t2"), traced("a", "t3")]});
    let (status, body) = bench.hs(Method::POST, &path, inputs).await;
    assert_eq!(status, 207);
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"], json!(["t3"]));
    let traces: Vec<&str> =
        body["results"].as_array().unwrap().iter().map(|r| r["objectWriteTraceId"].as_str().unwrap()).collect();
    assert_eq!(traces, ["t2", "t1"], "results come in another order than they were sent");
}

#[tokio::test]
async fn a_batch_update_reports_what_is_missing_and_drops_what_was_merged_away() {
    let bench = Bench::empty().await;
    let (a, b, c) = (
        bench.new_hubspot(json!({"name": "A"})).await,
        bench.new_hubspot(json!({"name": "B", "phone": "555-0101"})).await,
        bench.new_hubspot(json!({"name": "C"})).await,
    );
    let body = json!({"primaryObjectId": a, "objectIdToMerge": b});
    let (status, survivor) = bench.hs(Method::POST, &format!("{COMPANIES}/merge"), body).await;
    assert_eq!(status, 200);
    let survivor_id = survivor["id"].as_str().unwrap();
    assert_ne!(survivor_id, a, "a merge gives a new id");
    assert_eq!(survivor["properties"]["hs_merged_object_ids"], json!(format!("{a};{b}")));
    assert_eq!(survivor["properties"]["phone"], "555-0101");
    for old in [&a, &b] {
        assert_eq!(bench.hs_get(&format!("{COMPANIES}/{old}")).await.1["id"], json!(survivor_id));
    }
    assert_eq!(bench.hs_get(&format!("{COMPANIES}?archived=true")).await.1["results"], json!([]));
    let row = |id: &str| json!({"id": id, "properties": {"city": "Salem"}});
    let path = format!("{COMPANIES}/batch/update");
    let (status, body) = bench.hs(Method::POST, &path, json!({"inputs": [row(&a), row(&c), row("12")]})).await;
    assert_eq!((status, ids(&body["results"])), (207, vec![c]));
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["12"]));
}

#[tokio::test]
async fn search_filters_sorts_and_pages() {
    let bench = Bench::empty().await;
    for (name, employees) in [("Red Fox", "100.00"), ("Blue Fox", "20"), ("Grey Owl", "")] {
        bench.new_hubspot(json!({"name": name, "numberofemployees": employees})).await;
    }
    let names = |body: &Value| -> Vec<String> {
        body["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["properties"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let filter = |name: &str, op: &str, value: Value| {
        let mut filter = json!({"propertyName": name, "operator": op});
        let member = if value.is_array() { "values" } else { "value" };
        filter[member] = value;
        json!({"filterGroups": [{"filters": [filter]}], "sorts": ["-name"]})
    };
    let table = [
        (filter("name", "EQ", json!("red fox")), vec!["Red Fox"]),
        (filter("name", "CONTAINS_TOKEN", json!("fox")), vec!["Red Fox", "Blue Fox"]),
        (filter("name", "IN", json!(["blue fox", "Grey Owl"])), vec!["Blue Fox"]),
        (filter("numberofemployees", "EQ", json!("100")), vec!["Red Fox"]),
        (filter("numberofemployees", "NEQ", json!("100")), vec!["Blue Fox"]),
        (filter("numberofemployees", "NOT_HAS_PROPERTY", Value::Null), vec!["Grey Owl"]),
        (json!({"query": "owl"}), vec!["Grey Owl"]),
    ];
    for (body, expected) in table {
        let (status, found) = bench.search(body.clone()).await;
        assert_eq!((status, names(&found)), (200, expected.iter().map(|s| (*s).to_owned()).collect()), "{body}");
    }
    let (_, page) = bench.search(json!({"limit": 2})).await;
    assert_eq!((page["total"].as_u64(), &page["paging"]["next"]["after"]), (Some(3), &json!("2")));
    let (_, page) = bench.search(json!({"limit": 2, "after": "2"})).await;
    assert_eq!((names(&page), page.get("paging")), (vec!["Grey Owl".to_owned()], None));
}

#[tokio::test]
async fn search_refuses_what_is_beyond_its_limits() {
    let bench = Bench::empty().await;
    let one = json!({"propertyName": "name", "operator": "HAS_PROPERTY"});
    let group = |n: usize| json!({"filters": vec![one.clone(); n]});
    let refused = [
        json!({"limit": 201}),
        json!({"limit": 200, "after": "9900"}),
        json!({"filterGroups": [group(7)]}),
        json!({"filterGroups": vec![group(1); 6]}),
        json!({"filterGroups": vec![group(5); 4]}),
        json!({"sorts": ["name", "city"]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]}),
        json!({"filterGroups": [{"filters": [{"propertyName": "name", "operator": "GT", "value": "2026-01-01"}]}]}),
        json!({"query": "x".repeat(3001)}),
    ];
    for body in refused {
        assert_eq!(bench.search(body.clone()).await.0, 400, "{body}");
    }
    assert_eq!(bench.search(json!({"limit": 200, "after": "9800"})).await.0, 200);
}

#[tokio::test]
async fn search_learns_of_creates_and_changes_only_later() {
    let start = 1_780_000_000_000;
    let lag = hubspot(HubSpotBehaviour { create_lag_ms: 10_000, update_lag_ms: 20_000, ..HubSpotBehaviour::quick() });
    let bench = Bench::behaving(lag, start).await;
    let control = &bench.running.control;
    let id = bench.new_hubspot(json!({"name": "Old"})).await;
    let found = async |name: &str| {
        let filter = json!({"propertyName": "name", "operator": "EQ", "value": name});
        bench.search(json!({"filterGroups": [{"filters": [filter]}]})).await.1["total"].as_u64().unwrap()
    };
    assert_eq!(found("old").await, 0);
    assert_eq!(bench.hs_get(&format!("{COMPANIES}/{id}")).await.0, 200, "reading by id knows at once");
    control.advance(Duration::from_secs(10));
    assert_eq!(found("old").await, 1);
    bench.hs(Method::PATCH, &format!("{COMPANIES}/{id}"), json!({"properties": {"name": "New"}})).await;
    control.advance(Duration::from_secs(19));
    assert_eq!((found("old").await, found("new").await), (1, 0));
    control.advance(Duration::from_secs(1));
    assert_eq!((found("old").await, found("new").await), (0, 1));
}

#[tokio::test]
async fn hubspot_counts_ten_seconds_and_searches_apart() {
    let limits = HubSpotBehaviour { burst: 3, search_per_second: 1, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(Behaviour { limits: true, ..hubspot(limits) }, 1_780_000_000_000).await;
    let first = bench.hubspot(Method::GET, COMPANIES).send().await.unwrap();
    assert_eq!(first.headers()["x-hubspot-ratelimit-remaining"], "2");
    assert_eq!(first.headers()["date"], "Thu, 28 May 2026 20:26:40 GMT");
    assert!(first.headers().contains_key("x-hubspot-correlation-id"));
    bench.hs_get(COMPANIES).await;
    bench.hs_get(COMPANIES).await;
    let (status, body) = bench.hs_get(COMPANIES).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    let search = bench.hubspot(Method::POST, &format!("{COMPANIES}/search")).json(&json!({})).send().await.unwrap();
    assert_eq!(search.status(), StatusCode::OK);
    assert!(!search.headers().contains_key("x-hubspot-ratelimit-remaining"));
    let (status, body) = bench.search(json!({})).await;
    assert_eq!((status, &body["policyName"]), (429, &json!("SECONDLY")));
    bench.running.control.advance(Duration::from_secs(10));
    assert_eq!(bench.hs_get(COMPANIES).await.0, 200);
}

#[tokio::test]
async fn history_tells_people_from_integrations() {
    let bench = Bench::empty().await;
    let id = bench.new_hubspot(json!({"name": "A"})).await;
    let number: u64 = id.parse().unwrap();
    bench
        .running
        .control
        .edit(Side::HubSpot, Object::Company, number, &fields(json!({"name": "B"})), Some("42"))
        .unwrap();
    let (_, body) = bench.hs_get(&format!("{COMPANIES}/{id}?propertiesWithHistory=name")).await;
    let history = &body["propertiesWithHistory"]["name"];
    assert_eq!((&history[0]["sourceType"], &history[0]["sourceId"]), (&json!("CRM_UI"), &json!("userId:42")));
    assert_eq!((&history[1]["value"], &history[1]["sourceType"]), (&json!("A"), &json!("INTEGRATION")));
}

#[tokio::test]
async fn a_lifecycle_stage_does_not_go_back_and_says_nothing() {
    let bench = Bench::empty().await;
    let id = bench.new_hubspot(json!({"name": "A", "lifecyclestage": "customer"})).await;
    let path = format!("{COMPANIES}/{id}");
    let (status, body) = bench.hs(Method::PATCH, &path, json!({"properties": {"lifecyclestage": "lead"}})).await;
    assert_eq!((status, &body["properties"]["lifecyclestage"]), (200, &json!("customer")));
}

#[tokio::test]
async fn owners_account_and_definitions_can_be_read() {
    let bench = Bench::empty().await;
    let (_, owners) = bench.hs_get("/crm/v3/owners?limit=2").await;
    assert_eq!(ids(&owners["results"]).len(), 2);
    assert_eq!(owners["paging"]["next"]["after"], "2");
    let (_, left) = bench.hs_get("/crm/owners/2026-09?archived=true").await;
    assert!(left["results"][0].get("userId").is_none());
    let (_, details) = bench.hs_get("/account-info/v3/details").await;
    assert!(details["portalId"].is_u64());
    let (_, usage) = bench.hs_get("/account-info/2026-03/api-usage/daily/private-apps").await;
    assert_eq!(usage["results"][0]["currentUsage"], 4);
    let (_, definition) = bench.hs_get("/crm/properties/2026-09/companies/hubspot_owner_id").await;
    assert_eq!((&definition["externalOptions"], &definition["options"]), (&json!(true), &json!([])));
    let (status, body) =
        bench.hs(Method::POST, COMPANIES, json!({"properties": {"name": "A", "hubspot_owner_id": "1"}})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")));
}
