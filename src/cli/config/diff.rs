//! `lockstep config diff`: what the draft changes, or one version against another.

use serde_json::{Value as Json, json};

use super::parse;
use super::text::{self, Text};
use crate::cli::args::ConfigText;
use crate::cli::session::Session;
use crate::engine::driver::setup::schemas;
use crate::error::{Exit, Kind, Outcome, Report};
use crate::mapping::diff::in_labels;
use crate::mapping::{Change, diff as compare};
use crate::store::Settings;

pub fn diff(
    session: &Session,
    settings: &Settings,
    from: Option<ConfigText>,
    to: Option<ConfigText>,
    exit_code: bool,
) -> Outcome {
    let (before, after) = texts(settings, from, to)?;
    let changes = compare(&parse(&before.body, &before.name)?, &parse(&after.body, &after.name)?);
    // people read labels, scripts go by keys
    let known = schemas(settings)?;
    let labelled = in_labels(changes.clone(), &known.iter().collect::<Vec<_>>());
    let rows: Vec<Json> = changes.iter().map(change_json).collect();
    session.output.result(&json!({ "from": before.name, "to": after.name, "changes": rows }), |_| {
        match changes.len() {
            0 => format!("Nothing differs: {} is what {} is.", after.name, before.name),
            _ => labelled.iter().map(change_line).collect::<Vec<_>>().join("\n"),
        }
    })?;
    Ok(if exit_code && !changes.is_empty() { Exit::Failed(Kind::Refused) } else { Exit::Done })
}

fn texts(settings: &Settings, from: Option<ConfigText>, to: Option<ConfigText>) -> Outcome<(Text, Text)> {
    if from.is_none() && settings.draft()?.is_some() && settings.deployed()?.is_none() {
        return Err(Report::refused("nothing is deployed yet, so there is nothing to compare the draft with")
            .hint("see all of it with `lockstep config show`"));
    }
    let before = text::find(settings, from.unwrap_or(ConfigText::Deployed))?;
    let after = match (from, to) {
        (_, Some(to)) => text::find(settings, to)?,
        (Some(_), None) => text::current(settings)?,
        (None, None) => text::find(settings, ConfigText::Draft)?,
    };
    Ok((before, after))
}

#[must_use]
pub fn change_json(change: &Change) -> Json {
    json!({ "path": change.path, "before": change.before, "after": change.after })
}

#[must_use]
pub fn change_line(change: &Change) -> String {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {}: {before} → {after}", change.path),
        (None, Some(after)) => format!("+ {}: {after}", change.path),
        (Some(before), None) => format!("- {}: {before}", change.path),
        (None, None) => change.path.clone(),
    }
}
