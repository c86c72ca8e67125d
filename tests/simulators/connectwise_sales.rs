//! ConnectWise's opportunities with their forecast, its sales activities, and its catalog items.

use lockstep::sim::{ClosedDate, ConnectWiseBehaviour, Object, Permit, Role, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, behave, connectwise, fields, ids, patched};

const OPPORTUNITIES: &str = "/sales/opportunities";
const START: i64 = 1_780_000_000_000;

/// A company, a contact, and an opportunity of both.
async fn deal(bench: &Bench) -> (u64, Value) {
    let company = bench.new_connectwise("DEALCO").await;
    let (_, contact) =
        bench.cw(Method::POST, "/company/contacts", json!({"firstName": "Ann", "company": {"id": company}})).await;
    let body = json!({"name": "New network", "primarySalesRep": {"identifier": "mvance"}, "company": {"id": company},
        "contact": {"id": contact["id"]}});
    let (status, made) = bench.cw(Method::POST, OPPORTUNITIES, body).await;
    assert_eq!(status, 201, "{made}");
    (company, made)
}

fn one(made: &Value) -> String {
    format!("{OPPORTUNITIES}/{}", made["id"])
}

#[tokio::test]
async fn an_opportunity_needs_name_representative_company_and_contact() {
    let bench = Bench::empty().await;
    let (status, body) = bench.cw(Method::POST, OPPORTUNITIES, json!({})).await;
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (400, vec!["name", "primarySalesRep/id", "company/id", "contact/id"]));
    assert_eq!(body["errors"][1]["message"], "The primarySalesRep/id field is required.");
}

#[tokio::test]
async fn an_opportunity_is_born_open_in_the_first_stage_at_its_probability() {
    let bench = Bench::behaving(behave(|_| {}), START).await;
    let (_, made) = deal(&bench).await;
    assert_eq!(
        (&made["status"]["name"], &made["stage"]["name"], &made["probability"]["name"], &made["locationId"]),
        (&json!("Open"), &json!("1.Prospect"), &json!("10"), &json!(2))
    );
    assert_eq!(made["expectedCloseDate"], "2026-05-28T00:00:00Z");
    assert_eq!(made["dateBecameLead"], "2026-05-28T20:26:40Z");
    assert!(made["site"]["id"].is_u64() && made.get("closedDate").is_none());
}

#[tokio::test]
async fn an_expected_close_date_is_a_day() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let set = |value: &str| json!([{"op": "replace", "path": "expectedCloseDate", "value": value}]);
    let (_, body) = patched(&bench, &one(&made), set("2026-09-30T17:45:00Z")).await;
    assert_eq!(body["expectedCloseDate"], "2026-09-30T00:00:00Z");
    for wrong in ["2026-09-30T17:45:00+02:00", "2026-09-30T17:45:00.000Z", "2026-09-30"] {
        let (status, body) = patched(&bench, &one(&made), set(wrong)).await;
        assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("UnsupportedFormat")), "{wrong}");
    }
}

#[tokio::test]
async fn a_put_of_an_opportunity_must_carry_date_location_and_department() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let mut whole =
        json!({"name": "New", "primarySalesRep": {"id": 151}, "company": made["company"], "contact": made["contact"]});
    let (status, body) = bench.cw(Method::PUT, &one(&made), whole.clone()).await;
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (400, vec!["expectedCloseDate", "locationId", "businessUnitId"]));
    for name in ["expectedCloseDate", "locationId", "businessUnitId"] {
        whole[name] = made[name].clone();
    }
    let (status, body) = bench.cw(Method::PUT, &one(&made), whole).await;
    assert_eq!((status, &body["name"], body.get("rating")), (200, &json!("New"), None));
}

#[tokio::test]
async fn closing_by_status_sets_the_date_and_opening_clears_it_as_switched() {
    let status_to = |id: u32| json!([{"op": "replace", "path": "status", "value": {"id": id}}]);
    for (rule, closed, reopened) in [
        (ClosedDate::SetAndCleared, true, false),
        (ClosedDate::SetAndKept, true, true),
        (ClosedDate::Never, false, false),
    ] {
        let bench = Bench::behaving(behave(|b| b.closed_date = rule), START).await;
        let (_, made) = deal(&bench).await;
        let (_, won) = patched(&bench, &one(&made), status_to(2)).await;
        assert_eq!((won["closedDate"].is_string(), &won["stage"]["id"]), (closed, &json!(1)), "{rule:?}: stage stays");
        let (_, open) = patched(&bench, &one(&made), status_to(1)).await;
        assert_eq!(open["closedDate"].is_string(), reopened, "{rule:?}");
    }
}

#[tokio::test]
async fn closed_opportunities_need_a_row_of_their_own() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let rename = json!([{"op": "replace", "path": "name", "value": "Other"}]);
    let role = Role::all().with("Sales/Closed Opportunity", Permit::READ);
    bench.running.control.set_behaviour(behave(|b| b.role = role));
    assert_eq!(patched(&bench, &one(&made), rename.clone()).await.0, 200);
    let won = json!([{"op": "replace", "path": "status", "value": {"name": "Won"}}]);
    assert_eq!(patched(&bench, &one(&made), won).await.0, 200);
    assert_eq!(patched(&bench, &one(&made), rename).await.0, 403);
}

#[tokio::test]
async fn a_locked_probability_follows_the_stage() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let set = json!([{"op": "replace", "path": "probability", "value": {"id": 6}}]);
    assert_eq!(patched(&bench, &one(&made), set.clone()).await.1["probability"]["name"], "90");
    bench.running.control.set_behaviour(behave(|b| b.lock_probability = true));
    assert_eq!(bench.cw_get("/system/myCompany/crm", &[]).await.1["lockProbabilityFlag"], true);
    let (status, body) = patched(&bench, &one(&made), set).await;
    assert_eq!((status, &body["probability"]["name"]), (200, &json!("10")));
    let stage = json!([{"op": "replace", "path": "stage", "value": {"id": 4}}]);
    assert_eq!(patched(&bench, &one(&made), stage).await.1["probability"]["name"], "75");
}

#[tokio::test]
async fn two_statuses_may_have_one_name_and_types_have_descriptions() {
    let bench = Bench::empty().await;
    let (_, statuses) = bench.cw_get("/sales/opportunities/statuses", &[("conditions", "name = \"Lost\"")]).await;
    assert_eq!(ids(&statuses), ["3", "6"]);
    let (_, types) = bench.cw_get("/sales/opportunities/types", &[]).await;
    assert!(types.as_array().unwrap().iter().all(|t| t["description"].is_string() && t.get("name").is_none()));
    let (_, list) = bench.cw_get("/sales/probabilities", &[]).await;
    assert_eq!(list[3]["probability"], 50);
    for path in
        ["/sales/stages", "/sales/opportunities/ratings", "/sales/activities/types", "/sales/activities/statuses"]
    {
        assert_eq!(bench.cw_get(path, &[]).await.0, 200, "{path}");
    }
    let (_, made) = deal(&bench).await;
    let set = json!([{"op": "replace", "path": "type", "value": {"name": "Renewal"}}]);
    assert_eq!(patched(&bench, &one(&made), set).await.1["type"]["name"], "Renewal");
}

#[tokio::test]
async fn a_forecast_item_gives_the_amount_and_the_totals_follow() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let path = format!("{}/forecast", one(&made));
    let item = |revenue: f64, kind: &str| {
        json!({"opportunity": {"id": made["id"]}, "status": {"id": 1}, "forecastType": kind, "revenue": revenue,
            "cost": 100.0, "forecastDescription": "Lockstep"})
    };
    let (status, body) = bench.cw(Method::POST, &format!("{path}/{}", made["id"]), json!({"revenue": 5})).await;
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (400, vec!["status/id", "forecastType"]));
    let (status, first) = bench.cw(Method::POST, &format!("{path}/{}", made["id"]), item(1500.0, "Product")).await;
    assert_eq!((status, &first["margin"], &first["includeFlag"]), (201, &json!(1400.0), &json!(true)));
    let (status, whole) = bench.cw(Method::POST, &path, json!({"forecastItems": [item(500.0, "Service")]})).await;
    assert_eq!((status, whole["forecastItems"].as_array().unwrap().len()), (201, 2));
    assert_eq!(
        (
            &whole["productRevenue"]["revenue"],
            &whole["forecastRevenueTotals"]["revenue"],
            &whole["openRevenue"]["margin"]
        ),
        (&json!(1500.0), &json!(2000.0), &json!(1800.0))
    );
    let this = format!("{path}/{}", first["id"]);
    let (_, body) = patched(&bench, &this, json!([{"op": "replace", "path": "includeFlag", "value": false}])).await;
    assert_eq!(body["id"], first["id"]);
    let (_, whole) = bench.cw_get(&path, &[]).await;
    assert_eq!(
        (&whole["forecastRevenueTotals"]["revenue"], &whole["inclusiveRevenueTotals"]["revenue"]),
        (&json!(500.0), &json!(2000.0))
    );
    assert_eq!(bench.cw(Method::DELETE, &this, json!({})).await.0, 204);
    assert_eq!(bench.cw_get(&this, &[]).await.0, 404);
    assert!(made.get("amount").is_none() && made.get("revenue").is_none(), "an opportunity has no amount of its own");
}

#[tokio::test]
async fn the_whole_forecast_is_changed_under_a_slash_at_the_end() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let path = format!("{}/forecast", one(&made));
    let items = json!({"forecastItems": [{"status": {"id": 1}, "forecastType": "Other1", "revenue": 9}]});
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        assert_eq!(bench.cw(method.clone(), &path, items.clone()).await.0, 405, "{method}");
    }
    let slash = format!("{path}/");
    let (status, whole) = bench.cw(Method::PUT, &slash, items).await;
    assert_eq!((status, &whole["otherRevenue1"]["revenue"]), (200, &json!(9.0)));
    let item = &whole["forecastItems"][0]["id"];
    let (status, twin) = bench.cw(Method::POST, &format!("{path}/copy/{item}"), json!({})).await;
    assert_eq!((status, &twin["revenue"]), (201, &json!(9.0)));
    assert_ne!(&twin["id"], item);
    assert_eq!(bench.cw(Method::DELETE, &slash, json!({})).await.0, 204);
    bench.running.control.set_behaviour(behave(|b| b.forecast_is_array = true));
    let (_, whole) = bench.cw_get(&path, &[]).await;
    assert_eq!((whole.as_array().unwrap().len(), &whole[0]["forecastItems"]), (1, &json!([])));
}

#[tokio::test]
async fn a_patch_of_the_whole_forecast_replaces_its_items_alone() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let path = format!("{}/forecast/", one(&made));
    let item = json!({"status": {"id": 1}, "forecastType": "Other2", "revenue": 4});
    let set = |name: &str| json!([{"op": "replace", "path": name, "value": [item]}]);
    let (status, whole) = patched(&bench, &path, set("forecastItems")).await;
    assert_eq!((status, ids(&whole["forecastItems"]).len(), &whole["otherRevenue2"]["revenue"]), (200, 1, &json!(4.0)));
    let (status, body) = patched(&bench, &path, set("wonRevenue")).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("forecastItems")));
}

#[tokio::test]
async fn a_person_sets_the_amount_of_an_opportunity() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let (control, id) = (&bench.running.control, made["id"].as_u64().unwrap());
    for amount in [1200.0, 900.5] {
        control.edit(Side::ConnectWise, Object::Deal, id, &fields(json!({"amount": amount})), None).unwrap();
        let (_, whole) = bench.cw_get(&format!("{}/forecast", one(&made)), &[]).await;
        assert_eq!((ids(&whole["forecastItems"]).len(), &whole["forecastItems"][0]["revenue"]), (1, &json!(amount)));
    }
    assert_eq!(control.record(Side::ConnectWise, Object::Deal, id).unwrap()["amount"], 900.5);
}

#[tokio::test]
async fn opportunities_have_contacts_notes_and_a_team() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    for (part, body, field) in [
        ("contacts", json!({"contact": {"id": made["contact"]["id"]}, "role": {"name": "Influencer"}}), "role"),
        ("notes", json!({"text": "Called"}), "text"),
        ("team", json!({"type": "Individual", "member": {"id": 151}}), "member"),
    ] {
        let path = format!("{}/{part}", one(&made));
        let (status, added) = bench.cw(Method::POST, &path, body).await;
        assert_eq!((status, added.get(field).is_some()), (201, true), "{part}: {added}");
        assert_eq!(ids(&bench.cw_get(&path, &[]).await.1), [added["id"].to_string()]);
        assert_eq!(bench.cw_get(&format!("{OPPORTUNITIES}/999999/{part}"), &[]).await.0, 404);
        assert_eq!(bench.cw(Method::DELETE, &format!("{path}/{}", added["id"]), json!({})).await.0, 204);
    }
}

#[tokio::test]
async fn a_user_defined_field_of_one_location_is_not_there_for_the_others() {
    let bench = Bench::empty().await;
    let (_, made) = deal(&bench).await;
    let defined = |body: &Value| ids(&body["customFields"]);
    assert_eq!(defined(&made), ["51", "52", "54"]);
    let whole = |ids: &[u32]| {
        let value = |id: &u32| json!({"id": id, "value": if *id == 53 { json!("x") } else { Value::Null }});
        json!([{"op": "replace", "path": "customFields", "value": ids.iter().map(value).collect::<Vec<_>>()}])
    };
    let set = whole(&[51, 52, 53, 54]);
    assert_eq!(patched(&bench, &one(&made), set.clone()).await.0, 400);
    assert_eq!(patched(&bench, &one(&made), whole(&[51, 52, 54])).await.0, 200, "whole is what the record shows");
    let moves = json!([{"op": "replace", "path": "locationId", "value": 3}]);
    let (_, body) = patched(&bench, &one(&made), moves).await;
    assert_eq!(defined(&body), ["51", "52", "53", "54"]);
    assert_eq!(patched(&bench, &one(&made), set).await.0, 200);
}

#[tokio::test]
async fn what_a_tenant_made_mandatory_binds_the_api_where_it_is_switched_on() {
    let bench = Bench::empty().await;
    let (company, made) = deal(&bench).await;
    bench.running.control.set_behaviour(behave(|b| b.mandatory = vec!["opportunity/campaign".to_owned()]));
    let body =
        json!({"name": "B", "primarySalesRep": {"id": 151}, "company": {"id": company}, "contact": made["contact"]});
    let (status, body) = bench.cw(Method::POST, OPPORTUNITIES, body).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("campaign/id")));
}

#[tokio::test]
async fn an_activity_needs_a_name_and_somebody_to_do_it() {
    let bench = Bench::empty().await;
    let (status, body) = bench.cw(Method::POST, "/sales/activities", json!({"name": "Call back"})).await;
    let error = &body["errors"][0];
    assert_eq!((status, &error["message"]), (400, &json!("The assignTo/id field is required.")));
    let call =
        json!({"name": "Call back", "assignTo": {"identifier": "mvance"}, "type": {"name": "Call"}, "notes": "a\nb"});
    let (status, made) = bench.cw(Method::POST, "/sales/activities", call).await;
    assert_eq!(
        (status, &made["status"]["name"], &made["closeFlag"], &made["notes"], &made["assignedBy"]["identifier"]),
        (201, &json!("Open"), &json!(false), &json!("a\nb"), &json!("Lockstep"))
    );
    let path = format!("/sales/activities/{}", made["id"]);
    let start = json!([{"op": "replace", "path": "dateStart", "value": "2026-01-01T00:00:00+00:00"}]);
    let (_, body) = patched(&bench, &path, start).await;
    assert_eq!(body["errors"][0]["message"], "Unsupported format applied to dateStart");
    let (_, body) = patched(&bench, &path, json!([{"op": "replace", "path": "status", "value": {"id": 2}}])).await;
    assert_eq!((&body["closeFlag"], body["dateClosedUtc"].is_string()), (&json!(true), true));
    assert_eq!(bench.cw(Method::DELETE, &path, json!({})).await.0, 204);
}

#[tokio::test]
async fn a_catalog_item_needs_five_fields_and_a_key_of_its_own() {
    let bench = Bench::empty().await;
    let path = "/procurement/catalog";
    let (status, body) = bench.cw(Method::POST, path, json!({})).await;
    assert_eq!((status, body["errors"].as_array().unwrap().len()), (400, 5));
    let item = json!({"identifier": "SW-24", "description": "Switch", "subcategory": {"name": "Network"},
        "type": {"id": 1}, "customerDescription": "24 ports", "price": 120.5, "category": {"id": 1}});
    let (status, made) = bench.cw(Method::POST, path, item.clone()).await;
    assert_eq!((status, &made["price"], &made["subcategory"]["name"]), (201, &json!(120.5), &json!("Network")));
    let mut again = item;
    again["identifier"] = json!("sw-24");
    assert_eq!(bench.cw(Method::POST, path, again).await.1["errors"][0]["code"], "ObjectExists");
    let (_, found) = bench.cw_get(path, &[("conditions", "identifier = \"SW-24\" and price > 100")]).await;
    assert_eq!(ids(&found), [made["id"].to_string()]);
    for table in ["categories", "subcategories", "types", "manufacturers", "unitOfMeasures"] {
        assert_eq!(bench.cw_get(&format!("/procurement/{table}"), &[]).await.0, 200, "{table}");
    }
    let published = connectwise(ConnectWiseBehaviour { role: Role::published(), ..ConnectWiseBehaviour::quick() });
    bench.running.control.set_behaviour(published);
    assert_eq!(bench.cw(Method::POST, path, json!({})).await.0, 403, "the sync may only read products");
    assert_eq!(answer(bench.connectwise(Method::GET, path)).await.0, 200);
}
