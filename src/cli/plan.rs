//! `lockstep plan`: reads both systems and shows what would be written, and why. Writes nothing to them.

use serde::Serialize;

use super::engine::run_once;
use super::output::width;
use super::runtime;
use super::session::Session;
use crate::engine::core::Mode;
use crate::engine::core::state::Verdict;
use crate::error::{Exit, Outcome, Report};
use crate::view::plain_text;
use crate::view::plan_summary::{PlanReport, PlanSummary};

/// Pairs told in full; all are counted.
const ROOM: usize = 1000;

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    report: PlanReport<'a>,
    /// The guard that would hold it, and the hash that lets it through.
    #[serde(skip_serializing_if = "Option::is_none")]
    guard: Option<Guard>,
}

#[derive(Serialize)]
struct Guard {
    reason: String,
    plan: String,
}

/// # Errors
/// When a system cannot be read.
pub fn run(session: &Session) -> Outcome {
    let workspace = session.workspace()?;
    let ended = runtime::start()?.block_on(run_once(&workspace, Mode::Plan))?;
    let mut summary = PlanSummary::new(ROOM);
    ended.finished.plans.iter().for_each(|plan| summary.add(plan));
    let guard = match ended.finished.run.verdict {
        Verdict::Stopped(reason) => {
            return Err(ended.broken.unwrap_or_else(|| Report::failed("the plan is not complete").because(reason)));
        }
        Verdict::Held { reason, plan } => Some(Guard { reason, plan }),
        Verdict::Running | Verdict::Done => None,
    };
    let answer = Answer { report: summary.report(), guard };
    session.output.result(&answer, |answer| {
        let mut text = plain_text(&summary.lines(width()));
        if let Some(Guard { reason, plan }) = &answer.guard {
            text.push_str(&format!("\nA guard would hold it: {reason}\nlockstep sync --once --approve {plan}"));
        }
        text
    })?;
    super::pause::remind(session, &workspace.reader()?)?;
    Ok(Exit::Done)
}
