//! `lockstep doctor`: whether both systems let the configuration do all it wants.

use serde_json::json;

use super::output::width;
use super::progress::attend;
use super::runtime;
use super::session::Session;
use crate::connect::Severity;
use crate::engine::driver::Clock;
use crate::engine::driver::doctor::{Item, examine};
use crate::engine::driver::steps::Steps;
use crate::error::{Exit, Kind, Outcome, Report};
use crate::model::Checked;
use crate::view::checkup;
use crate::view::plain_text;

/// # Errors
/// A connection that does not work, with everything that was found before it.
pub fn run(session: &Session) -> Outcome {
    let workspace = session.workspace()?;
    let steps = Steps::default();
    let work = async { Ok(examine(&workspace, Clock::start(), &steps).await?) };
    let items = runtime::start()?.block_on(attend(&steps, "nothing was changed; run it again", work))?;
    let exit = exit(&items);
    let answer = json!({
        "exit": exit.as_ref().map_or_else(|kind| kind.exit_code(), |exit| exit.code()),
        "findings": items.iter().map(finding_json).collect::<Vec<_>>(),
    });
    let found: Vec<Checked> = items.iter().map(Item::checked).collect();
    session.output.result(&answer, |_| {
        format!("{}\n\n{}", plain_text(&checkup::lines(&found, width())).trim_end(), checkup::summary(&found))
    })?;
    match exit {
        Ok(exit) => Ok(exit),
        Err(kind) if session.output.json => Ok(Exit::Failed(kind)),
        Err(kind) => Err(Report::new(kind, "a system cannot be used").hint("see the first findings above")),
    }
}

fn finding_json(item: &Item) -> serde_json::Value {
    let Item { system, object, what, hurts, remedy, cut_off, .. } = item;
    let severity = item.checked().grade.word();
    json!({ "severity": severity, "system": system, "object": object, "what": what, "hurts": hurts, "remedy": remedy, "cut_off": cut_off })
}

fn exit(items: &[Item]) -> Result<Exit, Kind> {
    if items.iter().any(|item| item.cut_off) {
        return Err(Kind::Connection);
    }
    let problem = items.iter().any(|item| item.severity == Severity::Problem);
    Ok(if problem { Exit::NeedsPerson } else { Exit::Done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_trouble_with_a_connection_from_trouble_with_rights() {
        let item = |severity, cut_off| Item {
            severity,
            system: None,
            object: None,
            what: String::new(),
            hurts: Vec::new(),
            remedy: String::new(),
            cut_off,
        };
        let (fine, warning) = (item(Severity::Fine, false), item(Severity::Warning, false));
        let (problem, cut_off) = (item(Severity::Problem, false), item(Severity::Problem, true));
        assert_eq!(exit(&[]), Ok(Exit::Done));
        assert_eq!(exit(&[fine, warning.clone()]), Ok(Exit::Done));
        assert_eq!(exit(&[warning, problem.clone()]), Ok(Exit::NeedsPerson));
        assert_eq!(exit(&[problem, cut_off]), Err(Kind::Connection));
    }
}
