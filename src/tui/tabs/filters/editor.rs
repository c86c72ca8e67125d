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

    /// Puts `text` in place of a part of the line before the cursor.
    pub fn complete(&mut self, replace: &Range<usize>, text: &str) {
        let all = self.text();
        let typed = all.get(replace.clone()).map_or(0, |typed| typed.chars().count());
        for _ in 0..typed {
            self.area.delete_char();
        }
        self.area.insert_str(text);
    }

    /// Draws the lines; those parts of them that are `wrong`, in bytes of the text, are underlined. Notes stand at the right
    /// end of their lines, by number, where there is room.
    pub fn draw(
        &self,
        area: Rect,
        is_focused: bool,
        wrong: &[Range<usize>],
        notes: &[(usize, String)],
        paint: &mut Paint<'_>,
    ) {
        let cursor = self.area.cursor();
        let height = usize::from(area.height).max(1);
        let top = (cursor.0 + 1).saturating_sub(height);
        let mut offset: usize = self.area.lines().iter().take(top).map(|line| line.len() + 1).sum();
        for (row, (at, line)) in (0..area.height).zip(self.area.lines().iter().enumerate().skip(top)) {
            let skip = self.hidden(at, line, area.width);
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
                let x = area.x + GUTTER + u16::try_from(column).unwrap_or(u16::MAX);
                paint.cursor = Some(Position::new(x.min(area.right().saturating_sub(1)), area.y + row));
            }
            offset += line.len() + 1;
        }
    }

    /// Characters at the start of the line that are not shown, so that the cursor is.
    fn hidden(&self, at: usize, line: &str, columns: u16) -> usize {
        let cursor = self.area.cursor();
        if at != cursor.0 {
            return 0;
        }
        let room = usize::from(columns.saturating_sub(GUTTER + 1));
        let before: Vec<usize> = line.chars().take(cursor.1).map(width).collect();
        let mut used: usize = before.iter().sum();
        let mut skip = 0;
        while used > room && skip < before.len() {
            used -= before[skip];
            skip += 1;
        }
        skip
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
        for (byte, c) in line.char_indices().skip(skip) {
            if x + u16::try_from(width(c)).unwrap_or(2) > area.right() {
                break;
            }
            let is_wrong = wrong.iter().any(|range| range.contains(&(offset + byte)));
            let style = if is_wrong { marked } else { plain };
            let mut bytes = [0; 4];
            (x, _) = paint.buffer.set_stringn(x, area.y, &*c.encode_utf8(&mut bytes), 2, style);
        }
    }
}

fn clean(line: &str) -> String {
    printable(line).into_owned()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}
