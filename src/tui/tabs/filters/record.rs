//! One record, clause by clause, with the values it has: as the text stands, before anything of it is kept.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::source::Seen;
use super::{Context, Filters, Message};
use crate::engine::core::state::Status;
use crate::filter::count::Criteria;
use crate::model::{RecordRef, System};
use crate::tui::overlay::{Command, Menu, Prompt};
use crate::tui::report::Report;
use crate::tui::tab::{TabId, Target};
use crate::tui::tabs::records::source::Wanted;
use crate::tui::widgets::paint::split_top;
use crate::tui::widgets::{Edge, Keyed, List, Paint};
use crate::tui::world::SourceError;
use crate::view::cell::{clipped, wrapped};
use crate::view::filter_record::{self, TreeRow};
use crate::view::{Cell, Line, Role};

/// Records that are offered where a name fits several.
const OFFERED: usize = 50;

/// The record that filters are tried on.
pub struct Tried {
    seen: Seen,
    /// Clause by clause, as the text stands.
    rows: List<TreeRow>,
    summary: Line,
    /// Whether it is on the screen, in place of the numbers.
    pub is_open: bool,
}

impl Keyed for TreeRow {
    type Key = usize;
    fn key(&self) -> usize {
        self.place
    }
}

impl Tried {
    fn new(seen: Seen) -> Self {
        Self { seen, rows: List::default(), summary: Line::new(), is_open: true }
    }

    pub const fn of(&self) -> RecordRef {
        self.seen.of
    }

    pub const fn rows(&mut self) -> &mut List<TreeRow> {
        &mut self.rows
    }

    /// Judges it anew.
    pub fn judge(&mut self, criteria: &Criteria) {
        let clauses = criteria.evaluate(&self.seen.record, self.seen.linked);
        self.summary = filter_record::summary(&self.seen.name, &clauses);
        self.rows.set(filter_record::rows(&clauses));
    }

    /// Puts the cursor on the clause that ends it for the record.
    fn begin(&mut self) {
        let rows: Vec<TreeRow> = self.rows.rows().cloned().collect();
        if let Some(place) = filter_record::decisive(&rows) {
            self.rows.select(place);
        }
    }

    /// What becomes of it, in one line.
    pub fn line(&self, width: usize) -> Line {
        clipped(&self.summary, width)
    }

    pub fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        let (head, rest) = split_top(area, 1);
        let system = self.seen.of.system;
        let linked = if self.seen.linked { "linked" } else { "not linked" };
        let line = [
            Cell::plain("  "),
            Cell::strong(&self.seen.name),
            Cell::plain("   "),
            Cell::new(format!("{system} {}", self.seen.of.id), Role::of(system)),
            Cell::muted(format!("   {linked}")),
        ];
        paint.line_at(head, 0, &clipped(&line, usize::from(area.width)));
        let rest = Rect { width: rest.width.saturating_sub(1), ..rest };
        self.rows.draw(rest, paint, &filter_record::COLUMNS, 1, |row, _| row.cells.clone());
    }

    /// What the selected row says, in full.
    pub fn detail(&self, width: usize) -> Vec<Line> {
        let mut lines = vec![self.line(width)];
        if let Some(row) = self.rows.selected() {
            lines.extend(wrapped(&row.whole, width).into_iter().take(3).map(|text| vec![Cell::muted(text)]));
        }
        lines
    }
}

impl Filters {
    /// Asks which record to try the filter on.
    pub(super) fn ask_record(&self, ctx: &mut Context<'_>) {
        let last = self.last_opened.get().filter(|record| record.object == self.draft.object);
        let hint = match last {
            Some(_) => "Its name or id; nothing: the one opened last in Records.",
            None => "A part of its name, or its id.",
        };
        ctx.prompt(Prompt::new("Try the filter on which record?", "", hint), Message::Try);
    }

    /// Looks for the record of that name or id.
    pub(super) fn try_on(&self, text: &str, ctx: &mut Context<'_>) {
        let last = self.last_opened.get().filter(|record| record.object == self.draft.object);
        match (text.trim(), last) {
            ("", Some(record)) => self.fetch_record(record, ctx),
            ("", None) => ctx.say("Write a part of its name, or its id."),
            (text, _) => {
                let (source, wanted) = (Arc::clone(&self.records), self.wanted(text));
                ctx.fetch(
                    move || Message::Candidates(source.page(&wanted, &Edge::Start, OFFERED)),
                    |why| Message::Candidates(Err(SourceError(why))),
                );
            }
        }
    }

    fn wanted(&self, text: &str) -> Wanted {
        Wanted { search: text.to_owned(), ..Wanted::all(self.draft.object) }
    }

    /// One of them, or the one that the person chooses.
    pub(super) fn choose_record(&self, found: Result<Vec<Status>, SourceError>, ctx: &mut Context<'_>) {
        let rows = match found {
            Ok(rows) => rows,
            Err(error) => return unread(error, ctx),
        };
        let from = self.to.other();
        match rows.as_slice() {
            [] => ctx.say("No record has that in its name or as its id."),
            [only] => self.fetch_record(only.anchor(), ctx),
            _ => {
                let anchors: Vec<RecordRef> = rows.iter().map(Status::anchor).collect();
                let commands = rows.iter().map(|row| command(row, from)).collect();
                ctx.choose(Menu::new("Which record?", commands), move |at| Message::Choose(anchors.get(at).copied()));
            }
        }
    }

    pub(super) fn fetch_record(&self, record: RecordRef, ctx: &mut Context<'_>) {
        let (source, from) = (Arc::clone(&self.source), self.to.other());
        ctx.fetch(
            move || Message::Seen(source.record(record, from).map(|seen| seen.map(Box::new))),
            |why| Message::Seen(Err(SourceError(why))),
        );
    }

    /// The record is there.
    pub(super) fn take_record(&mut self, seen: Result<Option<Box<Seen>>, SourceError>, ctx: &mut Context<'_>) {
        let from = self.to.other();
        match seen {
            Ok(Some(seen)) if seen.of.object == self.draft.object && seen.of.system == from => {
                let known = self.tried.as_ref().filter(|tried| tried.of() == seen.of);
                let was_open = known.is_none_or(|tried| tried.is_open);
                let selected = known.and_then(|tried| tried.rows.selected_key().copied());
                let mut tried = Tried::new(*seen);
                tried.is_open = was_open;
                self.tried = Some(tried);
                self.judge_record();
                match (&mut self.tried, selected) {
                    (Some(tried), Some(row)) => tried.rows.select(row),
                    (Some(tried), None) => tried.begin(),
                    (None, _) => {}
                }
            }
            // of another object or direction: the person went on meanwhile
            Ok(Some(_)) => {}
            Ok(None) => {
                self.tried = None;
                ctx.say(format!(
                    "{from} has no such record, or it is not read: this filter looks at records of {from}."
                ));
            }
            Err(error) => unread(error, ctx),
        }
    }

    /// Judges the record by the text as it stands.
    pub(super) fn judge_record(&mut self) {
        if let (Some(tried), Some(question)) = (&mut self.tried, &self.question) {
            tried.judge(&question.criteria);
        }
    }

    /// Shows all that is known of the record.
    pub(super) fn visit(&self, ctx: &mut Context<'_>) {
        if let Some(tried) = self.open_record() {
            ctx.goto(TabId::Records, Some(Target::Record(tried.of())));
        }
    }

    /// The record that is on the screen in place of the numbers.
    pub(super) fn open_record(&self) -> Option<&Tried> {
        self.tried.as_ref().filter(|tried| tried.is_open && self.question.is_some())
    }
}

fn unread(error: SourceError, ctx: &mut Context<'_>) {
    ctx.report(Report::new("The record could not be read.", "r tries again.").because(error.0));
}

fn command(row: &Status, from: System) -> Command {
    let id = if from == System::HubSpot { row.hubspot } else { row.connectwise };
    Command {
        name: if row.name.is_empty() { row.anchor().id.to_string() } else { row.name.clone() },
        doc: id.map_or_else(String::new, |id| format!("{from} {id}")),
        keys: String::new(),
        not_now: id.is_none().then(|| format!("not in {from}")),
    }
}
