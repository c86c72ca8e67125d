//! What the benches of a whole engine have in common: a workspace that is connected to the simulated systems, and one run
//! of it.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures the machine's time")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep::engine::core::Mode;
use lockstep::engine::core::state::{Run, Verdict};
use lockstep::engine::driver::setup::{self, ConnectWiseConnection, Connection, HubSpotConnection};
use lockstep::engine::driver::snapshot::Phase;
use lockstep::engine::driver::steps::Steps;
use lockstep::engine::driver::{self, Clock, EngineHandle, Finished};
use lockstep::mapping::{Config, toml};
use lockstep::sim::Running;
use lockstep::store::{Base, Key, Workspace};
use secrecy::SecretString;

/// A workspace with both connections, the fields of both systems, and this configuration deployed.
pub async fn workspace(folder: &Path, simulators: &Running, config: &Config) -> Workspace {
    let workspace = Workspace::create(folder, "bench", &Key::throw_away().unwrap()).unwrap();
    let mut settings = workspace.settings().unwrap();
    let clock = Clock::start();
    for connection in connections(simulators) {
        let connector = connection.connector(config, clock, Arc::new(|_: &_| ())).unwrap();
        for object in &config.objects {
            connector.prepare(object.object, true).await.unwrap();
            settings.put_schema(&connector.schema(object.object).await.unwrap().schema, clock.now()).unwrap();
        }
        connection.save(&mut settings).unwrap();
    }
    deploy(&workspace, config);
    workspace
}

/// Makes it the configuration from the next run on.
pub fn deploy(workspace: &Workspace, config: &Config) {
    let mut settings = workspace.settings().unwrap();
    settings.save_draft(&toml::write(config), "bench", "for a bench", Base::Any, Clock::start().now()).unwrap();
    settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
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
pub struct Measured {
    pub row: Run,
    pub took: Duration,
    pub phases: BTreeMap<&'static str, Duration>,
    /// Per endpoint and status.
    pub calls: BTreeMap<String, u64>,
}

/// One whole run of an engine, from its start to its end.
pub async fn run(workspace: &Workspace, simulators: &Running) -> Measured {
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
    pub fn print(&self, title: &str, records: u64) {
        let seconds = self.took.as_secs_f64();
        println!("{title}");
        println!("  took            {seconds:.2} s, {:.0} records a second", records as f64 / seconds);
        for (phase, took) in &self.phases {
            println!("  {phase:<15} {:.2} s", took.as_secs_f64());
        }
        for (call, n) in &self.calls {
            println!("  {n:>6} × {call}");
        }
    }

    /// Writes of any kind, to both systems.
    pub fn writes(&self) -> u64 {
        let sides = self.row.counts.total().sides;
        [sides.hubspot, sides.connectwise].iter().map(|side| side.created + side.updated + side.stamped).sum()
    }
}
