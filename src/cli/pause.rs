//! `lockstep pause` and `lockstep resume`: rows in the workspace, whether or not an engine runs. A running one sees them
//! at its next step.

use serde_json::{Value as Json, json};

use super::args::{PauseArgs, Resume};
use super::session::Session;
use crate::engine::core::command::{Batch, Durability, Row};
use crate::engine::core::view::View;
use crate::engine::driver::Clock;
use crate::error::{Exit, Outcome, Report};
use crate::model::{Pause, PauseScope, Pauses, Timestamp};
use crate::store::{Reader, Workspace};

/// # Errors
/// When the workspace cannot be read or written.
pub fn pause(session: &Session, args: &PauseArgs) -> Outcome {
    let workspace = session.workspace()?;
    if !args.list {
        let pause = Pause { scope: args.what.scope(), by: session.author(), since: now(), note: args.note.clone() };
        put(&workspace, Row::Pause(pause))?;
    }
    let pauses = workspace.reader()?.pauses()?;
    session.output.result(&json(&pauses, &[]), |_| listed(&pauses))?;
    Ok(Exit::Done)
}

/// # Errors
/// When the workspace cannot be read or written, and when what was named stays paused by a wider pause.
pub fn resume(session: &Session, args: &Resume) -> Outcome {
    let (workspace, scope) = (session.workspace()?, args.what.scope());
    let before = workspace.reader()?.pauses()?;
    let lifted: Vec<Pause> = before.within(scope).cloned().collect();
    if !lifted.is_empty() {
        put(&workspace, Row::ClearPauses(scope))?;
    }
    let pauses = workspace.reader()?.pauses()?;
    if let Some(wider) = pauses.covers(scope) {
        return Err(Report::refused(format!("{} stays paused", lower(scope)))
            .because(wider.sentence())
            .hint(format!("`{}` lifts that", wider.way_out())));
    }
    session.output.result(&json(&pauses, &lifted), |_| {
        let told = lifted.iter().map(|pause| format!("{} goes on; it was {}.", pause.scope, pause.reason()));
        told.chain([listed(&pauses)]).collect::<Vec<_>>().join("\n")
    })?;
    if !lifted.is_empty() {
        session.output.note("What was kept crosses with the next run; guards hold what is too much.");
    }
    Ok(Exit::Done)
}

/// Says what is paused, for commands whose result depends on it.
///
/// # Errors
/// When the workspace cannot be read.
pub fn remind(session: &Session, reader: &Reader) -> Outcome<()> {
    for pause in reader.pauses()?.iter() {
        session.output.note(&format!("{}. `{}` lets it go on; nothing is lost.", pause.sentence(), pause.way_out()));
    }
    Ok(())
}

fn put(workspace: &Workspace, row: Row) -> Outcome<()> {
    workspace.writer()?.commit_blocking(Batch { durability: Durability::Power, rows: vec![row] })?;
    Ok(())
}

fn now() -> Timestamp {
    Clock::start().now()
}

fn lower(scope: PauseScope) -> String {
    let text = scope.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), letters.as_str()))
}

fn listed(pauses: &Pauses) -> String {
    if pauses.is_empty() {
        return "Nothing is paused.".to_owned();
    }
    let lines = pauses.iter().map(|pause| format!("{}.\n  {}", pause.sentence(), pause.way_out()));
    lines.collect::<Vec<_>>().join("\n")
}

fn json(pauses: &Pauses, resumed: &[Pause]) -> Json {
    let one = |pause: &Pause| {
        json!({
            "object": pause.scope.object.map(crate::model::ObjectKind::key),
            "to": pause.scope.to,
            "by": pause.by,
            "since": pause.since.to_rfc3339(),
            "note": pause.note,
        })
    };
    json!({
        "paused": pauses.iter().map(one).collect::<Vec<_>>(),
        "resumed": resumed.iter().map(one).collect::<Vec<_>>(),
    })
}
