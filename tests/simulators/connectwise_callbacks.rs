//! ConnectWise's call-backs: what an entry may say, what it is sent, and how a listener knows that it is genuine.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use lockstep::sim::{Object, SelfSuppression, Side};
use reqwest::Method;
use ring::{digest, hmac};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::{Bench, answer, behave, fields, ids, patched};

const CALLBACKS: &str = "/system/callbacks";
const DEADLINE: Duration = Duration::from_secs(20);

/// Answers 204 to everything and hands it on.
struct Listener {
    url: String,
    heard: mpsc::UnboundedReceiver<(Uri, HeaderMap, Bytes)>,
}

impl Listener {
    async fn start() -> Self {
        let (send, heard) = mpsc::unbounded_channel();
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?recordId=", tcp.local_addr().unwrap());
        let take = move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let send = send.clone();
            async move {
                let _gone = send.send((uri, headers, body));
                axum::http::StatusCode::NO_CONTENT
            }
        };
        let router = axum::Router::new().fallback(take);
        tokio::spawn(async move { axum::serve(tcp, router).await });
        Self { url, heard }
    }

    async fn next(&mut self) -> (Uri, HeaderMap, Bytes) {
        tokio::time::timeout(DEADLINE, self.heard.recv()).await.unwrap().unwrap()
    }

    async fn body(&mut self) -> Value {
        serde_json::from_slice(&self.next().await.2).unwrap()
    }
}

fn entry(url: &str, kind: &str, level: &str, object: u64) -> Value {
    json!({"url": url, "type": kind, "level": level, "objectId": object})
}

async fn listen(bench: &Bench, entry: Value) -> Value {
    let (status, made) = bench.cw(Method::POST, CALLBACKS, entry).await;
    assert_eq!(status, 201, "{made}");
    made
}

#[tokio::test]
async fn an_entry_needs_address_object_type_and_a_level_of_the_type() {
    let bench = Bench::empty().await;
    let url = "http://127.0.0.1:9/hook?recordId=";
    let refused = async |entry: Value| {
        let (status, body) = bench.cw(Method::POST, CALLBACKS, entry).await;
        let error = &body["errors"][0];
        assert_eq!((status, &error["resource"]), (400, &json!("callbackEntry")), "{body}");
        ["code", "message", "field"].map(|name| error[name].as_str().unwrap().to_owned())
    };
    assert_eq!(refused(json!({})).await, ["MissingRequiredField", "The url field is required.", "url"]);
    assert_eq!(refused(entry("nonsense", "company", "owner", 1)).await, ["InvalidField", "Invalid URL", "url"]);
    assert_eq!(
        refused(entry(url, "contact", "status", 1)).await,
        ["InvalidObject", "Unrecognized level for type, see documentation for supported levels for each type", "level"]
    );
    let made = listen(&bench, entry(url, "company", "owner", 0)).await;
    assert_eq!(
        (&made["objectId"], &made["memberId"], &made["payloadVersion"], &made["inactiveFlag"]),
        (&json!(1), &json!(156), &json!("3.0.0"), &json!(false))
    );
    assert_eq!(
        refused(entry(url, "company", "owner", 1)).await,
        ["ObjectExists", "A matching callback entry already exists", "objectId"]
    );
    let (_, found) = bench.cw_get(CALLBACKS, &[("conditions", "url contains \"127.0.0.1\"")]).await;
    assert_eq!(ids(&found), [made["id"].to_string()]);
    let one = format!("{CALLBACKS}/{}", made["id"]);
    let (_, off) = patched(&bench, &one, json!([{"op": "replace", "path": "inactiveFlag", "value": true}])).await;
    assert_eq!(off["inactiveFlag"], true);
    assert_eq!(bench.cw(Method::DELETE, &one, json!({})).await.0, 204);
    assert_eq!(bench.cw_get(&one, &[]).await.0, 404);
}

#[tokio::test]
async fn a_change_is_sent_thinner_than_it_is_read_and_signed() {
    let bench = Bench::empty().await;
    let mut listener = Listener::start().await;
    listen(&bench, entry(&listener.url, "contact", "owner", 1)).await;
    let values = fields(json!({"firstName": "Ann", "communications/1": "ann@t.example"}));
    let id = bench.running.control.create(Side::ConnectWise, Object::Contact, &values, Some("jlind")).unwrap();
    let (uri, headers, raw) = listener.next().await;
    assert_eq!(uri.to_string(), format!("/hook?recordId={id}&action=added"));
    let body: Value = serde_json::from_slice(&raw).unwrap();
    assert_eq!(
        (&body["Action"], &body["ID"], &body["MemberId"], &body["Type"], &body["CompanyId"]),
        (&json!("added"), &json!(id), &json!("jlind"), &json!("contact"), &json!("brightwater"))
    );
    assert_eq!(body["MessageId"].as_str().unwrap().len(), 36);
    let entity: Value = serde_json::from_str(body["Entity"].as_str().unwrap()).unwrap();
    assert_eq!(entity["firstName"], "Ann");
    assert!(entity.get("communicationItems").is_none() && entity.get("customFields").is_none());
    // The key comes without credentials, from the address in the body.
    let key = body["Metadata"]["key_url"].as_str().unwrap();
    assert!(key.starts_with(&bench.running.connectwise_url), "{key}");
    let (status, key) = answer(bench.client.get(key)).await;
    let key = digest::digest(&digest::SHA256, key["signing_key"].as_str().unwrap().as_bytes());
    let tag = base64::engine::general_purpose::STANDARD.decode(&headers["x-content-signature"]).unwrap();
    assert_eq!(status, 200);
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), &raw, &tag).unwrap();
    let other = body["Metadata"]["key_url"].as_str().unwrap().replace("companyName=brightwater", "companyName=other");
    assert_eq!(answer(bench.client.get(other)).await.0, 404);
}

#[tokio::test]
async fn a_deleted_record_is_sent_as_null_and_a_company_can_still_be_read() {
    let bench = Bench::empty().await;
    let (company, other) = (bench.new_connectwise("A").await, bench.new_connectwise("B").await);
    let mut listener = Listener::start().await;
    listen(&bench, entry(&listener.url, "company", "company", company)).await;
    let control = &bench.running.control;
    control.delete(Side::ConnectWise, Object::Company, other).unwrap();
    control.delete(Side::ConnectWise, Object::Company, company).unwrap();
    let body = listener.body().await;
    assert_eq!((&body["Action"], &body["Entity"], &body["ID"]), (&json!("deleted"), &Value::Null, &json!(company)));
    assert_eq!(bench.cw_get(&format!("/company/companies/{company}"), &[]).await.1["deletedFlag"], true);
}

#[tokio::test]
async fn a_level_hears_of_its_own_records_alone() {
    let bench = Bench::empty().await;
    let (company, other) = (bench.new_connectwise("A").await, bench.new_connectwise("B").await);
    let mut listener = Listener::start().await;
    listen(&bench, entry(&listener.url, "ticket", "status", 19)).await;
    listen(&bench, entry(&listener.url, "contact", "company", company)).await;
    listen(&bench, entry(&listener.url, "company", "type", 3)).await;
    let contact = async |company: u64| {
        let body = json!({"firstName": "Ann", "company": {"id": company}});
        bench.cw(Method::POST, "/company/contacts", body).await.1["id"].as_u64().unwrap()
    };
    contact(other).await;
    let ann = contact(company).await;
    assert_eq!(listener.body().await["ID"], ann);
    let (_, ticket) =
        bench.cw(Method::POST, "/service/tickets", json!({"summary": "T", "company": {"id": other}})).await;
    let close = json!([{"op": "replace", "path": "status", "value": {"id": 19}}]);
    patched(&bench, &format!("/service/tickets/{}", ticket["id"]), close).await;
    let body = listener.body().await;
    assert_eq!((&body["ID"], &body["Action"]), (&ticket["id"], &json!("updated")));
    bench.cw(Method::POST, &format!("/company/companies/{other}/typeAssociations"), json!({"type": {"id": 3}})).await;
    let rename = json!([{"op": "replace", "path": "name", "value": "C"}]);
    patched(&bench, &format!("/company/companies/{other}"), rename).await;
    assert_eq!(listener.body().await["ID"], other);
}

#[tokio::test]
async fn ones_own_changes_come_back_unless_they_are_suppressed_or_skipped() {
    let bench = Bench::empty().await;
    let company = bench.new_connectwise("A").await;
    let mut listener = Listener::start().await;
    let mut own = entry(&listener.url, "ticket", "owner", 1);
    own["isSelfSuppressedFlag"] = json!(true);
    listen(&bench, own).await;
    let make = async |skips: bool| {
        let body = json!({"summary": "T", "company": {"id": company}, "skipCallback": skips});
        bench.cw(Method::POST, "/service/tickets", body).await.1["id"].as_u64().unwrap()
    };
    make(true).await;
    let told = make(false).await;
    let body = listener.body().await;
    assert_eq!(
        (&body["ID"], &body["MemberId"]),
        (&json!(told), &json!("Lockstep")),
        "the flag does nothing by default"
    );
    bench.running.control.set_behaviour(behave(|b| b.self_suppression = SelfSuppression::OwnChanges));
    make(false).await;
    let values = fields(json!({"summary": "By hand"}));
    bench.running.control.edit(Side::ConnectWise, Object::Ticket, told, &values, Some("mvance")).unwrap();
    assert_eq!(listener.body().await["MemberId"], "mvance");
}
