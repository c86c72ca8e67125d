//! Performs what the core commands: HTTP through the connectors, rows through the store, time through the clock.

pub mod addition;
pub mod causes;
pub mod check;
pub mod clock;
pub mod connection;
pub mod deploy;
pub mod doctor;
mod follow;
pub mod gaps;
pub mod glance;
mod handle;
pub mod new_field;
pub mod ready;
pub mod receiver;
mod reread;
mod runtime;
pub mod setup;
pub mod snapshot;
pub mod steps;
pub mod trial;
mod watch;

pub use clock::Clock;
pub use handle::EngineHandle;
pub use runtime::{DriverError, Finished, Parts, start};
