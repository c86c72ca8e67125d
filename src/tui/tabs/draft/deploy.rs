//! Deploying the draft and throwing it away: what stands against it, the questions before, what becomes of it.
//!
//! For every tab that works on a draft; knows no list and no cursor.

use std::sync::Arc;
use std::time::Duration;

use super::source::{Book, NotSaved};
use super::trials::Outcome;
use super::{Draft, DraftMessage};
use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::engine::driver::setup::SetupError;
use crate::mapping::lint::Finding;
use crate::mapping::{Config, ObjectMapping, Severity, diff, toml};
use crate::model::Timestamp;
use crate::store::rows::Tested;
use crate::tui::action::{Enabled, Reason};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::Confirm;
use crate::tui::report::Report;
use crate::tui::world::SourceError;
use crate::view::{Cell, Line, Role, format, trial, versions};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;
/// Changes that are listed in the question before a deploy.
const MOST_CHANGES: usize = 200;

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

/// Shows what it does to the records, what changes and what the check found, before it is asked for. Of a draft that was
/// not tested nobody knows the first: then Enter is the test, and going without is a key of its own.
pub fn ask_deploy<M: Send + 'static>(draft: &mut Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let Some((edit, config)) = state(draft) else { return };
    let known = what_is_known(draft, edit);
    let mut lines = match &known {
        Known::Nothing => Vec::new(),
        Known::Untested => {
            vec![vec![Cell::new("Not tested: nobody knows what it would do to the records.", Role::Warn)], Line::new()]
        }
        Known::ByAnother(by) => vec![vec![Cell::new(tested_by(by.as_ref(), ctx.world.now), Role::Ok)], Line::new()],
        Known::Here(found) => test_lines(found, ctx.world.now),
    };
    lines.extend(change_lines(draft));
    lines.extend(finding_lines(draft));
    lines.push(Line::new());
    lines.push(vec![Cell::muted("The engine compares all records with it; guards hold what is too much.")]);
    draft.asked = Some(config);
    let question = |verb: &str| Confirm::new("Deploy the draft", lines, verb);
    let deploy = wrap(DraftMessage::Deploy(edit));
    match known {
        Known::Untested => {
            let other = (UNTESTED, "deploy untested", deploy);
            ctx.confirm_or(question("test it first"), wrap(DraftMessage::TestFirst), other);
        }
        Known::ByAnother(_) => {
            let other = ('T', "test again", wrap(DraftMessage::TestFirst));
            ctx.confirm_or(question("deploy"), deploy, other);
        }
        Known::Nothing | Known::Here(_) => ctx.confirm(question("deploy"), deploy),
    }
}

/// The key that deploys a draft that was not tested.
const UNTESTED: char = 'u';

/// What is known of what a draft does to the records.
enum Known {
    /// Nothing was ever deployed, so that nothing is read that it could be tested on.
    Nothing,
    Untested,
    /// It was tested, and the numbers are not here.
    ByAnother(Option<Tested>),
    Here(Arc<Outcome>),
}

fn what_is_known(draft: &Draft, edit: u64) -> Known {
    let Some(book) = draft.book().filter(|book| book.deployed.is_some()) else { return Known::Nothing };
    if let Some(found) = draft.trials.latest().filter(|found| found.edit == edit) {
        return Known::Here(found);
    }
    match book.draft.as_ref().filter(|version| version.is_tested) {
        Some(version) => Known::ByAnother(version.tested.clone()),
        None => Known::Untested,
    }
}

fn tested_by(tested: Option<&Tested>, now: Timestamp) -> String {
    match tested {
        Some(Tested { at, by }) => format!("Tested by {by} {} ago; T shows the numbers.", format::age_at(*at, now)),
        None => "Tested; T shows the numbers.".to_owned(),
    }
}

/// What a test of the draft found.
fn test_lines(found: &Outcome, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let summary = trial::summary(&found.report, DIALOG);
    let looked = format::counted(found.report.looked_at(), "record", "records");
    let age = format::age_at(found.at, now);
    let head = if summary.is_empty() {
        format!("Tested {age} ago on {looked}: it does nothing else to any of them.")
    } else {
        format!("Tested {age} ago on {looked}; new (+), no longer (−), otherwise (≠):")
    };
    lines.push(vec![Cell::new(head, Role::Ok)]);
    lines.extend(summary);
    if let Some(guard) = &found.report.guard {
        lines.push(vec![Cell::new(trial::held_in_words(guard), Role::Error)]);
    }
    if !found.report.unread.is_empty() {
        let text = "Some of what it looks at is not read yet, and not counted; T names it.";
        lines.push(vec![Cell::new(text, Role::Warn)]);
    }
    lines.push(Line::new());
    lines
}

/// What the check says of the draft alone, and how much it says of the deployed version as well.
fn finding_lines(draft: &Draft) -> Vec<Line> {
    let fresh = draft.fresh();
    let mut lines: Vec<Line> =
        fresh.iter().map(|finding| vec![Cell::new("! ", Role::Warn), Cell::plain(&finding.message)]).collect();
    let standing = (draft.findings().len() + draft.elsewhere().len()).saturating_sub(fresh.len());
    if standing > 0 {
        let (count, stand) =
            (format::counted(standing as u64, "warning", "warnings"), if standing == 1 { "stands" } else { "stand" });
        lines.push(vec![Cell::muted(format!("{count} {stand} as before, of what is deployed."))]);
    }
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

/// Every setting that changes, as `lockstep config diff` tells it.
fn change_lines(draft: &Draft) -> Vec<Line> {
    let Some(book) = draft.book() else { return Vec::new() };
    if book.deployed.is_none() {
        return first_lines(book);
    }
    let all = draft.all_changes();
    let schemas: Vec<_> = book.all_schemas().collect();
    let shown = diff::in_labels(all.iter().take(MOST_CHANGES).cloned().collect(), &schemas);
    let mut lines: Vec<Line> = shown.iter().map(versions::change_cells).collect();
    if all.is_empty() {
        lines.push(vec![Cell::muted("Nothing differs from the deployed version.")]);
    } else if all.len() > MOST_CHANGES {
        let more = format::counted((all.len() - MOST_CHANGES) as u64, "more change", "more changes");
        lines.push(vec![Cell::muted(format!("and {more}, which `lockstep config diff` tells"))]);
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
