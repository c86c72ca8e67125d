//! HubSpot's records of every object: shapes, required values, e-mail addresses, stages, amounts, merges, batches.

use std::time::Duration;

use lockstep::sim::{HubSpotBehaviour, Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, fields, hubspot, ids};

const NEW: &str = "/crm/objects/2026-09";
const START: i64 = 1_780_000_000_000;

impl Bench {
    async fn make(&self, object: &str, properties: Value) -> String {
        let (status, body) =
            self.hs(Method::POST, &format!("{NEW}/{object}"), json!({ "properties": properties })).await;
        assert_eq!(status, 201, "{object}: {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn change(&self, object: &str, id: &str, properties: Value) -> (u16, Value) {
        self.hs(Method::PATCH, &format!("{NEW}/{object}/{id}"), json!({ "properties": properties })).await
    }

    async fn values(&self, object: &str, id: &str, names: &str) -> Value {
        let (status, body) = self.hs_get(&format!("{NEW}/{object}/{id}?properties={names}")).await;
        assert_eq!(status, 200, "{body}");
        body["properties"].clone()
    }
}

/// One valid record of each object: names, type id, the property of its last change, and what it needs.
fn kinds() -> [(&'static str, &'static str, &'static str, Value); 10] {
    let at = "2026-05-01T10:00:00Z";
    [
        ("contacts", "0-1", "lastmodifieddate", json!({"email": "ada@tin.example.com"})),
        ("companies", "0-2", "hs_lastmodifieddate", json!({"name": "Tin Sail"})),
        ("deals", "0-3", "hs_lastmodifieddate", json!({"dealname": "Sails", "dealstage": "qualifiedtobuy"})),
        (
            "tickets",
            "0-5",
            "hs_lastmodifieddate",
            json!({"subject": "Leak", "hs_pipeline": "0", "hs_pipeline_stage": "1"}),
        ),
        ("products", "0-7", "hs_lastmodifieddate", json!({"name": "Sail", "price": "12.50"})),
        ("line_items", "0-8", "hs_lastmodifieddate", json!({"name": "Sail", "price": "12.50", "quantity": "3"})),
        ("notes", "0-46", "hs_lastmodifieddate", json!({"hs_timestamp": at, "hs_note_body": "<p>Seen</p>"})),
        ("meetings", "0-47", "hs_lastmodifieddate", json!({"hs_timestamp": at, "hs_meeting_title": "Visit"})),
        ("calls", "0-48", "hs_lastmodifieddate", json!({"hs_timestamp": at, "hs_call_title": "Ring"})),
        ("tasks", "0-27", "hs_lastmodifieddate", json!({"hs_timestamp": at, "hs_task_subject": "Ask"})),
    ]
}

#[tokio::test]
async fn every_object_is_served_under_its_name_and_its_type_id_in_both_families() {
    let bench = Bench::empty().await;
    for (name, type_id, modified, values) in kinds() {
        let id = bench.make(name, values).await;
        let mut seen = Vec::new();
        for family in ["/crm/objects/2026-09", "/crm/objects/2026-03", "/crm/v3/objects"] {
            for object in [name, type_id] {
                let (status, body) = bench.hs_get(&format!("{family}/{object}/{id}")).await;
                assert_eq!(status, 200, "{family}/{object}: {body}");
                seen.push(body);
            }
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
        assert_eq!(seen[0]["properties"]["hs_object_id"], json!(id), "{name}");
        assert_eq!(seen[0]["properties"][modified], seen[0]["updatedAt"], "{name}");
        let (_, found) = bench.hs(Method::POST, &format!("{NEW}/{type_id}/search"), json!({})).await;
        assert_eq!(ids(&found["results"]), std::slice::from_ref(&id), "{name}");
        let (_, listed) = bench.hs_get(&format!("{NEW}/{name}")).await;
        assert_eq!(ids(&listed["results"]), std::slice::from_ref(&id), "{name}");
        let path = format!("{NEW}/{name}/{id}");
        assert_eq!(bench.hs(Method::DELETE, &path, json!({})).await.0, 204, "{name}");
        assert_eq!(bench.hs_get(&path).await.0, 404, "{name}");
        let (status, gone) = bench.hs_get(&format!("{path}?archived=true")).await;
        assert_eq!((status, gone["archivedAt"].is_string()), (200, true), "{name}");
    }
}

#[tokio::test]
async fn ids_come_from_one_counter_for_all_objects() {
    let bench = Bench::empty().await;
    let mut seen = Vec::new();
    for (name, _, _, values) in kinds() {
        seen.push(bench.make(name, values).await.parse::<u64>().unwrap());
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}

#[tokio::test]
async fn a_read_without_names_shows_the_default_properties_in_alphabetical_order() {
    let bench = Bench::empty().await;
    let id = bench.make("contacts", json!({"email": "a@tin.example.com", "phone": "1"})).await;
    let (_, body) = bench.hs_get(&format!("{NEW}/contacts/{id}")).await;
    let names: Vec<&String> = body["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]);
    assert_eq!(body["properties"]["firstname"], Value::Null);
}

#[tokio::test]
async fn a_new_record_needs_its_required_properties() {
    let bench = Bench::empty().await;
    let table = [
        ("companies", json!({"phone": "1"}), "name or domain."),
        ("contacts", json!({"phone": "1"}), "email or firstname or lastname."),
        ("deals", json!({"dealname": "X"}), "Error creating DEAL. Some required properties were not set."),
        ("tickets", json!({"subject": "X", "hs_pipeline_stage": "1"}), "Error creating TICKET."),
        ("notes", json!({"hs_note_body": "X"}), "Error creating NOTE. Some required properties were not set."),
        ("tasks", json!({"hs_task_subject": "X"}), "Error creating TASK. Some required properties were not set."),
    ];
    for (object, values, said) in table {
        let (status, body) = bench.hs(Method::POST, &format!("{NEW}/{object}"), json!({ "properties": values })).await;
        assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")), "{object}");
        assert!(body["message"].as_str().unwrap().contains(said), "{body}");
        assert!(body["context"]["properties"].is_array(), "{body}");
    }
}

#[tokio::test]
async fn a_contact_email_is_unique_including_secondary_ones() {
    let bench = Bench::empty().await;
    let first = bench.make("contacts", json!({"email": "one@tin.example.com"})).await;
    let second = bench.make("contacts", json!({"email": "two@tin.example.com"})).await;
    let merge = json!({"primaryObjectId": first, "objectIdToMerge": second});
    let (_, survivor) = bench.hs(Method::POST, &format!("{NEW}/contacts/merge"), merge).await;
    let survivor = survivor["id"].as_str().unwrap();
    assert_eq!(
        bench.values("contacts", survivor, "hs_additional_emails").await["hs_additional_emails"],
        "two@tin.example.com"
    );
    let (status, body) = bench
        .hs(Method::POST, &format!("{NEW}/contacts"), json!({"properties": {"email": "TWO@tin.example.com"}}))
        .await;
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")));
    assert_eq!(body["message"], format!("Contact already exists. Existing ID: {survivor}"));
    let (status, found) = bench.hs_get(&format!("{NEW}/contacts/two@tin.example.com?idProperty=email")).await;
    assert_eq!((status, &found["id"]), (200, &json!(survivor)));
    let other = bench.make("contacts", json!({"email": "three@tin.example.com"})).await;
    let (status, body) = bench.change("contacts", &other, json!({"email": "one@tin.example.com"})).await;
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")), "a change conflicts as a creation does");
}

#[tokio::test]
async fn a_race_for_an_email_is_a_400_that_names_the_holder_second() {
    let bench =
        Bench::behaving(hubspot(HubSpotBehaviour { race_window_ms: 500, ..HubSpotBehaviour::quick() }), START).await;
    let holder = bench.make("contacts", json!({"email": "one@tin.example.com"})).await;
    let again = json!({"properties": {"email": "one@tin.example.com"}});
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/contacts"), again.clone()).await;
    assert_eq!(status, 400);
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("legacyObjectType=CONTACT}, propertyName=email, value=one@tin.example.com}"), "{message}");
    assert!(message.ends_with(&format!(". {holder} already has that value.")), "{message}");
    bench.running.control.advance(Duration::from_millis(500));
    assert_eq!(bench.hs(Method::POST, &format!("{NEW}/contacts"), again).await.0, 409);
}

#[tokio::test]
async fn an_email_is_stored_trimmed_in_small_letters_and_dead_ends_are_refused() {
    let bench = Bench::empty().await;
    let id = bench.make("contacts", json!({"email": "  Ada@Tin.Example.COM "})).await;
    assert_eq!(bench.values("contacts", &id, "email").await["email"], "ada@tin.example.com");
    for bad in ["x@y.test", "x@y.local", "x@y.invalid", "x", "x@y", "@y.com", "a b@y.com", "a@b@y.com"] {
        let (status, body) =
            bench.hs(Method::POST, &format!("{NEW}/contacts"), json!({"properties": {"email": bad}})).await;
        assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_EMAIL")), "{bad}");
        assert_eq!(body["errors"][0]["message"], format!("Email address {bad} is invalid"));
    }
}

#[tokio::test]
async fn a_cleared_lifecycle_stage_may_begin_again() {
    let bench = Bench::empty().await;
    let id = bench.make("contacts", json!({"email": "a@tin.example.com"})).await;
    let stage = async || bench.values("contacts", &id, "lifecyclestage").await["lifecyclestage"].clone();
    assert_eq!(stage().await, "lead", "HubSpot sets a stage by itself");
    bench.change("contacts", &id, json!({"lifecyclestage": "customer"})).await;
    assert_eq!(bench.change("contacts", &id, json!({"lifecyclestage": "lead"})).await.0, 200);
    assert_eq!(stage().await, "customer");
    bench.change("contacts", &id, json!({"lifecyclestage": ""})).await;
    bench.change("contacts", &id, json!({"lifecyclestage": "lead"})).await;
    assert_eq!(stage().await, "lead");
}

#[tokio::test]
async fn a_company_is_made_from_a_contacts_domain_some_time_later() {
    let switches = HubSpotBehaviour { auto_company: true, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let id = bench.make("contacts", json!({"email": "ada@tin.example.com"})).await;
    bench.make("contacts", json!({"email": "bob@gmail.com"})).await;
    let companies = async || ids(&bench.hs_get(&format!("{NEW}/companies")).await.1["results"]);
    assert!(companies().await.is_empty());
    bench.running.control.advance(Duration::from_secs(3));
    let made = companies().await;
    assert_eq!(made.len(), 1, "free mail makes no company");
    assert_eq!(bench.values("companies", &made[0], "domain").await["domain"], "tin.example.com");
    assert_eq!(bench.values("contacts", &id, "associatedcompanyid").await["associatedcompanyid"], json!(made[0]));
    let (_, history) = bench.hs_get(&format!("{NEW}/companies/{}?propertiesWithHistory=domain", made[0])).await;
    assert_eq!(history["propertiesWithHistory"]["domain"][0]["sourceType"], "CONTACTS");
}

#[tokio::test]
async fn a_stage_of_another_pipeline_alone_is_refused() {
    let bench = Bench::empty().await;
    let stages = json!([{"label": "Open", "metadata": {"probability": "0.5"}}, {"label": "Won", "metadata": {"probability": 1.0}}]);
    let body = json!({"label": "Renewals", "displayOrder": 1, "stages": stages});
    let (status, renewals) = bench.hs(Method::POST, "/crm/pipelines/2026-09/deals", body).await;
    assert_eq!(status, 201, "{renewals}");
    let (pipeline, stage) = (renewals["id"].as_str().unwrap(), renewals["stages"][0]["id"].as_str().unwrap());
    let id = bench.make("deals", json!({"dealname": "A", "dealstage": "qualifiedtobuy"})).await;
    assert_eq!(bench.values("deals", &id, "pipeline").await["pipeline"], "default");
    let (status, body) = bench.change("deals", &id, json!({ "dealstage": stage })).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")));
    let both = json!({"pipeline": pipeline, "dealstage": stage});
    assert_eq!(bench.change("deals", &id, both).await.0, 200);
    let (status, body) = bench.change("deals", &id, json!({"dealstage": "Open"})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")), "a label is not an id");
}

#[tokio::test]
async fn a_closed_stage_fills_the_close_date_and_what_is_calculated() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let id = bench.make("deals", json!({"dealname": "A", "dealstage": "contractsent", "amount": "100"})).await;
    let names =
        "closedate,hs_is_closed,hs_is_closed_won,hs_closed_amount,hs_projected_amount,hs_deal_stage_probability";
    let open = bench.values("deals", &id, names).await;
    assert_eq!(
        (&open["closedate"], &open["hs_is_closed"], &open["hs_projected_amount"]),
        (&Value::Null, &json!("false"), &json!("90"))
    );
    bench.change("deals", &id, json!({"dealstage": "closedwon"})).await;
    let won = bench.values("deals", &id, names).await;
    assert_eq!(won["closedate"], "2026-05-28T20:26:40Z");
    assert_eq!((&won["hs_is_closed_won"], &won["hs_closed_amount"]), (&json!("true"), &json!("100")));
    let given = json!({"dealname": "B", "dealstage": "closedlost", "closedate": "2026-01-02T00:00:00Z"});
    let lost = bench.make("deals", given).await;
    assert_eq!(bench.values("deals", &lost, "closedate").await["closedate"], "2026-01-02T00:00:00Z");
    let ticket = json!({"subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "4"});
    let ticket = bench.make("tickets", ticket).await;
    assert_eq!(bench.values("tickets", &ticket, "closed_date").await["closed_date"], "2026-05-28T20:26:40Z");
    bench.change("tickets", &ticket, json!({"hs_pipeline_stage": "2"})).await;
    assert_eq!(bench.values("tickets", &ticket, "closed_date").await["closed_date"], Value::Null);
}

#[tokio::test]
async fn an_amount_is_in_a_currency_of_the_account() {
    let bench = Bench::empty().await;
    let deal = |code: &str| json!({"properties": {"dealname": "A", "dealstage": "qualifiedtobuy", "amount": "100", "deal_currency_code": code}});
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/deals"), deal("JPY")).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_OPTION")));
    let (_, body) = bench.hs(Method::POST, &format!("{NEW}/deals"), deal("EUR")).await;
    assert_eq!(body["properties"]["amount_in_home_currency"], "110");
    let id = body["id"].as_str().unwrap();
    let (status, body) = bench.change("deals", id, json!({"amount_in_home_currency": "1"})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("READ_ONLY_VALUE")));
    assert_eq!(
        body["errors"][0]["message"],
        "\"amount_in_home_currency\" is a calculated property; its value cannot be set."
    );
}

#[tokio::test]
async fn a_line_item_takes_over_its_product_and_calculates_its_amount() {
    let bench = Bench::empty().await;
    let product = bench.make("products", json!({"name": "Sail", "price": "12.50", "hs_sku": "S-1"})).await;
    let item = json!({"hs_product_id": product, "quantity": "3", "hs_discount_percentage": "10"});
    let item = bench.make("line_items", item).await;
    let values = bench.values("line_items", &item, "name,hs_sku,price,amount").await;
    let seen = (&values["name"], &values["hs_sku"], &values["price"], &values["amount"]);
    assert_eq!(seen, (&json!("Sail"), &json!("S-1"), &json!("12.50"), &json!("33.75")));
    let (status, _) = bench.change("line_items", &item, json!({"price": "-1"})).await;
    assert_eq!(status, 400, "a price is not negative");
}

#[tokio::test]
async fn a_task_knows_when_it_was_done() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let id = bench.make("tasks", json!({"hs_timestamp": START.to_string(), "hs_task_subject": "Ask"})).await;
    let names = "hs_timestamp,hs_task_status,hs_task_completion_date";
    let open = bench.values("tasks", &id, names).await;
    assert_eq!(
        (&open["hs_timestamp"], &open["hs_task_status"]),
        (&json!("2026-05-28T20:26:40Z"), &json!("NOT_STARTED"))
    );
    bench.change("tasks", &id, json!({"hs_task_status": "COMPLETED"})).await;
    assert_eq!(bench.values("tasks", &id, names).await["hs_task_completion_date"], "2026-05-28T20:26:40Z");
}

#[tokio::test]
async fn times_are_milliseconds_and_dates_are_midnights() {
    let bench = Bench::empty().await;
    let note = |at: &str| json!({"properties": {"hs_timestamp": at}});
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/notes"), note("1780000000")).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_DATE")), "2026-09 refuses seconds");
    let (status, body) = bench.hs(Method::POST, "/crm/v3/objects/notes", note("1780000000")).await;
    assert_eq!((status, &body["properties"]["hs_timestamp"]), (201, &json!("1970-01-21T14:26:40Z")));
    let day = |at: &str| json!({"properties": {"name": "A", "hs_recurring_billing_start_date": at}});
    let (_, body) = bench.hs(Method::POST, &format!("{NEW}/line_items"), day("1780012800000")).await;
    assert_eq!(body["properties"]["hs_recurring_billing_start_date"], "2026-05-29");
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/line_items"), day("1780000000000")).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_DATE")));
}

#[tokio::test]
async fn rules_of_administrators_hold_from_2026_09_on() {
    let switches = HubSpotBehaviour {
        admin_required: vec!["deals.amount".to_owned()],
        admin_conditional: vec!["tickets.hs_pipeline_stage=4.content".to_owned()],
        ..HubSpotBehaviour::quick()
    };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let deal = json!({"properties": {"dealname": "A", "dealstage": "qualifiedtobuy"}});
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/deals"), deal.clone()).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("MISSING_REQUIRED_PROPERTY")));
    assert_eq!(bench.hs(Method::POST, "/crm/v3/objects/deals", deal).await.0, 201, "v3 does not know the rule");
    let ticket = json!({"subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "1"});
    let ticket = bench.make("tickets", ticket).await;
    let (status, body) = bench.change("tickets", &ticket, json!({"hs_pipeline_stage": "4"})).await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("MISSING_CONDITIONAL_REQUIRED_PROPERTY")));
    let both = json!({"hs_pipeline_stage": "4", "content": "Fixed"});
    assert_eq!(bench.change("tickets", &ticket, both).await.0, 200);
}

#[tokio::test]
async fn an_erased_contact_cannot_come_back() {
    let bench = Bench::empty().await;
    let id = bench.make("contacts", json!({"email": "ada@tin.example.com"})).await;
    let erase = json!({"objectId": "ada@tin.example.com", "idProperty": "email"});
    assert_eq!(bench.hs(Method::POST, &format!("{NEW}/contacts/gdpr-delete"), erase).await.0, 204);
    assert_eq!(bench.hs_get(&format!("{NEW}/contacts/{id}?archived=true")).await.0, 404);
    let (status, body) = bench
        .hs(Method::POST, &format!("{NEW}/contacts"), json!({"properties": {"email": "ada@tin.example.com"}}))
        .await;
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("INVALID_EMAIL")));
    assert_eq!(bench.hs(Method::POST, &format!("{NEW}/companies/gdpr-delete"), json!({"objectId": "1"})).await.0, 404);
}

#[tokio::test]
async fn contacts_companies_deals_and_tickets_merge_and_nothing_else_does() {
    let bench = Bench::empty().await;
    for (name, _, _, values) in kinds() {
        let a = bench.make(name, values.clone()).await;
        let mut other = values;
        if name == "contacts" {
            other["email"] = json!("bob@tin.example.com");
        }
        let b = bench.make(name, other).await;
        let body = json!({"primaryObjectId": a, "objectIdToMerge": b});
        let (status, body) = bench.hs(Method::POST, &format!("{NEW}/{name}/merge"), body).await;
        let merges = ["contacts", "companies", "deals", "tickets"].contains(&name);
        assert_eq!(status, if merges { 200 } else { 404 }, "{name}: {body}");
        if merges {
            let (_, old) = bench.hs_get(&format!("{NEW}/{name}/{b}")).await;
            assert_eq!(old["id"], body["id"], "{name}: the old id answers with the survivor");
        }
    }
}

#[tokio::test]
async fn a_merge_may_keep_the_id_and_history_names_it() {
    let bench =
        Bench::behaving(hubspot(HubSpotBehaviour { merge_keeps_id: true, ..HubSpotBehaviour::quick() }), START).await;
    let a = bench.make("contacts", json!({"email": "a@tin.example.com"})).await;
    let b = bench.make("contacts", json!({"email": "b@tin.example.com", "phone": "555"})).await;
    let body = json!({"primaryObjectId": a, "objectIdToMerge": b});
    let (_, merged) = bench.hs(Method::POST, &format!("{NEW}/contacts/merge"), body).await;
    assert_eq!(merged["id"], json!(a));
    assert_eq!(merged["properties"]["hs_calculated_merged_vids"], format!("{b}:{START}"));
    let (_, history) = bench.hs_get(&format!("{NEW}/contacts/{a}?propertiesWithHistory=phone")).await;
    assert_eq!(history["propertiesWithHistory"]["phone"][0]["sourceType"], "MERGE_OBJECTS");
}

#[tokio::test]
async fn an_upsert_names_its_property_per_input_and_says_what_is_new() {
    let bench = Bench::empty().await;
    bench.running.control.define_property(Object::Deal, "cw_key", "Key", true).unwrap();
    let input = |key: &str, name: &str| json!({"id": key, "idProperty": "cw_key", "properties": {"dealname": name, "dealstage": "qualifiedtobuy"}});
    let path = format!("{NEW}/deals/batch/upsert");
    let (status, first) = bench.hs(Method::POST, &path, json!({"inputs": [input("k1", "A")]})).await;
    assert_eq!((status, &first["results"][0]["new"]), (200, &json!(true)), "{first}");
    let (_, second) = bench.hs(Method::POST, &path, json!({"inputs": [input("k1", "B"), input("k2", "C")]})).await;
    let mut seen: Vec<(bool, &str)> = second["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["new"].as_bool().unwrap(), r["properties"]["dealname"].as_str().unwrap()))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, [(false, "B"), (true, "C")]);
    let twice = json!({"inputs": [input("k1", "A"), input("K1", "B")]});
    assert_eq!(bench.hs(Method::POST, &path, twice).await.0, 400, "one key twice");
    let by_name = json!({"inputs": [{"id": "A", "idProperty": "dealname", "properties": {}}]});
    assert_eq!(bench.hs(Method::POST, &path, by_name).await.0, 400, "not a unique property");
    let tied = json!({"inputs": [{"id": "k1", "idProperty": "cw_key", "properties": {}, "associations": []}]});
    assert_eq!(bench.hs(Method::POST, &path, tied).await.0, 400, "an upsert does not associate");
}

#[tokio::test]
async fn an_upsert_by_email_is_not_partial() {
    let bench = Bench::empty().await;
    let id = bench.make("contacts", json!({"email": "a@tin.example.com", "phone": "555", "city": "Salem"})).await;
    let input =
        json!({"inputs": [{"id": "a@tin.example.com", "idProperty": "email", "properties": {"city": "Dayton"}}]});
    assert_eq!(bench.hs(Method::POST, &format!("{NEW}/contacts/batch/upsert"), input).await.0, 200);
    let values = bench.values("contacts", &id, "city,phone").await;
    assert_eq!((&values["city"], &values["phone"]), (&json!("Dayton"), &Value::Null));
}

#[tokio::test]
async fn items_of_a_batch_may_fail_by_bad_luck() {
    let switches = HubSpotBehaviour { batch_item_failures: 1.0, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let traced = json!({"inputs": [{"objectWriteTraceId": "t1", "properties": {"name": "A"}}]});
    let (status, body) = bench.hs(Method::POST, &format!("{NEW}/products/batch/create"), traced).await;
    assert_eq!((status, &body["errors"][0]["context"]["objectWriteTraceId"]), (207, &json!(["t1"])));
    assert_eq!(body["results"], json!([]));
}

#[tokio::test]
async fn history_tells_who_wrote_what_and_is_capped() {
    let switches = HubSpotBehaviour { history_shown: 3, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let id = bench.make("deals", json!({"dealname": "D0", "dealstage": "qualifiedtobuy", "amount": "10"})).await;
    for n in 1..5 {
        bench.change("deals", &id, json!({"dealname": format!("D{n}")})).await;
    }
    let user = fields(json!({"dealname": "by hand"}));
    bench.running.control.edit(Side::HubSpot, Object::Deal, id.parse().unwrap(), &user, Some("42")).unwrap();
    let (_, body) = bench.hs_get(&format!("{NEW}/deals/{id}?propertiesWithHistory=dealname,hs_is_closed")).await;
    let names = body["propertiesWithHistory"]["dealname"].as_array().unwrap();
    assert_eq!((names.len(), &names[0]["sourceType"], &names[0]["updatedByUserId"]), (3, &json!("CRM_UI"), &json!(42)));
    assert_eq!((&names[1]["value"], &names[1]["sourceType"]), (&json!("D4"), &json!("INTEGRATION")));
    assert_eq!(body["propertiesWithHistory"]["hs_is_closed"][0]["sourceType"], "CALCULATED");
    assert_eq!(bench.hs_get(&format!("{NEW}/deals?propertiesWithHistory=dealname&limit=51")).await.0, 400);
}

#[tokio::test]
async fn the_server_rewrites_values_where_it_is_told_to() {
    let workflow = json!({"object": "companies", "property": "city", "value": "Rewritten"});
    let switches = HubSpotBehaviour {
        trims_values: true,
        formats_phones: true,
        workflows: vec![serde_json::from_value(workflow).unwrap()],
        ..HubSpotBehaviour::quick()
    };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let id = bench.make("companies", json!({"name": "  Tin Sail ", "phone": "(555) 010-0199", "city": "Salem"})).await;
    let values = bench.values("companies", &id, "name,phone,city").await;
    assert_eq!(
        (&values["name"], &values["phone"], &values["city"]),
        (&json!("Tin Sail"), &json!("+15550100199"), &json!("Salem"))
    );
    bench.running.control.advance(Duration::from_secs(3));
    assert_eq!(bench.values("companies", &id, "city").await["city"], "Rewritten");
    let (_, history) = bench.hs_get(&format!("{NEW}/companies/{id}?propertiesWithHistory=city")).await;
    assert_eq!(history["propertiesWithHistory"]["city"][0]["sourceType"], "AUTOMATION_PLATFORM");
    bench.running.control.advance(Duration::from_secs(60));
    assert_eq!(bench.values("companies", &id, "city").await["city"], "Rewritten", "a workflow does not set itself off");
}

#[tokio::test]
async fn a_storm_moves_every_date_of_change_and_no_mapped_value() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let mut made = Vec::new();
    for n in 0..3 {
        made.push(bench.make("contacts", json!({"email": format!("c{n}@tin.example.com")})).await);
    }
    bench.running.control.advance(Duration::from_secs(60));
    let url = format!("{}/_sim/hubspot/storm", bench.running.hubspot_url);
    let (status, body) = super::answer(bench.client.post(url).json(&json!({"object": "contacts"}))).await;
    assert_eq!((status, body), (200, json!({"records": 3})));
    for id in made {
        let values = bench.values("contacts", &id, "email,lastmodifieddate").await;
        assert_eq!(values["lastmodifieddate"], "2026-05-28T20:27:40Z");
    }
}

#[tokio::test]
async fn a_restored_record_has_its_id_and_no_associations() {
    let bench = Bench::empty().await;
    let contact = bench.make("contacts", json!({"email": "a@tin.example.com"})).await;
    let company = bench.make("companies", json!({"name": "Tin"})).await;
    let tie = format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}");
    assert_eq!(bench.hs(Method::PUT, &tie, json!({})).await.0, 200);
    let id: u64 = company.parse().unwrap();
    bench.running.control.delete(Side::HubSpot, Object::Company, id).unwrap();
    assert_eq!(bench.values("contacts", &contact, "associatedcompanyid").await["associatedcompanyid"], Value::Null);
    bench.running.control.restore(Side::HubSpot, Object::Company, id).unwrap();
    assert_eq!(bench.hs_get(&format!("{NEW}/companies/{company}")).await.0, 200);
    let (_, ties) = bench.hs_get(&format!("/crm/v4/objects/companies/{company}/associations/contacts")).await;
    assert_eq!(ties["results"], json!([]));
}
