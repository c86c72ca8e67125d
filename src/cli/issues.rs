//! `lockstep issues`: what keeps records from being in sync, by cause. Looks into the workspace alone; asks no system.

use super::output::{exit_for, width};
use super::session::Session;
use crate::engine::core::state::{Run, RunKind, Verdict};
use crate::engine::core::view::View;
use crate::error::Outcome;
use crate::store::Reader;
use crate::store::rows::IssueQuery;
use crate::view::issues::{HeldRun, IssueReport};
use crate::view::plain_text;

/// Issues told with their records; all are counted.
const ROOM: usize = 1000;

/// Newest runs among which the one is looked for that a guard holds.
const LOOKED_THROUGH: usize = 100;

/// # Errors
/// When the workspace cannot be read.
pub fn run(session: &Session) -> Outcome {
    let reader = session.workspace()?.reader()?;
    let mut issues = Vec::new();
    for issue in reader.issues_page(&IssueQuery::default(), None, ROOM)? {
        let status = reader.status(issue.record)?;
        issues.push((issue, status));
    }
    let need_person = reader.issues_for_people()?;
    let held = held_run(&reader)?;
    // a run that is held waits for a person as much as any record
    let open = need_person + u64::from(held.is_some());
    let report = IssueReport::new(&issues, reader.issue_count()?, need_person, held);
    session.output.result(&report, |report| plain_text(&report.lines(width())))?;
    Ok(exit_for(open))
}

/// The run that a guard holds now: the last one that was to write, unless its plan was let through since.
fn held_run(reader: &Reader) -> Outcome<Option<HeldRun>> {
    let Some(run) = reader.held_runs(LOOKED_THROUGH)?.into_iter().find(|run| run.kind == RunKind::Poll) else {
        return Ok(None);
    };
    let is_over = |later: &Run| {
        later.id > run.id
            && later.kind == RunKind::Poll
            && matches!(later.verdict, Verdict::Done | Verdict::Held { .. })
    };
    if reader.runs_page(None, LOOKED_THROUGH)?.iter().any(is_over) {
        return Ok(None);
    }
    let Some(held) = HeldRun::of(&run) else { return Ok(None) };
    Ok(if reader.is_approved(&held.plan)? { None } else { Some(held) })
}
