//! Deploying the draft and throwing it away: what stands against it, the questions before, what becomes of it.
//!
//! For every tab that works on a draft; knows no list and no cursor.

use std::sync::Arc;
use std::time::Duration;

use super::source::{Book, NotSaved};
use super::{Draft, DraftMessage};
use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::engine::driver::setup::SetupError;
use crate::mapping::lint::Finding;
use crate::mapping::{Config, ObjectMapping, Severity, diff, toml};
use crate::tui::action::{Enabled, Reason};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::Confirm;
use crate::tui::report::Report;
use crate::tui::world::SourceError;
use crate::view::cell::{clipped, wrapped};
use crate::view::{Cell, Line, Role, format, mapping_table, trial};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;
/// Lines of changes in the question before a deploy.
const MOST_CHANGES: usize = 6;
/// Lines of numbers in it.
const MOST_NUMBERS: usize = 6;

/// # Errors
/// Why the draft can't be deployed now.
pub fn can_deploy(draft: &Draft) -> Enabled {
    if !has_draft(draft) {
        return Err(Reason::new("There is no draft to deploy: change something first."));
    }
    if draft.schemas().is_none() {
        return Err(Reason::new("The fields are not known yet, so the draft can't be checked."));
    }
    if let Some(object) = draft.unchecked() {
        let what = format!("The {object} fields are not known yet, so the draft can't be checked.");
        return Err(Reason::new(what));
    }
    if !draft.is_kept() || !draft.is_judged() {
        return Err(Reason::new("The draft is still being saved and checked."));
    }
    not_deploying(draft)?;
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    if let Some(error) = draft.findings().iter().find(is_error) {
        return Err(Reason::new(format!("{} {}", error.message, error.hint)));
    }
    match draft.elsewhere().iter().find(is_error) {
        Some(error) => {
            let place = error.object.map_or_else(String::new, |object| format!("{}: ", object.plural()));
            Err(Reason::new(format!("{place}{} {}", error.message, error.hint)))
        }
        None => Ok(()),
    }
}

/// # Errors
/// Where there is no draft.
pub fn can_revert(draft: &Draft) -> Enabled {
    if !has_draft(draft) {
        return Err(Reason::new("There is no draft to throw away."));
    }
    if !draft.is_kept() {
        return Err(Reason::new("The draft is still being saved."));
    }
    not_deploying(draft)
}

/// # Errors
/// While a deploy is under way.
pub fn not_deploying(draft: &Draft) -> Enabled {
    if draft.deploying().is_some() { Err(Reason::new("The draft is just being deployed.")) } else { Ok(()) }
}

fn has_draft(draft: &Draft) -> bool {
    draft.book().is_some_and(|book| book.draft.is_some())
}

/// Shows what changes and what the check found, before it is asked for.
pub fn ask_deploy<M: Send + 'static>(draft: &mut Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let Some((edit, config)) = state(draft) else { return };
    let mut about = change_lines(draft);
    for finding in draft.findings().iter().chain(draft.elsewhere()) {
        let texts = wrapped(&finding.message, DIALOG).into_iter();
        about.extend(texts.map(|text| vec![Cell::new(text, Role::Warn)]));
    }
    if about.len() > MOST_CHANGES + 4 {
        let more = about.len() - MOST_CHANGES;
        about.truncate(MOST_CHANGES);
        about.push(vec![Cell::muted(format!("and {}", format::counted(more as u64, "more line", "more lines")))]);
    }
    // what it does to the records comes before what it is
    let mut lines = test_lines(draft, edit);
    lines.extend(about);
    lines.push(Line::new());
    lines.push(vec![Cell::plain("The engine compares all records with it; guards hold what is too much.")]);
    draft.asked = Some(config);
    ctx.confirm(Confirm::new("Deploy the draft", lines, "deploy"), wrap(DraftMessage::Deploy(edit)));
}

/// What a test of the draft found, or that there was none.
fn test_lines(draft: &Draft, edit: u64) -> Vec<Line> {
    let Some(book) = draft.book().filter(|book| book.deployed.is_some()) else { return Vec::new() };
    let is_tested = book.draft.as_ref().is_some_and(|version| version.is_tested);
    let Some(found) = draft.trials.latest().filter(|found| found.edit == edit) else {
        let (text, role) = if is_tested {
            ("Tested; T shows the numbers.", Role::Muted)
        } else {
            ("Not tested: T shows what it would do to every record.", Role::Warn)
        };
        return vec![vec![Cell::new(text, role)], Line::new()];
    };
    let mut lines = trial::summary(&found.report, DIALOG);
    if lines.len() > MOST_NUMBERS {
        lines.truncate(MOST_NUMBERS - 1);
        lines.push(vec![Cell::muted("and more, which T shows")]);
    }
    let looked = format::counted(found.report.looked_at(), "record", "records");
    let head = if lines.is_empty() {
        format!("Tested on {looked}: it does nothing else to any of them.")
    } else {
        format!("Tested on {looked}; new (+), no longer (−) and otherwise (≠):")
    };
    lines.insert(0, vec![Cell::new(head, Role::Ok)]);
    if let Some(guard) = &found.report.guard {
        let text = trial::held_in_words(guard);
        lines.extend(wrapped(&text, DIALOG).into_iter().map(|text| vec![Cell::new(text, Role::Error)]));
    }
    if !found.report.unread.is_empty() {
        let text = "Some of what it looks at is not read yet, and not counted; T names it.";
        lines.push(vec![Cell::new(text, Role::Warn)]);
    }
    lines.push(Line::new());
    lines
}

/// Asks before the draft is thrown away.
pub fn ask_revert<M: Send + 'static>(draft: &Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let Some((edit, _)) = state(draft) else { return };
    let changes = format::counted(draft.changes() as u64, "change", "changes");
    let lines = vec![
        vec![Cell::plain(format!("The draft and its {changes} are thrown away."))],
        vec![Cell::plain("It stays among the versions, which V lists, and can come back.")],
    ];
    ctx.confirm(Confirm::new("Throw the draft away", lines, "throw away"), wrap(DraftMessage::Revert(edit)));
}

/// The mappings that change, then everything else that does.
fn change_lines(draft: &Draft) -> Vec<Line> {
    let Some(book) = draft.book() else { return Vec::new() };
    let Some(current) = draft.current() else { return Vec::new() };
    if book.deployed.is_none() {
        return first_lines(book);
    }
    let rows = mapping_table::rows(current, draft.deployed());
    let mut lines = mapping_table::change_lines(&rows);
    for other in draft.other_changes().iter().cloned() {
        let shown =
            |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| format::NONE.to_owned());
        let text = format!("{}: {} → {}", other.path, shown(other.before), shown(other.after));
        lines.push(clipped(&[Cell::new("~ ", Role::Wait), Cell::plain(text)], DIALOG));
    }
    if lines.is_empty() {
        lines.push(vec![Cell::muted("Nothing differs from the deployed version.")]);
    }
    lines
}

/// What a first version has.
fn first_lines(book: &Book) -> Vec<Line> {
    let count = |object: &ObjectMapping| {
        let fields = format::counted(object.fields.len() as u64, "field mapping", "field mappings");
        vec![Cell::plain(format!("The first version of {}: {fields}.", object.object.plural().to_lowercase()))]
    };
    book.current().map(|config| config.objects.iter().map(count).collect()).unwrap_or_default()
}

/// The draft as it is in the workspace, with the number of that state.
fn state(draft: &Draft) -> Option<(u64, Arc<Config>)> {
    let version = draft.book()?.draft.as_ref()?;
    Some((version.edit, Arc::clone(&version.config)))
}

/// How often a deploy tells what it is at.
const APART: Duration = Duration::from_millis(200);

/// The person said yes.
pub fn deploy<M: Send + 'static>(draft: &mut Draft, edit: u64, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let work = draft.deployer.deploy(edit);
    draft.deploying = Some(String::new());
    ctx.spawn(async move { wrap(DraftMessage::Deployed(work.await)) });
    wait_a_moment(ctx, wrap);
}

fn wait_a_moment<M: Send + 'static>(ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    ctx.spawn(async move {
        tokio::time::sleep(APART).await;
        wrap(DraftMessage::Step)
    });
}

/// Shows what the deploy is at, for as long as it takes.
pub fn step<M: Send + 'static>(draft: &mut Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let step = draft.deployer.step();
    if let Some(shown) = &mut draft.deploying {
        *shown = step.unwrap_or_default();
        wait_a_moment(ctx, wrap);
    }
}

/// What became of a deploy.
pub fn deployed<M: Send + 'static>(
    draft: &mut Draft,
    result: Result<Deployed, DeployError>,
    ctx: &mut Ctx<'_, M>,
    wrap: fn(DraftMessage) -> M,
) {
    draft.deploying = None;
    let asked = draft.asked.take();
    match result {
        Ok(Deployed { version, created, warnings }) => {
            let mut said = format!("Version {version} is deployed.");
            if let Some(first) = created.first() {
                said.push_str(&format!(" Made there: {first}."));
            } else if !warnings.is_empty() {
                let count = format::counted(warnings.len() as u64, "warning", "warnings");
                said = format!("Version {version} is deployed, with {count}.");
            }
            ctx.say(said);
        }
        Err(error) => ctx.report(not_deployed(&error, asked.as_deref())),
    }
    draft.load(ctx, wrap);
}

/// Why nothing was deployed, and what to do.
fn not_deployed(error: &DeployError, asked: Option<&Config>) -> Report {
    match error {
        DeployError::Stale(stale) => {
            let report = Report::new(
                "The draft was changed meanwhile, so that nothing was deployed.",
                "Look at what is there now, then D deploys it.",
            );
            match (&stale.current, asked) {
                (Some(row), Some(asked)) => {
                    let changes = toml::read(&row.body).map_or_else(|_| Vec::new(), |now| diff(asked, &now));
                    report.because(format!("{} changed {}.", row.info.author, super::together::in_words(&changes)))
                }
                _ => report,
            }
        }
        DeployError::Unfit { errors, .. } => Report::new(
            "The draft does not fit the two systems; nothing was deployed.",
            "Put that right, then D deploys.",
        )
        .because(errors.join("\n")),
        DeployError::Setup(SetupError::Connect(error)) if !error.hint.is_empty() => {
            Report::new("The draft was not deployed.", error.hint.clone()).because(error.message.clone())
        }
        DeployError::Unreadable(_) | DeployError::Setup(_) => {
            Report::new("The draft was not deployed.", "Nothing was changed; try again.").because(error.to_string())
        }
    }
}

/// The person said yes.
pub fn revert<M: Send + 'static>(draft: &mut Draft, edit: u64, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let source = draft.source();
    ctx.fetch(
        move || wrap(DraftMessage::Reverted(source.revert(edit))),
        move |why| wrap(DraftMessage::Reverted(Err(NotSaved::Failed(SourceError(why))))),
    );
}

/// What became of throwing the draft away.
pub fn reverted<M: Send + 'static>(
    draft: &mut Draft,
    result: Result<(), NotSaved>,
    ctx: &mut Ctx<'_, M>,
    wrap: fn(DraftMessage) -> M,
) {
    match result {
        Ok(()) => ctx.say("The draft is thrown away; the history keeps it."),
        Err(NotSaved::Stale(current)) => {
            let who = current.version.map_or_else(|| "Somebody".to_owned(), |version| version.author);
            let report = Report::new(
                "The draft was changed meanwhile, so that it was not thrown away.",
                "Look at what is there now, then R throws it away.",
            );
            ctx.report(report.because(format!("{who} changed it.")));
        }
        Err(NotSaved::Failed(error)) => {
            let report = Report::new("The configuration could not be changed.", "Nothing was changed; try again.");
            ctx.report(report.because(error.0));
        }
    }
    draft.load(ctx, wrap);
}
