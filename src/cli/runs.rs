//! `lockstep runs`: what ran, newest first, and what one run wrote.

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::args::Runs;
use super::output::{count, width};
use super::session::Session;
use super::summary::Summary;
use crate::engine::core::state::{Intent, Run, RunKind, Verdict};
use crate::engine::driver::Clock;
use crate::error::{Exit, Outcome, Report};
use crate::model::{RunId, Timestamp};
use crate::view::cell::Line;
use crate::view::table::Table;
use crate::view::{activity, plain_text, run as run_view};

/// One run for scripts.
#[derive(Serialize)]
struct RunJson {
    #[serde(flatten)]
    summary: Summary,
    kind: &'static str,
    /// That it wrote nothing, being a plan: the numbers tell what it would have written.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
    /// The run that it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_of: Option<RunId>,
    started: String,
    ended: Option<String>,
    config: u32,
    verdict: &'static str,
    /// Why it stopped, or is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What lets it through, where a guard holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

impl From<&Run> for RunJson {
    fn from(run: &Run) -> Self {
        let (reason, plan) = match &run.verdict {
            Verdict::Stopped(reason) => (Some(reason.clone()), None),
            Verdict::Held { reason, plan } => (Some(reason.clone()), Some(plan.clone())),
            Verdict::Running | Verdict::Done => (None, None),
        };
        Self {
            summary: Summary::from(run),
            kind: run_view::kind_word(run.kind),
            note: run_view::note(run.kind),
            undo_of: match run.kind {
                RunKind::Undo { of } => Some(of),
                RunKind::Poll | RunKind::Push | RunKind::Plan => None,
            },
            started: run.started.to_rfc3339(),
            ended: run.ended.map(Timestamp::to_rfc3339),
            config: run.config.0,
            verdict: run_view::verdict_word(&run.verdict),
            reason,
            plan,
        }
    }
}

/// # Errors
/// When the workspace cannot be read, or knows no such run.
pub fn run(session: &Session, args: &Runs) -> Outcome {
    let reader = session.workspace()?.reader()?;
    let most = args.limit as usize;
    let Some(id) = args.run.map(RunId) else {
        let runs = reader.runs_page(None, most)?;
        let now = Clock::start().now();
        let told: Vec<RunJson> = runs.iter().map(RunJson::from).collect();
        session.output.result(&json!({ "runs": told }), |_| list(&runs, now))?;
        return Ok(Exit::Done);
    };
    let Some(run) = reader.run(id)? else {
        return Err(Report::usage(format!("there is no run {id} in this workspace"))
            .hint("`lockstep runs` lists the latest ones"));
    };
    // one more than is shown tells whether there are more
    let mut writes = reader.intents_of_run(id, None, most + 1)?;
    let more = writes.len() > most;
    writes.truncate(most);
    let told: Vec<Json> = writes.iter().map(write_json).collect();
    let answer = json!({ "run": RunJson::from(&run), "writes": told, "more": more });
    session.output.result(&answer, |_| one(&run, &writes, more))?;
    Ok(Exit::Done)
}

fn list(runs: &[Run], now: Timestamp) -> String {
    if runs.is_empty() {
        return "Nothing ran yet: `lockstep sync --once` runs.".to_owned();
    }
    let table = Table::new(&run_view::COLUMNS, width());
    let rows = runs.iter().map(|run| table.row(&run_view::row(run, now)));
    plain_text(&std::iter::once(table.header()).chain(rows).collect::<Vec<_>>())
}

fn one(run: &Run, writes: &[Intent], more: bool) -> String {
    let mut lines: Vec<Line> = run_view::lines(run, width());
    lines.push(Line::new());
    for write in writes {
        lines.extend(activity::write_lines(write, width()));
    }
    let mut text = plain_text(&lines);
    if writes.is_empty() {
        text.push_str("It wrote nothing.");
    } else if more {
        let shown = count(writes.len() as u64, "write", "writes");
        text.push_str(&format!("\nThe first {shown} of more; `--limit` shows them."));
    }
    text
}

fn write_json(write: &Intent) -> Json {
    let fields = write.writes.iter().map(|field| {
        json!({ "field": field.field, "before": field.before.to_plain(), "after": field.after.to_plain(), "why": field.why })
    });
    json!({
        "write": write.id,
        "object": write.object,
        "system": write.system,
        "kind": write.kind,
        "record": write.target,
        "partner": write.source,
        "state": write.state,
        "outcome": write.outcome,
        "fields": fields.collect::<Vec<_>>(),
    })
}
