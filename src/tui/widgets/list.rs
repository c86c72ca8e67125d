//! A list that holds a window of its rows, however many there are, and draws only those to be seen.
//!
//! It never counts rows: pages are asked for by the key of the row they start from, and come as messages.

use std::cell::Cell as Slot;
use std::collections::VecDeque;

use ratatui::layout::Rect;

use super::paint::{Paint, row_of};
use crate::tui::tab::Nav;
use crate::view::{Cell, Column, Role, Table};

/// Rows fetched at once: more than any screen shows.
pub const PAGE: usize = 200;
/// Rows held at most.
const WINDOW: usize = 3 * PAGE;
/// Fetch on when fewer rows than this are left beyond the cursor.
const MARGIN: usize = PAGE / 2;

/// A row that has a key: unique in its list, and what the list is ordered by.
pub trait Keyed {
    type Key: Clone + PartialEq + Send + 'static;
    fn key(&self) -> Self::Key;
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge<K> {
    Start,
    End,
    /// The rows just after this one.
    After(K),
    /// The rows just before this one.
    Before(K),
    /// This row and those after it.
    From(K),
}

/// A page that the list lacks. Whoever fetches it hands `ticket` back with the rows, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want<K> {
    pub edge: Edge<K>,
    pub limit: usize,
    pub ticket: u64,
}

/// The state of a list. Selection is a key, never a row number.
#[derive(Debug)]
pub struct List<R: Keyed> {
    rows: VecDeque<R>,
    selected: Option<R::Key>,
    top: Slot<usize>,
    height: Slot<usize>,
    ends: Ends,
    pending: Option<Want<R::Key>>,
    tickets: u64,
}

/// Which ends of the list the window has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    loaded: bool,
    start: bool,
    end: bool,
}

impl<R: Keyed> Default for List<R> {
    fn default() -> Self {
        Self {
            rows: VecDeque::new(),
            selected: None,
            top: Slot::new(0),
            height: Slot::new(20),
            ends: Ends { loaded: false, start: false, end: false },
            pending: None,
            tickets: 0,
        }
    }
}

impl<R: Keyed> List<R> {
    /// A list whose rows are all there.
    #[must_use]
    pub fn of(rows: Vec<R>) -> Self {
        let mut list = Self::default();
        list.set(rows);
        list
    }

    /// Replaces all rows; keeps the selection where its row still exists, and its place where not.
    pub fn set(&mut self, rows: Vec<R>) {
        let place = self.place();
        self.rows = rows.into();
        self.ends = Ends { loaded: true, start: true, end: true };
        self.pending = None;
        self.reselect(place);
    }

    #[must_use]
    pub fn selected(&self) -> Option<&R> {
        self.place().and_then(|place| self.rows.get(place))
    }

    #[must_use]
    pub const fn selected_key(&self) -> Option<&R::Key> {
        self.selected.as_ref()
    }

    /// Selects the row of that key; it need not be loaded yet.
    pub fn select(&mut self, key: R::Key) {
        self.selected = Some(key);
    }

    /// The loaded rows.
    pub fn rows(&self) -> impl Iterator<Item = &R> {
        self.rows.iter()
    }

    /// Whether the first page has come.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.ends.loaded
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn place(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.rows.iter().position(|row| row.key() == *selected)
    }

    fn select_place(&mut self, place: usize) {
        let place = place.min(self.rows.len().saturating_sub(1));
        self.selected = self.rows.get(place).map(Keyed::key);
    }

    fn reselect(&mut self, place_before: Option<usize>) {
        if self.place().is_none() {
            self.select_place(place_before.unwrap_or(0));
        }
    }

    /// Moves the cursor; gives the page to fetch, if that needs one.
    pub fn navigate(&mut self, step: Nav) -> Option<Want<R::Key>> {
        let place = self.place().unwrap_or(0);
        let page = self.height.get().saturating_sub(1).max(1);
        match step {
            Nav::Up => self.select_place(place.saturating_sub(1)),
            Nav::Down => self.select_place(place + 1),
            Nav::PageUp => self.select_place(place.saturating_sub(page)),
            Nav::PageDown => self.select_place(place + page),
            Nav::Home if !self.ends.start => {
                self.selected = None;
                return Some(self.want(Edge::Start, PAGE));
            }
            Nav::Home => self.select_place(0),
            Nav::End if !self.ends.end => return Some(self.want(Edge::End, PAGE)),
            Nav::End => self.select_place(self.rows.len()),
            Nav::Left | Nav::Right => {}
        }
        self.more()
    }

    /// The page that the place of the cursor asks for, if it is not on its way.
    pub fn more(&mut self) -> Option<Want<R::Key>> {
        if self.pending.is_some() {
            return None;
        }
        if !self.ends.loaded {
            return Some(self.want(Edge::Start, PAGE));
        }
        let place = self.place().unwrap_or(0);
        if !self.ends.end && place + MARGIN >= self.rows.len() {
            let last = self.rows.back()?.key();
            return Some(self.want(Edge::After(last), PAGE));
        }
        if !self.ends.start && place < MARGIN {
            let first = self.rows.front()?.key();
            return Some(self.want(Edge::Before(first), PAGE));
        }
        None
    }

    /// The window again, because rows may have changed. Replaces a page that is on its way.
    pub fn reload(&mut self) -> Want<R::Key> {
        let limit = self.rows.len().max(PAGE);
        let edge = match self.rows.front() {
            Some(first) if !self.ends.start => Edge::From(first.key()),
            _ => Edge::Start,
        };
        self.want(edge, limit)
    }

    /// Forgets everything: another filter, another order.
    pub fn restart(&mut self) -> Want<R::Key> {
        let tickets = self.tickets;
        let height = self.height.get();
        *self = Self { tickets, ..Self::default() };
        self.height.set(height);
        self.want(Edge::Start, PAGE)
    }

    fn want(&mut self, edge: Edge<R::Key>, limit: usize) -> Want<R::Key> {
        self.tickets += 1;
        let want = Want { edge, limit, ticket: self.tickets };
        self.pending = Some(want.clone());
        want
    }

    /// Takes a page in; false when it is not the one waited for. Follow with [`List::more`].
    pub fn receive(&mut self, ticket: u64, rows: Vec<R>) -> bool {
        let Some(want) = self.pending.take_if(|want| want.ticket == ticket) else { return false };
        let place = self.place();
        let is_last = rows.len() < want.limit;
        self.ends.loaded = true;
        match want.edge {
            Edge::Start => self.replace(rows, true, is_last),
            Edge::From(_) => self.replace(rows, false, is_last),
            Edge::End => {
                self.replace(rows, is_last, true);
                self.select_place(self.rows.len());
                return true;
            }
            Edge::After(_) => self.append(rows, is_last),
            Edge::Before(_) => self.prepend(rows, is_last),
        }
        self.reselect(place);
        true
    }

    /// The page could not be fetched; it will be asked for again with the next step.
    pub fn failed(&mut self, ticket: u64) {
        self.pending.take_if(|want| want.ticket == ticket);
    }

    fn replace(&mut self, rows: Vec<R>, start: bool, end: bool) {
        self.rows = rows.into();
        self.ends = Ends { loaded: true, start, end };
    }

    fn append(&mut self, rows: Vec<R>, is_last: bool) {
        self.rows.extend(rows);
        self.ends.end = is_last;
        while self.rows.len() > WINDOW {
            self.rows.pop_front();
            self.top.set(self.top.get().saturating_sub(1));
            self.ends.start = false;
        }
    }

    fn prepend(&mut self, rows: Vec<R>, is_last: bool) {
        self.top.set(self.top.get() + rows.len());
        for row in rows.into_iter().rev() {
            self.rows.push_front(row);
        }
        self.ends.start = is_last;
        while self.rows.len() > WINDOW {
            self.rows.pop_back();
            self.ends.end = false;
        }
    }

    /// Draws headings and visible rows. The selected one has a marker, and the cell of `key_column` in focus.
    pub fn draw(
        &self,
        area: Rect,
        paint: &mut Paint<'_>,
        columns: &[Column],
        key_column: usize,
        mut cells: impl FnMut(&R, &mut Paint<'_>) -> Vec<Cell>,
    ) {
        let table = Table::new(columns, usize::from(area.width).saturating_sub(2));
        paint.line_at(area, 0, &marked(false, table.header()));
        self.draw_rows(super::paint::split_top(area, 1).1, paint, |row, selected, paint| {
            let mut cells = cells(row, paint);
            if selected && let Some(cell) = cells.get_mut(key_column) {
                cell.role = Role::Focus;
            }
            marked(selected, table.row(&cells))
        });
    }

    /// Draws the visible rows, as `line` makes them.
    pub fn draw_rows(
        &self,
        area: Rect,
        paint: &mut Paint<'_>,
        mut line: impl FnMut(&R, bool, &mut Paint<'_>) -> crate::view::Line,
    ) {
        let place = self.place();
        let top = self.scroll(usize::from(area.height), place);
        for (row, at) in (0..area.height).zip(top..self.rows.len()) {
            let Some(item) = self.rows.get(at) else { break };
            let line = line(item, place == Some(at), paint);
            paint.line(row_of(area, row), &line);
        }
    }

    /// Moves the window as little as keeps the cursor in it.
    fn scroll(&self, height: usize, place: Option<usize>) -> usize {
        self.height.set(height.max(1));
        let highest = self.rows.len().saturating_sub(height);
        let mut top = self.top.get().min(highest);
        if let Some(place) = place {
            top = top.min(place).max((place + 1).saturating_sub(height));
        }
        self.top.set(top);
        top
    }
}

/// Stands before the selected row; as many blanks before the others.
const MARKER: &str = "▶ ";

/// The line with marker or blanks before it.
#[must_use]
pub fn marked(selected: bool, mut line: crate::view::Line) -> crate::view::Line {
    let marker = if selected { Cell::new(MARKER, Role::Key) } else { Cell::plain("  ") };
    line.insert(0, marker);
    line
}
