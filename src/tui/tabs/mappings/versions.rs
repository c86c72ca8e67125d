//! The list of versions in place of the mappings: what each changed, and the way back to it.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Context, Mappings, Message};
use crate::store::{Base, Saved};
use crate::tui::action::{Enabled, Reason};
use crate::tui::overlay::{Confirm, Preview};
use crate::tui::report::Report;
use crate::tui::tabs::Reading;
use crate::tui::tabs::draft::deploy::not_deploying;
use crate::tui::tabs::draft::source::NotSaved;
use crate::tui::tabs::draft::versions::{Comparison, VersionSource};
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::SourceError;
use crate::view::cell::spread;
use crate::view::versions::{self, Standing, VersionRow};
use crate::view::{Cell, Line, Role, format};

/// Columns that texts in dialogs may take at 80 columns.
const DIALOG: usize = 74;
/// Changes that are listed of a comparison.
const MOST_CHANGES: usize = 1_000;

impl Keyed for VersionRow {
    type Key = u64;
    fn key(&self) -> u64 {
        self.edit
    }
}

/// The list, while it is open.
pub struct Versions {
    source: Arc<dyn VersionSource>,
    pub list: List<VersionRow>,
    reading: Reading,
    error: Option<String>,
}

impl Versions {
    pub fn new(source: Arc<dyn VersionSource>) -> Self {
        Self { source, list: List::default(), reading: Reading::No, error: None }
    }

    /// Reads the list again.
    pub fn load(&mut self, ctx: &mut Context<'_>) {
        if self.reading.begins() {
            let source = Arc::clone(&self.source);
            ctx.fetch(move || Message::Versions(source.list()), |why| Message::Versions(Err(SourceError(why))));
        }
    }

    pub fn receive(&mut self, rows: Result<Vec<VersionRow>, SourceError>, ctx: &mut Context<'_>) {
        match rows {
            Ok(rows) => {
                self.list.set(rows);
                self.error = None;
            }
            Err(error) => self.error = Some(error.0),
        }
        if self.reading.ends() {
            self.load(ctx);
        }
    }

    pub fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        let (head, rest) = split_top(area, 2);
        let left = [Cell::plain(" "), Cell::strong("Versions of the configuration"), Cell::muted("   Esc mappings")];
        let count = format::counted(self.list.rows().count() as u64, "row", "rows");
        paint.line_at(head, 0, &spread(&left, &[Cell::muted(count), Cell::plain(" ")], usize::from(area.width)));
        paint.rule(row_of(head, 1));
        if let Some(error) = &self.error {
            let inside = Rect { x: rest.x + 2.min(rest.width), width: rest.width.saturating_sub(4), ..rest };
            paint.wrapped(inside, error, Role::Error);
            return;
        }
        if self.list.is_empty() {
            let what = if self.list.is_loaded() { "There is no version yet." } else { "Reading …" };
            return paint.lines(rest, &[Line::new(), vec![Cell::muted(format!("  {what}"))]]);
        }
        self.list.draw(rest, paint, &versions::COLUMNS, 0, |row, paint| {
            paint.ages(row.saved);
            row.cells(paint.world.now)
        });
    }

    pub fn detail(&self, width: usize) -> Vec<Line> {
        self.list.selected().map(|row| row.detail(width)).unwrap_or_default()
    }
}

/// The row under the cursor, where the list is on the screen.
fn selected(tab: &Mappings) -> Option<&VersionRow> {
    if tab.trial.is_some() {
        return None;
    }
    tab.versions.as_ref()?.list.selected()
}

/// # Errors
/// Where the list is not open, or empty.
pub fn can_compare(tab: &Mappings) -> Enabled {
    if selected(tab).is_some() { Ok(()) } else { Err(Reason::new("V lists the versions.")) }
}

/// # Errors
/// Where there is nothing to go back to.
pub fn can_roll_back(tab: &Mappings) -> Enabled {
    can_compare(tab)?;
    if selected(tab).is_some_and(|row| row.standing == Standing::Draft) {
        return Err(Reason::new("This is the draft already."));
    }
    if selected(tab).is_some_and(|row| row.standing == Standing::Deployed) && !has_draft(tab) {
        return Err(Reason::new("This is deployed, and there is no draft."));
    }
    if !tab.draft.is_kept() {
        return Err(Reason::new("The draft is still being saved."));
    }
    not_deploying(&tab.draft)
}

fn has_draft(tab: &Mappings) -> bool {
    tab.draft.book().is_some_and(|book| book.draft.is_some())
}

pub fn compare(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let (Some(row), Some(versions)) = (selected(tab).cloned(), &tab.versions) else { return };
    let source = Arc::clone(&versions.source);
    ctx.fetch(move || Message::Compared(source.compare(&row)), |why| Message::Compared(Err(SourceError(why))));
}

pub fn compared(comparison: Result<Comparison, SourceError>, ctx: &mut Context<'_>) {
    match comparison {
        Ok(Comparison { title, changes: None }) => {
            let lines = vec![vec![Cell::muted("There is nothing to compare it with.")]];
            ctx.preview(Preview::new(format::capitalised(&title), lines, "close"), None);
        }
        Ok(Comparison { title, changes: Some(changes) }) => {
            let mut lines = versions::change_lines(&changes[..changes.len().min(MOST_CHANGES)], DIALOG);
            if changes.is_empty() {
                lines.push(vec![Cell::muted("Nothing differs.")]);
            } else if changes.len() > MOST_CHANGES {
                let more = format::counted((changes.len() - MOST_CHANGES) as u64, "more change", "more changes");
                lines.push(vec![Cell::muted(format!("and {more}"))]);
            }
            ctx.preview(Preview::new(format::capitalised(&title), lines, "close"), None);
        }
        Err(error) => {
            let report = Report::new("The versions could not be compared.", "Try again.");
            ctx.report(report.because(error.0));
        }
    }
}

pub fn ask_roll_back(tab: &mut Mappings, ctx: &mut Context<'_>) {
    let Some(row) = selected(tab) else { return };
    let mut lines = vec![vec![Cell::plain(format!(
        "The text of {} becomes the draft; T tests it, then D deploys it.",
        row.name()
    ))]];
    if let Some(draft) = tab.draft.book().and_then(|book| book.draft.as_ref()) {
        let text = format!("The draft {}.{} ends; the history keeps it.", draft.version, draft.edit);
        lines.push(vec![Cell::plain(text)]);
    }
    let message = Message::RollBack(Box::new(row.clone()));
    ctx.confirm(Confirm::new("Roll back", lines, "roll back"), message);
}

/// The person said yes.
pub fn roll_back(tab: &mut Mappings, row: VersionRow, ctx: &mut Context<'_>) {
    let Some(versions) = &tab.versions else { return };
    let newest = tab.draft.book().and_then(|book| book.newest());
    let base = newest.map_or(Base::Nothing, |version| Base::Instead(version.edit));
    let (source, now) = (Arc::clone(&versions.source), ctx.world.now);
    ctx.fetch(
        move || Message::RolledBack(row.name(), source.roll_back(&row, base, now)),
        |why| Message::RolledBack(String::new(), Err(NotSaved::Failed(SourceError(why)))),
    );
}

pub fn rolled_back(tab: &mut Mappings, name: &str, saved: Result<Saved, NotSaved>, ctx: &mut Context<'_>) {
    match saved {
        Ok(Saved { version, .. }) => {
            tab.versions = None;
            ctx.say(format!("The draft {version} has the text of {name} now. T tests it."));
        }
        Err(NotSaved::Stale(current)) => {
            let who = current.version.map_or_else(|| "Somebody".to_owned(), |version| version.author);
            let report =
                Report::new("The draft was changed meanwhile; nothing was rolled back.", "Look, and try again.");
            ctx.report(report.because(format!("{who} changed it.")));
        }
        Err(NotSaved::Failed(error)) => {
            let report = Report::new("Nothing was rolled back.", "Nothing was changed; try again.");
            ctx.report(report.because(error.0));
        }
    }
    tab.refresh(ctx);
}
