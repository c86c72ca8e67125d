//! `lockstep undo`: takes back what was written, where nobody changed it since.

use super::args::UndoCommand;
use super::output::width;
use super::record::{ask_once, is_mapped, named};
use super::runtime;
use super::session::Session;
use super::sync::approve;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::state::RunKind;
use crate::engine::core::undo::{Undo, UndoReport};
use crate::engine::core::view::View;
use crate::engine::driver::setup;
use crate::error::{Exit, Kind, Outcome, Report};
use crate::model::{IntentId, RunId};
use crate::store::{Reader, Workspace};
use crate::view::{plain_text, undo as view};

/// # Errors
/// When there is nothing of that number, a guard holds it, or the engine refuses.
pub fn run(session: &Session, command: &UndoCommand) -> Outcome {
    let (what, how) = match command {
        UndoCommand::Write(args) => (Undo::Write(IntentId(args.id)), &args.how),
        UndoCommand::Record(args) => (Undo::Record(named(&args.which)?), &args.how),
        UndoCommand::Run(args) => (Undo::Run(RunId(args.id)), &args.how),
    };
    let workspace = session.workspace()?;
    is_there(&workspace, what)?;
    if let Some(hash) = &how.approve {
        approve(&workspace, hash, |kind| matches!(kind, RunKind::Undo { .. }), "the undo itself")?;
    }
    let ask = Ask::Undo { what, dry_run: how.dry_run };
    match runtime::start()?.block_on(ask_once(&workspace, ask))? {
        Reply::Undone(report) => tell(session, what, &report, how.dry_run),
        Reply::Accepted | Reply::Pushed(_) => Ok(Exit::Done),
        Reply::Refused { reason, hint } => Err(Report::refused("nothing was undone").because(reason).hint(hint)),
    }
}

/// Refuses what this workspace does not know.
fn is_there(workspace: &Workspace, what: Undo) -> Outcome<()> {
    let reader: Reader = workspace.reader()?;
    let missing = match what {
        Undo::Write(id) => reader.intent(id)?.is_none().then(|| format!("there is no write {id} in this workspace")),
        Undo::Run(id) => reader.run(id)?.is_none().then(|| format!("there is no run {id} in this workspace")),
        Undo::Record(record) => {
            is_mapped(record, &setup::rules(&workspace.settings()?)?.config)?;
            if reader.observation(record)?.is_none() && reader.status(record)?.is_none() {
                return Err(Report::usage(format!("there is no {record} in this workspace"))
                    .because("it was never read here, and nothing was ever written to it")
                    .hint(
                        "check the id; `lockstep runs` lists the runs, and `lockstep runs N` the records one wrote to",
                    ));
            }
            None
        }
    };
    match missing {
        Some(what) => Err(Report::usage(what)
            .because("numbers of runs and writes are those of one workspace")
            .hint("`lockstep runs` lists the runs, and `lockstep runs N` the writes of one")),
        None => Ok(()),
    }
}

fn tell(session: &Session, what: Undo, report: &UndoReport, dry_run: bool) -> Outcome {
    if let Some((reason, plan)) = report.held.as_ref().filter(|_| !dry_run) {
        let again = words(what);
        return Err(Report::refused("a guard holds this undo; nothing was written")
            .because(reason)
            .hint(format!("look at it with `{again} --dry-run`, then let it through with `{again} --approve {plan}`"))
            .with_plan(plan));
    }
    session.output.result(&view::json(report, dry_run), |_| plain_text(&view::lines(report, dry_run, width())))?;
    Ok(match report {
        UndoReport { stopped: Some(_), .. } => Exit::Failed(Kind::Failed),
        _ if report.needs_person() => Exit::NeedsPerson,
        _ => Exit::Done,
    })
}

/// The command that asks for it.
fn words(what: Undo) -> String {
    match what {
        Undo::Write(id) => format!("lockstep undo write {id}"),
        Undo::Run(id) => format!("lockstep undo run {id}"),
        Undo::Record(record) => {
            format!("lockstep undo record {} --{} {}", record.object.key(), record.system.key(), record.id)
        }
    }
}
