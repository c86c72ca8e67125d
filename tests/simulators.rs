//! The simulators over plain HTTP, held against the API facts. No connector code takes part.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use std::sync::Once;
use std::time::Duration;

use lockstep::sim::{Actor, Behaviour, Clock, Data, Fault, FaultRule, Options, Running, Side, Simulators, Verb};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value, json};

static CRYPTO: Once = Once::new();
const COMPANIES: &str = "/crm/objects/2026-09/companies";

struct Bench {
    running: Running,
    client: reqwest::Client,
}

impl Bench {
    async fn with(options: Options) -> Self {
        CRYPTO.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { running: Simulators::start(options).await.unwrap(), client }
    }

    async fn empty() -> Self {
        Self::with(Options::quick(Data::Empty)).await
    }

    async fn story() -> Self {
        Self::with(Options::quick(Data::Story)).await
    }

    async fn behaving(behaviour: Behaviour, at_ms: i64) -> Self {
        let options = Options { behaviour, standing_at_ms: Some(at_ms), ..Options::quick(Data::Empty) };
        Self::with(options).await
    }

    fn hubspot(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.running.hubspot_url));
        request.bearer_auth(&self.running.credentials.hubspot_token)
    }

    fn connectwise(&self, method: Method, path: &str) -> RequestBuilder {
        let c = &self.running.credentials;
        let url = format!("{}/v2025_1/apis/3.0{path}", self.running.connectwise_url);
        let user = format!("{}+{}", c.connectwise_company, c.connectwise_public_key);
        let request = self.client.request(method, url).basic_auth(user, Some(&c.connectwise_private_key));
        request.header("clientId", &c.connectwise_client_id)
    }

    async fn hs(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        answer(self.hubspot(method, path).json(&body)).await
    }

    async fn hs_get(&self, path: &str) -> (u16, Value) {
        answer(self.hubspot(Method::GET, path)).await
    }

    async fn cw(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        answer(self.connectwise(method, path).json(&body)).await
    }

    async fn cw_get(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        answer(self.connectwise(Method::GET, path).query(query)).await
    }

    async fn new_hubspot(&self, properties: Value) -> String {
        let (status, body) = self.hs(Method::POST, COMPANIES, json!({ "properties": properties })).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn new_connectwise(&self, identifier: &str) -> u64 {
        let body = json!({"identifier": identifier, "name": identifier, "site": {"name": "Main"}});
        let (status, body) = self.cw(Method::POST, "/company/companies", body).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_u64().unwrap()
    }

    async fn search(&self, body: Value) -> (u16, Value) {
        self.hs(Method::POST, &format!("{COMPANIES}/search"), body).await
    }

    fn patch_one(&self, id: u64, op: &str, path: &str, value: Value) -> RequestBuilder {
        let body = json!([{"op": op, "path": path, "value": value}]);
        self.connectwise(Method::PATCH, &format!("/company/companies/{id}")).json(&body)
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row["id"].to_string().replace('"', "")).collect()
}

// ---- HubSpot ----

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
    let (status, body) = bench.hs_get("/crm/objects/2026-09/contacts").await;
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.contacts.read"]));
}

#[tokio::test]
async fn hubspot_lists_every_bad_value_and_writes_none() {
    let bench = Bench::empty().await;
    let bad = json!({"name": "X", "nope": "1", "industry": "Cheese", "createdate": "1", "numberofemployees": "many"});
    let (status, body) = bench.hs(Method::POST, COMPANIES, json!({ "properties": bad })).await;
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    let mut codes: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["INVALID_LONG", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
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
    assert!(bench.running.control.define_property("key", "Key", true));
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
    let lag = Behaviour { create_lag_ms: 10_000, update_lag_ms: 20_000, ..Behaviour::quick() };
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
    let limits = Behaviour { limits: true, hubspot_burst: 3, hubspot_search_per_second: 1, ..Behaviour::quick() };
    let bench = Bench::behaving(limits, 1_780_000_000_000).await;
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
    bench.running.control.edit(Side::HubSpot, number, &fields(json!({"name": "B"})), Some("42")).unwrap();
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

// ---- ConnectWise ----

#[tokio::test]
async fn the_code_base_is_discovered_and_moves() {
    let bench = Bench::empty().await;
    let site = &bench.running.connectwise_url;
    let (status, info) = answer(bench.client.get(format!("{site}/login/companyinfo/brightwater"))).await;
    assert_eq!((status, &info["Codebase"]), (200, &json!("v2025_1/")));
    let (status, nobody) = answer(bench.client.get(format!("{site}/login/companyinfo/stranger"))).await;
    assert_eq!((status, nobody), (200, Value::Null));
    let (status, body) = answer(bench.client.get(format!("{site}/nonsense/company/companies"))).await;
    assert_eq!((status, body), (400, json!("Cannot route. Codebase/company is invalid")));
    let moved = Behaviour { connectwise_code_base: "v2026_1/".to_owned(), ..Behaviour::quick() };
    bench.running.control.set_behaviour(moved);
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 404);
}

#[tokio::test]
async fn connectwise_wants_key_and_client_id() {
    let bench = Bench::empty().await;
    let url = format!("{}/v4_6_release/apis/3.0/system/info", bench.running.connectwise_url);
    assert_eq!(answer(bench.client.get(&url)).await.0, 401);
    let c = &bench.running.credentials;
    let user = format!("{}+{}", c.connectwise_company, c.connectwise_public_key);
    let keyed = || bench.client.get(&url).basic_auth(&user, Some(&c.connectwise_private_key));
    assert_eq!(answer(keyed()).await.0, 401);
    let (status, info) = answer(keyed().header("clientId", &c.connectwise_client_id)).await;
    assert_eq!((status, &info["isCloud"]), (200, &json!(true)));
    let denied = Behaviour { connectwise_denied: vec!["edit".to_owned()], ..Behaviour::quick() };
    bench.running.control.set_behaviour(denied);
    let (status, body) = answer(bench.patch_one(1, "replace", "name", json!("X"))).await;
    assert_eq!((status, &body["code"]), (403, &json!("Security")));
}

#[tokio::test]
async fn a_connectwise_create_needs_identifier_name_and_site() {
    let bench = Bench::empty().await;
    let create = async |body: Value| bench.cw(Method::POST, "/company/companies", body).await;
    let (status, body) = create(json!({"identifier": "A", "name": "A"})).await;
    assert_eq!((status, &body["errors"][0]["message"]), (400, &json!("Company Site name is required.")));
    let (_, body) = create(json!({"site": {"name": "Main"}})).await;
    assert_eq!((&body["code"], &body["errors"][0]["code"]), (&json!("InvalidObject"), &json!("MissingRequiredField")));
    let (_, body) = create(json!({"identifier": "x".repeat(31), "name": "A", "site": {"name": "Main"}})).await;
    assert_eq!(body["errors"][0]["message"], "The field identifier must be a string with a maximum length of 30.");
    let (_, body) = create(json!({"identifier": "A", "name": "A", "site": {"name": "M"}, "status": {"id": 99}})).await;
    assert_eq!((&body["errors"][0]["code"], &body["errors"][0]["field"]), (&json!("NotFound"), &json!("status/id")));
    let (_, body) = create(json!({"identifier": "A", "name": "A", "site": {"name": "M"}, "nonsense": 1})).await;
    assert!(body["message"].as_str().unwrap().starts_with("Could not find member 'nonsense'"), "{body}");
    let (status, body) = create(json!({"identifier": "A", "name": "Two\nlines", "site": {"name": "Main"}})).await;
    assert_eq!((status, &body["name"], &body["status"]["name"]), (201, &json!("Two lines"), &json!("Active")));
    assert!(body.get("website").is_none(), "what has no value is left out");
    assert_eq!(body["_info"]["updatedBy"], "Lockstep");
    assert_eq!(body["_info"]["lastUpdated"].as_str().unwrap().len(), 20);
}

#[tokio::test]
async fn an_identifier_stays_taken_after_its_company_is_deleted() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("HOLLOWAY").await;
    let path = format!("/company/companies/{id}");
    assert_eq!(bench.cw(Method::DELETE, &path, json!({})).await.0, 204);
    let (status, body) = bench.cw_get(&path, &[]).await;
    assert_eq!((status, &body["deletedFlag"], body["dateDeleted"].is_string()), (200, &json!(true), true));
    assert_eq!(ids(&bench.cw_get("/company/companies", &[]).await.1), [id.to_string()], "it stays listed");
    let again = json!({"identifier": "holloway", "name": "H", "site": {"name": "Main"}});
    let (status, body) = bench.cw(Method::POST, "/company/companies", again).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("ObjectExists")));
    assert_eq!(bench.cw_get("/company/companies/99999", &[]).await.1["message"], "Company 99999 not found");
}

#[tokio::test]
async fn a_patch_into_a_reference_is_a_false_success() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let (status, body) = answer(bench.patch_one(id, "replace", "status/id", json!(2))).await;
    assert_eq!((status, &body["status"]["id"]), (200, &json!(1)));
    let (status, body) = answer(bench.patch_one(id, "replace", "/status", json!({"name": "Inactive"}))).await;
    assert_eq!((status, &body["status"]["id"]), (200, &json!(2)));
    let (_, body) = answer(bench.patch_one(id, "add", "territory", json!({"id": 3}))).await;
    assert_eq!(body["territory"]["name"], "Harbor Office");
    let (_, body) = answer(bench.patch_one(id, "remove", "territory", Value::Null)).await;
    assert!(body.get("territory").is_none());
    let (status, _) =
        answer(bench.connectwise(Method::PATCH, &format!("/company/companies/{id}")).json(&json!({"name": "B"}))).await;
    assert_eq!(status, 400, "the body of a PATCH is an array");
    let (status, body) = answer(bench.patch_one(id, "replace", "types", json!([]))).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("typeIds")));
    let (status, body) = answer(bench.patch_one(id, "replace", "numberOfEmployees", json!({}))).await;
    assert_eq!(status, 500, "a wrong type wears a 500: {body}");
    let (_, body) = answer(bench.patch_one(id, "replace", "dateAcquired", json!("2026-01-01T00:00:00+00:00"))).await;
    assert_eq!(body["errors"][0]["code"], "UnsupportedFormat");
}

#[tokio::test]
async fn a_patch_checks_the_whole_stored_record() {
    let bench = Bench::story().await;
    let query = [("conditions", "identifier = \"GRANDCLOCK\"")];
    let (_, list) = bench.cw_get("/company/companies", &query).await;
    let id = list[0]["id"].as_u64().unwrap();
    let (status, body) = answer(bench.patch_one(id, "replace", "city", json!("Salem"))).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("yearEstablished")));
}

#[tokio::test]
async fn custom_fields_that_are_not_sent_keep_their_values() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let send = async |value: Value| answer(bench.patch_one(id, "replace", "customFields", value)).await;
    send(json!([{"id": 31, "value": "88"}])).await;
    let (status, body) = send(json!([{"id": 32, "value": "Gold"}])).await;
    let values: Vec<&Value> = body["customFields"].as_array().unwrap().iter().map(|f| &f["value"]).collect();
    assert_eq!((status, values[0], values[1], values[2]), (200, &json!("88"), &json!("Gold"), &Value::Null));
    assert_eq!(send(json!([{"id": 32, "value": "Tin"}])).await.0, 400);
    let (_, found) = bench
        .cw_get("/company/companies", &[("customFieldConditions", "caption=\"Support Tier\" and value=\"Gold\"")])
        .await;
    assert_eq!(ids(&found), [id.to_string()]);
}

#[tokio::test]
async fn conditions_order_fields_and_count_work_together() {
    let bench = Bench::story().await;
    let found = async |conditions: &str| {
        let (status, list) =
            bench.cw_get("/company/companies", &[("conditions", conditions), ("pageSize", "1000")]).await;
        assert_eq!(status, 200, "{conditions}: {list}");
        list.as_array().unwrap().iter().map(|c| c["identifier"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("website contains 'twinrivers'").await, ["TWINRIV-N", "TWINRIV-S"]);
    assert_eq!(found("deletedFlag = True and (status/name = \"Inactive\")").await, ["GILDANCH", "HOLLOWAY"]);
    assert_eq!(found("identifier in (\"foxglove\", 'KESTREL') and not city like \"Port%\"").await, ["FOXGLOVE"]);
    let query = [("childConditions", "types/name = \"Vendor\""), ("fields", "identifier"), ("orderBy", "name desc")];
    assert_eq!(bench.cw_get("/company/companies", &query).await.1, json!([{"identifier": "NORDLICHT"}]));
    let (_, count) = bench.cw_get("/company/companies/count", &[("conditions", "phoneNumber = null")]).await;
    assert_eq!(count["count"], 2);
}

#[tokio::test]
async fn a_name_that_conditions_do_not_know_is_refused() {
    let bench = Bench::empty().await;
    let (status, body) = bench.cw_get("/company/companies", &[("conditions", "resources/identifier = 1")]).await;
    assert_eq!((status, &body["code"]), (400, &json!("ApiFindCondition")));
    assert_eq!(body["message"], "resources/identifier is not a recognized name.");
}

#[tokio::test]
async fn changes_are_found_by_whole_seconds() {
    let bench = Bench::behaving(Behaviour::quick(), 1_780_000_000_700).await;
    let id = bench.new_connectwise("A").await;
    let since = async |op: &str| {
        let conditions = format!("_info/lastUpdated {op} [2026-05-28T20:26:40Z]");
        ids(&bench.cw_get("/company/companies", &[("conditions", &conditions)]).await.1)
    };
    assert_eq!(since(">=").await, [id.to_string()]);
    assert!(since(">").await.is_empty());
}

#[tokio::test]
async fn pages_are_linked_in_both_manners() {
    let bench = Bench::empty().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(bench.new_connectwise(&format!("C{n}")).await.to_string());
    }
    let page = async |query: &str, forward: bool| {
        let mut request = bench.connectwise(Method::GET, &format!("/company/companies?{query}"));
        if forward {
            request = request.header("pagination-type", "forward-only");
        }
        let response = request.send().await.unwrap();
        let link = response.headers().get("link").map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        (link, ids(&response.json::<Value>().await.unwrap()))
    };
    let (link, rows) = page("pageSize=2&page=2&orderBy=id%20desc", false).await;
    assert_eq!(rows, [made[2].clone(), made[1].clone()]);
    assert!(["next", "last", "first", "prev"].iter().all(|rel| link.contains(&format!("rel=\"{rel}\""))), "{link}");
    let (link, _) = page("pageSize=2&page=3", false).await;
    assert!(!link.contains("rel=\"next\""), "{link}");
    assert_eq!(page("pageSize=5", false).await.0, "", "no links when one page holds everything");
    let (link, rows) = page(&format!("pageSize=2&pageId={}", made[1]), true).await;
    assert_eq!(rows, made[2..4]);
    assert!(link.contains(&format!("pageId={}", made[3])) && link.contains("rel=\"next\""), "{link}");
    let (link, rows) = page(&format!("pageSize=2&pageId={}", made[4]), true).await;
    assert!(rows.is_empty() && link.contains("rel=\"next\""));
    assert_eq!(bench.cw_get("/company/companies", &[("pageSize", "1001")]).await.0, 400);
    assert_eq!(bench.cw_get("/company/companies/count", &[("conditions", "id > 0")]).await.1["count"], 5);
    let (_, rows) = bench.cw_get("/company/companies", &[("fields", "id,status/name"), ("pageSize", "1")]).await;
    assert_eq!(rows[0], json!({"id": made[0].parse::<u64>().unwrap(), "status": {"name": "Active"}}));
}

#[tokio::test]
async fn types_are_associations_of_their_own() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("A").await;
    let path = format!("/company/companies/{id}/typeAssociations");
    let (status, added) = bench.cw(Method::POST, &path, json!({"type": {"id": 3}})).await;
    assert_eq!((status, &added["type"]["name"]), (201, &json!("Vendor")));
    let (_, body) = bench.cw_get(&format!("/company/companies/{id}"), &[]).await;
    assert_eq!(ids(&body["types"]), ["1", "3"]);
    let one = format!("{path}/{}", added["id"]);
    assert_eq!(bench.cw(Method::DELETE, &one, json!({})).await.0, 204);
    assert_eq!(ids(&bench.cw_get(&path, &[]).await.1).len(), 1);
}

#[tokio::test]
async fn a_connectwise_merge_bins_the_source() {
    let bench = Bench::empty().await;
    let (from, to) = (bench.new_connectwise("FROM").await, bench.new_connectwise("TO").await);
    let body = json!({"toCompanyId": to, "name": "From"});
    assert_eq!(bench.cw(Method::POST, &format!("/company/companies/{from}/merge"), body).await.0, 200);
    assert_eq!(bench.cw_get(&format!("/company/companies/{to}"), &[]).await.1["name"], "FROM");
    assert_eq!(bench.cw_get(&format!("/company/companies/{from}"), &[]).await.1["deletedFlag"], true);
}

#[tokio::test]
async fn connectwise_limits_a_minute_and_calls_the_key_error() {
    let limits = Behaviour { limits: true, connectwise_per_minute: 1, ..Behaviour::quick() };
    let bench = Bench::behaving(limits, 1_780_000_000_000).await;
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 200);
    bench.running.control.advance(Duration::from_secs(30));
    let response = bench.connectwise(Method::GET, "/system/info").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"30".parse().unwrap()));
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "ConnectWiseAPI");
}

#[tokio::test]
async fn reference_tables_can_be_listed() {
    let bench = Bench::empty().await;
    for path in [
        "/company/companies/statuses",
        "/company/companies/types",
        "/company/countries",
        "/company/marketDescriptions",
        "/company/ownershipTypes",
        "/system/locations",
        "/system/members",
        "/system/userDefinedFields",
    ] {
        let (status, rows) = bench.cw_get(path, &[("pageSize", "1000")]).await;
        assert!(status == 200 && rows.as_array().is_some_and(|r| r.len() > 3), "{path}: {rows}");
    }
    let (_, rows) =
        bench.cw_get("/system/members", &[("conditions", "inactiveFlag = false and licenseClass = \"A\"")]).await;
    assert_eq!(rows[0]["identifier"], "Lockstep");
}

// ---- the world ----

#[tokio::test]
async fn faults_strike_where_they_are_asked_to() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let create = || bench.hubspot(Method::POST, COMPANIES).json(&json!({"properties": {"name": "A"}}));
    let count = async || bench.hs_get(COMPANIES).await.1["results"].as_array().unwrap().len();
    control.inject(FaultRule::once(Fault::DropBefore).on(Side::HubSpot).method("POST"));
    assert!(create().send().await.is_err());
    assert_eq!(count().await, 0);
    control.inject(FaultRule::once(Fault::DropAfterCommit).method("POST"));
    assert!(create().send().await.is_err());
    assert_eq!(count().await, 1, "the answer was lost, the company was not");
    control.inject(FaultRule::once(Fault::Truncate).method("POST"));
    let response = create().send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert!(response.text().await.is_err());
    assert_eq!(count().await, 2);
    control.inject(FaultRule::once(Fault::Status { code: 502, body: None, retry_after: None }).method("POST").times(2));
    assert_eq!(
        (create().send().await.unwrap().status().as_u16(), create().send().await.unwrap().status().as_u16()),
        (502, 502)
    );
    assert_eq!(answer(create()).await.0, 201);
    assert_eq!((control.faults().len(), control.faults_struck()), (0, 5));
}

#[tokio::test]
async fn the_ledger_knows_who_changed_what() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let id = bench.new_connectwise("A").await;
    control
        .edit(
            Side::ConnectWise,
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
    let unknown = control.edit(Side::ConnectWise, id, &fields(json!({"nonsense": 1})), None);
    assert!(unknown.is_err());
}

#[tokio::test]
async fn the_control_api_does_over_http_what_the_handle_does() {
    let bench = Bench::empty().await;
    let base = format!("{}/_sim", bench.running.connectwise_url);
    let call = async |method: Method, path: &str, body: Value| {
        answer(bench.client.request(method, format!("{base}{path}")).json(&body)).await
    };
    let (_, made) = call(Method::POST, "/records/hubspot", json!({"fields": {"name": "A"}, "user": "7"})).await;
    let one = format!("/records/hubspot/{}", made["id"]);
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
    assert_eq!(call(Method::GET, "/records/hubspot", json!({})).await.1, json!([]));
}

#[tokio::test]
async fn the_story_is_told() {
    let bench = Bench::story().await;
    let control = &bench.running.control;
    let (hubspot, connectwise) = (control.records(Side::HubSpot, 0, 1000), control.records(Side::ConnectWise, 0, 1000));
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
        let rows = a.running.control.records(side, 0, 1000);
        assert_eq!((rows.len(), &rows), (expected, &b.running.control.records(side, 0, 1000)));
        assert!(rows.iter().all(|r| r["name"].is_string()));
    }
}
