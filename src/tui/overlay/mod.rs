//! What lies over the tabs: a stack, of which the topmost gets all input.

mod entry;
mod palette;
mod reading;
mod ticks;

use ratatui::layout::Rect;

use super::action::Key;
use super::ctx::Effect;
use super::report::Report;
use super::tab::Input;
use super::widgets::Paint;
use crate::view::{Cell, Line, Role};

pub use entry::{Prompt, Search};
pub use palette::{Command, Menu, Palette};
pub use reading::{Confirm, Errors, Help, HelpEntry, Preview};
pub use ticks::Ticks;

/// One layer.
pub enum Overlay {
    Help(Help),
    Palette(Palette),
    Menu(Menu),
    Ticks(Ticks),
    Confirm(Confirm),
    Preview(Preview),
    Prompt(Prompt),
    Search(Search),
    Errors(Errors),
}

/// What an overlay made of an input.
pub enum Outcome {
    Stay,
    Close,
    /// Close, and do this.
    Done(Effect),
    /// Close, and do the action of that place in the list of all offers.
    Act(usize),
    /// Stay, and search the tab for this.
    Search(String),
    /// Forget all errors, and close.
    DismissErrors,
}

impl Overlay {
    pub fn input(&mut self, input: &Input) -> Outcome {
        match self {
            Self::Help(help) => help.input(input),
            Self::Palette(palette) => palette.input(input),
            Self::Menu(menu) => menu.input(input),
            Self::Ticks(ticks) => ticks.input(input),
            Self::Confirm(confirm) => confirm.input(input),
            Self::Preview(preview) => preview.input(input),
            Self::Prompt(prompt) => prompt.input(input),
            Self::Search(search) => search.input(input),
            Self::Errors(errors) => errors.input(input),
        }
    }

    /// What stands in the last line of the screen meanwhile; empty where the overlay names its keys itself.
    pub fn hints(&self) -> Line {
        let mut line = match self {
            Self::Palette(_) | Self::Menu(_) => {
                keys(&[("Enter", "choose"), ("↑ ↓", "move"), ("letters", "narrow the list"), ("Esc", "cancel")])
            }
            _ => Line::new(),
        };
        line.insert(0, Cell::plain(" "));
        line
    }

    /// `screen` is all there is; `reports` are the errors so far.
    pub fn draw(&self, screen: Rect, reports: &[Report], paint: &mut Paint<'_>) {
        match self {
            Self::Help(help) => help.draw(screen, paint),
            Self::Palette(palette) => palette.draw(screen, paint),
            Self::Menu(menu) => menu.draw(screen, paint),
            Self::Ticks(ticks) => ticks.draw(screen, paint),
            Self::Confirm(confirm) => confirm.draw(screen, paint),
            Self::Preview(preview) => preview.draw(screen, paint),
            Self::Prompt(prompt) => prompt.draw(screen, paint),
            Self::Search(search) => search.draw(screen, paint),
            Self::Errors(errors) => errors.draw(screen, reports, paint),
        }
    }
}

/// The key of an input, if it is one.
fn pressed(input: &Input, key: Key) -> bool {
    matches!(input, Input::Key(event) if key.matches(event))
}

/// A place in the middle of the screen for `rows` rows of `columns` columns, borders included; less where less is there.
fn centered(screen: Rect, columns: u16, rows: u16) -> Rect {
    let (width, height) = (columns.min(screen.width), rows.min(screen.height));
    Rect::new(screen.x + (screen.width - width) / 2, screen.y + (screen.height - height) / 2, width, height)
}

/// `Esc cancel   Enter send`, to stand at the right end of a dialog's last line.
fn keys(pairs: &[(&str, &str)]) -> Line {
    let mut line = Line::new();
    for (key, doc) in pairs {
        if !line.is_empty() {
            line.push(Cell::plain("   "));
        }
        line.push(Cell::new(*key, Role::Key));
        line.push(Cell::plain(format!(" {doc}")));
    }
    line
}
