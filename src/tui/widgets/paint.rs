//! The brush: puts lines of cells into an area of the screen, whatever their length and its size.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::Timestamp;
use crate::tui::theme::Theme;
use crate::tui::world::World;
use crate::view::cell::{clipped, wrapped};
use crate::view::{Cell, Line, Role};

/// Draws into a buffer; never outside of it.
pub struct Paint<'a> {
    pub buffer: &'a mut Buffer,
    pub theme: &'a Theme,
    pub world: &'a World,
    /// Where the terminal's cursor stands, if it is to be seen.
    pub cursor: Option<Position>,
    ages: Option<Duration>,
}

impl<'a> Paint<'a> {
    #[must_use]
    pub const fn new(buffer: &'a mut Buffer, theme: &'a Theme, world: &'a World) -> Self {
        Self { buffer, theme, world, cursor: None, ages: None }
    }

    /// One line at the top of `area`, cut to its width.
    pub fn line(&mut self, area: Rect, line: &[Cell]) {
        let area = area.intersection(self.buffer.area);
        if area.is_empty() {
            return;
        }
        let mut x = area.x;
        for cell in clipped(line, usize::from(area.width)) {
            let room = area.right().saturating_sub(x);
            let style = self.theme.style(cell.role);
            (x, _) = self.buffer.set_stringn(x, area.y, cell.text(), usize::from(room), style);
            if x >= area.right() {
                return;
            }
        }
    }

    /// The line in the row `row` of `area`, if it has so many.
    pub fn line_at(&mut self, area: Rect, row: u16, line: &[Cell]) {
        self.line(row_of(area, row), line);
    }

    /// Lines from the top of `area`, as many as it has rows.
    pub fn lines(&mut self, area: Rect, lines: &[Line]) {
        for (row, line) in (0..area.height).zip(lines) {
            self.line_at(area, row, line);
        }
    }

    /// A text broken at words; gives the number of rows it took.
    pub fn wrapped(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let lines: Vec<Line> =
            wrapped(text, usize::from(area.width)).into_iter().map(|line| vec![Cell::new(line, role)]).collect();
        self.lines(area, &lines);
        u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height)
    }

    /// A horizontal rule over the width of `area`, in its first row.
    pub fn rule(&mut self, area: Rect) {
        self.line(area, &[Cell::muted("─".repeat(usize::from(area.width)))]);
    }

    /// Empties the area and draws a box around it; gives the inside.
    pub fn boxed(&mut self, area: Rect, title: &str) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect::ZERO;
        }
        self.clear(area);
        let inner_width = usize::from(area.width - 2);
        let title = if title.is_empty() { String::new() } else { format!(" {title} ") };
        let title = clipped(&[Cell::strong(title)], inner_width.saturating_sub(1));
        let rest = inner_width.saturating_sub(1 + crate::view::cell::line_width(&title));
        let mut top = vec![Cell::muted("┌─")];
        top.extend(title);
        top.push(Cell::muted("─".repeat(rest) + "┐"));
        self.line(area, &top);
        for row in 1..area.height - 1 {
            self.line_at(area, row, &[Cell::muted("│")]);
            self.line(Rect::new(area.right() - 1, area.y + row, 1, 1), &[Cell::muted("│")]);
        }
        self.line_at(area, area.height - 1, &[Cell::muted(format!("└{}┘", "─".repeat(inner_width)))]);
        Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2)
    }

    /// Blanks the area. A wide character that reaches into it is taken away too.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            if area.x > 0 && self.buffer.cell((area.x - 1, y)).is_some_and(|cell| is_wide(cell.symbol())) {
                self.buffer[(area.x - 1, y)].reset();
            }
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// Says that the age of `then` is on the screen, so that it is kept right while nothing else happens.
    pub fn ages(&mut self, then: Timestamp) {
        let age = self.world.now.since(then).max(then.since(self.world.now)).as_secs();
        let step = match age {
            0..90 => 10,
            90..5400 => 60,
            _ => 3600,
        };
        let step = Duration::from_secs(step);
        self.ages = Some(self.ages.map_or(step, |known| known.min(step)));
    }

    /// How soon a text on the screen may be out of date; none when nothing on it ages.
    #[must_use]
    pub const fn next_ageing(&self) -> Option<Duration> {
        self.ages
    }
}

fn is_wide(symbol: &str) -> bool {
    unicode_width::UnicodeWidthStr::width(symbol) > 1
}

/// The row of that number of an area; empty beyond its end.
#[must_use]
pub fn row_of(area: Rect, row: u16) -> Rect {
    if row >= area.height {
        return Rect::ZERO;
    }
    Rect { y: area.y + row, height: 1, ..area }
}

/// Cuts `rows` rows off the top: them, and the rest.
#[must_use]
pub fn split_top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    (Rect { height: rows, ..area }, Rect { y: area.y + rows, height: area.height - rows, ..area })
}
