//! `lockstep config deploy`: the draft drives the engine.

use serde_json::json;

use super::parse;
use crate::cli::connect::{Told, make_ready};
use crate::cli::output::count;
use crate::cli::progress::attend;
use crate::cli::session::{Session, author};
use crate::cli::{check, runtime};
use crate::engine::driver::Clock;
use crate::engine::driver::setup::{Connection, keep_renewals};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Outcome};
use crate::mapping::Config;
use crate::model::System;
use crate::store::{Settings, Workspace};

pub fn deploy(session: &Session, workspace: &Workspace, settings: &mut Settings, note: &str) -> Outcome {
    let draft = settings.draft()?.ok_or(crate::store::StoreError::NoDraft)?;
    let config = parse(&draft.body, "the draft")?;
    let mut findings = check::findings(&config, settings)?;
    if !findings.errors.is_empty() {
        return Err(findings.refusal(draft.info.version));
    }
    let steps = Steps::default();
    let work = make_both_ready(workspace, &config, settings, &steps);
    let told = runtime::start()?.block_on(attend(&steps, "nothing was deployed; run it again", work))?;
    findings.warnings.extend(told.warnings);
    if !note.is_empty() {
        settings.save_draft(&draft.body, &author(), note, Clock::start().now())?;
    }
    let version = settings.deploy_draft()?;
    tracing::info!(workspace = workspace.name(), version = version.0, "configuration deployed");
    let answer =
        json!({ "version": version, "state": "deployed", "created": told.created, "warnings": findings.warnings });
    session.output.result(&answer, |_| {
        let warnings = count(findings.warnings.len() as u64, "warning", "warnings");
        format!("Version {version} is deployed ({warnings}).\n{}", findings.text("Next: lockstep plan"))
    })?;
    Ok(Exit::Done)
}

/// Makes both systems ready: a draft may name other fields for the keys than the one before it, or more objects.
///
/// # Errors
/// When a system refuses or does not answer.
pub async fn make_both_ready(
    workspace: &Workspace,
    config: &Config,
    settings: &mut Settings,
    steps: &Steps,
) -> Outcome<Told> {
    let (mut told, clock) = (Told::default(), Clock::start());
    for system in System::BOTH {
        let connection = Connection::load(settings, system)?;
        let connector = connection.connector(config, clock, keep_renewals(workspace, &connection)?)?;
        let work = make_ready(&connector, config, settings, clock, &mut told, steps);
        steps.within(&connector, async { Ok(work.await) }).await??;
    }
    Ok(told.complete())
}
