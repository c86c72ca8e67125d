//! `lockstep config diff`: what the draft changes.

use serde_json::json;

use super::parse;
use crate::cli::session::Session;
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{Change, diff as compare};
use crate::store::Settings;

pub fn diff(session: &Session, settings: &Settings) -> Outcome {
    let draft = settings.draft()?.ok_or(crate::store::StoreError::NoDraft)?;
    let after = parse(&draft.body, "the draft")?;
    let Some(row) = settings.deployed()? else {
        return Err(Report::refused("nothing is deployed yet, so there is nothing to compare the draft with")
            .hint("see all of it with `lockstep config show`"));
    };
    let changes = compare(&parse(&row.body, "the deployed version")?, &after);
    let rows = changes.iter().map(|c| json!({ "path": c.path, "before": c.before, "after": c.after }));
    let answer =
        json!({ "draft": draft.info.version, "deployed": row.info.version, "changes": rows.collect::<Vec<_>>() });
    session.output.result(&answer, |_| match changes.len() {
        0 => "The draft is what is deployed.".to_owned(),
        _ => changes.iter().map(change_line).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(Exit::Done)
}

fn change_line(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {}: {before} → {after}", change.path),
        (None, Some(after)) => format!("+ {}: {after}", change.path),
        (Some(before), None) => format!("- {}: {before}", change.path),
        (None, None) => change.path.clone(),
    }
}
