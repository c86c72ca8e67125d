//! How HubSpot lets us in, and for what: signing in by OAuth, tokens that end, scopes that are missing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockstep::connect::hubspot::oauth::{App, Authorization, Loopback, OAuth, Renewal, Tokens};
use lockstep::connect::{Amount, Finding, Need, Severity};
use lockstep::sim::{Fault, FaultRule, Side};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::forged::{Forged, Seen};
use super::hubspot_records::{all_stamps, hub_at, portal, tell};
use super::*;

const SCOPES: [&str; 3] = ["oauth", "crm.objects.companies.read", "crm.objects.companies.write"];

pub fn app(running: &Running) -> App {
    let behaviour = running.control.behaviour().hubspot;
    App { client_id: behaviour.oauth_client_id, client_secret: behaviour.oauth_client_secret.into() }
}

/// A client that is not ours.
pub fn browser() -> reqwest::Client {
    // Refused where it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// A browser whose user says yes: where HubSpot leads it to.
async fn consent(url: &str) -> String {
    let answer = browser().get(format!("{url}&approve=true")).send().await.unwrap();
    let target = answer.headers().get("location").map(|target| target.to_str().unwrap().to_owned());
    match target {
        Some(target) => target,
        None => panic!("{} {}", answer.status(), answer.text().await.unwrap()),
    }
}

pub async fn signed_in(running: &Running) -> Tokens {
    let (app, options) = (app(running), options(&running.hubspot_url));
    let attempt = Authorization::begin(&app, "http://localhost:4711/oauth/callback", &SCOPES, &[], &options).unwrap();
    let code = attempt.pasted(&consent(&attempt.url).await).unwrap();
    attempt.finish(&app, &code, &options).await.unwrap()
}

/// A connector by OAuth, and every renewal it was told of.
pub fn by_oauth(app: App, tokens: Tokens, options: &Options) -> (HubSpot, Arc<Mutex<Vec<Renewal>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&kept);
    let renewed = Arc::new(move |renewal: &Renewal| told.lock().unwrap().push(renewal.clone()));
    let access = OAuth { app, tokens, renewed };
    (HubSpot::new(hubspot::Credentials::OAuth(Box::new(access)), all_stamps(), options).unwrap(), kept)
}

async fn identified(hub: &HubSpot) -> bool {
    matches!(ask(hub, RequestBody::Identify).await, AnswerBody::Identity { .. })
}

fn token_calls(running: &Running) -> u64 {
    let calls = running.control.calls();
    calls.iter().filter(|(call, _)| call.contains("/token")).flat_map(|(_, by_status)| by_status.values()).sum()
}

#[tokio::test]
async fn a_browser_comes_back_on_the_loopback_and_others_do_not_end_the_wait() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let (app, options) = (app(&running), options(&running.hubspot_url));
    let loopback = Loopback::bind(0).await.unwrap();
    let redirect = loopback.redirect();
    let here = redirect.replace("localhost", "127.0.0.1");
    let attempt = Authorization::begin(&app, &redirect, &SCOPES, &[], &options).unwrap();
    let target = consent(&attempt.url).await.replace("localhost", "127.0.0.1");
    let visits = async {
        let client = self::browser();
        let get = async |url: String| {
            let answer = client.get(url).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let origin = here.trim_end_matches("/oauth/callback").to_owned();
        assert_eq!(get(format!("{origin}/favicon.ico")).await.0, 404);
        let stranger = get(format!("{here}?code=stolen&state=<script>")).await;
        assert_eq!(stranger.0, 400);
        assert!(!stranger.1.contains("script"), "{}", stranger.1);
        get(target).await
    };
    let idle =
        tokio::net::TcpStream::connect(here.trim_start_matches("http://").split('/').next().unwrap()).await.unwrap();
    let (code, page) = tokio::join!(loopback.wait(&attempt, Duration::from_secs(20)), visits);
    drop(idle);
    assert!(page.0 == 200 && page.1.contains("Go back to Lockstep"), "{page:?}");
    let tokens = attempt.finish(&app, &code.unwrap(), &options).await.unwrap();
    assert_eq!(tokens.scopes.len(), SCOPES.len(), "{:?}", tokens.scopes);
    let (hub, _) = by_oauth(app, tokens, &options);
    assert!(identified(&hub).await);
}

#[tokio::test]
async fn a_wait_for_the_browser_ends_by_its_time_or_by_a_refusal() {
    let options = options("http://127.0.0.1:1");
    let app = App { client_id: "id".into(), client_secret: "secret".into() };
    let loopback = Loopback::bind(0).await.unwrap();
    let attempt = Authorization::begin(&app, &loopback.redirect(), &SCOPES, &[], &options).unwrap();
    let error = loopback.wait(&attempt, Duration::from_millis(50)).await.unwrap_err();
    assert!(error.message.contains("Nobody came back") && error.hint.contains("paste"), "{error:?}");

    let loopback = Loopback::bind(0).await.unwrap();
    let here = loopback.redirect().replace("localhost", "127.0.0.1");
    let attempt = Authorization::begin(&app, &loopback.redirect(), &SCOPES, &[], &options).unwrap();
    let state = attempt.url.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let refusal = browser().get(format!("{here}?error=access_denied&state={state}")).send();
    let (end, page) = tokio::join!(loopback.wait(&attempt, Duration::from_secs(20)), refusal);
    assert!(end.unwrap_err().message.contains("access_denied"));
    assert_eq!(page.unwrap().status(), 200);
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_however_many_calls_wait_for_it() {
    for rotates in [false, true] {
        let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
        let mut behaviour = running.control.behaviour();
        behaviour.hubspot.rotates_refresh_tokens = rotates;
        running.control.set_behaviour(behaviour);
        let tokens = signed_in(&running).await;
        let (hub, renewals) = by_oauth(app(&running), tokens.clone(), &options(&running.hubspot_url));
        for round in 1..=2 {
            running.control.advance(Duration::from_secs(1860));
            pass(6).await;
            running.control.clear_calls();
            let all = futures_util::future::join_all((0..8).map(|_| identified(&hub))).await;
            assert_eq!(all, vec![true; 8], "{rotates} {round}");
            assert_eq!((token_calls(&running), renewals.lock().unwrap().len()), (1, round), "{rotates} {round}");
        }
        let last = renewals.lock().unwrap().last().unwrap().tokens.clone();
        assert_eq!(last.refresh.expose_secret() != tokens.refresh.expose_secret(), rotates);
        assert_ne!(last.access.expose_secret(), tokens.access.expose_secret());
        assert!(!format!("{hub:?} {renewals:?}").contains(last.access.expose_secret()));
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_by_what_hubspot_says_of_it() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let mut tokens = signed_in(&running).await;
    // Stored yesterday: the clock of the tests stands at the beginning of time.
    tokens.expires = Timestamp::EPOCH;
    let (hub, renewals) = by_oauth(app(&running), tokens, &options(&running.hubspot_url));
    running.control.clear_calls();
    assert!(identified(&hub).await && identified(&hub).await);
    assert_eq!((token_calls(&running), renewals.lock().unwrap().len()), (1, 1));
    let refused: u64 = running.control.calls().values().filter_map(|by_status| by_status.get(&401)).sum();
    assert_eq!(refused, 0, "no call was made with a token that had ended");
}

#[tokio::test]
async fn a_grant_that_is_over_is_asked_for_once_and_then_waits_for_a_person() {
    for rfc in [false, true] {
        let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
        let mut behaviour = running.control.behaviour();
        behaviour.hubspot.oauth_errors_are_rfc = rfc;
        running.control.set_behaviour(behaviour);
        let mut tokens = signed_in(&running).await;
        tokens.refresh = "na1-not-a-token-of-anybody".into();
        tokens.expires = Timestamp::EPOCH;
        let (hub, renewals) = by_oauth(app(&running), tokens, &options(&running.hubspot_url));
        running.control.clear_calls();
        for _ in 0..5 {
            let AnswerBody::Failed(Failure::Denied { message, hint }) = ask(&hub, RequestBody::Identify).await else {
                panic!("{rfc}: not denied")
            };
            assert!(
                message.contains("no longer accepts") && hint.contains("lockstep connect hubspot"),
                "{message} {hint}"
            );
            assert!(!message.contains("not-a-token"), "{message}");
        }
        assert_eq!((token_calls(&running), running.control.calls().len()), (1, 1), "{rfc}");
        assert!(renewals.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_endpoint_in_trouble_is_not_taken_for_the_end_of_a_grant() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let mut tokens = signed_in(&running).await;
    tokens.expires = Timestamp::EPOCH;
    let unheard = |code, body: &str| Fault::Status { code, body: Some(body.to_owned()), retry_after: None };
    for fault in [
        Fault::Status { code: 503, body: None, retry_after: None },
        Fault::DropBefore,
        Fault::Html { commits: false },
        unheard(400, r#"{"status": "BAD_WEATHER", "message": "come back later"}"#),
        unheard(403, r#"{"error": "blocked by policy"}"#),
        unheard(401, "{}"),
    ] {
        let (hub, _) = by_oauth(app(&running), tokens.clone(), &options(&running.hubspot_url));
        running.control.inject(FaultRule::once(fault.clone()).on(Side::HubSpot).path("/token"));
        let answer = ask(&hub, RequestBody::Identify).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::NotSent(_))), "{fault:?}: {answer:?}");
        assert!(identified(&hub).await, "{fault:?}: the same connection goes on");
        let (again, _) = by_oauth(app(&running), tokens.clone(), &options(&running.hubspot_url));
        assert!(identified(&again).await, "{fault:?}");
    }
}

#[tokio::test]
async fn an_end_in_1970_and_a_401_without_an_end_are_wrong_credentials_and_never_renewed() {
    let bodies = [
        json!({"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": "The OAuth token used to make this call expired 19884 day(s) ago.", "context": {"expire time": ["1970-01-01T00:00:00Z"]}}),
        json!({"status": "error", "category": "INVALID_AUTHENTICATION", "message": "Authentication credentials not found."}),
        json!({"status": "error"}),
    ];
    for body in bodies {
        let text = body.to_string();
        let forged = Forged::start(move |_: &Seen| (401, text.clone().into_bytes())).await;
        let tokens = Tokens {
            access: "CLongToken".into(),
            refresh: "r".into(),
            expires: Timestamp::MAX,
            scopes: Vec::new(),
            portal: None,
        };
        let app = App { client_id: "id".into(), client_secret: "secret".into() };
        let (hub, _) = by_oauth(app, tokens, &options(&forged.url));
        for _ in 0..3 {
            assert!(
                matches!(ask(&hub, RequestBody::Identify).await, AnswerBody::Failed(Failure::Denied { .. })),
                "{body}"
            );
        }
        let seen = forged.seen();
        assert!(seen.len() == 3 && !seen.iter().any(|call| call.path.contains("/token")), "{body}: {seen:?}");
    }
}

/// Lets so many seconds pass for the connection.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn tokens_that_end_at_once_are_not_renewed_at_once() {
    for granted in [200, 503] {
        let forged = Forged::start(move |request: &Seen| {
            if request.path.contains("/token") {
                return (granted, json!({"access_token": "CNewToken", "expires_in": 1800}).to_string().into_bytes());
            }
            let message = "The OAuth token used to make this call expired 3 second(s) ago.";
            let body = json!({"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": message});
            (401, body.to_string().into_bytes())
        })
        .await;
        let tokens = Tokens {
            access: "COldToken".into(),
            refresh: "r".into(),
            expires: Timestamp::MAX,
            scopes: Vec::new(),
            portal: None,
        };
        let app = App { client_id: "id".into(), client_secret: "secret".into() };
        let (hub, _) = by_oauth(app, tokens, &options(&forged.url));
        let renewals = |seen: Vec<Seen>| seen.iter().filter(|call| call.path.contains("/token")).count();
        for round in 0..2 {
            ask(&hub, RequestBody::Identify).await;
            for _ in 0..3 {
                let answer = ask(&hub, RequestBody::Identify).await;
                assert!(matches!(answer, AnswerBody::Failed(Failure::NotSent(_))), "{granted} {round}: {answer:?}");
            }
            assert_eq!(renewals(forged.seen()), 1, "{granted} {round}");
            pass(6).await;
        }
    }
}

#[tokio::test]
async fn narrowed_scopes_are_told_once() {
    let asked = std::sync::atomic::AtomicU64::new(0);
    // Every second call comes with a token that has just ended.
    let forged = Forged::start(move |request: &Seen| {
        let body = if request.path.contains("/token") {
            json!({"access_token": "CNewToken", "expires_in": 1800, "scopes": ["oauth"]})
        } else if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed).is_multiple_of(2) {
            let message = "The OAuth token used to make this call expired 3 second(s) ago.";
            let body = json!({"status": "error", "category": "EXPIRED_AUTHENTICATION", "message": message});
            return (401, body.to_string().into_bytes());
        } else {
            json!({"portalId": 7, "accountType": "STANDARD"})
        };
        (200, body.to_string().into_bytes())
    })
    .await;
    let scopes = vec!["crm.objects.companies.write".to_owned(), "oauth".to_owned()];
    let tokens =
        Tokens { access: "COldToken".into(), refresh: "r".into(), expires: Timestamp::MAX, scopes, portal: None };
    let (hub, renewals) =
        by_oauth(App { client_id: "id".into(), client_secret: "secret".into() }, tokens, &options(&forged.url));
    assert!(identified(&hub).await);
    pass(6).await;
    assert!(identified(&hub).await);
    let lost: Vec<_> = renewals.lock().unwrap().iter().map(|one| one.lost_scopes.clone()).collect();
    assert_eq!(lost, [vec!["crm.objects.companies.write".to_owned()], Vec::new()]);
}

fn needs() -> Vec<Need> {
    use ObjectKind::{Company, Contact, Deal, LineItem, Product, Ticket};
    let need = |object| Need { object, reads: true, creates: true, updates: true, amount: Amount::Unmapped };
    [Company, Contact, Deal, Ticket, Product, LineItem].map(need).to_vec()
}

fn troubles(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|one| one.severity != Severity::Fine).collect()
}

#[tokio::test]
async fn each_scope_that_is_missing_is_named_with_its_object_and_nothing_is_written() {
    let objects = needs().iter().map(|need| need.object).collect::<Vec<_>>();
    let (running, hub) = portal(&objects).await;
    let written = running.control.ledger(0).len();
    let known = hub.examine(&needs()).await.unwrap().findings;
    let base: Vec<String> = troubles(&known).iter().map(|one| one.what.clone()).collect();
    let full = running.control.behaviour();
    let table = [
        ("crm.objects.companies.write", ObjectKind::Company),
        ("crm.objects.contacts.write", ObjectKind::Contact),
        ("crm.objects.deals.write", ObjectKind::Deal),
        ("tickets", ObjectKind::Ticket),
        ("crm.objects.products.write", ObjectKind::Product),
        ("crm.objects.line_items.write", ObjectKind::LineItem),
        ("crm.objects.companies.read", ObjectKind::Company),
        ("crm.objects.contacts.read", ObjectKind::Contact),
        ("crm.objects.deals.read", ObjectKind::Deal),
        ("crm.objects.products.read", ObjectKind::Product),
        ("crm.objects.line_items.read", ObjectKind::LineItem),
    ];
    let shared = [("crm.objects.owners.read", Severity::Problem), ("crm.lists.read", Severity::Warning)];
    let missing = |scope: &str| {
        let mut behaviour = full.clone();
        behaviour.hubspot.scopes.retain(|one| one != scope);
        running.control.set_behaviour(behaviour);
    };
    for (scope, object) in table {
        missing(scope);
        let findings = hub.examine(&needs()).await.unwrap().findings;
        let new: Vec<_> = troubles(&findings).into_iter().filter(|one| !base.contains(&one.what)).cloned().collect();
        assert!(!new.is_empty() && new.iter().any(|one| one.severity == Severity::Problem), "{scope}: {findings:?}");
        assert!(new.iter().all(|one| one.object == Some(object) && one.remedy.contains(scope)), "{scope}: {new:?}");
    }
    for (scope, severity) in shared {
        missing(scope);
        let findings = hub.examine(&needs()).await.unwrap().findings;
        let new: Vec<_> = troubles(&findings).into_iter().filter(|one| !base.contains(&one.what)).cloned().collect();
        assert!(new.len() == 1 && new[0].severity == severity && new[0].remedy.contains(scope), "{scope}: {new:?}");
    }
    assert_eq!(running.control.ledger(0).len(), written, "the doctor writes nothing");
}

#[tokio::test]
async fn a_missing_stamp_and_the_scope_to_make_it_are_named() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let hub = hub_at(&running.hubspot_url, &running.credentials.hubspot_token);
    let need =
        [Need { object: ObjectKind::Deal, reads: false, creates: true, updates: false, amount: Amount::Unmapped }];
    let stamp = |findings: Vec<Finding>| findings.into_iter().find(|one| one.what.contains("lockstep_key")).unwrap();
    let found = stamp(hub.examine(&need).await.unwrap().findings);
    assert!(found.severity == Severity::Problem && found.remedy.contains("lockstep connect hubspot"), "{found:?}");
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.scopes.retain(|scope| scope != "crm.schemas.deals.write");
    running.control.set_behaviour(behaviour);
    let found = stamp(hub.examine(&need).await.unwrap().findings);
    assert!(found.remedy.contains("crm.schemas.deals.write"), "{found:?}");
    running.control.define_property(lockstep::sim::Object::Deal, "lockstep_key", "Key", false).unwrap();
    let found = stamp(hub.examine(&need).await.unwrap().findings);
    assert!(found.severity == Severity::Problem && found.what.contains("unique"), "{found:?}");
    let contacts =
        [Need { object: ObjectKind::Contact, reads: true, creates: false, updates: false, amount: Amount::Unmapped }];
    let findings = hub.examine(&contacts).await.unwrap().findings;
    assert!(findings.iter().any(|one| one.what.contains("company of its own") && one.severity == Severity::Fine));
    assert!(hub.budget().daily.is_some_and(|(used, of)| used > 0 && used < of), "{:?}", hub.budget());
    assert!(matches!(tell(&hub, ObjectKind::Deal, RequestBody::Identify).await, AnswerBody::Identity { .. }));
}

#[tokio::test]
async fn a_scope_that_nothing_was_refused_for_is_named_all_the_same() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let need = needs()[..1].to_vec();
    let lacking = |findings: Vec<Finding>| -> Vec<Finding> {
        findings.into_iter().filter(|one| one.what.contains("lacks the scope")).collect()
    };
    assert_eq!(lacking(hub.examine(&need).await.unwrap().findings), []);
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.scopes.retain(|one| one != "crm.schemas.companies.write" && one != "oauth");
    running.control.set_behaviour(behaviour);
    let found = lacking(hub.examine(&need).await.unwrap().findings);
    let [one] = found.as_slice() else { panic!("a token needs no signing in: {found:?}") };
    assert_eq!(one.severity, Severity::Warning);
    assert!(one.what.contains("crm.schemas.companies.write") && one.what.contains("property of the key"), "{one:?}");
    assert!(one.remedy.contains("Add the scope crm.schemas.companies.write"), "{one:?}");
}

/// What the doctor says of creating companies while every call for it is answered so.
async fn of_creating(running: &Running, hub: &HubSpot, body: &str) -> Finding {
    let answer = Fault::Status { code: 403, body: Some(body.to_owned()), retry_after: None };
    running.control.clear_faults();
    running.control.inject(FaultRule { count: None, ..FaultRule::once(answer).path("/companies/batch/create") });
    let findings = hub.examine(&needs()[..1]).await.unwrap().findings;
    findings.into_iter().find(|one| one.what.to_lowercase().contains("creating companies is")).unwrap()
}

#[tokio::test]
async fn a_403_is_a_missing_scope_only_where_hubspot_says_so_or_the_token_lacks_it() {
    let (running, hub) = portal(&[ObjectKind::Company]).await;
    let found = of_creating(&running, &hub, "<html>cloudflare</html>").await;
    assert_eq!(found.severity, Severity::Warning, "{found:?}");
    assert!(found.what.contains("unclear: A web page answers in place of HubSpot (403): cloudflare"), "{found:?}");
    assert!(found.remedy.contains("proxy") && !found.remedy.contains("scope"), "{found:?}");
    let policy = r#"{"status": "error", "message": "Blocked by policy."}"#;
    let found = of_creating(&running, &hub, policy).await;
    assert_eq!((found.severity, &found.root), (Severity::Problem, &None), "{found:?}");
    assert!(found.what.contains("Blocked by policy.") && found.remedy.contains("has the scope"), "{found:?}");
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.scopes.retain(|scope| scope != "crm.objects.companies.write");
    running.control.set_behaviour(behaviour);
    for body in ["<html>cloudflare</html>", policy] {
        let found = of_creating(&running, &hub, body).await;
        assert_eq!(found.severity, Severity::Problem, "{found:?}");
        assert_eq!(
            found.remedy,
            "Add the scope crm.objects.companies.write to the service key, private app or app in HubSpot."
        );
    }
}

#[tokio::test]
async fn secrets_that_a_good_answer_echoes_are_told_neither_by_the_doctor_nor_by_a_check() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let c = &running.credentials;
    let echoes = [
        (Side::HubSpot, "/details", "/accountType", &c.hubspot_token),
        (Side::ConnectWise, "companyinfo", "/CompanyName", &c.connectwise_public_key),
        (Side::ConnectWise, "system/info", "/version", &c.connectwise_private_key),
    ];
    // Where a long text is cut, too.
    for before in [0, 380] {
        running.control.clear_faults();
        for (side, path, pointer, secret) in &echoes {
            let value = Some(json!(format!("{}{secret}", " x".repeat(before / 2))));
            let mangled = Fault::Mangle { pointer: (*pointer).to_owned(), value };
            running.control.inject(FaultRule { count: None, ..FaultRule::once(mangled).on(*side).path(path) });
        }
        let (hub, psa) = (hub(&running.hubspot_url, &c.hubspot_token), psa(&running, &c.connectwise_company));
        for connector in [&hub as &dyn Connector, &psa] {
            let told = format!("{:?} {:?}", connector.check().await, connector.examine(&needs()[..1]).await);
            assert!(told.contains("[redacted]"), "{told}");
            for (.., secret) in &echoes {
                assert!(!told.contains(&secret[..8]), "{before}: {told}");
            }
        }
    }
}
