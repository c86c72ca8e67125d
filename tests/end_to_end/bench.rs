//! Two systems, a workspace between them, and what people and tests do with them.

use std::process::{Command, Stdio};
use std::time::Duration;

use lockstep::engine::core::Mode;
use lockstep::engine::core::command::{Ask, Reply};
use lockstep::engine::core::plan::PushReport;
use lockstep::engine::core::state::{IssueClass, LinkState, Verdict};
use lockstep::engine::core::view::View;
use lockstep::engine::driver::setup::{self, ConnectWiseConnection, Connection, HubSpotConnection};
use lockstep::engine::driver::steps::Steps;
use lockstep::engine::driver::{self, Clock, EngineHandle, Finished};
use lockstep::mapping::{Config, defaults, toml};
use lockstep::model::{ObjectKind, RecordId, RecordRef, System};
use lockstep::sim::{Actor, Data, Fault, FaultRule, Mutation, Object, Options, Running, Side, Simulators};
use lockstep::store::{Base, Key, Workspace};
use secrecy::SecretString;
use serde_json::{Map, Value as Json, json};
use tokio::time::Instant;

pub const PATIENCE: Duration = Duration::from_secs(90);
pub const HUBSPOT: Side = Side::HubSpot;
pub const CONNECTWISE: Side = Side::ConnectWise;

/// Ids in the story.
pub const OWN: u64 = 19_301;
pub const CATCHALL: u64 = 19_302;

/// Two systems and a workspace that is connected to them.
pub struct Bench {
    pub running: Running,
    pub home: tempfile::TempDir,
    pub workspace: Workspace,
}

/// The address of a connection to these simulators, with their credentials.
pub fn connections(running: &Running) -> [Connection; 2] {
    let c = &running.credentials;
    let secret = |text: &str| SecretString::from(text.to_owned());
    let hubspot = HubSpotConnection { base_url: Some(running.hubspot_url.clone()), oauth: None };
    let connectwise = ConnectWiseConnection {
        site: running.connectwise_url.clone(),
        company: c.connectwise_company.clone(),
        public_key: c.connectwise_public_key.clone(),
        client_id: c.connectwise_client_id.clone(),
    };
    [
        Connection::HubSpot(hubspot, secret(&c.hubspot_token)),
        Connection::ConnectWise(connectwise, secret(&c.connectwise_private_key)),
    ]
}

impl Bench {
    pub async fn new(data: Data) -> Self {
        Self::with(data, |_| {}).await
    }

    pub async fn with(data: Data, change: impl FnOnce(&mut Config)) -> Self {
        let running = Simulators::start(Options::quick(data)).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let (keys, workspaces) = (home.path().join("keys"), home.path().join("workspaces"));
        for dir in [&keys, &workspaces] {
            std::fs::create_dir(dir).unwrap();
        }
        let key = Key::create_file(&keys.join("acme.key")).unwrap();
        let workspace = Workspace::create(&workspaces, "acme", &key).unwrap();
        let mut config = defaults::config();
        // As short as a request can live here: what got lost is certain soon.
        config.timing.flight = 1;
        change(&mut config);
        let (mut settings, clock) = (workspace.settings().unwrap(), Clock::start());
        for connection in connections(&running) {
            let connector = connection.connector(&config, clock, std::sync::Arc::new(|_: &_| ())).unwrap();
            connector.check().await.unwrap();
            for mapping in &config.objects {
                let object = mapping.object;
                if mapping.stamp(connector.system()).is_some() {
                    connector.prepare(object, true).await.unwrap();
                }
                let live = connector.schema(object).await.unwrap();
                settings.put_schema(&live.schema, clock.now()).unwrap();
            }
            connection.save(&mut settings).unwrap();
        }
        settings.save_draft(&toml::write(&config), "test", "", Base::Any, clock.now()).unwrap();
        settings.deploy_draft(Base::Any, "test", None, clock.now()).unwrap();
        Self { running, home, workspace }
    }

    pub async fn engine(&self, mode: Mode) -> EngineHandle {
        let parts = setup::parts(&self.workspace, mode, Clock::start(), &Steps::default()).await.unwrap();
        driver::start(&self.workspace, parts).unwrap()
    }

    pub async fn run(&self) -> Finished {
        self.finish(Mode::Once).await
    }

    pub async fn plan(&self) -> Finished {
        self.finish(Mode::Plan).await
    }

    async fn finish(&self, mode: Mode) -> Finished {
        let mut engine = self.engine(mode).await;
        let finished = finished(&mut engine).await;
        engine.stop().await;
        finished
    }

    /// Runs until nothing is left to do.
    pub async fn settle(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = self.now();
            let run = self.run().await.run;
            let reader = self.workspace.reader().unwrap();
            let resting = reader.issue_groups().unwrap().iter().any(|group| group.class == IssueClass::Transient);
            let open = reader.open_intents().unwrap();
            if run.verdict == Verdict::Done && self.writes_since(before).is_empty() && open.is_empty() && !resting {
                return;
            }
            assert!(Instant::now() < deadline, "it does not come to rest: {run:?} {open:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub async fn ask(&self, ask: Ask) -> Reply {
        let engine = self.engine(Mode::Asks).await;
        let reply = tokio::time::timeout(PATIENCE, engine.ask(ask)).await.unwrap();
        engine.stop().await;
        reply
    }

    pub async fn push(&self, record: RecordRef, to: System, dry_run: bool) -> PushReport {
        match self.ask(Ask::Push { record, to, dry_run }).await {
            Reply::Pushed(report) => *report,
            other => panic!("{other:?}"),
        }
    }

    // ---- what people do

    pub fn create(&self, side: Side, name: &str) -> u64 {
        let fields = match side {
            Side::HubSpot => map(&[("name", json!(name)), ("city", json!("Ulm"))]),
            Side::ConnectWise => {
                map(&[("name", json!(name)), ("city", json!("Ulm")), ("identifier", json!(name.replace(' ', "")))])
            }
        };
        self.running.control.create(side, Object::Company, &fields, None).unwrap()
    }

    pub fn edit(&self, side: Side, id: u64, field: &str, value: &str) {
        self.running.control.edit(side, Object::Company, id, &map(&[(field, json!(value))]), None).unwrap();
    }

    // ---- what can be seen

    pub fn now(&self) -> u64 {
        self.running.control.ledger(0).last().map_or(0, |mutation| mutation.sequence)
    }

    /// What the engine wrote since then.
    pub fn writes_since(&self, sequence: u64) -> Vec<Mutation> {
        let all = self.running.control.ledger(sequence);
        all.into_iter().filter(|mutation| matches!(mutation.actor, Actor::Api(_))).collect()
    }

    pub fn live(&self, side: Side) -> Vec<Json> {
        let mut all = self.running.control.records(side, Object::Company, 0, 10_000);
        all.retain(|record| record["deleted"] != true);
        all
    }

    pub fn named(&self, side: Side, name: &str) -> Vec<u64> {
        let of = self.live(side).into_iter().filter(|record| record["name"] == name);
        of.map(|record| record["id"].as_u64().unwrap()).collect()
    }

    pub fn only(&self, side: Side, name: &str) -> u64 {
        let found = self.named(side, name);
        assert_eq!(found.len(), 1, "{name} in {}: {found:?}", side.name());
        found[0]
    }

    pub fn value(&self, side: Side, id: u64, field: &str) -> Json {
        self.running.control.record(side, Object::Company, id).unwrap()[field].clone()
    }

    /// Every company of that name is there exactly once on both sides, and linked.
    pub fn assert_pairs(&self, names: &[String]) {
        let reader = self.workspace.reader().unwrap();
        for name in names {
            let (hubspot, connectwise) = (self.only(HUBSPOT, name), self.only(CONNECTWISE, name));
            let link = reader.link_of(at(System::HubSpot, hubspot)).unwrap().unwrap();
            assert_eq!((link.connectwise, link.state), (RecordId(connectwise), LinkState::Active), "{name}");
        }
    }

    /// A company that is on both sides.
    pub async fn pair(&self, name: &str) -> (u64, u64) {
        self.create(HUBSPOT, name);
        self.settle().await;
        (self.only(HUBSPOT, name), self.only(CONNECTWISE, name))
    }

    pub fn create_many(&self, side: Side, number: usize) -> Vec<String> {
        let names: Vec<String> = (0..number).map(|n| format!("Company {n:02}")).collect();
        for name in &names {
            self.create(side, name);
        }
        names
    }

    /// The real binary on this workspace.
    pub fn binary(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command.arg("--home").arg(self.home.path()).args(args.split_whitespace());
        command.env_remove("LOCKSTEP_WORKSPACE").env_remove("LOCKSTEP_KEY_FILE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn exit_code(&self, args: &str) -> (i32, String) {
        let mut command = self.binary(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

pub fn map(fields: &[(&str, Json)]) -> Map<String, Json> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

pub const fn at(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Company, system, RecordId(id))
}

pub async fn finished(engine: &mut EngineHandle) -> Finished {
    tokio::time::timeout(PATIENCE, engine.finished()).await.unwrap().unwrap()
}

pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub fn on_create(side: Side, fault: Fault) -> FaultRule {
    match side {
        Side::HubSpot => FaultRule::once(fault).on(side).path("batch/create"),
        Side::ConnectWise => FaultRule::once(fault).on(side).method("POST").path("company/companies"),
    }
}
