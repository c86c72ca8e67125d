//! Runs that the last engine did not bring to their end: nobody goes on with them, and the next engine says so, with what
//! they are known to have written.

use super::command::Row;
use super::state::{IntentState, Run, RunCounts, RunKind, Verdict};
use super::step::{Engine, Step};
use super::view::ViewResult;

/// Runs looked through for those that were cut off.
const LATEST: usize = 20;

/// Writes counted at once.
const PAGE: usize = 500;

impl Engine {
    /// Ends them, once in the life of an engine: before it begins a run of its own, all that is under way is left over.
    pub(super) fn end_cut_off_runs(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        if !std::mem::take(&mut self.fresh) {
            return Ok(());
        }
        for mut run in step.view.latest_runs(LATEST)? {
            if run.verdict != Verdict::Running {
                continue;
            }
            let noticed = step.now;
            let reason = match run.kind {
                RunKind::Undo { of } => format!(
                    "Lockstep ended before all of run {of} was taken back. What is back stays so; undo run {of} again for the rest."
                ),
                RunKind::Plan => format!("Lockstep ended before the plan was made, which was noticed at {noticed}."),
                RunKind::Poll | RunKind::Push => format!(
                    "Lockstep was killed, or its machine stopped, before it was done. That was noticed at {noticed}; what was \
                     under way is looked up, and all goes on by itself."
                ),
            };
            if matches!(run.kind, RunKind::Poll | RunKind::Push) {
                run.counts = written_by(step, &run)?;
            }
            run.ended = Some(noticed);
            run.verdict = Verdict::Stopped(reason);
            step.row(Row::Run(run));
        }
        Ok(())
    }
}

/// What the journal knows to have taken effect. What is still open counts in the run that finds out.
fn written_by(step: &Step<'_>, run: &Run) -> ViewResult<RunCounts> {
    let mut counts = RunCounts::default();
    let mut after = None;
    loop {
        let page = step.view.writes_of_run(run.id, after, PAGE)?;
        for write in page.iter().filter(|write| write.state == IntentState::Applied) {
            counts.of(write.object).sides[write.system].add(write.kind, &write.writes);
        }
        after = page.last().map(|write| write.id);
        if page.len() < PAGE {
            return Ok(counts);
        }
    }
}
