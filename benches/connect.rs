//! What reading a whole system costs the connector: records a second on one core over loopback, and calls beside the
//! fewest that the API allows.
//!
//! `cargo bench --bench connect -- [--contacts N]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep::connect::{Connector, HubSpot, Options, hubspot};
use lockstep::engine::core::request::{AnswerBody, Priority, Request, RequestBody, RequestId};
use lockstep::model::{FieldName, ObjectKind, RecordId, System, Timestamp};
use lockstep::sim::{self, Data, Running, Simulators, Size, Sizes};

const USAGE: &str = "connect [--contacts N]";
/// HubSpot's largest page of a list.
const PAGE: u64 = 100;
/// What a mapping of contacts reads, more or less.
const FIELDS: [&str; 12] = [
    "email",
    "firstname",
    "lastname",
    "jobtitle",
    "phone",
    "mobilephone",
    "address",
    "city",
    "state",
    "zip",
    "country",
    "lifecyclestage",
];

struct Read {
    records: u64,
    calls: u64,
    took: Duration,
    /// Of the connector's own thread.
    cpu: Duration,
}

fn contacts() -> Option<usize> {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    match (words.next().as_deref(), words.next()) {
        (None, _) => Some(100_000),
        (Some("--contacts"), Some(number)) => number.parse().ok().filter(|n| *n > 0),
        _ => None,
    }
}

fn main() -> ExitCode {
    let Some(contacts) = contacts() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    let simulators = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let hubspot = Size { hubspot: contacts, ..Size::default() };
    let data = Data::Generated(Sizes { contacts: hubspot, ..Sizes::default() });
    let running = simulators.block_on(Simulators::start(sim::Options::quick(data))).unwrap();
    let (url, token) = (running.hubspot_url.clone(), running.credentials.hubspot_token.clone());
    let read = std::thread::spawn(move || hubspot_contacts(&url, &token)).join().unwrap();
    report(&read, &running);
    let whole = read.records == contacts as u64;
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Reads every contact by the list, on a thread that does nothing else.
fn hubspot_contacts(url: &str, token: &str) -> Read {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(|| Timestamp::EPOCH);
        let options = Options { base: Some(url.to_owned()), unlimited: true, ..Options::new(clock) };
        let credentials = hubspot::Credentials::Token(token.to_owned().into());
        let hub = HubSpot::new(credentials, BTreeMap::new(), &options).unwrap();
        let fields: Vec<FieldName> = FIELDS.map(FieldName::from).to_vec();
        let (began, cpu) = (Instant::now(), on_cpu());
        let (mut records, mut calls, mut after) = (0, 0, None);
        loop {
            let (page, last, more, took) = page(&hub, &fields, after).await;
            records += page;
            calls += took;
            after = last;
            if !more {
                return Read { records, calls, took: began.elapsed(), cpu: on_cpu() - cpu };
            }
        }
    })
}

async fn page(hub: &HubSpot, fields: &[FieldName], after: Option<RecordId>) -> (u64, Option<RecordId>, bool, u64) {
    let body = RequestBody::List { fields: fields.to_vec(), after, archived: false, limit: 100 };
    let request =
        Request { system: System::HubSpot, object: ObjectKind::Contact, priority: Priority::Bulk, run: None, body };
    let answer = hub.perform(RequestId(1), &request).await.answer;
    let AnswerBody::Page { records, last, more } = answer.body else { panic!("{:?}", answer.body) };
    (records.len() as u64, last, more, answer.calls.into())
}

/// How long this thread has been on a core.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

fn report(read: &Read, running: &Running) {
    let fewest = read.records.div_ceil(PAGE).max(1);
    let per = |time: Duration| read.records as f64 / time.as_secs_f64().max(f64::EPSILON);
    let told: u64 = running.control.calls().values().flat_map(BTreeMap::values).sum();
    println!("contacts read      {}", read.records);
    println!(
        "calls              {} ({told} by the simulator's count), {:.3} of the fewest",
        read.calls,
        read.calls as f64 / fewest as f64
    );
    println!("records a second   {:.0} (simulator beside it)", per(read.took));
    println!("records a core     {:.0} a second of the connector's own thread", per(read.cpu));
}
