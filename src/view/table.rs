//! Tables of cells: which columns fit into a width, and the rows laid out in them.
//!
//! The layout depends on the width alone, never on the rows, so that nothing jumps while scrolling.

use super::cell::{Align, Cell, Line, Role};

/// Blank columns between two columns of a table.
const GAP: usize = 1;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub title: &'static str,
    /// Terminal columns it has at least.
    pub min: usize,
    /// Its share of what is left over; zero: none.
    pub grow: usize,
    /// Terminal columns it has at most.
    pub max: usize,
    /// Shown only where the table is at least so wide.
    pub from_width: usize,
    pub align: Align,
}

impl Column {
    /// Always `width` columns wide.
    #[must_use]
    pub const fn fixed(title: &'static str, width: usize) -> Self {
        Self { title, min: width, grow: 0, max: width, from_width: 0, align: Align::Left }
    }

    /// At least `min` wide, and `grow` shares of the rest.
    #[must_use]
    pub const fn flexible(title: &'static str, min: usize, grow: usize) -> Self {
        Self { title, min, grow, max: usize::MAX, from_width: 0, align: Align::Left }
    }

    #[must_use]
    pub const fn at_most(mut self, max: usize) -> Self {
        self.max = max;
        self
    }

    #[must_use]
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// Left out where the table is narrower.
    #[must_use]
    pub const fn from_width(mut self, width: usize) -> Self {
        self.from_width = width;
        self
    }
}

/// Columns, laid out for one width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<(Column, Option<usize>)>,
}

impl Table {
    /// Gives every column its width. Columns that do not fit at all are left out, last ones first.
    #[must_use]
    pub fn new(columns: &[Column], width: usize) -> Self {
        let mut columns: Vec<_> =
            columns.iter().map(|column| (*column, (width >= column.from_width).then_some(column.min))).collect();
        while used(&columns) > width {
            let Some((_, last)) = columns.iter_mut().rev().find(|(_, taken)| taken.is_some()) else { break };
            *last = None;
        }
        share_out(&mut columns, width);
        Self { columns }
    }

    /// The width of each column, as drawn; none for one that is left out.
    #[must_use]
    pub fn widths(&self) -> Vec<Option<usize>> {
        self.columns.iter().map(|(_, width)| *width).collect()
    }

    #[must_use]
    pub fn header(&self) -> Line {
        let titles: Vec<_> = self.columns.iter().map(|(column, _)| Cell::muted(column.title)).collect();
        self.row(&titles)
    }

    /// One row; cells beyond the columns are ignored, missing ones are blank.
    #[must_use]
    pub fn row(&self, cells: &[Cell]) -> Line {
        let blank = Cell::empty();
        let mut line = Line::new();
        for (at, (column, width)) in self.columns.iter().enumerate() {
            let Some(width) = *width else { continue };
            if !line.is_empty() {
                line.push(Cell::new(" ".repeat(GAP), Role::Text));
            }
            line.push(cells.get(at).unwrap_or(&blank).fitted(width, column.align));
        }
        line
    }

    /// Header and rows.
    #[must_use]
    pub fn lines<'a>(&self, rows: impl IntoIterator<Item = &'a [Cell]>) -> Vec<Line> {
        std::iter::once(self.header()).chain(rows.into_iter().map(|row| self.row(row))).collect()
    }
}

fn used(columns: &[(Column, Option<usize>)]) -> usize {
    let shown = columns.iter().filter_map(|(_, width)| *width);
    let (sum, count) = shown.fold((0, 0), |(sum, count), width| (sum + width, count + 1));
    sum + GAP * usize::saturating_sub(count, 1)
}

/// Hands out the columns of the terminal that are left, one at a time to whoever has the least for its share.
fn share_out(columns: &mut [(Column, Option<usize>)], width: usize) {
    let mut rest = width.saturating_sub(used(columns));
    while rest > 0 {
        let neediest = columns
            .iter_mut()
            .filter(|(column, taken)| column.grow > 0 && taken.is_some_and(|taken| taken < column.max))
            .min_by_key(|(column, taken)| taken.unwrap_or(0) * 1000 / column.grow);
        let Some((_, Some(taken))) = neediest else { return };
        *taken += 1;
        rest -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::cell::line_text;

    const COLUMNS: [Column; 4] = [
        Column::fixed("state", 6),
        Column::flexible("name", 6, 2),
        Column::flexible("why", 4, 1).at_most(10),
        Column::fixed("n", 3).right().from_width(40),
    ];

    #[test]
    fn a_layout_uses_the_whole_width_and_leaves_out_what_has_no_room() {
        let cases: [(usize, [Option<usize>; 4]); 5] = [
            (50, [Some(6), Some(28), Some(10), Some(3)]),
            (30, [Some(6), Some(15), Some(7), None]),
            (18, [Some(6), Some(6), Some(4), None]),
            (13, [Some(6), Some(6), None, None]),
            (3, [None, None, None, None]),
        ];
        for (width, expected) in cases {
            assert_eq!(Table::new(&COLUMNS, width).widths(), expected, "at {width}");
        }
    }

    #[test]
    fn rows_stand_under_their_headings() {
        let table = Table::new(&COLUMNS, 40);
        let row = [Cell::plain("held"), Cell::plain("Acme"), Cell::plain("two twins here"), Cell::plain("7")];
        assert_eq!(line_text(&table.header()), "state  name                why         n");
        assert_eq!(line_text(&table.row(&row)), "held   Acme                two twin…   7");
        assert_eq!(line_text(&table.row(&row[..1])), "held");
    }
}
