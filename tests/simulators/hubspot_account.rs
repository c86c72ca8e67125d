//! HubSpot's credentials, scopes, limits and errors, and what it tells webhooks.

use std::time::Duration;

use lockstep::sim::{Behaviour, HubSpotBehaviour, Object, Side};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Bench, answer, hubspot};

const START: i64 = 1_780_000_000_000;
pub const REDIRECT: &str = "http://localhost:9/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Bench {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.hubspot_url)
    }

    /// Approves an app at the authorize page; answers the code.
    pub async fn approve(&self, scope: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let id = self.running.control.behaviour().hubspot.oauth_client_id;
        let query = [
            ("client_id", id.as_str()),
            ("redirect_uri", REDIRECT),
            ("scope", scope),
            ("state", "s&1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("approve", "true"),
        ];
        let response = client.get(self.url("/oauth/authorize")).query(&query).send().await.unwrap();
        assert_eq!(response.status(), 302);
        let to = reqwest::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
        let pairs: std::collections::HashMap<_, _> = to.query_pairs().into_owned().collect();
        assert_eq!(pairs["state"], "s&1");
        pairs["code"].clone()
    }

    pub async fn token(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let switches = self.running.control.behaviour().hubspot;
        let own = [
            ("client_id", switches.oauth_client_id.as_str()),
            ("client_secret", switches.oauth_client_secret.as_str()),
        ];
        let form: Vec<_> = own.iter().chain(form).collect();
        answer(self.client.post(self.url(path)).form(&form)).await
    }

    pub async fn as_app(&self, token: &Value, path: &str) -> (u16, Value) {
        answer(self.client.get(self.url(path)).bearer_auth(token.as_str().unwrap())).await
    }
}

fn by_code(code: &str) -> [(&str, &str); 4] {
    [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT), ("code_verifier", VERIFIER)]
}

#[tokio::test]
async fn an_app_signs_in_refreshes_and_is_told_when_its_token_is_over() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    for path in ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-09/token"] {
        let code = bench.approve("oauth crm.objects.contacts.read").await;
        let (status, first) = bench.token(path, &by_code(&code)).await;
        assert_eq!((status, &first["expires_in"]), (200, &json!(1800)), "{first}");
        assert!(first["access_token"].as_str().unwrap().len() > 300, "tokens are long");
        assert_eq!(bench.as_app(&first["access_token"], "/crm/v3/objects/contacts").await.0, 200);
        let (status, again) = bench.token(path, &by_code(&code)).await;
        assert_eq!(
            (status, again),
            (400, json!({"status": "BAD_AUTH_CODE", "message": "missing or unknown auth code"}))
        );
        bench.running.control.advance(Duration::from_secs(1_805));
        let (status, body) = bench.as_app(&first["access_token"], "/crm/v3/objects/contacts").await;
        assert_eq!((status, &body["category"]), (401, &json!("EXPIRED_AUTHENTICATION")));
        assert_eq!(body["message"], "The OAuth token used to make this call expired 5 second(s) ago.");
        let refresh = first["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let (_, second) = bench.token(path, &form).await;
        assert_eq!(second["refresh_token"], first["refresh_token"], "a refresh token is not replaced");
        assert_eq!(bench.as_app(&second["access_token"], "/crm/v3/objects/contacts").await.0, 200);
    }
}

#[tokio::test]
async fn the_token_endpoint_has_errors_of_its_own() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let code = bench.approve("oauth").await;
    bench.running.control.advance(Duration::from_secs(61));
    assert_eq!(bench.token("/oauth/v3/token", &by_code(&code)).await.1["status"], "EXPIRED_AUTH_CODE");
    let code = bench.approve("oauth").await;
    let wrong = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", "x"),
    ];
    assert_eq!(bench.token("/oauth/v3/token", &wrong).await.1["status"], "BAD_AUTH_CODE", "PKCE is verified");
    let bad = [("grant_type", "refresh_token"), ("refresh_token", "nonsense")];
    let (status, body) = bench.token("/oauth/v3/token", &bad).await;
    assert_eq!(status, 400);
    assert_eq!(body, json!({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}));
    let mut behaviour = bench.running.control.behaviour();
    behaviour.hubspot.oauth_errors_are_rfc = true;
    bench.running.control.set_behaviour(behaviour);
    assert_eq!(bench.token("/oauth/v3/token", &bad).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_token_can_be_looked_into_and_revoked_without_killing_what_it_made() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let code = bench.approve("oauth crm.objects.contacts.read").await;
    let (_, tokens) = bench.token("/oauth/v3/token", &by_code(&code)).await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let (_, body) = bench.token("/oauth/v3/token/introspect", &[("token", access)]).await;
    assert_eq!((&body["active"], &body["scopes"]), (&json!(true), &json!(["oauth", "crm.objects.contacts.read"])));
    let (status, old) = answer(bench.client.get(bench.url(&format!("/oauth/v1/access-tokens/{access}")))).await;
    assert_eq!((status, &old["hub_id"]), (200, &body["hub_id"]));
    assert_eq!(bench.token("/oauth/v3/token/revoke", &[("token", refresh)]).await.0, 204);
    assert_eq!(bench.as_app(&tokens["access_token"], "/crm/v3/objects/contacts").await.0, 200);
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    assert_eq!(bench.token("/oauth/v3/token", &form).await.1["status"], "BAD_REFRESH_TOKEN");
}

#[tokio::test]
async fn the_authorize_page_grants_only_what_the_app_has_to_where_nobody_listens() {
    let bench = Bench::empty().await;
    let id = bench.running.control.behaviour().hubspot.oauth_client_id;
    let page = async |query: &[(&str, &str)]| {
        bench.client.get(bench.url("/oauth/authorize")).query(query).send().await.unwrap()
    };
    let good = [("client_id", id.as_str()), ("redirect_uri", REDIRECT), ("scope", "oauth")];
    let shown = page(&good).await;
    assert_eq!(shown.status(), 200);
    assert!(shown.text().await.unwrap().contains("approve=true"));
    for (at, value) in [(0, "stranger"), (1, "http://example.com/cb"), (2, "oauth settings.everything")] {
        let mut bad = good;
        bad[at].1 = value;
        assert_eq!(page(&bad).await.status(), 400, "{value}");
    }
}

#[tokio::test]
async fn a_garbage_token_expired_in_1970_and_a_missing_one_says_otherwise() {
    let bench = Bench::behaving(hubspot(HubSpotBehaviour::quick()), START).await;
    let response = bench.client.get(bench.url("/crm/v3/objects/contacts")).bearer_auth("garbage").send().await.unwrap();
    assert_eq!(response.headers()["x-hubspot-auth-failure"], "401 Unauthorized");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["message"], "The OAuth token used to make this call expired 20601 day(s) ago.");
    assert_eq!(body["context"]["expire time"], json!(["1970-01-01T00:00:00Z"]));
    let (status, body) = answer(bench.client.get(bench.url("/crm/v3/objects/contacts"))).await;
    assert_eq!((status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
}

#[tokio::test]
async fn a_private_apps_token_can_be_introspected_and_a_service_key_cannot() {
    let bench = Bench::empty().await;
    let ask = async || {
        let body = json!({"tokenKey": bench.running.credentials.hubspot_token});
        answer(bench.client.post(bench.url("/oauth/v2/private-apps/get/access-token-info")).json(&body)).await
    };
    let (status, body) = ask().await;
    assert_eq!((status, body["appId"].is_u64(), body["hubId"].is_u64()), (200, true, true));
    let mut behaviour = bench.running.control.behaviour();
    behaviour.hubspot.token_is_service_key = true;
    bench.running.control.set_behaviour(behaviour);
    assert_eq!(ask().await.0, 404);
    let id = bench.new_hubspot(json!({"name": "A"})).await;
    let (_, body) = bench.hs_get(&format!("/crm/v3/objects/companies/{id}?propertiesWithHistory=name")).await;
    assert_eq!(body["propertiesWithHistory"]["name"][0]["sourceId"], "", "a key's source is not documented");
}

#[tokio::test]
async fn a_record_keeps_where_it_came_from() {
    let bench = Bench::empty().await;
    let ours = bench.new_hubspot(json!({"name": "A"})).await;
    let name = super::fields(json!({"name": "B"}));
    let control = &bench.running.control;
    let theirs = control.create(Side::HubSpot, Object::Company, &name, Some("42")).unwrap();
    control.edit(Side::HubSpot, Object::Company, ours.parse().unwrap(), &name, Some("42")).unwrap();
    let app = lockstep::sim::HUBSPOT_APP_ID;
    let table = [
        (ours.clone(), "INTEGRATION", app, Value::Null, json!("42")),
        (theirs.to_string(), "CRM_UI", "userId:42", json!("42"), json!("42")),
    ];
    let names = "hs_object_source,hs_object_source_label,hs_object_source_id,hs_object_source_user_id,hs_updated_by_user_id,hs_object_source_detail_1";
    for (id, source, source_id, creator, updater) in table {
        let (_, read) = bench.hs_get(&format!("/crm/v3/objects/companies/{id}?properties={names}")).await;
        let told = &read["properties"];
        assert_eq!((&told["hs_object_source"], &told["hs_object_source_label"]), (&json!(source), &json!(source)));
        assert_eq!((&told["hs_object_source_id"], &told["hs_object_source_user_id"]), (&json!(source_id), &creator));
        assert_eq!((&told["hs_updated_by_user_id"], &told["hs_object_source_detail_1"]), (&updater, &Value::Null));
    }
    let change = json!({"properties": {"hs_object_source_detail_1": "x"}});
    let (status, told) = bench.hs(Method::PATCH, &format!("/crm/v3/objects/companies/{ours}"), change).await;
    assert_eq!((status, &told["errors"][0]["code"]), (400, &json!("READ_ONLY_VALUE")));
}

#[tokio::test]
async fn the_scope_is_asked_for_before_anything_is_validated() {
    let bench = Bench::empty().await;
    let table = [
        ("companies", "crm.objects.companies.write"),
        ("contacts", "crm.objects.contacts.write"),
        ("deals", "crm.objects.deals.write"),
        ("tickets", "tickets"),
        ("products", "crm.objects.products.write"),
        ("line_items", "crm.objects.line_items.write"),
        ("notes", "crm.objects.contacts.write"),
        ("tasks", "crm.objects.contacts.write"),
    ];
    for (object, scope) in table {
        let mut behaviour = Behaviour::quick();
        behaviour.hubspot.scopes.retain(|s| s != scope);
        bench.running.control.set_behaviour(behaviour);
        let path = format!("/crm/objects/2026-09/{object}");
        let (status, body) = answer(bench.hubspot(Method::POST, &path).body("not JSON")).await;
        assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")), "{object}");
        let needed = &body["errors"][0]["context"]["requiredGranularScopes"];
        assert!(needed.as_array().unwrap().contains(&json!(scope)), "{object}: {needed}");
        assert_eq!(body["links"]["scopes"], "https://developers.hubspot.com/scopes");
    }
    bench.running.control.set_behaviour(Behaviour::quick());
    let (status, body) = answer(bench.hubspot(Method::POST, "/crm/objects/2026-09/contacts").body("not JSON")).await;
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().starts_with("Invalid input JSON on line 1, column"));
}

#[tokio::test]
async fn an_app_that_signed_in_has_other_limits_and_no_daily_headers() {
    let mut behaviour = hubspot(HubSpotBehaviour { oauth_burst: 2, ..HubSpotBehaviour::quick() });
    behaviour.limits = true;
    let bench = Bench::behaving(behaviour, START).await;
    let code = bench.approve("oauth crm.objects.contacts.read").await;
    let (_, tokens) = bench.token("/oauth/v3/token", &by_code(&code)).await;
    let token = tokens["access_token"].as_str().unwrap();
    let response = bench.client.get(bench.url("/crm/v3/objects/contacts")).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.headers()["x-hubspot-ratelimit-max"], "2");
    assert!(!response.headers().contains_key("x-hubspot-ratelimit-daily"));
    bench.as_app(&tokens["access_token"], "/crm/v3/objects/contacts").await;
    assert_eq!(bench.as_app(&tokens["access_token"], "/crm/v3/objects/contacts").await.0, 429);
}

#[tokio::test]
async fn associations_have_a_bucket_of_their_own() {
    let mut behaviour = hubspot(HubSpotBehaviour { burst: 2, associations_burst: 1, ..HubSpotBehaviour::quick() });
    behaviour.limits = true;
    let bench = Bench::behaving(behaviour, START).await;
    let path = "/crm/v4/associations/contacts/companies/labels";
    assert_eq!(bench.hs_get(path).await.0, 200);
    assert_eq!(bench.hs_get(path).await.0, 429);
    let first = bench.hubspot(Method::GET, "/crm/v3/objects/contacts").send().await.unwrap();
    assert_eq!(first.headers()["x-hubspot-ratelimit-remaining"], "1", "associations took nothing from the others");
}

#[tokio::test]
async fn the_day_ends_at_midnight_of_the_accounts_zone() {
    let mut behaviour = hubspot(HubSpotBehaviour { daily: 2, ..HubSpotBehaviour::quick() });
    behaviour.limits = true;
    // 20:26:40 UTC is 16:26:40 in New York.
    let bench = Bench::behaving(behaviour, START).await;
    bench.hs_get("/crm/v3/objects/contacts").await;
    let (_, usage) = bench.hs_get("/account-info/v3/api-usage/daily/private-apps").await;
    assert_eq!(
        (&usage["results"][0]["currentUsage"], &usage["results"][0]["resetsAt"]),
        (&json!(2), &json!("2026-05-29T04:00:00Z"))
    );
    let (status, body) = bench.hs_get("/crm/v3/objects/contacts").await;
    assert_eq!((status, &body["policyName"]), (429, &json!("DAILY")));
    bench.running.control.advance(Duration::from_secs(4 * 3_600));
    assert_eq!(bench.hs_get("/crm/v3/objects/contacts").await.0, 429, "midnight in UTC changes nothing");
    bench.running.control.advance(Duration::from_secs(4 * 3_600));
    assert_eq!(bench.hs_get("/crm/v3/objects/contacts").await.0, 200);
}

#[tokio::test]
async fn too_many_writes_lock_an_object_for_two_seconds() {
    let switches = HubSpotBehaviour { writes_per_second_before_lock: Some(1), ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let body = json!({"properties": {"name": "A"}});
    let write = async || bench.hs(Method::POST, "/crm/v3/objects/products", body.clone()).await.0;
    assert_eq!((write().await, write().await), (201, 423));
    bench.running.control.advance(Duration::from_millis(1_999));
    assert_eq!(write().await, 423);
    assert_eq!(bench.hs_get("/crm/v3/objects/products").await.0, 200, "reading is not locked");
    bench.running.control.advance(Duration::from_millis(1));
    assert_eq!(write().await, 201);
}

#[tokio::test]
async fn an_account_on_the_move_says_when_to_come_back() {
    let bench =
        Bench::behaving(hubspot(HubSpotBehaviour { moving_for_s: Some(7_200), ..HubSpotBehaviour::quick() }), START)
            .await;
    let response = bench.hubspot(Method::GET, "/crm/v3/objects/contacts").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (477, &"7200".parse().unwrap()));
}

#[tokio::test]
async fn error_bodies_may_lack_everything() {
    let switches = HubSpotBehaviour { errors_lack_members: true, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    let (status, body) = bench.hs(Method::POST, "/crm/v3/objects/products", json!({"properties": {"nope": "1"}})).await;
    assert_eq!(
        (status, body.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>()),
        (400, vec!["message", "status"])
    );
}

#[tokio::test]
async fn an_address_that_is_too_long_is_a_414() {
    let bench = Bench::empty().await;
    let names = vec!["firstname"; 2_000].join(",");
    assert_eq!(bench.hs_get(&format!("/crm/v3/objects/contacts?properties={names}")).await.0, 414);
}

#[tokio::test]
async fn numbered_versions_can_be_switched_off() {
    let switches = HubSpotBehaviour { numbered_versions_are_off: true, ..HubSpotBehaviour::quick() };
    let bench = Bench::behaving(hubspot(switches), START).await;
    assert_eq!(bench.hs_get("/crm/v3/objects/contacts").await.0, 404);
    assert_eq!(bench.hs_get("/crm/objects/2026-09/contacts").await.0, 200);
}

#[tokio::test]
async fn limits_of_the_account_can_be_read() {
    let bench = Bench::empty().await;
    bench.new_hubspot(json!({"name": "A"})).await;
    let (_, records) = bench.hs_get("/crm/v3/limits/records").await;
    let companies =
        records["hubspotDefinedObjectTypes"].as_array().unwrap().iter().find(|r| r["objectTypeId"] == "0-2");
    assert_eq!(companies.unwrap()["usage"], 1);
    let (_, custom) = bench.hs_get("/crm/limits/2026-09/custom-properties").await;
    assert_eq!((&custom["byObjectType"][0]["limit"], &custom["overallUsage"]), (&json!(1000), &json!(0)));
    assert_eq!(
        bench.client.get(bench.url("/meta/network-origins/2026-03/ip-ranges")).send().await.unwrap().status(),
        200
    );
}

/// A listener on the loopback that keeps what it is told.
async fn listener() -> (String, tokio::sync::mpsc::UnboundedReceiver<(axum::http::HeaderMap, String)>) {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let take = move |headers: axum::http::HeaderMap, body: String| {
        let tell = tell.clone();
        async move {
            let _gone = tell.send((headers, body));
        }
    };
    let router = axum::Router::new().fallback(take);
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", door.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(door, router).await });
    (url, told)
}

#[tokio::test]
async fn webhooks_tell_creation_changes_and_ends_and_are_signed() {
    let bench = Bench::empty().await;
    let (url, mut told) = listener().await;
    let hook = bench.url("/_sim/webhooks/hubspot");
    let (status, _) = answer(bench.client.put(hook).json(&json!({"url": url, "secret": "s3cret"}))).await;
    assert_eq!(status, 200);
    let contact = json!({"properties": {"email": "ada@tin.example.com"}});
    let contact =
        bench.hs(Method::POST, "/crm/v3/objects/contacts", contact).await.1["id"].as_str().unwrap().to_owned();
    let company = bench.new_hubspot(json!({"name": "A"})).await;
    bench
        .hs(
            Method::PUT,
            &format!("/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}"),
            json!({}),
        )
        .await;
    bench.hs(Method::DELETE, &format!("/crm/v3/objects/contacts/{contact}"), json!({})).await;
    let mut events: Vec<Value> = Vec::new();
    let is_over = |events: &[Value]| {
        events.iter().any(|e| e["subscriptionType"] == "contact.deletion")
            && events.iter().filter(|e| e["subscriptionType"] == "contact.associationChange").count() >= 4
            && events.iter().any(|e| e["subscriptionType"] == "company.creation")
    };
    while !is_over(&events) {
        let next = tokio::time::timeout(Duration::from_secs(20), told.recv()).await;
        let (headers, body) = next.unwrap_or_else(|_| panic!("nothing more came after {events:?}")).unwrap();
        let time = headers["x-hubspot-request-timestamp"].to_str().unwrap();
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"s3cret");
        let signed = ring::hmac::sign(&key, format!("POST{url}{body}{time}").as_bytes());
        let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signed);
        assert_eq!(headers["x-hubspot-signature-v3"], expected.as_str());
        assert_eq!(headers["x-hubspot-signature-version"], "v1");
        events.extend(serde_json::from_str::<Vec<Value>>(&body).unwrap());
    }
    let made = events.iter().find(|e| e["subscriptionType"] == "contact.creation").unwrap();
    assert_eq!(
        (&made["changeSource"], &made["changeFlag"], made["objectId"].to_string()),
        (&json!("INTEGRATION"), &json!("CREATED"), contact.clone())
    );
    let email = events.iter().find(|e| e["propertyName"] == "email").unwrap();
    assert_eq!(
        (&email["subscriptionType"], &email["propertyValue"]),
        (&json!("contact.propertyChange"), &json!("ada@tin.example.com"))
    );
    let tied = events.iter().find(|e| e["associationTypeId"] == 1 && e["associationRemoved"] == false).unwrap();
    assert_eq!((&tied["associationType"], &tied["isPrimaryAssociation"]), (&json!("CONTACT_TO_COMPANY"), &json!(true)));
}
