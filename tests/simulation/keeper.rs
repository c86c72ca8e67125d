//! Where the engine's rows really are, when that is more than the memory of the simulation: a file, or a store that fails.
//! The memory of the simulation follows as a mirror, and is what the oracles look at.

use lockstep::engine::core::command::{Batch, Command, Event};
use lockstep::engine::core::view::{View, ViewResult};
use lockstep::engine::core::{Engine, Mode};
use lockstep::mapping::Rules;
use lockstep::model::Timestamp;

use crate::store::MemoryStore;

/// Keeps the rows of one engine after another. An error ends the engine that met it, as it ends the driver.
pub trait Keeper {
    /// An engine starts: opens what it is to read from and write to. Brings the mirror up to what is there.
    fn open(&mut self, mirror: &mut MemoryStore) -> Result<(), String>;

    /// Lets the engine look things up.
    fn look(&mut self, mirror: &MemoryStore, read: Look<'_>) -> Result<(), String>;

    /// Commits a batch; the mirror is not told of it yet.
    fn commit(&mut self, batch: &Batch) -> Result<(), String>;

    /// The engine died or was ended: nothing of it stays open.
    fn close(&mut self);

    /// Faults stop here: from now on nothing may fail any more.
    fn heal(&mut self) {}

    /// Whether an error is what this keeper was made to bring about. Otherwise it is a violation.
    fn is_expected(&self, error: &str) -> bool {
        let _ = error;
        false
    }

    /// Whether all is as it should be in the end.
    fn judge(&mut self, mirror: &MemoryStore) -> Result<(), String> {
        let _ = mirror;
        Ok(())
    }
}

/// What is done with a view.
pub type Look<'a> = &'a mut dyn FnMut(&dyn View) -> ViewResult<()>;

/// An engine upon a store.
pub fn start(keeper: Option<&mut Box<dyn Keeper>>, mirror: &mut MemoryStore, rules: Rules) -> Result<Engine, String> {
    let Some(keeper) = keeper else {
        return Engine::new(rules, Mode::Watch, mirror).map_err(|error| error.to_string());
    };
    keeper.open(mirror)?;
    let (mut rules, mut engine) = (Some(rules), None);
    keeper.look(mirror, &mut |view| {
        if let Some(rules) = rules.take() {
            engine = Some(Engine::new(rules, Mode::Watch, view)?);
        }
        Ok(())
    })?;
    engine.ok_or_else(|| "the store did not let the engine look".to_owned())
}

/// One step of an engine upon a store.
pub fn step(
    keeper: Option<&mut Box<dyn Keeper>>,
    mirror: &MemoryStore,
    engine: &mut Engine,
    now: Timestamp,
    events: Vec<Event>,
) -> Result<Vec<Command>, String> {
    let Some(keeper) = keeper else {
        return engine.step(now, mirror, events).map_err(|error| error.to_string());
    };
    let (mut events, mut commands) = (Some(events), Vec::new());
    keeper.look(mirror, &mut |view| {
        if let Some(events) = events.take() {
            commands = engine.step(now, view, events)?;
        }
        Ok(())
    })?;
    Ok(commands)
}
