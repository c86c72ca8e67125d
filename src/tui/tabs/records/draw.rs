//! What the Records tab looks like: the list, or one record.

use ratatui::layout::Rect;

use super::Records;
use super::open::{Found, Open};
use crate::tui::tabs::{objects, steady};
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::tui::world::World;
use crate::view::cell::{spread, wrapped};
use crate::view::{Cell, Line, Role, diff, format, record_list, why};

pub fn body(tab: &Records, area: Rect, paint: &mut Paint<'_>) {
    match &tab.open {
        Some(open) => record(open, area, paint),
        None => list(tab, area, paint),
    }
}

/// What most rows of the list, and most fields of a record, need to say why they are as they are.
const LINES_OF_ROW: usize = 2;
const LINES_OF_FIELD: usize = 4;

pub fn detail(tab: &Records, width: usize, world: &World) -> Vec<Line> {
    let Some(open) = &tab.open else { return steady(row_detail(tab, width, world), LINES_OF_ROW) };
    let Some(opened) = open.here() else { return Vec::new() };
    let panel = opened.panel(world.now);
    let lines = match open.field() {
        Some(field) => why::field_lines(&panel, field, width),
        None => why::record_lines(&panel, width),
    };
    steady(lines, LINES_OF_FIELD)
}

/// Why the record under the cursor is in the state it is in.
fn row_detail(tab: &Records, width: usize, world: &World) -> Vec<Line> {
    let Some(row) = tab.list.selected() else { return Vec::new() };
    let head = vec![
        Cell::strong(&row.name),
        Cell::plain("  "),
        Cell::new(row.state.word(), record_list::state_role(row.state)),
        Cell::muted(format!(" for {}", format::age_at(row.since, world.now))),
    ];
    let why = if row.why.is_empty() { Vec::new() } else { wrapped(&row.why, width) };
    std::iter::once(head).chain(why.into_iter().map(|text| vec![Cell::plain(text)])).collect()
}

fn list(tab: &Records, area: Rect, paint: &mut Paint<'_>) {
    let width = usize::from(area.width).saturating_sub(2);
    let (head, rest) = split_top(area, 2);
    let mut states = record_list::state_tabs(tab.wanted.object, &tab.totals.states, tab.wanted.state, width);
    states.insert(0, Cell::plain(" "));
    paint.line_at(head, 0, &states);
    paint.line_at(head, 1, &search_line(tab, width));
    if tab.list.is_empty() {
        return teach(tab, rest, paint);
    }
    tab.list.draw(rest, paint, &record_list::COLUMNS, 1, |row, paint| {
        paint.ages(row.since);
        record_list::row(row, paint.world.now)
    });
}

/// ` / acme                        4 of 3,012`.
fn search_line(tab: &Records, width: usize) -> Line {
    let searched = &tab.wanted.search;
    let left = if let Some(picked) = tab.wanted.these.as_ref().filter(|_| searched.is_empty()) {
        vec![
            Cell::new(format!(" {}", picked.title), Role::Focus),
            Cell::muted(format!("   Esc back to {}", tab.from.title())),
        ]
    } else if searched.is_empty() {
        vec![Cell::muted(format!(
            " / finds by name or id   ← → states{}",
            objects::hint(tab.wanted.object, &tab.objects())
        ))]
    } else {
        vec![Cell::new(" / ", Role::Key), Cell::plain(searched)]
    };
    let all = tab.wanted.these.as_ref().map_or_else(|| tab.totals.all(), |picked| picked.total);
    let right = format!("{} of {}", format::grouped(tab.totals.listed), format::grouped(all));
    spread(&left, &[Cell::muted(right)], width + 1)
}

/// An empty list says why it is empty and what comes next.
fn teach(tab: &Records, area: Rect, paint: &mut Paint<'_>) {
    if !tab.list.is_loaded() {
        return paint.lines(area, &[Line::new(), vec![Cell::muted("  Reading …")]]);
    }
    let objects = tab.wanted.object.plural().to_lowercase();
    let (what, next) = match (&tab.wanted.search, tab.wanted.state) {
        (search, _) if !search.is_empty() => (
            format!("Nothing is called “{search}”, and nothing has that id."),
            "A name, part of one, or an id of either system finds a record. Esc ends the search.".to_owned(),
        ),
        (_, None) if tab.wanted.these.is_some() => {
            ("None of them is there any more.".to_owned(), format!("Esc goes back to {}.", tab.from.title()))
        }
        (_, Some(state)) => (
            format!("No {objects} are in the state “{state}”."),
            "← and → go through the states, Esc shows all.".to_owned(),
        ),
        (_, None) => (
            format!("No {objects} are known yet."),
            "1 shows whether both systems are connected, s looks at both now.".to_owned(),
        ),
    };
    let line = |text: &str, role| vec![Cell::plain("  "), Cell::new(text, role)];
    let room = usize::from(area.width).saturating_sub(3);
    let next = wrapped(&next, room).into_iter().map(|text| line(&text, Role::Muted));
    let lines: Vec<Line> = [Line::new(), line(&what, Role::Text)].into_iter().chain(next).collect();
    paint.lines(area, &lines);
}

fn record(open: &Open, area: Rect, paint: &mut Paint<'_>) {
    let opened = match &open.found {
        Found::Here(opened) => opened,
        other => return absent(open, other, area, paint),
    };
    let now = paint.world.now;
    let panel = opened.panel(now);
    for observation in [&opened.observations.hubspot, &opened.observations.connectwise].into_iter().flatten() {
        paint.ages(observation.seen);
    }
    let width = usize::from(area.width).saturating_sub(2);
    let (head, rest) = split_top(area, 3);
    for (row, mut line) in (0..).zip(panel.header(width)) {
        line.insert(0, Cell::plain(" "));
        paint.line_at(head, row, &line);
    }
    paint.rule(row_of(head, 2));
    let (fields, footer) = split_top(rest, rest.height.saturating_sub(1));
    open.fields.draw(fields, paint, &diff::COLUMNS, 0, |row, _| row.cells.clone());
    let mut line = vec![Cell::plain("  "), Cell::muted(panel.footer(open.shown))];
    line.extend([Cell::plain("   "), Cell::plain(why::verdict(&opened.plan))]);
    paint.line(row_of(footer, 0), &line);
}

/// There is no such record, or not yet.
fn absent(open: &Open, found: &Found, area: Rect, paint: &mut Paint<'_>) {
    let (what, next, role) = match found {
        Found::Reading => ("Reading …".to_owned(), "", Role::Muted),
        Found::Failed(why) => (why.clone(), "It is read again with the next change; Esc goes back.", Role::Error),
        Found::Missing | Found::Here(_) => {
            (format!("Nothing is known of {}.", open.record), "A sync reads it; Esc goes back to the list.", Role::Text)
        }
    };
    let inside = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(4), ..area };
    let (_, inside) = split_top(inside, 1);
    let taken = paint.wrapped(inside, &what, role);
    paint.line_at(inside, taken, &[Cell::muted(next)]);
}
