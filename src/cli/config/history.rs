//! `lockstep config history`: every version.

use serde_json::json;

use crate::cli::session::Session;
use crate::error::{Exit, Outcome};
use crate::store::Settings;
use crate::store::rows::ConfigInfo;

pub fn history(session: &Session, settings: &Settings) -> Outcome {
    let history = settings.history()?;
    let rows: Vec<_> = history
        .iter()
        .map(|info| {
            let ConfigInfo { version, state, note, author, created } = info;
            json!({ "version": version, "state": state.word(), "note": note, "author": author, "created": created.to_rfc3339() })
        })
        .collect();
    session
        .output
        .result(&json!({ "versions": rows }), |_| history.iter().map(history_line).collect::<Vec<_>>().join("\n"))?;
    Ok(Exit::Done)
}

fn history_line(info: &ConfigInfo) -> String {
    let ConfigInfo { version, state, note, author, created } = info;
    format!("{version:>4}  {:<9} {created}  {author}  {note}", state.word())
}
