//! `lockstep` without a command: the console on a workspace, with its engine where nobody else runs one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::args::Hear;
use super::console_rows::Rows;
use super::desk;
use super::listen;
use super::output::has_terminal;
use super::runtime;
use super::scenes::Scenes;
use super::session::Session;
use crate::engine::core::Mode;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::view::View;
use crate::engine::driver::glance::Glance;
use crate::engine::driver::receiver::{Listening, Receiver};
use crate::engine::driver::snapshot::{Role, Snapshot};
use crate::engine::driver::steps::Steps;
use crate::engine::driver::{self, Clock, DriverError, EngineHandle, setup};
use crate::error::{Exit, Outcome, Report};
use crate::model::{Record, System, Timestamp};
use crate::sim::ControlHandle;
use crate::store::{LeaseError, Workspace};
use crate::tui::{self, BoxFuture, Context};
use crate::view::format;

/// # Errors
/// When there is no terminal, the workspace cannot be opened, or the port cannot be had.
pub fn run(session: &Session, hear: &Hear) -> Outcome {
    if !has_terminal() {
        return Err(Report::usage("the console needs a terminal")
            .hint("in a script use the commands: `lockstep --help` lists them"));
    }
    let workspace = session.workspace()?;
    let runtime = runtime::start()?;
    let receiver = runtime.block_on(listen::bind(hear.listen, hear.public_url.as_deref()))?;
    show(session, &runtime, &workspace, receiver, None)
}

/// The console on simulated systems, in which things can be made to happen.
///
/// # Errors
/// As [`run`].
pub fn show_demo(session: &Session, runtime: &Runtime, workspace: &Workspace, control: ControlHandle) -> Outcome {
    show(session, runtime, workspace, None, Some(control))
}

fn show(
    session: &Session,
    runtime: &Runtime,
    workspace: &Workspace,
    receiver: Option<Receiver>,
    control: Option<ControlHandle>,
) -> Outcome {
    let listens = receiver.as_ref().map(|receiver| receiver.address().to_string());
    let demo = control.clone().map(|control| Arc::new(Scenes::new(control)) as Arc<dyn tui::Demo>);
    let (behind, starting) = Behind::start(runtime, workspace, receiver);
    let context = Context {
        workspace: workspace.name().to_owned(),
        settings: tui::Settings { listens, ..settings(session, is_set_up(workspace)?) },
        engine: Arc::new(behind.clone()),
        source: Arc::new(Rows::open(workspace, runtime.handle().clone())?),
        demo,
        desk: desk::of(workspace, Clock::start(), runtime.handle().clone(), &session.author(), control)?,
    };
    let shown = tui::run(context);
    starting.abort();
    let state = behind.state.borrow().clone();
    if let State::Live(handle, listening) = state {
        drop(listening);
        runtime.block_on(handle.stop());
    }
    shown.map_err(|error| Report::failed("the console ended").because(error))?;
    Ok(Exit::Done)
}

/// Whether an engine has all that it needs to start.
fn is_set_up(workspace: &Workspace) -> Outcome<bool> {
    let settings = workspace.settings()?;
    let connected = |system| Ok::<_, Report>(settings.connection(system)?.is_some());
    Ok(settings.deployed()?.is_some() && connected(System::HubSpot)? && connected(System::ConnectWise)?)
}

fn settings(session: &Session, set_up: bool) -> tui::Settings {
    let look = &session.global.look;
    tui::Settings {
        theme: look.theme.clone(),
        theme_folder: session.home.themes_dir(),
        ascii: look.ascii,
        no_color: look.no_color,
        read_only: look.read_only,
        listens: None,
        person: session.author(),
        // whoever is set up comes for the records; whoever is not, for the connections
        front: if set_up { tui::RECORDS } else { tui::CONNECTIONS },
    }
}

/// How often a start tells what it is at.
const APART: Duration = Duration::from_millis(200);

/// How often a console without an engine looks what others changed.
const LOOK_ON: Duration = Duration::from_secs(1);

/// What stands behind the console: drawn at once, while the engine starts beside it.
#[derive(Clone)]
pub struct Behind {
    snapshot: watch::Receiver<Arc<Snapshot>>,
    state: watch::Receiver<State>,
    clock: Clock,
}

#[derive(Clone)]
enum State {
    Starting,
    /// This process is the engine.
    Live(EngineHandle, Option<Arc<Listening>>),
    /// Nobody here is; the snapshot tells who, or what is missing.
    Nobody {
        hint: String,
    },
}

impl Behind {
    /// Starts the engine beside the console; where it cannot run, the console shows why and what to do.
    fn start(runtime: &Runtime, workspace: &Workspace, receiver: Option<Receiver>) -> (Self, JoinHandle<()>) {
        let clock = Clock::start();
        let role = Role::Starting { what: String::new() };
        let (publish, snapshot) = watch::channel(Arc::new(Snapshot { role, ..Snapshot::default() }));
        let (settle, state) = watch::channel(State::Starting);
        let workspace = workspace.clone();
        let starting = runtime.spawn(async move {
            let steps = Steps::default();
            let engine = tokio::select! {
                engine = engine(&workspace, clock, &steps, receiver) => engine,
                never = tell(&steps, &publish) => match never {},
            };
            let mut newest = match engine {
                Ok((handle, listening)) => {
                    let newest = handle.snapshot();
                    settle.send_replace(State::Live(handle, listening));
                    newest
                }
                Err((role, hint)) => {
                    settle.send_replace(State::Nobody { hint });
                    publish.send_replace(Arc::new(Snapshot { role, ..Snapshot::default() }));
                    return look_on(&workspace, &publish).await;
                }
            };
            loop {
                let snapshot = Arc::clone(&newest.borrow_and_update());
                publish.send_replace(snapshot);
                if newest.changed().await.is_err() {
                    return;
                }
            }
        });
        (Self { snapshot, state, clock }, starting)
    }

    /// The engine, once it is known whether one runs here.
    pub async fn handle(&self) -> Option<EngineHandle> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Starting)).await;
        match settled.as_deref() {
            Ok(State::Live(handle, _)) => Some(handle.clone()),
            Ok(State::Starting | State::Nobody { .. }) | Err(_) => None,
        }
    }
}

/// Without an engine here: shows what other processes do to the workspace, and nothing while they do nothing.
async fn look_on(workspace: &Workspace, publish: &watch::Sender<Arc<Snapshot>>) {
    let reader = match workspace.reader() {
        Ok(reader) => reader,
        Err(error) => return tracing::warn!(%error, "the console does not see what other processes change"),
    };
    let mut look = tokio::time::interval(LOOK_ON);
    loop {
        look.tick().await;
        // an unreadable moment is over with the next look
        let (Ok(revision), Ok(pauses)) = (reader.revision(), reader.pauses()) else { continue };
        publish.send_if_modified(|current| {
            let changed = current.revision != revision || current.pauses != pauses;
            if changed {
                *current = Arc::new(Snapshot { revision, pauses, ..Snapshot::clone(current) });
            }
            changed
        });
    }
}

/// Shows what the start is at, for as long as it takes.
async fn tell(steps: &Steps, publish: &watch::Sender<Arc<Snapshot>>) -> Infallible {
    loop {
        tokio::time::sleep(APART).await;
        let what = steps.line().unwrap_or_default();
        publish.send_replace(Arc::new(Snapshot { role: Role::Starting { what }, ..Snapshot::default() }));
    }
}

/// The engine, or what the console says in its place, with what to do.
async fn engine(
    workspace: &Workspace,
    clock: Clock,
    steps: &Steps,
    receiver: Option<Receiver>,
) -> Result<(EngineHandle, Option<Arc<Listening>>), (Role, String)> {
    let parts = setup::parts(workspace, Mode::Watch, clock, steps).await.map_err(|error| nobody(error.into()))?;
    let (connectors, config) = (parts.connectors.clone(), parts.rules.config.clone());
    let handle = driver::start(workspace, parts).map_err(|error| match error {
        DriverError::Lease(LeaseError::Held { holder }) => {
            (Role::Viewer { holder }, "End the other engine first, or use its console.".to_owned())
        }
        error => nobody(error.into()),
    })?;
    let Some(receiver) = receiver else { return Ok((handle, None)) };
    match receiver.serve(workspace, connectors, handle.clone(), &config, clock) {
        Ok(listening) => Ok((handle, Some(Arc::new(listening)))),
        Err(error) => {
            handle.stop().await;
            Err(nobody(error.into()))
        }
    }
}

/// A command tells what happened and the next step on lines of their own; the console, in sentences.
fn nobody(report: Report) -> (Role, String) {
    let hint = report.hint.as_deref().map_or_else(String::new, format::sentence);
    let reason = report.cause.map_or(report.what.clone(), |cause| format!("{}: {cause}", report.what));
    (Role::Stopped { reason: format::sentence(&reason), hint: hint.clone() }, hint)
}

impl tui::Engine for Behind {
    fn ask(&self, ask: Ask) -> BoxFuture<Reply> {
        let behind = self.clone();
        Box::pin(async move {
            if let Some(handle) = behind.handle().await {
                return handle.ask(ask).await;
            }
            let hint = match &*behind.state.borrow() {
                State::Nobody { hint } => hint.clone(),
                State::Starting | State::Live(..) => String::new(),
            };
            Reply::Refused { reason: "No engine runs here.".to_owned(), hint }
        })
    }

    fn glance(&self, glance: Glance) -> BoxFuture<Result<Vec<Record>, String>> {
        let behind = self.clone();
        Box::pin(async move {
            match behind.handle().await {
                Some(handle) => handle.glance(glance).await,
                None => {
                    Err("No engine runs in this console: it can't look at fields that are not read yet.".to_owned())
                }
            }
        })
    }

    fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

    use super::*;
    use crate::store::{Base, Key};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_console_without_an_engine_follows_what_others_change_and_is_told_of_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(dir.path(), "acme", &Key::throw_away().unwrap()).unwrap();
        workspace.settings().unwrap().save_draft("a = 0", "dana", "", Base::Any, Timestamp(1)).unwrap();
        let role = Role::Viewer { holder: "process 7".to_owned() };
        let (publish, mut seen) = watch::channel(Arc::new(Snapshot { role: role.clone(), ..Snapshot::default() }));
        let watched = workspace.clone();
        let looking = tokio::spawn(async move { look_on(&watched, &publish).await });
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, seen.changed()).await.unwrap().unwrap();
        let before = seen.borrow_and_update().revision;
        assert!(tokio::time::timeout(3 * LOOK_ON, seen.changed()).await.is_err(), "nothing had changed");
        workspace.settings().unwrap().save_draft("a = 1", "dana", "", Base::Any, Timestamp(1)).unwrap();
        tokio::time::timeout(patience, seen.changed()).await.unwrap().unwrap();
        let now = seen.borrow_and_update().clone();
        assert!(now.revision > before && now.role == role, "{now:?}");
        looking.abort();
    }
}
