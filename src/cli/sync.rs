//! `lockstep sync`: brings both systems in step, once or until interrupted.

use std::time::Duration;

use super::args::Sync;
use super::engine::{Ended, ready, run_once};
use super::listen;
use super::output::{print, width};
use super::pause;
use super::runtime;
use super::session::Session;
use super::summary::{Summary, exit_of};
use crate::engine::core::Mode;
use crate::engine::core::command::{Batch, Durability, Row};
use crate::engine::core::state::{Issue, IssueClass, Run, RunKind, Verdict};
use crate::engine::core::view::View;
use crate::engine::driver::receiver::Listening;
use crate::engine::driver::{self, EngineHandle, Finished, setup};
use crate::error::{Exit, Outcome, Report};
use crate::model::ConfigVersion;
use crate::store::rows::IssueQuery;
use crate::store::{Reader, Settings, Workspace};
use crate::view::{plain_text, run as run_view};

/// Held runs looked through for the plan that a person approves.
const HELD_RUNS: usize = 100;

/// Records that are named where a run leaves them waiting.
const NAMED: usize = 5;

/// # Errors
/// As the run ended.
pub fn run(session: &Session, args: &Sync) -> Outcome {
    let workspace = session.workspace()?;
    if args.how.watch {
        return runtime::start()?.block_on(watch(session, &workspace, args));
    }
    if let Some(hash) = &args.approve {
        approve(&workspace, hash, |kind| !matches!(kind, RunKind::Undo { .. }), "`lockstep sync --once`")?;
    }
    let ended = runtime::start()?.block_on(run_once(&workspace, Mode::Once))?;
    conclude(session, &workspace, ended)
}

fn conclude(session: &Session, workspace: &Workspace, ended: Ended) -> Outcome {
    let run = &ended.finished.run;
    let open = workspace.reader()?.issues_for_people()?;
    let exit = match (&run.verdict, ended.broken) {
        (Verdict::Stopped(_), Some(broken)) => Err(broken),
        _ => exit_of(run, open),
    }?;
    session.output.result(&Summary::from(run), |_| plain_text(&run_view::lines(run, width())))?;
    for right in &ended.missing_rights {
        session.output.note(right);
    }
    pause::remind(session, &workspace.reader()?)?;
    for waiting in unreadable(&workspace.reader()?)? {
        session.output.note(&waiting);
    }
    // an object that cannot be read may have no record to say so
    let exit = if ended.missing_rights.is_empty() { exit } else { Exit::NeedsPerson };
    if exit == Exit::NeedsPerson {
        session
            .output
            .note("Some records need a person: `lockstep issues` lists them, and so does the console, tab Activity.");
    }
    Ok(exit)
}

/// Records that wait because they cannot be read, the first ones by name.
fn unreadable(reader: &Reader) -> Outcome<Vec<String>> {
    let query = IssueQuery { class: Some(IssueClass::Unreadable), ..IssueQuery::default() };
    let issues = reader.issues_page(&query, None, NAMED + 1)?;
    let mut lines = Vec::new();
    for Issue { record, message, .. } in issues.iter().take(NAMED) {
        let name = reader.status(*record)?.map_or_else(String::new, |status| format!(" \"{}\"", status.name));
        lines.push(format!("{record}{name} waits: {message}"));
    }
    if issues.len() > NAMED {
        lines.push("More records wait for the same reason: `lockstep issues` lists them.".to_owned());
    }
    Ok(lines)
}

/// Lets exactly the plan through that a guard held, at the next run.
///
/// # Errors
/// No run of that kind is held with that plan.
pub fn approve(workspace: &Workspace, hash: &str, is_kind: impl Fn(RunKind) -> bool, who: &str) -> Outcome<()> {
    let held = workspace.reader()?.held_runs(HELD_RUNS)?;
    let is_it = |run: &Run| is_kind(run.kind) && matches!(&run.verdict, Verdict::Held { plan, .. } if plan == hash);
    if !held.iter().any(is_it) {
        return Err(Report::usage(format!("no run is held with the plan `{hash}`"))
            .hint(format!("{who} names the plan that it holds")));
    }
    let rows = vec![Row::Approval { plan: hash.to_owned(), used_by: None }];
    workspace.writer()?.commit_blocking(Batch { durability: Durability::Power, rows })?;
    Ok(())
}

async fn watch(session: &Session, workspace: &Workspace, args: &Sync) -> Outcome {
    let receiver = listen::bind(args).await?;
    let mut parts = ready(workspace, Mode::Watch).await?;
    if let Some(seconds) = args.interval {
        parts.rules.config.timing.poll = seconds;
    }
    let (connectors, config, clock) = (parts.connectors.clone(), parts.rules.config.clone(), parts.clock);
    let mut handle = driver::start(workspace, parts)?;
    session.output.note("The engine runs. Ctrl-C stops it; writes on their way are awaited.");
    pause::remind(session, &workspace.reader()?)?;
    let listening = match receiver {
        Some(receiver) => {
            listen::tell(session, workspace, &receiver)?;
            Some(receiver.serve(workspace, connectors, handle.clone(), &config, clock)?)
        }
        None => None,
    };
    let deployed = Deployed::look(workspace, args.interval)?;
    let outcome = follow(session, &mut handle, deployed, listening.as_ref()).await;
    drop(listening);
    handle.stop().await;
    outcome
}

/// How often a watch looks whether another configuration was deployed beside it.
const LOOK_FOR_DEPLOY: Duration = Duration::from_secs(1);

/// The configuration that the engine works by.
struct Deployed {
    settings: Settings,
    version: Option<ConfigVersion>,
    interval: Option<u64>,
}

impl Deployed {
    fn look(workspace: &Workspace, interval: Option<u64>) -> Outcome<Self> {
        let settings = workspace.settings()?;
        let version = settings.deployed()?.map(|row| row.info.version);
        Ok(Self { settings, version, interval })
    }

    /// Hands the engine what was deployed since the last look; its next run works by that.
    async fn follow(&mut self, session: &Session, handle: &EngineHandle, listening: Option<&Listening>) -> Outcome<()> {
        let version = self.settings.deployed()?.map(|row| row.info.version);
        if version == self.version {
            return Ok(());
        }
        let mut rules = setup::rules(&self.settings)?;
        if let Some(seconds) = self.interval {
            rules.config.timing.poll = seconds;
        }
        if let Some(listening) = listening {
            listening.follow(&rules.config);
        }
        handle.change_rules(rules).await?;
        self.version = version;
        session.output.note("Another configuration was deployed; it is used from the next run on.");
        Ok(())
    }
}

/// One line for each run; with `--json`, one object.
async fn follow(
    session: &Session,
    handle: &mut EngineHandle,
    mut deployed: Deployed,
    listening: Option<&Listening>,
) -> Outcome {
    let mut look = tokio::time::interval(LOOK_FOR_DEPLOY);
    let interrupted = runtime::interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            finished = handle.finished() => tell(session, &finished?)?,
            _ = look.tick() => deployed.follow(session, handle, listening).await?,
            stopped = &mut interrupted => {
                stopped?;
                return Ok(Exit::Done);
            }
        }
    }
}

fn tell(session: &Session, finished: &Finished) -> Outcome<()> {
    let run = &finished.run;
    match &run.verdict {
        Verdict::Held { plan, .. } => session.output.note(&format!(
            "run {} is held. Look at it with `lockstep plan`, then let it through with `lockstep sync --once --approve {plan}`.",
            run.id
        )),
        Verdict::Stopped(reason) => session.output.note(&format!("run {} stopped early: {reason}", run.id)),
        Verdict::Done | Verdict::Running => {}
    }
    if session.output.json {
        return session.output.result(&Summary::from(run), |_| String::new());
    }
    print(&Summary::from(run).line())
}
