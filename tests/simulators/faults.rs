//! Every kind of fault, asked for as JSON over the control API and seen by a client that speaks plain HTTP.

use std::time::Duration;

use lockstep::sim::{Data, Options, Side};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::{Bench, COMPANIES, answer, ids};

const START: i64 = 1_780_000_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

impl Bench {
    async fn still() -> Self {
        Self::with(Options { standing_at_ms: Some(START), ..Options::quick(Data::Empty) }).await
    }

    async fn break_with(&self, rule: Value) {
        let url = format!("{}/_sim/faults", self.running.hubspot_url);
        let (status, body) = answer(self.client.post(url).json(&rule)).await;
        assert_eq!(status, 200, "{rule}: {body}");
    }

    /// Breaks the next request to either system, whatever it is.
    async fn break_once(&self, fault: Value) {
        self.break_with(json!({ "fault": fault, "count": 1 })).await;
    }

    /// A create in either system.
    fn creating(&self, side: Side, n: usize) -> RequestBuilder {
        match side {
            Side::HubSpot => {
                self.hubspot(Method::POST, COMPANIES).json(&json!({ "properties": {"name": format!("C{n}")} }))
            }
            Side::ConnectWise => {
                let body = json!({ "identifier": format!("C{n}"), "name": format!("C{n}"), "site": {"name": "Main"} });
                self.connectwise(Method::POST, "/company/companies").json(&body)
            }
        }
    }

    fn listing(&self, side: Side) -> RequestBuilder {
        match side {
            Side::HubSpot => self.hubspot(Method::GET, COMPANIES),
            Side::ConnectWise => self.connectwise(Method::GET, "/company/companies"),
        }
    }

    /// How many companies a system holds.
    async fn count(&self, side: Side) -> usize {
        let (status, body) = answer(self.listing(side)).await;
        assert_eq!(status, 200, "{body}");
        let rows = if side == Side::HubSpot { &body["results"] } else { &body };
        rows.as_array().unwrap().len()
    }
}

const SIDES: [Side; 2] = [Side::HubSpot, Side::ConnectWise];

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_dropped_request_took_effect_or_not_as_the_fault_says() {
    for side in SIDES {
        let bench = Bench::still().await;
        for (fault, made) in [("drop_before", 0), ("drop_after_commit", 1)] {
            bench.break_once(json!(fault)).await;
            assert!(bench.creating(side, 0).send().await.is_err(), "{fault}");
            assert_eq!(bench.count(side).await, made, "{fault}");
        }
    }
}

#[tokio::test]
async fn a_late_request_lands_after_its_client_hung_up() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_once(json!({"late_landing": {"ms": 300}})).await;
        let impatient = bench.creating(side, 0).timeout(Duration::from_millis(50)).send().await;
        assert!(impatient.unwrap_err().is_timeout());
        assert_eq!(bench.count(side).await, 0, "it is still on its way");
        let deadline = Instant::now() + PATIENCE;
        while bench.count(side).await == 0 {
            assert!(Instant::now() < deadline, "it never landed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn a_slow_answer_comes_after_its_effect() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_once(json!({"delay": {"ms": 400}})).await;
        let impatient = bench.creating(side, 0).timeout(Duration::from_millis(100)).send().await;
        assert!(impatient.unwrap_err().is_timeout());
        assert_eq!(bench.count(side).await, 1);
    }
}

#[tokio::test]
async fn a_429_says_how_long_in_seconds_in_milliseconds_as_a_date_or_not_at_all() {
    let table = [
        (json!({}), None),
        (json!({"retry_after": {"seconds": 7}}), Some("7")),
        (json!({"retry_after": {"milliseconds": 9500}}), Some("9500")),
        (json!({"retry_after": {"date_in_seconds": 20}}), Some("Thu, 28 May 2026 20:27:00 GMT")),
    ];
    for side in SIDES {
        for (how, expected) in &table {
            let bench = Bench::still().await;
            bench.break_once(json!({ "limited": how })).await;
            let response = bench.creating(side, 0).send().await.unwrap();
            assert_eq!((response.status().as_u16(), header(&response, "retry-after").as_deref()), (429, *expected));
            let body: Value = response.json().await.unwrap();
            assert!(body["policyName"] == "TEN_SECONDLY_ROLLING" || body["error"] == "ConnectWiseAPI", "{body}");
            assert_eq!(bench.count(side).await, 0);
        }
    }
}

#[tokio::test]
async fn a_500_comes_before_or_after_the_effect_and_a_502_is_a_page() {
    for side in SIDES {
        let bench = Bench::still().await;
        for (fault, code, made) in [
            (json!({"status": {"code": 500}}), 500, 0),
            (json!({"status_after_commit": {"code": 500}}), 500, 1),
            (json!({"status": {"code": 502}}), 502, 1),
            (json!({"status": {"code": 503, "body": "{\"odd\": true}", "retry_after": 4}}), 503, 1),
        ] {
            bench.break_once(fault.clone()).await;
            let response = bench.creating(side, 0).send().await.unwrap();
            let kind = header(&response, "content-type").unwrap();
            assert_eq!(response.status().as_u16(), code, "{fault}");
            assert_eq!(kind.starts_with("text/html"), code == 502, "{kind}");
            assert_eq!(header(&response, "retry-after").is_some(), code == 503);
            assert_eq!(bench.count(side).await, made, "{fault}");
        }
    }
}

#[tokio::test]
async fn a_token_expires_at_the_nth_request_and_stays_expired() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_with(json!({"fault": "expired", "side": side, "skip": 2})).await;
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(answer(bench.listing(side)).await);
        }
        let statuses: Vec<u16> = seen.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 200, 401, 401]);
        let body = &seen[3].1;
        assert!(body["category"] == "EXPIRED_AUTHENTICATION" || body["code"] == "Unauthorized", "{body}");
        let other = SIDES.into_iter().find(|other| *other != side).unwrap();
        assert_eq!(bench.count(other).await, 0, "the other system still knows its client");
    }
}

#[tokio::test]
async fn a_page_of_html_wears_a_200() {
    for side in SIDES {
        let bench = Bench::still().await;
        for (fault, made) in [(json!({"html": {}}), 0), (json!({"html": {"commits": true}}), 1)] {
            bench.break_once(fault).await;
            let response = bench.creating(side, 0).send().await.unwrap();
            assert_eq!(response.status().as_u16(), 200);
            assert!(response.text().await.unwrap().starts_with("<!DOCTYPE html>"));
            assert_eq!(bench.count(side).await, made);
        }
    }
}

#[tokio::test]
async fn a_dripping_answer_is_still_alive_when_all_of_it_was_said() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_once(json!({"drip": {"bytes": 40, "every_ms": 1}})).await;
        let mut response = bench.creating(side, 0).send().await.unwrap();
        let mut body = Vec::new();
        let more = async {
            while !(serde_json::from_slice::<Value>(&body).is_ok() && body.ends_with(b"   ")) {
                let chunk = response.chunk().await.unwrap().unwrap();
                assert!(chunk.len() < 4096);
                body.extend_from_slice(&chunk);
            }
        };
        timeout(PATIENCE, more).await.unwrap();
        assert_eq!(bench.count(side).await, 1);
    }
}

#[tokio::test]
async fn a_broken_answer_ends_in_an_error_and_half_a_body_does_not() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_once(json!("truncate")).await;
        let response = bench.creating(side, 0).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 201);
        assert!(response.bytes().await.is_err(), "the connection is reset in the middle");
        bench.break_once(json!("half_body")).await;
        let body = bench.creating(side, 1).send().await.unwrap().bytes().await.unwrap();
        assert!(body.starts_with(b"{") && serde_json::from_slice::<Value>(&body).is_err());
        assert_eq!(bench.count(side).await, 2);
    }
}

#[tokio::test]
async fn an_oversized_answer_is_right_and_very_long() {
    for side in SIDES {
        let bench = Bench::still().await;
        bench.break_once(json!({"oversized": {"megabytes": 3}})).await;
        let body = bench.creating(side, 0).send().await.unwrap().bytes().await.unwrap();
        assert!((3 << 20..(3 << 20) + 100_000).contains(&body.len()), "{}", body.len());
        assert!(serde_json::from_slice::<Value>(&body).unwrap()["id"] != Value::Null);
    }
}

#[tokio::test]
async fn a_mangled_answer_has_other_values_or_lacks_members() {
    let bench = Bench::still().await;
    for n in 0..2 {
        assert_eq!(answer(bench.creating(Side::HubSpot, n)).await.0, 201);
        assert_eq!(answer(bench.creating(Side::ConnectWise, n)).await.0, 201);
    }
    let table = [
        (Side::HubSpot, json!({"pointer": "/results/*/id", "value": 7}), "/results/1/id", Some(json!(7))),
        (Side::HubSpot, json!({"pointer": "/results/0/properties"}), "/results/0/properties", None),
        (Side::HubSpot, json!({"pointer": "/results", "value": null}), "/results", Some(Value::Null)),
        (
            Side::HubSpot,
            json!({"pointer": "/results/0/updatedAt", "value": "9999999-01-01T00:00:00Z"}),
            "/results/0/updatedAt",
            Some(json!("9999999-01-01T00:00:00Z")),
        ),
        (Side::ConnectWise, json!({"pointer": "/0/id", "value": "x"}), "/0/id", Some(json!("x"))),
        (Side::ConnectWise, json!({"pointer": "/*/_info"}), "/1/_info", None),
        (Side::ConnectWise, json!({"pointer": "", "value": {"rows": []}}), "/rows", Some(json!([]))),
    ];
    for (side, mangle, looked_at, expected) in table {
        bench.break_once(json!({ "mangle": mangle })).await;
        let (status, body) = answer(bench.listing(side)).await;
        assert_eq!((status, body.pointer(looked_at)), (200, expected.as_ref()), "{mangle}");
    }
}

#[tokio::test]
async fn paging_that_never_ends_is_a_mangled_cursor_or_header() {
    let bench = Bench::still().await;
    assert_eq!(answer(bench.creating(Side::HubSpot, 0)).await.0, 201);
    let again = json!({"pointer": "/paging", "value": {"next": {"after": "1"}}});
    bench.break_with(json!({"fault": {"mangle": again}, "side": "hubspot"})).await;
    for _ in 0..3 {
        let (_, page) = bench.hs_get(&format!("{COMPANIES}?after=1")).await;
        assert_eq!((ids(&page["results"]).len(), &page["paging"]["next"]["after"]), (1, &json!("1")));
    }
    let link = "<http://127.0.0.1/next?pageId=1>; rel=\"next\"";
    bench.break_with(json!({"fault": {"header": {"name": "Link", "value": link}}, "side": "connectwise"})).await;
    for _ in 0..2 {
        let response = bench.listing(Side::ConnectWise).send().await.unwrap();
        assert_eq!(header(&response, "link").as_deref(), Some(link));
    }
    bench.running.control.clear_faults();
    bench.break_once(json!({"header": {"name": "x-hubspot-correlation-id"}})).await;
    let response = bench.listing(Side::HubSpot).send().await.unwrap();
    assert_eq!(header(&response, "x-hubspot-correlation-id"), None);
}

#[tokio::test]
async fn items_come_in_another_order_or_are_left_out() {
    let bench = Bench::still().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(bench.new_hubspot(json!({"name": format!("C{n}")})).await);
    }
    let list = async || ids(&bench.hs_get(COMPANIES).await.1["results"]);
    bench.break_once(json!({"reorder": {"pointer": "/results"}})).await;
    let mut other = list().await;
    assert_ne!(other, made);
    other.sort();
    assert_eq!(other, made);
    bench.break_once(json!({"drop_item": {"pointer": "/results", "index": 1}})).await;
    assert_eq!(list().await, [&made[..1], &made[2..]].concat());
    bench.break_once(json!({"drop_item": {"pointer": "/results"}})).await;
    assert_eq!(list().await, made[..4]);
}

#[tokio::test]
async fn a_skewed_clock_moves_the_date_and_every_stamp_of_its_system() {
    let bench = Bench::still().await;
    bench.break_with(json!({"fault": {"skew": {"ms": 60_000}}, "side": "hubspot", "count": 5})).await;
    let mut minutes = Vec::new();
    for n in 0..6 {
        let response = bench.creating(Side::HubSpot, n).send().await.unwrap();
        let date = header(&response, "date").unwrap();
        let stamp = response.json::<Value>().await.unwrap()["updatedAt"].as_str().unwrap().to_owned();
        assert_eq!(date[17..22], stamp[11..16], "{date} {stamp}");
        minutes.push(stamp[14..16].to_owned());
    }
    assert_eq!(minutes, ["27", "28", "29", "30", "31", "31"]);
    let skew = format!("{}/_sim/clock/skew", bench.running.hubspot_url);
    let (_, clock) = answer(bench.client.put(skew).json(&json!({"side": "connectwise", "ms": -300_000}))).await;
    assert_eq!(clock["skew_ms"], json!({"hubspot": 300_000, "connectwise": -300_000}));
    let (_, made) = answer(bench.creating(Side::ConnectWise, 0)).await;
    assert_eq!(made["_info"]["lastUpdated"], "2026-05-28T20:21:40Z");
}

#[tokio::test]
async fn rules_choose_by_system_method_path_turn_and_chance() {
    let bench = Bench::still().await;
    let broken = json!({"status": {"code": 503}});
    bench.break_with(json!({"fault": broken, "side": "connectwise", "method": "post", "path": "companies", "skip": 1, "count": 1})).await;
    assert_eq!(bench.count(Side::ConnectWise).await, 0);
    assert_eq!(answer(bench.creating(Side::HubSpot, 0)).await.0, 201);
    let mut seen = Vec::new();
    for n in 0..3 {
        seen.push(answer(bench.creating(Side::ConnectWise, n)).await.0);
    }
    assert_eq!(seen, [201, 503, 201]);
    bench.break_with(json!({"fault": broken, "probability": 0.5})).await;
    let mut struck = 0;
    for _ in 0..60 {
        struck += usize::from(answer(bench.listing(Side::HubSpot)).await.0 == 503);
    }
    assert!((10..50).contains(&struck), "{struck}");
    for wrong in [
        json!({"fault": "nonsense"}),
        json!({"fault": {"delay": {"ms": 1, "s": 1}}}),
        json!({"fault": "expired", "often": 1}),
    ] {
        let url = format!("{}/_sim/faults", bench.running.connectwise_url);
        assert_eq!(answer(bench.client.post(url).json(&wrong)).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_request_log_tells_what_was_asked_and_nothing_that_was_said() {
    let bench = Bench::still().await;
    assert_eq!(bench.hs_get(&format!("{COMPANIES}?properties=secret")).await.0, 200);
    bench.break_once(json!("drop_before")).await;
    assert!(bench.creating(Side::ConnectWise, 0).send().await.is_err());
    let log = async |since: u64| {
        let url = format!("{}/_sim/requests?since={since}", bench.running.connectwise_url);
        answer(bench.client.get(url)).await.1.as_array().unwrap().clone()
    };
    let all = log(0).await;
    assert_eq!(all.len(), 2, "{all:?}");
    let (read, lost) = (&all[0], &all[1]);
    assert_eq!((&read["method"], &read["path"], &read["status"]), (&json!("GET"), &json!(COMPANIES), &json!(200)));
    assert_eq!((&read["side"], &read["at_ms"], read["ms"].is_number()), (&json!("hubspot"), &json!(START), true));
    assert_eq!((&lost["side"], &lost["status"]), (&json!("connectwise"), &json!(0)));
    let mut members: Vec<&String> = read.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["at_ms", "method", "ms", "path", "sequence", "side", "status"]);
    assert_eq!(log(1).await, all[1..]);
}

#[tokio::test]
async fn a_request_is_counted_once_by_what_it_came_to_whatever_is_said_of_it() {
    let bench = Bench::still().await;
    let table = [
        (json!("drop_before"), 0),
        (json!("drop_after_commit"), 201),
        (json!({"status": {"code": 503, "body": null, "retry_after": null}}), 503),
        (json!({"status_after_commit": {"code": 504, "body": null}}), 201),
        (json!({"html": {"commits": false}}), 200),
        (json!({"html": {"commits": true}}), 201),
        (json!({"limited": {"retry_after": null}}), 429),
        (json!("expired"), 401),
    ];
    for (fault, status) in table {
        bench.running.control.clear_calls();
        bench.break_once(fault.clone()).await;
        // Some of them end in an error of the connection.
        drop(bench.creating(Side::HubSpot, 1).send().await);
        let calls = bench.running.control.calls();
        let creates = calls.get(&format!("hubspot POST {COMPANIES}")).cloned().unwrap_or_default();
        assert_eq!(creates.into_iter().collect::<Vec<_>>(), [(status, 1)], "{fault}");
    }
}
