//! HubSpot's definitions: properties, groups, rules, pipelines and stages, owners.

use lockstep::sim::{HubSpotBehaviour, Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, fields, hubspot};

const START: i64 = 1_780_000_000_000;
const DEALS: &str = "/crm/properties/2026-09/deals";

fn property(name: &str) -> Value {
    json!({"name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "dealinformation"})
}

#[tokio::test]
async fn every_object_has_the_properties_of_its_records() {
    let bench = Bench::empty().await;
    let table = [
        ("contacts", "email", "string"),
        ("companies", "domain", "string"),
        ("deals", "dealstage", "enumeration"),
        ("tickets", "hs_pipeline_stage", "enumeration"),
        ("products", "price", "number"),
        ("line_items", "amount", "number"),
        ("notes", "hs_note_body", "string"),
        ("tasks", "hs_task_status", "enumeration"),
        ("calls", "hs_call_duration", "number"),
        ("meetings", "hs_meeting_start_time", "datetime"),
    ];
    for (object, name, kind) in table {
        let (status, one) = bench.hs_get(&format!("/crm/v3/properties/{object}/{name}")).await;
        assert_eq!((status, &one["type"]), (200, &json!(kind)), "{object}");
        let (_, all) = bench.hs_get(&format!("/crm/properties/2026-09/{object}")).await;
        assert!(all["results"].as_array().unwrap().contains(&one), "{object}");
        assert!(all.get("paging").is_none());
    }
    let (_, stage) = bench.hs_get(&format!("{DEALS}/dealstage")).await;
    assert_eq!((&stage["externalOptions"], &stage["options"]), (&json!(true), &json!([])));
    let (_, amount) = bench.hs_get("/crm/v3/properties/line_items/amount").await;
    assert_eq!((&amount["calculated"], &amount["modificationMetadata"]["readOnlyValue"]), (&json!(true), &json!(true)));
    let (status, body) = bench.hs_get(&format!("{DEALS}/nope")).await;
    assert_eq!((status, &body["category"]), (404, &json!("OBJECT_NOT_FOUND")));
}

#[tokio::test]
async fn the_list_of_options_is_replaced_as_a_whole() {
    let bench = Bench::empty().await;
    let option = |value: &str| json!({"label": value.to_uppercase(), "value": value});
    let mut new = property("tier");
    (new["type"], new["fieldType"], new["options"]) =
        (json!("enumeration"), json!("select"), json!([option("a"), option("b")]));
    assert_eq!(bench.hs(Method::POST, DEALS, new).await.0, 201);
    let path = format!("{DEALS}/tier");
    let (status, body) = bench.hs(Method::PATCH, &path, json!({"options": [option("b"), option("c")]})).await;
    let values: Vec<&Value> = body["options"].as_array().unwrap().iter().map(|o| &o["value"]).collect();
    assert_eq!((status, values), (200, vec![&json!("b"), &json!("c")]));
    let deal = |tier: &str| json!({"properties": {"dealname": "A", "dealstage": "qualifiedtobuy", "tier": tier}});
    let (status, body) = bench.hs(Method::POST, "/crm/v3/objects/deals", deal("a")).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")));
    assert!(body["errors"][0]["message"].as_str().unwrap().contains("value: \"b\"\ndisplay_order: 0\n"));
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal("B")).await.0, 400, "case counts");
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal("c")).await.0, 201);
    assert_eq!(bench.hs(Method::PATCH, &path, json!({"hasUniqueValue": true})).await.0, 400);
}

#[tokio::test]
async fn an_archived_name_can_be_made_again_and_a_used_one_cannot_be_archived() {
    let workflow = json!({"object": "deals", "property": "used", "value": "1"});
    let switches =
        HubSpotBehaviour { workflows: vec![serde_json::from_value(workflow).unwrap()], ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    for name in ["once", "used"] {
        assert_eq!(bench.hs(Method::POST, DEALS, property(name)).await.0, 201);
    }
    let (status, body) = bench.hs(Method::POST, DEALS, property("once")).await;
    assert_eq!((status, &body["subCategory"]), (409, &json!("Properties.PROPERTY_WITH_NAME_EXISTS")));
    assert_eq!(body["message"], "A property named 'once' already exists.");
    let once = format!("{DEALS}/once");
    assert_eq!(bench.hs(Method::DELETE, &once, json!({})).await.0, 204);
    assert_eq!(bench.hs_get(&once).await.0, 404);
    let (_, gone) = bench.hs_get(&format!("{DEALS}?archived=true")).await;
    assert_eq!((&gone["results"][0]["name"], gone["results"][0]["archivedAt"].is_string()), (&json!("once"), true));
    assert_eq!(bench.hs(Method::POST, DEALS, property("once")).await.0, 201);
    assert_eq!(bench.hs_get(&once).await.0, 200);
    let (status, body) = bench.hs(Method::DELETE, &format!("{DEALS}/used"), json!({})).await;
    assert_eq!((status, &body["subCategory"]), (400, &json!("PropertyValidationError.CANNOT_DELETE_PROPERTY_IN_USE")));
}

#[tokio::test]
async fn a_name_that_is_there_is_an_object_that_exists_already() {
    let bench = Bench::empty().await;
    for name in ["amount", "own"] {
        if name == "own" {
            assert_eq!(bench.hs(Method::POST, DEALS, property(name)).await.0, 201);
        }
        let (status, told) = bench.hs(Method::POST, DEALS, property(name)).await;
        assert_eq!((status, &told["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")), "{told}");
        assert_eq!(told["message"], format!("A property named '{name}' already exists."));
        let batch = json!({"inputs": [property(name)]});
        let (status, told) = bench.hs(Method::POST, &format!("{DEALS}/batch/create"), batch).await;
        assert_eq!((status, &told["errors"][0]["category"]), (207, &json!("OBJECT_ALREADY_EXISTS")), "{told}");
    }
}

#[tokio::test]
async fn a_definition_must_make_sense() {
    let bench = Bench::empty().await;
    let with = |member: &str, value: Value| {
        let mut new = property("fine");
        new[member] = value;
        new
    };
    let refused = [
        with("fieldType", json!("number")),
        with("type", json!("json")),
        with("name", json!("Not Fine")),
        with("groupName", json!("nowhere")),
        with("label", json!("")),
        json!({"name": "e", "label": "e", "type": "enumeration", "fieldType": "select", "groupName": "dealinformation"}),
    ];
    for new in refused {
        assert_eq!(bench.hs(Method::POST, DEALS, new.clone()).await.0, 400, "{new}");
    }
    for n in 0..11 {
        let mut new = property(&format!("key_{n}"));
        new["hasUniqueValue"] = json!(true);
        assert_eq!(bench.hs(Method::POST, DEALS, new).await.0, if n < 10 { 201 } else { 400 }, "ten unique ones");
    }
    let product = json!({"name": "k", "label": "k", "type": "string", "fieldType": "text", "groupName": "productinformation", "hasUniqueValue": true});
    assert_eq!(bench.hs(Method::POST, "/crm/v3/properties/products", product).await.0, 400, "products have none");
}

#[tokio::test]
async fn properties_come_in_batches_and_groups() {
    let bench = Bench::empty().await;
    let group = json!({"name": "lockstep", "label": "Lockstep", "displayOrder": 3});
    assert_eq!(bench.hs(Method::POST, &format!("{DEALS}/groups"), group.clone()).await.0, 201);
    assert_eq!(bench.hs(Method::POST, &format!("{DEALS}/groups"), group).await.0, 409);
    let mut own = property("own");
    own["groupName"] = json!("lockstep");
    let inputs = json!({"inputs": [own, property("amount")]});
    let (status, body) = bench.hs(Method::POST, &format!("{DEALS}/batch/create"), inputs).await;
    assert_eq!((status, &body["numErrors"], &body["results"][0]["groupName"]), (207, &json!(1), &json!("lockstep")));
    let inputs = json!({"inputs": [{"name": "own"}]});
    let (_, read) = bench.hs(Method::POST, &format!("{DEALS}/batch/read"), inputs.clone()).await;
    assert_eq!(read["results"][0]["name"], "own");
    assert_eq!(bench.hs(Method::DELETE, &format!("{DEALS}/groups/lockstep"), json!({})).await.0, 400, "not empty");
    assert_eq!(bench.hs(Method::POST, &format!("{DEALS}/batch/archive"), inputs.clone()).await.0, 204);
    assert_eq!(
        bench.hs(Method::POST, &format!("{DEALS}/batch/update"), inputs).await.0,
        404,
        "there is no batch update"
    );
    assert_eq!(bench.hs(Method::DELETE, &format!("{DEALS}/groups/lockstep"), json!({})).await.0, 204);
}

#[tokio::test]
async fn rules_on_properties_can_be_read_and_hold() {
    let bench = Bench::empty().await;
    let path = "/crm/property-validations/2026-09/0-3/dealname";
    let rule = json!({"ruleArguments": ["5"]});
    assert_eq!(bench.hs(Method::PUT, &format!("{path}/rule-type/MAX_LENGTH"), rule).await.0, 204);
    let (_, body) = bench.hs_get("/crm/v3/property-validations/0-3/dealname").await;
    assert_eq!(
        (&body["results"][0]["ruleType"], &body["results"][0]["ruleArguments"]),
        (&json!("MAX_LENGTH"), &json!(["5"]))
    );
    let deal = |name: &str| json!({"properties": {"dealname": name, "dealstage": "qualifiedtobuy"}});
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal("short")).await.0, 201);
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal("longer")).await.0, 400);
}

#[tokio::test]
async fn doubtful_properties_are_read_only_for_clients_unless_the_portal_says_otherwise() {
    let lenient = HubSpotBehaviour { doubtful_is_read_only: false, ..HubSpotBehaviour::quick() };
    for (switches, read_only) in [(HubSpotBehaviour::quick(), true), (lenient, false)] {
        let bench = Bench::behaving(hubspot(switches), START).await;
        let (_, definition) = bench.hs_get("/crm/v3/properties/companies/linkedinbio").await;
        assert_eq!(definition["modificationMetadata"]["readOnlyValue"], read_only);
        let body = json!({"properties": {"name": "A", "linkedinbio": "x"}});
        let (status, body) = bench.hs(Method::POST, "/crm/v3/objects/companies", body).await;
        assert_eq!(status, if read_only { 400 } else { 201 }, "{body}");
        let message = "\"linkedinbio\" is a read only property; its value cannot be set.";
        assert_eq!(body["errors"][0]["message"] == message, read_only, "{body}");
        let typed = fields(json!({"name": "B", "linkedinbio": "y"}));
        assert!(bench.running.control.create(Side::HubSpot, Object::Company, &typed, None).is_ok(), "people may");
    }
}

#[tokio::test]
async fn the_default_pipelines_have_their_known_stages() {
    let bench = Bench::empty().await;
    let (_, deals) = bench.hs_get("/crm/v3/pipelines/deals").await;
    let sales = &deals["results"][0];
    assert_eq!((&sales["id"], &sales["createdAt"]), (&json!("default"), &json!("1970-01-01T00:00:00Z")));
    let stages: Vec<(&str, &Value)> =
        sales["stages"].as_array().unwrap().iter().map(|s| (s["id"].as_str().unwrap(), &s["metadata"])).collect();
    assert_eq!(stages[0], ("appointmentscheduled", &json!({"isClosed": "false", "probability": "0.2"})));
    assert_eq!(stages[5], ("closedwon", &json!({"isClosed": "true", "probability": "1.0"})));
    let (_, tickets) = bench.hs_get("/crm/pipelines/2026-09/tickets/0/stages/4").await;
    assert_eq!((&tickets["label"], &tickets["metadata"]["ticketState"]), (&json!("Closed"), &json!("CLOSED")));
    assert_eq!(bench.hs_get("/crm/v3/pipelines/contacts").await.0, 404);
}

#[tokio::test]
async fn stages_are_added_changed_and_kept_while_in_use() {
    let bench = Bench::empty().await;
    let path = "/crm/pipelines/2026-09/deals/default/stages";
    let bad = json!({"label": "X", "metadata": {"probability": "0.25"}});
    assert_eq!(bench.hs(Method::POST, path, bad).await.0, 400, "probability goes in steps of a tenth");
    let (status, stage) =
        bench.hs(Method::POST, path, json!({"label": "Late", "metadata": {"probability": "0.7"}})).await;
    assert_eq!(status, 201);
    let id = stage["id"].as_str().unwrap();
    assert!(id.parse::<u64>().is_ok(), "ids of own stages are numbers");
    let deal = json!({"properties": {"dealname": "A", "dealstage": id}});
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal).await.0, 201);
    let (_, timing) = bench.hs_get(&format!("/crm/v3/properties/deals/hs_v2_date_entered_{id}")).await;
    assert_eq!(timing["type"], "datetime");
    let (_, renamed) = bench.hs(Method::PATCH, &format!("{path}/{id}"), json!({"label": "Later"})).await;
    assert_eq!((&renamed["label"], &renamed["metadata"]["probability"]), (&json!("Later"), &json!("0.7")));
    let (_, audit) = bench.hs_get(&format!("{path}/{id}/audit")).await;
    assert_eq!(audit["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        bench.hs(Method::DELETE, &format!("{path}/{id}?validateReferencesBeforeDelete=true"), json!({})).await.0,
        400
    );
    assert_eq!(bench.hs(Method::DELETE, &format!("{path}/{id}"), json!({})).await.0, 204);
}

#[tokio::test]
async fn an_owner_who_left_is_found_only_among_the_archived() {
    let bench = Bench::empty().await;
    let (_, gone) = bench.hs_get("/crm/owners/2026-09/70100016?archived=true").await;
    assert_eq!(
        (&gone["archived"], gone.get("userId"), &gone["userIdIncludingInactive"]),
        (&json!(true), None, &json!(51446681))
    );
    assert_eq!(bench.hs_get("/crm/v3/owners/70100016").await.0, 404);
    assert_eq!(bench.hs_get("/crm/v3/owners/51446676?idProperty=userId").await.1["id"], "70100011");
    let (_, found) = bench.hs_get("/crm/v3/owners?email=JONAS.lind@brightwater.example.com").await;
    assert_eq!(found["results"][0]["id"], "70100013");
    assert_eq!(bench.hs_get("/crm/v3/owners?limit=101").await.0, 400);
    let deal = |owner: &str| json!({"properties": {"dealname": "A", "dealstage": "qualifiedtobuy", "hubspot_owner_id": owner}});
    assert_eq!(
        bench.hs(Method::POST, "/crm/v3/objects/deals", deal("51446676")).await.0,
        400,
        "a user's id is not an owner's"
    );
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal("70100016")).await.0, 201);
}
