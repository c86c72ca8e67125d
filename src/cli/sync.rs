//! `lockstep sync`: brings both systems in step, once or until interrupted.

use tokio::sync::watch;

use super::args::Sync;
use super::engine::{Ended, ready, run_once};
use super::listen;
use super::output::{count, print, width};
use super::pause;
use super::runtime;
use super::session::Session;
use super::summary::{Summary, exit_of};
use crate::engine::core::Mode;
use crate::engine::core::command::{Batch, Durability, Row};
use crate::engine::core::state::{Issue, IssueClass, Run, RunKind, Verdict};
use crate::engine::core::view::View;
use crate::engine::driver::receiver::Listening;
use crate::engine::driver::snapshot::Snapshot;
use crate::engine::driver::{self, EngineHandle, Finished};
use crate::error::{Exit, Outcome, Report};
use crate::model::{Callbacks, ConfigVersion};
use crate::store::rows::IssueQuery;
use crate::store::{Reader, Workspace};
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
    if let Some(retried) = retried(&workspace.reader()?)? {
        session.output.note(&retried);
    }
    Ok(exit)
}

/// What failed and is tried again by itself: nobody has to do anything about it.
fn retried(reader: &Reader) -> Outcome<Option<String>> {
    let is_retried = |class: IssueClass| matches!(class, IssueClass::Transient | IssueClass::IdentifierTaken);
    let groups = reader.issue_groups()?;
    let all: u64 = groups.iter().filter(|group| is_retried(group.class)).map(|group| group.count).sum();
    let what = count(all, "write failed and is", "writes failed and are");
    let text =
        format!("{what} tried again by the next runs; nothing is to be done. `lockstep issues` lists what failed.");
    Ok((all > 0).then_some(text))
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
    let receiver = listen::bind(args.listen, args.public_url.as_deref()).await?;
    let mut parts = ready(workspace, Mode::Watch).await?;
    parts.poll = args.interval;
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
    let outcome = follow(session, &mut handle, listening.as_ref()).await;
    drop(listening);
    handle.stop().await;
    outcome
}

/// One line for each run; with `--json`, one object.
async fn follow(session: &Session, handle: &mut EngineHandle, listening: Option<&Listening>) -> Outcome {
    let mut snapshot = handle.snapshot();
    let mut known = Known::of(&snapshot.borrow_and_update());
    let mut callbacks = listening.map(Listening::callbacks);
    let mut said = listen::Said::default();
    let interrupted = runtime::interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            finished = handle.finished() => tell(session, &finished?)?,
            changed = snapshot.changed() => {
                // an engine that is gone says so where its runs are awaited
                if changed.is_err() {
                    tell(session, &handle.finished().await?)?;
                }
                let seen = Known::of(&snapshot.borrow_and_update());
                if seen.version != known.version {
                    session.output.note("Another configuration was deployed; runs go by it from now on.");
                }
                if let Some((version, why)) = seen.unused.as_ref().filter(|unused| Some(*unused) != known.unused.as_ref()) {
                    session.output.note(&format!(
                        "Version {version} is deployed, but the engine goes on with the one before it: {why}"
                    ));
                }
                known = seen;
            }
            callbacks = news(&mut callbacks) => said.tell(session, &callbacks),
            stopped = &mut interrupted => {
                stopped?;
                return Ok(Exit::Done);
            }
        }
    }
}

/// What the engine goes by, as last seen.
#[derive(PartialEq, Eq)]
struct Known {
    version: Option<ConfigVersion>,
    unused: Option<(ConfigVersion, String)>,
}

impl Known {
    fn of(snapshot: &Snapshot) -> Self {
        Self { version: snapshot.config, unused: snapshot.unused.clone() }
    }
}

/// How ConnectWise's call-backs stand, once that changed.
async fn news(callbacks: &mut Option<watch::Receiver<Callbacks>>) -> Callbacks {
    if let Some(callbacks) = callbacks
        && callbacks.changed().await.is_ok()
    {
        return callbacks.borrow_and_update().clone();
    }
    std::future::pending().await
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
