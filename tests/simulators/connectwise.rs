//! ConnectWise's companies and what companies need.

use std::time::Duration;

use lockstep::sim::{Behaviour, ConnectWiseBehaviour, Level, Permit, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, connectwise, ids};

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
    let moved = ConnectWiseBehaviour { code_base: "v2026_1/".to_owned(), ..ConnectWiseBehaviour::quick() };
    bench.running.control.set_behaviour(connectwise(moved));
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
    let denied = ConnectWiseBehaviour { denied: vec!["edit".to_owned()], ..ConnectWiseBehaviour::quick() };
    bench.running.control.set_behaviour(connectwise(denied));
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
    let loose = ConnectWiseBehaviour { custom_fields_whole: false, ..ConnectWiseBehaviour::quick() };
    bench.running.control.set_behaviour(connectwise(loose));
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
    let query = [("conditions", "name like \"N*\""), ("fields", "identifier"), ("orderBy", "name desc")];
    let (_, named) = bench.cw_get("/company/companies", &query).await;
    assert!(named.as_array().unwrap().contains(&json!({"identifier": "NORDLICHT"})), "{named}");
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
    let path = format!("/company/companies/{from}/merge");
    let role = Role::all().with("Companies/Company Maintenance", Permit { edit: Level::None, ..Permit::ALL });
    bench.running.control.set_behaviour(connectwise(ConnectWiseBehaviour { role, ..ConnectWiseBehaviour::quick() }));
    assert_eq!(bench.cw(Method::POST, &path, body.clone()).await.0, 403, "a merge is an edit");
    bench.running.control.set_behaviour(Behaviour::quick());
    assert_eq!(bench.cw(Method::POST, &path, body).await.0, 200);
    assert_eq!(bench.cw_get(&format!("/company/companies/{to}"), &[]).await.1["name"], "FROM");
    assert_eq!(bench.cw_get(&format!("/company/companies/{from}"), &[]).await.1["deletedFlag"], true);
}

#[tokio::test]
async fn connectwise_limits_a_minute_and_calls_the_key_error() {
    let limits = connectwise(ConnectWiseBehaviour { per_minute: 1, ..ConnectWiseBehaviour::quick() });
    let bench = Bench::behaving(Behaviour { limits: true, ..limits }, 1_780_000_000_000).await;
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 200);
    bench.running.control.advance(Duration::from_secs(30));
    let response = bench.connectwise(Method::GET, "/system/info").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"30".parse().unwrap()));
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "ConnectWiseAPI");
}

#[tokio::test]
async fn a_bundle_counts_as_one_request() {
    let limits = connectwise(ConnectWiseBehaviour { per_minute: 2, ..ConnectWiseBehaviour::quick() });
    let bench = Bench::behaving(Behaviour { limits: true, ..limits }, 1_780_000_000_000).await;
    let read = |number: u32| json!({"sequenceNumber": number, "resourceType": "company", "apiRequest": {}});
    let bundle = json!({"requests": [read(1), read(2), read(3)]});
    let (status, body) = bench.cw(Method::POST, "/system/bundles", bundle).await;
    let read = body["results"].as_array().unwrap().iter().filter(|one| one["success"] == true).count();
    assert_eq!((status, read), (200, 3));
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 200);
    assert_eq!(bench.cw_get("/system/info", &[]).await.0, 429);
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

/// Clients that are generated from the published model refuse a member without what it calls required.
#[tokio::test]
async fn a_member_shows_what_the_model_requires() {
    let bench = Bench::story().await;
    let (status, members) = bench.cw_get("/system/members", &[]).await;
    let members = members.as_array().unwrap();
    assert!(status == 200 && members.len() > 5, "{}", members.len());
    let table = [
        ("licenseClass", &["A", "C", "F", "X"][..]),
        ("defaultEmail", &["Office", "Mobile", "Home"]),
        ("defaultPhone", &["Office", "Mobile", "Home"]),
        ("agreementInvoicingDisplayOptions", &["RemainOnInvoicingScreen", "ShowRecentInvoices"]),
        ("invoicingDisplayOptions", &["RemainOnInvoicingScreen", "ShowRecentInvoices"]),
        ("invoiceScreenDefaultTabFormat", &["ShowInvoicingTab", "ShowAgreementInvoicingTab"]),
    ];
    for member in members {
        for (name, words) in table {
            assert!(member[name].as_str().is_some_and(|word| words.contains(&word)), "{name}: {member}");
        }
        assert!(member["identifier"].is_string() && member["firstName"].is_string(), "{member}");
    }
}
