//! An overlay to take some of several: each line has a tick of its own.

use std::cell::Cell as Slot;

use crossterm::event::KeyCode;
use ratatui::layout::Rect;

use super::{Outcome, centered, keys, pressed};
use crate::tui::action::Key;
use crate::tui::ctx::Effect;
use crate::tui::tab::Input;
use crate::tui::widgets::Paint;
use crate::tui::widgets::list::marked;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::view::cell::{clipped, line_width, spread};
use crate::view::{Cell, Line, Role};

type Take = Box<dyn FnOnce(Vec<usize>) -> Effect>;

/// Lines of which a person takes those with a tick.
pub struct Ticks {
    title: String,
    /// Stands above the lines and stays there.
    header: Line,
    lines: Vec<Line>,
    ticked: Vec<bool>,
    at: usize,
    top: Slot<usize>,
    page: Slot<usize>,
    take: Option<Take>,
}

impl Ticks {
    /// Each line with whether it is ticked from the start.
    #[must_use]
    pub fn new(title: impl Into<String>, header: Line, lines: Vec<(Line, bool)>) -> Self {
        let (lines, ticked) = lines.into_iter().unzip();
        let (at, top, page) = (0, Slot::new(0), Slot::new(10));
        Self { title: title.into(), header, lines, ticked, at, top, page, take: None }
    }

    pub(in crate::tui) fn then(mut self, take: Take) -> Self {
        self.take = Some(take);
        self
    }

    fn taken(&self) -> Vec<usize> {
        (0..self.lines.len()).filter(|at| self.ticked[*at]).collect()
    }

    pub(super) fn input(&mut self, input: &Input) -> Outcome {
        if pressed(input, Key::ESC) || pressed(input, Key::char('q')) {
            return Outcome::Close;
        }
        if pressed(input, Key::ENTER) {
            let taken = self.taken();
            if taken.is_empty() {
                return Outcome::Stay;
            }
            return self.take.take().map_or(Outcome::Close, |take| Outcome::Done(take(taken)));
        }
        let Input::Key(event) = input else { return Outcome::Stay };
        let (last, page) = (self.lines.len().saturating_sub(1), self.page.get().max(1));
        match event.code {
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::PageUp => self.at = self.at.saturating_sub(page),
            KeyCode::PageDown => self.at = (self.at + page).min(last),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = last,
            KeyCode::Char(' ') => {
                if let Some(tick) = self.ticked.get_mut(self.at) {
                    *tick = !*tick;
                }
            }
            KeyCode::Char('a') => {
                let all = self.ticked.iter().all(|tick| *tick);
                self.ticked.fill(!all);
            }
            _ => {}
        }
        Outcome::Stay
    }

    pub(super) fn draw(&self, screen: Rect, paint: &mut Paint<'_>) {
        let widest = self.lines.iter().chain([&self.header]).map(|line| line_width(line)).max().unwrap_or(0);
        let columns = u16::try_from(widest + 12).unwrap_or(u16::MAX).max(72);
        let rows = u16::try_from(self.lines.len() + 4).unwrap_or(u16::MAX);
        let inside = paint.boxed(centered(screen, columns, rows), &self.title);
        let width = usize::from(inside.width);
        let (head, rest) = split_top(inside, 1);
        let mut header = vec![Cell::plain("      ")];
        header.extend(self.header.iter().cloned());
        paint.line(head, &clipped(&header, width));
        let (body, footer) = split_top(rest, rest.height.saturating_sub(1));
        self.draw_lines(body, paint);
        paint.line(footer, &spread(&[], &self.footer(), width));
    }

    fn draw_lines(&self, area: Rect, paint: &mut Paint<'_>) {
        let height = usize::from(area.height);
        self.page.set(height);
        let top = self.top.get().min(self.at).max((self.at + 1).saturating_sub(height));
        self.top.set(top);
        for (row, (at, line)) in (0..area.height).zip(self.lines.iter().enumerate().skip(top)) {
            let is_here = at == self.at;
            let tick = Cell::new(if self.ticked[at] { "[x]" } else { "[ ]" }, tick_role(is_here));
            let mut cells = vec![tick, Cell::plain(" ")];
            cells.extend(line.iter().cloned());
            paint.line(row_of(area, row), &clipped(&marked(is_here, cells), usize::from(area.width)));
        }
    }

    fn footer(&self) -> Line {
        let (taken, all) = (self.taken().len(), self.lines.len());
        let take = format!("take {taken} of {all}");
        let take = if taken == 0 { "nothing is ticked" } else { &take };
        keys(&[("Space", "tick"), ("a", "all or none"), ("Esc", "cancel"), ("Enter", take)])
    }
}

const fn tick_role(is_here: bool) -> Role {
    if is_here { Role::Focus } else { Role::Text }
}
