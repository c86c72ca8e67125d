//! Overlays to choose from a list: every action by a few letters of its name, and menus of a tab's own.

use std::cell::Cell as Slot;

use crossterm::event::{KeyCode, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::{Position, Rect};

use super::{Outcome, centered, pressed};
use crate::model::text::printable;
use crate::tui::action::Key;
use crate::tui::ctx::Effect;
use crate::tui::tab::Input;
use crate::tui::widgets::Paint;
use crate::tui::widgets::list::marked;
use crate::tui::widgets::paint::split_top;
use crate::view::cell::{Align, line_width, spread};
use crate::view::{Cell, Role};

/// One thing to choose.
#[derive(Debug, Clone)]
pub struct Command {
    pub name: String,
    pub doc: String,
    pub keys: String,
    /// Why it can't be chosen now.
    pub not_now: Option<String>,
}

/// A filter over a list, and the choice in it.
struct Chooser {
    commands: Vec<Command>,
    query: String,
    /// Indices of the commands that fit, best first.
    fitting: Vec<usize>,
    at: usize,
    top: Slot<usize>,
}

impl Chooser {
    fn new(commands: Vec<Command>) -> Self {
        let fitting = (0..commands.len()).collect();
        Self { commands, query: String::new(), fitting, at: 0, top: Slot::new(0) }
    }

    fn filter(&mut self) {
        let pattern = Pattern::parse(&self.query, CaseMatching::Ignore, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, command) in self.commands.iter().enumerate() {
            let text = format!("{} {}", command.name, command.doc);
            if let Some(score) = pattern.score(Utf32Str::new(&text, &mut buffer), &mut matcher) {
                scored.push((score, at));
            }
        }
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        self.fitting = scored.into_iter().map(|(_, at)| at).collect();
        self.at = 0;
    }

    fn chosen(&self) -> Option<usize> {
        self.fitting.get(self.at).copied().filter(|at| self.commands[*at].not_now.is_none())
    }

    fn input(&mut self, input: &Input) {
        let last = self.fitting.len().saturating_sub(1);
        match input {
            Input::Paste(text) => self.query.push_str(&printable(text)),
            Input::Key(event) => match event.code {
                KeyCode::Up => return self.at = self.at.saturating_sub(1),
                KeyCode::Down => return self.at = (self.at + 1).min(last),
                KeyCode::PageUp => return self.at = self.at.saturating_sub(10),
                KeyCode::PageDown => return self.at = (self.at + 10).min(last),
                KeyCode::Backspace => drop(self.query.pop()),
                KeyCode::Char('u') if event.modifiers == KeyModifiers::CONTROL => self.query.clear(),
                KeyCode::Char(c) if (event.modifiers - KeyModifiers::SHIFT).is_empty() => self.query.push(c),
                _ => return,
            },
        }
        self.filter();
    }

    fn draw(&self, screen: Rect, title: &str, paint: &mut Paint<'_>) {
        let rows = u16::try_from(self.commands.len() + 4).unwrap_or(u16::MAX).min(screen.height * 3 / 4).max(6);
        let inside = paint.boxed(centered(screen, self.columns(), rows), title);
        let (entry, list) = split_top(inside, 1);
        let line = [Cell::new(":", Role::Key), Cell::plain(" "), Cell::plain(&self.query)];
        paint.line(entry, &line);
        let column = u16::try_from(line_width(&line)).unwrap_or(u16::MAX).min(entry.width.saturating_sub(1));
        paint.cursor = (!entry.is_empty()).then(|| Position::new(entry.x + column, entry.y));
        if self.fitting.is_empty() {
            paint.line_at(list, 0, &[Cell::muted("  Nothing fits. Backspace takes a letter away.")]);
        }
        self.draw_rows(list, paint);
    }

    /// As wide as the widest line, within reason; the same while letters are typed.
    fn columns(&self) -> u16 {
        let rows = self.commands.iter();
        let widest =
            rows.map(|command| self.names() + Cell::plain(&command.doc).width() + command.keys.len() + 4).max();
        u16::try_from(widest.unwrap_or(0)).unwrap_or(u16::MAX).saturating_add(6).clamp(60, 100)
    }

    /// Columns that the names take.
    fn names(&self) -> usize {
        self.commands.iter().map(|command| Cell::plain(&command.name).width()).max().unwrap_or(0).clamp(8, 22)
    }

    fn draw_rows(&self, area: Rect, paint: &mut Paint<'_>) {
        let height = usize::from(area.height);
        let top = self.top.get().min(self.at).max((self.at + 1).saturating_sub(height));
        self.top.set(top);
        for (row, (place, at)) in (0..area.height).zip(self.fitting.iter().enumerate().skip(top)) {
            let command = &self.commands[*at];
            let is_chosen = place == self.at;
            let role = match (&command.not_now, is_chosen) {
                (_, true) => Role::Focus,
                (Some(_), false) => Role::Muted,
                (None, false) => Role::Strong,
            };
            let doc = command.not_now.as_deref().unwrap_or(&command.doc);
            let name_width = self.names().min(usize::from(area.width) / 3);
            let left =
                [Cell::new(&command.name, role).fitted(name_width, Align::Left), Cell::plain(" "), Cell::plain(doc)];
            let right = [Cell::new(&command.keys, Role::Key)];
            let line = spread(&left, &right, usize::from(area.width).saturating_sub(2));
            paint.line_at(area, row, &marked(is_chosen, line));
        }
    }
}

/// All actions, found by a few letters.
pub struct Palette {
    chooser: Chooser,
}

impl Palette {
    #[must_use]
    pub fn new(commands: Vec<Command>) -> Self {
        Self { chooser: Chooser::new(commands) }
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if pressed(input, Key::ESC) {
            return Outcome::Close;
        }
        if pressed(input, Key::ENTER) {
            // An action that can't be done says why where it would have been done.
            let place = self.chooser.fitting.get(self.chooser.at).copied();
            return place.map_or(Outcome::Stay, Outcome::Act);
        }
        self.chooser.input(input);
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        self.chooser.draw(screen, "Commands", paint);
    }
}

type Pick = Box<dyn FnOnce(usize) -> Effect>;

/// A choice that a tab offers.
pub struct Menu {
    title: String,
    chooser: Chooser,
    pick: Option<Pick>,
}

impl Menu {
    #[must_use]
    pub fn new(title: impl Into<String>, commands: Vec<Command>) -> Self {
        Self { title: title.into(), chooser: Chooser::new(commands), pick: None }
    }

    pub(in crate::tui) fn then(mut self, pick: Pick) -> Self {
        self.pick = Some(pick);
        self
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if pressed(input, Key::ESC) {
            return Outcome::Close;
        }
        if pressed(input, Key::ENTER) {
            let Some(chosen) = self.chooser.chosen() else { return Outcome::Stay };
            return self.pick.take().map_or(Outcome::Close, |pick| Outcome::Done(pick(chosen)));
        }
        self.chooser.input(input);
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        self.chooser.draw(screen, &self.title, paint);
    }
}
