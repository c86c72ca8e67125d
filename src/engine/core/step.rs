//! The state machine itself: one step at a time.

use super::command::{Command, Event};
use super::phase::Phase;
use super::view::{View, ViewResult};
use crate::mapping::Rules;
use crate::model::Timestamp;

/// What an engine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Looks at both systems again and again, `timing.poll` seconds apart.
    Watch,
    /// One run, until nothing is left to do now; then idle.
    Once,
    /// One run that reads and plans and writes nothing; then idle.
    Plan,
    /// No runs of its own: only what a person asks.
    Asks,
}

/// The engine of one workspace. Holds only what can be rebuilt: everything that matters is committed.
pub struct Engine {}

impl Engine {
    /// # Errors
    /// When the view cannot be read.
    pub fn new(_rules: Rules, _mode: Mode, _view: &dyn View) -> ViewResult<Self> {
        unimplemented!()
    }

    /// Takes in what happened and says what to do. `now` must not go backwards by more than a clock's jump.
    ///
    /// # Errors
    /// When the view cannot be read; the engine must not be stepped again then.
    pub fn step(&mut self, _now: Timestamp, _view: &dyn View, _events: Vec<Event>) -> ViewResult<Vec<Command>> {
        unimplemented!()
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        unimplemented!()
    }

    /// Nothing is under way and nothing is due: a `Once`, `Plan` or `Asks` engine may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        unimplemented!()
    }
}
