//! What both systems share: faults, the ledger, the control API, the built-in data.

use lockstep::sim::{Actor, Clock, Data, Object, Options, Side, Size, Sizes, Verb};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, COMPANIES, answer, fields};

#[tokio::test]
async fn the_ledger_knows_who_changed_what() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let id = bench.new_connectwise("A").await;
    control
        .edit(
            Side::ConnectWise,
            Object::Company,
            id,
            &fields(json!({"city": "Salem", "status": "Credit Hold", "Support Tier": "Gold"})),
            Some("jlind"),
        )
        .unwrap();
    assert_eq!(bench.cw_get(&format!("/company/companies/{id}"), &[]).await.1["_info"]["updatedBy"], "jlind");
    let ledger = control.ledger(0);
    assert_eq!((ledger[0].verb, &ledger[0].actor), (Verb::Create, &Actor::Api("Lockstep".to_owned())));
    assert_eq!((ledger[1].verb, &ledger[1].actor), (Verb::Update, &Actor::Human("jlind".to_owned())));
    assert_eq!(ledger[1].fields["city"], (Value::Null, json!("Salem")));
    assert_eq!(ledger[1].fields["customFields/32"], (Value::Null, json!("Gold")));
    assert_eq!(control.ledger(ledger[0].sequence).len(), 1);
    let unknown = control.edit(Side::ConnectWise, Object::Company, id, &fields(json!({"nonsense": 1})), None);
    assert!(unknown.is_err());
}

#[tokio::test]
async fn the_control_api_does_over_http_what_the_handle_does() {
    let bench = Bench::empty().await;
    let base = format!("{}/_sim", bench.running.connectwise_url);
    let call = async |method: Method, path: &str, body: Value| {
        answer(bench.client.request(method, format!("{base}{path}")).json(&body)).await
    };
    let (_, made) =
        call(Method::POST, "/records/hubspot/companies", json!({"fields": {"name": "A"}, "user": "51446677"})).await;
    let one = format!("/records/hubspot/companies/{}", made["id"]);
    let (_, edited) = call(Method::PATCH, &one, json!({"fields": {"name": "B"}})).await;
    assert_eq!(edited["name"], "B");
    assert_eq!(call(Method::DELETE, &one, json!({})).await.1["deleted"], true);
    assert_eq!(call(Method::POST, &format!("{one}/restore"), json!({})).await.1["deleted"], false);
    let (_, clock) = call(Method::PUT, "/clock", json!({"at": "2030-01-01T00:00:00Z"})).await;
    assert_eq!(
        (&clock["standing"], bench.running.control.clock()),
        (&json!(true), Clock::Standing { at_ms: 1_893_456_000_000 })
    );
    assert_eq!(call(Method::POST, "/clock/advance", json!({"ms": 1500})).await.1["now"], "2030-01-01T00:00:01.500Z");
    let (status, rules) =
        call(Method::POST, "/faults", json!({"fault": {"status": {"code": 503}}, "side": "hubspot", "count": 1})).await;
    assert_eq!((status, rules.as_array().unwrap().len()), (200, 1));
    assert_eq!(bench.hs_get(COMPANIES).await.0, 503);
    let (_, calls) = call(Method::GET, "/calls", json!({})).await;
    assert_eq!(calls["hubspot GET /crm/objects/2026-09/companies"]["503"], 1);
    assert_eq!(call(Method::GET, "/ledger", json!({})).await.1.as_array().unwrap().len(), 4);
    assert_eq!(call(Method::PATCH, "/behaviour", json!({"page_cap": 3})).await.1["page_cap"], 3);
    assert_eq!(call(Method::PATCH, "/behaviour", json!({"nope": 3})).await.0, 400);
    call(Method::POST, "/reset", json!({})).await;
    assert_eq!(call(Method::GET, "/records/hubspot/companies", json!({})).await.1, json!([]));
}

#[tokio::test]
async fn what_the_control_api_cannot_do_it_refuses_and_says_how_it_is_done() {
    let bench = Bench::empty().await;
    let base = format!("{}/_sim", bench.running.connectwise_url);
    let call = async |method: Method, path: &str, body: Value| {
        answer(bench.client.request(method, format!("{base}{path}")).json(&body)).await
    };
    let refused = async |method: Method, path: &str, body: Value, words: &[&str]| {
        let (status, answered) = call(method, path, body.clone()).await;
        let said = answered["error"].as_str().unwrap_or_default();
        assert!(status == 400 && words.iter().all(|word| said.contains(word)), "{path} {body}: {status} {answered}");
    };
    let permit = json!({"add": "ALL", "edit": "ALL", "delete": "ALL", "inquire": "NONE"});
    let role = |row: &str| json!({"connectwise": {"role": {"rows": {row: permit}}}});
    for row in ["Companies / Contacts", "Companies/Contacts", "companies/contacts"] {
        let (status, behaviour) = call(Method::PATCH, "/behaviour", role(row)).await;
        let rows = &behaviour["connectwise"]["role"]["rows"];
        assert_eq!((status, rows), (200, &json!({"Companies/Contacts": permit})), "{row}");
    }
    assert_eq!(bench.cw_get("/company/contacts", &[]).await.0, 403);
    let nearest = ["Companies/Contact\"", "nearest is \"Companies/Contacts\""];
    refused(Method::PATCH, "/behaviour", role("Companies/Contact"), &nearest).await;

    let (_, clock) = call(Method::PUT, "/clock", json!({"at": "2030-01-01T00:00:00Z"})).await;
    for ms in [json!(-1), json!(251_508_672_000_001_i64), json!(u64::MAX), json!(1.5), json!("soon"), Value::Null] {
        let words = ["\"ms\"", "from 0 to 251508672000000", &ms.to_string()];
        refused(Method::POST, "/clock/advance", json!({"ms": ms}), &words).await;
    }
    assert_eq!(call(Method::GET, "/clock", json!({})).await.1["now_ms"], clock["now_ms"], "the clock has not moved");
    assert_eq!(call(Method::POST, "/clock/advance", json!({"ms": 251_508_672_000_000_i64})).await.0, 200);

    call(Method::POST, "/reset", json!({})).await;
    let (_, made) = call(Method::POST, "/records/connectwise/contacts", json!({"fields": {"firstName": "Ann"}})).await;
    let one = format!("/records/connectwise/contacts/{}", made["id"]);
    let items = json!([{"type": {"id": 1}, "value": "ann@test.example"}]);
    for (method, path) in [(Method::PATCH, one.as_str()), (Method::POST, "/records/connectwise/contacts")] {
        let fields = json!({"fields": {"firstName": "Eve", "communicationItems": items}});
        refused(method.clone(), path, fields, &["communications/1"]).await;
        let fields = json!({"fields": {"firstName": "Eve", "customFields": [{"id": 31, "value": "Gold"}]}});
        refused(method, path, fields, &["customFields/31"]).await;
    }
    assert_eq!(call(Method::GET, &one, json!({})).await.1["firstName"], "Ann");
}

#[tokio::test]
async fn a_slip_in_a_call_of_the_control_api_is_refused_with_what_is_allowed() {
    let bench = Bench::story().await;
    let base = format!("{}/_sim", bench.running.connectwise_url);
    let before = answer(bench.client.get(format!("{base}/clock"))).await.1["skew_ms"].clone();
    let companies = "/records/connectwise/companies";
    let contact = "/records/hubspot/contacts/18230000229";
    let closing = |table: &str| json!({"connectwise": {"role": {"closed_tables": [table]}}});
    let table = [
        ("PUT", "/clock", json!({"at_ms": -1}), "from 0 to 253402128000000"),
        ("PUT", "/clock", json!({"at_ms": i64::MAX}), "from 0 to 253402128000000"),
        ("PUT", "/clock", json!({"at_ms": "soon"}), "invalid type"),
        ("PUT", "/clock", json!({"at": "yesterday"}), "2026-05-28T20:00:00Z"),
        ("PUT", "/clock", json!({"at": "-009998-01-01T00:00:00Z"}), "\"at\" must be"),
        ("PUT", "/clock", json!({"run": false}), "\"run\": true"),
        ("PUT", "/clock", json!({"run": true, "at_ms": 5}), "one of them alone"),
        ("PUT", "/clock", json!({"at_mss": 5}), "at_mss"),
        ("PUT", "/clock", json!({}), "\"at_ms\""),
        ("PUT", "/clock/skew", json!({"side": "hubspot", "ms": i64::MIN}), "from -31622400000 to 31622400000"),
        (
            "PUT",
            "/clock/skew",
            json!({"side": "hubspot", "ms": 31_622_400_001_i64}),
            "from -31622400000 to 31622400000",
        ),
        ("PUT", "/clock/skew", json!({"side": "salesforce", "ms": 1}), "salesforce"),
        ("POST", "/clock/advance", json!({"ms": 1, "hours": 2}), "hours"),
        ("PATCH", "/behaviour", closing("sales/stage"), "the nearest is \"sales/stages\""),
        ("PATCH", "/behaviour", closing("system/userDefinedField"), "the nearest is \"system/userDefinedFields\""),
        ("PATCH", "/behaviour", closing(""), "the nearest is"),
        ("PATCH", "/behaviour", closing("system/members"), "no table \"system/members\""),
        ("GET", "/ledger?since=never", json!({}), "\"since\" must be a whole number"),
        ("GET", "/requests?since=-1", json!({}), "\"since\" must be a whole number"),
        ("GET", "/records/hubspot/contacts?limit=all", json!({}), "\"limit\" must be a whole number"),
        ("GET", "/records/hubspot/contacts/ann", json!({}), "\"ann\""),
        ("POST", companies, json!({"field": {}}), "field"),
        ("POST", companies, json!({"fields": {}, "user": 7}), "expected a string"),
        ("POST", companies, json!([{}, "ann"]), "must be an object"),
        ("POST", "/records/connectwise/companies/19305/merge", json!({"other": "19306"}), "expected u64"),
        ("POST", "/records/hubspot/contacts/18230000229/associate", json!({"to": "companies"}), "`id`"),
        ("POST", "/records/hubspot/contacts/18230000229/index", json!({"visible_at_ms": -1}), "from 0 to"),
        ("POST", "/properties", json!({"name": ""}), "\"name\" must be"),
        ("POST", "/properties", json!({"object": "unicorns", "name": "horn"}), "unicorns"),
        ("POST", "/faults", json!({"fault": "expired", "cuont": 2}), "cuont"),
        ("PUT", "/webhooks/hubspot", json!({"url": "http://example.com", "secret": "s"}), "on this machine"),
    ];
    for (method, path, body, words) in table {
        let request = bench.client.request(method.parse().unwrap(), format!("{base}{path}")).json(&body);
        let (status, answered) = answer(request).await;
        let said = answered["error"].as_str().unwrap_or_default();
        assert!(status == 400 && said.contains(words), "{method} {path} {body}: {status} {answered}");
    }
    let broken = bench.client.put(format!("{base}/clock")).body("{\"at_ms\": ");
    assert_eq!(answer(broken).await.0, 400);
    let (status, answered) = answer(bench.client.put(format!("{base}/ledger"))).await;
    assert!(status == 404 && answered["error"].as_str().unwrap().contains("PUT /_sim/ledger"), "{answered}");
    assert_eq!(answer(bench.client.get(format!("{base}/clock"))).await.1["skew_ms"], before);
    assert_eq!(answer(bench.client.get(format!("{base}/faults"))).await.1, json!([]));
    assert_eq!(answer(bench.client.get(format!("{base}{contact}"))).await.0, 200);
}

#[tokio::test]
async fn the_story_is_told() {
    let bench = Bench::story().await;
    let control = &bench.running.control;
    let (hubspot, connectwise) = (
        control.records(Side::HubSpot, Object::Company, 0, 1000),
        control.records(Side::ConnectWise, Object::Company, 0, 1000),
    );
    assert!((30..=45).contains(&hubspot.len()), "{}", hubspot.len());
    assert!((30..=45).contains(&connectwise.len()), "{}", connectwise.len());
    let has = |rows: &[Value], field: &str, value: &str| rows.iter().any(|r| r[field] == json!(value));
    assert!(has(&connectwise, "identifier", "Catchall") && has(&connectwise, "identifier", "YourCompany"));
    assert!(hubspot.iter().any(|r| r["name"].as_str().is_some_and(|n| n.contains('\u{1b}'))));
    assert!(hubspot.iter().any(|r| r.get("name").is_none()));
}

#[tokio::test]
async fn generated_companies_are_the_same_for_the_same_seed() {
    let data = Data::Generated(Sizes::companies(300, 200, 100));
    let options = Options { seed: 7, standing_at_ms: Some(1_780_000_000_000), ..Options::quick(data) };
    let (a, b) = (Bench::with(options.clone()).await, Bench::with(options).await);
    for (side, expected) in [(Side::HubSpot, 300), (Side::ConnectWise, 200)] {
        let rows = a.running.control.records(side, Object::Company, 0, 1000);
        assert_eq!((rows.len(), &rows), (expected, &b.running.control.records(side, Object::Company, 0, 1000)));
        assert!(rows.iter().all(|r| r["name"].is_string()));
    }
}

#[tokio::test]
async fn the_story_goes_on_after_the_companies() {
    let bench = Bench::story().await;
    let control = &bench.running.control;
    let rows = |side: Side, object: Object| control.records(side, object, 0, 1000);
    let table = [
        (Object::Contact, 45, 50),
        (Object::Deal, 18, 16),
        (Object::Ticket, 12, 12),
        (Object::Product, 1, 8),
        (Object::LineItem, 2, 7),
    ];
    for (object, hubspot, connectwise) in table {
        let found = (rows(Side::HubSpot, object).len(), rows(Side::ConnectWise, object).len());
        assert!(found.0 >= hubspot && found.1 >= connectwise, "{object}: {found:?}");
    }
    for object in [Object::Note, Object::Task, Object::Call, Object::Meeting] {
        assert!(!rows(Side::HubSpot, object).is_empty(), "{object}");
    }
    assert!(rows(Side::ConnectWise, Object::Activity).len() >= 7);
    let shared = "frontdesk@quietharbor.example.com";
    let with = |side, member: &str| rows(side, Object::Contact).iter().filter(|r| r[member] == shared).count();
    assert_eq!((with(Side::HubSpot, "email"), with(Side::ConnectWise, "communications/1")), (1, 2));
    let alone = rows(Side::ConnectWise, Object::Contact).into_iter().filter(|r| r["company"]["id"].is_null()).count();
    assert!(alone >= 2, "contacts without a company: {alone}");
    let deals = rows(Side::ConnectWise, Object::Deal);
    let amount = deals.iter().find(|d| d["name"] == "Moonmoth: loom controllers").map(|d| d["amount"].clone());
    assert_eq!(amount, Some(json!(21500.75)));
    // What hangs on companies does not move them: the story's conflicts depend on when each side changed.
    let kestrel =
        rows(Side::HubSpot, Object::Company).into_iter().find(|c| c["name"] == "Kestrel Dental Group").unwrap();
    assert_eq!(kestrel["num_associated_contacts"], "3");
    assert!(kestrel["hs_lastmodifieddate"].as_str() < Some(&*iso_days_ago(control.now_ms(), 29)));
}

fn iso_days_ago(now_ms: i64, days: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms - days * 86_400_000).unwrap().to_string()
}

fn everything() -> Data {
    let size = |each| Size { hubspot: each, connectwise: each, both: each / 2 };
    Data::Generated(Sizes {
        companies: size(40),
        contacts: size(400),
        deals: size(120),
        tickets: size(120),
        products: size(12),
        line_items: size(60),
        activities: size(80),
    })
}

#[tokio::test]
async fn every_generated_object_is_there_in_both_systems_and_the_same_for_the_same_seed() {
    let options = Options { seed: 11, standing_at_ms: Some(1_780_000_000_000), ..Options::quick(everything()) };
    let (a, b) = (Bench::with(options.clone()).await, Bench::with(options).await);
    let counts = [
        (Object::Company, 40),
        (Object::Contact, 400),
        (Object::Deal, 120),
        (Object::Ticket, 120),
        (Object::Product, 12),
        (Object::LineItem, 60),
    ];
    for (object, expected) in counts {
        for side in [Side::HubSpot, Side::ConnectWise] {
            let rows = a.running.control.records(side, object, 0, 5000);
            assert_eq!(rows, b.running.control.records(side, object, 0, 5000), "{object}");
            // The tenant's own company and the catch-all come on top; an amount is a forecast item.
            let least = rows.len() >= expected;
            let exact = rows.len() == expected || side == Side::ConnectWise && object != Object::Contact;
            assert!(least && exact, "{side:?} {object}: {}", rows.len());
        }
    }
    let activities = [Object::Note, Object::Task, Object::Call, Object::Meeting];
    let logged: usize = activities.iter().map(|o| a.running.control.records(Side::HubSpot, *o, 0, 500).len()).sum();
    assert_eq!((logged, a.running.control.records(Side::ConnectWise, Object::Activity, 0, 500).len()), (80, 80));
}

#[tokio::test]
async fn generated_contacts_are_as_messy_as_in_life() {
    let bench = Bench::with(Options { seed: 5, ..Options::quick(everything()) }).await;
    let hubspot = bench.running.control.records(Side::HubSpot, Object::Contact, 0, 5000);
    let connectwise = bench.running.control.records(Side::ConnectWise, Object::Contact, 0, 5000);
    let mails = |rows: &[Value], member: &str| -> Vec<String> {
        rows.iter().filter_map(|r| r[member].as_str().map(str::to_lowercase)).collect()
    };
    let distinct = |mails: &[String]| mails.iter().collect::<std::collections::BTreeSet<_>>().len();
    let (ours, theirs) = (mails(&hubspot, "email"), mails(&connectwise, "communications/1"));
    assert_eq!(distinct(&ours), ours.len(), "HubSpot's are unique");
    assert!(distinct(&theirs) < theirs.len(), "ConnectWise's are not");
    assert!(ours.len() < hubspot.len() && theirs.len() < connectwise.len(), "some have none");
    let count = |test: &dyn Fn(&Value) -> bool| connectwise.iter().filter(|r| test(r)).count();
    assert!(count(&|r| r["company"]["id"].is_null()) > 10, "without a company");
    assert!(count(&|r| r["company"]["identifier"] == "Catchall") > 3, "noise on the catch-all company");
    assert!(count(&|r| r["inactiveFlag"] == true) > 5, "inactive");
    let names: Vec<&str> = hubspot.iter().filter_map(|r| r["firstname"].as_str()).collect();
    assert!(names.iter().any(|n| n.contains('\u{301}')), "accents of their own");
    assert!(names.iter().any(|n| n.ends_with(' ')) && names.iter().any(|n| n.contains('🦊')));
    assert!(hubspot.iter().any(|r| r["deleted"] == true));
    let companies = bench.running.control.records(Side::ConnectWise, Object::Company, 0, 5000);
    assert!(companies.iter().any(|c| c["types"].as_array().is_some_and(|t| t.len() > 1)));
}

/// Every call that the README shows, in its order, on the story.
#[tokio::test]
async fn the_calls_of_the_readme_work() {
    let bench = Bench::story().await;
    let readme = include_str!("../../README.md");
    let (_, part) = readme.split_once("<!-- control-api: begin").unwrap();
    let (part, _) = part.split_once("<!-- control-api: end").unwrap();
    let mut made = 0;
    for line in commands(part).iter().filter(|line| line.starts_with("curl ")) {
        let (method, url, body) = curl(line);
        let path = url.strip_prefix("localhost:742").unwrap();
        let base = if path.starts_with('1') { &bench.running.hubspot_url } else { &bench.running.connectwise_url };
        let request = bench.client.request(method, format!("{base}{}", &path[1..])).body(body);
        let (status, answer) = answer(request).await;
        assert_eq!(status, 200, "{line}: {answer}");
        made += 1;
    }
    assert!(made >= 15, "{made}");
    assert_eq!(bench.running.control.deliveries(0), [], "everything is as at the start");
}

/// The commands of a script, each in one line: one goes on after a `\` at its end, and within quotes.
fn commands(script: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for line in script.lines() {
        match commands.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push_str(line.trim_start());
            }
            Some(last) if last.starts_with("curl ") && last.matches('\'').count() % 2 == 1 => last.push_str(line),
            _ => commands.push(line.to_owned()),
        }
    }
    commands
}

/// What a line such as `curl -s -X PUT 'address' -d 'body'` asks for.
fn curl(line: &str) -> (Method, String, String) {
    let (mut method, mut url, mut body) = (None, String::new(), None);
    let mut rest = line.trim_start_matches("curl -s").trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap(),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        rest = after.trim_start();
        match word {
            "-X" => {
                let (verb, after) = rest.split_once(' ').unwrap();
                method = Some(verb.parse().unwrap());
                rest = after.trim_start();
            }
            "-d" => {
                let (text, after) = rest.strip_prefix('\'').unwrap().split_once('\'').unwrap();
                body = Some(text.to_owned());
                rest = after.trim_start();
            }
            word => url = word.to_owned(),
        }
    }
    let method = method.unwrap_or(if body.is_some() { Method::POST } else { Method::GET });
    (method, url, body.unwrap_or_default())
}
