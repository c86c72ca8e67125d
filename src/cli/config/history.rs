//! `lockstep config history`: every version, and the drafts that something else took the place of.

use serde_json::json;

use super::text::label;
use crate::cli::session::Session;
use crate::error::{Exit, Outcome};
use crate::model::Timestamp;
use crate::model::text::printable;
use crate::store::Settings;
use crate::store::rows::{ConfigInfo, EditInfo};

pub fn history(session: &Session, settings: &Settings, all: bool) -> Outcome {
    let (history, mut edits) = (settings.history()?, settings.edits()?);
    edits.retain(|edit| all || edit.is_worth_a_look());
    let versions = history.iter().map(|info| {
        let ConfigInfo { version, state, note, author, created, edit, deployed, tested } = info;
        let deployed = deployed.as_ref().map(|deployed| json!({ "at": deployed.at.to_rfc3339(), "by": deployed.by }));
        let tested = tested.as_ref().map(|tested| json!({ "at": tested.at.to_rfc3339(), "by": tested.by }));
        json!({
            "version": version, "edit": edit, "state": state.word(), "note": note, "author": author,
            "created": created.to_rfc3339(), "tested": tested, "deployed": deployed,
        })
    });
    let drafts = edits.iter().map(|one| {
        let EditInfo { edit, version, note, author, created, ended, ended_by } = one;
        json!({
            "version": version, "edit": edit, "note": note, "author": author, "created": created.to_rfc3339(),
            "ended": ended.word(), "ended_by": ended_by,
        })
    });
    let answer = json!({ "versions": versions.collect::<Vec<_>>(), "drafts": drafts.collect::<Vec<_>>() });
    session.output.result(&answer, |_| lines(&history, &edits).join("\n"))?;
    Ok(Exit::Done)
}

/// Newest first; a draft stands with the version that it was to be.
fn lines(history: &[ConfigInfo], edits: &[EditInfo]) -> Vec<String> {
    let versions = history.iter().map(|info| ((info.version, info.edit), version_line(info)));
    let drafts = edits.iter().map(|edit| ((edit.version, edit.edit), draft_line(edit)));
    let mut lines: Vec<_> = versions.chain(drafts).collect();
    lines.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    lines.into_iter().map(|(_, line)| line).collect()
}

fn version_line(info: &ConfigInfo) -> String {
    let deployed = info.deployed.as_ref().map_or_else(String::new, |deployed| {
        let by = if deployed.by == info.author { String::new() } else { format!(" by {}", deployed.by) };
        format!(", deployed {}{by}", day_and_time(deployed.at))
    });
    line(&label(info), info.state.word(), info.created, &format!("{}{deployed}", info.author), &info.note)
}

fn draft_line(edit: &EditInfo) -> String {
    let by = if edit.ended_by == edit.author { String::new() } else { format!(", by {}", edit.ended_by) };
    let who = format!("{}{by}", edit.author);
    line(&format!("{}.{}", edit.version, edit.edit), edit.ended.word(), edit.created, &who, &edit.note)
}

fn line(label: &str, state: &str, saved: Timestamp, who: &str, note: &str) -> String {
    let note = if note.is_empty() { String::new() } else { format!("  {note}") };
    printable(&format!("{label:>6}  {state:<11}  {}  {who}{note}", day_and_time(saved))).into_owned()
}

/// `2026-11-28 09:31`, in UTC.
fn day_and_time(at: Timestamp) -> String {
    at.to_rfc3339().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}
