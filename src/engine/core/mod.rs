//! The deterministic core: `step(now, events) -> commands`. No clock, no I/O, no randomness, no thread.

pub mod command;
pub mod phase;
pub mod plan;
pub mod request;
pub mod state;
pub mod step;
pub mod view;

pub use step::{Engine, Mode};
