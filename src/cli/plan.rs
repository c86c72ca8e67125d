//! `lockstep plan`: reads both systems and shows what would be written, and why. Writes nothing to them.

use serde::Serialize;

use super::engine::run_once;
use super::output::{count, width};
use super::runtime;
use super::session::Session;
use crate::engine::core::Mode;
use crate::engine::core::state::{IssueClass, Verdict};
use crate::error::{Exit, Outcome, Report};
use crate::store::rows::IssueGroup;
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
    /// What waits for a person and crosses by no run: conflicts, and other issues. Those that this plan found are among them.
    conflicts: u64,
    other_issues: u64,
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
    let reader = workspace.reader()?;
    let is_conflict = |group: &IssueGroup| group.class == IssueClass::Conflict;
    let conflicts = reader.issue_groups()?.iter().filter(|group| is_conflict(group)).map(|group| group.count).sum();
    let other_issues = reader.issues_for_people()?.saturating_sub(conflicts);
    let answer = Answer { report: summary.report(), guard, conflicts, other_issues };
    session.output.result(&answer, |answer| {
        let mut text = plain_text(&summary.lines(width()));
        if let Some(Guard { reason, plan }) = &answer.guard {
            text.push_str(&format!("\nA guard would hold it: {reason}\nlockstep sync --once --approve {plan}"));
        }
        text.push_str(&waiting(answer.conflicts, answer.other_issues));
        text
    })?;
    super::pause::remind(session, &reader)?;
    Ok(Exit::Done)
}

/// What no run will settle, and where it is told in full.
fn waiting(conflicts: u64, others: u64) -> String {
    let (of_conflicts, of_others) =
        (count(conflicts, "conflict", "conflicts"), count(others, "other issue", "other issues"));
    let what = match (conflicts, others) {
        (0, 0) => return String::new(),
        (_, 0) => of_conflicts,
        (0, _) => count(others, "issue", "issues"),
        _ => format!("{of_conflicts} and {of_others}"),
    };
    let verb = if conflicts + others == 1 { "waits" } else { "wait" };
    format!("\n{what} {verb} for a person: `lockstep issues` lists what, and what to do.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_a_person_is_told_with_the_command_that_lists_it() {
        let cases = [
            ((0, 0), ""),
            ((1, 0), "\n1 conflict waits for a person"),
            ((3, 0), "\n3 conflicts wait for a person"),
            ((0, 1), "\n1 issue waits for a person"),
            ((2, 1), "\n2 conflicts and 1 other issue wait for a person"),
        ];
        for ((conflicts, others), expected) in cases {
            let text = waiting(conflicts, others);
            assert!(text.starts_with(expected) && text.is_empty() == expected.is_empty(), "{text}");
            assert!(text.is_empty() || text.contains("`lockstep issues`"), "{text}");
        }
    }
}
