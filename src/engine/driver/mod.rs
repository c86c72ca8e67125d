//! Performs what the core commands: HTTP through the connectors, rows through the store, time through the clock.

pub mod snapshot;
