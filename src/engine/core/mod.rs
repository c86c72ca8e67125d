//! The deterministic core: `step(now, events) -> commands`. No clock, no I/O, no randomness, no thread.
//!
//! The way of one change: `pull` reads it into the cache and marks the record · `evaluate` plans every marked pair,
//! settles what is local, guards and queues what must be written · `apply` reads afresh, plans again, journals and
//! sends · `outcome` takes in the answers, `recover` the silences · [`plan`] is the one place that decides.
//! `guard` counts what a run would come to, with what `foresight` sees coming, and `cover` knows what a person let through.
//! `reconsider` goes through everything after a change of configuration, but for what is at [`rest`].
//! [`trial`] tells what a draft would decide in all. [`undo`] goes the way back. `hints` makes a look at both systems come sooner.

mod absent;
mod agreement;
mod answer;
mod apply;
mod ask;
pub mod command;
mod counterparts;
mod cover;
mod cut_off;
mod endless;
mod evaluate;
mod foresight;
mod guard;
mod hints;
mod outcome;
pub mod overlay;
mod overwrites;
mod own_change;
pub mod phase;
pub mod plan;
mod pull;
mod reconsider;
mod recover;
mod refusal;
pub mod request;
pub mod rest;
mod rights;
mod side;
pub mod state;
pub mod step;
pub mod trial;
pub mod undo;
mod untold;
mod vanished;
pub mod view;

pub use answer::is_same_tenant;
pub use side::Side;
pub use step::{Engine, Mode};
