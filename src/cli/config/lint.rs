//! `lockstep config lint`: whether the draft could be deployed.

use serde_json::json;

use super::{parse, version};
use crate::cli::check;
use crate::cli::session::Session;
use crate::error::{Exit, Outcome};
use crate::store::Settings;

pub fn lint(session: &Session, settings: &Settings) -> Outcome {
    let row = version(settings, false)?;
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let findings = check::findings(&config, settings)?;
    if !findings.errors.is_empty() {
        return Err(check::refusal(&findings.errors, row.info.version));
    }
    let answer = json!({ "version": row.info.version, "errors": [], "warnings": findings.warnings });
    session.output.result(&answer, |_| check::text(&findings, "It can be deployed."))?;
    Ok(Exit::Done)
}
