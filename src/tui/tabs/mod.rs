//! The tabs of the console, in their order.

pub mod activity;
pub mod connections;
pub mod desk;
pub mod draft;
pub mod filters;
mod finding;
pub mod mappings;
mod objects;
pub mod records;
#[cfg(test)]
mod stored_tests;
#[cfg(test)]
pub mod testing;

use super::action::{Action, Actor, Info};
use super::tab::{Page, Tab};
use crate::view::Line;
pub use desk::Desk;

/// The place of the tab Connections in [`all`].
pub const CONNECTIONS: usize = 0;
/// The place of the tab Records in [`all`].
pub const RECORDS: usize = 3;

/// All tabs, fresh. A new one is listed here and in [`infos`].
#[must_use]
pub fn all(desk: &Desk) -> Vec<Box<dyn Tab>> {
    vec![
        Box::new(connections::Connections::default()),
        Box::new(mappings::Mappings::new(desk)),
        Box::new(filters::Filters::new(desk)),
        Box::new(records::Records::new(desk)),
        Box::new(activity::Activity::default()),
    ]
}

/// What is known of all actions of all tabs, without any state.
#[must_use]
pub fn infos() -> Vec<(&'static str, &'static Info)> {
    [
        of_page::<connections::Connections>(),
        of_page::<mappings::Mappings>(),
        of_page::<filters::Filters>(),
        of_page::<records::Records>(),
        of_page::<activity::Activity>(),
    ]
    .concat()
}

/// Whether rows are being read. However often they change, there is one query at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Reading {
    #[default]
    No,
    Yes,
    /// They changed since the question was put.
    Again,
}

impl Reading {
    /// Whether to put the question now; if not, it is put again when the answer is there.
    const fn begins(&mut self) -> bool {
        let begins = matches!(self, Self::No);
        *self = if begins { Self::Yes } else { Self::Again };
        begins
    }

    /// The answer is there. Whether to put the question again.
    const fn ends(&mut self) -> bool {
        let again = matches!(self, Self::Again);
        *self = Self::No;
        again
    }
}

/// A panel of at least so many lines, if it has any: one that keeps its height from row to row does not move the rows.
fn steady(mut panel: Vec<Line>, lines: usize) -> Vec<Line> {
    if !panel.is_empty() && panel.len() < lines {
        panel.resize(lines, Line::new());
    }
    panel
}

fn of_page<P: Page>() -> Vec<(&'static str, &'static Info)> {
    fn infos<T: Actor>(table: &'static [Action<T>]) -> impl Iterator<Item = &'static Info> {
        table.iter().map(|action| &action.info)
    }
    infos(P::ACTIONS).map(|info| (P::ID.title(), info)).collect()
}
