//! `lockstep config deploy`: the draft drives the engine.

use serde_json::json;

use super::parse;
use crate::cli::output::{count, paragraph, width};
use crate::cli::progress::attend;
use crate::cli::session::Session;
use crate::cli::{check, runtime};
use crate::engine::core::trial::report::TrialReport;
use crate::engine::driver::Clock;
use crate::engine::driver::check::Findings;
use crate::engine::driver::deploy::{self, DeployError, Deployed, Order};
use crate::engine::driver::steps::Steps;
use crate::engine::driver::trial::{Tested, is_anything_read};
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{Config, diff, toml};
use crate::store::rows::ConfigState;
use crate::store::{Settings, Stale, StoreError, Workspace};
use crate::view::{plain_text, trial};

pub fn deploy(session: &Session, workspace: &Workspace, settings: &Settings, note: &str, untested: bool) -> Outcome {
    let draft = settings.draft()?.ok_or(StoreError::NoDraft)?;
    let config = parse(&draft.body, "the draft")?;
    let is_untested = draft.info.state != ConfigState::Tested && !untested && is_anything_read(&workspace.reader()?)?;
    // what does not fit cannot be tested either: that comes first
    if is_untested && check::findings(&config, settings)?.errors.is_empty() {
        return Err(Report::refused(format!("draft {} is not tested; nothing was deployed", draft.info.version)).hint(
            "`lockstep config test` shows what it would do to every record; `lockstep config deploy --untested` goes without",
        ));
    }
    let note = (!note.is_empty()).then(|| note.to_owned());
    let order = Order { edit: draft.info.edit, by: session.author(), note };
    let deployed = ordered(workspace, &order, &config)?;
    answer(session, &deployed, None)
}

/// Deploys that state of the draft, which is `config`.
///
/// # Errors
/// Then nothing was deployed.
pub fn ordered(workspace: &Workspace, order: &Order, config: &Config) -> Outcome<Deployed> {
    let steps = Steps::default();
    let work = async { Ok(deploy::deploy(workspace, order, Clock::start(), &steps).await) };
    let done = runtime::start()?.block_on(attend(&steps, "nothing was deployed; run it again", work))?;
    done.map_err(|error| match error {
        DeployError::Stale(stale) => overtaken(&stale, config),
        error => error.into(),
    })
}

/// Another draft came before it was deployed.
fn overtaken(stale: &Stale, asked: &Config) -> Report {
    let who = stale.current.as_ref().map_or_else(String::new, |row| format!(" by {}", row.info.author));
    let now = stale.current.as_ref().and_then(|row| toml::read(&row.body).ok());
    let changes = now.map_or_else(Vec::new, |now| diff(asked, &now));
    let report = Report::refused(format!("the draft was changed meanwhile{who}; nothing was deployed"))
        .hint("look at it with `lockstep config diff`, then deploy again");
    let lines: Vec<_> = changes.iter().map(super::diff::change_line).collect();
    if lines.is_empty() { report } else { report.because(lines.join("\n")) }
}

/// Tells what was deployed, and what a test foresaw of it.
///
/// # Errors
/// When stdout cannot be written to.
pub fn answer(session: &Session, deployed: &Deployed, tested: Option<&Tested>) -> Outcome {
    let Deployed { version, created, warnings } = deployed;
    let mut answer = json!({ "version": version, "state": "deployed", "created": created, "warnings": warnings });
    if let Some(Tested { report, .. }) = tested {
        answer["looked_at"] = json!(report.looked_at());
        answer["guard"] = json!(report.guard);
    }
    session.output.result(&answer, |_| {
        let number = count(warnings.len() as u64, "warning", "warnings");
        let findings = Findings { errors: Vec::new(), warnings: warnings.clone() };
        let foreseen = tested.map_or_else(String::new, |tested| foreseen(&tested.report));
        format!(
            "Version {version} is deployed ({number}).\n{foreseen}{}",
            check::text(&findings, "Next: lockstep plan")
        )
    })?;
    Ok(Exit::Done)
}

/// What the first run does with it.
fn foreseen(report: &TrialReport) -> String {
    let looked = count(report.looked_at(), "pair or single record", "pairs and single records");
    let summary = trial::summary(report, width());
    let mut text = match (&report.guard, summary.is_empty()) {
        (Some(guard), _) => {
            paragraph(&format!("{} `lockstep plan` names the plan to approve.", trial::held_in_words(guard)), width())
        }
        (None, true) => format!("Tested on {looked}: it does nothing else to any of them."),
        (None, false) => format!("Tested on {looked}; no guard holds the first run."),
    };
    text.push('\n');
    if !summary.is_empty() {
        text.push_str("New (+), no longer (−) and otherwise (≠):\n");
        text.push_str(&plain_text(&summary));
    }
    text
}
