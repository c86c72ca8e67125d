//! `lockstep` without a command: the console on a workspace, with its engine where nobody else runs one.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::console_rows::Rows;
use super::desk;
use super::output::has_terminal;
use super::runtime;
use super::scenes::Scenes;
use super::session::Session;
use crate::engine::core::Mode;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::driver::snapshot::{Role, Snapshot};
use crate::engine::driver::steps::Steps;
use crate::engine::driver::{self, Clock, DriverError, EngineHandle, setup};
use crate::error::{Exit, Outcome, Report};
use crate::model::Timestamp;
use crate::sim::ControlHandle;
use crate::store::{LeaseError, Workspace};
use crate::tui::{self, BoxFuture, Context};

/// # Errors
/// When there is no terminal, or the workspace cannot be opened.
pub fn run(session: &Session) -> Outcome {
    if !has_terminal() {
        return Err(Report::usage("the console needs a terminal")
            .hint("in a script use the commands: `lockstep --help` lists them"));
    }
    let workspace = session.workspace()?;
    show(session, &runtime::start()?, &workspace, None, None)
}

/// The console on simulated systems, in which things can be made to happen.
///
/// # Errors
/// As [`run`].
pub fn show_demo(session: &Session, runtime: &Runtime, workspace: &Workspace, control: ControlHandle) -> Outcome {
    show(session, runtime, workspace, Some(Arc::new(Scenes::new(control.clone()))), Some(control))
}

fn show(
    session: &Session,
    runtime: &Runtime,
    workspace: &Workspace,
    demo: Option<Arc<dyn tui::Demo>>,
    control: Option<ControlHandle>,
) -> Outcome {
    let engine = runtime.block_on(engine(workspace))?;
    let live = match &engine {
        Behind::Live(handle) => Some((runtime.handle().clone(), handle.clone())),
        Behind::Nobody { .. } => None,
    };
    let context = Context {
        workspace: workspace.name().to_owned(),
        settings: settings(session, live.is_some()),
        engine: Arc::new(engine.clone()),
        source: Arc::new(Rows::open(workspace, runtime.handle().clone())?),
        demo,
        desk: desk::of(workspace, Clock::start(), live, control)?,
    };
    let shown = tui::run(context);
    if let Behind::Live(handle) = &engine {
        runtime.block_on(handle.stop());
    }
    shown.map_err(|error| Report::failed("the console ended").because(error))?;
    Ok(Exit::Done)
}

fn settings(session: &Session, live: bool) -> tui::Settings {
    let look = &session.global.look;
    tui::Settings {
        theme: look.theme.clone(),
        theme_folder: session.home.themes_dir(),
        ascii: look.ascii,
        no_color: look.no_color,
        read_only: look.read_only,
        // whoever is set up comes for the records; whoever is not, for the connections
        front: if live { tui::RECORDS } else { tui::CONNECTIONS },
    }
}

/// What stands behind the console.
#[derive(Clone)]
enum Behind {
    /// This process is the engine.
    Live(EngineHandle),
    /// Nobody here is; the snapshot tells who, or what is missing.
    Nobody { snapshot: watch::Receiver<Arc<Snapshot>>, hint: String, clock: Clock },
}

/// Starts the engine; where it cannot run, the console shows why and what to do.
async fn engine(workspace: &Workspace) -> Outcome<Behind> {
    let clock = Clock::start();
    let parts = match setup::parts(workspace, Mode::Watch, clock, &Steps::default()).await {
        Ok(parts) => parts,
        Err(error) => return Ok(nobody(Report::from(error), clock)),
    };
    match driver::start(workspace, parts) {
        Ok(handle) => Ok(Behind::Live(handle)),
        Err(DriverError::Lease(LeaseError::Held { holder })) => {
            let hint = "End the other engine first, or use its console.".to_owned();
            Ok(behind(Role::Viewer { holder }, hint, clock))
        }
        Err(error) => Err(error.into()),
    }
}

fn nobody(report: Report, clock: Clock) -> Behind {
    let hint = report.hint.clone().unwrap_or_default();
    let reason = report.cause.map_or(report.what.clone(), |cause| format!("{}: {cause}", report.what));
    behind(Role::Stopped { reason, hint: hint.clone() }, hint, clock)
}

fn behind(role: Role, hint: String, clock: Clock) -> Behind {
    // Nothing changes any more: the sender may go.
    let (_, snapshot) = watch::channel(Arc::new(Snapshot { role, ..Snapshot::default() }));
    Behind::Nobody { snapshot, hint, clock }
}

impl tui::Engine for Behind {
    fn ask(&self, ask: Ask) -> BoxFuture<Reply> {
        match self.clone() {
            Self::Live(handle) => Box::pin(async move { handle.ask(ask).await }),
            Self::Nobody { hint, .. } => {
                Box::pin(async move { Reply::Refused { reason: "No engine runs here.".to_owned(), hint } })
            }
        }
    }

    fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        match self {
            Self::Live(handle) => handle.snapshot(),
            Self::Nobody { snapshot, .. } => snapshot.clone(),
        }
    }

    fn now(&self) -> Timestamp {
        match self {
            Self::Live(handle) => handle.now(),
            Self::Nobody { clock, .. } => clock.now(),
        }
    }
}
