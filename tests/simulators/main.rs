//! The simulators over plain HTTP, held against the API facts. No connector code takes part.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

mod connectwise;
mod connectwise_callbacks;
mod connectwise_companies;
mod connectwise_contacts;
mod connectwise_hosts;
mod connectwise_oddities;
mod connectwise_reading;
mod connectwise_role;
mod connectwise_sales;
mod connectwise_scale;
mod connectwise_service;
mod connectwise_writing;
mod control;
mod control_switches;
mod delivery;
mod faults;
mod hubspot;
mod hubspot_account;
mod hubspot_associations;
mod hubspot_details;
mod hubspot_events;
mod hubspot_lists;
mod hubspot_merges;
mod hubspot_objects;
mod hubspot_properties;
mod hubspot_search;
mod hubspot_switches;
mod world;

use std::sync::Once;

use lockstep::sim::{Behaviour, ConnectWiseBehaviour, Data, HubSpotBehaviour, Options, Running, Simulators};
use reqwest::{Method, RequestBuilder};
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

/// Quick, but with this HubSpot.
fn hubspot(hubspot: HubSpotBehaviour) -> Behaviour {
    Behaviour { hubspot, ..Behaviour::quick() }
}

/// Quick, but with this ConnectWise.
fn connectwise(connectwise: ConnectWiseBehaviour) -> Behaviour {
    Behaviour { connectwise, ..Behaviour::quick() }
}

/// Quick, but with what is changed in ConnectWise.
fn behave(change: impl FnOnce(&mut ConnectWiseBehaviour)) -> Behaviour {
    let mut switches = ConnectWiseBehaviour::quick();
    change(&mut switches);
    connectwise(switches)
}

/// The answer of ConnectWise to a PATCH.
async fn patched(bench: &Bench, path: &str, operations: Value) -> (u16, Value) {
    answer(bench.connectwise(Method::PATCH, path).json(&operations)).await
}
