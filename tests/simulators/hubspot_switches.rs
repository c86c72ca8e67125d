//! Switches of the simulated HubSpot, each off and on: what a client meets either way.

use std::time::Duration;

use lockstep::sim::{Actor, Behaviour, HubSpotBehaviour, LimitWord, Object, Options, Side};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, COMPANIES, hubspot};

const START: i64 = 1_780_000_000_000;
const CONTACTS: &str = "/crm/objects/2026-09/contacts";

async fn with(change: impl FnOnce(&mut HubSpotBehaviour)) -> Bench {
    let mut switches = HubSpotBehaviour::quick();
    change(&mut switches);
    Bench::behaving(hubspot(switches), START).await
}

/// Creates over the newest version of the API; status, and the answer.
async fn create(bench: &Bench, path: &str, properties: Value) -> (u16, Value) {
    bench.hs(Method::POST, path, json!({ "properties": properties })).await
}

fn id(body: &Value) -> &str {
    body["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_429_carries_a_wait_only_where_it_is_told_to() {
    for wait in [None, Some(7)] {
        let switches = HubSpotBehaviour { burst: 1, retry_after: wait, ..HubSpotBehaviour::quick() };
        let behaviour = Behaviour { limits: true, ..hubspot(switches) };
        let options = Options { behaviour, standing_at_ms: Some(START), ..Options::default() };
        let bench = Bench::with(options).await;
        assert_eq!(bench.hs_get(COMPANIES).await.0, 200);
        let limited = bench.hubspot(Method::GET, COMPANIES).send().await.unwrap();
        assert_eq!(limited.status(), 429);
        let told = limited.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told, wait.map(|seconds: u32| seconds.to_string()));
    }
}

#[tokio::test]
async fn a_429_says_by_error_type_by_category_or_by_both_that_it_is_a_limit() {
    let table = [
        (LimitWord::ErrorType, json!("RATE_LIMIT"), Value::Null),
        (LimitWord::Category, Value::Null, json!("RATE_LIMITS")),
        (LimitWord::Both, json!("RATE_LIMIT"), json!("RATE_LIMITS")),
    ];
    for (word, error_type, category) in table {
        let switches = HubSpotBehaviour { burst: 0, limit_word: word, ..HubSpotBehaviour::quick() };
        let bench = Bench::behaving(Behaviour { limits: true, ..hubspot(switches) }, START).await;
        let (status, told) = bench.hs_get(COMPANIES).await;
        assert_eq!((status, &told["errorType"], &told["category"]), (429, &error_type, &category), "{told}");
        assert_eq!(told["policyName"], "TEN_SECONDLY_ROLLING");
    }
}

#[tokio::test]
async fn what_is_no_number_is_an_invalid_integer_or_an_invalid_long() {
    for long in [false, true] {
        let bench = with(|switches| switches.bad_number_is_long = long).await;
        let values = json!({"dealname": "A", "dealstage": "qualifiedtobuy", "amount": "many", "closedate": "1/1/1"});
        let (status, told) = create(&bench, "/crm/objects/2026-09/deals", values).await;
        let errors = told["errors"].as_array().unwrap();
        let of = |name: &str| errors.iter().find(|error| error["context"]["propertyName"] == json!([name])).unwrap();
        let (number, date) = (of("amount"), of("closedate"));
        let expected = if long {
            ("INVALID_LONG", "many was not a valid long.")
        } else {
            ("INVALID_INTEGER", "amount was not a valid number")
        };
        assert_eq!((status, &number["code"], &number["message"]), (400, &json!(expected.0), &json!(expected.1)));
        assert_eq!((&date["code"], &date["message"]), (&json!("INVALID_LONG"), &json!("1/1/1 was not a valid long.")));
    }
}

#[tokio::test]
async fn an_archived_record_gives_up_its_unique_values_or_holds_them() {
    for holds in [None, Some(true), Some(false)] {
        let bench =
            with(|switches| switches.archived_holds_unique = holds.unwrap_or(switches.archived_holds_unique)).await;
        let holds = holds.unwrap_or(true);
        bench.running.control.define_property(Object::Company, "their_key", "Key", true).unwrap();
        let (_, first) = create(&bench, COMPANIES, json!({"name": "A", "their_key": "k1"})).await;
        let taken = create(&bench, COMPANIES, json!({"name": "B", "their_key": "k1"})).await;
        assert_eq!(taken.0, 400, "while it lives: {}", taken.1);
        assert_eq!(bench.hs(Method::DELETE, &format!("{COMPANIES}/{}", id(&first)), json!({})).await.0, 204);
        let again = create(&bench, COMPANIES, json!({"name": "B", "their_key": "k1"})).await;
        assert_eq!(again.0, if holds { 400 } else { 201 }, "{}", again.1);
        let (_, contact) = create(&bench, CONTACTS, json!({"email": "a@x.example.com"})).await;
        assert_eq!(bench.hs(Method::DELETE, &format!("{CONTACTS}/{}", id(&contact)), json!({})).await.0, 204);
        let (status, again) = create(&bench, CONTACTS, json!({"email": "a@x.example.com"})).await;
        assert_eq!(status, if holds { 409 } else { 201 }, "{again}");
        let holder = format!("Existing ID: {}", id(&contact));
        assert_eq!(again.to_string().contains(&holder), holds, "{again}");
    }
}

#[tokio::test]
async fn a_domain_finds_its_company_only_where_it_counts_as_unique() {
    for counts in [false, true] {
        let bench = with(|switches| switches.domain_is_id_property = counts).await;
        let (_, made) = create(&bench, COMPANIES, json!({"name": "A", "domain": "tin.example.com"})).await;
        let (status, found) = bench.hs_get(&format!("{COMPANIES}/tin.example.com?idProperty=domain")).await;
        assert_eq!(status, if counts { 200 } else { 400 }, "{found}");
        assert_eq!(found["id"] == made["id"], counts);
        let none = bench.hs_get(&format!("{COMPANIES}/none.example.com?idProperty=domain")).await.0;
        assert_eq!(none, if counts { 404 } else { 400 });
    }
}

#[tokio::test]
async fn what_was_cleared_reads_as_null_or_as_an_empty_text() {
    for empty in [false, true] {
        let bench = with(|switches| switches.cleared_reads_as_empty = empty).await;
        let (_, made) = create(&bench, COMPANIES, json!({"name": "A", "city": "Ulm"})).await;
        let path = format!("{COMPANIES}/{}", id(&made));
        bench.hs(Method::PATCH, &path, json!({"properties": {"city": ""}})).await;
        let (_, read) = bench.hs_get(&format!("{path}?properties=city,phone")).await;
        assert_eq!(read["properties"]["city"], if empty { json!("") } else { Value::Null });
        assert_eq!(read["properties"]["phone"], Value::Null, "it never had a value");
    }
}

#[tokio::test]
async fn a_label_alone_moves_the_last_change_of_both_records_where_it_is_told_to() {
    for moves in [false, true] {
        let bench = with(|switches| switches.labels_move_modified = moves).await;
        let (_, company) = create(&bench, COMPANIES, json!({"name": "A"})).await;
        let (_, contact) = create(&bench, CONTACTS, json!({"email": "a@x.example.com"})).await;
        let pair = json!({"from": {"id": id(&contact)}, "to": {"id": id(&company)}});
        let batch = "/crm/associations/2026-09/0-1/0-2/batch";
        let inputs = json!({ "inputs": [pair] });
        assert_eq!(bench.hs(Method::POST, &format!("{batch}/associate/default"), inputs).await.0, 200);
        let paths = [format!("{CONTACTS}/{}", id(&contact)), format!("{COMPANIES}/{}", id(&company))];
        let changed = async || {
            let mut changed = Vec::new();
            for path in &paths {
                changed.push(bench.hs_get(path).await.1["updatedAt"].clone());
            }
            changed
        };
        let before = changed().await;
        bench.running.control.advance(Duration::from_secs(60));
        let (_, label) = bench
            .hs(Method::POST, "/crm/associations/2026-09/0-1/0-2/labels", json!({"label": "Chair", "name": "chair"}))
            .await;
        let mut labelled = pair.clone();
        let number = label["results"][0]["typeId"].clone();
        labelled["types"] = json!([{"associationCategory": "USER_DEFINED", "associationTypeId": number}]);
        let (status, told) = bench.hs(Method::POST, &format!("{batch}/create"), json!({ "inputs": [labelled] })).await;
        assert!(status < 300, "{label}: {told}");
        let after = changed().await;
        assert_eq!((before[0] != after[0], before[1] != after[1]), (moves, moves), "{before:?} {after:?}");
    }
}

#[tokio::test]
async fn a_company_with_a_domain_is_filled_later_in_what_it_lacks() {
    let wait = Duration::from_millis(9_000);
    for (enriches, domain) in [(false, "tin-sail.example.com"), (true, ""), (true, "tin-sail.example.com")] {
        let bench = with(|switches| {
            switches.enriches_companies = enriches;
            switches.consequences_after_ms = 9_000;
        })
        .await;
        let own = json!({"name": "Own name", "domain": domain});
        let (_, made) = create(&bench, COMPANIES, own).await;
        let path = format!("{COMPANIES}/{}?properties=name,industry,country", id(&made));
        bench.running.control.advance(wait - Duration::from_millis(1));
        assert_eq!(bench.hs_get(&path).await.1["properties"]["industry"], Value::Null, "not yet");
        bench.running.control.advance(Duration::from_millis(1));
        let (_, read) = bench.hs_get(&path).await;
        let filled = enriches && !domain.is_empty();
        assert_eq!(read["properties"]["industry"], if filled { json!("COMPUTER_SOFTWARE") } else { Value::Null });
        assert_eq!(read["properties"]["name"], "Own name", "what is there stays");
        let (_, history) = bench.hs_get(&format!("{path}&propertiesWithHistory=industry")).await;
        let source = &history["propertiesWithHistory"]["industry"][0]["sourceType"];
        assert_eq!(*source == "DATA_ENRICHMENT", filled, "{history}");
    }
}

#[tokio::test]
async fn the_body_of_a_search_has_a_limit_or_none() {
    for (limit, expected) in [(Some(3_000), 400), (None, 200), (Some(400), 400)] {
        let bench = with(|switches| switches.search_body_limit = limit).await;
        let values: Vec<String> = (0..90).map(|n| format!("a-rather-long-name-of-a-company-{n}")).collect();
        let filter = json!({"propertyName": "name", "operator": "IN", "values": values});
        assert_eq!(bench.search(json!({"filterGroups": [{"filters": [filter]}]})).await.0, expected, "{limit:?}");
        assert_eq!(bench.search(json!({"filterGroups": []})).await.0, 200, "{limit:?}");
    }
}

#[tokio::test]
async fn an_upsert_by_email_clears_what_it_does_not_name_or_leaves_it() {
    for clears in [true, false] {
        let bench = with(|switches| switches.email_upsert_clears = clears).await;
        let (_, made) = create(&bench, CONTACTS, json!({"email": "a@x.example.com", "city": "Ulm", "zip": "1"})).await;
        let input = json!({"idProperty": "email", "id": "a@x.example.com", "properties": {"zip": "2"}});
        let (status, told) =
            bench.hs(Method::POST, &format!("{CONTACTS}/batch/upsert"), json!({ "inputs": [input] })).await;
        assert_eq!((status, &told["results"][0]["id"]), (200, &made["id"]), "{told}");
        let (_, read) = bench.hs_get(&format!("{CONTACTS}/{}?properties=city,zip", id(&made))).await;
        assert_eq!(read["properties"]["zip"], "2");
        assert_eq!(read["properties"]["city"], if clears { Value::Null } else { json!("Ulm") });
    }
}

#[tokio::test]
async fn a_new_contact_gets_the_stage_of_the_portal_or_none() {
    for (default, expected) in
        [(Some("lead"), json!("lead")), (Some("subscriber"), json!("subscriber")), (None, Value::Null)]
    {
        let bench = with(|switches| switches.contact_lifecycle_default = default.map(str::to_owned)).await;
        let stage = async |properties| {
            let (_, made) = create(&bench, CONTACTS, properties).await;
            let (_, read) = bench.hs_get(&format!("{CONTACTS}/{}?properties=lifecyclestage", id(&made))).await;
            read["properties"]["lifecyclestage"].clone()
        };
        assert_eq!(stage(json!({"email": "a@x.example.com"})).await, expected);
        assert_eq!(stage(json!({"email": "b@x.example.com", "lifecyclestage": "customer"})).await, "customer");
    }
}

#[tokio::test]
async fn a_time_in_seconds_is_refused_or_taken_for_1970() {
    for refuses in [true, false] {
        let bench = with(|switches| switches.refuses_seconds = refuses).await;
        let note = json!({"hs_timestamp": "1780000000", "hs_note_body": "x"});
        let (status, told) = create(&bench, "/crm/objects/2026-09/notes", note.clone()).await;
        assert_eq!(status, if refuses { 400 } else { 201 }, "{told}");
        assert_eq!(told.to_string().contains("INVALID_DATE"), refuses, "{told}");
        let (status, told) = create(&bench, "/crm/v3/objects/notes", note).await;
        assert_eq!(status, 201, "before 2026-09 nobody looks: {told}");
        let (_, read) = bench.hs_get(&format!("/crm/v3/objects/notes/{}?properties=hs_timestamp", id(&told))).await;
        assert!(read["properties"]["hs_timestamp"].as_str().unwrap().starts_with("1970-01-21"), "{read}");
    }
}

#[tokio::test]
async fn a_ticket_needs_its_pipeline_or_takes_that_of_its_stage() {
    for needs in [true, false] {
        let bench = with(|switches| switches.tickets_need_pipeline = needs).await;
        let tickets = "/crm/objects/2026-09/tickets";
        let (status, told) = create(&bench, tickets, json!({"subject": "T", "hs_pipeline_stage": "2"})).await;
        assert_eq!(status, if needs { 400 } else { 201 }, "{told}");
        let whole = json!({"subject": "T", "hs_pipeline": "0", "hs_pipeline_stage": "2"});
        assert_eq!(create(&bench, tickets, whole).await.0, 201);
    }
}

#[tokio::test]
async fn owners_come_in_pages_of_at_most_what_the_portal_gives() {
    let bench = with(|switches| switches.owners_page_most = 2).await;
    let (_, first) = bench.hs_get("/crm/owners/2026-09").await;
    let owners = first["results"].as_array().unwrap();
    assert_eq!((owners.len(), first["paging"]["next"]["after"].as_str()), (2, Some("2")));
    assert_eq!(bench.hs_get("/crm/owners/2026-09?limit=3").await.0, 400);
    let (_, second) = bench.hs_get("/crm/owners/2026-09?limit=2&after=2").await;
    assert!(!second["results"].as_array().unwrap().is_empty() && second["results"][0]["id"] != owners[0]["id"]);
    let wide = with(|_| ()).await;
    assert!(wide.hs_get("/crm/owners/2026-09?limit=100").await.1["results"].as_array().unwrap().len() > 2);
}

#[tokio::test]
async fn history_names_the_app_or_what_the_portal_says_of_its_service_key() {
    for (by_key, expected) in [(false, lockstep::sim::HUBSPOT_APP_ID), (true, "key-7")] {
        let bench = with(|switches| {
            switches.token_is_service_key = by_key;
            switches.service_key_source_id = "key-7".to_owned();
        })
        .await;
        let (_, made) = create(&bench, COMPANIES, json!({"name": "A"})).await;
        let (_, read) = bench.hs_get(&format!("{COMPANIES}/{}?propertiesWithHistory=name", id(&made))).await;
        assert_eq!(read["propertiesWithHistory"]["name"][0]["sourceId"], expected, "{read}");
        let written = bench.running.control.ledger(0);
        assert!(written.iter().any(|one| one.side == Side::HubSpot && one.actor == Actor::Api(expected.to_owned())));
    }
}

#[tokio::test]
async fn tokens_and_codes_live_as_long_as_the_portal_says() {
    let bench = with(|switches| {
        switches.token_lifetime_s = 40;
        switches.code_lifetime_ms = 5_000;
    })
    .await;
    let form = |code: String| {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code),
            ("redirect_uri", super::hubspot_account::REDIRECT.to_owned()),
            ("code_verifier", verifier),
        ]
    };
    let exchange = async |wait: u64| {
        let code = bench.approve("oauth crm.objects.companies.read").await;
        bench.running.control.advance(Duration::from_millis(wait));
        let form = form(code);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        bench.token("/oauth/2026-09/token", &form).await
    };
    let late = exchange(5_001).await;
    assert_eq!((late.0, &late.1["status"]), (400, &json!("EXPIRED_AUTH_CODE")));
    let (status, tokens) = exchange(5_000).await;
    assert_eq!((status, &tokens["expires_in"]), (200, &json!(40)), "{tokens}");
    bench.running.control.advance(Duration::from_millis(39_999));
    assert_eq!(bench.as_app(&tokens["access_token"], COMPANIES).await.0, 200);
    bench.running.control.advance(Duration::from_millis(2));
    let (status, told) = bench.as_app(&tokens["access_token"], COMPANIES).await;
    assert_eq!((status, &told["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
}

#[tokio::test]
async fn a_flag_is_true_or_false_in_any_case_and_nothing_else() {
    let bench = Bench::empty().await;
    let made = json!({"properties": {"name": "Tin Sail"}});
    let (_, company) = bench.hs(Method::POST, "/crm/v3/objects/companies", made).await;
    let path = format!("/crm/v3/objects/companies/{}", company["id"].as_str().unwrap());
    assert_eq!(bench.hs(Method::DELETE, &path, json!({})).await.0, 204);
    for (flag, status) in [("True", 200), ("TRUE", 200), ("False", 404), ("1", 400), ("xyz", 400), ("", 400)] {
        assert_eq!(bench.hs_get(&format!("{path}?archived={flag}")).await.0, status, "{flag}");
    }
    for path in ["/crm/v3/objects/companies", "/crm/v3/properties/companies", "/crm/v3/owners"] {
        for (flag, status) in [("true", 200), ("False", 200), ("1", 400)] {
            assert_eq!(bench.hs_get(&format!("{path}?archived={flag}")).await.0, status, "{path} {flag}");
        }
    }
}

#[tokio::test]
async fn a_batch_without_a_list_of_inputs_is_refused() {
    let bench = Bench::empty().await;
    for path in [
        "/crm/v3/objects/companies/batch/read",
        "/crm/v3/objects/companies/batch/update",
        "/crm/v4/associations/contacts/companies/batch/read",
        "/crm/v3/properties/companies/batch/read",
    ] {
        for body in [json!({}), json!({"inputs": "x"}), json!({"inputs": null}), json!({"inputs": {}})] {
            let (status, told) = bench.hs(Method::POST, path, body.clone()).await;
            assert_eq!((status, told["category"].as_str()), (400, Some("VALIDATION_ERROR")), "{path} {body}: {told}");
        }
        assert_eq!(bench.hs(Method::POST, path, json!({"inputs": []})).await.0, 200, "{path}");
    }
}

/// Whatever is sent with it: no list of inputs makes a call of a verb that there is not.
#[tokio::test]
async fn a_verb_that_a_batch_does_not_have_is_no_endpoint() {
    let bench = Bench::empty().await;
    for path in [
        "/crm/v3/properties/companies/batch/bogus",
        "/crm/properties/2026-09/companies/batch/update",
        "/crm/v3/objects/companies/batch/bogus",
        "/crm/objects/2026-09/companies/batch/merge",
        "/crm/v4/associations/contacts/companies/batch/bogus",
    ] {
        for body in [json!({"inputs": []}), json!({"inputs": [{"name": "name"}]}), json!({})] {
            let (status, told) = bench.hs(Method::POST, path, body.clone()).await;
            assert_eq!((status, told["message"].as_str()), (404, Some("resource not found")), "{path} {body}: {told}");
        }
    }
}
