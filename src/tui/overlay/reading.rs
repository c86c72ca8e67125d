//! Overlays to read and to answer with one key: help, errors, questions, previews.

use std::cell::Cell as Slot;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::{Outcome, centered, keys, pressed};
use crate::tui::action::Key;
use crate::tui::ctx::Effect;
use crate::tui::report::Report;
use crate::tui::tab::Input;
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::view::cell::{flowed, line_width, spread, wrapped};
use crate::view::{Cell, Line, Role};

/// How far a text is scrolled. Clamped when drawn, where its height is known.
#[derive(Debug, Default)]
struct Scroll {
    top: Slot<usize>,
    page: Slot<usize>,
}

impl Scroll {
    /// Whether the input was a step.
    fn input(&self, input: &Input) -> bool {
        let Input::Key(event) = input else { return false };
        let (top, page) = (self.top.get(), self.page.get().saturating_sub(1).max(1));
        let to = match event.code {
            KeyCode::Up | KeyCode::Char('k') => top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => top + 1,
            KeyCode::PageUp => top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => top + page,
            KeyCode::Home => 0,
            KeyCode::End => usize::MAX / 2,
            _ => return false,
        };
        self.top.set(to);
        true
    }

    fn draw(&self, area: Rect, lines: &[Line], paint: &mut Paint<'_>) {
        let height = usize::from(area.height);
        self.page.set(height);
        self.top.set(self.top.get().min(lines.len().saturating_sub(height)));
        paint.lines(area, &lines[self.top.get()..]);
    }

    /// How to see the rest, where there is more than fits into `height`.
    fn hint(lines: usize, height: u16) -> Option<(&'static str, &'static str)> {
        (lines > usize::from(height)).then_some(("↑ ↓", "scroll"))
    }
}

/// Splits a dialog's inside into its text and its last line.
fn with_footer(inside: Rect) -> (Rect, Rect) {
    let body = split_top(inside, inside.height.saturating_sub(1)).0;
    (body, row_of(inside, inside.height.saturating_sub(1)))
}

/// The footer of a dialog, at its right end.
fn draw_footer(area: Rect, line: &[Cell], paint: &mut Paint<'_>) {
    paint.line(area, &spread(&[], line, usize::from(area.width)));
}

fn rows(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// One action in the help.
#[derive(Debug, Clone)]
pub struct HelpEntry {
    pub group: &'static str,
    pub keys: String,
    pub doc: String,
    /// Why it can't be done now.
    pub not_now: Option<String>,
}

/// All keys, with what they do and why some don't.
#[derive(Debug)]
pub struct Help {
    entries: Vec<HelpEntry>,
    scroll: Scroll,
}

impl Help {
    #[must_use]
    pub fn new(entries: Vec<HelpEntry>) -> Self {
        Self { entries, scroll: Scroll::default() }
    }

    pub(super) fn input(&self, input: &Input) -> Outcome {
        if self.scroll.input(input) {
            return Outcome::Stay;
        }
        match input {
            Input::Key(event) if matches!(event.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('?' | 'q')) => {
                Outcome::Close
            }
            _ => Outcome::Stay,
        }
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let lines = self.lines(usize::from(screen.width.min(76)).saturating_sub(4));
        let inside = paint.boxed(centered(screen, 76, rows(lines.len() + 3)), "Keys");
        let (body, footer) = with_footer(inside);
        self.scroll.draw(body, &lines, paint);
        draw_footer(footer, &keys(&[("↑ ↓", "scroll"), ("Esc", "close")]), paint);
    }

    fn lines(&self, width: usize) -> Vec<Line> {
        let key_width = 17.min(width / 3);
        let mut lines = Vec::new();
        let mut group = "";
        for entry in &self.entries {
            if entry.group != group {
                group = entry.group;
                lines.push(vec![Cell::strong(group)]);
            }
            let room = width.saturating_sub(key_width + 1);
            let mut key = Cell::new(&entry.keys, Role::Key);
            let not_now = entry.not_now.as_ref().map(|reason| format!("not now: {reason}"));
            let doc = wrapped(&entry.doc, room).into_iter().map(Cell::plain);
            let not_now = not_now.into_iter().flat_map(|reason| wrapped(&reason, room)).map(Cell::muted);
            for text in doc.chain(not_now) {
                let key = std::mem::take(&mut key).fitted(key_width, crate::view::cell::Align::Left);
                lines.push(vec![key, Cell::plain(" "), text]);
            }
        }
        lines
    }
}

/// The errors so far, newest first.
#[derive(Debug, Default)]
pub struct Errors {
    scroll: Scroll,
}

impl Errors {
    pub(super) fn input(&self, input: &Input) -> Outcome {
        if self.scroll.input(input) {
            return Outcome::Stay;
        }
        if pressed(input, Key::char('x')) {
            return Outcome::DismissErrors;
        }
        match input {
            Input::Key(event) if matches!(event.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('!' | 'q')) => {
                Outcome::Close
            }
            _ => Outcome::Stay,
        }
    }

    pub(super) fn draw(&self, screen: Rect, reports: &[Report], paint: &mut Paint<'_>) {
        let columns = screen.width.min(78);
        let width = usize::from(columns).saturating_sub(4);
        let lines: Vec<Line> = reports.iter().rev().flat_map(|report| report_lines(report, width)).collect();
        let inside = paint.boxed(centered(screen, columns, rows(lines.len() + 3)), "Errors");
        let (body, footer) = with_footer(inside);
        self.scroll.draw(body, &lines, paint);
        draw_footer(footer, &keys(&[("x", "dismiss all"), ("Esc", "close")]), paint);
    }
}

fn report_lines(report: &Report, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut push = |text: &str, role: Role, indent: usize| {
        for line in wrapped(text, width.saturating_sub(indent)) {
            lines.push(vec![Cell::plain(" ".repeat(indent)), Cell::new(line, role)]);
        }
    };
    push(&format!("! {}", report.what), Role::Error, 0);
    if let Some(cause) = &report.cause {
        push(cause, Role::Text, 2);
    }
    push(&report.hint, Role::Muted, 2);
    lines
}

/// A question before something that can't simply be taken back.
pub struct Confirm {
    title: String,
    lines: Vec<Line>,
    verb: String,
    scroll: Scroll,
    yes: Option<Effect>,
    other: Option<Other>,
}

/// A second answer, which Enter never is.
struct Other {
    key: char,
    verb: String,
    effect: Option<Effect>,
}

impl Confirm {
    /// `lines` say what would be done, to how much, and whether it can be undone; `verb` is the word beside Enter.
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<Line>, verb: impl Into<String>) -> Self {
        Self { title: title.into(), lines, verb: verb.into(), scroll: Scroll::default(), yes: None, other: None }
    }

    pub(in crate::tui) fn then(mut self, yes: Effect) -> Self {
        self.yes = Some(yes);
        self
    }

    pub(in crate::tui) fn or(mut self, key: char, verb: &str, effect: Effect) -> Self {
        self.other = Some(Other { key, verb: verb.to_owned(), effect: Some(effect) });
        self
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if let Some(other) = self.other.as_mut().filter(|other| pressed(input, Key::char(other.key))) {
            return other.effect.take().map_or(Outcome::Close, Outcome::Done);
        }
        if self.scroll.input(input) {
            return Outcome::Stay;
        }
        if pressed(input, Key::ENTER) || pressed(input, Key::char('y')) {
            return self.yes.take().map_or(Outcome::Close, Outcome::Done);
        }
        if pressed(input, Key::ESC) || pressed(input, Key::char('n')) || pressed(input, Key::char('q')) {
            return Outcome::Close;
        }
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let (inside, lines) = dialog(screen, &self.title, &self.lines, paint);
        let (body, footer) = with_footer(inside);
        self.scroll.draw(body, &lines, paint);
        let mut shown = vec![("Esc", "cancel")];
        shown.splice(0..0, Scroll::hint(lines.len(), body.height));
        let key = self.other.as_ref().map(|other| other.key.to_string()).unwrap_or_default();
        shown.extend(self.other.as_ref().map(|other| (key.as_str(), other.verb.as_str())));
        shown.push(("Enter", &self.verb));
        draw_footer(footer, &keys(&shown), paint);
    }
}

/// Lines to read before something is sent, or just to read.
pub struct Preview {
    title: String,
    lines: Vec<Line>,
    verb: String,
    scroll: Scroll,
    accept: Option<Effect>,
}

impl Preview {
    /// `verb` is the word beside Enter where there is something to accept.
    #[must_use]
    pub fn new(title: impl Into<String>, lines: Vec<Line>, verb: impl Into<String>) -> Self {
        Self { title: title.into(), lines, verb: verb.into(), scroll: Scroll::default(), accept: None }
    }

    pub(in crate::tui) fn then(mut self, accept: Option<Effect>) -> Self {
        self.accept = accept;
        self
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if self.scroll.input(input) {
            return Outcome::Stay;
        }
        if pressed(input, Key::ENTER) {
            return self.accept.take().map_or(Outcome::Close, Outcome::Done);
        }
        if pressed(input, Key::ESC) || pressed(input, Key::char('q')) {
            return Outcome::Close;
        }
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let (inside, lines) = dialog(screen, &self.title, &self.lines, paint);
        let (body, footer) = with_footer(inside);
        self.scroll.draw(body, &lines, paint);
        let close = [("Esc", "close")];
        let both = [("Esc", "cancel"), ("Enter", self.verb.as_str())];
        let answers: &[(&str, &str)] = if self.accept.is_some() { &both } else { &close };
        let shown: Vec<_> = Scroll::hint(lines.len(), body.height).into_iter().chain(answers.iter().copied()).collect();
        draw_footer(footer, &keys(&shown), paint);
    }
}

/// A box as wide as the lines need, at least half the screen, and the lines as they fit into it.
fn dialog(screen: Rect, title: &str, lines: &[Line], paint: &mut Paint<'_>) -> (Rect, Vec<Line>) {
    let widest = lines.iter().map(|line| line_width(line)).max().unwrap_or(0);
    let columns = rows(widest.saturating_add(4)).clamp(40, WIDEST).max(screen.width / 2);
    let width = usize::from(columns.min(screen.width)).saturating_sub(4);
    let lines: Vec<Line> = lines.iter().flat_map(|line| flowed(line, width, 2)).collect();
    (paint.boxed(centered(screen, columns, rows(lines.len() + 3)), title), lines)
}

/// Longer lines are broken: they would be hard to read.
const WIDEST: u16 = 100;
