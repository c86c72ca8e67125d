//! Slips in calls of the control API: what names nothing is refused, and the nearest name that there is comes with it.

use lockstep::sim::Side;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer};

const CONTACT: &str = "/records/hubspot/contacts/18230000229";
const CONTACTS: &str = "/records/hubspot/contacts";

impl Bench {
    pub async fn control(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}/_sim{path}", self.running.connectwise_url);
        let request = self.client.request(method.parse().unwrap(), url);
        answer(if body.is_null() { request } else { request.json(&body) }).await
    }

    pub async fn refuses(&self, slips: &[(&str, &str, Value, &[&str])]) {
        for (method, path, body, words) in slips {
            let (status, answered) = self.control(method, path, body.clone()).await;
            let said = answered["error"].as_str().unwrap_or_default();
            let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
            assert!(matches!(status, 400 | 404) && missing.is_empty(), "{method} {path} {body}: {status} {answered}");
        }
    }
}

#[tokio::test]
async fn an_object_that_a_system_does_not_have_is_not_an_empty_list() {
    let bench = Bench::story().await;
    bench
        .refuses(&[
            ("GET", "/records/hubspot/activities", Value::Null, &["HubSpot has no activities", "meetings"]),
            ("GET", "/records/hubspot/activities/5", Value::Null, &["HubSpot has no activities"]),
            ("GET", "/records/connectwise/notes", Value::Null, &["ConnectWise has no notes", "activities"]),
            ("DELETE", "/records/connectwise/meetings/5", Value::Null, &["ConnectWise has no meetings"]),
            ("GET", "/records/hubspot/contact", Value::Null, &["\"contact\"", "the nearest is \"contacts\""]),
            ("GET", "/records/hubspt/contacts", Value::Null, &["\"hubspt\"", "the nearest is \"hubspot\""]),
        ])
        .await;
}

#[tokio::test]
async fn a_record_is_neither_merged_into_itself_nor_associated_with_itself() {
    let bench = Bench::story().await;
    let tie = |id: u64| json!({"object": "contacts", "id": id});
    bench
        .refuses(&[
            ("POST", "/records/connectwise/contacts/57901/merge", json!({"other": 57901}), &["itself"]),
            ("POST", "/records/connectwise/companies/19305/merge", json!({"other": 19305}), &["itself"]),
            ("POST", "/records/connectwise/tickets/71001/merge", json!({"other": 71001}), &["itself"]),
            ("POST", &format!("{CONTACT}/merge"), json!({"other": 18_230_000_229_u64}), &["itself"]),
            ("POST", &format!("{CONTACT}/associate"), json!({"to": "contacts", "id": 18_230_000_229_u64}), &["itself"]),
            (
                "POST",
                "/hubspot/associations",
                json!({"from": tie(18_230_000_229), "to": tie(18_230_000_229)}),
                &["itself"],
            ),
        ])
        .await;
    for (path, member) in [("contacts/57901", "firstName"), ("companies/19305", "name"), ("tickets/71001", "summary")] {
        let (status, record) = bench.control("GET", &format!("/records/connectwise/{path}"), Value::Null).await;
        assert!(status == 200 && record[member].is_string() && record["deleted"] == false, "{path}: {record}");
    }
    assert_eq!(bench.running.control.ledger(0), [], "nothing happened");
}

#[tokio::test]
async fn nobody_edits_whom_the_system_does_not_know() {
    let bench = Bench::story().await;
    let by = |user: &str| json!({"fields": {"lastname": "Vance"}, "user": user});
    let hers = |user: &str| json!({"fields": {"lastName": "Vance"}, "user": user});
    bench
        .refuses(&[
            ("PATCH", CONTACT, by("51446699"), &["\"51446699\"", "the nearest is \"5144667"]),
            ("PATCH", "/records/connectwise/contacts/57901", hers("jlin"), &["\"jlin\"", "the nearest is \"jlind\""]),
            ("POST", CONTACTS, by("mvance"), &["\"mvance\""]),
            ("POST", &format!("{CONTACT}/merge"), json!({"other": 1, "user": "x"}), &["\"x\""]),
        ])
        .await;
    assert_eq!(bench.running.control.ledger(0), []);
    assert_eq!(bench.control("PATCH", CONTACT, by("51446677")).await.0, 200);
    assert_eq!(bench.control("PATCH", "/records/connectwise/contacts/57901", hers("jlind")).await.0, 200);
}

#[tokio::test]
async fn a_parameter_that_no_call_takes_is_refused() {
    let bench = Bench::story().await;
    bench
        .refuses(&[
            ("GET", "/records/hubspot/contacts?limt=3", Value::Null, &["\"limt\"", "the nearest is \"limit\""]),
            ("GET", "/ledger?sinse=3", Value::Null, &["\"sinse\"", "the nearest is \"since\""]),
            ("GET", "/deliveries?limit=3", Value::Null, &["\"limit\"", "since"]),
            ("GET", "/behaviour?since=3", Value::Null, &["\"since\"", "takes no parameters"]),
            ("DELETE", "/faults?side=hubspot", Value::Null, &["\"side\"", "takes no parameters"]),
        ])
        .await;
    let (status, page) = bench.control("GET", "/records/hubspot/contacts?after=0&limit=3", Value::Null).await;
    assert_eq!((status, page.as_array().map(Vec::len)), (200, Some(3)));
}

#[tokio::test]
async fn lists_properties_and_associations_take_nothing_that_is_not_there() {
    let bench = Bench::story().await;
    let list = |more: Value| {
        let mut list = json!({"object": "contacts", "name": "VIPs"});
        list.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        list
    };
    let end = json!({"object": "contacts", "id": 18_230_000_229_u64});
    bench
        .refuses(&[
            ("PUT", "/hubspot/lists", list(json!({"members": [18_230_000_229_u64, 5]})), &["HubSpot has no contact 5"]),
            ("PUT", "/hubspot/lists", list(json!({"members": ["ann"]})), &["\"ann\""]),
            ("PUT", "/hubspot/lists", list(json!({"membres": []})), &["membres", "members"]),
            ("PUT", "/hubspot/lists", list(json!({"processing": "MANUEL"})), &["MANUEL", "MANUAL"]),
            ("PUT", "/hubspot/lists", json!({"object": "contact", "name": "VIPs"}), &["contact", "contacts"]),
            ("PUT", "/hubspot/lists", list(json!({"object": "activities"})), &["HubSpot has no activities"]),
            ("POST", "/hubspot/storm", json!({"object": "contacts", "hard": true}), &["hard"]),
            ("POST", "/hubspot/associations", json!({"from": end, "to": {"object": "companies"}}), &["`id`"]),
            ("POST", "/hubspot/associations", json!({"from": end}), &["`to`"]),
            ("POST", "/properties", json!({"name": "Bad Name!"}), &["\"Bad Name!\"", "lower-case letters"]),
            ("POST", "/properties", json!({"name": "9lives"}), &["\"9lives\"", "lower-case letters"]),
        ])
        .await;
    let (_, lists) = bench.hs(Method::POST, "/crm/lists/2026-09/search", json!({"query": "VIPs"})).await;
    assert_eq!(lists["total"], 0, "{lists}");
}

#[tokio::test]
async fn an_app_listens_to_events_that_there_are() {
    let bench = Bench::empty().await;
    let hook = |event: &str| json!({"url": "http://127.0.0.1:9/hook", "secret": "s", "events": [event]});
    let path = "/webhooks/hubspot";
    bench
        .refuses(&[
            ("PUT", path, hook("contact.propertyChanged"), &["the nearest is \"contact.propertyChange\""]),
            ("PUT", path, hook("contacts.creation"), &["the nearest is \"contact.creation\""]),
            ("PUT", path, hook("note.creation"), &["\"note.creation\""]),
        ])
        .await;
    assert_eq!(bench.control("GET", path, Value::Null).await.1, Value::Null);
    for event in ["contact.propertyChange", "object.creation", "line_item.merge"] {
        assert_eq!(bench.control("PUT", path, hook(event)).await.1["events"], json!([event]));
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_in_words() {
    let bench = Bench::empty().await;
    let long = vec![b' '; 17 * 1024 * 1024];
    let url = format!("{}/_sim/faults", bench.running.hubspot_url);
    let (status, answered) = answer(bench.client.post(url).body(long)).await;
    let said = answered["error"].as_str().unwrap_or_default();
    assert!(status == 413 && said.contains("16 MB"), "{status} {answered}");
}

#[tokio::test]
async fn a_clock_that_a_fault_set_wrong_goes_right_when_the_faults_are_gone() {
    let bench = Bench::empty().await;
    let year = 31_622_400_000_i64;
    bench
        .refuses(&[("POST", "/faults", json!({"fault": {"skew": {"ms": year + 1}}}), &["\"ms\"", "-31622400000"])])
        .await;
    let skew = |ms: i64| json!({"fault": {"skew": {"ms": ms}}, "side": "connectwise"});
    bench.control("PUT", "/clock/skew", json!({"side": "connectwise", "ms": 1000})).await;
    bench.control("POST", "/faults", skew(year)).await;
    for _ in 0..3 {
        bench.cw_get("/system/info", &[]).await;
    }
    let skewed = || bench.running.control.skew(Side::ConnectWise);
    assert_eq!(skewed(), year, "never more than a year");
    bench.control("DELETE", "/faults", Value::Null).await;
    assert_eq!(skewed(), 1000, "as it was set by hand");
}
