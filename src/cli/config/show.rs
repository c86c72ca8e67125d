//! `lockstep config show`.

use serde_json::json;

use super::parse;
use crate::cli::session::Session;
use crate::error::{Exit, Outcome};
use crate::store::rows::ConfigRow;

pub fn show(session: &Session, row: &ConfigRow) -> Outcome {
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let answer = json!({ "version": row.info.version, "state": row.info.state.word(), "config": config });
    session.output.note(&format!("# version {}, {}", row.info.version, row.info.state.word()));
    session.output.result(&answer, |_| row.body.clone())?;
    Ok(Exit::Done)
}
