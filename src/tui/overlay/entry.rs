//! Overlays to write a line of text: a question, and the search in the status line.

use ratatui::layout::{Position, Rect};
use tui_textarea::TextArea;

use super::{Outcome, centered, keys, pressed};
use crate::model::text::printable;
use crate::tui::action::Key;
use crate::tui::ctx::Effect;
use crate::tui::tab::Input;
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::row_of;
use crate::view::cell::spread;
use crate::view::{Cell, Role};

/// One line that is being written.
struct Entry {
    area: TextArea<'static>,
}

impl Entry {
    fn new(text: &str) -> Self {
        let mut area = TextArea::new(vec![printable(text).into_owned()]);
        area.move_cursor(tui_textarea::CursorMove::End);
        area.set_cursor_line_style(ratatui::style::Style::new());
        Self { area }
    }

    fn text(&self) -> String {
        self.area.lines().concat()
    }

    /// Whether the text changed.
    fn input(&mut self, input: &Input) -> bool {
        match input {
            Input::Key(event) => self.area.input(*event),
            Input::Paste(text) => self.area.insert_str(printable(text).as_ref()),
        }
    }

    /// Draws the part around the cursor, and puts the terminal's cursor there.
    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        let area = area.intersection(paint.buffer.area);
        if area.is_empty() {
            return;
        }
        let text = self.text();
        let before: Vec<char> = text.chars().take(self.area.cursor().1).collect();
        let room = usize::from(area.width).saturating_sub(1);
        let start = start_of_view(&before, room);
        let shown: String = text.chars().skip(start).collect();
        let column: usize = before[start..].iter().map(|c| width(*c)).sum();
        paint.buffer.set_stringn(area.x, area.y, &shown, usize::from(area.width), paint.theme.style(Role::Text));
        let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width - 1);
        paint.cursor = Some(Position::new(area.x + column, area.y));
    }
}

fn width(c: char) -> usize {
    unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)
}

/// The first character to show so that all of the rest before the cursor has room.
fn start_of_view(before: &[char], room: usize) -> usize {
    let mut used = 0;
    for (at, c) in before.iter().enumerate().rev() {
        used += width(*c);
        if used > room {
            return at + 1;
        }
    }
    0
}

type Submit = Box<dyn FnOnce(String) -> Effect>;

/// Asks for a line of text.
pub struct Prompt {
    title: String,
    hint: String,
    entry: Entry,
    submit: Option<Submit>,
}

impl Prompt {
    /// `text` is what stands there at first.
    #[must_use]
    pub fn new(title: impl Into<String>, text: &str, hint: impl Into<String>) -> Self {
        Self { title: title.into(), hint: hint.into(), entry: Entry::new(text), submit: None }
    }

    pub(in crate::tui) fn then(mut self, submit: Submit) -> Self {
        self.submit = Some(submit);
        self
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if pressed(input, Key::ESC) {
            return Outcome::Close;
        }
        if pressed(input, Key::ENTER) {
            let text = self.entry.text();
            return self.submit.take().map_or(Outcome::Close, |submit| Outcome::Done(submit(text)));
        }
        self.entry.input(input);
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let inside = paint.boxed(centered(screen, 64, 5), &self.title);
        self.entry.draw(row_of(inside, 0), paint);
        paint.line_at(inside, 1, &[Cell::muted(&self.hint)]);
        let footer = keys(&[("Esc", "cancel"), ("Enter", "ok")]);
        paint.line_at(inside, 2, &spread(&[], &footer, usize::from(inside.width)));
    }
}

/// The text to search the tab for, in the status line. Every change is searched for at once.
pub struct Search {
    entry: Entry,
}

impl Search {
    #[must_use]
    pub fn new(query: &str) -> Self {
        Self { entry: Entry::new(query) }
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if pressed(input, Key::ENTER) {
            return Outcome::Close;
        }
        if pressed(input, Key::ESC) {
            let is_empty = self.entry.text().is_empty();
            self.entry = Entry::new("");
            return if is_empty { Outcome::Close } else { Outcome::Search(String::new()) };
        }
        if self.entry.input(input) { Outcome::Search(self.entry.text()) } else { Outcome::Stay }
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let line = row_of(screen, screen.height.saturating_sub(1));
        paint.clear(line);
        let hints = keys(&[("Enter", "keep"), ("Esc", "clear")]);
        paint.line(line, &spread(&[Cell::new(" /", Role::Key)], &hints, usize::from(line.width)));
        let taken = crate::view::cell::line_width(&hints) + 4;
        let room = usize::from(line.width).saturating_sub(taken);
        let entry = Rect { x: line.x + 3.min(line.width), width: u16::try_from(room).unwrap_or(0), ..line };
        self.entry.draw(entry, paint);
    }
}
