//! The behaviour and the faults over the control API: what they may name, how a part of them is changed, and what there is.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, COMPANIES};

const OPPORTUNITY: &str = "Sales/Opportunity";

#[tokio::test]
async fn a_switch_names_nothing_that_is_not_there() {
    let bench = Bench::story().await;
    let hubspot = |one: Value| json!({ "hubspot": one });
    let connectwise = |one: Value| json!({ "connectwise": one });
    let flow = |object: &str, property: &str| {
        hubspot(json!({"workflows": [{"object": object, "property": property, "value": "x"}]}))
    };
    let table: Vec<(Value, &[&str])> = vec![
        (hubspot(json!({"scopes": ["crm.objects.contact.read"]})), &["scopes", "\"crm.objects.contacts.read\""]),
        (hubspot(json!({"admin_required": ["deals.amout"]})), &["admin_required", "the nearest is \"amount\""]),
        (hubspot(json!({"admin_required": ["deal.amount"]})), &["\"deal\"", "the nearest is \"deals\""]),
        (hubspot(json!({"admin_required": ["amount"]})), &["written like \"deals.amount\""]),
        (hubspot(json!({"admin_conditional": ["tickets.hs_pipeline_stage.x"]})), &["written like"]),
        (hubspot(json!({"admin_conditional": ["tickets.hs_pipeline_stage=4.hs_reslution"]})), &["\"hs_resolution\""]),
        (flow("company", "name"), &["workflows", "the nearest is \"companies\""]),
        (flow("companies", "nam"), &["workflows", "the nearest is \"name\""]),
        (hubspot(json!({"batch_item_failures": -0.1})), &["batch_item_failures", "from 0 to 1"]),
        (hubspot(json!({"burst": 0})), &["burst", "at least 1"]),
        (hubspot(json!({"search_per_second": 0})), &["search_per_second", "at least 1"]),
        (json!({"page_cap": 0}), &["page_cap", "at least 1"]),
        (json!({"delivery": {"losses": 7}}), &["losses", "from 0 to 1"]),
        (connectwise(json!({"denied": ["edti"]})), &["denied", "the nearest is \"edit\""]),
        (connectwise(json!({"mandatory": ["opportunity/campain"]})), &["mandatory", "\"opportunity/campaign\""]),
        (connectwise(json!({"required_custom_fields": [31, 999]})), &["required_custom_fields", "999", "31"]),
        (connectwise(json!({"release": "abc"})), &["release", "2025.1", "\"abc\""]),
        (connectwise(json!({"per_minute": 0})), &["per_minute", "at least 1"]),
        (connectwise(json!({"missing_client_id": 404})), &["missing_client_id", "400 or 401"]),
        (connectwise(json!({"poisoned": {"company/contact": [1]}})), &["poisoned", "\"company/contacts\""]),
        (connectwise(json!({"boards_open_to_mail": [2]})), &["boards_open_to_mail", "21"]),
    ];
    let before = bench.running.control.behaviour();
    for (change, words) in table {
        bench.refuses(&[("PATCH", "/behaviour", change, words)]).await;
    }
    assert_eq!(bench.running.control.behaviour(), before);
    let right = json!({"hubspot": {"admin_required": ["deals.amount"]}, "connectwise": {"mandatory": ["opportunity/campaign"],
        "denied": ["delete"], "required_custom_fields": [31], "release": "2021.2"}});
    assert_eq!(bench.control("PATCH", "/behaviour", right).await.0, 200);
}

#[tokio::test]
async fn a_scope_and_a_right_are_taken_away_and_given_back_one_by_one() {
    let bench = Bench::story().await;
    let patch = async |change: Value| bench.control("PATCH", "/behaviour", change).await;
    let scopes = |edit: Value| json!({"hubspot": {"scopes": edit}});
    let read = async || bench.hs_get(COMPANIES).await.0;
    assert_eq!(patch(scopes(json!({"remove": ["crm.objects.companies.read"]}))).await.0, 200);
    assert_eq!((read().await, bench.hs_get("/crm/v3/objects/contacts").await.0), (403, 200));
    let slips: [(Value, &[&str]); 3] = [
        (json!({"remove": ["crm.objects.companies.reed"]}), &["not in the list", "crm.objects.companies."]),
        (json!({"delete": ["tickets"]}), &["delete", "\"remove\""]),
        (json!({"add": ["crm.objects.companys.read"]}), &["the nearest is \"crm.objects.companies.read\""]),
    ];
    for (edit, words) in slips {
        bench.refuses(&[("PATCH", "/behaviour", scopes(edit), words)]).await;
    }
    assert_eq!(patch(scopes(json!({"add": ["crm.objects.companies.read"]}))).await.0, 200);
    assert_eq!(read().await, 200);

    let row = |permit: Value| json!({"connectwise": {"role": {"rows": {OPPORTUNITY: permit}}}});
    let shown = |(status, behaviour): (u16, Value)| {
        assert_eq!(status, 200, "{behaviour}");
        behaviour["connectwise"]["role"]["rows"][OPPORTUNITY].clone()
    };
    let read = async || bench.cw_get("/sales/opportunities", &[]).await.0;
    let permit = |edit: &str, inquire: &str| json!({"add": "ALL", "edit": edit, "delete": "ALL", "inquire": inquire});
    assert_eq!(shown(patch(row(json!({"inquire": "NONE"}))).await), permit("ALL", "NONE"));
    assert_eq!(read().await, 403);
    assert_eq!(shown(patch(row(json!({"edit": "MINE"}))).await), permit("MINE", "NONE"), "what it had stays");
    assert_eq!(shown(patch(row(Value::Null)).await), Value::Null);
    assert_eq!(read().await, 200);
    let strict = json!({"connectwise": {"role": {"other": {"add": "NONE"}, "rows": {OPPORTUNITY: {"edit": "NONE"}}}}});
    let both = json!({"add": "NONE", "edit": "NONE", "delete": "ALL", "inquire": "ALL"});
    assert_eq!(shown(patch(strict).await), both, "a new row starts from what rows without an entry have");
}

#[tokio::test]
async fn a_fault_that_could_never_strike_or_strikes_something_else_is_refused() {
    let bench = Bench::story().await;
    let fault = |fault: Value| json!({ "fault": fault });
    let rule = |more: Value| {
        let mut rule = json!({"fault": "expired"});
        rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        rule
    };
    let table: Vec<(Value, &[&str])> = vec![
        (rule(json!({"probability": 1.5})), &["probability", "from 0 to 1"]),
        (rule(json!({"probability": -1})), &["probability", "from 0 to 1"]),
        (rule(json!({"method": "GETT"})), &["\"GETT\"", "the nearest is \"GET\""]),
        (rule(json!({"count": 0})), &["count", "at least 1"]),
        (fault(json!({"status": {"code": 42}})), &["code", "from 200 to 599"]),
        (fault(json!({"status": {"code": 600}})), &["code", "from 200 to 599"]),
        (fault(json!({"status_after_commit": {"code": 199}})), &["code", "from 200 to 599"]),
        (fault(json!({"mangle": {"pointer": "results/0"}})), &["pointer", "\"/results/0\""]),
        (fault(json!({"reorder": {"pointer": "results"}})), &["pointer", "\"/results\""]),
        (fault(json!({"drop_item": {"pointer": "results"}})), &["pointer", "\"/results\""]),
        (fault(json!({"drip": {"bytes": 0, "every_ms": 1}})), &["bytes", "at least 1"]),
        (fault(json!("expird")), &["expird", "expired"]),
    ];
    for (slip, words) in table {
        bench.refuses(&[("POST", "/faults", slip, words)]).await;
    }
    assert_eq!(bench.running.control.faults(), []);
    let right = json!({"fault": {"mangle": {"pointer": ""}}, "method": "get", "probability": 0.5, "count": 1});
    assert_eq!(bench.control("POST", "/faults", right).await.0, 200);
}

#[tokio::test]
async fn the_control_api_lists_the_faults_and_switches_that_there_are() {
    let bench = Bench::empty().await;
    let (status, kinds) = bench.control("GET", "/faults/kinds", Value::Null).await;
    let kinds = kinds.as_array().unwrap().clone();
    assert!(status == 200 && kinds.len() == 18, "{kinds:?}");
    for one in &kinds {
        assert_eq!(bench.control("POST", "/faults", one["example"].clone()).await.0, 200, "{one}");
        assert!(one["does"].as_str().unwrap().len() > 20, "{one}");
    }
    bench.control("DELETE", "/faults", Value::Null).await;
    bench.control("PATCH", "/behaviour", json!({"hubspot": {"burst": 7}})).await;
    let (_, switches) = bench.control("GET", "/behaviour/switches", Value::Null).await;
    let burst =
        json!({"does": "Requests per ten seconds, search and associations excluded.", "value": 7, "default": 190});
    assert_eq!(switches["hubspot"]["burst"], burst);
    assert_eq!(switches["limits"]["value"], false);
    assert!(
        switches["connectwise"]["role"]["value"]["other"].is_object() && switches["delivery"]["losses"].is_object()
    );
    let (status, _) = bench.hs(Method::POST, "/_sim/behaviour/switches", json!({})).await;
    assert_eq!(status, 404);
}
