//! A few lines of text that are being written, with one part of them marked as wrong.

use std::ops::Range;

use crossterm::event::KeyEvent;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;
use tui_textarea::{CursorMove, TextArea};
use unicode_width::UnicodeWidthChar;

use crate::model::text::printable;
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::row_of;
use crate::view::{Cell, Role};

/// Columns for the numbers of the lines.
const GUTTER: u16 = 4;

/// Stands for what is left out of a line.
const CUT: &str = "…";

pub struct Editor {
    area: TextArea<'static>,
}

impl Editor {
    pub fn new(text: &str) -> Self {
        let lines = if text.is_empty() { vec![String::new()] } else { text.lines().map(clean).collect() };
        let mut area = TextArea::new(lines);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self { area }
    }

    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether the text changed.
    pub fn key(&mut self, event: KeyEvent) -> bool {
        self.area.input(event)
    }

    pub fn paste(&mut self, text: &str) {
        let lines: Vec<_> = text.lines().map(clean).collect();
        self.area.insert_str(lines.join("\n"));
    }

    /// The place of the cursor, in bytes of the text.
    pub fn cursor(&self) -> usize {
        let cursor = self.area.cursor();
        let lines = self.area.lines();
        let before: usize = lines.iter().take(cursor.0).map(|line| line.len() + 1).sum();
        let line = lines.get(cursor.0).map_or("", String::as_str);
        before + line.char_indices().nth(cursor.1).map_or(line.len(), |(at, _)| at)
    }

    /// Puts the cursor at a place of the text, in bytes.
    pub fn go_to(&mut self, at: usize) {
        let (row, column) = self.place(at);
        let number = |n| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(number(row), number(column)));
    }

    /// Line and character of a place of the text.
    fn place(&self, at: usize) -> (usize, usize) {
        let mut left = at;
        for (row, line) in self.area.lines().iter().enumerate() {
            if left <= line.len() {
                return (row, line.char_indices().take_while(|(byte, _)| *byte < left).count());
            }
            left -= line.len() + 1;
        }
        (self.area.lines().len().saturating_sub(1), 0)
    }

    /// Puts `text` in place of a part of the line before the cursor.
    pub fn complete(&mut self, replace: &Range<usize>, text: &str) {
        let all = self.text();
        let typed = all.get(replace.clone()).map_or(0, |typed| typed.chars().count());
        for _ in 0..typed {
            self.area.delete_char();
        }
        self.area.insert_str(text);
    }

    /// Draws the lines; those parts of them that are `wrong`, in bytes of the text, are underlined. What is drawn is what is
    /// around the cursor; while nobody writes, around the first of the wrong parts. Notes stand at the right end of their
    /// lines, by number, where there is room.
    pub fn draw(
        &self,
        area: Rect,
        is_focused: bool,
        wrong: &[Range<usize>],
        notes: &[(usize, String)],
        paint: &mut Paint<'_>,
    ) {
        let cursor = self.area.cursor();
        let cursor = (cursor.0, cursor.1);
        let mistake = wrong.iter().map(|range| range.start).min().filter(|_| !is_focused);
        let middle = mistake.map_or(cursor, |at| self.place(at));
        let height = usize::from(area.height).max(1);
        let top = (middle.0 + 1).saturating_sub(height);
        let mut offset: usize = self.area.lines().iter().take(top).map(|line| line.len() + 1).sum();
        for (row, (at, line)) in (0..area.height).zip(self.area.lines().iter().enumerate().skip(top)) {
            let skip = if at == middle.0 { hidden(line, middle.1, area.width) } else { 0 };
            self.draw_line(row_of(area, row), at, (line, offset, skip), wrong, paint);
            if let Some((_, note)) = notes.iter().find(|(of, _)| *of == at) {
                let taken = usize::from(GUTTER) + line.chars().map(width).sum::<usize>();
                let (room, needs) = (usize::from(area.width), note.chars().map(width).sum::<usize>());
                if taken + needs + 2 <= room {
                    let x = area.right() - u16::try_from(needs).unwrap_or(area.width);
                    paint.line(Rect::new(x, area.y + row, area.right() - x, 1), &[Cell::muted(note)]);
                }
            }
            if is_focused && at == cursor.0 {
                let column: usize = line.chars().take(cursor.1).skip(skip).map(width).sum();
                let column = u16::try_from(column).unwrap_or(u16::MAX).saturating_add(u16::from(skip > 0));
                let x = (area.x + GUTTER).saturating_add(column);
                paint.cursor = Some(Position::new(x.min(area.right().saturating_sub(1)), area.y + row));
            }
            offset += line.len() + 1;
        }
    }

    fn draw_line(
        &self,
        area: Rect,
        at: usize,
        (line, offset, skip): (&str, usize, usize),
        wrong: &[Range<usize>],
        paint: &mut Paint<'_>,
    ) {
        let area = area.intersection(paint.buffer.area);
        if area.is_empty() {
            return;
        }
        let number = format!("{:>2}  ", at + 1);
        paint.buffer.set_stringn(area.x, area.y, &number, usize::from(area.width), paint.theme.style(Role::Muted));
        let plain = paint.theme.style(Role::Text);
        let marked = paint.theme.style(Role::Error).add_modifier(Modifier::UNDERLINED);
        let mut x = area.x + GUTTER;
        if skip > 0 {
            (x, _) = paint.buffer.set_stringn(x, area.y, CUT, 1, paint.theme.style(Role::Muted));
        }
        for (byte, c) in line.char_indices().skip(skip) {
            let end = x + u16::try_from(width(c)).unwrap_or(2);
            if end > area.right() || (end == area.right() && !is_last(line, byte, c)) {
                paint.buffer.set_stringn(x, area.y, CUT, 1, paint.theme.style(Role::Muted));
                break;
            }
            let is_wrong = wrong.iter().any(|range| range.contains(&(offset + byte)));
            let style = if is_wrong { marked } else { plain };
            let mut bytes = [0; 4];
            (x, _) = paint.buffer.set_stringn(x, area.y, &*c.encode_utf8(&mut bytes), 2, style);
        }
    }
}

/// Characters at the start of a line that are not shown, so that the one at `middle` is, with some of what follows it.
fn hidden(line: &str, middle: usize, columns: u16) -> usize {
    let room = usize::from(columns.saturating_sub(GUTTER + 1));
    let all: Vec<usize> = line.chars().map(width).collect();
    let mut used: usize = all.iter().sum();
    if used <= room {
        return 0;
    }
    let (mut shown, mut ahead) = (middle.min(all.len()), 0);
    while shown < all.len() && ahead < room / 3 {
        ahead += all[shown];
        shown += 1;
    }
    used = all[..shown].iter().sum();
    let mut skip = 0;
    // a column goes to the sign of what is left out, another to that of what follows
    while used + 2 > room && skip < middle {
        used -= all[skip];
        skip += 1;
    }
    skip
}

fn is_last(line: &str, byte: usize, c: char) -> bool {
    byte + c.len_utf8() == line.len()
}

fn clean(line: &str) -> String {
    printable(line).into_owned()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}
