//! Call-backs as the simulated tenant delivers them, to a receiver on a real socket that asks the connector about each.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use base64::Engine as _;
use lockstep::connect::ConnectError;
use lockstep::connect::connectwise::{Hint, HintAction};
use lockstep::sim::{Object, Side};
use ring::{digest, hmac};
use tokio::time::Instant;

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(86_400);
const SIGNATURE: &str = "x-content-signature";

/// One request that came in, and what the connector made of it.
#[derive(Debug, Clone)]
struct Taken {
    uri: String,
    signature: String,
    body: Vec<u8>,
    hints: Result<Vec<Hint>, ConnectError>,
}

impl Taken {
    fn hint(&self) -> Hint {
        match self.hints.as_deref() {
            Ok([hint]) => hint.clone(),
            other => panic!("not one hint: {other:?}"),
        }
    }
}

/// A tenant that calls back to a receiver: 204 for what the connector takes, 403 for what it does not, or what is scripted.
struct Post {
    running: Running,
    psa: Arc<ConnectWise>,
    url: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    script: Arc<Mutex<VecDeque<u16>>>,
    company: u64,
}

impl Post {
    async fn new() -> Self {
        let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
        let psa = Arc::new(psa(&running, &running.credentials.connectwise_company));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (taken, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::<u16>::new())));
        let (kept, next, verifier) = (Arc::clone(&taken), Arc::clone(&script), Arc::clone(&psa));
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let (kept, next, verifier) = (Arc::clone(&kept), Arc::clone(&next), Arc::clone(&verifier));
            async move {
                let signature = headers.get(SIGNATURE).map_or("", |value| value.to_str().unwrap()).to_owned();
                let hints = verifier.hints(&signature, &body).await;
                let verdict = if hints.is_ok() { 204 } else { 403 };
                kept.lock().unwrap().push(Taken { uri: uri.to_string(), signature, body: body.to_vec(), hints });
                StatusCode::from_u16(next.lock().unwrap().pop_front().unwrap_or(verdict)).unwrap()
            }
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(take)).await });
        let fields = json!({"name": "Acme", "identifier": "ACME"});
        let company =
            running.control.create(Side::ConnectWise, Object::Company, fields.as_object().unwrap(), None).unwrap();
        Self { running, psa, url, taken, script, company }
    }

    async fn armed() -> Self {
        let post = Self::new().await;
        post.psa.keep_callbacks(&post.url, &[ObjectKind::Company]).await.unwrap();
        post
    }

    fn edit(&self, city: &str) {
        let fields = json!({"city": city});
        let control = &self.running.control;
        control
            .edit(Side::ConnectWise, Object::Company, self.company, fields.as_object().unwrap(), Some("jlind"))
            .unwrap();
    }

    async fn wait_for(&self, requests: usize) -> Vec<Taken> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let taken = self.taken.lock().unwrap().clone();
            if taken.len() >= requests {
                return taken;
            }
            assert!(Instant::now() < deadline, "{requests} requests never came: {taken:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Attempts as the tenant noted them, which it does after the answer.
    async fn noted(&self, attempts: usize) -> Vec<(u32, u16)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let noted = self.running.control.deliveries(0);
            if noted.len() >= attempts {
                return noted.iter().map(|one| (one.attempt, one.status)).collect();
            }
            assert!(Instant::now() < deadline, "{attempts} attempts were never noted: {noted:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends what somebody else made up, and answers the status.
    async fn forge(&self, signature: &str, body: &[u8]) -> u16 {
        let request = reqwest::Client::new().post(&self.url).header(SIGNATURE, signature).body(body.to_vec());
        request.send().await.unwrap().status().as_u16()
    }

    /// The key that the tenant signs with, as anybody can read it.
    async fn key(&self, message: &Json) -> String {
        let answer = reqwest::get(message["Metadata"]["key_url"].as_str().unwrap()).await.unwrap();
        let answer: Json = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["signing_key"].as_str().unwrap().to_owned()
    }
}

fn signed(body: &[u8], key: &str) -> String {
    let hashed = digest::digest(&digest::SHA256, key.as_bytes());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, hashed.as_ref()), body);
    base64::engine::general_purpose::STANDARD.encode(tag.as_ref())
}

#[tokio::test]
async fn what_the_tenant_delivers_is_taken_and_leads_to_the_record() {
    let post = Post::armed().await;
    post.edit("Ulm");
    let taken = post.wait_for(1).await;
    let hint = taken[0].hint();
    assert_eq!((hint.object, hint.id, hint.action), (ObjectKind::Company, RecordId(post.company), HintAction::Updated));
    assert_eq!(hint.by.as_deref(), Some("jlind"));
    assert_eq!(taken[0].uri, format!("/hook?recordId={}&action=updated", post.company));

    let made = applied(
        ask(&*post.psa, create(ObjectKind::Company, &[("name", text("New")), ("identifier", text("NEW"))])).await,
    );
    let echo = post.wait_for(2).await[1].hint();
    assert_eq!((echo.id, echo.action), (made.id, HintAction::Added));
    assert_eq!(echo.by, made.modified_by, "an echo is known by the API member's name");
    post.running.control.delete(Side::ConnectWise, Object::Company, made.id.0).unwrap();
    let gone = post.wait_for(3).await[2].hint();
    assert_eq!((gone.id, gone.action), (made.id, HintAction::Deleted));
    assert_eq!(post.noted(3).await, [(0, 204), (0, 204), (0, 204)]);
}

/// A tenant that holds back what the member of the call-back did itself tells what others do.
#[tokio::test]
async fn own_changes_may_be_held_back_and_those_of_people_are_not() {
    let post = Post::armed().await;
    super::objects::switch(&post.running, &json!({"self_suppression": "own_changes"}));
    applied(ask(&*post.psa, create(ObjectKind::Company, &[("name", text("New")), ("identifier", text("NEW"))])).await);
    post.edit("Ulm");
    assert_eq!(post.wait_for(1).await[0].hint().by.as_deref(), Some("jlind"));
    post.edit("Bonn");
    assert_eq!(post.wait_for(2).await.len(), 2, "nothing else came");
}

#[tokio::test]
async fn what_was_tampered_with_is_refused_and_what_is_repeated_is_the_same_message() {
    let post = Post::armed().await;
    post.edit("Ulm");
    let genuine = post.wait_for(1).await.remove(0);
    let told: Json = serde_json::from_slice(&genuine.body).unwrap();
    let mut other = told.clone();
    other["ID"] = json!(post.company + 1);
    let other = other.to_string().into_bytes();
    let key = post.key(&told).await;
    assert_eq!(post.forge(&signed(&genuine.body, &key), &genuine.body).await, 204, "the key is the one that signs");
    for (signature, body) in [
        (genuine.signature.as_str(), &other[..]),
        ("", &genuine.body),
        ("AAAA", &genuine.body),
        (&signed(&genuine.body, "another key"), &genuine.body),
        (&genuine.signature, &genuine.body[1..]),
    ] {
        assert_eq!(post.forge(signature, body).await, 403, "{signature}");
    }
    assert_eq!(post.forge(&genuine.signature, &genuine.body).await, 204);
    let taken = post.wait_for(8).await;
    assert_eq!((taken[0].hint(), taken[1].hint()), (taken[7].hint(), taken[7].hint()));
    assert!(taken[0].hint().message.is_some());
    post.edit("Bonn");
    let next = post.wait_for(9).await[8].hint();
    assert_ne!(next.message, taken[0].hint().message, "another change is another message");
}

#[tokio::test]
async fn retries_of_one_delivery_carry_one_message() {
    let post = Post::armed().await;
    post.script.lock().unwrap().extend([429, 409]);
    post.edit("Ulm");
    let taken = post.wait_for(3).await;
    let messages: BTreeSet<_> = taken.iter().map(|one| one.hint().message.unwrap()).collect();
    assert_eq!(messages.len(), 1, "{taken:?}");
    assert_eq!(post.noted(3).await, [(0, 429), (1, 409), (2, 204)]);
}

/// Signed with the tenant's own key, so that nothing but the place of the key speaks against it.
#[tokio::test]
async fn a_key_on_another_host_is_not_fetched() {
    let post = Post::armed().await;
    let elsewhere = Forged::start(|_| (200, json!({"signing_key": "evil"}).to_string().into_bytes())).await;
    post.edit("Ulm");
    let genuine = post.wait_for(1).await.remove(0);
    let mut told: Json = serde_json::from_slice(&genuine.body).unwrap();
    let own = told["Metadata"]["key_url"].as_str().unwrap().to_owned();
    let key = post.key(&told).await;
    for place in [
        own.replace(&post.running.connectwise_url, &elsewhere.url),
        own.replace("companyName=brightwater", "companyName=other"),
        own.replace("127.0.0.1", "localhost"),
    ] {
        assert_ne!(place, own);
        told["Metadata"]["key_url"] = json!(place);
        let body = told.to_string().into_bytes();
        assert_eq!(post.forge(&signed(&body, &key), &body).await, 403, "{place}");
        assert_eq!(post.forge(&signed(&body, "evil"), &body).await, 403, "{place}");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_call_back_that_the_tenant_switched_off_is_armed_again() {
    let post = Post::armed().await;
    post.script.lock().unwrap().extend([500, 500, 500]);
    for day in 1..=3 {
        post.edit(&format!("City {day}"));
        post.wait_for(day).await;
        post.noted(day).await;
        post.running.control.advance(DAY);
    }
    let deadline = Instant::now() + PATIENCE;
    while post.psa.callbacks(&post.url).await.unwrap().iter().any(|one| !one.inactive) {
        assert!(Instant::now() < deadline, "it is still active");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let kept = post.psa.keep_callbacks(&post.url, &[ObjectKind::Company]).await.unwrap();
    assert_eq!((kept.armed, kept.missing, kept.trouble), (vec!["company".to_owned()], Vec::new(), None));
    post.edit("Ulm");
    assert_eq!(post.wait_for(4).await[3].hint().id, RecordId(post.company));
}
