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

use lockstep::connect::{ConnectWise, Connector, HubSpot, Options, connectwise, hubspot};
use lockstep::engine::core::request::{AnswerBody, Priority, Request, RequestBody, RequestId};
use lockstep::model::{FieldName, ObjectKind, RecordId, System, Timestamp};
use lockstep::sim::{self, Data, Object, Running, Side, Simulators, Size, Sizes};

const USAGE: &str = "connect [--contacts N]";
/// Each system's largest page of a list.
const fn largest_page(system: System) -> u32 {
    match system {
        System::HubSpot => 100,
        System::ConnectWise => 1000,
    }
}
/// What a mapping of contacts reads, more or less.
const HUBSPOT_FIELDS: [&str; 12] = [
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

const CONNECTWISE_FIELDS: [&str; 12] = [
    "firstName",
    "lastName",
    "company",
    "title",
    "communications/1",
    "communications/2",
    "addressLine1",
    "city",
    "state",
    "zip",
    "country",
    "inactiveFlag",
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
    let size = Size { hubspot: contacts, connectwise: contacts, ..Size::default() };
    let data = Data::Generated(Sizes { contacts: size, ..Sizes::default() });
    let running = simulators.block_on(Simulators::start(sim::Options::quick(data))).unwrap();
    let mut whole = true;
    for system in System::BOTH {
        let connector = connector(&running, system);
        running.control.clear_calls();
        let read = std::thread::spawn(move || every_contact(&*connector)).join().unwrap();
        report(system, &read, &running);
        whole &= read.records == there(&running, system);
    }
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Contacts that are not in a recycle bin, by the simulator's own count.
fn there(running: &Running, system: System) -> u64 {
    let side = match system {
        System::HubSpot => Side::HubSpot,
        System::ConnectWise => Side::ConnectWise,
    };
    let rows = running.control.records(side, Object::Contact, 0, usize::MAX);
    rows.iter().filter(|row| row["deleted"] != true).count() as u64
}

fn connector(running: &Running, system: System) -> Box<dyn Connector> {
    let options = |url: &str| Options {
        base: Some(url.to_owned()),
        unlimited: true,
        ..Options::new(Arc::new(|| Timestamp::EPOCH))
    };
    let c = &running.credentials;
    match system {
        System::HubSpot => {
            let credentials = hubspot::Credentials::Token(c.hubspot_token.clone().into());
            Box::new(HubSpot::new(credentials, BTreeMap::new(), &options(&running.hubspot_url)).unwrap())
        }
        System::ConnectWise => {
            let credentials = connectwise::Credentials {
                site: "na.myconnectwise.net".into(),
                company: c.connectwise_company.clone(),
                public_key: c.connectwise_public_key.clone().into(),
                private_key: c.connectwise_private_key.clone().into(),
                client_id: c.connectwise_client_id.clone(),
            };
            Box::new(ConnectWise::new(&credentials, BTreeMap::new(), &options(&running.connectwise_url)).unwrap())
        }
    }
}

/// Reads every contact by the list, on a thread that does nothing else.
fn every_contact(connector: &dyn Connector) -> Read {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let names = match connector.system() {
            System::HubSpot => HUBSPOT_FIELDS,
            System::ConnectWise => CONNECTWISE_FIELDS,
        };
        let fields: Vec<FieldName> = names.map(FieldName::from).to_vec();
        let (began, cpu) = (Instant::now(), on_cpu());
        let (mut records, mut calls, mut after) = (0, 0, None);
        loop {
            let (page, last, more, took) = page(connector, &fields, after).await;
            records += page;
            calls += took;
            after = last.or(after);
            if !more {
                return Read { records, calls, took: began.elapsed(), cpu: on_cpu() - cpu };
            }
        }
    })
}

async fn page(
    connector: &dyn Connector,
    fields: &[FieldName],
    after: Option<RecordId>,
) -> (u64, Option<RecordId>, bool, u64) {
    let system = connector.system();
    let limit = largest_page(system);
    let body = RequestBody::List { fields: fields.to_vec(), after, archived: false, limit };
    let request = Request { system, object: ObjectKind::Contact, priority: Priority::Bulk, run: None, body };
    let answer = connector.perform(RequestId(1), &request).await.answer;
    let AnswerBody::Page { records, last, more, .. } = answer.body else { panic!("{:?}", answer.body) };
    (records.len() as u64, last, more, answer.calls.into())
}

/// How long this thread has been on a core.
fn on_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0))
}

fn report(system: System, read: &Read, running: &Running) {
    let fewest = read.records.div_ceil(largest_page(system).into()).max(1);
    let per = |time: Duration| read.records as f64 / time.as_secs_f64().max(f64::EPSILON);
    let told: u64 = running.control.calls().values().flat_map(BTreeMap::values).sum();
    println!("{system}");
    println!("contacts read      {}", read.records);
    println!(
        "calls              {} ({told} by the simulator's count), {:.3} of the fewest",
        read.calls,
        read.calls as f64 / fewest as f64
    );
    println!("records a second   {:.0} (simulator beside it)", per(read.took));
    println!("records a core     {:.0} a second of the connector's own thread", per(read.cpu));
}
