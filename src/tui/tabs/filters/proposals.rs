//! What could come next, in a list at the cursor: opened with Tab, narrowed by typing, taken with Tab or Enter.

use ratatui::layout::{Position, Rect};

use crate::filter::{Completion, complete};
use crate::tui::tabs::filters::Filters;
use crate::tui::widgets::Paint;
use crate::view::cell::{Align, clipped, line_width};
use crate::view::{Cell, Line, Role};

/// Rows of the open list.
const ROWS: usize = 8;
/// Columns of what would be inserted, and of what that is called.
const NAME: usize = 26;
const LABEL: usize = 28;

/// The open list.
pub struct Proposals {
    all: Vec<Completion>,
    place: usize,
}

/// What could come next at the cursor, the best first.
pub fn at_cursor(tab: &Filters) -> Vec<Completion> {
    let (Some(known), from) = (tab.fields(), tab.to.other()) else { return Vec::new() };
    let fields = tab.draft.current().map_or(&[][..], |object| &object.fields);
    let mapped: Vec<_> = fields.iter().map(|field| field.field(from)).collect();
    complete(&tab.editor.text(), tab.editor.cursor(), known, &mapped)
}

impl Proposals {
    /// None where there is nothing to choose from.
    pub fn open(all: Vec<Completion>) -> Option<Self> {
        if all.is_empty() { None } else { Some(Self { all, place: 0 }) }
    }

    pub fn selected(&self) -> Option<&Completion> {
        self.all.get(self.place)
    }

    /// Moves by so many rows; beyond an end it goes on at the other one.
    pub const fn step(&mut self, down: bool) {
        let last = self.all.len().saturating_sub(1);
        self.place = match (down, self.place) {
            (true, place) if place >= last => 0,
            (true, place) => place + 1,
            (false, 0) => last,
            (false, place) => place - 1,
        };
    }

    /// Draws the list below the cursor, or above it where there is more room.
    pub fn draw(&self, cursor: Position, within: Rect, paint: &mut Paint<'_>) {
        let below = within.bottom().saturating_sub(cursor.y + 1);
        let above = cursor.y.saturating_sub(within.top());
        let wanted = u16::try_from(self.all.len().min(ROWS) + 2).unwrap_or(2);
        let is_below = below >= wanted || below >= above;
        let height = wanted.min(if is_below { below } else { above });
        if height < 3 {
            return;
        }
        let lines = self.lines(usize::from(height) - 2);
        let widest = lines.iter().map(|line| line_width(line)).max().unwrap_or(0);
        let width = u16::try_from(widest + 4).unwrap_or(u16::MAX).min(within.width);
        // the names stand under what is typed
        let typed = self.selected().map_or(0, |proposal| proposal.replace.len());
        let x = cursor.x.saturating_sub(u16::try_from(typed).unwrap_or(0).saturating_add(4));
        let x = x.min(within.right().saturating_sub(width)).max(within.x);
        let y = if is_below { cursor.y + 1 } else { cursor.y - height };
        let title = format!("{} of {}", self.place + 1, self.all.len());
        let inside = paint.boxed(Rect::new(x, y, width, height), &title);
        let room = usize::from(inside.width);
        let lines: Vec<Line> = lines.iter().map(|line| clipped(line, room)).collect();
        paint.lines(inside, &lines);
    }

    /// As many rows around the selected one as there is room for.
    fn lines(&self, rows: usize) -> Vec<Line> {
        let first = (self.place + 1).saturating_sub(rows);
        let widest = |most: usize, of: fn(&Completion) -> &str| {
            self.all.iter().map(|proposal| Cell::plain(of(proposal)).width()).max().unwrap_or(0).min(most)
        };
        let (name, label) = (widest(NAME, |proposal| &proposal.insert), widest(LABEL, called));
        let row = |(at, proposal): (usize, &Completion)| {
            let is_selected = at == self.place;
            let role = if is_selected { Role::Focus } else { Role::Text };
            let mut line = vec![
                Cell::new(if is_selected { "▶ " } else { "  " }, Role::Key),
                Cell::new(proposal.insert.trim_start(), role).fitted(name, Align::Left),
            ];
            if label > 0 {
                line.push(Cell::plain("  "));
                line.push(Cell::plain(called(proposal)).fitted(label, Align::Left));
            }
            if !proposal.detail.is_empty() {
                line.push(Cell::muted(format!("  {}", proposal.detail)));
            }
            if proposal.is_mapped {
                line.push(Cell::muted(" · mapped"));
            }
            line
        };
        self.all.iter().enumerate().skip(first).take(rows).map(row).collect()
    }
}

/// What it is for people, where the text to insert does not say so already.
fn called(proposal: &Completion) -> &str {
    let bare = proposal.insert.trim().trim_matches(['"', '`']);
    if bare.eq_ignore_ascii_case(&proposal.label) { "" } else { &proposal.label }
}
