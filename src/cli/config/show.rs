//! `lockstep config show`.

use serde_json::json;

use super::parse;
use crate::cli::session::Session;
use crate::error::{Exit, Outcome};
use crate::store::rows::ConfigRow;

pub fn show(session: &Session, row: &ConfigRow) -> Outcome {
    written(session, row, &row.body)
}

/// The version, as that text.
pub fn written(session: &Session, row: &ConfigRow, text: &str) -> Outcome {
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let answer = json!({
        "version": row.info.version, "edit": row.info.edit, "state": row.info.state.word(), "config": config,
    });
    session.output.note(&format!("# version {}, {}", row.info.version, row.info.state.word()));
    session.output.result(&answer, |_| text.to_owned())?;
    Ok(Exit::Done)
}
