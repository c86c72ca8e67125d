//! What the security role of ConnectWise's API member lets through, and what credentials and versions are answered.

use lockstep::sim::{ConnectWiseBehaviour, Level, Permit, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, behave, connectwise, ids, patched};

/// A row of the role with one verb taken away.
fn without(verb: &str) -> Permit {
    let mut permit = Permit::ALL;
    match verb {
        "add" => permit.add = Level::None,
        "edit" => permit.edit = Level::None,
        "delete" => permit.delete = Level::None,
        _ => permit.inquire = Level::None,
    }
    permit
}

#[tokio::test]
async fn every_endpoint_has_a_row_and_refuses_before_it_looks_at_the_body() {
    let bench = Bench::empty().await;
    let company = bench.new_connectwise("A").await;
    let under = |part: &str| format!("/company/companies/{company}/{part}");
    let table = [
        ("Companies/Company Maintenance", "/company/companies".to_owned()),
        ("Companies/Company Maintenance", under("sites")),
        ("Companies/Notes", under("notes")),
        ("Companies/Company/Contact Group Maintenance", under("typeAssociations")),
        ("Companies/Contacts", "/company/contacts".to_owned()),
        ("Companies/CRM/Sales Activities", "/sales/activities".to_owned()),
        ("Sales/Opportunity", "/sales/opportunities".to_owned()),
        ("Service Desk/Service Tickets", "/service/tickets".to_owned()),
        ("Procurement/Product Catalog", "/procurement/catalog".to_owned()),
        ("System/Manage Hosted API", "/system/callbacks".to_owned()),
    ];
    for (row, path) in &table {
        for (verb, method, path) in [
            ("inquire", Method::GET, path.clone()),
            ("add", Method::POST, path.clone()),
            ("edit", Method::PATCH, format!("{path}/1")),
            ("edit", Method::PUT, format!("{path}/1")),
            ("delete", Method::DELETE, format!("{path}/1")),
        ] {
            bench.running.control.set_behaviour(behave(|b| b.role = Role::all().with(row, without(verb))));
            // A body that is not even JSON: the row comes first.
            let request = bench.connectwise(method.clone(), &path).header("content-type", "application/json").body("{");
            let (status, body) = answer(request).await;
            assert_eq!((status, &body["code"]), (403, &json!("Security")), "{row} {method} {path}");
            assert_eq!(body["message"], "You do not have security permission to perform this action.");
        }
    }
}

#[tokio::test]
async fn inquire_below_all_hides_records_and_blanks_what_leads_to_them() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let values = crate::fields(json!({"identifier": "THEIRS", "name": "Theirs"}));
    let theirs =
        control.create(lockstep::sim::Side::ConnectWise, lockstep::sim::Object::Company, &values, None).unwrap();
    let mine = bench.new_connectwise("MINE").await;
    let (_, contact) =
        bench.cw(Method::POST, "/company/contacts", json!({"firstName": "Ann", "company": {"id": theirs}})).await;
    let only_own = Permit { inquire: Level::Mine, ..Permit::ALL };
    control.set_behaviour(behave(|b| b.role = Role::all().with("Companies/Company Maintenance", only_own)));
    let (status, list) = bench.cw_get("/company/companies", &[]).await;
    assert_eq!((status, ids(&list)), (200, vec![mine.to_string()]), "fewer rows, and no word about it");
    assert_eq!(bench.cw_get("/company/companies/count", &[]).await.1["count"], 1);
    assert_eq!(bench.cw_get(&format!("/company/companies/{theirs}"), &[]).await.0, 404);
    let (_, contact) = bench.cw_get(&format!("/company/contacts/{}", contact["id"]), &[]).await;
    assert_eq!((&contact["company"], &contact["site"]), (&json!({}), &json!({})));
}

#[tokio::test]
async fn edit_of_ones_own_ends_at_the_records_of_others() {
    let bench = Bench::empty().await;
    let id = bench.new_connectwise("MINE").await;
    let values = crate::fields(json!({"identifier": "THEIRS", "name": "Theirs"}));
    let theirs = bench
        .running
        .control
        .create(lockstep::sim::Side::ConnectWise, lockstep::sim::Object::Company, &values, None)
        .unwrap();
    let own = Permit { edit: Level::Mine, ..Permit::ALL };
    bench.running.control.set_behaviour(behave(|b| b.role = Role::all().with("Companies/Company Maintenance", own)));
    let rename = json!([{"op": "replace", "path": "name", "value": "B"}]);
    assert_eq!(patched(&bench, &format!("/company/companies/{id}"), rename.clone()).await.0, 200);
    assert_eq!(patched(&bench, &format!("/company/companies/{theirs}"), rename).await.0, 403);
}

#[tokio::test]
async fn the_published_role_reads_and_writes_everything_the_sync_needs_and_deletes_nothing() {
    let bench = Bench::empty().await;
    bench.running.control.set_behaviour(behave(|b| b.role = Role::published()));
    let id = bench.new_connectwise("A").await;
    for path in [
        "/company/companies/statuses",
        "/company/companies/types",
        "/company/countries",
        "/company/states",
        "/company/communicationTypes",
        "/company/contacts/types",
        "/sales/stages",
        "/sales/opportunities/statuses",
        "/service/boards",
        "/system/members",
        "/system/locations",
        "/system/departments",
        "/finance/currencies",
        "/system/userDefinedFields",
        "/system/info",
        "/system/myCompany/crm",
        "/marketing/campaigns",
        "/company/contacts",
        "/sales/opportunities",
        "/sales/activities",
        "/service/tickets",
        "/procurement/catalog",
    ] {
        assert_eq!(bench.cw_get(path, &[]).await.0, 200, "{path}");
    }
    assert_eq!(bench.cw(Method::DELETE, &format!("/company/companies/{id}"), json!({})).await.0, 403);
    assert_eq!(bench.cw(Method::POST, "/procurement/catalog", json!({})).await.0, 403);
}

#[tokio::test]
async fn table_setup_is_customised_table_by_table() {
    let bench = Bench::empty().await;
    let role = Role { closed_tables: vec!["sales/stages".to_owned()], ..Role::all() };
    bench.running.control.set_behaviour(behave(|b| b.role = role));
    assert_eq!(bench.cw_get("/sales/stages", &[]).await.0, 403);
    assert_eq!(bench.cw_get("/sales/probabilities", &[]).await.0, 200);
    let closed = ["system/userDefinedFields", "service/boards"];
    let role = Role { closed_tables: closed.map(str::to_owned).to_vec(), ..Role::all() };
    bench.running.control.set_behaviour(behave(|b| b.role = role));
    for path in ["/system/userDefinedFields", "/system/userDefinedFields/31", "/service/boards/1/statuses"] {
        assert_eq!(bench.cw_get(path, &[]).await.0, 403, "{path}");
    }
    let company = bench.new_connectwise("A").await;
    let (_, seen) = bench.cw_get(&format!("/company/companies/{company}"), &[]).await;
    assert!(!ids(&seen["customFields"]).is_empty(), "records go on showing their values");
    let role = Role::all().with("System/Table Setup", Permit::NONE);
    bench.running.control.set_behaviour(behave(|b| b.role = role));
    assert_eq!(bench.cw_get("/system/userDefinedFields", &[]).await.0, 403);
    assert_eq!(bench.cw_get("/system/members", &[]).await.0, 200, "members have a row of their own");
}

#[tokio::test]
async fn the_rows_that_guard_are_rows_of_the_published_role() {
    let published = Role::published();
    for row in Role::rows_in_use() {
        assert!(published.rows.contains_key(*row), "{row}");
    }
}

#[tokio::test]
async fn refused_credentials_have_the_words_of_their_installation() {
    let bench = Bench::empty().await;
    let url = format!("{}/v4_6_release/apis/3.0/system/info", bench.running.connectwise_url);
    let c = &bench.running.credentials;
    let keyed = |company: &str| {
        let user = format!("{company}+{}", c.connectwise_public_key);
        bench.client.get(&url).basic_auth(user, Some(&c.connectwise_private_key))
    };
    let switched = |missing_client_id: u16, on_premise: bool, wrong_host: bool| {
        let switches =
            ConnectWiseBehaviour { missing_client_id, on_premise, wrong_host, ..ConnectWiseBehaviour::quick() };
        bench.running.control.set_behaviour(connectwise(switches));
    };
    // The login company id minds its case.
    let (status, body) = answer(keyed("BRIGHTWATER")).await;
    assert_eq!((status, &body["code"]), (401, &json!("Unauthorized")));
    switched(401, true, false);
    let (status, body) = answer(keyed("other")).await;
    assert_eq!((status, &body["message"]), (401, &json!("UserNotAuthenticated")));
    for expected in [401, 400] {
        switched(expected, false, false);
        let (status, body) = answer(keyed("brightwater")).await;
        assert_eq!((status, body["message"].as_str().unwrap().contains("clientId")), (expected, true));
    }
    switched(401, false, true);
    let (status, body) = answer(keyed("brightwater").header("clientId", &c.connectwise_client_id)).await;
    assert_eq!((status, body), (403, json!({"code": "Security", "message": "SSL is required.", "errors": null})));
}

#[tokio::test]
async fn a_pinned_model_does_not_know_what_came_later() {
    let bench = Bench::empty().await;
    bench.running.control.set_behaviour(behave(|b| b.release = "2026.4".to_owned()));
    let id = bench.new_connectwise("A").await;
    let path = format!("/company/companies/{id}");
    let set = json!([{"op": "replace", "path": "creditLimit", "value": 100}]);
    let (status, body) = patched(&bench, &path, set.clone()).await;
    assert_eq!((status, &body["creditLimit"]), (200, &json!(100.0)));
    assert!(body["customFields"][0]["podId"].is_string());
    let accept = "application/vnd.connectwise.com+json; version=2025.1";
    let (_, old) = answer(bench.connectwise(Method::GET, &path).header("accept", accept)).await;
    assert!(old.get("creditLimit").is_none() && old["customFields"][0].get("podId").is_none(), "{old}");
    let request = bench.connectwise(Method::PATCH, &path).header("accept", accept).json(&set);
    let (status, body) = answer(request).await;
    assert_eq!((status, &body["code"]), (400, &json!("ConnectWiseApi")));
    let message = body["message"].as_str().unwrap();
    assert!(
        message.starts_with(
            "Could not find member 'creditLimit' on object of type 'Company'. Path 'creditLimit', line 1, position "
        ),
        "{message}"
    );
    assert!(
        message.ends_with(".Check your accept header to make sure you are using the correct version."),
        "{message}"
    );
    let served = bench.connectwise(Method::GET, "/system/info").send().await.unwrap();
    assert_eq!(served.headers()["api-current-version"], "2026.4");
    assert_eq!(served.json::<Value>().await.unwrap()["version"], "v2026.4.118472");
}
