//! What merges leave behind in HubSpot's records.

use lockstep::sim::{HubSpotBehaviour, Object, Side};
use reqwest::Method;
use serde_json::json;

use super::{Bench, fields, hubspot};

const NEW: &str = "/crm/objects/2026-09";
const START: i64 = 1_780_000_000_000;

#[tokio::test]
async fn a_contact_takes_in_no_more_than_250_identities() {
    let switches = HubSpotBehaviour { merge_keeps_id: true, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let control = &bench.running.control;
    let new = |n: u32| {
        let email = fields(json!({"email": format!("c{n}@tin.example.com")}));
        control.create(Side::HubSpot, Object::Contact, &email, None).unwrap()
    };
    let survivor = new(0);
    for n in 1..=249 {
        control.merge(Side::HubSpot, Object::Contact, survivor, new(n), None).unwrap();
    }
    let merge = async |n: u32| {
        let body = json!({"primaryObjectId": survivor.to_string(), "objectIdToMerge": new(n).to_string()});
        bench.hs(Method::POST, &format!("{NEW}/contacts/merge"), body).await
    };
    assert_eq!(merge(250).await.0, 200);
    let (status, told) = merge(251).await;
    assert_eq!((status, &told["message"]), (414, &json!("Cannot have more than 250 identities on a profile")));
}

#[tokio::test]
async fn a_merged_company_keeps_the_domains_of_both() {
    let bench = Bench::empty().await;
    let a = bench.new_hubspot(json!({"name": "A", "domain": "a.example.com"})).await;
    let b = bench.new_hubspot(json!({"name": "B", "domain": "b.example.com"})).await;
    let c = bench.new_hubspot(json!({"name": "C", "domain": "c.example.com"})).await;
    let mut survivor = a;
    for other in [b, c] {
        let body = json!({"primaryObjectId": survivor, "objectIdToMerge": other});
        let (_, merged) = bench.hs(Method::POST, &format!("{NEW}/companies/merge"), body).await;
        survivor = merged["id"].as_str().unwrap().to_owned();
    }
    let (_, read) = bench.hs_get(&format!("{NEW}/companies/{survivor}?properties=domain,hs_additional_domains")).await;
    assert_eq!(read["properties"]["domain"], "a.example.com");
    assert_eq!(read["properties"]["hs_additional_domains"], "b.example.com;c.example.com");
    let (_, other) =
        bench.hs(Method::POST, &format!("{NEW}/companies"), json!({"properties": {"domain": "b.example.com"}})).await;
    assert!(other["id"].is_string(), "a domain is not unique: {other}");
}
