//! The table below the columns: each mapped object, how far either system's records are known, and what may be done.

use super::Connections;
use super::columns::LABEL;
use crate::model::System;
use crate::tui::widgets::Paint;
use crate::tui::widgets::list::marked;
use crate::view::cell::Align;
use crate::view::objects::{ObjectRow, amount};
use crate::view::{Cell, Line, Role, format};

/// Columns of the number of records, and of their age.
const RECORDS: usize = 7;
const READ: usize = 9;

/// The lines that the whole table takes, with the one that sets it apart.
pub const fn height(tab: &Connections) -> usize {
    match tab.objects.rows.len() {
        0 => 0,
        rows => rows + 2,
    }
}

/// At most `room` lines; where they are too few, the selected row is among them.
pub fn lines(tab: &Connections, width: usize, room: usize, paint: &mut Paint<'_>) -> Vec<Line> {
    let rows = &tab.objects.rows;
    if rows.is_empty() || room < 3 {
        return Vec::new();
    }
    let column = width.saturating_sub(LABEL) / 2;
    let selected = rows.iter().position(|row| Some(row.object) == tab.object);
    let shown = rows.len().min(room - 2);
    let top = (selected.unwrap_or(0) + 1).saturating_sub(shown);
    let rows = rows[top..top + shown].iter().map(|row| line(tab, row, column, paint));
    let mut lines = vec![Line::new(), header(column)];
    lines.extend(rows);
    lines
}

fn header(column: usize) -> Line {
    let mut line = vec![Cell::muted("object").fitted(LABEL - 2, Align::Left)];
    for _ in System::BOTH {
        line.extend(group([Cell::muted("records"), Cell::muted("last read"), Cell::muted("rights")], column));
    }
    marked(false, line)
}

fn line(tab: &Connections, row: &ObjectRow, column: usize, paint: &mut Paint<'_>) -> Line {
    let is_selected = tab.object == Some(row.object);
    let mut line = vec![Cell::plain(row.object.plural()).fitted(LABEL - 2, Align::Left)];
    for system in System::BOTH {
        let (side, world) = (&row.sides[system], paint.world);
        let role = if is_selected && tab.system() == system { Role::Focus } else { Role::of(system) };
        let read = match side.read {
            Some(at) => {
                paint.ages(at);
                Cell::plain(format::age_at(at, world.now))
            }
            None if side.known > 0 => Cell::new("reading", Role::Wait),
            None => Cell::muted(format::NONE),
        };
        let paused = world.snapshot.pauses.stops(row.object, system).is_some();
        let rights = tab.objects.rights(row.object, system, paused);
        line.extend(group([Cell::new(amount(side.known), role), read, rights], column));
    }
    marked(is_selected, line)
}

/// What is said of one system, as wide as its column above.
fn group([records, read, rights]: [Cell; 3], column: usize) -> Line {
    let rest = column.saturating_sub(RECORDS + READ + 4);
    vec![
        records.fitted(RECORDS, Align::Right),
        Cell::plain("  "),
        read.fitted(READ, Align::Right),
        Cell::plain("  "),
        rights.fitted(rest, Align::Left),
    ]
}
