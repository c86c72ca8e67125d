//! Webhooks and callbacks as a listener on the loopback sees them: signed, repeated, given up, disabled.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine;
use lockstep::sim::{Behaviour, Data, DeliveryBehaviour, DeliveryEntry, Object, Options, Side, Webhook};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Bench, answer, fields};

const START: i64 = 1_780_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);
const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "not-so-secret";

/// What came in.
#[derive(Debug, Clone)]
pub struct Heard {
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Answers with the scripted statuses in turn, then with 204. 0 waits longer than anybody does.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    script: Arc<Mutex<VecDeque<u16>>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    pub async fn start(script: &[u16]) -> (Self, String) {
        let listener = Self { script: Arc::new(Mutex::new(script.iter().copied().collect())), ..Self::default() };
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", tcp.local_addr().unwrap());
        let router = Router::new().fallback(hear).with_state(listener.clone());
        tokio::spawn(async move { axum::serve(tcp, router).await });
        (listener, url)
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    async fn wait_for(&self, requests: usize) -> Vec<Heard> {
        until(|| self.heard().len() >= requests).await;
        self.heard()
    }
}

async fn hear(State(listener): State<Listener>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    listener.heard.lock().unwrap().push(Heard { path: uri.to_string(), headers, body: body.to_vec() });
    let status = listener.script.lock().unwrap().pop_front().unwrap_or(204);
    if status == 0 {
        tokio::time::sleep(PATIENCE).await;
    }
    StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT)
}

pub async fn until(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Bench {
    async fn telling(delivery: DeliveryBehaviour) -> Self {
        let behaviour = Behaviour { delivery, ..Behaviour::quick() };
        Self::with(Options { behaviour, standing_at_ms: Some(START), ..Options::quick(Data::Empty) }).await
    }

    pub fn listen(&self, url: &str, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let webhook = Webhook { url: url.to_owned(), secret: SECRET.to_owned(), events };
        self.running.control.set_webhook(Some(webhook)).unwrap();
    }

    fn person_creates(&self, n: usize) -> u64 {
        let name = fields(json!({ "name": format!("C{n}") }));
        self.running.control.create(Side::HubSpot, Object::Company, &name, None).unwrap()
    }

    async fn attempts(&self, number: usize) -> Vec<DeliveryEntry> {
        until(|| self.running.control.deliveries(0).len() >= number).await;
        self.running.control.deliveries(0)
    }

    /// Subscribes to all companies of ConnectWise; the entry's id.
    async fn call_back(&self, url: &str) -> u64 {
        let entry = json!({"url": format!("{url}/cb?recordId="), "objectId": 1, "type": "company", "level": "owner"});
        let (status, body) = self.cw(Method::POST, "/system/callbacks", entry).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_u64().unwrap()
    }
}

fn statuses(attempts: &[DeliveryEntry]) -> Vec<(u32, u16)> {
    attempts.iter().map(|attempt| (attempt.attempt, attempt.status)).collect()
}

#[tokio::test]
async fn hubspot_signs_its_events_and_repeats_them_until_a_2xx() {
    let bench = Bench::telling(DeliveryBehaviour::quick()).await;
    let (listener, url) = Listener::start(&[500, 404]).await;
    let url = format!("{url}/hook?tenant=a");
    bench.listen(&url, &["company.creation"]);
    let id = bench.person_creates(1);
    assert_eq!(statuses(&bench.attempts(3).await), [(0, 500), (1, 404), (2, 204)], "4xx are repeated too");
    for (attempt, heard) in listener.heard().iter().enumerate() {
        let events = heard.json();
        assert_eq!((events.as_array().unwrap().len(), &events[0]["attemptNumber"]), (1, &json!(attempt)));
        assert_eq!((&events[0]["subscriptionType"], &events[0]["objectId"]), (&json!("company.creation"), &json!(id)));
        let sent = |name: &str| heard.headers[name].to_str().unwrap().to_owned();
        let signed = [b"POST", url.as_bytes(), &heard.body, sent("x-hubspot-request-timestamp").as_bytes()].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let given = base64::engine::general_purpose::STANDARD.decode(sent("x-hubspot-signature-v3")).unwrap();
        assert!(hmac::verify(&key, &signed, &given).is_ok());
    }
    assert_eq!(bench.running.control.deliveries(0)[0].url, url.split('?').next().unwrap(), "queries are not logged");
}

#[tokio::test]
async fn hubspot_gives_up_after_ten_retries_of_a_listener_that_is_too_slow() {
    let bench =
        Bench::telling(DeliveryBehaviour { timeout_ms: 20, webhook_retry_ms: 1, ..DeliveryBehaviour::quick() }).await;
    let (_listener, url) = Listener::start(&[0; 20]).await;
    bench.listen(&url, &["company.creation"]);
    bench.person_creates(1);
    let attempts = statuses(&bench.attempts(11).await);
    assert_eq!(attempts, (0..11).map(|attempt| (attempt, 0)).collect::<Vec<_>>());
    // The wait before a twelfth would have been the longest so far: about a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(bench.running.control.deliveries(0).len(), 11);
}

#[tokio::test]
async fn hubspot_sends_at_most_a_hundred_events_at_a_time_in_another_order() {
    let bench = Bench::telling(DeliveryBehaviour { gather_ms: 300, ..DeliveryBehaviour::quick() }).await;
    let (listener, url) = Listener::start(&[]).await;
    bench.listen(&url, &["company.creation"]);
    let made: Vec<u64> = (0..130).map(|n| bench.person_creates(n)).collect();
    let heard = |listener: &Listener| -> Vec<u64> {
        let events = listener.heard().iter().flat_map(|h| h.json().as_array().unwrap().clone()).collect::<Vec<_>>();
        events.iter().map(|event| event["objectId"].as_u64().unwrap()).collect()
    };
    until(|| heard(&listener).len() >= 130).await;
    let (sizes, mut ids) =
        (listener.heard().iter().map(|h| h.json().as_array().unwrap().len()).max(), heard(&listener));
    assert_eq!(sizes, Some(100));
    assert_ne!(ids, made, "not in the order of what happened");
    ids.sort_unstable();
    assert_eq!(ids, made);
}

#[tokio::test]
async fn hubspot_tells_some_events_twice_and_loses_others_when_asked_to() {
    let twice = DeliveryBehaviour { duplicates: 1.0, ..DeliveryBehaviour::quick() };
    let bench = Bench::telling(twice).await;
    let (listener, url) = Listener::start(&[]).await;
    bench.listen(&url, &["company.creation"]);
    bench.person_creates(1);
    let events = listener.wait_for(1).await[0].json();
    assert_eq!((events.as_array().unwrap().len(), &events[0]), (2, &events[1]));
    let mut behaviour = bench.running.control.behaviour();
    (behaviour.delivery.duplicates, behaviour.delivery.losses) = (0.0, 1.0);
    bench.running.control.set_behaviour(behaviour.clone());
    bench.person_creates(2);
    tokio::time::sleep(Duration::from_millis(100)).await;
    behaviour.delivery.losses = 0.0;
    bench.running.control.set_behaviour(behaviour);
    let third = bench.person_creates(3);
    let last = listener.wait_for(2).await[1].json();
    assert_eq!((last.as_array().unwrap().len(), &last[0]["objectId"]), (1, &json!(third)), "the second was lost");
}

#[tokio::test]
async fn only_listeners_on_this_machine_are_spoken_to() {
    let bench = Bench::telling(DeliveryBehaviour::quick()).await;
    let hook = format!("{}/_sim/webhooks/hubspot", bench.running.hubspot_url);
    let put = async |url: &str| answer(bench.client.put(&hook).json(&json!({"url": url, "secret": SECRET}))).await;
    assert_eq!(put("https://example.com/hook").await.0, 400);
    assert_eq!(put("http://192.0.2.1/hook").await.0, 400);
    let (status, shown) = put("http://127.0.0.1:9/hook").await;
    assert_eq!(
        (status, shown),
        (200, json!({"url": "http://127.0.0.1:9/hook", "events": []})),
        "the secret is not shown"
    );
    assert_eq!(answer(bench.client.delete(&hook)).await, (200, Value::Null));
}

#[tokio::test]
async fn connectwise_repeats_a_callback_only_after_answers_that_ask_for_it() {
    for (script, expected) in [
        (vec![404, 429, 200], vec![(0, 404), (1, 429), (2, 200)]),
        (vec![409, 419, 404], vec![(0, 409), (1, 419), (2, 404)]),
        (vec![500], vec![(0, 500)]),
    ] {
        let bench = Bench::telling(DeliveryBehaviour::quick()).await;
        let (listener, url) = Listener::start(&script).await;
        bench.call_back(&url).await;
        let id = bench.new_connectwise("HEARD").await;
        bench.attempts(expected.len()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(statuses(&bench.running.control.deliveries(0)), expected);
        let first = listener.heard()[0].clone();
        assert!(first.path.starts_with(&format!("/cb?recordId={id}")), "{}", first.path);
        let body = first.json();
        assert_eq!((&body["Action"], &body["MemberId"]), (&json!("added"), &json!("Lockstep")));
        assert!(body["Entity"].is_string() && first.headers.contains_key("x-content-signature"));
    }
}

#[tokio::test]
async fn connectwise_disables_a_callback_after_three_bad_days() {
    let bench = Bench::telling(DeliveryBehaviour::quick()).await;
    let (_listener, url) = Listener::start(&[500, 500, 500]).await;
    let callback = bench.call_back(&url).await;
    let is_inactive =
        async || bench.cw_get(&format!("/system/callbacks/{callback}"), &[]).await.1["inactiveFlag"] == true;
    for day in 1..=3_usize {
        assert!(!is_inactive().await, "day {day}");
        bench.new_connectwise(&format!("DAY{day}")).await;
        bench.attempts(day).await;
        bench.running.control.advance(DAY);
    }
    let deadline = Instant::now() + PATIENCE;
    while !is_inactive().await {
        assert!(Instant::now() < deadline, "it is still active");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bench.new_connectwise("UNHEARD").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.running.control.deliveries(0).len(), 3);
}
