//! `lockstep issues`: what keeps records from being in sync, by cause. Looks into the workspace alone; asks no system.

use super::output::{exit_for, width};
use super::session::Session;
use crate::engine::core::view::View;
use crate::error::Outcome;
use crate::store::rows::IssueQuery;
use crate::view::issues::IssueReport;
use crate::view::plain_text;

/// Issues told with their records; all are counted.
const ROOM: usize = 1000;

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
    let report = IssueReport::new(&issues, reader.issue_count()?, need_person);
    session.output.result(&report, |report| plain_text(&report.lines(width())))?;
    Ok(exit_for(need_person))
}
