//! What one whole run costs: every company new on one side, both simulated systems over real HTTP, a real workspace.
//!
//! `cargo bench --bench sync -- [--companies N] [--direction to-hubspot|to-connectwise]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lockstep::engine::core::Mode;
use lockstep::engine::core::state::{Run, Verdict};
use lockstep::engine::driver::setup::{self, ConnectWiseConnection, Connection, HubSpotConnection};
use lockstep::engine::driver::snapshot::Phase;
use lockstep::engine::driver::steps::Steps;
use lockstep::engine::driver::{self, Clock, EngineHandle, Finished};
use lockstep::mapping::{defaults, toml};
use lockstep::model::System;
use lockstep::sim::{Data, Options, Running, Simulators, Sizes};
use lockstep::store::{Key, Workspace};
use secrecy::SecretString;

const USAGE: &str = "sync [--companies N] [--direction to-hubspot|to-connectwise]";

/// Calls beyond the lower bound that a run may make, in hundredths of the bound.
const MOST_CALLS: u64 = 110;

/// Calls of a run that do not grow with the number of companies: who both systems are (three), the recycle bin, and the
/// empty page after a last one that was full.
const FIXED_CALLS: u64 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToHubSpot,
    ToConnectWise,
}

struct Orders {
    companies: usize,
    direction: Direction,
}

fn orders() -> Option<Orders> {
    let mut orders = Orders { companies: 10_000, direction: Direction::ToHubSpot };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match (word.as_str(), value.as_str()) {
            ("--companies", number) => orders.companies = number.parse().ok().filter(|n| *n > 0)?,
            ("--direction", "to-hubspot") => orders.direction = Direction::ToHubSpot,
            ("--direction", "to-connectwise") => orders.direction = Direction::ToConnectWise,
            _ => return None,
        }
    }
    Some(orders)
}

fn main() -> ExitCode {
    let Some(orders) = orders() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("sim").enable_all().build().unwrap();
    if runtime.block_on(bench(&orders)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn bench(orders: &Orders) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let simulators = Simulators::start(Options::quick(data(orders))).await.unwrap();
    let workspace = workspace(folder.path(), &simulators).await;
    println!("{} companies, {:?}", orders.companies, orders.direction);

    let first = run(&workspace, &simulators).await;
    let bound = bound(orders);
    let calls = first.calls.values().sum::<u64>();
    first.print("first run", orders.companies);
    let few = calls <= bound + FIXED_CALLS || calls * 100 <= bound * MOST_CALLS;
    println!("  calls ÷ bound   {calls} ÷ {bound} = {:.3}", ratio(calls, bound));

    let second = run(&workspace, &simulators).await;
    second.print("second run", orders.companies);
    let all = first.created(orders.direction) == orders.companies as u64;
    let quiet = second.writes() == 0;
    for (holds, what) in [
        (all, "the first run created every company"),
        (quiet, "the second run wrote nothing"),
        (few, "the first run made hardly more calls than the bound"),
    ] {
        println!("{} {what}", if holds { "yes" } else { "NO " });
    }
    all && quiet && few
}

fn data(orders: &Orders) -> Data {
    let (companies_hubspot, companies_connectwise) = match orders.direction {
        Direction::ToHubSpot => (0, orders.companies),
        Direction::ToConnectWise => (orders.companies, 0),
    };
    Data::Generated(Sizes::companies(companies_hubspot, companies_connectwise, 0))
}

/// The calls without which it cannot be done: reading both systems to their ends in the largest pages, and writing in
/// the largest batches.
fn bound(orders: &Orders) -> u64 {
    let n = orders.companies as u64;
    match orders.direction {
        // creates; pages of ConnectWise; one empty page of HubSpot
        Direction::ToHubSpot => n.div_ceil(100) + n.div_ceil(1000) + 1,
        // creates; pages of HubSpot; the keys that go back to HubSpot; one empty page of ConnectWise
        Direction::ToConnectWise => n + n.div_ceil(100) + n.div_ceil(100) + 1,
    }
}

async fn workspace(folder: &std::path::Path, simulators: &Running) -> Workspace {
    let workspace = Workspace::create(folder, "bench", &Key::throw_away().unwrap()).unwrap();
    let mut settings = workspace.settings().unwrap();
    let (config, clock) = (defaults::config(), Clock::start());
    for connection in connections(simulators) {
        let connector = connection.connector(&config, clock, std::sync::Arc::new(|_: &_| ())).unwrap();
        for object in &config.objects {
            connector.prepare(object.object, true).await.unwrap();
            settings.put_schema(&connector.schema(object.object).await.unwrap().schema, clock.now()).unwrap();
        }
        connection.save(&mut settings).unwrap();
    }
    settings.save_draft(&toml::write(&config), "bench", "the default configuration", clock.now()).unwrap();
    settings.deploy_draft().unwrap();
    workspace
}

fn connections(simulators: &Running) -> [Connection; 2] {
    let credentials = &simulators.credentials;
    let secret = |text: &str| SecretString::from(text.to_owned());
    let hubspot = HubSpotConnection { base_url: Some(simulators.hubspot_url.clone()), oauth: None };
    let connectwise = ConnectWiseConnection {
        site: simulators.connectwise_url.clone(),
        company: credentials.connectwise_company.clone(),
        public_key: credentials.connectwise_public_key.clone(),
        client_id: credentials.connectwise_client_id.clone(),
    };
    [
        Connection::HubSpot(hubspot, secret(&credentials.hubspot_token)),
        Connection::ConnectWise(connectwise, secret(&credentials.connectwise_private_key)),
    ]
}

/// One run, as the clock and the systems saw it.
struct Measured {
    row: Run,
    took: Duration,
    phases: BTreeMap<&'static str, Duration>,
    /// Per endpoint and status.
    calls: BTreeMap<String, u64>,
}

async fn run(workspace: &Workspace, simulators: &Running) -> Measured {
    let parts = setup::parts(workspace, Mode::Once, Clock::start(), &Steps::default()).await.unwrap();
    simulators.control.clear_calls();
    let start = Instant::now();
    let mut handle = driver::start(workspace, parts).unwrap();
    let (finished, phases) = watch(&mut handle).await;
    let took = start.elapsed();
    handle.stop().await;
    assert_eq!(finished.run.verdict, Verdict::Done);
    let calls = simulators.control.calls();
    let calls = calls.iter().flat_map(|(endpoint, by_status)| {
        by_status.iter().map(move |(status, n)| (format!("{endpoint} {status}"), *n))
    });
    Measured { row: finished.run, took, phases, calls: calls.collect() }
}

/// Waits for the end, and notes how long each phase lasted. Snapshots come ten times a second: so fine are the phases.
async fn watch(handle: &mut EngineHandle) -> (Finished, BTreeMap<&'static str, Duration>) {
    let mut snapshot = handle.snapshot();
    let mut phases = BTreeMap::new();
    let (mut phase, mut since) = (Phase::Connecting, Instant::now());
    let finished = loop {
        tokio::select! {
            biased;
            finished = handle.finished() => break finished.unwrap(),
            changed = snapshot.changed() => changed.unwrap(),
        }
        let seen = snapshot.borrow_and_update().phase;
        if seen != phase {
            *phases.entry(phase.word()).or_default() += since.elapsed();
            (phase, since) = (seen, Instant::now());
        }
    };
    *phases.entry(phase.word()).or_default() += since.elapsed();
    (finished, phases)
}

impl Measured {
    fn print(&self, title: &str, companies: usize) {
        let seconds = self.took.as_secs_f64();
        println!("{title}");
        println!("  took            {seconds:.2} s, {:.0} records a second", companies as f64 / seconds);
        for (phase, took) in &self.phases {
            println!("  {phase:<15} {:.2} s", took.as_secs_f64());
        }
        for (call, n) in &self.calls {
            println!("  {n:>6} × {call}");
        }
    }

    fn created(&self, direction: Direction) -> u64 {
        let sides = self.row.counts.total().sides;
        match direction {
            Direction::ToHubSpot => sides.hubspot.created,
            Direction::ToConnectWise => sides.connectwise.created,
        }
    }

    fn writes(&self) -> u64 {
        let sides = self.row.counts.total().sides;
        let of = |system| {
            let side = &sides[system];
            side.created + side.updated + side.stamped
        };
        of(System::HubSpot) + of(System::ConnectWise)
    }
}

fn ratio(calls: u64, bound: u64) -> f64 {
    calls as f64 / bound as f64
}
