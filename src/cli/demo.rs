//! `lockstep demo`: both simulated systems and a workspace that lives as long as the demo does.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde_json::json;

use super::args::Demo;
use super::engine::{Ended, run_once};
use super::output::{Output, has_terminal, say, width};
use super::session::Session;
use super::summary::Summary;
use super::{console, runtime};
use crate::engine::core::Mode;
use crate::engine::core::state::{RecordState, Status, Verdict};
use crate::engine::core::view::View;
use crate::engine::driver::Clock;
use crate::engine::driver::ready::{Told, make_ready};
use crate::engine::driver::setup::{ConnectWiseConnection, Connection, HubSpotConnection, keep_renewals};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{Config, defaults, toml};
use crate::model::ObjectKind;
use crate::model::text::printable;
use crate::sim::{self, Behaviour, Data, Options, Running, Simulators};
use crate::store::rows::{Direction, StatusQuery};
use crate::store::{Base, Key, Reader, Workspace};
use crate::view::{plain_text, run as run_view};

const NAME: &str = "demo";

/// Passes after the first until nothing is left to do; more would mean that it never comes to rest.
const MOST_PASSES: u32 = 5;

/// Whether the demo does its job without the console: where it is asked to, or to answer, or has no terminal.
#[must_use]
pub fn is_headless(args: &Demo, json: bool) -> bool {
    args.headless || json || !has_terminal()
}

/// # Errors
/// When the simulators cannot start, or a headless pass does not do its work.
pub fn run(session: &Session, args: &Demo) -> Outcome {
    let runtime = runtime::start()?;
    let headless = is_headless(args, session.output.json);
    let behaviour = if headless { Behaviour::quick() } else { lively() };
    let options = Options { seed: args.seed, data: Data::Story, behaviour, ..Options::default() };
    let simulators = runtime
        .block_on(Simulators::start(options))
        .map_err(|error| Report::failed("the simulators cannot start").because(error))?;
    let folder = Folder::make()?;
    let workspace = runtime.block_on(workspace(&folder, &simulators, &session.author()))?;
    if headless {
        return runtime.block_on(job(session.output, &workspace));
    }
    console::show_demo(session, &runtime, &workspace, simulators.control.clone())
}

/// A workspace that is connected to the simulators, with the default configuration deployed. Its key is kept nowhere.
async fn workspace(folder: &Folder, simulators: &Running, author: &str) -> Outcome<Workspace> {
    let workspace = Workspace::create(&folder.0, NAME, &Key::throw_away()?)?;
    let mut settings = workspace.settings()?;
    let (config, clock) = (config(), Clock::start());
    let mut told = Told::default();
    for connection in connections(simulators) {
        let connector = connection.connector(&config, clock, keep_renewals(&workspace, &connection)?)?;
        connector.check().await?;
        make_ready(&connector, &config, &mut settings, clock, &mut told, &Steps::default()).await?;
        connection.save(&mut settings)?;
    }
    let note = "the default configuration";
    settings.save_draft(&toml::write(&config), author, note, Base::Nothing, clock.now())?;
    settings.deploy_draft(Base::Any, author, None, clock.now())?;
    Ok(workspace)
}

/// Real limits, but nobody who watches a demo waits long for the search index.
fn lively() -> Behaviour {
    let mut lively = Behaviour::default();
    lively.hubspot.create_lag_ms = 1_000;
    lively.hubspot.update_lag_ms = 1_500;
    lively
}

/// The activity types of the simulated tenant, and the status of what is over when it is told.
const ACTIVITIES: [(ObjectKind, u64, Option<u64>); 4] = [
    (ObjectKind::Note, 4, Some(2)),
    (ObjectKind::Task, 1, None),
    (ObjectKind::Call, 2, Some(2)),
    (ObjectKind::Meeting, 3, None),
];

/// The default configuration, with what a consultant would add for this tenant, and looking often.
fn config() -> Config {
    let mut config = defaults::config();
    config.objects.push(defaults::deal(sim::DEAL_KEY_FIELD.into()));
    config.objects.push(defaults::ticket(sim::TICKET_KEY_FIELD.into(), &sim::HELP_DESK.to_string()));
    config.objects.extend([defaults::product(), defaults::line_item()]);
    config.objects.extend(ACTIVITIES.map(|(object, kind, status)| {
        let setup = defaults::ActivitySetup {
            types: vec![kind],
            status,
            beside: vec![ObjectKind::Contact, ObjectKind::Deal, ObjectKind::Ticket],
            ..defaults::ActivitySetup::new(sim::ACTIVITY_KEY_FIELD.into())
        };
        defaults::activity(object, &setup)
    }));
    config.timing.poll = 3;
    config.timing.settled = 20;
    config.timing.index_lag = 10;
    if let Some(companies) = config.object_mut(ObjectKind::Company) {
        companies.exclude.connectwise = vec![sim::OWN_COMPANY, sim::CATCHALL_COMPANY];
    }
    config
}

fn connections(simulators: &Running) -> [Connection; 2] {
    let credentials = &simulators.credentials;
    let secret = |text: &str| SecretString::from(text.to_owned());
    let hubspot = HubSpotConnection { base_url: Some(simulators.hubspot_url.clone()), ..HubSpotConnection::default() };
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

/// The job without a screen: a first pass that does the work, and passes until one finds nothing left to write.
async fn job(output: Output, workspace: &Workspace) -> Outcome {
    let mut passes = vec![pass(workspace).await?];
    loop {
        let again = pass(workspace).await?;
        let quiet = again.writes() == 0;
        passes.push(again);
        if quiet {
            break;
        }
        if passes.len() > MOST_PASSES as usize {
            return Err(Report::failed("the demo does not come to rest").because(format!(
                "pass {} still wrote {} records",
                passes.len(),
                passes[passes.len() - 1].writes()
            )));
        }
    }
    let reader = workspace.reader()?;
    let objects: Vec<Outcomes> =
        config().objects.iter().map(|mapping| Outcomes::read(&reader, mapping.object)).collect::<Outcome<_>>()?;
    let records = objects
        .iter()
        .map(|of| (of.object.key().to_owned(), json!(of.states.iter().copied().collect::<BTreeMap<_, _>>())));
    let told =
        |row: &Status| json!({ "object": row.object, "name": row.name, "state": row.state.word(), "why": row.why });
    let answer = json!({
        "passes": passes.iter().map(|pass| &pass.summary).collect::<Vec<_>>(),
        "records": records.collect::<serde_json::Map<_, _>>(),
        "held": objects.iter().flat_map(|of| &of.held).map(told).collect::<Vec<_>>(),
    });
    output.result(&answer, |_| text(&passes, &objects))?;
    Ok(Exit::Done)
}

/// What became of the records of one object.
struct Outcomes {
    object: ObjectKind,
    states: Vec<(&'static str, u64)>,
    /// Those that wait for a person.
    held: Vec<Status>,
}

impl Outcomes {
    fn read(reader: &Reader, object: ObjectKind) -> Outcome<Self> {
        let counts = reader.state_counts(object)?;
        let states = RecordState::ALL.iter().filter_map(|state| Some((state.word(), *counts.get(state)?))).collect();
        let mut held = Vec::new();
        for state in [RecordState::Conflict, RecordState::Held, RecordState::Failing] {
            let query = StatusQuery { state: Some(state), ..StatusQuery::all(object) };
            held.extend(reader.status_page(&query, None, Direction::Forward, 100)?);
        }
        Ok(Self { object, states, held })
    }

    fn plural(&self) -> String {
        self.object.plural().to_lowercase()
    }

    fn all(&self) -> u64 {
        self.states.iter().map(|(_, n)| n).sum()
    }

    /// `Contacts: 3 conflict, 40 in sync.`
    fn line(&self) -> String {
        let states = self.states.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}"));
        format!("{}: {}.", self.object.plural(), states.collect::<Vec<_>>().join(", "))
    }
}

fn text(passes: &[Pass], objects: &[Outcomes]) -> String {
    let what: Vec<String> = objects.iter().map(|of| format!("{} {}", of.all(), of.plural())).collect();
    let (last, others) = what.split_last().map_or(("nothing", &[][..]), |(last, others)| (last.as_str(), others));
    let mut lines = vec![format!("Two simulated systems: {} and {last}.", others.join(", "))];
    for (at, pass) in passes.iter().enumerate() {
        lines.push(format!("\nPass {}\n{}", at + 1, pass.text.trim_end()));
    }
    for of in objects.iter().filter(|of| !of.held.is_empty()) {
        lines.push(format!("\nWhich {} wait for a person", of.plural()));
        let row =
            |row: &Status| format!("  {:<9} {:<28.28} {}", row.state.word(), printable(&row.name), printable(&row.why));
        lines.extend(of.held.iter().map(row));
    }
    lines.push("\nThe last pass wrote nothing. Now there are".to_owned());
    lines.extend(objects.iter().map(Outcomes::line));
    lines.join("\n")
}

struct Pass {
    summary: Summary,
    stamped: u64,
    text: String,
}

impl Pass {
    /// Every write of any kind, that of a mere key included.
    const fn writes(&self) -> u64 {
        self.summary.writes() + self.stamped
    }
}

async fn pass(workspace: &Workspace) -> Outcome<Pass> {
    let Ended { finished, broken, .. } = run_once(workspace, Mode::Once).await?;
    let run = finished.run;
    match (&run.verdict, broken) {
        (Verdict::Done, _) => {}
        (Verdict::Held { reason, plan }, _) => return Err(super::summary::held(&run, reason, plan)),
        (_, Some(broken)) => return Err(broken),
        (verdict, None) => {
            return Err(Report::failed("a pass of the demo did not come to its end").because(format!("{verdict:?}")));
        }
    }
    let sides = run.counts.total().sides;
    let stamped = sides.hubspot.stamped + sides.connectwise.stamped;
    Ok(Pass { summary: Summary::from(&run), stamped, text: plain_text(&run_view::lines(&run, width())) })
}

/// A private folder that goes with the demo.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("lockstep-demo-{}", std::process::id()));
        if folder.exists() {
            // Left by a process of the same number that was killed.
            std::fs::remove_dir_all(&folder)
                .map_err(|error| Report::failed(format!("{} is in the way", folder.display())).because(error))?;
        }
        super::home::make_private_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            say(&format!("note: {} could not be removed: {error}", self.0.display()));
        }
    }
}
