//! Every kind of request under every kind of fault of the transport, against the simulated tenant: which word the engine
//! is given, how often the call went out, that it ends in time, and that no secret is in the answer or the log.

use std::time::Duration;

use base64::Engine as _;
use lockstep::sim::{Fault, FaultRule, Object, RetryAfter, Side};
use tokio::time::Instant;

use super::*;

/// The time-out of a call whose answer does not come, and of one whose answer does.
const IMPATIENT: Duration = Duration::from_millis(700);
const PATIENT: Duration = Duration::from_secs(30);
/// What a request may take beyond the time-out of its call, on a busy machine.
const GRACE: Duration = Duration::from_secs(5);

/// What is asked, and the call of it that the fault strikes.
#[derive(Debug, Clone, Copy)]
struct Row {
    asks: Asks,
    method: &'static str,
    path: &'static str,
    /// Its column in the table of faults.
    column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Identify,
    Changes,
    List,
    Read,
    FindStamped,
    Create,
    Update,
    Schema,
    /// A list, by a connector that does not know yet where the tenant lives.
    Discovery,
}

const fn row(asks: Asks, method: &'static str, path: &'static str, column: usize) -> Row {
    Row { asks, method, path, column }
}

const COMPANIES: &str = "/company/companies";
const ROWS: [Row; 9] = [
    row(Asks::Identify, "GET", "/system/info", 0),
    row(Asks::Changes, "GET", COMPANIES, 1),
    row(Asks::List, "GET", COMPANIES, 1),
    row(Asks::Read, "GET", COMPANIES, 1),
    row(Asks::FindStamped, "GET", COMPANIES, 1),
    row(Asks::Create, "POST", COMPANIES, 2),
    row(Asks::Update, "PATCH", COMPANIES, 2),
    row(Asks::Schema, "GET", "/company/companies/statuses", 3),
    row(Asks::Discovery, "GET", "/login/companyinfo", 4),
];

/// What one fault comes to, by column: who the system is, records, a write (`!`: it took effect), a table of options, and
/// where the tenant lives. `-`: not played, because the calls that follow wait as long as they were told to.
type Line = (&'static str, Fault, [&'static str; 5]);

/// Nothing was done, and no word of it came.
const LOST: [&str; 5] = ["unknown", "unknown", "unknown", "partial", "not sent"];
/// It was done, and no word of it came.
const UNHEARD: [&str; 5] = ["unknown", "unknown", "unknown!", "partial", "not sent"];
/// The answer says all that matters.
const FINE: [&str; 5] = ["fine", "fine", "applied!", "fine", "fine"];

fn table(secret: &str) -> Vec<Line> {
    let status = |code, body: &str| Fault::Status { code, body: Some(body.to_owned()), retry_after: None };
    let after = |code| Fault::StatusAfterCommit { code, body: None };
    let limited = |retry_after| Fault::Limited { retry_after };
    let header = |name: &str, value: Option<&str>| Fault::Header { name: name.into(), value: value.map(str::to_owned) };
    let mangle = |pointer: &str, value: Option<Json>| Fault::Mangle { pointer: pointer.into(), value };
    let pause = |words| [words, words, words, "-", words];
    let denied = ["denied", "denied", "denied", "partial", "denied"];
    let forbidden = ["forbidden", "forbidden", "forbidden", "partial", "denied"];
    let rejected = ["rejected", "rejected", "rejected", "partial", "rejected"];
    vec![
        ("broken off before", Fault::DropBefore, LOST),
        ("broken off after", Fault::DropAfterCommit, UNHEARD),
        ("500 before", Fault::Status { code: 500, body: None, retry_after: None }, LOST),
        ("500 after", after(500), UNHEARD),
        ("a gateway's page", status(502, "<html><body>Bad gateway</body></html>"), LOST),
        ("503 without a word", status(503, ""), LOST),
        ("504 after", after(504), UNHEARD),
        ("limited", limited(None), pause("throttled 30")),
        ("limited for seconds", limited(Some(RetryAfter::Seconds(7))), pause("throttled 7")),
        ("limited until a date", limited(Some(RetryAfter::DateInSeconds(20))), pause("throttled 20")),
        ("expired", Fault::Expired, denied),
        ("403 that echoes", status(403, &format!("{{\"message\": \"{secret} may not\"}}")), forbidden),
        ("400 that echoes", status(400, &format!("{{\"message\": \"What is {secret}?\"}}")), rejected),
        (
            "no such endpoint",
            status(404, "{\"message\": \"The endpoint does not exist.\"}"),
            ["rejected", "rejected", "rejected", "partial", "denied"],
        ),
        ("a page before", Fault::Html { commits: false }, LOST),
        ("a page after", Fault::Html { commits: true }, UNHEARD),
        ("an answer too late", Fault::Delay { ms: 1500 }, UNHEARD),
        ("an effect too late", Fault::LateLanding { ms: 1500 }, LOST),
        ("drop by drop", Fault::Drip { bytes: 1, every_ms: 50 }, UNHEARD),
        ("reset in the middle", Fault::Truncate, UNHEARD),
        ("half of it", Fault::HalfBody, UNHEARD),
        ("without an end", Fault::Oversized { megabytes: 40 }, UNHEARD),
        ("null", mangle("", None), ["unknown", "unknown", "unknown!", "partial", "denied"]),
        ("a number", mangle("", Some(json!(7))), UNHEARD),
        ("rows without ids", mangle("/*/id", None), ["fine", "unknown", "applied!", "fine", "fine"]),
        ("a record without id", mangle("/id", None), ["fine", "fine", "unknown!", "fine", "fine"]),
        ("another order", Fault::Reorder { pointer: String::new() }, FINE),
        ("another type", header("content-type", Some("text/plain")), FINE),
        ("an odd date", header("date", Some("yesterday")), FINE),
        ("an odd pause", header("retry-after", Some("soon")), FINE),
        ("no link", header("link", None), FINE),
        ("a clock ahead", Fault::Skew { ms: 3_600_000 }, FINE),
        ("a clock behind", Fault::Skew { ms: -3_600_000 }, FINE),
    ]
}

/// What must be nowhere: the keys, and what is sent of them.
fn secrets(c: &sim::Credentials) -> [String; 3] {
    let keys = format!("{}+{}:{}", c.connectwise_company, c.connectwise_public_key, c.connectwise_private_key);
    let basic = base64::engine::general_purpose::STANDARD.encode(keys);
    [basic, c.connectwise_public_key.clone(), c.connectwise_private_key.clone()]
}

const fn hangs(fault: &Fault) -> bool {
    matches!(fault, Fault::Delay { .. } | Fault::LateLanding { .. } | Fault::Drip { .. })
}

/// One request under one fault: a tenant, a record and a connector of its own.
/// Answers the word for it and how often the call was sent.
async fn cell(row: Row, name: &str, fault: Fault) -> (String, u64) {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let c = running.credentials.clone();
    let company = json!({"name": "Acme", "identifier": "ACME", "city": "Ulm", "userDefinedField10": "company:42"});
    let made = running.control.create(Side::ConnectWise, Object::Company, company.as_object().unwrap(), None).unwrap();
    let hangs = hangs(&fault);
    let timeout = if hangs { IMPATIENT } else { PATIENT };
    let options = lockstep::connect::Options { timeout, ..options(&running.connectwise_url) };
    let psa = psa_with(&c, &c.connectwise_company, &options);
    if row.asks != Asks::Discovery {
        assert!(matches!(ask(&psa, RequestBody::Identify).await, AnswerBody::Identity { .. }));
    }
    running.control.clear_calls();
    running
        .control
        .inject(FaultRule::once(fault).with_probability(1.0).on(Side::ConnectWise).method(row.method).path(row.path));
    let began = Instant::now();
    let fields = names(&["name", "city"]);
    let body = match row.asks {
        Asks::Schema => None,
        Asks::Identify => Some(RequestBody::Identify),
        Asks::Changes => {
            let (from, until) = (Timestamp::EPOCH, Timestamp::MAX);
            Some(RequestBody::Changes { fields, from, until, after: None, limit: 50 })
        }
        Asks::List | Asks::Discovery => Some(list(&["name"], None, 50)),
        Asks::Read => Some(read(&["name"], &[made])),
        Asks::FindStamped => Some(RequestBody::FindStamped { fields, stamps: vec!["company:42".into()] }),
        Asks::Create => Some(create(ObjectKind::Company, &[("name", text("New")), ("identifier", text("NEW"))])),
        Asks::Update => {
            let values = values(&[("city", text("Bonn"))]);
            let item = UpdateItem { intent: IntentId(8), id: RecordId(made), values, stamp: None };
            Some(RequestBody::Update { fields, items: vec![item] })
        }
    };
    let (mut word, shown) = match body {
        None => {
            let live = psa.schema(ObjectKind::Company).await;
            let word = match &live {
                Ok(live) if live.warnings.is_empty() => "fine".to_owned(),
                Ok(_) => "partial".to_owned(),
                Err(error) => format!("{:?}", error.kind).to_lowercase(),
            };
            (word, format!("{live:?}"))
        }
        Some(body) => {
            let answer = ask(&psa, body).await;
            (word(&answer), format!("{answer:?}"))
        }
    };
    let took = began.elapsed();
    let what = format!("{:?} under {name}", row.asks);
    assert!(took < if hangs { IMPATIENT + GRACE } else { GRACE }, "{what}: {took:?}");
    let sent = running.control.faults_struck();
    for secret in secrets(&c) {
        assert!(!shown.contains(&secret), "{what}: {shown}");
    }
    let effective = match row.asks {
        Asks::Create => running.control.records(Side::ConnectWise, Object::Company, made, 10).len() == 1,
        Asks::Update => running.control.record(Side::ConnectWise, Object::Company, made).unwrap()["city"] == "Bonn",
        _ => false,
    };
    if effective {
        word.push('!');
    }
    (word, sent)
}

fn word(answer: &AnswerBody) -> String {
    match answer {
        AnswerBody::Failed(_) | AnswerBody::Written { .. } => crate::faults::word(answer),
        _ => "fine".to_owned(),
    }
}

/// All faults of one row; those that keep the answer from coming at the same time.
async fn play(asks: Asks) {
    let (lines, _guard) = log::listen(tracing::Level::DEBUG);
    let row = ROWS.into_iter().find(|row| row.asks == asks).unwrap();
    let secret = sim::Credentials::default().connectwise_private_key;
    let played = table(&secret).into_iter().filter(|(.., words)| words[row.column] != "-");
    let (slow, quick): (Vec<Line>, Vec<Line>) = played.partition(|(_, fault, _)| hangs(fault));
    for (name, fault, words) in quick {
        assert_eq!(cell(row, name, fault).await, (words[row.column].to_owned(), 1), "{asks:?} under {name}");
    }
    let cells = slow.into_iter().map(async |(name, fault, words)| (name, words, cell(row, name, fault).await));
    for (name, words, told) in futures_util::future::join_all(cells).await {
        assert_eq!(told, (words[row.column].to_owned(), 1), "{asks:?} under {name}");
    }
    let log = lines.text();
    assert!(log.lines().filter(|line| line.contains(row.path)).count() >= 25, "{asks:?}: {log}");
    for secret in secrets(&sim::Credentials::default()) {
        assert!(!log.contains(&secret), "{asks:?}: {log}");
    }
}

#[tokio::test]
async fn who_it_is() {
    play(Asks::Identify).await;
}

#[tokio::test]
async fn changes() {
    play(Asks::Changes).await;
}

#[tokio::test]
async fn a_list() {
    play(Asks::List).await;
}

#[tokio::test]
async fn records_by_id() {
    play(Asks::Read).await;
}

#[tokio::test]
async fn records_by_stamp() {
    play(Asks::FindStamped).await;
}

#[tokio::test]
async fn a_create() {
    play(Asks::Create).await;
}

#[tokio::test]
async fn an_update() {
    play(Asks::Update).await;
}

#[tokio::test]
async fn a_schema() {
    play(Asks::Schema).await;
}

#[tokio::test]
async fn where_the_tenant_lives() {
    play(Asks::Discovery).await;
}

/// What ConnectWise does not have is refused here, whatever the line is like.
#[tokio::test]
async fn associations_history_and_lists_are_refused_without_a_call() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    running.control.inject(FaultRule::once(Fault::DropBefore).with_probability(1.0).on(Side::ConnectWise));
    let psa = psa(&running, &running.credentials.connectwise_company);
    let ids = vec![RecordId(1)];
    for body in [
        RequestBody::Associations { to: ObjectKind::Contact, ids: ids.clone() },
        RequestBody::History { fields: names(&["name"]), ids },
        RequestBody::Members { list: "1".into(), after: None, limit: 10 },
    ] {
        let answer = ask(&psa, body.clone()).await;
        assert!(matches!(answer, AnswerBody::Failed(Failure::Rejected(_))), "{body:?}: {answer:?}");
    }
    assert_eq!(running.control.faults_struck(), 0);
}
