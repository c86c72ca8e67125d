//! The test of the draft, in place of what a tab shows: how far it is, then every number with the records behind it.
//!
//! For every tab that works on a draft; knows neither the draft nor the tab.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;

use super::trials::{Outcome, TrialSource};
use crate::engine::core::trial::report::{FieldMeasure, Measure, Number};
use crate::engine::driver::trial::Progress;
use crate::model::ObjectKind;
use crate::tui::action::{Enabled, Reason};
use crate::tui::ctx::Ctx;
use crate::tui::tab::{Nav, Picked, TabId, Target};
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::widgets::{Keyed, List, Paint};
use crate::tui::world::SourceError;
use crate::view::cell::{clipped, spread, wrapped};
use crate::view::table::Table;
use crate::view::trial::{self, About, COLUMNS, Count, TrialRow};
use crate::view::{Cell, Line, Role, format};

/// Between two looks at how far it is.
const APART: Duration = Duration::from_millis(200);
/// From this width on there is room for all columns.
const ALL_COLUMNS: usize = 80;
/// Lines of remarks above the numbers.
const MOST_REMARKS: usize = 4;

/// What comes back.
#[derive(Debug)]
pub enum TrialMessage {
    Ended(u64, Result<Option<Arc<Outcome>>, SourceError>),
    /// A moment of a test has passed.
    Step(u64),
}

/// The page, while it is open.
pub struct TrialPage {
    source: Arc<dyn TrialSource>,
    state: State,
    list: List<Row>,
    /// The column of the number under the cursor.
    count: Count,
    /// Which test is waited for.
    turn: u64,
}

enum State {
    Running(Arc<Progress>),
    Done(Arc<Outcome>),
    Failed(String),
}

/// One line: an object, or one of its numbers.
struct Row {
    key: RowKey,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct RowKey {
    object: ObjectKind,
    about: Option<Counted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Counted {
    Records(Measure),
    Field(FieldMeasure),
}

impl Keyed for Row {
    type Key = RowKey;
    fn key(&self) -> RowKey {
        self.key.clone()
    }
}

impl Drop for TrialPage {
    fn drop(&mut self) {
        if let State::Running(progress) = &self.state {
            progress.cancel();
        }
    }
}

/// # Errors
/// Where there is no draft to test, or it is not in the workspace yet.
pub fn can_test(draft: &super::Draft) -> Enabled {
    let has_draft = draft.book().is_some_and(|book| book.draft.is_some());
    if !has_draft {
        return Err(Reason::new("There is no draft to test: change something first."));
    }
    if !draft.is_kept() {
        return Err(Reason::new("The draft is still being saved."));
    }
    super::deploy::not_deploying(draft)
}

impl TrialPage {
    /// Shows what is known of that state of the draft, or has it tested.
    pub fn open<M: Send + 'static>(
        source: Arc<dyn TrialSource>,
        edit: Option<u64>,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(TrialMessage) -> M,
    ) -> Self {
        let known = source.latest().filter(|known| Some(known.edit) == edit);
        let state = State::Failed(String::new());
        let mut page = Self { source, state, list: List::default(), count: Count::New, turn: 0 };
        match known {
            Some(known) => page.done(known),
            None => page.run(ctx, wrap),
        }
        page
    }

    /// Has the draft tested as it is now.
    pub fn run<M: Send + 'static>(&mut self, ctx: &mut Ctx<'_, M>, wrap: fn(TrialMessage) -> M) {
        if let State::Running(progress) = &self.state {
            progress.cancel();
        }
        self.turn += 1;
        let (turn, progress) = (self.turn, Arc::new(Progress::default()));
        let (source, shared) = (Arc::clone(&self.source), Arc::clone(&progress));
        let marks = !ctx.world.settings.read_only;
        self.state = State::Running(progress);
        self.list = List::default();
        ctx.fetch(
            move || wrap(TrialMessage::Ended(turn, source.test(marks, &shared))),
            move |why| wrap(TrialMessage::Ended(turn, Err(SourceError(why)))),
        );
        wait_a_moment(turn, ctx, wrap);
    }

    pub fn receive<M: Send + 'static>(
        &mut self,
        message: TrialMessage,
        ctx: &mut Ctx<'_, M>,
        wrap: fn(TrialMessage) -> M,
    ) {
        match message {
            TrialMessage::Step(turn) if turn == self.turn && self.is_running() => wait_a_moment(turn, ctx, wrap),
            TrialMessage::Ended(turn, ended) if turn == self.turn => match ended {
                Ok(Some(outcome)) => self.done(outcome),
                Ok(None) => self.state = State::Failed("The test was ended.".to_owned()),
                Err(error) => self.state = State::Failed(error.0),
            },
            TrialMessage::Step(_) | TrialMessage::Ended(..) => {}
        }
    }

    const fn is_running(&self) -> bool {
        matches!(self.state, State::Running(_))
    }

    fn done(&mut self, outcome: Arc<Outcome>) {
        let is_first = outcome.versions.deployed.is_none();
        // the cursor begins where there is something to see: at what is new, gone or otherwise, else at what there is in all
        let mut begins: Vec<(Count, Option<RowKey>)> =
            [Count::New, Count::Gone, Count::Otherwise, Count::Draft].map(|count| (count, None)).into();
        let mut rows = Vec::new();
        for (object, found) in &outcome.report.objects {
            let looked = format::counted(found.looked_at, "record looked at", "records looked at");
            let numbers = trial::rows(*object, found);
            let nothing = if numbers.is_empty() { format!(", {}", trial::NOTHING) } else { String::new() };
            rows.push(Row {
                key: RowKey { object: *object, about: None },
                cells: vec![Cell::strong(object.plural()), Cell::muted(format!("{looked}{nothing}"))],
            });
            for (count, first) in
                begins.iter_mut().filter(|(count, first)| first.is_none() && (!is_first || *count == Count::Draft))
            {
                *first = numbers.iter().find(|row| count.of(row.number).total > 0).map(RowKey::of);
            }
            rows.extend(numbers.iter().map(|row| Row { key: RowKey::of(row), cells: row.cells(is_first) }));
        }
        self.list.set(rows);
        self.count = Count::Draft;
        if let Some((count, first)) = begins.into_iter().find_map(|(count, first)| Some((count, first?))) {
            self.count = count;
            self.list.select(first);
        }
        self.state = State::Done(outcome);
    }

    pub fn navigate(&mut self, step: Nav) {
        let all: &[Count] = match &self.state {
            State::Done(outcome) if outcome.versions.deployed.is_some() => &Count::ALL,
            _ => &Count::ALL[..1],
        };
        let place = all.iter().position(|count| *count == self.count).unwrap_or(0);
        match step {
            Nav::Left => self.count = all[place.saturating_sub(1)],
            Nav::Right => self.count = all[(place + 1).min(all.len() - 1)],
            // all rows are there: there is no page to fetch
            step => drop(self.list.navigate(step)),
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done(outcome) => Some(outcome),
            State::Running(_) | State::Failed(_) => None,
        }
    }

    /// The number under the cursor.
    fn selected(&self) -> Option<TrialRow<'_>> {
        let RowKey { object, about } = self.list.selected_key()?;
        let found = self.outcome()?.report.objects.get(object)?;
        let (about, number): (About<'_>, &Number) = match about.as_ref()? {
            Counted::Records(measure) => (About::Records(*measure), found.numbers.get(measure)?),
            Counted::Field(field) => {
                let (field, number) = found.fields.get_key_value(field)?;
                (About::Field(field), number)
            }
        };
        Some(TrialRow { object: *object, about, number })
    }

    /// # Errors
    /// Where no number is under the cursor, or no record behind it.
    pub fn can_list(&self) -> Enabled {
        if self.is_running() {
            return Err(Reason::new("The test is still under way."));
        }
        match self.selected() {
            None => Err(Reason::new("There is no number under the cursor.")),
            Some(row) if self.count.of(row.number).total == 0 => {
                Err(Reason::new("There is no such record: ← → choose another number."))
            }
            Some(_) => Ok(()),
        }
    }

    /// Sends the person to the records behind the number under the cursor. `from` is the tab that shows the page.
    pub fn list<M: Send + 'static>(&self, from: TabId, ctx: &mut Ctx<'_, M>) {
        let Some(row) = self.selected() else { return };
        let picks = self.count.of(row.number);
        let picked = Picked {
            object: row.object,
            title: row.title(self.count),
            records: picks.records.clone(),
            total: picks.total,
        };
        ctx.goto(TabId::Records, Some(Target::These(Arc::new(picked), from)));
        ctx.say("T shows what the draft would do with a record; Esc comes back to the test.");
    }

    /// `edit` is the state of the draft as it is now.
    pub fn draw(&self, edit: Option<u64>, area: Rect, paint: &mut Paint<'_>) {
        let width = usize::from(area.width);
        let (title, right) = match &self.state {
            State::Done(outcome) => {
                paint.ages(outcome.at);
                let age = format::age(paint.world.now.since(outcome.at));
                (trial::short_title(outcome.versions), format!("{age} ago"))
            }
            State::Running(_) | State::Failed(_) => ("Test of the draft".to_owned(), String::new()),
        };
        let hint = if self.outcome().is_some() { "   Enter records  Esc back" } else { "   Esc back" };
        let left = [Cell::plain(" "), Cell::strong(title), Cell::muted(hint)];
        let remarks = self.remarks(edit, width.saturating_sub(2));
        let (head, rest) = split_top(area, u16::try_from(remarks.len() + 2).unwrap_or(2));
        paint.line_at(head, 0, &spread(&left, &[Cell::muted(right), Cell::plain(" ")], width));
        for (row, line) in (1..).zip(&remarks) {
            paint.line_at(head, row, line);
        }
        paint.rule(row_of(head, head.height.saturating_sub(1)));
        match &self.state {
            State::Done(outcome) if outcome.report.looked_at() == 0 => teach(rest, paint),
            State::Done(outcome) => self.draw_numbers(outcome, rest, paint),
            State::Running(progress) => paint.lines(rest, &[Line::new(), running(progress)]),
            State::Failed(why) => {
                let (_, inside) = split_top(inside(rest), 1);
                let taken = paint.wrapped(inside, why, Role::Error);
                paint.line_at(inside, taken, &[Cell::muted("T tests it again.")]);
            }
        }
    }

    fn remarks(&self, edit: Option<u64>, width: usize) -> Vec<Line> {
        let Some(outcome) = self.outcome() else { return Vec::new() };
        let mut remarks = trial::remarks(&outcome.report);
        if edit.is_none() {
            remarks.insert(
                0,
                (Role::Warn, "There is no draft any more: these numbers are of the one that was.".to_owned()),
            );
        } else if edit != Some(outcome.edit) {
            remarks.insert(0, (Role::Warn, "The draft was changed since: T tests it again.".to_owned()));
        }
        let mut lines: Vec<Line> = remarks
            .into_iter()
            .flat_map(|(role, text)| {
                let texts = wrapped(&text, width).into_iter();
                texts.map(move |text| vec![Cell::plain(" "), Cell::new(text, role)]).collect::<Vec<_>>()
            })
            .collect();
        if outcome.versions.deployed.is_some() && !outcome.report.differs() && outcome.report.looked_at() > 0 {
            lines.push(vec![Cell::plain(" "), Cell::new("The draft does nothing else to any record.", Role::Ok)]);
        }
        if lines.len() > MOST_REMARKS {
            let more = lines.len() + 1 - MOST_REMARKS;
            lines.truncate(MOST_REMARKS - 1);
            let text = format!(" and {}", format::counted(more as u64, "more line", "more lines"));
            lines.push(vec![Cell::muted(format!("{text}: `lockstep config test` shows all of it"))]);
        }
        lines
    }

    fn draw_numbers(&self, outcome: &Outcome, area: Rect, paint: &mut Paint<'_>) {
        let place = 1 + Count::ALL.iter().position(|count| *count == self.count).unwrap_or(0);
        // where there is no room for all, the column of the cursor stands beside the one for all
        let shown: Vec<usize> = match outcome.versions.deployed {
            None => vec![0, 1],
            Some(_) if usize::from(area.width) < ALL_COLUMNS => vec![0, 1, place.max(2)],
            Some(_) => (0..COLUMNS.len()).collect(),
        };
        let columns: Vec<_> = shown.iter().map(|at| COLUMNS[*at]).collect();
        let table = Table::new(&columns, usize::from(area.width).saturating_sub(2));
        let at = shown.iter().position(|at| *at == place).unwrap_or(0);
        let (head, rest) = split_top(area, 1);
        let mut header = table.header();
        header.insert(0, Cell::plain("  "));
        paint.line_at(head, 0, &header);
        self.list.draw_rows(rest, paint, |row, selected, _| {
            let marker = if selected { "▶ " } else { "  " };
            let mut line = vec![Cell::new(marker, Role::Key)];
            if row.key.about.is_none() {
                let [name, looked] = &row.cells[..] else { return line };
                line.extend([name.clone(), Cell::plain("  "), looked.clone()]);
                return clipped(&line, usize::from(area.width));
            }
            let mut cells: Vec<Cell> = shown.iter().filter_map(|at| row.cells.get(*at).cloned()).collect();
            if selected && let Some(cell) = cells.get_mut(at) {
                cell.role = Role::Focus;
            }
            line.extend(table.row(&cells));
            line
        });
    }

    /// What the number under the cursor counts.
    pub fn detail(&self, width: usize) -> Vec<Line> {
        let Some(row) = self.selected() else { return Vec::new() };
        let picks = self.count.of(row.number);
        let text = format!("{}: {}", format::capitalised(&row.title(self.count)), format::grouped(picks.total));
        let mut lines: Vec<Line> = wrapped(&text, width).into_iter().map(|text| vec![Cell::plain(text)]).collect();
        let kept = picks.records.len() as u64;
        if picks.total > kept {
            let text = format!("Enter lists the first {} of them.", format::grouped(kept));
            lines.push(vec![Cell::muted(text)]);
        }
        lines
    }
}

impl RowKey {
    fn of(row: &TrialRow<'_>) -> Self {
        let about = match row.about {
            About::Records(measure) => Counted::Records(measure),
            About::Field(field) => Counted::Field(field.clone()),
        };
        Self { object: row.object, about: Some(about) }
    }
}

fn wait_a_moment<M: Send + 'static>(turn: u64, ctx: &mut Ctx<'_, M>, wrap: fn(TrialMessage) -> M) {
    ctx.spawn(async move {
        tokio::time::sleep(APART).await;
        wrap(TrialMessage::Step(turn))
    });
}

fn running(progress: &Progress) -> Line {
    let (done, of) = progress.so_far();
    let percent =
        done.saturating_mul(100).checked_div(of).map_or_else(String::new, |percent| format!("{percent} %   "));
    vec![
        Cell::plain("  "),
        Cell::new("Being tested …  ", Role::Wait),
        Cell::strong(percent),
        Cell::plain(format!("{} of {} records of both systems", format::grouped(done), format::grouped(of))),
        Cell::muted("   Esc ends it"),
    ]
}

/// Nothing was looked at: what comes next.
fn teach(area: Rect, paint: &mut Paint<'_>) {
    let (_, inside) = split_top(inside(area), 1);
    let taken = paint.wrapped(inside, "No record was read yet, so there is nothing to test on.", Role::Text);
    let next = "Records are read once a version is deployed: D does that, and the first run can be looked at before with \
        `lockstep plan`.";
    paint.wrapped(split_top(inside, taken).1, next, Role::Muted);
}

fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area }
}

#[cfg(test)]
#[path = "trial_page_tests.rs"]
mod tests;
