//! The smallest thing on a screen: a text with a role. Colours and glyph twins belong to whoever draws it.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use crate::model::System;
use crate::model::text::printable;

/// What a text means; the theme turns it into a colour, plain output ignores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    #[default]
    Text,
    /// Headings and names.
    Strong,
    /// Less important: rules, hints, unchanged values.
    Muted,
    Ok,
    /// Under way, or waits by itself.
    Wait,
    /// Needs a person.
    Warn,
    Error,
    /// Comes from HubSpot.
    Left,
    /// Comes from ConnectWise.
    Right,
    /// A key to press.
    Key,
    /// What is selected or being edited.
    Focus,
}

impl Role {
    /// The role of things that come from that system.
    #[must_use]
    pub const fn of(system: System) -> Self {
        match system {
            System::HubSpot => Self::Left,
            System::ConnectWise => Self::Right,
        }
    }
}

/// A text with its role. The text is safe to show: control and direction-changing characters are replaced on the way in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    pub role: Role,
}

impl Cell {
    #[must_use]
    pub fn new(text: impl AsRef<str>, role: Role) -> Self {
        Self { text: printable(text.as_ref()).into_owned(), role }
    }

    #[must_use]
    pub fn plain(text: impl AsRef<str>) -> Self {
        Self::new(text, Role::Text)
    }

    #[must_use]
    pub fn muted(text: impl AsRef<str>) -> Self {
        Self::new(text, Role::Muted)
    }

    #[must_use]
    pub fn strong(text: impl AsRef<str>) -> Self {
        Self::new(text, Role::Strong)
    }

    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In columns of a terminal.
    #[must_use]
    pub fn width(&self) -> usize {
        self.text.width()
    }

    /// The same cell, cut and filled to exactly `width` columns.
    #[must_use]
    pub fn fitted(&self, width: usize, align: Align) -> Self {
        let text = match align {
            Align::Left => super::format::fit(&self.text, width),
            Align::Right => super::format::fit_right(&self.text, width),
        };
        Self { text, role: self.role }
    }
}

/// To which side a column keeps its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    #[default]
    Left,
    Right,
}

/// One line of cells, shown one after the other without gaps.
pub type Line = Vec<Cell>;

/// The line as text, without roles and without blanks at its end.
#[must_use]
pub fn line_text(line: &[Cell]) -> String {
    let text: String = line.iter().map(Cell::text).collect();
    text.trim_end().to_owned()
}

/// Lines as text, each ended by a line break.
#[must_use]
pub fn plain_text(lines: &[Line]) -> String {
    lines.iter().map(|line| line_text(line) + "\n").collect()
}

/// The width of a line in columns.
#[must_use]
pub fn line_width(line: &[Cell]) -> usize {
    line.iter().map(Cell::width).sum()
}

/// The line cut to `width` columns; a cut is marked with `…`.
#[must_use]
pub fn clipped(line: &[Cell], width: usize) -> Line {
    let mut left = width;
    let mut out = Line::new();
    for cell in line {
        let needed = cell.width();
        if needed > left {
            let text = super::format::truncate(cell.text(), left).into_owned();
            out.push(Cell { text, role: cell.role });
            break;
        }
        left -= needed;
        out.push(cell.clone());
    }
    out
}

/// One line with `left` at its start and `right` at its end, `width` columns in all; the left one gives way.
#[must_use]
pub fn spread(left: &[Cell], right: &[Cell], width: usize) -> Line {
    let right = clipped(right, width);
    let room = width.saturating_sub(line_width(&right));
    let mut line = clipped(left, room.saturating_sub(usize::from(!right.is_empty())));
    let gap = room.saturating_sub(line_width(&line));
    line.push(Cell { text: " ".repeat(gap), role: Role::Text });
    line.extend(right);
    line
}

/// Text broken at words into lines of at most `width` columns; longer words are cut.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let safe = printable(text);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in safe.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if !line.is_empty() && line.width() + gap + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let word: Cow<'_, str> = super::format::truncate(word, width);
        line.push_str(&word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// One line broken at words into lines of at most `width` columns, every word in its role; what follows the first is
/// indented by `indent`. A line that fits stays as it is; longer words are cut.
#[must_use]
pub fn flowed(line: &[Cell], width: usize, indent: usize) -> Vec<Line> {
    if line_width(line) <= width {
        return vec![line.to_vec()];
    }
    let mut lines = vec![Line::new()];
    let (mut used, mut gap) = (0, String::new());
    for cell in line {
        for word in cell.text.split_inclusive(' ') {
            let bare = word.trim_end_matches(' ');
            let needed = gap.width() + bare.width();
            if used + needed > width && used > indent && !bare.is_empty() {
                lines.push(vec![Cell::plain(" ".repeat(indent))]);
                (used, gap) = (indent, String::new());
            }
            let text = super::format::truncate(bare, width.saturating_sub(used + gap.width())).into_owned();
            used += gap.width() + text.width();
            if let Some(last) = lines.last_mut() {
                last.push(Cell { text: std::mem::take(&mut gap) + &text, role: cell.role });
            }
            gap.push_str(&word[bare.len()..]);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_never_holds_what_a_terminal_could_obey() {
        assert_eq!(Cell::plain("Acme\u{1b}[2J\u{202e}").text(), "Acme\u{fffd}[2J\u{fffd}");
    }

    #[test]
    fn the_left_part_of_a_line_gives_way_to_the_right_one() {
        let left = [Cell::plain("Companies › Acme Dental Group")];
        let right = [Cell::plain("in sync")];
        let cases = [
            (40, "Companies › Acme Dental Group    in sync"),
            (20, "Companies ›… in sync"),
            (7, "in sync"),
            (4, "in …"),
        ];
        for (width, expected) in cases {
            assert_eq!(line_text(&spread(&left, &right, width)), expected, "at {width}");
        }
    }

    #[test]
    fn a_line_of_cells_is_broken_at_words_and_what_follows_is_indented() {
        let line = [Cell::muted("Companies   "), Cell::plain("+38 −2 updated in ConnectWise, +3 held")];
        let shown = |width| flowed(&line, width, 2).iter().map(|line| line_text(line)).collect::<Vec<_>>();
        assert_eq!(shown(60), ["Companies   +38 −2 updated in ConnectWise, +3 held"]);
        assert_eq!(shown(30), ["Companies   +38 −2 updated in", "  ConnectWise, +3 held"]);
        assert_eq!(shown(8), ["Compani…", "  +38 −2", "  updat…", "  in", "  Conne…", "  +3", "  held"]);
        assert!(flowed(&line, 30, 2)[0].iter().any(|cell| cell.role == Role::Muted));
    }

    #[test]
    fn text_is_broken_at_words() {
        assert_eq!(wrapped("map it or leave the option out", 10), ["map it or", "leave the", "option out"]);
        assert_eq!(wrapped("", 10), [""]);
        assert_eq!(wrapped("Donaudampfschiff fährt", 8), ["Donauda…", "fährt"]);
    }
}
