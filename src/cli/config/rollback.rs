//! `lockstep config rollback`: an old text becomes the draft again, or what drives the engine. History only grows.

use serde_json::json;

use super::text::{self, label};
use super::{deploy, newest, parse, test};
use crate::cli::args::ConfigText;
use crate::cli::check;
use crate::cli::session::Session;
use crate::engine::driver::Clock;
use crate::engine::driver::deploy::Order;
use crate::engine::driver::trial::is_anything_read;
use crate::error::{Exit, Outcome};
use crate::mapping::{diff, toml};
use crate::store::rows::ConfigState;
use crate::store::{Base, Settings, Workspace};
use crate::view::format;

/// Whether the old text drives the engine at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deploys {
    No,
    /// After a test, which stops nothing: whoever goes back is in a hurry, and is told what holds.
    Tested,
    AtOnce,
}

pub fn rollback(
    session: &Session,
    workspace: &Workspace,
    settings: &mut Settings,
    which: ConfigText,
    note: Option<&str>,
    how: Deploys,
) -> Outcome {
    let deploys = how != Deploys::No;
    let old = text::find(settings, which)?;
    let config = parse(&old.body, &old.name)?;
    let current = newest(settings)?;
    let same = toml::read(&current.body).is_ok_and(|now| diff(&now, &config).is_empty());
    if same && (current.info.state == ConfigState::Deployed || !deploys) {
        let answer = json!({ "version": current.info.version, "state": current.info.state.word(), "changed": false });
        let is = if current.info.state == ConfigState::Deployed { "what is deployed" } else { "the draft" };
        session
            .output
            .result(&answer, |_| format!("{} is {is} already; nothing was changed.", format::capitalised(&old.name)))?;
        return Ok(Exit::Done);
    }
    let findings = check::findings(&config, settings)?;
    if deploys && !findings.errors.is_empty() {
        return Err(check::refusal(&findings.errors, current.info.version)
            .because(findings.errors.join("\n"))
            .hint(format!("take {} as the draft without --deploy, and put that right", old.name)));
    }
    let said = note.map_or_else(|| format!("rolled back to {}", old.name), ToOwned::to_owned);
    let (author, now) = (session.author(), Clock::start().now());
    let saved = settings.save_draft(&old.body, &author, &said, Base::Instead(current.info.edit), now)?;
    if deploys {
        let tests = how == Deploys::Tested && is_anything_read(&workspace.reader()?)?;
        let tested = if tests { Some(test::attended(workspace, None, &author)?) } else { None };
        let order = Order { edit: saved.edit, by: author, note: None };
        return deploy::answer(session, &deploy::ordered(workspace, &order, &config)?, tested.as_ref());
    }
    let was_draft = matches!(current.info.state, ConfigState::Draft | ConfigState::Tested);
    let replaced = was_draft.then(|| label(&current.info));
    let answer = json!({
        "version": saved.version, "edit": saved.edit, "state": "draft", "changed": true, "replaces": replaced,
        "errors": findings.errors, "warnings": findings.warnings,
    });
    session.output.result(&answer, |_| {
        let mut lines =
            vec![format!("{} is the draft now, as version {}.", format::capitalised(&old.name), saved.version)];
        if let Some(replaced) = &replaced {
            let who = &current.info.author;
            lines.push(format!("It takes the place of the draft {replaced} by {who}, which the history keeps."));
        }
        lines.push(check::text(&findings, "Next: lockstep config test, then lockstep config deploy"));
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}
