//! HubSpot's lists ("segments"): found by name, members in order of record and of joining, changed only where people keep them.

use std::time::Duration;

use lockstep::sim::HubSpotBehaviour;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, answer, hubspot};

const START: i64 = 1_780_000_000_000;
const LISTS: &str = "/crm/lists/2026-09";

async fn bench() -> Bench {
    let mut switches = HubSpotBehaviour::quick();
    switches.scopes.push("crm.lists.write".to_owned());
    Bench::behaving(hubspot(switches), START).await
}

/// Sets a list and its members by the control API.
async fn set(bench: &Bench, processing: &str, members: &[u64]) -> u64 {
    let url = format!("{}/_sim/hubspot/lists", bench.running.hubspot_url);
    let body = json!({"object": "companies", "name": "Sync me", "processing": processing, "members": members});
    answer(bench.client.put(url).json(&body)).await.1["id"].as_u64().unwrap()
}

fn members(body: &Value) -> Vec<&str> {
    body["results"].as_array().unwrap().iter().map(|row| row["recordId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn members_come_by_record_and_by_the_time_they_joined() {
    let bench = bench().await;
    let mut made = Vec::new();
    for n in 0..3 {
        made.push(bench.new_hubspot(json!({"name": format!("C{n}")})).await);
    }
    let id = |n: usize| made[n].parse::<u64>().unwrap();
    let list = set(&bench, "DYNAMIC", &[id(2)]).await;
    bench.running.control.advance(Duration::from_secs(5));
    assert_eq!(set(&bench, "DYNAMIC", &[id(0), id(1), id(2)]).await, list);
    let (_, by_record) = bench.hs_get(&format!("{LISTS}/{list}/memberships")).await;
    assert_eq!(members(&by_record), [&made[0], &made[1], &made[2]]);
    let (_, first) = bench.hs_get(&format!("{LISTS}/{list}/memberships/join-order?limit=2")).await;
    assert_eq!(members(&first), [&made[2], &made[0]]);
    assert_eq!(first["results"][0]["membershipTimestamp"], "2026-05-28T20:26:40Z");
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let (_, rest) = bench.hs_get(&format!("{LISTS}/{list}/memberships/join-order?limit=2&after={after}")).await;
    assert_eq!((members(&rest), rest.get("paging")), (vec![made[1].as_str()], None));
    assert_eq!(bench.hs_get(&format!("{LISTS}/{list}/memberships?limit=251")).await.0, 400);
    let (_, of) = bench.hs_get(&format!("/crm/v3/lists/records/0-2/{}/memberships", made[1])).await;
    assert_eq!(of["results"][0]["listId"], json!(list.to_string()));
    bench.hs(Method::DELETE, &format!("/crm/v3/objects/companies/{}", made[1]), json!({})).await;
    let (_, left) = bench.hs_get(&format!("{LISTS}/{list}/memberships")).await;
    assert_eq!(members(&left), [&made[0], &made[2]], "an archived record is in no list");
}

#[tokio::test]
async fn a_list_is_found_by_search_by_name_and_by_id() {
    let bench = bench().await;
    let list = set(&bench, "MANUAL", &[]).await;
    let (status, body) = bench
        .hs(Method::POST, &format!("{LISTS}/search"), json!({"query": "sync", "processingTypes": ["MANUAL"]}))
        .await;
    assert_eq!((status, &body["total"], &body["hasMore"]), (200, &json!(1), &json!(false)));
    assert_eq!(body["lists"][0]["listId"], json!(list.to_string()));
    let (_, none) =
        bench.hs(Method::POST, "/crm/v3/lists/search", json!({"query": "sync", "processingTypes": ["DYNAMIC"]})).await;
    assert_eq!(none["total"], 0);
    let (_, named) = bench.hs_get(&format!("{LISTS}/object-type-id/0-2/name/sync%20me")).await;
    assert_eq!((&named["list"]["name"], &named["list"]["objectTypeId"]), (&json!("Sync me"), &json!("0-2")));
    assert_eq!(bench.hs_get(&format!("{LISTS}/{list}")).await.1["list"], named["list"]);
    let (status, body) = bench.hs_get(&format!("{LISTS}/77")).await;
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
}

#[tokio::test]
async fn members_are_added_and_removed_only_where_people_keep_them() {
    let bench = bench().await;
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    let new = json!({"name": "By hand", "objectTypeId": "0-2", "processingType": "MANUAL"});
    let (_, made) = bench.hs(Method::POST, LISTS, new).await;
    let id = made["list"]["listId"].as_str().unwrap();
    let (status, body) = bench.hs(Method::PUT, &format!("{LISTS}/{id}/memberships/add"), json!([company, "99"])).await;
    assert_eq!((status, &body["recordsIdsAdded"], &body["recordIdsMissing"]), (200, &json!([company]), &json!(["99"])));
    let (_, body) = bench.hs(Method::PUT, &format!("{LISTS}/{id}/memberships/remove"), json!([company])).await;
    assert_eq!(body["recordIdsRemoved"], json!([company]));
    let dynamic = set(&bench, "DYNAMIC", &[]).await;
    assert_eq!(bench.hs(Method::PUT, &format!("{LISTS}/{dynamic}/memberships/add"), json!([company])).await.0, 400);
}

#[tokio::test]
async fn a_list_is_renamed_emptied_filled_from_another_deleted_and_restored() {
    let bench = bench().await;
    let (one, two) = (bench.new_hubspot(json!({"name": "A"})).await, bench.new_hubspot(json!({"name": "B"})).await);
    let put = async |path: String| bench.hs(Method::PUT, &format!("{LISTS}/{path}"), json!({})).await;
    let new = json!({"name": "By hand", "objectTypeId": "0-2", "processingType": "MANUAL"});
    let (_, made) = bench.hs(Method::POST, LISTS, new).await;
    let id = made["list"]["listId"].as_str().unwrap();
    let source = set(&bench, "DYNAMIC", &[one.parse().unwrap(), two.parse().unwrap()]).await;
    let listed = async || bench.hs_get(&format!("{LISTS}/{id}/memberships")).await.1;

    let (status, renamed) = put(format!("{id}/update-list-name?listName=Chosen%20ones")).await;
    assert_eq!((status, &renamed["updatedList"]["name"]), (200, &json!("Chosen ones")));
    assert_eq!(put(format!("{id}/update-list-name?listName=sync%20me")).await.0, 400, "the name is taken");
    assert_eq!(put(format!("{id}/update-list-name")).await.0, 400);

    assert_eq!(put(format!("{id}/memberships/add-from/{source}")).await.0, 204);
    assert_eq!(members(&listed().await), [&one, &two]);
    assert_eq!(put(format!("{source}/memberships/add-from/{id}")).await.0, 400, "a filter decides about that one");
    assert_eq!(bench.hs(Method::DELETE, &format!("{LISTS}/{source}/memberships"), json!({})).await.0, 400);

    assert_eq!(bench.hs(Method::DELETE, &format!("{LISTS}/{id}"), json!({})).await.0, 204);
    assert_eq!(bench.hs_get(&format!("{LISTS}/{id}")).await.0, 404);
    bench.hs(Method::DELETE, &format!("/crm/v3/objects/companies/{two}"), json!({})).await;
    assert_eq!((put(format!("{id}/restore")).await.0, put("77/restore".to_owned()).await.0), (204, 404));
    assert_eq!(members(&listed().await), [&one], "who was archived meanwhile is in no list");

    bench.hs(Method::DELETE, &format!("{LISTS}/{id}"), json!({})).await;
    let again = json!({"name": "Chosen ones", "objectTypeId": "0-2", "processingType": "MANUAL"});
    assert_eq!(bench.hs(Method::POST, LISTS, again).await.0, 200);
    assert_eq!(put(format!("{id}/restore")).await.0, 400, "its name is another list's by now");

    let other = bench.hs(Method::POST, &format!("{LISTS}/search"), json!({"query": "Chosen"})).await.1;
    let other = other["lists"][0]["listId"].as_str().unwrap().to_owned();
    put(format!("{other}/memberships/add-from/{source}")).await;
    let emptied = bench.hs(Method::DELETE, &format!("{LISTS}/{other}/memberships"), json!({})).await;
    let left = bench.hs_get(&format!("{LISTS}/{other}/memberships")).await.1;
    assert_eq!((emptied.0, &left["total"]), (204, &json!(0)));
}

#[tokio::test]
async fn what_is_not_served_of_lists_and_associations_is_no_list_and_no_object() {
    let bench = bench().await;
    for path in [
        "/crm/v3/lists/folders",
        "/crm/v3/lists/idmapping",
        "/crm/v4/associations/definitions/configurations/all",
        "/crm/v4/associations/definitions/configurations/contacts/companies",
        "/crm/v4/associations/usage/high-usage-report/7",
    ] {
        let (status, body) = bench.hs_get(path).await;
        assert_eq!((status, &body["message"]), (404, &json!("resource not found")), "{path}");
    }
}
