//! Deploying the draft and throwing it away: what stands against it, the questions before, what becomes of it.
//!
//! For every tab that works on a draft; knows no list and no cursor.

use super::source::Book;
use super::{Draft, DraftMessage};
use crate::mapping::lint::Finding;
use crate::mapping::{Change, ObjectMapping, Severity, diff};
use crate::model::ConfigVersion;
use crate::tui::action::{Enabled, Reason};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::Confirm;
use crate::tui::report::Report;
use crate::tui::world::SourceError;
use crate::view::cell::{clipped, wrapped};
use crate::view::{Cell, Line, Role, format, mapping_table};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;
/// Lines of changes in the question before a deploy.
const MOST_CHANGES: usize = 10;

/// Field mappings that differ from what is deployed, and all other settings that do.
#[must_use]
pub fn changes(draft: &Draft) -> usize {
    let Some(current) = draft.current() else { return 0 };
    let fields = mapping_table::changes(&mapping_table::rows(current, draft.deployed()));
    fields + other_changes(draft).len()
}

/// What differs besides the field mappings of this object: filters, guards, times, other objects.
fn other_changes(draft: &Draft) -> Vec<Change> {
    let Some(book) = draft.book() else { return Vec::new() };
    let (Some(new), Some(deployed)) = (&book.draft, &book.deployed) else { return Vec::new() };
    // changes of this object's field mappings have a `~` in their path, and are counted as mappings
    let here = format!("{}.", draft.object.key());
    let listed = |path: &str| path.starts_with(&here) && path.contains('~');
    diff(&deployed.config, &new.config).into_iter().filter(|change| !listed(&change.path)).collect()
}

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
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    if let Some(error) = draft.findings().iter().find(is_error) {
        return Err(Reason::new(format!("{} {}", error.message, error.hint)));
    }
    match draft.elsewhere().iter().find(is_error) {
        Some(error) => Err(Reason::new(format!("{}: {} {}", error.object.plural(), error.message, error.hint))),
        None => Ok(()),
    }
}

/// # Errors
/// Where there is no draft.
pub fn can_revert(draft: &Draft) -> Enabled {
    if has_draft(draft) { Ok(()) } else { Err(Reason::new("There is no draft to throw away.")) }
}

fn has_draft(draft: &Draft) -> bool {
    draft.book().is_some_and(|book| book.draft.is_some())
}

/// Shows what changes and what the check found, before it is asked for.
pub fn ask_deploy<M: Send + 'static>(draft: &Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let mut lines = change_lines(draft);
    for finding in draft.findings().iter().chain(draft.elsewhere()) {
        let texts = wrapped(&finding.message, DIALOG).into_iter();
        lines.extend(texts.map(|text| vec![Cell::new(text, Role::Warn)]));
    }
    if lines.len() > MOST_CHANGES + 4 {
        let more = lines.len() - MOST_CHANGES;
        lines.truncate(MOST_CHANGES);
        lines.push(vec![Cell::muted(format!("and {}", format::counted(more as u64, "more line", "more lines")))]);
    }
    lines.push(Line::new());
    lines.push(vec![Cell::plain("The engine compares all records with it; guards hold what is too much.")]);
    ctx.confirm(Confirm::new("Deploy the draft", lines, "deploy"), wrap(DraftMessage::Deploy));
}

/// Asks before the draft is thrown away.
pub fn ask_revert<M: Send + 'static>(draft: &Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let changes = format::counted(changes(draft) as u64, "change", "changes");
    let line = vec![Cell::plain(format!("The draft and its {changes} are thrown away. This can't be undone."))];
    ctx.confirm(Confirm::new("Throw the draft away", vec![line], "throw away"), wrap(DraftMessage::Revert));
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
    for other in other_changes(draft) {
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

/// The person said yes.
pub fn deploy<M: Send + 'static>(draft: &Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let source = draft.source();
    ctx.fetch(
        move || wrap(DraftMessage::Deployed(source.deploy())),
        move |why| wrap(DraftMessage::Deployed(Err(SourceError(why)))),
    );
}

/// The person said yes.
pub fn revert<M: Send + 'static>(draft: &Draft, ctx: &mut Ctx<'_, M>, wrap: fn(DraftMessage) -> M) {
    let source = draft.source();
    ctx.fetch(
        move || wrap(DraftMessage::Reverted(source.revert())),
        move |why| wrap(DraftMessage::Reverted(Err(SourceError(why)))),
    );
}

/// What became of a deploy.
pub fn deployed<M: Send + 'static>(
    draft: &Draft,
    result: Result<ConfigVersion, SourceError>,
    ctx: &mut Ctx<'_, M>,
    wrap: fn(DraftMessage) -> M,
) {
    match result {
        Ok(version) => {
            ctx.say(format!("Version {version} is deployed."));
            draft.load(ctx, wrap);
        }
        Err(error) => failed(error, ctx),
    }
}

/// What became of throwing the draft away.
pub fn reverted<M: Send + 'static>(
    draft: &Draft,
    result: Result<(), SourceError>,
    ctx: &mut Ctx<'_, M>,
    wrap: fn(DraftMessage) -> M,
) {
    match result {
        Ok(()) => {
            ctx.say("The draft is thrown away.");
            draft.load(ctx, wrap);
        }
        Err(error) => failed(error, ctx),
    }
}

fn failed<M: Send + 'static>(error: SourceError, ctx: &mut Ctx<'_, M>) {
    let report = Report::new("The configuration could not be changed.", "Nothing was changed; try again.");
    ctx.report(report.because(error.0));
}
