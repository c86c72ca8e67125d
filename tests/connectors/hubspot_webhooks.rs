//! Deliveries of the simulated HubSpot over HTTP, to a listener that believes what the connector believes.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use lockstep::connect::hubspot::webhook::{Delivery, Hint, HintKind, Refused, hints, verify};
use lockstep::model::RecordId;
use lockstep::sim::{Object, Side, Webhook, WebhookSignature};
use serde_json::{Map, Value as Json, json};

use super::hubspot_records::tell;
use super::*;

const SECRET: &str = "9b3f-client-secret";
const PATIENCE: Duration = Duration::from_secs(20);

/// A delivery as it came in.
#[derive(Debug, Clone)]
struct Heard {
    method: String,
    uri: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn delivery(&self) -> Delivery<'_> {
        Delivery {
            method: &self.method,
            uri: &self.uri,
            signature_v3: self.header("x-hubspot-signature-v3"),
            timestamp: self.header("x-hubspot-request-timestamp"),
            signature: self.header("x-hubspot-signature"),
            version: self.header("x-hubspot-signature-version"),
            body: &self.body,
        }
    }

    fn events(&self) -> Vec<Json> {
        serde_json::from_slice(&self.body).unwrap()
    }
}

type Believed = Result<Vec<Hint>, Refused>;

/// Takes deliveries: 204 where they are genuine, 401 where not, and before that the statuses of the script.
#[derive(Clone)]
struct Receiver {
    /// What it holds for the secret of the app, and how far its clock is off.
    secret: &'static str,
    offset_ms: i64,
    control: lockstep::sim::ControlHandle,
    script: Arc<Mutex<VecDeque<u16>>>,
    heard: Arc<Mutex<Vec<(Heard, Believed)>>>,
}

impl Receiver {
    /// Listens, and tells the portal where.
    async fn start(running: &Running, secret: &'static str, offset_ms: i64, script: &[u16]) -> Self {
        let receiver = Self {
            secret,
            offset_ms,
            control: running.control.clone(),
            script: Arc::new(Mutex::new(script.iter().copied().collect())),
            heard: Arc::default(),
        };
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook%2Fa?tenant=a%3Ab&x=%20", tcp.local_addr().unwrap());
        let router = Router::new().fallback(hear).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(tcp, router).await });
        receiver.subscribe(&url, &[]);
        receiver
    }

    fn subscribe(&self, url: &str, events: &[&str]) {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        let webhook = Webhook { url: url.to_owned(), secret: SECRET.to_owned(), events };
        self.control.set_webhook(Some(webhook)).unwrap();
    }

    fn heard(&self) -> Vec<(Heard, Believed)> {
        self.heard.lock().unwrap().clone()
    }

    /// Every hint of every delivery that was believed.
    fn hints(&self) -> BTreeSet<Hint> {
        self.heard().into_iter().filter_map(|(_, believed)| believed.ok()).flatten().collect()
    }

    async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(tokio::time::Instant::now() < deadline, "it never came: {:?}", self.heard());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn hear(
    State(receiver): State<Receiver>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let uri = format!("http://{}{uri}", headers["host"].to_str().unwrap());
    let heard = Heard { method: method.to_string(), uri, headers, body: body.to_vec() };
    let now = Timestamp(receiver.control.now_ms() + receiver.offset_ms);
    let believed = verify(&receiver.secret.into(), &heard.delivery(), now).and_then(|()| hints(&heard.body));
    let usual = if believed.is_ok() { 204 } else { 401 };
    receiver.heard.lock().unwrap().push((heard, believed));
    let status = receiver.script.lock().unwrap().pop_front().unwrap_or(usual);
    StatusCode::from_u16(status).unwrap()
}

async fn signing(signature: WebhookSignature) -> Running {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.webhook_signature = signature;
    running.control.set_behaviour(behaviour);
    running
}

fn company(running: &Running, name: &str) -> RecordId {
    let fields = Map::from_iter([("name".to_owned(), json!(name))]);
    RecordId(running.control.create(Side::HubSpot, Object::Company, &fields, None).unwrap())
}

/// Makes, changes, archives, restores, merges and associates; gives what is to be looked at.
async fn busy_day(running: &Running) -> BTreeSet<Hint> {
    let control = &running.control;
    let [one, two, three] = ["One", "Two", "Three"].map(|name| company(running, name));
    let fields = Map::from_iter([("email".to_owned(), json!("a@x.example.com"))]);
    let contact = RecordId(control.create(Side::HubSpot, Object::Contact, &fields, None).unwrap());
    let fields = Map::from_iter([("city".to_owned(), json!("Ulm"))]);
    control.edit(Side::HubSpot, Object::Company, one.0, &fields, None).unwrap();
    control.delete(Side::HubSpot, Object::Company, one.0).unwrap();
    control.restore(Side::HubSpot, Object::Company, one.0).unwrap();
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    let pair =
        lockstep::engine::core::request::AssociateItem { intent: IntentId(1), from: contact, to: one, primary: false };
    tell(&hub, ObjectKind::Contact, RequestBody::Associate { to: ObjectKind::Company, items: vec![pair] }).await;
    let merged = RecordId(control.merge(Side::HubSpot, Object::Company, two.0, three.0, None).unwrap());
    let hint = |object, kind| move |id| Hint { object, id, kind };
    let company = |kind| hint(ObjectKind::Company, kind);
    let person = |kind| hint(ObjectKind::Contact, kind);
    let mut all: BTreeSet<Hint> = [one, two, three].map(company(HintKind::Created)).into();
    all.extend([one, two, three].map(company(HintKind::Changed)));
    all.extend([two, three, merged].map(company(HintKind::Merged)));
    all.extend([HintKind::Deleted, HintKind::Restored, HintKind::Associated].map(|kind| company(kind)(one)));
    all.extend([HintKind::Created, HintKind::Changed, HintKind::Associated].map(|kind| person(kind)(contact)));
    all
}

#[tokio::test]
async fn deliveries_signed_in_each_way_are_believed_and_tell_what_happened() {
    for signature in [WebhookSignature::V1, WebhookSignature::V2, WebhookSignature::V3] {
        let running = signing(signature).await;
        let receiver = Receiver::start(&running, SECRET, 0, &[]).await;
        let expected = busy_day(&running).await;
        receiver.wait_until(|receiver| receiver.hints().is_superset(&expected)).await;
        assert_eq!(receiver.hints(), expected, "{signature:?}");
        for (heard, believed) in receiver.heard() {
            assert!(believed.is_ok(), "{signature:?}: {heard:?}");
            let version = heard.header("x-hubspot-signature-version");
            let v3 = heard.header("x-hubspot-signature-v3").is_some();
            let shown = (version, v3);
            let expected = match signature {
                WebhookSignature::V1 => (Some("v1"), false),
                WebhookSignature::V2 => (Some("v2"), false),
                WebhookSignature::V3 => (Some("v1"), true),
            };
            assert_eq!(shown, expected);
        }
    }
}

#[tokio::test]
async fn a_delivery_that_was_tampered_with_is_refused() {
    for signature in [WebhookSignature::V1, WebhookSignature::V2, WebhookSignature::V3] {
        let running = signing(signature).await;
        let receiver = Receiver::start(&running, SECRET, 0, &[]).await;
        company(&running, "One");
        receiver.wait_until(|receiver| !receiver.heard().is_empty()).await;
        let (heard, _) = receiver.heard().remove(0);
        let now = Timestamp(running.control.now_ms());
        let judged = |heard: &Heard| verify(&SECRET.into(), &heard.delivery(), now);
        assert_eq!(judged(&heard), Ok(()));
        for at in [0, heard.body.len() / 2, heard.body.len() - 1] {
            let mut other = heard.clone();
            other.body[at] ^= 1;
            assert_eq!(judged(&other), Err(Refused::Forged), "{signature:?}: byte {at}");
        }
        let mut longer = heard.clone();
        longer.body.push(b' ');
        assert_eq!(judged(&longer), Err(Refused::Forged), "{signature:?}");
        // The first kind covers neither method nor address.
        let covered = if signature == WebhookSignature::V1 { Ok(()) } else { Err(Refused::Forged) };
        let elsewhere = Heard { uri: format!("{}&more=1", heard.uri), ..heard.clone() };
        let otherwise = Heard { method: "PUT".to_owned(), ..heard.clone() };
        assert_eq!((judged(&elsewhere), judged(&otherwise)), (covered, covered), "{signature:?}");
        if signature == WebhookSignature::V3 {
            let mut later = heard.clone();
            let stamp = (running.control.now_ms() + 1_000).to_string();
            later.headers.insert("x-hubspot-request-timestamp", stamp.parse().unwrap());
            assert_eq!(judged(&later), Err(Refused::Forged), "the time is signed, too");
        }
    }
}

#[tokio::test]
async fn a_receiver_with_another_secret_or_another_time_believes_nothing_and_hubspot_tries_again() {
    let running = signing(WebhookSignature::V3).await;
    let table =
        [("another-secret", 0, Refused::Forged), (SECRET, 301_000, Refused::Old), (SECRET, -360_000, Refused::Old)];
    for (secret, offset_ms, expected) in table {
        let receiver = Receiver::start(&running, secret, offset_ms, &[]).await;
        company(&running, "One");
        receiver.wait_until(|receiver| receiver.heard().len() >= 3).await;
        for (_, believed) in receiver.heard() {
            assert_eq!(believed, Err(expected), "{offset_ms}");
        }
    }
    let receiver = Receiver::start(&running, SECRET, 290_000, &[]).await;
    company(&running, "Two");
    receiver.wait_until(|receiver| receiver.heard().iter().any(|(_, believed)| believed.is_ok())).await;
}

/// What comes twice, late and out of order is the same to look at.
#[tokio::test]
async fn repeated_retried_and_shuffled_deliveries_come_to_the_same_hints() {
    let running = signing(WebhookSignature::V3).await;
    let mut behaviour = running.control.behaviour();
    behaviour.delivery.duplicates = 1.0;
    running.control.set_behaviour(behaviour);
    let receiver = Receiver::start(&running, SECRET, 0, &[500, 404, 503]).await;
    let expected = busy_day(&running).await;
    let is_retried = |receiver: &Receiver| receiver.heard().len() > 3;
    receiver.wait_until(|receiver| receiver.hints().is_superset(&expected) && is_retried(receiver)).await;
    assert_eq!(receiver.hints(), expected);
    let all = receiver.heard();
    let (mut events, mut hinted) = (0, 0);
    for (heard, believed) in &all {
        let believed = believed.clone().unwrap();
        assert_eq!(believed.iter().collect::<BTreeSet<_>>().len(), believed.len(), "each once: {believed:?}");
        let mut sorted = believed.clone();
        sorted.sort_unstable();
        assert_eq!(believed, sorted);
        events += heard.events().len();
        hinted += believed.len();
    }
    assert!(events >= 2 * hinted, "{events} events, {hinted} hints");
    let attempt = |heard: &Heard| heard.events()[0]["attemptNumber"].as_u64();
    assert!(all.iter().any(|(heard, _)| attempt(heard) > Some(0)), "a retry is signed anew, and believed");
}

#[tokio::test]
async fn generic_events_hint_at_records_of_every_object() {
    let running = signing(WebhookSignature::V3).await;
    let receiver = Receiver::start(&running, SECRET, 0, &[]).await;
    let url = running.control.webhook().unwrap().url;
    receiver.subscribe(&url, &["object.creation", "object.deletion"]);
    let one = company(&running, "One");
    let fields = Map::from_iter([("hs_timestamp".to_owned(), json!("1780000000000"))]);
    let note = RecordId(running.control.create(Side::HubSpot, Object::Note, &fields, None).unwrap());
    running.control.delete(Side::HubSpot, Object::Note, note.0).unwrap();
    let hint = |object, id, kind| Hint { object, id, kind };
    let expected = BTreeSet::from([
        hint(ObjectKind::Company, one, HintKind::Created),
        hint(ObjectKind::Note, note, HintKind::Created),
        hint(ObjectKind::Note, note, HintKind::Deleted),
    ]);
    receiver.wait_until(|receiver| receiver.hints().is_superset(&expected)).await;
    assert_eq!(receiver.hints(), expected);
}

/// A hint is no news: the record that the user interface's test is about is read, and not there.
#[tokio::test]
async fn the_test_of_a_subscription_hints_at_a_record_that_no_read_finds() {
    let running = signing(WebhookSignature::V3).await;
    let receiver = Receiver::start(&running, SECRET, 0, &[]).await;
    running.control.test_webhook("company.propertyChange").unwrap();
    receiver.wait_until(|receiver| !receiver.hints().is_empty()).await;
    let hints = receiver.hints();
    let sample = Hint { object: ObjectKind::Company, id: RecordId(123), kind: HintKind::Changed };
    assert_eq!(hints, BTreeSet::from([sample]));
    let hub = hub(&running.hubspot_url, &running.credentials.hubspot_token);
    let body = RequestBody::Read { fields: super::hubspot_records::names(&["name"]), ids: vec![sample.id] };
    let AnswerBody::Records { found } = tell(&hub, ObjectKind::Company, body).await else { panic!("not read") };
    assert_eq!(found, [(sample.id, None)]);
}
